//! AWS Signature Version 4: parses an `Authorization` header and computes the expected signature.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use sha2::{Digest, Sha256};

/// The parts of `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    pub access_key: &'a str,
    pub date: &'a str,
    pub region: &'a str,
    pub service: &'a str,
    pub signed_headers: &'a str,
    pub signature: &'a str,
}

impl<'a> Authorization<'a> {
    pub fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in fields.split(',') {
            match field.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => signed_headers = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => return None,
            }
        }
        let mut scope = credential?.split('/');
        let parsed = Self {
            access_key: scope.next()?,
            date: scope.next()?,
            region: scope.next()?,
            service: scope.next()?,
            signed_headers: signed_headers?,
            signature: signature?,
        };
        (scope.next() == Some("aws4_request") && scope.next().is_none()).then_some(parsed)
    }
}

/// What is signed, apart from the credentials.
pub(crate) struct Signable<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// Returns the key that signs all requests of one day, region and service.
pub(crate) fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let mut first = Vec::with_capacity(4 + secret.len());
    first.extend_from_slice(b"AWS4");
    first.extend_from_slice(secret.as_bytes());
    let key = hmac(&first, date.as_bytes());
    let key = hmac(&key, region.as_bytes());
    let key = hmac(&key, service.as_bytes());
    hmac(&key, b"aws4_request")
}

/// Returns the signature that a client with this key computes, or `None` if a signed header is missing.
pub(crate) fn signature(
    key: &[u8; 32],
    authorization: &Authorization<'_>,
    amz_date: &str,
    signable: &Signable<'_>,
) -> Option<String> {
    let canonical = canonical_request(signable, authorization.signed_headers)?;
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{amz_date}\n{}/{}/{}/aws4_request\n{}",
        authorization.date,
        authorization.region,
        authorization.service,
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    Some(hex(&hmac(key, to_sign.as_bytes())))
}

/// The canonical form of a request. Path and query are used as they were sent. They need no normalisation, because the services
/// are called with plain paths, and with one parameter in the query at most.
fn canonical_request(signable: &Signable<'_>, signed_headers: &str) -> Option<String> {
    let mut text = String::with_capacity(1_536);
    for part in [signable.method, signable.path, signable.query] {
        text.push_str(part);
        text.push('\n');
    }
    for name in signed_headers.split(';') {
        text.push_str(name);
        let mut separator = ':';
        for value in signable.headers.get_all(name) {
            text.push(separator);
            separator = ',';
            for (index, word) in value.to_str().ok()?.split_ascii_whitespace().enumerate() {
                if index > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        if separator == ':' {
            return None;
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(signed_headers);
    text.push('\n');
    text.push_str(&hex(&Sha256::digest(signable.body)));
    Some(text)
}

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// Tests the case `post-vanilla` of the test suite that AWS publishes.
    #[test]
    fn matches_the_published_post() {
        let headers = headers(&[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")]);
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        check(header, &headers, b"");
    }

    /// Tests the case `post-x-www-form-urlencoded` of the test suite that AWS publishes.
    #[test]
    fn matches_the_published_form() {
        let headers = headers(&[
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", "example.amazonaws.com"),
            ("content-length", "13"),
            ("x-amz-date", "20150830T123600Z"),
            ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
        ]);
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date, \
             Signature=d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b";
        check(header, &headers, b"Param1=value1");
    }

    fn check(header: &str, headers: &HeaderMap, body: &[u8]) {
        let authorization = Authorization::parse(header).unwrap();
        let key = signing_key(SECRET, authorization.date, authorization.region, authorization.service);
        let signable = Signable { method: "POST", path: "/", query: "", headers, body };
        assert_eq!(signature(&key, &authorization, "20150830T123600Z", &signable).unwrap(), authorization.signature);
        let forged = Signable { body: b"Param1=value2", ..signable };
        assert_ne!(signature(&key, &authorization, "20150830T123600Z", &forged).unwrap(), authorization.signature);
    }

    #[test]
    fn incomplete_headers_are_refused() {
        assert_eq!(
            Authorization::parse("AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/iam/aws4_request, Signature=0"),
            None
        );
        assert_eq!(Authorization::parse("Bearer abc"), None);
    }
}
