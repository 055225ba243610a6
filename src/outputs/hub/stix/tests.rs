//! The objects of an event hang together and are the same in every run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use super::*;
use crate::outputs::hub::exchange::Exchange;
use crate::outputs::hub::policy::Policy;
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::privacy::site::Site;

pub(crate) const POLICY: &str = r#"
[identity]
istat = "082053"
region = 19
cosc = 13
sensor = 1
[basis]
law = "D.Lgs. 138/2024, art. 17"
agreement = "ProC2Si 2026/42"
valid-until = "2999-12-31"
[sharing]
tlp-ceiling = "amber+strict"
level = "low"
detectors = ["all"]
signatures = true
incidents = true
own-names = ["comune.esempio.it"]
[[recipient]]
name = "COSC"
api-root = "https://hub.example.org/cosc"
collection = "c"
tlp = "amber+strict"
"#;

pub(crate) const SCAN: &str = r#"{"timestamp":"2026-11-22T23:22:15.679454+0000","flow_id":21,"event_type":"alert","src_ip":"203.0.113.66","src_port":42273,"dest_ip":"192.168.10.20","dest_port":21,"proto":"TCP","ip_v":4,"alert":{"action":"allowed","gid":9100,"signature_id":1,"rev":1,"signature":"Vertical TCP scan of 192.168.10.20 by 203.0.113.66","category":"Behaviour","severity":2,"metadata":{"mitre_technique_id":["T1595.001"]}},"finding":{"detector":"scan","level":"medium","score":65536,"threshold":99,"confidence":0.9,"numbers":{"targets_tried":8,"seconds":0.0012,"ports":[135,3306],"target":3232238100},"baseline":{"targets_failed_max":7},"evidence":[22,21],"technique":"T1595.001","acn":["acn:active-scanning=\"network-scanning\""],"took":0.0012,"explain":{"it":"203.0.113.66 ha provato 8 porte diverse di 192.168.10.20 (srv1.comune.local) in 1 secondo.","en":"x"}}}"#;

pub(crate) fn exchange() -> (Exchange, crate::time::Timestamp) {
    let now = crate::time::Timestamp::new(1_800_000_000, 0);
    let policy = Policy::parse(POLICY, "p").unwrap();
    let stix = Box::new(Stix::new(&policy.identity));
    let site = Site { names: policy.own_names.clone(), ..Site::default() };
    (Exchange::new(policy, site, stix, Keys::fixed(now, [7; 32])), now)
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["type"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn a_scan_becomes_objects_that_refer_to_each_other() {
    let (mut exchange, now) = exchange();
    let unit = exchange.line(SCAN.as_bytes(), now);
    let unit = unit.unwrap_or_else(|| panic!("{:?}", exchange.counts()));
    let objects = &unit.objects;
    let kinds: Vec<&str> = objects.iter().filter_map(|object| object["type"].as_str()).collect();
    assert_eq!(
        kinds,
        [
            "attack-pattern",
            "indicator",
            "relationship",
            "ipv4-addr",
            "network-traffic",
            "observed-data",
            "note",
            "sighting"
        ]
    );
    let sighting = of_kind(objects, "sighting");
    let indicator = of_kind(objects, "indicator");
    assert_eq!(sighting["sighting_of_ref"], indicator["id"]);
    assert_eq!(sighting["observed_data_refs"][0], of_kind(objects, "observed-data")["id"]);
    assert_eq!(indicator["pattern"], "[ipv4-addr:value = '203.0.113.66']");
    assert_eq!(indicator["valid_until"], "2026-12-22T00:00:00.000Z");
    assert!(indicator.get("created_by_ref").is_none(), "an indicator names no town");
    let traffic = of_kind(objects, "network-traffic");
    assert_eq!(traffic["src_ref"], of_kind(objects, "ipv4-addr")["id"]);
    assert!(traffic.get("dst_ref").is_none());
    assert_eq!((&traffic["src_port"], &traffic["dst_port"]), (&json!(42273), &json!(21)));
    let extension = &sighting["extensions"][EXTENSION];
    assert_eq!(extension["destination"]["role"], "server");
    assert_eq!(extension["features"]["target"], 3_230_000_000_u64);
    let note = of_kind(objects, "note")["content"].as_str().unwrap();
    assert!(note.starts_with("203.0.113.66 ha provato 8 porte diverse di host-"), "{note}");
    assert!(note.ends_with(" in 1 secondo.") && !note.contains("srv1"), "{note}");
    // All that is referred to is there or in the preamble.
    let shared = exchange.preamble().into_iter().chain(Stix::definition());
    let all: Vec<Value> = shared.chain(objects.clone()).collect();
    let text = Value::Array(all.clone()).to_string();
    for reference in text.split('"').filter(|word| word.contains("--") && word.len() > 36) {
        let there = all.iter().any(|object| object["id"] == reference);
        assert!(
            there || reference == TLP_EXTENSION || reference == incident::EXTENSION,
            "{reference}"
        );
    }
    assert!(!text.contains("192.168") && !text.contains(".local"));
    // The extension has the shape that is published with it.
    let schema: Value = serde_json::from_str(EXTENSION_SCHEMA).unwrap();
    for key in extension.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key} is not in the schema");
    }
}

