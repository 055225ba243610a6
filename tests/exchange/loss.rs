//! Nothing is lost and nothing comes twice: a sender that is killed at any moment, a way on which
//! requests are dropped, delayed and doubled, a disk that is full.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rivellino::outputs::hub::identity::Identity;
use serde_json::{Value, json};

use super::Site;
use crate::support::front::Front;
use crate::support::hub::{Certificates, free_port};
use crate::support::office::chance::Chance;

/// Records and kills of an ordinary run, and of a full one (`RIVELLINO_ALL=1`).
const ORDINARY: (usize, usize) = (1000, 20);
const FULL: (usize, usize) = (10_000, 200);
/// A kill comes so many milliseconds after the start, at least and at most.
const KILL_AFTER: (u64, u64) = (5, 450);
/// Each so many feedings are killed too.
const FEEDING_KILLED_EACH: usize = 4;

/// A finding about a stranger that no other is about.
fn event(number: usize) -> String {
    let [_, a, b, c] = (number as u32 + 1).to_be_bytes();
    let (second, micro) = (number / 1000 % 60, number % 1000);
    json!({
        "timestamp": format!("2026-01-01T00:{:02}:{second:02}.{micro:06}+0000", number / 60_000),
        "flow_id": number + 1, "event_type": "alert",
        "src_ip": format!("20.{a}.{b}.{c}"), "src_port": 4000,
        "dest_ip": "192.168.1.5", "dest_port": 22, "proto": "TCP",
        "alert": {"action": "allowed", "gid": 9102, "signature_id": 1, "rev": 1,
            "signature": "Password guessing", "category": "", "severity": 2},
        "finding": {"detector": "bruteforce", "level": "medium", "score": 12.0, "threshold": 8.0,
            "confidence": 0.9, "numbers": {"failures": 12}, "baseline": {"failures": 0},
            "evidence": [number + 1], "technique": "T1110", "acn": [], "took": 3.0,
            "explain": {"it": "Ha provato 12 password.", "en": "It tried 12 passwords."}},
    })
    .to_string()
}

fn events(range: std::ops::Range<usize>) -> String {
    range.map(|number| event(number) + "\n").collect()
}

/// A site whose hub is at `port`, and a policy `away.toml` by which nobody is there.
fn site(port: u16) -> Option<Site> {
    let site = Site::new(port);
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    Certificates::new(site.folder.path(), &uri, "loss on the way to the hub")?;
    let policy = std::fs::read_to_string(site.path("sharing-policy.toml")).unwrap();
    let away = policy.replace(&format!("localhost:{port}"), "localhost:1");
    std::fs::write(site.path("away.toml"), away).unwrap();
    Some(site)
}

/// Starts a command and kills it after so long; whether it had ended by itself.
fn killed(site: &Site, arguments: &[&str], after: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(arguments)
        .current_dir(site.folder.path())
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    let ended = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    ended
}

fn versions(objects: impl Iterator<Item = Value>) -> BTreeMap<(String, String), Value> {
    objects.map(|object| (rivellino::outputs::hub::exchange::version(&object), object)).collect()
}

#[test]
fn a_sender_that_is_killed_loses_nothing_and_repeats_nothing() {
    let is_full = std::env::var_os("RIVELLINO_ALL").is_some();
    let (records, kills) = if is_full { FULL } else { ORDINARY };
    let Some(site) = site(free_port()) else { return };
    let port = std::fs::read_to_string(site.path("sharing-policy.toml")).unwrap();
    let port = port.split("localhost:").nth(1).unwrap().split('/').next().unwrap();
    let front = Front::start(site.folder.path(), port.parse().unwrap(), 20_261_129);
    let mut chance = Chance::new(7, "kills");
    let mut after = || Duration::from_millis(chance.between(KILL_AFTER.0, KILL_AFTER.1));
    let feed = ["hub", "send", "--policy", "away.toml", "--patience", "0", "part.json"];
    let begun = Instant::now();
    let mut ended = 0;
    for kill in 0..kills {
        let part = records * kill / kills..records * (kill + 1) / kills;
        std::fs::write(site.path("part.json"), events(part)).unwrap();
        if kill % FEEDING_KILLED_EACH == 0 {
            killed(&site, &feed, after());
        }
        // The hub is away: these are taken, to the disk.
        let said = site.said(&feed, 1);
        assert!(said.contains("0 events sent"), "{said}");
        ended += usize::from(killed(&site, &["hub", "send", "--patience", "600"], after()));
    }
    let fed = begun.elapsed();
    site.said(&["hub", "send", "--patience", "600"], 0);
    let took = begun.elapsed();
    std::fs::write(site.path("all.json"), events(0..records)).unwrap();
    let preview = site.run(&["hub", "preview", "all.json"]);
    let text = String::from_utf8(preview.stdout).unwrap();
    let envelopes = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let wanted =
        versions(envelopes.flat_map(|envelope| envelope["objects"].as_array().unwrap().clone()));
    let memory = front.memory.lock().unwrap();
    let of = |kind: &str| memory.objects.values().filter(|object| object["type"] == kind).count();
    println!(
        "{records} records, {kills} kills ({ended} came too late) in {fed:.1?}, the rest sent after \
         {took:.1?}; the way: {:?}; {} objects came again",
        memory.treated, memory.again
    );
    assert!(ended < kills / 2, "the kills come too late to prove anything");
    assert!(memory.again > 0, "nothing came again: nothing was proved");
    assert_eq!(of("sighting"), records, "lost, or there twice");
    assert_eq!(memory.conflicts, Vec::<String>::new(), "one version with two contents");
    let missing = wanted.keys().filter(|key| !memory.objects.contains_key(*key)).count();
    let more = memory.objects.keys().filter(|key| !wanted.contains_key(*key)).count();
    assert_eq!((missing, more), (0, 0), "what is there is what was to leave");
    drop(memory);
    let status = site.said(&["hub", "status"], 0);
    assert!(status.contains("waiting  0 events") && !status.contains("dropped"), "{status}");
    assert!(status.contains("the chain is whole"), "{status}");
}

