//! Answers that lack a member: absent is not empty.

use v2token_simulator::{
    ALWAYS, AccountId, Builder, ListingFault, Operation, Organization, ROOT_ID, Spoiled, Spoiling, TokenVersion,
};

use crate::harness::Bench;

const LEFT_OUT: &str = "ou-ab12-leftout0";

/// Forty-five accounts are three pages. A third of them is excluded, by its OU as well as by its tag.
fn organization() -> Builder {
    Organization::builder().accounts(45).unlimited().unit(LEFT_OUT, "Left out", ROOT_ID).each_account(|account| {
        if is_left_out(account.id()) {
            LEFT_OUT.clone_into(&mut account.ou);
            account.tags = vec![("env".to_owned(), "prod".to_owned())];
        }
    })
}

fn is_left_out(id: AccountId) -> bool {
    id.number() < 45 && id.number().is_multiple_of(3)
}

/// The organization, the operation, how many answers arrive first, what becomes of the next, and the options that exclude accounts.
type Case<'a> = (fn() -> Builder, Operation, u32, Vec<Spoiling>, &'a [&'a str]);

fn foreign(body: &str) -> Spoiling {
    Spoiling::Foreign { status: 200, body: body.to_owned() }
}

/// Bodies with HTTP status 200 that have no list.
fn without_a_list() -> Vec<Spoiling> {
    [
        "",
        "{}",
        r#"{"message":"Forbidden"}"#,
        r#"{"Accounts":null,"Tags":null,"Roots":null,"OrganizationalUnits":null}"#,
        "null",
        "[]",
    ]
    .map(foreign)
    .to_vec()
}

/// One answer that lacks something is tried again, and the exclusion holds; if all of them do, nothing is attempted.
#[test]
fn a_list_that_lacks_something_is_no_shorter_list() {
    let by_ou = &["--exclude-ou", LEFT_OUT][..];
    // Reading tags takes a second for ten accounts.
    let by_tag = &["--shard=0/2", "--exclude-tag", "env=prod"];
    let walk = || organization().listing(ListingFault::NoPaths);
    let with = |more: Vec<Spoiling>| without_a_list().into_iter().chain(more).collect::<Vec<_>>();
    let table: [Case<'_>; 7] = [
        (
            organization,
            Operation::ListAccounts,
            1,
            with(vec![
                Spoiling::With("/Accounts/3", "null"),
                Spoiling::Without("/Accounts/3/Id"),
                Spoiling::Without("/Accounts/3/Name"),
                Spoiling::Without("/Accounts/3/State"),
                Spoiling::With("/Accounts/3/Paths", "[null]"),
            ]),
            by_ou,
        ),
        (
            organization,
            Operation::ListTagsForResource,
            1,
            with(vec![
                Spoiling::Without("/Tags/0/Value"),
                Spoiling::Without("/Tags/0/Key"),
                Spoiling::With("/Tags/0", "null"),
            ]),
            by_tag,
        ),
        (walk, Operation::ListRoots, 0, with(vec![Spoiling::Without("/Roots/0/Id")]), by_ou),
        (
            walk,
            Operation::ListOrganizationalUnitsForParent,
            0,
            with(vec![Spoiling::Without("/OrganizationalUnits/0/Id")]),
            by_ou,
        ),
        (walk, Operation::ListAccountsForParent, 1, with(vec![Spoiling::Without("/Accounts/0/Id")]), by_ou),
        (
            organization,
            Operation::DescribeOrganization,
            0,
            vec![foreign("{}"), foreign(r#"{"Organization":{}}"#), Spoiling::Without("/Organization/MasterAccountId")],
            by_ou,
        ),
        (
            organization,
            Operation::DescribeOrganizationalUnit,
            0,
            vec![foreign(""), foreign("{}")],
            &["--exclude-ou=ou-ab12-nobody00"],
        ),
    ];
    for (builder, operation, skip, spoilings, exclusion) in table {
        for with in spoilings {
            // The pages after the first take their turn from the tags of other accounts.
            let spoiled = |times| Spoiled { skip, times, ..Spoiled::always(operation, with.clone()) };
            let builder = || builder().unit("ou-ab12-nobody00", "Nobody", ROOT_ID);
            let bench = Bench::new(builder().spoil(spoiled(2)).start());
            let arguments = [&["apply", "--yes", "--rate=0", "--waves=100%", "--max-attempts=3"], exclusion].concat();
            let run = bench.run("run", &arguments).exits(0).agrees(TokenVersion::V2);
            let set = run.after.accounts.iter().filter(|account| account.sets_received > 0);
            let excludes = exclusion.last() != Some(&"--exclude-ou=ou-ab12-nobody00");
            for account in set {
                assert!(
                    !excludes || !is_left_out(account.id),
                    "{operation:?} {with:?}: {} is excluded\n{run}",
                    account.id
                );
            }
            assert_eq!(run.rows().len(), 45, "{operation:?} {with:?}\n{run}");

            let bench = Bench::new(builder().spoil(spoiled(ALWAYS)).start());
            bench.run("run", &arguments).exits(1).attempted_nothing("with a body that is not an answer to");
        }
    }
}

/// Without the management account, the list is not complete.
#[test]
fn a_list_without_the_management_account_is_an_error() {
    let with = Spoiling::Replaced("\"000000000100\"".to_owned(), "\"000000000999\"".to_owned());
    for (arguments, is_plan) in [(&["apply", "--yes"][..], false), (&["plan"], true), (&["doctor"], true)] {
        let bench = Bench::new(organization().spoil(Spoiled::always(Operation::ListAccounts, with.clone())).start());
        let run = if arguments == ["doctor"] {
            bench.finish("none", bench.bare(arguments))
        } else {
            bench.run("run", arguments)
        };
        let run = run.exits(1);
        let says = "did not name the management account 000000000100";
        assert!(run.stderr.contains(says) || run.stdout.contains(says), "{run}");
        assert!(is_plan || !run.touched_accounts(), "{run}");
    }
}

/// Accounts that the walk through the tree does not find, as if they were moved during the walk.
#[test]
fn the_place_of_an_account_is_asked_for() {
    let hidden = |builder: Builder| {
        let without = |skip, pointer| Spoiled {
            skip,
            times: 1,
            ..Spoiled::always(Operation::ListAccountsForParent, Spoiling::Without(pointer))
        };
        builder
            .listing(ListingFault::NoPaths)
            // One directly below the root, and one in the OU, which is on the third page.
            .spoil(without(0, "/Accounts/0"))
            .spoil(without(0, "/Accounts/0"))
            .spoil(without(0, "/Accounts/0"))
    };
    let apply = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-attempts=2"];
    let excluding = [&apply[..], &["--exclude-ou", LEFT_OUT]].concat();
    let including = [&apply[..], &["--ou", LEFT_OUT]].concat();
    for (arguments, is_set) in [(&excluding, false), (&including, true)] {
        let bench = Bench::new(hidden(organization()).start());
        let run = bench.run("run", arguments).exits(0).agrees(TokenVersion::V2);
        assert_eq!(run.calls(Operation::ListParents), 3, "{run}");
        for account in &run.after.accounts {
            assert_eq!(account.sets_received > 0, is_left_out(account.id) == is_set, "{}\n{run}", account.id);
        }
        let rows = run.rows();
        let paths = rows.values().filter(|row| row["ou_path"].starts_with("o-exampleorg1/r-ab12/")).count();
        assert_eq!(paths, 45, "{run}");
    }
    let denied = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "organizations:ListParents", "Resource": "*"}]}"#;
    for spoil in
        [None, Some(foreign("{}")), Some(foreign(r#"{"Parents":[]}"#)), Some(Spoiling::Without("/Parents/0/Id"))]
    {
        let builder = || match &spoil {
            None => hidden(organization()).caller_policy(denied),
            Some(with) => hidden(organization()).spoil(Spoiled::always(Operation::ListParents, with.clone())),
        };
        for arguments in [&excluding, &including] {
            Bench::new(builder().start()).run("run", arguments).exits(1).attempted_nothing("ListParents");
        }
        let bench = Bench::new(builder().start());
        let run = bench.run("run", &apply).exits(0).agrees(TokenVersion::V2);
        let run = run.says(&["note: Organizations returned no OU path", "ListParents"]);
        assert_eq!(run.rows().values().filter(|row| row["ou_path"].is_empty()).count(), 3, "{run}");
    }
}

/// In an account, an answer that lacks something is tried again, and then the account has failed: it is not unknown, and not set.
#[test]
fn a_visit_takes_no_answer_for_granted() {
    let replaced = |from: &str, to: &str| Spoiling::Replaced(from.to_owned(), to.to_owned());
    let summary = |map: &str| {
        foreign(&format!(
            "<GetAccountSummaryResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetAccountSummaryResult>{map}\
             </GetAccountSummaryResult></GetAccountSummaryResponse>"
        ))
    };
    let read = Operation::GetAccountSummary;
    let cases = [
        (read, "read", replaced("SummaryMap", "OtherMap")),
        (read, "read", summary("")),
        (read, "read", summary("<SummaryMap/>")),
        (read, "read", summary("<SummaryMap><entry><key>GlobalEndpointTokenVersion</key></entry></SummaryMap>")),
        (read, "read", foreign("")),
        (read, "read", foreign("{}")),
        (Operation::AssumeRole, "assume", foreign("<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>")),
        (Operation::AssumeRole, "assume", replaced("AssumedRoleUser", "User")),
        (Operation::AssumeRole, "assume", replaced("Arn>", "Name>")),
        (Operation::AssumeRole, "assume", replaced("SessionToken", "Token")),
        (Operation::AssumeRole, "assume", replaced("SecretAccessKey", "Key")),
        (Operation::AssumeRole, "assume", replaced("AccessKeyId", "Id")),
        (Operation::AssumeRole, "assume", replaced("Expiration", "End")),
    ];
    let mut builder = Organization::builder().accounts(2 * cases.len() + 1);
    for (index, (operation, _, with)) in cases.iter().enumerate() {
        for (number, times) in [(1, ALWAYS), (2, 2)] {
            let account = Some(AccountId::from(2 * index + number));
            builder = builder.spoil(Spoiled { account, times, ..Spoiled::always(*operation, with.clone()) });
        }
    }
    let bench = Bench::new(builder.start());
    let arguments =
        ["apply", "--yes", "--rate=0", "--concurrency=100", "--waves=100%", "--max-errors=100%", "--max-attempts=3"];
    let run = bench.run("run", &arguments).exits(3).agrees(TokenVersion::V2);
    let rows = run.rows();
    for (index, (_, stage, with)) in cases.iter().enumerate() {
        let row = |number: usize| &rows[&AccountId::from(2 * index + number).to_string()];
        let cells = [&row(1)["outcome"], &row(1)["stage"], &row(1)["error_code"]].map(String::as_str);
        assert_eq!(cells, ["failed", stage, "UnreadableAnswer"], "{with:?}: {:#?}", row(1));
        assert_eq!(row(1)["attempts"].parse(), Ok(if *stage == "assume" { 3 } else { 4 }), "{with:?}: {:#?}", row(1));
        assert_eq!(row(2)["outcome"], "changed", "{with:?}: {:#?}", row(2));
    }
}

/// The answers before the first account, and of the account that the credentials belong to.
#[test]
fn the_caller_is_asked_for_again() {
    for (from, to) in [("<Arn>", "<Name>"), ("Account>", "Name>"), ("<Arn>arn:", "<Arn>")] {
        let with = Spoiling::Replaced(from.to_owned(), to.to_owned());
        // One call connects, and the second proves that the session is in the account.
        for (skip, times, code, says) in [
            (0, 2, 0, "changed"),
            (1, 2, 0, "changed"),
            (0, ALWAYS, 1, "GetCallerIdentity failed with UnreadableAnswer"),
            (1, ALWAYS, 3, "GetCallerIdentity"),
        ] {
            let spoiled = Spoiled { skip, times, ..Spoiled::always(Operation::GetCallerIdentity, with.clone()) };
            let bench = Bench::new(Organization::builder().accounts(3).spoil(spoiled).start());
            let run = bench
                .run("run", &["apply", "--yes", "--max-attempts=3", "--waves=100%", "--max-errors=100%"])
                .exits(code);
            let row = if code == 1 { String::new() } else { format!("{:?}", run.rows()["000000000100"]) };
            assert!(
                run.stderr.contains(says) || row.contains(says) || row.contains("UnreadableAnswer"),
                "{from} {skip} {times}\n{run}\n{row}"
            );
        }
    }
}
