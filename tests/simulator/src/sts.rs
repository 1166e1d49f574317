//! The STS operation `GetCallerIdentity`, ARNs of principals, and the issuing of sessions.

use std::time::Duration;

use crate::account_id::AccountId;
use crate::answer::{ApiError, Document, Reply, escape};
use crate::clock;
use crate::constraint;
use crate::credentials::{Credentials, Identity, Login, Principal, Session};
use crate::dispatch::{Context, Outcome};
use crate::world::World;

impl World {
    /// Returns the ARN that error messages and `GetCallerIdentity` show.
    pub(crate) fn arn(&self, principal: &Principal) -> String {
        let partition = self.settings.partition.name;
        let account = self.account(principal.account).id();
        match &principal.identity {
            Identity::Operator(_) => format!("arn:{partition}:iam::{account}:user/operator"),
            Identity::Anonymous => "anonymous".to_owned(),
            Identity::Root => format!("arn:{partition}:iam::{account}:root"),
            Identity::Role { role, session } => {
                let name = role.rsplit('/').next().unwrap_or(role);
                format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}")
            }
        }
    }

    fn user_id(&self, principal: &Principal) -> String {
        let account = self.account(principal.account).id();
        match &principal.identity {
            Identity::Operator(_) => format!("AIDASIM{account}XX"),
            Identity::Root | Identity::Anonymous => account.to_string(),
            Identity::Role { session, .. } => format!("{}:{session}", role_id(account)),
        }
    }

    pub(crate) fn get_caller_identity(&self, context: &Context<'_>) -> Reply {
        let principal = &context.caller.principal;
        Document::Result(format!(
            "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
            escape(&self.arn(principal)),
            escape(&self.user_id(principal)),
            self.account(principal.account).id()
        ))
        .into()
    }

    /// Returns the `AssumedRoleUser` element of an answer that issues a session.
    pub(crate) fn assumed_role_user(&self, principal: &Principal) -> String {
        format!(
            "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
            escape(&self.user_id(principal)),
            escape(&self.arn(principal))
        )
    }

    pub(crate) fn get_session_token(&mut self, context: &Context<'_>) -> Outcome {
        let principal = &context.caller.principal;
        if principal.identity != Identity::Operator(Login::Keys) {
            return Err(
                ApiError::access_denied("Cannot call GetSessionToken with session credentials".to_owned()).into()
            );
        }
        let seconds = constraint::duration(context.params, 900, 129_600, 43_200)?;
        let mfa = self.check_mfa(principal, context.params)?;
        let session = Principal { identity: Identity::Operator(Login::SessionToken), mfa, ..principal.clone() };
        let length = self.token_length(session.token, context.params)?;
        let credentials = self.issue(session, seconds, length);
        Ok(Document::Result(format!("{credentials}{}", self.token_size(length))).into())
    }

    /// Issues a session with a token of this length, and returns its credentials as XML.
    pub(crate) fn issue(&mut self, principal: Principal, seconds: i64, length: usize) -> String {
        let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let expiration = clock::iso8601(self.epoch() + seconds);
        let token_length = u16::try_from(length).expect("a token has at most 4,096 characters");
        let session = Session { principal, expires: self.now() + lifetime, token_length };
        let Credentials { access_key_id, secret_access_key, session_token } = self.vault.issue(session);
        let session_token = session_token.unwrap_or_default();
        format!(
            "<Credentials><AccessKeyId>{access_key_id}</AccessKeyId><SecretAccessKey>{secret_access_key}</SecretAccessKey><SessionToken>{session_token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>"
        )
    }
}

fn role_id(account: AccountId) -> String {
    format!("AROASIM{account}XX")
}
