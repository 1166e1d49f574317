//! This module owns what a message about base credentials has to be like: one readable line that names what to look at.

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

/// Neither the escapes of lines that were joined, nor values as a debugger shows them.
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
fn a_file_that_is_not_there_is_named() {
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

/// The SDK passes over the key, so that nobody is asked for a code.
#[test]
fn a_profile_with_an_mfa_device_is_told_what_to_do() {
    let run = by_name("a role that asks for MFA").exits(1);
    assert!(run.stderr.to_lowercase().contains("mfa"), "{run}");
}

#[test]
fn a_profile_that_starts_from_itself_is_told_so() {
    by_name("a role that starts from itself and never ends").exits(1).says(&["source_profile"]);
}

#[test]
fn a_login_that_ends_in_mid_run_is_to_be_renewed_first() {
    let way = WAYS.iter().find(|way| way.name == "SSO session").expect("it is there");
    let mut stage = Stage::new(ACCOUNTS, SHORT);
    (way.arrange)(&mut stage);
    let mut running = Running::spawn(&stage.bench, "run", stage.command("run", &APPLY));
    running.until(|truth| truth.requests(Operation::AssumeRole) >= 2);
    stage.stand_in.refuse(true);
    running.end().exits(1).agrees(TokenVersion::V2).says(&["aws sso login", "v2token resume"]);
}

/// The metadata service is the last of the places that give a Region, with a profile on the command line, too.
#[test]
fn an_instance_gives_the_region_to_a_profile() {
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
