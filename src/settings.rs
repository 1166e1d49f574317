//! This module owns the settings: what was typed and what surrounds the program, resolved into what is meant.

mod run_settings;
mod voice;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::cli::{RunArgs, SessionPolicy};
use crate::cloud::aws::Access;
use crate::error::Error;
use crate::journal::RunId;
use crate::org::select::Selection;
use crate::rollout::{Mode, Tolerance};
use crate::secret::Secret;

pub use run_settings::{CommandName, RunSettings, scoped_policy};
pub use voice::{ProgressStyle, Talk, Voice, progress_style};

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

    /// Whether somebody could be asked.
    #[must_use]
    pub const fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }
}

/// How to reach AWS, as far as it is not a setting of the run.
#[derive(Clone)]
pub struct Reach {
    /// The profile that was named.
    pub profile: Option<String>,
    /// The endpoint that was named.
    pub endpoint_url: Option<String>,
    /// The CA bundle that was named, or is in the environment.
    pub ca_bundle: Option<PathBuf>,
    /// The external id.
    pub external_id: Option<Secret>,
}

/// All that a run needs to know. It may hold a secret, so it can't be printed.
pub struct Settings {
    /// When it starts.
    pub now: SystemTime,
    /// The run's id.
    pub run_id: RunId,
    /// The command.
    pub command: CommandName,
    /// What is written down of the settings.
    pub run: RunSettings,
    /// How to reach AWS.
    pub reach: Reach,
    /// Whether somebody could be asked.
    pub can_ask: bool,
    /// The run folder that was named.
    pub run_dir: Option<PathBuf>,
    /// What is told, and where.
    pub voice: Voice,
}

impl Settings {
    /// Resolves the options of a run.
    ///
    /// # Errors
    ///
    /// When options contradict each other.
    pub fn resolve(
        args: RunArgs,
        command: CommandName,
        mode: Mode,
        surroundings: &Surroundings,
    ) -> Result<Self, Error> {
        let RunArgs { global_endpoint_token_version, selection, access, pace, rollout, run_dir, output } = args;
        if let Some(external_id) = &access.external_id {
            check_external_id(external_id)?;
        }
        let run_id = RunId::new(surroundings.now);
        let (waves, max_errors, bake) = match mode {
            // Reading does no harm, so a plan goes through all accounts at once and to the end, unless told otherwise.
            Mode::Plan => (None, rollout.max_errors, Duration::ZERO),
            Mode::Apply => (Some(rollout.waves), Some(rollout.max_errors.unwrap_or(MAX_ERRORS)), rollout.bake),
        };
        Ok(Self {
            now: surroundings.now,
            command,
            run: RunSettings {
                mode,
                global_endpoint_token_version,
                selection: Selection {
                    accounts: selection.account.into_iter().collect(),
                    exclude_accounts: selection.exclude_account.into_iter().collect(),
                    management: access.management_account,
                },
                plan: None,
                undoes: None,
                role: access.role,
                session_name: access.session_name.unwrap_or_else(|| format!("v2token-{run_id}")),
                session_duration: access.session_duration,
                session_policy: match access.session_policy {
                    SessionPolicy::Scoped => Some(scoped_policy(mode)),
                    SessionPolicy::None => None,
                },
                external_id_given: access.external_id.is_some(),
                region: access.region,
                concurrency: pace.concurrency,
                rate: pace.rate,
                max_attempts: pace.max_attempts,
                account_timeout: pace.account_timeout,
                waves,
                canary: rollout.canary.into_iter().collect(),
                bake,
                max_errors,
                verify: rollout.verify,
                detailed_exitcode: false,
                yes: rollout.yes,
            },
            reach: Reach {
                profile: access.profile,
                endpoint_url: access.endpoint_url,
                ca_bundle: access.ca_bundle.or_else(|| surroundings.aws_ca_bundle.clone()),
                external_id: access.external_id,
            },
            can_ask: surroundings.can_ask(),
            run_dir,
            voice: Voice::resolve(output, surroundings)?,
            run_id,
        })
    }

    /// Where the run's folder is, or is to be.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.run_dir.clone().unwrap_or_else(|| PathBuf::from("v2token-runs").join(self.run_id.as_str()))
    }

    /// How to reach AWS.
    #[must_use]
    pub fn access(&self) -> Access {
        Access {
            profile: self.reach.profile.clone(),
            region: self.run.region.clone(),
            endpoint_url: self.reach.endpoint_url.clone(),
            ca_bundle: self.reach.ca_bundle.clone(),
            connections: usize::from(self.run.concurrency),
            max_attempts: self.run.max_attempts,
            session: self.run.session(self.reach.external_id.clone()),
        }
    }
}

/// An external id has 2 to 1224 characters of `[\w+=,.@:/-]` (STS API reference, `AssumeRole`).
///
/// It is not checked by the parser of the command line, which would repeat a wrong one in its message.
fn check_external_id(external_id: &Secret) -> Result<(), Error> {
    let text = external_id.reveal();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    if (2..=1224).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::Usage("--external-id: expected 2 to 1224 letters, digits, and _+=,.@:/-".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_external_id_is_refused_and_not_repeated() {
        let check = |text: &str| check_external_id(&text.parse().expect("every text is a secret"));
        assert!(check("team:42/x").is_ok());
        for wrong in ["", "x", "with space", "näme"] {
            let message = check(wrong).unwrap_err().to_string();
            assert!(wrong.is_empty() || wrong == "x" || !message.contains(wrong), "{message}");
        }
    }
}
