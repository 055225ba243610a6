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
            let is = matches!(headers.transport, Transport::Icmp4(_));
            is.then(|| headers.transport_header(bytes))
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

/// The buffer of that name.
pub fn header_bytes(name: &str) -> Option<&'static HeaderBytes> {
    HEADER_BYTES.iter().find(|buffer| buffer.name == name)
}
