//! Checks that an answer of Organizations has every member that the program reads.
//!
//! The SDK turns a missing member into an empty one, and leaves out the empty elements of a list. So a shorter list, or a tag without
//! its value, would look like the whole answer. AWS writes an empty list as `[]`, and `NextToken` is the only member that an answer
//! may lack: it marks the last page.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use crate::Operation;
use crate::aws::error::IncompleteAnswer;

/// The longest text in an answer, in characters. The longest that AWS writes are paths in the tree, with some 400, and tag values, with
/// 256 (Organizations user guide, "Quotas").
const MAX_TEXT: usize = 2048;

/// The longest page token, in characters (Organizations API reference, `NextToken`).
const MAX_TOKEN: usize = 100_000;

/// The members that each operation's answer must have. `[]` stands for every element of a list, and `|` separates alternatives.
///
/// An account's email and how it joined only fill columns of the report, and its paths may be missing.
const fn required(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::DescribeOrganization => &["Organization.Id", "Organization.MasterAccountId"],
        Operation::ListAccounts => &["Accounts[].Id", "Accounts[].Name", "Accounts[].State|Status"],
        Operation::ListRoots => &["Roots[].Id", "Roots[].Arn"],
        Operation::ListOrganizationalUnitsForParent => &["OrganizationalUnits[].Id", "OrganizationalUnits[].Name"],
        Operation::ListAccountsForParent => &["Accounts[].Id"],
        Operation::ListParents => &["Parents[].Id", "Parents[].Type"],
        Operation::DescribeOrganizationalUnit => &["OrganizationalUnit.Id"],
        Operation::ListTagsForResource => &["Tags[].Key", "Tags[].Value"],
        Operation::DescribePolicy => &["Policy.PolicySummary.Name"],
        Operation::GetCallerIdentity
        | Operation::GetSessionToken
        | Operation::AssumeRole
        | Operation::AssumeRoot
        | Operation::GetAccountSummary
        | Operation::SetSecurityTokenServicePreferences
        | Operation::ListOrganizationsFeatures
        | Operation::SimulatePrincipalPolicy
        | Operation::GetRequestAuthorizationDetails
        | Operation::LookupEvents
        | Operation::ListRegions => &[],
    }
}

/// Returns what is wrong with the answer to an operation, or `None` if it is complete.
fn fault(operation: Operation, body: &[u8]) -> Option<String> {
    let Ok(document) = serde_json::from_slice::<Value>(body) else { return Some("it is no JSON".to_owned()) };
    let lacking = required(operation).iter().find(|path| lacks(&document, path));
    lacking.map(|path| format!("it lacks {path}")).or_else(|| out_of_place(&document, "the answer"))
}

/// Whether a value lacks the member at a path.
fn lacks(value: &Value, path: &str) -> bool {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let (names, is_list) = step.strip_suffix("[]").map_or((step, false), |names| (names, true));
    let members: Vec<&Value> = names.split('|').filter_map(|name| value.get(name)).filter(|it| !it.is_null()).collect();
    let Some(member) = members.first() else { return true };
    let lacks_rest = |value: &Value| !rest.is_empty() && lacks(value, rest);
    match member {
        Value::Array(elements) if is_list => elements.iter().any(lacks_rest),
        _ => is_list || lacks_rest(member),
    }
}

