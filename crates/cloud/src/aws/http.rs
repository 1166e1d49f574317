//! The HTTP client, which all services and all visits of a run share, and the check of the CA bundle.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use aws_smithy_http_client::pool;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::body_limit;
use super::proxy::{self, ProxyRules};

/// The maximum size of a CA bundle. Mozilla's bundle has some 220 kB.
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

/// Creates the client, which uses the proxies of the environment: see `proxy`.
///
/// With `ca_bundle`, only the authorities in that file are trusted, as in the AWS CLI.
///
/// # Errors
///
/// Returns an error if the CA bundle can't be read or used.
pub fn client(ca_bundle: Option<&Path>, connections: usize) -> Result<SharedHttpClient, CaBundleError> {
    let trust = match ca_bundle {
        None => TrustStore::default(),
        Some(path) => TrustStore::empty().with_pem_certificate(read_bundle(path)?),
    };
    Ok(build(trust, connections))
}

/// Creates a client that trusts no authority, so that every TLS connection fails.
pub fn client_without_authorities() -> SharedHttpClient {
    build(TrustStore::empty(), 1)
}

fn build(trust: TrustStore, connections: usize) -> SharedHttpClient {
    let context = TlsContext::builder().with_trust_store(trust).build().expect("a trust store is all it needs");
    let client = |proxy: ProxyConfig| {
        let pool = pool::ConnectionPool::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .proxy_config(proxy)
            .max_connections_per_host(connections)
            .build_https()
            .expect("no partitions and no interfaces are configured that could clash");
        SharedHttpClient::new(pool::Client::new(&pool).expect("a pool without explicit partitions has one"))
    };
    body_limit::limited(proxy::client(ProxyRules::from_environment(), client))
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
