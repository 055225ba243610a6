//! A sensor on a real interface: two network namespaces, tcpreplay in one, `watch` in the other.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{lint, root};

/// Packets a second of the run in which nothing may be lost.
const STEADY_PPS: &str = "50000";
/// Packets that a run sends, about.
const STEADY_PACKETS: usize = 150_000;
/// As fast as the machine can: enough to fill a capture buffer of one MiB.
const FAST_PACKETS: usize = 600_000;
/// The names of the namespaces are of the process; and tests side by side would slow each other.
pub static ALONE: Mutex<()> = Mutex::new(());
const PATIENCE: Duration = Duration::from_secs(20);

/// Two namespaces joined by a pair of interfaces; gone when it is dropped.
pub struct Wire {
    pub near: String,
    pub far: String,
}

impl Wire {
    pub fn new() -> Self {
        let id = std::process::id();
        let wire = Self { near: format!("rivellino-n{id}"), far: format!("rivellino-f{id}") };
        let (near, far) = (wire.near.as_str(), wire.far.as_str());
        for name in [near, far] {
            run("ip", &["netns", "add", name]);
            // Nobody speaks on its own accord: each packet is one that was sent on purpose.
            for scope in ["all", "default"] {
                let key = format!("net.ipv6.conf.{scope}.disable_ipv6=1");
                run("ip", &["netns", "exec", name, "sysctl", "-qw", &key]);
            }
        }
        let peer = ["peer", "name", "hearing", "netns", far];
        let pair = ["-n", near, "link", "add", "name", "sending", "type", "veth"];
        run("ip", &[&pair[..], &peer[..]].concat());
        run("ip", &["-n", far, "link", "set", "lo", "up"]);
        for (name, link) in [(near, "sending"), (far, "hearing")] {
            run("ip", &["netns", "exec", name, "ethtool", "-K", link, "tx", "off", "rx", "off"]);
            run("ip", &["-n", name, "link", "set", link, "mtu", "65535", "arp", "off", "up"]);
        }
        wire
    }

    /// Sends a capture so many times at a rate; packets that the kernel took.
    pub fn send(&self, capture: &Path, rate: &[&str], loops: usize) -> u64 {
        let output = self.sender(capture, rate, loops).output().unwrap();
        sent(&output)
    }

