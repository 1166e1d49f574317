//! Compares the documents with the code: promises must hold, names must exist, and generated parts must be up to date. With
//! `UPDATE_DOCUMENTS=1` the generated parts are written again.

mod commands;
mod errors;
mod examples;
mod layers;
mod markdown;
mod options;
mod policies;
mod troubleshooting;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, CommandFactory as _, Parser as _};
use serde_json::Value;
use v2token::internals::{
    AccountState, COLUMNS, COMPARISON_COLUMNS, Cli, Difference, OwnCode, SkipReason, Stage, Verified, columns,
};
use v2token::{Outcome, Verify};

use crate::harness::program;
use markdown::{Document, words};

/// The width of the help in the documents.
const WIDTH: &str = "100";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files with this ending in a folder, as paths from the root of the project; with `deep`, also those below it.
fn files(folder: &str, ending: &str, deep: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(root().join(folder)).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.strip_prefix(root()).expect("below the root").to_str().expect("UTF-8").to_owned();
        if path.is_dir() && deep {
            found.extend(files(&name, ending, deep));
        } else if name.ends_with(ending) {
            found.push(name);
        }
    }
    found
}

/// The source files of all crates of the program.
fn sources() -> impl Iterator<Item = String> {
    ["src", "crates/base/src", "crates/cloud/src"].into_iter().flat_map(|folder| files(folder, ".rs", true))
}

/// Every document with its name.
fn documents() -> Vec<(String, Document)> {
    let names = [files("", ".md", false), files("docs", ".md", true)].concat();
    assert!(names.len() >= 7, "{names:?}");
    names.into_iter().map(|name| (name.clone(), Document::new(&read(&name)))).collect()
}

/// The definition of the command line, including what clap adds to it.
fn definition() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// The commands, each with its options in all spellings.
fn commands() -> BTreeMap<String, BTreeSet<String>> {
    let definition = definition();
    definition
        .get_subcommands()
        .map(|command| {
            // The options of `iam` are not defined with clap.
            let aws_cli = (command.get_name() == "iam").then(v2token::internals::option_names).into_iter().flatten();
            let own = command.get_arguments().flat_map(spellings);
            (command.get_name().to_owned(), own.chain(aws_cli.map(str::to_owned)).collect())
        })
        .collect()
}

fn spellings(argument: &Arg) -> Vec<String> {
    let long = argument.get_long_and_visible_aliases().unwrap_or_default().into_iter().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    long.chain(short).collect()
}

#[test]
fn help_page_is_up_to_date() {
    let mut page = format!(
        "# Help\n\nThis page has the help of each command, {WIDTH} columns wide. It is generated: see\n\
         [Documents](../CONTRIBUTING.md#documents).\n"
    );
    let own: Vec<String> = Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for command in std::iter::once("").chain(own.iter().map(String::as_str)) {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let words = command.split_whitespace().chain(["--help"]);
        let output = program(folder.path()).env("COLUMNS", WIDTH).args(words).output().expect("the program starts");
        assert!(output.status.success(), "{command} --help");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let title = format!("v2token {command}");
        page.push_str(&format!("\n## {}\n\n```text\n", title.trim_end()));
        text.trim_end().lines().for_each(|line| page.push_str(&format!("{}\n", line.trim_end())));
        page.push_str("```\n");
    }
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(root().join("docs/help.md"), &page).expect("a writable page");
    }
    assert!(read("docs/help.md") == page, "docs/help.md is out of date: run again with UPDATE_DOCUMENTS=1");
}

#[test]
fn readme_starts_with_rehearsal_and_tests() {
    let readme = read("README.md");
    let blocks = Document::new(&readme).blocks();
    let first: Vec<&str> = blocks.iter().take(2).map(|(_, text)| text.as_str()).collect();
    assert_eq!(first, ["cargo run --example rehearsal\n", "cargo test --workspace\n"]);
    // `.ci/run` takes the first line that starts with `cargo test`.
    let tests: Vec<&str> = readme.lines().filter(|line| line.starts_with("cargo test ")).collect();
    assert_eq!(tests, ["cargo test --workspace"]);
}

