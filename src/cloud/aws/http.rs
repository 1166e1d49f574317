//! This module owns the one HTTP client that all services and all visits of a run share.

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

/// No list of authorities is larger: that of Mozilla has some 220 kB.
const LARGEST: u64 = 16 << 20;

/// The file of certificate authorities can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CaBundleRefused {
    /// It can't be read.
    #[error("the CA bundle {} can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("the CA bundle {} is not a list of PEM certificates: {detail}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// The variables that name proxies. Where one is not set, that of the same name in lower case counts.
const PROXIES: [&str; 3] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];

/// A variable names a proxy that can't be read. What it says may hold a password, and is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is not the URL of a proxy: write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with special characters as %XX"
)]
pub struct ProxyRefused {
    /// The variable.
    pub variable: String,
}

/// Checks that every proxy can be read: the HTTP client would go past one that it can't read.
pub(super) fn check_proxies(variable: impl Fn(&str) -> Option<OsString>) -> Result<(), ProxyRefused> {
    for name in PROXIES {
        let names = [name.to_owned(), name.to_ascii_lowercase()];
        let set = names.into_iter().find_map(|name| variable(&name).map(|value| (name, value)));
        let Some((name, value)) = set.filter(|(_, value)| !value.is_empty()) else { continue };
        let anywhere = Uri::from_static("https://proxied.invalid");
        let is_read =
            value.to_str().is_some_and(|url| Matcher::builder().all(url).build().intercept(&anywhere).is_some());
        if !is_read {
            return Err(ProxyRefused { variable: name });
        }
    }
    Ok(())
}

/// Makes the client. It honours `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, with and without a CA bundle.
///
/// With `ca_bundle` only the authorities in that file are trusted, as in the AWS CLI.
pub(super) fn client(ca_bundle: Option<&Path>, connections: usize) -> Result<SharedHttpClient, CaBundleRefused> {
    let trust = match ca_bundle {
        None => TrustStore::default(),
        Some(path) => TrustStore::empty().with_pem_certificate(read_bundle(path)?),
    };
    Ok(build(trust, connections))
}

/// Makes a client that gets no encrypted connection, because nobody is trusted.
pub(super) fn trusting_nobody() -> SharedHttpClient {
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

/// Reads the file and checks every certificate in it: the HTTP client would panic on a bad one.
fn read_bundle(path: &Path) -> Result<Vec<u8>, CaBundleRefused> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|source| CaBundleRefused::Unreadable { path: path.to_owned(), source })?;
    let refused = |detail: String| CaBundleRefused::NotPem { path: path.to_owned(), detail };
    if bytes.len() as u64 == LARGEST {
        return Err(refused(format!("it is larger than {} MiB", LARGEST >> 20)));
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

    #[test]
    fn a_proxy_that_can_not_be_read_is_refused_by_the_name_of_its_variable() {
        let set = |name: &'static str, value: &'static str| {
            check_proxies(move |asked| (asked == name).then(|| OsString::from(value)))
        };
        for good in
            ["", "http://proxy:3128", "proxy:3128", "https://u:p%40@proxy", "http://[::1]:3128/", "socks5://proxy"]
        {
            assert_eq!(set("HTTPS_PROXY", good), Ok(()), "{good}");
        }
        for bad in
            ["http://[", "http://user:secret@[", "ht!tp://proxy", "://", "http://a b:3128", "ftp://proxy", "/proxy"]
        {
            for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "all_proxy"] {
                let refused = set(name, bad).expect_err(bad).to_string();
                assert!(refused.starts_with(&format!("{name} is not")) && !refused.contains("secret"), "{refused}");
            }
        }
        // As the HTTP client reads them: what is set in upper case counts, even if it is empty.
        assert_eq!(check_proxies(|name| Some(if name == "https_proxy" { "://" } else { "" }.into())), Ok(()));
        let not_text: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
        assert!(check_proxies(|_| Some(not_text.clone())).is_err());
    }
}
