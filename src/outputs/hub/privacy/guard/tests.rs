//! Whatever notation: found; what has to be told: let through.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn site() -> Site {
    Site { names: vec!["comune.esempio.it".to_owned()], ..Site::default() }
}

fn look(text: &str) -> Result<(), Hit> {
    let site = site();
    let told = ["203.0.113.66".parse().unwrap(), "2001:db8::10:20:30:40".parse().unwrap()];
    Guard::new(&site, &[], &told).check(&json!({ "text": text }))
}

#[test]
fn what_must_not_leave_is_found_in_any_notation() {
    for (text, hit) in [
        ("host 192.168.10.20 ha", Hit::Address),
        ("http://10.0.0.1:8080/x?y=1", Hit::Address),
        ("192-168-10-20.dyn.example.org", Hit::Address),
        ("20.10.168.192.in-addr.arpa", Hit::Address),
        ("20.10.168.192.bl.example.org", Hit::Address),
        ("020.010.168.192", Hit::Address),
        ("0xc0a80a14", Hit::Address),
        ("C0A80A14", Hit::Address),
        ("140aa8c0", Hit::Address),
        ("c0:a8:0a:14", Hit::Address),
        ("3232238100", Hit::Address),
        ("http://3232238100/", Hit::Address),
        ("0300.0250.012.024", Hit::Address),
        ("0xc0.0xa8.0x0a.0x14", Hit::Address),
        ("192[.]168[.]10[.]20", Hit::Address),
        ("192%2E168%2E10%2E20", Hit::Address),
        ("MTkyLjE2OC4xMC4yMA==", Hit::Address),
        ("xMTkyLjE2OC4xMC4yMA", Hit::Address),
        ("3139322e3136382e31302e3230", Hit::Address),
        ("fd12:3456::1", Hit::Address),
        ("[fe80::1%25eth0]", Hit::Address),
        ("::ffff:192.168.10.20", Hit::Address),
        ("::ffff:c0a8:a14", Hit::Address),
        ("a:fd12:3456::1", Hit::Address),
        ("fd123456000000000000000000000001", Hit::Address),
        ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.5.4.3.2.1.d.f.x", Hit::Address),
        ("100.64.1.2", Hit::Address),
        ("scheda 02:42:ac:11:00:02", Hit::Mac),
        ("02-42-AC-11-00-02", Hit::Mac),
        ("0242.ac11.0002", Hit::Mac),
        ("0242ac110002", Hit::Mac),
        ("RSSMRA85T10A562S", Hit::FiscalCode),
        ("cf=rssmra85t10a562s&x", Hit::FiscalCode),
        ("xRSSMRA85T10A562Sx", Hit::FiscalCode),
        ("RSS MRA 85T10 A562S", Hit::FiscalCode),
        ("UlNTTVJBODVUMTBBNTYyUw", Hit::FiscalCode),
        ("m.rossi@comune.esempio.it", Hit::Mail),
        ("m.rossi%40example.org", Hit::Mail),
        ("m.rossi[at]example.org", Hit::Mail),
        ("IT60X0542811101000000123456", Hit::Iban),
        ("IT60 X054 2811 1010 0000 0123 456", Hit::Iban),
        ("www.comune.esempio.it", Hit::Name),
        ("srv1.ufficio.local", Hit::Name),
        ("１９２.168.10.20", Hit::Script),
        ("192.168.10\u{200b}.20", Hit::Script),
    ] {
        assert_eq!(look(text), Err(hit), "{text}");
    }
}

#[test]
fn what_has_to_be_told_is_let_through() {
    for text in [
        "203.0.113.66 ha provato 8 porte diverse di host-abcde-fghij-klmno-pqr27 in 1 secondo.",
        "[ipv6-addr:value = '2001:db8::10:20:30:40']",
        "2001:db8::10:20:30:40",
        "2026-11-22T23:22:15.679454Z",
        "sighting--c0a80a14-0000-5000-8000-0242ac110002",
        "https://attack.mitre.org/techniques/T1595/001/",
        "acn:active-scanning=\"network-scanning\"",
        "urn:rivellino:cosc/13/region/19/comune/082053/sensor/1",
        "Perché l'attività è così: «[omesso]» – 1,5 GB…",
        "RIVELLINO WEB Log4Shell lookup in a header (CVE-2021-44228)",
        "interpretazioneprecipitevolissimevolmente",
        "hmac-sha256-96/week",
    ] {
        assert_eq!(look(text), Ok(()), "{text}");
    }
    // Keys are looked at too, and what is nested too deep is blocked.
    let site = site();
    let guard = Guard::new(&site, &[], &[]);
    assert_eq!(guard.check(&json!({ "10_0_0_1": 1 })), Err(Hit::Address));
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(guard.check(&deep), Err(Hit::Script));
}

