//! The wire that the sensor hears: frames with right checksums, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub type Nanos = u64;
pub const MILLI: Nanos = 1_000_000;
pub const SECOND: Nanos = 1_000 * MILLI;
pub const MINUTE: Nanos = 60 * SECOND;
pub const HOUR: Nanos = 60 * MINUTE;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PUSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const BROADCAST: [u8; 6] = [0xff; 6];

/// Who is at an end: hosts beyond the gateway have its hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    pub mac: [u8; 6],
    pub ip: [u8; 4],
}

impl Host {
    /// A machine of the house, whose hardware address follows from its own.
    pub const fn here(ip: [u8; 4]) -> Self {
        Self { mac: [2, 0x1c, ip[0], ip[1], ip[2], ip[3]], ip }
    }

    /// This address, reached by way of `gateway`.
    pub const fn beyond(gateway: Self, ip: [u8; 4]) -> Self {
        Self { mac: gateway.mac, ip }
    }
}

/// One end of a conversation.
pub type End = (Host, u16);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Nanos,
    number: u64,
    frame: Vec<u8>,
}

/// Frames that wait for their time.
#[derive(Default)]
pub struct Wire {
    due: BinaryHeap<Reverse<Due>>,
    number: u64,
}

impl Wire {
    /// When the next frame is due.
    pub fn next(&self) -> Option<Nanos> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    /// Takes it.
    pub fn take(&mut self) -> Option<(Nanos, Vec<u8>)> {
        self.due.pop().map(|Reverse(due)| (due.at, due.frame))
    }

    fn put(&mut self, at: Nanos, frame: Vec<u8>) {
        self.number += 1;
        self.due.push(Reverse(Due { at, number: self.number, frame }));
    }

    pub fn udp(&mut self, at: Nanos, from: End, to: End, payload: &[u8]) {
        let mut frame = self.ipv4(from.0, to.0, UDP, 8 + payload.len());
        for word in [from.1, to.1, 8 + payload.len() as u16, 0] {
            frame.extend_from_slice(&word.to_be_bytes());
        }
        frame.extend_from_slice(payload);
        finish(&mut frame, UDP, 6);
        self.put(at, frame);
    }

    /// A lone TCP segment.
    pub fn tcp(
        &mut self,
        at: Nanos,
        ends: (End, End),
        numbers: (u32, u32),
        flags: u8,
        data: &[u8],
    ) {
        let (from, to) = ends;
        let options: &[u8] = if flags & SYN == 0 { &[] } else { &[2, 4, 5, 0xb4, 1, 3, 3, 8] };
        let mut frame = self.ipv4(from.0, to.0, TCP, 20 + options.len() + data.len());
        frame.extend_from_slice(&from.1.to_be_bytes());
        frame.extend_from_slice(&to.1.to_be_bytes());
        frame.extend_from_slice(&numbers.0.to_be_bytes());
        frame.extend_from_slice(&numbers.1.to_be_bytes());
        let words = 5 + options.len() as u8 / 4;
        frame.extend_from_slice(&[words << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        frame.extend_from_slice(options);
        frame.extend_from_slice(data);
        finish(&mut frame, TCP, 16);
        self.put(at, frame);
    }

    /// An ICMP message: type, code, identifier and sequence number (or what stands there).
    pub fn icmp(&mut self, at: Nanos, from: Host, to: Host, head: (u8, u8, u16, u16), data: &[u8]) {
        let mut frame = self.ipv4(from, to, ICMP, 8 + data.len());
        let (kind, code, id, sequence) = head;
        frame.extend_from_slice(&[kind, code, 0, 0]);
        frame.extend_from_slice(&id.to_be_bytes());
        frame.extend_from_slice(&sequence.to_be_bytes());
        frame.extend_from_slice(data);
        let sum = checksum(0, &frame[34..]);
        frame[36..38].copy_from_slice(&sum.to_be_bytes());
        self.put(at, frame);
    }

    /// An ARP message for IPv4: `from` says that it has `claimed`, and asks or tells `to`.
    pub fn arp(&mut self, at: Nanos, reply: bool, from: [u8; 6], claimed: [u8; 4], to: Host) {
        let mut frame = Vec::with_capacity(60);
        frame.extend_from_slice(if reply { &to.mac } else { &BROADCAST });
        frame.extend_from_slice(&from);
        frame.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1 + u8::from(reply)]);
        frame.extend_from_slice(&from);
        frame.extend_from_slice(&claimed);
        frame.extend_from_slice(if reply { &to.mac } else { &[0; 6] });
        frame.extend_from_slice(&to.ip);
        frame.resize(60, 0);
        self.put(at, frame);
    }

    fn ipv4(&mut self, from: Host, to: Host, protocol: u8, length: usize) -> Vec<u8> {
        let mut frame = Vec::with_capacity(34 + length);
        frame.extend_from_slice(if to.ip[0] >= 224 || to.ip[3] == 255 {
            &BROADCAST
        } else {
            &to.mac
        });
        frame.extend_from_slice(&from.mac);
        frame.extend_from_slice(&[8, 0, 0x45, 0]);
        frame.extend_from_slice(&(20 + length as u16).to_be_bytes());
        frame.extend_from_slice(&(self.number as u16).to_be_bytes());
        let is_near = from.ip[0] == 192;
        frame.extend_from_slice(&[0x40, 0, if is_near { 64 } else { 54 }, protocol, 0, 0]);
        frame.extend_from_slice(&from.ip);
        frame.extend_from_slice(&to.ip);
        let sum = checksum(0, &frame[14..34]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame
    }
}

/// Fills in the checksum of the transport, which begins at byte 34.
fn finish(frame: &mut [u8], protocol: u8, at: usize) {
    let length = (frame.len() - 34) as u64;
    let start = u64::from(protocol) + length + sum(&frame[26..34]);
    let sum = checksum(start, &frame[34..]);
    // Of a datagram zero would mean that there is none (RFC 768).
    let sum = if sum == 0 && protocol == UDP { 0xffff } else { sum };
    frame[34 + at..36 + at].copy_from_slice(&sum.to_be_bytes());
}

fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let sum: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let last = rest.iter().zip([24, 16, 8]).map(|(byte, shift)| u64::from(*byte) << shift);
    sum + last.sum::<u64>()
}

/// The internet checksum (RFC 1071).
fn checksum(start: u64, bytes: &[u8]) -> u16 {
    let mut sum = start + sum(bytes);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
