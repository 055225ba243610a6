//! Messages of mail (RFC 5322, RFC 2045, RFC 2046), read line by line: their headers, the files
//! attached to them, decoded, and the web addresses in their text.

mod attached;
mod encoding;
mod header;

use encoding::quoted_printable;

pub use attached::Attached;
pub use encoding::Base64;
pub use header::parameter;

/// Boundaries of parts within parts that are looked for at a time.
const DEPTH_MAX: usize = 16;
/// Bytes of the headers of the message, and of those of a part, that are kept.
const HEADER_BYTES: usize = 65_536;
/// Attachments whose names are kept.
const ATTACHMENTS_MAX: usize = 64;
/// Addresses that are kept of a message.
const URLS_MAX: usize = 256;
/// Bytes of an address that are kept.
const URL_BYTES: usize = 2048;
/// Bytes of a line that are looked at for addresses; longer ones are looked at in pieces.
const TEXT_BYTES: usize = 8192;
/// Bytes of a file's name that are kept.
const NAME_BYTES: usize = 255;
/// Bytes of a line, without its end (RFC 5322, 2.1.1).
const LINE_BYTES: usize = 998;
/// Bytes of a line of an encoded body, without its end (RFC 2045, 6.7 and 6.8).
const ENCODED_LINE_BYTES: usize = 76;
/// Bytes of a header's name before it is called long, as Suricata has it.
const HEADER_NAME_BYTES: usize = 75;
/// Bytes of a header's value before it is called long, as Suricata has it.
const HEADER_VALUE_BYTES: usize = 2000;
/// Bytes of a boundary before it is called long, as Suricata has it.
const BOUNDARY_BYTES: usize = 254;
/// What an address begins with, and is shown without.
const SCHEME: &[u8] = b"http://";

/// What was wrong in a message: bits.
pub mod flaw {
    /// A character that base64 does not have.
    pub const BASE64: u16 = 1;
    /// An escape that quoted-printable does not have.
    pub const QUOTED_PRINTABLE: u16 = 2;
    /// A line of more than 998 bytes.
    pub const LONG_LINE: u16 = 4;
    /// An encoded line of more than 76 bytes.
    pub const LONG_ENCODED_LINE: u16 = 8;
    /// A header's name of more than 75 bytes.
    pub const LONG_HEADER_NAME: u16 = 16;
    /// A header's value of more than 2000 bytes.
    pub const LONG_HEADER_VALUE: u16 = 32;
    /// A boundary of more than 254 bytes.
    pub const LONG_BOUNDARY: u16 = 64;
    /// A file's name of more than 255 bytes.
    pub const LONG_FILENAME: u16 = 128;
}

/// What a line meant for the files of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// An attachment of this name begins.
    Open(&'a [u8]),
    /// Content of the attachment that is open, decoded.
    Data(&'a [u8]),
    /// It ends.
    Close,
}

/// A piece of the message: a line, or a part of one that is too long to be given at once.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Without what ends it.
    pub text: &'a [u8],
    /// What ends it; empty while the line goes on.
    pub ending: &'a [u8],
    /// Whether the line begins here.
    pub start: bool,
}

/// A header: its name as sent and its value, unfolded.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Before the colon.
    pub name: Vec<u8>,
    /// After the colon and the space there.
    pub value: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Headers, none seen yet.
    #[default]
    Start,
    /// Headers, the last of which may go on.
    Headers,
    Body,
}

#[derive(Clone, Copy, Debug, Default)]
enum Encoding {
    #[default]
    Plain,
    Base64(Base64),
    QuotedPrintable,
}

/// A message as far as it was read.
#[derive(Debug, Default)]
pub struct Message {
    state: State,
    /// The headers of the message itself, then those of the part.
    headers: Vec<Header>,
    /// How many of them are the message's; `None` while these are read.
    own: Option<usize>,
    header_bytes: usize,
    /// With the two hyphens before each, the innermost last.
    boundaries: Vec<Vec<u8>>,
    encoding: Encoding,
    /// Whether the part is text, where addresses are looked for.
    text: bool,
    /// Whether the part is a file.
    file: bool,
    /// The end of a line of a file, which belongs to the boundary when one follows.
    held: Vec<u8>,
    line: Vec<u8>,
    attachments: Vec<Vec<u8>>,
    urls: Vec<Vec<u8>>,
    flaws: u16,
}

