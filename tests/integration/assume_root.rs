//! `--access assume-root`: plans without a role in the accounts.

use v2token_simulator::{
    AccountId, AccountState, Builder, Caller, MANAGEMENT_ACCOUNT, Operation, Organization, Role, RootAccess,
    TokenVersion, Trusted,
};

use crate::harness::{Bench, Run};

const PLAN: [&str; 3] = ["plan", "--rate=0", "--access=assume-root"];
const MANAGEMENT: &str = "000000000100";

/// Accounts without any role.
fn roleless(access: impl Into<RootAccess>) -> Builder {
    let builder = Organization::builder().accounts(8).unlimited().root_access(access);
    builder.each_account(|account| account.role.exists = false)
}

/// The operations that a run called, and how often.
fn called(run: &Run) -> Vec<(Operation, u64)> {
    let all = Operation::ALL.iter().map(|operation| (*operation, run.calls(*operation)));
    all.filter(|(_, count)| *count > 0).collect()
}

#[test]
fn accounts_without_a_role_are_read_with_two_calls_each() {
    let builder = roleless(true).account(3, |account| account.version = Some(TokenVersion::V2));
    let bench = Bench::new(builder.account(4, |account| account.state = AccountState::Suspended).start());
    let run = bench.run("run", &PLAN).exits(0).agrees(TokenVersion::V2);
    let outcomes = run.outcomes();
    assert_eq!((outcomes["would_change"], outcomes["unchanged"], outcomes["skipped"]), (6, 1, 1), "{run}");
    let expected = [
        (Operation::DescribeOrganization, 1),
        (Operation::ListAccounts, 1),
        // For the names of OUs.
        (Operation::ListRoots, 1),
        (Operation::AssumeRoot, 6),
        // One for the caller's identity, and one for the management account, which is read with the caller's own credentials.
        (Operation::GetCallerIdentity, 2),
        (Operation::GetAccountSummary, 7),
    ];
    assert_eq!(called(&run), expected, "{run}");
    let root = &run.after.callers["root"];
    assert_eq!(root.keys().copied().collect::<Vec<_>>(), [Operation::GetAccountSummary], "{root:?}");
    assert_eq!(run.rows()["000000000001"]["role_arn"], "arn:aws:iam::000000000001:root", "{run}");
    assert_eq!(run.rows()[MANAGEMENT]["role_arn"], "", "{run}");
}

#[test]
fn members_fail_without_root_access() {
    for access in [RootAccess::Off, RootAccess::NoTrustedAccess] {
        let bench = Bench::new(roleless(access).start());
        let run = bench.run("run", &PLAN).exits(3).agrees(TokenVersion::V2);
        assert_eq!((run.outcomes()["failed"], run.outcomes()["would_change"]), (7, 1), "{run}");
        let row = &run.rows()["000000000001"];
        assert_eq!((row["stage"].as_str(), row["error_code"].as_str()), ("assume", "AccessDenied"), "{row:?}");
        assert!(row["hint"].contains("v2token doctor --access assume-root"), "{row:?}");
        assert_eq!(run.calls(Operation::AssumeRole), 0, "no role is tried instead\n{run}");
    }
}

#[test]
fn the_management_account_refuses_assume_root() {
    let why = |run: &Run| {
        let row = &run.rows()[MANAGEMENT];
        assert_eq!((row["outcome"].as_str(), row["stage"].as_str()), ("skipped", "select"), "{run}");
        assert_eq!(row["error_code"], "ManagementAccount", "{run}");
        row["error_message"].clone()
    };
    let delegated = Caller::DelegatedAdministrator(AccountId::new(5));
    let bench = Bench::new(roleless(true).caller(delegated).start());
    let run = bench.run("delegated", &PLAN).exits(0).agrees(TokenVersion::V2);
    assert!(why(&run).contains("AssumeRoot can't enter the management account"), "{run}");
    assert_eq!(run.after.account(MANAGEMENT).calls.assume_root, 0, "{run}");
    assert_eq!(run.calls(Operation::AssumeRoot), 7, "its own account is entered this way too\n{run}");

    let bench = Bench::new(roleless(true).start());
    for how in ["role", "skip"] {
        let run = bench.run(how, &[&PLAN[..], &["--management-account", how]].concat()).exits(0);
        let expected = if how == "skip" { "--management-account skip" } else { "--management-account own" };
        assert!(why(&run.agrees(TokenVersion::V2)).contains(expected), "{how}");
    }
}

