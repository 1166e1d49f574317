//! The built program against moto, a public AWS emulator, as an independent check.
//!
//! The simulator of this repository was written by the people who wrote the product, so both could share one
//! misunderstanding of AWS. moto was not. `tests/moto/serve.py` adds the operation that it lacks, and serves
//! the ground truth about each account.
//!
//! It needs `python3` and, the first time, the network. Where CI is set, their absence fails the test; elsewhere it
//! skips it with a message.

#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::python::{Reaped, Scratch, environment, hermetic, output_of, poll, run, skip, spawn};

const MANIFEST_DIR: &str = env!("CARGO_MANIFEST_DIR");

/// A generous time limit, so that a hang fails with its cause.
const RUN_LIMIT: Duration = Duration::from_mins(2);

/// The Region of the runs. In us-east-1, the calls of `--verify token` for the global endpoint would look like all others.
const REGION: &str = "eu-west-1";

/// One test instead of four, because each run starts from the result of the previous one.
#[test]
fn every_account_goes_to_v2_and_back() {
    let Some(judge) = Judge::start() else { return };
    let active = judge.accounts.len() - judge.suspended.len();
    let on_v1 = active - judge.already_v2.len();

    let changes = judge.watch("plan", &["plan"], "v2Token", "would_change");
    assert_eq!(changes, on_v1, "what a plan would change");

    judge.watch_choice();

    let changes = judge.watch("apply", &["apply", "--yes"], "v2Token", "changed");
    assert_eq!(changes, on_v1, "what apply changed");

    judge.compare_lengths();

    let changes = judge.watch("again", &["apply", "--yes"], "v2Token", "changed");
    assert_eq!(changes, 0, "what a second apply changed");

    let back = ["apply", "--yes", "--to", "v1Token"];
    let changes = judge.watch("back", &back, "v1Token", "changed");
    assert_eq!(changes, active, "what the way back changed");
}

/// moto's state of one account.
struct Truth {
    version: u64,
    sets: u64,
    sessions: u64,
}

impl Truth {
    fn from_json(account: &Value) -> Self {
        let number = |key: &str| account[key].as_u64().expect("a number");
        Self { version: number("version"), sets: number("sets"), sessions: number("sessions") }
    }
}

/// A row of the report, by column name.
type Row = HashMap<String, String>;

/// A running moto with an organization in it. The fields are dropped in this order: the server before its files.
struct Judge {
    _server: Reaped,
    address: String,
    management_account: String,
    accounts: BTreeSet<String>,
    suspended: BTreeSet<String>,
    already_v2: BTreeSet<String>,
    /// The id of an OU, and the accounts below it that have the tag and a name that starts with `member 1`.
    workloads: String,
    chosen: BTreeSet<String>,
    scratch: Scratch,
}

impl Judge {
    /// Starts and seeds the server, or prints why this machine can't.
    fn start() -> Option<Self> {
        let scratch = Scratch::new("moto");
        let python = match environment("moto", &scratch.0) {
            Ok(python) => python,
            Err(reason) => {
                skip("moto", &reason);
                return None;
            }
        };
        let (server, address) = serve(&python, &scratch.0);
        let seed = seed(&python, &address, &scratch.0);
        Some(Self {
            _server: server,
            address,
            management_account: seed["management_account"].as_str().expect("an id").to_owned(),
            accounts: ids(&seed["accounts"]),
            suspended: ids(&seed["suspended"]),
            already_v2: ids(&seed["already_v2"]),
            workloads: seed["workloads"].as_str().expect("an id").to_owned(),
            chosen: ids(&seed["chosen"]),
            scratch,
        })
    }

    /// moto reports no sizes, and its tokens all have one length, whatever the version. So the lengths are compared, and they say what they
    /// say.
    fn compare_lengths(&self) {
        let before = self.truth();
        let report = self.v2token("sizes", &["plan", "--verify", "token"]);
        let sessions = |truth: &BTreeMap<String, Truth>, account: &str| truth[account].sessions;
        let after = self.truth();
        for (account, row) in report.iter().filter(|(_, row)| row["outcome"] == "unchanged") {
            let is_own = *account == self.management_account;
            let cells = ["issued_version", "hint"].map(|name| row[name].as_str());
            let expected = if is_own {
                ["", "only the setting was read, because the account was entered without a role"]
            } else {
                ["v2Token", "STS gave no token sizes, so the lengths of the tokens were compared"]
            };
            assert_eq!(cells, expected, "{account}");
            assert_eq!(row["regional_token_size"], row["global_token_size"], "{account}");
            let opened = sessions(&after, account) - sessions(&before, account);
            assert_eq!(opened, if is_own { 0 } else { 2 }, "{account}");
        }
    }

