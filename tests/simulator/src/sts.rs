//! Owns STS: sessions for roles, for centralised root access and for the operator.

use std::sync::Arc;
use std::time::Duration;

use crate::account::TokenVersion;
use crate::account_id::AccountId;
use crate::answer::{ApiError, Document, Reply, escape};
use crate::clock;
use crate::credentials::{Credentials, Identity, Principal, Session};
use crate::dispatch::{Context, Outcome};
use crate::fault::VisitCall;
use crate::policy::SessionPolicy;
use crate::world::{Caller, World};

/// The longest session of a role assumed with another role's session, in seconds.
const CHAINED_LIMIT: i64 = 3_600;

impl World {
    /// The ARN that error messages and `GetCallerIdentity` show.
    pub(crate) fn arn(&self, principal: &Principal) -> String {
        let partition = self.settings.partition.name;
        let account = self.account(principal.account).id();
        match &principal.identity {
            Identity::Operator => format!("arn:{partition}:iam::{account}:user/operator"),
            Identity::Root => format!("arn:{partition}:iam::{account}:root"),
            Identity::Role { role, session } => format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}"),
        }
    }

    pub(crate) fn get_caller_identity(&self, context: &Context<'_>) -> Reply {
        let principal = &context.caller.principal;
        let account = self.account(principal.account).id();
        let user_id = match &principal.identity {
            Identity::Operator => format!("AIDASIM{account}XX"),
            Identity::Root => account.to_string(),
            Identity::Role { session, .. } => format!("{}:{session}", role_id(account)),
        };
        let arn = self.arn(principal);
        Document::Result(format!(
            "<Arn>{}</Arn><UserId>{}</UserId><Account>{account}</Account>",
            escape(&arn),
            escape(&user_id)
        ))
        .into()
    }

    pub(crate) fn get_session_token(&mut self, context: &Context<'_>) -> Outcome {
        let principal = &context.caller.principal;
        if principal.identity != Identity::Operator {
            return Err(
                ApiError::access_denied("Cannot call GetSessionToken with session credentials".to_owned()).into()
            );
        }
        let seconds = duration(context, 900, 129_600, 43_200)?;
        let credentials = self.issue(principal.clone(), seconds);
        Ok(Document::Result(credentials).into())
    }

    pub(crate) fn assume_role(&mut self, context: &Context<'_>) -> Outcome {
        let caller = &context.caller.principal;
        let arn = context.params.text("RoleArn").unwrap_or_default();
        let session_name = session_name(context)?;
        let seconds = duration(context, 900, 43_200, 3_600)?;
        let policy = context.params.text("Policy").map(|text| self.policy(text)).transpose()?;
        let (account, role) = self.parse_role(arn)?;
        let index = account.and_then(|id| self.index(id)).ok_or_else(|| self.assume_denied(caller, arn))?;
        self.transient(index, VisitCall::Assume)?;
        if self.account(index).faults.region_disabled && context.caller.region != self.settings.partition.always_on() {
            self.at(index).note("region_disabled");
            return Err(ApiError::new(
                403,
                "RegionDisabledException",
                format!("STS is not activated in this region for account:{}. Your account administrator can activate STS in this region using the IAM Console.", self.account(index).id()),
            )
            .into());
        }
        if self.account(index).faults.deny_assume {
            self.at(index).note("deny_assume");
            return Err(self.assume_denied(caller, arn).into());
        }
        if !self.role_trusts(index, role, caller, context.params.text("ExternalId")) {
            return Err(self.assume_denied(caller, arn).into());
        }
        if seconds > i64::from(self.account(index).role.max_duration) {
            return Err(ApiError::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
            )
            .into());
        }
        if matches!(caller.identity, Identity::Role { .. }) && seconds > CHAINED_LIMIT {
            return Err(ApiError::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
                    .to_owned(),
            )
            .into());
        }
        let document = self.open_role_session(index, role, session_name, policy, seconds, context);
        Ok(self.distort(index, VisitCall::Assume, document))
    }

    /// Issues the session, for the wrong account if the faults say so.
    fn open_role_session(
        &mut self,
        index: u32,
        role: &str,
        session_name: &str,
        policy: Option<Arc<SessionPolicy>>,
        seconds: i64,
        context: &Context<'_>,
    ) -> Document {
        let mut holder = index;
        if let Some(other) = self.account(index).faults.wrong_identity.and_then(|id| self.index(id)) {
            self.at(index).note("wrong_identity");
            holder = other;
        }
        let role_name = role.rsplit('/').next().unwrap_or(role);
        let identity = Identity::Role { role: self.vault.share(role_name), session: self.vault.share(session_name) };
        let packed = policy
            .as_ref()
            .and(context.params.text("Policy"))
            .map(|text| format!("<PackedPolicySize>{}</PackedPolicySize>", (text.len() / 20).clamp(1, 100)));
        let token = self.token_version(holder, &context.caller.region);
        let principal = Principal { account: holder, identity, policy, token };
        let user_arn = self.arn(&principal);
        let user_id = format!("{}:{session_name}", role_id(self.account(holder).id()));
        self.at(holder).ledger.sessions += 1;
        let credentials = self.issue(principal, seconds);
        self.vault.count_assume();
        let source = context
            .params
            .text("SourceIdentity")
            .map(|text| format!("<SourceIdentity>{}</SourceIdentity>", escape(text)));
        Document::Result(format!(
            "{credentials}<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>{}{}",
            escape(&user_id),
            escape(&user_arn),
            packed.unwrap_or_default(),
            source.unwrap_or_default()
        ))
    }

    pub(crate) fn assume_root(&mut self, context: &Context<'_>) -> Outcome {
        let caller = &context.caller.principal;
        let target = context.params.text("TargetPrincipal").unwrap_or_default();
        let denied = |world: &Self| {
            ApiError::access_denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRoot on resource: arn:{}:iam::{target}:root",
                world.arn(caller),
                world.settings.partition.name
            ))
        };
        let seconds = duration(context, 1, 900, 900)?;
        let index = AccountId::parse(target).and_then(|id| self.index(id)).ok_or_else(|| denied(self))?;
        self.transient(index, VisitCall::Assume)?;
        let task = context.params.text("TaskPolicyArn.arn").unwrap_or_default();
        let reachable = self.settings.root_access
            && self.may_list(caller.account)
            && index != self.management()
            && self.account(index).state.usable();
        if !reachable || !task.ends_with(":policy/root-task/IAMAuditRootUserCredentials") {
            return Err(denied(self).into());
        }
        self.at(index).ledger.sessions += 1;
        let principal = Principal {
            account: index,
            identity: Identity::Root,
            policy: Some(Arc::new(SessionPolicy::root_audit())),
            token: TokenVersion::V2,
        };
        let document = Document::Result(self.issue(principal, seconds));
        Ok(self.distort(index, VisitCall::Assume, document))
    }

    /// Everything a trust policy decides, and the state of the account. AWS does not say which of
    /// them was the reason.
    fn role_trusts(&self, index: u32, role: &str, caller: &Principal, external_id: Option<&str>) -> bool {
        let account = self.account(index);
        let trusted = match account.role.trusted {
            Some(id) => self.index(id) == Some(caller.account),
            None => self.may_list(caller.account),
        };
        account.state.usable()
            && account.role.exists
            && account.role.name == role
            && trusted
            && account.role.external_id.as_deref().is_none_or(|wanted| external_id == Some(wanted))
            && caller.policy.as_ref().is_none_or(|policy| policy.allows("sts:AssumeRole"))
    }

    /// Whether the operator can get a session in an account, counted faults aside.
    pub(crate) fn assumable(&self, index: u32) -> bool {
        let account = self.account(index);
        let operator = self.vault.operator();
        let external_id = account.role.external_id.as_deref();
        !account.faults.deny_assume
            && self.role_trusts(index, &account.role.name, &operator, external_id)
            && !matches!(self.settings.caller, Caller::Member(_))
    }

    fn assume_denied(&self, caller: &Principal, arn: &str) -> ApiError {
        ApiError::access_denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            self.arn(caller)
        ))
    }

    /// Takes `arn:<partition>:iam::<account>:role/<path and name>` apart.
    fn parse_role<'a>(&self, arn: &'a str) -> Result<(Option<AccountId>, &'a str), ApiError> {
        let mut parts = arn.splitn(6, ':');
        let head = [parts.next(), parts.next(), parts.next(), parts.next()];
        let account = parts.next().map(AccountId::parse);
        let role = parts.next().and_then(|resource| resource.strip_prefix("role/"));
        match (head, account, role) {
            ([Some("arn"), Some(partition), Some("iam"), Some("")], Some(account), Some(role))
                if partition == self.settings.partition.name && !role.is_empty() =>
            {
                Ok((account, role))
            }
            _ => Err(ApiError::validation(format!("{arn} is invalid"))),
        }
    }

    /// Reads a session policy, or finds it among those already read.
    fn policy(&mut self, text: &str) -> Result<Arc<SessionPolicy>, ApiError> {
        if let Some(policy) = self.policies.get(text) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(SessionPolicy::parse(text)?);
        if self.policies.len() < 1_024 {
            self.policies.insert(text.into(), Arc::clone(&policy));
        }
        Ok(policy)
    }

    /// Issues a session and writes its credentials.
    fn issue(&mut self, principal: Principal, seconds: i64) -> String {
        let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let expiration = clock::iso8601(self.epoch() + seconds);
        let session = Session { principal, expires: self.now() + lifetime };
        let Credentials { access_key_id, secret_access_key, session_token } = self.vault.issue(session);
        let session_token = session_token.unwrap_or_default();
        format!(
            "<Credentials><AccessKeyId>{access_key_id}</AccessKeyId><SecretAccessKey>{secret_access_key}</SecretAccessKey><SessionToken>{session_token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>"
        )
    }
}

