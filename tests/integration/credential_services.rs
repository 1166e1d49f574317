//! Simulated credential services: the portal of IAM Identity Center, the endpoint of a container, and the metadata service of an instance.
//! They provide the simulator's base credentials.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// The access token of a login.
pub(crate) const ACCESS_TOKEN: &str = "canary-access-token-of-a-login";
/// The refresh token of a login.
pub(crate) const REFRESH_TOKEN: &str = "canary-refresh-token-of-a-login";
/// The client secret for the refresh.
pub(crate) const CLIENT_SECRET: &str = "canary-secret-of-a-client";
/// The authorization token of the container's endpoint.
pub(crate) const CONTAINER_TOKEN: &str = "canary-token-of-a-container";
/// The session token of the metadata service.
const METADATA_TOKEN: &str = "canary-token-of-an-instance";
/// The portal's one assignment.
pub(crate) const ASSIGNMENT: [&str; 2] = ["000000000100", "RolloutAdmin"];

/// All secrets that the program must not output.
pub(crate) const SECRETS: [&str; 5] = [ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET, CONTAINER_TOKEN, METADATA_TOKEN];

/// A running server, which ends when this value is dropped.
pub(crate) struct CredentialServices {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// The simulator's address.
    simulator: String,
    /// The lifetime of credentials, in seconds.
    lifetime: AtomicU64,
    refuses: AtomicBool,
    stops: AtomicBool,
    requests: Mutex<Vec<String>>,
}

/// The relevant parts of a request.
struct Request {
    method: String,
    path: String,
    query: String,
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Status, further headers, and body.
type Answer = (u16, String, String);

impl CredentialServices {
    /// Starts a server that fetches credentials from the simulator at this endpoint.
    pub(crate) fn start(endpoint: &str, lifetime: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            simulator: endpoint.trim_start_matches("http://").to_owned(),
            lifetime: AtomicU64::new(lifetime.as_secs()),
            refuses: AtomicBool::new(false),
            stops: AtomicBool::new(false),
            requests: Mutex::default(),
        });
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if served.stops.load(Ordering::Relaxed) {
                    return;
                }
                // A client may disconnect at any time.
                let _ = serve(stream, &served);
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets whether all requests are refused, as after a logout.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::Relaxed);
    }

    /// The requests so far: method and path.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().expect("no panic in the credential services").clone()
    }
}

impl Drop for CredentialServices {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        // Wakes the thread, which is waiting for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let request = read(&stream)?;
    let asked = format!("{} {}", request.method, request.path);
    shared.requests.lock().expect("no panic in the credential services").push(asked);
    let (status, headers, body) = answer(&request, shared);
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut request = Request { method, path: path.to_owned(), query: query.to_owned(), head, body: String::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_string(&mut request.body)?;
    Ok(request)
}

fn answer(request: &Request, shared: &Shared) -> Answer {
    let refuses = shared.refuses.load(Ordering::Relaxed);
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/federation/credentials") => portal(request, shared, refuses),
        ("POST", "/token") => refreshed(request, refuses),
        ("GET", "/container") => {
            if refuses || request.header("authorization") != Some(CONTAINER_TOKEN) {
                return error(403, "AccessDeniedException", "the authorization token is not valid");
            }
            credentials(shared)
        }
        ("PUT", "/latest/api/token") if !refuses => {
            (200, "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n".to_owned(), METADATA_TOKEN.to_owned())
        }
        ("GET", path) if path.starts_with("/latest/") => metadata(request, shared, refuses),
        _ => error(404, "NotFound", "there is no such thing"),
    }
}

fn portal(request: &Request, shared: &Shared, refuses: bool) -> Answer {
    if refuses || request.header("x-amz-sso_bearer_token") != Some(ACCESS_TOKEN) {
        return error(401, "UnauthorizedException", "Session token not found or invalid");
    }
    let [account, role] = ASSIGNMENT;
    let wanted = [format!("account_id={account}"), format!("role_name={role}")];
    if !wanted.iter().all(|pair| request.query.split('&').any(|given| given == pair)) {
        return error(403, "ForbiddenException", "No access");
    }
    let issued = fetch(shared);
    let lifetime = Duration::from_secs(shared.lifetime.load(Ordering::Relaxed));
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970") + lifetime;
    let body = json!({ "roleCredentials": {
        "accessKeyId": issued["AccessKeyId"],
        "secretAccessKey": issued["SecretAccessKey"],
        "sessionToken": issued["SessionToken"],
        "expiration": u64::try_from(expires.as_millis()).expect("milliseconds of this century"),
    } });
    (200, JSON.to_owned(), body.to_string())
}

/// Answers a refresh with a new login.
fn refreshed(request: &Request, refuses: bool) -> Answer {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    if refuses || body["refreshToken"] != REFRESH_TOKEN || body["clientSecret"] != CLIENT_SECRET {
        return error(400, "InvalidGrantException", "the refresh token is not valid");
    }
    let login = json!({ "accessToken": ACCESS_TOKEN, "tokenType": "Bearer", "expiresIn": 28_800 });
    (200, JSON.to_owned(), login.to_string())
}

fn metadata(request: &Request, shared: &Shared, refuses: bool) -> Answer {
    if refuses || request.header("x-aws-ec2-metadata-token") != Some(METADATA_TOKEN) {
        return error(401, "Unauthorized", "there is no token");
    }
    match request.path.as_str() {
        "/latest/meta-data/placement/region" => (200, String::new(), "eu-west-1".to_owned()),
        "/latest/meta-data/iam/security-credentials/" => (200, String::new(), "rollout-instance".to_owned()),
        "/latest/meta-data/iam/security-credentials/rollout-instance" => credentials(shared),
        _ => error(404, "NotFound", "there is no such thing"),
    }
}

/// Credentials in the form that containers and instances share.
fn credentials(shared: &Shared) -> Answer {
    let mut issued = fetch(shared);
    issued["Token"] = issued["SessionToken"].take();
    issued["Code"] = "Success".into();
    issued["Type"] = "AWS-HMAC".into();
    issued["LastUpdated"] = "2026-11-22T00:00:00Z".into();
    (200, JSON.to_owned(), issued.to_string())
}

const JSON: &str = "Content-Type: application/json\r\n";

fn error(status: u16, code: &str, message: &str) -> Answer {
    let headers = format!("{JSON}x-amzn-errortype: {code}\r\n");
    (status, headers, json!({ "code": code, "message": message }).to_string())
}

/// New base credentials of the simulator, in the form of `credential_process`.
fn fetch(shared: &Shared) -> Value {
    let lifetime = shared.lifetime.load(Ordering::Relaxed);
    let mut stream = TcpStream::connect(&shared.simulator).expect("the simulator is running");
    let asked = format!(
        "GET /_simulator/credentials?lifetime={lifetime} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).expect("an open connection");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (_, body) = text.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("credentials as JSON")
}
