//! Tests of the whole parser.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::FtpParser;
use super::samples::SAMPLES;
use super::*;
use crate::field::{Describe, Node};
use crate::file::Wants;
use crate::net::Chunk;
use crate::protocols::formats::announced::Announced;
use crate::protocols::{Expectation, Moment, Sample, Signal};
use crate::time::Timestamp;

struct Told {
    done: Vec<Box<dyn Describe>>,
    expected: Vec<Expectation>,
    events: Vec<&'static str>,
    handed_over: bool,
}

fn replay(sample: &Sample) -> Told {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 21,
        files: Wants::NOTHING,
    };
    let mut parser = FtpParser::default();
    let mut signals = Vec::new();
    for (way, bytes) in sample.turns {
        parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
    }
    parser.parse(Direction::ToClient, Chunk::End, &moment, &mut signals);
    let mut told = Told { done: vec![], expected: vec![], events: vec![], handed_over: false };
    for signal in signals {
        match signal {
            Signal::Done { transaction } => told.done.extend(parser.take(transaction)),
            Signal::Expect(expectation) => told.expected.push(*expectation),
            Signal::Event { event, .. } => told.events.push(event.name),
            Signal::Handover(None) => told.handed_over = true,
            _ => {}
        }
    }
    told
}

fn shown(done: &dyn Describe, wanted: &str) -> String {
    let Node::Object(pairs) = Node::of(done) else { return String::new() };
    let text = |node: &Node| match node {
        Node::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Node::Int(number) => number.to_string(),
        _ => String::new(),
    };
    let found = pairs.iter().find(|(key, _)| key == wanted);
    found.map_or_else(String::new, |(_, node)| match node {
        Node::List(nodes) => nodes.iter().map(text).collect::<Vec<_>>().join("/"),
        node => text(node),
    })
}

#[test]
fn every_command_has_its_reply() {
    let told = replay(&SAMPLES[0]);
    let pairs: Vec<(String, String)> = told
        .done
        .iter()
        .map(|done| (shown(&**done, "command"), shown(&**done, "completion_code")))
        .collect();
    let expected = [
        ("", "220/230/220"),
        ("USER", "331"),
        ("PASS", "230"),
        ("", "211/211"),
        ("PASV", "227"),
        ("RETR", "150/226"),
        ("PORT", "200"),
        ("STOR", "150/226"),
        ("QUIT", "221"),
    ];
    let expected: Vec<_> = expected.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    assert_eq!(pairs, expected);
    assert_eq!(shown(&*told.done[3], "reply"), "Features:/ EPSV/End");
    assert_eq!(shown(&*told.done[4], "dynamic_port"), "10002");
    assert_eq!(shown(&*told.done[6], "mode"), "active");
    assert!(told.events.is_empty());
}

#[test]
fn files_are_announced_where_they_will_come() {
    let told = replay(&SAMPLES[0]);
    let announced: Vec<_> = told
        .expected
        .iter()
        .map(|e| (e.address.map(|a| a.to_string()), e.port, Announced::from_bytes(&e.context)))
        .collect();
    let file = |store, name: &[u8]| {
        Some(Announced { store, way: Direction::ToClient, name: name.to_vec() })
    };
    let expected = [
        (None, 10002, file(false, b"readme.txt")),
        (Some("10.1.0.1".to_owned()), 10001, file(true, b"upload.bin")),
    ];
    assert_eq!(announced, expected);
}

#[test]
fn a_refused_port_announces_nothing_and_tls_takes_over() {
    let told = replay(&SAMPLES[1]);
    // What EPSV agreed upon stands: EPRT was refused.
    assert_eq!(told.expected.iter().map(|e| e.port).collect::<Vec<_>>(), [6446]);
    assert!(told.handed_over);
    assert_eq!(shown(&**told.done.last().unwrap(), "command"), "AUTH TLS");
}

#[test]
fn what_is_wrong_is_named() {
    let told = replay(&SAMPLES[2]);
    assert_eq!(told.events, ["file_without_name", "file_before_port"]);
    let loose = told.done.iter().find(|d| shown(&***d, "reply") == "lines");
    assert_eq!(shown(&**loose.unwrap(), "reply_received"), "yes");
}
