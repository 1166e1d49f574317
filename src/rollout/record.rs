//! The record: what happened to one account.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::denied_by::DeniedBy;
use super::issued_version::IssuedToken;
use super::request_id::RequestId;
use super::shared_text::SharedText;
use super::target::{Provenance, Target};
use crate::cloud::{AccessMethod, ErrorCode, OwnCode};
use crate::impact::verdict::Verdict;
use crate::org::exception::Exception;
use crate::org::selection::SkipReason;
use crate::org::{AccountArn, AccountId, ObservedVersion, TokenVersion};
use crate::text_enum::text_enum;
use crate::timestamp::{Milliseconds, Timestamp};

text_enum! {
    /// The result of one account. `ALL` lists the outcomes in the order in which summaries show them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Outcome {
        /// This run set the version and read it back.
        Changed = "changed",
        /// The account had the wanted version already; nothing was sent.
        Unchanged = "unchanged",
        /// In a plan: an apply would set the version.
        WouldChange = "would_change",
        /// A Set might have taken effect, but was not verified.
        Unverified = "unverified",
        /// The visit failed, and nothing was changed.
        Failed = "failed",
        /// The account is not selected, can't be visited, or has changed since the run that is undone.
        Skipped = "skipped",
        /// The account is selected, but the run ended before the visit.
        NotAttempted = "not_attempted",
    }
}

impl Outcome {
    /// Describes the outcome in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Changed => "set by this run and read back as wanted",
            Self::Unchanged => "was on the wanted version already; nothing was sent",
            Self::WouldChange => "would be set",
            Self::Unverified => "set may have taken effect, but could not be read back",
            Self::Failed => "could not be done; nothing was changed in it",
            Self::Skipped => "not selected, or not visitable",
            Self::NotAttempted => "selected, but the run ended first",
        }
    }

    /// Whether the outcome is an error that counts against `--max-errors`. With `--verify none`, `unverified` does not count.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Unverified | Self::Failed)
    }
}

text_enum! {
    /// The stages of a visit, in order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Stage {
        /// Selecting the account.
        Select = "select",
        /// Entering the account.
        Assume = "assume",
        /// Reading the version.
        Read = "read",
        /// Setting the version.
        Set = "set",
        /// Verifying the Set.
        Verify = "verify",
    }
}

/// The error of an account: what went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountError {
    /// The stage that failed.
    pub stage: Stage,
    /// The error code of AWS or of v2token.
    pub error_code: ErrorCode,
    /// The message of AWS, the network or v2token.
    pub error_message: String,
    /// What to do about the error; empty if there is no useful hint.
    pub hint: String,
    /// The policies that denied the request, as AWS told at the end of the run; `None` if it did not. The line of the journal is another
    /// one, because many accounts share the answer.
    #[serde(skip)]
    pub denied_by: Option<Arc<DeniedBy>>,
}

text_enum! {
    /// How a change was verified.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Verified {
        /// The setting was read back.
        Setting = "setting",
        /// The setting was read back, and a token of the global STS endpoint was accepted in an opt-in Region.
        Token = "token",
        /// The setting was read back, and the size of a token of the global STS endpoint shows the wanted version.
        TokenSize = "token_size",
    }
}

/// The hint for an account whose Set is in doubt because the run ended.
pub(super) const IN_DOUBT: &str = "finish the run with resume, which reads this account first";

