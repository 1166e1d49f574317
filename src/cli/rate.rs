//! This module owns the options that say how fast.

use std::time::Duration;

use clap::Args;

use super::{PACE, values};

/// How fast.
#[derive(Args)]
pub struct RateArgs {
    /// Visits in flight at once, 1 to 1000.
    #[arg(
        long,
        env = "V2TOKEN_CONCURRENCY",
        value_name = "N",
        default_value_t = 32,
        value_parser = values::whole(1..=1000_u16),
        help_heading = PACE
    )]
    pub concurrency: u16,
    /// Visits started per second at most, 0 for no limit; lowered by itself when AWS throttles, and raised again.
    #[arg(
        long,
        env = "V2TOKEN_RATE",
        value_name = "N",
        default_value_t = 50,
        value_parser = values::whole(0..=10_000_u32),
        help_heading = PACE
    )]
    pub rate: u32,
    /// Tries of one API call, 1 to 100.
    #[arg(
        long,
        env = "V2TOKEN_MAX_ATTEMPTS",
        value_name = "N",
        default_value_t = 8,
        value_parser = values::whole(1..=100_u32),
        help_heading = PACE
    )]
    pub max_attempts: u32,
    /// How long one visit may take.
    #[arg(
        long,
        env = "V2TOKEN_ACCOUNT_TIMEOUT",
        value_name = "DURATION",
        default_value = "2m",
        value_parser = values::positive_duration,
        help_heading = PACE
    )]
    pub account_timeout: Duration,
}
