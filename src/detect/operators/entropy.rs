//! `entropy`: how evenly the bytes of a buffer are spread.

use super::extraction::split;
use crate::detect::buffer::{Check, Scope, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::{integer, items, required};

const SYNTAX: &str = "entropy:[bytes N,][offset N,]value [<|<=|>|>=|=|!=]NUMBER | LOW-HIGH;";

/// See [`Operator`].
pub static ENTROPY: Operator = Operator {
    name: "entropy",
    aliases: &[],
    help: "Shannon's entropy of the buffer, or of a part of it, in bits a byte: 0 for one byte \
           repeated, 8 for all bytes alike often.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: "content:\"a\"; entropy:value <= 1;", payload: b"aabb", alerts: true },
        Example { rule: "content:\"a\"; entropy:value > 1;", payload: b"aabb", alerts: false },
        Example {
            rule: "content:\"a\"; entropy:bytes 2, offset 2, value < 0.5;",
            payload: b"abcc",
            alerts: true,
        },
    ],
    compile,
};

/// How an entropy is compared.
#[derive(Clone, Copy, Debug)]
enum Compare {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    /// Between the value and this one.
    Between(f64),
}

/// Values that differ by less are the same.
const SAME: f64 = 1e-6;

#[derive(Debug)]
struct Entropy {
    /// Bytes looked at; 0 for all.
    bytes: usize,
    offset: usize,
    compare: Compare,
    value: f64,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let text = required(argument, SYNTAX)?;
    let mut entropy = Entropy { bytes: 0, offset: 0, compare: Compare::Equal, value: -1.0 };
    for (span, item) in items(text) {
        let wrong = || {
            Problem::spanned("R184", span.clone(), format!("`{item}` means nothing here"))
                .hint(format!("write `{SYNTAX}`"))
        };
        let number =
            |text| integer(text, 32).ok().and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong);
        match split(item) {
            ("bytes", value) => entropy.bytes = number(value)?,
            ("offset", value) => entropy.offset = number(value)?,
            ("value", value) => {
                (entropy.compare, entropy.value) = comparison(value).ok_or_else(wrong)?;
            }
            _ => return Err(wrong()),
        }
    }
    if entropy.value < 0.0 {
        return Err(Problem::whole("R184", "`value` is missing").hint(format!("write `{SYNTAX}`")));
    }
    builder.push(Step::Check(Box::new(entropy)))
}

fn comparison(text: &str) -> Option<(Compare, f64)> {
    let signs = [
        ("<=", Compare::LessEqual),
        (">=", Compare::GreaterEqual),
        ("!=", Compare::NotEqual),
        ("<", Compare::Less),
        (">", Compare::Greater),
        ("=", Compare::Equal),
        ("!", Compare::NotEqual),
    ];
    let sound = |text: &str| text.trim().parse::<f64>().ok().filter(|v| (0.0..=8.0).contains(v));
    if let Some((low, high)) = text.split_once('-') {
        return Some((Compare::Between(sound(high)?), sound(low)?));
    }
    let found = signs.iter().find_map(|(sign, compare)| Some((*compare, text.strip_prefix(sign)?)));
    let (compare, number) = found.unwrap_or((Compare::Equal, text));
    Some((compare, sound(number)?))
}

/// Shannon's entropy in bits a byte; 0 of nothing.
fn shannon(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = bytes.len() as f64;
    let share = |count: u32| {
        let share = f64::from(count) / total;
        -share * share.log2()
    };
    counts.into_iter().filter(|count| *count > 0).map(share).sum()
}

impl Check for Entropy {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let rest = scope.buffer.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let part = match self.bytes {
            0 => rest,
            count => rest.get(..count)?,
        };
        scope.spend(part.len());
        let found = shannon(part);
        let same = (found - self.value).abs() < SAME;
        let holds = match self.compare {
            Compare::Less => found < self.value && !same,
            Compare::LessEqual => found < self.value || same,
            Compare::Greater => found > self.value && !same,
            Compare::GreaterEqual => found > self.value || same,
            Compare::Equal => same,
            Compare::NotEqual => !same,
            Compare::Between(high) => found > self.value && found < high,
        };
        holds.then_some(cursor)
    }

    fn relative(&self) -> bool {
        false
    }

    fn follows_cursor(&self) -> bool {
        false
    }
}
