//! Parses one event of CloudTrail, and drops its secrets meanwhile.

mod endpoint;
mod raw;

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::time::{SystemTime, UNIX_EPOCH};

use self::endpoint::{Endpoint, endpoint};
use self::raw::RawEvent;
use super::agent::Agent;
use super::operation::{SessionOperation, issues_nothing};
use super::principal::{Identity, principal, without_session};
use super::sighting::{CallKind, Half, Sighting};
use crate::org::AccountId;
use crate::org::caller::account_in_arn;
use crate::text_enum::text_enum;

/// What an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// No call of an operation that issues session tokens.
    Other(EventFacts),
    /// A call of an operation that issues session tokens.
    Session(Box<Sighting>),
    /// An event that is about STS, or that might be, but whose meaning is not certain.
    NotUnderstood(NotUnderstood),
}

/// What an event says about the coverage of its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventFacts {
    /// The account whose trail has the event.
    pub recipient: Option<AccountId>,
    /// The time of the call, in seconds since 1970.
    pub time: Option<u64>,
    /// Whether the event is about a management event of us-east-1, where the calls of the global endpoint are.
    pub in_home_region: bool,
    /// Whether the call only reads. A trail without read events has no such event.
    pub reads: bool,
    /// Whether the event is about STS. An export that is filtered has no other events.
    pub is_sts: bool,
}

text_enum! {
    /// Why an event is not understood.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[expect(missing_docs, reason = "the text of each variant says it")]
    pub enum Reason {
        NotJson = "the text is not JSON, or a member has another type than usual",
        NoName = "the event has no name or no source",
        Version = "the version of the event is not 1.x",
        Operation = "the operation of STS is not known",
        Account = "the event has no account",
        Time = "the event has no time that can be read",
        Endpoint = "the event does not say which endpoint was called",
        Principal = "the event does not say who called",
        Role = "the event does not say which role was assumed",
    }
}

/// An event whose meaning is not certain. It is counted, and makes the coverage of its account incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// Why the event is not understood.
    pub reason: Reason,
    /// The account whose trail has the event; `None` if the event does not say.
    pub recipient: Option<AccountId>,
    /// The time of the event, in seconds since 1970; `None` if the event does not say.
    pub time: Option<u64>,
}

/// Parses the JSON text of one event, such as an element of `Records`, or the member `CloudTrailEvent` in an answer of LookupEvents.
pub fn parse(json: &[u8], with_addresses: bool) -> Parsed {
    // A list would be read as the members of an event, too.
    let is_object = json.trim_ascii_start().first() == Some(&b'{');
    match raw_event(json) {
        Some(raw) if is_object => interpret(&raw, with_addresses),
        Some(_) | None => Parsed::NotUnderstood(NotUnderstood { reason: Reason::NotJson, recipient: None, time: None }),
    }
}

/// Returns what an event says about the coverage of its account; `None` if it is not JSON.
pub fn facts(json: &[u8]) -> Option<EventFacts> {
    raw_event(json).map(|raw| raw.facts())
}

/// Parses an event. To check the whole text once is faster than to check each string. A text that is not UTF-8 is read nevertheless,
/// because the bad character may be in a member that is not needed.
fn raw_event(json: &[u8]) -> Option<RawEvent> {
    str::from_utf8(json).map_or_else(|_| serde_json::from_slice(json), serde_json::from_str).ok()
}

