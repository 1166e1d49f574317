//! Shell completions and manual pages.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::CommandFactory as _;
use v2token::internals::Cli;

use crate::harness::program;

/// The program's stdout.
fn printed(arguments: &[&str]) -> String {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let output = program(folder.path()).args(arguments).output().expect("the program starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The commands with their long options, those of `iam` included.
fn commands() -> BTreeMap<String, Vec<String>> {
    let own = Cli::command();
    let commands = own.get_subcommands().map(|command| {
        let options: Vec<String> = if command.get_name() == "iam" {
            v2token::internals::global_options().iter().map(|option| format!("--{}", option.long)).collect()
        } else {
            command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect()
        };
        (command.get_name().to_owned(), options)
    });
    commands.collect()
}

/// Whether a program is installed; if not, its checks are skipped.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Bash's completions of command lines, each of which ends with the word to complete.
fn bash(script: &str, lines: &[Vec<String>]) -> Vec<Vec<String>> {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("v2token-runs")).expect("a folder");
    std::fs::write(folder.path().join("v2token-notes"), "").expect("a file");
    let mut text = format!("{script}\nshopt -s extglob\n");
    for words in lines {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let (current, previous) = (&quoted[quoted.len() - 1], &quoted[quoted.len() - 2]);
        let (all, last) = (quoted.join(" "), quoted.len() - 1);
        text.push_str(&format!("COMP_WORDS=({all}); COMP_CWORD={last}; COMPREPLY=()\n"));
        text.push_str(&format!("_v2token v2token {current} {previous}\nprintf '%s|' \"${{COMPREPLY[@]}}\"; echo\n"));
    }
    let file = folder.path().join("script.bash");
    std::fs::write(&file, text).expect("a script");
    let mut command = Command::new("bash");
    let output = command.args(["--norc", "--noprofile"]).arg(&file).current_dir(folder.path()).output().expect("bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    let answers =
        answers.lines().map(|line| line.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect());
    answers.collect()
}

fn line(words: &[&str]) -> Vec<String> {
    std::iter::once("v2token").chain(words.iter().copied()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let script = printed(&["completions", "bash"]);
    let commands = commands();
    let names: Vec<&str> = commands.keys().map(String::as_str).collect();
    let cases: [(&[&str], &[&str]); 13] = [
        (&[""], &names),
        (&["pla"], &["plan"]),
        (&["plan", "--output", ""], &["table", "text", "json", "jsonl", "csv", "none"]),
        (&["plan", "--output", "js"], &["json", "jsonl"]),
        (&["apply", "--to", ""], &["v1Token", "v2Token"]),
        (&["apply", "--management-account", "o"], &["own"]),
        (&["policy", "st"], &["stackset"]),
        (&["completions", ""], &["bash", "zsh", "fish", "elvish", "powershell"]),
        (&["report", "--agai"], &["--against"]),
        (&["iam", "get"], &["get-account-summary"]),
        (&["iam", "get-account-summary", "--output", ""], &["json", "text", "table"]),
        (
            &["iam", "set-security-token-service-preferences", "--global-endpoint-token-version", "v"],
            &["v1Token", "v2Token"],
        ),
        (&["iam", "--regi"], &["--region"]),
    ];
    let lines: Vec<Vec<String>> = cases.iter().map(|(words, _)| line(words)).collect();
    for ((words, expected), answers) in cases.iter().zip(bash(&script, &lines)) {
        for word in *expected {
            assert!(answers.iter().any(|answer| answer == word), "{words:?} gives {answers:?}, without {word}");
        }
        let dashed = |answers: &Vec<String>| {
            answers.iter().all(|answer| answer.starts_with('-') || expected.contains(&answer.as_str()))
        };
        assert!(expected.len() == names.len() || dashed(&answers), "{words:?} gives {answers:?}");
    }
    // If the script has no completion, such as for a run folder, readline's default is used.
    assert!(script.trim_end().ends_with("complete -F _v2token -o bashdefault -o default v2token\nfi"), "{script}");
    let lines = [
        line(&["resume", "v2token-"]),
        line(&["apply", "--plan", "v2token-"]),
        line(&["plan", "--report", "v2token-"]),
    ];
    let answers = bash(&script, &lines);
    assert!(answers[..2].iter().all(Vec::is_empty), "{answers:?}");
    assert!(answers[2].contains(&"v2token-notes".to_owned()), "{answers:?}");

    let every: Vec<(String, String)> = commands
        .iter()
        .flat_map(|(name, options)| options.iter().map(|option| (name.clone(), option.clone())))
        .collect();
    let lines: Vec<Vec<String>> = every.iter().map(|(name, option)| line(&[name, option])).collect();
    assert!(lines.len() > 200, "{}", lines.len());
    for ((name, option), answers) in every.iter().zip(bash(&script, &lines)) {
        assert!(answers.contains(option), "{name} {option} gives {answers:?}");
    }
}

#[test]
fn zsh_and_fish_scripts_have_every_command_option_and_value() {
    let (zsh, fish) = (printed(&["completions", "zsh"]), printed(&["completions", "fish"]));
    assert!(zsh.starts_with("#compdef v2token\n"), "{}", &zsh[..80]);
    for (command, options) in commands() {
        assert!(fish.contains(&format!("\" -f -a \"{command}\" -d '")), "fish has no {command}");
        // The zsh script's part about a command is between its name and that of the next one.
        let own = zsh.split_once(&format!("({command})\n_arguments")).map(|(_, own)| own);
        let own = own.unwrap_or_else(|| panic!("zsh has no {command}"));
        let own = own.split("\n;;\n").next().unwrap_or_default();
        let of_fish: Vec<&str> = fish
            .lines()
            .filter(|line| {
                line.contains(&format!("using_subcommand {command}\""))
                    || line.contains(&format!("using_subcommand {command};"))
            })
            .collect();
        for option in options {
            assert!(own.contains(&option), "zsh has no {option} of {command}");
            let long = format!(" -l {} ", option.trim_start_matches('-'));
            assert!(of_fish.iter().any(|line| line.contains(&long)), "fish has no {option} of {command}");
        }
    }
    for value in ["jsonl", "assume-root", "v1Token"] {
        assert!(zsh.contains(value) && fish.contains(value), "{value}");
    }
    assert!(zsh.contains("stackset"), "the values of positional arguments");
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    if is_there("fish") {
        let file = folder.path().join("v2token.fish");
        std::fs::write(&file, &fish).expect("a script");
        for (typed, expected) in [
            ("v2token pla", "plan"),
            ("v2token plan --outp", "--output"),
            ("v2token plan --output js", "jsonl"),
            ("v2token apply --to v", "v2Token"),
            ("v2token iam get-account-summary --output te", "text"),
        ] {
            let asked = format!("source {}; complete -C '{typed}'", file.display());
            let mut command = Command::new("fish");
            let output = command.args(["--no-config", "-c", &asked]).env("HOME", folder.path()).output().expect("fish");
            let answers = String::from_utf8_lossy(&output.stdout).into_owned();
            let found = answers.lines().any(|line| line.split('\t').next() == Some(expected));
            assert!(found, "{typed} gives {answers} {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    for (shell, script) in [("bash", printed(&["completions", "bash"])), ("zsh", zsh), ("fish", fish)] {
        if !is_there(shell) {
            println!("{shell} is not installed");
            continue;
        }
        let file = folder.path().join(shell);
        std::fs::write(&file, script).expect("a script");
        let mut command = Command::new(shell);
        let output = command.arg("-n").arg(&file).env("HOME", folder.path()).output().expect("a shell");
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
    }
}

#[test]
fn elvish_and_powershell_scripts_have_every_command_and_option() {
    let (elvish, powershell) = (printed(&["completions", "elvish"]), printed(&["completions", "powershell"]));
    for (command, options) in commands() {
        // The part about a command is between its name and that of the next one.
        let part = |script: &str, beginning: &str, end: &str| {
            let own = script.split_once(beginning).unwrap_or_else(|| panic!("no {beginning}")).1;
            own.split(end).next().unwrap_or_default().to_owned()
        };
        let of_elvish = part(&elvish, &format!("&'v2token;{command}'= {{"), "\n        }");
        let of_powershell = part(&powershell, &format!("'v2token;{command}' {{"), "break");
        for option in options {
            assert!(of_elvish.contains(&format!("cand {option} ")), "elvish has no {option} of {command}");
            let quoted = format!("CompletionResult]::new('{option}'");
            assert!(of_powershell.contains(&quoted), "PowerShell has no {option} of {command}");
        }
    }
}

/// A page as shown, without bold and underlined letters.
fn shown(page: &Path) -> String {
    let mut command = Command::new("groff");
    command.args(["-man", "-Tutf8", "-P-c", "-P-b", "-P-u", "-ww", "-rLL=200n"]).arg(page).env("GROFF_NO_SGR", "1");
    let output = command.output().expect("groff");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}: {}",
        page.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8").replace(['‐', '−'], "-")
}

#[test]
fn every_command_has_a_manual_page_with_every_option() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let output = program(folder.path()).args(["man", "pages/man1"]).output().expect("the program starts");
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let page = |name: &str| folder.path().join("pages/man1").join(name);
    let first = std::fs::read_to_string(page("v2token.1")).expect("the program's page");
    assert_eq!(printed(&["man"]), first);
    for (command, options) in commands() {
        assert!(first.contains(&format!("v2token\\-{command}(1)")), "{command} is not in the program's page");
        let path = page(&format!("v2token-{command}.1"));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for option in &options {
            let escaped = option.replace('-', "\\-");
            assert!(source.contains(&escaped), "{option} is not in the page of {command}");
        }
        if is_there("groff") {
            let text = shown(&path);
            for option in &options {
                assert!(text.contains(option.as_str()), "{option} is not shown in the page of {command}\n{text}");
            }
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(words.windows(3).any(|three| three == ["SYNOPSIS", "v2token", command.as_str()]), "{text}");
        }
    }
    assert!(!first.contains("help(1)"), "there is no such page");
    for operation in ["set-security-token-service-preferences", "get-account-summary"] {
        assert!(page(&format!("v2token-iam-{operation}.1")).is_file(), "{operation}");
    }
    if is_there("groff") {
        // Examples and exit codes keep the lines of the help.
        let (help, text) = (printed(&["apply", "--help"]), shown(&page("v2token-apply.1")));
        let (_, below) = help.split_once("Examples:\n").expect("examples");
        for line in below.lines().filter(|line| line.starts_with("  ")) {
            assert!(text.contains(line.trim()), "{line}\n{text}");
        }
        assert!(text.contains("EXIT CODES") && text.contains("EXAMPLES"), "{text}");
    }
}

#[test]
fn an_unwritable_page_is_an_error() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("file"), "").expect("a file");
    let output = program(folder.path()).args(["man", "file/man1"]).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the manual page file/man1 can't be written"), "{said}");
    let output = program(folder.path()).args(["completions", "tcsh"]).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("possible values: bash, zsh, fish"), "{said}");
}