#[test]
fn a_known_address_is_found_where_it_can_only_be_known() {
    let site = Site::default();
    let known = ["198.51.100.7".parse().unwrap(), "10.1.2.3".parse().unwrap()];
    let guard = Guard::new(&site, &known, &[]);
    for value in [
        // A UUID of an observable, a number, a reversed address, raw bytes.
        json!("indicator--12592121-be4c-5a93-a813-5a5af16e50db"),
        json!(3_325_256_711_u32),
        json!(167_838_211),
        json!("3.2.1.10"),
        json!("cm5vd24gMTk4LjUxLjEwMC43"),
    ] {
        assert_eq!(guard.check(&value), Err(Hit::Address), "{value}");
    }
    assert_eq!(guard.check(&json!(["198.51.100.70", 3_325_256_712_u32])), Ok(()));
}

#[test]
fn what_odd_characters_hide_is_found_in_the_text_as_it_came() {
    let site = site();
    let guard = Guard::new(&site, &[], &["203.0.113.66".parse().unwrap()]);
    for text in [
        "host 192\u{200b}.168.10.20 ha",
        "host 192.168\u{ad}.10.20 ha",
        "\u{202e}192.168.10.20",
        "１９２．１６８．１０．２０",
        "192。168。10。20",
        "192·168·10·20",
        "١٩٢.١٦٨.١٠.٢٠",
        "𝟏𝟗𝟐.168.10.20",
        "192🙂.168.10.20",
        "192\u{0}.168.10.20",
        "020.010.168.\u{200b}192",
    ] {
        assert_eq!(guard.original(text), Err(Hit::Address), "{text:?}");
    }
    // What is plain is taken out by others; what hides nothing may be odd.
    for text in ["host 192.168.10.20 ha", "203.0.113.66 → porta\u{a0}22 🙂", "è così"] {
        assert_eq!(guard.original(text), Ok(()), "{text:?}");
    }
}

fn internal() -> impl Strategy<Value = [u8; 4]> {
    prop_oneof![
        (0..=255_u8, 0..=255_u8, 1..=254_u8).prop_map(|(b, c, d)| [10, b, c, d]),
        (16..=31_u8, 0..=255_u8, 1..=254_u8).prop_map(|(b, c, d)| [172, b, c, d]),
        (0..=255_u8, 1..=254_u8).prop_map(|(c, d)| [192, 168, c, d]),
    ]
}

/// Notations of an address by number.
fn written(octets: [u8; 4], how: usize) -> String {
    let [a, b, c, d] = octets;
    let bits = u32::from_be_bytes(octets);
    let dotted = format!("{a}.{b}.{c}.{d}");
    match how {
        0 => dotted,
        1 => format!("{a}-{b}-{c}-{d}"),
        2 => format!("0x{bits:08x}"),
        3 => bits.to_string(),
        4 => format!("{d}.{c}.{b}.{a}.in-addr.arpa"),
        5 => format!("https://{dotted}:8443/path"),
        6 => format!("ip-{a}-{b}-{c}-{d}.rete.example.org"),
        7 => dotted.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        8 => dotted.bytes().map(|byte| format!("{byte:02x}")).collect(),
        9 => format!("::ffff:{dotted}"),
        _ => format!("{bits:08X}"),
    }
}

proptest! {
    #[test]
    fn planted_addresses_are_found(
        octets in internal(), how in 0..=10_usize, before in "[ a-z(=]{0,6}[ (=/]", after in "[ ),;][a-z ]{0,6}",
    ) {
        let text = format!("{before}{}{after}", written(octets, how));
        prop_assert!(look(&text).is_err(), "{text}");
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}", more in "[ -~]{0,200}") {
        let _ = (look(&text), look(&more));
    }

    #[test]
    fn pseudonyms_are_never_taken_for_something_else(bytes in any::<[u8; 32]>(), host in internal()) {
        let now = crate::time::Timestamp::new(1_800_000_000, 0);
        let keys = super::super::pseudonym::Keys::fixed(now, bytes);
        let name = keys.pseudonym(host.into(), now);
        prop_assert_eq!(look(&format!("{name} ha provato 8 porte di {name}.")), Ok(()));
    }
}
