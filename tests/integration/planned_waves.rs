//! The waves of a plan, and of the apply that takes them over: by count, percentage, OU and tag.

use std::collections::{BTreeMap, BTreeSet};

use v2token_simulator::{AccountState, Builder, MANAGEMENT_ACCOUNT, Organization, ROOT_ID, TokenVersion};

use crate::harness::{Bench, Run, read_csv};

const SANDBOX: &str = "ou-ab12-sandbox1";

/// Accounts 1 to 6 are in an OU, every fifth account has a tag, and every fourth is on v2Token.
fn organization(accounts: usize) -> Builder {
    Organization::builder().accounts(accounts).unlimited().unit(SANDBOX, "Sandbox", ROOT_ID).each_account(|account| {
        let number = account.id().number();
        if account.id() == MANAGEMENT_ACCOUNT {
            return;
        }
        if number <= 6 {
            SANDBOX.clone_into(&mut account.ou);
        }
        if number % 5 == 0 {
            account.tags = vec![("stage".to_owned(), "test".to_owned())];
        }
        if number % 4 == 0 {
            account.version = Some(TokenVersion::V2);
        }
    })
}

/// The wave of each account that has one.
fn waves(run: &Run) -> BTreeMap<String, u32> {
    let rows = read_csv(&run.folder.join("report.csv")).into_iter();
    rows.filter_map(|(id, row)| Some((id, row["wave"].parse().ok()?))).collect()
}

#[test]
fn an_apply_sets_the_accounts_in_the_waves_of_its_plan() {
    for entries in ["1,ou-ab12-sandbox1,tag:stage=test,50%", "Root/Sandbox,3,100%", "1,10%,100%"] {
        let bench = Bench::new(organization(40).start());
        let plan = bench.run("plan", &["plan", "--rate=0", "--waves", entries]).exits(0);
        let planned = waves(&plan);
        assert_eq!(planned.len(), plan.outcomes()["would_change"], "{plan}");
        assert!(plan.stdout.contains("Waves of an apply of this plan\n"), "{plan}");
        let again = bench.again("plan", &["report", "plan", "--report=again.csv"]).exits(0);
        assert_eq!(read_csv(&bench.folder.path().join("again.csv")), plan.rows(), "{again}");
        let page = std::fs::read_to_string(plan.folder.join("report.html")).expect("a page");
        assert!(page.contains(entries), "the page has the waves");

        let apply = bench.run("apply", &["apply", "--plan=plan", "--yes", "--rate=0", "--concurrency=4"]).exits(0);
        assert_eq!(waves(&apply), planned, "{apply}");
        assert!(apply.stderr.contains(" accounts, those of the plan"), "{apply}");
        // The simulator notes each Set when it arrives.
        let arrived = apply.after.set_arrivals.iter().map(|(id, _)| planned[&id.to_string()]);
        assert!(arrived.is_sorted(), "wave by wave\n{apply}");
        assert_eq!(apply.after.set_arrivals.len(), planned.len(), "{apply}");
    }
}

/// Organizations of every size, the management account alone included.
#[test]
fn waves_fit_every_size() {
    for accounts in [1, 2, 7, 8, 100] {
        let bench = Bench::new(organization(accounts).start());
        let entries = "1,Root/Sandbox,tag:stage=test,10%,50%";
        let entries = if accounts > 1 { entries } else { "1,10%,100%" };
        let plan = bench.run("plan", &["plan", "--rate=0", "--waves", entries]).exits(0);
        let apply = bench.run("apply", &["apply", "--plan=plan", "--yes", "--rate=0"]).exits(0);
        let planned = waves(&plan);
        assert_eq!((&waves(&apply), planned.is_empty()), (&planned, false), "{accounts}\n{apply}");
        let numbers: BTreeSet<u32> = planned.values().copied().collect();
        assert_eq!(numbers, (1..=u32::try_from(numbers.len()).expect("few")).collect(), "none is empty\n{apply}");
        let arrived = apply.after.set_arrivals.iter().map(|(id, _)| planned[&id.to_string()]);
        assert!(arrived.is_sorted(), "{apply}");
    }
}

#[test]
fn waves_given_to_the_apply_replace_those_of_the_plan() {
    let bench = Bench::new(organization(20).start());
    let plan = bench.run("plan", &["plan", "--rate=0", "--waves=2,100%", "--canary=000000000003"]).exits(0);
    assert_eq!(waves(&plan)["000000000003"], 1, "{plan}");
    for (name, option, own) in
        [("waves", "--waves=4,8,100%", true), ("canary", "--canary=000000000005", true), ("same", "", false)]
    {
        let options: Vec<&str> = [option].into_iter().filter(|option| !option.is_empty()).collect();
        let arguments = [&["apply", "--plan=plan", "--yes", "--rate=0"], &options[..]].concat();
        let apply = bench.run(name, &arguments).exits(0);
        let words = if own { "accounts, not those of the plan" } else { "accounts, those of the plan" };
        assert!(apply.stderr.contains(words), "{apply}");
        assert_eq!(waves(&apply) == waves(&plan), !own, "{apply}");
        bench.organization.control(|world| {
            for number in 1..20_u64 {
                let back = if number % 4 == 0 { TokenVersion::V2 } else { TokenVersion::V1 };
                world.account_mut(number).change_externally(Some(back));
            }
        });
        bench
            .organization
            .control(|world| world.account_mut(MANAGEMENT_ACCOUNT).change_externally(Some(TokenVersion::V1)));
    }
    // The only account of the first wave has been closed since: the others keep their order.
    bench.organization.control(|world| world.account_mut(3).state = AccountState::Suspended);
    let rest = bench.run("rest", &["apply", "--plan=plan", "--yes", "--rate=0"]).exits(0);
    let (was, is) = (waves(&plan), waves(&rest));
    assert!(was.iter().filter(|(_, wave)| **wave > 1).all(|(id, wave)| is[id] == wave - 1), "{rest}");
}

