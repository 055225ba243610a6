//! Fragments in and out of order, overlapping as hosts disagree, and hostile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod parity;

use etherparse::{IpFragOffset, IpNumber, Ipv4Header, PacketBuilder};

use super::*;
use crate::decode::{Options, decode, decode_network};

const RAW: u16 = 101;

fn headers(bytes: &[u8]) -> Headers {
    let mut found = None;
    decode(RAW, bytes, bytes.len() as u32, &Options::default(), &mut |headers, _| {
        found.get_or_insert(*headers);
    });
    found.unwrap()
}

fn part4(offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut header =
        Ipv4Header::new(payload.len() as u16, 64, IpNumber(253), [192, 0, 2, 1], [192, 0, 2, 2])
            .unwrap();
    header.identification = 77;
    header.more_fragments = more;
    header.dont_fragment = false;
    header.fragment_offset = IpFragOffset::try_new(offset / 8).unwrap();
    let mut bytes = Vec::new();
    header.write(&mut bytes).unwrap();
    bytes.extend_from_slice(payload);
    bytes
}

fn part6(offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((16 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 64]);
    bytes.extend([1; 16]);
    bytes.extend([2; 16]);
    // Hop-by-hop options with a router alert, then the fragment header.
    bytes.extend([44, 0, 5, 2, 0, 0, 1, 0]);
    bytes.extend([253, 0]);
    bytes.extend((offset | u16::from(more)).to_be_bytes());
    bytes.extend([9, 9, 9, 9]);
    bytes.extend_from_slice(payload);
    bytes
}

fn give(defrag: &mut Defrag, second: u64, bytes: &[u8]) -> (DefragOutcome, Vec<&'static str>) {
    let mut events = Vec::new();
    let outcome = defrag.packet(Timestamp::new(second, 0), &headers(bytes), bytes, &mut |event| {
        events.push(event.name);
    });
    (outcome, events)
}

fn with(overlap: Overlap) -> Defrag {
    Defrag::new(DefragLimits { overlap, ..DefragLimits::default() })
}

#[test]
fn whole_packets_pass() {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(1, 2)
        .write(&mut bytes, b"x")
        .unwrap();
    assert_eq!(give(&mut with(Overlap::Bsd), 0, &bytes).0, DefragOutcome::NotFragment);
}

#[test]
fn any_order_gives_the_datagram() {
    let content: Vec<u8> = (0..64).collect();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for build in [part4, part6] {
            let mut defrag = with(Overlap::Bsd);
            let mut done = None;
            for place in order {
                let start = place * 24;
                let end = (start + 24).min(content.len());
                let bytes = build(start as u16, place != 2, &content[start..end]);
                if let (DefragOutcome::Complete(whole), _) = give(&mut defrag, 0, &bytes) {
                    done = Some(whole);
                }
            }
            let whole = done.unwrap();
            let mut calls = 0;
            let options = Options { verify_checksums: true, ..Options::default() };
            decode_network(&Headers::default(), &whole, &options, &mut |headers, slice| {
                calls += 1;
                assert_eq!(headers.payload(slice), content);
                assert_eq!(headers.ip.unwrap().fragment, None);
                assert_eq!(headers.ip.unwrap().protocol, 253);
                assert!(!headers.bad_checksum);
            });
            assert_eq!(calls, 1);
            assert_eq!(defrag.held(), (0, 0, 0));
        }
    }
}

#[test]
fn agrees_with_another_implementation() {
    let mut ours = with(Overlap::Bsd);
    let mut theirs = etherparse::defrag::IpDefragPool::<(), ()>::new();
    let mut random = 1u64;
    for _ in 0..200 {
        let content: Vec<u8> = (0..200).map(|i| (random >> (i % 32)) as u8).collect();
        let mut places: Vec<usize> = (0..content.len()).step_by(40).collect();
        for index in (1..places.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            places.swap(index, (random >> 33) as usize % (index + 1));
        }
        for start in places {
            let end = (start + 40).min(content.len());
            let bytes = part4(start as u16, end < content.len(), &content[start..end]);
            let sliced = etherparse::SlicedPacket::from_ip(&bytes).unwrap();
            let expected = theirs.process_sliced_packet(&sliced, (), ()).unwrap();
            let (outcome, events) = give(&mut ours, 0, &bytes);
            assert!(events.is_empty());
            match (outcome, expected) {
                (DefragOutcome::Complete(whole), Some(payload)) => {
                    assert_eq!(&whole[20..], payload.payload);
                }
                (DefragOutcome::Held, None) => {}
                (ours, theirs) => panic!("{ours:?} where the other says {theirs:?}"),
            }
        }
    }
}

