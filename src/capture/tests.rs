//! Captures built here, whole, cut at every byte and damaged.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "tests")]

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use super::bpf::Filter;
use super::file::FileSource;
use super::input::Input;
use super::*;

const FRAMES: usize = 3;

/// The three frames of `classic`, by `zstd` 1.5.
const ZSTD_FIXTURE: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x87, 0x05, 0x02, 0x00, 0xa4, 0x02, 0xd4, 0xc3, 0xb2, 0xa1, 0x02,
    0x00, 0x04, 0x00, 0xff, 0xff, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x05,
    0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x15, 0x00, 0x65, 0x16, 0x00, 0x00, 0x00, 0x01, 0x66,
    0x17, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0xb8, 0x57, 0xa2, 0x36, 0x98, 0x90, 0x5d, 0x1c, 0xe9,
    0x50, 0x2c, 0x8e, 0x72, 0x2f, 0xa0, 0x1a, 0x01, 0xb8, 0x55, 0x17, 0x8f, 0x3f,
];

fn put(order: Order, out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        let bytes = if order == Order::Little { word.to_le_bytes() } else { word.to_be_bytes() };
        out.extend_from_slice(&bytes);
    }
}

fn put16(order: Order, out: &mut Vec<u8>, words: &[u16]) {
    for word in words {
        let bytes = if order == Order::Little { word.to_le_bytes() } else { word.to_be_bytes() };
        out.extend_from_slice(&bytes);
    }
}

/// Three frames of 20, 21 and 22 bytes at seconds 100, 101, 102 and the fraction 5.
fn classic(order: Order, magic: u32) -> Vec<u8> {
    let mut out = Vec::new();
    put(order, &mut out, &[magic]);
    put16(order, &mut out, &[2, 4]);
    put(order, &mut out, &[0, 0, 65_535, 1]);
    for n in 0..FRAMES as u32 {
        put(order, &mut out, &[100 + n, 5, 20 + n, 21 + n]);
        if magic == 0xa1b2_cd34 {
            put(order, &mut out, &[0, 0]);
        }
        out.extend(std::iter::repeat_n(n as u8, 20 + n as usize));
    }
    out
}

fn block(order: Order, out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    let length = padded as u32 + 12;
    put(order, out, &[kind, length]);
    out.extend_from_slice(body);
    out.resize(out.len() + padded - body.len(), 0);
    put(order, out, &[length]);
}

fn section(order: Order, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    put(order, &mut body, &[0x1a2b_3c4d]);
    put16(order, &mut body, &[1, 0]);
    put(order, &mut body, &[u32::MAX, u32::MAX]);
    block(order, out, 0x0a0d_0d0a, &body);
}

