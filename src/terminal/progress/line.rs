//! Fits the parts of a line into the width: shortens or drops the least important parts.

use crate::terminal::layout::{columns, truncate};
use crate::terminal::style::Paint;

/// The number of spaces between two parts.
const GAP: usize = 2;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinePart {
    /// The texts of the part, from the longest to the shortest. There is at least one.
    forms: Vec<String>,
    paint: Paint,
    /// The rank. Parts with a higher rank are dropped first.
    rank: u8,
}

impl LinePart {
    pub(super) fn new(rank: u8, forms: impl IntoIterator<Item = String>) -> Self {
        Self { forms: forms.into_iter().collect(), paint: Paint::Plain, rank }
    }

    pub(super) fn painted(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }
}

/// Shortens and drops parts until the line fits. If only one part is left and it is too wide, truncates it.
pub(super) fn fit(mut parts: Vec<LinePart>, width: usize) -> Vec<LinePart> {
    // Shortening a part loses about as much as dropping a part of the next higher rank, so both have the same priority.
    let priority = |part: &LinePart| part.rank + u8::from(part.forms.len() > 1);
    while total_width(&parts) > width {
        let Some(index) = (0..parts.len()).max_by_key(|index| priority(&parts[*index])) else { break };
        if parts[index].forms.len() > 1 {
            parts[index].forms.remove(0);
        } else if parts.len() > 1 {
            parts.remove(index);
        } else {
            parts[index].forms[0] = truncate(&parts[index].forms[0], width);
            break;
        }
    }
    parts
}

/// Returns the width of the parts.
pub(super) fn total_width(parts: &[LinePart]) -> usize {
    parts.iter().map(|part| columns(&part.forms[0])).sum::<usize>() + GAP * parts.len().saturating_sub(1)
}

/// Joins the parts to a line.
pub(super) fn join(parts: &[LinePart], color: bool) -> String {
    let texts: Vec<_> = parts.iter().map(|part| part.paint.on(&part.forms[0], color)).collect();
    texts.join(&" ".repeat(GAP))
}

/// Returns a bar of this width, including its brackets.
pub(super) fn bar(done: usize, of: usize, width: usize) -> LinePart {
    let room = width.saturating_sub(2);
    let filled = (room * done.min(of)).checked_div(of).unwrap_or(0);
    let head = if filled > 0 && filled < room { ">" } else { "" };
    let line = "=".repeat(filled - head.len());
    LinePart::new(0, [format!("[{line}{head}{}]", " ".repeat(room - filled))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_important_parts_are_shortened_and_then_left_out() {
        let parts = || {
            vec![
                LinePart::new(1, ["wave 1/3".to_owned(), "1/3".to_owned()]),
                LinePart::new(0, ["17/20".to_owned()]),
                LinePart::new(2, ["12 changed".to_owned()]),
            ]
        };
        for (width, expected) in [
            (100, "wave 1/3  17/20  12 changed"),
            (27, "wave 1/3  17/20  12 changed"),
            (26, "wave 1/3  17/20"),
            (14, "1/3  17/20"),
            (9, "17/20"),
            (4, "17/…"),
            (1, "…"),
        ] {
            let line = join(&fit(parts(), width), false);
            assert_eq!(line, expected, "{width}");
            assert!(columns(&line) <= width);
        }
        assert_eq!(fit(Vec::new(), 10), []);
    }

    #[test]
    fn bars_are_full_only_at_the_end() {
        for (done, of, expected) in [
            (0, 8, "[        ]"),
            (1, 8, "[>       ]"),
            (4, 8, "[===>    ]"),
            (8, 8, "[========]"),
            (0, 0, "[        ]"),
        ] {
            assert_eq!(join(&[bar(done, of, 10)], false), expected);
        }
        assert_eq!(join(&[bar(999, 1000, 10)], false), "[======> ]");
    }
}