    /// Runs v2token once and compares its report with the truth before and after.
    ///
    /// `outcome` is the expected outcome of accounts that are not on the wanted version yet. Returns the number of such
    /// accounts.
    fn watch(&self, name: &str, arguments: &[&str], wanted: &str, outcome: &str) -> usize {
        let before = self.truth();
        let report = self.v2token(name, arguments);
        let after = self.truth();

        self.expect_each_once(report.keys(), "the report");
        self.expect_each_once(after.keys(), "what moto was asked to do");
        for (account, row) in &report {
            let (before, after) = (&before[account], &after[account]);
            let expected = self.outcome(account, before, wanted, outcome);
            assert_eq!(row["outcome"], expected, "{row:#?}");
            expect_versions(row, before, wanted);
            expect_effect(row, before, after);
            self.expect_session(row, before, after);
        }
        report.values().filter(|row| row["outcome"] == outcome).count()
    }

    /// Plans for a selection by OU, tag and name, with each kind of access that moto supports. moto checks neither trust policies nor MFA
    /// codes, so only successes can be tested here.
    fn watch_choice(&self) {
        let hub = format!("--via-role=arn:aws:iam::{}:role/OrganizationAccountAccessRole", self.management_account);
        let mfa = format!("--mfa-serial=arn:aws:iam::{}:mfa/operator", self.management_account);
        let ways: [(&str, &[&str]); 5] = [
            ("role", &["--role=arn:{partition}:iam::{account_id}:role/OrganizationAccountAccessRole"]),
            ("hub", &[&hub]),
            ("mfa", &[&mfa, "--mfa-token=123456"]),
            (
                "terms",
                &["--external-id=team:42", "--source-identity=me", "--session-name=rollout", "--session-duration=1h"],
            ),
            ("unscoped", &["--session-policy=none"]),
        ];
        let choice = ["plan", "--ou", &self.workloads, "--tag=team=payments", "--name=member 1*"];
        for (name, way) in ways {
            let before = self.truth();
            let report = self.v2token(name, &[&choice, way].concat());
            let after = self.truth();
            let visited = report.iter().filter(|(_, row)| row["outcome"] == "would_change");
            let visited: BTreeSet<String> = visited.map(|(account, _)| account.clone()).collect();
            assert_eq!(visited, self.chosen, "{name}");
            self.expect_each_once(report.keys(), "the report");
            for (account, row) in report.iter().filter(|(account, _)| !self.chosen.contains(*account)) {
                assert_eq!(
                    (row["outcome"].as_str(), row["error_code"].as_str()),
                    ("skipped", "NotSelected"),
                    "{account}"
                );
            }
            assert!(
                before.iter().all(|(account, truth)| after[account].sets == truth.sets),
                "{name}: a plan writes nothing"
            );
        }
    }

