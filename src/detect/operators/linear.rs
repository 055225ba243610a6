//! Regular expressions in linear time, for those of PCRE that mean the same in both engines.
//!
//! A backtracking engine takes quadratic or cubic time when a sender wants it to: `.*<.+x` over a
//! body of 64 KiB takes seconds, and its limits do not count the repetition of single characters.
//! So long buffers are searched by an automaton. What cannot be said to mean the same is left to
//! PCRE.

use regex::bytes::{Regex, RegexBuilder};

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
