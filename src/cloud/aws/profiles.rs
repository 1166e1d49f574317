//! This module owns the settings in `~/.aws/config` and `~/.aws/credentials` that the SDK does not read for itself.

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

/// The profiles of this machine's user.
#[derive(Debug)]
pub(crate) struct Profiles(ProfileSet);

impl Profiles {
    /// Reads the files, from where every AWS tool looks for them. One that is not there is as good as an empty one.
    ///
    /// # Errors
    ///
    /// When a file can't be read or understood.
    pub(crate) async fn load() -> Result<Self, String> {
        let loaded = aws_config::profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), None).await;
        loaded.map(Self).map_err(|error| super::error::chain(&error))
    }

    /// Whether there is a profile of this name.
    pub(crate) fn contains(&self, profile: &str) -> bool {
        self.0.get_profile(profile).is_some()
    }

    /// What a profile says under a key.
    pub(crate) fn get(&self, profile: &str, key: &str) -> Option<&str> {
        self.0.get_profile(profile)?.get(key)
    }
}
