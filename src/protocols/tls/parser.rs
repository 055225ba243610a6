//! Records to handshake messages to a connection.

use super::certificate::Certificate;
use super::connection::{Connection, MAX_CHAIN, MAX_CHAIN_BYTES};
use super::{
    ALERTED, CERTIFICATE_DER, FLOODED, HANDSHAKE_LENGTH, HEARTBEAT, INVALID_ALERT,
    INVALID_CERTIFICATE, INVALID_HANDSHAKE, INVALID_HEARTBEAT, INVALID_RECORD, INVALID_RECORD_TYPE,
    INVALID_RECORD_VERSION, INVALID_SNI_LENGTH, INVALID_SNI_TYPE, INVALID_SSLV2, MULTIPLE_SNI,
    OVERFLOW_HEARTBEAT,
};
use crate::field::{Describe, Event, Side, Stage};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::formats::hello::{self, Flaw, Transport};
use crate::protocols::frame::{self, Tape};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};
use crate::reader::Reader;

/// Record types (RFC 8446, 5.1).
const CHANGE_CIPHER: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const DATA: u8 = 23;
const HEARTBEATS: u8 = 24;

/// Handshake types (RFC 8446, section 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;

/// Bytes kept of handshake messages whose end has not come, each way.
const MAX_HANDSHAKE_BYTES: usize = 128 * 1024;

/// Bytes of a record's payload: 2^14 and what encryption may add (RFC 5246, 6.2.3).
const MAX_RECORD_BYTES: u16 = 16_384 + 2048;

/// Both directions of one connection.
pub struct TlsParser {
    connections: Transactions<Connection>,
    halves: [Half; 2],
    /// The number of the connection, once one side has spoken.
    id: Option<u64>,
    told: [bool; 2],
    over: bool,
    wants: Wants,
}

/// One direction.
#[derive(Default)]
struct Half {
    /// The header of the record at hand, as far as it came.
    header: [u8; HEADER_BYTES],
    header_length: usize,
    /// Bytes of the record's payload still to come.
    left: usize,
    /// Messages in clear that are not complete.
    messages: Vec<u8>,
    /// The first bytes of a short record that is read whole (alert, heartbeat).
    small: Vec<u8>,
    /// Whether everything from here on is encrypted.
    encrypted: bool,
    /// A whole message of SSLv2 is awaited: its length with the header.
    v2: bool,
    began: bool,
    ended: bool,
    /// The record as it stands on the wire, when frames are wanted.
    tape: Option<Box<Tape>>,
}

impl Half {
    /// Bytes of the payload of the record at hand.
    const fn length(&self) -> u16 {
        let [_, _, _, high, low] = self.header;
        u16::from_be_bytes([high, low])
    }
}

/// Bytes in front of a record's payload.
const HEADER_BYTES: usize = 5;

/// Bytes kept of a record that is read whole.
const SMALL_BYTES: usize = 8;

impl TlsParser {
    pub fn new() -> Self {
        Self {
            connections: Transactions::new(1),
            halves: [Half::default(), Half::default()],
            id: None,
            told: [false; 2],
            over: false,
            wants: Wants::NOTHING,
        }
    }

    fn bytes(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let mut half = std::mem::take(way.of_mut(&mut self.halves));
        if !half.began {
            half.began = true;
            half.v2 = bytes.first().is_some_and(|first| first & 0x80 != 0);
        }
        if half.v2 {
            self.sslv2(way, &mut half, bytes, signals);
        } else {
            self.records(way, &mut half, bytes, signals);
        }
        *way.of_mut(&mut self.halves) = half;
        self.settle(signals);
    }

