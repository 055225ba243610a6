//! What people and machines of the site are called is planted into traffic: no byte that leaves has
//! it, and no metric.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rivellino::anomaly::indicator::{Set, Watchlist};
use rivellino::anomaly::{Behaviour, Settings};
use rivellino::control::replay::site;
use rivellino::engine::merge::Merge;
use rivellino::engine::worker::{Checksums, WorkerOptions};
use rivellino::engine::{self, Setup};
use rivellino::flow::Limits;
use rivellino::net::{AddressSet, Direction};
use rivellino::outputs::hub::exchange::Exchange;
use rivellino::outputs::hub::live::{Lines, Sharing};
use rivellino::outputs::hub::policy::Policy;
use rivellino::outputs::hub::privacy::pseudonym::Keys;
use rivellino::outputs::hub::privacy::site::Site;
use rivellino::outputs::hub::snapshot::Snapshot;
use rivellino::outputs::hub::stix::id;
use rivellino::outputs::hub::{FORMATS, Kind};
use rivellino::outputs::metrics::Metrics;
use rivellino::outputs::metrics::push::SERIES_MAX;
use rivellino::outputs::{Output, eve};
use rivellino::record::{Indicator, Observable, Record};
use rivellino::time::Timestamp;
use serde_json::{Value, json};

use crate::support::engine::rules;
use crate::support::packets::{Frames, LINK_RAW, Segment, connection, datagram};

/// The day of the frames.
const NOW: Timestamp = Timestamp::new(1_600_000_000, 0);
const POLICY: &str = r#"
[identity]
istat = "082053"
region = 19
cosc = 13
sensor = 1
[basis]
law = "D.Lgs. 138/2024, art. 17"
agreement = "test"
valid-until = "2999-12-31"
[sharing]
tlp-ceiling = "amber+strict"
level = "info"
detectors = ["all"]
signatures = true
incidents = true
own-names = ["comune.esempio.it"]
[[recipient]]
name = "COSC"
api-root = "https://localhost/hub/"
collection = "x"
tlp = "amber+strict"
"#;
const RULES: &str = "\
alert http any any -> any any (msg:\"a request\"; http.uri; content:\"login\"; sid:1; \
metadata:mitre_technique_id T1190;)\n\
alert dns any any -> any any (msg:\"a question\"; dns.query; content:\"evil\"; sid:2;)\n\
alert ftp any any -> any any (msg:\"a command\"; content:\"PASS\"; sid:3;)\n";

/// What is planted, and what must then be in no byte.
#[derive(Clone, Debug)]
struct Plant {
    text: String,
    traces: Vec<String>,
}

/// Detectors that guess who is the site's where its networks are not named are those of which nothing leaves
/// then: rooms that may not meet each have a list.
#[test]
fn what_is_guessed_at_stays() {
    use rivellino::anomaly::GUESSING;
    use rivellino::outputs::hub::privacy::OF_OURS;
    assert_eq!(GUESSING, OF_OURS);
}

fn of_v4(address: Ipv4Addr, how: usize) -> Plant {
    let bits = address.to_bits();
    let dotted = address.to_string();
    let reversed = Ipv4Addr::from_bits(bits.swap_bytes()).to_string();
    let stix = id::observable("ipv4-addr", &json!({ "value": dotted }));
    let text = match how {
        0 => dotted.clone(),
        1 => format!("{bits:08x}"),
        2 => bits.to_string(),
        3 => format!("{reversed}.in-addr.arpa"),
        4 => format!("http://{dotted}/x"),
        5 => dotted.replace('.', "-"),
        6 => stix.clone(),
        _ => format!("::ffff:{dotted}"),
    };
    let uuid = stix.split("--").nth(1).unwrap().to_owned();
    let dashed = dotted.replace('.', "-");
    let traces =
        vec![text.clone(), format!("{bits:08x}"), bits.to_string(), dashed, dotted, reversed, uuid];
    Plant { text, traces }
}

fn of_v6(address: Ipv6Addr, how: usize) -> Plant {
    let bits = format!("{:032x}", address.to_bits());
    let nibbles: Vec<String> = bits.chars().rev().map(String::from).collect();
    let text = match how % 3 {
        0 => address.to_string(),
        1 => bits.clone(),
        _ => format!("{}.ip6.arpa", nibbles.join(".")),
    };
    Plant { text: text.clone(), traces: vec![text, bits, address.to_string()] }
}

