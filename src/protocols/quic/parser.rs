//! Datagrams to packets.

use super::frames::{Crypto, Frames};
use super::header::{Header, Kind};
use super::keys::Keys;
use super::packet::Packet;
use super::{ERROR_ON_DATA, FAILED_DECRYPT, FLOODED, TOO_LONG, google};
use crate::field::{Describe, Event, Stage};
use crate::net::{Chunk, Direction};
use crate::protocols::formats::hello::{self, Transport};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Packets open at a time: each is closed as soon as it is read.
const MAX_OPEN_PACKETS: usize = 1;

/// Both directions of one flow.
pub struct QuicParser {
    packets: Transactions<Packet>,
    keys: Option<Box<Keys>>,
    crypto: [Crypto; 2],
    /// Whether the hello of a direction was seen: what follows it is encrypted.
    greeted: [bool; 2],
    retried: bool,
}

impl QuicParser {
    pub fn new() -> Self {
        Self {
            packets: Transactions::new(MAX_OPEN_PACKETS),
            keys: None,
            crypto: Default::default(),
            greeted: [false; 2],
            retried: false,
        }
    }

    fn datagram(&mut self, way: Direction, mut bytes: &[u8], out: &mut Vec<Signal>) {
        while let Some(header) = Header::read(bytes) {
            let greeted = *way.of_mut(&mut self.greeted);
            let Some((packet, rest)) = bytes.split_at_checked(header.bytes + header.payload) else {
                return;
            };
            if greeted || header.kind == Kind::Short || !self.packet(way, &header, packet, out) {
                return;
            }
            bytes = rest;
        }
    }

    /// `false` when the rest of the datagram is not to be read.
    fn packet(
        &mut self,
        way: Direction,
        header: &Header<'_>,
        bytes: &[u8],
        out: &mut Vec<Signal>,
    ) -> bool {
        let mut packet = Packet { version: header.version, long: header.long, ..Packet::default() };
        if header.kind != Kind::Initial {
            if way == Direction::ToClient && header.kind == Kind::Retry && !self.retried {
                // The client begins again, with keys from another identifier.
                self.keys = None;
                self.greeted = [false; 2];
                self.retried = true;
            }
            self.tell(way, packet, None, out);
            return true;
        }
        if self.keys.is_none() {
            self.keys = Keys::initial(header.version, header.destination).map(Box::new);
        }
        let payload = bytes.get(header.bytes..).unwrap_or_default();
        let opened;
        let frames = match &self.keys {
            Some(keys) if !payload.is_empty() => {
                let Some(content) = keys.open(way, bytes, header.bytes) else {
                    self.tell(way, packet, Some(&FAILED_DECRYPT), out);
                    return false;
                };
                opened = content;
                &opened[..]
            }
            _ => payload,
        };
        let crypto = way.of_mut(&mut self.crypto);
        let Ok(frames) = Frames::read(frames, crypto) else {
            *crypto = Crypto::default();
            self.tell(way, packet, Some(&ERROR_ON_DATA), out);
            return false;
        };
        for tags in &frames.google {
            let value = |wanted: &[u8; 4]| tags.iter().rfind(|(tag, _)| *tag == wanted);
            packet.sni = value(b"SNI\0").map(|(_, value)| value.to_vec()).or(packet.sni);
            packet.user_agent =
                value(b"UAID").map(|(_, value)| value.to_vec()).or(packet.user_agent);
            packet.cyu.extend(google::cyu(header.version, tags));
        }
        let mut event = frames.too_long.then_some(&TOO_LONG);
        if let Some((client, body)) = frames.hello {
            *way.of_mut(&mut self.greeted) = true;
            if client {
                packet.client = hello::client(&body, Transport::Quic, &mut Vec::new());
                let name = packet.client.as_ref().and_then(|client| client.sni.clone());
                packet.sni = name.or(packet.sni);
            } else {
                packet.server = hello::server(&body).map(|hello| hello.server);
            }
            if packet.client.is_none() && packet.server.is_none() {
                event = Some(&ERROR_ON_DATA);
            }
        }
        self.tell(way, packet, event, out);
        true
    }

