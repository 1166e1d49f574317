//! This module owns making texts from outside harmless: for a terminal that would obey them, and for a spreadsheet that
//! would run them.
//!
//! An account's name is chosen by whoever owns the account, an error message by whatever answered. JSON keeps the
//! true text; terminals and CSV get it made harmless.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Whether a terminal, a spreadsheet or a reader's eye would be misled by this character: control characters, line
/// separators, and the marks that turn the direction of writing round.
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

/// The text with every misleading character written out, as `\u{1b}`.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    // Most texts are of letters and digits, which takes less to find out.
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

/// The text as a cell of a CSV file: [`for_terminal`], and with `'` in front where a spreadsheet would take it for a formula
/// (OWASP, "CSV Injection").
pub fn for_cell(text: &str) -> Cow<'_, str> {
    let safe = for_terminal(text);
    let formula = |character| matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    // A spreadsheet may drop the white space in front before it looks.
    if safe.trim_start().starts_with(formula) { Cow::Owned(format!("'{safe}")) } else { safe }
}

/// The name of a file or folder as a word of a command that can be copied into a shell: in quotes where it needs them, and never taken
/// for an option. What would mislead is written out, as [`for_terminal`] does.
pub(crate) fn for_shell(path: &Path) -> String {
    let name = path.to_string_lossy();
    let name = if name.starts_with('-') { Cow::Owned(format!("./{name}")) } else { name };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !name.is_empty() && name.bytes().all(plain) {
        return name.into_owned();
    }
    format!("'{}'", for_terminal(&name).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
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
    fn a_name_is_one_word_of_a_command() {
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
            ("a\u{1b}b", "'a\\u{1b}b'"),
            ("", "''"),
        ] {
            assert_eq!(for_shell(Path::new(name)), word);
        }
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
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
        ];
        for (text, safe) in table {
            assert_eq!(for_cell(text), safe);
        }
    }
}
