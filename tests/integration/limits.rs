//! Nothing from outside is without a bound: answers, messages, credentials, lines, and what the system gives.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use v2token_simulator::{AccountId, Latency, Operation, Organization, Spoiled, Spoiling, TokenVersion};

use crate::harness::Bench;

const ARGUMENTS: [&str; 7] =
    ["apply", "--yes", "--rate=0", "--concurrency=50", "--waves=100%", "--max-errors=100%", "--max-attempts=3"];

fn replaced(from: &str, to: &str) -> Spoiling {
    Spoiling::Replaced(from.to_owned(), to.to_owned())
}

/// Runs an apply in which each case spoils the calls of one account. Checks the record of each: stage, code, and words of the message.
fn each_fails(cases: &[(Operation, Spoiling, [&str; 3])]) {
    let mut builder = Organization::builder().accounts(cases.len() + 2);
    for (number, (operation, with, _)) in (1_usize..).zip(cases) {
        let account = Some(AccountId::from(number));
        let takes_effect = *operation != Operation::SetSecurityTokenServicePreferences;
        builder = builder.spoil(Spoiled { account, takes_effect, ..Spoiled::always(*operation, with.clone()) });
    }
    let bench = Bench::new(builder.start());
    let run = bench.run("run", &ARGUMENTS).exits(3).agrees(TokenVersion::V2);
    assert!(!run.stderr.contains("panicked"), "{run}");
    let rows = run.rows();
    for (number, (operation, _, [stage, code, says])) in (1_usize..).zip(cases) {
        let row = &rows[&AccountId::from(number).to_string()];
        let cells = [&row["stage"], &row["error_code"]].map(String::as_str);
        assert!(cells == [*stage, *code] && row["error_message"].contains(says), "{operation:?} {row:#?}");
        assert!(row["error_message"].chars().count() <= 2048, "{operation:?} {row:#?}");
    }
    let others = run.outcomes()["changed"];
    assert_eq!(others, 2, "the other accounts are changed\n{run}");
    let length =
        |entry: std::io::Result<fs::DirEntry>| entry.and_then(|entry| entry.metadata()).map_or(0, |it| it.len());
    let size: u64 = fs::read_dir(&run.folder).expect("a folder").map(length).sum();
    assert!(size < 1 << 20, "{size} bytes for {} accounts", rows.len());
}

#[test]
fn answers_and_messages_are_limited() {
    const LARGE: usize = 4 << 20;
    let (assume, read, set) =
        (Operation::AssumeRole, Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences);
    let denied = |stage| [stage, "AccessDenied", "xxxxxxxx…"];
    each_fails(&[
        (assume, Spoiling::Padded(LARGE), ["assume", "UnreadableAnswer", "longer than 1048576 bytes"]),
        (read, Spoiling::Padded(LARGE), ["read", "UnreadableAnswer", "longer than 1048576 bytes"]),
        (assume, Spoiling::LongMessage("AccessDenied", 1_000_000), denied("assume")),
        (read, Spoiling::LongMessage("AccessDenied", 1_000_000), denied("read")),
        (set, Spoiling::LongMessage("AccessDenied", 1_000_000), denied("set")),
    ]);
    for operation in [Operation::GetCallerIdentity, Operation::DescribeOrganization, Operation::ListAccounts] {
        let spoiled = Spoiled::always(operation, Spoiling::Padded(LARGE));
        let bench = Bench::new(Organization::builder().accounts(3).unlimited().spoil(spoiled).start());
        bench.run("run", &ARGUMENTS).exits(1).attempted_nothing("longer than 1048576 bytes");
        let spoiled = Spoiled::always(operation, Spoiling::LongMessage("AccessDeniedException", 1_000_000));
        let bench = Bench::new(Organization::builder().accounts(3).unlimited().spoil(spoiled).start());
        let run = bench.run("run", &ARGUMENTS).exits(1).attempted_nothing("xxx…");
        assert!(run.stderr.len() < 4096, "{run}");
    }
}

