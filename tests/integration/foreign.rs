//! Answers that do not come from AWS: only AWS can refuse a Set.

use v2token_simulator::{ALWAYS, AccountId, Operation, Organization, Spoiled, Spoiling, TokenVersion};

use crate::harness::Bench;

const SET: Operation = Operation::SetSecurityTokenServicePreferences;

/// The statuses with which proxies and firewalls answer, and a body of one of them for each.
const FOREIGN: &[(u16, &str)] = &[
    (400, ""),
    (401, "<html><body>log in</body></html>"),
    (403, "<html><Error><Code>AccessDenied</Code><Message>blocked</Message></Error></html>"),
    (403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"),
    (403, r#"{"__type":"AccessDeniedException","message":"no"}"#),
    (404, "not here"),
    (407, ""),
    (413, "<html>too large</html>"),
    (429, ""),
    (451, r#"{"message":"unavailable for legal reasons"}"#),
    (499, "<ErrorResponse><Error><Code>499</Code></Error></ErrorResponse>"),
    (302, ""),
    (502, "<html>bad gateway</html>"),
];

fn spoiled(account: usize, operation: Operation, answer: (u16, &str), times: u32, takes_effect: bool) -> Spoiled {
    let with = Spoiling::Foreign { status: answer.0, body: answer.1.to_owned() };
    let account = Some(AccountId::from(account));
    Spoiled { account, times, takes_effect, ..Spoiled::always(operation, with) }
}

/// A Set that another server answers is in doubt: it is settled by reading, and a rollback takes it back.
#[test]
fn a_set_is_not_refused_by_another_server() {
    let mut builder = Organization::builder().accounts(4 * FOREIGN.len() + 1);
    let account = |index: usize, case: usize| 4 * index + case + 1;
    for (index, answer) in FOREIGN.iter().enumerate() {
        builder = builder
            .spoil(spoiled(account(index, 0), SET, *answer, ALWAYS, true))
            .spoil(spoiled(account(index, 1), SET, *answer, ALWAYS, false))
            .spoil(spoiled(account(index, 2), SET, *answer, 1, true))
            .spoil(spoiled(account(index, 3), SET, *answer, 2, false));
    }
    let bench = Bench::new(builder.start());
    let arguments =
        ["apply", "--yes", "--rate=0", "--concurrency=100", "--waves=100%", "--max-errors=100%", "--max-attempts=3"];
    let run = bench.run("run", &arguments).exits(3).agrees(TokenVersion::V2);
    let rows = run.rows();
    let mut wrong = Vec::new();
    for (index, (status, body)) in FOREIGN.iter().enumerate() {
        let code = if *status == 302 { "UnreadableAnswer".to_owned() } else { format!("HttpStatus{status}") };
        for (case, expected) in
            [["changed", "", ""], ["unverified", "set", &code], ["changed", "", ""], ["changed", "", ""]]
                .iter()
                .enumerate()
        {
            let row = &rows[&AccountId::from(account(index, case)).to_string()];
            let cells = [&row["outcome"], &row["stage"], &row["error_code"]].map(String::as_str);
            if cells != *expected {
                wrong.push(format!("{status} {body:?}, case {case}: {row:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let folder = run.folder.to_str().expect("a UTF-8 path");
    let back = bench.run(
        "back",
        &["rollback", folder, "--yes", "--rate=0", "--waves=100%", "--max-errors=100%", "--max-attempts=3"],
    );
    for account in &back.after.accounts {
        assert_ne!(account.version, Some(TokenVersion::V2), "{}: the rollback passed it by\n{back}", account.id);
    }
}

/// Before a Set, an answer of another server is tried again, and is no refusal either.
#[test]
fn a_temporary_foreign_answer_costs_attempts_only() {
    let stages = [(Operation::AssumeRole, "assume"), (Operation::GetAccountSummary, "read")];
    let mut builder = Organization::builder().accounts(4 * FOREIGN.len() + 1);
    for (index, answer) in FOREIGN.iter().enumerate() {
        for (stage, (operation, _)) in stages.iter().enumerate() {
            builder = builder.spoil(spoiled(4 * index + 2 * stage + 1, *operation, *answer, 2, true)).spoil(spoiled(
                4 * index + 2 * stage + 2,
                *operation,
                *answer,
                ALWAYS,
                true,
            ));
        }
    }
    let bench = Bench::new(builder.start());
    let arguments =
        ["apply", "--yes", "--rate=0", "--concurrency=100", "--waves=100%", "--max-errors=100%", "--max-attempts=4"];
    let run = bench.run("run", &arguments).exits(3).agrees(TokenVersion::V2);
    let rows = run.rows();
    for index in 0..FOREIGN.len() {
        for (stage, (_, name)) in stages.iter().enumerate() {
            let row = |number: usize| &rows[&AccountId::from(4 * index + 2 * stage + number).to_string()];
            assert_eq!(row(1)["outcome"], "changed", "{:?} {:#?}", FOREIGN[index], row(1));
            assert_eq!((row(2)["outcome"].as_str(), row(2)["stage"].as_str()), ("failed", *name), "{:#?}", row(2));
            assert!(row(2)["attempts"].parse::<u32>().expect("a number") >= 4, "{:#?}", row(2));
        }
    }
}

/// A refusal by another server is no reason to list with other credentials, or to believe that there is no such OU.
#[test]
fn listing_tries_a_foreign_answer_again() {
    for (operation, more) in [
        (Operation::DescribeOrganization, &[][..]),
        (Operation::ListAccounts, &[]),
        (Operation::DescribeOrganizationalUnit, &["--exclude-ou=ou-ab12-empty0001"]),
        (Operation::ListTagsForResource, &["--exclude-tag=env=prod"]),
    ] {
        for body in
            ["", r#"{"message":"Forbidden"}"#, r#"{"code":"OrganizationalUnitNotFoundException","message":"no"}"#]
        {
            let with = Spoiling::Foreign { status: 403, body: body.to_owned() };
            let builder =
                Organization::builder().accounts(25).unit("ou-ab12-empty0001", "Empty", v2token_simulator::ROOT_ID);
            let spoiled = Spoiled { times: 2, ..Spoiled::always(operation, with) };
            let bench = Bench::new(builder.spoil(spoiled).unlimited().start());
            let arguments = [&["plan", "--rate=0"], more].concat();
            bench.run("run", &arguments).exits(0);
        }
    }
}
