//! Estimates the duration of an apply from the calls that the checks made, and says what limits its rate.

use std::time::Duration;

use super::{Check, Subject};
use crate::rollout::wave::{BAKE, Waves};
use crate::terminal::forecast::{Forecast, count};

/// The STS calls per second that an account is allowed to make in a Region. Everything in the account shares this quota (IAM user
/// guide, "IAM and AWS STS quotas").
const STS_QUOTA: u32 = 600;

/// The highest rate without a warning. A rollout that takes more than half of the quota disturbs others.
const MAX_RATE: u32 = STS_QUOTA / 2;

/// The ListAccounts calls per second that the caller's account is allowed to make (Organizations user guide, "Quotas").
const LISTING_QUOTA: f64 = 8.0;

/// The accounts on one page of ListAccounts.
const PAGE: f64 = 20.0;

/// The ListTagsForResource calls per second that the caller's account is allowed to make (Organizations user guide, "Quotas").
const TAGS_QUOTA: f64 = 10.0;

/// What the estimate depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurements {
    /// The number of accounts listed.
    pub listed: usize,
    /// How long the listing took.
    pub listing: Duration,
    /// The number of accounts whose tags were read.
    pub tagged: usize,
    /// The number of accounts to visit.
    pub targets: usize,
    /// How long it takes to enter an account.
    pub enter: Duration,
    /// How long it takes to read an account. Setting the account and reading it back take about the same time each.
    pub read: Duration,
    /// `--concurrency`.
    pub concurrency: u16,
    /// `--rate`; 0 for no limit.
    pub rate: u32,
}

impl Measurements {
    /// Returns the visits per second, what limits them, and the time from the first call to the last. The time consists of
    /// listing the accounts, reading tags, and entering, reading, setting and reading back every account, in the default waves with the
    /// default waits between them.
    fn estimate(&self) -> (f64, &'static str, Duration) {
        let unlimited = self.rate == 0 || self.rate > STS_QUOTA;
        let rate = f64::from(if unlimited { STS_QUOTA } else { self.rate });
        let concurrency = usize::from(self.concurrency);
        let visit = self.enter + self.read * 3;
        let forecast = Forecast { rate: Some(rate), concurrency, visit, between: BAKE };
        let pace = forecast.pace();
        let limit = match unlimited {
            _ if pace < rate => "--concurrency and the time that AWS takes",
            true => "the quota of STS",
            false => "--rate",
        };
        let listing = self.listing.as_secs_f64().max(count(self.listed) / PAGE / LISTING_QUOTA);
        let before = Duration::from_secs_f64(listing + count(self.tagged) / TAGS_QUOTA);
        (pace, limit, before + forecast.of(self.waves()))
    }

    fn waves(&self) -> Vec<usize> {
        Waves::default().sizes(self.targets)
    }

    /// Returns the check of the rate.
    pub(crate) fn check(&self) -> Check {
        let (pace, limit, duration) = self.estimate();
        // The duration is in whole seconds, so that the estimate does not look exact.
        let duration = humantime::format_duration(Duration::from_secs(duration.as_secs().max(1)));
        let waves = self.waves().len();
        let waits = u32::try_from(waves.saturating_sub(1)).unwrap_or(u32::MAX);
        let waits = match waits {
            0 => String::new(),
            waits => {
                format!("; {} of it are the waits between {waves} waves", humantime::format_duration(BAKE * waits))
            }
        };
        let message = format!(
            "about {duration} for {} accounts at {pace:.0} visits per second, limited by {limit}{waits}",
            self.targets,
        );
        if self.rate > MAX_RATE || (self.rate == 0 && pace > f64::from(MAX_RATE)) {
            let advice = format!(
                "keep --rate below {MAX_RATE}: STS takes {STS_QUOTA} calls per second from the whole account, its logins included"
            );
            return Check::warning(Subject::Pace, message, advice);
        }
        Check::ok(Subject::Pace, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_of_rate_concurrency_and_quota_sets_the_pace() {
        let measured = Measurements {
            listed: 50_000,
            listing: Duration::from_secs(1),
            tagged: 0,
            targets: 50_000,
            enter: Duration::from_millis(60),
            read: Duration::from_millis(120),
            concurrency: 32,
            rate: 50,
        };
        let of = |measured: Measurements| {
            let (pace, limit, duration) = measured.estimate();
            (pace.round(), limit, duration.as_secs())
        };
        // The list has 2,500 pages, which take 312 s at 8 pages per second. Then 50,000 visits at 50 per second take 1,000 s, and there
        // are two waits of a minute. The first visit and the last read-back of the waves take the last second.
        assert_eq!(of(measured), (50.0, "--rate", 312 + 1000 + 120 + 1));
        let by_concurrency = of(Measurements { rate: 0, ..measured });
        assert_eq!((by_concurrency.0, by_concurrency.1), (76.0, "--concurrency and the time that AWS takes"));
        let by_quota = of(Measurements { rate: 0, concurrency: 1000, ..measured });
        assert_eq!((by_quota.0, by_quota.1), (600.0, "the quota of STS"));
        let tags = of(Measurements { tagged: 50_000, ..measured });
        assert_eq!(tags.2, 312 + 1000 + 120 + 1 + 5000);
    }
}
