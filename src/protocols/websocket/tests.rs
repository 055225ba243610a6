//! Frames and messages.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::WebSocket;
use super::samples::SAMPLES;
use super::*;
use crate::field::{Fields, Value};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::{Moment, Parser, Signal};
use crate::time::Timestamp;

fn parse(turns: &[(Direction, &[u8])]) -> (Vec<(u8, Vec<u8>)>, Vec<&'static str>) {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 80,
        files: Wants::NOTHING,
    };
    let (mut parser, mut signals) = (WebSocket::default(), Vec::new());
    for (way, bytes) in turns {
        parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
    }
    assert!(parser.memory() < 1 << 20);
    let (mut frames, mut events) = (Vec::new(), Vec::new());
    for signal in signals {
        match signal {
            Signal::Done { transaction } => {
                let frame = parser.take(transaction).unwrap();
                let at = |name| Frame::FIELDS.iter().position(|f| f.name == name).unwrap();
                let (mut opcode, mut payload) = (0, Vec::new());
                frame.read(at("websocket.opcode"), &mut |v| {
                    if let Value::Int(n) = v {
                        opcode = n as u8;
                    }
                });
                frame.read(at("websocket.payload"), &mut |v| {
                    if let Value::Bytes(bytes) = v {
                        payload = bytes.to_vec();
                    }
                });
                frames.push((opcode, payload));
            }
            Signal::Event { event, .. } => events.push(event.name),
            _ => {}
        }
    }
    (frames, events)
}

#[test]
fn the_last_fragment_shows_the_message_and_a_ping_is_none_of_it() {
    let (frames, events) =
        parse(&[(Direction::ToClient, b"\x01\x03hel\x89\x01x\x80\x02lo"), SAMPLES[0].turns[2]]);
    let shown: Vec<_> = frames.iter().map(|(code, bytes)| (*code, bytes.as_slice())).collect();
    assert_eq!(shown, [(1, &b"hel"[..]), (9, b"x"), (0, b"hello"), (1, b"hello")]);
    assert!(events.is_empty());
}

#[test]
fn compression_goes_on_over_messages_and_a_bomb_is_cut() {
    let (frames, events) = parse(&SAMPLES[1].turns[2..]);
    assert_eq!(frames[0].1, b"hello hello hello");
    assert_eq!(frames[1].1, b"hello hello again");
    assert_eq!((frames[2].1.len(), events), (262_144, vec!["reassembly_limit_reached"]));
}

#[test]
fn a_long_frame_is_read_to_the_limit_and_the_next_one_found() {
    let long = [b"\x82\x7f\0\0\0\0\0\x01\x11\x70".as_slice(), &[7; 70_000], b"\x81\x01y"].concat();
    let (frames, events) = parse(&[(Direction::ToClient, &long)]);
    assert_eq!((frames[0].1.len(), frames[1].1.as_slice()), (65_535, &b"y"[..]));
    assert_eq!(events, ["skip_end_of_payload"]);
    let endless = b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff".as_slice();
    assert!(parse(&[(Direction::ToClient, endless)]).0.is_empty());
}
