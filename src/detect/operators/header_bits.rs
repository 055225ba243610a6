//! `flags`, `fragbits`, `ipopts`, `sameip`: bits of packet headers.

use crate::decode::{Transport, tcp_flags as tcp};
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::{PacketTest, PacketView};
use crate::detect::syntax::{bare, required};

const FLAGS_SYNTAX: &str = "tcp.flags:[+|*|!]FLAGS[,IGNORED];";
const FRAGBITS_SYNTAX: &str = "fragbits:[+|*|!]BITS;";

/// How bits are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    /// These and no others.
    Exactly,
    /// `+`: all of these, and perhaps others.
    All,
    /// `*`: one of these at least.
    Any,
    /// `!`: not all of these.
    NotAll,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bits {
    compare: Compare,
    wanted: u8,
    /// Bits that are looked at.
    looked: u8,
}

impl Bits {
    fn holds(self, bits: u8) -> bool {
        let bits = bits & self.looked;
        match self.compare {
            Compare::Exactly => bits == self.wanted,
            Compare::All => bits & self.wanted == self.wanted,
            Compare::Any => bits & self.wanted != 0,
            // `!0` is any bit at all.
            Compare::NotAll if self.wanted == 0 => bits != 0,
            Compare::NotAll => bits & self.wanted != self.wanted,
        }
    }
}

struct TcpFlags(Bits);

impl PacketTest for TcpFlags {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        matches!(&packet.headers.transport, Transport::Tcp(tcp) if self.0.holds(tcp.flags))
    }
}

struct FragmentBits(Bits);

impl PacketTest for FragmentBits {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        packet.headers.ip.is_some_and(|ip| ip.version == 4 && self.0.holds(ip.flags))
    }
}

struct IpOptions(u32);

impl PacketTest for IpOptions {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        packet.headers.ip.is_some_and(|ip| ip.version == 4 && ip.options & self.0 != 0)
    }
}

struct SameAddress;

impl PacketTest for SameAddress {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        packet.headers.ip.is_some_and(|ip| ip.source == ip.destination)
    }
}

static TCP_LETTERS: &[(u8, u8)] = &[
    (b'F', tcp::FIN),
    (b'S', tcp::SYN),
    (b'R', tcp::RST),
    (b'P', tcp::PSH),
    (b'A', tcp::ACK),
    (b'U', tcp::URG),
    (b'E', tcp::ECE),
    (b'C', tcp::CWR),
    // The two bits were reserved before they had names.
    (b'1', tcp::CWR),
    (b'2', tcp::ECE),
    (b'0', 0),
];

static FRAGMENT_LETTERS: &[(u8, u8)] = &[(b'M', 1), (b'D', 2), (b'R', 4)];