/// One eight-byte block a letter: old fragments, then new ones, as in Novak's paper in small.
fn painted(overlap: Overlap, parts: &[(u16, u16, u8)]) -> (String, usize) {
    let mut defrag = with(overlap);
    let mut overlaps = 0;
    let mut last = DefragOutcome::Held;
    let all = parts.iter().map(|(start, count, _)| start + count).max().unwrap();
    for (start, count, letter) in parts {
        let payload = vec![*letter; usize::from(*count) * 8];
        let (outcome, events) = give(&mut defrag, 0, &part4(start * 8, true, &payload));
        assert_eq!(outcome, DefragOutcome::Held);
        overlaps += events.iter().filter(|name| **name == "ipv4.frag_overlap").count();
        last = outcome;
    }
    assert_eq!(last, DefragOutcome::Held);
    let DefragOutcome::Complete(whole) =
        give(&mut defrag, 0, &part4(all * 8, false, b"........")).0
    else {
        panic!("not complete");
    };
    let blocks = whole[20..].chunks(8);
    (blocks.map(|block| char::from(block[0])).collect(), overlaps)
}

#[test]
fn policies_choose_as_their_hosts() {
    // Old at 2..5; new begins before and ends within, at the end, beyond.
    let base = |new: (u16, u16, u8)| [(0, 1, b'z'), (2, 3, b'a'), new, (1, 1, b'y'), (5, 2, b'x')];
    let see = |overlap, new| painted(overlap, &base(new)).0;
    use Overlap::{Bsd, First, Last, Linux, Solaris, Windows};
    // Begins before, ends within.
    assert_eq!(see(First, (1, 3, b'b')), "zbaaaxx.");
    assert_eq!(see(Bsd, (1, 3, b'b')), "zbbbaxx.");
    assert_eq!(see(Windows, (1, 3, b'b')), "zbaaaxx.");
    assert_eq!(see(Solaris, (1, 3, b'b')), "zbaaaxx.");
    // Begins before, ends at the same place.
    assert_eq!(see(Windows, (1, 4, b'b')), "zbaaaxx.");
    assert_eq!(see(Solaris, (1, 4, b'b')), "zbbbbxx.");
    // Begins before, ends beyond.
    assert_eq!(see(Windows, (1, 5, b'b')), "zbbbbbx.");
    // Begins at the same place.
    assert_eq!(see(Bsd, (2, 2, b'b')), "zyaaaxx.");
    assert_eq!(see(Linux, (2, 2, b'b')), "zybbaxx.");
    // Within.
    assert_eq!(see(Linux, (3, 1, b'b')), "zyaaaxx.");
    assert_eq!(painted(Last, &[(0, 5, b'a'), (1, 1, b'b'), (3, 4, b'c')]), ("abacccc.".into(), 2));
}

#[test]
fn old_fragments_time_out() {
    let mut defrag = with(Overlap::Bsd);
    give(&mut defrag, 0, &part4(0, true, &[1; 8]));
    assert_eq!(give(&mut defrag, 60, &part4(8, false, &[2; 8])).0, DefragOutcome::Held);
    assert_eq!(defrag.counters().timed_out, 1);
    assert_eq!(defrag.held().0, 1);
}

#[test]
fn limits_hold_and_the_oldest_goes() {
    let limits = DefragLimits { trackers: 4, bytes: 1000, ..DefragLimits::default() };
    let mut defrag = Defrag::new(limits);
    for id in 0..100u16 {
        let mut bytes = part4(0, true, &[1; 104]);
        bytes[4..6].copy_from_slice(&id.to_be_bytes());
        give(&mut defrag, 0, &bytes);
        assert!(defrag.held().0 <= 4 && defrag.held().2 <= 1000);
    }
    assert_eq!(defrag.counters().evicted, 96);
    let mut last = part4(104, false, &[1; 8]);
    last[4..6].copy_from_slice(&99u16.to_be_bytes());
    assert!(matches!(give(&mut defrag, 0, &last).0, DefragOutcome::Complete(_)));
}

#[test]
fn a_fragment_past_the_largest_packet_is_refused() {
    let (outcome, events) = give(&mut with(Overlap::Bsd), 0, &part4(65_528, false, &[1; 64]));
    assert_eq!((outcome, events), (DefragOutcome::Held, vec!["ipv4.frag_pkt_too_large"]));
}

#[test]
fn tiny_and_doubled_fragments_are_bounded() {
    let mut defrag = with(Overlap::Last);
    for _ in 0..3 * FRAGMENTS_MAX {
        give(&mut defrag, 0, &part4(0, true, &[1; 8]));
    }
    assert_eq!(defrag.held().1, FRAGMENTS_MAX);
    assert_eq!(defrag.counters().ignored as usize, 2 * FRAGMENTS_MAX);
}
