//! This module owns the settings of `v2token iam`: options, environment and profile, resolved as the AWS CLI v1 resolves them.

use std::path::PathBuf;
use std::time::Duration;

use super::ended::Ended;
use super::number::int;
use super::options::Globals;
use super::retry::{Mode, Policy};
use crate::cloud::aws::{RawAccess, Trust};

/// How long connecting and answering may each take, unless said otherwise (botocore 1.43, `endpoint.py`).
const TIMEOUT: i64 = 60;

/// How often a call is tried (botocore 1.43, `data/_retry.json`, `retries/standard.py`).
const LEGACY_ATTEMPTS: u32 = 5;
const STANDARD_ATTEMPTS: u32 = 3;

/// The forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Text,
    Table,
}

/// What surrounds a command: the environment, and the profiles.
pub(super) trait Around {
    /// A variable of the environment. An empty one is not an unset one.
    fn variable(&self, name: &str) -> Option<String>;
    /// Whether there is a profile of this name.
    fn has_profile(&self, profile: &str) -> bool;
    /// What a profile says under a key.
    fn of_profile(&self, profile: &str, key: &str) -> Option<String>;
}

/// The settings of a call.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) access: RawAccess,
    pub(super) retries: Policy,
    pub(super) format: Format,
}

/// What the options say by themselves. Checked before anything else is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timeouts {
    read: i64,
    connect: i64,
}

impl Timeouts {
    pub(super) fn resolve(globals: &Globals) -> Result<Self, Ended> {
        let seconds = |name| globals.get(name).map_or(Ok(TIMEOUT), int).map_err(Ended::Said);
        Ok(Self { read: seconds("--cli-read-timeout")?, connect: seconds("--cli-connect-timeout")? })
    }
}

/// Checks that the endpoint of the command line has a scheme, as the AWS CLI does first of all.
pub(super) fn check_scheme(globals: &Globals) -> Result<(), Ended> {
    let Some(url) = globals.get("--endpoint-url") else { return Ok(()) };
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let allowed = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
    if scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(allowed) {
        return Ok(());
    }
    Err(Ended::said(format!(
        "Bad value for --endpoint-url \"{url}\": scheme is missing.  Must be of the form http://<hostname>/ or https://<hostname>/"
    )))
}

impl Settings {
    /// Resolves everything.
    ///
    /// # Errors
    ///
    /// What the AWS CLI says when it makes its client, in the order in which it looks.
    pub(super) fn resolve(globals: &Globals, timeouts: Timeouts, around: &impl Around) -> Result<Self, Ended> {
        let explicit = globals.get("--profile").filter(|profile| !profile.is_empty());
        let named = explicit.map(str::to_owned).or_else(|| around.variable("AWS_DEFAULT_PROFILE"));
        let profile = named.or_else(|| around.variable("AWS_PROFILE"));
        if let Some(profile) = &profile
            && !around.has_profile(profile)
        {
            return Err(Ended::said(format!("The config profile ({profile}) could not be found")));
        }
        let section = profile.clone().unwrap_or_else(|| "default".to_owned());
        let configured =
            |variable: &str, key: &str| around.variable(variable).or_else(|| around.of_profile(&section, key));
        let sign = !globals.has("--no-sign-request");
        if sign && explicit.is_none() {
            check_environment_credentials(around)?;
        }
        let mode = configured("AWS_RETRY_MODE", "retry_mode");
        let attempts = configured("AWS_MAX_ATTEMPTS", "max_attempts");
        let retries = policy(mode.as_deref(), attempts.as_deref())?;
        let region = globals.get("--region").filter(|region| !region.is_empty()).map(str::to_owned);
        let region = region.or_else(|| configured("AWS_DEFAULT_REGION", "region")).filter(|region| !region.is_empty());
        if let Some(region) = &region {
            check_region(region)?;
        }
        let endpoint_url = globals.get("--endpoint-url").map(str::to_owned);
        let bundle = configured("AWS_CA_BUNDLE", "ca_bundle").or_else(|| around.variable("REQUESTS_CA_BUNDLE"));
        let credentials_trust = trust(bundle.as_deref());
        let trust = match (globals.has("--no-verify-ssl"), globals.get("--ca-bundle")) {
            (true, _) => Trust::Anybody,
            (false, Some(path)) => trust(Some(path)),
            (false, None) => credentials_trust.clone(),
        };
        if let Trust::Bundle(path) = &trust
            && path.to_string_lossy().trim().is_empty()
        {
            return Err(Ended::said(
                "Invalid CA bundle: the configured value is empty. Provide a valid path to a CA bundle file.",
            ));
        }
        let access = RawAccess {
            profile,
            explicit: explicit.is_some(),
            region,
            endpoint_url,
            trust,
            credentials_trust,
            sign,
            connect_timeout: limit("connect", timeouts.connect)?,
            read_timeout: limit("read", timeouts.read)?,
        };
        let format = match globals.get("--output").map(str::to_owned) {
            Some(output) => output,
            None => configured("AWS_DEFAULT_OUTPUT", "output").unwrap_or_else(|| "json".to_owned()),
        };
        Ok(Self { access, retries, format: format_named(&format)? })
    }
}

