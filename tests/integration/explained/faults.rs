//! Questions without a usable answer: the run ends as it would without them.

use v2token_simulator::{ALWAYS, Endless, Operation, Spoiled, Spoiling, TokenVersion, Troubleshooter};

use super::{APPLY, ASK, BY_SCP, denied_by, denied_by_scp, hints, report};
use crate::harness::Bench;

/// The hint without an explanation.
const PLAIN: &str =
    "a service control policy of the Organization denies it: exempt the role there, or lift the policy for the rollout";

fn spoiled(times: u32, with: Spoiling) -> Spoiled {
    Spoiled { times, takes_effect: true, ..Spoiled::always(ASK, with) }
}

/// How the answers are spoiled, whether it lasts, and how many questions are asked.
#[test]
fn an_unusable_answer_costs_only_the_explanation() {
    let page = || Spoiling::Foreign { status: 200, body: "<html>Sign in</html>".to_owned() };
    let missing = || Spoiling::Foreign { status: 404, body: "<html>404</html>".to_owned() };
    let empty = || Spoiling::Foreign { status: 200, body: "{}".to_owned() };
    let refused = || Spoiling::Foreign { status: 403, body: r#"{"message":"Forbidden"}"#.to_owned() };
    let table = [
        ("a page", page(), 1, 2),
        ("a page, always", page(), ALWAYS, 3),
        ("another server", missing(), ALWAYS, 3),
        ("a firewall", refused(), ALWAYS, 3),
        ("an empty document", empty(), 1, 2),
        ("an empty document, always", empty(), ALWAYS, 3),
        ("no evaluations", Spoiling::Without("/evaluations"), ALWAYS, 3),
        ("null", Spoiling::With("/evaluations", "null"), ALWAYS, 3),
        ("a text in place of a list", Spoiling::With("/evaluations", "\"x\""), 1, 2),
        ("a hole in a list", Spoiling::With("/evaluations/0", "null"), 0, 1),
        ("an endless document", Spoiling::Padded(2 << 20), ALWAYS, 3),
        ("an internal error", Spoiling::Repeating("InternalServerException"), 1, 1),
        ("a long refusal", Spoiling::LongMessage("ValidationException", 1_000_000), ALWAYS, 1),
        // The answer is usable, and tells nothing.
        ("no policies that deny", Spoiling::With("/evaluations/1/matchedPolicies", "[]"), ALWAYS, 1),
        ("another effect", Spoiling::With("/evaluations/1/evaluatedEffect", "\"MAYBE\""), ALWAYS, 1),
        ("everything is allowed", Spoiling::With("/evaluations/1/evaluatedEffect", "\"ALLOW\""), ALWAYS, 1),
    ];
    for (name, with, times, questions) in table {
        let mut bench = Bench::new(denied_by_scp(&[4]).spoil(spoiled(times, with)).start());
        // The harness looks for the context of the request, which the answers have, also in this log.
        bench.env("RUST_LOG", "trace");
        let run = bench.run("run", &[&APPLY[..], &["--debug", "-v"]].concat()).exits(3).agrees(TokenVersion::V2);
        assert_eq!(run.calls(ASK), questions, "{name}\n{run}");
        // A refusal is final.
        let is_explained = times < 2 && !name.contains("internal");
        let hint = &hints(&run)[0];
        assert_eq!(hint.starts_with(BY_SCP), is_explained, "{name}: {hint}");
        assert!(is_explained || hint == PLAIN, "{name}: {hint}");
        assert_eq!(denied_by(&report(&run), "000000000004").is_object(), is_explained, "{name}");
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("error:"), "{name}\n{run}");
    }
}

/// Members that the program does not know, and a type of policy that it does not know.
#[test]
fn an_answer_of_a_later_version_is_read() {
    for (with, says) in [
        (Spoiling::With("/new", "{\"a\": [1]}"), "denied by service control policy p-examplescp1 (DenySts)"),
        (Spoiling::With("/policies/2/type", "\"NEW_POLICY\""), "denied by policy arn:aws:organizations::"),
        (
            Spoiling::With("/policies", "[]"),
            "denied by service control policy p-examplescp1 (DenySts), statement NoIamSettings:",
        ),
        (
            Spoiling::With("/policies/2/attachedTo", "[]"),
            "denied by service control policy p-examplescp1 (DenySts), statement NoIamSettings:",
        ),
        (
            Spoiling::With(
                "/evaluations/1/matchedPolicies/1/matchedStatements/0/sid",
                "\"=cmd|' /C calc'!A0\\u001b[2J\"",
            ),
            "denied by service control policy p-examplescp1 (DenySts), statement =cmd",
        ),
    ] {
        let bench = Bench::new(denied_by_scp(&[4]).spoil(spoiled(ALWAYS, with)).start());
        let run = bench.run("run", &APPLY).exits(3);
        assert!(hints(&run)[0].starts_with(says), "{says}\n{run}");
        assert!(!run.stdout.contains('\u{1b}') && !hints(&run)[0].contains('\u{1b}'), "{run}");
    }
}

