//! Draws the bar: two lines, as a function of the state, the time, and the width.

use std::time::{Duration, Instant};

use super::line::{LinePart, bar, fit, join, total_width};
use super::state::{DisplayState, Phase, ReadEvents, Workload};
use crate::rollout::Outcome;
use crate::terminal::forecast::{brief, count};
use crate::terminal::style::Paint;

/// The width of the bar. A narrower bar would show no progress, and a wider bar would not be more informative.
const BAR_WIDTH: std::ops::RangeInclusive<usize> = 7..=52;

/// Returns the lines that are not empty, each in at most `width` columns.
pub(super) fn draw(state: &DisplayState, now: Instant, width: usize, color: bool) -> Vec<String> {
    let elapsed = state.elapsed(now);
    let so_far = LinePart::new(5, [format!("{} so far", brief(elapsed))]).painted(Paint::Faint);
    let time_left = state.time_left(now).map(|left| {
        let left = brief(left);
        LinePart::new(2, [format!("{left} left"), left])
    });
    let first = match state.phase {
        None => fit(vec![LinePart::new(0, ["connecting".to_owned()]), so_far], width),
        Some(Phase::Listing { pages }) => {
            let mut parts = vec![
                LinePart::new(1, ["listing accounts".to_owned(), "listing".to_owned()]),
                LinePart::new(0, [format!("{} so far", state.listed), state.listed.to_string()]),
                LinePart::new(3, [plural(pages, "page")]),
            ];
            if elapsed.as_secs() > 0 {
                parts.push(LinePart::new(2, [format!("{:.1} pages/s", count(pages) / elapsed.as_secs_f64())]));
            }
            parts.push(so_far);
            fit(parts, width)
        }
        Some(Phase::Tags { read, of }) => {
            let numbers = format!("{read}/{of}");
            let parts = vec![
                LinePart::new(1, ["reading tags".to_owned(), "tags".to_owned()]),
                LinePart::new(0, [format!("{numbers} accounts"), numbers]),
                so_far,
            ];
            with_bar(parts, 1, read, of, width)
        }
        Some(Phase::Reading(read)) => {
            let mib = |bytes: u64| bytes >> 20;
            let seconds = elapsed.as_secs_f64();
            let numbers =
                read.of.map_or_else(|| mib(read.bytes).to_string(), |of| format!("{}/{}", mib(read.bytes), mib(of)));
            let left = time_left_of(&read, elapsed)
                .map(|left| LinePart::new(2, [format!("{} left", brief(left)), brief(left)]));
            let rate = (seconds >= 1.0)
                .then(|| LinePart::new(3, [format!("{:.0} events/s", per_second(read.events, seconds))]));
            let parts = [
                Some(LinePart::new(1, ["reading events".to_owned(), "events".to_owned()])),
                Some(LinePart::new(0, [format!("{numbers} MiB"), numbers])),
                rate,
                left,
                Some(so_far),
            ];
            let of = read.of.map_or(0, |of| usize::try_from(of >> 10).unwrap_or(usize::MAX));
            let done = usize::try_from(read.bytes >> 10).unwrap_or(usize::MAX).min(of);
            with_bar(parts.into_iter().flatten().collect(), 1, done, of, width)
        }
        Some(Phase::Visiting) => {
            let (done, targets) = (state.done(), state.workload.as_ref().map_or(0, Workload::targets));
            let (here, of) = state.wave.map_or((done, targets), |wave| (wave.done, wave.accounts));
            let wave = state.wave.map(|wave| {
                let numbers = format!("{}/{}", wave.number, wave.last);
                LinePart::new(3, [format!("wave {numbers}"), numbers])
            });
            let in_all = (of != targets).then(|| {
                let numbers = format!("{done}/{targets}");
                LinePart::new(4, [format!("{numbers} in all"), numbers])
            });
            let position = LinePart::new(0, [format!("{here}/{of}")]);
            let parts = [wave, Some(position), in_all, time_left, Some(so_far)];
            with_bar(parts.into_iter().flatten().collect(), usize::from(state.wave.is_some()), here, of, width)
        }
        Some(Phase::Waiting { until, next }) => {
            let wait = brief(until.saturating_duration_since(now));
            let wave =
                LinePart::new(0, [format!("waiting {wait} before wave {next}"), format!("wave {next} in {wait}")]);
            let advice = LinePart::new(4, ["Ctrl-C stops here".to_owned()]);
            fit([wave, advice].into_iter().chain(time_left).collect(), width)
        }
    };
    let second = fit(counts(state, now), width);
    [first, second].iter().filter(|parts| !parts.is_empty()).map(|parts| join(parts, color)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "the number is shown without decimals")]
