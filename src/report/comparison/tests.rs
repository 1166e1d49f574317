use std::time::{Duration, SystemTime};

use clap::Parser as _;

use super::*;
use crate::cli::{Cli, Command, PlanArgs};
use crate::journal::CommandName;
use crate::journal::{RunId, RunInfo};
use crate::org::{AccountAttributes, AccountState, ObservedVersion, TokenVersion};
use crate::rollout::{AccountError, Mode, Stage};
use crate::settings::{Environment, Settings, defaults};

use Difference::{
    Appeared, Drifted, FailureChanged, FailureGone, FailureNew, Left, OutcomeChanged, RolledBack, RolledOut, Same,
    SetAgain, StateChanged, VersionChanged,
};

fn id(number: usize) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn account(number: usize) -> Account {
    Account {
        id: id(number),
        name: format!("=name\u{1b}|`{number}`").into(),
        email: Box::default(),
        attributes: AccountAttributes::active_in("o-x/r-y/"),
        joined_at: None,
    }
}

fn error(stage: Stage, code: &str, message: &str) -> AccountError {
    let hint = format!("do something about {code}");
    AccountError { stage, error_code: code.into(), error_message: message.to_owned(), hint, denied_by: None }
}

/// Returns a typical record with this outcome. The run is for v2Token.
fn record(outcome: Outcome) -> Record {
    let (previous, current) = match outcome {
        Outcome::Changed => (Some(ObservedVersion::V1Token), Some(ObservedVersion::V2Token)),
        Outcome::Unchanged => (Some(ObservedVersion::V2Token), Some(ObservedVersion::V2Token)),
        Outcome::WouldChange | Outcome::Unverified => (Some(ObservedVersion::V1Token), Some(ObservedVersion::V1Token)),
        Outcome::Failed | Outcome::Skipped | Outcome::NotAttempted => (None, None),
    };
    let error = match outcome {
        Outcome::Unverified => Some(error(Stage::Verify, "NotReadBack", "it shows v1Token")),
        Outcome::Failed => {
            Some(error(Stage::Assume, "AccessDenied", "not authorized (id: 7f1c2d3e-1234-4abc-9def-001122334455)"))
        }
        Outcome::Skipped => Some(error(Stage::Select, "NotSelected", "it is not among --account")),
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::NotAttempted => None,
    };
    Record {
        outcome,
        previous_version: previous,
        current_version: current,
        error: error.map(Box::new),
        ..Record::blank(id(1), TokenVersion::V2Token)
    }
}

fn compared(before: &Record, after: &Record) -> Difference {
    let account = account(1);
    let result = |record| Some(AccountResult { account: &account, record });
    difference(result(before), result(after), false)
}

#[test]
fn every_pair_of_outcomes_has_a_difference() {
    // Each row is an earlier outcome, and each column is a later outcome, in the order of `Outcome::ALL`.
    let expected = [
        [SetAgain, Same, Drifted, Drifted, FailureNew, OutcomeChanged, OutcomeChanged],
        [SetAgain, Same, Drifted, Drifted, FailureNew, OutcomeChanged, OutcomeChanged],
        [RolledOut, RolledOut, Same, FailureNew, FailureNew, OutcomeChanged, OutcomeChanged],
        [RolledOut, RolledOut, FailureGone, Same, FailureChanged, OutcomeChanged, OutcomeChanged],
        [RolledOut, FailureGone, FailureGone, FailureChanged, Same, OutcomeChanged, OutcomeChanged],
        [RolledOut, OutcomeChanged, OutcomeChanged, FailureNew, FailureNew, Same, OutcomeChanged],
        [RolledOut, OutcomeChanged, OutcomeChanged, FailureNew, FailureNew, OutcomeChanged, Same],
    ];
    for (before, row) in Outcome::ALL.into_iter().zip(expected) {
        for (after, expected) in Outcome::ALL.into_iter().zip(row) {
            assert_eq!(compared(&record(before), &record(after)), expected, "{before}, now {after}");
        }
    }
}

