//! Command lines and environments that are refused before a run starts, and their messages.

use v2token_simulator::Organization;

use crate::harness::Bench;

const OPTION: i32 = 2;
const START: i32 = 1;

/// Arguments after `apply --yes`, variables (an empty one is removed), exit code, and the expected text on stderr. `{folder}` is
/// the test's folder.
type Case = (&'static [&'static str], &'static [(&'static str, &'static str)], i32, &'static str);

/// Refused without a call to AWS.
const BEFORE_THE_FIRST_CALL: &[Case] = &[
    // Values.
    (&["--to=v2token"], &[], OPTION, "v2Token"),
    (&["--to=v3Token"], &[], OPTION, "v2Token"),
    (&["--to=2"], &[], OPTION, "v2Token"),
    (&["--account=7"], &[], OPTION, "did you mean 000000000007?"),
    (&["--account=12345678901x"], &[], OPTION, "is not an account id, which is 12 digits"),
    (&["--account=0000000000017"], &[], OPTION, "is not an account id, which is 12 digits"),
    (&["--exclude-account=1.00E+11"], &[], OPTION, "spreadsheet rounded it"),
    (&["--waves=0"], &[], OPTION, "--waves"),
    (&["--waves=50%,10%"], &[], OPTION, "larger than the one before"),
    (&["--waves=101%"], &[], OPTION, "--waves"),
    (&["--max-errors=-1"], &[], OPTION, "--max-errors"),
    (&["--max-errors=101%"], &[], OPTION, "--max-errors"),
    (&["--max-errors=many"], &[], OPTION, "--max-errors"),
    (&["--rate=-1"], &[], OPTION, "--rate"),
    (&["--rate=fast"], &[], OPTION, "--rate"),
    (&["--concurrency=0"], &[], OPTION, "--concurrency"),
    (&["--max-attempts=0"], &[], OPTION, "--max-attempts"),
    (&["--session-duration=60"], &[], OPTION, "900 to 43200"),
    (&["--session-duration=13h"], &[], OPTION, "900 to 43200"),
    (&["--session-name=two words"], &[], OPTION, "--session-name"),
    (&["--account-timeout=0s"], &[], OPTION, "--account-timeout"),
    (&["--role=arn:aws:iam::000000000001:user/x"], &[], OPTION, "--role"),
    (&["--verify=perhaps"], &[], OPTION, "--verify"),
    (&["--output=xml"], &[], OPTION, "--output"),
    (&["--unheard-of"], &[], OPTION, "--unheard-of"),
    (&[], &[("V2TOKEN_CONCURRENCY", "lots")], OPTION, "concurrency"),
    (&["--quiet", "--debug"], &[], OPTION, "cannot be used with"),
    // Reports.
    (&["--report=report.xlsx"], &[], OPTION, "the extension selects the format"),
    (&["--report=-", "--output=json"], &[], OPTION, "both write to stdout"),
    (&["--report={folder}/no/such/folder/report.csv"], &[], START, "no/such/folder/report.csv can't be written"),
    (&["--report=/proc/report.csv"], &[], START, "/proc/report.csv can't be written"),
    // Region and endpoint.
    (&["--region=eu-wset-1"], &[], START, "did you mean eu-west-1?"),
    (&["--region=aws-global"], &[], START, "global STS endpoint"),
    (&[], &[("AWS_REGION", "aws-global")], START, "global STS endpoint"),
    (&[], &[("AWS_REGION", "eu-west-9")], START, "did you mean eu-west-"),
    (&[], &[("AWS_REGION", "")], START, "--region"),
    (&[], &[("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com")], START, "AWS_ENDPOINT_URL_STS"),
    (&[], &[("AWS_ENDPOINT_URL", "https://STS.amazonaws.com:443/")], START, "global STS endpoint"),
    (&["--endpoint-url=https://sts.amazonaws.com"], &[], START, "global STS endpoint"),
    (&["--endpoint-url=localhost:5000"], &[], START, "not an endpoint URL"),
    (&["--endpoint-url=ftp://localhost"], &[], START, "not an endpoint URL"),
    // Certificates and credentials.
    (&["--ca-bundle={folder}/missing.pem"], &[], START, "missing.pem can't be read"),
    (&["--ca-bundle={folder}/not.pem"], &[], START, "holds no certificate"),
    (&[], &[("AWS_CA_BUNDLE", "{folder}/broken.pem")], START, "not a list of PEM certificates"),
    (&[], &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")], START, "AWS_PROFILE"),
    (&["--profile=nobody"], &[], START, "nobody"),
];

/// Refused after an answer of AWS.
const BEFORE_THE_FIRST_ACCOUNT: &[Case] = &[
    (&["--region=cn-north-1"], &[], START, "name a Region of the caller's partition"),
    (&["--account=000000000999"], &[], START, "no account 000000000999"),
    (&["--exclude-account=000000000999,000000000001"], &[], START, "no account 000000000999"),
    (&["--account=000000000001", "--exclude-account=000000000001"], &[], START, "the selection is empty"),
    (&[], &[("AWS_SECRET_ACCESS_KEY", "a-secret-that-is-not-the-right-one")], START, "SignatureDoesNotMatch"),
    (&[], &[("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")], START, "InvalidClientTokenId"),
    (&["--endpoint-url=http://127.0.0.1:1", "--max-attempts=2"], &[], START, "ConnectionFailed"),
];

#[test]
fn invalid_settings_are_refused_before_the_first_call() {
    check(BEFORE_THE_FIRST_CALL, true);
}

#[test]
fn unsuitable_organizations_are_refused_before_the_first_account() {
    check(BEFORE_THE_FIRST_ACCOUNT, false);
}

fn check(cases: &[Case], silent: bool) {
    // A signature for cn-north-1 must be accepted, so that the answer has the caller's ARN.
    let bench = Bench::new(Organization::builder().accounts(3).sts_region("cn-north-1").unlimited().start());
    let folder = bench.folder.path().to_owned();
    std::fs::write(folder.join("not.pem"), "not a certificate\n").expect("a writable folder");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(folder.join("broken.pem"), broken).expect("a writable folder");
    let place = |text: &str| text.replace("{folder}", folder.to_str().expect("a UTF-8 path"));

    let mut wrong = Vec::new();
    for (arguments, variables, code, says) in cases {
        let arguments: Vec<String> = arguments.iter().map(|argument| place(argument)).collect();
        let mut command = bench.command("run", &["apply", "--yes"]);
        command.args(&arguments);
        for (name, value) in *variables {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, place(value));
            }
        }
        let run = bench.finish("run", command);
        let touched = run.touched_accounts() || (silent && run.all_calls() > 0);
        let left = run.folder.exists();
        if left {
            std::fs::remove_dir_all(&run.folder).expect("a folder that must not disturb the next case");
        }
        let refused = run.stderr.contains(says) && run.stdout.is_empty() && !run.stderr.contains("panicked");
        if run.code != *code || !refused || touched || left {
            wrong.push(format!(
                "{arguments:?} {variables:?}: expected exit code {code} and {says:?}; \
                 requests: {}, run folder left: {left}\n{run}",
                run.all_calls()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

#[test]
fn an_unusable_run_folder_is_refused_before_the_first_call() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    bench.run("taken", &["plan"]).exits(0);
    let journal = bench.folder.path().join("taken/journal.jsonl");
    let before = std::fs::read(&journal).expect("a journal");
    let again = bench.run("taken", &["apply", "--yes"]).exits(START);
    assert!(again.stderr.contains("holds a run already") && again.stderr.contains("--run-dir"), "{again}");
    assert_eq!(again.all_calls(), 0);
    assert_eq!(std::fs::read(&journal).expect("the same journal"), before, "the run in the folder is not touched");

    std::fs::write(bench.folder.path().join("file"), "").expect("a writable folder");
    for place in ["/proc/v2token", "file/below"] {
        let mut command = bench.bare(&["apply", "--yes", "--run-dir"]);
        command.arg(place);
        let run = bench.finish("none", command).exits(START).attempted_nothing("can't be written");
        assert_eq!(run.all_calls(), 0, "{run}");
    }
}

/// A refused run leaves existing folders and reports unchanged.
#[test]
fn a_refused_run_leaves_existing_files_unchanged() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let (folder, report) = (bench.folder.path().join("mine"), bench.folder.path().join("report.csv"));
    std::fs::create_dir(&folder).expect("a writable folder");
    std::fs::write(folder.join("notes.txt"), "mine").expect("a writable folder");
    std::fs::write(&report, "from yesterday").expect("a writable folder");
    let arguments = ["apply", "--yes", "--region=aws-global", "--report=report.csv", "--report=new.json"];
    bench.run("mine", &arguments).exits(START);
    let left: Vec<_> =
        std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
    assert_eq!(std::fs::read_to_string(&report).expect("the report"), "from yesterday");
    assert!(!bench.folder.path().join("new.json").exists());
}

#[test]
fn without_a_terminal_and_without_yes_nothing_starts() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let run = bench.run("run", &["apply"]).exits(START).attempted_nothing("--yes");
    assert_eq!(run.all_calls(), 0, "{run}");
    bench.run("plan", &["plan"]).exits(0);
    bench.run("dry", &["apply", "--dry-run"]).exits(0);
}

/// Settings of other AWS tools that the SDK would panic on.
#[test]
fn settings_of_other_aws_tools_do_no_harm() {
    let config = "[default]\nretry_mode = legacy\nmax_attempts = 2\n";
    for variables in
        [&[("AWS_RETRY_MODE", "legacy")][..], &[("AWS_MAX_ATTEMPTS", "1000")], &[("AWS_CONFIG_FILE", "config")]]
    {
        let mut bench = Bench::new(Organization::builder().accounts(3).start());
        std::fs::write(bench.folder.path().join("config"), config).expect("a writable folder");
        for (name, value) in variables {
            bench.env(name, value);
        }
        let run = bench.run("run", &["plan"]).exits(0);
        assert!(!run.stderr.contains("panicked"), "{variables:?}\n{run}");
    }
    let mut bench = Bench::new(Organization::builder().accounts(3).start());
    bench.env("AWS_MAX_ATTEMPTS", "0");
    bench.run("run", &["plan"]).exits(1).attempted_nothing("AWS_MAX_ATTEMPTS or max_attempts is \"0\"");
    // An option replaces the setting, which is checked all the same.
    bench.env("AWS_MAX_ATTEMPTS", "3");
    let run = bench.run("three", &["plan", "-v"]).exits(0);
    let info = std::fs::read_to_string(run.folder.join("run.json")).expect("run.json");
    assert!(info.contains("\"max_attempts\": 3"), "{info}");
    let info = bench.run("four", &["plan", "--max-attempts=4"]).exits(0).folder.join("run.json");
    assert!(std::fs::read_to_string(info).expect("run.json").contains("\"max_attempts\": 4"));
}
