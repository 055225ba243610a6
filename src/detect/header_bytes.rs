//! Buffers of packet headers: `tcp.hdr` and the like.

use crate::decode::{Headers, Transport};

/// A buffer that is read from the packet itself.
pub struct HeaderBytes {
    /// The rule keyword.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// The bytes; `None` when the packet has no such header.
    pub read: for<'a> fn(&Headers, &'a [u8]) -> Option<&'a [u8]>,
}

/// Every buffer of packet headers.
pub static HEADER_BYTES: &[HeaderBytes] = &[
    HeaderBytes {
        name: "ipv4.hdr",
        help: "IPv4 header with its options.",
        read: |headers, bytes| {
            headers.ip.filter(|ip| ip.version == 4).map(|_| headers.ip_header(bytes))
        },
    },
    HeaderBytes {
        name: "ipv6.hdr",
        help: "IPv6 header with its extension headers.",
        read: |headers, bytes| {
            headers.ip.filter(|ip| ip.version == 6).map(|_| headers.ip_header(bytes))
        },
    },
    HeaderBytes {
        name: "ip.src",
        help: "Source address, 4 or 16 bytes.",
        read: |headers, bytes| address(headers, bytes, 12, 8),
    },
    HeaderBytes {
        name: "ip.dst",
        help: "Destination address, 4 or 16 bytes.",
        read: |headers, bytes| address(headers, bytes, 16, 24),
    },
    HeaderBytes {
        name: "tcp.hdr",
        help: "TCP header with its options.",
        read: |headers, bytes| {
            matches!(headers.transport, Transport::Tcp(_)).then(|| headers.transport_header(bytes))
        },
    },
    HeaderBytes {
        name: "udp.hdr",
        help: "UDP header.",
        read: |headers, bytes| {
            matches!(headers.transport, Transport::Udp(_)).then(|| headers.transport_header(bytes))
        },
    },
    HeaderBytes {
        name: "icmpv4.hdr",
        help: "ICMPv4 header.",
        read: |headers, bytes| {
            let Transport::Icmp4(icmp) = headers.transport else { return None };
            let header = headers.transport_header(bytes);
            let start = (headers.payload_start as usize).checked_sub(header.len())?;
            let listed = match header.get(4..6) {
                Some([count, words]) => usize::from(*count) * usize::from(*words) * 4,
                _ => 0,
            };
            // Times, masks and lists of routers belong to the header (RFC 792, 950, 1256).
            let length = match icmp.kind {
                9 => header.len() + listed,
                13 | 14 => header.len() + 12,
                17 | 18 => header.len() + 4,
                _ => header.len(),
            };
            bytes.get(start..start + length).or(Some(header))
        },
    },
    HeaderBytes {
        name: "icmpv6.hdr",
        help: "ICMPv6 header.",
        read: |headers, bytes| {
            let is = matches!(headers.transport, Transport::Icmp6(_));
            is.then(|| headers.transport_header(bytes))
        },
    },
];

/// An address within the IP header: where it begins in version 4, and in version 6.
fn address<'a>(headers: &Headers, bytes: &'a [u8], of_4: usize, of_6: usize) -> Option<&'a [u8]> {
    let header = headers.ip_header(bytes);
    match headers.ip?.version {
        4 => header.get(of_4..of_4 + 4),
        _ => header.get(of_6..of_6 + 16),
    }
}

/// The buffer of that name.
pub fn header_bytes(name: &str) -> Option<&'static HeaderBytes> {
    HEADER_BYTES.iter().find(|buffer| buffer.name == name)
}
