//! This module owns the rollout: which accounts come in which wave, what a visit does, how fast, and when to stop.
//!
//! It knows neither AWS nor the terminal nor the disk. It calls AWS through [`Cloud`](crate::cloud::Cloud), makes
//! intents durable through [`Intents`], and tells what happens through [`Event`]s.

pub(crate) mod cause;
pub(crate) mod connectivity;
pub(crate) mod context;
pub(crate) mod credential_probe;
pub mod decide;
pub(crate) mod engine;
pub(crate) mod event;
pub mod hint;
pub(crate) mod rate_limiter;
pub(crate) mod record;
pub(crate) mod stop;
pub(crate) mod tally;
pub(crate) mod target;
pub(crate) mod visit;
pub(crate) mod wave;

pub(crate) use context::{Intents, NotDurable};
pub use context::{NoIntents, Rollout, RolloutOptions};
pub use decide::{Decision, Mode, Verify, decide};
pub use engine::roll_out;
pub(crate) use engine::survey;
pub use event::Event;
pub use hint::{HintContext, hint};
pub use record::{AccountError, Outcome, Record, Stage, Verified};
pub use stop::Stop;
pub(crate) use stop::StopReason;
pub(crate) use tally::{Tally, Tolerance};
pub use target::{Provenance, Target};
pub use wave::Wave;
