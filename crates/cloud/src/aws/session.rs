//! The session in one account, and the options with which sessions are requested.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::credentials::secrets_of;
use crate::org::AccountId;
use crate::secret::{Hidden, Secret};
use crate::{Operation, TokenSize};

/// The session in one account. It contains credentials, so it does not implement `Debug`.
pub struct Session {
    pub(super) account: AccountId,
    /// Credentials that were proven to belong to the account.
    pub(super) credentials: SharedCredentialsProvider,
    /// The size of the session token; `None` if the session has the caller's own credentials.
    pub(super) token_size: Option<TokenSize>,
    /// The credentials are hidden in texts from outside as long as the session is in use.
    _hidden: Hidden,
}

impl Session {
    /// Returns a session with credentials that were proven to belong to the account.
    pub(super) fn new(account: AccountId, credentials: Credentials) -> Self {
        Self {
            account,
            token_size: None,
            _hidden: Hidden::new(secrets_of(&credentials)),
            credentials: SharedCredentialsProvider::new(credentials),
        }
    }

    /// Returns the session with the size of its token.
    pub(super) fn with_token_size(self, size: TokenSize) -> Self {
        Self { token_size: Some(size), ..self }
    }

    /// Returns the configuration of one call of IAM with the session's credentials. The client, its connections and its settings
    /// are shared by all accounts.
    pub(super) fn iam_config(&self) -> aws_sdk_iam::config::Builder {
        aws_sdk_iam::config::Builder::new().credentials_provider(self.credentials.clone())
    }

    /// Returns the configuration of one call of CloudTrail with the session's credentials.
    pub(super) fn cloudtrail_config(&self) -> aws_sdk_cloudtrail::config::Builder {
        aws_sdk_cloudtrail::config::Builder::new().credentials_provider(self.credentials.clone())
    }
}

/// The parameters that all AssumeRole calls of the run share.
#[derive(Clone)]
pub struct SessionOptions {
    /// The session's name, as CloudTrail shows it.
    pub name: String,
    /// The session's duration, 900 to 43,200 seconds; at most 3,600 if the caller is a role session.
    pub duration: Duration,
    /// The source identity, which CloudTrail shows for every session that is opened from this session.
    pub source_identity: Option<String>,
    /// The external id that the roles' trust policies require.
    pub external_id: Option<Secret>,
    /// The external ids of single accounts, which replace `external_id` in these accounts.
    pub external_ids: BTreeMap<AccountId, Secret>,
    /// A session policy in JSON.
    pub policy: Option<String>,
}

impl Default for SessionOptions {
    /// Returns the options for sessions of 15 minutes that are only allowed to read the account summary.
    fn default() -> Self {
        Self {
            name: "v2token".to_owned(),
            duration: Duration::from_mins(15),
            source_identity: None,
            external_id: None,
            external_ids: BTreeMap::new(),
            policy: Some(session_policy(&[Operation::GetAccountSummary])),
        }
    }
}

impl SessionOptions {
    /// Returns the external id for the role in an account.
    pub(super) fn external_id_for(&self, account: AccountId) -> Option<&Secret> {
        self.external_ids.get(&account).or(self.external_id.as_ref())
    }
}

/// Returns a session policy that allows exactly these operations.
pub fn session_policy(operations: &[Operation]) -> String {
    let actions: Vec<String> = operations.iter().map(|operation| operation.action()).collect();
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    })
    .to_string()
}
