//! The options for waves, verification and stopping.

use std::time::Duration;

use clap::Args;

use super::ROLLOUT;
use super::gate_command::GateCommand;
use super::values::{self, switch};
use crate::org::AccountId;
use crate::rollout::{Tolerance, Verify, wave::Waves};

/// The default of `--max-errors` in a rollout.
pub(crate) const MAX_ERRORS: Tolerance = Tolerance::Percent(10);

/// The default of `--gate-timeout`.
pub(crate) const GATE_TIMEOUT: Duration = Duration::from_mins(10);

/// The options for waves, verification and stopping.
#[derive(Args, Default)]
#[command(next_help_heading = ROLLOUT)]
pub struct RolloutArgs {
    /// How far each wave goes: a count or a percentage of the selection, earlier waves included; or all accounts in an OU, given by its id
    /// or by its path of names, or with a tag, given as tag:KEY=VALUE, that earlier waves do not have. A last wave takes the rest. A
    /// plan shows the waves, and apply --plan keeps them [default: 1,10%,100%].
    #[arg(long, env = "V2TOKEN_WAVES", value_name = "LIST")]
    pub waves: Option<Waves>,
    /// The accounts of the first wave. They replace the first size of --waves.
    #[arg(long, env = "V2TOKEN_CANARY", value_name = "ID", value_delimiter = ',')]
    pub canary: Vec<AccountId>,
    /// The wait between waves, but not after a wave that set nothing [default: 1m].
    #[arg(long, env = "V2TOKEN_BAKE", value_name = "DURATION", value_parser = values::duration)]
    pub bake: Option<Duration>,
    /// A shell command that runs after each wave and its wait, but not after the last wave. If it does not exit with 0, the run
    /// stops. It has GATE_RUN_DIR, GATE_WAVE, GATE_WAVES, GATE_CHANGED, GATE_FAILED and GATE_UNVERIFIED in its environment. The
    /// command is not stored, so a resume needs it again.
    #[arg(long, env = "V2TOKEN_GATE", value_name = "COMMAND", hide_env_values = true)]
    pub gate: Option<GateCommand>,
    /// How long one call of the gate may take. A gate that takes longer stops the run [default: 10m].
    #[arg(long, env = "V2TOKEN_GATE_TIMEOUT", value_name = "DURATION", value_parser = values::duration)]
    pub gate_timeout: Option<Duration>,
    /// Stop the run when more than this many accounts fail or are unverified. A percentage also applies to each wave. It is rounded
    /// down, but of fewer than 10 accounts it allows one failure in any wave but the first [default: 10%; plan: no limit].
    #[arg(long, env = "V2TOKEN_MAX_ERRORS", value_name = "N|P%")]
    pub max_errors: Option<Tolerance>,
    /// How a set is verified: none, setting (read the version back), token (also compare the sizes of tokens of the global and the
    /// regional STS endpoint, which show the version that is issued; a plan tells it for each account), or token=REGION (also prove that
    /// the global STS endpoint issues tokens that are valid in this opt-in Region) [default: setting].
    #[arg(long, env = "V2TOKEN_VERIFY", value_name = "HOW")]
    pub verify: Option<Verify>,
    /// Why the run is made, such as the number of a ticket or of a change. The text is kept in run.json, and shown in the question and
    /// in the reports.
    #[arg(long, env = "V2TOKEN_REASON", value_name = "TEXT", value_parser = values::reason)]
    pub reason: Option<String>,
    /// Do not ask IAM Access Troubleshooter which policies denied a request.
    #[arg(long, env = "V2TOKEN_NO_EXPLAIN", value_parser = switch())]
    pub no_explain: bool,
    /// Start without asking for confirmation.
    #[arg(long, short, env = "V2TOKEN_YES", value_parser = switch())]
    pub yes: bool,
}
