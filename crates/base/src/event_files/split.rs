//! Splits JSON into the texts of its events, without parsing them: the elements of `Records`, objects one a line, or a list.
//!
//! The bytes come in chunks of any size. Only an event that continues in the next chunk is copied, and only up to [`MAX_EVENT`] bytes.

mod blocks;

use fearless_simd::{Level, Simd, dispatch};

pub(super) use self::blocks::{BLOCK, Clues};

use self::blocks::{Carry, Masks};

/// The largest event that is read, in bytes. CloudTrail's own limit is 256 KB, and 1 MB for enriched events (CloudTrail user guide,
/// quotas).
pub(super) const MAX_EVENT: usize = 4 << 20;

/// The longest text before a list that is searched for its name.
const LONGEST_NAME: usize = 128;

const CUT_LINE: &str = "a line ends inside a value: the line was cut short";

/// What the splitter finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// An event.
    Event { text: &'a [u8], clues: Clues },
    /// An event that is larger than [`MAX_EVENT`].
    TooLarge,
    /// The text is not JSON here. The splitter goes on behind it.
    Damage(&'static str),
}

/// Where the splitter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// Outside all documents, in as many lists as `base` says.
    #[default]
    Outside,
    /// In a document: an event, or an object that contains a list of events.
    Document,
    /// In a document that contains a list of events, outside the list.
    Wrapper,
    /// In a list of events, outside an event.
    List,
    /// In an event of a list.
    Event,
}

/// Splits the text of one file.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    carry: Carry,
    mode: Mode,
    /// The number of open brackets.
    depth: usize,
    /// The depth outside all documents: the number of lists around them.
    base: usize,
    /// The beginning of an open event or document, from earlier chunks.
    held: Vec<u8>,
    is_too_large: bool,
    /// What is in the open event or document.
    clues: Clues,
    /// What is in the block that is handled character by character.
    clues_of_block: Clues,
    /// Whether a text that is not JSON was found outside the documents, and was not yet told.
    has_seen_garbage: bool,
    /// Whether the chunk ended with a line feed behind which no object may begin.
    is_newline_open: bool,
}

impl Splitter {
    /// Reads the next chunk, and passes what it completes to `sink`. Its length is a multiple of [`BLOCK`], because an escape may not be
    /// torn apart.
    pub(super) fn push(&mut self, chunk: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        dispatch!(Level::new(), simd => self.push_with(simd, chunk, sink));
    }

    #[expect(clippy::inline_always, reason = "only what is inlined may use the vector instructions")]
    #[inline(always)]
    fn push_with<S: Simd>(&mut self, simd: S, chunk: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        let (blocks, rest) = chunk.as_chunks::<BLOCK>();
        debug_assert!(rest.is_empty(), "the chunk has a torn block");
        // Where the open event or document begins in this chunk; its beginning may also be in `held`.
        let mut start = 0;
        if !chunk.is_empty() && std::mem::take(&mut self.is_newline_open) && chunk[0] == b'{' {
            sink(Piece::Damage(CUT_LINE));
            *self = Self::default();
        }
        for (index, block) in blocks.iter().enumerate() {
            let masks = self.carry.next(simd, block);
            self.clues.add(masks);
            if self.is_uneventful(masks) {
                self.depth = self.depth + ones(masks.opens) - ones(masks.closes);
            } else {
                self.block(simd, chunk, index * BLOCK, masks, &mut start, sink);
            }
        }
        self.hold(&chunk[start..]);
    }

    /// Reads the rest of the text, which is shorter than a chunk or empty, and ends the text.
    pub(super) fn finish(&mut self, rest: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        let (whole, torn) = rest.split_at(rest.len() / BLOCK * BLOCK);
        self.push(whole, sink);
        let mut last = [b' '; BLOCK];
        last[..torn.len()].copy_from_slice(torn);
        self.push(&last, sink);
        let is_open = self.depth > 0 || self.carry.is_in_string();
        *self = Self::default();
        if is_open {
            sink(Piece::Damage("it ends inside an event or a list: it was cut short"));
        }
    }

