//! The proxies of the HTTP clients: which proxy a request goes through, and whether this proxy can be used.
//!
//! The proxy is chosen for each URL as in the AWS CLI: see `aws_settings::proxy`.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::error::chain;
use super::tunnel;
use crate::aws_settings::proxy::{Proxies, Proxy};
use crate::secret::hide_user;

/// A variable of the environment names a proxy that can't be used. The value is not shown, because it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is not the URL of an HTTP proxy: write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with special characters as %XX"
)]
pub struct ProxyError {
    /// The variable.
    pub variable: String,
}

/// The proxies, and the one URL that is always reached directly.
#[derive(Clone)]
pub struct ProxyRules {
    proxies: Proxies,
    /// The URL of a container's credentials, which botocore fetches without a proxy (1.43, `utils.ContainerMetadataFetcher`).
    container: Option<Uri>,
}

impl ProxyRules {
    /// Returns the rules in the variables for proxies.
    pub fn from_environment() -> Self {
        Self::from_variables(std::env::vars_os().collect())
    }

    fn from_variables(variables: Vec<(OsString, OsString)>) -> Self {
        let text = |name: &str| variables.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.to_str());
        let relative = text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("http://169.254.170.2{path}"));
        let container = relative.or_else(|| text("AWS_CONTAINER_CREDENTIALS_FULL_URI").map(str::to_owned));
        Self { container: container.and_then(|url| url.parse().ok()), proxies: Proxies::from_variables(variables) }
    }

    /// Returns the proxy for a URL, with the header that contains the proxy's user name and password.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL of the proxy can't be used.
    pub fn for_url(&self, url: &str) -> Result<Option<Intercept>, ProxyError> {
        self.proxy(url).map(usable).transpose()
    }

    fn proxy(&self, url: &str) -> Option<&Proxy> {
        let is_container = || self.container.is_some() && url.parse().ok() == self.container;
        self.proxies.for_url(url).filter(|_| !is_container())
    }
}

/// Checks that the environment's proxies for these URLs can be used.
pub(super) fn check<'a>(urls: impl IntoIterator<Item = &'a String>) -> Result<(), ProxyError> {
    let rules = ProxyRules::from_environment();
    urls.into_iter().try_for_each(|url| rules.for_url(url).map(drop))
}

/// Parses the URL of a proxy. A URL that can't be parsed is an error, because the HTTP clients would bypass such a proxy.
fn usable(proxy: &Proxy) -> Result<Intercept, ProxyError> {
    let refused = || ProxyError { variable: proxy.variable.clone() };
    // `Proxies` puts `http://` before a URL whose scheme is not HTTP, so the scheme of the value looks like a host, as in
    // `http://socks5://proxy`.
    let is_http = proxy.url.split_once("://").is_some_and(|(_, rest)| !rest.contains("://"));
    let any = Uri::from_static("https://host.invalid");
    let parsed = Matcher::builder().all(proxy.url.as_str()).build().intercept(&any);
    parsed.filter(|parsed| is_http && parsed.uri().host().is_some_and(|host| !host.is_empty())).ok_or_else(refused)
}

/// Makes a client that chooses the proxy for each request. `client` makes a client for one proxy, or a client without a proxy.
pub(super) fn client(rules: ProxyRules, client: impl Fn(ProxyConfig) -> SharedHttpClient) -> SharedHttpClient {
    let direct = client(ProxyConfig::disabled());
    let mut proxied: Vec<(String, SharedHttpClient)> = Vec::new();
    for proxy in ["https", "http"].into_iter().filter_map(|scheme| rules.proxies.for_scheme(scheme)) {
        hide_user(&proxy.url);
        let is_new = proxied.iter().all(|(url, _)| *url != proxy.url);
        if let (true, Ok(_), Ok(config)) = (is_new, usable(proxy), ProxyConfig::all(proxy.url.as_str())) {
            proxied.push((proxy.url.clone(), client(config)));
        }
    }
    SharedHttpClient::new(ByProxy { rules: Arc::new(rules), direct, proxied })
}

/// One client or connector for each proxy, with the URL of the proxy, and one for requests without a proxy.
struct ByProxy<T> {
    rules: Arc<ProxyRules>,
    direct: T,
    proxied: Vec<(String, T)>,
}

impl<T> ByProxy<T> {
    fn choose(&self, url: &str) -> Result<&T, ProxyError> {
        let Some(proxy) = self.rules.proxy(url) else { return Ok(&self.direct) };
        let found = self.proxied.iter().find(|(url, _)| *url == proxy.url);
        found.map(|(_, chosen)| chosen).ok_or_else(|| ProxyError { variable: proxy.variable.clone() })
    }
}

impl<T> fmt::Debug for ByProxy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL of a proxy may contain a password.
        f.debug_struct("ByProxy").finish_non_exhaustive()
    }
}

