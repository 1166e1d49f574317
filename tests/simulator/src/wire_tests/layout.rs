//! Explicit trees, tags and delegated administrators.

use serde_json::{Value, json};

use super::client::Client;
use crate::*;

/// Returns the builder of an organization with five levels of units, the maximum that AWS allows, and with accounts on some
/// levels.
fn laid_out() -> Builder {
    Organization::builder()
        .accounts(8)
        .unlimited()
        .unit("ou-ab12-11111111", "Workloads", ROOT_ID)
        .unit("ou-ab12-22222222", "a/b", "ou-ab12-11111111")
        .unit("ou-ab12-33333333", "Payments", "ou-ab12-22222222")
        .unit("ou-ab12-44444444", "EU", "ou-ab12-33333333")
        .unit("ou-ab12-55555555", "Critical", "ou-ab12-44444444")
        .unit("ou-ab12-66666666", "Sandbox", ROOT_ID)
        .account(1, |account| account.ou = "ou-ab12-55555555".into())
        .account(2, |account| account.ou = "ou-ab12-22222222".into())
        .account(3, |account| account.ou = "Sandbox".into())
        .account(4, |account| {
            account.ou = "ou-ab12-66666666".into();
            account.state = AccountState::Closed;
        })
}

fn names(listed: &Value, list: &str, field: &str) -> Vec<String> {
    listed[list].as_array().unwrap().iter().map(|entry| entry[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn accounts_are_in_their_units() {
    let organization = laid_out().start();
    let client = Client::new(&organization);
    let deepest =
        "o-exampleorg1/r-ab12/ou-ab12-11111111/ou-ab12-22222222/ou-ab12-33333333/ou-ab12-44444444/ou-ab12-55555555/";
    let accounts = client.pages().concat();
    assert_eq!(accounts[0]["Paths"], json!([format!("{deepest}000000000001/")]));
    assert_eq!(accounts[3]["State"], "CLOSED");
    let below = |list: &str, parent: &str| client.list(list, &json!({ "ParentId": parent })).1;
    let units = "ListOrganizationalUnitsForParent";
    assert_eq!(names(&below(units, ROOT_ID), "OrganizationalUnits", "Name"), ["Workloads", "Sandbox"]);
    assert_eq!(names(&below(units, "ou-ab12-11111111"), "OrganizationalUnits", "Id"), ["ou-ab12-22222222"]);
    assert_eq!(
        names(&below("ListAccountsForParent", "ou-ab12-66666666"), "Accounts", "Id"),
        ["000000000003", "000000000004"]
    );
    let (_, unit) = client.list("DescribeOrganizationalUnit", &json!({ "OrganizationalUnitId": "ou-ab12-55555555" }));
    assert_eq!(
        unit["OrganizationalUnit"],
        json!({
            "Id": "ou-ab12-55555555",
            "Name": "Critical",
            "Arn": "arn:aws:organizations::000000000100:ou/o-exampleorg1/ou-ab12-55555555",
            "Path": deepest,
        })
    );
    let (status, missing) =
        client.list("DescribeOrganizationalUnit", &json!({ "OrganizationalUnitId": "ou-ab12-00000000" }));
    assert_eq!((status, &missing["__type"]), (400, &json!("OrganizationalUnitNotFoundException")));
    assert_eq!(organization.truth().account(1).ou, "Workloads/a/b/Payments/EU/Critical");
    organization.control(|world| world.move_account(1, "ou-ab12-66666666"));
    assert_eq!(organization.truth().account(1).ou, "Sandbox");
}

#[test]
fn impossible_trees_are_refused() {
    let refused = |id: &str, name: &str, parent: &str| {
        let builder = laid_out().unit(id, name, parent);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.start())).is_err()
    };
    assert!(refused("ou-ab12-77777777", "Sixth", "ou-ab12-55555555"));
    assert!(refused("ou-ab12-77777777", "Lost", "ou-ab12-00000000"));
    assert!(refused("ou-ab12-66666666", "Twin", ROOT_ID));
    assert!(refused("ou-ab12-77777777", "Sandbox", ROOT_ID));
    assert!(refused("ou-7", "Short", ROOT_ID));
    assert!(!refused("ou-ab12-77777777", "Sandbox", "ou-ab12-66666666"));
}

#[test]
fn tags_are_paged() {
    let organization = Organization::builder()
        .accounts(3)
        .aws_limits()
        .account(1, |account| {
            account.tags = (0..50).map(|number| (format!("key-{number:02}"), format!("value {number}"))).collect();
        })
        .start();
    let client = Client::new(&organization);
    let (mut keys, mut sizes, mut token) = (Vec::new(), Vec::new(), Value::Null);
    loop {
        let (status, page) =
            client.list("ListTagsForResource", &json!({ "ResourceId": "000000000001", "NextToken": token }));
        assert_eq!(status, 200, "{page}");
        let of_page = names(&page, "Tags", "Key");
        sizes.push(of_page.len());
        keys.extend(of_page);
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((sizes, keys.len(), keys.last().unwrap().as_str()), (vec![20, 20, 10], 50, "key-49"));
    let tags = |id: &str| client.list("ListTagsForResource", &json!({ "ResourceId": id })).1;
    assert_eq!(tags("000000000002"), json!({ "Tags": [] }));
    assert_eq!(tags(ROOT_ID), json!({ "Tags": [] }));
    assert_eq!(tags("000000000099")["__type"], "TargetNotFoundException");
    // Six of the fifteen tokens of the burst are used up.
    let refused = (0..20).filter(|_| tags("000000000002")["__type"] == "TooManyRequestsException").count();
    assert!((5..=11).contains(&refused), "{refused}");
}

#[test]
fn only_administrators_may_list_administrators() {
    let asked_by = |caller: Caller| {
        let organization = Organization::builder()
            .accounts(9)
            .unlimited()
            .delegated_administrator(3)
            .delegated_administrator(5)
            .caller(caller)
            .start();
        let client = Client::new(&organization);
        let (_, listed) = client.list("ListDelegatedAdministrators", &json!({}));
        (listed, client.list("ListAccounts", &json!({})).0)
    };
    let (listed, status) = asked_by(Caller::Management);
    assert_eq!(
        (names(&listed, "DelegatedAdministrators", "Id"), status),
        (vec!["000000000003".into(), "000000000005".into()], 200)
    );
    assert!(listed["DelegatedAdministrators"][0]["DelegationEnabledDate"].is_number());
    let (listed, _) = asked_by(Caller::DelegatedAdministrator(2.into()));
    assert_eq!(names(&listed, "DelegatedAdministrators", "Id").len(), 3);
    let (listed, status) = asked_by(Caller::Member(2.into()));
    assert_eq!((&listed["__type"], status), (&json!("AccessDeniedException"), 400));
}

#[test]
fn a_registered_administrator_is_trusted() {
    let organization = Organization::builder().accounts(9).delegated_administrator(3).start();
    let client = Client::new(&organization);
    assert_eq!(client.visit("000000000003").visit("000000000005").version(), Some(1));
    assert_eq!(client.visit("000000000004").assume("000000000005", "").unwrap().0, 403);
}
