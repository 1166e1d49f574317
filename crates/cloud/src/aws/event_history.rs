//! The call of CloudTrail that reads the event history.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;

use super::super::{Answer, Failure, Operation};
use super::call::call;
use super::error::incomplete;
use super::session::Session;
use crate::impact::event_page::{EventPage, EventQuery};

/// The maximum number of events on a page (CloudTrail API reference, `LookupEvents`).
const PAGE: i32 = 50;

/// Reads one page of the event history of the session's account.
pub(super) async fn look_up(
    client: &Client,
    session: &Session,
    query: &EventQuery,
) -> Result<Answer<EventPage>, Failure> {
    let operation = Operation::LookupEvents;
    let of_name = LookupAttribute::builder().attribute_key(LookupAttributeKey::EventName).attribute_value(query.name);
    let of_name = of_name.build().expect("the key and the value are given");
    let request = client
        .lookup_events()
        .lookup_attributes(of_name)
        .start_time(at(query.start))
        .end_time(at(query.end))
        .max_results(PAGE)
        .set_next_token(query.page.clone());
    let request = request.customize().config_override(session.cloudtrail_config()).send();
    let Answer { value, request_id } = call(operation, Some(session.account), request).await?;
    let next = value.next_token.filter(|token| !token.is_empty());
    if next.is_some() && next == query.page {
        return Err(incomplete(
            operation,
            "it repeats the token of the page, so the list has no end",
            request_id.as_deref(),
        ));
    }
    // The SDK turns a missing list into an empty one, which would look like an account in which nobody calls STS.
    let lacks = |member| incomplete(operation, member, request_id.as_deref());
    let listed = value.events.ok_or_else(|| lacks("it lacks Events"))?;
    let oldest = listed.iter().filter_map(|event| event.event_time).map(|time| time.secs()).min();
    let mut events = Vec::with_capacity(listed.len());
    for event in listed {
        events.push(event.cloud_trail_event.ok_or_else(|| lacks("it lacks Events[].CloudTrailEvent"))?);
    }
    let oldest = oldest.and_then(|seconds| u64::try_from(seconds).ok());
    Ok(Answer { value: EventPage { events, oldest, next }, request_id })
}

fn at(seconds: u64) -> DateTime {
    DateTime::from_secs(seconds.cast_signed())
}
