#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::net::{AddressSet, Endpoint, ip_protocol};
use crate::record::{Burst, Context, Level};

const VICTIM: [u8; 4] = [10, 0, 0, 1];
const OUT: [u8; 4] = [198, 51, 100, 9];

fn burst(source: [u8; 4], target: [u8; 4], protocol: u8, millis: u64, burst: Burst) -> Record {
    let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
    let timestamp = Timestamp::from_nanos(1_741_651_200_000_000_000 + millis * 1_000_000);
    Record {
        sequence: 1,
        tie: 0,
        timestamp,
        context: Context {
            flow_id: Some(millis),
            source: end(source, 40_000),
            destination: end(target, 80),
            protocol,
            ip_version: 4,
            vlan: [0; 3],
            icmp: (protocol == ip_protocol::ICMP).then_some((8, 0)),
        },
        body: Body::Burst(Box::new(burst)),
    }
}

fn syn() -> Burst {
    Burst {
        packets: [1, 0],
        bytes: [60, 0],
        flags: [2, 0],
        opening: 1,
        is_first: true,
        ..Burst::default()
    }
}

/// A connection that was opened, used and closed.
fn visit() -> Burst {
    Burst { packets: [6, 5], bytes: [900, 9000], flags: [0x1b, 0x1b], ..syn() }
}

fn datagram(packets: u32, is_first: bool) -> Burst {
    let bytes = [packets * 500, 0];
    Burst { packets: [packets, 0], bytes, is_first, ..Burst::default() }
}

fn spoofed(n: u64) -> [u8; 4] {
    (0x0b00_0000 + (n as u32).wrapping_mul(0x9e37_79b1) % 0xb000_0000).to_be_bytes()
}

fn fresh() -> Flood {
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    Flood::new(&Site { home, ..Site::default() }, &Tuning::default())
}

fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let (mut detector, known, mut found) = (fresh(), Known::default(), Vec::new());
    for record in records {
        detector.record(&record, &known, &mut found);
    }
    found
}

fn told(found: &[Found]) -> Vec<(u32, Level)> {
    found.iter().map(|found| (found.finding.sid, found.finding.level)).collect()
}

#[test]
fn a_syn_flood_of_made_up_sources_is_told_within_a_second_and_blames_nobody() {
    let flood = (0..3000).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n / 3, syn()));
    let found = judge(flood);
    assert_eq!(told(&found), [(1, Level::Medium), (1, Level::High)]);
    let finding = &found[0].finding;
    assert!(found[0].context.source.is_none() && finding.evidence.len() == 8);
    assert_eq!(finding.title, "SYN flood of 10.0.0.1");
    assert!(
        finding.explain_it.contains("10.0.0.1 ha ricevuto 202 richieste di connessione mai"),
        "{}",
        finding.explain_it
    );
    assert!(finding.explain_it.contains("chiamare il fornitore di connettività"));
    assert!(finding.explain_en.contains("10.0.0.1 got 202 openings of connections never"));
    assert!(finding.explain_en.contains("spread evenly to 9"), "{}", finding.explain_en);
}

#[test]
fn fifty_a_second_are_found_in_time_and_what_a_server_gets_is_not() {
    let slow = (0..500).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n * 20, syn()));
    assert_eq!(told(&judge(slow)), [(1, Level::Medium)]);
    let scanned = (0..5000).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n * 60, syn()));
    assert!(judge(scanned).is_empty());
    let visits = (0..6000).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n * 15, visit()));
    assert!(judge(visits).is_empty());
}

#[test]
fn our_own_machines_that_look_for_a_server_that_is_down_are_no_flood() {
    // A hundred machines, each six connections at once and again after 1, 3 and 7 seconds.
    let mut tries = Vec::new();
    for (round, second) in [0, 1, 3, 7].into_iter().enumerate() {
        for n in 0..600u64 {
            let source = [10, 1, 0, (n % 100) as u8];
            let again = Burst { is_first: false, before: [round as u32, 0], ..syn() };
            let one = if round == 0 { syn() } else { again };
            tries.push(burst(source, VICTIM, ip_protocol::TCP, second * 1000 + n, one));
        }
    }
    assert!(judge(tries).is_empty());
}

#[test]
fn one_who_tries_all_ports_is_a_scanner_and_one_who_tries_one_is_not() {
    let at_port = |n: u64, port: u16| {
        let mut record = burst(OUT, VICTIM, ip_protocol::TCP, n, syn());
        record.context.destination = Some(Endpoint { addr: IpAddr::from(VICTIM), port });
        record
    };
    assert!(judge((0..2000).map(|n| at_port(n, n as u16))).is_empty());
    let found = judge((0..2000).map(|n| at_port(n, 80)));
    assert_eq!(found[0].finding.title, "SYN flood of 10.0.0.1 by 198.51.100.9");
    assert!(found[0].finding.explain_en.contains("block 198.51.100.9 on the firewall"));
}

