//! The event history, the files of the trail, and the Regions of accounts.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::Client;
use crate::*;

const REGION: &str = "us-east-1";

fn with_traffic() -> Builder {
    Organization::builder().accounts(12).traffic(Traffic { seed: 3, days: 30, calls_per_day: 4 }).lookup_limit(None)
}

fn look_up(client: &Client, region: &str, parameters: &Value) -> (u16, Value) {
    let (status, body) =
        client.send("cloudtrail", region, Some("LookupEvents"), &parameters.to_string()).expect("an answer");
    (status, serde_json::from_str(&body).unwrap())
}

fn by_name(name: &str) -> Value {
    json!({ "LookupAttributes": [{ "AttributeKey": "EventName", "AttributeValue": name }] })
}

/// Returns all pages of a query.
fn pages(client: &Client, parameters: &Value) -> Vec<Vec<Value>> {
    let (mut pages, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut parameters = parameters.clone();
        if token.is_string() {
            parameters["NextToken"] = token;
        }
        let (status, page) = look_up(client, REGION, &parameters);
        assert_eq!(status, 200, "{page}");
        pages.push(page["Events"].as_array().unwrap().clone());
        token = page["NextToken"].clone();
        if token.is_null() {
            return pages;
        }
    }
}

#[test]
fn the_history_has_pages_and_filters() {
    let organization = with_traffic().start();
    let client = Client::new(&organization).visit("000000000003");
    let all = pages(&client, &json!({}));
    assert!(all.len() > 1 && all[..all.len() - 1].iter().all(|page| page.len() == 50), "{}", all.len());
    let events: Vec<&Value> = all.iter().flatten().collect();
    let times: Vec<i64> = events.iter().map(|event| event["EventTime"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "the newest event comes first");
    let middle = times[times.len() / 2];
    let mut newer = by_name("AssumeRole");
    newer["StartTime"] = middle.into();
    let named: Vec<Value> = pages(&client, &newer).concat();
    let expected = events
        .iter()
        .filter(|event| event["EventName"] == "AssumeRole" && event["EventTime"].as_i64().unwrap() >= middle)
        .count();
    assert!(expected > 0 && named.len() == expected, "{expected} {}", named.len());
    let elsewhere = look_up(&client, "eu-west-1", &json!({})).1;
    assert!(elsewhere["Events"].as_array().unwrap().iter().all(|event| !events.contains(&event)));
}

#[test]
fn wrong_queries_are_refused() {
    let organization = with_traffic().start();
    let client = Client::new(&organization).visit("000000000003");
    let two = json!({ "LookupAttributes": [
        { "AttributeKey": "EventName", "AttributeValue": "AssumeRole" },
        { "AttributeKey": "EventSource", "AttributeValue": "sts.amazonaws.com" },
    ] });
    for (parameters, code) in [
        (two, "InvalidLookupAttributesException"),
        (json!({ "MaxResults": 51 }), "InvalidMaxResultsException"),
        (json!({ "StartTime": 200, "EndTime": 100 }), "InvalidTimeRangeException"),
        (json!({ "NextToken": "50.0" }), "InvalidNextTokenException"),
    ] {
        let (status, answer) = look_up(&client, REGION, &parameters);
        assert_eq!((status, answer["__type"].as_str()), (400, Some(code)), "{parameters}");
    }
    let token = look_up(&client, REGION, &json!({})).1["NextToken"].clone();
    let mut of_another_query = by_name("AssumeRole");
    of_another_query["NextToken"] = token;
    assert_eq!(look_up(&client, REGION, &of_another_query).1["__type"], "InvalidNextTokenException");
}

#[test]
fn each_account_has_a_limit_and_needs_the_permission() {
    let limit = RateLimit::new(0.001, 2.0);
    let organization =
        with_traffic().lookup_limit(limit).account(4, |account| account.faults.deny_lookups = true).start();
    let caller = Client::new(&organization);
    let client = caller.visit("000000000003");
    let status = |client: &Client| {
        let (status, answer) = look_up(client, REGION, &json!({}));
        (status, answer["__type"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!([status(&client).0, status(&client).0], [200, 200]);
    assert_eq!(status(&client), (400, "ThrottlingException".to_owned()));
    assert_eq!(status(&caller.visit("000000000005")).0, 200, "the limit is that of an account");
    assert_eq!(status(&caller.visit("000000000004")), (400, "AccessDeniedException".to_owned()));
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#;
    let policy: String = form_urlencoded::byte_serialize(policy.as_bytes()).collect();
    let session = caller.session_in(&caller.assume("000000000006", &format!("&Policy={policy}")));
    assert_eq!(status(&session), (400, "AccessDeniedException".to_owned()));
    assert_eq!(organization.truth().account(3).calls.lookup_events, 3);
}

#[test]
fn the_files_have_the_events_of_the_history() {
    let organization = with_traffic().start();
    let folder = std::env::temp_dir().join(format!("v2token-simulator-trail-{}", std::process::id()));
    let files = organization.control(|world| world.write_trail(&folder)).unwrap();
    let mut found = Vec::new();
    collect(&folder, &mut found);
    assert_eq!(found.len(), files);
    let below = folder.join("AWSLogs/o-exampleorg1/000000000003/CloudTrail/us-east-1");
    let mut ids = BTreeSet::new();
    for path in found.iter().filter(|path| path.starts_with(&below)) {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for event in document["Records"].as_array().unwrap() {
            assert_eq!(event["recipientAccountId"], "000000000003");
            ids.insert(event["eventID"].as_str().unwrap().to_owned());
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let client = Client::new(&organization).visit("000000000003");
    let history = pages(&client, &json!({})).concat();
    let of_history: BTreeSet<String> =
        history.iter().map(|event| event["EventId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, of_history);
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

#[test]
fn the_truth_agrees_with_the_events() {
    let organization = Organization::builder()
        .accounts(60)
        .traffic(Traffic { seed: 5, days: 20, calls_per_day: 2 })
        .lookup_limit(None)
        .start();
    let (mut affected, mut sides) = (0, BTreeSet::new());
    for number in 1..=59_u64 {
        let clients = organization.control(|world| world.clients(number));
        let events: Vec<Value> = organization.control(|world| {
            let index = world.index(number.into()).unwrap();
            world.events(index).iter().map(|event| serde_json::from_str(&event.json).unwrap()).collect()
        });
        let of_sts = events.iter().filter(|event| event["eventSource"] == "sts.amazonaws.com").count() as u64;
        assert_eq!(of_sts, clients.iter().map(|client| client.events).sum::<u64>(), "{number}");
        let is_global = |event: &&Value| {
            event.pointer("/additionalEventData/RequestDetails/endpointType").is_some_and(|kind| kind == "global")
                || event.get("additionalEventData").is_none()
        };
        let counted = events
            .iter()
            .filter(|event| event["eventSource"] == "sts.amazonaws.com" && event.get("errorCode").is_none())
            .filter(|event| event["userIdentity"]["type"] != "AWSService" && event["eventName"] != "GetCallerIdentity")
            .filter(is_global)
            .count() as u64;
        assert_eq!(counted, clients.iter().filter(|client| client.counts()).map(|client| client.events).sum::<u64>());
        affected += usize::from(counted > 0);
        sides.extend(clients.iter().map(|client| format!("{:?}", client.side)));
    }
    assert!((10..40).contains(&affected), "{affected}");
    assert_eq!(sides.len(), 3);
}

#[test]
fn the_same_seed_makes_the_same_clients() {
    let clients = |seed| {
        let organization = Organization::builder().accounts(30).traffic(Traffic { seed, ..Traffic::default() }).start();
        organization.control(|world| (1..=29_u64).map(|number| world.clients(number)).collect::<Vec<_>>())
    };
    assert_eq!(clients(7), clients(7));
    assert_ne!(clients(7), clients(8));
}

#[test]
fn regions_are_listed_for_members_without_a_role() {
    let list = |client: &Client, parameters: Value| {
        let (status, body) =
            client.send_to("/listRegions", "account", REGION, None, &parameters.to_string()).expect("an answer");
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let names = |answer: &Value| -> Vec<String> {
        let regions = answer["Regions"].as_array().expect("a list");
        regions.iter().map(|region| region["RegionName"].as_str().unwrap().to_owned()).collect()
    };
    let enabled = |id: &str| json!({ "AccountId": id, "RegionOptStatusContains": ["ENABLED"] });
    let organization = Organization::builder()
        .accounts(9)
        .account(3, |account| account.enabled_regions = vec!["af-south-1".to_owned(), "ap-east-1".to_owned()])
        .start();
    let caller = Client::new(&organization);
    assert_eq!(names(&list(&caller, enabled("000000000003")).1), ["af-south-1", "ap-east-1"]);
    assert!(names(&list(&caller, enabled("000000000004")).1).is_empty());
    assert_eq!(names(&list(&caller, json!({})).1).len(), 11, "the caller's own account");
    let first = list(&caller, json!({ "MaxResults": 7 })).1;
    let second = list(&caller, json!({ "MaxResults": 7, "NextToken": first["NextToken"] })).1;
    assert_eq!([names(&first).len(), names(&second).len()], [7, 4]);
    assert_eq!(list(&caller, enabled("000000000100")).0, 403, "the management account does not name itself");
    assert_eq!(list(&caller, enabled("000000000099")).0, 404);
    assert_eq!(list(&caller.visit("000000000004"), enabled("000000000003")).0, 403, "a member names nobody");
    organization.control(|world| world.set_account_management(false));
    assert_eq!(list(&caller, enabled("000000000003")).0, 403);
    assert_eq!(list(&caller, json!({})).0, 200);
}
