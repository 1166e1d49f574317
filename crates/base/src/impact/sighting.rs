//! What the program keeps of an event of STS: neither a token nor a key id, and an IP address only if it was asked for.

use std::net::IpAddr;

use super::agent::Agent;
use super::operation::SessionOperation;
use crate::org::AccountId;
use crate::text_enum::text_enum;

text_enum! {
    /// Where an event comes from.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Source {
        /// A file of a trail, or an export.
        Files = "files",
        /// The event history: LookupEvents.
        History = "history",
    }
}

/// What a call of an operation that issues session tokens means for the question who is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// The global endpoint issued a session. This is what counts.
    Global,
    /// A regional endpoint issued a session. Its size is the size that tokens of the global endpoint will have.
    Regional,
    /// The global endpoint was called by an AWS service, whose tokens are long already.
    Service,
    /// The global endpoint refused the call.
    Failed,
}

/// Which half of a cross-account call an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The event of a call within one account, or of a call whose other side is not known.
    Whole,
    /// The event in the trail of the account that called. It has the caller's ARN.
    Caller,
    /// The event in the trail of the role's account. It has only the account of the caller.
    Role,
}

/// A call of an operation of STS that issues session tokens, as one event describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// A hash of the id that both halves of a cross-account call share, or else of the event's own id; `None` if it has no id.
    pub id: Option<u64>,
    /// The time of the call, in seconds since 1970.
    pub time: u64,
    /// The operation that was called.
    pub operation: SessionOperation,
    /// What the call means for the question who is affected.
    pub kind: CallKind,
    /// Which half of a cross-account call the event is.
    pub half: Half,
    /// The account whose trail has the event.
    pub recipient: AccountId,
    /// The account that called. For calls that need no credentials of AWS, the account of the role.
    pub caller: AccountId,
    /// The account that issued the session: the role's account, or else the caller's. The call is attributed to it.
    pub issuer: AccountId,
    /// The role or the user that called, with its sessions folded; the role that was assumed if the caller is not an identity of AWS.
    pub principal: String,
    /// The ARN of the role that was assumed.
    pub role: Option<String>,
    /// The program that called, by its user agent.
    pub agent: Agent,
    /// The size of the session token, in characters.
    pub token_size: Option<u32>,
    /// The address that the call came from. It is kept only with `--with-addresses`.
    pub address: Option<IpAddr>,
}
