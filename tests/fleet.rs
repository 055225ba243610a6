//! A fleet of simulated sensors against our hub, each with its own certificate: steady load, a
//! campaign that many towns see, and the return after an outage of two hours. Small usually; as the
//! country is, 7,000 sensors, with `RIVELLINO_ALL`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rivellino::outputs::hub::identity::Identity;
use rivellino::outputs::hub::stix::id;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::support::hub::{Authority, COLLECTION, Caller, INDICATORS, Ours, TAXII, free_port};

/// How large the fleet is and what it does.
struct Scale {
    sensors: usize,
    steady: Duration,
    /// Envelopes and polls a second: 200 alerts a day and a poll every five minutes of each sensor.
    envelopes: f64,
    polls: f64,
    /// Towns that see the campaign.
    campaign: usize,
    /// Alerts of each sensor that wait when the hub comes back.
    backlog: usize,
    /// Over how long sensors come back.
    back: Duration,
    /// Requests at one time.
    hands: usize,
    /// 99 of 100 envelopes are answered within.
    p99: Duration,
}

const SMALL: Scale = Scale {
    sensors: 120,
    steady: Duration::from_secs(3),
    envelopes: 16.0,
    polls: 23.0,
    campaign: 30,
    backlog: 4,
    back: Duration::from_secs(2),
    hands: 16,
    p99: Duration::from_secs(3),
};
const COUNTRY: Scale = Scale {
    sensors: 7_000,
    steady: Duration::from_secs(60),
    envelopes: 16.0,
    polls: 23.0,
    campaign: 500,
    // 7,000 sensors, 16 alerts a second, two hours: 115,000.
    backlog: 17,
    // A third of the time over which backoff spreads them.
    back: Duration::from_secs(300),
    hands: 48,
    p99: Duration::from_millis(500),
};
/// Bytes of memory of the hub at most.
const MEMORY_KIB_MAX: u64 = 1024 * 1024;
/// Time after an outage until all is there, at most.
const DRAIN_MAX: Duration = Duration::from_secs(1_800);
/// Addresses that attack the country on an ordinary day.
const ATTACKERS: usize = 2_000;
const ALWAYS: &str = "2000-01-01T00:00:00.000Z";
/// The attacker of the campaign.
const CAMPAIGN: &str = "203.0.113.66";

struct Sensor {
    author: String,
    commune: String,
    config: Arc<ClientConfig>,
    sent: AtomicUsize,
}

struct Fleet {
    port: u16,
    sensors: Vec<Sensor>,
    /// Time of envelopes, from the first byte of the request to the end of the answer.
    took: Mutex<Vec<Duration>>,
    /// The same with the connection.
    whole: Mutex<Vec<Duration>>,
    failed: AtomicUsize,
}

