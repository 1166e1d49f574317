//! Typical mistakes on the command line: the messages name the mistake and what to type instead, and no account is reached.

use v2token_simulator::{ORGANIZATION_ID, Organization, ROOT_ID};

use crate::harness::{Bench, Run};

const OPTION: i32 = 2;
const START: i32 = 1;

/// One mistake.
struct Mistake {
    /// The whole command line, with white space between the arguments and `␣` for a space within one.
    line: &'static str,
    /// Environment variables.
    environment: &'static [(&'static str, &'static str)],
    code: i32,
    /// What the message names.
    names: &'static str,
    /// What the message suggests to type, or says is expected.
    instead: &'static str,
}

const fn mistake(line: &'static str, code: i32, names: &'static str, instead: &'static str) -> Mistake {
    Mistake { line, environment: &[], code, names, instead }
}

const fn variable(
    environment: &'static [(&'static str, &'static str)],
    code: i32,
    names: &'static str,
    instead: &'static str,
) -> Mistake {
    Mistake { line: "apply --yes", environment, code, names, instead }
}

const ACCOUNTS: &[Mistake] = &[
    mistake("plan --account=12345678901", OPTION, "\"12345678901\" has 11 digits", "did you mean 012345678901?"),
    mistake("plan --account=1.23457E+11", OPTION, "a spreadsheet rounded it", "format the column as text"),
    mistake("plan --account=1234-5678-9012", OPTION, "\"1234-5678-9012\"", "did you mean 123456789012?"),
    mistake("plan --account='123456789012'", OPTION, "'123456789012'", "did you mean 123456789012?"),
    mistake("plan --account=000000000001␣000000000002", OPTION, "more than one account id", "put commas between them"),
    mistake("plan --account=000000000001;000000000002", OPTION, "more than one account id", "put commas between them"),
    mistake(
        "plan --account=arn:aws:organizations::000000000100:account/o-exampleorg1/000000000001",
        OPTION,
        "is not an account id",
        "did you mean 000000000001?",
    ),
    mistake("plan --account=ou-ab12-critical", OPTION, "the id of an OU or of a root", "give it with --ou"),
    mistake("plan --account=payments-prod", OPTION, "\"payments-prod\" is not an account id", "12 digits"),
    mistake("plan --exclude-account=", OPTION, "--exclude-account", "12 digits"),
    mistake("apply --yes --canary=first", OPTION, "--canary", "12 digits"),
];

const FILES: &[Mistake] = &[
    mistake("plan --account=core-prod-00371", OPTION, "\"core-prod-00371\" is not an account id", "with --name"),
    mistake("plan --accounts-from=missing.csv", OPTION, "missing.csv", "No such file"),
    mistake("plan --accounts-from=folder", OPTION, "--accounts-from folder", "Is a directory"),
    mistake("plan --accounts-from=book.xlsx", OPTION, "book.xlsx: it is not UTF-8", "save it as CSV in UTF-8"),
    mistake("plan --accounts-from=utf16.csv", OPTION, "utf16.csv: it is not UTF-8", "save it as CSV in UTF-8"),
    mistake("plan --accounts-from=taken/report.json", OPTION, "it is JSON", "such as the CSV report"),
    mistake("plan --accounts-from=empty.txt", OPTION, "empty.txt", "it names no account"),
    mistake("plan --accounts-from=header.csv", OPTION, "header.csv", "it names no account"),
    mistake("plan --accounts-from=-", OPTION, "stdin", "it names no account"),
    mistake("plan --accounts-from=zeros.csv", OPTION, "zeros.csv: line 3", "did you mean 000000000012?"),
    mistake("plan --accounts-from=rounded.csv", OPTION, "rounded.csv: line 2", "format the column as text"),
    mistake("plan --accounts-from=names.txt", OPTION, "names.txt: line 1: \"payments\"", "12 digits"),
    mistake(
        "plan --accounts-from=elsewhere.csv",
        OPTION,
        "line 2: the role is in account 000000000002",
        "the line is about account 000000000001",
    ),
    mistake("plan --accounts-from=twice.csv", OPTION, "line 3: account 000000000001", "another role or external id"),
    mistake("plan --accounts-from=secret.csv", OPTION, "line 2: the external id", "2 to 1224 letters"),
    mistake("plan --accounts-from=payers.csv", OPTION, "\"payer\" and \"member\"", "name one of them account_id"),
    mistake("plan --accounts-from=second.csv", OPTION, "there is no column account_id", "did you mean \"Konto\"?"),
    mistake(
        "plan --accounts-from=comma.csv",
        OPTION,
        "\"1,91521E+11\"",
        "format the column as text, and export it again",
    ),
    mistake("plan --accounts-from=roles.csv", OPTION, "the column \"assumed role\"", "name it role_arn or role"),
    mistake("plan --accounts-from=ids.csv", OPTION, "the column \"ext_id\"", "name it external_id"),
    mistake("plan --accounts-from=bare.csv", OPTION, "the ARN of a role", "begin with the line account_id,role_arn"),
];

