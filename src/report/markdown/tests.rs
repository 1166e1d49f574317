use std::time::{Duration, SystemTime};

use clap::Parser as _;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::cli::{Cli, Command, PlanArgs};
use crate::journal::CommandName;
use crate::journal::{RunId, RunInfo};
use crate::org::{AccountAttributes, TokenVersion};
use crate::rollout::{AccountError, Mode, Record, Stage};
use crate::settings::{Environment, Settings, defaults};

/// Names that could become a mention, a reference, a link, emphasis, HTML, the end of a code span or a cell, or an empty text.
const HOSTILE: [&str; 18] = [
    "@team",
    "#1 and org/repo#2",
    "`code` ``more`` `",
    "``",
    "a|b\\|c\\",
    "<script>alert(1)</script>",
    "<!-- -->",
    "[x](https://evil.example) https://evil.example www.evil.example",
    "![](x) :tada: ~~no~~ **no** _no_",
    "| --- |",
    "# title",
    "two\nlines\r\n\n- item",
    "  spaces  ",
    " ",
    "\\`escaped\\`",
    "&lt;b&gt; &#64;team",
    "\u{202e}turned\u{1b}[2J",
    "$x$ $$y$$",
];

fn run_info() -> RunInfo {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_321_700);
    let Command::Plan(PlanArgs { run, .. }) = Cli::try_parse_from(["v2token", "plan"]).unwrap().command else {
        unreachable!("it is a plan");
    };
    let environment = Environment { now, ..Environment::read() };
    RunInfo {
        run_id: RunId::new(now),
        command: CommandName::Plan,
        version: "1".to_owned(),
        build: None,
        organization_id: Some("o-exampleorg1".to_owned()),
        management_account: None,
        caller_arn: Some("arn:aws:iam::000000000100:user/@team|#1".to_owned()),
        credential_source: None,
        region: None,
        sts_endpoint: None,
        based_on: None,
        based_on_resumes: None,
        settings: Settings::resolve(run, CommandName::Plan, defaults(Mode::Plan), &environment).unwrap().run,
        journal_changed: None,
        started_at: Some(now),
        ended_at: Some(now + Duration::from_secs(65)),
        verdict: None,
    }
}

/// Returns a failed account for each text, with the text in every untrusted place. No two accounts have the same hint.
fn failures(texts: impl Iterator<Item = String>) -> (Vec<Account>, Vec<Record>) {
    let failure = |(number, text): (usize, String)| {
        let account = Account {
            id: format!("{number:012}").parse().unwrap(),
            name: text.clone().into(),
            email: text.clone().into(),
            attributes: AccountAttributes::active_in(&format!("o-x/r-y/ou-y-{number} ({text})/")),
            joined_at: None,
        };
        let error = AccountError {
            stage: Stage::Assume,
            error_code: text.clone().into(),
            error_message: text.clone(),
            hint: format!("{text} of {number}"),
            denied_by: None,
        };
        let blank = Record::blank(account.id, TokenVersion::V2Token);
        (account, Record { outcome: Outcome::Failed, error: Some(Box::new(error)), ..blank })
    };
    texts.enumerate().map(failure).unzip()
}

fn written(accounts: &[Account], records: &[Record], sentence: &str) -> String {
    text(&Report { run: &run_info(), accounts, records, sentence, exit_code: Some(3), run_ids: None, folder: None })
}

#[test]
fn untrusted_text_is_never_markup() {
    let (accounts, records) = failures(HOSTILE.into_iter().map(str::to_owned));
    let markdown = written(&accounts, &records, "stopped because of @team (<b>#1</b>)");
    let mut codes: Vec<String> = Vec::new();
    let mut tables = 0;
    for event in Parser::new_ext(&markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Code(code) => codes.push(code.into_string()),
            Event::Html(html) | Event::InlineHtml(html) => panic!("HTML: {html}"),
            Event::Start(Tag::Table(_)) => tables += 1,
            Event::Start(
                Tag::Heading { .. }
                | Tag::Paragraph
                | Tag::List(_)
                | Tag::Item
                | Tag::TableHead
                | Tag::TableRow
                | Tag::TableCell,
            ) => {}
            Event::Start(other) => panic!("{other:?} in\n{markdown}"),
            Event::Text(text) => {
                let outside = ["@", "#", "evil", "script", "tada", "`", "|", "$", "&"];
                assert!(!outside.iter().any(|part| text.contains(part)), "{text:?} is no code");
            }
            _ => {}
        }
    }
    assert_eq!(tables, 3, "{markdown}");
    for text in HOSTILE {
        let shown = for_terminal(text).into_owned();
        let shown = if shown.trim().is_empty() { format!("\"{shown}\"") } else { shown };
        // Each text occurs three times: as the name, as the code, and as the message.
        assert_eq!(codes.iter().filter(|code| **code == shown).count(), 3, "{shown:?} in\n{markdown}");
        let path = format!(" ({})/", for_terminal(text));
        assert!(codes.iter().any(|code| code.ends_with(&path)), "{path:?} in\n{markdown}");
    }
    assert!(codes.contains(&"arn:aws:iam::000000000100:user/@team|#1".to_owned()), "{codes:?}");
    assert!(codes.contains(&"stopped because of @team (<b>#1</b>)".to_owned()), "{codes:?}");
}

#[test]
fn it_fits_into_a_comment_and_counts_what_it_omits() {
    let long = |number: usize| format!("{}{number}", "\u{e0041}`|".repeat(200));
    for (accounts, records) in [
        // In the first report the causes of all failures differ. In the second only the hints differ.
        failures((0..5_000).map(long)),
        failures((0..5_000).map(|_| "x".repeat(400))),
    ] {
        let markdown = written(&accounts, &records, "some failed");
        assert!(markdown.len() < 65_536, "{}", markdown.len());
        assert!(markdown.contains("…and ") && markdown.contains("## By OU"), "{markdown}");
        assert!(markdown.contains("| `failed` | 5,000 |"), "{markdown}");
    }
}

#[test]
fn a_run_without_failures_has_no_list_of_causes() {
    let (accounts, mut records) = failures(["plain".to_owned()].into_iter());
    records[0] = Record { outcome: Outcome::Unchanged, ..Record::blank(accounts[0].id, TokenVersion::V2Token) };
    let markdown = written(&accounts, &records, "all is well");
    assert!(markdown.starts_with("# v2token plan: all is well\n"), "{markdown}");
    assert!(!markdown.contains("by cause") && markdown.contains("| `unchanged` | 1 |"), "{markdown}");
    assert!(markdown.contains("| Duration | `1m 5s` |"), "{markdown}");
}
