//! What of a record speaks for a flood, and how loudly.

use std::net::IpAddr;

use super::Way;
use crate::anomaly::reflectors::is_reflected;
use crate::net::ip_protocol;
use crate::net::tcp_flags::{ACK, FIN, PSH, RST, SYN, URG};
use crate::record::{Burst, Context};
use crate::time::Duration;

/// The flags that RFC 9293 knew from the beginning: ECN may be set or not.
const FLAGS: u8 = FIN | SYN | RST | PSH | ACK | URG;

/// Packets after the first of a flow that stays without answer: a camera or a telephone sends
/// thousands to one place, a flood seldom keeps its ports.
const OLD_FLOW: f64 = 0.05;
/// The same where VPNs and QUIC send all day, of which a mirror port may show one way.
const TUNNEL: f64 = 0.005;
/// A conversation of datagrams that is answered.
const ANSWERED: f64 = 0.05;
/// An attempt to connect that the host refuses.
const REFUSED: f64 = 0.5;
/// Datagrams to the services that are told things and say nothing: syslog, SNMP traps, NetFlow,
/// IPFIX, sFlow; and questions to name servers of which a mirror port may show one way.
const TOLD: f64 = 0.2;
/// A message of ICMP about an error: who scans, or traces routes, gets many.
const ERROR: f64 = 0.1;
/// SYN packets of one flow in one burst that are more than a patient client repeats.
const REPEATED_MAX: u32 = 4;
/// Packets of a flow of TCP in mid-stream that are too many to be made up one by one.
const STRAY_MAX: u32 = 3;

/// Payload of a piece of a request that is held open, at most, bytes: tools send a header or less.
const PIECE_MAX: u32 = 256;
/// A request that a person or a program sends is whole sooner than that.
const WHOLE: Duration = Duration::from_secs(3);

/// What a burst says: the way of flooding, and how many packets it counts for; less than nothing
/// when it shows that an earlier one was harmless.
pub(super) fn of_burst(context: &Context, burst: &Burst) -> Option<(Way, f64)> {
    match context.protocol {
        ip_protocol::TCP => of_tcp(burst),
        ip_protocol::UDP => of_udp(context, burst),
        ip_protocol::ICMP | ip_protocol::ICMPV6 => of_icmp(context, burst),
        _ => of_other(context, burst),
    }
}

/// Whether [`of_burst`] may say anything.
#[inline]
pub(super) fn may_count(protocol: u8, burst: &Burst) -> bool {
    let ([there, _], [sent, heard]) = (burst.flags, burst.before);
    match protocol {
        ip_protocol::TCP => {
            let settled = sent.saturating_add(heard) > 2 && burst.opening == 0;
            burst.is_first
                || !settled
                || burst.packets[0] > 0 && is_odd(there)
                || is_refused(burst)
                || is_piece(burst)
                || is_shut(burst)
        }
        ip_protocol::UDP => burst.is_first || heard == 0,
        _ => true,
    }
}

fn of_tcp(burst: &Burst) -> Option<(Way, f64)> {
    let [there, back] = burst.flags;
    let [sent, _] = burst.packets;
    if burst.opening > 0 {
        if !burst.is_first {
            let many = burst.opening > REPEATED_MAX;
            return many.then_some((Way::Syn, f64::from(burst.opening)));
        }
        if there & ACK != 0 {
            return Some((Way::Connections, 1.0));
        }
        if back & RST != 0 && back & SYN == 0 {
            return Some((Way::Syn, f64::from(burst.opening) * REFUSED));
        }
        let opening = if burst.opening > REPEATED_MAX { burst.opening } else { 1 };
        return Some((Way::Syn, f64::from(opening)));
    }
    let odd = is_odd(there);
    if burst.is_first && (there | back) & SYN == 0 {
        return of_middle(burst, odd);
    }
    if odd && sent > 0 && burst.packets[1] == 0 {
        return Some((Way::Stray, f64::from(sent)));
    }
    if is_refused(burst) {
        return Some((Way::Stray, f64::from(sent)));
    }
    if is_piece(burst) || is_shut(burst) {
        return Some((Way::Slow, 1.0));
    }
    // A burst ended within the handshake, or after the first packet seen: it counted as bad.
    match burst.before {
        [1, 1] if there & ACK != 0 => Some((Way::Syn, -1.0)),
        [1, 0] if back & SYN != 0 && there & ACK != 0 => Some((Way::Syn, -1.0)),
        [1, 0] if back & RST == 0 => Some((Way::Stray, -1.0)),
        _ => None,
    }
}

/// A first burst that opens nothing.
fn of_middle(burst: &Burst, odd: bool) -> Option<(Way, f64)> {
    let ([sent, heard], back) = (burst.packets, burst.flags[1]);
    if burst.app_protocol.is_some_and(|name| name != "failed") {
        // It says something: of a connection that was opened before, or is not seen whole.
        return Some((Way::Connections, 1.0));
    }
    // An answer that only refuses is none.
    let unheard = heard == 0 || back & RST != 0 && back & !(RST | ACK) == 0;
    let few = odd || sent <= STRAY_MAX;
    let weight = if odd { f64::from(sent) } else { 1.0 };
    (unheard && few && sent > 0).then_some((Way::Stray, weight))
}

/// Flags that no TCP stack sends: none at all, or opening and ending at once, or an end without
/// acknowledging anything.
const fn is_odd(flags: u8) -> bool {
    let flags = flags & FLAGS;
    flags & (SYN | ACK | RST) == 0
        || flags & (SYN | FIN) == SYN | FIN
        || flags & (SYN | RST) == SYN | RST
}

