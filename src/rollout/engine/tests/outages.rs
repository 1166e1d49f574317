//! This module owns the tests of outages: a network that is gone for a while costs time, and no accounts.

use super::*;
use crate::cloud::retry::PATIENCE;

/// AWS with so many accounts that nobody answers for in this span of seconds, which takes `each` to find out.
fn silent(accounts: u64, from: u64, to: u64, each: Duration) -> Fake {
    let fake = Fake::new(accounts);
    let [from, to] = [from, to].map(Duration::from_secs);
    fake.silence.set(Some(Silence { from, to, each }));
    fake
}

/// Which of the events were about the network.
fn turns(listened: &RefCell<Vec<&'static str>>) -> impl FnMut(&Event<'_>) {
    |event| match event {
        Event::Unreachable { .. } => listened.borrow_mut().push("lost"),
        Event::Reachable { .. } => listened.borrow_mut().push("found"),
        Event::WaveStarted { .. }
        | Event::Visited { .. }
        | Event::Stopping { .. }
        | Event::WaveFinished { .. }
        | Event::Baking { .. } => {}
    }
}

/// Refused at once, not answered for as long as one attempt may take, and longer than a visit may take.
#[tokio::test(start_paused = true)]
async fn an_outage_costs_time_and_no_accounts() {
    let table = [(Duration::ZERO, Duration::from_mins(2)), (Duration::from_secs(15), Duration::from_mins(2))];
    let cut_short = (Duration::from_secs(15), Duration::from_secs(10));
    for (each, account_timeout) in table.into_iter().chain([cut_short]) {
        let fake = silent(300, 1, 61, each);
        let told = RefCell::default();
        let tight = RolloutOptions { account_timeout, max_errors: Some(Tolerance::Count(0)), ..options() };
        let (ended, records) = run(&fake.rollout(tight), turns(&told)).await;
        assert_eq!(ended.stopped, None, "{each:?}");
        assert_eq!(ended.tally.of(Outcome::Changed), 300, "{each:?}: {records:?}");
        assert_eq!(told.take(), ["lost", "found"], "{each:?}");
        assert!(fake.started.elapsed() < Duration::from_mins(2), "{each:?}: {:?}", fake.started.elapsed());
    }
}

/// Visits that were waiting for their turn as the network went wait on, and keep their distance once it is back.
#[tokio::test(start_paused = true)]
async fn no_visit_starts_in_an_outage() {
    let fake = silent(300, 1, 61, Duration::ZERO);
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
    // Two may start in the very moment in which it is over: the one whose turn it is, and one that the pace may catch up.
    assert!(found <= lost + 2, "nobody enters an account while it lasts: {lost}, {found}");
    let paced = 20.0 * (visited - open).as_secs_f64() + 2.0;
    assert!(f64::from(u32::try_from(first - found).unwrap()) <= paced, "{first} - {found} in {:?}", visited - open);
}

