//! Findings of `doctor` in the accounts: roles, kinds of accounts, and the rate of visits.

use v2token_simulator::{JoinedMethod, Operation, PerCall, RootAccess};

use super::{Check, Finding, checks, eight, examine, failure, finds, finds_on, fine, warning};
use crate::harness::Bench;

#[test]
fn the_state_of_centralized_root_access_is_reported() {
    let unknown = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:ListOrganizationsFeatures", "Resource": "*"}]}"#;
    let by_role = ["--sample=1"];
    let about = "root_access";
    finds(eight().root_access(true), &by_role, &fine(about, "is on: plan --access assume-root needs no role"));
    finds(eight().root_access(false), &by_role, &fine(about, "is off: accounts are read through the role only"));
    finds(eight().root_access(RootAccess::NoTrustedAccess), &by_role, &fine(about, "IAM has no trusted access"));
    let ignore = "or ignore this: only --access assume-root needs it";
    finds(eight().caller_policy(unknown), &by_role, &warning(about, "is not known", ignore));
    let billing = eight().root_access(RootAccess::NotAllFeatures);
    finds(billing, &by_role, &warning("organization", "consolidated billing only", "no service control policies"));

    let by_root = ["--access=assume-root", "--sample=1"];
    finds(eight().root_access(true), &by_root, &fine(about, "is on"));
    // The management account is read with the caller's own credentials, so this is the only finding.
    let enable = "iam:EnableOrganizationsRootCredentialsManagement";
    finds(eight().root_access(false), &by_root, &failure(about, "is off", enable));
    let no_trust = eight().root_access(RootAccess::NoTrustedAccess);
    finds(no_trust, &by_root, &failure(about, "IAM has no trusted access", "iam.amazonaws.com"));
    let unknown = eight().root_access(true).caller_policy(unknown);
    finds(unknown, &by_root, &warning(about, "is not known", "allow iam:ListOrganizationsFeatures to the caller"));

    let bench = Bench::new(eight().root_access(true).start());
    let arguments = ["--access=assume-root", "--sample=8", "--management-account=skip"];
    let run = examine(&bench, &arguments).exits(0);
    let calls = [
        Operation::AssumeRoot,
        Operation::GetAccountSummary,
        Operation::AssumeRole,
        Operation::SimulatePrincipalPolicy,
    ];
    assert_eq!(calls.map(|operation| run.calls(operation)), [7, 7, 0, 0], "{run}");
    assert!(run.stdout.contains("it can only be read by this way in"), "{run}");
    let all = checks(&Bench::new(eight().start()), &arguments, 1);
    let refused: Vec<&Check> = all.iter().filter(|check| check.about == "account").collect();
    assert!(refused.len() == 7 && refused.iter().all(|check| check.status == "failure"), "{all:#?}");
}

/// The faulty account is the only one that is tested.
#[test]
fn problems_of_an_account_are_found() {
    const ID: &str = "000000000003";
    type Change = fn(&mut v2token_simulator::SimulatedAccount);
    let only = ["--account=000000000003"];
    let table: [(Change, Finding); 9] = [
        (
            |account| account.faults.deny_assume = true,
            failure(
                ID,
                "can't be entered: AssumeRole failed with AccessDenied",
                "OrganizationAccountAccessRole exists",
            ),
        ),
        (
            |account| account.role.external_id = Some("SIMSECRET-asked-for".to_owned()),
            failure(ID, "can't be entered", "the external id, if it asks for one"),
        ),
        (
            |account| account.faults.deny_read = true,
            failure(
                ID,
                "entered, but can't be read: GetAccountSummary failed",
                "allow iam:GetAccountSummary to the role",
            ),
        ),
        (
            |account| account.faults.deny_set_by_scp = true,
            failure(ID, "a service control policy of the Organization does not allow it", "exempt the role there"),
        ),
        (
            |account| account.faults.deny_set = true,
            failure(ID, "no policy of the role allows it", "allow iam:SetSecurityTokenServicePreferences to the role"),
        ),
        (
            |account| account.faults.deny_set_explicitly = true,
            failure(ID, "a policy of the role denies it", "lift the denial"),
        ),
        (
            |account| account.faults.deny_simulation = true,
            warning(ID, "was not simulated: SimulatePrincipalPolicy failed", "allow iam:SimulatePrincipalPolicy"),
        ),
        (|account| account.faults.region_disabled = true, failure(ID, "RegionDisabledException", "--region us-east-1")),
        (|account| account.faults.missing_summary_key = true, fine(ID, "its version is not shown; it may be set")),
    ];
    for (change, finding) in table {
        let all = finds(eight().account(3, change), &only, &finding);
        assert_eq!(all.iter().filter(|check| check.about == "account").count(), 1, "{all:#?}");
    }
    // Faults that a rollout retries are no finding; faults at which it fails are one.
    let throttled = eight().account(3, |account| account.faults.throttle = PerCall::all(2));
    finds(throttled, &only, &fine(ID, "it may be set"));
    let broken = eight().account(3, |account| account.faults.status_503 = PerCall::all(1));
    finds(broken, &only, &fine(ID, "it may be set"));
    let throttled = eight().account(3, |account| account.faults.throttle = PerCall::all(2));
    let arguments = [&only[..], &["--max-attempts=2"]].concat();
    finds(throttled, &arguments, &failure(ID, "Throttling", "AWS throttled every attempt"));
    let silent = eight().account(3, |account| account.faults.hang = PerCall::read(1));
    let arguments = [&only[..], &["--account-timeout=1s"]].concat();
    finds(silent, &arguments, &failure(ID, "no end within --account-timeout 1s", "check the network"));
}

