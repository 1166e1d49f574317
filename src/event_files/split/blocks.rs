//! Finds the characters of JSON that matter, 64 bytes at a time.
//!
//! The masks have a bit for each byte, the lowest for the first. Strings are found as simdjson finds them: a quote that is not escaped
//! toggles whether the bytes behind it are inside a string (Langdale and Lemire, "Parsing Gigabytes of JSON per Second").

use wide::u8x16;

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
}

/// What is known at the end of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carry {
    /// All ones if the next byte is inside a string, and 0 if it is not.
    in_string: u64,
    /// Whether the next byte is escaped: 0 or 1.
    escaped: u64,
}

impl Carry {
    /// Whether the next byte is inside a string.
    pub(super) const fn is_in_string(self) -> bool {
        self.in_string != 0
    }

    /// Returns the masks of the next block.
    #[inline]
    pub(super) fn next(&mut self, block: &[u8; BLOCK]) -> Masks {
        let (mut quotes, mut backslashes, mut opens, mut closes, mut newlines) = (0, 0, 0, 0, 0);
        for (index, lanes) in block.as_chunks::<16>().0.iter().enumerate() {
            let lanes = u8x16::new(*lanes);
            // `[` and `{`, and `]` and `}`, differ only in this bit, and no other character becomes one of them.
            let folded = lanes | u8x16::splat(0x20);
            let mask = |lanes: u8x16| u64::from(lanes.to_bitmask()) << (16 * index);
            quotes |= mask(lanes.simd_eq(u8x16::splat(b'"')));
            backslashes |= mask(lanes.simd_eq(u8x16::splat(b'\\')));
            opens |= mask(folded.simd_eq(u8x16::splat(b'{')));
            closes |= mask(folded.simd_eq(u8x16::splat(b'}')));
            newlines |= mask(lanes.simd_eq(u8x16::splat(b'\n')));
        }
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
