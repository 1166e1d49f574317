//! `SimulatePrincipalPolicy`: what a role of an account is allowed to do, and whether a service control policy denies it.

use std::fmt::Write as _;

use crate::answer::{ApiError, Document, escape};
use crate::dispatch::{Context, Outcome};
use crate::iam::{NO_IDENTITY_POLICY, READ, SET};
use crate::world::World;

const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// The decision about one action.
struct Decision {
    decision: &'static str,
    by_organizations: bool,
}

const ALLOWED: Decision = Decision { decision: "allowed", by_organizations: true };
const NOT_ALLOWED: Decision = Decision { decision: "implicitDeny", by_organizations: true };
const DENIED: Decision = Decision { decision: "explicitDeny", by_organizations: true };
// The denial is implicit even if the service control policy denies explicitly, as users of the IAM policy simulator report.
const FORBIDDEN: Decision = Decision { decision: "implicitDeny", by_organizations: false };

impl World {
    pub(crate) fn simulate_principal_policy(&mut self, context: &Context<'_>) -> Outcome {
        let principal = &context.caller.principal;
        let index = principal.account;
        self.authorise(principal, SIMULATE)?;
        if self.account(index).faults.deny_simulation {
            self.at(index).note("deny_simulation");
            return Err(self.denied(principal, SIMULATE, NO_IDENTITY_POLICY).into());
        }
        let source = context.params.text("PolicySourceArn").unwrap_or_default();
        self.check_source(index, source)?;
        let actions = context.params.members("ActionNames");
        if actions.is_empty() {
            return Err(ApiError::validation(
                "1 validation error detected: Value at 'actionNames' failed to satisfy constraint: Member must not be null".to_owned(),
            )
            .into());
        }
        let mut results = String::new();
        for action in actions {
            let Decision { decision, by_organizations } = self.decide(index, action);
            write!(
                results,
                "<member><EvalActionName>{}</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>{decision}</EvalDecision><MatchedStatements/><MissingContextValues/><OrganizationsDecisionDetail><AllowedByOrganizations>{by_organizations}</AllowedByOrganizations></OrganizationsDecisionDetail></member>",
                escape(action)
            )
            .expect("writing to a string does not fail");
        }
        Ok(Document::Result(format!(
            "<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
        ))
        .into())
    }

    /// Returns the decision for the account's roles and its operator. Session policies do not count, because IAM does not know
    /// them.
    fn decide(&self, index: u32, action: &str) -> Decision {
        let faults = &self.account(index).faults;
        let is = |name: &str| action.eq_ignore_ascii_case(name);
        if is(SET) && faults.deny_set_by_scp && index != self.management() {
            FORBIDDEN
        } else if is(SET) && faults.deny_set_explicitly {
            DENIED
        } else if (is(READ) && faults.deny_read)
            || (is(SET) && faults.deny_set)
            || (is(SIMULATE) && faults.deny_simulation)
        {
            NOT_ALLOWED
        } else {
            ALLOWED
        }
    }

    /// Checks that the ARN names a role or the user of the caller's account. Sessions have no policies of their own.
    fn check_source(&self, index: u32, arn: &str) -> Result<(), ApiError> {
        let prefix = format!("arn:{}:iam::{}:", self.settings.partition.name, self.account(index).id());
        let invalid = || {
            ApiError::new(
                400,
                "InvalidInput",
                format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."),
            )
        };
        let entity = arn.strip_prefix(&prefix).ok_or_else(invalid)?;
        let (kind, name) = entity.split_once('/').ok_or_else(invalid)?;
        let exists = match kind {
            "role" => self.account(index).find_role(name).is_some_and(|role| role.exists),
            "user" => index == self.vault.operator().account && name == "operator",
            _ => return Err(invalid()),
        };
        if exists {
            return Ok(());
        }
        let name = name.rsplit('/').next().unwrap_or(name);
        Err(ApiError::new(404, "NoSuchEntity", format!("The {kind} with name {name} cannot be found.")))
    }
}
