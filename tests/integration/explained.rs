//! Denials that AWS explains: the policies that denied a request, from the answer of IAM Access Troubleshooter to all reports.

mod doctor;
mod faults;

use std::time::Duration;

use serde_json::{Value, json};
use v2token_simulator::{
    ALWAYS, Builder, DenyingPolicy, Operation, Organization, PolicyType, RateLimit, Service, TokenVersion,
    Troubleshooter,
};

use crate::browser::Browser;
use crate::harness::{Bench, Run, read_csv};
use crate::running::Running;

const ASK: Operation = Operation::GetRequestAuthorizationDetails;
const OU: &str = "ou-ab12-prod0001";

/// What the hint says about the service control policy of the simulator.
const BY_SCP: &str =
    "denied by service control policy p-examplescp1 (DenySts), statement NoIamSettings, attached to ou-ab12-prod0001";

const APPLY: [&str; 5] = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=100%"];
const PLAN: [&str; 2] = ["plan", "--rate=0"];

/// Six accounts, and an OU.
fn six() -> Builder {
    Organization::builder().accounts(6).unlimited().unit(OU, "Prod", v2token_simulator::ROOT_ID)
}

/// Six accounts, of which these refuse a set by a service control policy.
fn denied_by_scp(accounts: &[u64]) -> Builder {
    accounts.iter().fold(six(), |builder, &account| {
        builder.account(account, |account| {
            account.faults.deny_set_by_scp = true;
            OU.clone_into(&mut account.ou);
        })
    })
}

/// The hints of the accounts that failed.
fn hints(run: &Run) -> Vec<String> {
    run.rows().into_values().filter(|row| row["outcome"] == "failed").map(|row| row["hint"].clone()).collect()
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&std::fs::read_to_string(run.folder.join("report.json")).expect("a report")).expect("JSON")
}

/// The member `denied_by` of an account in a report.
fn denied_by<'a>(report: &'a Value, account: &str) -> &'a Value {
    let accounts = report["accounts"].as_array().expect("accounts");
    &accounts.iter().find(|row| row["account_id"] == account).expect("the account")["denied_by"]
}

#[test]
fn every_report_names_the_policy_that_denied() {
    let bench = Bench::new(denied_by_scp(&[4]).start());
    let run = bench.run("run", &[&APPLY[..], &["--report=report.md"]].concat()).exits(3).agrees(TokenVersion::V2);
    let hint = format!("{BY_SCP}: exempt the role there, or lift the policy for the rollout");
    assert_eq!(hints(&run), [hint.as_str()], "{run}");
    // The summary is wrapped for a terminal.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&run.stdout).contains(&format!("hint: {hint}")), "{run}");
    let markdown = std::fs::read_to_string(bench.folder.path().join("report.md")).expect("a report");
    assert!(markdown.contains(&format!("What to do: {hint}")), "{markdown}");
    assert_eq!(
        *denied_by(&report(&run), "000000000004"),
        json!({
            "effect": "explicit_deny",
            "action": "iam:SetSecurityTokenServicePreferences",
            "asked_about": "000000000004",
            "policies": [{
                "type": "service_control_policy",
                "id": "p-examplescp1",
                "name": "DenySts",
                "arn": "arn:aws:organizations::000000000100:policy/o-exampleorg1/service_control_policy/p-examplescp1",
                "inline": false,
                "statements": ["NoIamSettings"],
                "attached_to": ["arn:aws:organizations::000000000100:ou/o-exampleorg1/ou-ab12-prod0001"],
            }],
        })
    );
    assert_eq!(*denied_by(&report(&run), "000000000001"), Value::Null, "other accounts have no such member");
    // The question is asked with the base credentials, in the Region of IAM.
    assert_eq!((run.calls(ASK), run.after.callers["user/operator"][&ASK]), (1, 1), "{run}");
    assert_eq!(run.after.signing_regions[&Service::IamToolbox].keys().collect::<Vec<_>>(), ["us-east-1"]);

    if let Some(mut browser) = Browser::start() {
        browser.open_file(&run.folder.join("report.html"));
        let failures = browser.value("document.querySelector('main').textContent");
        assert!(words(failures.as_str().expect("a text")).contains(&hint), "{failures}");
        browser.value("location.hash = 'outcome=failed'");
        browser.wait_for("document.querySelectorAll('#rows tbody tr:not(.gap) th').length === 1");
        browser.value("document.querySelector('#rows tbody tr:not(.gap)').click()");
        browser.wait_for(&format!("document.body.innerText.includes({})", json!(hint)));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
}

/// A query may name the member, whether or not an account has it.
#[test]
fn queries_find_the_policy_that_denied() {
    let bench = Bench::new(denied_by_scp(&[4]).start());
    bench.run("denied", &APPLY).exits(3);
    bench.run("plan", &PLAN).exits(0);
    let query = "--query=accounts[?denied_by].denied_by.policies[].[id, name]";
    for (run, prints, notes) in [("denied", "p-examplescp1\tDenySts\n", 0), ("plan", "", 2)] {
        let shown = bench.again(run, &["report", run, query, "--output=text"]).exits(0);
        assert_eq!(shown.stdout, prints, "{shown}");
        // In a report without denials, the names of its members may be mistaken ones.
        assert_eq!(
            shown.stderr.matches("the document has no member").count(),
            notes + usize::from(notes > 0),
            "{shown}"
        );
        assert!(!shown.stderr.contains("no member denied_by"), "{shown}");
    }
    let page = include_str!("../../docs/report.md");
    let shown = page.split_once("### Denials in JSON").and_then(|(_, rest)| rest.split("```").nth(1)).expect("a block");
    let shown: Value = serde_json::from_str(shown.trim_start_matches("json")).expect("JSON");
    let printed = bench.again("denied", &["report", "denied", "--output=json"]).exits(0);
    let printed: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let printed = denied_by(&printed, "000000000004");
    assert_eq!((keys(&shown), keys(&shown["policies"][0])), (keys(printed), keys(&printed["policies"][0])));
}

/// The name of the policy needs a call of its own, which may be refused.
#[test]
fn a_policy_without_a_name_has_its_id() {
    let policy = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "organizations:DescribePolicy", "Resource": "*"}]}"#;
    let bench = Bench::new(denied_by_scp(&[4]).caller_policy(policy).start());
    let run = bench.run("run", &APPLY).exits(3);
    assert!(hints(&run)[0].starts_with("denied by service control policy p-examplescp1, statement"), "{run}");
    assert_eq!(denied_by(&report(&run), "000000000004")["policies"][0]["name"], Value::Null);
}

