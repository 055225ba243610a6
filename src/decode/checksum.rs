//! The Internet checksum (RFC 1071), only reckoned when asked for.

use std::net::IpAddr;

use super::headers::{Headers, Ip, Transport};
use super::packet::Packet;
use crate::net::ip_protocol;

impl Packet<'_, '_> {
    /// Notes a wrong checksum of what `start..end` holds, all of which is there, without pseudo-header.
    pub(super) fn check_plain(&mut self, start: usize, end: usize) {
        if self.options.verify_checksums && fold(sum(0, self.slice(start, end))) != u16::MAX {
            self.headers.bad_checksum = true;
        }
    }

    /// Notes a wrong checksum of what `start..end` holds, with the pseudo-header of `protocol`.
    pub(super) fn check_pseudo(&mut self, protocol: u8, start: usize, end: usize) {
        let verifies = self.options.verify_checksums && self.headers.cut == 0;
        let Some(ip) = self.headers.ip.filter(|_| verifies) else { return };
        let head = pseudo(&ip, protocol, end.saturating_sub(start));
        if fold(sum(head, self.slice(start, end))) != u16::MAX {
            self.headers.bad_checksum = true;
        }
    }
}

fn pseudo(ip: &Ip, protocol: u8, length: usize) -> u64 {
    let ends = match (ip.source, ip.destination) {
        (IpAddr::V4(a), IpAddr::V4(b)) => sum(sum(0, &a.octets()), &b.octets()),
        (IpAddr::V6(a), IpAddr::V6(b)) => sum(sum(0, &a.octets()), &b.octets()),
        _ => 0,
    };
    ends + u64::from(protocol) + length as u64
}

/// Adds `bytes` as 16-bit words, a last odd byte padded with zero.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let whole: u64 = pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair))).sum();
    let odd = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    start + whole + odd
}

/// The sum in one's complement; all ones when the checksum within is right.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The Internet checksum (RFC 1071) to write over `bytes`, whose own checksum field is zero.
pub fn checksum(bytes: &[u8]) -> u16 {
    !fold(sum(0, bytes))
}

impl Headers {
    /// Whether the checksum of the IPv4 header within `bytes` is right; `None` without one.
    pub fn ip_checksum(&self, bytes: &[u8]) -> Option<bool> {
        self.ip.filter(|ip| ip.version == 4)?;
        let header = self.ip_header(bytes);
        (!header.is_empty()).then(|| fold(sum(0, header)) == u16::MAX)
    }

    /// Whether the checksum of TCP, UDP or ICMP is right; `None` without one, when UDP was sent
    /// without, or when the capture cut the packet.
    pub fn transport_checksum(&self, bytes: &[u8]) -> Option<bool> {
        if self.cut > 0 || matches!(self.transport, Transport::Tcp(tcp) if tcp.options_cut) {
            return None;
        }
        let header = self.transport_header(bytes);
        let start = (self.payload_start as usize).checked_sub(header.len())?;
        let covered = bytes.get(start..self.payload_end as usize)?;
        let protocol = match self.transport {
            Transport::Tcp(_) => ip_protocol::TCP,
            // A sender that reckons none leaves it zero (RFC 768).
            Transport::Udp(_) if header.get(6..8) == Some(&[0, 0]) => return None,
            Transport::Udp(_) => ip_protocol::UDP,
            Transport::Icmp4(_) => return Some(fold(sum(0, covered)) == u16::MAX),
            Transport::Icmp6(_) => ip_protocol::ICMPV6,
            _ => return None,
        };
        let head = pseudo(&self.ip?, protocol, covered.len());
        Some(fold(sum(head, covered)) == u16::MAX)
    }
}
