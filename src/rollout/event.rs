//! The events of a rollout, for the progress display, the journal and the reports.

use std::time::Duration;

use super::{Record, StopReason, Tally};
use crate::cloud::Failure;

/// Something that happened in a rollout. Events carry totals, so that listeners need not count.
#[derive(Debug)]
pub enum Event<'a> {
    /// A wave starts.
    WaveStarted {
        /// Its number, from 1.
        wave: u32,
        /// The number of waves.
        waves: u32,
        /// The number of accounts in it.
        accounts: usize,
    },
    /// A visit ended, or did not start because the run stops.
    Visited {
        /// Its result.
        record: &'a Record,
        /// All accounts of the run so far.
        tally: &'a Tally,
        /// How many calls AWS throttled so far.
        throttles: u64,
        /// The current rate in visits per second; `None` is unlimited.
        rate: Option<f64>,
        /// How many visits are in flight.
        in_flight: usize,
    },
    /// A stop was requested: no further visit starts, and those in flight finish. Sent once.
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
        /// The outcomes of this wave.
        tally: &'a Tally,
    },
    /// The run waits before the next wave.
    Baking {
        /// How long.
        wait: Duration,
        /// The wave that comes next.
        next: u32,
    },
    /// AWS can't be reached, and the visits wait until it can.
    Unreachable {
        /// The failure of the call that detected it.
        failure: &'a Failure,
        /// How long they wait at most.
        patience: Duration,
    },
    /// AWS can be reached again, and the visits continue.
    Reachable {
        /// How long the outage lasted.
        after: Duration,
    },
}
