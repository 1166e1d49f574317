//! The selection end to end, over a tree five OUs deep with accounts in every state: the selected accounts, and the reasons of the
//! others.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use v2token_simulator::{
    AccountId, AccountState, Builder, ListingFault, MANAGEMENT_ACCOUNT, Operation, Organization, ROOT_ID, RateLimit,
    TokenVersion,
};

use crate::harness::{Bench, Run};

const PLATFORM: &str = "ou-ab12-platform";
const WORKLOADS: &str = "ou-ab12-workloads";
const PROD: &str = "ou-ab12-workprod";
const RETAIL: &str = "ou-ab12-retail00";
const EUROPE: &str = "ou-ab12-europe00";
const CRITICAL: &str = "ou-ab12-critical";
const OTHER: &str = "ou-ab12-nonprod0";
const EMPTY: &str = "ou-ab12-emptyone";

/// Twenty-four accounts: two directly below the root, the others down to the fifth level; 17 to 21 are in states in which accounts are
/// not visited.
fn tree() -> Builder {
    Organization::builder()
        .accounts(24)
        .unlimited()
        .unit(PLATFORM, "Platform", ROOT_ID)
        .unit(WORKLOADS, "Workloads", ROOT_ID)
        .unit(PROD, "Prod", WORKLOADS)
        .unit(RETAIL, "Retail", PROD)
        .unit(EUROPE, "EU", RETAIL)
        .unit(CRITICAL, "Critical", EUROPE)
        .unit(OTHER, "NonProd", WORKLOADS)
        .unit(EMPTY, "Empty", ROOT_ID)
        .each_account(|account| {
            let number = account.id().number();
            let (ou, stage) = match number {
                3 | 4 => (PLATFORM, "infra"),
                5 | 6 => (WORKLOADS, "prod"),
                7 | 8 => (PROD, "prod"),
                9 | 10 => (RETAIL, "prod"),
                11 | 12 => (EUROPE, "prod"),
                13 | 14 | 17..=19 => (CRITICAL, "prod"),
                15 | 16 | 20..=23 => (OTHER, "dev"),
                _ => ("", ""),
            };
            ou.clone_into(&mut account.ou);
            if !stage.is_empty() {
                account.tags = vec![("Environment".to_owned(), stage.to_owned())];
            }
            // More than a page of tags; the tag of the selection is the last.
            if number == 13 {
                let many = (0..45).map(|number| (format!("tag-{number}"), String::new()));
                account.tags = many.chain([("Owner".to_owned(), "team=one, two".to_owned())]).collect();
            }
            account.name = match number {
                7 => "payments-prod".to_owned(),
                8 => "payments-prod-2".to_owned(),
                16 => "payments-dev".to_owned(),
                _ => account.name.clone(),
            };
            account.state = match number {
                17 => AccountState::Suspended,
                18 => AccountState::Closed,
                19 => AccountState::PendingClosure,
                20 => AccountState::PendingActivation,
                21 => AccountState::Frozen,
                _ => AccountState::Active,
            };
        })
}

const MANAGEMENT: u64 = MANAGEMENT_ACCOUNT.number();

/// All accounts that can be visited.
fn everything() -> BTreeSet<u64> {
    (1..=16).chain([22, 23, MANAGEMENT]).collect()
}

/// The accounts that were visited, by their numbers.
fn visited(run: &Run) -> BTreeSet<u64> {
    let rows = run.rows().into_iter().filter(|(_, row)| row["outcome"] != "skipped");
    rows.map(|(id, _)| id.parse().expect("an id is a number")).collect()
}

/// Why an account was left out: code and message.
fn reason(run: &Run, number: u64) -> (String, String) {
    let row = &run.rows()[&AccountId::new(number).to_string()];
    assert_eq!((row["outcome"].as_str(), row["stage"].as_str()), ("skipped", "select"), "{number}\n{run}");
    (row["error_code"].clone(), row["error_message"].clone())
}

/// Makes a plan. Its report must agree with the truth, and every skipped account must have its reason.
fn plan(bench: &Bench, name: &str, arguments: &[&str]) -> Run {
    finish(bench, name, bench.command(name, &[&["plan", "--rate=0"], arguments].concat()))
}

