//! This module owns the policies that a run needs: what the caller and the roles must be allowed, who may assume the roles, and
//! who may set the token version back. They are made from the operations that the program calls, and from nothing else.

mod needs;
mod stackset;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cloud::Operation;
use crate::cloud::aws::audit_task_policy;
use crate::org::role::{AccessMode, RoleTemplate, ViaRole};
use crate::org::{AccountId, Partition};

pub(crate) use needs::{Purpose, Task, operations};
pub(crate) use stackset::{has_one_name, stackset};

/// What the documents depend on.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    /// What is to be done.
    pub task: Task,
    /// The partition.
    pub partition: Partition,
    /// The role in every account.
    pub role: RoleTemplate,
    /// The roles of single accounts that have another one.
    pub other_roles: Vec<RoleTemplate>,
    /// How long the sessions last, in seconds.
    pub session_seconds: u64,
    /// The roles to go through first.
    pub via: Vec<ViaRole>,
    /// The external id that the trust policy is to ask for.
    pub external_id: Option<String>,
    /// Whether the sessions name a source identity.
    pub source_identity: bool,
    /// Whether the base credentials are an MFA session.
    pub mfa: bool,
}

impl Situation {
    /// The ARNs of the roles in whichever account, as patterns: one, or several where single accounts have another role.
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

/// Who runs the program, as far as a trust policy has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The account.
    pub account: AccountId,
    /// The ARNs that the principal may have, as patterns; any principal of the account where there is none.
    pub arns: Vec<String>,
}

impl Principal {
    /// The principal behind a caller's ARN; `None` where it is no user, role, role's session or root user.
    ///
    /// The ARN of a role's session does not show the role's path, as the roles of IAM Identity Center have one, so both are
    /// allowed: the role without a path, and with any.
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

fn actions(operations: &[Operation]) -> Vec<String> {
    operations.iter().map(|operation| operation.action()).collect()
}

/// What the base credentials must be allowed.
pub(crate) fn caller(situation: &Situation) -> Value {
    let mut statements = vec![json!({
        "Sid": "ListTheOrganization",
        "Effect": "Allow",
        "Action": actions(&operations(Purpose::List, situation.task)),
        "Resource": "*",
    })];
    let own = operations(Purpose::Own, situation.task);
    if !own.is_empty() {
        statements.push(json!({
            "Sid": "TheAccountOfTheCaller", "Effect": "Allow", "Action": actions(&own), "Resource": "*",
        }));
    }
    statements.push(match situation.via.first() {
        Some(first) => to_one_role(situation, first),
        None => to_the_accounts(situation),
    });
    document(&statements)
}

/// What each role on the way must be allowed: to assume the next one, and the last to enter the accounts.
pub(crate) fn via(situation: &Situation) -> Vec<(String, Value)> {
    let next =
        situation.via.iter().skip(1).map(|role| to_one_role(situation, role)).chain([to_the_accounts(situation)]);
    let roles = situation.via.iter().map(|role| role.arn(&situation.partition));
    roles.zip(next.map(|statement| document(&[statement]))).collect()
}

fn to_one_role(situation: &Situation, role: &ViaRole) -> Value {
    json!({
        "Sid": "GoThroughTheRole",
        "Effect": "Allow",
        "Action": entering(situation, Operation::AssumeRole),
        "Resource": role.arn(&situation.partition),
    })
}

fn to_the_accounts(situation: &Situation) -> Value {
    // The role of that name in an account of somebody else's Organization is none of ours.
    let ours = json!({"aws:ResourceOrgID": "${aws:PrincipalOrgID}"});
    match situation.task.access {
        AccessMode::Role => json!({
            "Sid": "EnterTheAccounts",
            "Effect": "Allow",
            "Action": entering(situation, Operation::AssumeRole),
            "Resource": situation.role_patterns(),
            "Condition": {"StringEquals": ours},
        }),
        AccessMode::AssumeRoot => json!({
            "Sid": "EnterTheAccounts",
            "Effect": "Allow",
            "Action": [Operation::AssumeRoot.action()],
            "Resource": format!("arn:{}:iam::*:root", situation.partition),
            "Condition": {"StringEquals": {"sts:TaskPolicyArn": audit_task_policy(&situation.partition)}},
        }),
    }
}

/// The operation, and the permission that a source identity needs besides.
fn entering(situation: &Situation, operation: Operation) -> Vec<String> {
    let mut actions = vec![operation.action()];
    if situation.source_identity {
        actions.push("sts:SetSourceIdentity".to_owned());
    }
    actions
}

/// What the role in every account must be allowed.
pub(crate) fn role(situation: &Situation) -> Value {
    document(&[json!({
        "Sid": "TokenVersion",
        "Effect": "Allow",
        "Action": actions(&operations(Purpose::Account, situation.task)),
        // Neither operation takes a resource (Service Authorization Reference, "AWS Identity and Access Management").
        "Resource": "*",
    })])
}

/// Who may assume the role in every account.
pub(crate) fn trust(situation: &Situation, principal: &Principal) -> Value {
    let external_id = situation.external_id.as_ref().map(|id| json!(id));
    trust_with(situation, principal, external_id)
}

fn trust_with(situation: &Situation, principal: &Principal, external_id: Option<Value>) -> Value {
    let mut condition = serde_json::Map::new();
    if let Some(id) = external_id {
        condition.insert("StringEquals".to_owned(), json!({"sts:ExternalId": id}));
    }
    // The account with a condition, rather than the principal itself: IAM keeps a principal by its inner id, and a role or user
    // that is made anew under the same name would not be trusted any more.
    if !principal.arns.is_empty() {
        condition.insert("ArnLike".to_owned(), json!({"aws:PrincipalArn": principal.arns}));
    }
    // The session of a role on the way is none of MFA any more.
    if situation.mfa && situation.via.is_empty() {
        condition.insert("Bool".to_owned(), json!({"aws:MultiFactorAuthPresent": "true"}));
    }
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:{}:iam::{}:root", situation.partition, principal.account)},
        "Action": entering(situation, Operation::AssumeRole),
    });
    if !condition.is_empty() {
        statement["Condition"] = Value::Object(condition);
    }
    document(&[statement])
}

/// A service control policy that keeps everyone but the role from changing the token version. The management account is never
/// bound by one.
pub(crate) fn scp(situation: &Situation) -> Value {
    document(&[json!({
        "Sid": "OnlyTheRolloutSetsTheTokenVersion",
        "Effect": "Deny",
        "Action": [Operation::SetSecurityTokenServicePreferences.action()],
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": situation.role_patterns()}},
    })])
}

#[cfg(test)]
mod tests;
