//! `--verify token`: the version that the global STS endpoint issues, told from the sizes of tokens.

mod calls;
mod reports;

use std::collections::BTreeMap;
use std::time::Duration;

use v2token_simulator::{
    ALWAYS, Builder, GlobalSize, MANAGEMENT_ACCOUNT, Operation, Organization, SimulatedAccount, TokenSizes,
    TokenVersion,
};

use crate::harness::{Bench, Row, Run};
use crate::running::Running;

/// Longer than any visit, so that tokens never follow the setting.
const NEVER: Duration = Duration::from_mins(10);
const VERIFY: &str = "--verify=token";
const APPLY: [&str; 6] = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=100%", VERIFY];

fn organization(accounts: usize, lag: Duration) -> Builder {
    Organization::builder().accounts(accounts).unlimited().global_sts(lag)
}

/// What becomes of an account: the outcome of an apply and its error code, how it is verified, and whether the issued version, the
/// regional size and the global size are known.
struct Expected {
    outcome: &'static str,
    code: &'static str,
    verified: &'static str,
    known: [bool; 3],
}

const fn expected(outcome: &'static str, code: &'static str, verified: &'static str, known: [bool; 3]) -> Expected {
    Expected { outcome, code, verified, known }
}

const PROVEN: Expected = expected("changed", "", "token_size", [true; 3]);

/// What goes wrong in an account.
type Fault = fn(&mut SimulatedAccount);

/// What goes wrong in an account, and what becomes of it in an apply or a rollback. The number of the account is the index and 1.
const TABLE: [(Fault, Expected); 9] = [
    (|_| (), PROVEN),
    (|account| account.faults.global.throttle = 2, PROVEN),
    (|account| account.faults.global.reset = 1, PROVEN),
    (|account| account.faults.global.garbage = 1, PROVEN),
    (|account| account.faults.global.slow = Duration::from_millis(300), PROVEN),
    (
        |account| account.faults.global.denied = true,
        expected("unverified", "AccessDenied", "setting", [false, true, false]),
    ),
    (
        |account| account.faults.global.size = GlobalSize::Missing,
        expected("unverified", "IssuedVersionUnknown", "setting", [false, true, false]),
    ),
    (
        |account| account.faults.global.size = GlobalSize::Between,
        expected("unverified", "IssuedVersionUnknown", "setting", [false, true, true]),
    ),
    (
        |account| account.faults.global.throttle = ALWAYS,
        expected("unverified", "IssuedVersionUnknown", "setting", [false, true, false]),
    ),
];

/// The accounts of the table, one that needs no change, and the management account.
const ACCOUNTS: usize = TABLE.len() + 2;
const UNCHANGED: &str = "000000000010";

/// Makes the faults of the table.
fn break_accounts(bench: &Bench) {
    bench.organization.control(|world| {
        for (number, (change, _)) in (1_u64..).zip(TABLE) {
            change(world.account_mut(number));
        }
    });
}

fn cells<'a>(row: &'a Row, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| row[*name].as_str()).collect()
}

/// Fails unless the columns of tokens are as expected.
fn has_tokens(row: &Row, known: [bool; 3], issued: &str) {
    let size = |name: &str| row[name].parse::<u32>().unwrap_or_else(|_| panic!("{name}: {row:#?}"));
    for (name, known) in ["issued_version", "regional_token_size", "global_token_size"].into_iter().zip(known) {
        assert_eq!(!row[name].is_empty(), known, "{name}: {row:#?}");
    }
    if known == [true; 3] {
        let (regional, global) = (size("regional_token_size"), size("global_token_size"));
        assert_eq!(row["issued_version"], issued, "{row:#?}");
        assert_eq!(regional > global + 300, issued == "v1Token", "{row:#?}");
        assert!(regional > 752, "the session policy is part of the token: {row:#?}");
    }
}

