//! IPv4 (RFC 791).

use etherparse::Ipv4HeaderSlice;
use etherparse::err::ipv4::{HeaderError, HeaderSliceError};

use super::events;
use super::headers::{Fragment, Ip};
use super::packet::Packet;

impl Packet<'_, '_> {
    pub(super) fn ipv4(&mut self, start: usize, end: usize) {
        if !self.layer() {
            return;
        }
        let bytes = self.slice(start, end);
        // etherparse for the fields, never for the payload: its strict slices refuse a total
        // length of 0, which offloading network cards leave in captures.
        let header = match Ipv4HeaderSlice::from_slice(bytes) {
            Ok(header) => header,
            Err(error) => return self.bad_ipv4(bytes, &error),
        };
        let header_length = header.slice().len();
        let mut length = usize::from(header.total_len());
        if length < header_length {
            self.event(&events::IPV4_IPLEN_SMALLER_THAN_HLEN);
            if length != 0 {
                return;
            }
            length = bytes.len().saturating_add(self.missing).min(usize::from(u16::MAX));
        }
        let missing = length.saturating_sub(bytes.len());
        if missing > 0 && !self.is_cut(missing, &events::IPV4_TRUNC_PKT) {
            return;
        }
        let flags = bytes.get(6).map_or(0, |byte| byte >> 5);
        let offset = header.fragments_offset().byte_offset();
        let more = header.more_fragments();
        let fragment =
            (more || offset != 0).then_some(Fragment { offset: u32::from(offset), more });
        self.headers.ip_start = start as u32;
        self.headers.ip = Some(Ip {
            version: 4,
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            protocol: header.protocol().0,
            ttl: header.ttl(),
            tos: bytes.get(1).copied().unwrap_or(0),
            id: u32::from(header.identification()),
            flags,
            length: length as u32,
            options: 0,
            fragment,
        });
        self.check_plain(start, start + header_length);
        if header_length > 20 {
            self.ipv4_options(start + 20, start + header_length);
        }
        // Frames are padded to 60 bytes: the IP length says where the packet ends.
        let (start, end) = (start + header_length, start + length - missing);
        self.payload(start, end);
        if fragment.is_none() {
            self.transport(header.protocol().0, start, end);
        }
    }

    #[cold]
    fn bad_ipv4(&mut self, bytes: &[u8], error: &HeaderSliceError) {
        self.event(match error {
            HeaderSliceError::Len(_) if bytes.len() < 20 => &events::IPV4_PKT_TOO_SMALL,
            HeaderSliceError::Len(_) => &events::IPV4_TRUNC_PKT,
            HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. }) => {
                &events::IPV4_WRONG_IP_VERSION
            }
            HeaderSliceError::Content(HeaderError::HeaderLengthSmallerThanHeader { .. }) => {
                &events::IPV4_HLEN_TOO_SMALL
            }
        });
    }
}
