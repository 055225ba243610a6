//! The table as its user sees it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::decode::tcp_flags::{ACK, FIN, RST, SYN};
use crate::decode::{Headers, Ip, Tcp, Transport, Udp};
use crate::record::Outcome;

#[derive(Default)]
struct Log {
    chunks: Vec<(u64, Direction, Vec<u8>)>,
    ends: Vec<(u64, Direction)>,
    gaps: u64,
    events: Vec<&'static str>,
    contacts: Vec<Outcome>,
    records: Vec<(u64, FlowRecord)>,
}

impl Host<u32> for Log {
    fn chunk(
        &mut self,
        flow: &mut Flow<u32>,
        _: Slot,
        way: Direction,
        chunk: Chunk<'_>,
        _: Timestamp,
    ) {
        match chunk {
            Chunk::Data(data) => self.chunks.push((flow.id, way, data.to_vec())),
            Chunk::Gap(n) => self.gaps += n,
            Chunk::End => self.ends.push((flow.id, way)),
        }
    }
    fn event(&mut self, event: &'static Event) {
        self.events.push(event.name);
    }
    fn contact(&mut self, _: &Flow<u32>, contact: Contact) {
        self.contacts.push(contact.outcome);
    }
    fn ended(&mut self, flow: &mut Flow<u32>, _: Slot, record: FlowRecord) {
        self.records.push((flow.id, record));
    }
}

fn headers(from: u32, to: u32, protocol: u8, transport: Transport, length: u32) -> Headers {
    let ip = Ip {
        version: 4,
        source: IpAddr::V4(Ipv4Addr::from_bits(from)),
        destination: IpAddr::V4(Ipv4Addr::from_bits(to)),
        protocol,
        ttl: 64,
        tos: 0,
        id: 0,
        flags: 0,
        length,
        options: 0,
        fragment: None,
    };
    Headers { ip: Some(ip), transport, wire_length: length, ..Headers::default() }
}

struct Wire {
    table: Table<u32>,
    log: Log,
    sequence: u64,
    at: u64,
}

impl Wire {
    fn new() -> Self {
        Self { table: Table::new(&Limits::default()), log: Log::default(), sequence: 0, at: 1000 }
    }

    fn send(&mut self, headers: &Headers, data: &[u8]) -> Option<Touch> {
        self.sequence += 1;
        let now = Timestamp::new(self.at, 0);
        self.table.packet(self.sequence, 0, now, headers, data, &mut self.log)
    }

    /// A segment of the one connection 10.0.0.1:1024 to 10.0.0.2:80.
    fn tcp(&mut self, client: bool, flags: u8, seq: u32, ack: u32, data: &[u8]) -> Option<Touch> {
        self.tcp_of(80, client, flags, (seq, ack), data)
    }

    /// The same with another port of the server.
    fn tcp_of(
        &mut self,
        port: u16,
        client: bool,
        flags: u8,
        (seq, ack): (u32, u32),
        data: &[u8],
    ) -> Option<Touch> {
        let (from, to, source, destination) =
            if client { (A, B, 1024, port) } else { (B, A, port, 1024) };
        let tcp = Tcp {
            source,
            destination,
            sequence: seq,
            acknowledgement: ack,
            flags,
            window: 8192,
            ..Tcp::default()
        };
        self.send(&headers(from, to, 6, Transport::Tcp(tcp), 54 + data.len() as u32), data)
    }

    fn shake(&mut self) {
        self.tcp(true, SYN, 99, 0, b"");
        self.tcp(false, SYN | ACK, 499, 100, b"");
        self.tcp(true, ACK, 100, 500, b"");
    }

    fn text(&self, way: Direction) -> Vec<u8> {
        let chunks = self.log.chunks.iter().filter(|c| c.1 == way);
        chunks.flat_map(|c| c.2.iter().copied()).collect()
    }
}

const A: u32 = 0x0a00_0001;
const B: u32 = 0x0a00_0002;

#[test]
fn a_connection_from_begin_to_end() {
    let mut wire = Wire::new();
    wire.shake();
    let touch = wire.tcp(true, ACK, 100, 500, b"hello").unwrap();
    assert!(touch.established && touch.streamed && !touch.new);
    wire.tcp(false, ACK, 500, 105, b"world");
    wire.tcp(true, FIN | ACK, 105, 505, b"!");
    wire.tcp(false, FIN | ACK, 505, 107, b"");
    wire.tcp(true, ACK, 107, 506, b"");
    assert_eq!(wire.text(Direction::ToServer), b"hello!");
    assert_eq!(wire.text(Direction::ToClient), b"world");
    assert_eq!(wire.log.ends.len(), 2);
    assert_eq!(wire.log.events, Vec::<&str>::new());
    assert_eq!(wire.log.contacts, [Outcome::Answered]);
    wire.table.finish(&wire.table.in_order(), Timestamp::new(2000, 0), &mut wire.log);
    let (_, record) = &wire.log.records[0];
    assert_eq!((record.state, record.tcp.unwrap().state), ("closed", "closed"));
    assert_eq!(record.counters.packets, [5, 3]);
    assert_eq!(wire.log.ends.len(), 2);
}

