//! `pcre`: Perl-compatible regular expressions.

use std::sync::OnceLock;

use pcre2::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::attempts::{Attempts, DEPTH_LIMIT, Outcome};
use super::captures::Captures;
use super::content::quoted;
use super::linear::{self, Counting, GaveUp};
use crate::detect::buffer::{Begun, Found, Match, Note, Scope, Search, Step};
use crate::detect::captured::Keeper;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::Buffer;

/// Bytes of an expression, compiled form aside.
const MAX_EXPRESSION: usize = 8 << 10;

/// Bytes that the backtracking engine searches as a whole: most buffers have no more.
const MAX_SHORT: usize = 256;

/// Steps of the matcher from each place of so short a buffer; where they do not suffice, it is
/// searched as longer ones are.
const SHORT_LIMIT: u32 = 250;

/// What is counted when an automaton that counts far gives up, in units of
/// [`crate::detect::buffer::MAX_WORK`]: less than it took, so that something is left for attempts.
const GIVEN_UP_COST: usize = 1_400_000;

/// What a search costs beside its bytes, in units of [`crate::detect::buffer::MAX_WORK`].
const SEARCH_COST: usize = 200;

/// See [`Operator`].
pub static PCRE: Operator = Operator {
    name: "pcre",
    aliases: &[],
    help: "Finds a Perl-compatible regular expression; with `!` it must not find it. What its groups \
           hold is kept under the names behind it, in their order: with the conversation (`flow:`), \
           for the packet (`pkt:`), or in the alert alone (`alert:`); `pkt:key, pkt:value` captures \
           the name too. A group `(?P<flow_NAME>...)` does the same.",
    syntax: "pcre:[!]\"/<expression>/[ismxAEGRBO][UIPQHDMCSYVWZ][, flow|pkt|alert:<name>...]\"",
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
        Example { rule: "pcre:\"/a, flow:b/i\";", payload: b"A, FLOW:B", alerts: true },
        Example { rule: "pcre:\"/a(.)c/i, flow:b\";", payload: b"ABC", alerts: true },
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
    flags: Flags,
    /// For short buffers.
    short: OnceLock<Option<Regex>>,
    /// For long ones.
    linear: OnceLock<Option<Linear>>,
    /// For long ones, where there is no linear form, or it would take too long.
    attempts: OnceLock<Box<Attempts>>,
    /// What is kept of its groups; `None` for most.
    captures: Option<Box<Captures>>,
}

