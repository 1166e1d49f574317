//! This module owns the options that say how carefully.

use std::time::Duration;

use clap::Args;

use super::ROLLOUT;
use super::values::{self, switch};
use crate::org::AccountId;
use crate::rollout::{Tolerance, Verify, wave::Waves};

/// How carefully.
#[derive(Args)]
pub struct RolloutArgs {
    /// The cumulative size of each wave, in accounts or percent.
    #[arg(
        long,
        env = "V2TOKEN_WAVES",
        value_name = "LIST",
        default_value_t = Waves::default(),
        help_heading = ROLLOUT
    )]
    pub waves: Waves,
    /// The accounts of the first wave, by hand; they take the place of the first size.
    #[arg(long, env = "V2TOKEN_CANARY", value_name = "ID", value_delimiter = ',', help_heading = ROLLOUT)]
    pub canary: Vec<AccountId>,
    /// How long to wait between waves.
    #[arg(
        long,
        env = "V2TOKEN_BAKE",
        value_name = "DURATION",
        default_value = "0s",
        value_parser = values::duration,
        help_heading = ROLLOUT
    )]
    pub bake: Duration,
    /// Stop starting visits when more than this many fail; a percentage holds for each wave too [default: 10%; plan: no limit].
    #[arg(long, env = "V2TOKEN_MAX_ERRORS", value_name = "N|P%", help_heading = ROLLOUT)]
    pub max_errors: Option<Tolerance>,
    /// How a Set is checked: none, setting (read it back), or token=REGION (also prove that the global STS endpoint issues tokens
    /// that are valid in this opt-in Region).
    #[arg(
        long,
        env = "V2TOKEN_VERIFY",
        value_name = "HOW",
        default_value_t = Verify::default(),
        help_heading = ROLLOUT
    )]
    pub verify: Verify,
    /// Do not ask before starting.
    #[arg(long, short, env = "V2TOKEN_YES", value_parser = switch(), help_heading = ROLLOUT)]
    pub yes: bool,
}
