//! Deals frames to workers in rounds.
//!
//! A round is a fixed number of frames. At its end every worker gets its batch, full or empty,
//! with the packet time it ends at: so the merge never waits for a worker that has nothing to
//! say, and timeouts happen at the same packets however many workers there are.

use crossbeam_channel::{Receiver, Sender};

use crate::capture::{Batch, CaptureError, Frame, Progress, Source};
use crate::decode;
use crate::flow::shard_of;
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

/// Deals the frames of one source. crossbeam's bounded channels carry the batches: a full channel
/// holds the reader back (a replay loses nothing), and emptied batches come back by another, so
/// that no memory is allocated or freed per round.
pub struct Dispatcher {
    workers: Vec<Sender<Round>>,
    recycled: Receiver<Batch>,
    round: usize,
    sequence: u64,
    now: Timestamp,
}

impl Dispatcher {
    /// A dispatcher of rounds of `round` frames.
    pub fn new(workers: Vec<Sender<Round>>, recycled: Receiver<Batch>, round: usize) -> Self {
        Self { workers, recycled, round, sequence: 0, now: Timestamp::default() }
    }

    /// Reads one round and deals it out. False when the source is at its end, or nobody listens.
    ///
    /// # Errors
    /// When the source fails; what it gave before is dealt out.
    pub fn round(&mut self, source: &mut dyn Source) -> Result<bool, CaptureError> {
        let mut batch = self.empty_batch();
        let outcome = loop {
            let room = self.round.saturating_sub(batch.frames.len());
            if room == 0 {
                break Ok(true);
            }
            match source.read(&mut batch, room) {
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
        }
        let heard = self.deal(batch);
        outcome.map(|more| more && heard)
    }

    /// Number of the last packet dealt, and packet time.
    pub fn position(&self) -> (u64, Timestamp) {
        (self.sequence, self.now)
    }

    fn deal(&self, batch: Batch) -> bool {
        let round = |batch| Round { batch, last: self.sequence, now: self.now };
        if let [only] = self.workers.as_slice() {
            return only.send(round(batch)).is_ok();
        }
        let mut parts: Vec<Batch> = self.workers.iter().map(|_| self.empty_batch()).collect();
        for frame in &batch.frames {
            let bytes = batch.bytes(frame);
            let shard = decode::address_pair(frame.link, bytes).map_or(0, |(a, b)| shard_of(a, b));
            if let Some(part) = parts.get_mut(usize::from(shard) % self.workers.len().max(1)) {
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
