//! The options for concurrency, rate, retries and timeouts.

use std::time::Duration;

use clap::Args;

use super::{PACE, values};

/// The default of `--concurrency`.
pub(crate) const CONCURRENCY: u16 = 32;
/// The default of `--rate`, in visits per second.
pub(crate) const RATE: u32 = 50;
/// The default of `--max-attempts`.
pub(crate) const MAX_ATTEMPTS: u32 = 8;
/// The largest value of `--max-attempts`.
pub(crate) const LARGEST_ATTEMPTS: u32 = 100;
/// The default of `--account-timeout`.
pub(crate) const ACCOUNT_TIMEOUT: Duration = Duration::from_mins(2);

/// The options for concurrency, rate, retries and timeouts.
#[derive(Args)]
#[command(next_help_heading = PACE)]
pub struct RateArgs {
    /// The number of visits in flight at once, 1 to 1000 [default: 32].
    #[arg(long, env = "V2TOKEN_CONCURRENCY", value_name = "N", value_parser = values::whole(1..=1000_u16))]
    pub concurrency: Option<u16>,
    /// The maximum number of visits started per second, 0 for no limit. The program lowers the rate when AWS throttles, and
    /// raises it again [default: 50].
    #[arg(long, env = "V2TOKEN_RATE", value_name = "N", value_parser = values::whole(0..=10_000_u32))]
    pub rate: Option<u32>,
    /// The maximum number of attempts of one API call, 1 to 100. Without this option, AWS_MAX_ATTEMPTS or max_attempts of the profile
    /// counts [default: 8].
    #[arg(long, env = "V2TOKEN_MAX_ATTEMPTS", value_name = "N", value_parser = values::whole(1..=LARGEST_ATTEMPTS))]
    pub max_attempts: Option<u32>,
    /// The time limit of one visit [default: 2m].
    #[arg(long, env = "V2TOKEN_ACCOUNT_TIMEOUT", value_name = "DURATION", value_parser = values::positive_duration)]
    pub account_timeout: Option<Duration>,
}
