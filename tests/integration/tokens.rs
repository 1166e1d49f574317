//! `--verify token=REGION`: after the read-back, a token of the global STS endpoint is used in an opt-in Region.

use std::time::Duration;

use v2token_simulator::{Builder, MANAGEMENT_ACCOUNT, Operation, Organization, Service, TokenVersion, Truth};

use crate::credentials::{from_a_process, without_keys};
use crate::harness::{Bench, Run, accounts_with};
use crate::running::Running;

const ACCOUNTS: usize = 8;
const REGION: &str = "ap-east-1";
/// Longer than any visit, so that tokens never follow the setting.
const NEVER: Duration = Duration::from_mins(10);

/// An organization in which 4 is on v2 already.
fn organization(accounts: usize, lag: Duration) -> Builder {
    let builder = Organization::builder().accounts(accounts).unlimited().opt_in_region(REGION).global_sts(lag);
    builder.each_account(|account| {
        if account.id().number() == 4 {
            account.version = Some(TokenVersion::V2);
        }
    })
}

/// How many tokens were refused in the opt-in Region.
fn refused(truth: &Truth) -> u64 {
    truth.operation(Operation::GetCallerIdentity).errors.get("InvalidClientTokenId").copied().unwrap_or_default()
}

/// From now on tokens follow the setting immediately.
fn catch_up(bench: &Bench) {
    bench.organization.control(|world| world.set_issuance_lag(Duration::ZERO));
}

const APPLY: [&str; 4] = ["apply", "--yes", "--rate=0", "--waves=100%"];
const PROVE: &str = "--verify=token=ap-east-1";

fn apply(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run("run", &[&APPLY[..], arguments].concat())
}

/// The column `verified` of all accounts, in the order of the ids; the management account is last.
fn verified(run: &Run) -> Vec<String> {
    run.rows().into_values().map(|row| row["verified"].clone()).collect()
}

const PROVEN: [&str; ACCOUNTS] = ["token", "token", "token", "", "token", "token", "token", "setting"];

#[test]
fn a_change_is_verified_with_a_token_of_the_global_endpoint() {
    let bench = Bench::new(organization(ACCOUNTS, NEVER).start());
    let mut running = Running::start(&bench, "run", &[&APPLY[..], &[PROVE, "-v", "--debug"]].concat());
    running.until(|truth| refused(truth) >= 6);
    catch_up(&bench);
    let run = running.end().exits(0).agrees(TokenVersion::V2);
    // 4 needs no change, and the caller's own account has no role for a session.
    assert_eq!(verified(&run), PROVEN, "{run}");
    let text = std::fs::read_to_string(run.folder.join("report.json")).expect("a report");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let of = |index: usize| document["accounts"][index]["verified"].as_str();
    assert_eq!([of(0), of(3), of(7)], [Some("token"), None, Some("setting")], "{document:#}");

    for account in &run.after.accounts {
        let calls = account.calls;
        if account.id == MANAGEMENT_ACCOUNT || account.id.number() == 4 {
            assert_eq!(calls.global_assume_role, 0, "{account:?}");
        } else {
            assert_eq!(calls.assume_role - calls.global_assume_role, 1, "the visit itself is regional: {account:?}");
            assert!(calls.global_assume_role >= 2, "the first token was still of version 1: {account:?}");
        }
    }

    let shown = bench.again("run", &["report", "run", "--output=csv"]).exits(0);
    assert_eq!(shown.stdout, std::fs::read_to_string(run.folder.join("report.csv")).expect("a report"));
}

#[test]
fn a_token_that_does_not_follow_in_time_is_unverified() {
    let bench = Bench::new(organization(2, NEVER).start());
    let arguments = [PROVE, "--account-timeout=4s", "--max-errors=100%", "--debug"];
    let run = apply(&bench, &arguments).exits(3).agrees(TokenVersion::V2);
    let row = &run.rows()["000000000001"];
    let cells = [&row["outcome"], &row["stage"], &row["verified"], &row["current_version"]].map(String::as_str);
    assert_eq!(cells, ["unverified", "verify", "setting", "v2Token"], "{row:#?}");
    assert!(row["error_message"].contains("InvalidClientTokenId"), "{row:#?}");

    // The setting alone is not enough, so a retry verifies the token too.
    let again = ["resume", "run", "--yes", "--retry-failed"];
    let later = bench.again("run", &again);
    let row = &later.rows()["000000000001"];
    let cells = [&row["outcome"], &row["stage"]].map(String::as_str);
    assert_eq!((cells, later.code), (["unverified", "verify"], 3), "{later}\n{row:#?}");
    catch_up(&bench);
    let proven = bench.again("run", &again).since(run.before).exits(0).agrees(TokenVersion::V2);
    assert_eq!(verified(&proven), ["token", "setting"], "{proven}");
    assert_eq!(proven.after.account(1).sets_received, 1, "it is not set a second time\n{proven}");
}

