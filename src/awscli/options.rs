//! The options of `v2token iam`, which are those of the AWS CLI v1.
//!
//! Three parsers share one command line, and each leaves the arguments that it does not know to the next parser. The first parses
//! the global options and the command, the second the subcommand, and the third the subcommand's own options (awscli 1.46,
//! `clidriver.py`, `data/cli.json`).

use std::collections::BTreeMap;

use super::argparse::{Arity, Parameter, Parsed, parse_known};
use super::errors::AwsCliError;
use crate::text_enum::text_enum;

/// The options that every command of the AWS CLI has.
const GLOBAL: [Parameter; 16] = [
    Parameter::new("--debug", Arity::Switch),
    Parameter::new("--endpoint-url", Arity::One),
    Parameter::new("--no-verify-ssl", Arity::Switch),
    Parameter::new("--no-paginate", Arity::Switch),
    Parameter { choices: &["json", "text", "table"], ..Parameter::new("--output", Arity::One) },
    Parameter::new("--query", Arity::One),
    Parameter::new("--profile", Arity::One),
    Parameter::new("--region", Arity::One),
    Parameter::new("--version", Arity::Switch),
    Parameter { choices: &["on", "off", "auto"], ..Parameter::new("--color", Arity::One) },
    Parameter::new("--no-sign-request", Arity::Switch),
    Parameter::new("--ca-bundle", Arity::One),
    Parameter::new("--cli-read-timeout", Arity::One),
    Parameter::new("--cli-connect-timeout", Arity::One),
    Parameter::new("--v2-debug", Arity::Switch),
    // The AWS CLI does not have `--help`.
    Parameter::new("--help", Arity::Switch),
];

pub(super) const TOKEN_VERSION: &str = "--global-endpoint-token-version";
pub(super) const INPUT_JSON: &str = "--cli-input-json";
const SKELETON: &str = "--generate-cli-skeleton";

/// The options of the subcommands. Only `set-security-token-service-preferences` has the first option.
const OF_SUBCOMMANDS: [Parameter; 3] = [
    Parameter::new(TOKEN_VERSION, Arity::One),
    Parameter::new(INPUT_JSON, Arity::One),
    Parameter { choices: &["input", "output"], ..Parameter::new(SKELETON, Arity::Optional("input")) },
];

const COMMAND: Parameter = Parameter { required: true, ..Parameter::new("command", Arity::One) };
const SUBCOMMAND: Parameter = Parameter {
    required: true,
    choices: &[Subcommand::GetAccountSummary.as_str(), Subcommand::SetSecurityTokenServicePreferences.as_str(), "help"],
    ..Parameter::new("operation", Arity::One)
};

text_enum! {
    /// A subcommand that calls an operation of the API.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Subcommand {
        GetAccountSummary = "get-account-summary",
        SetSecurityTokenServicePreferences = "set-security-token-service-preferences",
    }
}

impl Subcommand {
    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// The name of the operation in the API.
    pub(super) const fn api_name(self) -> &'static str {
        match self {
            Self::GetAccountSummary => "GetAccountSummary",
            Self::SetSecurityTokenServicePreferences => "SetSecurityTokenServicePreferences",
        }
    }
}

/// A JSON skeleton that is printed instead of making a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skeleton {
    /// The skeleton of the parameters, as `--cli-input-json` takes them.
    Input,
    /// The skeleton of the result.
    Output,
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Version,
    /// The help of a subcommand, or of `iam` if there is no subcommand.
    Help(Option<Subcommand>),
    Call(CallArguments),
}

/// The arguments of a call, not validated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CallArguments {
    pub(super) subcommand: Subcommand,
    /// The value of `--global-endpoint-token-version`, which can name a file.
    pub(super) token_version: Option<String>,
    pub(super) input_json: Option<String>,
    pub(super) skeleton: Option<Skeleton>,
}

/// The values of the global options by name. The value of a switch is empty.
pub(super) type GlobalOptions = BTreeMap<&'static str, String>;

fn all_options() -> impl Iterator<Item = Parameter> {
    GLOBAL.into_iter().chain(OF_SUBCOMMANDS)
}

/// The names of all options, including the options of the subcommands.
pub fn names() -> Vec<&'static str> {
    all_options().map(|option| option.name).collect()
}

/// The values that an option takes, by its name without the dashes; empty if they can't be listed.
pub(super) fn choices(long: &str) -> &'static [&'static str] {
    all_options().find(|option| option.name[2..] == *long).map_or(&[], |option| option.choices)
}

/// Whether the command of a command line is `iam`. Global options can stand before it.
pub(crate) fn names_iam(arguments: &[String]) -> bool {
    if let Ok(parsed) = parse_known(arguments, &GLOBAL, COMMAND) {
        return parsed.positional.as_deref() == Some("iam");
    }
    // An invalid command line that is meant for `iam` gets the AWS CLI's message. Other commands have no options before them, so
    // a line that begins with an option is meant for `iam` if one of its words is `iam`.
    match arguments.first().map(String::as_str) {
        Some(first) if first.starts_with('-') => arguments.iter().any(|argument| argument == "iam"),
        first => first == Some("iam"),
    }
}

