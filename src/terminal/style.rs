//! This module owns the few colours of stderr.

/// A message that ends the program, with its hint below, for stderr.
#[must_use]
pub fn fatal(message: &str, hint: &str, color: bool) -> String {
    let (red, bold, off) = if color { ("\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let mut text = format!("{red}error:{off} {message}\n");
    if !hint.is_empty() {
        text.push_str(&format!("{bold}hint:{off} {hint}\n"));
    }
    text
}
