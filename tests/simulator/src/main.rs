//! The command line of the simulator: starts an organization and prints how to reach it.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use v2token_simulator::{Caller, Latency, Noise, Organization, RateLimit, Service, Traffic, VersionMix};

/// Runs a simulated AWS Organization on loopback until it is killed.
///
/// Prints the endpoint on the first line of standard output, then `export` lines for a shell.
#[derive(Debug, Parser)]
#[command(name = "v2token-simulator")]
struct Arguments {
    /// Number of accounts, the management account included
    #[arg(long, default_value_t = 200, value_parser = parse_accounts)]
    accounts: usize,
    /// Seed of names, versions and exceptions
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Realistic names, nested units and a few exceptional accounts
    #[arg(long)]
    realistic: bool,
    /// Names that attack terminals, spreadsheets and web pages
    #[arg(long)]
    hostile_names: bool,
    /// Percentage of accounts that already have v2
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=100))]
    v2_percent: u8,
    /// Latency of Organizations, STS and IAM in milliseconds
    #[arg(long, value_name = "ORG,STS,IAM", default_value = "0,0,0", value_parser = parse_latency)]
    latency_ms: Latency,
    /// Port to listen on; 0 is any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Partition
    #[arg(long, default_value = "aws", value_parser = ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"])]
    partition: String,
    /// Region of the run [default: one of the partition]
    #[arg(long)]
    region: Option<String>,
    /// Give credentials of this member, a delegated administrator
    #[arg(long, value_name = "NUMBER")]
    delegated_administrator: Option<u64>,
    /// Do not verify signatures
    #[arg(long)]
    no_verify: bool,
    /// Rate limit of STS per second
    #[arg(long, value_name = "RATE")]
    sts_rate: Option<f64>,
    /// Rate limit of IAM per second
    #[arg(long, value_name = "RATE")]
    iam_rate: Option<f64>,
    /// The rate limits that AWS publishes
    #[arg(long)]
    aws_limits: bool,
    /// Probability that a request meets a random fault, e.g. 0.02
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.0)]
    noise: f64,
    /// Enable centralized root access
    #[arg(long)]
    root_access: bool,
    /// Open the global STS endpoint, whose tokens follow the setting after this many seconds
    #[arg(long, value_name = "SECONDS")]
    global_sts: Option<u64>,
    /// Add clients of STS to the accounts, whose events LookupEvents shows
    #[arg(long)]
    traffic: bool,
    /// Days of events before the start
    #[arg(long, value_name = "DAYS", default_value_t = 90, requires = "traffic")]
    traffic_days: u16,
    /// Also write the events into this folder, as an organization trail leaves them in a bucket
    #[arg(long, value_name = "FOLDER", requires = "traffic")]
    trail: Option<PathBuf>,
    /// Calls of LookupEvents per second and account; 0 is no limit
    #[arg(long, value_name = "RATE", default_value_t = 2.0)]
    lookup_rate: f64,
    /// Account Management has no trusted access, so nobody can list the Regions of other accounts
    #[arg(long)]
    no_account_management: bool,
    /// Write a line to standard error for each request
    #[arg(long)]
    log: bool,
}

fn parse_accounts(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|accounts| (1..=50_000).contains(accounts))
        .ok_or_else(|| "expected a number between 1 and 50000".to_owned())
}

fn parse_latency(text: &str) -> Result<Latency, String> {
    let milliseconds: Vec<u64> = text
        .split(',')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| "expected numbers of milliseconds".to_owned())?;
    let [organizations, sts, iam] =
        milliseconds.try_into().map_err(|_| "expected three numbers separated by commas".to_owned())?;
    let duration = Duration::from_millis;
    Ok(Latency { organizations: duration(organizations), sts: duration(sts), iam: duration(iam) })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let organization = start(&arguments)?;
    if let Some(folder) = &arguments.trail {
        let files = organization.control(|world| world.write_trail(folder))?;
        eprintln!("{files} files in {}", folder.display());
    }
    announce(&organization)?;
    // No cleanup is needed: a signal ends the process and its server.
    loop {
        std::thread::park();
    }
}

fn start(arguments: &Arguments) -> io::Result<Organization> {
    let mut builder = Organization::builder()
        .accounts(arguments.accounts)
        .seed(arguments.seed)
        .realistic(arguments.realistic)
        .hostile_names(arguments.hostile_names)
        .version_mix(VersionMix::percent_v2(arguments.v2_percent))
        .partition(&arguments.partition)
        .latency(arguments.latency_ms)
        .verify(!arguments.no_verify)
        .root_access(arguments.root_access)
        .log(arguments.log)
        .port(arguments.port);
    builder = builder
        .lookup_limit(
            (arguments.lookup_rate > 0.0)
                .then(|| RateLimit::new(arguments.lookup_rate, arguments.lookup_rate.max(1.0))),
        )
        .account_management(!arguments.no_account_management);
    if arguments.traffic {
        builder = builder.traffic(Traffic { seed: arguments.seed, days: arguments.traffic_days, ..Traffic::default() });
    }
    if let Some(region) = &arguments.region {
        builder = builder.region(region);
    }
    if let Some(number) = arguments.delegated_administrator {
        builder = builder.caller(Caller::DelegatedAdministrator(number.into()));
    }
    if let Some(seconds) = arguments.global_sts {
        builder = builder.global_sts(Duration::from_secs(seconds));
    }
    if arguments.aws_limits {
        builder = builder.aws_limits();
    }
    for (service, rate) in [(Service::Sts, arguments.sts_rate), (Service::Iam, arguments.iam_rate)] {
        if let Some(rate) = rate {
            builder = builder.throttle(service, RateLimit::new(rate, rate.max(1.0)));
        }
    }
    if arguments.noise > 0.0 {
        builder = builder.noise(Noise::mixed(arguments.noise, arguments.seed));
    }
    builder.try_start()
}

fn announce(organization: &Organization) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", organization.endpoint())?;
    for (name, value) in organization.environment() {
        writeln!(out, "export {name}='{value}'")?;
    }
    out.flush()
}
