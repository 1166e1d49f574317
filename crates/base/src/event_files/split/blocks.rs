//! Finds the characters of JSON that matter, 64 bytes at a time, with the vector instructions that the processor has.
//!
//! The masks have a bit for each byte, the lowest for the first. Strings are found as simdjson finds them: a quote that is not escaped
//! toggles whether the bytes behind it are inside a string (Langdale and Lemire, "Parsing Gigabytes of JSON per Second").

use fearless_simd::prelude::*;
use fearless_simd::u8x64;

/// The number of bytes in a block.
pub(in crate::event_files) const BLOCK: usize = 64;

/// Where the structural characters of a block are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    /// `{` and `[` outside strings.
    pub opens: u64,
    /// `}` and `]` outside strings.
    pub closes: u64,
    /// Line feeds outside strings.
    pub newlines: u64,
    /// Line feeds inside strings, which JSON does not allow.
    pub bad_newlines: u64,
    /// Backslashes.
    pub backslashes: u64,
    /// `st` behind a quote, in any case. At the end of the block, an `s` is enough.
    pub quoted_st: u64,
}

/// What is in an event, or near to it in the same block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::event_files) struct Clues {
    /// A backslash: some characters may be escaped.
    pub backslash: bool,
    /// A string that begins with `st`, in any case, or text of such a string.
    pub quoted_st: bool,
}

impl Clues {
    #[expect(clippy::inline_always, reason = "it is called for every block")]
    #[inline(always)]
    pub(super) const fn add(&mut self, masks: Masks) {
        self.backslash |= masks.backslashes != 0;
        self.quoted_st |= masks.quoted_st != 0;
    }

    pub(super) fn of(masks: Masks) -> Self {
        let mut clues = Self::default();
        clues.add(masks);
        clues
    }
}

/// What is known at the end of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carry {
    /// All ones if the next byte is inside a string, and 0 if it is not.
    in_string: u64,
    /// Whether the next byte is escaped: 0 or 1.
    escaped: u64,
    /// Whether the next byte is behind a quote, escaped or not: 0 or 1.
    behind_quote: u64,
}

impl Carry {
    /// Whether the next byte is inside a string.
    pub(super) const fn is_in_string(self) -> bool {
        self.in_string != 0
    }

    /// Returns the masks of the next block.
    #[expect(clippy::inline_always, reason = "only what is inlined may use the vector instructions of the caller")]
    #[inline(always)]
    pub(super) fn next<S: Simd>(&mut self, simd: S, block: &[u8; BLOCK]) -> Masks {
        let bytes = u8x64::simd_from(simd, *block);
        // A capital letter, `[`, and `]` differ from a small letter, `{`, and `}` only in this bit. No other character becomes one of
        // those that are searched for.
        let folded = bytes | 0x20;
        let mut quotes = bytes.simd_eq(b'"').to_bitmask();
        let backslashes = bytes.simd_eq(b'\\').to_bitmask();
        let newlines = bytes.simd_eq(b'\n').to_bitmask();
        let opens = folded.simd_eq(b'{').to_bitmask();
        let closes = folded.simd_eq(b'}').to_bitmask();
        let behind_quotes = quotes << 1 | self.behind_quote;
        let before_t = folded.simd_eq(b't').to_bitmask() >> 1 | 1 << 63;
        let quoted_st = folded.simd_eq(b's').to_bitmask() & behind_quotes & before_t;
        self.behind_quote = quotes >> 63;
        if backslashes | self.escaped != 0 {
            quotes &= !self.escaped(backslashes);
        }
        let strings = prefix_xor(quotes) ^ self.in_string;
        self.in_string = if strings >> 63 == 1 { u64::MAX } else { 0 };
        Masks {
            opens: opens & !strings,
            closes: closes & !strings,
            newlines: newlines & !strings,
            bad_newlines: newlines & strings,
            backslashes,
            quoted_st,
        }
    }

    /// Returns the bytes that a backslash escapes.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        let (mut escaped, mut rest) = (self.escaped, backslashes & !self.escaped);
        self.escaped = 0;
        while rest != 0 {
            let at = rest.trailing_zeros();
            rest &= rest - 1;
            if at == 63 {
                self.escaped = 1;
            } else {
                escaped |= 2 << at;
                rest &= !(2 << at);
            }
        }
        escaped
    }
}

/// Sets each bit that has an odd number of ones at or below it.
const fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ (bits << 32)
}
