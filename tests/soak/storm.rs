//! This module owns the soak: the built program in a world where everything goes wrong, through outages and the end of its
//! credentials, until it is done; and what the truth says of its report. The test and the benchmark share it.

pub(crate) mod judge;
pub(crate) mod names;
pub(crate) mod world;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use v2token_simulator::{Network, Operation, Organization, TokenVersion, Truth};

use judge::{Patience, Row, disagreements};
use names::Names;
use world::Fate;

/// How long the credentials last that the vault gives out, and how often it makes new ones. The SDK fetches new ones 5 to 10 s
/// before the old ones end.
const LIFETIME: Duration = Duration::from_secs(40);
const RENEWAL: Duration = Duration::from_secs(8);

/// What goes wrong for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// The name of the endpoint is not found, and connections are closed, so that it matters.
    NoNames,
    /// Connections are refused.
    Refused,
    /// Nothing is answered.
    BlackHole,
    /// The sessions in the accounts end, all of them.
    SessionsEnd,
    /// The base credentials end, and there are no new ones: the run stops, and is resumed with new ones.
    CredentialsEnd,
}

/// A blow, when it falls, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// The share of the accounts that AssumeRole was called for.
    pub(crate) at: f64,
    pub(crate) blow: Blow,
    pub(crate) lasts: Duration,
}

/// What is to be survived.
pub(crate) struct Storm {
    pub(crate) accounts: usize,
    pub(crate) seed: u64,
    pub(crate) concurrency: usize,
    /// The share of requests that are never answered; each costs the time limit of an attempt.
    pub(crate) hang: f64,
    pub(crate) phases: Vec<Phase>,
}

/// What came of it.
pub(crate) struct Weathered {
    pub(crate) truth: Truth,
    pub(crate) rows: BTreeMap<String, Row>,
    /// The exit codes of apply, and of the resumes that followed.
    pub(crate) exit_codes: Vec<i32>,
    /// The blows that fell, and those that can't fall here.
    pub(crate) fallen: Vec<Blow>,
    pub(crate) impossible: Vec<Blow>,
    pub(crate) wrong: Vec<String>,
    /// What the program said.
    pub(crate) stderr: String,
}

impl Storm {
    /// Rides it out. `watch` sees each process now and then.
    pub(crate) fn ride(&self, folder: &Path, mut watch: impl FnMut(&Child)) -> io::Result<Weathered> {
        let organization = world::world(self.accounts, self.seed, self.hang).start();
        let before = organization.truth();
        let mut course = Course {
            storm: self,
            organization: &organization,
            folder,
            names: Names::new(folder)?,
            to_come: self.phases.iter().copied().collect(),
            under_way: None,
            fallen: Vec::new(),
            impossible: Vec::new(),
            vault: Instant::now(),
        };
        let mut exit_codes = Vec::new();
        let concurrency = format!("--concurrency={}", self.concurrency);
        let pace = ["--rate=0", &concurrency, "--output=none", "--no-progress"];
        loop {
            course.unseal()?;
            let mut command = course.program();
            match exit_codes.len() {
                0 => command.args(["apply", "--yes", "--waves=100%", "--run-dir"]),
                _ => command.arg("resume"),
            };
            command.arg(folder.join("run")).args(pace);
            let code = course.conduct(command, &mut watch)?;
            exit_codes.push(code);
            // 1 is a stop; it comes at most as often as credentials end.
            if code != 1 || exit_codes.len() > self.phases.len() {
                break;
            }
        }
        let (fallen, impossible) = (course.fallen, course.impossible);
        let truth = organization.truth();
        let rows = read_rows(&folder.join("run/report.csv"))?;
        let patience = Patience { max_attempts: 8, account_timeout: Duration::from_mins(2) };
        let wrong = disagreements(&before, &truth, &rows, TokenVersion::V2, Some(patience));
        let stderr = fs::read_to_string(folder.join("stderr"))?;
        Ok(Weathered { truth, rows, exit_codes, fallen, impossible, wrong, stderr })
    }
}

impl Weathered {
    /// The accounts that are failed or unverified although nothing lasting is wrong with them.
    pub(crate) fn collateral(&self, seed: u64) -> Vec<String> {
        let ended = |row: &Row| ["failed", "unverified"].contains(&row["outcome"].as_str());
        let sound = self.truth.accounts.iter().filter(|account| !Fate::of(seed, account.id).lasts());
        let rows = sound.filter_map(|account| self.rows.get(&account.id.to_string())).filter(|row| ended(row));
        let told = ["account_id", "outcome", "stage", "error_code", "error_message", "attempts", "duration_ms"];
        rows.map(|row| told.map(|name| row[name].as_str()).join(" ")).collect()
    }
}

