//! `rollback`: restores what a run changed, in a new run.

use super::absolute;
use super::run_folder::{named_or_newest, refuse_unnamed};
use crate::cli::{RollbackArgs, TypedOptions};
use crate::error::Error;
use crate::journal::{CommandName, RunFolder, RunSettings};
use crate::org::TokenVersion;
use crate::rollout::Mode;
use crate::run::start;
use crate::runs::name::{Kind, Purpose};
use crate::settings::{Environment, Settings, defaults};
use crate::terminal::stderr_mode::StderrMode;

/// Restores what the run in a folder changed.
pub(super) async fn rollback(
    mut args: RollbackArgs,
    typed: &TypedOptions,
    environment: &Environment,
) -> Result<u8, Error> {
    if typed.contains("global-endpoint-token-version") {
        return Err(Error::Usage(
            "rollback puts back what the run found in each account, so no version can be given".to_owned(),
        ));
    }
    if typed.contains("exceptions") {
        return Err(Error::Usage(
            "--exceptions: an exception must not keep an account from going back, so rollback takes none; leave accounts out with \
             --exclude-account"
                .to_owned(),
        ));
    }
    if typed.contains("joined-since") {
        return Err(Error::Usage(
            "--joined-since: rollback puts back what the run changed, whenever the accounts joined; name accounts with --account"
                .to_owned(),
        ));
    }
    // The variables are meant for other runs.
    (args.run.selection.exceptions, args.run.selection.joined_since) = (None, None);
    if !args.dry_run {
        refuse_unnamed("rollback", args.folder.as_ref(), &args.run, Purpose::Rollback)?;
    }
    let stderr_mode = StderrMode::resolve(&args.run.output, environment);
    let folder = named_or_newest(args.folder, Kind::Only(CommandName::Apply), Purpose::Rollback, stderr_mode)?;
    let (undone, _) = RunFolder::read_own(&folder)?;
    let undone = undone.settings;
    let version = undone.global_endpoint_token_version;
    let external_ids_given = undone.external_ids_given.clone();
    // The access settings are those of the undone run. The reason of that run is no reason to undo it. The settings listed here start
    // from their defaults.
    let initial = defaults(if args.dry_run { Mode::Plan } else { Mode::Apply });
    let RunSettings { mode, waves, canary, bake, gate, gate_timeout, max_errors, verify, .. } = initial;
    let rollout = RunSettings { mode, waves, canary, bake, gate, gate_timeout, max_errors, verify, ..undone };
    let RunSettings { session_name, reason, yes, .. } = initial;
    let base =
        RunSettings { session_name, reason, yes, plan: None, impact: None, undoes: Some(absolute(folder)), ..rollout };
    let mut settings = Settings::resolve(args.run, CommandName::Rollback, base, environment)?;
    // Each account can have a different wanted version, so this setting names the version to which most accounts are restored.
    settings.run.global_endpoint_token_version = match version {
        TokenVersion::V2Token => TokenVersion::V1Token,
        TokenVersion::V1Token => TokenVersion::V2Token,
    };
    settings.run.external_ids_given = external_ids_given;
    settings.check_external_ids()?;
    start(settings).await
}
