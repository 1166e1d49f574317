//! The account list, the tree, and who is allowed to list them.

use serde_json::{Value, json};

use super::client::{Client, code};
use crate::*;

#[test]
fn the_list_has_every_account_once() {
    let organization = Organization::builder().accounts(107).realistic(true).start();
    let client = Client::new(&organization);
    let pages = client.pages();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 20, 20, 20, 7]);
    let mut ids: Vec<_> = pages.concat().iter().map(|account| account["Id"].as_str().unwrap().to_owned()).collect();
    assert!(!ids.is_sorted());
    ids.sort();
    assert_eq!(ids, (1..=107).map(|number| AccountId::new(number).to_string()).collect::<Vec<_>>());
    let management = pages.concat().into_iter().find(|account| account["Id"] == "000000000100").unwrap();
    assert_eq!(management["Paths"], json!(["o-exampleorg1/r-ab12/000000000100/"]));
    assert_eq!((management.get("Status"), &management["State"]), (None, &json!("ACTIVE")));
}

#[test]
fn the_tree_has_the_same_accounts() {
    let organization = Organization::builder().accounts(60).realistic(true).start();
    let client = Client::new(&organization);
    let (mut parents, mut found) = (vec![client.list("ListRoots", &json!({})).1["Roots"][0]["Id"].clone()], 0);
    while let Some(parent) = parents.pop() {
        let mut token = Value::Null;
        loop {
            let (_, page) = client.list("ListAccountsForParent", &json!({ "ParentId": parent, "NextToken": token }));
            for account in page["Accounts"].as_array().unwrap() {
                let path = organization.truth().account(account["Id"].as_str().unwrap()).path.clone();
                assert!(path.contains(parent.as_str().unwrap()) && account["Paths"][0] == path);
                found += 1;
            }
            token = page["NextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        parents.extend(
            client.list("ListOrganizationalUnitsForParent", &json!({ "ParentId": parent })).1["OrganizationalUnits"]
                .as_array()
                .unwrap()
                .iter()
                .map(|unit| unit["Id"].clone()),
        );
    }
    assert_eq!(found, 60);
}

#[test]
fn listing_faults() {
    let start = |fault: ListingFault| Organization::builder().accounts(50).listing(fault).start();
    let sizes = |fault| Client::new(&start(fault)).pages().iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(ListingFault::EmptyFirstPage), [0, 20, 20, 10]);
    assert_eq!(sizes(ListingFault::EmptyPage { page: 2 }), [20, 0, 20, 10]);
    assert_eq!(sizes(ListingFault::Duplicates), [20, 20, 12]);
    assert_eq!(sizes(ListingFault::NoAccounts), [0]);
    assert_eq!(sizes(ListingFault::RepeatedToken { page: 2 }).len(), 100);
    assert_eq!(sizes(ListingFault::RepeatedToken { page: 1 }).len(), 100);

    let organization = start(ListingFault::PageFails { page: 1, error: ListingError::TooManyRequests, times: 1 });
    let client = Client::new(&organization);
    assert_eq!(client.list("ListAccounts", &json!({})).1["__type"], "TooManyRequestsException");
    assert_eq!(client.list("ListAccounts", &json!({})).0, 200);

    let fields = |fault| {
        let page = Client::new(&start(fault)).pages().remove(0);
        let account = &page[4];
        ["Id", "Status", "State", "Paths"].map(|name| account.get(name).cloned().unwrap_or(Value::Null))
    };
    assert_eq!(fields(ListingFault::WithoutId(5.into()))[0], Value::Null);
    assert_eq!(fields(ListingFault::StatusOnly)[1..3], [json!("ACTIVE"), Value::Null]);
    assert_eq!(fields(ListingFault::WithStatus)[1..3], [json!("ACTIVE"), json!("ACTIVE")]);
    assert_eq!(fields(ListingFault::NeitherStatusNorState)[1..3], [Value::Null, Value::Null]);
    assert_eq!(fields(ListingFault::UnknownState(5.into()))[2], "FROZEN");
    assert_eq!(fields(ListingFault::NoPaths)[3], Value::Null);
}

#[test]
fn callers_without_rights() {
    let organization = Organization::builder().accounts(9).caller(Caller::Member(2.into())).start();
    let client = Client::new(&organization);
    assert_eq!(client.list("DescribeOrganization", &json!({})).1["Organization"]["MasterAccountId"], "000000000100");
    assert_eq!(client.list("ListAccounts", &json!({})).1["__type"], "AccessDeniedException");
    assert_eq!(code(&client.assume("000000000003", "")), (403, "AccessDenied"));
    // The burst is two, as in AWS.
    assert_eq!(client.list("DescribeOrganization", &json!({})).0, 200);
    assert_eq!(client.list("DescribeOrganization", &json!({})).1["__type"], "TooManyRequestsException");
    let organization = Organization::builder().accounts(9).caller(Caller::DelegatedAdministrator(2.into())).start();
    assert_eq!(Client::new(&organization).pages().concat().len(), 9);
    Client::new(&organization).visit("000000000003");
}
