//! `plan`: a preview, which only reads.

use super::refuse_role_options;
use crate::cli::{GivenOptions, PlanArgs};
use crate::error::Error;
use crate::journal::CommandName;
use crate::rollout::Mode;
use crate::run::start;
use crate::settings::{Environment, Settings};

/// Reads every selected account and says what apply would change.
pub(super) async fn plan(args: PlanArgs, given: &GivenOptions, environment: &Environment) -> Result<u8, Error> {
    refuse_role_options(&args.run, given)?;
    let mut settings = Settings::resolve(args.run, CommandName::Plan, Mode::Plan, environment)?;
    settings.run.detailed_exitcode = args.detailed_exitcode;
    start(settings).await
}
