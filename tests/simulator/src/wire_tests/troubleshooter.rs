//! IAM Access Troubleshooter, and the messages of denials with authorization ids.

use hyper::HeaderMap;
use serde_json::Value;

use super::client::{Client, SET_V2, code, within};
use crate::*;

/// The message of a denied set, and the authorization id in it.
fn denied(client: &Client) -> (String, String) {
    let answered = client.visit("000000000004").iam(SET_V2);
    assert_eq!(code(&answered), (403, "AccessDenied"));
    let message = within(&answered.unwrap().1, "Message").unwrap().to_owned();
    let id = message.rsplit(' ').next().unwrap().to_owned();
    (message, id)
}

fn builder() -> Builder {
    Organization::builder().account(4, |account| account.faults.deny_set_by_scp = true)
}

#[test]
fn the_message_has_the_form_of_aws() {
    let organization = builder().start();
    let client = Client::new(&organization);
    let (mut ids, mut without_digits) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..20 {
        let (message, id) = denied(&client);
        let end = format!(
            "iam:SetSecurityTokenServicePreferences on resource: * with an explicit deny in a service control policy: \
             arn:aws:organizations::000000000100:policy/o-exampleorg1/service_control_policy/p-examplescp1. Go to \
             https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/{id} for complete details, \
             or call the GetRequestAuthorizationDetails API with the following authorization id: {id}"
        );
        assert!(message.ends_with(&end), "{message}");
        assert!(id.len() == 25 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{id}");
        without_digits += usize::from(!id.bytes().any(|byte| byte.is_ascii_digit()));
        ids.insert(id);
    }
    assert_eq!(ids.len(), 20);
    assert!((1..20).contains(&without_digits), "{without_digits}");
}

#[test]
fn details_are_told_for_the_ids_of_denials() {
    let organization = builder().start();
    let client = Client::new(&organization);
    let id = denied(&client).1;
    let ask = |path: &str| client.get("iam", "us-east-1", path).unwrap();
    let (status, head, body) = ask(&format!("/authorization-details/{id}"));
    assert_eq!(status, 200, "{head} {body}");
    let details: Value = serde_json::from_str(&body).unwrap();
    let denied = &details["evaluations"][1];
    assert_eq!((&denied["evaluatedEffect"], &denied["action"]), (&"EXPLICIT_DENY".into(), &crate::iam::SET.into()));
    let statement = &denied["matchedPolicies"][1]["matchedStatements"][0];
    assert_eq!((&statement["sid"], &statement["evaluatedEffect"]), (&"NoIamSettings".into(), &"DENY".into()));
    assert_eq!(denied["matchedPolicies"][1]["uri"], details["policies"][2]["uri"]);
    // A control: a test that searches for secrets would find the context of the request.
    assert!(
        details["requestContext"].to_string().contains(SECRET_MARKER)
            && denied["context"].to_string().contains(SECRET_MARKER)
    );

    let other = "0".repeat(25);
    for (path, status, code) in [
        (format!("/authorization-details/{other}"), 404, "resourcenotfoundexception"),
        (format!("/authorization-details/{}", id.to_uppercase()), 400, "validationexception"),
        (format!("/authorization-details/{id}?nextToken=x"), 400, "validationexception"),
    ] {
        let (actual, head, body) = ask(&path);
        assert!(actual == status && head.contains(&format!("x-amzn-errortype: {code}\r\n")), "{path}: {head} {body}");
        assert!(serde_json::from_str::<Value>(&body).unwrap()["message"].is_string());
    }
    let (status, head, _) = client.get("iam-toolbox", "us-east-1", &format!("/authorization-details/{id}")).unwrap();
    assert!(status == 403 && head.contains("invalidsignatureexception"), "it is signed as iam: {head}");
    let (status, ..) =
        client.exchange_with_head("GET", &format!("/authorization-details/{id}"), &HeaderMap::new(), "").unwrap();
    assert_eq!(status, 403, "without a signature");
}

#[test]
fn pages_and_late_details() {
    let settings = Troubleshooter { late: 1, paged: true, ..Troubleshooter::default() };
    let organization = builder().troubleshooter(settings).start();
    let client = Client::new(&organization);
    let path = format!("/authorization-details/{}", denied(&client).1);
    let ask = |path: &str| {
        let (status, _, body) = client.get("iam", "us-east-1", path).unwrap();
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    assert_eq!(ask(&path).0, 404);
    let (status, first) = ask(&path);
    assert_eq!((status, first["evaluations"].as_array().unwrap().len()), (200, 1));
    let (_, second) = ask(&format!("{path}?nextToken={}", first["nextToken"].as_str().unwrap()));
    assert_eq!(
        (&second["evaluations"][0]["evaluatedEffect"], &second["nextToken"]),
        (&"EXPLICIT_DENY".into(), &Value::Null)
    );
    assert_eq!(organization.truth().fault("late_authorization_details"), 1);
}
