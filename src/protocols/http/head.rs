//! The head of a request or response: one allocation of bytes, and ranges into it.
//!
//! RFC 9112, read as tolerantly as servers and browsers do.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::OnceLock;

use memchr::memchr;

use super::lines::{self, Line};
use super::{begins_response, events};
use crate::field::Event;

/// Longest line, in bytes, as Suricata's libhtp has it.
pub const MAX_LINE: usize = 18_000;
/// Longest head, in bytes.
pub const MAX_HEAD: usize = 65_536;
/// Most headers of a head.
pub const MAX_HEADERS: usize = 1_024;
/// How a response begins when another line precedes it.
pub const RESPONSE_START: &[u8] = b"HTTP/";
/// Headers up to which a name is looked for among all before it; with more they are filed by name.
const FEW_HEADERS: usize = 32;

/// Most repetitions of headers whose values are joined.
const MAX_REPETITIONS: usize = 64;

/// A range of [`Head::bytes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn of(start: usize, end: usize) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end.max(start)) }
    }
}

/// One header; the values of a repeated one are joined by `", "`.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    name: Span,
    value: Span,
    repeated: bool,
}

/// A parsed head.
#[derive(Debug, Default)]
pub struct Head {
    /// The head as it was on the wire, then joined and unfolded values.
    bytes: Vec<u8>,
    line: Span,
    /// The header block on the wire with the empty line at its end.
    block: Span,
    /// The parts of the first line: method, URI, protocol; or protocol, status, message.
    parts: [Option<Span>; 3],
    headers: Vec<Header>,
    /// The header block is already as normalisation would make it, but for cookies.
    plain: bool,
    cookies: bool,
    /// There are zero bytes in it: names are compared without them, as browsers do.
    zeros: bool,
    normal: OnceLock<Vec<u8>>,
    names: OnceLock<Vec<u8>>,
    start: OnceLock<Vec<u8>>,
}

/// Which events a head of this side raises.
pub struct Names {
    missing_colon: &'static Event,
    folding: &'static Event,
    token: &'static Event,
    repetition: &'static Event,
    duplicate_length: &'static Event,
    too_many: &'static Event,
}

/// Of requests.
pub static REQUEST: Names = Names {
    missing_colon: &events::REQUEST_MISSING_COLON,
    folding: &events::INVALID_FOLDING_REQUEST,
    token: &events::REQUEST_HEADER_INVALID,
    repetition: &events::REQUEST_REPETITION,
    duplicate_length: &events::DUPLICATE_LENGTH_REQUEST,
    too_many: &events::REQUEST_TOO_MANY_HEADERS,
};

/// Of responses.
pub static RESPONSE: Names = Names {
    missing_colon: &events::RESPONSE_MISSING_COLON,
    folding: &events::INVALID_FOLDING_RESPONSE,
    token: &events::RESPONSE_HEADER_INVALID,
    repetition: &events::RESPONSE_REPETITION,
    duplicate_length: &events::DUPLICATE_LENGTH_RESPONSE,
    too_many: &events::RESPONSE_TOO_MANY_HEADERS,
};

/// Events of one head, each once, in the order in which they were first seen.
#[derive(Debug, Default)]
pub struct Notes(Vec<&'static Event>);

impl Notes {
    /// Notes `event` unless it is noted.
    pub fn add(&mut self, event: &'static Event) {
        if !self.0.contains(&event) {
            self.0.push(event);
        }
    }

    /// What was noted.
    pub fn iter(&self) -> impl Iterator<Item = &'static Event> {
        self.0.iter().copied()
    }
}

/// Where the search for the end of a head stands; survives cuts.
#[derive(Debug, Default, Clone, Copy)]
pub struct Search {
    /// Start of the first line not yet complete.
    line: usize,
    lines: usize,
    /// Where the head starts: what precedes it is passed over.
    start: usize,
    /// The line before was ended by LF CR.
    crossed: bool,
}

