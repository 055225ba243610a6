#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::net::IpAddr;

use super::*;
use crate::control::hub::serve::admit::Admitted;
use crate::control::hub::serve::config::{Quorum, Quota};
use crate::control::hub::serve::gate::Gate;
use crate::net::AddressSet;
use crate::time::Timestamp;

const DAY: u64 = 86_400;
const BEGIN: u64 = 1_767_225_600;

struct Place {
    folder: tempfile::TempDir,
    gate: Gate,
    quota: Quota,
}

impl Place {
    fn new() -> Self {
        let spoke = [(IpAddr::from([198, 51, 100, 1]), BEGIN * 1_000_000)];
        let gate = Gate::new(AddressSet::default(), &[], spoke);
        Self { folder: tempfile::tempdir().unwrap(), gate, quota: Quota::default() }
    }

    fn open(&self) -> Store {
        Store::open(self.folder.path(), &["inbox", "indicators"]).unwrap()
    }

    fn put(&self, store: &Store, envelope: Envelope, second: u64) -> Put {
        let writer = Writer {
            store,
            gate: &self.gate,
            quorum: Quorum::default(),
            quota: self.quota,
            indicators: Some("indicators".to_owned()),
        };
        let now = Timestamp::new(BEGIN + second, 0);
        writer.put(&[envelope], &[], now).unwrap().pop().unwrap()
    }

    fn report(&self, store: &Store, envelope: Envelope, second: u64) -> Report {
        match self.put(store, envelope, second) {
            Put::Done(status, report) => {
                assert_eq!(status["status"], "complete");
                report
            }
            Put::Share => panic!("beyond the share"),
        }
    }
}

fn object(id: &str, at: u64) -> Admitted {
    Admitted {
        id: format!("note--{id}"),
        version: format!("v{at}"),
        at,
        kind: "note".to_owned(),
        spec: "2.1".to_owned(),
        body: format!("{{\"id\":\"{id}\",\"at\":{at}}}").into_bytes(),
        pattern: None,
    }
}

fn indicator(value: &str, at: u64) -> Admitted {
    let mut object = object(value, at);
    object.id = format!("indicator--{value}");
    object.kind = "indicator".to_owned();
    object.pattern = Some(format!("[ipv4-addr:value = '{value}']"));
    object
}

fn envelope(sensor: u32, objects: Vec<Admitted>) -> Envelope {
    Envelope {
        sender: format!("sensor {sensor}"),
        town: Some(format!("{:06}", sensor / 10)),
        collection: "inbox".to_owned(),
        objects,
        refused: Vec::new(),
        is_relayed: false,
    }
}

fn ids(page: &Page) -> Vec<String> {
    page.entries.iter().map(|entry| format!("{} {}", entry.id, entry.version)).collect()
}

#[test]
fn each_version_is_kept_once_and_survives() {
    let place = Place::new();
    let store = place.open();
    let objects = || vec![object("a", 1), object("b", 1), object("a", 2)];
    let first = place.report(&store, envelope(10, objects()), 0);
    assert_eq!((first.stored, first.known), (3, 0));
    let again = place.report(&store, envelope(10, objects()), 1);
    assert_eq!((again.stored, again.known), (0, 3));
    // What another sensor sends that is there already is there once.
    let more = vec![object("a", 1), object("c", 1)];
    let other = place.report(&store, envelope(20, more), 2);
    assert_eq!((other.stored, other.known), (1, 1));
    drop(store);
    let store = place.open();
    let all = Filter { versions: vec![Version::All], ..Filter::default() };
    let whole = store.view("inbox", None);
    let page = store.page([whole, whole], &all, 0, 100).unwrap();
    assert_eq!(ids(&page), ["note--a v1", "note--b v1", "note--a v2", "note--c v1"]);
    let own = [whole, store.view("inbox", store.sender("sensor 20").unwrap())];
    let page = store.page(own, &all, 0, 100).unwrap();
    assert_eq!(ids(&page), ["note--c v1"]);
    assert_eq!(page.entries.first().unwrap().body, b"{\"id\":\"c\",\"at\":1}");
    assert!(store.has(own, "note--c").unwrap() && !store.has(own, "note--a").unwrap());
    assert!(store.sender("sensor 30").unwrap().is_none());
    let indicators = store.view("indicators", None);
    assert!(store.page([indicators, indicators], &all, 0, 9).unwrap().entries.is_empty());
}

