//! Frames of each kind, built in code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod corpus;

use etherparse::PacketBuilder;

use super::*;

fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(1234, 80, 7, 1000)
        .write(&mut bytes, b"hello")
        .unwrap();
    bytes
}

fn all(link: u16, bytes: &[u8]) -> Vec<(Headers, Vec<u8>)> {
    let mut found = Vec::new();
    let options = Options { verify_checksums: true, ..Options::default() };
    decode(link, bytes, bytes.len() as u32, &options, &mut |headers, slice| {
        found.push((*headers, headers.payload(slice).to_vec()));
    });
    found
}

#[test]
fn headers_are_found_again() {
    let bytes = frame();
    let (headers, _) = all(1, &bytes).remove(0);
    assert_eq!(headers.ip_header(&bytes), &bytes[14..34]);
    assert_eq!(headers.transport_header(&bytes), &bytes[34..54]);
    let bytes = ipv6(0, &[&[17, 0, 5, 2, 0, 0, 1, 0][..], &udp(53, b"query")].concat());
    let (headers, _) = raw(&bytes).remove(0);
    assert_eq!(headers.ip_header(&bytes), &bytes[..48]);
    assert_eq!(headers.transport_header(&bytes), &bytes[48..56]);
}

#[test]
fn padding_is_not_payload() {
    let mut bytes = frame();
    bytes.extend([0xaa; 20]);
    let found = all(1, &bytes);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, b"hello");
    assert!(!found[0].0.bad_checksum);
}

fn raw(bytes: &[u8]) -> Vec<(Headers, Vec<u8>)> {
    all(101, bytes)
}

fn names(headers: &Headers) -> Vec<&'static str> {
    headers.events.iter().flatten().map(|event| event.name).collect()
}

/// An IPv4 packet around `payload`, checksum and all.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let number = etherparse::IpNumber(protocol);
    let length = payload.len() as u16;
    let header =
        etherparse::Ipv4Header::new(length, 9, number, [192, 0, 2, 1], [192, 0, 2, 2]).unwrap();
    let mut bytes = Vec::new();
    header.write(&mut bytes).unwrap();
    bytes.extend_from_slice(payload);
    bytes
}

/// An IPv6 packet around `payload`.
fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next, 64]);
    bytes.extend([1; 16]);
    bytes.extend([2; 16]);
    bytes.extend_from_slice(payload);
    bytes
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x10, 0x00];
    bytes.extend(port.to_be_bytes());
    bytes.extend((payload.len() as u16 + 8).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn tcp_options_and_flags_are_read() {
    let mut bytes = Vec::new();
    let options = [
        etherparse::TcpOptionElement::MaximumSegmentSize(1460),
        etherparse::TcpOptionElement::WindowScale(7),
        etherparse::TcpOptionElement::SelectiveAcknowledgementPermitted,
        etherparse::TcpOptionElement::Timestamp(5, 6),
    ];
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(4000, 443, 99, 512)
        .syn()
        .options(&options)
        .unwrap()
        .write(&mut bytes, &[])
        .unwrap();
    let (headers, payload) = raw(&bytes).remove(0);
    let Transport::Tcp(tcp) = headers.transport else { unreachable!() };
    assert_eq!((tcp.mss, tcp.window_scale, tcp.sack_permitted), (Some(1460), Some(7), true));
    assert_eq!((tcp.timestamp, tcp.flags), (Some((5, 6)), tcp_flags::SYN));
    assert!(payload.is_empty() && !headers.bad_checksum && names(&headers).is_empty());
    bytes[30] ^= 1;
    assert!(raw(&bytes)[0].0.bad_checksum);
}

#[test]
fn three_vlan_tags_are_told_apart_and_a_fourth_is_an_event() {
    let plain = frame();
    for tags in 0..=4u8 {
        let mut bytes = plain[..12].to_vec();
        (0..tags).for_each(|tag| bytes.extend([0x81, 0x00, 0x00, tag + 1]));
        bytes.extend_from_slice(&plain[12..]);
        let (headers, payload) = all(1, &bytes).remove(0);
        let place = usize::from(tags.min(3));
        assert_eq!(headers.vlan[..place], [1, 2, 3][..place]);
        assert_eq!(payload == b"hello", tags <= 3);
        assert_eq!(names(&headers), if tags > 3 { vec!["vlan.too_many_layers"] } else { vec![] });
    }
}

#[test]
fn what_is_within_tunnels_is_found() {
    let inner = ipv4(17, &udp(53, b"query"));
    let six = ipv6(17, &udp(53, b"query"));
    let mut ethernet = vec![2; 12];
    ethernet.extend([8, 0]);
    ethernet.extend_from_slice(&inner);
    let after = |head: &[u8], tail: &[u8]| [head, tail].concat();
    let cases = [
        ("ip in ip", ipv4(4, &inner)),
        ("6in4", ipv4(41, &six)),
        ("4in6", ipv6(4, &inner)),
        ("gre", ipv4(47, &after(&[0x20, 0, 8, 0, 0, 0, 0, 1], &inner))),
        ("gre bridge", ipv4(47, &after(&[0, 0, 0x65, 0x58], &ethernet))),
        ("pptp", ipv4(47, &after(&[0x30, 1, 0x88, 0x0b, 0, 9, 0, 0, 0, 0, 0, 1, 0x21], &inner))),
        ("erspan 1", ipv4(47, &after(&[0, 0, 0x88, 0xbe], &ethernet))),
        (
            "erspan 2",
            ipv4(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10][..], &[0; 7], &ethernet].concat()),
        ),
        ("vxlan", ipv4(17, &udp(4789, &after(&[8, 0, 0, 0, 0, 0, 7, 0], &ethernet)))),
        ("geneve", ipv4(17, &udp(6081, &after(&[0, 0, 0x65, 0x58, 0, 0, 7, 0], &ethernet)))),
        ("teredo", ipv4(17, &udp(3544, &after(&[0; 8], &six)))),
    ];
    for (name, bytes) in cases {
        let found = raw(&bytes);
        assert_eq!(found.len(), 2, "{name}");
        let (outer, inner) = (found[0].0, found[1].0);
        assert_eq!(found[1].1, b"query", "{name}");
        assert_eq!((outer.depth, outer.tunnel, inner.depth), (0, 0, 1), "{name}");
        assert_ne!(inner.tunnel, 0, "{name}");
        assert!(names(&outer).is_empty() && names(&inner).is_empty(), "{name}");
    }
}

