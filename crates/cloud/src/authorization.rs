//! How AWS decided about a denied request: the evaluations, and the policies that were evaluated.
//!
//! IAM Access Troubleshooter also tells the context of the request, with addresses and keys. This program does not keep that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How AWS decided about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationDetails {
    /// One for each action and resource.
    pub evaluations: Vec<Evaluation>,
    /// The policies that were evaluated.
    pub policies: Vec<EvaluatedPolicy>,
}

/// The decision about one action on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The action, such as `iam:GetAccountSummary`.
    pub action: String,
    /// Whether the action is allowed.
    pub effect: EvaluatedEffect,
    /// The policies of which a statement matched.
    pub matched: Vec<MatchedPolicy>,
}

/// The effect of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluatedEffect {
    /// Every kind of policy that must allow it does, and none denies it.
    Allow,
    /// A policy denies it.
    ExplicitDeny,
    /// No policy denies it, but an allow that it needs is missing: of the identity, its boundary, the session, or the Organization.
    ImplicitDeny,
    /// IAM does not say.
    Unknown,
}

/// A policy of which a statement matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedPolicy {
    /// Refers to [`EvaluatedPolicy::uri`].
    pub uri: String,
    /// Whether each statement that matched denies or allows, `None` if its effect is not known, and its id, which may be empty.
    pub statements: Vec<(Option<bool>, String)>,
}

/// A policy that was evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluatedPolicy {
    /// What kind of policy it is.
    pub policy_type: PolicyType,
    /// The ARN of a managed policy, or another text that stands for an inline policy.
    pub uri: String,
    /// Whether it is an inline policy.
    pub is_inline: bool,
    /// The ARNs of what the policy is attached to.
    pub attached_to: Vec<String>,
}

/// The type of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyType {
    /// A policy of the role or the user.
    IdentityBasedPolicy,
    /// The permissions boundary of the role or the user.
    PermissionsBoundary,
    /// The policy of a resource, such as a role's trust policy.
    ResourceBasedPolicy,
    /// A resource control policy of the Organization.
    ResourceControlPolicy,
    /// A service control policy of the Organization.
    ServiceControlPolicy,
    /// The policy of the session.
    SessionPolicy,
    /// The policy of a VPC endpoint.
    VpcEndpointPolicy,
    /// A type that this program does not know.
    #[serde(other)]
    Other,
}

impl PolicyType {
    /// Every type.
    pub const ALL: [Self; 8] = [
        Self::IdentityBasedPolicy,
        Self::PermissionsBoundary,
        Self::ResourceBasedPolicy,
        Self::ResourceControlPolicy,
        Self::ServiceControlPolicy,
        Self::SessionPolicy,
        Self::VpcEndpointPolicy,
        Self::Other,
    ];
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdentityBasedPolicy => "identity-based policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::ResourceBasedPolicy => "resource-based policy",
            Self::ResourceControlPolicy => "resource control policy",
            Self::ServiceControlPolicy => "service control policy",
            Self::SessionPolicy => "session policy",
            Self::VpcEndpointPolicy => "VPC endpoint policy",
            Self::Other => "policy",
        })
    }
}
