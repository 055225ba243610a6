//! Fast patterns of a group of rules: which of them are in some bytes.

use std::sync::{Mutex, OnceLock, PoisonError};

use memchr::memmem::Finder;

use super::plan::Gate;
use super::prefilter::grams::Grams;
use super::prefilter::rarity::{best_window, score};
use super::prefilter::scan::{Haystack, Pattern, Scanner};

/// Bytes of a literal that the prefilter looks at: enough to be telling, few enough that the seam
/// of two pieces of a stream is cheap to look at twice.
pub const PATTERN_BYTES: usize = 12;

/// The same where an automaton has to do: it would grow with them.
const AUTOMATON_BYTES: usize = 6;

/// Literals that cannot stand behind so many bytes are searched apart, in those bytes alone. Nearly
/// all that have an end have it here; the few others are cheaper to find among those without.
pub const NEAR_BYTES: usize = 32;

/// A rule and the literal it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// Of these the first `length`: rules are filed under many ports, so it lies here itself.
    bytes: [u8; PATTERN_BYTES],
    length: u8,
    nocase: bool,
    rule: u32,
    reach: usize,
}

impl Entry {
    /// The telling part of a literal.
    pub fn new(gate: &Gate<'_>, rule: u32) -> Self {
        let literal = gate.literal;
        let (start, end) = best_window(&literal.bytes, PATTERN_BYTES, literal.nocase);
        let part = literal.bytes.get(start..end).unwrap_or_default();
        Self::of(part, literal.nocase, rule, gate.reach.unwrap_or(usize::MAX))
    }

    /// Of bytes, with where they must end.
    pub(super) fn of(part: &[u8], nocase: bool, rule: u32, reach: usize) -> Self {
        let mut bytes = [0; PATTERN_BYTES];
        bytes.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        let length = u8::try_from(part.len().min(PATTERN_BYTES)).unwrap_or(0);
        Self { bytes, length, nocase, rule, reach }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Whether it can only stand near the start of the buffer.
    pub fn near(&self) -> bool {
        self.reach <= NEAR_BYTES
    }
}

/// Literals of many rules, looked for at once.
pub struct Patterns {
    /// Where the rules of each pattern begin in `rules`; one more at the end.
    starts: Vec<u32>,
    rules: Vec<u32>,
    /// Those looked for by themselves.
    singles: Vec<Single>,
    /// The others, until `finder` is made of them.
    wanted: Mutex<Vec<Wanted>>,
    /// Whether these need no automaton.
    sparse: bool,
    /// How these are found. Made when it is first needed: most groups never are where a sensor stands,
    /// and a capture asks for few of them.
    finder: OnceLock<Search>,
    /// Bytes of the longest that is looked for.
    longest: usize,
    reach: usize,
}

/// How those are found that are not looked for by themselves.
enum Search {
    /// There are none.
    Nothing,
    /// Where looking at some places is enough.
    Sparse(Box<Grams>),
    /// The automaton.
    Many(Box<Scanner>),
}

/// Patterns up to which each is looked for by itself: many times faster than any automaton.
const FEW: usize = 3;

/// Patterns shorter than this cannot be found by looking at some places.
const SHORT_BYTES: usize = 2;

/// Short patterns that can stand anywhere up to which each is looked for by itself, ...
const SHORT_FEW: usize = 4;

/// ... and those that can stand near the start of the buffer alone.
const SHORT_NEAR: usize = 12;

/// One pattern.
struct Single {
    number: u32,
    entry: Entry,
    /// Where case tells: a search for all of it.
    whole: Option<Finder<'static>>,
    /// Else by the byte of it that is rarest in traffic, small or large.
    at: usize,
    low: u8,
    high: u8,
}

/// The same bytes that several rules wait for, with the widest reach of these.
#[derive(Clone, Copy)]
struct Wanted {
    number: u32,
    entry: Entry,
}

impl Wanted {
    fn is_short(&self) -> bool {
        self.entry.bytes().len() < SHORT_BYTES
    }