#[test]
fn a_tunnel_has_one_hash_both_ways_and_others_another() {
    let inner = ipv4(17, &udp(53, b"query"));
    let there = ipv4(4, &inner);
    let mut back = there.clone();
    back[12..20].rotate_left(4);
    let mut other = there.clone();
    other[15] = 77;
    let hash = |bytes: &[u8]| raw(bytes)[1].0.tunnel;
    assert_eq!(hash(&there), hash(&back));
    assert_ne!(hash(&there), hash(&other));
    assert_ne!(hash(&ipv4(4, &there)), raw(&ipv4(4, &there))[2].0.tunnel);
}

#[test]
fn nested_tunnels_end_at_the_limit() {
    let bytes = (0..40).fold(ipv4(17, &udp(1, b"x")), |inner, _| ipv4(4, &inner));
    let found = raw(&bytes);
    assert_eq!(found.len(), usize::from(LAYERS_MAX) + 1);
    assert_eq!(names(&found.last().unwrap().0), ["too_many_layers"]);
}

#[test]
fn labels_and_sessions_are_passed() {
    let inner = ipv4(17, &udp(53, b"query"));
    let frame = |kind: [u8; 2], head: &[u8]| [&[2; 12][..], &kind, head, &inner].concat();
    let mpls = frame([0x88, 0x47], &[0, 1, 0, 64, 0, 1, 0x11, 64]);
    let pppoe = frame([0x88, 0x64], &[0x11, 0, 0, 1, 0, 35, 0, 0x21]);
    let snap = [&[2; 12][..], &[0, 41, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &inner].concat();
    for bytes in [mpls, pppoe, snap] {
        let (headers, payload) = all(1, &bytes).remove(0);
        assert_eq!(payload, b"query");
        assert!(names(&headers).is_empty());
    }
}

#[test]
fn extension_headers_are_followed() {
    let tail = udp(53, b"query");
    let chain = [&[43, 0, 5, 2, 0, 0, 1, 0][..], &[60, 0, 3, 0, 0, 0, 0, 0]];
    let chain = [&chain.concat()[..], &[17, 0, 201, 4, 0, 0, 0, 0], &tail].concat();
    let (headers, payload) = raw(&ipv6(0, &chain)).remove(0);
    assert_eq!((headers.ip.unwrap().protocol, &payload[..]), (17, &b"query"[..]));
    assert_eq!(names(&headers), ["ipv6.zero_len_padn", "ipv6.exthdr_invalid_optlen"]);
}

#[test]
fn errors_tell_of_the_packet_that_caused_them() {
    let about = ipv4(17, &udp(53, b"query"));
    let message = [&[3, 4, 0, 0, 0, 0, 5, 0xdc][..], &about].concat();
    let (headers, _) = raw(&ipv4(1, &message)).remove(0);
    let Transport::Icmp4(icmp) = headers.transport else { unreachable!() };
    assert_eq!((icmp.kind, icmp.code, icmp.mtu), (3, 4, Some(1500)));
    let about = icmp.about.unwrap();
    assert_eq!((about.protocol, about.source.port, about.destination.port), (17, 4096, 53));
}

#[test]
fn broken_headers_have_their_names() {
    let good = ipv4(17, &udp(53, b"query"));
    let broken = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        names(&all(228, &bytes)[0].0)
    };
    assert_eq!(broken(|b| b.truncate(19)), ["ipv4.pkt_too_small"]);
    assert_eq!(broken(|b| b.truncate(30)), ["ipv4.trunc_pkt"]);
    assert_eq!(broken(|b| b[0] = 0x44), ["ipv4.hlen_too_small"]);
    assert_eq!(broken(|b| b[3] = 19), ["ipv4.iplen_smaller_than_hlen"]);
    assert_eq!(broken(|b| b[25] = 7), ["udp.len_invalid"]);
    assert_eq!(broken(|b| b[25] = 14), ["udp.pkt_too_small"]);
    assert_eq!(broken(|b| b[0] = 0x54), ["ipraw.invalid_ip_version"]);
}

