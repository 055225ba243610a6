//! Conversations and what is found in them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::Ldap;
use super::samples::SAMPLES;
use super::*;
use crate::field::{Fields, Value};
use crate::file::Wants;
use crate::net::Chunk;
use crate::protocols::{Moment, Parser, Signal};
use crate::time::Timestamp;

fn parse(turns: &[(Direction, &[u8])], carrier: Carrier) -> (Ldap, Vec<Signal>) {
    let moment =
        Moment { now: Timestamp::default(), carrier, server_port: 389, files: Wants::NOTHING };
    let (mut ldap, mut signals) = (Ldap::default(), Vec::new());
    for (way, bytes) in turns {
        ldap.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
    }
    for way in [Direction::ToServer, Direction::ToClient] {
        ldap.parse(way, Chunk::End, &moment, &mut signals);
    }
    (ldap, signals)
}

fn values(ldap: &Ldap, id: u64, name: &str) -> Vec<String> {
    let index = Exchange::FIELDS.iter().position(|field| field.name == name).unwrap();
    let mut all = Vec::new();
    ldap.transaction(id).unwrap().read(index, &mut |value| {
        all.push(match value {
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::Int(number) => number.to_string(),
        });
    });
    all
}

fn events(signals: &[Signal]) -> Vec<&'static str> {
    let name = |signal: &Signal| match signal {
        Signal::Event { event, .. } => Some(event.name),
        _ => None,
    };
    signals.iter().filter_map(name).collect()
}

#[test]
fn requests_and_responses_over_both_carriers() {
    for carrier in [Carrier::Tcp, Carrier::Udp] {
        let (ldap, signals) = parse(SAMPLES[0].turns, carrier);
        assert_eq!(events(&signals), [""; 0]);
        assert_eq!(values(&ldap, 0, "ldap.request.dn"), ["cn=anna,dc=example,dc=org"]);
        assert_eq!(values(&ldap, 1, "ldap.request.attribute_type"), ["cn", "mail"]);
        assert_eq!(values(&ldap, 1, "ldap.responses.operation"), ["4", "5"]);
        assert_eq!(values(&ldap, 1, "ldap.responses.result_code"), ["4"]);
        assert_eq!(values(&ldap, 1, "ldap.responses.attribute_type"), ["cn", "mail"]);
        assert_eq!(values(&ldap, 2, "ldap.request.attribute_type"), ["mail"]);
        assert_eq!(values(&ldap, 4, "ldap.responses.dn"), ["dc=example"]);
        assert_eq!(values(&ldap, 8, "ldap.request.operation"), ["2"]);
        let done = signals.iter().filter(|signal| matches!(signal, Signal::Done { .. })).count();
        assert_eq!(done, 9);
    }
}

#[test]
fn what_follows_starttls_is_another_protocols() {
    let (ldap, signals) = parse(&SAMPLES[1].turns[..2], Carrier::Tcp);
    assert!(matches!(signals.last(), Some(Signal::Handover(None))));
    assert_eq!(ldap.left_over(), 1, "what is behind the response is not lost");
}

#[test]
fn what_cannot_be_read_is_told_once() {
    let (ldap, signals) = parse(SAMPLES[2].turns, Carrier::Tcp);
    assert_eq!(events(&signals), ["request_not_found", "invalid_data"]);
    assert_eq!(values(&ldap, 1, "ldap.responses.message"), ["bye"]);
    assert!(matches!(signals.last(), Some(Signal::Stop)));
}

#[test]
fn deep_filters_are_passed_over() {
    let mut filter = b"\x87\x01x".to_vec();
    for _ in 0..5000 {
        let mut outer = vec![0xa2, 0x83];
        outer.extend(&u32::try_from(filter.len()).unwrap().to_be_bytes()[1..]);
        outer.extend(&filter);
        filter = outer;
    }
    let mut search = b"\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0".to_vec();
    search.extend(&filter);
    search.extend(b"\x30\0");
    let wrap = |tag: u8, bytes: &[u8]| {
        let mut all = vec![tag, 0x83];
        all.extend(&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..]);
        all.extend(bytes);
        all
    };
    let message = wrap(0x30, &[b"\x02\x01\x01".to_vec(), wrap(0x63, &search)].concat());
    let (ldap, signals) = parse(&[(Direction::ToServer, &message)], Carrier::Tcp);
    assert_eq!(events(&signals), [""; 0]);
    assert_eq!(values(&ldap, 0, "ldap.request.operation"), ["3"]);
}

#[test]
fn the_probe_wants_an_operation() {
    let probe = |bytes| probe(Direction::ToServer, Carrier::Tcp, bytes);
    assert_eq!(probe(SAMPLES[0].turns[0].1), Probe::Yes);
    assert_eq!(probe(&SAMPLES[0].turns[0].1[..4]), Probe::NeedMore);
    assert_eq!(probe(b"\x30\x0a\x02\x01\x01\x04\x06public"), Probe::No);
    assert_eq!(probe(b"\x30\x80\x02\x01\x01\x60"), Probe::No);
    assert_eq!(probe(b"GET / HTTP"), Probe::No);
}
