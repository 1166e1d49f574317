//! Run folders, links and files that other users of the machine prepared.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;

use v2token_simulator::{Organization, TokenVersion};

use crate::harness::{Bench, Run};

/// The user `nobody` of every system.
const NOBODY: u32 = 65_534;

/// Only root can make files of other users. The full checks run as root.
fn is_root() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    assert!(root || std::env::var_os("CI").is_none(), "the gate must run as root to make files of other users");
    if !root {
        // The test harness hides `eprintln!` when a test passes, but not this.
        let _ = writeln!(std::io::stderr(), "SKIPPED: only root can make files of other users");
    }
    root
}

fn give_away(path: &Path) {
    lchown(path, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of one's own");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o7777
}

fn bench() -> Bench {
    Bench::new(Organization::builder().accounts(5).unlimited().start())
}

fn refused(run: Run, why: &str) {
    let run = run.exits(1).says(&["nothing was attempted", why]);
    assert_eq!(run.all_calls(), 0, "nothing may be called\n{run}");
}

/// How another user can tamper with a run folder, and the message.
type Meddling = (&'static str, fn(&Path), &'static str);

const BY_ROOT: &[Meddling] = &[
    ("the folder is somebody else's", give_away, "belongs to user 65534"),
    ("the journal is somebody else's", |folder| give_away(&folder.join("journal.jsonl")), "belongs to user 65534"),
    ("run.json is somebody else's", |folder| give_away(&folder.join("run.json")), "belongs to user 65534"),
    (
        "somebody else's link leads to it",
        |folder| {
            let real = folder.with_extension("real");
            fs::rename(folder, &real).expect("a folder of one's own");
            symlink(&real, folder).expect("a writable folder");
            give_away(folder);
        },
        "is a link that user 65534 made",
    ),
];

const BY_ANYBODY: &[Meddling] = &[
    ("everybody may write to the folder", |folder| set_mode(folder, 0o777), "its mode is 0777"),
    ("the group may write to the folder", |folder| set_mode(folder, 0o770), "its mode is 0770"),
    ("it is shared like /tmp", |folder| set_mode(folder, 0o1777), "its mode is 1777"),
    ("everybody may write to the journal", |folder| set_mode(&folder.join("journal.jsonl"), 0o666), "its mode is 0666"),
    ("the group may write to run.json", |folder| set_mode(&folder.join("run.json"), 0o660), "its mode is 0660"),
    (
        "the journal is a link",
        |folder| {
            let (journal, real) = (folder.join("journal.jsonl"), folder.join("real"));
            fs::rename(&journal, &real).expect("a folder of one's own");
            symlink(&real, &journal).expect("a writable folder");
        },
        "it is a link",
    ),
    (
        "run.json is of another run",
        |folder| {
            let other = folder.parent().expect("a parent").join("other").join("run.json");
            fs::copy(other, folder.join("run.json")).expect("a copy");
        },
        "and run.json of run",
    ),
];

/// Tampers with a run folder, and checks that commands which act on it refuse it, while `report` shows it.
fn meddle(cases: &[Meddling]) {
    let bench = bench();
    let acting: [&[&str]; 3] = [
        &["rollback", "apply", "--yes"],
        &["resume", "apply", "--yes"],
        &["apply", "--plan", "plan", "--yes", "--run-dir", "new"],
    ];
    for (name, meddle, why) in cases {
        for run in ["plan", "apply", "other"] {
            let _ = fs::remove_file(bench.run_folder(run));
            let _ = fs::remove_dir_all(bench.run_folder(run));
            let _ = fs::remove_dir_all(bench.run_folder(run).with_extension("real"));
        }
        bench.run("other", &["plan", "--to", "v1Token"]).exits(0);
        bench.run("plan", &["plan"]).exits(0);
        bench.run("apply", &["apply", "--yes"]).exits(0);
        for folder in ["plan", "apply"] {
            meddle(&bench.run_folder(folder));
        }
        for arguments in acting {
            refused(bench.again("none", arguments), why);
            assert!(!bench.run_folder("new").exists(), "{name}: a folder was made by {arguments:?}");
        }
        bench.again("none", &["report", "apply"]).exits(0);
    }
}

#[test]
fn folders_writable_by_others_are_refused() {
    meddle(BY_ANYBODY);
}

#[test]
fn folders_of_other_users_are_refused() {
    if is_root() {
        meddle(BY_ROOT);
    }
}

/// After its owner and mode are corrected, the folder can be used.
#[test]
fn a_corrected_folder_is_accepted() {
    let bench = bench();
    bench.run("apply", &["apply", "--yes"]).exits(0);
    let folder = bench.run_folder("apply");
    set_mode(&folder, 0o777);
    refused(bench.run("undo", &["rollback", "apply", "--yes"]), "chmod -R go-w");
    set_mode(&folder, 0o755);
    let link = bench.run_folder("latest");
    symlink(&folder, &link).expect("a writable folder");
    // The user's own link is followed.
    bench.run("undo", &["rollback", "latest", "--yes"]).exits(0).agrees(TokenVersion::V1);
}

#[test]
fn a_new_run_refuses_a_folder_that_others_may_write() {
    let bench = bench();
    let folder = bench.run_folder("shared");
    fs::create_dir(&folder).expect("a writable folder");
    for shared in [0o777, 0o1777, 0o775] {
        set_mode(&folder, shared);
        refused(bench.run("shared", &["apply", "--yes"]), "name a folder of your own or one inside it");
        assert_eq!((fs::read_dir(&folder).expect("a folder").count(), mode(&folder)), (0, shared));
    }
    if is_root() {
        set_mode(&folder, 0o755);
        give_away(&folder);
        refused(bench.run("shared", &["apply", "--yes"]), "belongs to user 65534");
        let (own, link) = (bench.run_folder("own"), bench.run_folder("link"));
        fs::create_dir(&own).expect("a writable folder");
        symlink(&own, &link).expect("a writable folder");
        give_away(&link);
        refused(bench.run("link", &["apply", "--yes"]), "is a link that user 65534 made");
        assert_eq!(fs::read_dir(&own).expect("a folder").count(), 0);
    }
    // In a folder that everyone may write to, the run makes its own.
    let inside = folder.join("run");
    set_mode(&folder, 0o1777);
    let path = inside.to_str().expect("a UTF-8 path");
    bench.finish("none", bench.bare(&["apply", "--yes", "--run-dir", path])).exits(0);
    assert_eq!(mode(&inside), 0o700);
    for file in ["run.json", "journal.jsonl", "report.csv", "report.json", "report.html"] {
        assert_eq!(mode(&inside.join(file)), 0o600, "{file}");
    }
}

/// Applies under a umask, with a report beside the run folder.
fn under_umask(bench: &Bench, umask: &str) -> Run {
    let apply = bench.command("run", &["apply", "--yes", "--report", "report.csv"]);
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("umask {umask}; exec \"$@\"")).arg("sh");
    shell.arg(apply.get_program()).args(apply.get_args()).env_clear().current_dir(bench.folder.path());
    shell.envs(apply.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bench.finish("run", shell).exits(0)
}

/// The modes that the document names: of the run folder, of the files in it, and of other reports.
fn documented_modes() -> [u32; 3] {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md")).expect("the document");
    ["the run folder", "the files in it", "files of `--report`"].map(|what| {
        let row = text.lines().find_map(|line| line.strip_prefix(&format!("| {what} | `"))).expect("a row");
        u32::from_str_radix(row.split('`').next().expect("a mode"), 8).expect("an octal number")
    })
}

/// Under every umask.
#[test]
fn run_folders_are_private_under_every_umask() {
    let [of_folder, of_file, of_report] = documented_modes();
    for umask in ["000", "077", "002"] {
        let bench = bench();
        let run = under_umask(&bench, umask);
        assert_eq!(mode(&run.folder), of_folder, "{umask}");
        for entry in fs::read_dir(&run.folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            assert_eq!(mode(&path), of_file, "{umask}: {}", path.display());
        }
        let taken = u32::from_str_radix(umask, 8).expect("an octal number");
        assert_eq!(mode(&bench.run_folder("report.csv")), of_report & !taken, "{umask}");
        bench.again("none", &["resume", "run", "--yes"]).exits(0);
    }
}

#[test]
fn reports_do_not_follow_links_of_others() {
    let bench = bench();
    let shared = bench.run_folder("shared");
    fs::create_dir(&shared).expect("a writable folder");
    set_mode(&shared, 0o1777);
    let victim = bench.run_folder("victim.csv");
    fs::write(&victim, "precious\n").expect("a writable folder");
    let unharmed = || assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious\n");

    // The file has a second hard link and must not be overwritten.
    let name = shared.join("hard.csv");
    fs::hard_link(&victim, &name).expect("a writable folder");
    bench.run("hard", &["plan", "--report", "shared/hard.csv"]).exits(0);
    unharmed();
    assert!(fs::read_to_string(&name).expect("the report").starts_with("account_id,"));

    // The user's own link is followed, and stays a link.
    let link = shared.join("own.csv");
    let target = bench.run_folder("target.csv");
    symlink(&target, &link).expect("a writable folder");
    bench.run("own", &["plan", "--report", "shared/own.csv"]).exits(0);
    assert!(fs::read_to_string(&target).expect("the report").starts_with("account_id,"));
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());

    if !is_root() {
        return;
    }
    let link = shared.join("link.csv");
    symlink(&victim, &link).expect("a writable folder");
    give_away(&link);
    let file = shared.join("file.csv");
    fs::write(&file, "theirs\n").expect("a writable folder");
    give_away(&file);
    let pipe = shared.join("pipe.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    give_away(&pipe);
    for (name, why) in [
        ("link.csv", "is a link that user 65534 made"),
        ("file.csv", "belongs to user 65534"),
        ("pipe.csv", "belongs to user 65534"),
    ] {
        refused(bench.run("new", &["apply", "--yes", "--report", &format!("shared/{name}")]), why);
        let shown = bench.again("none", &["report", "own", "--report", &format!("shared/{name}")]);
        shown.exits(1).says(&["no report was made", why]);
    }
    unharmed();
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "theirs\n");

    // In a folder where others can't create files, a file of another user is accepted.
    let handed = bench.run_folder("handed.csv");
    fs::write(&handed, "old\n").expect("a writable folder");
    chown(&handed, Some(NOBODY), None).expect("root may give files away");
    bench.run("handed", &["plan", "--report", "handed.csv"]).exits(0);
    assert!(fs::read_to_string(&handed).expect("the report").starts_with("account_id,"));
}

