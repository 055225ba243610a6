//! `modbus`: functions, devices, addresses and values of Modbus in words, as older rules write
//! them. Everything becomes tests on the rows of the protocol.

use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::{NumberTest, Which};
use crate::detect::syntax::{items, required};
use crate::protocols::modbus::codes::{access, category};

const SYNTAX: &str = "modbus:[unit <range>][, function <number>[, subfunction <number>] | \
                      function [!]<category> | access <read|write> [<table>[, address <range>\
                      [, value <range>]]]]";

/// See [`Operator`].
pub static MODBUS: Operator = Operator {
    name: "modbus",
    aliases: &[],
    help: "A request to an industrial controller: of a device, with a function, or that reads or \
           writes a table, where and what. Addresses are counted from 1; the ends of ranges, \
           written `1<>9`, do not belong to them.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: "modbus:function 8, subfunction 4;", payload: b"x", alerts: false },
        Example { rule: "modbus:function !reserved;", payload: b"x", alerts: false },
        Example {
            rule: "modbus:unit >9, access write holding, address 500, value >200;",
            payload: b"x",
            alerts: false,
        },
        Example { rule: "modbus:access read coils, address 1<>9;", payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?.trim();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        compile(text, builder).map_err(|problem| problem.hint(format!("write `{SYNTAX}`")))
    },
};

fn compile(text: &str, builder: &mut Builder) -> Result<(), Problem> {
    let wrong = |part: &str, why: &str| {
        Err(Problem::whole("R173", format!("`{part}` {why}")).at(text, part))
    };
    let mut parts = items(text).map(|(_, part)| part).peekable();
    let mut unit = false;
    if let Some(range) = parts.next_if(|part| part.starts_with("unit")) {
        let Some(range) = argument(range, "unit").and_then(Span::read) else {
            return wrong(range, "names no device");
        };
        push(builder, "modbus.unit_id", range.test(0));
        unit = true;
    }
    match parts.next() {
        None if unit => {}
        Some(part) if part.starts_with("function") => {
            let Some(name) = argument(part, "function").filter(|name| function(name, builder))
            else {
                return wrong(part, "is no function code and no category");
            };
            let numbered = name.parse::<u8>().is_ok();
            if let Some(part) = parts.next_if(|_| numbered) {
                let number = argument(part, "subfunction").and_then(|text| text.parse().ok());
                let Some(number) = number.filter(|number| *number <= u64::from(u16::MAX)) else {
                    return wrong(part, "is no subfunction");
                };
                push(builder, "modbus.subfunction", IntegerTest::Equal(number));
            }
        }
        Some(part) if part.starts_with("access") => {
            let Some(does) = argument(part, "access").and_then(Does::read) else {
                return wrong(part, "is no access: discretes and input can only be read");
            };
            does.push(builder);
            if let Some(part) = parts.next_if(|_| does.table != 0) {
                let Some(range) = argument(part, "address").and_then(Span::read) else {
                    return wrong(part, "is no address");
                };
                match (parts.next(), range) {
                    (None, range) => addresses(range, builder),
                    (Some(part), Span::One(address)) => {
                        let Some(value) = argument(part, "value").and_then(Span::read) else {
                            return wrong(part, "is no value");
                        };
                        addresses(range, builder);
                        // Rows of pairs carry the address above the value.
                        push(builder, "modbus.written", value.test(u64::from(address) << 16));
                    }
                    (Some(part), _) => return wrong(part, "needs one address before it"),
                }
            }
        }
        Some(part) => return wrong(part, "is neither unit, function nor access"),
        None => return wrong(text, "asks nothing"),
    }
    match parts.next() {
        Some(part) => wrong(part, "is too much here"),
        None => Ok(()),
    }
}

/// What stands behind a word.
fn argument<'a>(part: &'a str, word: &str) -> Option<&'a str> {
    part.strip_prefix(word).map(str::trim).filter(|rest| !rest.is_empty())
}

fn push(builder: &mut Builder, field: &'static str, test: IntegerTest) {
    builder.rule.numbers.push(NumberTest { field, test, others: Vec::new(), which: Which::Any });
}

