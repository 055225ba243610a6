//! One capture file as a source: tells its format, reads it, and says how it ended.

use std::io;
use std::path::Path;

use super::bpf::Filter;
use super::input::Input;
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use super::{Batch, CaptureError, Frame, Progress, Source, SourceStats};
use crate::time::Timestamp;

/// A capture file, or standard input.
pub(super) struct FileSource {
    input: Input,
    format: Format,
    filter: Option<Filter>,
    received: u64,
    warnings: Vec<String>,
    ended: bool,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Why a file gives no more.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is read to its end.
    End,
    /// It ends within what begins at this byte.
    Cut { at: u64 },
    /// What begins at this byte makes no sense.
    Corrupt { at: u64, what: String },
}

impl Stop {
    /// When the input ended: cleanly if nothing of the next record is there.
    pub(super) fn at_end(input: &Input) -> Self {
        if input.available().is_empty() { Self::End } else { Self::Cut { at: input.position() } }
    }
}

/// Takes frames into a batch, those that the filter lets through.
pub(super) struct Sink<'a> {
    batch: &'a mut Batch,
    filter: Option<&'a mut Filter>,
    /// Frames in the batch at which it is full.
    limit: usize,
}

impl Sink<'_> {
    pub(super) fn is_full(&self) -> bool {
        self.batch.is_full(self.limit)
    }

    pub(super) fn push(&mut self, timestamp: Timestamp, link: u16, bytes: &[u8], wire: u32) {
        if let Some(filter) = &mut self.filter
            && !filter.matches(link, bytes)
        {
            return;
        }
        self.batch.push(timestamp, link, bytes, wire);
    }
}

impl Batch {
    /// Adds a frame, its bytes copied. Within [`MAX_BATCH`](super::MAX_BATCH) plus one frame all lengths fit.
    pub(super) fn push(&mut self, timestamp: Timestamp, link: u16, bytes: &[u8], wire: u32) {
        let (offset, captured) = (self.data.len() as u32, bytes.len() as u32);
        self.data.extend_from_slice(bytes);
        self.frames.push(Frame { timestamp, sequence: 0, link, offset, captured, wire });
    }
}

impl FileSource {
    /// Opens a path; `-` is standard input.
    pub(super) fn open(
        path: &Path,
        filter: Option<Filter>,
        capacity: usize,
    ) -> Result<Self, CaptureError> {
        let named = |error: &io::Error| cannot_open(path, error);
        Self::new(Input::open(path, capacity).map_err(|error| named(&error))?, filter)
    }

    pub(super) fn new(mut input: Input, filter: Option<Filter>) -> Result<Self, CaptureError> {
        let format = match Self::format(&mut input) {
            Ok(format) => format,
            Err(mut reason) => {
                if let Some(failure) = input.take_failure() {
                    reason = format!("{reason} (cannot be read on: {failure})");
                }
                return Err(CaptureError { input: input.name, reason });
            }
        };
        let (warnings, ended) = (Vec::new(), false);
        Ok(Self { input, format, filter, received: 0, warnings, ended })
    }

    fn format(input: &mut Input) -> Result<Format, String> {
        input.fill(4);
        let head = input.available();
        if Pcap::recognises(head) {
            Pcap::open(input).map(Format::Pcap)
        } else if Pcapng::recognises(head) {
            Pcapng::open(input).map(Format::Pcapng)
        } else if head.is_empty() {
            Err("is empty: not even the header of a capture file is there".to_owned())
        } else {
            let first: String = head.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            Err(format!(
                "is not a capture file: begins with {first}; pcap and pcapng are read, \
                 also compressed by gzip or zstd"
            ))
        }
    }

    /// Whether the file can be opened and read a second time.
    pub(super) fn can_reopen(&self) -> bool {
        self.input.total > 0
    }

    /// Turns the reason for the stop into a warning, or into an error of the system.
    fn stop(&mut self, stop: Stop) -> Result<(), CaptureError> {
        self.ended = true;
        let failure = self.input.take_failure();
        let name = &self.input.name;
        let mut warning = match (&stop, &failure) {
            (Stop::End, None) => return Ok(()),
            (Stop::End, Some(_)) => format!("{name}: cut off at byte {}", self.input.position()),
            (Stop::Cut { at }, _) => {
                format!("{name}: cut off in the middle of the packet or block at byte {at}")
            }
            (Stop::Corrupt { at, what }, _) => {
                format!("{name}: corrupt at byte {at}: {what}; what follows was not read")
            }
        };
        if let Some(failure) = failure {
            if is_of_system(&failure) {
                let at = self.input.position();
                let reason = format!("cannot be read on at byte {at}: {failure}");
                return Err(CaptureError { input: name.clone(), reason });
            }
            warning = format!("{warning} ({failure})");
        }
        self.warnings.push(warning);
        Ok(())
    }
}

impl Source for FileSource {
    fn read(&mut self, batch: &mut Batch, limit: usize) -> Result<Progress, CaptureError> {
        if self.ended {
            return Ok(Progress::End);
        }
        let before = batch.frames.len();
        let limit = before.saturating_add(limit);
        let mut sink = Sink { batch, filter: self.filter.as_mut(), limit };
        let stop = match &mut self.format {
            Format::Pcap(file) => file.read(&mut self.input, &mut sink),
            Format::Pcapng(file) => file.read(&mut self.input, &mut sink),
        };
        let added = batch.frames.len() - before;
        self.received += added as u64;
        if let Some(filter) = &mut self.filter {
            filter.complaint(&self.input.name, &mut self.warnings)?;
        }
        if let Err(stop) = stop {
            self.stop(stop)?;
        }
        Ok(if added == 0 && self.ended { Progress::End } else { Progress::More })
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats {
            received: self.received,
            bytes_read: self.input.stored(),
            bytes_total: self.input.total,
            ..SourceStats::default()
        }
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// Decompressors complain with these kinds; all else is the disk or the network share.
fn is_of_system(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    !matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
}

fn cannot_open(path: &Path, error: &io::Error) -> CaptureError {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::PermissionDenied => "; check who may read it",
        io::ErrorKind::IsADirectory => "; name the capture files in it",
        _ if error.raw_os_error() == Some(libc::EMFILE) => {
            "; raise the limit of open files (ulimit -n) or give fewer files at once"
        }
        _ => "",
    };
    let reason = format!("cannot be opened: {error}{hint}");
    CaptureError { input: path.display().to_string(), reason }
}
