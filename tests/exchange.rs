//! The exchange from end to end: a capture, what would leave of it, a real hub, and what others read
//! there.

mod bundle;
mod centres;
mod enroll;
mod live;
mod loss;
mod privacy;
mod watching;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rivellino::outputs::hub::identity::Identity;
use serde_json::{Value, json};

use crate::support::hub::{COLLECTION, Certificates, Server, free_port, python};
use crate::support::root;

/// A folder with a policy and the events of the demo capture.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new(port: u16) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        let policy = format!(
            "[identity]\nistat = \"082053\"\nregion = 19\ncosc = 13\nsensor = 1\n\
             [basis]\nlaw = \"D.Lgs. 138/2024, art. 17\"\nagreement = \"test\"\n\
             valid-until = \"2999-12-31\"\n\
             [sharing]\ntlp-ceiling = \"amber\"\nlevel = \"low\"\ndetectors = [\"all\"]\n\
             signatures = true\nown-names = [\"comune.esempio.it\"]\n\
             [[recipient]]\nname = \"COSC\"\napi-root = \"https://localhost:{port}/hub/\"\n\
             collection = \"{COLLECTION}\"\nindicators = \"{COLLECTION}\"\ntlp = \"amber\"\n\
             [tls]\ncertificate = \"sensor.pem\"\nkey = \"sensor.key\"\nauthority = \"ca.pem\"\n"
        );
        std::fs::write(site.path("sharing-policy.toml"), policy).unwrap();
        let demo = root().join("pcaps/demo.pcap");
        let replay = ["replay", "-q", "-o", ".", demo.to_str().unwrap()];
        assert_eq!(site.run(&replay).status.code(), Some(0));
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_rivellino"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("RUST_LOG")
            .output()
            .unwrap()
    }

    /// Standard output of a command that has to end with that code.
    #[track_caller]
    fn said(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("panicked"), "{error}");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        format!("{}{error}", String::from_utf8_lossy(&output.stdout))
    }

    /// The objects of a preview.
    fn preview(&self) -> Vec<Value> {
        let output = self.run(&["hub", "preview", "eve.json"]);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        let envelopes = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        envelopes.flat_map(|envelope| envelope["objects"].as_array().unwrap().clone()).collect()
    }
}