/// Reads letters and one modifier, which may stand before or after them.
fn letters(text: &str, known: &[(u8, u8)], syntax: &str) -> Result<(Compare, u8), Problem> {
    let (mut compare, mut bits) = (None, None);
    for (at, byte) in text.bytes().enumerate() {
        let modifier = match byte {
            b'+' => Some(Compare::All),
            b'*' => Some(Compare::Any),
            b'!' => Some(Compare::NotAll),
            _ => None,
        };
        let place = at..at + 1;
        if let Some(modifier) = modifier {
            if compare.replace(modifier).is_some() {
                return Err(Problem::spanned("R220", place, "only one of `+`, `*`, `!`")
                    .hint(format!("write `{syntax}`")));
            }
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        let letter = byte.to_ascii_uppercase();
        let Some((_, bit)) = known.iter().find(|(name, _)| *name == letter) else {
            let message = format!("`{}` names no bit", char::from(byte));
            return Err(Problem::spanned("R220", place, message).hint(format!("write `{syntax}`")));
        };
        bits = Some(bits.unwrap_or(0) | bit);
    }
    match bits {
        Some(bits) => Ok((compare.unwrap_or(Compare::Exactly), bits)),
        None => Err(Problem::spanned("R220", 0..text.len(), "no bit is named")
            .hint(format!("write `{syntax}`"))),
    }
}

/// `tcp.flags`.
pub static TCP_FLAGS: Operator = Operator {
    name: "tcp.flags",
    aliases: &["flags"],
    help: "TCP flags F S R P A U E C (1 and 2 are C and E, 0 is none): exactly these; `+` these \
           and perhaps others, `*` any of these, `!` not all of these. Flags behind a comma are \
           not looked at.",
    syntax: FLAGS_SYNTAX,
    examples: &[
        Example { rule: r#"content:"x"; tcp.flags:S;"#, payload: b"x", alerts: false },
        Example { rule: r#"content:"x"; flags:RF*,12;"#, payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        let text = required(argument, FLAGS_SYNTAX)?;
        let (flags, ignored) = text.split_once(',').unwrap_or((text, ""));
        let (compare, wanted) = letters(flags, TCP_LETTERS, FLAGS_SYNTAX)?;
        let looked = match ignored {
            "" => u8::MAX,
            // A `!` before what is ignored is read by the reference engine and means nothing.
            some => {
                let shift = flags.len() + 1;
                let some = letters(some, TCP_LETTERS, FLAGS_SYNTAX);
                !some.map_err(|problem| problem.shifted(shift))?.1
            }
        };
        builder.rule.packets.push(Box::new(TcpFlags(Bits { compare, wanted, looked })));
        Ok(())
    },
};

/// `fragbits`.
pub static FRAGBITS: Operator = Operator {
    name: "fragbits",
    aliases: &[],
    help: "Flags of the IPv4 header: M more fragments, D don't fragment, R reserved; modifiers as \
           for `tcp.flags`.",
    syntax: FRAGBITS_SYNTAX,
    examples: &[Example { rule: r#"content:"x"; fragbits:M+;"#, payload: b"x", alerts: false }],
    compile: |argument, builder| {
        let text = required(argument, FRAGBITS_SYNTAX)?;
        let (compare, wanted) = letters(text, FRAGMENT_LETTERS, FRAGBITS_SYNTAX)?;
        builder.rule.packets.push(Box::new(FragmentBits(Bits { compare, wanted, looked: 7 })));
        Ok(())
    },
};

/// Names of IPv4 options by their number, the low five bits of the type (IANA registry).
static OPTIONS: &[(&str, u32)] = &[
    ("eol", 1),
    ("nop", 1 << 1),
    ("sec", 1 << 2),
    ("lsrr", 1 << 3),
    ("ts", 1 << 4),
    ("esec", 1 << 5),
    ("cipso", 1 << 6),
    ("rr", 1 << 7),
    ("satid", 1 << 8),
    ("ssrr", 1 << 9),
    ("rtralt", 1 << 20),
    ("any", u32::MAX),
];

/// `ipopts`.
pub static IPOPTS: Operator = Operator {
    name: "ipopts",
    aliases: &[],
    help: "An IPv4 option is there: rr, eol, nop, ts, sec, esec, lsrr, ssrr, satid, cipso, \
           rtralt, or any.",
    syntax: "ipopts:NAME;",
    examples: &[Example { rule: r#"content:"x"; ipopts:lsrr;"#, payload: b"x", alerts: false }],
    compile: |argument, builder| {
        let text = required(argument, "ipopts:NAME;")?;
        let Some((_, bits)) = OPTIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text))
        else {
            let known: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
            let message = format!("`{text}` is not an IP option");
            return Err(Problem::spanned("R221", 0..text.len(), message).hint(known.join(", ")));
        };
        builder.rule.packets.push(Box::new(IpOptions(*bits)));
        Ok(())
    },
};

/// `sameip`.
pub static SAMEIP: Operator = Operator {
    name: "sameip",
    aliases: &[],
    help: "Source and destination are the same address.",
    syntax: "sameip;",
    examples: &[Example { rule: r#"content:"x"; sameip;"#, payload: b"x", alerts: false }],
    compile: |argument, builder| {
        bare(argument)?;
        builder.rule.packets.push(Box::new(SameAddress));
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn holds(text: &str, flags: u8) -> bool {
        let (first, ignored) = text.split_once(',').unwrap_or((text, ""));
        let (compare, wanted) = letters(first, TCP_LETTERS, "").unwrap();
        let looked = letters(ignored, TCP_LETTERS, "").map_or(u8::MAX, |(_, bits)| !bits);
        Bits { compare, wanted, looked }.holds(flags)
    }

    #[test]
    fn flags_compare_as_the_guide_says() {
        let syn_ecn = tcp::SYN | tcp::ECE | tcp::CWR;
        assert!(holds("S", tcp::SYN) && !holds("S", tcp::SYN | tcp::ACK));
        assert!(!holds("S", syn_ecn) && holds("S,12", syn_ecn) && holds("S,CE", syn_ecn));
        assert!(holds("+S", tcp::SYN | tcp::ACK) && holds("SA+", tcp::SYN | tcp::ACK));
        assert!(holds("RSF*", tcp::FIN) && !holds("RSF*", tcp::ACK));
        assert!(holds("!S", tcp::ACK) && !holds("!S", tcp::SYN | tcp::ACK));
        assert!(holds("0", 0) && !holds("0", tcp::SYN));
        assert_eq!(letters("S+!", TCP_LETTERS, "").unwrap_err().span, 2..3);
        assert_eq!(letters("SX", TCP_LETTERS, "").unwrap_err().span, 1..2);
        assert_eq!(letters("+", TCP_LETTERS, "").unwrap_err().code, "R220");
    }
}
