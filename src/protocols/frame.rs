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

/// Tells of a unit, or of the beginning of one (`complete`).
pub fn tell_part(
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

    /// Whether more came than is kept.
    pub const fn is_cut(&self) -> bool {
        self.cut
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
            "http2.data",
            "http2.hdr",
            "http2.pdu",
            "http.request",
            "ldap.pdu",
            "nfs.nfs.pdu",
            "nfs.nfs.status",
            "nfs.nfs4.hdr",
            "nfs.nfs4.ops",
            "nfs.nfs4.pdu",
            "nfs.nfs4.status",
            "nfs.rpc.creds",
            "nfs.rpc.data",
            "nfs.rpc.hdr",
            "nfs.rpc.pdu",
            "rfb.pdu",
            "smtp.command_line",
            "smtp.data",
            "smtp.response_line",
            "ssh.record.data",
            "ssh.record.hdr",
            "ssh.record.pdu",
            "telnet.pdu",
            "tls.data",
            "tls.hdr",
            "tls.pdu",
            "tls.ssl2.hdr",
            "tls.ssl2.pdu",
        ] {
            assert!(seen.contains(name), "{name} in {seen:?}");
        }
    }

    /// Units of a conversation: name, bytes, whether whole; `wanted` says which turns come while a
    /// rule wants them.
    fn units(
        name: &str,
        turns: &[(Direction, &[u8])],
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<(&'static str, usize, bool)> {
        let protocol = PROTOCOLS.iter().find(|protocol| protocol.name == name);
        let Some(protocol) = protocol else { return Vec::new() };
        let mut parser = (protocol.parser)();
        let mut signals = Vec::new();
        for (turn, (way, bytes)) in turns.iter().enumerate() {
            let moment = Moment {
                now: Timestamp::from_nanos(0),
                carrier: Carrier::Tcp,
                server_port: protocol.ports.first().copied().unwrap_or(0),
                files: Wants { frames: wanted(turn), ..Wants::NOTHING },
            };
            parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
        }
        let unit = |signal: Signal| match signal {
            Signal::Frame(frame) => Some((frame.name, frame.bytes.len(), frame.complete)),
            _ => None,
        };
        signals.into_iter().filter_map(unit).collect()
    }

    #[test]
    fn a_message_is_told_from_its_first_byte() {
        use Direction::{ToClient, ToServer};
        let data = |turns: &[(Direction, &[u8])], wanted: fn(usize) -> bool| -> Vec<usize> {
            let told = units("smtp", turns, wanted);
            told.iter().filter(|unit| unit.0 == "data").map(|unit| unit.1).collect()
        };
        let turns: &[(Direction, &[u8])] = &[
            (ToClient, b"220 x\r\n"),
            (ToServer, b"EHLO a\r\n"),
            (ToClient, b"250 PIPELINING\r\n"),
            (ToServer, b"DATA\r\nrefused\r\n"),
            (ToClient, b"503 no\r\n"),
            (ToServer, b"MAIL FROM:<a>\r\nDATA\r\n"),
            (ToClient, b"250 ok\r\n354 go\r\n"),
            (ToServer, b"one\r\n"),
            (ToServer, b"two\r\n.\r\n"),
        ];
        assert_eq!(data(turns, |_| true), [13], "what was refused is none of it");
        assert_eq!(data(turns, |turn| turn > 7), [0; 0], "it began before somebody asked");
    }

    #[test]
    fn frames_of_http2_are_whole_however_they_are_cut() {
        use Direction::ToServer;
        let head = b"\x00\x00\x05\x00\x00\x00\x00\x00\x01";
        let opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x01\x01\x04\x00\x00\x00\x01\x82";
        let bytes = [&opening[..], head, b"hello"].concat();
        let whole = [("hdr", 9, true), ("data", 5, true), ("pdu", 14, true)];
        for cut in opening.len()..bytes.len() {
            let (first, rest) = bytes.split_at(cut);
            let turns: &[(Direction, &[u8])] = &[(ToServer, first), (ToServer, rest)];
            let told = units("http2", turns, |_| true);
            assert!(told.ends_with(&whole), "{cut}");
            assert_eq!(told.len(), 6, "{cut}");
        }
    }

    #[test]
    fn calls_of_nfs_are_told_in_parts() {
        use Direction::ToServer;
        let call = [
            &b"\x80\x00\x00\x2c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa3"[..],
            b"\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        ]
        .concat();
        let told = units("nfs", &[(ToServer, &call)], |_| true);
        let parts =
            [("rpc.pdu", 48), ("rpc.hdr", 28), ("rpc.creds", 8), ("rpc.data", 4), ("nfs.pdu", 4)];
        assert_eq!(told.iter().map(|of| (of.0, of.1)).collect::<Vec<_>>(), parts);
    }

    #[test]
    fn a_packet_is_told_from_its_first_byte_and_as_cut_when_it_is() {
        use Direction::ToServer;
        let packet = [&[0, 0, 0, 6, 0, 2][..], b"abcd"].concat();
        let (first, rest) = packet.split_at(3);
        let turns: &[(Direction, &[u8])] = &[
            (ToServer, b"SSH-2.0-x\r\n"),
            (ToServer, first),
            (ToServer, rest),
            (ToServer, &packet),
        ];
        let whole = [("record.pdu", 10, true), ("record.hdr", 6, true), ("record.data", 4, true)];
        let told = |turns, from: usize| {
            let mut told = units("ssh", turns, move |turn| turn >= from);
            told.retain(|unit| unit.0.starts_with("record"));
            told
        };
        assert_eq!(told(turns, 0), [whole, whole].concat());
        assert_eq!(told(turns, 2), whole, "the first began before somebody asked");
        let mut long = vec![0, 4, 0, 2, 0, 2];
        long.resize(6 + (4 << 16), 7);
        let turns: &[(Direction, &[u8])] = &[(ToServer, b"SSH-2.0-x\r\n"), (ToServer, &long)];
        let told = told(turns, 0);
        assert_eq!(told.iter().map(|unit| unit.2).collect::<Vec<_>>(), [false, true, false]);
    }
}