#[test]
fn datagrams_pings_fragments_requests_and_stray_segments_are_told() {
    let udp = (0..1000).map(|n| burst(OUT, VICTIM, ip_protocol::UDP, n, datagram(1, true)));
    assert_eq!(told(&judge(udp)), [(3, Level::Medium)]);
    let ping = (0..1000).map(|n| burst(OUT, VICTIM, ip_protocol::ICMP, n, datagram(2, n == 0)));
    assert_eq!(told(&judge(ping)), [(4, Level::Medium)]);
    let stray = Burst { flags: [0x10, 0], opening: 0, ..syn() };
    let stray = (0..1000).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n, stray));
    assert_eq!(told(&judge(stray)), [(2, Level::Medium)]);
    // Segments of what looks like one connection, each of which is refused.
    let refused = |n: u64| {
        let sum = 25 * n as u32;
        let (packets, bytes) = ([25, 25], [1350, 1350]);
        let before = [sum, sum];
        Burst { packets, bytes, before, flags: [0x10, 0x04], opening: 0, is_first: n == 0, ..syn() }
    };
    let refused = (0..200).map(|n| burst(OUT, VICTIM, ip_protocol::TCP, n * 50, refused(n)));
    assert_eq!(told(&judge(refused))[0], (2, Level::Medium));
    let visits = (0..2000).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n / 2, visit()));
    assert_eq!(told(&judge(visits)), [(6, Level::Medium)]);
    let fragments = (0..4000).map(|n| {
        let record = burst(OUT, VICTIM, ip_protocol::UDP, n / 2, syn());
        Record { body: Body::Fragment(1514), ..record }
    });
    assert_eq!(told(&judge(fragments)), [(5, Level::Medium)]);
}

#[test]
fn calls_cameras_and_what_is_answered_late_are_left_alone() {
    // 300 packets a second each way, and 800 a second one way, as television sends.
    let call = Burst { packets: [30, 30], bytes: [30_000, 30_000], ..Burst::default() };
    let call = |n: u64| {
        let before = [n as u32 * 30; 2];
        Burst { before, is_first: n == 0, ..call }
    };
    assert!(judge((0..900).map(|n| burst(OUT, VICTIM, 17, n * 100, call(n)))).is_empty());
    let tv = |n: u64| Burst { before: [n as u32 * 80, 0], ..datagram(80, n == 0) };
    assert!(judge((0..900).map(|n| burst(OUT, VICTIM, 17, n * 100, tv(n)))).is_empty());
    // Rounds so short that each answer comes in the next.
    let mut questions = Vec::new();
    for n in 0..5000u64 {
        questions.push(burst(spoofed(n), VICTIM, 17, n * 2, datagram(1, true)));
        let answer = Burst { packets: [0, 1], before: [1, 0], ..Burst::default() };
        questions.push(burst(spoofed(n), VICTIM, 17, n * 2 + 1, answer));
    }
    assert!(judge(questions).is_empty());
    // The same with connections: the answer and what follows come in the next burst.
    let mut visits = Vec::new();
    for n in 0..5000u64 {
        visits.push(burst(spoofed(n), VICTIM, 6, n * 20, syn()));
        let rest = Burst { opening: 0, is_first: false, before: [1, 0], ..visit() };
        visits.push(burst(spoofed(n), VICTIM, 6, n * 20 + 10, rest));
    }
    assert!(judge(visits).is_empty());
}

#[test]
fn a_large_upload_that_is_cut_off_is_no_flood() {
    let cut = Burst {
        packets: [3000, 1501],
        bytes: [4_500_000, 90_000],
        flags: [0x10, 0x14],
        before: [3, 2],
        ..Burst::default()
    };
    assert!(judge([burst(OUT, VICTIM, ip_protocol::TCP, 1000, cut)]).is_empty());
}

#[test]
fn what_is_usual_is_tolerated_and_what_is_much_more_is_not() {
    // Twenty unanswered a second for a quarter of an hour, as a broken application may do.
    let mut records: Vec<_> =
        (0..18_000).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n * 50, syn())).collect();
    let end = 18_000 * 50;
    records.extend((0..1200).map(|n| burst(OUT, VICTIM, ip_protocol::TCP, end + n * 17, syn())));
    assert!(judge(records.drain(..)).is_empty());
}

