//! What neighbours and routers of IPv6 say of themselves (NDP, RFC 4861).

use std::net::{IpAddr, Ipv6Addr};

use super::claims::{Mac, Told};
use crate::anomaly::known::Vlan;
use crate::anomaly::stats::Recent;
use crate::record::{Context, IcmpMessage};
use crate::time::{Duration, Timestamp};

/// Types of messages.
const ADVERTISEMENT_OF_ROUTER: u8 = 134;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
pub(super) const REDIRECT: u8 = 137;
/// Types of options (4.6).
const SOURCE_ADDRESS: u8 = 1;
const TARGET_ADDRESS: u8 = 2;
const PREFIX: u8 = 3;

/// Segments remembered.
const SEGMENTS_MAX: usize = 64;
/// Routers remembered, of all segments.
const ROUTERS_MAX: usize = 256;
/// Networks remembered of each.
const NETWORKS_MAX: usize = 16;
/// Networks read of one message.
const ANNOUNCED_MAX: usize = 4;
/// The next finding of the same segment comes at so many times as many rivals.
const GROWTH: u64 = 10;

/// Whether a message comes from this link, and may be believed to be of NDP (7.1.1, 7.1.2, 6.1.2): who is
/// farther away cannot send it.
pub(super) fn is_local(context: &Context, message: &IcmpMessage) -> bool {
    const NEVER_FORWARDED: u8 = 255;
    let router = matches!(message.kind, ADVERTISEMENT_OF_ROUTER | REDIRECT);
    let link_local = || match context.source.map(|end| end.addr) {
        Some(IpAddr::V6(address)) => address.is_unicast_link_local(),
        _ => false,
    };
    message.hops == NEVER_FORWARDED && message.code == 0 && (!router || link_local())
}

/// The claim that a message makes.
pub(super) fn told(context: &Context, message: &IcmpMessage) -> Option<Told> {
    let (source, destination) = (context.source?.addr, context.destination?.addr);
    let target = || message.sample.first_chunk::<16>().map(|ip| IpAddr::from(*ip));
    // Without a hardware address a message claims nothing, but may still ask.
    let mac = |kind, from| options(message, from).find_map(|option| hardware(option, kind));
    Some(match message.kind {
        SOLICITATION => Told {
            operation: 1,
            mac: mac(SOURCE_ADDRESS, 16).unwrap_or_default(),
            address: source,
            target: target()?,
        },
        ADVERTISEMENT => Told {
            operation: 2,
            mac: mac(TARGET_ADDRESS, 16)?,
            address: target()?,
            // Told to all it is no answer to one: a machine that comes up, or takes over, says so.
            target: if destination.is_multicast() { target()? } else { destination },
        },
        // That it is there it may say unasked.
        ADVERTISEMENT_OF_ROUTER => Told {
            operation: 1,
            mac: mac(SOURCE_ADDRESS, 8)?,
            address: source,
            target: Ipv6Addr::UNSPECIFIED.into(),
        },
        _ => return None,
    })
}

/// Whether a router says that it is a way out: its lifetime is in the lower half; with none it is no way
/// out (4.2).
const fn is_router(message: &IcmpMessage) -> bool {
    message.kind == ADVERTISEMENT_OF_ROUTER && message.rest & 0xffff != 0
}

/// Whether a message says that who sends it is no way out any more.
pub(super) fn resigns(context: &Context, message: &IcmpMessage) -> bool {
    message.kind == ADVERTISEMENT_OF_ROUTER && !is_router(message) && is_local(context, message)
}

/// Whether it names a network as well: who does not is compared with nobody.
pub(super) fn has_network(message: &IcmpMessage) -> bool {
    is_router(message) && options(message, 8).any(|option| option.first() == Some(&PREFIX))
}

/// The networks of the Internet that a router announces to be here: the upper half of their addresses.
pub(super) fn announced(message: &IcmpMessage) -> Vec<u64> {
    if !is_router(message) {
        return Vec::new();
    }
    let prefixes = options(message, 8).filter_map(|option| match option {
        [PREFIX, ..] => option.get(16..32)?.first_chunk::<8>(),
        _ => None,
    });
    // 2000::/3 (RFC 4291): what is only used within the house leads nobody astray.
    let networks = prefixes.map(|network| u64::from_be_bytes(*network)).filter(|n| n >> 61 == 1);
    networks.take(ANNOUNCED_MAX).collect()
}

