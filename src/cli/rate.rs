//! The options for concurrency, rate, retries and timeouts.

use std::time::Duration;

use clap::Args;

use super::{PACE, values};

/// The options for concurrency, rate, retries and timeouts.
#[derive(Args)]
pub struct RateArgs {
    /// The number of visits in flight at once, 1 to 1000.
    #[arg(
        long,
        env = "V2TOKEN_CONCURRENCY",
        value_name = "N",
        default_value_t = 32,
        value_parser = values::whole(1..=1000_u16),
        help_heading = PACE
    )]
    pub concurrency: u16,
    /// The maximum number of visits started per second, 0 for no limit. It is lowered automatically when AWS throttles, and raised
    /// again.
    #[arg(
        long,
        env = "V2TOKEN_RATE",
        value_name = "N",
        default_value_t = 50,
        value_parser = values::whole(0..=10_000_u32),
        help_heading = PACE
    )]
    pub rate: u32,
    /// The maximum number of attempts of one API call, 1 to 100.
    #[arg(
        long,
        env = "V2TOKEN_MAX_ATTEMPTS",
        value_name = "N",
        default_value_t = 8,
        value_parser = values::whole(1..=100_u32),
        help_heading = PACE
    )]
    pub max_attempts: u32,
    /// The time limit of one visit.
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
