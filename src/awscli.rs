//! `v2token iam` replaces `aws iam set-security-token-service-preferences` and `aws iam get-account-summary` of the AWS CLI v1.
//! It has the same options, so that a script only has to replace `aws` with `v2token`.
//!
//! `docs/aws-cli.md` lists the differences. The tests compare what both programs do.

mod answer;
mod argparse;
mod errors;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod help;
mod input;
mod no_verify_ssl;
mod options;
pub(crate) mod output;
mod retry;
mod settings;
mod wire;

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use crate::aws_settings::{AwsSettings, Variables};
use crate::build_info::VERSION;
use crate::cloud::aws::endpoint::authority;
use crate::ignored_signals;
use crate::jmespath::Query;
use crate::python;
use crate::terminal::{layout, stderr};
use errors::AwsCliError;
use options::{Action, CallArguments, GlobalOptions, Skeleton, Subcommand};
use output::TableStyle;
use settings::{CallSettings, TlsTrust};
use wire::{WireClient, WireRequest};

pub use help::global_options;
pub(crate) use help::{OptionHelp, subcommands};
pub use options::names as option_names;
pub(crate) use options::names_iam;

/// The exit code of the AWS CLI for most errors.
pub(crate) const FAILED: u8 = 255;

/// Runs the command and returns the exit code of the process, which is that of the AWS CLI: 0, 2, 130, or 255.
pub(crate) async fn run(arguments: &[String]) -> u8 {
    // As in Python, SIGINT stays ignored if it was ignored at the start.
    let interrupted = async {
        match ignored_signals::interrupt() {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    let result = tokio::select! {
        result = Box::pin(result(arguments)) => result,
        () = interrupted => Err(AwsCliError::Interrupted),
    };
    let printed = result.and_then(|text| {
        print(&text).map_err(|error| AwsCliError::from(format!("the result could not be written: {error}")))
    });
    let Err(error) = printed else { return 0 };
    if error == AwsCliError::Interrupted {
        // The AWS CLI prints this line break too. A failure to print it is ignored, because the command ends here.
        let _ = print("\n");
    }
    stderr::write(error.text());
    error.exit_code()
}

/// Returns the result of a JMESPath expression, or the message of the error.
///
/// # Errors
///
/// When the expression is invalid, or a function in it does not accept an argument.
pub fn search(expression: &str, document: &Value) -> Result<Value, String> {
    let query = Query::compile(expression).map_err(|invalid| invalid.in_full)?;
    query.search(document).map(Cow::into_owned)
}

/// Writes to stdout. A reader that closed the pipe, such as `head`, is not an error.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Runs the command, and returns the text for stdout.
async fn result(arguments: &[String]) -> Result<String, AwsCliError> {
    let (globals, rest) = options::globals(arguments)?;
    if globals.contains_key("--debug") {
        stderr::start_debug_log(false, false);
    }
    let query = globals.get("--query").map(|query| {
        Query::compile(query).map_err(|invalid| format!("Bad value for --query {query}: {}", invalid.in_full))
    });
    let query = query.transpose()?;
    settings::check_first(&globals)?;
    match options::action(&globals, &rest)? {
        Action::Version => Ok(format!("v2token/{VERSION}\n")),
        Action::Help(topic) => Ok(help::text(topic)),
        Action::Call(arguments) => call(&arguments, &globals, query.as_ref()).await,
    }
}

async fn call(
    arguments: &CallArguments,
    globals: &GlobalOptions,
    query: Option<&Query>,
) -> Result<String, AwsCliError> {
    let subcommand = arguments.subcommand;
    let profile = globals.get("--profile").map(String::as_str);
    let aws = AwsSettings::read(profile, Variables::of_process())?;
    let parameters = input::parameters(arguments)?;
    if arguments.skeleton == Some(Skeleton::Input) {
        let skeleton = match subcommand {
            Subcommand::GetAccountSummary => json!({}),
            // The AWS CLI chooses one of the two versions at random.
            Subcommand::SetSecurityTokenServicePreferences => json!({ "GlobalEndpointTokenVersion": "v2Token" }),
        };
        return Ok(python::indented_json(&skeleton) + "\n");
    }
    let settings = CallSettings::resolve(globals, aws)?;
    let client = WireClient::new(&settings).await?;
    if let Some(url) = &client.endpoint_url {
        settings::check_endpoint(url)?;
    }
    let request = input::request(subcommand, &parameters)?;
    let result = match (arguments.skeleton, subcommand) {
        (None, _) => send(&client, request, subcommand, &settings).await?,
        (Some(_), Subcommand::GetAccountSummary) => json!({ "SummaryMap": { "KeyName": 0 } }),
        (Some(_), Subcommand::SetSecurityTokenServicePreferences) => json!({}),
    };
    let result = query.map_or(Ok(Cow::Borrowed(&result)), |query| query.search(&result))?;
    let color = match globals.get("--color").map(String::as_str) {
        Some("on") => true,
        Some("off") => false,
        _ => io::stdout().is_terminal(),
    };
    let style = TableStyle { color, width: layout::stdout_width() };
    Ok(output::format(&result, settings.format, subcommand.api_name(), style)?)
}

/// Sends the request until it succeeds, fails with an error that is not retried, or has used up its attempts.
async fn send(
    client: &WireClient,
    request: WireRequest,
    subcommand: Subcommand,
    settings: &CallSettings,
) -> Result<Value, AwsCliError> {
    let policy = settings.retries;
    let before_sending: fn(&str) = if settings.trust == TlsTrust::Unverified { warn_unverified } else { |_| {} };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let response = client.send(request, policy.header(attempts), before_sending).await;
        let mut error = match response.and_then(|response| answer::parse(&response, subcommand)) {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        if let AwsCliError::Service { status, code, .. } = &error {
            tracing::info!(status, code, "answer");
        }
        let is_retryable = policy.is_retryable(&error);
        if !is_retryable || attempts >= policy.max_attempts {
            if let AwsCliError::Service { retries, .. } = &mut error {
                *retries = is_retryable.then_some(attempts - 1);
            }
            return Err(error);
        }
        let wait = policy.wait(attempts, fastrand::f64());
        tracing::info!(tries = attempts, ms = wait.as_millis(), "trying again after a wait");
        tokio::time::sleep(wait).await;
    }
}

/// Warns that the certificate of the host is not verified.
fn warn_unverified(url: &str) {
    let Some(rest) = url.strip_prefix("https://") else { return };
    let host = authority(rest).split(':').next().unwrap_or_default();
    stderr::write(format!(
        "InsecureRequestWarning: Unverified HTTPS request is being made to host '{host}'. Adding certificate verification is strongly advised.\n"
    ));
}
