//! This module owns the stage of the tests of base credentials: an organization, the stand-ins around it, and a home folder
//! with what AWS tools look for in it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use v2token_simulator::{Credentials, MANAGEMENT_ACCOUNT, Organization, Role, Trusted};

use crate::harness::{Bench, Run};
use crate::stand_in::{SECRETS, StandIn};

/// What the role of the profiles that assume one asks for.
pub(super) const EXTERNAL_ID: &str = "canary-external-id-of-a-profile";
/// A role of the management account that the operator may assume.
pub(super) const ROLLOUT: &str = "arn:aws:iam::000000000100:role/ops/Rollout";
/// A role of the management account that the tokens of a pipeline are exchanged for.
pub(super) const DEPLOYER: &str = "arn:aws:iam::000000000100:role/ci/Deployer";
/// Whom those tokens are about.
pub(super) const SUBJECT: &str = "repo:corp/rollout";
/// Where a login comes from, and the SHA-1 of it, which names the file that the login is kept in.
pub(super) const START_URL: [&str; 2] =
    ["https://corp.awsapps.example/start", "1667e2e8d0e47b926b6e3048caee923410901ca4"];
/// The name of a login's session, and the SHA-1 of it.
pub(super) const SSO_SESSION: [&str; 2] = ["corp", "ee0bfd2552fbd840c02cc48b6e823320543c450f"];

/// A bench whose environment holds no credentials.
pub(super) struct Stage {
    pub(super) bench: Bench,
    pub(super) stand_in: StandIn,
    /// Given to every command.
    pub(super) arguments: Vec<String>,
    /// The keys of a user, for those who want to write them somewhere.
    pub(super) keys: Credentials,
    /// How long temporary credentials last that are fetched from now on.
    pub(super) lifetime: Duration,
}

impl Stage {
    /// An organization of so many accounts, whose temporary base credentials last so long.
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
        let stand_in = StandIn::start(&organization.endpoint(), lifetime);
        let mut bench = Bench::new(organization);
        for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]
        {
            bench.without_env(variable);
        }
        // At trace the SDK would show request bodies; nothing of it may come through.
        bench.env("PATH", "/usr/bin:/bin").env("RUST_LOG", "trace");
        Self { bench, stand_in, arguments: Vec::new(), keys, lifetime }
    }

    /// Writes a file into the home folder.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.bench.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(&path, text).expect("a writable folder");
        path
    }

    /// Writes the configuration, and chooses a profile of it.
    pub(super) fn configure(&mut self, profile: &str, text: &str) {
        self.write(".aws/config", text);
        self.arguments = vec![format!("--profile={profile}")];
    }

    /// The keys of the user, as lines of a profile.
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

    /// A script that fetches new credentials from the simulator, for `credential_process`.
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

    /// The program, with the stage's own arguments.
    pub(super) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.bench.command(name, arguments);
        command.args(&self.arguments);
        command
    }

    /// Runs the program to its end. All it put out is searched for the stand-ins' secrets, too.
    pub(super) fn run(&self, name: &str, arguments: &[&str]) -> Run {
        searched(self.bench.finish(name, self.command(name, arguments)))
    }
}

/// Fails if a run put out a secret of the stage.
pub(super) fn searched(run: Run) -> Run {
    for secret in SECRETS.into_iter().chain([EXTERNAL_ID]) {
        run.holds_no_secret(secret);
    }
    run
}
