//! Our own hub under hostile hands: whose word counts, what goes to all, what survives.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rivellino::outputs::hub::identity::Identity;
use rivellino::outputs::hub::stix::id;
use serde_json::{Value, json};

use crate::support::hub::{Authority, COLLECTION, Caller, INDICATORS, Ours, free_port};

/// Objects that a hostile sensor tries to push, and for how long at most.
const FLOOD_OBJECTS: usize = 1_000_000;
const FLOOD_TIME: Duration = Duration::from_secs(15);

struct Hub {
    folder: tempfile::TempDir,
    authority: Authority,
    port: u16,
    more: String,
}

impl Hub {
    fn new(more: &str) -> Self {
        let authority = Authority::new();
        let folder = tempfile::tempdir().unwrap();
        authority.furnish(folder.path());
        Self { folder, authority, port: free_port(), more: more.to_owned() }
    }

    fn start(&self) -> Ours {
        Ours::start(self.folder.path(), self.port, &self.more)
    }

    fn caller(&self, uri: &str) -> Caller {
        Caller::new(self.port, &self.authority.pem, Some(&self.authority.party(uri)))
    }

    fn sensor(&self, town: u32) -> Sensor {
        let identity = Identity::new(13, 19, &format!("{town:06}"), None, 1).unwrap();
        let caller = self.caller(&identity.uri());
        Sensor { author: id::object("identity", &identity.uri()), caller }
    }
}

struct Sensor {
    author: String,
    caller: Caller,
}

impl Sensor {
    fn note(&self, name: &str) -> Value {
        json!({
            "type": "note", "spec_version": "2.1",
            "id": id::object("note", &format!("{}|{name}", self.author)),
            "created_by_ref": self.author, "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z", "content": "x", "object_refs": [self.author],
        })
    }

    fn put(&self, objects: &[Value]) -> (u16, Value) {
        let said = self.caller.put(COLLECTION, objects).unwrap();
        (said.status, said.body)
    }

    /// The patterns that go to all.
    fn patterns(&self) -> Vec<String> {
        let path = format!("/hub/collections/{INDICATORS}/objects/?limit=1000");
        let objects = self.caller.get(&path).unwrap().objects();
        objects.iter().map(|object| object["pattern"].as_str().unwrap().to_owned()).collect()
    }

    fn own(&self) -> usize {
        self.caller.all(COLLECTION).len()
    }
}

/// An indicator as sensors make it: the same bytes at each.
fn indicator(value: &str) -> Value {
    let kind = if value.contains(':') {
        "ipv6-addr"
    } else if value.contains(|c: char| c.is_ascii_alphabetic()) {
        "domain-name"
    } else {
        "ipv4-addr"
    };
    json!({
        "type": "indicator", "spec_version": "2.1",
        "id": id::object("indicator", &format!("scan|{value}")),
        "created": "2000-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "name": format!("{value} (scan)"), "indicator_types": ["anomalous-activity"],
        "pattern": format!("[{kind}:value = '{value}']"), "pattern_type": "stix",
        "pattern_version": "2.1", "valid_from": "2026-01-01T00:00:00.000Z",
        "valid_until": "2026-02-01T00:00:00.000Z", "confidence": 50,
    })
}

