//! Findings of `doctor` about the sizes of tokens.

use std::time::Duration;

use v2token_simulator::{
    ALWAYS, Caller, DecidingAccount, GlobalSize, Operation, Organization, PerCall, TokenSizes, TokenVersion,
};

use super::{Check, checks, eight, examine, failure, finds, fine, warning};
use crate::harness::Bench;

fn about<'a>(checks: &'a [Check], about: &str) -> &'a Check {
    checks.iter().find(|check| check.about == about).unwrap_or_else(|| panic!("{about}: {checks:#?}"))
}

#[test]
fn the_growth_of_sessions_is_told() {
    let bench = Bench::new(eight().token_jitter(0).start());
    let all = checks(&bench, &[], 0);
    // The session policy of doctor makes both tokens longer.
    let sizes = "its token has 936 bytes from the regional endpoint and 536 from the global one: v1Token is issued";
    assert_eq!(all.iter().filter(|check| check.message.ends_with(sizes)).count(), 4, "{all:#?}");
    let tokens = about(&all, "tokens");
    for says in [
        "sessions of the global endpoint grow from 536 to 936 bytes here; STS allows up to 4,096",
        "this program's own session policy, which is part of the token: other clients will see the growth of 400 bytes",
        "4 requests were sent to the global endpoint for this, one for each account that was entered through a role; --no-global \
         leaves it out",
    ] {
        assert!(tokens.message.contains(says), "{says}: {tokens:?}");
    }
    assert_eq!((tokens.status.as_str(), bench.truth().global_assume_roles), ("ok", 4));

    let new = eight().each_account(|account| account.version = Some(TokenVersion::V2));
    finds(new, &[], &fine("tokens", "are as long as those of the regional one"));
}

#[test]
fn the_global_endpoint_can_be_left_out() {
    let bench = Bench::new(eight().start());
    let all = checks(&bench, &["--no-global"], 0);
    assert!(all.iter().all(|check| check.about != "tokens" && !check.message.contains("global")), "{all:#?}");
    assert_eq!(bench.truth().global_assume_roles, 0);
    let mut bench = Bench::new(eight().start());
    bench.env("V2TOKEN_NO_GLOBAL", "true");
    let run = examine(&bench, &[]).exits(0);
    assert_eq!(run.after.global_assume_roles, 0, "{run}");
    // Other partitions have no global endpoint.
    let china = Bench::new(Organization::builder().accounts(3).unlimited().partition("aws-cn").start());
    let run = examine(&china, &[]).exits(0);
    assert_eq!(run.calls(Operation::AssumeRole), 2, "{run}");
}

/// One request, without retries. It is no finding unless the run needs it.
#[test]
fn a_global_endpoint_that_fails_is_a_warning_only_if_it_is_needed() {
    type Fault = fn(&mut v2token_simulator::SimulatedAccount);
    let policies = "check that no policy denies the global endpoint";
    let proof = "take --verify token=REGION";
    let table: [(Fault, &str, &str); 4] = [
        (|account| account.faults.global.denied = true, "AssumeRole failed with AccessDenied", policies),
        (|account| account.faults.global.throttle = 1, "AssumeRole failed with Throttling", policies),
        (
            |account| account.faults.global.size = GlobalSize::Missing,
            "the answer of the global endpoint has no token size",
            proof,
        ),
        (|account| account.faults.global.size = GlobalSize::Between, "is between those of the two versions", proof),
    ];
    for (fault, says, advises) in table {
        let arguments = ["--account=000000000003"];
        finds(eight().account(3, fault), &arguments, &fine("tokens", says));
        let needed = ["--account=000000000003", "--verify=token"];
        finds(eight().account(3, fault), &needed, &warning("tokens", says, advises));
    }
    let hangs = eight().account(3, |account| account.faults.global.hang = ALWAYS);
    finds(hangs, &["--account=000000000003"], &fine("tokens", "no answer within 6 s"));
    let silent = eight().each_account(|account| account.faults.global.hang = ALWAYS);
    let all = finds(silent, &[], &fine("tokens", "no answer within 6 s; 1 request was sent"));
    assert_eq!(all.iter().filter(|check| check.about == "account").count(), 5, "the others are still entered and read");
    let lengths = eight().token_sizes(TokenSizes::Absent);
    finds(lengths, &["--account=000000000003"], &fine("000000000003", "by the lengths, because STS gave no sizes"));
}