#[test]
fn identifiers_are_the_same_in_every_run_and_indicators_at_every_sensor() {
    let ((mut one, now), (mut two, _)) = (exchange(), exchange());
    let first = one.line(SCAN.as_bytes(), now).unwrap();
    assert_eq!(first, two.line(SCAN.as_bytes(), now).unwrap());
    // The same event again is another one.
    let again = one.line(SCAN.as_bytes(), now).unwrap();
    assert_ne!(
        of_kind(&again.objects, "sighting")["id"],
        of_kind(&first.objects, "sighting")["id"]
    );
    // Another sensor, another victim, another time of that day.
    let policy = Policy::parse(&POLICY.replace("sensor = 1", "sensor = 2"), "p").unwrap();
    let stix = Box::new(Stix::new(&policy.identity));
    let mut other = Exchange::new(policy, Site::default(), stix, Keys::fixed(now, [9; 32]));
    let line = SCAN.replace("192.168.10.20", "10.9.8.7").replace("23:22:15", "20:00:01");
    let seen = other.line(line.as_bytes(), now).unwrap();
    for kind in ["indicator", "attack-pattern", "relationship"] {
        assert_eq!(of_kind(&seen.objects, kind), of_kind(&first.objects, kind));
    }
    assert_ne!(of_kind(&seen.objects, "sighting")["id"], of_kind(&first.objects, "sighting")["id"]);
}

#[test]
fn within_the_site_only_the_technique_is_sighted() {
    let (mut exchange, now) = exchange();
    let line = SCAN.replace("203.0.113.66", "10.1.1.1");
    let unit = exchange.line(line.as_bytes(), now).unwrap();
    let kinds: Vec<&str> =
        unit.objects.iter().filter_map(|object| object["type"].as_str()).collect();
    assert_eq!(kinds, ["attack-pattern", "note", "sighting"]);
    let sighting = of_kind(&unit.objects, "sighting");
    assert_eq!(sighting["sighting_of_ref"], of_kind(&unit.objects, "attack-pattern")["id"]);
    assert!(sighting.get("observed_data_refs").is_none());
}

