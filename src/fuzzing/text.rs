//! The properties of texts from outside: names of accounts, error messages, and files of a run folder.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use clap::Parser as _;

use crate::cli::{Cli, Command, PlanArgs};
use crate::journal::CommandName;
use crate::journal::{RunId, RunInfo};
use crate::org::exception::{Exception, Exceptions};
use crate::org::{Account, AccountAttributes, AccountId, AccountState, TokenVersion};
use crate::report::{COLUMNS, DocumentFormat, OutputDocument as _, Report, closing, summary};
use crate::rollout::{AccountError, Mode, Outcome, Record, Stage};
use crate::sanitize::{for_cell, for_terminal, is_sentence_with_option};
use crate::settings::{Environment, Settings, defaults};

/// A text is sanitized on terminals and in spreadsheets, and unchanged in JSON.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (shown, cell) = (for_terminal(&text), for_cell(&text));
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert_eq!(for_terminal(&shown), shown, "a sanitized text stays the same");
    assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell:?} is no formula");
    // Some spreadsheets split at `;`, even inside quotes.
    for part in cell.split(';').skip(1).filter(|part| !is_sentence_with_option(part)) {
        let start = part.trim_start_matches([' ', '"']).chars().next();
        assert!(start.is_none_or(|start| !"=+-@".contains(start)), "{part:?} in {cell:?} is no formula");
    }
    assert_eq!(cell.replace('\'', ""), shown.replace('\'', ""), "{cell:?} says what {text:?} says");
    assert_eq!(for_cell(&cell), cell, "a sanitized cell stays the same");
    in_reports(&text);
}

/// Puts the text into every part of a report that shows external text.
fn in_reports(text: &str) {
    let hostile = report_with(text, DocumentFormat::EXTENSIONS.map(|(_, format)| format));
    let [csv, json, jsonl, markdown, html] = hostile.formats;
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().map(|row| row.expect("CSV")).collect();
    assert_eq!((rows.len(), csv.matches('\n').count()), (1, 2), "one line a row");
    for (column, value) in [(1, text), (2, text), (11, text), (12, text), (13, text), (20, text)] {
        assert_eq!(rows[0][column], *for_cell(value), "column {}", COLUMNS[column].0);
    }
    let true_text = if text.is_empty() { serde_json::Value::Null } else { text.into() };
    let row: serde_json::Value = serde_json::from_str(&jsonl).expect("one line of JSON");
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&row["account_name"], &row), (&true_text, &document["accounts"][0]));
    assert_eq!(document["run"]["caller_arn"], text);
    for (shown, whose) in
        [(&csv, "CSV"), (&markdown, "Markdown"), (&hostile.summary, "the summary"), (&html, "the page")]
    {
        for line in shown.split('\n') {
            assert_eq!(for_terminal(line), line, "{whose}");
        }
    }
    // The text neither opens a tag nor ends the page's data.
    let plain = report_with(if text.is_empty() { "" } else { "x" }, [DocumentFormat::Html; 5]);
    let tags = |page: &str| page.matches('<').count();
    assert_eq!(tags(&html), tags(&plain.formats[0]), "{text:?} is text in the page");
}

struct Written {
    formats: [String; 5],
    summary: String,
}

fn report_with(text: &str, formats: [DocumentFormat; 5]) -> Written {
    let account = Account {
        id: "000000000012".parse::<AccountId>().expect("an id"),
        name: text.into(),
        email: text.into(),
        attributes: AccountAttributes {
            state: AccountState::Other(text.to_owned()),
            ou_path: format!("o-x/r-y/{}", text.replace('/', "")).into(),
            invited: false,
            ou_names: Vec::new(),
        }
        .into(),
        joined_at: None,
    };
    let error = AccountError {
        stage: Stage::Assume,
        error_code: format!("x{text}").into(),
        error_message: text.to_owned(),
        hint: text.to_owned(),
        denied_by: None,
    };
    let record = Record {
        outcome: Outcome::Failed,
        error: Some(Box::new(error)),
        exception: Some(Box::new(Exception { reason: text.to_owned(), until: None })),
        request_id: Some(text.into()),
        role_arn: Some(text.into()),
        ..Record::blank(account.id, TokenVersion::V2Token)
    };
    let mut run = run_info();
    run.caller_arn = Some(text.to_owned());
    run.organization_id = Some(text.to_owned());
    run.version = format!("1{text}");
    run.run_id = serde_json::from_value(text.into()).expect("an id is a text");
    text.clone_into(&mut run.settings.session_name);
    run.settings.selection.exceptions = Some(Exceptions::default());
    run.settings.source_identity = Some(text.to_owned());
    let report = Report {
        run: &run,
        accounts: &[account],
        records: &[record],
        sentence: text,
        exit_code: Some(3),
        run_ids: None,
        folder: None,
    };
    let write = |format: DocumentFormat| {
        let mut bytes = Vec::new();
        report.write(format, &mut bytes).expect("memory takes everything");
        String::from_utf8(bytes).expect("UTF-8")
    };
    Written { formats: formats.map(write), summary: summary(&report) + &closing(&report, Path::new(text)) }
}

/// Returns the contents of a valid `run.json`.
pub(super) fn run_info() -> RunInfo {
    static INFO: OnceLock<RunInfo> = OnceLock::new();
    let make = || {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_321_700);
        let Ok(Cli { command: Command::Plan(PlanArgs { run, .. }), .. }) = Cli::try_parse_from(["v2token", "plan"])
        else {
            unreachable!("it is a plan");
        };
        let environment = Environment { now, ..Environment::read() };
        let settings = Settings::resolve(run, CommandName::Plan, defaults(Mode::Plan), &environment);
        RunInfo {
            run_id: RunId::new(now),
            command: CommandName::Plan,
            version: "1".to_owned(),
            build: None,
            organization_id: None,
            management_account: None,
            caller_arn: None,
            credential_source: None,
            region: None,
            sts_endpoint: None,
            based_on: None,
            based_on_resumes: None,
            settings: settings.unwrap_or_else(|error| unreachable!("the defaults are settings: {error}")).run,
            journal_changed: None,
            started_at: Some(now),
            ended_at: Some(now),
            verdict: None,
        }
    };
    INFO.get_or_init(make).clone()
}
