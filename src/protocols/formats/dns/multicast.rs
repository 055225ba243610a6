//! The messages by which machines find each other's names on their own network: what rules read from them
//! (the same fields, named after the protocol), their violations, and how EVE shows their heads.

use super::describe::number_or;
use super::{Message, events, rrtype};
use crate::field::{Event, Tree};

/// The violations: either side may send questions and answers.
pub static EVENTS: &[&Event] = &[
    &events::MALFORMED,
    &events::Z_FLAG,
    &events::INVALID_OPCODE,
    &events::NAME_TOO_LONG,
    &events::INFINITE_LOOP,
    &events::TOO_MANY_LABELS,
    &events::INVALID_ADDITIONALS,
    &events::INVALID_AUTHORITIES,
    &events::FLOODED,
];

/// Tells of a message all but its records: `flags` are names of bits, with their places.
pub fn describe_head(m: &Message, flags: &[(&str, u32)], tree: &mut dyn Tree) {
    tree.text("type", if m.is_response() { b"response" } else { b"request" });
    tree.int("id", m.id.into());
    let set = || flags.iter().filter(|(_, bit)| m.flags >> bit & 1 == 1);
    if set().next().is_some() {
        tree.list("flags", &mut |tree| set().for_each(|(name, _)| tree.text("", name.as_bytes())));
    }
    tree.int("opcode", m.opcode().into());
    tree.int("rcode", m.rcode().into());
    if m.questions.is_empty() {
        return;
    }
    tree.list("queries", &mut |tree| {
        for question in &m.questions {
            tree.object("", &mut |tree| {
                tree.text("rrname", m.text(question.name));
                let name = rrtype::name(question.rrtype);
                tree.text("rrtype", number_or(name, question.rrtype).as_ref());
            });
        }
    });
}

/// The rows of a message, which is the only field of its type; with a name that is asked for.
macro_rules! multicast_rows {
    ($message:ident $protocol:literal $name:literal) => {
        impl crate::field::Fields for $message {
            const FIELDS: &'static [crate::field::Field<Self>] = {
                use crate::field::{Field, Kind, Side, Stage, Value};
                use crate::protocols::formats::dns::{Data, Section};
                macro_rules! row {
                    ($suffix:literal $help:literal $example:expr, $read:expr) => {
                        Field {
                            name: concat!($protocol, ".", $suffix),
                            aliases: &[],
                            kind: Kind::Bytes,
                            eve: "",
                            side: Side::Either,
                            stage: Stage::Body,
                            help: $help,
                            example: concat!($protocol, ".", $suffix, "; ", $example),
                            read: $read,
                        }
                    };
                }
                macro_rules! owners {
                    ($suffix:literal $section:ident $help:literal) => {
                        row!($suffix $help "content:\".local\"; endswith;", |m, sink| {
                            let owners = m.0.section(Section::$section);
                            owners.for_each(|r| sink(Value::Bytes(m.0.text(r.name))));
                        })
                    };
                }
                &[
                    row!("queries.rrname"
                    "Names asked for: labels with dots between, case as sent."
                    concat!("content:\"", $name, "\"; nocase;"),
                    |m, sink| {
                        let asked = m.0.questions.iter();
                        asked.for_each(|q| sink(Value::Bytes(m.0.text(q.name))));
                    }),
                    owners!("answers.rrname" Answer "Owner names of the answers."),
                    owners!("authorities.rrname" Authority
                        "Owner names of the authority records: what a machine is about to claim."),
                    owners!("additionals.rrname" Additional
                        "Owner names of the additional records."),
                    row!("response.rrname"
                    "Names asked for and owner names of all records in a response, and the names that \
                     their content holds."
                    "content:\"printer\"; nocase;",
                    |m, sink| {
                        let Self(m) = m;
                        for question in m.questions.iter().filter(|_| m.is_response()) {
                            sink(Value::Bytes(m.text(question.name)));
                        }
                        for record in m.records.iter().filter(|_| m.is_response()) {
                            sink(Value::Bytes(m.text(record.name)));
                            if let Data::Name(name) | Data::Soa { mname: name, .. } = record.data {
                                sink(Value::Bytes(m.text(name)));
                            }
                        }
                    }),
                ]
            };
        }
    };
}

pub(crate) use multicast_rows;