fn finish(bench: &Bench, name: &str, command: Command) -> Run {
    let run = bench.finish(name, command).exits(0).agrees(TokenVersion::V2);
    for (id, row) in run.rows() {
        assert_eq!(row["outcome"] == "skipped", !row["error_message"].is_empty(), "{id}: {row:?}");
    }
    for (before, after) in run.before.accounts.iter().zip(&run.after.accounts) {
        let is_read = after.calls.get_account_summary > before.calls.get_account_summary;
        assert_eq!(is_read, visited(&run).contains(&after.id.number()), "{}\n{run}", after.id);
    }
    run
}

/// Fails unless the selection is refused with this message before anything is attempted.
fn refused(bench: &Bench, arguments: &[&str], says: &[&str]) -> Run {
    let run = bench.run("refused", &[&["apply", "--yes", "--rate=0"], arguments].concat()).exits(1);
    run.says(says).attempted_nothing(says[0])
}

#[test]
fn ids_ous_names_and_states_select_accounts() {
    let bench = Bench::new(tree().start());
    let without = |numbers: &[u64]| everything().into_iter().filter(|id| !numbers.contains(id)).collect();
    let set = |numbers: &[u64]| numbers.iter().copied().collect::<BTreeSet<_>>();
    let ou = |id: &str| format!("--ou={id}");
    let not_ou = |id: &str| format!("--exclude-ou={id}");
    let table: Vec<(Vec<String>, BTreeSet<u64>)> = vec![
        (vec![], everything()),
        // Ids: commas and repetition widen; exclusion wins.
        (vec!["--account=000000000001,000000000002".into(), "--account=000000000009".into()], set(&[1, 2, 9])),
        (vec!["--exclude-account=000000000001,000000000100".into()], without(&[1, 100])),
        (vec!["--account=000000000001,000000000002".into(), "--exclude-account=000000000002".into()], set(&[1])),
        // OUs and the root, with all nested OUs.
        (vec![ou(ROOT_ID)], everything()),
        (vec![ou(WORKLOADS)], set(&[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 22, 23])),
        (vec![ou(EUROPE)], set(&[11, 12, 13, 14])),
        (vec![ou(CRITICAL)], set(&[13, 14])),
        (vec![format!("{},{PLATFORM}", ou(CRITICAL))], set(&[3, 4, 13, 14])),
        (vec![ou(CRITICAL), ou(PLATFORM)], set(&[3, 4, 13, 14])),
        (vec![ou(WORKLOADS), not_ou(EUROPE)], set(&[5, 6, 7, 8, 9, 10, 15, 16, 22, 23])),
        (vec![not_ou(WORKLOADS)], set(&[1, 2, 3, 4, 100])),
        // An existing empty OU is not a mistake.
        (vec![ou(EMPTY), ou(CRITICAL)], set(&[13, 14])),
        (vec![not_ou(EMPTY)], everything()),
        // Names: whole and case-sensitive.
        (vec!["--name=payments-prod".into()], set(&[7])),
        (vec!["--name=payments-*".into()], set(&[7, 8, 16])),
        (vec!["--name=payments-???".into()], set(&[16])),
        (vec!["--name=payments-*".into(), "--exclude-name=*-dev".into()], set(&[7, 8])),
        (vec!["--name=payments-prod,account-1".into()], set(&[1, 7])),
        (vec!["--name=Management".into()], set(&[100])),
        // Several criteria narrow each other.
        (vec!["--name=payments-*".into(), ou(PROD)], set(&[7, 8])),
        (vec!["--account=000000000007,000000000016".into(), ou(PROD), "--name=*prod".into()], set(&[7])),
        (vec!["--account=000000000007".into(), ou(PROD), "--exclude-name=account-*".into()], set(&[7])),
    ];
    for (index, (arguments, expected)) in table.iter().enumerate() {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let run = plan(&bench, &format!("run-{index}"), &arguments);
        assert_eq!(visited(&run), *expected, "{arguments:?}\n{run}");
        assert_eq!(run.calls(Operation::ListTagsForResource), 0, "tags are read only when asked for: {arguments:?}");
        let looked_up = u64::from(arguments.iter().any(|argument| argument.contains(EMPTY)));
        assert_eq!(run.calls(Operation::DescribeOrganizationalUnit), looked_up, "{arguments:?}");
    }
}

