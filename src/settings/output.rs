//! Resolves the output options: the documents on stdout and in report files, and the mode of stderr.

use std::path::PathBuf;

use super::{Environment, query};
use crate::cli::{Color, LogFormat, OutputArgs, OutputFormat};
use crate::error::Error;
use crate::jmespath::Query;
use crate::report::DocumentFormat;
use crate::terminal::stderr_mode::{ProgressStyle, StderrMode};

impl StderrMode {
    /// Returns the mode for a command without options for stderr.
    pub(crate) fn plain(environment: &Environment) -> Self {
        Self {
            progress: ProgressStyle::Silent,
            color: environment.colors.use_color(environment.stderr_is_terminal),
            quiet: false,
            verbose: false,
            debug: false,
            json_log: false,
        }
    }

    /// Resolves the options for stderr.
    pub(crate) fn resolve(args: &OutputArgs, environment: &Environment) -> Self {
        let is_terminal = environment.stderr_is_terminal;
        let json_log = args.log_format == LogFormat::Json;
        Self {
            progress: ProgressStyle::select(
                // A dumb terminal can't move the cursor, so it can't show a bar.
                is_terminal && !environment.dumb,
                environment.ci,
                args.quiet || args.no_progress,
                args.verbose || args.debug || json_log,
            ),
            color: use_color(args.color, environment, is_terminal),
            quiet: args.quiet,
            verbose: args.verbose,
            debug: args.debug,
            json_log,
        }
    }
}

/// Whether to use colours on an output that is a terminal, or is none.
fn use_color(option: Color, environment: &Environment, is_terminal: bool) -> bool {
    match option {
        Color::On => true,
        Color::Off => false,
        Color::Auto => environment.colors.use_color(is_terminal),
    }
}

/// The documents and lines that a command writes, and where it writes them.
#[derive(Clone, Debug)]
pub(crate) struct OutputSettings {
    /// The report files that `--report` names.
    pub reports: Vec<(PathBuf, DocumentFormat)>,
    /// The format of the document on stdout; `None` if nothing is written to stdout.
    pub stdout: Option<DocumentFormat>,
    /// Whether the table on stdout has colours.
    pub stdout_color: bool,
    /// The query whose result replaces the document on stdout.
    pub query: Option<Query>,
    /// The mode of stderr.
    pub stderr_mode: StderrMode,
}

impl OutputSettings {
    /// Resolves the output options.
    ///
    /// # Errors
    ///
    /// Returns an error if two options write to stdout, if a report has an unknown file name extension, or if the query is
    /// invalid.
    pub(crate) fn resolve(args: OutputArgs, environment: &Environment) -> Result<Self, Error> {
        let query = args.query.as_deref().map(query::read).transpose()?;
        let stderr_mode = StderrMode::resolve(&args, environment);
        let stdout_color = use_color(args.color, environment, environment.stdout_is_terminal);
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
            // The CSV report of `--report -` replaces the summary.
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
        Ok(Self { reports, stdout, stdout_color, query, stderr_mode })
    }
}

fn with_format(path: PathBuf) -> Result<(PathBuf, DocumentFormat), Error> {
    let format = path.extension().and_then(|extension| extension.to_str()).and_then(DocumentFormat::from_extension);
    let format = format.ok_or_else(|| {
        let extensions = DocumentFormat::EXTENSIONS.map(|(extension, _)| format!(".{extension}")).join(", ");
        Error::Usage(format!(
            "--report {}: the extension selects the format, and must be one of {extensions}",
            path.display()
        ))
    })?;
    Ok((path, format))
}
