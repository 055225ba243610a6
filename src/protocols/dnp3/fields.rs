//! What rules read from a message, and how EVE shows it.

use super::message::{INDICATIONS, Message, function};
use super::objects::End;
use crate::field::{Describe, Field, Fields, Kind, Read, Side, Stage, Tree, Value};

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    help: &'static str,
    example: &'static str,
    read: Read<Message>,
) -> Field<Message> {
    Field {
        name,
        aliases,
        kind,
        eve: "",
        side: Side::Either,
        stage: Stage::Body,
        help,
        example,
        read,
    }
}

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "dnp3.data",
            &["dnp3_data"],
            Kind::Bytes,
            "The application layer of a message, put together, without checksums.",
            r#"dnp3.data; content:"|3c 02 06|";"#,
            |m, sink| sink(Value::Bytes(&m.data)),
        ),
        row(
            "dnp3_func",
            &["dnp3.func"],
            Kind::Int { bits: 8, names: function::NAMES },
            "Function code of the application layer.",
            "dnp3_func:read;",
            |m, sink| sink(Value::Int(m.function().into())),
        ),
        row(
            "dnp3.indications",
            &[],
            Kind::Int { bits: 16, names: &[] },
            "Internal indications of a response, the first octet high.",
            "dnp3.indications:&0x8000=0x8000;",
            |m, sink| {
                if let Some(indications) = m.indications() {
                    sink(Value::Int(indications.into()));
                }
            },
        ),
        row(
            "dnp3.object",
            &[],
            Kind::Int { bits: 16, names: &[] },
            "Each object: 256 times its group, plus its variation.",
            "dnp3.object:15362;",
            |m, sink| {
                for object in &m.objects.list {
                    sink(Value::Int(u16::from_be_bytes([object.group, object.variation]).into()));
                }
            },
        ),
    ];
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        let kind: &[u8] = match (self.from_server, self.function()) {
            (false, _) => b"request",
            (true, function::UNSOLICITED_RESPONSE) => b"unsolicited_response",
            (true, _) => b"response",
        };
        tree.text("type", kind);
        let link = self.link;
        tree.object("control", &mut |tree| {
            for (key, bit) in [("dir", 0x80), ("pri", 0x40), ("fcb", 0x20), ("fcv", 0x10)] {
                tree.bool(key, link.control & bit != 0);
            }
            tree.int("function_code", (link.control & 0x0f).into());
        });
        tree.int("src", link.source.into());
        tree.int("dst", link.destination.into());
        tree.object("application", &mut |tree| self.application(tree));
        let set = self.indications().unwrap_or_default();
        if set != 0 {
            tree.object("iin", &mut |tree| {
                tree.list("indicators", &mut |tree| {
                    for (name, _) in INDICATIONS.iter().filter(|(_, bit)| set & bit != 0) {
                        tree.text("", name.as_bytes());
                    }
                });
            });
        }
    }
}

impl Message {
    fn application(&self, tree: &mut dyn Tree) {
        let control = self.control();
        tree.object("control", &mut |tree| {
            for (key, bit) in [("fir", 0x80), ("fin", 0x40), ("con", 0x20), ("uns", 0x10)] {
                tree.bool(key, control & bit != 0);
            }
            tree.int("sequence", (control & 0x0f).into());
        });
        tree.int("function_code", self.function().into());
        if !self.objects.list.is_empty() {
            tree.list("objects", &mut |tree| {
                for object in &self.objects.list {
                    tree.object("", &mut |tree| object.describe(self.body(), tree));
                }
            });
        }
        tree.bool("complete", self.objects.end == End::Whole);
    }
}
