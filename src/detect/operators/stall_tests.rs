//! Chains that try: long repetitions of what a rule looks for must not stall a worker.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::time::Duration;

use super::tests::rule;
use crate::detect::buffer::{Scratch, matches};

/// Processor time that a buffer of [`SIZE`] may cost: 5 ms, doubled for slow machines, and more
/// where little is optimised.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 10 });

const SIZE: usize = 64 << 10;

const CHAINS: &[&str] = &[
    r#"content:"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"; nocase;"#,
    r#"content:"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";"#,
    r#"content:"baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; nocase;"#,
    r#"content:"a"; content:"a"; distance:0; content:"a"; distance:0; content:"b"; distance:0;"#,
    r#"content:"a"; content:"a"; within:9; content:"a"; within:9; content:"b"; within:1;"#,
    r#"content:"a"; content:"a"; within:60000; content:"b"; within:60000;"#,
    r#"content:"a"; content:"A"; nocase; within:60000; content:"aB"; nocase; within:60000;"#,
    r#"content:"a"; content:!"a"; within:60000; content:"b"; within:60000;"#,
    r#"content:"ab"; content:"ab"; distance:2; within:5000; byte_test:1,>,200,0,relative;"#,
    r#"content:"a"; byte_extract:1,0,n,relative; content:"b"; distance:n; within:n;"#,
    r#"content:"a"; byte_jump:1,0,relative,multiplier 9; content:"a"; distance:0; isdataat:!1,relative;"#,
    r#"content:"a"; pcre:"/a+b/R";"#,
    r#"content:"a"; pcre:"/^.{0,200}b/sR";"#,
    r#"pcre:"/(a+)+b/";"#,
    r#"pcre:"/(a|aa)+$b/";"#,
    r#"pcre:"/a.*b.*c.*d/s";"#,
    r#"pcre:"/a[^b]*a[^b]*a[^b]*b/";"#,
    r#"pcre:"/a{1,500}b/i";"#,
    r#"content:"a"; pcre:"/^[^\r\n]+a[^\x22\r\n]{2049}/R";"#,
    r#"pcre:"/a(?:[^c]{60}){50}x/";"#,
    r#"pcre:"/(?:[a-z]+\s*)+\x3b/";"#,
    r#"content:"a"; pcre:"/a/"; pcre:"/a/R"; pcre:"/a+x/R";"#,
    r#"pcre:"/^(([a-z])+.)+[A-Z]([a-z])+$/";"#,
    r#"pcre:"/<?(java|vb)?script>?.*<.+\/script>?/i";"#,
    r#"pcre:"/.*a.*b.*a.*x/s";"#,
    r#"pcre:"/(a+)+/, flow:a";"#,
    r#"pcre:"/(a+)(a+)(a*)/, flow:a, flow:b, pkt:c"; content:"b"; distance:0; within:1;"#,
    r#"content:"a"; pcre:"/(a|aa)+?(.{3})/R, pkt:a, pkt:b"; content:"x"; within:1;"#,
    r#"pcre:"/(?=a)(?P<flow_a>(?:a|aa)+)$/";"#,
    r#"content:"a"; base64_decode:relative; base64_data; content:"b"; content:"c"; distance:0;"#,
];

/// Processor time of this thread: a busy machine does not count.
fn spent() -> Option<Duration> {
    // Giving way to others has the kernel bring it up to date.
    std::thread::yield_now();
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    line.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn buffers() -> Vec<Vec<u8>> {
    [
        &b"a"[..],
        b"A",
        b"ab",
        b"aab",
        b"aA",
        b"a\n",
        b"a ",
        b"abc",
        b"a\x01",
        b"\xff\xfe",
        b"script<",
    ]
    .iter()
    .map(|unit| unit.iter().copied().cycle().take(SIZE).collect())
    .collect()
}

#[test]
fn repetition_does_not_stall() {
    if spent().is_none() {
        eprintln!("skipped: no processor time of a thread here");
        return;
    }
    let mut slow = Vec::new();
    for options in CHAINS {
        let rule = rule(options).unwrap();
        for buffer in buffers() {
            let mut scratch = Scratch::default();
            let took = (0..3)
                .map(|_| {
                    scratch.begin();
                    let start = spent().unwrap();
                    for test in &rule.buffers {
                        matches(&test.steps, &buffer, &mut scratch);
                    }
                    spent().unwrap() - start
                })
                .min()
                .unwrap();
            if took > LIMIT / 4 {
                let unit = String::from_utf8_lossy(buffer.get(..3).unwrap()).into_owned();
                eprintln!("{took:?} {options} {unit:?} given up {}", scratch.exhausted);
            }
            if took > LIMIT {
                slow.push((took, *options));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}
