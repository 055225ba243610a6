//! `domain`, `tld`: transforms of a host's name by the list of public suffixes (publicsuffix.org).

use super::arguments::none;
use super::transform::add;
use crate::detect::operator::{Example, Operator};

/// Bytes of a name that is looked up; DNS allows 255 (RFC 1035, 2.3.4), and what is longer is none.
const NAME_BYTES_MAX: usize = 255;

/// `domain`.
pub static DOMAIN: Operator = Operator {
    name: "domain",
    aliases: &[],
    help: "Transforms the buffer: to the part of a host's name that somebody registered, by the \
           list of public suffixes; to nothing when there is none.",
    syntax: "domain",
    examples: &[
        Example {
            rule: "domain; content:\"bbc.co.uk\"; startswith; endswith;",
            payload: b"www.bbc.co.uk",
            alerts: true,
        },
        Example {
            rule: "domain; content:\"Suricata.IO\"; startswith; endswith;",
            payload: b"Www.Suricata.IO",
            alerts: true,
        },
        Example { rule: "domain; content:\"co.uk\";", payload: b"co.uk", alerts: false },
    ],
    compile: |argument, builder| {
        none("domain", argument)?;
        add("domain", None, builder, |input, output| part(input, output, registered))
    },
};

/// `tld`.
pub static TLD: Operator = Operator {
    name: "tld",
    aliases: &[],
    help: "Transforms the buffer: to the public suffix of a host's name, such as `co.uk`; to \
           nothing when there is none, or nothing before it that somebody registered.",
    syntax: "tld",
    examples: &[
        Example {
            rule: "tld; content:\"co.uk\"; startswith; endswith;",
            payload: b"www.bbc.co.uk",
            alerts: true,
        },
        Example {
            rule: "tld; content:\"io\"; startswith; endswith;",
            payload: b"suricata.io",
            alerts: true,
        },
        Example { rule: "tld; content:\"co.uk\";", payload: b"www.bbc.com", alerts: false },
        Example { rule: "tld; content:\"co.uk\";", payload: b"co.uk", alerts: false },
    ],
    compile: |argument, builder| {
        none("tld", argument)?;
        add("tld", None, builder, |input, output| part(input, output, suffix))
    },
};

/// Bytes of the part that somebody registered.
fn registered(name: &[u8]) -> Option<usize> {
    psl::domain(name).map(|domain| domain.as_bytes().len())
}

/// Bytes of the suffix behind that.
fn suffix(name: &[u8]) -> Option<usize> {
    psl::domain(name).map(|domain| domain.suffix().as_bytes().len())
}

/// The last bytes of the name, as many as `length` says of it in lower case.
fn part(input: &[u8], output: &mut Vec<u8>, length: fn(&[u8]) -> Option<usize>) -> bool {
    let name = input.get(..NAME_BYTES_MAX + 1).unwrap_or(input).to_ascii_lowercase();
    if name.len() <= NAME_BYTES_MAX
        && let Some(from) = length(&name).and_then(|length| input.len().checked_sub(length))
    {
        output.extend_from_slice(input.get(from..).unwrap_or_default());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(name: &[u8]) -> [String; 2] {
        let of = |length: fn(&[u8]) -> Option<usize>| {
            let mut output = Vec::new();
            part(name, &mut output, length);
            output.escape_ascii().to_string()
        };
        [of(registered), of(suffix)]
    }

    #[test]
    fn names_without_a_registered_part_have_neither() {
        for name in ["co.uk", "com", "uk", "", ".", ".com"] {
            assert_eq!(both(name.as_bytes()), ["", ""], "{name}");
        }
        assert_eq!(both(b"www.bbc.co.uk"), ["bbc.co.uk", "co.uk"]);
        assert_eq!(both(b"WWW.Example.COM."), ["Example.COM.", "COM."], "with the root's dot");
    }

    #[test]
    fn names_that_are_too_long_are_none() {
        let name = |bytes: usize| [&b"a.".repeat(bytes / 2), &b"example.com"[..]].concat();
        assert_eq!(both(&name(NAME_BYTES_MAX - 11)), ["example.com", "com"]);
        assert_eq!(both(&name(NAME_BYTES_MAX)), ["", ""]);
    }
}
