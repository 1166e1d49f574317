//! This module owns the options of `v2token iam`, which are those of the AWS CLI v1, and the order in which they are read.
//!
//! Three parsers share one command line, each taking what it knows and leaving the rest: the global options and the command, the
//! operation, and the operation's own options (awscli 1.46, `clidriver.py`, `data/cli.json`).

use std::collections::BTreeMap;

use super::argparse::{Opt, Parsed, Positional, Takes, parse_known};
use super::ended::Ended;

/// The options that every command of the AWS CLI has.
const GLOBAL: [Opt; 16] = [
    Opt::new("--debug", Takes::Nothing),
    Opt::new("--endpoint-url", Takes::One),
    Opt::new("--no-verify-ssl", Takes::Nothing),
    Opt::new("--no-paginate", Takes::Nothing),
    Opt { choices: &["json", "text", "table"], ..Opt::new("--output", Takes::One) },
    Opt::new("--query", Takes::One),
    Opt::new("--profile", Takes::One),
    Opt::new("--region", Takes::One),
    Opt::new(VERSION, Takes::Nothing),
    Opt { choices: &["on", "off", "auto"], ..Opt::new("--color", Takes::One) },
    Opt::new("--no-sign-request", Takes::Nothing),
    Opt::new("--ca-bundle", Takes::One),
    Opt::new("--cli-read-timeout", Takes::One),
    Opt::new("--cli-connect-timeout", Takes::One),
    Opt::new("--v2-debug", Takes::Nothing),
    // Not the AWS CLI's: there it would be an unknown option.
    Opt::new(HELP, Takes::Nothing),
];

const VERSION: &str = "--version";
const HELP: &str = "--help";
pub(super) const TOKEN_VERSION: &str = "--global-endpoint-token-version";
pub(super) const INPUT_JSON: &str = "--cli-input-json";
pub(super) const SKELETON: &str = "--generate-cli-skeleton";

const COMMAND: Positional = Positional { name: "command", required: true, choices: &[] };
const OPERATION: Positional = Positional {
    name: "operation",
    required: true,
    choices: &["get-account-summary", "set-security-token-service-preferences", "help"],
};

/// The operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetAccountSummary,
    SetSecurityTokenServicePreferences,
}

impl Operation {
    /// Its name in AWS's API.
    pub(super) const fn api_name(self) -> &'static str {
        match self {
            Self::GetAccountSummary => "GetAccountSummary",
            Self::SetSecurityTokenServicePreferences => "SetSecurityTokenServicePreferences",
        }
    }
}

/// Which JSON skeleton is asked for instead of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skeleton {
    /// What `--cli-input-json` takes.
    Input,
    /// What the call would print.
    Output,
}

/// Which help is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Iam,
    Operation(Operation),
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Version,
    Help(Topic),
    Call(Box<Call>),
}

/// A call as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) operation: Operation,
    /// The value of `--global-endpoint-token-version`, before `file://` is looked at.
    pub(super) token_version: Option<String>,
    pub(super) input_json: Option<String>,
    pub(super) skeleton: Option<Skeleton>,
}

/// The global options as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Globals(BTreeMap<&'static str, String>);

impl Globals {
    /// Whether a switch was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of an option.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The names of all options, those of the operations included.
pub(super) fn names() -> Vec<&'static str> {
    GLOBAL.iter().map(|option| option.name).chain([TOKEN_VERSION, INPUT_JSON, SKELETON]).collect()
}

/// The values that an option takes, by its name without the dashes; none if there are more than can be named.
pub(super) fn choices(long: &str) -> &'static [&'static str] {
    let is = |option: &&Opt| option.name.strip_prefix("--") == Some(long);
    match GLOBAL.iter().find(is) {
        Some(option) => option.choices,
        None if SKELETON.strip_prefix("--") == Some(long) => &SKELETONS,
        None => &[],
    }
}

/// What `--generate-cli-skeleton` takes.
const SKELETONS: [&str; 2] = ["input", "output"];

/// Whether a command line names `iam` as its command: global options may stand in front of it.
pub(super) fn names_iam(arguments: &[String]) -> bool {
    if let Ok(parsed) = parse_known(arguments, &GLOBAL, COMMAND) {
        return parsed.positional.as_deref() == Some("iam");
    }
    // What is wrong with it is then said in the AWS CLI's words. Other commands have no options in front of them.
    match arguments.first().map(String::as_str) {
        Some(first) if first.starts_with('-') => arguments.iter().any(|argument| argument == "iam"),
        first => first == Some("iam"),
    }
}

/// The first parser: the global options, and what they leave.
pub(super) fn globals(arguments: &[String]) -> Result<(Globals, Vec<String>), Ended> {
    let Parsed { options, rest, .. } = parse_known(arguments, &GLOBAL, COMMAND).map_err(Ended::Usage)?;
    Ok((Globals(options), rest))
}

