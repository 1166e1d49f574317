//! The scripts of `.github/workflows/release.yml`: the version of a tag, and the archives that need their own machines.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::program;
use crate::recipes::{code, documents, text};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn script(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci").join(name));
    command.args(arguments);
    command
}

fn output(command: &mut Command) -> (i32, String) {
    let output: Output = command.output().expect("the script starts");
    let said = [&output.stdout[..], &output.stderr].concat();
    (code(&output), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn only_the_tag_of_the_version_is_released() {
    let right = format!("v{VERSION}");
    assert_eq!(output(&mut script("release-version", &[&right])), (0, format!("version={VERSION}\n")));
    for tag in [VERSION, "v0.0.1", "v", "", &format!("{right}-rc.1")] {
        let (code, said) = output(&mut script("release-version", &[tag]));
        assert!(code == 1 && said.contains("Cargo.toml has the version"), "{tag}: {said}");
    }
}

/// The archive has the files of the archive that it is made from, and the program that was built.
#[test]
fn an_archive_of_another_platform_has_the_same_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, content: &str, mode: u32| {
        fs::create_dir_all(path(name).parent().expect("a parent")).expect("a folder");
        fs::write(path(name), content).expect("a file");
        fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).expect("our own file");
    };
    let name = format!("v2token-{VERSION}-x86_64-linux-gnu");
    write(&format!("files/{name}/bin/v2token"), "#!/bin/sh\necho another program\n", 0o755);
    write(&format!("files/{name}/share/completions/v2token"), "completions", 0o644);
    write(&format!("files/{name}/share/doc/v2token/THIRD-PARTY.txt"), "licences", 0o644);
    fs::create_dir(path("dist")).expect("a folder");
    let tar = |arguments: &[&str]| {
        let (code, listed) = output(Command::new("tar").args(arguments).current_dir(folder.path()));
        assert_eq!(code, 0, "{arguments:?}: {listed}");
        listed
    };
    tar(&["-czf", &format!("dist/{name}.tar.gz"), "-C", "files", &name]);

    // Stands for cargo: the program of this test is what it builds. Other commands of cargo ask for the crates.
    let version = output(program(folder.path()).arg("--version")).1;
    let target = version.trim_end().trim_end_matches(')').rsplit(' ').next().expect("a target").to_owned();
    let built = format!("target/{target}/release/v2token");
    write("built", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_v2token")), 0o755);
    let cargo = format!(
        "[ $1 = build ] || exec '{1}' \"$@\"\necho \"$*\" > \"$0.asked\"\nmkdir -p '{0}'\nmv '{0}/../../../built' '{0}/v2token'",
        path(&built).parent().expect("a parent").display(),
        env!("CARGO")
    );
    write("programs/cargo", &format!("#!/bin/sh\nset -e\n{cargo}\n"), 0o755);
    let dist = path("dist").display().to_string();
    let mut native = script("release-native", &[&target, "some-system", &dist]);
    let search = format!("{}:{}", path("programs").display(), std::env::var("PATH").expect("a search path"));
    native.env("PATH", search).env("CARGO_TARGET_DIR", path("target"));
    let (code, said) = output(&mut native);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        fs::read_to_string(path("programs/cargo.asked")).expect("cargo was started"),
        format!("build --release --locked --package v2token --target {target}\n")
    );
    let archive = format!("dist/v2token-{VERSION}-some-system.tar.gz");
    let mut listed: Vec<String> = tar(&["-tzf", &archive]).lines().map(str::to_owned).collect();
    listed.retain(|name| !name.ends_with('/'));
    listed.sort();
    let inside = format!("v2token-{VERSION}-some-system");
    let files = ["bin/v2token", "share/completions/v2token", "share/doc/v2token/THIRD-PARTY.txt"];
    assert_eq!(listed, files.map(|file| format!("{inside}/{file}")));
    tar(&["-xzf", &archive]);
    assert_eq!(output(Command::new(path(&inside).join("bin/v2token")).arg("--version")).1, version);
}

/// What runs before the gate has passed publishes nothing, and only a job that publishes may write.
#[test]
fn only_jobs_after_the_gate_may_write() {
    let Some(workflows) = documents("../.github/workflows/release.yml") else { return };
    let jobs = workflows[0]["jobs"].as_object().expect("jobs");
    let needs = |job: &str| -> Vec<String> {
        let needs = &jobs[job]["needs"];
        let list = needs.as_array().map_or_else(|| vec![needs.clone()], Clone::clone);
        list.iter().filter_map(serde_json::Value::as_str).map(str::to_owned).collect()
    };
    let mut writing = Vec::new();
    for (name, job) in jobs {
        let permissions = job["permissions"].as_object().expect("each job has its own permissions");
        if permissions.values().any(|permission| text(permission) == "write") {
            writing.push(name.as_str());
            let after = needs(name);
            let is_after_gate = ["gate", "publish"].iter().any(|job| after.contains(&(*job).to_owned()));
            assert!(is_after_gate, "{name} needs only {after:?}");
        }
    }
    assert_eq!(writing, ["publish", "pypi", "image"]);
    assert!(["gate", "linux", "native"].iter().all(|job| needs("publish").contains(&(*job).to_owned())));
}

