//! The log lines of a rollout, and their fields for machines.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::bar::{plural, rate};
use super::state::{CurrentWave, DisplayState, ReadEvents, Workload};
use crate::cloud::Failure;
use crate::rollout::{Outcome, Record, StopReason, Tally};
use crate::terminal::forecast::brief;
use crate::terminal::log_line::{Level, LogLine};
use crate::terminal::style::Paint;
use crate::verdict::because;

/// The maximum number of terminal rows for a failure, because some messages of AWS are too long to read while lines scroll. The
/// report has the whole messages.
const FAILURE_ROWS: usize = 4;

pub(super) fn listing(accounts: usize, pages: usize) -> LogLine {
    let text = format!("listing accounts: {accounts} so far, {}", plural(pages, "page"));
    LogLine::new(Level::Info, "listing", &text, json!({ "accounts": accounts, "pages": pages }))
}

pub(super) fn tags(read: usize, of: usize) -> LogLine {
    let text = format!("reading tags: {read} of {of} accounts so far");
    LogLine::new(Level::Info, "tags", &text, json!({ "read": read, "accounts": of }))
}

pub(super) fn reading(read: ReadEvents, left: Option<Duration>, elapsed: Duration) -> LogLine {
    let ReadEvents { bytes, of, events, files } = read;
    let of_all = of.map_or_else(String::new, |of| format!(" of {}", of >> 20));
    let left_text = left.map_or_else(String::new, |left| format!(", {} left", brief(left)));
    let rate = events / elapsed.as_secs().max(1);
    let text = format!(
        "reading events: {}{of_all} MiB, {events} events in {files} files, {rate} events/s{left_text}",
        bytes >> 20
    );
    let left = left.map(|left| left.as_secs());
    let fields = json!({ "bytes": bytes, "of_bytes": of, "events": events, "files": files, "seconds_left": left });
    LogLine::new(Level::Info, "reading", &text, fields)
}

pub(super) fn listed(workload: &Workload) -> LogLine {
    let Workload { organization, listed, waves, .. } = workload;
    let targets = workload.targets();
    let text = format!("{} listed in {organization}, {targets} to visit", plural(*listed, "account"));
    let fields = json!({ "organization_id": organization, "accounts": listed, "targets": targets, "waves": waves });
    LogLine::new(Level::Info, "listed", &text, fields)
}

pub(super) fn wave_started(wave: u32, waves: u32, accounts: usize) -> LogLine {
    let text = format!("wave {wave} of {waves}: {}", plural(accounts, "account"));
    let fields = json!({ "wave": wave, "waves": waves, "accounts": accounts });
    LogLine::new(Level::Info, "wave_started", &text, fields)
}

pub(super) fn wave_finished(wave: u32, tally: &Tally, current: Option<CurrentWave>, now: Instant) -> LogLine {
    let took = current.map_or(Duration::ZERO, |current| now.saturating_duration_since(current.since));
    let of = current.map_or_else(String::new, |current| format!(" of {}", current.last));
    let head = format!("wave {wave}{of}");
    // A stop leaves accounts of the wave out.
    let (kind, ended) = if tally.of(Outcome::NotAttempted) > 0 {
        ("wave_stopped", "stopped after")
    } else {
        ("wave_finished", "finished in")
    };
    let text = format!("{head} {ended} {}: {}", brief(took), counts(tally));
    let fields = json!({ "wave": wave, "outcomes": outcomes(tally), "seconds": rounded(took.as_secs_f64()) });
    let level = if tally.errors() > 0 { Level::Warn } else { Level::Info };
    LogLine::new(level, kind, &text, fields).painted(Paint::Bold, &head)
}

pub(super) fn waiting(wait: Duration, next: u32) -> LogLine {
    let text = format!("waiting {} before wave {next}; Ctrl-C stops here", humantime::format_duration(wait));
    LogLine::new(Level::Info, "waiting", &text, json!({ "wave": next, "seconds": rounded(wait.as_secs_f64()) }))
}

pub(super) fn gate_started(wave: u32, timeout: Duration) -> LogLine {
    let limit = humantime::format_duration(timeout);
    let text = format!("the gate after wave {wave} runs, for at most {limit}; Ctrl-C stops here");
    LogLine::new(Level::Info, "gate", &text, json!({ "wave": wave, "seconds": rounded(timeout.as_secs_f64()) }))
}