fn per_second(events: u64, seconds: f64) -> f64 {
    events as f64 / seconds
}

/// Returns how long it takes to read the rest of the files.
#[expect(clippy::cast_precision_loss, reason = "the time is an estimate")]
pub(super) fn time_left_of(read: &ReadEvents, elapsed: Duration) -> Option<Duration> {
    let of = read.of.filter(|of| read.bytes > 0 && *of >= read.bytes)?;
    (elapsed.as_secs() > 1).then(|| elapsed.mul_f64((of - read.bytes) as f64 / read.bytes as f64))
}

/// Returns the parts of the second line: the outcomes, the rate, the throttled calls, and the visits in flight.
fn counts(state: &DisplayState, now: Instant) -> Vec<LinePart> {
    let mut parts = Vec::new();
    if state.is_stopping {
        let visits = format!("{} in flight", state.in_flight);
        parts.push(LinePart::new(0, [format!("stopping, {visits}"), visits]).painted(Paint::Bold));
    }
    for (outcome, count) in state.tally.iter().filter(|(_, count)| *count > 0) {
        let plain = format!("{count} {}", outcome.as_str().replace('_', " "));
        let causes = state.causes.count();
        let (rank, forms) = match outcome {
            Outcome::Failed if causes > 1 => (1, vec![format!("{plain} ({causes} causes)"), plain]),
            Outcome::Failed | Outcome::Unverified => (1, vec![plain]),
            Outcome::Changed | Outcome::WouldChange => (2, vec![plain]),
            Outcome::Unchanged | Outcome::Skipped | Outcome::NotAttempted => (5, vec![plain]),
        };
        parts.push(LinePart::new(rank, forms).painted(Paint::of(outcome)));
    }
    // During a wait no account is visited, so no rate is shown.
    if !matches!(state.phase, Some(Phase::Waiting { .. })) {
        parts.extend(rate(state, now).map(|forms| LinePart::new(3, forms)));
    }
    if state.throttles > 0 {
        parts.push(LinePart::new(4, [format!("{} throttled", state.throttles)]).painted(Paint::Warning));
    }
    if state.in_flight > 0 && !state.is_stopping {
        parts.push(LinePart::new(6, [format!("{} in flight", state.in_flight)]).painted(Paint::Faint));
    }
    parts
}

/// Returns the recent number of visits per second as two texts: with the allowed number, and without it.
pub(super) fn rate(state: &DisplayState, now: Instant) -> Option<[String; 2]> {
    let actual = match state.visits_per_second(now)? {
        actual if actual < 9.95 => format!("{actual:.1}/s"),
        actual => format!("{actual:.0}/s"),
    };
    let of_allowed = state.rate.map_or_else(|| actual.clone(), |rate| format!("{actual} of {rate:.0}/s"));
    Some([of_allowed, actual])
}

/// Returns a number and its noun, in the plural if needed.
pub(super) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Inserts a bar before the part with this index, if there is space for a bar.
fn with_bar(parts: Vec<LinePart>, index: usize, done: usize, of: usize, width: usize) -> Vec<LinePart> {
    let least = BAR_WIDTH.start() + 2;
    // The bar can take the space of less important parts, but not of the most important ones, such as the number of visited
    // accounts.
    let mut fitted = fit(parts.clone(), width.saturating_sub(least));
    let room = width.saturating_sub(total_width(&fitted) + 2);
    if of == 0 || width < least * 3 || room < *BAR_WIDTH.start() {
        return fit(parts, width);
    }
    // If parts before the bar were dropped, the index can be too large.
    fitted.insert(index.min(fitted.len() - 1), bar(done, of, room.min(*BAR_WIDTH.end())));
    fitted
}

#[cfg(test)]
mod tests;
