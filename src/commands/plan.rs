//! `plan`: previews a change, with calls that only read.

use super::known_impact;
use super::refuse_role_options;
use super::resume::start_or_resume;
use crate::cli::{PlanArgs, TypedOptions};
use crate::error::Error;
use crate::journal::CommandName;
use crate::rollout::Mode;
use crate::settings::{Environment, Settings, defaults_for};
use crate::terminal::stderr_mode::StderrMode;

/// Reads every selected account, and reports which accounts `apply` would change.
pub(super) async fn plan(args: PlanArgs, typed: &TypedOptions, environment: &Environment) -> Result<u8, Error> {
    refuse_role_options(&args.run, typed)?;
    let mut base = defaults_for(Mode::Plan, args.run.access.profile.as_deref(), environment)?;
    let mode = StderrMode::resolve(&args.run.output, environment);
    base.impact = args.impact.map(|impact| known_impact::read(impact, mode, environment)).transpose()?;
    let mut settings = Settings::resolve(args.run, CommandName::Plan, base, environment)?;
    settings.run.detailed_exitcode = args.detailed_exitcode;
    start_or_resume(settings, args.resume_or_start).await
}
