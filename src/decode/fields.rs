//! What rules can ask of packet headers.

use super::headers::{Headers, Icmp, Ip, Tcp, Transport};
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

type Sink<'a> = &'a mut dyn FnMut(Value<'_>);
type Read = fn(&Headers, &mut dyn FnMut(Value<'_>));

const PROTOCOLS: &[(&str, u64)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("sctp", 132),
];

fn ip(headers: &Headers, sink: Sink<'_>, of: fn(&Ip) -> u64) {
    headers.ip.as_ref().map(of).into_iter().for_each(|number| sink(Value::Int(number)));
}

fn tcp(headers: &Headers, sink: Sink<'_>, of: fn(&Tcp) -> Option<u64>) {
    if let Transport::Tcp(tcp) = &headers.transport {
        of(tcp).into_iter().for_each(|number| sink(Value::Int(number)));
    }
}

fn icmp(headers: &Headers, sink: Sink<'_>, of: fn(&Icmp) -> Option<u64>) {
    if let Transport::Icmp4(icmp) | Transport::Icmp6(icmp) = &headers.transport {
        of(icmp).into_iter().for_each(|number| sink(Value::Int(number)));
    }
}

/// A numeric row that is read from packets alone and that no protocol's EVE object shows.
const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    bits: u8,
    help: &'static str,
    example: &'static str,
    read: Read,
) -> Field<Headers> {
    let kind = Kind::Int { bits, names: &[] };
    let (eve, side, stage) = ("", Side::Either, Stage::Head);
    Field { name, aliases, kind, eve, side, stage, help, example, read }
}

impl Fields for Headers {
    const FIELDS: &'static [Field<Self>] = &[
        row("ip.ttl", &["ttl"], 8, "Time to live or hop limit.", "ip.ttl:<5;", |headers, sink| {
            ip(headers, sink, |ip| ip.ttl.into());
        }),
        row("tos", &[], 8, "Type of service or traffic class.", "tos:8;", |headers, sink| {
            ip(headers, sink, |ip| ip.tos.into());
        }),
        row("id", &[], 32, "IP identification.", "id:31337;", |headers, sink| {
            ip(headers, sink, |ip| ip.id.into());
        }),
        Field {
            kind: Kind::Int { bits: 8, names: PROTOCOLS },
            ..row(
                "ip_proto",
                &["ip.proto"],
                8,
                "Protocol number above IP, after IPv6 extension headers.",
                "ip_proto:47;",
                |headers, sink| ip(headers, sink, |ip| ip.protocol.into()),
            )
        },
        Field {
            kind: Kind::Int {
                bits: 8,
                names: &[("ip", 4), ("ip4", 4), ("ipv4", 4), ("ip6", 6), ("ipv6", 6)],
            },
            ..row("l3_proto", &[], 8, "Version of IP.", "l3_proto:ipv6;", |headers, sink| {
                ip(headers, sink, |ip| ip.version.into())
            })
        },
        row(
            "fragoffset",
            &[],
            16,
            "Fragment offset, in units of eight bytes.",
            "fragoffset:>0;",
            |headers, sink| {
                ip(headers, sink, |ip| ip.fragment.map_or(0, |part| u64::from(part.offset) / 8));
            },
        ),
        row("itype", &[], 8, "ICMP type.", "itype:8;", |headers, sink| {
            icmp(headers, sink, |icmp| Some(icmp.kind.into()));
        }),
        row("icode", &[], 8, "ICMP code.", "icode:0;", |headers, sink| {
            icmp(headers, sink, |icmp| Some(icmp.code.into()));
        }),
        row("icmp_id", &[], 16, "Identifier of an ICMP echo.", "icmp_id:300;", |headers, sink| {
            icmp(headers, sink, |icmp| icmp.id.map(u64::from));
        }),
        row(
            "icmp_seq",
            &[],
            16,
            "Sequence number of an ICMP echo.",
            "icmp_seq:0;",
            |headers, sink| icmp(headers, sink, |icmp| icmp.sequence.map(u64::from)),
        ),
        row(
            "icmpv6.mtu",
            &[],
            32,
            "Largest packet that an ICMPv6 \"too big\" message allows, bytes.",
            "icmpv6.mtu:<1280;",
            |headers, sink| {
                if let Transport::Icmp6(icmp) = &headers.transport {
                    icmp.mtu.into_iter().for_each(|mtu| sink(Value::Int(mtu.into())));
                }
            },
        ),
        row("tcp.seq", &["seq"], 32, "TCP sequence number.", "tcp.seq:0;", |headers, sink| {
            tcp(headers, sink, |tcp| Some(tcp.sequence.into()));
        }),
        row("tcp.ack", &["ack"], 32, "TCP acknowledgement.", "tcp.ack:0;", |headers, sink| {
            tcp(headers, sink, |tcp| Some(tcp.acknowledgement.into()));
        }),
        row(
            "tcp.window",
            &["window"],
            16,
            "TCP window as sent, not scaled.",
            "tcp.window:55808;",
            |headers, sink| tcp(headers, sink, |tcp| Some(tcp.window.into())),
        ),
        row(
            "tcp.mss",
            &[],
            16,
            "Maximum segment size option, bytes.",
            "tcp.mss:<536;",
            |headers, sink| tcp(headers, sink, |tcp| tcp.mss.map(u64::from)),
        ),
        row("tcp.wscale", &[], 8, "Window scale option.", "tcp.wscale:>10;", |headers, sink| {
            tcp(headers, sink, |tcp| tcp.window_scale.map(u64::from));
        }),
        row("vlan.id", &[], 16, "VLAN identifiers.", "vlan.id:300;", |headers, sink| {
            let tags = headers.vlan.iter().take(headers.vlan_layers.into());
            tags.for_each(|id| sink(Value::Int(u64::from(*id))));
        }),
        row("vlan.layers", &[], 8, "How many VLAN tags.", "vlan.layers:2;", |headers, sink| {
            sink(Value::Int(headers.vlan_layers.into()));
        }),
        row("igmp.type", &[], 8, "IGMP type.", "igmp.type:0x11;", |headers, sink| {
            if let Transport::Igmp(kind) = headers.transport {
                sink(Value::Int(kind.into()));
            }
        }),
    ];
}
