//! This module owns how the program talks: what goes to stdout and to files at the end, and what to stderr meanwhile.

use std::path::PathBuf;

use super::{Environment, expression};
use crate::awscli::jmespath::Query;
use crate::cli::{Color, LogFormat, OutputArgs, OutputFormat};
use crate::error::Error;
use crate::report::DocumentFormat;

/// What is shown on stderr while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressStyle {
    /// A bar that moves.
    Bar,
    /// A line now and then.
    Lines,
    /// Nothing.
    Silent,
}

/// Decides what is shown on stderr.
///
/// | asked for | terminal | elsewhere, or CI |
/// |---|---|---|
/// | `-q` or `--no-progress` | silent | silent |
/// | `--debug`, `-v`, or `--log-format json` | lines | lines |
/// | nothing | bar | lines |
pub(super) const fn progress_style(is_terminal: bool, is_ci: bool, none: bool, chatty: bool) -> ProgressStyle {
    match (none, chatty, is_terminal && !is_ci) {
        (true, _, _) => ProgressStyle::Silent,
        (false, true, _) | (false, false, false) => ProgressStyle::Lines,
        (false, false, true) => ProgressStyle::Bar,
    }
}

/// How the program talks on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StderrMode {
    /// What is shown while a run goes on.
    pub progress: ProgressStyle,
    /// Whether stderr may be coloured.
    pub color: bool,
    /// Only errors.
    pub quiet: bool,
    /// A line for every account.
    pub verbose: bool,
    /// A line for every call.
    pub debug: bool,
    /// Every line as JSON.
    pub json_log: bool,
}

impl StderrMode {
    /// For a command without such options.
    pub(crate) const fn plain(environment: &Environment) -> Self {
        Self {
            progress: ProgressStyle::Silent,
            color: environment.stderr_is_terminal && !environment.dumb && !environment.no_color,
            quiet: false,
            verbose: false,
            debug: false,
            json_log: false,
        }
    }

    /// Resolves the options that concern stderr.
    pub(crate) fn resolve(args: &OutputArgs, environment: &Environment) -> Self {
        let is_terminal = environment.stderr_is_terminal;
        let json_log = args.log_format == LogFormat::Json;
        Self {
            progress: progress_style(
                // A terminal that moves no cursor can't show a bar.
                is_terminal && !environment.dumb,
                environment.ci,
                args.quiet || args.no_progress,
                args.verbose || args.debug || json_log,
            ),
            color: match args.color {
                Color::On => true,
                Color::Off => false,
                Color::Auto => is_terminal && !environment.dumb && !environment.no_color,
            },
            quiet: args.quiet,
            verbose: args.verbose,
            debug: args.debug,
            json_log,
        }
    }
}

/// What is told, and where.
#[derive(Clone, Debug)]
pub(crate) struct OutputSettings {
    /// The report files that `--report` names.
    pub reports: Vec<(PathBuf, DocumentFormat)>,
    /// The format of the document on stdout; `None` for no output.
    pub stdout: Option<DocumentFormat>,
    /// What of the JSON report stdout gets; all of it, where there is none.
    pub query: Option<Query>,
    /// What stderr gets meanwhile.
    pub stderr_mode: StderrMode,
}

impl OutputSettings {
    /// Resolves the options of the output.
    ///
    /// # Errors
    ///
    /// When two of them want stdout, a report has an ending that is no format, or the query is no expression.
    pub(crate) fn resolve(args: OutputArgs, environment: &Environment) -> Result<Self, Error> {
        let query = args.query.as_deref().map(expression::read).transpose()?;
        let stderr_mode = StderrMode::resolve(&args, environment);
        let (to_stdout, files): (Vec<_>, Vec<_>) = args.report.into_iter().partition(|path| path.as_os_str() == "-");
        let reports = files.into_iter().map(with_format).collect::<Result<Vec<_>, _>>()?;
        let stdout = match args.output {
            OutputFormat::Table => Some(DocumentFormat::Table),
            OutputFormat::Text => Some(DocumentFormat::Text),
            OutputFormat::Json => Some(DocumentFormat::Json),
            OutputFormat::Jsonl => Some(DocumentFormat::Jsonl),
            OutputFormat::Csv => Some(DocumentFormat::Csv),
            OutputFormat::None => None,
        };
        let stdout = match (&to_stdout[..], stdout) {
            ([], stdout) => stdout,
            // The report replaces the summary.
            ([_], None | Some(DocumentFormat::Table)) => Some(DocumentFormat::Csv),
            ([_], _) => {
                return Err(Error::Usage(
                    "--report - and --output both write to stdout: leave one of them out".to_owned(),
                ));
            }
            (_, _) => return Err(Error::Usage("--report - can be given only once".to_owned())),
        };
        if !to_stdout.is_empty() && query.is_some() {
            return Err(Error::Usage(
                "--report - writes the whole report to stdout, and --query a part of it: leave one of them out, or name a file"
                    .to_owned(),
            ));
        }
        Ok(Self { reports, stdout, query, stderr_mode })
    }
}

fn with_format(path: PathBuf) -> Result<(PathBuf, DocumentFormat), Error> {
    let format = path.extension().and_then(|extension| extension.to_str()).and_then(DocumentFormat::from_extension);
    let format = format.ok_or_else(|| {
        let extensions = DocumentFormat::EXTENSIONS.map(|(extension, _)| format!(".{extension}")).join(", ");
        Error::Usage(format!(
            "--report {}: the ending picks the format, and must be one of {extensions}",
            path.display()
        ))
    })?;
    Ok((path, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_while_a_run_goes_on() {
        use ProgressStyle::{Bar, Lines, Silent};
        for (none, chatty, on_terminal, elsewhere) in [
            (true, false, Silent, Silent),
            (true, true, Silent, Silent),
            (false, true, Lines, Lines),
            (false, false, Bar, Lines),
        ] {
            assert_eq!(progress_style(true, false, none, chatty), on_terminal);
            assert_eq!(progress_style(true, true, none, chatty), elsewhere);
            assert_eq!(progress_style(false, false, none, chatty), elsewhere);
        }
    }
}
