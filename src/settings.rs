//! The settings of a run, resolved from its options and the environment.

mod defaults;
mod environment;
mod input_files;
mod output;
mod query;
mod selection;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::cli::{MAX_ERRORS, RunArgs, SessionPolicy};
use crate::cloud::aws::clock_skew::Clock;
use crate::cloud::aws::{ConnectOptions, Mfa, SessionOptions};
use crate::error::Error;
use crate::journal::{CommandName, PolicyChoice, RunId, RunSettings, runs_dir};
use crate::org::AccountId;
use crate::org::exception::{Day, Exceptions};
use crate::org::role::is_external_id;
use crate::org::selection::Selection;
use crate::org::shard::Shard;
use crate::rollout::Mode;
use crate::secret::{Secret, mask};

pub(crate) use crate::cli::GateCommand;
pub(crate) use defaults::{defaults, defaults_for};
pub(crate) use environment::Environment;
pub(crate) use input_files::listed;
pub(crate) use output::OutputSettings;
pub(crate) use selection::selection_among_listed;

use selection::{check_tags, selection};

/// How to reach AWS: the options that are not kept in `run.json`.
#[derive(Clone)]
pub(crate) struct ConnectionSettings {
    /// `--profile`.
    pub profile: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// `--ca-bundle`, or `AWS_CA_BUNDLE`.
    pub ca_bundle: Option<PathBuf>,
    /// The external id.
    pub external_id: Option<Secret>,
    /// The external ids of individual accounts.
    pub external_ids: BTreeMap<AccountId, Secret>,
    /// The code of the MFA device.
    pub mfa_token: Option<Secret>,
}

/// The settings of a command. They can contain a secret, so this type does not implement `Debug`.
pub(crate) struct Settings {
    /// When the program started.
    pub now: SystemTime,
    /// The run's id.
    pub run_id: RunId,
    /// The command.
    pub command: CommandName,
    /// The settings that are kept in `run.json`.
    pub run: RunSettings,
    /// How to reach AWS.
    pub connection: ConnectionSettings,
    /// The command of `--gate`.
    pub gate: Option<GateCommand>,
    /// Whether a question can be asked on a terminal.
    pub can_ask: bool,
    /// `--run-dir`.
    pub run_dir: Option<PathBuf>,
    /// What is printed, and where it is printed.
    pub output: OutputSettings,
}

impl Settings {
    /// Resolves the options of a command. Options that were not given get their values from `base`: the defaults, or the settings
    /// of an earlier run.
    ///
    /// # Errors
    ///
    /// Returns an error if the value of an option or a file that an option names can't be used, or if two options contradict each
    /// other.
    pub(crate) fn resolve(
        args: RunArgs,
        command: CommandName,
        base: RunSettings,
        environment: &Environment,
    ) -> Result<Self, Error> {
        let RunArgs { global_endpoint_token_version, selection, access, rate, rollout, run_dir, output } = args;
        if let Some(external_id) = &access.external_id {
            check_external_id(external_id)?;
        }
        if let Some(token) = &access.mfa_token {
            check_mfa_token(token)?;
        }
        for (option, tags) in [("--tag", &selection.tag), ("--exclude-tag", &selection.exclude_tag)] {
            check_tags(option, tags)?;
        }
        let session_policy = access.session_policy.map(|policy| match policy {
            SessionPolicy::Scoped => Ok(PolicyChoice::Scoped),
            SessionPolicy::None => Ok(PolicyChoice::None),
            SessionPolicy::File(path) => input_files::policy(&path).map(PolicyChoice::Document),
        });
        let named = input_files::accounts(&selection.accounts_from)?;
        let management = access.management_account.unwrap_or(base.selection.management);
        let exceptions = selection.exceptions.as_deref().map(input_files::exceptions).transpose()?;
        let exceptions = exceptions.map(|all| Exceptions::on(&Day::of(environment.now), all));
        let selection = Selection { exceptions, ..self::selection(selection, &named, management, environment.now)? };
        let named_roles = named.iter().filter_map(|(id, named)| Some((*id, named.role.clone()?)));
        // If `--role` is given, it applies to every account except those for which a file of `--accounts-from` names another
        // role. So the roles of single accounts in `base` are dropped.
        let base_roles = if access.role.is_some() { BTreeMap::new() } else { base.roles };
        let roles = base_roles.into_iter().chain(named_roles).collect();
        let external_ids: BTreeMap<_, _> =
            named.into_iter().filter_map(|(id, named)| Some((id, named.external_id?))).collect();
        let run_id = RunId::new(environment.now);
        let shard = selection.shard;
        let session_name = Some(access.session_name.unwrap_or(base.session_name)).filter(|name| !name.is_empty());
        let session_name = session_name.unwrap_or_else(|| format!("v2token-{run_id}"));
        if rollout.gate.as_ref().is_some_and(GateCommand::is_empty) {
            return Err(Error::Usage("--gate: expected a command, such as 'sh check.sh'".to_owned()));
        }
        // A plan shows the waves of its apply.
        let waves = Some(rollout.waves.or(base.waves).unwrap_or_default());
        let (wait, max_errors, gate) = match base.mode {
            // Reading changes nothing, so a plan waits for nothing and, by default, has no limit of errors.
            Mode::Plan => (Duration::ZERO, None, None),
            Mode::Apply => (rollout.bake.unwrap_or(base.bake), Some(MAX_ERRORS), rollout.gate),
        };
        Ok(Self {
            now: environment.now,
            command,
            run: RunSettings {
                mode: base.mode,
                global_endpoint_token_version,
                selection,
                plan: base.plan,
                undoes: base.undoes,
                access: access.access.unwrap_or(base.access),
                role: access.role.unwrap_or(base.role),
                roles,
                via_roles: if access.via_role.is_empty() { base.via_roles } else { access.via_role },
                session_name,
                source_identity: access.source_identity.or(base.source_identity),
                session_duration: access.session_duration.unwrap_or(base.session_duration),
                session_policy: session_policy.transpose()?.unwrap_or(base.session_policy),
                external_id_given: base.external_id_given || access.external_id.is_some(),
                external_ids_given: external_ids.keys().copied().chain(base.external_ids_given).collect(),
                mfa_serial: access.mfa_serial.or(base.mfa_serial),
                region: access.region.or(base.region),
                concurrency: rate.concurrency.unwrap_or(base.concurrency),
                rate: rate.rate.unwrap_or(base.rate),
                max_attempts: rate.max_attempts.unwrap_or(base.max_attempts),
                account_timeout: rate.account_timeout.unwrap_or(base.account_timeout),
                waves,
                canary: if rollout.canary.is_empty() { base.canary } else { rollout.canary.into_iter().collect() },
                bake: wait,
                gate: gate.as_ref().map(GateCommand::hash).or(base.gate),
                gate_timeout: rollout.gate_timeout.unwrap_or(base.gate_timeout),
                max_errors: rollout.max_errors.or(base.max_errors).or(max_errors),
                verify: rollout.verify.unwrap_or(base.verify),
                detailed_exitcode: base.detailed_exitcode,
                reason: rollout.reason.map(|reason| mask(&reason).into_owned()).or(base.reason),
                no_explain: rollout.no_explain || base.no_explain,
                impact: base.impact,
                // A resume asks again, even if the run was started with `--yes`.
                yes: rollout.yes,
            },
            connection: ConnectionSettings {
                profile: access.profile,
                endpoint_url: access.endpoint_url,
                ca_bundle: access.ca_bundle,
                external_id: access.external_id,
                external_ids,
                mfa_token: access.mfa_token,
            },
            gate,
            can_ask: environment.can_ask(),
            run_dir: run_dir.map(|folder| with_shard(folder, shard)).transpose()?,
            output: OutputSettings::resolve(output, environment)?,
            run_id,
        })
    }

