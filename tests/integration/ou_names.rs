//! The names of OUs: in every report beside the ids, read beside the visits, journalled, and as a way to select.

use std::collections::BTreeSet;

use v2token_simulator::{Builder, ListingFault, Operation, Organization, ROOT_ID, RateLimit, TokenVersion};

use crate::harness::{Bench, Run};

const WORKLOADS: &str = "ou-ab12-workloads";
const PROD: &str = "ou-ab12-prod0000";
const EUROPE: &str = "ou-ab12-europe00";
const TEST: &str = "ou-ab12-testdev0";
const SLASH: &str = "ou-ab12-slash000";
const DEEP_EMPTY: &str = "ou-ab12-deepempt";
const HOSTILE: &str = "ou-ab12-hostile0";

/// A name that a spreadsheet, a terminal, Markdown, and a page would misunderstand.
const HOSTILE_NAME: &str = "=1+1|`\u{1b}[2J</script>\u{202e}";

/// Twelve accounts. `Workloads/Prod/EU` and an OU called `Prod/EU` in `Workloads` have the same path of names. No account is in an OU
/// below `EU`.
fn tree() -> Builder {
    Organization::builder()
        .accounts(12)
        .unlimited()
        .unit(WORKLOADS, "Workloads", ROOT_ID)
        .unit(PROD, "Prod", WORKLOADS)
        .unit(EUROPE, "EU", PROD)
        .unit(DEEP_EMPTY, "Empty one", EUROPE)
        .unit(TEST, "Test and Dev", WORKLOADS)
        .unit(SLASH, "Prod/EU", WORKLOADS)
        .unit(HOSTILE, HOSTILE_NAME, ROOT_ID)
        .each_account(|account| {
            let ou = match account.id().number() {
                2 | 3 => PROD,
                4 | 5 => EUROPE,
                6 | 7 => TEST,
                8 => SLASH,
                9 => HOSTILE,
                _ => "",
            };
            ou.clone_into(&mut account.ou);
        })
}

fn denied(actions: &str) -> String {
    format!(
        r#"{{"Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*"}},
            {{"Effect": "Deny", "Action": [{actions}], "Resource": "*"}}]}}"#
    )
}

fn visited(run: &Run) -> BTreeSet<u64> {
    let rows = run.rows().into_iter().filter(|(_, row)| row["outcome"] != "skipped");
    rows.map(|(id, _)| id.parse().expect("an id is a number")).collect()
}

fn names(run: &Run, number: u64) -> String {
    run.rows()[&format!("{number:012}")]["ou_names"].clone()
}

