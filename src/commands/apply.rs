//! `apply`: sets the token version in every selected account, or in those that a plan would change.

use super::{absolute, refuse_role_options};
use crate::cli::{ApplyArgs, GivenOptions};
use crate::error::Error;
use crate::journal::{CommandName, RunFolder};
use crate::rollout::Mode;
use crate::run::start;
use crate::settings::{Environment, Settings, explicit};

/// Starts a rollout, or with `--dry-run` a plan.
pub(super) async fn apply(args: ApplyArgs, given: &GivenOptions, environment: &Environment) -> Result<u8, Error> {
    refuse_role_options(&args.run, given)?;
    let (command, mode) =
        if args.dry_run { (CommandName::Plan, Mode::Plan) } else { (CommandName::Apply, Mode::Apply) };
    let mut settings = Settings::resolve(args.run, command, mode, environment)?;
    settings.run.detailed_exitcode = args.detailed_exitcode;
    if let Some(plan) = args.plan.map(absolute) {
        let (planned, _) = RunFolder::read_own(&plan)?;
        settings.run.plan = Some(plan);
        let typed = settings.run.clone();
        settings.run = settings.run.with_access_of(&planned.settings).overlaid(explicit(typed, given));
        settings.check_external_ids()?;
    }
    start(settings).await
}
