//! The time limits of one attempt of a call.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;

/// The time limits for connecting, for the answer, and for the whole attempt.
///
/// The SDK's defaults are 3.1 s to connect and no limit on anything else (aws-smithy-runtime-api,
/// `client/behavior_version.rs`), so a single answer that never comes would block a visit forever.
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(15);
pub(super) const ATTEMPT: Duration = Duration::from_secs(20);

/// The time limit for fetching credentials. It is shorter than the limit for the attempt that waits for the credentials, so that
/// the error shows whether the fetch or the call was slow.
pub(super) const FETCH_CREDENTIALS: Duration = Duration::from_secs(18);
const _: () = assert!(FETCH_CREDENTIALS.as_secs() < ATTEMPT.as_secs());

/// Returns the time limits of each attempt, for the SDK.
pub fn per_attempt() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).operation_attempt_timeout(ATTEMPT).build()
}