#[test]
fn what_is_within_the_window_of_a_segment_is_taken() {
    let mut wire = Wire::new();
    wire.shake();
    wire.tcp(true, ACK, 100, 500, b"hello");
    wire.tcp(false, ACK, 500, 105, &[b'a'; 8190]);
    wire.tcp(false, ACK, 8690, 105, b"bcd");
    assert_eq!(wire.text(Direction::ToClient).len(), 8192);
    assert_eq!(wire.log.events, ["est_packet_out_of_window"]);
    // The rest comes again once there is room.
    wire.tcp(true, ACK, 105, 8692, b"");
    wire.tcp(false, ACK, 8692, 105, b"d");
    assert!(wire.text(Direction::ToClient).ends_with(b"abcd"));
}

#[test]
fn a_refused_connection() {
    let mut wire = Wire::new();
    wire.tcp(true, SYN, 99, 0, b"");
    wire.tcp(false, RST | ACK, 0, 100, b"");
    assert_eq!(wire.log.contacts, [Outcome::Refused]);
    // The same ports again: another connection.
    let touch = wire.tcp(true, SYN, 5000, 0, b"").unwrap();
    assert!(touch.new);
    assert_eq!(wire.log.records[0].1.reason, "tcp_reuse");
}

#[test]
fn what_was_accepted_is_judged_by_what_the_client_does_then() {
    let outcome = |then: &[(bool, u8)]| {
        let mut wire = Wire::new();
        wire.tcp(true, SYN, 99, 0, b"");
        wire.tcp(false, SYN | ACK, 499, 100, b"");
        assert_eq!(wire.log.contacts, []);
        for (there, flags) in then {
            let (sequence, ack) = if *there { (100, 500) } else { (500, 100) };
            wire.tcp(*there, *flags, sequence, ack, b"");
        }
        wire.table.finish(&wire.table.in_order(), Timestamp::new(2000, 0), &mut wire.log);
        wire.log.contacts
    };
    assert_eq!(outcome(&[(true, ACK)]), [Outcome::Answered]);
    assert_eq!(outcome(&[(true, RST)]), [Outcome::Abandoned]);
    assert_eq!(outcome(&[(true, ACK), (true, RST)]), [Outcome::Answered]);
    assert_eq!(outcome(&[(false, ACK), (true, RST | ACK)]), [Outcome::Abandoned]);
    // A client that is not heard of again, on a way that may not be seen here.
    assert_eq!(outcome(&[]), [Outcome::Answered]);
    assert_eq!(outcome(&[(false, ACK)]), [Outcome::Answered]);
}

#[test]
fn midstream_is_a_flow_without_streams() {
    let mut wire = Wire::new();
    let touch = wire.tcp(true, ACK, 100, 500, b"hello").unwrap();
    assert!(!touch.streamed && !touch.established);
    assert!(wire.log.chunks.is_empty());
    wire.table.finish(&wire.table.in_order(), Timestamp::new(2000, 0), &mut wire.log);
    assert_eq!(wire.log.records[0].1.state, "new");
    assert!(wire.log.ends.is_empty() && wire.log.contacts.is_empty());
}

/// Whoever is seen first, the server is who has the port.
#[test]
fn connections_of_plants_are_taken_up_with_their_first_data() {
    for server_first in [false, true] {
        let mut wire = Wire::new();
        // An acknowledgement alone could be anybody's, and a reset ends what it is about.
        let touch = wire.tcp_of(44_818, !server_first, ACK, (100, 500), b"").unwrap();
        assert!(!touch.established && !touch.streamed);
        let mut ends = [(true, (100, 500), &b"ask"[..]), (false, (500, 103), b"answer")];
        if server_first {
            ends = [(false, (100, 500), b"answer"), (true, (500, 106), b"ask")];
        }
        for (client, numbers, data) in ends {
            wire.tcp_of(44_818, client, ACK, numbers, data).unwrap();
        }
        assert_eq!(wire.text(Direction::ToServer), b"ask");
        assert_eq!(wire.text(Direction::ToClient), b"answer");
        wire.table.finish(&wire.table.in_order(), Timestamp::new(2000, 0), &mut wire.log);
        assert_eq!(wire.log.records[0].1.state, "established");
    }
    for (midstream, flags) in [(Midstream::None, ACK), (Midstream::Plants, ACK | RST)] {
        let mut wire = Wire::new();
        wire.table = Table::new(&Limits { midstream, ..Limits::default() });
        wire.tcp_of(44_818, true, flags, (100, 500), b"ask");
        assert!(wire.log.chunks.is_empty(), "{midstream:?}");
    }
}