#[test]
fn every_skipped_account_has_its_reason() {
    let bench = Bench::new(tree().start());
    let run = plan(&bench, "states", &[]);
    for (number, code) in
        [(17, "Suspended"), (18, "Closed"), (19, "PendingClosure"), (20, "PendingActivation"), (21, "UnknownState")]
    {
        let reason_of_account = reason(&run, number);
        assert_eq!(
            (reason_of_account.0.as_str(), reason_of_account.1.as_str()),
            (code, "only accounts in state ACTIVE can be visited"),
            "{run}"
        );
    }
    let ou = format!("--ou={WORKLOADS}");
    let not_ou = format!("--exclude-ou={EUROPE}");
    let not = ["--exclude-account=000000000005", "--exclude-name=account-6", "--shard=0/2"];
    let arguments = [&[ou.as_str(), &not_ou, "--name=account-*"], &not[..]].concat();
    let run = plan(&bench, "mixed", &arguments);
    for (number, code, message) in [
        (5, "Excluded", "excluded by --exclude-account"),
        (11, "Excluded", "excluded by --exclude-ou"),
        (17, "Excluded", "excluded by --exclude-ou"),
        (6, "Excluded", "excluded by --exclude-name"),
        (3, "NotSelected", "not in a selected OU"),
        (7, "NotSelected", "its name matches no --name"),
    ] {
        assert_eq!(reason(&run, number), (code.to_owned(), message.to_owned()), "{number}\n{run}");
    }
    let codes: BTreeSet<String> = run.rows().into_values().map(|row| row["error_code"].clone()).collect();
    assert!(codes.contains("OtherShard"), "{codes:?}");
    let run = plan(&bench, "ids", &["--account=000000000001"]);
    assert_eq!(reason(&run, 2), ("NotSelected".to_owned(), "not among the selected accounts".to_owned()));
    let run = plan(&bench, "management", &["--management-account=skip"]);
    let reason_of_account = reason(&run, MANAGEMENT);
    assert_eq!(reason_of_account.0, "ManagementAccount");
    assert!(reason_of_account.1.contains("--management-account skip"), "{reason_of_account:?}");
}

/// The selection holds for apply too: no other account is changed.
#[test]
fn only_selected_accounts_are_changed() {
    let bench = Bench::new(tree().start());
    let arguments = ["apply", "--yes", "--rate=0", "--waves=100%", &format!("--ou={EUROPE}"), "--exclude-name=*-14"];
    let run = bench.run("run", &arguments).exits(0).agrees(TokenVersion::V2);
    let changed: Vec<u64> = run
        .after
        .accounts
        .iter()
        .filter(|account| account.sets_received > 0)
        .map(|account| account.id.number())
        .collect();
    assert_eq!(changed, [11, 12, 13], "{run}");
    assert_eq!(run.outcomes()["skipped"], 21, "{run}");
}

#[test]
fn tags_are_read_only_for_undecided_accounts() {
    let bench = Bench::new(tree().start());
    let set = |numbers: &[u64]| numbers.iter().copied().collect::<BTreeSet<_>>();
    // Three pages for account 13, which has 46 tags.
    let more = 2;
    let table: [(&[&str], BTreeSet<u64>, u64); 7] = [
        (&["--tag=Environment=prod", "--name=account-1?"], set(&[10, 11, 12, 14]), 6 + more),
        (
            &["--tag=Environment=prod", "--tag=Environment=infra", "--account=000000000003,000000000005"],
            set(&[3, 5]),
            2,
        ),
        (&["--tag=Environment=infra,Environment=dev", "--name=*payments*,*-3"], set(&[3, 16]), 4),
        (&["--exclude-tag=Environment=prod", &format!("--ou={PROD}")], set(&[13]), 8 + more),
        (&["--tag=Environment=dev", "--exclude-account=000000000015", &format!("--ou={OTHER}")], set(&[16, 22, 23]), 3),
        (&["--tag=Owner=team=one", "--account=000000000013,000000000014"], set(&[]), 2 + more),
        (&["--tag=Environment=", "--account=000000000003"], set(&[]), 1),
    ];
    for (index, (arguments, expected, calls)) in table.iter().enumerate() {
        let name = format!("run-{index}");
        let run = if expected.is_empty() {
            bench.run(&name, &[&["plan", "--rate=0"], *arguments].concat()).exits(1)
        } else {
            let run = plan(&bench, &name, arguments);
            assert_eq!(visited(&run), *expected, "{arguments:?}\n{run}");
            run
        };
        assert_eq!(run.calls(Operation::ListTagsForResource), *calls, "{arguments:?}\n{run}");
    }
    let run =
        plan(&bench, "reasons", &["--tag=Environment=infra", "--exclude-tag=Environment=dev", "--name=account-*"]);
    let is = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    assert_eq!(reason(&run, 5), is("NotSelected", "has no selected tag"));
    assert_eq!(reason(&run, 15), is("Excluded", "excluded by --exclude-tag"));
    assert_eq!(reason(&run, 17).0, "Suspended", "whose tags are not read");
    let run = bench.run("none", &["plan", "--tag=Environment=production"]).exits(1);
    run.says(&["0 have a selected tag; there are Environment=dev, Environment=infra, Environment=prod"]);
    let run = bench.run("no-key", &["plan", "--tag=Stage=prod", "--name=*-3"]).exits(1);
    run.says(&["none has a tag of that key"]);
}

