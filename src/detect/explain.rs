//! A rule in plain words: what `rules explain` prints.
//!
//! The words come from the tables: a field says of itself what it is, an operator what it does.

use std::fmt::Write;

use super::catalog::Catalog;
use super::compile::MODIFIERS;
use super::events;
use super::header_bytes::header_bytes;
use super::operator::Operator;
use super::operators::operator;
use super::plan::{Kind, Planned};
use super::rule::{Action, Buffer, Rule};
use super::ruleset::Ruleset;
use super::syntax::{Arrow, OptionText, ParsedRule, protocol_word};
use super::variables::Variables;
use crate::field::{Kind as FieldKind, Row};
use crate::record::{Threshold, ThresholdKind, Track};

/// What is looked for before a rule is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastPattern {
    /// The buffer: `payload`, or a field's name.
    pub buffer: &'static str,
    /// The bytes, in lower case when case is ignored.
    pub bytes: Vec<u8>,
    /// Whether ASCII case is ignored.
    pub nocase: bool,
    /// Whether the rule names it; otherwise it is the rarest literal.
    pub named: bool,
}

impl FastPattern {
    /// As a rule writes it: `abc|0d 0a|`.
    pub fn text(&self) -> String {
        notation(&self.bytes)
    }
}

impl Ruleset {
    /// Each rule, in the order of evaluation, with what is looked for before it is looked at.
    pub fn listed(&self) -> impl Iterator<Item = (&Rule, Option<FastPattern>)> {
        self.planned().map(|planned| (&planned.rule, fast_pattern(planned)))
    }

    /// Says what the rule does that is written as `parsed`, in English, in lines. A rule that
    /// cannot match is not in the set: only what it asks for is told then.
    pub fn explain(&self, parsed: &ParsedRule<'_>, variables: &Variables) -> String {
        let planned = self.planned().find(|planned| planned.rule.origin == parsed.origin);
        let mut text = String::new();
        if let Some(planned) = planned {
            title(planned, &mut text);
        }
        who(parsed, planned, variables, &mut text);
        for section in sections(parsed) {
            let _ = writeln!(text, "\n{}", section.title);
            section.lines.iter().for_each(|line| bullet(line, &mut text));
        }
        match planned {
            Some(planned) => {
                moment(planned, &mut text);
                result(&planned.rule, &mut text);
            }
            None => text.push_str(
                "\nIt is not looked at here: it did not load, a later revision took its place, or \
                 it asks for a protocol or an event that this sensor does not look for.\n",
            ),
        }
        text
    }
}

fn bullet(line: &str, text: &mut String) {
    let _ = writeln!(text, "  - {line}");
}

fn title(planned: &Planned, text: &mut String) {
    let rule = &planned.rule;
    let signature = &rule.signature;
    let _ = writeln!(text, "{}", signature.message);
    let _ = writeln!(
        text,
        "Number {} (generator {}), revision {}, {} line {}.",
        signature.sid, signature.gid, signature.rev, rule.origin.file, rule.origin.line
    );
    let kind = match signature.category.as_str() {
        "" => "not classified",
        category => category,
    };
    let _ = writeln!(text, "Kind of attack: {kind}. Severity {} (1 is most severe).", {
        signature.severity
    });
}

