//! Compares the examples in the documents with runs in the simulated Organization.

use std::time::Duration;

use clap::CommandFactory as _;
use serde_json::Value;
use v2token::internals::{Caller, Cli, Status};
use v2token::{AccountId, RoleTemplate};
use v2token_simulator::Organization;

use super::markdown::{Document, words};
use super::{definition, read};
use crate::harness::Bench;
use crate::impact;

/// The Organization of `cargo run -p v2token-simulator -- --accounts 200 --realistic`.
fn realistic() -> Bench {
    Bench::new(Organization::builder().accounts(200).realistic(true).global_sts(Duration::ZERO).token_jitter(0).start())
}

#[test]
fn selection_examples_visit_the_stated_number_of_accounts() {
    let bench = realistic();
    let page = Document::new(&read("docs/selection.md"));
    let mut examples = page.section("How options work together").table();
    assert!(examples.len() >= 8, "{examples:?}");
    let prose = page.section("Parts").prose().replace('\n', " ");
    let (_, part) = prose.split_once("of the 195 accounts above, ").expect("the example of a part");
    let (options, count) = part.split_once(" takes ").expect("a number");
    examples.push(vec![options.to_owned(), count.split('.').next().expect("a text").to_owned()]);
    for (number, row) in examples.iter().enumerate() {
        let options = row[0].trim_matches('`').replace('\'', "");
        let given: Vec<&str> = options.split_whitespace().filter(|word| *word != "none").collect();
        let words = [&["plan", "--rate", "0", "--output", "json"], &given[..]].concat();
        let run = bench.run(&format!("example-{number}"), &words);
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
        let counts = report["summary"].as_object().expect("counts");
        let visited: u64 =
            counts.iter().filter(|(outcome, _)| *outcome != "skipped").filter_map(|(_, count)| count.as_u64()).sum();
        assert_eq!(visited.to_string(), row[1], "{options}\n{run}");
    }
}

/// The lines without the parts that differ between runs: the port, seconds, and the duration of the rollout.
fn steady(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let line = match line.split_once("about ") {
            Some((before, after)) if line.contains(" pace ") => {
                format!("{before}{}", after.split_once(" for ").map_or("", |(_, rest)| rest))
            }
            _ => line.to_owned(),
        };
        let timed = line.contains("127.0.0.1:") || line.contains(" clock ");
        if timed { line.chars().filter(|character| !character.is_ascii_digit()).collect() } else { line }
    });
    lines.collect()
}

/// The example commands at the end of a command's help.
fn shown_by(help: &str) -> Vec<String> {
    let joined = help.replace("\\\n", " ");
    joined.lines().filter(|line| line.starts_with("    v2token ")).map(|line| line.trim().to_owned()).collect()
}

/// Placeholders in the examples, and their values in the simulated Organization.
const STAND_INS: [(&str, &str); 4] =
    [("111122223333", "000000000001"), ("444455556666", "000000000002"), ("30m", "10ms"), ("~/", "home/")];

