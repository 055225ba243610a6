//! One row of a sweep: what one source asked of the 256 neighbours of a /24.

use super::Window;
use crate::time::{Duration, Timestamp};

/// Neighbours asked within a while: one bit each.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Asked {
    since: Timestamp,
    bits: Bits,
}

/// A set of the last octets of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Bits([u64; 4]);

impl Bits {
    /// Whether an octet was new.
    pub(super) fn insert(&mut self, octet: u8) -> bool {
        let mask = 1 << (octet % 64);
        let Some(word) = self.0.get_mut(usize::from(octet / 64)) else { return false };
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    fn contains(self, octet: u8) -> bool {
        self.0.get(usize::from(octet / 64)).is_some_and(|word| word >> (octet % 64) & 1 == 1)
    }

    fn without(self, other: Self) -> Self {
        let mut left = self;
        left.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        left
    }

    pub(super) fn count(self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    fn octets(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |octet| self.contains(*octet))
    }
}

/// What came of a question.
pub(super) struct Verdict {
    /// Neighbours asked in the window.
    pub(super) asked: u64,
    /// Of them those that are not known to be there.
    pub(super) absent: u64,
    /// How long it took.
    pub(super) took: Duration,
    /// The limit that was passed.
    pub(super) limit: u64,
}

/// See the module's page.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Row {
    fast: Asked,
    slow: Asked,
    /// Who answered, or is known to be there.
    present: Bits,
    previous: Option<u8>,
    /// Questions for a new neighbour, and those of them a few steps from the one before.
    steps: u32,
    near: u32,
    /// When it was told of.
    told: Option<Timestamp>,
}

impl Row {
    /// A neighbour is asked for. Gives a verdict when that makes a finding due; `is_there` says of
    /// an octet whether something is known to have that address.
    pub(super) fn ask(
        &mut self,
        octet: u8,
        at: Timestamp,
        limits: [Window; 2],
        again_after: Duration,
        is_there: impl Fn(u8) -> bool,
    ) -> Option<Verdict> {
        let mut new = false;
        for (asked, window) in [&mut self.fast, &mut self.slow].into_iter().zip(limits) {
            if at.since(asked.since) > window.within {
                *asked = Asked { since: at, bits: Bits::default() };
            }
            new |= asked.bits.insert(octet);
        }
        if !new {
            return None;
        }
        self.step(octet);
        if self.told.is_some_and(|told| at.since(told) < again_after) {
            return None;
        }
        for (asked, window) in [&self.fast, &self.slow].into_iter().zip(limits) {
            if asked.bits.without(self.present).count() < window.least {
                continue;
            }
            // Those that answered meanwhile were there.
            for octet in asked.bits.without(self.present).octets().filter(|o| is_there(*o)) {
                self.present.insert(octet);
            }
            let absent = asked.bits.without(self.present).count();
            let total = asked.bits.count();
            if absent >= window.least && absent * 2 >= total {
                self.told = Some(at);
                let took = at.since(asked.since);
                return Some(Verdict { asked: total, absent, took, limit: window.least });
            }
        }
        None
    }

    fn step(&mut self, octet: u8) {
        const NEAR: u8 = 4;
        if let Some(previous) = self.previous.replace(octet) {
            self.steps += 1;
            self.near += u32::from(previous.abs_diff(octet) <= NEAR);
        }
    }

    /// The verdict was not told after all.
    pub(super) fn hold(&mut self) {
        self.told = None;
    }

    /// A neighbour answers.
    pub(super) fn answered(&mut self, octet: u8) {
        self.present.insert(octet);
    }

    /// Whether neighbours were asked for more or less in the order of their addresses.
    pub(super) fn is_in_order(&self) -> bool {
        self.near * 10 >= self.steps * 6
    }
}
