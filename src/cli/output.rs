//! The options for stdout, stderr and report files.

use std::path::PathBuf;

use clap::Args;

use super::OUTPUT;
use super::values::switch;

/// What is printed to stdout at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// A summary for people; with --query, a table with borders.
    Table,
    /// One record a line, with tabs between the columns.
    Text,
    /// The whole report as one JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// The whole report as CSV.
    Csv,
    /// Nothing.
    None,
}

/// When stderr, and the table on stdout, are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR`, `CLICOLOR=0`, `FORCE_COLOR`, or `CLICOLOR_FORCE` says otherwise.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// The format of stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The options for stdout, stderr and report files.
#[derive(Args, Clone)]
#[command(next_help_heading = OUTPUT)]
pub struct OutputArgs {
    /// Also write the report to this file; repeatable. The file name extension selects the format: .csv, .json, .jsonl, .md or
    /// .html. The value - writes CSV to stdout.
    #[arg(long, env = "V2TOKEN_REPORT", value_name = "FILE", value_delimiter = ',')]
    pub report: Vec<PathBuf>,
    /// What is printed to stdout at the end.
    #[arg(long, env = "V2TOKEN_OUTPUT", value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
    /// Apply this JMESPath expression to the JSON report, and print the result in the format of --output.
    #[arg(long, env = "V2TOKEN_QUERY", value_name = "JMESPATH")]
    pub query: Option<String>,
    /// When to colour stderr, and the table on stdout.
    #[arg(long, env = "V2TOKEN_COLOR", value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Show no progress on stderr, only warnings and errors.
    #[arg(long, env = "V2TOKEN_NO_PROGRESS", value_parser = switch())]
    pub no_progress: bool,
    /// Show only errors on stderr.
    #[arg(long, short, env = "V2TOKEN_QUIET", value_parser = switch(), conflicts_with_all = ["verbose", "debug"])]
    pub quiet: bool,
    /// Print a line for every account on stderr.
    #[arg(long, short, env = "V2TOKEN_VERBOSE", value_parser = switch())]
    pub verbose: bool,
    /// Print a line for every AWS API call on stderr, with the number of the attempt and the request id. No line has a secret.
    #[arg(long, env = "V2TOKEN_DEBUG", value_parser = switch())]
    pub debug: bool,
    /// The format of stderr: text for people, or one JSON object a line for programs, without a progress bar.
    #[arg(long, env = "V2TOKEN_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}
