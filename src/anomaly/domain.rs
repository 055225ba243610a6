//! Names of hosts, split into what its owner has registered and what stands before it.
//!
//! A whole list of public suffixes would have to be kept up to date and weighs more than all
//! detectors: a rule of a few lines does for judging. What it gets wrong are suffixes that it does
//! not know: then all customers of one count as one owner.

/// A name, split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split<'a> {
    /// What stands before the registered domain, without the dot between; may be empty.
    pub(super) sub: &'a [u8],
    /// The registered domain, or nothing when the name ends in no top-level domain.
    pub(super) domain: &'a [u8],
}

/// A list of names, to look others up in, in letters of any size.
pub(super) struct Listed {
    names: &'static [&'static str],
    /// A bit for each mark that a name of the list has.
    marks: u128,
}

impl Listed {
    /// The list of `names`, in small letters.
    pub(super) const fn new(names: &'static [&'static str]) -> Self {
        let (mut marks, mut rest) = (0, names);
        while let [name, after @ ..] = rest {
            marks |= 1 << Self::mark(name.as_bytes());
            rest = after;
        }
        Self { names, marks }
    }

    /// Whether a name is one of them. Most are not, which their mark tells.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.marks >> Self::mark(name) & 1 == 1
            && self.names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }

    /// A number below 128 from what is quickly looked at: length, first and last letter.
    const fn mark(name: &[u8]) -> u32 {
        let first = match name.first() {
            Some(byte) => byte.to_ascii_lowercase() as u32,
            None => 0,
        };
        let last = match name.last() {
            Some(byte) => byte.to_ascii_lowercase() as u32,
            None => 0,
        };
        (name.len() as u32 * 37 + first * 11 + last) % 128
    }
}

/// Second labels under which countries register names.
static SECOND: Listed = Listed::new(&[
    "co", "com", "net", "org", "gov", "gob", "gouv", "edu", "ac", "or", "ne", "go", "mil", "nom",
    "gen", "id", "ltd", "plc", "me", "sch", "nhs", "police",
]);
/// Domains under which a provider hands out names to customers, or to each of its machines.
static HANDED_OUT: Listed = Listed::new(&[
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
    "vercel.app",
    "web.app",
    "windows.net",
    "workers.dev",
]);

/// Splits a name, given with dots between its labels. `None` for a single label: it belongs to
/// nobody.
pub(super) fn split(name: &[u8]) -> Option<Split<'_>> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let (before, top) = cut_last(name);
    let before = before?;
    if !is_top(top) {
        return Some(Split { sub: name, domain: &[] });
    }
    let (_, second) = cut_last(before);
    let two = name.len() - second.len() - top.len() - 1;
    let pair = name.get(two..).unwrap_or_default();
    let country = top.len() == 2 && SECOND.has(second);
    // Provinces of Italy: comune.esempio.mi.it.
    let province = second.len() == 2 && top.eq_ignore_ascii_case(b"it");
    let is_suffix = two > 0 && (country || province || HANDED_OUT.has(pair));
    let start = if is_suffix {
        let rest = name.get(..two - 1).unwrap_or_default();
        rest.len() - cut_last(rest).1.len()
    } else {
        two
    };
    let (sub, domain) = name.split_at_checked(start)?;
    Some(Split { sub: sub.strip_suffix(b".").unwrap_or(sub), domain })
}

/// What stands before the last dot, if there is one, and what after it.
fn cut_last(name: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match name.iter().rposition(|byte| *byte == b'.') {
        Some(dot) => (name.get(..dot), name.get(dot + 1..).unwrap_or_default()),
        None => (None, name),
    }
}

fn is_top(label: &[u8]) -> bool {
    let letters = label.iter().all(u8::is_ascii_alphabetic);
    (2..=24).contains(&label.len()) && letters || label.starts_with(b"xn--")
}

/// A hash of a name without regard to case, the same on every machine.
pub(super) fn hash(name: &[u8]) -> u64 {
    // FNV-1a, by G. Fowler, L. C. Noll and K.-P. Vo (public domain), then mixed.
    let fold = |hash: u64, byte: &u8| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    };
    super::stats::distinct::mix(name.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// Whether a name asks for what an address is called or listed as: `4.3.2.1.bl.example.org`, or
/// the 32 digits of IPv6 one by one.
pub(super) fn is_reversed_address(sub: &[u8]) -> bool {
    let number =
        |label: &[u8]| (1..=3).contains(&label.len()) && label.iter().all(u8::is_ascii_digit);
    let nibble = |label: &[u8]| matches!(label, [digit] if digit.is_ascii_hexdigit());
    // Of most names the first label is too long, which is quickly seen.
    let is_short = sub.iter().take(4).any(|byte| *byte == b'.');
    is_short && (begins_with(sub, 4, number) || begins_with(sub, 16, nibble))
}

/// Whether the first `count` labels of a name are all there and such.
fn begins_with(name: &[u8], count: usize, is_such: impl Fn(&[u8]) -> bool) -> bool {
    let labels = name.split(|byte| *byte == b'.').take(count);
    labels.take_while(|label| is_such(label)).count() == count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_their_owner_begins() {
        for (name, sub, domain) in [
            ("www.example.org", "www", "example.org"),
            ("example.org.", "", "example.org"),
            ("a.b.example.co.uk", "a.b", "example.co.uk"),
            ("www.comune.esempio.mi.it", "www.comune", "esempio.mi.it"),
            ("www.agenziaentrate.gov.it", "www", "agenziaentrate.gov.it"),
            ("comune.esempio.it", "comune", "esempio.it"),
            ("x.d111.cloudfront.net", "x", "d111.cloudfront.net"),
            ("dnscat.00ff12", "dnscat.00ff12", ""),
            ("gov.it", "", "gov.it"),
            ("co.uk", "", "co.uk"),
        ] {
            let split = split(name.as_bytes()).map(|s| (s.sub, s.domain));
            assert_eq!(split, Some((sub.as_bytes(), domain.as_bytes())), "{name}");
        }
        assert_eq!(split(b"qzkxwv"), None);
        assert_eq!(split(b""), None);
        assert_eq!(hash(b"Example.ORG"), hash(b"example.org"));
        assert_ne!(hash(b"example.org"), hash(b"example.com"));
    }

    #[test]
    fn lists_of_addresses_are_known_by_their_shape() {
        assert!(is_reversed_address(b"4.3.2.1.zen"));
        assert!(is_reversed_address(b"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen"));
        assert!(!is_reversed_address(b"4.3.2.host") && !is_reversed_address(b"00ff.12ab.aa.1"));
        assert!(!is_reversed_address(b"4.3.2") && !is_reversed_address(b"a.b.c.d.host"));
    }
}
