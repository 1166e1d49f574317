//! Findings of `doctor` before it enters an account: credentials, clock, Region, Organization, selection.

use v2token_simulator::{AccountId, Caller, ListingFault, MANAGEMENT_ACCOUNT, Role, Trusted, World};

use super::{Check, checks, eight, failure, finds, finds_on, fine, warning};
use crate::harness::Bench;

#[test]
fn problems_of_the_base_credentials_are_found() {
    let mut bench = Bench::new(eight().start());
    bench.env("AWS_SECRET_ACCESS_KEY", "a-secret-that-is-not-the-right-one");
    finds_on(
        &bench,
        &[],
        &failure("identity", "SignatureDoesNotMatch", "check the secret key and this machine's clock"),
    );
    bench.env("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN");
    finds_on(&bench, &[], &failure("identity", "InvalidClientTokenId", "the base credentials are not accepted"));
    bench.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY");
    finds_on(&bench, &[], &failure("identity", "NoCredentials", "--profile, AWS_PROFILE, or the AWS_* variables"));
    finds_on(&bench, &["--profile=nobody"], &failure("identity", "profile \"nobody\"", "aws configure list-profiles"));

    let bench = Bench::new(eight().base_session(true).start());
    bench.organization.control(World::expire_base_credentials);
    finds_on(&bench, &[], &failure("identity", "ExpiredToken", "the base credentials have expired: renew them"));
    finds(
        eight().caller_policy(r#"{"Statement": []}"#).mfa_codes(["271828"]),
        &["--mfa-serial=arn:aws:iam::000000000100:mfa/operator", "--mfa-token=314159"],
        &failure("identity", "invalid MFA one time pass code", "give a code that was not used yet"),
    );
}

#[test]
fn the_root_user_is_found_before_refusals() {
    let bench = Bench::new(eight().root_user(true).start());
    let all = checks(&bench, &["--sample=2", "--exclude-account=000000000100"], 1);
    assert_eq!((all[0].about.as_str(), all[0].status.as_str()), ("identity", "failure"), "{all:#?}");
    assert!(all[0].message.contains("000000000100:root is the root user, who can't assume roles"), "{all:#?}");
    let accounts: Vec<&Check> = all.iter().filter(|check| check.about == "account").collect();
    assert_eq!(accounts.len(), 2, "{all:#?}");
    assert!(accounts.iter().all(|check| check.advice.contains("the caller is a root user")), "{accounts:#?}");
}

#[test]
fn a_wrong_clock_is_found() {
    // How far the services' clock is ahead, and the expected finding.
    for (offset, finding) in [
        (3, fine("clock", "of AWS's")),
        (-120, warning("clock", "s ahead of AWS's", "by NTP")),
        (120, warning("clock", "s behind AWS's", "by NTP")),
    ] {
        finds(eight().clock_offset(offset), &["--sample=1"], &finding);
    }
    // Organizations allows five minutes, STS fifteen; in both cases the clock is reported before the refusal.
    for (offset, says, refused) in [
        (-420, "s ahead of AWS's", "organization"),
        (420, "s behind AWS's", "organization"),
        (-1200, "s ahead of AWS's", "identity"),
        (1200, "s behind AWS's", "identity"),
    ] {
        let bench = Bench::new(eight().clock_offset(offset).start());
        let all = checks(&bench, &["--sample=1"], 1);
        let position = |about: &str| all.iter().position(|check| check.about == about && check.status == "failure");
        let clock = position("clock").unwrap_or_else(|| panic!("{offset}: {all:#?}"));
        assert!(all[clock].message.contains(says) && all[clock].advice.contains("5 minutes"), "{:?}", all[clock]);
        let seconds: i64 = all[clock].message.split(' ').find_map(|word| word.parse().ok()).expect("a number");
        assert!((offset.abs() - 5..=offset.abs() + 5).contains(&seconds), "{offset}: {:?}", all[clock]);
        let refusal = position(refused).unwrap_or_else(|| panic!("{offset}: {all:#?}"));
        assert!(clock < refusal, "{all:#?}");
        assert!(all[refusal].advice.contains("this machine's clock"), "{:?}", all[refusal]);
    }
}

#[test]
fn problems_of_listing_the_organization_are_found() {
    let denied = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "organizations:ListAccounts", "Resource": "*"}]}"#;
    let member = eight().caller(Caller::Member(AccountId::new(5)));
    finds(member, &[], &failure("organization", "AccessDeniedException", "in a delegated administrator's account"));
    let nowhere = eight().listing(ListingFault::NotInUse);
    finds(nowhere, &[], &failure("organization", "AWSOrganizationsNotInUseException", "the caller's account is in no"));
    let refused = eight().caller_policy(denied);
    finds(refused, &[], &failure("organization", "organizations:ListAccounts", "listing needs organizations:Describe"));
    let circular = eight().listing(ListingFault::RepeatedToken { page: 1 });
    let all = checks(&Bench::new(circular.start()), &[], 1);
    assert!(
        all.iter().any(|check| check.about == "organization" && check.message.contains("the same page token twice"))
    );
    let delegated = eight().caller(Caller::DelegatedAdministrator(AccountId::new(5)));
    let arguments = ["--exclude-account=000000000100"];
    finds(delegated, &arguments, &fine("organization", "the caller is in the account of a delegated administrator"));
}

