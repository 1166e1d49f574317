//! Sends a request to AWS. All requests pass through this module, which measures how long each request takes and, with `--debug`,
//! logs it.

use std::future::Future;
use std::time::Instant;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::request_id::RequestId;
use futures::FutureExt as _;

use super::super::failure::request_id;
use super::super::retry;
use super::super::{Answer, Failure, Operation};
use super::error::{OperationError, failure};
use crate::org::AccountId;

/// Sends one request once. The log shows the operation and the result, never the content of the request or of the answer.
///
/// This is not an `async fn`, because an `async fn` would store the request's future twice, which enlarges the future of every
/// visit.
pub(super) fn call<T: RequestId, E: OperationError>(
    operation: Operation,
    account: Option<AccountId>,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> impl Future<Output = Result<Answer<T>, Failure>> {
    let started = Instant::now();
    request.map(move |result| finish(operation, account, started, result))
}

/// Converts the result, and logs it.
fn finish<T: RequestId, E: OperationError>(
    operation: Operation,
    account: Option<AccountId>,
    started: Instant,
    result: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Answer<T>, Failure> {
    let attempt = retry::current_attempt();
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let account = account.map(tracing::field::display);
    match result {
        Ok(value) => {
            let request_id = value.request_id().map(request_id);
            tracing::info!(
                service = operation.service(), %operation, account, attempt, status = 200, ms = milliseconds,
                request_id = request_id.as_deref(), "call"
            );
            Ok(Answer { value, request_id })
        }
        Err(error) => {
            let failure = failure(operation, &error);
            tracing::info!(
                service = operation.service(), %operation, account, attempt, status = failure.status, ms = milliseconds,
                request_id = failure.request_id.as_deref(), code = failure.code.as_str(), "call"
            );
            Err(failure)
        }
    }
}
