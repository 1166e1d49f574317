//! The benchmark of whole runs: a release build of the program over a simulated Organization, compared with a bare loop over the
//! AWS SDK that makes the same calls.
//!
//! ```console
//! $ cargo bench --bench scale --bench scale_mimalloc
//! $ cargo bench --bench scale -- cost --accounts 10000 --rounds 5
//! ```
//!
//! A run of 50,000 accounts in a memory cgroup (version 1) of 96 MiB; the simulator stays outside:
//!
//! ```console
//! $ cargo build --release --workspace --bins
//! $ target/release/v2token-simulator --accounts 50000 --no-verify > simulator.txt &
//! $ sleep 5; eval "$(grep ^export simulator.txt)"
//! $ mkdir /sys/fs/cgroup/memory/small
//! $ echo 100663296 > /sys/fs/cgroup/memory/small/memory.limit_in_bytes
//! $ sh -c 'echo $$ > /sys/fs/cgroup/memory/small/cgroup.procs
//!     exec target/release/v2token apply --yes --bake 0s --rate 0 --concurrency 64'
//! ```
//!
//! `docs/scale.md` has the figures. CPU and memory are the system's accounting of the ended process, so they hold also on a busy
//! machine; wall times need an idle one.

mod cost;
mod floor;
mod measure;
mod pace;
mod quotas;
mod shards;
mod table;
mod wall;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use floor::{Choices, Failed};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    experiment: Option<Experiment>,
    /// Added by cargo
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Experiment {
    /// CPU and memory of an apply, as ratios to the bare loop.
    Cost {
        /// Sizes of the Organization.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000,50000")]
        accounts: Vec<usize>,
        /// Runs of each program for each size.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Wall time with latency, compared with the lower bound by concurrency and rate.
    Wall {
        /// Size of the Organization.
        #[arg(long, default_value_t = 1000)]
        accounts: usize,
    },
    /// How much of a throttled STS is used, how many calls are refused, and how fast the pace recovers.
    Pace,
    /// Eight processes with --shard, merged, compared with one process.
    Shards {
        /// Size of the Organization.
        #[arg(long, default_value_t = 10_000)]
        accounts: usize,
    },
    /// Plan and apply under the quotas that AWS publishes, compared with the model.
    Quotas {
        /// Sizes of the Organization.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
        accounts: Vec<usize>,
        /// The value of --rate.
        #[arg(long, default_value_t = 50)]
        rate: u32,
    },
    /// The bare loop with an IAM client for each account, compared with one with credentials for each call.
    Choices {
        /// Size of the Organization.
        #[arg(long, default_value_t = 5_000)]
        accounts: usize,
    },
    /// The bare loop itself.
    #[command(hide = true)]
    Floor {
        concurrency: usize,
        #[command(flatten)]
        choices: Choices,
    },
    /// Runs a command and prints its cost.
    #[command(hide = true)]
    Measure {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().experiment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place for the message.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(experiment: Option<Experiment>) -> Result<(), Failed> {
    match experiment {
        None => {
            cost::compare(&[1_000, 10_000, 50_000], 3)?;
            wall::compare(1_000)?;
            pace::watch()?;
            shards::compare(10_000)
        }
        Some(Experiment::Cost { accounts, rounds }) => cost::compare(&accounts, rounds),
        Some(Experiment::Wall { accounts }) => wall::compare(accounts),
        Some(Experiment::Pace) => pace::watch(),
        Some(Experiment::Shards { accounts }) => shards::compare(accounts),
        Some(Experiment::Quotas { accounts, rate }) => quotas::compare(&accounts, rate),
        Some(Experiment::Choices { accounts }) => cost::choices(accounts),
        Some(Experiment::Floor { concurrency, choices }) => floor::run(concurrency, choices),
        Some(Experiment::Measure { command }) => measure::child(&command),
    }
}
