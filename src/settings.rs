//! The settings of a run, resolved from its options and the environment.

mod environment;
mod expression;
mod input_files;
mod output;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::cli::{GivenOptions, RunArgs, SelectionArgs, SessionPolicy};
use crate::cloud::aws::clock::Clock;
use crate::cloud::aws::{ConnectOptions, Mfa, SessionOptions};
use crate::error::Error;
use crate::journal::{CommandName, Overrides, PolicyChoice, RunId, RunSettings};
use crate::org::accounts_file::AccountOverrides;
use crate::org::role::is_external_id;
use crate::org::selection::{Criteria, ManagementAccess, Selection};
use crate::org::{AccountId, Tag};
use crate::rollout::{Mode, Tolerance};
use crate::secret::Secret;

pub(crate) use environment::Environment;
pub(crate) use output::OutputSettings;

/// The default of `--max-errors` in a rollout.
pub(crate) const MAX_ERRORS: Tolerance = Tolerance::Percent(10);

/// How to reach AWS: the options that are not kept in `run.json`.
#[derive(Clone)]
pub(crate) struct ConnectionSettings {
    /// `--profile`.
    pub profile: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// `--ca-bundle`, or the one in the environment.
    pub ca_bundle: Option<PathBuf>,
    /// The external id.
    pub external_id: Option<Secret>,
    /// The external ids of single accounts.
    pub external_ids: BTreeMap<AccountId, Secret>,
    /// The code of the MFA device.
    pub mfa_token: Option<Secret>,
}

/// The settings of a command. They may hold a secret, so they have no `Debug`.
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
    /// Whether a question can be asked on a terminal.
    pub can_ask: bool,
    /// `--run-dir`.
    pub run_dir: Option<PathBuf>,
    /// What is printed, and where.
    pub output: OutputSettings,
}

impl Settings {
    /// Resolves the options of a run.
    ///
    /// # Errors
    ///
    /// When options contradict each other.
    pub(crate) fn resolve(
        args: RunArgs,
        command: CommandName,
        mode: Mode,
        environment: &Environment,
    ) -> Result<Self, Error> {
        let RunArgs { global_endpoint_token_version, selection, access, rate, rollout, run_dir, output } = args;
        if let Some(external_id) = &access.external_id {
            check_external_id(external_id)?;
        }
        if let Some(token) = &access.mfa_token {
            check_mfa_token(token)?;
        }
        let session_policy = match access.session_policy {
            SessionPolicy::Scoped => PolicyChoice::Scoped,
            SessionPolicy::None => PolicyChoice::None,
            SessionPolicy::File(path) => PolicyChoice::Document(input_files::policy(&path)?),
        };
        for (option, tags) in [("--tag", &selection.tag), ("--exclude-tag", &selection.exclude_tag)] {
            check_tags(option, tags)?;
        }
        let named = input_files::accounts(&selection.accounts_from)?;
        let selection = self::selection(selection, &named, access.management_account)?;
        let roles = named.iter().filter_map(|(id, named)| Some((*id, named.role.clone()?))).collect();
        let external_ids: BTreeMap<_, _> =
            named.into_iter().filter_map(|(id, named)| Some((id, named.external_id?))).collect();
        let run_id = RunId::new(environment.now);
        let (waves, max_errors, bake) = match mode {
            // Reading changes nothing, so a plan has no waves and, by default, no limit of errors.
            Mode::Plan => (None, rollout.max_errors, Duration::ZERO),
            Mode::Apply => (Some(rollout.waves), Some(rollout.max_errors.unwrap_or(MAX_ERRORS)), rollout.bake),
        };
        Ok(Self {
            now: environment.now,
            command,
            run: RunSettings {
                mode,
                global_endpoint_token_version,
                selection,
                plan: None,
                undoes: None,
                access: access.access,
                role: access.role,
                roles,
                via_roles: access.via_role,
                session_name: access.session_name.unwrap_or_else(|| format!("v2token-{run_id}")),
                source_identity: access.source_identity,
                session_duration: access.session_duration,
                session_policy,
                external_id_given: access.external_id.is_some(),
                external_ids_given: external_ids.keys().copied().collect(),
                mfa_serial: access.mfa_serial,
                region: access.region,
                concurrency: rate.concurrency,
                rate: rate.rate,
                max_attempts: rate.max_attempts,
                account_timeout: rate.account_timeout,
                waves,
                canary: rollout.canary.into_iter().collect(),
                bake,
                max_errors,
                verify: rollout.verify,
                detailed_exitcode: false,
                yes: rollout.yes,
            },
            connection: ConnectionSettings {
                profile: access.profile,
                endpoint_url: access.endpoint_url,
                ca_bundle: access.ca_bundle.or_else(|| environment.aws_ca_bundle.clone()),
                external_id: access.external_id,
                external_ids,
                mfa_token: access.mfa_token,
            },
            can_ask: environment.can_ask(),
            run_dir,
            output: OutputSettings::resolve(output, environment)?,
            run_id,
        })
    }

