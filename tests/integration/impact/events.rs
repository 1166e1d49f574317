//! Makes events as CloudTrail writes them.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::CANARY;

pub(crate) const HOUR: u64 = 3600;

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct Event(pub(crate) Value);

/// A file of a trail with these events.
pub(crate) fn records(events: &[Event]) -> String {
    json!({ "Records": events.iter().map(|event| &event.0).collect::<Vec<_>>() }).to_string()
}

/// Writes the files that the examples name. The account is one that no example can set.
pub(crate) fn write(folder: &Path) {
    let events = [Event::global("000000000005", SystemTime::now())];
    fs::create_dir_all(folder.join("AWSLogs")).expect("a writable folder");
    fs::write(folder.join("AWSLogs/events.json"), records(&events)).expect("a writable folder");
    let row = "sts.amazonaws.com,GetCallerIdentity,2026-11-27T18:00:00Z,000000000005\n";
    fs::write(folder.join("result.csv"), format!("eventsource,eventname,eventtime,recipientaccountid\n{row}"))
        .expect("a writable folder");
}

fn token(length: usize) -> String {
    let beginning = format!("{CANARY}/token+");
    beginning.clone() + &"x".repeat(length - beginning.len())
}

impl Event {
    /// A session that the global endpoint issued to a role of the account for another of its roles.
    pub(crate) fn global(account: &str, time: SystemTime) -> Self {
        Self(json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole", "principalId": format!("AROA:{account}"), "accountId": account,
                "arn": format!("arn:aws:sts::{account}:assumed-role/app/session"), "accessKeyId": format!("ASIA{CANARY}"),
                "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{account}:role/app"), "accountId": account}}
            },
            "eventTime": humantime::format_rfc3339_seconds(time).to_string(), "eventSource": "sts.amazonaws.com",
            "eventName": "AssumeRole", "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.7",
            "userAgent": "aws-sdk-go/1.44.122 (go1.19; linux; amd64)",
            "requestParameters": {"roleArn": format!("arn:aws:iam::{account}:role/target"), "roleSessionName": "s"},
            "responseElements": {"credentials": {"accessKeyId": format!("ASIA{CANARY}"), "sessionToken": token(352), "expiration": "later"}},
            "additionalEventData": {"RequestDetails": {"endpointType": "global", "awsServingRegion": "eu-north-1"}},
            "eventID": fastrand::u128(..).to_string(), "readOnly": true, "managementEvent": true, "eventCategory": "Management",
            "recipientAccountId": account, "tlsDetails": {"clientProvidedHostHeader": "sts.amazonaws.com"}
        }))
    }

    /// A read event of another service.
    pub(crate) fn read(account: &str, time: SystemTime) -> Self {
        Self::global(account, time)
            .named("DescribeInstances")
            .with("eventSource", "ec2.amazonaws.com")
            .with("responseElements", Value::Null)
            .with("requestParameters", json!({"text": "a \"quoted\" } brace \\"}))
            .with("additionalEventData", Value::Null)
            .with("tlsDetails", Value::Null)
    }

    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0[member] = value.into();
        self
    }

    pub(crate) fn named(self, name: &str) -> Self {
        self.with("eventName", name)
    }

    pub(crate) fn regional(mut self) -> Self {
        self.0["additionalEventData"]["RequestDetails"]["endpointType"] = json!("regional");
        self.0["responseElements"]["credentials"]["sessionToken"] = json!(token(752));
        self
    }

    pub(crate) fn by_service(mut self) -> Self {
        self.0["userIdentity"]["invokedBy"] = json!("ec2.amazonaws.com");
        self
    }

    /// The same call for a role of another account.
    pub(crate) fn of_role(mut self, account: &str) -> Self {
        self.0["requestParameters"]["roleArn"] = json!(format!("arn:aws:iam::{account}:role/target"));
        self
    }

    /// The other half of a cross-account call, in the trail of the role's account.
    pub(crate) fn seen_by(mut self, account: &str) -> Self {
        self.0["recipientAccountId"] = json!(account);
        self.0["eventID"] = json!("another");
        let caller = self.0["userIdentity"]["accountId"].clone();
        self.0["userIdentity"] = json!({"type": "AWSAccount", "principalId": "AROAX:s", "accountId": caller});
        self
    }
}