impl Fleet {
    fn new(authority: &Authority, port: u16, count: usize) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
        let roots = Arc::new(roots);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let sensors = (0..count).map(|number| {
            let cosc = number as u64 % 18 + 1;
            let istat = format!("{:06}", number + 1_000);
            let identity = Identity::new(cosc, 19, &istat, None, 1).unwrap();
            let signed = authority.party(&identity.uri());
            let chain =
                vec![CertificateDer::from_pem_slice(signed.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
            let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_root_certificates(Arc::clone(&roots))
                .with_client_auth_cert(chain, key)
                .unwrap();
            config.resumption = rustls::client::Resumption::in_memory_sessions(2);
            Sensor {
                author: id::object("identity", &identity.uri()),
                commune: id::object("identity", &identity.commune_uri()),
                config: Arc::new(config),
                sent: AtomicUsize::new(0),
            }
        });
        let sensors = sensors.collect();
        let (took, whole) = (Mutex::default(), Mutex::default());
        Self { port, sensors, took, whole, failed: AtomicUsize::new(0) }
    }

    /// One request on a connection of its own: status and body.
    fn call(&self, sensor: &Sensor, request: &[u8]) -> std::io::Result<(u16, Vec<u8>, Duration)> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::clone(&sensor.config), name).unwrap();
        let mut stream = StreamOwned::new(client, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        let begun = Instant::now();
        stream.write_all(request)?;
        stream.flush()?;
        let mut answer = Vec::new();
        let mut part = [0; 16 * 1024];
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                });
                let length: usize = length.unwrap_or(0);
                if answer.len() >= head.len() + 4 + length {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    let body = answer.split_off(head.len() + 4);
                    return Ok((status, body, begun.elapsed()));
                }
            }
            match stream.read(&mut part)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                count => answer.extend_from_slice(&part[..count]),
            }
        }
    }

    /// Sends so many alerts of one sensor in one envelope, until it is answered.
    fn send(&self, sensor: &Sensor, alerts: usize, attacker: Option<&str>) {
        let mut objects = sensor.preamble();
        for _ in 0..alerts {
            let number = sensor.sent.fetch_add(1, Ordering::Relaxed);
            objects.extend(sensor.alert(number, attacker));
        }
        let mut known = std::collections::BTreeSet::new();
        objects.retain(|object| known.insert(object["id"].to_string()));
        let body = json!({ "objects": objects }).to_string();
        let head = format!(
            "POST /hub/collections/{COLLECTION}/objects/ HTTP/1.1\r\nhost: localhost\r\n\
             accept: {TAXII}\r\ncontent-type: {TAXII}\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body.as_bytes()].concat();
        for attempt in 0..10 {
            let begun = Instant::now();
            match self.call(sensor, &request) {
                Ok((202, answer, took)) => {
                    let status: Value = serde_json::from_slice(&answer).unwrap();
                    assert_eq!(status["failure_count"], 0, "{status}");
                    self.took.lock().unwrap().push(took);
                    self.whole.lock().unwrap().push(begun.elapsed());
                    return;
                }
                Ok((429 | 503, ..)) | Err(_) => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(200 << attempt.min(4)));
                }
                Ok((status, answer, _)) => {
                    panic!("{status}: {}", String::from_utf8_lossy(&answer))
                }
            }
        }
        panic!("ten times in vain");
    }

    /// Whether a sensor, polling, is told of an address.
    fn polls(&self, sensor: &Sensor, address: Option<&str>) -> bool {
        // The newest alone, as one that polls has the rest.
        let query = address.map(|address| {
            format!("?match[id]={}", id::object("indicator", &format!("quorum|{address}")))
        });
        let request = format!(
            "GET /hub/collections/{INDICATORS}/objects/{} HTTP/1.1\r\nhost: localhost\r\n\
             accept: {TAXII}\r\nconnection: close\r\n\r\n",
            query.unwrap_or_else(|| "?limit=20".to_owned())
        );
        match self.call(sensor, request.as_bytes()) {
            Ok((200, body, _)) => {
                address.is_some_and(|address| String::from_utf8_lossy(&body).contains(address))
            }
            _ => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }

    /// Does things at their times, with so many hands.
    fn at_times(&self, hands: usize, mut jobs: Vec<(Duration, Job)>) {
        jobs.sort_by_key(|(at, _)| *at);
        let begun = Instant::now();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..hands {
                scope.spawn(|| {
                    while let Some((at, job)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        std::thread::sleep(at.saturating_sub(begun.elapsed()));
                        match job {
                            Job::Send(sensor, alerts, attacker) => {
                                self.send(&self.sensors[*sensor], *alerts, *attacker);
                            }
                            Job::Poll(sensor, told) => {
                                if self.polls(&self.sensors[*sensor], told.map(|_| CAMPAIGN))
                                    && let Some(told) = told
                                {
                                    told.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        }
                    }
                });
            }
        });
    }

    /// Median, 99th of 100, slowest; and forgets them.
    fn times(&self, what: &str) -> Duration {
        let of = |list: &Mutex<Vec<Duration>>| {
            let mut list = std::mem::take(&mut *list.lock().unwrap());
            list.sort();
            let at = |part: f64| list[((list.len() - 1) as f64 * part) as usize];
            (list.len(), at(0.5), at(0.99), at(1.0))
        };
        let (count, median, p99, most) = of(&self.took);
        let (_, _, whole, _) = of(&self.whole);
        println!(
            "fleet, {what}: {count} envelopes, median {median:.1?}, p99 {p99:.1?}, slowest \
             {most:.1?}; p99 with the connection {whole:.1?}"
        );
        p99
    }
}

