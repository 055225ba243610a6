//! Regular expressions in linear time, for those of PCRE that mean the same in both engines.
//!
//! A backtracking engine takes quadratic or cubic time when a sender wants it to: `.*<.+x` over a
//! body of 64 KiB takes seconds, and its limits do not count the repetition of single characters.
//! So long buffers are searched by an automaton. What cannot be said to mean the same is left to
//! PCRE.

use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use regex_automata::hybrid::dfa;
use regex_automata::hybrid::regex as hybrid;
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Input, Match};

/// Bytes of a compiled expression.
const MAX_COMPILED: usize = 1 << 20;

/// Bytes of the cache that an expression builds as it runs, for each thread.
const MAX_CACHE: usize = 2 << 20;

/// What stands behind an expression, as far as it matters here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) caseless: bool,
    pub(super) dot_all: bool,
    pub(super) multi_line: bool,
    pub(super) ungreedy: bool,
    /// `$` matches at the very end alone.
    pub(super) dollar_end_only: bool,
}

/// The same expression for the linear engine; `None` when it may mean something else there.
pub(super) fn compile(expression: &str, options: Options) -> Option<Regex> {
    let pattern = translate(expression, options)?;
    RegexBuilder::new(&pattern)
        .unicode(false)
        .case_insensitive(options.caseless)
        .dot_matches_new_line(options.dot_all)
        .multi_line(options.multi_line)
        .swap_greed(options.ungreedy)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .build()
        .ok()
}

/// Bytes of the cache of an automaton that counts far, for each thread and way of reading: enough for
/// the states of one count to a few thousand, little enough to be filled in a millisecond or two.
const MAX_COUNTING: usize = 512 << 10;

/// An expression that counts far. Each number on the way is a state of its own, and a sender can have
/// the automaton be in any of them at once: then there is no end of new states, and to work through
/// them takes long. So it gives up when its cache is full.
pub(super) struct Counting {
    regex: Arc<hybrid::Regex>,
    caches: Pool<Kept, MakeKept>,
}

type MakeKept =
    Box<dyn Fn() -> Kept + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>;

struct Kept {
    cache: hybrid::Cache,
    /// Whether it holds states of earlier searches.
    used: bool,
}

/// The automaton's cache was full.
#[derive(Debug)]
pub(super) struct GaveUp;

impl Counting {
    /// Of an expression; `None` as for [`compile`].
    pub(super) fn new(expression: &str, options: Options) -> Option<Self> {
        let pattern = translate(expression, options)?;
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(options.caseless)
            .dot_matches_new_line(options.dot_all)
            .multi_line(options.multi_line)
            .swap_greed(options.ungreedy);
        let cache =
            dfa::Config::new().cache_capacity(MAX_COUNTING).minimum_cache_clear_count(Some(0));
        let regex = hybrid::Regex::builder()
            .syntax(syntax)
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_COMPILED)))
            .dfa(cache)
            .build(&pattern)
            .ok()?;
        let regex = Arc::new(regex);
        let model = Arc::clone(&regex);
        let make: MakeKept = Box::new(move || Kept { cache: model.create_cache(), used: false });
        Some(Self { regex, caches: Pool::new(make) })
    }

    /// The first match at or after `start`: its first byte, and the byte after its last.
    pub(super) fn find(
        &self,
        subject: &[u8],
        start: usize,
    ) -> Result<Option<(usize, usize)>, GaveUp> {
        let mut kept = self.caches.get();
        let input = Input::new(subject).range(start..);
        loop {
            let found = self.regex.try_search(&mut kept.cache, &input);
            if let Ok(found) = found {
                kept.used = true;
                return Ok(found.map(|found: Match| (found.start(), found.end())));
            }
            // What others had it remember is no reason.
            kept.cache.reset(&self.regex);
            if !std::mem::take(&mut kept.used) {
                return Err(GaveUp);
            }
        }
    }
}

/// An expression that matches wherever the given one does, and elsewhere: what looks around asks
/// nothing, what looks back matches anything, and what does not give back does. For finding where
/// a match may begin. `None` when there is none.
pub(super) fn loose(expression: &str, options: Options) -> Option<Regex> {
    let pattern = translate(&loosen(expression)?, options)?;
    // Lazy throughout, as where a match begins does not depend on it: so less is read.
    RegexBuilder::new(&pattern)
        .unicode(false)
        .case_insensitive(options.caseless)
        .dot_matches_new_line(options.dot_all)
        .multi_line(options.multi_line)
        .swap_greed(true)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .build()
        .ok()
}

