//! Tests of the whole parser.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::field::{Field, Fields, Node, Side, Stage, Value};
use crate::net::Chunk;
use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::{Moment, Parser, Sample, Signal};
use crate::time::Timestamp;

const MOMENT: Moment = Moment {
    now: Timestamp::from_nanos(0),
    carrier: Carrier::Tcp,
    server_port: 80,
    files: crate::file::Wants::NOTHING,
};

/// Signals without what depends on cuts (nothing), and all fields and objects at the end.
fn replay(sample: &Sample, size: impl Fn(usize) -> usize) -> (Vec<String>, Vec<Transaction>) {
    let mut http = Http::default();
    let mut signals = Vec::new();
    for (way, bytes) in sample.turns {
        let mut rest = *bytes;
        while !rest.is_empty() {
            let count = size(bytes.len() - rest.len()).clamp(1, rest.len());
            http.parse(*way, Chunk::Data(&rest[..count]), &MOMENT, &mut signals);
            rest = &rest[count..];
        }
    }
    for way in [Direction::ToServer, Direction::ToClient] {
        http.parse(way, Chunk::End, &MOMENT, &mut signals);
    }
    let told = signals.iter().map(|signal| format!("{signal:?}")).collect();
    let mut done = Vec::new();
    for signal in &signals {
        if let Signal::Done { transaction } = signal {
            done.push(*http.transactions_mut().take(*transaction).unwrap());
        }
    }
    (told, done)
}

fn shown(t: &Transaction) -> (Vec<(String, Vec<u8>)>, Node) {
    let mut out = Vec::new();
    for Field { name, side, read, .. } in Transaction::FIELDS {
        read(t, &mut |value| {
            let bytes = match value {
                Value::Bytes(bytes) => bytes.to_vec(),
                Value::Int(number) => number.to_string().into_bytes(),
            };
            out.push((format!("{name} {side:?}"), bytes));
        });
    }
    (out, Node::of(t))
}

fn get(t: &Transaction, side: Side, name: &str) -> Option<String> {
    let (all, _) = shown(t);
    let key = format!("{name} {side:?}");
    all.into_iter().find(|(k, _)| *k == key).map(|(_, v)| String::from_utf8_lossy(&v).into_owned())
}

fn sample(name: &str) -> &'static Sample {
    SAMPLES.iter().find(|sample| sample.name == name).unwrap()
}

#[test]
fn cuts_change_nothing() {
    for sample in SAMPLES {
        let (told, whole) = replay(sample, |_| usize::MAX);
        let whole: Vec<_> = whole.iter().map(shown).collect();
        let longest = sample.turns.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        for cut in 0..longest {
            let step = |at: usize| {
                if cut == 0 {
                    1
                } else if at < cut {
                    cut - at
                } else {
                    usize::MAX
                }
            };
            let (again, cut_up) = replay(sample, step);
            assert_eq!(again, told, "{} cut at {cut}", sample.name);
            let cut_up: Vec<_> = cut_up.iter().map(shown).collect();
            assert_eq!(cut_up, whole, "{} cut at {cut}", sample.name);
        }
    }
}

#[test]
fn a_page_is_read() {
    let (_, done) = replay(sample("a page"), |_| usize::MAX);
    let [t] = &done[..] else { unreachable!() };
    let request = |name| get(t, Side::Request, name).unwrap();
    let response = |name| get(t, Side::Response, name).unwrap();
    assert_eq!(request("http.uri"), "/index.html?q=A");
    assert_eq!(request("http.uri.raw"), "/a/../index.html?q=%41");
    assert_eq!(request("http.host"), "example.org");
    assert_eq!(request("http.host.raw"), "Example.ORG:8080");
    assert_eq!(
        request("http.header"),
        "Host: Example.ORG:8080\r\nUser-Agent: test/1.0\r\nAccept: */*\r\n"
    );
    assert_eq!(request("http.header_names"), "\r\nHost\r\nUser-Agent\r\nCookie\r\nAccept\r\n\r\n");
    assert!(request("http.start").ends_with("Cookie: session=1\r\nAccept: */*\r\n\r\n"));
    assert_eq!(request("http.cookie"), "session=1");
    assert_eq!(response("http.cookie"), "session=2");
    assert_eq!(response("http.stat_code") + &response("http.stat_msg"), "200OK");
    assert_eq!(response("file.data"), "<html></html>");
    let Node::Object(pairs) = Node::of(t) else { unreachable!() };
    let keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_ref()).collect();
    assert_eq!(
        keys.join(" "),
        "hostname http_port url http_user_agent http_content_type http_method protocol status length"
    );
}

