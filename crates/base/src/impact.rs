//! Who asks the global STS endpoint for sessions: what CloudTrail's events say about each account, and the verdict on it.
//!
//! Everything here is a function of its input. The events come from files (`event_files`) or from the event history; each is parsed
//! to a [`Sighting`](sighting::Sighting) without its secrets, and [`Evidence`](evidence::Evidence) adds the sightings up.

pub mod agent;
pub mod conclusion;
pub mod coverage;
pub mod event;
pub mod event_page;
pub mod evidence;
pub mod hours;
pub mod known_impact;
pub mod operation;
pub mod principal;
pub mod sampling;
pub mod sighting;
pub mod size_limits;
pub mod verdict;
