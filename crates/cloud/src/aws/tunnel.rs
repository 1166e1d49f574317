//! Who answered in place of AWS: a proxy that did not open a tunnel, and the host that an answer should have come from.
//!
//! The HTTP client drops the status of a proxy that refuses a tunnel, so the proxy is asked once more.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::Uri;
use hyper_util::client::proxy::matcher::Intercept;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long the proxy may take to answer again. It has just answered the same request.
const PATIENCE: Duration = Duration::from_secs(3);

/// The longest first line of an answer that is read.
const MAX_LINE: usize = 1024;

/// The header in which this program notes the host that a request was sent to, for the message about an answer that is not AWS's.
/// The SDK's errors have the answer, but not the request.
pub(super) const HOST_OF_ANSWER: &str = "v2token-host";

/// A proxy answered CONNECT with something other than a tunnel, so nothing was sent to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TunnelRefused {
    /// The host in AWS.
    pub host: String,
    /// The status of the proxy's answer; `None` if the proxy did not repeat it.
    pub status: Option<u16>,
}

impl TunnelRefused {
    /// Whether a retry would get the same answer.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self.status, Some(400..=407 | 409..=428 | 430..=499))
    }
}

impl fmt::Display for TunnelRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the proxy answered {status} for {}", self.host),
            None => write!(f, "the proxy answered with no tunnel for {}", self.host),
        }
    }
}

impl Error for TunnelRefused {}

/// Whether the HTTP client failed because the proxy's answer to CONNECT was not 200. The type of this error is private
/// (hyper-util 0.1.21, `connect/proxy/tunnel.rs`), so only its message distinguishes it.
pub(super) fn is_refused(message: &str) -> bool {
    message.contains("tunnel error: unsuccessful") || message.contains("tunnel error: proxy authorization required")
}

/// Asks the proxy again for a tunnel to the host of `target`, and returns its answer.
pub(super) async fn ask_again(proxy: &Intercept, target: &Uri) -> TunnelRefused {
    let host = target.host().unwrap_or_default().to_owned();
    let port = target.port_u16().unwrap_or(443);
    let asked = tokio::time::timeout(PATIENCE, status_of(proxy, &host, port)).await;
    TunnelRefused { host, status: asked.ok().flatten().filter(|status| *status != 200) }
}

/// Sends CONNECT, and returns the status of the answer. A proxy that is reached by TLS is not asked.
async fn status_of(proxy: &Intercept, host: &str, port: u16) -> Option<u16> {
    let uri = proxy.uri();
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let address = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    let mut stream = TcpStream::connect((address, uri.port_u16().unwrap_or(80))).await.ok()?;
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(login) = proxy.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(login.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.ok()?;
    let mut line = Vec::new();
    let mut answer = stream.take(MAX_LINE as u64);
    while !line.ends_with(b"\n") {
        line.push(answer.read_u8().await.ok()?);
    }
    status_in(&line)
}

/// Returns the status in the first line of an answer, such as `HTTP/1.1 403 Forbidden`.
fn status_in(line: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    line.split_whitespace().nth(1)?.parse().ok().filter(|status| (100..=599).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_in_the_first_line() {
        for (line, status) in [
            ("HTTP/1.1 403 Forbidden\r\n", Some(403)),
            ("HTTP/1.0 407 Proxy Authentication Required\r\n", Some(407)),
            ("HTTP/1.1 503\r\n", Some(503)),
            ("HTTP/1.1 9999 x\r\n", None),
            ("<html>403 Forbidden</html>\n", None),
            ("HTTP/1.1\r\n", None),
            ("\n", None),
        ] {
            assert_eq!(status_in(line.as_bytes()), status, "{line:?}");
        }
    }

    #[test]
    fn only_a_refusal_of_the_request_itself_is_final() {
        for (status, is_final) in [
            (Some(403), true),
            (Some(407), true),
            (Some(408), false),
            (Some(429), false),
            (Some(503), false),
            (None, false),
        ] {
            assert_eq!(TunnelRefused { host: String::new(), status }.is_final(), is_final, "{status:?}");
        }
    }
}
