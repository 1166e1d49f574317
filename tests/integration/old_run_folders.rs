//! Run folders that version 0.1.0 wrote, in `tests/fixtures/old-run-folders`: they are still reported, resumed, rolled back and applied.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use v2token_simulator::{
    AccountState, AccountTruth, Builder, MANAGEMENT_ACCOUNT, Operation, Organization, ROOT_ID, Role, TokenVersion,
    Trusted, Truth,
};

use crate::harness::{Bench, Run, accounts_with, program, read_csv, sent_to};

const HUB: &str = "arn:aws:iam::000000000100:role/platform/Hub";
const EXTERNAL_ID: &str = "the-id-of-all";
const MANAGEMENT: u64 = 100;

const FOLDERS: [&str; 11] = [
    "apply",
    "apply-killed",
    "apply-stopped-by-max-errors",
    "apply-stopped-by-signal",
    "apply-with-options",
    "plan",
    "plan-assume-root",
    "plan-via-role",
    "plan-with-options",
    "rollback",
    "rollback-killed",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old-run-folders")
}

/// Copies a run folder into another folder, private as the program makes its run folders.
fn copy(name: &str, into: &Path) {
    let to = into.join(name);
    let permit = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own file");
    };
    std::fs::create_dir(&to).expect("a new folder");
    permit(&to, 0o700);
    for file in ["run.json", "journal.jsonl"] {
        std::fs::copy(fixtures().join(name).join(file), to.join(file)).expect("a copy");
        permit(&to.join(file), 0o600);
    }
}

/// The accounts of an old run with one of these outcomes, by version 0.1.0.
fn expected(folder: &str, outcomes: &[&str]) -> BTreeSet<String> {
    let rows = read_csv(&fixtures().join(folder).join("expected.csv"));
    outcomes.iter().flat_map(|outcome| accounts_with(&rows, outcome)).collect()
}

/// The accounts of an old run whose intent has no record.
fn interrupted(folder: &str) -> BTreeSet<String> {
    let rows = read_csv(&fixtures().join(folder).join("expected.csv"));
    rows.into_iter().filter(|(_, row)| row["error_code"] == "Interrupted").map(|(id, _)| id).collect()
}

fn ids(numbers: &[u64]) -> BTreeSet<String> {
    numbers.iter().map(|number| format!("{number:012}")).collect()
}

/// The Organization that the runs were about, before any of them.
fn organization() -> Builder {
    Organization::builder()
        .accounts(12)
        .unlimited()
        .unit("ou-ab12-workload1", "Workloads", ROOT_ID)
        .unit("ou-ab12-prod00001", "Prod", "ou-ab12-workload1")
        .unit("ou-ab12-sandbox01", "Sandbox", ROOT_ID)
        .opt_in_region("ap-east-1")
        .global_sts(Duration::ZERO)
        .each_account(|account| match account.id().number() {
            5..=9 => account.ou = "ou-ab12-prod00001".into(),
            10 => account.ou = "ou-ab12-sandbox01".into(),
            _ => {}
        })
        .account(2, |account| account.faults.deny_set = true)
        .account(3, |account| account.version = Some(TokenVersion::V2))
        .account(4, |account| account.state = AccountState::Suspended)
        .account(6, |account| account.version = None)
}

/// Roles that trust only a hub, which asks for MFA, and that ask for an external id.
fn behind_a_hub(builder: Builder) -> Builder {
    let hub = Role {
        trusts: vec![Trusted::Account(MANAGEMENT_ACCOUNT)],
        requires_mfa: true,
        allows_source_identity: true,
        ..Role::named("platform/Hub")
    };
    builder
        .mfa_codes(["271828"])
        .organizations_require_mfa(true)
        .account(MANAGEMENT_ACCOUNT, move |account| account.other_roles.push(hub.clone()))
        .each_account(|account| {
            account.role.trusts = vec![Trusted::Principal(HUB.to_owned())];
            account.role.external_id = Some(EXTERNAL_ID.to_owned());
            account.role.allows_source_identity = true;
        })
}

