//! Bytes with a timestamp: capture files and live interfaces.

mod bpf;
mod file;
mod input;
mod live;
mod merge;
mod pcap;
mod pcapng;
mod zstd;

#[cfg(test)]
mod tests;

pub use live::{LiveOptions, open_live};
pub use merge::open;

use crate::time::{Duration, Timestamp};

/// Captured bytes of one frame at most; a longer one is taken as a corrupt file. As in libpcap and
/// Wireshark.
pub const MAX_FRAME: u32 = 256 * 1024;

/// Bytes in a [`Batch`] after which a source adds no more frames.
pub const MAX_BATCH: usize = 8 * 1024 * 1024;

/// Packet time from the first to the last frame of a [`Batch`] after which a source adds no more, ...
const LONG: Duration = Duration::from_secs(1);
/// ... when it holds this many frames at least: where little goes on, what a batch holds is not to be
/// hours old when it is seen to, nor is each frame to be seen to by itself.
const LONG_FRAMES: usize = 128;

/// One frame within a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Number over all inputs, from 1. Set by the engine's dispatcher.
    pub sequence: u64,
    /// Link layer: the tcpdump group's LINKTYPE_* number.
    pub link: u16,
    /// Where its bytes begin in the batch.
    pub offset: u32,
    /// How many were captured, bytes.
    pub captured: u32,
    /// How long it was on the wire, bytes.
    pub wire: u32,
}

/// Frames and their bytes, filled by a source, emptied by a worker, then filled again.
#[derive(Debug, Default)]
pub struct Batch {
    /// All bytes, frame after frame.
    pub data: Vec<u8>,
    /// The frames.
    pub frames: Vec<Frame>,
}

impl Batch {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.data.clear();
        self.frames.clear();
    }

    /// Whether a source adds no more frames: it holds `limit` of them, or [`MAX_BATCH`] bytes, or some
    /// over more than a second of packet time.
    #[inline]
    pub fn is_full(&self, limit: usize) -> bool {
        self.frames.len() >= limit || self.data.len() >= MAX_BATCH || self.is_long()
    }

    #[inline]
    fn is_long(&self) -> bool {
        self.frames.len() >= LONG_FRAMES
            && self
                .frames
                .first()
                .zip(self.frames.last())
                .is_some_and(|(first, last)| last.timestamp.since(first.timestamp) >= LONG)
    }

    /// The bytes of one frame; empty if it is not of this batch.
    pub fn bytes(&self, frame: &Frame) -> &[u8] {
        let start = frame.offset as usize;
        self.data.get(start..start.saturating_add(frame.captured as usize)).unwrap_or_default()
    }
}

/// What a call of [`Source::read`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Frames were added, or may be added by the next call.
    More,
    /// Nothing came in the time that a live source waits.
    Idle,
    /// The input is read to its end.
    End,
}

/// Counters of a source. Each means the same in every capture mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Frames handed on.
    pub received: u64,
    /// Frames the kernel dropped for want of buffer.
    pub kernel_dropped: u64,
    /// Frames the interface dropped.
    pub interface_dropped: u64,
    /// Bytes read of all inputs, as stored (compressed).
    pub bytes_read: u64,
    /// Bytes in all inputs, as stored; 0 when not known.
    pub bytes_total: u64,
}

impl SourceStats {
    /// Adds another source's counters.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.kernel_dropped += other.kernel_dropped;
        self.interface_dropped += other.interface_dropped;
        self.bytes_read += other.bytes_read;
        self.bytes_total += other.bytes_total;
    }
}

/// Where frames come from.
pub trait Source: Send {
    /// Adds up to `limit` frames to `batch`, fewer when it [is full](Batch::is_full) before; to
    /// one that is full nothing is added, whoever reads on empties it first.
    ///
    /// [`Progress::End`] comes only when nothing was added, and from then on.
    ///
    /// # Errors
    /// When the input cannot be read on; what was read before stands. The error says which input,
    /// at which byte, and what to do.
    fn read(&mut self, batch: &mut Batch, limit: usize) -> Result<Progress, CaptureError>;

    /// The counters so far.
    fn stats(&mut self) -> SourceStats;

    /// Warnings since the last call: a file cut off, a block skipped.
    fn warnings(&mut self) -> Vec<String>;
}

/// Why an input cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{input}: {reason}")]
pub struct CaptureError {
    /// File, interface or `-`.
    pub input: String,
    /// What is wrong and how to mend it.
    pub reason: String,
}

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    #[inline]
    fn u16(self, bytes: [u8; 2]) -> u16 {
        if self == Self::Little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    #[inline]
    fn u32(self, bytes: [u8; 4]) -> u32 {
        if self == Self::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    #[inline]
    fn u64(self, bytes: [u8; 8]) -> u64 {
        if self == Self::Little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) }
    }
}

/// LINKTYPE_RAW. Kernels and old files say 12 or 14 (DLT_RAW), which depends on the system.
const LINK_RAW: u16 = 101;

/// The LINKTYPE_* number for what a file or libpcap says.
fn link_of_dlt(dlt: u16) -> u16 {
    if matches!(dlt, 12 | 14) { LINK_RAW } else { dlt }
}

/// What libpcap calls a link type.
fn dlt_of_link(link: u16) -> i32 {
    if link == LINK_RAW { 12 } else { i32::from(link) }
}
