//! Writes documents and the results of `--query` to stdout.

use std::io::{self, BufWriter, Write};

use serde_json::Value;

use crate::error::Error;
use crate::jmespath::Keys;
use crate::report::{DocumentFormat, OutputDocument, query_output};
use crate::settings::OutputSettings;
use crate::terminal::{Progress, layout};

/// How many characters are shown of a value that a JMESPath function rejects. The value can be the whole report.
const SHOWN: usize = 300;

/// Evaluates `--query` and returns its result in the format of `--output`. Returns `None` if there is no `--query`. `title` is
/// the title of a table.
///
/// This function is called before anything is written, because the query and the formatting of its result can fail.
pub(crate) fn query(
    output: &OutputSettings,
    title: &str,
    document: &dyn OutputDocument,
) -> Result<Option<Vec<u8>>, String> {
    let Some((query, format)) = output.query.as_ref().zip(output.stdout) else { return Ok(None) };
    let value = document.to_value();
    for name in query.unknown_names(&value).into_iter().filter(|name| !document.optional_members().contains(name)) {
        warn_of_unknown_name(output, name, &value);
    }
    let result = query.search(&value).map_err(|cause| format!("--query: {}", shortened(&cause)))?;
    query_output::print(result, format, title, layout::stdout_width())
        .map(Some)
        .map_err(|cause| format!("--query: {cause}"))
}

/// Warns of a name that occurs nowhere in the document, because the empty result does not say why it is empty.
fn warn_of_unknown_name(output: &OutputSettings, name: &str, document: &Value) {
    let known = Keys::of(document).all.into_iter().filter(|known| *known != name);
    let suggestion = match crate::suggest::nearest(name, known, 2) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("for a string, write '{name}'"),
    };
    Progress::new(output.stderr_mode).warn(&format!("--query: the document has no member {name}; {suggestion}"));
}

fn shortened(cause: &str) -> String {
    match cause.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &cause[..end]),
        None => cause.to_owned(),
    }
}

/// Writes a document to stdout in the format of `--output`. If there is a query, writes the query's result instead.
pub(crate) fn print(
    output: &OutputSettings,
    document: &dyn OutputDocument,
    query_result: Option<Vec<u8>>,
) -> io::Result<()> {
    let Some(format) = output.stdout else { return Ok(()) };
    write(|to| match query_result {
        Some(result) => to.write_all(&result),
        None if format == DocumentFormat::Table && output.stdout_color => {
            let mut table = Vec::new();
            document.write(format, &mut table)?;
            to.write_all(painted(&String::from_utf8_lossy(&table), document).as_bytes())
        }
        None => document.write(format, to),
    })
}

/// Returns the table with its colours.
fn painted(table: &str, document: &dyn OutputDocument) -> String {
    let mut text = String::with_capacity(table.len());
    for line in table.split_inclusive('\n') {
        let Some((word, paint)) = document.painted_word(line) else {
            text.push_str(line);
            continue;
        };
        let (before, after) = line.split_once(word).unwrap_or((line, ""));
        text.push_str(before);
        text.push_str(&paint.on(word, true));
        text.push_str(after);
    }
    text
}

/// Writes to stdout. It is not an error if the reader has closed the pipe, as `head` does.
pub(crate) fn write(text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match text(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Returns the error for a stdout that can't be written.
pub(crate) fn unwritable(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Unwritable { what, path: "stdout".into(), source }
}
