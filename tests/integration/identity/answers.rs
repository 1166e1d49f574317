//! The answers of the world: STS, IAM and Organizations for every access key, and the services that issue credentials.
//!
//! Each issued access key says where it comes from: `ASIA_INSTANCE`, `ASIA_SSO_Rollout`, `ASIA_Admin_by_AKIA_BASE`.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::world::Request;
use super::{secret_of, token_of};

/// The account of all access keys, which is the management account.
pub(super) const ACCOUNT: &str = "000000000100";
/// The other account of the Organization.
const MEMBER: &str = "000000000200";
/// The role that the rollout assumes in the member.
pub(super) const MEMBER_ROLE: &str = "OrganizationAccountAccessRole";
/// The access token of every login.
pub(super) const LOGIN: &str = "login-of-corp";

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

fn xml(status: u16, body: String) -> Answer {
    Answer { status, kind: "text/xml", body }
}

fn object(status: u16, body: &Value) -> Answer {
    Answer { status, kind: "application/json", body: body.to_string() }
}

fn text(status: u16, body: &str) -> Answer {
    Answer { status, kind: "text/plain", body: body.to_owned() }
}

/// Answers a request. The moods of a row are:
/// `imdsv1` (an instance that knows no tokens), `no-instance`, `no-container`, `no-portal`, `throttled` (IAM).
pub(super) fn to(request: &Request, moods: &[String]) -> Answer {
    let is = |mood: &str| moods.iter().any(|known| known == mood);
    if request.header("x-amz-target").is_some() {
        return organizations(request);
    }
    if let Some(action) = request.parameter("Action") {
        return query_api(request, &action, is("throttled"));
    }
    match (request.method.as_str(), request.path.as_str()) {
        (_, path) if path.starts_with("/latest/") => {
            if is("no-instance") {
                text(404, "")
            } else {
                instance(request, is("imdsv1"))
            }
        }
        ("GET", "/container") if is("no-container") => text(403, "refused"),
        ("GET", "/container") => object(200, &fetched("ASIA_CONTAINER")),
        ("GET", "/container/secured") => match request.header("authorization") {
            Some("container-token") => object(200, &fetched("ASIA_SECURED_CONTAINER")),
            _ => text(401, "refused"),
        },
        ("GET", "/federation/credentials") => {
            let is_login = request.header("x-amz-sso_bearer_token") == Some(LOGIN);
            if is_login && !is("no-portal") { portal(request) } else { object(401, &json!({"message": "no session"})) }
        }
        ("POST", "/token") => object(200, &json!({"accessToken": LOGIN, "tokenType": "Bearer", "expiresIn": 28_800})),
        _ => text(404, ""),
    }
}

/// An hour from now.
pub(super) fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_hours(1)
}

