//! The options of access: roles, external ids, the management account and endpoints.

mod inherited;
mod mfa;
mod session;
mod via_role;

use v2token_simulator::{
    Builder, Caller, MANAGEMENT_ACCOUNT, Operation, Organization, Role, SECRET_MARKER, TokenVersion,
};

use crate::harness::{Bench, Run};

const ROLE: &str = "ops/rollout/TokenRole";
const MANAGEMENT: &str = "000000000100";

fn six() -> Builder {
    Organization::builder().accounts(6).unlimited()
}

/// An organization in which every account, the management account included, has only this role.
fn with_role(name: &'static str) -> Builder {
    six().each_account(move |account| account.role = Role::named(name))
}

/// An external id with the secret marker.
fn external_id(of: &str) -> String {
    format!("{SECRET_MARKER}-external-id-of:{of}/x")
}

fn apply(bench: &Bench, name: &str, arguments: &[&str]) -> Run {
    bench.run(name, &[&["apply", "--yes", "--rate=0", "--max-errors=100%"], arguments].concat())
}

/// Fails unless all six accounts were changed.
fn changed_all(run: Run) -> Run {
    let run = run.exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 6, "{run}");
    run
}

/// Fails unless these accounts failed at AssumeRole with this hint and were not changed.
fn kept_out(run: Run, ids: &[&str], hint: &str) -> Run {
    let run = run.exits(3).agrees(TokenVersion::V2);
    let rows = run.rows();
    let failed: Vec<&str> =
        rows.iter().filter(|(_, row)| row["outcome"] == "failed").map(|(id, _)| id.as_str()).collect();
    assert_eq!(failed, ids, "{run}");
    for id in ids {
        let row = &rows[*id];
        assert_eq!((row["stage"].as_str(), row["error_code"].as_str()), ("assume", "AccessDenied"), "{row:?}");
        assert!(row["hint"].contains(hint), "{hint}: {row:?}");
    }
    run
}

const MEMBERS: [&str; 5] = ["000000000001", "000000000002", "000000000003", "000000000004", "000000000005"];

#[test]
fn role_takes_a_name_a_path_or_an_arn() {
    let table = [
        ("TokenRole", "TokenRole", "role/TokenRole"),
        (ROLE, ROLE, "role/ops/rollout/TokenRole"),
        (ROLE, "/ops/rollout/TokenRole", "role/ops/rollout/TokenRole"),
        (ROLE, "arn:{partition}:iam::{account_id}:role/ops/rollout/TokenRole", "role/ops/rollout/TokenRole"),
        (ROLE, "arn:aws:iam::{account_id}:role/ops/rollout/TokenRole", "role/ops/rollout/TokenRole"),
    ];
    for (index, (exists, given, tail)) in table.into_iter().enumerate() {
        let bench = Bench::new(with_role(exists).start());
        let run = changed_all(apply(&bench, &format!("run-{index}"), &["--role", given]));
        for id in MEMBERS {
            assert_eq!(run.rows()[id]["role_arn"], format!("arn:aws:iam::{id}:{tail}"), "{given}\n{run}");
        }
    }
    let bench = Bench::new(with_role(ROLE).start());
    kept_out(apply(&bench, "without-path", &["--role=TokenRole"]), &MEMBERS, "check that TokenRole exists");
}

/// Some landing zones have the account id in the role's name.
#[test]
fn a_role_may_have_the_account_id_in_its_name() {
    let builder = six().each_account(|account| account.role = Role::named(&format!("p/Token-{}", account.id())));
    let bench = Bench::new(builder.start());
    for (name, role) in
        [("name", "p/Token-{account_id}"), ("arn", "arn:{partition}:iam::{account_id}:role/p/Token-{account_id}")]
    {
        let run = bench.run(name, &["plan", "--role", role]).exits(0).agrees(TokenVersion::V2);
        assert_eq!(run.rows()[MEMBERS[0]]["role_arn"], "arn:aws:iam::000000000001:role/p/Token-000000000001", "{run}");
    }
}

/// The columns `role` and `external_id` of the file apply to single accounts; empty cells mean the general setting.
#[test]
fn an_account_may_have_a_role_and_an_external_id_of_its_own() {
    let own = external_id("three");
    let all = external_id("all");
    let (wanted, wanted_by_all) = (own.clone(), all.clone());
    let builder = with_role("TokenRole")
        .each_account(move |account| account.role.external_id = Some(wanted_by_all.clone()))
        .account(2, |account| account.role.name = "ops/Special".to_owned())
        .account(3, move |account| account.role.external_id = Some(wanted.clone()))
        .account(4, |account| account.role.name = "Other".to_owned());
    let bench = Bench::new(builder.start());
    let text = format!(
        "\u{feff}account_id;role;external_id\r\n000000000001;;\r\n000000000002;ops/Special;\r\n\
         000000000003;;{own}\r\n000000000004;arn:aws:iam::000000000004:role/Other;\r\n"
    );
    std::fs::write(bench.folder.path().join("accounts.csv"), text).expect("a writable folder");
    let arguments = ["--accounts-from=accounts.csv", "--role=TokenRole", "--external-id", &all];
    let run = apply(&bench, "run", &arguments).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 4, "{run}");
    for (id, role) in [("1", "TokenRole"), ("2", "ops/Special"), ("3", "TokenRole"), ("4", "Other")] {
        let id = format!("{id:0>12}");
        assert_eq!(run.rows()[&id]["role_arn"], format!("arn:aws:iam::{id}:role/{role}"), "{run}");
    }

    // A rollback uses the same roles, and needs the external ids again, which are not stored.
    let rollback = ["rollback", "run", "--yes", "--rate=0"];
    let run = bench.run("none", &rollback).exits(2);
    let run = run.attempted_nothing("which is not stored: give it again with --external-id");
    assert_eq!(run.all_calls(), 0, "{run}");
    let run = bench.run("half", &[&rollback[..], &["--external-id", &all]].concat()).exits(2);
    run.attempted_nothing("external ids of single accounts, such as 000000000003");
    let arguments = [&rollback[..], &["--external-id", &all, "--accounts-from=accounts.csv"]].concat();
    let run = bench.run("undone", &arguments).exits(0);
    assert_eq!(run.outcomes()["changed"], 4, "{run}");
    assert_eq!(run.after.with_version(TokenVersion::V2), 0);
}

