//! A timing wheel on packet time: which flows may be past their timeout.
//!
//! Lists are kept in arrays indexed by slot, so that nothing is allocated per flow or per packet.
//! An entry may be early, never late: who takes it out looks at the true deadline and puts it back.

/// One bucket a second; deadlines farther off wait in the last one and are put back.
const BUCKETS: u32 = 1024;
/// Bucket of what is due already when it is put in (captures in which time goes back): emptied by
/// every turn, so that a flow's end does not depend on when its wheel began to turn.
const LATE: u32 = BUCKETS;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Link {
    previous: u32,
    next: u32,
    /// Bucket, or `NONE` when not in the wheel.
    bucket: u32,
}

const LOOSE: Link = Link { previous: NONE, next: NONE, bucket: NONE };

/// The wheel.
pub(super) struct Wheel {
    heads: Vec<u32>,
    links: Vec<Link>,
    /// The second that was last turned to; everything due before it has been given out.
    turned: u64,
    started: bool,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            heads: vec![NONE; BUCKETS as usize + 1],
            links: Vec::new(),
            turned: 0,
            started: false,
        }
    }

    /// Tells the wheel what time it is when it is first used; later calls change nothing.
    pub(super) fn start(&mut self, second: u64) {
        if !self.started {
            self.started = true;
            self.turned = second;
        }
    }

    /// Puts `slot` in, or moves it, to be given out by the first turn to a later second than
    /// `second`; by the next turn if that is past.
    pub(super) fn put(&mut self, slot: u32, second: u64) {
        let last = self.turned.saturating_add(u64::from(BUCKETS) - 1);
        let bucket = if second < self.turned {
            LATE
        } else {
            (second.min(last) % u64::from(BUCKETS)) as u32
        };
        self.take(slot);
        let index = slot as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, LOOSE);
        }
        let Some(head) = self.heads.get_mut(bucket as usize) else { return };
        let next = std::mem::replace(head, slot);
        if let Some(link) = self.links.get_mut(index) {
            *link = Link { previous: NONE, next, bucket };
        }
        if let Some(link) = self.links.get_mut(next as usize) {
            link.previous = slot;
        }
    }

    /// Takes `slot` out if it is in.
    pub(super) fn take(&mut self, slot: u32) {
        let Some(link) = self.links.get_mut(slot as usize) else { return };
        let Link { previous, next, bucket } = std::mem::replace(link, LOOSE);
        if bucket == NONE {
            return;
        }
        if let Some(link) = self.links.get_mut(next as usize) {
            link.previous = previous;
        }
        if let Some(link) = self.links.get_mut(previous as usize) {
            link.next = next;
        } else if let Some(head) = self.heads.get_mut(bucket as usize) {
            *head = next;
        }
    }

    /// Turns to `second`; appends to `due` all that was to be given out before it. A second that
    /// is not later than the last only gives out what was late.
    pub(super) fn turn(&mut self, second: u64, due: &mut Vec<u32>) {
        if !self.started {
            return;
        }
        self.empty(LATE as usize, due);
        if second <= self.turned {
            return;
        }
        let steps = (second - self.turned).min(u64::from(BUCKETS));
        for step in 0..steps {
            self.empty(((self.turned + step) % u64::from(BUCKETS)) as usize, due);
        }
        self.turned = second;
    }

    fn empty(&mut self, bucket: usize, due: &mut Vec<u32>) {
        let Some(head) = self.heads.get_mut(bucket) else { return };
        let mut slot = std::mem::replace(head, NONE);
        while let Some(link) = self.links.get_mut(slot as usize) {
            due.push(slot);
            slot = std::mem::replace(link, LOOSE).next;
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.links.capacity() * size_of::<Link>() + self.heads.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_map(
            steps in prop::collection::vec((0u32..40, 0u64..3000, 0u64..1500, 0u8..3), 1..200),
        ) {
            let (mut wheel, mut plain) = (Wheel::new(), BTreeMap::new());
            let mut now = 10_000u64;
            wheel.start(now);
            for (slot, ahead, jump, what) in steps {
                match what {
                    0 => {
                        // Some are due already.
                        let second = (now + ahead).saturating_sub(500);
                        wheel.put(slot, second);
                        plain.insert(slot, second);
                    }
                    1 => {
                        wheel.take(slot);
                        plain.remove(&slot);
                    }
                    _ => {
                        now += jump;
                        let (mut out, mut due) = (Vec::new(), Vec::new());
                        wheel.turn(now, &mut out);
                        for slot in out {
                            let deadline = *plain.get(&slot).unwrap();
                            if deadline < now {
                                due.push(slot);
                            } else {
                                wheel.put(slot, deadline);
                            }
                        }
                        due.sort_unstable();
                        let expected: Vec<u32> =
                            plain.iter().filter(|(_, d)| **d < now).map(|(s, _)| *s).collect();
                        prop_assert_eq!(&due, &expected);
                        plain.retain(|_, d| *d >= now);
                    }
                }
            }
        }
    }
}