/// A small file system in memory; gone when it is dropped.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(path: &'a Path, size: &str) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let options = format!("size={size}");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(path)
            .stderr(Stdio::null())
            .status();
        if mount.is_ok_and(|status| status.success()) {
            return Some(Self(path));
        }
        println!("skipped: a full disk (mounting a tmpfs needs root)");
        None
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// The number before ` events` in the line of `hub status` that begins so.
fn told(status: &str, line: &str) -> usize {
    let found = status.lines().filter_map(|of| of.trim().strip_prefix(line));
    found.filter_map(|rest| rest.split_whitespace().next()?.parse::<usize>().ok()).sum()
}

#[test]
fn a_full_disk_is_counted_and_recovered_from() {
    let Some(site) = site(free_port()) else { return };
    let path = site.path("small");
    let Some(small) = Small::mount(&path, "1m") else { return };
    let records = 2000;
    std::fs::write(site.path("many.json"), events(0..records)).unwrap();
    let feed = ["hub", "send", "--policy", "away.toml", "--folder", "small/hub", "--patience", "0"];
    let fed = site.run(&[&feed[..], &["many.json"]].concat());
    assert_eq!(fed.status.code(), Some(1));
    let status = site.said(&["hub", "status", "--folder", "small/hub"], 0);
    let (waiting, dropped) = (told(&status, "waiting"), told(&status, "dropped"));
    println!("{records} records on a disk of 1 MiB: {waiting} wait, {dropped} given up");
    assert!(waiting > 0 && dropped > 0 && status.contains("events: disk"), "{status}");
    let said = String::from_utf8_lossy(&fed.stderr).into_owned();
    assert_eq!(waiting + dropped, records, "each is there or counted: {status}{said}");
    // Something else fills the disk to the last byte: nothing can be taken, and that is told.
    let ballast = path.join("ballast");
    let full = std::fs::write(&ballast, vec![7; 1 << 20]);
    assert!(full.is_err(), "the disk is full now");
    std::fs::write(site.path("few.json"), events(records..records + 10)).unwrap();
    let said = site.said(&[&feed[..], &["few.json"]].concat(), 1);
    println!("on a full disk: {}", said.lines().last().unwrap_or_default());
    // There is room again: what waited goes, and so does what comes.
    std::fs::remove_file(&ballast).unwrap();
    let policy = std::fs::read_to_string(site.path("sharing-policy.toml")).unwrap();
    let port = policy.split("localhost:").nth(1).unwrap().split('/').next().unwrap();
    let front = Front::start(site.folder.path(), port.parse().unwrap(), 0);
    std::fs::write(site.path("new.json"), events(records + 10..records + 20)).unwrap();
    let send = ["hub", "send", "--folder", "small/hub", "new.json"];
    assert!(site.said(&send, 0).contains("none waits"));
    let memory = front.memory.lock().unwrap();
    let there = memory.objects.values().filter(|object| object["type"] == "sighting");
    let there = there.filter(|object| object["created"].as_str().unwrap() >= "2026").count();
    assert!((10..=waiting + 20).contains(&there), "{there} of {waiting}");
    drop(memory);
    drop(small);
}