#[test]
fn readme_lists_all_commands() {
    let own =
        Cli::command().get_subcommands().map(|command| format!("v2token {}", command.get_name())).collect::<Vec<_>>();
    assert_eq!(Document::new(&read("README.md")).section("Commands").names(), own);
}

#[test]
fn report_page_lists_all_columns() {
    let names = |verify: Verify, more| columns(&verify, more, more).iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let promised = names(Verify::Setting, false);
    assert_eq!(promised, COLUMNS.map(|(name, _)| name));
    let documented = Document::new(&read("docs/report.md")).section("Columns");
    assert_eq!(documented.block("text").trim(), promised.join(","));
    // The table also has the optional columns.
    let all = names(Verify::TokenSize, true);
    assert_eq!(
        all.strip_prefix(promised.as_slice()),
        Some(
            [
                "verified",
                "issued_version",
                "regional_token_size",
                "global_token_size",
                "impact",
                "exception_reason",
                "exception_until"
            ]
            .as_slice()
        )
    );
    assert_eq!(documented.names(), all);
}

#[test]
fn report_page_lists_the_columns_of_runs_and_of_a_history() {
    let bench = crate::harness::Bench::new(v2token_simulator::Organization::builder().accounts(2).unlimited().start());
    bench.again("none", &["plan"]).exits(0);
    let page = Document::new(&read("docs/report.md"));
    for (section, arguments) in
        [("Columns of runs", &["runs"][..]), ("Columns of a history", &["history", "000000000001"])]
    {
        let csv = bench.again("none", &[arguments, &["--output=csv"]].concat()).exits(0).stdout;
        let header: Vec<&str> = csv.lines().next().expect("a header").split(',').collect();
        assert_eq!(page.section(section).names(), header);
    }
}

#[test]
fn report_page_describes_all_outcomes_and_stages() {
    let outcomes = Outcome::ALL.map(Outcome::as_str);
    let report = Document::new(&read("docs/report.md"));
    assert_eq!(report.section("Outcomes").names(), outcomes);
    for (outcome, row) in Outcome::ALL.into_iter().zip(report.section("Outcomes").table()) {
        assert_eq!(row[2], if outcome.is_error() { "yes" } else { "no" }, "{outcome}");
    }
    assert_eq!(report.section("Stages").names(), Stage::ALL.map(Stage::as_str));
    let columns = report.section("Columns").table();
    let verified = columns.iter().find(|row| row[0] == "`verified`").expect("the column");
    let words: Vec<&str> = verified[2].split('`').skip(1).step_by(2).collect();
    assert_eq!(words, Verified::ALL.map(Verified::as_str));
    // The example names every outcome, too.
    let example = report.section("What is different in JSON").json();
    let counted: BTreeSet<&str> = example["summary"].as_object().expect("counts").keys().map(String::as_str).collect();
    assert_eq!(counted, outcomes.into_iter().collect());
    for account in example["accounts"].as_array().expect("accounts") {
        for column in account.as_object().expect("a row").keys() {
            assert!(COLUMNS.iter().any(|(name, _)| name == column), "{column} is not a column");
        }
    }
}

#[test]
fn report_page_describes_all_differences_and_their_columns() {
    let report = Document::new(&read("docs/report.md"));
    let differences = report.section("Differences");
    assert_eq!(differences.names(), Difference::ALL.map(Difference::as_str));
    for (difference, row) in Difference::ALL.into_iter().zip(differences.table()) {
        assert_eq!(row[1], difference.meaning());
    }
    let holds = report.section("What a comparison holds");
    assert_eq!(holds.names(), COMPARISON_COLUMNS.map(|(name, _)| name));
    let example = holds.json();
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert!(keys(&example["summary"]).iter().all(|name| Difference::ALL.iter().any(|kind| kind.as_str() == name)));
    assert!(keys(&example["accounts"][0]).iter().all(|name| COMPARISON_COLUMNS.iter().any(|(known, _)| known == name)));
    let schema: Value = serde_json::from_str(&read("docs/comparison.schema.json")).expect("JSON");
    assert_eq!(keys(&example), keys(&schema["properties"]));
}

