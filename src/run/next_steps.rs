//! The end of a run on stderr: what happened, where the page and the CSV file are, and the lines to copy.
//!
//! Each is told once. A run that came to its end tells it in the summary on stdout, if stdout shows the summary.

use serde_json::json;

use crate::report::next_steps::NextStep;
use crate::report::{DocumentFormat, Report, report_files, wrong_setting};
use crate::rollout::StopReason;
use crate::settings::OutputSettings;
use crate::terminal::log_line::Level;
use crate::terminal::stderr_mode::{ProgressStyle, StderrMode};
use crate::terminal::{LogLine, Progress, log_line, stderr};
use crate::verdict::Verdict;

/// Whether the summary on stdout tells how the run ended. A stop is told on stderr, where people look for errors.
pub(super) fn is_told_on_stdout(output: &OutputSettings, verdict: &Verdict) -> bool {
    let shows_summary = output.stdout == Some(DocumentFormat::Table) && output.query.is_none();
    shows_summary && !matches!(verdict, Verdict::Stopped(_))
}

/// Tells on stderr how the run ended, unless stdout has told it. Names the lines to copy only if the run can be continued.
pub(super) fn tell(
    output: &OutputSettings,
    verdict: &Verdict,
    report: &Report<'_>,
    can_continue: bool,
    progress: &Progress,
) {
    let mode = output.stderr_mode;
    if is_told_on_stdout(output, verdict) {
        return;
    }
    let folder = report.folder.filter(|folder| folder.exists());
    let mut lines: Vec<String> = report.steps(folder.filter(|_| can_continue)).iter().map(NextStep::line).collect();
    let stopped = if let Verdict::Stopped(reason) = verdict { Some(reason) } else { None };
    if let Some((line, advice)) = lines.first_mut().zip(stopped.map(before_continuing)) {
        line.insert_str(0, advice);
    }
    let is_signal = verdict.exit_code() > 128;
    let first = if mode.json_log { lines.first().map_or("", String::as_str) } else { "" };
    match stopped {
        // The person who sent the signal knows the reason, so this is no error.
        Some(_) if is_signal => {
            progress.log_always(&LogLine::new(Level::Warn, "stopped", report.sentence, json!({})));
        }
        Some(_) => log_line::error(mode, report.sentence, first),
        None => copyable(mode, progress, "ended", report.sentence, false),
    }
    let is_stop = stopped.is_some();
    let shows_summary = output.stdout == Some(DocumentFormat::Table) && output.query.is_none();
    if let Some(setting) = wrong_setting(report).filter(|_| !shows_summary) {
        copyable(mode, progress, "hint", &setting, is_stop);
    }
    for (name, path) in folder.map(report_files).into_iter().flatten() {
        copyable(mode, progress, "report", &format!("{name}: {path}"), is_stop && !mode.quiet);
    }
    // In JSON, an error has its hint in the same line.
    let told = usize::from(mode.json_log && is_stop && !is_signal);
    for line in lines.iter().skip(told) {
        copyable(mode, progress, "hint", line, is_stop);
    }
}

/// Writes a line that is not wrapped, because people copy it. `always` is whether to write it even if stderr shows no progress.
fn copyable(mode: StderrMode, progress: &Progress, name: &'static str, text: &str, always: bool) {
    let line = LogLine::new(Level::Info, name, text, json!({}));
    if mode.progress == ProgressStyle::Silent && !always {
        return;
    }
    if mode.json_log {
        progress.log_always(&line);
    } else {
        stderr::write(line.text + "\n");
    }
}

/// Returns what to do before the run can continue.
fn before_continuing(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::CallerCredentials(_) => "renew the base credentials, for instance with `aws sso login`, and ",
        StopReason::Unreachable(_) => "check the network and the proxy settings (HTTPS_PROXY, NO_PROXY), and ",
        _ => "",
    }
}
