//! The Internet checksum (RFC 1071), only reckoned when asked for.

use std::net::IpAddr;

use super::headers::Ip;
use super::packet::Packet;

impl Packet<'_, '_> {
    /// Notes a wrong checksum of what `start..end` holds, without pseudo-header.
    pub(super) fn check_plain(&mut self, start: usize, end: usize) {
        if self.options.verify_checksums && fold(sum(0, self.slice(start, end))) != u16::MAX {
            self.headers.bad_checksum = true;
        }
    }

    /// Notes a wrong checksum of what `start..end` holds, with the pseudo-header of `protocol`.
    pub(super) fn check_pseudo(&mut self, protocol: u8, start: usize, end: usize) {
        let Some(ip) = self.headers.ip.filter(|_| self.options.verify_checksums) else { return };
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