#[test]
fn exit_codes_match_the_help() {
    let readme = Document::new(&read("README.md")).section("Exit codes").table();
    let doctor = Document::new(&read("docs/operating.md")).section("Check").table();
    let report = Document::new(&read("docs/report.md")).section("The exit code").table();
    let impact = Document::new(&read("docs/impact.md")).section("Exit codes").table();
    let definition = definition();
    // Commands without a run or a check end only with 0, 1, or 2; iam has its own codes.
    let without = ["help", "iam", "policy", "report", "runs", "history", "completions", "man"];
    let own = definition.get_subcommands().filter(|command| !without.contains(&command.get_name()));
    for command in own.chain([&definition]) {
        let help = command.get_after_help().expect("the exit codes").to_string();
        let lines = help.lines().filter(|line| line.starts_with("  "));
        let shown: Vec<(String, String)> = lines
            .map(|line| line.trim().split_once(' ').expect("a code and its meaning"))
            .map(|(code, meaning)| (code.to_owned(), meaning.trim().to_owned()))
            .collect();
        let rows = match command.get_name() {
            "doctor" => &doctor,
            "impact" => &impact,
            "report" => &report,
            _ => &readme,
        };
        let documented: Vec<_> = rows.iter().map(|row| (row[0].clone(), row[1].replace('`', ""))).collect();
        assert_eq!(documented, shown, "{}", command.get_name());
    }
}

#[test]
fn report_page_lists_all_error_codes() {
    let report = Document::new(&read("docs/report.md"));
    assert_eq!(report.section("Error codes of the program").names(), OwnCode::ALL.map(OwnCode::as_str));

    let skips: BTreeSet<String> = report.section("Reasons for skipping").names().into_iter().collect();
    let by_state = states().into_iter().filter_map(|state| state.skip_code().map(str::to_owned));
    let by_selection = SkipReason::ALL.into_iter().map(|reason| reason.code().to_owned());
    let written = sources().flat_map(|name| reasons(&read(&name)));
    assert_eq!(skips, by_state.chain(by_selection).chain(written).collect());
}

/// The reasons for skipping that are literals in a source file, without its tests.
fn reasons(source: &str) -> Vec<String> {
    let records = tested(source).split("Record::skipped(").skip(1).filter_map(|rest| rest.split(')').next());
    records.filter_map(|arguments| arguments.split('"').nth(1)).map(str::to_owned).collect()
}

/// The part of a source file before its tests.
fn tested(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// Every state of an account. The match does not compile until a new state is added.
fn states() -> Vec<AccountState> {
    use AccountState::{Absent, Active, Closed, Other, PendingActivation, PendingClosure, Suspended};
    let all = vec![PendingActivation, Active, Suspended, PendingClosure, Closed, Other("FROZEN".to_owned()), Absent];
    for state in &all {
        match state {
            PendingActivation | Active | Suspended | PendingClosure | Closed | Other(_) | Absent => {}
        }
    }
    all
}

#[test]
fn json_blocks_are_valid() {
    let mut count = 0;
    for (name, document) in documents() {
        for (_, text) in document.blocks().into_iter().filter(|(language, _)| language == "json") {
            count += 1;
            if let Err(error) = serde_json::from_str::<Value>(&text) {
                panic!("{name}: {error} in\n{text}");
            }
        }
    }
    assert!(count >= 9, "{count}");
}

/// The anchor that a heading has on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|character| character.is_alphanumeric() || matches!(character, '-' | '_')).collect()
}

