//! `pcre`: Perl-compatible regular expressions.

use std::sync::OnceLock;

use pcre2::bytes::{Regex, RegexBuilder};

use super::content::quoted;
use super::linear;
use crate::detect::buffer::{Match, Scope, Search, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::Buffer;

/// Bytes of an expression, compiled form aside.
const MAX_EXPRESSION: usize = 8 << 10;

/// Steps of the matcher from one place of the buffer: as Suricata. Beyond, there is no match.
pub(super) const MATCH_LIMIT: u32 = 3_500;

/// Depth of the matcher's backtracking: as Suricata.
pub(super) const DEPTH_LIMIT: u32 = 1_500;

/// Bytes that the backtracking engine searches when there is a linear one: so few that it cannot
/// take long, and most buffers have no more.
const MAX_SHORT: usize = 256;

/// Bytes that the backtracking engine searches when there is no other: what lies further than
/// this from where the search begins is not found.
const MAX_BACKTRACKED: usize = 16 << 10;

/// What a search costs beside its bytes, in units of [`crate::detect::buffer::MAX_WORK`].
const SEARCH_COST: usize = 100;

/// See [`Operator`].
pub static PCRE: Operator = Operator {
    name: "pcre",
    aliases: &[],
    help: "Finds a Perl-compatible regular expression; with `!` it must not find it.",
    syntax: "pcre:[!]\"/<expression>/[ismxAEGRBO][UIPQHDMCSYVWZ][, <scope>:<name>...]\"",
    examples: &[
        Example { rule: "pcre:\"/a[0-9]{3}z/\";", payload: b"xxa123z", alerts: true },
        Example { rule: "pcre:\"/a[0-9]{3}z/\";", payload: b"xxA123z", alerts: false },
        Example { rule: "pcre:\"/a[0-9]{3}z/i\";", payload: b"xxA123z", alerts: true },
        Example { rule: "pcre:!\"/abc/\";", payload: b"abd", alerts: true },
        Example { rule: "content:\"a\"; pcre:\"/^b/R\";", payload: b"xab", alerts: true },
        Example { rule: "content:\"a\"; pcre:\"/^b/R\";", payload: b"bax", alerts: false },
        Example { rule: "pcre:\"/a.b/\";", payload: b"a\nb", alerts: false },
        Example { rule: "pcre:\"/a.b/s\";", payload: b"a\nb", alerts: true },
        Example { rule: "pcre:\"/b$/\";", payload: b"ab\n", alerts: true },
        Example { rule: "pcre:\"/b$/E\";", payload: b"ab\n", alerts: false },
        Example { rule: "pcre:\"/b/A\";", payload: b"ab", alerts: false },
    ],
    compile,
};

/// Letters that name a buffer, as the legacy content modifiers do.
const BUFFERS: &[(char, &str)] = &[
    ('U', "http.uri"),
    ('I', "http.uri.raw"),
    ('P', "http.request_body"),
    ('Q', "file.data"),
    ('H', "http.header"),
    ('D', "http.header.raw"),
    ('M', "http.method"),
    ('C', "http.cookie"),
    ('S', "http.stat_code"),
    ('Y', "http.stat_msg"),
    ('V', "http.user_agent"),
    ('W', "http.host"),
    ('Z', "http.host.raw"),
];

/// A regular expression, compiled when it is first needed: most never are.
struct Expression {
    /// As the rule has it.
    text: String,
    /// With its limits and with the flags that only the pattern itself can carry.
    pattern: String,
    flags: Flags,
    regex: OnceLock<Option<Regex>>,
    /// For long buffers.
    linear: OnceLock<Option<regex::bytes::Regex>>,
}

/// What stands behind the expression.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    negated: bool,
    caseless: bool,
    dot_all: bool,
    multi_line: bool,
    extended: bool,
    anchored: bool,
    dollar_end_only: bool,
    ungreedy: bool,
    relative: bool,
    buffer: Option<&'static str>,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    // Old rules leave the quotes out: the slashes are enough.
    let bare = argument.map(str::trim).filter(|text| text.starts_with('/'));
    let (text, negated) = match bare {
        Some(text) => (text, false),
        None => quoted("pcre", argument)?,
    };
    let (expression, mut flags) = parse(text, argument.unwrap_or_default())?;
    flags.negated = negated;
    if expression.len() > MAX_EXPRESSION {
        return Err(Problem::whole(
            "R141",
            format!("an expression of over {MAX_EXPRESSION} bytes"),
        ));
    }
    let pattern = pattern(expression, flags);
    let expression = Expression {
        text: expression.to_owned(),
        pattern,
        flags,
        regex: OnceLock::new(),
        linear: OnceLock::new(),
    };
    expression
        .build(false)
        .map_err(|error| Problem::whole("R142", format!("the expression is wrong: {error}")))?;
    builder.push(Step::Search(Box::new(expression)))?;
    match flags.buffer {
        Some(field) if builder.sticky.is_none() => builder.move_to(Buffer::Field(field), None),
        Some(field) if builder.sticky != Some(Buffer::Field(field)) => {
            return Err(Problem::whole("R143", format!("a flag for {field} in another buffer"))
                .hint("leave the buffer's flag out: the sticky buffer decides"));
        }
        _ => {}
    }
    if flags.relative {
        builder.join_chain();
    }
    Ok(())
}

