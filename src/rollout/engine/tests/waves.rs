//! Tests of concurrency, waves, and stops.

use super::*;

#[tokio::test(start_paused = true)]
async fn concurrency_is_what_was_asked_for() {
    for width in [1, 7, 64] {
        let fake = Fake::new(200);
        let begin = tokio::time::Instant::now();
        run(&fake.rollout(RolloutOptions { concurrency: width, ..options() }), |_| {}).await;
        assert_eq!(fake.widest.get(), width);
        // Each account takes four calls of 100 ms.
        let ideal = Duration::from_millis(400) * 200_u32.div_ceil(u32::try_from(width).unwrap());
        let took = begin.elapsed();
        assert!(took >= ideal && took < ideal.mul_f64(1.05), "{took:?} instead of {ideal:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waves_come_one_after_the_other_with_a_wait_between() {
    let fake = Fake::new(500);
    let mut events = Vec::new();
    let begin = tokio::time::Instant::now();
    let options = RolloutOptions { bake: Duration::from_mins(10), ..options() };
    let (ended, records) = run_in_waves(&fake.rollout(options), Some(&Waves::default()), |event| match event {
        Event::WaveStarted { wave, waves, accounts } => events.push(format!("{wave}/{waves}: {accounts}")),
        Event::WaveFinished { wave, tally } => events.push(format!("{wave} done: {}", tally.of(Outcome::Changed))),
        Event::Baking { next, .. } => events.push(format!("before {next}")),
        Event::Visited { .. }
        | Event::Stopping { .. }
        | Event::GateStarted { .. }
        | Event::GatePassed { .. }
        | Event::Unreachable { .. }
        | Event::Reachable { .. }
        | Event::GlobalEndpointSilent { .. }
        | Event::Paused { .. } => {}
    })
    .await;
    assert_eq!(
        events,
        ["1/3: 1", "1 done: 1", "before 2", "2/3: 49", "2 done: 49", "before 3", "3/3: 450", "3 done: 450"]
    );
    assert!(begin.elapsed() > Duration::from_mins(20));
    assert_eq!(ended.tally.of(Outcome::Changed), 500);
    let sizes = [1, 2, 3].map(|wave| records.iter().filter(|record| record.wave == Some(wave)).count());
    assert_eq!(sizes, [1, 49, 450]);
}

#[tokio::test(start_paused = true)]
async fn the_run_stops_when_more_accounts_fail_than_max_errors_allows() {
    // The sizes of the waves, the tolerance, which accounts fail, how many accounts are attempted, and the wave in the reason for
    // the stop (`None` if the run does not stop, `Some(None)` if the reason names no wave).
    type Case = (&'static str, &'static str, fn(u64) -> bool, std::ops::RangeInclusive<usize>, Option<Option<u32>>);
    let table: [Case; 7] = [
        ("1,10%,100%", "10%", |_| false, 500..=500, None),
        ("1,10%,100%", "10%", |number| number == 1, 1..=1, Some(Some(1))),
        ("1,10%,100%", "10%", |number| number % 8 == 3, 50..=50, Some(Some(2))),
        ("1,10%,100%", "1", |number| number == 1, 500..=500, None),
        ("1,10%,100%", "0", |number| number == 60, 50..=100, Some(None)),
        ("100%", "10%", |number| number > 200, 251..=290, Some(None)),
        ("100%", "100%", |_| true, 500..=500, None),
    ];
    for (waves, tolerance, fails, attempted, stopped) in table {
        let mut fake = Fake::new(500);
        for number in (1..=500).filter(|number| fails(*number)) {
            fake = fake.fault(number, Operation::AssumeRole, [DENIED]);
        }
        let options = RolloutOptions { max_errors: Some(tolerance.parse().unwrap()), ..options() };
        let sizes = waves.parse().unwrap();
        let (ended, _) = run_in_waves(&fake.rollout(options), Some(&sizes), |_| {}).await;
        let done = 500 - ended.tally.of(Outcome::NotAttempted);
        assert!(attempted.contains(&done), "{waves} {tolerance}: {done} attempted");
        let wave = ended.stopped.map(|reason| match reason {
            StopReason::TooManyErrors { wave, .. } => wave,
            other => panic!("{other:?}"),
        });
        assert_eq!(wave, stopped, "{waves} {tolerance}");
    }
}

#[tokio::test(start_paused = true)]
async fn unverified_accounts_count_as_errors() {
    let mut fake = Fake::new(20);
    for number in 1..=20 {
        fake = fake.fault(number, Operation::SetSecurityTokenServicePreferences, [Fault::Ignored]);
    }
    let options = RolloutOptions { max_errors: Some(Tolerance::Count(3)), concurrency: 1, ..options() };
    let (ended, _) = run(&fake.rollout(options), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::Unverified), 4);
    assert_eq!(ended.tally.of(Outcome::NotAttempted), 16);
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_visits_in_flight_finish_and_no_other_starts() {
    let fake = Fake::new(100);
    let rollout = fake.rollout(RolloutOptions { concurrency: 10, ..options() });
    let stop = &rollout.stop;
    let mut reported = Vec::new();
    let (ended, records) = run_in_waves(&rollout, Some(&Waves::default()), |event| match event {
        Event::Visited { tally, in_flight, .. } => {
            assert!(*in_flight <= 9, "the visit that has ended is not in flight");
            if tally.total() == 30 {
                stop.request(StopReason::Interrupted);
            }
            // A second stop changes the reason, but is not reported.
            if tally.total() == 33 {
                stop.request(StopReason::Terminated);
                stop.request(StopReason::Interrupted);
            }
        }
        Event::Stopping { reason, in_flight } => reported.push(((*reason).clone(), *in_flight)),
        Event::WaveStarted { .. }
        | Event::WaveFinished { .. }
        | Event::Baking { .. }
        | Event::GateStarted { .. }
        | Event::GatePassed { .. }
        | Event::Unreachable { .. }
        | Event::Reachable { .. }
        | Event::GlobalEndpointSilent { .. }
        | Event::Paused { .. } => {}
    })
    .await;
    let (reason, in_flight) = reported.pop().expect("the stop is reported");
    assert!(reported.is_empty(), "once");
    assert_eq!((reason, stop.in_flight()), (StopReason::Interrupted, 0));
    let finished = ended.tally.of(Outcome::Changed) - 30;
    assert_eq!(in_flight, finished, "as many finish as were in flight");
    assert_eq!(ended.stopped, Some(StopReason::Terminated));
    let changed = ended.tally.of(Outcome::Changed);
    assert!((30..=40).contains(&changed), "{changed}");
    assert_eq!(changed + ended.tally.of(Outcome::NotAttempted), 100);
    for record in records {
        let set = fake.world.borrow().versions[&record.account_id].1 == ObservedVersion::V2Token;
        assert_eq!(set, record.outcome == Outcome::Changed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_between_waves() {
    let fake = Fake::new(10);
    let rollout = fake.rollout(RolloutOptions { bake: Duration::from_hours(24), ..options() });
    let waves = Waves::default();
    let begin = tokio::time::Instant::now();
    let interrupted = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        rollout.stop.request(StopReason::Terminated);
    };
    let ((ended, _), ()) = tokio::join!(run_in_waves(&rollout, Some(&waves), |_| {}), interrupted);
    assert_eq!(ended.tally.of(Outcome::Changed), 1);
    assert!(begin.elapsed() < Duration::from_secs(61));
}
