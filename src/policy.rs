//! The documents of `policy`: IAM policies for the caller and the roles, trust policies, a service control policy, a StackSet
//! template, and a Terraform configuration. The IAM policies allow exactly the operations that the program calls.

mod hcl;
mod permissions;
mod stackset;
mod terraform;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cloud::Operation;
use crate::cloud::aws::audit_task_policy;
use crate::org::role::{AccessMode, RoleTemplate, ViaRole};
use crate::org::{AccountId, Partition};

pub(crate) use permissions::{Permission, Requirements, operations};
pub(crate) use stackset::{is_possible as stackset_is_possible, stackset};
pub(crate) use terraform::terraform;

/// The parameters of the documents.
#[derive(Clone, Debug)]
pub(crate) struct PolicyContext {
    /// The properties of the command line that decide which calls to allow.
    pub requirements: Requirements,
    /// The partition.
    pub partition: Partition,
    /// The role in every account.
    pub role: RoleTemplate,
    /// The roles of accounts that have another role.
    pub other_roles: Vec<RoleTemplate>,
    /// The duration of the sessions, in seconds.
    pub session_seconds: u64,
    /// The roles of `--via-role`, which are assumed before the roles in the accounts.
    pub via: Vec<ViaRole>,
    /// The external id that the trust policy requires.
    pub external_id: Option<String>,
    /// Whether the sessions have a source identity.
    pub source_identity: bool,
    /// Whether the base credentials are an MFA session.
    pub mfa: bool,
}

impl PolicyContext {
    /// Returns the pattern that matches the role's ARN in any account, or several patterns if some accounts have another role.
    fn role_patterns(&self) -> Value {
        let pattern = |role: &RoleTemplate| {
            let any = role.to_string().replace("{partition}", self.partition.as_str()).replace("{account_id}", "*");
            if any.starts_with("arn:") { any } else { format!("arn:{}:iam::*:role/{any}", self.partition) }
        };
        let patterns: BTreeSet<String> = self.other_roles.iter().chain([&self.role]).map(pattern).collect();
        match patterns.first() {
            Some(only) if patterns.len() == 1 => json!(only),
            _ => json!(patterns),
        }
    }
}

/// The principal that a trust policy trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub account: AccountId,
    /// The patterns of the principal's ARNs. Without a pattern, every principal of the account is trusted.
    pub arns: Vec<String>,
}

impl Principal {
    /// Returns the principal for a caller's ARN, or `None` if it is not the ARN of a user, a role, a role session or the root
    /// user.
    ///
    /// The ARN of a role session lacks the role's path. Roles of IAM Identity Center have a path. So the role is trusted both
    /// without a path and with any path.
    pub(crate) fn of(account: AccountId, arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, "", _, resource] = parts[..] else { return None };
        let plain = |text: &str| {
            text.split('/').all(|step| {
                !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
            })
        };
        let arns = match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Vec::new(),
            ("iam", Some(("user" | "role", name))) if plain(name) => vec![arn.to_owned()],
            ("sts", Some(("assumed-role", session))) if plain(session) && session.split('/').count() == 2 => {
                let role = session.split('/').next().unwrap_or_default();
                vec![
                    format!("arn:{partition}:iam::{account}:role/{role}"),
                    format!("arn:{partition}:iam::{account}:role/*/{role}"),
                ]
            }
            _ => return None,
        };
        Some(Self { account, arns })
    }
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Returns a statement that allows actions.
fn allow(sid: &str, actions: &[String], resource: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource})
}

fn actions(permission: Permission, context: &PolicyContext) -> Vec<String> {
    operations(permission, context.requirements).into_iter().map(Operation::action).collect()
}

/// The id of the statement without which a run works, but tells less.
pub(crate) const OPTIONAL: &str = "OptionalToExplainDenials";

/// Returns the policy of the caller.
pub(crate) fn caller(context: &PolicyContext) -> Value {
    let mut statements = vec![allow("ListTheOrganization", &actions(Permission::List, context), "*")];
    let own = actions(Permission::Own, context);
    if !own.is_empty() {
        statements.push(allow("TheAccountOfTheCaller", &own, "*"));
    }
    let explain = actions(Permission::Explain, context);
    if !explain.is_empty() {
        statements.push(allow(OPTIONAL, &explain, "*"));
    }
    statements.push(match context.via.first() {
        Some(first) => assume_via_role(context, first),
        None => enter_accounts(context),
    });
    document(&statements)
}

