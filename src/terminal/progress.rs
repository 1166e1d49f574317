//! The progress on stderr: a bar on a terminal, lines from time to time elsewhere, or nothing.
//!
//! The display only listens to events, and its errors never reach the rollout. A visit updates some numbers; texts are made only when
//! they are shown, for the bar at most ten times per second.

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

pub(crate) use state::Workload;

use self::failure_dedup::Announcement;
use self::screen::Screen;
use self::state::DisplayState;
use super::layout::stderr_width;
use super::log_line::LogLine;
use super::stderr;
use crate::rollout::{Event, StopReason};
use crate::terminal::mode::{ProgressStyle, StderrMode};

/// The number of times per second that the bar is drawn.
const FRAMES: u8 = 10;

/// The intervals between progress lines: at the beginning, and in a long run.
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

/// Locks a mutex. If another thread panicked with the lock, its numbers are still good enough for a display.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// Creates a display.
    pub(crate) fn new(stderr_mode: StderrMode) -> Self {
        let now = Instant::now();
        let state = Arc::new(Mutex::new(DisplayState::new(now)));
        Self { stderr_mode, state, display: Arc::new(Mutex::new(Display { bar: None, started: now, last_line: now })) }
    }

    /// Writes a line that belongs to the progress, above the bar if there is one.
    pub(crate) fn log_progress(&self, line: &LogLine) {
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
        self.log(&LogLine::warning(text));
    }

    /// Writes a line that people see as a block of several lines, which are sanitized and wrapped.
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
        // Lines are wrapped for a reader at the terminal only; elsewhere whole lines are easier to search.
        let has_bar = self.stderr_mode.progress == ProgressStyle::Bar;
        let width = has_bar.then(|| stderr_width().unwrap_or(DEFAULT_WIDTH));
        self.write(&line.to_text(self.stderr_mode.color, width));
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

    /// Shows that the program connects to AWS.
    pub(crate) fn connecting(&self) {
        self.show_bar();
    }

    /// Shows the number of accounts and pages listed so far.
    pub(crate) fn listing(&self, accounts: usize, pages: usize) {
        lock(&self.state).listing(accounts, pages, Instant::now());
        self.show_bar();
        self.log_periodically(|| log_lines::listing(accounts, pages));
    }

    /// Shows the number of accounts whose tags were read so far.
    pub(crate) fn tags(&self, read: usize, of: usize) {
        lock(&self.state).tags(read, of, Instant::now());
        self.show_bar();
        self.log_periodically(|| log_lines::tags(read, of));
    }

    /// Shows what is about to be visited. It is called before the first visit, except in a plan that visits while it lists.
    pub(crate) fn begin(&self, workload: Workload) {
        if self.stderr_mode.progress == ProgressStyle::Lines {
            self.log_progress(&log_lines::listed(&workload));
        }
        lock(&self.state).begin(workload, Instant::now());
        self.show_bar();
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &Event<'_>) {
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.update(event, now);
        match event {
            Event::WaveStarted { wave, waves, accounts } => {
                drop(state);
                if self.stderr_mode.progress == ProgressStyle::Lines {
                    self.log_progress(&log_lines::wave_started(*wave, *waves, *accounts));
                }
            }
            Event::Visited { record, .. } => {
                let announcement = state.causes.announce(record);
                drop(state);
                if self.stderr_mode.verbose {
                    self.log(&log_lines::account(record));
                } else if announcement != Announcement::None {
                    self.log_progress(&log_lines::failure(record));
                    if announcement == Announcement::LastCause {
                        self.log_progress(&log_lines::causes_left_out());
                    }
                }
                self.log_periodically(|| log_lines::position(&lock(&self.state), now));
            }
            Event::Stopping { reason, in_flight } => {
                // After the last account the rollout ends in any case.
                let is_over = state.workload.as_ref().is_some_and(|workload| workload.targets() == state.done());
                drop(state);
                match reason {
                    StopReason::Interrupted | StopReason::Terminated => {
                        self.log_always(&log_lines::stopping(reason, *in_flight));
                    }
                    StopReason::TooManyErrors { .. } if is_over => {}
                    StopReason::TooManyErrors { .. }
                    | StopReason::Unreachable(_)
                    | StopReason::CallerCredentials(_)
                    | StopReason::Journal(_) => {
                        self.log_progress(&log_lines::stopping(reason, *in_flight));
                    }
                }
            }
            Event::WaveFinished { wave, tally } => {
                let line = log_lines::wave_finished(*wave, tally, state.wave, now);
                drop(state);
                self.log_progress(&line);
            }
            Event::Baking { wait, next } => {
                drop(state);
                if self.stderr_mode.progress == ProgressStyle::Lines {
                    self.log_progress(&log_lines::waiting(*wait, *next));
                }
            }
            Event::Unreachable { failure, patience } => {
                drop(state);
                self.log(&log_lines::unreachable(failure, *patience));
            }
            Event::Reachable { after } => {
                drop(state);
                self.log(&log_lines::reachable(*after));
            }
        }
    }

    /// Hides the bar until the returned guard is dropped, so that the terminal is free for a question.
    pub(crate) fn hide(&self) -> HiddenBar {
        let had_bar = lock(&self.display).bar.is_some();
        self.finish();
        HiddenBar(had_bar.then(|| self.clone()))
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some((bar, screen)) = lock(&self.display).bar.take() {
            screen.redraw();
            bar.finish_and_clear();
        }
    }

    /// Shows the bar, if the mode has one.
    fn show_bar(&self) {
        if self.stderr_mode.progress != ProgressStyle::Bar {
            return;
        }
        let mut display = lock(&self.display);
        if display.bar.is_some() {
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

    /// Writes a progress line if the mode has such lines and one is due.
    fn log_periodically(&self, line: impl FnOnce() -> LogLine) {
        if self.stderr_mode.progress != ProgressStyle::Lines {
            return;
        }
        let mut display = lock(&self.display);
        if is_due(display.started.elapsed(), display.last_line.elapsed()) {
            display.last_line = Instant::now();
            drop(display);
            self.log_progress(&line());
        }
    }
}

/// Returns whether a progress line is due. The intervals grow with the duration of the run: an hour has some 70 lines instead of 360.
fn is_due(since_start: Duration, since_last_line: Duration) -> bool {
    since_last_line >= (since_start / 6).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// Shows the bar again when dropped.
#[derive(Debug)]
pub(crate) struct HiddenBar(Option<Progress>);

impl Drop for HiddenBar {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.show_bar();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_lines_become_rarer_in_long_runs() {
        let lines = |seconds: u64| {
            let mut said = 0;
            (1..=seconds)
                .filter(|now| {
                    let due = is_due(Duration::from_secs(*now), Duration::from_secs(now - said));
                    if due {
                        said = *now;
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
