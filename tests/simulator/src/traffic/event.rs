//! Makes the CloudTrail event of one call, as it is recorded in one of the call's accounts.

use serde_json::{Value, json};

use super::Side;
use super::clients::{Client, Endpoint, GlobalForm, HEARTBEAT, Who};
use crate::clock::iso8601;
use crate::secrets::{SECRET_MARKER, mix};

/// The sizes of session tokens of the global endpoint at version 1, and of all others.
const V1_SIZE: usize = 352;
const V2_SIZE: usize = 752;

/// An event of an account's trail.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// In seconds since 1970.
    pub time: i64,
    pub id: String,
    pub name: &'static str,
    /// The Region whose trail and history have the event.
    pub region: &'static str,
    pub read_only: bool,
    /// The event as CloudTrail writes it.
    pub json: String,
}

/// Makes an event. `long` says whether the global endpoint issues tokens of version 2.
pub(super) fn make(client: &Client, side: Side, call: u64, time: i64, long: bool) -> Event {
    let of_call = mix(client.seed ^ mix(call));
    let id = uuid(mix(of_call ^ side as u64));
    let region = match client.endpoint {
        Endpoint::Global(_) => "us-east-1",
        Endpoint::Regional(region) => region,
    };
    let document = document(client, side, of_call, time, long, &id, region);
    let read_only = client.operation.starts_with("Describe") || client.operation.starts_with("Get");
    Event { time, id, name: client.operation, region, read_only, json: document.to_string() }
}

fn document(client: &Client, side: Side, of_call: u64, time: i64, long: bool, id: &str, region: &str) -> Value {
    let recipient = match (side, client.other) {
        (Side::Role, Some((_, other))) => other,
        _ => client.home.1,
    };
    let is_heartbeat = client.operation == HEARTBEAT;
    let mut event = json!({
        "eventVersion": if is_new(client) { "1.11" } else { "1.08" },
        "userIdentity": identity(client, side, of_call),
        "eventTime": iso8601(time),
        "eventSource": if is_heartbeat { "ec2.amazonaws.com" } else { "sts.amazonaws.com" },
        "eventName": client.operation,
        "awsRegion": if client.endpoint == Endpoint::Global(GlobalForm::Region) { "global" } else { region },
        "sourceIPAddress": format!("203.0.113.{}", of_call % 250),
        "userAgent": client.agent,
        "requestParameters": request(client),
        "responseElements": Value::Null,
        "requestID": uuid(of_call ^ 1),
        "eventID": id,
        "readOnly": client.operation.starts_with("Describe") || client.operation.starts_with("Get"),
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": recipient.to_string(),
        "eventCategory": "Management",
    });
    if let Who::Service(service) = client.who {
        event["sourceIPAddress"] = service.into();
        event["userAgent"] = service.into();
    } else {
        event["tlsDetails"] = json!({
            "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host(client.endpoint, is_heartbeat),
        });
    }
    if client.denied {
        event["errorCode"] = "AccessDenied".into();
        event["errorMessage"] = format!("User: {} is not authorized", client.principal().unwrap_or_default()).into();
    } else if !is_heartbeat && client.operation != "GetCallerIdentity" {
        event["responseElements"] = answer(client, of_call, time, long);
    }
    if is_new(client) && !is_heartbeat {
        let (kind, serving) = match client.endpoint {
            Endpoint::Global(_) => ("global", "eu-north-1"),
            Endpoint::Regional(region) => ("regional", region),
        };
        event["additionalEventData"] =
            json!({ "RequestDetails": { "endpointType": kind, "awsServingRegion": serving } });
    }
    if client.other.is_some() && !client.denied {
        event["sharedEventID"] = uuid(of_call ^ 2).into();
    }
    event
}

/// Whether the client's events are of the form of 2025.
fn is_new(client: &Client) -> bool {
    matches!(client.endpoint, Endpoint::Global(GlobalForm::EndpointType) | Endpoint::Regional(_))
}

