//! Values that must never be printed: external ids, MFA codes, and the passwords in URLs.

use std::borrow::Cow;
use std::str::FromStr;

/// A secret text. It has no `Debug`, no `Display` and no serialization, so that it can't end up in a log line.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the text, for the request that needs it.
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

/// Returns the URL without a user name and password. If the text is not a URL, everything before the last `@` is removed.
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
    fn urls_are_shown_without_user_names_and_passwords() {
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
