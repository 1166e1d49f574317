//! This module owns IAM as `v2token iam` calls it: one attempt at a time, with the answer as it came.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region};
use aws_sdk_iam::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::result::SdkError;
use hyper_util::client::proxy::matcher::Matcher;

use super::insecure;
use super::unanswered::{Unanswered, unanswered};
use crate::cloud::aws::credentials::{Checked, Fetching};
use crate::cloud::aws::error::Described;
use crate::cloud::aws::iam::{set, summary};
use crate::cloud::aws::{endpoint, http};
use crate::org::TokenVersion;

/// The headers that the SDK adds before it signs, and the AWS CLI does not send.
const NOT_SENT: [&str; 2] = ["x-amz-user-agent", "content-length"];

/// The Region of a client that needs none: IAM is one for a whole partition.
const NO_REGION: &str = "aws-global";

/// Who is trusted to be AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Whoever the system trusts.
    System,
    /// Only these authorities: a PEM file.
    Bundle(PathBuf),
    /// Anybody.
    Anybody,
}

/// What is needed for a connection like the AWS CLI's.
#[derive(Clone, Debug)]
pub(crate) struct RawAccess {
    /// The profile. `explicit` says that it was named on the command line, and so wins over credentials in the environment.
    pub profile: Option<String>,
    /// Whether the profile was named on the command line.
    pub explicit: bool,
    /// The Region to sign for, where the endpoint does not say it.
    pub region: Option<String>,
    /// The endpoint named on the command line; it wins over those of the environment and of the profile.
    pub endpoint_url: Option<String>,
    /// Who is trusted to be IAM.
    pub trust: Trust,
    /// Who is trusted where credentials are fetched.
    pub credentials_trust: Trust,
    /// Whether requests are signed. Credentials are not looked for otherwise.
    pub sign: bool,
    /// How long connecting may take; `None` is for ever.
    pub connect_timeout: Option<Duration>,
    /// How long the answer may take; `None` is for ever.
    pub read_timeout: Option<Duration>,
}

/// The calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawCall {
    /// `SetSecurityTokenServicePreferences`.
    Set(TokenVersion),
    /// `GetAccountSummary`.
    GetAccountSummary,
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A client for the account of the credentials. The SDK's retries are off.
#[derive(Clone, Debug)]
pub(crate) struct RawIam {
    client: aws_sdk_iam::Client,
    endpoint_url: Option<String>,
    /// Why an encrypted connection can't be made.
    no_tls: Option<String>,
    no_region: bool,
}

impl RawIam {
    /// Reads the AWS configuration. Nothing is sent, and nothing is asked of a credentials provider.
    pub(crate) async fn connect(access: &RawAccess) -> Self {
        let (for_iam, no_tls) = http_client(&access.trust);
        let shared = access.trust == access.credentials_trust;
        let for_credentials = if shared { for_iam.clone() } else { http_client(&access.credentials_trust).0 };
        let mut timeouts = TimeoutConfig::builder();
        timeouts.set_connect_timeout(access.connect_timeout).set_read_timeout(access.read_timeout);
        let region = Region::new(access.region.clone().unwrap_or_else(|| NO_REGION.to_owned()));
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(for_credentials.clone())
            // Given in code: the SDK panics on values of AWS_MAX_ATTEMPTS and AWS_RETRY_MODE that the AWS CLI knows.
            .retry_config(RetryConfig::standard())
            .region(region.clone())
            .app_name(AppName::new(concat!("v2token-", env!("CARGO_PKG_VERSION"))).expect("only allowed characters"));
        if let Some(profile) = &access.profile {
            loader = loader.profile_name(profile);
        }
        if !access.sign {
            loader = loader.no_credentials();
        } else if let (true, Some(profile)) = (access.explicit, &access.profile) {
            let provider = ProviderConfig::default().with_http_client(for_credentials).with_region(Some(region));
            let provider = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
            loader = loader.credentials_provider(provider);
        }
        let config = loader.load().await;
        let config = match config.credentials_provider() {
            Some(provider) => {
                config.to_builder().credentials_provider(Checked::around(provider, &Fetching::default())).build()
            }
            None => config,
        };
        let endpoint_url = access.endpoint_url.clone().or_else(|| endpoint::configured_url(&config, "iam"));
        // Behind such a connection nothing may be taken for dead that the read timeout lets live.
        let stalled = match access.read_timeout {
            None => StalledStreamProtectionConfig::disabled(),
            Some(limit) => StalledStreamProtectionConfig::enabled().upload_enabled(false).grace_period(limit).build(),
        };
        let mut builder = aws_sdk_iam::config::Builder::from(&config)
            .http_client(for_iam)
            .timeout_config(timeouts.build())
            .stalled_stream_protection(stalled)
            .retry_config(RetryConfig::disabled());
        builder.set_endpoint_url(endpoint_url.clone());
        if !access.sign {
            builder = builder.allow_no_auth();
        }
        Self {
            client: aws_sdk_iam::Client::from_conf(builder.build()),
            no_region: access.sign && access.region.is_none() && endpoint_url.is_some(),
            endpoint_url,
            no_tls,
        }
    }

