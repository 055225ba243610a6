//! What a sensor does by itself while it watches, beside the hub: it fetches the centre's rules, sends
//! lines to the town's own collector, and reads its file of indicators anew when it is asked to.

use std::path::Path;
use std::process::{Child, Stdio};

use rivellino::outputs::hub::identity::Identity;
use serde_json::{Value, json};

use super::Site;
use super::live::{PATIENCE, Place, Sensor, metric, until};
use crate::support::hub::{Certificates, signing_keys, within};

/// Gives out files of the folder to whoever shows a certificate, with tags; and notes each question.
const FILES: &str = r#"
import hashlib, http.server, ssl, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        content = open('rules.bundle', 'rb').read()
        tag = '"' + hashlib.sha256(content).hexdigest() + '"'
        known = self.headers.get('If-None-Match') == tag
        self.send_response(304 if known else 200)
        self.send_header('ETag', tag)
        self.send_header('Content-Length', '0' if known else str(len(content)))
        self.end_headers()
        if not known:
            self.wfile.write(content)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.load_cert_chain('server.pem', 'server.key')
context.load_verify_locations('ca.pem')
context.verify_mode = ssl.CERT_REQUIRED
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

/// Takes lines behind their lengths from whoever shows a certificate, and writes them to a file.
const COLLECTOR: &str = r#"
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('server.pem', 'server.key')
context.load_verify_locations('ca.pem')
context.verify_mode = ssl.CERT_REQUIRED
server = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    taken, _ = server.accept()
    with context.wrap_socket(taken, server_side=True) as stream:
        content = b''
        while part := stream.recv(65536):
            content += part
    with open('collected', 'ab') as collected:
        while content:
            length, content = content.split(b' ', 1)
            collected.write(content[:int(length)] + b'\n')
            content = content[int(length):]
"#;

const FILES_PORT: &str = "8444";
const COLLECTOR_PORT: &str = "6514";

/// A program of the tests in the sensor's namespace; killed when it is dropped.
struct Script(Child);