/// Who can send one packet could make one up for either.
#[test]
fn no_packet_alone_hides_a_connection_of_a_plant() {
    let mut wire = Wire::new();
    wire.tcp_of(502, true, ACK, (7, 9), b"x");
    wire.tcp_of(502, true, SYN, (99, 0), b"");
    wire.tcp_of(502, false, SYN | ACK, (499, 100), b"");
    wire.tcp_of(502, true, ACK, (100, 500), b"write");
    assert_eq!(wire.text(Direction::ToServer), b"xwrite");

    let mut wire = Wire::new();
    wire.tcp_of(502, true, ACK, (100, 500), b"ask");
    wire.tcp_of(502, false, ACK, (500, 103), b"answer");
    wire.tcp_of(502, true, SYN, (77, 0), b"");
    wire.tcp_of(502, true, ACK, (103, 506), b"next");
    wire.tcp_of(502, true, RST, (78, 0), b"");
    wire.tcp_of(502, false, ACK, (506, 107), b"more");
    assert_eq!(wire.text(Direction::ToServer), b"asknext");
    assert_eq!(wire.text(Direction::ToClient), b"answermore");

    // Nor does one within a handshake.
    let mut wire = Wire::new();
    wire.tcp_of(502, true, SYN, (99, 0), b"");
    wire.tcp_of(502, false, ACK, (7000, 8000), b"forged");
    wire.tcp_of(502, false, SYN | ACK, (499, 100), b"");
    wire.tcp_of(502, true, ACK, (100, 500), b"write");
    assert_eq!(wire.text(Direction::ToServer), b"write");

    // Of a port that clients take, too, the server is who has the lower one.
    let mut wire = Wire::new();
    let tcp = Tcp { source: 44_818, destination: 443, sequence: 1, flags: ACK, ..Tcp::default() };
    wire.send(&headers(A, B, 6, Transport::Tcp(tcp), 60), b"hello");
    assert_eq!(wire.text(Direction::ToServer), b"hello");

    // What one side alone has sent is read, but proves nothing.
    let mut wire = Wire::new();
    wire.tcp_of(502, true, ACK, (100, 500), b"ask");
    wire.table.finish(&wire.table.in_order(), Timestamp::new(2000, 0), &mut wire.log);
    assert_eq!(
        (wire.text(Direction::ToServer), wire.log.records[0].1.state),
        (b"ask".to_vec(), "new")
    );

    // What looks like scans and floods is no server's, whatever its port.
    for flags in [FIN, 0, RST | ACK, ACK] {
        let mut wire = Wire::new();
        let tcp = Tcp { source: 502, destination: 8080, sequence: 1, flags, ..Tcp::default() };
        wire.send(&headers(A, B, 6, Transport::Tcp(tcp), 60), b"");
        wire.table.finish(&wire.table.in_order(), Timestamp::new(2000, 0), &mut wire.log);
        let (_, record) = &wire.log.records[0];
        assert_eq!((record.counters.packets, record.state), ([1, 0], "new"), "{flags}");
    }
}

#[test]
fn order_within_the_handshake_does_not_matter() {
    let mut wire = Wire::new();
    wire.tcp(true, SYN, 99, 0, b"");
    wire.tcp(false, SYN | ACK, 499, 100, b"");
    wire.tcp(false, ACK, 500, 100, b"220 ready");
    wire.tcp(true, ACK, 105, 500, b"world");
    wire.tcp(true, ACK, 100, 500, b"hello");
    assert_eq!(wire.text(Direction::ToServer), b"helloworld");
    assert_eq!(wire.text(Direction::ToClient), b"220 ready");
}