fn plant() -> impl Strategy<Value = Plant> {
    let people = prop::sample::select(vec![
        "RSSMRA85T10A562S",
        "rssmra85t10a562s",
        "BNCLRA70A41F205Y",
        "mario.rossi@comune.esempio.it",
        "laura.bianchi%40esempio.it",
        "IT60X0542811101000000123456",
        "02:42:ac:11:00:02",
        "SRV-ANAGRAFE01.comune.local",
    ]);
    let people =
        people.prop_map(|text| Plant { text: text.to_owned(), traces: vec![text.to_owned()] });
    let networks = prop::sample::select(vec![[10, 0], [172, 20], [192, 168], [192, 0]]);
    let v4 = (networks, any::<[u8; 2]>(), 0..8_usize)
        .prop_map(|([a, b], [c, d], how)| of_v4(Ipv4Addr::new(a, b, c, d | 1), how));
    let v6 = (any::<u64>(), 0..3_usize).prop_map(|(low, how)| {
        let high = 0xfd12_3456_789a_0001_u128;
        of_v6(Ipv6Addr::from_bits(high << 64 | u128::from(low | 1 << 60)), how)
    });
    prop_oneof![2 => people, 4 => v4, 1 => v6]
}

/// A question to a name server.
fn question(name: &str) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label);
    }
    bytes.extend_from_slice(&[0, 0, 1, 0, 1]);
    bytes
}

fn talk(port: u16, server: u16, turns: &[(Direction, String)]) -> Vec<Vec<u8>> {
    let mut at = [0, 0];
    let mut segments = Vec::new();
    for (way, text) in turns {
        let offset = at[way.index()];
        at[way.index()] += text.len();
        segments.push(Some(Segment { way: *way, offset, bytes: text.clone().into_bytes() }));
        segments.push(None);
    }
    connection((port, server), &segments)
}

/// Conversations that carry the plant wherever text can stand.
fn frames(plant: &str, port: u16) -> Vec<Vec<u8>> {
    use Direction::{ToClient, ToServer};
    let request = format!(
        "GET /login/{plant}?user={plant} HTTP/1.1\r\nHost: {plant}\r\nUser-Agent: {plant}\r\n\
         Referer: http://{plant}/\r\nAuthorization: Basic cm9zc2k6c2VncmV0bw==\r\n\
         Cookie: id={plant}\r\n\r\n"
    );
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned();
    let mut frames = talk(port, 80, &[(ToServer, request), (ToClient, answer)]);
    frames.extend(talk(
        port + 1,
        21,
        &[
            (ToClient, "220 ftp\r\n".to_owned()),
            (ToServer, format!("USER {plant}\r\n")),
            (ToClient, "331 ok\r\n".to_owned()),
            (ToServer, format!("PASS {plant}\r\n")),
            (ToClient, format!("530 {plant}\r\n")),
        ],
    ));
    for (number, name) in [format!("{plant}.evil.example.org"), plant.to_owned()].iter().enumerate()
    {
        frames.push(datagram(ToServer, (port + 2 + number as u16, 53), &question(name)));
    }
    frames
}

/// What others report: so that hits, too, carry what is planted.
fn watchlist() -> Watchlist {
    let indicator = |name: &str, observable| Indicator {
        id: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".to_owned(),
        name: name.to_owned(),
        source: "COSC".into(),
        author: "CERT".into(),
        confidence: 90,
        valid: [Timestamp::default(), Timestamp::from_nanos(u64::MAX)],
        alternatives: vec![vec![observable]],
    };
    let watchlist = Watchlist::default();
    watchlist.replace(Set::new(
        vec![indicator("c2", Observable::Name("evil.example.org".to_owned()))],
        true,
    ));
    watchlist
}

struct Kept(Arc<Mutex<Vec<u8>>>);

