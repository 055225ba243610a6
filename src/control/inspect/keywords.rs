//! `rules keywords`: the manual of the rule language, straight from the tables.

use std::io::Write;

use crate::decode::Headers;
use crate::detect::Catalog;
use crate::detect::diagnostic::nearest;
use crate::detect::header_bytes::HEADER_BYTES;
use crate::detect::operators::OPERATORS;
use crate::field::{Kind, Row, Side, rows};
use crate::flow::FlowView;
use crate::protocols::PROTOCOLS;

/// One keyword as the manual shows it.
pub struct Entry {
    /// As rules write it.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// What sort of keyword: `buffer of http, request`.
    pub kind: String,
    /// One sentence or a few.
    pub help: &'static str,
    /// How it is written.
    pub syntax: String,
    /// Options of rules that use it.
    pub examples: Vec<&'static str>,
}

/// Every keyword: fields of packets, of flows and of each protocol, then operators. A name that
/// both sides of a protocol have comes twice.
pub fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> =
        rows::<Headers>().iter().map(|row| field(row, "packets")).collect();
    entries.extend(HEADER_BYTES.iter().map(|buffer| Entry {
        name: buffer.name,
        aliases: &[],
        kind: "buffer of packets".to_owned(),
        help: buffer.help,
        syntax: format!("{};", buffer.name),
        examples: Vec::new(),
    }));
    entries.extend(rows::<FlowView>().iter().map(|row| field(row, "conversations")));
    for protocol in PROTOCOLS {
        entries.extend((protocol.rows)().iter().map(|row| field(row, protocol.name)));
    }
    entries.extend(OPERATORS.iter().map(|operator| Entry {
        name: operator.name,
        aliases: operator.aliases,
        kind: "operator".to_owned(),
        help: operator.help,
        syntax: operator.syntax.to_owned(),
        examples: operator.examples.iter().map(|example| example.rule).collect(),
    }));
    entries
}

fn field(row: &Row, of: &str) -> Entry {
    let what = match row.kind {
        Kind::Bytes => "buffer".to_owned(),
        Kind::Int { bits, .. } => format!("number of {bits} bits"),
    };
    let side = match row.side {
        Side::Request => ", of the client",
        Side::Response => ", of the server",
        Side::Either => "",
    };
    let syntax = match row.kind {
        Kind::Bytes => format!("{};", row.name),
        Kind::Int { names: [], .. } => {
            format!("{}:[<|<=|>|>=|!]<number>|<low>-<high>|&<mask>=<number>;", row.name)
        }
        Kind::Int { names, .. } => {
            let names: Vec<&str> =
                names.iter().map(|(name, _)| name.trim_start_matches('&')).collect();
            let name = row.name;
            format!(
                "{name}:[<|<=|>|>=|!]<number>|<low>-<high>|&<mask>=<number>|{};",
                names.join("|")
            )
        }
    };
    Entry {
        name: row.name,
        aliases: row.aliases,
        kind: format!("{what}, {of}{side}"),
        help: row.help,
        syntax,
        examples: vec![row.example],
    }
}

/// Name, kind and help of each, one a line, by name.
pub fn all(out: &mut dyn Write) -> anyhow::Result<()> {
    let mut entries = entries();
    entries.sort_by_key(|entry| entry.name);
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    for entry in &entries {
        writeln!(out, "{:width$}  {}. {}", entry.name, entry.kind, entry.help)?;
    }
    Ok(())
}

/// All that is known of the keyword `name`, which may be an alias.
///
/// # Errors
/// When there is none of that name: names the nearest.
pub fn one(name: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let all = entries();
    let named = |entry: &&Entry| entry.name == name || entry.aliases.contains(&name);
    let found: Vec<&Entry> = all.iter().filter(named).collect();
    if found.is_empty() {
        let known = all.iter().flat_map(|entry| std::iter::once(&entry.name).chain(entry.aliases));
        match near(name, known.copied()) {
            names if names.is_empty() => {
                anyhow::bail!("there is no keyword `{name}`: see `rivellino rules keywords`")
            }
            names => anyhow::bail!("there is no keyword `{name}`: did you mean {names}?"),
        }
    }
    for (number, entry) in found.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", entry.name)?;
        if !entry.aliases.is_empty() {
            writeln!(out, "  also     {}", entry.aliases.join(", "))?;
        }
        writeln!(out, "  kind     {}", entry.kind)?;
        writeln!(out, "  meaning  {}", entry.help)?;
        writeln!(out, "  syntax   {}", entry.syntax)?;
        for (number, example) in entry.examples.iter().enumerate() {
            writeln!(out, "  {:7}  {example}", if number == 0 { "example" } else { "" })?;
        }
    }
    Ok(())
}

/// The nearest name, and those that begin or end with what was written.
fn near(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let mut known: Vec<&str> = known.chain(Catalog::new().names()).collect();
    known.sort_unstable();
    known.dedup();
    let close = nearest(name, known.iter().copied());
    let parts = |other: &&&str| {
        name.len() >= SHORTEST_PART && (other.starts_with(name) || other.ends_with(name))
    };
    let mut names: Vec<&str> = close.into_iter().collect();
    for other in known.iter().filter(parts).take(NEAR_MAX) {
        if !names.contains(other) {
            names.push(other);
        }
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Names told that are near to one that is not known.
const NEAR_MAX: usize = 5;
/// Letters that a part of a name must have to stand for it.
const SHORTEST_PART: usize = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn told(name: &str) -> String {
        let mut out = Vec::new();
        one(name, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_manual_tells_each_keyword() {
        assert!(told("http.uri").contains("buffer, http, of the client"));
        assert!(told("ttl").starts_with("ip.ttl\n  also     ttl\n"));
        assert!(told("content").contains("example"));
        let mut out = Vec::new();
        all(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), entries().len());
    }

    #[test]
    fn a_slip_finds_its_name() {
        let error = one("http.ur", &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("`http.uri`"), "{error}");
        let error = one("zzzzzzz", &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("rivellino rules keywords"), "{error}");
    }
}