#[test]
fn links_and_file_names_exist() {
    let mut count = 0;
    for (name, document) in documents() {
        let prose = document.prose();
        for target in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("https://") {
                continue;
            }
            count += 1;
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(&name).parent().expect("a folder");
            let path = if file.is_empty() { root().join(&name) } else { root().join(folder).join(file) };
            assert!(path.exists(), "{name} links to {target}");
            if !fragment.is_empty() {
                let linked = Document::new(&fs::read_to_string(&path).expect("a document"));
                let found = linked.headings().any(|(_, _, heading)| anchor(heading) == fragment);
                assert!(found, "{name} links to {target}, but there is no such heading");
            }
        }
        for label in prose.split("][").skip(1).filter_map(|rest| rest.split(']').next()) {
            assert!(prose.contains(&format!("\n[{label}]: https://")), "{name} does not define the link [{label}]");
        }
        for span in document.spans() {
            let source = Path::new(&span).extension().is_some_and(|ending| ending == "rs");
            let below =
                ["crates/", "src/", "tests/", "docs/", "examples/"].iter().any(|folder| span.starts_with(folder));
            if source || below {
                let places = ["", "src", "crates/base/src", "crates/cloud/src", "tests/integration"]
                    .map(|place| root().join(place).join(&span));
                assert!(places.iter().any(|place| place.exists()), "{name} names {span}, which does not exist");
            }
        }
    }
    assert!(count >= 10, "{count}");
}

/// Whether a piece of code is a command of another program, after the variables that are set for it.
fn is_foreign(code: &str) -> bool {
    let word = code.split_whitespace().find(|word| !word.contains('='));
    word.is_some_and(|word| ["cargo", "aws", "time", "sha256sum", "gh", "docker"].contains(&word))
}

/// The long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let rest = &text[at + 2..];
        if !before.is_alphanumeric() && before != '-' && rest.starts_with(|first: char| first.is_ascii_lowercase()) {
            let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
            found.insert(format!("--{}", &rest[..end]));
        }
    }
    found
}

#[test]
fn named_commands_and_options_exist() {
    let commands = commands();
    let everywhere: BTreeSet<String> =
        commands.values().flatten().cloned().chain(definition().get_arguments().flat_map(spellings)).collect();
    let mut seen = 0;
    for (name, document) in documents() {
        // The text in a template is not code.
        let blocks = document.blocks().into_iter().filter(|(language, _)| language != "json");
        let fenced = blocks.flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>());
        let pieces = document.spans().into_iter().chain(fenced).chain(document.commands());
        for code in pieces.filter(|code| !is_foreign(code)) {
            let unknown: Vec<_> = options(&code).difference(&everywhere).cloned().collect();
            assert!(unknown.is_empty(), "{name} names {unknown:?} in {code:?}");
            let words: Vec<&str> = code.split_whitespace().collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "v2token") {
                if !pair[1].starts_with(|first: char| first.is_ascii_alphabetic()) {
                    continue;
                }
                let known = commands.get(pair[1]).unwrap_or_else(|| panic!("{name} names the command {}", pair[1]));
                let unknown: Vec<_> = options(&code).difference(known).cloned().collect();
                assert!(unknown.is_empty(), "{name} gives {unknown:?} to {}", pair[1]);
                seen += 1;
            }
        }
        // Options outside of code spans must exist, too.
        let text: String = document.prose().split('`').step_by(2).collect();
        let unknown: Vec<_> = options(&text).difference(&everywhere).cloned().collect();
        assert!(unknown.is_empty(), "{name} names {unknown:?}");
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn example_commands_parse() {
    let mut count = 0;
    for (name, document) in documents() {
        let spans = document.spans().into_iter().filter(|span| !span.contains('<'));
        for line in document.commands().into_iter().chain(spans).filter(|line| line.trim().starts_with("v2token ")) {
            // A command without its run folder is only a name, not an example.
            let error = Cli::try_parse_from(words(&line)).err();
            let error = error.filter(|error| {
                ![ErrorKind::MissingRequiredArgument, ErrorKind::DisplayVersion].contains(&error.kind())
            });
            assert!(error.is_none(), "{name}: {line}\n{}", error.expect("there is one"));
            count += 1;
        }
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn design_page_lists_all_journal_events() {
    let described = Document::new(&read("docs/design.md")).section("The journal").names();
    let refused = serde_json::from_str::<v2token::internals::Entry<'_>>(r#"{"event":"none"}"#).unwrap_err().to_string();
    let (_, expected) = refused.split_once("expected one of").expect("the events that are known");
    let known: Vec<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(described, known);
}
