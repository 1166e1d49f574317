//! This module owns the course of a run: wave after wave, one concurrent stage in each, and a sequential loop behind it.

use std::pin::pin;

use futures::stream::{self, Stream, StreamExt};

use super::connectivity::ConnectivityChange;
use super::context::{Intents, Rollout, RolloutOptions};
use super::decide::Verify;
use super::event::Event;
use super::record::{Outcome, Record};
use super::stop::StopReason;
use super::tally::{Tally, Tolerance};
use super::target::Target;
use super::visit::visit;
use super::wave::Wave;
use crate::cloud::Cloud;
use crate::cloud::retry::PATIENCE;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The outcomes of all targets.
    pub tally: Tally,
    /// Why it stopped before its last account, if it did.
    pub stopped: Option<StopReason>,
}

/// Visits the targets of all waves, in their order, and tells `listen` each thing that happens. Every target is told exactly
/// once. Before each wave but the first, `gate` is waited for.
pub async fn roll_out<C: Cloud, I: Intents>(
    run: &Rollout<'_, C, I>,
    waves: &[Wave],
    mut listen: impl FnMut(Event<'_>),
    mut gate: impl AsyncFnMut(&Wave),
) -> Ended {
    let terms = &run.options;
    let selection = waves.iter().map(|wave| wave.targets.len()).sum();
    let last = waves.iter().filter_map(|wave| wave.number).max().unwrap_or(0);
    let (mut tally, mut told) = (Tally::default(), false);
    for (index, wave) in waves.iter().enumerate() {
        if index > 0 && !run.stop.requested() {
            bake(run, wave, &mut listen).await;
            tokio::select! {
                biased;
                () = run.stop.wait() => {}
                () = gate(wave) => {}
            }
        }
        let started = wave.number.filter(|_| !run.stop.requested());
        if let Some(number) = started {
            listen(Event::WaveStarted { wave: number, waves: last, accounts: wave.targets.len() });
        }
        let mut in_wave = Tally::default();
        let visits = stream::iter(&wave.targets)
            .map(|target| visit(run, target, wave.number))
            .buffer_unordered(terms.concurrency);
        let each = |record: &Record, listen: &mut dyn FnMut(Event<'_>)| {
            tally.add(record.outcome);
            in_wave.add(record.outcome);
            listen(visited(run, record, &tally));
            too_many(terms, &tally, selection)
        };
        finish(run, visits, &mut told, &mut listen, each).await;
        if let Some(number) = started {
            listen(Event::WaveFinished { wave: number, tally: &in_wave });
            if let Some(reason) = went_badly(terms, &in_wave, number, last) {
                run.stop.request(reason);
            }
        }
    }
    Ended { tally, stopped: run.stop.reason() }
}

/// Visits targets as they become known, in a run without waves, and tells `listen` each thing that happens. It ends once
/// `targets` has ended and every one of them has been told.
///
/// A tolerance in percent does not count here, because nobody knows of how many before the end.
pub(crate) async fn survey<C: Cloud, I: Intents>(
    run: &Rollout<'_, C, I>,
    targets: impl Stream<Item = Target>,
    mut listen: impl FnMut(Event<'_>),
) -> Ended {
    let mut tally = Tally::default();
    let visits = targets.map(async |target| visit(run, &target, None).await).buffer_unordered(run.options.concurrency);
    let each = |record: &Record, listen: &mut dyn FnMut(Event<'_>)| {
        tally.add(record.outcome);
        listen(visited(run, record, &tally));
        matches!(run.options.max_errors, Some(Tolerance::Count(_))).then(|| too_many(&run.options, &tally, 0)).flatten()
    };
    finish(run, visits, &mut false, &mut listen, each).await;
    Ended { tally, stopped: run.stop.reason() }
}

/// Goes through the visits as they end. It tells at once, and once in a run, that the run stops, for which what `each` gives asks;
/// and each time that AWS can't be reached any more, or can again.
async fn finish<C, I>(
    run: &Rollout<'_, C, I>,
    visits: impl Stream<Item = Record>,
    told: &mut bool,
    listen: &mut impl FnMut(Event<'_>),
    mut each: impl FnMut(&Record, &mut dyn FnMut(Event<'_>)) -> Option<StopReason>,
) {
    let mut visits = pin!(visits);
    loop {
        tokio::select! {
            biased;
            () = run.stop.wait(), if !*told => {
                *told = true;
                if let Some(reason) = run.stop.reason() {
                    listen(Event::Stopping { reason: &reason, in_flight: run.stop.in_flight() });
                }
            }
            turn = run.connectivity.next_turn() => match turn {
                // Whoever has stopped the run does not wait for the network.
                ConnectivityChange::Lost(_) if run.stop.requested() => {}
                ConnectivityChange::Lost(failure) => listen(Event::Unreachable { failure: &failure, patience: PATIENCE }),
                ConnectivityChange::Found(after) => listen(Event::Reachable { after }),
            },
            record = visits.next() => {
                let Some(record) = record else { return };
                if let Some(reason) = each(&record, listen) {
                    run.stop.request(reason);
                }
            }
        }
    }
}

fn visited<'a, C, I>(run: &Rollout<'_, C, I>, record: &'a Record, tally: &'a Tally) -> Event<'a> {
    let (throttles, rate, in_flight) = (run.rate_limiter.throttles(), run.rate_limiter.rate(), run.stop.in_flight());
    Event::Visited { record, tally, throttles, rate, in_flight }
}

/// Waits before a wave, unless the run stops.
async fn bake<C, I>(run: &Rollout<'_, C, I>, wave: &Wave, listen: &mut impl FnMut(Event<'_>)) {
    if let Some(next) = wave.number.filter(|_| !run.options.bake.is_zero()) {
        listen(Event::Baking { wait: run.options.bake, next });
        tokio::select! {
            () = run.stop.wait() => {}
            () = tokio::time::sleep(run.options.bake) => {}
        }
    }
}

/// Whether more of the whole selection failed than may.
fn too_many(terms: &RolloutOptions, tally: &Tally, selection: usize) -> Option<StopReason> {
    let (errors, allowed) = (errors(terms, tally), terms.max_errors?.allowed(selection));
    (errors > allowed).then_some(StopReason::TooManyErrors { errors, allowed, wave: None })
}

/// What counts against the tolerance. Without a read-back every Set is unverified, as was asked for; then only failures count.
fn errors(terms: &RolloutOptions, tally: &Tally) -> usize {
    if terms.verify == Verify::None { tally.of(Outcome::Failed) } else { tally.errors() }
}

/// Whether a wave failed too often for the next one to start. A percentage holds for each wave by itself too: a canary
/// wave would be of no use if its failure were weighed against the whole Organization.
fn went_badly(terms: &RolloutOptions, in_wave: &Tally, wave: u32, waves: u32) -> Option<StopReason> {
    match terms.max_errors? {
        Tolerance::Count(_) => None,
        percent @ Tolerance::Percent(_) => {
            let (errors, allowed) = (errors(terms, in_wave), percent.allowed(in_wave.total()));
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
