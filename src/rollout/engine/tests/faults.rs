//! Tests of what becomes of an account if its calls go wrong.

use super::*;

/// A test case: its name, the operation and its faults, the outcome, the stage and code in the record, and the final version.
type Case = (&'static str, Operation, Vec<Fault>, Outcome, Option<(Stage, &'static str)>, ObservedVersion);

#[tokio::test(start_paused = true)]
async fn each_fault_gives_the_expected_record() {
    use ObservedVersion::{V1Token, V2Token};
    use Operation::{AssumeRole, GetAccountSummary as Read, SetSecurityTokenServicePreferences as Set};
    use Outcome::{Changed, Failed, Unverified};
    let all = |fault: &Fault| vec![fault.clone(); 50];
    let table: Vec<Case> = vec![
        ("nothing", AssumeRole, vec![], Changed, None, V2Token),
        ("throttled AssumeRole", AssumeRole, vec![THROTTLED; 3], Changed, None, V2Token),
        (
            "AssumeRole throttled for ever",
            AssumeRole,
            all(&THROTTLED),
            Failed,
            Some((Stage::Assume, "Throttling")),
            V1Token,
        ),
        ("denied AssumeRole", AssumeRole, vec![DENIED], Failed, Some((Stage::Assume, "AccessDenied")), V1Token),
        (
            "AssumeRole without an answer",
            AssumeRole,
            vec![Fault::Hang],
            Failed,
            Some((Stage::Assume, "AccountTimeout")),
            V1Token,
        ),
        ("base credentials refused once", AssumeRole, vec![EXPIRED], Changed, None, V2Token),
        (
            "base credentials refused for ever",
            AssumeRole,
            all(&EXPIRED),
            Failed,
            Some((Stage::Assume, "ExpiredToken")),
            V1Token,
        ),
        ("a broken read", Read, vec![BROKEN; 3], Changed, None, V2Token),
        ("only broken reads", Read, all(&BROKEN), Failed, Some((Stage::Read, "ServiceFailure")), V1Token),
        ("a denied read", Read, vec![DENIED], Failed, Some((Stage::Read, "AccessDenied")), V1Token),
        ("a session that expires", Read, vec![EXPIRED], Changed, None, V2Token),
        ("throttled at Set", Set, vec![THROTTLED; 3], Changed, None, V2Token),
        ("throttled at Set for ever", Set, all(&THROTTLED), Failed, Some((Stage::Set, "Throttling")), V1Token),
        ("a denied Set", Set, vec![DENIED], Failed, Some((Stage::Set, "AccessDenied")), V1Token),
        ("a Set that never arrives", Set, all(&UNREACHED), Failed, Some((Stage::Set, "ConnectionFailed")), V1Token),
        ("a lost acknowledgement", Set, vec![Fault::LostAcknowledgement], Changed, None, V2Token),
        ("a broken Set", Set, vec![BROKEN], Changed, None, V2Token),
        ("only broken Sets", Set, all(&BROKEN), Unverified, Some((Stage::Set, "ServiceFailure")), V1Token),
        ("broken, then denied", Set, vec![BROKEN, DENIED], Failed, Some((Stage::Set, "AccessDenied")), V1Token),
        ("a Set without an answer", Set, vec![Fault::Hang], Unverified, Some((Stage::Set, "AccountTimeout")), V1Token),
        ("an ignored Set", Set, vec![Fault::Ignored], Unverified, Some((Stage::Verify, "NotReadBack")), V1Token),
        ("a session that expires at Set", Set, vec![EXPIRED], Changed, None, V2Token),
    ];
    for (name, operation, faults, outcome, error, truth) in table {
        let (record, fake) = one(operation, faults).await;
        assert_eq!(record.outcome, outcome, "{name}: {record:?}");
        let reported = record.error.as_ref().map(|error| (error.stage, error.error_code.as_str()));
        assert_eq!(reported, error, "{name}: {record:?}");
        assert_eq!(fake.version(1), truth, "{name}");
        let calls = fake.world.borrow().calls.len();
        assert!(record.attempts as usize >= calls, "{name}: {calls} calls, {record:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stale_reads_are_waited_out() {
    for stale in 0..READ_BACK_WAITS.len() {
        let mut reads = vec![Fault::Ignored];
        reads.extend(vec![Fault::Stale; stale]);
        let (record, fake) = one(Operation::GetAccountSummary, reads).await;
        assert_eq!(record.outcome, Outcome::Changed, "{stale} stale reads");
        assert_eq!(fake.count(1, Operation::GetAccountSummary), stale + 2);
        assert_eq!(fake.count(1, Operation::SetSecurityTokenServicePreferences), 1);
    }
    let (record, fake) = one(Operation::GetAccountSummary, vec![Fault::Stale; 100]).await;
    assert_eq!(record.outcome, Outcome::Unverified);
    assert_eq!(fake.version(1), ObservedVersion::V2Token);
    assert_eq!(record.current_version, Some(ObservedVersion::V1Token));
}

#[tokio::test(start_paused = true)]
async fn a_denied_read_back_is_unverified() {
    let (record, _) = one(Operation::GetAccountSummary, [Fault::Ignored, DENIED]).await;
    assert_eq!(record.outcome, Outcome::Unverified);
    assert_eq!(record.error.unwrap().stage, Stage::Verify);
}

/// If a summary lacks the version, the version might have changed.
#[tokio::test(start_paused = true)]
async fn a_refusal_settles_a_set_in_doubt_only_if_the_version_can_be_read() {
    for (reading, expected) in
        [(ObservedVersion::V1Token, Outcome::Failed), (ObservedVersion::Unknown, Outcome::Unverified)]
    {
        let fake = Fake::new(1).fault(1, Operation::SetSecurityTokenServicePreferences, [BROKEN, DENIED]);
        fake.world.borrow_mut().versions.insert(id(1), (reading, reading));
        let (_, records) = run(&fake.rollout(options()), |_| {}).await;
        let error = records[0].error.as_ref().unwrap();
        assert_eq!((records[0].outcome, error.error_code.as_str()), (expected, "AccessDenied"), "{reading}");
    }
}

/// A refusal of a certificate or of AssumeRole says nothing about an earlier Set whose answer was lost.
#[tokio::test(start_paused = true)]
async fn only_a_refusal_by_iam_settles_a_set_in_doubt() {
    let certificate = Fault::Fail(FailureKind::Refused, Effect::None, "CertificateRefused");
    for (sets, entries, expected) in [
        (vec![BROKEN, DENIED], vec![], Outcome::Failed),
        (vec![BROKEN, certificate], vec![], Outcome::Unverified),
        // `Ignored` does nothing to AssumeRole, so the first AssumeRole succeeds, and only the second AssumeRole is denied.
        (vec![BROKEN, EXPIRED], vec![Fault::Ignored, DENIED], Outcome::Unverified),
    ] {
        let set = Operation::SetSecurityTokenServicePreferences;
        let fake = Fake::new(1).fault(1, set, sets.clone()).fault(1, Operation::AssumeRole, entries);
        let (_, records) = run(&fake.rollout(options()), |_| {}).await;
        assert_eq!(records[0].outcome, expected, "{sets:?}: {records:?}");
        assert_eq!(fake.count(1, set), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_sends_no_set_and_needs_no_intent() {
    let fake = Fake::new(40);
    fake.disk_full.set(true);
    let (ended, _) = run(&fake.rollout(RolloutOptions { mode: Mode::Plan, ..options() }), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::WouldChange), 40);
}

#[tokio::test(start_paused = true)]
async fn without_a_durable_intent_nothing_is_sent_and_the_run_stops() {
    let fake = Fake::new(100);
    fake.disk_full.set(true);
    let (ended, records) = run(&fake.rollout(RolloutOptions { concurrency: 10, ..options() }), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::NotAttempted), 100);
    assert!(matches!(ended.stopped, Some(StopReason::Journal(_))));
    let visited = records.iter().filter(|record| record.started_at.is_some()).count();
    assert_eq!(visited, 10, "only the visits in flight reached the intent");
}

#[tokio::test(start_paused = true)]
async fn expired_base_credentials_stop_the_run_and_fail_no_account() {
    let fake = Fake::new(1_000);
    let (ended, records) = run(&fake.rollout(RolloutOptions { concurrency: 10, ..options() }), |event| {
        if let Event::Visited { tally, .. } = event {
            fake.caller_expired.set(tally.total() >= 50);
        }
    })
    .await;
    assert!(matches!(ended.stopped, Some(StopReason::CallerCredentials(_))));
    assert_eq!(ended.tally.of(Outcome::Failed), 0);
    assert_eq!(ended.tally.of(Outcome::Changed) + ended.tally.of(Outcome::NotAttempted), 1_000);
    let hit = records.iter().filter(|record| record.outcome == Outcome::NotAttempted && record.started_at.is_some());
    assert!(hit.count() <= 10);
    assert_eq!(fake.confirmations.get(), 1, "one visit checks for all");
}

#[tokio::test(start_paused = true)]
async fn without_a_read_back_no_account_is_changed() {
    let fake = Fake::new(3);
    let (ended, records) = run(&fake.rollout(RolloutOptions { verify: Verify::None, ..options() }), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::Unverified), 3);
    assert_eq!(records[0].error.as_ref().unwrap().error_code.as_str(), "NotVerified");
}