#[test]
fn a_run_killed_while_verifying_tokens_is_resumed() {
    let bench = Bench::new(organization(ACCOUNTS, NEVER).start());
    let mut running = Running::start(&bench, "run", &[&APPLY[..], &[PROVE]].concat());
    running.until(|truth| refused(truth) >= 6);
    let before = running.kill();
    catch_up(&bench);
    let resumed = bench.again("run", &["resume", "run", "--yes"]).since(before).exits(0).agrees(TokenVersion::V2);
    assert_eq!(accounts_with(&resumed.rows(), "changed").len(), ACCOUNTS - 1, "{resumed}");
    assert_eq!(verified(&resumed), PROVEN, "{resumed}");
}

/// Renewed credentials are used for the token verification too.
#[test]
fn renewed_base_credentials_verify_tokens() {
    let builder = organization(40, Duration::ZERO).base_session(true).base_credentials_expire_after(20);
    let mut bench = Bench::new(builder.start());
    without_keys(&mut bench);
    from_a_process(&mut bench, "default");
    let run = apply(&bench, &[PROVE, "--concurrency=4"]).exits(0).agrees(TokenVersion::V2);
    assert!(run.after.operation(Operation::AssumeRole).refused() > 0, "they did not end\n{run}");
    assert_eq!(accounts_with(&run.rows(), "changed").len(), 39, "{run}");
}

#[test]
fn the_global_endpoint_is_called_only_with_verify_token() {
    let bench = Bench::new(organization(ACCOUNTS, Duration::ZERO).start());
    let plan = bench.run("plan", &["plan", "--rate=0", PROVE]).exits(0);
    assert_eq!(plan.calls(Operation::SetSecurityTokenServicePreferences), 0, "{plan}");
    let applied = apply(&bench, &[]).exits(0).agrees(TokenVersion::V2);
    let text = std::fs::read_to_string(applied.folder.join("report.csv")).expect("a report");
    assert!(!text.lines().next().is_some_and(|header| header.contains("verified")), "{text}");
    let back = bench.run("back", &["rollback", "run", "--yes", "--rate=0"]).exits(0);
    assert_eq!(back.after.global_assume_roles, 0, "{back}");
    let regions: Vec<&String> = back.after.signing_regions[&Service::Sts].keys().collect();
    assert_eq!(regions, ["eu-west-1"], "{back}");
}

#[test]
fn unsuitable_token_verification_is_refused() {
    let bench = Bench::new(organization(ACCOUNTS, Duration::ZERO).start());
    apply(&bench, &[]).exits(0);
    let table: [(&[&str], i32, &str); 7] = [
        (&["apply", "--verify=token=eu-west-1"], 2, "proves nothing"),
        (&["apply", "--verify=token=us-east-1"], 2, "proves nothing"),
        (&["apply", "--verify=token=ap-eats-1"], 2, "did you mean ap-east-1?"),
        (&["apply", "--verify=token="], 2, "--verify"),
        (&["apply", "--verify=token=cn-north-1"], 2, "partition aws-cn"),
        (&["apply", "--verify=token=ap-east-1", "--to=v1Token"], 2, "v1Token is asked for"),
        (&["rollback", "run", "--verify=token=ap-east-1"], 2, "--verify token=REGION"),
    ];
    for (arguments, code, words) in table {
        let run = bench.run("refused", &[arguments, &["--yes"]].concat()).exits(code).says(&[words]);
        assert_eq!((run.all_calls(), run.folder.exists()), (0, false), "{run}");
    }

    let china = Bench::new(Organization::builder().partition("aws-cn").region("cn-north-1").start());
    china.run("refused", &["apply", "--yes", PROVE]).exits(1).attempted_nothing("no global STS endpoint");
}
