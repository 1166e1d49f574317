//! This module owns the settings: what was typed and what surrounds the program, resolved into what is meant.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::cli::{Color, LogFormat, OutputFormat, RunArgs, SessionPolicy};
use crate::cloud::Operation;
use crate::cloud::aws::{Access, SessionTerms, session_policy};
use crate::error::Error;
use crate::journal::RunId;
use crate::org::TokenVersion;
use crate::org::role::RoleTemplate;
use crate::org::select::Selection;
use crate::report::{Destination, Format};
use crate::rollout::run::Terms;
use crate::rollout::wave::Waves;
use crate::rollout::{Mode, Tolerance, Verify};

/// How many accounts may fail in a rollout, unless said otherwise.
pub const MAX_ERRORS: Tolerance = Tolerance::Percent(10);

/// What the program finds around itself, as a value, so that resolving is a function of values.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The time.
    pub now: SystemTime,
    /// Whether stdin is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
    /// `CI` is set: a terminal there is not watched by anybody.
    pub ci: bool,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// `AWS_CA_BUNDLE`, which the SDK does not know.
    pub aws_ca_bundle: Option<PathBuf>,
}

impl Surroundings {
    /// Looks around.
    #[must_use]
    pub fn look() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            now: SystemTime::now(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            ci: set("CI").is_some(),
            no_color: set("NO_COLOR").is_some(),
            aws_ca_bundle: set("AWS_CA_BUNDLE").map(PathBuf::from),
        }
    }
}

/// What is shown on stderr while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressStyle {
    /// A bar that moves.
    Bar,
    /// A line now and then.
    Lines,
    /// Nothing.
    Silent,
}

/// Decides what is shown on stderr.
///
/// | asked for | terminal | elsewhere, or CI |
/// |---|---|---|
/// | `-q` or `--no-progress` | silent | silent |
/// | `--debug` or `-v` | lines | lines |
/// | nothing | bar | lines |
#[must_use]
pub const fn progress_style(is_terminal: bool, is_ci: bool, none: bool, chatty: bool) -> ProgressStyle {
    match (none, chatty, is_terminal && !is_ci) {
        (true, _, _) => ProgressStyle::Silent,
        (false, true, _) | (false, false, false) => ProgressStyle::Lines,
        (false, false, true) => ProgressStyle::Bar,
    }
}

/// How the program talks on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talk {
    /// What is shown while a run goes on.
    pub progress: ProgressStyle,
    /// Whether stderr may be coloured.
    pub color: bool,
    /// Only errors.
    pub quiet: bool,
    /// A line for every account.
    pub verbose: bool,
    /// A line for every call.
    pub debug: bool,
    /// Log lines as JSON.
    pub json_log: bool,
}

/// The settings of a run that are written down in `run.json`, none of them a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Whether anything may be changed.
    pub mode: Mode,
    /// The wanted version.
    pub global_endpoint_token_version: TokenVersion,
    /// Which accounts.
    pub selection: Selection,
    /// The role in every account.
    pub role: RoleTemplate,
    /// The session's name.
    pub session_name: String,
    /// How long a session lasts, in seconds.
    pub session_duration: u64,
    /// The JSON policy of the sessions; absent when they may do all that the role may.
    pub session_policy: Option<String>,
    /// Whether an external id was given. The id itself is not written down.
    pub external_id_given: bool,
    /// Visits in flight.
    pub concurrency: u16,
    /// Visits started per second; 0 is unlimited.
    pub rate: u32,
    /// Tries of one API call.
    pub max_attempts: u32,
    /// How long one visit may take.
    pub account_timeout: String,
    /// The waves; absent in a plan.
    pub waves: Option<Waves>,
    /// How long to wait between waves.
    pub bake: String,
    /// How many accounts may fail; absent for no limit.
    pub max_errors: Option<Tolerance>,
    /// How a Set is checked.
    pub verify: Verify,
}

/// All that a run needs to know. It may hold a secret, so it can't be printed.
pub struct Settings {
    /// The run's id.
    pub run_id: RunId,
    /// When it started.
    pub now: SystemTime,
    /// What is written down of the settings.
    pub run: RunSettings,
    /// How to reach AWS.
    pub access: Access,
    /// The terms of the rollout.
    pub terms: Terms,
    /// Whether a plan ends with 4 when something would change.
    pub detailed_exitcode: bool,
    /// Whether to start without asking.
    pub yes: bool,
    /// Whether somebody could be asked.
    pub can_ask: bool,
    /// The run folder.
    pub run_dir: PathBuf,
    /// Further reports.
    pub reports: Vec<(Destination, Format)>,
    /// What stdout gets at the end.
    pub output: OutputFormat,
    /// How the program talks on stderr.
    pub talk: Talk,
}

