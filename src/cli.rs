//! The command line: its commands, options and help texts.

mod access;
mod completions;
mod doctor_and_policy;
mod environment;
mod examples;
mod gate_command;
mod impact;
mod output;
mod rate;
mod rollout;
mod runs;
mod selection;
mod values;

use crate::build_info::VERSION_AND_BUILD;
use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

use crate::org::TokenVersion;
use crate::report::comparison::Difference;

use environment::ignore_if_empty;
use examples::before_exit_codes;
use values::switch;

pub(crate) use access::{AccessArgs, SESSION_DURATION, SessionPolicy};
pub(crate) use completions::{CompletionsArgs, ManArgs, completions, manual_pages};
pub use doctor_and_policy::Document;
pub(crate) use doctor_and_policy::{DoctorArgs, PolicyArgs, PolicyFor};
pub(crate) use environment::{conflicting_target_variables, empty_selector_variable, mistyped_variable};
pub(crate) use gate_command::GateCommand;
pub(crate) use impact::{ImpactAction, ImpactArgs, ImpactSqlArgs};
pub(crate) use output::{Color, LogFormat, OutputArgs, OutputFormat};
pub(crate) use rate::{ACCOUNT_TIMEOUT, CONCURRENCY, LARGEST_ATTEMPTS, MAX_ATTEMPTS, RATE, RateArgs};
pub(crate) use rollout::{GATE_TIMEOUT, MAX_ERRORS, RolloutArgs};
pub(crate) use runs::{HistoryArgs, RunsArgs};
pub(crate) use selection::SelectionArgs;
#[cfg(any(test, fuzzing))]
pub(crate) use values::parse_all;

const TARGET: &str = "Target";
const SELECTION: &str = "Selection";
const ACCESS: &str = "Access";
const PACE: &str = "Pace";
const ROLLOUT: &str = "Rollout";
const OUTPUT: &str = "Output";

/// The exit codes. They are shown at the end of the help of every command that makes a run.
const EXIT_CODES: &str = "\
Exit codes:
  0    every selected account is on the wanted version (plan: every account could be read)
  1    could not start or continue: nothing was attempted, or the message says how many accounts were changed
  2    wrong usage
  3    finished, and at least one account failed or is unverified
  4    plan --detailed-exitcode: every account was read, and at least one would change
  5    stopped by --max-errors or --gate; the other accounts are not_attempted
  6    plan --detailed-exitcode: at least one account would change, and at least one could not be read
  129  stopped by SIGHUP; the other accounts are not_attempted
  130  stopped by SIGINT; the other accounts are not_attempted
  143  stopped by SIGTERM; the other accounts are not_attempted";

/// The exit codes of `doctor`, which makes no run.
const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0    no check failed; warnings are possible
  1    a check failed
  2    wrong usage
  129  stopped by SIGHUP
  130  stopped by SIGINT
  143  stopped by SIGTERM";

/// The exit codes of `impact`, which changes nothing.
const IMPACT_EXIT_CODES: &str = "\
Exit codes:
  0    the report was made, also if some accounts are unknown
  1    could not start or continue
  2    wrong usage
  3    at least one account or file could not be read completely
  4    --detailed-exitcode: at least one account is affected
  6    --detailed-exitcode: at least one account is affected, and something could not be read completely
  129  stopped by SIGHUP; if accounts were being visited, the report has what was read before
  130  stopped by SIGINT; if accounts were being visited, the report has what was read before
  143  stopped by SIGTERM; if accounts were being visited, the report has what was read before";

/// The exit codes of `report`, which makes no run.
const REPORT_EXIT_CODES: &str = "\
Exit codes:
  0    the report or the comparison was made
  1    a run can't be read, the runs can't be compared, or a report can't be written
  2    wrong usage
  4    --fail-on: at least one account has one of the named differences";

