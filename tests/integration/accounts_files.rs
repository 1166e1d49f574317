//! Accounts files as other tools write them: their spellings, and their roles and external ids.

use v2token_simulator::{Organization, TokenVersion};

use crate::harness::Bench;

const NARROW: &str = "token-version-setter";

fn bench(files: &[(&str, &str)]) -> Bench {
    let builder = Organization::builder().accounts(4).unlimited();
    let bench = Bench::new(
        builder
            .account(1, |account| {
                NARROW.clone_into(&mut account.role.name);
                account.role.external_id = Some("SIMSECRET-rollout".to_owned());
            })
            .start(),
    );
    for (name, text) in files {
        std::fs::write(bench.folder.path().join(name), text).expect("a writable folder");
    }
    bench
}

#[test]
fn a_role_and_an_external_id_are_taken_from_the_usual_columns() {
    for (id, role) in [("aws_account_id", "role_arn"), ("Account ID", "Role ARN"), ("id", "role")] {
        let file = format!(
            "{id},{role},external_id,name\n000000000001,arn:aws:iam::000000000001:role/{NARROW},SIMSECRET-rollout,prod\n"
        );
        let bench = bench(&[("targets.csv", &file)]);
        let run =
            bench.run("run", &["apply", "--yes", "--accounts-from=targets.csv"]).exits(0).agrees(TokenVersion::V2);
        let row = &run.rows()["000000000001"];
        assert_eq!(row["role_arn"], format!("arn:aws:iam::000000000001:role/{NARROW}"), "{id} {role}");
        assert_eq!(run.outcomes()["changed"], 1, "{run}");
    }
}

#[test]
fn names_before_ids_are_no_ids() {
    let file = "Account Name,Account ID,OU Name\n\"prod\",\"000000000002\",\"Workloads\"\n";
    let bench = bench(&[("names.csv", file)]);
    let run = bench.run("run", &["apply", "--yes", "--accounts-from=names.csv"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.rows()["000000000002"]["outcome"], "changed", "{run}");
    assert_eq!(run.outcomes()["changed"], 1, "{run}");
}

/// The roles in a report are those of the run that wrote it. They do not replace `--role`.
#[test]
fn a_report_selects_accounts_and_not_roles() {
    let bench = bench(&[]);
    bench.run("plan", &["plan", "--account=000000000001,000000000002"]).exits(3);
    let arguments = [
        "plan",
        "--accounts-from=plan/report.csv",
        "--account=000000000001",
        &format!("--role={NARROW}"),
        "--external-id=SIMSECRET-rollout",
    ];
    let run = bench.run("again", &arguments).exits(3);
    assert_eq!(run.rows()["000000000001"]["outcome"], "would_change", "{run}");
}
