//! The INI dialect of `~/.aws/config` and `~/.aws/credentials`, and the words of their section names, read as botocore reads
//! them.
//!
//! botocore reads a file with Python's `configparser.RawConfigParser()`, and then reads a value that starts on a new line as a
//! list of options (botocore 1.43, `configloader.raw_config_parse`). Everything that Python refuses is refused here, too.

use std::collections::{HashMap, HashSet};

use super::python::{is_line_end, is_space, universal_newlines};

/// The name of the section whose options apply to every other section that does not set them.
const DEFAULTS: &str = "DEFAULT";

/// The value of an option. It may be a secret, so this type does not implement `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// One text. The lines of a continued value are joined with line feeds.
    Text(String),
    /// A value that starts on a new line, such as that of `s3`. It is a list of options, in which no name occurs twice.
    Nested(Vec<(String, String)>),
}

/// A section, with the options of `[DEFAULT]` after its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Section {
    /// The text between the brackets.
    pub name: String,
    /// The options in the order of the file. The names are in lower case, and no name occurs twice.
    pub values: Vec<(String, Value)>,
}

/// The file can't be read. The explanation contains no value, because a value may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IniError {
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong, and what to write instead.
    pub detail: String,
}

impl IniError {
    fn new(line: usize, detail: impl Into<String>) -> Self {
        Self { line: Some(line), detail: detail.into() }
    }
}

/// An option with the lines of its value. Each line has its number in the file.
struct RawOption<'text> {
    name: String,
    lines: Vec<(usize, &'text str)>,
}

/// What has been read so far.
struct Reader<'text> {
    /// The sections in the order of the file, after `[DEFAULT]`, which is always the first.
    sections: Vec<(&'text str, Vec<RawOption<'text>>)>,
    index: HashMap<&'text str, usize>,
    /// The section and the name of every option.
    options: HashSet<(usize, String)>,
    /// The section of the current line.
    current: Option<usize>,
    /// Whether an option has started since the last section header. An empty line, or a line that is indented more than the first
    /// line of the option, continues the option.
    is_in_option: bool,
    /// The indentation of the last line that started a section or an option.
    indent: usize,
}

/// Reads a file.
///
/// # Errors
///
/// Returns an error if botocore would refuse the file, too.
pub fn parse(bytes: &[u8]) -> Result<Vec<Section>, IniError> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
        IniError::new(universal_newlines(&before).split('\n').count(), "the file is not in UTF-8: save it as UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        return Err(IniError::new(1, "the file starts with a byte order mark: save it as UTF-8 without it"));
    }
    let text = universal_newlines(text);
    let mut reader = Reader {
        sections: vec![(DEFAULTS, Vec::new())],
        index: HashMap::from([(DEFAULTS, 0)]),
        options: HashSet::new(),
        current: None,
        is_in_option: false,
        indent: 0,
    };
    for (number, line) in (1..).zip(text.split('\n')) {
        reader.read(number, line)?;
    }
    reader.finish()
}

impl<'text> Reader<'text> {
    fn read(&mut self, number: usize, line: &'text str) -> Result<(), IniError> {
        let text = line.trim_matches(is_space);
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        if text.is_empty() {
            // An empty line may be part of a value. Empty lines at the end of a value are dropped with all other space there.
            if let Some(option) = self.last_option() {
                option.lines.push((number, ""));
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|character| is_space(*character)).count();
        let is_deeper = indent > self.indent;
        if let (true, Some(option)) = (is_deeper, self.last_option()) {
            option.lines.push((number, text));
            return Ok(());
        }
        self.indent = indent;
        match header(text) {
            Some(name) => self.start_section(number, name),
            None => self.start_option(number, text),
        }
    }

    /// Returns the option to which an empty line, or a line with more indentation, belongs.
    fn last_option(&mut self) -> Option<&mut RawOption<'text>> {
        self.sections[self.current?].1.last_mut().filter(|_| self.is_in_option)
    }

    fn start_section(&mut self, number: usize, name: &'text str) -> Result<(), IniError> {
        let next = self.sections.len();
        match *self.index.entry(name).or_insert(next) {
            index if index == next => self.sections.push((name, Vec::new())),
            0 => {}
            _ => {
                let detail = format!("the section [{name}] is there twice: write all its options below the first");
                return Err(IniError::new(number, detail));
            }
        }
        self.current = self.index.get(name).copied();
        self.is_in_option = false;
        Ok(())
    }

