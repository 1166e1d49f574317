//! The check of one account: enters it, reads it, and simulates whether the session is allowed to set it.

use std::time::{Duration, Instant};

use super::tokens::{self, GlobalEndpoint, SampledToken};
use super::{Check, Status, Subject};
use crate::cloud::aws::Aws;
use crate::cloud::aws::simulate_policy::SimulationResult;
use crate::cloud::retry::retry;
use crate::cloud::{AccessMethod, Answer, Cloud as _, Failure, Operation, TokenSize};
use crate::journal::{PolicyChoice, RunSettings};
use crate::org::{Account, AccountArn, AccountId, ObservedVersion};
use crate::rollout::alike::{VisitResult, wrong_setting};
use crate::rollout::explanation::{DeniedRequest, Explanation, explained};
use crate::rollout::{Outcome, Stage, hint};

/// The times that it took to enter and to read an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub enter: Duration,
    pub read: Duration,
}

impl Latency {
    fn mean(latencies: &[Self]) -> Option<Self> {
        let count = u32::try_from(latencies.len()).ok().filter(|count| *count > 0)?;
        let mean = |of: fn(&Self) -> Duration| latencies.iter().map(of).sum::<Duration>() / count;
        Some(Self { enter: mean(|latency| latency.enter), read: mean(|latency| latency.read) })
    }
}

/// What was found out about an account.
#[derive(Debug)]
pub(crate) struct CheckedAccount {
    /// The check.
    pub check: Check,
    /// The role that was assumed; `None` for the caller's own account.
    pub role: Option<AccountArn>,
    /// The times that it took; `None` if the account could not be read.
    pub latency: Option<Latency>,
    /// What the global endpoint said; `None` if it was not asked about this account.
    pub token: Option<SampledToken>,
    /// The account's setting; `None` if it could not be read.
    pub version: Option<ObservedVersion>,
    /// Why the account could not be entered or read.
    pub failure: Option<(Stage, Failure)>,
}

impl CheckedAccount {
    /// Returns the denied request, if AWS can explain it.
    pub(crate) fn denied_request(&self) -> Option<DeniedRequest<'_>> {
        let (stage, failure) = self.failure.as_ref()?;
        DeniedRequest::of(self.check.account_id?, (*stage, &failure.code, &failure.message), None)
    }

    /// Whether the account is one of these.
    pub(crate) fn is_one_of(&self, accounts: &[AccountId]) -> bool {
        self.check.account_id.is_some_and(|id| accounts.contains(&id))
    }

    /// Adds to the advice why a request was denied. `accounts` is how many accounts it was denied in.
    pub(crate) fn explain(&mut self, explanation: &Explanation, accounts: usize) {
        let message = self.failure.as_ref().map_or("", |(_, failure)| failure.message.as_str());
        self.check.advice = explained(&self.check.advice, message, explanation.denied_by(), accounts);
    }

    /// Returns the result of the visit that this check stands for.
    fn visit(&self) -> VisitResult<'_> {
        let failure = self.failure.as_ref();
        let failure = failure.map(|(stage, failure)| (*stage, &failure.code, failure.message.as_str()));
        VisitResult { role: self.role.as_ref(), to_set: false, failure }
    }
}

/// Returns the check of the role, which fails if the sampled accounts fail alike.
pub(crate) fn check_role(checked: &[CheckedAccount]) -> Option<Check> {
    let setting = wrong_setting(checked.iter().map(CheckedAccount::visit))?;
    let (found, advice) = setting.split_once(": ").unwrap_or((&setting, ""));
    Some(Check::failure(Subject::Role, found, advice))
}

/// Returns the mean times of the visits that are like most visits of a rollout. Returns `None` if no account that is entered through a
/// role could be read, although there are such accounts.
pub(crate) fn usual_latency(checked: &[CheckedAccount]) -> Option<Latency> {
    let through_role = checked.iter().any(|account| account.role.is_some());
    let usual = checked.iter().filter(|account| account.role.is_some() || !through_role);
    Latency::mean(&usual.filter_map(|account| account.latency).collect::<Vec<_>>())
}

/// Checks an account within the time limit of one visit.
pub(crate) async fn check_account(
    aws: &Aws,
    run: &RunSettings,
    account: &Account,
    access: AccessMethod,
    is_management: bool,
    global: GlobalEndpoint,
) -> CheckedAccount {
    let limit = run.account_timeout;
    let checked = tokio::time::timeout(limit, enter_and_read(aws, run, account, &access, is_management)).await;
    let (mut check, found) = checked.unwrap_or_else(|_| {
        let message = format!("no end within --account-timeout {}", humantime::format_duration(limit));
        let advice = "check the network and the proxy settings, or give it longer if AWS is slow";
        (Check::failure(Subject::Account, message, advice), Err(None))
    });
    let role = match &access {
        AccessMethod::Own => None,
        AccessMethod::Role(arn) | AccessMethod::Root(arn) => Some(arn.clone()),
    };
    let (entered, failure) = match found {
        Ok(entered) => (Some(entered), None),
        Err(failure) => (None, failure),
    };
    let (latency, version) =
        (entered.as_ref().map(|entered| entered.latency), entered.as_ref().map(|entered| entered.version));
    let token = match (entered, global) {
        (Some(Entered { version, token_size: Some(regional), .. }), GlobalEndpoint::Asked) => {
            Some(tokens::ask(aws, account.id, &access, version, regional).await)
        }
        _ => None,
    };
    // The sizes differ a little between accounts, and findings with an advice are grouped by their texts.
    if let (Some(Ok(found)), Status::Ok) = (token.as_ref().map(SampledToken::found), check.status) {
        check.message = format!("{}; {found}", check.message);
    }
    CheckedAccount { check: Check { account_id: Some(account.id), ..check }, role, latency, token, version, failure }
}

