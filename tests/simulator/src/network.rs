//! Owns what happens to any request: which service it goes to, random faults, latency and the network.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The three services of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AWS Organizations.
    Organizations,
    /// AWS Security Token Service.
    Sts,
    /// AWS Identity and Access Management.
    Iam,
}

impl Service {
    pub(crate) const ALL: [Self; 3] = [Self::Organizations, Self::Sts, Self::Iam];

    /// The name used in a SigV4 credential scope.
    #[must_use]
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::Organizations => "organizations",
            Self::Sts => "sts",
            Self::Iam => "iam",
        }
    }
}

/// Faults that hit any request at random. Probabilities are between 0 and 1 and are added up, so
/// at most one of them hits a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Noise {
    /// Which service; `None` is all.
    pub service: Option<Service>,
    /// HTTP 500 without effect.
    pub status_500: f64,
    /// HTTP 503 without effect.
    pub status_503: f64,
    /// A throttling error without effect.
    pub throttle: f64,
    /// The connection is reset; in one half of the cases the request has taken effect.
    pub reset: f64,
    /// The answer breaks off in the middle; the request has taken effect.
    pub truncated: f64,
    /// The answer is later by `slow_for`.
    pub slow: f64,
    /// How much later a slow answer is.
    pub slow_for: Duration,
    /// No answer until the client gives up, at most two minutes, without effect.
    pub hang: f64,
    /// Seed of the dice. The order of requests decides too, so a concurrent run is not repeatable to the letter.
    pub seed: u64,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            service: None,
            status_500: 0.0,
            status_503: 0.0,
            throttle: 0.0,
            reset: 0.0,
            truncated: 0.0,
            slow: 0.0,
            slow_for: Duration::from_millis(500),
            hang: 0.0,
            seed: 0,
        }
    }
}

impl Noise {
    /// A mixture of everything that a client may retry without waiting long, `probability` in all.
    #[must_use]
    pub fn mixed(probability: f64, seed: u64) -> Self {
        let each = probability / 5.0;
        Self {
            status_500: each,
            status_503: each,
            throttle: each,
            reset: each,
            truncated: each,
            seed,
            ..Self::default()
        }
    }

    pub(crate) fn pick(&self, service: Service, dice: &mut fastrand::Rng) -> Option<NoiseKind> {
        if self.service.is_some_and(|only| only != service) {
            return None;
        }
        let mut roll = dice.f64();
        let reset = if dice.bool() { NoiseKind::ResetBefore } else { NoiseKind::ResetAfter };
        for (probability, kind) in [
            (self.status_500, NoiseKind::Status500),
            (self.status_503, NoiseKind::Status503),
            (self.throttle, NoiseKind::Throttle),
            (self.reset, reset),
            (self.truncated, NoiseKind::Truncated),
            (self.slow, NoiseKind::Slow(self.slow_for)),
            (self.hang, NoiseKind::Hang),
        ] {
            if roll < probability {
                return Some(kind);
            }
            roll -= probability;
        }
        None
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoiseKind {
    Status500,
    Status503,
    Throttle,
    ResetBefore,
    ResetAfter,
    Truncated,
    Slow(Duration),
    Hang,
}

/// What the network between the client and the services does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Nothing special.
    #[default]
    Normal,
    /// Connections are accepted and no request is ever answered.
    BlackHole,
    /// Nobody listens: new connections are refused, and those that are open are closed at their next request.
    Refuse,
}

/// How long each service takes to answer. One half passes before a request takes effect, one half after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Organizations.
    pub organizations: Duration,
    /// STS.
    pub sts: Duration,
    /// IAM.
    pub iam: Duration,
}

impl Latency {
    /// The same for all three services.
    #[must_use]
    pub const fn all(each: Duration) -> Self {
        Self { organizations: each, sts: each, iam: each }
    }

    pub(crate) const fn of(&self, service: Service) -> Duration {
        match service {
            Service::Organizations => self.organizations,
            Service::Sts => self.sts,
            Service::Iam => self.iam,
        }
    }
}
