//! Credentials, the principals that they belong to, and why an access key is refused.

use std::sync::Arc;
use std::time::Duration;

use crate::policy::SessionPolicy;
use crate::version::TokenVersion;

/// A set of credentials in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key; contains [`SECRET_MARKER`](crate::SECRET_MARKER).
    pub secret_access_key: String,
    /// Session token, for temporary credentials; contains [`SECRET_MARKER`](crate::SECRET_MARKER).
    pub session_token: Option<String>,
}

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// Index of the account.
    pub account: u32,
    pub identity: Identity,
    /// The session policy, which narrows the rights.
    pub policy: Option<Arc<SessionPolicy>>,
    /// Whether the credentials come from multi-factor authentication. Sessions of roles never do.
    pub mfa: bool,
    /// The source identity, which is kept through every further role.
    pub source_identity: Option<Arc<str>>,
    /// The version of the session token. Credentials without a token are accepted everywhere, like tokens of version 2.
    pub token: TokenVersion,
}

/// The kind of principal, with what its ARN needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Operator(Login),
    Root,
    /// The sender of a request that needs no signature.
    Anonymous,
    /// A session of a role. `role` is the role's path and name.
    Role {
        role: Arc<str>,
        session: Arc<str>,
    },
}

/// The kind of the operator's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// Long-term keys of a user.
    Keys,
    /// Temporary credentials from elsewhere, such as a login.
    Elsewhere,
    /// A session of `GetSessionToken`.
    SessionToken,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub principal: Principal,
    pub expires: Duration,
    /// The length of the session token.
    pub token_length: u16,
}

/// Why an access key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadKey {
    Unknown,
    Expired,
    /// The session token is missing, unexpected, or belongs to another key.
    Token,
}
