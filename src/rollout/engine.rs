//! The engine: visits the targets wave by wave, many targets at the same time, and processes their records one after another.

use std::pin::pin;

use futures::stream::{self, LocalBoxStream, Stream, StreamExt};

use super::connectivity::ConnectivityChange;
use super::global_silence::ENOUGH;
use super::tolerance::{too_many, too_many_in_wave};
use super::visit::visit;
use super::{Event, Intents, Outcome, Record, Rollout, StopReason, Tally, Target, Wave};
use crate::cloud::Cloud;
use crate::cloud::retry::MAX_OUTAGE;

/// The accounts that a run visits.
pub enum Targets<'a> {
    /// These targets, wave by wave.
    Waves(&'a [Wave]),
    /// The targets that a listing finds while visits are running, without waves. The run ends when the stream has ended and all
    /// its targets are visited.
    ///
    /// A percentage as `max_errors` has no effect, because the number of accounts is not known before the end of the stream.
    Stream(LocalBoxStream<'a, Target>),
}

/// A moment between two waves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The wave that ended.
    pub finished: u32,
    /// The wave that comes next.
    pub next: u32,
    /// The number of the last wave.
    pub waves: u32,
}

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutResult {
    /// The outcomes of all targets.
    pub tally: Tally,
    /// Why the rollout stopped before its last account; `None` if it did not stop.
    pub stopped: Option<StopReason>,
}

/// Visits all targets and passes each event to `listen`. Every target is reported by exactly one [`Event::Visited`].
///
/// Before every wave but the first, waits for `bake`, unless the wave before set nothing. Then waits for `gate`, which returns the reason
/// if the run must stop, and which must itself end soon when the run stops. With [`Rollout::gate_first`], `gate` also comes before the
/// first wave.
pub async fn roll_out<C: Cloud, I: Intents>(
    run: &Rollout<'_, C, I>,
    targets: Targets<'_>,
    listen: impl FnMut(Event<'_>),
    mut gate: impl AsyncFnMut(Checkpoint) -> Result<(), StopReason>,
) -> RolloutResult {
    let mut engine = Engine {
        run,
        listen,
        tally: Tally::default(),
        wave: None,
        wave_tally: Tally::default(),
        selection: None,
        stop_reported: false,
    };
    match targets {
        Targets::Stream(targets) => engine.visit_all(targets.map(async |target| visit(run, &target).await)).await,
        Targets::Waves(waves) => {
            let visited = || waves.iter().map(|wave| wave.targets.len()).sum();
            engine.selection = Some(run.selected.unwrap_or_else(visited));
            let last = waves.iter().filter_map(|wave| wave.number).max().unwrap_or(0);
            let mut finished = run.gate_first;
            for (index, wave) in waves.iter().enumerate() {
                if let (Some(finished), Some(next)) = (finished, wave.number) {
                    engine.pause_before(Checkpoint { finished, next, waves: last }, &mut gate).await;
                }
                finished = wave.number;
                let started = wave.number.filter(|_| !run.stop.requested());
                if let Some(number) = started {
                    engine.start_wave(number, last, wave.targets.len());
                }
                engine.visit_all(stream::iter(&wave.targets).map(|target| visit(run, target))).await;
                if let Some(number) = started {
                    engine.finish_wave(number, index + 1 == waves.len());
                }
            }
        }
    }
    RolloutResult { tally: engine.tally, stopped: run.stop.reason() }
}

struct Engine<'a, C, I, L> {
    run: &'a Rollout<'a, C, I>,
    listen: L,
    tally: Tally,
    /// The number of the current wave; `None` in a run without waves.
    wave: Option<u32>,
    /// The outcomes of the current wave alone.
    wave_tally: Tally,
    /// How many accounts the run selected; `None` if the number is not known beforehand.
    selection: Option<usize>,
    /// Whether [`Event::Stopping`] was sent. It is sent only once.
    stop_reported: bool,
}

