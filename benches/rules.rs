//! Speed of the searches for many patterns: bytes per second by number of patterns and of buffers
//! that are searched side by side, and names per second.

#![allow(missing_docs, reason = "a benchmark has no users")]

use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use rivellino::detect::prefilter::names::{Name, NameKind, Names};
use rivellino::detect::prefilter::scan::{Haystack, Pattern, Scanner};

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