    /// The endpoint that was configured by hand, if any.
    pub(crate) fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    /// Tries a call once. `attempt` is the value of `amz-sdk-request`, and `sending` is told the URL before the request leaves.
    ///
    /// # Errors
    ///
    /// When there was no answer. A refusal is an answer.
    pub(crate) async fn send(
        &self,
        call: RawCall,
        attempt: String,
        sending: fn(&str),
    ) -> Result<RawAnswer, Unanswered> {
        if self.no_region {
            return Err(Unanswered::NoRegion);
        }
        let url = self.endpoint_url.clone().unwrap_or_else(|| "https://iam.amazonaws.com/".to_owned());
        http::check_proxy(&url, |name| std::env::var_os(name))
            .map_err(|refused| Unanswered::Other(refused.to_string()))?;
        if let Some(detail) = &self.no_tls
            && !url.starts_with("http://")
        {
            return Err(Unanswered::Tls { url, detail: detail.clone() });
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        let wire = Wire { attempt, endpoint_url: self.endpoint_url.clone(), sending, seen: Arc::clone(&seen) };
        match call {
            RawCall::Set(version) => {
                let result = set(&self.client, version).customize().interceptor(wire).send().await;
                conclude(result.map(drop), &seen)
            }
            RawCall::GetAccountSummary => {
                let result = summary(&self.client).customize().interceptor(wire).send().await;
                conclude(result.map(drop), &seen)
            }
        }
    }
}

/// An answer is one whatever the SDK thinks of it: it is judged by the AWS CLI's rules.
fn conclude<E: Described>(
    result: Result<(), SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>>,
    seen: &Mutex<Seen>,
) -> Result<RawAnswer, Unanswered> {
    let seen = std::mem::take(&mut *seen.lock().expect("nobody panics with the lock"));
    match (seen.answer, result) {
        (Some(answer), _) => Ok(answer),
        (None, Err(error)) => {
            let url = seen.url.unwrap_or_default();
            let proxy = url.parse().ok().and_then(|uri| Matcher::from_env().intercept(&uri));
            Err(unanswered(&error, url, proxy.map(|proxy| proxy.uri().to_string())))
        }
        (None, Ok(())) => Err(Unanswered::Closed { url: seen.url.unwrap_or_default() }),
    }
}

/// The HTTP client, and why it can't make encrypted connections.
fn http_client(trust: &Trust) -> (SharedHttpClient, Option<String>) {
    match trust {
        Trust::System => (http::client(None, 1).expect("there is no bundle to refuse"), None),
        Trust::Anybody => (insecure::client(), None),
        Trust::Bundle(path) => match http::client(Some(path), 1) {
            Ok(client) => (client, None),
            Err(refused) => (http::trusting_nobody(), Some(refused.to_string())),
        },
    }
}

/// What was seen of one attempt.
#[derive(Debug, Default)]
struct Seen {
    /// Where the request went.
    url: Option<String>,
    /// What came back.
    answer: Option<RawAnswer>,
}

/// Shapes the request, and takes down the answer.
#[derive(Clone, Debug)]
struct Wire {
    /// The value of `amz-sdk-request`.
    attempt: String,
    /// The endpoint that was configured by hand: path and query of it are sent as they are.
    endpoint_url: Option<String>,
    /// Told where the request goes, before it goes.
    sending: fn(&str),
    seen: Arc<Mutex<Seen>>,
}

#[dyn_dispatch_hint]
impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "Wire"
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
            // The SDK drops the query, and ends the path with a slash.
            if after_host.is_some_and(|rest| rest != "/") {
                request.set_uri(bare)?;
            }
        }
        let headers = request.headers_mut();
        for name in NOT_SENT {
            // The transport puts the length back.
            headers.remove(name);
        }
        headers.insert("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.insert("accept-encoding", "identity");
        headers.insert("amz-sdk-request", self.attempt.clone());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        // Names of headers, never values: two of them are credentials.
        let names: Vec<&str> = request.headers().iter().map(|(name, _)| name).collect();
        tracing::debug!(method = request.method(), attempt = self.attempt, headers = names.join(" "), "request");
        (self.sending)(request.uri());
        self.seen.lock().expect("nobody panics with the lock").url = Some(request.uri().to_owned());
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // A body that broke off in the middle has no bytes: then there was no answer.
        if let Some(body) = response.body().bytes() {
            let answer = RawAnswer { status: response.status().as_u16(), body: body.to_vec() };
            self.seen.lock().expect("nobody panics with the lock").answer = Some(answer);
        }
        Ok(())
    }
}
