//! A segment: entries one behind the other, each with its length, its checksum and when it was
//! taken.

use crate::record::Level;
use crate::time::Timestamp;

use super::{ENTRY_BYTES_MAX, LEVELS};

/// Length, checksum, time.
pub(super) const HEAD_BYTES: usize = 16;

/// `high-0000000000000001.seg`.
pub(super) fn name(level: Level, number: u64) -> String {
    format!("{}-{number:016}.seg", level.name())
}

pub(super) fn parse_name(name: &str) -> Option<(Level, u64)> {
    let (level, number) = name.strip_suffix(".seg")?.split_once('-')?;
    let level = LEVELS.into_iter().find(|known| known.name() == level)?;
    Some((level, number.parse().ok()?))
}

/// Appends one entry to `out`.
pub(super) fn write(at: Timestamp, payload: &[u8], out: &mut Vec<u8>) {
    let at = at.nanos().to_le_bytes();
    // Entries are far shorter than four gigabytes.
    let length = (payload.len() as u32).to_le_bytes();
    let sum = Crc::default().add(&length).add(&at).add(payload).finish();
    out.extend_from_slice(&length);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&at);
    out.extend_from_slice(payload);
}

/// The sound entries from `offset` on: where each ends, when it was taken, what it is.
pub(super) fn entries(
    content: &[u8],
    offset: u64,
) -> impl Iterator<Item = (u64, Timestamp, &[u8])> {
    let mut at = usize::try_from(offset).unwrap_or(usize::MAX);
    std::iter::from_fn(move || {
        let rest = content.get(at..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let (taken, rest) = rest.split_first_chunk::<8>()?;
        let size = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if !(1..=ENTRY_BYTES_MAX).contains(&size) {
            return None;
        }
        let payload = rest.get(..size)?;
        let right = Crc::default().add(length).add(taken).add(payload).finish();
        if u32::from_le_bytes(*sum) != right {
            return None;
        }
        at += HEAD_BYTES + size;
        Some((at as u64, Timestamp::from_nanos(u64::from_le_bytes(*taken)), payload))
    })
}

/// What a segment holds.
#[derive(Default)]
pub(super) struct Scanned {
    /// Bytes up to the end of the last sound entry.
    pub(super) bytes: u64,
    pub(super) entries: u64,
    /// When the first and the last were taken.
    pub(super) taken: [Timestamp; 2],
}

impl Scanned {
    pub(super) fn of(content: &[u8]) -> Self {
        let mut scanned = Self::default();
        for (end, at, _) in entries(content, 0) {
            let [first, last] = scanned.taken;
            scanned.taken =
                if scanned.entries == 0 { [at, at] } else { [first.min(at), last.max(at)] };
            scanned.bytes = end;
            scanned.entries += 1;
        }
        scanned
    }
}

/// CRC-32C (Castagnoli), as iSCSI uses it (RFC 3720, 12.1).
#[derive(Clone, Copy)]
pub(super) struct Crc(u32);

impl Default for Crc {
    fn default() -> Self {
        Self(!0)
    }
}

impl Crc {
    const TABLE: [u32; 256] = table();

    pub(super) fn add(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |crc, byte| {
            let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
            crc >> 8 ^ Self::TABLE.get(usize::from(low)).copied().unwrap_or_default()
        }))
    }

    pub(super) const fn finish(self) -> u32 {
        !self.0
    }
}

#[allow(clippy::indexing_slicing, reason = "computed at compile time, the index is within 256")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = value >> 1 ^ (if value & 1 == 1 { 0x82f6_3b78 } else { 0 });
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        assert_eq!(Crc::default().add(b"123456789").finish(), 0xe306_9283);
        assert_eq!(Crc::default().add(&[0; 32]).finish(), 0x8a91_36aa);
    }

    #[test]
    fn names_are_read_again() {
        assert_eq!(parse_name(&name(Level::High, 7)), Some((Level::High, 7)));
        assert_eq!(parse_name("state"), None);
    }
}
