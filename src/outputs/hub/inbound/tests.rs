#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::net::IpAddr;

use serde_json::json;

use super::gate::Allowed;
use super::store::Store;
use super::*;
use crate::net::AddressSet;
use crate::outputs::hub::privacy::site::Site;

const NOW: Timestamp = Timestamp::new(1_800_000_000, 0);

fn stix(number: u32, pattern: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1",
        "id": format!("indicator--{number:08}-0000-4000-8000-000000000000"),
        "created_by_ref": "identity--00000000-0000-4000-8000-000000000001",
        "created": "2027-01-01T00:00:00.000Z", "modified": "2027-01-01T00:00:00.000Z",
        "name": format!("thing {number}"), "pattern": pattern, "pattern_type": "stix",
        "valid_from": "2027-01-01T00:00:00Z", "valid_until": "2027-02-01T00:00:00Z",
        "confidence": 80,
    })
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    object.as_object_mut().unwrap().insert(key.to_owned(), value);
    object
}

fn gate() -> Gate {
    let site =
        Site { home: AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8), names: Vec::new() };
    Gate::new(&site, &Allowed::default(), &Allowed::default(), &[])
}

fn admitted(objects: &[Value]) -> (Vec<Indicator>, Counts) {
    admit(Store::of(objects).held(), "COSC", &gate(), Some(NOW))
}

#[test]
fn an_indicator_comes_with_its_author_its_confidence_and_its_end() {
    let author = json!({
        "type": "identity", "id": "identity--00000000-0000-4000-8000-000000000001",
        "name": "CSIRT\u{7} of tests",
    });
    let of = stix(1, "[ipv4-addr:value = '198.51.100.7' OR ipv4-addr:value = '8.8.8.8']");
    let (found, counts) = admitted(&[author, of]);
    assert_eq!(counts.text(), "1 in force");
    let one = &found[0];
    assert_eq!((&*one.source, &*one.author), ("COSC", "CSIRT of tests"));
    assert_eq!((one.confidence, one.name.as_str()), (80, "thing 1"));
    assert_eq!(one.alternatives.len(), 1, "the resolver is left out: {one:?}");
    assert_eq!(one.valid[1].to_string(), "2027-02-01T00:00:00.000000+0000");
}

#[test]
fn what_is_not_sound_is_counted_by_reason() {
    let good = "[ipv4-addr:value = '198.51.100.7']";
    for (object, why) in [
        (with(stix(1, good), "revoked", json!(true)), Refused::Revoked),
        (with(stix(1, good), "valid_until", Value::Null), Refused::Endless),
        (with(stix(1, good), "valid_until", json!("soon")), Refused::Endless),
        (with(stix(1, good), "valid_until", json!("2027-01-02T00:00:00Z")), Refused::Expired),
        (with(stix(1, good), "confidence", json!(49)), Refused::Confidence),
        (with(stix(1, good), "confidence", Value::Null), Refused::Confidence),
        (with(stix(1, good), "pattern_type", json!("sigma")), Refused::Unsupported),
        (stix(1, "[file:name = 'x']"), Refused::Unsupported),
        (stix(1, &format!("[domain-name:value = '{}']", "a".repeat(5000))), Refused::Unsupported),
        (stix(1, "[ipv4-addr:value = '10.0.0.7']"), Refused::Private),
        (
            stix(1, "[ipv4-addr:value = '198.51.100.7' AND ipv4-addr:value = '8.8.8.8']"),
            Refused::Resolver,
        ),
    ] {
        let (found, counts) = admitted(std::slice::from_ref(&object));
        assert!(
            found.is_empty() && counts.text().ends_with(&format!("1 {}", why.name())),
            "{object}: {counts:?}"
        );
        assert_eq!(counts.unsupported.len(), usize::from(why == Refused::Unsupported));
    }
    let mut store = Store::default();
    for wrong in [
        with(stix(1, good), "id", json!("indicator--x")),
        with(stix(1, good), "modified", json!("yesterday")),
    ] {
        store.take(&wrong);
    }
    store.take(&json!({ "type": "malware", "id": "x" }));
    assert_eq!((store.len(), store.refused().iter().sum::<u64>()), (0, 2));
}

#[test]
fn nothing_holds_longer_than_ninety_days_and_a_replay_does_not_ask() {
    let long = with(
        stix(1, "[domain-name:value = 'a.org']"),
        "valid_until",
        json!("2099-01-01T00:00:00Z"),
    );
    let (found, _) = admitted(std::slice::from_ref(&long));
    assert_eq!(found[0].valid[1].to_string(), "2027-04-01T00:00:00.000000+0000");
    let later = Timestamp::new(1_900_000_000, 0);
    let store = Store::of(&[long]);
    assert_eq!(
        admit(store.held(), "x", &gate(), Some(later)).1.text(),
        "0 in force; not: 1 expired"
    );
    assert_eq!(admit(store.held(), "x", &gate(), None).1.text(), "1 in force");
}