/// An interrupted or finished run that sets v2Token: the accounts in which it has done so, and what to give it again.
struct OldApply {
    folder: &'static str,
    set: &'static [u64],
    again: &'static [&'static str],
}

const APPLIES: [OldApply; 5] = [
    OldApply { folder: "apply", set: &[1, 5, 6, 7, 8, 10, 11, MANAGEMENT], again: &[] },
    OldApply { folder: "apply-killed", set: &[1, 6, 7, 8, 9, 10, 11], again: &[] },
    OldApply { folder: "apply-stopped-by-max-errors", set: &[1, 5, 6, 8, 9, 10, 11], again: &[] },
    OldApply { folder: "apply-stopped-by-signal", set: &[6, 8, 9, 10, 11], again: &[] },
    OldApply {
        folder: "apply-with-options",
        set: &[1, 5, 9, 10],
        again: &["--external-id", EXTERNAL_ID, "--mfa-token=271828"],
    },
];

impl OldApply {
    /// The Organization as this run left it, with the run folder, and how the Organization was before the run.
    fn bench(&self) -> (Bench, Truth) {
        let builder = organization();
        let needs_hub = !self.again.is_empty();
        let bench = Bench::new(if needs_hub { behind_a_hub(builder) } else { builder }.start());
        let before = bench.truth();
        let set = self.set;
        bench.organization.control(|world| {
            for id in set {
                world.account_mut(*id).version = Some(TokenVersion::V2);
            }
        });
        copy(self.folder, bench.folder.path());
        (bench, before)
    }
}

fn versions(truth: &Truth) -> BTreeMap<String, Option<TokenVersion>> {
    truth.accounts.iter().map(|account| (account.id.to_string(), account.version)).collect()
}

/// The accounts on v2Token.
fn on_v2(run: &Run) -> BTreeSet<String> {
    versions(&run.after)
        .into_iter()
        .filter(|(_, version)| *version == Some(TokenVersion::V2))
        .map(|(id, _)| id)
        .collect()
}

/// The settings in `run.json`.
fn settings(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("run.json")).expect("run.json");
    serde_json::from_str::<Value>(&text).expect("JSON")["settings"].clone()
}

/// Fails unless a CSV report is the old one, to the byte. New columns may follow the old ones, before the optional `verified`, and the message about an intent without
/// a record is not in the journal, so it may be worded differently.
fn same_csv(new: &Path, old: &Path) {
    let [new, old] = [new, old].map(|path| std::fs::read_to_string(path).expect("a report"));
    assert_eq!(new.lines().count(), old.lines().count(), "{new}");
    let has_verified = old.lines().next().is_some_and(|header| header.ends_with(",verified"));
    for (new, old) in new.lines().zip(old.lines()) {
        let (old, verified) = if has_verified { old.rsplit_once(',').expect("two columns") } else { (old, "") };
        assert!(new.ends_with(verified), "expected: {old}\nfound:    {new}");
        let same = match old.split_once(",Interrupted,") {
            Some((before, _)) => new.starts_with(&format!("{before},Interrupted,")),
            None => new.strip_prefix(old).is_some_and(|more| more.is_empty() || more.starts_with(',')),
        };
        assert!(same, "expected: {old}\nfound:    {new}");
    }
}

/// Fails unless all of the old JSON is in the new one.
pub(crate) fn contains_json(new: &Value, old: &Value, path: &str) {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            let interrupted = old.get("error_code").is_some_and(|code| code == "Interrupted");
            for (name, old) in
                old.iter().filter(|(name, _)| !(interrupted && ["error_message", "hint"].contains(&name.as_str())))
            {
                contains_json(
                    new.get(name).unwrap_or_else(|| panic!("{path}.{name} is missing")),
                    old,
                    &format!("{path}.{name}"),
                );
            }
        }
        (Value::Array(new), Value::Array(old)) => {
            assert_eq!(new.len(), old.len(), "{path}");
            for (index, (new, old)) in new.iter().zip(old).enumerate() {
                contains_json(new, old, &format!("{path}[{index}]"));
            }
        }
        _ => assert_eq!(new, old, "{path}"),
    }
}

