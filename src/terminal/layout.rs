//! This module owns how text is fitted into so many columns: wrapped, cut, or as a table of two columns.

use super::size::stdout_columns;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Below so many columns there is no room for a column of names.
const NARROW: usize = 60;

/// Lines longer than this are hard to read, however wide the terminal is.
const COMFORT: usize = 160;

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The text in lines of at most `width` columns, all but the first of them indented.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let width = width.clamp(1, COMFORT);
    // Where so little room is left, room counts more than looks.
    let indent = if indent * 2 > width { 0 } else { indent };
    let words = text.trim_start_matches(' ');
    let mut lines = Vec::new();
    let mut line = text[..text.len() - words.len()].to_owned();
    let mut is_empty = true;
    for mut word in words.split(' ') {
        let gap = usize::from(!is_empty);
        if columns(&line) + gap + columns(word) > width && !is_empty {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        // A word that is wider than a line, such as an ARN, is broken, behind a mark in it if there is one.
        while columns(&line) + columns(word) > width {
            let (head, rest) = split(word, width - columns(&line));
            line.push_str(head);
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            word = rest;
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// Returns the text in lines that fit into the terminal, if stdout is one.
pub(crate) fn wrap_for_stdout(text: &str) -> String {
    let Some(width) = stdout_columns() else { return text.to_owned() };
    text.lines().flat_map(|line| wrap(line, width, 4)).flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// The text in at most `width` columns, with `…` where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let (head, _) = text.split_at(fits(text, width.saturating_sub(1)));
    format!("{head}…")
}

/// Rows of a name and what it stands for, in at most `width` columns.
pub(crate) fn table(rows: &[(&str, String)], width: usize) -> Vec<String> {
    let names = rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
    let row = |(name, value): &(&str, String)| match width {
        ..NARROW => wrap(&format!("{name}: {value}"), width, 2),
        _ => wrap(&format!("  {name:names$}  {value}"), width, names + 4),
    };
    rows.iter().flat_map(row).collect()
}

/// Splits a word so that its head takes `width` columns at most, and one character at least.
fn split(word: &str, width: usize) -> (&str, &str) {
    let most = fits(word, width).max(word.chars().next().map_or(0, char::len_utf8));
    let mark = word[..most].rfind([':', '/', ',', '=', '-']).map(|place| place + 1);
    word.split_at(mark.filter(|place| place * 2 > most).unwrap_or(most))
}

/// How many bytes at the beginning of a text take `width` columns at most.
fn fits(text: &str, width: usize) -> usize {
    let mut used = 0;
    let taken = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > width
    });
    taken.map_or(text.len(), |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_long_words_at_marks() {
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
    fn no_line_is_wider_than_asked_for_and_nothing_gets_lost() {
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
    fn what_is_cut_says_so() {
        for (text, width, expected) in [
            ("short", 5, "short"),
            ("shorter", 5, "shor…"),
            ("東京東京", 5, "東京…"),
            ("東京東京", 4, "東…"),
            ("ab", 0, "…"),
        ] {
            assert_eq!(cut(text, width), expected);
        }
    }

    #[test]
    fn a_table_is_aligned_where_there_is_room() {
        let rows = [("caller", "arn:aws:iam::000000000100:user/operator".to_owned()), ("waves", "1, 20".to_owned())];
        assert_eq!(
            table(&rows, 80),
            ["  caller  arn:aws:iam::000000000100:user/operator", "  waves   1, 20"].map(str::to_owned)
        );
        let narrow = ["caller:", "  arn:aws:iam::000000000100:user/", "  operator", "waves: 1, 20"];
        assert_eq!(table(&rows, 40), narrow.map(str::to_owned));
    }
}
