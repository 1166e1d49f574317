//! This module owns the rollout: which accounts come in which wave, what a visit does, how fast, and when to stop.
//!
//! It knows neither AWS nor the terminal nor the disk. It calls AWS through [`Cloud`](crate::cloud::Cloud), makes
//! intents durable through [`Intents`], and tells what happens through [`Event`]s.

pub mod connectivity;
pub mod credential_probe;
pub mod decide;
pub mod engine;
pub mod event;
pub mod hint;
pub mod rate_limiter;
pub mod record;
pub mod stop;
pub mod tally;
pub mod visit;
pub mod wave;

pub use connectivity::Connectivity;
pub use credential_probe::CredentialProbe;
pub use decide::{Decision, Mode, Verify, decide};
pub use engine::{Ended, Provenance, Rollout, RolloutOptions, Target, Wave, roll_out, survey};
pub use event::Event;
pub use hint::{HintContext, hint};
pub use rate_limiter::RateLimiter;
pub use record::{AccountError, Outcome, Record, Stage, Verified};
pub use stop::{Stop, StopReason};
pub use tally::{Tally, Tolerance};
pub use visit::{Intents, NoIntents, NotDurable};