#[test]
fn the_external_id_must_match() {
    let id = external_id("all");
    let wanted = id.clone();
    let builder = six().each_account(move |account| account.role.external_id = Some(wanted.clone()));
    let mut bench = Bench::new(builder.start());
    let wrong = external_id("nobody");
    kept_out(apply(&bench, "wrong", &["--external-id", &wrong]), &MEMBERS, "the external id, if it asks for one");
    kept_out(apply(&bench, "missing", &[]), &MEMBERS, "the external id, if it asks for one");
    let run = apply(&bench, "no-id", &["--external-id", &format!("{SECRET_MARKER} with a space")]).exits(2);
    let run = run.attempted_nothing("--external-id: expected 2 to 1224 letters");
    assert_eq!(run.all_calls(), 0, "{run}");

    // It may be given later: a run without one is resumed with one.
    let resume = ["resume", "missing", "--retry-failed", "--yes", "--rate=0", "--max-errors=100%"];
    let run = bench.again("missing", &[&resume[..], &["--external-id", &id]].concat()).exits(0);
    assert_eq!((run.outcomes()["changed"], run.outcomes()["unchanged"]), (5, 1), "{run}");
    bench.env("V2TOKEN_EXTERNAL_ID", &id);
    let run = apply(&bench, "by-variable", &["--to=v1Token"]).exits(0).agrees(TokenVersion::V1);
    assert_eq!(run.outcomes()["changed"], 6, "{run}");
}

#[test]
fn a_run_with_an_external_id_needs_it_for_resume() {
    let id = external_id("all");
    let wanted = id.clone();
    let builder = six()
        .each_account(move |account| account.role.external_id = Some(wanted.clone()))
        .account(3, |account| account.faults.deny_set = true);
    let bench = Bench::new(builder.start());
    apply(&bench, "run", &["--external-id", &id]).exits(3);
    bench.organization.control(|world| world.account_mut(3).faults.deny_set = false);
    let resume = ["resume", "run", "--retry-failed", "--yes", "--rate=0"];
    let run = bench.again("run", &resume).exits(2);
    let run = run.says(&["nothing was attempted by this resume", "give it again with --external-id"]);
    assert_eq!(run.all_calls(), 0, "{run}");
    let run = bench.again("run", &[&resume[..], &["--external-id", &external_id("nobody")]].concat()).exits(3);
    assert_eq!(run.calls(Operation::SetSecurityTokenServicePreferences), 0, "{run}");
    let run = bench.again("run", &[&resume[..], &["--external-id", &id]].concat()).exits(0);
    assert_eq!(run.calls(Operation::SetSecurityTokenServicePreferences), 1, "{run}");
    assert_eq!(run.outcomes()["changed"], 6, "the report is of all processes\n{run}");
}

#[test]
fn management_account_option_is_respected() {
    // Without a role it can be visited only with the caller's own credentials.
    let bench = Bench::new(six().start());
    let run = changed_all(apply(&bench, "own", &[]));
    assert_eq!(run.rows()[MANAGEMENT]["role_arn"], "", "{run}");
    assert_eq!(run.after.account(MANAGEMENT).calls.assume_role, 0, "{run}");
    let run = apply(&bench, "role", &["--management-account=role", "--to=v1Token"]).exits(3).agrees(TokenVersion::V1);
    let row = &run.rows()[MANAGEMENT];
    assert_eq!((row["outcome"].as_str(), row["error_code"].as_str()), ("failed", "AccessDenied"), "{run}");
    assert!(row["hint"].contains("--management-account own") && row["hint"].contains("skip"), "{row:?}");
    let run = apply(&bench, "skip", &["--management-account=skip"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.rows()[MANAGEMENT]["error_code"], "ManagementAccount", "{run}");

    let bench = Bench::new(six().account(MANAGEMENT_ACCOUNT, |account| account.role.exists = true).start());
    let run = changed_all(apply(&bench, "role", &["--management-account=role"]));
    assert!(run.rows()[MANAGEMENT]["role_arn"].ends_with(":role/OrganizationAccountAccessRole"), "{run}");
    assert_eq!(run.after.account(MANAGEMENT).calls.assume_role, 1, "{run}");

    // A delegated administrator is not in the management account.
    let delegated = Caller::DelegatedAdministrator(2.into());
    let bench = Bench::new(six().caller(delegated).start());
    let run = kept_out(apply(&bench, "delegated", &[]), &[MANAGEMENT], "--management-account skip");
    assert_eq!(run.after.account(2).calls.assume_role, 1, "its own account is entered through the role\n{run}");
}

#[test]
fn endpoint_url_serves_all_services_and_wins_over_the_environment() {
    let mut bench = Bench::new(six().start());
    let endpoint = bench.organization.endpoint();
    // An address without a listener.
    bench.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let run = changed_all(apply(&bench, "run", &["--endpoint-url", &endpoint]));
    assert_eq!(run.rows()[MEMBERS[0]]["sts_endpoint"], endpoint, "{run}");
    let run = bench.run("none", &["plan", "--max-attempts=1"]).exits(1);
    run.attempted_nothing("ConnectionFailed");
}