#[test]
fn a_sensor_speaks_for_itself_alone() {
    let hub = Hub::new("");
    let server = hub.start();
    let (a, b) = (hub.sensor(1), hub.sensor(2));
    let (status, said) = a.put(&[a.note("1"), b.note("1")]);
    assert_eq!(status, 202);
    assert_eq!((&said["success_count"], &said["failure_count"]), (&json!(1), &json!(1)));
    let why = said["failures"][0]["message"].as_str().unwrap();
    assert!(why.contains("created_by_ref"), "{said}");
    // Each reads what it sent, and nothing of the other.
    assert_eq!((a.own(), b.own()), (1, 0));
    let other = a.note("1")["id"].as_str().unwrap().to_owned();
    let path = format!("/hub/collections/{COLLECTION}/objects/{other}/");
    assert_eq!(b.caller.get(&path).unwrap().status, 404);
    let request = said["id"].as_str().unwrap();
    assert_eq!(a.caller.get(&format!("/hub/status/{request}/")).unwrap().status, 200);
    assert_eq!(b.put(&[b.note("2")]).0, 202);
    assert_eq!(b.caller.get(&format!("/hub/status/{request}/")).unwrap().status, 404);
    // A certificate of the right root with a name that nobody knows, and one of another root.
    let nobody = hub.caller("urn:example:nobody");
    assert_eq!(nobody.get("/hub/").unwrap().status, 401);
    let stranger = Authority::new().party("urn:rivellino:cosc/13/region/19/comune/000001/sensor/1");
    let stranger = Caller::new(hub.port, &hub.authority.pem, Some(&stranger));
    assert!(stranger.get("/hub/").is_err());
    assert_eq!(server.metric("rivellino_hub_objects_refused_total{reason=\"author\"}"), 1.0);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn parties_read_and_publish_as_the_configuration_allows() {
    let hub = Hub::new(
        "[[party]]\nuri = \"urn:example:centre\"\nread = true\npublish = true\n\
         [[party]]\nuri = \"urn:example:reader\"\nread = true\n",
    );
    let _server = hub.start();
    let sensor = hub.sensor(1);
    assert_eq!(sensor.put(&[sensor.note("1")]).0, 202);
    let (centre, reader) = (hub.caller("urn:example:centre"), hub.caller("urn:example:reader"));
    let path = format!("/hub/collections/{COLLECTION}/objects/");
    assert_eq!(reader.get(&path).unwrap().objects(), [sensor.note("1")]);
    let said = reader.put(INDICATORS, &[indicator("203.0.113.9")]).unwrap();
    assert_eq!(said.status, 403);
    let published = [indicator("203.0.113.9"), indicator("8.8.8.8"), indicator("www.inps.it")];
    let said = centre.put(INDICATORS, &published).unwrap();
    assert_eq!((said.status, &said.body["failure_count"]), (202, &json!(2)), "{said:?}");
    assert_eq!(sensor.patterns(), ["[ipv4-addr:value = '203.0.113.9']"]);
}

#[test]
fn what_was_answered_survives_a_kill_at_any_moment() {
    let hub = Hub::new("[quota]\nrequests-per-minute = 100000\nobjects-per-minute = 1000000\n");
    let sensor = hub.sensor(1);
    let mut answered: Vec<String> = Vec::new();
    for round in 0..6 {
        let server = hub.start();
        assert_eq!(sensor.own(), answered.len(), "what was answered is there");
        let killed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150 + 97 * round));
            server.kill();
        });
        for number in 0..1_000 {
            let note = sensor.note(&format!("{round} {number}"));
            match sensor.caller.put(COLLECTION, std::slice::from_ref(&note)) {
                Ok(said) if said.status == 202 => answered.push(note["id"].to_string()),
                _ => break,
            }
        }
        killed.join().unwrap();
        // The one that was not answered may be there or not: it is sent again.
        let server = hub.start();
        let objects = sensor.caller.all(COLLECTION);
        let there: BTreeSet<String> =
            objects.iter().map(|object| object["id"].to_string()).collect();
        assert_eq!(there.len(), objects.len(), "an object is there twice");
        for id in &answered {
            assert!(there.contains(id), "{id} was answered and is gone");
        }
        assert!(there.len() <= answered.len() + 1);
        answered = there.into_iter().collect();
        drop(server);
    }
    println!("{} notes were answered over 6 kills", answered.len());
    assert!(answered.len() >= 12, "only {} were written between kills", answered.len());
}

