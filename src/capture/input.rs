//! The bytes of one input: a large buffer over a file, standard input or a compressed stream.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::zstd::ZstdFrames;

/// Read from the system at a time when one file is read, bytes.
pub(super) const BUFFER_SINGLE: usize = 512 * 1024;
/// Read from the system at a time when many files are open at once, bytes each.
pub(super) const BUFFER_MERGED: usize = 64 * 1024;

/// RFC 1952, section 2.3.1.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
/// RFC 8878, section 3.1.1.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A window over an input's bytes, after decompression.
pub(super) struct Input {
    /// What messages call it: the path, or `-`.
    pub(super) name: String,
    reader: Box<dyn Read + Send>,
    /// `0 <= start <= end <= buffer.len()`; the window is `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Position of `buffer[0]` in the input, bytes, after decompression.
    base: u64,
    ended: bool,
    failure: Option<io::Error>,
    stored: Arc<AtomicU64>,
    /// Bytes as stored; 0 when not known.
    pub(super) total: u64,
}

impl Input {
    /// Opens a path; `-` is standard input.
    pub(super) fn open(path: &Path, capacity: usize) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::from_reader("-".to_owned(), Box::new(io::stdin()), 0, capacity);
        }
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        let total = if about.is_file() { about.len() } else { 0 };
        Self::from_reader(path.display().to_string(), Box::new(file), total, capacity)
    }

    /// Over any reader; gzip and Zstandard are told by their first bytes.
    pub(super) fn from_reader(
        name: String,
        reader: Box<dyn Read + Send>,
        total: u64,
        capacity: usize,
    ) -> io::Result<Self> {
        let stored = Arc::new(AtomicU64::new(0));
        let mut counted = Counted { reader, count: Arc::clone(&stored) };
        let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
        counted.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head)?;
        let gzip = head.starts_with(&GZIP_MAGIC);
        let zstd = head.starts_with(&ZSTD_MAGIC) || is_skippable_zstd(&head);
        let whole = Cursor::new(head).chain(counted);
        let reader: Box<dyn Read + Send> = if gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(capacity, whole)))
        } else if zstd {
            Box::new(ZstdFrames::new(BufReader::with_capacity(capacity, whole)))
        } else {
            Box::new(whole)
        };
        let buffer = vec![0; capacity];
        let (start, end, base, ended, failure) = (0, 0, 0, false, None);
        Ok(Self { name, reader, buffer, start, end, base, ended, failure, stored, total })
    }

    /// What is in the window.
    pub(super) fn available(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Position of the window's first byte in the input, after decompression.
    pub(super) fn position(&self) -> u64 {
        self.base.saturating_add(self.start as u64)
    }

    /// Bytes read so far, as stored.
    pub(super) fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// The system's or the decompressor's complaint, if one ended the input.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Moves the window on by `count` bytes of those available.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// Moves on by `count` bytes, read or not; false when the input ends before.
    pub(super) fn skip(&mut self, mut count: u64) -> bool {
        loop {
            let here = (self.end - self.start) as u64;
            if count <= here {
                self.consume(count as usize);
                return true;
            }
            count -= here;
            self.consume(self.end - self.start);
            if !self.fill(1) {
                return false;
            }
        }
    }

    /// Reads until the window holds `need` bytes; false when the input ends before.
    ///
    /// The caller bounds `need`: the buffer grows to it.
    pub(super) fn fill(&mut self, need: usize) -> bool {
        if self.end - self.start >= need {
            return true;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.base = self.base.saturating_add(self.start as u64);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < need {
            self.buffer.resize(need, 0);
        }
        while self.end < need && !self.ended {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                }
            }
        }
        self.end >= need
    }
}

/// RFC 8878, section 3.1.2: a frame of user data before the first real one.
fn is_skippable_zstd(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

/// Counts what passes.
struct Counted {
    reader: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Whether a buffered reader has nothing more to give.
pub(super) fn at_end(reader: &mut impl BufRead) -> io::Result<bool> {
    Ok(reader.fill_buf()?.is_empty())
}
