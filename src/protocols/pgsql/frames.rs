//! A direction's stream to messages: an optional letter, a length, content.

/// Bytes kept of a message; rows and copied data are counted, not kept.
pub const MAX_KEPT_BYTES: usize = 64 * 1024;

/// Bytes of a length; it counts itself.
const LENGTH_BYTES: u32 = 4;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The letter that says what it is; 0 for the first messages of a client, which have none.
    pub kind: u8,
    /// Bytes of the content.
    pub length: u32,
    /// The beginning of the content.
    pub content: Vec<u8>,
}

/// What came of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A whole message.
    Frame(Frame),
    /// A length that is less than it can be.
    Invalid,
    /// All bytes were taken.
    More,
}

/// Cuts one direction into messages.
#[derive(Debug, Default)]
pub struct Frames {
    /// Letter and length, as far as they came.
    head: Vec<u8>,
    /// The message whose content is coming, and how many bytes are still to come.
    open: Option<(Frame, u32)>,
}

impl Frames {
    /// Takes bytes from the front of `bytes`, up to the end of a message.
    pub fn next(&mut self, bytes: &mut &[u8], keep: fn(u8) -> bool) -> Step {
        if self.open.is_none() {
            match self.read_head(bytes) {
                Some(Ok(open)) => self.open = Some(open),
                Some(Err(())) => return Step::Invalid,
                None => return Step::More,
            }
        }
        let Some((frame, left)) = &mut self.open else { return Step::More };
        let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let (taken, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
        *bytes = rest;
        *left = left.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
        if keep(frame.kind) {
            let room = MAX_KEPT_BYTES.saturating_sub(frame.content.len());
            frame.content.extend(taken.iter().take(room));
        }
        if *left > 0 {
            return Step::More;
        }
        self.open.take().map_or(Step::More, |(frame, _)| Step::Frame(frame))
    }

    /// Whether it stands between two messages.
    pub const fn is_between(&self) -> bool {
        self.open.is_none() && self.head.is_empty()
    }

    /// Forgets what had begun: bytes were lost.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.head.capacity() + self.open.as_ref().map_or(0, |(f, _)| f.content.capacity())
    }

    /// Letters are letters: a first message without one begins with the high byte of its length,
    /// which is 0.
    fn read_head(&mut self, bytes: &mut &[u8]) -> Option<Result<(Frame, u32), ()>> {
        while let Some((first, rest)) = bytes.split_first() {
            self.head.push(*first);
            *bytes = rest;
            let (kind, length) = match *self.head {
                [0, b, c, d] => (0, u32::from_be_bytes([0, b, c, d])),
                [kind, a, b, c, d] if kind != 0 => (kind, u32::from_be_bytes([a, b, c, d])),
                _ => continue,
            };
            self.head.clear();
            let Some(length) = length.checked_sub(LENGTH_BYTES) else { return Some(Err(())) };
            return Some(Ok((Frame { kind, length, content: Vec::new() }, length)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_change_nothing_and_long_messages_are_not_kept() {
        let mut stream = b"\0\0\0\x08\x04\xd2\x16\x2fQ\0\0\0\x08abc\0D\0\x02\0\x04".to_vec();
        stream.extend([b'x'; 0x2_0000]);
        stream.extend(b"X\0\0\0\x04Q\0\0\0\x03");
        for size in [1, 3, 7, 1000, stream.len()] {
            let mut frames = Frames::default();
            let mut told = Vec::new();
            for mut part in stream.chunks(size) {
                loop {
                    match frames.next(&mut part, |kind| kind != b'D') {
                        Step::Frame(f) => told.push((f.kind, f.length, f.content.len())),
                        Step::Invalid => told.push((b'!', 0, 0)),
                        Step::More => break,
                    }
                }
            }
            let wanted = [(0, 4, 4), (b'Q', 4, 4), (b'D', 0x2_0000, 0), (b'X', 0, 0), (b'!', 0, 0)];
            assert_eq!(told, wanted, "in pieces of {size}");
            assert!(frames.is_between());
        }
    }
}