#[test]
fn every_type_of_policy_is_named() {
    for policy_type in PolicyType::ALL {
        for by in [DenyingPolicy::explicit(policy_type), DenyingPolicy::implicit(policy_type)] {
            let bench = Bench::new(six().account(4, move |account| account.faults.deny_read_by = Some(by)).start());
            let run = bench.run("run", &PLAN).exits(3);
            let words = policy_type.words();
            let named = match policy_type {
                PolicyType::ServiceControl => format!("{words} p-examplescp1 (DenySts)"),
                PolicyType::ResourceControl => format!("{words} p-examplercp1"),
                PolicyType::PermissionsBoundary => {
                    format!("{words} arn:aws:iam::000000000004:policy/boundaries/Limits")
                }
                PolicyType::IdentityBased => format!("{words} arn:aws:iam::000000000004:policy/NoTokens"),
                PolicyType::ResourceBased | PolicyType::Session | PolicyType::VpcEndpoint => {
                    format!("an inline {words}")
                }
            };
            let attached = match policy_type {
                PolicyType::ServiceControl | PolicyType::ResourceControl => "r-ab12",
                PolicyType::PermissionsBoundary | PolicyType::IdentityBased => "role/OrganizationAccountAccessRole",
                PolicyType::ResourceBased => "root",
                PolicyType::Session => "assumed-role/OrganizationAccountAccessRole/",
                PolicyType::VpcEndpoint => "arn:aws:ec2:us-east-1:000000000004:vpc-endpoint/vpce-0a1b2c3d4e5f",
            };
            let hint = &hints(&run)[0];
            if by.explicit {
                let expected = format!("denied by {named}, statement NoReading, attached to {attached}");
                assert!(hint.starts_with(&expected), "{expected}\n{run}");
            } else {
                assert!(hint.starts_with("not allowed by "), "{run}");
                assert!(hint.contains(&format!("{named}, attached to {attached}")), "{named}\n{run}");
                assert!(!hint.contains("statement"), "{run}");
            }
            let structured = report(&run);
            let structured = denied_by(&structured, "000000000004");
            let effect = if by.explicit { "explicit_deny" } else { "implicit_deny" };
            assert_eq!(structured["effect"], effect, "{structured}");
            let wanted = match policy_type {
                PolicyType::VpcEndpoint => "vpc_endpoint_policy".to_owned(),
                _ => words.replace(['-', ' '], "_"),
            };
            let types: Vec<&Value> =
                structured["policies"].as_array().unwrap().iter().map(|policy| &policy["type"]).collect();
            assert!(types.iter().all(|policy_type| **policy_type == wanted), "{wanted}: {structured}");
        }
    }
}

