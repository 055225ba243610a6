//! How many different values were seen, in bounded memory.

/// Values kept in the counter itself: most have no more.
const FEW: usize = 6;
/// Values kept exactly before the bitmap takes over.
const EXACT: usize = 24;
/// Bits of the bitmap: 1 KiB, about 2 % error at 5,000 values.
const BITS: u64 = 8192;
/// The same in words.
const WORDS: usize = (BITS / 64) as usize;

/// Counts distinct values: exactly up to 24, then by linear counting (K.-Y. Whang et al.,
/// "A Linear-Time Probabilistic Counting Algorithm for Database Applications", 1990).
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Distinct {
    /// The first values, until there are more. Half of a hash tells few values apart well enough.
    few: [u32; FEW],
    /// How many of `few` there are.
    count: u8,
    /// All of them, once they are more.
    many: Option<Box<Many>>,
}

/// More values than a few.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Many {
    /// Empty once the bitmap is in use.
    exact: Vec<u32>,
    /// Empty as long as values are kept exactly.
    bitmap: Vec<u64>,
    ones: u64,
}

impl Distinct {
    /// Adds a value, given by its hash; whether it was new. A value that is new may be taken for
    /// one seen before, once the bitmap is in use: a count errs low, never high.
    pub fn insert(&mut self, hash: u64) -> bool {
        #[allow(clippy::cast_possible_truncation, reason = "half of the hash is kept")]
        let short = hash as u32;
        if let Some(many) = &mut self.many {
            return many.insert(short);
        }
        if self.few().contains(&short) {
            return false;
        }
        match self.few.get_mut(usize::from(self.count)) {
            Some(place) => {
                *place = short;
                self.count += 1;
                true
            }
            None => self.many().insert(short),
        }
    }

    /// Whether a value was added, or one that is taken for it.
    pub fn contains(&self, hash: u64) -> bool {
        #[allow(clippy::cast_possible_truncation, reason = "half of the hash is kept")]
        let short = hash as u32;
        self.many.as_ref().map_or_else(|| self.few().contains(&short), |many| many.contains(short))
    }

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Self) {
        let exact = other.many.as_ref().map_or(other.few(), |many| &many.exact);
        exact.iter().for_each(|short| {
            self.insert(u64::from(*short));
        });
        if let Some(other) = other.many.as_ref().filter(|many| !many.bitmap.is_empty()) {
            self.many().merge(other);
        }
    }

    /// The count, or the estimate.
    pub fn count(&self) -> u64 {
        self.many.as_ref().map_or(self.count.into(), |many| many.count())
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        let of = |many: &Many| many.exact.capacity() * 4 + many.bitmap.capacity() * 8;
        self.many.as_ref().map_or(0, |many| size_of::<Many>() + of(many))
    }

    fn few(&self) -> &[u32] {
        self.few.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// All that was counted, from now on as many.
    fn many(&mut self) -> &mut Many {
        let (few, count) = (std::mem::take(&mut self.few), std::mem::take(&mut self.count));
        self.many.get_or_insert_with(|| {
            let exact = few.into_iter().take(count.into()).collect();
            Box::new(Many { exact, ..Many::default() })
        })
    }
}

impl Many {
    fn insert(&mut self, short: u32) -> bool {
        if self.bitmap.is_empty() {
            if self.exact.contains(&short) {
                return false;
            }
            if self.exact.len() < EXACT {
                self.exact.push(short);
                return true;
            }
            self.spill();
        }
        let new = set(&mut self.bitmap, short);
        self.ones += u64::from(new);
        new
    }

    fn contains(&self, short: u32) -> bool {
        let (word, bit) = place(short);
        self.exact.contains(&short) || self.bitmap.get(word).is_some_and(|word| word & bit != 0)
    }

    fn merge(&mut self, other: &Self) {
        if self.bitmap.is_empty() {
            self.spill();
        }
        for (word, more) in self.bitmap.iter_mut().zip(&other.bitmap) {
            *word |= more;
        }
        self.ones = self.bitmap.iter().map(|word| u64::from(word.count_ones())).sum();
    }

    /// Goes on with a bitmap.
    fn spill(&mut self) {
        self.bitmap = vec![0; WORDS];
        for old in std::mem::take(&mut self.exact) {
            self.ones += u64::from(set(&mut self.bitmap, old));
        }
    }

    fn count(&self) -> u64 {
        if self.bitmap.is_empty() {
            return self.exact.len() as u64;
        }
        let zeros = BITS.saturating_sub(self.ones).max(1) as f64;
        (BITS as f64 * (BITS as f64 / zeros).ln()).round() as u64
    }
}

fn set(bitmap: &mut [u64], hash: u32) -> bool {
    let (index, mask) = place(hash);
    let Some(word) = bitmap.get_mut(index) else { return false };
    let new = *word & mask == 0;
    *word |= mask;
    new
}

/// Word and bit of a hash.
const fn place(hash: u32) -> (usize, u64) {
    let bit = hash as u64 % BITS;
    ((bit / 64) as usize, 1 << (bit % 64))
}

/// A hash of an address.
pub const fn mix_address(address: std::net::IpAddr) -> u64 {
    match address {
        std::net::IpAddr::V4(v4) => mix(v4.to_bits() as u64),
        std::net::IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            mix(mix((bits >> 64) as u64) ^ bits as u64)
        }
    }
}

/// A hash of bytes (FNV-1a, by G. Fowler, L. C. Noll and K.-P. Vo, public domain, then mixed).
pub fn mix_bytes(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }))
}

/// A hash of a small value, the same on every machine (the finaliser of MurmurHash3, public
/// domain, by A. Appleby).
pub const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_counted_exactly_many_within_three_percent() {
        for (many, error) in [(1u64, 0), (24, 0), (25, 1), (1000, 30), (5000, 150)] {
            let mut distinct = Distinct::default();
            for value in (0..many).chain(0..many) {
                distinct.insert(mix(value));
            }
            assert!(distinct.count().abs_diff(many) <= error, "{many}: {}", distinct.count());
        }
    }

    #[test]
    fn two_together_count_as_if_all_had_been_shown_to_one() {
        let of = |values: std::ops::Range<u64>| {
            let mut distinct = Distinct::default();
            values.for_each(|value| {
                distinct.insert(mix(value));
            });
            distinct
        };
        for (one, other) in [(0..4, 2..9), (0..20, 10..40), (0..10, 5..900), (0..900, 5..10)] {
            let (mut both, whole) = (of(one.clone()), of(one.start..one.end.max(other.end)));
            both.merge(&of(other));
            assert_eq!(both, whole);
        }
        let mut both = of(0..500);
        both.merge(&of(250..1000));
        assert_eq!(both, of(0..1000));
    }
}
