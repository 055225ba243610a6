//! What rules read from a message, and how EVE shows it. The names are those that Suricata 9 documents
//! (doc/userguide/rules/llmnr-keywords.rst).

use crate::field::{Describe, Tree};
use crate::protocols::formats::dns::{Message, Section, multicast_rows, number_or, rrtype};

/// A message of LLMNR.
#[derive(Debug)]
pub struct Resolution(pub Message);

multicast_rows!(Resolution "llmnr" "wpad");

impl Describe for Resolution {
    fn describe(&self, tree: &mut dyn Tree) {
        let Self(m) = self;
        tree.text("type", if m.is_response() { b"response" } else { b"request" });
        tree.int("id", m.id.into());
        // Conflict, truncated, tentative (RFC 4795, 2.1.1).
        let bits = [("c", 10), ("tc", 9), ("t", 8)];
        let set = |bit: &u8| m.flags >> bit & 1 == 1;
        if bits.iter().any(|(_, bit)| set(bit)) {
            tree.list("flags", &mut |tree| {
                for (name, _) in bits.iter().filter(|(_, bit)| set(bit)) {
                    tree.text("", name.as_bytes());
                }
            });
        }
        tree.int("opcode", m.opcode().into());
        tree.int("rcode", m.rcode().into());
        if !m.questions.is_empty() {
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
        if m.section(Section::Answer).next().is_some() {
            tree.list("answers", &mut |tree| {
                for record in m.section(Section::Answer) {
                    tree.object("", &mut |tree| m.describe_record(record, tree));
                }
            });
        }
    }
}
