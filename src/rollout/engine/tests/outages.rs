//! Tests of outages: a temporary loss of the network delays the run, but makes no account fail.

use super::*;
use crate::cloud::retry::MAX_OUTAGE;

/// Returns a fake of AWS with an outage between two times, in seconds after the start. A call takes `each` to fail.
fn with_outage(accounts: u64, from: u64, to: u64, each: Duration) -> Fake {
    let fake = Fake::new(accounts);
    let [from, to] = [from, to].map(Duration::from_secs);
    fake.outage.set(Some(Outage { from, to, each }));
    fake
}

/// Records the events about the network.
fn changes(listened: &RefCell<Vec<&'static str>>) -> impl FnMut(&Event<'_>) {
    |event| match event {
        Event::Unreachable { .. } => listened.borrow_mut().push("lost"),
        Event::Reachable { .. } => listened.borrow_mut().push("restored"),
        Event::Paused { .. } => listened.borrow_mut().push("paused"),
        Event::WaveStarted { .. }
        | Event::Visited { .. }
        | Event::Stopping { .. }
        | Event::WaveFinished { .. }
        | Event::Baking { .. }
        | Event::GateStarted { .. }
        | Event::GatePassed { .. }
        | Event::GlobalEndpointSilent { .. } => {}
    }
}

/// In the three cases, calls fail at once, after the timeout of an attempt, or after the timeout of a visit.
#[tokio::test(start_paused = true)]
async fn an_outage_costs_time_and_no_accounts() {
    let table = [(Duration::ZERO, Duration::from_mins(2)), (Duration::from_secs(15), Duration::from_mins(2))];
    let cut_short = (Duration::from_secs(15), Duration::from_secs(10));
    for (each, account_timeout) in table.into_iter().chain([cut_short]) {
        let fake = with_outage(300, 1, 61, each);
        let reported = RefCell::default();
        let tight = RolloutOptions { account_timeout, max_errors: Some(Tolerance::Count(0)), ..options() };
        let (ended, records) = run(&fake.rollout(tight), changes(&reported)).await;
        assert_eq!(ended.stopped, None, "{each:?}");
        assert_eq!(ended.tally.of(Outcome::Changed), 300, "{each:?}: {records:?}");
        assert_eq!(reported.take(), ["lost", "restored"], "{each:?}");
        assert!(fake.started.elapsed() < Duration::from_mins(2), "{each:?}: {:?}", fake.started.elapsed());
    }
}

/// If visits wait for their turn when the outage begins, they start after the outage, at the usual rate.
#[tokio::test(start_paused = true)]
async fn no_visit_starts_in_an_outage() {
    let fake = with_outage(300, 1, 61, Duration::ZERO);
    let entered = || fake.world.borrow().calls.iter().map(|(account, _)| *account).collect::<HashSet<_>>().len();
    let mut at = Vec::new();
    let (ended, _) = run(&fake.rollout(RolloutOptions { rate: 20, ..options() }), |event| match event {
        Event::Unreachable { .. } | Event::Reachable { .. } => at.push((entered(), tokio::time::Instant::now())),
        Event::Visited { .. } if at.len() == 2 => at.push((entered(), tokio::time::Instant::now())),
        _ => {}
    })
    .await;
    assert_eq!(ended.tally.of(Outcome::Changed), 300);
    let [(lost, _), (found, open), (first, visited)] = at[..] else { panic!("{at:?}") };
    assert!((1..100).contains(&lost), "{lost}");
    // Two visits can start at the moment when the outage ends: the visit whose turn it is, and a visit that makes up lost time.
    assert!(found <= lost + 2, "no account is entered during the outage: {lost}, {found}");
    let paced = 20.0 * (visited - open).as_secs_f64() + 2.0;
    assert!(f64::from(u32::try_from(first - found).unwrap()) <= paced, "{first} - {found} in {:?}", visited - open);
}

