//! This module owns the progress on stderr: a bar on a terminal, lines now and then elsewhere, or nothing.
//!
//! It only listens. Whatever goes wrong here never reaches the rollout.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle as BarStyle};

use super::stderr::{self, Stderr};
use crate::harmless::for_terminal;
use crate::rollout::{Event, Outcome, Record, Tally};
use crate::settings::{ProgressStyle, Talk};

/// How often a line is written where there is no bar.
const EVERY: Duration = Duration::from_secs(10);

/// The progress display of a run.
#[derive(Clone, Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    talk: Talk,
    said: Instant,
    /// How many accounts were listed so far.
    listed: usize,
    /// How many are to be visited; 0 as long as that is not known.
    total: usize,
}

impl Progress {
    /// A display as the settings want it.
    #[must_use]
    pub fn new(talk: Talk) -> Self {
        let bar = (talk.progress == ProgressStyle::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like_with_hz(Box::new(Stderr), 10));
            bar.set_style(BarStyle::with_template("{spinner} {msg} {elapsed}").expect("a fixed template"));
            bar
        });
        Self { bar, talk, said: Instant::now(), listed: 0, total: 0 }
    }

    /// Writes a line that belongs to the progress, above the bar if there is one.
    pub fn line(&self, text: &str) {
        if self.talk.progress != ProgressStyle::Silent {
            self.say(text);
        }
    }

    /// Writes a line that is worth knowing even where no progress is shown, unless only errors are wanted.
    pub fn say(&self, text: &str) {
        if self.talk.quiet {
            return;
        }
        let write = || stderr::write(format!("{text}\n"));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Says that so many accounts were listed so far.
    pub fn listing(&mut self, accounts: usize) {
        self.listed = accounts;
        if let Some(bar) = &self.bar {
            bar.set_message(format!("listing accounts: {accounts}"));
            bar.tick();
        } else if self.talk.progress == ProgressStyle::Lines && self.is_due() {
            self.line(&format!("listing accounts: {accounts} so far"));
        }
    }

    /// Says that the tags of so many accounts were read so far.
    pub fn tags(&mut self, read: usize, of: usize) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("reading tags: {read} of {of} accounts"));
            bar.tick();
        } else if self.talk.progress == ProgressStyle::Lines && self.is_due() {
            self.line(&format!("reading tags: {read} of {of} accounts so far"));
        }
    }

    /// Says that visits start.
    pub fn start(&mut self, targets: usize, listed: usize, organization: &str) {
        self.total = targets;
        let organization = for_terminal(organization);
        if self.talk.progress == ProgressStyle::Lines {
            self.line(&format!("{listed} accounts listed in {organization}, {targets} to visit"));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(targets as u64);
            bar.set_style(
                BarStyle::with_template("{prefix}[{wide_bar}] {pos}/{len} {msg} {eta}")
                    .expect("a fixed template")
                    .progress_chars("=> "),
            );
            bar.set_message("");
            bar.reset_eta();
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::WaveStarted { wave, waves, accounts } => {
                if let Some(bar) = &self.bar {
                    bar.set_prefix(format!("wave {wave}/{waves} "));
                } else if self.talk.progress == ProgressStyle::Lines {
                    let noun = if *accounts == 1 { "account" } else { "accounts" };
                    self.line(&format!("wave {wave} of {waves}: {accounts} {noun}"));
                }
            }
            Event::Visited { record, tally, throttles, rate } => {
                if self.talk.verbose {
                    self.say(&account_line(record));
                }
                let (listed, total) = (self.listed, self.total);
                let state = || match total {
                    0 => format!("{listed} listed, {} visited: {}", tally.total(), state(tally, *throttles, *rate)),
                    _ => state(tally, *throttles, *rate),
                };
                if let Some(bar) = &self.bar {
                    bar.set_position(tally.total() as u64);
                    bar.set_message(state());
                } else if self.talk.progress == ProgressStyle::Lines && self.is_due() {
                    let of = if total == 0 { String::new() } else { format!("{} of {total}: ", tally.total()) };
                    self.line(&format!("{of}{}", state()));
                }
            }
            Event::WaveFinished { wave, tally } => {
                self.line(&format!("wave {wave} finished: {}", counts(tally)));
            }
            Event::Baking { wait, next } => {
                self.line(&format!("waiting {} before wave {next}", humantime::format_duration(*wait)));
            }
            Event::Unreachable { failure, patience } => {
                let patience = humantime::format_duration(*patience);
                self.say(&format!(
                    "AWS can't be reached ({}): waiting up to {patience} for it; Ctrl-C stops the run",
                    for_terminal(&failure.to_string())
                ));
            }
            Event::Reachable { after } => {
                self.say(&format!("AWS can be reached again after {} s: going on", after.as_secs()));
            }
        }
    }

    /// Takes the bar off the screen until what this returns is dropped, so that a question can be asked in its place.
    #[must_use]
    pub fn hide(&self) -> Hidden {
        self.finish();
        Hidden(self.bar.clone())
    }

    /// Takes the display away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn is_due(&mut self) -> bool {
        let due = self.said.elapsed() >= EVERY;
        if due {
            self.said = Instant::now();
        }
        due
    }
}

/// A bar that is off the screen.
#[derive(Debug)]
pub struct Hidden(Option<ProgressBar>);

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.reset();
        }
    }
}

/// The counts that are not zero, in words.
fn counts(tally: &Tally) -> String {
    let parts: Vec<String> =
        tally.iter().filter(|(_, count)| *count > 0).map(|(outcome, count)| format!("{count} {outcome}")).collect();
    parts.join(", ")
}

fn state(tally: &Tally, throttles: u64, rate: Option<f64>) -> String {
    let mut text = counts(tally);
    if throttles > 0 {
        text.push_str(&format!(", {throttles} throttled"));
        if let Some(rate) = rate {
            text.push_str(&format!(", pace {rate:.0}/s"));
        }
    }
    text
}

fn account_line(record: &Record) -> String {
    let mut text = format!("{} {}", record.account_id, record.outcome);
    if let Some(trouble) = &record.trouble {
        text.push_str(&format!(" at {}: {}", trouble.stage, for_terminal(&trouble.error_code)));
        if record.outcome != Outcome::Skipped && !trouble.error_message.is_empty() {
            text.push_str(&format!(": {}", for_terminal(&trouble.error_message)));
        }
    }
    text
}
