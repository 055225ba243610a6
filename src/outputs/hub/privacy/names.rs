//! Names of hosts: only the domain that its owner registered leaves, and only if it is no name of
//! the site and none of a network without owner.

use crate::net::domain::{self, NAME_BYTES_MAX};

/// Last labels of names that exist only within a site (RFC 6761, RFC 6762, RFC 8375, and what
/// offices use).
const WITHIN: &[&str] = &[
    "arpa",
    "corp",
    "domain",
    "home",
    "host",
    "internal",
    "intra",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "priv",
    "test",
    "wpad",
    "workgroup",
];
/// Domains of services that everybody uses or that the state depends on: never an attacker's.
const ESSENTIAL: &[&str] = &[
    "akamai.net",
    "amazonaws.com",
    "apple.com",
    "cloudflare.com",
    "debian.org",
    "gov.it",
    "google.com",
    "googleapis.com",
    "inps.it",
    "istat.it",
    "microsoft.com",
    "office.com",
    "office365.com",
    "pagopa.it",
    "poste.it",
    "posteitaliane.it",
    "poliziadistato.it",
    "spid.it",
    "ubuntu.com",
    "windowsupdate.com",
];

/// The domain that its owner registered, in small letters; `None` when `name` is no name of the
/// public DNS, or belongs to `own`.
pub fn registered(name: &str, own: &[String]) -> Option<String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name.len() > NAME_BYTES_MAX || name.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let labels: Vec<&str> = name.split('.').collect();
    if labels.len() < 2 || !labels.iter().all(|label| is_label(label)) {
        return None;
    }
    let top = *labels.last()?;
    if !domain::is_top(top.as_bytes()) || WITHIN.contains(&top) {
        return None;
    }
    let domain = domain::registered(name.as_bytes())?;
    let domain = std::str::from_utf8(domain).ok()?.to_owned();
    let is_own = own.iter().any(|own| is_within(&name, own) || is_within(own, &domain));
    (!is_own).then_some(domain)
}

/// Whether a domain belongs to services that must never be named as an attacker's.
pub fn is_essential(domain: &str) -> bool {
    ESSENTIAL.iter().any(|essential| is_within(domain, essential))
}

/// Whether `name` is `domain` or below it.
pub fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether a name exists only within a site: its last label says so.
pub fn is_of_a_site(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|top| WITHIN.contains(&top))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_registered_is_told() {
        let own = ["comune.esempio.it".to_owned()];
        for (name, domain) in [
            ("a.b.Example.ORG.", Some("example.org")),
            ("x.example.co.uk", Some("example.co.uk")),
            ("www.paese.mi.it", Some("paese.mi.it")),
            ("c2.d111.cloudfront.net", Some("d111.cloudfront.net")),
            ("co.uk", None),
            ("mail.comune.esempio.it", None),
            ("esempio.it", None),
            ("srv1.ufficio.local", None),
            ("20.10.168.192.in-addr.arpa", None),
            ("192.168.10.20", None),
            ("srv1", None),
            ("a..b.org", None),
            ("mario rossi.it", None),
            ("", None),
        ] {
            assert_eq!(registered(name, &own).as_deref(), domain, "{name}");
        }
        assert!(is_essential("pagopa.gov.it") && !is_essential("pagopa.it.example.org"));
    }
}
