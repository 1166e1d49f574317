//! Soak scenarios: the built program runs over an Organization with all kinds of faults, through outages and the expiration of its
//! credentials, until it is done; then its report is compared with the truth. Shared by the test and the benchmark `soak`.

pub(crate) mod faulty_organization;
pub(crate) mod hosts_file;
pub(crate) mod report_check;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use v2token_simulator::{Network, Operation, Organization, TokenVersion, Truth};

use faulty_organization::{AccountFault, faulty_organization};
use hosts_file::HostsFile;
use report_check::{Limits, Row, disagreements};

/// The lifetime of the credentials from the credential process, and how often new ones are made. The SDK fetches new ones 5 to
/// 10 s before the old ones expire.
const LIFETIME: Duration = Duration::from_secs(40);
const RENEWAL: Duration = Duration::from_secs(8);

/// A fault that affects all accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disruption {
    /// The endpoint's name can't be resolved, and open connections are closed, so that it matters.
    NoNames,
    /// Connections are refused.
    Refused,
    /// Requests are not answered.
    BlackHole,
    /// All sessions in the accounts expire.
    SessionsEnd,
    /// The base credentials expire and can't be renewed: the run stops, and is resumed with new ones.
    CredentialsEnd,
    /// The process is stopped, as when a laptop is closed, and goes on later.
    Pause,
    /// The terminal is closed: the run ends after the visits in flight, and is resumed.
    HangUp,
}

impl Disruption {
    /// The exit code of a run that ends because of this disruption; `None` if the run goes on.
    pub(crate) const fn exit_code(self) -> Option<i32> {
        match self {
            Self::CredentialsEnd => Some(1),
            Self::HangUp => Some(129),
            Self::NoNames | Self::Refused | Self::BlackHole | Self::SessionsEnd | Self::Pause => None,
        }
    }
}

/// A disruption, when it starts, and how long it lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// The share of the accounts for which AssumeRole was called.
    pub(crate) at: f64,
    pub(crate) disruption: Disruption,
    pub(crate) duration: Duration,
}

/// The Organization, the settings of the run, and the disruptions.
pub(crate) struct Scenario {
    pub(crate) accounts: usize,
    pub(crate) seed: u64,
    pub(crate) concurrency: usize,
    /// The share of requests that are never answered; each costs the time limit of an attempt.
    pub(crate) hang: f64,
    pub(crate) phases: Vec<Phase>,
}

/// The result of a scenario.
pub(crate) struct SoakResult {
    pub(crate) truth: Truth,
    pub(crate) rows: BTreeMap<String, Row>,
    /// The exit codes of apply and of the resumes.
    pub(crate) exit_codes: Vec<i32>,
    /// The disruptions that occurred, and those that this system does not support.
    pub(crate) occurred: Vec<Disruption>,
    pub(crate) unsupported: Vec<Disruption>,
    pub(crate) wrong: Vec<String>,
    /// The program's stderr.
    pub(crate) stderr: String,
}

