//! The report as a page: one HTML file that loads nothing, like the page of a run.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use askama::Template;
use serde_json::{Value, json};

use super::super::format::LazyList;
use super::super::page::{STYLE, ScriptJson, policy_for};
use super::{ImpactAccount, ImpactPrincipal, ImpactReport};
use crate::humanize::{thousands, utc};
use crate::impact::verdict::Verdict;
use crate::org::AccountId;
use crate::sanitize::for_terminal;

const SCRIPT: &str = concat!(include_str!("../page/table.js"), include_str!("page/impact.js"));

/// How many principals are listed without the script.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "impact.html", config = "src/report/impact/page/askama.toml")]
struct Page<'a, D: std::fmt::Display> {
    report: &'a ImpactReport,
    sentence: &'a str,
    colour: &'static str,
    bar: Vec<Segment>,
    first: Vec<&'a ImpactPrincipal>,
    more: usize,
    units: Vec<Unit<'a>>,
    facts: Vec<(&'static str, String)>,
    data: D,
}

/// The accounts of one verdict in the bar.
struct Segment {
    verdict: Verdict,
    accounts: usize,
    x: f64,
    width: f64,
}

/// The accounts of an OU.
struct Unit<'a> {
    path: &'a str,
    verdicts: BTreeMap<Verdict, usize>,
}

impl Segment {
    fn label(&self) -> String {
        format!("{} {}", thousands(self.accounts), self.verdict)
    }

    const fn class(&self) -> &'static str {
        class(self.verdict)
    }
}

impl Unit<'_> {
    fn total(&self) -> usize {
        self.verdicts.values().sum()
    }

    fn of(&self, verdict: Verdict) -> usize {
        self.verdicts.get(&verdict).copied().unwrap_or(0)
    }
}

/// Returns the class of a verdict: that of the outcome of a run whose colour says the same.
const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::RefusedToday => "failed",
        Verdict::LongerTokens => "unverified",
        Verdict::Unknown => "not_attempted",
        Verdict::NoneSeen => "would_change",
        Verdict::NoEffect => "changed",
        Verdict::AlreadyV2 => "unchanged",
        Verdict::Skipped => "skipped",
    }
}

/// Writes the page.
pub(super) fn write(report: &ImpactReport, mut to: &mut dyn Write) -> io::Result<()> {
    let units: Vec<Unit<'_>> = report.by_unit().into_iter().map(|(path, verdicts)| Unit { path, verdicts }).collect();
    let mut first = report.first_to_talk_to();
    let more = first.len().saturating_sub(LISTED);
    first.truncate(LISTED);
    let affected = report.of(Verdict::RefusedToday) + report.of(Verdict::LongerTokens);
    let page = Page {
        report,
        sentence: report.run.verdict.as_ref().map_or("", |ending| ending.sentence.as_str()),
        colour: if affected > 0 || report.run.sources.damaged_files > 0 {
            "warn"
        } else if report.of(Verdict::Unknown) > 0 {
            "open"
        } else {
            "good"
        },
        bar: bar(report),
        first,
        more,
        facts: facts(report),
        data: ScriptJson(data(report, &units)),
        units,
    };
    page.write_into(&mut to)
}

fn policy() -> String {
    policy_for(STYLE, SCRIPT)
}

#[expect(clippy::cast_precision_loss, reason = "the widths are shown with two decimals")]
fn bar(report: &ImpactReport) -> Vec<Segment> {
    let share = |accounts: usize| (1000.0 * accounts as f64 / report.accounts.len() as f64).max(4.0);
    let occurred =
        || Verdict::ALL.into_iter().map(|verdict| (verdict, report.of(verdict))).filter(|(_, accounts)| *accounts > 0);
    let total: f64 = occurred().map(|(_, accounts)| share(accounts)).sum();
    let mut x = 0.0;
    occurred()
        .map(|(verdict, accounts)| {
            let (start, width) = (x, share(accounts) * 1000.0 / total);
            x += width;
            Segment { verdict, accounts, x: start, width }
        })
        .collect()
}

