//! IAM Access Troubleshooter: remembers what denied each request, and tells it for the authorization id in the message.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::answer::{ApiError, Document};
use crate::credentials::Principal;
use crate::dispatch::{Context, Outcome};
use crate::fault::fire;
use crate::iam::SET;
use crate::request::AUTHORIZATION_ID;
use crate::secrets::{SECRET_MARKER, mix};
use crate::tree::{ORGANIZATION_ID, ROOT_ID};
use crate::world::World;

/// The id and the name of the service control policy that denies.
pub const DENYING_SCP: (&str, &str) = ("p-examplescp1", "DenySts");

/// The types of policies that can deny a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// An identity-based policy.
    IdentityBased,
    /// A permissions boundary.
    PermissionsBoundary,
    /// A resource-based policy.
    ResourceBased,
    /// A resource control policy.
    ResourceControl,
    /// A service control policy.
    ServiceControl,
    /// A session policy.
    Session,
    /// The policy of a VPC endpoint.
    VpcEndpoint,
}

impl PolicyType {
    /// All types.
    pub const ALL: [Self; 7] = [
        Self::IdentityBased,
        Self::PermissionsBoundary,
        Self::ResourceBased,
        Self::ResourceControl,
        Self::ServiceControl,
        Self::Session,
        Self::VpcEndpoint,
    ];

    /// The words in AWS's messages.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::IdentityBased => "identity-based policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::ResourceBased => "resource-based policy",
            Self::ResourceControl => "resource control policy",
            Self::ServiceControl => "service control policy",
            Self::Session => "session policy",
            Self::VpcEndpoint => "VPC endpoint policy",
        }
    }

    fn wire(self) -> String {
        match self {
            Self::PermissionsBoundary => "PERMISSIONS_BOUNDARY".to_owned(),
            other => other.words().to_ascii_uppercase().replace(['-', ' '], "_"),
        }
    }
}

/// What denies a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenyingPolicy {
    /// The type of the policy.
    pub policy_type: PolicyType,
    /// Whether a statement denies. If not, no statement allows.
    pub explicit: bool,
}

impl DenyingPolicy {
    /// A statement of such a policy denies.
    #[must_use]
    pub const fn explicit(policy_type: PolicyType) -> Self {
        Self { policy_type, explicit: true }
    }

    /// No statement of such a policy allows.
    #[must_use]
    pub const fn implicit(policy_type: PolicyType) -> Self {
        Self { policy_type, explicit: false }
    }

    /// The end of AWS's message.
    fn reason(self, action: &str) -> String {
        let words = self.policy_type.words();
        let article = if words.starts_with('i') { "an" } else { "a" };
        if self.explicit {
            format!("with an explicit deny in {article} {words}")
        } else {
            format!("because no {words} allows the {action} action")
        }
    }
}

/// Pages that never end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endless {
    /// The second page repeats the token of the first.
    SameToken,
    /// Each page has a new token.
    NewTokens,
}

/// How Access Troubleshooter behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubleshooter {
    /// How many questions about each id come before its details are written.
    pub late: u32,
    /// Whether each evaluation has a page of its own.
    pub paged: bool,
    /// Whether the pages never end.
    pub endless: Option<Endless>,
    /// Whether messages have no authorization id.
    pub without_ids: bool,
}

/// A request that was denied.
#[derive(Clone, Debug)]
pub(crate) struct DeniedRequest {
    account: u32,
    principal: String,
    action: String,
    by: DenyingPolicy,
    /// How many more questions come before the details are written.
    late: u32,
}

/// The denied requests, by authorization id.
pub(crate) type DeniedRequests = BTreeMap<String, DeniedRequest>;

