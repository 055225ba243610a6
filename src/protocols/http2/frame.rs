//! Frames as they come out of a stream of bytes (RFC 9113, section 4.1).

use crate::reader::Reader;

use super::names::frame;

/// What a client begins with (section 3.4).
pub const MAGIC: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of the head of a frame.
pub const HEAD_BYTES: usize = 9;
/// Longest frame that is read; of longer ones only content passes. Suricata's limit.
const MAX_FRAME_BYTES: usize = 65_536;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes that follow it.
    pub length: usize,
    /// Type.
    pub kind: u8,
    /// Flags, whose meaning depends on the type.
    pub flags: u8,
    /// Which stream it is about; 0 for the connection.
    pub stream: u32,
    /// The bit that must be zero.
    pub reserved: bool,
}

impl Head {
    /// Reads a head.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let length = usize::try_from(reader.u24()?).ok()?;
        let (kind, flags, stream) = (reader.u8()?, reader.u8()?, reader.u32()?);
        let reserved = stream >> 31 != 0;
        Some(Self { length, kind, flags, stream: stream & 0x7fff_ffff, reserved })
    }

    /// As it stood on the wire.
    pub fn bytes(self) -> [u8; HEAD_BYTES] {
        let [_, length @ ..] = u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes();
        let stream = (self.stream | u32::from(self.reserved) << 31).to_be_bytes();
        let mut bytes = [0; HEAD_BYTES];
        let all = length.into_iter().chain([self.kind, self.flags]).chain(stream);
        bytes.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
        bytes
    }

    /// No more of the stream, or of its side, follows.
    pub const fn ends_stream(self) -> bool {
        self.flags & 0x01 != 0 && matches!(self.kind, frame::DATA | frame::HEADERS)
    }

    /// No more of the block of fields follows.
    pub const fn ends_fields(self) -> bool {
        self.flags & 0x04 != 0
    }

    /// Whether the content begins with the length of padding at its end.
    pub const fn padded(self) -> bool {
        self.flags & 0x08 != 0
            && matches!(self.kind, frame::DATA | frame::HEADERS | frame::PUSH_PROMISE)
    }
}

/// The next thing of one direction.
#[derive(Debug)]
pub enum Next {
    /// A frame with its whole content.
    Frame(Head, Vec<u8>),
    /// A frame of data begins.
    Data(Head),
    /// More content of it.
    Content(Head, Vec<u8>),
    /// It has ended.
    DataEnd(Head),
    /// A frame that is too long to be read, which is passed over.
    TooLong,
    /// The client does not begin as it must.
    NoMagic,
}

/// Cuts the bytes of one direction into frames.
#[derive(Debug, Default)]
pub struct Frames {
    /// The beginning of what was cut: at most a frame.
    pending: Vec<u8>,
    /// Whether the client's beginning is to come.
    magic: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// At a frame.
    #[default]
    Head,
    /// Within data: its head, bytes to come, padding, whether that is still to be read.
    Data { head: Head, left: usize, padding: usize, length_to_come: bool },
    /// Within what is passed over.
    Skip(usize),
}

impl Frames {
    /// Of a client: its beginning is to come.
    pub fn of_client() -> Self {
        Self { magic: true, ..Self::default() }
    }

    /// Bytes held.
    pub const fn memory(&self) -> usize {
        self.pending.capacity()
    }

    /// Bytes were lost. When all of them were content, the stream that it belongs to and how much
    /// of it is missing; otherwise nothing can be read any more.
    pub fn lose(&mut self, lost: u64) -> Option<(u32, u64)> {
        let count = usize::try_from(lost).ok()?;
        match &mut self.state {
            State::Data { head, left, padding, length_to_come: false }
                if count.checked_add(*padding).is_some_and(|all| all < *left) =>
            {
                *left -= count;
                Some((head.stream, lost))
            }
            State::Skip(left) if count <= *left => {
                *left -= count;
                Some((0, 0))
            }
            _ => None,
        }
    }

    /// Takes bytes; what comes out goes to `sink`.
    pub fn add(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(Next)) {
        loop {
            match self.state {
                State::Data { .. } => {
                    if !self.data(&mut bytes, sink) {
                        return;
                    }
                }
                State::Skip(left) => {
                    let taken = left.min(bytes.len());
                    bytes = bytes.get(taken..).unwrap_or_default();
                    if taken < left {
                        self.state = State::Skip(left - taken);
                        return;
                    }
                    self.state = State::Head;
                }
                State::Head => {
                    if !self.head(&mut bytes, sink) {
                        return;
                    }
                }
            }
        }
    }

    /// Moves bytes to those pending until these are `wanted`.
    fn fill(&mut self, bytes: &mut &[u8], wanted: usize) -> bool {
        let missing = wanted.saturating_sub(self.pending.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.pending.extend_from_slice(taken);
        *bytes = rest;
        self.pending.len() >= wanted
    }

    /// `false` when more bytes are needed.
    fn head(&mut self, bytes: &mut &[u8], sink: &mut dyn FnMut(Next)) -> bool {
        if self.magic {
            if !self.fill(bytes, MAGIC.len()) {
                return false;
            }
            self.magic = false;
            if self.pending == MAGIC {
                self.pending.clear();
            } else {
                sink(Next::NoMagic);
            }
        }
        if !self.fill(bytes, HEAD_BYTES) {
            return false;
        }
        let Some(head) = Head::read(&self.pending) else { return false };
        if head.kind == frame::DATA {
            // What is pending is the head alone, but for a client that did not begin as it must.
            let after = self.pending.split_off(HEAD_BYTES);
            self.pending.clear();
            let padding = 0;
            let (left, length_to_come) = (head.length, head.padded() && head.length > 0);
            self.state = State::Data { head, left, padding, length_to_come };
            sink(Next::Data(head));
            if !after.is_empty() {
                self.add(&after, sink);
            }
            return true;
        }
        if head.length > MAX_FRAME_BYTES {
            let there = self.pending.len().saturating_sub(HEAD_BYTES);
            self.pending.clear();
            self.state = State::Skip(head.length.saturating_sub(there));
            sink(Next::TooLong);
            return true;
        }
        if !self.fill(bytes, HEAD_BYTES + head.length) {
            return false;
        }
        let after = self.pending.split_off(HEAD_BYTES + head.length);
        let content = self.pending.split_off(HEAD_BYTES);
        self.pending = after;
        sink(Next::Frame(head, content));
        true
    }

    /// `false` when more bytes are needed.
    fn data(&mut self, bytes: &mut &[u8], sink: &mut dyn FnMut(Next)) -> bool {
        let State::Data { head, mut left, mut padding, mut length_to_come } = self.state else {
            return true;
        };
        if length_to_come {
            let Some((length, rest)) = bytes.split_first() else { return false };
            *bytes = rest;
            left -= 1;
            padding = usize::from(*length).min(left);
            length_to_come = false;
        }
        let content = left.saturating_sub(padding).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(content).unwrap_or((bytes, &[]));
        if !taken.is_empty() {
            sink(Next::Content(head, taken.to_vec()));
        }
        left -= taken.len();
        *bytes = rest;
        if left > padding {
            self.state = State::Data { head, left, padding, length_to_come };
            return false;
        }
        self.state = State::Skip(left);
        sink(Next::DataEnd(head));
        true
    }
}