/// The quota is 10 calls per second with a burst of 15. The simulator allows a burst of 10, so that the absence of refusals proves the rate:
/// 22 pages follow the first ones.
#[test]
fn tags_are_read_within_the_quota_with_progress() {
    let builder = Organization::builder().accounts(96).each_account(|account| {
        let tags = if account.id().number().is_multiple_of(8) { 45 } else { 1 };
        account.tags = (0..tags).map(|number| (format!("tag-{number}"), "x".to_owned())).collect();
    });
    let bench = Bench::new(builder.throttle(Operation::ListTagsForResource, RateLimit::new(10.0, 10.0)).start());
    let started = Instant::now();
    let run = plan(&bench, "run", &["--tag=tag-44=x"]);
    assert!(started.elapsed() > Duration::from_secs(10), "{:?}", started.elapsed());
    // Every eighth member has three pages of tags, every other one a single one.
    assert_eq!(visited(&run).len(), 11, "{run}");
    let tags = run.after.operation(Operation::ListTagsForResource);
    assert_eq!((tags.requests, tags.refused()), (96 + 2 * 11, 0), "{tags:?}");
    assert!(run.stderr.contains("reading tags: ") && run.stderr.contains(" of 96 accounts so far"), "{run}");
}

#[test]
fn accounts_from_reads_many_kinds_of_files() {
    let bench = Bench::new(tree().start());
    let write =
        |name: &str, text: &[u8]| std::fs::write(bench.folder.path().join(name), text).expect("a writable folder");
    let set = |numbers: &[u64]| numbers.iter().copied().collect::<BTreeSet<_>>();
    write("plain.txt", b"# the pilots\n000000000001\n\n  000000000002  \r\n# and one more\n000000000009");
    write("column.csv", b"owner,account_id,note\r\n\"one, two\",000000000003,\r\nme,000000000004,\"a b\"\r\n");
    write("first.csv", b"Account,Owner\n000000000005,me\n");
    write("excel.csv", "\u{feff}Konto;Besitzer\r\n000000000006;J\u{f6}rg\r\n000000000007;\r\n".as_bytes());
    write("tabs.tsv", b"account_id\tname\n000000000008\tx\n");
    write("closed.txt", b"000000000017\n000000000001\n");
    let table: [(&[&str], &[u64]); 8] = [
        (&["--accounts-from=plain.txt"], &[1, 2, 9]),
        (&["--accounts-from=column.csv"], &[3, 4]),
        (&["--accounts-from=first.csv,tabs.tsv"], &[5, 8]),
        (&["--accounts-from=excel.csv"], &[6, 7]),
        // With --account they widen; other criteria narrow, and exclusion wins.
        (&["--accounts-from=plain.txt", "--account=000000000016"], &[1, 2, 9, 16]),
        (&["--accounts-from=plain.txt", "--ou", RETAIL], &[9]),
        (&["--accounts-from=plain.txt", "--exclude-account=000000000002"], &[1, 9]),
        (&["--accounts-from=closed.txt"], &[1]),
    ];
    for (index, (arguments, expected)) in table.iter().enumerate() {
        let run = plan(&bench, &format!("run-{index}"), arguments);
        assert_eq!(visited(&run), set(expected), "{arguments:?}\n{run}");
    }

    let mut command = bench.command("stdin", &["plan", "--rate=0", "--accounts-from=-"]);
    command.stdin(File::open(bench.folder.path().join("plain.txt")).expect("the file"));
    assert_eq!(visited(&finish(&bench, "stdin", command)), set(&[1, 2, 9]));
    let mut apply = bench.command("piped", &["apply", "--rate=0", "--accounts-from=-"]);
    apply.stdin(File::open(bench.folder.path().join("plain.txt")).expect("the file"));
    bench.finish("piped", apply).exits(1).attempted_nothing("--yes");
}