    /// Returns the path of the run folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.run_dir.clone().unwrap_or_else(|| runs_dir().join(self.run_id.as_str()))
    }

    /// Returns the options for connecting to AWS.
    pub(crate) fn connect_options(&self) -> ConnectOptions {
        ConnectOptions {
            profile: self.connection.profile.clone(),
            region: self.run.region.clone(),
            endpoint_url: self.connection.endpoint_url.clone(),
            ca_bundle: self.connection.ca_bundle.clone(),
            connections: usize::from(self.run.concurrency),
            max_attempts: self.run.max_attempts,
            mfa: Mfa { serial: self.run.mfa_serial.clone(), token: self.connection.mfa_token.clone() },
            via_roles: self.run.via_roles.clone(),
            session: SessionOptions {
                name: self.run.session_name.clone(),
                duration: self.run.session_duration,
                source_identity: self.run.source_identity.clone(),
                external_id: self.connection.external_id.clone(),
                external_ids: self.connection.external_ids.clone(),
                policy: self.run.policy(),
            },
            clock: Clock::default(),
        }
    }

    /// Checks that no external id is missing. A run that is resumed needs the external ids that were given before, and a run that
    /// is based on an earlier run needs those of the earlier run. External ids are not stored, so they must be given again.
    ///
    /// # Errors
    ///
    /// Returns an error if an external id is missing.
    pub(crate) fn check_external_ids(&self) -> Result<(), Error> {
        if self.run.external_id_given && self.connection.external_id.is_none() {
            return Err(Error::Usage(
                "the run used an external id, which is not stored: give it again with --external-id".to_owned(),
            ));
        }
        if let Some(id) = self.run.external_ids_given.iter().find(|id| !self.connection.external_ids.contains_key(id)) {
            return Err(Error::Usage(format!(
                "the run used external ids of single accounts, such as {id}, which are not stored: give the file again with \
                 --accounts-from"
            )));
        }
        Ok(())
    }
}

/// Checks an external id. The parser of the command line does not check the id, because the error message of the parser would
/// print it.
fn check_external_id(external_id: &Secret) -> Result<(), Error> {
    if is_external_id(external_id.reveal()) {
        return Ok(());
    }
    Err(Error::Usage("--external-id: expected 2 to 1224 letters, digits, and _+=,.@:/-".to_owned()))
}

/// Checks the code of an MFA device, which has six digits (STS API reference, `GetSessionToken`). The error message does not
/// quote the code.
pub(crate) fn check_mfa_token(token: &Secret) -> Result<(), Error> {
    let text = token.reveal();
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::Usage("--mfa-token: expected the six digits that the device shows".to_owned()))
}

/// Puts the number of the shard in the place of `{shard}` in the path of the run folder. A job array has one command line for all its
/// parts.
fn with_shard(folder: PathBuf, shard: Option<Shard>) -> Result<PathBuf, Error> {
    const PLACE: &str = "{shard}";
    let Some(text) = folder.to_str().filter(|text| text.contains(PLACE)) else { return Ok(folder) };
    let shard = shard.ok_or_else(|| {
        Error::Usage("--run-dir: {shard} stands for the number of a --shard, and none is given".to_owned())
    })?;
    Ok(text.replace(PLACE, &shard.index().to_string()).into())
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
        assert!(check_mfa_token(&"123456".parse().expect("every text is a secret")).is_ok());
        for wrong in ["", "12345", "1234567", "12345a"] {
            let message = check_mfa_token(&wrong.parse().expect("every text is a secret")).unwrap_err().to_string();
            assert!(wrong.is_empty() || !message.contains(wrong), "{message}");
        }
    }
}
