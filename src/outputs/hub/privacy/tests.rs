//! Things that must not leave are planted all over an event: no byte that leaves has them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::outputs::hub::stix::tests::exchange;

/// What is planted: what stands in the event, and what must then be in no byte.
#[derive(Clone, Debug)]
struct Plant {
    text: String,
    traces: Vec<String>,
}

fn plant() -> impl Strategy<Value = Plant> {
    let alone = |text: &str| Plant { text: text.to_owned(), traces: vec![text.to_owned()] };
    let people = prop_oneof![
        Just(alone("RSSMRA85T10A562S")),
        Just(alone("rssmra85t10a562s")),
        Just(alone("mario.rossi@comune.esempio.it")),
        Just(alone("mario.rossi%40esempio.it")),
        Just(alone("IT60X0542811101000000123456")),
        Just(alone("IT60 X054 2811 1010 0000 0123 456")),
        Just(alone("02:42:ac:11:00:02")),
        Just(alone("SRV-ANAGRAFE01.comune.local")),
        Just(alone("\\\\nas\\buste paga")),
    ];
    let addresses = (any::<[u8; 3]>(), 0..8_usize).prop_map(|([b, c, d], how)| {
        let address = std::net::Ipv4Addr::new(10, b, c, d | 1);
        let bits = address.to_bits();
        let dotted = address.to_string();
        let reversed = std::net::Ipv4Addr::from_bits(bits.swap_bytes()).to_string();
        let text = match how {
            0 => dotted.clone(),
            1 => format!("{bits:08x}"),
            2 => bits.to_string(),
            3 => format!("{reversed}.in-addr.arpa"),
            4 => format!("http://{dotted}/login?user=mrossi"),
            5 => format!("{}.dyn.example.org", dotted.replace('.', "-")),
            6 => dotted.bytes().map(|byte| format!("{byte:02x}")).collect(),
            _ => format!("::ffff:{dotted}"),
        };
        let traces = vec![
            text.clone(),
            format!("{bits:08x}"),
            bits.to_string(),
            dotted.replace('.', "-"),
            dotted,
            "mrossi".to_owned(),
        ];
        Plant { text, traces }
    });
    prop_oneof![people, addresses]
}

/// An event with the plant at one of the places where the wire's texts come to stand.
fn event(plant: &str, place: usize) -> Value {
    let mut record = json!({
        "timestamp": "2026-11-22T23:22:15.679454+0000", "flow_id": 21, "event_type": "alert",
        "src_ip": "192.168.10.20", "src_port": 50123, "dest_ip": "203.0.113.66", "dest_port": 443,
        "proto": "TCP", "app_proto": "tls",
        "alert": {"gid": 1, "signature_id": 7, "rev": 2, "signature": "RIVELLINO Malware beacon",
            "category": "A Network Trojan was detected", "severity": 1},
        "tls": {"sni": "c2.example.org", "subject": "CN=x"},
    });
    let finding = json!({
        "detector": "beacon", "level": "high", "score": 3.5, "threshold": 2, "confidence": 0.8,
        "numbers": {"seconds": 3, "domain": "c2.example.org"}, "baseline": {}, "evidence": [21],
        "technique": "T1071", "acn": [], "took": 3, "explain": {"it": "Testo.", "en": "Text."},
    });
    let text = json!(plant);
    let sentence = json!(format!("192.168.10.20 parla con {plant} ogni minuto, dice {plant}."));
    let paths: &[&str] = match place {
        0 => &["tls", "sni"],
        1 => &["tls", "subject"],
        2 => &["http", "hostname"],
        3 => &["http", "url"],
        4 => &["dns", "rrname"],
        5 => &["smb", "filename"],
        6 => &["alert", "signature"],
        7 => &["alert", "category"],
        8 => &["app_proto"],
        9 => &["finding", "explain", "it"],
        10 => &["finding", "numbers", "domain"],
        11 => &["finding", "numbers", "example"],
        12 => &["finding", "acn"],
        13 => &["finding", "technique"],
        14 => &["finding", "detector"],
        15 => &["src_ip"],
        _ => &["alert", "source", "ip"],
    };
    if paths.first() == Some(&"finding") {
        record["finding"] = finding;
    }
    let place = paths.iter().fold(&mut record, |value, key| &mut value[*key]);
    *place = match paths.last() {
        Some(&"it" | &"signature") => sentence,
        Some(&"acn") => json!([format!("acn:{plant}")]),
        _ => text,
    };
    record
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_byte_that_leaves_has_what_was_planted(plant in plant(), place in 0..=16_usize) {
        let (mut exchange, now) = exchange();
        let line = event(&plant.text, place).to_string();
        if let Some(unit) = exchange.line(line.as_bytes(), now) {
            let sent = Value::Array(unit.objects).to_string();
            for trace in plant.traces.iter().flat_map(|trace| [trace.clone(), trace.to_uppercase()]) {
                prop_assert!(!sent.contains(&trace), "{trace} of {} at {place} in {sent}", plant.text);
            }
            prop_assert!(!sent.contains("192.168"), "{sent}");
        }
    }
}

