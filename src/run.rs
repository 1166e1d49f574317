//! A run, from its settings to its exit code. `plan`, `apply`, `resume` and `rollback` differ only in their settings and in the
//! source of their targets.

pub(crate) mod baseline;
pub(crate) mod complete;
pub(crate) mod confirm;
pub(crate) mod connect;
pub(crate) mod context;
mod execute;
pub(crate) mod explain;
mod finish;
mod gate;
pub(crate) mod impact_visits;
mod next_steps;
mod opt_in_regions;
mod overview;
mod plan_waves;
mod plan_while_listing;
mod prepare;
mod recorder;
pub(crate) mod signals;
pub(crate) mod stdout;
pub(crate) mod targets;
pub(crate) mod unit_names;

use baseline::Baseline;
use confirm::{confirm, refuse_unattended};
use connect::connect;
use context::RunContext;
use execute::{Visited, visit_waves};
use finish::finish;
use overview::outline;
use plan_waves::plan_waves;
use plan_while_listing::{can_visit_while_listing, list_and_visit};
use prepare::{remaining_targets, select_targets};
use signals::Signals;

use crate::cloud::aws::Aws;
use crate::error::Error;
use crate::journal::Replay;
use crate::rollout::{Verify, Wave};
use crate::settings::Settings;

/// Where the targets of a run come from.
pub(crate) enum Source {
    /// The Organization, whose accounts are all listed before the first visit. If a plan is applied or a run is undone, the
    /// baseline restricts the targets to accounts of that earlier run.
    Organization(Option<Box<Baseline>>),
    /// The Organization, whose accounts are visited while further accounts are still being listed.
    Listing,
    /// The journal of an interrupted run, and the waves that this run did not finish.
    Journal(Box<Replay>, Vec<Wave>),
}

/// Starts a plan, an apply or a rollback in a new run folder, and returns the exit code.
pub(crate) async fn start(settings: Settings) -> Result<u8, Error> {
    settings.run.check()?;
    // The earlier run is read before anything is created or called, because its folder is the option that is most likely to be
    // mistyped.
    let source = Source::of(&settings)?;
    if !source.is_empty() {
        refuse_unattended(&settings)?;
    }
    run(RunContext::create(settings)?, source).await
}

impl Source {
    /// Whether an earlier run leaves nothing to do, so that nothing has to be confirmed.
    fn is_empty(&self) -> bool {
        match self {
            Self::Organization(Some(baseline)) => baseline.desired.is_empty(),
            Self::Journal(_, waves) => waves.is_empty(),
            Self::Organization(None) | Self::Listing => false,
        }
    }

    /// Returns the source for a run that starts from its beginning.
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        Ok(match Baseline::of(&settings.run)? {
            None if can_visit_while_listing(settings) => Self::Listing,
            baseline => Self::Organization(baseline.map(Box::new)),
        })
    }
}

/// Visits the targets and reports what happened. An error means that the run ended before its first visit, or that a plan could
/// not list all accounts.
pub(crate) async fn run(mut context: RunContext, source: Source) -> Result<u8, Error> {
    match Box::pin(visit_targets(&mut context, source)).await {
        Ok(mut visited) => {
            plan_waves(&context, &mut visited);
            Ok(finish(context, visited))
        }
        Err(error) => {
            context.abandon();
            Err(error)
        }
    }
}

async fn visit_targets(context: &mut RunContext, source: Source) -> Result<Visited, Error> {
    let mut signals = Signals::listen(&context.progress).map_err(|source| context.journal_unwritable(source))?;
    let aws = signals.or_stop(Box::pin(connect(&context.settings, &context.progress))).await?;
    // A resume can have another configuration than the process before it.
    if !source.is_empty() {
        check_global_endpoint(context, &aws)?;
    }
    if !matches!(source, Source::Journal(..)) {
        warn_of_partition(context, &aws);
    }
    let mut visited = Box::pin(visit(context, signals, &aws, source)).await?;
    explain::denials_of_run(context, &aws, &mut visited).await;
    Ok(visited)
}

async fn visit(context: &mut RunContext, mut signals: Signals, aws: &Aws, source: Source) -> Result<Visited, Error> {
    let prepared = match source {
        Source::Listing => return list_and_visit(context, signals, aws).await,
        Source::Organization(baseline) => select_targets(context, aws, &mut signals, baseline).await?,
        Source::Journal(replay, waves) => remaining_targets(context, aws, &mut signals, *replay, waves).await?,
    };
    signals.or_stop(confirm(context, aws, &prepared)).await?;
    context.progress.begin(outline(&context.settings, &prepared));
    visit_waves(context, signals, aws, prepared).await
}

/// Refuses `--verify token` and `--verify token=REGION` if the configuration would send their calls to another endpoint than the global one.
/// A token of that endpoint would look like a proof.
fn check_global_endpoint(context: &RunContext, aws: &Aws) -> Result<(), Error> {
    match context.settings.run.verify {
        Verify::TokenIn(_) => aws.check_token_test()?,
        Verify::TokenSize if aws.caller.partition.has_global_sts() => aws.check_global_endpoint()?,
        Verify::TokenSize | Verify::Setting | Verify::None => {}
    }
    Ok(())
}

/// Warns if the setting has no effect in the caller's partition.
fn warn_of_partition(context: &RunContext, aws: &Aws) {
    let partition = &aws.caller.partition;
    if !partition.has_global_sts() {
        let mut warning =
            format!("partition {partition} has no global STS endpoint, so the setting has no effect there");
        if context.settings.run.verify == Verify::TokenSize {
            warning.push_str(", and --verify token reads only the setting");
        }
        context.progress.warn(&warning);
    }
}