#[test]
fn reports_are_the_same_as_before() {
    let temporary = TempDir::new().expect("a temporary folder");
    for folder in FOLDERS {
        copy(folder, temporary.path());
        let file = |ending: &str| temporary.path().join(format!("{folder}.{ending}"));
        let read = |ending: &str| std::fs::read_to_string(file(ending)).expect("a report");
        let mut command = program(temporary.path());
        command.args(["report", folder, "--output=none"]);
        for ending in ["csv", "json", "jsonl", "md", "html"] {
            command.arg("--report").arg(file(ending));
        }
        let output = command.output().expect("the program starts");
        assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));

        let expected_csv = fixtures().join(folder).join("expected.csv");
        same_csv(&file("csv"), &expected_csv);
        let document: Value = serde_json::from_str(&read("json")).expect("JSON");
        if let Ok(old) = std::fs::read(fixtures().join(folder).join("expected.json")) {
            contains_json(&document, &serde_json::from_slice(&old).expect("JSON"), folder);
        }
        let lines: Vec<Value> = read("jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(document["accounts"].as_array(), Some(&lines), "{folder}");

        let (page, markdown) = (read("html"), read("md"));
        let mut counts = BTreeMap::<String, usize>::new();
        for (index, (id, row)) in read_csv(&expected_csv).into_iter().enumerate() {
            let account = &lines[index];
            assert_eq!(
                (account["account_id"].as_str(), account["outcome"].as_str()),
                (Some(&*id), Some(&*row["outcome"]))
            );
            assert!(page.contains(&id), "{folder}: {id} is not in the page");
            *counts.entry(row["outcome"].clone()).or_default() += 1;
        }
        for (outcome, count) in counts {
            assert!(markdown.contains(&format!("| `{outcome}` | {count} |")), "{folder}\n{markdown}");
        }
    }
}

#[test]
fn reports_of_several_runs_are_merged_as_before() {
    let temporary = TempDir::new().expect("a temporary folder");
    let folders = ["plan", "apply", "apply-killed", "rollback", "rollback-killed"];
    for folder in folders {
        copy(folder, temporary.path());
    }
    let mut command = program(temporary.path());
    command.arg("report").args(folders).args(["--output=none", "--report=merged.csv"]);
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    same_csv(&temporary.path().join("merged.csv"), &fixtures().join("merged.csv"));
}

#[test]
fn interrupted_applies_are_resumed_with_their_settings() {
    for old in &APPLIES[1..] {
        let (bench, before) = old.bench();
        let folder = bench.run_folder(old.folder);
        let mut expected_settings = settings(&folder);
        // Account 2 refuses a Set, which is more than 10% of the rest.
        expected_settings["max_errors"] = "100%".into();
        let resume = ["resume", old.folder, "--yes", "--max-errors=100%"];
        let run = bench.again(old.folder, &[&resume, old.again].concat()).exits(3);
        contains_json(&settings(&folder), &expected_settings, old.folder);

        let visited = |account: &&AccountTruth| account.calls.get_account_summary > 0;
        let visited: BTreeSet<String> = run.after.accounts.iter().filter(visited).map(|it| it.id.to_string()).collect();
        let mut rest = &expected(old.folder, &["not_attempted"]) | &interrupted(old.folder);
        if old.folder == "apply-stopped-by-max-errors" {
            rest.extend(expected(old.folder, &["failed"]));
        }
        assert_eq!(visited, rest, "the records of the old run are kept, and their accounts are left alone\n{run}");

        let all: BTreeSet<String> = versions(&before).into_keys().collect();
        let on_wanted = &(&all - &expected(old.folder, &["skipped"])) - &ids(&[2]);
        let set = if old.folder == "apply-with-options" { "unverified" } else { "changed" };
        let rows = run.rows();
        assert_eq!(on_v2(&run), on_wanted, "{run}");
        assert_eq!(accounts_with(&rows, set), &on_wanted - &ids(&[3]), "{run}");
        assert_eq!(
            (accounts_with(&rows, "unchanged"), accounts_with(&rows, "failed")),
            (ids(&[3]), ids(&[2])),
            "{run}"
        );
    }
}