    fn records(
        &mut self,
        way: Direction,
        half: &mut Half,
        mut bytes: &[u8],
        out: &mut Vec<Signal>,
    ) {
        let other = self.halves.get(1 - way.index()).is_some_and(|other| other.encrypted);
        // What comes behind that in one piece may come in none.
        while !(bytes.is_empty() || self.over || half.encrypted && other) {
            if half.header_length < HEADER_BYTES {
                let (taken, rest) =
                    bytes.split_at(bytes.len().min(HEADER_BYTES - half.header_length));
                self.tape(half, taken);
                for (slot, byte) in half.header.iter_mut().skip(half.header_length).zip(taken) {
                    *slot = *byte;
                }
                half.header_length += taken.len();
                bytes = rest;
                if half.header_length == HEADER_BYTES {
                    self.record_begins(way, half, out);
                }
            } else {
                let (taken, rest) = bytes.split_at(bytes.len().min(half.left));
                half.left -= taken.len();
                bytes = rest;
                self.tape(half, taken);
                self.payload(way, half, taken, out);
            }
            if half.header_length == HEADER_BYTES && half.left == 0 {
                self.tell(way, half, out);
                self.record_ends(way, half, out);
                half.header_length = 0;
            }
        }
    }

    /// Keeps the bytes of a record, when frames are wanted.
    fn tape(&self, half: &mut Half, bytes: &[u8]) {
        if self.wants.frames {
            half.tape.get_or_insert_default().add(bytes);
        }
    }

    /// Tells of a whole record and its parts, until nothing more is to be learned: what comes behind
    /// that in one piece may come in none.
    fn tell(&self, way: Direction, half: &mut Half, out: &mut Vec<Signal>) {
        let Some(tape) = half.tape.take().filter(|_| self.wants.frames) else { return };
        let other = self.halves.get(1 - way.index()).is_some_and(|other| other.encrypted);
        if self.over || half.encrypted && other {
            return;
        }
        let [kind, ..] = half.header;
        // Rules may have come to want it in the middle of a record.
        let length = HEADER_BYTES + usize::from(half.length());
        let Some((header, data)) = tape.bytes().split_at_checked(HEADER_BYTES) else { return };
        if tape.bytes().len() != length {
            return;
        }
        let own = match kind {
            ALERT => Some("alert"),
            HEARTBEATS => Some("heartbeat"),
            _ => None,
        };
        let all = [("pdu", tape.bytes()), ("hdr", header), ("data", data)];
        for (name, bytes) in all.into_iter().chain(own.map(|name| (name, data))) {
            frame::tell(self.wants, name, way.side(), bytes, out);
        }
    }

    fn record_begins(&mut self, way: Direction, half: &mut Half, out: &mut Vec<Signal>) {
        let [kind, major, minor, high, low] = half.header;
        let length = u16::from_be_bytes([high, low]);
        let problem = if !(CHANGE_CIPHER..=HEARTBEATS).contains(&kind) {
            Some(&INVALID_RECORD_TYPE)
        } else if major != 3 && !matches!(major, 0x7f | 0xfb) {
            Some(&INVALID_RECORD_VERSION)
        } else if length > MAX_RECORD_BYTES {
            Some(&INVALID_RECORD)
        } else {
            None
        };
        if let Some(event) = problem {
            self.event(way, event, out);
            self.over = true;
            return;
        }
        half.left = length.into();
        half.small.clear();
        match kind {
            CHANGE_CIPHER | DATA => half.encrypted = true,
            _ => {}
        }
        if self.id.is_none() {
            let version = u16::from_be_bytes([major, minor]);
            let connection = Connection { version, ..Connection::default() };
            self.id = Some(self.connections.open(connection, way.side(), &FLOODED, out));
        }
    }

    fn payload(&mut self, way: Direction, half: &mut Half, bytes: &[u8], out: &mut Vec<Signal>) {
        let [kind, ..] = half.header;
        if half.encrypted {
            return;
        }
        match kind {
            HANDSHAKE => {
                let room = MAX_HANDSHAKE_BYTES.saturating_sub(half.messages.len());
                half.messages.extend(bytes.iter().take(room));
                let mut messages = std::mem::take(&mut half.messages);
                let left = self.messages(way, &messages, out).len();
                if left >= MAX_HANDSHAKE_BYTES {
                    self.event(way, &HANDSHAKE_LENGTH, out);
                    self.over = true;
                }
                messages.drain(..messages.len() - left);
                half.messages = messages;
            }
            ALERT | HEARTBEATS => {
                let room = SMALL_BYTES.saturating_sub(half.small.len());
                half.small.extend(bytes.iter().take(room));
            }
            _ => {}
        }
    }