impl<C: Cloud, I: Intents, L: FnMut(Event<'_>)> Engine<'_, C, I, L> {
    /// Reports the start of a wave.
    fn start_wave(&mut self, number: u32, last: u32, accounts: usize) {
        (self.wave, self.wave_tally) = (Some(number), Tally::default());
        (self.listen)(Event::WaveStarted { wave: number, waves: last, accounts });
    }

    /// Reports the end of a wave. Stops the run before the next wave if too many accounts of this wave failed.
    fn finish_wave(&mut self, number: u32, is_last: bool) {
        (self.listen)(Event::WaveFinished { wave: number, tally: &self.wave_tally });
        if !is_last && let Some(reason) = too_many_in_wave(&self.run.options, &self.wave_tally, number) {
            self.run.stop.request(reason);
        }
    }

    /// Runs visits, at most `concurrency` at the same time, and processes the record of each visit when the visit ends. Reports a
    /// stop, a pause of the process and a change of connectivity without waiting for a visit to end.
    async fn visit_all(&mut self, visits: impl Stream<Item = impl Future<Output = Record>>) {
        let run = self.run;
        let mut records = pin!(visits.buffer_unordered(run.options.concurrency));
        let pauses = &run.connectivity.pauses;
        let mut watch = pin!(pauses.watch());
        loop {
            tokio::select! {
                biased;
                () = run.stop.wait(), if !self.stop_reported => {
                    self.stop_reported = true;
                    if let Some(reason) = run.stop.reason() {
                        (self.listen)(Event::Stopping { reason: &reason, in_flight: run.stop.in_flight() });
                    }
                }
                never = &mut watch => match never {},
                lasted = pauses.next() => (self.listen)(Event::Paused { lasted }),
                change = run.connectivity.next_change() => match change {
                    // A run that stops does not wait for the network, so it does not report an outage.
                    ConnectivityChange::Lost(_) if run.stop.requested() => {}
                    ConnectivityChange::Lost(failure) => {
                        (self.listen)(Event::Unreachable { failure: &failure, patience: MAX_OUTAGE });
                    }
                    ConnectivityChange::Restored(after) => (self.listen)(Event::Reachable { after }),
                },
                record = records.next() => {
                    let Some(record) = record else { return };
                    self.tally.add(record.outcome);
                    self.wave_tally.add(record.outcome);
                    (self.listen)(Event::Visited {
                        record: &record,
                        tally: &self.tally,
                        throttles: run.rate_limiter.throttles() + run.global_rate_limiter.throttles(),
                        rate: run.rate_limiter.rate(),
                        in_flight: run.stop.in_flight(),
                    });
                    if run.global_silence.is_news() {
                        (self.listen)(Event::GlobalEndpointSilent { accounts: ENOUGH });
                    }
                    if let Some(reason) = too_many(&run.options, &self.tally, self.selection, self.wave) {
                        run.stop.request(reason);
                    }
                }
            }
        }
    }

    /// Waits before a wave, unless the run stops. Before the first wave that this process visits, there is nothing to bake.
    async fn pause_before(
        &mut self,
        checkpoint: Checkpoint,
        gate: &mut impl AsyncFnMut(Checkpoint) -> Result<(), StopReason>,
    ) {
        let (run, bake) = (self.run, self.run.options.bake);
        if run.stop.requested() {
            return;
        }
        let was_set = self.wave_tally.of(Outcome::Changed) + self.wave_tally.of(Outcome::Unverified) > 0;
        if was_set && !bake.is_zero() {
            (self.listen)(Event::Baking { wait: bake, next: checkpoint.next });
            tokio::select! {
                biased;
                () = run.stop.wait() => return,
                () = tokio::time::sleep(bake) => {}
            }
        }
        if let Err(reason) = gate(checkpoint).await {
            run.stop.request(reason);
        }
    }
}

#[cfg(test)]
mod tests;