/// Decides what an event means.
fn interpret(raw: &RawEvent, with_addresses: bool) -> Parsed {
    let identity = &raw.user_identity.0;
    let caller_account = identity.account_id.as_deref().and_then(|id| id.parse::<AccountId>().ok());
    let EventFacts { recipient, time, .. } = raw.facts();
    let not_understood = |reason| Parsed::NotUnderstood(NotUnderstood { reason, recipient, time });
    let (Some(_), Some(name)) = (&raw.event_source, raw.event_name.as_deref()) else {
        return not_understood(Reason::NoName);
    };
    let facts = raw.facts();
    if !facts.is_sts || issues_nothing(name) {
        return Parsed::Other(facts);
    }
    let is_known_version = raw.event_version.0.as_deref().is_none_or(|version| version.starts_with("1."));
    if !is_known_version {
        return not_understood(Reason::Version);
    }
    let is_failed = raw.error_code.as_deref().is_some_and(|code| !code.is_empty());
    let endpoint = endpoint(raw);
    let Some(operation) = SessionOperation::named(name) else {
        let is_harmless = is_failed || endpoint == Endpoint::Regional;
        return if is_harmless { Parsed::Other(facts) } else { not_understood(Reason::Operation) };
    };
    let Some(recipient) = recipient else { return not_understood(Reason::Account) };
    let Some(time) = time else { return not_understood(Reason::Time) };
    let kind = match (endpoint, is_failed, raw.is_by_service()) {
        (Endpoint::Regional, true, _) => return Parsed::Other(facts),
        (Endpoint::Regional, false, _) => CallKind::Regional,
        (_, _, true) => CallKind::Service,
        (_, true, false) => CallKind::Failed,
        (Endpoint::Global, false, false) => CallKind::Global,
        (Endpoint::Unknown, false, false) => return not_understood(Reason::Endpoint),
    };
    let role = if operation.assumes_role() { raw.role_arn().map(without_session) } else { None };
    if kind == CallKind::Global && operation == SessionOperation::AssumeRole && role.is_none() {
        // The role can be in another account.
        return not_understood(Reason::Role);
    }
    let issuer = role.as_deref().and_then(account_in_arn).unwrap_or(recipient);
    let identity = Identity {
        kind: identity.kind.as_deref(),
        arn: identity.arn.as_deref(),
        issuer_arn: identity.issuer_arn(),
        account: caller_account,
    };
    let is_by_role =
        matches!(operation, SessionOperation::AssumeRoleWithSaml | SessionOperation::AssumeRoleWithWebIdentity);
    let principal = if is_by_role { role.clone() } else { principal(identity) };
    let Some(principal) = principal.or_else(|| raw.invoked_by().map(str::to_owned)) else {
        return not_understood(Reason::Principal);
    };
    let caller = if is_by_role { issuer } else { caller_account.unwrap_or(recipient) };
    let half = match (caller == issuer, recipient == issuer) {
        (true, _) => Half::Whole,
        (false, true) => Half::Role,
        (false, false) => Half::Caller,
    };
    Parsed::Session(Box::new(Sighting {
        id: raw.shared_event_id.as_deref().or(raw.event_id.as_deref()).map(hash),
        time,
        operation,
        kind,
        half,
        recipient,
        caller,
        issuer,
        principal,
        role,
        agent: Agent::of(raw.user_agent.as_deref()),
        token_size: raw.token_size(),
        address: raw.source_ip_address.as_deref().filter(|_| with_addresses).and_then(|text| text.parse().ok()),
    }))
}

/// Returns the same hash for the same text in every run.
fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

impl RawEvent {
    fn facts(&self) -> EventFacts {
        let account = |id: &Option<String>| id.as_deref().and_then(|id| id.parse::<AccountId>().ok());
        let source = self.event_source.as_deref().unwrap_or_default();
        EventFacts {
            // The oldest events have no recipient; each is in the trail of the caller's account.
            recipient: account(&self.recipient_account_id).or_else(|| account(&self.user_identity.0.account_id)),
            time: self.event_time.as_deref().and_then(seconds),
            in_home_region: self.is_in_home_region() && self.is_management_event(),
            reads: self.read_only.0 == Some(true),
            is_sts: source.eq_ignore_ascii_case("sts.amazonaws.com"),
        }
    }
}

/// Reads the time of an event, such as `2026-11-27T18:00:00Z`, in seconds since 1970.
fn seconds(text: &str) -> Option<u64> {
    let time: SystemTime = humantime::parse_rfc3339_weak(text).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests;
