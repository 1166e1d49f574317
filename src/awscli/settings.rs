//! The settings of a call: options, environment and profile, resolved as the AWS CLI v1 resolves them.

use std::path::PathBuf;
use std::time::Duration;

use super::errors::AwsCliError;
use super::options::GlobalOptions;
use super::output::ResultFormat;
use super::retry::{RetryMode, RetryPolicy};
use crate::aws_settings::{AwsSettings, RegionChoice};
use crate::cloud::aws::endpoint::{has_valid_host, is_host_label};
use crate::python::int;
use crate::secret::without_user;

/// The default numbers of attempts (botocore 1.43, `data/_retry.json`, `retries/standard.py`).
const LEGACY_ATTEMPTS: u32 = 5;
const STANDARD_ATTEMPTS: u32 = 3;

/// Which certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TlsTrust {
    /// Certificates of the system's authorities.
    System,
    /// Only certificates of the authorities in a PEM file.
    Bundle(PathBuf),
    /// All certificates: they are not verified.
    Unverified,
}

/// The settings of a call. They may hold keys, so they have no `Debug`.
pub(super) struct CallSettings {
    /// The variables and the files, with the profile in use.
    pub(super) aws: AwsSettings,
    /// The Region for which requests are signed if the endpoint does not determine it.
    pub(super) region: Option<RegionChoice>,
    /// The endpoint of the command line. It takes precedence over the endpoints of the environment and of the profile.
    pub(super) endpoint_url: Option<String>,
    /// The certificates that are trusted in the connection to IAM.
    pub(super) trust: TlsTrust,
    /// The certificates that are trusted in the connections that fetch credentials.
    pub(super) credentials_trust: TlsTrust,
    /// Whether requests are signed. If not, no credentials are looked for.
    pub(super) sign: bool,
    /// The limit for connecting; `None` for no limit.
    pub(super) connect_timeout: Option<Duration>,
    /// The limit for the response; `None` for no limit.
    pub(super) read_timeout: Option<Duration>,
    pub(super) retries: RetryPolicy,
    pub(super) format: ResultFormat,
}

/// Makes the checks that the AWS CLI makes first: the endpoint of the command line has a scheme, and the timeouts are numbers.
pub(super) fn check_first(globals: &GlobalOptions) -> Result<(), AwsCliError> {
    if let Some(url) = globals.get("--endpoint-url") {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let allowed = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.chars().all(allowed) {
            let url = without_user(url);
            return Err(format!(
                "Bad value for --endpoint-url \"{url}\": scheme is missing.  Must be of the form http://<hostname>/ or https://<hostname>/"
            )
            .into());
        }
    }
    seconds(globals, "read")?;
    seconds(globals, "connect")?;
    Ok(())
}

