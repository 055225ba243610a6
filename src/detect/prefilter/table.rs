//! Builds the dense table of an automaton.

use std::collections::HashMap;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::{contiguous, noncontiguous};

use super::rarity;
use super::scan::{Candidate, Pattern, Scanner};

/// Bytes of each pattern that a large automaton knows: measured best between the cache misses of
/// more and the false hits of fewer.
const PART_BYTES: usize = 6;

/// What a table may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Cells that whole patterns may need; with more, the automaton knows only the rarest part of
    /// each pattern: so tables stay near the caches.
    pub(super) whole: usize,
    /// Cells at most: with more, a compact automaton takes the table's place, at half the speed.
    pub(super) cells: usize,
    /// States of a table with narrow cells at most.
    pub(super) narrow: usize,
}

impl Limits {
    /// 2 MiB for whole patterns, the size of a core's second cache; 128 MiB at most.
    pub(super) const NORMAL: Self = Self { whole: 1 << 20, cells: 32 << 20, narrow: 65_535 };
}

/// The automaton. In tables, states that match are numbered after all that do not; state 0 is the
/// start.
#[derive(Debug)]
pub(super) enum Table {
    /// Nothing to find.
    Empty,
    /// Row by row, a state a row, a cell the next state: fewer than 65,536 states.
    Narrow { cells: Vec<u16>, columns: usize, first_match: usize },
    /// The same with more states; a cell is where the next state's row begins.
    Wide { cells: Vec<u32>, columns: usize, first_match: usize },
    /// Too many for a table.
    Compact { automaton: Box<contiguous::NFA>, start: u32 },
}

/// What the automaton looks for, all lower case and different, and who wants each.
struct Parts {
    bytes: Vec<Vec<u8>>,
    candidates: Vec<Vec<Candidate>>,
}

