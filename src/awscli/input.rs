//! This module owns the parameters of a call: from options, files and JSON to a token version that may be sent.

use std::path::Path;

use serde_json::{Map, Value};

use super::ended::Ended;
use super::options::{Call, INPUT_JSON, Operation, TOKEN_VERSION};
use super::python;
use super::wire::RawCall;
use crate::org::TokenVersion;

/// The only parameter that there is.
const MEMBER: &str = "GlobalEndpointTokenVersion";

/// The parameters as they were given, by their names in AWS's API.
pub(super) type Parameters = Map<String, Value>;

/// Puts the parameters together: what stands on the command line wins over what stands in the JSON.
pub(super) fn parameters(call: &Call) -> Result<Parameters, Ended> {
    let mut given = Map::new();
    if let Some(value) = &call.token_version {
        given.insert(MEMBER.to_owned(), token_version_text(value)?.into());
    }
    if let Some(value) = &call.input_json {
        let file = file_of(value, |path| read_text(path, value)).transpose();
        let json = file.map_err(|detail| parsing(INPUT_JSON, &detail))?.unwrap_or_else(|| value.clone());
        let read = serde_json::from_str(&json).map_err(|error| {
            parsing(INPUT_JSON.trim_start_matches('-'), &format!("Invalid JSON: {error}\nJSON received: {json}"))
        })?;
        let Value::Object(entries) = read else {
            return Err(Ended::said(format!("'{}' object has no attribute 'keys'", python::type_name(&read))));
        };
        for (key, value) in entries {
            given.entry(key).or_insert(value);
        }
    }
    Ok(given)
}

/// The value of the option: a text, or the contents of a file.
fn token_version_text(value: &str) -> Result<String, Ended> {
    if value.starts_with("http://") || value.starts_with("https://") {
        let refusal = format!("Unable to retrieve {value}: no value is fetched from the network");
        return Err(parsing(TOKEN_VERSION, &refusal));
    }
    let file = file_of(value, |path| read_text(path, value)).transpose();
    let text = file.map_err(|detail| parsing(TOKEN_VERSION, &detail))?.unwrap_or_else(|| value.to_owned());
    if value.starts_with("fileb://") {
        return Err(invalid(&[format!(
            "Invalid type for parameter {MEMBER}, value: b{}, type: <class 'bytes'>, valid types: <class 'str'>",
            python::quoted(&text)
        )]));
    }
    Ok(text)
}

/// Reads the file that a value names, if it names one.
fn file_of<T>(value: &str, read: impl FnOnce(&Path) -> T) -> Option<T> {
    let path = value.strip_prefix("file://").or_else(|| value.strip_prefix("fileb://"))?;
    Some(read(Path::new(&expand(path))))
}

fn read_text(path: &Path, named: &str) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| {
        let number = error.raw_os_error().map_or_else(String::new, |number| format!("[Errno {number}] "));
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        format!("Unable to load paramfile {named}: {number}{words}: '{}'", path.display())
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let path = path.display();
        format!("Unable to load paramfile ({path}), text contents could not be decoded.  If this is a binary file, please use the fileb:// prefix instead of the file:// prefix.")
    })?;
    // Python's text files have one kind of line end.
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The home folder and variables in a path.
fn expand(path: &str) -> String {
    let home = || std::env::var("HOME").ok();
    let path = match (path.strip_prefix('~'), home()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => home + rest,
        _ => path.to_owned(),
    };
    let mut expanded = String::new();
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let braced = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let end = after.find(|character| !is_part(character)).unwrap_or(after.len());
        let (name, left) = braced.unwrap_or_else(|| after.split_at(end));
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => {
                expanded.push_str(&value);
                rest = left;
            }
            _ => {
                expanded.push('$');
                rest = after;
            }
        }
    }
    expanded + rest
}

fn parsing(name: &str, detail: &str) -> Ended {
    Ended::said(format!("Error parsing parameter '{name}': {detail}"))
}

