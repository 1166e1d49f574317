//! The hours of which read events were read, and the coverage that follows from them.

use std::collections::BTreeMap;

use super::coverage::Coverage;
use crate::humanize::count;
use crate::org::AccountId;

/// The longest time without a read event that still counts as complete, in hours. Accounts that are hardly used have some read events
/// a day, for instance those of AWS Config; a longer gap may be a folder or a day that was not copied.
const LONGEST_GAP: usize = 24;

const HOUR: u64 = 3600;

/// What the events of one account are like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountHours {
    /// A bit for each hour since the beginning with a read event of us-east-1 that is not about STS.
    bits: Vec<u64>,
    /// Whether there are events of us-east-1, where the calls of the global endpoint are logged.
    pub in_home_region: bool,
    /// Whether there are events of other Regions.
    pub elsewhere: bool,
    /// Whether there are events of other services than STS.
    pub not_sts: bool,
    /// Whether there are read events of other services than STS.
    pub reads: bool,
    /// Whether events come from an export, whose query may leave events out.
    pub in_export: bool,
    /// The files that are damaged.
    pub damaged: u64,
}

/// The hours of all accounts, from `since` until `until`.
#[derive(Clone, Debug)]
pub struct Hours {
    accounts: BTreeMap<AccountId, AccountHours>,
    since: u64,
    until: u64,
    /// The damaged files whose account is not known.
    damaged: u64,
}

impl Hours {
    /// Starts without events. The times are in seconds since 1970.
    pub const fn new(since: u64, until: u64) -> Self {
        Self { accounts: BTreeMap::new(), since, until, damaged: 0 }
    }

    /// Returns the account, to add what its events are like.
    pub fn account(&mut self, account: AccountId) -> &mut AccountHours {
        self.accounts.entry(account).or_default()
    }

    /// Marks the hour of a read event. The time is in seconds since 1970.
    pub fn mark(&mut self, account: AccountId, time: u64) {
        let hour = (time / HOUR).checked_sub(self.since / HOUR).and_then(|hour| usize::try_from(hour).ok());
        let Some(hour) = hour.filter(|hour| *hour < self.count()) else { return };
        let length = self.count().div_ceil(64);
        let bits = &mut self.account(account).bits;
        bits.resize(length, 0);
        bits[hour / 64] |= 1 << (hour % 64);
    }

    /// Counts a damaged file: for its account, or for all accounts if the account is not known.
    pub fn add_damaged(&mut self, account: Option<AccountId>) {
        match account {
            Some(account) => self.account(account).damaged += 1,
            None => self.damaged += 1,
        }
    }

