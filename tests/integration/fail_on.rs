//! Exit codes for scripts: `report --fail-on` for differences, and 6 of `plan --detailed-exitcode`.

use v2token::internals::Difference;
use v2token_simulator::{Organization, TokenVersion};

use crate::harness::{Bench, Run};

/// A plan, an apply, and an audit that finds one account that was set back, one that failed, and one that joined.
fn audited() -> Bench {
    let bench = Bench::new(Organization::builder().accounts(8).unlimited().start());
    bench.run("plan", &["plan"]).exits(0);
    bench.run("apply", &["apply", "--yes"]).exits(0);
    bench.organization.control(|world| {
        world.account_mut(3).change_externally(Some(TokenVersion::V1));
        world.account_mut(5).role.exists = false;
    });
    bench.run("audit", &["plan"]).exits(3);
    bench
}

fn report(bench: &Bench, more: &[&str]) -> Run {
    bench.again("none", &[&["report"], more].concat())
}

#[test]
fn a_named_difference_ends_with_4() {
    let bench = audited();
    for (kinds, code, said) in [
        ("drifted", 4, "note: --fail-on: 1 drifted"),
        ("drifted,joined", 4, "note: --fail-on: 1 drifted\n"),
        ("joined", 0, ""),
        ("appeared", 0, ""),
        ("failure_new,drifted", 4, "note: --fail-on: 1 drifted, 1 newly failed"),
        ("rolled_out,left", 0, ""),
        ("same", 4, "note: --fail-on: 6 same"),
    ] {
        let run = report(&bench, &["audit", "--against=apply", "--fail-on", kinds]).exits(code);
        assert!(run.stderr.contains(said) && run.stderr.is_empty() == said.is_empty(), "{kinds}: {said}\n{run}");
        assert!(run.stdout.contains("2 of 8 accounts differ"), "the comparison is shown all the same\n{run}");
    }
    // The option can be repeated, and given in the environment. Quiet is quiet, and the code is the same.
    let repeated = ["audit", "--against=apply", "--fail-on=left", "--fail-on=drifted", "--quiet", "--output=none"];
    let run = report(&bench, &repeated).exits(4);
    assert!(run.stdout.is_empty() && run.stderr.is_empty(), "{run}");
    let mut command = bench.bare(&["report", "audit", "--against=apply", "--output=json"]);
    command.env("V2TOKEN_FAIL_ON", "drifted");
    let run = bench.finish("none", command).exits(4);
    crate::schema::comparison(&run.stdout);
    report(&bench, &["audit", "--against=apply"]).exits(0);
}

#[test]
fn an_account_that_joined_is_appeared() {
    let bench = Bench::new(Organization::builder().accounts(4).unlimited().start());
    bench.run("before", &["plan"]).exits(0);
    // The earlier run is that of a smaller Organization.
    let without = |text: String| -> String {
        let kept = text.lines().filter(|line| !line.contains("000000000002"));
        kept.map(|line| line.replace("\"accounts\":4,\"targets\":4", "\"accounts\":3,\"targets\":3") + "\n").collect()
    };
    bench.run("after", &["plan"]).exits(0);
    crate::harness::rewrite(&bench.run_folder("before").join("journal.jsonl"), without);
    for (kind, sides, code) in [
        ("joined", ["after", "--against=before"], 4),
        ("appeared", ["after", "--against=before"], 4),
        ("left", ["after", "--against=before"], 0),
        ("left", ["before", "--against=after"], 4),
    ] {
        report(&bench, &[&sides[..], &["--fail-on", kind]].concat()).exits(code);
    }
}

/// Every difference of the documents is accepted, and an unknown one lists them.
#[test]
fn differences_are_checked() {
    let bench = audited();
    for difference in Difference::ALL {
        let run = report(&bench, &["audit", "--against=audit", "--fail-on", difference.as_str()]);
        assert_eq!(run.code, if difference == Difference::Same { 4 } else { 0 }, "{difference}\n{run}");
    }
    for (kinds, expected) in [("driffted", "; did you mean drifted?"), ("drifted,new", ""), ("", "")] {
        let run = report(&bench, &["audit", "--against=apply", "--fail-on", kinds]).exits(2);
        let listed = format!("expected joined, {}{expected}", Difference::ALL.map(Difference::as_str).join(", "));
        assert!(run.stderr.replace('\n', " ").contains(&listed), "{kinds}\n{run}");
    }
    let run = report(&bench, &["audit", "--fail-on=drifted"]).exits(2);
    assert!(run.stderr.contains("--against"), "{run}");
}

/// A plan with one account that would change and one that can't be read.
#[test]
fn drift_is_not_hidden_behind_an_unreachable_account() {
    let organization = |unreachable: bool, drifted: bool| {
        let builder = Organization::builder().accounts(4).unlimited();
        Bench::new(
            builder
                .each_account(move |account| {
                    let v1 = drifted && account.id().number() == 2;
                    account.version = Some(if v1 { TokenVersion::V1 } else { TokenVersion::V2 });
                    account.role.exists = !unreachable || account.id().number() != 3;
                })
                .start(),
        )
    };
    for (unreachable, drifted, plain, detailed) in
        [(false, false, 0, 0), (false, true, 0, 4), (true, false, 3, 3), (true, true, 3, 6)]
    {
        let bench = organization(unreachable, drifted);
        bench.run("plain", &["plan"]).exits(plain);
        bench.run("detailed", &["plan", "--detailed-exitcode"]).exits(detailed);
        bench.run("dry", &["apply", "--dry-run", "--detailed-exitcode"]).exits(detailed);
        // Report, resume, and the journal agree.
        let resumed = bench.again("detailed", &["resume", "detailed"]).exits(detailed);
        assert!(resumed.stderr.contains("nothing is left to do"), "{resumed}");
        let run = std::fs::read_to_string(bench.run_folder("detailed").join("run.json")).expect("a run");
        assert!(run.contains(&format!("\"exit_code\": {detailed}")), "{run}");
    }
}

/// The parts of a plan count as one run: 6 if one part has the drift and another one the failure.
#[test]
fn parts_of_a_plan_are_judged_together() {
    let builder = Organization::builder().accounts(12).unlimited().each_account(|account| {
        account.version = Some(if account.id().number() == 2 { TokenVersion::V1 } else { TokenVersion::V2 });
    });
    let bench = Bench::new(builder.start());
    let part = |number: u8| ["plan", "--detailed-exitcode", if number == 0 { "--shard=0/2" } else { "--shard=1/2" }];
    let first = bench.run("first", &part(0));
    let is_first = first.rows()["000000000002"]["outcome"] == "would_change";
    let lost = (first.rows().into_iter())
        .find(|(_, row)| (row["outcome"] == "skipped") == is_first)
        .map(|(id, _)| id.parse::<u64>().expect("a number"));
    bench.organization.control(|world| world.account_mut(lost.expect("both parts have accounts")).role.exists = false);
    let codes = [bench.run("one", &part(0)).code, bench.run("two", &part(1)).code];
    assert_eq!(codes, if is_first { [4, 3] } else { [3, 4] });
    let merged = bench.again("none", &["report", "one", "two", "--output=json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&merged.stdout).expect("JSON");
    assert_eq!(report["run"]["verdict"]["exit_code"], 6, "{merged}");
}