#[test]
fn a_machine_of_ours_that_takes_part_is_high() {
    let ours = [10, 0, 0, 77];
    let found = judge((0..3000).map(|n| burst(ours, OUT, ip_protocol::UDP, n, datagram(1, true))));
    assert_eq!(told(&found), [(13, Level::High)]);
    assert!(found[0].finding.explain_it.contains("scollegare dalla rete e controllare 10.0.0.77"));
    assert!(
        found[0].finding.explain_en.contains("disconnect from the network and check 10.0.0.77")
    );
}

#[test]
fn saved_and_loaded_in_the_middle_it_finds_the_same_and_it_is_bounded() {
    let flood = || (0..400).map(|n| burst(spoofed(n), VICTIM, ip_protocol::TCP, n, syn()));
    let (mut first, mut second, known) = (fresh(), fresh(), Known::default());
    let mut found = Vec::new();
    for record in flood().take(150) {
        first.record(&record, &known, &mut found);
    }
    second.load(&first.save()).unwrap();
    for record in flood().skip(150) {
        second.record(&record, &known, &mut found);
    }
    let whole = judge(flood());
    assert_eq!(told(&found), told(&whole));
    assert_eq!(found[0].finding.explain_en, whole[0].finding.explain_en);
    for n in 0..300_000u64 {
        second.record(&burst(OUT, spoofed(n), 6, n, syn()), &known, &mut found);
        second.record(&burst(spoofed(n), VICTIM, 6, n, syn()), &known, &mut found);
    }
    assert!(second.entries.len() <= ENTRIES_MAX && second.memory() < 1_000_000);
}

#[test]
fn requests_that_are_held_open_are_told_and_what_is_answered_or_grows_is_not() {
    let piece = |n: u64, source_port: u16, change: fn(&mut Burst)| {
        let mut piece = Burst {
            packets: [1, 1],
            bytes: [74, 66],
            payload: [8, 0],
            flags: [0x18, 0x10],
            before: [3, 2],
            total: [400, 200],
            app_protocol: Some("http"),
            ..Burst::default()
        };
        change(&mut piece);
        let mut record = burst(OUT, VICTIM, ip_protocol::TCP, n, piece);
        record.context.source = Some(Endpoint { addr: IpAddr::from(OUT), port: source_port });
        if let Body::Burst(piece) = &mut record.body {
            piece.start = record.timestamp;
            piece.began = Timestamp::from_nanos(record.timestamp.nanos() - 10_000_000_000);
        }
        record
    };
    let held = |change: fn(&mut Burst)| {
        judge((0..200).map(|n| piece(n * 100, 20_000 + (n % 100) as u16, change)))
    };
    let found = held(|_| {});
    assert_eq!(told(&found), [(7, Level::Medium)]);
    assert!(found[0].finding.explain_en.contains("block 198.51.100.9 on the firewall; on the web"));
    assert!(found[0].finding.explain_it.contains("pacchetti di richieste tenute aperte"));
    // Of a connection that was answered before, of an upload, of what is not read.
    assert!(held(|piece| piece.total[1] = 5000).is_empty());
    assert!(held(|piece| (piece.payload[0], piece.packets[0]) = (2900, 2)).is_empty());
    assert!(held(|piece| piece.app_protocol = Some("websocket")).is_empty());
    assert!(held(|piece| piece.payload[1] = 5).is_empty());
    // Who asked, and has no room for the answer.
    let shut = |piece: &mut Burst| {
        (piece.payload, piece.total, piece.shut) = ([0, 0], [900, 1400], true);
    };
    let paused = |piece: &mut Burst| {
        (piece.payload, piece.total, piece.shut) = ([0, 0], [900, 3_000_000], true);
    };
    assert!(held(paused).is_empty());
    let found = held(shut);
    assert_eq!(told(&found), [(7, Level::Medium)]);
    assert!(found[0].finding.explain_it.contains("slow read"));
    assert!(judge((0..400).map(|n| piece(n * 100, 20_000 + (n % 10) as u16, shut))).is_empty());
    // Devices that each have one request that goes on.
    let device = |n: u64| {
        let mut record = piece(n * 20, 20_000 + (n % 60) as u16, |_| {});
        if let Some(end) = &mut record.context.source {
            end.addr = IpAddr::from([198, 51, 100, (n % 60) as u8]);
        }
        record
    };
    assert!(judge((0..2000).map(device)).is_empty());
    // A few that are slow hold nobody up.
    assert!(judge((0..400).map(|n| piece(n * 100, 20_000 + (n % 10) as u16, |_| {}))).is_empty());
}

