//! `apply --plan` and `resume` take the access settings of the earlier run, unless they are given again.

use super::{ROLE, apply, external_id, kept_out, six, with_role};
use crate::harness::{Bench, Run};

/// An organization in which one account has a role of its own, which asks for an external id.
fn one_apart(id: u32) -> Bench {
    Bench::new(
        six()
            .account(v2token_simulator::AccountId::new(id.into()), |account| {
                account.role = v2token_simulator::Role::named(ROLE);
                account.role.external_id = Some(external_id("one"));
            })
            .start(),
    )
}

fn file(bench: &Bench, name: &str, text: &str) -> String {
    let path = bench.folder.path().join(name);
    std::fs::write(&path, text).expect("a writable folder");
    format!("--accounts-from={}", path.display())
}

fn changed(run: Run, accounts: usize) -> Run {
    let run = run.exits(0);
    assert_eq!(run.outcomes().get("changed"), Some(&accounts), "{run}");
    run
}

#[test]
fn a_plan_is_applied_with_its_access_settings() {
    let bench = Bench::new(with_role(ROLE).start());
    let role = format!("--role={ROLE}");
    let plan = bench.run("plan", &["plan", "--rate=0", &role]).exits(0);
    let plan = format!("--plan={}", plan.folder.display());
    changed(apply(&bench, "apply", &[&plan]), 6);
    // A given option is used, also if it is wrong.
    let plan = bench.run("back", &["plan", "--to=v1Token", "--rate=0", &role]).exits(0);
    let plan = format!("--plan={}", plan.folder.display());
    apply(&bench, "other", &["--to=v1Token", "--role=Nobody", &plan]).exits(3);
}

#[test]
fn a_plan_with_external_ids_needs_them_again() {
    let bench = one_apart(3);
    let text = format!("account_id,role,external_id\n000000000003,{ROLE},{}\n000000000004,,\n", external_id("one"));
    let named = file(&bench, "named.csv", &text);
    let plan = bench.run("plan", &["plan", "--rate=0", &named]).exits(0);
    let plan = format!("--plan={}", plan.folder.display());
    apply(&bench, "without", &[&plan]).exits(2).attempted_nothing("give the file again with --accounts-from");
    changed(apply(&bench, "with", &[&plan, &named]), 2);
}

#[test]
fn a_resume_takes_corrected_roles_from_the_file() {
    let bench = one_apart(3);
    let id = external_id("one");
    let wrong = file(&bench, "wrong.csv", &format!("account_id,role,external_id\n000000000003,Wrong,{id}\n"));
    let right = file(&bench, "right.csv", &format!("account_id,role,external_id\n000000000003,{ROLE},{id}\n"));
    let run = kept_out(apply(&bench, "run", &[&wrong]), &["000000000003"], "Wrong");
    drop(run);
    changed(bench.again("run", &["resume", "run", "--retry-failed", "--yes", &right]), 1);
}

#[test]
fn contradicting_files_are_refused_and_others_are_merged() {
    let bench = one_apart(3);
    let id = external_id("one");
    let full = file(&bench, "full.csv", &format!("account_id,role,external_id\n000000000003,{ROLE},{id}\n"));
    let plain = file(&bench, "plain.txt", "000000000003\n000000000004\n");
    let other = file(&bench, "other.csv", "account_id,role\n000000000003,Other\n");
    let says = "account 000000000003 stands in another file with another role or external id";
    apply(&bench, "contradiction", &[&full, &other]).exits(2).attempted_nothing(says);
    changed(apply(&bench, "together", &[&full, &plain]), 2);
}

#[test]
fn an_empty_inclusion_variable_is_refused() {
    for name in ["V2TOKEN_ACCOUNT", "V2TOKEN_OU", "V2TOKEN_SHARD", "V2TOKEN_ACCOUNTS_FROM"] {
        let mut bench = Bench::new(six().start());
        bench.env(name, "");
        let says = format!("{name} is set and empty: unset it to mean every account");
        apply(&bench, "run", &[]).exits(2).attempted_nothing(&says);
    }
    let mut bench = Bench::new(six().start());
    bench.env("V2TOKEN_EXCLUDE_ACCOUNT", "").env("V2TOKEN_ROLE", "");
    changed(apply(&bench, "run", &[]), 6);
}

#[test]
fn a_selection_without_accounts_of_the_earlier_run_is_refused() {
    let bench = Bench::new(six().start());
    let run = changed(apply(&bench, "run", &["--account=000000000001,000000000002"]), 2);
    let folder = run.folder.display().to_string();
    let back = bench.run("back", &["rollback", &folder, "--yes", "--account=000000000004"]).exits(1);
    back.attempted_nothing("0 are among those that the earlier run allows");
    // Nothing is left to do, which is not a mistake.
    bench.run("first", &["rollback", &folder, "--yes", "--account=000000000001,000000000002"]).exits(0);
}
