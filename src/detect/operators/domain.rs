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
        add("domain", None, builder, |input, output| {
            part(input, output, |name| psl::domain(name).map(|domain| domain.as_bytes().len()))
        })
    },
};

/// `tld`.
pub static TLD: Operator = Operator {
    name: "tld",
    aliases: &[],
    help: "Transforms the buffer: to the public suffix of a host's name, such as `co.uk`; to \
           nothing when there is none.",
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
    ],
    compile: |argument, builder| {
        none("tld", argument)?;
        add("tld", None, builder, |input, output| {
            part(input, output, |name| psl::suffix(name).map(|suffix| suffix.as_bytes().len()))
        })
    },
};

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
