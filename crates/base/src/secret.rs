//! Values that must never be printed: external ids, MFA codes, credentials, and the passwords in URLs.
//!
//! A text from outside can repeat such a value: AWS's messages quote parameters, and a message about a wrong signature contains the
//! whole request. So the program knows the secrets that it holds, and [`mask`] hides them in a text before anything is made of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What is shown in place of a secret.
const HIDDEN: &str = "***";

/// A shorter secret is hidden only where it is a word of its own: the six digits of an MFA code may be part of an account id.
const SHORTEST_INSIDE_WORDS: usize = 8;

/// Of a longer secret, its beginning and its end are hidden too, in a text that was cut. They are as long as the beginning that all of
/// AWS's session tokens share.
const SHORTEST_CUT: usize = 32;
const CUT: usize = 16;

/// How many letters and digits of a secret's beginning and end a text must contain to be searched for the secret. The end of a token
/// with `==`, encoded twice for a URL, has six other characters among the last [`CUT`].
const KEY: usize = 6;

/// The secrets that the program holds, and how often each is held.
static HELD: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<String, usize>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hides a secret in all texts from outside from now on.
pub fn hide_for_good(secret: &str) {
    if secret.len() > 1 {
        *held().entry(secret.to_owned()).or_default() += 1;
    }
}

/// Hides the user name and the password in a URL, also as a proxy gets them, from now on.
pub fn hide_user(url: &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let Some((user, _)) = rest.rsplit_once('@') else { return };
    let plain = percent_decoded(user);
    hide_for_good(&BASE64_STANDARD.encode(&plain));
    for text in [user, &plain] {
        hide_for_good(text);
        hide_for_good(text.split_once(':').map_or("", |(_, password)| password));
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut decoded, mut index) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(index) {
        let code = text.get(index + 1..index + 3).filter(|_| *byte == b'%');
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(code.unwrap_or(*byte));
        index += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Hides secrets in texts from outside as long as it exists. It does not implement `Debug`, because it contains them.
#[must_use = "the secrets are hidden only as long as this exists"]
pub struct Hidden(Vec<String>);

impl Hidden {
    /// Hides these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets: Vec<String> = secrets.into_iter().map(str::to_owned).collect();
        for secret in &secrets {
            hide_for_good(secret);
        }
        Self(secrets)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let mut held = held();
        for secret in &self.0 {
            let count = held.get_mut(secret);
            if let Some(1) = count.map(|count| std::mem::replace(count, count.saturating_sub(1))) {
                held.remove(secret);
            }
        }
    }
}

/// A secret text. It has no `Debug`, no `Display` and no serialization, so that it can't end up in a log line. [`mask`] hides it from
/// then on.
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
        hide_for_good(text);
        Ok(Self(text.to_owned()))
    }
}

/// Whether a text has the form of a UUID, as the request ids of AWS have.
fn is_uuid(text: &str) -> bool {
    let is_in_place = |(index, byte): (usize, u8)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_in_place)
}

/// Hides the secrets that the program holds in a text, also where they are encoded for a URL, for XML or for JSON.
pub fn mask(text: &str) -> Cow<'_, str> {
    let held = held();
    // Every successful call has such an id, and a search for every secret in each of them would cost much of a run's CPU time.
    if is_uuid(text) && !held.contains_key(text) {
        return Cow::Borrowed(text);
    }
    let possible = held.keys().filter(|secret| may_occur(text, secret));
    let mut spans: Vec<Range<usize>> = possible.flat_map(|secret| occurrences(text, secret)).collect();
    drop(held);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_by_key(|span| span.start);
    let (mut masked, mut end) = (String::with_capacity(text.len()), 0);
    for span in spans {
        if span.start >= end {
            masked.push_str(&text[end..span.start]);
            masked.push_str(HIDDEN);
        }
        end = end.max(span.end);
    }
    masked.push_str(&text[end..]);
    Cow::Owned(masked)
}

/// Whether a text may contain a secret, or its beginning or end, in any form. Letters and digits are the same in every form, so a text
/// without those at the beginning and at the end of the secret is passed by. This keeps [`mask`] fast while many sessions are open.
fn may_occur(text: &str, secret: &str) -> bool {
    let without_padding = secret.strip_suffix("==").or_else(|| secret.strip_suffix('=')).unwrap_or(secret);
    let head = without_padding.bytes().take(KEY).take_while(u8::is_ascii_alphanumeric).count();
    let tail = without_padding.bytes().rev().take(KEY).take_while(u8::is_ascii_alphanumeric).count();
    text.contains(&without_padding[..head]) || text.contains(&without_padding[without_padding.len() - tail..])
}

/// Where a text contains a secret.
fn occurrences(text: &str, secret: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for form in forms(secret) {
        let whole = text.match_indices(&form).map(|(start, _)| start..start + form.len());
        found.extend(whole.filter(|span| form.len() >= SHORTEST_INSIDE_WORDS || is_word(text, span)));
        if form.len() >= SHORTEST_CUT {
            let (head, tail) =
                (&form[..form.floor_char_boundary(CUT)], &form[form.ceil_char_boundary(form.len() - CUT)..]);
            found.extend(text.match_indices(head).map(|(start, _)| {
                let same = text[start..].chars().zip(form.chars()).take_while(|(one, other)| one == other);
                start..start + same.map(|(one, _)| one.len_utf8()).sum::<usize>()
            }));
            found.extend(text.match_indices(tail).map(|(start, _)| {
                let end = start + tail.len();
                let same = text[..end].chars().rev().zip(form.chars().rev()).take_while(|(one, other)| one == other);
                end - same.map(|(one, _)| one.len_utf8()).sum::<usize>()..end
            }));
        }
    }
    found
}