/// A function by its number or its category; false when it is neither.
fn function(name: &str, builder: &mut Builder) -> bool {
    if let Ok(code) = name.parse::<u8>() {
        push(builder, "modbus.function", IntegerTest::Equal(u64::from(code)));
        return code != 0;
    }
    let public = category::ASSIGNED | category::UNASSIGNED;
    let all = public | category::USER | category::RESERVED;
    let (bits, not) = match name.strip_prefix('!') {
        Some(name) => (name.trim_start(), true),
        None => (name, false),
    };
    let bits = match bits {
        "assigned" => category::ASSIGNED,
        "unassigned" => category::UNASSIGNED,
        "public" => public,
        "user" => category::USER,
        "reserved" => category::RESERVED,
        "all" => all,
        _ => return false,
    };
    let bits = if not { all & !bits } else { bits };
    push(builder, "modbus.category", some_of(bits));
    true
}

/// At least one of these bits is set.
fn some_of(bits: u8) -> IntegerTest {
    IntegerTest::Mask(u64::from(bits), 0, false)
}

/// Reads or writes which table: bits of [`access`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Does {
    way: u8,
    table: u8,
}

impl Does {
    fn read(text: &str) -> Option<Self> {
        let (way, table) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let way = match way {
            "read" => access::READ,
            "write" => access::WRITE,
            _ => return None,
        };
        let table = match table.trim_start() {
            "" => 0,
            "coils" => access::COILS,
            "holding" => access::HOLDING,
            "discretes" if way == access::READ => access::DISCRETES,
            "input" if way == access::READ => access::INPUT,
            _ => return None,
        };
        Some(Self { way, table })
    }

    fn push(self, builder: &mut Builder) {
        push(builder, "modbus.access", some_of(self.way));
        if self.table != 0 {
            push(builder, "modbus.access", some_of(self.table));
        }
    }
}

/// Which numbers are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    One(u16),
    Below(u16),
    Above(u16),
    /// Both ends are left out.
    Between(u16, u16),
}

impl Span {
    fn read(text: &str) -> Option<Self> {
        if let Some((low, high)) = text.split_once("<>") {
            // The ends of all numbers leave nothing out, as the reference engine has it.
            return match (low.trim().parse().ok()?, high.trim().parse().ok()?) {
                (low, high) if low == high => Some(Self::One(low)),
                (u16::MIN, high) => Some(Self::Below(high)),
                (low, u16::MAX) => Some(Self::Above(low)),
                (low, high) => Some(Self::Between(low, high)),
            };
        }
        if let Some(number) = text.strip_prefix('<') {
            return number.parse().ok().map(Self::Below);
        }
        if let Some(number) = text.strip_prefix('>') {
            return number.parse().ok().map(Self::Above);
        }
        text.parse().ok().map(Self::One)
    }

    /// The test of a 16 bit number that stands on top of `base`.
    fn test(self, base: u64) -> IntegerTest {
        let at = |number: u16| base + u64::from(number);
        match self {
            Self::One(number) => IntegerTest::Equal(at(number)),
            // Nothing is below the base when it is 0.
            Self::Below(number) => match base.checked_sub(1) {
                Some(before) => IntegerTest::Between(before, at(number)),
                None => IntegerTest::Less(at(number)),
            },
            Self::Above(number) => IntegerTest::Between(at(number), base + (1 << 16)),
            Self::Between(low, high) => IntegerTest::Between(at(low), at(high)),
        }
    }
}

