//! The head of a request or response: one allocation of bytes, and ranges into it.
//!
//! RFC 9112, read as tolerantly as servers and browsers do.

use std::sync::OnceLock;

use memchr::memchr;

use super::events;
use crate::field::Event;

/// Longest line, in bytes, as Suricata's libhtp has it.
pub const MAX_LINE: usize = 18_000;
/// Longest head, in bytes.
pub const MAX_HEAD: usize = 65_536;
/// Most headers of a head.
pub const MAX_HEADERS: usize = 1_024;
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

    /// How many lines of the head are complete.
    pub const fn lines(&self) -> usize {
        self.lines
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

impl Head {
    /// Parses a request's head. `bytes` may end within it when no more will come.
    pub fn request(bytes: &[u8], notes: &mut Notes) -> Self {
        let mut head = Self::begin(bytes);
        head.request_line(notes);
        head.parse_headers(&REQUEST, notes);
        head
    }

    /// Parses a response's head.
    pub fn response(bytes: &[u8], notes: &mut Notes) -> Self {
        let mut head = Self::begin(bytes);
        head.response_line();
        head.parse_headers(&RESPONSE, notes);
        head
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

    fn parse_headers(&mut self, names: &Names, notes: &mut Notes) {
        let end = self.block.end as usize;
        let mut at = self.block.start as usize;
        let mut repetitions = 0;
        while at < end {
            let rest = self.bytes.get(at..end).unwrap_or_default();
            let next = memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
            let mut line = rest.get(..next).unwrap_or_default();
            let ending = line.iter().rev().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            line = line.get(..line.len() - ending).unwrap_or_default();
            if line.is_empty() {
                self.plain &= next == 2 && at + next == end;
                break;
            }
            self.plain &= ending == 2;
            let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
            if folded && !self.headers.is_empty() {
                self.unfold(at, line.len());
                at += next;
                continue;
            }
            if folded {
                notes.add(names.folding);
            }
            let header = self.header(at, line.len(), names, notes);
            if !self.add(header, &mut repetitions, names, notes) {
                break;
            }
            at += next;
        }
        self.plain &= end > self.block.start as usize;
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
    fn add(
        &mut self,
        header: Header,
        repetitions: &mut usize,
        names: &Names,
        notes: &mut Notes,
    ) -> bool {
        let name = self.slice(header.name);
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        let (cookie, content_length) = (is(b"cookie") || is(b"set-cookie"), is(b"content-length"));
        let old = self.headers.iter().position(|other| is(self.slice(other.name)));
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
        *repetitions += 1;
        let Some(old) = self.headers.get(at).copied() else { return true };
        if content_length {
            let (one, two) = (self.slice(old.value), self.slice(header.value));
            if leading_number(one).is_none() || leading_number(one) != leading_number(two) {
                notes.add(names.duplicate_length);
            }
        } else if *repetitions <= MAX_REPETITIONS {
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

    /// Adds a continuation line to the last header, with one space between.
    fn unfold(&mut self, at: usize, length: usize) {
        self.plain = false;
        let line = self.bytes.get(at..at + length).unwrap_or_default();
        let lead = line.iter().take_while(|byte| is_space(**byte)).count().min(line.len());
        let more = Span::of(at + lead, at + lead + trim(line).len());
        let Some(last) = self.headers.last().copied() else { return };
        let value = self.join(last.value, b" ", more);
        if let Some(slot) = self.headers.last_mut() {
            slot.value = value;
        }
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
        let header = self.headers.iter().find(|h| self.slice(h.name).eq_ignore_ascii_case(name))?;
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