#[test]
fn an_interrupted_rollback_is_resumed() {
    let bench = Bench::new(organization().start());
    // The run that is undone had set these, and the rollback has put back 1, 8, 9, 10 and 11 so far.
    bench.organization.control(|world| {
        for id in [5, 6, 7, MANAGEMENT] {
            world.account_mut(id).version = Some(TokenVersion::V2);
        }
    });
    copy("rollback-killed", bench.folder.path());
    let run = bench.again("rollback-killed", &["resume", "rollback-killed", "--yes"]).exits(0);
    assert_eq!(on_v2(&run), ids(&[3]), "{run}");
    assert_eq!(sent_to(&run.after), ids(&[5, 6, 7, MANAGEMENT]), "{run}");
    assert_eq!(accounts_with(&run.rows(), "changed"), ids(&[1, 5, 6, 7, 8, 9, 10, 11, MANAGEMENT]), "{run}");
}

#[test]
fn finished_runs_have_nothing_left_to_resume() {
    let bench = Bench::new(organization().start());
    for (folder, code) in [("apply", 3), ("plan", 3), ("plan-assume-root", 0), ("rollback", 0)] {
        copy(folder, bench.folder.path());
        let run = bench.again(folder, &["resume", folder]).exits(code).says(&["nothing is left to do"]);
        assert_eq!(run.all_calls(), 0, "{run}");
    }
}

#[test]
fn applies_are_rolled_back() {
    for old in &APPLIES {
        let (bench, before) = old.bench();
        let set = ids(old.set);
        let run = bench.run("back", &[&["rollback", old.folder, "--yes"], old.again].concat()).exits(0);
        let mut restored = versions(&before);
        // AWS can't take a value away again: v1Token is its default.
        if set.contains("000000000006") {
            restored.insert("000000000006".to_owned(), Some(TokenVersion::V1));
        }
        assert_eq!(versions(&run.after), restored, "{}\n{run}", old.folder);
        assert_eq!(accounts_with(&run.rows(), "changed"), set, "{}\n{run}", old.folder);
        assert_eq!(sent_to(&run.after), set, "{}\n{run}", old.folder);
    }
}

#[test]
fn plans_are_applied() {
    let via_hub = organization()
        .account(MANAGEMENT_ACCOUNT, |account| {
            let trusts = vec![Trusted::Account(MANAGEMENT_ACCOUNT)];
            account.other_roles.push(Role { trusts, ..Role::named("platform/Hub") });
        })
        .each_account(|account| account.role.trusts = vec![Trusted::Principal(HUB.to_owned())]);
    let table: [(&str, Builder, &[&str]); 4] = [
        ("plan", organization(), &[]),
        ("plan-assume-root", organization(), &[]),
        ("plan-via-role", via_hub, &[]),
        // The external ids of single accounts are not written down, so the file is given again.
        ("plan-with-options", organization(), &["--accounts-from=accounts.csv"]),
    ];
    for (plan, builder, again) in table {
        let bench = Bench::new(builder.start());
        copy(plan, bench.folder.path());
        let own_role = "account_id,role,external_id\n000000000005,ops/rollout/Setter,id-of-five".to_owned();
        let others = expected(plan, &["would_change"]).into_iter().map(|id| format!("{id},,"));
        let text = std::iter::once(own_role).chain(others).collect::<Vec<_>>().join("\n");
        std::fs::write(bench.folder.path().join("accounts.csv"), text).expect("a writable folder");
        let apply = ["apply", "--yes", "--max-errors=100%", "--plan", plan];
        let run = bench.run("run", &[&apply, again].concat()).exits(3).agrees(TokenVersion::V2);
        let would_change = expected(plan, &["would_change"]);
        assert_eq!(accounts_with(&run.rows(), "changed"), &would_change - &ids(&[2]), "{plan}\n{run}");
        assert_eq!(accounts_with(&run.rows(), "failed"), ids(&[2]), "{plan}\n{run}");
        assert_eq!(run.calls(Operation::SetSecurityTokenServicePreferences), would_change.len() as u64, "{run}");
    }
}
