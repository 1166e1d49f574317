//! The SDK's configuration, built from the [`AwsSettings`]. The SDK reads neither the environment nor the files itself.

use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::sdk_ua_metadata::FrameworkMetadata;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::aws_settings::{AwsSettings, Service};

/// The version of the program, which all its packages share.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the clients and the credential providers are built from.
#[derive(Clone, Debug)]
pub struct SdkBasis {
    /// The configuration of the clients, without credentials.
    pub config: SdkConfig,
    /// The configuration of the SDK's credential providers.
    pub provider: ProviderConfig,
}

/// The configured endpoint of each service. [`LoadServiceConfig`] is the only way to pass a different URL for each service to the
/// SDK.
#[derive(Debug)]
struct Endpoints([(Service, Option<String>); 8]);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let asked = |service: &Service| key.service_id().to_ascii_lowercase().replace(' ', "_") == service.id();
        let is_endpoint = key.profile() == "endpoint_url";
        let found = self.0.iter().find(|(service, _)| is_endpoint && asked(service));
        found.and_then(|(_, url)| url.clone())
    }
}

/// Builds the configuration for a Region.
///
/// # Errors
///
/// Returns an error if the profile names a `services` section that does not exist, or that has a text in place of a service's
/// settings.
pub fn build(
    settings: &AwsSettings,
    region: &str,
    fips: bool,
    http: SharedHttpClient,
    timeouts: TimeoutConfig,
) -> Result<SdkBasis, crate::aws_settings::AwsSettingsError> {
    let region = Region::new(region.to_owned());
    let (fips, dual_stack) = (fips || settings.use_fips(), settings.use_dual_stack());
    let endpoint = |service| Ok((service, settings.endpoint_url(service)?.map(str::to_owned)));
    let endpoints = Endpoints([
        endpoint(Service::Sts)?,
        endpoint(Service::Iam)?,
        endpoint(Service::IamToolbox)?,
        endpoint(Service::Organizations)?,
        endpoint(Service::CloudTrail)?,
        endpoint(Service::Account)?,
        endpoint(Service::Sso)?,
        endpoint(Service::SsoOidc)?,
    ]);
    let provider = ProviderConfig::without_region()
        .with_region(Some(region.clone()))
        .with_use_fips(Some(fips))
        .with_use_dual_stack(Some(dual_stack))
        .with_http_client(http.clone())
        .with_retry_config(RetryConfig::standard())
        .with_timeout_config(timeouts.clone());
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .use_fips(fips)
        .use_dual_stack(dual_stack)
        .http_client(http)
        .timeout_config(timeouts)
        // The calls of a run have their own retries: see `crate::retry`.
        .retry_config(RetryConfig::disabled())
        .service_config(endpoints)
        // The SDK's provider of login tokens takes the time from here.
        .time_source(SystemTimeSource::new())
        .app_name(app_name(settings.app_id()))
        .framework_metadata(FrameworkMetadata::new("v2token", Some(VERSION)).expect("only allowed characters"))
        .build();
    Ok(SdkBasis { config, provider })
}

/// Returns the app id of the user agent: that of the user, or else this program's name. AWS's logs show it for each call.
fn app_name(app_id: Option<&str>) -> AppName {
    let own = format!("v2token-{VERSION}");
    let of_user = app_id.map(sanitized).filter(|id| !id.is_empty());
    AppName::new(of_user.unwrap_or(own)).expect("only allowed characters")
}

/// Replaces each character that the user agent can't have, as botocore does (1.43, `useragent.py`,
/// `sanitize_user_agent_string_component`).
fn sanitized(app_id: &str) -> String {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "!$%&'*+-.^_`|~#".contains(character);
    app_id.chars().map(|character| if is_allowed(character) { character } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_has_the_app_id_of_the_user() {
        for (app_id, expected) in [
            (None, concat!("v2token-", env!("CARGO_PKG_VERSION"))),
            (Some(""), concat!("v2token-", env!("CARGO_PKG_VERSION"))),
            (Some("platform-team"), "platform-team"),
            (Some("team a/b\r\nX: é"), "team-a-b--X---"),
        ] {
            assert_eq!(app_name(app_id).as_ref(), expected, "{app_id:?}");
        }
    }
}