/// Returns the policy of each role in the chain. Each policy allows assuming the next role; the last one allows entering the
/// accounts.
pub(crate) fn via(context: &PolicyContext) -> Vec<(String, Value)> {
    let next = context.via.iter().skip(1).map(|role| assume_via_role(context, role)).chain([enter_accounts(context)]);
    let roles = context.via.iter().map(|role| role.arn(&context.partition));
    roles.zip(next.map(|statement| document(&[statement]))).collect()
}

fn assume_via_role(context: &PolicyContext, role: &ViaRole) -> Value {
    allow("GoThroughTheRole", &assume_actions(context), &role.arn(&context.partition))
}

fn enter_accounts(context: &PolicyContext) -> Value {
    let (actions, resource, condition) = match context.requirements.access {
        AccessMode::Role => (
            assume_actions(context),
            context.role_patterns(),
            // Accounts of other Organizations might have a role of the same name, so the policy is limited to the caller's
            // Organization.
            json!({"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}),
        ),
        AccessMode::AssumeRoot => (
            vec![Operation::AssumeRoot.action()],
            json!(format!("arn:{}:iam::*:root", context.partition)),
            json!({"sts:TaskPolicyArn": audit_task_policy(&context.partition)}),
        ),
    };
    json!({
        "Sid": "EnterTheAccounts",
        "Effect": "Allow",
        "Action": actions,
        "Resource": resource,
        "Condition": {"StringEquals": condition},
    })
}

/// Returns the action that assumes a role, and the action that a source identity needs.
fn assume_actions(context: &PolicyContext) -> Vec<String> {
    let mut actions = vec![Operation::AssumeRole.action()];
    if context.source_identity {
        actions.push("sts:SetSourceIdentity".to_owned());
    }
    actions
}

/// Returns the policy of the role in every account.
pub(crate) fn role(context: &PolicyContext) -> Value {
    // The actions on the token version can't be limited to resources (Service Authorization Reference, "AWS Identity and Access
    // Management").
    let sid = if context.requirements.looks_up { "TokenVersionAndEventHistory" } else { "TokenVersion" };
    document(&[allow(sid, &actions(Permission::Account, context), "*")])
}

/// Returns the trust policy of the role in every account.
pub(crate) fn trust(context: &PolicyContext, principal: &Principal) -> Value {
    let external_id = context.external_id.as_ref().map(|id| json!(id));
    trust_with(context, principal, external_id)
}

fn trust_with(context: &PolicyContext, principal: &Principal, external_id: Option<Value>) -> Value {
    let mut condition = serde_json::Map::new();
    if let Some(id) = external_id {
        condition.insert("StringEquals".to_owned(), json!({"sts:ExternalId": id}));
    }
    // The statement trusts the account under a condition, instead of the principal itself. IAM would store a principal by its
    // unique id, and then a role or user that is deleted and created again would no longer be trusted.
    if !principal.arns.is_empty() {
        condition.insert("ArnLike".to_owned(), json!({"aws:PrincipalArn": principal.arns}));
    }
    // The session of a role in the chain does not count as an MFA session, so a chain can't meet this condition.
    if context.mfa && context.via.is_empty() {
        condition.insert("Bool".to_owned(), json!({"aws:MultiFactorAuthPresent": "true"}));
    }
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:{}:iam::{}:root", context.partition, principal.account)},
        "Action": assume_actions(context),
    });
    if !condition.is_empty() {
        statement["Condition"] = Value::Object(condition);
    }
    document(&[statement])
}

/// Returns a service control policy that allows only the role to set the token version. It does not apply to the management
/// account.
pub(crate) fn scp(context: &PolicyContext) -> Value {
    document(&[json!({
        "Sid": "OnlyTheRolloutSetsTheTokenVersion",
        "Effect": "Deny",
        "Action": [Operation::SetSecurityTokenServicePreferences.action()],
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": context.role_patterns()}},
    })])
}

#[cfg(test)]
mod tests;
