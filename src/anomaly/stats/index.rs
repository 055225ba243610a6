//! Where things lie, by their hash.
//!
//! A table of open places, looked through from the hash on (D. E. Knuth: The Art of Computer
//! Programming, volume 3, section 6.4, algorithm L; taking out: algorithm R). A place is one word
//! with half of the hash, which is all that is asked for, and the index of the thing, so that most
//! look-ups fetch one line into the cache, and growing looks at no thing.

/// Places of the smallest table.
const LEAST: usize = 8;

/// See the module's page.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// As many as a power of two; 0, or half of a hash and an index that counts from 1.
    places: Vec<u64>,
    used: usize,
}

impl Index {
    /// An empty one.
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), used: 0 }
    }

    /// The index with this hash that `is_it` says is meant.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.place(hash, is_it).map(|(_, index)| index)
    }

    /// Puts in an index that is not there.
    pub(super) fn insert(&mut self, hash: u32, index: u32) {
        if (self.used + 1) * 4 > self.places.len() * 3 {
            self.grow(self.places.len() * 2);
        }
        self.used += 1;
        self.put(word(hash, index));
    }

    /// Makes room for `count` in all.
    pub(super) fn reserve(&mut self, count: usize) {
        if count * 4 > self.places.len() * 3 {
            self.grow((count * 4).div_ceil(3).next_power_of_two());
        }
    }

    /// Takes an index out.
    pub(super) fn remove(&mut self, hash: u32, index: u32) {
        let Some((mut hole, _)) = self.place(hash, |known| known == index) else { return };
        let mask = self.places.len().wrapping_sub(1);
        self.used -= 1;
        let mut next = (hole + 1) & mask;
        while let Some(word) = self.places.get(next).copied().filter(|word| *word != 0) {
            // What is looked for from before the hole on moves into it.
            if next.wrapping_sub(home(word)) & mask >= next.wrapping_sub(hole) & mask {
                self.set(hole, word);
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.set(hole, 0);
    }

    /// What had index `from` has index `to` now.
    pub(super) fn rename(&mut self, hash: u32, from: u32, to: u32) {
        if let Some((place, _)) = self.place(hash, |known| known == from) {
            self.set(place, word(hash, to));
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.places.fill(0);
        self.used = 0;
    }

    /// Bytes on the heap.
    pub(super) const fn memory(&self) -> usize {
        self.places.capacity() * size_of::<u64>()
    }

    #[inline]
    fn place(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<(usize, u32)> {
        let mask = self.places.len().wrapping_sub(1);
        let mut place = hash as usize & mask;
        // There is always a place that is free.
        while let Some(word) = self.places.get(place).copied().filter(|word| *word != 0) {
            let index = (word as u32).wrapping_sub(1);
            if (word >> 32) as u32 == hash && is_it(index) {
                return Some((place, index));
            }
            place = (place + 1) & mask;
        }
        None
    }

    fn put(&mut self, word: u64) {
        let mask = self.places.len().wrapping_sub(1);
        let mut place = home(word) & mask;
        while self.places.get(place).is_some_and(|word| *word != 0) {
            place = (place + 1) & mask;
        }
        self.set(place, word);
    }

    fn set(&mut self, place: usize, word: u64) {
        self.places.get_mut(place).into_iter().for_each(|known| *known = word);
    }

    fn grow(&mut self, places: usize) {
        let old = std::mem::replace(&mut self.places, vec![0; places.max(LEAST)]);
        old.into_iter().filter(|word| *word != 0).for_each(|word| self.put(word));
    }
}

/// What stands in a place.
const fn word(hash: u32, index: u32) -> u64 {
    (hash as u64) << 32 | (index as u64 + 1)
}

/// Where a word is looked for first.
const fn home(word: u64) -> usize {
    (word >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::stats::distinct::mix;

    #[test]
    fn does_what_a_plain_list_would_do() {
        for shift in [0, 20, 31] {
            let hash = |index: u32| (mix(u64::from(index)) >> 32) as u32 >> shift << shift;
            let (mut index, mut list) = (Index::new(), Vec::<u32>::new());
            let mut seed = 1u64;
            for step in 0..30_000u64 {
                seed = mix(seed.wrapping_add(step));
                let number = (seed >> 33) as u32 % 300;
                let known = list.iter().position(|known| *known == number);
                let found = index.find(hash(number), |known| known == number);
                assert_eq!(found, known.map(|_| number), "step {step}");
                match known {
                    Some(at) => {
                        index.remove(hash(number), number);
                        list.swap_remove(at);
                    }
                    None => {
                        index.insert(hash(number), number);
                        list.push(number);
                    }
                }
            }
            assert!(index.memory() <= 1024 * 8 && index.used == list.len());
            index.rename(hash(7), 7, 1000);
            let renamed = index.find(hash(7), |known| known == 1000).is_some();
            assert_eq!(renamed, list.contains(&7));
            index.clear();
            assert!((0..300).all(|number| index.find(hash(number), |_| true).is_none()));
        }
    }
}
