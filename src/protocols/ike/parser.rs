//! Datagrams to messages.

use super::events;
use super::exchange::{Message, Party};
use super::message::{Header, Payloads, Transform, weak};
use crate::field::{Describe, Event, Side, Stage};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};
use crate::reader::Reader;

/// Messages open at a time: each is closed as soon as it is read.
const MAX_OPEN_MESSAGES: usize = 1;

/// Both directions of one flow.
pub struct IkeParser {
    messages: Transactions<Message>,
    domain: Option<u32>,
    client: Party,
    server: Party,
    chosen: Transform,
}

impl IkeParser {
    pub fn new() -> Self {
        Self {
            messages: Transactions::new(MAX_OPEN_MESSAGES),
            domain: None,
            client: Party::default(),
            server: Party::default(),
            chosen: Transform::new(),
        }
    }

    fn message(&mut self, way: Direction, bytes: &[u8], out: &mut Vec<Signal>) {
        let mut reader = Reader::new(bytes);
        let Some(header) = Header::read(&mut reader) else { return };
        let from_server = way == Direction::ToClient;
        let mut told = Vec::new();
        let payloads = match header.major {
            1 if header.flags & 1 != 0 => {
                Payloads { kinds: vec![header.next], ..Payloads::default() }
            }
            1 => {
                let Some(payloads) = Payloads::version1(header.next, reader.rest()) else { return };
                self.first_version(from_server, &payloads, &mut told);
                payloads
            }
            2 => {
                let payloads = Payloads::version2(header.next, reader.rest());
                told.extend(weaknesses(payloads.weak));
                if from_server && let Some(transform) = payloads.transforms.last() {
                    self.chosen.clone_from(transform);
                }
                payloads
            }
            _ => return,
        };
        let mut message = Message::new(header, from_server, payloads);
        message.domain = self.domain;
        message.client = self.client.clone();
        message.server = self.server.clone();
        message.chosen = self.chosen.clone();
        let side = if from_server { Side::Response } else { Side::Request };
        let transaction = self.messages.open(message, side, &events::FLOODED, out);
        for event in told {
            out.push(Signal::Event { transaction: Some(transaction), side, event });
        }
        out.push(Signal::Ready { transaction, side, stage: Stage::Body });
        self.messages.close(transaction, out);
    }

    /// What is known of both sides, as far as it has come.
    fn first_version(
        &mut self,
        from_server: bool,
        payloads: &Payloads,
        told: &mut Vec<&'static Event>,
    ) {
        self.domain = payloads.domain.or(self.domain);
        let party = if from_server { &mut self.server } else { &mut self.client };
        if payloads.association {
            // A new exchange begins on the same flow.
            *party = Party::default();
        }
        let before = party.transforms;
        party.transforms = before.saturating_add(payloads.transforms.len());
        if from_server && before <= 1 && party.transforms > 1 {
            told.push(&events::MANY_CHOSEN);
        }
        if before == 0 {
            party.transform = payloads.transforms.first().cloned();
        }
        party.key.clone_from(&payloads.key);
        party.nonce.clone_from(&payloads.nonce);
    }
}

fn weaknesses(bits: u16) -> impl Iterator<Item = &'static Event> {
    let all = [
        (weak::ENCRYPTION, &events::WEAK_ENCRYPTION),
        (weak::PRF, &events::WEAK_PRF),
        (weak::AUTHENTICATION, &events::WEAK_AUTHENTICATION),
        (weak::GROUP, &events::WEAK_GROUP),
        (weak::INVALID, &events::INVALID_PROPOSAL),
        (weak::UNKNOWN, &events::UNKNOWN_PROPOSAL),
        (weak::NO_GROUP, &events::NO_GROUP),
        (weak::NO_ENCRYPTION, &events::NO_ENCRYPTION),
        (weak::NO_AUTHENTICATION, &events::NO_AUTHENTICATION),
    ];
    all.into_iter().filter(move |(bit, _)| bits & bit != 0).map(|(_, event)| event)
}

impl Parser for IkeParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if let Chunk::Data(bytes) = chunk {
            self.message(direction, bytes, signals);
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.messages.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.messages.take(id).map(|message| message as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        let parties = [&self.client, &self.server];
        let parties: usize = parties.iter().map(|p| p.key.capacity() + p.nonce.capacity()).sum();
        size_of::<Self>() + self.messages.memory() + parties
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::field::{Fields, Node, Value};
    use crate::protocols::{Carrier, ike::samples::SAMPLES};
    use crate::time::Timestamp;

    fn run(turns: &[(Direction, &[u8])]) -> (IkeParser, Vec<&'static str>) {
        let mut parser = IkeParser::new();
        let mut signals = Vec::new();
        let moment = Moment {
            now: Timestamp::default(),
            carrier: Carrier::Udp,
            server_port: 500,
            files: crate::file::Wants::NOTHING,
        };
        for (way, bytes) in turns {
            parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
        }
        let event = |signal: &Signal| match signal {
            Signal::Event { event, .. } => Some(event.name),
            _ => None,
        };
        (parser, signals.iter().filter_map(event).collect())
    }

    fn value(parser: &IkeParser, id: u64, name: &str) -> String {
        let field = Message::FIELDS.iter().find(|field| field.name == name).unwrap();
        let mut values = Vec::new();
        (field.read)(parser.messages.get(id).unwrap(), &mut |value| match value {
            Value::Bytes(bytes) => values.push(String::from_utf8_lossy(bytes).into_owned()),
            Value::Int(number) => values.push(number.to_string()),
        });
        values.join("|")
    }

    #[test]
    fn what_the_server_chose_is_read() {
        let (parser, told) = run(SAMPLES[0].turns);
        assert!(told.is_empty());
        assert_eq!(value(&parser, 0, "ike.init_spi"), "0102030405060708");
        assert_eq!(value(&parser, 0, "ike.vendor"), "4a131c81070358455c5728f20e95452f");
        assert_eq!(value(&parser, 1, "ike.sa_attribute"), "4294967303|8589934594|51539693952");
        assert_eq!(value(&parser, 2, "ike.nonce_payload"), "nonce");
        let Node::Object(pairs) = Node::of(parser.transaction(2).unwrap()) else { return };
        let keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_ref()).collect();
        let wanted = "version_major version_minor init_spi resp_spi message_id exchange_type \
                      exchange_type_verbose alg_enc alg_enc_raw alg_hash alg_hash_raw \
                      sa_life_duration sa_life_duration_raw payload ikev1";
        assert_eq!(keys.join(" "), wanted);
    }

    #[test]
    fn weak_proposals_are_told() {
        let (_, told) = run(SAMPLES[1].turns);
        let wanted = ["ike.weak_crypto_enc", "ike.weak_crypto_dh", "ike.weak_crypto_no_auth"];
        assert_eq!(told, wanted);
    }
}
