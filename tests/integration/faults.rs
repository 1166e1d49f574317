//! Faults of single accounts: each kind alone, and its record in the report.

use std::time::Duration;

use v2token_simulator::{
    ALWAYS, AccountId, AccountState, Faults, JoinedMethod, Organization, PerCall, SimulatedAccount, TokenVersion,
    Trusted,
};

use crate::harness::Bench;

/// The expected record: outcome, stage, error code, and words of the hint.
type Told = (&'static str, &'static str, &'static str, &'static str);

const CHANGED: Told = ("changed", "", "", "");
const IN_DOUBT: &str = "read it with plan";
const NOT_READ_BACK: Told = ("unverified", "verify", "NotReadBack", "read it again later");

/// The fault's name, how it is switched on, the expected record, and whether a Set took effect.
type Case = (&'static str, fn(&mut SimulatedAccount), Told, bool);

/// A member whose session a wrong answer may return instead of the requested one.
const BYSTANDER: AccountId = AccountId::new(1);
const EXTERNAL_ID: &str = "the-id-that-roles-ask-for";

const CASES: &[Case] = &[
    ("a bystander without a fault", |_| {}, CHANGED, true),
    // Assuming the role.
    (
        "denied assume",
        |account| account.faults.deny_assume = true,
        ("failed", "assume", "AccessDenied", "trust policy"),
        false,
    ),
    (
        "denied assume, invited",
        |account| {
            account.joined = JoinedMethod::Invited;
            account.faults.deny_assume = true;
        },
        ("failed", "assume", "AccessDenied", "was invited"),
        false,
    ),
    (
        "missing role",
        |account| account.role.exists = false,
        ("failed", "assume", "AccessDenied", "OrganizationAccountAccessRole exists"),
        false,
    ),
    (
        "another role name",
        |account| "Another".clone_into(&mut account.role.name),
        ("failed", "assume", "AccessDenied", "OrganizationAccountAccessRole exists"),
        false,
    ),
    (
        "role that trusts somebody else",
        |account| account.role.trusts = vec![Trusted::Account(BYSTANDER)],
        ("failed", "assume", "AccessDenied", "trust policy names the caller"),
        false,
    ),
    (
        "wrong external id",
        |account| account.role.external_id = Some("another".to_owned()),
        ("failed", "assume", "AccessDenied", "external id"),
        false,
    ),
    ("right external id", |account| account.role.external_id = Some(EXTERNAL_ID.to_owned()), CHANGED, true),
    ("invited, with the role", |account| account.joined = JoinedMethod::Invited, CHANGED, true),
    (
        "session of another account",
        |account| account.faults.wrong_identity = Some(BYSTANDER),
        ("failed", "assume", "WrongAccount", "nothing was done"),
        false,
    ),
    (
        "region disabled",
        |account| account.faults.region_disabled = true,
        ("failed", "assume", "RegionDisabledException", "--region us-east-1"),
        false,
    ),
    // Denied in the account.
    (
        "denied read",
        |account| account.faults.deny_read = true,
        ("failed", "read", "AccessDenied", "iam:GetAccountSummary"),
        false,
    ),
    (
        "denied set",
        |account| account.faults.deny_set = true,
        ("failed", "set", "AccessDenied", "iam:SetSecurityTokenServicePreferences"),
        false,
    ),
    (
        "set denied by a service control policy",
        |account| account.faults.deny_set_by_scp = true,
        ("failed", "set", "AccessDenied", "exempt the role"),
        false,
    ),
    // Temporary throttling and errors.
    ("throttled three times", |account| account.faults.throttle = PerCall::all(3), CHANGED, true),
    ("500 twice", |account| account.faults.status_500 = PerCall::all(2), CHANGED, true),
    ("503 twice", |account| account.faults.status_503 = PerCall::all(2), CHANGED, true),
    ("garbage once", |account| account.faults.garbage = PerCall::all(1), CHANGED, true),
    ("reset once before each effect", |account| account.faults.reset_before = PerCall::all(1), CHANGED, true),
    ("reset once after each effect", |account| account.faults.reset_after = PerCall::all(1), CHANGED, true),
    ("slow", |account| account.faults.slow = Duration::from_millis(300), CHANGED, true),
    ("truncated once", |account| account.faults.truncated = PerCall::all(1), CHANGED, true),
    ("session expired once, at the read", |account| account.faults.expired_session.read = 1, CHANGED, true),
    ("session expired once, at the set", |account| account.faults.expired_session.set = 1, CHANGED, true),
    (
        "everything once",
        |account| {
            account.faults = Faults {
                throttle: PerCall::all(1),
                status_500: PerCall::all(1),
                expired_session: PerCall::all(1),
                garbage: PerCall::read(1),
                truncated: PerCall::assume(1),
                lost_acknowledgements: 1,
                stale_reads: 1,
                ..Faults::default()
            }
        },
        CHANGED,
        true,
    ),
    // Permanent throttling and errors.
    (
        "assume always throttled",
        |account| account.faults.throttle.assume = ALWAYS,
        ("failed", "assume", "Throttling", "lower --rate"),
        false,
    ),
    (
        "read always throttled",
        |account| account.faults.throttle.read = ALWAYS,
        ("failed", "read", "Throttling", "run again later"),
        false,
    ),
    (
        "set always throttled",
        |account| account.faults.throttle.set = ALWAYS,
        ("failed", "set", "Throttling", "run again later"),
        false,
    ),
    (
        "assume always 500",
        |account| account.faults.status_500.assume = ALWAYS,
        ("failed", "assume", "InternalFailure", "try this account again"),
        false,
    ),
    (
        "assume always 503",
        |account| account.faults.status_503.assume = ALWAYS,
        ("failed", "assume", "ServiceUnavailable", "try this account again"),
        false,
    ),
    (
        "read always 500",
        |account| account.faults.status_500.read = ALWAYS,
        ("failed", "read", "ServiceFailure", "try this account again"),
        false,
    ),
    (
        "read always 503",
        |account| account.faults.status_503.read = ALWAYS,
        ("failed", "read", "ServiceUnavailable", "try this account again"),
        false,
    ),
    (
        "set always 500",
        |account| account.faults.status_500.set = ALWAYS,
        ("unverified", "set", "ServiceFailure", IN_DOUBT),
        false,
    ),
    (
        "set always 503",
        |account| account.faults.status_503.set = ALWAYS,
        ("unverified", "set", "ServiceUnavailable", IN_DOUBT),
        false,
    ),
    (
        "assume always reset before",
        |account| account.faults.reset_before.assume = ALWAYS,
        ("failed", "assume", "ConnectionFailed", "check the network"),
        false,
    ),
    (
        "assume always reset after",
        |account| account.faults.reset_after.assume = ALWAYS,
        ("failed", "assume", "ConnectionFailed", "check the network"),
        false,
    ),
    (
        "read always reset",
        |account| account.faults.reset_before.read = ALWAYS,
        ("failed", "read", "ConnectionFailed", "check the network"),
        false,
    ),
    (
        "set always reset before",
        |account| account.faults.reset_before.set = ALWAYS,
        ("unverified", "set", "ConnectionFailed", IN_DOUBT),
        false,
    ),
    ("set always reset after", |account| account.faults.reset_after.set = ALWAYS, CHANGED, true),
    (
        "assume always garbage",
        |account| account.faults.garbage.assume = ALWAYS,
        ("failed", "assume", "UnreadableAnswer", "something other than AWS"),
        false,
    ),
    (
        "read always garbage",
        |account| account.faults.garbage.read = ALWAYS,
        ("failed", "read", "UnreadableAnswer", "something other than AWS"),
        false,
    ),
    // The body of a Set's answer is ignored, and the read-back shows the version.
    ("set always garbage", |account| account.faults.garbage.set = ALWAYS, CHANGED, true),
    (
        "assume always truncated",
        |account| account.faults.truncated.assume = ALWAYS,
        ("failed", "assume", "UnreadableAnswer", "check proxies"),
        false,
    ),
    (
        "read always truncated",
        |account| account.faults.truncated.read = ALWAYS,
        ("failed", "read", "UnreadableAnswer", "check proxies"),
        false,
    ),
    ("set always truncated", |account| account.faults.truncated.set = ALWAYS, CHANGED, true),
    (
        "session always expired at the read",
        |account| account.faults.expired_session.read = ALWAYS,
        ("failed", "read", "ExpiredToken", "session"),
        false,
    ),
    (
        "session always expired at the set",
        |account| account.faults.expired_session.set = ALWAYS,
        ("failed", "set", "ExpiredToken", "session"),
        false,
    ),
    // The effect of a Set.
    ("acknowledgement lost", |account| account.faults.lost_acknowledgements = 1, CHANGED, true),
    ("acknowledgement always lost", |account| account.faults.lost_acknowledgements = ALWAYS, CHANGED, true),
    (
        "acknowledgement lost, and the read is stale",
        |account| {
            account.faults.lost_acknowledgements = 1;
            account.faults.stale_reads = 3;
        },
        CHANGED,
        true,
    ),
    ("set dropped twice", |account| account.faults.dropped_sets = 2, CHANGED, true),
    (
        "set always dropped",
        |account| account.faults.dropped_sets = ALWAYS,
        ("unverified", "set", "ConnectionFailed", IN_DOUBT),
        false,
    ),
    ("captive portal", |account| account.faults.captive_portal = 1, CHANGED, true),
    (
        "captive portal for ever",
        |account| account.faults.captive_portal = ALWAYS,
        ("unverified", "set", "UnreadableAnswer", "something other than AWS answered"),
        false,
    ),
    ("a few stale reads", |account| account.faults.stale_reads = 3, CHANGED, true),
    ("read-back never shows", |account| account.faults.read_back_never_shows = true, NOT_READ_BACK, true),
    (
        "acknowledgement always lost, and read-back never shows",
        |account| {
            account.faults.lost_acknowledgements = ALWAYS;
            account.faults.read_back_never_shows = true;
        },
        ("unverified", "set", "ConnectionFailed", IN_DOUBT),
        true,
    ),
    (
        "500 once at the set, then denied",
        |account| {
            account.faults.status_500.set = 1;
            account.faults.deny_set = true;
        },
        ("failed", "set", "AccessDenied", "iam:SetSecurityTokenServicePreferences"),
        false,
    ),
    // The read before a Set.
    ("summary without the key until it is set", |account| account.version = None, CHANGED, true),
    (
        "summary never has the key",
        |account| account.faults.missing_summary_key = true,
        ("unverified", "verify", "VersionNotShown", "names no version at all"),
        true,
    ),
    (
        "summary never has the key, and 500 once at the set, then denied",
        |account| {
            account.faults.missing_summary_key = true;
            account.faults.status_500.set = 1;
            account.faults.deny_set_by_scp = true;
        },
        ("unverified", "set", "AccessDenied", "exempt the role"),
        false,
    ),
    ("there already", |account| account.version = Some(TokenVersion::V2), ("unchanged", "", "", ""), false),
    // Account states.
    ("suspended", |account| account.state = AccountState::Suspended, ("skipped", "select", "Suspended", ""), false),
    ("closed", |account| account.state = AccountState::Closed, ("skipped", "select", "Closed", ""), false),
    (
        "being closed",
        |account| account.state = AccountState::PendingClosure,
        ("skipped", "select", "PendingClosure", ""),
        false,
    ),
    (
        "not signed up yet",
        |account| account.state = AccountState::PendingActivation,
        ("skipped", "select", "PendingActivation", ""),
        false,
    ),
    (
        "a state of the future",
        |account| account.state = AccountState::Frozen,
        ("skipped", "select", "UnknownState", ""),
        false,
    ),
    // Costs the time limit of one answer.
    ("no answer to a read", |account| account.faults.hang.read = 1, CHANGED, true),
];

#[test]
fn each_fault_has_its_record() {
    let mut builder = Organization::builder().accounts(CASES.len() + 1);
    for (number, (_, switch_on, ..)) in (1_u64..).zip(CASES) {
        builder = builder.account(number, switch_on);
    }
    let bench = Bench::new(builder.start());
    let arguments = [
        "apply",
        "--yes",
        "--rate=0",
        "--concurrency=100",
        "--waves=100%",
        "--max-errors=100%",
        "--max-attempts=5",
        "--external-id",
        EXTERNAL_ID,
    ];
    let run = bench.run("run", &arguments).exits(3).agrees(TokenVersion::V2);
    run.holds_no_secret(EXTERNAL_ID);

    let rows = run.rows();
    let mut wrong = Vec::new();
    for (number, (name, _, (outcome, stage, code, hint), set_took_effect)) in (1_u64..).zip(CASES) {
        let id = AccountId::from(number);
        let row = &rows[&id.to_string()];
        let cells = [&row["outcome"], &row["stage"], &row["error_code"]].map(String::as_str);
        let changed = !run.after.account(id).sets_applied.is_empty();
        if cells != [*outcome, *stage, *code] || !row["hint"].contains(hint) || changed != *set_took_effect {
            wrong.push(format!("{name}: set took effect: {changed}, reported: {row:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An unknown version is not v1: the column shows what was read, and the Set is sent.
#[test]
fn previous_version_is_reported_as_read() {
    let builder = Organization::builder().accounts(4).account(1, |account| account.version = None);
    let bench = Bench::new(builder.account(2, |account| account.version = Some(TokenVersion::V2)).start());
    let run = bench.run("run", &["apply", "--yes"]).exits(0).agrees(TokenVersion::V2);
    for (id, previous) in [(1, "unknown"), (2, "v2Token"), (3, "v1Token")] {
        let row = &run.rows()[&AccountId::new(id).to_string()];
        assert_eq!((row["previous_version"].as_str(), row["current_version"].as_str()), (previous, "v2Token"), "{run}");
    }
}

/// A visit that takes too long ends; the outcome depends on whether a Set was in flight.
#[test]
fn account_timeout_applies_at_every_stage() {
    let builder = Organization::builder()
        .accounts(5)
        .account(1, |account| account.faults.hang = PerCall::assume(1))
        .account(2, |account| account.faults.hang = PerCall::read(1))
        .account(3, |account| account.faults.hang = PerCall::set(1))
        .account(4, |account| account.faults.slow = Duration::from_millis(10));
    let bench = Bench::new(builder.start());
    let arguments = ["apply", "--yes", "--waves=100%", "--max-errors=100%", "--account-timeout=1s"];
    let run = bench.run("run", &arguments).exits(3).agrees(TokenVersion::V2);
    let table = [
        (1, "failed", "assume"),
        (2, "failed", "read"),
        (3, "unverified", "set"),
        (4, "changed", ""),
        (100, "changed", ""),
    ];
    for (id, outcome, stage) in table {
        let row = &run.rows()[&AccountId::new(id).to_string()];
        assert_eq!((row["outcome"].as_str(), row["stage"].as_str()), (outcome, stage), "{run}");
        assert_eq!(row["error_code"], if stage.is_empty() { "" } else { "AccountTimeout" }, "{run}");
    }
}

/// One host is unreachable for all accounts while STS answers: the fault is the host's, not the network's.
#[test]
fn an_unreachable_host_is_named() {
    // The system accepts connections, but they are never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = format!("http://{}", silent.local_addr().expect("an address"));
    let table = [
        ("http://127.0.0.1:1", "3", "ConnectionFailed", "check the network and the proxy settings"),
        ("http://iam.nowhere.invalid", "3", "HostNotFound", "check the Region, the DNS and the proxy settings"),
        (&silent, "1", "RequestTimedOut", "check the network and the proxy settings"),
    ];
    for (host, tries, code, hint) in table {
        let mut bench = Bench::new(Organization::builder().accounts(4).start());
        bench.env("AWS_ENDPOINT_URL_IAM", host);
        let attempts = format!("--max-attempts={tries}");
        let arguments = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=100%", &attempts];
        let run = bench.run("run", &arguments).exits(3).agrees(TokenVersion::V2);
        for row in run.rows().values() {
            assert_eq!(
                [&row["outcome"], &row["stage"], &row["error_code"]].map(String::as_str),
                ["failed", "read", code],
                "{run}"
            );
            assert!(row["hint"].contains(hint), "{row:#?}");
        }
        assert!(!run.stderr.contains("AWS can't be reached"), "STS can be\n{run}");
    }
}

/// The time limit of a single attempt.
#[test]
fn a_missing_answer_is_reported_at_every_stage() {
    let builder = Organization::builder()
        .accounts(5)
        .account(1, |account| account.faults.hang.assume = ALWAYS)
        .account(2, |account| account.faults.hang.read = ALWAYS)
        .account(3, |account| account.faults.hang.set = ALWAYS);
    let bench = Bench::new(builder.start());
    let arguments = ["apply", "--yes", "--waves=100%", "--max-errors=100%", "--max-attempts=1"];
    let run = bench.run("run", &arguments).exits(3).agrees(TokenVersion::V2);
    let table = [
        (1, ["failed", "assume", "RequestTimedOut"], "check the network"),
        (2, ["failed", "read", "RequestTimedOut"], "check the network"),
        (3, ["unverified", "set", "RequestTimedOut"], IN_DOUBT),
        (4, ["changed", "", ""], ""),
    ];
    for (id, expected, hint) in table {
        let row = &run.rows()[&AccountId::new(id).to_string()];
        assert_eq!([&row["outcome"], &row["stage"], &row["error_code"]].map(String::as_str), expected, "{run}");
        assert!(row["hint"].contains(hint), "{row:#?}");
    }
}
