//! This module owns the course of a run: wave after wave, one concurrent stage in each, and a sequential loop behind it.

use std::time::Duration;

use futures::stream::{self, StreamExt};

use super::decide::{Mode, Verify};
use super::event::Event;
use super::pace::Pace;
use super::stop::{Stop, StopReason};
use super::tally::{Tally, Tolerance};
use super::visit::{Intents, blank, visit};
use super::wave::Waves;
use crate::cloud::{Cloud, WayIn};
use crate::org::{AccountId, TokenVersion};

/// An account that is to be visited, and how it is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The account.
    pub account: AccountId,
    /// How it is entered.
    pub way: WayIn,
    /// Whether it is the management account.
    pub management: bool,
    /// Whether it was invited into the Organization.
    pub invited: bool,
}

/// The terms of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether anything may be changed.
    pub mode: Mode,
    /// The wanted version.
    pub wanted: TokenVersion,
    /// How a Set is checked.
    pub verify: Verify,
    /// How many visits are in flight at once.
    pub concurrency: usize,
    /// How often one API call is tried, at least 1.
    pub max_attempts: u32,
    /// How long one visit may take, without the time that it waits for its turn.
    pub account_timeout: Duration,
    /// The sizes of the waves; `None` for a run without waves, whose records name none.
    pub waves: Option<Waves>,
    /// How long to wait between waves.
    pub bake: Duration,
    /// How many accounts may fail; `None` for as many as there are.
    pub max_errors: Option<Tolerance>,
}

/// All that the visits of a run share.
#[derive(Debug)]
pub struct Rollout<'a, C, I> {
    /// AWS.
    pub cloud: &'a C,
    /// Where intents are made durable.
    pub intents: &'a I,
    /// How fast visits start.
    pub pace: &'a Pace,
    /// The switch that stops the run.
    pub stop: &'a Stop,
    /// The terms.
    pub terms: Terms,
    /// The STS endpoint, for the records.
    pub sts_endpoint: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The outcomes of all targets.
    pub tally: Tally,
    /// Why it stopped before its last account, if it did.
    pub stopped: Option<StopReason>,
}

/// Visits all targets, in their order, and tells `listen` each thing that happens. Every target is told exactly once.
pub async fn roll_out<C: Cloud, I: Intents>(
    run: &Rollout<'_, C, I>,
    targets: &[Target],
    mut listen: impl FnMut(Event<'_>),
) -> Ended {
    let terms = &run.terms;
    let sizes = terms.waves.clone().unwrap_or_else(Waves::single).sizes(targets.len());
    let waves = u32::try_from(sizes.len()).expect("fewer waves than accounts");
    let mut tally = Tally::default();
    let mut rest = targets;
    for (wave, size) in (1..).zip(sizes) {
        if run.stop.requested() {
            break;
        }
        let (now, later) = rest.split_at(size);
        rest = later;
        let named = terms.waves.is_some().then_some(wave);
        if named.is_some() {
            listen(Event::WaveStarted { wave, waves, accounts: now.len() });
        }
        let mut in_wave = Tally::default();
        let mut visits = stream::iter(now).map(|target| visit(run, target, named)).buffer_unordered(terms.concurrency);
        while let Some(record) = visits.next().await {
            tally.add(record.outcome);
            in_wave.add(record.outcome);
            listen(Event::Visited {
                record: &record,
                tally: &tally,
                throttles: run.pace.throttles(),
                rate: run.pace.rate(),
            });
            if let Some(reason) = too_many(terms.max_errors, &tally, targets.len()) {
                run.stop.request(reason);
            }
        }
        if named.is_some() {
            listen(Event::WaveFinished { wave, tally: &in_wave });
        }
        if let Some(reason) = went_badly(terms.max_errors, &in_wave, wave, waves) {
            run.stop.request(reason);
        }
        if !rest.is_empty() && !terms.bake.is_zero() && !run.stop.requested() {
            listen(Event::Baking { wait: terms.bake, next: wave + 1 });
            tokio::select! {
                () = run.stop.wait() => {}
                () = tokio::time::sleep(terms.bake) => {}
            }
        }
    }
    for target in rest {
        let record = blank(run, target);
        tally.add(record.outcome);
        listen(Event::Visited {
            record: &record,
            tally: &tally,
            throttles: run.pace.throttles(),
            rate: run.pace.rate(),
        });
    }
    Ended { tally, stopped: run.stop.reason() }
}

/// Whether more of the whole selection failed than may.
fn too_many(tolerance: Option<Tolerance>, tally: &Tally, selection: usize) -> Option<StopReason> {
    let (errors, allowed) = (tally.errors(), tolerance?.allowed(selection));
    (errors > allowed).then_some(StopReason::TooManyErrors { errors, allowed, wave: None })
}

/// Whether a wave failed too often for the next one to start. A percentage holds for each wave by itself too: a canary
/// wave would be of no use if its failure were weighed against the whole Organization.
fn went_badly(tolerance: Option<Tolerance>, in_wave: &Tally, wave: u32, waves: u32) -> Option<StopReason> {
    match tolerance? {
        Tolerance::Count(_) => None,
        percent @ Tolerance::Percent(_) => {
            let (errors, allowed) = (in_wave.errors(), percent.allowed(in_wave.total()));
            (wave < waves && errors > allowed).then_some(StopReason::TooManyErrors {
                errors,
                allowed,
                wave: Some(wave),
            })
        }
    }
}

#[cfg(test)]
mod tests;
