//! Compares this machine's clock with the clock of AWS, which the `Date` header of AWS's answers shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

/// The result of the last comparison of the clocks. Clones share the result.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Option<ClockSkew>>>);

/// The difference between this machine's clock and the clock of AWS. It is accurate to one second, because the header has no
/// fractions of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSkew {
    /// The difference.
    pub by: Duration,
    /// Whether this machine's clock is ahead.
    pub ahead: bool,
}

impl ClockSkew {
    fn between(here: SystemTime, there: SystemTime) -> Self {
        match here.duration_since(there) {
            Ok(by) => Self { by, ahead: true },
            Err(error) => Self { by: error.duration(), ahead: false },
        }
    }
}

impl Clock {
    /// Returns the result of the last comparison, or `None` before the first answer with a date.
    pub fn skew(&self) -> Option<ClockSkew> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let there = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let Some(there) = there.and_then(|there| SystemTime::try_from(there).ok()) {
            let skew = ClockSkew::between(SystemTime::now(), there);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(skew);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ahead_and_behind() {
        let there = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let by = Duration::from_secs(7);
        assert_eq!(ClockSkew::between(there + by, there), ClockSkew { by, ahead: true });
        assert_eq!(ClockSkew::between(there - by, there), ClockSkew { by, ahead: false });
    }
}
