//! This module owns the settings of `v2token iam`: options, environment and profile, resolved as the AWS CLI v1 resolves them.

use std::path::PathBuf;
use std::time::Duration;

use super::ended::Ended;
use super::options::Globals;
use super::output::ResultFormat;
use super::python::int;
use super::retry::{Mode, Policy};
use super::wire::{RawAccess, Trust};
use crate::secret::without_user;

/// How long connecting and answering may each take, unless said otherwise (botocore 1.43, `endpoint.py`).
const TIMEOUT: i64 = 60;

/// How often a call is tried (botocore 1.43, `data/_retry.json`, `retries/standard.py`).
const LEGACY_ATTEMPTS: u32 = 5;
const STANDARD_ATTEMPTS: u32 = 3;

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
    pub(super) format: ResultFormat,
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

/// The profile: that of the command line, else that of the environment.
pub(super) fn profile(globals: &Globals, around: &impl Around) -> Result<Option<String>, Ended> {
    let named = globals.get("--profile").filter(|profile| !profile.is_empty()).map(str::to_owned);
    let profile = named.or_else(|| around.variable("AWS_DEFAULT_PROFILE")).or_else(|| around.variable("AWS_PROFILE"));
    match profile {
        Some(unknown) if !around.has_profile(&unknown) => {
            Err(Ended::said(format!("The config profile ({unknown}) could not be found")))
        }
        known => Ok(known),
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
    let url = without_user(url);
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
    pub(super) fn resolve(
        globals: &Globals,
        timeouts: Timeouts,
        profile: Option<String>,
        around: &impl Around,
    ) -> Result<Self, Ended> {
        let explicit = globals.get("--profile").filter(|profile| !profile.is_empty());
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
fn format_named(name: &str) -> Result<ResultFormat, Ended> {
    match name {
        "json" => Ok(ResultFormat::Json),
        "text" => Ok(ResultFormat::Text),
        "table" => Ok(ResultFormat::Table),
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
    let attempts = match attempts.map(int).transpose().map_err(Ended::Said)? {
        Some(given) if given < 1 => {
            return Err(Ended::said(format!(
                "Value provided to \"max_attempts\": {given} must be an integer greater than or equal to 1."
            )));
        }
        given => given.map(|given| u32::try_from(given).unwrap_or(u32::MAX)),
    };
    let (mode, usual) = match mode {
        None | Some("legacy") => (Mode::Legacy, LEGACY_ATTEMPTS),
        Some("standard" | "adaptive") => (Mode::Standard, STANDARD_ATTEMPTS),
        Some(other) => {
            let message = "must be one of: ('legacy', 'standard', 'adaptive')";
            return Err(Ended::said(format!("Invalid value provided to \"mode\": \"{other}\" {message}")));
        }
    };
    Ok(Policy { mode, max_attempts: attempts.unwrap_or(usual) })
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
    let refused = || Ended::said(format!("Invalid endpoint: {}", without_user(url)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awscli::options;

    /// An environment of `NAME=value` words, and a profile `work` that has everything.
    struct Fixed(&'static str);

    impl Around for Fixed {
        fn variable(&self, name: &str) -> Option<String> {
            let mut words = self.0.split(' ').filter_map(|word| word.split_once('='));
            words.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        }

        fn has_profile(&self, profile: &str) -> bool {
            profile == "work"
        }

        fn of_profile(&self, profile: &str, key: &str) -> Option<String> {
            let value = match key {
                "region" => "eu-west-1",
                "output" => "table",
                "ca_bundle" => "/work.pem",
                "max_attempts" => "7",
                "retry_mode" => "standard",
                _ => return None,
            };
            (profile == "work").then(|| value.to_owned())
        }
    }

    fn resolve(options: &str, environment: &'static str) -> Result<Settings, String> {
        let words = options.split(' ').chain(["iam", "get-account-summary"]).filter(|word| !word.is_empty());
        let (globals, _) = options::globals(&words.map(str::to_owned).collect::<Vec<_>>()).unwrap();
        let around = Fixed(environment);
        let resolved = check_scheme(&globals)
            .and_then(|()| Timeouts::resolve(&globals))
            .and_then(|timeouts| Ok((timeouts, super::profile(&globals, &around)?)))
            .and_then(|(timeouts, profile)| Settings::resolve(&globals, timeouts, profile, &around));
        resolved.map_err(|ended| ended.text().trim().to_owned())
    }

    #[test]
    fn options_win_over_the_environment_and_that_over_the_profile() {
        for (options, environment, region, format, trust, attempts) in [
            ("", "", None, ResultFormat::Json, Trust::System, 5),
            ("--profile work", "", Some("eu-west-1"), ResultFormat::Table, Trust::Bundle("/work.pem".into()), 7),
            ("", "AWS_PROFILE=work", Some("eu-west-1"), ResultFormat::Table, Trust::Bundle("/work.pem".into()), 7),
            (
                "--profile work",
                "AWS_DEFAULT_REGION=us-east-1 AWS_DEFAULT_OUTPUT=text AWS_CA_BUNDLE=/env.pem AWS_MAX_ATTEMPTS=2",
                Some("us-east-1"),
                ResultFormat::Text,
                Trust::Bundle("/env.pem".into()),
                2,
            ),
            (
                "--region cn-north-1 --output json --ca-bundle /option.pem",
                "AWS_PROFILE=work AWS_CA_BUNDLE=/env.pem",
                Some("cn-north-1"),
                ResultFormat::Json,
                Trust::Bundle("/option.pem".into()),
                7,
            ),
            ("--no-verify-ssl --ca-bundle /x", "AWS_RETRY_MODE=adaptive", None, ResultFormat::Json, Trust::Anybody, 3),
        ] {
            let settings = resolve(options, environment).unwrap();
            assert_eq!(settings.access.region.as_deref(), region, "{options} {environment}");
            assert_eq!(settings.format, format, "{options} {environment}");
            assert_eq!(settings.access.trust, trust, "{options} {environment}");
            assert_eq!(settings.retries.max_attempts, attempts, "{options} {environment}");
        }
    }

    #[test]
    fn nobody_is_trusted_with_credentials_because_iam_is_not_verified() {
        let access = resolve("--no-verify-ssl", "AWS_CA_BUNDLE=/env.pem").unwrap().access;
        assert_eq!(access.trust, Trust::Anybody);
        assert_eq!(access.credentials_trust, Trust::Bundle("/env.pem".into()));
    }

    #[test]
    fn timeouts_are_seconds_and_zero_is_for_ever() {
        let access = resolve("--cli-read-timeout 0 --cli-connect-timeout 5", "").unwrap().access;
        assert_eq!((access.read_timeout, access.connect_timeout), (None, Some(Duration::from_secs(5))));
        let access = resolve("", "").unwrap().access;
        assert_eq!(
            (access.read_timeout, access.connect_timeout),
            (Some(Duration::from_mins(1)), Some(Duration::from_mins(1)))
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_the_aws_cli() {
        for (options, environment, said) in [
            ("--profile nope", "", "The config profile (nope) could not be found"),
            ("--endpoint-url localhost", "", "Bad value for --endpoint-url \"localhost\": scheme is missing."),
            ("--region=-x-", "", "Provided region_name '-x-' doesn't match a supported format."),
            ("--cli-read-timeout x", "", "invalid literal for int() with base 10: 'x'"),
            ("--cli-read-timeout -1", "", "Attempted to set read timeout to -1,"),
            ("", "AWS_MAX_ATTEMPTS=0", "Value provided to \"max_attempts\": 0 must be an integer"),
            ("", "AWS_RETRY_MODE=x", "Invalid value provided to \"mode\": \"x\""),
            ("", "AWS_DEFAULT_OUTPUT=x", "Unknown output type: x"),
            ("", "AWS_ACCESS_KEY_ID=A", "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"),
        ] {
            let refused = resolve(options, environment).unwrap_err();
            assert!(refused.starts_with(said), "{options} {environment}: {refused}");
        }
    }

    #[test]
    fn an_endpoint_has_a_host_that_could_exist() {
        for url in ["http://h", "https://a-b.c:1/x?y", "http://127.0.0.1:5000", "http://[::1]:1/", "http://u:p@h."] {
            assert!(check_endpoint(url).is_ok(), "{url}");
        }
        for url in ["", "h", "http://", "http://a_b", "http://-a", "http://a..b", "http://[x]", "http://a\n"] {
            assert!(check_endpoint(url).is_err(), "{url}");
        }
    }
}
