//! `dcerpc.iface`, `dcerpc.opnum`: which procedure of which interface is called.

use crate::detect::buffer::{Check, Scope, Step};
use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::{NumberTest, Which};
use crate::detect::syntax::{integer, items, required};

const IFACE_SYNTAX: &str = "dcerpc.iface:UUID[,[<|>|=|!]VERSION][,any_frag];";
const OPNUM_SYNTAX: &str = "dcerpc.opnum:NUMBER|FIRST-LAST[,...];";

/// Ranges and numbers in one `dcerpc.opnum`.
const OPERATIONS_MAX: usize = 256;

/// See [`Operator`].
pub static DCERPC_IFACE: Operator = Operator {
    name: "dcerpc.iface",
    aliases: &["dce_iface"],
    help: "The call is of this interface, one that the server accepted; its major version may be \
           tested too. With `any_frag` it need not have been bound in a first fragment.",
    syntax: IFACE_SYNTAX,
    examples: &[
        Example {
            rule: "dcerpc.iface:367abb81-9844-35f1-ad32-98f038001003;",
            payload: b"x",
            alerts: false,
        },
        Example {
            rule: "dcerpc.iface:367abb81-9844-35f1-ad32-98f038001003,<3,any_frag;",
            payload: b"x",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let text = required(argument, IFACE_SYNTAX)?;
        let mut parts = items(text);
        let (_, identifier) = parts.next().unwrap_or((0..0, ""));
        let uuid = uuid(identifier)
            .ok_or_else(|| wrong("a UUID is 32 hexadecimal digits", text, identifier))?;
        let mut interface = Interface { uuid, version: None, any_fragment: false };
        for (_, part) in parts {
            if part == "any_frag" && !interface.any_fragment {
                interface.any_fragment = true;
            } else if interface.version.is_none() && !interface.any_fragment {
                interface.version = Some(IntegerTest::parse(part, 16, &[])?);
            } else {
                return Err(wrong("only a version and `any_frag` may follow", text, part));
            }
        }
        let before = builder.sticky;
        builder.select(Some("dcerpc.interface"));
        let pushed = builder.push(Step::Check(Box::new(interface)));
        builder.select_buffer(before);
        pushed
    },
};

/// See [`Operator`].
pub static DCERPC_OPNUM: Operator = Operator {
    name: "dcerpc.opnum",
    aliases: &["dce_opnum"],
    help: "The number of the operation that is called: one of these, ends of ranges included.",
    syntax: OPNUM_SYNTAX,
    examples: &[
        Example { rule: "dcerpc.opnum:15;", payload: b"x", alerts: false },
        Example { rule: "dcerpc.opnum:1,15-20,!3;", payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        let text = required(argument, OPNUM_SYNTAX)?;
        let mut tests = Vec::new();
        for (_, part) in items(text) {
            tests.push(operation(part)?);
        }
        if tests.len() > OPERATIONS_MAX {
            let message = format!("more than {OPERATIONS_MAX} operations");
            return Err(Problem::whole("R230", message));
        }
        let mut tests = tests.into_iter();
        if let Some(test) = tests.next() {
            let field = "dcerpc.operation";
            builder.rule.numbers.push(NumberTest {
                field,
                test,
                others: tests.collect(),
                which: Which::Any,
            });
        }
        Ok(())
    },
};

fn wrong(message: &str, text: &str, part: &str) -> Problem {
    Problem::whole("R230", message).at(text, part).hint(IFACE_SYNTAX)
}

fn operation(part: &str) -> Result<IntegerTest, Problem> {
    let Some((first, last)) = part.split_once('-') else {
        return IntegerTest::parse(part, 16, &[]);
    };
    let (first, last) = (integer(first, 16)?, integer(last, 16)?);
    if last < first {
        return Err(wrong("the range is backwards", part, part));
    }
    Ok(match first.checked_sub(1) {
        Some(before) => IntegerTest::Between(before, last.saturating_add(1)),
        None => IntegerTest::LessEqual(last),
    })
}

/// The bytes of a UUID, with dashes or without.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    let value = u128::from_str_radix(&digits, 16).ok()?;
    (digits.len() == 32).then_some(value.to_be_bytes())
}

/// A test of one interface, as the row `dcerpc.interface` shows it.
struct Interface {
    uuid: [u8; 16],
    version: Option<IntegerTest>,
    any_fragment: bool,
}

impl Check for Interface {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let (uuid, rest) = scope.buffer.split_first_chunk::<16>()?;
        let ([high, low], rest) = rest.split_first_chunk::<2>()?;
        let version = u64::from(u16::from_be_bytes([*high, *low]));
        let fits = *uuid == self.uuid
            && self.version.is_none_or(|test| test.matches(version))
            && (self.any_fragment || rest.first() == Some(&1));
        fits.then_some(cursor)
    }

    fn relative(&self) -> bool {
        false
    }

    fn follows_cursor(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_ends_and_uuids_their_digits() {
        let holds = |text: &str, number| operation(text).is_ok_and(|test| test.matches(number));
        assert!(holds("15-17", 15) && holds("15-17", 17) && holds("0-2", 0) && holds("7", 7));
        assert!(!holds("15-17", 18) && !holds("0-2", 3));
        assert!(operation("3-2").is_err() && operation("x").is_err());
        assert!(uuid("367abb81-9844-35f1-ad32-98f038001003").is_some());
        assert_eq!(uuid("367abb81"), None);
        assert_eq!(uuid("+67abb81-9844-35f1-ad32-98f038001003x"), None);
    }
}
