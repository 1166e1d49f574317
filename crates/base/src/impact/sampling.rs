//! Decides which pages of an account's event history are read: rare events to the end, and the others in random windows of time.
//!
//! LookupEvents gives 50 events a page, takes one name, and allows two calls a second, so an account with many calls of AssumeRole
//! can't be read to the end. The sample says how many accounts have somebody who calls the global endpoint often; its bound is the
//! rule of three: if none of `n` random windows has such a call, then, with 95% confidence, at most `3/n` of all windows have one.
//!
//! The windows have equal lengths, and are drawn one from each of as many equal groups as there are windows to read; each group is a part
//! of the hours of the week. With a share `p` of windows that have such calls, the chance to meet none in the first `n` of the draw is at
//! most `(1-p)^n` (Maclaurin's inequality), and that is below 5% for `p > 3/n`. This holds whenever the reading ends, because only the
//! windows before the first one that is not read to its end count. So a busy window can use up the budget without making the bound
//! wrong.

use fastrand::Rng;

use super::coverage::Coverage;
use super::event_page::{EventPage, EventQuery};
use super::operation::SessionOperation;

/// The names of events, the rare ones first. AssumeRole is the one that AWS services call in every account.
const NAMES: [SessionOperation; 5] = [
    SessionOperation::GetFederationToken,
    SessionOperation::AssumeRoleWithSaml,
    SessionOperation::GetSessionToken,
    SessionOperation::AssumeRoleWithWebIdentity,
    SessionOperation::AssumeRole,
];

/// The lengths of windows, in seconds. The longest one that fits on half a page is taken.
const LENGTHS: [u64; 4] = [3600, 900, 300, 60];

/// How many events of one name a window should have at most, so that nearly every window is one page.
const EVENTS_PER_WINDOW: f64 = 25.0;

const HOURS_OF_WEEK: u64 = 168;

/// The reading of one account's event history.
#[derive(Debug)]
pub struct Sampler {
    /// The first and the last second.
    start: u64,
    end: u64,
    max_pages: u32,
    pages: u32,
    dice: Rng,
    names: [Progress; 5],
    windows: Option<Windows>,
    /// What the page that is being read is for.
    current: Option<Current>,
}

/// How far the events of one name are read, from the newest one on.
#[derive(Clone, Debug, Default)]
struct Progress {
    pages: u32,
    events: u64,
    /// The time of the oldest event.
    oldest: Option<u64>,
    /// The token of the next page.
    next: Option<String>,
}

/// The random windows.
#[derive(Debug)]
struct Windows {
    /// How many windows there are.
    all: u64,
    /// The windows to read, in this order.
    drawn: Vec<u64>,
    /// The names that are read in windows, as positions in [`NAMES`].
    names: Vec<usize>,
    /// How many windows are read to the end.
    read: usize,
    /// The name that is read in the current window, as a position in `names`, and the token of its next page.
    name: usize,
    next: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Current {
    /// The events of the name at this position in [`NAMES`], over the whole time.
    Name(usize),
    /// The current window.
    Window,
}

impl Progress {
    fn is_complete(&self) -> bool {
        self.pages > 0 && self.next.is_none()
    }

    /// Estimates how many pages are left, from the time that the pages so far span.
    fn pages_left(&self, start: u64, end: u64) -> f64 {
        let Some(oldest) = self.oldest else { return f64::INFINITY };
        let (read, left) = (end.saturating_sub(oldest), oldest.saturating_sub(start));
        (f64::from(self.pages) * float(left) / float(read)).ceil().max(1.0)
    }

    /// The number of events in a second, in the time that is read.
    fn density(&self, end: u64) -> f64 {
        self.oldest.map_or(f64::INFINITY, |oldest| float(self.events) / float(end.saturating_sub(oldest).max(1)))
    }
}

impl Sampler {
    /// Returns the reading of the events from `start` to `end`, in seconds since 1970. The same seed draws the same windows.
    pub fn new(start: u64, end: u64, max_pages: u32, seed: u64) -> Self {
        Self {
            start,
            end: end.max(start),
            max_pages,
            pages: 0,
            dice: Rng::with_seed(seed),
            names: Default::default(),
            windows: None,
            current: None,
        }
    }

    /// Returns the next page to read; `None` if enough is read. Until [`take`](Self::take) gets the page, the result is the same.
    pub fn next_query(&mut self) -> Option<EventQuery> {
        if self.current.is_none() {
            self.current = Some(self.choose()?);
        }
        Some(self.query(self.current?))
    }

    /// Takes the page that [`next_query`](Self::next_query) asked for.
    pub fn take(&mut self, page: &EventPage) {
        self.pages += 1;
        match self.current.take() {
            Some(Current::Name(position)) => {
                let progress = &mut self.names[position];
                progress.pages += 1;
                progress.events += page.events.len() as u64;
                progress.oldest = [progress.oldest, page.oldest].into_iter().flatten().min();
                progress.next.clone_from(&page.next);
            }
            Some(Current::Window) => {
                if let Some(windows) = &mut self.windows {
                    windows.take(page);
                }
            }
            None => {}
        }
    }

