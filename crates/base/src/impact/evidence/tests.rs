//! Tests of the sums, with halves of calls in every order.

use super::*;

fn id(number: u64) -> AccountId {
    format!("{number:012}").parse().expect("twelve digits")
}

/// A call of the role `role` in account 2 by a principal of account `caller`, in the trail of `recipient`.
fn sighting(event: u64, caller: u64, recipient: u64) -> Sighting {
    let half = match (caller == 2, recipient == 2) {
        (true, _) => Half::Whole,
        (false, true) => Half::Role,
        (false, false) => Half::Caller,
    };
    let principal = match half {
        Half::Role => format!("account {}", id(caller)),
        Half::Whole | Half::Caller => format!("arn:aws:iam::{}:role/app", id(caller)),
    };
    Sighting {
        id: Some(event),
        time: 1000 + event,
        operation: SessionOperation::AssumeRole,
        kind: CallKind::Global,
        half,
        recipient: id(recipient),
        caller: id(caller),
        issuer: id(2),
        principal,
        role: Some("arn:aws:iam::000000000002:role/target".to_owned()),
        agent: Agent::of(Some("aws-sdk-go/1.44.1")),
        token_size: Some(352),
        address: None,
    }
}

fn added(sightings: &[Sighting]) -> Evidence {
    let mut evidence = Evidence::default();
    for sighting in sightings {
        evidence.add(sighting, Source::Files);
    }
    evidence
}

/// The account, the principal, the calls, and the account of the attribution of each row.
fn rows(evidence: &Evidence) -> Vec<(u64, String, u64, u64)> {
    let rows = evidence.principals().into_iter();
    rows.map(|row| (row.account.number(), row.principal, row.calls, row.attributed_to.number())).collect()
}

#[test]
fn a_cross_account_call_counts_once_and_shows_on_both_sides() {
    let (caller, role) = (sighting(1, 1, 1), sighting(1, 1, 2));
    for order in [[&caller, &role], [&role, &caller]] {
        let evidence = added(&order.map(Clone::clone));
        assert_eq!(evidence.account(id(2)).global_calls, 1);
        assert_eq!((evidence.account(id(1)).global_calls, evidence.account(id(1)).outgoing_calls), (0, 1));
        let arn = "arn:aws:iam::000000000001:role/app".to_owned();
        assert_eq!(rows(&evidence), [(1, arn.clone(), 1, 2), (2, arn, 1, 2)]);
    }
    // Either half alone says the same, but the role's half does not know who called.
    let evidence = added(&[role]);
    assert_eq!(rows(&evidence)[1], (2, "account 000000000001".to_owned(), 1, 2));
    assert_eq!(evidence.account(id(2)).global_calls, 1);
}

#[test]
fn an_event_that_is_read_twice_counts_once() {
    let evidence = added(&[sighting(1, 2, 2), sighting(1, 2, 2), sighting(2, 2, 2), sighting(1, 1, 1)]);
    assert_eq!(evidence.account(id(2)).global_calls, 2);
    let without_id = Sighting { id: None, ..sighting(1, 2, 2) };
    assert_eq!(added(&[without_id.clone(), without_id]).account(id(2)).global_calls, 2);
}

#[test]
fn the_expected_size_is_that_of_regional_tokens_of_the_same_role() {
    let regional = |size| Sighting { kind: CallKind::Regional, token_size: Some(size), ..sighting(9, 2, 2) };
    let expected = |sightings: &[Sighting]| {
        let row = added(sightings).principals().remove(0);
        (row.expected, row.is_estimated)
    };
    assert_eq!(expected(&[sighting(1, 2, 2)]), (Some(752), true));
    assert_eq!(expected(&[sighting(1, 2, 2), regional(900), regional(800)]), (Some(900), false));
    // A token never gets shorter: the regional one may be of a session without a policy.
    assert_eq!(expected(&[sighting(1, 2, 2), regional(300)]), (Some(352), false));
    let other = Sighting { role: Some("arn:aws:iam::000000000002:role/other".to_owned()), ..regional(900) };
    assert_eq!(expected(&[sighting(1, 2, 2), other]), (Some(752), true));
    let unknown = Sighting { token_size: None, ..sighting(1, 2, 2) };
    assert_eq!(expected(&[unknown]), (None, true));
}

