//! Compares `docs/troubleshooting.md` with the program: every error has a row with the program's message and hint.

use std::collections::BTreeSet;

use v2token::internals::{
    ConnectError, Error, ErrorCode, FailureKind, ListingError, Operation, OwnCode, Stage, classify, hint,
};
use v2token::{AccessMethod, Outcome, Provenance, Record, Target};

use super::errors::{errors, failure};
use super::markdown::Document;
use super::{read, sources, tested};

fn page() -> Document {
    Document::new(&read("docs/troubleshooting.md"))
}

/// The text of a cell without markup; `–` is an empty text.
fn plain(cell: &str) -> String {
    if cell == "–" { String::new() } else { cell.replace(['`', '\\'], "") }
}

/// The code spans in a cell.
fn spans(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether a text matches a pattern in which `…` is any text.
fn fits(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('…').collect();
    let [first, middle @ .., last] = &parts[..] else { return pattern == text };
    let Some(rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    let found = middle.iter().try_fold(rest, |rest, part| rest.split_once(part).map(|(_, after)| after));
    found.is_some()
}

/// The literals in the source directly after this constructor; placeholders are `…`.
fn written(constructor: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in sources() {
        let source = read(&name);
        for rest in tested(&source).split(constructor).skip(1) {
            let rest = rest.trim_start();
            let rest = rest.strip_prefix("format!(").unwrap_or(rest).trim_start();
            let Some(rest) = rest.strip_prefix('"') else { continue };
            let literal = rest.split('"').next().expect("a literal ends");
            // After a backslash at the end of a line, the indentation of the next line is not part of the literal.
            let joined: String = literal
                .split("\\\n")
                .enumerate()
                .map(|(n, line)| if n == 0 { line } else { line.trim_start() })
                .collect();
            let mut text = String::new();
            let mut rest = joined.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                text.push_str(before);
                text.push('…');
                rest = after.split_once('}').map_or("", |(_, after)| after);
            }
            found.insert(text + rest);
        }
    }
    found
}

/// The rows of all tables below a heading.
fn rows(page: &Document, title: &str) -> Vec<Vec<String>> {
    let section = page.section(title);
    let titles: Vec<String> = section.headings().map(|(_, _, title)| title.to_owned()).collect();
    titles.iter().flat_map(|title| section.section(title).table()).collect()
}

#[test]
fn errors_before_the_first_account_are_listed_with_their_hints() {
    let rows = rows(&page(), "Before the first account");
    let messages: Vec<String> = rows.iter().map(|row| plain(&row[0])).collect();
    let mut listed = BTreeSet::new();
    for error in errors() {
        let message = error.to_string();
        // If several rows match, the longest pattern is the row of this message.
        let row = (0..rows.len()).filter(|row| fits(&messages[*row], &message)).max_by_key(|row| messages[*row].len());
        let row = row.unwrap_or_else(|| panic!("no row for {message:?}"));
        listed.insert(row);
        // The hint of a failed call depends on the call, and has a table of its own.
        if !matches!(error, Error::Connect(ConnectError::Call(_)) | Error::Listing(ListingError::Call(_))) {
            let (listed, given) = (plain(&rows[row][1]), plain(&error.hint()));
            assert!(fits(&listed, &given), "{message}: {listed:?} and {given:?}");
        }
    }
    let complete = &written("Error::Mismatch(") | &written("Error::NotConfirmed(");
    assert!(complete.len() >= 9, "{complete:?}");
    let partial = written("Error::Usage(");
    for (row, message) in messages.iter().enumerate().filter(|(row, _)| !listed.contains(row)) {
        assert!(complete.contains(message) || partial.contains(message), "the program has no message {message:?}");
        assert_eq!(plain(&rows[row][1]), "", "{message}");
    }
    for message in complete {
        assert!(messages.contains(&message), "no row for {message:?}");
    }
}

/// The AWS error codes in a source file from this function on: every literal that looks like a code, without the file's tests.
fn aws_codes(name: &str, function: &str) -> BTreeSet<String> {
    let source = read(name);
    let (_, source) = source.split_once(&format!("\nfn {function}(")).expect("the function");
    let is_code = |text: &&str| {
        text.starts_with(|first: char| first.is_ascii_uppercase()) && text.chars().all(|c| c.is_ascii_alphanumeric())
    };
    tested(source).split('"').skip(1).step_by(2).filter(is_code).map(str::to_owned).collect()
}

#[test]
fn calls_before_the_first_account_are_listed_with_their_hints() {
    let rows = page().section("Calls before the first account").table();
    let mut listed = BTreeSet::new();
    for row in &rows {
        let calls: Vec<Operation> =
            Operation::ALL.into_iter().filter(|operation| spans(&row[1]).contains(&operation.as_str())).collect();
        assert_eq!(calls.is_empty(), row[1] == "any", "{row:?}");
        for code in spans(&row[0]) {
            listed.insert(code.to_owned());
            for call in if calls.is_empty() { &[Operation::GetCallerIdentity] } else { &calls[..] } {
                let (kind, _) = classify(Some(code), 400);
                let error = Error::from(ConnectError::Call(failure(*call, kind, code, "")));
                assert_eq!(plain(&row[2]), plain(&error.hint()), "{code} of {call}");
            }
        }
    }
    let has_hint = |code: &&str| {
        !Error::from(ConnectError::Call(failure(Operation::GetCallerIdentity, FailureKind::Transient, code, "")))
            .hint()
            .is_empty()
    };
    let own = OwnCode::ALL.map(OwnCode::as_str).into_iter().filter(has_hint).map(str::to_owned).collect();
    let known = &aws_codes("src/error.rs", "call_hint") | &own;
    assert!(known.len() >= 12, "{known:?}");
    assert_eq!(known.difference(&listed).collect::<Vec<_>>(), [""; 0], "codes without a row");
}

/// The kind of a failure: fixed for the program's own codes, and from [`classify`] with the status in the row for AWS's codes.
fn kind_of(code: &str, when: &str) -> FailureKind {
    match ErrorCode::from(code) {
        ErrorCode::Own(OwnCode::NoCredentials) => FailureKind::Credentials,
        ErrorCode::Own(
            OwnCode::CertificateRefused
            | OwnCode::WrongAccount
            | OwnCode::RequestNotBuilt
            | OwnCode::JournalNotWritable,
        ) => FailureKind::Refused,
        ErrorCode::Own(_) => FailureKind::Transient,
        ErrorCode::HttpStatus(status) => classify(None, status["HttpStatus".len()..].parse().expect("a status")).0,
        ErrorCode::Other(_) => {
            let status = when.split_once("HTTP ").and_then(|(_, rest)| rest.get(..3)).unwrap_or("400");
            classify(Some(code), status.parse().expect("a status")).0
        }
    }
}

/// The record of an account with an intent and no outcome from an earlier process.
fn interrupted() -> Record {
    Record::of_target(&Target {
        wave: None,
        account: "000000000001".parse().expect("an id"),
        access: AccessMethod::Own,
        management: false,
        invited: false,
        wanted: v2token::TokenVersion::V2Token,
        provenance: Provenance::Intended(v2token::ObservedVersion::V1Token),
    })
}

#[test]
fn error_codes_of_accounts_are_listed_with_their_hints() {
    let rows = rows(&page(), "In an account");
    let access = AccessMethod::Role("arn:aws:iam::000000000001:role/OrganizationAccountAccessRole".into());
    let mut listed = BTreeSet::new();
    for row in &rows {
        let [code, stages, when, advice] = &row[..] else { panic!("{row:?}") };
        let code = spans(code)[0];
        listed.insert(code.to_owned());
        let stages: Vec<Stage> =
            Stage::ALL.into_iter().filter(|stage| spans(stages).contains(&stage.as_str())).collect();
        assert!(!stages.is_empty(), "{row:?}");
        for stage in stages {
            let given = match ErrorCode::from(code) {
                ErrorCode::Own(OwnCode::Interrupted) => interrupted().error.expect("a trouble").hint,
                // The visit makes this hint, so the test looks for it in the source.
                ErrorCode::Own(OwnCode::Drifted) => {
                    assert!(read("src/rollout/visit.rs").contains(&format!("hint: \"{}\"", plain(advice))), "{advice}");
                    continue;
                }
                _ => {
                    let operation = match stage {
                        Stage::Assume if when.contains("`--access assume-root`") => Operation::AssumeRoot,
                        Stage::Assume => Operation::AssumeRole,
                        Stage::Verify if when.contains("with `--verify token`") => Operation::AssumeRole,
                        Stage::Read if when.contains("`LookupEvents`") => Operation::LookupEvents,
                        Stage::Set => Operation::SetSecurityTokenServicePreferences,
                        Stage::Select | Stage::Read | Stage::Verify => Operation::GetAccountSummary,
                    };
                    let failure = failure(operation, kind_of(code, when), code, &spans(when).join(" "));
                    let (management, invited) = (when.contains("management account"), when.contains("invited"));
                    let unverified = spans(when).contains(&Outcome::Unverified.as_str());
                    let outcome = if unverified { Outcome::Unverified } else { Outcome::Failed };
                    let is_own = when.contains("caller's own credentials");
                    let access = if is_own { &AccessMethod::Own } else { &access };
                    hint(outcome, stage, &failure, access, management, invited)
                }
            };
            assert_eq!(plain(advice), given, "{code} at {stage}: {when}");
        }
    }
    let known = &aws_codes("src/rollout/hint.rs", "by_code") | &OwnCode::ALL.map(|code| code.to_string()).into();
    assert_eq!(known.difference(&listed).collect::<Vec<_>>(), [""; 0], "codes without a row");
}

#[test]
fn reasons_for_skipping_are_listed() {
    let reference = Document::new(&read("docs/report.md")).section("Reasons for skipping");
    assert_eq!(page().section("Skipped accounts").names(), reference.names());
}
