//! The exchange of a sensor that watches: an indicator that another party puts on the hub is seen in
//! live traffic, and what the sensor finds is read at the hub.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rivellino::outputs::hub::identity::Identity;
use serde_json::Value;

use super::{FETCH, Site};
use crate::support::hub::{COLLECTION, Certificates, INDICATORS, Medallion, python, within};
use crate::support::{lint, root};

/// From when it is on the hub an indicator has to be seen within.
const SEEN_WITHIN: Duration = Duration::from_secs(60);
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
/// Nothing else is in the namespace.
const PORT: u16 = 5443;
const INDICATOR: &str = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

/// A namespace with a wire whose one end is spoken on and whose other end is watched; gone when it is
/// dropped.
pub(super) struct Place(String);

impl Place {
    pub(super) fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rivellino-x{}-{number}", std::process::id());
        let quiet = |arguments: &[&str]| {
            let mut command = Command::new(arguments[0]);
            command.args(&arguments[1..]).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if !quiet(&["ip", "netns", "add", &name]) {
            println!("skipped: the exchange of a sensor that watches (namespaces need root)");
            return None;
        }
        let place = Self(name);
        let name = place.0.as_str();
        let peer = ["type", "veth", "peer", "name", "hearing"];
        let made = quiet(&[
            "ip",
            "netns",
            "exec",
            name,
            "sysctl",
            "-qw",
            "net.ipv6.conf.all.disable_ipv6=1",
        ]) && quiet(
            &[&["ip", "-n", name, "link", "add", "name", "speaking"], &peer[..]].concat(),
        ) && quiet(&["ip", "-n", name, "link", "set", "lo", "up"])
            && quiet(&[
                "ip", "-n", name, "link", "set", "speaking", "mtu", "9000", "arp", "off", "up",
            ])
            && quiet(&[
                "ip", "-n", name, "link", "set", "hearing", "mtu", "9000", "arp", "off", "up",
            ])
            && quiet(&["which", "tcpreplay"]);
        if !made {
            println!("skipped: the exchange of a sensor that watches (no veth or no tcpreplay)");
        }
        made.then_some(place)
    }