    fn record_ends(&mut self, way: Direction, half: &mut Half, out: &mut Vec<Signal>) {
        let [kind, _, _, high, low] = half.header;
        if half.encrypted {
            return;
        }
        match (kind, half.small.as_slice()) {
            (ALERT, [2, _, ..]) if u16::from_be_bytes([high, low]) == 2 => {
                self.event(way, &ALERTED, out);
            }
            (ALERT, [] | [_]) => self.event(way, &INVALID_ALERT, out),
            (HEARTBEATS, [1 | 2, claimed_high, claimed_low, ..]) => {
                self.event(way, &HEARTBEAT, out);
                // Type, length and sixteen bytes of padding stand beside the payload (RFC 6520).
                let claimed = u32::from(u16::from_be_bytes([*claimed_high, *claimed_low])) + 19;
                if claimed > u16::from_be_bytes([high, low]).into() {
                    self.event(way, &OVERFLOW_HEARTBEAT, out);
                }
            }
            (HEARTBEATS, _) => self.event(way, &INVALID_HEARTBEAT, out),
            _ => {}
        }
    }

    /// Reads every whole message and gives back what is left.
    fn messages<'a>(&mut self, way: Direction, bytes: &'a [u8], out: &mut Vec<Signal>) -> &'a [u8] {
        let mut reader = Reader::new(bytes);
        loop {
            let rest = reader.rest();
            let (Some(kind), Some(length)) = (reader.u8(), reader.u24()) else { return rest };
            let Some(body) = reader.take(length as usize) else {
                if length as usize > MAX_HANDSHAKE_BYTES {
                    self.event(way, &HANDSHAKE_LENGTH, out);
                    self.over = true;
                }
                return rest;
            };
            self.message(way, kind, body, out);
        }
    }

    fn message(&mut self, way: Direction, kind: u8, body: &[u8], out: &mut Vec<Signal>) {
        let mut events = Vec::new();
        let Some(connection) = self.id.and_then(|id| self.connections.get_mut(id)) else { return };
        let mut ready = None;
        match (way, kind) {
            (Direction::ToServer, CLIENT_HELLO) if connection.client.is_none() => {
                let mut flaws = Vec::new();
                let read = hello::client(body, Transport::Tcp, &mut flaws);
                events.extend(flaws.into_iter().map(flaw));
                match read {
                    Some(client) => {
                        connection.version = client.version;
                        connection.asked = client.version;
                        connection.client = Some(client);
                        ready = Some(Side::Request);
                    }
                    None => events.push(&INVALID_HANDSHAKE),
                }
            }
            (Direction::ToClient, SERVER_HELLO) => match hello::server(body) {
                Some(hello) if hello.retry => connection.version = hello.version,
                Some(hello) if connection.server.is_none() => {
                    connection.version = hello.version;
                    connection.server = Some(hello.server);
                    if connection.is_13() {
                        ready = Some(Side::Response);
                    }
                }
                Some(_) => {}
                None => events.push(&INVALID_HANDSHAKE),
            },
            (Direction::ToClient, CERTIFICATE) if connection.chain.is_empty() => {
                events.extend(chain(body, connection));
                ready = Some(Side::Response);
            }
            (Direction::ToClient, SERVER_HELLO_DONE) => ready = Some(Side::Response),
            _ => {}
        }
        for event in events {
            self.event(way, event, out);
        }
        if let Some(side) = ready {
            self.ready(side, out);
        }
    }

    /// A hello of SSLv2 (draft-hickman-netscape-ssl): after it nothing more is read of this side,
    /// unless the other side answers in a later version.
    fn sslv2(&mut self, way: Direction, half: &mut Half, bytes: &[u8], out: &mut Vec<Signal>) {
        let room = MAX_HANDSHAKE_BYTES.saturating_sub(half.messages.len());
        half.messages.extend(bytes.iter().take(room));
        let mut reader = Reader::new(&half.messages);
        let Some(length) = reader.u16() else { return };
        let Some(mut body) = reader.sub(usize::from(length & 0x7fff)) else { return };
        let wire = half.messages.get(..usize::from(length & 0x7fff) + 2).unwrap_or_default();
        frame::tell(self.wants, "ssl2.hdr", way.side(), wire.get(..2).unwrap_or_default(), out);
        frame::tell(self.wants, "ssl2.pdu", way.side(), wire, out);
        let kind = body.u8();
        let version = match way {
            Direction::ToServer => body.u16(),
            Direction::ToClient => body.u16().and_then(|_| body.u16()),
        };
        let known = matches!((way, kind), (Direction::ToServer, Some(1)) | (_, Some(4)));
        let asked = if way == Direction::ToServer { version.unwrap_or(2) } else { 0 };
        let version_now = version.unwrap_or(2);
        let connection = Connection { version: version_now, asked, ..Connection::default() };
        let id = match self.id {
            Some(id) => id,
            None => self.connections.open(connection, way.side(), &FLOODED, out),
        };
        self.id = Some(id);
        if !known || version.is_none() {
            self.event(way, &INVALID_SSLV2, out);
            self.over = true;
            return;
        }
        let after = half.messages.split_off(usize::from(length & 0x7fff) + 2);
        half.messages = Vec::new();
        half.v2 = false;
        self.ready(way.side(), out);
        if way == Direction::ToClient || version == Some(2) {
            half.encrypted = true;
        }
        if way == Direction::ToClient {
            self.over = true;
        } else {
            self.records(way, half, &after, out);
        }
    }

    /// After a chunk: is there anything more to learn?
    fn settle(&mut self, out: &mut Vec<Signal>) {
        let Some(id) = self.id else {
            if self.over {
                out.push(Signal::Stop);
            }
            return;
        };
        let [server, client] = &self.halves;
        let (sent, answered) = (server.encrypted, client.encrypted);
        if let Some(connection) = self.connections.get_mut(id) {
            if answered && connection.certificate.is_none() && !connection.is_13() {
                connection.resumed |= resumed(connection);
            }
            if answered && connection.server.is_some() {
                self.ready(Side::Response, out);
            }
        }
        if self.over || (sent && answered) {
            self.finish(id, out);
            out.push(if sent && answered { Signal::Sealed } else { Signal::Stop });
        }
    }

    fn finish(&mut self, id: u64, out: &mut Vec<Signal>) {
        if self.connections.get(id).is_some_and(Connection::tells) {
            self.connections.close(id, out);
        }
        self.over = true;
    }

    fn ready(&mut self, side: Side, out: &mut Vec<Signal>) {
        let index = usize::from(side == Side::Response);
        let told = self.told.get_mut(index).map(|told| std::mem::replace(told, true));
        if let (Some(false), Some(transaction)) = (told, self.id) {
            out.push(Signal::Ready { transaction, side, stage: Stage::Body });
        }
    }

    fn event(&self, way: Direction, event: &'static Event, out: &mut Vec<Signal>) {
        out.push(Signal::Event { transaction: self.id, side: way.side(), event });
    }
}