    /// Returns the path of the run folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.run_dir.clone().unwrap_or_else(|| PathBuf::from("v2token-runs").join(self.run_id.as_str()))
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

    /// Refuses a run that used external ids without them. They are not stored, so a resume or a rollback needs them again.
    ///
    /// # Errors
    ///
    /// When one is missing.
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

/// The settings of a run that were given explicitly, on the command line or in the environment.
pub(crate) fn explicit(run: RunSettings, given: &GivenOptions) -> Overrides {
    Overrides {
        access: given.value("access", run.access),
        role: given.value("role", run.role),
        roles: given.value("accounts-from", run.roles),
        via_roles: given.value("via-role", run.via_roles),
        source_identity: run.source_identity,
        session_name: given.value("session-name", run.session_name),
        session_duration: given.value("session-duration", run.session_duration),
        session_policy: given.value("session-policy", run.session_policy),
        external_id: run.external_id_given,
        mfa_serial: run.mfa_serial,
        region: run.region,
        concurrency: given.value("concurrency", run.concurrency),
        rate: given.value("rate", run.rate),
        max_attempts: given.value("max-attempts", run.max_attempts),
        account_timeout: given.value("account-timeout", run.account_timeout),
        waves: given.value("waves", run.waves).flatten(),
        canary: given.value("canary", run.canary),
        bake: given.value("bake", run.bake),
        max_errors: given.value("max-errors", run.max_errors).flatten(),
        verify: given.value("verify", run.verify),
        yes: run.yes,
    }
}

/// Returns the selection that the options describe.
fn selection(
    args: SelectionArgs,
    named: &BTreeMap<AccountId, AccountOverrides>,
    management: ManagementAccess,
) -> Result<Selection, Error> {
    let include = Criteria {
        accounts: args.account.into_iter().chain(named.keys().copied()).collect(),
        ous: args.ou.into_iter().collect(),
        names: args.name,
        tags: args.tag.into_iter().collect(),
    };
    let exclude = Criteria {
        accounts: args.exclude_account.into_iter().collect(),
        ous: args.exclude_ou.into_iter().collect(),
        names: args.exclude_name,
        tags: args.exclude_tag.into_iter().collect(),
    };
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let shard = args.shard.map(|shard| shard.resolve(environment)).transpose();
    let shard = shard.map_err(|error| Error::Usage(error.to_string()))?;
    Ok(Selection { include, exclude, shard, management })
}

/// Refuses a tag in the form `Key=Environment,Value=prod` of other AWS tools. Here these would be two tags that most likely no account
/// has, so that an exclusion would exclude no account.
fn check_tags(option: &str, tags: &[Tag]) -> Result<(), Error> {
    let value = |key: &str| tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str());
    match (value("Key"), value("Value")) {
        (Some(key), Some(value)) => {
            Err(Error::Usage(format!("{option} Key={key},Value={value}: did you mean {key}={value}?")))
        }
        _ => Ok(()),
    }
}

/// Checks an external id here and not in the parser of the command line, which would repeat it in its message.
fn check_external_id(external_id: &Secret) -> Result<(), Error> {
    if is_external_id(external_id.reveal()) {
        return Ok(());
    }
    Err(Error::Usage("--external-id: expected 2 to 1224 letters, digits, and _+=,.@:/-".to_owned()))
}

/// Checks the code of an MFA device, which has six digits (STS API reference, `GetSessionToken`). A wrong one is not repeated.
pub(crate) fn check_mfa_token(token: &Secret) -> Result<(), Error> {
    let text = token.reveal();
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::Usage("--mfa-token: expected the six digits that the device shows".to_owned()))
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
