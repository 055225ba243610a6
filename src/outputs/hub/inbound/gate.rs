//! What is never accepted from others, whoever says it: an indicator that names the site itself,
//! the hub, a resolver or a service that everybody depends on would make alarms of what is right,
//! and one that names half of the net would make them of everything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::AddressSet;
use crate::outputs::hub::privacy::names;
use crate::outputs::hub::privacy::site::{RESOLVERS, Site, embedded};
use crate::record::Observable;

/// The widest network of IPv4, bits of its prefix.
pub const PREFIX_V4_LEAST: u8 = 16;
/// The widest network of IPv6, bits of its prefix.
pub const PREFIX_V6_LEAST: u8 = 32;

/// Resolvers that everybody uses, IPv6.
const RESOLVERS_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1001),
    Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111),
    Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8844),
    Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888),
    Ipv6Addr::new(0x2620, 0x00fe, 0, 0, 0, 0, 0, 0x00fe),
    Ipv6Addr::new(0x2620, 0x0119, 0x0035, 0, 0, 0, 0, 0x0035),
];
/// The servers of the DNS root (IANA, "Root Servers"), IPv4.
const ROOT_SERVERS: &[Ipv4Addr] = &[
    Ipv4Addr::new(198, 41, 0, 4),
    Ipv4Addr::new(170, 247, 170, 2),
    Ipv4Addr::new(192, 33, 4, 12),
    Ipv4Addr::new(199, 7, 91, 13),
    Ipv4Addr::new(192, 203, 230, 10),
    Ipv4Addr::new(192, 5, 5, 241),
    Ipv4Addr::new(192, 112, 36, 4),
    Ipv4Addr::new(198, 97, 190, 53),
    Ipv4Addr::new(192, 36, 148, 17),
    Ipv4Addr::new(192, 58, 128, 30),
    Ipv4Addr::new(193, 0, 14, 129),
    Ipv4Addr::new(199, 7, 83, 42),
    Ipv4Addr::new(202, 12, 27, 33),
];
/// Domains beside those that are never told to others ([`names::is_essential`]): what offices use
/// every day. A name below them may be an attacker's; they themselves are not.
const USED_BY_ALL: &[&str] = &[
    "adobe.com",
    "agenziaentrate.it",
    "amazon.com",
    "aruba.it",
    "bing.com",
    "digicert.com",
    "dropbox.com",
    "facebook.com",
    "github.com",
    "githubusercontent.com",
    "gstatic.com",
    "icloud.com",
    "inail.it",
    "instagram.com",
    "legalmail.it",
    "lencr.org",
    "letsencrypt.org",
    "linkedin.com",
    "live.com",
    "microsoftonline.com",
    "mozilla.org",
    "ntp.org",
    "office.net",
    "outlook.com",
    "sharepoint.com",
    "whatsapp.com",
    "wikipedia.org",
    "windows.com",
    "windows.net",
    "youtube.com",
    "zoom.us",
];

/// Why an observable is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// A network without owner: private, local, multicast, reserved.
    Private,
    /// The site's own networks and names.
    Own,
    /// The site's own list says that it is right.
    Allowed,
    /// The hub that indicators come from.
    Hub,
    /// A resolver, or a server of the DNS root.
    Resolver,
    /// A service that everybody or the state depends on.
    Essential,
    /// A network of too many addresses, or a name under which others register theirs.
    Wide,
    /// The pattern asks for what a sensor cannot see.
    Unsupported,
    /// It says no end, none that can be read, or one that counts from a day that is yet to come.
    Endless,
    /// Its end is over.
    Expired,
    /// Its author is not sure enough, or does not say.
    Confidence,
    /// Its author took it back.
    Revoked,
    /// There are as many as can be.
    Room,
    /// It is no indicator as STIX 2.1 has them.
    Malformed,
}

impl Refused {
    /// All reasons.
    pub const ALL: [Self; 14] = [
        Self::Private,
        Self::Own,
        Self::Allowed,
        Self::Hub,
        Self::Resolver,
        Self::Essential,
        Self::Wide,
        Self::Unsupported,
        Self::Endless,
        Self::Expired,
        Self::Confidence,
        Self::Revoked,
        Self::Room,
        Self::Malformed,
    ];

    /// As counters name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Own => "own",
            Self::Allowed => "allowed",
            Self::Hub => "hub",
            Self::Resolver => "resolver",
            Self::Essential => "essential",
            Self::Wide => "wide",
            Self::Unsupported => "unsupported",
            Self::Endless => "endless",
            Self::Expired => "expired",
            Self::Confidence => "confidence",
            Self::Revoked => "revoked",
            Self::Room => "room",
            Self::Malformed => "malformed",
        }
    }
}

