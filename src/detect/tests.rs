//! Whole rules against packets and streams.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod kept;

use std::net::IpAddr;
use std::sync::Arc;

use super::diagnostic::Severity;
use super::{FlowView, Inspector, Item, Variables, load};
use crate::decode::{Headers, Ip, Tcp, Transport};
use crate::net::{Direction, Endpoint, ip_protocol};
use crate::record::{Alert, FlowCounters};

fn inspector(rules: &str) -> Inspector {
    let (set, diagnostics, summary) =
        load(&[("test.rules".into(), rules.to_owned())], &mut Variables::default());
    let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(summary.failed, 0, "{}", told.join("\n"));
    Inspector::new(Arc::new(set))
}

fn endpoints() -> (Endpoint, Endpoint) {
    let end = |last, port| Endpoint { addr: IpAddr::from([192, 0, 2, last]), port };
    (end(1, 40_000), end(2, 80))
}

fn headers() -> Headers {
    let (client, server) = endpoints();
    Headers {
        ip: Some(Ip {
            version: 4,
            source: client.addr,
            destination: server.addr,
            protocol: ip_protocol::TCP,
            ttl: 64,
            tos: 0,
            id: 0,
            flags: 0,
            length: 0,
            options: 0,
            fragment: None,
        }),
        transport: Transport::Tcp(Tcp {
            source: client.port,
            destination: server.port,
            flags: 0x18,
            ..Tcp::default()
        }),
        ..Headers::default()
    }
}

/// A flow's view when a packet to the server has come, with the stream as it stands then.
fn view(stream: [u64; 2], goes_on: bool) -> FlowView {
    let (client, server) = endpoints();
    FlowView {
        sealed: false,
        fresh: false,
        slot: 3,
        id: 7,
        direction: Direction::ToServer,
        established: true,
        client,
        server,
        protocol_number: ip_protocol::TCP,
        protocol: None,
        app_name: None,
        counters: FlowCounters::default(),
        first: false,
        goes_on,
        stream,
    }
}

/// A packet with this payload.
fn item<'a>(headers: &'a Headers, piece: &'a [u8], flow: &'a FlowView) -> Item<'a> {
    Item { payload: piece, streamed: true, ..Item::bare(headers, piece, Some(flow)) }
}

/// The rules' numbers that alert when `pieces` are sent to the server, one packet each, with all
/// packets in one batch or each in its own; the same whether packets and stream are searched at once
/// or apart.
fn sids(rules: &str, pieces: &[&[u8]], together: bool) -> Vec<u32> {
    let run = |at_once: bool| {
        let mut inspector = inspector(rules);
        let headers = headers();
        let mut alerts: Vec<(usize, Alert)> = Vec::new();
        let mut views = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            inspector.begin();
            inspector.stream(3, Direction::ToServer, piece);
            assert!(inspector.went_on_by(piece));
            views.push(view(inspector.streamed(3), at_once));
            if !together {
                inspector.inspect(&[item(&headers, piece, &views[number])], &mut alerts);
            }
        }
        if together {
            let items = pieces.iter().zip(&views);
            let items: Vec<_> = items.map(|(piece, view)| item(&headers, piece, view)).collect();
            inspector.inspect(&items, &mut alerts);
        }
        alerts.iter().map(|(_, alert)| alert.signature.sid).collect::<Vec<u32>>()
    };
    let found = run(true);
    assert_eq!(run(false), found, "searched apart");
    found
}

#[test]
fn what_is_filed_under_either_port_or_any_is_found() {
    let more = |header: &str, from: u32| -> String {
        let rule = |sid| format!("alert tcp {header} (content:\"never {sid}\"; sid:{sid};)\n");
        (from..from + 9).map(rule).collect()
    };
    let headers = ["any any -> any 80", "any 40000 -> any any", "any any -> any any"];
    let mut rules: String = (0..).zip(headers).map(|(n, h)| more(h, 100 * (n + 1))).collect();
    for (sid, header) in (1..).zip(headers) {
        let rule = format!("alert tcp {header} (content:\"needle {sid}\"; sid:{sid};)\n");
        rules.push_str(&rule);
    }
    rules.push_str("alert tcp any any -> any 81 (content:\"needle\"; sid:9;)\n");
    assert_eq!(sids(&rules, &[b"needle 1, needle 2", b" and needle 3"], true), [1, 2, 3]);
}

