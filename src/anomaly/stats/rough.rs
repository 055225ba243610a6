//! How often things came within a while, roughly, and in so little memory that it stays in the cache.

use crate::time::{Duration, Timestamp};

/// Counters.
const COUNTERS: usize = 16_384;

/// One row of a count-min sketch (G. Cormode, S. Muthukrishnan: "An Improved Data Stream Summary: The
/// Count-Min Sketch and its Applications", 2005): a count is never too low within a span, too high
/// where things share a counter. Counts up to 255.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Rough {
    counts: Vec<u8>,
    span: Duration,
    /// When the span under way began.
    since: Timestamp,
}

impl Rough {
    /// Counts nothing yet; begins anew after each `span`.
    pub const fn new(span: Duration) -> Self {
        Self { counts: Vec::new(), span, since: Timestamp::new(0, 0) }
    }

    /// Counts a thing, given by its hash; how often it came in this span at most.
    pub fn add(&mut self, hash: u64, at: Timestamp) -> u8 {
        if self.counts.is_empty() || at.apart(self.since) >= self.span {
            self.counts.clear();
            self.counts.resize(COUNTERS, 0);
            self.since = at;
        }
        let Some(count) = self.counts.get_mut(hash as usize % COUNTERS) else { return u8::MAX };
        *count = count.saturating_add(1);
        *count
    }

    /// When the span under way began.
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// Bytes that it points to.
    pub const fn memory(&self) -> usize {
        self.counts.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::stats::distinct::mix;

    #[test]
    fn counts_are_never_too_low_and_seldom_too_high_and_end_with_the_span() {
        let mut rough = Rough::new(Duration::from_secs(60));
        let mut high = 0;
        for round in 1..=300u64 {
            for thing in 0..1000 {
                let count = rough.add(mix(thing), Timestamp::new(1000 + round / 6, 0));
                assert!(u64::from(count) >= round.min(255), "{count} in round {round}");
                high += u64::from(u64::from(count) > round.min(255));
            }
        }
        assert!(high < 300 * 1000 / 10, "{high}");
        assert_eq!(rough.add(mix(1), Timestamp::new(1100, 0)), 1);
        assert_eq!(rough.add(mix(1), Timestamp::new(100, 0)), 1);
        assert_eq!(rough.memory(), COUNTERS);
    }
}
