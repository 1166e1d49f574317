//! The HTTP client of `v2token iam`. It makes one attempt at a time, sends the request as the AWS CLI v1 does, and returns the
//! unparsed response.
//!
//! The SDK builds and signs the requests. It signs more headers than the AWS CLI, and keeps neither the bytes of the response
//! nor the order in them, so an interceptor changes the request and captures the response.

use std::error::Error;
use std::sync::{Arc, Mutex};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region};
use aws_sdk_iam::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::errors::AwsCliError;
use super::no_verify_ssl;
use super::settings::{CallSettings, TlsTrust};
use crate::cloud::aws::credentials::{CheckedProvider, FetchCounter};
use crate::cloud::aws::iam::{set, summary};
use crate::cloud::aws::proxy::ProxyRules;
use crate::cloud::aws::{endpoint, http};
use crate::org::TokenVersion;

/// The Region of a client that needs no Region, because IAM is one service for a whole partition.
const NO_REGION: &str = "aws-global";

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireRequest {
    SetSecurityTokenServicePreferences(TokenVersion),
    GetAccountSummary,
}

/// An unparsed response.
#[derive(Debug)]
pub(super) struct WireResponse {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A client for the account of the credentials. The SDK's retries are off.
pub(super) struct WireClient {
    client: aws_sdk_iam::Client,
    /// The explicitly configured endpoint; `None` if no endpoint is configured.
    pub(super) endpoint_url: Option<String>,
    /// The reason why no request can be sent; `None` if requests can be sent.
    refusal: Option<AwsCliError>,
}

impl WireClient {
    /// Makes a client from the settings and the AWS configuration. Sends nothing and fetches no credentials.
    pub(super) async fn new(settings: &CallSettings) -> Self {
        let (for_iam, no_tls) = http_client(&settings.trust);
        let shared = settings.trust == settings.credentials_trust;
        let for_credentials = if shared { for_iam.clone() } else { http_client(&settings.credentials_trust).0 };
        let mut timeouts = TimeoutConfig::builder();
        timeouts.set_connect_timeout(settings.connect_timeout).set_read_timeout(settings.read_timeout);
        let region = Region::new(settings.region.clone().unwrap_or_else(|| NO_REGION.to_owned()));
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(for_credentials.clone())
            // The retries are set here because the SDK panics on values of AWS_MAX_ATTEMPTS and AWS_RETRY_MODE that the AWS CLI
            // accepts.
            .retry_config(RetryConfig::standard())
            .region(region.clone())
            .app_name(AppName::new(concat!("v2token-", env!("CARGO_PKG_VERSION"))).expect("only allowed characters"));
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if !settings.sign {
            loader = loader.no_credentials();
        } else if let (true, Some(profile)) = (settings.is_profile_explicit, &settings.profile) {
            let provider = ProviderConfig::default().with_http_client(for_credentials).with_region(Some(region));
            let provider = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
            loader = loader.credentials_provider(provider);
        }
        let mut config = loader.load().await;
        if let Some(provider) = config.credentials_provider() {
            let checked = CheckedProvider::around(provider, &FetchCounter::default());
            config = config.to_builder().credentials_provider(checked).build();
        }
        let endpoint_url = settings.endpoint_url.clone().or_else(|| endpoint::configured_url(&config, "iam"));
        // A stream must not count as stalled before the read timeout.
        let stalled = match settings.read_timeout {
            None => StalledStreamProtectionConfig::disabled(),
            Some(limit) => StalledStreamProtectionConfig::enabled().upload_enabled(false).grace_period(limit).build(),
        };
        let mut builder = aws_sdk_iam::config::Builder::from(&config)
            .http_client(for_iam)
            .timeout_config(timeouts.build())
            .stalled_stream_protection(stalled)
            .retry_config(RetryConfig::disabled());
        builder.set_endpoint_url(endpoint_url.clone());
        if !settings.sign {
            builder = builder.allow_no_auth();
        }
        let url = endpoint_url.clone().unwrap_or_else(|| "https://iam.amazonaws.com/".to_owned());
        let refusal = if settings.sign && settings.region.is_none() && endpoint_url.is_some() {
            Some(AwsCliError::NoRegion)
        } else if let Err(refused) = ProxyRules::from_environment().for_url(&url) {
            Some(AwsCliError::Unhandled(refused.to_string()))
        } else {
            no_tls.filter(|_| !url.starts_with("http://")).map(|detail| AwsCliError::tls(&url, &detail))
        };
        Self { client: aws_sdk_iam::Client::from_conf(builder.build()), endpoint_url, refusal }
    }

