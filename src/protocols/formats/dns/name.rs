//! Domain names on the wire: labels and pointers (RFC 1035, 4.1.4).

use super::message::Span;
use crate::reader::Reader;

/// Bytes kept of a name, dots counted. The RFC allows 255; more is kept to show what is sent.
pub const MAX_NAME_BYTES: usize = 1025;

/// Labels read of a name.
pub const MAX_LABELS: usize = 255;

/// Pointers followed within a name.
const MAX_POINTERS: usize = 255;

/// Bytes kept of all names and texts of one message: pointers make a message expand.
pub const MAX_TEXT_BYTES: usize = 128 * 1024;

/// What was wrong with the names of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameFaults {
    /// Cut at [`MAX_NAME_BYTES`] or [`MAX_TEXT_BYTES`].
    pub too_long: bool,
    /// Cut at [`MAX_LABELS`].
    pub labels: bool,
    /// Its pointers lead in a circle.
    pub looped: bool,
}

/// Reads a name at the reader, which stands within `message`, and adds it to `text`: labels with
/// dots between, the root as nothing. `None` when it does not fit the message.
pub fn read<'a>(
    reader: &mut Reader<'a>,
    message: &'a [u8],
    text: &mut Vec<u8>,
    faults: &mut NameFaults,
) -> Option<Span> {
    let start = text.len();
    let mut away: Option<Reader<'a>> = None;
    let (mut labels, mut pointers, mut cut) = (0_usize, 0_usize, false);
    loop {
        let at = away.as_mut().unwrap_or(reader);
        let length = at.u8()?;
        match length {
            0 => break,
            1..=63 => {
                let label = at.take(length.into())?;
                labels += 1;
                if labels > MAX_LABELS {
                    faults.labels = true;
                    cut = true;
                }
                if !cut {
                    cut = !add(label, start, text);
                    faults.too_long |= cut;
                }
                if cut && away.is_some() {
                    break;
                }
            }
            0xc0.. => {
                let low = at.u8()?;
                pointers += 1;
                // Once a circle was met the rest of the message gets little patience.
                if pointers > if faults.looped { 16 } else { MAX_POINTERS } {
                    faults.looped = true;
                    break;
                }
                let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                // A name that is nothing but a pointer to itself has no end.
                if away.is_none() && target + 2 == reader.position() {
                    return None;
                }
                away = Some(Reader::new(message.get(target..)?));
            }
            _ => return None,
        }
    }
    Some(Span::new(start, text.len()))
}

/// Adds one label; false when it was cut.
fn add(label: &[u8], start: usize, text: &mut Vec<u8>) -> bool {
    let most = MAX_TEXT_BYTES.min(start.saturating_add(MAX_NAME_BYTES));
    if text.len() > start && text.len() < most {
        text.push(b'.');
    }
    let room = most.saturating_sub(text.len());
    text.extend(label.iter().take(room));
    label.len() <= room
}
