//! What rules read from a message, and how EVE shows it.

use super::message::{Message, kind};
use crate::field::{Describe, Field, Fields, Kind, Read, Side, Stage, Tree, Value};

/// Kinds of trap of version 1 (RFC 1157, 4.1.6), as EVE names them.
const TRAPS: &[&str] = &[
    "ColdStart",
    "WarmStart",
    "LinkDown",
    "LinkUp",
    "AuthenticationFailure",
    "EgpNeighborLoss",
    "EnterpriseSpecific",
];

const TRAP_NAMES: &[(&str, u64)] = &[
    ("cold_start", 0),
    ("warm_start", 1),
    ("link_down", 2),
    ("link_up", 3),
    ("authentication_failure", 4),
    ("egp_neighbor_loss", 5),
    ("enterprise_specific", 6),
];

const fn row(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    example: &'static str,
    read: Read<Message>,
) -> Field<Message> {
    Field {
        name,
        aliases: &[],
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
            "snmp.version",
            Kind::Int { bits: 32, names: &[] },
            "Version: 1, 2 (for 2c) or 3.",
            "snmp.version:<3;",
            |m, sink| sink(Value::Int(m.version.into())),
        ),
        row(
            "snmp.pdu_type",
            Kind::Int { bits: 32, names: kind::NAMES },
            "What the message asks or tells; nothing when that is encrypted.",
            "snmp.pdu_type:2;",
            |m, sink| {
                if let Some(pdu) = &m.pdu {
                    sink(Value::Int(pdu.kind.into()));
                }
            },
        ),
        row(
            "snmp.trap_type",
            Kind::Int { bits: 8, names: TRAP_NAMES },
            "Kind of a trap of version 1.",
            "snmp.trap_type:6;",
            |m, sink| {
                if let Some(trap) = m.pdu.as_ref().and_then(|pdu| pdu.trap.as_ref()) {
                    sink(Value::Int(trap.generic.into()));
                }
            },
        ),
        row(
            "snmp.community",
            Kind::Bytes,
            "The community, which versions 1 and 2c use as a password.",
            "snmp.community; content:\"public\";",
            |m, sink| {
                if let Some(community) = &m.community {
                    sink(Value::Bytes(community));
                }
            },
        ),
        row(
            "snmp.usm",
            Kind::Bytes,
            "The user's name, of version 3.",
            "snmp.usm; content:\"admin\";",
            |m, sink| {
                if let Some(user) = &m.user {
                    sink(Value::Bytes(user));
                }
            },
        ),
    ];
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.int("version", self.version.into());
        if self.encrypted {
            tree.text("pdu_type", b"encrypted");
        }
        if let Some(pdu) = &self.pdu {
            let named = kind::NAMES.iter().find(|(_, number)| *number == u64::from(pdu.kind));
            match named {
                Some((name, _)) => tree.text("pdu_type", name.as_bytes()),
                None => tree.text("pdu_type", format!("Unknown(0x{:x})", pdu.kind).as_bytes()),
            }
            if let Some(trap) = &pdu.trap {
                let name = TRAPS.get(usize::from(trap.generic)).copied();
                let unknown = || format!("TrapType({} / 0x{0:x})", trap.generic);
                tree.text("trap_type", name.map_or_else(unknown, str::to_owned).as_bytes());
                tree.text("trap_oid", trap.enterprise.as_bytes());
                tree.text("trap_address", trap.address.to_string().as_bytes());
            }
            if !pdu.variables.is_empty() {
                tree.list("vars", &mut |tree| {
                    pdu.variables.iter().for_each(|name| tree.text("", name.as_bytes()));
                });
            }
        }
        if let Some(community) = &self.community {
            tree.text("community", community);
        }
        if let Some(user) = &self.user {
            tree.text("usm", user);
        }
    }
}