/// Fails unless every account is as the table says after a run that wanted this version.
fn is_as_expected(run: &Run, wanted: &str) {
    let rows = run.rows();
    for (number, (_, expected)) in (1..).zip(TABLE) {
        let row = &rows[&format!("{number:012}")];
        assert_eq!(
            cells(row, &["outcome", "error_code", "verified", "current_version"]),
            [expected.outcome, expected.code, expected.verified, wanted],
            "{number}: {row:#?}"
        );
        assert_eq!(row["stage"] == "verify", expected.outcome == "unverified", "{row:#?}");
        assert_eq!(row["hint"].contains("the setting is right"), expected.outcome == "unverified", "{row:#?}");
        has_tokens(row, expected.known, wanted);
    }
    let management = &rows[&MANAGEMENT_ACCOUNT.to_string()];
    assert_eq!(cells(management, &["outcome", "verified"]), ["changed", "setting"], "{management:#?}");
    has_tokens(management, [false; 3], wanted);
    assert!(management["hint"].contains("only the setting was read, because the account was entered without a role"));
    let calls: BTreeMap<u64, u32> =
        run.after.accounts.iter().map(|account| (account.id.number(), account.calls.global_assume_role)).collect();
    assert_eq!(
        [1, 2, 3, 4, 5].map(|number| calls[&number]),
        [1, 3, 2, 2, 1],
        "an answer that proves it is the last call"
    );
    assert_eq!([6, 7, 8, 9].map(|number| calls[&number]), [1, 8, 8, 8], "polls are limited, and a refusal ends them");
    assert_eq!(calls[&MANAGEMENT_ACCOUNT.number()], 0);
}

#[test]
fn a_change_to_v2_is_proven_by_the_size_of_a_token() {
    let builder =
        organization(ACCOUNTS, Duration::ZERO).account(10, |account| account.version = Some(TokenVersion::V2));
    let bench = Bench::new(builder.start());
    break_accounts(&bench);
    let run = bench.run("run", &[&APPLY[..], &["--debug", "-v"]].concat()).exits(3).agrees(TokenVersion::V2);
    is_as_expected(&run, "v2Token");
    let unchanged = &run.rows()[UNCHANGED];
    assert_eq!(cells(unchanged, &["outcome", "verified", "hint"]), ["unchanged", "", ""], "{unchanged:#?}");
    has_tokens(unchanged, [true; 3], "v2Token");
    assert_eq!(run.after.account(10).calls.global_assume_role, 1, "{run}");
}

#[test]
fn a_change_to_v1_is_proven_by_the_size_of_a_token() {
    let builder = organization(ACCOUNTS, Duration::ZERO).each_account(|account| {
        account.version = Some(if account.id().number() == 10 { TokenVersion::V1 } else { TokenVersion::V2 });
    });
    let bench = Bench::new(builder.start());
    break_accounts(&bench);
    let run = bench.run("run", &[&APPLY[..], &["--to=v1Token"]].concat()).exits(3).agrees(TokenVersion::V1);
    is_as_expected(&run, "v1Token");
    has_tokens(&run.rows()[UNCHANGED], [true; 3], "v1Token");
}

#[test]
fn a_rollback_is_proven_by_the_size_of_a_token() {
    let builder =
        organization(ACCOUNTS, Duration::ZERO).account(10, |account| account.version = Some(TokenVersion::V2));
    let bench = Bench::new(builder.start());
    bench.run("run", &["apply", "--yes", "--rate=0"]).exits(0).agrees(TokenVersion::V2);
    break_accounts(&bench);
    let arguments = ["rollback", "run", "--yes", "--rate=0", "--waves=100%", "--max-errors=100%", VERIFY];
    let back = bench.run("back", &arguments).exits(3);
    is_as_expected(&back, "v1Token");
    let skipped = &back.rows()[UNCHANGED];
    assert_eq!(
        cells(skipped, &["outcome", "error_code", "issued_version"]),
        ["skipped", "NotChanged", ""],
        "{skipped:#?}"
    );
}