/// The second and the third parser.
pub(super) fn call(globals: &Globals, arguments: &[String]) -> Result<Asked, Ended> {
    if globals.has(VERSION) {
        return Ok(Asked::Version);
    }
    if globals.has(HELP) {
        let operation = parse_known(arguments, &[], OPERATION).ok().and_then(|parsed| parsed.positional);
        return Ok(Asked::Help(operation.as_deref().and_then(operation_named).map_or(Topic::Iam, Topic::Operation)));
    }
    let Parsed { positional, rest, .. } = parse_known(arguments, &[], OPERATION).map_err(Ended::Usage)?;
    let Some(operation) = positional.as_deref().and_then(operation_named) else {
        return Ok(Asked::Help(Topic::Iam));
    };
    own(operation, &rest)
}

fn operation_named(name: &str) -> Option<Operation> {
    match name {
        "get-account-summary" => Some(Operation::GetAccountSummary),
        "set-security-token-service-preferences" => Some(Operation::SetSecurityTokenServicePreferences),
        _ => None,
    }
}

/// The third parser: the operation's own options.
fn own(operation: Operation, arguments: &[String]) -> Result<Asked, Ended> {
    let help = Positional { name: "help", required: false, choices: &[] };
    if let [only] = arguments
        && only == "help"
    {
        return Ok(Asked::Help(Topic::Operation(operation)));
    }
    let mut options = vec![
        Opt::new(INPUT_JSON, Takes::One),
        Opt { choices: &SKELETONS, ..Opt::new(SKELETON, Takes::Optional("input")) },
    ];
    if operation == Operation::SetSecurityTokenServicePreferences {
        let required = !waived(arguments);
        options.insert(0, Opt { required, ..Opt::new(TOKEN_VERSION, Takes::One) });
    }
    let Parsed { mut options, positional, mut rest } = parse_known(arguments, &options, help).map_err(Ended::Usage)?;
    match positional.as_deref() {
        Some("help") => return Ok(Asked::Help(Topic::Operation(operation))),
        Some(other) if !other.is_empty() => rest.push(other.to_owned()),
        Some(_) | None => {}
    }
    if !rest.is_empty() {
        return Err(Ended::UnknownOptions(rest));
    }
    let skeleton =
        options.remove(SKELETON).map(|which| if which == "output" { Skeleton::Output } else { Skeleton::Input });
    Ok(Asked::Call(Box::new(Call {
        operation,
        token_version: options.remove(TOKEN_VERSION),
        input_json: options.remove(INPUT_JSON),
        skeleton,
    })))
}

/// Whether the required option may be missing. The AWS CLI looks for the two names as whole words, before it parses.
fn waived(arguments: &[String]) -> bool {
    let place = |name: &str| arguments.iter().position(|argument| argument == name);
    let skeleton = place(SKELETON).is_some_and(|at| arguments.get(at + 1).is_none_or(|next| next != "output"));
    skeleton || place(INPUT_JSON).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked, Ended> {
        let (globals, rest) = globals(&words(line))?;
        call(&globals, &rest)
    }

    fn words(line: &str) -> Vec<String> {
        line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn set(token_version: Option<&str>, input_json: Option<&str>, skeleton: Option<Skeleton>) -> Asked {
        Asked::Call(Box::new(Call {
            operation: Operation::SetSecurityTokenServicePreferences,
            token_version: token_version.map(str::to_owned),
            input_json: input_json.map(str::to_owned),
            skeleton,
        }))
    }

    #[test]
    fn a_command_line_of_the_aws_cli_is_known_by_its_command() {
        for line in [
            "iam",
            "--region x iam help",
            "--debug iam --output json",
            "--pro iam iam",
            "iam --no x",
            "--output yaml iam x",
        ] {
            assert!(names_iam(&words(line)), "{line}");
        }
        for line in ["", "plan", "plan iam", "--region iam plan", "help", "--version", "plan --output iam"] {
            assert!(!names_iam(&words(line)), "{line}");
        }
    }

    #[test]
    fn the_required_option_is_waived_as_in_the_aws_cli() {
        let operation = "iam set-security-token-service-preferences";
        for (line, expected) in [
            ("--global v1Token", set(Some("v1Token"), None, None)),
            ("--cli-input-json {}", set(None, Some("{}"), None)),
            ("--generate-cli-skeleton", set(None, None, Some(Skeleton::Input))),
            ("--generate-cli-skeleton input", set(None, None, Some(Skeleton::Input))),
            ("--gl v2Token --generate-cli-skeleton output", set(Some("v2Token"), None, Some(Skeleton::Output))),
        ] {
            assert_eq!(asked(&format!("{operation} {line}")).unwrap(), expected, "{line}");
        }
        let missing = "the following arguments are required: --global-endpoint-token-version";
        for line in ["", "--generate-cli-skeleton output", "--generate-cli-sk", "--generate-cli-skeleton=input"] {
            let refused = asked(&format!("{operation} {line}")).unwrap_err();
            assert!(matches!(&refused, Ended::Usage(message) if message == missing), "{line}");
        }
    }

    #[test]
    fn help_is_found_wherever_it_stands() {
        for (line, topic) in [
            ("iam help", Topic::Iam),
            ("iam --help", Topic::Iam),
            ("--help iam", Topic::Iam),
            ("iam get-account-summary help", Topic::Operation(Operation::GetAccountSummary)),
            ("iam get-account-summary --help", Topic::Operation(Operation::GetAccountSummary)),
        ] {
            assert_eq!(asked(line).unwrap(), Asked::Help(topic), "{line}");
        }
    }
}
