//! The gate of safety: what is never told to sensors as an attacker's, however many say so.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{PoisonError, RwLock};

use super::config::network;
use crate::net::AddressSet;
use crate::outputs::hub::privacy::names::{is_essential, is_of_a_site, is_within, registered};
use crate::outputs::hub::privacy::site::RESOLVERS;

/// Bytes of a pattern at most.
pub(super) const PATTERN_BYTES_MAX: usize = 4096;
/// Bits of a network of IPv4 at least.
const PREFIX_V4_MIN: u8 = 16;
/// Bits of a network of IPv6 at least.
const PREFIX_V6_MIN: u8 = 32;
/// Addresses of towns that are remembered; then the one not seen for longest goes.
const TOWNS_MAX: usize = 50_000;
/// Microseconds for which an address from which a sensor spoke counts as its town's.
const TOWN_MICROS: u64 = 30 * 86_400 * 1_000_000;

/// Networks that are no host's on the internet (IANA's registries of special addresses).
const NOT_OF_THE_WORLD: &[(IpAddr, u8)] = &[
    (IpAddr::V4(Ipv4Addr::new(0, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 0, 0, 0)), 24),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 3),
    // Addresses that carry one of IPv4: it has to be said as such.
    (IpAddr::V6(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0)), 32),
    (IpAddr::V6(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0)), 16),
];
/// What the world is of IPv6.
const WORLD_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// The same resolvers as [`RESOLVERS`], in IPv6.
const RESOLVERS_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888),
    Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8844),
    Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111),
    Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1001),
    Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe),
    Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 9),
    Ipv6Addr::new(0x2620, 0x119, 0x35, 0, 0, 0, 0, 0x35),
    Ipv6Addr::new(0x2620, 0x119, 0x53, 0, 0, 0, 0, 0x53),
];

/// Why something is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Not a pattern of one value that the gate understands.
    Pattern,
    /// Of a network that is no part of the internet.
    Private,
    /// A resolver that everybody uses.
    Resolver,
    /// A service that the public depends on.
    Essential,
    /// A network that is too wide.
    Wide,
    /// An address or a network of a town.
    Town,
}

impl Held {
    pub(super) const ALL: [Self; 6] =
        [Self::Pattern, Self::Private, Self::Resolver, Self::Essential, Self::Wide, Self::Town];

    /// As metrics name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Private => "private",
            Self::Resolver => "resolver",
            Self::Essential => "essential",
            Self::Wide => "wide",
            Self::Town => "town",
        }
    }
}

/// What an indicator looks for, written in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// `ipv4-addr`, `ipv6-addr`, `domain-name`.
    pub(super) kind: &'static str,
    pub(super) text: String,
}

impl Value {
    /// As a STIX pattern.
    pub(super) fn pattern(&self) -> String {
        let comparison = if self.text.contains('/') { "ISSUBSET" } else { "=" };
        format!("[{}:value {comparison} '{}']", self.kind, self.text)
    }
}

/// The gate.
pub(super) struct Gate {
    private: AddressSet,
    resolvers: AddressSet,
    towns: AddressSet,
    names: Vec<String>,
    /// Addresses from which sensors spoke, and when last (microseconds).
    spoke: RwLock<BTreeMap<IpAddr, u64>>,
}

impl Gate {
    /// With networks and domains of towns, and addresses from which sensors spoke.
    pub(super) fn new(
        towns: AddressSet,
        names: &[String],
        spoke: impl IntoIterator<Item = (IpAddr, u64)>,
    ) -> Self {
        let mut private = AddressSet::range(
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
        );
        private.remove(&AddressSet::network(IpAddr::V6(WORLD_V6.0), WORLD_V6.1));
        for (address, prefix) in NOT_OF_THE_WORLD {
            private.add(&AddressSet::network(*address, *prefix));
        }
        let mut resolvers = AddressSet::default();
        let v4 = RESOLVERS.iter().map(|address| IpAddr::V4(*address));
        for address in v4.chain(RESOLVERS_V6.iter().map(|address| IpAddr::V6(*address))) {
            resolvers.add(&AddressSet::range(address, address));
        }
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let spoke = RwLock::new(spoke.into_iter().take(TOWNS_MAX).collect());
        Self { private, resolvers, towns, names, spoke }
    }

