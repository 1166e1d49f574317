//! The account list: complete despite faults, or an error before any account is changed.

use v2token_simulator::{
    ALWAYS, AccountId, AccountState, Builder, Caller, ListingError, ListingFault, Operation, Organization, TokenVersion,
};

use crate::harness::{Bench, Run};

/// Forty-five accounts are three pages.
fn three_pages() -> Builder {
    Organization::builder().accounts(45)
}

const fn page_fails(error: ListingError, times: u32) -> ListingFault {
    ListingFault::PageFails { page: 2, error, times }
}

const APPLY: [&str; 4] = ["apply", "--yes", "--rate=0", "--max-attempts=4"];

#[test]
fn an_unusual_list_is_complete() {
    for faults in [
        vec![ListingFault::EmptyFirstPage],
        vec![ListingFault::EmptyPage { page: 2 }, ListingFault::EmptyPage { page: 3 }],
        vec![page_fails(ListingError::TooManyRequests, 3)],
        vec![page_fails(ListingError::Service, 3)],
        vec![ListingFault::Duplicates],
        vec![ListingFault::WithStatus],
        vec![ListingFault::StatusOnly],
        vec![ListingFault::NoPaths, ListingFault::EmptyFirstPage],
    ] {
        let builder = three_pages().account(7, |account| account.state = AccountState::Suspended);
        let builder = faults.iter().cloned().fold(builder, Builder::listing);
        let bench = Bench::new(builder.start());
        let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
        let outcomes: Vec<_> = run.outcomes().into_iter().collect();
        assert_eq!(outcomes, [("changed".to_owned(), 44), ("skipped".to_owned(), 1)], "{faults:?}\n{run}");
        assert_eq!(run.calls(Operation::DescribeOrganization), 1, "{faults:?}");
    }
}

#[test]
fn an_incomplete_list_is_an_error_before_anything_is_changed() {
    let described = |fault| three_pages().listing(fault);
    let table = [
        ("repeated token", described(ListingFault::RepeatedToken { page: 2 }), "the same page token twice"),
        ("repeated first token", described(ListingFault::RepeatedToken { page: 1 }), "the same page token twice"),
        ("500 for good", described(page_fails(ListingError::Service, ALWAYS)), "ServiceException"),
        (
            "throttled for good",
            described(page_fails(ListingError::TooManyRequests, ALWAYS)),
            "TooManyRequestsException",
        ),
        ("denied", described(page_fails(ListingError::AccessDenied, ALWAYS)), "organizations:ListAccounts"),
        ("without an id", described(ListingFault::WithoutId(AccountId::new(30))), "it lacks Accounts[].Id"),
        ("no account", described(ListingFault::NoAccounts), "no account at all"),
        ("no state", described(ListingFault::NeitherStatusNorState), "it lacks Accounts[].State|Status"),
        ("no Organization", described(ListingFault::NotInUse), "AWSOrganizationsNotInUseException"),
        ("a member", three_pages().caller(Caller::Member(AccountId::new(5))), "delegated administrator"),
    ];
    for (name, builder, why) in table {
        let bench = Bench::new(builder.start());
        let reported = |run: &Run| run.stderr.contains("error:") && run.stderr.lines().count() <= 12;
        let run = bench.run("apply", &APPLY).exits(1).attempted_nothing(why);
        assert!(reported(&run), "{name}\n{run}");
        // A plan reads while it lists, and discards the result.
        let run = bench.run("plan", &["plan", "--rate=0"]).exits(1).made_no_plan(why);
        assert!(reported(&run), "{name}\n{run}");
    }
}

#[test]
fn an_unknown_account_state_is_shown_and_skipped() {
    let id = AccountId::new(3);
    let bench = Bench::new(three_pages().listing(ListingFault::UnknownState(id)).start());
    let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
    let row = &run.rows()[&id.to_string()];
    assert_eq!(
        [&row["outcome"], &row["account_state"], &row["error_code"]].map(String::as_str),
        ["skipped", "FROZEN", "UnknownState"]
    );
}

/// Without the field `Paths` the tree is walked, and the paths and names are the same.
#[test]
fn paths_are_the_same_with_and_without_the_field() {
    for without in [false, true] {
        let mut builder = Organization::builder().accounts(60).realistic(true);
        if without {
            builder = builder.listing(ListingFault::NoPaths);
        }
        let bench = Bench::new(builder.start());
        let run = bench.run("run", &["plan", "--rate=0"]);
        assert_eq!(run.calls(Operation::ListRoots), 1, "for the walk or for the names\n{run}");
        for (id, row) in run.rows() {
            let truth = run.after.account(id.as_str());
            let (parent, _) = truth.path.trim_end_matches('/').rsplit_once('/').expect("a path has several steps");
            assert_eq!(row["ou_path"], format!("{parent}/"), "{row:#?}");
            let names = if truth.ou.is_empty() { "Root".to_owned() } else { format!("Root/{}", truth.ou) };
            assert_eq!(row["ou_names"], names, "{row:#?}");
        }
    }
}

#[test]
fn a_delegated_administrator_enters_members_but_not_the_management_account() {
    let bench = Bench::new(three_pages().caller(Caller::DelegatedAdministrator(AccountId::new(5))).start());
    let left_out = [&APPLY[..], &["--management-account=skip"]].concat();
    let run = bench.run("without", &left_out).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.rows()["000000000100"]["error_code"], "ManagementAccount");
    assert_eq!(run.rows()["000000000005"]["outcome"], "changed", "the caller's own account is a member like any other");

    let run = bench.run("with", &APPLY).exits(3).agrees(TokenVersion::V2);
    let row = &run.rows()["000000000100"];
    assert_eq!((row["outcome"].as_str(), row["stage"].as_str()), ("failed", "assume"), "{run}");
    assert!(row["hint"].contains("--management-account skip"), "{row:#?}");
}

/// A listing that waits says so.
#[test]
fn a_listing_that_waits_says_for_what() {
    for (arguments, name) in
        [(&["plan"][..], "plan"), (&["apply", "--yes"], "apply"), (&["plan", "--log-format=json"], "json")]
    {
        let bench = Bench::new(three_pages().unlimited().listing(page_fails(ListingError::Service, 10)).start());
        let arguments = [arguments, &["--rate=0", "--max-attempts=12"]].concat();
        let run = bench.run(name, &arguments).exits(0).says(&["waiting for ListAccounts", "ServiceException"]);
        assert_eq!(run.stderr.matches("waiting for ListAccounts").count(), 1, "once in half a minute\n{run}");
    }
}
