//! Processes a request: authentication, limits, random faults, the operation and the counters.

use crate::account_id::AccountId;
use crate::answer::{self, Answer, ApiError, Delivery, Document, Refusal, Reply};
use crate::auth::Authenticated;
use crate::credentials::Identity;
use crate::fault::{VisitCall, fire};
use crate::network::{NoiseKind, Service};
use crate::request::{Call, Operation, Params};
use crate::sigv4::Signable;
use crate::spoiled::Spoiling;
use crate::version::TokenVersion;
use crate::world::World;

/// The caller and the parameters of an operation.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub caller: Authenticated,
    pub params: &'a Params,
}

/// The result of an operation.
pub(crate) type Outcome = Result<Reply, Refusal>;

impl World {
    /// Answers a request. All changes of the world happen here, in one step.
    pub(crate) fn answer(&mut self, call: &Call, signable: &Signable<'_>) -> Answer {
        let request_id = self.next_id();
        let Some(operation) = call.operation else {
            return answer::failure(call.service, &unknown_operation(call), request_id);
        };
        self.arrive(operation);
        let mut noise = None;
        let mut slow = std::time::Duration::ZERO;
        let mut about = None;
        let mut spoiled = None;
        let authenticated = if operation == Operation::AssumeRoleWithWebIdentity {
            Ok(self.anonymous())
        } else {
            self.authenticate(call.service, signable)
        };
        let outcome = authenticated.map_err(Refusal::from).and_then(|caller| {
            self.count_caller(operation, &caller);
            let target = self.attribute(operation, &caller, &call.params);
            about = target;
            slow = target.map(|index| self.account(index).faults.slow).unwrap_or_default();
            if self.settings.is_global_sts(&caller.region) {
                slow += target.map(|index| self.account(index).faults.global.slow).unwrap_or_default();
            }
            if !self.limits.admit(operation, self.now()) {
                return Err(ApiError::throttled(call.service).into());
            }
            noise = self.roll(call.service);
            self.before(call, noise)?;
            spoiled = self.spoiling(operation, target.map(|index| self.account(index).id()));
            if spoiled.as_ref().is_some_and(|spoiled| !spoiled.takes_effect) {
                // Any document will do, because it is replaced.
                return Ok(Document::Nothing.into());
            }
            self.perform(operation, &Context { caller, params: &call.params })
        });
        let mut answer = self.finish(operation, outcome, request_id);
        if !slow.is_zero() {
            self.note("slow");
            answer.delay += slow;
        }
        answer.date = self.date_header();
        let is_foreign = matches!(noise, Some(NoiseKind::Foreign | NoiseKind::Empty))
            || spoiled.as_ref().is_some_and(|spoiled| matches!(spoiled.with, Spoiling::Foreign { .. }));
        if let Some(spoiled) = spoiled {
            spoiled.with.apply(operation, signable, &mut answer);
        }
        self.after(operation, noise, &mut answer);
        // An answer of another server tells the client nothing about the account.
        if !is_foreign {
            self.update_knowledge(about, operation, &answer);
        }
        answer
    }

    fn arrive(&mut self, operation: Operation) {
        self.tally(operation).requests += 1;
        if operation == Operation::AssumeRole {
            let now = self.now_ms();
            self.assume_arrivals.push(now);
        }
    }

    /// Counts the call for its caller.
    fn count_caller(&mut self, operation: Operation, caller: &Authenticated) {
        let who = match &caller.principal.identity {
            Identity::Operator(_) => "user/operator".to_owned(),
            Identity::Role { role, .. } => format!("role/{role}"),
            Identity::Root => "root".to_owned(),
            Identity::Anonymous => "anonymous".to_owned(),
        };
        *self.callers.entry(who).or_default().entry(operation).or_default() += 1;
    }

