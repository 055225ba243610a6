//! How much has piled up above what is tolerated.

use crate::time::Timestamp;

/// A one-sided cumulative sum (E. S. Page, "Continuous Inspection Schemes", 1954) over events at
/// any time: what is added piles up and runs off at the rate that is tolerated. So it does not
/// matter when a window begins, nor whether a flood lasts a tenth of a second or an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cusum {
    level: f64,
    last: Timestamp,
}

impl Cusum {
    /// Adds `amount` at `now`, after `drift` a second has run off. Returns the level; 0 means
    /// that all had run off. Times that go back let nothing run off.
    pub fn add(&mut self, now: Timestamp, amount: f64, drift: f64) -> f64 {
        let passed = now.since(self.last).as_secs_f64();
        self.last = self.last.max(now);
        self.level = (self.level - passed * drift).max(0.0);
        self.level = (self.level + amount).max(0.0);
        self.level
    }

    /// The level at `now`.
    pub fn at(&self, now: Timestamp, drift: f64) -> f64 {
        (self.level - now.since(self.last).as_secs_f64() * drift).max(0.0)
    }

    /// Holds the level below `most`, so that it comes down soon after the cause has ended.
    pub fn limit(&mut self, most: f64) {
        self.level = self.level.min(most);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "tests")]
    use super::*;

    fn level(events: u64, millis_apart: u64) -> f64 {
        let mut sum = Cusum::default();
        let at = |n: u64| Timestamp::from_nanos(1_000_000_000_000 + n * millis_apart * 1_000_000);
        (0..events).map(|n| sum.add(at(n), 1.0, 50.0)).last().unwrap_or_default()
    }

    #[test]
    fn what_is_tolerated_runs_off_and_what_is_more_piles_up() {
        assert_eq!(level(100_000, 25), 1.0);
        assert!((level(2000, 10) - 1000.0).abs() < 2.0, "{}", level(2000, 10));
        assert_eq!(level(300, 0), 300.0);
    }

    #[test]
    fn comes_down_after_the_end() {
        let mut sum = Cusum::default();
        let start = Timestamp::new(1000, 0);
        sum.add(start, 1e9, 10.0);
        sum.limit(100.0);
        assert_eq!(sum.at(Timestamp::new(1005, 0), 10.0), 50.0);
        assert_eq!(sum.add(Timestamp::new(1100, 0), 0.0, 10.0), 0.0);
        assert_eq!(sum.add(Timestamp::new(1, 0), 3.0, 10.0), 3.0);
    }
}