/// What the site wants never to be an indicator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Networks.
    pub networks: AddressSet,
    /// Names, in small letters: they and all below them.
    pub names: Vec<String>,
}

impl Allowed {
    /// Adds an address, a network or a name; false when it is none.
    pub fn add(&mut self, text: &str) -> bool {
        if let Some(Observable::Network(address, prefix)) = super::pattern::network(text) {
            self.networks.add(&AddressSet::network(address, prefix));
            return true;
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_plain);
        // Something with digits alone at its end is an address that is wrong.
        let top = name.rsplit('.').next().unwrap_or_default();
        let is_name = name.contains('.')
            && name.split('.').all(is_label)
            && !top.bytes().all(|byte| byte.is_ascii_digit());
        if is_name {
            self.names.push(name);
        }
        is_name
    }
}

/// Decides what of others is looked for.
#[derive(Clone, Debug)]
pub struct Gate {
    site: Site,
    /// Every network that is not the world's.
    private: AddressSet,
    allowed: Allowed,
    hub: Allowed,
    resolvers: AddressSet,
}

impl Gate {
    /// For a site: what it allows, where its hubs are, what resolves names here.
    pub fn new(site: &Site, allowed: &Allowed, hub: &Allowed, resolvers: &[IpAddr]) -> Self {
        let v4 = RESOLVERS.iter().chain(ROOT_SERVERS).copied().map(IpAddr::V4);
        let known = v4.chain(RESOLVERS_V6.iter().copied().map(IpAddr::V6));
        let mut all = AddressSet::default();
        for address in known.chain(resolvers.iter().copied()) {
            all.add(&AddressSet::range(address, address));
        }
        let (allowed, hub) = (allowed.clone(), hub.clone());
        Self { site: site.clone(), private: private(), allowed, hub, resolvers: all }
    }

    /// Whether something is looked for.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(&self, observable: &Observable) -> Result<(), Refused> {
        match observable {
            Observable::Network(address, prefix) => self.network(*address, *prefix),
            Observable::Name(name) => self.name(name),
            Observable::Ja3(_) | Observable::Ja4(_) | Observable::Certificate(_) => Ok(()),
        }
    }

    fn network(&self, address: IpAddr, prefix: u8) -> Result<(), Refused> {
        let network = AddressSet::network(address, prefix);
        let least = if address.is_ipv4() { PREFIX_V4_LEAST } else { PREFIX_V6_LEAST };
        // What the site says comes first: whoever reads the counts wants to know it.
        if self.allowed.networks.overlaps(&network) {
            return Err(Refused::Allowed);
        }
        if prefix < least {
            return Err(Refused::Wide);
        }
        if self.private.overlaps(&network) {
            return Err(Refused::Private);
        }
        // Where everything is home nothing can be told from what is ours.
        if !self.site.home.is_any() && self.site.home.overlaps(&network) {
            return Err(Refused::Own);
        }
        if let IpAddr::V6(v6) = address
            && embedded(v6).is_some_and(|v4| self.site.is_internal(IpAddr::V4(v4)))
        {
            return Err(Refused::Private);
        }
        if self.hub.networks.overlaps(&network) {
            return Err(Refused::Hub);
        }
        if self.resolvers.overlaps(&network) {
            return Err(Refused::Resolver);
        }
        Ok(())
    }

    fn name(&self, name: &str) -> Result<(), Refused> {
        // In either direction: an indicator is for all that is below its name too.
        let touches =
            |other: &String| names::is_within(name, other) || names::is_within(other, name);
        if self.allowed.names.iter().any(touches) {
            return Err(Refused::Allowed);
        }
        if self.site.names.iter().any(touches) {
            return Err(Refused::Own);
        }
        if names::is_of_a_site(name) {
            return Err(Refused::Private);
        }
        if self.hub.names.iter().any(touches) {
            return Err(Refused::Hub);
        }
        // A top of the tree, or a domain under which a provider hands out names.
        if names::registered(name, &[]).is_none() {
            return Err(Refused::Wide);
        }
        let is_used = names::is_essential(name)
            || USED_BY_ALL.iter().any(|used| names::is_within(used, name));
        if is_used { Err(Refused::Essential) } else { Ok(()) }
    }
}

