//! The cause of a failure: what the records of accounts that failed in the same way have in common.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use super::{Outcome, Record, Stage};

/// A cause of failures. Records that differ only in account ids, request ids and hints have the same cause.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cause<'a> {
    /// The outcome of the accounts.
    pub outcome: Outcome,
    /// The stage that failed.
    pub stage: Stage,
    /// The error code.
    pub error_code: &'a str,
    /// The error message, with placeholders for ids.
    pub message: String,
}

impl<'a> Cause<'a> {
    /// Returns the cause of a record, or `None` if the record has no error.
    pub(crate) fn of(record: &'a Record) -> Option<Self> {
        let error = record.error.as_ref()?;
        let message = without_ids(&error.error_message);
        Some(Self { outcome: record.outcome, stage: error.stage, error_code: error.error_code.as_str(), message })
    }

    /// Returns a hash that is the same for equal causes.
    pub(crate) fn fingerprint(&self) -> u64 {
        BuildHasherDefault::<DefaultHasher>::default().hash_one(self)
    }
}

/// A piece of an error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessagePart<'a> {
    /// Text that is the same for every account.
    Text(&'a str),
    /// An account id.
    AccountId(&'a str),
    /// A request id, or another id of a single request.
    RequestId(&'a str),
}

/// Returns the message with placeholders for account ids, request ids and other ids of a single request.
///
/// The AccessDenied messages of AWS name the account and contain an authorization id that is unique to each request. With these
/// ids, four thousand accounts would have four thousand causes instead of one.
pub(crate) fn without_ids(message: &str) -> String {
    let parts = message_parts(message).map(|part| match part {
        MessagePart::Text(text) => text,
        MessagePart::AccountId(_) => "<account>",
        MessagePart::RequestId(_) => "<id>",
    });
    parts.collect()
}

/// Splits a message into its parts. Several text parts can follow each other.
pub(crate) fn message_parts(message: &str) -> impl Iterator<Item = MessagePart<'_>> {
    let in_id = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let mut rest = message;
    std::iter::from_fn(move || {
        let before = &message[..message.len() - rest.len()];
        let is_word = in_id(rest.chars().next()?);
        let end = rest.find(|character| in_id(character) != is_word).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        Some(match part.len() {
            12 if digits == 12 => MessagePart::AccountId(part),
            16.. if is_word && digits >= 4 => MessagePart::RequestId(part),
            8.. if is_word && announces_id(before) => MessagePart::RequestId(part),
            _ => MessagePart::Text(part),
        })
    })
}

/// Whether the text says that an id of a single request follows. Such an id may have few digits or none: authorization ids are 24 or
/// 25 characters of base 36.
fn announces_id(before: &str) -> bool {
    let end = |text: &str, words: &str| {
        let start = text.len().checked_sub(words.len());
        start.and_then(|start| text.get(start..)).is_some_and(|found| found.eq_ignore_ascii_case(words))
    };
    let label = before.trim_end_matches([' ', ':', '=', '#', '"', '\'']);
    let labels = ["authorization id", "authorizationid", "request id", "requestid", "request-id"];
    // A link to the console ends with `#/authorization-details/` and the id.
    end(before, "authorization-details/") || (label != before && labels.iter().any(|words| end(label, words)))
}

/// Returns the authorization id in a message of AWS: letters and digits of base 36. Another text in its place is none, nor is an id of
/// which the end may have been cut off.
pub(crate) fn authorization_id(message: &str) -> Option<&str> {
    let is_id = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let mut after = 0;
    message_parts(message).find_map(|part| {
        let (MessagePart::Text(text) | MessagePart::AccountId(text) | MessagePart::RequestId(text)) = part;
        let before = &message[..after];
        after += text.len();
        let labels = ["authorization id: ", "authorization-details/"];
        let lower = |label: &str| before.len().checked_sub(label.len()).and_then(|start| before.get(start..));
        let is_labelled = labels.iter().any(|label| lower(label).is_some_and(|end| end.eq_ignore_ascii_case(label)));
        let is_whole = !message[after..].starts_with('…');
        (is_labelled && is_whole && text.len() >= 8 && is_id(text)).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorization_ids_are_found_by_what_is_before_them() {
        let link = "Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/";
        for (message, id) in [
            (format!("{link}b5m5v5taprqh3yoluoo4dyw0w for complete details"), Some("b5m5v5taprqh3yoluoo4dyw0w")),
            (format!("{link}bnmhvetaprqhyoluoqpdyzwx for more"), Some("bnmhvetaprqhyoluoqpdyzwx")),
            (
                "denied, or call the API with the following authorization id: b5m5v5taprqh3yoluoo4dyw0w".to_owned(),
                Some("b5m5v5taprqh3yoluoo4dyw0w"),
            ),
            ("denied (Authorization ID: 123456789012)".to_owned(), Some("123456789012")),
            // These are no ids of base 36, or only a part of one.
            ("denied (Authorization ID: 7f1c2d3e-1234-4abc-9def-001122334455)".to_owned(), None),
            ("with the authorization id: B5M5V5TAPRQH3YOLUOO4DYW0W".to_owned(), None),
            ("with the authorization id: ../../evil".to_owned(), None),
            ("with the authorization id: b5m5v5tapr…".to_owned(), None),
            ("request id: b5m5v5taprqh3yoluoo4dyw0w".to_owned(), None),
            ("the authorization identifier b5m5v5taprqh3yoluoo4dyw0w".to_owned(), None),
            ("authorization id: ".to_owned(), None),
            ("東京 authorization id: 東京".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(authorization_id(&message), id, "{message}");
        }
    }

    #[test]
    fn ids_in_messages_are_replaced() {
        let table = [
            (
                "User: arn:aws:iam::000000000100:user/ops is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000012:role/OrganizationAccountAccessRole",
                "User: arn:aws:iam::<account>:user/ops is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::<account>:role/OrganizationAccountAccessRole",
            ),
            ("denied (authorization id: 7f1c2d3e-1234-4abc-9def-001122334455)", "denied (authorization id: <id>)"),
            (
                "Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/bnmhvetaprqhyoluoqpdyzwx \
                 for complete details, or call the GetRequestAuthorizationDetails API with the following authorization id: \
                 bnmhvetaprqhyoluoqpdyzwx",
                "Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/<id> for complete \
                 details, or call the GetRequestAuthorizationDetails API with the following authorization id: <id>",
            ),
            ("denied (Authorization ID: b5m5v5taprqh3yoluoo4dyw0w)", "denied (Authorization ID: <id>)"),
            ("failed (Request ID: abcdefgh, Status Code: 403)", "failed (Request ID: <id>, Status Code: 403)"),
            (
                "the request identity is wrong, and the authorization identifier",
                "the request identity is wrong, and the authorization identifier",
            ),
            ("Rate exceeded", "Rate exceeded"),
            ("session v2token-20261122T041500Z-abcdef expired", "session <id> expired"),
            ("", ""),
            ("naïve 東京 000000000012", "naïve 東京 <account>"),
        ];
        for (message, expected) in table {
            assert_eq!(without_ids(message), expected);
        }
    }
}
