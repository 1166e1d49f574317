//! This module owns the request as the AWS CLI v1 sends it, and the answer as it came: the SDK signs more headers, and keeps
//! neither the answer's bytes nor the order in them.

use std::sync::{Arc, Mutex};

use aws_sdk_iam::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

use super::raw::RawAnswer;

/// The headers that the SDK adds before it signs, and the AWS CLI does not send.
const NOT_SENT: [&str; 2] = ["x-amz-user-agent", "content-length"];

/// What was seen of one attempt.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Where the request went.
    pub(super) url: Option<String>,
    /// What came back.
    pub(super) answer: Option<RawAnswer>,
}

/// Shapes the request, and takes down the answer.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    /// The value of `amz-sdk-request`.
    pub(super) attempt: String,
    /// The endpoint that was configured by hand: path and query of it are sent as they are.
    pub(super) endpoint_url: Option<String>,
    /// Told where the request goes, before it goes.
    pub(super) sending: fn(&str),
    pub(super) seen: Arc<Mutex<Seen>>,
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
