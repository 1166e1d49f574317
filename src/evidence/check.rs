//! Checks a zip file of evidence against its manifest, and says what differs. Nothing is unpacked to the disk.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::path::Path;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::Value;
use zip::ZipArchive;

use super::manifest::{Manifest, Sum, copy};
use super::{FILES, MAX_FILE};
use crate::error::Error;
use crate::file_ownership::open_regular;
use crate::humanize::count;
use crate::journal::RunFolder;
use crate::report::{Cell, DocumentFormat, OutputDocument, csv, write_json, write_json_lines};
use crate::sanitize::{cut, for_terminal};
use crate::terminal::layout::wrap_for_stdout;
use crate::text_enum::text_enum;

/// The most files that a zip file of evidence has. The program writes 6.
const MAX_FILES: u16 = 64;

/// The largest directory of a zip file of evidence, in bytes.
const MAX_DIRECTORY: u32 = 64 << 10;

/// The largest `run.json` from which the run id is read, in bytes.
const MAX_RUN: u64 = 64 << 20;

/// The longest name of a file that is shown, in characters.
const SHOWN: usize = 80;

text_enum! {
    /// What the check of a file found.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum FileState {
        /// The sum is that of the manifest.
        Same = "same",
        /// The sum is another one.
        Differs = "differs",
        /// The manifest has the file, and the zip file does not.
        Missing = "missing",
        /// The zip file has the file, and the manifest does not.
        Unlisted = "unlisted",
        /// The file can't be read.
        Unreadable = "unreadable",
    }
}

/// The check of one file.
#[derive(Debug)]
pub(crate) struct CheckedFile {
    name: String,
    state: FileState,
    expected: Option<Sum>,
    found: Option<Sum>,
    detail: String,
}

/// The check of a zip file.
#[derive(Debug)]
pub(crate) struct EvidenceCheck {
    path: String,
    run_id: Option<String>,
    manifest_sum: Sum,
    files: Vec<CheckedFile>,
}

type Archive = ZipArchive<BufReader<File>>;

impl EvidenceCheck {
    /// Checks a zip file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not a zip file of evidence, or if it has no manifest that can be read.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let refused = |cause: String| Error::Mismatch(format!("{shown} is not the evidence of a run: {cause}"));
        let mut archive = open(path).map_err(refused)?;
        let names: Vec<Vec<u8>> = archive.file_names_raw().map(<[u8]>::to_vec).collect();
        let text = read_manifest(&mut archive)
            .map_err(|cause| refused(format!("its manifest {} can't be read: {cause}", Manifest::NAME)))?;
        let manifest = Manifest::parse(&text)
            .map_err(|cause| refused(format!("its manifest {} is damaged: {cause}", Manifest::NAME)))?;
        let mut check = Self { path: shown.to_string(), run_id: None, manifest_sum: Sum::of(&text), files: Vec::new() };
        // A manifest that leaves out a file of the run does not prove the run.
        let expected: BTreeSet<&str> = manifest.sums.keys().map(String::as_str).chain(FILES).collect();
        for name in &expected {
            let (file, run_id) = check_file(&mut archive, name, manifest.sums.get(*name).copied());
            check.files.push(file);
            check.run_id = check.run_id.or(run_id);
        }
        let is_expected = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| expected.contains(name));
        for name in names.iter().filter(|name| *name != Manifest::NAME.as_bytes() && !is_expected(name)) {
            let name = cut(&String::from_utf8_lossy(name), SHOWN).into_owned();
            let detail = "the manifest does not have it".to_owned();
            check.files.push(CheckedFile { name, state: FileState::Unlisted, expected: None, found: None, detail });
        }
        Ok(check)
    }

    /// Returns what differs, as an error; `Ok` if all files are the same.
    pub(crate) fn result(&self) -> Result<(), Error> {
        let wrong: Vec<_> = self.files.iter().filter(|file| file.state != FileState::Same).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = wrong.iter().map(|file| format!("{} ({})", file.name, file.state)).collect();
        Err(Error::Mismatch(format!("{} is not as its manifest says: {}", self.path, named.join(", "))))
    }

    fn table(&self) -> String {
        let wrong = self.files.iter().filter(|file| file.state != FileState::Same).count();
        let all = count(self.files.len(), "file", "files");
        let run = self.run_id.as_deref().map_or_else(String::new, |id| format!("run {}: ", for_terminal(id)));
        let mut text = match wrong {
            0 => format!("{}: {run}all of {all} are as the manifest says\n\n", for_terminal(&self.path)),
            wrong => format!("{}: {run}{wrong} of {all} are not as the manifest says\n\n", for_terminal(&self.path)),
        };
        for CheckedFile { name, state, detail, .. } in &self.files {
            let separator = if detail.is_empty() { "" } else { ": " };
            text.push_str(&format!("  {state:<10}  {}{separator}{}\n", for_terminal(name), for_terminal(detail)));
        }
        // The sum is for copying, so it is never wrapped.
        wrap_for_stdout(&text) + &format!("\nSHA-256 of {}: {}\n", Manifest::NAME, self.manifest_sum)
    }
}

/// Opens a zip file, and refuses one that is not of the form that the program writes, or whose parts contradict each other: then
/// another tool might see other files in it.
fn open(path: &Path) -> Result<Archive, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let mut file = open_regular(path, OpenOptions::new().read(true), false).map_err(|error| text(&error))?;
    check_end(&mut file)?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| text(&error))?;
    archive.validate_header_consistency().map_err(|error| text(&error))?;
    Ok(archive)
}