impl World {
    /// Returns an `AccessDenied` error in AWS's form of 2026: with a link to the console and an authorization id, which makes every
    /// message unique.
    pub(crate) fn denied(&mut self, principal: &Principal, action: &str, by: DenyingPolicy) -> ApiError {
        let arn = self.arn(principal);
        let mut why = by.reason(action);
        if by == DenyingPolicy::explicit(PolicyType::ServiceControl) {
            why = format!("{why}: {}", self.policy_arn("service_control_policy", DENYING_SCP.0));
        }
        let mut message = format!("User: {arn} is not authorized to perform: {action} on resource: * {why}");
        if !self.troubleshooter.without_ids {
            let id = self.authorization_id();
            message.push_str(&format!(
                ". Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/{id} for \
                 complete details, or call the GetRequestAuthorizationDetails API with the following authorization id: {id}"
            ));
            let late = self.troubleshooter.late;
            let request =
                DeniedRequest { account: principal.account, principal: arn, action: action.to_owned(), by, late };
            self.denied_requests.insert(id, request);
        }
        // Services with a JSON protocol have another code.
        match action.split(':').next() {
            Some("cloudtrail") => ApiError::new(400, "AccessDeniedException", message),
            Some("account") => ApiError::new(403, "AccessDeniedException", message),
            _ => ApiError::access_denied(message),
        }
    }

    fn policy_arn(&self, kind: &str, id: &str) -> String {
        let (partition, management) = (self.settings.partition.name, self.account(self.management()).id());
        format!("arn:{partition}:organizations::{management}:policy/{ORGANIZATION_ID}/{kind}/{id}")
    }

