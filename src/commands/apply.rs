//! `apply`: sets the token version in every selected account, or in the accounts that a plan would change.

use super::known_impact;
use super::resume::start_or_resume;
use super::{absolute, refuse_role_options, run_folder};
use crate::cli::{ApplyArgs, TypedOptions};
use crate::error::Error;
use crate::journal::{CommandName, RunFolder};
use crate::rollout::Mode;
use crate::runs::name::Kind;
use crate::settings::{Environment, Settings, defaults_for};
use crate::terminal::stderr_mode::StderrMode;

/// Starts a rollout, or with `--dry-run` a plan.
pub(super) async fn apply(args: ApplyArgs, typed: &TypedOptions, environment: &Environment) -> Result<u8, Error> {
    refuse_role_options(&args.run, typed)?;
    let (command, mode) =
        if args.dry_run { (CommandName::Plan, Mode::Plan) } else { (CommandName::Apply, Mode::Apply) };
    let mut base = defaults_for(mode, args.run.access.profile.as_deref(), environment)?;
    let stderr_mode = StderrMode::resolve(&args.run.output, environment);
    let named = |plan| run_folder::named(plan, Kind::Only(CommandName::Plan), stderr_mode).map(absolute);
    if let Some(plan) = args.plan.map(named).transpose()? {
        let (planned, _) = RunFolder::read_own(&plan)?;
        // What is not given comes from the plan.
        base.waves.clone_from(&planned.settings.waves);
        base.canary.clone_from(&planned.settings.canary);
        let planned_impact = planned.settings.impact.clone();
        base = base.with_access_of(planned.settings);
        base.impact = planned_impact;
        base.plan = Some(plan);
    }
    if let Some(impact) = args.impact {
        base.impact = Some(known_impact::read(impact, stderr_mode, environment)?);
    }
    base.detailed_exitcode = args.detailed_exitcode;
    let settings = Settings::resolve(args.run, command, base, environment)?;
    settings.check_external_ids()?;
    start_or_resume(settings, args.resume_or_start).await
}