    fn sender(&self, capture: &Path, rate: &[&str], loops: usize) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.near, "tcpreplay", "-q", "-K", "-i", "sending"]);
        // Other addresses in each loop, so that it brings other flows; checksums stay right.
        command.args(rate).arg("--unique-ip").arg(format!("--loop={loops}")).arg(capture);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The sensor's page of metrics; empty while it does not answer.
    fn page(&self) -> String {
        let url = "http://127.0.0.1:9477/metrics";
        let curl = Command::new("ip")
            .args(["netns", "exec", &self.far, "curl", "-s", "--max-time", "5", url])
            .output();
        String::from_utf8(curl.unwrap().stdout).unwrap()
    }

    /// What the interfaces say they lost, which nobody who listens behind them can see.
    fn lost_on_the_wire(&self) -> u64 {
        let statistic = |name: &str, link: &str, what: &str| -> u64 {
            let path = format!("/sys/class/net/{link}/statistics/{what}");
            let read = Command::new("ip").args(["netns", "exec", name, "cat", &path]).output();
            String::from_utf8(read.unwrap().stdout).unwrap().trim().parse().unwrap()
        };
        statistic(&self.near, "sending", "tx_dropped")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for name in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

/// The sensor; killed when it is dropped before its end.
struct Sensor(Child);

impl Sensor {
    fn start(wire: &Wire, rules: &Path, output: &Path, buffer: &str) -> Self {
        let config = output.join("rivellino.toml");
        std::fs::write(&config, format!("buffer = {buffer}\n")).unwrap();
        let log = std::fs::File::create(output.join("log")).unwrap();
        let child = Command::new("ip")
            .args(["netns", "exec", &wire.far, env!("CARGO_BIN_EXE_rivellino")])
            .args(["watch", "-i", "hearing", "-n", "2", "-S"])
            .arg(rules)
            .arg("-o")
            .arg(output)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let sensor = Self(child);
        until("it is ready", || wire.page().contains("rivellino_packets_total"));
        until("it watches", || log_of(output).contains("watching"));
        sensor
    }

    /// `ip netns exec` becomes the program it starts: it is the same process.
    fn signal(&self, name: &str) {
        run("kill", &[name, &self.0.id().to_string()]);
    }

    fn end(mut self) -> Option<i32> {
        self.signal("-TERM");
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
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

pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn log_of(output: &Path) -> String {
    std::fs::read_to_string(output.join("log")).unwrap_or_default()
}

/// What tcpreplay says it sent.
fn sent(output: &Output) -> u64 {
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find(|line| line.contains("Successful packets:"));
    let line = line.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// The sum of a metric over its labels that contain `label`.
fn metric(page: &str, name: &str, label: &str) -> u64 {
    let lines = page.lines().filter(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([' ', '{'])) && line.contains(label)
    });
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Packets seen, lost before they were seen, lost later; when they have stopped to change.
fn settled(wire: &Wire) -> (u64, u64, u64) {
    let read = || {
        let page = wire.page();
        let dropped = |stage: &str| metric(&page, "rivellino_dropped_total", stage);
        let early = dropped("stage=\"kernel\"") + dropped("stage=\"interface\"");
        let all = dropped("stage");
        (metric(&page, "rivellino_packets_total", ""), early, all - early)
    };
    let mut last = read();
    until("the counters stand still", || {
        std::thread::sleep(Duration::from_millis(400));
        let before = std::mem::replace(&mut last, read());
        before == last
    });
    last
}

pub fn is_possible() -> bool {
    let has = |tool: &str| {
        let found = Command::new("which").arg(tool).output();
        found.is_ok_and(|output| output.status.success())
    };
    let missing: Vec<&str> = ["ip", "ethtool", "tcpreplay", "promtool", "curl", "sysctl"]
        .into_iter()
        .filter(|tool| !has(tool))
        .collect();
    if !missing.is_empty() {
        println!("skipped: live capture (there is no {})", missing.join(", no "));
        return false;
    }
    let name = format!("rivellino-t{}", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &name]).output();
    let _ = Command::new("ip").args(["netns", "del", &name]).output();
    let allowed = made.is_ok_and(|output| output.status.success());
    if !allowed {
        println!("skipped: live capture (network namespaces need root)");
    }
    allowed
}

/// A capture of Ethernet frames, and how many it has.
fn capture() -> (PathBuf, usize) {
    let corpus = std::env::var_os("RIVELLINO_CORPUS").map(PathBuf::from);
    let large = corpus.map(|corpus| corpus.join("captures/ndpi/default/pcap/1kxun.pcap"));
    let path = large.filter(|path| path.is_file());
    let path = path.unwrap_or_else(|| root().join("pcaps/demo.pcap"));
    let count = frames(&path);
    (path, count)
}

fn frames(path: &Path) -> usize {
    let mut source = rivellino::capture::open(&[path.to_path_buf()], None).unwrap();
    let mut batch = rivellino::capture::Batch::default();
    let mut count = 0;
    while source.read(&mut batch, 1000).unwrap() != rivellino::capture::Progress::End {
        count += batch.frames.len();
        batch.clear();
    }
    count + batch.frames.len()
}

fn rule(sid: u32) -> String {
    format!(
        "alert http any any -> any any (msg:\"a request\"; http.method; content:\"GET\"; sid:{sid};)\n"
    )
}

fn alerts(output: &Path, sid: u32) -> usize {
    let text = std::fs::read_to_string(output.join("eve.json")).unwrap();
    text.matches(&format!("\"signature_id\":{sid},")).count()
}

#[test]
fn watches_an_interface() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !is_possible() {
        return;
    }
    let wire = Wire::new();
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("test.rules");
    std::fs::write(&rules, rule(1)).unwrap();
    let sensor = Sensor::start(&wire, &rules, dir.path(), "64");

    let (capture, count) = capture();
    let mut total = wire.send(&capture, &["--pps", STEADY_PPS], STEADY_PACKETS / count + 1);
    assert!(total as usize >= STEADY_PACKETS);
    assert_eq!(settled(&wire), (total, 0, 0), "all that was sent, no drop");

    total += reloads(&wire, &sensor, &rules, dir.path());
    assert_eq!(settled(&wire), (total, 0, 0), "a reload loses nothing");
    checks_page(&wire.page());
    assert_eq!(sensor.end(), Some(0));
    checks_output(dir.path(), total);
}

#[test]
fn counts_what_it_cannot_take() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !is_possible() {
        return;
    }
    let wire = Wire::new();
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("test.rules");
    std::fs::write(&rules, rule(1)).unwrap();
    let sensor = Sensor::start(&wire, &rules, dir.path(), "1");
    let (capture, count) = capture();
    let sent = wire.send(&capture, &["--topspeed"], FAST_PACKETS / count + 1);
    let (seen, early, _) = settled(&wire);
    let wire_lost = wire.lost_on_the_wire();
    assert_eq!(sent, seen + early + wire_lost, "seen {seen}, dropped {early} and {wire_lost}");
    println!("as fast as possible: {sent} sent, {seen} seen, {early} dropped");
    assert_eq!(sensor.end(), Some(0));
}