    /// Returns how completely the history is read.
    pub fn coverage(&self) -> Coverage {
        if self.names.iter().all(Progress::is_complete) {
            return Coverage::Complete;
        }
        let is_started = self.names.iter().all(|progress| progress.pages > 0);
        match &self.windows {
            Some(windows) if is_started && windows.read > 0 => Coverage::Sampled {
                read: u32::try_from(windows.read).unwrap_or(u32::MAX),
                windows: u32::try_from(windows.all).unwrap_or(u32::MAX),
            },
            _ if self.pages == 0 => Coverage::None,
            _ => {
                let missing: Vec<&str> = NAMES
                    .iter()
                    .zip(&self.names)
                    .filter(|(_, progress)| !progress.is_complete())
                    .map(|(name, _)| name.as_str())
                    .collect();
                Coverage::Incomplete(format!(
                    "{} pages of the event history have only a part of the events {}",
                    self.pages,
                    missing.join(", ")
                ))
            }
        }
    }

    /// Decides what the next page is for.
    fn choose(&mut self) -> Option<Current> {
        let left = self.max_pages.checked_sub(self.pages).filter(|left| *left > 0)?;
        if self.windows.is_none() {
            if let Some(new) = self.names.iter().position(|progress| progress.pages == 0) {
                return Some(Current::Name(new));
            }
            let mut open: Vec<usize> =
                (0..NAMES.len()).filter(|position| !self.names[*position].is_complete()).collect();
            let pages_left = |position: usize| self.names[position].pages_left(self.start, self.end);
            open.sort_by(|one, other| pages_left(*one).total_cmp(&pages_left(*other)));
            let rarest = *open.first()?;
            // The rarest name is read to the end if that leaves half of the pages to the others.
            let allowed = if open.len() == 1 { left } else { left / 2 };
            if pages_left(rarest) <= f64::from(allowed) {
                return Some(Current::Name(rarest));
            }
            self.windows = self.draw(open, left);
        }
        self.windows.as_ref().filter(|windows| windows.read < windows.drawn.len()).map(|_| Current::Window)
    }

    /// Draws as many windows as there are pages for; `None` if there is no page for each name.
    fn draw(&mut self, names: Vec<usize>, left: u32) -> Option<Windows> {
        let seconds = self.end - self.start + 1;
        let groups = (u64::from(left) / names.len() as u64).min(seconds);
        if groups == 0 {
            return None;
        }
        let density = names.iter().map(|position| self.names[*position].density(self.end)).fold(0.0, f64::max);
        let fits = |length: &&u64| float(**length) * density <= EVENTS_PER_WINDOW;
        let length = LENGTHS.iter().find(fits).or(LENGTHS.last()).copied().unwrap_or(1);
        let of_group = seconds.div_ceil(length * groups).min(seconds / groups).max(1);
        let all = of_group * groups;
        // The groups are parts of the hours of the week, so that the drawn windows are spread over hours and weekdays.
        let mut by_hour: Vec<u64> = (0..all).collect();
        by_hour.sort_by_key(|window| (self.bounds(*window, all).0 / 3600 % HOURS_OF_WEEK, *window));
        let mut drawn: Vec<u64> = (0..groups)
            .map(|group| by_hour[usize::try_from(group * of_group + self.dice.u64(0..of_group)).unwrap_or_default()])
            .collect();
        self.dice.shuffle(&mut drawn);
        Some(Windows { all, drawn, names, read: 0, name: 0, next: None })
    }

    /// Returns the first and the last second of a window.
    fn bounds(&self, window: u64, all: u64) -> (u64, u64) {
        let seconds = self.end - self.start + 1;
        (self.start + seconds * window / all, self.start + seconds * (window + 1) / all - 1)
    }

    fn query(&self, current: Current) -> EventQuery {
        match (current, &self.windows) {
            (Current::Window, Some(windows)) => {
                let (start, end) = self.bounds(windows.drawn[windows.read], windows.all);
                let name = NAMES[windows.names[windows.name]].as_str();
                EventQuery { name, start, end, page: windows.next.clone() }
            }
            (Current::Name(position), _) => EventQuery {
                name: NAMES[position].as_str(),
                start: self.start,
                end: self.end,
                page: self.names[position].next.clone(),
            },
            (Current::Window, None) => unreachable!("a window is chosen only after the windows were drawn"),
        }
    }
}

impl Windows {
    fn take(&mut self, page: &EventPage) {
        self.next.clone_from(&page.next);
        if self.next.is_none() {
            self.name += 1;
        }
        if self.name == self.names.len() {
            (self.read, self.name) = (self.read + 1, 0);
        }
    }
}

/// The number as a float. Times and counts are far below the limit of exact integers.
#[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
