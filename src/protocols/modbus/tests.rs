//! Tests of the whole parser.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::field::{Fields, Value};
use crate::protocols::Sample;

fn replay(sample: &Sample, size: usize) -> (Vec<String>, Vec<Node>) {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 502,
        files: crate::file::Wants::NOTHING,
    };
    let mut modbus = Modbus::default();
    let mut signals = Vec::new();
    for (way, bytes) in sample.turns {
        for part in bytes.chunks(size) {
            modbus.parse(*way, Chunk::Data(part), &moment, &mut signals);
        }
    }
    for way in [Direction::ToServer, Direction::ToClient] {
        modbus.parse(way, Chunk::End, &moment, &mut signals);
    }
    let told = signals.iter().map(|signal| format!("{signal:?}")).collect();
    let done = signals.iter().filter_map(|signal| match signal {
        Signal::Done { transaction } => modbus.take(*transaction),
        _ => None,
    });
    (told, done.map(|done| Node::of(&*done)).collect())
}

#[test]
fn cuts_change_nothing() {
    for sample in SAMPLES {
        let whole = replay(sample, usize::MAX);
        for size in 1..30 {
            assert_eq!(replay(sample, size), whole, "{} in pieces of {size}", sample.name);
        }
    }
}

fn text(node: &Node, path: &str) -> String {
    let mut node = node;
    for part in path.split('.') {
        let Node::Object(pairs) = node else { return String::new() };
        let Some(found) = pairs.iter().find(|(key, _)| key == part) else { return String::new() };
        node = &found.1;
    }
    match node {
        Node::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Node::Int(number) => number.to_string(),
        _ => String::new(),
    }
}

#[test]
fn functions_are_read() {
    let (_, done) = replay(&SAMPLES[0], usize::MAX);
    let shown: Vec<_> = done
        .iter()
        .map(|node| {
            ["request.function_code", "request.access_type", "response.exception.code"]
                .map(|path| text(node, path))
                .join(", ")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "RdCoils, READ | COILS, ",
            "RdHoldRegs, READ | HOLDING, ",
            "WrMultRegs, WRITE | HOLDING | MULTIPLE, ",
            "WrSingleCoil, WRITE | COILS | SINGLE, IllegalDataAddr",
        ]
    );
    let (_, done) = replay(&SAMPLES[1], usize::MAX);
    let names: Vec<_> = done.iter().map(|node| text(node, "request.function_code")).collect();
    assert_eq!(names, ["MaskWrReg", "RdWrMultRegs", "Diagnostic", "MEI"]);
    assert_eq!(text(&done[2], "request.diagnostic.code"), "ForceListenOnlyMode");
}

#[test]
fn written_values_are_fields() {
    let frame = b"\0\x03\0\0\0\x0b\x0a\x10\0\x05\0\x02\x04\0\x0b\x01\0";
    let request = Message::parse(Direction::ToServer, frame);
    let transaction = Transaction { id: 0, request, response: None };
    let row = Transaction::FIELDS.iter().find(|f| f.name == "modbus.write_value").unwrap();
    let mut values = Vec::new();
    (row.read)(&transaction, &mut |value| match value {
        Value::Int(number) => values.push(number),
        Value::Bytes(_) => {}
    });
    assert_eq!(values, [11, 256]);
}

#[test]
fn violations_are_named() {
    let (told, done) = replay(&SAMPLES[2], usize::MAX);
    let told = told.join("\n");
    let names = [
        "modbus.unsolicited_response",
        "modbus.invalid_value",
        "modbus.invalid_protocol_id",
        "modbus.invalid_length",
        "Stop",
    ];
    for name in names {
        assert!(told.contains(name), "{name} in {told}");
    }
    assert_eq!(done.len(), 3);
}

#[test]
fn floods_stay_bounded() {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 502,
        files: crate::file::Wants::NOTHING,
    };
    let mut modbus = Modbus::default();
    let mut signals = Vec::new();
    for number in 0..100_000_u32 {
        let [_, _, a, b] = number.to_be_bytes();
        let frame = [a, b, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1];
        modbus.parse(Direction::ToServer, Chunk::Data(&frame), &moment, &mut signals);
        for signal in signals.drain(..) {
            if let Signal::Done { transaction } = signal {
                assert!(modbus.take(transaction).is_some());
            }
        }
    }
    assert!(modbus.memory() < 1_000_000, "{}", modbus.memory());
}

#[test]
fn mutations_never_panic() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    for round in 0..4_000 {
        let mut data = Vec::new();
        for (way, bytes) in SAMPLES[round % SAMPLES.len()].turns {
            data.push(u8::from(*way == Direction::ToClient));
            data.push(u8::try_from(bytes.len()).unwrap());
            data.extend_from_slice(bytes);
        }
        for _ in 0..random() % 6 {
            let at = random() % data.len();
            data[at] = random() as u8;
        }
        fuzz_modbus(&data);
    }
}
