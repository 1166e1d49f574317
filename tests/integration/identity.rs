//! Who am I, from which source, in which Region, at which host, through which proxy? Each row of `identity/rows` has an environment and
//! the files of a user, and the AWS CLI v1, `v2token iam` and the rollout (`v2token plan`) have to come to the same answers.
//!
//! `docs/aws-cli.md` must list every exception, and every listed exception must exist.
//!
//! `IDENTITY_ROWS=part,part` runs only the rows whose names contain one of the parts, and prints what each column did.

#![cfg(unix)]

mod answers;
mod columns;
mod home;
mod row;
mod seen;
mod signature;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use columns::Columns;
use home::Home;
use row::Row;
use seen::Seen;
use world::World;

use crate::aws_cli::forks::{Forks, Line};
use crate::python::{Scratch, environment, poll, skip};
use crate::tls_proxy::Authority;

/// How many rows run at once.
const WIDTH: usize = 3;

/// The time limit of a program.
const LIMIT: Duration = Duration::from_secs(30);

/// Part of every secret, so that a leak is recognised.
const SECRET: &str = "sEcReTmArKeR";

/// The secret access key of an access key.
fn secret_of(key: &str) -> String {
    format!("{SECRET}-{key}")
}

/// The session token of an access key of a session.
fn token_of(key: &str) -> String {
    format!("{SECRET}-token-{key}")
}

/// The programs under test, and the words of their command lines.
const IAM: [&str; 2] = ["iam", "get-account-summary"];
const STS: [&str; 2] = ["sts", "get-caller-identity"];
const ROLLOUT: [&str; 5] = ["plan", "--max-attempts=1", "--rate=0", "--run-dir", "{home}/run"];

#[test]
fn the_same_user_is_found_as_by_the_aws_cli() {
    let scratch = Scratch::new("identity");
    let python = match environment("aws_cli", &scratch.0) {
        Ok(python) => python,
        Err(reason) => return skip("the AWS CLI", &reason),
    };
    let filter = std::env::var("IDENTITY_ROWS").ok();
    let is_wanted = |row: &Row| filter.iter().all(|parts| parts.split(',').any(|part| row.name.contains(part)));
    let (all, can_read_all) = (row::all(), home::can_read_closed_files(&scratch.0));
    let rows: Vec<Row> =
        all.into_iter().filter(|row| is_wanted(row) && !(can_read_all && row.has_closed_file())).collect();
    let authority = Arc::new(Authority::new());
    let authorities = [authority.pem.clone(), Authority::new().pem];
    let next = AtomicUsize::new(0);
    let found: Mutex<BTreeMap<usize, Columns>> = Mutex::default();
    std::thread::scope(|scope| {
        for number in 0..WIDTH {
            let (next, found, rows, authority, python) = (&next, &found, &rows, &authority, &python);
            let (folder, authorities) = (scratch.0.join(number.to_string()), authorities.clone());
            scope.spawn(move || {
                let world = World::start(authority);
                let home = Home::new(&folder, &world, authorities);
                let mut forks = Forks::start(python, &home.surroundings(), LIMIT);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(row) = rows.get(number) else { return };
                    let aws_iam = watch_fork(row, &home, &world, &mut forks, &IAM);
                    let columns = Columns {
                        // Where one call fails, the rollout has to stop, even if the other call succeeds.
                        aws_sts: aws_iam.is_ok().then(|| watch_fork(row, &home, &world, &mut forks, &STS)),
                        aws_iam,
                        iam: watch(row, &home, &world, &IAM),
                        rollout: watch(row, &home, &world, &ROLLOUT.map(|word| home.fill(word))),
                    };
                    found.lock().expect("no panic").insert(number, columns);
                }
            });
        }
    });
    let found = found.into_inner().expect("no panic");
    if filter.is_some() {
        for (number, columns) in &found {
            println!("{}\n{}{}", rows[*number].name, columns.all_fields(), columns.last_lines());
        }
    }
    let mut blocks = Vec::new();
    // The rows that differ, by column.
    let mut overview: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (number, columns) in &found {
        let row = &rows[*number];
        let differences = columns.differences(row);
        for column in differences.keys() {
            overview.entry(column).or_default().push(&row.name);
        }
        if !differences.is_empty() {
            let lines: String = differences.into_values().collect();
            blocks.push(format!("{}\n{lines}{}", row.name, columns.last_lines()));
        }
    }
    let mut summary = String::new();
    for (column, names) in overview {
        summary.push_str(&format!("{column}, {} rows: {}\n\n", names.len(), names.join(" ")));
    }
    let count = blocks.len();
    assert!(blocks.is_empty(), "{count} of {} rows differ\n\n{summary}{}", found.len(), blocks.join("\n"));
}

#[test]
fn every_exception_is_documented() {
    let rows = row::all();
    assert!(rows.len() >= 400, "{}", rows.len());
    let declared: BTreeSet<(String, String)> = rows
        .iter()
        .flat_map(|row| row.exceptions.keys().map(|(column, _)| (row.name.clone(), column.clone())))
        .collect();
    let documented = documented();
    let missing: Vec<_> = declared.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&declared).collect();
    assert!(missing.is_empty(), "docs/aws-cli.md does not list {missing:?}");
    assert!(invented.is_empty(), "docs/aws-cli.md lists what is no exception: {invented:?}");
}

/// The exceptions that the document lists: row and column.
fn documented() -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/aws-cli.md");
    let text = std::fs::read_to_string(path).expect("docs/aws-cli.md");
    let (_, section) = text.split_once("\n## What differs in the rollout commands\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut documented = BTreeSet::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        for row in cells[0].split('`').skip(1).step_by(2) {
            for column in cells[1].split(", ") {
                assert!(documented.insert((row.to_owned(), column.to_owned())), "{row} is there twice");
            }
        }
    }
    documented
}

fn watch(row: &Row, home: &Home, world: &World, words: &[impl AsRef<str>]) -> Seen {
    home.furnish(row);
    world.begin(&row.moods);
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_v2token"));
    command.env_clear().current_dir(&home.folder).stdin(Stdio::null());
    command.envs(home.environment(row)).args(home.arguments(row, &words));
    let create = |path: &Path| File::create(path).expect("a file for output");
    command.stdout(create(&home.stdout)).stderr(create(&home.stderr));
    let mut child = crate::python::Reaped(command.spawn().expect("the program starts"));
    let status = poll(LIMIT, || child.0.try_wait().expect("a child's status"));
    finish(status.and_then(|status| status.code()), row, home, world, true)
}

fn watch_fork(row: &Row, home: &Home, world: &World, forks: &mut Forks, words: &[&str]) -> Seen {
    home.furnish(row);
    world.begin(&row.moods);
    let (arguments, environment) = (home.arguments(row, words), home.environment(row));
    let (folder, stdout, stderr) = (home.folder.as_path(), home.stdout.as_path(), home.stderr.as_path());
    let code = forks.run(&Line { arguments, environment, folder, stdout, stderr });
    finish(code, row, home, world, false)
}

fn finish(code: Option<i32>, row: &Row, home: &Home, world: &World, is_ours: bool) -> Seen {
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("output")).into_owned();
    let stderr = read(&home.stderr);
    let leaks = is_ours && (stderr.contains(SECRET) || read(&home.stdout).contains(SECRET));
    assert!(!leaks, "{}: a secret in the output\n{stderr}", row.name);
    Seen::new(code, &world.requests(), &stderr, row, home)
}
