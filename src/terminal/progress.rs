//! The progress on stderr: a bar on a terminal, lines from time to time elsewhere, or nothing.
//!
//! The display only listens to events, and its errors never reach the rollout. A visit updates some numbers; texts are made only
//! when they are shown, for the bar at most ten times per second.

mod bar;
mod failure_dedup;
mod line;
mod log_lines;
mod screen;
mod state;

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle as BarStyle};

pub(crate) use state::{ReadEvents, Workload};

use self::failure_dedup::MAX_ANNOUNCED;
use self::screen::Screen;
use self::state::{DisplayState, Phase};
use super::layout::stderr_width;
use super::log_line::{Level, LogLine};
use super::stderr;
use super::stderr_mode::{ProgressStyle, StderrMode};
use super::style::Paint;
use crate::cloud::retry::on_wait;
use crate::rollout::{Event, StopReason};

/// The number of times per second that the bar is drawn.
const FRAMES: u8 = 10;

/// The intervals between progress lines: the shortest at the beginning of a run, and the longest in a long run.
const MIN_INTERVAL: Duration = Duration::from_secs(10);
const MAX_INTERVAL: Duration = Duration::from_mins(1);

/// The width of a terminal whose width is not known.
const DEFAULT_WIDTH: usize = 79;

/// The progress display of a run. Clones share the display.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    stderr_mode: StderrMode,
    state: Arc<Mutex<DisplayState>>,
    display: Arc<Mutex<Display>>,
}

/// The bar on the screen, and the time of the last progress line.
#[derive(Debug)]
struct Display {
    bar: Option<(ProgressBar, Screen)>,
    started: Instant,
    last_line: Instant,
}