#[tokio::test(start_paused = true)]
async fn an_outage_without_end_stops_the_run_and_burns_nothing() {
    for each in [Duration::ZERO, Duration::from_secs(15)] {
        // Each account takes 0.4 s, so that the network goes while some are being set.
        let fake = silent(300, 0, 0, each);
        let [from, to] = [1_050, 1_000_000_000].map(Duration::from_millis);
        fake.silence.set(Some(Silence { from, to, each }));
        let told = RefCell::default();
        let (ended, records) = run(&fake.rollout(options()), turns(&told)).await;
        assert!(matches!(ended.stopped, Some(StopReason::Unreachable(_))), "{:?}", ended.stopped);
        assert_eq!(told.take(), ["lost"]);
        assert!((PATIENCE..PATIENCE + Duration::from_mins(1)).contains(&fake.started.elapsed()));
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{records:?}");
        assert!(ended.tally.of(Outcome::Changed) > 0 && ended.tally.of(Outcome::NotAttempted) > 200);
        // What was on its way may have arrived, and a resume looks at it again. What could not leave has not.
        let in_doubt = |record: &&Record| record.outcome == Outcome::Unverified;
        assert_eq!(records.iter().any(|record| in_doubt(&record)), !each.is_zero(), "{each:?}");
        assert!(records.iter().filter(in_doubt).all(|record| record.started_at.is_none()), "{records:?}");
        let hint = |record: &Record| record.error.as_ref().is_some_and(|error| error.hint.contains("resume"));
        assert!(records.iter().filter(in_doubt).all(hint), "{records:?}");
        let sent = |record: &Record| fake.count_sets(record.account_id) > 0;
        assert!(records.iter().any(|record| record.outcome != Outcome::Changed && sent(record)), "it came too early");
        for record in records.iter().filter(|record| record.outcome == Outcome::NotAttempted && !each.is_zero()) {
            assert!(!sent(record), "{record:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_wait_for_the_network() {
    let fake = silent(100, 1, 1_000_000, Duration::ZERO);
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

/// A signal comes before anybody has noticed that the network is gone: while calls wait for their answers, and just before it goes.
/// Nobody waits for it then, and no account is blamed for it.
#[tokio::test(start_paused = true)]
async fn a_signal_before_an_outage_is_noticed_burns_no_account() {
    for (each, stopped_after) in [(Duration::from_secs(15), 2_000), (Duration::ZERO, 950)] {
        let fake = Fake::new(100);
        let from = Duration::from_secs(1);
        fake.silence.set(Some(Silence { from, to: Duration::from_secs(1_000_000), each }));
        let (rollout, told) = (fake.rollout(options()), RefCell::default());
        let later = async {
            tokio::time::sleep(Duration::from_millis(stopped_after)).await;
            rollout.stop.request(StopReason::Interrupted);
        };
        let ((ended, records), ()) = tokio::join!(run(&rollout, turns(&told)), later);
        assert_eq!(ended.stopped, Some(StopReason::Interrupted));
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{each:?}: {records:?}");
        assert!(ended.tally.of(Outcome::Changed) > 0 && ended.tally.of(Outcome::NotAttempted) > 0, "{each:?}");
        let mut met_it = records.iter().filter(|record| record.outcome != Outcome::Changed && record.attempts > 0);
        assert!(met_it.clone().count() > 0, "{each:?}: it came too late");
        assert!(met_it.all(|record| {
            record.outcome == Outcome::NotAttempted
                || (record.outcome, record.started_at) == (Outcome::Unverified, None)
        }));
        assert_eq!(told.take(), [""; 0], "nobody waits, so nothing is said of waiting");
        // A call and the question to STS, one after the other.
        assert!(fake.started.elapsed() < Duration::from_secs(35), "{each:?}: {:?}", fake.started.elapsed());
    }
}

/// The silence of one account is that account's, and costs it its tries. STS answers, so nobody waits for the network.
#[tokio::test(start_paused = true)]
async fn the_silence_of_one_account_is_its_own() {
    let faults = || std::iter::repeat_n(UNREACHED, 20);
    let fake =
        Fake::new(100).fault(7, Operation::GetAccountSummary, faults()).fault(9, Operation::AssumeRole, faults());
    let told = RefCell::default();
    let (ended, records) = run(&fake.rollout(options()), turns(&told)).await;
    assert_eq!(told.take(), [""; 0]);
    assert_eq!((ended.tally.of(Outcome::Changed), ended.tally.of(Outcome::Failed)), (98, 2));
    for (number, stage) in [(7, Stage::Read), (9, Stage::Assume)] {
        let error = records[number - 1].error.as_ref().unwrap();
        assert_eq!((error.stage, error.error_code.as_str()), (stage, "ConnectionFailed"));
    }
}

/// What was set as the network went is read once it is back, before anything is sent again.
#[tokio::test(start_paused = true)]
async fn a_set_whose_answer_went_with_the_network_is_read_before_it_is_sent_again() {
    let fake = silent(1, 0, 0, Duration::ZERO).fault(
        1,
        Operation::SetSecurityTokenServicePreferences,
        [Fault::LostAcknowledgement],
    );
    let [from, to] = [350, 40_000].map(Duration::from_millis);
    fake.silence.set(Some(Silence { from, to, each: Duration::ZERO }));
    let (ended, records) = run(&fake.rollout(options()), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::Changed), 1, "{records:?}");
    assert_eq!(fake.count(1, Operation::SetSecurityTokenServicePreferences), 1);
}

/// The base credentials end as the network goes, or while it is gone, and where they come from is out of reach, too. Where visits come
/// one at a time, it goes before the next one enters, so that nothing else tells of it.
#[tokio::test(start_paused = true)]
async fn an_outage_that_falls_on_a_renewal_costs_time_and_no_accounts() {
    for (accounts, concurrency) in [(300, 32), (10, 1)] {
        for each in [Duration::ZERO, Duration::from_secs(15)] {
            for later in [0, 30].map(Duration::from_secs) {
                let fake = Fake::new(accounts);
                let told = RefCell::default();
                let tight = RolloutOptions { max_errors: Some(Tolerance::Count(0)), concurrency, ..options() };
                let mut tell = turns(&told);
                let (ended, records) = run(&fake.rollout(tight), |event| {
                    tell(event);
                    if let Event::Visited { tally, .. } = event
                        && tally.total() == 3
                    {
                        let from = fake.started.elapsed();
                        fake.silence.set(Some(Silence { from, to: from + Duration::from_mins(1), each }));
                        fake.base_ends.set(Some(from + later));
                    }
                })
                .await;
                assert_eq!(ended.stopped, None, "{concurrency} {each:?} {later:?}");
                let changed = ended.tally.of(Outcome::Changed) as u64;
                assert_eq!(changed, accounts, "{concurrency} {each:?} {later:?}: {records:?}");
                assert_eq!(told.take(), ["lost", "found"], "{concurrency} {each:?} {later:?}");
                assert!(fake.fetches.get() > 0, "{concurrency} {each:?} {later:?}");
            }
        }
    }
}

/// Somebody has to log in again. The run stops soon and says so, whether or not there was an outage before; but not for a single
/// try that failed.
#[tokio::test(start_paused = true)]
async fn base_credentials_that_can_not_be_fetched_any_more_stop_the_run() {
    for connectivity in
        [None, Some(Silence { from: Duration::from_secs(1), to: Duration::from_secs(41), each: Duration::ZERO })]
    {
        let fake = Fake::new(300);
        fake.silence.set(connectivity);
        fake.base_ends.set(Some(Duration::from_secs(1)));
        fake.base_is_gone.set(true);
        let (ended, records) = run(&fake.rollout(options()), |_| {}).await;
        let Some(StopReason::CallerCredentials(failure)) = ended.stopped else { panic!("{:?}", ended.stopped) };
        assert_eq!(failure.code, "NoCredentials");
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{records:?}");
        assert!(ended.tally.of(Outcome::Changed) > 0 && ended.tally.of(Outcome::NotAttempted) > 0);
        let over = connectivity.map_or(1, |connectivity| connectivity.to.as_secs());
        assert!(fake.started.elapsed() < Duration::from_secs(over + 15), "{:?}", fake.started.elapsed());
        assert!((1..=3).contains(&fake.confirmations.get()), "one asks for all: {}", fake.confirmations.get());
    }
    // Where they come from does not answer, for longer than a visit may take, or nearly as long.
    for account_timeout in [10, 20, 120].map(Duration::from_secs) {
        let fake = Fake::new(300);
        fake.base_ends.set(Some(Duration::from_secs(1)));
        fake.base_is_gone.set(true);
        fake.fetch_takes.set(Duration::from_secs(18));
        let (ended, records) = run(&fake.rollout(RolloutOptions { account_timeout, ..options() }), |_| {}).await;
        assert!(matches!(ended.stopped, Some(StopReason::CallerCredentials(_))), "{:?}", ended.stopped);
        assert_eq!(ended.tally.of(Outcome::Failed), 0, "{account_timeout:?}: {records:?}");
    }
    // What hangs in an account meanwhile is the account's, and a Set without an answer is in doubt.
    for (operation, outcome) in [
        (Operation::GetAccountSummary, Outcome::Failed),
        (Operation::SetSecurityTokenServicePreferences, Outcome::Unverified),
    ] {
        let fake = Fake::new(1).fault(1, operation, [Fault::Hang]);
        fake.fetching.set(true);
        let (ended, records) = run(&fake.rollout(options()), |_| {}).await;
        assert_eq!((ended.tally.of(outcome), ended.stopped), (1, None), "{operation}: {records:?}");
    }
    // A run that stops waits for one answer, and keeps its reason.
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
