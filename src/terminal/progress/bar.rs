//! Draws the bar: two lines, as a function of the state, the time, and the width.

use std::time::Instant;

use super::line::{LinePart, bar, fit, join, total_width};
use super::state::{DisplayState, Phase};
use crate::rollout::Outcome;
use crate::terminal::forecast::brief;
use crate::terminal::style::Paint;

/// The width of the bar. A narrower bar shows nothing, and a wider one shows no more.
const BAR_WIDTH: std::ops::RangeInclusive<usize> = 7..=52;

/// Returns both lines, in at most `width` columns.
pub(super) fn draw(state: &DisplayState, now: Instant, width: usize, color: bool) -> Vec<String> {
    let first = match state.phase {
        Phase::Connecting => fit(vec![LinePart::new(0, ["connecting".to_owned()]), so_far(state, now)], width),
        Phase::Listing { pages } => fit(listing(state, pages, now), width),
        Phase::Tags { read, of } => {
            let parts = vec![
                LinePart::new(1, ["reading tags".to_owned(), "tags".to_owned()]),
                LinePart::new(0, [format!("{read}/{of} accounts"), format!("{read}/{of}")]),
                so_far(state, now),
            ];
            with_bar(parts, 1, read, of, width)
        }
        Phase::Visiting => position(state, now, width),
        Phase::Waiting { until, next } => {
            let wait = brief(until.saturating_duration_since(now));
            let left = time_left(state, now);
            let parts = [
                LinePart::new(0, [format!("waiting {wait} before wave {next}"), format!("wave {next} in {wait}")]),
                LinePart::new(4, ["Ctrl-C stops here".to_owned()]),
            ];
            fit(parts.into_iter().chain(left).collect(), width)
        }
    };
    let second = fit(counts(state, now), width);
    [first, second].iter().filter(|parts| !parts.is_empty()).map(|parts| join(parts, color)).collect()
}

fn listing(state: &DisplayState, pages: usize, now: Instant) -> Vec<LinePart> {
    let seconds = now.saturating_duration_since(state.since).as_secs_f64();
    let mut parts = vec![
        LinePart::new(1, ["listing accounts".to_owned(), "listing".to_owned()]),
        LinePart::new(0, [format!("{} so far", state.listed), state.listed.to_string()]),
        LinePart::new(3, [format!("{pages} page{}", if pages == 1 { "" } else { "s" })]),
    ];
    if seconds >= 1.0 {
        let rate = f64::from(u32::try_from(pages).unwrap_or(u32::MAX)) / seconds;
        parts.push(LinePart::new(2, [format!("{rate:.1} pages/s")]));
    }
    parts.push(so_far(state, now));
    parts
}

/// The position in the rollout.
fn position(state: &DisplayState, now: Instant, width: usize) -> Vec<LinePart> {
    let (done, targets) = (state.done(), state.workload.as_ref().map_or(0, super::Workload::targets));
    let mut parts = Vec::new();
    let (here, of) = match state.wave {
        Some(wave) => {
            parts.push(LinePart::new(
                3,
                [format!("wave {}/{}", wave.number, wave.last), format!("{}/{}", wave.number, wave.last)],
            ));
            (wave.done, wave.accounts)
        }
        None => (done, targets),
    };
    parts.push(LinePart::new(0, [format!("{here}/{of}")]));
    if of != targets {
        parts.push(LinePart::new(4, [format!("{done}/{targets} in all"), format!("{done}/{targets}")]));
    }
    parts.extend(time_left(state, now));
    parts.push(so_far(state, now));
    with_bar(parts, usize::from(state.wave.is_some()), here, of, width)
}

/// The outcomes and the rate.
fn counts(state: &DisplayState, now: Instant) -> Vec<LinePart> {
    let mut parts = Vec::new();
    if state.is_stopping {
        let visits = state.in_flight;
        let stopping = [format!("stopping, {visits} in flight"), format!("{visits} in flight")];
        parts.push(LinePart::new(0, stopping).painted(Paint::Bold));
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
    // During a wait no account is visited.
    if !matches!(state.phase, Phase::Waiting { .. }) {
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

/// Returns the recent number of visits per second, first with the allowed number, then without it.
pub(super) fn rate(state: &DisplayState, now: Instant) -> Option<[String; 2]> {
    let actual = match state.visits_per_second(now)? {
        actual if actual < 9.95 => format!("{actual:.1}/s"),
        actual => format!("{actual:.0}/s"),
    };
    let of_allowed = state.rate.map_or_else(|| actual.clone(), |rate| format!("{actual} of {rate:.0}/s"));
    Some([of_allowed, actual])
}

/// The remaining time.
fn time_left(state: &DisplayState, now: Instant) -> Option<LinePart> {
    let left = brief(state.time_left(now)?);
    Some(LinePart::new(2, [format!("{left} left"), left]))
}

fn so_far(state: &DisplayState, now: Instant) -> LinePart {
    let elapsed = now.saturating_duration_since(state.since);
    LinePart::new(5, [format!("{} so far", brief(elapsed))]).painted(Paint::Faint)
}

/// Inserts a bar at this index, if there is space for one.
fn with_bar(parts: Vec<LinePart>, index: usize, done: usize, of: usize, width: usize) -> Vec<LinePart> {
    let least = BAR_WIDTH.start() + 2;
    // A bar may replace the least important parts, but never the numbers.
    let mut fitted = fit(parts.clone(), width.saturating_sub(least));
    let room = width.saturating_sub(total_width(&fitted) + 2);
    if of == 0 || width < least * 3 || room < *BAR_WIDTH.start() {
        return fit(parts, width);
    }
    // Parts before the bar may have been left out.
    fitted.insert(index.min(fitted.len() - 1), bar(done, of, room.min(*BAR_WIDTH.end())));
    fitted
}

#[cfg(test)]
mod tests;
