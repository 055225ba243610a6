//! Speed of the searches for many patterns: bytes per second by number of patterns and of buffers
//! that are searched side by side, names per second, and whole rules by their number.

#![allow(missing_docs, reason = "a benchmark has no users")]

use std::sync::Arc;

use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use rivellino::capture::Progress;
use rivellino::detect::prefilter::names::{Name, NameKind, Names};
use rivellino::detect::prefilter::scan::{Haystack, Pattern, Scanner};
use rivellino::detect::{Ruleset, Variables, load};
use rivellino::engine::worker::{Checksums, Worker, WorkerOptions};

fn main() {
    divan::main();
}

/// Buffers of HTTP requests and of binary, half and half, of 100 to 1,400 bytes.
fn buffers() -> Vec<Vec<u8>> {
    let text =
        b"GET /index.php?id=17 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 \
                 (X11; Linux x86_64)\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n";
    let mut seed = 1_u64;
    let mut number = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    (0..2_048)
        .map(|index| {
            let length = 100 + usize::try_from(number() % 1_300).unwrap_or(0);
            if index % 2 == 0 {
                text.iter().copied().cycle().take(length).collect()
            } else {
                (0..length).map(|_| u8::try_from(number() & 0xff).unwrap_or(0)).collect()
            }
        })
        .collect()
}

/// Words as rules have them: a common beginning, and something of their own.
fn patterns(count: u32) -> Vec<Vec<u8>> {
    let beginnings = ["/admin/", "cmd=", "User-Agent: bot", "\u{1}\u{2}\u{3}", ".exe?", "X-Key: "];
    (0..count)
        .zip(beginnings.iter().cycle())
        .map(|(n, begin)| format!("{begin}{:x}", n.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

fn scanner(count: u32) -> Scanner {
    let patterns = patterns(count);
    let listed: Vec<_> =
        (0..).zip(&patterns).map(|(id, bytes)| Pattern { bytes, nocase: true, id }).collect();
    Scanner::build(&listed)
}

#[divan::bench(args = [170, 1_500, 5_000])]
fn build(bencher: Bencher<'_, '_>, count: u32) {
    bencher.bench(|| scanner(count));
}

#[divan::bench(args = [170, 1_500, 5_000], consts = [1, 4, 64])]
fn scan<const BATCH: usize>(bencher: Bencher<'_, '_>, count: u32) {
    let (scanner, buffers) = (scanner(count), buffers());
    let bytes: usize = buffers.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let mut hits = 0_u32;
        let mut haystacks = Vec::with_capacity(BATCH);
        for batch in buffers.chunks(BATCH) {
            haystacks.clear();
            haystacks.extend(batch.iter().map(|bytes| Haystack::new(bytes)));
            scanner.scan(&mut haystacks, &mut |_, _, _| hits += 1);
        }
        hits
    });
}

#[divan::bench(args = [100, 5_000, 50_000])]
fn names(bencher: Bencher<'_, '_>, count: u32) {
    let texts: Vec<String> = (0..count).map(|n| format!("host-{n}.example.org")).collect();
    let listed: Vec<_> = (0..)
        .zip(&texts)
        .map(|(id, text)| Name { bytes: text.as_bytes(), kind: NameKind::Suffix, id })
        .collect();
    let names = Names::build(&listed);
    let asked: Vec<String> = (0..1_000).map(|n| format!("cdn{n}.static.example.net")).collect();
    bencher.counter(ItemsCount::new(asked.len())).bench(|| {
        let mut hits = 0_u32;
        for name in &asked {
            names.lookup(name.as_bytes(), &mut |_| hits += 1);
        }
        hits
    });
}

/// Rules as published sets have them: most of HTTP, a word that is rare and an expression after it.
fn ruleset(count: u32) -> Ruleset {
    let text: String = (0..count)
        .map(|n| {
            let word = n.wrapping_mul(2_654_435_761);
            let (buffer, more) = match n % 4 {
                0 => ("http.uri", format!("content:\"/x{n}/\"; pcre:\"/id=\\d+/\";")),
                1 => ("http.user_agent", "content:\"Bot\"; nocase; distance:0;".to_owned()),
                2 => ("http.host", "content:\".example\"; endswith;".to_owned()),
                _ => ("http.header", "content:\"Accept\"; nocase;".to_owned()),
            };
            format!(
                "alert http $HOME_NET any -> $EXTERNAL_NET any (msg:\"rule {n}\"; \
                 flow:established,to_server; {buffer}; content:\"{word:08x}\"; {more} \
                 classtype:trojan-activity; sid:{}; rev:1;)\n",
                n + 1
            )
        })
        .collect();
    load(&[(Arc::from("bench.rules"), text)], &mut Variables::default()).0
}

#[divan::bench(args = [0, 1_000, 10_000], sample_count = 5)]
fn compile(bencher: Bencher<'_, '_>, count: u32) {
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        let ruleset = ruleset(count);
        ruleset.prepare(1);
        ruleset
    });
}

/// A worker over requests and answers, by number of rules: bytes of frames a second.
#[divan::bench(args = [0, 1_000, 10_000], sample_count = 20)]
fn inspect(bencher: Bencher<'_, '_>, count: u32) {
    let ruleset = Arc::new(ruleset(count));
    ruleset.prepare(1);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/pcaps/web-attacks.pcap").into();
    let Ok(mut source) = rivellino::capture::open(&[path], None) else { return };
    let mut batch = rivellino::capture::Batch::default();
    while !batch.is_full(usize::MAX)
        && !matches!(source.read(&mut batch, 512), Ok(Progress::End) | Err(_))
    {}
    for (sequence, frame) in (1..).zip(&mut batch.frames) {
        frame.sequence = sequence;
    }
    let now = batch.frames.last().map(|frame| frame.timestamp).unwrap_or_default();
    bencher.counter(BytesCount::new(batch.data.len())).bench_local(|| {
        let mut worker = Worker::new(WorkerOptions {
            files: rivellino::file::Wants::NOTHING,
            decode: rivellino::decode::Options::default(),
            checksums: Checksums::Ignore,
            limits: rivellino::flow::Limits::default(),
            ruleset: Some(Arc::clone(&ruleset)),
            activity: false,
            arp: false,
        });
        worker.round(&batch, batch.frames.len() as u64, now).len() + worker.finish(0, now).len()
    });
}
