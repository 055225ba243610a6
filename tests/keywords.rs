//! The rule language as its tables declare it: names, help, and every example run.

use std::collections::BTreeMap;
use std::sync::Arc;

use rivellino::decode::{self, Headers};
use rivellino::detect::events::rules_of_events;
use rivellino::detect::header_bytes::HEADER_BYTES;
use rivellino::detect::operators::OPERATORS;
use rivellino::detect::reputation::Reputations;
use rivellino::detect::rule::Buffer;
use rivellino::detect::{LoadSummary, Ruleset, Variables, load};
use rivellino::field::{Event, Row, Side, rows};
use rivellino::file::File;
use rivellino::flow::{self, FlowView};
use rivellino::protocols::{PROTOCOLS, identify};

use crate::rules::alerts;
use crate::rules::conversation::Conversation;

/// Every table of rows, with the protocol word that a rule over it has.
fn tables() -> Vec<(&'static str, Vec<Row>)> {
    let mut tables =
        vec![("ip", rows::<Headers>()), ("ip", rows::<FlowView>()), ("http", rows::<File>())];
    tables.extend(PROTOCOLS.iter().map(|protocol| (protocol.name, (protocol.rows)())));
    tables
}

fn loaded(rules: &str) -> (Arc<Ruleset>, LoadSummary, String) {
    let mut variables = Variables::default();
    let mut reputations = Reputations::default();
    assert!(reputations.categories("1,CnC,Command and control").is_empty());
    variables.companions.reputations = Some(Arc::new(reputations));
    let (set, diagnostics, summary) =
        load(&[("keywords.rules".into(), rules.to_owned())], &mut variables);
    let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    (Arc::new(set), summary, told.join("\n"))
}

fn rule(protocol: &str, options: &str) -> String {
    let sid = if options.contains("sid:") { "" } else { " sid:1;" };
    format!("alert {protocol} any any -> any any ({options}{sid})\n")
}

#[test]
fn every_field_example_compiles_and_uses_its_field() {
    let mut problems = Vec::new();
    let mut count = 0;
    for (protocol, rows) in tables() {
        for row in rows {
            count += 1;
            let (set, summary, told) = loaded(&rule(protocol, row.example));
            if summary.loaded != 1 {
                problems.push(format!("{}: `{}`: {told}", row.name, row.example));
                continue;
            }
            let uses = set.rules().any(|rule| {
                rule.buffers.iter().any(|test| test.buffer == Buffer::Field(row.name))
                    || rule.numbers.iter().any(|number| number.field == row.name)
            });
            if !uses {
                problems.push(format!("{}: `{}` does not use it", row.name, row.example));
            }
        }
    }
    assert!(count > 100, "only {count} rows");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_alias_is_the_same_keyword() {
    let mut problems = Vec::new();
    for (protocol, rows) in tables() {
        for row in rows {
            for alias in row.aliases {
                // A modifier stands behind its content, a buffer before it.
                let rules = [
                    row.example.replacen(row.name, alias, 1),
                    format!("content:\"x\"; {alias};"),
                    format!("{alias}; content:\"x\";"),
                ];
                let is_it = |options: &String| {
                    loaded(&rule(protocol, options)).0.rules().any(|rule| {
                        rule.buffers.iter().any(|test| test.buffer == Buffer::Field(row.name))
                            || rule.numbers.iter().any(|number| number.field == row.name)
                    })
                };
                if !rules.iter().any(is_it) {
                    problems.push(format!("{alias} is not {}", row.name));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn names_are_unique() {
    let mut owners: BTreeMap<&str, Vec<(usize, Side)>> = BTreeMap::new();
    for (table, (_, rows)) in tables().into_iter().enumerate() {
        for row in rows {
            for name in std::iter::once(&row.name).chain(row.aliases) {
                owners.entry(name).or_default().push((table, row.side));
            }
        }
    }
    let protocols = 2;
    let operators = tables().len();
    for operator in OPERATORS {
        for name in std::iter::once(&operator.name).chain(operator.aliases) {
            owners.entry(name).or_default().push((operators, Side::Either));
        }
    }
    for buffer in HEADER_BYTES {
        owners.entry(buffer.name).or_default().push((operators, Side::Either));
    }
    let mut problems = Vec::new();
    for (name, places) in owners {
        // Protocols may share a keyword, and the two sides of one may.
        let shared = places.iter().all(|(table, _)| (protocols..operators).contains(table));
        let mut distinct = places.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < places.len() || (places.len() > 1 && !shared) {
            problems.push(format!("{name}: {places:?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_keyword_and_event_says_what_it_is() {
    let mut told: Vec<(String, &str)> = Vec::new();
    for (_, rows) in tables() {
        told.extend(rows.iter().map(|row| (row.name.to_owned(), row.help)));
    }
    told.extend(OPERATORS.iter().map(|operator| (operator.name.to_owned(), operator.help)));
    told.extend(HEADER_BYTES.iter().map(|buffer| (buffer.name.to_owned(), buffer.help)));
    for (layer, events) in event_lists() {
        told.extend(events.iter().map(|event| (format!("{layer}: {}", event.name), event.help)));
    }
    told.extend(PROTOCOLS.iter().map(|protocol| (protocol.name.to_owned(), protocol.help)));
    let sentence = |help: &str| help.len() > 8 && help.ends_with('.') && !help.contains('\n');
    let problems: Vec<String> = told
        .iter()
        .filter(|(_, help)| !sentence(help))
        .map(|(name, help)| format!("{name}: `{help}` is no sentence"))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let unsaid: Vec<&str> = OPERATORS
        .iter()
        .filter(|operator| operator.syntax.is_empty())
        .map(|operator| operator.name)
        .collect();
    assert!(unsaid.is_empty(), "without syntax: {unsaid:?}");
}

fn event_lists() -> Vec<(&'static str, &'static [&'static Event])> {
    let mut lists =
        vec![("packet", decode::EVENTS), ("stream", flow::EVENTS), ("detection", identify::EVENTS)];
    lists.extend(PROTOCOLS.iter().map(|protocol| (protocol.name, protocol.events)));
    lists
}

#[test]
fn events_are_unique_and_their_generated_rules_compile() {
    let mut count = 0;
    for (layer, events) in event_lists() {
        let mut names: Vec<&str> = events.iter().map(|event| event.name).collect();
        names.sort_unstable();
        count += names.len();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{layer}: an event twice");
    }
    let text = rules_of_events();
    let (set, summary, told) = loaded(&text);
    assert_eq!((summary.loaded, summary.failed), (count as u64, 0), "{told}");
    // None is set aside as one that cannot match, and no number is used twice.
    assert_eq!(set.len(), count);
}

#[test]
fn every_operator_example_does_what_it_says() {
    let mut problems = Vec::new();
    let mut count = 0;
    for operator in OPERATORS {
        for example in operator.examples {
            count += 1;
            let (set, summary, told) = loaded(&rule("tcp", example.rule));
            if summary.loaded != 1 {
                problems.push(format!("{}: `{}`: {told}", operator.name, example.rule));
                continue;
            }
            let found = !alerts(&set, &Conversation::of(example.payload)).is_empty();
            if found != example.alerts {
                problems.push(format!(
                    "{}: `{}` on {:?}: alerts {found}",
                    operator.name,
                    example.rule,
                    String::from_utf8_lossy(example.payload)
                ));
            }
        }
    }
    assert!(count > 120, "only {count} examples");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