    /// Whether nothing in the block begins or ends an event, a document, or a list of events.
    #[expect(
        clippy::inline_always,
        reason = "it is called for every block, and counts bits with an instruction of the processor"
    )]
    #[inline(always)]
    const fn is_uneventful(&self, masks: Masks) -> bool {
        let floor = match self.mode {
            Mode::Event => self.base + 3,
            Mode::Document if masks.newlines == 0 => self.base + 2,
            _ => return false,
        };
        masks.bad_newlines == 0 && self.depth >= floor + ones(masks.closes)
    }

    /// Handles the structural characters of a block one by one.
    fn block<S: Simd>(
        &mut self,
        simd: S,
        chunk: &[u8],
        at: usize,
        mut masks: Masks,
        start: &mut usize,
        sink: &mut impl FnMut(Piece<'_>),
    ) {
        self.clues_of_block = Clues::of(masks);
        // Where the text outside the documents begins.
        let mut outside = at;
        loop {
            let all = masks.opens | masks.closes | masks.newlines | masks.bad_newlines;
            if all == 0 {
                break;
            }
            let bit = all & all.wrapping_neg();
            let position = at + all.trailing_zeros() as usize;
            if masks.bad_newlines & bit != 0 || masks.newlines & bit != 0 && self.is_cut_line(chunk, position) {
                sink(Piece::Damage(CUT_LINE));
                masks = self.resume_behind(simd, chunk, at, position);
                outside = position + 1;
                continue;
            }
            if masks.opens & bit != 0 {
                self.open(chunk, position, outside, start, sink);
                outside = position + 1;
            } else if masks.closes & bit != 0 {
                self.close(chunk, position, start, sink);
                outside = position + 1;
            }
            masks.opens &= !bit;
            masks.closes &= !bit;
            masks.newlines &= !bit;
        }
        if self.mode == Mode::Outside {
            self.check_outside(&chunk[outside..at + BLOCK], sink);
        }
    }

    fn open(
        &mut self,
        chunk: &[u8],
        position: usize,
        outside: usize,
        start: &mut usize,
        sink: &mut impl FnMut(Piece<'_>),
    ) {
        let is_list = chunk[position] == b'[';
        match self.mode {
            Mode::Outside => {
                self.check_outside(&chunk[outside..position], sink);
                if is_list {
                    self.base += 1;
                } else {
                    (self.mode, self.has_seen_garbage, *start) = (Mode::Document, false, position);
                }
            }
            Mode::Document
                if is_list && self.depth == self.base + 1 && self.is_list_of_events(&chunk[*start..position]) =>
            {
                self.mode = Mode::List;
                self.drop_held();
            }
            Mode::Wrapper if is_list && self.depth == self.base + 1 => self.mode = Mode::List,
            Mode::List if is_list => sink(Piece::Damage("there is a list in the list of events")),
            Mode::List if self.depth == self.base + 2 => (self.mode, *start) = (Mode::Event, position),
            Mode::Document | Mode::Wrapper | Mode::List | Mode::Event => {}
        }
        self.depth += 1;
    }

    fn close(&mut self, chunk: &[u8], position: usize, start: &mut usize, sink: &mut impl FnMut(Piece<'_>)) {
        let Some(depth) = self.depth.checked_sub(1) else {
            sink(Piece::Damage("a bracket is closed that was not opened"));
            return;
        };
        self.depth = depth;
        match self.mode {
            Mode::Outside => self.base = self.base.min(depth),
            Mode::Document if depth == self.base => {
                self.emit(&chunk[*start..=position], sink);
                self.mode = Mode::Outside;
            }
            Mode::Event if depth == self.base + 2 => {
                self.emit(&chunk[*start..=position], sink);
                self.mode = Mode::List;
            }
            Mode::List if depth < self.base + 2 => self.mode = Mode::Wrapper,
            Mode::Wrapper if depth == self.base => self.mode = Mode::Outside,
            Mode::Document | Mode::Wrapper | Mode::List | Mode::Event => {}
        }
    }

    /// Passes the event on that ends with this part of the chunk.
    fn emit(&mut self, end: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        if self.is_too_large || self.held.len() + end.len() > MAX_EVENT {
            sink(Piece::TooLarge);
        } else {
            let text = if self.held.is_empty() {
                end
            } else {
                self.held.extend_from_slice(end);
                &self.held
            };
            sink(Piece::Event { text, clues: self.clues });
        }
        self.drop_held();
    }

    /// Keeps the part of the chunk that belongs to an open event or document.
    fn hold(&mut self, part: &[u8]) {
        if !matches!(self.mode, Mode::Document | Mode::Event) || self.is_too_large {
            return;
        }
        if self.held.len() + part.len() > MAX_EVENT {
            self.is_too_large = true;
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(part);
        }
    }

    fn drop_held(&mut self) {
        self.is_too_large = false;
        // The next event may begin in the same block.
        self.clues = self.clues_of_block;
        self.held.clear();
    }

    /// Whether the name before a list is one of those under which CloudTrail and the AWS CLI write events. `before` is the part of the
    /// chunk between the beginning of the document and the list.
    fn is_list_of_events(&self, before: &[u8]) -> bool {
        let held = &self.held[self.held.len().saturating_sub(LONGEST_NAME)..];
        let before = &before[before.len().saturating_sub(LONGEST_NAME)..];
        let text = [held, before].concat();
        let name = || {
            let text = text.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end().strip_suffix(b"\"")?;
            Some(&text[text.iter().rposition(|byte| *byte == b'"')? + 1..])
        };
        name().is_some_and(|name| name.eq_ignore_ascii_case(b"Records") || name.eq_ignore_ascii_case(b"Events"))
    }

    /// Whether the line that ends here was cut short: the next line begins an object where JSON does not allow one, or the event is too
    /// large and the text has one event a line.
    fn is_cut_line(&mut self, chunk: &[u8], newline: usize) -> bool {
        if self.mode != Mode::Document {
            return false;
        }
        let last = |text: &[u8]| text.trim_ascii_end().last().copied();
        let before = last(&chunk[..newline]).or_else(|| last(&self.held));
        let may_begin = before.is_some_and(|before| b"[:".contains(&before));
        let next = chunk.get(newline + 1);
        self.is_newline_open = next.is_none() && !may_begin;
        self.is_too_large || next == Some(&b'{') && !may_begin
    }

    /// Forgets everything up to a line feed, and returns the masks of the rest of its block.
    fn resume_behind<S: Simd>(&mut self, simd: S, chunk: &[u8], at: usize, newline: usize) -> Masks {
        *self = Self::default();
        let mut rest = [b' '; BLOCK];
        let used = newline + 1 - at;
        rest[used..].copy_from_slice(&chunk[newline + 1..at + BLOCK]);
        let masks = self.carry.next(simd, &rest);
        self.clues_of_block = Clues::of(masks);
        self.clues = self.clues_of_block;
        masks
    }

    /// Checks the text between documents: only white space, commas, and the marks of other encodings of lists of JSON are allowed.
    fn check_outside(&mut self, text: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        let is_allowed = |byte: &u8| byte.is_ascii_whitespace() || b",\x1e\xef\xbb\xbf".contains(byte);
        if !self.has_seen_garbage && !text.iter().all(is_allowed) {
            self.has_seen_garbage = true;
            sink(Piece::Damage("there is text that is not JSON"));
        }
    }
}

#[expect(clippy::inline_always, reason = "the processor may have an instruction for it")]
#[inline(always)]
const fn ones(mask: u64) -> usize {
    mask.count_ones() as usize
}

#[cfg(test)]
mod tests;
