//! Remote control: the commands of `POST /_simulator/control`, for other processes.

use std::time::Duration;

use serde::Deserialize;

use crate::account_id::AccountId;
use crate::network::{Latency, Network, Noise, Service};
use crate::rate_limit::{RateLimit, Scope};
use crate::request::Operation;
use crate::version::TokenVersion;
use crate::world::World;

/// A command, e.g. `{"verb": "throttle", "service": "sts", "per_second": 50, "burst": 50}`.
#[derive(Debug, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Command {
    /// Sets the rate limit of a service or an operation. Without numbers, removes the limit.
    Throttle {
        service: Option<Service>,
        operation: Option<Operation>,
        per_second: Option<f64>,
        burst: Option<f64>,
    },
    ExpireBaseCredentials,
    RenewBaseCredentials,
    ExpireSessions,
    /// Changes an account's setting as an administrator outside the run would; `null` removes the entry.
    SetVersion {
        account: AccountId,
        version: Option<TokenVersion>,
    },
    Latency {
        #[serde(default)]
        organizations_ms: u64,
        #[serde(default)]
        sts_ms: u64,
        #[serde(default)]
        iam_ms: u64,
    },
    Network {
        mode: Network,
    },
    Noise {
        noise: Noise,
    },
    ClearNoise,
    /// Moves the services' clock ahead or, with a negative number, behind.
    Clock {
        offset_seconds: i64,
    },
}

impl World {
    /// Executes a command, or returns what is wrong with it.
    pub(crate) fn execute_command(&mut self, body: &[u8]) -> Result<(), String> {
        match serde_json::from_slice(body).map_err(|error| error.to_string())? {
            Command::Throttle { service, operation, per_second, burst } => {
                let scope: Scope = match (service, operation) {
                    (Some(service), None) => service.into(),
                    (None, Some(operation)) => operation.into(),
                    _ => return Err("name either a service or an operation".to_owned()),
                };
                match per_second {
                    Some(per_second) => self.throttle(scope, RateLimit::new(per_second, burst.unwrap_or(per_second))),
                    None => self.lift_throttle(scope),
                }
            }
            Command::ExpireBaseCredentials => self.expire_base_credentials(),
            Command::RenewBaseCredentials => {
                self.renew_base_credentials();
            }
            Command::ExpireSessions => self.expire_sessions(),
            Command::SetVersion { account, version } => {
                let index = self.index(account).ok_or_else(|| format!("there is no account {account}"))?;
                self.at(index).change_externally(version);
            }
            Command::Latency { organizations_ms, sts_ms, iam_ms } => self.set_latency(Latency {
                organizations: Duration::from_millis(organizations_ms),
                sts: Duration::from_millis(sts_ms),
                iam: Duration::from_millis(iam_ms),
            }),
            Command::Network { mode } => self.set_network(mode),
            Command::Noise { noise } => self.add_noise(noise),
            Command::ClearNoise => self.clear_noise(),
            Command::Clock { offset_seconds } => self.set_clock_offset(offset_seconds),
        }
        Ok(())
    }

    /// Returns the operator's credentials in the form of `credential_process`. With a lifetime, returns new credentials that last
    /// this long. Without a lifetime, returns the current credentials, which are renewed if they have expired.
    pub(crate) fn process_credentials(&mut self, lifetime: Option<Duration>) -> String {
        let (credentials, expiration) = match lifetime {
            Some(lifetime) => {
                let (credentials, expiration) = self.renew_base_credentials_for(lifetime);
                (credentials, Some(expiration))
            }
            None if self.vault.base_expired(self.now()) => (self.renew_base_credentials(), None),
            None => (self.base_credentials(), None),
        };
        let mut document = serde_json::json!({
            "Version": 1,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
        });
        if let Some(expiration) = expiration {
            document["Expiration"] = expiration.into();
        }
        if let Some(token) = credentials.session_token {
            document["SessionToken"] = token.into();
        }
        document.to_string()
    }
}
