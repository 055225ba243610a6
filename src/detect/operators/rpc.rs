//! `rpc`: a call of Sun RPC in the payload (RFC 5531).

use crate::decode::Transport;
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::{PacketTest, PacketView};
use crate::detect::syntax::{integer, items, required};
use crate::reader::Reader;

const SYNTAX: &str = "rpc:PROGRAM[,VERSION|*[,PROCEDURE|*]];";

/// What a call must ask for; `None` for anything.
struct Call {
    program: u32,
    version: Option<u32>,
    procedure: Option<u32>,
}

impl PacketTest for Call {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        let mut reader = Reader::new(packet.payload);
        // Over TCP a record begins with its length.
        let marked = match packet.headers.transport {
            Transport::Tcp(_) => true,
            Transport::Udp(_) => false,
            _ => return false,
        };
        let mut word = || reader.u32();
        if marked && word().is_none() {
            return false;
        }
        let (_id, kind, _rpc) = (word(), word(), word());
        let (program, version, procedure) = (word(), word(), word());
        let asked = |wanted: Option<u32>, found: Option<u32>| {
            found.is_some() && (wanted.is_none() || wanted == found)
        };
        kind == Some(0)
            && program == Some(self.program)
            && asked(self.version, version)
            && asked(self.procedure, procedure)
    }
}

/// See [`Operator`].
pub static RPC: Operator = Operator {
    name: "rpc",
    aliases: &[],
    help: "The packet's payload is a Sun RPC call of this program, version and procedure.",
    syntax: SYNTAX,
    examples: &[
        Example {
            rule: "rpc:100000,2,*;",
            payload: b"\x80\0\0\x18\0\0\0\x01\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\0\0\x02\0\0\0\x03",
            alerts: true,
        },
        Example {
            rule: "rpc:100000,3;",
            payload: b"\x80\0\0\x18\0\0\0\x01\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\0\0\x02\0\0\0\x03",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let mut numbers = [None; 3];
        for (index, (span, item)) in items(text).enumerate() {
            let Some(place) = numbers.get_mut(index) else {
                return Err(Problem::spanned("R227", span, "a call has three numbers")
                    .hint(format!("write `{SYNTAX}`")));
            };
            if item != "*" {
                let number = integer(item, 32).map_err(|problem| problem.shifted(span.start))?;
                *place = u32::try_from(number).ok();
            }
        }
        let [program, version, procedure] = numbers;
        let program = program.ok_or_else(|| {
            Problem::whole("R227", "the program is missing").hint(format!("write `{SYNTAX}`"))
        })?;
        builder.rule.packets.push(Box::new(Call { program, version, procedure }));
        builder.rule.packet_only = true;
        Ok(())
    },
};
