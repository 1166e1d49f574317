//! Checks that the answer to a Set is one of IAM.
//!
//! The answer has no member, so the SDK takes every answer with HTTP status 200 for a success: the page of a captive portal, and the
//! empty body of a proxy. Such an answer does not prove that the version was set.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::aws::error::IncompleteAnswer;

/// The element that contains the answer (the name of the operation and `Response`, as in all of IAM's answers).
const ELEMENT: &[u8] = b"<SetSecurityTokenServicePreferencesResponse";

/// Refuses a successful answer to a Set that is not one of IAM.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetAnswer;

#[dyn_dispatch_hint]
impl Intercept for SetAnswer {
    fn name(&self) -> &'static str {
        "SetAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // An answer that the SDK could not read has its own error.
        if !response.status().is_success() || context.output_or_error().is_err() {
            return Ok(());
        }
        let body = response.body().bytes().unwrap_or_default();
        if body.windows(ELEMENT.len()).any(|part| part == ELEMENT) {
            return Ok(());
        }
        Err(IncompleteAnswer("it lacks SetSecurityTokenServicePreferencesResponse".to_owned()).into())
    }
}
