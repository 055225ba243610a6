//! How a stream is cut into segments, put out of order or sent again does not change what is
//! found in it: for every protocol, every sample, every row and every event.

use std::collections::BTreeMap;
use std::sync::Arc;

use rivellino::engine::Ruleset;
use rivellino::net::Direction;
use rivellino::protocols::{Carrier, PROTOCOLS, Protocol, Sample};
use serde_json::Value;

use crate::support::engine::{Engine, rules};
use crate::support::packets::{Frames, LINK_RAW, Segment, connection, datagram};

/// A conversation as it goes over the wire: segments, `None` where a turn ends.
type Way = Vec<Option<Segment>>;
/// What is found in a conversation, sorted.
type Found = Vec<String>;

const FIRST_PORT: u16 = 10_000;
/// A port that hints at no protocol.
const ODD_PORT: u16 = 45_678;
/// Conversations in one run of the engine.
const TOGETHER: usize = 400;

/// A rule for each row's example and for each event, so that what rules see is compared too.
fn rules_of(protocol: &Protocol) -> Arc<Ruleset> {
    let mut text = String::new();
    let name = protocol.name;
    let examples = (protocol.rows)().into_iter().map(|row| row.example.to_owned());
    let events = event_options(protocol);
    for (sid, options) in examples.chain(events).enumerate() {
        let sid = sid + 1;
        text += &format!("alert {name} any any -> any any (msg:\"{sid}\"; {options} sid:{sid};)\n");
    }
    rules(&text)
}

/// Rule options for each event of a protocol.
pub fn event_options(protocol: &Protocol) -> impl Iterator<Item = String> {
    let own = format!("{}.", protocol.name);
    protocol.events.iter().map(move |event| {
        let bare = event.name.strip_prefix(&own).unwrap_or(event.name);
        format!("app-layer-event:{own}{bare};")
    })
}

#[test]
fn every_cut_into_two() {
    on_every_sample(|turns, ways| {
        for (turn, (_, bytes)) in turns.iter().enumerate() {
            for cut in 1..bytes.len() {
                let cutter = |number: usize| if number == turn { cut } else { usize::MAX };
                ways.push((format!("turn {turn} cut at {cut}"), cut_up(turns, &cutter, false)));
            }
        }
    });
}

#[test]
fn small_segments() {
    on_every_sample(|turns, ways| {
        for size in [1, 2, 3, 7, 64] {
            ways.push((format!("{size} bytes a segment"), cut_up(turns, &|_| size, true)));
        }
    });
}

#[test]
fn reversed_order_within_a_turn() {
    on_every_sample(|turns, ways| {
        for size in [1, 5, 100] {
            let mut way = cut_up(turns, &|_| size, true);
            way.split_mut(Option::is_none).for_each(<[_]>::reverse);
            ways.push((format!("{size} bytes a segment, reversed"), way));
        }
    });
}

#[test]
fn segments_sent_twice() {
    on_every_sample(|turns, ways| {
        for size in [1, 10, 1000] {
            let once = cut_up(turns, &|_| size, true);
            let twice = once.iter().flat_map(|s| vec![s.clone(); 1 + usize::from(s.is_some())]);
            ways.push((format!("{size} bytes a segment, each twice"), twice.collect()));
            // The whole turn again, once all of it was seen.
            let turns = once.split_inclusive(Option::is_none);
            let again = turns.flat_map(|turn| [turn, &turn[..turn.len() - 1], &[None]].concat());
            ways.push((format!("{size} bytes a segment, each turn twice"), again.collect()));
        }
    });
}