#[test]
fn ports_of_clients_of_the_site_stay_in_either_direction() {
    for is_answer in [false, true] {
        let (mut exchange, now) = exchange();
        let mut event = event("c3.example.org", 0);
        if is_answer {
            event["direction"] = json!("to_client");
            (event["src_ip"], event["dest_ip"]) = (json!("203.0.113.66"), json!("192.168.10.20"));
            (event["src_port"], event["dest_port"]) = (json!(443), json!(50123));
        }
        let unit = exchange.line(event.to_string().as_bytes(), now).unwrap();
        let said = Value::Array(unit.objects).to_string();
        assert!(said.contains("_port\":443") && !said.contains("50123"), "{said}");
    }
}

/// The property above would hold if nothing ever left: most of these do.
#[test]
fn what_is_harmless_leaves_and_what_is_planted_in_words_is_taken_out() {
    let (mut exchange, now) = exchange();
    for (plant, place) in [
        ("c3.example.org", 0),
        ("10.9.8.7", 1),
        ("mario.rossi@comune.esempio.it", 3),
        ("10.9.8.7", 9),
        ("mario.rossi@comune.esempio.it", 9),
        ("SRV-ANAGRAFE01.comune.local", 9),
        ("02:42:ac:11:00:02", 11),
        ("10.9.8.7", 15),
    ] {
        let line = event(plant, place).to_string();
        let unit = exchange.line(line.as_bytes(), now);
        assert!(unit.is_some(), "{plant} at {place}: {:?}", exchange.counts());
    }
}

#[test]
fn only_the_registered_domain_of_what_our_hosts_asked_for_is_told() {
    let (mut exchange, now) = exchange();
    let told = |line: &Value, exchange: &mut crate::outputs::hub::exchange::Exchange| {
        let unit = exchange.line(line.to_string().as_bytes(), now).unwrap();
        Value::Array(unit.objects).to_string()
    };
    let outbound = told(&event("c2.evil.example.org", 0), &mut exchange);
    assert!(outbound.contains("'example.org'") && !outbound.contains("c2.evil"), "{outbound}");
    // A name that others asked of our server is ours, and essential services are nobody's.
    let mut inbound = event("portale.esempio.it", 2);
    inbound["src_ip"] = json!("203.0.113.66");
    inbound["dest_ip"] = json!("192.168.10.20");
    inbound["tls"] = json!({});
    assert!(!told(&inbound, &mut exchange).contains("esempio.it"));
    let essential = told(&event("www.pagopa.gov.it", 0), &mut exchange);
    assert!(!essential.contains("gov.it"), "{essential}");
    let mut resolver = event("c2.example.org", 0);
    resolver["dest_ip"] = json!("8.8.8.8");
    assert!(!told(&resolver, &mut exchange).contains("[ipv4-addr:value"));
}

#[test]
fn large_numbers_are_made_coarse() {
    assert_eq!((coarse(99_999), coarse(3_232_238_100)), (99_999, 3_230_000_000));
    assert_eq!((coarse(u64::MAX), coarse(0)), (18_400_000_000_000_000_000, 0));
    assert_eq!((coarse_float(65_536.0), coarse_float(0.001_234_56)), (65_540.0, 0.001_235));
    assert_eq!((coarse_float(f64::NAN), coarse_float(f64::MIN_POSITIVE)), (0.0, 0.0));
}