/// A plan asks once, apart from retries. Whatever the global endpoint answers, the outcome and the exit code stay.
#[test]
fn a_plan_tells_what_is_issued() {
    let builder =
        organization(ACCOUNTS, Duration::ZERO).account(10, |account| account.version = Some(TokenVersion::V2));
    let bench = Bench::new(builder.start());
    break_accounts(&bench);
    let run = bench.run("plan", &["plan", "--rate=0", VERIFY, "--debug", "-v", "--max-attempts=3"]).exits(0);
    assert_eq!(run.calls(Operation::SetSecurityTokenServicePreferences), 0, "{run}");
    let rows = run.rows();
    for (number, (_, expected)) in (1..).zip(TABLE) {
        let row = &rows[&format!("{number:012}")];
        let known = expected.known;
        assert_eq!(
            cells(row, &["outcome", "error_code", "stage", "verified"]),
            ["would_change", "", "", ""],
            "{row:#?}"
        );
        has_tokens(row, known, "v1Token");
        assert_eq!(
            row["hint"].contains("the version that the global endpoint issues is not known: "),
            !known[0],
            "{row:#?}"
        );
        assert_eq!(row["hint"].is_empty(), known[0], "{row:#?}");
        assert_eq!(row["current_version"], "v1Token", "{row:#?}");
    }
    assert!(rows["000000000006"]["hint"].contains("AssumeRole failed with AccessDenied"), "{run}");
    let calls = |number: u64| run.after.account(number).calls.global_assume_role;
    assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, 9].map(calls), [1, 3, 2, 2, 1, 1, 1, 1, 3], "{run}");
    let codes = bench.run("codes", &["plan", "--rate=0", VERIFY, "--max-attempts=3", "--detailed-exitcode"]);
    assert_eq!(codes.code, 4, "{codes}");
}

/// A global endpoint that never answers costs a plan two attempts for each account, and nothing else.
#[test]
fn a_plan_survives_a_silent_global_endpoint() {
    let bench = Bench::new(
        organization(3, Duration::ZERO).each_account(|account| account.faults.global.reset = ALWAYS).start(),
    );
    let run = bench.run("plan", &["plan", "--rate=0", VERIFY]).exits(0);
    let row = &run.rows()["000000000001"];
    assert_eq!(row["outcome"], "would_change", "{run}");
    assert!(row["hint"].contains("ConnectionFailed"), "{row:#?}");
    assert_eq!(run.after.account(1).calls.global_assume_role, 2, "{run}");

    let hangs = organization(2, Duration::ZERO).account(1, |account| account.faults.global.hang = ALWAYS).start();
    let bench = Bench::new(hangs);
    let run = bench.run("plan", &["plan", "--rate=0", VERIFY, "--account-timeout=2s"]).exits(0);
    let row = &run.rows()["000000000001"];
    assert!(row["outcome"] == "would_change" && row["hint"].contains("AccountTimeout"), "{row:#?}");
    let run = bench.run("longer", &["plan", "--rate=0", VERIFY]).exits(0);
    let row = &run.rows()["000000000001"];
    assert!(row["outcome"] == "would_change" && row["hint"].contains("no answer within 6 s"), "{row:#?}");
}

/// After three accounts without an answer, and none before, the endpoint is not asked any more. Once it has answered, it is.
#[test]
fn a_global_endpoint_that_never_answered_is_given_up() {
    let silent = |answers: Option<u64>| {
        let builder = organization(11, Duration::ZERO).each_account(move |account| {
            if Some(account.id().number()) != answers {
                account.faults.global.reset = ALWAYS;
            }
        });
        Bench::new(builder.start())
    };
    let arguments = ["plan", "--rate=0", VERIFY, "--concurrency=1"];
    let warning = "the global STS endpoint did not answer in 3 accounts, and never before";
    let bench = silent(None);
    let run = bench.run("plan", &arguments).exits(0).says(&[warning, "https://sts.amazonaws.com"]);
    assert_eq!(run.stderr.matches(warning).count(), 1, "{run}");
    assert_eq!(run.after.fault("global_reset"), 3 * 2, "{run}");
    let rows = run.rows();
    let note = "the version that the global endpoint issues is not known: ";
    let of = |says: &str| rows.values().filter(|row| row["hint"].starts_with(&format!("{note}{says}"))).count();
    assert_eq!(
        (of("AssumeRole failed with ConnectionFailed"), of("the global endpoint did not answer")),
        (3, 7),
        "{run}"
    );
    assert!(rows.values().all(|row| row["outcome"] == "would_change"), "{run}");

    // Which account is the first depends on the plan, so this is the one that the run before asked first.
    let first = rows.values().find(|row| row["hint"].contains("ConnectionFailed")).expect("an account");
    let answers = first["account_id"].parse().expect("a number");
    let bench = silent(Some(answers));
    let run = bench.run("plan", &arguments).exits(0);
    assert!(!run.stderr.contains(warning), "{run}");
    assert_eq!(run.after.fault("global_reset"), 9 * 2, "{run}");

    // A proof is not given up: each change is asked about until its time is over.
    let bench = silent(None);
    let run = bench.run("run", &[&APPLY[..], &["--concurrency=11", "--account-timeout=8s"]].concat()).exits(3);
    assert!(!run.stderr.contains(warning), "{run}");
    assert!((1..=10).all(|number| run.after.account(number).calls.global_assume_role >= 3), "{run}");
}