/// What the calls of a visit found out.
struct Entered {
    latency: Latency,
    version: ObservedVersion,
    /// The size of the session's token; `None` if the account was entered without a role.
    token_size: Option<TokenSize>,
}

/// A visit, or why it failed if that is known.
type EnterResult = Result<Entered, Option<(Stage, Failure)>>;

/// Makes the calls of a visit, with the retries of a visit, but simulates the Set instead of sending it.
async fn enter_and_read(
    aws: &Aws,
    run: &RunSettings,
    account: &Account,
    access: &AccessMethod,
    is_management: bool,
) -> (Check, EnterResult) {
    let failed = |what: &str, stage: Stage, failure: Failure| {
        let advice = hint(Outcome::Failed, stage, &failure, access, is_management, account.attributes.invited);
        (Check::failure(Subject::Account, format!("{what}: {failure}"), advice), Err(Some((stage, failure))))
    };
    let attempts = run.max_attempts;
    let started = Instant::now();
    let session = match retry(attempts, async || aws.open_session(account.id, access).await).await {
        Ok(answer) => answer.value,
        Err(failure) => return failed("can't be entered", Stage::Assume, failure),
    };
    let enter = started.elapsed();
    let version = match retry(attempts, async || aws.read_version(&session).await).await {
        Ok(answer) => answer.value,
        Err(failure) => return failed("entered, but can't be read", Stage::Read, failure),
    };
    let latency = Latency { enter, read: started.elapsed().saturating_sub(enter) };
    let found = match version {
        ObservedVersion::Unknown => "entered and read: its version is not shown".to_owned(),
        ObservedVersion::V1Token | ObservedVersion::V2Token => format!("entered and read: {version}"),
    };
    let check = match access {
        AccessMethod::Root(_) => Check::ok(Subject::Account, format!("{found}; it can only be read by this way in")),
        AccessMethod::Own => Check::ok(Subject::Account, format!("{found}; with the caller's own credentials")),
        AccessMethod::Role(arn) => {
            let action = Operation::SetSecurityTokenServicePreferences;
            let simulated =
                retry(attempts, async || aws.simulate_action(&session, &arn.to_string(), action).await).await;
            let check = may_set(simulated, &found);
            match run.session_policy {
                PolicyChoice::Document(_) if check.status == Status::Ok => Check::warning(
                    Subject::Account,
                    format!(
                        "{} by the role's policies, but --session-policy was no part of the simulation",
                        check.message
                    ),
                    format!("check that it allows {}", action.action()),
                ),
                PolicyChoice::Document(_) | PolicyChoice::Scoped | PolicyChoice::None => check,
            }
        }
    };
    (check, Ok(Entered { latency, version, token_size: aws.token_size(&session) }))
}

fn may_set(simulated: Result<Answer<SimulationResult>, Failure>, found: &str) -> Check {
    let action = Operation::SetSecurityTokenServicePreferences.action();
    let cannot = |message: &str, advice: String| {
        Check::failure(Subject::Account, format!("{found}, but it could not be set: {message}"), advice)
    };
    match simulated.map(|answer| answer.value) {
        Ok(SimulationResult::Allowed) => Check::ok(Subject::Account, format!("{found}; it may be set")),
        Ok(SimulationResult::NotAllowed) => {
            cannot("no policy of the role allows it", format!("allow {action} to the role"))
        }
        Ok(SimulationResult::Denied) => {
            cannot("a policy of the role denies it", format!("lift the denial of {action}"))
        }
        Ok(SimulationResult::DeniedByOrganization) => cannot(
            "a service control policy of the Organization does not allow it",
            "exempt the role there, or lift the policy for the rollout".to_owned(),
        ),
        Ok(SimulationResult::Other(decision)) => Check::warning(
            Subject::Account,
            format!("{found}; whether it may be set is not known: the simulation says {decision}"),
            format!("check that {action} is allowed to the role"),
        ),
        Err(failure) => Check::warning(
            Subject::Account,
            format!("{found}; whether it may be set was not simulated: {failure}"),
            format!("allow iam:SimulatePrincipalPolicy to the role, or check by hand that {action} is allowed to it"),
        ),
    }
}
