//! `--via-role`, and base credentials that are a role's session.

use std::collections::BTreeMap;
use std::time::Duration;

use v2token_simulator::{
    AccountId, Builder, Caller, Latency, ListingError, ListingFault, MANAGEMENT_ACCOUNT, Operation, Organization, Role,
    SECRET_MARKER, TokenVersion, Trusted, World,
};

use super::{MANAGEMENT, MEMBERS, apply, changed_all, kept_out, six};
use crate::harness::{Bench, Run};
use crate::running::Running;

const HUB: &str = "arn:aws:iam::000000000100:role/platform/Hub";
const TOOLING: AccountId = AccountId::new(3);
const TOOL: &str = "arn:aws:iam::000000000003:role/Rollout";
const SET: Operation = Operation::SetSecurityTokenServicePreferences;

fn role(name: &str, trusted: &str) -> Role {
    Role { trusts: vec![Trusted::Principal(trusted.to_owned())], ..Role::named(name) }
}

/// Adds a role to the management account that the operator may assume, and the only one that the members trust.
fn behind_a_hub(builder: Builder) -> Builder {
    let operator = Trusted::Account(MANAGEMENT_ACCOUNT);
    builder
        .account(MANAGEMENT_ACCOUNT, move |account| {
            account.other_roles.push(Role { trusts: vec![operator.clone()], ..Role::named("platform/Hub") });
        })
        .each_account(|account| account.role.trusts = vec![Trusted::Principal(HUB.to_owned())])
}

/// Adds a role to the tooling account that trusts the hub, and that the members trust.
fn behind_two(builder: Builder) -> Builder {
    behind_a_hub(builder)
        .account(TOOLING, |account| account.other_roles.push(role("Rollout", HUB)))
        .each_account(|account| account.role.trusts = vec![Trusted::Principal(TOOL.to_owned())])
}

/// How often each of these assumed roles in a run.
fn assumed(run: &Run) -> BTreeMap<String, u64> {
    let of = |who: &str| run.after.callers.get(who).and_then(|calls| calls.get(&Operation::AssumeRole)).copied();
    let names = ["user/operator", "role/platform/Hub", "role/Rollout"];
    names.into_iter().filter_map(|who| Some((who.to_owned(), of(who)?))).collect()
}

fn counts<const N: usize>(of: [(&str, u64); N]) -> BTreeMap<String, u64> {
    of.into_iter().map(|(who, count)| (who.to_owned(), count)).collect()
}

#[test]
fn accounts_are_entered_through_one_or_two_roles() {
    let bench = Bench::new(behind_a_hub(six()).start());
    kept_out(apply(&bench, "direct", &[]), &MEMBERS, "trust policy names the caller");
    let bench = Bench::new(behind_a_hub(six()).start());
    let run = changed_all(apply(&bench, "run", &["--via-role", HUB]));
    assert_eq!(assumed(&run), counts([("user/operator", 1), ("role/platform/Hub", 5)]), "{run}");
    assert!(run.stderr.contains("through       arn:aws:sts::000000000100:assumed-role/Hub/v2token-"), "{run}");
    let listing = &run.after.callers["user/operator"];
    assert_eq!((listing[&Operation::ListAccounts], listing[&Operation::DescribeOrganization]), (1, 1), "{run}");

    // The tooling account is entered through the chain too: only the management account is visited with the caller's credentials.
    for given in [&["--via-role", HUB, "--via-role", TOOL][..], &["--via-role", &format!("{HUB},{TOOL}")]] {
        let bench = Bench::new(behind_two(six()).start());
        let run = changed_all(apply(&bench, "run", given));
        let expected = counts([("user/operator", 1), ("role/platform/Hub", 1), ("role/Rollout", 5)]);
        assert_eq!(assumed(&run), expected, "{run}");
        assert_eq!(run.after.account(TOOLING).calls.assume_role, 2, "{run}");
    }
    let bench = Bench::new(behind_a_hub(six()).start());
    let partition = "arn:{partition}:iam::000000000100:role/platform/Hub";
    bench.run("partition", &["plan", "--via-role", partition]).exits(0).agrees(TokenVersion::V2);
}

