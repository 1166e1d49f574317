//! This module owns `v2token iam`: the AWS CLI v1's `aws iam set-security-token-service-preferences` and `aws iam
//! get-account-summary`, option for option, so that a script moves over by changing one word.
//!
//! What differs all the same is listed in `docs/aws-cli.md`, and compared with the AWS CLI by the tests.

mod answer;
mod argparse;
mod describe;
mod ended;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod help;
mod input;
mod insecure;
pub(crate) mod jmespath;
mod options;
pub(crate) mod output;
pub(crate) mod python;
mod resolve;
mod retry;
mod unanswered;
mod wire;

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use crate::cloud::aws::Profiles;
use crate::terminal::stderr::{self, Stderr};
use crate::terminal::{log, size};
use answer::{Meaning, Refusal};
use ended::Ended;
use jmespath::Query;
use options::{Asked, Call, Globals, Operation, Skeleton};
use output::TableStyle;
use resolve::{Around, Settings, Timeouts};
use retry::{Policy, Tried};
use unanswered::Unanswered;
use wire::{RawAnswer, RawCall, RawIam, Trust};

pub(crate) use describe::Described;
pub use describe::global_options;
pub(crate) use describe::operations;

/// Whether the arguments, the program's name left out, are meant for this command.
pub(crate) fn is_meant(arguments: &[String]) -> bool {
    options::names_iam(arguments)
}

/// The names of all options.
pub fn option_names() -> Vec<&'static str> {
    options::names()
}

/// Runs the command and gives the process's exit code: 0, 2, 130, or 255, as the AWS CLI's.
pub(crate) async fn run(arguments: &[String]) -> u8 {
    let result = tokio::select! {
        result = Box::pin(result(arguments)) => result,
        Ok(()) = tokio::signal::ctrl_c() => Err(Ended::Interrupted),
    };
    let ended = match result {
        Ok(text) => match print(&text) {
            Ok(()) => return 0,
            Err(error) => Ended::said(format!("the result could not be written: {error}")),
        },
        Err(Ended::Interrupted) => {
            // As the AWS CLI does. There is nobody to tell if it can't be written.
            let _ = print("\n");
            Ended::Interrupted
        }
        Err(ended) => ended,
    };
    stderr::write(ended.text());
    ended.exit_code()
}

/// Nobody reading any more is not an error.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// What stdout gets.
async fn result(arguments: &[String]) -> Result<String, Ended> {
    let (globals, rest) = options::globals(arguments)?;
    log::start(globals.has("--debug"), false, false, || Stderr);
    let query = globals.get("--query").map(compile).transpose()?;
    resolve::check_scheme(&globals)?;
    let timeouts = Timeouts::resolve(&globals)?;
    match options::call(&globals, &rest)? {
        Asked::Version => Ok(concat!("v2token/", env!("CARGO_PKG_VERSION"), "\n").to_owned()),
        Asked::Help(topic) => Ok(help::text(topic)),
        Asked::Call(call) => do_call(&call, &globals, timeouts, query.as_ref()).await,
    }
}

fn compile(query: &str) -> Result<Query, Ended> {
    Query::compile(query).map_err(|bad| Ended::Said(format!("Bad value for --query {query}: {}", bad.in_full)))
}

async fn do_call(call: &Call, globals: &Globals, timeouts: Timeouts, query: Option<&Query>) -> Result<String, Ended> {
    let surroundings = Surroundings { profiles: Profiles::load().await.map_err(Ended::Said)? };
    let profile = resolve::profile(globals, &surroundings)?;
    let parameters = input::parameters(call)?;
    if call.skeleton == Some(Skeleton::Input) {
        return Ok(python::indented_json(&input_skeleton(call.operation)) + "\n");
    }
    let settings = Settings::resolve(globals, timeouts, profile, &surroundings)?;
    let iam = RawIam::connect(&settings.access).await;
    if let Some(url) = iam.endpoint_url() {
        resolve::check_endpoint(url)?;
    }
    let request = input::checked(call.operation, &parameters)?;
    let result = if call.skeleton.is_some() {
        output_skeleton(call.operation)
    } else {
        attempt(&iam, request, call.operation, &settings).await?
    };
    let result = query.map_or(Ok(Cow::Borrowed(&result)), |query| query.search(&result)).map_err(Ended::Said)?;
    let on_terminal = io::stdout().is_terminal();
    let color = match globals.get("--color") {
        Some("on") => true,
        Some("off") => false,
        Some(_) | None => on_terminal,
    };
    let look = TableStyle { color, width: size::stdout_width() };
    output::format(&result, settings.format, call.operation.api_name(), look).map_err(Ended::Said)
}

