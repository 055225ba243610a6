//! What a policy says, and how mistakes in it are told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

const SOUND: &str = r#"
[identity]
istat = "082053"
region = 19
cosc = 13
sensor = 1

[basis]
law = "D.Lgs. 138/2024, art. 17"
agreement = "ProC2Si 2026/42"
valid-until = "2027-12-31"

[sharing]
tlp-ceiling = "amber"
level = "medium"
detectors = ["scan", "bruteforce"]
signatures = true
own-names = ["comune.esempio.it"]

[[recipient]]
name = "COSC Sicilia"
api-root = "https://hub.example.org/cosc"
collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
tlp = "amber"
"#;

#[test]
fn a_sound_policy_says_what_may_leave() {
    let policy = Policy::parse(SOUND, "p").unwrap();
    assert_eq!(policy.identity.uri(), "urn:rivellino:cosc/13/region/19/comune/082053/sensor/1");
    assert!(policy.allows("scan") && !policy.allows("lateral") && policy.signatures);
    assert_eq!((policy.ceiling, policy.level), (Tlp::Amber, Level::Medium));
    assert_eq!(policy.recipients[0].api_root, "https://hub.example.org/cosc/");
    assert!(policy.holds_on([2027, 12, 31]) && !policy.holds_on([2028, 1, 1]));
    assert_eq!(policy.retention, Retention { spool_days: 7, spool_mib: 256, audit_months: 24 });
}

/// Each change of the sound policy, the line it is told at, and what is said.
#[test]
fn each_mistake_is_told_with_its_line_and_a_way_to_mend_it() {
    for (from, to, line, words) in [
        ("istat = \"082053\"", "istat = 82053", 3, "quotation marks"),
        ("istat = \"082053\"", "istat = \"8205\"", 3, "six digits"),
        ("istat = \"082053\"\n", "", 2, "identity.istat is missing"),
        ("cosc = 13", "cosc = 130", 5, "1 to 18"),
        ("cosc = 13", "cosc = -1", 5, "no number"),
        ("sensor = 1", "sensors = 1", 6, "unknown key identity.sensors; known here: cosc"),
        ("law = \"D.Lgs. 138/2024, art. 17\"", "law = \" \"", 9, "empty"),
        ("2027-12-31", "2027-13-01", 11, "is no day"),
        ("tlp-ceiling = \"amber\"", "tlp-ceiling = \"red\"", 14, "never sent by a machine"),
        ("level = \"medium\"", "level = \"grave\"", 15, "\"critical\""),
        ("[\"scan\", \"bruteforce\"]", "[]", 16, "[\"all\"]"),
        ("[\"scan\", \"bruteforce\"]", "[\"all\", \"scan\"]", 16, "stands alone"),
        ("own-names = [\"comune.esempio.it\"]\n", "", 13, "sharing.own-names is missing"),
        ("signatures = true", "signatures = \"yes\"", 17, "true or false"),
        ("https://hub", "http://hub", 22, "https://HOST/PATH/"),
        ("https://hub.", "https://me:pw@hub.", 22, "https://HOST/PATH/"),
        ("[[recipient]]", "[recipient]", 20, "two brackets"),
        ("91a7b528", "../91a7b528", 23, "letters, digits"),
        ("[sharing]", "[shearing]", 13, "unknown key shearing"),
        ("[basis]\n", "[basis\n", 8, ""),
    ] {
        let text = SOUND.replacen(from, to, 1);
        assert_ne!(text, SOUND, "{from}");
        let problems = Policy::parse(&text, "policy.toml").unwrap_err();
        let place = format!("policy.toml:{line}: ");
        let told = problems.iter().any(|said| said.starts_with(&place) && said.contains(words));
        assert!(told, "{to}: {place}{words} is not in {problems:#?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let problems = Policy::parse("", "p").unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:#?}");
    let several = SOUND.replace("cosc = 13", "cosc = 99").replace("amber", "red");
    assert_eq!(Policy::parse(&several, "p").unwrap_err().len(), 3);
}

#[test]
fn a_missing_policy_is_named_and_paths_are_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    assert!(Policy::load(&path).unwrap_err()[0].contains(FILE));
    std::fs::write(&path, format!("{SOUND}\n[tls]\ncertificate = \"sensor.pem\"\n")).unwrap();
    let policy = Policy::load(&path).unwrap();
    assert_eq!(policy.tls.certificate, Some(folder.path().join("sensor.pem")));
    std::fs::write(&path, vec![b'#'; 70_000]).unwrap();
    assert!(Policy::load(&path).unwrap_err()[0].contains("at most 65536"));
}

#[test]
fn rules_and_metrics_of_the_centre_are_read_and_their_mistakes_told() {
    let key = "0f".repeat(32);
    let more = format!(
        "[rules]\nkeys = [\"{key}\"]\nsource = \"https://hub.example.org/rules.bundle\"\n\
         failed-percent = 2\n[metrics]\nurl = \"https://hub.example.org/api/v1/write\"\n"
    );
    let policy = Policy::parse(&format!("{SOUND}{more}"), "p").unwrap();
    let rules = policy.rules.unwrap();
    assert_eq!(rules.keys, [[0x0f; rules::KEY_BYTES]]);
    assert_eq!((rules.failed_percent, rules.alerts_factor, rules.canary), (2, 5, None));
    assert_eq!(policy.metrics.unwrap().seconds, 60);
    assert!(Policy::parse(SOUND, "p").unwrap().rules.is_none());
    let short = key.get(1..).unwrap();
    for (from, to, words) in [
        (key.as_str(), short, "rules.keys: no key"),
        (key.as_str(), "zz", "rules.keys: no key"),
        ("https://hub.example.org/r", "http://hub.example.org/r", "rules.source"),
        ("https://hub.example.org/r", "https://me@hub.example.org/r", "rules.source"),
        ("failed-percent = 2", "failed-percent = 99", "rules.failed-percent"),
        ("keys = ", "key = ", "unknown key rules.key"),
        ("url = \"https", "url = \"http", "metrics.url"),
        ("url = ", "# url = ", "metrics.url is missing"),
    ] {
        let text = format!("{SOUND}{}", more.replace(from, to));
        let problems = Policy::parse(&text, "p").unwrap_err().join("\n");
        assert!(problems.contains(words), "{to}: {problems}");
    }
}