#[test]
fn differences_between_equal_outcomes() {
    let (unchanged, failed) = (record(Outcome::Unchanged), record(Outcome::Failed));
    let read = |outcome, version| Record { current_version: Some(version), ..record(outcome) };
    // `Unknown` is neither v1Token nor v2Token. So an account that showed v2Token has drifted, and an account that showed v1Token
    // now shows another version.
    assert_eq!(compared(&unchanged, &read(Outcome::WouldChange, ObservedVersion::Unknown)), Drifted);
    assert_eq!(
        compared(&record(Outcome::WouldChange), &read(Outcome::WouldChange, ObservedVersion::Unknown)),
        VersionChanged
    );
    // A message with another request id has the same cause. Another stage, code or message means another cause.
    let because = |error| Record { error: Some(Box::new(error)), ..failed.clone() };
    let same = "not authorized (id: 0f1c2d3e-1234-4abc-9def-001122334466)";
    assert_eq!(compared(&failed, &because(error(Stage::Assume, "AccessDenied", same))), Same);
    for other in [
        error(Stage::Set, "AccessDenied", same),
        error(Stage::Assume, "AccessDeniedException", same),
        error(Stage::Assume, "AccessDenied", "denied"),
    ] {
        assert_eq!(compared(&failed, &because(other)), FailureChanged);
    }
    // The later visit failed, but it had read that the account no longer has the target version.
    assert_eq!(compared(&unchanged, &read(Outcome::Failed, ObservedVersion::V1Token)), Drifted);
    // The target of this rollback is v1Token.
    let back = Record {
        previous_version: Some(ObservedVersion::V2Token),
        current_version: Some(ObservedVersion::V1Token),
        target_version: TokenVersion::V1Token,
        ..record(Outcome::Changed)
    };
    assert_eq!(compared(&record(Outcome::Changed), &back), RolledOut);
    let (account, before) = (account(1), record(Outcome::Changed));
    let result = |record| Some(AccountResult { account: &account, record });
    assert_eq!(difference(result(&before), result(&back), true), RolledBack);
    assert_eq!(compared(&back, &record(Outcome::WouldChange)), OutcomeChanged);
    // A run that is based on the earlier one says nothing about the accounts that it leaves to it.
    for (code, expected) in
        [("NotInPlan", Same), ("NotChanged", Same), ("NotReadByPlan", OutcomeChanged), ("NotSelected", OutcomeChanged)]
    {
        let skipped = Record::skipped(id(1), TokenVersion::V2Token, code, "why");
        assert_eq!(compared(&unchanged, &skipped), expected, "{code}");
    }
}

#[test]
fn appeared_left_and_closed_accounts() {
    let known = record(Outcome::Unchanged);
    let left =
        Record { error: Some(Box::new(error(Stage::Select, "LeftOrganization", ""))), ..record(Outcome::Skipped) };
    let closed = AccountAttributes { state: AccountState::Closed, ..account(1).attributes.as_ref().clone() };
    let (active, closed) = (account(1), Account { attributes: closed.into(), ..account(1) });
    let here = Some(AccountResult { account: &active, record: &known });
    let gone = Some(AccountResult { account: &active, record: &left });
    for (before, after, expected) in [
        (None, here, Appeared),
        (here, None, Left),
        (here, gone, Left),
        (gone, here, Appeared),
        (gone, gone, Same),
        (gone, None, Same),
        (None, gone, Same),
    ] {
        assert_eq!(difference(before, after, false), expected);
    }
    let skipped = Record { error: Some(Box::new(error(Stage::Select, "Closed", ""))), ..record(Outcome::Skipped) };
    assert_eq!(difference(here, Some(AccountResult { account: &closed, record: &skipped }), false), StateChanged);
    let failed = record(Outcome::Failed);
    let was_failing = Some(AccountResult { account: &active, record: &failed });
    assert_eq!(
        difference(was_failing, Some(AccountResult { account: &closed, record: &skipped }), false),
        StateChanged
    );
}

fn loaded_run(run_seconds: u64, outcomes: &[Outcome]) -> LoadedRun {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(run_seconds);
    let Command::Plan(PlanArgs { run, .. }) = Cli::try_parse_from(["v2token", "plan"]).unwrap().command else {
        unreachable!("it is a plan");
    };
    let environment = Environment { now, ..Environment::read() };
    let info = RunInfo {
        run_id: RunId::new(now),
        command: CommandName::Plan,
        version: "1".to_owned(),
        build: None,
        organization_id: Some("o-exampleorg1".to_owned()),
        management_account: None,
        caller_arn: None,
        credential_source: None,
        region: None,
        sts_endpoint: None,
        based_on: None,
        based_on_resumes: None,
        settings: Settings::resolve(run, CommandName::Plan, defaults(Mode::Plan), &environment).unwrap().run,
        journal_changed: None,
        started_at: Some(now),
        ended_at: Some(now),
        verdict: None,
    };
    let accounts = (1..=outcomes.len()).map(account).collect();
    let records = outcomes.iter().enumerate();
    let records = records.map(|(number, outcome)| Record { account_id: id(number + 1), ..record(*outcome) }).collect();
    LoadedRun {
        info,
        accounts,
        records,
        sentence: String::new(),
        exit_code: Some(0),
        folder: None,
        unlisted: None,
        intents: BTreeMap::new(),
        visited_by_resume: BTreeMap::new(),
        length: 0,
        run_ids: None,
    }
}