/// What the search found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The head is these first bytes.
    Head(usize),
    /// More bytes are needed.
    More,
    /// A limit was passed.
    TooLong,
    /// There is no head: these bytes are a body (HTTP/0.9).
    Body,
}

impl Search {
    /// Looks for the empty line that ends the head; empty lines before its first line are part
    /// of it. `bytes` begins where it began at the last call, and has grown.
    pub fn find(&mut self, bytes: &[u8]) -> Found {
        loop {
            let rest = bytes.get(self.line..).unwrap_or_default();
            let Some(at) = memchr(b'\n', rest) else {
                let long = rest.len() > MAX_LINE || self.line > MAX_HEAD;
                return if long { Found::TooLong } else { Found::More };
            };
            self.line = self.line.saturating_add(at).saturating_add(1);
            if at > MAX_LINE || self.line > MAX_HEAD {
                return Found::TooLong;
            }
            if !is_blank(rest.get(..at).unwrap_or_default()) {
                self.lines = self.lines.saturating_add(1);
            } else if self.lines > 0 {
                return Found::Head(self.line);
            }
        }
    }

    /// As [`Search::find`], for the head of a response, whose lines end in more ways. A line that
    /// cannot begin a response is passed over when the next one does.
    pub fn find_response(&mut self, bytes: &[u8]) -> Found {
        loop {
            let found = lines::line(bytes, self.line, self.crossed, true);
            let end = found.map_or(bytes.len(), |line| line.end);
            let text = bytes.get(self.line..end).unwrap_or_default();
            if text.len() > MAX_LINE || end > MAX_HEAD {
                let head = self.lines > 0 || begins_response(text);
                return if head { Found::TooLong } else { Found::Body };
            }
            let Some(line) = found else { return Found::More };
            if self.lines > 0 {
                self.lines = self.lines.saturating_add(1);
                if line.last {
                    return Found::Head(line.next);
                }
            } else if trim(text).is_empty() {
                self.start = line.next;
            } else if begins_response(text) {
                self.lines = 1;
            } else {
                let next = bytes.get(line.next..).unwrap_or_default();
                if next.starts_with(RESPONSE_START) {
                    self.start = line.next;
                } else if RESPONSE_START.starts_with(next) {
                    return Found::More;
                } else {
                    return Found::Body;
                }
            }
            self.line = line.next;
            self.crossed = line.crossed;
        }
    }

    /// How many lines of the head are complete.
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// Where the head starts.
    pub const fn start(&self) -> usize {
        self.start
    }
}

/// Whether a line without its line feed is empty.
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| *byte == b'\r')
}

/// Whether libhtp's and C's `isspace` would hold.
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

/// `bytes` without whitespace at both ends.
pub fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(*byte)).map_or(start, |at| at + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// Whether a line that begins with it continues the one before.
const fn is_folding(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0)
}

/// `bytes` without zero bytes, which browsers overlook in names and values.
pub fn without_zeros(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr(0, bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(bytes.iter().copied().filter(|byte| *byte != 0).collect())
}

/// The line of a request's head at `at`: only LF ends it.
fn request_header_line(bytes: &[u8], at: usize, _crossed: bool) -> Option<Line> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let newline = memchr(b'\n', rest);
    let end = at + newline.unwrap_or(rest.len());
    let next = at + newline.map_or(rest.len(), |newline| newline + 1);
    let last = is_blank(bytes.get(at..end).unwrap_or_default());
    Some(Line { end, next, crossed: false, last })
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// What is known of the headers of a block while it is read.
#[derive(Default)]
struct Known {
    repetitions: usize,
    /// By name in small letters; filled when there are many. Seeded: names come from the wire.
    places: HashMap<Vec<u8>, usize>,
}

impl Known {
    /// The place of a name among those of the headers before it. If it is not there, it will be the
    /// next.
    fn place<'a>(
        &mut self,
        name: &[u8],
        mut before: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Option<usize> {
        let next = before.len();
        if next < FEW_HEADERS {
            return before.position(|other| name.eq_ignore_ascii_case(other));
        }
        if self.places.is_empty() {
            for (other, at) in before.zip(0..) {
                self.places.entry(other.to_ascii_lowercase()).or_insert(at);
            }
        }
        match self.places.entry(name.to_ascii_lowercase()) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(place) => {
                place.insert(next);
                None
            }
        }
    }
}

