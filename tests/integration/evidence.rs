//! `report --evidence` and `report --verify-evidence`: what is packed for an auditor, and what a check of it finds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use v2token_simulator::Organization;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::harness::{Bench, Run, rewrite};

const MANIFEST: &str = "SHA256SUMS";
const FILES: [&str; 5] = ["run.json", "journal.jsonl", "report.csv", "report.json", "report.html"];

/// Six accounts, and a rollout over them in the folder `run`.
fn bench() -> Bench {
    let bench = Bench::new(Organization::builder().accounts(6).unlimited().start());
    bench.run("run", &["apply", "--yes", "--bake=0s", "--reason=CHG-1"]).exits(0);
    bench
}

fn pack(bench: &Bench, file: &str) -> Run {
    bench.again("run", &["report", "run", "--output=none", "--evidence", file])
}

fn verify(bench: &Bench, file: &str, more: &[&str]) -> Run {
    bench.again("none", &[&["report", "--verify-evidence", file], more].concat())
}

/// Files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// The files in a zip file.
fn unpacked(path: &Path) -> Files {
    let mut archive = ZipArchive::new(File::open(path).expect("a zip file")).expect("a zip file");
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("a file");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("a readable file");
        files.insert(file.name().expect("UTF-8").into_owned(), bytes);
    }
    files
}

/// A zip file of these files, in this order.
fn packed<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default()).expect("a new file");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

#[test]
fn evidence_has_the_files_of_the_run_and_their_sums() {
    let bench = bench();
    let run = pack(&bench, "evidence.zip").exits(0);
    let path = bench.run_folder("evidence.zip");
    let files = unpacked(&path);
    assert_eq!(files.len(), 6);
    for name in FILES {
        assert_eq!(files[name], fs::read(run.folder.join(name)).expect("a file of the run"), "{name}");
    }
    // The same run gives the same bytes.
    pack(&bench, "again.zip").exits(0);
    assert_eq!(fs::read(&path).expect("a file"), fs::read(bench.run_folder("again.zip")).expect("a file"));

    // Other tools agree.
    let unpack = bench.run_folder("unpacked");
    fs::create_dir(&unpack).expect("a new folder");
    for (name, bytes) in &files {
        fs::write(unpack.join(name), bytes).expect("a new file");
    }
    let sums = Command::new("sha256sum").args(["--strict", "--check", MANIFEST]).current_dir(&unpack).output();
    let sums = sums.expect("there is sha256sum");
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));
    assert_eq!(String::from_utf8_lossy(&sums.stdout).lines().count(), 5);
    let of_manifest =
        Command::new("sha256sum").arg(MANIFEST).current_dir(&unpack).output().expect("there is sha256sum");
    let of_manifest = String::from_utf8_lossy(&of_manifest.stdout)[..64].to_owned();
    let run_id = serde_json::from_slice::<Value>(&files["run.json"]).expect("JSON")["run_id"].clone();
    let run_id = run_id.as_str().expect("an id");
    run.says(&["evidence: evidence.zip has 5 files of run ", run_id, &of_manifest]);

    let check = verify(&bench, "evidence.zip", &[]).exits(0);
    let first = format!("evidence.zip: run {run_id}: all of 5 files are as the manifest says\n");
    assert!(check.stdout.starts_with(&first) && check.stderr.is_empty(), "{check}");
    assert!(check.stdout.ends_with(&format!("SHA-256 of {MANIFEST}: {of_manifest}\n")), "{check}");
    let json: Value =
        serde_json::from_str(&verify(&bench, "evidence.zip", &["--output=json"]).exits(0).stdout).expect("JSON");
    assert_eq!((&json["run_id"], &json["manifest_sha256"]), (&run_id.into(), &of_manifest.into()));
    let states = verify(&bench, "evidence.zip", &["--output=text", "--query=files[].[state]"]).exits(0).stdout;
    assert_eq!(states, "same\n".repeat(5));
    let csv = verify(&bench, "evidence.zip", &["--output=csv"]).exits(0).stdout;
    assert!(csv.starts_with("file,state,expected_sha256,found_sha256,detail\n"), "{csv}");
    // It replaces a file, like --report.
    pack(&bench, "evidence.zip").exits(0);
}