impl Scenario {
    /// Runs the scenario. Calls `watch` with the running process every 20 ms.
    pub(crate) fn run(&self, folder: &Path, mut watch: impl FnMut(&Child)) -> io::Result<SoakResult> {
        let organization = faulty_organization(self.accounts, self.seed, self.hang).start();
        let before = organization.truth();
        let mut run = SoakRun {
            scenario: self,
            organization: &organization,
            folder,
            hosts: HostsFile::new(folder)?,
            upcoming: self.phases.iter().copied().collect(),
            current_until: None,
            occurred: Vec::new(),
            unsupported: Vec::new(),
            renewed_at: Instant::now(),
        };
        let mut exit_codes = Vec::new();
        let concurrency = format!("--concurrency={}", self.concurrency);
        let pace = ["--rate=0", &concurrency, "--output=none", "--no-progress"];
        loop {
            run.provide_credentials()?;
            let mut command = run.program();
            match exit_codes.len() {
                0 => command.args(["apply", "--yes", "--waves=100%", "--run-dir"]),
                _ => command.args(["resume", "--yes"]),
            };
            command.arg(folder.join("run")).args(pace);
            let code = run.run_process(command, &mut watch)?;
            exit_codes.push(code);
            let ends_runs = |phase: &Phase| phase.disruption.exit_code() == Some(code);
            if !self.phases.iter().any(ends_runs) || exit_codes.len() > self.phases.len() {
                break;
            }
        }
        let (occurred, unsupported) = (run.occurred, run.unsupported);
        let truth = organization.truth();
        let rows = read_rows(&folder.join("run/report.csv"))?;
        let limits = Limits { max_attempts: 8, account_timeout: Duration::from_mins(2) };
        let wrong = disagreements(&before, &truth, &rows, TokenVersion::V2, Some(limits));
        let stderr = fs::read_to_string(folder.join("stderr"))?;
        Ok(SoakResult { truth, rows, exit_codes, occurred, unsupported, wrong, stderr })
    }
}

impl SoakResult {
    /// The accounts that are failed or unverified although they have no lasting fault.
    pub(crate) fn collateral(&self, seed: u64) -> Vec<String> {
        let ended = |row: &Row| ["failed", "unverified"].contains(&row["outcome"].as_str());
        let sound = self.truth.accounts.iter().filter(|account| !AccountFault::of(seed, account.id).is_lasting());
        let rows = sound.filter_map(|account| self.rows.get(&account.id.to_string())).filter(|row| ended(row));
        let columns = ["account_id", "outcome", "stage", "error_code", "error_message", "attempts", "duration_ms"];
        rows.map(|row| columns.map(|name| row[name].as_str()).join(" ")).collect()
    }
}

struct SoakRun<'a> {
    scenario: &'a Scenario,
    organization: &'a Organization,
    folder: &'a Path,
    hosts: Option<HostsFile>,
    upcoming: VecDeque<Phase>,
    current_until: Option<Instant>,
    occurred: Vec<Disruption>,
    unsupported: Vec<Disruption>,
    /// When the current credentials were made.
    renewed_at: Instant,
}

