//! Clock differences between client and services.

use hyper::HeaderMap;
use serde_json::json;

use super::client::{Client, READ, code, within};
use crate::*;

const IDENTITY: &str = "Action=GetCallerIdentity";

#[test]
fn signatures_are_valid_for_minutes_around_the_services_clock() {
    let organization = Organization::builder().accounts(3).unlimited().start();
    let client = Client::new(&organization);
    let set = |minutes: i64| organization.control(|world| world.set_clock_offset(minutes * 60));
    for minutes in [-4, 4] {
        set(minutes);
        assert_eq!(client.list("DescribeOrganization", &json!({})).0, 200, "{minutes}");
        assert_eq!(code(&client.iam(READ)).0, 200, "{minutes}");
    }
    for (minutes, beginning, middle, end) in [
        (6, "Signature expired: ", " is now earlier than ", " - 5 min.)"),
        (-6, "Signature not yet current: ", " is still later than ", " + 5 min.)"),
    ] {
        set(minutes);
        let (status, refused) = client.list("DescribeOrganization", &json!({}));
        assert_eq!((status, &refused["__type"]), (400, &json!("InvalidSignatureException")));
        let message = refused["Message"].as_str().unwrap();
        assert!(message.starts_with(beginning) && message.contains(middle) && message.ends_with(end), "{message}");
        assert_eq!(code(&client.sts(IDENTITY)).0, 200, "STS and IAM wait longer");
    }
    for (minutes, words) in [(16, " - 15 min.)"), (-16, " + 15 min.)")] {
        set(minutes);
        for answered in [client.sts(IDENTITY), client.iam(READ)] {
            assert_eq!(code(&answered), (403, "SignatureDoesNotMatch"));
            assert!(answered.unwrap().1.contains(words));
        }
    }
}

#[test]
fn answers_carry_the_services_date() {
    let organization = Organization::builder().accounts(3).clock_offset(-1_440_938_160).start();
    let client = Client::new(&organization);
    let (status, head, _) = client.exchange_with_head("POST", "/", &HeaderMap::new(), READ).unwrap();
    assert_eq!(status, 403);
    let dates: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix("date: ")).collect();
    assert!(matches!(dates[..], [date] if date.contains(" 198") || date.contains(" 197")), "{dates:?}");
}

#[test]
fn sessions_expire_by_the_services_clock() {
    let organization = Organization::builder().accounts(3).clock_offset(240).start();
    let expiration = |more: &str| {
        let body = Client::new(&organization).assume("000000000001", more).unwrap().1;
        within(&body, "Expiration").unwrap().to_owned()
    };
    let ahead = expiration("");
    organization.control(|world| world.set_clock_offset(0));
    assert!(expiration("") < ahead && ahead < expiration("&DurationSeconds=7200"));
}
