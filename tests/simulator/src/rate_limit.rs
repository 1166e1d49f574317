//! Rate limits: token buckets, and what they apply to.

use std::time::Duration;

use crate::network::Service;
use crate::request::Operation;

/// The published rates and bursts of Organizations, per account.
pub(crate) const ORGANIZATIONS_LIMITS: &[(Operation, RateLimit)] = &[
    (Operation::ListAccounts, RateLimit::new(8.0, 12.0)),
    (Operation::DescribeAccount, RateLimit::new(20.0, 30.0)),
    (Operation::ListAccountsForParent, RateLimit::new(5.0, 8.0)),
    (Operation::ListOrganizationalUnitsForParent, RateLimit::new(5.0, 8.0)),
    (Operation::ListParents, RateLimit::new(5.0, 8.0)),
    (Operation::ListRoots, RateLimit::new(1.0, 2.0)),
    (Operation::DescribeOrganizationalUnit, RateLimit::new(2.0, 2.0)),
    (Operation::ListDelegatedAdministrators, RateLimit::new(5.0, 8.0)),
    (Operation::ListTagsForResource, RateLimit::new(10.0, 15.0)),
];

/// The published quota of STS, per account and region.
pub(crate) const STS_LIMIT: RateLimit = RateLimit::new(600.0, 600.0);

/// The rate and the burst of a token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Tokens added per second.
    pub per_second: f64,
    /// The maximum number of tokens in the bucket.
    pub burst: f64,
}

impl RateLimit {
    /// Returns a limit of `per_second` requests that allows `burst` requests at once.
    #[must_use]
    pub const fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst }
    }
}

/// What a rate limit applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All operations of a service together.
    Service(Service),
    /// One operation.
    Operation(Operation),
}

impl From<Service> for Scope {
    fn from(service: Service) -> Self {
        Self::Service(service)
    }
}

impl From<Operation> for Scope {
    fn from(operation: Operation) -> Self {
        Self::Operation(operation)
    }
}

impl Scope {
    fn covers(self, operation: Operation) -> bool {
        match self {
            Self::Service(service) => operation.service() == service,
            Self::Operation(only) => operation == only,
        }
    }
}

/// All limits in force.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    buckets: Vec<(Scope, Bucket)>,
}

impl Limits {
    /// Sets or replaces a limit, or removes it if `limit` is `None`. A new bucket starts full.
    pub fn set(&mut self, scope: Scope, limit: Option<RateLimit>, now: Duration) {
        self.buckets.retain(|(existing, _)| *existing != scope);
        if let Some(limit) = limit {
            self.buckets.push((scope, Bucket::new(limit, now)));
        }
    }

    /// Takes a token from every bucket that covers the operation, or refuses the request.
    pub fn admit(&mut self, operation: Operation, now: Duration) -> bool {
        // This does not use `all`, because as in AWS, a request that one bucket refuses still takes a token from the other
        // buckets.
        self.buckets
            .iter_mut()
            .filter(|(scope, _)| scope.covers(operation))
            .fold(true, |admitted, (_, bucket)| bucket.take(now) && admitted)
    }
}

#[derive(Debug)]
pub(crate) struct Bucket {
    limit: RateLimit,
    tokens: f64,
    filled_at: Duration,
}

impl Bucket {
    pub(crate) fn new(limit: RateLimit, now: Duration) -> Self {
        Self { limit, tokens: limit.burst, filled_at: now }
    }

    pub(crate) fn take(&mut self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.limit.per_second).min(self.limit.burst);
        self.filled_at = now;
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(RateLimit::new(10.0, 3.0), Duration::ZERO);
        let at = Duration::from_millis;
        assert_eq!(
            [bucket.take(at(0)), bucket.take(at(0)), bucket.take(at(0)), bucket.take(at(0))],
            [true, true, true, false]
        );
        assert!(!bucket.take(at(50)));
        assert!(bucket.take(at(101)));
        assert!(!bucket.take(at(102)));
        assert_eq!((0..9).filter(|_| bucket.take(at(60_000))).count(), 3);
    }

    #[test]
    fn a_limit_covers_its_scope_and_can_be_lifted() {
        let mut limits = Limits::default();
        limits.set(Service::Sts.into(), Some(RateLimit::new(0.0, 1.0)), Duration::ZERO);
        assert!(limits.admit(Operation::AssumeRole, Duration::ZERO));
        assert!(!limits.admit(Operation::GetCallerIdentity, Duration::ZERO));
        assert!(limits.admit(Operation::GetAccountSummary, Duration::ZERO));
        limits.set(Service::Sts.into(), None, Duration::ZERO);
        assert!(limits.admit(Operation::AssumeRole, Duration::ZERO));
    }
}