    /// Sends a request once. `attempt` is the value of the header `amz-sdk-request`; `before_sending` gets the URL.
    ///
    /// # Errors
    ///
    /// When there is no response. An error of the service is a response.
    pub(super) async fn send(
        &self,
        request: WireRequest,
        attempt: String,
        before_sending: fn(&str),
    ) -> Result<WireResponse, AwsCliError> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let exchange = Arc::default();
        let endpoint_url = self.endpoint_url.clone();
        let wire = WireInterceptor { attempt, endpoint_url, before_sending, exchange: Arc::clone(&exchange) };
        match request {
            WireRequest::SetSecurityTokenServicePreferences(version) => {
                conclude(set(&self.client, version).customize().interceptor(wire).send().await, &exchange)
            }
            WireRequest::GetAccountSummary => {
                conclude(summary(&self.client).customize().interceptor(wire).send().await, &exchange)
            }
        }
    }
}

/// Returns the response, even if the SDK treats it as an error, because the rules of the AWS CLI decide what it means. Fails if
/// there is no response.
fn conclude<T, E: Error + 'static>(
    result: Result<T, SdkError<E, HttpResponse>>,
    exchange: &Mutex<Exchange>,
) -> Result<WireResponse, AwsCliError> {
    let Exchange { url, response } = std::mem::take(&mut *exchange.lock().expect("no panic while locked"));
    match (response, result) {
        (Some(response), _) => Ok(response),
        (None, Err(error)) => {
            let proxy = ProxyRules::from_environment().for_url(&url).ok().flatten();
            Err(AwsCliError::from_sdk(&error, &url, proxy.map(|proxy| proxy.uri().to_string()).as_deref()))
        }
        (None, Ok(_)) => Err(AwsCliError::connection_closed(&url)),
    }
}

/// Returns the HTTP client, and the reason why it can't make encrypted connections, or `None` if it can.
fn http_client(trust: &TlsTrust) -> (SharedHttpClient, Option<String>) {
    let client = match trust {
        TlsTrust::System => http::client(None, 1),
        TlsTrust::Bundle(path) => http::client(Some(path), 1),
        TlsTrust::Unverified => Ok(no_verify_ssl::client()),
    };
    match client {
        Ok(client) => (client, None),
        Err(refused) => (http::client_without_authorities(), Some(refused.to_string())),
    }
}

/// What went over the wire in one attempt.
#[derive(Debug, Default)]
struct Exchange {
    /// The URL of the request; empty if the request was not sent.
    url: String,
    response: Option<WireResponse>,
}

/// Changes the request and captures the response.
#[derive(Clone, Debug)]
struct WireInterceptor {
    /// The value of `amz-sdk-request`.
    attempt: String,
    /// The explicitly configured endpoint, whose path and query are sent unchanged.
    endpoint_url: Option<String>,
    before_sending: fn(&str),
    exchange: Arc<Mutex<Exchange>>,
}

#[dyn_dispatch_hint]
impl Intercept for WireInterceptor {
    fn name(&self) -> &'static str {
        "WireInterceptor"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        if let Some(url) = &self.endpoint_url {
            let bare = url.split('#').next().unwrap_or_default();
            let after_host = bare.split_once("://").and_then(|(_, rest)| rest.find(['/', '?']).map(|at| &rest[at..]));
            // The SDK drops the query and ends the path with a slash.
            if after_host.is_some_and(|rest| rest != "/") {
                request.set_uri(bare)?;
            }
        }
        let headers = request.headers_mut();
        // The AWS CLI signs neither of these headers. The transport adds the length again.
        headers.remove("x-amz-user-agent");
        headers.remove("content-length");
        headers.insert("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("accept-encoding", "identity");
        request.headers_mut().insert("amz-sdk-request", self.attempt.clone());
        // Only the names of the headers are logged, because the values of two headers are credentials.
        let names: Vec<&str> = request.headers().iter().map(|(name, _)| name).collect();
        tracing::debug!(method = request.method(), attempt = self.attempt, headers = names.join(" "), "request");
        (self.before_sending)(request.uri());
        request.uri().clone_into(&mut self.exchange.lock().expect("no panic while locked").url);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // A response with an incomplete body has no bytes here, and counts as no response.
        if let Some(body) = response.body().bytes() {
            let response = WireResponse { status: response.status().as_u16(), body: body.to_vec() };
            self.exchange.lock().expect("no panic while locked").response = Some(response);
        }
        Ok(())
    }
}
