//! The rows: the tables in `rows`, each row with the environment and files of a user, and what the AWS CLI makes of them.
//!
//! A row begins with its name in brackets. Its lines are:
//!
//! | line | meaning |
//! |---|---|
//! | `env NAME=value`, `env -NAME` | sets or removes a variable; quotes around the value are not part of it |
//! | `env keys NAME`, `env session NAME` | the variables of an access key, or of a session |
//! | `args …` | options of all programs |
//! | `rollout-args …` | options of the rollout alone |
//! | `file PATH`, `config`, `credentials` | a file in the home folder; the lines after it that begin with a bar are its contents |
//! | `folder PATH`, `closed PATH` | a folder, or a file without read permission |
//! | `world …` | what is unusual about the world |
//! | `= KEY` | the AWS CLI works, and this access key calls IAM |
//! | `! text` | the AWS CLI stops, and says this on stderr |
//! | `iam field: value`, `rollout field: value` | an exception, which `docs/aws-cli.md` has to name |

use std::collections::BTreeMap;

use super::{secret_of, token_of};

const TABLES: [&str; 7] = [
    include_str!("rows/sources.txt"),
    include_str!("rows/roles.txt"),
    include_str!("rows/profiles.txt"),
    include_str!("rows/regions.txt"),
    include_str!("rows/endpoints.txt"),
    include_str!("rows/connections.txt"),
    include_str!("rows/odd.txt"),
];

/// What the AWS CLI does in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Key(String),
    Stop(String),
}

/// A file of a row.
pub(super) enum Entry {
    File(Vec<u8>),
    /// It has no read permission.
    Closed(Vec<u8>),
    Folder,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) environment: Vec<(String, Option<String>)>,
    pub(super) arguments: Vec<String>,
    pub(super) rollout_arguments: Vec<String>,
    pub(super) files: Vec<(String, Entry)>,
    pub(super) moods: Vec<String>,
    pub(super) expected: Expected,
    /// By column and field.
    pub(super) exceptions: BTreeMap<(String, String), String>,
    /// The row as it is written.
    pub(super) text: String,
}

/// All rows; their names are unique.
pub(super) fn all() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for table in TABLES {
        let mut block: Vec<&str> = Vec::new();
        for line in table.lines().chain(["[end]"]) {
            if line.starts_with('[') {
                if block.first().is_some_and(|first| first.starts_with('[')) {
                    rows.push(Row::read(&block));
                }
                block.clear();
            }
            if !line.trim().is_empty() && !line.starts_with('#') {
                block.push(line);
            }
        }
    }
    let names: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "a name is there twice");
    rows
}

impl Row {
    fn read(lines: &[&str]) -> Self {
        let name = lines[0].trim_start_matches('[').trim_end_matches(']');
        let mut row = Self {
            name: name.to_owned(),
            environment: Vec::new(),
            arguments: Vec::new(),
            rollout_arguments: Vec::new(),
            files: Vec::new(),
            moods: Vec::new(),
            expected: Expected::Stop("a row without an expectation".to_owned()),
            exceptions: BTreeMap::new(),
            text: lines.join("\n"),
        };
        for line in &lines[1..] {
            let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            match word {
                "env" => row.set(rest),
                "args" => row.arguments.extend(words(rest)),
                "rollout-args" => row.rollout_arguments.extend(words(rest)),
                "config" => row.files.push((".aws/config".to_owned(), Entry::File(Vec::new()))),
                "credentials" => row.files.push((".aws/credentials".to_owned(), Entry::File(Vec::new()))),
                "file" => row.files.push((rest.to_owned(), Entry::File(Vec::new()))),
                "closed" => row.files.push((rest.to_owned(), Entry::Closed(Vec::new()))),
                "folder" => row.files.push((rest.to_owned(), Entry::Folder)),
                "|" => {
                    let contents = line.trim_start().strip_prefix("| ").unwrap_or_default();
                    match row.files.last_mut() {
                        Some((_, Entry::File(bytes) | Entry::Closed(bytes))) => append(bytes, contents),
                        _ => panic!("{name}: {line}: of no file"),
                    }
                }
                "world" => row.moods.extend(words(rest)),
                "=" => row.expected = Expected::Key(rest.to_owned()),
                "!" if !rest.is_empty() => row.expected = Expected::Stop(rest.to_owned()),
                "iam" | "rollout" => {
                    let (field, value) = rest.split_once(": ").unwrap_or_else(|| panic!("{name}: {line}"));
                    row.exceptions.insert((word.to_owned(), field.to_owned()), value.to_owned());
                }
                _ => panic!("{name}: {line}"),
            }
        }
        row
    }

    /// Whether the row makes sense only for a user who can't read everything.
    pub(super) fn has_closed_file(&self) -> bool {
        self.files.iter().any(|(_, entry)| matches!(entry, Entry::Closed(_)))
    }

    fn set(&mut self, text: &str) {
        let mut set = |name: &str, value: String| self.environment.push((name.to_owned(), Some(value)));
        if let Some(of) = text.strip_prefix("keys ") {
            let key = format!("AKIA_{of}");
            set("AWS_SECRET_ACCESS_KEY", secret_of(&key));
            set("AWS_ACCESS_KEY_ID", key);
        } else if let Some(of) = text.strip_prefix("session ") {
            let key = format!("ASIA_{of}");
            set("AWS_SECRET_ACCESS_KEY", secret_of(&key));
            set("AWS_SESSION_TOKEN", token_of(&key));
            set("AWS_ACCESS_KEY_ID", key);
        } else if let Some(name) = text.strip_prefix('-') {
            self.environment.push((name.to_owned(), None));
        } else {
            let (name, value) = text.split_once('=').unwrap_or_else(|| panic!("neither NAME=value nor -NAME: {text}"));
            let quoted = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            set(name, quoted.unwrap_or(value).to_owned());
        }
    }
}

/// Appends a line. `\r`, `\t`, `\\` and `\xNN` are bytes, and with `\c` at its end it is not the end of a line.
fn append(bytes: &mut Vec<u8>, line: &str) {
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match rest.next() {
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some('\\') => bytes.push(b'\\'),
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            Some('c') if rest.as_str().is_empty() => return,
            other => panic!("{line}: \\{other:?}"),
        }
    }
    bytes.push(b'\n');
}

/// Splits a text into words at spaces outside single quotes.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (position, part) in text.split('\'').enumerate() {
        if position % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