/// Tries the call until it succeeds, is refused for good, or has been tried often enough.
async fn attempt(iam: &RawIam, call: RawCall, operation: Operation, settings: &Settings) -> Result<Value, Ended> {
    let policy = settings.retries;
    let sending: fn(&str) = if settings.access.trust == Trust::Anybody { warn } else { |_| {} };
    let mut tries = 0;
    loop {
        tries += 1;
        let answer = iam.send(call, policy.header(tries), sending).await;
        let (again, ended) = match judge(&answer, operation, policy)? {
            Judged::Result(result) => return Ok(result),
            Judged::Ended { again, ended } => (again, ended),
        };
        if !again {
            return Err(ended);
        }
        if tries >= policy.max_attempts {
            return Err(match ended {
                Ended::Refused { refusal, operation, .. } => {
                    Ended::Refused { refusal, operation, retries: Some(tries - 1) }
                }
                other => other,
            });
        }
        let wait = policy.wait(tries, fastrand::f64());
        tracing::debug!(tries, ms = wait.as_millis(), "trying again after a wait");
        tokio::time::sleep(wait).await;
    }
}

/// What one try amounts to.
enum Judged {
    Result(Value),
    /// It failed, and may be tried again or not.
    Ended {
        again: bool,
        ended: Ended,
    },
}

fn judge(answer: &Result<RawAnswer, Unanswered>, operation: Operation, policy: Policy) -> Result<Judged, Ended> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(unanswered) => {
            let again = policy.is_worth_it(&Tried::Unanswered(unanswered));
            return Ok(Judged::Ended { again, ended: Ended::Unanswered(unanswered.clone()) });
        }
    };
    match answer::read(answer, operation).map_err(Ended::Said)? {
        Meaning::Result(result) => Ok(Judged::Result(result)),
        Meaning::Refused(Refusal { code, message }) => {
            tracing::debug!(status = answer.status, code, "answer");
            let again = policy.is_worth_it(&Tried::Answered(answer.status, Some(&code)));
            let refusal = Refusal { code, message };
            Ok(Judged::Ended {
                again,
                ended: Ended::Refused { refusal, operation: operation.api_name(), retries: None },
            })
        }
    }
}

/// Says that nobody checks who answers.
fn warn(url: &str) {
    let Some(rest) = url.strip_prefix("https://") else { return };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host_and_port.split(':').next().unwrap_or_default();
    stderr::write(format!(
        "InsecureRequestWarning: Unverified HTTPS request is being made to host '{host}'. Adding certificate verification is strongly advised.\n"
    ));
}

fn input_skeleton(operation: Operation) -> Value {
    match operation {
        Operation::GetAccountSummary => json!({}),
        // The AWS CLI draws one of the two at random.
        Operation::SetSecurityTokenServicePreferences => json!({ "GlobalEndpointTokenVersion": "v2Token" }),
    }
}

fn output_skeleton(operation: Operation) -> Value {
    match operation {
        Operation::GetAccountSummary => json!({ "SummaryMap": { "KeyName": 0 } }),
        Operation::SetSecurityTokenServicePreferences => json!({}),
    }
}

/// The environment and the profiles of this process.
struct Surroundings {
    profiles: Profiles,
}

impl Around for Surroundings {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn has_profile(&self, profile: &str) -> bool {
        self.profiles.contains(profile)
    }

    fn of_profile(&self, profile: &str, key: &str) -> Option<String> {
        self.profiles.get(profile, key).map(str::to_owned)
    }
}