#[test]
fn entries_that_add_nothing_are_said_and_unknown_ones_are_refused() {
    let bench = Bench::new(organization(20).start());
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--waves=50%,1,tag:stage=prod,100%"]);
    assert_eq!(run.code, 0, "{run}");
    for entry in ["--waves: 1 adds no account", "--waves: tag:stage=prod adds no account"] {
        assert!(run.stderr.contains(entry), "{entry}\n{run}");
    }
    for (entries, code, words) in [
        ("ou-ab12-nosuch01,100%", 1, "ou-ab12-nosuch01"),
        ("Root/Sandbux,100%", 1, "Sandbox"),
        ("Sandbox,100%", 2, "it is none of these"),
        ("tag:stage,100%", 2, "expected KEY=VALUE"),
        ("10%,5%", 2, "the sizes are cumulative"),
    ] {
        for command in ["plan", "apply"] {
            let refused = bench.run("refused", &[command, "--yes", "--waves", entries]);
            assert_eq!(refused.code, code, "{entries}\n{refused}");
            assert!(refused.stderr.contains(words), "{words}\n{refused}");
            assert!(!refused.folder.exists(), "{refused}");
        }
    }
}

/// A plan that did not read all accounts, and the plans of older versions, have no waves.
#[test]
fn an_incomplete_plan_has_no_waves_until_it_is_resumed() {
    let builder = organization(20).account(2, |account| account.faults.deny_read = true);
    let bench = Bench::new(builder.start());
    let plan = bench.run("plan", &["plan", "--rate=0", "--max-errors=0", "--concurrency=1"]).exits(5);
    assert!(waves(&plan).is_empty(), "{plan}");
    bench.organization.control(|world| world.account_mut(2).faults.deny_read = false);
    let resumed = bench.again("plan", &["resume", "plan", "--rate=0"]).exits(0);
    assert_eq!(waves(&resumed).len(), resumed.outcomes()["would_change"], "{resumed}");
}

/// A resume divides the accounts by OU and tag as the plan did. The variables are meant for other runs.
#[test]
fn a_resumed_plan_has_the_waves_of_its_start() {
    let builder = organization(40).account(7, |account| account.faults.deny_read = true);
    let mut bench = Bench::new(builder.start());
    let entries = "ou-ab12-sandbox1,tag:stage=test,100%";
    let plan = bench.run("plan", &["plan", "--rate=0", "--waves", entries]).exits(3);
    let before = waves(&plan);
    bench.organization.control(|world| world.account_mut(7).faults.deny_read = false);
    bench.env("V2TOKEN_WAVES", "3,100%").env("V2TOKEN_REASON", "another run");
    let resumed = bench.again("plan", &["resume", "plan", "--retry-failed", "--rate=0"]).exits(0);
    let mut after = waves(&resumed);
    assert_eq!(after.remove("000000000007"), Some(3), "{resumed}");
    assert_eq!(after, before, "{resumed}");
    let info = std::fs::read_to_string(resumed.folder.join("run.json")).expect("run.json");
    assert!(info.contains(entries) && !info.contains("another run"), "{info}");
}

/// Some accounts of the plan were read by a resume that did not finish: they are in no wave, so the waves are made anew.
#[test]
fn a_plan_with_accounts_in_no_wave_is_divided_anew() {
    let builder = organization(20).each_account(|account| {
        account.faults.deny_read = (9..=11).contains(&account.id().number());
    });
    let bench = Bench::new(builder.start());
    bench.run("plan", &["plan", "--rate=0"]).exits(3);
    bench.organization.control(|world| world.account_mut(9).faults.deny_read = false);
    let retry = ["resume", "plan", "--retry-failed", "--rate=0", "--concurrency=1", "--max-errors=0"];
    bench.again("plan", &retry).exits(5);
    let apply = bench.run("apply", &["apply", "--plan=plan", "--yes", "--rate=0"]).exits(0);
    assert!(apply.stderr.contains("accounts, not those of the plan"), "{apply}");
}

/// A variable for other runs does not keep a rollback from putting everything back.
#[test]
fn a_rollback_does_not_ask_when_accounts_joined() {
    let mut bench = Bench::new(organization(8).start());
    bench.run("run", &["apply", "--yes", "--rate=0"]).exits(0);
    let refused = bench.run("back", &["rollback", "run", "--yes", "--joined-since=1d"]).exits(2);
    assert!(refused.stderr.contains("whenever the accounts joined"), "{refused}");
    bench.env("V2TOKEN_JOINED_SINCE", "1d");
    let back = bench.run("back", &["rollback", "run", "--yes", "--rate=0"]).exits(0);
    assert_eq!(back.outcomes()["changed"], 7, "{back}");
}