impl Message {
    /// Takes the next line. `sink` gets what it means for the attachments, in order.
    pub fn line(&mut self, line: Line<'_>, sink: &mut dyn FnMut(Step<'_>)) {
        if line.text.len() > LINE_BYTES {
            self.flaws |= flaw::LONG_LINE;
        }
        match self.state {
            State::Body => self.body(line, sink),
            _ if line.text.is_empty() && line.start => self.headers_end(sink),
            _ => self.header(line),
        }
    }

    /// The message ends here: so does its open attachment.
    pub fn end(&mut self, sink: &mut dyn FnMut(Step<'_>)) {
        if !matches!(self.state, State::Body) && self.own.is_none() {
            self.own = Some(self.headers.len());
        }
        self.close(sink);
        self.find_urls(b"\n");
    }

    /// The first header of the message with this name, in lower case.
    pub fn header_value(&self, name: &'static [u8]) -> Option<&[u8]> {
        self.header_values(name).next()
    }

    /// Every header of the message with this name.
    pub fn header_values(&self, name: &'static [u8]) -> impl Iterator<Item = &[u8]> {
        self.headers()
            .filter(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_slice())
    }

    /// The headers of the message itself, as far as they are kept, in order.
    pub fn headers(&self) -> impl Iterator<Item = &Header> {
        self.headers.iter().take(self.own.unwrap_or(usize::MAX))
    }

    /// Whether the headers of the message itself are over.
    pub const fn has_body(&self) -> bool {
        self.own.is_some()
    }

    /// The names of the attachments, in order.
    pub fn attachments(&self) -> &[Vec<u8>] {
        &self.attachments
    }

    /// The web addresses in its text, without `http://`, in order.
    pub fn urls(&self) -> &[Vec<u8>] {
        &self.urls
    }

    /// What was wrong so far: bits of [`flaw`].
    pub const fn flaws(&self) -> u16 {
        self.flaws
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let lists = self.boundaries.iter().chain(&self.attachments).chain(&self.urls);
        let lists: usize = lists.map(|bytes| bytes.capacity() + size_of::<Vec<u8>>()).sum();
        let headers = self.headers.capacity() * size_of::<Header>();
        self.header_bytes + headers + lists + self.line.capacity()
    }

    fn header(&mut self, line: Line<'_>) {
        let own = self.own.unwrap_or(0);
        let folded = matches!(line.text.first(), Some(b' ' | b'\t')) || !line.start;
        let room = HEADER_BYTES.saturating_sub(self.header_bytes);
        if folded && self.state == State::Headers {
            let more = if line.start { line.text.get(1..).unwrap_or_default() } else { line.text };
            let more = more.get(..room).unwrap_or(more);
            if let Some(last) = self.headers.get_mut(own..).and_then(<[Header]>::last_mut) {
                last.value.extend_from_slice(more);
                self.header_bytes += more.len();
                if last.value.len() > HEADER_VALUE_BYTES {
                    self.flaws |= flaw::LONG_HEADER_VALUE;
                }
            }
            return;
        }
        let mut parts = line.text.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { return };
        let value = value.trim_ascii_start();
        if name.len() > HEADER_NAME_BYTES {
            self.flaws |= flaw::LONG_HEADER_NAME;
        }
        if value.len() > HEADER_VALUE_BYTES {
            self.flaws |= flaw::LONG_HEADER_VALUE;
        }
        self.state = State::Headers;
        let size = name.len() + value.len() + size_of::<Header>();
        if size <= room {
            self.header_bytes += size;
            self.headers.push(Header { name: name.to_vec(), value: value.to_vec() });
        }
    }

    /// What the headers say of the body that follows.
    fn headers_end(&mut self, sink: &mut dyn FnMut(Step<'_>)) {
        let first = self.own.is_none();
        let own = *self.own.get_or_insert(self.headers.len());
        let of_part = if first { 0 } else { own };
        self.state = State::Body;
        let found = header::Found::of(self.headers.get(of_part..).unwrap_or_default());
        self.encoding = match found.encoding {
            header::Encoding::Base64 => Encoding::Base64(Base64::default()),
            header::Encoding::QuotedPrintable => Encoding::QuotedPrintable,
            header::Encoding::Plain => Encoding::Plain,
        };
        self.text = found.text;
        self.file = false;
        if let Some(boundary) = found.boundary
            && !boundary.is_empty()
            && self.boundaries.len() < DEPTH_MAX
        {
            if boundary.len() > BOUNDARY_BYTES {
                self.flaws |= flaw::LONG_BOUNDARY;
            }
            self.boundaries.push([b"--", boundary.as_slice()].concat());
        }
        let name = found.name.unwrap_or_default();
        let kept = name.get(..NAME_BYTES).unwrap_or(&name);
        if !kept.is_empty() && self.attachments.len() < ATTACHMENTS_MAX {
            self.attachments.push(kept.to_vec());
        }
        if name.len() > NAME_BYTES {
            self.flaws |= flaw::LONG_FILENAME;
        }
        if found.message {
            // A message within: its headers say what it is, whatever those around it said.
            self.part(State::Start);
        } else if !kept.is_empty() {
            self.file = true;
            sink(Step::Open(kept));
        }
    }

    /// A new part begins: nothing of the one before holds for it.
    fn part(&mut self, state: State) {
        self.state = state;
        self.file = false;
        self.text = true;
        self.encoding = Encoding::Plain;
        self.held.clear();
        let own = self.own.unwrap_or(0);
        let gone = self.headers.get(own..).unwrap_or_default().iter();
        let gone: usize = gone.map(|h| h.name.len() + h.value.len() + size_of::<Header>()).sum();
        self.header_bytes = self.header_bytes.saturating_sub(gone);
        self.headers.truncate(own);
    }

    fn close(&mut self, sink: &mut dyn FnMut(Step<'_>)) {
        if let Encoding::Base64(decoder) = &mut self.encoding
            && self.file
        {
            let rest = decoder.finish();
            if !rest.is_empty() {
                sink(Step::Data(&rest));
            }
        }
        if std::mem::take(&mut self.file) {
            sink(Step::Close);
        }
    }

    fn body(&mut self, line: Line<'_>, sink: &mut dyn FnMut(Step<'_>)) {
        let at = self.boundaries.iter().rposition(|b| line.text.starts_with(b));
        if let Some(at) = at.filter(|_| line.start) {
            let boundary = self.boundaries.get(at).map_or(0, Vec::len);
            let last = line.text.get(boundary..).is_some_and(|rest| rest.starts_with(b"--"));
            self.boundaries.truncate(if last && at > 0 { at } else { at + 1 });
            self.close(sink);
            self.part(State::Start);
            return;
        }
        if !self.file {
            if self.text {
                self.find_urls(line.text);
                self.find_urls(line.ending);
            }
            return;
        }
        let encoded = matches!(self.encoding, Encoding::Base64(_) | Encoding::QuotedPrintable);
        if encoded && line.text.len() > ENCODED_LINE_BYTES {
            self.flaws |= flaw::LONG_ENCODED_LINE;
        }
        match &mut self.encoding {
            Encoding::Plain => {
                if !self.held.is_empty() {
                    sink(Step::Data(&self.held));
                }
                sink(Step::Data(line.text));
                self.held.clear();
                self.held.extend_from_slice(line.ending);
                self.find_urls(line.text);
                self.find_urls(line.ending);
            }
            Encoding::Base64(decoder) => {
                let mut decoded = Vec::new();
                if !decoder.decode(line.text, &mut decoded) {
                    self.flaws |= flaw::BASE64;
                }
                sink(Step::Data(&decoded));
                self.find_urls(&decoded);
            }
            Encoding::QuotedPrintable => {
                let mut decoded = Vec::new();
                if !quoted_printable(line.text, line.ending, &mut decoded) {
                    self.flaws |= flaw::QUOTED_PRINTABLE;
                }
                sink(Step::Data(&decoded));
                self.find_urls(&decoded);
            }
        }
    }

    /// Gathers text to lines and takes the addresses out of each.
    fn find_urls(&mut self, mut text: &[u8]) {
        while !text.is_empty() && self.urls.len() < URLS_MAX {
            let end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1);
            let end = end.min(TEXT_BYTES.saturating_sub(self.line.len()));
            let (piece, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
            self.line.extend_from_slice(piece);
            text = rest;
            if self.line.ends_with(b"\n") || self.line.len() >= TEXT_BYTES {
                self.urls_of_line();
                self.line.clear();
            }
        }
    }

    fn urls_of_line(&mut self) {
        let mut rest = self.line.as_slice();
        while let Some(at) = find_nocase(rest, SCHEME) {
            let url = rest.get(at + SCHEME.len()..).unwrap_or_default();
            let stop = |byte: &u8| b" \"'<>]\t\r\n".contains(byte);
            let length = url.iter().position(stop).unwrap_or(url.len());
            let (url, after) = url.split_at_checked(length).unwrap_or((url, &[]));
            rest = after;
            if self.urls.len() < URLS_MAX {
                self.urls.push(url.get(..URL_BYTES).unwrap_or(url).to_vec());
            }
        }
    }
}

fn find_nocase(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted.first()?;
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text).find(|at| {
        let here = text.get(*at..*at + wanted.len());
        here.is_some_and(|here| here.eq_ignore_ascii_case(wanted))
    })
}

#[cfg(test)]
mod tests;
