//! The CloudTrail operation `LookupEvents`: the event history of the caller's account in one Region.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::{ApiError, Document};
use crate::dispatch::{Context, Outcome};
use crate::iam::NO_IDENTITY_POLICY;
use crate::network::Service;
use crate::rate_limit::{Bucket, RateLimit};
use crate::request::Params;
use crate::secrets::mix;
use crate::traffic::{Event, HISTORY_DAYS};
use crate::world::World;

/// The published quota, per account and Region.
pub(crate) const LOOKUP_LIMIT: RateLimit = RateLimit::new(2.0, 2.0);

/// The maximum number of events on a page.
const MAX_RESULTS: i64 = 50;

const ACTION: &str = "cloudtrail:LookupEvents";

/// The limit of every account and Region.
#[derive(Debug)]
pub(crate) struct LookupLimits {
    pub(crate) limit: Option<RateLimit>,
    buckets: HashMap<(u32, String), Bucket>,
}

impl Default for LookupLimits {
    fn default() -> Self {
        Self { limit: Some(LOOKUP_LIMIT), buckets: HashMap::new() }
    }
}

impl LookupLimits {
    fn admit(&mut self, account: u32, region: &str, now: Duration) -> bool {
        let Some(limit) = self.limit else { return true };
        self.buckets.entry((account, region.to_owned())).or_insert_with(|| Bucket::new(limit, now)).take(now)
    }
}

/// What a request asks for.
struct Query {
    /// The name or the value of the only attribute, if there is one.
    name: Option<String>,
    /// In seconds since 1970, both included.
    start: i64,
    end: i64,
    size: usize,
    offset: usize,
}

impl World {
    /// Sets how often each account can be asked in each Region; `None` for no limit.
    pub fn limit_lookups(&mut self, limit: Option<RateLimit>) {
        self.lookup_limits = LookupLimits { limit, buckets: HashMap::new() };
    }

    pub(crate) fn lookup_events(&mut self, context: &Context<'_>) -> Outcome {
        let principal = &context.caller.principal;
        let (index, region) = (principal.account, context.caller.region.clone());
        self.authorise(principal, ACTION)?;
        if self.account(index).faults.deny_lookups {
            self.at(index).note("deny_lookups");
            return Err(self.denied(principal, ACTION, NO_IDENTITY_POLICY).into());
        }
        let now = self.now();
        if !self.lookup_limits.admit(index, &region, now) {
            self.at(index).note("lookup_throttled");
            return Err(ApiError::throttled(Service::CloudTrail).into());
        }
        let query = self.query(context.params)?;
        let events = self.events(index);
        let matching: Vec<&Event> = events
            .iter()
            .filter(|event| event.region == region && (query.start..=query.end).contains(&event.time))
            .filter(|event| query.name.as_deref().is_none_or(|name| event.name == name))
            .collect();
        let page: Vec<Value> = matching.iter().skip(query.offset).take(query.size).map(|event| shown(event)).collect();
        let mut document = json!({ "Events": page });
        let next = query.offset + query.size;
        if next < matching.len() {
            document["NextToken"] = self.lookup_token(context.params, next).into();
        }
        Ok(Document::Json(document.to_string()).into())
    }

    fn query(&self, params: &Params) -> Result<Query, ApiError> {
        let invalid = |code, message: &'static str| Err(ApiError::new(400, code, message));
        let Params::Json(document) = params else { return invalid("InvalidParameterCombinationException", "") };
        let attributes = document["LookupAttributes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let name = match attributes {
            [] => None,
            [one] if one["AttributeKey"] == "EventName" => one["AttributeValue"].as_str().map(str::to_owned),
            _ => {
                return invalid("InvalidLookupAttributesException", "You can only use one lookup attribute.");
            }
        };
        let time = |key: &str, otherwise: i64| {
            document[key].as_f64().map_or(otherwise, |seconds| {
                #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit")]
                let whole = seconds.floor() as i64;
                whole
            })
        };
        let (oldest, now) = (self.epoch() - HISTORY_DAYS * 86_400, self.epoch());
        let (start, end) = (time("StartTime", oldest), time("EndTime", now));
        if start > end {
            return invalid("InvalidTimeRangeException", "The start time occurs after the end time.");
        }
        let size = document["MaxResults"].as_i64().unwrap_or(MAX_RESULTS);
        let Some(size) = usize::try_from(size).ok().filter(|_| (1..=MAX_RESULTS).contains(&size)) else {
            return invalid("InvalidMaxResultsException", "The maximum number of results is between 1 and 50.");
        };
        let offset = match document["NextToken"].as_str() {
            None => 0,
            Some(token) => {
                let offset = token.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(0);
                if token != self.lookup_token(params, offset) {
                    return invalid(
                        "InvalidNextTokenException",
                        "The token is invalid, or the parameters differ from those of the first request.",
                    );
                }
                offset
            }
        };
        Ok(Query { name, start: start.max(oldest), end, size, offset })
    }

    /// Returns the token of a page, which is valid only with the same parameters.
    fn lookup_token(&self, params: &Params, offset: usize) -> String {
        let mut of_query = 0;
        if let Params::Json(document) = params {
            for key in ["LookupAttributes", "StartTime", "EndTime"] {
                for byte in document[key].to_string().bytes() {
                    of_query = mix(of_query ^ u64::from(byte));
                }
            }
        }
        format!("{offset}.{:016x}", mix(of_query ^ offset as u64 ^ self.settings.seed))
    }
}

/// Returns an event as `LookupEvents` lists it.
fn shown(event: &Event) -> Value {
    json!({
        "EventId": event.id,
        "EventName": event.name,
        "ReadOnly": event.read_only.to_string(),
        "EventTime": event.time,
        "EventSource": "sts.amazonaws.com",
        "Resources": [],
        "CloudTrailEvent": event.json,
    })
}
