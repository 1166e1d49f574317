//! This module owns what is needed to connect to AWS, and what can stand in the way.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::clock::Clock;
use super::endpoint::EndpointRefused;
use super::http::{CaBundleRefused, ProxyRefused};
use crate::cloud::{Failure, Operation};
use crate::org::AccountId;
use crate::org::region::RegionRefused;
use crate::org::role::ViaRole;
use crate::secret::Secret;

/// What is needed to connect. It may hold a secret, so it can't be printed.
#[derive(Clone)]
pub struct ConnectOptions {
    /// The profile named on the command line; it then wins over credentials in the environment, as in the AWS CLI.
    pub profile: Option<String>,
    /// The Region named on the command line, else that of the AWS chain.
    pub region: Option<String>,
    /// One endpoint for Organizations, STS and IAM. It does not redirect the credential providers.
    pub endpoint_url: Option<String>,
    /// Certificate authorities to trust instead of the system's: a PEM file.
    pub ca_bundle: Option<PathBuf>,
    /// How many connections may be open to one host.
    pub connections: usize,
    /// How often a call outside the visits is tried.
    pub max_attempts: u32,
    /// The MFA device of the base credentials.
    pub mfa: Mfa,
    /// Roles to go through before the accounts, in order.
    pub via_roles: Vec<ViaRole>,
    /// How sessions in the accounts are asked for.
    pub session: SessionOptions,
    /// What AWS's clock shows is kept here.
    pub clock: Clock,
}

impl Default for ConnectOptions {
    /// The usual AWS chain, and sessions of 15 minutes that may only read the account summary.
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            ca_bundle: None,
            connections: 32,
            max_attempts: 8,
            mfa: Mfa::default(),
            via_roles: Vec::new(),
            session: SessionOptions::default(),
            clock: Clock::default(),
        }
    }
}

/// The MFA device of the base credentials. It may hold a code, so it can't be printed.
#[derive(Clone, Default)]
pub struct Mfa {
    /// The device; else that of the profile, if it assumes a role with one.
    pub serial: Option<String>,
    /// The code that it shows.
    pub token: Option<Secret>,
}

/// A session policy that allows exactly these operations.
pub(crate) fn session_policy(operations: &[Operation]) -> String {
    let actions: Vec<String> = operations.iter().map(|operation| operation.action()).collect();
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    })
    .to_string()
}

/// What every AssumeRole of the run asks for.
#[derive(Clone)]
pub struct SessionOptions {
    /// The session's name, as CloudTrail shows it.
    pub name: String,
    /// How long it lasts, 900 to 43,200 seconds; 3,600 at most where the caller is a role's session itself.
    pub duration: Duration,
    /// Who is behind it, as CloudTrail shows it in every session that follows from it.
    pub source_identity: Option<String>,
    /// What the roles' trust policies may ask for.
    pub external_id: Option<Secret>,
    /// What those of single accounts ask for instead.
    pub external_ids: BTreeMap<AccountId, Secret>,
    /// A JSON policy that narrows what the session may do.
    pub policy: Option<String>,
}

impl Default for SessionOptions {
    /// Sessions of 15 minutes that may only read the account summary.
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
    /// The external id for the role in an account.
    pub(super) fn external_id_for(&self, account: AccountId) -> Option<&Secret> {
        self.external_ids.get(&account).or(self.external_id.as_ref())
    }
}

/// The connection could not be made. Nothing was attempted in any account.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailed {
    /// No Region was named anywhere.
    #[error("no Region is configured")]
    NoRegion,
    /// The Region can't be used.
    #[error(transparent)]
    Region(#[from] RegionRefused),
    /// The endpoint can't be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointRefused),
    /// The CA bundle can't be used.
    #[error(transparent)]
    CaBundle(#[from] CaBundleRefused),
    /// The proxy on the way can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyRefused),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Failure),
    /// STS answered, but named nobody.
    #[error(transparent)]
    Nobody(#[from] crate::org::caller::ParseCallerError),
    /// The profile can't be used.
    #[error("profile {profile:?}: {detail}")]
    Profile {
        /// The profile.
        profile: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A code of the MFA device is needed.
    #[error("the MFA device {serial} is to be used, and there is no code of it")]
    MfaTokenMissing {
        /// The device.
        serial: String,
    },
    /// A code was given, but no device.
    #[error("--mfa-token is given, but no device: name it with --mfa-serial")]
    MfaSerialMissing,
    /// A session that is opened by a role's session lasts an hour at most.
    #[error(
        "the caller {arn} is a role's session already, so the sessions that it opens last 3600 s at most, and {} s are asked for",
        asked.as_secs()
    )]
    ChainedTooLong {
        /// The caller.
        arn: String,
        /// How long the sessions should last.
        asked: Duration,
    },
    /// Tokens of the global STS endpoint can't be proven.
    #[error("--verify token: {detail}")]
    NoProof {
        /// Why not.
        detail: String,
    },
    /// A role on the way could not be assumed.
    #[error("{}", .0.message)]
    Via(Failure),
}
