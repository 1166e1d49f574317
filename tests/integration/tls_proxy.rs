//! A TLS-intercepting proxy with a certificate authority of its own, as companies run them, which forwards requests to the simulated
//! organization. With it the program can use AWS's real host names on loopback.

use std::collections::{BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A running TLS proxy, which ends when this value is dropped.
pub(crate) struct TlsProxy {
    /// The address for HTTP and `CONNECT`.
    pub(crate) proxy: SocketAddr,
    /// The address for TLS without `CONNECT`, as the server `localhost`.
    pub(crate) direct: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    backend: SocketAddr,
    authority: Authority,
    hosts: Mutex<BTreeSet<String>>,
    authorizations: Mutex<BTreeSet<String>>,
}

impl TlsProxy {
    /// Starts a TLS proxy to a plain HTTP server.
    pub(crate) fn start(endpoint: &str) -> Self {
        let backend = endpoint.trim_start_matches("http://").parse().expect("an endpoint with a literal address");
        let shared = Arc::new(Shared {
            backend,
            authority: Authority::new(),
            hosts: Mutex::default(),
            authorizations: Mutex::default(),
        });
        let (proxy, direct) = (listen(), listen());
        let addresses = [&proxy, &direct].map(|listener| listener.local_addr().expect("a bound address"));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(proxy, direct, served, stopped));
        });
        Self { proxy: addresses[0], direct: addresses[1], shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Writes the certificate of the TLS proxy's authority into a folder.
    pub(crate) fn write_authority(&self, folder: &Path) -> PathBuf {
        let path = folder.join("authority.pem");
        std::fs::write(&path, &self.shared.authority.pem).expect("a writable folder");
        path
    }

    /// The hosts and ports of the `CONNECT` requests.
    pub(crate) fn hosts(&self) -> Vec<String> {
        self.shared.hosts.lock().expect("no panic in the TLS proxy").iter().cloned().collect()
    }

    /// The `Proxy-Authorization` headers of clients.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.shared.authorizations.lock().expect("no panic in the TLS proxy").iter().cloned().collect()
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen() -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a listener that does not block");
    listener
}

async fn serve(
    proxy: std::net::TcpListener,
    direct: std::net::TcpListener,
    shared: Arc<Shared>,
    mut stopped: oneshot::Receiver<()>,
) {
    let [proxy, direct] = [proxy, direct].map(|listener| TcpListener::from_std(listener).expect("a runtime"));
    loop {
        // A client may disconnect at any time.
        tokio::select! {
            _ = &mut stopped => return,
            Ok((stream, _)) = proxy.accept() => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { let _ = tunnel(stream, &shared).await; });
            }
            Ok((stream, _)) = direct.accept() => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { let _ = forward(stream, "localhost", &shared).await; });
            }
        }
    }
}

/// Answers `CONNECT host:port`, and then acts as that host.
async fn tunnel(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let head = read_head(&mut stream).await?;
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned();
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    for (_, value) in headers.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization")) {
        shared.authorizations.lock().expect("no panic in the TLS proxy").insert(value.to_owned());
    }
    shared.hosts.lock().expect("no panic in the TLS proxy").insert(target.clone());
    let Some((host, _)) = target.rsplit_once(':') else {
        return stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n").await;
    };
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    forward(stream, host, shared).await
}

/// Reads up to the empty line. A client waits for the answer to `CONNECT`, so nothing follows it.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Terminates TLS as the host and forwards the plain requests.
async fn forward(stream: impl AsyncRead + AsyncWrite + Unpin, host: &str, shared: &Shared) -> std::io::Result<()> {
    let acceptor = TlsAcceptor::from(shared.authority.config(host));
    let mut inside = acceptor.accept(stream).await?;
    let mut backend = TcpStream::connect(shared.backend).await?;
    backend.set_nodelay(true)?;
    copy_bidirectional(&mut inside, &mut backend).await.map(|_| ())
}

/// A certificate authority that exists for one test.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
    configs: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("randomness");
        let mut params = CertificateParams::default();
        // OpenSSL treats a certificate whose issuer has the same name as self-signed.
        params.distinguished_name.push(DnType::CommonName, "v2token test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key), configs: Mutex::default() }
    }

    /// The TLS configuration of a server with this name.
    pub(crate) fn config(&self, host: &str) -> Arc<ServerConfig> {
        let mut configs = self.configs.lock().expect("no panic in the TLS proxy");
        let config = configs.entry(host.to_owned()).or_insert_with(|| {
            let key = KeyPair::generate().expect("randomness");
            let params = CertificateParams::new([host.to_owned()]).expect("a host name");
            let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
            let chain = vec![CertificateDer::from(certificate)];
            let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("the provider supports them")
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .expect("a certificate that fits its key");
            Arc::new(config)
        });
        Arc::clone(config)
    }
}
