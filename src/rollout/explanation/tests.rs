//! Which questions are asked, how long, and what becomes of the answers.

use std::cell::RefCell;
use std::time::UNIX_EPOCH;

use super::*;
use crate::cloud::authorization::{EvaluatedEffect, EvaluatedPolicy, Evaluation, MatchedPolicy, PolicyType};
use crate::cloud::{Effect, Operation};
use crate::org::TokenVersion;
use crate::rollout::{AccountError, Outcome};

const SCP: &str = "arn:aws:organizations::000000000100:policy/o-exampleorg1/service_control_policy/p-examplescp1";
const NOW: Duration = Duration::from_hours(1000);

fn id(number: u64) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

/// A message about a denial in an account, with an authorization id that ends with the account's number.
fn message(action: &str, account: u64) -> String {
    format!(
        "User: arn:aws:sts::{account:012}:assumed-role/R/s is not authorized to perform: {action} on resource: * with an explicit \
         deny in a service control policy: {SCP}. Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/\
         authorization-details/abcdefgh{account} for complete details"
    )
}

fn record(account: u64, stage: Stage, code: &str, message: String, age: Duration) -> Record {
    let error = AccountError {
        stage,
        error_code: code.into(),
        error_message: message,
        hint: "a reason: do it".to_owned(),
        denied_by: None,
    };
    let started_at = Some((UNIX_EPOCH + NOW - age).into());
    Record {
        outcome: Outcome::Failed,
        error: Some(Box::new(error)),
        started_at,
        ..Record::blank(id(account), TokenVersion::V2Token)
    }
}

fn asked(records: &[Record]) -> Vec<(String, usize)> {
    let denied = records.iter().filter_map(DeniedRequest::of_record);
    questions(denied, UNIX_EPOCH + NOW).into_iter().map(|question| (question.id, question.accounts.len())).collect()
}

#[test]
fn there_is_one_question_for_each_cause() {
    let denied = |account, action: &str, age| {
        record(account, Stage::Set, "AccessDenied", message(action, account), Duration::from_secs(age))
    };
    let many: Vec<Record> = (1..=4000).map(|account| denied(account, "iam:Set", 5000 - account)).collect();
    assert_eq!(asked(&many), [("abcdefgh4000".to_owned(), 4000)], "the last denial is asked about");

    let mut mixed = many[..3].to_vec();
    mixed.push(denied(4, "iam:GetAccountSummary", 1));
    mixed.extend((5..25).map(|account| denied(account, &format!("iam:Action{account}"), 1)));
    let questions = asked(&mixed);
    assert_eq!((questions.len(), &questions[0]), (MAX_QUESTIONS, &("abcdefgh3".to_owned(), 3)), "the largest first");
}

#[test]
fn only_denials_that_aws_can_explain_are_asked_about() {
    let set = || message("iam:Set", 1);
    let without_id = "with an explicit deny in a service control policy".to_owned();
    let short = Duration::from_secs(1);
    let mut explained_already = record(1, Stage::Set, "AccessDenied", set(), short);
    explained_already.error.as_mut().unwrap().denied_by = Some(Arc::new(denied_by()));
    for (record, is_asked) in [
        (record(1, Stage::Read, "AccessDenied", set(), short), true),
        (record(1, Stage::Set, "AccessDenied", set(), short), true),
        (record(1, Stage::Verify, "AccessDenied", message("iam:GetAccountSummary", 1), short), true),
        (record(1, Stage::Verify, "AccessDenied", message("sts:AssumeRole", 1), short), false),
        (record(1, Stage::Verify, "AccessDenied", "denied (authorization id: abcdefgh1)".to_owned(), short), false),
        (record(1, Stage::Assume, "AccessDenied", set(), short), false),
        (record(1, Stage::Select, "AccessDenied", set(), short), false),
        (record(1, Stage::Set, "Throttling", set(), short), false),
        (record(1, Stage::Set, "HttpStatus403", set(), short), false),
        (record(1, Stage::Set, "AccessDenied", without_id, short), false),
        (record(1, Stage::Set, "AccessDenied", set(), Duration::from_hours(23)), true),
        (record(1, Stage::Set, "AccessDenied", set(), Duration::from_hours(24)), false),
        (Record { error: None, ..record(1, Stage::Set, "AccessDenied", set(), short) }, false),
        (explained_already, false),
    ] {
        assert_eq!(asked(std::slice::from_ref(&record)).len(), usize::from(is_asked), "{record:?}");
    }
}

fn details() -> AuthorizationDetails {
    let matched = MatchedPolicy { uri: SCP.to_owned(), statements: vec![(Some(true), "NoIamSettings".to_owned())] };
    AuthorizationDetails {
        evaluations: vec![Evaluation {
            action: "iam:Set".to_owned(),
            effect: EvaluatedEffect::ExplicitDeny,
            matched: vec![matched],
        }],
        policies: vec![EvaluatedPolicy {
            policy_type: PolicyType::ServiceControlPolicy,
            uri: SCP.to_owned(),
            is_inline: false,
            attached_to: vec!["arn:aws:organizations::000000000100:ou/o-exampleorg1/ou-ab12-prod0001".to_owned()],
        }],
    }
}

fn denied_by() -> DeniedBy {
    DeniedBy::of(&details(), "iam:Set", "", id(1)).unwrap()
}

fn failure(kind: FailureKind, code: &str, status: Option<u16>) -> Failure {
    Failure {
        operation: Operation::GetRequestAuthorizationDetails,
        kind,
        effect: Effect::None,
        code: code.into(),
        message: String::new(),
        status,
        request_id: None,
    }
}