/// A member may describe its Organization but not list it. The last role of the chain may list it.
#[test]
fn the_last_role_lists_if_the_base_credentials_may_not() {
    let member = behind_a_hub(six().caller(Caller::Member(2.into()))).account(MANAGEMENT_ACCOUNT, |account| {
        account.other_roles[0].trusts = vec![Trusted::Account(2.into())];
    });
    let bench = Bench::new(member.start());
    let run = bench.run("refused", &["plan"]).exits(1).attempted_nothing("organizations:ListAccounts");
    assert_eq!(run.calls(Operation::AssumeRole), 0);
    let run = changed_all(apply(&bench, "run", &["--via-role", HUB]));
    let (operator, hub) = (&run.after.callers["user/operator"], &run.after.callers["role/platform/Hub"]);
    // Two refusals: in the refused run, and in this one.
    assert_eq!((operator[&Operation::ListAccounts], hub[&Operation::ListAccounts]), (2, 1), "{run}");
    assert_eq!(run.after.account(MANAGEMENT_ACCOUNT).calls.set_preferences, 1, "entered with the hub's session\n{run}");
    let run = bench.run("ou", &["plan", "--via-role", HUB, "--tag=a=b", "--ou=r-ab12"]).exits(1);
    let run = run.says(&["nothing was attempted", "0 have a selected tag"]);
    assert_eq!(run.after.callers["role/platform/Hub"][&Operation::ListTagsForResource], 6, "{run}");
    let denied = r#"{"Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}"#;
    let bench = Bench::new(behind_a_hub(six().caller_policy(denied)).start());
    let run = apply(&bench, "run", &["--via-role", HUB]).exits(3).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 5, "{run}");
    let row = &run.rows()[MANAGEMENT];
    assert_eq!((row["stage"].as_str(), row["error_code"].as_str()), ("read", "AccessDenied"), "{row:?}");
    assert!(row["hint"].contains("allow iam:GetAccountSummary to the caller"), "it is the caller at home: {row:?}");
    assert_eq!(run.after.callers["role/platform/Hub"][&Operation::DescribeOrganization], 1, "{run}");
}

/// A plan has visits in flight by then, and the listing restarts through the hub.
#[test]
fn a_listing_restarted_through_the_hub_repeats_no_visit() {
    const ACCOUNTS: usize = 60;
    let refused = ListingFault::PageFails { page: 3, error: ListingError::AccessDenied, times: 1 };
    let world = behind_a_hub(Organization::builder().accounts(ACCOUNTS)).listing(refused).unlimited().start();
    let bench = Bench::new(world);
    let run = bench.run("run", &["plan", "--rate=0", "--via-role", HUB]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.after.callers["role/platform/Hub"][&Operation::ListAccounts], 3, "{run}");
    // One more session of the hub for the list.
    assert_eq!(assumed(&run), counts([("user/operator", 2), ("role/platform/Hub", ACCOUNTS as u64 - 1)]), "{run}");
    assert_eq!(run.rows().len(), ACCOUNTS, "{run}");
}

#[test]
fn a_refused_via_role_ends_the_run_before_it_starts() {
    let bench = Bench::new(behind_two(six()).start());
    let nobody = "arn:aws:iam::000000000100:role/Nobody";
    for (name, roles, named) in [
        ("first", nobody.to_owned(), nobody),
        ("second", format!("{HUB},{nobody}"), nobody),
        ("order", format!("{TOOL},{HUB}"), TOOL),
    ] {
        let run = bench.run(name, &["apply", "--yes", "--via-role", &roles]).exits(1);
        let run = run.says(&[
            "nothing was attempted",
            &format!("the role {named} in the chain to the accounts can't be assumed"),
            "AccessDenied",
            "check that the role's trust policy allows the role before it, or the caller",
        ]);
        assert_eq!((run.calls(SET), run.calls(Operation::ListAccounts)), (0, 0), "{run}");
        assert!(!run.folder.exists() && run.stdout.is_empty(), "{run}");
    }
    let run = bench.run("identity", &["plan", "--via-role", HUB, "--source-identity=jane"]).exits(1);
    run.says(&["can't be assumed", "and allows sts:SetSourceIdentity"]);
}

#[test]
fn the_source_identity_is_kept_through_the_chain() {
    let builder = behind_two(six())
        .each_account(|account| account.role.allows_source_identity = true)
        .account(MANAGEMENT_ACCOUNT, |account| account.other_roles[0].allows_source_identity = true)
        .account(TOOLING, |account| account.other_roles[0].allows_source_identity = true);
    let bench = Bench::new(builder.start());
    let run = changed_all(apply(&bench, "run", &["--via-role", HUB, "--via-role", TOOL, "--source-identity=jane"]));
    assert_eq!(run.after.account(1).source_identities, ["jane"], "{run}");
    assert_eq!(run.after.account(TOOLING).source_identities, ["jane", "jane"], "{run}");
    assert_eq!(run.after.account(MANAGEMENT_ACCOUNT).source_identities, ["jane"], "{run}");
}

