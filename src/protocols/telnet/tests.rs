//! Tests of the whole parser.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::parser::TelnetParser;
use super::samples::SAMPLES;
use super::*;
use crate::field::Node;
use crate::file::Wants;
use crate::net::Chunk;
use crate::protocols::{Moment, Signal};
use crate::time::Timestamp;

#[derive(Default)]
struct Told {
    done: Vec<Node>,
    logged: usize,
    events: Vec<&'static str>,
    frames: Vec<(&'static str, Vec<u8>)>,
    handed_over: bool,
    stopped: bool,
    memory: usize,
}

fn run(turns: &[(Direction, &[u8])]) -> Told {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 23,
        files: Wants { frames: true, ..Wants::NOTHING },
    };
    let mut parser = TelnetParser::default();
    let mut told = Told::default();
    let mut signals = Vec::new();
    let ends = [Direction::ToServer, Direction::ToClient].map(|way| (way, Chunk::End));
    let turns = turns.iter().map(|(way, bytes)| (*way, Chunk::Data(bytes)));
    for (way, chunk) in turns.chain(ends) {
        parser.parse(way, chunk, &moment, &mut signals);
        told.memory = told.memory.max(parser.memory());
        for signal in signals.drain(..) {
            match signal {
                Signal::Done { transaction } => {
                    let done = parser.take(transaction).unwrap();
                    told.logged += usize::from(done.is_logged());
                    told.done.push(Node::of(&*done));
                }
                Signal::Event { event, .. } => told.events.push(event.name),
                Signal::Frame(frame) => told.frames.push((frame.name, frame.bytes)),
                Signal::Handover(None) => told.handed_over = true,
                Signal::Stop => told.stopped = true,
                _ => {}
            }
        }
    }
    told
}

fn shown(node: &Node, wanted: &str) -> String {
    let Node::Object(pairs) = node else { return String::new() };
    let text = |node: &Node| match node {
        Node::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Node::Int(number) => number.to_string(),
        Node::Bool(truth) => truth.to_string(),
        _ => String::new(),
    };
    let found = pairs.iter().find(|(key, _)| key == wanted);
    found.map_or_else(String::new, |(_, node)| match node {
        Node::List(nodes) => nodes.iter().map(text).collect::<Vec<_>>().join("/"),
        node => text(node),
    })
}

fn logins(told: &Told) -> Vec<String> {
    let keys = ["user", "login", "cleartext_password"];
    told.done.iter().map(|node| keys.map(|key| shown(node, key)).join(" ")).collect()
}

#[test]
fn each_log_in_is_told_with_its_end() {
    let told = run(SAMPLES[0].turns);
    assert_eq!(logins(&told), ["anna failure true", "anna success true"]);
    let first = &told.done[0];
    let keys = ["terminal_type", "columns", "rows", "environment"];
    assert_eq!(keys.map(|key| shown(first, key)).join(" "), "XTERM 80 24 DISPLAY=a:0/PASSWORD");
    assert!(told.events.is_empty(), "{:?}", told.events);
    let told = run(SAMPLES[1].turns);
    assert_eq!(logins(&told), ["admin failure true", "root success true"]);
}

#[test]
fn passwords_are_not_kept() {
    for sample in SAMPLES {
        let all = format!("{:?}", run(sample.turns).done);
        let secret = format!("{:?}", b"secret");
        assert!(!all.contains(secret.trim_matches(['[', ']'])), "{}", sample.name);
    }
}

#[test]
fn values_of_variables_are_kept_of_known_ones_alone() {
    let sub = b"\xff\xfa\x27\x00\x00USER\x01anna\x03MYSQL_PWD\x01S3cr3tPw\x03token\x01S3cr3tPw\
        \x03PW=S3cr3tPw\x01x\x03LC_ALL\x01C\x03TOKEN\x01S3cr3tPw\xff\xf0";
    let told = run(&[(Direction::ToServer, sub)]);
    assert_eq!(shown(&told.done[0], "environment"), "USER=anna/MYSQL_PWD/TOKEN/PW/LC_ALL=C");
}

#[test]
fn names_are_asked_in_other_languages() {
    use Direction::{ToClient as Down, ToServer as Up};
    for prompt in [&b"Utente: "[..], b"NOME UTENTE:", b"Benutzername: "] {
        let told = run(&[(Down, prompt), (Up, b"anna\r\n"), (Down, b"Password: "), (Up, b"x\r\n")]);
        assert_eq!(logins(&told), ["anna unknown true"]);
    }
}

