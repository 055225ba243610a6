//! A bounded map that forgets what was touched least recently.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// One part in so many is forgotten when the map is full: the cost of a sweep is shared by as
/// many insertions.
const FORGET_PART: usize = 8;

/// A map of at most `limit` entries. The hash is seeded alike in every run, and what is
/// forgotten depends on the order of touches alone.
#[derive(Clone, Debug)]
pub struct Recent<K, V> {
    map: HashMap<K, (u64, V), FixedState>,
    limit: usize,
    touches: u64,
    forgotten: u64,
}

impl<K: Hash + Eq + Clone, V: Default> Recent<K, V> {
    /// An empty map that will hold up to `limit` entries, at least `FORGET_PART`.
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(FORGET_PART);
        let map = HashMap::with_hasher(FixedState::default());
        Self { map, limit, touches: 0, forgotten: 0 }
    }

    /// The entry of `key`, made if need be, touched.
    pub fn touch(&mut self, key: &K) -> &mut V {
        if self.map.len() >= self.limit && !self.map.contains_key(key) {
            self.forget();
        }
        self.touches += 1;
        let touch = self.touches;
        let (last, value) = self.map.entry(key.clone()).or_default();
        *last = touch;
        value
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// How many entries were forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn forget(&mut self) {
        let mut touched: Vec<u64> = self.map.values().map(|(last, _)| *last).collect();
        let part = touched.len() / FORGET_PART;
        let (_, oldest_kept, _) = touched.select_nth_unstable(part);
        let oldest_kept = *oldest_kept;
        self.forgotten += part as u64;
        self.map.retain(|_, (last, _)| *last >= oldest_kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest_and_counts_them() {
        let mut map: Recent<u32, u32> = Recent::new(80);
        for key in 0..80 {
            *map.touch(&key) = key + 1;
        }
        assert_eq!(*map.touch(&0), 1);
        map.touch(&1000);
        assert_eq!(map.forgotten(), 10);
        assert_eq!(map.len(), 71);
        assert_eq!(*map.touch(&0), 1);
        assert_eq!(*map.touch(&5), 0);
    }
}