/// Splits `/expression/flags, captures`. Captures name variables that other records would show;
/// they have no effect on what matches.
fn parse<'a>(text: &'a str, argument: &str) -> Result<(&'a str, Flags), Problem> {
    let text = text.trim();
    let captures = find_captures(text).unwrap_or(text.len());
    let split = text.get(..captures).and_then(|head| head.strip_prefix('/')?.rsplit_once('/'));
    let Some((expression, flags)) = split else {
        return Err(Problem::whole("R140", "an expression stands between two `/`")
            .hint("write pcre:\"/<expression>/<flags>\""));
    };
    Ok((expression, parse_flags(flags, argument)?))
}

/// Where the list of captures (`,flow:name`) begins.
fn find_captures(text: &str) -> Option<usize> {
    ["flow:", "pkt:", "alert:"]
        .iter()
        .filter_map(|scope| {
            let at = text.find(scope)?;
            let before = text.get(..at)?.trim_end();
            before.ends_with(',').then(|| before.len() - 1)
        })
        .min()
}

fn parse_flags(text: &str, argument: &str) -> Result<Flags, Problem> {
    let mut flags = Flags::default();
    for flag in text.trim().chars() {
        match flag {
            'i' => flags.caseless = true,
            's' => flags.dot_all = true,
            'm' => flags.multi_line = true,
            'x' => flags.extended = true,
            'A' => flags.anchored = true,
            'E' => flags.dollar_end_only = true,
            'G' => flags.ungreedy = true,
            'R' => flags.relative = true,
            'B' | 'O' => {}
            other => match BUFFERS.iter().find(|(letter, _)| *letter == other) {
                Some((_, field)) if flags.buffer.is_none() => flags.buffer = Some(field),
                Some(_) => return Err(Problem::whole("R144", "flags for two buffers")),
                None => {
                    let message = format!("`{other}` is no flag of an expression");
                    return Err(Problem::whole("R145", message).at(argument, text));
                }
            },
        }
    }
    Ok(flags)
}

/// The expression with its limits, and with the flags that only the pattern itself can carry.
fn pattern(expression: &str, flags: Flags) -> String {
    let ungreedy = if flags.ungreedy { "(?U)" } else { "" };
    let body = if flags.dollar_end_only && !flags.multi_line {
        end_only(expression)
    } else {
        expression.to_owned()
    };
    // A line end closes a comment that an extended expression may end with.
    let close = if flags.extended { "\n)" } else { ")" };
    let body = if flags.anchored { format!("\\G(?:{body}{close}") } else { body };
    format!("(*LIMIT_MATCH={MATCH_LIMIT})(*LIMIT_DEPTH={DEPTH_LIMIT})(*LF){ungreedy}{body}")
}

/// `$` that matches at the very end alone: `\z` for every `$` outside of classes and escapes.
fn end_only(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len() + 4);
    let mut in_class = false;
    let mut escaped = false;
    for c in expression.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if !in_class => in_class = true,
            ']' if in_class => in_class = false,
            '$' if !in_class => {
                out.push_str("\\z");
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

impl Expression {
    fn build(&self, jit: bool) -> Result<Regex, pcre2::Error> {
        let mut builder = RegexBuilder::new();
        builder
            .caseless(self.flags.caseless)
            .dotall(self.flags.dot_all)
            .multi_line(self.flags.multi_line)
            .extended(self.flags.extended)
            .utf(false)
            .ucp(false);
        if jit {
            builder.jit_if_available(true);
        }
        builder.build(&self.pattern)
    }

    /// The linear engine's form of it, if it has one.
    fn linear(&self) -> Option<&regex::bytes::Regex> {
        let compile = || {
            let flags = self.flags;
            let options = linear::Options {
                caseless: flags.caseless,
                dot_all: flags.dot_all,
                multi_line: flags.multi_line,
                ungreedy: flags.ungreedy,
                dollar_end_only: flags.dollar_end_only,
            };
            let same = !flags.anchored && !flags.extended;
            same.then(|| linear::compile(&self.text, options)).flatten()
        };
        self.linear.get_or_init(compile).as_ref()
    }

    /// The first match from `start`, by PCRE.
    fn backtrack(&self, subject: &[u8], start: usize) -> Option<(usize, usize)> {
        let regex = self.regex.get_or_init(|| self.build(true).ok()).as_ref()?;
        let part = subject.get(..start.saturating_add(MAX_BACKTRACKED)).unwrap_or(subject);
        // An error is a limit that was reached: no match, as in Suricata.
        let found = regex.find_at(part, start).ok().flatten()?;
        // What ends with the part may do so because it was cut.
        let whole = part.len() == subject.len() || found.end() < part.len();
        whole.then_some((found.start(), found.end()))
    }
}

impl Search for Expression {
    fn find(&self, scope: &mut Scope<'_>, cursor: usize, from: Option<usize>) -> Option<Match> {
        let base = if self.flags.relative { cursor } else { 0 };
        let subject = scope.buffer.get(base..)?;
        let start = from.map_or(0, |from| from.saturating_sub(base));
        if start > subject.len() {
            return None;
        }
        let found = if subject.len() - start > MAX_SHORT
            && let Some(linear) = self.linear()
        {
            linear.find_at(subject, start).map(|found| (found.start(), found.end()))
        } else {
            self.backtrack(subject, start)
        };
        let reached = found.map_or(subject.len(), |(_, end)| end);
        scope.spend(SEARCH_COST + reached.saturating_sub(start));
        let (first, end) = found?;
        let again = (base + first + 1).max(base + start + 1);
        Some(Match { end: base + end, again: Some(again) })
    }

    fn relative(&self) -> bool {
        self.flags.relative
    }

    fn negated(&self) -> bool {
        self.flags.negated
    }
}
