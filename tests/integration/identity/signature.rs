//! Checks the signature (AWS Signature Version 4) of a request, so that it is seen whose access key and secret belong together.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::secret_of;

/// Who signed a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) key: String,
    pub(super) region: String,
    pub(super) service: String,
    /// Whether it was made with the secret of this access key.
    pub(super) is_valid: bool,
}

/// The signature of a request; `None` if there is none.
pub(super) fn of(
    method: &str,
    path: &str,
    query: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Option<Signature> {
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let fields = header("authorization").strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| {
        let mut pairs = fields.split(',').filter_map(|field| field.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    let (credential, signed, given) = (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let (key, scope) = credential.split_once('/')?;
    let parts: Vec<&str> = scope.split('/').collect();
    let [date, region, service, _] = parts.as_slice() else { return None };

    let mut canonical = format!("{method}\n{path}\n{query}\n");
    for name in signed.split(';') {
        let _ = writeln!(canonical, "{name}:{}", header(name));
    }
    let _ = write!(canonical, "\n{signed}\n{}", hex(&Sha256::digest(body)));
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", header("x-amz-date"), hex(&Sha256::digest(canonical.as_bytes())));
    let signing = [date, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{}", secret_of(key)).into_bytes(), |secret, part| hmac(&secret, part.as_bytes()));
    let is_valid = hex(&hmac(&signing, to_sign.as_bytes())) == given;
    Some(Signature { key: key.to_owned(), region: (*region).to_owned(), service: (*service).to_owned(), is_valid })
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36).as_slice(), message].concat());
    Sha256::digest([pad(0x5c).as_slice(), inner.as_slice()].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
