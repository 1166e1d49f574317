//! The role sessions that the AWS CLI keeps in `~/.aws/cli/cache`, and the logins in `~/.aws/sso/cache`. The program uses a
//! session from the cache so that a person is not asked for another MFA code. The program writes nothing to these folders.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::source::{Keys, ProfileRole, SsoRole, WebIdentity, keys, secret};
use super::{AwsSettings, files};
use crate::secret::Secret;
use crate::timestamp;

/// A session that expires within this time counts as expired (botocore 1.43, `credentials.py`, `DEFAULT_EXPIRY_WINDOW_SECONDS`).
pub const EXPIRY_WINDOW: Duration = Duration::from_mins(15);

/// A cached session. It holds keys, so this type does not implement `Debug`.
#[derive(Clone)]
pub struct CachedSession {
    /// The credentials.
    pub keys: Keys,
    /// When the session ends.
    pub expires: SystemTime,
}

impl AwsSettings {
    /// Returns the cached session of a role of a profile.
    pub fn cached_role(&self, role: &ProfileRole, now: SystemTime) -> Option<CachedSession> {
        let arguments = [
            ("DurationSeconds", role.duration.map(Value::from)),
            ("ExternalId", role.external_id.as_ref().map(|id| id.reveal().into())),
            ("RoleArn", Some(role.role_arn.as_str().into())),
            ("RoleSessionName", role.session_name.as_deref().map(Value::from)),
            ("SerialNumber", role.mfa_serial.as_deref().map(Value::from)),
        ];
        self.cached(&file_name(arguments), now)
    }

    /// Returns the cached session of a role that is assumed with a token. The name of the session's file depends on the token.
    pub fn cached_web_identity(&self, identity: &WebIdentity, now: SystemTime) -> Option<CachedSession> {
        let token = String::from_utf8(files::read_limited(&identity.token_file).ok()?).ok()?;
        let arguments = [
            ("RoleArn", Some(identity.role_arn.as_str().into())),
            ("RoleSessionName", identity.session_name.as_deref().map(Value::from)),
            ("WebIdentityToken", Some(token.into())),
        ];
        self.cached(&file_name(arguments), now)
    }

    /// Returns the token of a login without an `sso-session`.
    ///
    /// # Errors
    ///
    /// Returns the reason if there is no such login, or if the login has expired.
    pub fn login_token(&self, role: &SsoRole, now: SystemTime) -> std::result::Result<Secret, String> {
        let path = self.variables.expand_home(&format!("~/.aws/sso/cache/{}.json", sha1_hex(&role.start_url)));
        let refused =
            |cause: String| format!("the login of profile {:?} ({path}) {cause}: run `aws sso login`", role.profile);
        let bytes = files::read_limited(&path).map_err(|error| refused(format!("can't be read: {error}")))?;
        let contents: Value = serde_json::from_slice(&bytes).map_err(|_| refused("is not JSON".to_owned()))?;
        let text = |key: &str| contents.get(key)?.as_str();
        let expires = text("expiresAt").and_then(timestamp::parse_with_offset);
        match (text("accessToken"), expires) {
            (Some(token), Some(expires)) if expires > now => Ok(secret(token)),
            (Some(_), Some(_)) => Err(refused("has expired".to_owned())),
            _ => Err(refused("has no accessToken or no expiresAt".to_owned())),
        }
    }

    /// Reads a file of the cache. A damaged file counts as missing, and then the role is assumed again.
    fn cached(&self, name: &str, now: SystemTime) -> Option<CachedSession> {
        let path = self.variables.expand_home(&format!("~/.aws/cli/cache/{name}"));
        let contents: Value = serde_json::from_slice(&files::read_limited(&path).ok()?).ok()?;
        let text = |key: &str| contents.get("Credentials")?.get(key)?.as_str();
        let expires = timestamp::parse_with_offset(text("Expiration")?)?;
        let keys = keys(text("AccessKeyId")?, text("SecretAccessKey")?, Some(text("SessionToken")?));
        (expires >= now + EXPIRY_WINDOW).then_some(CachedSession { keys, expires })
    }
}

/// Returns the name of a session's file: the SHA-1 of AssumeRole's arguments, as Python's `json.dumps(…, sort_keys=True)` writes
/// them.
fn file_name<const N: usize>(arguments: [(&str, Option<Value>); N]) -> String {
    let given = arguments.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let pairs: Vec<String> = given.map(|(name, value)| format!("{}: {}", json!(name), in_ascii(&value))).collect();
    format!("{}.json", sha1_hex(&format!("{{{}}}", pairs.join(", "))))
}

fn sha1_hex(text: &str) -> String {
    Sha1::digest(text).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"))
}

/// Returns the value as JSON in which characters beyond printable ASCII are escaped.
fn in_ascii(value: &Value) -> String {
    let mut units = [0; 2];
    value.to_string().chars().fold(String::new(), |mut json, character| {
        if character.is_ascii() && character != '\x7f' {
            json.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                json.push_str(&format!("\\u{unit:04x}"));
            }
        }
        json
    })
}
