//! Streams of both directions to messages.

use super::message::{self, Kind, Message};
use crate::field::{Describe, Event};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};
use crate::reader::Reader;

/// First byte of a packet of TPKT (RFC 1006, section 6), and bytes of its head.
const TPKT: u8 = 3;
const TPKT_HEAD: usize = 4;
/// First byte of a handshake record of TLS, and bytes that a record may hold (RFC 5246, section
/// 6.2).
const HANDSHAKE: u8 = 22;
const MAX_RECORD: usize = 16_384 + 2048;
/// A handshake message with certificates (RFC 5246, section 7.4).
const CERTIFICATE: u8 = 11;
/// Messages of a flow that are told; a session begins with five.
const MAX_MESSAGES: u64 = 64;

/// Never raised: each message is complete at once.
static FLOODED: Event = Event { name: "flooded", help: "More messages than the limit." };

/// Parses one flow.
pub struct RdpParser {
    transactions: Transactions<Message>,
    kept: [Vec<u8>; 2],
    memory: usize,
    /// What each direction carries now.
    layer: [Layer; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// Packets of TPKT.
    Packets,
    /// Records of TLS.
    Records,
    /// Nothing that is read.
    Over,
}

impl Default for RdpParser {
    fn default() -> Self {
        Self {
            transactions: Transactions::new(1),
            kept: Default::default(),
            memory: 0,
            layer: [Layer::Packets; 2],
        }
    }
}

impl Parser for RdpParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if *direction.of_mut(&mut self.layer) == Layer::Over {
            return;
        }
        match chunk {
            Chunk::Data(bytes) => {
                let mut kept = std::mem::take(direction.of_mut(&mut self.kept));
                kept.extend_from_slice(bytes);
                let mut reader = Reader::new(&kept);
                while self.step(direction, &mut reader, signals).is_some() {}
                if *direction.of_mut(&mut self.layer) != Layer::Over {
                    let used = reader.position();
                    kept.drain(..used);
                    *direction.of_mut(&mut self.kept) = kept;
                }
            }
            Chunk::Gap(_) => self.over(direction),
            Chunk::End => {}
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.transactions.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let message = self.transactions.take(id)?;
        self.memory = self.memory.saturating_sub(message.memory());
        Some(message)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn memory(&self) -> usize {
        let kept: usize = self.kept.iter().map(Vec::capacity).sum();
        size_of::<Self>() + self.transactions.memory() + kept + self.memory
    }
}

impl RdpParser {
    /// Reads one packet or record off the front; `None` when there is no whole one, or no more is
    /// to be read.
    fn step(
        &mut self,
        way: Direction,
        reader: &mut Reader<'_>,
        signals: &mut Vec<Signal>,
    ) -> Option<()> {
        let mut ahead = *reader;
        let first = ahead.u8()?;
        if first == HANDSHAKE && *way.of_mut(&mut self.layer) == Layer::Packets {
            *way.of_mut(&mut self.layer) = Layer::Records;
        }
        match *way.of_mut(&mut self.layer) {
            Layer::Over => return None,
            // Of the client's records nothing is told.
            Layer::Records if way == Direction::ToServer => {
                self.over(way);
                return None;
            }
            Layer::Records => {
                ahead.skip(2)?;
                let length = usize::from(ahead.u16()?);
                if length > MAX_RECORD {
                    self.over(way);
                    return None;
                }
                let record = ahead.take(length)?;
                if first == HANDSHAKE && has_certificate(record) {
                    self.tell(way, Kind::Certificates, signals);
                    self.over(way);
                    return None;
                }
            }
            Layer::Packets => {
                ahead.skip(1)?;
                let length = usize::from(ahead.u16()?);
                let body = (first == TPKT).then(|| length.checked_sub(TPKT_HEAD)).flatten();
                let Some(body) = body else {
                    self.over(way);
                    return None;
                };
                let packet = ahead.take(body)?;
                if let Some(kind) = message::parse(way == Direction::ToServer, packet) {
                    let last = kind == Kind::Connected;
                    self.tell(way, kind, signals);
                    // From here on it is the protocol's own encryption, or what it shares.
                    if last {
                        self.over(way);
                        return None;
                    }
                }
            }
        }
        *reader = ahead;
        Some(())
    }

    fn over(&mut self, way: Direction) {
        *way.of_mut(&mut self.layer) = Layer::Over;
        *way.of_mut(&mut self.kept) = Vec::new();
    }

    fn tell(&mut self, way: Direction, kind: Kind, signals: &mut Vec<Signal>) {
        let id = self.transactions.next_id();
        if id >= MAX_MESSAGES {
            return;
        }
        let side = way.side();
        let message = Message { id, kind };
        self.memory = self.memory.saturating_add(message.memory());
        self.transactions.open(message, side, &FLOODED, signals);
        Signal::all_ready(id, side, signals);
        self.transactions.close(id, signals);
    }
}

/// Whether one of the handshake messages of a record carries certificates.
fn has_certificate(record: &[u8]) -> bool {
    let mut reader = Reader::new(record);
    while let (Some(kind), Some(length)) = (reader.u8(), reader.u24()) {
        let whole = usize::try_from(length).ok().and_then(|length| reader.take(length));
        match whole {
            Some(_) if kind == CERTIFICATE => return true,
            Some(_) => {}
            None => return false,
        }
    }
    false
}
