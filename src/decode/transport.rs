//! What follows an IP header: which layer it is, and the small ones (SCTP, IGMP, ESP, IP in IP).

use super::ethernet::ether_type;
use super::events;
use super::headers::Transport;
use super::packet::{Entry, Packet};
use crate::net::ip_protocol;

/// Ethernet over IP (RFC 8986, IANA "Ethernet").
const ETHERNET: u8 = 143;
/// The protocols of IPv6 that say what they are without an event though they are not decoded.
const NO_NEXT_HEADER: u8 = 59;

impl Packet<'_, '_> {
    #[inline]
    pub(super) fn transport(&mut self, protocol: u8, start: usize, end: usize) {
        match protocol {
            ip_protocol::TCP => self.tcp(start, end),
            ip_protocol::UDP => self.udp(start, end),
            _ => self.other(protocol, start, end),
        }
    }

    fn other(&mut self, protocol: u8, start: usize, end: usize) {
        let six = self.headers.ip.is_some_and(|ip| ip.version == 6);
        match protocol {
            ip_protocol::ICMP if six => self.event(&events::IPV6_ICMPV4),
            ip_protocol::ICMP => self.icmp4(start, end),
            ip_protocol::ICMPV6 if six => self.icmp6(start, end),
            ip_protocol::ICMPV6 => self.event(&events::IPV4_ICMPV6),
            ip_protocol::GRE => self.gre(start, end),
            ip_protocol::SCTP => self.sctp(start, end),
            ip_protocol::IGMP => {
                if let Some(kind) = self.slice(start, end).first() {
                    self.headers.transport = Transport::Igmp(*kind);
                }
            }
            ip_protocol::ESP => self.esp(six, start, end),
            ip_protocol::IPV4 => self.four_within(six, start, end),
            ip_protocol::IPV6 => self.six_within(six, start, end),
            ETHERNET => self.carry(Entry::Network(ether_type::BRIDGED), start, end),
            NO_NEXT_HEADER => {}
            _ if six => self.event(&events::IPV6_UNKNOWN_NEXT_HEADER),
            _ => {}
        }
    }

    /// Ports and verification tag (RFC 9260 section 3.1); the chunks are the payload.
    fn sctp(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some(source), Some(destination), Some(())) =
            (reader.u16(), reader.u16(), reader.skip(8))
        else {
            return;
        };
        self.headers.transport = Transport::Sctp(source, destination);
        self.payload(start + 12, end);
    }

    /// Security parameter index and sequence number (RFC 4303 section 2); the rest is encrypted.
    fn esp(&mut self, six: bool, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        match (reader.u32(), reader.u32()) {
            (Some(index), Some(_)) => {
                self.headers.transport = Transport::Esp(index);
                self.payload(start + 8, end);
            }
            _ if six => self.event(&events::IPV6_TRUNC_EXTHDR),
            _ => {}
        }
    }

    /// IPv4 within IP (RFC 2003, 2473).
    fn four_within(&mut self, six: bool, start: usize, end: usize) {
        let bytes = self.slice(start, end);
        if six && bytes.len() < 20 {
            return self.event(&events::IPV6_IPV4_IN_IPV6_TOO_SMALL);
        }
        if six && bytes.first().is_none_or(|byte| byte >> 4 != 4) {
            return self.event(&events::IPV6_IPV4_IN_IPV6_WRONG_VERSION);
        }
        self.carry(Entry::Network(ether_type::IPV4), start, end);
    }

    /// IPv6 within IP (RFC 4213, 2473).
    fn six_within(&mut self, six: bool, start: usize, end: usize) {
        let bytes = self.slice(start, end);
        if six && bytes.len() < 40 {
            return self.event(&events::IPV6_IPV6_IN_IPV6_TOO_SMALL);
        }
        if six && bytes.first().is_none_or(|byte| byte >> 4 != 6) {
            return self.event(&events::IPV6_IPV6_IN_IPV6_WRONG_VERSION);
        }
        self.carry(Entry::Network(ether_type::IPV6), start, end);
    }
}
