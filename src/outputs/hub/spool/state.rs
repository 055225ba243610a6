//! Where reading has come to, and what was given up: one small file, replaced as a whole.

use std::io;

use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::segment::Crc;
use super::{LEVELS, index};
use crate::record::Level;

/// Its name.
const FILE: &str = "state";
/// Tombstones kept; totals are kept for all.
const TOMBSTONES_MAX: usize = 32;

/// Why something was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dropped {
    /// The bound of bytes was reached.
    Room,
    /// It was too old.
    Age,
    /// The disk refused it.
    Disk,
    /// It was larger than an entry may be.
    Size,
    /// The recipient refuses it for good.
    Refused,
}

/// All reasons.
pub const DROPPED_REASONS: [Dropped; 5] =
    [Dropped::Room, Dropped::Age, Dropped::Disk, Dropped::Size, Dropped::Refused];

impl Dropped {
    /// As counters name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Age => "age",
            Self::Disk => "disk",
            Self::Size => "size",
            Self::Refused => "refused",
        }
    }
}

/// What stands where something was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// How grave it was.
    pub level: Level,
    /// Why it was given up.
    pub why: Dropped,
    /// How many.
    pub entries: u64,
    /// How many bytes.
    pub bytes: u64,
    /// When the first was taken, seconds since the epoch.
    pub from: u64,
    /// When the last was taken, seconds since the epoch.
    pub to: u64,
}

/// A place in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// As it is on disk.
#[derive(Default, Serialize, Deserialize)]
struct Written {
    positions: [Position; LEVELS.len()],
    dropped: [u64; DROPPED_REASONS.len()],
    torn_bytes: u64,
    tombstones: Vec<(usize, Dropped, [u64; 4])>,
}

#[derive(Default)]
pub(super) struct State {
    positions: [Position; LEVELS.len()],
    pub(super) dropped: [u64; DROPPED_REASONS.len()],
    pub(super) torn_bytes: u64,
    pub(super) tombstones: Vec<Tombstone>,
}

impl State {
    /// A state that is missing or damaged is one from the beginning: what is there is sent again.
    pub(super) fn read(disk: &impl Disk) -> io::Result<Self> {
        let content = match disk.read(FILE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            other => other?,
        };
        Ok(Self::parse(&content).unwrap_or_default())
    }

    fn parse(content: &[u8]) -> Option<Self> {
        let (sum, rest) = content.split_first_chunk::<4>()?;
        if Crc::default().add(rest).finish() != u32::from_le_bytes(*sum) {
            return None;
        }
        let written: Written = serde_json::from_slice(rest).ok()?;
        let tombstone = |(level, why, [entries, bytes, from, to]): (usize, Dropped, [u64; 4])| {
            Some(Tombstone { level: *LEVELS.get(level)?, why, entries, bytes, from, to })
        };
        Some(Self {
            positions: written.positions,
            dropped: written.dropped,
            torn_bytes: written.torn_bytes,
            tombstones: written.tombstones.into_iter().filter_map(tombstone).collect(),
        })
    }

    pub(super) fn write(&self, disk: &mut impl Disk) -> io::Result<()> {
        let tombstone =
            |of: &Tombstone| (index(of.level), of.why, [of.entries, of.bytes, of.from, of.to]);
        let written = Written {
            positions: self.positions,
            dropped: self.dropped,
            torn_bytes: self.torn_bytes,
            tombstones: self.tombstones.iter().map(tombstone).collect(),
        };
        let body = serde_json::to_vec(&written)?;
        let mut content = Crc::default().add(&body).finish().to_le_bytes().to_vec();
        content.extend_from_slice(&body);
        disk.replace(FILE, &content)
    }

    pub(super) fn position(&self, level: Level) -> Position {
        self.positions.get(index(level)).copied().unwrap_or_default()
    }

    pub(super) fn set_position(&mut self, level: Level, position: Position) {
        if let Some(of) = self.positions.get_mut(index(level)) {
            *of = position;
        }
    }

    /// Counts what is given up. Neighbours of one kind share a stone.
    pub(super) fn bury(&mut self, stone: Tombstone) {
        let at = DROPPED_REASONS.iter().position(|why| *why == stone.why).unwrap_or_default();
        if let Some(count) = self.dropped.get_mut(at) {
            *count += stone.entries;
        }
        if let Some(last) = self.tombstones.last_mut()
            && (last.level, last.why) == (stone.level, stone.why)
        {
            last.entries += stone.entries;
            last.bytes += stone.bytes;
            last.from = last.from.min(stone.from);
            last.to = last.to.max(stone.to);
            return;
        }
        if self.tombstones.len() >= TOMBSTONES_MAX {
            self.tombstones.remove(0);
        }
        self.tombstones.push(stone);
    }
}