/// Failed accounts are retried by naming a report, or a part of it.
#[test]
fn accounts_from_reads_reports() {
    let builder = tree().account(11, |account| account.faults.deny_set = true);
    let bench = Bench::new(builder.start());
    let arguments = ["apply", "--yes", "--rate=0", "--max-errors=100%", &format!("--ou={EUROPE}")];
    bench.run("first", &arguments).exits(3).agrees(TokenVersion::V2);
    let run = plan(&bench, "whole", &["--accounts-from=first/report.csv"]);
    assert_eq!(visited(&run), everything(), "every account has a row there\n{run}");

    let report = std::fs::read_to_string(bench.run_folder("first").join("report.csv")).expect("a report");
    let failed: Vec<&str> = report
        .lines()
        .enumerate()
        .filter(|(number, line)| *number == 0 || line.contains(",failed,"))
        .map(|(_, line)| line)
        .collect();
    std::fs::write(bench.folder.path().join("failed.csv"), failed.join("\n")).expect("a writable folder");
    bench.organization.control(|world| world.account_mut(11).faults.deny_set = false);
    let again = bench.run("again", &["apply", "--yes", "--rate=0", "--accounts-from=failed.csv"]).exits(0);
    let again = again.agrees(TokenVersion::V2);
    assert_eq!(visited(&again), BTreeSet::from([11]), "{again}");
    assert_eq!(again.outcomes()["changed"], 1, "{again}");
}

#[test]
fn unknown_or_empty_selections_are_refused_with_suggestions() {
    let bench = Bench::new(tree().start());
    refused(
        &bench,
        &["--account=000000000010,000000000110,000000000999"],
        &["the Organization has no account 000000000110, 000000000999; did you mean 000000000010?"],
    );
    refused(&bench, &["--exclude-account=000000000998"], &["no account 000000000998"]);
    std::fs::write(bench.folder.path().join("list.txt"), "000000000001\n000000000997\n").expect("a writable folder");
    refused(&bench, &["--accounts-from=list.txt"], &["no account 000000000997"]);
    refused(&bench, &["--ou=ou-ab12-critikal"], &["no OU or root ou-ab12-critikal; did you mean ou-ab12-critical?"]);
    refused(&bench, &["--exclude-ou=ou-ab12-unheardof"], &["no OU or root ou-ab12-unheardof"]);
    refused(&bench, &["--ou=r-ab13"], &["no OU or root r-ab13; did you mean r-ab12?"]);
    let empty = "the selection is empty: of 24 accounts in the Organization";
    refused(&bench, &["--ou", EMPTY], &[empty, "0 are in the selected OUs"]);
    refused(
        &bench,
        &["--name=payments-prid"],
        &[empty, "0 have a name that matches --name; did you mean payments-prod?"],
    );
    refused(
        &bench,
        &["--name=payments-*", "--ou", PLATFORM],
        &[empty, "2 are in the selected OUs, of these 0 have a name"],
    );
    refused(&bench, &["--account=000000000017"], &[empty, "1 are among the selected accounts, of these 0 are active"]);
    refused(&bench, &["--ou", CRITICAL, "--exclude-ou", EUROPE], &[empty, "of these 0 are not excluded"]);
}

/// The tree is walked if accounts have no path.
#[test]
fn ous_are_found_without_account_paths() {
    let bench = Bench::new(tree().listing(ListingFault::NoPaths).start());
    let run = plan(&bench, "run", &["--ou", EUROPE, "--exclude-ou", CRITICAL]);
    assert_eq!(visited(&run), BTreeSet::from([11, 12]), "{run}");
    let path = run.rows()["000000000013"]["ou_path"].clone();
    let ids = [ROOT_ID, WORKLOADS, PROD, RETAIL, EUROPE, CRITICAL].join("/");
    assert_eq!(path, format!("o-exampleorg1/{ids}/"));
    assert_eq!(run.rows()["000000000013"]["ou_names"], "Root/Workloads/Prod/Retail/EU/Critical");
    let again = plan(&bench, "root", &["--ou", ROOT_ID]);
    assert_eq!(visited(&again), everything());
    refused(&bench, &["--ou=ou-ab12-critikal"], &["no OU or root ou-ab12-critikal; did you mean ou-ab12-critical?"]);
}

