//! What rules read from an exchange: of each of its messages.

use super::message::{Body, Connect, TYPES};
use super::parser::Exchange;
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

/// A row: name, aliases, kind, help, example, and how it is read.
macro_rules! row {
    ($name:literal [$($alias:literal)*] $kind:expr, $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: $kind,
            eve: "",
            side: Side::Either,
            stage: Stage::Body,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

const fn number(names: &'static [(&'static str, u64)]) -> Kind {
    Kind::Int { bits: 8, names }
}

const FLAGS: &[(&str, u64)] = &[("&dup", 0x08), ("&retain", 0x01)];
const CONNECT_FLAGS: &[(&str, u64)] = &[
    ("&username", 0x80),
    ("&password", 0x40),
    ("&will_retain", 0x20),
    ("&will", 0x04),
    ("&clean_session", 0x02),
];
const TRUTH: &[(&str, u64)] = &[("true", 1), ("yes", 1), ("false", 0), ("no", 0)];

fn connects(exchange: &Exchange) -> impl Iterator<Item = &Connect> {
    exchange.messages.iter().filter_map(|message| match &message.body {
        Body::Connect(connect) => Some(&**connect),
        _ => None,
    })
}

fn bytes(value: &[u8], sink: Sink<'_>) {
    if !value.is_empty() {
        sink(Value::Bytes(value));
    }
}

fn codes(exchange: &Exchange, sink: Sink<'_>) {
    let mut code = |code: u8| sink(Value::Int(code.into()));
    for message in &exchange.messages {
        match &message.body {
            Body::ConnectAck { code: found, .. } => code(*found),
            Body::Ack { reason: Some(found), .. } | Body::Reason { reason: Some(found), .. } => {
                code(*found);
            }
            Body::Codes { codes, .. } => codes.iter().for_each(|found| code(*found)),
            _ => {}
        }
    }
}

impl Fields for Exchange {
    const FIELDS: &'static [Field<Self>] = &[
        row!("mqtt.type" [] number(TYPES), "Type of each message." "mqtt.type:PUBLISH;",
            |all, sink| all.messages.iter().for_each(|m| sink(Value::Int(m.kind().into())))),
        row!("mqtt.flags" [] number(FLAGS), "Flags of each message: sent again, to be kept."
            "mqtt.flags:retain,!dup;",
            |all, sink| all.messages.iter().for_each(|m| sink(Value::Int((m.first & 0x0f).into())))),
        row!("mqtt.qos" [] number(&[]), "Quality of service of each message." "mqtt.qos:1;",
            |all, sink| all.messages.iter().for_each(|m| sink(Value::Int(m.qos().into())))),
        row!("mqtt.protocol_version" [] number(&[]), "Version: 3 for 3.1, 4 for 3.1.1, 5."
            "mqtt.protocol_version:5;", |all, sink| sink(Value::Int(all.version.into()))),
        row!("mqtt.reason_code" ["mqtt.connack.return_code"] number(&[]),
            "Each reason or return code." "mqtt.reason_code:>127;", codes),
        row!("mqtt.connack.session_present" [] number(TRUTH), "Whether the broker remembers the client."
        "mqtt.connack.session_present:yes;",
        |all, sink| for message in &all.messages {
            if let Body::ConnectAck { session_present, .. } = message.body {
                sink(Value::Int(session_present.into()));
            }
        }),
        row!("mqtt.connect.flags" [] number(CONNECT_FLAGS), "Flags of CONNECT."
            "mqtt.connect.flags:username,!will_retain;",
            |all, sink| connects(all).for_each(|c| sink(Value::Int(c.flags.into())))),
        row!("mqtt.connect.protocol_string" [] Kind::Bytes, "Name of the protocol in CONNECT."
            r#"mqtt.connect.protocol_string; content:"MQTT";"#,
            |all, sink| connects(all).for_each(|c| bytes(&c.name, sink))),
        row!("mqtt.connect.clientid" [] Kind::Bytes, "What the client calls itself."
            r#"mqtt.connect.clientid; content:"pump";"#,
            |all, sink| connects(all).for_each(|c| bytes(&c.client_id, sink))),
        row!("mqtt.connect.username" [] Kind::Bytes, "User in CONNECT."
            r#"mqtt.connect.username; content:"anna";"#,
            |all, sink| connects(all).flat_map(|c| &c.username).for_each(|t| bytes(t, sink))),
        row!("mqtt.connect.password" [] Kind::Bytes, "Password in CONNECT."
            r#"mqtt.connect.password; content:"secret";"#,
            |all, sink| connects(all).flat_map(|c| &c.password).for_each(|t| bytes(t, sink))),
        row!("mqtt.connect.willtopic" [] Kind::Bytes, "Topic of the will in CONNECT."
            r#"mqtt.connect.willtopic; content:"lost";"#,
            |all, sink| connects(all).flat_map(|c| &c.will).for_each(|w| bytes(&w.0, sink))),
        row!("mqtt.connect.willmessage" [] Kind::Bytes, "Content of the will in CONNECT."
            r#"mqtt.connect.willmessage; content:"gone";"#,
            |all, sink| connects(all).flat_map(|c| &c.will).for_each(|w| bytes(&w.1, sink))),
        row!("mqtt.publish.topic" [] Kind::Bytes, "Topic of a published message."
        r#"mqtt.publish.topic; content:"plant/";"#,
        |all, sink| for message in &all.messages {
            if let Body::Publish { topic, .. } = &message.body {
                bytes(topic, sink);
            }
        }),
        row!("mqtt.publish.message" [] Kind::Bytes, "Content of a published message."
        r#"mqtt.publish.message; content:"21.5";"#,
        |all, sink| for message in &all.messages {
            if let Body::Publish { message, .. } = &message.body {
                bytes(message, sink);
            }
        }),
        row!("mqtt.subscribe.topic" [] Kind::Bytes, "Each topic subscribed to."
        r#"mqtt.subscribe.topic; content:"plant/#";"#,
        |all, sink| for message in &all.messages {
            if let Body::Subscribe { topics, .. } = &message.body {
                topics.iter().for_each(|(topic, _)| bytes(topic, sink));
            }
        }),
        row!("mqtt.unsubscribe.topic" [] Kind::Bytes, "Each topic no longer subscribed to."
        r#"mqtt.unsubscribe.topic; content:"plant/#";"#,
        |all, sink| for message in &all.messages {
            if let Body::Unsubscribe { topics, .. } = &message.body {
                topics.iter().for_each(|topic| bytes(topic, sink));
            }
        }),
    ];
}
