//! What rules read from a message, and how EVE shows it. The names are those that Suricata 9 documents
//! (doc/userguide/rules/llmnr-keywords.rst).

use crate::field::{Describe, Tree};
use crate::protocols::formats::dns::multicast::{describe_head, multicast_rows};
use crate::protocols::formats::dns::{Message, Section};

/// A message of LLMNR.
#[derive(Debug)]
pub struct Resolution(pub Message);

multicast_rows!(Resolution "llmnr" "wpad");

impl Describe for Resolution {
    fn describe(&self, tree: &mut dyn Tree) {
        let Self(m) = self;
        // Conflict, truncated, tentative (RFC 4795, 2.1.1).
        describe_head(m, &[("c", 10), ("tc", 9), ("t", 8)], tree);
        if m.section(Section::Answer).next().is_some() {
            tree.list("answers", &mut |tree| {
                for record in m.section(Section::Answer) {
                    tree.object("", &mut |tree| m.describe_record(record, tree));
                }
            });
        }
    }
}
