//! `AssumeRoleWithWebIdentity`: tokens of an identity provider, and the sessions for which they are exchanged.

use std::time::Duration;

use crate::answer::{ApiError, Document, escape};
use crate::constraint::{self, ROLE_SESSION_NAME};
use crate::credentials::{Identity, Principal};
use crate::dispatch::{Context, Outcome};
use crate::role::{Role, Trusted};
use crate::secrets;
use crate::token_size::V2_SIZE;
use crate::version::TokenVersion;
use crate::world::World;

/// A token of the simulated identity provider.
#[derive(Debug)]
pub(crate) struct WebToken {
    subject: String,
    expires: Duration,
}

impl World {
    /// Returns a token for this subject with this lifetime. The token contains [`SECRET_MARKER`](crate::SECRET_MARKER).
    pub fn web_identity_token(&mut self, subject: &str, lifetime: Duration) -> String {
        let expires = self.now() + lifetime;
        self.web_tokens.push(WebToken { subject: subject.to_owned(), expires });
        self.web_token(self.web_tokens.len() - 1)
    }

    /// Derives the token, so that it does not have to be stored.
    fn web_token(&self, index: usize) -> String {
        secrets::token(self.settings.seed ^ 0x1d, index as u64, V2_SIZE)
    }

    pub(crate) fn assume_role_with_web_identity(&mut self, context: &Context<'_>) -> Outcome {
        let params = context.params;
        let arn = params.text("RoleArn").unwrap_or_default();
        let session_name = ROLE_SESSION_NAME.require(params)?;
        let seconds = constraint::duration(params, 900, 43_200, 3_600)?;
        let (account, name) = self.parse_role(arn)?;
        let token = params.text("WebIdentityToken").unwrap_or_default();
        let position = (0..self.web_tokens.len()).find(|index| self.web_token(*index) == token);
        let web_token = position.map(|index| &self.web_tokens[index]).ok_or_else(|| {
            ApiError::new(
                400,
                "InvalidIdentityToken",
                "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
            )
        })?;
        if web_token.expires <= self.now() {
            let late = i64::try_from((self.now() - web_token.expires).as_secs()).unwrap_or_default();
            return Err(ApiError::new(
                400,
                "ExpiredTokenException",
                format!(
                    "Token expired: current date/time {} must be before the expiration date/time{}",
                    self.epoch(),
                    self.epoch() - late
                ),
            )
            .into());
        }
        let subject = web_token.subject.clone();
        let denied = || ApiError::new(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
        let index = account.and_then(|id| self.index(id)).ok_or_else(denied)?;
        let trusts = |role: &&Role| role.exists && role.trusts.contains(&Trusted::WebIdentity(subject.clone()));
        let role = self.account(index).find_role(name).filter(trusts).cloned().ok_or_else(denied)?;
        if seconds > i64::from(role.max_duration) {
            return Err(ApiError::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
            )
            .into());
        }
        let principal = Principal {
            account: index,
            identity: Identity::Role { role: self.vault.share(&role.name), session: self.vault.share(session_name) },
            policy: None,
            mfa: false,
            source_identity: None,
            token: TokenVersion::V2,
        };
        self.at(index).history.sessions += 1;
        let assumed = self.assumed_role_user(&principal);
        let length = self.token_length(principal.token, params)?;
        let credentials = self.issue(principal, role.lasts(seconds), length);
        let size = self.token_size(length);
        Ok(Document::Result(format!(
            "<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken>{credentials}{assumed}{size}<Provider>arn:{}:iam::{}:oidc-provider/issuer.example</Provider><Audience>sts.amazonaws.com</Audience>",
            escape(&subject),
            self.settings.partition.name,
            self.account(index).id()
        ))
        .into())
    }
}
