//! The Terraform configuration for the caller's policy and for the role in every account.

use serde_json::{Value, json};

use super::hcl::{block, comment, expression, json_of};
use super::stackset::path_and_name;
use super::{OPTIONAL, PolicyContext, Principal, caller, role, trust_with, via};

/// Returns the configuration. It has a part for each account in which something is created. `principal` is whom the role in every
/// account trusts; `None` if no role is assumed in the accounts.
///
/// Returns `None` when the role's name or path depends on the account.
pub(crate) fn terraform(context: &PolicyContext, principal: Option<&Principal>) -> Option<String> {
    let mut parts = vec![
        comment("In the account of the caller: the policy of the caller. Attach it to the caller's role or user.")
            + &optional(context)
            + &policy("caller", "Lists the accounts of the Organization and enters them", &caller(context)),
    ];
    for (number, (arn, document)) in (1..).zip(via(context)) {
        let heading = comment(&format!("In the account of {arn}: the policy of this role. Attach it to the role."));
        parts.push(heading + &policy(&format!("via_{number}"), "Enters the accounts of the Organization", &document));
    }
    if let Some(principal) = principal {
        parts.push(in_every_account(context, principal)?);
    }
    Some(parts.join("\n"))
}

/// Returns a comment about the statement that can be left out, if there is one.
fn optional(context: &PolicyContext) -> String {
    if context.requirements.explains {
        comment(&format!(
            "The statement {OPTIONAL} can be left out: reports then do not name the policies that denied a request."
        ))
    } else {
        String::new()
    }
}

/// Returns a managed policy. The user of the configuration attaches it, because its role or user has another configuration.
fn policy(name: &str, description: &str, document: &Value) -> String {
    let attributes = [
        ("name", json!(format!("v2token-{}", name.replace('_', "-")))),
        ("description", json!(description)),
        ("policy", json_of(document)),
    ];
    block(&format!("resource \"aws_iam_policy\" \"v2token_{name}\""), &attributes)
}

fn in_every_account(context: &PolicyContext, principal: &Principal) -> Option<String> {
    let (path, name) = path_and_name(&context.role)?;
    let mut text = comment(
        "In every account: the role that reads and sets the token version. Apply this part once in each account, with\n\
         that account's provider.",
    );
    // As in the StackSet, the external id is a parameter, so that the configuration itself is not secret.
    let external_id = context.external_id.as_ref().map(|_| expression("var.external_id"));
    if external_id.is_some() {
        let attributes = [
            ("description", json!("What v2token is given as --external-id")),
            ("type", expression("string")),
            ("sensitive", json!(true)),
        ];
        text += &block("variable \"external_id\"", &attributes);
        text.push('\n');
    }
    let attributes = [
        ("name", json!(name)),
        ("path", json!(path)),
        ("description", json!("Reads and sets the global endpoint token version")),
        ("max_session_duration", json!(context.session_seconds.max(3600))),
        ("assume_role_policy", json_of(&trust_with(context, principal, external_id))),
    ];
    text += &block("resource \"aws_iam_role\" \"v2token\"", &attributes);
    text.push('\n');
    let attributes = [
        ("name", json!("TokenVersion")),
        ("role", expression("aws_iam_role.v2token.id")),
        ("policy", json_of(&role(context))),
    ];
    text += &block("resource \"aws_iam_role_policy\" \"v2token\"", &attributes);
    Some(text)
}