#[test]
fn versions_and_pages_are_as_asked_for() {
    let place = Place::new();
    let store = place.open();
    let objects = (0..10).flat_map(|at| [object("a", at + 1), object(&format!("x{at}"), 1)]);
    place.report(&store, envelope(10, objects.collect()), 0);
    let view = [store.view("inbox", None); 2];
    let ask = |versions: Vec<Version>, ids_of: &[&str]| {
        let ids_of = ids_of.iter().map(|id| format!("note--{id}")).collect();
        let filter = Filter { versions, ids: ids_of, ..Filter::default() };
        ids(&store.page(view, &filter, 0, 100).unwrap())
    };
    assert_eq!(ask(vec![], &["a"]), ["note--a v10"]);
    assert_eq!(ask(vec![Version::First, Version::At(5)], &["a"]), ["note--a v1", "note--a v5"]);
    assert_eq!(ask(vec![Version::All], &["a"]).len(), 10);
    assert_eq!(ask(vec![], &[]).len(), 11);
    // Pages by three, while others write between them.
    let (mut after, mut seen, mut pages) = (0, Vec::new(), 0);
    loop {
        let page = store.page(view, &Filter::default(), after, 3).unwrap();
        assert!(page.entries.len() <= 3);
        seen.extend(ids(&page));
        pages += 1;
        let Some(next) = page.next else { break };
        after = next;
        if pages == 2 {
            place.report(&store, envelope(20, vec![object("late", 1)]), 1);
        }
    }
    assert_eq!((seen.len(), pages), (12, 4), "{seen:?}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 12);
}

#[test]
fn an_indicator_goes_to_all_when_enough_towns_saw_it() {
    let place = Place::new();
    let store = place.open();
    let view = [store.view("indicators", None); 2];
    let shown = || store.page(view, &Filter::default(), 0, 100).unwrap().entries;
    let evil = "203.0.113.66";
    // Three sensors of one town are one town.
    for (sensor, waiting) in [(10, 1), (11, 0), (12, 0), (20, 1)] {
        let report = place.report(&store, envelope(sensor, vec![indicator(evil, 1)]), 0);
        assert_eq!((report.waiting, report.released), (waiting, 0), "{sensor}");
        assert!(shown().is_empty());
    }
    let report = place.report(&store, envelope(30, vec![indicator(evil, 1)]), 1);
    assert_eq!(report.released, 1);
    let entries = shown();
    assert_eq!(entries.len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&entries.first().unwrap().body).unwrap();
    assert_eq!(body["pattern"], format!("[ipv4-addr:value = '{evil}']"));
    assert!(body.get("created_by_ref").is_none() && body["valid_until"].is_string());
    // More of the same day change nothing; the next day renews it.
    place.report(&store, envelope(40, vec![indicator(evil, 1)]), 2);
    let all = Filter { versions: vec![Version::All], ..Filter::default() };
    assert_eq!(store.page(view, &all, 0, 9).unwrap().entries.len(), 1);
    place.report(&store, envelope(40, vec![indicator(evil, 2)]), DAY);
    assert_eq!(store.page(view, &all, 0, 9).unwrap().entries.len(), 2);
    assert_eq!(shown().len(), 1);
    // What must not go round never does, and what was seen long ago does not count.
    for (second, value) in [(0, "8.8.8.8"), (0, "198.51.100.1"), (0, "192.168.1.1")] {
        for sensor in [50, 60, 70, 80] {
            let report = place.report(&store, envelope(sensor, vec![indicator(value, 9)]), second);
            assert_eq!((report.waiting, report.released), (0, 0));
            assert_eq!(report.held.iter().sum::<u64>(), 1);
        }
    }
    for (sensor, days) in [(50, 0), (60, 9), (70, 18)] {
        let seen = indicator("203.0.113.9", 5);
        let report = place.report(&store, envelope(sensor, vec![seen]), days * DAY);
        assert_eq!((report.waiting, report.released), (1, 0));
    }
    assert_eq!(shown().len(), 1);
}

#[test]
fn shares_bite_and_what_is_old_goes() {
    let mut place = Place::new();
    place.quota = Quota { objects_per_day: 5, indicators_per_day: 2, ..Quota::default() };
    let store = place.open();
    let many = |from: u64| (from..from + 4).map(|at| object("n", at)).collect();
    place.report(&store, envelope(10, many(1)), 0);
    assert!(matches!(place.put(&store, envelope(10, many(10)), 1), Put::Share));
    let again = place.report(&store, envelope(10, many(1)), 1);
    assert_eq!((again.stored, again.known), (0, 4), "what is there already costs nothing");
    place.report(&store, envelope(20, many(10)), 2);
    place.report(&store, envelope(10, many(10)), DAY);
    let three = ["203.0.113.1", "203.0.113.2", "203.0.113.3"].map(|value| indicator(value, 1));
    let report = place.report(&store, envelope(30, three.to_vec()), 0);
    assert_eq!((report.waiting, report.ignored), (2, 1));
    let all = Filter { versions: vec![Version::All], ..Filter::default() };
    let count = || store.page([store.view("inbox", None); 2], &all, 0, 99).unwrap().entries.len();
    assert_eq!(count(), 11);
    let at = |days: u64| (BEGIN + days * DAY + 10) * 1_000_000;
    store.tidy(at(20), 30, true).unwrap();
    assert_eq!(count(), 11);
    store.tidy(at(30), 30, true).unwrap();
    assert_eq!(count(), 3, "moments never go back: the last ones count from the second day");
    store.tidy(at(32), 30, true).unwrap();
    assert_eq!(count(), 0);
    // What went may come again.
    assert_eq!(place.report(&store, envelope(10, vec![object("n", 1)]), 40 * DAY).stored, 1);
}

#[test]
fn a_request_is_found_by_its_identifier() {
    for moment in [0, 1, 1_767_225_600_123_456, (1 << 60) - 1] {
        let id = put::request_id(moment);
        assert_eq!(put::request_moment(&id), Some(moment), "{id}");
        assert_eq!(id.len(), 36);
    }
    for wrong in
        ["", "x", "00000000-0000-8000-8000-000000000001", "é0000000-0000-8000-8000-000000000000"]
    {
        assert_eq!(put::request_moment(wrong), None);
    }
    let place = Place::new();
    let store = place.open();
    let Put::Done(status, _) = place.put(&store, envelope(10, vec![object("a", 1)]), 0) else {
        panic!("no status")
    };
    let moment = request_moment(status["id"].as_str().unwrap()).unwrap();
    let sender = store.sender("sensor 10").unwrap().unwrap();
    let kept = store.status(moment, sender).unwrap().unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!((&kept["success_count"], &kept["id"]), (&serde_json::json!(1), &status["id"]));
    assert!(store.status(moment, sender + 1).unwrap().is_none());
}
