//! All partitions: ARNs, signing Regions, and the note about a missing global STS endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use v2token_simulator::{Builder, MANAGEMENT_ACCOUNT, Operation, Organization, Role, Service, TokenVersion, Trusted};

use crate::harness::Bench;

/// A partition, the Region of the run, and those of IAM and of Organizations.
const PARTITIONS: [(&str, &str, &str, &str); 9] = [
    ("aws-cn", "cn-north-1", "cn-north-1", "cn-northwest-1"),
    ("aws-cn", "cn-northwest-1", "cn-north-1", "cn-northwest-1"),
    ("aws-us-gov", "us-gov-east-1", "us-gov-west-1", "us-gov-west-1"),
    ("aws-us-gov", "us-gov-west-1", "us-gov-west-1", "us-gov-west-1"),
    ("aws-eusc", "eusc-de-east-1", "eusc-de-east-1", "eusc-de-east-1"),
    ("aws-iso", "us-iso-west-1", "us-iso-east-1", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-east-1", "us-isob-east-1", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-west-1", "eu-isoe-west-1", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-east-1", "us-isof-south-1", "us-isof-south-1"),
];

fn in_partition(partition: &str, region: &str) -> Builder {
    Organization::builder().accounts(6).unlimited().partition(partition).region(region).strict_signing_regions(true)
}

#[test]
fn every_partition_has_its_arns_and_regions() {
    for (partition, region, iam, organizations) in PARTITIONS {
        let bench = Bench::new(in_partition(partition, region).start());
        let run = bench.run("run", &["apply", "--yes", "--rate=0"]).exits(0).agrees(TokenVersion::V2);
        assert_eq!(run.outcomes()["changed"], 6, "{partition}\n{run}");
        for id in ["000000000001", "000000000005"] {
            let arn = format!("arn:{partition}:iam::{id}:role/OrganizationAccountAccessRole");
            assert_eq!(run.rows()[id]["role_arn"], arn, "{run}");
        }
        assert!(run.stderr.contains(&format!("arn:{partition}:iam::000000000100:user/operator")), "{run}");
        let signed = |service| run.after.signing_regions[&service].keys().cloned().collect::<Vec<_>>();
        let regions = [Service::Sts, Service::Iam, Service::Organizations].map(signed);
        assert_eq!(regions, [[region], [iam], [organizations]].map(|it| it.map(str::to_owned).to_vec()), "{run}");
        let note = run.stderr.find(&format!("note: partition {partition} has no global STS endpoint")).expect("a note");
        assert!(note < run.stderr.find("accounts listed").expect("a line"), "it comes before the first visit\n{run}");
    }
    let run = Bench::new(Organization::builder().accounts(3).start()).run("run", &["plan"]).exits(0);
    assert!(!run.stderr.contains("no global STS endpoint"), "{run}");
}

/// On a terminal the note is above the question.
#[test]
fn the_note_comes_before_the_question() {
    if crate::confirmation::no_terminal() {
        return;
    }
    let bench = Bench::new(in_partition("aws-cn", "cn-north-1").start());
    let run = crate::confirmation::answer(&bench, "run", &["apply", "--color=off"], "n\n").exits(1);
    let (note, question) = (run.stdout.find("has no global STS endpoint"), run.stdout.find("[y/N]"));
    assert!(note.is_some() && note < question, "{run}");
    assert!(!run.touched_accounts(), "{run}");
}

/// The overview before a run promises no proof and announces no longer tokens where no global endpoint issues any.
#[test]
fn the_overview_says_nothing_of_tokens_without_a_global_endpoint() {
    let (proven, longer) =
        ("proven by the size of a token of the global endpoint", "get longer: docs/longer-tokens.md");
    let apply = ["apply", "--yes", "--rate=0", "--verify=token"];
    for (partition, region, ..) in PARTITIONS {
        let run = Bench::new(in_partition(partition, region).start()).run("run", &apply).exits(0);
        let run = run.says(&[&format!(
            "each setting is read back, and no more: partition {partition} has no global endpoint whose tokens could prove it"
        )]);
        assert!(!run.stderr.contains(proven) && !run.stderr.contains(longer), "{run}");
    }
    Bench::new(in_partition("aws", "eu-west-1").global_sts(Duration::ZERO).start())
        .run("run", &apply)
        .exits(0)
        .says(&[proven, longer]);
}

#[test]
fn a_region_of_another_partition_is_refused() {
    // The other Region accepts the signature too, so that the answer has the caller's ARN.
    for (partition, own, other) in [
        ("aws-cn", "cn-north-1", "eu-west-1"),
        ("aws-us-gov", "us-gov-west-1", "us-east-1"),
        ("aws-eusc", "eusc-de-east-1", "eu-central-1"),
        ("aws", "eu-west-1", "us-gov-west-1"),
    ] {
        let bench = Bench::new(in_partition(partition, own).sts_region(other).start());
        let run = bench.run("run", &["apply", "--yes", "--region", other]).exits(1);
        let run = run.says(&[other, partition, "name a Region of the caller's partition with --region"]);
        assert_eq!(run.all_calls(), 1, "who the caller is, and no more\n{run}");
        run.attempted_nothing(other);
    }
    let bench = Bench::new(in_partition("aws-cn", "cn-north-1").start());
    let run = bench.run("typo", &["apply", "--yes", "--region=cn-noth-1"]).exits(1);
    assert_eq!(run.all_calls(), 0, "{run}");
    run.attempted_nothing("did you mean cn-north-1?");
    // STS refuses an ARN of another partition, and the message says so.
    let run =
        bench.run("arn", &["plan", "--role=arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"]).exits(3);
    let row = &run.rows()["000000000001"];
    assert_eq!((row["stage"].as_str(), row["error_code"].as_str()), ("assume", "ValidationError"), "{row:?}");
    assert!(row["hint"].contains("--role"), "{row:?}");
}

#[test]
fn via_roles_and_root_sessions_are_of_the_partition() {
    const HUB: &str = "arn:aws-us-gov:iam::000000000100:role/platform/Hub";
    let builder = in_partition("aws-us-gov", "us-gov-west-1")
        .root_access(true)
        .account(MANAGEMENT_ACCOUNT, |account| {
            let trusts = vec![Trusted::Account(MANAGEMENT_ACCOUNT)];
            account.other_roles.push(Role { trusts, ..Role::named("platform/Hub") });
        })
        .each_account(|account| account.role.trusts = vec![Trusted::Principal(HUB.to_owned())]);
    let bench = Bench::new(builder.start());
    let via = "--via-role=arn:{partition}:iam::000000000100:role/platform/Hub";
    let run = bench.run("run", &["apply", "--yes", "--rate=0", via]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 6, "{run}");
    let callers: BTreeMap<_, _> = run.after.assume_role_callers.clone();
    assert!(
        callers.keys().any(|arn| arn.starts_with("arn:aws-us-gov:sts::000000000100:assumed-role/Hub/")),
        "{callers:?}"
    );
    let run = bench.run("root", &["plan", "--access=assume-root"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.calls(Operation::AssumeRoot), 5, "{run}");
    assert_eq!(run.rows()["000000000001"]["role_arn"], "arn:aws-us-gov:iam::000000000001:root", "{run}");
}

#[test]
fn token_verification_needs_a_global_endpoint() {
    let bench = Bench::new(in_partition("aws-cn", "cn-north-1").start());
    let run = bench.run("run", &["apply", "--yes", "--verify=token=ap-east-1"]).exits(1);
    run.attempted_nothing("has no global STS endpoint");
    let run = bench.finish("none", bench.bare(&["doctor", "--sample=1"])).exits(0);
    assert!(
        run.stdout.contains("warning  identity") && run.stdout.contains("the setting has no effect there"),
        "{run}"
    );
}
