//! Datagrams and streams to messages.

use super::answered::Answered;
use crate::field::{Describe, Side, Stage};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::formats::dns::{Faults, HEADER_BYTES, Message, events};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Carrier, Moment, Parser, Probe, Signal, frame};
use crate::reader::Reader;
use crate::time::Timestamp;

/// Messages open at a time: each is closed as soon as it is read.
const MAX_OPEN_MESSAGES: usize = 1;

/// Both directions of one flow.
pub struct DnsParser {
    messages: Transactions<Message>,
    /// Bytes of a message whose end has not come: at most 65,537 bytes each way.
    partial: [Vec<u8>; 2],
    /// Bytes were lost: the next chunk must look like a message's start.
    lost: [bool; 2],
    /// Whether the first datagram seen was a response, so that who seems the client is the server.
    reversed: bool,
    wants: Wants,
    answered: Answered,
}

impl DnsParser {
    pub fn new() -> Self {
        Self {
            messages: Transactions::new(MAX_OPEN_MESSAGES),
            partial: [Vec::new(), Vec::new()],
            lost: [false; 2],
            reversed: false,
            wants: Wants::NOTHING,
            answered: Answered::default(),
        }
    }

    /// Takes out every whole message of the stream and keeps the rest.
    fn stream(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let index = way.index();
        if self.lost.get(index) == Some(&true) {
            if super::probe(way, Carrier::Tcp, bytes) == Probe::No {
                return;
            }
            self.lost = self.lost.map(|_| false);
        }
        let mut partial = self.partial.get_mut(index).map(std::mem::take).unwrap_or_default();
        if partial.is_empty() {
            let rest = self.whole_messages(way, bytes, signals);
            partial.extend_from_slice(rest);
        } else {
            partial.extend_from_slice(bytes);
            let left = self.whole_messages(way, &partial, signals).len();
            partial.drain(..partial.len() - left);
        }
        if let Some(slot) = self.partial.get_mut(index) {
            *slot = partial;
        }
    }

    fn whole_messages<'a>(
        &mut self,
        way: Direction,
        bytes: &'a [u8],
        signals: &mut Vec<Signal>,
    ) -> &'a [u8] {
        let mut reader = Reader::new(bytes);
        loop {
            let rest = reader.rest();
            let Some(length) = reader.u16() else { return rest };
            let Some(message) = reader.take(length.into()) else { return rest };
            if length > 0 {
                self.message(way, message, None, signals);
            }
        }
    }

    /// A message; `now` for one that came as a datagram.
    fn message(
        &mut self,
        way: Direction,
        bytes: &[u8],
        now: Option<Timestamp>,
        signals: &mut Vec<Signal>,
    ) {
        let (side, from_server) = match way {
            Direction::ToServer => (Side::Request, false),
            Direction::ToClient => (Side::Response, true),
        };
        frame::tell(self.wants, "pdu", side, bytes, signals);
        let read = if bytes.len() < HEADER_BYTES { None } else { Message::read(bytes) };
        let problem = match &read {
            None => Some(&events::MALFORMED),
            Some(message) if message.is_response() == from_server => None,
            Some(_) if from_server => Some(&events::NOT_RESPONSE),
            Some(_) => Some(&events::NOT_REQUEST),
        };
        if let Some(event) = problem {
            signals.push(Signal::Event { transaction: None, side, event });
            return;
        }
        let Some(mut message) = read else { return };
        message.tx_id = self.messages.next_id();
        message.from_server = from_server;
        let events = events::of(&message);
        let forged = now.and_then(|now| {
            if !from_server {
                self.answered.question(&message, now);
                return None;
            }
            self.answered.answer(&message, now)
        });
        let transaction = self.messages.open(message, side, &events::FLOODED, signals);
        for event in events.chain(forged) {
            signals.push(Signal::Event { transaction: Some(transaction), side, event });
        }
        signals.push(Signal::Ready { transaction, side, stage: Stage::Body });
        self.messages.close(transaction, signals);
    }
}

