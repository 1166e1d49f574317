//! Owns centralised root access: short, read-only sessions of the root users of members.

use std::sync::Arc;

use crate::account::TokenVersion;
use crate::account_id::AccountId;
use crate::answer::{ApiError, Document};
use crate::constraint;
use crate::credentials::{Identity, Principal};
use crate::dispatch::{Context, Outcome};
use crate::fault::VisitCall;
use crate::policy::SessionPolicy;
use crate::world::World;

impl World {
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
        let seconds = constraint::duration(context.params, 1, 900, 900)?;
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
            mfa: false,
            source_identity: None,
            token: TokenVersion::V2,
        };
        let document = Document::Result(self.issue(principal, seconds));
        Ok(self.distort(index, VisitCall::Assume, document))
    }
}
