//! The `mqtt` object of EVE: an object for each message, passwords left out.

use super::message::{Body, Connect, Message, TYPES};
use super::parser::Exchange;
use crate::field::{Describe, Tree};

impl Describe for Exchange {
    fn describe(&self, tree: &mut dyn Tree) {
        let mut shown = 0_u16;
        for message in &self.messages {
            // Keys of an object are unique: of several messages of a type the first is shown.
            let bit = 1 << message.kind();
            // AUTH has no object in the reference's schema, an unassigned type no name.
            if shown & bit != 0 || matches!(message.kind(), 0 | 15) {
                continue;
            }
            shown |= bit;
            let name = TYPES.iter().find(|(_, code)| *code == u64::from(message.kind()));
            if let Some((name, _)) = name {
                tree.object(&name.to_ascii_lowercase(), &mut |tree| one(message, tree));
            }
        }
    }
}

fn one(message: &Message, tree: &mut dyn Tree) {
    tree.int("qos", message.qos().into());
    tree.bool("retain", message.first & 0x01 != 0);
    tree.bool("dup", message.first & 0x08 != 0);
    match &message.body {
        Body::Connect(body) => connect(body, tree),
        Body::ConnectAck { session_present, code, properties } => {
            tree.bool("session_present", *session_present);
            tree.int("return_code", (*code).into());
            properties.describe(tree);
        }
        Body::Publish { topic, id, message, properties } => {
            tree.text("topic", topic);
            if let Some(id) = id {
                tree.int("message_id", (*id).into());
            }
            tree.text("message", message);
            properties.describe(tree);
        }
        Body::Ack { id, reason } => {
            tree.int("message_id", (*id).into());
            if let Some(reason) = reason {
                tree.int("reason_code", (*reason).into());
            }
        }
        Body::Subscribe { id, topics } => {
            tree.int("message_id", (*id).into());
            if !topics.is_empty() {
                tree.list("topics", &mut |tree| {
                    for (topic, qos) in topics {
                        tree.object("", &mut |tree| {
                            tree.text("topic", topic);
                            tree.int("qos", (*qos).into());
                        });
                    }
                });
            }
        }
        Body::Unsubscribe { id, topics } => {
            tree.int("message_id", (*id).into());
            if !topics.is_empty() {
                tree.list("topics", &mut |tree| topics.iter().for_each(|t| tree.text("", t)));
            }
        }
        Body::Codes { id, codes } => {
            tree.int("message_id", (*id).into());
            let key = if message.kind() == 9 { "qos_granted" } else { "reason_codes" };
            if !codes.is_empty() {
                tree.list(key, &mut |tree| {
                    codes.iter().for_each(|code| tree.int("", (*code).into()));
                });
            }
        }
        Body::Reason { reason, properties } => {
            if let Some(reason) = reason {
                tree.int("reason_code", (*reason).into());
            }
            properties.describe(tree);
        }
        Body::Truncated(skipped) if message.kind() == 3 => {
            tree.bool("truncated", true);
            tree.int("skipped_length", *skipped);
        }
        Body::Truncated(_) | Body::None => {}
    }
}

fn connect(connect: &Connect, tree: &mut dyn Tree) {
    tree.text("protocol_string", &connect.name);
    tree.int("protocol_version", connect.version.into());
    tree.text("client_id", &connect.client_id);
    tree.object("flags", &mut |tree| {
        for (name, bit) in [
            ("username", 0x80),
            ("password", 0x40),
            ("will_retain", 0x20),
            ("will", 0x04),
            ("clean_session", 0x02),
        ] {
            tree.bool(name, connect.flags & bit != 0);
        }
    });
    if let Some(username) = &connect.username {
        tree.text("username", username);
    }
    if let Some((topic, message, properties)) = &connect.will {
        tree.object("will", &mut |tree| {
            tree.text("topic", topic);
            tree.text("message", message);
            properties.describe(tree);
        });
    }
    connect.properties.describe(tree);
}
