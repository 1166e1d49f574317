//! MFA: one code and one session serve the whole run.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use v2token_simulator::{Builder, Caller, MANAGEMENT_ACCOUNT, Operation, Role, SECRET_MARKER, TokenVersion, Trusted};

use super::{apply, changed_all, six};
use crate::confirmation::{no_terminal, on_terminal};
use crate::harness::{Bench, Run};

const DEVICE: &str = "arn:aws:iam::000000000100:mfa/operator";
const HUB: &str = "arn:aws:iam::000000000100:role/platform/Hub";

/// An organization in which listing and all roles require MFA.
fn with_mfa(codes: &'static [&'static str]) -> Builder {
    six()
        .mfa_codes(codes.iter().copied())
        .organizations_require_mfa(true)
        .each_account(|account| account.role.requires_mfa = true)
}

#[test]
fn one_code_serves_the_whole_run() {
    let mut bench = Bench::new(with_mfa(&["271828", "314159"]).start());
    bench.run("none", &["plan"]).exits(1).attempted_nothing("AccessDeniedException");
    let run = changed_all(apply(&bench, "run", &["--mfa-serial", DEVICE, "--mfa-token=271828"]));
    assert_eq!(run.calls(Operation::GetSessionToken), 1, "{run}");
    run.holds_no_secret("271828");
    assert_eq!(run.after.callers["user/operator"][&Operation::AssumeRole], 5, "{run}");
    bench.env("V2TOKEN_MFA_SERIAL", DEVICE).env("V2TOKEN_MFA_TOKEN", "314159");
    let run = bench.run("by-variable", &["plan", "--debug", "-v"]).exits(0).agrees(TokenVersion::V2);
    run.holds_no_secret("314159");
}

#[test]
fn a_wrong_or_used_code_is_refused_first() {
    let bench = Bench::new(with_mfa(&["271828"]).start());
    let device = ["--mfa-serial", DEVICE];
    changed_all(apply(&bench, "used", &[&device[..], &["--mfa-token=271828"]].concat()));
    let other = ["--mfa-serial", "arn:aws:iam::000000000100:mfa/somebody"];
    for (arguments, says) in [
        ([&device[..], &["--mfa-token=271828"]].concat(), "invalid MFA one time pass code"),
        ([&device[..], &["--mfa-token=111111"]].concat(), "invalid MFA one time pass code"),
        ([&other[..], &["--mfa-token=222222"]].concat(), "unable to validate MFA code"),
    ] {
        let run = apply(&bench, "refused", &[&arguments[..], &["--to=v1Token"]].concat()).exits(1);
        let run = run.attempted_nothing(says);
        let run = run.says(&["GetSessionToken", "give a code that was not used yet"]);
        assert_eq!(run.calls(Operation::GetSessionToken), 1, "{run}");
        assert_eq!(run.calls(Operation::ListAccounts), 0, "{run}");
        for code in ["271828", "111111", "222222"] {
            run.holds_no_secret(code);
        }
    }
}

#[test]
fn code_and_device_must_be_given_together() {
    let bench = Bench::new(with_mfa(&["271828"]).start());
    for (arguments, code, says) in [
        (&["--mfa-token=271828"][..], 1, "--mfa-token is given, but no device: name it with --mfa-serial"),
        (&["--mfa-serial", DEVICE], 1, "needs a code"),
        (&["--mfa-serial", DEVICE, "--mfa-token=27182"], 2, "expected the six digits"),
        (&["--mfa-serial", DEVICE, "--mfa-token=27182x"], 2, "expected the six digits"),
        (&["--mfa-serial=my phone", "--mfa-token=271828"], 2, "expected the ARN of the device"),
    ] {
        let run = apply(&bench, "refused", arguments).exits(code);
        assert!(run.stderr.contains(says) && run.stdout.is_empty(), "{run}");
        assert_eq!(run.all_calls(), 0, "{run}");
        assert!(!run.folder.exists(), "{run}");
        run.holds_no_secret("271828");
        run.holds_no_secret("27182x");
    }
    let run = apply(&bench, "hint", &["--mfa-serial", DEVICE]);
    run.says(&["give its six digits with --mfa-token, or run on a terminal"]);
}