    /// Returns every account that has events.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.keys().copied()
    }

    /// Returns how completely the events of an account were read.
    pub fn coverage(&self, account: AccountId) -> Coverage {
        let Some(read) = self.accounts.get(&account) else { return Coverage::None };
        let missing = match read {
            AccountHours { damaged: 1.., .. } => format!("{} of its files can't be read completely", read.damaged),
            _ if self.damaged > 0 => format!("{} can't be read completely", count(self.damaged, "file", "files")),
            AccountHours { in_home_region: false, elsewhere: true, .. } => {
                "only events of other Regions were read; the calls of the global endpoint are logged in us-east-1"
                    .to_owned()
            }
            AccountHours { not_sts: false, .. } => {
                "only events of STS were read, so the events were filtered".to_owned()
            }
            AccountHours { reads: false, .. } => {
                "no read event of us-east-1 was read: the trail has write events only, or the events were filtered"
                    .to_owned()
            }
            AccountHours { in_export: true, .. } if read.bits.is_empty() => {
                "the events come from an export, whose query may leave events out".to_owned()
            }
            _ => match self.gaps(&read.bits) {
                (0, ..) => return Coverage::Complete,
                (gaps, longest, from) => {
                    let from = crate::timestamp::from_seconds(from);
                    let longest = format!("no read event of us-east-1 for {longest} hours from {from}");
                    if gaps == 1 { longest } else { format!("{longest}, and {} other gaps", gaps - 1) }
                }
            },
        };
        Coverage::Incomplete(missing)
    }

    /// Returns the number of gaps that are too long, the length of the longest in hours, and when it begins.
    fn gaps(&self, bits: &[u64]) -> (usize, usize, u64) {
        let is_marked = |hour: usize| bits.get(hour / 64).is_some_and(|word| word >> (hour % 64) & 1 == 1);
        let (mut gaps, mut longest, mut begin) = (0, 0, 0);
        let mut gap_start = 0;
        for hour in 0..=self.count() {
            if hour < self.count() && !is_marked(hour) {
                continue;
            }
            let length = hour - gap_start;
            if length > LONGEST_GAP {
                gaps += 1;
                if length > longest {
                    (longest, begin) = (length, gap_start);
                }
            }
            gap_start = hour + 1;
        }
        (gaps, longest, (self.since / HOUR + begin as u64) * HOUR)
    }

    /// The number of hours.
    fn count(&self) -> usize {
        usize::try_from((self.until / HOUR).saturating_sub(self.since / HOUR) + 1).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * HOUR;
    const START: u64 = 20_000 * DAY;

    fn id() -> AccountId {
        "000000000001".parse().expect("twelve digits")
    }

    /// The coverage of an account over ten days, with a read event in each of these hours.
    fn coverage(hours: impl IntoIterator<Item = u64>, change: impl Fn(&mut AccountHours)) -> String {
        let mut read = Hours::new(START, START + 10 * DAY);
        *read.account(id()) =
            AccountHours { in_home_region: true, not_sts: true, reads: true, ..AccountHours::default() };
        hours.into_iter().for_each(|hour| read.mark(id(), START + hour * HOUR));
        change(read.account(id()));
        match read.coverage(id()) {
            Coverage::Incomplete(missing) => missing,
            other => other.to_string(),
        }
    }

    #[test]
    fn only_all_read_events_without_a_gap_are_complete() {
        let none = |_: &mut AccountHours| {};
        assert_eq!(coverage(0..=240, none), "complete");
        assert_eq!(coverage((0..=240).step_by(12), none), "complete");
        assert_eq!(coverage((12..=228).step_by(24), none), "complete");
        // One day of ten, a day that is missing, the end, and the beginning.
        assert!(coverage(0..24, none).starts_with("no read event of us-east-1 for 217 hours"));
        assert!(
            coverage((0..=240).filter(|hour| !(100..130).contains(hour)), none)
                .contains("for 30 hours from 2024-10-08T04:00:00Z")
        );
        assert!(coverage(0..200, none).contains("for 41 hours"));
        assert!(coverage(40..=240, none).contains("for 40 hours from 2024-10-04T00:00:00Z"));
        assert!(coverage((0..=240).step_by(48), none).contains("and 4 other gaps"));
        assert!(coverage([], none).contains("for 241 hours"));
    }

    #[test]
    fn what_is_missing_is_said() {
        let all = || 0..=240;
        for (change, expected) in [
            ((|read| read.damaged = 2) as fn(&mut AccountHours), "2 of its files can't be read completely"),
            (|read| (read.in_home_region, read.elsewhere) = (false, true), "only events of other Regions were read"),
            (|read| read.not_sts = false, "only events of STS were read"),
            (|read| read.reads = false, "no read event of us-east-1 was read: the trail has write events only"),
            (|read| (read.in_export, read.bits) = (true, Vec::new()), "the events come from an export"),
        ] {
            let missing = coverage(all(), change);
            assert!(missing.starts_with(expected), "{missing}");
        }
        let mut read = Hours::new(START, START + DAY);
        assert_eq!(read.coverage(id()), Coverage::None);
        read.account(id()).in_home_region = true;
        read.add_damaged(None);
        assert!(
            matches!(read.coverage(id()), Coverage::Incomplete(missing) if missing == "1 file can't be read completely")
        );
    }

    #[test]
    fn events_outside_the_time_are_ignored() {
        assert!(coverage([0, 1, 5_000_000], |_| {}).contains("hours"));
        let mut read = Hours::new(START, START + DAY);
        read.mark(id(), START - 1);
        read.mark(id(), START + 2 * DAY);
        assert_eq!(read.accounts().count(), 0);
    }
}