const SELECTION: &[Mistake] = &[
    mistake("plan --ou=ou-ab12", OPTION, "expected the id of an OU (ou-…-…)", "such as Root/Workloads/Prod"),
    mistake("plan --ou=/", OPTION, "expected the id of an OU", "the names from the root down to it"),
    mistake("plan --ou=o-exampleorg1", OPTION, "the id of an Organization", "name its root, r-…"),
    mistake("plan --ou=000000000001", OPTION, "the id of an account", "give it with --account"),
    mistake(
        "plan --ou=o-exampleorg1/r-ab12/ou-ab12-critical/",
        OPTION,
        "only the id",
        "did you mean ou-ab12-critical?",
    ),
    mistake(
        "plan --exclude-ou=arn:aws:organizations::000000000100:ou/o-exampleorg1/ou-ab12-critical",
        OPTION,
        "only the id",
        "did you mean ou-ab12-critical?",
    ),
    mistake("plan --ou=OU-AB12-CRITICAL", OPTION, "only the id", "did you mean ou-ab12-critical?"),
    mistake("plan --tag=Environment", OPTION, "--tag", "expected KEY=VALUE, such as Environment=prod"),
    mistake("plan --tag=Environment:prod", OPTION, "--tag", "expected KEY=VALUE"),
    mistake("plan --tag==prod", OPTION, "--tag", "expected a key before the ="),
    mistake("plan --tag=Key=Environment,Value=prod", OPTION, "--tag Key=Environment", "did you mean Environment=prod?"),
    mistake("apply --yes --exclude-tag=Key=Tier,Value=0", OPTION, "--exclude-tag Key=Tier", "did you mean Tier=0?"),
    mistake("plan --name=", OPTION, "--name", "* stands for any text"),
    mistake("plan --joined-since=7", OPTION, "a number without a unit", "expected a span such as 7d or 36h"),
    mistake("plan --joined-since=01.11.2026", OPTION, "--joined-since", "a day in UTC such as 2026-11-01"),
    mistake("plan --joined-since=0d", OPTION, "a span of no length", "expected a span such as 7d"),
    mistake("plan --joined-since=2999-01-01", OPTION, "no account can have joined since", "not in the past"),
    mistake("plan --shard=4/4", OPTION, "counted from 0", "the last of 4 is 3/4"),
    mistake("plan --shard=1", OPTION, "--shard", "expected I/N, such as 0/4"),
    mistake("plan --shard=0/0", OPTION, "at least one part", "0/1 is everything"),
    mistake("plan --shard=1-4", OPTION, "--shard", "expected I/N"),
];