#[test]
fn poison_does_not_go_round_and_hurts_nobody_else() {
    let hub = Hub::new(
        "[gate]\nnetworks = [\"198.51.100.0/24\"]\nnames = [\"comune.esempio.it\"]\n\
         [quota]\nrequests-per-minute = 600\nobjects-per-minute = 6000\n",
    );
    let server = hub.start();
    let hostile: Vec<Sensor> = (1..=5).map(|town| hub.sensor(town)).collect();
    let good: Vec<Sensor> = (11..=13).map(|town| hub.sensor(town)).collect();
    let poison = [
        "8.8.8.8",
        "1.1.1.1",
        "2001:4860:4860::8888", // resolvers
        "198.51.100.7",
        "www.comune.esempio.it", // of a town
        "20.0.0.0/8",
        "2a00::/16", // wide
        "192.168.1.1",
        "10.0.0.1",
        "127.0.0.1", // inside
        "www.inps.it",
        "spid.gov.it", // essential
    ];
    for sensor in &hostile {
        let (status, said) = sensor.put(&poison.map(indicator));
        assert_eq!((status, &said["failure_count"]), (202, &json!(0)), "{said}");
        // The identifier of an honest indicator with another pattern.
        let mut changed = indicator("203.0.113.66");
        changed["pattern"] = json!("[ipv4-addr:value = '8.8.8.8']");
        assert_eq!(sensor.put(&[changed]).1["failure_count"], 1);
    }
    assert!(good[0].patterns().is_empty());
    // What honest towns saw goes round all the same, while one floods.
    let flood = std::thread::scope(|scope| {
        let flood = scope.spawn(|| flood(&hostile[0]));
        let mut slowest = Duration::ZERO;
        let until = Instant::now() + Duration::from_secs(5);
        let mut number = 0;
        while Instant::now() < until {
            for sensor in &good {
                let begun = Instant::now();
                number += 1;
                let (status, _) =
                    sensor.put(&[sensor.note(&number.to_string()), indicator("203.0.113.66")]);
                assert_eq!(status, 202, "others do not notice");
                slowest = slowest.max(begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        println!("poison: slowest answer to others beside the flood {slowest:?}");
        assert!(slowest < Duration::from_secs(3));
        flood.join().unwrap()
    });
    println!("poison: {} of {FLOOD_OBJECTS} objects taken, {} requests refused", flood.0, flood.1);
    assert!(flood.0 <= 13_000, "the quota of objects bites: {}", flood.0);
    assert!(flood.1 > 0);
    assert_eq!(good[0].patterns(), ["[ipv4-addr:value = '203.0.113.66']"]);
    for (reason, least) in
        [("resolver", 15.0), ("town", 10.0), ("wide", 10.0), ("private", 15.0), ("essential", 10.0)]
    {
        let name = format!("rivellino_hub_indicators_held_total{{reason=\"{reason}\"}}");
        assert!(server.metric(&name) >= least, "{}", server.page());
    }
    assert!(server.metric("rivellino_hub_throttled_total{quota=\"objects\"}") > 0.0);
    // Labels hold no address and no name.
    let page = server.page();
    for word in ["203.0.113", "8.8.8.8", "inps", "urn:", "127.0.0"] {
        assert!(!page.contains(word), "{word} is in {page}");
    }
}

/// As many objects as it can: those taken, and requests refused.
fn flood(sensor: &Sensor) -> (usize, usize) {
    let until = Instant::now() + FLOOD_TIME;
    let (mut taken, mut refused, mut next) = (0, 0, 0);
    while Instant::now() < until && next < FLOOD_OBJECTS {
        let objects: Vec<Value> =
            (next..next + 1_000).map(|n| sensor.note(&format!("flood {n}"))).collect();
        next += 1_000;
        let said = sensor.caller.put(COLLECTION, &objects).unwrap();
        match said.status {
            202 => taken += objects.len(),
            429 => {
                let after: u64 = said.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=3600).contains(&after));
                refused += 1;
            }
            other => panic!("{other}: {}", said.body),
        }
    }
    (taken, refused)
}