/// Without sizes in both answers, the tokens themselves are as long as they are.
#[test]
fn lengths_count_where_no_answer_has_a_size() {
    let bench = Bench::new(organization(3, Duration::ZERO).token_sizes(TokenSizes::Absent).start());
    let plan = bench.run("plan", &["plan", "--rate=0", VERIFY]).exits(0);
    let says = "STS gave no token sizes, so the lengths of the tokens were compared";
    let row = &plan.rows()["000000000001"];
    has_tokens(row, [true; 3], "v1Token");
    assert_eq!(row["hint"], says, "{row:#?}");
    let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
    let row = &run.rows()["000000000001"];
    has_tokens(row, [true; 3], "v2Token");
    assert_eq!(cells(row, &["verified", "hint"]), ["token_size", says], "{row:#?}");
}

#[test]
fn a_long_session_policy_does_not_hide_the_difference() {
    let bench = Bench::new(organization(3, Duration::ZERO).start());
    let actions: Vec<String> = (0..60).map(|number| format!("\"iam:GetSomething{number:03}\"")).collect();
    let policy = format!(
        r#"{{"Statement":{{"Effect":"Allow","Action":["iam:GetAccountSummary","iam:SetSecurityTokenServicePreferences",{}],"Resource":"*"}}}}"#,
        actions.join(",")
    );
    let path = bench.folder.path().join("policy.json");
    std::fs::write(&path, policy).expect("a policy");
    let policy = format!("--session-policy=file://{}", path.display());
    let plan = bench.run("plan", &["plan", "--rate=0", VERIFY, &policy]).exits(0);
    let row = &plan.rows()["000000000001"];
    has_tokens(row, [true; 3], "v1Token");
    assert!(row["global_token_size"].parse::<u32>().expect("a size") > 1_500, "{row:#?}");
    let run = bench.run("run", &[&APPLY[..], &[&policy]].concat()).exits(0);
    has_tokens(&run.rows()["000000000001"], [true; 3], "v2Token");
}

#[test]
fn only_roles_in_partition_aws_are_compared() {
    for partition in ["aws-cn", "aws-us-gov", "aws-eusc"] {
        let bench = Bench::new(Organization::builder().accounts(3).unlimited().partition(partition).start());
        let note = format!("partition {partition} has no global STS endpoint");
        let plan = bench.run("plan", &["plan", "--rate=0", VERIFY]).exits(0).says(&[&note, "reads only the setting"]);
        let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2).says(&[&note]);
        let row = &run.rows()["000000000001"];
        assert_eq!(cells(row, &["outcome", "verified", "issued_version"]), ["changed", "setting", ""], "{row:#?}");
        assert!(row["hint"].contains("this partition has no global STS endpoint"), "{row:#?}");
        let calls = |run: &Run| run.calls(Operation::AssumeRole);
        assert_eq!((calls(&plan), calls(&run)), (2, 2), "{run}");
    }
    let bench = Bench::new(organization(3, Duration::ZERO).root_access(true).start());
    let run = bench.run("plan", &["plan", "--rate=0", "--access=assume-root", VERIFY]).exits(0);
    let row = &run.rows()["000000000001"];
    assert_eq!(row["issued_version"], "", "{row:#?}");
    assert!(row["hint"].contains("the global STS endpoint has no AssumeRoot"), "{row:#?}");
    assert_eq!(run.after.global_assume_roles, 0, "{run}");
}