    /// Finds the account that a request is about, and counts the call for this account even if the call fails later.
    fn attribute(&mut self, operation: Operation, caller: &Authenticated, params: &Params) -> Option<u32> {
        let index = match operation {
            Operation::AssumeRole => params
                .text("RoleArn")
                .and_then(|arn| arn.split(':').nth(4))
                .and_then(AccountId::parse)
                .and_then(|id| self.index(id)),
            Operation::AssumeRoot => {
                params.text("TargetPrincipal").and_then(AccountId::parse).and_then(|id| self.index(id))
            }
            Operation::GetCallerIdentity
            | Operation::GetAccountSummary
            | Operation::SimulatePrincipalPolicy
            | Operation::LookupEvents
            | Operation::SetSecurityTokenServicePreferences => Some(caller.principal.account),
            _ => None,
        }?;
        let now = self.now_ms();
        let version = params.text("GlobalEndpointTokenVersion").and_then(TokenVersion::from_wire);
        let is_global = self.settings.is_global_sts(&caller.region);
        let account = self.at(index);
        let id = account.id();
        let calls = &mut account.history.calls;
        match operation {
            Operation::AssumeRole => {
                calls.assume_role += 1;
                calls.global_assume_role += u32::from(is_global);
            }
            Operation::AssumeRoot => calls.assume_root += 1,
            Operation::GetCallerIdentity => calls.get_caller_identity += 1,
            Operation::GetAccountSummary => calls.get_account_summary += 1,
            Operation::SimulatePrincipalPolicy => calls.simulate_principal_policy += 1,
            Operation::LookupEvents => calls.lookup_events += 1,
            _ => {
                calls.set_preferences += 1;
                account.history.tracker.set_sent(version);
                self.set_arrivals.push((id, now));
            }
        }
        Some(index)
    }

    /// Applies the random faults that prevent a request's effect.
    fn before(&mut self, call: &Call, noise: Option<NoiseKind>) -> Result<(), Refusal> {
        let (name, refusal) = match noise {
            Some(NoiseKind::Status500) => ("noise_500", ApiError::internal(call.service).into()),
            Some(NoiseKind::Status503) => ("noise_503", ApiError::unavailable(call.service).into()),
            Some(NoiseKind::Throttle) => ("noise_throttle", ApiError::throttled(call.service).into()),
            Some(NoiseKind::ResetBefore) => ("noise_reset_before", Refusal::Silence(Delivery::Reset)),
            Some(NoiseKind::Hang) => ("noise_hang", Refusal::Silence(Delivery::Hang)),
            Some(
                NoiseKind::ResetAfter
                | NoiseKind::Truncated
                | NoiseKind::Foreign
                | NoiseKind::Empty
                | NoiseKind::Slow(_),
            )
            | None => return Ok(()),
        };
        self.note(name);
        Err(refusal)
    }

    /// Applies the random faults that spoil an answer.
    fn after(&mut self, operation: Operation, noise: Option<NoiseKind>, answer: &mut Answer) {
        // A fault of the account that already spoils the answer takes precedence.
        if answer.delivery != Delivery::Whole {
            return;
        }
        match noise {
            Some(NoiseKind::ResetAfter) => {
                self.note("noise_reset_after");
                answer.delivery = Delivery::Reset;
            }
            Some(NoiseKind::Truncated) => {
                self.note("noise_truncated");
                answer.delivery = Delivery::Truncated;
            }
            Some(NoiseKind::Foreign) => {
                self.note("noise_foreign");
                (answer.status, answer.content_type, answer.error_type) = (403, "text/html", None);
                "<html><body>403 Forbidden</body></html>".clone_into(&mut answer.body);
            }
            Some(NoiseKind::Empty) => {
                self.note("noise_empty");
                answer.status = 200;
                answer.body =
                    if matches!(operation.service(), Service::Organizations | Service::CloudTrail | Service::Account) {
                        "{}".to_owned()
                    } else {
                        String::new()
                    };
            }
            Some(NoiseKind::Slow(delay)) => {
                self.note("noise_slow");
                answer.delay += delay;
                return;
            }
            _ => return,
        }
        self.tally(operation).broken += 1;
    }

