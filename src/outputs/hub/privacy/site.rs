//! Which addresses and names are the site's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::AddressSet;

/// What belongs to the site.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Its networks (HOME_NET), its public addresses included.
    pub home: AddressSet,
    /// Its domains, in small letters.
    pub names: Vec<String>,
}

/// Resolvers that everybody uses: never an attacker's, whoever spoke with them.
pub const RESOLVERS: &[Ipv4Addr] = &[
    Ipv4Addr::new(1, 0, 0, 1),
    Ipv4Addr::new(1, 1, 1, 1),
    Ipv4Addr::new(8, 8, 4, 4),
    Ipv4Addr::new(8, 8, 8, 8),
    Ipv4Addr::new(9, 9, 9, 9),
    Ipv4Addr::new(149, 112, 112, 112),
    Ipv4Addr::new(208, 67, 220, 220),
    Ipv4Addr::new(208, 67, 222, 222),
];

impl Site {
    /// Whether an address is of the site, or of any network that is not the world's.
    pub fn is_internal(&self, address: IpAddr) -> bool {
        if self.home.contains(address) {
            return true;
        }
        match address {
            IpAddr::V4(v4) => is_private_v4(v4),
            IpAddr::V6(v6) => {
                is_private_v6(v6) || embedded(v6).is_some_and(|v4| self.is_internal(IpAddr::V4(v4)))
            }
        }
    }

    /// Whether an address is a host of the world, and not the site's.
    pub fn is_external(&self, address: IpAddr) -> bool {
        let host = match address {
            IpAddr::V4(v4) => {
                let first = v4.octets().first().copied().unwrap_or_default();
                !v4.is_multicast() && first != 0 && first < 240
            }
            IpAddr::V6(v6) => v6.segments().first().is_some_and(|first| first & 0xe000 == 0x2000),
        };
        host && !self.is_internal(address)
    }

    /// Whether an address may be told to others as an attacker's.
    pub fn may_be_attacker(&self, address: IpAddr) -> bool {
        let known = matches!(address, IpAddr::V4(v4) if RESOLVERS.contains(&v4));
        self.is_external(address) && !known
    }
}

/// RFC 1918, RFC 6598 (networks of providers), RFC 3927, loopback.
pub fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || a == 100 && (64..128).contains(&b)
}

/// Unique local (RFC 4193), link local, site local, loopback.
pub fn is_private_v6(address: Ipv6Addr) -> bool {
    let first = address.segments().first().copied().unwrap_or_default();
    address.is_loopback() || first & 0xfe00 == 0xfc00 || first & 0xff80 == 0xfe80
}

/// The IPv4 address that an IPv6 address carries: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056).
pub fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(join(g, h)),
        [0, 0, 0, 0, 0, 0] if g != 0 => Some(join(g, h)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_is_told_from_the_world() {
        let home = AddressSet::network(IpAddr::from([203, 0, 113, 0]), 28);
        let site = Site { home, names: Vec::new() };
        let kind = |text: &str| {
            let address = text.parse().map(|a| (site.is_internal(a), site.is_external(a)));
            address.unwrap_or_default()
        };
        for internal in [
            "203.0.113.5",
            "10.1.2.3",
            "192.168.1.1",
            "172.31.0.1",
            "100.64.9.9",
            "127.0.0.1",
            "169.254.3.4",
            "fd00::1",
            "fe80::1",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::c0a8:101",
            "2002:c0a8:101::1",
            "::ffff:203.0.113.5",
        ] {
            assert_eq!(kind(internal), (true, false), "{internal}");
        }
        for external in ["203.0.113.66", "2001:db8::1", "8.8.8.8"] {
            assert_eq!(kind(external), (false, true), "{external}");
        }
        for neither in ["0.0.0.0", "255.255.255.255", "224.0.0.251", "ff02::fb", "::"] {
            assert_eq!(kind(neither), (false, false), "{neither}");
        }
        let everything = Site { home: AddressSet::any(), names: Vec::new() };
        assert!(!everything.is_external(IpAddr::from([203, 0, 113, 66])));
        assert!(!site.may_be_attacker(IpAddr::from([8, 8, 8, 8])));
    }
}
