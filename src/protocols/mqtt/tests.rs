//! Conversations and what is found in them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::Mqtt;
use super::samples::SAMPLES;
use super::*;
use crate::field::{Fields, Value};
use crate::file::Wants;
use crate::net::Chunk;
use crate::protocols::{Moment, Parser, Signal};
use crate::time::Timestamp;

fn parse(turns: &[(Direction, &[u8])]) -> (Mqtt, Vec<Signal>) {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 1883,
        files: Wants::NOTHING,
    };
    let (mut mqtt, mut signals) = (Mqtt::default(), Vec::new());
    for (way, bytes) in turns {
        mqtt.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
    }
    (mqtt, signals)
}

fn values(mqtt: &Mqtt, id: u64, name: &str) -> Vec<String> {
    let index = Exchange::FIELDS.iter().position(|field| field.name == name).unwrap();
    let mut all = Vec::new();
    mqtt.transaction(id).unwrap().read(index, &mut |value| {
        all.push(match value {
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::Int(number) => number.to_string(),
        });
    });
    all
}

fn events(signals: &[Signal]) -> Vec<(u64, &'static str)> {
    let name = |signal: &Signal| match signal {
        Signal::Event { transaction, event, .. } => Some((transaction.unwrap(), event.name)),
        _ => None,
    };
    signals.iter().filter_map(name).collect()
}

#[test]
fn answers_belong_to_what_they_answer() {
    let (mqtt, signals) = parse(SAMPLES[0].turns);
    assert_eq!(events(&signals), []);
    assert_eq!(values(&mqtt, 0, "mqtt.type"), ["1", "2"]);
    assert_eq!(values(&mqtt, 0, "mqtt.connect.password"), ["secret"]);
    assert_eq!(values(&mqtt, 0, "mqtt.connect.willmessage"), ["gone"]);
    assert_eq!(values(&mqtt, 1, "mqtt.subscribe.topic"), ["plant/#"]);
    assert_eq!(values(&mqtt, 1, "mqtt.reason_code"), ["1"]);
    assert_eq!(values(&mqtt, 2, "mqtt.publish.message"), ["temp 21.5"]);
    assert_eq!(values(&mqtt, 3, "mqtt.type"), ["3", "5", "6", "7"]);
    assert_eq!(values(&mqtt, 7, "mqtt.reason_code"), ["129"]);
    let done = signals.iter().filter(|signal| matches!(signal, Signal::Done { .. })).count();
    assert_eq!(done, 8);
}

#[test]
fn what_is_out_of_turn_is_an_event() {
    let (_, signals) = parse(SAMPLES[1].turns);
    let all = events(&signals);
    for expected in [
        (0, "unintroduced_message"),
        (1, "unintroduced_message"),
        (2, "missing_connect"),
        (3, "missing_publish"),
        (4, "missing_subscribe"),
        (5, "missing_unsubscribe"),
        (7, "double_connect"),
        (8, "invalid_qos_level"),
    ] {
        assert!(all.contains(&expected), "{expected:?} in {all:?}");
    }
}

#[test]
fn a_message_that_does_not_fit_ends_the_reading() {
    let (mqtt, signals) = parse(SAMPLES[2].turns);
    assert_eq!(events(&signals), [(1, "malformed_traffic")]);
    assert!(matches!(signals.last(), Some(Signal::Stop)));
    assert!(mqtt.memory() < 4096);
}

#[test]
fn a_client_that_is_never_answered_stays_bounded() {
    let mut mqtt = Mqtt::default();
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 1883,
        files: Wants::NOTHING,
    };
    let mut signals = Vec::new();
    for number in 0..5000_u16 {
        let mut message = b"\x32\x8a\x20\0\x01t".to_vec();
        message.extend(number.to_be_bytes());
        message.resize(3 + 0x100a, b'x');
        mqtt.parse(Direction::ToServer, Chunk::Data(&message), &moment, &mut signals);
        for signal in std::mem::take(&mut signals) {
            if let Signal::Done { transaction } = signal {
                mqtt.take(transaction);
            }
        }
    }
    assert!(mqtt.memory() < 6 << 20, "{}", mqtt.memory());
}