fn role_id(account: AccountId) -> String {
    format!("AROASIM{account}XX")
}

fn session_name<'a>(context: &Context<'a>) -> Result<&'a str, ApiError> {
    let name = context.params.text("RoleSessionName").unwrap_or_default();
    let constraint = if name.chars().count() < 2 {
        "Member must have length greater than or equal to 2"
    } else if name.chars().count() > 64 {
        "Member must have length less than or equal to 64"
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
        r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
    } else {
        return Ok(name);
    };
    Err(ApiError::validation(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: {constraint}"
    )))
}

fn duration(context: &Context<'_>, least: i64, most: i64, default: i64) -> Result<i64, ApiError> {
    let constraint = |value: &str, text: String| {
        ApiError::validation(format!(
            "1 validation error detected: Value '{value}' at 'durationSeconds' failed to satisfy constraint: {text}"
        ))
    };
    match context.params.number("DurationSeconds") {
        None => Ok(default),
        Some(Err(text)) => Err(constraint(&text, "Member must be a number".to_owned())),
        Some(Ok(seconds)) if seconds < least => {
            Err(constraint(&seconds.to_string(), format!("Member must have value greater than or equal to {least}")))
        }
        Some(Ok(seconds)) if seconds > most => {
            Err(constraint(&seconds.to_string(), format!("Member must have value less than or equal to {most}")))
        }
        Some(Ok(seconds)) => Ok(seconds),
    }
}