#[test]
fn runs_in_different_organizations_are_not_compared() {
    let (one, mut other) = (loaded_run(1, &[Outcome::Changed]), loaded_run(2, &[Outcome::Changed]));
    other.info.organization_id = Some("o-another".to_owned());
    let refused = |before: &LoadedRun, after: &LoadedRun| Comparison::of(before, after).unwrap_err().to_string();
    let said = refused(&one, &other);
    assert!(
        said.contains("earlier run is about Organization o-exampleorg1, and the later one about o-another"),
        "{said}"
    );
    let said = refused(&other, &one);
    assert!(
        said.contains("earlier run is about Organization o-another, and the later one about o-exampleorg1"),
        "{said}"
    );
    other.info.organization_id = None;
    for (before, after) in [(&one, &other), (&other, &one), (&other, &other)] {
        let said = refused(before, after);
        assert!(said.starts_with(&format!("run {} is about no Organization", other.info.run_id)), "{said}");
    }
}

#[test]
fn counts_add_up_and_every_format_lists_the_differing_accounts() {
    let pairs: Vec<(Outcome, Outcome)> =
        Outcome::ALL.into_iter().flat_map(|one| Outcome::ALL.map(|other| (one, other))).collect();
    let (before, after): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let (before, mut after) = (loaded_run(1_795_321_700, &before), loaded_run(1_795_400_000, &after));
    after.exit_code = None;
    let comparison = Comparison::of(&before, &after).unwrap();
    let counts = comparison.counts();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), 49);
    let same = comparison.pairs.iter().filter(|pair| pair.difference == Same).count();
    let differ = comparison.changed().count();
    assert_eq!((same, differ), (7, 42));
    let sentence = comparison.sentence();
    assert!(sentence.starts_with("42 of 49 accounts differ: 4 drifted, "), "{sentence}");
    assert!(sentence.ends_with(&format!("; run {} has not ended", after.info.run_id)), "{sentence}");

    let written = |format| {
        let mut text = Vec::new();
        comparison.write(format, &mut text).map(|()| String::from_utf8(text).unwrap())
    };
    let csv = written(DocumentFormat::Csv).unwrap();
    assert_eq!(csv.lines().count(), 1 + differ);
    assert!(csv.contains(",'=name\\u{1b}|`1`,") && !csv.contains('\u{1b}'), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&written(DocumentFormat::Json).unwrap()).unwrap();
    assert_eq!(json["accounts"].as_array().unwrap().len(), differ);
    assert_eq!(json["accounts"][0]["account_name"], "=name\u{1b}|`1`");
    let lines = written(DocumentFormat::Jsonl).unwrap();
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((lines.lines().count(), &first), (differ, &json["accounts"][0]));
    let text = written(DocumentFormat::Text).unwrap();
    assert!(text.lines().all(|line| line.split('\t').count() == COMPARISON_COLUMNS.len()), "{text}");
    assert_eq!(written(DocumentFormat::Html).unwrap_err().kind(), io::ErrorKind::Unsupported);

    let (summary, markdown) = (summary::summary(&comparison), written(DocumentFormat::Markdown).unwrap());
    for (kind, count) in counts.iter().filter(|(_, count)| *count > 0) {
        assert!(summary.contains(&format!("{count:>4}  {kind:<15}  {}", kind.meaning())), "{kind}\n{summary}");
        assert!(markdown.contains(&format!("| `{kind}` | {count} | {} |", kind.meaning())), "{kind}\n{markdown}");
        assert_eq!(summary.contains(&format!("\n{kind}\n")), *kind != Same, "{summary}");
        assert_eq!(markdown.contains(&format!("\n## `{kind}`\n")), *kind != Same, "{markdown}");
    }
    assert!(summary.contains("hint: do something about AccessDenied"), "{summary}");
    assert!(!summary.contains('\u{1b}') && !markdown.contains('\u{1b}'));
}

#[test]
fn markdown_fits_into_a_comment_and_counts_what_it_omits() {
    let failed = vec![Outcome::Failed; 900];
    let (before, mut after) = (loaded_run(1, &vec![Outcome::Unchanged; 900]), loaded_run(2, &failed));
    for (number, record) in after.records.iter_mut().enumerate() {
        // Messages that differ in words have different causes. Messages that differ in numbers would have the same cause.
        let word = number.to_string().replace(|digit: char| digit.is_ascii_digit(), "x") + &"y".repeat(number % 300);
        record.error = Some(Box::new(error(Stage::Assume, "AccessDenied", &word)));
    }
    let text = markdown::text(&Comparison::of(&before, &after).unwrap());
    assert!(text.len() <= crate::report::markdown::LIMIT, "{}", text.len());
    assert!(text.contains("…and ") && text.contains(" further groups, of "), "{}", &text[text.len() - 200..]);
}

#[test]
fn equal_runs_have_no_differences() {
    let run = loaded_run(1, &[Outcome::Changed, Outcome::Failed]);
    let again = loaded_run(2, &[Outcome::Unchanged, Outcome::Failed]);
    assert_eq!(Comparison::of(&run, &again).unwrap().sentence(), "nothing has changed in 2 accounts");
}
