//! Reads `~/.aws/config` and `~/.aws/credentials`, and returns their profiles as botocore sees them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::ini::{self, Section, Value};
use super::variables::Variables;
use super::{AwsSettingsError, Result};

/// The maximum size of a file that is read. Files with thousands of profiles have some 100 kB.
const MAX_SIZE: u64 = 16 << 20;

/// The settings of a profile or of another section. They may hold keys, so this type does not implement `Debug`.
pub(crate) type Settings = BTreeMap<String, Value>;

/// The contents of both files. They may hold keys, so this type does not implement `Debug`.
#[derive(Clone, Default)]
pub(crate) struct SharedFiles {
    /// The path of the config file, and that of the credentials file.
    pub(super) config_path: String,
    pub(super) credentials_path: String,
    /// The profiles of both files. Where both define a setting of a profile, the credentials file wins.
    profiles: BTreeMap<String, Settings>,
    /// The profiles of the config file alone.
    config: BTreeMap<String, Settings>,
    /// The sections of the credentials file alone.
    credentials: BTreeMap<String, Settings>,
    sso_sessions: BTreeMap<String, Settings>,
    services: BTreeMap<String, Settings>,
}

/// Returns the text of a setting, or `None` if the setting is missing or is a list of options in indented lines.
pub(crate) fn text<'a>(settings: &'a Settings, key: &str) -> Option<&'a str> {
    match settings.get(key)? {
        Value::Text(text) => Some(text),
        Value::Nested(_) => None,
    }
}

impl SharedFiles {
    /// Reads the files that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name. A missing file counts as empty.
    pub(super) fn read(variables: &Variables) -> Result<Self> {
        let path = |variable, default| variables.expand(variables.get(variable).unwrap_or(default));
        let config_path = path("AWS_CONFIG_FILE", "~/.aws/config");
        let credentials_path = path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
        let (config, credentials) = (sections(&config_path)?, sections(&credentials_path)?);
        Ok(Self { config_path, credentials_path, ..Self::of(config, credentials) })
    }

    /// Adds each section of the two files to the field for its kind.
    pub(super) fn of(config: Vec<Section>, credentials: Vec<Section>) -> Self {
        let mut files = Self::default();
        for Section { name, values } in config {
            files.add_config_section(&name, values.into_iter().collect());
        }
        files.profiles = files.config.clone();
        for Section { name, values } in credentials {
            let settings: Settings = values.into_iter().collect();
            files.profiles.entry(name.clone()).or_default().extend(settings.clone());
            files.credentials.insert(name, settings);
        }
        files
    }

    /// Adds a section of the config file to the sections of its kind (botocore 1.43, `configloader.py`, `build_profile_map`). The
    /// name of a section starts with the name of its kind; the first word of the section's name can be longer. The name must have
    /// two words, except for `default`.
    fn add_config_section(&mut self, name: &str, settings: Settings) {
        let kinds =
            [("profile", &mut self.config), ("sso-session", &mut self.sso_sessions), ("services", &mut self.services)];
        for (kind, sections) in kinds {
            if name.starts_with(kind) {
                if let Some([_, name]) = ini::split_words(name).as_deref() {
                    sections.insert(name.clone(), settings);
                }
                return;
            }
        }
        if name == "default" {
            self.config.insert(name.to_owned(), settings);
        }
    }

    /// Returns the names of all profiles.
    pub(crate) fn profile_names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// Returns a profile, with the settings from both files.
    pub(crate) fn profile(&self, name: &str) -> Option<&Settings> {
        self.profiles.get(name)
    }

    /// Returns a profile of the config file.
    pub(super) fn in_config(&self, name: &str) -> Option<&Settings> {
        self.config.get(name)
    }

    /// Returns a section of the credentials file.
    pub(super) fn in_credentials(&self, name: &str) -> Option<&Settings> {
        self.credentials.get(name)
    }

    /// Returns an `sso-session` section.
    pub(super) fn sso_session(&self, name: &str) -> Option<&Settings> {
        self.sso_sessions.get(name)
    }

    /// Returns a `services` section.
    pub(super) fn services(&self, name: &str) -> Option<&Settings> {
        self.services.get(name)
    }
}

/// Reads the sections of a file. A path that is no regular file counts as a missing file.
pub(super) fn sections(path: &str) -> Result<Vec<Section>> {
    if !Path::new(path).is_file() {
        return Ok(Vec::new());
    }
    let refused = |line, detail| AwsSettingsError::File { path: path.to_owned(), line, detail };
    let bytes = read_limited(path).map_err(|error| refused(None, format!("it can't be read: {error}")))?;
    ini::parse(&bytes).map_err(|error| refused(error.line, error.detail))
}

/// Reads a whole file, unless it is larger than the maximum size.
pub(super) fn read_limited(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_SIZE >> 20)));
    }
    Ok(bytes)
}