pub(super) fn gate_passed(wave: u32, took: Duration) -> LogLine {
    let text = format!("the gate after wave {wave} passed in {}", brief(took));
    LogLine::new(Level::Info, "gate_passed", &text, json!({ "wave": wave, "seconds": rounded(took.as_secs_f64()) }))
}

/// Says how many accounts were visited so far, in modes without a bar.
pub(super) fn position(state: &DisplayState, now: Instant) -> LogLine {
    let done = state.done();
    let targets = state.workload.as_ref().map(Workload::targets);
    let wave = state.wave.map_or_else(String::new, |wave| format!("wave {} of {}: ", wave.number, wave.last));
    let of = targets.map_or_else(|| format!("{} listed, {done} visited", state.listed), |of| format!("{done} of {of}"));
    let mut parts = vec![counts(&state.tally)];
    parts.extend(rate(state, now).map(|[rate, _]| rate));
    if state.throttles > 0 {
        parts.push(format!("{} throttled", state.throttles));
    }
    let left = state.time_left(now);
    parts.extend(left.map(|left| format!("{} left", brief(left))));
    let fields = json!({
        "wave": state.wave.map(|wave| wave.number),
        "visited": done,
        "targets": targets,
        "listed": state.listed,
        "outcomes": outcomes(&state.tally),
        "causes": state.causes.count(),
        "throttles": state.throttles,
        "in_flight": state.in_flight,
        "visits_per_second": state.visits_per_second(now).map(rounded),
        "allowed_per_second": state.rate.map(rounded),
        "seconds_left": left.map(|left| rounded(left.as_secs_f64())),
    });
    LogLine::new(Level::Info, "progress", &format!("{wave}{of}: {}", parts.join(", ")), fields)
}

/// Says what the outcome of an account is.
pub(super) fn account(record: &Record) -> LogLine {
    let text = format!("{} {}{}", record.account_id, record.outcome, reason(record));
    let level = if record.outcome.is_error() { Level::Warn } else { Level::Info };
    LogLine::new(level, "account", &text, record_fields(record))
}

/// Announces a new cause of failure, with its first account.
pub(super) fn failure(record: &Record) -> LogLine {
    let Record { account_id, outcome, .. } = record;
    let text = format!("{outcome} {account_id}{}", reason(record));
    let line = LogLine::new(Level::Warn, "failure", &text, record_fields(record));
    LogLine { max_rows: FAILURE_ROWS, ..line.painted(Paint::of(*outcome), outcome.as_str()) }
}

/// Describes the error of a record. For a skipped account, the error code is enough.
fn reason(record: &Record) -> String {
    let Some(error) = &record.error else { return String::new() };
    let text = format!(" at {}: {}", error.stage, error.error_code);
    match error.error_message.as_str() {
        "" => text,
        _ if record.outcome == Outcome::Skipped => text,
        message => format!("{text}: {message}"),
    }
}

/// Says that no further cause is announced. This line comes after the last announced cause.
pub(super) fn causes_left_out() -> LogLine {
    let text = "further causes are only counted here; the report has them all";
    LogLine::new(Level::Warn, "causes_left_out", text, json!({}))
}

pub(super) fn stopping(reason: &StopReason, in_flight: usize) -> LogLine {
    let (why, again) = match reason {
        StopReason::Interrupted => (String::new(), "; Ctrl-C again leaves at once"),
        StopReason::HungUp | StopReason::Terminated => (String::new(), "; a second signal leaves at once"),
        _ => (format!(" {}", because(reason)), ""),
    };
    let flight = match in_flight {
        0 => "none is in flight".to_owned(),
        1 => "the one in flight finishes".to_owned(),
        visits => format!("the {visits} in flight finish"),
    };
    let again = if in_flight > 0 { again } else { "" };
    let text = format!("stopping{why}: no further visit starts, {flight}{again}");
    let fields = json!({ "reason": because(reason), "in_flight": in_flight });
    LogLine::new(Level::Warn, "stopping", &text, fields).painted(Paint::Warning, "stopping")
}

/// Says that the run waits because AWS does not answer.
pub(super) fn unreachable(failure: &Failure, patience: Duration) -> LogLine {
    let text = format!(
        "AWS can't be reached ({failure}): waiting up to {} for it; Ctrl-C stops the run",
        humantime::format_duration(patience)
    );
    let fields =
        json!({ "error_code": failure.code, "error_message": failure.message, "patience_seconds": patience.as_secs() });
    LogLine::new(Level::Warn, "unreachable", &text, fields)
}