#[test]
fn a_run_without_reports_is_packed_with_new_ones_and_a_running_one_is_not() {
    let bench = bench();
    let folder = bench.run_folder("run");
    rewrite(&folder.join("journal.jsonl"), |text| {
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("\"event\":\"ended\"")).collect();
        lines.join("\n") + "\n"
    });
    rewrite(&folder.join("run.json"), |text| {
        let mut info: Value = serde_json::from_str(&text).expect("JSON");
        (info["verdict"], info["ended_at"]) = (Value::Null, Value::Null);
        serde_json::to_string_pretty(&info).expect("JSON") + "\n"
    });
    for name in &FILES[2..] {
        fs::write(folder.join(name), "").expect("a file");
    }
    let journal = File::open(folder.join("journal.jsonl")).expect("a journal");
    journal.try_lock().expect("nobody else");
    pack(&bench, "running.zip").exits(1).says(&["another process works in the run folder run"]);
    assert!(!bench.run_folder("running.zip").exists());
    // Closing the file would not be enough: a process that another test is starting may have it, too, for a moment.
    journal.unlock().expect("the lock is ours");
    pack(&bench, "killed.zip").exits(0);
    let files = unpacked(&bench.run_folder("killed.zip"));
    let json: Value = serde_json::from_slice(&files["report.json"]).expect("JSON");
    assert_eq!(json["summary"]["changed"], 6);
    assert!(files["report.csv"].starts_with(b"account_id,") && files["report.html"].len() > 1000);
    verify(&bench, "killed.zip", &[]).exits(0);
    assert_eq!(fs::read(folder.join("report.csv")).expect("a file"), b"", "the run folder is left alone");
}

#[test]
fn wrong_requests_for_evidence_are_refused() {
    let bench = bench();
    let report = |arguments: &[&str]| bench.again("none", &[&["report"], arguments].concat());
    for (arguments, code, why) in [
        (&["run", "--evidence=evidence"][..], 2, "--evidence evidence: name a file that ends in .zip"),
        (&["run", "--evidence=run/run.json"], 2, "name a file that ends in .zip"),
        (&["run", "run", "--evidence=a.zip"], 2, "evidence is of one run"),
        (&["run", "--against=run", "--evidence=a.zip"], 2, "evidence is of one run"),
        (&["nothing", "--evidence=a.zip"], 1, "nothing holds no run"),
        (&["run", "--evidence=nowhere/a.zip"], 1, "the evidence nowhere/a.zip can't be written"),
        (&["run", "--verify-evidence=a.zip"], 2, "cannot be used with"),
        (&["--verify-evidence=a.zip", "--report=a.html"], 2, "name a file that ends in .csv, .json, or .jsonl"),
        (&["--verify-evidence=a.zip"], 1, "a.zip is not the evidence of a run: No such file"),
        (&["--verify-evidence=run"], 1, "run is not the evidence of a run: it is not a regular file"),
        (&["--verify-evidence=run/run.json"], 1, "it is not a zip file"),
    ] {
        let run = report(arguments).exits(code).says(&[why]);
        assert!(run.stdout.is_empty(), "{run}");
        assert!(!bench.run_folder("a.zip").exists() && !bench.run_folder("evidence").exists(), "{run}");
    }
    fs::create_dir(bench.run_folder("folder.zip")).expect("a new folder");
    report(&["run", "--evidence=folder.zip"]).exits(1).says(&["it is not a regular file"]);
    let left: Vec<_> =
        fs::read_dir(bench.folder.path()).expect("a folder").map(|it| it.expect("an entry").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn what_differs_is_named_file_by_file() {
    let bench = bench();
    pack(&bench, "evidence.zip").exits(0);
    let files = unpacked(&bench.run_folder("evidence.zip"));
    let change = |edit: &dyn Fn(&mut Files)| {
        let mut files = files.clone();
        edit(&mut files);
        packed(files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])))
    };
    let without = |name: &str| change(&|files| drop(files.remove(name)));
    let sums = String::from_utf8(files[MANIFEST].clone()).expect("UTF-8");
    let with_sums = |text: String| change(&|files| drop(files.insert(MANIFEST.to_owned(), text.clone().into_bytes())));
    let of_others: Vec<&str> = sums.lines().filter(|line| !line.ends_with("journal.jsonl")).collect();
    let without_journal = of_others.join("\n") + "\n";
    let table: Vec<(Vec<u8>, &[&str])> = vec![
        (change(&|files| files.get_mut("journal.jsonl").expect("it").push(b' ')), &["journal.jsonl (differs)"]),
        (without("report.csv"), &["report.csv (missing)"]),
        (change(&|files| drop(files.insert("../../evil".to_owned(), b"x".to_vec()))), &["../../evil (unlisted)"]),
        (change(&|files| drop(files.insert("/etc/cron.d/x".to_owned(), b"x".to_vec()))), &["/etc/cron.d/x (unlisted)"]),
        (
            change(&|files| {
                files.remove("run.json");
                files.insert("report.html".to_owned(), Vec::new());
                files.insert("\u{1b}[2J".to_owned(), Vec::new());
            }),
            &["report.html (differs), run.json (missing), \\u{1b}[2J (unlisted)"],
        ),
        (with_sums(without_journal), &["journal.jsonl (unlisted)"]),
        (with_sums(sums.replace("run.json", "../run.json")), &["../run.json (missing)", "run.json (unlisted)"]),
    ];
    for (bytes, words) in table {
        fs::write(bench.run_folder("changed.zip"), bytes).expect("a new file");
        let run = verify(&bench, "changed.zip", &[]).exits(1);
        let run =
            run.says(&["error: the evidence was not confirmed: changed.zip is not as its manifest says: "]).says(words);
        assert!(run.stdout.contains(" are not as the manifest says\n") && !run.stdout.contains('\u{1b}'), "{run}");
        // Nothing was unpacked.
        assert!(!bench.folder.path().parent().expect("a parent").join("evil").exists());
    }
}