    /// What the automaton looks for.
    fn part(&self) -> &[u8] {
        let bytes = self.entry.bytes();
        let (start, end) = best_window(bytes, AUTOMATON_BYTES, self.entry.nocase);
        bytes.get(start..end).unwrap_or_default()
    }
}

impl Search {
    fn new(wanted: &[Wanted]) -> Self {
        if wanted.is_empty() {
            return Self::Nothing;
        }
        let patterns = wanted.iter().map(|w| (w.entry.bytes(), w.entry.nocase, w.number));
        if let Some(grams) = Grams::build(patterns) {
            return Self::Sparse(Box::new(grams));
        }
        let patterns: Vec<Pattern<'_>> = wanted
            .iter()
            .map(|w| Pattern { bytes: w.part(), nocase: w.entry.nocase, id: w.number })
            .collect();
        Self::Many(Box::new(Scanner::build(&patterns)))
    }
}

impl Patterns {
    /// Of these.
    pub fn new(entries: &[Entry]) -> Self {
        let reach = entries.iter().map(|entry| entry.reach).max().unwrap_or(0);
        let mut entries = entries.to_vec();
        let key = |entry: &Entry| (entry.bytes, entry.length, entry.nocase, entry.near());
        entries.sort_unstable_by_key(|entry| (key(entry), entry.rule));
        let (mut starts, mut rules) = (vec![0], Vec::with_capacity(entries.len()));
        let mut wanted = Vec::new();
        for (number, same) in (0..).zip(entries.chunk_by(|a, b| key(a) == key(b))) {
            rules.extend(same.iter().map(|entry| entry.rule));
            starts.push(u32::try_from(rules.len()).unwrap_or(u32::MAX));
            let farthest = same.iter().max_by_key(|entry| entry.reach);
            wanted.extend(farthest.map(|entry| Wanted { number, entry: *entry }));
        }
        let mut singles = Vec::new();
        let mut alone = |is: fn(&Wanted) -> bool, most: usize| {
            if wanted.iter().filter(|one| is(one)).count() <= most {
                singles.extend(wanted.iter().filter(|one| is(one)).filter_map(Single::new));
                wanted.retain(|one| !is(one));
            }
        };
        alone(|_| true, FEW);
        alone(|one| one.is_short() && one.entry.near(), SHORT_NEAR);
        alone(|one| one.is_short() && !one.entry.near(), SHORT_FEW);
        let sparse = Grams::finds(wanted.iter().map(|one| one.entry.bytes()));
        let looked_for =
            |one: &Wanted| if sparse { one.entry.bytes().len() } else { one.part().len() };
        let alone = singles.iter().map(|single: &Single| single.entry.bytes().len());
        let longest = wanted.iter().map(looked_for).chain(alone).max().unwrap_or(0);
        let wanted = Mutex::new(wanted);
        Self { starts, rules, singles, wanted, sparse, finder: OnceLock::new(), longest, reach }
    }

    /// Whether it does without an automaton.
    pub fn is_sparse(&self) -> bool {
        self.sparse
    }

    /// Makes all that a search needs: else the first one does.
    pub fn prepare(&self) {
        self.finder();
    }

    fn finder(&self) -> &Search {
        self.finder.get_or_init(|| {
            let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            Search::new(&std::mem::take(&mut *wanted))
        })
    }

