//! This module owns the command line: what can be typed, and nothing computed from it.

mod access;
mod describe;
mod examples;
mod inspect;
mod output;
mod rate;
mod rollout;
mod selection;
mod values;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

use crate::org::TokenVersion;
use crate::suggest::nearest;

use examples::above;
use values::switch;

pub(crate) use access::{AccessArgs, SessionPolicy};
pub(crate) use describe::{CompletionsArgs, ManArgs};
pub(crate) use describe::{completions, pages};
pub use inspect::Document;
pub(crate) use inspect::{DoctorArgs, PolicyArgs, PolicyFor};
pub(crate) use output::{Color, LogFormat, OutputArgs, OutputFormat};
pub(crate) use rate::RateArgs;
pub(crate) use rollout::RolloutArgs;
pub(crate) use selection::SelectionArgs;
#[cfg(any(test, fuzzing))]
pub(crate) use values::parse_all;

const TARGET: &str = "Target";
const SELECTION: &str = "Selection";
const ACCESS: &str = "Access";
const PACE: &str = "Pace";
const ROLLOUT: &str = "Rollout";
const OUTPUT: &str = "Output";

/// The exit codes, below the help of every command.
const EXIT_CODES: &str = "\
Exit codes:
  0    every selected account is on the wanted version (plan: every one could be read)
  1    could not start or go on: nothing was attempted, or the message says how many were changed
  2    wrong usage
  3    finished, and at least one account failed or is unverified
  4    plan --detailed-exitcode: all were read, something would change
  5    stopped by --max-errors; the rest is not_attempted
  130  stopped by SIGINT; the rest is not_attempted
  143  stopped by SIGTERM; the rest is not_attempted";

/// The exit codes of `doctor`, which makes no run.
const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0    no check failed; there may be warnings
  1    a check failed
  2    wrong usage
  130  stopped by SIGINT
  143  stopped by SIGTERM";

/// Set the global endpoint token version in every account of an AWS Organization.
///
/// At v1Token, the default, session tokens of the global STS endpoint (sts.amazonaws.com) are refused in Regions that must
/// be enabled by hand. At v2Token they work everywhere, but are longer.
#[derive(Parser)]
#[command(name = "v2token", version, propagate_version = true, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command line, with the knowledge of what was given and what is a default.
pub struct Invocation {
    /// The values.
    pub cli: Cli,
    /// The options that were given.
    pub given: GivenOptions,
}

/// The options that were given.
#[derive(Clone, Debug, Default)]
pub struct GivenOptions {
    typed: BTreeSet<String>,
    in_environment: BTreeSet<String>,
}

impl GivenOptions {
    /// The value of an option, by its long name, if it was given on the command line or in the environment and is no default.
    pub(crate) fn value<T>(&self, long: &str, value: T) -> Option<T> {
        (self.typed(long) || self.in_environment.contains(&long.replace('-', "_"))).then_some(value)
    }

    /// Whether an option was given on the command line, by its long name.
    pub fn typed(&self, long: &str) -> bool {
        self.typed.contains(&long.replace('-', "_"))
    }
}

impl Invocation {
    /// Reads the process's command line. On wrong usage the process ends here, with code 2.
    pub fn from_process() -> Self {
        let arguments: Vec<String> =
            std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        if crate::awscli::names_iam(&arguments) {
            // It has the AWS CLI's rules, and options in front of the command.
            let cli = Cli { command: Command::Iam(IamArgs { arguments }) };
            return Self { cli, given: GivenOptions::default() };
        }
        let mut matches = Cli::command().mut_subcommands(|command| command.mut_args(without_empty)).get_matches();
        let from = |source: ValueSource| {
            matches.subcommand().map_or_else(BTreeSet::new, |(_, options)| {
                let is = |id: &&str| options.value_source(id) == Some(source);
                options.ids().map(clap::Id::as_str).filter(is).map(str::to_owned).collect()
            })
        };
        let given =
            GivenOptions { typed: from(ValueSource::CommandLine), in_environment: from(ValueSource::EnvVariable) };
        let cli = Cli::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.exit());
        Self { cli, given }
    }
}

/// The variable of the short spelling `--to`, beside that of the long one.
const SHORT_TARGET: &str = "V2TOKEN_TO";
const LONG_TARGET: &str = "V2TOKEN_GLOBAL_ENDPOINT_TOKEN_VERSION";

