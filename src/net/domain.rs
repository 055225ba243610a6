//! Names of hosts: which part of one its owner registered.

/// Bytes of a name at most (RFC 1035, 2.3.4).
pub const NAME_BYTES_MAX: usize = 253;

/// Domains under which a provider hands out names to customers, or to each of its machines, and that
/// the list of public suffixes does not have as such; in order.
const HANDED_OUT: &[&str] = &["amazonaws.com", "fastly.net", "fbcdn.net", "windows.net"];

/// The part of a name, given with dots between its labels and none after them, that its owner
/// registered, by the list of public suffixes (publicsuffix.org): `example.co.uk`, and
/// `customer.github.io`. `None` when nobody registered anything of it: `co.uk`.
///
/// Letters may be of any size. Whether the name is one of the public DNS is not asked.
pub fn registered(name: &[u8]) -> Option<&[u8]> {
    // What stands further in front is of no account.
    let name = name.get(name.len().saturating_sub(NAME_BYTES_MAX)..)?;
    let mut room = [0_u8; NAME_BYTES_MAX];
    let lower = room.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let domain = psl::domain(lower)?.as_bytes();
    let mut from = lower.len().checked_sub(domain.len())?;
    if HANDED_OUT.binary_search_by_key(&domain, |handed| handed.as_bytes()).is_ok() {
        let before = lower.get(..from)?.strip_suffix(b".")?;
        from = before.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1);
    }
    name.get(from..)
}

/// Whether a last label may be one of the public DNS: an address has none such.
pub fn is_top(label: &[u8]) -> bool {
    let letters = label.iter().all(u8::is_ascii_alphabetic);
    (2..=24).contains(&label.len()) && letters || label.starts_with(b"xn--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_registered_is_told_from_what_is_handed_out() {
        assert!(HANDED_OUT.is_sorted());
        for (name, domain) in [
            ("www.example.org", Some("example.org")),
            ("a.b.Example.co.UK", Some("Example.co.UK")),
            ("www.paese.mi.it", Some("paese.mi.it")),
            // Two letters are no province by themselves.
            ("www.ip.it", Some("ip.it")),
            ("www.agenziaentrate.gov.it", Some("agenziaentrate.gov.it")),
            ("regione.toscana.it", Some("regione.toscana.it")),
            ("srv1.ufficio.local", Some("ufficio.local")),
            ("gov.it", None),
            ("co.uk", None),
            ("org", None),
            ("", None),
            (".", None),
        ] {
            let found = registered(name.as_bytes());
            assert_eq!(found, domain.map(str::as_bytes), "{name}");
        }
        let long = format!("{}example.org", "a.".repeat(NAME_BYTES_MAX));
        assert_eq!(registered(long.as_bytes()), Some(&b"example.org"[..]));
    }

    #[test]
    fn names_of_customers_and_machines_are_owners() {
        for provider in [
            "akamai.net",
            "akamaiedge.net",
            "akamaihd.net",
            "akamaized.net",
            "amazonaws.com",
            "azureedge.net",
            "azurefd.net",
            "azurewebsites.net",
            "blogspot.com",
            "cloudapp.net",
            "cloudfront.net",
            "ddns.net",
            "duckdns.org",
            "dyndns.org",
            "edgekey.net",
            "edgesuite.net",
            "fastly.net",
            "fbcdn.net",
            "firebaseapp.com",
            "github.io",
            "herokuapp.com",
            "netlify.app",
            "no-ip.org",
            "pages.dev",
            "trafficmanager.net",
            "trycloudflare.com",
            "vercel.app",
            "web.app",
            "windows.net",
            "workers.dev",
        ] {
            let (owner, below) = (format!("d111.{provider}"), format!("c2.d111.{provider}"));
            assert_eq!(registered(below.as_bytes()), Some(owner.as_bytes()), "{provider}");
            assert_eq!(registered(provider.as_bytes()), None, "{provider}");
        }
    }
}