#[test]
fn invited_accounts_are_counted_and_one_is_tested() {
    let builder = eight().account(6, |account| {
        account.joined = JoinedMethod::Invited;
        account.role.exists = false;
    });
    let all = checks(&Bench::new(builder.start()), &["--sample=2"], 1);
    let accounts = all.iter().find(|check| check.about == "accounts").expect("a check");
    assert_eq!(accounts.status, "warning", "{accounts:?}");
    assert!(accounts.message.contains("1 selected account was invited"), "{accounts:?}");
    assert!(accounts.advice.contains("v2token policy stackset"), "{accounts:?}");
    let tried = all.iter().find(|check| check.account.as_deref() == Some("000000000006")).expect("it is tried");
    assert!(tried.status == "failure" && tried.advice.contains("this account was invited"), "{tried:?}");
    let healthy = eight().account(6, |account| account.joined = JoinedMethod::Invited);
    finds(healthy, &[], &warning("accounts", "1 selected account was invited", "unless one was created"));
}

/// One wrong setting, and not five wrong accounts. The management account is read with the caller's own credentials.
#[test]
fn accounts_that_fail_alike_show_a_wrong_setting() {
    let says = |checks: &[Check], status: &str, words: &str| {
        let role = checks.iter().find(|check| check.about == "role").unwrap_or_else(|| panic!("{checks:#?}"));
        assert!(role.status == status && role.account.is_none(), "{role:?}");
        assert!(format!("{}: {}", role.message, role.advice).contains(words), "{words}: {role:?}");
        assert!(checks.iter().all(|check| check.about != "pace"), "nothing was measured: {checks:#?}");
    };
    let mistyped = checks(&Bench::new(eight().start()), &["--role=OrganisationAccountAccessRole"], 1);
    says(
        &mistyped,
        "failure",
        "no account could be entered with the role OrganisationAccountAccessRole: is --role right",
    );
    let no_sts = eight().each_account(|account| account.faults.region_disabled = true);
    says(&checks(&Bench::new(no_sts.start()), &[], 1), "failure", "check --region");
    let unreadable = eight().each_account(|account| account.faults.deny_read = true);
    let arguments = ["--management-account=skip"];
    says(&checks(&Bench::new(unreadable.start()), &arguments, 1), "failure", "iam:GetAccountSummary");

    let bench = Bench::new(eight().start());
    let table = examine(&bench, &["--role=OrganisationAccountAccessRole"]).exits(1);
    assert_eq!(table.stdout.matches("can't be entered").count(), 1, "the finding is shown once\n{table}");
    assert_eq!(table.stdout.matches("is --role right").count(), 1, "{table}");
    let last = table.stdout.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("failure  verdict       not ready: 5 checks failed") && last.contains("v2token doctor"),
        "{table}"
    );

    let one_differs = eight().account(3, |account| account.faults.deny_assume = true);
    let all = checks(&Bench::new(one_differs.start()), &["--sample=8"], 1);
    assert!(all.iter().all(|check| check.about != "role"), "{all:#?}");
}

#[test]
fn a_rate_that_uses_up_the_quota_is_found() {
    let bench = Bench::new(eight().start());
    finds_on(&bench, &["--rate=500"], &warning("pace", "for 8 accounts", "keep --rate below 300"));
    finds_on(&bench, &["--rate=300"], &fine("pace", "for 8 accounts"));
    finds_on(&bench, &["--rate=20"], &fine("pace", "at 20 visits per second, limited by --rate"));
}
