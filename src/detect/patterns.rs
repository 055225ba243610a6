//! Fast patterns of a group of rules: which of them are in some bytes.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::buffer::Literal;
use super::prefilter::rarity::best_window;

/// Bytes of a literal that the prefilter looks at: enough to be telling, few enough that the seam
/// of two pieces of a stream is cheap to look at twice.
pub const PATTERN_BYTES: usize = 24;

/// A rule and the literal it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    bytes: Vec<u8>,
    rule: u32,
}

impl Entry {
    /// The telling part of a literal, without regard to case.
    pub fn new(literal: &Literal, rule: u32) -> Self {
        let (start, end) = best_window(&literal.bytes, PATTERN_BYTES, true);
        let part = literal.bytes.get(start..end).unwrap_or_default();
        Self { bytes: part.to_ascii_lowercase(), rule }
    }
}

/// Literals of many rules, looked for at once.
pub struct Patterns {
    automaton: Option<AhoCorasick>,
    rules: Vec<Vec<u32>>,
    longest: usize,
}

impl Patterns {
    /// Of these; equal literals share a pattern.
    pub fn new(entries: &[Entry]) -> Self {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted.sort_by(|a, b| (&a.bytes, a.rule).cmp(&(&b.bytes, b.rule)));
        let mut patterns: Vec<&[u8]> = Vec::new();
        let mut rules: Vec<Vec<u32>> = Vec::new();
        for entry in sorted {
            if patterns.last() != Some(&entry.bytes.as_slice()) {
                patterns.push(&entry.bytes);
                rules.push(Vec::new());
            }
            rules.last_mut().into_iter().for_each(|of| of.push(entry.rule));
        }
        let longest = patterns.iter().map(|pattern| pattern.len()).max().unwrap_or(0);
        let kind = if patterns.len() > 2_000 {
            AhoCorasickKind::ContiguousNFA
        } else {
            AhoCorasickKind::DFA
        };
        let automaton = (!patterns.is_empty())
            .then(|| {
                AhoCorasick::builder()
                    .ascii_case_insensitive(true)
                    .match_kind(MatchKind::Standard)
                    .kind(Some(kind))
                    .build(&patterns)
                    .ok()
            })
            .flatten();
        Self { automaton, rules, longest }
    }

    /// Bytes before new ones that must be looked at again to see what lies across the seam.
    pub fn overlap(&self) -> usize {
        self.longest.saturating_sub(1)
    }

    /// Tells each rule whose literal ends behind `from`, and where it ends.
    pub fn scan(&self, bytes: &[u8], from: usize, mut hit: impl FnMut(u32, usize)) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(bytes).filter(|found| found.end() > from) {
            let rules = self.rules.get(found.pattern().as_usize());
            rules.into_iter().flatten().for_each(|rule| hit(*rule, found.end()));
        }
    }
}
