//! Conversations and what is found in them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::Sip;
use super::samples::SAMPLES;
use super::*;
use crate::field::{Fields, Value};
use crate::file::Wants;
use crate::net::Chunk;
use crate::protocols::{Moment, Parser, Sample, Signal};
use crate::time::Timestamp;

fn parse(sample: &Sample, carrier: Carrier) -> (Sip, Vec<Signal>) {
    let moment =
        Moment { now: Timestamp::default(), carrier, server_port: 5060, files: Wants::NOTHING };
    let (mut sip, mut signals) = (Sip::default(), Vec::new());
    for (way, bytes) in sample.turns {
        sip.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
    }
    (sip, signals)
}

fn value(sip: &Sip, id: u64, name: &str) -> String {
    let index = Message::FIELDS.iter().position(|field| field.name == name).unwrap();
    let mut all = Vec::new();
    sip.transaction(id).unwrap().read(index, &mut |value| {
        if let Value::Bytes(bytes) = value {
            all.push(String::from_utf8_lossy(bytes).into_owned());
        }
    });
    all.join("|")
}

fn events(signals: &[Signal]) -> Vec<&'static str> {
    let name = |signal: &Signal| match signal {
        Signal::Event { event, .. } => Some(event.name),
        _ => None,
    };
    signals.iter().filter_map(name).collect()
}

#[test]
fn a_call_over_both_carriers() {
    for carrier in [Carrier::Udp, Carrier::Tcp] {
        let (sip, signals) = parse(&SAMPLES[0], carrier);
        assert_eq!(events(&signals), [""; 0]);
        assert_eq!(value(&sip, 0, "sip.from"), "Anna <sip:anna@example.org>;tag=1");
        assert_eq!(value(&sip, 0, "sdp.media.connection_data"), "IN IP4 192.0.2.2");
        assert_eq!(value(&sip, 0, "sdp.connection_data"), "IN IP4 192.0.2.1");
        assert_eq!(value(&sip, 1, "sip.stat_msg"), "Ringing");
        assert_eq!(value(&sip, 1, "sip.content_length"), "0");
        assert_eq!(value(&sip, 2, "sip.request_line"), "ACK sip:bruno@example.com SIP/2.0");
    }
}

#[test]
fn what_is_no_message_is_an_event() {
    let (sip, signals) = parse(&SAMPLES[1], Carrier::Udp);
    assert_eq!(events(&signals), ["invalid_data", "invalid_data"]);
    assert_eq!(value(&sip, 0, "sip.to"), "<sip:a@example.org> ;x");
    assert!(sip.transaction(1).is_none());
}

#[test]
fn other_protocols_with_the_same_words_are_not_taken() {
    let probe = |bytes| probe(Direction::ToServer, Carrier::Tcp, bytes);
    assert_eq!(probe(b"OPTIONS / HTTP/1.1\r\n"), Probe::No);
    assert_eq!(probe(b"OPTIONS sip:x SIP/2.0\r\n"), Probe::Yes);
    assert_eq!(probe(b"OPTIONS sip:x"), Probe::NeedMore);
    assert_eq!(probe(b"SIP/1"), Probe::No);
}