/// One good answer is not enough: doctor says in how many accounts the version is not known.
#[test]
fn a_global_endpoint_that_fails_in_some_accounts_is_told() {
    let three = || {
        eight().each_account(|account| {
            account.faults.global.denied = account.id().number() != 1;
        })
    };
    let four = "--account=000000000001,000000000002,000000000003,000000000004";
    let says = "in 3 of 4 accounts the issued version is not known: AssumeRole failed with AccessDenied";
    let all = finds(three(), &[four], &fine("tokens", says));
    assert!(about(&all, "tokens").message.contains("grow from"), "{all:#?}");
    finds(
        three(),
        &[four, "--verify=token"],
        &warning("tokens", says, "check that no policy denies the global endpoint"),
    );
}

/// Each Organization can answer whose setting decides, if the settings of the caller's account and of others differ.
#[test]
fn the_account_whose_setting_decides_is_found() {
    let management_is_set = || eight().account(100, |account| account.version = Some(TokenVersion::V2));
    let role =
        "the setting of the role's account decided: it differs from that of the caller's account 000000000100 in 4";
    finds(management_is_set(), &[], &fine("tokens", role));
    let by_caller = management_is_set().deciding_account(DecidingAccount::Caller);
    let caller = "the setting of the caller's account 000000000100 decided";
    finds(by_caller, &[], &warning("tokens", caller, "check again in a minute"));
    // The caller's account is read if it is not among the tested ones.
    finds(
        management_is_set(),
        &["--account=000000000003"],
        &fine("tokens", "000000000100 in 1, and the tokens follow it"),
    );
    let delegated = eight().caller(Caller::DelegatedAdministrator(5.into())).account(5, |account| {
        account.version = Some(TokenVersion::V2);
    });
    finds(delegated, &["--account=000000000003"], &fine("tokens", "the caller's account 000000000005 in 1"));
    // Equal settings say nothing.
    let all = checks(&Bench::new(eight().start()), &[], 0);
    assert!(!about(&all, "tokens").message.contains("decided"), "{all:#?}");
    let lag = Organization::builder().accounts(3).unlimited().global_sts(Duration::from_mins(10)).start();
    let bench = Bench::new(lag);
    bench.organization.control(|world| {
        for account in world.accounts_mut() {
            account.change_externally(Some(TokenVersion::V2));
        }
    });
    let all = checks(&bench, &[], 0);
    let tokens = about(&all, "tokens");
    assert!(tokens.message.contains("in 2 of 2 accounts the tokens do not follow the setting"), "{tokens:?}");
    assert_eq!(tokens.status, "warning");
}

/// No run needs the setting of the caller's account, so it is read once at most, and not if that account is skipped.
#[test]
fn the_setting_of_the_callers_account_is_read_once() {
    let bench = Bench::new(
        eight()
            .account(100, |account| {
                account.version = Some(TokenVersion::V2);
                account.faults.throttle = PerCall::read(ALWAYS);
            })
            .start(),
    );
    let skips = "--management-account=skip";
    for (arguments, reads) in
        [(&["--account=000000000003"][..], 2), (&["--account=000000000003", skips], 1), (&["--sample=3", skips], 3)]
    {
        let run = examine(&bench, arguments).exits(0);
        assert_eq!(run.calls(Operation::GetAccountSummary), reads, "{run}");
        assert!(!run.stdout.contains("decided"), "{run}");
    }
}

#[test]
fn an_account_that_cannot_be_entered_has_no_token() {
    let denied = eight().account(3, |account| account.faults.deny_assume = true);
    let all = finds(denied, &["--account=000000000003"], &failure("000000000003", "can't be entered", "exists"));
    assert!(all.iter().all(|check| check.about != "tokens"), "{all:#?}");
}