    pub(super) fn before(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.0]
    }

    pub(super) fn speak(&self) {
        let demo = root().join("pcaps/demo.pcap");
        let mut replay = within(&self.before(), "tcpreplay");
        replay.args(["-q", "-t", "-i", "speaking"]).arg(demo);
        assert!(replay.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    }

    pub(super) fn page(&self) -> String {
        let mut curl = within(&self.before(), "curl");
        curl.args(["-s", "--max-time", "5", "http://127.0.0.1:9477/metrics"]);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    }

    fn fetch(&self, bin: &Path, site: &Site) -> Vec<Value> {
        let url = format!("https://localhost:{PORT}/hub/collections/{COLLECTION}/");
        let output = within(&self.before(), bin.join("python"))
            .args(["-c", FETCH, &url])
            .current_dir(site.folder.path())
            .env_remove("REQUESTS_CA_BUNDLE")
            .env_remove("CURL_CA_BUNDLE")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// The sensor; killed when it is dropped before its end.
pub(super) struct Sensor(Child);

impl Sensor {
    pub(super) fn start(place: &Place, site: &Site, log: &str, more: &[&str]) -> Self {
        let log = std::fs::File::create(site.path(log)).unwrap();
        let child = within(&place.before(), env!("CARGO_BIN_EXE_rivellino"))
            .args(["watch", "-i", "hearing", "-n", "1", "-o", "out"])
            .args(["--policy", "sharing-policy.toml"])
            .args(more)
            .current_dir(site.folder.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Asks it to read anew what it was given.
    pub(super) fn hang_up(&self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }

    pub(super) fn end(mut self) -> Option<i32> {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
pub(super) fn until(what: &str, patience: Duration, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Puts an indicator on the hub as another party, with another certificate.
const PUT: &str = r#"
import sys, datetime
from taxii2client.v21 import Collection
now = datetime.datetime.now(datetime.timezone.utc)
text = lambda at: at.strftime('%Y-%m-%dT%H:%M:%S.000Z')
author = 'identity--f431f809-377b-45e0-aa1c-6a4751cae5ff'
base = {'spec_version': '2.1', 'created': text(now), 'modified': text(now)}
objects = [
    dict(base, type='identity', id=author, name='CERT di prova', identity_class='organization'),
    dict(base, type='indicator', id=sys.argv[2], created_by_ref=author, name='scanner of tests',
         pattern="[ipv4-addr:value = '203.0.113.66']", pattern_type='stix', confidence=80,
         valid_from=text(now - datetime.timedelta(hours=1)),
         valid_until=text(now + datetime.timedelta(days=7))),
    dict(base, type='indicator', id='indicator--00000000-0000-4000-8000-000000000002',
         created_by_ref=author, pattern="[ipv4-addr:value = '192.168.0.0/16']", pattern_type='stix',
         confidence=100, valid_from=text(now), valid_until=text(now + datetime.timedelta(days=7))),
]
collection = Collection(sys.argv[1], verify='ca.pem', cert=('other.pem', 'other.key'))
status = collection.add_objects({'objects': objects}, timeout=30)
assert status.success_count == 3, status
"#;

fn put(place: &Place, bin: &Path, site: &Site) {
    let url = format!("https://localhost:{PORT}/hub/collections/{INDICATORS}/");
    let output = within(&place.before(), bin.join("python"))
        .args(["-c", PUT, &url, INDICATOR])
        .current_dir(site.folder.path())
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn hits(site: &Site) -> Vec<Value> {
    let text = std::fs::read_to_string(site.path("out/eve.json")).unwrap_or_default();
    let lines = text.lines().filter(|line| line.contains("\"detector\":\"indicator\""));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

pub(super) fn metric(page: &str, name: &str) -> u64 {
    let line = page.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name} is not in {page}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn an_indicator_of_others_is_seen_in_live_traffic_and_what_is_found_is_at_the_hub() {
    let what = "the exchange of a sensor that watches";
    let Some(bin) = python(what) else { return };
    let Some(place) = Place::new() else { return };
    let site = Site::new(PORT);
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    let Some(certificates) = Certificates::new(site.folder.path(), &uri, what) else { return };
    let other = Identity::new(12, 12, "058091", None, 1).unwrap().uri();
    assert!(certificates.signed("other", &format!("subjectAltName=URI:{other}")));
    let policy = std::fs::read_to_string(site.path("sharing-policy.toml")).unwrap();
    let own = format!("indicators = \"{COLLECTION}\"");
    let policy = policy.replace(&own, &format!("indicators = \"{INDICATORS}\""));
    std::fs::write(site.path("sharing-policy.toml"), policy).unwrap();
    // A full run waits as long as a sensor does when nobody sets it otherwise.
    let is_full = std::env::var_os("RIVELLINO_ALL").is_some();
    let config = if is_full { "" } else { "policy-batch = 3\npolicy-poll = 4\n" };
    std::fs::write(site.path("rivellino.toml"), config).unwrap();
    let server = Medallion::start_within(&place.before(), &bin, &certificates, PORT);
    let sensor = Sensor::start(&place, &site, "log", &[]);
    let log = |name: &str| std::fs::read_to_string(site.path(name)).unwrap_or_default();
    until("it watches", PATIENCE, || log("log").contains("watching"));
    until("it has asked once", PATIENCE, || {
        metric(&place.page(), "rivellino_exchange_polls_total{outcome=\"done\"}") > 0
    });
    place.speak();
    std::thread::sleep(Duration::from_secs(1));
    assert!(hits(&site).is_empty(), "nothing is reported yet");

    put(&place, &bin, &site);
    let there = Instant::now();
    until("the indicator is seen", SEEN_WITHIN, || {
        place.speak();
        !hits(&site).is_empty()
    });
    println!("seen {:.1} s after it was put on the hub", there.elapsed().as_secs_f64());
    let hit = &hits(&site)[0];
    let numbers = &hit["finding"]["numbers"];
    assert_eq!((&numbers["indicator"], &numbers["from"]), (&INDICATOR.into(), &"COSC".into()));
    assert_eq!(
        (&numbers["author"], &numbers["indicator_confidence"]),
        (&"CERT di prova".into(), &80.into())
    );
    for language in ["it", "en"] {
        let text = hit["finding"]["explain"][language].as_str().unwrap();
        assert!(text.contains("203.0.113.66") && text.contains("CERT di prova"), "{text}");
    }
    // What it found is at the hub, the sighting of the indicator among it.
    let mut objects = Vec::new();
    until("the sighting is at the hub", PATIENCE, || {
        objects = place.fetch(&bin, &site);
        objects.iter().any(|object| object["sighting_of_ref"] == INDICATOR)
    });
    let text = Value::Array(objects.clone()).to_string();
    assert!(!text.contains("192.168.10") && !text.contains("10.0.0."), "{text}");
    super::validate(&bin, site.folder.path(), &objects);
    checks_page(&place.page());
    // How it stands can be seen while it runs; a second that sends is refused.
    let status = site.said(&["hub", "status"], 0);
    assert!(status.contains("another process works in hub"), "{status}");
    assert!(status.contains("the chain is whole") && status.contains("waiting "), "{status}");
    assert!(site.said(&["hub", "send"], 1).contains("another process works in"));
    assert_eq!(sensor.end(), Some(0));
    // The hub goes away: what was known is looked for from the first packet on.
    drop(server);
    let sensor = Sensor::start(&place, &site, "log2", &[]);
    until("it watches again", PATIENCE, || log("log2").contains("watching"));
    assert!(log("log2").contains("indicators: 1 in force; not: 1 private"), "{}", log("log2"));
    let before = hits(&site).len();
    until("the indicator is seen without the hub", PATIENCE, || {
        place.speak();
        hits(&site).len() > before
    });
    assert_eq!(sensor.end(), Some(0));
    let status = site.said(&["hub", "status"], 0);
    assert!(status.contains("the chain is whole"), "{status}");
}

fn checks_page(page: &str) {
    assert_eq!(metric(page, "rivellino_exchange_indicators "), 1);
    assert!(metric(page, "rivellino_exchange_indicator_hits_total{kind=\"address\"}") > 0);
    assert!(metric(page, "rivellino_exchange_sent_total") > 0);
    assert_eq!(metric(page, "rivellino_exchange_lost_total"), 0);
    let of = page.lines().filter(|line| line.starts_with("rivellino_exchange_"));
    let series: Vec<&str> = of.collect();
    println!("{} series of the exchange", series.len());
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        assert!(
            !line.contains("203.0.113") && !line.contains("192.168") && !line.contains("CERT"),
            "{line}"
        );
    }
    if Command::new("promtool").arg("--version").output().is_err() {
        println!("skipped: the lint of metrics (there is no promtool)");
        return;
    }
    lint(page);
}
