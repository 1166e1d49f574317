//! This module owns the progress on stderr: a bar on a terminal, lines now and then elsewhere, or nothing.
//!
//! It only listens. Whatever goes wrong here never reaches the rollout. A visit costs it some numbers; texts are made only where
//! they are shown, for the bar ten times a second at most.

mod bar;
mod failure_dedup;
mod line;
mod screen;
mod state;
mod words;

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle as BarStyle};

pub(crate) use state::Outline;

use self::failure_dedup::Novelty;
use self::screen::Screen;
use self::state::State;
use super::note::Note;
use super::size::stderr_width;
use super::stderr;
use crate::rollout::{Event, StopReason};
use crate::terminal::mode::{ProgressStyle, StderrMode};

/// How often the bar is drawn.
const FRAMES: u8 = 10;

/// How often a line is written where there is no bar: first, and in a run that goes on for long.
const OFTEN: Duration = Duration::from_secs(10);
const RARELY: Duration = Duration::from_mins(1);

/// A terminal that does not tell its width has so many columns.
const USUAL_WIDTH: usize = 79;

/// The progress display of a run. Its clones are the same display.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    stderr_mode: StderrMode,
    state: Arc<Mutex<State>>,
    shown: Arc<Mutex<Shown>>,
}

/// What is on the screen, and when something was last said.
#[derive(Debug)]
struct Shown {
    bar: Option<(ProgressBar, Screen)>,
    begun: Instant,
    said: Instant,
}