impl HttpClient for ByProxy<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = |client: &SharedHttpClient| client.http_connector(settings, components);
        let proxied = self.proxied.iter().map(|(url, client)| (url.clone(), connector(client))).collect();
        SharedHttpConnector::new(ByProxy { rules: Arc::clone(&self.rules), direct: connector(&self.direct), proxied })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let proxied = self.proxied.iter().map(|(_, client)| client);
        proxied.chain([&self.direct]).try_for_each(|client| client.validate_base_client_config(components, config))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.direct.connector_metadata()
    }
}

impl HttpConnector for ByProxy<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = match self.choose(request.uri()) {
            Ok(connector) => connector,
            Err(refused) => return HttpConnectorFuture::ready(Err(ConnectorError::user(refused.into()))),
        };
        let uri: Option<Uri> = request.uri().parse().ok();
        let rules = Arc::clone(&self.rules);
        let answer = connector.call(request);
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(mut response) => {
                    let host = uri.as_ref().and_then(Uri::host).and_then(|host| HeaderValue::from_str(host).ok());
                    if let Some(host) = host {
                        response.headers_mut().insert(tunnel::HOST_OF_ANSWER, host);
                    }
                    Ok(response)
                }
                Err(error) if tunnel::is_refused(&chain(&error)) => {
                    let proxy = uri.as_ref().and_then(|uri| rules.for_url(&uri.to_string()).ok().flatten());
                    Err(match (proxy, uri) {
                        (Some(proxy), Some(uri)) => {
                            ConnectorError::other(tunnel::ask_again(&proxy, &uri).await.into(), None)
                        }
                        _ => error,
                    })
                }
                Err(error) => Err(error),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: &str = "https://sts.eu-west-1.amazonaws.com";

    fn rules(environment: &[(&str, &str)]) -> ProxyRules {
        ProxyRules::from_variables(environment.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    fn check(url: &str, environment: &[(&str, &str)]) -> Result<(), String> {
        rules(environment).for_url(url).map(drop).map_err(|refused| refused.to_string())
    }

    #[test]
    fn an_unusable_proxy_is_refused_with_the_name_of_its_variable() {
        for good in ["", "http://proxy:3128", "proxy:3128", "//proxy", "https://u:p%40@proxy", "http://[::1]:3128/"] {
            assert_eq!(check(AWS, &[("HTTPS_PROXY", good)]), Ok(()), "{good}");
        }
        for bad in [
            "http://[",
            "http://user:secret@[",
            "ht!tp://proxy",
            "://",
            "http://a b:3128",
            "/proxy",
            "socks5://p",
            "HTTP://p",
            "http:p",
            ":3128",
        ] {
            for name in ["HTTPS_PROXY", "https_proxy"] {
                let refused = check(AWS, &[(name, bad)]).expect_err(bad);
                assert!(refused.starts_with(&format!("{name} is not")) && !refused.contains("secret"), "{refused}");
            }
            let local = "http://127.0.0.1:4566";
            assert!(check(local, &[("HTTP_PROXY", bad)]).is_err() && check(local, &[("HTTPS_PROXY", bad)]).is_ok());
        }
        let not_text: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
        assert!(ProxyRules::from_variables(vec![("HTTPS_PROXY".into(), not_text)]).for_url(AWS).is_err());
    }

    #[test]
    fn a_proxy_that_is_not_used_is_not_checked() {
        for environment in [
            // Desktop environments set `all_proxy` beside the variables that are used.
            [("all_proxy", "socks://127.0.0.1:1080/"), ("https_proxy", "http://proxy:3128")],
            [("HTTP_PROXY", "://"), ("HTTPS_PROXY", "http://proxy:3128")],
            [("HTTPS_PROXY", "://"), ("NO_PROXY", "*")],
            [("HTTPS_PROXY", "://"), ("no_proxy", "amazonaws.com")],
            [("HTTPS_PROXY", "://"), ("https_proxy", "")],
            [("HTTPS_PROXY", "://"), ("https_proxy", "http://proxy:3128")],
        ] {
            assert_eq!(check(AWS, &environment), Ok(()), "{environment:?}");
        }
        assert!(check(AWS, &[("HTTPS_PROXY", "://"), ("NO_PROXY", "example.com")]).is_err());
    }

    #[test]
    fn only_the_credentials_of_a_container_need_no_proxy() {
        let proxy = ("http_proxy", "http://proxy:3128");
        let [relative, full] = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        for (environment, url, is_direct) in [
            (&[proxy, (relative, "/v2/x")][..], "http://169.254.170.2/v2/x", true),
            (&[proxy, (relative, "/v2/x")], "http://169.254.170.2/", false),
            (&[proxy], "http://169.254.170.2/v2/x", false),
            (&[proxy, (full, "http://localhost:80")], "http://localhost:80/", true),
            (&[proxy, (full, "http://localhost:80"), (relative, "/x")], "http://localhost:80/", false),
            (&[proxy], "http://169.254.169.254/latest/api/token", false),
        ] {
            let proxy = rules(environment).for_url(url).expect("a usable proxy");
            assert_eq!(proxy.is_none(), is_direct, "{environment:?} {url}");
        }
    }
}
