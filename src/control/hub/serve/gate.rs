//! The gate of safety: what is never told to sensors as an attacker's, however many say so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use super::config::network;
use crate::net::AddressSet;
use crate::outputs::hub::inbound::gate::{Allowed, Gate as Rules, Refused};
use crate::outputs::hub::inbound::pattern::{self, Observable};
use crate::outputs::hub::privacy::site::Site;

/// Addresses of towns that are remembered; then the one not seen for longest goes.
const TOWNS_MAX: usize = 50_000;
/// Microseconds for which an address from which a sensor spoke counts as its town's.
const TOWN_MICROS: u64 = 30 * 86_400 * 1_000_000;

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

/// The gate: what sensors never accept of others, with the towns of this hub.
pub(super) struct Gate {
    rules: Rules,
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
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let towns = Site { home: towns, names };
        let rules = Rules::new(&towns, &Allowed::default(), &Allowed::default(), &[]);
        Self { rules, spoke: RwLock::new(spoke.into_iter().take(TOWNS_MAX).collect()) }
    }

    /// A sensor spoke from there: true when that is news worth keeping.
    pub(super) fn spoke(&self, address: IpAddr, now: u64) -> bool {
        if !Site::default().is_external(address) {
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

    /// The value of a pattern that looks for one address, network or name, if it may go round.
    pub(super) fn value(&self, pattern: &str, now: u64) -> Result<Value, Held> {
        let found = pattern::parse(pattern).map_err(|_| Held::Pattern)?;
        let [alternative] = found.as_slice() else { return Err(Held::Pattern) };
        let [observable] = alternative.as_slice() else { return Err(Held::Pattern) };
        let text = observable.text();
        let kind = match (observable.kind(), network(&text)) {
            ("address" | "network", Some((IpAddr::V4(_), _))) => "ipv4-addr",
            ("address" | "network", Some((IpAddr::V6(_), _))) => "ipv6-addr",
            ("domain", None) => "domain-name",
            _ => return Err(Held::Pattern),
        };
        self.may_go(observable, now)?;
        Ok(Value { kind, text })
    }

    /// Whether a pattern of a party that is trusted to publish may go round. It is read as sensors
    /// read it, and whatever stands between quotation marks is looked at too: also in patterns of
    /// which sensors see nothing, which others may understand.
    pub(super) fn published(&self, pattern: &str, now: u64) -> Result<(), Held> {
        if pattern.len() > pattern::PATTERN_BYTES_MAX || pattern.contains('\\') {
            return Err(Held::Pattern);
        }
        let understood = pattern::parse(pattern).unwrap_or_default();
        understood.iter().flatten().try_for_each(|of| self.may_go(of, now))?;
        for literal in pattern.split('\'').skip(1).step_by(2).map(str::trim) {
            let url = match literal.contains("://") {
                true => literal.to_owned(),
                false => format!("http://{literal}"),
            };
            for (kind, text) in [
                ("ipv4-addr", literal),
                ("ipv6-addr", literal),
                ("domain-name", literal),
                ("url", url.as_str()),
            ] {
                let found = pattern::parse(&format!("[{kind}:value = '{text}']"));
                for of in found.unwrap_or_default().iter().flatten() {
                    // A word alone is the value of anything: a hash, a name of a file.
                    if !matches!(of, Observable::Name(name) if !name.contains('.')) {
                        self.may_go(of, now)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn may_go(&self, observable: &Observable, now: u64) -> Result<(), Held> {
        self.rules.check(observable).map_err(held)?;
        self.is_of_no_town(&observable.text(), now)
    }

    /// Whether no sensor speaks from there.
    fn is_of_no_town(&self, text: &str, now: u64) -> Result<(), Held> {
        let Some((address, prefix)) = network(text) else { return Ok(()) };
        let network = AddressSet::network(address, prefix);
        let spoke = self.spoke.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: &u64| now.saturating_sub(*at) < TOWN_MICROS;
        let is_town = match network.ranges().next() {
            Some((low, high)) if low != high => {
                spoke.iter().any(|(of, at)| fresh(at) && network.contains(*of))
            }
            _ => spoke.get(&address).is_some_and(fresh),
        };
        if is_town { Err(Held::Town) } else { Ok(()) }
    }
}

/// A reason of sensors in the words of a hub.
const fn held(why: Refused) -> Held {
    match why {
        Refused::Private => Held::Private,
        Refused::Own | Refused::Allowed | Refused::Hub => Held::Town,
        Refused::Resolver => Held::Resolver,
        Refused::Essential => Held::Essential,
        Refused::Wide => Held::Wide,
        _ => Held::Pattern,
    }
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
            ("[domain-name:value = 'it']", Err(Held::Town)),
            ("[domain-name:value = 'com']", Err(Held::Wide)),
            (
                "[ipv4-addr:value = '203.0.113.66' OR ipv4-addr:value = '8.8.8.8']",
                Err(Held::Pattern),
            ),
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
        let spoke = [(IpAddr::from([198, 51, 100, 7]), 0)];
        let town = AddressSet::network("2001:db8:1::".parse().unwrap(), 48);
        let gate = Gate::new(town, &["comune.esempio.it".to_owned()], spoke);
        for pattern in [
            "[ipv4-addr:value = ' 198.51.100.7']",
            "[ipv4-addr:value = '\t198.51.100.7 ']",
            "[ipv4-addr:value IN ('203.0.113.66', ' 198.51.100.7')]",
            "[url:value = 'http://u@198.51.100.7/x']",
            "[url:value = 'http://u:p@198.51.100.7:8080/x']",
            "[url:value = ' http://198.51.100.7?x']",
            "[url:value = 'http://[2001:db8:1::7]:80/x']",
            "[url:value = 'http://u@[2001:db8:1::7]/x']",
            "[url:value = 'http://u@www.comune.esempio.it/']",
            "[url:value LIKE 'u@www.comune.esempio.it:80/%']",
            "[domain-name:value = ' WWW.comune.esempio.it.']",
            "[ipv4-addr:value = '198.51.0.0/16 ' AND file:name = 'x']",
        ] {
            assert_eq!(gate.published(pattern, 1), Err(Held::Town), "{pattern:?}");
        }
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
