//! Network service headers (RFC 8300): a path through service functions, before what is carried.

use super::ethernet::ether_type;
use super::packet::{Entry, Packet};

/// Length of the base header and the service path header, bytes.
const HEADER: usize = 8;

impl Packet<'_, '_> {
    /// Base header (version, flags, time to live, length in words of four bytes, kind of context,
    /// next protocol), path, context; a header that does not hold true is not entered.
    pub(super) fn nsh(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some(first), Some(_context), Some(next)) = (reader.u16(), reader.u8(), reader.u8())
        else {
            return;
        };
        let (version, length) = (first >> 14, usize::from(first & 0x3f) * 4);
        if version != 0 || length < HEADER || end.saturating_sub(start) < length {
            return;
        }
        let kind = match next {
            1 => ether_type::IPV4,
            2 => ether_type::IPV6,
            3 => ether_type::BRIDGED,
            4 => ether_type::NSH,
            5 => ether_type::MPLS,
            _ => return,
        };
        if self.layer() {
            self.carry(Entry::Network(kind), start + length, end);
        }
    }
}