#[test]
fn misspelt_values_are_refused_before_any_call() {
    let bench = Bench::new(organization(3, Duration::ZERO).start());
    for (option, says) in [
        ("--verify=tokens", "expected none, setting, token, or token=REGION"),
        ("--verify=Token", "expected none, setting, token, or token=REGION"),
        ("--verify=token=", "no Region"),
        ("--verify=token=global", "global"),
    ] {
        let run = bench.run("run", &["apply", "--yes", option]).exits(2).says(&[says]);
        assert_eq!((run.all_calls(), run.folder.exists()), (0, false), "{run}");
    }
}

/// Until the token is as long as the regional one, it is asked again.
#[test]
fn a_token_that_follows_late_is_awaited() {
    let bench = Bench::new(organization(4, NEVER).start());
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(|truth| truth.global_assume_roles >= 6);
    bench.organization.control(|world| world.set_issuance_lag(Duration::ZERO));
    let run = running.end().exits(0).agrees(TokenVersion::V2);
    for number in 1..=3 {
        let row = &run.rows()[&format!("{number:012}")];
        assert_eq!(row["verified"], "token_size", "{row:#?}");
        has_tokens(row, [true; 3], "v2Token");
        assert!(run.after.account(number).calls.global_assume_role >= 2, "{run}");
    }
}

#[test]
fn a_token_that_does_not_follow_in_time_is_unverified_and_retried() {
    let bench = Bench::new(organization(2, NEVER).start());
    let run = bench.run("run", &[&APPLY[..], &["--account-timeout=4s"]].concat()).exits(3).agrees(TokenVersion::V2);
    let row = &run.rows()["000000000001"];
    assert_eq!(
        cells(row, &["outcome", "error_code", "verified"]),
        ["unverified", "AccountTimeout", "setting"],
        "{row:#?}"
    );
    assert!(row["error_message"].contains("the global endpoint still issues v1Token"), "{row:#?}");
    has_tokens(row, [true; 3], "v1Token");
    let retry = ["resume", "run", "--yes", "--retry-failed"];
    bench.again("run", &retry).exits(3);
    // What a later plan finds out counts when the runs are merged.
    bench.organization.control(|world| world.set_issuance_lag(Duration::ZERO));
    bench.run("plan", &["plan", "--rate=0", VERIFY]).exits(0);
    let merged = bench.again("none", &["report", "run", "plan", "--output=csv"]).exits(0);
    assert!(merged.stdout.contains(",token_size,v2Token,"), "{merged}");
    let proven = bench.again("run", &retry).since(run.before).exits(0).agrees(TokenVersion::V2);
    let row = &proven.rows()["000000000001"];
    assert_eq!(
        cells(row, &["outcome", "verified", "issued_version"]),
        ["changed", "token_size", "v2Token"],
        "{row:#?}"
    );
    assert_eq!(proven.after.account(1).sets_received, 1, "{proven}");
}

/// A throttle or a refusal does not take away what the comparisons before it showed.
#[test]
fn what_was_compared_stays_if_later_attempts_fail() {
    let bench = Bench::new(organization(4, NEVER).start());
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(|truth| [1, 2, 3].iter().all(|number| truth.account(*number).calls.global_assume_role >= 1));
    bench.organization.control(|world| {
        world.account_mut(1_u64).faults.global.throttle = ALWAYS;
        world.account_mut(2_u64).faults.global.denied = true;
    });
    let run = running.end().exits(3).agrees(TokenVersion::V2);
    let shown = "the setting was read back, but by the size of its token, the global endpoint still issues v1Token";
    for (number, later) in [
        (1, "; the last attempts failed: AssumeRole failed with Throttling"),
        (2, "; the last attempts failed: AssumeRole failed with AccessDenied"),
        (3, ""),
    ] {
        let row = &run.rows()[&format!("{number:012}")];
        assert_eq!(
            cells(row, &["outcome", "error_code", "verified"]),
            ["unverified", "IssuedVersionDiffers", "setting"],
            "{row:#?}"
        );
        has_tokens(row, [true; 3], "v1Token");
        let message = &row["error_message"];
        assert!(message.starts_with(&format!("{shown}{later}")), "{row:#?}");
        assert_eq!(message == shown, later.is_empty(), "{row:#?}");
    }
    assert!(run.after.account(2).calls.global_assume_role < 8, "a refusal ends the polls: {run}");
}