/// Whether segments of a connection are refused, one after the other, and it goes on all the same. What
/// refuses a segment with ACK has none itself (RFC 9293, 3.5.2), so nothing else came back.
const fn is_refused(burst: &Burst) -> bool {
    let ([sent, heard], [_, back]) = (burst.packets, burst.flags);
    back == RST && heard > STRAY_MAX && sent > STRAY_MAX
}

/// Whether it is a piece of a request of HTTP to which, seconds after the connection was opened, the
/// server has not yet said anything.
fn is_piece(burst: &Burst) -> bool {
    /// Bytes of a packet that only acknowledges, at most: that of IPv6 with time stamps.
    const BARE: u64 = 94;
    let small = burst.payload[0] > 0 && burst.payload[0] <= PIECE_MAX && burst.payload[1] == 0;
    let packets = burst.before[1] as u64 + burst.packets[1] as u64;
    let silent = burst.total[1] <= packets * BARE;
    let ends = (burst.flags[0] | burst.flags[1]) & (FIN | RST) != 0;
    let late = burst.start.since(burst.began).nanos() >= WHOLE.nanos();
    small && late && silent && !ends && matches!(burst.app_protocol, Some("http"))
}

/// Whether a client of HTTP, seconds after the connection was opened, has asked and says that it has no
/// room for the answer ("slow read"). Who watches a film and pauses has got much of it before.
fn is_shut(burst: &Burst) -> bool {
    const ANSWER_MAX: u64 = 65_536;
    let ends = (burst.flags[0] | burst.flags[1]) & (FIN | RST) != 0;
    let late = burst.start.since(burst.began).nanos() >= WHOLE.nanos();
    burst.shut
        && burst.total[1] <= ANSWER_MAX
        && late
        && !ends
        && matches!(burst.app_protocol, Some("http"))
}

fn of_udp(context: &Context, burst: &Burst) -> Option<(Way, f64)> {
    let (source, target) = (context.source?.port, context.destination?.port);
    let [sent, back] = burst.packets;
    let unheard = back == 0 && burst.before[1] == 0;
    if unheard {
        if is_reflected(source, target, burst.length()) {
            return None;
        }
        let new = u32::from(burst.is_first);
        let more = if is_tunnel(source) || is_tunnel(target) { TUNNEL } else { OLD_FLOW };
        let weight = f64::from(sent.saturating_sub(new)).mul_add(more, f64::from(new));
        return Some((Way::Udp, if is_told(target) { weight * TOLD } else { weight }));
    }
    if burst.is_first {
        return Some((Way::Udp, ANSWERED));
    }
    // The answer came in a burst of its own: what came before it was no flood.
    let late = burst.before[1] == 0 && back > 0 && !is_reflected(source, target, burst.length());
    let earlier = (f64::from(burst.before[0]) - 1.0).max(0.0).mul_add(OLD_FLOW, 1.0);
    late.then_some((Way::Udp, if is_told(target) { -earlier * TOLD } else { -earlier }))
}

/// What a packet says that belongs to no flow. One of TCP or UDP is malformed: where captures cut their
/// frames, all are.
pub(super) const fn of_homeless(context: &Context) -> Option<(Way, f64)> {
    match context.protocol {
        ip_protocol::TCP | ip_protocol::UDP | ip_protocol::SCTP => None,
        ip_protocol::ICMP | ip_protocol::ICMPV6 => Some((Way::Icmp, ERROR)),
        _ => Some((Way::Other, 1.0)),
    }
}

/// Of ESP each way is a flow of its own, so that nothing tells whether it is answered: many peers of a
/// concentrator may come back at once.
fn of_other(context: &Context, burst: &Burst) -> Option<(Way, f64)> {
    let unheard = burst.packets[1] == 0 && burst.before[1] == 0;
    let counts = unheard && context.protocol != ip_protocol::ESP;
    counts.then_some((Way::Other, 1.0))
}

/// `HTTPS` over QUIC, IPsec, OpenVPN, L2TP, WireGuard, relays of calls.
const fn is_tunnel(port: u16) -> bool {
    matches!(port, 443 | 500 | 1194 | 1701 | 3478 | 4500 | 51_820)
}

const fn is_told(port: u16) -> bool {
    matches!(port, 53 | 162 | 514 | 2055 | 4739 | 6343 | 9995 | 9996)
}

/// Whether it goes to a whole network: to a group, but not that in which the machine is that is asked for
/// (RFC 4291, 2.7.1): a router that many addresses are tried behind asks for each.
fn is_to_all(context: &Context) -> bool {
    const ASKED_FOR: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    context.destination.is_some_and(|end| match end.addr {
        IpAddr::V6(address) => address.is_multicast() && address.to_bits() >> 24 != ASKED_FOR >> 24,
        IpAddr::V4(_) => false,
    })
}

fn of_icmp(context: &Context, burst: &Burst) -> Option<(Way, f64)> {
    let (kind, _) = context.icmp?;
    let sent = f64::from(burst.packets[0]);
    let version4 = context.protocol == ip_protocol::ICMP;
    match (version4, kind) {
        // Unreachable, quench, redirect, time exceeded, parameter problem.
        (true, 3..=5 | 11 | 12) | (false, 1..=4) => Some((Way::Icmp, sent * ERROR)),
        // Neighbours and routers: told to all machines they are few. Members of groups all answer when a
        // router asks.
        (false, 133..=137) => is_to_all(context).then_some((Way::Icmp, sent)),
        (false, 130..=132 | 143) => None,
        _ => Some((Way::Icmp, sent)),
    }
}