/// What happened to one account: a row of the report, without the columns that describe the account itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The account.
    pub account_id: AccountId,
    /// The result.
    pub outcome: Outcome,
    /// The version read before anything was sent; `None` if it was never read.
    pub previous_version: Option<ObservedVersion>,
    /// The wanted version.
    pub target_version: TokenVersion,
    /// The version read last; `None` if it was never read.
    pub current_version: Option<ObservedVersion>,
    /// How a change was verified; `None` if no change was verified.
    pub verified: Option<Verified>,
    /// What the sizes of the tokens say, with `--verify token`; `None` if no tokens were compared. The sizes are as of the last comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_token: Option<Box<IssuedToken>>,
    /// The error of the account; `None` if no error occurred.
    #[serde(rename = "trouble")]
    pub error: Option<Box<AccountError>>,
    /// A remark on a successful visit. The column `hint` of the report shows it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub note: SharedText,
    /// What the impact of `--impact` says about the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Verdict>,
    /// The exception for which the account was skipped; `None` if it was not skipped for an exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Box<Exception>>,
    /// The AWS request id of the call that decided the outcome.
    pub request_id: Option<RequestId>,
    /// How many calls were sent for this account, retries included.
    pub attempts: u32,
    /// The number of calls, out of `attempts`, that AWS throttled. The journal stores the number for the timeline of the HTML
    /// page. The report has no column for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub throttled: u32,
    /// The wave, from 1; `None` outside a rollout in waves.
    pub wave: Option<u32>,
    /// The ARN of the role that was or would have been assumed; with AssumeRoot, the ARN of the account's root user. `None` for
    /// the caller's own account, and for an account that was skipped.
    #[serde(with = "crate::org::account_arn::or_empty")]
    pub role_arn: Option<AccountArn>,
    /// The STS endpoint of the run; empty if the account was skipped.
    pub sts_endpoint: SharedText,
    /// When the visit started; `None` if no visit started, or if the end of the run left the account in doubt.
    // A missing member is not `null`: what `None` means decides whether a resume visits the account.
    #[serde(deserialize_with = "Option::deserialize")]
    pub started_at: Option<Timestamp>,
    /// How long the visit took; `None` if no visit started.
    #[serde(rename = "duration_ms", deserialize_with = "Option::deserialize")]
    pub duration: Option<Milliseconds>,
}

impl Record {
    /// Returns the record of an account that was not visited.
    pub fn blank(account_id: AccountId, target_version: TokenVersion) -> Self {
        Self {
            account_id,
            outcome: Outcome::NotAttempted,
            previous_version: None,
            target_version,
            current_version: None,
            verified: None,
            issued_token: None,
            error: None,
            note: SharedText::default(),
            impact: None,
            exception: None,
            request_id: None,
            attempts: 0,
            throttled: 0,
            wave: None,
            role_arn: None,
            sts_endpoint: SharedText::default(),
            started_at: None,
            duration: None,
        }
    }

    /// Returns the record of a target that was not visited. If this run might have set the account before it was interrupted, the
    /// outcome is `unverified`.
    pub fn of_target(target: &Target) -> Self {
        let blank = Self {
            role_arn: match &target.access {
                AccessMethod::Own => None,
                AccessMethod::Role(arn) | AccessMethod::Root(arn) => Some(arn.clone()),
            },
            ..Self::blank(target.account, target.wanted)
        };
        match target.provenance {
            Provenance::Intended(previous) => blank.interrupted(previous),
            Provenance::None | Provenance::Set { .. } => blank,
        }
    }

    /// Returns the version that the global STS endpoint issues for the account; `None` if it is not known.
    pub fn issued_version(&self) -> Option<TokenVersion> {
        self.issued_token.as_ref().and_then(|token| token.version)
    }

    /// Whether the global STS endpoint issues another version than the setting says. A summary without a version says nothing.
    pub fn is_issued_otherwise(&self) -> bool {
        match (self.issued_version(), self.current_version) {
            (Some(issued), Some(setting)) => setting != ObservedVersion::Unknown && !setting.shows(issued),
            (None, _) | (_, None) => false,
        }
    }

    /// Adds a remark to those on the visit.
    pub(crate) fn add_note(&mut self, note: &str) {
        let separator = if self.note.is_empty() || note.is_empty() { "" } else { "; " };
        self.note = [&self.note, separator, note].concat().into();
    }