#[test]
fn overlapping_segments() {
    on_every_sample(|turns, ways| {
        for (size, overlap) in [(4, 1), (10, 9), (100, 50)] {
            let name = format!("{size} bytes a segment, {overlap} of them sent before");
            let way = cut_up(turns, &|_| size, true);
            let mut whole: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
            turns.iter().for_each(|(way, bytes)| whole[way.index()].extend_from_slice(bytes));
            let stretch = |segment: Segment| {
                let start = segment.offset.saturating_sub(overlap);
                let end = segment.offset + segment.bytes.len();
                let bytes = whole[segment.way.index()][start..end].to_vec();
                Segment { offset: start, bytes, ..segment }
            };
            let way: Way = way.into_iter().map(|segment| segment.map(stretch)).collect();
            let mut reversed = way.clone();
            reversed.split_mut(Option::is_none).for_each(<[_]>::reverse);
            ways.push((name.clone(), way));
            ways.push((format!("{name}, reversed"), reversed));
        }
    });
}

/// Datagrams are not cut; sent once, they must be found again with any protocol beside them.
#[test]
fn datagrams() {
    for protocol in PROTOCOLS.iter().filter(|p| !p.carriers.contains(&Carrier::Tcp)) {
        for sample in protocol.samples {
            let port = protocol.ports.first().copied().unwrap_or(ODD_PORT);
            let send = |client| {
                let turns = sample.turns.iter();
                turns.map(move |(way, bytes)| datagram(*way, (client, port), bytes))
            };
            let engine = engine(protocol);
            let alone = found(&engine, send(FIRST_PORT).collect()).remove(&FIRST_PORT);
            let mut both: Vec<Vec<u8>> = Vec::new();
            send(FIRST_PORT).zip(send(FIRST_PORT + 1)).for_each(|(a, b)| both.extend([a, b]));
            let together = found(&engine, both).remove(&FIRST_PORT);
            assert_eq!(alone, together, "{}: {}", protocol.name, sample.name);
        }
    }
}

/// The turns of a sample; turns of one direction that follow each other are one.
type Turns = Vec<(Direction, Vec<u8>)>;

fn turns_of(sample: &Sample) -> Turns {
    let mut turns: Turns = Vec::new();
    for (way, bytes) in sample.turns {
        match turns.last_mut() {
            Some((last, all)) if last == way => all.extend_from_slice(bytes),
            _ => turns.push((*way, bytes.to_vec())),
        }
    }
    turns
}

/// Cuts each turn at the size given for it: once, or `repeatedly`.
fn cut_up(turns: &Turns, size: &dyn Fn(usize) -> usize, repeatedly: bool) -> Way {
    let mut offsets = [0usize; 2];
    let mut way = Vec::new();
    for (number, (direction, bytes)) in turns.iter().enumerate() {
        let mut rest = bytes.as_slice();
        let mut size = size(number);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            let offset = &mut offsets[direction.index()];
            way.push(Some(Segment { way: *direction, offset: *offset, bytes: piece.to_vec() }));
            *offset += piece.len();
            rest = after;
            size = if repeatedly { size } else { usize::MAX };
        }
        way.push(None);
    }
    way
}

fn engine(protocol: &Protocol) -> Engine {
    Engine { ruleset: Some(rules_of(protocol)), ..Engine::default() }
}

