//! Standard output at the end of a command: the report, or the result of `--query`.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;

use crate::awscli::jmespath::value::Value;
use crate::cli::OutputFormat;
use crate::error::Error;
use crate::report::query_output::{Form, print};
use crate::report::{Destination, Format, Report, summary, whereabouts, write_text};
use crate::settings::OutputSettings;
use crate::terminal::layout::wrap;
use crate::terminal::{Progress, size};

/// How much is shown of what a function was given and can't take: it may be the whole report.
const SHOWN: usize = 300;

/// What a query found, ready to be printed.
pub(crate) struct Found(Vec<u8>);

/// What the query finds, if there is one. It is made before anything is written, because a query may ask a function for what it
/// can't do, or find what the format can't show.
pub(crate) fn find(
    output: &OutputSettings,
    title: &str,
    document: impl FnOnce() -> Value,
) -> Result<Option<Found>, String> {
    let Some((query, form)) = output.query.as_ref().zip(form(output.stdout)) else { return Ok(None) };
    let document = document();
    for name in query.unknown_names(&document) {
        note_unknown(output, name, &document);
    }
    let found = query.find(&document).map_err(|cause| format!("--query: {}", shortened(&cause)))?;
    let printed = print(found, form, title, size::stdout_width());
    printed.map(|text| Some(Found(text))).map_err(|cause| format!("--query: {cause}"))
}

/// A name that is nowhere in the document finds nothing, and an empty answer does not say why.
fn note_unknown(output: &OutputSettings, name: &str, document: &Value) {
    let (mut known, mut of_items) = (BTreeSet::new(), BTreeSet::new());
    document.add_keys(&mut known, &mut of_items);
    let meant = match crate::suggest::nearest(name, known.iter().filter(|known| **known != name), 2) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("if it is a text, write '{name}'"),
    };
    Progress::new(output.stderr_mode).warn(&format!("--query: nothing is called {name} here; {meant}"));
}

fn shortened(cause: &str) -> String {
    match cause.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &cause[..end]),
        None => cause.to_owned(),
    }
}

const fn form(output: OutputFormat) -> Option<Form> {
    match output {
        OutputFormat::Table => Some(Form::Table),
        OutputFormat::Text => Some(Form::Text),
        OutputFormat::Json => Some(Form::Json),
        OutputFormat::Jsonl => Some(Form::Jsonl),
        OutputFormat::Csv => Some(Form::Csv),
        OutputFormat::None => None,
    }
}

/// Writes what stdout gets of a run.
pub(crate) fn tell(
    output: &OutputSettings,
    folder: Option<&Path>,
    report: &Report<'_>,
    found: Option<Found>,
) -> io::Result<()> {
    let to_stdout = output.reports.iter().find(|(to, _)| *to == Destination::Stdout).map(|(_, format)| *format);
    match (to_stdout, found, output.stdout) {
        (Some(format), _, _) => write(|to| format.write(report, to)),
        (None, Some(found), _) => say(&found),
        (None, None, OutputFormat::None) => Ok(()),
        (None, None, OutputFormat::Text) => write(|to| write_text(report, to)),
        (None, None, OutputFormat::Csv) => write(|to| Format::Csv.write(report, to)),
        (None, None, OutputFormat::Json) => write(|to| Format::Json.write(report, to)),
        (None, None, OutputFormat::Jsonl) => write(|to| Format::Jsonl.write(report, to)),
        (None, None, OutputFormat::Table) => {
            let written = |folder: &Path| folder.join("report.csv").is_file();
            let places = folder.map(|folder| whereabouts(report, folder, written(folder))).unwrap_or_default();
            write(|to| to.write_all((fitted(&summary(report)) + &places).as_bytes()))
        }
    }
}

/// The text in lines that fit into the terminal, if it goes to one.
pub(crate) fn fitted(text: &str) -> String {
    let Some(width) = size::stdout_columns() else { return text.to_owned() };
    text.lines().flat_map(|line| wrap(line, width, 4)).flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Writes what a query found.
pub(crate) fn say(found: &Found) -> io::Result<()> {
    write(|to| to.write_all(&found.0))
}

/// Writes to stdout. A reader that has gone away, such as `head`, is no error.
pub(crate) fn write(text: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match text(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The error of a stdout that can't be written.
pub(crate) fn unwritable(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Unwritable { what, path: "stdout".into(), source }
}