/// Set the global endpoint token version in every account of an AWS Organization.
///
/// With v1Token, the default, opt-in Regions refuse the session tokens of the global STS endpoint (sts.amazonaws.com). With
/// v2Token, all Regions accept these tokens, but they are longer.
#[derive(Parser)]
#[command(name = "v2token", version = VERSION_AND_BUILD, propagate_version = true, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// A parsed command line, and the options that were typed.
pub struct Invocation {
    /// The values of all options.
    pub cli: Cli,
    /// The options that were given on the command line.
    pub typed: TypedOptions,
}

/// The options that were given on the command line rather than in the environment.
#[derive(Clone, Debug, Default)]
pub struct TypedOptions(BTreeSet<String>);

impl TypedOptions {
    /// Returns whether the option with this long name was given.
    pub fn contains(&self, long: &str) -> bool {
        self.0.contains(&long.replace('-', "_"))
    }
}

impl Invocation {
    /// Parses the process's command line. Wrong usage ends the process with code 2.
    pub fn from_process() -> Self {
        let arguments: Vec<String> =
            std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        if crate::awscli::names_iam(&arguments) {
            // `iam` follows the AWS CLI's rules, and allows options before the command.
            let cli = Cli { command: Command::Iam(IamArgs { arguments }) };
            return Self { cli, typed: TypedOptions::default() };
        }
        let mut matches = Cli::command().mut_subcommands(|command| command.mut_args(ignore_if_empty)).get_matches();
        let typed = matches.subcommand().map_or_else(BTreeSet::new, |(_, options)| {
            let is_typed = |id: &&str| options.value_source(id) == Some(ValueSource::CommandLine);
            options.ids().map(clap::Id::as_str).filter(is_typed).map(str::to_owned).collect()
        });
        let cli = Cli::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.exit());
        Self { cli, typed: TypedOptions(typed) }
    }
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Read every selected account and show what apply would change. Never writes to AWS.
    #[command(after_help = EXIT_CODES, after_long_help = before_exit_codes(examples::PLAN, EXIT_CODES))]
    Plan(PlanArgs),
    /// Set the token version in every selected account.
    #[command(after_help = EXIT_CODES, after_long_help = before_exit_codes(examples::APPLY, EXIT_CODES))]
    Apply(ApplyArgs),
    /// Continue an interrupted run.
    ///
    /// The settings come from the run folder. Options of the groups Pace and Access replace them. Resume asks for confirmation, as
    /// apply does. If the run ended while it set an account, resume reads this account before it sets it again.
    #[command(after_help = EXIT_CODES, after_long_help = before_exit_codes(examples::RESUME, EXIT_CODES))]
    Resume(ResumeArgs),
    /// Undo only what a run changed.
    ///
    /// The rollback is a separate run. It sets each account to the version that the account had before the undone run. It sends
    /// nothing to accounts whose version was changed after the undone run.
    #[command(after_help = EXIT_CODES, after_long_help = before_exit_codes(examples::ROLLBACK, EXIT_CODES))]
    Rollback(RollbackArgs),
    /// Show a finished or running run in any format, or compare it with another.
    #[command(after_help = REPORT_EXIT_CODES, after_long_help = before_exit_codes(examples::REPORT, REPORT_EXIT_CODES))]
    Report(ReportArgs),
    /// List the runs in a folder, newest first, with their results and the commands to run next.
    ///
    /// `latest` and a unique beginning of a run id stand for a run folder in v2token-runs wherever another command takes one.
    #[command(after_long_help = before_exit_codes(examples::RUNS, ""))]
    Runs(RunsArgs),
    /// Show what all runs know of one account, in chronological order.
    #[command(after_long_help = before_exit_codes(examples::HISTORY, ""))]
    History(HistoryArgs),
    /// Check identity, Organization and role in a few accounts, and estimate the duration of a rollout.
    ///
    /// Doctor makes only the read-only calls of a rollout. It takes the options of plan. To compare the sizes of tokens, it also sends one
    /// request to the global STS endpoint for each account that it enters through a role.
    #[command(after_help = DOCTOR_EXIT_CODES, after_long_help = before_exit_codes(examples::DOCTOR, DOCTOR_EXIT_CODES))]
    Doctor(Box<DoctorArgs>),
    /// Show who uses the global STS endpoint, and what a change of the token version means for them. Only reads.
    ///
    /// The events come from CloudTrail's event history in each account, through the role, and from the files of --events. For each
    /// account, the report says whether anybody gets longer tokens, and who. With --offline, no call is made.
    #[command(after_help = IMPACT_EXIT_CODES, after_long_help = before_exit_codes(examples::IMPACT, IMPACT_EXIT_CODES))]
    Impact(Box<ImpactArgs>),
    /// Print the exact IAM, trust, SCP and StackSet documents that a run needs.
    ///
    /// The output is JSON, and that of terraform is HCL. Policy takes the options of plan. With --external-id, the trust policy requires this external id.
    #[command(after_long_help = before_exit_codes(examples::POLICY, ""))]
    Policy(Box<PolicyArgs>),
    /// Set or read the token version of one account, with the options of `aws iam` in the AWS CLI v1.
    #[command(disable_help_flag = true)]
    Iam(IamArgs),
    /// Print the completion script for a shell.
    #[command(after_long_help = before_exit_codes(examples::COMPLETIONS, ""))]
    Completions(CompletionsArgs),
    /// Print the manual page, or write the page of every command into a folder.
    #[command(after_long_help = before_exit_codes(examples::MAN, ""))]
    Man(ManArgs),
}