struct Course<'a> {
    storm: &'a Storm,
    organization: &'a Organization,
    folder: &'a Path,
    names: Option<Names>,
    to_come: VecDeque<Phase>,
    under_way: Option<(Blow, Instant)>,
    fallen: Vec<Blow>,
    impossible: Vec<Blow>,
    /// When the vault made the credentials that it gives out.
    vault: Instant,
}

impl Course<'_> {
    /// The program, in an environment of its own, with credentials from a process.
    fn program(&self) -> Command {
        let binary = OsStr::new(env!("CARGO_BIN_EXE_v2token"));
        let mut command = self.names.as_ref().map_or_else(|| Command::new(binary), |names| names.command(binary));
        command.env_clear().envs(self.organization.environment()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            command.env_remove(key);
        }
        if self.names.is_some() {
            command.env("AWS_ENDPOINT_URL", Names::endpoint(&self.organization.endpoint()));
        }
        command.env("AWS_CONFIG_FILE", self.folder.join("config")).env("HOME", self.folder).current_dir(self.folder);
        command
    }

    /// Opens the vault, with new credentials in it.
    fn unseal(&mut self) -> io::Result<()> {
        let (script, sealed, keys) = (self.folder.join("fetch.sh"), self.folder.join("sealed"), self.keys());
        fs::write(
            &script,
            format!(
                "if [ -e '{}' ]; then echo the vault is sealed >&2; exit 3; fi\ncat '{}'\n",
                sealed.display(),
                keys.display()
            ),
        )?;
        fs::write(self.folder.join("config"), format!("[default]\ncredential_process = sh {}\n", script.display()))?;
        if sealed.exists() {
            fs::remove_file(sealed)?;
        }
        self.renew()
    }

    fn keys(&self) -> std::path::PathBuf {
        self.folder.join("keys.json")
    }

    /// Puts new credentials into the vault. Those from before stay good until they end.
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
        self.vault = Instant::now();
        Ok(())
    }

    /// Runs a process to its end, and lets the blows fall meanwhile.
    fn conduct(&mut self, mut command: Command, watch: &mut impl FnMut(&Child)) -> io::Result<i32> {
        let stderr = File::options().create(true).append(true).open(self.folder.join("stderr"))?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn()?;
        loop {
            if let Some(status) = child.try_wait()? {
                self.clear_up()?;
                return Ok(status.code().unwrap_or(-1));
            }
            watch(&child);
            self.weather()?;
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn weather(&mut self) -> io::Result<()> {
        if self.vault.elapsed() >= RENEWAL {
            self.renew()?;
        }
        if self.under_way.is_some_and(|(_, until)| Instant::now() >= until) {
            self.clear_up()?;
        }
        let entered = self.organization.control(|world| world.requests(Operation::AssumeRole));
        let due = |phase: &Phase| entered >= share_of(self.storm.accounts, phase.at);
        if self.under_way.is_none()
            && let Some(phase) = self.to_come.pop_front_if(|phase| due(phase))
        {
            self.fall(phase)?;
        }
        Ok(())
    }

    fn fall(&mut self, phase: Phase) -> io::Result<()> {
        match phase.blow {
            Blow::NoNames => {
                let Some(names) = &self.names else {
                    self.impossible.push(phase.blow);
                    return Ok(());
                };
                names.resolve(false)?;
                // Who holds a connection needs no name.
                self.organization.control(|world| world.set_network(Network::Refuse));
                std::thread::sleep(Duration::from_millis(300));
                self.organization.control(|world| world.set_network(Network::Normal));
            }
            Blow::Refused => self.organization.control(|world| world.set_network(Network::Refuse)),
            Blow::BlackHole => self.organization.control(|world| world.set_network(Network::BlackHole)),
            Blow::SessionsEnd => self.organization.control(v2token_simulator::World::expire_sessions),
            Blow::CredentialsEnd => {
                fs::write(self.folder.join("sealed"), "")?;
                self.organization.control(v2token_simulator::World::expire_base_credentials);
            }
        }
        self.fallen.push(phase.blow);
        self.under_way = Some((phase.blow, Instant::now() + phase.lasts));
        Ok(())
    }

    /// Ends the blow that is falling.
    fn clear_up(&mut self) -> io::Result<()> {
        self.under_way = None;
        self.organization.control(|world| world.set_network(Network::Normal));
        self.names.as_ref().map_or(Ok(()), |names| names.resolve(true))
    }
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