/// Who talks to whom over what, which way.
fn who(
    parsed: &ParsedRule<'_>,
    planned: Option<&Planned>,
    variables: &Variables,
    text: &mut String,
) {
    let end = |addresses: &str, ports: &str| {
        let addresses = if addresses == "any" { "any address" } else { addresses };
        let ports = if ports == "any" { "any port".to_owned() } else { format!("port {ports}") };
        format!("{addresses}, {ports}")
    };
    let arrow = match parsed.arrow {
        Arrow::There => "to",
        Arrow::BothWays => "to or from",
        Arrow::Transaction => "asks",
    };
    let _ = writeln!(text, "\nWho: {} of {}", parsed.protocol.text, {
        let source = end(parsed.source.text, parsed.source_ports.text);
        let destination = end(parsed.destination.text, parsed.destination_ports.text);
        format!("{source} {arrow} {destination}.")
    });
    let words = [
        parsed.source.text,
        parsed.source_ports.text,
        parsed.destination.text,
        parsed.destination_ports.text,
    ];
    for (name, value) in variables.all() {
        let named = |word: &str| {
            let mut pieces = word.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
            pieces.any(|piece| piece.strip_prefix('$') == Some(name))
        };
        if words.iter().any(|word| named(word)) {
            bullet(&format!("${name} is {value}"), text);
        }
    }
    let Some(rule) = planned.map(|planned| &planned.rule) else { return };
    let flow = &rule.flow;
    for (there, line) in [
        (flow.to_server, "only what the client sends to the server"),
        (flow.to_client, "only what the server sends to the client"),
        (flow.established, "only once the connection is established"),
        (flow.not_established, "only before the connection is established"),
        (flow.only_stream, "only in the stream, put together from its segments"),
        (flow.no_stream, "only in single packets, not in the stream"),
        (flow.only_frag, "only in datagrams that came in fragments"),
        (flow.no_frag, "only in datagrams that came whole"),
    ] {
        if there {
            bullet(line, text);
        }
    }
}

/// Tests on one thing.
struct Section {
    title: String,
    lines: Vec<String>,
}

/// What is asked, in the order written, buffer by buffer.
fn sections(parsed: &ParsedRule<'_>) -> Vec<Section> {
    let catalog = Catalog::new();
    let mut sections = Sections { list: Vec::new(), heading: PAYLOAD.to_owned() };
    for option in &parsed.options {
        let name = option.keyword();
        let (name, value) = (name.as_ref(), option.value.map_or("", |value| value.text));
        if TOLD_ELSEWHERE.contains(&name) {
            continue;
        }
        if let Some(operator) = operator(name) {
            operation(operator, option, &mut sections);
        } else if let Some(buffer) = header_bytes(name) {
            sections.heading = format!("{}: {}", buffer.name, buffer.help);
        } else if let Some(row) = catalog.first(name) {
            match row.kind {
                FieldKind::Int { .. } => {
                    sections.add(OTHERWISE, format!("{} {value}: {}", row.name, row.help));
                }
                FieldKind::Bytes if MODIFIERS.contains(&name) => sections.move_last(heading(row)),
                FieldKind::Bytes => sections.heading = heading(row),
            }
        } else {
            sections.add(OTHERWISE, format!("{name} {value}"));
        }
    }
    sections.list
}

const PAYLOAD: &str = "In the payload";
const OTHERWISE: &str = "Beside that";

/// Options that the title, the line on who talks to whom or the result tell of.
const TOLD_ELSEWHERE: &[&str] = &[
    "msg",
    "sid",
    "gid",
    "rev",
    "classtype",
    "priority",
    "reference",
    "metadata",
    "target",
    "flow",
    "threshold",
    "detection_filter",
    "noalert",
    "alert",
];

fn heading(row: &Row) -> String {
    format!("In {} ({})", row.name, row.help.trim_end_matches('.'))
}

struct Sections {
    list: Vec<Section>,
    /// Of the next test.
    heading: String,
}

impl Sections {
    fn add(&mut self, title: &str, line: String) {
        match self.list.iter_mut().find(|section| section.title == title) {
            Some(section) => section.lines.push(line),
            None => self.list.push(Section { title: title.to_owned(), lines: vec![line] }),
        }
    }

    fn test(&mut self, line: String) {
        let heading = self.heading.clone();
        self.add(&heading, line);
    }

    /// Says more of the last test.
    fn more(&mut self, words: &str) {
        let heading = self.heading.as_str();
        let section = self.list.iter_mut().find(|section| section.title == heading);
        let last = section.and_then(|section| section.lines.last_mut());
        last.into_iter().for_each(|line| line.push_str(words));
    }