    fn outcome<'a>(&self, account: &str, before: &Truth, wanted: &str, otherwise: &'a str) -> &'a str {
        if self.suspended.contains(account) {
            "skipped"
        } else if token_version(before.version) == wanted {
            "unchanged"
        } else {
            otherwise
        }
    }

    /// Checks that the report has exactly the accounts of the organization.
    fn expect_each_once<'a>(&self, accounts: impl Iterator<Item = &'a String>, place: &str) {
        let found: BTreeSet<String> = accounts.cloned().collect();
        let odd: Vec<_> = found.symmetric_difference(&self.accounts).collect();
        assert!(odd.is_empty(), "missing from {place}, or there by mistake: {odd:?}");
    }

    /// Checks that visits use the role, except in accounts that are not visited and in the management account: it has no such role,
    /// although moto would issue a session.
    fn expect_session(&self, row: &Row, before: &Truth, after: &Truth) {
        let through_role = row["outcome"] != "skipped" && row["account_id"] != self.management_account;
        assert_eq!(after.sessions > before.sessions, through_role, "assumed the role: {row:#?}");
    }

    /// Runs the built binary, which must succeed, and reads its report by account id.
    fn v2token(&self, name: &str, arguments: &[&str]) -> BTreeMap<String, Row> {
        let report = self.scratch.0.join(format!("{name}.csv"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_v2token"));
        command
            .args(arguments)
            .args(["--region", REGION, "--no-progress", "--output", "none"])
            .arg("--report")
            .arg(&report)
            .arg("--run-dir")
            .arg(self.scratch.0.join(format!("{name}.run")))
            .current_dir(&self.scratch.0);
        hermetic(&mut command, &self.scratch.0)
            .env("AWS_ENDPOINT_URL", &self.address)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", REGION)
            .env("V2TOKEN_BAKE", "0s")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        run(&mut command, name, &self.scratch.0, RUN_LIMIT).unwrap_or_else(|failure| panic!("{failure}"));
        read_report(&report)
    }

    /// Reads the ground truth from the server, without an AWS protocol.
    fn truth(&self) -> BTreeMap<String, Truth> {
        let body = get(&self.address, "/v2token-judge/truth");
        let truth: Value = serde_json::from_str(&body).expect("the truth is JSON");
        let accounts = truth.as_object().expect("an object of accounts").iter();
        accounts.map(|(id, account)| (id.clone(), Truth::from_json(account))).collect()
    }
}

fn expect_versions(row: &Row, before: &Truth, wanted: &str) {
    if row["outcome"] == "skipped" {
        assert_eq!(row["error_code"], "Suspended", "{row:#?}");
        return;
    }
    assert_eq!(row["target_version"], wanted, "{row:#?}");
    assert_eq!(row["error_code"], "", "{row:#?}");
    assert_eq!(row["previous_version"], token_version(before.version), "{row:#?}");
    if row["outcome"] != "would_change" {
        assert_eq!(row["current_version"], wanted, "{row:#?}");
    }
}

/// Checks that `changed` accounts received exactly one Set, and the others none.
fn expect_effect(row: &Row, before: &Truth, after: &Truth) {
    let changed = row["outcome"] == "changed";
    let version = if changed { &row["target_version"] } else { token_version(before.version) };
    assert_eq!(token_version(after.version), version, "the truth is not so: {row:#?}");
    assert_eq!(after.sets - before.sets, u64::from(changed), "Set calls: {row:#?}");
}

/// The name of the version that IAM reads back as a number.
fn token_version(number: u64) -> &'static str {
    match number {
        1 => "v1Token",
        2 => "v2Token",
        other => panic!("moto knows of no token version {other}"),
    }
}

fn ids(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list of ids");
    list.iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

fn read_report(path: &Path) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    let mut reader = csv::Reader::from_path(path).expect("a report");
    for row in reader.deserialize::<Row>() {
        let row = row.expect("a row like its header");
        let twin = rows.insert(row["account_id"].clone(), row);
        assert!(twin.is_none(), "an account has two rows: {twin:#?}");
    }
    rows
}

/// Starts the server and waits for its address.
pub(crate) fn serve(python: &Path, scratch: &Path) -> (Reaped, String) {
    let mut command = Command::new(python);
    hermetic(command.arg(asset("serve.py")), scratch);
    // The open pipe keeps the server alive: if this process is killed, the server ends too.
    command.stdin(Stdio::piped());
    let mut server = spawn(&mut command, "serve", scratch).unwrap_or_else(|failure| panic!("{failure}"));
    let address = poll(RUN_LIMIT, || {
        let ended = server.0.try_wait().expect("the server's status").is_some();
        let line = output_of("serve", "stdout", scratch);
        let address = line.strip_suffix('\n').and_then(|line| line.strip_prefix("listening "));
        if ended { Some(Err(())) } else { address.map(|address| Ok(address.to_owned())) }
    });
    match address {
        Some(Ok(address)) => (server, address),
        _ => panic!("moto does not listen: {}", output_of("serve", "stderr", scratch)),
    }
}

/// Creates the organization and returns its description.
fn seed(python: &Path, address: &str, scratch: &Path) -> Value {
    let mut command = Command::new(python);
    hermetic(command.arg(asset("seed.py")).arg(address), scratch);
    let output = run(&mut command, "seed", scratch, RUN_LIMIT).unwrap_or_else(|failure| panic!("{failure}"));
    serde_json::from_str(&output).expect("the seed is JSON")
}

/// The body of a plain GET. HTTP/1.0, so that it ends where the connection ends.
fn get(address: &str, path: &str) -> String {
    let host = address.strip_prefix("http://").expect("an http address");
    let mut stream = TcpStream::connect(host).expect("a connection to moto");
    stream.set_read_timeout(Some(RUN_LIMIT)).expect("a time limit");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.lines().next().is_some_and(|status| status.contains(" 200 ")), "{response}");
    body.to_owned()
}

fn asset(name: &str) -> PathBuf {
    Path::new(MANIFEST_DIR).join("tests/moto").join(name)
}
