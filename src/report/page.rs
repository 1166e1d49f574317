//! This module owns the report as a page: one HTML file that asks nobody for anything.
//!
//! The essentials are plain HTML and SVG, so that they are there without a script and without a style sheet. The table of all
//! accounts is drawn by the page's own script from data that is not executable. The page's content-security policy names
//! script and style sheet by their hashes and forbids everything else; a host may be stricter still.

mod chart;
mod data;
mod view;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use self::chart::Chart;
use self::data::Data;
use self::view::{CauseSection, OutcomeLine, UnitLine, WaveRow};
use super::Report;
use super::causes::Causes;
use super::facts::{Fact, facts};
use super::timeline::Timeline;
use super::units::units;
use super::words::grouped;
use crate::journal::RunId;
use crate::rollout::Outcome;
use crate::sanitize::{for_shell, for_terminal};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

#[derive(Template)]
#[template(path = "page.html", config = "src/report/page/askama.toml")]
struct Page<'a> {
    policy: String,
    style: &'static str,
    script: &'static str,
    title: String,
    command: &'static str,
    run_id: &'a str,
    sentence: &'a str,
    tone: &'static str,
    ended: bool,
    outcomes: &'a [OutcomeLine],
    bar_label: String,
    total: String,
    groups: &'a [CauseSection],
    chart: Option<Chart>,
    waves: &'a [WaveRow],
    units: &'a [UnitLine],
    unit_outcomes: &'a [Outcome],
    facts: &'a [Fact],
    data: Data<'a>,
}

/// Writes the page.
pub(super) fn write(report: &Report<'_>, mut to: impl Write) -> io::Result<()> {
    let tally = report.tally();
    let units = units(report.accounts, report.records);
    let causes = Causes::of(report.accounts, report.records);
    let timeline = Timeline::of(report.records);
    let outcomes = view::outcomes(&tally);
    let unit_outcomes: Vec<Outcome> =
        tally.iter().filter(|(_, count)| *count > 0).map(|(outcome, _)| outcome).collect();
    let harmless = |(name, fact): Fact| (name, for_terminal(&fact).into_owned());
    let run_id = for_terminal(report.run.run_id.as_str());
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        title: format!("v2token {} {run_id}", report.run.command),
        command: report.run.command.as_str(),
        run_id: &run_id,
        sentence: &for_terminal(report.sentence),
        tone: tone(report.ended),
        ended: report.ended.is_some(),
        bar_label: outcomes.iter().map(|line| line.label.as_str()).collect::<Vec<_>>().join(", "),
        outcomes: &outcomes,
        total: grouped(tally.total()),
        groups: &view::groups(&causes.groups),
        chart: timeline.as_ref().map(|timeline| Chart::of(timeline, report.run.settings.rate)),
        waves: &timeline.iter().flat_map(|timeline| &timeline.waves).map(WaveRow::of).collect::<Vec<_>>(),
        units: &view::units(&units, &unit_outcomes),
        unit_outcomes: &unit_outcomes,
        facts: &facts(report).into_iter().map(harmless).collect::<Vec<_>>(),
        data: Data { report: *report, units: &units, causes: &causes },
    };
    page.write_into(&mut to)
}

#[derive(Template)]
#[template(path = "waiting.html", config = "src/report/page/askama.toml")]
struct Waiting<'a> {
    policy: String,
    style: &'static str,
    run_id: &'a str,
    folder: String,
}

/// Writes the page that stands in until the run ends.
pub(super) fn write_waiting(run_id: &RunId, folder: &Path, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    let (run_id, folder) = (for_terminal(run_id.as_str()), for_shell(folder));
    Waiting { policy: policy(), style: STYLE, run_id: &run_id, folder }.write_into(&mut to)?;
    to.flush()
}

/// Nothing may be fetched, and nothing run but this page's own script, which may not make markup of text either.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// How the page's head is coloured. The words beside it say the same.
const fn tone(ended: Option<u8>) -> &'static str {
    match ended {
        None => "open",
        Some(0 | 4) => "good",
        Some(3) => "warn",
        Some(_) => "bad",
    }
}