#[tokio::test(start_paused = true)]
async fn an_endless_outage_stops_the_run_and_fails_no_account() {
    for each in [Duration::ZERO, Duration::from_secs(15)] {
        // Each visit takes 0.4 s. The outage begins after 1.05 s, while some accounts are being set.
        let fake = with_outage(300, 0, 0, each);
        let [from, to] = [1_050, 1_000_000_000].map(Duration::from_millis);
        fake.outage.set(Some(Outage { from, to, each }));
        let reported = RefCell::default();
        let (ended, records) = run(&fake.rollout(options()), changes(&reported)).await;
        assert!(matches!(ended.stopped, Some(StopReason::Unreachable(_))), "{:?}", ended.stopped);
        assert_eq!(reported.take(), ["lost"]);
        assert!((MAX_OUTAGE..MAX_OUTAGE + Duration::from_mins(1)).contains(&fake.started.elapsed()));
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{records:?}");
        assert!(ended.tally.of(Outcome::Changed) > 0 && ended.tally.of(Outcome::NotAttempted) > 200);
        // A request that was in flight might have arrived, so a resume reads the account. A request that could not be sent has
        // not arrived.
        let in_doubt = |record: &&Record| record.outcome == Outcome::Unverified;
        assert_eq!(records.iter().any(|record| in_doubt(&record)), !each.is_zero(), "{each:?}");
        assert!(records.iter().filter(in_doubt).all(|record| record.started_at.is_none()), "{records:?}");
        let hint = |record: &Record| record.error.as_ref().is_some_and(|error| error.hint.contains("resume"));
        assert!(records.iter().filter(in_doubt).all(hint), "{records:?}");
        let sent = |record: &Record| fake.count_sets(record.account_id) > 0;
        assert!(
            records.iter().any(|record| record.outcome != Outcome::Changed && sent(record)),
            "the outage began too early"
        );
        for record in records.iter().filter(|record| record.outcome == Outcome::NotAttempted && !each.is_zero()) {
            assert!(!sent(record), "{record:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_wait_for_the_network() {
    let fake = with_outage(100, 1, 1_000_000, Duration::ZERO);
    let rollout = fake.rollout(options());
    let later = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        rollout.stop.request(StopReason::Interrupted);
    };
    let ((ended, _), ()) = tokio::join!(run(&rollout, |_| {}), later);
    assert_eq!(ended.stopped, Some(StopReason::Interrupted));
    assert_eq!(ended.tally.of(Outcome::Failed), 0);
    assert!(fake.started.elapsed() < Duration::from_secs(25), "{:?}", fake.started.elapsed());
}

/// The signal arrives before the outage is detected: while calls wait for their answers, or just before the outage begins. The
/// run does not wait for the network, and no account fails.
#[tokio::test(start_paused = true)]
async fn a_signal_before_an_outage_is_detected_fails_no_account() {
    for (each, stopped_after) in [(Duration::from_secs(15), 2_000), (Duration::ZERO, 950)] {
        let fake = Fake::new(100);
        let from = Duration::from_secs(1);
        fake.outage.set(Some(Outage { from, to: Duration::from_secs(1_000_000), each }));
        let (rollout, reported) = (fake.rollout(options()), RefCell::default());
        let later = async {
            tokio::time::sleep(Duration::from_millis(stopped_after)).await;
            rollout.stop.request(StopReason::Interrupted);
        };
        let ((ended, records), ()) = tokio::join!(run(&rollout, changes(&reported)), later);
        assert_eq!(ended.stopped, Some(StopReason::Interrupted));
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{each:?}: {records:?}");
        assert!(ended.tally.of(Outcome::Changed) > 0 && ended.tally.of(Outcome::NotAttempted) > 0, "{each:?}");
        let mut met_it = records.iter().filter(|record| record.outcome != Outcome::Changed && record.attempts > 0);
        assert!(met_it.clone().count() > 0, "{each:?}: the outage began too late");
        assert!(met_it.all(|record| {
            record.outcome == Outcome::NotAttempted
                || (record.outcome, record.started_at) == (Outcome::Unverified, None)
        }));
        assert_eq!(reported.take(), [""; 0], "a run that stops reports no outage");
        // After the signal, the run waits until one call and then one probe have failed. Each takes 15 s at most.
        assert!(fake.started.elapsed() < Duration::from_secs(35), "{each:?}: {:?}", fake.started.elapsed());
    }
}

/// Calls in two accounts get no answer and use up their attempts. STS answers, so no visit waits for the network.
#[tokio::test(start_paused = true)]
async fn a_single_timeout_is_not_an_outage() {
    let faults = || std::iter::repeat_n(UNREACHED, 20);
    let fake =
        Fake::new(100).fault(7, Operation::GetAccountSummary, faults()).fault(9, Operation::AssumeRole, faults());
    let reported = RefCell::default();
    let (ended, records) = run(&fake.rollout(options()), changes(&reported)).await;
    assert_eq!(reported.take(), [""; 0]);
    assert_eq!((ended.tally.of(Outcome::Changed), ended.tally.of(Outcome::Failed)), (98, 2));
    for (number, stage) in [(7, Stage::Read), (9, Stage::Assume)] {
        let error = records[number - 1].error.as_ref().unwrap();
        assert_eq!((error.stage, error.error_code.as_str()), (stage, "ConnectionFailed"));
    }
}

/// After the outage, the account is read before the Set is sent again.
#[tokio::test(start_paused = true)]
async fn a_set_whose_answer_was_lost_in_an_outage_is_read_back() {
    let fake = with_outage(1, 0, 0, Duration::ZERO).fault(
        1,
        Operation::SetSecurityTokenServicePreferences,
        [Fault::LostAcknowledgement],
    );
    let [from, to] = [350, 40_000].map(Duration::from_millis);
    fake.outage.set(Some(Outage { from, to, each: Duration::ZERO }));
    let (ended, records) = run(&fake.rollout(options()), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::Changed), 1, "{records:?}");
    assert_eq!(fake.count(1, Operation::SetSecurityTokenServicePreferences), 1);
}

/// The base credentials expire when the outage begins or during the outage, and their source is unreachable too. With one visit
/// at a time, the outage begins before the next visit enters its account, so only the fetch detects the outage.
#[tokio::test(start_paused = true)]
async fn an_outage_while_credentials_are_renewed_costs_no_accounts() {
    for (accounts, concurrency) in [(300, 32), (10, 1)] {
        for each in [Duration::ZERO, Duration::from_secs(15)] {
            for later in [0, 30].map(Duration::from_secs) {
                let fake = Fake::new(accounts);
                let reported = RefCell::default();
                let tight = RolloutOptions { max_errors: Some(Tolerance::Count(0)), concurrency, ..options() };
                let mut tell = changes(&reported);
                let (ended, records) = run(&fake.rollout(tight), |event| {
                    tell(event);
                    if let Event::Visited { tally, .. } = event
                        && tally.total() == 3
                    {
                        let from = fake.started.elapsed();
                        fake.outage.set(Some(Outage { from, to: from + Duration::from_mins(1), each }));
                        fake.base_ends.set(Some(from + later));
                    }
                })
                .await;
                assert_eq!(ended.stopped, None, "{concurrency} {each:?} {later:?}");
                let changed = ended.tally.of(Outcome::Changed) as u64;
                assert_eq!(changed, accounts, "{concurrency} {each:?} {later:?}: {records:?}");
                assert_eq!(reported.take(), ["lost", "restored"], "{concurrency} {each:?} {later:?}");
                assert!(fake.fetches.get() > 0, "{concurrency} {each:?} {later:?}");
            }
        }
    }
}

/// The base credentials can't be fetched until the user logs in again. So the run stops soon, whether or not there was an outage
/// before. A single failed fetch does not stop the run.
#[tokio::test(start_paused = true)]
async fn base_credentials_that_can_not_be_fetched_stop_the_run() {
    for outage in
        [None, Some(Outage { from: Duration::from_secs(1), to: Duration::from_secs(41), each: Duration::ZERO })]
    {
        let fake = Fake::new(300);
        fake.outage.set(outage);
        fake.base_ends.set(Some(Duration::from_secs(1)));
        fake.base_is_gone.set(true);
        let (ended, records) = run(&fake.rollout(options()), |_| {}).await;
        let Some(StopReason::CallerCredentials(failure)) = ended.stopped else { panic!("{:?}", ended.stopped) };
        assert_eq!(failure.code.as_str(), "NoCredentials");
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{records:?}");
        assert!(ended.tally.of(Outcome::Changed) > 0 && ended.tally.of(Outcome::NotAttempted) > 0);
        let over = outage.map_or(1, |outage| outage.to.as_secs());
        assert!(fake.started.elapsed() < Duration::from_secs(over + 15), "{:?}", fake.started.elapsed());
        assert!((1..=3).contains(&fake.confirmations.get()), "one visit checks for all: {}", fake.confirmations.get());
    }
    // A fetch takes 18 s: longer than the timeout of a visit, nearly as long, or much shorter.
    for account_timeout in [10, 20, 120].map(Duration::from_secs) {
        let fake = Fake::new(300);
        fake.base_ends.set(Some(Duration::from_secs(1)));
        fake.base_is_gone.set(true);
        fake.fetch_takes.set(Duration::from_secs(18));
        let (ended, records) = run(&fake.rollout(RolloutOptions { account_timeout, ..options() }), |_| {}).await;
        assert!(matches!(ended.stopped, Some(StopReason::CallerCredentials(_))), "{:?}", ended.stopped);
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{account_timeout:?}: {records:?}");
    }
    // If a read hangs during a fetch, the account fails. A Set that gets no answer is in doubt.
    for (operation, outcome) in [
        (Operation::GetAccountSummary, Outcome::Failed),
        (Operation::SetSecurityTokenServicePreferences, Outcome::Unverified),
    ] {
        let fake = Fake::new(1).fault(1, operation, [Fault::Hang]);
        fake.fetching.set(true);
        let (ended, records) = run(&fake.rollout(options()), |_| {}).await;
        assert_eq!((ended.tally.of(outcome), ended.stopped), (1, None), "{operation}: {records:?}");
    }
    // A run that stops waits for one fetch, and the reason for its stop stays the same.
    let fake = Fake::new(300);
    let rollout = fake.rollout(options());
    fake.base_ends.set(Some(Duration::from_secs(1)));
    fake.base_is_gone.set(true);
    fake.fetch_takes.set(Duration::from_secs(18));
    let later = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        rollout.stop.request(StopReason::Interrupted);
    };
    let ((ended, records), ()) = tokio::join!(run(&rollout, |_| {}), later);
    assert_eq!((ended.stopped, ended.tally.of(Outcome::Failed)), (Some(StopReason::Interrupted), 0), "{records:?}");
    assert!(fake.started.elapsed() < Duration::from_secs(45), "{:?}", fake.started.elapsed());
    let fake = Fake::new(1).fault(
        1,
        Operation::AssumeRole,
        [Fault::Fail(FailureKind::Credentials, Effect::None, "NoCredentials")],
    );
    let (ended, _) = run(&fake.rollout(options()), |_| {}).await;
    assert_eq!((ended.tally.of(Outcome::Changed), ended.stopped), (1, None));
}

