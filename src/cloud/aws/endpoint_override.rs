//! An HTTP client that sends requests to a configured endpoint instead of the endpoint that they were built for.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Returns the endpoint for a request's path; `None` leaves the request as it is.
type EndpointOf = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The client. It is only for requests that are not signed, because a signature is valid for one host only.
#[derive(Clone)]
pub(super) struct EndpointOverride {
    client: SharedHttpClient,
    endpoint: EndpointOf,
}

impl EndpointOverride {
    pub(super) fn new(
        client: SharedHttpClient,
        endpoint: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { client, endpoint: Arc::new(endpoint) }
    }
}

impl fmt::Debug for EndpointOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointOverride").finish_non_exhaustive()
    }
}

impl HttpClient for EndpointOverride {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(OverridingConnector { connector, endpoint: Arc::clone(&self.endpoint) })
    }
}

struct OverridingConnector {
    connector: SharedHttpConnector,
    endpoint: EndpointOf,
}

impl fmt::Debug for OverridingConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverridingConnector").field("connector", &self.connector).finish_non_exhaustive()
    }
}

impl HttpConnector for OverridingConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        // The URI of a request has a scheme and a host, so its path starts at the third slash.
        let uri = request.uri().to_owned();
        let rest = uri.splitn(4, '/').nth(3).unwrap_or_default();
        let path = format!("/{}", rest.split('?').next().unwrap_or_default());
        if let Some(endpoint) = (self.endpoint)(&path) {
            let overridden = format!("{}/{rest}", endpoint.trim_end_matches('/'));
            if let Err(error) = request.set_uri(overridden) {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        }
        self.connector.call(request)
    }
}
