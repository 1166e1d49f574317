//! The shapes of events: a row for each that is known to mislead.

use serde_json::{Value, json};

use super::*;

/// A cross-Region call of the global endpoint by a role of the same account.
fn event() -> Value {
    json!({
        "eventVersion": "1.11", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "awsRegion": "us-east-1",
        "eventTime": "2026-11-27T18:00:00Z", "eventID": "own", "readOnly": true, "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.7", "userAgent": "aws-sdk-go/1.44.122 (go1.19; linux; amd64)",
        "userIdentity": {
            "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/app/session", "accountId": "111122223333",
            "accessKeyId": "ASIASECRETKEYID",
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/path/app"}}
        },
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/target", "roleSessionName": "s"},
        "responseElements": {
            "credentials": {"accessKeyId": "ASIAOTHERKEYID", "sessionToken": "T".repeat(352), "expiration": "later"},
            "assumedRoleUser": {"arn": "arn:aws:sts::111122223333:assumed-role/target/s"}
        },
        "additionalEventData": {"RequestDetails": {"endpointType": "global", "awsServingRegion": "eu-north-1"}},
        "tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": "sts.amazonaws.com"}
    })
}

/// Returns the event after its members are replaced; `null` removes a member.
fn with(changes: &Value) -> Value {
    let mut event = event();
    for (path, value) in changes.as_object().expect("an object") {
        let mut at = &mut event;
        let steps: Vec<&str> = path.split('.').collect();
        let (last, parents) = steps.split_last().expect("a path");
        for step in parents {
            at = &mut at[step];
        }
        if value.is_null() {
            at.as_object_mut().expect("a parent").remove(*last);
        } else {
            at[last] = value.clone();
        }
    }
    event
}

fn read(event: &Value) -> Parsed {
    parse(event.to_string().as_bytes(), false)
}

/// What an event counts as, in one word.
fn kind(event: &Value) -> String {
    match read(event) {
        Parsed::Other(_) => "other".to_owned(),
        Parsed::Session(sighting) => format!("{:?}", sighting.kind).to_lowercase(),
        Parsed::NotUnderstood(event) => format!("{:?}?", event.reason).to_lowercase(),
    }
}