/// Credentials that can't be put into a header end a visit, and not the run.
#[test]
fn credentials_of_an_answer_are_checked() {
    let invalid = |to: &str, name| (Operation::AssumeRole, replaced(name, &format!("{name}{to}")));
    let long = "x".repeat(33 << 10);
    let cases: Vec<_> = ["&#10;", "a&#13;&#10;b", " ", "é", "&#127;", &long]
        .iter()
        .flat_map(|to| ["<AccessKeyId>", "<SecretAccessKey>", "<SessionToken>"].map(|name| invalid(to, name)))
        .map(|(operation, with)| (operation, with, ["assume", "UnreadableAnswer", "the "]))
        .collect();
    each_fails(&cases);
    // The roles before the accounts.
    let hub = "arn:aws:iam::000000000100:role/Hub";
    for (text, says) in [("&#10;", "end of a line"), (&long, "is longer than 32768 bytes")] {
        let with = replaced("<SessionToken>", &format!("<SessionToken>{text}"));
        let builder = Organization::builder().accounts(3).account(100, |account| {
            account.other_roles.push(v2token_simulator::Role::named("Hub"));
        });
        let bench = Bench::new(builder.spoil(Spoiled::always(Operation::AssumeRole, with)).start());
        let run = bench.run("run", &["apply", "--yes", "--max-attempts=2", "--via-role", hub]).exits(1);
        assert!(run.stderr.contains(says) && !run.stderr.contains("panicked"), "{run}");
    }
}

#[test]
fn a_line_of_the_journal_is_limited() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let run = bench.run("run", &["plan"]).exits(0);
    let mut journal = fs::OpenOptions::new().append(true).open(run.folder.join("journal.jsonl")).expect("a journal");
    for _ in 0..17 {
        journal.write_all(&vec![b' '; 1 << 20]).expect("space");
    }
    for arguments in [&["report", "run"][..], &["resume", "run", "--yes"]] {
        let again = bench.again("run", arguments).exits(1).says(&["it is longer than 16 MiB"]);
        assert_eq!(again.all_calls(), 0, "{again}");
    }
}

/// Runs the program under a limit of the shell.
fn limited(bench: &Bench, limit: &str, arguments: &[&str]) -> crate::harness::Run {
    let program = bench.command("run", arguments);
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(format!("ulimit {limit}; exec \"$0\" \"$@\""))
        .arg(program.get_program())
        .args(program.get_args());
    shell.env_clear().current_dir(bench.folder.path());
    for (name, value) in program.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    bench.finish("run", shell)
}

#[test]
fn without_files_threads_or_a_clock_there_is_a_message() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    for files in [5, 6, 8, 12, 20, 24] {
        let run = limited(&bench, &format!("-n {files}"), &["plan"]).exits(1);
        let run = run.attempted_nothing("allow more open files with ulimit -n");
        assert!(!run.stderr.contains("panicked"), "{run}");
    }
    // The credentials must not be those of a profile, because root may start any number of processes.
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        let run = limited(&bench, "-u 1", &["plan"]).exits(1);
        run.attempted_nothing("allow more processes with ulimit -u");
    }
    let source = bench.folder.path().join("clock.c");
    let library = bench.folder.path().join("clock.so");
    let text = "#include <time.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
        int clock_gettime(clockid_t id, struct timespec *time) {\n\
        long result = syscall(SYS_clock_gettime, id, time);\n\
        if (id == CLOCK_REALTIME) time->tv_sec = SECONDS;\n\
        return result;\n}\n";
    for seconds in ["-1000", "300000000000"] {
        fs::write(&source, text.replace("SECONDS", seconds)).expect("a writable folder");
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
        assert!(compiled.expect("the compiler that the build needs too").success());
        for (arguments, code) in
            [(&["plan"][..], 1), (&["apply", "--yes"], 1), (&["policy"], 1), (&["iam", "get-account-summary"], 255)]
        {
            let mut command = bench.bare(arguments);
            command.env("LD_PRELOAD", &library);
            let run = bench.finish("run", command).exits(code).says(&["between the years 1970 and 9999"]);
            assert!(!run.stderr.contains("panicked") && run.all_calls() == 0, "{run}");
        }
    }
}

/// Too many open files are no outage.
#[test]
fn too_many_open_files_are_no_outage() {
    let builder =
        Organization::builder().accounts(60).unlimited().latency(Latency::all(std::time::Duration::from_millis(200)));
    let bench = Bench::new(builder.start());
    let arguments =
        ["apply", "--yes", "--rate=0", "--concurrency=60", "--waves=100%", "--max-errors=100%", "--max-attempts=2"];
    let run = limited(&bench, "-n 36", &arguments).exits(3).agrees(TokenVersion::V2);
    assert!(!run.stderr.contains("AWS can't be reached"), "{run}");
    let rows = run.rows();
    let out_of_files: Vec<_> = rows.values().filter(|row| row["error_code"] == "TooManyOpenFiles").collect();
    assert!(!out_of_files.is_empty(), "{run}");
    for row in out_of_files {
        assert_eq!(row["hint"], "allow more open files with ulimit -n, or lower --concurrency", "{row:#?}");
        assert_eq!(row["outcome"], "failed", "{row:#?}");
    }
    assert!(rows.values().any(|row| row["outcome"] == "changed"), "{run}");
}