    /// A sensor spoke from there: true when that is news worth keeping.
    pub(super) fn spoke(&self, address: IpAddr, now: u64) -> bool {
        if self.private.contains(address) {
            return false;
        }
        let mut spoke = self.spoke.write().unwrap_or_else(PoisonError::into_inner);
        let last = spoke.get(&address).copied();
        if last.is_some_and(|last| now.saturating_sub(last) < TOWN_MICROS / 30) {
            return false;
        }
        if last.is_none() && spoke.len() >= TOWNS_MAX {
            let oldest = spoke.iter().min_by_key(|(_, at)| **at).map(|(address, _)| *address);
            oldest.map(|oldest| spoke.remove(&oldest));
        }
        spoke.insert(address, now);
        true
    }

    /// The value of a pattern that looks for one thing, if it may go round.
    pub(super) fn value(&self, pattern: &str, now: u64) -> Result<Value, Held> {
        let (kind, text) = single(pattern).ok_or(Held::Pattern)?;
        if kind == "domain-name" {
            let domain = self.domain(text)?;
            return Ok(Value { kind: "domain-name", text: domain });
        }
        let (address, prefix) = network(text).ok_or(Held::Pattern)?;
        let (kind, most) = match (kind, address) {
            ("ipv4-addr", IpAddr::V4(_)) => ("ipv4-addr", 32),
            ("ipv6-addr", IpAddr::V6(_)) => ("ipv6-addr", 128),
            _ => return Err(Held::Pattern),
        };
        self.network(address, prefix, now)?;
        let text = if prefix == most {
            address.to_string()
        } else {
            let first = AddressSet::network(address, prefix).ranges().next().map(|(low, _)| low);
            let first = Ipv6Addr::from_bits(first.unwrap_or_default());
            let first = first.to_ipv4_mapped().map_or(IpAddr::V6(first), IpAddr::V4);
            format!("{first}/{prefix}")
        };
        Ok(Value { kind, text })
    }

    /// Whether a pattern of a party that is trusted to publish may go round: whatever stands
    /// between quotation marks is looked at.
    pub(super) fn published(&self, pattern: &str, now: u64) -> Result<(), Held> {
        if pattern.len() > PATTERN_BYTES_MAX || pattern.contains('\\') {
            return Err(Held::Pattern);
        }
        for literal in pattern.split('\'').skip(1).step_by(2) {
            if let Some((address, prefix)) = network(literal) {
                self.network(address, prefix, now)?;
            } else {
                let rest = literal.split_once("://").map_or(literal, |(_, rest)| rest);
                let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
                match network(host) {
                    Some((address, prefix)) => self.network(address, prefix, now)?,
                    None if registered(host, &[]).is_some() => drop(self.domain(host)?),
                    None => {}
                }
            }
        }
        Ok(())
    }

    fn network(&self, address: IpAddr, prefix: u8, now: u64) -> Result<(), Held> {
        let least = if address.is_ipv4() { PREFIX_V4_MIN } else { PREFIX_V6_MIN };
        if prefix < least {
            return Err(Held::Wide);
        }
        let network = AddressSet::network(address, prefix);
        let meets = |other: &AddressSet| {
            let mut rest = network.clone();
            rest.remove(other);
            rest != network
        };
        if meets(&self.private) {
            return Err(Held::Private);
        }
        if meets(&self.resolvers) {
            return Err(Held::Resolver);
        }
        let spoke = self.spoke.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: &u64| now.saturating_sub(*at) < TOWN_MICROS;
        let is_of_a_town = match network.ranges().next() {
            Some((low, high)) if low != high => {
                spoke.iter().any(|(of, at)| fresh(at) && network.contains(*of))
            }
            _ => spoke.get(&address).is_some_and(fresh),
        };
        if is_of_a_town || meets(&self.towns) {
            return Err(Held::Town);
        }
        Ok(())
    }

    fn domain(&self, name: &str) -> Result<String, Held> {
        let name = name.to_ascii_lowercase();
        if is_of_a_site(&name) {
            return Err(Held::Private);
        }
        let domain = registered(&name, &[]).ok_or(Held::Pattern)?;
        if is_essential(&name) || is_essential(&domain) {
            return Err(Held::Essential);
        }
        if self.names.iter().any(|own| is_within(&name, own) || is_within(own, &name)) {
            return Err(Held::Town);
        }
        Ok(name)
    }
}

