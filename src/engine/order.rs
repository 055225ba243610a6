//! The order of a round's records: by the packets that caused them.
//!
//! What workers hand over is in order but for some joints: each tells what detectors alone see
//! before the rest, and a burst of packets when a pause has ended it. So the order is found by merging
//! the runs that are there, and records, which are large, stay where they are.

use crate::record::Record;

/// A round has hundreds, which are written, put in order and read: two lines of the cache each.
const _: () = assert!(size_of::<Record>() <= 128, "a record has become larger");

/// Sequence number, tie, and the record's place.
type Key = (u64, u64, u32);

/// Finds the order, and keeps its memory from round to round.
#[derive(Default)]
pub(super) struct Order {
    keys: Vec<Key>,
    merged: Vec<Key>,
    places: Vec<u32>,
    /// Where runs end.
    ends: Vec<usize>,
    next_ends: Vec<usize>,
}

impl Order {
    /// Places of `records` in order. Stable: the records of one packet come from one worker, in
    /// its order.
    pub(super) fn of(&mut self, records: &[Record]) -> &[u32] {
        self.runs(records);
        while self.ends.len() > 1 {
            self.halve();
        }
        self.places.clear();
        self.places.extend(self.keys.iter().map(|(_, _, place)| *place));
        &self.places
    }

    /// Notes the keys, and where a run of them ends.
    fn runs(&mut self, records: &[Record]) {
        self.keys.clear();
        self.ends.clear();
        let mut last: Key = (0, 0, 0);
        for (record, place) in records.iter().zip(0u32..) {
            let key = (record.sequence, record.tie, place);
            if key < last {
                self.ends.push(self.keys.len());
            }
            self.keys.push(key);
            last = key;
        }
        self.ends.push(self.keys.len());
    }

    /// Merges each run with its neighbour.
    fn halve(&mut self) {
        self.merged.clear();
        self.next_ends.clear();
        let mut start = 0;
        for pair in self.ends.chunks(2) {
            let (middle, end) = match *pair {
                [middle, end] => (middle, end),
                _ => (self.keys.len(), self.keys.len()),
            };
            let run = |from: usize, to: usize| self.keys.get(from..to).unwrap_or_default();
            merge(run(start, middle), run(middle, end), &mut self.merged);
            self.next_ends.push(self.merged.len());
            start = end;
        }
        std::mem::swap(&mut self.keys, &mut self.merged);
        std::mem::swap(&mut self.ends, &mut self.next_ends);
    }
}

/// Puts two runs together behind what is in `out`.
fn merge(mut first: &[Key], mut second: &[Key], out: &mut Vec<Key>) {
    while let ([a, first_rest @ ..], [b, second_rest @ ..]) = (first, second) {
        if a < b {
            out.push(*a);
            first = first_rest;
        } else {
            out.push(*b);
            second = second_rest;
        }
    }
    out.extend_from_slice(first);
    out.extend_from_slice(second);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Body, Context};
    use crate::time::Timestamp;

    #[test]
    fn is_that_of_a_stable_sort() {
        let mut seed = 1u64;
        let mut order = Order::default();
        for length in [0, 1, 2, 3, 10, 100, 1000] {
            for spread in [1, 3, 1000] {
                let mut next = || {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (seed >> 33) % spread
                };
                let records: Vec<Record> = (0..length)
                    .map(|_| Record {
                        sequence: next(),
                        tie: next() / 2,
                        timestamp: Timestamp::default(),
                        context: Context::default(),
                        body: Body::Fragment(0),
                    })
                    .collect();
                let mut expected: Vec<usize> = (0..length).collect();
                expected.sort_by_key(|place| {
                    records.get(*place).map(|record| (record.sequence, record.tie))
                });
                let places: Vec<usize> =
                    order.of(&records).iter().map(|place| *place as usize).collect();
                assert_eq!(places, expected);
            }
        }
    }
}
