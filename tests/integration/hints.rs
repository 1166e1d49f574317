//! The hints: what the messages of AWS, the Region and the way into the accounts already tell.

use v2token_simulator::{Builder, Organization, TokenVersion};

use crate::harness::{Bench, Run};

/// The end of the message that AWS writes today for a denial, with an id that differs from request to request.
const DETAILS: &str = ". Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/{id} for \
                       complete details, or call the GetRequestAuthorizationDetails API with the following authorization id: {id}";

/// An Organization whose accounts all refuse AssumeRole with a message that ends like this.
fn denied(end: &str) -> Builder {
    let end = format!(" {end}{DETAILS}");
    Organization::builder().accounts(40).unlimited().each_account(move |account| {
        account.faults.deny_assume = true;
        account.faults.denial_ends.clone_from(&end);
    })
}

fn plan(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run("run", &[&["plan", "--rate=0"], arguments].concat()).exits(3).agrees(TokenVersion::V2)
}

#[test]
fn the_reason_of_a_denial_selects_the_hint() {
    for (end, hint) in [
        (
            "because no identity-based policy allows the sts:AssumeRole action",
            "no policy of the caller allows sts:AssumeRole",
        ),
        ("with an explicit deny in an identity-based policy", "a policy of the caller denies sts:AssumeRole"),
        (
            "with an explicit deny in a service control policy",
            "exempt the caller there, or run with credentials of the management",
        ),
        ("because no resource control policy allows the sts:AssumeRole action", "a resource control policy"),
        ("because no VPC endpoint policy allows the sts:AssumeRole action", "the policy of the VPC endpoint"),
        ("because no role trust policy allows the sts:AssumeRole action", "the role's trust policy does not allow"),
    ] {
        let bench = Bench::new(denied(end).start());
        let run = plan(&bench, &[]);
        let rows = run.rows();
        let failed: Vec<_> = rows.values().filter(|row| row["outcome"] == "failed").collect();
        assert!(failed.len() == 39 && failed.iter().all(|row| row["hint"].contains(hint)), "{hint}\n{run}");
        // The ids differ in each of them, and may have no digit at all.
        assert_eq!(run.stdout.matches(" failed at assume").count(), 1, "one cause\n{run}");
        assert_eq!(run.stderr.matches("at assume: AccessDenied").count(), 1, "one cause\n{run}");
    }
}

/// When every account fails alike, it is the setting that is wrong, and the run says so once.
#[test]
fn a_setting_that_is_wrong_is_named_once() {
    const MISTYPED: &[&str] = &["--role=OrganisationAccountAccessRole"];
    const ROLE: &str = "no account could be entered with the role OrganisationAccountAccessRole: is --role right";
    type Make = fn() -> Builder;
    fn eight() -> Builder {
        Organization::builder().accounts(8).unlimited()
    }
    let table: [(Make, &[&str], &str); 4] = [
        (eight, MISTYPED, ROLE),
        (|| eight().each_account(|account| account.joined = v2token_simulator::JoinedMethod::Invited), MISTYPED, ROLE),
        (|| eight().each_account(|account| account.faults.region_disabled = true), &[], "check --region"),
        (
            || eight().each_account(|account| account.faults.deny_read = true),
            &["--management-account=skip"],
            "no account could be read, each for the same reason",
        ),
    ];
    for (builder, arguments, says) in table {
        for output in ["--output=table", "--output=json"] {
            let bench = Bench::new(builder().start());
            let run = plan(&bench, &[arguments, &[output]].concat());
            assert_eq!(format!("{}{}", run.stdout, run.stderr).matches(says).count(), 1, "{says}\n{run}");
            assert!(!run.stdout.contains("made only in accounts that the Organization created"), "{run}");
        }
    }
    let one = eight().account(3, |account| account.faults.deny_assume = true);
    let run = plan(&Bench::new(one.start()), &[]);
    assert!(!run.stdout.contains("no account could be"), "{run}");
}
