//! Chance from a seed: the same on every machine.

use std::sync::OnceLock;

/// Bytes of noise that all draw from.
const POOL: usize = 1 << 20;

/// A generator of numbers (SplitMix64: G. Steele and others, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// One for each purpose, so that a new habit does not change what the others do.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in purpose.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let mut chance = Self(state);
        chance.next();
        chance
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `limit`, which is above zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// From `least` to below `most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least)
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// A pause of this mean, as between things that happen by themselves.
    pub fn pause(&mut self, mean: u64) -> u64 {
        (-(1.0 - self.share()).ln() * mean as f64) as u64
    }

    /// `value`, more or less by a share of it, evenly.
    pub fn about(&mut self, value: u64, jitter: f64) -> u64 {
        (value as f64 * (1.0 + jitter * (2.0 * self.share() - 1.0))) as u64
    }

    /// A size of this typical value: often less, at times much more.
    pub fn size(&mut self, typical: u64) -> usize {
        let factor = [0.2, 0.5, 0.8, 1.0, 1.0, 1.3, 2.0, 4.0];
        let size = typical as f64 * self.pick(&factor) * (0.7 + 0.6 * self.share());
        size.max(1.0) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of the first rather than one of the last, as with names that people go to.
    pub fn rank(&mut self, count: usize) -> usize {
        let share = self.share();
        (share * share * share * count as f64) as usize
    }

    /// Bytes that mean nothing, as of ciphers.
    pub fn noise(&mut self, length: usize) -> &'static [u8] {
        static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
        let pool = BYTES.get_or_init(|| {
            let mut chance = Self::new(1, "noise");
            (0..POOL / 8).flat_map(|_| chance.next().to_le_bytes()).collect()
        });
        let start = self.below((POOL - length) as u64) as usize;
        &pool[start..start + length]
    }

    /// Letters and digits that mean nothing.
    pub fn letters(&mut self, length: usize) -> String {
        const FROM: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(self.pick(FROM))).collect()
    }
}