impl Settings {
    /// Resolves the options of a run.
    ///
    /// # Errors
    ///
    /// When options contradict each other.
    pub fn resolve(
        args: RunArgs,
        mode: Mode,
        detailed_exitcode: bool,
        surroundings: &Surroundings,
    ) -> Result<Self, Error> {
        let RunArgs { global_endpoint_token_version: wanted, selection, access, pace, rollout, output } = args;
        let run_id = RunId::new(surroundings.now);
        let session_name = access.session_name.unwrap_or_else(|| format!("v2token-{run_id}"));
        let session_policy = match access.session_policy {
            SessionPolicy::Scoped => Some(scoped_policy(mode)),
            SessionPolicy::None => None,
        };
        let (waves, max_errors) = match mode {
            // Reading does no harm, so a plan goes through all accounts at once and to the end, unless told otherwise.
            Mode::Plan => (None, rollout.max_errors),
            Mode::Apply => (Some(rollout.waves), Some(rollout.max_errors.unwrap_or(MAX_ERRORS))),
        };
        let run = RunSettings {
            mode,
            global_endpoint_token_version: wanted,
            selection: Selection {
                accounts: selection.account.into_iter().collect(),
                exclude_accounts: selection.exclude_account.into_iter().collect(),
                management: access.management_account,
            },
            role: access.role,
            session_name: session_name.clone(),
            session_duration: access.session_duration.as_secs(),
            session_policy: session_policy.clone(),
            external_id_given: access.external_id.is_some(),
            concurrency: pace.concurrency,
            rate: pace.rate,
            max_attempts: pace.max_attempts,
            account_timeout: humantime::format_duration(pace.account_timeout).to_string(),
            waves: waves.clone(),
            bake: humantime::format_duration(rollout.bake).to_string(),
            max_errors,
            verify: rollout.verify,
        };
        let reports = output.report.into_iter().map(destination).collect::<Result<Vec<_>, _>>()?;
        let to_stdout = reports.iter().filter(|(to, _)| *to == Destination::Stdout).count();
        if to_stdout > 1 {
            return Err(Error::Usage("--report - can be given only once".to_owned()));
        }
        // The report on stdout takes the place of the summary there.
        let output_format =
            if to_stdout == 1 && output.output == OutputFormat::Table { OutputFormat::None } else { output.output };
        if to_stdout == 1 && output_format != OutputFormat::None {
            return Err(Error::Usage("--report - and --output both write to stdout: leave one of them out".to_owned()));
        }
        Ok(Self {
            now: surroundings.now,
            access: Access {
                profile: access.profile,
                region: access.region,
                endpoint_url: access.endpoint_url,
                ca_bundle: access.ca_bundle.or_else(|| surroundings.aws_ca_bundle.clone()),
                connections: usize::from(pace.concurrency),
                max_attempts: pace.max_attempts,
                session: SessionTerms {
                    name: session_name,
                    duration: access.session_duration,
                    external_id: access.external_id,
                    policy: session_policy,
                },
            },
            terms: Terms {
                mode,
                wanted,
                verify: rollout.verify,
                concurrency: usize::from(pace.concurrency),
                max_attempts: pace.max_attempts,
                account_timeout: pace.account_timeout,
                waves,
                bake: if mode == Mode::Plan { Duration::ZERO } else { rollout.bake },
                max_errors,
            },
            detailed_exitcode,
            yes: rollout.yes,
            can_ask: surroundings.stdin_is_terminal && surroundings.stderr_is_terminal,
            run_dir: output.run_dir.unwrap_or_else(|| PathBuf::from("v2token-runs").join(run_id.as_str())),
            reports,
            output: output_format,
            talk: Talk {
                progress: progress_style(
                    surroundings.stderr_is_terminal,
                    surroundings.ci,
                    output.quiet || output.no_progress,
                    output.verbose || output.debug,
                ),
                color: match output.color {
                    Color::On => true,
                    Color::Off => false,
                    Color::Auto => surroundings.stderr_is_terminal && !surroundings.no_color,
                },
                quiet: output.quiet,
                verbose: output.verbose,
                debug: output.debug,
                json_log: output.log_format == LogFormat::Json,
            },
            run_id,
            run,
        })
    }
}

/// The policy that narrows a session to what the command calls in a member account.
#[must_use]
pub fn scoped_policy(mode: Mode) -> String {
    match mode {
        Mode::Plan => session_policy(&[Operation::GetAccountSummary]),
        Mode::Apply => session_policy(&[Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences]),
    }
}

fn destination(path: PathBuf) -> Result<(Destination, Format), Error> {
    if path.as_os_str() == "-" {
        return Ok((Destination::Stdout, Format::Csv));
    }
    let format = path.extension().and_then(|ending| ending.to_str()).and_then(Format::from_ending);
    let format = format.ok_or_else(|| {
        let endings = Format::ALL.map(|format| format!(".{}", format.ending())).join(", ");
        Error::Usage(format!("--report {}: the ending picks the format, and must be one of {endings}", path.display()))
    })?;
    Ok((Destination::File(path), format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_while_a_run_goes_on() {
        use ProgressStyle::{Bar, Lines, Silent};
        for (none, chatty, on_terminal, elsewhere) in [
            (true, false, Silent, Silent),
            (true, true, Silent, Silent),
            (false, true, Lines, Lines),
            (false, false, Bar, Lines),
        ] {
            assert_eq!(progress_style(true, false, none, chatty), on_terminal);
            assert_eq!(progress_style(true, true, none, chatty), elsewhere);
            assert_eq!(progress_style(false, false, none, chatty), elsewhere);
        }
    }

    #[test]
    fn a_scoped_session_may_do_only_what_the_command_calls() {
        let plan: serde_json::Value = serde_json::from_str(&scoped_policy(Mode::Plan)).unwrap();
        assert_eq!(plan["Statement"][0]["Action"], serde_json::json!(["iam:GetAccountSummary"]));
        let apply: serde_json::Value = serde_json::from_str(&scoped_policy(Mode::Apply)).unwrap();
        assert_eq!(
            apply["Statement"][0]["Action"],
            serde_json::json!(["iam:GetAccountSummary", "iam:SetSecurityTokenServicePreferences"])
        );
    }
}