fn interface(order: Order, out: &mut Vec<u8>, link: u16, options: &[(u16, Vec<u8>)]) {
    let mut body = Vec::new();
    put16(order, &mut body, &[link, 0]);
    put(order, &mut body, &[0]);
    for (code, value) in options {
        put16(order, &mut body, &[*code, value.len() as u16]);
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(order, out, 1, &body);
}

fn enhanced(order: Order, out: &mut Vec<u8>, interface: u32, ticks: u64, bytes: &[u8]) {
    let mut body = Vec::new();
    let length = bytes.len() as u32;
    put(order, &mut body, &[interface, (ticks >> 32) as u32, ticks as u32, length, length + 1]);
    body.extend_from_slice(bytes);
    block(order, out, 6, &body);
}

/// Two sections of different byte order, four interfaces, every kind of packet block.
fn sections() -> Vec<u8> {
    let mut out = Vec::new();
    section(Order::Big, &mut out);
    interface(Order::Big, &mut out, 1, &[(9, vec![9])]);
    interface(Order::Big, &mut out, 101, &[(9, vec![0x8a]), (14, 7i64.to_be_bytes().to_vec())]);
    enhanced(Order::Big, &mut out, 0, 1_500_000_000, &[1; 14]);
    block(Order::Big, &mut out, 4, b"names, passed over");
    enhanced(Order::Big, &mut out, 1, 3 << 10 | 512, &[2; 20]);
    section(Order::Little, &mut out);
    interface(Order::Little, &mut out, 113, &[]);
    interface(Order::Little, &mut out, 1, &[(14, (-1i64).to_le_bytes().to_vec())]);
    enhanced(Order::Little, &mut out, 1, 5_000_000, &[3; 17]);
    block(Order::Little, &mut out, 3, &[3, 0, 0, 0, 9, 9, 9]);
    let mut body = Vec::new();
    put16(Order::Little, &mut body, &[0, 0]);
    put(Order::Little, &mut body, &[0, 6_000_001, 4, 4, 0x0404_0404]);
    block(Order::Little, &mut out, 2, &body);
    out
}

fn source(bytes: &[u8]) -> Result<FileSource, CaptureError> {
    filtered(bytes, None)
}

fn filtered(bytes: &[u8], filter: Option<&str>) -> Result<FileSource, CaptureError> {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    // A small buffer, so that it must grow and move.
    let input = Input::from_reader("test".to_owned(), reader, bytes.len() as u64, 32).unwrap();
    FileSource::new(input, filter.map(Filter::new).transpose()?)
}

fn drain(source: &mut dyn Source, limit: usize) -> Batch {
    let mut batch = Batch::default();
    while source.read(&mut batch, limit).unwrap() != Progress::End {
        assert!(!batch.is_full(usize::MAX), "it is to be emptied first");
    }
    batch
}

fn lengths(batch: &Batch) -> Vec<usize> {
    batch.frames.iter().map(|frame| batch.bytes(frame).len()).collect()
}

#[test]
fn classic_in_all_kinds() {
    let kinds = [(0xa1b2_c3d4, 5000), (0xa1b2_3c4d, 5), (0xa1b2_cd34, 5000)];
    for order in [Order::Little, Order::Big] {
        for (magic, nanos) in kinds {
            let mut source = source(&classic(order, magic)).unwrap();
            let batch = drain(&mut source, 2);
            assert_eq!(lengths(&batch), [20, 21, 22]);
            assert_eq!(batch.bytes(&batch.frames[2]), [2; 22]);
            assert_eq!(batch.frames[1].timestamp, Timestamp::new(101, nanos));
            assert_eq!((batch.frames[1].link, batch.frames[1].wire), (1, 22));
            assert_eq!(source.stats().received, 3);
            assert!(source.warnings().is_empty());
        }
    }
}

#[test]
fn sections_interfaces_and_their_clocks() {
    let batch = drain(&mut source(&sections()).unwrap(), 1);
    let seen: Vec<_> =
        batch.frames.iter().map(|f| (f.timestamp.nanos(), f.link, f.captured, f.wire)).collect();
    assert_eq!(
        seen,
        [
            (1_500_000_000, 1, 14, 15),
            (10_500_000_000, 101, 20, 21),
            (4_000_000_000, 1, 17, 18),
            (4_000_000_000, 113, 3, 3),
            (6_000_001_000, 113, 4, 4),
        ]
    );
    assert_eq!(batch.bytes(&batch.frames[3]), [9, 9, 9]);
}

/// A cut gives the frames before it and a warning; never a panic, and an error only for no header.
#[test]
fn cut_at_every_byte() {
    let pcap: Vec<usize> = vec![24, 60, 97, 135];
    let whole = sections();
    for (bytes, ends) in [(classic(Order::Big, 0xa1b2_c3d4), pcap), (whole, packet_ends())] {
        for cut in 0..=bytes.len() {
            let Ok(mut source) = source(&bytes[..cut]) else {
                assert!(cut < 28, "no error once the header is there: {cut}");
                continue;
            };
            let batch = drain(&mut source, 100);
            let expected = ends.iter().skip(1).filter(|end| **end <= cut).count();
            assert_eq!(batch.frames.len(), expected, "cut at {cut}");
            for warning in source.warnings() {
                assert!(warning.contains("cut off") && warning.contains("byte "), "{warning}");
            }
        }
        assert!(source(&[]).is_err_and(|error| error.reason.contains("empty")));
    }
}

/// Where the first header and every packet block of `sections` end.
fn packet_ends() -> Vec<usize> {
    let bytes = sections();
    let (mut ends, mut at, mut order) = (vec![28], 0, Order::Big);
    while at < bytes.len() {
        let word = |at: usize| bytes[at..at + 4].try_into().unwrap();
        if at > 0 && bytes[at..].starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            order = Order::Little;
        }
        let kind = order.u32(word(at));
        at += order.u32(word(at + 4)) as usize;
        if matches!(kind, 2 | 3 | 6) {
            ends.push(at);
        }
    }
    assert_eq!(ends.len(), 6);
    ends
}

