//! Centralized root access: whether the organization has enabled it, and `AssumeRoot`, which issues short, read-only sessions of
//! the root users of members.

use std::sync::Arc;

use crate::account_id::AccountId;
use crate::answer::{ApiError, Document};
use crate::constraint;
use crate::credentials::{Identity, Principal};
use crate::dispatch::{Context, Outcome};
use crate::fault::VisitCall;
use crate::policy::SessionPolicy;
use crate::token_size::V2_SIZE;
use crate::tree::ORGANIZATION_ID;
use crate::version::TokenVersion;
use crate::world::World;

/// The state of centralized root access in an organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RootAccess {
    /// The organization has consolidated billing only.
    NotAllFeatures,
    /// IAM is not a trusted service of the organization.
    NoTrustedAccess,
    /// IAM is a trusted service, but neither feature is enabled.
    #[default]
    Off,
    /// Both features are enabled: `RootCredentialsManagement` and `RootSessions`.
    On,
}

impl From<bool> for RootAccess {
    fn from(enabled: bool) -> Self {
        if enabled { Self::On } else { Self::Off }
    }
}

impl World {
    pub(crate) fn list_organizations_features(&mut self, context: &Context<'_>) -> Outcome {
        let caller = &context.caller.principal;
        self.authorise(caller, "iam:ListOrganizationsFeatures")?;
        let refused = |code, message: &'static str| Err(ApiError::new(400, code, message).into());
        if !self.may_list(caller.account) {
            return refused(
                "AccountNotManagementOrDelegatedAdministratorException",
                "The request was rejected because the account making the request is not the management account or delegated administrator account for centralized root access.",
            );
        }
        let features = match self.settings.root_access {
            RootAccess::NotAllFeatures => {
                return refused(
                    "OrganizationNotInAllFeaturesModeException",
                    "The request was rejected because your organization does not have All features enabled.",
                );
            }
            RootAccess::NoTrustedAccess => {
                return refused(
                    "ServiceAccessNotEnabledException",
                    "The request was rejected because trusted access is not enabled for IAM in AWS Organizations.",
                );
            }
            RootAccess::Off => "",
            RootAccess::On => "<member>RootCredentialsManagement</member><member>RootSessions</member>",
        };
        Ok(Document::Result(format!(
            "<OrganizationId>{ORGANIZATION_ID}</OrganizationId><EnabledFeatures>{features}</EnabledFeatures>"
        ))
        .into())
    }

    pub(crate) fn assume_root(&mut self, context: &Context<'_>) -> Outcome {
        let caller = &context.caller.principal;
        if self.settings.is_global_sts(&context.caller.region) {
            return Err(ApiError::new(
                400,
                "InvalidAction",
                "Could not find operation AssumeRoot for version 2011-06-15",
            )
            .into());
        }
        let target = context.params.text("TargetPrincipal").unwrap_or_default();
        let partition = self.settings.partition.name;
        let resource = format!("arn:{partition}:iam::{target}:root");
        let denied = |world: &Self| {
            ApiError::access_denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRoot on resource: {resource}",
                world.arn(caller)
            ))
        };
        let seconds = constraint::duration(context.params, 0, 900, 900)?;
        let index = AccountId::parse(target).and_then(|id| self.index(id)).ok_or_else(|| denied(self))?;
        self.fire_transient_fault(index, VisitCall::Assume)?;
        self.check_region_is_active(index, &context.caller.region)?;
        let is_audit = context.params.text("TaskPolicyArn.arn")
            == Some(&format!("arn:{partition}:iam::aws:policy/root-task/IAMAuditRootUserCredentials"));
        let reachable = self.settings.root_access == RootAccess::On
            && self.may_list(caller.account)
            && caller.policy.as_ref().is_none_or(|policy| policy.allows("sts:AssumeRoot", &resource))
            && index != self.management()
            && self.account(index).state.usable()
            && !self.account(index).faults.deny_assume;
        if !reachable || !is_audit {
            return Err(denied(self).into());
        }
        self.at(index).history.sessions += 1;
        let principal = Principal {
            account: index,
            identity: Identity::Root,
            policy: Some(Arc::new(SessionPolicy::root_audit())),
            mfa: false,
            source_identity: caller.source_identity.clone(),
            token: TokenVersion::V2,
        };
        let document = Document::Result(self.issue(principal, seconds, V2_SIZE));
        self.vault.count_assume();
        Ok(self.spoil_answer(index, VisitCall::Assume, false, document))
    }
}