/// The text of the loose form, all its repetitions greedy.
fn loosen(expression: &str) -> Option<String> {
    let mut out = String::with_capacity(expression.len() + 16);
    let mut rest = expression;
    let mut quantified = false;
    while let Some(c) = rest.chars().next() {
        let piece = piece(rest)?;
        let (text, after) = rest.split_at_checked(piece)?;
        rest = after;
        let was_quantified = std::mem::replace(&mut quantified, false);
        match c {
            '\\' if text == "\\K" => {}
            '\\' if text.ends_with(|c: char| matches!(c, '1'..='9')) => {
                // Of two digits it may be a character.
                if rest.starts_with(|c: char| c.is_ascii_digit()) {
                    return None;
                }
                out.push_str("(?:[\\s\\S]*)");
            }
            '\\' if text.ends_with(['g', 'k']) => return None,
            '(' if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|start| text.starts_with(start)) => {
                out.push_str("(?:)");
            }
            '(' if text == "(?>" => out.push_str("(?:"),
            '(' if text.starts_with(NAMED_BACK) => out.push_str("(?:[\\s\\S]*)"),
            // Possessive or lazy repetition.
            '+' | '?' if was_quantified => {}
            // Counting takes many states.
            '{' if most(text).is_some_and(|most| most > FEW) => {
                quantified = true;
                out.push(if text.starts_with("{0") { '*' } else { '+' });
            }
            '*' | '+' | '?' | '{' => {
                quantified = c != '{' || text.len() > 1;
                out.push_str(text);
            }
            _ => out.push_str(text),
        }
    }
    Some(out)
}

/// How what looks back at a named group begins.
const NAMED_BACK: &str = "(?P=";

/// Repetitions that are few.
const FEW: usize = 32;

/// The larger number of a counted repetition, the largest of all when it has no end; `None` when
/// `text` is none.
fn most(text: &str) -> Option<usize> {
    let counts = text.strip_prefix('{')?.strip_suffix('}')?;
    let (least, most) = counts.split_once(',').unwrap_or((counts, counts));
    let number = |text: &str| text.parse().unwrap_or(usize::MAX);
    Some(number(least).max(number(most)))
}

/// The smaller number of a counted repetition.
fn least(text: &str) -> usize {
    let counts = text.trim_start_matches('{').split([',', '}']).next();
    counts.and_then(|least| least.parse().ok()).unwrap_or(0)
}

/// How many repetitions without end, or with one that is far, an expression has.
pub(super) fn repeats(expression: &str) -> usize {
    let (mut rest, mut count) = (expression, 0);
    while let Some(c) = rest.chars().next() {
        let group = rest.starts_with('(');
        let length = if group { 1 } else { piece(rest).unwrap_or(1) };
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let many = matches!(c, '*' | '+') || most(text).is_some_and(|most| most > FEW);
        count += usize::from(many);
        rest = after;
    }
    count
}

/// Whether an expression counts farther than [`FEW`].
pub(super) fn counts_far(expression: &str) -> bool {
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        let length = if c == '(' { 1 } else { piece(rest).unwrap_or(1) };
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        // `{2,}` counts to 2.
        let far = most(text).map(|most| if most == usize::MAX { least(text) } else { most });
        if far.is_some_and(|far| far > FEW) {
            return true;
        }
        rest = after;
    }
    false
}

/// Bytes of what stands first in an expression: a class, an escape, a group that looks around, the
/// beginning of another group, a repetition, or one character.
fn piece(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'\\' => Some(2),
        b'[' => class_end(bytes),
        b'{' => {
            let end = bytes.iter().position(|byte| *byte == b'}')?;
            let within = bytes.get(1..end)?;
            let counts = within.first().is_some_and(u8::is_ascii_digit)
                && within.iter().all(|byte| byte.is_ascii_digit() || *byte == b',');
            Some(if counts { end + 1 } else { 1 })
        }
        b'(' => {
            let around = ["(?=", "(?!", "(?<=", "(?<!"];
            if around.iter().any(|start| text.starts_with(start)) {
                return group_end(bytes);
            }
            if text.starts_with(NAMED_BACK) {
                return bytes.iter().position(|byte| *byte == b')').map(|at| at + 1);
            }
            Some(if text.starts_with("(?>") { 3 } else { 1 })
        }
        _ => Some(1),
    }
}

/// Bytes of the class that `bytes` begin with.
fn class_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1 + usize::from(bytes.get(1) == Some(&b'^'));
    // A bracket that stands first is one of its members.
    at += usize::from(bytes.get(at) == Some(&b']'));
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'[' if bytes.get(at + 1) == Some(&b':') => {
                at += 2 + bytes.get(at + 2..)?.iter().position(|byte| *byte == b']')? + 1;
            }
            b']' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Bytes of the group that `bytes` begin with.
