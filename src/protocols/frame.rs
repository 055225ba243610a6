//! Frames: units of a protocol as they stand on the wire, for rules that name one (`frame`).

use super::Signal;
use crate::field::Side;
use crate::file::Wants;

/// Bytes of a frame that rules look at; of a longer one the beginning.
pub const FRAME_BYTES: usize = 131_072;

/// A unit of a protocol, as it stood on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is: a name in [`super::Protocol::frames`].
    pub name: &'static str,
    /// Who sent it.
    pub side: Side,
    /// Its bytes, at most [`FRAME_BYTES`].
    pub bytes: Vec<u8>,
    /// Whether they are all of it.
    pub complete: bool,
}

/// Tells of a unit that has come whole, when frames are wanted. One without a byte is none.
pub fn tell(wants: Wants, name: &'static str, side: Side, bytes: &[u8], signals: &mut Vec<Signal>) {
    if wants.frames {
        tell_part(name, side, bytes, true, signals);
    }
}

fn tell_part(
    name: &'static str,
    side: Side,
    bytes: &[u8],
    complete: bool,
    signals: &mut Vec<Signal>,
) {
    if bytes.is_empty() {
        return;
    }
    let kept = bytes.get(..FRAME_BYTES).unwrap_or(bytes);
    let complete = complete && kept.len() == bytes.len();
    let frame = Frame { name, side, bytes: kept.to_vec(), complete };
    signals.push(Signal::Frame(Box::new(frame)));
}

/// The bytes of a unit that is parsed as it comes, until its end is known.
#[derive(Debug, Default)]
pub struct Tape {
    bytes: Vec<u8>,
    /// More came than is kept.
    cut: bool,
    /// Bytes were lost: what came before was told, the rest is not.
    torn: bool,
}

impl Tape {
    /// Whether a unit has not begun.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.torn
    }

    /// What came of it so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The next bytes of the unit.
    pub fn add(&mut self, bytes: &[u8]) {
        if self.torn {
            return;
        }
        let room = FRAME_BYTES.saturating_sub(self.bytes.len());
        let fits = bytes.get(..room).unwrap_or(bytes);
        self.cut |= fits.len() < bytes.len();
        self.bytes.extend_from_slice(fits);
    }

    /// The last bytes that came are not of the unit, but the beginning of the next.
    #[must_use]
    pub fn give_back(&mut self, bytes: &[u8]) -> Self {
        if !self.cut {
            self.bytes.truncate(self.bytes.len().saturating_sub(bytes.len()));
        }
        let mut next = Self::default();
        next.add(bytes);
        next
    }

    /// The unit is over, and told unless a part was lost.
    pub fn end(
        &mut self,
        name: &'static str,
        side: Side,
        complete: bool,
        signals: &mut Vec<Signal>,
    ) {
        let Self { bytes, cut, .. } = std::mem::take(self);
        tell_part(name, side, &bytes, complete && !cut, signals);
    }

    /// Bytes were lost: what came before them is told.
    pub fn tear(&mut self, name: &'static str, side: Side, signals: &mut Vec<Signal>) {
        if !self.is_empty() {
            self.end(name, side, false, signals);
            self.torn = true;
        }
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::net::{Chunk, Direction};
    use crate::protocols::{Carrier, Moment, PROTOCOLS, Protocol};
    use crate::time::Timestamp;

    /// Names of the units of a conversation.
    fn told(protocol: &Protocol, turns: &[(Direction, &[u8])]) -> BTreeSet<&'static str> {
        let moment = Moment {
            now: Timestamp::from_nanos(0),
            carrier: Carrier::Tcp,
            server_port: protocol.ports.first().copied().unwrap_or(0),
            files: Wants { frames: true, ..Wants::NOTHING },
        };
        let mut parser = (protocol.parser)();
        let mut signals = Vec::new();
        for (way, bytes) in turns {
            parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
        }
        let name = |signal: Signal| match signal {
            Signal::Frame(frame) => Some(frame.name),
            _ => None,
        };
        signals.into_iter().filter_map(name).collect()
    }

    #[test]
    fn units_of_conversations_are_declared() {
        let mut seen = BTreeSet::new();
        let framed = PROTOCOLS.iter().filter(|protocol| !protocol.frames.is_empty());
        for protocol in framed.filter(|protocol| protocol.carriers.contains(&Carrier::Tcp)) {
            for sample in protocol.samples {
                for name in told(protocol, sample.turns) {
                    assert!(protocol.frames.contains(&name), "{} {name}", protocol.name);
                    seen.insert(format!("{}.{name}", protocol.name));
                }
            }
        }
        for name in [
            "enip.data",
            "http.request",
            "ldap.pdu",
            "smtp.command_line",
            "smtp.data",
            "smtp.response_line",
            "ssh.record.data",
            "ssh.record.hdr",
            "ssh.record.pdu",
            "tls.data",
            "tls.hdr",
            "tls.pdu",
        ] {
            assert!(seen.contains(name), "{name} in {seen:?}");
        }
    }
}