/// A refused walk matters only with --ou.
#[test]
fn a_refused_tree_walk_fails_only_with_ous() {
    let denied = |action: &str| {
        format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*"}},
                {{"Effect": "Deny", "Action": "{action}", "Resource": "*"}}]}}"#
        )
    };
    for operation in ["ListRoots", "ListAccountsForParent", "ListOrganizationalUnitsForParent"] {
        let policy = denied(&format!("organizations:{operation}"));
        let bench = Bench::new(tree().listing(ListingFault::NoPaths).caller_policy(&policy).start());
        let run =
            plan(&bench, "run", &["--name=payments-*"]).says(&["note: Organizations returned no OU path", operation]);
        assert_eq!(visited(&run), BTreeSet::from([7, 8, 16]), "{run}");
        assert!(run.rows().values().all(|row| row["ou_path"].is_empty()), "{run}");
        refused(&bench, &["--ou", PROD], &["the accounts could not be listed", &format!("organizations:{operation}")]);
        refused(&bench, &["--exclude-ou", PROD], &["the accounts could not be listed", operation]);
    }
    let policy = denied("organizations:DescribeOrganizationalUnit");
    let bench = Bench::new(tree().caller_policy(&policy).start());
    plan(&bench, "seen", &["--ou", PROD]);
    refused(&bench, &["--ou", EMPTY], &["DescribeOrganizationalUnit", "the caller may not check whether it exists"]);
    let bench = Bench::new(tree().caller_policy(&denied("organizations:ListTagsForResource")).start());
    refused(&bench, &["--tag=a=b"], &["allow organizations:ListTagsForResource to the caller"]);
}

#[test]
fn shards_are_disjoint_and_complete_in_any_list_order() {
    let realistic = |seed: u64| Organization::builder().accounts(150).unlimited().realistic(true).seed(seed);
    let parts = |builder: Builder| -> (Vec<BTreeSet<u64>>, BTreeSet<u64>) {
        let bench = Bench::new(builder.start());
        let run = |name: &str, arguments: &[&str]| {
            let run = bench.run(name, &[&["plan", "--rate=0"], arguments].concat()).agrees(TokenVersion::V2);
            assert!([0, 3].contains(&run.code), "some accounts of a realistic Organization can't be entered\n{run}");
            run
        };
        let all = visited(&run("all", &[]));
        let shards = (0..4).map(|index| visited(&run(&format!("shard-{index}"), &[&format!("--shard={index}/4")])));
        (shards.collect(), all)
    };
    // The list is shuffled, and this one also repeats accounts on the next page.
    let (shuffled, all) = parts(realistic(1).listing(ListingFault::Duplicates));
    let union: BTreeSet<u64> = shuffled.iter().flatten().copied().collect();
    assert_eq!(union, all, "complete");
    assert_eq!(shuffled.iter().map(BTreeSet::len).sum::<usize>(), all.len(), "disjoint");
    assert!(shuffled.iter().all(|shard| shard.len() >= 20), "of a size: {shuffled:?}");

    let (in_order, _) = parts(Organization::builder().accounts(150).unlimited());
    for (by_id, shuffled) in in_order.iter().zip(&shuffled) {
        assert!(shuffled.is_subset(by_id), "an account is in the same shard whatever the list looks like");
    }
}

#[test]
fn a_shard_of_a_small_organization_may_be_empty() {
    let bench = Bench::new(Organization::builder().accounts(2).unlimited().start());
    let sizes: Vec<usize> = (0..8)
        .map(|index| {
            let name = format!("run-{index}");
            let arguments = ["apply", "--yes", "--rate=0", &format!("--shard={index}/8")];
            let run = bench.run(&name, &arguments).exits(0).agrees(TokenVersion::V2);
            let size = visited(&run).len();
            if size == 0 {
                assert_eq!(run.outcomes()["skipped"], 2, "{run}");
                assert!(run.rows().values().all(|row| row["error_code"] == "OtherShard"), "{run}");
            }
            size
        })
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 2, "{sizes:?}");
    assert!(sizes.contains(&0));
    assert_eq!(bench.truth().with_version(TokenVersion::V2), 2);
    // An empty selection is still a mistake, also with a shard.
    let run = bench.run("none", &["plan", "--shard=0/8", "--name=nobody"]).exits(1);
    run.attempted_nothing("the selection is empty");
}
