//! The hours of which read events were read, and the coverage that follows from them.

use std::collections::BTreeMap;

use super::coverage::Coverage;
use crate::org::AccountId;

/// The longest time without a read event that still counts as complete, in hours. Accounts that are hardly used have some read events
/// a day, for instance those of AWS Config; a longer gap may be a folder or a day that was not copied.
const LONGEST_GAP: usize = 24;

const HOUR: u64 = 3600;

/// What the events of one account are like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountHours {
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
pub(crate) struct Hours {
    accounts: BTreeMap<AccountId, AccountHours>,
    since: u64,
    until: u64,
    /// The damaged files whose account is not known.
    damaged: u64,
}

impl Hours {
    /// Starts without events. The times are in seconds since 1970.
    pub(crate) const fn new(since: u64, until: u64) -> Self {
        Self { accounts: BTreeMap::new(), since, until, damaged: 0 }
    }

    /// Returns the account, to add what its events are like.
    pub(crate) fn account(&mut self, account: AccountId) -> &mut AccountHours {
        self.accounts.entry(account).or_default()
    }

    /// Marks the hour of a read event. The time is in seconds since 1970.
    pub(crate) fn mark(&mut self, account: AccountId, time: u64) {
        let hour = (time / HOUR).checked_sub(self.since / HOUR).and_then(|hour| usize::try_from(hour).ok());
        let Some(hour) = hour.filter(|hour| *hour < self.count()) else { return };
        let length = self.count().div_ceil(64);
        let bits = &mut self.account(account).bits;
        bits.resize(length, 0);
        bits[hour / 64] |= 1 << (hour % 64);
    }

    /// Counts a damaged file: for its account, or for all accounts if the account is not known.
    pub(crate) fn add_damaged(&mut self, account: Option<AccountId>) {
        match account {
            Some(account) => self.account(account).damaged += 1,
            None => self.damaged += 1,
        }
    }

    /// Returns every account that has events.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.keys().copied()
    }

    /// Returns how completely the events of an account were read.
    pub(crate) fn coverage(&self, account: AccountId) -> Coverage {
        let Some(read) = self.accounts.get(&account) else { return Coverage::None };
        let missing = match read {
            AccountHours { damaged: 1.., .. } => format!("{} of its files can't be read completely", read.damaged),
            _ if self.damaged > 0 => format!("{} can't be read completely", plural(self.damaged, "file", "files")),
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

fn plural(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
