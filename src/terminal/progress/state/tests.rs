use super::*;
use crate::org::TokenVersion;
use crate::rollout::Record;

/// A run with waves of these sizes.
pub(in crate::terminal::progress) fn run(waves: &[usize], wait: Duration, begun: Instant) -> DisplayState {
    let mut state = DisplayState::new(begun);
    let (organization, listed) = ("o-exampleorg1".to_owned(), waves.iter().sum());
    state.begin(Workload { organization, listed, waves: waves.to_vec(), between: wait, concurrency: 32 }, begun);
    state
}

/// Adds `count` visits with this outcome, one after the other. Each visit took a second.
pub(in crate::terminal::progress) fn visit(
    state: &mut DisplayState,
    outcome: Outcome,
    count: usize,
    from: Instant,
    apart: Duration,
) -> Instant {
    let mut record = Record::blank("000000000012".parse().unwrap(), TokenVersion::V2Token);
    (record.outcome, record.duration) = (outcome, Some(1_000.into()));
    let mut tally = state.tally.clone();
    (0..count).fold(from, |before, _| {
        tally.add(outcome);
        let now = before + apart;
        let (throttles, rate) = (state.throttles, Some(50.0));
        state.update(&Event::Visited { record: &record, tally: &tally, throttles, rate, in_flight: 7 }, now);
        now
    })
}

fn start_wave(state: &mut DisplayState, wave: u32, waves: u32, accounts: usize, now: Instant) {
    state.update(&Event::WaveStarted { wave, waves, accounts }, now);
}

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn rate_covers_recent_visits_only() {
    let begun = Instant::now();
    let mut state = run(&[10_000], Duration::ZERO, begun);
    assert_eq!(state.visits_per_second(begun), None);
    let slow = visit(&mut state, Outcome::Changed, 300, begun, Duration::from_millis(100));
    let rate = state.visits_per_second(slow).unwrap();
    assert!((9.0..11.0).contains(&rate), "{rate}");
    let fast = visit(&mut state, Outcome::Changed, 1_500, slow, Duration::from_millis(10));
    let rate = state.visits_per_second(fast).unwrap();
    assert!((95.0..105.0).contains(&rate), "{rate}");
    // No visit ends for 8 seconds.
    let rate = state.visits_per_second(fast + Duration::from_secs(8)).unwrap();
    assert!(rate < 60.0, "{rate}");
}

#[test]
fn time_left_includes_waves_and_waits() {
    let begun = Instant::now();
    let mut state = run(&[1, 50, 500], MINUTE, begun);
    start_wave(&mut state, 1, 3, 1, begun);
    assert_eq!(state.time_left(begun), None, "the duration of a visit is not known yet");
    let now = visit(&mut state, Outcome::Changed, 1, begun, Duration::from_secs(1));
    // With 32 visits in flight, and one second for each visit, 32 visits end per second. 50 visits take 1.5 s and 500 visits take 15.6 s, plus
    // a second for the last visit.
    let seconds = |state: &DisplayState, now: Instant| state.time_left(now).unwrap().as_secs();
    assert_eq!(seconds(&state, now), 120 + 19);
    state.update(&Event::Baking { wait: MINUTE, next: 2 }, now);
    let later = now + MINUTE / 2;
    assert_eq!(seconds(&state, later), 30 + 60 + 19);
    start_wave(&mut state, 2, 3, 50, later);
    assert_eq!(seconds(&state, later), 60 + 19);
    let now = visit(&mut state, Outcome::Changed, 50, later, Duration::from_millis(30));
    assert_eq!(seconds(&state, now), 60 + 16);
    start_wave(&mut state, 3, 3, 500, now);
    let now = visit(&mut state, Outcome::Failed, 499, now, Duration::from_millis(30));
    assert_eq!(seconds(&state, now), 1);
    let now = visit(&mut state, Outcome::Failed, 1, now, Duration::from_millis(30));
    assert_eq!(seconds(&state, now), 0);
}

#[test]
fn unattempted_accounts_are_not_visited() {
    let begun = Instant::now();
    let mut state = run(&[100], Duration::ZERO, begun);
    visit(&mut state, Outcome::Changed, 10, begun, Duration::from_millis(100));
    visit(&mut state, Outcome::NotAttempted, 90, begun, Duration::ZERO);
    assert_eq!(state.done(), 10);
}
