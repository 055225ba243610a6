//! No rule makes a packet cost much: every chain of a large public set of rules over buffers that a
//! sender would make to stall it.
//!
//! The buffers repeat what the rule looks for: its literals, all of them and all but the last byte,
//! what its expressions match, parts of that, and single characters that they repeat; for the
//! whole buffer, and behind a head that makes the rest of the rule hold.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rivellino::detect::buffer::{Scratch, matches};
use rivellino::detect::rule::Rule;
use rivellino::detect::syntax::RuleFile;
use rivellino::detect::{Variables, load};
use rivellino::net::Direction;

use crate::support::engine::{Engine, rules};
use crate::support::packets::{Frames, LINK_RAW, datagram};

/// Processor time of one rule on one packet: 5 ms. Where little is optimised, and arithmetic is
/// checked, the same work takes up to ten times as long.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 5 });

/// Bytes of a buffer: a full window of a stream, or a large datagram.
const SIZE: usize = 64 << 10;

/// Bytes that are searched in another way than long ones.
const SHORT: usize = 250;

/// Times that a buffer is tried of which the quickest counts, if the first was slow: a machine
/// that is busy with something else is not the rule's fault, nor is what is compiled only once.
const TRIES: usize = 5;

/// Without `RIVELLINO_ALL=1` one of so many rules is tried: with an expression that looks around
/// or back, with another, and without.
const SAMPLED: [usize; 3] = [4, 24, 48];