const ACCESS: &[Mistake] = &[
    mistake("plan --role=arn:aws:iam::000000000001:role/Audit", OPTION, "the same for every account", "{account_id}"),
    mistake("plan --role=arn:aws:iam::*:role/Audit", OPTION, "the same for every account", "write {account_id}"),
    mistake("plan --role=role/Audit", OPTION, "leave out role/", "did you mean Audit?"),
    mistake(
        "plan --role=arn:aws:sts::000000000001:assumed-role/A/b",
        OPTION,
        "expected the ARN of a role",
        ":role/<name>",
    ),
    mistake("plan --via-role=Hub", OPTION, "--via-role", "expected the full ARN of the role: arn:aws:iam::<12 digits>"),
    mistake("plan --via-role=arn:aws:iam::{account_id}:role/Hub", OPTION, "--via-role", "<12 digits>"),
    mistake("plan --session-policy=narrow.json", OPTION, "--session-policy", "did you mean file://narrow.json?"),
    mistake("plan --session-policy=file:narrow.json", OPTION, "--session-policy", "did you mean file://narrow.json?"),
    mistake("plan --session-policy=arn:aws:iam::aws:policy/ReadOnlyAccess", OPTION, "--session-policy", "file://FILE"),
    mistake("plan --mfa-token=12345", OPTION, "--mfa-token", "the six digits that the device shows"),
    mistake("plan --mfa-serial=123456", OPTION, "--mfa-serial", "arn:aws:iam::123456789012:mfa/name"),
    mistake("plan --external-id=SIMSECRET␣x", OPTION, "--external-id", "2 to 1224 letters"),
    mistake("plan --session-duration=15", OPTION, "--session-duration", "900 to 43200 seconds (15m to 12h)"),
    mistake("plan --source-identity=jane␣doe", OPTION, "--source-identity", "2 to 64 letters"),
    mistake("plan --management-account=000000000100", OPTION, "--management-account", "own, role, skip"),
    mistake("plan --access=assume_root", OPTION, "--access", "a similar value exists: 'assume-root'"),
    mistake("apply --yes --access=assume-root", OPTION, "can only read", "use it with plan or doctor"),
    mistake("plan --region=eu-west1", START, "no Region \"eu-west1\"", "did you mean eu-west-1?"),
    mistake("plan --region=us-east", START, "no Region \"us-east\"", "did you mean us-east-1?"),
    mistake("plan --region=EU-WEST-1", START, "no Region \"EU-WEST-1\"", "did you mean eu-west-1?"),
    mistake("plan --region=eu-west-1a", START, "no Region \"eu-west-1a\"", "did you mean eu-west-1?"),
    mistake("doctor --report=x.csv", OPTION, "--report", "doctor makes no run"),
    mistake("plan --endpoint-url=https://me:SIMSECRET@host", START, "a user name or a password", "up to the @"),
    variable(
        &[("AWS_DEFAULT_REGION", "us-esat-1"), ("AWS_REGION", "")],
        START,
        "no Region \"us-esat-1\"",
        "us-east-1?",
    ),
    variable(&[("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com/")], START, "global STS endpoint", "a regional one"),
    variable(&[("AWS_PROFILE", "prd"), ("AWS_ACCESS_KEY_ID", "")], START, "profile \"prd\"", "did you mean prod?"),
    variable(&[("V2TOKEN_ACCOUNT", "1")], OPTION, "--account", "did you mean 000000000001?"),
    variable(
        &[("V2TOKEN_EXCLUDE_ACCOUNTS", "000000000001")],
        OPTION,
        "V2TOKEN_EXCLUDE_ACCOUNTS",
        "did you mean V2TOKEN_EXCLUDE_ACCOUNT?",
    ),
    variable(
        &[("V2TOKEN_ROLL", "Audit")],
        OPTION,
        "unknown environment variable V2TOKEN_ROLL: did you mean",
        "V2TOKEN_ROLE?",
    ),
    variable(&[("V2TOKENROLE", "Audit")], OPTION, "environment variable V2TOKENROLE", "did you mean V2TOKEN_ROLE?"),
    variable(&[("V2TOKEN_TOO", "v1Token")], OPTION, "environment variable V2TOKEN_TOO", "did you mean V2TOKEN_TO?"),
    variable(
        &[("AWS_ACCESS_KEY_ID", "AKIASIMBASE000000000\r")],
        START,
        "NoCredentials",
        "the access key id holds a space or a control character, such as the end of a line",
    ),
    variable(&[("V2TOKEN_SHARD", "2/2")], OPTION, "--shard", "the last of 2 is 1/2"),
];

const ROLLOUT: &[Mistake] = &[
    mistake("apply --yes --to=v2", OPTION, "'v2'", "did you mean v2Token?"),
    mistake("apply --yes --to=V2Token", OPTION, "'V2Token'", "spelled exactly so; did you mean v2Token?"),
    mistake("apply --yes --to=v1", OPTION, "'v1'", "did you mean v1Token?"),
    mistake("apply --yes --waves=abc", OPTION, "--waves", "such as 1,10%,100%"),
    mistake("apply --yes --waves=1,,100%", OPTION, "--waves", "such as 1,10%,100%"),
    mistake("apply --yes --waves=100%,10%", OPTION, "--waves", "cumulative"),
    mistake("apply --yes --waves=10%,110%", OPTION, "--waves", "percentages from 1% to 100%"),
    mistake("apply --yes --max-errors=110%", OPTION, "--max-errors", "a percentage from 0% to 100%"),
    mistake("apply --yes --bake=5", OPTION, "--bake", "a duration such as 90s, 2m or 1h30m"),
    mistake("apply --yes --account-timeout=60", OPTION, "--account-timeout", "a duration such as 90s"),
    mistake("apply --yes --verify=tokens", OPTION, "--verify", "token=REGION"),
    mistake(
        "apply --yes --verify=token=eu-west-1",
        OPTION,
        "enabled in every account",
        "an opt-in Region such as ap-east-1",
    ),
    mistake("apply --yes --to=v1Token --verify=token=ap-east-1", OPTION, "proves v2Token", "v1Token is asked for"),
    mistake("apply", START, "no terminal to ask on", "give --yes"),
    mistake("apply --yes --detailed-exitcode", OPTION, "not provided", "--dry-run"),
    mistake("apply --yes --plan=folder", START, "folder holds no run", "name the folder that the run left"),
    mistake("apply --yes --plan=missing", START, "missing holds no run", "name the folder that the run left"),
    mistake("apply --yes --run-dir=taken", START, "taken holds a run already", "v2token resume taken"),
];

