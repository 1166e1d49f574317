//! Checks the order of the modules: each may use only the layers below it, and no two files of a module use each other.

use std::collections::{BTreeMap, BTreeSet};

use super::markdown::Document;
use super::{files, read, tested};

/// The modules, from the top. A module may use those below it, and none above. Those of the crate `v2token-base` begin with
/// `aws_settings`, and `cloud` is the crate `v2token-cloud`.
const LAYERS: [&str; 36] = [
    "fuzzing",
    "commands",
    "run",
    "settings",
    "cli",
    "runs",
    "evidence",
    "report",
    "doctor",
    "policy",
    "awscli",
    "terminal",
    "verdict",
    "error",
    "journal",
    "rollout",
    "build_info",
    "cloud",
    "aws_settings",
    "event_files",
    "impact",
    "org",
    "jmespath",
    "python",
    "interner",
    "timestamp",
    "serde_text",
    "text_enum",
    "suggest",
    "directory",
    "file_ownership",
    "ignored_signals",
    "system_limits",
    "humanize",
    "sanitize",
    "secret",
];

/// The functions of JMESPath evaluate expressions, and evaluating an expression calls them: a recursion.
const RECURSION: [&str; 2] = ["jmespath::evaluate", "jmespath::functions"];

type ModulePath = Vec<String>;

/// The folders with modules, and the module around those in the folder.
const FOLDERS: [(&str, &[&str]); 3] = [("src/", &[]), ("crates/cloud/src/", &["cloud"]), ("crates/base/src/", &[])];

/// The modules of the program, each with its code without comments and unit tests.
fn modules() -> BTreeMap<ModulePath, String> {
    let module = |folder: &str, around: &[&str], file: &str| -> ModulePath {
        let path = file.trim_start_matches(folder).trim_end_matches(".rs");
        around.iter().copied().chain(path.split('/')).filter(|name| *name != "lib").map(str::to_owned).collect()
    };
    let code = |file: &str| {
        let source = read(file);
        tested(&source)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .fold(String::new(), |code, line| code + line + "\n")
    };
    let mut found = BTreeMap::new();
    for (folder, around) in FOLDERS {
        for file in files(folder.trim_end_matches('/'), ".rs", true) {
            let module = module(folder, around, &file);
            if !file.ends_with("/tests.rs") && !file.contains("/tests/") && !module.is_empty() && module != ["main"] {
                assert!(found.insert(module, code(&file)).is_none(), "{file} has the name of another module");
            }
        }
    }
    found
}

/// The paths that a module names from `crate` or from a module around it, as paths from the top.
fn paths(module: &[String], code: &str) -> Vec<ModulePath> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut found = Vec::new();
    for (start, _) in code.match_indices("::") {
        let first = code[..start].rsplit(|character| !is_name(character)).next().unwrap_or_default();
        let before = &code[..start - first.len()];
        if before.ends_with("::") || !["crate", "super", "self"].contains(&first) {
            continue;
        }
        let mut rest = &code[start..];
        // The root of the crate `v2token-cloud` also has the modules of `v2token-base`.
        let is_next = |layer: &&str| rest["::".len()..].split(|character| !is_name(character)).next() == Some(layer);
        let in_cloud = module[0] == "cloud" && !LAYERS.iter().any(is_next);
        let mut path = match first {
            "crate" if in_cloud => vec!["cloud".to_owned()],
            "crate" => Vec::new(),
            "super" => module[..module.len() - 1].to_vec(),
            _ => module.to_vec(),
        };
        while let Some(next) = rest.strip_prefix("::") {
            let end = next.find(|character| !is_name(character)).unwrap_or(next.len());
            match &next[..end] {
                "super" => drop(path.pop()),
                "" => break,
                name => path.push(name.to_owned()),
            }
            rest = &next[end..];
        }
        match rest.strip_prefix("::{") {
            Some(group) => {
                let group = group.split('}').next().unwrap_or_default();
                let heads = group.split(',').filter_map(|item| item.trim().split("::").next());
                found.extend(heads.map(|head| [&path[..], &[head.to_owned()]].concat()));
            }
            None => found.push(path),
        }
    }
    found
}

