//! How evenly something is spread.

/// Entropy of a distribution given by its counts, in bits (C. E. Shannon, 1948).
pub fn entropy(counts: impl Iterator<Item = u64> + Clone) -> f64 {
    let total: u64 = counts.clone().sum();
    let share = |count: u64| count as f64 / total as f64;
    counts.filter(|count| *count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

/// Entropy of bytes, 0 to 8 bits a byte.
pub fn of_bytes(bytes: &[u8]) -> f64 {
    let mut counts = [0u64; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    entropy(counts.iter().copied())
}

/// Classes that a [`Spread`] sorts values into.
const CLASSES: usize = 64;

/// How evenly values are spread, in constant memory: they are counted by a part of their hash.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Spread {
    counts: Vec<u32>,
    total: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { counts: vec![0; CLASSES], total: 0 }
    }
}

impl Spread {
    /// Counts a value, given by its hash, `times` over.
    pub fn add(&mut self, hash: u64, times: u64) {
        let class = (hash >> 32) as usize % CLASSES;
        if let Some(count) = self.counts.get_mut(class) {
            *count = count.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
        }
        self.total += times;
    }

    /// 0 when one value makes up all, 1 when many share alike. Of few values it cannot come to 1:
    /// it is measured against what so many could reach.
    pub fn evenness(&self) -> f64 {
        let most = (self.total.min(CLASSES as u64)) as f64;
        if most <= 1.0 {
            return 0.0;
        }
        entropy(self.counts.iter().map(|count| u64::from(*count))) / most.log2()
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        self.counts.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "tests")]
    use super::super::distinct::mix;
    use super::*;

    #[test]
    fn entropy_of_known_distributions() {
        assert_eq!(entropy([5u64, 5, 5, 5].into_iter()), 2.0);
        assert_eq!(entropy([9u64, 0, 0].into_iter()), 0.0);
        assert_eq!(entropy(std::iter::empty()), 0.0);
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!((of_bytes(&all), of_bytes(b"aaaa")), (8.0, 0.0));
    }

    #[test]
    fn a_crowd_is_even_and_one_talker_is_not() {
        let (mut crowd, mut one) = (Spread::default(), Spread::default());
        for value in 0..5000 {
            crowd.add(mix(value), 1);
            one.add(mix(if value % 50 == 0 { value } else { 7 }), 1);
        }
        assert!(crowd.evenness() > 0.97, "{}", crowd.evenness());
        assert!(one.evenness() < 0.15, "{}", one.evenness());
    }
}