#[test]
fn a_run_killed_while_tokens_are_compared_is_resumed() {
    let bench = Bench::new(organization(5, NEVER).start());
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(|truth| truth.global_assume_roles >= 4);
    let before = running.kill();
    bench.organization.control(|world| world.set_issuance_lag(Duration::ZERO));
    let resumed = bench.again("run", &["resume", "run", "--yes"]).since(before).exits(0).agrees(TokenVersion::V2);
    for (id, row) in resumed.rows() {
        let expected = if id == MANAGEMENT_ACCOUNT.to_string() { "setting" } else { "token_size" };
        assert_eq!(row["verified"], expected, "{row:#?}");
    }
}

/// With such a configuration, the calls for the global endpoint would get to another one, whose long tokens would look like a proof.
#[test]
fn a_configuration_without_the_global_endpoint_is_refused() {
    let mut bench = Bench::new(organization(3, NEVER).start());
    let mut running = Running::start(&bench, "killed", &APPLY);
    running.until(|truth| truth.global_assume_roles >= 1);
    running.kill();
    bench.env("AWS_USE_FIPS_ENDPOINT", "true");
    let says = "--verify token: the global STS endpoint is no FIPS endpoint";
    for arguments in [&["plan", VERIFY][..], &["apply", "--yes", VERIFY]] {
        let run = bench.run("run", arguments).exits(1).says(&[says]);
        assert!(!run.touched_accounts() && !run.folder.exists(), "{run}");
    }
    let run = bench.again("killed", &["resume", "killed", "--yes"]).exits(1).says(&[says]);
    assert!(!run.touched_accounts(), "{run}");
    let checked = bench.again("none", &["doctor", "--verify=token"]).exits(1);
    assert!(checked.stdout.contains("the global STS endpoint is no FIPS endpoint"), "{checked}");
    let checked = bench.again("none", &["doctor"]).exits(0);
    assert!(checked.stdout.contains("the sizes of tokens are not compared"), "{checked}");
    bench.without_env("AWS_USE_FIPS_ENDPOINT");
    bench.organization.control(|world| world.set_issuance_lag(Duration::ZERO));
    bench.again("killed", &["resume", "killed", "--yes"]).exits(0);
}

/// A server in front of the Regional endpoint of us-east-1 gets both calls, signed for the same Region. In this world, where tokens never
/// follow the setting, each change would look proven.
#[test]
fn an_own_endpoint_in_the_region_of_the_global_one_is_refused() {
    let bench = Bench::new(organization(3, NEVER).region("us-east-1").opt_in_region("ap-east-1").start());
    let says = "--verify token: http://";
    let why = "in Region us-east-1 it can't tell the calls for the global endpoint from the others: choose another Region with --region";
    for arguments in
        [&["plan", VERIFY][..], &["apply", "--yes", VERIFY], &["apply", "--yes", "--verify=token=ap-east-1"]]
    {
        let run = bench.run("run", arguments).exits(1).says(&[says, why]);
        assert!(!run.touched_accounts() && !run.folder.exists(), "{run}");
    }
    let checked = bench.again("none", &["doctor", VERIFY]).exits(1);
    assert!(checked.stdout.contains(why), "{checked}");
    let checked = bench.again("none", &["doctor"]).exits(0);
    assert!(
        checked.stdout.contains("the sizes of tokens are not compared") && checked.stdout.contains(why),
        "{checked}"
    );
    bench.run("run", &["apply", "--yes"]).exits(0);
}
