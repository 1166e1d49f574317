//! Secrets from every input: the tests put a marker into each input that may hold a secret, one input at a time. No output may
//! contain the marker, even if something fails.

use v2token_simulator::Organization;

use crate::harness::{Bench, Run};

/// The marker. It is valid as an external id, a password, a key, or a token.
const WORD: &str = "canary-0815";
/// `operator:canary-0815` in base64, as a proxy gets it.
const ENCODED: &str = "b3BlcmF0b3I6Y2FuYXJ5LTA4MTU=";
/// An address without a listener.
const NOBODY: &str = "127.0.0.1:1";

/// An input: its name, and a function that puts the marker into it and returns further arguments of a run.
type Input = (&'static str, fn(&mut Bench) -> Vec<String>);

const INPUTS: &[Input] = &[
    ("endpoint", |_| vec![format!("--endpoint-url=http://operator:{WORD}@{NOBODY}")]),
    ("endpoint without a scheme", |_| vec![format!("--endpoint-url=operator:{WORD}@{NOBODY}")]),
    ("endpoint with a slash too few", |_| vec![format!("--endpoint-url=http:/operator:{WORD}@{NOBODY}")]),
    ("endpoint by variable", |bench| variable(bench, "AWS_ENDPOINT_URL", &format!("http://operator:{WORD}@{NOBODY}"))),
    ("endpoint of STS", |bench| variable(bench, "AWS_ENDPOINT_URL_STS", &format!("http://operator:{WORD}@{NOBODY}"))),
    ("endpoint of IAM", |bench| variable(bench, "AWS_ENDPOINT_URL_IAM", &format!("operator:{WORD}@{NOBODY}"))),
    ("endpoint of Organizations", |bench| {
        variable(bench, "AWS_ENDPOINT_URL_ORGANIZATIONS", &format!("ftp://operator:{WORD}@{NOBODY}"))
    }),
    ("endpoint of a profile", |bench| {
        bench.without_env("AWS_ENDPOINT_URL");
        profile(bench, &format!("endpoint_url = http://operator:{WORD}@{NOBODY}"))
    }),
    ("proxy", |bench| proxy(bench, &format!("http://operator:{WORD}@{NOBODY}"))),
    ("proxy without a scheme", |bench| proxy(bench, &format!("operator:{WORD}@{NOBODY}"))),
    ("proxy of another kind", |bench| proxy(bench, &format!("socks5://operator:{WORD}@{NOBODY}"))),
    ("proxy without a host", |bench| proxy(bench, &format!("http://operator:{WORD}@"))),
    ("process that complains", |bench| process(bench, &format!("echo {WORD} >&2; exit 3"))),
    ("process that traces itself", |bench| process(bench, &format!("set -x; TOKEN={WORD}; exit 1"))),
    ("process that says it and fails", |bench| process(bench, &format!("echo {WORD}; exit 1"))),
    ("process that says something else", |bench| process(bench, &format!("echo SecretAccessKey={WORD}"))),
    ("process of another version", |bench| {
        process(bench, &format!(r#"echo '{{\"Version\": 7, \"SecretAccessKey\": \"{WORD}\"}}'"#))
    }),
    ("process with a wrong time", |bench| {
        let answer =
            r#"{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"WORD\", \"Expiration\": \"WORD\"}"#;
        process(bench, &format!("echo '{}'", answer.replace("WORD", WORD)))
    }),
    ("process with a key that is wrong", |bench| {
        let answer = r#"{\"Version\": 1, \"AccessKeyId\": \"AKIAIOSFODNN7EXAMPLE\", \"SecretAccessKey\": \"WORD\"}"#;
        process(bench, &format!("echo '{}'; echo {WORD} >&2", answer.replace("WORD", WORD)))
    }),
    ("process with an argument", |bench| {
        profile(bench, &format!("credential_process = /nonexistent/fetch --key {WORD}"))
    }),
    ("secret key", |bench| variable(bench, "AWS_SECRET_ACCESS_KEY", WORD)),
    ("secret key with a line end", |bench| variable(bench, "AWS_SECRET_ACCESS_KEY", &format!("{WORD}\r"))),
    ("session token", |bench| variable(bench, "AWS_SESSION_TOKEN", WORD)),
    ("session token with a line end", |bench| variable(bench, "AWS_SESSION_TOKEN", &format!("{WORD}\n"))),
    ("secret key of a profile", |bench| {
        without_keys(bench);
        profile(bench, &format!("aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {WORD}"))
    }),
    ("half a pair", |bench| {
        without_keys(bench);
        profile(bench, &format!("aws_secret_access_key = {WORD}"))
    }),
    ("external id of a profile", |bench| {
        without_keys(bench);
        let role = "role_arn = arn:aws:iam::000000000100:role/Nobody";
        profile(bench, &format!("{role}\ncredential_source = Environment\nexternal_id = {WORD}"))
    }),
    ("web identity token", |bench| {
        without_keys(bench);
        let file = write(bench, "token", WORD);
        bench.env("AWS_ROLE_ARN", "arn:aws:iam::000000000100:role/ci/Deployer");
        variable(bench, "AWS_WEB_IDENTITY_TOKEN_FILE", &file)
    }),
    ("container token", |bench| {
        without_keys(bench);
        bench.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", WORD);
        variable(bench, "AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://operator:{WORD}@{NOBODY}/{WORD}"))
    }),
    ("container token that is none", |bench| {
        without_keys(bench);
        bench.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", &format!("{WORD}\n{WORD}"));
        variable(bench, "AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{NOBODY}/"))
    }),
    ("container token file", |bench| {
        without_keys(bench);
        let file = write(bench, "token", &format!("{WORD}\n"));
        bench.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file);
        variable(bench, "AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{NOBODY}/"))
    }),
    ("login", |bench| login(bench, &format!(r#"{{"accessToken": "{WORD}", "expiresAt": "2999-01-01T00:00:00Z"}}"#))),
    ("login that is over", |bench| {
        let times = r#""expiresAt": "2001-01-01T00:00:00Z", "registrationExpiresAt": "2999-01-01T00:00:00Z""#;
        let secrets = format!(r#""accessToken": "{WORD}", "refreshToken": "{WORD}", "clientSecret": "{WORD}""#);
        login(bench, &format!(r#"{{{secrets}, "clientId": "c", {times}}}"#))
    }),
    ("login that is cut short", |bench| login(bench, &format!(r#"{{"accessToken": "{WORD}", "expiresAt": "20"#))),
    ("external id", |_| vec![format!("--external-id={WORD}")]),
    ("external id that is none", |_| vec![format!("--external-id={WORD} {WORD}")]),
    ("external id by variable", |bench| variable(bench, "V2TOKEN_EXTERNAL_ID", &format!("{WORD}\t"))),
    ("external id of an account", |bench| list(bench, &format!("account_id,external_id\n000000000001,{WORD}\n"))),
    ("external id of an account that is none", |bench| {
        list(bench, &format!("account_id,external_id\n000000000001,{WORD} {WORD}\n"))
    }),
    ("external id beside a wrong id", |bench| list(bench, &format!("account_id,external_id\n12,{WORD}\n"))),
    ("external id beside a wrong role", |bench| {
        list(bench, &format!("account_id,role,external_id\n000000000001,a b,{WORD}\n"))
    }),
    ("two external ids of an account", |bench| {
        list(bench, &format!("account_id,external_id\n000000000001,{WORD}\n000000000001,{WORD}x\n"))
    }),
    ("external id that goes on", |bench| {
        list(bench, &format!("account_id,external_id\n000000000001,\"{WORD}\n{WORD}\"\n"))
    }),
    ("MFA code that is none", |_| {
        vec!["--mfa-serial=arn:aws:iam::000000000100:mfa/operator".to_owned(), format!("--mfa-token={WORD}")]
    }),
    ("MFA code by variable", |bench| variable(bench, "V2TOKEN_MFA_TOKEN", WORD)),
    ("session policy that is none", |bench| {
        let file = write(bench, "policy.json", &format!(r#"{{"Statement": {WORD}}}"#));
        vec![format!("--session-policy=file://{file}")]
    }),
    ("authorities that are none", |bench| {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{WORD}\n-----END CERTIFICATE-----\n");
        vec![format!("--ca-bundle={}", write(bench, "ca.pem", &pem))]
    }),
];

fn variable(bench: &mut Bench, name: &str, value: &str) -> Vec<String> {
    bench.env(name, value);
    Vec::new()
}

fn write(bench: &Bench, name: &str, text: &str) -> String {
    let path = bench.folder.path().join("inputs").join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    std::fs::write(&path, text).expect("a writable folder");
    path.to_str().expect("a UTF-8 path").to_owned()
}

fn list(bench: &Bench, text: &str) -> Vec<String> {
    vec![format!("--accounts-from={}", write(bench, "accounts.csv", text))]
}

fn without_keys(bench: &mut Bench) {
    bench.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY");
}

/// Lines of the default profile.
fn profile(bench: &mut Bench, lines: &str) -> Vec<String> {
    let file = write(bench, "config", &format!("[default]\n{lines}\n"));
    bench.env("AWS_SHARED_CREDENTIALS_FILE", &file);
    variable(bench, "AWS_CONFIG_FILE", &file)
}

fn process(bench: &mut Bench, script: &str) -> Vec<String> {
    without_keys(bench);
    profile(bench, &format!("credential_process = sh -c \"{script}\""))
}

/// A proxy, and an endpoint on this machine, also if the proxy is not used.
fn proxy(bench: &mut Bench, url: &str) -> Vec<String> {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        bench.env(name, url);
    }
    variable(bench, "AWS_ENDPOINT_URL", &format!("https://{NOBODY}"))
}

/// A login in the cache of `aws sso login`, under the SHA-1 of its session's name, `corp`.
fn login(bench: &mut Bench, text: &str) -> Vec<String> {
    without_keys(bench);
    let cache = bench.folder.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).expect("a writable folder");
    std::fs::write(cache.join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json"), text).expect("a writable folder");
    for name in ["AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"] {
        bench.env(name, &format!("http://{NOBODY}"));
    }
    let session = "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.example/start";
    profile(bench, &format!("sso_session = corp\nsso_account_id = 000000000100\nsso_role_name = R\n{session}"))
}

/// Fails if the marker is in the streams, a file of the run, or a report.
fn search(bench: &Bench, run: &Run, what: &str) {
    let holds = |text: &str| text.contains(WORD) || text.contains(ENCODED);
    assert!(!holds(&run.stdout) && !holds(&run.stderr), "{what}\n{run}");
    let mut folders = vec![bench.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.ends_with("inputs") || path.ends_with(".aws") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a readable file");
                assert!(!holds(&String::from_utf8_lossy(&bytes)), "{what}: {}", path.display());
            }
        }
    }
}

fn bench() -> Bench {
    let mut bench = Bench::new(Organization::builder().accounts(3).unlimited().start());
    bench.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").env("PATH", "/usr/bin:/bin");
    bench.env("AWS_MAX_ATTEMPTS", "1");
    bench
}

#[test]
fn no_output_contains_a_secret_input() {
    // Several at a time, because the program mostly waits when something can't be reached.
    std::thread::scope(|scope| {
        for part in INPUTS.chunks(INPUTS.len().div_ceil(6)) {
            scope.spawn(move || part.iter().for_each(is_not_put_out_again));
        }
    });
}

fn is_not_put_out_again((name, put): &Input) {
    let shared = ["--debug", "-v", "--max-attempts=1", "--log-format"];
    let reports = ["csv", "json", "jsonl", "md", "html"].map(|ending| format!("--report=report.{ending}"));
    let mut bench = bench();
    let more = put(&mut bench);
    for format in ["text", "json"] {
        let what = format!("{name}, {format}");
        let mut apply = bench.command("apply", &["apply", "--yes", "--max-errors=100%", "--output=json"]);
        apply.args(shared).arg(format).args(&more).args(&reports);
        search(&bench, &bench.finish("apply", apply), &what);
        if bench.run_folder("apply").exists() {
            let mut rollback = bench.command("rollback", &["rollback", "apply", "--yes"]);
            rollback.args(shared).arg(format).args(&more);
            search(&bench, &bench.finish("rollback", rollback), &what);
            search(&bench, &bench.again("none", &["report", "apply", "--output=json"]), &what);
        }
        for folder in ["apply", "rollback"] {
            let _ = std::fs::remove_dir_all(bench.run_folder(folder));
        }
    }
    let mut doctor = bench.bare(&["doctor", "--debug", "-v", "--max-attempts=1"]);
    doctor.args(&more);
    search(&bench, &bench.finish("none", doctor), name);
    let mut iam = bench.bare(&["iam", "get-account-summary", "--debug"]);
    let shared = |argument: &&String| ["--endpoint-url=", "--ca-bundle="].iter().any(|name| argument.starts_with(name));
    iam.args(more.iter().filter(shared));
    search(&bench, &bench.finish("none", iam), name);
}

/// The session policy is stored for resume. It is not a secret, but it is not shown either.
#[test]
fn the_session_policy_is_only_in_run_json() {
    let bench = bench();
    let policy = r#"{"Statement": [{"Sid": "WORD", "Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}"#;
    let file = write(&bench, "policy.json", &policy.replace("WORD", WORD));
    let run = bench.run("run", &["apply", "--yes", "--debug", "--session-policy", &format!("file://{file}")]).exits(0);
    assert!(!run.stdout.contains(WORD) && !run.stderr.contains(WORD), "{run}");
    for entry in std::fs::read_dir(&run.folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let there = std::fs::read_to_string(&path).expect("text").contains(WORD);
        let expected = ["run.json", "report.json"].iter().any(|name| path.ends_with(name));
        assert_eq!(there, expected, "{}", path.display());
    }
}

/// A control: the search finds the marker, and the inputs contain it.
#[test]
fn every_input_contains_the_marker() {
    for (name, put) in INPUTS {
        let mut bench = bench();
        let more = put(&mut bench);
        let variables = bench.bare(&[]);
        let mut given =
            variables.get_envs().filter_map(|(_, value)| value?.to_str()).chain(more.iter().map(String::as_str));
        let mut found = given.any(|value| value.contains(WORD));
        for folder in ["inputs", ".aws/sso/cache"] {
            let files = std::fs::read_dir(bench.folder.path().join(folder)).into_iter().flatten();
            found |=
                files.flatten().any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains(WORD)));
        }
        assert!(found, "{name}");
    }
}
