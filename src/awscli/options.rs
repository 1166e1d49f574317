//! The options of `v2token iam`, which are those of the AWS CLI v1.
//!
//! Three parsers share one command line, and each leaves the arguments that it does not know to the next: the global options and
//! the command, the subcommand, and the subcommand's own options (awscli 1.46, `clidriver.py`, `data/cli.json`).

use std::collections::BTreeMap;

use super::argparse::{Arity, Opt, Parsed, Positional, parse_known};
use super::errors::AwsCliError;

/// The options that every command of the AWS CLI has.
const GLOBAL: [Opt; 16] = [
    Opt::new("--debug", Arity::Switch),
    Opt::new("--endpoint-url", Arity::One),
    Opt::new("--no-verify-ssl", Arity::Switch),
    Opt::new("--no-paginate", Arity::Switch),
    Opt { choices: &["json", "text", "table"], ..Opt::new("--output", Arity::One) },
    Opt::new("--query", Arity::One),
    Opt::new("--profile", Arity::One),
    Opt::new("--region", Arity::One),
    Opt::new(VERSION, Arity::Switch),
    Opt { choices: &["on", "off", "auto"], ..Opt::new("--color", Arity::One) },
    Opt::new("--no-sign-request", Arity::Switch),
    Opt::new("--ca-bundle", Arity::One),
    Opt::new("--cli-read-timeout", Arity::One),
    Opt::new("--cli-connect-timeout", Arity::One),
    Opt::new("--v2-debug", Arity::Switch),
    // The AWS CLI does not have this one.
    Opt::new(HELP, Arity::Switch),
];

const VERSION: &str = "--version";
const HELP: &str = "--help";
pub(super) const TOKEN_VERSION: &str = "--global-endpoint-token-version";
pub(super) const INPUT_JSON: &str = "--cli-input-json";
pub(super) const SKELETON: &str = "--generate-cli-skeleton";

const COMMAND: Positional = Positional { name: "command", required: true, choices: &[] };
const SUBCOMMAND: Positional = Positional { name: "operation", required: true, choices: &[SUMMARY, SET, "help"] };
const SUMMARY: &str = "get-account-summary";
const SET: &str = "set-security-token-service-preferences";

/// A subcommand that calls an operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subcommand {
    GetAccountSummary,
    SetSecurityTokenServicePreferences,
}

impl Subcommand {
    /// The subcommand with this name.
    fn named(name: &str) -> Option<Self> {
        [Self::GetAccountSummary, Self::SetSecurityTokenServicePreferences]
            .into_iter()
            .find(|known| known.name() == name)
    }

    /// The name on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::GetAccountSummary => SUMMARY,
            Self::SetSecurityTokenServicePreferences => SET,
        }
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
    /// Of the parameters, as `--cli-input-json` takes them.
    Input,
    /// Of the result.
    Output,
}

/// The subject of a help text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HelpTopic {
    Iam,
    Subcommand(Subcommand),
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Version,
    Help(HelpTopic),
    Call(CallArguments),
}

/// The arguments of a call, not validated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CallArguments {
    pub(super) subcommand: Subcommand,
    /// The value of `--global-endpoint-token-version`, which may name a file.
    pub(super) token_version: Option<String>,
    pub(super) input_json: Option<String>,
    pub(super) skeleton: Option<Skeleton>,
}

/// The values of the global options.
pub(super) struct GlobalOptions(BTreeMap<&'static str, String>);

impl GlobalOptions {
    /// Whether a switch is set.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of an option.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The names of all options, with those of the subcommands.
pub fn names() -> Vec<&'static str> {
    GLOBAL.iter().map(|option| option.name).chain([TOKEN_VERSION, INPUT_JSON, SKELETON]).collect()
}

/// The values that an option takes, by its name without the dashes; empty if they can't be listed.
pub(super) fn choices(long: &str) -> &'static [&'static str] {
    let is_named = |name: &str| name.strip_prefix("--") == Some(long);
    match GLOBAL.iter().find(|option| is_named(option.name)) {
        Some(option) => option.choices,
        None if is_named(SKELETON) => &SKELETONS,
        None => &[],
    }
}

