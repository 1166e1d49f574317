//! The call of IAM Access Troubleshooter that tells how a denied request was decided.
//!
//! The answer also has the context of the request, which is dropped here.

use std::collections::BTreeSet;

use aws_sdk_iamtoolbox::Client;
use aws_sdk_iamtoolbox::types::{self, StatementEffect};

use super::super::authorization::{
    AuthorizationDetails, EvaluatedEffect, EvaluatedPolicy, Evaluation, MatchedPolicy, PolicyType,
};
use super::super::failure::from_outside;
use super::super::{Failure, Operation};
use super::call::call;
use super::error::incomplete;

/// The most pages of an answer. A request of this program has one action on one resource.
const MAX_PAGES: usize = 10;

/// The most evaluations, policies, or other items of a list that are kept.
const MAX_ITEMS: usize = 100;

/// The longest text that is kept, in characters. The longest ARN of a policy has some 700: a path of 512 and a name of 128 (IAM user
/// guide, "IAM and AWS STS quotas").
const MAX_TEXT: usize = 1024;

/// Reads all pages of the details. Each call is one attempt.
pub(super) async fn get(client: &Client, id: &str) -> Result<AuthorizationDetails, Failure> {
    let operation = Operation::GetRequestAuthorizationDetails;
    let mut details = AuthorizationDetails::default();
    let (mut token, mut seen) = (None, BTreeSet::new());
    for _ in 0..MAX_PAGES {
        let request = client.get_request_authorization_details().authorization_id(id).set_next_token(token);
        let answer = call(operation, None, request.send()).await?;
        let unusable = |lack: &str| Err(incomplete(operation, lack, answer.request_id.as_deref()));
        details.evaluations.extend(answer.value.evaluations().iter().take(MAX_ITEMS).map(evaluation));
        for policy in answer.value.policies().iter().take(MAX_ITEMS).map(policy) {
            // Each page may repeat the policies.
            if !details.policies.contains(&policy) {
                details.policies.push(policy);
            }
        }
        match answer.value.next_token {
            None if details.evaluations.is_empty() => return unusable("it lacks evaluations"),
            None => return Ok(details),
            Some(next) if !seen.insert(next.clone()) => return unusable("it repeats a page token"),
            Some(next) => token = Some(next),
        }
    }
    Err(incomplete(operation, "it does not come to an end", None))
}

fn text(text: &str) -> String {
    from_outside(text, MAX_TEXT)
}

fn evaluation(from: &types::Evaluation) -> Evaluation {
    let matched = from.matched_policies().iter().take(MAX_ITEMS).map(|matched| {
        let statements = matched.matched_statements().iter().take(MAX_ITEMS);
        // An effect that this program does not know is neither.
        let denies = |statement: &types::MatchedStatement| match statement.evaluated_effect() {
            Some(StatementEffect::Deny) => Some(true),
            Some(StatementEffect::Allow) => Some(false),
            _ => None,
        };
        let statements = statements.map(|statement| (denies(statement), text(statement.sid().unwrap_or_default())));
        MatchedPolicy { uri: text(matched.uri()), statements: statements.collect() }
    });
    Evaluation {
        action: text(from.action()),
        effect: match from.evaluated_effect() {
            Some(types::EvaluatedEffect::Allow) => EvaluatedEffect::Allow,
            Some(types::EvaluatedEffect::ExplicitDeny) => EvaluatedEffect::ExplicitDeny,
            Some(types::EvaluatedEffect::ImplicitDeny) => EvaluatedEffect::ImplicitDeny,
            _ => EvaluatedEffect::Unknown,
        },
        matched: matched.collect(),
    }
}

fn policy(from: &types::PolicyInfo) -> EvaluatedPolicy {
    let attached = from.attached_to().iter().filter_map(|attached| attached.arn()).take(MAX_ITEMS);
    EvaluatedPolicy {
        policy_type: match from.r#type() {
            Some(types::PolicyType::IdentityBasedPolicy) => PolicyType::IdentityBasedPolicy,
            Some(types::PolicyType::PermissionsBoundary) => PolicyType::PermissionsBoundary,
            Some(types::PolicyType::ResourceBasedPolicy) => PolicyType::ResourceBasedPolicy,
            Some(types::PolicyType::ResourceControlPolicy) => PolicyType::ResourceControlPolicy,
            Some(types::PolicyType::ServiceControlPolicy) => PolicyType::ServiceControlPolicy,
            Some(types::PolicyType::SessionPolicy) => PolicyType::SessionPolicy,
            Some(types::PolicyType::VpcEndpointPolicy) => PolicyType::VpcEndpointPolicy,
            _ => PolicyType::Other,
        },
        uri: text(from.uri().unwrap_or_default()),
        is_inline: from.inline() == Some(true),
        attached_to: attached.map(text).collect(),
    }
}