/// Prepares to find `patterns`.
pub(super) fn build(patterns: &[Pattern<'_>], limits: Limits) -> Scanner {
    let classes = classes(patterns);
    let columns = usize::from(classes.iter().copied().max().unwrap_or(0)) + 1;
    let size: usize = patterns.iter().map(|pattern| pattern.bytes.len()).sum();
    let whole = size.saturating_mul(columns) <= limits.whole;
    let parts = parts(patterns, if whole { usize::MAX } else { PART_BYTES });
    let mut scanner =
        Scanner { classes, table: Table::Empty, starts: vec![0], candidates: Vec::new() };
    if parts.bytes.is_empty() {
        return scanner;
    }
    // An error means more than two thousand million states: no set of rules has so many.
    let built = noncontiguous::NFA::builder().prefilter(false).build(&parts.bytes);
    let Ok(automaton) = built else { return scanner };
    let explorer =
        Explorer { automaton: &automaton, bytes: representatives(&classes, columns), limits };
    match explorer.states() {
        Some(states) => {
            scanner.table = explorer.table(&states);
            for state in states.order.iter().skip(states.first_match) {
                for index in 0..automaton.match_len(*state) {
                    let part = automaton.match_pattern(*state, index).as_usize();
                    scanner
                        .candidates
                        .extend(parts.candidates.get(part).into_iter().flatten().cloned());
                }
                scanner.starts.push(u32::try_from(scanner.candidates.len()).unwrap_or(u32::MAX));
            }
        }
        None => {
            scanner.table = compact(&automaton);
            for candidates in parts.candidates {
                scanner.candidates.extend(candidates);
                scanner.starts.push(u32::try_from(scanner.candidates.len()).unwrap_or(u32::MAX));
            }
        }
    }
    scanner
}

fn compact(automaton: &noncontiguous::NFA) -> Table {
    let built = contiguous::Builder::new().prefilter(false).build_from_noncontiguous(automaton);
    let start = built.as_ref().ok().and_then(|built| built.start_state(Anchored::No).ok());
    match (built, start) {
        (Ok(built), Some(start)) => {
            Table::Compact { automaton: Box::new(built), start: start.as_u32() }
        }
        _ => Table::Empty,
    }
}

/// A class for each byte that a pattern holds, and class 0 for all others.
fn classes(patterns: &[Pattern<'_>]) -> [u8; 256] {
    let mut used = [false; 256];
    for byte in patterns.iter().flat_map(|pattern| pattern.bytes) {
        if let Some(used) = used.get_mut(usize::from(byte.to_ascii_lowercase())) {
            *used = true;
        }
    }
    let mut classes = [0; 256];
    let mut last = 0;
    // Upper case letters are never used, so there are at most 231.
    for (class, _) in classes.iter_mut().zip(used).filter(|(_, used)| *used) {
        last += 1;
        *class = last;
    }
    for upper in b'A'..=b'Z' {
        let lower = classes.get(usize::from(upper.to_ascii_lowercase())).copied();
        if let (Some(class), Some(lower)) = (classes.get_mut(usize::from(upper)), lower) {
            *class = lower;
        }
    }
    classes
}

/// A byte of each class, by class, none of them an upper case letter.
fn representatives(classes: &[u8; 256], columns: usize) -> Vec<u8> {
    let mut bytes = vec![0; columns];
    for (byte, class) in (0..=u8::MAX).zip(classes).filter(|(byte, _)| !byte.is_ascii_uppercase()) {
        if let Some(slot) = bytes.get_mut(usize::from(*class)) {
            *slot = byte;
        }
    }
    bytes
}

/// Folds the case of patterns, takes of each the rarest part of at most `length` bytes, and joins
/// those that are equal.
fn parts(patterns: &[Pattern<'_>], length: usize) -> Parts {
    let mut numbers: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut parts = Parts { bytes: Vec::new(), candidates: Vec::new() };
    for pattern in patterns.iter().filter(|pattern| !pattern.bytes.is_empty()) {
        let (start, end) = rarity::best_window(pattern.bytes, length, pattern.nocase);
        let part = pattern.bytes.get(start..end).unwrap_or(pattern.bytes).to_ascii_lowercase();
        let cased = pattern.bytes.iter().any(u8::is_ascii_alphabetic) && !pattern.nocase;
        let compared = cased || part.len() < pattern.bytes.len();
        let candidate = Candidate {
            id: pattern.id,
            tail: u32::try_from(pattern.bytes.len().saturating_sub(end)).unwrap_or(0),
            compare: compared.then(|| (pattern.bytes.into(), pattern.nocase)),
        };
        let number = *numbers.entry(part).or_insert_with_key(|part| {
            parts.bytes.push(part.clone());
            parts.candidates.push(Vec::new());
            parts.bytes.len() - 1
        });
        if let Some(candidates) = parts.candidates.get_mut(number) {
            candidates.push(candidate);
        }
    }
    parts
}

/// Walks an automaton from its start.
struct Explorer<'a> {
    automaton: &'a noncontiguous::NFA,
    /// A byte of each class.
    bytes: Vec<u8>,
    limits: Limits,
}

/// The states of an automaton in their order in the table.
struct States {
    order: Vec<StateID>,
    first_match: usize,
}

impl Explorer<'_> {
    /// All states that can be reached: those that do not match first, each in order of discovery,
    /// which keeps the busy ones near the start together; `None` when they need too many cells.
    fn states(&self) -> Option<States> {
        let start = self.automaton.start_state(Anchored::No).ok()?;
        let mut seen = Vec::new();
        let mut order = vec![start];
        let mut next = 0;
        while let Some(state) = order.get(next).copied() {
            next += 1;
            for byte in &self.bytes {
                let to = self.automaton.next_state(Anchored::No, state, *byte);
                if seen.len() <= to.as_usize() {
                    seen.resize(to.as_usize() + 1, false);
                }
                let known = seen.get_mut(to.as_usize())?;
                if !*known && to != start {
                    *known = true;
                    order.push(to);
                }
            }
            if order.len().saturating_mul(self.bytes.len()) > self.limits.cells {
                return None;
            }
        }
        let (mut order, matching): (Vec<_>, Vec<_>) =
            order.into_iter().partition(|state| !self.automaton.is_match(*state));
        let first_match = order.len();
        order.extend(matching);
        Some(States { order, first_match })
    }

    fn table(&self, states: &States) -> Table {
        let States { order, first_match } = states;
        let highest = order.iter().map(|state| state.as_usize()).max().unwrap_or(0);
        let mut numbers = vec![0u32; highest + 1];
        for (number, state) in (0..).zip(order) {
            if let Some(slot) = numbers.get_mut(state.as_usize()) {
                *slot = number;
            }
        }
        let columns = self.bytes.len();
        let cells = order.iter().flat_map(|state| {
            let next = |byte: &u8| self.automaton.next_state(Anchored::No, *state, *byte);
            self.bytes.iter().map(next).map(|to| numbers.get(to.as_usize()).copied().unwrap_or(0))
        });
        if order.len() <= self.limits.narrow {
            let cells = cells.map(|cell| u16::try_from(cell).unwrap_or(0)).collect();
            return Table::Narrow { cells, columns, first_match: *first_match };
        }
        let width = u32::try_from(columns).unwrap_or(0);
        let cells = cells.map(|cell| cell.saturating_mul(width)).collect();
        Table::Wide { cells, columns, first_match: *first_match }
    }
}
