//! What rules read from a message, and how EVE shows it.

use crate::field::{Describe, Tree};
use crate::protocols::formats::dns::multicast::{describe_head, multicast_rows};
use crate::protocols::formats::dns::{Data, Message, Record, Section, rrtype};

/// A message of multicast DNS.
#[derive(Debug)]
pub struct Announcement(pub Message);

multicast_rows!(Announcement "mdns" "_airplay._tcp");

impl Describe for Announcement {
    fn describe(&self, tree: &mut dyn Tree) {
        let Self(m) = self;
        let flags = [("aa", 10), ("tc", 9), ("rd", 8), ("ra", 7), ("z", 6), ("ad", 5), ("cd", 4)];
        describe_head(m, &flags, tree);
        let sections = [
            ("answers", Section::Answer),
            ("authorities", Section::Authority),
            ("additionals", Section::Additional),
        ];
        for (key, section) in sections {
            if m.section(section).next().is_some() {
                tree.list(key, &mut |tree| records(m, section, tree));
            }
        }
    }
}

/// The strings of a text record, which are read as records of their own, are shown as one.
fn records(m: &Message, section: Section, tree: &mut dyn Tree) {
    let mut records = m.section(section).peekable();
    while let Some(record) = records.next() {
        let mut texts: Vec<&[u8]> = Vec::new();
        let text = |r: &Record| match r.data {
            Data::Text(span) if r.rrtype == rrtype::TXT => Some(m.text(span)),
            _ => None,
        };
        texts.extend(text(record));
        while !texts.is_empty()
            && let Some(next) = records.next_if(|next| next.name == record.name)
        {
            texts.extend(text(next));
        }
        // Authorities tell their names alone, as the reference engine shows them.
        let whole = section != Section::Authority;
        tree.object("", &mut |tree| {
            tree.text("rrname", m.text(record.name));
            match record.data {
                Data::Name(span) if whole && record.rrtype == rrtype::PTR => {
                    tree.text("ptr", m.text(span));
                }
                _ if whole && !texts.is_empty() => {
                    tree.list("txt", &mut |tree| texts.iter().for_each(|t| tree.text("", t)));
                }
                _ => {}
            }
        });
    }
}
