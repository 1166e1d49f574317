//! Asks which policies denied the requests of a run: once for each cause, and with patience, because AWS writes the details of a denial
//! some time after it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, timeout_at};

use super::cause::{authorization_id, without_ids};
use super::denial::{Denial, denied_action};
use super::denied_by::DeniedBy;
use super::record::{Record, Stage};
use crate::cloud::authorization::AuthorizationDetails;
use crate::cloud::retry::as_attempt;
use crate::cloud::{ErrorCode, Failure, FailureKind, Operation, OwnCode};
use crate::org::AccountId;

/// The most questions of a run.
const MAX_QUESTIONS: usize = 10;

/// How long all questions of a run may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The most policies of a cause whose names are asked for. A hint names no more.
const MAX_NAMES: usize = 3;

/// The waits before the questions are asked again.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// How many answers in a row may be unusable.
const MAX_UNUSABLE: u32 = 3;

/// The words before the account that AWS was asked about.
const ABOUT: &str = ", as AWS says about account ";

/// How long AWS keeps the details of a denial (IAM user guide, "Troubleshoot access denied errors with IAM Access Troubleshooter").
const KEPT: Duration = Duration::from_hours(24);

/// A request that was denied in an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeniedRequest<'a> {
    account: AccountId,
    stage: Stage,
    message: &'a str,
    id: &'a str,
    at: Option<SystemTime>,
}

impl<'a> DeniedRequest<'a> {
    /// Returns the denied request if AWS can explain it. It can't explain denials of STS, nor those without an id. While a change is
    /// verified, both IAM and the global STS endpoint are called, so the message decides there.
    pub(crate) fn of(
        account: AccountId,
        (stage, code, message): (Stage, &ErrorCode, &'a str),
        at: Option<SystemTime>,
    ) -> Option<Self> {
        let is_denied = matches!(code, ErrorCode::Other(code) if &**code == "AccessDenied");
        let is_covered = match stage {
            Stage::Read | Stage::Set => true,
            Stage::Verify => {
                let read = Operation::GetAccountSummary.action();
                denied_action(message, Operation::AssumeRole).eq_ignore_ascii_case(&read)
            }
            Stage::Select | Stage::Assume => false,
        };
        let id = authorization_id(message).filter(|_| is_denied && is_covered)?;
        Some(Self { account, stage, message, id, at })
    }

    /// Returns the denied request of a record, unless AWS has explained it.
    pub(crate) fn of_record(record: &'a Record) -> Option<Self> {
        let error = record.error.as_ref().filter(|error| error.denied_by.is_none())?;
        let what = (error.stage, &error.error_code, error.error_message.as_str());
        Self::of(record.account_id, what, record.started_at.map(SystemTime::from))
    }
}

/// A question about one denied request, whose answer is good for all accounts with the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The authorization id.
    id: String,
    message: String,
    operation: Operation,
    /// The account whose denial it is about.
    about: AccountId,
    at: Option<SystemTime>,
    /// All accounts with the cause.
    pub accounts: Vec<AccountId>,
}

/// What was found out about a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Explanation {
    /// These policies deny it.
    DeniedBy(Arc<DeniedBy>),
    /// The caller may not ask.
    NotPermitted,
}

impl Explanation {
    /// Returns the policies that deny it, or `None` if the caller may not ask.
    pub(crate) fn denied_by(&self) -> Option<&Arc<DeniedBy>> {
        match self {
            Self::DeniedBy(denied_by) => Some(denied_by),
            Self::NotPermitted => None,
        }
    }
}

/// Returns the questions about the denied requests: one for each cause, and the causes with the most accounts first. For each cause, the
/// last denial is asked about, because AWS keeps the details for a limited time.
pub(crate) fn questions<'a>(denied: impl IntoIterator<Item = DeniedRequest<'a>>, now: SystemTime) -> Vec<Question> {
    let mut indexes = HashMap::new();
    let mut questions: Vec<Question> = Vec::new();
    for DeniedRequest { account, stage, message, id, at } in denied {
        let index = match indexes.entry((stage, without_ids(message))) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let operation = match stage {
                    Stage::Set => Operation::SetSecurityTokenServicePreferences,
                    _ => Operation::GetAccountSummary,
                };
                let (id, message, accounts) = (id.to_owned(), message.to_owned(), Vec::new());
                questions.push(Question { id, message, operation, about: account, at, accounts });
                *entry.insert(questions.len() - 1)
            }
        };
        let question = &mut questions[index];
        question.accounts.push(account);
        if at > question.at {
            id.clone_into(&mut question.id);
            message.clone_into(&mut question.message);
            (question.about, question.at) = (account, at);
        }
    }
    let is_kept = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age >= KEPT);
    questions.retain(|question| !question.at.is_some_and(is_kept));
    questions.sort_by_key(|question| std::cmp::Reverse(question.accounts.len()));
    questions.truncate(MAX_QUESTIONS);
    questions
}

/// What follows from an answer that explains nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    /// The details may come later.
    Again,
    /// The answer can't be used, and another may be usable.
    Unusable,
    /// There will be no answer to this question.
    Drop,
    /// The caller may not ask.
    NotPermitted,
    /// There will be no answer to any question.
    End,
}