const COMMANDS: &[Mistake] = &[
    mistake("aply --yes", OPTION, "'aply'", "'apply'"),
    mistake("resume --yes", OPTION, "with --yes, resume takes no run by itself", "name the run folder"),
    mistake("resume missing", START, "missing holds no run", "by default v2token-runs/<run id>"),
    mistake("resume folder", START, "folder holds no run", "by default v2token-runs/<run id>"),
    mistake("resume taken --account=000000000001", OPTION, "--account belongs to the run", "can't be changed"),
    mistake("resume taken --to=v1Token", OPTION, "belongs to the run", "can't be changed"),
    mistake("rollback taken --yes", START, "taken is the folder of a plan", "which changed nothing"),
    mistake("rollback taken --yes --to=v1Token", OPTION, "puts back what the run found", "no version can be given"),
    mistake("report missing", START, "missing holds no run", "by default v2token-runs/<run id>"),
    mistake("policy everything", OPTION, "'everything'", "caller, via, role, trust, scp, stackset"),
    mistake("policy via", OPTION, "no role is assumed first", "name it with --via-role"),
    mistake("plan --dry-run", OPTION, "'--dry-run'", "Usage: v2token plan"),
    mistake("apply --dryrun", OPTION, "'--dryrun'", "'--dry-run'"),
    mistake("plan --acount=000000000001", OPTION, "'--acount'", "'--account'"),
    mistake("plan --externalid=SIMSECRET", OPTION, "'--externalid'", "'--external-id'"),
    mistake("plan --detailed-exit-code", OPTION, "'--detailed-exit-code'", "'--detailed-exitcode'"),
    mistake("plan --max-error=3", OPTION, "'--max-error'", "'--max-errors'"),
    mistake("plan 000000000001", OPTION, "'000000000001'", "Usage: v2token plan"),
    mistake("plan --report=out.xlsx", OPTION, "out.xlsx: the extension selects the format", ".csv, .json, .jsonl"),
    mistake("plan --report=out", OPTION, "--report out: the extension selects the format", ".csv, .json, .jsonl"),
    mistake("plan --color=never", OPTION, "--color", "auto, on, off"),
    mistake("plan --quiet --verbose", OPTION, "--quiet", "cannot be used with"),
];

/// The AWS calls before the message.
const LATER: &[Mistake] = &[
    mistake("plan --account=000000000010", START, "no account 000000000010", "did you mean 000000000001?"),
    mistake("plan --ou=r-zzzzzz", START, "no OU or root r-zzzzzz", "those most like it are r-ab12"),
    mistake("plan --ou=r-ab13", START, "no OU or root r-ab13", "did you mean r-ab12?"),
    mistake("plan --name=Account-*", START, "0 have a name that matches --name", "different kinds narrow it"),
    mistake("plan --tag=environment=prod", START, "none has a tag of that key", "different kinds narrow it"),
    mistake(
        "apply --yes --canary=000000000009",
        START,
        "--canary names 000000000009",
        "not among the accounts of this run",
    ),
    mistake("apply --yes --shard=0/1 --exclude-ou=r-ab12", START, "the selection is empty", "0 are not excluded"),
];