#[test]
fn a_frame_that_the_capture_cut_keeps_its_headers() {
    let of = |bytes: &[u8], wire: usize| {
        let mut found = Vec::new();
        let options = Options { verify_checksums: true, ..Options::default() };
        decode(1, bytes, wire as u32, &options, &mut |headers, slice| {
            found.push((*headers, headers.payload(slice).len()));
        });
        found
    };
    let whole = frame();
    let [(headers, payload)] = of(&whole[..56], whole.len())[..] else { unreachable!() };
    assert!(matches!(headers.transport, Transport::Tcp(tcp) if tcp.sequence == 7));
    assert_eq!((headers.cut, payload, headers.bad_checksum), (5, 0, false));
    assert_eq!(names(&headers), ["ipv4.trunc_pkt"]);
    assert!(address_pair(1, &whole[..56], whole.len() as u32).is_some());
    // The options of a handshake may be cut too: nothing of a payload is missing then.
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    let builder =
        builder.tcp(1234, 80, 7, 1000).syn().options_raw(&[2, 4, 5, 180, 1, 1, 4, 2]).unwrap();
    builder.write(&mut bytes, b"").unwrap();
    let [(headers, _)] = of(&bytes[..60], bytes.len())[..] else { unreachable!() };
    let Transport::Tcp(tcp) = headers.transport else { unreachable!() };
    assert_eq!((tcp.flags, tcp.header_length, headers.cut), (2, 26, 0));
    assert_eq!(names(&headers), ["ipv4.trunc_pkt"]);
    assert_eq!((headers.bad_checksum, headers.transport_header(&bytes[..60]).len()), (false, 26));
    // The frame was no longer on the wire: its length is a lie.
    let [(headers, _)] = of(&whole[..56], 56)[..] else { unreachable!() };
    assert_eq!((headers.ip, headers.cut), (None, 0));
    assert!(address_pair(1, &whole[..56], 56).is_none());
    let inner = ipv4(17, &udp(53, &[7; 300]));
    let six = [&[2; 12][..], &[0x86, 0xdd], &ipv6(4, &inner)].concat();
    let found = of(&six[..110], six.len());
    assert_eq!(found.len(), 2);
    let (headers, payload) = found[1];
    assert!(matches!(headers.transport, Transport::Udp(udp) if udp.length == 308));
    assert_eq!((headers.cut, payload, names(&headers)), (300, 0, vec!["ipv4.trunc_pkt"]));
}

#[test]
fn every_cut_and_many_mutations_are_survived() {
    let inner = ipv4(17, &udp(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame()].concat()));
    let seeds = [
        frame(),
        [&[2; 12][..], &[0x86, 0xdd], &ipv6(44, &[6; 60])].concat(),
        [&[2; 12][..], &[8, 0], &ipv4(47, &[&[0x10, 1, 0x88, 0x0b][..], &inner].concat())].concat(),
        [&[2; 12][..], &[8, 0], &inner].concat(),
        inner,
    ];
    let mut random = 42u64;
    for seed in seeds {
        (0..=seed.len()).for_each(|cut| fuzz_decode(&seed[..cut]));
        for _ in 0..2000 {
            let mut bytes = seed.clone();
            for _ in 0..4 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let place = (random >> 33) as usize % bytes.len();
                bytes[place] = (random >> 24) as u8;
            }
            fuzz_decode(&bytes);
        }
    }
}

#[test]
fn rows_read_what_headers_hold() {
    use crate::field::{Fields, Readable, Value};
    let (headers, _) = all(1, &frame()).remove(0);
    let read = |name: &str| {
        let index = Headers::FIELDS.iter().position(|row| row.name == name).unwrap();
        let mut values = Vec::new();
        headers.read(index, &mut |value| {
            if let Value::Int(number) = value {
                values.push(number);
            }
        });
        values
    };
    assert_eq!(
        (read("ip.ttl"), read("tcp.window"), read("ip_proto")),
        (vec![64], vec![1000], vec![6])
    );
    assert_eq!((read("itype"), read("vlan.layers"), read("vlan.id")), (vec![], vec![0], vec![]));
}
