//! The policies that denied a request, and how they are named in a hint.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::denial::Denial;
use crate::cloud::authorization::{
    AuthorizationDetails, EvaluatedEffect, EvaluatedPolicy, Evaluation, MatchedPolicy, PolicyType,
};
use crate::org::AccountId;

/// The most policies, statements, or places that a hint names.
const NAMED: usize = 3;

/// The most policies, statements, or places that are kept. Each account with the cause has them in the JSON report.
const KEPT: usize = 10;

/// The names of the members of a [`DeniedBy`] and of its policies, in JSON.
pub(crate) const MEMBERS: &[&str] = &[
    "effect",
    "action",
    "asked_about",
    "policies",
    "type",
    "id",
    "name",
    "arn",
    "inline",
    "statements",
    "attached_to",
];

/// The policies that denied a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedBy {
    /// Whether a statement denies the action, or no statement allows it.
    pub(crate) effect: DenialEffect,
    /// The action that was denied.
    pub(crate) action: String,
    /// The account whose denial AWS was asked about. Other accounts have the same message.
    pub(crate) asked_about: AccountId,
    /// The policies that deny the action, or those that do not allow it.
    pub(crate) policies: Vec<DenyingPolicy>,
}

/// How a request was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DenialEffect {
    /// A statement denies the action.
    ExplicitDeny,
    /// No statement allows the action.
    ImplicitDeny,
}

/// A policy that denies a request, or does not allow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DenyingPolicy {
    #[serde(rename = "type")]
    pub policy_type: PolicyType,
    /// The id of a policy of the Organization, or the text that stands for an inline policy.
    pub id: Option<String>,
    /// The name, if it is known.
    pub name: Option<String>,
    /// The ARN of a managed policy.
    pub arn: Option<String>,
    /// Whether it is an inline policy.
    pub inline: bool,
    /// The ids of the statements that deny, as far as they have one.
    pub statements: Vec<String>,
    /// The ARNs of what the policy is attached to.
    pub attached_to: Vec<String>,
}

impl DeniedBy {
    /// Reads from the details of a request which policies denied `action`. `message` is AWS's message about the denial. Returns `None`
    /// if the details do not say.
    pub(crate) fn of(
        details: &AuthorizationDetails,
        action: &str,
        message: &str,
        asked_about: AccountId,
    ) -> Option<Self> {
        let with = |effect| details.evaluations.iter().filter(move |evaluation| evaluation.effect == effect);
        let denied: Vec<&Evaluation> =
            with(EvaluatedEffect::ExplicitDeny).chain(with(EvaluatedEffect::ImplicitDeny)).collect();
        let same = |evaluation: &&&Evaluation| evaluation.action.eq_ignore_ascii_case(action);
        let evaluation = denied.iter().find(same).or(denied.first())?;
        let named = policy_type(Denial::of(message));
        let (effect, policies) = if evaluation.effect == EvaluatedEffect::ExplicitDeny {
            (DenialEffect::ExplicitDeny, denying(details, evaluation, named))
        } else {
            (DenialEffect::ImplicitDeny, not_allowing(details, evaluation, named))
        };
        (!policies.is_empty()).then(|| Self { effect, action: evaluation.action.clone(), asked_about, policies })
    }
}

/// Returns the policies of which a statement denies. `named` is the type that the message names.
fn denying(details: &AuthorizationDetails, evaluation: &Evaluation, named: Option<PolicyType>) -> Vec<DenyingPolicy> {
    let matched = evaluation.matched.iter().filter_map(|matched| {
        let denying: Vec<&String> =
            matched.statements.iter().filter(|(denies, _)| *denies == Some(true)).map(|(_, sid)| sid).collect();
        (!denying.is_empty()).then_some((matched, denying))
    });
    let policy = |(matched, statements): (&MatchedPolicy, Vec<&String>)| {
        let statements = statements.into_iter().filter(|sid| !sid.is_empty()).take(KEPT).cloned().collect();
        let known = details.policies.iter().find(|policy| policy.uri == matched.uri);
        let policy = known.cloned().unwrap_or_else(|| EvaluatedPolicy {
            policy_type: named.unwrap_or(PolicyType::Other),
            uri: matched.uri.clone(),
            is_inline: false,
            attached_to: Vec::new(),
        });
        DenyingPolicy::of(&policy, statements)
    };
    matched.map(policy).take(KEPT).collect()
}