/// Whoever panicked while he held it has left numbers behind that are still good enough for a display.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// A display as the settings want it.
    pub(crate) fn new(stderr_mode: StderrMode) -> Self {
        let now = Instant::now();
        let state = Arc::new(Mutex::new(State::new(now)));
        Self { stderr_mode, state, shown: Arc::new(Mutex::new(Shown { bar: None, begun: now, said: now })) }
    }

    /// Writes a note that belongs to the progress, above the bar if there is one.
    pub(crate) fn line(&self, note: &Note) {
        if self.stderr_mode.progress != ProgressStyle::Silent {
            self.say(note);
        }
    }

    /// Writes a note that is worth knowing even where no progress is shown, unless only errors are wanted.
    pub(crate) fn say(&self, note: &Note) {
        if !self.stderr_mode.quiet {
            self.put(note);
        }
    }

    /// Writes what people should know before they rely on the run.
    pub(crate) fn warn(&self, text: &str) {
        self.say(&Note::warning(text));
    }

    /// Writes a note that people get in lines of their own, which are harmless and no wider than the terminal.
    pub(crate) fn block(&self, note: &Note, lines: &str) {
        if self.stderr_mode.json_log || self.stderr_mode.progress == ProgressStyle::Silent {
            self.line(note);
        } else {
            self.write(lines);
        }
    }

    /// Writes the answer to what somebody did, a signal for instance, however quiet the rest is.
    pub(crate) fn answer(&self, note: &Note) {
        self.put(note);
    }

    fn put(&self, note: &Note) {
        if self.stderr_mode.json_log {
            return stderr::write(note.for_machines(SystemTime::now()) + "\n");
        }
        // What goes by above a bar, or where it was, is for eyes; everything else is easier to search in whole lines.
        let is_watched = self.stderr_mode.progress == ProgressStyle::Bar;
        let width = is_watched.then(|| stderr_width().unwrap_or(USUAL_WIDTH));
        self.write(&note.for_people(self.stderr_mode.color, width));
    }

    fn write(&self, lines: &str) {
        match &lock(&self.shown).bar {
            Some((bar, screen)) => {
                screen.forget();
                bar.println(lines);
            }
            None => stderr::write(format!("{lines}\n")),
        }
    }

    /// Says that AWS is being reached.
    pub(crate) fn connecting(&self) {
        self.raise();
    }

    /// Says that so many accounts were listed so far, on so many pages.
    pub(crate) fn listing(&self, accounts: usize, pages: usize) {
        lock(&self.state).listing(accounts, pages, Instant::now());
        self.raise();
        self.now_and_then(|| words::listing(accounts, pages));
    }

    /// Says that the tags of so many accounts were read so far.
    pub(crate) fn tags(&self, read: usize, of: usize) {
        lock(&self.state).tags(read, of, Instant::now());
        self.raise();
        self.now_and_then(|| words::tags(read, of));
    }

    /// Says what is about to be visited. It comes before the first visit, except in a plan that visits while it lists.
    pub(crate) fn begin(&self, outline: Outline) {
        if self.stderr_mode.progress == ProgressStyle::Lines {
            self.line(&words::listed(&outline));
        }
        lock(&self.state).begin(outline, Instant::now());
        self.raise();
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &Event<'_>) {
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.note(event, now);
        match event {
            Event::WaveStarted { wave, waves, accounts } => {
                drop(state);
                if self.stderr_mode.progress == ProgressStyle::Lines {
                    self.line(&words::wave_started(*wave, *waves, *accounts));
                }
            }
            Event::Visited { record, .. } => {
                let novelty = state.seen.note(record);
                drop(state);
                if self.stderr_mode.verbose {
                    self.say(&words::account(record));
                } else if novelty != Novelty::Old {
                    self.line(&words::failure(record));
                    if novelty == Novelty::Last {
                        self.line(&words::enough());
                    }
                }
                self.now_and_then(|| words::position(&lock(&self.state), now));
            }
            Event::Stopping { reason, in_flight } => {
                // With the last account through, the rollout ends as it would have anyway.
                let is_over = state.outline.as_ref().is_some_and(|outline| outline.targets() == state.done());
                drop(state);
                match reason {
                    // Whoever sent it wants to see that it has arrived, however quiet the rest is.
                    StopReason::Interrupted | StopReason::Terminated => {
                        self.answer(&words::stopping(reason, *in_flight));
                    }
                    StopReason::TooManyErrors { .. } if is_over => {}
                    StopReason::TooManyErrors { .. }
                    | StopReason::Unreachable(_)
                    | StopReason::CallerCredentials(_)
                    | StopReason::Journal(_) => {
                        self.line(&words::stopping(reason, *in_flight));
                    }
                }
            }
            Event::WaveFinished { wave, tally } => {
                let note = words::wave_finished(*wave, tally, state.wave, now);
                drop(state);
                self.line(&note);
            }
            Event::Baking { wait, next } => {
                drop(state);
                if self.stderr_mode.progress == ProgressStyle::Lines {
                    self.line(&words::waiting(*wait, *next));
                }
            }
            Event::Unreachable { failure, patience } => {
                drop(state);
                self.say(&words::unreachable(failure, *patience));
            }
            Event::Reachable { after } => {
                drop(state);
                self.say(&words::reachable(*after));
            }
        }
    }

    /// Takes the bar off the screen until what this returns is dropped, so that a question can be asked in its place.
    pub(crate) fn hide(&self) -> Hidden {
        let had_bar = lock(&self.shown).bar.is_some();
        self.finish();
        Hidden(had_bar.then(|| self.clone()))
    }

    /// Takes the display away.
    pub(crate) fn finish(&self) {
        if let Some((bar, screen)) = lock(&self.shown).bar.take() {
            screen.forget();
            bar.finish_and_clear();
        }
    }

    /// Puts the bar up where there is to be one.
    fn raise(&self) {
        if self.stderr_mode.progress != ProgressStyle::Bar {
            return;
        }
        let mut shown = lock(&self.shown);
        if shown.bar.is_some() {
            return;
        }
        let (state, color, screen) = (Arc::clone(&self.state), self.stderr_mode.color, Screen::default());
        let draw = move |_: &ProgressState, text: &mut dyn Write| {
            let width = stderr_width().unwrap_or(USUAL_WIDTH);
            let lines = bar::draw(&lock(&state), Instant::now(), width, color);
            // indicatif has no use for an error either.
            let _ = text.write_str(&lines.join("\n"));
        };
        let style = BarStyle::with_template("{lines}").expect("a fixed template").with_key("lines", draw);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), FRAMES);
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.enable_steady_tick(Duration::from_secs(1) / u32::from(FRAMES));
        shown.bar = Some((bar, screen));
    }

    /// Writes a line where lines are written, if one is due.
    fn now_and_then(&self, note: impl FnOnce() -> Note) {
        if self.stderr_mode.progress != ProgressStyle::Lines {
            return;
        }
        let mut shown = lock(&self.shown);
        if is_due(shown.begun.elapsed(), shown.said.elapsed()) {
            shown.said = Instant::now();
            drop(shown);
            self.line(&note());
        }
    }
}

/// Whether a run that has been going on for so long should say something, when it did so long ago. The longer it goes on, the
/// less there is new: an hour makes some 70 lines, and not 360.
fn is_due(going: Duration, silent: Duration) -> bool {
    silent >= (going / 6).clamp(OFTEN, RARELY)
}

/// A bar that is off the screen.
#[derive(Debug)]
pub(crate) struct Hidden(Option<Progress>);

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.raise();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_a_run_goes_on_the_rarer_are_its_lines() {
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
