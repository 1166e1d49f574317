//! The settings of a run for which no option was given.

use std::collections::{BTreeMap, BTreeSet};

use super::Environment;
use crate::aws_settings::AwsSettings;
use crate::cli::{ACCOUNT_TIMEOUT, CONCURRENCY, GATE_TIMEOUT, LARGEST_ATTEMPTS, MAX_ATTEMPTS, RATE, SESSION_DURATION};
use crate::cloud::aws::ConnectError;
use crate::error::Error;
use crate::journal::{PolicyChoice, RunSettings};
use crate::org::TokenVersion;
use crate::org::role::{AccessMode, RoleTemplate};
use crate::org::selection::Selection;
use crate::rollout::{Mode, Verify, wave::BAKE};

/// The defaults of a run.
pub(crate) fn defaults(mode: Mode) -> RunSettings {
    RunSettings {
        mode,
        global_endpoint_token_version: TokenVersion::V2Token,
        selection: Selection::default(),
        plan: None,
        undoes: None,
        access: AccessMode::default(),
        role: RoleTemplate::default(),
        roles: BTreeMap::new(),
        via_roles: Vec::new(),
        session_name: String::new(),
        source_identity: None,
        session_duration: SESSION_DURATION,
        session_policy: PolicyChoice::default(),
        external_id_given: false,
        external_ids_given: BTreeSet::new(),
        mfa_serial: None,
        region: None,
        concurrency: CONCURRENCY,
        rate: RATE,
        max_attempts: MAX_ATTEMPTS,
        account_timeout: ACCOUNT_TIMEOUT,
        waves: None,
        canary: BTreeSet::new(),
        bake: BAKE,
        gate: None,
        gate_timeout: GATE_TIMEOUT,
        max_errors: None,
        verify: Verify::default(),
        detailed_exitcode: false,
        reason: None,
        no_explain: false,
        impact: None,
        yes: false,
    }
}

/// Returns the default settings of a new run, with the maximum number of attempts that the environment or the profile sets for
/// all AWS tools.
///
/// # Errors
///
/// Returns an error if the AWS settings can't be read, or if this number is invalid.
pub(crate) fn defaults_for(mode: Mode, profile: Option<&str>, environment: &Environment) -> Result<RunSettings, Error> {
    let aws = AwsSettings::read(profile, environment.variables.clone()).map_err(ConnectError::from)?;
    let max_attempts =
        aws.max_attempts().map_err(ConnectError::from)?.map_or(MAX_ATTEMPTS, |number| number.min(LARGEST_ATTEMPTS));
    Ok(RunSettings { max_attempts, ..defaults(mode) })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::{Cli, MAX_ERRORS};
    use crate::org::selection::ManagementAccess;

    #[test]
    fn the_help_names_the_defaults() {
        let of = |mode| {
            let run = defaults(mode);
            let duration = |duration| humantime::format_duration(duration).to_string();
            [
                ("role", run.role.to_string()),
                ("session-duration", run.session_duration.as_secs().to_string()),
                ("session-policy", "scoped".to_owned()),
                ("access", "role".to_owned()),
                ("management-account", "own".to_owned()),
                ("concurrency", run.concurrency.to_string()),
                ("rate", run.rate.to_string()),
                ("max-attempts", run.max_attempts.to_string()),
                ("account-timeout", duration(run.account_timeout)),
                ("waves", run.waves.unwrap_or_default().to_string()),
                ("bake", duration(run.bake)),
                ("gate-timeout", duration(run.gate_timeout)),
                ("max-errors", format!("{MAX_ERRORS}; plan: no limit")),
                ("verify", run.verify.to_string()),
            ]
        };
        assert_eq!(defaults(Mode::Apply).session_policy, PolicyChoice::Scoped);
        assert_eq!(defaults(Mode::Apply).access, AccessMode::Role);
        assert_eq!(defaults(Mode::Apply).selection.management, ManagementAccess::Own);
        let definition = Cli::command();
        for (command, mode) in [("plan", Mode::Plan), ("apply", Mode::Apply)] {
            let command = definition.find_subcommand(command).unwrap();
            for (option, default) in of(mode) {
                let argument = command.get_arguments().find(|argument| argument.get_long() == Some(option)).unwrap();
                let help = argument.get_help().unwrap().to_string();
                assert!(help.contains(&format!("[default: {default}]")), "--{option}: {help}");
            }
        }
    }
}