#[test]
fn each_shape_counts_as_what_it_is() {
    let no_details = || json!({"additionalEventData": null});
    let and = |mut one: Value, other: Value| {
        one.as_object_mut().expect("an object").extend(other.as_object().expect("an object").clone());
        one
    };
    let host = |host: &str| and(no_details(), json!({"tlsDetails.clientProvidedHostHeader": host}));
    let nothing = || and(no_details(), json!({"tlsDetails": null}));
    for (changes, expected) in [
        (json!({}), "global"),
        // The type of the endpoint, in both cases and with the other spellings.
        (json!({"additionalEventData.RequestDetails.endpointType": "Global"}), "global"),
        (json!({"additionalEventData.RequestDetails.endpointType": "regional"}), "regional"),
        (json!({"additionalEventData.RequestDetails.endpointType": "REGIONAL"}), "regional"),
        // The type decides even against the host: a proxy can change the host.
        (json!({"tlsDetails.clientProvidedHostHeader": "sts.us-east-1.amazonaws.com"}), "global"),
        (
            json!({"additionalEventData": "{\"RequestDetails\":{\"endpointType\":\"global\"}}", "tlsDetails": null}),
            "global",
        ),
        // Before 2025, the host.
        (host("sts.amazonaws.com"), "global"),
        (host("STS.AmazonAWS.com"), "global"),
        (host("sts.amazonaws.com:443"), "global"),
        (host("sts.amazonaws.com."), "global"),
        (host("sts-global.eu-north-1.amazonaws.com"), "global"),
        (host("sts.us-east-1.amazonaws.com"), "regional"),
        (host("sts-fips.us-east-1.amazonaws.com"), "regional"),
        (host("vpce-0a1b2c3d-4e5f.sts.us-east-1.vpce.amazonaws.com"), "regional"),
        (host("sts.us-east-1.api.aws"), "regional"),
        (host("proxy.example.com"), "endpoint?"),
        (and(host("proxy.example.com"), json!({"awsRegion": "eu-west-1"})), "regional"),
        // Before 2021, neither.
        (nothing(), "endpoint?"),
        (and(nothing(), json!({"awsRegion": "global"})), "global"),
        (and(nothing(), json!({"awsRegion": "GLOBAL"})), "global"),
        (and(nothing(), json!({"awsRegion": "eu-west-1"})), "regional"),
        (and(nothing(), json!({"awsRegion": null})), "endpoint?"),
        // Other partitions have no global endpoint.
        (and(nothing(), json!({"awsRegion": "cn-north-1"})), "regional"),
        (and(nothing(), json!({"awsRegion": "us-gov-west-1"})), "regional"),
        (host("sts.amazonaws.com.cn"), "endpoint?"),
        // What is no call that counts.
        (json!({"eventName": "GetCallerIdentity"}), "other"),
        (json!({"eventName": "DecodeAuthorizationMessage"}), "other"),
        (json!({"eventSource": "s3.amazonaws.com"}), "other"),
        (json!({"eventName": "IssueNewThings"}), "operation?"),
        (
            json!({"eventName": "IssueNewThings", "additionalEventData.RequestDetails.endpointType": "regional"}),
            "other",
        ),
        (json!({"errorCode": "AccessDenied", "responseElements": null}), "failed"),
        (json!({"errorCode": ""}), "global"),
        (json!({"userIdentity.invokedBy": "cloudformation.amazonaws.com"}), "service"),
        (json!({"userIdentity.type": "AWSService", "userIdentity.invokedBy": "ec2.amazonaws.com"}), "service"),
        (json!({"sourceIPAddress": "lambda.amazonaws.com"}), "service"),
        (json!({"sourceIPAddress": "AWS Internal", "tlsDetails": null}), "service"),
        (json!({"userAgent": "config.amazonaws.com"}), "service"),
        (and(nothing(), json!({"userIdentity.invokedBy": "ec2.amazonaws.com"})), "service"),
        // The other operations.
        (json!({"eventName": "AssumeRoleWithSAML", "userIdentity": {"type": "SAMLUser", "userName": "me"}}), "global"),
        (json!({"eventName": "AssumeRoleWithWebIdentity", "userIdentity": {"type": "WebIdentityUser"}}), "global"),
        (json!({"eventName": "GetSessionToken"}), "global"),
        (json!({"eventName": "GetFederationToken"}), "global"),
        // Members that are missing, or have another type.
        (json!({"eventVersion": null}), "global"),
        (json!({"eventVersion": "2.0"}), "version?"),
        (json!({"eventVersion": 1.08}), "global"),
        (json!({"eventName": null}), "noname?"),
        (json!({"eventTime": null}), "time?"),
        (json!({"eventTime": "yesterday"}), "time?"),
        (json!({"recipientAccountId": null}), "global"),
        (json!({"recipientAccountId": null, "userIdentity": null}), "account?"),
        (json!({"userIdentity": null}), "principal?"),
        (json!({"eventName": 7}), "notjson?"),
        (json!({"responseElements": null}), "global"),
        (json!({"responseElements": []}), "global"),
        (json!({"requestParameters": "HIDDEN", "resources": 7}), "global"),
        // Without the role, the account that issued the session is not known.
        (json!({"requestParameters": null, "responseElements.assumedRoleUser": null, "resources": null}), "role?"),
        (json!({"requestParameters": null, "eventName": "GetSessionToken"}), "global"),
        (json!({"userAgent": null, "sourceIPAddress": null}), "global"),
    ] {
        assert_eq!(kind(&with(&changes)), expected, "{changes}");
    }
    assert_eq!(kind(&json!([1])), "notjson?");
}

fn sighting(changes: &Value) -> Sighting {
    match read(&with(changes)) {
        Parsed::Session(sighting) => *sighting,
        other => panic!("{changes}: {other:?}"),
    }
}