#[test]
fn what_the_policy_does_not_name_stays_and_is_counted() {
    use crate::outputs::hub::cleared::Withheld;
    let (_, now) = exchange();
    let signature = format!("{}}}", SCAN.split(",\"finding\"").next().unwrap());
    // Where the home networks were not named a host of the site looks like any other.
    let strange = |line: &str| line.replace("192.168.10.20", "198.51.100.20");
    let upload = strange(SCAN).replace("\"scan\"", "\"exfiltration\"");
    let incident = strange(INCIDENT).replace("10.0.0.7", "198.51.100.7");
    for (from, to, line, why) in [
        ("[\"all\"]", "[\"lateral\"]", SCAN.to_owned(), Withheld::Detector),
        ("incidents = true", "incidents = false", INCIDENT.to_owned(), Withheld::Incident),
        ("signatures = true", "signatures = false", signature, Withheld::Signature),
        ("\"low\"", "\"high\"", SCAN.to_owned(), Withheld::Level),
        ("2999", "2026", SCAN.to_owned(), Withheld::Expired),
        ("2999", "2999", upload, Withheld::Unplaced),
        ("2999", "2999", incident, Withheld::Unplaced),
        (
            "ceiling = \"amber+strict\"",
            "ceiling = \"amber\"",
            SCAN.replace("T1595.001", "T0846"),
            Withheld::Mark,
        ),
        ("2999", "2999", SCAN.replace("network-scanning", "RSSMRA85T10A562S"), Withheld::Guard),
    ] {
        let policy = Policy::parse(&POLICY.replace(from, to), "p").unwrap();
        let stix = Box::new(Stix::new(&policy.identity));
        let keys = Keys::fixed(now, [9; 32]);
        let mut exchange = Exchange::new(policy, Site::default(), stix, keys);
        assert_eq!(exchange.line(line.as_bytes(), now), None, "{why:?}");
        let at = Withheld::ALL.iter().position(|one| *one == why).unwrap();
        assert_eq!(exchange.counts().withheld[at], 1, "{why:?}: {:?}", exchange.counts());
    }
}

pub(crate) const INCIDENT: &str = r#"{"timestamp":"2026-11-22T23:30:00.000000+0000","event_type":"incident","src_ip":"203.0.113.66","incident":{"id":"20261122-4f2a9c1e","status":"opened","reason":"score","level":"high","score":12.5,"threshold":8,"confidence":0.85,"title":{"it":"Attacco da 203.0.113.66 a 192.168.10.20","en":"x"},"sources":["203.0.113.66","10.0.0.7"],"sources_total":2,"targets":["192.168.10.20"],"targets_total":1,"first":"2026-11-22T23:22:15.679454+0000","last":"2026-11-22T23:29:00.000000+0000","timeline":[{"title":"Vertical TCP scan of 192.168.10.20"}],"techniques":["T1595.001","T1110.001"],"acn":[],"explain":{"it":"Alle 23:22 203.0.113.66 ha provato le porte di 192.168.10.20.","en":"x"}}}"#;

#[test]
fn an_incident_is_a_draft_whose_records_are_versions_of_one_object() {
    let (mut exchange, now) = exchange();
    let opened = exchange.line(INCIDENT.as_bytes(), now);
    let opened = opened.unwrap_or_else(|| panic!("{:?}", exchange.counts())).objects;
    let closed = INCIDENT.replace("opened", "closed").replace("T23:30", "T23:59");
    let closed = exchange.line(closed.as_bytes(), now).unwrap().objects;
    let (before, after) = (of_kind(&opened, "incident"), of_kind(&closed, "incident"));
    assert_eq!((&before["id"], &before["created"]), (&after["id"], &after["created"]));
    assert!(before["modified"].as_str() < after["modified"].as_str());
    let extension = &after["extensions"][incident::EXTENSION];
    assert_eq!(extension["determination"], "suspected");
    assert_eq!(extension["investigation_status"], "closed");
    assert_eq!(extension["incident_types"], json!(["brute-force-attempt", "network-scanning"]));
    assert_eq!(of_kind(&opened, "ipv4-addr")["value"], "203.0.113.66");
    let note = of_kind(&opened, "note");
    assert_eq!(note["object_refs"], json!([before["id"]]));
    let text = Value::Array(opened.clone()).to_string();
    assert!(!text.contains("192.168") && !text.contains("10.0.0.7"), "{text}");
    // Only where the policy says so; and of findings that are suppressed nothing is told.
    let policy = Policy::parse(&POLICY.replace("incidents = true", "incidents = false"), "p");
    let policy = policy.unwrap();
    let stix = Box::new(Stix::new(&policy.identity));
    let mut quiet = Exchange::new(policy, Site::default(), stix, Keys::fixed(now, [9; 32]));
    assert_eq!(quiet.line(INCIDENT.as_bytes(), now), None);
    let suppressed = SCAN.replace("\"took\"", "\"suppressed\":\"known\",\"took\"");
    assert_eq!(quiet.line(suppressed.as_bytes(), now), None);
    assert_eq!(quiet.counts().seen, 1, "the incident alone was asked about");
}