#[test]
fn pipelines_pair_in_order() {
    let (_, done) = replay(sample("pipelined requests, chunked and bodiless responses"), |_| 7);
    let pairs: Vec<_> = done
        .iter()
        .map(|t| (get(t, Side::Request, "http.uri").unwrap(), t.status().unwrap()))
        .collect();
    assert_eq!(pairs, [("/form".into(), 200), ("/x".into(), 200), ("/y".into(), 304)]);
    assert_eq!(get(&done[0], Side::Request, "http.request_body").unwrap(), "cmd=ls;");
    assert_eq!(get(&done[0], Side::Response, "http.response_body").unwrap(), "hello world");
    assert_eq!(
        get(&done[2], Side::Request, "http.header").unwrap(),
        "Host: a\r\nX-Long: one two, three\r\n"
    );
}

#[test]
fn codings_are_undone() {
    let (_, done) = replay(sample("gzip, until the connection closes"), |_| 3);
    assert_eq!(get(&done[0], Side::Response, "file.data").unwrap(), "hello world");
}

#[test]
fn a_bomb_stays_small() {
    use std::io::Write;
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(&vec![0; 50_000_000]).unwrap();
    let zip = zip.finish().unwrap();
    let mut http = Http::default();
    let mut signals = Vec::new();
    let mut feed = |way, bytes: &[u8]| http.parse(way, Chunk::Data(bytes), &MOMENT, &mut signals);
    feed(Direction::ToServer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    feed(Direction::ToClient, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    feed(Direction::ToClient, &zip);
    assert!(http.memory() < 400_000, "{}", http.memory());
    let full = |signal: &&Signal| {
        matches!(signal, Signal::Ready { side: Side::Response, stage: Stage::Body, .. })
    };
    assert_eq!(signals.iter().filter(full).count(), 1);
}

/// Names among many are found as among few: the first of its kind keeps its place, the next joins it.
#[test]
fn repeated_headers_are_joined_among_many() {
    for others in [0, 30, 31, 32, 200] {
        let mut head = String::from("GET / HTTP/1.1\r\nX-Twice: a\r\n");
        for number in 0..others {
            head.push_str(&format!("X-{number:03}: v\r\n"));
        }
        head.push_str("x-twice: b\r\nX-TWICE: c\r\nLast: d\r\n\r\n");
        let bytes: &'static [u8] = head.into_bytes().leak();
        let turns = vec![(ToServer, bytes)].leak();
        let (told, done) = replay(&Sample { name: "many", turns }, |left| left + 65_536);
        let names = get(&done[0], Side::Request, "http.header_names").unwrap();
        assert!(names.contains("X-Twice") && names.contains("Last"), "{others}: {names}");
        let of_headers = get(&done[0], Side::Request, "http.header").unwrap();
        assert!(of_headers.contains("X-Twice: a, b, c\r\n"), "{others}: {of_headers}");
        let repeated = told.iter().filter(|told| told.contains("header_repetition")).count();
        assert_eq!(repeated, 1, "{others}");
    }
}

#[test]
fn endless_heads_are_given_up() {
    for line in [&b"X-A: b\r\n"[..], b"xxxxxxxxxxxx"] {
        let mut http = Http::default();
        let mut signals = Vec::new();
        http.parse(Direction::ToServer, Chunk::Data(b"GET / HTTP/1.1\r\n"), &MOMENT, &mut signals);
        for _ in 0..1_000_000 {
            http.parse(Direction::ToServer, Chunk::Data(line), &MOMENT, &mut signals);
            if signals.iter().any(|signal| matches!(signal, Signal::Stop)) {
                break;
            }
        }
        assert!(signals.iter().any(|signal| matches!(signal, Signal::Stop)));
        assert!(http.memory() < 200_000);
    }
}

#[test]
fn lost_bytes_within_and_beyond_a_body() {
    let mut http = Http::default();
    let mut signals = Vec::new();
    let mut feed = |way, chunk| http.parse(way, chunk, &MOMENT, &mut signals);
    feed(Direction::ToServer, Chunk::Data(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"));
    feed(Direction::ToClient, Chunk::Data(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab"));
    feed(Direction::ToClient, Chunk::Gap(96));
    feed(Direction::ToClient, Chunk::Data(b"yz"));
    feed(Direction::ToServer, Chunk::Data(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"));
    feed(Direction::ToClient, Chunk::Gap(50));
    feed(Direction::ToClient, Chunk::Data(b"junk\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"));
    let done = signals.iter().filter(|signal| matches!(signal, Signal::Done { .. })).count();
    assert_eq!(done, 2);
    let first = http.transactions_mut().take(0).unwrap();
    assert!(first.response_body.has_gap());
    assert_eq!(first.response_body.kept(), Some(&b"abyz"[..]));
    assert_eq!(http.transactions_mut().take(1).unwrap().status(), Some(404));
}

/// What a conversation with losses comes to: method, target and status of each transaction.
fn told(turns: &[(Direction, Chunk<'_>)]) -> Vec<String> {
    let mut http = Http::default();
    let mut signals = Vec::new();
    for (way, chunk) in turns {
        http.parse(*way, *chunk, &MOMENT, &mut signals);
    }
    for way in [ToServer, ToClient] {
        http.parse(way, Chunk::End, &MOMENT, &mut signals);
    }
    let mut told = Vec::new();
    for signal in signals {
        if let Signal::Done { transaction } = signal {
            let done = http.transactions_mut().take(transaction).unwrap();
            let part = |at| String::from_utf8_lossy(done.request.part(at).unwrap_or(b"-")).into();
            let parts: [String; 2] = [part(0), part(1)];
            told.push(format!("{transaction} {} {:?}", parts.join(" "), done.status()));
        }
    }
    told.sort();
    told
}

/// The client waits for an answer before it asks again, so what comes after a loss answers the
/// last question, not the first that has no answer.
#[test]
fn after_a_loss_the_last_request_is_answered() {
    let ask = |target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    let (a, b, c) = (ask("/a"), ask("/b"), ask("/c"));
    let turns = [
        (ToServer, Chunk::Data(a.as_bytes())),
        (ToServer, Chunk::Data(b.as_bytes())),
        (ToServer, Chunk::Data(c.as_bytes())),
        (ToClient, Chunk::Gap(500)),
        (ToClient, Chunk::Data(b"rest\r\nHTTP/1.1 204 No\r\n\r\n")),
    ];
    assert_eq!(told(&turns), ["0 GET /a None", "1 GET /b None", "2 GET /c Some(204)"]);
}

/// Whatever came of a head is told, and an answer that did not wait for its end is its answer.
#[test]
fn a_torn_head_is_told_with_its_response() {
    let head = b"GET /a HTTP/1.1\r\nHost: a\r\nX-Long: xxxx";
    let answer = (ToClient, Chunk::Data(b"HTTP/1.1 431 Too large\r\nContent-Length: 0\r\n\r\n"));
    let lost = (ToServer, Chunk::Gap(300));
    for turns in [
        vec![(ToServer, Chunk::Data(head)), answer, lost],
        vec![(ToServer, Chunk::Data(head)), answer],
        vec![(ToServer, Chunk::Data(head)), lost, answer],
        vec![
            (ToServer, Chunk::Data(head)),
            answer,
            (ToServer, Chunk::Data(b"x\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")),
        ],
    ] {
        let told = told(&turns);
        assert_eq!(told[0], "0 GET /a Some(431)", "{turns:?}");
    }
}

/// Behind a body whose length is no plain number only a known method begins a request.
#[test]
fn a_doubtful_length_may_hide_more_of_the_body() {
    let twice = |length: &str, method: &str| {
        let text = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nx{method} /b HTTP/1.1\r\n\
             Host: a\r\n\r\n"
        );
        told(&[(ToServer, Chunk::Data(text.as_bytes()))]).len()
    };
    assert_eq!((twice("1", "ET"), twice("-1", "ET"), twice("-1", "GET")), (2, 1, 2));
}

#[test]
fn mutations_never_panic_and_stay_done() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    for round in 0..4_000 {
        let sample = &SAMPLES[round % SAMPLES.len()];
        let mut data = Vec::new();
        for (way, bytes) in sample.turns {
            let mut bytes = bytes.to_vec();
            for _ in 0..random() % 6 {
                let at = random() % bytes.len();
                match random() % 4 {
                    0 => bytes[at] = random() as u8,
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, *b"\r\n :;\0%0".get(random() % 8).unwrap()),
                    _ => bytes.truncate(at.max(1)),
                }
                if bytes.is_empty() {
                    bytes.push(b'x');
                }
            }
            let first = data.is_empty() && *way == Direction::ToClient;
            data.push(u8::from(first));
            data.extend_from_slice(&bytes);
        }
        fuzz_http(&data);
    }
}

#[test]
fn probes() {
    let to = |way, bytes| probe(way, Carrier::Tcp, bytes);
    assert_eq!(to(Direction::ToServer, b"GET / HTTP"), Probe::Yes);
    assert_eq!(to(Direction::ToServer, b"GE"), Probe::NeedMore);
    assert_eq!(to(Direction::ToServer, b"GET"), Probe::NeedMore);
    assert_eq!(to(Direction::ToServer, b"GETX / "), Probe::No);
    assert_eq!(to(Direction::ToClient, b"HTTP/1.1 200"), Probe::Yes);
    assert_eq!(to(Direction::ToClient, b"SSH-2.0"), Probe::No);
}

/// The body of the response to a GET, and what the header `x` holds.
fn body_of(response: &[u8]) -> (String, Option<String>) {
    let mut http = Http::default();
    let mut signals = Vec::new();
    let mut feed = |way, chunk| http.parse(way, chunk, &MOMENT, &mut signals);
    feed(Direction::ToServer, Chunk::Data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    // Byte by byte: what is found may not depend on cuts.
    response.chunks(1).for_each(|byte| feed(Direction::ToClient, Chunk::Data(byte)));
    feed(Direction::ToClient, Chunk::End);
    feed(Direction::ToServer, Chunk::End);
    let t = http.transactions_mut().take(0).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (t.response_body.kept().map(text).unwrap_or_default(), t.response.get(b"x").map(text))
}

#[test]
fn odd_responses_are_read_as_browsers_read_them() {
    let chunked = b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let heads: [&[u8]; 10] = [
        b"HTTP/1.1 200 ok\rTransfer-Encoding: chunked\rX: 1\r\n\r\n",
        b"HTTP/1.1 200 ok\n\rTransfer-Encoding: chunked\n\rX: 1\n\r\r\n\r\n",
        b"HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\r\nX: 1\n \n",
        b"HTTP/1.1 200 ok\r\nX: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 ok\r\nTransfer-Encoding\r\n \r\n :\r\n chunked\r\nX: 1\r\n\r\n",
        b"HTTP/1.1 200 ok\r\nTransfer-Encoding:\n\0chunked\r\nX: 1\r\n\r\n",
        b"HTTP/1.1 200 ok\r\nTransfer\0-Encoding: chu\0nked\r\nX: 1\r\n\r\n",
        b"HTTP/1.1 200 ok\r\nX: 1\r\n\r\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"welcome\r\nHTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n",
        b"\r \t\r\nHTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n",
    ];
    for head in heads {
        let found = body_of(&[head, chunked].concat());
        assert_eq!(found, ("abcdef".into(), Some("1".into())), "{}", head.escape_ascii());
    }
}

#[test]
fn a_body_that_is_not_framed_as_said_is_taken_as_it_is() {
    let body = |text: &str| body_of(text.as_bytes()).0;
    assert_eq!(body("HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\r\n\r\nplain"), "plain");
    assert_eq!(body("HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\r\n\r\nabc"), "abc");
    // A length that is no plain number is not believed, unless a response follows.
    assert_eq!(body("HTTP/1.1 200 ok\r\nContent-Length: 3 5\r\n\r\nplain"), "plain");
    assert_eq!(body("HTTP/1.1 200 ok\r\nContent-Length: 3;\r\n\r\nabcHT"), "abcHT");
    let two = "HTTP/1.1 200 ok\r\nContent-Length: 3;\r\n\r\nabcHTTP/1.1 404 no\r\n\r\n";
    assert_eq!(body(two), "abc");
}

#[test]
fn codings_that_are_not_there_or_oddly_named() {
    use flate2::{Compression, write};
    use std::io::Write;
    let mut raw = write::DeflateEncoder::new(Vec::new(), Compression::default());
    raw.write_all(b"well met").unwrap();
    let raw = raw.finish().unwrap();
    let mut zip = write::GzEncoder::new(Vec::new(), Compression::default());
    zip.write_all(b"well met").unwrap();
    let zip = zip.finish().unwrap();
    let body = |coding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 ok\r\nContent-Encoding: {coding}\r\n\r\n");
        body_of(&[head.as_bytes(), body].concat()).0
    };
    for coding in ["gzip", "gzip;", "\u{a0}gzip", "gz\0ip", "x-gzip", "gzip,deflate", "gzip, gzip"]
    {
        assert_eq!(body(coding, &zip), "well met", "{coding}");
    }
    for coding in ["deflate", "de\0flate", "deflate;", "deflate, deflate"] {
        assert_eq!(body(coding, &raw), "well met", "{coding}");
    }
    for coding in ["deflate", "gzip", "deflate,gzip", "gzip,deflate", "deflate,"] {
        assert_eq!(body(coding, b"X plain text"), "X plain text", "{coding}");
    }
}

#[test]
fn what_a_client_sends_is_decoded_too() {
    use std::io::Write;
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    zip.write_all(b"name=value").unwrap();
    let zip = zip.finish().unwrap();
    let head =
        format!("POST /a HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: {}", zip.len());
    let mut http = Http::default();
    let mut signals = Vec::new();
    let request = [head.as_bytes(), b"\r\n\r\n", &zip].concat();
    http.parse(Direction::ToServer, Chunk::Data(&request), &MOMENT, &mut signals);
    let t = http.transactions_mut().take(0).unwrap();
    assert_eq!(t.request_body.kept(), Some(&b"name=value"[..]));
}

/// Requests and responses as they stood on the wire, and whether they are complete.
fn frames(turns: &[(Direction, Chunk<'_>)]) -> Vec<(&'static str, Vec<u8>, bool)> {
    let files = crate::file::Wants { frames: true, ..crate::file::Wants::NOTHING };
    let moment = Moment { files, ..MOMENT };
    let (mut http, mut signals) = (Http::default(), Vec::new());
    for (way, chunk) in turns {
        http.parse(*way, *chunk, &moment, &mut signals);
    }
    let frame = |signal: Signal| match signal {
        Signal::Frame(frame) => Some((frame.name, frame.bytes, frame.complete)),
        _ => None,
    };
    signals.into_iter().filter_map(frame).collect()
}

#[test]
fn frames_are_whole_messages_and_end_where_bytes_are_lost() {
    let (first, second) =
        (&b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"[..], &b"GET /2 HTTP/1.1\r\n\r\n"[..]);
    let both = [b"\r\n", first, second].concat();
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nab";
    let turns = [
        (ToServer, Chunk::Data(&both)),
        (ToClient, Chunk::Data(head)),
        (ToClient, Chunk::Gap(3)),
        (ToClient, Chunk::Data(b"fgh")),
        (ToClient, Chunk::Data(b"HTTP/1.1 204 No\r\n\r\n")),
    ];
    let expected = [
        ("request", first.to_vec(), true),
        ("request", second.to_vec(), true),
        ("response", head.to_vec(), false),
        ("response", b"HTTP/1.1 204 No\r\n\r\n".to_vec(), true),
    ];
    assert_eq!(frames(&turns), expected);
}