fn trust(bundle: Option<&str>) -> Trust {
    bundle.map_or(Trust::System, |path| Trust::Bundle(PathBuf::from(path)))
}

/// An unknown form is refused before anything is sent. The AWS CLI makes the call first, and ends with 255 all the same.
fn format_named(name: &str) -> Result<Format, Ended> {
    match name {
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        "table" => Ok(Format::Table),
        other => Err(Ended::said(format!("Unknown output type: {other}"))),
    }
}

/// Half of a pair of keys is a mistake, and not a reason to look elsewhere.
fn check_environment_credentials(around: &impl Around) -> Result<(), Ended> {
    let given = |name: &str| around.variable(name).is_some_and(|value| !value.is_empty());
    if given("AWS_ACCESS_KEY_ID") && !given("AWS_SECRET_ACCESS_KEY") {
        return Err(Ended::said("Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"));
    }
    Ok(())
}

fn policy(mode: Option<&str>, attempts: Option<&str>) -> Result<Policy, Ended> {
    let attempts = attempts.map(int).transpose().map_err(Ended::Said)?;
    let (mode, usual) = match mode {
        None | Some("legacy") => (Mode::Legacy, LEGACY_ATTEMPTS),
        Some("standard" | "adaptive") => (Mode::Standard, STANDARD_ATTEMPTS),
        Some(other) => {
            let message = "must be one of: ('legacy', 'standard', 'adaptive')";
            return Err(Ended::said(format!("Invalid value provided to \"mode\": \"{other}\" {message}")));
        }
    };
    match attempts {
        None => Ok(Policy { mode, max_attempts: usual }),
        Some(given) if given >= 1 => Ok(Policy { mode, max_attempts: u32::try_from(given).unwrap_or(u32::MAX) }),
        Some(given) => Err(Ended::said(format!(
            "Value provided to \"max_attempts\": {given} must be an integer greater than or equal to 1."
        ))),
    }
}

/// Whether a Region could be part of a host's name.
fn check_region(region: &str) -> Result<(), Ended> {
    let characters = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let number = region.bytes().all(|byte| byte.is_ascii_digit());
    if characters && !number && region.len() <= 63 && !region.starts_with('-') && !region.ends_with('-') {
        return Ok(());
    }
    Err(Ended::said(format!("Provided region_name '{region}' doesn't match a supported format.")))
}

/// Checks that an endpoint has a host that could exist.
pub(super) fn check_endpoint(url: &str) -> Result<(), Ended> {
    let refused = || Ended::said(format!("Invalid endpoint: {url}"));
    let (_, rest) = url.split_once("://").ok_or_else(refused)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(inside) = host_and_port.strip_prefix('[') {
        let address = inside.split(']').next().unwrap_or_default();
        return address.parse::<std::net::Ipv6Addr>().map(drop).map_err(|_| refused());
    }
    let host = host_and_port.split(':').next().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let clean = !url.contains(['\t', '\r', '\n']);
    if clean && host.len() <= 255 && host.split('.').all(is_label) { Ok(()) } else { Err(refused()) }
}

/// Zero is for ever.
fn limit(which: &str, seconds: i64) -> Result<Option<Duration>, Ended> {
    match u64::try_from(seconds) {
        Ok(0) => Ok(None),
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
        Err(_) => Err(Ended::said(format!(
            "Attempted to set {which} timeout to {seconds}, but the timeout cannot be set to a value less than or equal to 0."
        ))),
    }
}