/// Returns the policies of the type that the message names. If it names none, returns the policies of which no statement allows.
fn not_allowing(
    details: &AuthorizationDetails,
    evaluation: &Evaluation,
    named: Option<PolicyType>,
) -> Vec<DenyingPolicy> {
    let allows = |policy: &EvaluatedPolicy| {
        let matched = evaluation.matched.iter().find(|matched| matched.uri == policy.uri);
        matched.is_some_and(|matched| matched.statements.iter().any(|(denies, _)| *denies == Some(false)))
    };
    let policies = details.policies.iter().filter(|policy| match named {
        Some(named) => policy.policy_type == named && !allows(policy),
        None => !allows(policy),
    });
    policies.map(|policy| DenyingPolicy::of(policy, Vec::new())).take(KEPT).collect()
}

/// Returns the type of the policy that a message names.
fn policy_type(denial: Denial) -> Option<PolicyType> {
    Some(match denial {
        Denial::ServiceControlPolicy => PolicyType::ServiceControlPolicy,
        Denial::ResourceControlPolicy => PolicyType::ResourceControlPolicy,
        Denial::EndpointPolicy => PolicyType::VpcEndpointPolicy,
        Denial::PermissionsBoundary => PolicyType::PermissionsBoundary,
        Denial::SessionPolicy => PolicyType::SessionPolicy,
        Denial::IdentityPolicy { .. } => PolicyType::IdentityBasedPolicy,
        Denial::TrustPolicy { .. } => PolicyType::ResourceBasedPolicy,
        Denial::RootUser | Denial::Mfa | Denial::Unknown => return None,
    })
}

impl DenyingPolicy {
    fn of(policy: &EvaluatedPolicy, statements: Vec<String>) -> Self {
        let EvaluatedPolicy { policy_type, uri, is_inline, attached_to } = policy;
        let arn = Some(uri).filter(|uri| uri.starts_with("arn:") && !is_inline).cloned();
        let last = arn.as_deref().and_then(|arn| arn.rsplit('/').next());
        let of_organization =
            matches!(policy_type, PolicyType::ServiceControlPolicy | PolicyType::ResourceControlPolicy);
        let (id, name) = match last {
            Some(id) if of_organization => (Some(id.to_owned()), None),
            Some(name) => (None, Some(name.to_owned())),
            None => (Some(uri.clone()).filter(|uri| !uri.is_empty()), None),
        };
        let (inline, attached_to) = (*is_inline, attached_to.iter().take(KEPT).cloned().collect());
        Self { policy_type: *policy_type, id, name, arn, inline, statements, attached_to }
    }

    /// Returns the id of a policy of the Organization whose name is not known.
    pub(crate) fn unnamed_in_organization(&self) -> Option<&str> {
        let id = self.id.as_deref().filter(|id| id.starts_with("p-"));
        id.filter(|_| self.arn.is_some() && self.name.is_none())
    }
}

impl fmt::Display for DeniedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies = list(self.policies.iter().map(ToString::to_string), "; ");
        match self.effect {
            DenialEffect::ExplicitDeny => write!(f, "denied by {policies}"),
            DenialEffect::ImplicitDeny => write!(f, "not allowed by {policies}"),
        }
    }
}

impl fmt::Display for DenyingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy_type, id, name, arn, inline, statements, attached_to } = self;
        match (id, arn, name) {
            // The text that stands for an inline policy tells a reader nothing.
            _ if *inline => write!(f, "an inline {policy_type}")?,
            (Some(id), _, Some(name)) => write!(f, "{policy_type} {id} ({name})")?,
            (Some(text), ..) | (None, Some(text), _) => write!(f, "{policy_type} {text}")?,
            (None, None, _) => write!(f, "a {policy_type}")?,
        }
        if !statements.is_empty() {
            let word = if statements.len() == 1 { "statement" } else { "statements" };
            write!(f, ", {word} {}", list(statements.iter().cloned(), ", "))?;
        }
        if !attached_to.is_empty() {
            write!(f, ", attached to {}", list(attached_to.iter().map(|arn| place(arn).to_owned()), ", "))?;
        }
        Ok(())
    }
}

/// Joins the first texts, and says how many there are besides.
fn list(all: impl ExactSizeIterator<Item = String>, separator: &str) -> String {
    let more = all.len().saturating_sub(NAMED);
    let text = all.take(NAMED).collect::<Vec<_>>().join(separator);
    if more > 0 { format!("{text}{separator}and {more} more") } else { text }
}

/// Returns the id in the ARN of an account, an OU, or a root, and the kind and the name in an ARN of IAM or STS.
fn place(arn: &str) -> &str {
    let mut parts = arn.splitn(6, ':');
    match (parts.nth(2), parts.nth(2)) {
        (Some("organizations"), Some(resource)) => resource.rsplit('/').next().unwrap_or(resource),
        (Some("iam" | "sts"), Some(resource)) => resource,
        _ => arn,
    }
}

#[cfg(test)]
mod tests;
