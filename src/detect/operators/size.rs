//! Sizes: `bsize` of the current buffer, `dsize` of the packet's payload, `urilen` of the URI.

use crate::detect::buffer::Step;
use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::{PacketTest, PacketView, Transform};
use crate::detect::syntax::required;

/// See [`Operator`].
pub static BSIZE: Operator = Operator {
    name: "bsize",
    aliases: &[],
    help: "The size of the current buffer in bytes.",
    syntax: "bsize:[<|<=|>|>=|=]<bytes>|<low><><high>",
    examples: &[
        Example { rule: "content:\"abc\"; bsize:3;", payload: b"abc", alerts: true },
        Example { rule: "content:\"abc\"; bsize:3;", payload: b"abcd", alerts: false },
        Example { rule: "content:\"abc\"; bsize:3<>5;", payload: b"abcd", alerts: true },
    ],
    compile: |argument, builder| {
        let test = test(argument, "bsize:<bytes>", 64)?;
        possible(test, builder)?;
        builder.push(Step::Size(test))
    },
};

/// See [`Operator`].
pub static DSIZE: Operator = Operator {
    name: "dsize",
    aliases: &[],
    help: "The size of the packet's own payload in bytes. The rule then looks at packets, not at \
           streams.",
    syntax: "dsize:[<|<=|>|>=|!]<bytes>|<low><><high>",
    examples: &[
        Example { rule: "dsize:3;", payload: b"abc", alerts: true },
        Example { rule: "dsize:>3;", payload: b"abc", alerts: false },
        Example { rule: "dsize:!4;", payload: b"abc", alerts: true },
    ],
    compile: |argument, builder| {
        let test = test(argument, "dsize:<bytes>", 16)?;
        builder.rule.packets.push(Box::new(PayloadSize(test)));
        builder.rule.packet_only = true;
        Ok(())
    },
};

/// See [`Operator`].
pub static URILEN: Operator = Operator {
    name: "urilen",
    aliases: &[],
    help: "The size of the HTTP URI in bytes, normalised or raw.",
    syntax: "urilen:[<|<=|>|>=]<bytes>|<low><><high>[,norm|raw]",
    examples: &[
        Example {
            rule: "urilen:4;",
            payload: b"GET /abc HTTP/1.1\r\nHost: a\r\n\r\n",
            alerts: true,
        },
        Example {
            rule: "urilen:<4,raw;",
            payload: b"GET /abc HTTP/1.1\r\nHost: a\r\n\r\n",
            alerts: false,
        },
    ],
    compile: urilen,
};

struct PayloadSize(IntegerTest);

impl PacketTest for PayloadSize {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        // Of a packet that the capture cut it is the size on the wire.
        let size = packet.payload.len().saturating_add(packet.headers.cut as usize);
        self.0.matches(u64::try_from(size).unwrap_or(u64::MAX))
    }

    fn longest(&self) -> Option<usize> {
        let longest = match self.0 {
            IntegerTest::Equal(size) | IntegerTest::LessEqual(size) => size,
            IntegerTest::Less(size) | IntegerTest::Between(_, size) => size.saturating_sub(1),
            _ => return None,
        };
        usize::try_from(longest).ok()
    }
}

fn urilen(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = required(argument, "urilen:<bytes>")?;
    let (size, kind) = argument.split_once(',').unwrap_or((argument, "norm"));
    let field = match kind.trim() {
        "norm" => "http.uri",
        "raw" => "http.uri.raw",
        other => {
            let message = format!("`{other}` is neither `norm` nor `raw`");
            return Err(Problem::whole("R160", message).at(argument, kind));
        }
    };
    let test = test(Some(size), "urilen:<bytes>", 16)?;
    let before: (_, Vec<Transform>) = (builder.sticky, std::mem::take(&mut builder.transforms));
    let (open, moved) = (builder.open, builder.moved);
    builder.select(Some(field));
    let pushed = builder.push(Step::Size(test));
    (builder.sticky, builder.transforms) = before;
    (builder.open, builder.moved) = (open, moved);
    pushed
}

fn test(argument: Option<&str>, syntax: &str, bits: u8) -> Result<IntegerTest, Problem> {
    let argument = required(argument, syntax)?;
    let text = argument.trim();
    let shift = argument.len() - argument.trim_start().len();
    // `=5` is an old way to write `5`.
    let test = IntegerTest::parse(text.strip_prefix('=').map_or(text, str::trim), bits, &[]);
    test.map_err(|problem| problem.shifted(shift))
}

/// A buffer of the size must have room for the contents before.
fn possible(test: IntegerTest, builder: &mut Builder) -> Result<(), Problem> {
    let most = match test {
        IntegerTest::Equal(size) | IntegerTest::LessEqual(size) => size,
        IntegerTest::Less(size) | IntegerTest::Between(_, size) => size.saturating_sub(1),
        _ => return Ok(()),
    };
    let Some(steps) = builder.open.and_then(|place| builder.steps(place)) else { return Ok(()) };
    for literal in steps.iter().filter_map(Step::literal) {
        let length = literal.bytes.len();
        if u64::try_from(length).is_ok_and(|length| length > most) {
            let message = format!("a content of {length} bytes cannot be in a buffer of {most}");
            return Err(Problem::whole("R161", message));
        }
    }
    Ok(())
}
