//! Fits text into the width of the terminal: wraps it, truncates it, or lays it out as a table of two columns.

use console::Term;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width below which there is no space for a column of names.
const NARROW: usize = 60;

/// The maximum length of a line: longer lines are hard to read, even in a wide terminal.
const MAX_WIDTH: usize = 160;

/// The width of stdout if it is not a terminal, as in the AWS CLI.
const DEFAULT_WIDTH: usize = 80;

/// Returns the width of stdout.
pub(crate) fn stdout_width() -> usize {
    stdout_columns().unwrap_or(DEFAULT_WIDTH)
}

/// Returns the width of stdout if it is a terminal with a known width.
pub(crate) fn stdout_columns() -> Option<usize> {
    Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

/// Returns the width of a line on stderr if it is a terminal with a known width.
///
/// The width is read each time, because the user can resize the terminal. The last column stays empty, because some terminals
/// wrap a line as soon as it fills that column.
pub(crate) fn stderr_width() -> Option<usize> {
    Term::stderr().size_checked().map(|(_, columns)| usize::from(columns).saturating_sub(1).max(1))
}

/// Returns the number of columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Wraps a text into lines of at most `width` columns. All lines but the first are indented.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let width = width.clamp(1, MAX_WIDTH);
    // In a narrow terminal the indentation would take too much space, so lines are not indented there.
    let indent = if indent * 2 > width { 0 } else { indent };
    let words = text.trim_start_matches(' ');
    let mut lines = Vec::new();
    let mut line = text[..text.len() - words.len()].to_owned();
    let mut gap = "";
    for mut word in words.split(' ') {
        if columns(&line) + 1 + columns(word) > width && !gap.is_empty() {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            gap = "";
        }
        line.push_str(gap);
        // A word that is wider than a line, such as an ARN, is broken. If it has a punctuation mark, it is broken after the mark.
        while columns(&line) + columns(word) > width {
            let (head, rest) = split(word, width - columns(&line));
            line.push_str(head);
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            word = rest;
        }
        line.push_str(word);
        gap = " ";
    }
    lines.push(line);
    lines
}

/// Wraps a text to the width of stdout if it is a terminal.
pub(crate) fn wrap_for_stdout(text: &str) -> String {
    let Some(width) = stdout_columns() else { return text.to_owned() };
    text.lines().flat_map(|line| wrap(line, width, 4)).flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Truncates a text to `width` columns, with `…` at the end.
pub(crate) fn truncate(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let (head, _) = text.split_at(fits(text, width.saturating_sub(1)));
    format!("{head}…")
}

/// Lays out rows of a name and a value, in at most `width` columns.
pub(crate) fn table(rows: &[(&str, String)], width: usize) -> Vec<String> {
    let names = rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
    let row = |(name, value): &(&str, String)| match width {
        ..NARROW => wrap(&format!("{name}: {value}"), width, 2),
        _ => wrap(&format!("  {name:names$}  {value}"), width, names + 4),
    };
    rows.iter().flat_map(row).collect()
}

/// Splits a word so that its head takes at most `width` columns, and at least one character.
fn split(word: &str, width: usize) -> (&str, &str) {
    let longest = fits(word, width).max(word.chars().next().map_or(0, char::len_utf8));
    let mark = word[..longest].rfind([':', '/', ',', '=', '-']).map(|index| index + 1);
    word.split_at(mark.filter(|index| index * 2 > longest).unwrap_or(longest))
}

/// Returns the length in bytes of the longest head of a text that takes at most `width` columns.
fn fits(text: &str, width: usize) -> usize {
    let mut used = 0;
    let taken = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > width
    });
    taken.map_or(text.len(), |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_long_words_at_punctuation() {
        let table: &[(&str, usize, usize, &[&str])] = &[
            ("short", 20, 4, &["short"]),
            ("one two three", 7, 2, &["one two", "  three"]),
            ("exactly seven", 7, 0, &["exactly", "seven"]),
            ("  indented already", 12, 2, &["  indented", "  already"]),
            (
                "arn:aws:iam::000000000100:user/operator",
                20,
                2,
                &["arn:aws:iam::", "  000000000100:user/", "  operator"],
            ),
            ("abcdefghijkl", 5, 0, &["abcde", "fghij", "kl"]),
            ("東京 東京東京", 6, 1, &["東京", " 東京", " 東京"]),
            ("", 10, 2, &[""]),
            ("one two", 3, 2, &["one", "two"]),
        ];
        for (text, width, indent, expected) in table {
            let lines = wrap(text, *width, *indent);
            assert_eq!(lines, *expected, "{text:?} in {width}");
        }
    }

    #[test]
    fn no_line_is_too_wide_and_no_text_is_lost() {
        let text = "nothing was attempted: AssumeRole failed with AccessDenied: User: \
                    arn:aws:iam::000000000100:user/operator is not authorized to perform: sts:AssumeRole 東京";
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        for width in 2..150 {
            let lines = wrap(text, width, 7);
            assert!(lines.iter().all(|line| columns(line) <= width), "{width}: {lines:?}");
            assert_eq!(bare(&lines.concat()), bare(text), "{width}");
        }
    }

    #[test]
    fn truncated_text_ends_with_an_ellipsis() {
        for (text, width, expected) in [
            ("short", 5, "short"),
            ("shorter", 5, "shor…"),
            ("東京東京", 5, "東京…"),
            ("東京東京", 4, "東…"),
            ("ab", 0, "…"),
        ] {
            assert_eq!(truncate(text, width), expected);
        }
    }

    #[test]
    fn tables_are_aligned_in_wide_terminals() {
        let rows = [("caller", "arn:aws:iam::000000000100:user/operator".to_owned()), ("waves", "1, 20".to_owned())];
        assert_eq!(
            table(&rows, 80),
            ["  caller  arn:aws:iam::000000000100:user/operator", "  waves   1, 20"].map(str::to_owned)
        );
        let narrow = ["caller:", "  arn:aws:iam::000000000100:user/", "  operator", "waves: 1, 20"];
        assert_eq!(table(&rows, 40), narrow.map(str::to_owned));
    }
}
