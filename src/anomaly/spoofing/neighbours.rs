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
/// Types of options (4.6).
const SOURCE_ADDRESS: u8 = 1;
const TARGET_ADDRESS: u8 = 2;
const PREFIX: u8 = 3;

/// Routers remembered.
const ROUTERS_MAX: usize = 64;
/// Networks kept of each.
const NETWORKS_MAX: usize = 4;

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
            target: destination,
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

/// The networks of the Internet that a router announces to be here: the upper half of their addresses.
pub(super) fn announced(message: &IcmpMessage) -> Vec<u64> {
    if message.kind != ADVERTISEMENT_OF_ROUTER {
        return Vec::new();
    }
    let prefixes = options(message, 8).filter_map(|option| match option {
        [PREFIX, ..] => option.get(16..32)?.first_chunk::<8>(),
        _ => None,
    });
    // 2000::/3 (RFC 4291): what is only used within the house leads nobody astray.
    let networks = prefixes.map(|network| u64::from_be_bytes(*network)).filter(|n| n >> 61 == 1);
    networks.take(NETWORKS_MAX).collect()
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

/// The routers of each segment.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Routers {
    seen: Recent<(Vlan, IpAddr), (Vec<u64>, Timestamp)>,
    told: Recent<(Vlan, IpAddr), ()>,
}

/// Two routers that contradict each other.
pub(super) struct Rivals {
    pub(super) known: IpAddr,
    /// What the known one and the new one announce.
    pub(super) networks: [u64; 2],
}

impl Routers {
    pub(super) const fn new() -> Self {
        Self { seen: Recent::new(ROUTERS_MAX), told: Recent::new(ROUTERS_MAX) }
    }

    /// Takes what a router announces on a segment; whether it contradicts one that was heard within
    /// `memory`. Told once.
    pub(super) fn add(
        &mut self,
        vlan: Vlan,
        router: IpAddr,
        networks: Vec<u64>,
        at: Timestamp,
        memory: Duration,
    ) -> Option<Rivals> {
        let here = *networks.first()?;
        let key = (vlan, router);
        let is_new = self.seen.peek(&key).is_none();
        let rival = self.seen.iter().find(|((segment, other), (theirs, last))| {
            *segment == vlan
                && *other != router
                && at.since(*last) <= memory
                && !theirs.iter().any(|network| networks.contains(network))
        });
        let rivals = rival.and_then(|((_, known), (theirs, _))| {
            Some(Rivals { known: *known, networks: [*theirs.first()?, here] })
        });
        *self.seen.touch(&key) = (networks, at);
        if !is_new || self.told.peek(&key).is_some() {
            return None;
        }
        let rivals = rivals?;
        self.told.touch(&key);
        Some(rivals)
    }

    pub(super) fn memory(&self) -> usize {
        self.seen.memory() + self.told.memory() + self.seen.len() * NETWORKS_MAX * 8
    }
}
