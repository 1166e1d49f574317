//! The constraints that STS puts on parameters, and its messages about violations.

use crate::answer::ApiError;
use crate::request::Params;

/// The length and pattern of a text parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constraint {
    /// The parameter's name on the wire.
    pub name: &'static str,
    /// The parameter's name in messages.
    pub field: &'static str,
    pub least: usize,
    pub most: usize,
    pub pattern: &'static str,
    pub fits: fn(u8) -> bool,
}

pub(crate) const ROLE_SESSION_NAME: Constraint = name("RoleSessionName", "roleSessionName");
pub(crate) const SOURCE_IDENTITY: Constraint = name("SourceIdentity", "sourceIdentity");
pub(crate) const EXTERNAL_ID: Constraint = Constraint {
    name: "ExternalId",
    field: "externalId",
    least: 2,
    most: 1_224,
    pattern: r"[\w+=,.@:\/-]*",
    fits: |byte| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte),
};
pub(crate) const SERIAL_NUMBER: Constraint = Constraint {
    name: "SerialNumber",
    field: "serialNumber",
    least: 9,
    most: 256,
    pattern: r"[\w+=/:,.@-]*",
    fits: |byte| byte.is_ascii_alphanumeric() || b"_+=/:,.@-".contains(&byte),
};
pub(crate) const TOKEN_CODE: Constraint = Constraint {
    name: "TokenCode",
    field: "tokenCode",
    least: 6,
    most: 6,
    pattern: r"[\d]*",
    fits: |byte| byte.is_ascii_digit(),
};

const fn name(name: &'static str, field: &'static str) -> Constraint {
    Constraint {
        name,
        field,
        least: 2,
        most: 64,
        pattern: r"[\w+=,.@-]*",
        fits: |byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte),
    }
}

impl Constraint {
    /// Checks and returns the parameter, or `None` if it is absent.
    pub fn check<'a>(&self, params: &'a Params) -> Result<Option<&'a str>, ApiError> {
        params.text(self.name).map(|text| self.met_by(text)).transpose()
    }

    /// Checks and returns the parameter, which must be present.
    pub fn require<'a>(&self, params: &'a Params) -> Result<&'a str, ApiError> {
        self.met_by(params.text(self.name).unwrap_or_default())
    }

    fn met_by<'a>(&self, text: &'a str) -> Result<&'a str, ApiError> {
        let length = text.chars().count();
        let unmet = if length < self.least {
            format!("Member must have length greater than or equal to {}", self.least)
        } else if length > self.most {
            format!("Member must have length less than or equal to {}", self.most)
        } else if !text.bytes().all(self.fits) {
            format!("Member must satisfy regular expression pattern: {}", self.pattern)
        } else {
            return Ok(text);
        };
        Err(violation(text, self.field, &unmet))
    }
}

/// Checks and returns `MinimumSessionTokenSize`, or 0 if it is absent.
pub(crate) fn minimum_token_size(params: &Params) -> Result<usize, ApiError> {
    const FIELD: &str = "minimumSessionTokenSize";
    match params.number("MinimumSessionTokenSize") {
        None => Ok(0),
        Some(Ok(size @ 0..=4_096)) => Ok(usize::try_from(size).expect("it is not negative")),
        Some(Ok(size @ ..0)) => {
            Err(violation(&size.to_string(), FIELD, "Member must have value greater than or equal to 0"))
        }
        Some(Ok(size)) => Err(violation(&size.to_string(), FIELD, "Member must have value less than or equal to 4096")),
        Some(Err(text)) => Err(violation(&text, FIELD, "Member must be a number")),
    }
}

/// Checks and returns `DurationSeconds`, or the default if it is absent.
pub(crate) fn duration(params: &Params, least: i64, most: i64, default: i64) -> Result<i64, ApiError> {
    const FIELD: &str = "durationSeconds";
    match params.number("DurationSeconds") {
        None => Ok(default),
        Some(Err(text)) => Err(violation(&text, FIELD, "Member must be a number")),
        Some(Ok(seconds)) if seconds < least => Err(violation(
            &seconds.to_string(),
            FIELD,
            &format!("Member must have value greater than or equal to {least}"),
        )),
        Some(Ok(seconds)) if seconds > most => {
            Err(violation(&seconds.to_string(), FIELD, &format!("Member must have value less than or equal to {most}")))
        }
        Some(Ok(seconds)) => Ok(seconds),
    }
}

fn violation(value: &str, field: &str, unmet: &str) -> ApiError {
    ApiError::validation(format!(
        "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {unmet}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &str, value: &str) -> Params {
        Params::Form(vec![(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn texts_have_lengths_and_patterns() {
        let check = |text: &str| {
            let params = form("SourceIdentity", text);
            SOURCE_IDENTITY.check(&params).map(drop).map_err(|error| error.message)
        };
        assert!(check("jane@corp.example").is_ok());
        for (text, unmet) in [("j", "greater than or equal to 2"), ("aws:jane", "pattern"), ("a b", "pattern")] {
            assert!(check(text).unwrap_err().contains(unmet), "{text}");
        }
        assert!(check(&"a".repeat(65)).unwrap_err().contains("less than or equal to 64"));
        assert!(EXTERNAL_ID.check(&form("ExternalId", "key:with/slash")).is_ok());
        assert_eq!(EXTERNAL_ID.check(&form("RoleArn", "")).unwrap(), None);
        assert_eq!(ROLE_SESSION_NAME.require(&form("RoleArn", "")).unwrap_err().code, "ValidationError");
    }

    #[test]
    fn a_duration_has_limits() {
        let read = |text: &str| duration(&form("DurationSeconds", text), 900, 3_600, 1_000).map_err(|error| error.code);
        assert_eq!((read("900"), read("3600")), (Ok(900), Ok(3_600)));
        assert_eq!(duration(&form("X", ""), 900, 3_600, 1_000).unwrap(), 1_000);
        for text in ["899", "3601", "ten"] {
            assert_eq!(read(text), Err("ValidationError"), "{text}");
        }
    }
}