    fn tell(
        &mut self,
        way: Direction,
        packet: Packet,
        event: Option<&'static Event>,
        out: &mut Vec<Signal>,
    ) {
        let side = way.side();
        let transaction = self.packets.open(packet, side, &FLOODED, out);
        if let Some(event) = event {
            out.push(Signal::Event { transaction: Some(transaction), side, event });
        }
        out.push(Signal::Ready { transaction, side, stage: Stage::Body });
        self.packets.close(transaction, out);
    }
}

impl Parser for QuicParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if let Chunk::Data(bytes) = chunk {
            self.datagram(direction, bytes, signals);
            if self.greeted == [true; 2] {
                // Two datagrams may do this, and anybody can send them both: rules go on looking.
                signals.push(Signal::Stop);
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.packets.get(id).map(|packet| packet as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.packets.take(id).map(|packet| packet as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, |_| size_of::<Keys>());
        let crypto: usize = self.crypto.iter().map(Crypto::memory).sum();
        size_of::<Self>() + self.packets.memory() + keys + crypto
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::field::{Fields, Value};
    use crate::protocols::{Carrier, quic::samples::SAMPLES};
    use crate::time::Timestamp;

    fn run(turns: &[(Direction, &[u8])]) -> (QuicParser, Vec<&'static str>) {
        let mut parser = QuicParser::new();
        let mut signals = Vec::new();
        let moment = Moment {
            now: Timestamp::default(),
            carrier: Carrier::Udp,
            server_port: 443,
            files: crate::file::Wants::NOTHING,
        };
        for (way, bytes) in turns {
            parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
        }
        let name = |signal: &Signal| match signal {
            Signal::Event { event, .. } => event.name,
            Signal::Done { .. } => "done",
            Signal::Ready { .. } => "ready",
            _ => "stop",
        };
        (parser, signals.iter().map(name).collect())
    }

    fn value(parser: &QuicParser, packet: u64, name: &str) -> String {
        let field = Packet::FIELDS.iter().find(|field| field.name == name).unwrap();
        let mut values = Vec::new();
        (field.read)(parser.packets.get(packet).unwrap(), &mut |value| {
            if let Value::Bytes(bytes) = value {
                values.push(String::from_utf8_lossy(bytes).into_owned());
            }
        });
        values.join("|")
    }

    #[test]
    fn the_hellos_of_the_standard_are_read() {
        let (parser, told) = run(SAMPLES[0].turns);
        assert_eq!(told, ["ready", "done", "ready", "done", "stop"]);
        assert_eq!(value(&parser, 0, "quic.sni"), "example.com");
        assert_eq!(value(&parser, 0, "quic.version"), "\0\0\0\u{1}");
        let ja3 = "771,4865-4866,0-65281-10-16-5-51-43-13-45-28-57,29-23-24,";
        assert_eq!(value(&parser, 0, "ja3.string"), ja3);
        assert!(value(&parser, 0, "ja4.hash").starts_with("q13d0211an_"));
        assert_eq!(value(&parser, 1, "ja3s.string"), "771,4865,51-43");
    }

    #[test]
    fn a_hello_is_put_together_over_packets_in_any_order() {
        let (parser, told) = run(SAMPLES[1].turns);
        assert_eq!(told, ["ready", "done", "ready", "done"]);
        assert_eq!(value(&parser, 0, "quic.sni"), "");
        assert_eq!(value(&parser, 1, "quic.sni"), "example.com");
    }

    #[test]
    fn googles_tags_are_read() {
        let (parser, _) = run(SAMPLES[2].turns);
        assert_eq!(value(&parser, 0, "quic.ua"), "Chrome/60.0");
        assert_eq!(value(&parser, 0, "quic.sni"), "example.com");
        assert_eq!(value(&parser, 0, "quic.cyu.string"), "43,PAD-SNI-VER-UAID-PDMD");
        assert_eq!(value(&parser, 0, "quic.version"), "", "its header is not a long one");
    }

    #[test]
    fn what_no_key_opens_is_told() {
        let (_, told) = run(SAMPLES[3].turns);
        assert_eq!(told, ["ready", "done", "ready", "done", "failed_decrypt", "ready", "done"]);
        let mut bent = SAMPLES[0].turns[0].1.to_vec();
        bent[600] ^= 1;
        let (_, told) = run(&[(Direction::ToServer, &bent)]);
        assert_eq!(told, ["failed_decrypt", "ready", "done"]);
    }
}
