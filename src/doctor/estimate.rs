//! This module owns the estimate of how long a run will take, and of what holds it up.

use std::fmt;
use std::time::Duration;

/// STS calls that one account may send in a Region, per second, shared with everything else in the account (IAM user guide,
/// "IAM and AWS STS quotas").
pub(crate) const STS_QUOTA: u32 = 600;

/// ListAccounts calls that the calling account may send per second (Organizations user guide, "Quotas").
const LISTING_QUOTA: f64 = 8.0;

/// Accounts on one page of ListAccounts.
const PAGE: f64 = 20.0;

/// ListTagsForResource calls that the calling account may send per second (Organizations user guide, "Quotas").
const TAGS_QUOTA: f64 = 10.0;

/// What was measured in a few accounts, and what is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// How many accounts are listed.
    pub listed: usize,
    /// How long the listing took.
    pub listing: Duration,
    /// Of how many accounts the tags are read.
    pub tagged: usize,
    /// How many accounts are visited.
    pub targets: usize,
    /// How long it takes to enter an account.
    pub enter: Duration,
    /// How long it takes to read an account; setting and reading back take about as long each.
    pub read: Duration,
    /// Visits in flight.
    pub concurrency: u16,
    /// Visits started per second at most, 0 for no limit.
    pub rate: u32,
}

/// How long a run will take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// Visits per second.
    pub pace: f64,
    /// What holds the visits up.
    pub limit: Limit,
    /// From the first call to the last.
    pub duration: Duration,
}

/// What holds the visits up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `--rate`.
    Rate,
    /// `--concurrency` and the time that AWS takes.
    Concurrency,
    /// The quota of STS.
    Quota,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rate => "--rate",
            Self::Concurrency => "--concurrency and the time that AWS takes",
            Self::Quota => "the quota of STS",
        })
    }
}

impl Estimate {
    /// Estimates an apply: enter, read, set, read back in every account.
    pub(crate) fn of_apply(measured: &Measured) -> Self {
        let visit = (measured.enter + measured.read * 3).as_secs_f64().max(0.001);
        let quota = (f64::from(STS_QUOTA), Limit::Quota);
        let width = (f64::from(measured.concurrency) / visit, Limit::Concurrency);
        let rate = if measured.rate == 0 { quota } else { (f64::from(measured.rate), Limit::Rate) };
        let (pace, limit) = [quota, width, rate].into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("three of them");
        let listing = measured.listing.as_secs_f64().max(count(measured.listed) / PAGE / LISTING_QUOTA);
        let seconds = listing + count(measured.tagged) / TAGS_QUOTA + count(measured.targets) / pace + visit;
        Self { pace, limit, duration: Duration::from_secs_f64(seconds) }
    }
}

/// An Organization has 50,000 accounts at most.
fn count(accounts: usize) -> f64 {
    f64::from(u32::try_from(accounts).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_of_rate_width_and_quota_sets_the_pace() {
        let measured = Measured {
            listed: 50_000,
            listing: Duration::from_secs(1),
            tagged: 0,
            targets: 50_000,
            enter: Duration::from_millis(60),
            read: Duration::from_millis(120),
            concurrency: 32,
            rate: 50,
        };
        let of = |measured: Measured| Estimate::of_apply(&measured);
        let by_rate = of(measured);
        assert_eq!((by_rate.pace, by_rate.limit), (50.0, Limit::Rate));
        // 2,500 pages at 8 per second, then 50,000 visits at 50 per second.
        assert_eq!(by_rate.duration.as_secs(), 312 + 1000);
        let by_width = of(Measured { rate: 0, ..measured });
        assert_eq!((by_width.pace.round(), by_width.limit), (76.0, Limit::Concurrency));
        let by_quota = of(Measured { rate: 0, concurrency: 1000, ..measured });
        assert_eq!((by_quota.pace, by_quota.limit), (600.0, Limit::Quota));
        let tags = of(Measured { tagged: 50_000, ..measured });
        assert_eq!(tags.duration.as_secs() - by_rate.duration.as_secs(), 5000);
    }
}