/// Reading a pipe would block, and a device has no end.
#[test]
fn pipes_and_devices_are_not_read_as_a_run() {
    let bench = bench();
    bench.run("run", &["plan"]).exits(0);
    let journal = bench.run_folder("run").join("journal.jsonl");
    fs::remove_file(&journal).expect("it is there");
    assert!(Command::new("mkfifo").arg(&journal).status().expect("mkfifo").success());
    let commands: [&[&str]; 4] =
        [&["report", "run"], &["rollback", "run", "--yes"], &["resume", "run"], &["apply", "--plan", "run", "--yes"]];
    for command in commands {
        bench.again("none", command).exits(1).says(&["it is not a regular file"]);
    }
    fs::remove_file(&journal).expect("it is there");
    symlink("/dev/zero", &journal).expect("a writable folder");
    bench.again("none", &["report", "run"]).exits(1).says(&["it is not a regular file"]);
}

/// Unprivileged users can use their own folders and those of root.
#[test]
fn files_of_root_are_trusted() {
    if !is_root() {
        return;
    }
    let bench = bench();
    let folder = bench.folder.path();
    set_mode(folder, 0o755);
    let program = folder.join("v2token");
    fs::copy(env!("CARGO_BIN_EXE_v2token"), &program).expect("a copy of the program");
    let plan = bench.run("plan", &["plan"]).exits(0);
    set_mode(&plan.folder, 0o755);
    for entry in fs::read_dir(&plan.folder).expect("a folder") {
        set_mode(&entry.expect("an entry").path(), 0o644);
    }
    let home = bench.run_folder("home");
    fs::create_dir(&home).expect("a writable folder");
    give_away(&home);
    let as_nobody = |arguments: &[&str]| {
        let like = bench.bare(arguments);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).args(arguments);
        command.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(&home).env("HOME", &home);
        bench.finish("home/run", command)
    };
    let plan = plan.folder.to_str().expect("a UTF-8 path");
    let applied = as_nobody(&["apply", "--plan", plan, "--yes", "--run-dir", "run"]).exits(0);
    assert_eq!(fs::metadata(&applied.folder).expect("it is there").uid(), NOBODY);
    assert!(applied.agrees(TokenVersion::V2).outcomes()["changed"] > 0);
    // Root does not use folders of other users.
    refused(bench.again("none", &["rollback", "home/run", "--yes"]), "belongs to user 65534");
    as_nobody(&["rollback", "run", "--yes", "--run-dir", "undo"]).exits(0);
}
