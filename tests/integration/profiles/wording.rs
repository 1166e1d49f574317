//! Messages about base credentials: one readable line that names what to check.

use v2token_simulator::{Operation, TokenVersion};

use super::LONG;
use super::environment::{CredentialSetup, DEPLOYER};
use super::invalid::CASES;
use super::renewal::{ACCOUNTS, APPLY, SHORT};
use super::sources::{self, SOURCES};
use crate::harness::Run;
use crate::running::Running;

const ATTEMPT: [&str; 3] = ["apply", "--yes", "--max-attempts=2"];

fn attempt(arrange: fn(&mut CredentialSetup)) -> Run {
    let mut setup = CredentialSetup::new(3, LONG);
    arrange(&mut setup);
    setup.run("run", &ATTEMPT)
}

fn by_name(name: &str) -> Run {
    let (_, arrange, _) = CASES.iter().find(|(case, ..)| *case == name).expect("such a case");
    attempt(*arrange)
}

/// Neither escapes of joined lines, nor values in debug format.
#[test]
fn no_message_shows_escapes_or_structures() {
    let mut odd = Vec::new();
    for (name, arrange, _) in CASES {
        let run = attempt(*arrange);
        for part in [r"\u{", "Error {", "StatusCode("] {
            if run.stderr.contains(part) {
                odd.push(format!("{name}: {part} in {}", run.stderr));
            }
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

#[test]
fn a_missing_file_is_named() {
    for name in ["no token of the pipeline", "a container without its token file"] {
        by_name(name).exits(1).says(&["/nonexistent/token"]);
    }
    attempt(|setup| {
        let file = "/nonexistent/token";
        setup.configure("ci", &format!("[profile ci]\nrole_arn = {DEPLOYER}\nweb_identity_token_file = {file}\n"));
    })
    .exits(1)
    .says(&["/nonexistent/token"]);
}

/// The SDK ignores the key, so the user is not asked for a code.
#[test]
fn a_profile_with_an_mfa_device_gets_a_hint() {
    let run = by_name("a role that asks for MFA").exits(1);
    assert!(run.stderr.to_lowercase().contains("mfa"), "{run}");
}

#[test]
fn a_profile_whose_source_is_itself_is_named() {
    by_name("a role that starts from itself and never ends").exits(1).says(&["source_profile"]);
}

#[test]
fn an_expired_login_must_be_renewed_before_resume() {
    let source = SOURCES.iter().find(|source| source.name == "SSO session").expect("it is there");
    let mut setup = CredentialSetup::new(ACCOUNTS, SHORT);
    (source.arrange)(&mut setup);
    let mut running = Running::spawn(&setup.bench, "run", setup.command("run", &APPLY));
    running.until(|truth| truth.requests(Operation::AssumeRole) >= 2);
    setup.services.refuse(true);
    running.end().exits(1).agrees(TokenVersion::V2).says(&["aws sso login", "v2token resume"]);
}

/// The metadata service is the last source of a Region, also with `--profile`.
#[test]
fn an_instance_provides_the_region_of_a_profile() {
    for by_variable in [true, false] {
        let mut setup = CredentialSetup::new(3, LONG);
        sources::instance(&mut setup);
        setup.configure("rollout", &sources::assuming("credential_source = Ec2InstanceMetadata"));
        if by_variable {
            setup.arguments.clear();
            setup.bench.env("AWS_PROFILE", "rollout");
        }
        setup.run("run", &["plan"]).exits(0);
    }
}
