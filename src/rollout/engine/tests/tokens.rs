//! Tests of the proof that the issued tokens have changed.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_token_is_tried_for_a_limited_time() {
    let verify = Verify::TokenIn("ap-east-1".to_owned());
    for (lag, outcome, verified) in [
        (0, Outcome::Changed, Some(Verified::Token)),
        (4, Outcome::Changed, Some(Verified::Token)),
        (100, Outcome::Unverified, Some(Verified::Setting)),
    ] {
        let fake = Fake::new(1);
        fake.lag.set(lag);
        let (_, records) = run(&fake.rollout(RolloutOptions { verify: verify.clone(), ..options() }), |_| {}).await;
        assert_eq!((records[0].outcome, records[0].verified), (outcome, verified), "{lag}");
        let proofs = fake.proofs.borrow();
        assert!(proofs.len() <= TOKEN_WAITS.len());
        if lag == 100 {
            assert_eq!(records[0].error.as_ref().unwrap().error_code.as_str(), "TokenRefused");
            let span = proofs.last().unwrap().1 - proofs[0].1;
            assert!(span > Duration::from_secs(25), "more than twice the lag that was observed: {span:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_changed_accounts_are_verified() {
    let fake = Fake::new(2).fault(2, Operation::AssumeRole, [DENIED]);
    let (_, records) = run(&fake.rollout(options()), |_| {}).await;
    assert_eq!(records[0].verified, Some(Verified::Setting));
    assert_eq!(records[1].verified, None);
    assert!(fake.proofs.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_grows_in_a_limited_time() {
    for (lag, outcome, verified, code) in [
        (0, Outcome::Changed, Verified::TokenSize, ""),
        (7, Outcome::Changed, Verified::TokenSize, ""),
        (8, Outcome::Unverified, Verified::Setting, "IssuedVersionDiffers"),
    ] {
        let fake = Fake::new(1);
        fake.lag.set(lag);
        let (_, records) = run(&fake.rollout(RolloutOptions { verify: Verify::TokenSize, ..options() }), |_| {}).await;
        let found = records[0].error.as_ref().map_or("", |error| error.error_code.as_str());
        assert_eq!((records[0].outcome, records[0].verified, found), (outcome, Some(verified), code), "{lag}");
        let asked = fake.proofs.borrow();
        assert_eq!(asked.len(), (lag + 1).min(TOKEN_WAITS.len()), "it is asked until the token has grown");
        let waits = asked.windows(2).zip(&TOKEN_WAITS[1..]).map(|(pair, wait)| (pair[1].1 - pair[0].1, *wait));
        assert!(waits.into_iter().all(|(waited, wait)| waited == Duration::from_secs(wait)), "{asked:?}");
        let token = records[0].issued_token.as_ref().unwrap();
        assert_eq!((token.regional_size, token.global_size), (Some(752), Some(if lag == 8 { 352 } else { 752 })));
    }
}

/// A plan asks once. What it asks does not decide about the outcome, and a throttle of the global endpoint lowers no other rate.
#[tokio::test(start_paused = true)]
async fn a_plan_observes_the_token_without_consequences() {
    for (fails, lag, calls, issued) in [
        (None, 0, 1, Some(TokenVersion::V2Token)),
        (None, 100, 1, Some(TokenVersion::V1Token)),
        (Some("AccessDenied"), 0, 1, None),
        (Some("Throttling"), 0, 4, None),
    ] {
        let fake = Fake::new(1);
        fake.lag.set(lag);
        fake.global_fails.set(fails);
        let options = RolloutOptions { verify: Verify::TokenSize, mode: Mode::Plan, rate: 50, ..options() };
        let rollout = fake.rollout(options);
        let mut throttles = 0;
        let (_, records) = run(&rollout, |event| {
            if let Event::Visited { throttles: all, .. } = event {
                throttles = *all;
            }
        })
        .await;
        assert_eq!((records[0].outcome, &records[0].error), (Outcome::WouldChange, &None), "{fails:?}");
        assert_eq!((fake.proofs.borrow().len(), records[0].issued_version()), (calls, issued), "{fails:?} {lag}");
        assert_eq!(records[0].note.contains("is not known"), fails.is_some(), "{:?}", records[0].note);
        assert_eq!(records[0].is_issued_otherwise(), issued == Some(TokenVersion::V2Token), "the setting is v1Token");
        assert_eq!(rollout.rate_limiter.rate(), Some(50.0), "{fails:?}");
        assert_eq!(throttles, if fails == Some("Throttling") { 4 } else { 0 });
        assert_eq!(records[0].attempts as usize, 2 + calls);
    }
}
