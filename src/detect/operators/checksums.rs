//! `ipv4-csum`, `tcpv4-csum` and the like: whether the checksum of a header is right.

use crate::decode::{Headers, Transport};
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::{PacketTest, PacketView};

/// Calculates one checksum of a packet: whether it is right; `None` when there is none.
type Verify = fn(&Headers, &[u8]) -> Option<bool>;

struct Checksum {
    verify: Verify,
    valid: bool,
}

impl PacketTest for Checksum {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        (self.verify)(packet.headers, packet.bytes) == Some(self.valid)
    }
}

fn compile(argument: Option<&str>, builder: &mut Builder, verify: Verify) -> Result<(), Problem> {
    let word = argument.unwrap_or_default().trim().trim_matches('"');
    let valid = match word.to_ascii_lowercase().as_str() {
        "valid" => true,
        "invalid" => false,
        _ => {
            return Err(Problem::whole("R226", format!("`{word}` is neither valid nor invalid"))
                .hint("for example `tcpv4-csum:invalid;`"));
        }
    };
    builder.rule.packets.push(Box::new(Checksum { verify, valid }));
    builder.rule.packet_only = true;
    Ok(())
}

fn transport(
    headers: &Headers,
    bytes: &[u8],
    version: u8,
    is: fn(&Transport) -> bool,
) -> Option<bool> {
    let of_version = headers.ip.is_some_and(|ip| ip.version == version);
    (of_version && is(&headers.transport)).then(|| headers.transport_checksum(bytes)).flatten()
}

macro_rules! checksum {
    ($name:ident, $keyword:literal, $of:literal, $verify:expr) => {
        /// See [`Operator`].
        pub static $name: Operator = Operator {
            name: $keyword,
            aliases: &[],
            help: concat!("Whether the ", $of, " checksum is right, calculated anew."),
            syntax: concat!($keyword, ":valid|invalid;"),
            examples: &[Example {
                rule: concat!(r#"content:"x"; "#, $keyword, ":valid;"),
                payload: b"x",
                alerts: false,
            }],
            compile: |argument, builder| compile(argument, builder, $verify),
        };
    };
}

checksum!(IPV4, "ipv4-csum", "IPv4 header's", Headers::ip_checksum);
checksum!(TCPV4, "tcpv4-csum", "TCP over IPv4", |headers, bytes| {
    transport(headers, bytes, 4, |over| matches!(over, Transport::Tcp(_)))
});
checksum!(TCPV6, "tcpv6-csum", "TCP over IPv6", |headers, bytes| {
    transport(headers, bytes, 6, |over| matches!(over, Transport::Tcp(_)))
});
checksum!(UDPV4, "udpv4-csum", "UDP over IPv4", |headers, bytes| {
    transport(headers, bytes, 4, |over| matches!(over, Transport::Udp(_)))
});
checksum!(UDPV6, "udpv6-csum", "UDP over IPv6", |headers, bytes| {
    transport(headers, bytes, 6, |over| matches!(over, Transport::Udp(_)))
});
checksum!(ICMPV4, "icmpv4-csum", "ICMP", |headers, bytes| {
    transport(headers, bytes, 4, |over| matches!(over, Transport::Icmp4(_)))
});
checksum!(ICMPV6, "icmpv6-csum", "ICMPv6", |headers, bytes| {
    transport(headers, bytes, 6, |over| matches!(over, Transport::Icmp6(_)))
});