impl Head {
    /// Parses a request's head. `bytes` may end within it when no more will come.
    pub fn request(bytes: &[u8], notes: &mut Notes) -> Self {
        let mut head = Self::begin(bytes);
        head.request_line(notes);
        head.parse_headers(&REQUEST, request_header_line, false, notes);
        head
    }

    /// Parses a response's head.
    pub fn response(bytes: &[u8], notes: &mut Notes) -> Self {
        let mut head = Self::begin_response(bytes);
        head.response_line();
        let apart = head.part(0).is_some_and(|text| text.eq_ignore_ascii_case(b"http/1.1"));
        let next = |bytes: &[u8], at, crossed| lines::line(bytes, at, crossed, false);
        head.parse_headers(&RESPONSE, next, apart, notes);
        head
    }

    /// Takes the bytes, less empty lines before the first.
    fn begin_response(bytes: &[u8]) -> Self {
        let mut from = 0;
        let mut line = lines::line(bytes, from, false, false);
        while let Some(empty) = line
            && bytes.get(from..empty.end).is_some_and(|text| trim(text).is_empty())
        {
            from = empty.next;
            line = lines::line(bytes, from, empty.crossed, false);
        }
        let (end, next) = line.map_or((bytes.len(), bytes.len()), |line| (line.end, line.next));
        let line = bytes.get(from..end).unwrap_or_default();
        let ending = bytes.get(end..next);
        let length = line.len() - line.iter().rev().take_while(|byte| **byte == b'\r').count();
        Self {
            line: Span::of(0, length),
            block: Span::of(next - from, bytes.len() - from),
            plain: ending == Some(b"\r\n") && length == line.len(),
            zeros: memchr(0, bytes).is_some(),
            bytes: bytes.get(from..).unwrap_or_default().to_vec(),
            ..Self::default()
        }
    }

    /// Takes the bytes, less empty lines before the first.
    fn begin(bytes: &[u8]) -> Self {
        let mut from = 0;
        while let Some(rest) = bytes.get(from..)
            && let Some(at) = memchr(b'\n', rest)
            && is_blank(rest.get(..at).unwrap_or_default())
        {
            from += at + 1;
        }
        let bytes = bytes.get(from..).unwrap_or_default();
        let newline = memchr(b'\n', bytes);
        let line = bytes.get(..newline.unwrap_or(bytes.len())).unwrap_or_default();
        let line = line.len() - line.iter().rev().take_while(|byte| **byte == b'\r').count();
        let block = newline.map_or(bytes.len(), |at| at + 1);
        Self {
            line: Span::of(0, line),
            block: Span::of(block, bytes.len()),
            bytes: bytes.to_vec(),
            zeros: memchr(0, bytes).is_some(),
            plain: newline.is_some_and(|at| at == line + 1),
            ..Self::default()
        }
    }