/// Locks a mutex. If another thread panicked while it held the lock, the numbers are still good enough for a display.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// Creates a display.
    pub(crate) fn new(stderr_mode: StderrMode) -> Self {
        let now = Instant::now();
        let state = Arc::new(Mutex::new(DisplayState::new(now)));
        let display = Arc::new(Mutex::new(Display { bar: None, started: now, last_line: now }));
        Self { stderr_mode, state, display }
    }

    /// Says from now on when the program waits for a call outside the visits, such as one that lists the accounts.
    pub(crate) fn say_waits(&self) {
        let progress = self.clone();
        on_wait(move |failure, failed| progress.log(&log_lines::retrying(failure, failed)));
    }

    /// Writes a line that belongs to the progress, above the bar if the mode has a bar.
    fn log_progress(&self, line: &LogLine) {
        if self.stderr_mode.progress != ProgressStyle::Silent {
            self.log(line);
        }
    }

    /// Writes a line that is shown even without progress, but not with `--quiet`.
    pub(crate) fn log(&self, line: &LogLine) {
        if !self.stderr_mode.quiet {
            self.log_always(line);
        }
    }

    /// Writes a warning about the run.
    pub(crate) fn warn(&self, text: &str) {
        let line = LogLine::new(Level::Warn, "note", &format!("note: {text}"), serde_json::json!({}));
        self.log(&line.painted(Paint::Warning, "note:"));
    }

    /// Writes `lines` for people, or `line` as JSON. `lines` must be sanitized and wrapped already.
    pub(crate) fn log_block(&self, line: &LogLine, lines: &str) {
        if self.stderr_mode.json_log || self.stderr_mode.progress == ProgressStyle::Silent {
            self.log_progress(line);
        } else {
            self.write(lines);
        }
    }

    /// Writes a line even with `--quiet`, for instance the answer to a signal.
    pub(crate) fn log_always(&self, line: &LogLine) {
        if self.stderr_mode.json_log {
            return stderr::write(line.to_json(SystemTime::now()) + "\n");
        }
        // Lines are wrapped only for a reader at the terminal. Elsewhere whole lines are easier to search.
        let has_bar = self.stderr_mode.progress == ProgressStyle::Bar;
        let width = has_bar.then(|| stderr_width().unwrap_or(DEFAULT_WIDTH));
        self.write(&line.to_text(self.stderr_mode.color, width, 4));
    }

    fn write(&self, lines: &str) {
        match &lock(&self.display).bar {
            Some((bar, screen)) => {
                screen.redraw();
                bar.println(lines);
            }
            None => stderr::write(format!("{lines}\n")),
        }
    }

    /// Shows the number of accounts and pages listed so far.
    pub(crate) fn listing(&self, accounts: usize, pages: usize) {
        lock(&self.state).listing(accounts, pages, Instant::now());
        self.show_bar();
        self.log_periodically(|| log_lines::listing(accounts, pages));
    }

    /// Shows the number of accounts whose tags were read so far.
    pub(crate) fn tags(&self, read: usize, of: usize) {
        lock(&self.state).enter(Phase::Tags { read, of }, Instant::now());
        self.show_bar();
        self.log_periodically(|| log_lines::tags(read, of));
    }

    /// Shows how far the events of files were read.
    pub(crate) fn reading(&self, read: ReadEvents) {
        let now = Instant::now();
        lock(&self.state).enter(Phase::Reading(read), now);
        self.show_bar();
        let elapsed = lock(&self.state).elapsed(now);
        self.log_periodically(|| log_lines::reading(read, bar::time_left_of(&read, elapsed), elapsed));
    }

    /// Whether nothing of the progress is shown.
    pub(crate) fn is_silent(&self) -> bool {
        self.stderr_mode.progress == ProgressStyle::Silent
    }

    /// Shows the accounts that are about to be visited. It is called before the first visit, except in a plan that visits while
    /// it lists.
    pub(crate) fn begin(&self, workload: Workload) {
        self.log_without_bar(&log_lines::listed(&workload));
        lock(&self.state).begin(workload, Instant::now());
        self.show_bar();
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &Event<'_>) {
        let now = Instant::now();
        lock(&self.state).update(event, now);
        match event {
            Event::WaveStarted { wave, waves, accounts } => {
                self.log_without_bar(&log_lines::wave_started(*wave, *waves, *accounts));
            }
            Event::Visited { record, .. } => {
                let new_cause = lock(&self.state).causes.announce(record);
                if self.stderr_mode.verbose {
                    self.log(&log_lines::account(record));
                } else if let Some(number) = new_cause {
                    self.log_progress(&log_lines::failure(record));
                    if number == MAX_ANNOUNCED {
                        self.log_progress(&log_lines::causes_left_out());
                    }
                }
                self.log_periodically(|| log_lines::position(&lock(&self.state), now));
            }
            Event::Stopping { reason, in_flight } => {
                let line = log_lines::stopping(reason, *in_flight);
                match reason {
                    StopReason::Interrupted | StopReason::HungUp | StopReason::Terminated => self.log_always(&line),
                    // After the last account the rollout ends even without a stop.
                    StopReason::TooManyErrors { .. } if lock(&self.state).is_complete() => {}
                    _ => self.log_progress(&line),
                }
            }
            Event::WaveFinished { wave, tally } => {
                let current = lock(&self.state).wave;
                self.log_progress(&log_lines::wave_finished(*wave, tally, current, now));
            }
            Event::Baking { wait, next } => self.log_without_bar(&log_lines::waiting(*wait, *next)),
            Event::GateStarted { wave, timeout } => {
                // The gate may ask a person, so it has the terminal to itself.
                self.finish();
                self.log_progress(&log_lines::gate_started(*wave, *timeout));
            }
            Event::GatePassed { wave, took } => {
                self.log_progress(&log_lines::gate_passed(*wave, *took));
                self.show_bar();
            }
            Event::Unreachable { failure, patience } => self.log(&log_lines::unreachable(failure, *patience)),
            Event::Paused { lasted } => self.log(&log_lines::paused(*lasted)),
            Event::GlobalEndpointSilent { accounts } => self.log(&log_lines::global_endpoint_silent(*accounts)),
            Event::Reachable { after } => self.log(&log_lines::reachable(*after)),
        }
    }

    /// Removes the bar: at the end, or to free the terminal for a question.
    pub(crate) fn finish(&self) {
        if let Some((bar, screen)) = lock(&self.display).bar.take() {
            screen.redraw();
            bar.finish_and_clear();
        }
    }

    /// Shows the bar if the mode has one.
    pub(crate) fn show_bar(&self) {
        let mut display = lock(&self.display);
        if self.stderr_mode.progress != ProgressStyle::Bar || display.bar.is_some() {
            return;
        }
        let (state, color, screen) = (Arc::clone(&self.state), self.stderr_mode.color, Screen::default());
        let draw = move |_: &ProgressState, text: &mut dyn Write| {
            let width = stderr_width().unwrap_or(DEFAULT_WIDTH);
            let lines = bar::draw(&lock(&state), Instant::now(), width, color);
            // indicatif ignores errors too.
            let _ = text.write_str(&lines.join("\n"));
        };
        let style = BarStyle::with_template("{lines}").expect("a fixed template").with_key("lines", draw);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), FRAMES);
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.enable_steady_tick(Duration::from_secs(1) / u32::from(FRAMES));
        display.bar = Some((bar, screen));
    }

    /// Writes a line if the mode has progress lines. If the mode has a bar, the bar shows the same information.
    fn log_without_bar(&self, line: &LogLine) {
        if self.stderr_mode.progress == ProgressStyle::Lines {
            self.log(line);
        }
    }

    /// Writes a progress line if the mode has progress lines and the next line is due.
    fn log_periodically(&self, line: impl FnOnce() -> LogLine) {
        let mut display = lock(&self.display);
        if self.stderr_mode.progress == ProgressStyle::Lines
            && is_due(display.started.elapsed(), display.last_line.elapsed())
        {
            display.last_line = Instant::now();
            drop(display);
            self.log(&line());
        }
    }
}

/// Returns whether a progress line is due. The intervals grow with the duration of the run, so a run of an hour writes some 70
/// lines instead of 360.
fn is_due(since_start: Duration, since_last_line: Duration) -> bool {
    since_last_line >= (since_start / 6).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_lines_become_rarer_in_long_runs() {
        let lines = |seconds: u64| {
            let mut last = 0;
            (1..=seconds)
                .filter(|now| {
                    let due = is_due(Duration::from_secs(*now), Duration::from_secs(now - last));
                    if due {
                        last = *now;
                    }
                    due
                })
                .count()
        };
        assert_eq!((lines(9), lines(10), lines(60)), (0, 1, 6));
        assert!((12..=20).contains(&lines(360)), "{}", lines(360));
        assert!(lines(3600) <= 75, "{}", lines(3600));
    }
}
