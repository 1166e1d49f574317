//! This module owns the CloudFormation template that rolls the role out to every account.

use serde_json::{Value, json};

use super::{Principal, Situation, role, trust_with};
use crate::org::role::RoleTemplate;

/// A template for a StackSet with service-managed permissions. Such a StackSet reaches every member account, invited ones too, but
/// not the management account.
///
/// # Errors
///
/// When the role's name differs from account to account, which a template can't express.
pub(crate) fn stackset(situation: &Situation, principal: &Principal) -> Result<Value, OneNameNeeded> {
    let (path, name) = path_and_name(&situation.role)?;
    // Given when the StackSet is made, so that the template can be shown to anybody.
    let external_id = situation.external_id.as_ref().map(|_| json!({"Ref": "ExternalId"}));
    let trust = trust_with(situation, principal, external_id.clone());
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
                    "MaxSessionDuration": situation.session_seconds.max(3600),
                    "AssumeRolePolicyDocument": trust,
                    "Policies": [{"PolicyName": "TokenVersion", "PolicyDocument": role(situation)}],
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
    Ok(template)
}

/// Whether the role has one name in all accounts, so that there is a template for it.
pub(crate) fn has_one_name(situation: &Situation) -> bool {
    path_and_name(&situation.role).is_ok()
}

/// The role's name is not the same in every account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a StackSet makes the same role in every account, and --role {0} has {{account_id}} or {{partition}} in its name or path"
)]
pub(crate) struct OneNameNeeded(RoleTemplate);

fn path_and_name(template: &RoleTemplate) -> Result<(String, String), OneNameNeeded> {
    let text = template.to_string();
    let resource = text.split_once(":role/").map_or(text.as_str(), |(_, resource)| resource);
    if resource.contains('{') {
        return Err(OneNameNeeded(template.clone()));
    }
    Ok(match resource.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name.to_owned()),
        None => ("/".to_owned(), resource.to_owned()),
    })
}