    fn perform(&mut self, operation: Operation, context: &Context<'_>) -> Outcome {
        self.check_permissions(operation, context)?;
        match operation {
            Operation::AssumeRole => self.assume_role(context),
            Operation::AssumeRoleWithWebIdentity => self.assume_role_with_web_identity(context),
            Operation::AssumeRoot => self.assume_root(context),
            Operation::GetCallerIdentity => Ok(self.get_caller_identity(context)),
            Operation::GetSessionToken => self.get_session_token(context),
            Operation::GetAccountSummary => self.get_account_summary(context),
            Operation::ListOrganizationsFeatures => self.list_organizations_features(context),
            Operation::SimulatePrincipalPolicy => self.simulate_principal_policy(context),
            Operation::SetSecurityTokenServicePreferences => self.set_preferences(context),
            Operation::GetRequestAuthorizationDetails => self.get_request_authorization_details(context),
            Operation::LookupEvents => self.lookup_events(context),
            Operation::ListRegions => self.list_regions(context),
            listing => Ok(Document::Json(self.organizations(listing, context)?).into()),
        }
    }

    fn finish(&mut self, operation: Operation, outcome: Outcome, request_id: String) -> Answer {
        let service = operation.service();
        let tally = self.tally(operation);
        match outcome {
            Ok(reply) => {
                tally.succeeded += 1;
                tally.broken += u64::from(reply.delivery != Delivery::Whole);
                answer::success(service, operation.name(), reply, request_id)
            }
            Err(Refusal::Error(error)) => {
                *tally.errors.entry(error.code).or_default() += 1;
                answer::failure(service, &error, request_id)
            }
            Err(Refusal::Silence(delivery)) => {
                tally.broken += 1;
                answer::silence(delivery)
            }
        }
    }

    /// Applies an account's counted faults that prevent a call's effect.
    pub(crate) fn fire_transient_fault(&mut self, index: u32, call: VisitCall) -> Result<(), Refusal> {
        let service = match call {
            VisitCall::Assume => crate::network::Service::Sts,
            VisitCall::Read | VisitCall::Set => crate::network::Service::Iam,
        };
        let account = self.at(index);
        let faults = &mut account.faults;
        let (name, refusal) = if faults.hang.fire(call) {
            ("hang", Refusal::Silence(Delivery::Hang))
        } else if faults.status_500.fire(call) {
            ("status_500", ApiError::internal(service).into())
        } else if faults.status_503.fire(call) {
            ("status_503", ApiError::unavailable(service).into())
        } else if faults.reset_before.fire(call) {
            ("reset_before", Refusal::Silence(Delivery::Reset))
        } else if faults.throttle.fire(call) {
            ("throttle", ApiError::throttled(service).into())
        } else if call != VisitCall::Assume && faults.expired_session.fire(call) {
            ("expired_session", ApiError::expired(service).into())
        } else {
            return Ok(());
        };
        account.note(name);
        Err(refusal)
    }

    /// Applies an account's counted faults that spoil the answer after the call's effect.
    pub(crate) fn spoil_answer(&mut self, index: u32, call: VisitCall, is_global: bool, document: Document) -> Reply {
        let account = self.at(index);
        if is_global && fire(&mut account.faults.global.garbage) {
            account.note("global_garbage");
            return garbage(document).into();
        }
        if account.faults.garbage.fire(call) {
            account.note("garbage");
            return garbage(document).into();
        }
        if account.faults.reset_after.fire(call) {
            account.note("reset_after");
            return Reply { document, delivery: Delivery::Reset };
        }
        if account.faults.truncated.fire(call) {
            account.note("truncated");
            return Reply { document, delivery: Delivery::Truncated };
        }
        document.into()
    }
}

/// Returns a body that can't be parsed. It still contains the result, including credentials, because a client might quote such an
/// answer in an error message.
fn garbage(document: Document) -> Document {
    let body = match document {
        Document::Result(result) => format!("<Unexpected>{result}").into(),
        _ => "}{ not a document".into(),
    };
    Document::Foreign { content_type: "text/xml", body }
}

fn unknown_operation(call: &Call) -> ApiError {
    if matches!(call.service, Service::Organizations | Service::CloudTrail | Service::Account) {
        return ApiError::new(400, "UnknownOperationException", "");
    }
    ApiError::new(
        400,
        "InvalidAction",
        format!(
            "Could not find operation {} for version {}",
            call.params.text("Action").unwrap_or_default(),
            call.params.text("Version").unwrap_or_default()
        ),
    )
}