/// Checks the end of a zip file before its directory is read, so that a hostile directory takes neither time nor memory: the end has
/// no comment, and names a small directory directly before it (APPNOTE.TXT 6.3, section 4.3.16).
fn check_end(file: &mut File) -> Result<(), String> {
    const LENGTH: usize = 22;
    let mut end = [0; LENGTH];
    let not_a_zip = |_| "it is not a zip file".to_owned();
    let start = file.seek(SeekFrom::End(-22)).map_err(not_a_zip)?;
    file.read_exact(&mut end).map_err(not_a_zip)?;
    file.rewind().map_err(not_a_zip)?;
    let short = |at: usize| u16::from_le_bytes([end[at], end[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([end[at], end[at + 1], end[at + 2], end[at + 3]]);
    if !end.starts_with(b"PK\x05\x06") || short(20) != 0 {
        return Err("it is not a zip file, or it was cut short, or something was added to it".to_owned());
    }
    let (files, size, offset) = (short(10), long(12), long(16));
    let is_whole = short(4) == 0 && short(6) == 0 && short(8) == files;
    if !is_whole || u64::from(size) + u64::from(offset) != start || files > MAX_FILES || size > MAX_DIRECTORY {
        return Err(format!("its directory is damaged, or names more than {MAX_FILES} files"));
    }
    Ok(())
}

fn read_manifest(archive: &mut Archive) -> Result<Vec<u8>, String> {
    let index = archive.index_for_name_raw(Manifest::NAME.as_bytes()).ok_or("the zip file does not have it")?;
    let mut file = archive.by_index(index).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    copy(&mut file, &mut text, Manifest::MAX_BYTES).map_err(|error| error.to_string())?;
    Ok(text)
}

/// Checks one file. Returns the run id, too, if the file has it.
fn check_file(archive: &mut Archive, name: &str, expected: Option<Sum>) -> (CheckedFile, Option<String>) {
    let shown = cut(name, SHOWN).into_owned();
    let checked = |state, found, detail: String| CheckedFile { name: shown.clone(), state, expected, found, detail };
    let Some(index) = archive.index_for_name_raw(name.as_bytes()) else {
        let detail = if expected.is_some() { "" } else { "neither the zip file nor the manifest has it" };
        return (checked(FileState::Missing, None, detail.to_owned()), None);
    };
    let mut file = match archive.by_index(index) {
        // The copy has the same limit, because the size in the zip file may be wrong.
        Ok(file) if file.size() > MAX_FILE => {
            return (checked(FileState::Unreadable, None, format!("it is larger than {MAX_FILE} bytes")), None);
        }
        Ok(file) => file,
        Err(error) => return (checked(FileState::Unreadable, None, error.to_string()), None),
    };
    let mut run = Head(Vec::new());
    let to: &mut dyn Write = if name == RunFolder::RUN { &mut run } else { &mut io::sink() };
    let found = match copy(&mut file, to, MAX_FILE) {
        Ok((sum, _)) => sum,
        Err(error) => return (checked(FileState::Unreadable, None, error.to_string()), None),
    };
    let run_id = run_id(&run.0);
    match expected {
        Some(sum) if sum == found => (checked(FileState::Same, Some(found), String::new()), run_id),
        Some(sum) => {
            let detail = format!("its SHA-256 sum is {found}, and the manifest has {sum}");
            (checked(FileState::Differs, Some(found), detail), run_id)
        }
        None => (checked(FileState::Unlisted, Some(found), "the manifest does not have it".to_owned()), run_id),
    }
}

/// Returns the run id in a `run.json`.
fn run_id(run: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Identity {
        run_id: String,
    }
    serde_json::from_slice(run).ok().map(|Identity { run_id }| run_id)
}

/// Keeps the beginning of what is written to it.
struct Head(Vec<u8>);

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.0.len() as u64) < MAX_RUN {
            self.0.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The columns of the machine-readable formats.
type Column = (&'static str, fn(&CheckedFile) -> Cell<'_>);

const COLUMNS: [Column; 5] = [
    ("file", |file| Cell::text(&file.name)),
    ("state", |file| Cell::text(file.state.as_str())),
    ("expected_sha256", |file| file.expected.map_or(Cell::Nothing, |sum| Cell::Text(sum.to_string().into()))),
    ("found_sha256", |file| file.found.map_or(Cell::Nothing, |sum| Cell::Text(sum.to_string().into()))),
    ("detail", |file| Cell::text(&file.detail)),
];

impl Serialize for CheckedFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(COLUMNS.iter().map(|(name, value)| (name, value(self))))
    }
}

impl OutputDocument for EvidenceCheck {
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        let rows = || self.files.iter().map(|file| COLUMNS.iter().map(move |(_, value)| value(file)));
        match format {
            DocumentFormat::Table => to.write_all(self.table().as_bytes()),
            DocumentFormat::Text => csv::write_tab_separated(rows(), to),
            DocumentFormat::Csv => csv::write(COLUMNS.map(|(name, _)| name), rows(), to),
            DocumentFormat::Json => write_json(self, to),
            DocumentFormat::Jsonl => write_json_lines(&self.files, to),
            DocumentFormat::Markdown | DocumentFormat::Html => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "there is no such format"))
            }
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }
}

/// The JSON document.
impl Serialize for EvidenceCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("EvidenceCheck", 4)?;
        document.serialize_field("evidence", &self.path)?;
        document.serialize_field("run_id", &self.run_id)?;
        document.serialize_field("manifest_sha256", &self.manifest_sum.to_string())?;
        document.serialize_field("files", &self.files)?;
        document.end()
    }
}
