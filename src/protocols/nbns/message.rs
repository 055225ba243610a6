//! One message (RFC 1002, section 4.2): that of DNS with names of its own.

use crate::reader::Reader;

/// Questions and records read of a message, together.
const ENTRIES_MAX: usize = 16;
/// Addresses read of a record.
const ADDRESSES_MAX: usize = 16;
/// Labels of a scope (RFC 1002, section 4.1: a name is at most 255 bytes).
const LABELS_MAX: usize = 127;

/// Types of records (section 4.2.1.3).
pub const NB: u16 = 0x20;
/// The status of a node.
pub const NBSTAT: u16 = 0x21;

/// A name: 15 characters, and what of the machine it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Without the blanks at its end.
    pub text: Vec<u8>,
    /// The sixteenth byte: 0 a workstation, 0x20 a server.
    pub suffix: u8,
}

/// A name and the addresses that it is given.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whose.
    pub name: Name,
    /// Type of the record.
    pub kind: u16,
    /// Seconds for which it may be kept.
    pub ttl: u32,
    /// Each address, and whether the name is that of a group.
    pub addresses: Vec<([u8; 4], bool)>,
}

/// A message.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// What pairs question and answer.
    pub id: u16,
    /// The flags word.
    pub flags: u16,
    /// Names asked for, with the types of records.
    pub questions: Vec<(Name, u16)>,
    /// Answers; of what is registered or given up the names too.
    pub answers: Vec<Answer>,
    /// Whether all of it could be read.
    pub is_whole: bool,
}

impl Message {
    /// Reads a message; `None` when its header is not all there.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let mut counts = [0; 4];
        for count in &mut counts {
            *count = usize::from(reader.u16()?);
        }
        let mut message = Self { id, flags, ..Self::default() };
        message.is_whole = message.entries(bytes, &mut reader, counts).is_some();
        Some(message)
    }

    fn entries(&mut self, bytes: &[u8], reader: &mut Reader<'_>, counts: [usize; 4]) -> Option<()> {
        let [questions, records @ ..] = counts;
        let records: usize = records.iter().sum();
        if questions + records == 0 || questions + records > ENTRIES_MAX {
            return None;
        }
        for _ in 0..questions {
            let name = name(bytes, reader)?;
            self.questions.push((name, reader.u16()?));
            reader.skip(2)?;
        }
        for _ in 0..records {
            let name = name(bytes, reader)?;
            let (kind, _class, ttl) = (reader.u16()?, reader.u16()?, reader.u32()?);
            let length = reader.u16()?;
            let mut content = reader.sub(length.into())?;
            let mut addresses = Vec::new();
            while kind == NB && !content.is_empty() && addresses.len() < ADDRESSES_MAX {
                let flags = content.u16()?;
                addresses.push((content.array()?, flags & 0x8000 != 0));
            }
            self.answers.push(Answer { name, kind, ttl, addresses });
        }
        Some(())
    }

    /// Whether it answers.
    pub const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// What is asked for: 0 a name, 5 that one be registered, 6 that it be given up.
    pub const fn opcode(&self) -> u16 {
        self.flags >> 11 & 0xf
    }

    /// How it went, 0 when well.
    pub const fn rcode(&self) -> u16 {
        self.flags & 0xf
    }

    /// Whether it went to all.
    pub const fn is_broadcast(&self) -> bool {
        self.flags & 0x10 != 0
    }
}

/// A name: 32 letters for 16 bytes, then the labels of a scope (sections 4.1 and 14.1); or where one was
/// before.
fn name(bytes: &[u8], reader: &mut Reader<'_>) -> Option<Name> {
    let length = reader.u8()?;
    if length & 0xc0 == 0xc0 {
        let at = usize::from(length & 0x3f) << 8 | usize::from(reader.u8()?);
        let mut there = Reader::new(bytes.get(at..)?);
        // A pointer to a pointer is none that anybody sends.
        let length = there.u8()?;
        return label(&mut there, length);
    }
    let name = label(reader, length)?;
    for _ in 0..LABELS_MAX {
        let length = reader.u8()?;
        if length == 0 {
            return Some(name);
        }
        if length & 0xc0 == 0xc0 {
            reader.skip(1)?;
            return Some(name);
        }
        reader.skip(length.into())?;
    }
    None
}

/// Each half of a byte is a letter from A on.
fn label(reader: &mut Reader<'_>, length: u8) -> Option<Name> {
    const LETTERS: u8 = 32;
    if length != LETTERS {
        return None;
    }
    let (pairs, _) = reader.take(LETTERS.into())?.as_chunks::<2>();
    let half = |letter: u8| letter.checked_sub(b'A').filter(|half| *half < 16);
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(half(*high)? << 4 | half(*low)?)).collect();
    let mut text = bytes?;
    let suffix = text.pop()?;
    let end = text.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
    text.truncate(end);
    Some(Name { text, suffix })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    /// Sixteen bytes as they are sent.
    fn encoded(name: &[u8; 16]) -> Vec<u8> {
        let letters = name.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]);
        [32].into_iter().chain(letters).chain([0]).collect()
    }

    #[test]
    fn questions_and_answers() {
        let asked = [
            &b"\x00\x07\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00"[..],
            &encoded(b"WPAD           \x00"),
            b"\x00\x20\x00\x01",
        ]
        .concat();
        let message = Message::read(&asked).unwrap_or_default();
        let wpad = Name { text: b"WPAD".to_vec(), suffix: 0 };
        assert_eq!(message.questions, [(wpad.clone(), NB)]);
        assert!(message.is_whole && message.is_broadcast() && !message.is_response());
        let answer = [
            &b"\x00\x07\x85\x00\x00\x00\x00\x01\x00\x00\x00\x00"[..],
            &encoded(b"WPAD           \x00"),
            b"\x00\x20\x00\x01\x00\x00\x00\xa5\x00\x0c\x00\x00\x0a\x00\x00\x42\x80\x00\x0a\x00\x00\x43",
        ]
        .concat();
        let message = Message::read(&answer).unwrap_or_default();
        let of: Vec<_> =
            message.answers.iter().map(|of| (&of.name, of.ttl, &of.addresses)).collect();
        let addresses = vec![([10, 0, 0, 66], false), ([10, 0, 0, 67], true)];
        assert_eq!(of, [(&wpad, 165, &addresses)]);
        assert!(message.is_response() && message.is_whole);
        for end in 12..answer.len() {
            assert!(
                Message::read(&answer[..end]).is_some_and(|message| !message.is_whole),
                "{end}"
            );
        }
    }

    #[test]
    fn a_name_may_be_a_pointer_and_be_registered() {
        let registers = [
            &b"\x00\x09\x29\x10\x00\x01\x00\x00\x00\x00\x00\x01"[..],
            &encoded(b"PC-1           \x20"),
            b"\x00\x20\x00\x01\xc0\x0c\x00\x20\x00\x01\x00\x00\x00\x00\x00\x06\x00\x00\x0a\x00\x00\x05",
        ]
        .concat();
        let message = Message::read(&registers).unwrap_or_default();
        let name = Name { text: b"PC-1".to_vec(), suffix: 0x20 };
        assert_eq!((message.opcode(), &message.answers[0].name), (5, &name));
        // A pointer to itself, and letters that are none.
        let mut circle = registers.clone();
        let at = circle.len() - 17;
        circle[at] = at as u8 - 1;
        assert!(!Message::read(&circle).unwrap_or_default().is_whole);
        let mut wrong = registers;
        wrong[20] = b'Z';
        assert!(!Message::read(&wrong).unwrap_or_default().is_whole);
    }
}
