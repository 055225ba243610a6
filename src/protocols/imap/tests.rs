//! Tests of the whole parser.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::ImapParser;
use super::samples::SAMPLES;
use super::*;
use crate::field::{Fields, Node, Side, Value};
use crate::file::Wants;
use crate::net::Chunk;
use crate::protocols::{Moment, Signal};
use crate::time::Timestamp;

struct Told {
    done: Vec<Node>,
    events: Vec<&'static str>,
    files: Vec<(Side, Vec<u8>, Vec<u8>)>,
    fields: Vec<(&'static str, String)>,
    handed_over: bool,
    memory: usize,
}

fn run(turns: &[(Direction, Chunk<'_>)]) -> Told {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 143,
        files: Wants::NOTHING,
    };
    let mut parser = ImapParser::default();
    let mut told = Told {
        done: vec![],
        events: vec![],
        files: vec![],
        fields: vec![],
        handed_over: false,
        memory: 0,
    };
    let mut signals = Vec::new();
    for (way, chunk) in turns.iter().copied().chain([(Direction::ToClient, Chunk::End)]) {
        parser.parse(way, chunk, &moment, &mut signals);
        told.memory = told.memory.max(parser.memory());
        for signal in signals.drain(..) {
            match signal {
                Signal::File { transaction, side, index } => {
                    let file = parser.file(transaction, index).unwrap();
                    told.files.push((side, file.name.clone(), file.data().to_vec()));
                }
                Signal::Done { transaction } => {
                    // Of very many at once the oldest are dropped.
                    let Some(done) = parser.take(transaction) else { continue };
                    for (index, field) in Transaction::FIELDS.iter().enumerate() {
                        done.read(index, &mut |value| {
                            let text = match value {
                                Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                                Value::Int(number) => number.to_string(),
                            };
                            told.fields.push((field.name, text));
                        });
                    }
                    told.done.push(Node::of(&*done));
                }
                Signal::Event { event, .. } => told.events.push(event.name),
                Signal::Handover(None) => told.handed_over = true,
                _ => {}
            }
        }
    }
    told
}

fn replay(sample: usize) -> Told {
    let turns = SAMPLES[sample].turns.iter();
    run(&turns.map(|(way, bytes)| (*way, Chunk::Data(bytes))).collect::<Vec<_>>())
}

fn inner<'a>(node: &'a Node, wanted: &str) -> Option<&'a Node> {
    let Node::Object(pairs) = node else { return None };
    pairs.iter().find(|(key, _)| key == wanted).map(|(_, node)| node)
}

fn shown(node: &Node, wanted: &str) -> String {
    let text = |node: &Node| match node {
        Node::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Node::Bool(truth) => truth.to_string(),
        _ => String::new(),
    };
    inner(node, wanted).map_or_else(String::new, |node| match node {
        Node::List(nodes) => nodes.iter().map(text).collect::<Vec<_>>().join("/"),
        node => text(node),
    })
}

#[test]
fn commands_have_their_responses_and_mails_stand_alone() {
    let told = replay(0);
    let row = |node: &Node| ["command", "status"].map(|key| shown(node, key)).join(" ");
    let expected = [
        " OK",
        "CAPABILITY OK",
        "LOGIN OK",
        "SELECT OK",
        "FETCH ",
        "UID FETCH OK",
        "FETCH OK",
        "APPEND OK",
        "IDLE OK",
        "LOGOUT OK",
    ];
    assert_eq!(told.done.iter().map(row).collect::<Vec<_>>(), expected);
    assert_eq!(shown(&told.done[2], "user"), "an\"na");
    assert_eq!(shown(&told.done[2], "cleartext_password"), "true");
    assert_eq!(shown(&told.done[3], "mailbox"), "INBOX");
    assert_eq!(
        shown(&told.done[6], "responses"),
        "* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {14})/a5 OK"
    );
    assert_eq!(shown(&told.done[8], "responses"), "+ idling/* 2 EXISTS/a7 OK");
    assert!(told.events.is_empty(), "{:?}", told.events);
}

