//! What rules read from a message, and how EVE shows it.

use super::message::{Message, NB, NBSTAT, Name};
use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};
use crate::protocols::formats::digits;

/// Names of operations (RFC 1002, section 4.2.1.1), as `nbns.opcode` takes them.
const OPCODES: &[(&str, u64)] =
    &[("query", 0), ("registration", 5), ("release", 6), ("wack", 7), ("refresh", 8)];

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        Field {
            name: "nbns.queries.rrname",
            aliases: &[],
            kind: Kind::Bytes,
            eve: "",
            side: Side::Either,
            stage: Stage::Body,
            help: "Names asked for, registered or given up, without the blanks at their end.",
            example: "nbns.queries.rrname; content:\"WPAD\"; bsize:4;",
            read: |m, sink| m.questions.iter().for_each(|(name, _)| sink(Value::Bytes(&name.text))),
        },
        Field {
            name: "nbns.answers.rrname",
            aliases: &[],
            kind: Kind::Bytes,
            eve: "",
            side: Side::Either,
            stage: Stage::Body,
            help: "Names that are answered for.",
            example: "nbns.answers.rrname; content:\"WPAD\"; bsize:4;",
            read: |m, sink| {
                let answers = m.answers.iter().filter(|_| m.is_response());
                answers.for_each(|answer| sink(Value::Bytes(&answer.name.text)));
            },
        },
        Field {
            name: "nbns.opcode",
            aliases: &[],
            kind: Kind::Int { bits: 8, names: OPCODES },
            eve: "",
            side: Side::Either,
            stage: Stage::Body,
            help: "What is asked for.",
            example: "nbns.opcode:registration;",
            read: |m, sink| sink(Value::Int(m.opcode().into())),
        },
    ];
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("type", if self.is_response() { b"response" } else { b"request" });
        tree.int("id", self.id.into());
        let known = OPCODES.iter().find(|(_, number)| *number == u64::from(self.opcode()));
        match known {
            Some((name, _)) => tree.text("opcode", name.as_bytes()),
            None => tree.text("opcode", self.opcode().to_string().as_bytes()),
        }
        tree.int("rcode", self.rcode().into());
        tree.bool("broadcast", self.is_broadcast());
        if !self.questions.is_empty() {
            tree.list("queries", &mut |tree| {
                for (asked, kind) in &self.questions {
                    tree.object("", &mut |tree| name(asked, *kind, tree));
                }
            });
        }
        if self.answers.is_empty() {
            return;
        }
        tree.list("answers", &mut |tree| {
            for answer in &self.answers {
                if answer.addresses.is_empty() {
                    tree.object("", &mut |tree| {
                        name(&answer.name, answer.kind, tree);
                        tree.int("ttl", answer.ttl.into());
                    });
                }
                for (address, group) in &answer.addresses {
                    tree.object("", &mut |tree| {
                        name(&answer.name, answer.kind, tree);
                        tree.int("ttl", answer.ttl.into());
                        tree.bool("group", *group);
                        tree.text("rdata", digits::dotted((*address).into()).as_bytes());
                    });
                }
            }
        });
    }

    /// Answers alone: in a Windows network the questions are many.
    fn is_logged(&self) -> bool {
        self.is_response()
    }
}

fn name(name: &Name, kind: u16, tree: &mut dyn Tree) {
    tree.text("rrname", &name.text);
    tree.text("suffix", digits::hex(&[name.suffix], "").as_bytes());
    match kind {
        NB => tree.text("rrtype", b"NB"),
        NBSTAT => tree.text("rrtype", b"NBSTAT"),
        other => tree.text("rrtype", other.to_string().as_bytes()),
    }
}