/// Whether the variables of both spellings are set, and not to the same version.
pub(crate) fn targets_differ() -> Option<[&'static str; 2]> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let (short, long) = set(SHORT_TARGET).zip(set(LONG_TARGET))?;
    (short != long).then_some([SHORT_TARGET, LONG_TARGET])
}

/// An empty variable is an unset one, as for every AWS tool.
fn without_empty(argument: clap::Arg) -> clap::Arg {
    let value = argument.get_env().and_then(std::env::var_os);
    let is_target = argument.get_id() == "global_endpoint_token_version";
    match value.map(|value| value.is_empty()) {
        Some(false) => argument,
        _ if is_target && std::env::var_os(SHORT_TARGET).is_some_and(|value| !value.is_empty()) => {
            argument.env(SHORT_TARGET)
        }
        Some(true) => argument.env(clap::builder::Resettable::Reset),
        None => argument,
    }
}

/// The variables that include accounts. An empty one would include every account, most likely by mistake.
const INCLUDING: [&str; 7] = [
    "V2TOKEN_ACCOUNT",
    "V2TOKEN_ACCOUNTS_FROM",
    "V2TOKEN_OU",
    "V2TOKEN_TAG",
    "V2TOKEN_NAME",
    "V2TOKEN_SHARD",
    "V2TOKEN_PLAN",
];

/// A variable that includes accounts, and is set and empty.
pub(crate) fn empty_inclusion() -> Option<&'static str> {
    INCLUDING.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()))
}

/// A variable that looks like one of ours and is none, with the one that was probably meant: left out in silence, a mistyped
/// exclusion would exclude nothing.
pub(crate) fn mistyped_variable() -> Option<(String, String)> {
    let command = Cli::command();
    let arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let known: BTreeSet<String> =
        arguments.filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned)).collect();
    let set =
        std::env::vars_os().filter(|(_, value)| !value.is_empty()).filter_map(|(name, _)| name.into_string().ok());
    let unknown = |name: &String| name.starts_with("V2TOKEN_") && !known.contains(name) && name != SHORT_TARGET;
    set.filter(unknown).find_map(|name| {
        let meant = nearest(&name, &known, 2)?.clone();
        Some((name, meant))
    })
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Preview: read every selected account and say what apply would change. Never writes to AWS.
    #[command(after_help = EXIT_CODES, after_long_help = above(examples::PLAN, EXIT_CODES))]
    Plan(PlanArgs),
    /// Set the token version in every selected account.
    #[command(after_help = EXIT_CODES, after_long_help = above(examples::APPLY, EXIT_CODES))]
    Apply(ApplyArgs),
    /// Go on with a run that stopped.
    ///
    /// The settings come from the run folder; pace and access may be given anew. An account that the run was about to set when
    /// it stopped is read first.
    #[command(after_help = EXIT_CODES, after_long_help = above(examples::RESUME, EXIT_CODES))]
    Resume(ResumeArgs),
    /// Put back what a run changed, and only that.
    ///
    /// Each account goes back to the version that the run found in it, as a run of its own. An account that somebody else has
    /// changed since is not touched.
    #[command(after_help = EXIT_CODES, after_long_help = above(examples::ROLLBACK, EXIT_CODES))]
    Rollback(RollbackArgs),
    /// Show a finished or running run again, in any format, or what has changed since another.
    #[command(after_long_help = above(examples::REPORT, ""))]
    Report(ReportArgs),
    /// Check identity, organization, role and pace in a few accounts, before anything else.
    ///
    /// It makes the calls that a rollout makes, and none that writes. It takes the options of plan.
    #[command(after_help = DOCTOR_EXIT_CODES, after_long_help = above(examples::DOCTOR, DOCTOR_EXIT_CODES))]
    Doctor(Box<DoctorArgs>),
    /// Print the exact IAM, trust, SCP and StackSet documents that a run needs.
    ///
    /// JSON on stdout. It takes the options of plan. With --external-id the trust policy holds that id.
    #[command(after_long_help = above(examples::POLICY, ""))]
    Policy(Box<PolicyArgs>),
    /// Set or read the token version of one account, option for option as `aws iam` of the AWS CLI v1.
    #[command(disable_help_flag = true)]
    Iam(IamArgs),
    /// Print the completions of a shell.
    #[command(after_long_help = above(examples::COMPLETIONS, ""))]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command into a folder.
    #[command(after_long_help = above(examples::MAN, ""))]
    Man(ManArgs),
}

