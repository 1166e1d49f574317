//! Python's rules for spaces and line ends, which botocore's readers follow.

/// Python's `str.isspace()`, which is also what `str.strip()` removes and what `\s` matches.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// The characters at which Python's `str.splitlines()` ends a line.
pub(super) fn is_line_end(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Python ends a line of a file at a line feed, a carriage return, and both together.
pub(super) fn universal_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
