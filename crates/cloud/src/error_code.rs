//! Error codes: the codes of AWS, and this program's own codes for failures without an AWS code.

use serde::{Deserialize, Serialize, Serializer};

use crate::text_enum::text_enum;

/// The code of a failed call or visit, which the report shows as `error_code`. Journals store the text of the code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ErrorCode {
    /// A failure that this program detected.
    Own(OwnCode),
    /// The HTTP status, as in `HttpStatus403`, of an error response that names no AWS error.
    HttpStatus(Box<str>),
    /// The code that AWS sent, or the reason why an account is skipped.
    Other(Box<str>),
}

text_enum! {
    /// A failure that this program detected.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum OwnCode {
        /// There was no answer within the time limit of an attempt.
        RequestTimedOut = "RequestTimedOut",
        /// The connection could not be opened, or it broke.
        ConnectionFailed = "ConnectionFailed",
        /// The host name could not be resolved.
        HostNotFound = "HostNotFound",
        /// The system allows the program no more open files, so the connection could not be opened.
        TooManyOpenFiles = "TooManyOpenFiles",
        /// The server's certificate is not trusted.
        CertificateRefused = "CertificateRefused",
        /// The answer can't be read as an answer of the service.
        UnreadableAnswer = "UnreadableAnswer",
        /// The base credentials could not be obtained.
        NoCredentials = "NoCredentials",
        /// The session does not belong to the requested account.
        WrongAccount = "WrongAccount",
        /// The request could not be built.
        RequestNotBuilt = "RequestNotBuilt",
        /// The visit took longer than `--account-timeout`.
        AccountTimeout = "AccountTimeout",
        /// The Set was accepted, but reads kept showing another version.
        NotReadBack = "NotReadBack",
        /// The Set was accepted, but the account summary contains no version, so nothing can be read back.
        VersionNotShown = "VersionNotShown",
        /// The Set was accepted, and `--verify none` skips the read-back.
        NotVerified = "NotVerified",
        /// The setting was read back, but the opt-in Region did not accept a token of the global STS endpoint in time.
        TokenRefused = "TokenRefused",
        /// The setting was read back, but the size of the tokens of the global STS endpoint still shows the other version.
        IssuedVersionDiffers = "IssuedVersionDiffers",
        /// The setting was read back, but the version of the tokens of the global STS endpoint could not be told.
        IssuedVersionUnknown = "IssuedVersionUnknown",
        /// The run ended after it recorded its intent to set the account, and before it recorded an outcome.
        Interrupted = "Interrupted",
        /// The journal can't be written, so no Set was sent.
        JournalNotWritable = "JournalNotWritable",
        /// After the run that is rolled back, something else changed the account's version.
        Drifted = "Drifted",
    }
}

/// The prefix of [`ErrorCode::HttpStatus`].
const HTTP_STATUS: &str = "HttpStatus";

impl ErrorCode {
    /// Returns the code for an HTTP status.
    pub(crate) fn http_status(status: u16) -> Self {
        Self::HttpStatus(format!("{HTTP_STATUS}{status}").into())
    }

    /// Returns the HTTP status of an error response that names no AWS error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::HttpStatus(text) => text.strip_prefix(HTTP_STATUS)?.parse().ok(),
            Self::Own(_) | Self::Other(_) => None,
        }
    }

    /// Returns the code's text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Own(code) => code.as_str(),
            Self::HttpStatus(text) | Self::Other(text) => text,
        }
    }
}

impl From<&str> for ErrorCode {
    fn from(text: &str) -> Self {
        if let Some(code) = OwnCode::ALL.into_iter().find(|code| code.as_str() == text) {
            Self::Own(code)
        } else if text.starts_with(HTTP_STATUS) {
            Self::HttpStatus(text.into())
        } else {
            Self::Other(text.into())
        }
    }
}

impl From<String> for ErrorCode {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<OwnCode> for ErrorCode {
    fn from(code: OwnCode) -> Self {
        Self::Own(code)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_parsed_back_from_its_text() {
        let own = OwnCode::ALL.into_iter().map(ErrorCode::Own);
        let others = [ErrorCode::Other("AccessDenied".into()), ErrorCode::http_status(403)];
        for code in own.chain(others) {
            let text = serde_json::to_string(&code).unwrap();
            assert_eq!(text, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<ErrorCode>(&text).unwrap(), code);
        }
    }
}