/// AWS refuses such a session in every account; the program refuses it before the first one.
#[test]
fn a_chained_session_lasts_an_hour_at_most() {
    let bench = Bench::new(behind_a_hub(six()).start());
    let arguments = ["apply", "--yes", "--via-role", HUB, "--session-duration=2h"];
    let run = bench.run("run", &arguments).exits(2);
    let run =
        run.attempted_nothing("--session-duration 7200: a session that is reached through --via-role lasts 3600 s");
    assert_eq!(run.all_calls(), 0, "{run}");
    changed_all(apply(&bench, "hour", &["--via-role", HUB, "--session-duration=3600"]));

    let mut bench = Bench::new(behind_a_hub(six()).start());
    hub_profile(&mut bench);
    let run = bench.run("base", &["apply", "--yes", "--profile=hub", "--session-duration=2h"]).exits(1);
    let run = run.says(&[
        "nothing was attempted",
        "is a role session, whose own sessions last at most 3600 s, but 7200 s are requested",
        "leave out --session-duration",
    ]);
    assert_eq!((run.calls(Operation::AssumeRole), run.calls(SET)), (1, 0), "only the profile's own role\n{run}");
    let run = changed_all(apply(&bench, "profile", &["--profile=hub", "--session-duration=1h"]));
    assert!(run.after.assume_role_callers.keys().any(|arn| arn.contains(":assumed-role/Hub/")), "{run}");
}

fn hub_profile(bench: &mut Bench) {
    let keys = bench.organization.control(|world| world.base_credentials());
    let config = format!(
        "[profile keys]\naws_access_key_id = {}\naws_secret_access_key = {}\n\
         [profile hub]\nrole_arn = {HUB}\nsource_profile = keys\nregion = eu-west-1\n",
        keys.access_key_id, keys.secret_access_key
    );
    std::fs::write(bench.folder.path().join("config"), config).expect("a writable folder");
    bench.env("AWS_CONFIG_FILE", "config").without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY");
}

/// Sessions of via roles that expire before the end of the run.
#[test]
fn sessions_of_via_roles_are_renewed_during_a_run() {
    let builder = behind_two(Organization::builder().accounts(20).unlimited())
        .account(MANAGEMENT_ACCOUNT, |account| account.other_roles[0].lifetime = Some(Duration::from_secs(3)))
        .account(TOOLING, |account| account.other_roles[0].lifetime = Some(Duration::from_secs(2)));
    let bench = Bench::new(builder.start());
    let arguments = ["apply", "--yes", "--rate=4", "--waves=100%", "--via-role", HUB, "--via-role", TOOL];
    let run = bench.run("run", &arguments).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 20, "{run}");
    let assumed = assumed(&run);
    assert!(assumed["user/operator"] >= 2 && assumed["role/platform/Hub"] >= 2, "{assumed:?}");
    assert!(run.rows().values().all(|row| row["attempts"].parse::<u32>().expect("a number") <= 4), "{run}");
}

/// Sessions revoked during the run by an administrator: the roles are assumed again, and the run continues.
#[test]
fn revoked_sessions_of_via_roles_are_replaced() {
    let latency = Latency { iam: Duration::from_millis(60), ..Latency::default() };
    let bench = Bench::new(behind_a_hub(Organization::builder().accounts(20).unlimited().latency(latency)).start());
    let arguments = ["apply", "--yes", "--rate=0", "--concurrency=2", "--waves=100%", "--via-role", HUB];
    let mut running = Running::start(&bench, "run", &arguments);
    running.until(|truth| truth.requests(SET) >= 5);
    bench.organization.control(World::expire_sessions);
    let run = running.end().exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 20, "{run}");
    assert!(assumed(&run)["user/operator"] >= 2, "{run}");
}

#[test]
fn a_run_is_resumed_through_the_same_roles() {
    let latency = Latency { iam: Duration::from_millis(40), ..Latency::default() };
    let id = format!("{SECRET_MARKER}-hub");
    let wanted = id.clone();
    let builder = behind_a_hub(Organization::builder().accounts(20).unlimited().latency(latency));
    let builder = builder.each_account(move |account| account.role.external_id = Some(wanted.clone()));
    let bench = Bench::new(builder.start());
    let arguments = ["apply", "--yes", "--rate=0", "--concurrency=2", "--via-role", HUB, "--external-id", &id];
    let mut running = Running::start(&bench, "run", &arguments);
    running.until(|truth| truth.requests(SET) >= 5);
    let before = running.kill();
    bench.again("run", &["resume", "run"]).exits(2).says(&["give it again with --external-id"]);
    let run = bench.again("run", &["resume", "run", "--yes", "--rate=0", "--external-id", &id]).exits(0).since(before);
    let run = run.agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 20, "{run}");
    assert_eq!(assumed(&run)["user/operator"], 2, "once for each process\n{run}");
}
