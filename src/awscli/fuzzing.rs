//! This module owns the laws of `v2token iam`: its command line, and the answers that it reads.

use super::answer;
use super::options::{self, Operation};
use super::wire::RawAnswer;

/// Whatever answers, it is a result, a refusal, or a reason why it is neither. A refusal is no result.
pub fn body(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let status = [200, 200, 300, 301, 400, 403, 500, 503][usize::from(first % 8)];
    let answer = RawAnswer { status, body: body.to_vec() };
    for operation in [Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences] {
        if let Ok(answer::Meaning::Result(_)) = answer::read(&answer, operation) {
            assert!(status < 300, "HTTP status {status} is no success");
        }
    }
}

/// Reads a command line.
pub(crate) fn arguments(words: &[String]) {
    options::names_iam(words);
    if let Ok((globals, rest)) = options::globals(words) {
        drop(options::call(&globals, &rest));
    }
}
