//! Reads the parameters of a call from options, files and JSON, and validates them.

use serde_json::{Map, Value};

use super::errors::AwsCliError;
use super::options::{CallArguments, INPUT_JSON, Subcommand, TOKEN_VERSION};
use super::wire::WireRequest;
use crate::aws_settings::Variables;
use crate::org::TokenVersion;
use crate::python;

/// The only parameter of the two operations.
const MEMBER: &str = "GlobalEndpointTokenVersion";

/// Returns the unvalidated parameters by their names in the API. The command line takes precedence over the JSON.
pub(super) fn parameters(call: &CallArguments) -> Result<Map<String, Value>, AwsCliError> {
    let mut given = Map::new();
    if let Some(value) = &call.token_version {
        given.insert(MEMBER.to_owned(), token_version_text(value)?.into());
    }
    if let Some(value) = &call.input_json {
        let json = text_or_file(value).map_err(|detail| parsing(INPUT_JSON, &detail))?;
        let read = serde_json::from_str(&json).map_err(|error| {
            parsing(INPUT_JSON.trim_start_matches('-'), &format!("Invalid JSON: {error}\nJSON received: {json}"))
        })?;
        let Value::Object(entries) = read else {
            return Err(format!("'{}' object has no attribute 'keys'", python::type_name(&read)).into());
        };
        for (key, value) in entries {
            given.entry(key).or_insert(value);
        }
    }
    Ok(given)
}

/// Returns the value of `--global-endpoint-token-version`.
fn token_version_text(value: &str) -> Result<String, AwsCliError> {
    if value.starts_with("http://") || value.starts_with("https://") {
        let refusal = format!("Unable to retrieve {value}: no value is fetched from the network");
        return Err(parsing(TOKEN_VERSION, &refusal));
    }
    let text = text_or_file(value).map_err(|detail| parsing(TOKEN_VERSION, &detail))?;
    if value.starts_with("fileb://") {
        return Err(invalid(&[wrong_type(&format!("b{}", python::quoted(&text)), "bytes")]));
    }
    Ok(text)
}

/// Returns the value, or the contents of the file that it names.
fn text_or_file(value: &str) -> Result<String, String> {
    let Some(path) = value.strip_prefix("file://").or_else(|| value.strip_prefix("fileb://")) else {
        return Ok(value.to_owned());
    };
    let variables = Variables::of_process();
    let path = variables.expand_variables(&variables.expand_home(path));
    let bytes = std::fs::read(&path).map_err(|error| {
        let number = error.raw_os_error().map_or_else(String::new, |number| format!("[Errno {number}] "));
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        format!("Unable to load paramfile {value}: {number}{words}: '{path}'")
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        format!("Unable to load paramfile ({path}), text contents could not be decoded.  If this is a binary file, please use the fileb:// prefix instead of the file:// prefix.")
    })?;
    // Python converts the line ends of text files.
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn parsing(name: &str, detail: &str) -> AwsCliError {
    AwsCliError::from(format!("Error parsing parameter '{name}': {detail}"))
}

/// Validates the parameters and returns the request.
///
/// An invalid version is refused here. The AWS CLI sends it, and IAM refuses it.
pub(super) fn request(subcommand: Subcommand, parameters: &Map<String, Value>) -> Result<WireRequest, AwsCliError> {
    if subcommand == Subcommand::GetAccountSummary {
        // This operation has no parameters. The AWS CLI ignores parameters that are given.
        return Ok(WireRequest::GetAccountSummary);
    }
    let unknown = parameters.keys().filter(|key| *key != MEMBER);
    let unknown = unknown.map(|key| format!("Unknown parameter in input: \"{key}\", must be one of: {MEMBER}"));
    let mut wrong: Vec<String> = unknown.collect();
    let version = match parameters.get(MEMBER) {
        None => {
            wrong.insert(0, format!("Missing required parameter in input: \"{MEMBER}\""));
            return Err(invalid(&wrong));
        }
        Some(Value::String(text)) => text
            .parse::<TokenVersion>()
            .map_err(|refused| format!("Invalid value for parameter {MEMBER}, value: {text}: {refused}")),
        Some(other) => Err(wrong_type(&python::text(other), python::type_name(other))),
    };
    match version {
        Ok(version) if wrong.is_empty() => Ok(WireRequest::SetSecurityTokenServicePreferences(version)),
        version => {
            wrong.extend(version.err());
            Err(invalid(&wrong))
        }
    }
}

fn wrong_type(value: &str, kind: &str) -> String {
    format!("Invalid type for parameter {MEMBER}, value: {value}, type: <class '{kind}'>, valid types: <class 'str'>")
}

fn invalid(wrong: &[String]) -> AwsCliError {
    AwsCliError::from(format!("Parameter validation failed:\n{}", wrong.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(token_version: Option<&str>, input_json: Option<&str>) -> CallArguments {
        CallArguments {
            subcommand: Subcommand::SetSecurityTokenServicePreferences,
            token_version: token_version.map(str::to_owned),
            input_json: input_json.map(str::to_owned),
            skeleton: None,
        }
    }

    fn outcome(token_version: Option<&str>, input_json: Option<&str>) -> Result<WireRequest, String> {
        let call = call(token_version, input_json);
        parameters(&call).and_then(|given| request(call.subcommand, &given)).map_err(|error| error.text())
    }

    #[test]
    fn the_command_line_wins_over_the_json() {
        let json = r#"{"GlobalEndpointTokenVersion": "v1Token"}"#;
        assert_eq!(
            outcome(None, Some(json)),
            Ok(WireRequest::SetSecurityTokenServicePreferences(TokenVersion::V1Token))
        );
        assert_eq!(
            outcome(Some("v2Token"), Some(json)),
            Ok(WireRequest::SetSecurityTokenServicePreferences(TokenVersion::V2Token))
        );
        assert_eq!(
            outcome(Some("v2Token"), Some("{}")),
            Ok(WireRequest::SetSecurityTokenServicePreferences(TokenVersion::V2Token))
        );
    }

    #[test]
    fn all_errors_are_reported_at_once() {
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
    fn files_are_read_unchanged() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("version");
        let named = format!("file://{}", path.display());
        std::fs::write(&path, "v2Token").unwrap();
        assert_eq!(
            outcome(Some(&named), None),
            Ok(WireRequest::SetSecurityTokenServicePreferences(TokenVersion::V2Token))
        );
        std::fs::write(&path, "v2Token\n").unwrap();
        assert!(outcome(Some(&named), None).unwrap_err().contains("did you mean v2Token?"));
        std::fs::write(&path, [0xff]).unwrap();
        assert!(outcome(Some(&named), None).unwrap_err().contains("could not be decoded"));
    }
}
