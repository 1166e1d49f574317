//! A query to the event history of CloudTrail, and one page of its answer.

/// A query for the events of one name, in one span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// The name of the events, such as `AssumeRole`.
    pub name: &'static str,
    /// The first second, in seconds since 1970.
    pub start: u64,
    /// The last second.
    pub end: u64,
    /// The token of the page, which the page before gave; `None` for the first page.
    pub page: Option<String>,
}

/// A page of events, the newest first.
///
/// The events contain live session tokens and access key ids, so this type does not implement `Debug`.
#[derive(Default)]
pub struct EventPage {
    /// The JSON text of each event.
    pub events: Vec<String>,
    /// The time of the oldest event on the page, in seconds since 1970; `None` if the page has no event or no times.
    pub oldest: Option<u64>,
    /// The token of the next page; `None` on the last page.
    pub next: Option<String>,
}
