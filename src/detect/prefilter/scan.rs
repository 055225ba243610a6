//! Finds many patterns in many buffers at once.
//!
//! An Aho-Corasick automaton as one dense table. Walking it is bound by the latency of memory,
//! not by its bandwidth: so several buffers are walked in lock-step, and the processor waits for
//! several loads at once. Case is folded in the byte classes; what is case-sensitive is compared
//! after a hit.

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous;

use super::table::{self, Table};
use super::walk::Walker;

/// A pattern to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern<'a> {
    /// Its bytes; one without any is never found.
    pub bytes: &'a [u8],
    /// Whether ASCII case is ignored.
    pub nocase: bool,
    /// What a hit is reported as. Need not be unique.
    pub id: u32,
}

/// A buffer to search.
#[derive(Clone, Copy, Debug)]
pub struct Haystack<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// 0 at the start of a buffer or stream. After a scan, where the next chunk of the same
    /// stream goes on.
    pub state: u32,
}

impl<'a> Haystack<'a> {
    /// A buffer of its own.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, state: 0 }
    }
}

/// A set of patterns, ready to be found.
#[derive(Debug)]
pub struct Scanner {
    /// The class of each byte; upper and lower case letters share one.
    pub(super) classes: [u8; 256],
    pub(super) table: Table,
    /// Where the candidates of each matching state (of each part, without a table) begin in
    /// `candidates`; one more at the end.
    pub(super) starts: Vec<u32>,
    pub(super) candidates: Vec<Candidate>,
}

/// A pattern that may have been found.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) id: u32,
    /// Bytes of the pattern behind the part that the automaton knows.
    pub(super) tail: u32,
    /// What must be compared, and whether its case is ignored; nothing when the automaton knows
    /// all of it.
    pub(super) compare: Option<(Box<[u8]>, bool)>,
}

