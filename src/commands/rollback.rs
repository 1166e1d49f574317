//! `rollback`: puts back what a run changed, as a run of its own.

use super::absolute;
use crate::cli::{GivenOptions, RollbackArgs};
use crate::error::Error;
use crate::journal::{CommandName, RunFolder, RunSettings};
use crate::org::TokenVersion;
use crate::org::selection::Selection;
use crate::rollout::Mode;
use crate::run::start;
use crate::settings::{Environment, Settings, explicit};

/// Puts back what the run in a folder changed.
pub(super) async fn rollback(args: RollbackArgs, given: &GivenOptions, environment: &Environment) -> Result<u8, Error> {
    if given.on_command_line("global-endpoint-token-version") {
        return Err(Error::Usage(
            "rollback puts back what the run found in each account, so no version can be given".to_owned(),
        ));
    }
    let mode = if args.dry_run { Mode::Plan } else { Mode::Apply };
    let mut settings = Settings::resolve(args.run, CommandName::Rollback, mode, environment)?;
    let (undone, _) = RunFolder::read_own(&args.folder)?;
    let (typed, undone) = (settings.run.clone(), undone.settings);
    let management = given.value("management-account", typed.selection.management);
    let own = RunSettings {
        mode,
        // The run that is undone determines the accounts; the selection can only narrow them.
        selection: Selection {
            management: management.unwrap_or(undone.selection.management),
            ..typed.selection.clone()
        },
        plan: None,
        undoes: Some(absolute(args.folder)),
        session_name: typed.session_name.clone(),
        waves: typed.waves.clone(),
        canary: typed.canary.clone(),
        bake: typed.bake,
        max_errors: typed.max_errors,
        verify: typed.verify.clone(),
        yes: typed.yes,
        // The wanted version differs from account to account; this is what most of them go back to.
        global_endpoint_token_version: match undone.global_endpoint_token_version {
            TokenVersion::V2Token => TokenVersion::V1Token,
            TokenVersion::V1Token => TokenVersion::V2Token,
        },
        ..undone
    };
    settings.run = own.overlaid(explicit(typed, given));
    settings.check_external_ids()?;
    start(settings).await
}
