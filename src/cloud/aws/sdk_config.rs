//! Loads the SDK's configuration from the places where every AWS tool looks for it.

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

use super::connect_options::ConnectOptions;
use super::credentials::{CheckedProvider, FetchCounter};
use super::http::{self, CaBundleError};
use super::timeouts;

/// Loads the configuration. The credentials come from `credentials_profile`, or from the SDK's default chain if it is `None`.
pub(super) async fn load(
    options: &ConnectOptions,
    credentials_profile: Option<&str>,
    fetches: &FetchCounter,
) -> Result<SdkConfig, CaBundleError> {
    let http = http::client(options.ca_bundle.as_deref(), options.connections)?;
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .timeout_config(timeouts::per_attempt())
        // The retries of the credential providers are set in code, because the SDK panics on AWS_MAX_ATTEMPTS=0 and
        // AWS_RETRY_MODE=legacy, which the AWS CLI accepts.
        .retry_config(RetryConfig::standard())
        .app_name(AppName::new(concat!("v2token-", env!("CARGO_PKG_VERSION"))).expect("only allowed characters"));
    let region = match (&options.region, &options.profile) {
        (Some(region), _) => Some(Region::new(region.clone())),
        // A profile that assumes a role needs a Region too, but the credentials provider below does not look for a Region.
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
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(profile) = credentials_profile {
        let provider = ProviderConfig::default().with_http_client(http).with_region(region);
        loader = loader.credentials_provider(
            ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build(),
        );
    }
    let config = loader.load().await;
    let provider = config.credentials_provider().map(|provider| CheckedProvider::around(provider, fetches));
    let mut builder = config.into_builder();
    // The credential providers keep the retries from above. The calls of a run have their own retries, in `cloud::retry`.
    builder.set_credentials_provider(provider).set_retry_config(Some(RetryConfig::disabled()));
    Ok(builder.build())
}