fn group_end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'[' => at += class_end(bytes.get(at..)?)?,
            b'(' => (at, depth) = (at + 1, depth + 1),
            b')' if depth == 1 => return Some(at + 1),
            b')' => (at, depth) = (at + 1, depth - 1),
            _ => at += 1,
        }
    }
}

/// Rewrites what is written differently, and refuses what means something else. What the linear
/// engine does not know at all, such as looking around, it refuses itself.
fn translate(expression: &str, options: Options) -> Option<String> {
    if !expression.is_ascii() {
        return None;
    }
    let mut out = String::with_capacity(expression.len() + 16);
    let mut rest = expression.chars().peekable();
    let mut class: Option<u32> = None;
    let mut quantified = false;
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        if c == '\\' {
            let escaped = rest.next()?;
            let behind = rest.peek().copied();
            match escaped {
                '<' | '>' if class.is_none() => out.push(escaped),
                // All vertical space for PCRE, one character here; word ends of the other kind.
                'v' => return None,
                'b' | 'B' if behind == Some('{') || class.is_some() => return None,
                'Z' if class.is_none() => out.push_str("(?:\\n?\\z)"),
                _ => out.extend(['\\', escaped]),
            }
            // A bracket behind it ends the class.
            class = class.map(|length| length + 1);
            quantified = false;
        } else if let Some(length) = class.as_mut() {
            match (c, next) {
                // Intersections and differences of classes, classes in classes.
                ('&', Some('&')) | ('-', Some('-')) | ('~', Some('~')) => return None,
                ('[', Some(':')) => {
                    // A named class ends with its own bracket.
                    out.push(c);
                    out.extend(named_class(&mut rest)?);
                    *length += 1;
                    continue;
                }
                ('[', _) => return None,
                (']', _) if *length > 0 => class = None,
                ('^', _) if *length == 0 && out.ends_with('[') => {}
                _ => *length += 1,
            }
            out.push(c);
            quantified = false;
        } else {
            let repeats = matches!(c, '*' | '+' | '?' | '}');
            // Possessive repetition does not give back: here it would.
            if c == '+' && quantified {
                return None;
            }
            quantified = repeats;
            match c {
                '[' => {
                    class = Some(0);
                    out.push(c);
                }
                '$' if options.dollar_end_only && !options.multi_line => out.push_str("\\z"),
                '$' if !options.multi_line => out.push_str("(?:\\n?\\z)"),
                // Flags within may bring the extended syntax.
                '(' if next == Some('?') && has_extended(rest.clone()) => return None,
                _ => out.push(c),
            }
        }
    }
    class.is_none().then_some(out)
}

/// `:alpha:]`, what follows the bracket of a named class.
fn named_class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Vec<char>> {
    let mut name = Vec::new();
    loop {
        let c = rest.next()?;
        name.push(c);
        match c {
            ']' => return name.ends_with(&[':', ']']).then_some(name),
            ':' | '^' | 'a'..='z' => {}
            _ => return None,
        }
    }
}