#[test]
fn to_change_a_password_is_no_failed_log_in() {
    use Direction::{ToClient as Down, ToServer as Up};
    let told = run(&[
        (Down, b"login: "),
        (Up, b"anna\r\n"),
        (Down, b"\r\nPassword: "),
        (Up, b"secret\r\n"),
        (Down, b"\r\nYour password has expired.\r\nCurrent password: "),
        (Up, b"secret\r\n"),
        (Down, b"\r\nNew password: "),
        (Up, b"secret\r\n"),
        (Down, b"\r\nRetype new password: "),
        (Up, b"secret\r\n"),
        (Down, b"\r\n$ "),
    ]);
    assert_eq!(logins(&told), ["anna success true"]);
}

#[test]
fn what_is_wrong_is_named_once() {
    let told = run(SAMPLES[2].turns);
    let expected = [
        "malformed_subnegotiation",
        "unknown_command",
        "user_is_option",
        "unterminated_subnegotiation",
    ];
    assert_eq!(told.events, expected);
    assert_eq!(shown(&told.done[0], "environment"), "USER=-f root");
    assert_eq!(shown(&told.done[0], "user"), "bruno");
    let long = [b"\xff\xfa\x18\x00".as_slice(), &[b'x'; 2000], b"\xff\xf0"].concat();
    assert_eq!(run(&[(Direction::ToServer, &long)]).events, ["subnegotiation_too_long"]);
}

#[test]
fn what_is_encrypted_is_left_alone() {
    assert!(run(SAMPLES[3].turns).handed_over);
    let told = run(SAMPLES[4].turns);
    assert!(told.stopped);
    assert_eq!(told.logged, 0);
}

#[test]
fn how_a_log_in_ends_is_told_from_what_is_asked_next() {
    use Direction::{ToClient as Down, ToServer as Up};
    let end = |last: &'static [(Direction, &'static [u8])]| {
        let first: [(Direction, &[u8]); 4] =
            [(Down, b"user: "), (Up, b"a\r\n"), (Down, b"\r\npassword: "), (Up, b"b\r\n")];
        logins(&run(&[&first, last].concat()))
    };
    assert_eq!(end(&[]), ["a unknown true"]);
    assert_eq!(end(&[(Down, b"\r\n# ")]), ["a success true"]);
    assert_eq!(end(&[(Down, b"\r\nuser: ")]), ["a failure true"]);
    assert_eq!(end(&[(Down, b"\r\nwrong\r\npassword: "), (Up, b"c\r\n")]).len(), 2);
    assert_eq!(end(&[(Down, b"\r\nMenu\r\n1) x\r\n?"), (Up, b"1")]), ["a success true"]);
    assert_eq!(end(&[(Up, b"typed ahead\r\n")]), ["a unknown true"]);
}

#[test]
fn frames_are_commands_and_lines() {
    use Direction::{ToClient as Down, ToServer as Up};
    let told = run(&[
        (Down, b"\xff\xfb\x01hello\r\nab\xff\xffc\xff\xf9login: "),
        (Up, b"\xff\xfa\x18\x00\xff\xff\xff\xf0root\r\0x"),
    ]);
    let expected: [(&str, &[u8]); 8] = [
        ("ctl", b"\xff\xfb\x01"),
        ("data", b"hello\r\n"),
        ("data", b"ab"),
        ("data", b"\xff\xffc"),
        ("ctl", b"\xff\xf9"),
        ("ctl", b"\xff\xfa\x18\x00\xff\xff\xff\xf0"),
        ("data", b"root\r\0"),
        ("data", b"x"),
    ];
    // Each is a unit, too, whatever it is.
    let (pdus, others): (Vec<_>, Vec<_>) =
        told.frames.iter().map(|(name, bytes)| (*name, &bytes[..])).partition(|of| of.0 == "pdu");
    let bytes = |all: &[(&str, &[u8])]| all.iter().map(|of| of.1.to_vec()).collect::<Vec<_>>();
    assert_eq!(bytes(&pdus), bytes(&others));
    let mut got = others;
    assert_eq!(got.pop(), Some(("data", &b"login: "[..])));
    assert_eq!(got, expected);
}

#[test]
fn whatever_is_sent_little_is_held() {
    let sub = [b"\xff\xfa\x18".as_slice(), &[b'x'; 100_000]].concat();
    let line = vec![b'x'; 100_000];
    for way in [Direction::ToServer, Direction::ToClient] {
        for bytes in [&sub, &line] {
            let told = run(&[(way, bytes)]);
            assert!(told.memory < 150_000, "{}", told.memory);
        }
    }
}