fn host(endpoint: Endpoint, is_heartbeat: bool) -> String {
    match endpoint {
        Endpoint::Regional(region) if is_heartbeat => format!("ec2.{region}.amazonaws.com"),
        Endpoint::Regional(region) => format!("sts.{region}.amazonaws.com"),
        Endpoint::Global(GlobalForm::RegionalHost) => "sts-global.eu-north-1.amazonaws.com".to_owned(),
        Endpoint::Global(_) => "sts.amazonaws.com".to_owned(),
    }
}

fn identity(client: &Client, side: Side, of_call: u64) -> Value {
    let account = client.home.1.to_string();
    let principal = client.principal().unwrap_or_default();
    if side == Side::Role {
        // The role's account does not learn the caller's ARN.
        return json!({ "type": "AWSAccount", "principalId": "AROASIMULATEDCALLER00:session", "accountId": account });
    }
    match client.who {
        Who::Role => {
            let session = format!("i-{:017x}", of_call >> 4);
            let name = principal.rsplit('/').next().unwrap_or_default();
            json!({
                "type": "AssumedRole", "principalId": format!("AROASIMULATEDROLE0000:{session}"),
                "arn": format!("arn:{}:sts::{account}:assumed-role/{name}/{session}", client.partition),
                "accountId": account, "accessKeyId": key_id(of_call ^ 3),
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role", "principalId": "AROASIMULATEDROLE0000", "arn": principal,
                        "accountId": account, "userName": name,
                    },
                    "attributes": { "creationDate": "2026-01-01T00:00:00Z", "mfaAuthenticated": "false" },
                },
            })
        }
        Who::User => json!({
            "type": "IAMUser", "principalId": "AIDASIMULATEDUSER0000", "arn": principal, "accountId": account,
            "accessKeyId": key_id(of_call ^ 3), "userName": principal.rsplit('/').next(),
        }),
        Who::Saml => json!({
            "type": "SAMLUser", "principalId": format!("provider:user{}@example.com", client.number),
            "userName": format!("user{}@example.com", client.number), "identityProvider": "provider",
        }),
        Who::WebIdentity => json!({
            "type": "WebIdentityUser", "principalId": "oidc.example.com:sts.amazonaws.com:system:serviceaccount:app",
            "userName": "system:serviceaccount:app", "identityProvider": format!("arn:{}:iam::{account}:oidc-provider/oidc.example.com", client.partition),
        }),
        Who::Service(service) => json!({ "type": "AWSService", "invokedBy": service }),
    }
}

fn request(client: &Client) -> Value {
    match (client.role(), client.operation) {
        (Some(role), _) => json!({ "roleArn": role, "roleSessionName": "work", "durationSeconds": 3600 }),
        (None, "GetFederationToken") => json!({ "name": "federated" }),
        (None, "GetSessionToken") => json!({ "durationSeconds": 3600 }),
        (None, _) => Value::Null,
    }
}

fn answer(client: &Client, of_call: u64, time: i64, long: bool) -> Value {
    let is_short = matches!(client.endpoint, Endpoint::Global(_)) && !long && !matches!(client.who, Who::Service(_));
    let size = if is_short { V1_SIZE } else { V2_SIZE };
    let mut answer = json!({
        "credentials": {
            "accessKeyId": key_id(of_call ^ 4),
            "sessionToken": token(of_call, size),
            "expiration": iso8601(time + 3_600),
        },
    });
    if let Some(role) = client.role() {
        answer["assumedRoleUser"] = json!({
            "assumedRoleId": "AROASIMULATEDTARGET00:work",
            "arn": role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/work",
        });
    }
    if client.with_size {
        answer["sessionTokenSize"] = size.into();
        answer["sessionTokenUtilization"] = (size * 100 / 4_096).into();
    }
    answer
}

/// Returns a session token, which nothing may ever show.
fn token(seed: u64, size: usize) -> String {
    let mut token = format!("{SECRET_MARKER}{seed:016x}");
    token.extend(std::iter::repeat_n('E', size - token.len()));
    token
}

/// Returns an access key id, which nothing may ever show either.
fn key_id(seed: u64) -> String {
    format!("ASIA{SECRET_MARKER}{:07X}", mix(seed) & 0xfff_ffff)
}

fn uuid(seed: u64) -> String {
    let (high, low) = (mix(seed), mix(mix(seed)));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}
