//! The IAM operations `GetAccountSummary` and `SetSecurityTokenServicePreferences`.

use std::fmt::Write as _;

use crate::answer::{ApiError, Delivery, Document, Refusal, Reply};
use crate::credentials::{Identity, Login, Principal};
use crate::dispatch::{Context, Outcome};
use crate::fault::{VisitCall, fire};
use crate::version::TokenVersion;
use crate::world::World;

/// The entries of a new account's summary, without `GlobalEndpointTokenVersion`.
const SUMMARY: &[(&str, u32)] = &[
    ("GroupPolicySizeQuota", 5_120),
    ("InstanceProfilesQuota", 1_000),
    ("Policies", 3),
    ("GroupsPerUserQuota", 10),
    ("InstanceProfiles", 1),
    ("AttachedPoliciesPerUserQuota", 10),
    ("Users", 0),
    ("PoliciesQuota", 1_500),
    ("Providers", 1),
    ("AccountMFAEnabled", 1),
    ("AccessKeysPerUserQuota", 2),
    ("AssumeRolePolicySizeQuota", 2_048),
    ("PolicyVersionsInUseQuota", 10_000),
    ("VersionsPerPolicyQuota", 5),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("PolicySizeQuota", 6_144),
    ("Groups", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("UsersQuota", 5_000),
    ("ServerCertificatesQuota", 20),
    ("MFADevices", 0),
    ("UserPolicySizeQuota", 2_048),
    ("PolicyVersionsInUse", 9),
    ("ServerCertificates", 0),
    ("Roles", 14),
    ("RolesQuota", 1_000),
    ("SigningCertificatesPerUserQuota", 2),
    ("MFADevicesInUse", 0),
    ("RolePolicySizeQuota", 10_240),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AccountAccessKeysPresent", 0),
    ("AccountPasswordPresent", 1),
    ("GroupsQuota", 300),
];

/// The page that a captive portal or a proxy sends instead of the service's answer.
const PORTAL: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Welcome to the guest network</h1><form action=\"/login\"></form></body></html>";

pub(crate) const READ: &str = "iam:GetAccountSummary";
pub(crate) const SET: &str = "iam:SetSecurityTokenServicePreferences";

impl World {
    pub(crate) fn get_account_summary(&mut self, context: &Context<'_>) -> Outcome {
        let principal = &context.caller.principal;
        let index = principal.account;
        self.fire_transient_fault(index, VisitCall::Read)?;
        self.authorise(principal, READ)?;
        if self.account(index).faults.deny_read {
            self.at(index).note("deny_read");
            return Err(self.denied(principal, READ, &no_identity_policy(READ)).into());
        }
        let version = self.at(index).read();
        let reply = self.spoil_answer(index, VisitCall::Read, Document::Result(summary(version)));
        if let Document::Result(_) = reply.document {
            self.at(index).history.tracker.about_to_show(version);
        }
        Ok(reply)
    }

    pub(crate) fn set_preferences(&mut self, context: &Context<'_>) -> Outcome {
        let principal = &context.caller.principal;
        let index = principal.account;
        self.fire_transient_fault(index, VisitCall::Set)?;
        self.authorise(principal, SET)?;
        self.check_set_is_allowed(principal)?;
        let value = context.params.text("GlobalEndpointTokenVersion");
        let version = match value.map(|text| (text, TokenVersion::from_wire(text))) {
            Some((_, Some(version))) => version,
            Some((text, None)) => {
                return Err(ApiError::validation(format!(
                    "1 validation error detected: Value '{text}' at 'globalEndpointTokenVersion' failed to satisfy constraint: Member must satisfy enum value set: [v2Token, v1Token]"
                ))
                .into());
            }
            None => {
                return Err(ApiError::validation(
                    "1 validation error detected: Value null at 'globalEndpointTokenVersion' failed to satisfy constraint: Member must not be null".to_owned(),
                )
                .into());
            }
        };
        let account = self.at(index);
        if fire(&mut account.faults.dropped_sets) {
            account.note("dropped_set");
            return Err(Refusal::Silence(Delivery::Close));
        }
        if fire(&mut account.faults.captive_portal) {
            account.note("captive_portal");
            return Ok(Document::Foreign { content_type: "text/html", body: PORTAL.into() }.into());
        }
        account.apply(version);
        if fire(&mut account.faults.lost_acknowledgements) {
            account.note("lost_acknowledgement");
            return Ok(Reply { document: Document::Nothing, delivery: Delivery::Close });
        }
        Ok(self.spoil_answer(index, VisitCall::Set, Document::Nothing))
    }

    fn check_set_is_allowed(&mut self, principal: &Principal) -> Result<(), ApiError> {
        let index = principal.account;
        let faults = &self.account(index).faults;
        // Service control policies apply only to members.
        if faults.deny_set_by_scp && index != self.management() {
            self.at(index).note("deny_set_by_scp");
            let policy = format!(
                "with an explicit deny in a service control policy: arn:{}:organizations::{}:policy/{}/service_control_policy/p-examplescp1",
                self.settings.partition.name,
                self.account(self.management()).id(),
                crate::tree::ORGANIZATION_ID
            );
            return Err(self.denied(principal, SET, &policy));
        }
        if faults.deny_set_explicitly {
            self.at(index).note("deny_set_explicitly");
            return Err(self.denied(principal, SET, "with an explicit deny in an identity-based policy"));
        }
        if faults.deny_set {
            self.at(index).note("deny_set");
            return Err(self.denied(principal, SET, &no_identity_policy(SET)));
        }
        Ok(())
    }

    /// Enforces the session policy of `AssumeRole`, and refuses sessions of `GetSessionToken` without MFA, as IAM does.
    pub(crate) fn authorise(&mut self, principal: &Principal, action: &str) -> Result<(), ApiError> {
        if principal.identity == Identity::Operator(Login::SessionToken) && !principal.mfa {
            return Err(ApiError::new(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid",
            ));
        }
        if principal.policy.as_ref().is_none_or(|policy| policy.allows(action, "*")) {
            return Ok(());
        }
        self.at(principal.account).note("session_policy");
        Err(self.denied(principal, action, &format!("because no session policy allows the {action} action")))
    }

    /// Returns an `AccessDenied` error with an authorization id, which makes every message unique. Services with a JSON protocol have
    /// another code.
    pub(crate) fn denied(&mut self, principal: &Principal, action: &str, why: &str) -> ApiError {
        let authorization_id = self.next_id();
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: * {why} (Authorization ID: {authorization_id})",
            self.arn(principal)
        );
        match action.split(':').next() {
            Some("cloudtrail") => ApiError::new(400, "AccessDeniedException", message),
            Some("account") => ApiError::new(403, "AccessDeniedException", message),
            _ => ApiError::access_denied(message),
        }
    }
}

pub(crate) fn no_identity_policy(action: &str) -> String {
    format!("because no identity-based policy allows the {action} action")
}

fn summary(version: Option<TokenVersion>) -> String {
    let mut text = String::with_capacity(3_072);
    text.push_str("<SummaryMap>");
    let mut entry = |key: &str, value: u32| {
        write!(text, "<entry><key>{key}</key><value>{value}</value></entry>")
            .expect("writing to a string does not fail");
    };
    for (key, value) in SUMMARY {
        entry(key, *value);
    }
    if let Some(version) = version {
        entry("GlobalEndpointTokenVersion", u32::from(version.number()));
    }
    text.push_str("</SummaryMap>");
    text
}
