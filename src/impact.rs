//! Who asks the global STS endpoint for sessions: what CloudTrail's events say about each account, and the verdict on it.
//!
//! Everything here is a function of its input. The events come from files (`event_files`) or from the event history; each is parsed
//! to a [`Sighting`] without its secrets, and [`Evidence`] adds the sightings up.

pub(crate) mod agent;
pub(crate) mod conclusion;
pub(crate) mod coverage;
pub(crate) mod event;
pub(crate) mod event_page;
pub(crate) mod evidence;
pub(crate) mod hours;
pub(crate) mod known_impact;
pub(crate) mod operation;
pub(crate) mod principal;
pub(crate) mod sampling;
pub(crate) mod sighting;
pub(crate) mod size_limits;
pub(crate) mod verdict;
