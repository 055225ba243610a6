//! What is written is of the published shape: ours for the golden cases, and, without our own
//! additions, that of the reference engine for every capture of the corpus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonschema::Validator;
use rivellino::capture;
use rivellino::control::schema;
use rivellino::detect::{self, Variables};
use rivellino::net::Direction;
use serde_json::Value;

use crate::golden::cases;
use crate::support::engine::{Engine, difference, rules};
use crate::support::packets::{Frames, LINK_RAW, datagram};
use crate::support::{corpus, files};

/// Records that the reference engine does not write, and objects that its records do not have: its
/// version 8 reads neither IMAP nor MySQL nor what Telnet says.
const OWN_EVENTS: &[&str] = &["incident", "dhcpv6", "imap", "llmnr", "mysql", "nbns", "telnet"];
const OWN_KEYS: &[&str] = &["finding", "dhcpv6", "imap", "llmnr", "mysql", "nbns", "telnet"];
/// Different violations that are shown.
const SHOWN: usize = 40;

/// Violations by kind of event, place and message, each with one line that shows it.
#[derive(Default)]
struct Violations(BTreeMap<String, (usize, String)>);

impl Violations {
    fn add(&mut self, schema: &Validator, event: &Value, whose: &str) {
        for error in schema.iter_errors(event) {
            let path: String = error.instance_path().to_string();
            let place: Vec<&str> =
                path.split('/').filter(|part| part.parse::<usize>().is_err()).collect();
            let what: String = error.to_string().chars().take(160).collect();
            let key = format!("{} {}: {what}", event["event_type"], place.join("/"));
            let (count, _) = self.0.entry(key).or_insert_with(|| (0, format!("{whose}: {event}")));
            *count += 1;
        }
    }

    fn none(&self) {
        let shown = self.0.iter().take(SHOWN);
        let text: Vec<String> = shown
            .map(|(what, (count, line))| {
                let line: String = line.chars().take(600).collect();
                format!("{count} x {what}\n    {line}")
            })
            .collect();
        assert!(self.0.is_empty(), "{} violations\n{}", self.0.len(), text.join("\n"));
    }
}

fn events(eve: &[u8]) -> impl Iterator<Item = Value> {
    let lines = eve.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap())
}

fn published() -> (Value, Validator) {
    let schema = schema::published().unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    (schema, validator)
}

#[test]
fn golden_cases_are_of_the_published_shape() {
    let (_, schema) = published();
    let mut violations = Violations::default();
    for (folder, case) in cases() {
        for event in events(&case.eve(1)) {
            violations.add(&schema, &event, &folder.display().to_string());
        }
    }
    violations.none();
}

#[test]
fn what_is_not_of_the_published_shape_is_refused() {
    let (_, schema) = published();
    let (_, case) = cases().into_iter().find(|(_, case)| case.anomaly).unwrap();
    for event in events(&case.eve(1)) {
        assert!(schema.is_valid(&event));
        let mut more = event.clone();
        more["surprise"] = 1.into();
        assert!(!schema.is_valid(&more), "a key that is not told of");
        let mut other = event.clone();
        other["event_type"] = "surprise".into();
        assert!(!schema.is_valid(&other));
        let mut fewer = event;
        fewer.as_object_mut().unwrap().remove("timestamp");
        assert!(!schema.is_valid(&fewer));
    }
}

