//! What rules read from a message, and how EVE shows it.

use std::net::Ipv6Addr;

use super::message::{Message, REPLY, TYPES};
use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};
use crate::protocols::formats::digits;

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        Field {
            name: "dhcpv6.type",
            aliases: &[],
            kind: Kind::Int { bits: 8, names: TYPES },
            eve: "type",
            side: Side::Either,
            stage: Stage::Body,
            help: "What kind of message it is.",
            example: "dhcpv6.type:advertise;",
            read: |message, sink| sink(Value::Int(message.kind.into())),
        },
        Field {
            name: "dhcpv6.fqdn",
            aliases: &[],
            kind: Kind::Bytes,
            eve: "fqdn",
            side: Side::Either,
            stage: Stage::Body,
            help: "Name of the client (RFC 4704), with dots.",
            example: "dhcpv6.fqdn; content:\"pc-sindaco\"; nocase;",
            read: |message, sink| {
                message.client_name.iter().for_each(|name| sink(Value::Bytes(name)))
            },
        },
    ];
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        let known = TYPES.iter().find(|(_, number)| *number == u64::from(self.kind));
        tree.text("type", known.map_or(&b"unknown"[..], |(name, _)| name.as_bytes()));
        tree.int("id", self.id.into());
        for (key, id) in [("client_id", &self.client), ("server_id", &self.server)] {
            if let Some(id) = id.as_ref().filter(|_| tree.wants(key)) {
                tree.text(key, digits::hex(id, ":").as_bytes());
            }
        }
        if let Some(relay) = self.relay {
            tree.text("relay_ip", address(relay).as_bytes());
        }
        if let Some(name) = &self.client_name {
            tree.text("fqdn", name);
        }
        list(tree, "addresses", &self.addresses, |one| address(*one).into_bytes());
        let network = |(network, bits): &([u8; 16], u8)| format!("{}/{bits}", address(*network));
        list(tree, "prefixes", &self.networks, |one| network(one).into_bytes());
        list(tree, "dns_servers", &self.name_servers, |one| address(*one).into_bytes());
        list(tree, "search_domains", &self.domains, Vec::clone);
    }

    /// Only what a server grants, as of DHCP.
    fn is_logged(&self) -> bool {
        self.kind == REPLY
    }
}

fn address(bytes: [u8; 16]) -> String {
    Ipv6Addr::from(bytes).to_string()
}

fn list<T>(tree: &mut dyn Tree, key: &str, all: &[T], text: impl Fn(&T) -> Vec<u8>) {
    if !all.is_empty() && tree.wants(key) {
        tree.list(key, &mut |tree| all.iter().for_each(|one| tree.text("", &text(one))));
    }
}