    /// Moves the last test: what the legacy modifiers do.
    fn move_last(&mut self, to: String) {
        let heading = self.heading.as_str();
        let Some(at) = self.list.iter().position(|section| section.title == heading) else {
            return;
        };
        let line = self.list.get_mut(at).and_then(|section| section.lines.pop());
        self.list.retain(|section| !section.lines.is_empty());
        line.into_iter().for_each(|line| self.add(&to, line));
    }
}

/// An operator in words.
fn operation(operator: &Operator, option: &OptionText<'_>, sections: &mut Sections) {
    let value = option.value.map_or("", |value| value.text);
    let (rest, negated) = match value.strip_prefix('!') {
        Some(rest) => (rest.trim_start(), true),
        None => (value, false),
    };
    match operator.name {
        "content" if negated => sections.test(format!("there is no {rest}")),
        "content" => sections.test(format!("there is {rest}")),
        "pkt_data" => sections.heading = PAYLOAD.to_owned(),
        "pcre" if negated => sections.test(format!("nothing matches {rest}")),
        "pcre" => sections.test(format!("something matches {rest}")),
        "nocase" => sections.more(", in upper or lower case"),
        "startswith" => sections.more(", at the very start"),
        "endswith" => sections.more(", at the very end"),
        "offset" => sections.more(&format!(", from byte {value} on")),
        "depth" => sections.more(&format!(", within {value} bytes")),
        "distance" => sections.more(&format!(", {value} bytes or more behind the last match")),
        "within" => sections.more(&format!(", within {value} bytes of that place")),
        "fast_pattern" => sections.more(" (looked for first)"),
        "flowbits" => sections.add(OTHERWISE, mark(value)),
        "decode-event" | "stream-event" | "app-layer-event" => {
            let layer = match operator.name {
                "decode-event" => events::Layer::Decode,
                "stream-event" => events::Layer::Stream,
                _ => events::Layer::Application,
            };
            let help = match events::event(layer, value) {
                events::Known::Raised(event) => event.help,
                _ => "not raised here.",
            };
            sections.add(OTHERWISE, format!("the event {value} happens: {help}"));
        }
        _ if operator.help.starts_with("Transforms") => {
            sections.test(format!("(first) {}: {}", operator.name, operator.help));
        }
        name if value.is_empty() => sections.test(format!("{name}: {}", operator.help)),
        name => sections.test(format!("{name} {value}: {}", operator.help)),
    }
}

fn mark(value: &str) -> String {
    let (command, names) = value.split_once(',').unwrap_or((value, ""));
    let names = names.trim().replace('|', " or ");
    match command.trim() {
        "set" => format!("it marks the conversation `{names}` for later rules"),
        "unset" => format!("it takes the mark `{names}` from the conversation"),
        "toggle" => format!("it turns the mark `{names}` of the conversation over"),
        "isset" => format!("an earlier rule marked the conversation `{names}`"),
        "isnotset" => format!("no earlier rule marked the conversation `{names}`"),
        _ => "it makes no alert of its own".to_owned(),
    }
}

/// When it is evaluated, and what is looked for first.
fn moment(planned: &Planned, text: &mut String) {
    let when = match planned.kind {
        Kind::Addresses => "once per conversation and direction, by addresses alone",
        Kind::Detection => "once the application protocol is known",
        Kind::Packet => "at every packet",
        Kind::Payload { packet: true, stream: true, .. } => {
            "at payload, in the stream and in packets outside of it"
        }
        Kind::Payload { stream: true, .. } => "at payload, in the stream alone",
        Kind::Payload { .. } => "at payload, packet by packet",
        Kind::Transaction => "when what it reads of a transaction is complete",
        Kind::Event => "when the event happens",
        Kind::Frame => "when the unit that it names has come",
    };
    let _ = writeln!(text, "\nIt is looked at {when}.");
    match fast_pattern(planned) {
        Some(fast) => {
            let case = if fast.nocase { " in any case" } else { "" };
            let why = if fast.named {
                "the rule says so (fast_pattern)"
            } else {
                "of its literals it is the one that ordinary traffic holds least"
            };
            let (bytes, buffer) = (fast.text(), fast.buffer);
            let _ = writeln!(
                text,
                "Looked for first, in the same pass as those of all rules: \"{bytes}\"{case} in \
                 {buffer}, because {why}."
            );
        }
        None => text.push_str("Nothing is looked for first: it has no literal for that.\n"),
    }
}