/// An MFA session needs the access keys of a user. A role's session can't open one.
#[test]
fn session_credentials_can_not_use_mfa() {
    let bench = Bench::new(with_mfa(&["271828"]).base_session(true).start());
    let run = apply(&bench, "run", &["--mfa-serial", DEVICE, "--mfa-token=271828"]).exits(1);
    run.attempted_nothing("Cannot call GetSessionToken with session credentials")
        .says(&["long-term keys of an IAM user"]);
}

/// Runs the program on a terminal, and types a line when it asks for it.
fn type_when_asked(bench: &Bench, name: &str, arguments: &[&str], line: &str) -> Run {
    let before = bench.truth();
    let mut terminal = on_terminal(bench, name, arguments);
    let mut child =
        terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("script");
    let mut screen = child.stdout.take().expect("a pipe");
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&shown).contains("MFA code of") {
        let read = screen.read(&mut buffer).expect("a terminal");
        assert!(read > 0, "it never asked: {}", String::from_utf8_lossy(&shown));
        shown.extend_from_slice(&buffer[..read]);
    }
    let mut keyboard = child.stdin.take().expect("a pipe");
    keyboard.write_all(line.as_bytes()).expect("a terminal that takes input");
    screen.read_to_end(&mut shown).expect("a terminal");
    drop(keyboard);
    let mut output = child.wait_with_output().expect("the program ends");
    output.stdout = shown;
    bench.conclude(name, before, output)
}

#[test]
fn the_code_is_asked_on_a_terminal_and_not_shown() {
    if no_terminal() {
        return;
    }
    let bench = Bench::new(with_mfa(&["271828"]).start());
    let arguments = ["apply", "--yes", "--color=off", "--mfa-serial", DEVICE];
    let run = type_when_asked(&bench, "short", &arguments, "2718\r").exits(2);
    assert!(run.stdout.contains("expected the six digits") && run.all_calls() == 0, "{run}");
    let run = changed_all(type_when_asked(&bench, "run", &arguments, "271828\r"));
    assert!(run.stdout.contains(&format!("MFA code of {DEVICE}: ")), "{run}");
    run.holds_no_secret("271828");
    let run = type_when_asked(&bench, "again", &arguments, "271828\r").exits(1);
    assert!(run.stdout.contains("invalid MFA one time pass code"), "{run}");
    run.holds_no_secret("271828");
}

/// The operator's keys are in one profile, and the role that requires MFA in another.
fn with_profiles(builder: Builder) -> Bench {
    let hub = Role {
        trusts: vec![Trusted::Account(MANAGEMENT_ACCOUNT)],
        requires_mfa: true,
        external_id: Some(format!("{SECRET_MARKER}-of-the-hub")),
        ..Role::named("platform/Hub")
    };
    let builder = builder.account(MANAGEMENT_ACCOUNT, move |account| account.other_roles.push(hub.clone()));
    let builder = builder.each_account(|account| account.role.trusts = vec![Trusted::Principal(HUB.to_owned())]);
    let mut bench = Bench::new(builder.start());
    let keys = bench.organization.control(|world| world.base_credentials());
    let role = format!("role_arn = {HUB}\nexternal_id = {SECRET_MARKER}-of-the-hub\n");
    let config = format!(
        "[profile keys]\naws_access_key_id = {}\naws_secret_access_key = {}\n\
         [profile admin]\n{role}source_profile = keys\nmfa_serial = {DEVICE}\nregion = eu-west-1\n\
         [profile alone]\n{role}mfa_serial = {DEVICE}\n\
         [profile itself]\n{role}source_profile = itself\nmfa_serial = {DEVICE}\n\
         [profile own]\n{role}source_profile = own\nmfa_serial = {DEVICE}\n\
         aws_access_key_id = {}\naws_secret_access_key = {}\n\
         [profile blank]\n{role}source_profile = keys\nmfa_serial =\n\
         [profile two]\n{role}source_profile = admin\nmfa_serial = arn:aws:iam::000000000100:mfa/other\n",
        keys.access_key_id, keys.secret_access_key, keys.access_key_id, keys.secret_access_key
    );
    std::fs::write(bench.folder.path().join("config"), config).expect("a writable folder");
    bench.env("AWS_CONFIG_FILE", "config").without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY");
    bench
}

