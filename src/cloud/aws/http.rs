//! The HTTP client, which all services and all visits of a run share, and the checks of the CA bundle and of the proxy.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use aws_smithy_http_client::pool;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// The maximum size of a CA bundle. Mozilla's bundle has about 220 kB.
const MAX_BUNDLE: u64 = 16 << 20;

/// The CA bundle can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CaBundleError {
    /// The file can't be read.
    #[error("the CA bundle {} can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why the file can't be read.
        source: std::io::Error,
    },
    /// The file is not a list of certificates.
    #[error("the CA bundle {} is not a list of PEM certificates: {detail}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        detail: String,
    },
}

/// An environment variable names a proxy that can't be used. Its value is not shown, because it might contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is not the URL of an HTTP proxy: write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with special characters as %XX"
)]
pub struct ProxyError {
    /// The variable.
    pub variable: String,
}

/// Returns an error if a proxy is configured for this URL, but can't be used. The HTTP client would bypass a proxy that it can't
/// parse.
///
/// The variables are read as the client reads them (hyper-util 0.1, `client/proxy/matcher.rs`).
pub(crate) fn check_proxy(url: &str, variable: impl Fn(&str) -> Option<OsString>) -> Result<(), ProxyError> {
    let Ok(uri) = url.parse::<Uri>() else { return Ok(()) };
    // In a CGI program, HTTP_PROXY comes from a header of the web request, so the client uses no proxy.
    if variable("REQUEST_METHOD").is_some() {
        return Ok(());
    }
    let set = |name: &str| {
        let names = [name.to_owned(), name.to_ascii_lowercase()];
        names.into_iter().find_map(|name| Some((variable(&name)?, name))).filter(|(value, _)| !value.is_empty())
    };
    let own = if uri.scheme_str() == Some("https") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let named: Vec<(OsString, String)> = [own, "ALL_PROXY"].into_iter().filter_map(set).collect();
    let Some((_, name)) = named.first() else { return Ok(()) };
    let no = set("NO_PROXY").and_then(|(hosts, _)| hosts.into_string().ok()).unwrap_or_default();
    let through = |proxy: &str| Matcher::builder().all(proxy).no(no.as_str()).build().intercept(&uri);
    let is_direct = through("http://proxy.invalid").is_none();
    let used = named.iter().find_map(|(value, _)| through(value.to_str()?));
    let is_http = used.is_some_and(|used| matches!(used.uri().scheme_str(), Some("http" | "https")));
    if is_direct || is_http { Ok(()) } else { Err(ProxyError { variable: name.clone() }) }
}

/// Creates the client, which uses the proxies of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
///
/// With `ca_bundle`, only the authorities in that file are trusted, as in the AWS CLI.
pub(crate) fn client(ca_bundle: Option<&Path>, connections: usize) -> Result<SharedHttpClient, CaBundleError> {
    let trust = match ca_bundle {
        None => TrustStore::default(),
        Some(path) => TrustStore::empty().with_pem_certificate(read_bundle(path)?),
    };
    Ok(build(trust, connections))
}

/// Creates a client that trusts no authority, so that every TLS connection fails.
pub(crate) fn client_without_authorities() -> SharedHttpClient {
    build(TrustStore::empty(), 1)
}

fn build(trust: TrustStore, connections: usize) -> SharedHttpClient {
    let context = TlsContext::builder().with_trust_store(trust).build().expect("a trust store is all it needs");
    let pool = pool::ConnectionPool::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .proxy_config(ProxyConfig::from_env())
        .max_connections_per_host(connections)
        .build_https()
        .expect("no partitions and no interfaces are configured that could clash");
    let client = pool::Client::new(&pool).expect("a pool without explicit partitions has one");
    SharedHttpClient::new(client)
}

/// Reads the file and checks every certificate in it, because the HTTP client would panic on an invalid certificate.
fn read_bundle(path: &Path) -> Result<Vec<u8>, CaBundleError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BUNDLE).read_to_end(&mut bytes))
        .map_err(|source| CaBundleError::Unreadable { path: path.to_owned(), source })?;
    let refused = |detail: String| CaBundleError::NotPem { path: path.to_owned(), detail };
    if bytes.len() as u64 == MAX_BUNDLE {
        return Err(refused(format!("it is larger than {} MiB", MAX_BUNDLE >> 20)));
    }
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        webpki::anchor_from_trusted_cert(&certificate)
            .map_err(|error| refused(format!("certificate {} in it can't be used: {error}", count + 1)))?;
        count += 1;
    }
    if count == 0 {
        return Err(refused("it holds no certificate".to_owned()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: &str = "https://sts.eu-west-1.amazonaws.com";

    fn check(url: &str, environment: &[(&str, &str)]) -> Result<(), String> {
        let get = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        check_proxy(url, get).map_err(|refused| refused.to_string())
    }

    #[test]
    fn an_unusable_proxy_is_refused_with_the_name_of_its_variable() {
        for good in ["", "http://proxy:3128", "proxy:3128", "https://u:p%40@proxy", "http://[::1]:3128/"] {
            assert_eq!(check(AWS, &[("HTTPS_PROXY", good)]), Ok(()), "{good}");
        }
        for bad in
            ["http://[", "http://user:secret@[", "ht!tp://proxy", "://", "http://a b:3128", "/proxy", "socks5://p"]
        {
            for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                let refused = check(AWS, &[(name, bad)]).expect_err(bad);
                assert!(refused.starts_with(&format!("{name} is not")) && !refused.contains("secret"), "{refused}");
            }
            let local = "http://127.0.0.1:4566";
            assert!(check(local, &[("HTTP_PROXY", bad)]).is_err() && check(local, &[("HTTPS_PROXY", bad)]).is_ok());
        }
        let not_text: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
        assert!(check_proxy(AWS, |name| (name == "HTTPS_PROXY").then(|| not_text.clone())).is_err());
    }

    #[test]
    fn a_proxy_that_is_not_used_is_not_checked() {
        for environment in [
            // Desktop environments set `all_proxy` in addition to the variables that are used.
            [("all_proxy", "socks://127.0.0.1:1080/"), ("https_proxy", "http://proxy:3128")],
            [("HTTP_PROXY", "://"), ("HTTPS_PROXY", "http://proxy:3128")],
            [("HTTPS_PROXY", "://"), ("NO_PROXY", "*")],
            [("HTTPS_PROXY", "://"), ("no_proxy", "amazonaws.com")],
            [("HTTPS_PROXY", ""), ("https_proxy", "://")],
            [("HTTPS_PROXY", "://"), ("REQUEST_METHOD", "GET")],
            // The client falls back to a proxy that can be used.
            [("HTTPS_PROXY", "://"), ("ALL_PROXY", "http://proxy:3128")],
        ] {
            assert_eq!(check(AWS, &environment), Ok(()), "{environment:?}");
        }
        assert!(check(AWS, &[("HTTPS_PROXY", "://"), ("NO_PROXY", "example.com")]).is_err());
    }
}
