//! Answers that a service itself never gives: foreign, damaged, oversized, or repeating the request.

use std::borrow::Cow;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::answer::{Answer, ApiError, escape, failure};
use crate::fault::fire;
use crate::request::Operation;
use crate::sigv4::Signable;
use crate::world::World;

/// Spoils the answers of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoiled {
    /// The operation.
    pub operation: Operation,
    /// Only calls for this account; `None` means all calls.
    pub account: Option<AccountId>,
    /// How many answers arrive unspoiled first.
    pub skip: u32,
    /// How many answers are spoiled; [`ALWAYS`](crate::ALWAYS) for all.
    pub times: u32,
    /// Whether the request takes effect.
    pub takes_effect: bool,
    /// What becomes of the answer.
    pub with: Spoiling,
}

/// What becomes of a spoiled answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoiling {
    /// Another server's answer.
    Foreign {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The answer has this text, wherever it occurs, replaced by another text.
    Replaced(String, String),
    /// The JSON member at this pointer (RFC 6901) is missing.
    Without(&'static str),
    /// The JSON member at this pointer has this value, in JSON.
    With(&'static str, &'static str),
    /// The answer ends with this many spaces, which belong to no value.
    Padded(usize),
    /// The service refuses the request with this code, and repeats the request in its message: headers, and the body once as it was
    /// sent and once decoded.
    Repeating(&'static str),
    /// The service refuses the request with this code and a message of this length.
    LongMessage(&'static str, usize),
}

impl Spoiled {
    /// Spoils all answers of an operation. The requests take effect.
    #[must_use]
    pub const fn always(operation: Operation, with: Spoiling) -> Self {
        Self { operation, account: None, skip: 0, times: crate::ALWAYS, takes_effect: true, with }
    }

    fn fires(&mut self, operation: Operation, account: Option<AccountId>) -> bool {
        if self.operation != operation || self.account.is_some() && self.account != account {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        fire(&mut self.times)
    }
}

impl World {
    /// Returns what spoils the answer to this call, if something does.
    pub(crate) fn spoiling(&mut self, operation: Operation, account: Option<AccountId>) -> Option<Spoiled> {
        let found = self.spoiled.iter_mut().find_map(|each| each.fires(operation, account).then(|| each.clone()));
        if found.is_some() {
            self.note("spoiled");
        }
        found
    }
}

impl Spoiling {
    /// Spoils an answer.
    pub(crate) fn apply(&self, operation: Operation, signable: &Signable<'_>, answer: &mut Answer) {
        let refuse = |code: &'static str, message: Cow<'static, str>, request_id: &str| {
            failure(operation.service(), &ApiError::new(403, code, message), request_id.to_owned())
        };
        match self {
            Self::Foreign { status, body } => {
                (answer.status, answer.content_type, answer.error_type) = (*status, "text/html", None);
                answer.body.clone_from(body);
            }
            Self::Replaced(from, to) => answer.body = answer.body.replace(from, to),
            Self::Without(pointer) => edit(answer, pointer, None),
            Self::With(pointer, value) => edit(answer, pointer, serde_json::from_str(value).ok()),
            Self::Padded(spaces) => answer.body.push_str(&" ".repeat(*spaces)),
            Self::Repeating(code) => {
                let message = repeated(signable);
                *answer = refuse(code, message.into(), &answer.request_id);
            }
            Self::LongMessage(code, length) => {
                *answer = refuse(code, "x".repeat(*length).into(), &answer.request_id);
            }
        }
    }
}

/// Removes the member at a pointer, or gives it a value.
fn edit(answer: &mut Answer, pointer: &str, value: Option<Value>) {
    let mut document: Value = serde_json::from_str(&answer.body).expect("only JSON answers are edited");
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => match value {
            Some(value) => {
                members.insert(name.to_owned(), value);
            }
            None => {
                members.remove(name);
            }
        },
        Some(Value::Array(elements)) => {
            let index = name.parse::<usize>().expect("an index of a list");
            match value.filter(|_| index < elements.len()) {
                Some(value) => elements[index] = value,
                None if index < elements.len() => drop(elements.remove(index)),
                None => {}
            }
        }
        _ => {}
    }
    answer.body = document.to_string();
}

/// The request as a message repeats it.
fn repeated(signable: &Signable<'_>) -> String {
    let headers =
        signable.headers.iter().map(|(name, value)| format!("{name}:{}", String::from_utf8_lossy(value.as_bytes())));
    let body = String::from_utf8_lossy(signable.body);
    let decoded: Vec<String> =
        form_urlencoded::parse(signable.body).map(|(name, value)| format!("{name} = '{value}'")).collect();
    format!(
        "The Canonical String for this request should have been '{}\n{}\n{}'; {body}; {}; {}",
        signable.method,
        signable.path,
        headers.collect::<Vec<_>>().join("\n"),
        decoded.join(", "),
        escape(&decoded.join(", ")),
    )
}
