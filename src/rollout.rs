//! This module owns the rollout: which accounts come in which wave, what a visit does, how fast, and when to stop.
//!
//! It knows neither AWS nor the terminal nor the disk. It calls AWS through [`Cloud`](crate::cloud::Cloud), makes
//! intents durable through [`Intents`], and tells what happens through [`Event`]s.

pub mod acceptance;
pub mod decide;
pub mod event;
pub mod hint;
pub mod outage;
pub mod pace;
pub mod record;
pub mod run;
pub mod stop;
pub mod tally;
pub mod visit;
pub mod wave;

pub use acceptance::Acceptance;
pub use decide::{Decision, Mode, Verify, decide};
pub use event::Event;
pub use hint::{Surrounding, hint};
pub use outage::Outage;
pub use pace::Pace;
pub use record::{Outcome, Record, Stage, Trouble, Verified};
pub use run::{Ended, Past, Rollout, Target, Terms, Wave, roll_out, survey};
pub use stop::{Stop, StopReason};
pub use tally::{Tally, Tolerance};
pub use visit::{Intents, NoIntents, NotDurable};
