//! Messages about base credentials: one readable line that names what to check.

use v2token_simulator::{Operation, TokenVersion};

use super::LONG;
use super::bad::CASES;
use super::renewal::{ACCOUNTS, APPLY, SHORT};
use super::stage::{DEPLOYER, Stage};
use super::ways::{self, WAYS};
use crate::harness::Run;
use crate::running::Running;

const ATTEMPT: [&str; 3] = ["apply", "--yes", "--max-attempts=2"];

fn attempt(arrange: fn(&mut Stage)) -> Run {
    let mut stage = Stage::new(3, LONG);
    arrange(&mut stage);
    stage.run("run", &ATTEMPT)
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
    attempt(|stage| {
        let file = "/nonexistent/token";
        stage.configure("ci", &format!("[profile ci]\nrole_arn = {DEPLOYER}\nweb_identity_token_file = {file}\n"));
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
    let way = WAYS.iter().find(|way| way.name == "SSO session").expect("it is there");
    let mut stage = Stage::new(ACCOUNTS, SHORT);
    (way.arrange)(&mut stage);
    let mut running = Running::spawn(&stage.bench, "run", stage.command("run", &APPLY));
    running.until(|truth| truth.requests(Operation::AssumeRole) >= 2);
    stage.stand_in.refuse(true);
    running.end().exits(1).agrees(TokenVersion::V2).says(&["aws sso login", "v2token resume"]);
}

/// The metadata service is the last source of a Region, also with `--profile`.
#[test]
fn an_instance_provides_the_region_of_a_profile() {
    for by_variable in [true, false] {
        let mut stage = Stage::new(3, LONG);
        ways::instance(&mut stage);
        stage.configure("rollout", &ways::assuming("credential_source = Ec2InstanceMetadata"));
        if by_variable {
            stage.arguments.clear();
            stage.bench.env("AWS_PROFILE", "rollout");
        }
        stage.run("run", &["plan"]).exits(0);
    }
}