    pub(crate) fn get_request_authorization_details(&mut self, context: &Context<'_>) -> Outcome {
        let id = context.params.text(AUTHORIZATION_ID).unwrap_or_default();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(ApiError::new(400, "ValidationException", "The authorization id is not valid.").into());
        }
        let not_found =
            || ApiError::new(404, "ResourceNotFoundException", "The authorization details could not be found.");
        let request = self.denied_requests.get_mut(id).ok_or_else(not_found)?;
        if fire(&mut request.late) {
            self.note("late_authorization_details");
            return Err(not_found().into());
        }
        let request = request.clone();
        let evaluations = self.evaluations(&request);
        let first = match context.params.text("nextToken") {
            None => 0,
            Some(token) => token
                .strip_prefix("page-")
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| ApiError::new(400, "ValidationException", "The pagination token is not valid."))?,
        };
        let paged = self.troubleshooter.paged || self.troubleshooter.endless.is_some();
        let end = if paged { (first + 1).min(evaluations.len()) } else { evaluations.len() };
        let mut document = json!({
            "requestContext": self.request_context(&request),
            "evaluations": evaluations.get(first..end).unwrap_or_default(),
            "policies": self.evaluated_policies(&request),
        });
        let next = match self.troubleshooter.endless {
            Some(Endless::SameToken) => Some(0),
            Some(Endless::NewTokens) => Some(first + 1),
            None => (end < evaluations.len()).then_some(end),
        };
        if let Some(next) = next {
            document["nextToken"] = format!("page-{next}").into();
        }
        Ok(Document::Json(document.to_string()).into())
    }

    /// What a client must not show. It has the marker of a secret, so that every test looks for it.
    fn request_context(&self, request: &DeniedRequest) -> Value {
        json!({
            "aws:PrincipalArn": request.principal,
            "aws:SourceIp": format!("192.0.2.1-{SECRET_MARKER}"),
            "aws:userid": format!("AROA{SECRET_MARKER}"),
            "aws:PrincipalOrgID": ORGANIZATION_ID,
            "aws:MultiFactorAuthPresent": false,
            "aws:CurrentTime": {"nested": [1, SECRET_MARKER]},
        })
    }

    /// The evaluations of a request: the denied action last, after one that is allowed.
    fn evaluations(&self, request: &DeniedRequest) -> Vec<Value> {
        let allowed = json!({"uri": ADMINISTRATOR, "matchedStatements": [{"evaluatedEffect": "ALLOW"}]});
        let mut matched = vec![allowed.clone()];
        if request.by.explicit {
            let statement = if request.action == SET { "NoIamSettings" } else { "NoReading" };
            let uri = self.denying_uri(request);
            let statements = json!([{"sid": statement, "evaluatedEffect": "DENY"}]);
            matched.push(json!({"uri": uri, "matchedStatements": statements}));
        }
        let effect = if request.by.explicit { "EXPLICIT_DENY" } else { "IMPLICIT_DENY" };
        let context = json!({"iam:ResourceTag/secret": SECRET_MARKER});
        vec![
            json!({"action": "iam:ListAccountAliases", "resource": "*", "evaluatedEffect": "ALLOW", "matchedPolicies": [allowed]}),
            json!({
                "action": request.action, "resource": "*", "context": context, "evaluatedEffect": effect,
                "matchedPolicies": matched,
            }),
        ]
    }

    /// The URI of the policy that denies.
    fn denying_uri(&self, request: &DeniedRequest) -> String {
        let (partition, id) = (self.settings.partition.name, self.account(request.account).id());
        match request.by.policy_type {
            PolicyType::ServiceControl => self.policy_arn("service_control_policy", DENYING_SCP.0),
            PolicyType::ResourceControl => self.policy_arn("resource_control_policy", "p-examplercp1"),
            PolicyType::PermissionsBoundary => format!("arn:{partition}:iam::{id}:policy/boundaries/Limits"),
            PolicyType::IdentityBased => format!("arn:{partition}:iam::{id}:policy/NoTokens"),
            // These have no ARN.
            PolicyType::ResourceBased | PolicyType::Session | PolicyType::VpcEndpoint => {
                format!("inline-{:x}", mix(request.by.policy_type as u64))
            }
        }
    }

    fn evaluated_policies(&self, request: &DeniedRequest) -> Vec<Value> {
        let (partition, account) = (self.settings.partition.name, self.account(request.account));
        let id = account.id();
        let role = format!("arn:{partition}:iam::{id}:role/{}", account.role.name);
        let unit = self.tree.unit(account.unit);
        let kind = if unit.id == ROOT_ID { "root" } else { "ou" };
        let management = self.account(self.management()).id();
        let unit = format!("arn:{partition}:organizations::{management}:{kind}/{ORGANIZATION_ID}/{}", unit.id);
        let attached = match request.by.policy_type {
            PolicyType::ServiceControl | PolicyType::ResourceControl => unit,
            PolicyType::IdentityBased | PolicyType::PermissionsBoundary => role.clone(),
            PolicyType::Session => request.principal.clone(),
            PolicyType::ResourceBased => format!("arn:{partition}:iam::{id}:root"),
            PolicyType::VpcEndpoint => format!("arn:{partition}:ec2:us-east-1:{id}:vpc-endpoint/vpce-0a1b2c3d4e5f"),
        };
        let uri = self.denying_uri(request);
        let inline = !uri.starts_with("arn:");
        vec![
            json!({"type": "IDENTITY_BASED_POLICY", "inline": false, "uri": ADMINISTRATOR, "attachedTo": [{"arn": role}]}),
            json!({
                "type": "SERVICE_CONTROL_POLICY", "inline": false,
                "uri": format!("arn:{partition}:organizations::aws:policy/service_control_policy/p-FullAWSAccess"),
                "attachedTo": [{"arn": format!("arn:{partition}:organizations::{management}:root/{ORGANIZATION_ID}/{ROOT_ID}")}],
            }),
            json!({
                "type": request.by.policy_type.wire(), "inline": inline, "uri": uri, "attachedTo": [{"arn": attached}],
            }),
        ]
    }

    /// Describes the one service control policy of the organization.
    pub(crate) fn describe_policy(&self, context: &Context<'_>) -> Result<String, ApiError> {
        let (id, name) = DENYING_SCP;
        if context.params.text("PolicyId") != Some(id) {
            return Err(ApiError::new(400, "PolicyNotFoundException", "You specified a policy that doesn't exist."));
        }
        let arn = self.policy_arn("service_control_policy", id);
        let summary = json!({"Id": id, "Arn": arn, "Name": name, "Description": "", "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": false});
        let content = format!(r#"{{"Statement": [{{"Sid": "{SECRET_MARKER}"}}]}}"#);
        Ok(json!({"Policy": {"PolicySummary": summary, "Content": content}}).to_string())
    }
}

/// The policy that allows everything.
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
