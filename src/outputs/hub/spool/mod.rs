//! What waits to be sent: kept on disk until it is acknowledged, within bounds of bytes and days.
//!
//! One queue a level, each a row of segment files to which is only ever appended. A batch is on disk
//! when [`Spool::append`] comes back; where reading has come to is in a file that is replaced as a
//! whole. So the process may be killed at any moment: what was taken is still there, and at worst
//! something is sent twice, which identifiers make harmless. When there is no room, the oldest
//! segment of the lowest level goes, and what went is counted.

pub mod disk;
mod segment;
mod state;

use std::collections::VecDeque;
use std::io;

use crate::record::Level;
use crate::time::Timestamp;
use disk::Disk;
use segment::{HEAD_BYTES, Scanned};
use state::{Position, State};

pub use state::{DROPPED_REASONS, Dropped, Tombstone};

/// Bytes of one entry at most.
pub const ENTRY_BYTES_MAX: usize = 1024 * 1024;
/// Levels, from the lowest: one queue each.
pub const LEVELS: [Level; 5] =
    [Level::Info, Level::Low, Level::Medium, Level::High, Level::Critical];

/// Bounds of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all segments at most.
    pub bytes: u64,
    /// Bytes of one segment, after which a new one begins.
    pub segment: u64,
    /// Seconds that an entry is kept.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 256 << 20, segment: 4 << 20, seconds: 7 * 86_400 }
    }
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How grave it is.
    pub level: Level,
    /// When it was taken.
    pub at: Timestamp,
    /// What is to be sent.
    pub bytes: Vec<u8>,
}

/// Up to where an entry reaches: what is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    level: Level,
    end: Position,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Entries.
    pub entries: u64,
    /// Bytes on disk, those already sent in segments that are still needed included.
    pub bytes: u64,
    /// When the oldest was taken.
    pub oldest: Option<Timestamp>,
}

struct Segment {
    number: u64,
    /// Bytes up to which it is sound.
    bytes: u64,
    entries: u64,
    /// When its first and its last entry were taken.
    taken: [Timestamp; 2],
    /// Nothing more is appended: what is behind `bytes` could not be cut off.
    closed: bool,
}

#[derive(Default)]
struct Queue {
    segments: VecDeque<Segment>,
    /// Entries of the first segments that were acknowledged.
    done: u64,
}

/// What waits to be sent.
pub struct Spool<D> {
    disk: D,
    limits: Limits,
    queues: [Queue; LEVELS.len()],
    state: State,
    /// The state could not be written: tried again at the next change.
    is_dirty: bool,
}

