//! Tests of the rate limiter, on a paused clock.

use std::time::Duration;

use super::*;
use std::rc::Rc;

/// An endpoint with a limit like AWS's: a token bucket that refills at a fixed rate.
struct Endpoint {
    per_second: Cell<f64>,
    tokens: Cell<f64>,
    seen: Cell<Instant>,
    allowed: Cell<u32>,
    refused: Cell<u32>,
}

impl Endpoint {
    fn new(per_second: f64) -> Self {
        Self {
            per_second: Cell::new(per_second),
            tokens: Cell::new(per_second),
            seen: Cell::new(Instant::now()),
            allowed: Cell::new(0),
            refused: Cell::new(0),
        }
    }

    fn call(&self) -> bool {
        let now = Instant::now();
        let refill = (now - self.seen.replace(now)).as_secs_f64() * self.per_second.get();
        let tokens = (self.tokens.get() + refill).min(self.per_second.get());
        let allowed = tokens >= 1.0;
        self.tokens.set(if allowed { tokens - 1.0 } else { tokens });
        let count = if allowed { &self.allowed } else { &self.refused };
        count.set(count.get() + 1);
        allowed
    }
}

/// For `seconds`, sends calls as fast as the rate limiter allows. Each call is answered after `latency`.
async fn drive(rate_limiter: &Rc<RateLimiter>, endpoint: &Rc<Endpoint>, width: usize, latency: Duration, seconds: u64) {
    let until = Instant::now() + Duration::from_secs(seconds);
    let worker = || async {
        let mut failed = 0;
        while Instant::now() < until {
            if failed == 0 {
                drop(rate_limiter.wait_to_enter(async || ()).await);
            } else {
                rate_limiter.wait_to_retry().await;
            }
            let sent = Instant::now();
            tokio::time::sleep(latency / 2).await;
            let allowed = endpoint.call();
            tokio::time::sleep(latency / 2).await;
            if allowed {
                rate_limiter.passed();
                failed = 0;
            } else {
                rate_limiter.throttled(sent);
                failed += 1;
                assert!(failed < 8, "no account may fail");
                tokio::time::sleep(crate::cloud::retry::backoff(failed, 0.5)).await;
            }
        }
    };
    futures::future::join_all((0..width).map(|_| worker())).await;
}

#[tokio::test(start_paused = true)]
async fn starts_are_even_and_never_exceed_the_rate() {
    let rate_limiter = RateLimiter::new(100);
    let mut starts = Vec::new();
    let begin = Instant::now();
    for _ in 0..500 {
        drop(rate_limiter.wait_to_enter(async || ()).await);
        starts.push(Instant::now() - begin);
    }
    let most = (0..starts.len())
        .map(|from| {
            starts[from..]
                .iter()
                .take_while(|at| (**at).checked_sub(starts[from]).unwrap() < Duration::from_secs(1))
                .count()
        })
        .max();
    assert!(most <= Some(101), "{most:?} in one second");
    assert!(*starts.last().unwrap() < Duration::from_millis(5_050), "{:?}", starts.last());
}

#[tokio::test(start_paused = true)]
async fn an_idle_rate_limiter_allows_only_a_small_burst() {
    let rate_limiter = RateLimiter::new(100);
    tokio::time::sleep(Duration::from_mins(1)).await;
    let begin = Instant::now();
    for _ in 0..50 {
        drop(rate_limiter.wait_to_enter(async || ()).await);
    }
    assert!(Instant::now() - begin >= Duration::from_millis(430));
}

#[tokio::test(start_paused = true)]
async fn an_unlimited_rate_does_not_wait() {
    let rate_limiter = RateLimiter::new(0);
    let begin = Instant::now();
    for _ in 0..10_000 {
        drop(rate_limiter.wait_to_enter(async || ()).await);
    }
    assert_eq!(Instant::now(), begin);
    assert_eq!(rate_limiter.rate(), None);
}

#[tokio::test(start_paused = true)]
async fn the_rate_settles_below_the_limit_and_recovers_when_it_is_lifted() {
    for (limit, width, latency) in [(500, 64, 60), (500, 256, 60), (0, 64, 40), (500, 32, 10), (60, 64, 120)] {
        let rate_limiter = Rc::new(RateLimiter::new(limit));
        let endpoint = Rc::new(Endpoint::new(50.0));
        drive(&rate_limiter, &endpoint, width, Duration::from_millis(latency), 20).await;
        let (allowed, refused) = (endpoint.allowed.replace(0), endpoint.refused.replace(0));
        let case = format!("limit {limit}, width {width}, latency {latency} ms");
        assert!(
            f64::from(refused) < 0.1 * f64::from(allowed + refused),
            "{case}: {refused} refused, {allowed} allowed while settling"
        );
        drive(&rate_limiter, &endpoint, width, Duration::from_millis(latency), 60).await;
        let (allowed, refused) = (endpoint.allowed.replace(0), endpoint.refused.replace(0));
        assert!(f64::from(allowed) >= 0.9 * 60.0 * 50.0, "{case}: only {allowed} of 3000 used");
        assert!(f64::from(refused) < 0.05 * f64::from(allowed), "{case}: {refused} refused, {allowed} allowed");
        endpoint.per_second.set(10_000.0);
        drive(&rate_limiter, &endpoint, width, Duration::from_millis(latency), 20).await;
        let wanted = if limit == 0 { 300.0 } else { f64::from(limit) };
        assert!(rate_limiter.rate().unwrap() >= wanted * 0.99, "{case}: recovered only to {:?}", rate_limiter.rate());
    }
}

#[tokio::test(start_paused = true)]
async fn throttles_that_do_not_depend_on_the_rate_do_not_lower_it_for_long() {
    // Each call is refused three times and then passes, no matter how high the rate is, as if AWS throttled each account
    // separately.
    fastrand::seed(7);
    for (limit, at_most) in [(0, 100), (500, 100), (50, 150)] {
        let rate_limiter = RateLimiter::new(limit);
        let begin = Instant::now();
        futures::stream::StreamExt::for_each_concurrent(futures::stream::iter(0..1_000), 64, |_| async {
            for attempt in 0..4 {
                if attempt == 0 {
                    drop(rate_limiter.wait_to_enter(async || ()).await);
                } else {
                    rate_limiter.wait_to_retry().await;
                }
                let sent = Instant::now();
                tokio::time::sleep(Duration::from_millis(5)).await;
                if attempt == 3 {
                    rate_limiter.passed();
                } else {
                    rate_limiter.throttled(sent);
                    tokio::time::sleep(crate::cloud::retry::backoff(attempt + 1, fastrand::f64())).await;
                }
            }
        })
        .await;
        let took = Instant::now() - begin;
        assert!(took < Duration::from_secs(at_most), "limit {limit}: {took:?}");
    }
}
