//! What the `AWS_*` variables and the files in `~/.aws` say, read by the rules of botocore, for all commands.
//!
//! Everything here is decided without a call. `cloud::aws` fetches the credentials from the source that is decided here.

mod endpoints;
mod files;
pub mod ini;
pub mod proxy;
mod python;
mod role_cache;
mod source;
mod variables;

use crate::secret::without_user;
use files::{Settings, SharedFiles, text};
use ini::Value;

pub use endpoints::{RegionChoice, Service};
pub use role_cache::{CachedSession, EXPIRY_WINDOW};
pub use source::{CredentialSource, KeyOrigin, Keys, ProfileRole, SsoRole, WebIdentity};
pub use variables::Variables;

type Result<T> = std::result::Result<T, AwsSettingsError>;

/// The variables or the files can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsSettingsError {
    /// A file can't be read, or is not in the INI dialect of botocore.
    #[error("{path}{}: {detail}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    File {
        /// The file.
        path: String,
        /// The line, if it is known.
        line: Option<usize>,
        /// What is wrong with the file.
        detail: String,
    },
    /// The profile is not defined.
    #[error(
        "{origin} names the profile {profile:?}, which is defined neither in {config} nor in {credentials}{suggestion}"
    )]
    NoProfile {
        /// The name.
        profile: String,
        /// The option or the variable that names the profile.
        origin: &'static str,
        /// The path of the config file.
        config: String,
        /// The path of the credentials file.
        credentials: String,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// The profile can't be used.
    #[error("profile {profile:?}: {detail}")]
    Profile {
        /// The profile.
        profile: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Only a part of the keys is in the environment.
    #[error("AWS_ACCESS_KEY_ID is set, and {missing} is not")]
    PartialKeys {
        /// The missing variable.
        missing: &'static str,
    },
    /// A variable is not text.
    #[error("{name} is not text in UTF-8")]
    NotText {
        /// The variable.
        name: String,
    },
    /// There is a web identity token, but no role to assume with it.
    #[error(
        "there is a web identity token file, and no role to assume with it: set role_arn in the profile, or AWS_ROLE_ARN"
    )]
    WebIdentityWithoutRole,
    /// A variable or a setting of the profile has a value that is not allowed.
    #[error("{name} is {value:?}: {expected}")]
    Value {
        /// The variable or the setting.
        name: String,
        /// Its value.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
}

/// The settings of a profile that are read as texts.
const TEXTS: [&str; 22] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "ca_bundle",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "endpoint_url",
    "external_id",
    "login_session",
    "mfa_serial",
    "region",
    "role_arn",
    "role_session_name",
    "services",
    "source_profile",
    "sso_account_id",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// The variables and the files, with the profile in use. They may hold keys, so this type does not implement `Debug`.
#[derive(Clone)]
pub struct AwsSettings {
    variables: Variables,
    files: SharedFiles,
    /// The profile that an option or a variable names.
    profile: Option<String>,
    /// Whether an option names the profile. If so, keys in the environment do not count.
    is_named: bool,
}

impl AwsSettings {
    /// Reads the files, and finds the profile: that of the option, or else that of `AWS_DEFAULT_PROFILE` or `AWS_PROFILE`.
    ///
    /// # Errors
    ///
    /// Returns an error if a file can't be read, or if no file defines the profile.
    pub fn read(profile_option: Option<&str>, variables: Variables) -> Result<Self> {
        variables.check_text().map_err(|name| AwsSettingsError::NotText { name: name.to_owned() })?;
        let files = SharedFiles::read(&variables)?;
        Self::with_files(profile_option, variables, files)
    }

    /// Finds the profile in the contents of the files.
    fn with_files(profile_option: Option<&str>, variables: Variables, files: SharedFiles) -> Result<Self> {
        let by_option = profile_option.filter(|profile| !profile.is_empty()).map(|profile| (profile, "--profile"));
        let by_variable = |name| variables.get(name).map(|profile| (profile, name));
        let found = by_option.or_else(|| by_variable("AWS_DEFAULT_PROFILE")).or_else(|| by_variable("AWS_PROFILE"));
        if let Some((profile, origin)) = found
            && files.profile(profile).is_none()
        {
            return Err(AwsSettingsError::NoProfile {
                profile: profile.to_owned(),
                origin,
                suggestion: crate::suggest::did_you_mean(profile, files.profile_names()),
                config: files.config_path,
                credentials: files.credentials_path,
            });
        }
        let profile = found.map(|(profile, _)| profile.to_owned());
        Ok(Self { profile, is_named: by_option.is_some(), variables, files })
    }

