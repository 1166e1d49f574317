//! Parses Markdown documents: their sections, blocks, tables, and code spans.

use serde_json::Value;

/// A command in a shell block, and the block with its output.
pub(super) struct Shown {
    /// The command's words.
    pub(super) words: Vec<String>,
    /// The output.
    pub(super) text: String,
    /// The lines of the output in the page.
    pub(super) lines: std::ops::Range<usize>,
}

/// A Markdown document, or a part of one.
#[derive(Clone)]
pub(super) struct Document {
    /// Each line, and whether it is inside a fenced block.
    pub(super) lines: Vec<(String, bool)>,
}

impl Document {
    pub(super) fn new(text: &str) -> Self {
        let mut fenced = false;
        let mut lines = Vec::new();
        for line in text.lines() {
            let fence = line.trim_start().starts_with("```");
            lines.push((line.to_owned(), fenced || fence));
            fenced ^= fence;
        }
        assert!(!fenced, "a block is not closed");
        Self { lines }
    }

    /// The headings, each with its level and the number of its line.
    pub(super) fn headings(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        let outside = self.lines.iter().enumerate().filter(|(_, (_, fenced))| !fenced);
        outside.filter_map(|(number, (line, _))| {
            let level = line.len() - line.trim_start_matches('#').len();
            (level > 0).then(|| (number, level, line[level..].trim()))
        })
    }

    /// The part below a heading, up to the next heading of the same or a higher level.
    pub(super) fn section(&self, title: &str) -> Self {
        let mut headings = self.headings().skip_while(|(_, _, text)| *text != title);
        let (start, level, _) = headings.next().unwrap_or_else(|| panic!("there is no heading {title:?}"));
        let end = headings.find(|(_, next, _)| *next <= level).map_or(self.lines.len(), |(number, ..)| number);
        Self { lines: self.lines[start + 1..end].to_vec() }
    }

    /// The fenced blocks: the language and the text.
    pub(super) fn blocks(&self) -> Vec<(String, String)> {
        let mut blocks: Vec<(String, String)> = Vec::new();
        let mut open = false;
        for (line, _) in self.lines.iter().filter(|(_, fenced)| *fenced) {
            match line.trim_start().strip_prefix("```") {
                Some(language) if !open => {
                    blocks.push((language.to_owned(), String::new()));
                    open = true;
                }
                Some(_) => open = false,
                None => {
                    let (_, text) = blocks.last_mut().expect("a block is open");
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        blocks
    }

    /// The only block in a language.
    pub(super) fn block(&self, language: &str) -> String {
        let mut found = self.blocks().into_iter().filter(|(of, _)| of == language);
        let (_, text) = found.next().unwrap_or_else(|| panic!("there is no block in {language}"));
        assert!(found.next().is_none(), "there is more than one block in {language}");
        text
    }

    /// The commands that are alone in a shell block, if the next block is in this language; each with that block.
    pub(super) fn shown(&self, language: &str) -> Vec<Shown> {
        let fences: Vec<(usize, &str)> = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(number, (line, _))| Some((number, line.trim_start().strip_prefix("```")?)))
            .collect();
        let blocks: Vec<_> = fences.chunks(2).map(|pair| (pair[0].1, pair[0].0 + 1..pair[1].0)).collect();
        let text = |lines: &std::ops::Range<usize>| -> String {
            self.lines[lines.clone()].iter().flat_map(|(line, _)| [line.trim_start(), "\n"]).collect()
        };
        let pairs = blocks.windows(2).filter(|pair| pair[0].0 == "sh" && pair[1].0 == language);
        pairs
            .filter_map(|pair| {
                let command = text(&pair[0].1).replace("\\\n", " ");
                let words = command.split_whitespace().map(str::to_owned).collect();
                let alone = command.trim_end().lines().count() == 1;
                alone.then(|| Shown { words, text: self.raw(&pair[1].1), lines: pair[1].1.clone() })
            })
            .collect()
    }

    /// The unchanged text of some lines.
    fn raw(&self, lines: &std::ops::Range<usize>) -> String {
        self.lines[lines.clone()].iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.block("json")).expect("JSON")
    }

    /// The text outside fenced blocks.
    pub(super) fn prose(&self) -> String {
        let outside = self.lines.iter().filter(|(_, fenced)| !fenced);
        outside.flat_map(|(line, _)| [line.as_str(), "\n"]).collect()
    }

    /// The code spans in text and tables.
    pub(super) fn spans(&self) -> Vec<String> {
        self.prose().split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
    }

    /// The command lines in the shell blocks; continued lines are joined.
    pub(super) fn commands(&self) -> Vec<String> {
        let shell = self.blocks().into_iter().filter(|(language, _)| language == "sh");
        shell.flat_map(|(_, text)| text.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// The cells of the only table, without its header.
    pub(super) fn table(&self) -> Vec<Vec<String>> {
        let rows: Vec<Vec<String>> = self
            .lines
            .iter()
            .filter(|(line, fenced)| !fenced && line.starts_with('|'))
            .map(|(line, _)| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
            .collect();
        assert!(rows.len() > 2 && rows[1].iter().all(|cell| cell == "---"), "not a table: {rows:?}");
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "a row is too short or too long: {rows:?}");
        rows[2..].to_vec()
    }

    /// The code spans in the list item that starts with this span, without this span.
    pub(super) fn item(&self, code: &str) -> Vec<String> {
        let start = format!("- `{code}` ");
        let mut items = self.lines.iter().filter(|(line, fenced)| !fenced && line.starts_with(&start));
        let (line, _) = items.next().unwrap_or_else(|| panic!("there is no item {code:?}"));
        line.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    /// The first cells of the only table, without backticks.
    pub(super) fn names(&self) -> Vec<String> {
        self.table().into_iter().map(|row| row[0].replace('`', "")).collect()
    }
}

/// The words of a command as a shell splits them, up to a pipe or a redirection.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in line.chars() {
        match (quote, character) {
            (None, '|' | '>' | ';' | '#') if word.is_none() => break,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == character => quote = None,
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[test]
fn lines_are_split_as_by_a_shell() {
    let found = words("v2token report run --query 'a[?b==`1`] | [0]' \"--output=te\"xt '' | head -1");
    assert_eq!(found, ["v2token", "report", "run", "--query", "a[?b==`1`] | [0]", "--output=text", ""]);
}
