//! The drawing of a table: widths, edges, and colors (awscli 1.46, `table.py`).

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthChar as _;

/// How a table looks.
#[derive(Clone, Copy)]
pub(crate) struct TableStyle {
    /// Whether the table has colors.
    pub color: bool,
    /// The maximum width, in columns of the terminal. If a table is wider, each of its sections with only one row is turned: each
    /// header and its cell become a row.
    pub width: usize,
}

/// A part of a table with columns of its own.
#[derive(Default)]
pub(super) struct Section {
    title: String,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    indent: usize,
    /// The widths of the columns. The first headers or the first row determine the number of columns.
    widths: Option<Vec<usize>>,
}

impl Section {
    pub(super) fn new(title: &str, indent: usize) -> Self {
        Self { title: title.to_owned(), indent, ..Self::default() }
    }

    pub(super) fn set_headers(&mut self, headers: &BTreeSet<&str>) {
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        self.widen(&headers);
        self.headers = headers;
    }

    pub(super) fn add_row(&mut self, row: Vec<String>) -> Result<(), String> {
        let columns = self.widen(&row);
        if row.len() != columns {
            return Err(format!("Row should have {columns} elements, instead it has {}", row.len()));
        }
        self.rows.push(row);
        Ok(())
    }

    /// Makes the columns wide enough for a row, and returns the number of columns.
    fn widen(&mut self, row: &[String]) -> usize {
        let widths = self.widths.get_or_insert_with(|| vec![0; row.len()]);
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
        widths.len()
    }

    /// The widths of the columns with the space around their cells.
    fn padded_widths(&self) -> impl Iterator<Item = usize> {
        self.widths.iter().flatten().map(|width| width + PADDING)
    }

    /// The width that the section needs, edges included.
    fn total_width(&self) -> usize {
        width(&self.title).max(self.padded_widths().sum()) + 2 + 2 * self.indent
    }

    /// The widths of the columns, scaled so that their sum is `total`.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a table is far narrower than 2^52 columns, and widths are not negative"
    )]
    fn column_widths(&self, total: usize) -> Vec<usize> {
        let factor = total as f64 / self.padded_widths().sum::<usize>() as f64;
        let scale = |width| (factor * width as f64).round_ties_even() as usize;
        let mut scaled: Vec<usize> = self.padded_widths().map(scale).collect();
        // If rounding made the sum too large, columns get narrower from the left. If it made the sum too small, they get wider
        // from the right.
        let count = scaled.len();
        for at in (0..count).cycle() {
            match scaled.iter().sum::<usize>().cmp(&total) {
                std::cmp::Ordering::Equal => break,
                std::cmp::Ordering::Greater => scaled[at] = scaled[at].saturating_sub(1),
                std::cmp::Ordering::Less => scaled[count - 1 - at] += 1,
            }
        }
        scaled
    }

    /// Turns a section of one row by 90 degrees: each header and its cell become a row.
    fn on_its_side(self) -> Self {
        if self.rows.len() != 1 || self.headers.is_empty() {
            return self;
        }
        let mut turned = Self::new(&self.title, self.indent);
        for (header, cell) in self.headers.into_iter().zip(self.rows.into_iter().flatten()) {
            turned.add_row(vec![header, cell]).expect("all rows have two cells");
        }
        turned
    }
}

/// The number of spaces that a column has around its cells, on both sides together.
const PADDING: usize = 4;

const RESET: &str = "\u{1b}[0m";
const INDENT: &str = "\u{1b}[2m\u{1b}[33m";
const CELL: &str = "\u{1b}[1m\u{1b}[34m";

/// Draws the sections one below the other.
pub(super) fn draw(mut sections: Vec<Section>, style: TableStyle) -> String {
    let widest = |sections: &[Section]| sections.iter().map(Section::total_width).max().unwrap_or_default();
    if widest(&sections) > style.width {
        sections = sections.into_iter().map(Section::on_its_side).collect();
    }
    let width = widest(&sections);
    let mut canvas = Canvas { drawn: String::new(), color: style.color, indent: 0 };
    canvas.write(&format!("{}\n", "-".repeat(width)));
    for section in &sections {
        canvas.indent = section.indent;
        canvas.section(section, width - 2 * section.indent);
    }
    canvas.drawn
}

struct Canvas {
    drawn: String,
    color: bool,
    indent: usize,
}

impl Canvas {
    /// Writes a text. With colors, the AWS CLI writes a reset after each text, even after an empty text.
    fn write(&mut self, text: &str) {
        self.drawn.push_str(text);
        if self.color {
            self.drawn.push_str(RESET);
        }
    }

    fn line(&mut self, text: &str) {
        let edge = if self.color { format!("{INDENT}|{RESET}") } else { "|".to_owned() };
        let edges = edge.repeat(self.indent);
        for part in [edges.as_str(), text, edges.as_str(), "\n"] {
            self.write(part);
        }
    }

    fn section(&mut self, section: &Section, total: usize) {
        if !section.title.is_empty() {
            self.row(&[total], std::slice::from_ref(&section.title), true);
            if section.headers.is_empty() && section.rows.is_empty() {
                self.rule(&[total]);
            }
        }
        let widths = section.column_widths(total);
        if !section.headers.is_empty() {
            self.rule(&widths);
            self.row(&widths, &section.headers, true);
        }
        if section.rows.is_empty() || widths.is_empty() {
            return;
        }
        self.rule(&widths);
        for row in &section.rows {
            self.row(&widths, row, false);
        }
        self.rule(&widths);
    }

    fn rule(&mut self, widths: &[usize]) {
        let mut parts = String::new();
        for width in widths {
            let edge = if parts.is_empty() { "+" } else { "" };
            parts.push_str(&format!("{edge}{}+", "-".repeat(width.saturating_sub(1 + edge.len()))));
        }
        self.line(&parts);
    }

    /// Draws a row: headers are centered, and other texts are aligned left.
    fn row(&mut self, widths: &[usize], texts: &[String], are_headers: bool) {
        let mut cells = String::new();
        for (length, text) in widths.iter().zip(texts) {
            let edge = if cells.is_empty() { "|" } else { "" };
            let needed = width(text) + edge.len() + 1;
            let before = match are_headers {
                true => (length / 2).saturating_sub(width(text) / 2 + 1),
                false if *length >= needed + 2 => 2,
                false => 0,
            };
            let free = length.saturating_sub(needed + before);
            let text = if self.color && !are_headers { format!("{CELL}{text}{RESET}") } else { text.clone() };
            cells.push_str(&format!("{edge}{:before$}{text}{:free$}|", "", ""));
        }
        self.line(&cells);
    }
}

/// The number of columns that a text takes: two for each character that is wide in East Asia. All names and numbers of IAM are
/// narrow; only a literal in a query can be wide.
fn width(text: &str) -> usize {
    let columns = |character: char| if character.width() == Some(2) { 2 } else { 1 };
    text.chars().map(columns).sum()
}