fn bench() -> Bench {
    let builder = Organization::builder().accounts(4).unlimited();
    let bench =
        Bench::new(builder.each_account(|account| account.tags = vec![("Environment".into(), "prod".into())]).start());
    let folder = bench.folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("a writable folder");
    std::fs::create_dir(folder.join("folder")).expect("a writable folder");
    write("book.xlsx", b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00\x21\x00\xfe\xff");
    write(
        "utf16.csv",
        &[&[0xff, 0xfe][..], &"000000000001\n".bytes().flat_map(|byte| [byte, 0]).collect::<Vec<_>>()].concat(),
    );
    write("empty.txt", b"");
    write("header.csv", b"account_id,owner\n");
    write("zeros.csv", b"account_id,owner\n000000000001,me\n12,you\n");
    write("rounded.csv", b"000000000001\n1.23E+11\n");
    write("names.txt", b"payments\n");
    write("elsewhere.csv", b"account_id,role\n000000000001,arn:aws:iam::000000000002:role/Audit\n");
    write("twice.csv", b"account_id,role\n000000000001,A\n000000000001,B\n");
    write("secret.csv", b"account_id,external_id\n000000000001,SIMSECRET with a space\n");
    write("payers.csv", b"payer,member\n000000000001,000000000002\n");
    write("second.csv", b"Name;Konto\nprod;000000000001\n");
    write("comma.csv", b"1,91521E+11;prod\n");
    write("roles.csv", b"account_id,assumed role\n000000000001,Audit\n");
    write("ids.csv", b"account_id,ext_id\n000000000001,SIMSECRET\n");
    write("bare.csv", b"000000000001,arn:aws:iam::000000000001:role/Audit\n");
    write("narrow.json", b"{}");
    write("config", b"[default]\nregion = eu-west-1\n[profile prod]\nregion = eu-west-1\n");
    bench.run("taken", &["plan"]).exits(0);
    bench
}

/// Returns what is wrong with the answer to a mistake.
fn answered(bench: &Bench, mistake: &Mistake, silent: bool) -> Result<(), String> {
    let Mistake { line, environment, code, names, instead } = mistake;
    let arguments: Vec<String> = line.split(' ').map(|argument| argument.replace('␣', " ")).collect();
    let mut command = bench.bare(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    command.env("AWS_CONFIG_FILE", "config");
    for (name, value) in *environment {
        if value.is_empty() {
            command.env_remove(name);
        } else {
            command.env(name, value);
        }
    }
    let run: Run = bench.finish("none", command);
    let left = bench.folder.path().join("v2token-runs");
    let has_left = left.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if has_left {
        std::fs::remove_dir_all(&left).expect("a folder that must not disturb the next one");
    }
    let wrong = [
        (run.code != *code, format!("expected exit code {code}")),
        (!run.stderr.contains(names), format!("it does not name {names:?}")),
        (!run.stderr.contains(instead), format!("it does not say {instead:?}")),
        (!run.stdout.is_empty(), "stdout is not empty".to_owned()),
        (run.stderr.contains("panicked"), "it panicked".to_owned()),
        (run.touched_accounts(), "an account was touched".to_owned()),
        (silent && run.all_calls() > 0, format!("{} calls were made", run.all_calls())),
        (has_left, "a run folder is left".to_owned()),
    ];
    let wrong: Vec<String> = wrong.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, what)| what).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{line} {environment:?}: {}\n{run}", wrong.join(", "))) }
}

fn check(mistakes: &[Mistake], silent: bool) {
    let bench = bench();
    let wrong: Vec<String> = mistakes.iter().filter_map(|mistake| answered(&bench, mistake, silent).err()).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), mistakes.len(), wrong.join("\n\n"));
    assert_eq!(bench.truth().operation(v2token_simulator::Operation::SetSecurityTokenServicePreferences).requests, 0);
}

#[test]
fn mistaken_account_ids_are_explained() {
    check(ACCOUNTS, true);
}

#[test]
fn mistaken_lists_of_accounts_are_explained() {
    check(FILES, true);
}

#[test]
fn mistaken_selections_are_explained() {
    check(SELECTION, true);
}

#[test]
fn mistaken_access_options_are_explained() {
    check(ACCESS, true);
}

#[test]
fn mistaken_rollout_options_are_explained() {
    check(ROLLOUT, true);
}

#[test]
fn mistaken_commands_and_options_are_explained() {
    check(COMMANDS, true);
}

#[test]
fn mistakes_found_in_the_account_list_are_explained() {
    assert_eq!((ORGANIZATION_ID, ROOT_ID), ("o-exampleorg1", "r-ab12"), "the tables name them");
    check(LATER, false);
}