impl Scanner {
    /// Prepares to find `patterns`.
    pub fn build(patterns: &[Pattern<'_>]) -> Self {
        table::build(patterns, table::Limits::NORMAL)
    }

    /// Searches all of `haystacks`, and sets their states to where the next chunks of their
    /// streams go on. `hit` gets the index of the haystack, the pattern's `id`, and where in the
    /// haystack the part of it that was looked for ended: at least once for each pattern in each
    /// haystack that it ends in. A pattern of which a part lies in another chunk is reported when it
    /// may be there: what is out of reach is not compared.
    pub fn scan(&self, haystacks: &mut [Haystack<'_>], hit: &mut impl FnMut(usize, u32, usize)) {
        match &self.table {
            Table::Empty => {}
            Table::Narrow { cells, columns, first_match } => {
                Walker { scanner: self, cells, columns: *columns, first_match: *first_match }
                    .walk(haystacks, hit);
            }
            Table::Wide { cells, columns, first_match } => {
                Walker { scanner: self, cells, columns: *columns, first_match: *first_match }
                    .walk(haystacks, hit);
            }
            Table::Compact { automaton, start } => {
                for (lane, haystack) in haystacks.iter_mut().enumerate() {
                    self.scan_compact(automaton, *start, lane, haystack, hit);
                }
            }
        }
    }

    /// Whether there is nothing to find.
    pub const fn is_empty(&self) -> bool {
        matches!(self.table, Table::Empty)
    }

    /// Bytes of memory that it takes, about.
    pub fn memory(&self) -> usize {
        let table = match &self.table {
            Table::Empty => 0,
            Table::Narrow { cells, .. } => cells.len() * 2,
            Table::Wide { cells, .. } => cells.len() * 4,
            Table::Compact { automaton, .. } => automaton.memory_usage(),
        };
        table + self.starts.len() * 4 + self.candidates.len() * size_of::<Candidate>()
    }

    fn scan_compact(
        &self,
        automaton: &contiguous::NFA,
        start: u32,
        lane: usize,
        haystack: &mut Haystack<'_>,
        hit: &mut impl FnMut(usize, u32, usize),
    ) {
        // To callers 0 is the start: the two numbers change places.
        let exchange = |state: u32| match state {
            0 => start,
            state if state == start => 0,
            state => state,
        };
        let Ok(mut state) = StateID::new(exchange(haystack.state) as usize) else { return };
        for (at, byte) in haystack.bytes.iter().enumerate() {
            state = automaton.next_state(Anchored::No, state, byte.to_ascii_lowercase());
            if automaton.is_match(state) {
                for index in 0..automaton.match_len(state) {
                    let part = automaton.match_pattern(state, index).as_usize();
                    self.report(part, lane, haystack.bytes, at + 1, hit);
                }
            }
        }
        haystack.state = exchange(state.as_u32());
    }

    /// Reports what the matching state (or part) `number` stands for, when it is entered behind
    /// byte `end` of `bytes`. Returns whether all of it was there.
    pub(super) fn report(
        &self,
        number: usize,
        lane: usize,
        bytes: &[u8],
        end: usize,
        hit: &mut impl FnMut(usize, u32, usize),
    ) -> bool {
        let start = self.starts.get(number).copied().unwrap_or(0) as usize;
        let stop = self.starts.get(number + 1).copied().unwrap_or(0) as usize;
        let mut all = true;
        for candidate in self.candidates.get(start..stop).unwrap_or_default() {
            if candidate.holds(bytes, end) {
                hit(lane, candidate.id, end);
            } else {
                all = false;
            }
        }
        all
    }
}

impl Candidate {
    /// Whether the pattern whose known part ends at `end` is there, as far as `bytes` tell.
    fn holds(&self, bytes: &[u8], end: usize) -> bool {
        let Some((pattern, nocase)) = &self.compare else { return true };
        let stop = end.saturating_add(self.tail as usize);
        let Some(start) = stop.checked_sub(pattern.len()) else { return true };
        let Some(found) = bytes.get(start..stop) else { return true };
        if *nocase { found.eq_ignore_ascii_case(pattern) } else { found == pattern.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::collections::BTreeSet;

    use aho_corasick::AhoCorasick;

    use super::*;

    /// A deterministic source of numbers (xorshift).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 33).unwrap() % limit
        }

        fn bytes(&mut self, alphabet: &[u8], length: usize) -> Vec<u8> {
            (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
        }
    }

    fn build(patterns: &[(Vec<u8>, bool)]) -> Scanner {
        let patterns: Vec<_> = (0..)
            .zip(patterns)
            .map(|(id, (bytes, nocase))| Pattern { bytes, nocase: *nocase, id })
            .collect();
        Scanner::build(&patterns)
    }

    fn hits(scanner: &Scanner, haystacks: &[Vec<u8>]) -> BTreeSet<(usize, u32)> {
        let mut found = BTreeSet::new();
        let mut haystacks: Vec<_> = haystacks.iter().map(|bytes| Haystack::new(bytes)).collect();
        scanner.scan(&mut haystacks, &mut |lane, id, _| {
            found.insert((lane, id));
        });
        found
    }

    fn oracle(patterns: &[(Vec<u8>, bool)], haystacks: &[Vec<u8>]) -> BTreeSet<(usize, u32)> {
        let mut found = BTreeSet::new();
        for (id, (bytes, nocase)) in (0..).zip(patterns).filter(|(_, (bytes, _))| !bytes.is_empty())
        {
            let one =
                AhoCorasick::builder().ascii_case_insensitive(*nocase).build([bytes]).unwrap();
            for (lane, haystack) in haystacks.iter().enumerate() {
                if one.find_overlapping_iter(haystack).next().is_some() {
                    found.insert((lane, id));
                }
            }
        }
        found
    }

    /// Patterns, whether their case is ignored, and haystacks.
    type Set = (Vec<(Vec<u8>, bool)>, Vec<Vec<u8>>);

    fn random_sets() -> Vec<Set> {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        let alphabets: [&[u8]; 4] = [b"a", b"abAB", b"\0\x01aB\xff", b"etaoinETAOIN /.\0"];
        let mut sets = Vec::new();
        for round in 0..60 {
            let alphabet = alphabets[round % 4];
            let patterns = (0..1 + numbers.below(30)).map(|_| {
                let length = numbers.below(20);
                (numbers.bytes(alphabet, length), numbers.below(2) == 0)
            });
            let patterns = patterns.collect();
            let haystacks = (0..numbers.below(12)).map(|_| {
                let length = numbers.below(200);
                numbers.bytes(alphabet, length)
            });
            let haystacks = haystacks.collect();
            sets.push((patterns, haystacks));
        }
        sets
    }

    #[test]
    fn finds_what_aho_corasick_finds() {
        for (patterns, haystacks) in random_sets() {
            assert_eq!(hits(&build(&patterns), &haystacks), oracle(&patterns, &haystacks));
        }
    }

    #[test]
    fn wide_and_compact_automata_find_the_same() {
        for (patterns, haystacks) in random_sets() {
            let listed: Vec<_> = (0..)
                .zip(&patterns)
                .map(|(id, (bytes, nocase))| Pattern { bytes, nocase: *nocase, id })
                .collect();
            for limits in [
                table::Limits { narrow: 0, ..table::Limits::NORMAL },
                table::Limits { cells: 0, ..table::Limits::NORMAL },
                table::Limits { whole: 0, ..table::Limits::NORMAL },
                table::Limits { whole: 0, cells: 0, narrow: 0 },
            ] {
                let found = hits(&table::build(&listed, limits), &haystacks);
                let expected = oracle(&patterns, &haystacks);
                // A part at the edge may belong to a pattern that goes on in the next chunk.
                assert!(if limits.whole == 0 {
                    found.is_superset(&expected)
                } else {
                    found == expected
                });
            }
        }
    }

    #[test]
    fn a_cut_stream_gives_at_least_what_the_whole_gives() {
        for (patterns, haystacks) in random_sets() {
            let scanner = build(&patterns);
            for haystack in &haystacks {
                let whole = hits(&scanner, std::slice::from_ref(haystack));
                for size in [1, 3, 7] {
                    let mut found = BTreeSet::new();
                    let mut state = 0;
                    for chunk in haystack.chunks(size) {
                        let mut one = [Haystack { bytes: chunk, state }];
                        scanner.scan(&mut one, &mut |lane, id, _| {
                            found.insert((lane, id));
                        });
                        state = one[0].state;
                    }
                    assert!(found.is_superset(&whole));
                    let nocase = |hit: &&(usize, u32)| patterns[hit.1 as usize].1;
                    assert!(found.iter().filter(nocase).eq(whole.iter().filter(nocase)));
                }
            }
        }
    }

    #[test]
    fn a_foreign_state_is_harmless() {
        let scanner = build(&[(b"abc".to_vec(), false)]);
        let mut haystacks = [Haystack { bytes: b"xabc", state: u32::MAX }];
        let mut count = 0;
        scanner.scan(&mut haystacks, &mut |_, _, end| count += end);
        assert_eq!(count, 4);
    }
}
