//! Policies of the operator and of roles, and trust policies as documents, with the conditions that the tests need.

use serde_json::Value;

use crate::answer::ApiError;
use crate::credentials::{Identity, Principal};
use crate::dispatch::Context;
use crate::network::Service;
use crate::policy::{texts, wildcard};
use crate::request::Operation;
use crate::role::{Presented, Role};
use crate::tree::ORGANIZATION_ID;
use crate::world::World;

/// An identity policy or a trust policy.
#[derive(Clone, Debug)]
pub(crate) struct Permissions {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    allow: bool,
    actions: Vec<String>,
    /// The resources; `*` in a trust policy.
    resources: Vec<String>,
    /// The principals; empty in an identity policy.
    principals: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

/// A question to a policy: whether it allows an action on a resource.
struct Question<'a> {
    action: &'a str,
    resource: &'a str,
    /// The values of condition keys.
    context: &'a [(&'static str, String)],
}

impl Permissions {
    /// Reads a policy.
    ///
    /// # Panics
    /// If the text is not a policy, or has an unknown condition, so that no test passes because of such a text.
    pub fn read(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).expect("a policy is JSON");
        let statements = document["Statement"].as_array().expect("a policy has a list of statements");
        Self { statements: statements.iter().map(statement).collect() }
    }

    fn allows(&self, question: &Question<'_>, is_principal: impl Fn(&str) -> bool) -> bool {
        let any = |patterns: &[String], text: &str| {
            patterns.iter().any(|pattern| wildcard(pattern.as_bytes(), text.as_bytes()))
        };
        let applies = |statement: &&Statement| {
            any(&statement.actions, question.action)
                && any(&statement.resources, question.resource)
                && (statement.principals.is_empty() || statement.principals.iter().any(|arn| is_principal(arn)))
                && statement.conditions.iter().all(|condition| condition.holds(question.context))
        };
        let mut applying = self.statements.iter().filter(applies).peekable();
        applying.peek().is_some() && applying.all(|statement| statement.allow)
    }
}

fn statement(statement: &Value) -> Statement {
    let list = |key: &str| texts(statement.get(key));
    let conditions = statement["Condition"].as_object().into_iter().flatten().flat_map(|(operator, keys)| {
        let keys = keys.as_object().expect("an operator has keys");
        keys.iter().map(|(key, values)| Condition {
            operator: operator.clone(),
            key: key.clone(),
            values: texts(Some(values)).expect("a key has values"),
        })
    });
    Statement {
        allow: statement["Effect"] == "Allow",
        actions: list("Action").expect("a statement has actions"),
        resources: list("Resource").unwrap_or_else(|| vec!["*".to_owned()]),
        principals: texts(statement["Principal"].get("AWS")).unwrap_or_default(),
        conditions: conditions.collect(),
    }
}