/// Options of a message, which begin so many bytes behind its header.
fn options(message: &IcmpMessage, from: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = message.sample.get(from..).unwrap_or_default();
    std::iter::from_fn(move || {
        let units = usize::from(*rest.get(1)?);
        let (option, after) = rest.split_at_checked(units * 8)?;
        rest = after;
        (!option.is_empty()).then_some(option)
    })
}

fn hardware(option: &[u8], kind: u8) -> Option<Mac> {
    match option {
        [first, 1, address @ ..] if *first == kind => address.first_chunk::<6>().copied(),
        _ => None,
    }
}

/// What is announced on a segment.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Segment {
    networks: Vec<Announced>,
    /// Networks that came as rivals, and how many of them there were at the last finding.
    rivals: u64,
    told: u64,
}

/// A network, who announced it first, and when anybody did last.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Announced {
    network: u64,
    router: IpAddr,
    last: Timestamp,
}

/// Until when a router is a way out, as it has said itself, and when it did last.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Way {
    pub(super) until: Timestamp,
    pub(super) at: Timestamp,
}

/// The routers of each segment.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Routers {
    segments: Recent<Vlan, Segment>,
    heard: Recent<(Vlan, IpAddr), Way>,
}

/// Two routers that contradict each other.
pub(super) struct Rivals {
    pub(super) known: IpAddr,
    /// What the known one and the new one announce.
    pub(super) networks: [u64; 2],
    /// Networks that came so, with this one.
    pub(super) many: u64,
}

impl Routers {
    pub(super) const fn new() -> Self {
        Self { segments: Recent::new(SEGMENTS_MAX), heard: Recent::new(ROUTERS_MAX) }
    }

    /// A router says that it is a way out, and for how long. Made-up ones must not push out what is known.
    pub(super) fn hear(
        &mut self,
        vlan: Vlan,
        router: IpAddr,
        message: &IcmpMessage,
        at: Timestamp,
    ) {
        let key = (vlan, router);
        if self.heard.peek(&key).is_some() || self.heard.len() < ROUTERS_MAX {
            let lifetime = Duration::from_secs(u64::from(message.rest & 0xffff));
            *self.heard.touch(&key) = Way { until: at.after(lifetime), at };
        }
    }

    /// What it has said last.
    pub(super) fn said(&self, vlan: Vlan, router: IpAddr) -> Option<Way> {
        self.heard.peek(&(vlan, router)).copied()
    }

    /// Whether it is one now.
    pub(super) fn is_known(&self, vlan: Vlan, router: IpAddr, at: Timestamp) -> bool {
        self.said(vlan, router).is_some_and(|said| at <= said.until)
    }

    /// Takes what a router announces on a segment: of a network that is new while another router's is
    /// known, that is to be told, once and again when many more came. Nothing counts that was not
    /// heard within `memory`.
    pub(super) fn add(
        &mut self,
        vlan: Vlan,
        router: IpAddr,
        networks: &[u64],
        at: Timestamp,
        memory: Duration,
    ) -> Option<Rivals> {
        if networks.is_empty() {
            return None;
        }
        let segment = self.segments.touch(&vlan);
        segment.networks.retain(|known| at.since(known.last) <= memory);
        let mut rival = None;
        for network in networks {
            let known = &mut segment.networks;
            if let Some(same) = known.iter_mut().find(|known| known.network == *network) {
                same.last = at;
                continue;
            }
            let other = known.iter().find(|known| known.router != router).copied();
            // Made-up ones must not push out what is known.
            if known.len() < NETWORKS_MAX {
                known.push(Announced { network: *network, router, last: at });
            }
            if let Some(other) = other {
                segment.rivals += 1;
                rival = Some((other, *network));
            }
        }
        let (other, network) = rival?;
        if segment.told > 0 && segment.rivals < segment.told.saturating_mul(GROWTH) {
            return None;
        }
        segment.told = segment.rivals;
        let networks = [other.network, network];
        Some(Rivals { known: other.router, networks, many: segment.rivals })
    }

    pub(super) fn memory(&self) -> usize {
        let lists = self.segments.iter().map(|(_, segment)| segment.networks.capacity());
        self.segments.memory() + self.heard.memory() + lists.sum::<usize>() * size_of::<Announced>()
    }
}