    /// Method, whitespace, URI, a space, protocol. A space in the URI begins the protocol: that
    /// is how Suricata reads it.
    fn request_line(&mut self, notes: &mut Notes) {
        let line = self.slice(self.line);
        let leading = line.iter().take_while(|byte| is_space(**byte)).count();
        if leading > 0 {
            notes.add(&events::REQUEST_LINE_LEADING_SPACE);
        }
        let rest = line.get(leading..).unwrap_or_default();
        let method = rest.iter().take_while(|byte| !is_space(**byte)).count();
        let rest = rest.get(method..).unwrap_or_default();
        let gap = rest.iter().take_while(|byte| is_space(**byte)).count();
        if rest.iter().take(gap).any(|byte| *byte != b' ') {
            notes.add(&events::METHOD_DELIMITER);
        }
        let from = leading + method + gap;
        let rest = rest.get(gap..).unwrap_or_default();
        let rest = rest.get(..trim(rest).len()).unwrap_or_default();
        let mut end = memchr(b' ', rest).unwrap_or(rest.len());
        if rest.iter().take(end).any(|byte| is_space(*byte)) {
            notes.add(&events::URI_DELIMITER);
            if end == rest.len() {
                end = rest.iter().position(|byte| is_space(*byte)).unwrap_or(end);
            }
        }
        let after = rest.get(end..).unwrap_or_default();
        let skip = after.iter().take_while(|byte| is_space(**byte)).count();
        let (uri, stop) = (Span::of(from, from + end), from + rest.len());
        let protocol = Span::of(from + end + skip, stop);
        let some = |span: Span| (span.end > span.start).then_some(span);
        self.parts = [some(Span::of(leading, leading + method)), some(uri), some(protocol)];
    }

    fn response_line(&mut self) {
        let line = self.slice(self.line);
        let leading = line.iter().take_while(|byte| is_space(**byte) || **byte == 0).count();
        let mut at = leading;
        let mut word = |space: bool| {
            let rest = line.get(at..).unwrap_or_default();
            let count = rest.iter().take_while(|byte| is_space(**byte) == space).count();
            let span = Span::of(at, at + count);
            at += count;
            span
        };
        let (protocol, _, status, space) = (word(false), word(true), word(false), word(true));
        let message = Span::of(at, line.len());
        let some = |span: Span| (span.end > span.start).then_some(span);
        self.parts = [some(protocol), some(status), some(space).map(|_| message)];
    }

    /// Headers with their continuation lines. With `apart`, a continuation line that looks like
    /// a header is one, as browsers have it in HTTP/1.1.
    fn parse_headers(
        &mut self,
        names: &Names,
        next: impl Fn(&[u8], usize, bool) -> Option<Line>,
        apart: bool,
        notes: &mut Notes,
    ) {
        let end = self.block.end as usize;
        let mut at = self.block.start as usize;
        let (mut crossed, mut known, mut last) = (false, Known::default(), false);
        let mut held: Option<Span> = None;
        while let Some(line) = next(self.bytes.get(..end).unwrap_or_default(), at, crossed) {
            let text = self.bytes.get(at..line.end).unwrap_or_default();
            let length = text.len() - text.iter().rev().take_while(|b| **b == b'\r').count();
            let text = text.get(..length).unwrap_or_default();
            let ending = self.bytes.get(at + length..line.next);
            self.plain &= ending == Some(b"\r\n");
            last = line.last;
            if last {
                self.plain &= line.next == end && length == 0;
                break;
            }
            let folded = text.first().is_some_and(|byte| is_folding(*byte));
            let colon = |text: &[u8]| memchr(b':', text).is_some();
            let mut span = Span::of(at, at + length);
            (at, crossed) = (line.next, line.crossed);
            if length == 0 {
                self.plain = false;
                continue;
            }
            if folded {
                self.plain = false;
                let lead = text.iter().take_while(|byte| is_folding(**byte)).count();
                let new = colon(text) && held.is_some_and(|held| colon(self.slice(held)));
                if let Some(before) = held.filter(|_| !(apart && new)) {
                    held = Some(self.unfold(before, span));
                    continue;
                }
                notes.add(names.folding);
                span = Span::of(span.start as usize + lead, span.end as usize);
            }
            if let Some(before) = held.replace(span)
                && !self.take_header(before, &mut known, names, notes)
            {
                return;
            }
        }
        self.plain &= last;
        if let Some(before) = held {
            self.take_header(before, &mut known, names, notes);
        }
    }

