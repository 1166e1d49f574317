//! What the visits of a run read of the event histories of their accounts, and where the events go.

use std::fmt;

use crate::impact::coverage::Coverage;
use crate::impact::event_page::EventPage;
use crate::impact::sampling::Sampler;
use crate::org::AccountId;

/// Takes the events of the visits. All visits run on one thread.
pub(crate) trait EventSink: fmt::Debug {
    /// Whether the events of the account are needed.
    fn needs(&self, account: AccountId) -> bool;

    /// Takes a page of an account's events.
    fn take(&self, account: AccountId, page: &EventPage);

    /// Learns how completely an account's events were read, after its last page.
    fn finish(&self, account: AccountId, coverage: Coverage);
}

/// The reading of the event histories.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookups<'a> {
    /// The first second of the events, in seconds since 1970.
    pub start: u64,
    /// The last second.
    pub end: u64,
    /// The maximum number of pages of each account.
    pub max_pages: u32,
    /// Decides which windows of time are drawn.
    pub seed: u64,
    /// Takes the events.
    pub sink: &'a dyn EventSink,
}

impl Lookups<'_> {
    /// Returns the reading of one account's history. Each account has windows of its own.
    pub(crate) fn sampler(&self, account: AccountId) -> Sampler {
        let number = account
            .to_string()
            .bytes()
            .fold(self.seed, |mixed, byte| (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Sampler::new(self.start, self.end, self.max_pages, number)
    }
}