/// Each key says what it means.
#[test]
fn every_key_of_the_published_shape_is_explained() {
    fn walk(schema: &Value, path: &str, missing: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                for (name, key) in
                    map.get("properties").and_then(Value::as_object).into_iter().flatten()
                {
                    let told = key.get("description").or_else(|| key.get("$ref"));
                    if told.is_none() {
                        missing.push(format!("{path}/{name}"));
                    }
                }
                let inner = map.iter().filter(|(key, _)| *key != "if");
                for (key, value) in inner {
                    let path = format!("{path}/{key}");
                    // A key of a record may be named as one of the schema language.
                    match (key.as_str(), value) {
                        ("properties" | "$defs", Value::Object(named)) => {
                            named.iter().for_each(|(name, value)| {
                                walk(value, &format!("{path}/{name}"), missing)
                            })
                        }
                        _ => walk(value, &path, missing),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, path, missing)),
            _ => {}
        }
    }
    let mut missing = Vec::new();
    walk(&published().0, "", &mut missing);
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn captures_of_the_corpus_are_of_both_shapes() {
    let Some(corpus) = corpus("schema over the corpus") else { return };
    let beside = corpus.parent().unwrap();
    let Ok(reference) = std::fs::read(beside.join("reference/eve-schema-8.0.6.json")) else {
        println!("skipped: no schema of the reference engine beside the corpus");
        return;
    };
    let reference: Value = serde_json::from_slice(&reference).unwrap();
    let reference = jsonschema::validator_for(&reference).unwrap();
    let (_, own) = published();
    let ruleset = std::fs::read(beside.join("rules/et-open.rules")).ok().map(|text| {
        let text = String::from_utf8_lossy(&text).into_owned();
        let texts = [(Arc::from("et-open.rules"), text)];
        Arc::new(detect::load(&texts, &mut Variables::default()).0)
    });
    let engine =
        Engine { ruleset, anomaly: true, arp: true, all_anomalies: true, ..Engine::default() };
    let (mut theirs, mut ours) = (Violations::default(), Violations::default());
    let mut kinds = BTreeSet::new();
    let mut count = 0;
    for path in files(&corpus.join("captures")) {
        let Ok(source) = capture::open(std::slice::from_ref(&path), None) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for mut event in events(&engine.run(source).0) {
            count += 1;
            kinds.insert(event["event_type"].to_string());
            ours.add(&own, &event, &name);
            if OWN_EVENTS.iter().any(|own| event["event_type"] == **own) {
                continue;
            }
            let keys = event.as_object_mut().unwrap();
            OWN_KEYS.iter().for_each(|own| drop(keys.remove(*own)));
            theirs.add(&reference, &event, &name);
        }
    }
    println!("{count} records: {kinds:?}");
    assert!(count > 0 && kinds.contains("\"arp\""));
    theirs.none();
    ours.none();
}

#[test]
fn messages_of_arp_are_told_where_they_are_wanted() {
    const ETHERNET: u16 = 1;
    let frame = |n: u8| {
        let mac = [2, 0, 0, 0, 0, n];
        // To all; of Ethernet for IPv4; the fourth is of a kind that has no name.
        let operation = if n == 4 { 9 } else { 1 + n % 2 };
        let head = [&[0xff; 6][..], &mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation]].concat();
        [&head[..], &mac, &[10, 0, 0, n], &[0; 6], &[10, 0, 0, 1]].concat()
    };
    let told = |arp, anomaly, workers| {
        let frames = (2..30).map(frame).collect();
        let engine = Engine { arp, anomaly, workers, ..Engine::default() };
        engine.run(Box::new(Frames::in_order(ETHERNET, frames))).0
    };
    let lines = told(true, false, 1);
    let first = events(&lines).next().unwrap();
    let arp = serde_json::json!({
        "hw_type": "ethernet", "proto_type": "ipv4", "opcode": "request",
        "src_mac": "02:00:00:00:00:02", "src_ip": "10.0.0.2",
        "dest_mac": "00:00:00:00:00:00", "dest_ip": "10.0.0.1"
    });
    assert_eq!((&first["event_type"], &first["arp"]), (&Value::from("arp"), &arp));
    let of: Vec<_> = events(&lines).map(|event| event["arp"]["opcode"].clone()).collect();
    assert_eq!((of.len(), &of[1], &of[2]), (28, &Value::from("reply"), &Value::from("9")));
    let mut violations = Violations::default();
    let (_, schema) = published();
    events(&lines).for_each(|event| violations.add(&schema, &event, "ARP"));
    violations.none();
    let of_arp = |lines: Vec<u8>| events(&lines).filter(|event| event.get("arp").is_some()).count();
    assert_eq!(told(true, true, 1), told(true, true, 4));
    assert_eq!(of_arp(told(true, true, 2)), 28);
    assert_eq!([of_arp(told(false, true, 1)), of_arp(told(false, false, 1))], [0, 0]);
}

