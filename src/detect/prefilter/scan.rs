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
        table::build(patterns)
    }

    /// Searches all of `haystacks`, and sets their states to where the next chunks of their
    /// streams go on. `hit` gets the index of the haystack, the pattern's `id`, and where in the
    /// haystack the part of it that was looked for ended: at least once for each pattern in each
    /// haystack that it ends in. A pattern that began in an earlier chunk is reported when it may
    /// be there: what is out of reach is not compared.
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