/// Compares what is found in each of the ways that `make` adds with what is found in the whole
/// turns, on the protocol's own port and, when it is looked for there, on another.
fn on_every_sample(make: impl Fn(&Turns, &mut Vec<(String, Way)>)) {
    let mut problems = Vec::new();
    for protocol in PROTOCOLS.iter().filter(|p| p.carriers.contains(&Carrier::Tcp)) {
        let engine = engine(protocol);
        let mut alerts = 0;
        for sample in protocol.samples {
            let turns = turns_of(sample);
            let mut ways = Vec::new();
            make(&turns, &mut ways);
            let own = protocol.ports.first().copied();
            let odd = protocol.anywhere.then_some(ODD_PORT);
            for port in own.into_iter().chain(odd) {
                let whole = send_all(&engine, port, &[cut_up(&turns, &|_| usize::MAX, true)]);
                let whole = &whole[0];
                alerts += whole.iter().filter(|line| line.starts_with("alert")).count();
                for part in ways.chunks(TOGETHER) {
                    let sent: Vec<Way> = part.iter().map(|(_, way)| way.clone()).collect();
                    for ((name, _), other) in part.iter().zip(send_all(&engine, port, &sent)) {
                        if other != *whole {
                            let what = difference(whole, &other);
                            problems.push(format!(
                                "{}, {}, port {port}, {name}: {what}",
                                protocol.name, sample.name
                            ));
                        }
                    }
                }
            }
        }
        // What is only ever announced by another protocol has no conversation of its own; what
        // has neither rows nor events has no rule.
        let ruled = !(protocol.rows)().is_empty() || !protocol.events.is_empty();
        let silent = protocol.samples.is_empty() || !ruled;
        assert!(silent || alerts > 0, "{}: no rule of any row matches any sample", protocol.name);
    }
    let shown: Vec<_> = problems.iter().take(20).map(String::as_str).collect();
    assert!(problems.is_empty(), "{} differ\n{}", problems.len(), shown.join("\n"));
}

fn difference(whole: &Found, other: &Found) -> String {
    let only = |a: &Found, b: &Found| -> Vec<String> {
        let mut b = b.clone();
        let mut rest = Vec::new();
        for line in a {
            match b.iter().position(|other| other == line) {
                Some(at) => drop(b.swap_remove(at)),
                None => rest.push(line.clone()),
            }
        }
        rest
    };
    let (lost, won) = (only(whole, other), only(other, whole));
    format!("\n    lost {}\n    new  {}", lost.join("\n         "), won.join("\n         "))
}

/// Sends conversations at once, interleaved frame by frame, each from a port of its own; what was
/// found in each.
fn send_all(engine: &Engine, port: u16, ways: &[Way]) -> Vec<Found> {
    let ports = FIRST_PORT..;
    let mut waiting: Vec<_> =
        ports.zip(ways).map(|(client, way)| connection((client, port), way).into_iter()).collect();
    let mut frames = Vec::new();
    loop {
        let before = frames.len();
        frames.extend(waiting.iter_mut().filter_map(Iterator::next));
        if frames.len() == before {
            break;
        }
    }
    let mut found = found(engine, frames);
    (FIRST_PORT..).zip(ways).map(|(client, _)| found.remove(&client).unwrap_or_default()).collect()
}

/// What is found in each conversation, by the client's port: all but when, and in which packet.
fn found(engine: &Engine, frames: Vec<Vec<u8>>) -> BTreeMap<u16, Found> {
    let (eve, report) = engine.run(Box::new(Frames::in_order(LINK_RAW, frames)));
    assert_eq!(report.stats.segments_dropped, 0);
    let mut found: BTreeMap<u16, Found> = BTreeMap::new();
    for line in eve.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_slice(line).unwrap();
        let ports = ["src_port", "dest_port"].map(|key| event[key].as_u64().unwrap() as u16);
        let client = ports.into_iter().find(|port| (FIRST_PORT..ODD_PORT).contains(port)).unwrap();
        found.entry(client).or_default().push(essence(&event));
    }
    found.values_mut().for_each(|found| found.sort());
    found
}

fn essence(event: &Value) -> String {
    let kind = event["event_type"].as_str().unwrap();
    match kind {
        // What the transaction held at the match depends on how far it had come.
        "alert" => {
            let (sid, way) = (&event["alert"]["signature_id"], &event["direction"]);
            format!("alert {sid} {} {way} {}", event["tx_id"], event["app_proto"])
        }
        "flow" => {
            let flow = &event["flow"];
            let keys = ["state", "reason", "alerted", "tx_cnt"].map(|key| flow[key].to_string());
            format!("flow {} {}", keys.join(" "), event["app_proto"])
        }
        "anomaly" => format!("anomaly {}", event["anomaly"]),
        kind => format!("{kind} {} {}", event["tx_id"], event[kind]),
    }
}