impl<D: Disk> Spool<D> {
    /// Opens what is on `disk`: cuts off what a power cut left half written.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn open(disk: D, limits: Limits) -> io::Result<Self> {
        let state = State::read(&disk)?;
        let mut spool = Self { disk, limits, queues: Default::default(), state, is_dirty: false };
        let mut names = spool.disk.list()?;
        names.sort();
        for name in names {
            let Some((level, number)) = segment::parse_name(&name) else { continue };
            if number < spool.state.position(level).segment {
                // It was read to its end, or given up, when the process was killed.
                spool.disk.remove(&name)?;
                continue;
            }
            spool.load(level, number, &name)?;
        }
        Ok(spool)
    }

    fn load(&mut self, level: Level, number: u64, name: &str) -> io::Result<()> {
        let content = self.disk.read(name)?;
        let scanned = Scanned::of(&content);
        let mut closed = false;
        if scanned.bytes < content.len() as u64 {
            self.state.torn_bytes += content.len() as u64 - scanned.bytes;
            // If it cannot be cut off it stays behind the end, and a new segment begins.
            closed = self.disk.truncate(name, scanned.bytes).is_err();
        }
        let position = self.state.position(level);
        let queue = queue_mut(&mut self.queues, level);
        if number == position.segment {
            let before = content.get(..usize::try_from(position.offset).unwrap_or(usize::MAX));
            queue.done = Scanned::of(before.unwrap_or(&content)).entries;
            if position.offset > scanned.bytes {
                self.state.set_position(level, Position { segment: number, offset: scanned.bytes });
            }
        }
        queue.segments.push_back(Segment {
            number,
            bytes: scanned.bytes,
            entries: scanned.entries,
            taken: scanned.taken,
            closed,
        });
        Ok(())
    }

    /// Takes entries. They are on disk when this comes back without error; entries that found no
    /// room are counted as dropped and are no error.
    ///
    /// # Errors
    /// When the disk refuses; then none of the level that was being written is kept. What was not
    /// kept is counted as dropped.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut result = Ok(());
        // The gravest first, while there is room.
        for level in LEVELS.into_iter().rev() {
            let of_level: Vec<&Entry> =
                entries.iter().filter(|entry| entry.level == level).collect();
            if of_level.is_empty() {
                continue;
            }
            if let Err(error) = self.append_level(level, &of_level) {
                result = Err(error);
            }
        }
        result
    }

    fn append_level(&mut self, level: Level, entries: &[&Entry]) -> io::Result<()> {
        let mut rest = entries;
        while let Some(first) = rest.first() {
            // As many as fit into what is left of the segment, one at least.
            let room = self.room(level);
            let mut bytes = Vec::new();
            let mut taken = [first.at, first.at];
            let mut count = 0;
            for entry in rest {
                let too_large = entry.bytes.is_empty() || entry.bytes.len() > ENTRY_BYTES_MAX;
                let is_full =
                    count > 0 && (bytes.len() + entry.bytes.len() + HEAD_BYTES) as u64 > room;
                if is_full {
                    break;
                }
                count += 1;
                if too_large {
                    self.drop_new(level, Dropped::Size, entry);
                    continue;
                }
                segment::write(entry.at, &entry.bytes, &mut bytes);
                taken = [taken[0].min(entry.at), taken[1].max(entry.at)];
            }
            let (now, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = later;
            let kept =
                now.iter().filter(|entry| (1..=ENTRY_BYTES_MAX).contains(&entry.bytes.len()));
            let kept: Vec<&Entry> = kept.copied().collect();
            if kept.is_empty() {
                continue;
            }
            if !self.make_room(level, bytes.len() as u64) {
                kept.iter().for_each(|entry| self.drop_new(level, Dropped::Room, entry));
                continue;
            }
            if let Err(error) = self.write(level, &bytes, kept.len() as u64, taken) {
                kept.iter()
                    .chain(rest)
                    .for_each(|entry| self.drop_new(level, Dropped::Disk, entry));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Bytes left in the segment that is appended to; those of a whole one when a new one begins.
    fn room(&self, level: Level) -> u64 {
        let last = queue(&self.queues, level).segments.back().filter(|last| !last.closed);
        match last.map(|last| self.limits.segment.saturating_sub(last.bytes)) {
            None | Some(0) => self.limits.segment,
            Some(room) => room,
        }
    }

    /// Appends to the last segment, or to a new one. A full disk is answered by giving up the oldest
    /// of what is not graver, once.
    fn write(
        &mut self,
        level: Level,
        bytes: &[u8],
        entries: u64,
        taken: [Timestamp; 2],
    ) -> io::Result<()> {
        match self.write_once(level, bytes, entries, taken) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                if !self.give_up_oldest(level, Dropped::Disk) {
                    return Err(error);
                }
                self.write_once(level, bytes, entries, taken)
            }
            other => other,
        }
    }

    fn write_once(
        &mut self,
        level: Level,
        bytes: &[u8],
        entries: u64,
        taken: [Timestamp; 2],
    ) -> io::Result<()> {
        let next = self.state.position(level).segment.max(1);
        let (segment_bytes, disk) = (self.limits.segment, &mut self.disk);
        let queue = queue_mut(&mut self.queues, level);
        let is_open = queue
            .segments
            .back()
            .is_some_and(|last| !last.closed && last.bytes + bytes.len() as u64 <= segment_bytes);
        if !is_open {
            let number = queue.segments.back().map_or(next, |last| last.number + 1);
            // One that could not be written is none: its number is not used again.
            if queue.segments.back().is_some_and(|last| last.entries == 0) {
                queue.segments.pop_back();
            }
            let fresh = Segment { number, bytes: 0, entries: 0, taken, closed: false };
            queue.segments.push_back(fresh);
        }
        let Some(last) = queue.segments.back_mut() else { return Ok(()) };
        let name = segment::name(level, last.number);
        if let Err(error) = disk.append(&name, last.bytes, bytes) {
            // What was half written is cut off; if not even that is possible, it stays behind the
            // end of what counts.
            last.closed = disk.truncate(&name, last.bytes).is_err();
            if last.entries == 0 {
                // A segment without entries is none.
                let _ = disk.remove(&name);
                last.closed = true;
            }
            return Err(error);
        }
        last.bytes += bytes.len() as u64;
        if last.entries == 0 {
            last.taken = taken;
        }
        last.entries += entries;
        last.taken[1] = last.taken[1].max(taken[1]);
        Ok(())
    }

    /// Makes room for so many bytes, giving up what is not graver than `level`.
    fn make_room(&mut self, level: Level, bytes: u64) -> bool {
        while self.depth().bytes + bytes > self.limits.bytes {
            if !self.give_up_oldest(level, Dropped::Room) {
                return false;
            }
        }
        true
    }

    /// Gives up the oldest segment of the lowest level, if that is not graver than `level`.
    fn give_up_oldest(&mut self, level: Level, why: Dropped) -> bool {
        let lowest =
            LEVELS.into_iter().find(|lowest| !queue(&self.queues, *lowest).segments.is_empty());
        match lowest.filter(|lowest| *lowest <= level) {
            Some(lowest) => self.give_up(lowest, why),
            None => false,
        }
    }

    /// Gives up the first segment of a queue: what of it was not acknowledged is counted.
    fn give_up(&mut self, level: Level, why: Dropped) -> bool {
        let queue = queue_mut(&mut self.queues, level);
        let Some(first) = queue.segments.pop_front() else { return false };
        let lost = first.entries.saturating_sub(queue.done);
        queue.done = 0;
        if lost > 0 {
            let bytes = first.bytes;
            let [from, to] = first.taken.map(Timestamp::seconds);
            self.state.bury(Tombstone { level, why, entries: lost, bytes, from, to });
        }
        self.state.set_position(level, Position { segment: first.number + 1, offset: 0 });
        // First the state, so that what is gone is counted once; with a full disk the file first.
        self.save();
        let _ = self.disk.remove(&segment::name(level, first.number));
        true
    }

    fn drop_new(&mut self, level: Level, why: Dropped, entry: &Entry) {
        let (bytes, at) = (entry.bytes.len() as u64, entry.at.seconds());
        self.state.bury(Tombstone { level, why, entries: 1, bytes, from: at, to: at });
        self.is_dirty = true;
    }

    /// Gives up what is older than the bound of days.
    pub fn prune(&mut self, now: Timestamp) {
        let oldest = now.seconds().saturating_sub(self.limits.seconds);
        for level in LEVELS {
            while queue(&self.queues, level)
                .segments
                .front()
                .is_some_and(|first| first.entries > 0 && first.taken[1].seconds() < oldest)
            {
                self.give_up(level, Dropped::Age);
            }
        }
        if self.is_dirty {
            self.save();
        }
    }

    /// The next entries, the gravest first, at most so many and so many bytes, one at least if there
    /// is one.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn peek(&self, entries: usize, bytes: usize) -> io::Result<Vec<(Ticket, Entry)>> {
        let mut found: Vec<(Ticket, Entry)> = Vec::new();
        let mut size = 0;
        for level in LEVELS.into_iter().rev() {
            let position = self.state.position(level);
            for of in &queue(&self.queues, level).segments {
                if found.len() >= entries {
                    return Ok(found);
                }
                let offset = if of.number == position.segment { position.offset } else { 0 };
                if offset >= of.bytes {
                    continue;
                }
                let content = self.disk.read(&segment::name(level, of.number))?;
                for (end, at, payload) in segment::entries(&content, offset) {
                    size += payload.len();
                    if found.len() >= entries || size > bytes && !found.is_empty() {
                        return Ok(found);
                    }
                    let end = Position { segment: of.number, offset: end };
                    let entry = Entry { level, at, bytes: payload.to_vec() };
                    found.push((Ticket { level, end }, entry));
                }
            }
        }
        Ok(found)
    }

    /// These were sent (all that [`Spool::peek`] gave, or the first of them): they are let go.
    pub fn acknowledge(&mut self, tickets: &[Ticket]) {
        for ticket in tickets {
            let level = ticket.level;
            let position = self.state.position(level);
            if ticket.end <= position {
                continue;
            }
            let queue = queue_mut(&mut self.queues, level);
            queue.done = if ticket.end.segment == position.segment { queue.done + 1 } else { 1 };
            self.state.set_position(level, ticket.end);
        }
        let mut emptied = Vec::new();
        for level in LEVELS {
            let position = self.state.position(level);
            let queue = queue_mut(&mut self.queues, level);
            while let Some(first) = queue.segments.front() {
                let is_read = first.number < position.segment
                    || first.number == position.segment && position.offset >= first.bytes;
                let is_needed = queue.segments.len() == 1
                    && !first.closed
                    && first.bytes > 0
                    && first.bytes < self.limits.segment;
                if !is_read || is_needed {
                    break;
                }
                if first.number == position.segment {
                    let next = Position { segment: first.number + 1, offset: 0 };
                    self.state.set_position(level, next);
                    queue.done = 0;
                }
                emptied.push(segment::name(level, first.number));
                queue.segments.pop_front();
            }
        }
        self.save();
        for name in emptied {
            let _ = self.disk.remove(&name);
        }
    }

    /// Counts entries that were let go because the recipient, or the guard, refuses them for good.
    pub fn count_refused(&mut self, entries: &[&Entry]) {
        entries.iter().for_each(|entry| self.drop_new(entry.level, Dropped::Refused, entry));
    }

    fn save(&mut self) {
        self.is_dirty = self.state.write(&mut self.disk).is_err();
    }

    /// How much waits.
    pub fn depth(&self) -> Depth {
        let mut depth = Depth::default();
        for queue in &self.queues {
            for (number, of) in queue.segments.iter().enumerate() {
                let done = if number == 0 { queue.done } else { 0 };
                let waiting = of.entries.saturating_sub(done);
                depth.entries += waiting;
                depth.bytes += of.bytes;
                if waiting > 0 {
                    let [first, _] = of.taken;
                    depth.oldest = Some(depth.oldest.map_or(first, |oldest| oldest.min(first)));
                }
            }
        }
        depth
    }

    /// How many entries of a level wait.
    pub fn waiting(&self, level: Level) -> u64 {
        let queue = queue(&self.queues, level);
        let entries: u64 = queue.segments.iter().map(|segment| segment.entries).sum();
        entries.saturating_sub(queue.done)
    }

    /// Entries that were given up, by reason, in the order of [`DROPPED_REASONS`].
    pub fn dropped(&self) -> [u64; DROPPED_REASONS.len()] {
        self.state.dropped
    }

    /// The last that were given up.
    pub fn tombstones(&self) -> &[Tombstone] {
        &self.state.tombstones
    }

    /// Bytes that were cut off when the spool was opened.
    pub const fn torn_bytes(&self) -> u64 {
        self.state.torn_bytes
    }
}

const fn index(level: Level) -> usize {
    level as usize
}

const fn queue(queues: &[Queue; LEVELS.len()], level: Level) -> &Queue {
    let [info, low, medium, high, critical] = queues;
    match level {
        Level::Info => info,
        Level::Low => low,
        Level::Medium => medium,
        Level::High => high,
        Level::Critical => critical,
    }
}

const fn queue_mut(queues: &mut [Queue; LEVELS.len()], level: Level) -> &mut Queue {
    let [info, low, medium, high, critical] = queues;
    match level {
        Level::Info => info,
        Level::Low => low,
        Level::Medium => medium,
        Level::High => high,
        Level::Critical => critical,
    }
}

#[cfg(test)]
mod tests;