/// The linear engine's form of an expression.
enum Linear {
    Plain(regex::bytes::Regex),
    /// Of one that counts far.
    Counting(Box<Counting>),
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

/// What PCRE2 says of an expression, but for the place: it counts what was put before it, too.
fn reason(error: &pcre2::Error) -> String {
    let said = error.to_string();
    let behind = said.split_once("offset ").and_then(|(_, rest)| rest.split_once(": "));
    behind.map_or_else(|| said.clone(), |(_, reason)| reason.to_owned())
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    // Old rules leave the quotes out: the slashes are enough.
    let bare = argument.map(str::trim).filter(|text| text.starts_with('/'));
    let (text, negated) = match bare {
        Some(text) => (text, false),
        None => quoted("pcre", argument)?,
    };
    let (expression, mut flags, names) = parse(text, argument.unwrap_or_default())?;
    flags.negated = negated;
    if expression.len() > MAX_EXPRESSION {
        return Err(Problem::whole(
            "R141",
            format!("an expression of over {MAX_EXPRESSION} bytes"),
        ));
    }
    let mut expression = Expression {
        text: expression.to_owned(),
        flags,
        short: OnceLock::new(),
        linear: OnceLock::new(),
        attempts: OnceLock::new(),
        captures: None,
    };
    let regex = expression.build(SHORT_LIMIT, flags.anchored).map_err(|error| {
        Problem::whole("R142", format!("the expression is wrong: {}", reason(&error)))
    })?;
    if negated && !names.is_empty() {
        let names = names.trim_start_matches([',', ' ', '\t']);
        return Err(Problem::whole("R147", "what must not be found holds nothing to keep")
            .at(argument.unwrap_or_default(), names)
            .hint("leave the names out, or the `!`"));
    }
    let captures = Captures::new(names, argument.unwrap_or_default(), &regex)?;
    if let Some(captures) = captures.filter(|_| !negated) {
        let [flow, packet] = &mut builder.rule.captures;
        *flow |= captures.keeps(Keeper::Flow);
        *packet |= captures.keeps(Keeper::Packet);
        expression.captures = Some(Box::new(captures));
    }
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

/// Splits `/expression/flags, names` into expression, flags and the names from their comma on.
fn parse<'a>(text: &'a str, argument: &str) -> Result<(&'a str, Flags, &'a str), Problem> {
    let text = text.trim();
    let (head, names) = find_names(text).unwrap_or((text, ""));
    let Some((expression, flags)) = parts(head) else {
        return Err(Problem::whole("R140", "an expression stands between two `/`")
            .hint("write pcre:\"/<expression>/<flags>\""));
    };
    Ok((expression, parse_flags(flags, argument)?, names))
}

/// `/expression/flags` in its parts.
fn parts(head: &str) -> Option<(&str, &str)> {
    head.strip_prefix('/')?.rsplit_once('/')
}

/// Splits before the comma where the list of names (`, flow:name`) begins: the first behind what
/// may be an expression with its flags, as the expression and the names may look alike.
fn find_names(text: &str) -> Option<(&str, &str)> {
    let commas = text.match_indices(',').map(|(at, _)| at);
    commas.filter_map(|at| text.split_at_checked(at)).find(|(head, names)| {
        let first = names.trim_start_matches([',', ' ', '\t']);
        let scoped = ["flow:", "pkt:", "alert:"].iter().any(|scope| first.starts_with(scope));
        let letters = |flags: &str| flags.trim().chars().all(|flag| flag.is_ascii_alphabetic());
        scoped && parts(head).is_some_and(|(_, flags)| letters(flags))
    })
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
    /// For the backtracking engine, with a limit to its steps from each place. `anchored` matches
    /// where a search begins or not at all.
    fn build(&self, limit: u32, anchored: bool) -> Result<Regex, pcre2::Error> {
        let flags = self.flags;
        let mut body = if flags.dollar_end_only && !flags.multi_line {
            end_only(&self.text)
        } else {
            self.text.clone()
        };
        if anchored {
            // A line end closes a comment that an extended expression may end with.
            let close = if flags.extended { "\n)" } else { ")" };
            body = format!("\\G(?:{body}{close}");
        }
        let ungreedy = if flags.ungreedy { "(?U)" } else { "" };
        RegexBuilder::new()
            .caseless(flags.caseless)
            .dotall(flags.dot_all)
            .multi_line(flags.multi_line)
            .extended(flags.extended)
            .utf(false)
            .ucp(false)
            .build(&format!(
                "(*LIMIT_MATCH={limit})(*LIMIT_DEPTH={DEPTH_LIMIT})(*LF){ungreedy}{body}"
            ))
    }

    fn options(&self) -> linear::Options {
        let flags = self.flags;
        linear::Options {
            caseless: flags.caseless,
            dot_all: flags.dot_all,
            multi_line: flags.multi_line,
            ungreedy: flags.ungreedy,
            dollar_end_only: flags.dollar_end_only,
        }
    }

    /// The linear engine's form of it, if it has one.
    fn linear(&self) -> Option<&Linear> {
        let compile = || {
            if self.flags.anchored || self.flags.extended {
                return None;
            }
            let (text, options) = (self.text.as_str(), self.options());
            if linear::counts_far(text) {
                let counting = Counting::new(text, options)?;
                return Some(Linear::Counting(Box::new(counting)));
            }
            linear::compile(text, options).map(Linear::Plain)
        };
        self.linear.get_or_init(compile).as_ref()
    }

    fn attempts(&self) -> &Attempts {
        let make = || {
            let build = |limit| self.build(limit, true).ok();
            let loose = || linear::loose(&self.text, self.options());
            let loose = if self.flags.extended { None } else { loose() };
            let nested = linear::repeats(&self.text) > 1;
            Box::new(Attempts::new(build, loose, self.flags.anchored, nested))
        };
        self.attempts.get_or_init(make)
    }

    /// The first match at or after `start`.
    fn search(&self, scope: &mut Scope<'_>, subject: &[u8], start: usize) -> Outcome {
        let Some(length) = subject.len().checked_sub(start) else { return Outcome::Nowhere };
        scope.spend(SEARCH_COST);
        if length <= MAX_SHORT {
            // Each byte may begin what reaches to the end.
            scope.spend(length * length);
            let short = || self.build(SHORT_LIMIT, self.flags.anchored).ok();
            let Some(short) = self.short.get_or_init(short) else { return Outcome::GivenUp };
            if let Ok(found) = short.find_at(subject, start) {
                let begun = Begun::From(start);
                let told = |found: pcre2::bytes::Match<'_>| {
                    Outcome::At(Found { begun, first: found.start(), end: found.end() })
                };
                return found.map_or(Outcome::Nowhere, told);
            }
        }
        let found = match self.linear() {
            Some(Linear::Plain(linear)) => {
                linear.find_at(subject, start).map(|found| (found.start(), found.end()))
            }
            Some(Linear::Counting(counting)) => match counting.find(subject, start) {
                Ok(found) => found,
                Err(GaveUp) => {
                    scope.spend(GIVEN_UP_COST);
                    return self.attempts().search(scope, subject, start);
                }
            },
            None => return self.attempts().search(scope, subject, start),
        };
        let read = found.map_or(length, |(_, end)| end.saturating_sub(start));
        // Once to its end, and back to where it begins.
        scope.spend(2 * read);
        let told = |(first, end)| Outcome::At(Found { begun: Begun::Here(first), first, end });
        found.map_or(Outcome::Nowhere, told)
    }