/// The values of `--generate-cli-skeleton`.
const SKELETONS: [&str; 2] = ["input", "output"];

/// Whether the command of a command line is `iam`. Global options may stand before it.
pub(crate) fn names_iam(arguments: &[String]) -> bool {
    if let Ok(parsed) = parse_known(arguments, &GLOBAL, COMMAND) {
        return parsed.positional.as_deref() == Some("iam");
    }
    // An invalid command line gets the AWS CLI's message if it is meant for `iam`. Other commands have no options before them.
    match arguments.first().map(String::as_str) {
        Some(first) if first.starts_with('-') => arguments.iter().any(|argument| argument == "iam"),
        first => first == Some("iam"),
    }
}

/// The first parser: returns the global options and the remaining arguments.
pub(super) fn globals(arguments: &[String]) -> Result<(GlobalOptions, Vec<String>), AwsCliError> {
    let Parsed { options, rest, .. } = parse_known(arguments, &GLOBAL, COMMAND).map_err(AwsCliError::Usage)?;
    Ok((GlobalOptions(options), rest))
}

/// The second and the third parser.
pub(super) fn action(globals: &GlobalOptions, arguments: &[String]) -> Result<Action, AwsCliError> {
    if globals.has(VERSION) {
        return Ok(Action::Version);
    }
    if globals.has(HELP) {
        let subcommand = parse_known(arguments, &[], SUBCOMMAND).ok().and_then(|parsed| parsed.positional);
        return Ok(Action::Help(
            subcommand.as_deref().and_then(Subcommand::named).map_or(HelpTopic::Iam, HelpTopic::Subcommand),
        ));
    }
    let Parsed { positional, rest, .. } = parse_known(arguments, &[], SUBCOMMAND).map_err(AwsCliError::Usage)?;
    match positional.as_deref().and_then(Subcommand::named) {
        None => Ok(Action::Help(HelpTopic::Iam)),
        Some(subcommand) => call(subcommand, &rest),
    }
}

/// The third parser: the subcommand's own options.
fn call(subcommand: Subcommand, arguments: &[String]) -> Result<Action, AwsCliError> {
    let help = Positional { name: "help", required: false, choices: &[] };
    // Before the options are parsed, of which one may be required.
    if arguments == ["help"] {
        return Ok(Action::Help(HelpTopic::Subcommand(subcommand)));
    }
    let mut options = vec![
        Opt::new(INPUT_JSON, Arity::One),
        Opt { choices: &SKELETONS, ..Opt::new(SKELETON, Arity::Optional("input")) },
    ];
    if subcommand == Subcommand::SetSecurityTokenServicePreferences {
        let required = !is_waived(arguments);
        options.insert(0, Opt { required, ..Opt::new(TOKEN_VERSION, Arity::One) });
    }
    let Parsed { mut options, positional, mut rest } =
        parse_known(arguments, &options, help).map_err(AwsCliError::Usage)?;
    match positional.as_deref() {
        Some("help") => return Ok(Action::Help(HelpTopic::Subcommand(subcommand))),
        Some(other) if !other.is_empty() => rest.push(other.to_owned()),
        Some(_) | None => {}
    }
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

/// Whether the required option may be missing. The AWS CLI looks for the full names of two other options, before it parses.
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
            ("iam help", HelpTopic::Iam),
            ("iam --help", HelpTopic::Iam),
            ("--help iam", HelpTopic::Iam),
            ("iam get-account-summary help", HelpTopic::Subcommand(Subcommand::GetAccountSummary)),
            ("iam get-account-summary --help", HelpTopic::Subcommand(Subcommand::GetAccountSummary)),
        ] {
            assert_eq!(action_of(line).unwrap(), Action::Help(topic), "{line}");
        }
    }
}