impl Parser for DnsParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        self.wants = moment.files;
        match (chunk, moment.carrier) {
            (Chunk::Data(bytes), Carrier::Udp) => {
                let response = bytes.get(2).is_some_and(|flags| flags & 0x80 != 0);
                if response && self.messages.next_id() == 0 && direction == Direction::ToServer {
                    self.reversed =
                        Message::read(bytes).is_some_and(|m| m.faults == Faults::default());
                }
                let way = if self.reversed { direction.reverse() } else { direction };
                self.message(way, bytes, Some(moment.now), signals);
            }
            (Chunk::Data(bytes), Carrier::Tcp) => self.stream(direction, bytes, signals),
            (Chunk::Gap(_), _) => {
                direction.of_mut(&mut self.partial).clear();
                *direction.of_mut(&mut self.lost) = true;
            }
            (Chunk::End, _) => {}
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.messages.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.messages.take(id).map(|message| message as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
            + self.messages.memory()
            + self.answered.memory()
            + self.partial.iter().map(Vec::capacity).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::field::Node;
    use crate::field::{Fields, Value};
    use crate::time::Timestamp;

    fn parse(way: Direction, carrier: Carrier, bytes: &[u8]) -> (DnsParser, Vec<Signal>) {
        let mut parser = DnsParser::new();
        let mut signals = Vec::new();
        let moment = Moment {
            now: Timestamp::default(),
            carrier,
            server_port: 53,
            files: crate::file::Wants::NOTHING,
        };
        parser.parse(way, Chunk::Data(bytes), &moment, &mut signals);
        (parser, signals)
    }

    fn values(thing: &dyn Describe, name: &str) -> Vec<String> {
        let index = Message::FIELDS.iter().position(|field| field.name == name).unwrap();
        let mut values = Vec::new();
        thing.read(index, &mut |value| match value {
            Value::Bytes(bytes) => values.push(String::from_utf8_lossy(bytes).into_owned()),
            Value::Int(number) => values.push(number.to_string()),
        });
        values
    }

    fn event_names(signals: &[Signal]) -> Vec<&'static str> {
        let name = |signal: &Signal| match signal {
            Signal::Event { event, .. } => Some(event.name),
            _ => None,
        };
        signals.iter().filter_map(name).collect()
    }

    #[test]
    fn an_answer_over_tcp_is_read() {
        let (_, bytes) = super::super::samples::SAMPLES[0].turns[1];
        let (parser, signals) = parse(Direction::ToClient, Carrier::Tcp, bytes);
        assert_eq!(signals.len(), 2);
        let message = parser.transaction(0).unwrap();
        assert_eq!(values(message, "dns.queries.rrname"), ["example.org"]);
        assert_eq!(values(message, "dns.answers.rrname"), ["example.org"]);
        assert_eq!(values(message, "dns.rrtype"), ["1", "1"]);
        let Node::Object(pairs) = Node::of(message) else { return };
        let keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_ref()).collect();
        let wanted = "version type tx_id id flags qr rd ra opcode rcode queries answers grouped";
        assert_eq!(keys.join(" "), wanted);
        assert_eq!(pairs[4].1, Node::Text(b"8180".to_vec()));
        let grouped = Node::List(vec![Node::Text(b"192.0.2.7".to_vec())]);
        assert_eq!(pairs[12].1, Node::Object(vec![("A".into(), grouped)]));
    }

    #[test]
    fn a_circle_of_pointers_ends() {
        let mut bytes = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
        bytes.extend(b"\x01a\xc0\x0c\x00\x01\x00\x01");
        let (parser, signals) = parse(Direction::ToServer, Carrier::Udp, &bytes);
        assert!(event_names(&signals).contains(&"too_many_labels"));
        assert!(values(parser.transaction(0).unwrap(), "dns.query")[0].starts_with("a.a.a"));
        bytes.splice(12..14, []);
        let (_, signals) = parse(Direction::ToServer, Carrier::Udp, &bytes);
        assert_eq!(event_names(&signals), ["malformed_data"], "a pointer to itself");
    }

    #[test]
    fn pointers_do_not_blow_a_message_up() {
        // 63-byte labels to the name's limit, then thousands of pointers to them.
        let mut bytes = b"\x00\x01\x01\x00\x0f\xa0\x00\x00\x00\x00\x00\x00".to_vec();
        for _ in 0..15 {
            bytes.push(63);
            bytes.extend([b'x'; 63]);
        }
        bytes.extend(b"\x00\x00\x01\x00\x01");
        for _ in 1..4000 {
            bytes.extend(b"\xc0\x0c\x00\x01\x00\x01");
        }
        let (parser, signals) = parse(Direction::ToServer, Carrier::Udp, &bytes);
        assert!(event_names(&signals).contains(&"name_too_long"));
        assert!(parser.messages.get(0).unwrap().memory() < 1 << 20);
    }

    /// Who answers in the server's place is faster, and the true answer comes too.
    #[test]
    fn a_question_that_is_answered_twice_and_differently() {
        let message = |flags: &[u8; 2], answers: &[u8]| {
            let mut bytes =
                [b"\x00\x07", &flags[..], b"\x00\x01\x00", &[answers.len() as u8]].concat();
            bytes.extend(b"\x00\x00\x00\x00\x01a\x02it\x00\x00\x01\x00\x01");
            for last in answers {
                bytes.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00");
                bytes.push(*last);
            }
            bytes
        };
        let query = || (Direction::ToServer, message(b"\x01\x00", &[]));
        let answer = |answers: &[u8]| (Direction::ToClient, message(b"\x81\x80", answers));
        let missing = || (Direction::ToClient, message(b"\x81\x83", &[]));
        let told = |messages: &[(Direction, Vec<u8>)], seconds: u64| {
            let (mut parser, mut signals) = (DnsParser::new(), Vec::new());
            for ((way, bytes), number) in messages.iter().zip(0u64..) {
                let now = Timestamp::new(number * seconds, 0);
                let files = crate::file::Wants::NOTHING;
                let moment = Moment { now, carrier: Carrier::Udp, server_port: 53, files };
                parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
            }
            event_names(&signals).iter().filter(|name| **name == "answers_differ").count()
        };
        assert_eq!(told(&[query(), answer(&[66]), answer(&[1])], 0), 1);
        assert_eq!(told(&[query(), answer(&[66]), missing()], 0), 1);
        let many = [query(), answer(&[66]), answer(&[1]), answer(&[2]), answer(&[3])];
        assert_eq!(told(&many, 0), 1, "told of the question, not of each answer");
        assert_eq!(told(&[query(), answer(&[1, 2]), answer(&[2, 1])], 0), 0, "the same");
        assert_eq!(told(&[query(), query(), answer(&[66]), answer(&[1])], 0), 0, "asked twice");
        assert_eq!(
            told(&[query(), missing(), answer(&[1])], 0),
            1,
            "it may be the first that is forged"
        );
        assert_eq!(told(&[query(), answer(&[1, 2]), answer(&[2])], 0), 0, "a part of them");
        assert_eq!(told(&[query(), answer(&[66]), answer(&[1])], 20), 0, "another time");
    }

    #[test]
    fn answers_that_guess_the_identifier_are_told_once_of_a_question() {
        let message = |id: u16, flags: &[u8; 2], name: &[u8; 1]| {
            let mut bytes = id.to_be_bytes().to_vec();
            bytes.extend(
                [&flags[..], b"\0\x01\0\0\0\0\0\0\x01", name, b"\x02it\0\0\x01\0\x01"].concat(),
            );
            bytes
        };
        let told = |asked: u16, answers: std::ops::Range<u16>, name: &[u8; 1], seconds: u64| {
            let (mut parser, mut signals) = (DnsParser::new(), Vec::new());
            let query = (Direction::ToServer, message(asked, b"\x01\0", b"a"));
            let answers = answers.map(|id| (Direction::ToClient, message(id, b"\x81\x83", name)));
            for ((way, bytes), number) in std::iter::once(query).chain(answers).zip(0u64..) {
                let files = crate::file::Wants::NOTHING;
                let now = Timestamp::new(number * seconds, 0);
                let moment = Moment { now, carrier: Carrier::Udp, server_port: 53, files };
                parser.parse(way, Chunk::Data(&bytes), &moment, &mut signals);
            }
            let names = event_names(&signals);
            names.iter().filter(|name| **name == "identifier_guessed").count()
        };
        assert_eq!(told(500, 0..200, b"a", 0), 1);
        assert_eq!(told(500, 0..11, b"a", 0), 0, "late answers to what was asked before");
        assert_eq!(told(500, 0..200, b"b", 0), 0, "of another name");
        assert_eq!(told(500, 0..200, b"a", 2), 0, "slowly");
    }

    #[test]
    fn wrong_ways_and_broken_messages_are_events() {
        let query = &super::super::samples::SAMPLES[0].turns[0].1[2..31];
        let told = |way, bytes: &[u8]| event_names(&parse(way, Carrier::Udp, bytes).1);
        assert_eq!(told(Direction::ToClient, query), ["not_response"]);
        assert_eq!(told(Direction::ToServer, &query[..20]), ["malformed_data"]);
        let answer = &super::super::samples::SAMPLES[0].turns[1].1[2..];
        assert!(told(Direction::ToServer, answer).is_empty(), "a late answer opens the flow");
        let mut both = (query.len() as u16).to_be_bytes().to_vec();
        both.extend(query);
        both.extend((answer.len() as u16).to_be_bytes());
        both.extend(answer);
        let (_, signals) = parse(Direction::ToServer, Carrier::Tcp, &both);
        assert_eq!(event_names(&signals), ["not_request"]);
        assert_eq!(told(Direction::ToClient, &answer[..40]), ["malformed_data"]);
    }
}
