//! This module owns the port to AWS: the few calls that a visit makes, and the one way in which a call can fail.
//!
//! A call here is one attempt. Whether to try again is the visit's decision, because only the visit knows what is
//! at stake: a read may be repeated freely, a Set whose answer was lost must be followed by a read.

pub(crate) mod aws;
mod error_code;
pub(crate) mod failure;
mod operation;
pub(crate) mod retry;

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::org::{AccountId, ObservedVersion, TokenVersion};
pub use error_code::{ErrorCode, OwnCode};
pub use failure::{Effect, Failure, FailureKind};
pub use operation::Operation;

/// How an account is entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessMethod {
    /// With the caller's own credentials: only for the account that the caller is in.
    Own,
    /// Through this role, by its ARN.
    Role(Arc<str>),
    /// As the account's root user, by this ARN, with a task policy that allows reading only.
    Root(Arc<str>),
}

/// What a successful call gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The id under which AWS logged the call, for CloudTrail and for AWS Support.
    pub request_id: Option<String>,
}

/// The calls of a visit, one attempt each.
pub trait Cloud {
    /// The right to act in one account. It holds credentials, so it must never be printable.
    type Session;

    /// Opens a session in the account and proves that it is in this account and no other.
    fn open_session(
        &self,
        account: AccountId,
        access: &AccessMethod,
    ) -> impl Future<Output = Result<Answer<Self::Session>, Failure>>;

    /// Reads the account's token version.
    fn read_version(&self, session: &Self::Session) -> impl Future<Output = Result<Answer<ObservedVersion>, Failure>>;

    /// Asks for a token version. Success means only that the request was accepted.
    fn set_version(
        &self,
        session: &Self::Session,
        version: TokenVersion,
    ) -> impl Future<Output = Result<Answer<()>, Failure>>;

    /// Gets a session for the account from the global STS endpoint and uses it in an opt-in Region. It fails with
    /// [`FailureKind::Credentials`] as long as that Region refuses the token.
    fn test_token(
        &self,
        account: AccountId,
        access: &AccessMethod,
        region: &str,
    ) -> impl Future<Output = Result<Answer<()>, Failure>>;

    /// The STS endpoint that sessions come from.
    fn sts_endpoint(&self) -> &str;

    /// Whether base credentials are being fetched at this moment, so that calls wait for them.
    fn is_fetching_credentials(&self) -> bool;

    /// Whether the base credentials are still accepted, asked when a refusal makes that doubtful.
    fn check_base_credentials(&self) -> impl Future<Output = Result<(), Failure>>;

    /// Asks STS for something that concerns no account, to learn whether it can be reached. Whatever it answers will do, so that it
    /// must not depend on credentials: where they come from may be out of reach, too, or may have none any more.
    fn probe_connection(&self) -> impl Future<Output = Result<(), Failure>>;
}