impl CallSettings {
    /// Resolves the settings. The checks are made in the same order as in the AWS CLI.
    pub(super) fn resolve(globals: &GlobalOptions, aws: AwsSettings) -> Result<Self, AwsCliError> {
        let configured = |name: &str, key: &str| aws.setting(name, key).map(str::to_owned);
        let sign = !globals.contains_key("--no-sign-request");
        if sign {
            aws.check_environment_keys()?;
        }
        let mode = configured("AWS_RETRY_MODE", "retry_mode");
        let attempts = configured("AWS_MAX_ATTEMPTS", "max_attempts");
        let retries = retry_policy(mode.as_deref(), attempts.as_deref())?;
        let region = globals.get("--region").filter(|region| !region.is_empty()).cloned();
        let configured_region = || configured("AWS_DEFAULT_REGION", "region").filter(|region| !region.is_empty());
        let region = region.or_else(configured_region);
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(region) = region.as_deref().filter(|region| !is_host_label(region) || is_number(region)) {
            return Err(format!("Provided region_name '{region}' doesn't match a supported format.").into());
        }
        let bundle = |path: Option<String>| path.map_or(TlsTrust::System, |path| TlsTrust::Bundle(path.into()));
        let configured_bundle = aws.ca_bundle();
        let trust = match globals.get("--ca-bundle").or(configured_bundle.as_ref()) {
            _ if globals.contains_key("--no-verify-ssl") => TlsTrust::Unverified,
            Some(path) if path.trim().is_empty() => {
                return Err(
                    "Invalid CA bundle: the configured value is empty. Provide a valid path to a CA bundle file."
                        .into(),
                );
            }
            path => bundle(path.cloned()),
        };
        let connect_timeout = limit(globals, "connect")?;
        let read_timeout = limit(globals, "read")?;
        let output = globals.get("--output").cloned().or_else(|| configured("AWS_DEFAULT_OUTPUT", "output"));
        let output = output.unwrap_or_else(|| ResultFormat::Json.to_string());
        // An unknown format is refused before a request is sent. The AWS CLI sends the request first, and ends with 255 as well.
        let format = ResultFormat::ALL.into_iter().find(|format| format.as_str() == output);
        let format = format.ok_or_else(|| format!("Unknown output type: {output}"))?;
        Ok(Self {
            region: region.as_deref().map(RegionChoice::of),
            endpoint_url: globals.get("--endpoint-url").cloned(),
            trust,
            credentials_trust: bundle(configured_bundle),
            sign,
            connect_timeout,
            read_timeout,
            retries,
            format,
            aws,
        })
    }
}

fn retry_policy(mode: Option<&str>, attempts: Option<&str>) -> Result<RetryPolicy, String> {
    let attempts = match attempts.map(int).transpose()? {
        Some(given) if given < 1 => {
            return Err(format!(
                "Value provided to \"max_attempts\": {given} must be an integer greater than or equal to 1."
            ));
        }
        given => given.map(|given| u32::try_from(given).unwrap_or(u32::MAX)),
    };
    let (mode, default) = match mode {
        None | Some("legacy") => (RetryMode::Legacy, LEGACY_ATTEMPTS),
        Some("standard" | "adaptive") => (RetryMode::Standard, STANDARD_ATTEMPTS),
        Some(other) => {
            let message = "must be one of: ('legacy', 'standard', 'adaptive')";
            return Err(format!("Invalid value provided to \"mode\": \"{other}\" {message}"));
        }
    };
    Ok(RetryPolicy { mode, max_attempts: attempts.unwrap_or(default) })
}

/// Checks that an endpoint has a valid host.
pub(super) fn check_endpoint(url: &str) -> Result<(), String> {
    if has_valid_host(url) { Ok(()) } else { Err(format!("Invalid endpoint: {}", without_user(url))) }
}

/// Returns a timeout of the command line. The default is 60 seconds (botocore 1.43, `endpoint.py`).
fn seconds(globals: &GlobalOptions, which: &str) -> Result<i64, String> {
    globals.get(format!("--cli-{which}-timeout").as_str()).map_or(Ok(60), |text| int(text))
}

