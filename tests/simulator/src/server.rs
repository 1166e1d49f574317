//! The HTTP server: connections, bodies, latency, and how an answer can fail to arrive.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::answer::{Answer, Delivery};
use crate::answer_body::Payload;
use crate::network::Network;
use crate::request::Call;
use crate::shared::Shared;
use crate::sigv4::Signable;

/// The maximum size of a request; the services' own limits are lower.
const MAX_REQUEST: usize = 1 << 20;
/// How long a hanging request is held. Every client under test gives up earlier.
const HANG: Duration = Duration::from_secs(120);

/// Ends a connection without an answer.
#[derive(Debug)]
pub(crate) struct Abort;

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulator breaks the connection on purpose")
    }
}

impl std::error::Error for Abort {}

impl From<Infallible> for Abort {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

type Responding = Pin<Box<dyn Future<Output = Result<Response<Payload>, Abort>> + Send>>;

/// Accepts connections until the server is stopped. While the network refuses connections, there is no listener.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: oneshot::Receiver<()>) {
    let address = listener.local_addr();
    let changed = Arc::clone(&shared.world().network_changed);
    let mut listener = Some(listener);
    loop {
        let turn = changed.notified();
        let refuses = shared.world().network == Network::Refuse;
        listener = match listener {
            Some(_) if refuses => None,
            None if !refuses => match &address {
                // Another process might have taken the port in the meantime, and might release it soon.
                Ok(address) => TcpListener::bind(address).await.ok(),
                Err(_) => None,
            },
            unchanged => unchanged,
        };
        tokio::select! {
            _ = &mut stop => return,
            () = turn => {}
            accepted = accept(listener.as_ref(), refuses) => match accepted {
                Some(Ok((stream, _))) => {
                    shared.connection_accepted();
                    tokio::spawn(connection(stream, Arc::clone(&shared)));
                }
                // The cause is most likely too many open files, or a port that is not free. Both are temporary.
                Some(Err(_)) | None => sleep(Duration::from_millis(10)).await,
            },
        }
    }
}

/// Waits for a connection. While the network refuses connections, waits forever. If the listener is missing although it should
/// exist, returns `None` at once.
async fn accept(
    listener: Option<&TcpListener>,
    refuses: bool,
) -> Option<std::io::Result<(TcpStream, std::net::SocketAddr)>> {
    match listener {
        Some(listener) => Some(listener.accept().await),
        None if refuses => std::future::pending().await,
        None => None,
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are small, and must not wait for the acknowledgement of the previous answer.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let resetting = Arc::clone(&reset);
    let service = service_fn(move |request| -> Responding {
        Box::pin(respond(request, Arc::clone(&shared), Arc::clone(&resetting)))
    });
    let mut connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // The cause of an error is either an injected fault or the client.
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let stream = connection.into_parts().io.into_inner();
    if reset.load(Ordering::Relaxed) {
        // Closing with a linger time of zero sends RST instead of FIN.
        let _ = stream.set_zero_linger();
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    reset: Arc<AtomicBool>,
) -> Result<Response<Payload>, Abort> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST).collect().await.map_err(|_| Abort)?.to_bytes();
    if let Some(path) = parts.uri.path().strip_prefix("/_simulator/") {
        return Ok(remote_control(&shared, &parts, path, &body));
    }
    let Some(call) = Call::read(parts.uri.path(), &parts.headers, &body) else {
        return Ok(plain(404, "text/plain", "none of the simulated services"));
    };
    let signable = Signable {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &body,
    };
    let network = shared.world().network;
    match network {
        Network::Normal => {}
        Network::BlackHole => {
            shared.world().count_lost(&call, &signable, "black_hole");
            sleep(HANG).await;
            return Err(Abort);
        }
        Network::Refuse => {
            shared.world().count_lost(&call, &signable, "closed");
            return Err(Abort);
        }
    }
    let _in_flight = shared.enter(call.service);
    let arrived = Instant::now();
    let latency = shared.world().latency.of(call.service);
    pause(arrived, latency / 2).await;
    let answer = shared.world().answer(&call, &signable);
    shared.log(&call, &answer);
    pause(arrived, latency + answer.delay).await;
    deliver(answer, &reset).await
}

/// Waits until this time has passed since the request arrived. Returns without yielding if the time is zero.
///
/// This does not use tokio's timer, which counts in milliseconds. With tokio's timer, an answer that should take 60 ms took 61.3
/// ms (median of 40); with this timer, it takes 60.1 ms.
async fn pause(arrived: Instant, duration: Duration) {
    if !duration.is_zero() {
        async_io::Timer::at((arrived + duration).into_std()).await;
    }
}

async fn deliver(answer: Answer, reset: &AtomicBool) -> Result<Response<Payload>, Abort> {
    let length = answer.body.len();
    let mut response = Response::new(match answer.delivery {
        Delivery::Whole => Payload::whole(answer.body),
        Delivery::Truncated => Payload::cut(answer.body),
        Delivery::Close => return Err(Abort),
        Delivery::Reset => {
            reset.store(true, Ordering::Relaxed);
            return Err(Abort);
        }
        Delivery::Hang => {
            sleep(HANG).await;
            return Err(Abort);
        }
    });
    *response.status_mut() = answer.status.try_into().expect("answers have valid status codes");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CONTENT_LENGTH, length.into());
    if let Some(date) = answer.date {
        headers.insert(DATE, date.try_into().expect("dates are ASCII"));
    }
    if let Some(error_type) = answer.error_type {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error_type));
    }
    headers.insert("x-amzn-requestid", answer.request_id.try_into().expect("request ids are hexadecimal"));
    Ok(response)
}

fn remote_control(shared: &Shared, parts: &Parts, path: &str, body: &Bytes) -> Response<Payload> {
    const JSON: &str = "application/json";
    match (parts.method.as_str(), path) {
        ("GET", "truth") => {
            plain(200, JSON, serde_json::to_string(&shared.truth()).expect("the truth has text keys only"))
        }
        ("GET", "credentials") => {
            let lifetime = parts.uri.query().and_then(|query| query.strip_prefix("lifetime=")?.parse().ok());
            plain(200, JSON, shared.world().process_credentials(lifetime.map(Duration::from_secs)))
        }
        ("POST", "control") => match shared.world().execute_command(body) {
            Ok(()) => plain(200, JSON, r#"{"ok":true}"#),
            Err(error) => plain(400, JSON, serde_json::json!({ "error": error }).to_string()),
        },
        _ => plain(404, "text/plain", "GET truth, GET credentials or POST control"),
    }
}

fn plain(status: u16, content_type: &'static str, body: impl Into<String>) -> Response<Payload> {
    let mut response = Response::new(Payload::whole(body.into()));
    *response.status_mut() = status.try_into().expect("answers have valid status codes");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