/// Some of the addresses from the first to the last one of a request are within the range.
fn addresses(range: Span, builder: &mut Builder) {
    let (first, last) = ("modbus.first_address", "modbus.last_address");
    match range {
        Span::One(address) => {
            push(builder, first, IntegerTest::LessEqual(u64::from(address)));
            push(builder, last, IntegerTest::GreaterEqual(u64::from(address)));
        }
        Span::Below(high) => push(builder, first, IntegerTest::Less(u64::from(high))),
        Span::Above(low) => push(builder, last, IntegerTest::Greater(u64::from(low))),
        Span::Between(low, high) => {
            push(builder, first, IntegerTest::Less(u64::from(high)));
            push(builder, last, IntegerTest::Greater(u64::from(low)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use crate::detect::operators::tests::rule;
    use crate::field::{Readable, Value};
    use crate::net::Direction;
    use crate::protocols::modbus::{Message, Transaction};

    /// Whether a rule's numbers all hold for a request.
    fn holds(options: &str, frame: &[u8]) -> bool {
        let request = Message::parse(Direction::ToServer, frame);
        let request = Transaction { request, ..Transaction::default() };
        let rows = crate::field::rows::<Transaction>();
        rule(options).unwrap().numbers.iter().all(|number| {
            let row = rows.iter().position(|row| row.name == number.field).unwrap();
            let mut holds = false;
            request.read(row, &mut |value| {
                holds |= matches!(value, Value::Int(found) if number.matches(found));
            });
            holds
        })
    }

    /// Reads 2 coils from address 1, unit 10.
    const READ: &[u8] = b"\0\x01\0\0\0\x06\x0a\x01\0\0\0\x02";
    /// Writes 0x102 and 0x103 to the holding registers 500 and 501.
    const WRITE: &[u8] = b"\0\x01\0\0\0\x0b\x0a\x10\x01\xf3\0\x02\x04\x01\x02\x01\x03";
    /// Sets coil 7.
    const COIL: &[u8] = b"\0\x01\0\0\0\x06\x0a\x05\0\x06\xff\0";
    /// Forces a device to listen only.
    const LISTEN: &[u8] = b"\0\x01\0\0\0\x06\x0a\x08\0\x04\0\0";

    #[test]
    fn words_ask_what_they_say() {
        for (options, frame, wanted) in [
            ("modbus:function 1;", READ, true),
            ("modbus:function 2;", READ, false),
            ("modbus:function assigned;", READ, true),
            ("modbus:function !public;", READ, false),
            ("modbus:function !reserved;", READ, true),
            ("modbus:function !all;", READ, false),
            ("modbus:function 8, subfunction 4;", LISTEN, true),
            ("modbus:function 8, subfunction 5;", LISTEN, false),
            ("modbus:unit 10;", READ, true),
            ("modbus:unit >10;", READ, false),
            ("modbus:unit 9<>11, function 1;", READ, true),
            ("modbus:access write;", READ, false),
            ("modbus:access read coils;", READ, true),
            ("modbus:access read holding;", READ, false),
            ("modbus:unit >9, access read coils, address 0<>2;", READ, true),
            ("modbus:access read coils, address 2;", READ, true),
            ("modbus:access read coils, address 3;", READ, false),
            ("modbus:access read coils, address >1;", READ, true),
            ("modbus:access read coils, address >2;", READ, false),
            ("modbus:access read coils, address <1;", READ, false),
            ("modbus:access write holding, address 500, value >200;", WRITE, true),
            ("modbus:access write holding, address 501, value 259;", WRITE, true),
            ("modbus:access write holding, address 500, value 259;", WRITE, false),
            ("modbus:access write holding, address 500, value <258;", WRITE, false),
            ("modbus:access write holding, address 501, value 258<>260;", WRITE, true),
            ("modbus:access write coils, address 7, value 1;", COIL, true),
            ("modbus:access write coils, address 7, value 0;", COIL, false),
            ("modbus:access write coils, address 8, value 1;", COIL, false),
        ] {
            assert_eq!(holds(options, frame), wanted, "{options}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for options in [
            "modbus:;",
            "modbus:function 0;",
            "modbus:function 256;",
            "modbus:function good;",
            "modbus:access write input;",
            "modbus:access read, address 1;",
            "modbus:access write holding, address >5, value 3;",
            "modbus:access write holding, address 65536;",
            "modbus:unit;",
            "modbus:unit 1, unit 2;",
            "modbus:function 8, subfunction 4, subfunction 5;",
        ] {
            assert!(rule(options).is_err(), "{options}");
        }
    }
}
