//! The rollout: which account is visited in which wave, what a visit does, how fast visits start, and when the run stops.
//!
//! This module does not use the AWS SDK, the terminal or the disk. It calls AWS through [`Cloud`](crate::cloud::Cloud), makes
//! intents durable through [`Intents`], and reports what happens through [`Event`]s.

pub(crate) mod alike;
pub(crate) mod cause;
pub(crate) mod connectivity;
pub(crate) mod context;
mod count_or_percent;
pub(crate) mod credential_probe;
pub mod decide;
pub(crate) mod denial;
pub(crate) mod denied_by;
pub(crate) mod engine;
pub(crate) mod event;
pub(crate) mod explanation;
pub(crate) mod global_silence;
pub mod hint;
pub(crate) mod issued_version;
pub(crate) mod latest_records;
pub(crate) mod lookups;
pub(crate) mod pauses;
pub(crate) mod rate_limiter;
pub(crate) mod record;
mod request_id;
mod shared_text;
pub(crate) mod stop;
pub(crate) mod tally;
pub(crate) mod target;
pub(crate) mod tolerance;
pub(crate) mod visit;
mod waiting;
pub(crate) mod wave;

pub(crate) use context::{Intents, NotDurable};
pub use context::{NoIntents, Rollout, RolloutOptions};
pub use decide::{Decision, Mode, Verify, decide};
pub use engine::{Checkpoint, Targets, roll_out};
pub use event::Event;
pub use hint::hint;
pub use issued_version::IssuedToken;
pub(crate) use latest_records::LatestRecords;
pub use record::{AccountError, Outcome, Record, Stage, Verified};
pub use request_id::RequestId;
pub use stop::Stop;
pub(crate) use stop::StopReason;
pub(crate) use tally::Tally;
pub use target::{Provenance, Target};
pub(crate) use tolerance::Tolerance;
pub use wave::Wave;
