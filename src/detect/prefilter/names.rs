//! Finds names that end in one of many suffixes: domains of DNS queries, TLS hellos, HTTP hosts.
//!
//! Most rules about names want a name, or all below it. That is a look-up of each of the name's
//! suffixes in a hash table, in one pass from its end: no automaton, and a cost that does not
//! grow with the number of rules.

/// How a pattern must stand in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// It is all of the name.
    Exact,
    /// The name ends with it.
    Suffix,
    /// The name with a dot put before it ends with it (`dotprefix`, `endswith`).
    DottedSuffix,
}

/// A pattern for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// Its bytes; one without any is never found.
    pub bytes: &'a [u8],
    /// How it must stand.
    pub kind: NameKind,
    /// What a hit is reported as. Need not be unique.
    pub id: u32,
}

/// A set of patterns for names. Case is folded: who cares about it compares after a hit.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Place in `entries` plus one of the first entry of a hash, 0 for none; a power of two long,
    /// at most half full.
    slots: Vec<u32>,
    /// Sorted by hash.
    entries: Vec<Entry>,
    /// Length of the longest pattern.
    longest: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    hash: u64,
    bytes: Box<[u8]>,
    kind: NameKind,
    id: u32,
}

/// Of the rolling hash: odd, its bits well mixed.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Names {
    /// Prepares to find `names`.
    pub fn build(names: &[Name<'_>]) -> Self {
        let mut entries: Vec<Entry> = names
            .iter()
            .filter(|name| !name.bytes.is_empty())
            .map(|name| {
                let bytes = name.bytes.to_ascii_lowercase().into_boxed_slice();
                let hash = bytes.iter().rev().fold(0, |hash, byte| roll(hash, *byte));
                Entry { hash, bytes, kind: name.kind, id: name.id }
            })
            .collect();
        entries.sort_by(|a, b| (a.hash, &a.bytes, a.id).cmp(&(b.hash, &b.bytes, b.id)));
        let longest = entries.iter().map(|entry| entry.bytes.len()).max().unwrap_or(0);
        let mut names = Self { slots: Vec::new(), entries, longest };
        names.fill_slots();
        names
    }

    /// Whether there is nothing to find.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reports the `id` of each pattern that stands in `name` as it must.
    pub fn lookup(&self, name: &[u8], hit: &mut impl FnMut(u32)) {
        let mut hash = 0;
        for (before, byte) in name.iter().enumerate().rev().take(self.longest) {
            hash = roll(hash, byte.to_ascii_lowercase());
            let suffix = name.get(before..).unwrap_or_default();
            self.probe(hash, |entry| {
                let fits = entry.kind != NameKind::Exact || before == 0;
                if fits && entry.bytes.eq_ignore_ascii_case(suffix) {
                    hit(entry.id);
                }
            });
        }
        if name.len() < self.longest {
            self.probe(roll(hash, b'.'), |entry| {
                let behind = entry.bytes.strip_prefix(b".");
                let fits = entry.kind == NameKind::DottedSuffix;
                if fits && behind.is_some_and(|behind| behind.eq_ignore_ascii_case(name)) {
                    hit(entry.id);
                }
            });
        }
    }

    fn fill_slots(&mut self) {
        let size = (self.entries.len() * 2).next_power_of_two();
        self.slots = vec![0; size];
        let mut previous = None;
        for (number, entry) in (1..).zip(&self.entries) {
            if previous == Some(entry.hash) {
                continue;
            }
            previous = Some(entry.hash);
            let mut slot = place(entry.hash, size);
            while self.slots.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(free) = self.slots.get_mut(slot) {
                *free = number;
            }
        }
    }

    /// Calls `found` with each entry of the hash.
    fn probe(&self, hash: u64, mut found: impl FnMut(&Entry)) {
        let size = self.slots.len();
        let mut slot = place(hash, size);
        while let Some(number) = self.slots.get(slot).copied().filter(|number| *number != 0) {
            let first = number as usize - 1;
            let entries = self.entries.get(first..).unwrap_or_default();
            if entries.first().is_some_and(|entry| entry.hash == hash) {
                entries.iter().take_while(|entry| entry.hash == hash).for_each(&mut found);
                return;
            }
            slot = (slot + 1) & (size - 1);
        }
    }
}

/// The hash of a suffix one byte longer.
const fn roll(hash: u64, byte: u8) -> u64 {
    (hash ^ (byte as u64 + 1)).wrapping_mul(FACTOR).rotate_left(23)
}

/// Where the search for a hash begins among `size` slots, a power of two.
fn place(hash: u64, size: usize) -> usize {
    usize::try_from(hash ^ hash >> 32).unwrap_or(0) & size.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &Names, name: &[u8]) -> Vec<u32> {
        let mut ids = Vec::new();
        names.lookup(name, &mut |id| ids.push(id));
        ids.sort_unstable();
        ids
    }

    #[test]
    fn names_are_found_as_their_kind_says() {
        let names = Names::build(&[
            Name { bytes: b"Example.com", kind: NameKind::Exact, id: 1 },
            Name { bytes: b"example.com", kind: NameKind::Suffix, id: 2 },
            Name { bytes: b".example.com", kind: NameKind::DottedSuffix, id: 3 },
            Name { bytes: b".example.com", kind: NameKind::Suffix, id: 4 },
            Name { bytes: b".com", kind: NameKind::DottedSuffix, id: 5 },
            Name { bytes: b"", kind: NameKind::Suffix, id: 6 },
        ]);
        assert_eq!(found(&names, b"EXAMPLE.com"), [1, 2, 3, 5]);
        assert_eq!(found(&names, b"www.example.com"), [2, 3, 4, 5]);
        assert_eq!(found(&names, b"myexample.com"), [2, 5]);
        assert_eq!(found(&names, b"com"), [5]);
        assert_eq!(found(&names, b""), [] as [u32; 0]);
        assert_eq!(found(&names, b"example.com."), [] as [u32; 0]);
        assert_eq!(found(&Names::build(&[]), b"example.com"), [] as [u32; 0]);
    }

    #[test]
    fn many_names_are_told_apart() {
        let texts: Vec<String> = (0..5_000_u32).map(|n| format!("host-{n}.example.org")).collect();
        let listed: Vec<_> = (0..)
            .zip(&texts)
            .map(|(id, text)| Name { bytes: text.as_bytes(), kind: NameKind::Exact, id })
            .collect();
        let names = Names::build(&listed);
        for (id, text) in (0..).zip(&texts) {
            assert_eq!(found(&names, text.as_bytes()), [id]);
        }
    }
}