#[test]
fn every_byte_damaged() {
    for bytes in [classic(Order::Little, 0xa1b2_c3d4), sections()] {
        for at in 0..bytes.len() {
            for value in [0, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                if let Ok(mut source) = source(&damaged) {
                    assert!(drain(&mut source, 100).frames.len() <= 5);
                }
            }
        }
    }
}

#[test]
fn absurd_length_stops_with_its_place() {
    let mut bytes = classic(Order::Little, 0xa1b2_c3d4);
    bytes[60 + 8..60 + 12].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    let mut source = source(&bytes).unwrap();
    assert_eq!(lengths(&drain(&mut source, 10)), [20]);
    let warnings = source.warnings();
    assert!(warnings[0].contains("byte 60") && warnings[0].contains("limit"), "{warnings:?}");
}

#[test]
fn compressed() {
    let bytes = classic(Order::Little, 0xa1b2_c3d4);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    let gzip = gzip.finish().unwrap();
    // Two members, as `cat a.gz b.gz` makes them: the second is read as more of the first.
    let (one, two) = bytes.split_at(60);
    let mut members = Vec::new();
    for part in [one, two] {
        let mut writer = flate2::write::GzEncoder::new(members, flate2::Compression::fast());
        writer.write_all(part).unwrap();
        members = writer.finish().unwrap();
    }
    // A skippable frame (RFC 8878, 3.1.2) before the real one.
    let mut skippable = vec![0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2];
    skippable.extend_from_slice(ZSTD_FIXTURE);
    for stored in [&gzip[..], &members, ZSTD_FIXTURE, &skippable] {
        let mut source = source(stored).unwrap();
        assert_eq!(lengths(&drain(&mut source, 10)), [20, 21, 22]);
        assert_eq!(source.stats().bytes_read, stored.len() as u64);
        assert!(source.warnings().is_empty());
    }
    for stored in [&gzip[..], ZSTD_FIXTURE] {
        for cut in 0..stored.len() {
            if let Ok(mut source) = source(&stored[..cut]) {
                let frames = drain(&mut source, 10).frames.len();
                assert!(frames <= FRAMES && (frames == FRAMES || !source.warnings().is_empty()));
            }
        }
    }
}

#[test]
fn filters() {
    // Ethernet with an IPv4 header of the protocols UDP and TCP.
    let mut bytes = classic(Order::Little, 0xa1b2_c3d4);
    bytes.truncate(24);
    for protocol in [17, 6, 17] {
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[8, 0, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, protocol]);
        frame.resize(34, 0);
        put(Order::Little, &mut bytes, &[1, 0, 34, 34]);
        bytes.extend_from_slice(&frame);
    }
    let count =
        |expression| drain(&mut filtered(&bytes, Some(expression)).unwrap(), 9).frames.len();
    assert_eq!((count("udp"), count("tcp"), count("arp")), (2, 1, 0));
    let error = filtered(&bytes, Some("port of call")).err().unwrap();
    assert!(error.to_string().contains("port of call"), "{error}");
    // Good in itself, but not for Ethernet.
    let mut wrong = filtered(&bytes, Some("wlan type mgt")).unwrap();
    assert!(wrong.read(&mut Batch::default(), 1).is_err());
}