#[test]
fn the_newest_version_of_its_author_counts_and_comes_through_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("indicators.jsonl");
    let first = stix(1, "[domain-name:value = 'a.org']");
    let newer = with(
        with(first.clone(), "modified", json!("2027-01-02T00:00:00.000Z")),
        "revoked",
        json!(true),
    );
    let foreign = with(
        with(
            newer.clone(),
            "created_by_ref",
            json!("identity--00000000-0000-4000-8000-000000000002"),
        ),
        "modified",
        json!("2027-01-03T00:00:00.000Z"),
    );
    let mut store = Store::open(&path).unwrap();
    store.take(&first);
    assert!(store.commit().unwrap() && !store.commit().unwrap());
    store.take(&foreign);
    assert_eq!(admit(store.held(), "x", &gate(), Some(NOW)).1.in_force, 1, "not its author");
    store.take(&newer);
    store.take(&first);
    assert_eq!(admit(store.held(), "x", &gate(), Some(NOW)).1.text(), "0 in force; not: 1 revoked");
    store.commit().unwrap();
    // A power cut in the middle of a line.
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, b"{\"type\":\"indic").unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(admit(store.held(), "x", &gate(), Some(NOW)).1.text(), "0 in force; not: 1 revoked");
    store.take(&stix(2, "[domain-name:value = 'b.org']"));
    store.commit().unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.len(), 2);
    assert!(store.prune(Timestamp::new(1_900_000_000, 0)) && store.is_empty());
}

#[test]
fn versions_that_pile_up_are_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("indicators.jsonl");
    let mut store = Store::open(&path).unwrap();
    for minute in 0..3000_u32 {
        let modified = format!(
            "2027-01-{:02}T{:02}:{:02}:00.000Z",
            1 + minute / 1440,
            minute / 60 % 24,
            minute % 60
        );
        store.take(&with(stix(1, "[domain-name:value = 'a.org']"), "modified", json!(modified)));
        if minute % 100 == 0 {
            store.commit().unwrap();
        }
    }
    store.commit().unwrap();
    let lines = std::fs::read_to_string(&path).unwrap().lines().count();
    assert!(lines < 1200, "{lines} lines");
    assert_eq!(
        Store::open(&path).unwrap().held().next().unwrap().0.modified,
        "2027-01-03T01:59:00.000Z"
    );
}

#[test]
fn what_does_not_find_room_is_counted() {
    let mut store = Store::default();
    for number in 0..KEPT_MAX as u32 + 5 {
        store.take(&stix(number, ""));
    }
    let at = Refused::ALL.iter().position(|why| *why == Refused::Room).unwrap();
    assert_eq!((store.len(), store.refused()[at]), (KEPT_MAX, 5));
}

#[test]
fn objects_are_read_as_a_bundle_a_list_or_lines() {
    let (a, b) = (stix(1, ""), stix(2, ""));
    let read = |content: &[u8]| {
        let mut ids = Vec::new();
        let unreadable = objects(content, &mut |object| ids.push(text(object, "id").to_owned()));
        (ids, unreadable)
    };
    let both = [text(&a, "id").to_owned(), text(&b, "id").to_owned()];
    let bundle = json!({ "type": "bundle", "id": "bundle--x", "objects": [a, b] });
    let pretty = serde_json::to_string_pretty(&bundle).unwrap();
    let list = json!([a, b]).to_string();
    let lines = format!("{a}\nrubbish\n\n{b}\n");
    let rubbish = format!("{{\"type\": \"indi\n{a}\n{b}");
    for (content, unreadable) in
        [(bundle.to_string(), 0), (pretty, 0), (list, 0), (lines, 1), (rubbish, 1)]
    {
        assert_eq!(read(content.as_bytes()), (both.to_vec(), unreadable), "{content}");
    }
    assert_eq!(read(b"7"), (Vec::new(), 1));
    assert_eq!(read(b"{\"objects\": 7}"), (Vec::new(), 1));
    assert_eq!(read(a.to_string().as_bytes()), (both[..1].to_vec(), 0));
}

#[test]
fn of_an_object_only_what_matters_is_held() {
    let mut object = stix(1, "[ipv4-addr:value = '198.51.100.7']");
    object["labels"] = json!([["x"], { "name": "y" }]);
    object["name"] = json!({ "name": "z" });
    let mut held = Vec::new();
    let unreadable = objects(object.to_string().as_bytes(), &mut |of| held.push(of.clone()));
    assert_eq!((unreadable, held.len()), (0, 1));
    assert_eq!((&held[0]["labels"], &held[0]["name"]), (&Value::Null, &Value::Null));
    assert_eq!((&held[0]["pattern"], &held[0]["confidence"]), (&object["pattern"], &json!(80)));
}

#[test]
fn what_is_said_tomorrow_holds_no_longer_than_what_is_said_today() {
    let good = "[ipv4-addr:value = '198.51.100.7']";
    let far = json!("2099-01-01T00:00:00.000Z");
    let endless = with(stix(1, good), "valid_until", far.clone());
    let (found, _) =
        admitted(&[with(endless.clone(), "valid_from", json!("2027-01-10T00:00:00Z"))]);
    assert_eq!(found[0].valid[1].to_string(), "2027-04-10T00:00:00.000000+0000");
    // What is yet to begin does not move its end.
    let (found, _) =
        admitted(&[with(endless.clone(), "valid_from", json!("2027-03-01T00:00:00Z"))]);
    assert_eq!(found[0].valid[1].to_string(), "2027-04-01T00:00:00.000000+0000");
    let (found, counts) = admitted(&[with(endless, "modified", far)]);
    assert!(found.is_empty() && counts.text().ends_with("1 endless"), "{counts:?}");
}

#[test]
fn names_do_not_turn_around_what_stands_beside_them() {
    let named = with(stix(1, ""), "name", json!("a\u{202e}b\u{200b}c\u{feff}d"));
    assert_eq!(Held::read(&named).unwrap().unwrap().name, "abcd");
}
