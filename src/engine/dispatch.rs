//! Deals frames to workers in rounds.
//!
//! A round is a fixed number of frames, fewer when they are very large or few come in a second. At its
//! end every worker gets its batch, full or empty, with the packet time it ends at: so the merge never
//! waits for a worker that has nothing to say, and timeouts happen at the same packets however many
//! workers there are.

use crossbeam_channel::{Receiver, Sender};

use crate::capture::{Batch, CaptureError, Frame, Progress, Source};
use crate::decode;
use crate::flow::{group_of, shard_of};
use crate::time::Timestamp;

/// A worker's part of a round.
pub struct Round {
    /// Its frames.
    pub batch: Batch,
    /// Number of the round's last packet over all inputs.
    pub last: u64,
    /// Packet time at the end of the round.
    pub now: Timestamp,
}

/// Reads a source round by round, and numbers its frames.
pub struct Rounds {
    size: usize,
    sequence: u64,
    now: Timestamp,
    /// Link types of frames that cannot be decoded, and how many frames.
    unread: Vec<(u16, u64)>,
}

/// Such link types that are told apart; later ones are counted with the last.
const UNREAD_MAX: usize = 8;

impl Rounds {
    /// Rounds of `size` frames.
    pub fn new(size: usize) -> Self {
        Self { size, sequence: 0, now: Timestamp::default(), unread: Vec::new() }
    }

    /// Reads one round into an empty batch. False when the source is at its end.
    ///
    /// # Errors
    /// When the source fails; what it gave before is in the batch.
    pub fn read(
        &mut self,
        source: &mut dyn Source,
        batch: &mut Batch,
    ) -> Result<bool, CaptureError> {
        let outcome = loop {
            // A source adds nothing to a batch that is full: where network cards hand on many segments
            // as one frame, or little goes on, that comes before there are so many frames.
            if batch.is_full(self.size) {
                break Ok(true);
            }
            let room = self.size.saturating_sub(batch.frames.len());
            match source.read(batch, room) {
                Ok(Progress::More) => {}
                Ok(Progress::Idle) => break Ok(true),
                Ok(Progress::End) => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        for frame in &mut batch.frames {
            self.sequence += 1;
            frame.sequence = self.sequence;
            self.now = self.now.max(frame.timestamp);
            if !decode::is_link_read(frame.link) {
                count(&mut self.unread, frame.link);
            }
        }
        outcome
    }

    /// Frames that cannot be decoded.
    pub fn unread(&self) -> u64 {
        self.unread.iter().map(|(_, frames)| frames).sum()
    }

    /// What is to be said of them.
    pub fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        let all = self.sequence;
        let last = self.unread.get(UNREAD_MAX - 1).map(|(link, _)| *link);
        self.unread.iter().map(move |(link, frames)| {
            let others = if last == Some(*link) { " or another" } else { "" };
            format!(
                "{frames} of {all} frames have link type {link}{others}, which is not read: nothing was looked \
                 for in them (https://www.tcpdump.org/linktypes.html says what it is)"
            )
        })
    }

    /// Number of the last packet read, and packet time.
    pub fn position(&self) -> (u64, Timestamp) {
        (self.sequence, self.now)
    }
}

#[cold]
fn count(unread: &mut Vec<(u16, u64)>, link: u16) {
    let full = unread.len() >= UNREAD_MAX;
    match unread.iter_mut().find(|(known, _)| *known == link) {
        Some((_, frames)) => *frames += 1,
        None if full => unread.iter_mut().last().into_iter().for_each(|(_, frames)| *frames += 1),
        None => unread.push((link, 1)),
    }
}

/// Deals the frames of one source. crossbeam's bounded channels carry the batches: a full channel
/// holds the reader back (a replay loses nothing), and emptied batches come back by another, so
/// that no memory is allocated or freed per round.
pub struct Dispatcher {
    workers: Vec<Sender<Round>>,
    recycled: Receiver<Batch>,
    rounds: Rounds,
}

impl Dispatcher {
    /// A dispatcher of rounds of `round` frames.
    pub fn new(workers: Vec<Sender<Round>>, recycled: Receiver<Batch>, round: usize) -> Self {
        Self { workers, recycled, rounds: Rounds::new(round) }
    }

    /// Reads one round and deals it out. False when the source is at its end, or nobody listens.
    ///
    /// # Errors
    /// When the source fails; what it gave before is dealt out.
    pub fn round(&mut self, source: &mut dyn Source) -> Result<bool, CaptureError> {
        let mut batch = self.empty_batch();
        let outcome = self.rounds.read(source, &mut batch);
        let heard = self.deal(batch);
        outcome.map(|more| more && heard)
    }

    /// Number of the last packet dealt, and packet time.
    pub fn position(&self) -> (u64, Timestamp) {
        self.rounds.position()
    }

    /// What was read so far.
    pub const fn rounds(&self) -> &Rounds {
        &self.rounds
    }

    fn deal(&self, batch: Batch) -> bool {
        let (last, now) = self.position();
        let round = |batch| Round { batch, last, now };
        let mut parts: Vec<Batch> = self.workers.iter().map(|_| self.empty_batch()).collect();
        for frame in &batch.frames {
            let bytes = batch.bytes(frame);
            let shard = decode::address_pair(frame.link, bytes, frame.wire);
            let shard = shard.map_or(0, |(a, b)| shard_of(a, b));
            if let Some(part) = parts.get_mut(group_of(shard) % self.workers.len().max(1)) {
                let offset = u32::try_from(part.data.len()).unwrap_or(u32::MAX);
                part.data.extend_from_slice(bytes);
                part.frames.push(Frame { offset, ..*frame });
            }
        }
        let mut pairs = self.workers.iter().zip(parts);
        pairs.all(|(worker, part)| worker.send(round(part)).is_ok())
    }

    fn empty_batch(&self) -> Batch {
        let mut batch = self.recycled.try_recv().unwrap_or_default();
        batch.clear();
        batch
    }
}
