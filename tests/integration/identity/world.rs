//! The world of a row: one server on loopback that is a proxy with AWS's own host names, an endpoint, and the services from which
//! credentials are fetched. It records who called what, where, and through which proxy.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use base64::Engine as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::answers::{self, Answer};
use super::signature::{self, Signature};
use crate::tls_proxy::Authority;

/// How a request reached the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// `proxy` or `second` for the address that was used; `direct` if it was not used as a proxy.
    pub(super) via: String,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// The host, with the port if it is not that of the scheme.
    pub(super) host: String,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) route: Route,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) signature: Option<Signature>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query or of a form.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body);
        let pairs = self.query.split('&').chain(body.split('&')).filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| unescaped(value));
        values.next()
    }

    /// The operation of STS, IAM or Organizations, or else the method and the path.
    pub(super) fn operation(&self) -> String {
        let target = self.header("x-amz-target").and_then(|target| target.rsplit_once('.'));
        let named = target.map(|(_, operation)| operation.to_owned()).or_else(|| self.parameter("Action"));
        named.unwrap_or_else(|| format!("{} {}", self.method, self.path))
    }
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Default)]
pub(super) struct State {
    /// What is unusual about the world of this row.
    pub(super) moods: Vec<String>,
    pub(super) requests: Vec<Request>,
}

type Shared = Arc<(Mutex<State>, Arc<Authority>)>;

/// A running world, which ends when this value is dropped.
pub(super) struct World {
    /// The address for plain HTTP, which is also a proxy.
    pub(super) plain: SocketAddr,
    /// Another proxy.
    pub(super) second: SocketAddr,
    /// The address for TLS as the host `localhost`.
    pub(super) tls: SocketAddr,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    pub(super) fn start(authority: &Arc<Authority>) -> Self {
        let shared: Shared = Arc::new((Mutex::default(), Arc::clone(authority)));
        let (stop, stopped) = oneshot::channel();
        let listeners = [(); 3].map(|()| {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            listener.set_nonblocking(true).expect("a listener that does not block");
            listener
        });
        let [plain, second, tls] = [0, 1, 2].map(|number| listeners[number].local_addr().expect("a bound address"));
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listeners, served, stopped));
        });
        Self { plain, second, tls, shared, stop: Some(stop), thread: Some(thread) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("no panic in the world")
    }

    /// Forgets all requests, and takes on these moods.
    pub(super) fn begin(&self, moods: &[String]) {
        *self.state() = State { moods: moods.to_vec(), requests: Vec::new() };
    }

    /// The requests since the last beginning.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listeners: [std::net::TcpListener; 3], shared: Shared, mut stopped: oneshot::Receiver<()>) {
    let [plain, second, tls] = listeners.map(|listener| TcpListener::from_std(listener).expect("a runtime"));
    loop {
        // A client may disconnect at any time.
        tokio::select! {
            _ = &mut stopped => return,
            Ok((stream, _)) = plain.accept() => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { let _ = welcome(stream, "proxy", &shared).await; });
            }
            Ok((stream, _)) = second.accept() => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { let _ = welcome(stream, "second", &shared).await; });
            }
            Ok((stream, address)) = tls.accept() => {
                let shared = Arc::clone(&shared);
                let port = stream.local_addr().map_or(address.port(), |local| local.port());
                tokio::spawn(async move {
                    let route = Route { via: "direct".to_owned(), scheme: "https", host: format!("localhost:{port}") };
                    let _ = encrypted(stream, &route, &shared).await;
                });
            }
        }
    }
}

/// Serves plain HTTP, also as a proxy, or `CONNECT`, after which it acts as the requested host.
async fn welcome(stream: TcpStream, door: &str, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let (head, body) = read(&mut stream).await?;
    let Some(target) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return converse(stream, (head, body), door, None, shared).await;
    };
    let host = target.strip_suffix(":443").unwrap_or(target).to_owned();
    let route = Route { via: user(&head, door), scheme: "https", host };
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    encrypted(stream, &route, shared).await
}

/// The name of the proxy, with the user who it is told.
fn user(head: &str, door: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut given = lines.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
    let Some((_, value)) = given.next() else { return door.to_owned() };
    let encoded = value.trim().trim_start_matches("Basic ");
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
    format!("{} at {door}", String::from_utf8_lossy(&decoded))
}

async fn encrypted(stream: impl AsyncRead + AsyncWrite + Unpin, route: &Route, shared: &Shared) -> std::io::Result<()> {
    let name = route.host.split(':').next().unwrap_or_default();
    let mut stream = BufReader::new(TlsAcceptor::from(shared.1.config(name)).accept(stream).await?);
    let first = read(&mut stream).await?;
    converse(stream, first, "", Some(route), shared).await
}

/// Answers requests until the client disconnects. Without a route, the route is what each request says.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    first: (String, Vec<u8>),
    door: &str,
    route: Option<&Route>,
    shared: &Shared,
) -> std::io::Result<()> {
    let (mut head, mut body) = first;
    loop {
        let request = parse(&head, body, door, route);
        let Answer { status, kind, body: answer } = {
            let mut state = shared.0.lock().expect("no panic in the world");
            let answer = answers::to(&request, &state.moods);
            state.requests.push(request);
            answer
        };
        let head_of_answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\
             x-amzn-requestid: 85cb9b90\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(format!("{head_of_answer}{answer}").as_bytes()).await?;
        stream.flush().await?;
        (head, body) = read(&mut stream).await?;
    }
}

fn parse(head: &str, body: Vec<u8>, door: &str, route: Option<&Route>) -> Request {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let host = headers.iter().find(|(name, _)| name == "host").map(|(_, value)| value.clone()).unwrap_or_default();
    let (route, target) = match (route, target.strip_prefix("http://")) {
        (Some(route), _) => (route.clone(), target.to_owned()),
        (None, Some(rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            (Route { via: user(head, door), scheme: "http", host: host.to_owned() }, format!("/{path}"))
        }
        (None, None) => (Route { via: "direct".to_owned(), scheme: "http", host }, target.to_owned()),
    };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let signature = signature::of(&method, &path, &query, &headers, &body);
    Request { route, method, path, query, headers, body, signature }
}

/// Reads the head and the body of a request.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((head, body))
}