impl Condition {
    /// Whether the request meets the condition. If the request does not have the key, the condition is not met.
    fn holds(&self, context: &[(&'static str, String)]) -> bool {
        let found = context.iter().find(|(key, _)| key.eq_ignore_ascii_case(&self.key)).map(|(_, value)| value);
        let fits = |wanted: &String| {
            let wanted = wanted.replace("${aws:PrincipalOrgID}", ORGANIZATION_ID);
            found.is_some_and(|found| match self.operator.as_str() {
                "StringEquals" => *found == wanted,
                "Bool" => found.eq_ignore_ascii_case(&wanted),
                "ArnLike" => wildcard(wanted.as_bytes(), found.as_bytes()),
                other => panic!("the condition operator {other} is not understood"),
            })
        };
        self.values.iter().any(fits)
    }
}

impl World {
    /// Checks that the caller's policies allow the operation. STS needs no permission for operations about the caller itself.
    pub(crate) fn check_permissions(&self, operation: Operation, context: &Context<'_>) -> Result<(), ApiError> {
        let caller = &context.caller.principal;
        let free = [Operation::GetCallerIdentity, Operation::GetSessionToken, Operation::AssumeRoleWithWebIdentity];
        let Some(permissions) = self.permissions(caller).filter(|_| !free.contains(&operation)) else { return Ok(()) };
        let partition = self.settings.partition.name;
        let param = |name: &str| context.params.text(name).unwrap_or_default().to_owned();
        let resource = match operation {
            Operation::AssumeRole => param("RoleArn"),
            Operation::AssumeRoot => format!("arn:{partition}:iam::{}:root", param("TargetPrincipal")),
            _ => "*".to_owned(),
        };
        let ours = self.accounts.iter().any(|account| resource.contains(&format!("::{}:", account.id())));
        let mut facts = vec![("sts:TaskPolicyArn", param("TaskPolicyArn.arn"))];
        if ours {
            facts.push(("aws:ResourceOrgID", ORGANIZATION_ID.to_owned()));
        }
        let mut actions = vec![format!("{}:{}", operation.service().signing_name(), operation.name())];
        if operation == Operation::AssumeRole && !param("SourceIdentity").is_empty() {
            actions.push("sts:SetSourceIdentity".to_owned());
        }
        for action in actions {
            let question = Question { action: &action, resource: &resource, context: &facts };
            if !permissions.allows(&question, |_| false) {
                return Err(self.not_permitted(operation.service(), caller, &action, &resource));
            }
        }
        Ok(())
    }

    fn permissions(&self, caller: &Principal) -> Option<Permissions> {
        match &caller.identity {
            Identity::Operator(_) => self.caller_policy.clone(),
            Identity::Role { role, .. } => {
                let role = self.account(caller.account).find_role(role);
                role.and_then(|role| role.policy.as_deref()).map(Permissions::read)
            }
            Identity::Root | Identity::Anonymous => None,
        }
    }

    fn not_permitted(&self, service: Service, caller: &Principal, action: &str, resource: &str) -> ApiError {
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action",
            self.arn(caller)
        );
        match service {
            Service::Organizations | Service::CloudTrail => ApiError::new(400, "AccessDeniedException", message),
            Service::IamToolbox | Service::Account => ApiError::new(403, "AccessDeniedException", message),
            Service::Sts | Service::Iam => ApiError::access_denied(message),
        }
    }

    /// Whether a role's trust policy, given as a document, allows the action to the caller.
    pub(crate) fn trust_document_allows(
        &self,
        document: &str,
        role: &Role,
        presented: Presented<'_>,
        action: &str,
    ) -> bool {
        let Presented { caller, external_id, mfa } = presented;
        let principal_arn = self.role_or_user_arn(caller);
        let mut facts =
            vec![("aws:PrincipalArn", principal_arn.clone()), ("aws:MultiFactorAuthPresent", mfa.to_string())];
        facts.extend(external_id.map(|id| ("sts:ExternalId", id.to_owned())));
        let whole_account =
            format!("arn:{}:iam::{}:root", self.settings.partition.name, self.account(caller.account).id());
        let question = Question { action, resource: &role.name, context: &facts };
        Permissions::read(document).allows(&question, |arn| arn == whole_account || arn == principal_arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allow_without_a_deny_permits() {
        let policy = Permissions::read(
            r#"{"Statement": [
                {"Effect": "Allow", "Action": "organizations:*", "Resource": "*"},
                {"Effect": "Deny", "Action": ["organizations:ListRoots"], "Resource": "*"},
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/R",
                 "Condition": {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}}
            ]}"#,
        );
        let allows = |action, resource, context: &[(&'static str, String)]| {
            policy.allows(&Question { action, resource, context }, |_| false)
        };
        assert!(allows("organizations:ListAccounts", "*", &[]));
        assert!(!allows("organizations:ListRoots", "*", &[]));
        assert!(!allows("iam:GetAccountSummary", "*", &[]));
        let ours = [("aws:ResourceOrgID", ORGANIZATION_ID.to_owned())];
        assert!(allows("sts:AssumeRole", "arn:aws:iam::000000000001:role/R", &ours));
        assert!(!allows("sts:AssumeRole", "arn:aws:iam::000000000001:role/R", &[]));
        assert!(!allows("sts:AssumeRole", "arn:aws:iam::000000000001:role/S", &ours));
    }
}
