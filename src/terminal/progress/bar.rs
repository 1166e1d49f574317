//! This module owns what the bar looks like: two lines, as a function of what is known, of the time, and of the width.

use std::time::Instant;

use super::line::{Part, bar, fit, taken, write};
use super::state::{Phase, State};
use crate::rollout::Outcome;
use crate::terminal::forecast::brief;
use crate::terminal::style::Paint;

/// A narrower bar says nothing, and a wider one no more.
const BAR: std::ops::RangeInclusive<usize> = 7..=52;

/// Both lines, in at most `width` columns.
pub(super) fn draw(state: &State, now: Instant, width: usize, color: bool) -> Vec<String> {
    let first = match state.phase {
        Phase::Connecting => fit(vec![Part::new(0, ["connecting".to_owned()]), so_far(state, now)], width),
        Phase::Listing { pages } => fit(listing(state, pages, now), width),
        Phase::Tags { read, of } => {
            let parts = vec![
                Part::new(1, ["reading tags".to_owned(), "tags".to_owned()]),
                Part::new(0, [format!("{read}/{of} accounts"), format!("{read}/{of}")]),
                so_far(state, now),
            ];
            with_bar(parts, 1, read, of, width)
        }
        Phase::Visiting => position(state, now, width),
        Phase::Waiting { until, next } => {
            let wait = brief(until.saturating_duration_since(now));
            let left = left(state, now);
            let parts = [
                Part::new(0, [format!("waiting {wait} before wave {next}"), format!("wave {next} in {wait}")]),
                Part::new(4, ["Ctrl-C stops here".to_owned()]),
            ];
            fit(parts.into_iter().chain(left).collect(), width)
        }
    };
    let second = fit(counts(state, now), width);
    [first, second].iter().filter(|parts| !parts.is_empty()).map(|parts| write(parts, color)).collect()
}

fn listing(state: &State, pages: usize, now: Instant) -> Vec<Part> {
    let seconds = now.saturating_duration_since(state.since).as_secs_f64();
    let mut parts = vec![
        Part::new(1, ["listing accounts".to_owned(), "listing".to_owned()]),
        Part::new(0, [format!("{} so far", state.listed), state.listed.to_string()]),
        Part::new(3, [format!("{pages} page{}", if pages == 1 { "" } else { "s" })]),
    ];
    if seconds >= 1.0 {
        let rate = f64::from(u32::try_from(pages).unwrap_or(u32::MAX)) / seconds;
        parts.push(Part::new(2, [format!("{rate:.1} pages/s")]));
    }
    parts.push(so_far(state, now));
    parts
}

/// Where the rollout is.
fn position(state: &State, now: Instant, width: usize) -> Vec<Part> {
    let (done, targets) = (state.done(), state.outline.as_ref().map_or(0, super::Outline::targets));
    let mut parts = Vec::new();
    let (here, of) = match state.wave {
        Some(wave) => {
            parts.push(Part::new(
                3,
                [format!("wave {}/{}", wave.number, wave.last), format!("{}/{}", wave.number, wave.last)],
            ));
            (wave.done, wave.accounts)
        }
        None => (done, targets),
    };
    parts.push(Part::new(0, [format!("{here}/{of}")]));
    if of != targets {
        parts.push(Part::new(4, [format!("{done}/{targets} in all"), format!("{done}/{targets}")]));
    }
    parts.extend(left(state, now));
    parts.push(so_far(state, now));
    with_bar(parts, usize::from(state.wave.is_some()), here, of, width)
}

/// What came of it, and how fast.
fn counts(state: &State, now: Instant) -> Vec<Part> {
    let mut parts = Vec::new();
    if state.is_stopping {
        let visits = state.in_flight;
        let stopping = [format!("stopping, {visits} in flight"), format!("{visits} in flight")];
        parts.push(Part::new(0, stopping).painted(Paint::Strong));
    }
    for (outcome, count) in state.tally.iter().filter(|(_, count)| *count > 0) {
        let plain = format!("{count} {}", outcome.as_str().replace('_', " "));
        let causes = state.seen.count();
        let (rank, forms) = match outcome {
            Outcome::Failed if causes > 1 => (1, vec![format!("{plain} ({causes} causes)"), plain]),
            Outcome::Failed | Outcome::Unverified => (1, vec![plain]),
            Outcome::Changed | Outcome::WouldChange => (2, vec![plain]),
            Outcome::Unchanged | Outcome::Skipped | Outcome::NotAttempted => (5, vec![plain]),
        };
        parts.push(Part::new(rank, forms).painted(Paint::of(outcome)));
    }
    // While nothing is visited there is no pace.
    if !matches!(state.phase, Phase::Waiting { .. }) {
        parts.extend(pace(state, now).map(|forms| Part::new(3, forms)));
    }
    if state.throttles > 0 {
        parts.push(Part::new(4, [format!("{} throttled", state.throttles)]).painted(Paint::Doubt));
    }
    if state.in_flight > 0 && !state.is_stopping {
        parts.push(Part::new(6, [format!("{} in flight", state.in_flight)]).painted(Paint::Faint));
    }
    parts
}

/// The visits per second of late, beside those that are allowed.
pub(super) fn pace(state: &State, now: Instant) -> Option<[String; 2]> {
    let pace = match state.pace(now)? {
        pace if pace < 9.95 => format!("{pace:.1}/s"),
        pace => format!("{pace:.0}/s"),
    };
    let allowed = state.rate.map_or_else(|| pace.clone(), |rate| format!("{pace} of {rate:.0}/s"));
    Some([allowed, pace])
}

/// What is left in time.
fn left(state: &State, now: Instant) -> Option<Part> {
    let left = brief(state.left(now)?);
    Some(Part::new(2, [format!("{left} left"), left]))
}

fn so_far(state: &State, now: Instant) -> Part {
    let elapsed = now.saturating_duration_since(state.since);
    Part::new(5, [format!("{} so far", brief(elapsed))]).painted(Paint::Faint)
}

/// The parts with a bar at this place, if there is room for one.
fn with_bar(parts: Vec<Part>, place: usize, done: usize, of: usize, width: usize) -> Vec<Part> {
    let least = BAR.start() + 2;
    // A bar is worth the least important parts, and never the numbers.
    let mut fitted = fit(parts.clone(), width.saturating_sub(least));
    let room = width.saturating_sub(taken(&fitted) + 2);
    if of == 0 || width < least * 3 || room < *BAR.start() {
        return fit(parts, width);
    }
    // What stood in front of it may have been left out.
    fitted.insert(place.min(fitted.len() - 1), bar(done, of, room.min(*BAR.end())));
    fitted
}

#[cfg(test)]
mod tests;
