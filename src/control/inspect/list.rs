//! `rules list`: one rule a line, for people or for programs.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::detect::Ruleset;
use crate::detect::explain::{FastPattern, protocol};
use crate::detect::rule::Rule;

/// Number, revision, severity, protocol, message, place; by number.
pub fn table(rules: &Ruleset, out: &mut dyn Write) -> anyhow::Result<()> {
    for (rule, _) in sorted(rules) {
        let signature = &rule.signature;
        writeln!(
            out,
            "{:>3}:{:<10} rev {:<3} severity {} {:<8} {}  ({}:{})",
            signature.gid,
            signature.sid,
            signature.rev,
            signature.severity,
            protocol(rule),
            signature.message,
            rule.origin.file,
            rule.origin.line
        )?;
    }
    Ok(())
}

/// One JSON object a line.
pub fn json(rules: &Ruleset, out: &mut dyn Write) -> anyhow::Result<()> {
    for (rule, fast) in sorted(rules) {
        writeln!(out, "{}", object(rule, fast.as_ref()))?;
    }
    Ok(())
}

fn sorted(rules: &Ruleset) -> Vec<(&Rule, Option<FastPattern>)> {
    let mut all: Vec<_> = rules.listed().collect();
    all.sort_by_key(|(rule, _)| (rule.signature.gid, rule.signature.sid));
    all
}

fn object(rule: &Rule, fast: Option<&FastPattern>) -> Value {
    let signature = &rule.signature;
    // A key may come several times: each has a list, as in EVE.
    let mut metadata = Map::new();
    for (key, value) in signature.metadata.iter() {
        let list = metadata.entry(key).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!(value));
        }
    }
    let references: Vec<Value> =
        signature.references.iter().map(|(system, place)| json!([system, place])).collect();
    json!({
        "sid": signature.sid,
        "gid": signature.gid,
        "rev": signature.rev,
        "msg": signature.message,
        "category": signature.category,
        "severity": signature.severity,
        "protocol": protocol(rule),
        "file": &*rule.origin.file,
        "line": rule.origin.line,
        "alerts": !rule.silent,
        "fast_pattern": fast.map(|fast| json!({
            "buffer": fast.buffer,
            "content": fast.text(),
            "nocase": fast.nocase,
            "named": fast.named,
        })),
        "metadata": metadata,
        "references": references,
    })
}
