//! UDP (RFC 768).

use etherparse::UdpHeaderSlice;

use super::events;
use super::headers::{Transport, Udp};
use super::packet::Packet;
use crate::net::ip_protocol;

impl Packet<'_, '_> {
    #[inline]
    pub(super) fn udp(&mut self, start: usize, end: usize) {
        let bytes = self.slice(start, end);
        let Ok(header) = UdpHeaderSlice::from_slice(bytes) else {
            return self.event(&events::UDP_HLEN_TOO_SMALL);
        };
        let udp = Udp {
            source: header.source_port(),
            destination: header.destination_port(),
            length: header.length(),
        };
        let length = usize::from(udp.length);
        if length.saturating_sub(bytes.len()) > self.headers.cut as usize {
            return self.event(&events::UDP_PKT_TOO_SMALL);
        }
        if length < 8 {
            return self.event(&events::UDP_LEN_INVALID);
        }
        self.headers.transport = Transport::Udp(udp);
        let end = start + length.min(bytes.len());
        self.payload(start + 8, end);
        // RFC 768: a checksum of zero says that there is none.
        if header.checksum() != 0 {
            self.check_pseudo(ip_protocol::UDP, start, end);
        }
        self.udp_tunnel(&udp, start + 8, end);
    }
}
