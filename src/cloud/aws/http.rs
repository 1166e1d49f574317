//! This module owns the one HTTP client that all services and all visits of a run share.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use aws_smithy_http_client::pool;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
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