impl Parser for TlsParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.over {
            return;
        }
        self.wants = moment.files;
        match chunk {
            Chunk::Data(bytes) => self.bytes(direction, bytes, signals),
            Chunk::Gap(_) | Chunk::End => {
                direction.of_mut(&mut self.halves).ended = true;
                let gap = matches!(chunk, Chunk::Gap(_));
                // Where records begin is lost with a gap: what was learned until then counts.
                if let Some(id) = self.id
                    && (gap || self.halves.iter().all(|half| half.ended))
                {
                    self.finish(id, signals);
                    signals.push(Signal::Stop);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.connections.get(id).map(|connection| connection as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.connections.take(id).map(|connection| connection as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        let tape = |half: &Half| half.tape.as_ref().map_or(0, |tape| tape.memory());
        let held: usize =
            self.halves.iter().map(|half| half.messages.capacity() + tape(half)).sum();
        let connection = self.id.and_then(|id| self.connections.get(id));
        size_of::<Self>() + held + connection.map_or(0, Connection::memory)
    }
}

const fn flaw(flaw: Flaw) -> &'static Event {
    match flaw {
        Flaw::NameType => &INVALID_SNI_TYPE,
        Flaw::NameLength => &INVALID_SNI_LENGTH,
        Flaw::ManyNames => &MULTIPLE_SNI,
    }
}

/// The server took up what the client offered: the same identifier, or a ticket.
fn resumed(connection: &Connection) -> bool {
    let (Some(client), Some(server)) = (&connection.client, &connection.server) else {
        return false;
    };
    let same = !client.session_id.is_empty() && client.session_id == server.session_id;
    same || client.ticket
}

/// Reads a chain of certificates (RFC 5246, 7.4.2).
fn chain(body: &[u8], connection: &mut Connection) -> Option<&'static Event> {
    let mut reader = Reader::new(body);
    let Some(mut list) = reader.u24().and_then(|length| reader.sub(length as usize)) else {
        return Some(&INVALID_CERTIFICATE);
    };
    let mut room = MAX_CHAIN_BYTES;
    while !list.is_empty() && connection.chain.len() < MAX_CHAIN {
        let Some(der) = list.u24().and_then(|length| list.take(length as usize)) else {
            return Some(&INVALID_CERTIFICATE);
        };
        if der.len() > room {
            break;
        }
        room -= der.len();
        connection.chain.push(der.into());
    }
    let leaf = connection.chain.first()?;
    connection.certificate = Certificate::read(leaf);
    connection.certificate.is_none().then_some(&CERTIFICATE_DER)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::field::{Fields, Node, Value};
    use crate::protocols::{Carrier, tls::samples::SAMPLES};
    use crate::time::Timestamp;

    const MOMENT: Moment = Moment {
        now: Timestamp::from_nanos(0),
        carrier: Carrier::Tcp,
        server_port: 443,
        files: crate::file::Wants::NOTHING,
    };

    fn run(turns: &[(Direction, &[u8])]) -> (TlsParser, Vec<String>) {
        let mut parser = TlsParser::new();
        let mut signals = Vec::new();
        for (way, bytes) in turns {
            parser.parse(*way, Chunk::Data(bytes), &MOMENT, &mut signals);
        }
        let name = |signal: &Signal| match signal {
            Signal::Ready { side, .. } => format!("ready {side:?}"),
            Signal::Event { event, .. } => event.name.to_owned(),
            Signal::Done { .. } => "done".to_owned(),
            Signal::Stop => "stop".to_owned(),
            Signal::Sealed => "sealed".to_owned(),
            Signal::Handover(_) => "handover".to_owned(),
            Signal::File { .. } | Signal::Expect(_) | Signal::Frame(_) => "another".to_owned(),
        };
        let told = signals.iter().map(name).collect();
        (parser, told)
    }

    fn value(parser: &TlsParser, name: &str) -> String {
        let field = Connection::FIELDS.iter().find(|field| field.name == name).unwrap();
        let mut values = Vec::new();
        (field.read)(parser.connections.get(0).unwrap(), &mut |value| match value {
            Value::Bytes(bytes) => values.push(String::from_utf8_lossy(bytes).into_owned()),
            Value::Int(number) => values.push(number.to_string()),
        });
        values.join("|")
    }

    #[test]
    fn a_certificate_is_shown_as_openssl_shows_it() {
        let (parser, told) = run(SAMPLES[0].turns);
        assert_eq!(told, ["ready Request", "ready Response", "done", "sealed"]);
        let subject = "C=IT, ST=Lazio, L=Roma, O=Comune di Prova, CN=prova.example";
        for (name, wanted) in [
            ("tls.sni", "prova.example"),
            ("tls.version", "771"),
            ("tls.cert_subject", subject),
            ("tls.cert_issuer", subject),
            ("tls.cert_serial", "76:F4:2F:49:21:53:EE:06:BA:61:32:83:D3:23:01:A0:CC:61:F5:20"),
            ("tls.cert_fingerprint", "09:57:98:5f:1d:8e:e8:85:c5:1d:aa:58:17:e1:99:fa:20:b7:1c:3f"),
            ("tls.subjectaltname", "prova.example|www.prova.example|192.0.2.7"),
            ("tls.alpn", "h2|http/1.1|h2"),
            ("tls.cert_chain_len", "1"),
        ] {
            assert_eq!(value(&parser, name), wanted, "{name}");
        }
        let Node::Object(pairs) = Node::of(parser.transaction(0).unwrap()) else { return };
        let keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_ref()).collect();
        let wanted = "subject issuerdn serial fingerprint sni version notbefore notafter ja3 ja3s \
                      ja4 subjectaltname client_alpns server_alpns";
        assert_eq!(keys.join(" "), wanted);
        assert_eq!(pairs[6].1, Node::Text(b"2026-11-22T23:23:41".to_vec()));
    }

    #[test]
    fn fingerprints_are_those_that_others_compute() {
        let (parser, _) = run(SAMPLES[0].turns);
        assert_eq!(value(&parser, "ja3.hash"), "304734bb1c086c3453b387400cf83f11");
        assert_eq!(value(&parser, "ja3s.hash"), "895252f3ce80cebf7a8837be83ec8e16");
        assert_eq!(value(&parser, "ja4.hash"), "t13d1812h2_85036bcba153_d41ae481755e");
        let (parser, told) = run(SAMPLES[1].turns);
        assert_eq!(told, ["ready Request", "ready Response", "done", "sealed"]);
        assert_eq!(value(&parser, "tls.version"), "772");
        assert_eq!(value(&parser, "ja3.hash"), "304734bb1c086c3453b387400cf83f11");
        assert_eq!(value(&parser, "ja3s.hash"), "15af977ce25de452b96affa2addb1036");
        assert_eq!(value(&parser, "ja4.hash"), "t13d1812h2_85036bcba153_d41ae481755e");
    }

    #[test]
    fn a_heartbeat_that_claims_too_much_is_told() {
        let hello = SAMPLES[0].turns[0];
        let heartbeat: &[u8] = b"\x18\x03\x02\x00\x03\x01\x40\x00";
        let (_, told) = run(&[hello, (Direction::ToServer, heartbeat)]);
        assert_eq!(told, ["ready Request", "heartbeat_message", "overflow_heartbeat_message"]);
    }

    #[test]
    fn what_follows_the_handshake_is_sealed_whatever_the_cut() {
        let rubbish = [0xff; 60];
        for sample in SAMPLES.iter().take(2) {
            let (_, told) = run(sample.turns);
            assert_eq!(told.last().unwrap(), "sealed", "{}", sample.name);
            let ((way, last), before) = sample.turns.split_last().unwrap();
            let joined = [last, rubbish.as_slice()].concat();
            let turns = [before, &[(*way, joined.as_slice())]].concat();
            assert_eq!(run(&turns).1, told, "{}", sample.name);
        }
    }

    #[test]
    fn what_is_no_record_ends_it() {
        let hello = SAMPLES[0].turns[0];
        let (parser, told) = run(&[hello, (Direction::ToClient, b"HTTP/1.1 400 Bad Request\r\n")]);
        assert_eq!(told, ["ready Request", "invalid_record_type", "done", "stop"]);
        assert_eq!(value(&parser, "tls.sni"), "prova.example");
    }

    #[test]
    fn a_message_without_end_is_not_held_for_ever() {
        let mut parser = TlsParser::new();
        let mut signals = Vec::new();
        let mut record = b"\x16\x03\x03\x40\x00\x0b\x01\xff\xff".to_vec();
        record.resize(5 + 16_384, 0);
        for _ in 0..40 {
            let chunk = Chunk::Data(&record);
            parser.parse(Direction::ToClient, chunk, &MOMENT, &mut signals);
            assert!(parser.memory() < 2 * MAX_HANDSHAKE_BYTES + 65_536);
        }
        assert!(parser.over);
    }
}