impl SoakRun<'_> {
    /// The program with a clean environment and credentials from a credential process.
    fn program(&self) -> Command {
        let binary = OsStr::new(env!("CARGO_BIN_EXE_v2token"));
        let mut command = self.hosts.as_ref().map_or_else(|| Command::new(binary), |hosts| hosts.command(binary));
        command.env_clear().envs(self.organization.environment()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            command.env_remove(key);
        }
        if self.hosts.is_some() {
            command.env("AWS_ENDPOINT_URL", HostsFile::endpoint(&self.organization.endpoint()));
        }
        command.env("AWS_CONFIG_FILE", self.folder.join("config")).env("HOME", self.folder).current_dir(self.folder);
        command
    }

    /// Makes the credential process work, with new credentials.
    fn provide_credentials(&mut self) -> io::Result<()> {
        let (script, unavailable, keys) = (self.folder.join("fetch.sh"), self.folder.join("unavailable"), self.keys());
        fs::write(
            &script,
            format!(
                "if [ -e '{}' ]; then echo no credentials are available >&2; exit 3; fi\ncat '{}'\n",
                unavailable.display(),
                keys.display()
            ),
        )?;
        fs::write(self.folder.join("config"), format!("[default]\ncredential_process = sh {}\n", script.display()))?;
        if unavailable.exists() {
            fs::remove_file(unavailable)?;
        }
        self.renew()
    }

    fn keys(&self) -> std::path::PathBuf {
        self.folder.join("keys.json")
    }

    /// Gives the credential process new credentials. Older ones stay valid until they expire.
    fn renew(&mut self) -> io::Result<()> {
        let (keys, expiration) = self.organization.control(|world| world.renew_base_credentials_for(LIFETIME));
        let document = serde_json::json!({
            "Version": 1,
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "SessionToken": keys.session_token,
            "Expiration": expiration,
        });
        let new = self.folder.join("keys.new");
        fs::write(&new, document.to_string())?;
        fs::rename(new, self.keys())?;
        self.renewed_at = Instant::now();
        Ok(())
    }

    /// Runs a process to its end, with the disruptions that are due.
    fn run_process(&mut self, mut command: Command, watch: &mut impl FnMut(&Child)) -> io::Result<i32> {
        let stderr = File::options().create(true).append(true).open(self.folder.join("stderr"))?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn()?;
        loop {
            if let Some(status) = child.try_wait()? {
                self.end_disruption(None)?;
                return Ok(status.code().unwrap_or(-1));
            }
            watch(&child);
            self.advance(&child)?;
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn advance(&mut self, child: &Child) -> io::Result<()> {
        if self.renewed_at.elapsed() >= RENEWAL {
            self.renew()?;
        }
        if self.current_until.is_some_and(|until| Instant::now() >= until) {
            self.end_disruption(Some(child))?;
        }
        let entered = self.organization.control(|world| world.requests(Operation::AssumeRole));
        let due = |phase: &Phase| entered >= share_of(self.scenario.accounts, phase.at);
        if self.current_until.is_none()
            && let Some(phase) = self.upcoming.pop_front_if(|phase| due(phase))
        {
            self.start_disruption(phase, child)?;
        }
        Ok(())
    }

    fn start_disruption(&mut self, phase: Phase, child: &Child) -> io::Result<()> {
        match phase.disruption {
            Disruption::NoNames => {
                let Some(hosts) = &self.hosts else {
                    self.unsupported.push(phase.disruption);
                    return Ok(());
                };
                hosts.resolve(false)?;
                // An open connection needs no name.
                self.organization.control(|world| world.set_network(Network::Refuse));
                std::thread::sleep(Duration::from_millis(300));
                self.organization.control(|world| world.set_network(Network::Normal));
            }
            Disruption::Refused => self.organization.control(|world| world.set_network(Network::Refuse)),
            Disruption::BlackHole => self.organization.control(|world| world.set_network(Network::BlackHole)),
            Disruption::SessionsEnd => self.organization.control(v2token_simulator::World::expire_sessions),
            Disruption::CredentialsEnd => {
                fs::write(self.folder.join("unavailable"), "")?;
                self.organization.control(v2token_simulator::World::expire_base_credentials);
            }
            Disruption::Pause => send(child, Signal::SIGSTOP)?,
            Disruption::HangUp => send(child, Signal::SIGHUP)?,
        }
        self.occurred.push(phase.disruption);
        self.current_until = Some(Instant::now() + phase.duration);
        Ok(())
    }

    /// Ends the current disruption. `child` is the process if it still runs.
    fn end_disruption(&mut self, child: Option<&Child>) -> io::Result<()> {
        self.current_until = None;
        child.map_or(Ok(()), |child| send(child, Signal::SIGCONT))?;
        self.organization.control(|world| world.set_network(Network::Normal));
        self.hosts.as_ref().map_or(Ok(()), |hosts| hosts.resolve(true))
    }
}

/// Sends a signal to the process.
fn send(child: &Child, signal: Signal) -> io::Result<()> {
    Ok(kill(Pid::from_raw(child.id().cast_signed()), signal)?)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share")]
fn share_of(accounts: usize, share: f64) -> u64 {
    (accounts as f64 * share) as u64
}

fn read_rows(path: &Path) -> io::Result<BTreeMap<String, Row>> {
    let mut reader = csv::Reader::from_path(path)?;
    let rows = reader.deserialize().map(|row| row.map(|row: Row| (row["account_id"].clone(), row)));
    rows.collect::<Result<_, _>>().map_err(io::Error::other)
}