/// Processor time of this thread. Giving way to others has the kernel bring it up to date.
fn spent() -> Option<Duration> {
    std::thread::yield_now();
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    line.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// What an expression may match, once, and the pieces that it is made of.
#[derive(Default)]
struct Sample {
    text: Vec<u8>,
    pieces: Vec<Vec<u8>>,
}

impl Sample {
    /// Roughly: of alternatives the first, of repetitions a few, of what looks around nothing.
    fn of(expression: &[u8]) -> Self {
        let mut sample = Self::default();
        let mut groups: Vec<usize> = Vec::new();
        let (mut at, mut last) = (0, 0);
        while let Some(c) = expression.get(at) {
            let start = sample.text.len();
            at += 1;
            match c {
                b'(' => {
                    let rest = &expression[at..];
                    if [&b"?="[..], b"?!", b"?<"].iter().any(|start| rest.starts_with(start)) {
                        at = skip(expression, at);
                        continue;
                    }
                    if rest.first() == Some(&b'?') {
                        let flags = rest.iter().position(|c| matches!(c, b':' | b')' | b'>'));
                        at += flags.map_or(1, |flags| flags + usize::from(rest[flags] != b')'));
                    }
                    groups.push(start);
                    continue;
                }
                b')' => {
                    last = groups.pop().unwrap_or(0);
                    continue;
                }
                b'|' => {
                    at = skip(expression, at).saturating_sub(1);
                    continue;
                }
                b'*' | b'+' | b'?' | b'{' => {
                    let mut times = 3;
                    if *c == b'{' {
                        let end = expression[at..].iter().position(|c| *c == b'}').unwrap_or(0);
                        let text = String::from_utf8_lossy(&expression[at..at + end]).into_owned();
                        times = text.split(',').next().and_then(|n| n.parse().ok()).unwrap_or(3);
                        at += end + 1;
                    }
                    let piece = sample.text[last..].to_vec();
                    if *c != b'?' && !piece.is_empty() {
                        (1..times.min(40)).for_each(|_| sample.text.extend_from_slice(&piece));
                    }
                    continue;
                }
                b'\\' => {
                    let (byte, after) = escaped(expression, at);
                    sample.text.extend(byte);
                    at = after;
                }
                b'[' => {
                    let (byte, after) = member(expression, at);
                    sample.text.push(byte);
                    at = after;
                }
                b'^' | b'$' => {}
                b'.' => sample.text.push(b'a'),
                c => sample.text.push(*c),
            }
            last = start;
            sample.pieces.push(sample.text[start..].to_vec());
        }
        sample.pieces.retain(|piece| !piece.is_empty());
        sample.pieces.sort();
        sample.pieces.dedup();
        sample
    }
}

/// Behind the end of the group that is open at `at`.
fn skip(expression: &[u8], mut at: usize) -> usize {
    let mut depth = 1;
    while let Some(c) = expression.get(at).filter(|_| depth > 0) {
        match c {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at.min(expression.len())
}

/// A byte that the escape behind a backslash at `at - 1` stands for, and where it ends.
fn escaped(expression: &[u8], at: usize) -> (Option<u8>, usize) {
    let Some(c) = expression.get(at) else {
        return (None, at);
    };
    let byte = match c {
        b'x' => {
            let digits = expression.get(at + 1..at + 3).and_then(|d| std::str::from_utf8(d).ok());
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return (byte, at + 3);
        }
        b'd' => b'1',
        b'w' | b'S' | b'D' => b'a',
        b's' | b'W' => b' ',
        b'r' => b'\r',
        b'n' => b'\n',
        b't' => b'\t',
        b'b' | b'B' | b'A' | b'Z' | b'z' | b'1'..=b'9' => return (None, at + 1),
        c => *c,
    };
    (Some(byte), at + 1)
}

/// A member of the class that begins behind the bracket at `at - 1`, and where it ends.
fn member(expression: &[u8], mut at: usize) -> (u8, usize) {
    let negated = expression.get(at) == Some(&b'^');
    at += usize::from(negated);
    let mut members = Vec::new();
    while let Some(c) = expression.get(at).filter(|c| **c != b']' || members.is_empty()) {
        at += 1;
        if *c == b'\\' {
            let (byte, after) = escaped(expression, at);
            members.extend(byte);
            at = after;
        } else {
            members.push(*c);
        }
    }
    let wanted = if negated {
        b"ax1 /=".iter().find(|byte| !members.contains(byte)).copied()
    } else {
        members.first().copied()
    };
    (wanted.unwrap_or(b'~'), at + 1)
}

/// Buffers made to stall a rule. The second are the rule's expressions.
fn hostile(rule: &Rule, expressions: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let literals: Vec<&[u8]> = rule
        .buffers
        .iter()
        .flat_map(|test| test.steps.iter().filter_map(|step| step.literal()))
        .map(|literal| literal.bytes.as_slice())
        .collect();
    let joined = literals.concat();
    let mut units: Vec<Vec<u8>> = literals.iter().take(4).map(|bytes| bytes.to_vec()).collect();
    units.extend(literals.iter().take(2).map(|bytes| bytes[..1].to_vec()));
    units.push(joined.clone());
    units.push(joined[..joined.len().saturating_sub(1)].to_vec());
    let mut heads = vec![Vec::new()];
    let mut pieces = Vec::new();
    for sample in expressions.iter().map(|expression| Sample::of(expression)) {
        let (text, half) = (&sample.text, sample.text.len() / 2);
        units.push(text.clone());
        units.push(text[..text.len().saturating_sub(1)].to_vec());
        units.push(text[..half].to_vec());
        units.push(text[half..].to_vec());
        heads.push([joined.as_slice(), &text[..half]].concat());
        heads.push([joined.as_slice(), &text[..text.len().saturating_sub(1)]].concat());
        pieces.extend(sample.pieces.into_iter().take(10));
    }
    if !expressions.is_empty() {
        heads.push(joined);
        pieces.extend([b"a".to_vec(), b" ".to_vec(), b"\n".to_vec(), b"a1".to_vec()]);
    }
    let mut buffers = Vec::new();
    let mut add = |head: &[u8], unit: &[u8], size: usize| {
        let rest = unit.iter().cycle().copied();
        buffers.push(head.iter().copied().chain(rest).take(size).collect::<Vec<u8>>());
    };
    for unit in &units {
        add(&[], unit, SIZE);
    }
    for piece in &pieces {
        for head in &heads {
            add(head, piece, SIZE);
        }
        add(&[], piece, SHORT);
    }
    buffers.sort();
    buffers.dedup();
    buffers
}

/// All that a rule does with a buffer, in each of its chains.
fn evaluate(rule: &Rule, buffer: &[u8], scratch: &mut Scratch) {
    scratch.begin();
    for test in &rule.buffers {
        for transform in &test.transforms {
            (transform.apply)(buffer, &mut Vec::new());
        }
        // What a transform makes of a buffer can be as hostile as the buffer.
        matches(&test.steps, buffer, scratch);
    }
}

/// What a buffer costs, and whether the rule was given up.
fn cost(rule: &Rule, buffer: &[u8]) -> (Duration, bool) {
    let mut scratch = Scratch::default();
    let start = Instant::now();
    evaluate(rule, buffer, &mut scratch);
    let mut took = start.elapsed();
    for _ in 1..TRIES {
        if took < LIMIT / 4 {
            break;
        }
        let start = spent().unwrap();
        evaluate(rule, buffer, &mut scratch);
        took = took.min(spent().unwrap() - start);
    }
    (took, scratch.exhausted > 0)
}

/// What stands between the slashes of a `pcre`.
fn expression(value: &str) -> Option<Vec<u8>> {
    let (head, _) = value.rsplit_once('/')?;
    let (_, expression) = head.split_once('/')?;
    Some(expression.as_bytes().to_vec())
}

/// What a rule cost on a packet, its `sid`, whether it was given up, and how the packet begins.
type Cost = (Duration, u32, bool, Vec<u8>);

/// Tries the rules of the large set; returns how many, over how many packets, and the slowest.
fn try_all(all: bool) -> Option<(usize, usize, Vec<Cost>)> {
    let corpus = std::env::var("RIVELLINO_CORPUS").ok().map(PathBuf::from)?;
    let path = corpus.join("../rules/et-open.rules");
    let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
    let file = RuleFile::new("et-open.rules", text.as_str());
    let mut expressions = std::collections::HashMap::new();
    for parsed in &file.rules().rules {
        let of = parsed.options.iter().filter(|option| option.name.text == "pcre");
        let of = of.filter_map(|option| expression(option.value?.text));
        expressions.insert(parsed.origin.line, of.collect::<Vec<_>>());
    }
    let (rules, _, _) = load(&[("et-open.rules".into(), text)], &mut Variables::default());
    let mut seen = [0; 3];
    let (mut tried, mut packets) = (0, 0);
    let mut slowest = Vec::new();
    for rule in rules.rules().filter(|rule| !rule.buffers.is_empty()) {
        let own = expressions.get(&rule.origin.line).map_or(&[][..], Vec::as_slice);
        let looks = |text: &[u8]| {
            let around = text.windows(3).any(|w| matches!(w, b"(?=" | b"(?!" | b"(?<" | b"(?>"));
            around || text.windows(2).any(|w| matches!(w, [b'\\', b'1'..=b'9']))
        };
        let class =
            if own.is_empty() { 2 } else { usize::from(!own.iter().any(|text| looks(text))) };
        seen[class] += 1;
        if !all && seen[class] % SAMPLED[class] != 0 {
            continue;
        }
        tried += 1;
        for buffer in hostile(rule, own) {
            packets += 1;
            let (took, given_up) = cost(rule, &buffer);
            let start = buffer[..buffer.len().min(200)].to_vec();
            slowest.push((took, rule.signature.sid, given_up, start));
        }
        slowest.sort_by(|a, b| b.cmp(a));
        slowest.truncate(40);
    }
    Some((tried, packets, slowest))
}

#[test]
fn no_rule_of_a_large_set_makes_a_packet_cost_much() {
    if spent().is_none() {
        println!("skipped: no processor time of a thread here");
        return;
    }
    let all = std::env::var("RIVELLINO_ALL").is_ok_and(|value| value == "1");
    let Some((tried, packets, slowest)) = try_all(all) else {
        println!("skipped: RIVELLINO_CORPUS/../rules/et-open.rules is not there");
        return;
    };
    println!("{tried} rules over {packets} packets; the slowest:");
    for (took, sid, given_up, start) in slowest.iter().take(10) {
        println!(
            "{took:?} sid {sid}, given up: {given_up}, {}",
            start[..start.len().min(60)].escape_ascii()
        );
    }
    assert!(tried > 300, "{tried} rules");
    let slow: Vec<_> = slowest.iter().filter(|(took, ..)| *took > LIMIT).collect();
    assert!(slow.is_empty(), "{slow:?}");
}

/// What is cut is counted, and told in the end.
#[test]
fn a_rule_that_is_given_up_is_counted() {
    let text = "alert udp any any -> any any (content:\"a\"; pcre:\"/(?=a)(?:a|aa)+(?!a)b/\"; sid:1;)\n\
                alert udp any any -> any any (content:\"aaaa\"; pcre:\"/(?<=a)a{3}/\"; sid:2;)\n";
    let engine = Engine { ruleset: Some(rules(text)), ..Engine::default() };
    let mut bytes = vec![b'a'; 60_000];
    bytes.push(b'b');
    let frame = datagram(Direction::ToServer, (40_000, 9), &bytes);
    let (eve, report) = engine.run(Box::new(Frames::in_order(LINK_RAW, vec![frame])));
    assert_eq!(report.stats.chains_given_up, 1);
    assert_eq!(report.stats.alerts, 1);
    assert!(String::from_utf8_lossy(&eve).contains("\"signature_id\":2"));
}