    /// Whether a resume has to visit the account, because the run ended before the visit or left the account in doubt.
    pub const fn needs_resume(&self) -> bool {
        match self.outcome {
            Outcome::NotAttempted => true,
            // If the record has no start time, the end of the run cut the visit short, or an interrupted visit was not repeated.
            // In both cases, a resume visits the account.
            Outcome::Unverified => self.started_at.is_none(),
            Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::Failed | Outcome::Skipped => false,
        }
    }

    /// Returns the record of an account with an intent in the journal, but no outcome.
    pub fn interrupted(self, previous: ObservedVersion) -> Self {
        Self {
            outcome: Outcome::Unverified,
            previous_version: Some(previous),
            error: Some(Box::new(AccountError {
                stage: Stage::Set,
                error_code: OwnCode::Interrupted.into(),
                error_message: "the run ended after it had written down its intent to set this account".to_owned(),
                hint: IN_DOUBT.to_owned(),
                denied_by: None,
            })),
            ..self
        }
    }

    /// Returns the record of an account that is skipped for the reason in `message`.
    pub fn skipped(account_id: AccountId, target_version: TokenVersion, code: &str, message: &str) -> Self {
        Self {
            outcome: Outcome::Skipped,
            error: Some(Box::new(AccountError {
                stage: Stage::Select,
                error_code: code.into(),
                error_message: message.to_owned(),
                hint: String::new(),
                denied_by: None,
            })),
            ..Self::blank(account_id, target_version)
        }
    }

    /// Returns the record of an account that is skipped because it is an exception.
    pub(crate) fn excepted(account_id: AccountId, target_version: TokenVersion, exception: &Exception) -> Self {
        let reason = SkipReason::Excepted;
        Self {
            exception: Some(Box::new(exception.clone())),
            ..Self::skipped(account_id, target_version, reason.code(), &exception.to_string())
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run over 50,000 accounts holds a record and an account for each, so 100 bytes more are 5 MB more.
    #[test]
    fn what_a_run_holds_for_each_account_is_small() {
        for (what, size, most) in [
            ("record", size_of::<Record>(), 120),
            ("target", size_of::<Target>(), 40),
            ("account", size_of::<crate::org::Account>(), 56),
        ] {
            assert!(size <= most, "{what}: {size} bytes");
        }
    }

    #[test]
    fn every_outcome_has_one_name_everywhere() {
        let words = ["changed", "unchanged", "would_change", "unverified", "failed", "skipped", "not_attempted"];
        assert_eq!(Outcome::ALL.map(Outcome::as_str), words);
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{outcome}\""));
            assert!(!outcome.meaning().is_empty());
        }
        assert_eq!(
            Outcome::ALL.into_iter().filter(|outcome| outcome.is_error()).collect::<Vec<_>>(),
            [Outcome::Unverified, Outcome::Failed]
        );
    }

    #[test]
    fn every_stage_has_one_name_everywhere() {
        assert_eq!(Stage::ALL.map(Stage::as_str), ["select", "assume", "read", "set", "verify"]);
        for stage in Stage::ALL {
            assert_eq!(serde_json::to_string(&stage).unwrap(), format!("\"{stage}\""));
        }
    }

    #[test]
    fn a_record_without_its_times_is_damaged() {
        let record = Record::blank("000000000012".parse().unwrap(), TokenVersion::V2Token);
        for member in ["started_at", "duration_ms"] {
            let mut json = serde_json::to_value(&record).unwrap();
            assert!(json.as_object_mut().unwrap().remove(member).unwrap().is_null());
            let error = serde_json::from_value::<Record>(json).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{member}`")), "{error}");
        }
    }

    #[test]
    fn throttles_are_written_only_if_there_were_some() {
        let record = Record::blank("000000000012".parse().unwrap(), TokenVersion::V2Token);
        let older = serde_json::to_string(&record).unwrap();
        assert!(!older.contains("throttled"), "{older}");
        assert_eq!(serde_json::from_str::<Record>(&older).unwrap(), record);
        let throttled = Record { throttled: 3, ..record };
        let text = serde_json::to_string(&throttled).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), throttled);
    }
}
