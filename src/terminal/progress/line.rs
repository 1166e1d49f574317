//! This module owns fitting the parts of a line into the width: the least important ones are shortened, and left out.

use crate::terminal::layout::{columns, cut};
use crate::terminal::style::Paint;

/// What stands between two parts.
const GAP: usize = 2;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// How it can be written, the best way first.
    forms: Vec<String>,
    paint: Paint,
    /// The greater, the sooner it is left out.
    rank: u8,
}

impl Part {
    pub(super) fn new(rank: u8, forms: impl IntoIterator<Item = String>) -> Self {
        Self { forms: forms.into_iter().collect(), paint: Paint::Plain, rank }
    }

    pub(super) fn painted(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }

    /// Whether it can be written shorter.
    fn is_long(&self) -> bool {
        self.forms.len() > 1
    }

    /// How soon something is done about it: to write it shorter is about as bad as to leave the next less important part out.
    fn turn(&self) -> u8 {
        self.rank + u8::from(self.is_long())
    }

    fn width(&self) -> usize {
        self.forms.first().map_or(0, |form| columns(form))
    }
}

/// Shortens and leaves out until everything fits. What is left when nothing else is has to be cut.
pub(super) fn fit(mut parts: Vec<Part>, width: usize) -> Vec<Part> {
    while taken(&parts) > width {
        let Some(least) = (0..parts.len()).max_by_key(|index| parts[*index].turn()) else { break };
        match (parts[least].is_long(), parts.len()) {
            (true, _) => drop(parts[least].forms.remove(0)),
            (false, 1) => {
                parts[least].forms = parts[least].forms.iter().map(|form| cut(form, width)).collect();
                break;
            }
            (false, _) => drop(parts.remove(least)),
        }
    }
    parts
}

/// How many columns the parts take.
pub(super) fn taken(parts: &[Part]) -> usize {
    parts.iter().map(Part::width).sum::<usize>() + GAP * parts.len().saturating_sub(1)
}

/// The parts as a line.
pub(super) fn write(parts: &[Part], color: bool) -> String {
    let words = parts.iter().filter_map(|part| Some(part.paint.on(part.forms.first()?, color)));
    words.collect::<Vec<_>>().join(&" ".repeat(GAP))
}

/// A bar of so many columns, brackets included.
pub(super) fn bar(done: usize, of: usize, width: usize) -> Part {
    let room = width.saturating_sub(2);
    let filled = (room * done.min(of)).checked_div(of).unwrap_or(0);
    let head = if filled > 0 && filled < room { ">" } else { "" };
    let line = "=".repeat(filled - head.len());
    Part::new(0, [format!("[{line}{head}{}]", " ".repeat(room - filled))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_part_is_shortened_and_then_left_out() {
        let parts = || {
            vec![
                Part::new(1, ["wave 1/3".to_owned(), "1/3".to_owned()]),
                Part::new(0, ["17/20".to_owned()]),
                Part::new(2, ["12 changed".to_owned()]),
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
            let line = write(&fit(parts(), width), false);
            assert_eq!(line, expected, "{width}");
            assert!(columns(&line) <= width);
        }
        assert_eq!(fit(Vec::new(), 10), []);
    }

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        for (done, of, expected) in [
            (0, 8, "[        ]"),
            (1, 8, "[>       ]"),
            (4, 8, "[===>    ]"),
            (8, 8, "[========]"),
            (0, 0, "[        ]"),
        ] {
            assert_eq!(write(&[bar(done, of, 10)], false), expected);
        }
        assert_eq!(write(&[bar(999, 1000, 10)], false), "[======> ]");
    }
}