/// Says that what the global endpoint issues is not observed any more.
pub(super) fn global_endpoint_silent(accounts: u32) -> LogLine {
    let text = format!(
        "the global STS endpoint did not answer in {accounts} accounts, and never before: it is not asked about the other accounts that \
         have nothing to set, and their issued version stays unknown; check that this machine can reach https://sts.amazonaws.com"
    );
    LogLine::new(Level::Warn, "global_endpoint_silent", &text, json!({ "accounts": accounts }))
}

/// The process did not run.
pub(super) fn paused(lasted: Duration) -> LogLine {
    let text = format!(
        "the program did not run for {}, because it was stopped or the machine slept: continuing; no account is blamed for that",
        humantime::format_duration(Duration::from_secs(lasted.as_secs()))
    );
    LogLine::new(Level::Warn, "paused", &text, json!({ "lasted_seconds": lasted.as_secs() }))
}

/// A call before the first visit fails, and is tried again.
pub(super) fn retrying(failure: &Failure, failed: u32) -> LogLine {
    let text = format!(
        "waiting for {} ({failure}): attempt {failed} failed, and it is tried again; Ctrl-C stops",
        failure.operation
    );
    let fields = json!({
        "operation": failure.operation.as_str(), "failed_attempts": failed,
        "error_code": failure.code, "error_message": failure.message,
    });
    LogLine::new(Level::Warn, "retrying", &text, fields)
}

/// AWS answers again.
pub(super) fn reachable(after: Duration) -> LogLine {
    let text = format!("AWS can be reached again after {} s: continuing", after.as_secs());
    LogLine::new(Level::Info, "reachable", &text, json!({ "after_seconds": after.as_secs() }))
}

/// Lists the counts that are not zero.
fn counts(tally: &Tally) -> String {
    let counts =
        tally.iter().filter(|(_, count)| *count > 0).map(|(outcome, count)| format!("{count} {}", words(outcome)));
    let counts = counts.collect::<Vec<_>>().join(", ");
    if counts.is_empty() { "nothing yet".to_owned() } else { counts }
}

/// The outcome as words.
const fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::WouldChange => "would change",
        Outcome::NotAttempted => "not attempted",
        other => other.as_str(),
    }
}

fn outcomes(tally: &Tally) -> Map<String, Value> {
    tally.iter().filter(|(_, count)| *count > 0).map(|(outcome, count)| (outcome.to_string(), count.into())).collect()
}

/// Returns the fields of a record, named as in the report.
fn record_fields(record: &Record) -> Value {
    let error = record.error.as_ref();
    json!({
        "account_id": record.account_id.to_string(),
        "outcome": record.outcome.as_str(),
        "wave": record.wave,
        "stage": error.map_or("", |error| error.stage.as_str()),
        "error_code": error.map_or("", |error| error.error_code.as_str()),
        "error_message": error.map_or("", |error| &error.error_message),
        "hint": error.map_or("", |error| &error.hint),
        "request_id": record.request_id,
        "attempts": record.attempts,
        "duration_ms": record.duration,
    })
}

/// Rounds to three decimal places.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Effect, FailureKind, Operation};

    #[test]
    fn stop_lines_have_a_reason_and_a_way_to_leave_at_once() {
        let failure = Failure {
            operation: Operation::GetCallerIdentity,
            kind: FailureKind::Credentials,
            effect: Effect::None,
            code: "ExpiredToken".into(),
            message: String::new(),
            status: Some(403),
            request_id: None,
        };
        let table = [
            (
                StopReason::Interrupted,
                31,
                "stopping: no further visit starts, the 31 in flight finish; Ctrl-C again leaves at once",
            ),
            (
                StopReason::Terminated,
                1,
                "stopping: no further visit starts, the one in flight finishes; a second signal leaves at once",
            ),
            (StopReason::Interrupted, 0, "stopping: no further visit starts, none is in flight"),
            (
                StopReason::TooManyErrors { failed: 2, unverified: 0, allowed: 1, wave: None },
                5,
                "stopping by --max-errors, because 2 failed, and at most 1 may: no further visit starts, the 5 in flight finish",
            ),
            (
                StopReason::CallerCredentials(failure),
                2,
                "stopping because the base credentials are no longer accepted (GetCallerIdentity failed with ExpiredToken): no further visit starts, the 2 in flight finish",
            ),
            (
                StopReason::Journal("disk full".into()),
                0,
                "stopping because the journal can't be written (disk full): no further visit starts, none is in flight",
            ),
        ];
        for (reason, in_flight, expected) in table {
            assert_eq!(stopping(&reason, in_flight).text, expected);
        }
    }
}
