//! The operations of STS, and which of them issue session tokens of the version that the setting decides about.

use crate::text_enum::text_enum;

text_enum! {
    /// An operation whose tokens the global endpoint issues in the version of the setting.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[expect(missing_docs, reason = "each variant is the name of an AWS operation")]
    pub enum SessionOperation {
        AssumeRole = "AssumeRole",
        AssumeRoleWithSaml = "AssumeRoleWithSAML",
        AssumeRoleWithWebIdentity = "AssumeRoleWithWebIdentity",
        GetSessionToken = "GetSessionToken",
        GetFederationToken = "GetFederationToken",
    }
}

/// The operations that issue no such token. `AssumeRoot`, `GetScopedCredentials`, and `GetDelegatedAccessToken` are served by regional
/// endpoints only (STS API reference); `GetWebIdentityToken` issues a JSON web token.
const OTHERS: [&str; 7] = [
    "GetCallerIdentity",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "AssumeRoot",
    "GetScopedCredentials",
    "GetDelegatedAccessToken",
    "GetWebIdentityToken",
];

impl SessionOperation {
    /// Returns the operation of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether the operation takes the ARN of a role.
    pub(crate) const fn assumes_role(self) -> bool {
        matches!(self, Self::AssumeRole | Self::AssumeRoleWithSaml | Self::AssumeRoleWithWebIdentity)
    }
}

/// Whether the operation is known to issue no token of the version that the setting decides about.
pub(crate) fn issues_nothing(name: &str) -> bool {
    OTHERS.iter().any(|other| other.eq_ignore_ascii_case(name))
}