#[test]
fn mails_are_read_both_ways() {
    let told = replay(0);
    assert_eq!(told.files, [(Side::Response, b"a.txt".to_vec(), b"abc".to_vec())]);
    let values = |name: &str| {
        let rows = told.fields.iter().filter(|(field, _)| *field == name);
        rows.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(values("imap.email.direction"), ["1", "0"]);
    assert!(values("imap.email.body")[0].starts_with("--b\r\n\r\nhttp://example.net"));
    assert_eq!(values("imap.email.body")[1], "secret");
    assert!(values("imap.email.header").contains(&"x_mailer: M1"));
    assert!(values("imap.email.header.name").contains(&"content_type"));
    let mail = inner(&told.done[4], "email").unwrap();
    assert_eq!(shown(mail, "to"), "anna@example.org/carla@example.org");
    assert_eq!(shown(mail, "url"), "example.net/pay");
}

#[test]
fn users_are_told_and_passwords_are_not() {
    let told = replay(1);
    let row = |node: &Node| ["mechanism", "user", "cleartext_password"].map(|k| shown(node, k));
    let rows: Vec<String> = told.done.iter().skip(1).map(|node| row(node).join(" ")).collect();
    let expected = [
        " anna true",
        "PLAIN anna true",
        "LOGIN anna true",
        "CRAM-MD5 anna false",
        "XOAUTH2 anna true",
    ];
    assert_eq!(rows, expected);
    assert!(told.events.is_empty(), "{:?}", told.events);
    for told in (0..SAMPLES.len()).filter(|sample| *sample != 0).map(replay) {
        let all = format!("{:?} {:?}", told.done, told.fields);
        for secret in ["secret", "c2VjcmV0", "AGFubmEAc2", "dXNlcj1h", "xyz"] {
            let bytes = format!("{:?}", secret.as_bytes());
            assert!(!all.contains(secret), "{secret}");
            assert!(!all.contains(bytes.trim_matches(['[', ']'])), "{secret}");
        }
    }
}

#[test]
fn passwords_in_lines_that_are_wrong_are_not_kept() {
    let lines: [(&str, &str); 11] = [
        ("a LOGIN \"mario S3cr3tPw", "a LOGIN"),
        ("a LOGIN mario S3cr3tPw", "a LOGIN mario"),
        ("a LOGN mario S3cr3tPw", "a LOGN"),
        ("a LOGIN: mario S3cr3tPw", "a LOGIN:"),
        ("a LOGIN:mario:S3cr3tPw", "a LOGIN:"),
        ("a \"LOGIN\" mario S3cr3tPw", "a \"LOGIN\""),
        ("a XLOGIN mario S3cr3tPw", "a XLOGIN"),
        ("a ID (\"x\" \"S3cr3tPw\")", "a ID"),
        ("USER mario", "USER"),
        ("PASS S3cr3tPw", "PASS"),
        ("pass: S3cr3tPw", "pass:"),
    ];
    for (line, kept) in lines {
        let sent = format!("{line}\r\n");
        let told = run(&[(Direction::ToServer, Chunk::Data(sent.as_bytes()))]);
        assert_eq!(shown(&told.done[0], "requests"), kept);
        let all = format!("{:?}", told.fields) + &shown(&told.done[0], "command");
        assert!(!all.contains("S3cr3tPw"), "{line}: {all}");
    }
    let told = run(&[(Direction::ToServer, Chunk::Data(b"a LOGIN \"mario S3cr3tPw\r\n"))]);
    assert_eq!(shown(&told.done[0], "cleartext_password"), "true");
    assert_eq!(told.events, ["unterminated_string"]);
    let said = b"a NO LOGIN mario S3cr3tPw failed\r\n";
    for line in ["a LOGIN mario S3cr3tPw\r\n", "a LOGN mario S3cr3tPw\r\n"] {
        let asked = (Direction::ToServer, Chunk::Data(line.as_bytes()));
        let told = run(&[asked, (Direction::ToClient, Chunk::Data(said))]);
        assert!(shown(&told.done[0], "responses").ends_with("*** failed"));
    }
}

#[test]
fn a_flood_is_told_once_and_mails_of_a_command_are_counted() {
    let many = b"a NOOP\r\n".repeat(1000);
    let told = run(&[(Direction::ToServer, Chunk::Data(&many))]);
    assert_eq!(told.events, ["too_many_transactions"]);
    let mails = [b"a APPEND x".as_slice(), &b" {1+}\r\nm".repeat(100), b"\r\n"].concat();
    let told = run(&[(Direction::ToServer, Chunk::Data(&mails))]);
    assert_eq!(told.done.len(), 64);
}

#[test]
fn tls_takes_over_and_what_is_wrong_is_named() {
    assert!(replay(2).handed_over);
    let told = replay(3);
    let expected = [
        "unknown_command",
        "unknown_command",
        "invalid_request",
        "invalid_literal",
        "unmatched_response",
        "invalid_response",
        "command_behind_starttls",
    ];
    assert_eq!(told.events, expected);
    let refused = told.done.iter().find(|done| shown(done, "tag") == "b3").unwrap();
    assert_eq!((shown(refused, "status"), shown(refused, "email")), ("NO".into(), "".into()));
}

#[test]
fn a_hole_in_a_mail_costs_the_mail_alone() {
    let head: &[u8] =
        b"1 APPEND a {100+}\r\nFrom: x\r\nContent-Disposition: attachment; filename=f\r\n\r\n";
    let left = 100 - (head.len() - 19);
    let turns = [
        (Direction::ToServer, Chunk::Data(head)),
        (Direction::ToServer, Chunk::Gap(left as u64 - 3)),
        (Direction::ToServer, Chunk::Data(b"abc\r\n2 NOOP\r\n")),
        (Direction::ToClient, Chunk::Data(b"1 OK\r\n2 OK\r\n")),
        (Direction::ToServer, Chunk::Gap(9)),
        (Direction::ToServer, Chunk::Data(b"half a line\r\n3 NOOP\r\n")),
        (Direction::ToClient, Chunk::Data(b"3 OK\r\n")),
    ];
    let told = run(&turns);
    let commands: Vec<_> = told.done.iter().map(|done| shown(done, "command")).collect();
    assert_eq!(commands, ["APPEND", "NOOP", "NOOP"]);
    assert_eq!(told.files, [(Side::Request, b"f".to_vec(), b"".to_vec())]);
}

#[test]
fn whatever_is_sent_little_is_held() {
    let long = [b"1 ".as_slice(), &[b'a'; 100_000]].concat();
    let many = b"1 LOGIN {1000+}\r\n".to_vec();
    let literals = [b"1 X".as_slice(), &b" {3+}\r\nabc".repeat(10_000)].concat();
    let mail = [b"1 APPEND a {3000000+}\r\n\r\n".as_slice(), &[b'm'; 1_000_000]].concat();
    let answers = b"* 1 EXISTS\r\n".repeat(100_000);
    for (way, bytes, most) in [
        (Direction::ToServer, long, 32_000),
        (Direction::ToServer, many, 32_000),
        (Direction::ToServer, literals, 64_000),
        (Direction::ToServer, mail, 400_000),
        (Direction::ToClient, answers, 16 * 1024 * 1024),
    ] {
        let told = run(&[(way, Chunk::Data(&bytes))]);
        assert!(told.memory < most, "{} > {most}", told.memory);
    }
}
