//! A bounded map that forgets what was touched least recently.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::index::Index;
use super::touches::{NONE, Touches};

/// Entries of a map that was saved, at most.
const SAVED_MAX: usize = 1 << 20;

/// A map of at most `limit` entries, kept in the order in which they were last touched, which alone
/// shows.
#[derive(Clone, Debug)]
pub struct Recent<K, V> {
    index: Index,
    entries: Vec<(K, V)>,
    touches: Touches,
    limit: usize,
    forgotten: u64,
}

/// Where an entry lies.
#[derive(Clone, Copy, Debug)]
pub struct Place(u32);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self::new(1)
    }
}

impl<K, V> Recent<K, V> {
    /// An empty map that will hold up to `limit` entries, at least one.
    pub const fn new(limit: usize) -> Self {
        Self {
            index: Index::new(),
            entries: Vec::new(),
            touches: Touches::new(),
            limit: if limit == 0 { 1 } else { limit },
            forgotten: 0,
        }
    }

    /// How many entries it holds.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries were forgotten for want of room.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes of the map itself, without what values point to.
    pub fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<(K, V)>() + self.touches.memory() + self.index.memory()
    }

    /// Entries from the least to the most recently touched.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let entries = self.touches.iter().filter_map(|index| self.entries.get(index as usize));
        entries.map(|(key, value)| (key, value))
    }

    /// Values in no order that means anything; they may change, the order of touches does not.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    /// The entry of `key`, if there is one; not touched.
    pub fn peek(&self, key: &K) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        let index = self.lookup(hash(key), key)?;
        self.entries.get(index as usize).map(|(_, value)| value)
    }

    /// The entry of `key`, if there is one, touched.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        let index = self.lookup(hash(key), key)?;
        self.touches.renew(index);
        self.entries.get_mut(index as usize).map(|(_, value)| value)
    }

    /// The entry of `key`, made by `make` if need be, touched.
    pub fn touch_or(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        let hash = hash(key);
        let index = match self.lookup(hash, key) {
            Some(index) => {
                self.touches.renew(index);
                index
            }
            None => self.insert(hash, key.clone(), make()),
        };
        #[allow(clippy::indexing_slicing, reason = "the index was just looked up or made")]
        &mut self.entries[index as usize].1
    }

    /// Where the entry of `key` lies, if there is one, until the next change.
    pub fn find(&self, key: &K) -> Option<Place> {
        if self.entries.is_empty() {
            return None;
        }
        self.lookup(hash(key), key).map(Place)
    }

    /// The entry that was just [found](Self::find), touched.
    pub fn renewed(&mut self, place: Place) -> &mut V {
        self.touches.renew(place.0);
        #[allow(clippy::indexing_slicing, reason = "the index was just looked up")]
        &mut self.entries[place.0 as usize].1
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let hash = hash(key);
        let index = self.lookup(hash, key)?;
        self.index.remove(hash, index);
        let (_, value) = self.entries.swap_remove(index as usize);
        self.touches.swap_remove(index);
        if (index as usize) < self.entries.len() {
            let from = u32::try_from(self.entries.len()).unwrap_or(NONE);
            self.index.rename(self.touches.hash(index), from, index);
        }
        Some(value)
    }

    /// Keeps the entries for which `keep` says so, seen from the least to the most recently
    /// touched.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let mut old = std::mem::take(&mut self.entries).into_iter().map(Some).collect::<Vec<_>>();
        let touches = std::mem::replace(&mut self.touches, Touches::new());
        self.index.clear();
        for index in touches.iter() {
            if let Some((key, mut value)) = old.get_mut(index as usize).and_then(Option::take)
                && keep(&key, &mut value)
            {
                self.insert(hash(&key), key, value);
            }
        }
    }

    fn lookup(&self, hash: u32, key: &K) -> Option<u32> {
        let entries = &self.entries;
        let same = |at: u32| entries.get(at as usize).is_some_and(|(known, _)| known == key);
        self.index.find(hash, same)
    }

    /// Puts a key in that is not there; returns its index.
    fn insert(&mut self, hash: u32, key: K, value: V) -> u32 {
        let index = if self.entries.len() >= self.limit {
            let (index, before) = self.touches.replace_oldest(hash);
            self.forgotten += 1;
            self.index.remove(before, index);
            if let Some(place) = self.entries.get_mut(index as usize) {
                *place = (key, value);
            }
            index
        } else {
            if self.entries.len() == self.entries.capacity() {
                self.grow();
            }
            self.entries.push((key, value));
            self.touches.push(hash)
        };
        self.index.insert(hash, index);
        index
    }

    /// Makes room for three times as many again, not for more than there will be: to grow often
    /// means to copy and to hash often.
    #[cold]
    fn grow(&mut self) {
        const LEAST: usize = 4;
        let length = self.entries.len();
        let more = length.saturating_mul(3).max(LEAST).min(self.limit.saturating_sub(length));
        self.entries.reserve_exact(more);
        self.touches.reserve(more);
        self.index.reserve(length + more);
    }
}