#[test]
fn merges_by_time_and_then_by_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut late = classic(Order::Big, 0xa1b2_c3d4);
    for byte in &mut late[24 + 16..24 + 36] {
        *byte = 0xaa;
    }
    let paths = [
        write("a", &classic(Order::Little, 0xa1b2_c3d4)),
        write("b", &late),
        write("c", &sections()),
        write("d", &late[..24]),
    ];
    let mut merged = open(&paths, None).unwrap();
    let batch = drain(&mut *merged, 4);
    // The third file runs backwards in time within itself: its order stays.
    assert_eq!(lengths(&batch), [14, 20, 17, 3, 4, 20, 20, 21, 21, 22, 22]);
    assert_eq!(batch.bytes(&batch.frames[5]), [0; 20]);
    assert_eq!(batch.bytes(&batch.frames[6]), [0xaa; 20]);
    let stats = merged.stats();
    assert_eq!((stats.received, stats.bytes_read), (11, stats.bytes_total));
    let missing = open(&[folder.path().join("none")], None).err().unwrap();
    assert!(missing.reason.contains("check the path"), "{missing}");
    assert!(open(&[folder.path().to_owned()], None).is_err());
}

/// Every recorded capture is read to its end or refused with a reason. Prints counts if asked to.
#[test]
fn corpus() {
    let Some(root) = std::env::var_os("RIVELLINO_CORPUS") else {
        eprintln!("skipped: RIVELLINO_CORPUS is not set");
        return;
    };
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::from(root)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if is_capture(&path) {
                files.push(path);
            }
        }
    }
    // Placeholders for files that were not fetched.
    files.retain(|path| !std::fs::read(path).unwrap().starts_with(b"version https://"));
    let mut opened = 0;
    for path in &files {
        match open(std::slice::from_ref(path), None) {
            Ok(mut source) => {
                let (mut batch, mut count) = (Batch::default(), 0);
                while source.read(&mut batch, 256).unwrap() == Progress::More {
                    count += batch.frames.len();
                    batch.clear();
                }
                opened += 1;
                if std::env::var_os("RIVELLINO_CORPUS_COUNTS").is_some() {
                    eprintln!("COUNT\t{count}\t{}\t{:?}", path.display(), source.warnings());
                }
            }
            Err(error) => eprintln!("REFUSED\t{error}"),
        }
    }
    assert!(opened * 100 >= files.len() * 99, "{opened} of {} opened", files.len());
}

fn is_capture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["pcap", "pcapng", "cap", "gz", "zst"].iter().any(|known| extension == *known)
}

/// Frames that come a tenth of a second apart, or all at once.
#[test]
fn a_batch_is_full_when_little_has_gone_on_for_long() {
    const TENTH: u64 = 100_000_000;
    let batch = |frames: u64, apart: u64| {
        let mut batch = Batch::default();
        for number in 0..frames {
            batch.push(Timestamp::from_nanos(number * apart), 1, b"frame", 5);
        }
        batch
    };
    assert!(!batch(127, TENTH).is_full(512) && batch(128, TENTH).is_full(512));
    assert!(!batch(511, 1000).is_full(512) && batch(512, 1000).is_full(512));
    // Each read gives what is left.
    let mut slow = classic(Order::Little, 0xa1b2_c3d4);
    slow.truncate(24);
    for second in 0..300 {
        put(Order::Little, &mut slow, &[second, 0, 4, 4]);
        slow.extend(b"data");
    }
    let mut source = source(&slow).unwrap();
    let (mut sizes, mut batch) = (Vec::new(), Batch::default());
    while source.read(&mut batch, 512).unwrap() != Progress::End {
        sizes.push(batch.frames.len());
        batch.clear();
    }
    assert_eq!(sizes, [128, 128, 44]);
}