fn react(failure: &Failure) -> Reaction {
    match (failure.kind, failure.code.as_str()) {
        (FailureKind::Throttled, _) | (FailureKind::Refused, "ResourceNotFoundException") => Reaction::Again,
        (FailureKind::Refused, "AccessDeniedException" | "AccessDenied") => Reaction::NotPermitted,
        // An attempt without an answer takes a quarter of a minute.
        (FailureKind::Transient, _) if failure.code != OwnCode::RequestTimedOut.into() => Reaction::Unusable,
        (FailureKind::Refused, _) if failure.is_service_refusal() => Reaction::Drop,
        (FailureKind::Transient | FailureKind::Credentials | FailureKind::Refused, _) => Reaction::End,
    }
}

/// Asks the questions until each is answered, and at most for [`PATIENCE`]. `ask` returns the details for an authorization id, and `name`
/// the name of a policy of the Organization. `found` receives the explanations as they are found.
pub(crate) async fn explain(
    mut questions: Vec<Question>,
    mut ask: impl AsyncFnMut(&str) -> Result<AuthorizationDetails, Failure>,
    mut name: impl AsyncFnMut(&str) -> Option<String>,
    mut found: impl FnMut(&Question, Explanation),
) {
    let all = async {
        let (mut wait, mut unusable, mut names) = (FIRST_WAIT, 0, HashMap::new());
        for round in 1.. {
            let mut left = Vec::new();
            for question in questions.drain(..) {
                match as_attempt(round, ask(&question.id)).await {
                    Ok(details) => {
                        unusable = 0;
                        if let Some(mut denied_by) = question.denied_by(&details) {
                            for policy in denied_by.policies.iter_mut().take(MAX_NAMES) {
                                let Some(id) = policy.unnamed_in_organization().map(str::to_owned) else { continue };
                                if !names.contains_key(&id) {
                                    let found = name(&id).await;
                                    names.insert(id.clone(), found);
                                }
                                policy.name = names.get(&id).cloned().flatten();
                            }
                            found(&question, Explanation::DeniedBy(Arc::new(denied_by)));
                        }
                    }
                    Err(failure) => match react(&failure) {
                        Reaction::Again => left.push(question),
                        Reaction::Unusable => {
                            unusable += 1;
                            if unusable == MAX_UNUSABLE {
                                return;
                            }
                            left.push(question);
                        }
                        Reaction::Drop => {}
                        Reaction::NotPermitted => return found(&question, Explanation::NotPermitted),
                        Reaction::End => return,
                    },
                }
            }
            if left.is_empty() {
                return;
            }
            questions = left;
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    };
    // What has been found by then is kept.
    let _ = timeout_at(Instant::now() + PATIENCE, all).await;
}

impl Question {
    fn denied_by(&self, details: &AuthorizationDetails) -> Option<DeniedBy> {
        let action = denied_action(&self.message, self.operation);
        DeniedBy::of(details, &action, &self.message, self.about)
    }
}

/// Adds an explanation to a record. `denied_by` is `None` if the caller may not ask, and `accounts` is how many accounts have the cause.
pub(crate) fn add_to(record: &mut Record, denied_by: Option<&Arc<DeniedBy>>, accounts: usize) {
    let Some(error) = &mut record.error else { return };
    error.hint = explained(&error.hint, &error.error_message, denied_by, accounts);
    if denied_by.is_some() {
        error.denied_by = denied_by.cloned();
    }
}

/// Returns a hint without the account that AWS was asked about, and without other ids of single accounts. Runs that were merged ask about
/// different accounts, and their failures have the same cause nevertheless.
pub(crate) fn without_account(hint: &str) -> String {
    without_ids(hint).replace(&format!("{ABOUT}<account>"), "")
}

/// Returns a hint with an explanation before it, or with what the caller lacks to get one after it.
pub(crate) fn explained(hint: &str, message: &str, denied_by: Option<&Arc<DeniedBy>>, accounts: usize) -> String {
    let action = Operation::GetRequestAuthorizationDetails.action();
    let lacks = format!("allow {action} to the caller, and the report names the policy that denied it");
    // An earlier run of the same accounts may have lacked the permission.
    let hint = hint.strip_suffix(&lacks).map_or(hint, |rest| rest.strip_suffix("; ").unwrap_or(rest));
    let Some(denied_by) = denied_by else {
        return if hint.is_empty() { lacks } else { format!("{hint}; {lacks}") };
    };
    let mut text = denied_by.to_string();
    if accounts > 1 {
        text.push_str(&format!("{ABOUT}{}", denied_by.asked_about));
    }
    // The hint may begin with the reason that the message gives, which the explanation replaces. A reason that names the action stays,
    // because the advice refers to it.
    let is_replaced = |(reason, _): &(&str, &str)| Denial::of(message) != Denial::Unknown && !reason.contains(':');
    let advice = hint.split_once(": ").filter(is_replaced).map(|(_, advice)| advice);
    match (advice, hint) {
        (Some(advice), _) => format!("{text}: {advice}"),
        (None, "") => text,
        (None, hint) => format!("{text}; {hint}"),
    }
}

#[cfg(test)]
mod tests;
