//! This module owns `rollback`: what a run changed is put back, by a run of its own.

use crate::cli::{GivenOptions, RollbackArgs};
use crate::error::Error;
use crate::journal::RunFolder;
use crate::journal::{CommandName, RunSettings};
use crate::org::selection::Selection;
use crate::rollout::Mode;
use crate::run::prepare::start;
use crate::settings::{Environment, Settings};

/// Puts back what the run in a folder changed.
pub(super) async fn rollback(args: RollbackArgs, given: &GivenOptions, environment: &Environment) -> Result<u8, Error> {
    if given.typed("global-endpoint-token-version") {
        return Err(Error::Usage(
            "rollback puts back what the run found in each account, so no version can be given".to_owned(),
        ));
    }
    let mode = if args.dry_run { Mode::Plan } else { Mode::Apply };
    let mut settings = Settings::resolve(args.run, CommandName::Rollback, mode, environment)?;
    let (undone, _) = RunFolder::read_own(&args.folder)?;
    let typed = settings.run;
    let own = RunSettings {
        mode,
        // Which accounts is settled by the run that is undone; the selection can only narrow it.
        selection: Selection {
            management: if given.gave("management-account") {
                typed.selection.management
            } else {
                undone.settings.selection.management
            },
            ..typed.selection.clone()
        },
        plan: None,
        // The folder may be named relative to where the program runs now; a resume may run elsewhere.
        undoes: Some(std::path::absolute(&args.folder).unwrap_or(args.folder)),
        session_name: typed.session_name.clone(),
        waves: typed.waves.clone(),
        canary: typed.canary.clone(),
        bake: typed.bake,
        max_errors: typed.max_errors,
        verify: typed.verify.clone(),
        yes: typed.yes,
        region: undone.settings.region.clone(),
        // What is wanted differs from account to account; this is what most go back to.
        global_endpoint_token_version: match undone.settings.global_endpoint_token_version {
            crate::org::TokenVersion::V2Token => crate::org::TokenVersion::V1Token,
            crate::org::TokenVersion::V1Token => crate::org::TokenVersion::V2Token,
        },
        ..undone.settings
    };
    settings.run = own.with_given(typed, |long| given.gave(long));
    settings.check_external_ids()?;
    Box::pin(start(settings)).await
}