/// The first parser: returns the global options and the remaining arguments.
pub(super) fn globals(arguments: &[String]) -> Result<(GlobalOptions, Vec<String>), AwsCliError> {
    let Parsed { options, rest, .. } = parse_known(arguments, &GLOBAL, COMMAND).map_err(AwsCliError::Usage)?;
    Ok((options, rest))
}

/// The second and the third parser: return what the command line asks for.
pub(super) fn action(globals: &GlobalOptions, arguments: &[String]) -> Result<Action, AwsCliError> {
    if globals.contains_key("--version") {
        return Ok(Action::Version);
    }
    let parsed = match parse_known(arguments, &[], SUBCOMMAND) {
        Err(_) if globals.contains_key("--help") => return Ok(Action::Help(None)),
        parsed => parsed.map_err(AwsCliError::Usage)?,
    };
    match parsed.positional.as_deref().and_then(Subcommand::named) {
        Some(subcommand) if !globals.contains_key("--help") => call(subcommand, &parsed.rest),
        subcommand => Ok(Action::Help(subcommand)),
    }
}

/// The third parser: the subcommand's own options.
fn call(subcommand: Subcommand, arguments: &[String]) -> Result<Action, AwsCliError> {
    // This check comes before the options are parsed, because `help` needs no required option.
    if arguments == ["help"] {
        return Ok(Action::Help(Some(subcommand)));
    }
    let mut options = OF_SUBCOMMANDS;
    options[0].required = !is_waived(arguments);
    let own = match subcommand {
        Subcommand::SetSecurityTokenServicePreferences => &options[..],
        Subcommand::GetAccountSummary => &options[1..],
    };
    let Parsed { mut options, positional, mut rest } =
        parse_known(arguments, own, Parameter::new("help", Arity::One)).map_err(AwsCliError::Usage)?;
    if positional.as_deref() == Some("help") {
        return Ok(Action::Help(Some(subcommand)));
    }
    rest.extend(positional.filter(|unknown| !unknown.is_empty()));
    if !rest.is_empty() {
        return Err(AwsCliError::UnknownOptions(rest));
    }
    let skeleton =
        options.remove(SKELETON).map(|which| if which == "output" { Skeleton::Output } else { Skeleton::Input });
    Ok(Action::Call(CallArguments {
        subcommand,
        token_version: options.remove(TOKEN_VERSION),
        input_json: options.remove(INPUT_JSON),
        skeleton,
    }))
}

/// Whether `--global-endpoint-token-version` is allowed to be missing. As in the AWS CLI, it is if the unparsed arguments contain
/// the full name `--cli-input-json` or `--generate-cli-skeleton`. `--generate-cli-skeleton output` does not count.
fn is_waived(arguments: &[String]) -> bool {
    let position = |name: &str| arguments.iter().position(|argument| argument == name);
    let skeleton = position(SKELETON).is_some_and(|at| arguments.get(at + 1).is_none_or(|next| next != "output"));
    skeleton || position(INPUT_JSON).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action_of(line: &str) -> Result<Action, AwsCliError> {
        let (globals, rest) = globals(&words(line))?;
        action(&globals, &rest)
    }

    fn words(line: &str) -> Vec<String> {
        line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn set(token_version: Option<&str>, input_json: Option<&str>, skeleton: Option<Skeleton>) -> Action {
        Action::Call(CallArguments {
            subcommand: Subcommand::SetSecurityTokenServicePreferences,
            token_version: token_version.map(str::to_owned),
            input_json: input_json.map(str::to_owned),
            skeleton,
        })
    }

    #[test]
    fn iam_command_lines_are_recognized() {
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
        let subcommand = "iam set-security-token-service-preferences";
        for (line, expected) in [
            ("--global v1Token", set(Some("v1Token"), None, None)),
            ("--cli-input-json {}", set(None, Some("{}"), None)),
            ("--generate-cli-skeleton", set(None, None, Some(Skeleton::Input))),
            ("--generate-cli-skeleton input", set(None, None, Some(Skeleton::Input))),
            ("--gl v2Token --generate-cli-skeleton output", set(Some("v2Token"), None, Some(Skeleton::Output))),
        ] {
            assert_eq!(action_of(&format!("{subcommand} {line}")).unwrap(), expected, "{line}");
        }
        let missing = "the following arguments are required: --global-endpoint-token-version";
        for line in ["", "--generate-cli-skeleton output", "--generate-cli-sk", "--generate-cli-skeleton=input"] {
            let refused = action_of(&format!("{subcommand} {line}")).unwrap_err();
            assert!(matches!(&refused, AwsCliError::Usage(message) if message == missing), "{line}");
        }
    }

    #[test]
    fn help_is_found_in_every_place() {
        for (line, topic) in [
            ("iam help", None),
            ("iam --help", None),
            ("--help iam", None),
            ("iam get-account-summary help", Some(Subcommand::GetAccountSummary)),
            ("iam get-account-summary --help", Some(Subcommand::GetAccountSummary)),
        ] {
            assert_eq!(action_of(line).unwrap(), Action::Help(topic), "{line}");
        }
    }
}
