//! This module owns the configuration: from where every AWS tool looks for it, with time limits that hold.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

use super::connect_options::{ConnectFailed, ConnectOptions};
use super::credentials::{Checked, Fetching};
use super::http;
use super::profile::MfaProfile;

/// How long one attempt may take to connect, to answer, and as a whole.
///
/// The SDK's defaults are 3.1 s to connect and no limit on anything else (aws-smithy-runtime-api,
/// `client/behavior_version.rs`), so that one black-holed answer would hold a visit for ever.
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(15);
pub(super) const ATTEMPT: Duration = Duration::from_secs(20);

/// Loads the configuration. The credentials are those of the profile that was named, of the source of a profile with MFA, or of
/// the usual chain.
pub(super) async fn load(
    access: &ConnectOptions,
    with_mfa: Option<&MfaProfile>,
    fetching: &Fetching,
) -> Result<SdkConfig, ConnectFailed> {
    let http = http::client(access.ca_bundle.as_deref(), access.connections)?;
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).operation_attempt_timeout(ATTEMPT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .timeout_config(timeouts)
        // Given in code, so that AWS_MAX_ATTEMPTS=0 and AWS_RETRY_MODE=legacy, which the AWS CLI knows, are not parsed:
        // the SDK panics on them. This one serves the credential providers.
        .retry_config(RetryConfig::standard())
        .app_name(AppName::new(concat!("v2token-", env!("CARGO_PKG_VERSION"))).expect("only allowed characters"));
    let region = match (&access.region, &access.profile) {
        (Some(region), _) => Some(Region::new(region.clone())),
        // A profile that assumes a role needs a Region too, and the provider below does not look for one by itself.
        (None, Some(profile)) => {
            let file = ProfileFileRegionProvider::builder().profile_name(profile).build();
            let provider = ProviderConfig::default().with_http_client(http.clone());
            let instance = ImdsRegionProvider::builder().configure(&provider).build();
            let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
            chain.or_else(file).or_else(instance).region().await
        }
        (None, None) => None,
    };
    if let Some(region) = &region {
        loader = loader.region(region.clone());
    }
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(profile) = with_mfa.map(|with_mfa| &with_mfa.source).or(access.profile.as_ref()) {
        let provider = ProviderConfig::default().with_http_client(http).with_region(region);
        loader = loader.credentials_provider(
            ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build(),
        );
    }
    let config = loader.load().await;
    Ok(match config.credentials_provider() {
        Some(provider) => config.to_builder().credentials_provider(Checked::around(provider, fetching)).build(),
        None => config,
    })
}
