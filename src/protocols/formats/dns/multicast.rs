//! What rules read from the messages by which machines find each other's names on their own network: the
//! same fields, named after the protocol.

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