    /// Looks into all of `haystacks`, side by side; `hit` gets the index of the haystack, the rule
    /// and where its pattern ended.
    pub fn scan(&self, haystacks: &mut [Haystack<'_>], hit: &mut impl FnMut(usize, u32, usize)) {
        let mut found = |lane: usize, number: u32, end: usize| {
            self.rules_of(number).iter().for_each(|rule| hit(lane, *rule, end));
        };
        let finder = self.finder();
        // One haystack after the other: the second search finds its bytes in the cache.
        for (lane, haystack) in haystacks.iter().enumerate() {
            for single in &self.singles {
                // A haystack begins where the buffer does, or later, or so few bytes before a packet:
                // farther in it cannot stand.
                let reach = single.entry.reach.saturating_add(self.overlap());
                let bytes = haystack.bytes.get(..reach).unwrap_or(haystack.bytes);
                single.find(bytes, &mut |end| found(lane, single.number, end));
            }
            if let Search::Sparse(grams) = finder {
                grams.scan(haystack.bytes, &mut |number, end| found(lane, number, end));
            }
        }
        if let Search::Many(scanner) = finder {
            scanner.scan(haystacks, &mut found);
        }
    }

    fn rules_of(&self, number: u32) -> &[u32] {
        let at = |index: usize| self.starts.get(index).copied().unwrap_or(0) as usize;
        let number = number as usize;
        self.rules.get(at(number)..at(number + 1)).unwrap_or_default()
    }

    /// Bytes before new ones that must be looked at again to see what lies across the seam.
    pub fn overlap(&self) -> usize {
        self.longest.saturating_sub(1)
    }

    /// No pattern can stand behind so many bytes from the start of the buffer.
    pub fn reach(&self) -> usize {
        self.reach
    }
}

impl Single {
    fn new(wanted: &Wanted) -> Option<Self> {
        let Wanted { number, entry } = *wanted;
        let rarity = |byte: u8| score(&[byte], entry.nocase);
        let (at, byte) = entry.bytes().iter().enumerate().max_by_key(|(_, byte)| rarity(**byte))?;
        let (mut low, mut high) = (*byte, *byte);
        if entry.nocase {
            (low, high) = (low.to_ascii_lowercase(), high.to_ascii_uppercase());
        }
        let cased = !entry.nocase || !entry.bytes().iter().any(u8::is_ascii_alphabetic);
        let whole = cased.then(|| Finder::new(entry.bytes()).into_owned());
        Some(Self { number, whole, at, low, high, entry })
    }

    /// Calls `hit` with the end of each place where the pattern stands.
    fn find(&self, bytes: &[u8], hit: &mut impl FnMut(usize)) {
        let (pattern, nocase) = (self.entry.bytes(), self.entry.nocase);
        if let Some(whole) = &self.whole {
            let mut from = 0;
            while let Some(found) = bytes.get(from..).and_then(|rest| whole.find(rest)) {
                // The next may begin within this one.
                from += found + 1;
                hit(from - 1 + pattern.len());
            }
            return;
        }
        for found in memchr::memchr2_iter(self.low, self.high, bytes) {
            let Some(start) = found.checked_sub(self.at) else { continue };
            let end = start.saturating_add(pattern.len());
            let Some(place) = bytes.get(start..end) else { continue };
            let same = if nocase { place.eq_ignore_ascii_case(pattern) } else { place == pattern };
            if same {
                hit(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_find_the_same() {
        let entry = |text: &str, nocase, rule| Entry::of(text.as_bytes(), nocase, rule, usize::MAX);
        let entries = [entry("aba", true, 1), entry("Zz", false, 2)];
        let many: Vec<Entry> = entries
            .iter()
            .copied()
            .chain((10..20).map(|rule| entry(&format!("never{rule}"), false, rule)))
            .collect();
        let text = b"xABAbazzZzaba";
        let found = |patterns: &Patterns| {
            let mut found = Vec::new();
            let mut haystacks = [Haystack::new(text)];
            patterns.scan(&mut haystacks, &mut |_, rule, end| found.push((rule, end)));
            found.sort_unstable();
            found
        };
        let few = found(&Patterns::new(&entries));
        assert_eq!(few, [(1, 4), (1, 6), (1, 13), (2, 10)]);
        // Of many short ones, which the automaton finds by the rarest part.
        let pairs = (0..200_u32).map(|n| {
            let pair = format!(
                "{}{}",
                char::from(b'A' + (n / 20) as u8),
                char::from(b'a' + (n % 20) as u8)
            );
            entry(&pair, false, 100 + n)
        });
        let long = entry("zzZzabq-long", false, 99);
        let mixed: Vec<Entry> = entries.iter().copied().chain(pairs).chain([long]).collect();
        let mixed = Patterns::new(&mixed);
        assert!(!mixed.is_sparse() && mixed.overlap() == AUTOMATON_BYTES - 1);
        // The automaton may tell a pattern once where it stands twice in a row.
        let rules = |found: &[(u32, usize)]| {
            found.iter().map(|(rule, _)| *rule).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(rules(&few), rules(&found(&Patterns::new(&many))));
        let of_both = |rule: &u32| *rule <= 2;
        let told: Vec<u32> = rules(&found(&mixed)).into_iter().filter(of_both).collect();
        assert_eq!(rules(&few).into_iter().collect::<Vec<_>>(), told);
    }
}
