//! The manifest: the SHA-256 sum of each file, in the format of the tool `sha256sum`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// A SHA-256 sum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum([u8; 32]);

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Sum {
    /// Returns the sum of a text.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 || !bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut sum = [0; 32];
        for (byte, digits) in sum.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(sum))
    }
}

/// Copies everything, and returns the sum and the number of bytes. Stops with an error after `limit` bytes.
pub(super) fn copy(from: &mut dyn Read, to: &mut dyn Write, limit: u64) -> io::Result<(Sum, u64)> {
    let mut hashing = Hashing { inner: to, hasher: Sha256::new() };
    let copied = io::copy(&mut from.take(limit + 1), &mut hashing)?;
    if copied > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok((Sum(hashing.hasher.finalize().into()), copied))
}

/// Writes what `write` writes, and returns its sum.
pub(super) fn written(to: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Sum> {
    let mut hashing = Hashing { inner: to, hasher: Sha256::new() };
    write(&mut hashing)?;
    Ok(Sum(hashing.hasher.finalize().into()))
}

struct Hashing<'a> {
    inner: &'a mut dyn Write,
    hasher: Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The sums of files, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub sums: BTreeMap<String, Sum>,
}

impl Manifest {
    /// The name of the manifest in the zip file.
    pub(super) const NAME: &'static str = "SHA256SUMS";

    /// The largest manifest that is read, in bytes.
    pub(super) const MAX_BYTES: u64 = 64 << 10;

    /// Returns the text: a line for each file, sorted by name.
    pub(super) fn to_text(&self) -> String {
        self.sums.iter().fold(String::new(), |text, (name, sum)| text + &format!("{sum}  {name}\n"))
    }

    /// Reads a text. The error says which line is wrong.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
        let mut manifest = Self::default();
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("line {} {what}", number + 1);
            // `sha256sum --binary` writes `*` in place of the second space.
            let entry = line.split_at_checked(64).and_then(|(sum, rest)| {
                let name = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?;
                Some((Sum::parse(sum)?, name))
            });
            let (sum, name) = entry.ok_or_else(|| wrong("is not a SHA-256 sum and a name"))?;
            if manifest.sums.insert(name.to_owned(), sum).is_some() {
                return Err(wrong("names a file again"));
            }
        }
        if manifest.sums.is_empty() { Err("it names no file".to_owned()) } else { Ok(manifest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_manifest_has_the_format_of_sha256sum() {
        let sums = [("b".to_owned(), Sum::of(b"")), ("a".to_owned(), Sum::of(b"x"))];
        let manifest = Manifest { sums: sums.into() };
        let text = manifest.to_text();
        let x = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert_eq!(text, format!("{x}  a\n{EMPTY}  b\n"));
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest.clone()));
        assert_eq!(Manifest::parse(text.replace("  ", " *").as_bytes()), Ok(manifest));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let good = format!("{EMPTY}  a\n");
        for (text, cause) in [
            (String::new(), "it names no file"),
            (format!("{good}\n"), "line 2 is not a SHA-256 sum and a name"),
            (format!("{good}{good}"), "line 2 names a file again"),
            (good.to_uppercase(), "line 1 is not"),
            (good[1..].to_owned(), "line 1 is not"),
            (good.replace("  ", "\t"), "line 1 is not"),
            (format!("ä{good}"), "line 1 is not"),
        ] {
            let error = Manifest::parse(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(cause), "{text:?}: {error}");
        }
        assert!(Manifest::parse(b"\xff").is_err());
    }

    #[test]
    fn a_copy_has_a_limit() {
        let mut to = Vec::new();
        assert_eq!(copy(&mut &b"abc"[..], &mut to, 3).unwrap(), (Sum::of(b"abc"), 3));
        assert_eq!(to, b"abc");
        assert!(copy(&mut &b"abcd"[..], &mut io::sink(), 3).is_err());
        assert!(copy(&mut io::repeat(0), &mut io::sink(), 1 << 20).is_err());
    }
}