#[test]
fn a_packet_waits_for_inspection_while_a_rule_may_match() {
    let idle = |rules: &str, steps: &dyn Fn(&mut Inspector)| {
        let mut inspector = inspector(rules);
        steps(&mut inspector);
        let (headers, view) = (headers(), view(inspector.streamed(3), false));
        inspector.is_idle(&Item::bare(&headers, b"", Some(&view)))
    };
    let seen = |inspector: &mut Inspector| {
        let (headers, view) = (headers(), view(inspector.streamed(3), false));
        let mut alerts = Vec::new();
        inspector.inspect(&[Item::bare(&headers, b"", Some(&view))], &mut alerts);
    };
    let opening = "alert tcp any any -> any any (flags:S; sid:1;)";
    assert!(!idle(opening, &|_| {}), "nothing was asked of the flow");
    assert!(idle(opening, &seen));
    let each = "alert tcp any any -> any any (flags:PA; sid:1;)";
    assert!(!idle(each, &seen), "a rule matches every packet");
    let after = |inspector: &mut Inspector| {
        seen(inspector);
        inspector.stream(3, Direction::ToServer, b"not looked at");
    };
    assert!(!idle(opening, &after), "the stream went on");
    let passed = "pass ip any any -> any any (sid:1;)";
    assert!(!idle(passed, &|_| {}) && idle(passed, &seen));
}

#[test]
fn a_rule_of_a_number_that_is_taken_is_told_of() {
    let rules = r#"alert tcp any any -> any any (content:"one"; sid:1; rev:2;)
alert tcp any any -> any any (content:"two"; sid:1; rev:2;)
alert tcp any any -> any any (content:"three"; sid:1; rev:3;)
"#;
    let files = [("a.rules".into(), rules.to_owned())];
    let (_, diagnostics, summary) = load(&files, &mut Variables::default());
    assert_eq!((summary.loaded, summary.failed), (1, 1));
    let told = diagnostics[0].to_string();
    assert!(told.contains("a.rules:2:1") && told.contains("a.rules:1 has revision 2"), "{told}");
}

#[test]
fn a_later_revision_takes_the_place_of_an_earlier_one_and_that_is_told() {
    let rules = "alert tcp any any -> any any (msg:\"old\"; content:\"abc\"; sid:1; rev:1;)\n\
        alert tcp any any -> any any (msg:\"new\"; content:\"xyz\"; sid:1; rev:2;)\n";
    let (set, diagnostics, summary) =
        load(&[("a.rules".into(), rules.to_owned())], &mut Variables::default());
    assert_eq!((set.len(), summary.loaded, summary.failed), (1, 1, 0));
    let [told] = diagnostics.as_slice() else { panic!("{diagnostics:?}") };
    assert_eq!((told.code, told.severity, told.line), ("R048", Severity::Warning, 2));
    assert!(told.message.contains("revision 1, which is at a.rules:1"), "{}", told.message);
    assert_eq!(sids(rules, &[b"abc"], true), [0; 0]);
    assert_eq!(sids(rules, &[b"xyz"], true), [1]);
}

#[test]
fn capitals_in_keywords_mean_the_same_and_in_a_host_are_an_error() {
    let rule = r#"ALERT TCP any any -> any any (MSG:"m"; Content:"abc"; NOCASE; SID:1;)"#;
    assert_eq!(sids(rule, &[b"xABCx"], true), [1]);
    for (content, codes) in [
        ("http.host; content:\"Example\";", &["R117"][..]),
        ("content:\"Example\"; http_host;", &["R117"]),
        ("http.host; content:\"Example\"; nocase;", &[]),
        ("http.host; content:!\"Example\";", &[]),
        ("http.host.raw; content:\"Example\";", &[]),
    ] {
        let rule = format!("alert http any any -> any any ({content} sid:1;)");
        let (_, diagnostics, _) = load(&[("a.rules".into(), rule)], &mut Variables::default());
        let told: Vec<_> = diagnostics.iter().map(|told| told.code).collect();
        assert_eq!(told, codes, "{content}");
    }
}