/// Whether nothing that belongs to a word is directly before or after a part of a text. An encoded character ends a word.
fn is_word(text: &str, span: &Range<usize>) -> bool {
    let in_word = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    let before = &text[..span.start];
    let mut last = before.chars().rev();
    let is_encoded = matches!((last.next(), last.next(), last.next()), (Some(low), Some(high), Some('%'))
        if low.is_ascii_hexdigit() && high.is_ascii_hexdigit());
    (is_encoded || !before.ends_with(in_word)) && !text[span.end..].starts_with(in_word)
}

/// The forms in which a secret may occur in a message: as it is, and encoded for a URL, for XML and for JSON.
fn forms(secret: &str) -> Vec<String> {
    let percent = |text: &str, upper: bool| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
                _ if upper => encoded.push_str(&format!("%{byte:02X}")),
                _ => encoded.push_str(&format!("%{byte:02x}")),
            }
            encoded
        })
    };
    let (upper, lower) = (percent(secret, true), percent(secret, false));
    let twice = percent(&upper, true);
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    let escaped_slashes = json.replace('/', "\\/");
    let mut forms = vec![secret.to_owned(), upper, lower, twice, xml, json, escaped_slashes];
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Returns the URL without a user name and password. If the text is not a URL, everything before the last `@` is removed.
pub fn without_user(url: &str) -> Cow<'_, str> {
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
    fn an_external_id_that_is_a_uuid_is_hidden_too() {
        let [held, other] = ["5f0c1a2b-3d4e-4f60-8a7b-9c0d1e2f3a4b", "5f0c1a2b-3d4e-4f60-8a7b-9c0d1e2f3a4c"];
        assert!(is_uuid(held) && !is_uuid(&held[1..]) && !is_uuid(&held.replace('-', "0")));
        let _hidden = Hidden::new([held]);
        assert_eq!(mask(held), "***");
        assert_eq!(mask(&format!("id {held}")), "id ***");
        assert_eq!(mask(other), other);
    }

    /// The registry belongs to the whole process, so each test has secrets of its own.
    #[test]
    fn secrets_are_hidden_in_every_form_while_they_are_held() {
        let token = "IQoJb3JpZ2luX2Vj/unit+test/token==abcdefghijklmnop";
        let texts = [
            (format!("token:{token}."), "token:***."),
            (format!("{token}{token}"), "******"),
            (
                format!("SessionToken={}&x", token.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D")),
                "SessionToken=***&x",
            ),
            (format!("a {} b", token.replace('/', "%2f").replace('+', "%2b").replace('=', "%3d")), "a *** b"),
            (format!("a {} b", token.replace('/', "%252F").replace('+', "%252B").replace('=', "%253D")), "a *** b"),
            (format!("\"{}\"", token.replace('/', "\\/")), "\"***\""),
            (format!("cut {}…", &token[..20]), "cut ***…"),
            (format!("cut …{}", &token[token.len() - 20..]), "cut …***"),
        ];
        let hidden = Hidden::new([token]);
        for (text, expected) in &texts {
            assert_eq!(mask(text), *expected, "{text}");
        }
        drop(hidden);
        for (text, _) in &texts {
            assert_eq!(mask(text), *text, "it is not held any more");
        }
    }

    #[test]
    fn a_short_secret_is_hidden_only_as_a_word() {
        let secret: Secret = "740981".parse().unwrap_or_else(|never| match never {});
        assert_eq!(secret.reveal(), "740981");
        for (text, expected) in [
            ("code 740981 was used", "code *** was used"),
            ("TokenCode=740981&", "TokenCode=***&"),
            ("TokenCode%3D740981", "TokenCode%3D***"),
            ("'740981'", "'***'"),
            ("account 000000740981", "account 000000740981"),
            ("740981-x", "740981-x"),
        ] {
            assert_eq!(mask(text), expected);
        }
        let quoted: Secret = "unit<\"&\\>test".parse().unwrap_or_else(|never| match never {});
        assert_eq!(mask(&format!("x{}y{}z", quoted.reveal(), "unit&lt;&quot;&amp;\\&gt;test")), "x***y***z");
        assert_eq!(mask(r#"{"a":"unit<\"&\\>test"}"#), r#"{"a":"***"}"#);
    }

    #[test]
    fn the_password_of_a_proxy_is_hidden() {
        hide_user("http://unit-user:unit%2Fpass%40word@proxy:3128");
        for (text, expected) in [
            ("unit-user:unit%2Fpass%40word@proxy", "***@proxy"),
            ("password unit/pass@word.", "password ***."),
            ("Basic dW5pdC11c2VyOnVuaXQvcGFzc0B3b3Jk", "Basic ***"),
        ] {
            assert_eq!(mask(text), expected);
        }
        hide_user("http://proxy:3128");
        assert_eq!(mask("http://proxy:3128"), "http://proxy:3128");
    }

    #[test]
    fn a_secret_that_is_held_twice_is_hidden_until_the_last_is_dropped() {
        let both = (Hidden::new(["unit-test-held-twice", "a"]), Hidden::new(["unit-test-held-twice"]));
        drop(both.0);
        assert_eq!(mask("a unit-test-held-twice"), "a ***");
        drop(both.1);
        assert_eq!(mask("a unit-test-held-twice"), "a unit-test-held-twice");
    }

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
