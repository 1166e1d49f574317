//! What can be checked of `.ci/release` without its builds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const HELPERS: &str = ".ci/release.d";

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether there are the programs that `.ci/release` needs. The gate installs them.
fn tools() -> bool {
    ["bash", "git", "python3"].iter().all(|tool| {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let found = found.is_ok_and(|status| status.success());
        assert!(found || std::env::var_os("CI").is_none(), "{tool} is not installed");
        found
    })
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A helper of `.ci/release`.
fn helper(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(format!("{HELPERS}/{name}")).current_dir(ROOT);
    command.envs([("PYTHONDONTWRITEBYTECODE", "1"), ("SOURCE_DATE_EPOCH", "1790000000"), ("VERSION", "1.2.3")]);
    command
}

/// The metadata of this package that other tools read.
fn package_metadata() -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(ROOT);
    let metadata: Value = serde_json::from_slice(&succeeds(&mut command).stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let own = packages.iter().find(|package| package["name"] == "v2token").expect("this package");
    own["metadata"].clone()
}

#[test]
fn both_packages_have_the_same_files() {
    let metadata = package_metadata();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let deb = metadata["deb"]["assets"].as_array().expect("assets").iter();
    // Debian has a folder of its own for the completions of zsh.
    let deb: BTreeSet<[String; 3]> = deb
        .map(|asset| {
            let to = format!("/{}", text(&asset[1])).replace("/zsh/vendor-completions/", "/zsh/site-functions/");
            [text(&asset[0]), to, text(&asset[2])]
        })
        .collect();
    let rpm = metadata["generate-rpm"]["assets"].as_array().expect("assets").iter();
    let rpm: BTreeSet<[String; 3]> =
        rpm.map(|asset| [text(&asset["source"]), text(&asset["dest"]), text(&asset["mode"])]).collect();
    assert_eq!(deb, rpm);
    assert_eq!(metadata["deb"]["depends"], "libc6 (>= 2.17)");
    assert_eq!(metadata["generate-rpm"]["requires"]["glibc"], ">= 2.17");
    // Each file that `.ci/release` makes for a program is in the packages.
    let script = read(&Path::new(ROOT).join(".ci/release"));
    let made = script.lines().filter_map(|line| line.trim().split_once("completions ")?.1.split_once(" >\"$share/"));
    let made: Vec<&str> = made.map(|(_, path)| path.trim_end_matches('"')).collect();
    assert_eq!(made.len(), 5, "{made:?}");
    for path in made.into_iter().chain(["man/man1/*.1.gz", "doc/v2token/*"]) {
        let source = format!("target/release-files/package/share/{path}");
        assert!(deb.iter().any(|[from, ..]| *from == source), "{source}");
    }
}

#[test]
fn the_scripts_can_be_read_and_their_wheels_are_pinned() {
    let helpers = Path::new(ROOT).join(HELPERS);
    let wheels = read(&helpers.join("python.txt")).replace("\\\n", " ");
    let wheels: Vec<&str> = wheels.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(wheels.len() > 2, "{wheels:?}");
    for wheel in wheels {
        assert!(wheel.contains("==") && wheel.contains("--hash=sha256:"), "{wheel}");
    }
    if !tools() {
        return;
    }
    for script in [".ci/release", ".ci/release-check"] {
        succeeds(Command::new("bash").args(["-n", script]).current_dir(ROOT));
    }
    let files = fs::read_dir(&helpers).expect("the helpers").map(|entry| entry.expect("a file").path());
    let files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|ending| ending == "py")).collect();
    assert!(files.len() > 3, "{files:?}");
    let parse = "import ast, sys; [ast.parse(open(file).read(), file) for file in sys.argv[1:]]";
    succeeds(Command::new("python3").args(["-c", parse]).args(&files));
}

#[test]
fn a_release_is_made_of_a_commit_only() {
    if !tools() {
        return;
    }
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let script = folder.path().join(".ci/release");
    fs::create_dir(folder.path().join(".ci")).expect("a folder");
    fs::copy(Path::new(ROOT).join(".ci/release"), &script).expect("the script");
    let release = |arguments: &[&str]| {
        let output = Command::new("bash").arg(&script).args(arguments).output().expect("bash");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = release(&[]);
    assert!(code == Some(1) && text.contains("not a checkout without changes"), "outside of a checkout: {text}");
    succeeds(Command::new("git").args(["init", "--quiet"]).current_dir(folder.path()));
    let (code, text) = release(&[]);
    assert!(code == Some(1) && text.contains("not a checkout without changes"), "with a new file: {text}");
    let (code, text) = release(&["--dirt"]);
    assert!(code == Some(2) && text.contains("usage"), "{text}");
}

/// Writes the files of a program, in an order and at a time that differ between two calls.
fn program(folder: &Path, order: [usize; 3]) {
    let files = ["bin/v2token", "share/doc/v2token/LICENSE-MIT", "share/man/man1/v2token.1"];
    for index in order {
        let path = folder.join(files[index]);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, files[index]).expect("a file");
    }
    succeeds(Command::new("chmod").arg("755").arg(folder.join(files[0])));
}

