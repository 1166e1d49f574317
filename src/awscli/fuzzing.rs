//! The properties of the command line and of the response parser of `v2token iam`, for fuzz targets and property tests.

use super::answer;
use super::options::{self, Subcommand};
use super::wire::WireResponse;

/// Parses a response, whose status depends on the first byte. Only a response with a status of success is allowed to have a
/// result.
pub fn body(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let status = [200, 200, 300, 301, 400, 403, 500, 503][usize::from(first % 8)];
    let response = WireResponse { status, body: body.to_vec() };
    for subcommand in [Subcommand::GetAccountSummary, Subcommand::SetSecurityTokenServicePreferences] {
        if answer::parse(&response, subcommand).is_ok() {
            assert!(status < 300, "HTTP status {status} is no success");
        }
    }
}

/// Parses a command line.
pub(crate) fn arguments(words: &[String]) {
    options::names_iam(words);
    if let Ok((globals, rest)) = options::globals(words) {
        drop(options::action(&globals, &rest));
    }
}