/// `[kind:value = 'text']` or `ISSUBSET`.
fn single(pattern: &str) -> Option<(&str, &str)> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return None;
    }
    let inner = pattern.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let (left, rest) = inner.split_once(char::is_whitespace)?;
    let kind = left.strip_suffix(":value")?;
    let rest = rest.trim_start();
    let literal = rest.strip_prefix("ISSUBSET").or_else(|| rest.strip_prefix('='))?.trim();
    let text = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_/".contains(&byte);
    (!text.is_empty() && text.bytes().all(plain)).then_some((kind, text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_must_never_go_round_does_not() {
        let town = AddressSet::network(IpAddr::from([203, 0, 113, 0]), 28);
        let spoke = [(IpAddr::from([198, 51, 100, 9]), 1_000)];
        let gate = Gate::new(town, &["comune.esempio.it".to_owned()], spoke);
        for (pattern, wanted) in [
            ("[ipv4-addr:value = '203.0.113.66']", Ok("203.0.113.66")),
            ("[ipv4-addr:value ISSUBSET '203.0.114.9/24']", Ok("203.0.114.0/24")),
            ("[ipv6-addr:value = '2A00:1::0:1']", Ok("2a00:1::1")),
            ("[domain-name:value = 'Bad.Example.org']", Ok("bad.example.org")),
            ("[ipv4-addr:value = '8.8.8.8']", Err(Held::Resolver)),
            ("[ipv4-addr:value = '8.8.8.0/24']", Err(Held::Resolver)),
            ("[ipv6-addr:value = '2001:4860:4860::8888']", Err(Held::Resolver)),
            ("[ipv4-addr:value = '20.0.0.0/8']", Err(Held::Wide)),
            ("[ipv4-addr:value ISSUBSET '20.0.0.0/15']", Err(Held::Wide)),
            ("[ipv6-addr:value ISSUBSET '2a00::/31']", Err(Held::Wide)),
            ("[ipv4-addr:value = '192.168.1.1']", Err(Held::Private)),
            ("[ipv4-addr:value = '100.64.0.1']", Err(Held::Private)),
            ("[ipv6-addr:value = 'fd00::1']", Err(Held::Private)),
            ("[ipv6-addr:value = '::ffff:203.0.113.66']", Err(Held::Private)),
            ("[ipv6-addr:value = '2002:c0a8:101::1']", Err(Held::Private)),
            ("[ipv4-addr:value = '203.0.113.5']", Err(Held::Town)),
            ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", Err(Held::Town)),
            ("[ipv4-addr:value = '198.51.100.9']", Err(Held::Town)),
            ("[ipv4-addr:value ISSUBSET '198.51.0.0/16']", Err(Held::Town)),
            ("[domain-name:value = 'www.inps.it']", Err(Held::Essential)),
            ("[domain-name:value = 'srv.local']", Err(Held::Private)),
            ("[domain-name:value = 'esempio.it']", Err(Held::Town)),
            ("[domain-name:value = 'it']", Err(Held::Pattern)),
            (
                "[ipv4-addr:value = '203.0.113.66' OR ipv4-addr:value = '8.8.8.8']",
                Err(Held::Pattern),
            ),
            ("[url:value = 'http://example.org/']", Err(Held::Pattern)),
            ("[ipv4-addr:value = '2a00::1']", Err(Held::Pattern)),
            ("", Err(Held::Pattern)),
            ("[]", Err(Held::Pattern)),
        ] {
            let got = gate.value(pattern, 2_000);
            assert_eq!(
                got.as_ref().map(|value| value.text.as_str()).map_err(|e| *e),
                wanted,
                "{pattern}"
            );
            if let Ok(value) = got {
                assert_eq!(gate.value(&value.pattern(), 2_000).unwrap(), value);
            }
        }
        // An address that no sensor speaks from any more is a town's no longer.
        let later = 1_000 + TOWN_MICROS;
        assert!(gate.value("[ipv4-addr:value = '198.51.100.9']", later).is_ok());
        assert!(gate.spoke(IpAddr::from([198, 51, 100, 9]), later));
        assert!(!gate.spoke(IpAddr::from([198, 51, 100, 9]), later + 1));
        assert!(!gate.spoke(IpAddr::from([10, 0, 0, 1]), later));
        assert!(gate.value("[ipv4-addr:value = '198.51.100.9']", later).is_err());
    }

    #[test]
    fn what_is_published_is_looked_at_too() {
        let gate = Gate::new(AddressSet::default(), &[], []);
        let both = "[ipv4-addr:value = '203.0.113.66' OR url:value = 'http://8.8.8.8/x']";
        assert_eq!(gate.published(both, 0), Err(Held::Resolver));
        assert_eq!(
            gate.published("[url:value = 'https://pagopa.gov.it/x']", 0),
            Err(Held::Essential)
        );
        assert_eq!(gate.published("[ipv4-addr:value ISSUBSET '8.0.0.0/8']", 0), Err(Held::Wide));
        let fine = "[ipv4-addr:value = '203.0.113.66'] AND [file:hashes.'SHA-256' = 'aa']";
        assert_eq!(gate.published(fine, 0), Ok(()));
    }
}