/// The process is stopped for longer than a visit may take, while calls are in flight and while visits wait for their next attempt.
#[tokio::test(start_paused = true)]
async fn a_pause_of_the_process_blames_no_account() {
    use Operation::{AssumeRole, GetAccountSummary, SetSecurityTokenServicePreferences};
    let operations = [AssumeRole, GetAccountSummary, SetSecurityTokenServicePreferences];
    for (fault, pauses) in [(Fault::Hang, 3), (BROKEN, 3), (BROKEN, 0), (THROTTLED, 3)] {
        let fake = (1..=30).zip(operations.iter().cycle()).fold(Fake::new(30), |fake, (number, operation)| {
            let times = if matches!(fault, Fault::Hang) { 1 } else { 3 };
            fake.fault(number, *operation, vec![fault.clone(); times])
        });
        let tight = RolloutOptions {
            max_errors: Some(Tolerance::Count(0)),
            account_timeout: Duration::from_mins(1),
            ..options()
        };
        let rollout = fake.rollout(tight);
        let reported = RefCell::default();
        let stops = async {
            for _ in 0..pauses {
                tokio::time::sleep(Duration::from_millis(350)).await;
                tokio::time::advance(Duration::from_mins(10)).await;
            }
        };
        let ((ended, records), ()) = tokio::join!(run(&rollout, changes(&reported)), stops);
        assert_eq!((ended.stopped, ended.tally.of(Outcome::Changed)), (None, 30), "{fault:?} {pauses}: {records:?}");
        // The run may end before the last pause.
        let reported = reported.take();
        assert!(
            reported.iter().all(|event| *event == "paused") && reported.is_empty() == (pauses == 0),
            "{reported:?}"
        );
        assert!(records.iter().all(|record| record.error.is_none()), "{records:?}");
    }
}

/// A pause during an outage does not use up the time for which a run waits for its end.
#[tokio::test(start_paused = true)]
async fn a_pause_in_an_outage_is_not_part_of_it() {
    let fake = with_outage(30, 1, 1_000, Duration::ZERO);
    let rollout = fake.rollout(RolloutOptions { rate: 20, ..options() });
    let reported = RefCell::default();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        tokio::time::advance(Duration::from_secs(950)).await;
    };
    let ((ended, records), ()) = tokio::join!(run(&rollout, changes(&reported)), stop);
    assert_eq!((ended.stopped, ended.tally.of(Outcome::Changed)), (None, 30), "{records:?}");
    assert_eq!(reported.take(), ["lost", "paused", "restored"]);
}
