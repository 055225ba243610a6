//! One message: its first line, its headers, its body (RFC 3261, section 7).

use crate::field::{Describe, Tree};
use crate::net::Direction;
use crate::protocols::formats::sdp::Description;

/// Headers that are kept of a message.
const HEADERS_MAX: usize = 256;

/// The first line.
#[derive(Debug)]
pub enum First {
    /// Method, address, version.
    Request(Vec<u8>, Vec<u8>, Vec<u8>),
    /// Version, code, reason.
    Response(Vec<u8>, Vec<u8>, Vec<u8>),
}

/// A message.
#[derive(Debug)]
pub struct Message {
    /// The first line in its parts.
    pub first: First,
    /// The first line whole, without what ends it.
    pub line: Vec<u8>,
    /// Names as sent and values, unfolded.
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The session description in its body.
    pub description: Option<Box<Description>>,
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The headers do not end.
    Incomplete,
    /// The first line or a header is not one.
    Invalid,
}

/// Where the headers end, the empty line included.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        from += memchr::memchr(b'\n', rest)? + 1;
        match bytes.get(from..)? {
            [b'\n', ..] => return Some(from + 1),
            [b'\r', b'\n', ..] => return Some(from + 2),
            _ => {}
        }
    }
}

impl Message {
    /// Whether it goes the way that such messages go: requests to the server.
    pub const fn goes(&self, way: Direction) -> bool {
        matches!(self.first, First::Request(..)) == matches!(way, Direction::ToServer)
    }

    /// Reads the first line and the headers; `head` ends with the empty line.
    ///
    /// # Errors
    /// Why they are not those of a message.
    pub fn read(head: &[u8]) -> Result<Self, Wrong> {
        let mut lines = head.split(|byte| *byte == b'\n');
        let line = lines.next().unwrap_or_default().trim_ascii_end();
        let first = First::read(line).ok_or(Wrong::Invalid)?;
        let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for line in lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
            if line.is_empty() {
                break;
            }
            if matches!(line.first(), Some(b' ' | b'\t')) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                continue;
            }
            let mut parts = line.splitn(2, |byte| *byte == b':');
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
                return Err(Wrong::Invalid);
            };
            if headers.len() < HEADERS_MAX {
                headers.push((name.trim_ascii_end().to_vec(), value.trim_ascii().to_vec()));
            }
        }
        Ok(Self { first, line: line.to_vec(), headers, description: None })
    }

    /// Every value of a header, by its name or its compact form (RFC 3261, 7.3.3).
    pub fn header<'a>(
        &'a self,
        name: &'static [u8],
        compact: &'static [u8],
    ) -> impl Iterator<Item = &'a [u8]> {
        let named = move |is: &[u8]| {
            is.eq_ignore_ascii_case(name) || !compact.is_empty() && is.eq_ignore_ascii_case(compact)
        };
        self.headers.iter().filter(move |(is, _)| named(is)).map(|(_, value)| value.as_slice())
    }

    /// Bytes of the body as the headers announce them.
    pub fn content_length(&self) -> Option<usize> {
        let value = self.header(b"content-length", b"l").next()?;
        std::str::from_utf8(value).ok()?.parse().ok()
    }

    /// Takes the body.
    pub fn body(&mut self, body: &[u8]) {
        let sdp = self.header(b"content-type", b"c").next().is_some_and(|kind| {
            let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"application/sdp")
        });
        if sdp {
            self.description = Description::read(body).map(Box::new);
        }
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.capacity() + value.capacity() + 2 * size_of::<Vec<u8>>())
            .sum();
        // The first line is kept twice: whole and in parts.
        headers
            + 2 * self.line.capacity()
            + self.description.as_ref().map_or(0, |description| description.memory())
    }
}

impl First {
    fn read(line: &[u8]) -> Option<Self> {
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let mut next = || parts.next().map(<[u8]>::to_vec);
        let (a, b) = (next()?, next()?);
        let c = next();
        if a.starts_with(b"SIP/") {
            let code = b.len() == 3 && b.iter().all(u8::is_ascii_digit);
            return code.then(|| Self::Response(a, b, c.unwrap_or_default()));
        }
        let method = !a.is_empty() && a.iter().all(u8::is_ascii_alphabetic);
        let c = c.filter(|version| version.starts_with(b"SIP/"))?;
        (method && !b.is_empty()).then_some(Self::Request(a, b, c))
    }
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        match &self.first {
            First::Request(method, uri, version) => {
                tree.text("method", method);
                tree.text("uri", uri);
                tree.text("version", version);
                tree.text("request_line", &self.line);
            }
            First::Response(version, code, reason) => {
                tree.text("version", version);
                tree.text("code", code);
                tree.text("reason", reason);
                tree.text("response_line", &self.line);
            }
        }
        if let Some(description) = &self.description {
            tree.object("sdp", &mut |tree| description.describe(tree));
        }
    }
}
