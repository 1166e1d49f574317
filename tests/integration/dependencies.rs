//! The crates in `Cargo.lock`, the lints of all workspace members, and the documented defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The raw value of a key in a section of a TOML file.
fn value<'a>(part: &'a str, key: &str) -> Option<&'a str> {
    part.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('=')).map(str::trim)
}

#[test]
fn all_crates_are_from_the_registry_with_one_tls_library() {
    let lock = read("Cargo.lock");
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let name = value(package, "name").expect("a name").trim_matches('"');
        versions.entry(name).or_default().insert(value(package, "version").expect("a version"));
        match value(package, "source") {
            None => assert!(name.starts_with("v2token"), "{name} is no crate of this workspace"),
            Some(source) => {
                assert_eq!(source, "\"registry+https://github.com/rust-lang/crates.io-index\"", "{name}");
                assert!(value(package, "checksum").is_some(), "{name}");
            }
        }
    }
    for one in ["rustls", "rustls-webpki", "ring", "hyper", "http"] {
        assert_eq!(versions[one].len(), 1, "{one}: {:?}", versions[one]);
    }
    assert!(versions.get("h2").is_none_or(|versions| versions.len() == 1));
    for none in ["openssl", "openssl-sys", "native-tls", "boring", "aws-lc-rs", "aws-lc-sys"] {
        assert!(!versions.contains_key(none), "{none}");
    }
}

/// `forbid` can't be overridden, so it is enough that every member has it.
#[test]
fn every_workspace_member_forbids_unsafe_code() {
    let root = read("Cargo.toml");
    let (_, lints) = root.split_once("[workspace.lints.rust]").expect("lints of the workspace");
    assert_eq!(value(lints, "unsafe_code"), Some("\"forbid\""));
    let members = value(&root, "members").expect("members").trim_matches(['[', ']']);
    for member in members.split(',').map(|member| member.trim().trim_matches('"')).chain(["."]) {
        let manifest = read(&format!("{member}/Cargo.toml"));
        let inherits =
            manifest.split_once("\n[lints]\n").and_then(|(_, lints)| value(lints, "workspace")) == Some("true");
        let forbids = |root: &str| read(&format!("{member}/{root}")).contains("#![forbid(unsafe_code)]");
        let examples = manifest.lines().filter_map(|line| line.strip_prefix("path = "));
        let examples = examples.map(|path| path.trim_matches('"')).filter(|path| path.contains("examples/"));
        let mut roots = ["src/lib.rs", "src/main.rs"].into_iter().chain(examples);
        assert!(inherits || roots.all(forbids), "{member} may be unsafe");
    }
}

/// The defaults in `docs/security.md` are those of the options.
#[test]
fn session_defaults_match_the_document() {
    use clap::CommandFactory as _;
    let document = read("docs/security.md");
    let command = v2token::internals::Cli::command();
    let apply = command.get_subcommands().find(|command| command.get_name() == "apply").expect("apply");
    for option in ["session-policy", "session-duration"] {
        let argument = apply.get_arguments().find(|argument| argument.get_long() == Some(option)).expect("the option");
        let help = argument.get_help().expect("a help text").to_string();
        let (_, default) = help.split_once("[default: ").expect("a default");
        let default = default.trim_end_matches(']');
        let words = document.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("`--{option}` is `{default}`")), "--{option}: {default}");
    }
}