fn facts(report: &ImpactReport) -> Vec<(&'static str, String)> {
    let (run, sources) = (&report.run, &report.run.sources);
    let not_understood: u64 = sources.not_understood.values().sum();
    [
        ("Run", Some(run.run_id.to_string())),
        ("Organization", run.organization_id.clone()),
        ("Events since", run.settings.since.map(utc)),
        ("Events from", Some(run.settings.events.join(", "))),
        ("Accounts from", Some(run.settings.accounts_from.join(", "))),
        ("Files", Some(thousands(sources.files))),
        ("Events", Some(thousands(sources.events))),
        ("Calls for sessions", Some(thousands(sources.session_calls))),
        ("– of regional endpoints", Some(thousands(sources.regional_calls))),
        ("– of the global endpoint, by AWS services", Some(thousands(sources.service_calls))),
        ("– of the global endpoint, failed", Some(thousands(sources.failed_calls))),
        ("Events that are not understood", Some(thousands(not_understood))),
        ("Started", run.started_at.map(utc)),
        ("Program", Some(format!("v2token {}", run.version))),
    ]
    .into_iter()
    .filter_map(|(name, detail)| Some((name, detail?)))
    .collect()
}

/// The data of the table: each account and each principal as a short list.
fn data<'a>(report: &'a ImpactReport, units: &[Unit<'a>]) -> impl serde::Serialize + use<'a> {
    let unit_indexes: HashMap<&str, usize> = units.iter().enumerate().map(|(index, unit)| (unit.path, index)).collect();
    let rows: HashMap<AccountId, usize> =
        report.accounts.iter().enumerate().map(|(index, row)| (row.account_id, index)).collect();
    let paths: Vec<&str> = units.iter().map(|unit| unit.path).collect();
    Data {
        verdicts: Verdict::ALL,
        classes: Verdict::ALL.map(class),
        units: paths,
        rows: LazyList(move || report.accounts.iter().map(row(unit_indexes.clone())).collect::<Vec<_>>()),
        principals: LazyList(move || {
            let known = |row: &'a ImpactPrincipal| Some(principal(*rows.get(&row.account_id)?, row));
            report.principals.iter().filter_map(known).collect::<Vec<_>>()
        }),
    }
}

#[derive(serde::Serialize)]
struct Data<'a, R: serde::Serialize, P: serde::Serialize> {
    verdicts: [Verdict; 7],
    classes: [&'static str; 7],
    units: Vec<&'a str>,
    rows: R,
    principals: P,
}

fn row<'a>(units: HashMap<&'a str, usize>) -> impl Fn(&'a ImpactAccount) -> Value {
    move |row| {
        let text = |text: &Option<String>| for_terminal(text.as_deref().unwrap_or_default()).into_owned();
        json!([
            row.account_id,
            text(&row.account_name),
            text(&row.account_email),
            units.get(row.ou_path.as_deref().unwrap_or_default()),
            text(&row.account_state),
            Verdict::ALL.iter().position(|verdict| *verdict == row.verdict),
            text(&row.current_version),
            row.opt_in_regions,
            row.global_calls,
            row.principals,
            row.largest_token,
            row.expected_token,
            row.expected_token_is_estimate,
            row.coverage,
            text(&row.source),
            text(&row.error_code),
            text(&row.error_message),
            text(&row.hint),
        ])
    }
}

fn principal(account: usize, row: &ImpactPrincipal) -> Value {
    json!([
        account,
        for_terminal(&row.principal),
        for_terminal(&row.user_agent),
        row.operation,
        row.calls,
        row.first_seen,
        row.last_seen,
        row.largest_token,
        row.expected_token,
        row.expected_token_is_estimate,
        row.limits_crossed.as_deref().unwrap_or_default(),
        row.attributed_to,
    ])
}