    /// Parses and adds a header. `false` when there are too many.
    fn take_header(
        &mut self,
        text: Span,
        known: &mut Known,
        names: &Names,
        notes: &mut Notes,
    ) -> bool {
        let (start, end) = (text.start as usize, text.end as usize);
        let header = self.header(start, end.saturating_sub(start), names, notes);
        self.add(header, known, names, notes)
    }

    /// The header on the line of `length` bytes at `at`.
    fn header(&mut self, at: usize, length: usize, names: &Names, notes: &mut Notes) -> Header {
        let line = self.bytes.get(at..at + length).unwrap_or_default();
        let within = |part: &[u8], from: usize| {
            let lead = part.iter().take_while(|byte| is_space(**byte)).count();
            let start = from + lead.min(part.len());
            Span::of(start, start + trim(part).len())
        };
        let Some(colon) = memchr(b':', line) else {
            notes.add(names.missing_colon);
            self.plain = false;
            return Header { name: Span::of(at, at), value: within(line, at), repeated: false };
        };
        let name = line.get(..colon).unwrap_or_default();
        let value = line.get(colon + 1..).unwrap_or_default();
        if name.is_empty() || !trim(name).iter().all(|byte| is_token(*byte)) {
            notes.add(names.token);
        }
        let header = Header {
            name: within(name, at),
            value: within(value, at + colon + 1),
            repeated: false,
        };
        let canonical = header.name == Span::of(at, at + colon)
            && header.value == Span::of(at + colon + 2, at + length)
            && value.first() == Some(&b' ');
        self.plain &= canonical;
        header
    }

    /// Adds a header, or joins it to one of the same name. `false` when there are too many.
    fn add(&mut self, header: Header, known: &mut Known, names: &Names, notes: &mut Notes) -> bool {
        let name = self.slice(header.name);
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        let (cookie, content_length) = (is(b"cookie") || is(b"set-cookie"), is(b"content-length"));
        let old = known.place(name, self.headers.iter().map(|other| self.slice(other.name)));
        self.cookies |= cookie;
        let Some(at) = old else {
            if self.headers.len() >= MAX_HEADERS {
                notes.add(names.too_many);
                self.plain = false;
                return false;
            }
            self.headers.push(header);
            return true;
        };
        self.plain = false;
        notes.add(names.repetition);
        known.repetitions += 1;
        let Some(old) = self.headers.get(at).copied() else { return true };
        if content_length {
            let (one, two) = (self.slice(old.value), self.slice(header.value));
            if leading_number(one).is_none() || leading_number(one) != leading_number(two) {
                notes.add(names.duplicate_length);
            }
        } else if known.repetitions <= MAX_REPETITIONS {
            let value = self.join(old.value, b", ", header.value);
            if let Some(slot) = self.headers.get_mut(at) {
                slot.value = value;
            }
        }
        if let Some(slot) = self.headers.get_mut(at) {
            slot.repeated = true;
        }
        true
    }

    /// Adds a continuation line to a header's text, with one space between.
    fn unfold(&mut self, text: Span, line: Span) -> Span {
        let more = self.slice(line);
        let lead = more.iter().take_while(|b| is_space(**b) || **b == 0).count();
        let start = line.start as usize + lead.min(more.len());
        let length = trim(more.get(lead..).unwrap_or_default()).len();
        self.join(text, b" ", Span::of(start, start + length))
    }

    /// Appends the joined value behind the wire's bytes, or grows it when it is there already.
    fn join(&mut self, one: Span, between: &[u8], two: Span) -> Span {
        let grows = one.end as usize == self.bytes.len() && one.start >= self.block.end;
        let start = if grows { one.start as usize } else { self.bytes.len() };
        if !grows {
            self.bytes.extend_from_within(one.start as usize..one.end as usize);
        }
        self.bytes.extend_from_slice(between);
        self.bytes.extend_from_within(two.start as usize..two.end as usize);
        Span::of(start, self.bytes.len())
    }