impl<K: Hash + Eq + Clone, V: Default> Recent<K, V> {
    /// The entry of `key`, made if need be, touched.
    pub fn touch(&mut self, key: &K) -> &mut V {
        self.touch_or(key, V::default)
    }
}

/// Where hashes begin, other in each run: keys come from the wire, and whoever knew the hashes could
/// have them all fall into one place. Nothing else depends on it.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());

/// The upper half of the hash, in which every bit of the key has a say.
fn hash<K: Hash>(key: &K) -> u32 {
    let mut hasher = Folded(*SEED);
    key.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

/// Keys are addresses, ports and numbers: a word or two each, for which a hasher that is made for
/// bytes of any length spends most of its time on finding out what it was given. Each word is
/// multiplied in, and the two halves of the product are folded together.
struct Folded(u64);

/// The fraction of the golden ratio, in 64 bits.
const FRACTION: u64 = 0x9e37_79b9_7f4a_7c15;
/// Odd, with as many ones as zeros.
const FACTOR: u128 = 0xd6e8_feb8_6659_fd93;

impl Folded {
    #[inline]
    const fn word(&mut self, word: u64) {
        let product = (self.0 ^ word) as u128 * FACTOR;
        self.0 = ((product >> 64) as u64) ^ (product as u64);
    }
}

impl Hasher for Folded {
    #[inline]
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(FRACTION)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let (halves, rest) = rest.as_chunks::<4>();
            let mut last = halves.first().map_or(0, |half| u64::from(u32::from_le_bytes(*half)));
            for byte in rest {
                last = (last << 8) | u64::from(*byte);
            }
            self.word(last);
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.word(number.into());
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.word(number.into());
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.word(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    /// The length of what follows, which each key has alike.
    #[inline]
    fn write_usize(&mut self, _: usize) {}

    /// Which of several shapes follows: mixed in with the next word.
    #[inline]
    fn write_isize(&mut self, shape: isize) {
        self.0 = self.0.rotate_left(9) ^ shape as u64;
    }
}

/// The limit, then keys and values from the least to the most recently touched.
impl<K: Serialize, V: Serialize> Serialize for Recent<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries: Vec<(&K, &V)> = self.iter().collect();
        (self.limit, self.forgotten, entries).serialize(serializer)
    }
}

impl<'de, K: Deserialize<'de> + Hash + Eq + Clone, V: Deserialize<'de>> Deserialize<'de>
    for Recent<K, V>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (limit, forgotten, entries) = <(usize, u64, Vec<(K, V)>)>::deserialize(deserializer)?;
        // What the file says is believed within what makes sense.
        let mut map = Self::new(limit.min(SAVED_MAX));
        for (key, value) in entries {
            map.touch_or(&key, || value);
        }
        map.forgotten = forgotten;
        Ok(map)
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
        assert_eq!((map.forgotten(), map.len()), (1, 80));
        assert_eq!(map.peek(&1), None);
        assert_eq!(map.peek(&0), Some(&1));
        assert_eq!(map.iter().next(), Some((&2, &3)));
        assert_eq!(map.iter().last(), Some((&1000, &0)));
    }

    #[test]
    fn does_what_a_plain_list_would_do() {
        let mut map: Recent<u64, u64> = Recent::new(16);
        let mut list: Vec<(u64, u64)> = Vec::new();
        let mut seed = 1u64;
        for step in 0..20_000 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let key = seed >> 59;
            let place = list.iter().position(|(known, _)| *known == key);
            if seed >> 32 & 7 == 0 {
                assert_eq!(map.remove(&key), place.map(|place| list.remove(place).1));
            } else {
                let entry = place.map_or((key, 0), |place| list.remove(place));
                if list.len() == 16 {
                    list.remove(0);
                }
                list.push((key, entry.1 + step));
                *map.touch(&key) += step;
            }
            if seed >> 40 & 1023 == 0 {
                map.retain(|key, _| key % 3 != 0);
                list.retain(|(key, _)| key % 3 != 0);
            }
            assert!(map.iter().map(|(k, v)| (*k, *v)).eq(list.iter().copied()), "step {step}");
        }
    }

    #[test]
    fn comes_back_as_it_was_saved() {
        let mut map: Recent<u32, String> = Recent::new(4);
        for key in [1, 2, 3, 4, 5, 2] {
            map.touch(&key).push('x');
        }
        let back: Recent<u32, String> =
            postcard::from_bytes(&postcard::to_allocvec(&map).unwrap_or_default())
                .unwrap_or_default();
        assert!(map.iter().eq(back.iter()));
        assert_eq!((back.len(), back.forgotten()), (4, 1));
    }
}