#[test]
fn packets_of_other_protocols_are_told_by_their_senders_and_a_tunnel_is_none() {
    const GRE: u8 = 47;
    let homeless = |source: fn(u64) -> [u8; 4], millis: u64| {
        judge((0..6000).map(move |n| Record {
            body: Body::Homeless(600),
            ..burst(source(n), VICTIM, GRE, n * millis, Burst::default())
        }))
    };
    let found = homeless(spoofed, 1);
    assert_eq!(told(&found).first(), Some(&(8, Level::Medium)));
    assert!(found[0].finding.explain_it.contains("pacchetti IP né TCP né UDP"));
    // A tunnel, and one of many branches that all send all the time.
    assert!(homeless(|_| OUT, 1).is_empty());
    assert!(homeless(|n| spoofed(n % 800), 1).is_empty());
    // Malformed packets of TCP.
    let cut = (0..6000).map(|n| Record {
        body: Body::Homeless(60),
        ..burst(spoofed(n), VICTIM, ip_protocol::TCP, n, Burst::default())
    });
    assert!(judge(cut).is_empty());
    // IP in IP is a flow.
    let flood =
        (0..3000).map(|n| burst(spoofed(n), VICTIM, ip_protocol::IPV4, n, datagram(1, true)));
    assert_eq!(told(&judge(flood)), [(8, Level::Medium)]);
    let answered = Burst { packets: [5, 5], ..datagram(5, true) };
    let peers = (0..900).map(|n| burst(spoofed(n), VICTIM, ip_protocol::IPV4, n, answered));
    assert!(judge(peers).is_empty());
}

#[test]
fn all_machines_of_a_network_are_a_victim_too() {
    // Neighbours that nobody has say that they are there, or ask; a router asks for many machines.
    type Address = fn(u64) -> String;
    let neighbours = |kind: u8, [from, to]: [Address; 2]| {
        judge((0..4000).map(|n| {
            let end = |text: String| Some(Endpoint { addr: text.parse().unwrap(), port: 0 });
            let mut record =
                burst(OUT, VICTIM, ip_protocol::ICMPV6, n, Burst { packets: [1, 0], ..syn() });
            record.context.icmp = Some((kind, 0));
            (record.context.source, record.context.destination) = (end(from(n)), end(to(n)));
            record
        }))
    };
    let made_up: Address = |n| format!("fe80::{:x}", n + 2);
    let all: Address = |_| "ff02::1".to_owned();
    for kind in [133, 135, 136] {
        let found = neighbours(kind, [made_up, all]);
        assert_eq!(told(&found).first(), Some(&(4, Level::Medium)), "{kind}");
        let finding = &found[0].finding;
        assert_eq!(finding.title, "ICMP flood of the local network (ff02::1)");
        assert!(finding.explain_it.contains("La rete locale (ff02::1) ha ricevuto"));
        assert!(finding.explain_en.contains("turn on storm control"), "{}", finding.explain_en);
    }
    let asked: Address = |n| format!("ff02::1:ff00:{n:x}");
    assert!(neighbours(135, [|_| "fe80::1".to_owned(), asked]).is_empty());
    assert!(neighbours(136, [made_up, |_| "fe80::1".to_owned()]).is_empty());
    // All answer a router that asks for members of groups; each looks for a router after a power cut.
    assert!(neighbours(143, [made_up, |_| "ff02::16".to_owned()]).is_empty());
    let few = |kind: u8| {
        judge((0..900).map(|n| {
            let mut record = burst(OUT, VICTIM, ip_protocol::ICMPV6, n * 10, syn());
            let end = |text: String| Some(Endpoint { addr: text.parse().unwrap(), port: 0 });
            record.context.icmp = Some((kind, 0));
            record.context.source = end(format!("fe80::{:x}", n % 300 + 2));
            record.context.destination = end("ff02::2".to_owned());
            record
        }))
    };
    assert!(few(133).is_empty());
    // Many who join groups, each once in a while; video to all.
    let joins = (0..4000).map(|n| {
        let all = [224, 0, 0, 22];
        burst([10, 0, (n % 3) as u8, (n % 200) as u8], all, 2, n * 5, datagram(1, n < 600))
    });
    assert!(judge(joins).is_empty());
    let video = (0..4000)
        .map(|n| burst(OUT, [239, 1, 1, 1], ip_protocol::UDP, n * 5, datagram(20, n == 0)));
    assert!(judge(video).is_empty());
}