#[test]
fn callers_without_permission_are_refused() {
    let no_root = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "sts:AssumeRoot", "Resource": "*"}]}"#;
    let bench = Bench::new(roleless(true).caller_policy(no_root).start());
    let run = bench.run("run", &PLAN).exits(3).agrees(TokenVersion::V2);
    assert!(run.rows()["000000000001"]["hint"].contains("allowed sts:AssumeRoot"), "{run}");
    let bench = Bench::new(roleless(true).caller(Caller::Member(AccountId::new(5))).start());
    bench.run("run", &PLAN).exits(1).attempted_nothing("organizations:ListAccounts");
}

/// Centralized root access may be delegated to a role of `--via-role`.
#[test]
fn assume_root_works_through_via_role() {
    const HUB: &str = "arn:aws:iam::000000000100:role/platform/Hub";
    let builder = roleless(true).account(MANAGEMENT_ACCOUNT, |account| {
        let trusts = vec![Trusted::Account(MANAGEMENT_ACCOUNT)];
        account.other_roles.push(Role { trusts, ..Role::named("platform/Hub") });
    });
    let bench = Bench::new(builder.start());
    let run = bench.run("run", &[&PLAN[..], &["--via-role", HUB]].concat()).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.after.callers["role/platform/Hub"][&Operation::AssumeRoot], 7, "{run}");
    assert!(!run.after.callers["user/operator"].contains_key(&Operation::AssumeRoot), "{run}");
}

/// A plan that was made with AssumeRoot is applied through the role.
#[test]
fn an_assume_root_plan_is_applied_through_the_role() {
    let builder = Organization::builder().accounts(8).unlimited().root_access(true);
    let bench = Bench::new(builder.account(2, |account| account.version = Some(TokenVersion::V2)).start());
    bench.run("plan", &PLAN).exits(0);
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--plan=plan"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!((run.outcomes()["changed"], run.outcomes()["skipped"]), (7, 1), "{run}");
    assert_eq!(run.calls(Operation::AssumeRoot), 0, "{run}");
}

#[test]
fn unsupported_combinations_are_refused_before_the_first_call() {
    let bench = Bench::new(roleless(true).start());
    let root = "--access=assume-root";
    for (arguments, says) in [
        (&["apply", "--yes", root][..], "--access assume-root can only read"),
        (&["plan", root, "--role=Audit"], "--role has no meaning with --access assume-root"),
        (&["plan", root, "--external-id=SIMSECRET-x"], "--external-id has no meaning"),
        (&["plan", root, "--session-name=me"], "--session-name has no meaning"),
        (&["plan", root, "--source-identity=me"], "--source-identity has no meaning"),
        (&["plan", root, "--session-policy=none"], "--session-policy has no meaning"),
        (&["plan", root, "--session-duration=1h"], "lasts 900 s at most"),
        (&["plan", "--access=root"], "assume-root"),
    ] {
        let run = bench.run("refused", arguments).exits(2).says(&[says]);
        assert!(run.all_calls() == 0 && run.stdout.is_empty() && !run.folder.exists(), "{run}");
    }
    // A dry run only reads.
    let run = bench.run("dry", &["apply", "--dry-run", "--rate=0", root]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.calls(Operation::AssumeRoot), 7, "{run}");
    let run = bench.run("dry-role", &["apply", "--dry-run", root, "--role=Audit"]).exits(2);
    run.says(&["--role has no meaning with --access assume-root"]);
}

/// Neither a rollback nor the resumption of a rollout can use it.
#[test]
fn rollback_and_resume_refuse_assume_root() {
    let bench = Bench::new(Organization::builder().accounts(8).unlimited().root_access(true).start());
    bench.run("run", &["apply", "--yes", "--rate=0", "--account=000000000001"]).exits(0);
    let run = bench.run("back", &["rollback", "run", "--yes", "--access=assume-root"]).exits(2);
    let run = run.says(&["--access assume-root can only read"]);
    assert!(run.all_calls() == 0 && !run.folder.exists(), "{run}");
    let run = bench.again("run", &["resume", "run", "--access=assume-root"]).exits(2);
    assert_eq!(run.says(&["--access belongs to the run that is resumed"]).all_calls(), 0);
}
