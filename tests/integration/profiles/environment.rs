//! The environment of the tests of base credentials: an organization, the simulated credential services, and a home folder with the
//! files of AWS tools.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use v2token_simulator::{Credentials, MANAGEMENT_ACCOUNT, Organization, Role, Trusted};

use crate::credential_services::{CredentialServices, SECRETS};
use crate::harness::{Bench, Run};

/// The external id that the role of the profiles requires.
pub(super) const EXTERNAL_ID: &str = "canary-external-id-of-a-profile";
/// A role of the management account that the operator may assume.
pub(super) const ROLLOUT: &str = "arn:aws:iam::000000000100:role/ops/Rollout";
/// A role of the management account for which a pipeline's tokens are exchanged.
pub(super) const DEPLOYER: &str = "arn:aws:iam::000000000100:role/ci/Deployer";
/// The subject of those tokens.
pub(super) const SUBJECT: &str = "repo:corp/rollout";
/// The start URL of a login, and its SHA-1, which is the name of the login's cache file.
pub(super) const START_URL: [&str; 2] =
    ["https://corp.awsapps.example/start", "1667e2e8d0e47b926b6e3048caee923410901ca4"];
/// The name of a login's session, and its SHA-1.
pub(super) const SSO_SESSION: [&str; 2] = ["corp", "ee0bfd2552fbd840c02cc48b6e823320543c450f"];

/// A bench without credentials in its environment.
pub(super) struct CredentialSetup {
    pub(super) bench: Bench,
    pub(super) services: CredentialServices,
    /// Arguments of every command.
    pub(super) arguments: Vec<String>,
    /// The access keys of a user.
    pub(super) keys: Credentials,
    /// The lifetime of temporary credentials that are fetched from now on.
    pub(super) lifetime: Duration,
}

impl CredentialSetup {
    /// Starts an organization of this many accounts, whose temporary base credentials have this lifetime.
    pub(super) fn new(accounts: usize, lifetime: Duration) -> Self {
        let rollout = Role {
            trusts: vec![Trusted::Account(MANAGEMENT_ACCOUNT)],
            external_id: Some(EXTERNAL_ID.to_owned()),
            lifetime: Some(lifetime),
            ..Role::named("ops/Rollout")
        };
        let deployer = Role {
            trusts: vec![Trusted::WebIdentity(SUBJECT.to_owned())],
            lifetime: Some(lifetime),
            ..Role::named("ci/Deployer")
        };
        let organization = Organization::builder()
            .accounts(accounts)
            .unlimited()
            .account(MANAGEMENT_ACCOUNT, move |account| account.other_roles = vec![rollout.clone(), deployer.clone()])
            .start();
        let keys = organization.control(|world| world.base_credentials());
        let services = CredentialServices::start(&organization.endpoint(), lifetime);
        let mut bench = Bench::new(organization);
        for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]
        {
            bench.without_env(variable);
        }
        // At the level trace the SDK logs request bodies; none of it may appear.
        bench.env("PATH", "/usr/bin:/bin").env("RUST_LOG", "trace");
        Self { bench, services, arguments: Vec::new(), keys, lifetime }
    }

    /// Writes a file into the home folder.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.bench.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(&path, text).expect("a writable folder");
        path
    }

    /// Writes the configuration, and selects one of its profiles.
    pub(super) fn configure(&mut self, profile: &str, text: &str) {
        self.write(".aws/config", text);
        self.arguments = vec![format!("--profile={profile}")];
    }

    /// The user's access keys, as lines of a profile.
    pub(super) fn key_lines(&self) -> String {
        format!(
            "aws_access_key_id = {}\naws_secret_access_key = {}\n",
            self.keys.access_key_id, self.keys.secret_access_key
        )
    }

    /// Writes a file with a token of the pipeline.
    pub(super) fn write_web_token(&self, subject: &str, lifetime: Duration) -> PathBuf {
        let token = self.bench.organization.control(|world| world.web_identity_token(subject, lifetime));
        self.write("web-identity-token", &token)
    }

    /// Writes a script for `credential_process` that fetches new credentials from the simulator.
    pub(super) fn write_process(&self) -> PathBuf {
        let address = self.bench.organization.endpoint().replace("http://", "").replace(':', "/");
        let lifetime = self.lifetime.as_secs();
        self.write(
            "fetch.sh",
            &format!(
                "exec 3<>/dev/tcp/{address}\n\
                 printf 'GET /_simulator/credentials?lifetime={lifetime} HTTP/1.1\\r\\nHost: simulator\\r\\nConnection: close\\r\\n\\r\\n' >&3\n\
                 sed '1,/^\\r$/d' <&3\n"
            ),
        )
    }

    /// The program, with the setup's arguments.
    pub(super) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.bench.command(name, arguments);
        command.args(&self.arguments);
        command
    }

    /// Runs the program to its end. Its outputs are also searched for the secrets of the credential services.
    pub(super) fn run(&self, name: &str, arguments: &[&str]) -> Run {
        searched(self.bench.finish(name, self.command(name, arguments)))
    }
}

/// Fails if a run's outputs contain a secret of the setup.
pub(super) fn searched(run: Run) -> Run {
    for secret in SECRETS.into_iter().chain([EXTERNAL_ID]) {
        run.holds_no_secret(secret);
    }
    run
}