/// The command line of `iam`, which is parsed by the AWS CLI's rules.
#[derive(Args)]
pub struct IamArgs {
    /// Everything after the program's name.
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// The options of `plan`.
#[derive(Args)]
pub struct PlanArgs {
    /// The options that all commands of a run share.
    #[command(flatten)]
    pub run: RunArgs,
    /// The impact that was made with `v2token impact`: its folder, the unique beginning of the name of its folder, or latest. Unaffected
    /// accounts go first, and the others after them, each group in the waves of --waves.
    #[arg(long, env = "V2TOKEN_IMPACT", value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath, help_heading = ROLLOUT)]
    pub impact: Option<PathBuf>,
    /// Exit with 4 if something would change, or with 6 if at least one account could not be read either.
    #[arg(long, env = "V2TOKEN_DETAILED_EXITCODE", value_parser = switch(), help_heading = OUTPUT)]
    pub detailed_exitcode: bool,
    /// Go on with the run that is in --run-dir, or start one if there is none: for a container or a job that is started again.
    #[arg(long, env = "V2TOKEN_RESUME_OR_START", value_parser = switch(), requires = "run_dir", help_heading = OUTPUT)]
    pub resume_or_start: bool,
}

/// The options of `apply`.
#[derive(Args)]
pub struct ApplyArgs {
    /// The options that all commands of a run share.
    #[command(flatten)]
    pub run: RunArgs,
    /// Visit only the accounts that this plan would change: a run folder, the unique beginning of a run id, or latest, the newest
    /// plan.
    #[arg(long, env = "V2TOKEN_PLAN", value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath, help_heading = SELECTION)]
    pub plan: Option<PathBuf>,
    /// The impact that was made with `v2token impact`: its folder, the unique beginning of the name of its folder, or latest. Unaffected
    /// accounts go first, and the others after them, each group in the waves of --waves.
    #[arg(long, env = "V2TOKEN_IMPACT", value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath, help_heading = ROLLOUT)]
    pub impact: Option<PathBuf>,
    /// Change nothing: the same as `plan`.
    #[arg(long, env = "V2TOKEN_DRY_RUN", value_parser = switch(), help_heading = ROLLOUT)]
    pub dry_run: bool,
    /// With --dry-run: exit with 4 if something would change, or with 6 if at least one account could not be read either.
    #[arg(long, env = "V2TOKEN_DETAILED_EXITCODE", value_parser = switch(), requires = "dry_run", help_heading = OUTPUT)]
    pub detailed_exitcode: bool,
    /// Go on with the run that is in --run-dir, or start one if there is none: for a container or a job that is started again.
    #[arg(long, env = "V2TOKEN_RESUME_OR_START", value_parser = switch(), requires = "run_dir", help_heading = OUTPUT)]
    pub resume_or_start: bool,
}

/// The options of `resume`.
#[derive(Args)]
pub struct ResumeArgs {
    /// The run: its folder, the unique beginning of its id, or latest [default: the newest run that can be resumed; with --yes, the
    /// run must be named].
    #[arg(value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
    /// Visit failed and unverified accounts again, before all others.
    #[arg(long, env = "V2TOKEN_RETRY_FAILED", value_parser = switch(), help_heading = ROLLOUT)]
    pub retry_failed: bool,
    /// After a stop by --max-errors, leave out the accounts that failed. Without this option they are visited first, as a wave of
    /// their own.
    #[arg(long, env = "V2TOKEN_LEAVE_FAILED", value_parser = switch(), conflicts_with = "retry_failed", help_heading = ROLLOUT)]
    pub leave_failed: bool,
    /// The options that all commands of a run share. Options that are given replace the settings in the run folder.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The options of `rollback`.
#[derive(Args)]
pub struct RollbackArgs {
    /// The run to undo: its folder, the unique beginning of its id, or latest, the newest apply [default: the newest apply that
    /// changed accounts; with --yes, the run must be named].
    #[arg(value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
    /// The options that all commands of a run share. Options that are not given come from the run that is undone.
    #[command(flatten)]
    pub run: RunArgs,
    /// Change nothing: show what would be undone.
    #[arg(long, env = "V2TOKEN_DRY_RUN", value_parser = switch(), help_heading = ROLLOUT)]
    pub dry_run: bool,
}

/// The options of `report`.
#[derive(Args)]
pub struct ReportArgs {
    /// The run: its folder, the unique beginning of its id, or latest [default: the newest run]. Several runs are shown as one, each
    /// account with its most informative record.
    #[arg(value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath)]
    pub folders: Vec<PathBuf>,
    /// Show what has changed since this run, which can be of another command. Several runs are merged into one.
    #[arg(long, env = "V2TOKEN_AGAINST", value_name = "RUN_FOLDER", value_hint = ValueHint::DirPath, value_delimiter = ',', help_heading = OUTPUT)]
    pub against: Vec<PathBuf>,
    /// With --against: exit with 4 if at least one account has one of these differences, such as drifted or joined. The
    /// differences are those of the comparison, and joined is another name of appeared.
    #[arg(long, env = "V2TOKEN_FAIL_ON", value_name = "DIFFERENCE", value_delimiter = ',', requires = "against", help_heading = OUTPUT)]
    pub fail_on: Vec<Difference>,
    /// Also pack the run into this zip file for an auditor: run.json, the journal, the reports, and a manifest of their SHA-256 sums.
    #[arg(long, env = "V2TOKEN_EVIDENCE", value_name = "FILE.zip", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub evidence: Option<PathBuf>,
    /// Check this zip file of --evidence against its manifest, and show what differs. No run is shown.
    #[arg(
        long,
        env = "V2TOKEN_VERIFY_EVIDENCE",
        value_name = "FILE.zip",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["folders", "against", "evidence"],
        help_heading = OUTPUT
    )]
    pub verify_evidence: Option<PathBuf>,
    /// The output options.
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
        default_value_t = TokenVersion::V2Token,
        help_heading = TARGET
    )]
    pub global_endpoint_token_version: TokenVersion,
    /// Which accounts to visit.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How to enter the accounts.
    #[command(flatten)]
    pub access: AccessArgs,
    /// How fast to visit the accounts.
    #[command(flatten)]
    pub rate: RateArgs,
    /// In which waves to visit the accounts, and when to stop.
    #[command(flatten)]
    pub rollout: RolloutArgs,
    /// The run folder [default: v2token-runs/<run id>]. With --shard, {shard} in it stands for the number of the shard.
    #[arg(long, env = "V2TOKEN_RUN_DIR", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub run_dir: Option<PathBuf>,
    /// The output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_passes_claps_checks() {
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