/// What expressions capture, in alerts and records of flows: of the published shape, escaped, and
/// the same with any number of workers.
#[test]
fn captured_texts() {
    let text = r#"
alert udp any any -> any any (content:"user="; pcre:"/user=(\S+) pass=(\S+) ([^=]+)=(.+)/s, flow:u, alert:pass, pkt:key, pkt:value"; sid:1;)
alert udp any any -> any any (content:"bye"; flowvar:u,"bo"; sid:2;)
"#;
    let mut frames = Vec::new();
    for port in 40_000..40_016 {
        let login = format!("user=bo\"b{port} pass=\\x \"k\n=v\u{1}");
        frames.push(datagram(
            Direction::ToServer,
            (port, 9),
            &[login.as_bytes(), b"\xff"].concat(),
        ));
        frames.push(datagram(Direction::ToServer, (port, 9), b"bye"));
    }
    let run = |workers| {
        let engine = Engine { ruleset: Some(rules(text)), workers, ..Engine::default() };
        engine.run(Box::new(Frames::in_order(LINK_RAW, frames.clone()))).0
    };
    let eve = run(1);
    for workers in [2, 4] {
        let other = run(workers);
        assert!(other == eve, "{}", difference(&eve, &other));
    }
    let (_, validator) = published();
    let mut violations = Violations::default();
    let all: Vec<Value> = events(&eve).collect();
    all.iter().for_each(|event| violations.add(&validator, event, "ours"));
    violations.none();
    let of = |sid: u64| all.iter().find(|event| event["alert"]["signature_id"] == sid).unwrap();
    let (first, second) = (of(1), of(2));
    assert_eq!(first["alert"]["context"]["pass"], "\\x", "{first}");
    assert_eq!(first["metadata"]["flowvars"][0]["u"], "bo\"b40000", "{first}");
    let pair = first["metadata"]["pktvars"][0].as_object().unwrap();
    assert_eq!(pair.keys().collect::<Vec<_>>(), ["\"k\n"], "{first}");
    assert_eq!(second["metadata"]["flowvars"], first["metadata"]["flowvars"], "{second}");
    assert!(second["metadata"]["pktvars"].is_null(), "{second}");
    let flows = all.iter().filter(|event| event["event_type"] == "flow");
    let kept = flows.filter(|flow| flow["metadata"]["flowvars"][0]["u"].is_string());
    assert_eq!(kept.count(), 16);
}

/// Packets behind an alert whose rule has `tag`: whole, in order, of the published shape, the same with
/// any number of workers and wherever rounds end; none where no alert was told.
#[test]
fn kept_packets() {
    let mut frames = Vec::new();
    for text in ["before", "tell", "1", "2", "3", "4", "5"] {
        let send = |port| datagram(Direction::ToServer, (port, 9), text.as_bytes());
        frames.extend((40_000..40_008).map(send));
    }
    let kept = |options: &str, workers: usize, round: usize| {
        let text = format!(r#"alert udp any any -> any any (content:"tell"; {options} sid:1;)"#);
        let engine = Engine { ruleset: Some(rules(&text)), workers, round, ..Engine::default() };
        engine.run(Box::new(Frames::in_order(LINK_RAW, frames.clone()))).0
    };
    let (_, validator) = published();
    // Eight hosts, a flow each, and one server. With `limit` the first flow alone is told of.
    for (options, count) in [
        ("tag:session,4,packets;", 8 * 3),
        ("tag:session,3,packets; tag:session,4,packets;", 8 * 3),
        ("tag:session,4,packets; noalert;", 8 * 3),
        ("tag:session,4,packets; threshold:type limit, track by_rule, count 1, seconds 60;", 3),
        ("tag:session;", 8 * 5),
        ("tag:session,100,bytes;", 8 * 2),
        ("tag:host,6,packets; threshold:type limit, track by_rule, count 1, seconds 60;", 5),
        ("tag:host,60,seconds,src;", 8 * 5),
    ] {
        let eve = kept(options, 1, 1000);
        for (workers, round) in [(1, 1), (2, 7), (4, 1000)] {
            let other = kept(options, workers, round);
            assert!(other == eve, "{options} {workers}: {}", difference(&eve, &other));
        }
        let mut violations = Violations::default();
        let packets: Vec<Value> =
            events(&eve).filter(|event| event["event_type"] == "packet").collect();
        packets.iter().for_each(|event| violations.add(&validator, event, "ours"));
        violations.none();
        assert_eq!(packets.len(), count, "{options}");
        for packet in &packets {
            let number = packet["pcap_cnt"].as_u64().unwrap() as usize;
            let bytes = STANDARD.decode(packet["packet"].as_str().unwrap()).unwrap();
            assert!(bytes == frames[number - 1] && packet["packet_info"]["linktype"] == 101);
        }
    }
}
