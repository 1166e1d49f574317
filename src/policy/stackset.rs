//! The CloudFormation template for a StackSet that creates the role in every account.

use serde_json::{Value, json};

use super::{PolicyContext, Principal, role, trust_with};
use crate::org::role::RoleTemplate;

/// Returns a template for a StackSet with service-managed permissions. Such a StackSet reaches every member account, including
/// invited accounts, but not the management account.
///
/// Returns `None` when the role's name or path depends on the account, which a template can't express.
pub(crate) fn stackset(context: &PolicyContext, principal: &Principal) -> Option<Value> {
    let (path, name) = path_and_name(&context.role)?;
    // The external id is a parameter of the StackSet, so that the template itself is not secret.
    let external_id = context.external_id.as_ref().map(|_| json!({"Ref": "ExternalId"}));
    let trust = trust_with(context, principal, external_id.clone());
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role through which v2token reads and sets the global endpoint token version. A StackSet with \
                        service-managed permissions makes it in every member account; the management account needs a stack of its own.",
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": name,
                    "Path": path,
                    "Description": "Reads and sets the global endpoint token version",
                    "MaxSessionDuration": context.session_seconds.max(3600),
                    "AssumeRolePolicyDocument": trust,
                    "Policies": [{"PolicyName": "TokenVersion", "PolicyDocument": role(context)}],
                },
            },
        },
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    });
    if external_id.is_some() {
        template["Parameters"] = json!({
            "ExternalId": {
                "Type": "String",
                "NoEcho": true,
                "MinLength": 2,
                "MaxLength": 1224,
                "Description": "What v2token is given as --external-id",
            },
        });
    }
    Some(template)
}

/// Whether a template can express the role. It can if the role has the same path and name in all accounts.
pub(crate) fn is_possible(context: &PolicyContext) -> bool {
    path_and_name(&context.role).is_some()
}

/// Returns the path and the name of a role; `None` if one of them depends on the account.
pub(super) fn path_and_name(template: &RoleTemplate) -> Option<(String, String)> {
    let text = template.to_string();
    let resource = text.split_once(":role/").map_or(text.as_str(), |(_, resource)| resource);
    if resource.contains('{') {
        return None;
    }
    Some(match resource.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name.to_owned()),
        None => ("/".to_owned(), resource.to_owned()),
    })
}