    /// What the groups hold in a match: asked of what found it, or of what finds the same.
    fn groups(
        &self,
        scope: &mut Scope<'_>,
        subject: &[u8],
        found: Found,
    ) -> Option<CaptureLocations> {
        let start = match found.begun {
            Begun::Here(at) => return self.attempts().groups(scope, subject, at, found.end),
            Begun::From(start) => start,
        };
        let length = subject.len().saturating_sub(start);
        let short = self.short.get()?.as_ref()?;
        if !scope.spend_on_groups(SEARCH_COST + length * length) {
            return None;
        }
        let mut groups = short.capture_locations();
        short.captures_read_at(&mut groups, subject, start).ok().flatten()?;
        Some(groups)
    }
}

impl Search for Expression {
    fn find(&self, scope: &mut Scope<'_>, cursor: usize, from: Option<usize>) -> Option<Match> {
        let base = if self.flags.relative { cursor } else { 0 };
        let subject = scope.buffer.get(base..)?;
        let start = from.map_or(0, |from| from.saturating_sub(base));
        match self.search(scope, subject, start) {
            Outcome::At(found) => {
                if let Some(captures) = &self.captures {
                    scope.scratch.notes.put(Note { of: captures.address(), base, found });
                }
                let again = (base + found.first + 1).max(base + start + 1);
                Some(Match { end: base + found.end, again: Some(again) })
            }
            Outcome::Nowhere => None,
            Outcome::GivenUp => {
                scope.give_up();
                // What was not looked for to the end is not known to be absent.
                self.flags.negated.then_some(Match { end: cursor, again: None })
            }
        }
    }

    fn relative(&self) -> bool {
        self.flags.relative
    }

    fn negated(&self) -> bool {
        self.flags.negated
    }

    fn capture(&self, scope: &mut Scope<'_>) {
        let Some(captures) = &self.captures else { return };
        let Some(note) = scope.scratch.notes.take(captures.address()) else { return };
        let buffer = scope.buffer;
        let subject = buffer.get(note.base..).unwrap_or_default();
        match self.groups(scope, subject, note.found) {
            Some(groups) => captures.take(scope.scratch, subject, &groups),
            None => scope.scratch.refused += 1,
        }
    }
}
