//! One small question to a name server, wrapped in every way a frame can be: what is seen must be
//! the question, each time.

use super::packets::ipv4;

const CLIENT: [u8; 4] = [10, 1, 0, 1];
const SERVER: [u8; 4] = [10, 2, 0, 53];
const OUTER: ([u8; 4], [u8; 4]) = ([172, 16, 0, 1], [172, 16, 0, 2]);
/// Flags of a fragment that is not the last (RFC 791).
const MORE: u16 = 0x2000;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Frames of Ethernet, each group with a name and a port of its own.
pub fn frames() -> Vec<Vec<u8>> {
    let plain = |port: u16, name: &str| ipv4(CLIENT, SERVER, 17, 0, 0, &question(port, name));
    let mut frames = vec![
        ethernet(&[], IPV4, &plain(1001, "plain")),
        ethernet(&[(0x8100, 7)], IPV4, &plain(1002, "vlan")),
        ethernet(&[(0x88a8, 7), (0x8100, 8)], IPV4, &plain(1003, "qinq")),
        ethernet(&[], IPV6, &ipv6(17, &question(1004, "ipv6"))),
        // A hop-by-hop header that holds nothing but padding comes first.
        ethernet(
            &[],
            IPV6,
            &ipv6(0, &[&[17, 0, 1, 4, 0, 0, 0, 0], &question(1005, "options")[..]].concat()),
        ),
    ];
    let whole = question(1006, "fragments");
    let fragment = |from: usize, to: usize, more: u16| {
        let field = more | (from / 8) as u16;
        ethernet(&[], IPV4, &ipv4(CLIENT, SERVER, 17, 99, field, &whole[from..to]))
    };
    // The last one first; the second again.
    frames.push(fragment(24, whole.len(), 0));
    frames.extend([fragment(0, 16, MORE), fragment(16, 24, MORE), fragment(16, 24, MORE)]);
    let tunnel = |protocol: u8, payload: &[u8]| {
        ethernet(&[], IPV4, &ipv4(OUTER.0, OUTER.1, protocol, 0, 0, payload))
    };
    frames.push(tunnel(4, &plain(1007, "ipip")));
    frames.push(tunnel(41, &ipv6(17, &question(1008, "6in4"))));
    frames.push(tunnel(47, &[&[0, 0, 0x08, 0x00], &plain(1009, "gre")[..]].concat()));
    let inner = ethernet(&[], IPV4, &plain(1010, "vxlan"));
    let vxlan = [&[0x08, 0, 0, 0, 0, 0, 42, 0], &inner[..]].concat();
    frames.push(tunnel(17, &udp(40_000, 4789, &vxlan)));
    let label = [0, 1, 0x01, 64];
    frames.push(ethernet(&[], 0x8847, &[&label[..], &plain(1011, "mpls")].concat()));
    let pppoe = plain(1012, "pppoe");
    let length = (pppoe.len() as u16 + 2).to_be_bytes();
    let session = [&[0x11, 0, 0, 1], &length[..], &[0x00, 0x21], &pppoe].concat();
    frames.push(ethernet(&[], 0x8864, &session));
    frames
}

/// A pcap file of them (microseconds, little endian), one a millisecond.
pub fn pcap() -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for (index, frame) in frames().iter().enumerate() {
        let length = frame.len() as u32;
        for word in [1_600_000_000, index as u32 * 1000, length, length] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(frame);
    }
    file
}

fn ethernet(tags: &[(u16, u16)], kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    for (kind, id) in tags {
        frame.extend_from_slice(&kind.to_be_bytes());
        frame.extend_from_slice(&id.to_be_bytes());
    }
    frame.extend_from_slice(&kind.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    packet.extend_from_slice(&[next, 64]);
    for last in [1, 53] {
        packet.extend_from_slice(&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    packet.extend_from_slice(payload);
    packet
}

/// Without a checksum, which over IPv4 means that there is none.
fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for word in [from, to, 8 + payload.len() as u16, 0] {
        datagram.extend_from_slice(&word.to_be_bytes());
    }
    datagram.extend_from_slice(payload);
    datagram
}

/// A datagram that asks for the address of `name`.
fn question(port: u16, name: &str) -> Vec<u8> {
    let mut message = Vec::new();
    for word in [port, 0x0100, 1, 0, 0, 0] {
        message.extend_from_slice(&word.to_be_bytes());
    }
    message.push(name.len() as u8);
    message.extend_from_slice(name.as_bytes());
    message.extend_from_slice(b"\x04test\x00\x00\x01\x00\x01");
    udp(port, 53, &message)
}