#[test]
fn a_profile_with_mfa_works() {
    let mut bench = with_profiles(six().mfa_codes(["271828", "314159", "161803", "141421"]));
    bench.without_env("AWS_REGION");
    let run = changed_all(apply(&bench, "named", &["--profile=admin", "--mfa-token=271828"]));
    // Five members, and the hub.
    assert_eq!((run.calls(Operation::GetSessionToken), run.calls(Operation::AssumeRole)), (1, 6), "{run}");
    bench.env("AWS_PROFILE", "admin").env("AWS_REGION", "eu-west-1");
    bench.run("variable", &["plan", "--mfa-token=314159"]).exits(0).agrees(TokenVersion::V2);
    bench.run("none", &["plan"]).exits(1).attempted_nothing("needs a code");
    bench.run("wrong", &["plan", "--mfa-token=314159"]).exits(1).attempted_nothing("invalid MFA one time pass code");
    let run = bench.run("other", &["plan", "--mfa-token=161803", "--mfa-serial=arn:aws:iam::000000000100:mfa/x"]);
    run.exits(1).attempted_nothing("unable to validate MFA code");
    bench.run("own", &["plan", "--profile=own", "--mfa-token=141421"]).exits(0).agrees(TokenVersion::V2);
}

#[test]
fn unsupported_mfa_profiles_are_refused() {
    let bench = with_profiles(six().mfa_codes(["271828"]));
    for (profile, says) in [
        ("alone", "profile \"alone\": it assumes a role, and has neither source_profile nor credential_source"),
        ("itself", "profile \"itself\": its source_profile \"itself\" leads back to itself, and never to credentials"),
        ("two", "it and its source_profile ask for two MFA devices"),
        ("blank", "profile \"blank\": mfa_serial is empty: give a value, or remove the line"),
        ("admim", "names the profile \"admim\", which is defined neither in config nor in"),
        ("admim", "; did you mean admin?"),
        ("nothing-like-it", "names the profile \"nothing-like-it\", which is defined neither"),
    ] {
        let arguments = ["--mfa-token=271828", "--profile", profile];
        let run = apply(&bench, "refused", &arguments).exits(1).attempted_nothing(says);
        assert_eq!(run.all_calls(), 0, "{run}");
        let mut command = bench.command("refused", &["plan", "--mfa-token=271828"]);
        command.env("AWS_PROFILE", profile);
        let run = bench.finish("refused", command).exits(1).attempted_nothing(says);
        assert_eq!(run.all_calls(), 0, "{run}");
    }
}

/// A delegated administrator's user with an MFA device, and a via role.
#[test]
fn mfa_comes_before_via_roles() {
    let delegated = Caller::DelegatedAdministrator(2.into());
    let builder = six().caller(delegated).mfa_codes(["271828"]).account(MANAGEMENT_ACCOUNT, |account| {
        let trusts = vec![Trusted::Account(2.into())];
        account.other_roles.push(Role { trusts, requires_mfa: true, ..Role::named("platform/Hub") });
    });
    let bench =
        Bench::new(builder.each_account(|account| account.role.trusts = vec![Trusted::Principal(HUB.into())]).start());
    let run = apply(&bench, "without", &["--via-role", HUB]).exits(1);
    run.says(&["can't be assumed"]);
    let device = "arn:aws:iam::000000000002:mfa/operator";
    changed_all(apply(&bench, "run", &["--via-role", HUB, "--mfa-serial", device, "--mfa-token=271828"]));
}
