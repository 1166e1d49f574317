//! What applies to every request: its service, random faults, latency and the network.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The services of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AWS Organizations.
    Organizations,
    /// AWS Security Token Service.
    Sts,
    /// AWS Identity and Access Management.
    Iam,
    /// IAM Access Troubleshooter.
    #[serde(rename = "iam-toolbox")]
    IamToolbox,
    /// AWS CloudTrail.
    CloudTrail,
    /// AWS Account Management.
    Account,
}

impl Service {
    pub(crate) const ALL: [Self; 6] =
        [Self::Organizations, Self::Sts, Self::Iam, Self::IamToolbox, Self::CloudTrail, Self::Account];

    /// Whether the service has a REST protocol, with the code of an error in a header.
    pub(crate) const fn is_rest(self) -> bool {
        matches!(self, Self::IamToolbox | Self::Account)
    }

    /// The name used in a SigV4 credential scope.
    #[must_use]
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::Organizations => "organizations",
            Self::Sts => "sts",
            Self::Iam | Self::IamToolbox => "iam",
            Self::CloudTrail => "cloudtrail",
            Self::Account => "account",
        }
    }
}

/// Random faults. The probabilities are between 0 and 1 and add up: at most one fault hits a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Noise {
    /// The service to which the faults apply; `None` means all services.
    pub service: Option<Service>,
    /// HTTP 500 without effect.
    pub status_500: f64,
    /// HTTP 503 without effect.
    pub status_503: f64,
    /// A throttling error without effect.
    pub throttle: f64,
    /// The connection is reset; in half of the cases the request has taken effect.
    pub reset: f64,
    /// The answer breaks off in the middle; the request has taken effect.
    pub truncated: f64,
    /// A proxy answers with HTTP 403 and an HTML page in place of the service; the request has taken effect.
    pub foreign: f64,
    /// The answer has HTTP status 200 and an empty document; the request has taken effect.
    pub empty: f64,
    /// The answer is delayed by `slow_for`.
    pub slow: f64,
    /// The delay of a slow answer.
    pub slow_for: Duration,
    /// No answer until the client gives up, at most two minutes, without effect.
    pub hang: f64,
    /// Seed of the random numbers. The order of requests matters too, so a concurrent run can't be repeated exactly.
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
            foreign: 0.0,
            empty: 0.0,
            slow: 0.0,
            slow_for: Duration::from_millis(500),
            hang: 0.0,
            seed: 0,
        }
    }
}

impl Noise {
    /// Returns a mixture of all faults after which a client can retry quickly. `probability` is the sum of their probabilities.
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
            (self.foreign, NoiseKind::Foreign),
            (self.empty, NoiseKind::Empty),
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
    Foreign,
    Empty,
    Slow(Duration),
    Hang,
}

/// The state of the network between the client and the services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Requests and answers arrive.
    #[default]
    Normal,
    /// Connections are accepted, but no request is answered.
    BlackHole,
    /// New connections are refused, and open ones are closed at their next request.
    Refuse,
}

/// How long each service takes to answer. One half passes before a request takes effect, one half after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Organizations.
    pub organizations: Duration,
    /// STS.
    pub sts: Duration,
    /// IAM, IAM Access Troubleshooter, CloudTrail and Account Management.
    pub iam: Duration,
}

impl Latency {
    /// The same for all services.
    #[must_use]
    pub const fn all(each: Duration) -> Self {
        Self { organizations: each, sts: each, iam: each }
    }

    pub(crate) const fn of(&self, service: Service) -> Duration {
        match service {
            Service::Organizations => self.organizations,
            Service::Sts => self.sts,
            Service::Iam | Service::IamToolbox | Service::CloudTrail | Service::Account => self.iam,
        }
    }
}
