//! A message as EVE shows it: Suricata's `dns` object, version 3.

use std::net::IpAddr;

use super::message::{Data, Message, Record, Section, Span, rrtype};
use crate::field::{Describe, Tree};
use crate::protocols::formats::digits;

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.int("version", 3);
        tree.text("type", if self.from_server { b"response" } else { b"request" });
        tree.int("tx_id", self.tx_id);
        tree.int("id", self.id.into());
        if tree.wants("flags") {
            tree.text("flags", format!("{:x}", self.flags).as_bytes());
        }
        let bits = [("qr", 15), ("aa", 10), ("tc", 9), ("rd", 8), ("ra", 7), ("z", 6)];
        for (key, _) in bits.iter().filter(|(_, bit)| self.flags >> bit & 1 == 1) {
            tree.bool(key, true);
        }
        tree.int("opcode", self.opcode().into());
        tree.text("rcode", number_or(rcode_name(self.rcode()), self.rcode()).as_ref());
        if !self.questions.is_empty() {
            tree.list("queries", &mut |tree| {
                for question in &self.questions {
                    tree.object("", &mut |tree| {
                        tree.text("rrname", self.text(question.name));
                        let name = rrtype::name(question.rrtype);
                        tree.text("rrtype", number_or(name, question.rrtype).as_ref());
                    });
                }
            });
        }
        let sections = [
            ("answers", Section::Answer),
            ("authorities", Section::Authority),
            ("additionals", Section::Additional),
        ];
        for (key, section) in sections {
            if tree.wants(key) && self.section(section).next().is_some() {
                tree.list(key, &mut |tree| {
                    for record in self.section(section) {
                        tree.object("", &mut |tree| self.describe_record(record, tree));
                    }
                });
            }
        }
        if tree.wants("grouped") {
            self.grouped(tree);
        }
    }
}

impl Message {
    /// A record with its content.
    pub fn describe_record(&self, record: &Record, tree: &mut dyn Tree) {
        tree.text("rrname", self.text(record.name));
        tree.text("rrtype", number_or(rrtype::name(record.rrtype), record.rrtype).as_ref());
        tree.int("ttl", record.ttl.into());
        match &record.data {
            // Schema and reference show the details of SRV and SSHFP in answers alone.
            Data::Srv { .. } | Data::Sshfp { .. } if record.section != Section::Answer => {}
            Data::Soa { .. } if record.section == Section::Additional => {}
            Data::Soa { .. } => self.content("soa", &record.data, tree),
            Data::Srv { .. } => self.content("srv", &record.data, tree),
            Data::Sshfp { .. } => self.content("sshfp", &record.data, tree),
            Data::Options(options) => {
                if !options.is_empty() && record.section == Section::Additional {
                    tree.list("opt", &mut |tree| self.options(options, tree));
                }
            }
            Data::Other => {}
            data => self.content("rdata", data, tree),
        }
    }

    fn options(&self, options: &[(u16, Span)], tree: &mut dyn Tree) {
        for (code, data) in options {
            tree.object("", &mut |tree| {
                tree.int("code", (*code).into());
                tree.text("data", hex(self.text(*data), "").as_bytes());
            });
        }
    }

    fn content(&self, key: &str, data: &Data, tree: &mut dyn Tree) {
        match data {
            Data::Address(address) => tree.text(key, address_text(*address).as_bytes()),
            Data::Name(span) | Data::Text(span) => tree.text(key, self.text(*span)),
            Data::Soa { mname, rname, numbers } => tree.object(key, &mut |tree| {
                tree.text("mname", self.text(*mname));
                tree.text("rname", self.text(*rname));
                let keys = ["serial", "refresh", "retry", "expire", "minimum"];
                for (key, number) in keys.iter().zip(numbers) {
                    tree.int(key, (*number).into());
                }
            }),
            Data::Srv { numbers, target } => tree.object(key, &mut |tree| {
                for (key, number) in ["priority", "weight", "port"].iter().zip(numbers) {
                    tree.int(key, (*number).into());
                }
                tree.text("name", self.text(*target));
            }),
            Data::Sshfp { kinds, fingerprint } => tree.object(key, &mut |tree| {
                tree.text("fingerprint", hex(self.text(*fingerprint), ":").as_bytes());
                for (key, kind) in ["algo", "type"].iter().zip(kinds) {
                    tree.int(key, (*kind).into());
                }
            }),
            Data::Options(_) | Data::Other => {}
        }
    }

    /// The answers' content by type.
    fn grouped(&self, tree: &mut dyn Tree) {
        const TYPES: [u16; 11] = [
            rrtype::A,
            rrtype::AAAA,
            rrtype::TXT,
            rrtype::CNAME,
            rrtype::MX,
            rrtype::NULL,
            rrtype::PTR,
            rrtype::SRV,
            rrtype::NS,
            rrtype::SOA,
            rrtype::SSHFP,
        ];
        let of = |kind: u16| {
            self.section(Section::Answer)
                .filter(move |r| r.rrtype == kind && !matches!(r.data, Data::Other))
        };
        if !TYPES.iter().any(|kind| of(*kind).next().is_some()) {
            return;
        }
        tree.object("grouped", &mut |tree| {
            for kind in TYPES.into_iter().filter(|kind| of(*kind).next().is_some()) {
                tree.list(rrtype::name(kind).unwrap_or_default(), &mut |tree| {
                    of(kind).for_each(|record| self.content("", &record.data, tree));
                });
            }
        });
    }
}

/// Eight groups of four digits, nothing left out, as the reference shows them.
fn address_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => digits::dotted(address),
        IpAddr::V6(address) => address.segments().map(|group| format!("{group:04x}")).join(":"),
    }
}

fn hex(bytes: &[u8], between: &str) -> String {
    digits::hex(bytes, between)
}

/// A registry's name, or the number.
pub(super) fn number_or(
    name: Option<&'static str>,
    number: u16,
) -> std::borrow::Cow<'static, [u8]> {
    match name {
        Some(name) => name.as_bytes().into(),
        None => number.to_string().into_bytes().into(),
    }
}

/// IANA "DNS RCODEs", those that fit the header.
pub const RCODES: &[(&str, u64)] = &[
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
];

fn rcode_name(rcode: u16) -> Option<&'static str> {
    RCODES.get(usize::from(rcode)).map(|(name, _)| *name)
}
