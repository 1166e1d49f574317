//! The report as a page: one HTML file that loads nothing.
//!
//! The essentials are plain HTML and SVG, so that they work without the script and without the style sheet. The page's own script
//! draws the table of all accounts from data that is not executable. The page's content-security policy names the script and the
//! style sheet by their hashes and forbids everything else; some servers that show the page forbid even more.

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
pub(super) use self::data::ScriptJson;

use self::data::Data;
use self::view::{BarSegment, bar};
use super::Report;
use super::causes::Causes;
use super::issued_otherwise::IssuedOtherwise;
use super::ou_totals::units;
use super::timeline::Timeline;
use crate::humanize::{duration, thousands};
use crate::journal::RunId;
use crate::sanitize::{for_shell, for_terminal};
use crate::verdict::Results;

pub(super) const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = concat!(include_str!("page/table.js"), include_str!("page/page.js"));

#[derive(Template)]
#[template(path = "page.html", config = "src/report/page/askama.toml")]
struct Page<'a> {
    data: Data<'a>,
    bar: Vec<BarSegment>,
    results: Results,
    timeline: Option<&'a Timeline>,
    chart: Option<Chart>,
    issued: Option<IssuedOtherwise<'a>>,
}

/// Writes the page.
pub(super) fn write(report: &Report<'_>, mut to: impl Write) -> io::Result<()> {
    let timeline = Timeline::of(report.records, report.run.settings.mode);
    let page = Page {
        data: Data {
            report: *report,
            units: &units(report.accounts, report.records),
            causes: &Causes::of(report.accounts, report.records),
        },
        bar: bar(&report.tally(), 1000.0),
        results: Results::of(report.records),
        timeline: timeline.as_ref(),
        issued: IssuedOtherwise::of(report),
        chart: timeline.as_ref().map(|timeline| Chart::of(timeline, report.run.settings.rate)),
    };
    page.write_into(&mut to)
}

#[derive(Template)]
#[template(path = "unfinished.html", config = "src/report/page/askama.toml")]
struct UnfinishedPage<'a> {
    run_id: &'a RunId,
    folder: &'a Path,
}

/// Writes the page that is shown until the run ends.
pub(super) fn write_unfinished(run_id: &RunId, folder: &Path, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    UnfinishedPage { run_id, folder }.write_into(&mut to)?;
    to.flush()
}

/// Returns the content-security policy: it forbids the page to load anything, to run any script but its own, and to turn text
/// into markup.
fn policy() -> String {
    policy_for(STYLE, SCRIPT)
}

/// Returns the policy of a page with this style sheet and this script.
pub(super) fn policy_for(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(style),
        hash(script)
    )
}

/// Returns the class that colours the page's header. The words in the header have the same meaning as the colour.
const fn colour_class(exit_code: Option<u8>) -> &'static str {
    match exit_code {
        None => "open",
        Some(0 | 4) => "good",
        Some(3) => "warn",
        Some(_) => "bad",
    }
}