#[test]
fn hostile_zip_files_are_refused() {
    let bench = bench();
    pack(&bench, "evidence.zip").exits(0);
    let good = fs::read(bench.run_folder("evidence.zip")).expect("a file");
    let files = unpacked(&bench.run_folder("evidence.zip"));
    let all = || files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..]));
    let replaced = |from: &[u8], to: &[u8], occurrences: usize| {
        let mut bytes = packed(all().chain([("run.jsom", &b"x"[..])]));
        for _ in 0..occurrences {
            let at = bytes.windows(from.len()).position(|window| window == from).expect("it occurs");
            bytes[at..at + from.len()].copy_from_slice(to);
        }
        bytes
    };
    let many: Vec<String> = (0..70).map(|number| format!("file{number}")).collect();
    let long = vec![b'a'; 70_000];
    let mut zeros = good.clone();
    zeros.truncate(good.len() - 22);
    zeros.extend([0; 22]);
    let mut offset = good.clone();
    let at = good.len() - 6;
    offset[at] ^= 1;
    let mut data = good.clone();
    data[200] ^= 0xff;
    for (name, bytes, why) in [
        ("empty", Vec::new(), "it is not a zip file"),
        ("cut short", good[..good.len() - 1].to_vec(), "it is not a zip file, or it was cut short"),
        ("something added", [&good[..], b"x"].concat(), "or something was added to it"),
        ("something before", [&b"#!/bin/sh\n"[..], &good].concat(), "its directory is damaged"),
        ("zeros at the end", zeros, "it is not a zip file"),
        ("another offset", offset, "its directory is damaged"),
        ("too many files", packed(many.iter().map(|name| (name.as_str(), &b""[..]))), "names more than 64 files"),
        ("no manifest", packed(all().filter(|(name, _)| *name != MANIFEST)), "its manifest SHA256SUMS can't be read"),
        ("an empty manifest", packed([(MANIFEST, &b""[..])]), "its manifest SHA256SUMS is damaged: it names no file"),
        ("a manifest of one line", packed([(MANIFEST, &long[..65_000])]), "line 1 is not a SHA-256 sum and a name"),
        ("a manifest that is too long", packed([(MANIFEST, &long[..])]), "it is larger than 65536 bytes"),
        ("a name twice", replaced(b"run.jsom", b"run.json", 2), "duplicate"),
        ("two names for a file", replaced(b"run.jsom", b"run.json", 1), "inconsistency"),
    ] {
        fs::write(bench.run_folder("hostile.zip"), bytes).expect("a new file");
        let run = verify(&bench, "hostile.zip", &[]).exits(1);
        let run = run.says(&["error: the evidence was not confirmed: hostile.zip is not the evidence of a run: "]);
        assert!(run.stderr.contains(why) && run.stdout.is_empty(), "{name}: {why}\n{run}");
    }
    fs::write(bench.run_folder("hostile.zip"), data).expect("a new file");
    let run = verify(&bench, "hostile.zip", &[]).exits(1);
    assert!(run.stderr.contains("the evidence was not confirmed"), "{run}");
    // A file that claims to unpack to more than it is allowed to.
    let size = u32::try_from(files["report.html"].len()).expect("a small file").to_le_bytes();
    let mut bomb = good.clone();
    let places: Vec<usize> = (0..good.len() - 4).filter(|at| good[*at..at + 4] == size).collect();
    assert_eq!(places.len(), 2, "the header of the file, and the directory");
    for at in places {
        bomb[at..at + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    }
    fs::write(bench.run_folder("bomb.zip"), bomb).expect("a new file");
    let run = verify(&bench, "bomb.zip", &[]).exits(1).says(&["report.html (unreadable)"]);
    assert!(run.stdout.contains("report.html: it is larger than 1073741824 bytes"), "{run}");
}
