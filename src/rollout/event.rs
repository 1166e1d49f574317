//! The events of a rollout, for the progress display, the journal and the reports.

use std::time::Duration;

use super::{Record, StopReason, Tally};
use crate::cloud::Failure;

/// Something that happened in a rollout. Events carry totals, so that listeners need not count.
#[derive(Debug)]
pub enum Event<'a> {
    /// A wave starts.
    WaveStarted {
        /// The number of the wave, from 1.
        wave: u32,
        /// The number of waves.
        waves: u32,
        /// The number of accounts in the wave.
        accounts: usize,
    },
    /// A visit ended, or did not start because the run stops.
    Visited {
        /// The result of the visit.
        record: &'a Record,
        /// The outcomes of all accounts of the run so far.
        tally: &'a Tally,
        /// How many calls AWS throttled so far.
        throttles: u64,
        /// The current rate in visits per second; `None` means no limit.
        rate: Option<f64>,
        /// How many visits are in flight.
        in_flight: usize,
    },
    /// A stop was requested: no further visit starts, and the visits in flight finish. This event is sent at most once.
    Stopping {
        /// Why the run stops.
        reason: &'a StopReason,
        /// How many visits are in flight.
        in_flight: usize,
    },
    /// A wave ended: all of its accounts were visited, or the run stops.
    WaveFinished {
        /// The number of the wave, from 1.
        wave: u32,
        /// The outcomes of this wave.
        tally: &'a Tally,
    },
    /// The run waits before the next wave.
    Baking {
        /// How long the run waits.
        wait: Duration,
        /// The wave that comes next.
        next: u32,
    },
    /// The gate runs after a wave.
    GateStarted {
        /// The wave that ended.
        wave: u32,
        /// How long the gate may take.
        timeout: Duration,
    },
    /// The gate exited with 0, so the next wave starts.
    GatePassed {
        /// The wave that ended.
        wave: u32,
        /// How long the gate took.
        took: Duration,
    },
    /// AWS can't be reached, and the visits wait until it can be reached again.
    Unreachable {
        /// The failure of the probe that detected the outage.
        failure: &'a Failure,
        /// How long the visits wait at most.
        patience: Duration,
    },
    /// The process did not run for a while: it was stopped, or the machine was suspended. No account is blamed for it.
    Paused {
        /// How long the process did not run.
        lasted: Duration,
    },
    /// The global STS endpoint has never answered, so the other accounts are visited without observing what it issues.
    GlobalEndpointSilent {
        /// How many accounts got no answer.
        accounts: u32,
    },
    /// AWS can be reached again, and the visits continue.
    Reachable {
        /// How long the outage lasted.
        after: Duration,
    },
}
