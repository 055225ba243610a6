//! IPv6 (RFC 8200).

use etherparse::Ipv6HeaderSlice;
use etherparse::err::ipv6::HeaderSliceError;

use super::events;
use super::headers::Ip;
use super::packet::Packet;

impl Packet<'_, '_> {
    pub(super) fn ipv6(&mut self, start: usize, end: usize) {
        if !self.layer() {
            return;
        }
        // etherparse for the forty fixed bytes; extension headers are ours, as each of their
        // oddities has an event of its own.
        let header = match Ipv6HeaderSlice::from_slice(self.slice(start, end)) {
            Ok(header) => header,
            Err(HeaderSliceError::Len(_)) => return self.event(&events::IPV6_PKT_TOO_SMALL),
            Err(_) => return self.event(&events::IPV6_WRONG_IP_VERSION),
        };
        let stop = start + 40 + usize::from(header.payload_length());
        if stop > end && !self.is_cut(stop - end, &events::IPV6_TRUNC_PKT) {
            return;
        }
        self.headers.ip_start = start as u32;
        self.headers.ip = Some(Ip {
            version: 6,
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            protocol: header.next_header().0,
            ttl: header.hop_limit(),
            tos: header.traffic_class(),
            id: 0,
            flags: 0,
            length: (stop - start) as u32,
            options: 0,
            fragment: None,
        });
        self.ipv6_payload(header.next_header().0, start + 40, stop.min(end));
    }

    /// Raw IP of either version, by the first half byte.
    pub(super) fn raw_ip(&mut self, start: usize, end: usize) {
        match self.slice(start, end).first().map_or(0, |byte| byte >> 4) {
            4 => self.ipv4(start, end),
            6 => self.ipv6(start, end),
            _ => self.event(&events::IPRAW_INVALID_IP_VERSION),
        }
    }
}