/// Asks about two causes. `answer` gets the number of earlier questions. Returns the number of questions, what was found, and how many
/// seconds it took.
async fn explained_with(
    answer: impl Fn(u32) -> Result<AuthorizationDetails, Failure>,
) -> (u32, Vec<Option<String>>, u64) {
    let records = [
        record(1, Stage::Set, "AccessDenied", message("iam:Set", 1), Duration::ZERO),
        record(2, Stage::Set, "AccessDenied", message("iam:Other", 2), Duration::ZERO),
    ];
    let asked = RefCell::new(0);
    let mut found = Vec::new();
    let started = Instant::now();
    let ask = async |_: &str| {
        *asked.borrow_mut() += 1;
        tokio::task::yield_now().await;
        answer(*asked.borrow() - 1)
    };
    let name = async |id: &str| Some(format!("name of {id}"));
    let questions = questions(records.iter().filter_map(DeniedRequest::of_record), UNIX_EPOCH + NOW);
    explain(questions, ask, name, |_, explanation| {
        found.push(explanation.denied_by().map(ToString::to_string));
    })
    .await;
    let questions = *asked.borrow();
    (questions, found, started.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn questions_are_repeated_as_long_as_the_answer_may_come() {
    use FailureKind::{Credentials, Refused, Throttled, Transient};
    let by_scp = "denied by service control policy p-examplescp1 (name of p-examplescp1), statement NoIamSettings, attached to \
                  ou-ab12-prod0001";
    let found = || vec![Some(by_scp.to_owned()); 2];
    let late = (Refused, "ResourceNotFoundException", Some(404));
    // The failure, how often it comes, and then the number of questions, what is found, and the most seconds.
    for ((kind, code, status), times, questions, expected, seconds) in [
        (late, 0, 2, found(), 0),
        (late, 5, 7, found(), 4),
        (late, u32::MAX, 22, vec![], 60),
        ((Throttled, "ThrottlingException", Some(429)), 3, 5, found(), 2),
        ((Refused, "AccessDeniedException", Some(403)), u32::MAX, 1, vec![None], 0),
        ((Refused, "ValidationException", Some(400)), 1, 2, vec![Some(by_scp.to_owned())], 0),
        ((Transient, "UnreadableAnswer", Some(200)), 2, 4, found(), 1),
        ((Transient, "UnreadableAnswer", Some(200)), u32::MAX, 3, vec![], 1),
        ((Transient, "InternalServerException", Some(500)), 2, 4, found(), 1),
        ((Transient, "HttpStatus404", Some(404)), u32::MAX, 3, vec![], 1),
        ((Transient, "ConnectionFailed", None), u32::MAX, 3, vec![], 1),
        ((Transient, "RequestTimedOut", None), u32::MAX, 1, vec![], 0),
        ((Credentials, "ExpiredTokenException", Some(403)), u32::MAX, 1, vec![], 0),
        ((Refused, "CertificateRefused", None), u32::MAX, 1, vec![], 0),
    ] {
        let answer = |earlier| if earlier < times { Err(failure(kind, code, status)) } else { Ok(details()) };
        let (asked, found, took) = explained_with(answer).await;
        assert_eq!((asked, found), (questions, expected), "{code} {times}");
        assert!(took <= seconds, "{code} {times}: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_found_before_the_end_of_the_patience_is_kept() {
    let answer = |earlier| if earlier == 0 { Ok(details()) } else { Err(failure(FailureKind::Throttled, "x", None)) };
    let (_, found, took) = explained_with(answer).await;
    assert_eq!((found.len(), took), (1, PATIENCE.as_secs()));
}

#[test]
fn an_explanation_takes_the_place_of_the_reason() {
    let by = Arc::new(denied_by());
    let text = "denied by service control policy p-examplescp1, statement NoIamSettings, attached to ou-ab12-prod0001";
    let lacks =
        "allow iam:GetRequestAuthorizationDetails to the caller, and the report names the policy that denied it";
    let scp = "with an explicit deny in a service control policy";
    for (hint, message, denied_by, accounts, expected) in [
        ("a policy denies it: exempt the role", scp, Some(&by), 1, format!("{text}: exempt the role")),
        (
            "a policy denies it: exempt the role",
            scp,
            Some(&by),
            2,
            format!("{text}, as AWS says about account 000000000001: exempt the role"),
        ),
        ("allow it to the role", scp, Some(&by), 1, format!("{text}; allow it to the role")),
        (
            "the boundary does not allow iam:X: allow it there",
            "in a permissions boundary",
            Some(&by),
            1,
            format!("{text}; the boundary does not allow iam:X: allow it there"),
        ),
        // Without a reason in the message, what is before the colon is no reason.
        ("look here: or there", "", Some(&by), 1, format!("{text}; look here: or there")),
        ("", scp, Some(&by), 1, text.to_owned()),
        ("a policy denies it: exempt the role", scp, None, 1, format!("a policy denies it: exempt the role; {lacks}")),
        ("", scp, None, 1, lacks.to_owned()),
        (&format!("x; {lacks}"), scp, None, 1, format!("x; {lacks}")),
        (lacks, scp, None, 1, lacks.to_owned()),
        // A run before this one could not ask.
        (
            &format!("a policy denies it: exempt the role; {lacks}"),
            scp,
            Some(&by),
            1,
            format!("{text}: exempt the role"),
        ),
        (&format!("allow it to the role; {lacks}"), scp, Some(&by), 1, format!("{text}; allow it to the role")),
        (lacks, scp, Some(&by), 1, text.to_owned()),
    ] {
        assert_eq!(explained(hint, message, denied_by, accounts), expected);
    }
}
