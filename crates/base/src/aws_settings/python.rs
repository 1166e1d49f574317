//! Python's rules for spaces and line ends, which botocore's readers follow.

/// Whether a character is a space by Python's `str.isspace()`. `str.strip()` removes the same characters, and `\s` matches them.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// Whether Python's `str.splitlines()` ends a line at this character.
pub(super) fn is_line_end(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Replaces each line end of a file by a line feed. As in Python, a line end is a line feed, a carriage return, or a carriage
/// return before a line feed.
pub(super) fn universal_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