/// The command line of `iam`, which is read by the AWS CLI's rules.
#[derive(Args)]
pub struct IamArgs {
    /// Everything behind the program's name.
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// The options of `plan`.
#[derive(Args)]
pub struct PlanArgs {
    /// What all commands of a run share.
    #[command(flatten)]
    pub run: RunArgs,
    /// Exit with 4 when something would change.
    #[arg(long, env = "V2TOKEN_DETAILED_EXITCODE", value_parser = switch(), help_heading = OUTPUT)]
    pub detailed_exitcode: bool,
}

/// The options of `apply`.
#[derive(Args)]
pub struct ApplyArgs {
    /// What all commands of a run share.
    #[command(flatten)]
    pub run: RunArgs,
    /// Exactly the accounts that this plan would change.
    #[arg(long, env = "V2TOKEN_PLAN", value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath, help_heading = SELECTION)]
    pub plan: Option<PathBuf>,
    /// Change nothing: the same as `plan`.
    #[arg(long, env = "V2TOKEN_DRY_RUN", value_parser = switch(), help_heading = ROLLOUT)]
    pub dry_run: bool,
    /// With --dry-run: exit with 4 when something would change.
    #[arg(
        long,
        env = "V2TOKEN_DETAILED_EXITCODE",
        value_parser = switch(),
        requires = "dry_run",
        help_heading = OUTPUT
    )]
    pub detailed_exitcode: bool,
}

/// The options of `resume`.
#[derive(Args)]
pub struct ResumeArgs {
    /// The folder of the run.
    #[arg(value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Take failed and unverified accounts again.
    #[arg(long, env = "V2TOKEN_RETRY_FAILED", value_parser = switch(), help_heading = SELECTION)]
    pub retry_failed: bool,
    /// What all commands of a run share. Only what is given explicitly replaces what the run folder says.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The options of `rollback`.
#[derive(Args)]
pub struct RollbackArgs {
    /// The folder of the run that is to be undone.
    #[arg(value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// What all commands of a run share. What is not given explicitly is taken from the run that is undone.
    #[command(flatten)]
    pub run: RunArgs,
    /// Change nothing: say what would be put back.
    #[arg(long, env = "V2TOKEN_DRY_RUN", value_parser = switch(), help_heading = ROLLOUT)]
    pub dry_run: bool,
}

/// The options of `report`.
#[derive(Args)]
pub struct ReportArgs {
    /// The folder of the run; several are shown as one run, each account with the record that says most.
    #[arg(value_name = "RUN_FOLDER", required = true, value_hint = ValueHint::DirPath)]
    pub folders: Vec<PathBuf>,
    /// Say what has changed since this run, which may be of another command; several are taken as one.
    #[arg(long, env = "V2TOKEN_AGAINST", value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath, value_delimiter = ',', help_heading = OUTPUT)]
    pub against: Vec<PathBuf>,
    /// What to tell, and where.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options that all commands of a run share.
#[derive(Args)]
pub struct RunArgs {
    /// The wanted version: v1Token or v2Token.
    #[arg(
        long,
        visible_alias = "to",
        env = "V2TOKEN_GLOBAL_ENDPOINT_TOKEN_VERSION",
        value_name = "VERSION",
        default_value = "v2Token",
        help_heading = TARGET
    )]
    pub global_endpoint_token_version: TokenVersion,
    /// Which accounts.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How to get in.
    #[command(flatten)]
    pub access: AccessArgs,
    /// How fast.
    #[command(flatten)]
    pub rate: RateArgs,
    /// How carefully.
    #[command(flatten)]
    pub rollout: RolloutArgs,
    /// The run folder [default: v2token-runs/<run id>].
    #[arg(long, env = "V2TOKEN_RUN_DIR", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub run_dir: Option<PathBuf>,
    /// What to tell.
    #[command(flatten)]
    pub output: OutputArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_its_environment_variable() {
        for command in Cli::command().get_subcommands() {
            for argument in command.get_arguments().filter(|argument| argument.get_long().is_some()) {
                let long = argument.get_long().expect("filtered");
                if ["help", "version"].contains(&long) {
                    continue;
                }
                let variable = format!("V2TOKEN_{}", long.to_uppercase().replace('-', "_"));
                let actual = argument.get_env().and_then(|name| name.to_str());
                assert_eq!(actual, Some(variable.as_str()), "--{long} of {}", command.get_name());
            }
        }
    }
}
