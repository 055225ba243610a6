//! Where a body ends (RFC 9112, section 6), read as tolerantly as servers and browsers do.

use super::events;
use super::head::{Head, Notes, leading_number, trim, without_zeros};
use super::transaction::{Transaction, is_protocol};

/// What of a body comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none, or no more.
    None,
    /// So many bytes.
    Length(u64),
    /// All until the connection closes.
    UntilClose,
    /// The line with the size of a chunk.
    Size,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The end of the line after a chunk.
    ChunkEnd,
    /// Trailers, to the empty line.
    Trailer,
    /// So many bytes, if the length can be believed.
    Doubtful(u64),
    /// What follows a body of doubtful length: part of it, unless it begins a message.
    Surplus,
}

/// What follows a response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// A body, perhaps an empty one.
    Body(Framing),
    /// The real response: this one was an interim one.
    Response,
    /// Another protocol.
    Handover,
    /// Nothing that can be told.
    GiveUp,
}

fn contains(value: &[u8], word: &[u8]) -> bool {
    without_zeros(value).windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// The body of a request.
pub fn of_request(head: &Head, notes: &mut Notes) -> Framing {
    if let Some(coding) = head.get(b"transfer-encoding") {
        if contains(coding, b"chunked") {
            return Framing::Size;
        }
        notes.add(&events::INVALID_TRANSFER_ENCODING_REQUEST);
    }
    match head.get(b"content-length").map(leading_number) {
        Some(Some(0)) | None => Framing::None,
        Some(Some(length)) => Framing::Length(length),
        Some(None) => {
            notes.add(&events::INVALID_LENGTH_REQUEST);
            Framing::None
        }
    }
}

/// What follows a response's head, given its request.
pub fn of_response(transaction: &Transaction, notes: &mut Notes) -> After {
    let head = &transaction.response;
    let status = transaction.status().unwrap_or(0);
    let coding = head.get(b"transfer-encoding");
    let length = head.get(b"content-length");
    let framed = coding.is_some() || length.is_some_and(|value| leading_number(value) != Some(0));
    let method = transaction.request.part(0).unwrap_or_default();
    match status {
        200..=299 if method == b"CONNECT" => return After::Handover,
        101 if !framed => return After::Handover,
        100 | 102..=199 if !framed => return After::Response,
        _ => {}
    }
    if method == b"HEAD" || (matches!(status, 204 | 304) && coding.is_none() && length.is_none()) {
        return After::Body(Framing::None);
    }
    if let Some(coding) = coding.filter(|value| contains(value, b"chunked")) {
        if !trim(coding).eq_ignore_ascii_case(b"chunked") {
            notes.add(&events::RESPONSE_ABNORMAL_TRANSFER_ENCODING);
        }
        if !is_protocol(head.part(0), b"1.1") {
            notes.add(&events::RESPONSE_CHUNKED_OLD);
        }
        return After::Body(Framing::Size);
    }
    match length.map(leading_number) {
        Some(Some(0)) => After::Body(Framing::None),
        Some(Some(length)) if length_is_plain(head) => After::Body(Framing::Length(length)),
        Some(Some(length)) => After::Body(Framing::Doubtful(length)),
        Some(None) => {
            notes.add(&events::INVALID_LENGTH_RESPONSE);
            After::GiveUp
        }
        None if head.get(b"content-type").is_some_and(|v| contains(v, b"multipart/byteranges")) => {
            notes.add(&events::RESPONSE_BYTERANGES);
            After::GiveUp
        }
        None => After::Body(Framing::UntilClose),
    }
}

/// Whether Content-Length holds one number and nothing else.
pub fn length_is_plain(head: &Head) -> bool {
    head.get(b"content-length").is_some_and(|value| value.iter().all(u8::is_ascii_digit))
}

/// What the line with a chunk's size says.
pub struct ChunkSize {
    /// The size; `None` when there is no number.
    pub size: Option<u64>,
    /// Whether something follows it.
    pub extension: bool,
}

/// Reads the size of a chunk.
pub fn chunk_size(line: &[u8]) -> ChunkSize {
    let line = trim(line);
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let text = line.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
    let size = text.and_then(|text| u64::from_str_radix(text, 16).ok());
    ChunkSize { size, extension: size.is_some() && line.len() > digits }
}