/// Every network that is not the world's: RFC 6890 and what multicast uses; of IPv6 all outside of
/// 2000::/3. Not the networks for documentation, which nobody has and tests use.
fn private() -> AddressSet {
    let v4: &[([u8; 4], u8)] = &[
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    let mut private = AddressSet::network(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
    private.remove(&AddressSet::network(IpAddr::from([0x2000_u16, 0, 0, 0, 0, 0, 0, 0]), 3));
    for (address, prefix) in v4 {
        private.add(&AddressSet::network(IpAddr::from(*address), *prefix));
    }
    private
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::pattern;
    use super::*;

    fn gate() -> Gate {
        let mut home = AddressSet::network(IpAddr::from([203, 0, 113, 0]), 24);
        home.add(&AddressSet::network("2001:db8:1::".parse().unwrap(), 48));
        let site = Site { home, names: vec!["comune.esempio.it".to_owned()] };
        let (mut allowed, mut hub) = (Allowed::default(), Allowed::default());
        assert!(allowed.add("198.51.100.128/25") && allowed.add("Fornitore.example.net."));
        assert!(hub.add("192.0.2.10") && hub.add("hub.example.org"));
        Gate::new(&site, &allowed, &hub, &[IpAddr::from([192, 0, 2, 53])])
    }

    fn decided(pattern: &str) -> Result<(), Refused> {
        let found = pattern::parse(pattern).unwrap();
        gate().check(found.first().unwrap().first().unwrap())
    }

    #[test]
    fn what_must_never_be_an_indicator_is_refused_with_its_reason() {
        for (value, why) in [
            ("10.0.0.1", Refused::Private),
            ("172.31.255.255", Refused::Private),
            ("192.168.0.0/16", Refused::Private),
            ("127.0.0.1", Refused::Private),
            ("100.64.0.1", Refused::Private),
            ("224.0.0.251", Refused::Private),
            ("0.0.0.0", Refused::Private),
            ("203.0.113.7", Refused::Own),
            ("203.0.0.0/16", Refused::Own),
            ("198.51.100.200", Refused::Allowed),
            ("198.51.0.0/16", Refused::Allowed),
            ("0.0.0.0/0", Refused::Allowed),
            ("20.0.0.0/8", Refused::Wide),
            ("20.0.0.0/15", Refused::Wide),
            ("192.0.2.10", Refused::Hub),
            ("192.0.2.53", Refused::Resolver),
            ("8.8.8.8", Refused::Resolver),
            ("8.8.0.0/16", Refused::Resolver),
            ("193.0.14.129", Refused::Resolver),
        ] {
            assert_eq!(decided(&format!("[ipv4-addr:value = '{value}']")), Err(why), "{value}");
        }
        for (value, why) in [
            ("::1", Refused::Private),
            ("fe80::1", Refused::Private),
            ("fd00::/32", Refused::Private),
            ("::ffff:10.0.0.1", Refused::Private),
            ("2002:c0a8:101::1", Refused::Private),
            ("2001:db8:1:2::3", Refused::Own),
            ("2001:db8::/32", Refused::Own),
            ("2600::/31", Refused::Wide),
            ("2001:4860:4860::8888", Refused::Resolver),
        ] {
            assert_eq!(decided(&format!("[ipv6-addr:value = '{value}']")), Err(why), "{value}");
        }
        for (value, why) in [
            ("comune.esempio.it", Refused::Own),
            ("mail.comune.esempio.it", Refused::Own),
            ("esempio.it", Refused::Own),
            ("it", Refused::Own),
            ("org", Refused::Hub),
            ("co.uk", Refused::Wide),
            ("localhost", Refused::Private),
            ("srv1.ufficio.local", Refused::Private),
            ("hub.example.org", Refused::Hub),
            ("fornitore.example.net", Refused::Allowed),
            ("a.fornitore.example.net", Refused::Allowed),
            ("www.inps.it", Refused::Essential),
            ("pagopa.gov.it", Refused::Essential),
            ("github.com", Refused::Essential),
            ("update.microsoft.com", Refused::Essential),
        ] {
            assert_eq!(decided(&format!("[domain-name:value = '{value}']")), Err(why), "{value}");
        }
    }

    #[test]
    fn what_is_others_passes() {
        for pattern in [
            "[ipv4-addr:value = '198.51.100.7']",
            "[ipv4-addr:value ISSUBSET '198.52.0.0/16']",
            "[ipv6-addr:value = '2600::1']",
            "[domain-name:value = 'evil.example.com']",
            "[domain-name:value = 'c2.github.io']",
            "[domain-name:value = 'evil.github.com']",
            "[network-traffic:x_ja3 = 'e7eca2baf4458d095b7f45da28c16c34']",
        ] {
            assert_eq!(decided(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_a_site_allows_is_an_address_a_network_or_a_name() {
        let mut allowed = Allowed::default();
        for wrong in ["", "x", "198.51.100.300", "198.51.100.0/40", "a b.org", "http://a.org/"] {
            assert!(!allowed.add(wrong), "{wrong}");
        }
        assert!(allowed.add("2001:db8::/32") && allowed.add("a.example.org"));
    }
}
