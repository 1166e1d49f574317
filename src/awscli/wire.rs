//! The HTTP client of `v2token iam`. It makes one attempt at a time, sends the request as the AWS CLI v1 does, and returns the
//! unparsed response.
//!
//! The SDK builds and signs the requests. It signs more headers than the AWS CLI, and keeps neither the bytes of the response nor
//! the order of the entries in it, so an interceptor changes the request and captures the response.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
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
use crate::aws_settings::Service;
use crate::cloud::aws::credential_chain::{CredentialChain, ProviderFactory, RoleStep};
use crate::cloud::aws::credentials::{CheckedProvider, FetchCounter};
use crate::cloud::aws::http;
use crate::cloud::aws::iam::{set, summary};
use crate::cloud::aws::proxy::ProxyRules;
use crate::cloud::aws::role_chain::{ChainedRole, MfaCode, assume_all};
use crate::cloud::aws::sdk_config::{self, SdkBasis};
use crate::cloud::aws::timeouts::per_attempt;
use crate::org::TokenVersion;
use crate::sanitize::for_terminal;
use crate::terminal::prompt;

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
    /// Makes a client from the settings, without a request to IAM. If the credentials come from a `credential_process`, fetches
    /// them here, because the process may take longer than the time limit of a request. Other credentials are fetched later.
    ///
    /// # Errors
    ///
    /// When the source of the credentials can't be used.
    pub(super) async fn new(settings: &CallSettings) -> Result<Self, AwsCliError> {
        let (for_iam, no_tls) = http_client(&settings.trust);
        let shared = settings.trust == settings.credentials_trust;
        let for_credentials = if shared { for_iam.clone() } else { http_client(&settings.credentials_trust).0 };
        let mut timeouts = TimeoutConfig::builder();
        timeouts.set_connect_timeout(settings.connect_timeout).set_read_timeout(settings.read_timeout);
        let region = settings.region.as_ref();
        let (name, fips) = region.map_or((NO_REGION, false), |region| (region.name.as_str(), region.fips));
        let basis = sdk_config::build(&settings.aws, name, fips, for_credentials, per_attempt())?;
        let config = if settings.sign { base_credentials(settings, &basis).await? } else { basis.config };
        let endpoint_url = match &settings.endpoint_url {
            Some(url) => Some(url.clone()),
            None => settings.aws.endpoint_url(Service::Iam)?.map(str::to_owned),
        };
        // The SDK must not treat the transfer of a response as stalled before the read timeout.
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
        if endpoint_url.is_some() {
            // FIPS and dual stack select variants of AWS's own hosts, so they do not apply to a configured endpoint.
            builder = builder.use_fips(false).use_dual_stack(false);
        }
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
        Ok(Self { client: aws_sdk_iam::Client::from_conf(builder.build()), endpoint_url, refusal })
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

/// Returns the configuration with the credentials of the profile or of the environment. If a role needs an MFA code, asks for it,
/// as the AWS CLI does.
async fn base_credentials(settings: &CallSettings, basis: &SdkBasis) -> Result<SdkConfig, AwsCliError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let session_name = format!("botocore-session-{now}");
    let chain = CredentialChain::of(settings.aws.credential_source()?, &settings.aws);
    let providers = ProviderFactory { settings: &settings.aws, basis, session_name: &session_name };
    let first = CheckedProvider::around(providers.first(&chain.first).await?, &FetchCounter::default());
    if chain.process().is_some() {
        first.fetch_without_limit().await.map_err(|error| AwsCliError::from_credentials(&error))?;
    }
    let mut roles = Vec::new();
    for RoleStep { role, cached } in chain.roles {
        let mfa = match role.mfa_serial {
            Some(serial) => {
                let question = for_terminal(&format!("Enter MFA code for {serial}: ")).into_owned();
                let code = prompt::secret(&question).await;
                let code = code.map_err(|error| format!("The MFA code for {serial} could not be read: {error}"))?;
                Some(MfaCode { serial, code: code.parse().expect("every text is a secret") })
            }
            None => None,
        };
        roles.push(ChainedRole {
            role_arn: role.role_arn,
            session_name: role.session_name.unwrap_or_else(|| session_name.clone()),
            source_identity: None,
            external_id: role.external_id,
            duration: role.duration,
            mfa,
            cached,
        });
    }
    let first = basis
        .config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(first))
        .retry_config(RetryConfig::standard());
    Ok(assume_all(&first.build(), &roles))
}

/// Returns the response if there is one, even if the SDK treats the response as an error. The rules of the AWS CLI decide what
/// the response means.
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

/// Returns the HTTP client, and the reason why the client can't make encrypted connections; `None` if it can make them.
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
            // The SDK drops the query and ends the path with a slash, so the request gets the configured URL again.
            if after_host.is_some_and(|rest| rest != "/") {
                request.set_uri(bare)?;
            }
        }
        let headers = request.headers_mut();
        // The AWS CLI does not sign the two headers that are removed here. The transport adds `content-length` again, after the
        // request is signed.
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
        tracing::info!(method = request.method(), attempt = self.attempt, headers = names.join(" "), "request");
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
