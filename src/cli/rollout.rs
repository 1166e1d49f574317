//! The options for waves, verification and stopping.

use std::time::Duration;

use clap::Args;

use super::ROLLOUT;
use super::values::{self, switch};
use crate::org::AccountId;
use crate::rollout::{Tolerance, Verify, wave::Waves};

/// The default of `--max-errors` in a rollout.
pub(crate) const MAX_ERRORS: Tolerance = Tolerance::Percent(10);

/// The options for waves, verification and stopping.
#[derive(Args)]
#[command(next_help_heading = ROLLOUT)]
pub struct RolloutArgs {
    /// The cumulative size of each wave, in accounts or percent of the selection [default: 1,10%,100%].
    #[arg(long, env = "V2TOKEN_WAVES", value_name = "LIST")]
    pub waves: Option<Waves>,
    /// The accounts of the first wave. They replace the first size of --waves.
    #[arg(long, env = "V2TOKEN_CANARY", value_name = "ID", value_delimiter = ',')]
    pub canary: Vec<AccountId>,
    /// The wait between waves [default: 0s].
    #[arg(long, env = "V2TOKEN_BAKE", value_name = "DURATION", value_parser = values::duration)]
    pub bake: Option<Duration>,
    /// Stop the run when more than this many accounts fail or are unverified. A percentage also applies to each wave [default:
    /// 10%; plan: no limit].
    #[arg(long, env = "V2TOKEN_MAX_ERRORS", value_name = "N|P%")]
    pub max_errors: Option<Tolerance>,
    /// How a set is verified: none, setting (read the version back), or token=REGION (also prove that the global STS endpoint
    /// issues tokens that are valid in this opt-in Region) [default: setting].
    #[arg(long, env = "V2TOKEN_VERIFY", value_name = "HOW")]
    pub verify: Option<Verify>,
    /// Why the run is made, such as the number of a ticket or of a change. The text is kept in run.json, and shown in the question and
    /// in the reports.
    #[arg(long, env = "V2TOKEN_REASON", value_name = "TEXT", value_parser = values::reason)]
    pub reason: Option<String>,
    /// Start without asking for confirmation.
    #[arg(long, short, env = "V2TOKEN_YES", value_parser = switch())]
    pub yes: bool,
}