/// What comes of a match.
fn result(rule: &Rule, text: &mut String) {
    let signature = &rule.signature;
    let outcome = match rule.action {
        _ if rule.silent && rule.action != Action::Config => {
            "A match makes no alert; it is there for other rules"
        }
        Action::Config => "A match changes what is logged; it makes no alert",
        Action::Pass => "A match lets the traffic pass: no other rule alerts on it",
        _ => "A match makes an alert",
    };
    let _ = writeln!(text, "{outcome}.");
    if let Some(threshold) = &signature.threshold {
        let _ = writeln!(text, "{}", repeated(threshold));
    }
    if let Some(source) = signature.target_source {
        let end = if source { "source" } else { "destination" };
        let _ = writeln!(text, "Under attack is the {end}.");
    }
    let of = |key: &str| {
        let pairs = signature.metadata.iter().filter(move |(known, _)| *known == key);
        pairs.map(|(_, value)| value.replace('_', " ")).collect::<Vec<_>>().join(", ")
    };
    let techniques = of("mitre_technique_id");
    if !techniques.is_empty() {
        let names = [of("mitre_technique_name"), of("mitre_tactic_name")];
        let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let names =
            if names.is_empty() { String::new() } else { format!(" ({})", names.join("; ")) };
        let _ = writeln!(text, "ATT&CK technique: {techniques}{names}.");
    }
    let other = signature.metadata.iter().filter(|(key, _)| !key.starts_with("mitre_"));
    let other: Vec<String> = other.map(|(key, value)| format!("{key} {value}")).collect();
    if !other.is_empty() {
        let _ = writeln!(text, "Its author says: {}.", other.join(", "));
    }
    for (system, place) in signature.references.iter() {
        let _ = writeln!(text, "See {system} {place}");
    }
}

fn repeated(threshold: &Threshold) -> String {
    let Threshold { kind, track, count, seconds } = threshold;
    let by = match track {
        Track::BySource => "of one source",
        Track::ByDestination => "of one destination",
        Track::ByBoth => "of one pair of addresses",
        Track::ByRule => "in all",
        Track::ByFlow => "of one conversation",
    };
    match kind {
        ThresholdKind::Limit if *count == 1 => {
            format!("Matches {by} alert at most once in {seconds} seconds.")
        }
        ThresholdKind::Limit => {
            format!("Matches {by} alert at most {count} times in {seconds} seconds.")
        }
        ThresholdKind::Threshold => {
            format!("Every {count} matches {by} within {seconds} seconds make one alert.")
        }
        ThresholdKind::Both => {
            format!("The first {count} matches {by} within {seconds} seconds make one alert.")
        }
        ThresholdKind::DetectionFilter => {
            format!("Matches {by} alert once there were more than {count} in {seconds} seconds.")
        }
        ThresholdKind::Backoff { multiplier } => format!(
            "Matches {by} alert at number {count}, then each time there are {multiplier} times as \
             many."
        ),
    }
}

