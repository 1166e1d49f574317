//! Opens a file or stdin, and decompresses it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

/// How many compressed bytes are read at a time.
const BUFFER: usize = 64 << 10;

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(std::path::PathBuf),
}

/// Opens an input, and returns its decompressed content. Each byte that is read is counted in `bytes`.
///
/// A regular file is read up to the length that it has now, so that a file that grows comes to an end.
pub(super) fn open<'a>(input: &Input, bytes: &'a AtomicU64) -> io::Result<Box<dyn Read + 'a>> {
    let raw: Box<dyn Read> = match input {
        Input::Stdin => Box::new(io::stdin()),
        Input::File(path) => open_file(path)?,
    };
    let mut buffered = BufReader::with_capacity(BUFFER, Counted { raw, bytes });
    // Pipes can give a few bytes at a time, and the marks of the formats have at most four.
    let head = buffered.fill_buf()?;
    match head {
        [0x1f, 0x8b, ..] => Ok(Box::new(MultiGzDecoder::new(buffered))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Err(io::Error::other("it is compressed with zstd: decompress it first, with zstd -d"))
        }
        [b'P', b'K', 3, 4, ..] => Err(io::Error::other("it is a zip file: unpack it first")),
        _ => Ok(Box::new(buffered)),
    }
}

fn open_file(path: &Path) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if metadata.file_type().is_block_device() {
        return Err(io::Error::other("it is a device"));
    }
    Ok(if metadata.is_file() { Box::new(file.take(metadata.len())) } else { Box::new(file) })
}

/// Counts the bytes that are read.
struct Counted<'a> {
    raw: Box<dyn Read>,
    bytes: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Reads until the buffer is full or the content ends. Returns the number of bytes, and the error if there was one.
pub(super) fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut length = 0;
    while length < buffer.len() {
        match from.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (length, Some(error)),
        }
    }
    (length, None)
}
