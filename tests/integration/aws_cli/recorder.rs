//! The recorder: an endpoint on loopback that records every request, byte for byte, and answers as a case says, over plain HTTP and
//! over TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::answers::Answer;
use crate::tls_proxy::Authority;

/// How long an endpoint that never answers holds a connection. Longer than any program waits in a case.
const NEVER: Duration = Duration::from_secs(30);

/// A recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// `POST / HTTP/1.1`.
    pub(super) line: String,
    /// Names in lower case, in their order.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Script {
    answers: Vec<Answer>,
    requests: Vec<Request>,
}

/// A running recorder, which ends when this value is dropped.
pub(super) struct Recorder {
    pub(super) plain: SocketAddr,
    pub(super) tls: SocketAddr,
    /// An address at which connections are never accepted.
    pub(super) full: SocketAddr,
    script: Arc<Mutex<Script>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    pub(super) fn start(authority: &Arc<Authority>) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let (stop, stopped) = oneshot::channel();
        let (ready, addresses) = std::sync::mpsc::channel();
        let (served, authority) = (Arc::clone(&script), Arc::clone(authority));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
                let tls = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
                let full = TcpSocket::new_v4().expect("a socket");
                full.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
                let full = full.listen(1).expect("a listener");
                let of = |listener: &TcpListener| listener.local_addr().expect("a bound address");
                // These fill the queue of connections that are never accepted.
                let mut waiting = Vec::new();
                for _ in 0..2 {
                    waiting.push(TcpStream::connect(of(&full)).await.expect("room in the queue"));
                }
                ready.send([of(&plain), of(&tls), of(&full)]).expect("somebody waits for it");
                serve(plain, tls, served, authority, stopped).await;
            });
        });
        let [plain, tls, full] = addresses.recv().expect("the recorder starts");
        Self { plain, tls, full, script, stop: Some(stop), thread: Some(thread) }
    }

    /// Sets the answers from now on; the last one is repeated.
    pub(super) fn answer(&self, answers: &[Answer]) {
        let mut script = self.script.lock().expect("no panic in the recorder");
        *script = Script { answers: answers.iter().rev().cloned().collect(), requests: Vec::new() };
    }

    /// Returns the requests since the last call.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.script.lock().expect("no panic in the recorder").requests.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    plain: TcpListener,
    tls: TcpListener,
    script: Arc<Mutex<Script>>,
    authority: Arc<Authority>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        // A client may disconnect at any time.
        tokio::select! {
            _ = &mut stopped => return,
            Ok((stream, _)) = plain.accept() => {
                let (script, authority) = (Arc::clone(&script), Arc::clone(&authority));
                tokio::spawn(async move { let _ = welcome(stream, &script, &authority).await; });
            }
            Ok((stream, _)) = tls.accept() => {
                let (script, authority) = (Arc::clone(&script), Arc::clone(&authority));
                tokio::spawn(async move { let _ = encrypted(stream, "localhost", &script, &authority).await; });
            }
        }
    }
}

/// Serves plain HTTP, or a proxy's `CONNECT`, after which it acts as the requested host.
async fn welcome(mut stream: TcpStream, script: &Mutex<Script>, authority: &Authority) -> std::io::Result<()> {
    let mut beginning = [0; 8];
    if stream.peek(&mut beginning).await? == 8 && beginning == *b"CONNECT " {
        let request = read(&mut stream).await?;
        let host = request.line[8..].split(':').next().unwrap_or_default().to_owned();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        return encrypted(stream, &host, script, authority).await;
    }
    converse(stream, script).await
}

async fn encrypted(
    stream: TcpStream,
    host: &str,
    script: &Mutex<Script>,
    authority: &Authority,
) -> std::io::Result<()> {
    converse(TlsAcceptor::from(authority.config(host)).accept(stream).await?, script).await
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: &Mutex<Script>) -> std::io::Result<()> {
    loop {
        let request = match read(&mut stream).await {
            Ok(request) => request,
            Err(error) => {
                let _ = stream.write_all(b"HTTP/1.1 400 X\r\n\r\n").await;
                return Err(error);
            }
        };
        let answer = {
            let mut script = script.lock().expect("no panic in the recorder");
            let last = script.answers.len() == 1;
            let answer = if last { script.answers.last().cloned() } else { script.answers.pop() };
            script.requests.push(request.clone());
            answer.unwrap_or(Answer::Closed)
        };
        match answer {
            Answer::Closed => return Ok(()),
            Answer::Never => tokio::time::sleep(NEVER).await,
            Answer::Bytes(bytes) => return stream.write_all(bytes.as_bytes()).await,
            Answer::Http { status, body } => {
                let body = body(&request.body);
                let head =
                    format!("HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await?;
            }
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Request> {
    let mut head = vec![stream.read_u8().await?];
    if !head[0].is_ascii_uppercase() {
        return Err(std::io::Error::other("that is not HTTP"));
    }
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { line, headers, body: String::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(request)
}
