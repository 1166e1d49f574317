//! This module owns the options that say what to tell, and where.

use std::path::PathBuf;

use clap::Args;

use super::OUTPUT;
use super::values::switch;

/// What stdout gets at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// A summary for people; of what a query finds, a table with edges.
    Table,
    /// One record a line, its columns separated by tabs.
    Text,
    /// The whole report as one JSON document.
    Json,
    /// One record a line.
    Jsonl,
    /// The whole report as CSV.
    Csv,
    /// Nothing.
    None,
}

/// When to use colour on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
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

/// What to tell, and where.
#[derive(Args, Clone)]
pub struct OutputArgs {
    /// Also write the report here; the ending picks the format (.csv, .json, .jsonl, .md, .html), and - is CSV on stdout; repeatable.
    #[arg(long, env = "V2TOKEN_REPORT", value_name = "FILE", value_delimiter = ',', help_heading = OUTPUT)]
    pub report: Vec<PathBuf>,
    /// What stdout gets at the end.
    #[arg(
        long,
        env = "V2TOKEN_OUTPUT",
        value_name = "FORMAT",
        value_enum,
        default_value_t = OutputFormat::Table,
        help_heading = OUTPUT
    )]
    pub output: OutputFormat,
    /// Print only what this JMESPath expression finds in the JSON report, in the format of --output.
    #[arg(long, env = "V2TOKEN_QUERY", value_name = "JMESPATH", help_heading = OUTPUT)]
    pub query: Option<String>,
    /// Colour on stderr.
    #[arg(long, env = "V2TOKEN_COLOR", value_name = "WHEN", value_enum, default_value_t = Color::Auto, help_heading = OUTPUT)]
    pub color: Color,
    /// No progress on stderr; warnings and errors remain.
    #[arg(long, env = "V2TOKEN_NO_PROGRESS", value_parser = switch(), help_heading = OUTPUT)]
    pub no_progress: bool,
    /// Only errors on stderr.
    #[arg(long, short, env = "V2TOKEN_QUIET", value_parser = switch(), conflicts_with_all = ["verbose", "debug"], help_heading = OUTPUT)]
    pub quiet: bool,
    /// A line for every account on stderr.
    #[arg(long, short, env = "V2TOKEN_VERBOSE", value_parser = switch(), help_heading = OUTPUT)]
    pub verbose: bool,
    /// A line for every call to AWS on stderr, with its try and its request id, and never with a secret.
    #[arg(long, env = "V2TOKEN_DEBUG", value_parser = switch(), help_heading = OUTPUT)]
    pub debug: bool,
    /// The format of stderr: text for people, or one JSON object a line for machines; without a bar then.
    #[arg(long, env = "V2TOKEN_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, help_heading = OUTPUT)]
    pub log_format: LogFormat,
}