#[test]
fn examples_in_the_help_succeed() {
    let mut bench = Bench::new(
        Organization::builder().accounts(6).unlimited().account(5, |account| account.faults.deny_set = true).start(),
    );
    // One failure of six would stop a rollout, but the examples need a complete run.
    bench.env("V2TOKEN_MAX_ERRORS", "100%").env("AWS_DEFAULT_REGION", "us-east-1");
    let runs = ["20261121T160000Z-ghijkl", "20261122T041500Z-abcdef", "20261122T041501Z-bcdefg"];
    let [plan, apply, part] = runs.map(|run| format!("v2token-runs/{run}"));
    bench.run(&plan, &["plan"]).exits(0);
    bench
        .run(&apply, &["apply", "--yes", "--max-errors=100%", "--account=000000000001,000000000002,000000000005"])
        .exits(3);
    bench.run(&part, &["plan", "--shard=0/2"]).exits(0);
    impact::events::write(bench.folder.path());
    let mut count = 0;
    let mut with_examples = Vec::new();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let help = bench.again("none", &[name, if name == "iam" { "help" } else { "--help" }]).exits(0).stdout;
        let examples = shown_by(&help);
        if !examples.is_empty() {
            with_examples.push(name.to_owned());
        }
        for example in examples {
            count += 1;
            let mut line = example.clone();
            for (reader, ours) in STAND_INS {
                line = line.replace(reader, ours);
            }
            let words = words(&line);
            let mut arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            let asks = ["apply", "resume", "rollback"].contains(&name) && !arguments.contains(&"--yes");
            if asks {
                // There is no terminal to ask on.
                arguments.push("--yes");
            }
            let run = bench.again("none", &arguments);
            // The fifth account can never be set.
            let expected = match name {
                "resume" | "apply" => 3,
                "doctor" => i32::from(run.stdout.contains("failure")),
                "plan" if example.contains("--detailed-exitcode") => 4,
                _ => 0,
            };
            assert_eq!(run.code, expected, "{example}\n{run}");
            assert_eq!(
                run.stdout.is_empty(),
                example.contains("--output none")
                    || name == "man" && example.contains('~')
                    || example.contains("set-security"),
                "{example}\n{run}"
            );
        }
    }
    assert_eq!(
        with_examples,
        [
            "plan",
            "apply",
            "resume",
            "rollback",
            "report",
            "runs",
            "history",
            "doctor",
            "impact",
            "policy",
            "iam",
            "completions",
            "man"
        ]
    );
    assert!(count >= 20, "{count}");
    for file in [
        "evidence.zip",
        "drift.md",
        "rollout.csv",
        "rollout.md",
        "page.html",
        "ticket.md",
        "home/.local/share/man/man1/v2token-plan.1",
    ] {
        assert!(bench.folder.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn query_recipes_find_something() {
    let organization = Organization::builder().accounts(200).realistic(true);
    let bench = Bench::new(
        organization.each_account(|account| account.faults.deny_set = account.id().number() % 50 == 7).start(),
    );
    bench.run("run", &["apply", "--yes", "--rate=0", "--max-errors=100%"]).exits(3);
    let recipes = Document::new(&read("docs/report.md")).section("Recipes").table();
    assert!(recipes.len() >= 8, "{recipes:?}");
    let code = |cell: &str| cell.trim_matches('`').to_owned();
    for row in recipes {
        let (query, output) = (code(&row[1]), code(&row[2]));
        // No account takes that many calls in the simulated Organization.
        let query = query.replace("attempts > `5`", "attempts > `3`");
        let run = bench.again("none", &["report", "run", "--query", &query, "--output", &output]).exits(0);
        assert!(!run.stdout.trim().is_empty() && run.stderr.is_empty(), "{query}\n{run}");
        if output == "csv" {
            assert!(run.stdout.starts_with("id,name,code,hint\n"), "{run}");
        }
    }
}

#[test]
fn doctor_prints_the_documented_output() {
    let bench = realistic();
    let section = Document::new(&read("docs/operating.md")).section("Check");
    let shown = section.shown("text");
    let [example] = &shown[..] else { panic!("there is one example of doctor") };
    let words: Vec<&str> = example.words.iter().map(String::as_str).collect();
    let ["v2token", arguments @ ..] = &words[..] else { panic!("{words:?}") };
    let run = bench.again("none", arguments).exits(0);
    assert_eq!(steady(&example.text), steady(&run.stdout));

    let shape = |checks: &Value| -> Vec<String> {
        let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        [keys(checks), keys(&checks["checks"][0])].concat()
    };
    let section = Document::new(&read("docs/operating.md")).section("Doctor in JSON");
    let printed: Value =
        serde_json::from_str(&bench.again("none", &["doctor", "--output", "json"]).stdout).expect("JSON");
    assert_eq!(shape(&section.json()), shape(&printed));
    let words: Vec<&str> = Status::ALL.into_iter().map(Status::as_str).collect();
    assert_eq!(section.item("status"), words);
    let checks = printed["checks"].as_array().expect("checks");
    let mut subjects: Vec<&str> = checks.iter().filter_map(|check| check["check"].as_str()).collect();
    subjects.dedup();
    assert_eq!(section.item("check"), subjects);
}

#[test]
fn role_spellings_give_the_documented_arns() {
    let page = Document::new(&read("docs/access.md"));
    let account: AccountId = "111122223333".parse().expect("an id");
    let caller = Caller::from_api(Some("111122223333"), Some("arn:aws:iam::111122223333:user/ops")).expect("a caller");
    let rows = page.section("The role").table();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let role: RoleTemplate = row[0].trim_matches('`').parse().unwrap_or_else(|error| panic!("{error}: {row:?}"));
        assert_eq!(role.arn(&caller.partition, account), row[1].trim_matches('`'));
    }
    let command = definition();
    let apply = command.find_subcommand("apply").expect("the command");
    let option = apply.get_arguments().find(|argument| argument.get_id() == "management_account").expect("the option");
    let names: Vec<String> = option.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    assert_eq!(page.section("The management account").names(), names);
}
