//! This module owns the events: what a rollout tells to the progress display, and to whoever else listens.

use std::time::Duration;

use super::record::Record;
use super::stop::StopReason;
use super::tally::Tally;
use crate::cloud::Failure;

/// One fact about a running rollout. Each carries the totals, so that a listener needs no memory of its own.
#[derive(Debug)]
pub enum Event<'a> {
    /// A wave starts.
    WaveStarted {
        /// Its number, from 1.
        wave: u32,
        /// How many waves there are.
        waves: u32,
        /// How many accounts are in it.
        accounts: usize,
    },
    /// A visit ended, or never started because the run stops.
    Visited {
        /// What came of it.
        record: &'a Record,
        /// All accounts of the run so far.
        tally: &'a Tally,
        /// How many calls AWS throttled so far.
        throttles: u64,
        /// The pace of the moment in visits per second; `None` is unlimited.
        rate: Option<f64>,
        /// How many visits are in flight.
        in_flight: usize,
    },
    /// A stop was asked for: no further visit starts, and those in flight finish. It is told once.
    Stopping {
        /// Why.
        reason: &'a StopReason,
        /// How many visits are in flight.
        in_flight: usize,
    },
    /// A wave ended.
    WaveFinished {
        /// Its number, from 1.
        wave: u32,
        /// The accounts of this wave.
        tally: &'a Tally,
    },
    /// The run waits before the next wave.
    Baking {
        /// How long.
        wait: Duration,
        /// The wave that comes next.
        next: u32,
    },
    /// AWS can't be reached at all, and the visits wait until it can.
    Unreachable {
        /// What became of the call that found it out.
        failure: &'a Failure,
        /// How long they will wait.
        patience: Duration,
    },
    /// AWS can be reached again, and the visits go on.
    Reachable {
        /// How long it could not.
        after: Duration,
    },
}
