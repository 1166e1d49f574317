//! Runs every command of the documents, page by page and line by line, in one simulated Organization.

use std::collections::BTreeSet;
use std::process::Command;

use v2token_simulator::{Builder, MANAGEMENT_ACCOUNT, Organization, ROOT_ID, Role, TokenVersion, Trusted};

use super::documents;
use super::markdown::words;
use crate::harness::Bench;
use crate::impact;

/// Placeholders in the documents, and their values in the simulated Organization.
const STAND_INS: [(&str, &str); 5] = [
    ("arn:aws:iam::111122223333:mfa/me", "arn:aws:iam::000000000100:mfa/operator"),
    ("111122223333", "000000000001"),
    ("444455556666", "000000000002"),
    ("--bake 10m", "--bake 10ms"),
    // No account fails in this test.
    ("',failed,'", "',would_change,'"),
];

/// The runs that the documents name but do not start, and the commands that make them.
const RUNS: [(&str, &[&str]); 3] = [
    ("v2token-runs/20261121T160000Z-ghijkl", &["plan"]),
    ("v2token-runs/20261122T041500Z-abcdef", &["plan"]),
    ("v2token-runs/20261122T051500Z-ghijkl", &["apply", "--yes"]),
];

/// Commands that this test does not run: they build, measure for minutes, or concern the reader's machine. The gate runs the first two.
const OTHERS: [&str; 38] = [
    "version=1.0.0 system=x86_64-linux-static",
    r#"curl -fsSLO "https://github.com/OWNER/v2token/releases/download/v$version/v2token-$version-$system.tar.gz""#,
    r#"curl -fsSLO "https://github.com/OWNER/v2token/releases/download/v$version/SHA256SUMS""#,
    "sha256sum --check --ignore-missing SHA256SUMS",
    r#"tar -xzf "v2token-$version-$system.tar.gz""#,
    r#"sudo cp -R "v2token-$version-$system/bin" "v2token-$version-$system/share" /usr/local/"#,
    r#"gh attestation verify "v2token-$version-$system.tar.gz" --repo OWNER/v2token"#,
    "cargo audit bin /usr/local/bin/v2token",
    "mkdir -p ~/.local/share/man/man1 ~/.local/share/bash-completion/completions",
    "skopeo copy oci-archive:v2token-1.0.0-x86_64-oci.tar docker://registry.example.com/v2token:1.0.0",
    "docker run --rm --read-only --cap-drop ALL registry.example.com/v2token:1.0.0 --version",
    "aws organizations enable-aws-service-access --service-principal account.amazonaws.com",
    "aws s3 sync s3://my-trail/AWSLogs/o-abcdefghij/ AWSLogs/ --exclude '*' --include '*/us-east-1/*'",
    "cargo run --example rehearsal",
    "cargo test --workspace",
    "cargo install --path . --locked",
    "touch src/rollout/visit.rs",
    "time cargo test --package v2token --lib --no-run",
    "time cargo test --workspace --no-run",
    "cargo run --release -p v2token-simulator -- --accounts 200 --realistic",
    "cargo build --release --package v2token",
    "target/aws_cli-venv/bin/python tests/aws_cli/measure.py target/release/v2token",
    "cargo bench --bench soak",
    "cargo bench --bench soak -- 2000 7",
    "cargo bench --bench scale --bench scale_mimalloc",
    "cargo bench --bench scale -- quotas --accounts 1000,10000,50000",
    "cargo bench --bench parts",
    "cargo deny check licenses bans sources",
    "cargo deny check advisories",
    ".ci/release",
    "sudo .ci/release-check",
    "cargo install cargo-fuzz --locked",
    "cargo fuzz run --sanitizer none journal fuzz/corpus/journal fuzz/seeds/journal -- -max_total_time=60",
    "UPDATE_DOCUMENTS=1 cargo test --test integration documents",
    "cargo test --test integration freeze_the_runs -- --ignored",
    "chown -R \"$USER\" v2token-runs/RUN",
    "chmod -R go-w v2token-runs/RUN",
    "export AWS_PROFILE=management AWS_REGION=us-east-1",
];

const ACCOUNTS: usize = 12;

/// An Organization with everything that the documents need: a hub, MFA, OUs, tags, and centralized root access.
fn world() -> Builder {
    let hub = "arn:aws:iam::000000000002:role/Hub";
    Organization::builder()
        .accounts(ACCOUNTS)
        .unlimited()
        .root_access(true)
        .mfa_codes(["271828"])
        .unit("ou-ab12-prod0001", "Prod", ROOT_ID)
        .unit("ou-ab12-test0001", "Test", ROOT_ID)
        .each_account(move |account| {
            let even = account.id().number() % 2 == 0;
            account.ou.push_str(if even { "ou-ab12-prod0001" } else { "ou-ab12-test0001" });
            account.tags = vec![("Team".to_owned(), "payments".to_owned())];
            let trusts = vec![Trusted::Principal(hub.to_owned())];
            account.other_roles.push(Role { trusts, ..Role::named("TokenVersionRole") });
        })
        .account(2, |account| {
            let trusts = vec![Trusted::Account(MANAGEMENT_ACCOUNT)];
            account.other_roles.push(Role { trusts, ..Role::named("Hub") });
        })
        .account(MANAGEMENT_ACCOUNT, |account| account.ou.clear())
}

#[test]
fn commands_in_documents_succeed() {
    let mut bench = Bench::new(world().start());
    bench.env("AWS_DEFAULT_REGION", "us-east-1");
    for (folder, arguments) in RUNS {
        bench.run(folder, arguments).exits(0);
    }
    impact::events::write(bench.folder.path());
    let (mut pages, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (page, document) in documents() {
        for line in document.commands() {
            let line = line.trim();
            let mut ours = line.to_owned();
            for (reader, stand_in) in STAND_INS {
                ours = ours.replace(reader, stand_in);
            }
            let words = words(&ours);
            if ["head", "grep", "cat"].iter().any(|tool| ours.starts_with(tool)) {
                let mut shell = Command::new("sh");
                shell.args(["-c", &ours]).current_dir(bench.folder.path()).env("GITHUB_STEP_SUMMARY", "step.md");
                assert!(shell.status().expect("there is a shell").success(), "{page}: {line}");
                continue;
            }
            let ["v2token", command, ..] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
                others.extend(
                    (!line.is_empty()).then(|| line.split_once(" # ").map_or(line, |(line, _)| line).to_owned()),
                );
                continue;
            };
            let mut arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            if ["apply", "rollback"].contains(&command) {
                // There is no terminal to ask on.
                arguments.push("--yes");
            }
            if line.contains("--mfa-serial") {
                arguments.extend(["--mfa-token", "271828"]);
            }
            let run = bench.again("none", &arguments);
            let asks = line.contains("--detailed-exitcode") && run.stdout.contains("would be set");
            assert_eq!(run.code, if asks { 4 } else { 0 }, "{page}: {line}\n{run}");
            pages.insert(page.clone());
        }
        // The next page starts with the same versions.
        bench.organization.control(|world| {
            for number in 1..ACCOUNTS {
                world.account_mut(number).change_externally(Some(TokenVersion::V1));
            }
        });
    }
    assert!(pages.len() >= 6, "{pages:?}");
    assert_eq!(others, OTHERS.map(str::to_owned).into());
}
