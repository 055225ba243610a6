//! Every frame of the captures at hand, when there are any: promises hold, and events are those
//! that the reference engine reported.
#![allow(clippy::print_stderr, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("RIVELLINO_CORPUS").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: RIVELLINO_CORPUS is not set");
    }
    root
}

/// Length on the wire, and bytes.
type Frame = (u32, Vec<u8>);

fn frames(path: &Path) -> Option<(u16, Vec<Frame>)> {
    let mut capture = pcap::Capture::from_file(path).ok()?;
    let link = capture.get_datalink().0 as u16;
    let mut frames = Vec::new();
    while let Ok(packet) = capture.next_packet() {
        frames.push((packet.header.len, packet.data.to_vec()));
    }
    Some((link, frames))
}

fn captures(root: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(root).unwrap().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for path in entries.iter().map(std::fs::DirEntry::path) {
        let name = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            captures(&path, found);
        } else if name.starts_with("pcap") || name == "cap" {
            found.push(path);
        }
    }
}

#[test]
fn every_frame_is_survived_and_most_are_understood() {
    let Some(root) = corpus() else { return };
    let mut paths = Vec::new();
    captures(&root, &mut paths);
    let (mut packets, mut ip, mut events) = (0u64, 0u64, BTreeMap::<&str, u64>::new());
    let options = Options { verify_checksums: true, ..Options::default() };
    for path in paths {
        let Some((link, frames)) = frames(&path) else { continue };
        for (wire, bytes) in &frames {
            decode(link, bytes, *wire, &options, &mut |headers, slice| {
                packets += 1;
                ip += u64::from(headers.ip.is_some());
                assert!(headers.payload_end as usize <= slice.len());
                names(headers).into_iter().for_each(|name| *events.entry(name).or_default() += 1);
            });
        }
    }
    eprintln!("{packets} packets, {ip} of IP, events: {events:#?}");
    assert!(packets > 0 && ip * 10 > packets * 9);
}
