//! Completion scripts for shells, and manual pages.

use std::io;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Args, Command, CommandFactory as _, ValueEnum, ValueHint};
use clap_mangen::Man;

use super::Cli;
use crate::awscli::{self, OptionHelp};
use crate::build_info::{VERSION, VERSION_AND_BUILD};

/// The shells that have completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Source the script, or put it into bash-completion's folder.
    Bash,
    /// Put the script into a folder of fpath, as _v2token.
    Zsh,
    /// Put the script into fish's folder of completions, as v2token.fish.
    Fish,
    /// Put the script into elvish's folder lib, and load it with use in rc.elv.
    Elvish,
    /// Load the script in the profile, whose path is in $PROFILE.
    Powershell,
}

/// The options of `completions`.
#[derive(Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// The options of `man`.
#[derive(Args)]
pub struct ManArgs {
    /// Write a page for each command into this folder, which is created if it does not exist.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<std::path::PathBuf>,
}

/// Returns the completion script for a shell.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Elvish => clap_complete::Shell::Elvish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut full_command(), "v2token", &mut script);
    script
}

/// Returns the manual pages with their file names: first the page of the program, then one page for each command.
pub(crate) fn manual_pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    // The command `help` needs no page, because each command has a page of its own.
    let mut command = full_command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    pages.push((format!("{name}.1"), page(command.clone())?));
    command.get_subcommands().try_for_each(|command| collect(command, pages))
}

/// Returns a manual page. The text after the help keeps its lines, which clap_mangen would join.
fn page(command: Command) -> io::Result<Vec<u8>> {
    let below = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let man = Man::new(command).manual("v2token").source(format!("v2token {VERSION}"));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    for paragraphs in below.split("\n\n") {
        let (title, lines) = paragraphs.split_once('\n').unwrap_or((paragraphs, ""));
        if title.ends_with(':') && !title.starts_with(' ') {
            page.extend(format!(".SH {}\n.nf\n", title.trim_end_matches(':').to_uppercase()).bytes());
        } else {
            page.extend(b".PP\n.nf\n");
            page.extend(verbatim(title).bytes());
        }
        lines.lines().for_each(|line| page.extend(verbatim(line).bytes()));
        page.extend(b".fi\n");
    }
    Ok(page)
}

/// Returns the roff source that prints a line unchanged.
fn verbatim(line: &str) -> String {
    // roff takes a line that begins with `.` or `'` for a request. The prefix `\&` prevents this, and prints nothing.
    format!("\\&{}\n", line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga"))
}

/// Returns the definition of the whole command line, including `iam`, whose arguments clap does not parse.
fn full_command() -> Command {
    let versions = |command: Command| {
        let both = || PossibleValuesParser::new(["v1Token", "v2Token"]);
        command.mut_args(|arg| if arg.get_id() == TARGET { arg.value_parser(both()) } else { arg })
    };
    // In `Cli`, `iam` is a command that takes any arguments. Here a command with the real options of `iam` takes its place.
    let own = Cli::command();
    let about = own.find_subcommand("iam").and_then(Command::get_about).cloned().unwrap_or_default();
    let others: Vec<Command> = own.get_subcommands().filter(|command| command.get_name() != "iam").cloned().collect();
    let bare = Command::new("v2token")
        .version(VERSION_AND_BUILD)
        .propagate_version(true)
        .about(own.get_about().cloned().unwrap_or_default())
        .long_about(own.get_long_about().cloned().unwrap_or_default())
        .after_help(own.get_after_help().cloned().unwrap_or_default());
    bare.subcommands(others.into_iter().map(versions)).subcommand(iam_command().about(about))
}

const TARGET: &str = "global_endpoint_token_version";

fn iam_command() -> Command {
    let global = awscli::global_options();
    let bare = |name: &'static str| {
        Command::new(name).disable_version_flag(true).disable_help_flag(true).disable_help_subcommand(true)
    };
    let subcommands = awscli::subcommands().into_iter().map(|subcommand| {
        let options = subcommand.options.iter().chain(&global).copied().map(argument);
        bare(subcommand.name).about(subcommand.about).args(options)
    });
    bare("iam").args(global.iter().copied().map(argument)).subcommands(subcommands)
}

fn argument(option: OptionHelp) -> Arg {
    let OptionHelp { long, value, choices, help } = option;
    let arg = Arg::new(long).long(long).help(help);
    let arg = match value {
        None => arg.action(ArgAction::SetTrue),
        Some(value) => arg.value_name(value.trim_matches(['[', ']'])),
    };
    match (long, value) {
        ("global-endpoint-token-version", _) => arg.value_parser(PossibleValuesParser::new(["v1Token", "v2Token"])),
        ("ca-bundle", _) => arg.value_hint(ValueHint::FilePath),
        (_, Some(_)) if !choices.is_empty() => arg.value_parser(PossibleValuesParser::new(choices)),
        _ => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_command_has_every_command_and_option() {
        full_command().debug_assert();
        let (full, own) = (full_command(), Cli::command());
        for command in own.get_subcommands().filter(|command| command.get_name() != "iam") {
            let other = full.find_subcommand(command.get_name()).expect("the same commands");
            let names = |of: &Command| of.get_arguments().map(|arg| arg.get_id().to_string()).collect::<Vec<_>>();
            assert_eq!(names(command), names(other), "{}", command.get_name());
        }
        let iam = full.find_subcommand("iam").expect("iam");
        assert_eq!(iam.get_subcommands().count(), 2);
        assert!(iam.get_arguments().any(|arg| arg.get_long() == Some("profile")));
    }

    #[test]
    fn roff_prints_a_line_unchanged() {
        for (line, roff) in [
            (".SH x", "\\&.SH x\n"),
            ("'it\\", "\\&\\(aqit\\e\n"),
            ("  --query \"a[?b=='c']\"", "\\&  \\-\\-query \"a[?b==\\(aqc\\(aq]\"\n"),
            ("", "\\&\n"),
        ] {
            assert_eq!(verbatim(line), roff);
        }
    }
}