#[test]
fn both_halves_of_a_cross_account_call_are_attributed_to_the_role() {
    let role = json!({"requestParameters.roleArn": "arn:aws:iam::444455556666:role/target", "sharedEventID": "shared"});
    let caller = sighting(&role);
    assert_eq!((caller.half, caller.issuer.to_string().as_str()), (Half::Caller, "444455556666"));
    let mut other = role.clone();
    other["recipientAccountId"] = json!("444455556666");
    other["userIdentity"] = json!({"type": "AWSAccount", "principalId": "AROAX:s", "accountId": "111122223333"});
    let role = sighting(&other);
    assert_eq!((role.half, role.issuer, role.caller), (Half::Role, caller.issuer, caller.caller));
    assert_eq!((role.principal.as_str(), role.id), ("account 111122223333", caller.id));
    assert_ne!(caller.id, sighting(&json!({})).id);
}

#[test]
fn principals_have_no_sessions() {
    for (changes, expected) in [
        (json!({}), "arn:aws:iam::111122223333:role/path/app"),
        (json!({"userIdentity.sessionContext": null}), "arn:aws:iam::111122223333:role/app"),
        (
            json!({"userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/me", "accountId": "111122223333"}}),
            "arn:aws:iam::111122223333:user/me",
        ),
        (
            json!({"userIdentity": {"type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/someone", "accountId": "111122223333"}}),
            "arn:aws:sts::111122223333:federated-user/*",
        ),
        (
            json!({"eventName": "AssumeRoleWithSAML", "userIdentity": {"type": "SAMLUser", "userName": "me", "accountId": "111122223333"}}),
            "arn:aws:iam::111122223333:role/target",
        ),
        (
            json!({"eventName": "AssumeRoleWithWebIdentity", "userIdentity": {"type": "WebIdentityUser", "userName": "repo:x"}, "requestParameters": null}),
            "arn:aws:iam::111122223333:role/target",
        ),
    ] {
        assert_eq!(sighting(&changes).principal, expected, "{changes}");
    }
}

#[test]
fn the_size_is_told_or_measured_and_replaced_tokens_have_none() {
    for (changes, expected) in [
        (json!({}), Some(352)),
        (json!({"responseElements.sessionTokenSize": 400}), Some(400)),
        (json!({"responseElements.sessionTokenSize": "400"}), Some(400)),
        (json!({"responseElements.credentials.sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS"}), None),
        (json!({"responseElements.credentials.sessionToken": "*".repeat(352)}), None),
        (json!({"responseElements.credentials.sessionToken": null}), None),
        (json!({"responseElements": null}), None),
    ] {
        assert_eq!(sighting(&changes).token_size, expected, "{changes}");
    }
}

#[test]
fn neither_tokens_nor_keys_are_kept_and_addresses_only_on_request() {
    let kept = format!("{:?}", sighting(&json!({})));
    for secret in ["TTTT", "ASIA", "203.0.113.7"] {
        assert!(!kept.contains(secret), "{kept}");
    }
    let Parsed::Session(with_address) = parse(event().to_string().as_bytes(), true) else { panic!("it is a session") };
    assert_eq!(with_address.address.map(|address| address.to_string()).as_deref(), Some("203.0.113.7"));
}

#[test]
fn deep_nesting_is_skipped() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = event().to_string().replacen('{', &format!("{{\"other\":{deep},"), 1);
    assert!(matches!(parse(text.as_bytes(), false), Parsed::Session(_)));
    let nested = event().to_string().replacen("{\"tlsVersion\"", &format!("{{\"other\":{deep},\"tlsVersion\""), 1);
    assert!(matches!(parse(nested.as_bytes(), false), Parsed::Session(_)));
}

#[test]
fn rows_of_an_export_mean_the_same() {
    let event = event();
    let row: serde_json::Map<String, Value> = event
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| {
            (name.to_lowercase(), if value.is_object() { Value::from(value.to_string()) } else { value.clone() })
        })
        .collect();
    assert_eq!(read(&Value::Object(row)), read(&event));
}