/// Which module uses which, by the code and without tests.
fn uses() -> BTreeSet<(ModulePath, ModulePath)> {
    let modules = modules();
    let mut found = BTreeSet::new();
    for (module, code) in &modules {
        for path in paths(module, code) {
            let target =
                (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|path| modules.contains_key(path));
            found.extend(target.filter(|target| target != module).map(|target| (module.clone(), target)));
        }
    }
    found
}

#[test]
fn every_module_has_its_layer() {
    let modules: BTreeSet<String> = modules().into_keys().map(|module| module[0].clone()).collect();
    assert_eq!(modules, LAYERS.map(str::to_owned).into());
}

/// The names of the modules in the root of a crate.
fn roots(folder: &str) -> BTreeSet<String> {
    let names = files(folder, ".rs", false).into_iter();
    let names = names.map(|file| file.trim_start_matches(folder).trim_matches('/').trim_end_matches(".rs").to_owned());
    names.filter(|name| name != "lib").collect()
}

#[test]
fn every_crate_has_its_layers() {
    let cloud = LAYERS.iter().position(|layer| *layer == "cloud").expect("the crate");
    let below: BTreeSet<String> = LAYERS[cloud + 1..].iter().map(|layer| (*layer).to_owned()).collect();
    assert_eq!(roots("crates/base/src"), below);
    // A path such as `crate::python` in it would be taken for that of the other module.
    let clashes: Vec<String> =
        roots("crates/cloud/src").into_iter().filter(|name| LAYERS.contains(&name.as_str())).collect();
    assert!(clashes.is_empty(), "{clashes:?}");
    let source = read("crates/base/src/lib.rs");
    let table = source.lines().filter_map(|line| line.strip_prefix("//! | `")?.split(" |").next());
    let listed: BTreeSet<String> =
        table.flat_map(|names| names.split(", ")).map(|name| name.replace('`', "")).collect();
    assert_eq!(listed, below, "the table in lib.rs");
}

#[test]
fn design_page_lists_the_layers_in_order() {
    let listed = Document::new(&read("docs/design.md")).section("Modules").block("text");
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, LAYERS);
}

#[test]
fn no_module_uses_a_layer_above_it() {
    let layer = |module: &ModulePath| LAYERS.iter().position(|layer| *layer == module[0]).expect("it has a layer");
    let uses = uses();
    assert!(uses.len() > 300, "{} uses were found", uses.len());
    let upward: Vec<String> = uses
        .iter()
        .filter(|(user, used)| layer(user) > layer(used))
        .map(|(user, used)| format!("{} uses {}", user.join("::"), used.join("::")))
        .collect();
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_two_files_use_each_other() {
    // A use counts where the paths of both files part: between the two siblings there.
    let siblings = |(user, used): &(ModulePath, ModulePath)| {
        let common = user.iter().zip(used).take_while(|(one, other)| one == other).count();
        let sibling = |path: &ModulePath| path.get(..=common).map(|path| path.join("::"));
        sibling(user).zip(sibling(used))
    };
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (user, used) in uses().iter().filter_map(siblings) {
        let pair = [user.as_str(), used.as_str()];
        if !RECURSION.iter().all(|module| pair.contains(module)) {
            edges.entry(user).or_default().insert(used);
        }
    }
    // A file that uses no file that is left, or is used by none, is in no circle.
    loop {
        let used: BTreeSet<String> = edges.values().flatten().cloned().collect();
        let before = edges.clone();
        edges.retain(|user, _| used.contains(user));
        for targets in edges.values_mut() {
            targets.retain(|target| before.contains_key(target));
        }
        edges.retain(|_, targets| !targets.is_empty());
        if edges == before {
            break;
        }
    }
    assert!(edges.is_empty(), "circles: {edges:#?}");
}