#[test]
fn cuts_and_batches_change_nothing() {
    let rules = r#"
alert tcp any any -> any 80 (content:"evil payload"; content:"end"; distance:1; sid:1;)
alert tcp any any -> any 81 (content:"evil payload"; sid:2;)
alert tcp any any -> any any (flow:to_client; content:"evil payload"; sid:3;)
"#;
    let text = b"some evil payload, then the end of it";
    for cut in 0..text.len() {
        let (a, b) = text.split_at(cut);
        for together in [true, false] {
            assert_eq!(sids(rules, &[a, b], together), [1], "cut at {cut}, {together}");
        }
    }
}

#[test]
fn what_stands_at_the_end_of_its_reach_is_found_in_every_packet() {
    let rules = r#"
alert tcp any any -> any 80 (dsize:40; content:"|00 00 00 01 7f|"; sid:1;)
alert tcp any any -> any 80 (content:"ABCDEF"; offset:54; depth:6; sid:2;)
"#;
    let (mut sized, mut placed) = ([b'.'; 40], [b'.'; 70]);
    sized[35..].copy_from_slice(b"\x00\x00\x00\x01\x7f");
    placed[54..60].copy_from_slice(b"ABCDEF");
    for together in [true, false] {
        let found = sids(rules, &[b"before", &sized, b"between", &placed], together);
        assert_eq!(found, [1, 2], "{together}");
    }
}

#[test]
fn a_match_alerts_once_and_again_when_it_comes_again() {
    let rules = r#"alert tcp any any -> any any (content:"needle"; sid:1;)"#;
    assert_eq!(sids(rules, &[b"a needle", b"hay", b"hay"], false), [1]);
    // Without a parser a stream is taken in pieces: one alert for each.
    assert_eq!(sids(rules, &[b"a needle", b"hay", b"needle"], false), [1]);
    let hay = [b'.'; 2560];
    assert_eq!(sids(rules, &[b"a needle", &hay, b"needle"], false), [1, 1]);
}

#[test]
fn bits_and_pass_work_in_order() {
    let rules = r#"
alert tcp any any -> any any (content:"second"; flowbits:isset,seen; sid:2;)
alert tcp any any -> any any (content:"first"; flowbits:set,seen; flowbits:noalert; sid:1;)
"#;
    assert_eq!(sids(rules, &[b"first", b"second"], true), [2]);
    assert_eq!(sids(rules, &[b"second", b"first"], true), [0_u32; 0]);
    let pass = r#"
alert tcp any any -> any any (content:"bad"; sid:1;)
pass tcp any any -> any any (content:"good"; sid:2;)
"#;
    assert_eq!(sids(pass, &[b"good bad", b"bad"], true), [0_u32; 0]);
}

#[test]
fn packets_are_tested_alone_when_the_rule_says_so() {
    let rules = r#"
alert tcp-pkt any any -> any any (content:"ab"; sid:1;)
alert tcp any any -> any any (flags:PA; ttl:64; content:"ab"; sid:2;)
alert tcp any any -> any any (flags:S; sid:3;)
"#;
    assert_eq!(sids(rules, &[b"a", b"b"], true), [0_u32; 0]);
    assert_eq!(sids(rules, &[b"ab"], true), [1, 2]);
}