    /// Returns the name of the profile in use.
    pub fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or("default")
    }

    /// Whether an option or a variable names the profile.
    pub const fn has_profile(&self) -> bool {
        self.profile.is_some()
    }

    /// Whether an option names the profile.
    pub(crate) const fn is_profile_named(&self) -> bool {
        self.is_named
    }

    /// Returns a setting of the profile in use.
    pub(crate) fn in_profile(&self, key: &str) -> Option<&str> {
        self.files.profile(self.profile_name()).and_then(|profile| text(profile, key))
    }

    /// Returns a setting of the environment, or else of the profile in use. A variable that is set to an empty text counts as
    /// set.
    pub fn setting(&self, variable: &str, key: &str) -> Option<&str> {
        self.variables.get(variable).or_else(|| self.in_profile(key))
    }

    /// Returns a setting that is true or false. Only the text `true`, in upper or lower case, is true (botocore 1.43, `utils.py`,
    /// `ensure_boolean`).
    fn switch(&self, variable: &str, key: &str) -> bool {
        self.setting(variable, key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Checks that the keys of the environment are complete, unless an option names the profile.
    ///
    /// # Errors
    ///
    /// Returns an error if the environment has the access key id, but not the secret key.
    pub fn check_environment_keys(&self) -> Result<()> {
        if self.is_named { Ok(()) } else { source::environment_keys(self).map(|_| ()) }
    }

    /// Decides where the base credentials come from.
    ///
    /// # Errors
    ///
    /// Returns an error if the keys of the environment, the profile, or a profile that its role is based on are incomplete, or if
    /// botocore does not accept a value.
    pub fn credential_source(&self) -> Result<CredentialSource> {
        self.check_values()?;
        source::decide(self)
    }

    /// Checks the `sso-session` of the profile in use. botocore reads it for every client, even if other credentials count (1.43,
    /// `tokens.py`, `SSOTokenProvider`).
    fn check_sso_session(&self) -> Result<()> {
        let profile = self.profile_name();
        let Some(own) = self.files.profile(profile) else { return Ok(()) };
        check_texts(profile, own)?;
        let Some(name) = text(own, "sso_session") else { return Ok(()) };
        let section = self.files.sso_session(name);
        let section = section.ok_or_else(|| refuse(profile, &format!("there is no section [sso-session {name}]")))?;
        let missing: Vec<&str> =
            ["sso_start_url", "sso_region"].into_iter().filter(|key| text(section, key).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(refuse(profile, &format!("the section [sso-session {name}] has no {}", missing.join(" and no "))))
    }

    /// Checks that the endpoint of container credentials is one that botocore accepts (1.43, `utils.py`, `ContainerMetadataFetcher`):
    /// HTTPS, an address of this machine, or an address of a container service.
    ///
    /// # Errors
    ///
    /// When it is another host.
    pub fn check_container_host(&self) -> Result<()> {
        let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        if self.variables.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some() {
            return Ok(());
        }
        let Some(url) = self.variables.get(name) else { return Ok(()) };
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match authority.strip_prefix('[') {
            Some(inside) => inside.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let allowed = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"];
        let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if scheme.eq_ignore_ascii_case("https") || is_loopback || allowed.contains(&host.to_ascii_lowercase().as_str())
        {
            return Ok(());
        }
        Err(AwsSettingsError::Value {
            name: name.to_owned(),
            value: without_user(url).into_owned(),
            expected: "expected https://, an address of this machine, or an address of a container service",
        })
    }

    /// Checks the values that botocore checks before it looks for credentials, although this program has no use for them.
    fn check_values(&self) -> Result<()> {
        for (variable, key) in [
            ("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout"),
            ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts"),
        ] {
            if let Some(text) = self.setting(variable, key).filter(|text| text.trim().parse::<i64>().is_err()) {
                return Err(invalid(variable, key, text, "expected a whole number"));
            }
        }
        self.check_sso_session()?;
        let metadata = self.instance_metadata_endpoint()?;
        let host = metadata.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        if host.is_empty() {
            let name = "AWS_EC2_METADATA_SERVICE_ENDPOINT or ec2_metadata_service_endpoint".to_owned();
            let expected = "expected a URL such as http://169.254.169.254";
            return Err(AwsSettingsError::Value { name, value: without_user(metadata).into_owned(), expected });
        }
        let (variable, key) = ("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints");
        match self.setting(variable, key) {
            None | Some("" | "regional" | "legacy") => Ok(()),
            Some(text) => Err(invalid(variable, key, text, "expected regional or legacy")),
        }
    }

    /// Returns the app id that the user has set for the user agent of all programs.
    pub fn app_id(&self) -> Option<&str> {
        self.setting("AWS_SDK_UA_APP_ID", "sdk_ua_app_id")
    }

    /// Returns the file with the trusted certificate authorities. Like botocore (1.43, `endpoint.py`), the program falls back to
    /// `REQUESTS_CA_BUNDLE`, the variable of the library `requests`.
    pub fn ca_bundle(&self) -> Option<String> {
        let path = self.setting("AWS_CA_BUNDLE", "ca_bundle").or_else(|| self.variables.get("REQUESTS_CA_BUNDLE"));
        path.map(|path| self.variables.expand_home(path))
    }

    /// Returns the same file as [`ca_bundle`](Self::ca_bundle).
    ///
    /// # Errors
    ///
    /// Returns an error if there is such a setting, but its value is empty.
    pub fn checked_ca_bundle(&self) -> Result<Option<String>> {
        match self.ca_bundle() {
            Some(path) if path.trim().is_empty() => Err(AwsSettingsError::Value {
                name: "AWS_CA_BUNDLE, ca_bundle or REQUESTS_CA_BUNDLE".to_owned(),
                value: path,
                expected: "expected a file with certificates; remove the setting to trust the system's authorities",
            }),
            path => Ok(path),
        }
    }

    /// Returns the configured token files that can't be read. The program names these files in its message, because the SDK's
    /// error does not name them.
    pub fn unreadable_token_files(&self) -> Vec<&str> {
        let variables = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
        let files = variables.iter().filter_map(|name| self.variables.get_non_empty(name));
        let files = files.chain(self.in_profile("web_identity_token_file"));
        files.filter(|file| std::fs::File::open(file).is_err()).collect()
    }

    /// Returns the settings for these contents of the two files.
    ///
    /// # Errors
    ///
    /// Returns an error if the contents are not in the INI dialect of botocore, or if no file defines the profile.
    pub fn of_contents(
        profile_option: Option<&str>,
        variables: Variables,
        config: &[u8],
        credentials: &[u8],
    ) -> Result<Self> {
        let sections = |bytes| {
            ini::parse(bytes).map_err(|error| AwsSettingsError::File {
                path: "file".to_owned(),
                line: error.line,
                detail: error.detail,
            })
        };
        Self::with_files(profile_option, variables, SharedFiles::of(sections(config)?, sections(credentials)?))
    }

    /// Returns the maximum number of attempts of a call.
    ///
    /// # Errors
    ///
    /// Returns an error if the configured value is not a whole number of at least 1.
    pub fn max_attempts(&self) -> Result<Option<u32>> {
        let Some(text) = self.setting("AWS_MAX_ATTEMPTS", "max_attempts") else { return Ok(None) };
        let number = text.trim().parse::<u32>().ok().filter(|number| *number > 0);
        let expected = "expected a whole number from 1";
        number.map(Some).ok_or_else(|| invalid("AWS_MAX_ATTEMPTS", "max_attempts", text, expected))
    }
}

/// Returns an error if a setting that is read as a text has indented lines instead. botocore fails on such a setting, too.
fn check_texts(profile: &str, settings: &Settings) -> Result<()> {
    let nested = TEXTS.iter().find(|key| matches!(settings.get(**key), Some(Value::Nested(_))));
    nested.map_or(Ok(()), |key| Err(refuse(profile, &format!("{key} must be a text, and has indented lines"))))
}

fn invalid(variable: &str, key: &str, value: &str, expected: &'static str) -> AwsSettingsError {
    AwsSettingsError::Value { name: format!("{variable} or {key}"), value: value.to_owned(), expected }
}

fn refuse(profile: &str, detail: &str) -> AwsSettingsError {
    AwsSettingsError::Profile { profile: profile.to_owned(), detail: detail.to_owned() }
}