/// The version and the OWNER in documents and recipes: a release changes all of them together.
#[test]
fn documents_and_recipes_name_this_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recipes = ["drift-check", "keep", "pull-request"].map(|name| format!("examples/{name}/github-actions.yml"));
    for name in recipes {
        let recipe = fs::read_to_string(root.join(&name)).expect("a recipe");
        let used = recipe.lines().filter(|line| line.contains("uses: OWNER/v2token@"));
        assert_eq!(used.filter(|line| line.ends_with(&format!("# v{VERSION}"))).count(), 1, "{name}");
    }
    let page = fs::read_to_string(root.join("docs/install.md")).expect("the page");
    // What follows these words up to the first character that is in no version.
    let mut found = 0;
    for word in ["v2token-", "v2token_", "v2token:", "version="] {
        for (at, _) in page.match_indices(word) {
            let rest = &page[at + word.len()..];
            if rest.starts_with(|first: char| first.is_ascii_digit()) {
                assert!(rest.starts_with(VERSION), "docs/install.md has another version: {word}{}", &rest[..8]);
                found += 1;
            }
        }
    }
    assert!(found >= 6, "{found}");
}

/// cargo-binstall finds the archives that `.ci/release` and `.ci/release-native` make.
#[test]
fn binstall_knows_the_archives() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let metadata: serde_json::Value =
        serde_json::from_slice(&cargo.output().expect("cargo starts").stdout).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == "v2token").expect("the package");
    let binstall = &package["metadata"]["binstall"];
    for (target, platform) in [
        ("x86_64-unknown-linux-gnu", "x86_64-linux-static"),
        ("x86_64-unknown-linux-musl", "x86_64-linux-static"),
        ("aarch64-unknown-linux-gnu", "aarch64-linux-static"),
        ("x86_64-apple-darwin", "x86_64-macos"),
        ("aarch64-apple-darwin", "aarch64-macos"),
    ] {
        let value = |key: &str| {
            let template = binstall["overrides"][target][key].as_str().unwrap_or_else(|| text(&binstall[key]));
            let architecture = target.split('-').next().expect("an architecture");
            let values =
                [("repo", "https://REPO"), ("version", VERSION), ("target-arch", architecture), ("bin", "v2token")];
            values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{ {name} }}"), value))
        };
        let name = format!("v2token-{VERSION}-{platform}");
        assert_eq!(value("pkg-url"), format!("https://REPO/releases/download/v{VERSION}/{name}.tar.gz"));
        assert_eq!(value("bin-dir"), format!("{name}/bin/v2token"));
    }
}

/// Before anything is published, the files of all machines come into one folder, and their sums are compared.
#[test]
fn the_files_of_all_machines_are_published_with_their_sums() {
    let Some(workflows) = documents("../.github/workflows/release.yml") else { return };
    let steps = workflows[0]["jobs"]["publish"]["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["name"] == "One folder with its sums").expect("the step");
    let publish = |spoil: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let make = "for machine in x86_64 aarch64; do
            mkdir -p parts/dist-$machine-linux
            cd parts/dist-$machine-linux
            echo $machine > v2token-$machine.tar.gz
            echo $machine > Dockerfile
            sha256sum -- * > SHA256SUMS
            cd ../..
        done
        mkdir parts/dist-aarch64-macos
        echo macos > parts/dist-aarch64-macos/v2token-aarch64-macos.tar.gz";
        let script = format!(
            "{make}\n{spoil}\n{}\ncd dist && sha256sum --check SHA256SUMS && cat Dockerfile",
            text(&step["run"])
        );
        output(Command::new("bash").args(["-e", "-c", &script]).current_dir(folder.path()))
    };
    let (code, said) = publish("");
    let checked = "Dockerfile: OK
v2token-aarch64-macos.tar.gz: OK
v2token-aarch64.tar.gz: OK
v2token-x86_64.tar.gz: OK
";
    assert!(code == 0 && said.ends_with(&format!("{checked}x86_64\n")), "{said}");
    for spoil in [
        "echo other > parts/dist-x86_64-linux/v2token-x86_64.tar.gz",
        "echo other > parts/dist-aarch64-linux/v2token-aarch64.tar.gz",
        "cp parts/dist-x86_64-linux/*.tar.gz parts/dist-aarch64-macos/",
    ] {
        let (code, said) = publish(spoil);
        assert_ne!(code, 0, "{spoil}: {said}");
    }
}