/// Changes the rules while packets come; gives how many were sent.
fn reloads(wire: &Wire, sensor: &Sensor, rules: &Path, output: &Path) -> u64 {
    let requests = root().join("pcaps/web-attacks.pcap");
    let loops = 2 * STEADY_PACKETS / frames(&requests);
    let mut sender = wire.sender(&requests, &["--pps", STEADY_PPS], loops).spawn().unwrap();
    until("the first rule alerts", || alerts(output, 1) > 0);
    assert_eq!(alerts(output, 2), 0);
    std::fs::write(rules, rule(1) + &rule(2)).unwrap();
    sensor.signal("-HUP");
    until("the new rule alerts", || alerts(output, 2) > 0);
    std::fs::write(rules, "this is no rule\nalert nor this\n").unwrap();
    sensor.signal("-HUP");
    until("it says that it keeps the old rules", || log_of(output).contains("old ones stay"));
    let before = alerts(output, 2);
    until("the old rules alert", || alerts(output, 2) > before);
    let mut said = String::new();
    sender.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    let status = sender.wait().unwrap();
    sent(&Output { status, stdout: said.into_bytes(), stderr: Vec::new() })
}

fn checks_page(page: &str) {
    lint(page);
    assert_eq!(metric(page, "rivellino_rules", "state=\"loaded\""), 2);
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        // Between the quotes: every second part.
        for value in line.split('"').skip(1).step_by(2) {
            let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '-';
            let is_name = value.chars().all(|c| plain(c) || c.is_ascii_digit());
            let has_word = value.chars().any(plain) || value.len() == 1;
            assert!(is_name && has_word, "a label that could be an address: {line}");
        }
    }
}

/// Complete lines, every flow ended and told, sums that agree.
fn checks_output(output: &Path, packets: u64) {
    let text = std::fs::read_to_string(output.join("eve.json")).unwrap();
    assert!(text.ends_with("}\n"));
    let mut flows = 0u64;
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        flows += u64::from(event["event_type"] == "flow");
    }
    let summary = std::fs::read_to_string(output.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let counter = |name: &str| summary["counters"][name].as_u64().unwrap();
    assert_eq!(counter("packets"), packets);
    assert_eq!(counter("flows"), flows);
    assert_eq!(counter("flows_active"), 0);
    let ended: u64 = ["timeout", "reuse", "shutdown"]
        .iter()
        .map(|reason| counter(&format!("flows_ended_{reason}")))
        .sum();
    assert_eq!(counter("flows"), ended + counter("flows_evicted"));
}