/// Returns a timeout of the command line as a limit; zero means no limit.
fn limit(globals: &GlobalOptions, which: &str) -> Result<Option<Duration>, String> {
    let seconds = seconds(globals, which)?;
    match u64::try_from(seconds) {
        Ok(0) => Ok(None),
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
        Err(_) => Err(format!(
            "Attempted to set {which} timeout to {seconds}, but the timeout cannot be set to a value less than or equal to 0."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awscli::options;

    /// The config file.
    const CONFIG: &[u8] =
        b"[profile work]\nregion=eu-west-1\noutput=table\nca_bundle=/work.pem\nmax_attempts=7\nretry_mode=standard\n";

    /// Resolves the settings in an environment of `NAME=value` words, where only the profile `work` exists.
    fn resolve(options: &str, environment: &str) -> Result<CallSettings, String> {
        let words = options.split(' ').chain(["iam", "get-account-summary"]).filter(|word| !word.is_empty());
        let (globals, _) = options::globals(&words.map(str::to_owned).collect::<Vec<_>>()).unwrap();
        let variables = environment.split(' ').filter_map(|word| word.split_once('=')).collect();
        let resolved = || {
            check_first(&globals)?;
            let profile = globals.get("--profile").map(String::as_str);
            CallSettings::resolve(&globals, AwsSettings::of_contents(profile, variables, CONFIG, b"")?)
        };
        resolved().map_err(|error: AwsCliError| error.text().trim().to_owned())
    }

    #[test]
    fn options_override_the_environment_and_the_environment_the_profile() {
        for (options, environment, region, format, trust, attempts) in [
            ("", "", None, ResultFormat::Json, TlsTrust::System, 5),
            ("--profile work", "", Some("eu-west-1"), ResultFormat::Table, TlsTrust::Bundle("/work.pem".into()), 7),
            ("", "AWS_PROFILE=work", Some("eu-west-1"), ResultFormat::Table, TlsTrust::Bundle("/work.pem".into()), 7),
            (
                "--profile work",
                "AWS_DEFAULT_REGION=us-east-1 AWS_DEFAULT_OUTPUT=text AWS_CA_BUNDLE=/env.pem AWS_MAX_ATTEMPTS=2",
                Some("us-east-1"),
                ResultFormat::Text,
                TlsTrust::Bundle("/env.pem".into()),
                2,
            ),
            (
                "--region cn-north-1 --output json --ca-bundle /option.pem",
                "AWS_PROFILE=work AWS_CA_BUNDLE=/env.pem",
                Some("cn-north-1"),
                ResultFormat::Json,
                TlsTrust::Bundle("/option.pem".into()),
                7,
            ),
            (
                "--no-verify-ssl --ca-bundle /x",
                "AWS_RETRY_MODE=adaptive",
                None,
                ResultFormat::Json,
                TlsTrust::Unverified,
                3,
            ),
        ] {
            let settings = resolve(options, environment).unwrap();
            assert_eq!(settings.region.as_ref().map(|region| region.name.as_str()), region, "{options} {environment}");
            assert_eq!(settings.format, format, "{options} {environment}");
            assert_eq!(settings.trust, trust, "{options} {environment}");
            assert_eq!(settings.retries.max_attempts, attempts, "{options} {environment}");
        }
    }

    #[test]
    fn no_verify_ssl_does_not_apply_to_fetching_credentials() {
        let client = resolve("--no-verify-ssl", "AWS_CA_BUNDLE=/env.pem").unwrap();
        assert_eq!(client.trust, TlsTrust::Unverified);
        assert_eq!(client.credentials_trust, TlsTrust::Bundle("/env.pem".into()));
    }

    #[test]
    fn timeouts_are_in_seconds_and_zero_is_no_limit() {
        let client = resolve("--cli-read-timeout 0 --cli-connect-timeout 5", "").unwrap();
        assert_eq!((client.read_timeout, client.connect_timeout), (None, Some(Duration::from_secs(5))));
        let client = resolve("", "").unwrap();
        assert_eq!(
            (client.read_timeout, client.connect_timeout),
            (Some(Duration::from_mins(1)), Some(Duration::from_mins(1)))
        );
    }

    #[test]
    fn errors_have_the_messages_of_the_aws_cli() {
        for (options, environment, message) in [
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
            let refused = resolve(options, environment).err().expect(message);
            assert!(refused.starts_with(message), "{options} {environment}: {refused}");
        }
    }

    #[test]
    fn endpoints_need_a_valid_host() {
        for url in ["http://h", "https://a-b.c:1/x?y", "http://127.0.0.1:5000", "http://[::1]:1/", "http://u:p@h."] {
            assert!(check_endpoint(url).is_ok(), "{url}");
        }
        for url in ["", "h", "http://", "http://a_b", "http://-a", "http://a..b", "http://[x]", "http://a\n"] {
            assert!(check_endpoint(url).is_err(), "{url}");
        }
    }
}