#[test]
fn late_details_are_waited_for_and_pages_are_read() {
    for (troubleshooter, questions, is_explained) in [
        (Troubleshooter { late: 2, ..Troubleshooter::default() }, 3, true),
        (Troubleshooter { paged: true, ..Troubleshooter::default() }, 2, true),
        (Troubleshooter { late: 1, paged: true, ..Troubleshooter::default() }, 3, true),
        // Two pages with the same token, three times.
        (Troubleshooter { endless: Some(Endless::SameToken), ..Troubleshooter::default() }, 6, false),
        (Troubleshooter { endless: Some(Endless::NewTokens), ..Troubleshooter::default() }, 30, false),
    ] {
        let bench = Bench::new(denied_by_scp(&[4]).troubleshooter(troubleshooter.clone()).start());
        let run = bench.run("run", &APPLY).exits(3).agrees(TokenVersion::V2);
        assert_eq!(run.calls(ASK), questions, "{troubleshooter:?}\n{run}");
        assert_eq!(hints(&run)[0].starts_with(BY_SCP), is_explained, "{troubleshooter:?}\n{run}");
    }
}

/// The permission that one run lacked, and the resume of the run has: the advice about the permission goes.
#[test]
fn an_explanation_that_comes_later_replaces_the_advice_about_the_permission() {
    let policy = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:GetRequestAuthorizationDetails", "Resource": "*"}]}"#;
    let bench = Bench::new(denied_by_scp(&[1, 2, 3, 4]).caller_policy(policy).start());
    let arguments =
        ["apply", "--yes", "--rate=0", "--waves=2,100%", "--max-errors=1", "--canary=000000000001,000000000002"];
    let run = bench.run("run", &arguments).exits(5);
    let first = run.rows()["000000000001"]["hint"].clone();
    assert!(first.contains("allow iam:GetRequestAuthorizationDetails to the caller"), "{run}");

    let allowed = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    bench.organization.control(|world| world.set_caller_policy(allowed));
    let resumed = bench.again("run", &["resume", "run", "--yes", "--leave-failed", "--max-errors=100%", "--bake=0s"]);
    let hint = &resumed.exits(3).rows()["000000000001"]["hint"];
    assert!(hint.starts_with(BY_SCP) && !hint.contains("GetRequestAuthorizationDetails"), "{hint}");
    assert!(hint.ends_with(": exempt the role there, or lift the policy for the rollout"), "{hint}");
}

/// Without the permission, the hint of the largest cause says once which action would tell more.
#[test]
fn a_missing_permission_is_named_once() {
    const LACKS: &str =
        "allow iam:GetRequestAuthorizationDetails to the caller, and the report names the policy that denied it";
    let policy = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:GetRequestAuthorizationDetails", "Resource": "*"}]}"#;
    let builder = denied_by_scp(&[3, 4]).account(2, |account| account.faults.deny_read = true);
    let bench = Bench::new(builder.caller_policy(policy).start());
    let run = bench.run("run", &APPLY).exits(3).agrees(TokenVersion::V2);
    assert_eq!(run.calls(ASK), 1, "{run}");
    let rows = run.rows();
    for (account, hint) in [(2, "allow iam:GetAccountSummary to the role"), (3, PLAIN), (4, PLAIN)] {
        let expected = if account == 2 { hint.to_owned() } else { format!("{hint}; {LACKS}") };
        assert_eq!(rows[&format!("{account:012}")]["hint"], expected, "{run}");
    }
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words.matches(LACKS).count(), 1, "{run}");
    let shown = bench.again("run", &["report", "run"]).exits(0);
    let words = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words.matches(LACKS).count(), 1, "{shown}");
    // The next run may ask.
    let allowed = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    bench.organization.control(|world| world.set_caller_policy(allowed));
    let resumed = bench.again("run", &["resume", "run", "--yes", "--retry-failed", "--bake=0s"]).exits(3);
    assert!(hints(&resumed).iter().all(|hint| !hint.contains(LACKS)), "{resumed}");
    assert_eq!(resumed.calls(Operation::DescribePolicy), 1, "{resumed}");
}
