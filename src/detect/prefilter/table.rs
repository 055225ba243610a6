//! Builds the dense table of an automaton.

use std::collections::HashMap;

use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous;
use foldhash::fast::FixedState;

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
    let Some(trie) = Trie::new(&parts.bytes, &scanner.classes, columns, limits.cells) else {
        scanner.table = compact(&parts.bytes);
        for candidates in parts.candidates {
            scanner.candidates.extend(candidates);
            scanner.starts.push(u32::try_from(scanner.candidates.len()).unwrap_or(u32::MAX));
        }
        return scanner;
    };
    let numbering = trie.numbering();
    scanner.table = trie.table(&numbering, limits.narrow);
    for state in numbering.order.iter().skip(numbering.first_match) {
        for part in trie.parts_at(*state) {
            let candidates = parts.candidates.get(part as usize);
            scanner.candidates.extend(candidates.into_iter().flatten().cloned());
        }
        scanner.starts.push(u32::try_from(scanner.candidates.len()).unwrap_or(u32::MAX));
    }
    scanner
}

fn compact(parts: &[Vec<u8>]) -> Table {
    // An error means more than two thousand million states: no set of rules has so many.
    let built = contiguous::Builder::new().prefilter(false).build(parts);
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

/// Folds the case of patterns, takes of each the rarest part of at most `length` bytes, and joins
/// those that are equal.
fn parts(patterns: &[Pattern<'_>], length: usize) -> Parts {
    let mut numbers: HashMap<Vec<u8>, usize, FixedState> = HashMap::default();
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

/// An automaton being built: the tree of all parts, in which each state then gets a next one for
/// every class.
struct Trie {
    columns: usize,
    /// Row by row the next states; 0, the start, where there is none.
    next: Vec<u32>,
    /// States in the order of their depth, from the start.
    order: Vec<u32>,
    /// Of each state the part that ends there.
    own: Vec<Option<u32>>,
    /// Of each state the longest of its ends, itself aside, at which a part ends.
    shorter: Vec<Option<u32>>,
}

/// The states of an automaton in their order in the table.
struct Numbering {
    order: Vec<u32>,
    first_match: usize,
}

impl Trie {
    /// `None` when it takes more than so many cells.
    fn new(parts: &[Vec<u8>], classes: &[u8; 256], columns: usize, cells: usize) -> Option<Self> {
        let (order, shorter) = (vec![0], vec![None]);
        let mut trie = Self { columns, next: vec![0; columns], order, own: vec![None], shorter };
        for (number, part) in (0..).zip(parts) {
            let mut state = 0;
            for byte in part {
                let class = classes.get(usize::from(*byte)).copied().unwrap_or(0);
                let fresh = u32::try_from(trie.own.len()).ok()?;
                let cell = trie.cell(state, usize::from(class))?;
                if *cell == 0 {
                    *cell = fresh;
                    trie.next.resize(trie.next.len() + columns, 0);
                    trie.own.push(None);
                    if trie.next.len() > cells {
                        return None;
                    }
                }
                state = *trie.cell(state, usize::from(class))?;
            }
            *trie.own.get_mut(state as usize)? = Some(number);
        }
        trie.complete()?;
        Some(trie)
    }

    fn cell(&mut self, state: u32, class: usize) -> Option<&mut u32> {
        self.next.get_mut(state as usize * self.columns + class)
    }

    /// Goes on from each state as from the longest of its ends that is a state too. That is nearer to
    /// the start, and so complete when it is asked.
    fn complete(&mut self) -> Option<()> {
        let states = self.own.len();
        let mut ends = vec![0; states];
        self.shorter.resize(states, None);
        let mut done = 0;
        while let Some(state) = self.order.get(done).copied() {
            done += 1;
            let end = *ends.get(state as usize)?;
            for class in 0..self.columns {
                let otherwise = if state == 0 { 0 } else { *self.cell(end, class)? };
                let cell = self.cell(state, class)?;
                let child = *cell;
                if child == 0 {
                    *cell = otherwise;
                    continue;
                }
                *ends.get_mut(child as usize)? = otherwise;
                let matches = self.own.get(otherwise as usize)?.is_some();
                let shorter = self.shorter.get(otherwise as usize).copied().flatten();
                let shorter = if matches { Some(otherwise) } else { shorter };
                *self.shorter.get_mut(child as usize)? = shorter;
                self.order.push(child);
            }
        }
        Some(())
    }

    /// The parts that end at a state, the longest first.
    fn parts_at(&self, state: u32) -> impl Iterator<Item = u32> {
        let shorter = move |state: &u32| self.shorter.get(*state as usize).copied().flatten();
        let states = std::iter::successors(Some(state), shorter);
        states.filter_map(move |state| self.own.get(state as usize).copied().flatten())
    }

    /// Those that do not match first, each in order of depth, which keeps the busy ones near the
    /// start together.
    fn numbering(&self) -> Numbering {
        let matches = |state: &u32| self.parts_at(*state).next().is_some();
        let (mut order, matching): (Vec<_>, Vec<_>) =
            self.order.iter().copied().partition(|state| !matches(state));
        let first_match = order.len();
        order.extend(matching);
        Numbering { order, first_match }
    }

    fn table(&self, numbering: &Numbering, narrow: usize) -> Table {
        let Numbering { order, first_match } = numbering;
        let (columns, first_match) = (self.columns, *first_match);
        let mut numbers = vec![0u32; order.len()];
        for (number, state) in (0..).zip(order) {
            numbers.get_mut(*state as usize).into_iter().for_each(|slot| *slot = number);
        }
        let cells = order.iter().flat_map(|state| {
            let start = *state as usize * columns;
            let row = self.next.get(start..start + columns).unwrap_or_default();
            row.iter().map(|to| numbers.get(*to as usize).copied().unwrap_or(0))
        });
        if order.len() <= narrow {
            let cells = cells.map(|cell| u16::try_from(cell).unwrap_or(0)).collect();
            return Table::Narrow { cells, columns, first_match };
        }
        let width = u32::try_from(columns).unwrap_or(0);
        let cells = cells.map(|cell| cell.saturating_mul(width)).collect();
        Table::Wide { cells, columns, first_match }
    }
}
