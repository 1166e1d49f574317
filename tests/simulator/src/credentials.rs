//! Owns the words for credentials: what they are, whose they are, and why they are no good.

use std::sync::Arc;
use std::time::Duration;

use crate::policy::SessionPolicy;
use crate::version::TokenVersion;

/// A set of credentials in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key; contains [`SECRET_MARKER`](crate::SECRET_MARKER).
    pub secret_access_key: String,
    /// Session token, for temporary credentials; contains [`SECRET_MARKER`](crate::SECRET_MARKER).
    pub session_token: Option<String>,
}

/// Whose request it is.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// Index of the account.
    pub account: u32,
    pub identity: Identity,
    /// What a session policy leaves of the rights.
    pub policy: Option<Arc<SessionPolicy>>,
    /// Whether the credentials carry the mark of multi-factor authentication. Sessions of roles never do.
    pub mfa: bool,
    /// Set once, and kept through every further role.
    pub source_identity: Option<Arc<str>>,
    /// Where the session token is accepted. Credentials without a token are accepted everywhere, as version 2 is.
    pub token: TokenVersion,
}

/// The kind of principal, with what its ARN needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Operator(Login),
    Root,
    /// The sender of a request that needs no signature.
    Anonymous,
    /// The role is its path and name.
    Role {
        role: Arc<str>,
        session: Arc<str>,
    },
}

/// What kind of credentials the operator's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// Long-term keys of a user.
    Keys,
    /// Temporary credentials that something else fetched, such as a login.
    Elsewhere,
    /// A session of `GetSessionToken`.
    SessionToken,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub principal: Principal,
    pub expires: Duration,
}

/// Why an access key is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadKey {
    Unknown,
    Expired,
    /// The token does not belong to the key, or is missing, or should not be there.
    Token,
}