#[test]
fn udp_times_out_by_packet_time() {
    let mut wire = Wire::new();
    let udp = |source, destination| Transport::Udp(Udp { source, destination, length: 12 });
    wire.send(&headers(A, B, 17, udp(5, 53), 60), b"ask!");
    wire.send(&headers(B, A, 17, udp(53, 5), 60), b"tell");
    wire.send(&headers(A, B, 17, udp(6, 53), 60), b"ask!");
    wire.table.tick(Timestamp::new(1030, 0), &mut wire.log);
    assert!(wire.log.records.is_empty());
    wire.table.tick(Timestamp::new(1031, 0), &mut wire.log);
    assert_eq!(wire.log.records.len(), 1);
    wire.at = 1300;
    assert!(wire.send(&headers(A, B, 17, udp(5, 53), 60), b"ask!").unwrap().new);
    let (_, record) = &wire.log.records[1];
    assert_eq!((record.state, record.reason), ("established", "timeout"));
    assert_eq!(wire.log.contacts, [Outcome::Answered, Outcome::Silent]);
    assert_eq!(wire.log.ends.len(), 4);
}

#[test]
fn a_flood_of_syn_is_bounded() {
    let limits = Limits { flows: 6400, ..Limits::default() };
    let mut wire = Wire::new();
    wire.table = Table::new(&limits);
    wire.shake();
    for n in 0..2_000_000u32 {
        let tcp =
            Tcp { source: n as u16, destination: 80, sequence: n, flags: SYN, ..Tcp::default() };
        wire.send(&headers(n.wrapping_mul(2_654_435_761), B, 6, Transport::Tcp(tcp), 60), b"");
        if n % 1024 == 0 {
            wire.log.records.clear();
            wire.log.contacts.clear();
            wire.table.sweep();
        }
    }
    let stats = wire.table.stats();
    assert!(stats.active <= 6400, "{stats:?}");
    assert!(stats.memory < 16 << 20, "{stats:?}");
    assert_eq!(stats.evicted_established, 0);
    assert_eq!(stats.inserted, stats.active + stats.evicted_new);
    wire.tcp(true, ACK, 100, 500, b"still here");
    assert_eq!(wire.text(Direction::ToServer), b"still here");
}

/// Packets of many hosts, all kinds of segments.
fn traffic(count: u32) -> Vec<(Headers, Vec<u8>, u64)> {
    let mut state = 7u64;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u32 % below
    };
    (0..count)
        .map(|n| {
            let (mut from, mut to) = (A + random(20), 0x0b00_0000 + random(20));
            let (mut source, mut destination) = (1000 + random(3) as u16, 80);
            if random(2) == 0 {
                (from, to) = (to, from);
                (source, destination) = (destination, source);
            }
            let data = vec![b'x'; random(4) as usize];
            let flags = [SYN, SYN | ACK, ACK, ACK, ACK, FIN | ACK, RST][random(7) as usize];
            let transport = if random(5) == 0 {
                Transport::Udp(Udp { source, destination, length: 8 })
            } else {
                Transport::Tcp(Tcp {
                    source,
                    destination,
                    sequence: random(5),
                    acknowledgement: random(5),
                    flags,
                    window: 1000,
                    ..Tcp::default()
                })
            };
            (headers(from, to, 6, transport, 60), data, u64::from(n) / 20)
        })
        .collect()
}

fn run(workers: usize, packets: &[(Headers, Vec<u8>, u64)]) -> Vec<String> {
    let limits = Limits { flows: 256, ..Limits::default() };
    let mut all = Vec::new();
    for worker in 0..workers {
        let (mut table, mut log) = (Table::<u32>::new(&limits), Log::default());
        for (n, (headers, data, second)) in packets.iter().enumerate() {
            let ip = headers.ip.unwrap();
            if usize::from(shard_of(ip.source, ip.destination)) % workers == worker {
                let now = Timestamp::new(*second, 0);
                table.packet(n as u64 + 1, 0, now, headers, data, &mut log);
            }
            if n % 64 == 63 {
                table.tick(Timestamp::new(*second, 0), &mut log);
                table.sweep();
            }
        }
        table.finish(&table.in_order(), Timestamp::new(10_000, 0), &mut log);
        all.extend(log.records.iter().map(|r| format!("{r:?}")));
        all.extend(log.chunks.iter().map(|c| format!("{c:?}")));
        all.extend(log.events.iter().map(|&e| e.to_owned()));
    }
    all.sort_unstable();
    all
}

#[test]
fn the_number_of_workers_does_not_show() {
    let packets = traffic(20_000);
    let one = run(1, &packets);
    assert!(one.len() > 1000);
    assert!(one == run(4, &packets) && one == run(7, &packets));
}

#[test]
fn events_have_distinct_names() {
    let mut names: Vec<&str> = EVENTS.iter().map(|event| event.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), EVENTS.len());
}