#[test]
fn calls_that_fail_or_come_from_services_are_counted_apart() {
    let of = |kind, event| Sighting { kind, ..sighting(event, 2, 2) };
    let evidence = added(&[
        of(CallKind::Failed, 1),
        of(CallKind::Failed, 2),
        of(CallKind::Failed, 3),
        of(CallKind::Service, 4),
        of(CallKind::Service, 5),
        of(CallKind::Regional, 6),
        of(CallKind::Regional, 7),
        of(CallKind::Regional, 8),
        of(CallKind::Regional, 9),
        of(CallKind::Global, 10),
    ]);
    let account = evidence.account(id(2));
    assert_eq!(
        (account.failed_calls, account.service_calls, account.regional_calls, account.global_calls),
        (3, 2, 4, 1)
    );
    assert_eq!(evidence.seen.len(), 1, "the places for ids are for calls that matter");
}

#[test]
fn what_is_beyond_the_limits_is_added_up_and_told() {
    let mut evidence = Evidence::with_limits(Limits { ids: 3, rows: 2, texts: 9 });
    for event in 0..10 {
        let principal = format!("arn:aws:iam::000000000002:user/{event}");
        evidence.add(&Sighting { principal, ..sighting(event, 2, 2) }, Source::Files);
    }
    assert!(evidence.ids_overflowed);
    assert_eq!(evidence.account(id(2)).global_calls, 10);
    let calls: u64 = rows(&evidence).iter().map(|(_, _, calls, _)| calls).sum();
    assert_eq!(calls, 10);
    assert!(rows(&evidence).iter().any(|(_, principal, calls, _)| principal == OTHERS && *calls == 8));
}

#[test]
fn regional_sizes_of_too_many_roles_are_not_kept() {
    let mut evidence = Evidence::with_limits(Limits { ids: 9, rows: 9, texts: 3 });
    for number in 0..10 {
        let role = Some(format!("arn:aws:iam::000000000002:role/{number}"));
        let regional = Sighting { kind: CallKind::Regional, token_size: Some(900), role, ..sighting(number, 2, 2) };
        evidence.add(&regional, Source::Files);
    }
    assert_eq!((evidence.account(id(2)).regional_calls, evidence.regional.len()), (10, 3));
}

#[test]
fn an_event_that_is_not_understood_spoils_complete_coverage() {
    use super::super::event::Reason;
    let mut evidence = Evidence::default();
    evidence.cover(id(1), Source::Files, Coverage::Complete);
    assert_eq!(evidence.account(id(1)).coverage, Coverage::Complete);
    evidence.cover(id(2), Source::Files, Coverage::Complete);
    evidence.cover(id(3), Source::History, Coverage::Sampled { read: 60, windows: 90 });
    let event = NotUnderstood { reason: Reason::Endpoint, recipient: Some(id(1)), time: None };
    evidence.add_not_understood(event);
    assert_eq!(evidence.account(id(1)).coverage.to_string(), "incomplete");
    assert_eq!(evidence.account(id(2)).coverage, Coverage::Complete);
    // An event without an account may be of any account.
    evidence.add_not_understood(NotUnderstood { recipient: None, ..event });
    assert_eq!(evidence.account(id(2)).coverage.to_string(), "incomplete");
    // A sample without it says no more than complete events without it.
    assert_eq!(evidence.account(id(3)).coverage.to_string(), "incomplete");
}

#[test]
fn the_best_coverage_counts_and_files_win() {
    let mut evidence = Evidence::default();
    evidence.cover(id(1), Source::Files, Coverage::Incomplete("x".to_owned()));
    evidence.cover(id(1), Source::History, Coverage::Sampled { read: 60, windows: 90 });
    assert_eq!(
        (evidence.account(id(1)).coverage.to_string().as_str(), evidence.account(id(1)).source),
        ("sampled 60/90", Some(Source::History))
    );
    evidence.cover(id(1), Source::Files, Coverage::Complete);
    evidence.cover(id(1), Source::History, Coverage::Complete);
    assert_eq!(
        (evidence.account(id(1)).coverage, evidence.account(id(1)).source),
        (Coverage::Complete, Some(Source::Files))
    );
}