impl Script {
    fn start(place: &Place, folder: &Path, text: &str, port: &str) -> Self {
        let mut command = within(&place.before(), "python3");
        command.args(["-c", text, port]).current_dir(folder).stdin(Stdio::null());
        let log = std::fs::File::create(folder.join(format!("script-{port}.log"))).unwrap();
        Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Signs a rule as a bundle of that version; its key.
fn bundle(site: &Site, key: &str, version: &str, sid: u32) -> String {
    let rule = format!(
        "alert tcp any any -> any any (msg:\"of the centre\"; flow:to_server; flags:S; sid:{sid}; \
         threshold:type limit, track by_dst, count 1, seconds 60;)\n"
    );
    std::fs::write(site.path("town.rules"), rule).unwrap();
    let made = ["--version", version, "-o", "fresh.bundle", "town.rules"];
    let said = site.said(&[&["hub", "bundle", "make", "--key", key], &made[..]].concat(), 0);
    // Whoever asks meanwhile gets the old one or the new one.
    std::fs::rename(site.path("fresh.bundle"), site.path("rules.bundle")).unwrap();
    let at = said.find("policy of sites: ").unwrap() + 17;
    said[at..at + 64].to_owned()
}

fn indicators(addresses: &[&str]) -> String {
    let object = |(number, address): (usize, &&str)| {
        json!({
            "type": "indicator", "spec_version": "2.1", "pattern_type": "stix", "confidence": 80,
            "id": format!("indicator--{number:08}-0000-4000-8000-000000000000"),
            "created": "2001-01-01T00:00:00.000Z", "modified": "2026-11-01T00:00:00.000Z",
            "pattern": format!("[ipv4-addr:value = '{address}']"),
            "valid_from": "2026-11-01T00:00:00Z", "valid_until": "2099-01-01T00:00:00Z",
        })
    };
    let objects: Vec<Value> = addresses.iter().enumerate().map(object).collect();
    json!({ "type": "bundle", "id": "bundle--x", "objects": objects }).to_string()
}

fn furnish(site: &Site, key: &str) {
    let policy = std::fs::read_to_string(site.path("sharing-policy.toml")).unwrap();
    let more = format!(
        "[[collector]]\nname = \"SIEM\"\naddress = \"localhost:{COLLECTOR_PORT}\"\ntlp = \"amber\"\n\
         [rules]\nkeys = [\"{key}\"]\nsource = \"https://localhost:{FILES_PORT}/rules.bundle\"\n\
         fetch-seconds = 5\n"
    );
    std::fs::write(site.path("sharing-policy.toml"), policy + &more).unwrap();
    std::fs::write(site.path("rivellino.toml"), "policy-batch = 2\n").unwrap();
    std::fs::write(site.path("known.json"), indicators(&["203.0.113.200"])).unwrap();
}

#[test]
fn rules_are_fetched_and_lines_go_to_the_collector_while_it_watches() {
    let Some(place) = Place::new() else { return };
    let site = Site::new(5444);
    let folder = site.folder.path();
    if !signing_keys(folder, &["rules.key", "other.key"], "what a sensor fetches") {
        return;
    }
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    if Certificates::new(folder, &uri, "what a sensor fetches").is_none() {
        return;
    }
    let key = bundle(&site, "rules.key", "1", 7_000_001);
    furnish(&site, &key);
    let files = Script::start(&place, folder, FILES, FILES_PORT);
    let sensor = Sensor::start(&place, &site, "log", &["--indicators", "known.json"]);
    let log = || std::fs::read_to_string(site.path("log")).unwrap_or_default();
    let eve = || std::fs::read_to_string(site.path("out/eve.json")).unwrap_or_default();
    let rules = |outcome: &str| {
        metric(&place.page(), &format!("rivellino_exchange_rules_total{{outcome=\"{outcome}\"}}"))
    };
    let version = || metric(&place.page(), "rivellino_exchange_rules_version ");
    until("it watches", PATIENCE, || log().contains("watching"));
    // No rules are named: those of the centre take the place of the bundled ones.
    until("the first rules are in force", PATIENCE, || {
        log().contains("rules reloaded: 1 files: 1 rules")
    });
    until("their rule speaks", PATIENCE, || {
        place.speak();
        eve().contains("\"signature_id\":7000001")
    });
    assert_eq!((version(), rules("installed")), (1, 1));
    until("nothing newer is seen", PATIENCE, || rules("unchanged") > 0);
    bundle(&site, "rules.key", "2", 7_000_002);
    until("the next are in force", PATIENCE, || version() == 2);
    until("their rule speaks too", PATIENCE, || {
        place.speak();
        eve().contains("\"signature_id\":7000002")
    });
    // Of another key: refused once, and not tried again and again; what is in force stays.
    bundle(&site, "other.key", "3", 7_000_003);
    until("others are refused", PATIENCE, || rules("refused") > 0);
    let before = rules("unchanged");
    until("they are not tried again", PATIENCE, || rules("unchanged") > before);
    assert_eq!((rules("refused"), version()), (1, 2), "{}", log());
    assert!(site.said(&["hub", "rules", "show"], 0).contains("in force   2"));
    assert_eq!(metric(&place.page(), "rivellino_rules{state=\"loaded\"}"), 1);
    drop(files);

    reads_indicators_anew(&place, &site, &sensor);
    lines_wait_and_arrive(&place, &site);
    assert_eq!(sensor.end(), Some(0), "{}", log());
    assert!(!log().contains("panicked"), "{}", log());
}

fn reads_indicators_anew(place: &Place, site: &Site, sensor: &Sensor) {
    let in_force = || metric(&place.page(), "rivellino_exchange_indicators ");
    assert_eq!(in_force(), 1);
    let more = indicators(&["203.0.113.200", "203.0.113.66"]);
    std::fs::write(site.path("known.json"), more).unwrap();
    sensor.hang_up();
    until("the file is read anew", PATIENCE, || in_force() == 2);
    until("what is new in it is seen", PATIENCE, || {
        place.speak();
        let eve = std::fs::read_to_string(site.path("out/eve.json")).unwrap();
        eve.contains("indicator--00000001-0000-4000-8000-000000000000")
    });
    // One that cannot be read changes nothing.
    std::fs::write(site.path("known.json"), "{").unwrap();
    sensor.hang_up();
    until("it is told", PATIENCE, || {
        std::fs::read_to_string(site.path("log")).unwrap().contains("the old indicators stay")
    });
    assert_eq!(in_force(), 2);
}

fn lines_wait_and_arrive(place: &Place, site: &Site) {
    let attempts = |outcome: &str| {
        let name = "rivellino_exchange_syslog_attempts_total";
        metric(&place.page(), &format!("{name}{{outcome=\"{outcome}\"}}"))
    };
    assert!(attempts("later") > 0 && attempts("accepted") == 0, "nobody takes them yet");
    let collector = Script::start(place, site.folder.path(), COLLECTOR, COLLECTOR_PORT);
    let collected = || std::fs::read_to_string(site.path("collected")).unwrap_or_default();
    let waiting = || {
        let status = site.said(&["hub", "status"], 0);
        let told = status.split("collector  SIEM (syslog to localhost:6514)").nth(1).unwrap();
        told.contains("waiting  0 events")
    };
    until("all that waited has arrived", PATIENCE, || !collected().is_empty() && waiting());
    let sent = metric(&place.page(), "rivellino_exchange_syslog_lines_total");
    let text = collected();
    assert_eq!(text.lines().count() as u64, sent, "{text}");
    assert!(sent >= 5 && text.contains("203.0.113.66"), "{text}");
    for line in text.lines() {
        assert!(line.starts_with('<') && line.contains("[rivellino@32473 detector=\""), "{line}");
        assert!(!line.contains("192.168.") && !line.contains("10.0.0."), "{line}");
    }
    // It is in the log of what left, and the chain is whole.
    let status = site.said(&["hub", "status"], 0);
    assert!(status.contains("the chain is whole"), "{status}");
    let audit = std::fs::read_dir(site.path("hub/audit")).unwrap().next().unwrap().unwrap().path();
    assert!(std::fs::read_to_string(audit).unwrap().contains("\"recipient\":\"SIEM\""));
    drop(collector);
}
