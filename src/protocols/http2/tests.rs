//! What the parser makes of its samples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::samples::SAMPLES;
use super::*;
use crate::field::{Fields, Node, Value};
use crate::net::Chunk;
use crate::protocols::{Moment, Signal};
use crate::time::Timestamp;

fn run(turns: &[(Direction, &[u8])]) -> (Http2, Vec<String>) {
    let mut parser = Http2::default();
    let mut signals = Vec::new();
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 80,
        files: crate::file::Wants::NOTHING,
    };
    for (way, bytes) in turns {
        parser.parse(*way, Chunk::Data(bytes), &moment, &mut signals);
    }
    for way in [Direction::ToServer, Direction::ToClient] {
        parser.parse(way, Chunk::End, &moment, &mut signals);
    }
    let name = |signal: &Signal| match signal {
        Signal::Ready { transaction, side, stage } => format!("{transaction} {side:?} {stage:?}"),
        Signal::Event { event, .. } => event.name.to_owned(),
        Signal::Done { transaction } => format!("{transaction} done"),
        Signal::File { transaction, index, .. } => format!("{transaction} file {index}"),
        _ => "another".to_owned(),
    };
    (parser, signals.iter().map(name).collect())
}

fn value(parser: &Http2, id: u64, name: &str, side: crate::field::Side) -> String {
    let mut fields = Stream::FIELDS.iter();
    let field = fields.find(|field| field.name == name && field.side == side).unwrap();
    let index = Stream::FIELDS.iter().position(|other| std::ptr::eq(other, field)).unwrap();
    let mut values = Vec::new();
    parser.transaction(id).unwrap().read(index, &mut |value| match value {
        Value::Bytes(bytes) => values.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(number) => values.push(number.to_string()),
    });
    values.join("|")
}

#[test]
fn a_request_and_its_response_are_read() {
    use crate::field::Side::{Request, Response};
    let (parser, told) = run(SAMPLES[0].turns);
    // Before it settings and window of the client, and settings of the server.
    let stream: Vec<_> = told.iter().filter(|told| told.starts_with('3')).collect();
    let wanted = [
        "3 Request Head",
        "3 Request Body",
        "3 Response Head",
        "3 Response Body",
        "3 file 1",
        "3 done",
    ];
    assert_eq!(stream, wanted);
    assert!(told.contains(&"http2.userinfo_in_uri".to_owned()));
    for (name, side, wanted) in [
        ("http.uri", Request, "/index.php?a=1"),
        ("http.host", Request, "example.org"),
        ("http.host.raw", Request, "user@Example.org:8080"),
        ("http.request_line", Request, "GET /index.php?a=1 HTTP/2\r\n"),
        ("http2.priority", Request, "219"),
        ("http.stat_code", Response, "200"),
        ("http.response_body", Response, "<html>benvenuti</html>"),
        ("http2.frametype", Response, "1|0"),
    ] {
        assert_eq!(value(&parser, 3, name, side), wanted, "{name}");
    }
    // The next names what it has in common with the first by the table alone.
    for (name, wanted) in [
        ("http.uri", "/index.php?a=1"),
        ("http.host", "example.org"),
        ("http.cookie", "session=1, b=2"),
    ] {
        assert_eq!(value(&parser, 4, name, Request), wanted, "{name}");
    }
    assert_eq!(value(&parser, 0, "http2.setting", Request), "12884901988|17179934719");
    assert_eq!(value(&parser, 1, "http2.window", Request), "34634");
    let Node::Object(pairs) = Node::of(parser.transaction(3).unwrap()) else { return };
    let keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_ref()).collect();
    let wanted = "version request_headers response_headers http_method url http_user_agent status \
                  length http2";
    assert_eq!(keys.join(" "), wanted);
}

#[test]
fn fields_are_put_together_and_trailers_come_after_the_head() {
    use crate::field::Side::{Request, Response};
    let (parser, told) = run(SAMPLES[1].turns);
    let id = 1;
    assert_eq!(value(&parser, id, "http.request_body", Request), "cmd=id");
    assert_eq!(value(&parser, id, "http.content_type", Request), "x-www-form-urlencoded");
    assert_eq!(value(&parser, id, "http2.frametype", Request), "1|9|0");
    assert_eq!(value(&parser, id, "http.response_body", Response), "not found");
    assert!(!value(&parser, id, "http.header_names", Response).contains("x-trailer"));
    assert!(value(&parser, id, "http2.header_name", Response).contains("x-trailer"));
    assert_eq!(told.iter().filter(|told| told.ends_with("done")).count(), 3, "no late reset");
}

#[test]
fn what_is_wrong_is_told() {
    let (_, told) = run(SAMPLES[2].turns);
    let events: Vec<_> = told.iter().filter_map(|told| told.strip_prefix("http2.")).collect();
    let wanted =
        ["invalid_frame_length", "data_stream_zero", "invalid_header", "invalid_frame_data"];
    assert_eq!(events, wanted);
}

#[test]
fn a_flood_of_streams_is_bounded() {
    let mut bytes = SAMPLES[0].turns[0].1[..24].to_vec();
    for stream in 0..20_000_u32 {
        bytes.extend(b"\x00\x00\x01\x01\x04");
        bytes.extend((2 * stream + 1).to_be_bytes());
        bytes.push(0x82);
    }
    let (parser, told) = run(&[(Direction::ToServer, &bytes)]);
    assert!(told.contains(&"http2.too_many_streams".to_owned()));
    assert!(parser.memory() < 64 << 20);
}