/// Objects as a bundle in a file, and what the validator says of it.
fn validate(bin: &Path, folder: &Path, objects: &[Value]) {
    let bundle = json!({
        "type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": objects,
    });
    let path = folder.join("bundle.json");
    std::fs::write(&path, bundle.to_string()).unwrap();
    let output = Command::new(bin.join("stix2_validator"))
        .args(["--version", "2.1", "--disable", "103"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("Valid"), "{said}");
    assert!(!said.contains("[X]"), "{said}");
}

/// Reads the bundle with the library that others use: nothing custom, and each identifier of an
/// observable is what the library itself would have given.
const READ: &str = r#"
import json, sys, stix2
count = 0
for raw in json.load(open('bundle.json'))['objects']:
    parsed = stix2.parse(raw, allow_custom=False, version='2.1')
    if raw['type'] in ('ipv4-addr', 'ipv6-addr', 'domain-name', 'network-traffic'):
        bare = {key: value for key, value in raw.items() if key != 'id'}
        again = stix2.parse(bare, allow_custom=False, version='2.1')
        assert again.id == raw['id'], (raw, again.id)
        count += 1
print(count)
"#;

#[test]
fn a_preview_shows_what_would_leave_and_writes_nothing() {
    let site = Site::new(1);
    let objects = site.preview();
    let text = Value::Array(objects.clone()).to_string();
    assert!(text.contains("203.0.113.66") && !text.contains("192.168."), "{text}");
    let of = |kind: &str| objects.iter().filter(|object| object["type"] == kind).count();
    assert!(of("sighting") >= 5 && of("note") >= 1 && of("indicator") >= 2, "{text}");
    assert!(!site.path("hub").exists(), "a preview leaves no trace");
    // Each version of an object once.
    let mut keys: Vec<_> =
        objects.iter().map(|o| (o["id"].clone(), o["modified"].clone())).collect();
    let count = keys.len();
    keys.sort_by_key(|(id, modified)| (id.to_string(), modified.to_string()));
    keys.dedup();
    assert_eq!(keys.len(), count);
    // What is no EVE is told as such; a line that is being written is no mistake.
    std::fs::write(site.path("notes.txt"), "shopping list\nmilk\n").unwrap();
    let said = site.said(&["hub", "preview", "notes.txt"], 1);
    assert!(said.contains("2 lines are no events of EVE"), "{said}");
    let mut eve = std::fs::read(site.path("eve.json")).unwrap();
    eve.truncate(eve.len() - 20);
    std::fs::write(site.path("growing.json"), eve).unwrap();
    site.said(&["hub", "preview", "growing.json"], 0);
    let said = site.said(&["hub", "preview", "--pretty", "eve.json"], 0);
    assert!(said.contains("may leave") && said.contains("\n  \"objects\": ["), "{said}");
    site.said(&["hub", "preview", "missing.json"], 1);
    // Own networks are the site's, public addresses too.
    let own = site.said(&["hub", "preview", "--home-net", "203.0.113.0/24", "eve.json"], 0);
    assert!(!own.contains("203.0.113"), "{own}");
}

#[test]
fn a_replay_looks_for_the_indicators_of_a_file() {
    let site = Site::new(1);
    let indicator = |number: u32, pattern: &str, confidence: u8| {
        json!({
            "type": "indicator", "spec_version": "2.1",
            "id": format!("indicator--{number:08}-0000-4000-8000-000000000000"),
            "created": "2001-01-01T00:00:00.000Z", "modified": "2001-01-01T00:00:00.000Z",
            "name": "of a test", "pattern": pattern, "pattern_type": "stix",
            "valid_from": "2001-01-01T00:00:00Z", "valid_until": "2001-02-01T00:00:00Z",
            "confidence": confidence,
        })
    };
    let objects = json!({ "type": "bundle", "id": "bundle--x", "objects": [
        indicator(1, "[ipv4-addr:value = '203.0.113.66']", 80),
        indicator(2, "[ipv4-addr:value = '192.168.0.0/16']", 80),
        indicator(3, "[file:name = 'x']", 80),
        indicator(4, "[ipv4-addr:value = '203.0.113.66']", 10),
    ]});
    std::fs::write(site.path("indicators.json"), objects.to_string()).unwrap();
    let demo = root().join("pcaps/demo.pcap");
    let demo = demo.to_str().unwrap();
    let replay = |workers: &str, output: &str| {
        site.said(
            &["replay", "-n", workers, "-o", output, "--indicators", "indicators.json", demo],
            0,
        )
    };
    let said = replay("1", "one");
    let told = "indicators: 1 in force; not: 1 private, 1 unsupported, 1 confidence";
    assert!(said.contains(told) && said.contains("file:name"), "{said}");
    replay("2", "two");
    let eve = |output: &str| std::fs::read_to_string(site.path(output).join("eve.json")).unwrap();
    assert!(eve("one") == eve("two"), "the same with any number of workers");
    let hits: Vec<Value> = eve("one")
        .lines()
        .filter(|line| line.contains("\"detector\":\"indicator\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<_> = hits.iter().map(|hit| &hit["finding"]["numbers"]["indicator"]).collect();
    let wanted = json!("indicator--00000001-0000-4000-8000-000000000000");
    assert!(!ids.is_empty() && ids.iter().all(|id| **id == wanted), "{ids:?}");
    assert_eq!(hits[0]["alert"]["gid"], 9121);
    // Without indicators there is nothing of it.
    assert!(!std::fs::read_to_string(site.path("eve.json")).unwrap().contains("\"indicator\""));
    for (arguments, word) in [
        (&["--indicators", "missing.json", demo][..], "missing.json"),
        (&["--indicators", "sharing-policy.toml", demo], "no indicator"),
        (&["--indicators", "indicators.json", "--no-anomaly", demo], "--no-anomaly"),
    ] {
        let said = site.said(&[&["replay"], arguments].concat(), 1);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn without_a_policy_sharing_is_off() {
    let site = Site::new(1);
    std::fs::write(site.path("bad.toml"), "[identity]\nistat = \"1\"\n").unwrap();
    for command in [
        &["hub", "preview", "--policy", "none.toml", "eve.json"][..],
        &["hub", "send", "--policy", "none.toml", "eve.json"],
        &["hub", "status", "--policy", "none.toml"],
        &["hub", "pull", "--policy", "none.toml"],
    ] {
        let said = site.said(command, 1);
        assert!(said.contains("sharing is off") && said.contains("none.toml"), "{said}");
    }
    let said = site.said(&["hub", "preview", "--policy", "bad.toml", "eve.json"], 1);
    for word in ["bad.toml:1:", "identity.cosc is missing", "[basis] is missing", "[[recipient]]"] {
        assert!(said.contains(word), "{word} is not in {said}");
    }
}

#[test]
fn what_would_leave_is_valid_stix_with_the_identifiers_that_others_compute() {
    let Some(bin) = python("validation of STIX") else { return };
    let site = Site::new(1);
    let objects = site.preview();
    let shared = rivellino::outputs::hub::stix::Stix::definition();
    let all: Vec<Value> = shared.into_iter().chain(objects.clone()).collect();
    validate(&bin, site.folder.path(), &all);
    let output = Command::new(bin.join("python"))
        .args(["-c", READ])
        .current_dir(site.folder.path())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let count: usize = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(count >= 3, "{count} observables");
}

/// Reads the collection as others do.
const FETCH: &str = r#"
import json, sys
from taxii2client.v21 import Collection, as_pages
collection = Collection(sys.argv[1], verify='ca.pem', cert=('sensor.pem', 'sensor.key'))
objects = {}
for page in as_pages(collection.get_objects, per_request=20):
    for found in page.get('objects', []):
        objects[(found['id'], found.get('modified'))] = found
json.dump(list(objects.values()), sys.stdout)
"#;

fn fetch(bin: &Path, site: &Site, port: u16) -> Vec<Value> {
    let url = format!("https://localhost:{port}/hub/collections/{COLLECTION}/");
    let output = Command::new(bin.join("python"))
        .args(["-c", FETCH, &url])
        .current_dir(site.folder.path())
        // It would win over the root that is named.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A server that has nothing newer than TLS 1.2; killed when it is dropped.
struct OldServer(std::process::Child);

impl OldServer {
    fn start(folder: &Path, port: u16, version: &str) -> Self {
        let child = Command::new("openssl")
            .args(["s_server", "-accept", &port.to_string(), version, "-www"])
            .args(["-cert", "server.pem", "-key", "server.key"])
            .current_dir(folder)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let server = Self(child);
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        server
    }
}

impl Drop for OldServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_hub_without_tls_1_3_is_not_spoken_to() {
    let port = free_port();
    let site = Site::new(port);
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    if Certificates::new(site.folder.path(), &uri, "versions of TLS").is_none() {
        return;
    }
    let send = ["hub", "send", "--patience", "0"];
    let feed = ["hub", "send", "--patience", "0", "eve.json"];
    site.said(&feed, 1);
    let old = OldServer::start(site.folder.path(), port, "-tls1_2");
    let said = site.said(&send, 1);
    assert!(said.to_lowercase().contains("protocol") || said.contains("alert"), "{said}");
    drop(old);
    let new = OldServer::start(site.folder.path(), port, "-tls1_3");
    // It is no hub: what it answers is no TAXII, but it does answer.
    let said = site.said(&send, 1);
    assert!(said.contains("no JSON") || said.contains("status"), "{said}");
    drop(new);
}

fn sorted(objects: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = objects.iter().map(|object| object["id"].to_string()).collect();
    texts.sort();
    texts
}

#[test]
fn a_hub_that_comes_late_gets_everything_once_over_mutual_tls() {
    let what = "exchange with a hub";
    let Some(bin) = python(what) else { return };
    for name in Server::NAMES {
        comes_late(name, &bin);
    }
}

fn comes_late(name: &str, bin: &Path) {
    let what = "exchange with a hub";
    let port = free_port();
    let site = Site::new(port);
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    let Some(certificates) = Certificates::new(site.folder.path(), &uri, what) else { return };
    let wanted = site.preview();
    // Nobody is there: everything waits.
    let said = site.said(&["hub", "send", "--patience", "0", "eve.json"], 1);
    assert!(said.contains("0 events sent"), "{said}");
    let status = site.said(&["hub", "status"], 0);
    assert!(status.contains(&uri) && status.contains("log        0 lines"), "{status}");
    let sightings = wanted.iter().filter(|object| object["type"] == "sighting").count();
    assert!(status.contains(&format!("waiting  {sightings} events")), "{status}");
    let server = Server::start(name, bin, &certificates, port);
    let said = site.said(&["hub", "send"], 0);
    assert!(said.contains(&format!("{sightings} events sent, none waits")), "{said}");
    let there = fetch(bin, &site, port);
    assert_eq!(sorted(&there), sorted(&wanted));
    validate(bin, site.folder.path(), &there);
    let text = Value::Array(there.clone()).to_string();
    assert!(text.contains("203.0.113.66") && !text.contains("192.168."));
    // The same events once more: the server calls them failures, and has them.
    let said = site.said(&["hub", "send", "eve.json"], 0);
    assert!(said.contains("none waits") && !said.contains("refuses"), "{said}");
    assert_eq!(fetch(bin, &site, port).len(), there.len());
    let status = site.said(&["hub", "status"], 0);
    assert!(status.contains("waiting  0 events") && status.contains("the chain is whole"));
    // What others put there is read once.
    let said = site.said(&["hub", "pull"], 0);
    assert!(said.contains(&format!("COSC: {} objects", there.len())), "{said}");
    let indicators = there.iter().filter(|object| object["type"] == "indicator").count();
    assert!(said.contains(&format!("indicators: {indicators} in force")), "{said}");
    assert!(site.said(&["hub", "pull"], 0).contains("COSC: 0 objects"));
    // Without a certificate, or with another root, there is no connection.
    let policy = std::fs::read_to_string(site.path("sharing-policy.toml")).unwrap();
    let bare = policy.replace("certificate = \"sensor.pem\"\nkey = \"sensor.key\"\n", "");
    std::fs::write(site.path("bare.toml"), bare).unwrap();
    std::fs::write(site.path("other.toml"), policy.replace("ca.pem", "sensor.pem")).unwrap();
    for policy in ["bare.toml", "other.toml"] {
        let send = ["hub", "send", "--policy", policy, "--patience", "0", "eve.json"];
        let said = site.said(&send, 1);
        assert!(said.contains("0 events sent"), "{said}");
    }
    drop(server);
}