#[test]
fn the_image_and_the_wheel_are_the_same_in_two_folders() {
    if !tools() {
        return;
    }
    let made = [[0, 1, 2], [2, 1, 0]].map(|order| {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        program(&path("program"), order);
        let certificates = path("site/certifi/cacert.pem");
        for (name, text) in [("site/certifi/cacert.pem", "AUTHORITIES"), ("site/certifi-1.dist-info/LICENSE", "MPL")] {
            fs::create_dir_all(path(name).parent().expect("a parent")).expect("a folder");
            fs::write(path(name), text).expect("a file");
        }
        let mut image = helper("image.py");
        image.arg(path("program")).arg("amd64").arg(&certificates).args([path("root.tar.gz"), path("oci.tar")]);
        succeeds(&mut image);
        succeeds(helper("wheel.py").arg(path("program")).arg("linux_x86_64").arg(folder.path()));
        let listed = succeeds(Command::new("tar").arg("-tvzf").arg(path("root.tar.gz")).args(["--numeric-owner"]));
        let listed = String::from_utf8(listed.stdout).expect("UTF-8");
        let names = ["root.tar.gz", "oci.tar", "v2token-1.2.3-py3-none-linux_x86_64.whl"];
        (names.map(|name| fs::read(path(name)).expect("a file")), listed)
    });
    let [(one, listed), (other, _)] = made;
    assert!(one == other, "the bytes differ");
    for (rights, file) in [
        ("-rwxr-xr-x 0/0", "usr/bin/v2token"),
        ("-rw-r--r-- 0/0", "etc/ssl/certs/ca-certificates.crt"),
        ("drwxr-xr-x 65532/65532", "runs/"),
        ("drwxrwxrwt 0/0", "tmp/"),
    ] {
        let found = listed.lines().any(|line| line.starts_with(rights) && line.ends_with(&format!(" {file}")));
        assert!(found, "{rights} {file}: {listed}");
    }
    assert!(!listed.contains("man1"), "{listed}");
}

#[test]
fn the_bill_of_materials_and_the_notices_have_the_crates_of_the_program() {
    if !tools() {
        return;
    }
    let target = "x86_64-unknown-linux-gnu";
    let bill: Value = serde_json::from_slice(&succeeds(helper("sbom.py").arg(target)).stdout).expect("JSON");
    let components = bill["components"].as_array().expect("components");
    let names: BTreeSet<&str> = components.iter().filter_map(|component| component["name"].as_str()).collect();
    assert!(names.contains("aws-sdk-sts") && names.contains("libmimalloc-sys"), "{names:?}");
    // Crates that only the tests or the build need.
    for other in ["proptest", "v2token-simulator", "v2token", "v2token-base", "v2token-cloud", "cc", "serde_derive"] {
        assert!(!names.contains(other), "{other}");
    }
    // What the packages of the program depend on, the program depends on.
    let edges = bill["dependencies"].as_array().expect("dependencies");
    let program =
        edges.iter().find(|edge| edge["ref"] == bill["metadata"]["component"]["bom-ref"]).expect("the program");
    let direct: Vec<&str> = program["dependsOn"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for one in ["pkg:cargo/indicatif@", "pkg:cargo/aws-sdk-account@", "pkg:cargo/wildmatch@"] {
        assert!(direct.iter().any(|dependency| dependency.starts_with(one)), "{one}: {direct:?}");
    }
    let notices = String::from_utf8(succeeds(helper("notices.py").arg(target)).stdout).expect("UTF-8");
    let lock = read(&Path::new(ROOT).join("Cargo.lock"));
    for component in components {
        let [name, version] = ["name", "version"].map(|key| component[key].as_str().expect("a text"));
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{name} {version}");
        assert!(notices.contains(&format!("\n  {name} {version}: ")), "{name} {version}");
        assert!(component["hashes"][0]["content"].as_str().is_some_and(|sum| lock.contains(sum)), "{component}");
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
    }
    // mimalloc and ring contain C code of others.
    for holder in ["Microsoft Corporation", "fiat-crypto authors", "The Rust standard library"] {
        assert!(notices.contains(holder), "{holder}");
    }
    assert!(!notices.contains(ROOT) && !notices.contains("LGPL-2.1"), "the program for glibc has no glibc in it");
}