    fn slice(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Whether there is a head at all.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first line without its ending.
    pub fn line(&self) -> &[u8] {
        self.slice(self.line)
    }

    /// A part of the first line: 0 method or protocol, 1 URI or status, 2 protocol or message.
    pub fn part(&self, index: usize) -> Option<&[u8]> {
        self.parts.get(index).copied().flatten().map(|span| self.slice(span))
    }

    /// The value of a header, by its name in lower case.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let same = |other: &[u8]| {
            other.eq_ignore_ascii_case(name)
                || (self.zeros && without_zeros(other).eq_ignore_ascii_case(name))
        };
        let header = self.headers.iter().find(|header| same(self.slice(header.name)))?;
        Some(self.slice(header.value))
    }

    /// The headers, names and values.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.headers.iter().map(|header| (self.slice(header.name), self.slice(header.value)))
    }

    /// Calls `sink` with `Name: value` of each header.
    pub fn each_line(&self, sink: &mut dyn FnMut(&[u8])) {
        for header in &self.headers {
            let between = header.name.end as usize..header.value.start as usize;
            if header.value.start >= header.name.end
                && self.bytes.get(between) == Some(b": ")
                && header.name.end > header.name.start
            {
                sink(self.slice(Span { start: header.name.start, end: header.value.end }));
            } else {
                sink(&[self.slice(header.name), b": ", self.slice(header.value)].concat());
            }
        }
    }

    /// The header block as on the wire, with its closing empty line.
    pub fn block(&self) -> &[u8] {
        self.slice(self.block)
    }

    /// `Name: value\r\n` of all headers but cookies.
    pub fn normal(&self) -> &[u8] {
        if self.plain && !self.cookies {
            return self.slice(Span { end: self.block.end.saturating_sub(2), ..self.block });
        }
        self.normal.get_or_init(|| {
            let cookie = |name: &[u8]| {
                name.eq_ignore_ascii_case(b"cookie") || name.eq_ignore_ascii_case(b"set-cookie")
            };
            self.concatenated(Vec::with_capacity(self.bytes.len()), |name| !cookie(name))
        })
    }

    /// First line and headers, normalised, with the closing empty line.
    pub fn start(&self) -> &[u8] {
        if self.plain {
            return self.slice(Span { start: 0, end: self.block.end });
        }
        self.start.get_or_init(|| {
            let mut out = Vec::with_capacity(self.bytes.len() + 4);
            out.extend_from_slice(self.line());
            out.extend_from_slice(b"\r\n");
            let mut out = self.concatenated(out, |_| true);
            out.extend_from_slice(b"\r\n");
            out
        })
    }

    /// `\r\n`, each name and `\r\n`, `\r\n`.
    pub fn names(&self) -> &[u8] {
        self.names.get_or_init(|| {
            let mut out = b"\r\n".to_vec();
            for (name, _) in self.headers() {
                out.extend_from_slice(name);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"\r\n");
            out
        })
    }

    fn concatenated(&self, mut out: Vec<u8>, keep: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        for (name, value) in self.headers().filter(|(name, _)| keep(name)) {
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        let lazy = [&self.normal, &self.names, &self.start];
        let lazy: usize = lazy.iter().filter_map(|cell| cell.get()).map(Vec::capacity).sum();
        self.bytes.capacity() + self.headers.capacity() * size_of::<Header>() + lazy
    }
}

/// The decimal number in a field, after any junk and up to any junk; `None` without digits or
/// when it does not fit: how browsers read Content-Length.
pub fn leading_number(value: &[u8]) -> Option<u64> {
    let start = value.iter().position(u8::is_ascii_digit)?;
    let digits = value.iter().skip(start).take_while(|byte| byte.is_ascii_digit());
    digits.copied().try_fold(0u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}