/// What the filing of rules looks for first: see the groups of rules.
fn fast_pattern(planned: &Planned) -> Option<FastPattern> {
    let gate = planned.gate()?;
    let test = planned.rule.buffers.get(gate.buffer)?;
    let filed = match planned.kind {
        Kind::Payload { .. } => test.transforms.is_empty(),
        Kind::Transaction => planned
            .plans
            .iter()
            .any(|plan| plan.buffers.get(gate.buffer).copied().flatten().is_some()),
        _ => false,
    };
    filed.then(|| FastPattern {
        buffer: match test.buffer {
            Buffer::Payload => "payload",
            Buffer::Field(name) | Buffer::Frame(_, name) => name,
        },
        bytes: gate.literal.bytes.clone(),
        nocase: gate.literal.nocase,
        named: planned.rule.fast_pattern.is_some(),
    })
}

/// Bytes as a rule writes them: `abc|0d 0a|`.
fn notation(bytes: &[u8]) -> String {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"|\"\\;:".contains(&byte);
    let mut text = String::new();
    for run in bytes.chunk_by(|a, b| plain(*a) == plain(*b)) {
        match run.first() {
            Some(first) if plain(*first) => text.extend(run.iter().map(|byte| char::from(*byte))),
            _ => {
                let hex: Vec<String> = run.iter().map(|byte| format!("{byte:02x}")).collect();
                let _ = write!(text, "|{}|", hex.join(" "));
            }
        }
    }
    text
}

/// The protocol word of a rule's header, as rules write it.
pub fn protocol(rule: &Rule) -> &'static str {
    protocol_word(rule.header.carrier, rule.header.ip_version)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::detect::load;
    use crate::detect::syntax::RuleFile;

    fn explained(text: &str) -> String {
        let mut variables = Variables::default();
        let (set, diagnostics, _) = load(&[("x.rules".into(), text.to_owned())], &mut variables);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let file = RuleFile::new("x.rules", text);
        set.explain(&file.rules().rules[0], &variables)
    }

    #[test]
    fn a_rule_tells_all_that_it_does() {
        let text = explained(
            "alert http $EXTERNAL_NET any -> $HTTP_SERVERS any (msg:\"WEB x\"; \
             flow:established,to_server; http.uri; content:\"/a|0d 0a|\"; nocase; startswith; \
             content:!\"b\"; distance:3; pcre:\"/x+/i\"; flowbits:isset,seen; \
             threshold:type limit, track by_src, count 1, seconds 60; classtype:bad-unknown; \
             metadata:mitre_technique_id T1190, attack_target Server; reference:cve,2021-1; \
             sid:7; rev:3;)",
        );
        for part in [
            "WEB x\n",
            "Number 7 (generator 1), revision 3, x.rules line 1.",
            "Potentially Bad Traffic. Severity 2",
            "http of $EXTERNAL_NET, any port to $HTTP_SERVERS, any port.",
            "$HTTP_SERVERS is $HOME_NET",
            "only what the client sends",
            "In http.uri (",
            "there is \"/a|0d 0a|\", in upper or lower case, at the very start",
            "there is no \"b\", 3 bytes or more behind the last match",
            "something matches \"/x+/i\"",
            "marked the conversation `seen`",
            "\"/a|0d 0a|\" in any case in http.uri, because of its literals",
            "at most once in 60 seconds",
            "ATT&CK technique: T1190.",
            "attack_target Server",
            "See cve 2021-1",
        ] {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
    }

    #[test]
    fn legacy_modifiers_move_what_they_modify() {
        let text = explained(
            "alert tcp any any -> any 80 (msg:\"x\"; content:\"a\"; content:\"zq\"; http_uri; \
             fast_pattern; sid:1;)",
        );
        assert!(text.contains("In the payload\n  - there is \"a\""), "{text}");
        assert!(text.contains("  - there is \"zq\""), "{text}");
        assert!(text.contains("\"zq\" in http.uri, because the rule says so"), "{text}");
    }

    #[test]
    fn bytes_are_written_as_rules_write_them() {
        assert_eq!(notation(b"a\r\nb;"), "a|0d 0a|b|3b|");
        assert_eq!(notation(b"\0"), "|00|");
    }
}
