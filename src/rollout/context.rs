//! What all visits of a run share: the options, the interface to AWS, the journal's intents, and the state that coordinates the
//! visits.

use std::future::Future;
use std::time::Duration;

use super::connectivity::Connectivity;
use super::count_or_percent::CountOrPercent;
use super::credential_probe::CredentialProbe;
use super::global_silence::GlobalSilence;
use super::lookups::Lookups;
use super::rate_limiter::RateLimiter;
use super::shared_text::SharedText;
use super::{Mode, Stop, Verify};
use crate::cloud::Cloud;
use crate::org::{AccountId, ObservedVersion, TokenVersion};

/// The options of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutOptions {
    /// Whether the run is allowed to change accounts.
    pub mode: Mode,
    /// How a Set is verified.
    pub verify: Verify,
    /// How many visits can start per second; 0 means no limit.
    pub rate: u32,
    /// How many visits run at once.
    pub concurrency: usize,
    /// The maximum number of attempts of one API call; must be at least 1.
    pub max_attempts: u32,
    /// The timeout of one visit. The time in which the visit waits for the rate limiter, for the end of an outage, or for the
    /// journal does not count.
    pub account_timeout: Duration,
    /// How long to wait between waves.
    pub bake: Duration,
    /// How many accounts are allowed to fail; `None` means no limit.
    pub max_errors: Option<CountOrPercent>,
}

/// What all visits of a run share.
#[derive(Debug)]
pub struct Rollout<'a, C, I> {
    /// The options.
    pub options: RolloutOptions,
    /// How many accounts the run selected, if it visits only some of them because it is resumed. A percentage of failures refers to
    /// all of them: among the last few accounts, one failure would otherwise be too many.
    pub selected: Option<usize>,
    /// The wave whose gate comes before the first wave, because the run is resumed and this gate has not passed.
    pub gate_first: Option<u32>,
    /// What the visits read of the event histories; `None` if they only read the version.
    pub(crate) lookups: Option<Lookups<'a>>,
    /// The switch that stops the run.
    pub stop: Stop,
    pub(crate) cloud: &'a C,
    pub(crate) intents: &'a I,
    pub(crate) rate_limiter: RateLimiter,
    /// Limits the calls of the global STS endpoint. It has a quota of its own, so a throttle there must not slow down the visits.
    pub(crate) global_rate_limiter: RateLimiter,
    pub(crate) global_silence: GlobalSilence,
    pub(crate) connectivity: Connectivity,
    pub(crate) credential_probe: CredentialProbe,
    /// The STS endpoint, for the records.
    pub(crate) sts_endpoint: SharedText,
}

impl<'a, C: Cloud, I: Intents> Rollout<'a, C, I> {
    /// Returns a run that has not started. `intents` makes intents durable; for a plan, [`NoIntents`] is enough.
    pub fn new(cloud: &'a C, intents: &'a I, options: RolloutOptions) -> Self {
        Self {
            selected: None,
            gate_first: None,
            lookups: None,
            stop: Stop::default(),
            rate_limiter: RateLimiter::new(options.rate),
            global_rate_limiter: RateLimiter::new(options.rate),
            global_silence: GlobalSilence::default(),
            connectivity: Connectivity::default(),
            credential_probe: CredentialProbe::default(),
            sts_endpoint: cloud.sts_endpoint().into(),
            cloud,
            intents,
            options,
        }
    }
}

/// Before a Set is sent, records the intent to change the account.
pub trait Intents {
    /// Resolves once the intent is durable.
    ///
    /// # Errors
    ///
    /// Returns [`NotDurable`] if the intent can't be made durable. In this case, the Set must not be sent.
    fn intend(
        &self,
        account: AccountId,
        previous: ObservedVersion,
        wanted: TokenVersion,
    ) -> impl Future<Output = Result<(), NotDurable>>;
}

/// The `Intents` of a plan, which never sends a Set.
#[derive(Clone, Copy, Debug)]
pub struct NoIntents;

impl Intents for NoIntents {
    async fn intend(&self, _: AccountId, _: ObservedVersion, _: TokenVersion) -> Result<(), NotDurable> {
        Err(NotDurable("there is no journal".to_owned()))
    }
}

/// The intent could not be made durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDurable(pub String);