#[test]
fn an_unusable_region_or_endpoint_is_found() {
    let mut bench = Bench::new(eight().start());
    finds_on(&bench, &["--region=eu-wset-1"], &failure("endpoints", "did you mean eu-west-1?", "us-east-1"));
    finds_on(&bench, &["--region=aws-global"], &failure("endpoints", "global STS endpoint", "--region"));
    let global = ["--endpoint-url=https://sts.amazonaws.com"];
    finds_on(&bench, &global, &failure("endpoints", "is the global STS endpoint", "--endpoint-url"));
    let closed = ["--endpoint-url=http://127.0.0.1:1", "--max-attempts=2"];
    finds_on(&bench, &closed, &failure("identity", "ConnectionFailed", "HTTPS_PROXY"));
    bench.without_env("AWS_REGION");
    finds_on(&bench, &[], &failure("endpoints", "no Region is configured", "us-east-1 works for every account"));
}

#[test]
fn an_empty_selection_is_found() {
    let bench = Bench::new(eight().start());
    let unknown = ["--account=000000000999"];
    let all = checks(&bench, &unknown, 1);
    let last = all.last().expect("checks");
    assert_eq!((last.about.as_str(), last.status.as_str()), ("accounts", "failure"), "{all:#?}");
    assert!(last.message.contains("no account 000000000999"), "{last:?}");
    let all = checks(&bench, &["--name=nobody"], 1);
    assert!(all.last().expect("checks").message.contains("the selection is empty"), "{all:#?}");
}

#[test]
fn via_roles_are_tested() {
    const HUB: &str = "arn:aws:iam::000000000100:role/platform/Hub";
    let builder = eight()
        .account(MANAGEMENT_ACCOUNT, |account| {
            let trusts = vec![Trusted::Account(MANAGEMENT_ACCOUNT)];
            account.other_roles.push(Role { trusts, ..Role::named("platform/Hub") });
        })
        .each_account(|account| account.role.trusts = vec![Trusted::Principal(HUB.to_owned())]);
    let bench = Bench::new(builder.start());
    finds_on(&bench, &["--via-role", HUB], &fine("identity", "through arn:aws:sts::000000000100:assumed-role/Hub/"));
    let nobody = ["--via-role=arn:aws:iam::000000000100:role/Nobody"];
    let all = checks(&bench, &nobody, 1);
    assert!(all[0].message.contains("role/Nobody in the chain to the accounts can't be assumed"), "{all:#?}");
    assert!(all[0].advice.contains("trust policy"), "{all:#?}");
}
