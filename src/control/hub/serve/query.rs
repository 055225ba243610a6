//! What the query of an address asks for (TAXII 2.1, 3.4 and 3.5).

use super::store::{Filter, Version};
use crate::outputs::hub::time;

/// Bytes of a query at most.
const QUERY_BYTES_MAX: usize = 8 * 1024;
/// Values of one parameter at most.
const VALUES_MAX: usize = 200;
/// Objects of a page when nothing is asked for.
const PAGE_OBJECTS: usize = 500;
/// Objects of a page at most.
const PAGE_OBJECTS_MAX: usize = 2_000;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) filter: Filter,
    /// Only what was added later: microseconds.
    pub(super) after: u64,
    pub(super) limit: usize,
}

/// Reads a query; an error says what is wrong.
pub(super) fn parse(query: &str) -> Result<Query, String> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(format!("the query has more than {QUERY_BYTES_MAX} bytes"));
    }
    let mut read = Query { filter: Filter::default(), after: 0, limit: PAGE_OBJECTS };
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let (key, value) = (decoded(key)?, decoded(value)?);
        let list = || value.split(',').map(str::to_owned).take(VALUES_MAX).collect::<Vec<_>>();
        match key.as_str() {
            "limit" => {
                let limit: usize = value.parse().map_err(|_| format!("limit {value:?}"))?;
                if limit == 0 {
                    return Err("limit 0".to_owned());
                }
                read.limit = limit.min(PAGE_OBJECTS_MAX);
            }
            // The token says where to go on; with it, nothing else does.
            "next" => {
                let next = u64::from_str_radix(&value, 16);
                read.after = read.after.max(next.map_err(|_| format!("next {value:?}"))?);
            }
            "added_after" => {
                let at = time::parse(&value).ok_or_else(|| format!("added_after {value:?}"))?;
                read.after = read.after.max(at.nanos() / 1_000);
            }
            "match[id]" => read.filter.ids = list(),
            "match[type]" => read.filter.kinds = list(),
            "match[spec_version]" => read.filter.specs = list(),
            "match[version]" => {
                let versions = value.split(',').take(VALUES_MAX).map(version);
                read.filter.versions = versions.collect::<Result<_, _>>()?;
            }
            // Others may be of an extension: they change nothing.
            _ => {}
        }
    }
    Ok(read)
}

fn version(text: &str) -> Result<Version, String> {
    Ok(match text {
        "first" => Version::First,
        "last" => Version::Last,
        "all" => Version::All,
        time => {
            let at = time::parse(time).ok_or_else(|| format!("match[version] {time:?}"))?;
            Version::At(at.nanos() / 1_000)
        }
    })
}

/// Percent signs and plus signs as what they stand for.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte.unwrap_or_default()).to_digit(16);
                let pair = digit(rest.next()).zip(digit(rest.next()));
                let (high, low) = pair.ok_or_else(|| format!("{text:?}: a lone percent sign"))?;
                // Two digits of base 16 are a byte.
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| format!("{text:?}: no UTF-8"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn queries_are_read() {
        let query = parse(
            "limit=7&added_after=2026-01-01T00:00:00.000001Z&match%5Btype%5D=note,sighting&\
             match[version]=all,2026-01-01T00%3A00%3A00Z&x=y",
        )
        .unwrap();
        assert_eq!((query.limit, query.after), (7, 1_767_225_600_000_001));
        assert_eq!(query.filter.kinds, ["note", "sighting"]);
        assert_eq!(query.filter.versions, [Version::All, Version::At(1_767_225_600_000_000)]);
        assert_eq!(parse("next=ff").unwrap().after, 255);
        assert_eq!(parse("limit=999999").unwrap().limit, PAGE_OBJECTS_MAX);
        for wrong in ["limit=0", "limit=x", "next=%20", "added_after=x", "match[version]=x", "a=%f"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
