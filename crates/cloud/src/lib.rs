//! The interface to AWS: the calls of a visit, and the type of their failures.
//!
//! Each call is one attempt. The visit decides whether to repeat the call, because only the visit knows what is safe. A read can
//! be repeated freely, but a Set whose answer was lost must be followed by a read.
//!
//! This crate is a part of v2token, and its interface is not stable.

pub mod authorization;
pub mod aws;
mod error_code;
pub mod failure;
mod operation;
pub mod retry;
mod token_size;

use std::future::Future;

use serde::{Deserialize, Serialize};
use v2token_base::{aws_settings, impact, interner, org, sanitize, secret, text_enum, timestamp};

use crate::impact::event_page::{EventPage, EventQuery};
use crate::org::{AccountArn, AccountId, ObservedVersion, TokenVersion};
pub use error_code::{ErrorCode, OwnCode};
pub use failure::{Effect, Failure, FailureKind};
pub use operation::Operation;
pub use token_size::TokenSize;

/// How an account is entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessMethod {
    /// With the base credentials, or with those of the last role of `--via-role` (the hub). This is possible only in the account
    /// that these credentials belong to.
    Own,
    /// Through the role with this ARN.
    Role(AccountArn),
    /// As the account's root user with this ARN, limited by a task policy that only allows reading.
    Root(AccountArn),
}

/// The result of a successful call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// AWS's id of the call, for CloudTrail and for AWS Support.
    pub request_id: Option<String>,
}

/// The calls of a visit, one attempt each.
pub trait Cloud {
    /// A session in one account. The session contains credentials, so it must not implement `Debug` or `Display`.
    type Session;

    /// Opens a session in the account, and checks that the session belongs to this account.
    fn open_session(
        &self,
        account: AccountId,
        access: &AccessMethod,
    ) -> impl Future<Output = Result<Answer<Self::Session>, Failure>>;

    /// Reads the account's token version.
    fn read_version(&self, session: &Self::Session) -> impl Future<Output = Result<Answer<ObservedVersion>, Failure>>;

    /// Sets the account's token version. Success only means that the request was accepted.
    fn set_version(
        &self,
        session: &Self::Session,
        version: TokenVersion,
    ) -> impl Future<Output = Result<Answer<()>, Failure>>;

    /// Gets a session for the account from the global STS endpoint, and calls STS with it in an opt-in Region. Fails with
    /// [`FailureKind::Credentials`] as long as that Region refuses the token.
    fn test_token(
        &self,
        account: AccountId,
        access: &AccessMethod,
        region: &str,
    ) -> impl Future<Output = Result<Answer<()>, Failure>>;

    /// Returns the size of the session's token; `None` if the session has no token that STS issued for it.
    fn token_size(&self, session: &Self::Session) -> Option<TokenSize>;

    /// Whether the global STS endpoint can be asked, because the partition has one.
    fn has_global_endpoint(&self) -> bool;

    /// Repeats at the global STS endpoint the call that opens a session through a role, and returns the size of the token. The session
    /// is not used.
    fn global_token_size(
        &self,
        account: AccountId,
        access: &AccessMethod,
    ) -> impl Future<Output = Result<Answer<TokenSize>, Failure>>;

    /// Reads one page of the account's event history in the Region of the global STS endpoint.
    fn look_up_events(
        &self,
        session: &Self::Session,
        query: &EventQuery,
    ) -> impl Future<Output = Result<Answer<EventPage>, Failure>>;

    /// Returns the STS endpoint that issues the sessions.
    fn sts_endpoint(&self) -> &str;

    /// Whether base credentials are being fetched right now, so that calls wait for them.
    fn is_fetching_credentials(&self) -> bool;

    /// Checks whether AWS still accepts the base credentials. Visits call this after a failure that the base credentials might
    /// have caused.
    fn check_base_credentials(&self) -> impl Future<Output = Result<(), Failure>>;

    /// Checks that STS can be reached, with a call that concerns no account. STS can be reached if there is any answer, even an
    /// error of the service. The call must not depend on credentials, because the source of the credentials might be unreachable
    /// too, or might have no valid credentials left.
    fn probe_connection(&self) -> impl Future<Output = Result<(), Failure>>;
}
