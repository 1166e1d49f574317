//! This module owns values that must never be seen: external ids and MFA codes, as they travel from the command line to AWS, and
//! the passwords of URLs.

use std::borrow::Cow;
use std::str::FromStr;

/// A secret text. It has no `Debug`, no `Display` and no serialisation, so that no log line can hold it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the request that needs it and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// A URL without the name and password that may stand in it. Where it is no URL, whatever stands before an `@` is left out.
pub(crate) fn without_user(url: &str) -> Cow<'_, str> {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        None => Cow::Borrowed(url),
        Some((_, host)) if scheme.is_empty() => Cow::Borrowed(host),
        Some((_, host)) => Cow::Owned(format!("{scheme}://{host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("https://host:1/path", "https://host:1/path"),
            ("https://user:hunter2@host:1/path", "https://host:1/path"),
            ("https://user:hunter/2@host", "https://host"),
            ("https://user:hunter@2@host", "https://host"),
            ("user:hunter2@host", "host"),
            ("https:/user:hunter2@host", "host"),
            ("", ""),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }
}
