//! A map that keeps its newest entries: names of handles, questions that wait for an answer.

use std::collections::VecDeque;

/// A map that keeps its newest entries; searched from the newest on.
#[derive(Debug)]
pub struct Recent<K, V> {
    entries: VecDeque<(K, V)>,
    limit: usize,
}

impl<K: PartialEq, V> Recent<K, V> {
    /// An empty one for so many entries.
    pub const fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), limit }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        if self.entries.len() >= self.limit {
            self.entries.pop_front();
        }
        self.entries.push_back((key, value));
    }

    /// Takes the value of a key out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.entries.iter().rposition(|(known, _)| known == key)?;
        self.entries.remove(at).map(|(_, value)| value)
    }

    /// Bytes held, with those that `of` counts for an entry.
    pub fn memory(&self, of: impl Fn(&K, &V) -> usize) -> usize {
        let entries: usize = self.entries.iter().map(|(key, value)| of(key, value)).sum();
        entries + self.entries.capacity() * size_of::<(K, V)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entries_are_kept() {
        let mut recent = Recent::new(2);
        recent.insert(1, 'a');
        recent.insert(2, 'b');
        recent.insert(1, 'c');
        recent.insert(3, 'd');
        assert_eq!(recent.remove(&3), Some('d'));
        assert_eq!((recent.get(&1), recent.get(&2)), (Some(&'c'), None));
    }
}
