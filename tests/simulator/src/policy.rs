//! Session policies: parses the JSON of `AssumeRole` and decides what it allows.

use serde_json::Value;

use crate::answer::ApiError;

/// The maximum length of an inline policy that STS accepts, in characters.
const MAX_CHARACTERS: usize = 2_048;

/// A session policy. Conditions are not evaluated: a statement with conditions never allows and always denies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SessionPolicy {
    statements: Vec<Statement>,
}

#[derive(Debug, PartialEq, Eq)]
struct Statement {
    allow: bool,
    actions: Vec<String>,
    resources: Vec<String>,
}

impl SessionPolicy {
    /// Reads a policy, with the checks that STS makes.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.chars().count() > MAX_CHARACTERS {
            return Err(ApiError::validation(format!(
                "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to {MAX_CHARACTERS}"
            )));
        }
        let malformed = |message: &'static str| ApiError::new(400, "MalformedPolicyDocument", message);
        let document: Value = serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
        let statements = match document.get("Statement") {
            Some(Value::Array(list)) => list.as_slice(),
            Some(single @ Value::Object(_)) => std::slice::from_ref(single),
            _ => return Err(malformed("Missing required field Statement")),
        };
        let mut read = Vec::with_capacity(statements.len());
        for statement in statements {
            let allow = match statement.get("Effect").and_then(Value::as_str) {
                Some("Allow") => true,
                Some("Deny") => false,
                _ => return Err(malformed("Missing required field Effect")),
            };
            let actions = texts(statement.get("Action")).ok_or_else(|| malformed("Missing required field Action"))?;
            let resources =
                texts(statement.get("Resource")).ok_or_else(|| malformed("Missing required field Resource"))?;
            if !allow || statement.get("Condition").is_none() {
                read.push(Statement { allow, actions, resources });
            }
        }
        Ok(Self { statements: read })
    }

    /// Returns the part of the task policy `IAMAuditRootUserCredentials` that this program needs.
    pub fn root_audit() -> Self {
        Self {
            statements: vec![Statement {
                allow: true,
                actions: vec!["iam:GetAccountSummary".to_owned()],
                resources: vec!["*".to_owned()],
            }],
        }
    }

    /// Whether the policy allows an action on a resource: at least one statement allows the action, and no statement denies it.
    /// For operations without resources, the resource is `*`.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let covers = |patterns: &[String], text: &str| {
            patterns.iter().any(|pattern| wildcard(pattern.as_bytes(), text.as_bytes()))
        };
        let matching = |allow: bool| {
            self.statements
                .iter()
                .filter(move |statement| statement.allow == allow)
                .any(|statement| covers(&statement.actions, action) && covers(&statement.resources, resource))
        };
        matching(true) && !matching(false)
    }
}

/// Reads a JSON string or list of strings.
pub(crate) fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => list.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// Matches `*` and `?`, ignoring case as IAM does for actions.
pub(crate) fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skipped| wildcard(rest, &text[skipped..])),
        (Some((b'?', rest)), Some((_, tail))) => wildcard(rest, tail),
        (Some((expected, rest)), Some((actual, tail))) => expected.eq_ignore_ascii_case(actual) && wildcard(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(action: &str) -> SessionPolicy {
        SessionPolicy::parse(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{action},"Resource":"*"}}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn a_session_policy_limits_actions() {
        let read_only = policy(r#""iam:GetAccountSummary""#);
        assert!(read_only.allows("iam:GetAccountSummary", "*"));
        assert!(!read_only.allows("iam:SetSecurityTokenServicePreferences", "*"));
        assert!(policy(r#"["iam:get*","iam:Set*"]"#).allows("iam:SetSecurityTokenServicePreferences", "*"));
    }

    #[test]
    fn resources_and_conditions_limit_a_statement() {
        let assume = |statement: &str, role: &str| {
            SessionPolicy::parse(&format!(r#"{{"Statement":{statement}}}"#)).unwrap().allows("sts:AssumeRole", role)
        };
        let to_hub = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/Hub"}"#;
        assert!(assume(to_hub, "arn:aws:iam::000000000001:role/Hub"));
        assert!(!assume(to_hub, "arn:aws:iam::000000000001:role/Other"));
        let on_condition = r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}"#;
        assert!(!assume(on_condition, "arn:aws:iam::000000000001:role/Hub"));
    }

    #[test]
    fn malformed_policies_are_refused() {
        for text in ["", "{", "[]", r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#] {
            assert_eq!(SessionPolicy::parse(text).unwrap_err().code, "MalformedPolicyDocument", "{text}");
        }
        assert_eq!(SessionPolicy::parse(&" ".repeat(2_049)).unwrap_err().code, "ValidationError");
    }
}
