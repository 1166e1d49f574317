//! The settings of a run, resolved from its options and the environment.

mod environment;
mod input_files;
mod output;
mod query;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::aws_settings::AwsSettings;
use crate::cli::{
    ACCOUNT_TIMEOUT, CONCURRENCY, GATE_TIMEOUT, LARGEST_ATTEMPTS, MAX_ATTEMPTS, MAX_ERRORS, RATE, RunArgs,
    SESSION_DURATION, SelectionArgs, SessionPolicy,
};
use crate::cloud::aws::clock_skew::Clock;
use crate::cloud::aws::{ConnectError, ConnectOptions, Mfa, SessionOptions};
use crate::error::Error;
use crate::journal::{CommandName, PolicyChoice, RunId, RunSettings, runs_dir};
use crate::org::accounts_file::AccountOverrides;
use crate::org::exception::{Day, Exceptions};
use crate::org::role::{AccessMode, RoleTemplate, is_external_id};
use crate::org::selection::{Criteria, ManagementAccess, Selection};
use crate::org::shard::Shard;
use crate::org::{AccountId, Tag, TokenVersion, UnitChoice, UnitId};
use crate::rollout::{Mode, Verify, wave::BAKE};
use crate::secret::{Secret, mask};

pub(crate) use crate::cli::GateCommand;
pub(crate) use environment::Environment;
pub(crate) use input_files::listed;
pub(crate) use output::OutputSettings;

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

/// Returns the selection of a command that takes all accounts from the files of `--accounts-from`: these files do not narrow it.
///
/// # Errors
///
/// Returns an error if the value of an option or the file of `--exceptions` can't be used.
pub(crate) fn selection_among_listed(mut args: SelectionArgs, now: SystemTime) -> Result<Selection, Error> {
    args.accounts_from.clear();
    let exceptions = args.exceptions.as_deref().map(input_files::exceptions).transpose()?;
    let exceptions = exceptions.map(|all| Exceptions::on(&Day::of(now), all));
    let selection = selection(args, &BTreeMap::new(), ManagementAccess::default(), now)?;
    Ok(Selection { exceptions, ..selection })
}

/// Returns the selection that the options describe.
fn selection(
    args: SelectionArgs,
    named: &BTreeMap<AccountId, AccountOverrides>,
    management: ManagementAccess,
    now: SystemTime,
) -> Result<Selection, Error> {
    let joined_since = args.joined_since.map(|since| since.resolve(now)).transpose();
    let joined_since = joined_since.map_err(|error| Error::Usage(format!("--joined-since: {error}")))?;
    let (ous, ou_names) = by_kind(args.ou);
    let (excluded_ous, excluded_ou_names) = by_kind(args.exclude_ou);
    let include = Criteria {
        accounts: args.account.into_iter().chain(named.keys().copied()).collect(),
        ous,
        ou_names,
        names: args.name,
        tags: args.tag.into_iter().collect(),
    };
    let exclude = Criteria {
        accounts: args.exclude_account.into_iter().collect(),
        ous: excluded_ous,
        ou_names: excluded_ou_names,
        names: args.exclude_name,
        tags: args.exclude_tag.into_iter().collect(),
    };
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let shard = args.shard.map(|shard| shard.resolve(environment)).transpose();
    let shard = shard.map_err(|error| Error::Usage(error.to_string()))?;
    Ok(Selection { include, exclude, joined_since, shard, management, exceptions: None })
}

/// Separates OUs that are given by their id from those that are given by their path of names.
fn by_kind(choices: Vec<UnitChoice>) -> (BTreeSet<UnitId>, BTreeSet<UnitChoice>) {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for choice in choices {
        match choice {
            UnitChoice::Id(id) => drop(ids.insert(id)),
            UnitChoice::Names(_) => drop(names.insert(choice)),
        }
    }
    (ids, names)
}

/// Refuses a tag in the form `Key=Environment,Value=prod`, which other AWS tools use. Here this form would mean two tags,
/// `Key=Environment` and `Value=prod`. Most likely no account has these tags, so an exclusion would exclude no account.
fn check_tags(option: &str, tags: &[Tag]) -> Result<(), Error> {
    let value = |key: &str| tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str());
    match (value("Key"), value("Value")) {
        (Some(key), Some(value)) => {
            Err(Error::Usage(format!("{option} Key={key},Value={value}: did you mean {key}={value}?")))
        }
        _ => Ok(()),
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
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

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
