//! Conversations and what is found in them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::Smtp;
use super::samples::SAMPLES;
use super::*;
use crate::field::{Fields, Node, Value};
use crate::file::{State, Wants};
use crate::net::Chunk;
use crate::protocols::{Moment, Parser, Sample, Signal};
use crate::time::Timestamp;

fn parse(sample: &Sample) -> (Smtp, Vec<Signal>) {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 25,
        files: Wants { md5: true, ..Wants::NOTHING },
    };
    let (mut smtp, mut signals) = (Smtp::default(), Vec::new());
    for (way, bytes) in sample.turns {
        smtp.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
    }
    for way in [Direction::ToServer, Direction::ToClient] {
        smtp.parse(way, Chunk::End, &moment, &mut signals);
    }
    (smtp, signals)
}

fn values(smtp: &Smtp, id: u64, name: &str) -> Vec<String> {
    let index = Mail::FIELDS.iter().position(|field| field.name == name).unwrap();
    let mut values = Vec::new();
    smtp.transaction(id).unwrap().read(index, &mut |value| {
        if let Value::Bytes(bytes) = value {
            values.push(String::from_utf8_lossy(bytes).into_owned());
        }
    });
    values
}

fn number(smtp: &Smtp, id: u64, name: &str) -> Option<u64> {
    let index = Mail::FIELDS.iter().position(|field| field.name == name).unwrap();
    let mut number = None;
    smtp.transaction(id).unwrap().read(index, &mut |value| {
        if let Value::Int(value) = value {
            number = Some(value);
        }
    });
    number
}

fn events(signals: &[Signal]) -> Vec<&'static str> {
    let name = |signal: &Signal| match signal {
        Signal::Event { event, .. } => Some(event.name),
        _ => None,
    };
    signals.iter().filter_map(name).collect()
}

fn done(signals: &[Signal]) -> usize {
    signals.iter().filter(|signal| matches!(signal, Signal::Done { .. })).count()
}

#[test]
fn envelope_message_and_attachments() {
    let (smtp, signals) = parse(&SAMPLES[0]);
    assert_eq!(values(&smtp, 0, "smtp.mail_from"), ["<anna@example.org>"]);
    assert_eq!(values(&smtp, 0, "smtp.rcpt_to"), ["<bruno@example.com>", "<carla@example.com>"]);
    assert_eq!(values(&smtp, 0, "email.received").len(), 2);
    assert_eq!(values(&smtp, 0, "email.url"), ["example.net/pay"]);
    assert_eq!(values(&smtp, 1, "smtp.helo"), ["mail.example.org"], "said once, holds for all");
    let file = |index| smtp.file(0, index).unwrap();
    assert_eq!((file(0).name.as_slice(), file(0).size()), (&b"run.exe"[..], 24));
    assert!(file(0).data().starts_with(b"MZ\x90\0") && file(0).md5().is_some());
    assert_eq!(file(1).data(), b"caff\xe8 nero \r\n");
    assert_eq!((file(1).state(), smtp.file(0, 2).is_none()), (State::Closed, true));
    assert_eq!((events(&signals), done(&signals)), (vec!["mime_invalid_qp"], 3));
    let Node::Object(beside) = Node::beside(smtp.transaction(0).unwrap()) else { return };
    let Node::Object(email) = &beside[0].1 else { return };
    let keys: Vec<_> = email.iter().map(|(key, _)| key.as_ref()).collect();
    assert_eq!(keys, ["status", "from", "to", "cc", "attachment", "url"]);
}

#[test]
fn chunks_are_counted_and_hold_no_commands() {
    let (smtp, signals) = parse(&SAMPLES[1]);
    assert_eq!(values(&smtp, 0, "smtp.rcpt_to"), ["<b@example.com>"]);
    assert_eq!((events(&signals), done(&signals)), (vec![], 1));
}

#[test]
fn what_follows_starttls_is_another_protocols() {
    let (_, signals) = parse(&SAMPLES[2]);
    assert!(matches!(signals.last(), Some(Signal::Handover(None))));
    assert_eq!(done(&signals), 1);
}

#[test]
fn violations_are_events_and_a_cut_file_is_truncated() {
    let (smtp, signals) = parse(&SAMPLES[3]);
    let all = events(&signals);
    for name in [
        "no_server_welcome_message",
        "duplicate_fields",
        "invalid_reply",
        "data_command_rejected",
        "invalid_pipelined_sequence",
        "tls_rejected",
        "bdat_chunk_len_exceeded",
        "unparsable_content",
    ] {
        assert!(all.contains(&name), "{name} in {all:?}");
    }
    let (id, file) = (0..4).find_map(|id| Some((id, smtp.file(id, 0)?))).unwrap();
    assert_eq!((id, file.state(), file.data()), (1, State::Truncated, &b""[..]));
}

#[test]
fn who_is_refused_and_who_logs_on_is_counted_for_each_mail() {
    use Direction::{ToClient, ToServer};
    let turns: &[(Direction, &[u8])] = &[
        (ToClient, b"220 posta ESMTP\r\n"),
        (ToServer, b"EHLO pc\r\n"),
        (ToClient, b"250-posta\r\n250 AUTH LOGIN PLAIN\r\n"),
        (ToServer, b"AUTH PLAIN AGFubmEAeA==\r\n"),
        (ToClient, b"535-5.7.8 no\r\n535 5.7.8 Authentication failed\r\n"),
        (ToServer, b"AUTH LOGIN\r\n"),
        (ToClient, b"334 VXNlcm5hbWU6\r\n"),
        (ToServer, b"YW5uYQ==\r\n"),
        (ToClient, b"334 UGFzc3dvcmQ6\r\n"),
        (ToServer, b"eA==\r\n"),
        (ToClient, b"535 5.7.8 Authentication failed\r\n"),
        (ToServer, b"AUTH PLAIN AGFubmEAeQ==\r\n"),
        (ToClient, b"235 2.7.0 Ok\r\n"),
        (ToServer, b"MAIL FROM:<anna@example.org>\r\n"),
        (ToClient, b"250 Ok\r\n"),
        (ToServer, b"RSET\r\n"),
        (ToClient, b"250 Ok\r\n"),
        (ToServer, b"NOOP\r\n"),
        (ToClient, b"250 Ok\r\n"),
    ];
    let (smtp, _) = parse(&Sample { turns, ..SAMPLES[0] });
    let told = |id| ["smtp.auth_refused", "smtp.logged_on"].map(|name| number(&smtp, id, name));
    assert_eq!((told(0), told(1)), ([Some(2), Some(1)], [Some(0), None]));
    let unasked: &[(Direction, &[u8])] =
        &[(ToClient, b"220 posta ESMTP\r\n535 no\r\n"), (ToServer, b"EHLO pc\r\n")];
    let (smtp, _) = parse(&Sample { turns: unasked, ..SAMPLES[0] });
    assert_eq!(number(&smtp, 0, "smtp.auth_refused"), Some(0));
    // Not a word of a password: the server wants encryption first.
    let not_so: &[(Direction, &[u8])] = &[
        (ToClient, b"220 posta ESMTP\r\n"),
        (ToServer, b"AUTH PLAIN AGFubmEAeA==\r\n"),
        (ToClient, b"530 5.7.0 Must issue a STARTTLS command first\r\n"),
    ];
    let (smtp, _) = parse(&Sample { turns: not_so, ..SAMPLES[0] });
    let told = ["smtp.auth_refused", "smtp.logged_on"].map(|name| number(&smtp, 0, name));
    assert_eq!(told, [Some(0), Some(0)]);
}