/// Whether `?flags` behind a parenthesis hold `x`.
fn has_extended(rest: impl Iterator<Item = char>) -> bool {
    rest.skip(1).take_while(|c| c.is_ascii_lowercase() || *c == '-').any(|c| c == 'x')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_means_something_else_is_refused() {
        for expression in [
            "a++",
            "a*+b",
            "a?+",
            "(?>a)b",
            "(?=a)b",
            r"(a)\1",
            r"\va",
            "[a&&b]",
            "[[a]]",
            "(?x)a b",
            "é",
            r"a\K",
            "[a--b]",
            r"\bx\b{2}",
            "(?P<a>b)(?P=a)",
        ] {
            assert!(compile(expression, Options::default()).is_none(), "{expression}");
        }
    }

    #[test]
    fn counting_far_is_noticed() {
        for near in [r"a{32}b{1,32}[{]99}\{99}", "a{2,}", "(a{9}){9}"] {
            assert!(!counts_far(near), "{near}");
        }
        for far in [r"^[^\r\n]+#[^\x22\r\n]{2049}", "a{3,60}", "c{50,}", "(?:[^c]{60}){2}"] {
            assert!(counts_far(far), "{far}");
        }
    }

    #[test]
    fn what_counts_far_is_found_and_given_up() {
        let expression = r"^[^\r\n]+#[^\x22\r\n]{2049}";
        let counting = Counting::new(expression, Options::default()).unwrap();
        let line = |before: usize, after: usize| {
            [vec![b'a'; before], vec![b'#'], vec![b'b'; after], b"\r\n".to_vec()].concat()
        };
        for before in [1, 30, 300, 900, 3000] {
            let text = line(before, 2100);
            let end = before + 1 + 2049;
            assert_eq!(counting.find(&text, 0).unwrap(), Some((0, end)), "{before}");
            assert_eq!(counting.find(&line(before, 2048), 0).unwrap(), None, "{before}");
        }
        // All numbers at once.
        let mut seed = 11_u64;
        let hostile: Vec<u8> = (0..65_536)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if seed >> 63 == 0 { b'#' } else { b'a' }
            })
            .chain(*b"\r\n")
            .collect();
        assert!(counting.find(&hostile, 0).is_err());
        let text = line(30, 2100);
        assert!(counting.find(&text, 0).unwrap().is_some(), "it begins anew");
    }

    /// Wherever PCRE finds the expression, the loose form is found no later.
    #[test]
    fn the_loose_form_misses_nothing() {
        let expressions = [
            r"(a|b)\1",
            r"(?P<x>a|b)c(?P=x)+?[)\]]",
            r"a(?=b)",
            r"(?<!a)b+?c",
            r"(?!ab)[ab]{2,3}?c",
            r"a++b",
            r"(?>a|ab)c",
            r"(?<=[)\]])a(?!(?:b|\)))",
            r"^(?=.*a)[^]b]+$",
            r"a}?(?=b)",
            r"(?i)(AB)(?![[:alpha:]])",
            r"([\x22'])[^'\x22]*\1",
            r"a\Kb",
            r"[^c]{1,40}(?=c)",
            r"(a|b){0,40}\1c",
        ];
        let alphabet = b"abcAB}])( '\"\n";
        let mut seed = 11_u64;
        for expression in expressions {
            assert!(compile(expression, Options::default()).is_none(), "{expression}");
            let loose = loose(expression, Options::default()).unwrap();
            let pcre = pcre2::bytes::Regex::new(&format!("(*LF){expression}")).unwrap();
            let mut found = 0;
            for _ in 0..2_000 {
                let text: Vec<u8> = (0..10)
                    .map(|_| {
                        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        alphabet.get((seed >> 40) as usize % alphabet.len()).copied().unwrap()
                    })
                    .collect();
                let Some(theirs) = pcre.find(&text).unwrap() else { continue };
                found += 1;
                let ours = loose.find(&text).map(|found| found.start());
                let shown = String::from_utf8_lossy(&text);
                assert!(ours.is_some_and(|at| at <= theirs.start()), "{expression} {shown:?}");
            }
            assert!(found > 0, "{expression} never matched");
        }
    }

    /// Both engines over texts made of the expression's own bytes.
    #[test]
    fn both_engines_find_the_same() {
        let expressions = [
            r"a.*b",
            r"^a[^b]+b$",
            r"(?:ab|a)+c",
            r"\<a\>",
            r"a{2,3}b?",
            r"[]a]b",
            r"[^]a]b",
            r"[[:alpha:]]+\d",
            r"(?i)AB",
            r"a$",
            r"\x61\s*=\s*b",
            r"(a|b)*?c",
            r"a|ab",
            r"\Aab\Z",
            r"a\r\nb",
            r"\.a\/b",
            r"[a-c\-]+=",
            r"\W\w",
            "a\\\"b",
            r"(?i:a)b",
            r"\/\?a=",
            r"[\r\n]a$",
            r"[\x22\x27][^\x22\x27]+[\x22\x27]",
            r"[^\r\n]+b[\s\S]*?a",
        ];
        let alphabet = b"abcAB=\n\r <>].1\"/?\\";
        let mut seed = 7_u64;
        for expression in expressions {
            for (dot_all, multi_line) in [(false, false), (true, false), (false, true)] {
                let options = Options { dot_all, multi_line, ..Options::default() };
                let linear = compile(expression, options).unwrap();
                let pcre = pcre2::bytes::RegexBuilder::new()
                    .dotall(dot_all)
                    .multi_line(multi_line)
                    .build(&format!("(*LF){expression}"))
                    .unwrap();
                for _ in 0..400 {
                    let text: Vec<u8> = (0..12)
                        .map(|_| {
                            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                            alphabet.get((seed >> 40) as usize % alphabet.len()).copied().unwrap()
                        })
                        .collect();
                    let ours = linear.find(&text).map(|found| found.start());
                    let theirs = pcre.find(&text).unwrap().map(|found| found.start());
                    assert_eq!(ours, theirs, "{expression} {:?}", String::from_utf8_lossy(&text));
                }
            }
        }
    }
}