    fn start_option(&mut self, number: usize, text: &'text str) -> Result<(), IniError> {
        let Some(current) = self.current else {
            let detail = "there is no section above this line: write a section such as [default] first";
            return Err(IniError::new(number, detail));
        };
        let Some((name, value)) = text.split_once(['=', ':']) else {
            let detail = "this line is neither an option nor a section: write NAME = VALUE or [SECTION]";
            return Err(IniError::new(number, detail));
        };
        let name = name.trim_end_matches(is_space).to_lowercase();
        if name.is_empty() {
            return Err(IniError::new(number, "the option on this line has no name: write NAME = VALUE"));
        }
        let (section, options) = &mut self.sections[current];
        if !self.options.insert((current, name.clone())) {
            let detail = format!("the option {name} is there twice in the section [{section}]: remove one of the two");
            return Err(IniError::new(number, detail));
        }
        options.push(RawOption { name, lines: vec![(number, value.trim_matches(is_space))] });
        self.is_in_option = true;
        Ok(())
    }

    fn finish(self) -> Result<Vec<Section>, IniError> {
        let Some(((_, defaults), sections)) = self.sections.split_first() else { return Ok(Vec::new()) };
        let section = |(index, (name, own)): (usize, &(&str, Vec<RawOption>))| {
            let is_own = |option: &RawOption| self.options.contains(&(index, option.name.clone()));
            let options = own.iter().chain(defaults.iter().filter(|option| !is_own(option)));
            let values = options.map(|option| Ok((option.name.clone(), option.value(name)?)));
            Ok(Section { name: (*name).to_owned(), values: values.collect::<Result<_, _>>()? })
        };
        (1..).zip(sections).map(section).collect()
    }
}

impl RawOption<'_> {
    /// Returns the value of the option. An error names `section`.
    fn value(&self, section: &str) -> Result<Value, IniError> {
        let texts: Vec<&str> = self.lines.iter().map(|(_, text)| *text).collect();
        let text = texts.join("\n").trim_end_matches(is_space).to_owned();
        if !text.starts_with('\n') {
            return Ok(Value::Text(text));
        }
        let mut nested: Vec<(String, String)> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        let lines =
            self.lines.iter().flat_map(|(number, text)| text.split(is_line_end).map(move |line| (number, line)));
        for (number, line) in lines.map(|(number, line)| (number, line.trim_matches(is_space))) {
            if line.is_empty() {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                let detail = format!(
                    "the value of {} in the section [{section}] starts on a new line, so it is a list of options: write NAME = VALUE on this line",
                    self.name
                );
                return Err(IniError::new(*number, detail));
            };
            let [name, value] = [name, value].map(|part| part.trim_matches(is_space));
            let next = nested.len();
            match *index.entry(name).or_insert(next) {
                position if position == next => nested.push((name.to_owned(), value.to_owned())),
                position => value.clone_into(&mut nested[position].1),
            }
        }
        Ok(Value::Nested(nested))
    }
}

/// Returns the name of the section that starts on this line, or `None` if the line is not a section header. Text after the last
/// bracket is ignored.
fn header(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

/// Splits a text as a POSIX shell does, with the rules of Python's `shlex.split`. Returns `None` if a quotation or an escape has
/// no end.
pub fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if matches!(character, ' ' | '\t' | '\r' | '\n') {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match character {
            '\\' => word.push(characters.next()?),
            '\'' => read_quotation(word, &mut characters, '\'', false)?,
            '"' => read_quotation(word, &mut characters, '"', true)?,
            other => word.push(other),
        }
    }
    words.extend(word);
    Some(words)
}

/// Adds the rest of a quotation to the word. With `escapes`, a backslash escapes the quotation mark and the backslash, and
/// nothing else.
fn read_quotation(word: &mut String, rest: &mut impl Iterator<Item = char>, quote: char, escapes: bool) -> Option<()> {
    loop {
        match rest.next()? {
            end if end == quote => return Some(()),
            '\\' if escapes => {
                let next = rest.next()?;
                if next != '\\' && next != quote {
                    word.push('\\');
                }
                word.push(next);
            }
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests;
