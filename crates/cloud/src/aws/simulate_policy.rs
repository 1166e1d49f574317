//! The calls of IAM that only `doctor` makes: whether centralized root access is enabled, and what a role is allowed to do.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, FeatureType, PolicyEvaluationDecisionType};

use super::super::retry::retry;
use super::super::{Answer, Failure, Operation};
use super::call::call;
use super::error::incomplete;
use super::session::Session;

/// The result of IAM's policy simulation for one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimulationResult {
    /// The action is allowed.
    Allowed,
    /// No policy of the role allows the action.
    NotAllowed,
    /// A policy of the role denies the action.
    Denied,
    /// A service control policy of the Organization does not allow the action.
    DeniedByOrganization,
    /// A result that this program does not know.
    Other(String),
}

/// Whether centralized root access, which AssumeRoot requires, is enabled in the Organization.
pub(super) async fn is_root_access_enabled(client: &Client, max_attempts: u32) -> Result<bool, Failure> {
    let operation = Operation::ListOrganizationsFeatures;
    let answer =
        retry(max_attempts, async || call(operation, None, client.list_organizations_features().send()).await).await?;
    let features = answer.value.enabled_features.ok_or_else(|| {
        // IAM writes an empty list as an empty element.
        incomplete(operation, "it lacks EnabledFeatures", answer.request_id.as_deref())
    })?;
    Ok(features.contains(&FeatureType::RootCredentialsManagement))
}

/// Simulates an action of a role with the policies of the role and of the Organization.
pub(super) async fn simulate_action(
    client: &Client,
    session: &Session,
    role_arn: &str,
    operation: Operation,
) -> Result<Answer<SimulationResult>, Failure> {
    let principal = ContextEntry::builder()
        .context_key_name("aws:PrincipalArn")
        .context_key_type(ContextKeyTypeEnum::String)
        .context_key_values(role_arn)
        .build();
    let request = client
        .simulate_principal_policy()
        .policy_source_arn(role_arn)
        .action_names(operation.action())
        // Service control policies can exempt a role by this key.
        .context_entries(principal)
        .customize()
        .config_override(session.iam_config());
    let simulate = Operation::SimulatePrincipalPolicy;
    let answer = call(simulate, Some(session.account), request.send()).await?;
    let result =
        answer.value.evaluation_results().first().filter(|result| result.eval_action_name() == operation.action());
    let result = result
        .ok_or_else(|| incomplete(simulate, "it lacks the result of the action", answer.request_id.as_deref()))?;
    let by_organization =
        result.organizations_decision_detail().is_some_and(|detail| !detail.allowed_by_organizations());
    let value = match result.eval_decision() {
        PolicyEvaluationDecisionType::Allowed => SimulationResult::Allowed,
        _ if by_organization => SimulationResult::DeniedByOrganization,
        PolicyEvaluationDecisionType::ExplicitDeny => SimulationResult::Denied,
        PolicyEvaluationDecisionType::ImplicitDeny => SimulationResult::NotAllowed,
        other => SimulationResult::Other(other.as_str().to_owned()),
    };
    Ok(Answer { value, request_id: answer.request_id })
}
