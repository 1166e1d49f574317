//! Finds out which commit is built, for `v2token --version`, run.json, and the reports. Also sets how the development build is linked.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What is said where nothing is known.
const UNKNOWN: &str = "unknown";

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&folder);
    let (commit, date) = commit(folder);
    println!("cargo:rustc-env=V2TOKEN_BUILD_COMMIT={commit}");
    println!("cargo:rustc-env=V2TOKEN_BUILD_DATE={date}");
    println!("cargo:rustc-env=V2TOKEN_BUILD_TARGET={}", env::var("TARGET").expect("cargo sets it"));
    // The development build is linked to a fixed address: the tests start it some thousand times, and each time 160,000 pointers in its
    // tables would be relocated.
    if [("PROFILE", "debug"), ("CARGO_CFG_TARGET_OS", "linux"), ("CARGO_CFG_TARGET_ENV", "gnu")]
        .iter()
        .all(|(name, value)| env::var(name).is_ok_and(|set| set == *value))
        && !env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|features| features.contains("crt-static"))
    {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    println!("cargo:rerun-if-changed=build.rs");
    for file in decisive_files(folder) {
        println!("cargo:rerun-if-changed={file}");
    }
}

/// Returns the commit and its day: from the file that `cargo package` adds, or else from git.
pub(crate) fn commit(folder: &Path) -> (String, String) {
    if let Some(commit) = packaged_commit(folder) {
        return (commit, UNKNOWN.to_owned());
    }
    let from_git = is_checkout(folder).then(|| git(folder, &["log", "-1", "--format=%H %cs"])).flatten();
    match from_git.as_deref().and_then(|line| line.split_once(' ')) {
        Some((commit, day)) => (commit.to_owned(), day.to_owned()),
        None => (UNKNOWN.to_owned(), UNKNOWN.to_owned()),
    }
}

/// Returns the commit from which the package was made. A packaged crate has no checkout.
fn packaged_commit(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(".cargo_vcs_info.json")).ok()?;
    // `cargo package --allow-dirty` packs files that are in no commit.
    if text.contains("\"dirty\": true") {
        return None;
    }
    let (_, rest) = text.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?;
    commit.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| commit.to_owned())
}

/// Whether the folder is the top of a checkout. A copy of the sources inside of another project's checkout is not from its commits.
fn is_checkout(folder: &Path) -> bool {
    let top = git(folder, &["rev-parse", "--show-toplevel"]);
    top.and_then(|top| fs::canonicalize(top).ok()) == fs::canonicalize(folder).ok()
}

/// Returns the files of git that change with the commit.
pub(crate) fn decisive_files(folder: &Path) -> Vec<String> {
    if !is_checkout(folder) {
        return Vec::new();
    }
    let mut names = vec!["HEAD".to_owned(), "logs/HEAD".to_owned(), "packed-refs".to_owned()];
    names.extend(git(folder, &["symbolic-ref", "-q", "HEAD"]));
    let paths = names.iter().filter_map(|name| git(folder, &["rev-parse", "--git-path", name]));
    // cargo runs the script again each time if a file does not exist.
    paths.filter(|path| folder.join(path).exists()).collect()
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