#[derive(Clone, Copy)]
enum Job {
    Send(usize, usize, Option<&'static str>),
    Poll(usize, Option<&'static AtomicUsize>),
}

impl Sensor {
    fn preamble(&self) -> Vec<Value> {
        let identity = |id: &str, by: Option<&str>| {
            let mut identity = json!({
                "type": "identity", "spec_version": "2.1", "id": id, "created": ALWAYS,
                "modified": ALWAYS, "name": "x", "identity_class": "organization",
            });
            if let Some(by) = by {
                identity["created_by_ref"] = json!(by);
            }
            identity
        };
        vec![identity(&self.commune, None), identity(&self.author, Some(&self.commune))]
    }

    /// The objects of one alert: about four thousand bytes, as a real one.
    fn alert(&self, number: usize, attacker: Option<&str>) -> Vec<Value> {
        let key = format!("{}|{number}", self.author);
        let chance =
            key.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(byte));
        let other = chance % ATTACKERS;
        let address =
            attacker.map_or_else(|| format!("45.{}.{}.9", other / 250, other % 250), str::to_owned);
        let at = "2026-11-01T10:00:00.000Z";
        let pattern = id::object("attack-pattern", "T1110");
        let observable = id::observable("ipv4-addr", &json!({ "value": address }));
        // No two conversations begin at the same moment.
        let [minute, second, rest] = [chance / 60 % 60, chance % 60, chance % 10_000];
        let began = format!("2026-11-01T09:{minute:02}:{second:02}.{number:05}{rest:04}Z");
        let made_of = json!({
            "src_ref": observable, "dst_port": 22, "protocols": ["ipv4", "tcp", "ssh"],
            "start": began, "end": "2026-11-01T10:00:00.000001Z",
        });
        let traffic = id::observable("network-traffic", &made_of);
        let observed = id::object("observed-data", &key);
        let indicator = id::object("indicator", &format!("bruteforce|{address}"));
        let sighting = id::object("sighting", &key);
        let own = |kind: &str, id: &str, more: Value| {
            let mut object = json!({
                "type": kind, "spec_version": "2.1", "id": id, "created_by_ref": self.author,
                "created": at, "modified": at,
            });
            for (key, value) in more.as_object().unwrap() {
                object[key] = value.clone();
            }
            object
        };
        vec![
            json!({ "type": "attack-pattern", "spec_version": "2.1", "id": pattern,
                    "created": ALWAYS, "modified": ALWAYS, "name": "T1110" }),
            json!({ "type": "indicator", "spec_version": "2.1", "id": indicator,
                    "created": ALWAYS, "modified": "2026-11-01T00:00:00.000Z",
                    "name": format!("{address} (bruteforce)"),
                    "indicator_types": ["anomalous-activity"],
                    "pattern": format!("[ipv4-addr:value = '{address}']"),
                    "pattern_type": "stix", "pattern_version": "2.1",
                    "valid_from": "2026-11-01T00:00:00.000Z",
                    "valid_until": "2026-12-01T00:00:00.000Z", "confidence": 50 }),
            json!({ "type": "relationship", "spec_version": "2.1",
                    "id": id::object("relationship", &format!("{indicator}|indicates|{pattern}")),
                    "created": ALWAYS, "modified": ALWAYS, "relationship_type": "indicates",
                    "source_ref": indicator, "target_ref": pattern }),
            json!({ "type": "ipv4-addr", "spec_version": "2.1", "id": observable, "value": address }),
            json!({ "type": "network-traffic", "spec_version": "2.1", "id": traffic,
                    "src_ref": observable, "dst_port": 22, "protocols": ["ipv4", "tcp", "ssh"],
                    "start": began, "end": "2026-11-01T10:00:00.000001Z",
                    "is_active": false, "src_packets": number, "dst_packets": number }),
            own(
                "observed-data",
                &observed,
                json!({
                "first_observed": at, "last_observed": at, "number_observed": 1,
                "object_refs": [observable, traffic] }),
            ),
            own(
                "note",
                &id::object("note", &key),
                json!({
                "lang": "it", "abstract": "Tentativi di accesso", "object_refs": [sighting],
                "content": "Un indirizzo esterno prova molte password. ".repeat(24) }),
            ),
            own(
                "sighting",
                &sighting,
                json!({
                "first_seen": at, "last_seen": at, "count": 1, "confidence": 80,
                "sighting_of_ref": indicator, "where_sighted_refs": [self.commune],
                "observed_data_refs": [observed] }),
            ),
        ]
    }
}

#[test]
fn a_fleet_loses_nothing_and_holds_what_a_few_saw() {
    let all = std::env::var_os("RIVELLINO_ALL").is_some();
    let scale = if all { COUNTRY } else { SMALL };
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority.furnish(folder.path());
    let port = free_port();
    let more = "[[party]]\nuri = \"urn:example:centre\"\nread = true\n";
    let begun = Instant::now();
    let fleet = Fleet::new(&authority, port, scale.sensors);
    println!("fleet: {} certificates in {:.1?}", scale.sensors, begun.elapsed());
    let server = Ours::start(folder.path(), port, more);

    fleet.at_times(scale.hands, steady(&scale));
    let mut slowest = fleet.times("steady");

    let before = server.metric("rivellino_hub_indicators_total{outcome=\"released\"}");
    slowest = slowest.max(campaign(&fleet, &scale));
    let after = server.metric("rivellino_hub_indicators_total{outcome=\"released\"}");
    assert!(after > before);
    let handshakes = ["full", "resumed", "failed"].map(|kind| {
        server.metric(&format!("rivellino_hub_handshakes_total{{outcome=\"{kind}\"}}"))
    });
    println!("fleet: handshakes full, resumed, failed: {handshakes:?}");
    // All of them try: a certificate that ran out in the meantime must not come in that way.
    assert_eq!(handshakes[1], 0.0, "somebody resumes");
    let mut memory = server.memory_kib();

    // The hub dies, and comes back to all that waited for it.
    server.kill();
    let server = Ours::start(folder.path(), port, more);
    let begun = Instant::now();
    fleet.at_times(scale.hands, outage(&scale));
    let took = begun.elapsed();
    println!("fleet: after the outage all is there in {took:.1?}");
    assert!(took < DRAIN_MAX);
    fleet.times("after the outage");
    memory = memory.max(server.memory_kib());
    let failed = fleet.failed.load(Ordering::Relaxed);
    println!("fleet: {failed} requests tried again; the hub's memory at most {memory} KiB");

    let (sightings, twice) = audit(&authority, port);
    let sent: usize = fleet.sensors.iter().map(|of| of.sent.load(Ordering::Relaxed)).sum();
    println!("fleet: {sent} alerts sent, {sightings} there, {twice} objects twice");
    assert_eq!((sightings, twice), (sent, 0));
    assert!(memory < MEMORY_KIB_MAX, "{memory} KiB");
    assert!(slowest < scale.p99, "p99 {slowest:?}");
    let bytes = std::fs::metadata(folder.path().join("store/hub.redb")).unwrap().len();
    println!("fleet: {} MiB on the disk", bytes >> 20);
}

/// Envelopes and polls of an ordinary time.
fn steady(scale: &Scale) -> Vec<(Duration, Job)> {
    let seconds = scale.steady.as_secs_f64();
    let mut jobs = Vec::new();
    for (rate, step, is_poll) in [(scale.envelopes, 7_919, false), (scale.polls, 104_729, true)] {
        for number in 0..(rate * seconds) as usize {
            let at = Duration::from_secs_f64(number as f64 / rate);
            let sensor = number * step % scale.sensors;
            jobs.push((
                at,
                if is_poll { Job::Poll(sensor, None) } else { Job::Send(sensor, 1, None) },
            ));
        }
    }
    jobs
}

/// Many towns see one attacker; then every sensor polls.
fn campaign(fleet: &Fleet, scale: &Scale) -> Duration {
    let first =
        |count| (0..count).map(|of| (Duration::ZERO, Job::Send(of, 1, Some(CAMPAIGN)))).collect();
    fleet.at_times(1, first(2));
    assert!(!fleet.polls(&fleet.sensors[50], Some(CAMPAIGN)), "two towns are too few");
    fleet.at_times(1, vec![(Duration::ZERO, Job::Send(2, 1, Some(CAMPAIGN)))]);
    assert!(fleet.polls(&fleet.sensors[50], Some(CAMPAIGN)), "three towns are enough");
    let mut jobs: Vec<(Duration, Job)> = (3..scale.campaign)
        .map(|of| (Duration::from_millis(20 * of as u64), Job::Send(of, 1, Some(CAMPAIGN))))
        .collect();
    let told: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    jobs.extend(
        (0..scale.sensors).map(|of| (Duration::from_millis(of as u64), Job::Poll(of, Some(told)))),
    );
    let begun = Instant::now();
    fleet.at_times(scale.hands, jobs);
    let told = told.load(Ordering::Relaxed);
    println!(
        "fleet: campaign seen by {} towns; {told} of {} sensors hold it after {:.1?}",
        scale.campaign,
        scale.sensors,
        begun.elapsed()
    );
    assert!(told * 100 >= scale.sensors * 95, "{told}");
    fleet.times("campaign")
}

/// Every sensor comes back at a moment of its own, with all that waited.
fn outage(scale: &Scale) -> Vec<(Duration, Job)> {
    (0..scale.sensors)
        .map(|of| {
            let part = (of * 7_919 % scale.sensors) as f64 / scale.sensors as f64;
            (scale.back.mul_f64(part), Job::Send(of, scale.backlog, None))
        })
        .collect()
}

/// Sightings that a centre reads, and objects that it reads more than once.
fn audit(authority: &Authority, port: u16) -> (usize, usize) {
    let centre = Caller::new(port, &authority.pem, Some(&authority.party("urn:example:centre")));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut next = String::new();
    loop {
        let path =
            format!("/hub/collections/{COLLECTION}/manifest/?limit=2000&match[version]=all{next}");
        let said = centre.get(&path).unwrap();
        assert_eq!(said.status, 200, "{said:?}");
        for entry in said.objects() {
            // What has no version has the moment at which it was added in its place.
            let id = entry["id"].as_str().unwrap();
            let has_none = id.starts_with("network-traffic") || id.starts_with("ipv4-addr");
            let version = if has_none { "" } else { entry["version"].as_str().unwrap() };
            let key = format!("{id} {version}");
            *seen.entry(key).or_default() += 1;
        }
        let Some(token) = said.body["next"].as_str() else { break };
        next = format!("&next={token}");
        // As an auditor that keeps within its share.
        std::thread::sleep(Duration::from_millis(20));
    }
    let sightings = seen.keys().filter(|key| key.starts_with("sighting")).count();
    (sightings, seen.values().filter(|count| **count > 1).count())
}