#[test]
fn a_rule_of_both_ways_is_found_by_either_end() {
    for options in ["content:\"ab\";", "flags:PA;", "pcre:\"/ab/\";"] {
        let ports = [
            ("any", "80"),
            ("any", "40000"),
            ("80", "any"),
            ("40000", "80"),
            ("80", "40000"),
            ("1:1000", "any"),
            ("80", "80"),
            ("any", "81"),
        ];
        let rule = |(sid, (from, to)): (usize, &(&str, &str))| {
            format!("alert tcp any {from} <> any {to} ({options} sid:{};)\n", sid + 1)
        };
        let rules: String = ports.iter().enumerate().map(rule).collect();
        assert_eq!(sids(&rules, &[b"ab"], true), [1, 2, 3, 4, 5, 6], "{options}");
    }
}

#[test]
fn rules_of_addresses_alert_once_a_flow() {
    let rules = r#"
alert ip [192.0.2.1,198.51.100.0/24] any -> any any (sid:1;)
alert tcp any any -> 192.0.2.2 any (sid:2;)
alert ip any any -> [198.51.100.7,203.0.113.0/24] any (sid:3;)
alert ip !192.0.2.9 any -> any any (sid:4;)
"#;
    assert_eq!(sids(rules, &[b"a", b"b"], true), [1, 2, 4]);
}

#[test]
fn a_place_is_looked_for_in_the_packet_and_in_the_stream() {
    let rules = r#"
alert tcp any any -> any any (content:"login"; depth:5; sid:1;)
alert tcp any any -> any any (content:"login"; sid:2;)
"#;
    let sorted = |pieces: &[&[u8]]| {
        let mut found = sids(rules, pieces, false);
        found.sort_unstable();
        found
    };
    // At the start of both; at the start of a packet alone; at the start of the stream alone.
    assert_eq!(sorted(&[b"login me", b"in"]), [1, 1, 2]);
    assert_eq!(sorted(&[b"please", b"login"]), [1, 2]);
    assert_eq!(sorted(&[b"log", b"in"]), [1, 2]);
}

/// Each packet of a round may lie behind a loss.
#[test]
fn what_lies_before_many_gaps_is_looked_at() {
    let rules = r#"alert tcp any any -> any any (content:"be"; content:"fore"; sid:1;)"#;
    let mut inspector = inspector(rules);
    let headers = headers();
    let mut pieces = vec![&b"other"[..]; 512];
    pieces[3] = b"before";
    let mut views = Vec::new();
    for piece in &pieces {
        inspector.stream(3, Direction::ToServer, piece);
        views.push(view(inspector.streamed(3), true));
        inspector.gap(3, Direction::ToServer, 7);
    }
    let items: Vec<_> =
        pieces.iter().zip(&views).map(|(piece, view)| item(&headers, piece, view)).collect();
    let mut alerts = Vec::new();
    inspector.inspect(&items, &mut alerts);
    let found: Vec<_> = alerts.iter().map(|(at, alert)| (*at, alert.signature.sid)).collect();
    assert_eq!(found, [(3, 1)]);
    assert_eq!(inspector.shed().0, 0);
}

#[test]
fn what_lies_before_a_gap_is_looked_at() {
    let rules = r#"
alert tcp any any -> any any (content:"before"; sid:1;)
alert tcp any any -> any any (content:"after"; sid:2;)
alert tcp any any -> any any (content:"beforeafter"; sid:3;)
alert tcp any any -> any any (content:"before"; content:"after"; sid:4;)
"#;
    let mut inspector = inspector(rules);
    let headers = headers();
    let pieces = [(0, &b"before"[..]), (7, b"after")];
    let views = pieces.map(|(gap, piece)| {
        inspector.gap(3, Direction::ToServer, gap);
        inspector.stream(3, Direction::ToServer, piece);
        view(inspector.streamed(3), true)
    });
    let items: Vec<_> =
        pieces.iter().zip(&views).map(|((_, piece), view)| item(&headers, piece, view)).collect();
    let mut alerts = Vec::new();
    inspector.inspect(&items, &mut alerts);
    let sids: Vec<u32> = alerts.iter().map(|(_, alert)| alert.signature.sid).collect();
    assert_eq!(sids, [1, 2]);
}