impl Output for Kept {
    fn record(&mut self, record: &Record) {
        eve::write(record, 0, &mut self.0.lock().unwrap());
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}

/// Lines of EVE, those handed to the exchange, and the page of metrics with what is pushed of them.
fn run(frames: Vec<Vec<u8>>, home: &AddressSet) -> (Vec<u8>, Lines, String) {
    let place = rivellino::anomaly::Site { watchlist: watchlist(), ..site(home.clone()) };
    let setup = Setup {
        workers: 1,
        round: engine::ROUND_FRAMES,
        channel: engine::CHANNEL_ROUNDS,
        worker: WorkerOptions {
            files: rivellino::file::Wants::NOTHING,
            decode: rivellino::decode::Options::default(),
            checksums: Checksums::Ignore,
            limits: Limits { flows: 4096, ..Limits::default() },
            ruleset: Some(rules(RULES)),
            activity: true,
            arp: false,
        },
        stop: Arc::default(),
    };
    let metrics = Metrics::new().unwrap();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (sharing, lines) = Sharing::new();
    let outputs: Vec<Box<dyn Output>> =
        vec![Box::new(Kept(Arc::clone(&kept))), Box::new(metrics.clone()), Box::new(sharing)];
    let behaviour = Behaviour::new(&place, &Settings::default());
    let mut merge = Merge::new(behaviour, outputs, true);
    let source = Box::new(Frames::in_order(LINK_RAW, frames));
    engine::replay(source, &setup, &mut merge, &mut |_| {});
    drop(merge);
    let eve = std::mem::take(&mut *kept.lock().unwrap());
    let own = [("instance", "cosc/13".to_owned()), ("job", "rivellino".to_owned())];
    let pushed = metrics.request(&own, NOW);
    let pushed = snap::raw::Decoder::new().decompress_vec(&pushed).unwrap();
    assert!(pushed.windows(24).any(|name| name == b"rivellino_findings_total"));
    (eve, lines, metrics.text() + &String::from_utf8_lossy(&pushed))
}

fn home() -> AddressSet {
    // The clients of the frames are ours: 192.0.0.0/16.
    let mut home = AddressSet::network(IpAddr::from([192, 0, 0, 0]), 16);
    home.add(&crate::support::engine::home());
    home
}

/// One exchange for each format: STIX first, then those for systems that are there already.
fn exchanges(home: &AddressSet) -> Vec<Exchange> {
    let policy = Policy::parse(POLICY, "policy").unwrap();
    let place = Site { home: home.clone(), names: vec!["comune.esempio.it".to_owned()] };
    let names: Vec<&str> = FORMATS.iter().map(|kind| kind.name).collect();
    assert_eq!(names, ["stix", "misp", "idmef", "syslog", "cef"]);
    let exchange = |kind: &Kind| {
        let format = (kind.make)(&policy.identity);
        Exchange::new(policy.clone(), place.clone(), format, Keys::passing(NOW).unwrap())
    };
    FORMATS.iter().map(exchange).collect()
}

/// All bytes that leave of these lines, in all formats; and how many events each let through.
fn leaving(exchanges: &mut [Exchange], lines: &Lines) -> (String, Vec<usize>) {
    let lines: Vec<_> = std::iter::from_fn(|| lines.lines.try_recv().ok()).collect();
    let mut sent = String::new();
    let mut units = Vec::new();
    for exchange in exchanges {
        let mut objects = exchange.preamble();
        let cleared: Vec<_> = lines.iter().filter_map(|line| exchange.line(line, NOW)).collect();
        units.push(cleared.len());
        objects.extend(cleared.into_iter().flat_map(|unit| unit.objects));
        sent.push_str(&Value::Array(exchange.batch(objects, NOW)).to_string());
    }
    (sent, units)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_planted_in_traffic_leaves(plants in prop::collection::vec(plant(), 1..8)) {
        let home = home();
        let mut all = Vec::new();
        for (number, plant) in plants.iter().enumerate() {
            all.extend(frames(&plant.text, 2000 + 10 * number as u16));
        }
        let (eve, lines, page) = run(all, &home);
        let mut exchanges = exchanges(&home);
        let (sent, _) = leaving(&mut exchanges, &lines);
        // The plants are there to be found: in what stays.
        let eve = String::from_utf8(eve).unwrap();
        prop_assert!(eve.contains("\"detector\":\"indicator\"") && eve.contains("a request"));
        for exchange in &exchanges {
            prop_assert!(exchange.counts().seen >= 3, "{:?}", exchange.counts());
        }
        for plant in &plants {
            let traces = plant.traces.iter().filter(|trace| trace.len() >= 7);
            for trace in traces.flat_map(|trace| [trace.clone(), trace.to_uppercase()]) {
                prop_assert!(!sent.contains(&trace), "{trace} leaves: {sent}");
                prop_assert!(!page.contains(&trace), "{trace} is in the metrics");
            }
        }
        prop_assert!(!sent.contains("192.0.7."), "a client of ours leaves: {sent}");
        prop_assert!(!sent.contains("c2NncmV0bw") && !sent.contains("segreto"));
    }
}

/// The property would hold if nothing ever left.
#[test]
fn what_is_harmless_leaves() {
    let home = home();
    let (_, lines, page) = run(frames("portale", 2000), &home);
    let mut exchanges = exchanges(&home);
    let (sent, units) = leaving(&mut exchanges, &lines);
    assert!(units.iter().all(|count| *count >= 3), "{units:?}");
    for sign in ["CEF:0|", "<", "network-connection", "\"Analyzer\"", "\"sighting\""] {
        assert!(sent.contains(sign), "{sign} is in no format: {sent}");
    }
    let reported = "\"sighting_of_ref\":\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"";
    assert!(sent.contains(reported), "the sighting is of the indicator that was reported: {sent}");
    assert!(!sent.contains("192.0.7."), "{sent}");
    assert!(page.contains("rivellino_findings_total{detector=\"indicator\"}"), "{page}");
}

/// Of a sensor with everything on it, as many series are pushed as is stated.
#[test]
fn sixty_series_are_pushed() {
    let metrics = Metrics::new().unwrap();
    metrics.expect(["scan", "beacon"], ["alert", "flow"]);
    metrics.rules(1, 2, 3);
    metrics.exchange(Box::new(Snapshot::default)).unwrap();
    metrics.pushed().unwrap();
    let pushed = metrics.request(&[("job", "rivellino".to_owned())], NOW);
    let pushed = snap::raw::Decoder::new().decompress_vec(&pushed).unwrap();
    let name = b"\x0a\x08__name__\x12";
    let series = pushed.windows(name.len()).filter(|window| *window == name).count();
    assert_eq!(series, 60);
    assert!(series <= SERIES_MAX);
}
