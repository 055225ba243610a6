//! Several capture files as one source, by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use super::bpf::Filter;
use super::file::FileSource;
use super::input::{BUFFER_MERGED, BUFFER_SINGLE};
use super::{Batch, CaptureError, Progress, Source, SourceStats};
use crate::time::Timestamp;

/// Frames taken of one file at a time.
const AHEAD: usize = 64;

/// Opens capture files as one source, merged by time; equal times by the order of `paths`.
/// `-` is standard input. `bpf` is a filter in the language of tcpdump.
///
/// # Errors
/// When one of them is not a capture file or cannot be read, or the filter is wrong.
pub fn open(paths: &[PathBuf], bpf: Option<&str>) -> Result<Box<dyn Source>, CaptureError> {
    let filter = || bpf.map(Filter::new).transpose();
    match paths {
        [] => {
            let reason = "no capture given; name a file, or - for standard input".to_owned();
            Err(CaptureError { input: "input".to_owned(), reason })
        }
        [path] => Ok(Box::new(FileSource::open(path, filter()?, BUFFER_SINGLE)?)),
        paths => {
            let mut merged = Merge::default();
            for path in paths {
                merged.add(path, filter()?, bpf)?;
            }
            Ok(Box::new(merged))
        }
    }
}

/// Files in the order of their next frames.
#[derive(Default)]
struct Merge {
    files: Vec<Member>,
    /// Time of the next frame and number of the file.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
    bpf: Option<String>,
    stats: SourceStats,
    warnings: Vec<String>,
}

/// One of the files.
struct Member {
    path: PathBuf,
    state: State,
    ahead: Batch,
    /// How many frames of `ahead` are handed on.
    taken: usize,
    /// Bytes read so far, as counted in the sum.
    read: u64,
}

/// Files are open only while their frames are due: thousands of files may be given, of which few
/// overlap in time.
enum State {
    Waiting,
    Open(Box<FileSource>),
    Done,
}

impl Merge {
    /// Takes in a file: looks at its first frames, and closes it if it can be opened again.
    fn add(
        &mut self,
        path: &Path,
        filter: Option<Filter>,
        bpf: Option<&str>,
    ) -> Result<(), CaptureError> {
        self.bpf = bpf.map(str::to_owned);
        let source = FileSource::open(path, filter, BUFFER_MERGED)?;
        let can_reopen = source.can_reopen();
        let number = self.files.len();
        let (ahead, taken, read) = (Batch::default(), 0, 0);
        let state = State::Open(Box::new(source));
        let mut file = Member { path: path.to_owned(), state, ahead, taken, read };
        let first = file.refill(&mut self.warnings)?;
        self.stats.bytes_total = self.stats.bytes_total.saturating_add(file.total());
        if let Some(first) = first {
            self.next.push(Reverse((first, number)));
            if can_reopen {
                file.state = State::Waiting;
                file.ahead = Batch::default();
            }
        }
        self.files.push(file);
        Ok(())
    }

    /// Hands on one frame of the file whose turn it is.
    fn take(&mut self, number: usize, batch: &mut Batch) -> Result<(), CaptureError> {
        let Some(file) = self.files.get_mut(number) else { return Ok(()) };
        let mut next = None;
        if let State::Waiting = file.state {
            let filter = self.bpf.as_deref().map(Filter::new).transpose()?;
            let source = FileSource::open(&file.path, filter, BUFFER_MERGED)?;
            file.state = State::Open(Box::new(source));
            file.taken = 0;
            file.refill(&mut self.warnings)?;
        }
        if let Some(frame) = file.ahead.frames.get(file.taken) {
            batch.push(frame.timestamp, frame.link, file.ahead.bytes(frame), frame.wire);
            self.stats.received += 1;
            file.taken += 1;
            next = file.ahead.frames.get(file.taken).map(|frame| frame.timestamp);
        }
        // Pushed before an error is handed on: what was read before stands.
        let refilled = if next.is_none() { file.refill(&mut self.warnings) } else { Ok(next) };
        let read = file.read_so_far();
        self.stats.bytes_read += read.saturating_sub(file.read);
        file.read = file.read.max(read);
        if let Some(next) = refilled? {
            self.next.push(Reverse((next, number)));
        }
        Ok(())
    }
}

impl Member {
    /// Reads the next frames; the time of the first, none at the end.
    fn refill(&mut self, warnings: &mut Vec<String>) -> Result<Option<Timestamp>, CaptureError> {
        self.ahead.clear();
        self.taken = 0;
        let State::Open(source) = &mut self.state else { return Ok(None) };
        loop {
            let progress = source.read(&mut self.ahead, AHEAD);
            warnings.append(&mut source.warnings());
            if let Some(first) = self.ahead.frames.first() {
                return Ok(Some(first.timestamp));
            }
            if progress? == Progress::End {
                self.read = self.read.max(source.stats().bytes_read);
                self.state = State::Done;
                self.ahead = Batch::default();
                return Ok(None);
            }
        }
    }

    fn total(&mut self) -> u64 {
        if let State::Open(source) = &mut self.state { source.stats().bytes_total } else { 0 }
    }

    fn read_so_far(&mut self) -> u64 {
        if let State::Open(source) = &mut self.state {
            source.stats().bytes_read
        } else {
            self.read
        }
    }
}

impl Source for Merge {
    fn read(&mut self, batch: &mut Batch, limit: usize) -> Result<Progress, CaptureError> {
        let before = batch.frames.len();
        let limit = before.saturating_add(limit);
        while !batch.is_full(limit) {
            let Some(Reverse((_, number))) = self.next.pop() else { break };
            self.take(number, batch)?;
        }
        let idle = batch.frames.len() == before && self.next.is_empty();
        Ok(if idle { Progress::End } else { Progress::More })
    }

    fn stats(&mut self) -> SourceStats {
        self.stats
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}
