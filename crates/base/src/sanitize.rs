//! Sanitizes untrusted text for terminals, which would interpret control characters, for spreadsheets, which would evaluate
//! formulas, and for shell commands.
//!
//! The owner of an account chooses its name, and a server or a proxy chooses an error message. JSON keeps the original text;
//! terminals and CSV get the sanitized text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Returns whether a character can mislead a terminal, a spreadsheet or a reader: control characters, line separators, invisible
/// characters, and marks that change the direction of writing.
const fn misleads(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Cuts a text that is longer than a number of characters, and marks the cut.
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()),
    }
}

/// Escapes every misleading character, for instance as `\u{1b}`.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    // Most texts are printable ASCII, for which the check is faster.
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) || !text.contains(misleads) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if misleads(character) {
            write!(safe, "\\u{{{:x}}}", u32::from(character)).expect("writing to a String never fails");
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Whether a spreadsheet evaluates a text that starts with this character as a formula (OWASP, "CSV Injection").
const fn starts_formula(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

/// Whether the text after a `;` is part of a sentence that begins with an option, such as `; --verify none asked for no read-back`. Without
/// digits and marks it can name no cell, call no function, and start no program.
pub fn is_sentence_with_option(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || b" ,.-".contains(&byte);
    part.strip_prefix(" --")
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()) && rest.bytes().all(plain))
}

/// Escapes a text for a cell of a CSV file. It escapes what [`for_terminal`] escapes, and adds a `'` where a spreadsheet would
/// evaluate the text as a formula.
///
/// In many countries, spreadsheets split a CSV file at `;`, even inside quotes. So the text after each `;` is treated like the
/// beginning of a cell. No cell contains a tab, because tabs are escaped.
pub fn for_cell(text: &str) -> Cow<'_, str> {
    let safe = for_terminal(text);
    // Some spreadsheets ignore leading white space.
    let whole = safe.trim_start().starts_with(starts_formula);
    // The CSV writer doubles quotes, which a reader that splits at `;` takes for the quotes of a cell.
    let is_formula = |part: &str| {
        let start = part.trim_start_matches(|character: char| character.is_whitespace() || character == '"');
        start.starts_with(starts_formula) && !is_sentence_with_option(part)
    };
    if !whole && !safe.split(';').skip(1).any(is_formula) {
        return safe;
    }
    let mut cell = String::with_capacity(safe.len() + 8);
    for (number, part) in safe.split(';').enumerate() {
        let is_formula = if number == 0 { whole } else { is_formula(part) };
        cell.push_str(if number == 0 { "" } else { ";" });
        cell.push_str(if is_formula { "'" } else { "" });
        cell.push_str(part);
    }
    Cow::Owned(cell)
}

/// Quotes a path for a shell command that users copy. The result is quoted only if necessary, and a command never reads it as an
/// option. Misleading characters and bytes that are not UTF-8 are escaped in the quotes `$'…'`, so that the copy names the same file.
pub fn for_shell(path: &Path) -> String {
    let name = path.as_os_str().as_bytes();
    let name = if name.starts_with(b"-") { Cow::Owned([b"./", name].concat()) } else { Cow::Borrowed(name) };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    let is_plain = !name.is_empty() && name.iter().all(plain);
    match std::str::from_utf8(&name) {
        Ok(name) if is_plain => name.to_owned(),
        Ok(name) if !name.contains(misleads) => format!("'{}'", name.replace('\'', r"'\''")),
        Ok(_) | Err(_) => with_escapes(&name),
    }
}

/// Quotes a text in `$'…'`, which bash, zsh, ksh and POSIX of 2024 have. Misleading characters and bytes that are not UTF-8 become octal.
fn with_escapes(text: &[u8]) -> String {
    let mut quoted = String::from("$'");
    let octal = |quoted: &mut String, bytes: &[u8]| {
        for byte in bytes {
            write!(quoted, "\\{byte:03o}").expect("writing to a String never fails");
        }
    };
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' | '\\' => quoted.extend(['\\', character]),
                _ if misleads(character) => octal(&mut quoted, character.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => quoted.push(character),
            }
        }
        octal(&mut quoted, chunk.invalid());
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn misleading_characters_are_escaped() {
        let table = [
            ("payments-prod", "payments-prod"),
            ("Zürich 東京 🚀", "Zürich 東京 🚀"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("two\nlines\ttab", "two\\u{a}lines\\u{9}tab"),
            ("abc\u{202e}fdp.exe", "abc\\u{202e}fdp.exe"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("", ""),
        ];
        for (text, safe) in table {
            assert_eq!(for_terminal(text), safe);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        for (text, limit, expected) in [
            ("four", 4, "four"),
            ("fives", 4, "fiv…"),
            ("éééé", 4, "éééé"),
            ("ééééé", 4, "ééé…"),
            ("", 4, ""),
            ("x", 0, "…"),
        ] {
            assert_eq!(cut(text, limit), expected);
        }
    }

    #[test]
    fn paths_are_single_words_of_a_shell_command() {
        for (name, word) in [
            ("v2token-runs/20261122T041500Z-abcdef", "v2token-runs/20261122T041500Z-abcdef"),
            ("/srv/my run", "'/srv/my run'"),
            ("-x", "./-x"),
            ("--run dir", "'./--run dir'"),
            ("a; rm b", "'a; rm b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("Zürich", "'Zürich'"),
            ("a\u{1b}b", r"$'a\033b'"),
            ("it's\u{202e}\\", r"$'it\'s\342\200\256\\'"),
            ("two\nlines", r"$'two\012lines'"),
            ("-\u{1b}1", r"$'./-\0331'"),
            ("", "''"),
        ] {
            assert_eq!(for_shell(Path::new(name)), word);
            is_read_as(word, name.as_bytes());
        }
        let invalid = b"a\xff\xe2\x80b'";
        let word = for_shell(Path::new(OsStr::from_bytes(invalid)));
        assert_eq!(word, r"$'a\377\342\200b\''");
        is_read_as(&word, invalid);
    }

    /// Lets a shell read the word.
    fn is_read_as(word: &str, name: &[u8]) {
        let command = format!("printf %s {word}");
        let output = std::process::Command::new("bash").args(["-c", &command]).output().expect("bash starts");
        let read = output.stdout.strip_prefix(if name.starts_with(b"-") { &b"./"[..] } else { b"" });
        assert_eq!(read, Some(name), "{command}");
    }

    #[test]
    fn formulas_are_prefixed() {
        let table = [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1+1", "'  =1+1"),
            ("＝1", "'＝1"),
            ("\t=1", "\\u{9}=1"),
            ("a=b", "a=b"),
            ("'=1", "'=1"),
            ("a;=1+1", "a;'=1+1"),
            ("a; -1;b", "a;' -1;b"),
            ("a;\"=1\"", "a;'\"=1\""),
            ("a; \"\" +1", "a;' \"\" +1"),
            ("=1;@x;y", "'=1;'@x;y"),
            ("a;＝1", "a;'＝1"),
            ("a;b=c; d", "a;b=c; d"),
            ("a;'=1", "a;'=1"),
            (";", ";"),
            ("accepted; --verify none asked for no read-back", "accepted; --verify none asked for no read-back"),
            ("a; --sum(1)", "a;' --sum(1)"),
            ("a; --a1", "a;' --a1"),
            ("a;--b", "a;'--b"),
            ("a\t=1", "a\\u{9}=1"),
        ];
        for (text, safe) in table {
            assert_eq!(for_cell(text), safe);
        }
    }
}