#[test]
fn every_report_has_the_names_beside_the_ids() {
    let bench = Bench::new(tree().start());
    let run = bench.run("plan", &["plan", "--rate=0"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(
        [1, 2, 4, 6, 8].map(|number| names(&run, number)),
        [
            "Root",
            "Root/Workloads/Prod",
            "Root/Workloads/Prod/EU",
            "Root/Workloads/Test and Dev",
            "Root/Workloads/Prod/EU",
        ]
    );
    let row = &run.rows()["000000000004"];
    assert_eq!(row["ou_path"], format!("o-exampleorg1/{ROOT_ID}/{WORKLOADS}/{PROD}/{EUROPE}/"), "ids only");
    // The root, and the parents of the OUs with accounts: the root, Workloads, and Prod. `DescribeOrganizationalUnit` gives one name a
    // call, at half the rate.
    assert_eq!(run.calls(Operation::ListRoots), 1);
    assert_eq!(run.calls(Operation::ListOrganizationalUnitsForParent), 3, "{run}");
    assert_eq!(run.calls(Operation::DescribeOrganizationalUnit), 0);

    assert!(run.stdout.contains(&format!("2 accounts in Root/Workloads/Prod ({PROD})")), "{run}");
    let header = std::fs::read_to_string(run.folder.join("report.csv")).expect("a report");
    assert!(header.lines().next().expect("a header").ends_with(",run_id,ou_names"), "{header}");
    // The hostile name is harmless in CSV, on the terminal, in Markdown, and on the page.
    assert_eq!(names(&run, 9), "Root/=1+1|`\\u{1b}[2J</script>\\u{202e}");
    for text in [&run.stdout, &run.stderr, &header] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
    bench.again("plan", &["report", "plan", "--report=summary.md", "--output=none"]).exits(0);
    let markdown = std::fs::read_to_string(bench.folder.path().join("summary.md")).expect("a report");
    assert!(markdown.contains(&format!("| `Root/Workloads/Prod/EU` `{EUROPE}` | 2 |")), "{markdown}");
    assert!(markdown.contains("| ``Root/=1+1\\|`\\u{1b}[2J</script>\\u{202e}``"), "{markdown}");
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    assert!(page.contains(&format!("<bdi>Test and Dev</bdi></a> <code>{TEST}</code>")));
    assert_eq!(page.matches("</script>").count(), 2, "the name does not end a script");
    let json = bench.again(
        "plan",
        &["report", "plan", "--query=accounts[?account_id=='000000000009'].ou_names | [0]", "--output=json"],
    );
    assert_eq!(
        serde_json::from_str::<String>(&json.stdout).expect("a text"),
        format!("Root/{HOSTILE_NAME}"),
        "the true text"
    );
}

/// A nightly job is such a run. With the first account that it changes, or that fails, it reads the names for its reports.
#[test]
fn a_quiet_run_with_nothing_to_do_reads_no_names() {
    let bench = Bench::new(tree().start());
    let options = ["apply", "--yes", "--quiet", "--output=none", "--rate=0"];
    let names_read =
        |run: &Run| run.calls(Operation::ListRoots) + run.calls(Operation::ListOrganizationalUnitsForParent);
    let first = bench.run("first", &options).exits(0);
    assert_eq!((names_read(&first), names(&first, 4).as_str()), (4, "Root/Workloads/Prod/EU"), "it changes accounts");

    let idle = bench.run("idle", &options).exits(0);
    let visited = visited(&idle).len() as u64;
    assert!(visited > 0 && idle.stdout.is_empty() && idle.stderr.is_empty(), "{idle}");
    let expected = [
        (Operation::DescribeOrganization, 1),
        (Operation::ListAccounts, 1),
        (Operation::AssumeRole, visited - 1),
        (Operation::GetAccountSummary, visited),
        // One finds out who calls, and one confirms the account that is visited without a role.
        (Operation::GetCallerIdentity, 2),
    ];
    for (operation, count) in expected {
        assert_eq!(idle.calls(operation), count, "{operation:?}\n{idle}");
    }
    assert_eq!(idle.all_calls(), expected.iter().map(|(_, count)| count).sum::<u64>(), "{idle}");
    // The plan of a drift check reads them with the first account that it would change.
    let drift = bench.run("no-drift", &["plan", "--quiet", "--detailed-exitcode", "--rate=0"]).exits(0);
    assert_eq!(names_read(&drift), 0);
    bench.organization.control(|world| world.account_mut(4).change_externally(Some(TokenVersion::V1)));
    let drift = bench.run("drift", &["plan", "--quiet", "--detailed-exitcode", "--rate=0"]).exits(4);
    assert_eq!((names_read(&drift), names(&drift, 4).as_str()), (4, "Root/Workloads/Prod/EU"));
    // Without --quiet, the reports of a run with nothing to do have names too.
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--exclude-account=000000000004"]).exits(0);
    assert_eq!((names_read(&run), names(&run, 8).as_str()), (4, "Root/Workloads/Prod/EU"));
}

/// The journal has the names, so report and resume need no call for them.
#[test]
fn names_are_journalled() {
    let bench = Bench::new(tree().start());
    let options = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=100%"];
    bench.organization.control(|world| {
        for number in [2, 3, 4] {
            world.account_mut(number).faults.deny_set = true;
        }
    });
    let run = bench.run("run", &options).exits(3);
    assert_eq!(names(&run, 4), "Root/Workloads/Prod/EU", "{run}");
    for file in ["report.csv", "report.json", "report.html"] {
        std::fs::remove_file(run.folder.join(file)).expect("a report");
    }
    let again = bench.again("run", &["report", "run", "--report=again.csv"]).exits(0);
    assert_eq!(again.all_calls(), 0);
    assert_eq!(names(&again, 4), "Root/Workloads/Prod/EU");
    bench.organization.control(|world| (2..=4).for_each(|number| world.account_mut(number).faults.deny_set = false));
    let resumed = bench.again("run", &["resume", "run", "--yes", "--retry-failed"]).exits(0);
    assert_eq!(resumed.calls(Operation::ListRoots) + resumed.calls(Operation::ListOrganizationalUnitsForParent), 0);
    assert_eq!(names(&resumed, 8), "Root/Workloads/Prod/EU");
}

/// Without the permission, the reports have ids, and one note says so.
#[test]
fn refused_names_leave_ids() {
    for (actions, expected) in [
        (r#""organizations:ListRoots""#, "organizations:ListRoots"),
        (r#""organizations:ListOrganizationalUnitsForParent""#, "organizations:ListOrganizationalUnitsForParent"),
    ] {
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let bench = Bench::new(tree().caller_policy(&denied(actions)).start());
            let run = bench.run("run", &[command, &["--rate=0"]].concat()).exits(0).agrees(TokenVersion::V2);
            let note = "the names of OUs could not be read, so the reports show ids";
            assert_eq!(run.stderr.matches(note).count(), 1, "{run}");
            assert!(run.stderr.contains(expected), "{run}");
            assert_eq!(run.rows()["000000000002"]["ou_path"], format!("o-exampleorg1/{ROOT_ID}/{WORKLOADS}/{PROD}/"));
            let first =
                if expected.ends_with("ListRoots") { String::new() } else { format!("Root/{WORKLOADS}/{PROD}") };
            assert_eq!(names(&run, 2), first, "{run}");
        }
        let bench = Bench::new(tree().caller_policy(&denied(actions)).start());
        let run = bench.run("run", &["apply", "--yes", "--ou=Root/Workloads"]).exits(1);
        run.says(&[expected, "or give the ids of the OUs instead of their names"])
            .attempted_nothing("the names of the OUs could not be read");
        let doctor = bench.again("run", &["doctor"]).exits(0);
        assert!(doctor.stdout.contains("the names of OUs can't be read, so the reports show ids"), "{doctor}");
        assert!(doctor.stdout.contains("allow organizations:ListRoots and"), "{doctor}");
    }
    // `DescribeOrganizationalUnit` is not needed.
    let bench = Bench::new(tree().caller_policy(&denied(r#""organizations:DescribeOrganizationalUnit""#)).start());
    let run = bench.run("run", &["plan", "--ou=Root/Workloads/Prod/EU/Empty one,Root/Workloads/Test and Dev"]).exits(0);
    assert_eq!((visited(&run), names(&run, 6).as_str()), (BTreeSet::from([6, 7]), "Root/Workloads/Test and Dev"));
    let doctor = bench.again("run", &["doctor"]).exits(0);
    assert!(!doctor.stdout.contains("names of OUs"), "{doctor}");
}

#[test]
fn paths_of_names_select() {
    let bench = Bench::new(tree().start());
    for (index, (arguments, expected)) in [
        (vec!["--ou=Root"], vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 100]),
        (vec!["--ou=Root/Workloads/Prod"], vec![2, 3, 4, 5]),
        (vec!["--ou=Root/Workloads/Prod/,Root/Workloads/Test and Dev"], vec![2, 3, 4, 5, 6, 7]),
        (vec!["--ou=Root/Workloads", "--exclude-ou=Root/Workloads/Prod"], vec![6, 7, 8]),
        (vec!["--ou=Root/Workloads/Prod", "--exclude-ou", EUROPE], vec![2, 3]),
        (vec!["--ou", PROD, "--exclude-ou=Root/Workloads/Prod/EU/Empty one"], vec![2, 3, 4, 5]),
    ]
    .into_iter()
    .enumerate()
    {
        let run = bench.run(&format!("run-{index}"), &[&["plan", "--rate=0"], &arguments[..]].concat()).exits(0);
        assert_eq!(visited(&run), expected.into_iter().collect(), "{arguments:?}\n{run}");
        let run_json = std::fs::read_to_string(run.folder.join("run.json")).expect("run.json");
        let given = arguments[0].trim_start_matches("--ou=").split(',').next().expect("a value");
        assert!(given == "--ou" || run_json.contains(&format!("\"{given}\"")), "{run_json}");
    }
    // The id that the names stood for is kept with them.
    let run_json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.run_folder("run-1").join("run.json")).expect("run.json"))
            .expect("JSON");
    assert_eq!(run_json["settings"]["selection"]["include"]["ous"], serde_json::json!([PROD]));

    let refused = |arguments: &[&str], says: &[&str]| {
        let run = bench.run("refused", &[&["apply", "--yes"], arguments].concat()).exits(1);
        run.says(says).attempted_nothing(says[0]);
    };
    refused(
        &["--ou=Root/Workloads/Prd"],
        &["no OU or root with the path of names \"Root/Workloads/Prd\"", "\"Root/Workloads/Prod\" (ou-ab12-prod0000)"],
    );
    refused(&["--exclude-ou=prod"], &["those most like it are \"Root/Workloads/Prod\" (ou-ab12-prod0000)"]);
    refused(
        &["--ou=Root/Workloads/Prod/EU"],
        &["2 OUs have the path of names", "give the id of the one that is meant, ou-ab12-europe00, ou-ab12-slash000"],
    );
    refused(&["--ou=Root/Workloads/Prod/EU/Empty one"], &["the selection is empty", "0 are in the selected OUs"]);
}

/// Names select, and are in the report, where accounts have no path.
#[test]
fn names_without_account_paths() {
    let bench = Bench::new(tree().listing(ListingFault::NoPaths).start());
    let run = bench.run("run", &["plan", "--rate=0", "--ou=Root/Workloads/Prod"]).exits(0);
    assert_eq!((visited(&run), names(&run, 4).as_str()), (BTreeSet::from([2, 3, 4, 5]), "Root/Workloads/Prod/EU"));
    assert_eq!(run.calls(Operation::ListRoots), 1, "the walk has the names\n{run}");
}

/// Throttled names stop no visit, and the reports have the names that were read.
#[test]
fn throttled_names_leave_ids() {
    let bench =
        Bench::new(tree().throttle(Operation::ListOrganizationalUnitsForParent, RateLimit::new(0.001, 1.0)).start());
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--bake=0s"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 12, "{run}");
    assert_eq!(run.stderr.matches("note: ").count(), 1, "{run}");
    assert_eq!(names(&run, 2), format!("Root/Workloads/{PROD}"), "one call was answered\n{run}");
}

/// The names of a large tree are read at the rate that AWS allows. Without it, most calls after the first eight would be throttled.
#[test]
fn names_are_read_at_the_quota() {
    let mut builder = Organization::builder().accounts(80).aws_limits();
    for number in 0..15 {
        builder = builder.unit(&format!("ou-ab12-parent{number:02}"), &format!("Parent {number}"), ROOT_ID);
        builder = builder.unit(&format!("ou-ab12-child0{number:02}"), "Child", &format!("ou-ab12-parent{number:02}"));
    }
    let bench = Bench::new(
        builder.each_account(|account| account.ou = format!("ou-ab12-child0{:02}", account.id().number() % 15)).start(),
    );
    let run = bench.run("run", &["plan"]).exits(0).agrees(TokenVersion::V2);
    assert!(
        run.rows()
            .values()
            .all(|row| row["ou_names"].starts_with("Root/Parent ") && row["ou_names"].ends_with("/Child"))
    );
    let calls = run.calls(Operation::ListOrganizationalUnitsForParent);
    assert!(
        (16..=19).contains(&calls),
        "{calls} calls for the root and fifteen parents, of which few are repeated\n{run}"
    );
}
