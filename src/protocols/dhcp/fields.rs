//! What rules read from a message, and how EVE shows it.

use super::message::{Message, code};
use crate::field::{Describe, Field, Fields, Kind, Read, Side, Stage, Tree, Value};
use crate::protocols::formats::digits;

/// From a client.
const REQUEST: u8 = 1;
/// From a server.
const REPLY: u8 = 2;
/// DHCPACK: the type by which a lease is known to be given.
const ACK: u8 = 5;

const fn seconds(
    name: &'static str,
    help: &'static str,
    example: &'static str,
    read: Read<Message>,
) -> Field<Message> {
    Field {
        name,
        aliases: &[],
        kind: Kind::Int { bits: 64, names: &[] },
        eve: "",
        side: Side::Either,
        stage: Stage::Body,
        help,
        example,
        read,
    }
}

fn give(message: &Message, code: u8, sink: &mut dyn FnMut(Value<'_>)) {
    if let Some(seconds) = message.seconds(code) {
        sink(Value::Int(seconds.into()));
    }
}

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        seconds(
            "dhcp.leasetime",
            "For how many seconds an address is asked for or given.",
            "dhcp.leasetime:>3600;",
            |m, sink| give(m, code::LEASE_TIME, sink),
        ),
        seconds(
            "dhcp.rebinding_time",
            "After how many seconds a client asks any server for its address.",
            "dhcp.rebinding_time:>3600;",
            |m, sink| give(m, code::REBINDING_TIME, sink),
        ),
        seconds(
            "dhcp.renewal_time",
            "After how many seconds a client asks its server for its address again.",
            "dhcp.renewal_time:<60;",
            |m, sink| give(m, code::RENEWAL_TIME, sink),
        ),
    ];
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        let kind: &[u8] = match self.operation {
            REQUEST => b"request",
            REPLY => b"reply",
            _ => b"<unknown>",
        };
        tree.text("type", kind);
        tree.int("id", self.id.into());
        tree.text("client_mac", hex(&self.hardware).as_bytes());
        address(tree, "assigned_ip", self.your_address);
        address(tree, "client_ip", self.client_address);
        if self.operation == REPLY {
            address(tree, "relay_ip", self.relay_address);
            address(tree, "next_server_ip", self.server_address);
        }
        // A key must not come twice, whatever a message repeats.
        let mut seen = [false; 256];
        for (code, content) in &self.options {
            let first =
                seen.get_mut(usize::from(*code)).is_some_and(|s| !std::mem::replace(s, true));
            if first {
                option(*code, content, self, tree);
            }
        }
    }

    /// Only what a server grants, as the reference engine has it by default.
    fn is_logged(&self) -> bool {
        self.kind() == Some(ACK)
    }
}

fn option(code: u8, content: &[u8], message: &Message, tree: &mut dyn Tree) {
    let one = |tree: &mut dyn Tree, key: &str| {
        if let Some(first) = content.first_chunk::<4>() {
            address(tree, key, *first);
        }
    };
    let time = |tree: &mut dyn Tree, key: &str| {
        if let Some(seconds) = message.seconds(code) {
            tree.int(key, seconds.into());
        }
    };
    match code {
        // The first byte says what kind of number follows (RFC 2132, 9.14).
        code::CLIENT_ID if tree.wants("client_id") => {
            if let Some((_, id)) = content.split_first() {
                tree.text("client_id", hex(id).as_bytes());
            }
        }
        code::LEASE_TIME => time(tree, "lease_time"),
        code::REBINDING_TIME => time(tree, "rebinding_time"),
        code::RENEWAL_TIME => time(tree, "renewal_time"),
        code::SUBNET_MASK => one(tree, "subnet_mask"),
        code::REQUESTED_ADDRESS => one(tree, "requested_ip"),
        code::HOST_NAME if !content.is_empty() => tree.text("hostname", content),
        code::VENDOR_CLASS if !content.is_empty() => {
            tree.text("vendor_class_identifier", content);
        }
        code::MESSAGE_TYPE => {
            if let Some(kind) = content.first() {
                tree.text("dhcp_type", kind_name(*kind).as_bytes());
            }
        }
        code::PARAMETERS if tree.wants("params") => {
            let names: Vec<_> = content.iter().filter_map(|code| parameter_name(*code)).collect();
            if !names.is_empty() {
                tree.list("params", &mut |tree| {
                    names.iter().for_each(|name| tree.text("", name.as_bytes()));
                });
            }
        }
        code::DNS_SERVERS => addresses(tree, "dns_servers", content),
        code::ROUTERS => addresses(tree, "routers", content),
        _ => {}
    }
}

fn addresses(tree: &mut dyn Tree, key: &str, content: &[u8]) {
    let (all, _) = content.as_chunks::<4>();
    if !all.is_empty() && tree.wants(key) {
        tree.list(key, &mut |tree| all.iter().for_each(|bytes| address(tree, "", *bytes)));
    }
}

fn address(tree: &mut dyn Tree, key: &str, bytes: [u8; 4]) {
    // Within a list there is no key.
    if key.is_empty() || tree.wants(key) {
        tree.text(key, digits::dotted(bytes.into()).as_bytes());
    }
}

fn hex(bytes: &[u8]) -> String {
    digits::hex(bytes, ":")
}

/// RFC 2132, 9.6.
const fn kind_name(kind: u8) -> &'static str {
    match kind {
        1 => "discover",
        2 => "offer",
        3 => "request",
        4 => "decline",
        ACK => "ack",
        6 => "nak",
        7 => "release",
        8 => "inform",
        _ => "unknown",
    }
}

/// What clients ask for that EVE names; the rest is not shown.
const fn parameter_name(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "subnet_mask",
        3 => "router",
        6 => "dns_server",
        15 => "domain",
        35 => "arp_timeout",
        42 => "ntp_server",
        66 => "tftp_server_name",
        150 => "tftp_server_ip",
        _ => return None,
    })
}
