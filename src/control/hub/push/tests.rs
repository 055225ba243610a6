//! Metrics arrive at a real Prometheus, behind certificates on both sides.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use serde_json::Value;

use super::*;
use crate::outputs::hub::policy::Tls;
use crate::outputs::metrics::Totals;
use crate::outputs::metrics::push::SERIES_MAX;

/// Series of a sensor without exchange: those of the packet path, and of the sending.
const SERIES: usize = 36;

/// Killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A root, a server for localhost, a sensor.
fn certificates(folder: &Path) -> Tls {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let file = |name: &str| folder.join(name);
    std::fs::write(file("ca.pem"), root.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(root, key);
    for name in ["server", "sensor"] {
        let mut of = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        of.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        let key = KeyPair::generate().unwrap();
        let signed = of.signed_by(&key, &issuer).unwrap();
        std::fs::write(file(&format!("{name}.pem")), signed.pem()).unwrap();
        std::fs::write(file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    let some = |name| Some(file(name));
    Tls { certificate: some("sensor.pem"), key: some("sensor.key"), authority: some("ca.pem") }
}

fn prometheus(folder: &Path, port: u16) -> Running {
    std::fs::write(folder.join("prometheus.yml"), "global: {}\n").unwrap();
    let web = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  \
               client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n";
    std::fs::write(folder.join("web.yml"), web).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let child = Command::new("prometheus")
        .args(["--config.file=prometheus.yml", "--web.config.file=web.yml"])
        .args(["--storage.tsdb.path=tsdb", "--web.enable-remote-write-receiver"])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    Running(child)
}

fn pusher(url: String, tls: &Tls, metrics: &Metrics) -> Pusher {
    let identity = Identity::new(13, 19, "082053", None, 1).unwrap();
    let client = Client::new(tls).unwrap();
    let mut pusher = Pusher::new(&Push { url, seconds: 1 }, &identity, client, metrics).unwrap();
    pusher.next = Instant::now();
    pusher
}

/// Steps until it is so.
fn until(pusher: &mut Pusher, seconds: u64, what: &str, is_so: &mut dyn FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        pusher.step(true);
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it never came to be: {what}");
}

fn query(client: &Client, port: u16, query: &str) -> Vec<Value> {
    let url = format!("https://localhost:{port}/api/v1/query?query={query}");
    let Ok(Some(answer)) = client.fetch(&url, 1 << 20, None) else { return Vec::new() };
    let answer: Value = serde_json::from_slice(&answer.bytes).unwrap();
    answer["data"]["result"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_real_prometheus_takes_every_series_with_its_value() {
    if Command::new("prometheus").arg("--version").output().is_err() {
        println!("skipped: metrics to Prometheus (there is no prometheus)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = certificates(folder.path());
    let port = free_port();
    let metrics = Metrics::new().unwrap();
    let totals =
        Totals { packets: 1234, kernel_dropped: 5, flow_memory: 1 << 40, ..Totals::default() };
    metrics.totals(&totals);
    metrics.expect(["scan", "beacon"], ["alert"]);
    metrics.rules(17, 1, 2);
    let mut pusher = pusher(format!("https://localhost:{port}/api/v1/write"), &tls, &metrics);
    let page = metrics.clone();
    until(&mut pusher, 30, "it fails", &mut || {
        let page = page.text();
        page.lines().any(|line| {
            line.strip_prefix("rivellino_push_requests_total{outcome=\"later\"} ")
                .is_some_and(|count| count != "0")
        })
    });
    assert!(pusher.waiting.oldest().is_some(), "what could not be sent waits");
    let _running = prometheus(folder.path(), port);
    let client = Client::new(&tls).unwrap();
    until(&mut pusher, 60, "it arrives", &mut || {
        !query(&client, port, "rivellino_rules").is_empty()
    });
    for (of, value) in [
        ("rivellino_packets_total", "1234"),
        ("rivellino_dropped_total%7Bstage=%22kernel%22%7D", "5"),
        ("rivellino_flow_memory_bytes", "1099511627776"),
        ("rivellino_rules%7Bstate=%22loaded%22%7D", "17"),
        ("rivellino_findings_total", "0"),
    ] {
        let found = query(&client, port, of);
        assert_eq!(found.len(), 1, "{of}: {found:?}");
        assert_eq!(found[0]["value"][1], value, "{of}");
        let labels = &found[0]["metric"];
        assert_eq!(labels["instance"], "cosc/13/region/19/comune/082053/sensor/1");
        assert_eq!((&labels["job"], &labels["cosc"]), (&"rivellino".into(), &"13".into()));
    }
    let all = query(&client, port, "%7Bjob=%22rivellino%22%7D");
    assert_eq!(all.len(), SERIES, "{all:?}");
    const { assert!(SERIES <= SERIES_MAX) };
    until(&mut pusher, 30, "none waits", &mut || {
        !query(&client, port, "rivellino_push_requests_total%3E3").is_empty()
    });
    let stranger = Tls { certificate: None, key: None, ..tls };
    let refused = Client::new(&stranger).unwrap().write(&pusher.url, b"x");
    assert!(refused.is_err(), "without a certificate nobody is heard: {refused:?}");
    // What it will never take is not tried for ever.
    pusher.waiting = Waiting::default();
    pusher.waiting.add(b"nonsense".to_vec());
    pusher.send();
    assert!(pusher.waiting.oldest().is_none());
    let line = "rivellino_push_requests_total{outcome=\"refused\"} 1";
    assert!(metrics.text().contains(line), "{}", metrics.text());
}

#[test]
fn who_is_busy_is_asked_again_when_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let tls = certificates(folder.path());
    let metrics = Metrics::new().unwrap();
    // Nobody speaks TLS there: that is trouble, not a refusal.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let mut pusher = pusher(format!("https://localhost:{port}/"), &tls, &metrics);
    pusher.step(false);
    assert!(pusher.waiting.oldest().is_some() && pusher.backoff.failures() == 0);
    pusher.send();
    answers.join().unwrap();
    assert!(pusher.waiting.oldest().is_some() && pusher.backoff.failures() == 1);
}
