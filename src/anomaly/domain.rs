//! Names of hosts, split into what its owner has registered and what stands before it.

use crate::net::domain::{is_top, registered};

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

/// Splits a name, given with dots between its labels. `None` for a single label: it belongs to
/// nobody.
pub(super) fn split(name: &[u8]) -> Option<Split<'_>> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let top = name.get(dot + 1..)?;
    if !is_top(top) {
        return Some(Split { sub: name, domain: &[] });
    }
    // What nobody registered any part of is its own owner.
    let domain = registered(name).unwrap_or(name);
    let sub = name.strip_suffix(domain)?;
    Some(Split { sub: sub.strip_suffix(b".").unwrap_or(sub), domain })
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