pub(super) fn written(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Credentials in the form that containers and instances share.
fn fetched(key: &str) -> Value {
    json!({
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": "2026-11-22T00:00:00Z",
        "AccessKeyId": key,
        "SecretAccessKey": secret_of(key),
        "Token": token_of(key),
        "Expiration": written(soon()),
    })
}

fn instance(request: &Request, is_old: bool) -> Answer {
    if request.path == "/latest/api/token" {
        return if is_old { text(404, "") } else { text(200, "metadata-token") };
    }
    if !is_old && request.header("x-aws-ec2-metadata-token") != Some("metadata-token") {
        return text(401, "");
    }
    match request.path.as_str() {
        "/latest/meta-data/placement/region" => text(200, "ap-southeast-2"),
        "/latest/meta-data/placement/availability-zone/" => text(200, "ap-southeast-2a"),
        "/latest/meta-data/iam/security-credentials/" => text(200, "rollout"),
        "/latest/meta-data/iam/security-credentials/rollout" => object(200, &fetched("ASIA_INSTANCE")),
        _ => text(404, ""),
    }
}

fn portal(request: &Request) -> Answer {
    let key = format!("ASIA_SSO_{}", request.parameter("role_name").unwrap_or_default());
    let expires = soon().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_millis();
    object(
        200,
        &json!({ "roleCredentials": {
            "accessKeyId": key,
            "secretAccessKey": secret_of(&key),
            "sessionToken": token_of(&key),
            "expiration": u64::try_from(expires).expect("milliseconds of this century"),
        } }),
    )
}

fn query_api(request: &Request, action: &str, is_throttled: bool) -> Answer {
    let is_iam = action == "GetAccountSummary";
    if action != "AssumeRoleWithWebIdentity" {
        let Some(signature) = &request.signature else {
            return refusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
        };
        if !signature.is_valid {
            return refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match");
        }
        let is_session = signature.key.starts_with("ASIA");
        let token = request.header("x-amz-security-token");
        if token.is_some() != is_session || token.is_some_and(|token| token != token_of(&signature.key)) {
            return refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid");
        }
    }
    if is_throttled && is_iam {
        return refusal(400, "Throttling", "Rate exceeded");
    }
    let key = request.signature.as_ref().map(|signature| signature.key.clone()).unwrap_or_default();
    let parameter = |name: &str| request.parameter(name).unwrap_or_default();
    let result = match action {
        "GetCallerIdentity" => {
            let account = if key.contains(MEMBER_ROLE) { MEMBER } else { ACCOUNT };
            let arn = arn(request, &key);
            format!("<UserId>AIDA</UserId><Account>{account}</Account><Arn>{arn}</Arn>")
        }
        "AssumeRole" | "AssumeRoleWithWebIdentity" => {
            let (role, session) = (parameter("RoleArn"), parameter("RoleSessionName"));
            // A line end in the token is visible in the access key.
            let by = if key.is_empty() { parameter("WebIdentityToken").replace('\n', "_LF") } else { key };
            let issued = format!("ASIA_{}_by_{by}", role.rsplit('/').next().unwrap_or_default());
            let assumed = role.replacen(":iam:", ":sts:", 1).replacen(":role/", ":assumed-role/", 1);
            format!(
                "{}<AssumedRoleUser><AssumedRoleId>AROA:{session}</AssumedRoleId><Arn>{assumed}/{session}</Arn></AssumedRoleUser>",
                issue(&issued)
            )
        }
        "GetSessionToken" => issue(&format!("ASIA_SESSION_by_{key}")),
        "GetAccountSummary" => {
            "<SummaryMap><entry><key>GlobalEndpointTokenVersion</key><value>2</value></entry></SummaryMap>".to_owned()
        }
        _ => return refusal(400, "InvalidAction", "There is no such operation"),
    };
    xml(
        200,
        format!(
            "<{action}Response><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>85cb9b90</RequestId>\
             </ResponseMetadata></{action}Response>"
        ),
    )
}

fn issue(key: &str) -> String {
    format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{}</Expiration></Credentials>",
        secret_of(key),
        token_of(key),
        written(soon())
    )
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    xml(
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>85cb9b90</RequestId></ErrorResponse>"
        ),
    )
}

/// The identity of an access key, in the partition of the request's Region.
fn arn(request: &Request, key: &str) -> String {
    let partition = partition(request);
    if key.contains(MEMBER_ROLE) {
        return format!("arn:{partition}:sts::{MEMBER}:assumed-role/{MEMBER_ROLE}/session");
    }
    match key.strip_prefix("ASIA_") {
        Some(role) => format!("arn:{partition}:sts::{ACCOUNT}:assumed-role/{role}/session"),
        None => format!("arn:{partition}:iam::{ACCOUNT}:user/{}", key.trim_start_matches("AKIA_")),
    }
}

fn partition(request: &Request) -> &'static str {
    match request.signature.as_ref().map_or("", |signature| signature.region.as_str()) {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("eusc-") => "aws-eusc",
        region if region.starts_with("us-iso-") => "aws-iso",
        _ => "aws",
    }
}

fn organizations(request: &Request) -> Answer {
    let of = |resource: &str| format!("arn:{}:organizations::{ACCOUNT}:{resource}", partition(request));
    let account = |id: &str| {
        json!({
            "Id": id,
            "Arn": of(&format!("account/o-exampleorg1/{id}")),
            "Email": format!("{id}@example.com"),
            "Name": id,
            "Status": "ACTIVE",
            "State": "ACTIVE",
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": 1_600_000_000.0,
            "Paths": [format!("o-exampleorg1/r-exam/{id}/")],
        })
    };
    let body = match request.operation().as_str() {
        "DescribeOrganization" => json!({ "Organization": {
            "Id": "o-exampleorg1",
            "Arn": of("organization/o-exampleorg1"),
            "FeatureSet": "ALL",
            "MasterAccountArn": of(&format!("account/o-exampleorg1/{ACCOUNT}")),
            "MasterAccountId": ACCOUNT,
            "MasterAccountEmail": "management@example.com",
        } }),
        "ListAccounts" => json!({ "Accounts": [account(ACCOUNT), account(MEMBER)] }),
        "ListRoots" => json!({ "Roots": [{ "Id": "r-exam", "Arn": of("root/o-exampleorg1/r-exam"), "Name": "Root" }] }),
        _ => return object(400, &json!({ "__type": "AccessDeniedException", "Message": "not in this world" })),
    };
    Answer { status: 200, kind: "application/x-amz-json-1.1", body: body.to_string() }
}