/// Checks the parameters, and makes the call of them.
///
/// A version that is none is refused here. The AWS CLI would send it, and IAM would refuse it.
pub(super) fn checked(operation: Operation, parameters: &Parameters) -> Result<RawCall, Ended> {
    match operation {
        // It takes no parameters, and the AWS CLI does not look at those that are given.
        Operation::GetAccountSummary => return Ok(RawCall::GetAccountSummary),
        Operation::SetSecurityTokenServicePreferences => {}
    }
    let wanted = parameters.get(MEMBER);
    let mut wrong = Vec::new();
    if wanted.is_none() {
        wrong.push(format!("Missing required parameter in input: \"{MEMBER}\""));
    }
    for key in parameters.keys().filter(|key| *key != MEMBER) {
        wrong.push(format!("Unknown parameter in input: \"{key}\", must be one of: {MEMBER}"));
    }
    let version = match wanted {
        None => None,
        Some(Value::String(text)) => {
            let version = text.parse::<TokenVersion>();
            if let Err(refused) = &version {
                wrong.push(format!("Invalid value for parameter {MEMBER}, value: {text}: {refused}"));
            }
            version.ok()
        }
        Some(other) => {
            let (value, kind) = (python::text(other), python::type_name(other));
            wrong.push(format!(
                "Invalid type for parameter {MEMBER}, value: {value}, type: <class '{kind}'>, valid types: <class 'str'>"
            ));
            None
        }
    };
    version.filter(|_| wrong.is_empty()).map(RawCall::Set).ok_or_else(|| invalid(&wrong))
}

fn invalid(wrong: &[String]) -> Ended {
    Ended::said(format!("Parameter validation failed:\n{}", wrong.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(token_version: Option<&str>, input_json: Option<&str>) -> Call {
        Call {
            operation: Operation::SetSecurityTokenServicePreferences,
            token_version: token_version.map(str::to_owned),
            input_json: input_json.map(str::to_owned),
            skeleton: None,
        }
    }

    fn outcome(token_version: Option<&str>, input_json: Option<&str>) -> Result<RawCall, String> {
        let call = call(token_version, input_json);
        parameters(&call).and_then(|given| checked(call.operation, &given)).map_err(|ended| ended.text())
    }

    #[test]
    fn the_command_line_wins_over_the_json() {
        let json = r#"{"GlobalEndpointTokenVersion": "v1Token"}"#;
        assert_eq!(outcome(None, Some(json)), Ok(RawCall::Set(TokenVersion::V1Token)));
        assert_eq!(outcome(Some("v2Token"), Some(json)), Ok(RawCall::Set(TokenVersion::V2Token)));
        assert_eq!(outcome(Some("v2Token"), Some("{}")), Ok(RawCall::Set(TokenVersion::V2Token)));
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        for (json, words) in [
            ("{}", vec!["Missing required parameter in input: \"GlobalEndpointTokenVersion\""]),
            ("{\"X\": 1}", vec!["Missing required", "Unknown parameter in input: \"X\", must be one of: Global"]),
            ("{\"GlobalEndpointTokenVersion\": 2}", vec!["value: 2, type: <class 'int'>, valid types: <class 'str'>"]),
            ("{\"GlobalEndpointTokenVersion\": null}", vec!["value: None, type: <class 'NoneType'>"]),
            ("{\"GlobalEndpointTokenVersion\": \"v3Token\"}", vec!["value: v3Token: expected v1Token or v2Token"]),
            ("[]", vec!["'list' object has no attribute 'keys'"]),
            ("{", vec!["Error parsing parameter 'cli-input-json': Invalid JSON: ", "JSON received: {"]),
            (
                "file:///no/such",
                vec!["'--cli-input-json': Unable to load paramfile file:///no/such: [Errno 2] No such file"],
            ),
        ] {
            let said = outcome(None, Some(json)).unwrap_err();
            for part in words {
                assert!(said.contains(part), "{json}: {said}");
            }
        }
    }

    #[test]
    fn a_file_is_taken_as_it_is() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("version");
        let named = format!("file://{}", path.display());
        std::fs::write(&path, "v2Token").unwrap();
        assert_eq!(outcome(Some(&named), None), Ok(RawCall::Set(TokenVersion::V2Token)));
        std::fs::write(&path, "v2Token\n").unwrap();
        assert!(outcome(Some(&named), None).unwrap_err().contains("did you mean v2Token?"));
        std::fs::write(&path, [0xff]).unwrap();
        assert!(outcome(Some(&named), None).unwrap_err().contains("could not be decoded"));
    }

    #[test]
    fn paths_are_expanded_as_by_a_shell() {
        let home = std::env::var("HOME").unwrap();
        assert_eq!(expand("~/x"), format!("{home}/x"));
        assert_eq!(expand("$HOME/x${HOME}y"), format!("{home}/x{home}y"));
        assert_eq!(expand("a$NO_SUCH_VARIABLE_HERE/$"), "a$NO_SUCH_VARIABLE_HERE/$");
        assert_eq!(expand("~nobody/x"), "~nobody/x");
    }
}
