//! The faults of accounts and of the account list.

use std::time::Duration;

use crate::account_id::AccountId;
use crate::token_size::GlobalFaults;
use crate::troubleshooter::DenyingPolicy;

/// A count that never runs out.
pub const ALWAYS: u32 = u32::MAX;

/// How many more times a fault fires, for each of the three calls of a visit.
///
/// Each firing of the fault decreases the number, except [`ALWAYS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerCall {
    /// For `AssumeRole` (and `AssumeRoot`).
    pub assume: u32,
    /// For `GetAccountSummary`.
    pub read: u32,
    /// For `SetSecurityTokenServicePreferences`.
    pub set: u32,
}

impl PerCall {
    /// The same count for all three calls.
    #[must_use]
    pub const fn all(count: u32) -> Self {
        Self { assume: count, read: count, set: count }
    }

    /// Only for `AssumeRole`.
    #[must_use]
    pub const fn assume(count: u32) -> Self {
        Self { assume: count, read: 0, set: 0 }
    }

    /// Only for `GetAccountSummary`.
    #[must_use]
    pub const fn read(count: u32) -> Self {
        Self { assume: 0, read: count, set: 0 }
    }

    /// Only for `SetSecurityTokenServicePreferences`.
    #[must_use]
    pub const fn set(count: u32) -> Self {
        Self { assume: 0, read: 0, set: count }
    }

    pub(crate) fn fire(&mut self, call: VisitCall) -> bool {
        fire(match call {
            VisitCall::Assume => &mut self.assume,
            VisitCall::Read => &mut self.read,
            VisitCall::Set => &mut self.set,
        })
    }
}

/// Uses up one firing of a counted fault. Returns whether a firing was left.
pub(crate) fn fire(count: &mut u32) -> bool {
    match *count {
        0 => false,
        ALWAYS => true,
        _ => {
            *count -= 1;
            true
        }
    }
}

/// The three calls of a visit to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VisitCall {
    Assume,
    Read,
    Set,
}

/// The faults of one account. They can be combined, and the truth counts every firing.
///
/// If several counted faults apply to a call, they fire one after the other, in the order of the fields: hang, 500, 503, reset,
/// throttle, and then the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// No answer until the client gives up, at most two minutes. The request has no effect.
    pub hang: PerCall,
    /// HTTP 500 without effect.
    pub status_500: PerCall,
    /// HTTP 503 without effect.
    pub status_503: PerCall,
    /// The connection is reset before the request has an effect.
    pub reset_before: PerCall,
    /// `Throttling`, "Rate exceeded", without effect.
    pub throttle: PerCall,
    /// The IAM call is refused with `ExpiredToken`. `assume` has no meaning.
    pub expired_session: PerCall,
    /// HTTP 200 with a body that is not the expected document. A Set has been applied.
    pub garbage: PerCall,
    /// The connection is reset in place of an answer. A Set has been applied.
    pub reset_after: PerCall,
    /// The answer breaks off in the middle and the connection closes. A Set has been applied.
    pub truncated: PerCall,
    /// Every answer for this account is delayed by this time.
    pub slow: Duration,
    /// `AssumeRole` is refused with `AccessDenied`.
    pub deny_assume: bool,
    /// The end of the message with which `deny_assume` refuses, such as the reason. `{id}` is an authorization id that differs from
    /// request to request.
    pub denial_ends: String,
    /// `AssumeRole` is refused with `RegionDisabledException`, except in the one Region where STS
    /// can't be deactivated.
    pub region_disabled: bool,
    /// `AssumeRole` answers with a session and an ARN of this other account.
    pub wrong_identity: Option<AccountId>,
    /// The faults at the global STS endpoint.
    pub global: GlobalFaults,
    /// `GetAccountSummary` is refused with `AccessDenied`.
    pub deny_read: bool,
    /// `GetAccountSummary` is refused with `AccessDenied`: this denies it.
    pub deny_read_by: Option<DenyingPolicy>,
    /// `LookupEvents` is refused with `AccessDeniedException`.
    pub deny_lookups: bool,
    /// `SimulatePrincipalPolicy` is refused with `AccessDenied`.
    pub deny_simulation: bool,
    /// Set is refused with `AccessDenied`: the role's own policies do not allow it.
    pub deny_set: bool,
    /// Set is refused with `AccessDenied`: the role's own policies deny it.
    pub deny_set_explicitly: bool,
    /// Set is refused with `AccessDenied`: a service control policy denies it. The fault has no effect on
    /// the management account.
    pub deny_set_by_scp: bool,
    /// The summary has no `GlobalEndpointTokenVersion` entry, although the account has a value.
    pub missing_summary_key: bool,
    /// The next Sets are applied, and the connection closes without an answer.
    pub lost_acknowledgements: u32,
    /// The connection closes before the next Sets are applied.
    pub dropped_sets: u32,
    /// A captive portal answers the next Sets with HTTP 200 and an HTML page. The Sets are not applied.
    pub captive_portal: u32,
    /// After every applied Set, this many reads still show the previous value.
    pub stale_reads: u32,
    /// After an applied Set, all reads show the previous value.
    pub read_back_never_shows: bool,
}

/// A fault of the account list. Several faults can be combined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListingFault {
    /// The first page is empty and has a token.
    EmptyFirstPage,
    /// This page (the first is 1) is empty and has a token.
    EmptyPage {
        /// The page's number.
        page: u32,
    },
    /// From this page on, the answer repeats the token of its request, endlessly.
    RepeatedToken {
        /// The page's number.
        page: u32,
    },
    /// The first requests for this page fail.
    PageFails {
        /// The page's number.
        page: u32,
        /// The error.
        error: ListingError,
        /// How many requests fail; [`ALWAYS`] for a page that never arrives.
        times: u32,
    },
    /// This account is listed without its `Id`.
    WithoutId(AccountId),
    /// The organization lists no account at all.
    NoAccounts,
    /// Every page begins with the last account of the page before.
    Duplicates,
    /// Accounts have the old `Status` field in addition to `State`.
    WithStatus,
    /// Accounts have the old `Status` field and no `State`.
    StatusOnly,
    /// Accounts have neither `Status` nor `State`.
    NeitherStatusNorState,
    /// This account is listed with the `State` value `FROZEN`.
    UnknownState(AccountId),
    /// Accounts have no `Paths`, as in partitions that do not know the field.
    NoPaths,
    /// Accounts have no `JoinedTimestamp`.
    NoJoinTimes,
    /// The account is not in an organization: every call fails with `AWSOrganizationsNotInUseException`.
    NotInUse,
}

/// The errors with which a page can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingError {
    /// `ServiceException`, HTTP 500.
    Service,
    /// `AccessDeniedException`, HTTP 400.
    AccessDenied,
    /// `TooManyRequestsException`, HTTP 400.
    TooManyRequests,
}