/// Four thousand equal denials are one cause and one question.
#[test]
fn there_is_one_question_for_each_cause() {
    let builder = Organization::builder().accounts(4_001).unlimited();
    let denied = builder.each_account(|account| account.faults.deny_set_by_scp = true);
    let bench = Bench::new(denied.start());
    let run = bench.run("run", &[&APPLY[..], &["--concurrency=64"]].concat()).exits(3).agrees(TokenVersion::V2);
    assert_eq!(run.calls(ASK), 1, "the management account has no service control policies\n{}", run.stderr);
    let hints = hints(&run);
    let text = "denied by service control policy p-examplescp1 (DenySts), statement NoIamSettings, attached to r-ab12, as AWS says \
                about account 0000";
    assert!(
        hints.len() == 4_000 && hints.iter().all(|hint| hint.starts_with(text) && *hint == hints[0]),
        "{}",
        hints[0]
    );
    assert_eq!(run.stdout.matches(" failed at set").count(), 1, "one cause\n{run}");
    let journal = std::fs::read_to_string(run.folder.join("journal.jsonl")).expect("a journal");
    let last: Vec<&str> = journal.lines().rev().take(2).collect();
    assert!(last[0].contains(r#""event":"ended""#) && last[1].starts_with(r#"{"event":"explained""#), "before ended");
    assert_eq!(journal.matches(r#""event":"explained""#).count(), 1);
}

#[test]
fn a_run_asks_about_ten_causes_at_most() {
    let types = PolicyType::ALL.into_iter();
    let all = types.flat_map(|each| [DenyingPolicy::explicit(each), DenyingPolicy::implicit(each)]);
    let builder = Organization::builder().accounts(20).unlimited();
    let builder = (1_u64..)
        .zip(all)
        .fold(builder, |builder, (account, by)| builder.account(account, move |it| it.faults.deny_read_by = Some(by)));
    let bench = Bench::new(builder.start());
    let run = bench.run("run", &PLAN).exits(3);
    assert_eq!(run.calls(ASK), 10, "{run}");
    assert_eq!(hints(&run).iter().filter(|hint| hint.contains("attached to")).count(), 10, "{run}");
}

/// Nothing is asked, and nothing is waited for.
#[test]
fn most_runs_ask_nothing() {
    let end = " with an explicit deny in a service control policy (authorization id: {id})";
    let scp = || denied_by_scp(&[4]);
    let at_global_endpoint = || {
        six().global_sts(Duration::ZERO).account(4, move |account| {
            account.faults.global.denied = true;
            end.clone_into(&mut account.faults.denial_ends);
        })
    };
    let table: [(&str, Builder, &[&str], i32); 7] = [
        ("nothing is denied", six(), &APPLY, 0),
        (
            "STS is not covered",
            six().account(4, move |account| {
                account.faults.deny_assume = true;
                end.clone_into(&mut account.faults.denial_ends);
            }),
            &APPLY,
            3,
        ),
        ("nor is STS at the global endpoint", at_global_endpoint(), &[&APPLY[..], &["--verify=token"]].concat(), 3),
        ("no id", scp().troubleshooter(Troubleshooter { without_ids: true, ..Troubleshooter::default() }), &APPLY, 3),
        ("--no-explain", scp(), &[&APPLY[..], &["--no-explain"]].concat(), 3),
        ("another error", six().account(4, |account| account.faults.region_disabled = true), &APPLY, 3),
        ("a plan sends no set", scp(), &PLAN, 0),
    ];
    for (name, builder, arguments, code) in table {
        let bench = Bench::new(builder.start());
        let run = bench.run("run", arguments).exits(code);
        assert_eq!(run.calls(ASK) + run.calls(Operation::DescribePolicy), 0, "{name}\n{run}");
        let journal = std::fs::read_to_string(run.folder.join("journal.jsonl")).expect("a journal");
        assert!(!journal.contains("explained"), "{name}");
        assert!(!std::fs::read_to_string(run.folder.join("report.json")).expect("a report").contains("denied_by"));
    }
    let mut bench = Bench::new(denied_by_scp(&[4]).start());
    bench.env("V2TOKEN_NO_EXPLAIN", "true");
    assert_eq!(bench.run("variable", &APPLY).exits(3).calls(ASK), 0);
    bench.env("V2TOKEN_NO_EXPLAIN", "false");
    // A resume, and a rollback of the run, keep the option.
    let off = bench.run("off", &[&APPLY[..], &["--no-explain"]].concat()).exits(3);
    assert_eq!(bench.again("off", &["resume", "off", "--yes", "--retry-failed"]).exits(3).calls(ASK), 0);
    assert!(std::fs::read_to_string(off.folder.join("run.json")).unwrap().contains("\"no_explain\": true"));
}

/// What was found out stays: after a stop, a resume, and in other reports.
#[test]
fn later_commands_show_the_explanation() {
    let bench = Bench::new(denied_by_scp(&[1, 2, 3, 4]).start());
    let arguments =
        ["apply", "--yes", "--rate=0", "--waves=3,100%", "--max-errors=1", "--canary=000000000001,000000000002"];
    let run = bench.run("run", &arguments).exits(5);
    assert_eq!(run.calls(ASK), 1, "a run that was stopped asks, too\n{run}");
    let hint = hints(&run)[0].clone();
    assert!(hint.starts_with(BY_SCP), "{run}");

    for name in ["a", "b"] {
        let command = bench.bare(&["report", "run", "--output=json"]);
        let shown = bench.finish("run", command).exits(0);
        assert_eq!(shown.all_calls(), 0, "{name}");
        let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!(*denied_by(&shown, "000000000001"), *denied_by(&report(&run), "000000000001"));
        assert_eq!(shown["accounts"][0]["hint"], hint.as_str());
        // Reports that are made from the journal alone.
        for file in ["report.csv", "report.json", "report.html"] {
            std::fs::remove_file(run.folder.join(file)).expect("a report");
        }
        bench.again("run", &["report", "run"]).exits(0);
        assert_eq!(read_csv(&run.folder.join("report.csv"))["000000000001"]["hint"], hint);
    }
    let history = bench.again("none", &["history", "000000000001", "--output=json", "--runs-dir=."]).exits(0);
    assert!(history.stdout.contains(BY_SCP), "{history}");

    // The accounts that failed are left out, so what is known of them stays; the others have a cause of their own.
    let resumed = bench.again("run", &["resume", "run", "--yes", "--leave-failed", "--max-errors=100%", "--bake=0s"]);
    let resumed = resumed.exits(3);
    assert_eq!(resumed.calls(ASK), 1, "only about the accounts that were not explained\n{resumed}");
    let hints = hints(&resumed);
    assert!(hints.len() == 4 && hints.iter().all(|hint| hint.starts_with(BY_SCP)), "{hints:?}");
    assert_eq!(resumed.rows()["000000000001"]["hint"], hint);

    // A visit that goes well leaves nothing of it.
    bench.organization.control(|world| {
        world.accounts_mut().iter_mut().for_each(|account| account.faults.deny_set_by_scp = false);
    });
    let retried = bench.again("run", &["resume", "run", "--yes", "--retry-failed", "--bake=0s"]).exits(0);
    assert_eq!(retried.calls(ASK), 0, "{retried}");
    assert_eq!(*denied_by(&report(&retried), "000000000001"), Value::Null);
    assert_eq!(retried.rows()["000000000001"]["hint"], "");
}

/// Each run asks about another account, and the merged report has one cause nevertheless.
#[test]
fn a_merged_report_has_the_explanations_of_its_runs() {
    for denied in [&[1, 2, 3, 4][..], &[3, 4]] {
        let bench = Bench::new(denied_by_scp(denied).start());
        for (name, shard) in [("part0", "0/2"), ("part1", "1/2")] {
            let run = bench.run(name, &[&APPLY[..], &["--shard", shard]].concat());
            assert_eq!(run.calls(ASK), u64::from(run.code == 3), "{run}");
        }
        let merged = bench.again("part0", &["report", "part0", "part1", "--output=json"]).exits(0);
        let merged: Value = serde_json::from_str(&merged.stdout).expect("JSON");
        for account in denied {
            let found = denied_by(&merged, &format!("{account:012}"));
            assert_eq!(found["policies"][0]["name"], "DenySts", "{merged}");
        }
        let merged = bench.again("part0", &["report", "part0", "part1"]).exits(0);
        assert_eq!(merged.stdout.matches(" failed at set").count(), 1, "{merged}");
    }
}

/// The settings of endpoints that concern the service.
#[test]
fn the_question_goes_where_the_endpoint_settings_lead() {
    let mut bench = Bench::new(denied_by_scp(&[4]).start());
    let endpoint = bench.organization.endpoint();
    // It refuses the question, which would otherwise be asked again: it knows no id of the other server.
    let refuses = r#"{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}"#;
    let other = Organization::builder().accounts(6).caller_policy(refuses).start();
    // Another server does not know the id, and the hint stays as it is.
    bench.env("AWS_ENDPOINT_URL_IAM_TOOLBOX", "http://127.0.0.1:1");
    let run = bench.run("elsewhere", &APPLY).exits(3);
    assert_eq!((run.calls(ASK), hints(&run)[0].starts_with("a service control policy")), (0, true), "{run}");
    bench.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    for service in ["STS", "IAM", "ORGANIZATIONS", "IAM_TOOLBOX"] {
        bench.env(&format!("AWS_ENDPOINT_URL_{service}"), &endpoint);
    }
    assert_eq!(bench.run("variables", &APPLY).exits(3).calls(ASK), 1);
    // Without a setting for the service, AWS would be asked about an id that is not from AWS.
    bench.without_env("AWS_ENDPOINT_URL_IAM_TOOLBOX").without_env("AWS_ENDPOINT_URL");
    let run = bench.run("unset", &APPLY).exits(3);
    assert_eq!((run.calls(ASK), hints(&run)[0].starts_with("a service control policy")), (0, true), "{run}");
    // The option replaces all of these.
    bench.env("AWS_ENDPOINT_URL_IAM_TOOLBOX", &other.endpoint());
    let run = bench.run("option", &[&APPLY[..], &["--endpoint-url", &endpoint]].concat()).exits(3);
    assert_eq!(run.calls(ASK), 1, "{run}");
    // A section of the profile, in which the service has this name.
    let config = format!(
        "[default]\nservices = local\nendpoint_url = {endpoint}\n[services local]\niam_toolbox =\n  endpoint_url = {}\n",
        other.endpoint()
    );
    std::fs::write(bench.folder.path().join("config"), config).expect("a writable folder");
    bench.env("AWS_CONFIG_FILE", "config");
    for service in ["STS", "IAM", "ORGANIZATIONS", "IAM_TOOLBOX"] {
        bench.without_env(&format!("AWS_ENDPOINT_URL_{service}"));
    }
    let run = bench.run("profile", &APPLY).exits(3);
    assert_eq!((run.calls(ASK), other.truth().requests(ASK)), (0, 1), "{run}");
    // A mistake is found before anything is done.
    bench.env("AWS_ENDPOINT_URL_IAM_TOOLBOX", "localhost:5000");
    bench.run("wrong", &APPLY).exits(1).attempted_nothing("not an endpoint URL");
}

#[test]
fn ctrl_c_ends_the_wait_and_loses_nothing() {
    let late = Troubleshooter { late: ALWAYS, ..Troubleshooter::default() };
    for signal in ["INT", "TERM"] {
        let bench = Bench::new(denied_by_scp(&[4]).troubleshooter(late.clone()).start());
        let mut running = Running::start(&bench, "run", &APPLY);
        running.until(|truth| truth.requests(ASK) >= 2).until_it_says("--no-explain leaves it out").send(signal);
        let run = running.end().exits(3).agrees(TokenVersion::V2);
        assert!(hints(&run)[0].starts_with("a service control policy"), "{run}");
        assert!(run.stdout.contains("4  changed") || run.stdout.contains("5  changed"), "{run}");
        // A resume asks again.
        bench.organization.control(|world| world.set_troubleshooter(Troubleshooter::default()));
        let resumed = bench.again("run", &["resume", "run", "--yes", "--retry-failed", "--bake=0s"]).exits(3);
        assert!(hints(&resumed)[0].starts_with(BY_SCP), "{resumed}");
    }
}

/// A limit that the questions of three causes exceed.
#[test]
fn a_throttled_question_is_asked_again() {
    let builder = [PolicyType::ServiceControl, PolicyType::Session, PolicyType::PermissionsBoundary];
    let builder = (1_u64..).zip(builder).fold(six(), |builder, (account, policy_type)| {
        builder.account(account, move |it| it.faults.deny_read_by = Some(DenyingPolicy::explicit(policy_type)))
    });
    let bench = Bench::new(builder.throttle(ASK, RateLimit::new(2.0, 1.0)).start());
    let run = bench.run("run", &PLAN).exits(3);
    assert!(run.after.operation(ASK).errors["ThrottlingException"] > 0, "{run}");
    assert!(hints(&run).iter().all(|hint| hint.starts_with("denied by ")), "{run}");
}