/// Returns the first empty element of a list, or text that is too long.
fn out_of_place(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Array(elements) if elements.iter().any(Value::is_null) => Some(format!("{name} has an empty element")),
        Value::Array(elements) => elements.iter().find_map(|element| out_of_place(element, name)),
        Value::Object(members) => members.iter().find_map(|(name, member)| out_of_place(member, name)),
        Value::String(text) => {
            let limit = match name {
                "NextToken" => MAX_TOKEN,
                // The document of a policy, of which nothing is kept.
                "Content" => usize::MAX,
                _ => MAX_TEXT,
            };
            let is_long = text.len() > limit && text.chars().count() > limit;
            is_long.then(|| format!("a text in it is longer than {limit} characters"))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Refuses the successful answers of Organizations that lack something. Every client of Organizations has it.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct RequiredMembers;

#[dyn_dispatch_hint]
impl Intercept for RequiredMembers {
    fn name(&self) -> &'static str {
        "RequiredMembers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // An answer that the SDK could not read has its own error.
        if !response.status().is_success() || context.output_or_error().is_err() {
            return Ok(());
        }
        let name = config.load::<Metadata>().map(Metadata::name);
        let operation = Operation::ALL.into_iter().find(|operation| Some(operation.as_str()) == name);
        let operation = operation.ok_or("an operation of Organizations that the program does not know")?;
        let body = response.body().bytes().unwrap_or_default();
        fault(operation, body).map_or(Ok(()), |fault| Err(IncompleteAnswer(fault).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_organizations_has_members() {
        for operation in Operation::ALL {
            assert_eq!(required(operation).is_empty(), operation.service() != "organizations", "{operation}");
        }
    }

    #[test]
    fn an_answer_without_a_member_is_no_answer() {
        let (accounts, tags, organization) =
            (Operation::ListAccounts, Operation::ListTagsForResource, Operation::DescribeOrganization);
        let long = format!(r#"{{"Tags":[{{"Key":"a","Value":"{}"}}]}}"#, "x".repeat(MAX_TEXT + 1));
        let policy =
            format!(r#"{{"Policy":{{"PolicySummary":{{"Name":"n"}},"Content":"{}"}}}}"#, "x".repeat(MAX_TEXT + 1));
        let tokens =
            [MAX_TOKEN, MAX_TOKEN + 1].map(|length| format!(r#"{{"Tags":[],"NextToken":"{}"}}"#, "x".repeat(length)));
        for (operation, body, expected) in [
            (accounts, r#"{"Accounts":[]}"#, None),
            (accounts, r#"{"Accounts":[{"Id":"1","Name":"n","State":"ACTIVE"}],"NextToken":null}"#, None),
            (accounts, r#"{"Accounts":[{"Id":"1","Name":"n","Status":"ACTIVE"}]}"#, None),
            (tags, r#"{"Tags":[{"Key":"a","Value":""}]}"#, None),
            (tags, &tokens[0], None),
            (Operation::DescribePolicy, &policy, None),
            (
                Operation::DescribePolicy,
                r#"{"Policy":{"PolicySummary":{}}}"#,
                Some("it lacks Policy.PolicySummary.Name"),
            ),
            (organization, r#"{"Organization":{"Id":"o","MasterAccountId":"1"}}"#, None),
            (accounts, "", Some("it is no JSON")),
            (accounts, "{}", Some("it lacks Accounts[].Id")),
            (accounts, "[]", Some("it lacks Accounts[].Id")),
            (accounts, r#"{"message":"Forbidden"}"#, Some("it lacks Accounts[].Id")),
            (accounts, r#"{"Accounts":null}"#, Some("it lacks Accounts[].Id")),
            (accounts, r#"{"accounts":[]}"#, Some("it lacks Accounts[].Id")),
            (accounts, r#"{"Accounts":{}}"#, Some("it lacks Accounts[].Id")),
            (accounts, r#"{"Accounts":[null]}"#, Some("it lacks Accounts[].Id")),
            (accounts, r#"{"Accounts":[{"Id":null,"Name":"n","State":"ACTIVE"}]}"#, Some("it lacks Accounts[].Id")),
            (accounts, r#"{"Accounts":[{"Id":"1","Name":"n"}]}"#, Some("it lacks Accounts[].State|Status")),
            (
                accounts,
                r#"{"Accounts":[{"Id":"1","Name":"n","State":"ACTIVE","Paths":[null]}]}"#,
                Some("Paths has an empty element"),
            ),
            (tags, r#"{"Tags":[{"Key":"a"}]}"#, Some("it lacks Tags[].Value")),
            (tags, &long, Some("a text in it is longer than 2048 characters")),
            (tags, &tokens[1], Some("a text in it is longer than 100000 characters")),
            (organization, r#"{"Organization":{"Id":"o"}}"#, Some("it lacks Organization.MasterAccountId")),
        ] {
            assert_eq!(fault(operation, body.as_bytes()).as_deref(), expected, "{operation} {body:.80}");
        }
    }
}
