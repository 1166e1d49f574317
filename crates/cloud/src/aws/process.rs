//! Runs the program that a profile names as `credential_process`, and reads the credentials that the program prints.
//!
//! The SDK's provider is not used. Unlike botocore, that provider passes the command to a shell. It also hides the program's
//! stderr, on which the program may ask a person for something.

use std::io::IsTerminal as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// The maximum size of the output that is read. Tokens have at most some 10 kB.
const MAX_OUTPUT: u64 = 1 << 20;

/// Provides the credentials that a program prints.
#[derive(Debug)]
pub(super) struct CredentialProcess {
    profile: String,
    words: Vec<String>,
    /// Whether the program has run. The first run comes before everything else, so during the first run, the program may ask a
    /// person on the terminal.
    has_run: AtomicBool,
}

/// What the program prints (AWS SDKs and Tools Reference Guide, "Process credential provider").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    expiration: Option<String>,
}

impl CredentialProcess {
    pub(super) fn new(profile: &str, words: &[String]) -> Self {
        Self { profile: profile.to_owned(), words: words.to_vec(), has_run: AtomicBool::new(false) }
    }

    async fn run(&self) -> provider::Result {
        let is_first = !self.has_run.swap(true, Ordering::Relaxed);
        let shows_stderr = is_first && std::io::stderr().is_terminal();
        let failed = |detail: String| {
            CredentialsError::provider_error(format!("credential_process of profile {:?}: {detail}", self.profile))
        };
        let (program, arguments) = self.words.split_first().ok_or_else(|| failed("it is empty".to_owned()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::piped()).kill_on_drop(true);
        command.stderr(if shows_stderr { Stdio::inherit() } else { Stdio::null() });
        let mut child = command.spawn().map_err(|error| failed(format!("{program} can't be started: {error}")))?;
        let mut printed = Vec::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        stdout
            .take(MAX_OUTPUT)
            .read_to_end(&mut printed)
            .await
            .map_err(|error| failed(format!("its output can't be read: {error}")))?;
        if printed.len() as u64 == MAX_OUTPUT {
            return Err(failed(format!("it printed more than {} MiB", MAX_OUTPUT >> 20)));
        }
        let status = child.wait().await.map_err(|error| failed(format!("it can't be waited for: {error}")))?;
        if !status.success() {
            let stderr = if shows_stderr {
                "what it printed is above"
            } else {
                "its stderr is not shown, because it may contain secrets: run it by hand"
            };
            return Err(failed(format!("{status}; {stderr}")));
        }
        parse(&printed).map_err(failed)
    }
}

/// Reads the credentials. Error messages quote nothing from the output, because the output may contain secrets.
fn parse(printed: &[u8]) -> Result<Credentials, String> {
    let invalid = |_| "it printed invalid JSON: it must print credentials, and nothing else".to_owned();
    let document: serde_json::Value = serde_json::from_slice(printed).map_err(invalid)?;
    match document.get("Version") {
        None => return Err("it printed JSON without a Version".to_owned()),
        Some(version) if version.as_f64() != Some(1.0) => {
            return Err("it printed another Version than 1, which is the only one there is".to_owned());
        }
        Some(_) => {}
    }
    let wrong = |_| "it printed JSON whose members are not texts".to_owned();
    let output: Output = serde_json::from_value(document).map_err(wrong)?;
    let missing = |name: &str| format!("it printed JSON without {name}");
    let expires = match output.expiration {
        None => None,
        Some(text) => {
            let time = crate::timestamp::parse_with_offset(&text);
            Some(time.ok_or_else(|| "it printed an Expiration that is no time".to_owned())?)
        }
    };
    let access_key_id = output.access_key_id.ok_or_else(|| missing("AccessKeyId"))?;
    let secret = output.secret_access_key.ok_or_else(|| missing("SecretAccessKey"))?;
    let token = output.session_token.filter(|token| !token.is_empty());
    if expires.is_some_and(|end| end <= SystemTime::now()) {
        return Err("it printed credentials that have expired".to_owned());
    }
    Ok(Credentials::new(access_key_id, secret, token, expires, "credential_process"))
}

impl ProvideCredentials for CredentialProcess {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.run())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_and_faults_are_named() {
        let full = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"2999-01-01T00:00:00+01:00"}"#;
        let read = parse(full.as_bytes()).unwrap();
        assert_eq!((read.access_key_id(), read.session_token()), ("A", Some("t")));
        let expiry = humantime::format_rfc3339_seconds(read.expiry().unwrap()).to_string();
        assert_eq!(expiry, "2998-12-31T23:00:00Z");
        let lasting = parse(br#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":""}"#).unwrap();
        assert_eq!((lasting.session_token(), lasting.expiry()), (None, None));
        for (printed, fault) in [
            ("", "invalid JSON"),
            ("Please log in", "invalid JSON"),
            ("[]", "without a Version"),
            (r#"{"Version":2,"AccessKeyId":"A","SecretAccessKey":"s"}"#, "another Version"),
            (r#"{"Version":"1","AccessKeyId":"A","SecretAccessKey":"s"}"#, "another Version"),
            (r#"{"Version":1,"SecretAccessKey":"s"}"#, "without AccessKeyId"),
            (r#"{"Version":1,"AccessKeyId":"A"}"#, "without SecretAccessKey"),
            (r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":7}"#, "not texts"),
            (r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"soon"}"#, "no time"),
            (
                r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2001-01-01T00:00:00Z"}"#,
                "have expired",
            ),
        ] {
            let refused = parse(printed.as_bytes()).expect_err(printed);
            assert!(refused.contains(fault), "{printed}: {refused}");
        }
    }
}
