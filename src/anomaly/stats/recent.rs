//! A bounded map that forgets what was touched least recently.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// Entries of a map that was saved, at most.
const SAVED_MAX: usize = 1 << 20;
/// No entry.
const NONE: u32 = u32::MAX;

/// A map of at most `limit` entries, kept in the order in which they were last touched. The hash
/// is seeded alike in every run, and nothing depends on it but speed.
#[derive(Clone, Debug)]
pub struct Recent<K, V> {
    table: HashTable<u32>,
    entries: Vec<Entry<K, V>>,
    /// Least recently touched.
    oldest: u32,
    /// Most recently touched.
    newest: u32,
    limit: usize,
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    older: u32,
    newer: u32,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self::new(1)
    }
}

impl<K, V> Recent<K, V> {
    /// An empty map that will hold up to `limit` entries, at least one.
    pub const fn new(limit: usize) -> Self {
        let limit = if limit == 0 { 1 } else { limit };
        let table = HashTable::new();
        Self { table, entries: Vec::new(), oldest: NONE, newest: NONE, limit, forgotten: 0 }
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
        self.entries.capacity() * size_of::<Entry<K, V>>() + self.table.capacity() * 5
    }

    /// Entries from the least to the most recently touched.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut at = self.oldest;
        std::iter::from_fn(move || {
            let entry = self.entries.get(at as usize)?;
            at = entry.newer;
            Some((&entry.key, &entry.value))
        })
    }

    /// Values in no order that means anything; they may change, the order of touches does not.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|entry| &mut entry.value)
    }

    fn unlink(&mut self, index: u32) {
        let Some(entry) = self.entries.get(index as usize) else { return };
        let (older, newer) = (entry.older, entry.newer);
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
    }

    fn link_newest(&mut self, index: u32) {
        let older = self.newest;
        if let Some(entry) = self.entries.get_mut(index as usize) {
            (entry.older, entry.newer) = (older, NONE);
        }
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = index,
            None => self.oldest = index,
        }
        self.newest = index;
    }
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    /// The entry of `key`, if there is one; not touched.
    pub fn peek(&self, key: &K) -> Option<&V> {
        let index = self.index(key)?;
        self.entries.get(index as usize).map(|entry| &entry.value)
    }

    /// The entry of `key`, if there is one, touched.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        let index = self.index(key)?;
        self.renew(index);
        self.entries.get_mut(index as usize).map(|entry| &mut entry.value)
    }

    /// The entry of `key`, made by `make` if need be, touched.
    pub fn touch_or(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        let index = match self.index(key) {
            Some(index) => {
                self.renew(index);
                index
            }
            None => self.insert(key.clone(), make()),
        };
        #[allow(clippy::indexing_slicing, reason = "the index was just looked up or made")]
        &mut self.entries[index as usize].value
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let index = self.index(key)?;
        let hash = hash(key);
        if let Ok(found) = self.table.find_entry(hash, |at| *at == index) {
            found.remove();
        }
        self.unlink(index);
        let removed = self.entries.swap_remove(index as usize);
        self.moved(u32::try_from(self.entries.len()).unwrap_or(NONE), index);
        Some(removed.value)
    }

    /// Keeps the entries for which `keep` says so, seen from the least to the most recently
    /// touched.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let mut old = std::mem::take(&mut self.entries).into_iter().map(Some).collect::<Vec<_>>();
        let mut at = std::mem::replace(&mut self.oldest, NONE);
        self.newest = NONE;
        self.table.clear();
        while let Some(Entry { key, mut value, newer, .. }) =
            old.get_mut(at as usize).and_then(Option::take)
        {
            at = newer;
            if keep(&key, &mut value) {
                self.insert(key, value);
            }
        }
    }

    fn index(&self, key: &K) -> Option<u32> {
        let entries = &self.entries;
        let same = |at: &u32| entries.get(*at as usize).is_some_and(|entry| entry.key == *key);
        self.table.find(hash(key), same).copied()
    }

    fn renew(&mut self, index: u32) {
        if self.newest != index {
            self.unlink(index);
            self.link_newest(index);
        }
    }

    /// Puts a key in that is not there; returns its index.
    fn insert(&mut self, key: K, value: V) -> u32 {
        if self.entries.len() >= self.limit {
            let oldest = self.entries.get(self.oldest as usize).map(|entry| entry.key.clone());
            oldest.into_iter().for_each(|oldest| {
                self.remove(&oldest);
                self.forgotten += 1;
            });
        }
        let index = u32::try_from(self.entries.len()).unwrap_or(NONE);
        let hash_of = hash(&key);
        self.entries.push(Entry { key, value, older: NONE, newer: NONE });
        self.link_newest(index);
        let entries = &self.entries;
        self.table.insert_unique(hash_of, index, |at| {
            entries.get(*at as usize).map_or(0, |entry| hash(&entry.key))
        });
        index
    }

    /// The entry that was at `from` is now at `to`.
    fn moved(&mut self, from: u32, to: u32) {
        let Some(entry) = self.entries.get(to as usize) else { return };
        let (older, newer, hash) = (entry.older, entry.newer, hash(&entry.key));
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = to,
            None => self.oldest = to,
        }
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = to,
            None => self.newest = to,
        }
        if let Some(at) = self.table.find_mut(hash, |at| *at == from) {
            *at = to;
        }
    }
}

impl<K: Hash + Eq + Clone, V: Default> Recent<K, V> {
    /// The entry of `key`, made if need be, touched.
    pub fn touch(&mut self, key: &K) -> &mut V {
        self.touch_or(key, V::default)
    }
}

fn hash<K: Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
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
