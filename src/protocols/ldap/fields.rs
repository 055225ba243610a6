//! What rules read from a request and its responses.

use super::codes::{OPERATIONS, RESULTS};
use super::message::{Body, Message, Outcome};
use super::parser::Exchange;
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

/// A row: name, side, kind, help, example, and how it is read.
macro_rules! row {
    ($name:literal $side:ident $kind:expr, $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: $kind,
            eve: "",
            side: Side::$side,
            stage: Stage::Body,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

fn outcomes(exchange: &Exchange) -> impl Iterator<Item = &Outcome> {
    exchange.responses.iter().filter_map(|response| match &response.body {
        Body::Result(outcome, ..) => Some(outcome),
        _ => None,
    })
}

/// The name of the entry that a message is about.
fn dn(message: &Message) -> Option<&[u8]> {
    Some(match &message.body {
        Body::Bind { name, .. }
        | Body::Entry(name, _)
        | Body::Modify(name, _)
        | Body::Delete(name)
        | Body::Rename { entry: name, .. }
        | Body::Compare(name, ..) => name,
        Body::Search(search) => &search.base,
        Body::Result(outcome, ..) => &outcome.matched_dn,
        _ => return None,
    })
}

fn attribute_types(message: &Message, sink: Sink<'_>) {
    match &message.body {
        Body::Search(search) => search.attributes.iter().for_each(|a| sink(Value::Bytes(a))),
        Body::Modify(_, changes) => changes.iter().for_each(|(_, a)| sink(Value::Bytes(&a.name))),
        Body::Entry(_, all) => all.iter().for_each(|a| sink(Value::Bytes(&a.name))),
        Body::Compare(_, description, _) => sink(Value::Bytes(description)),
        _ => {}
    }
}

impl Fields for Exchange {
    const FIELDS: &'static [Field<Self>] = &[
        row!("ldap.request.operation" Request Kind::Int { bits: 8, names: OPERATIONS },
            "Operation of the request." "ldap.request.operation:search_request;",
            |all, sink| all.request.iter().for_each(|m| sink(Value::Int(m.code.into())))),
        row!("ldap.request.dn" Request Kind::Bytes, "Name of the entry that the request is about."
        r#"ldap.request.dn; content:"dc=example";"#,
        |all, sink| if let Some(name) = all.request.as_ref().and_then(dn) {
            sink(Value::Bytes(name));
        }),
        row!("ldap.request.attribute_type" Request Kind::Bytes,
            "Each attribute that the request names." r#"ldap.request.attribute_type; content:"cn";"#,
            |all, sink| all.request.iter().for_each(|m| attribute_types(m, sink))),
        row!("ldap.responses.operation" Response Kind::Int { bits: 8, names: OPERATIONS },
            "Operation of each response." "ldap.responses.operation:search_result_entry;",
            |all, sink| all.responses.iter().for_each(|m| sink(Value::Int(m.code.into())))),
        row!("ldap.responses.count" Response Kind::Int { bits: 32, names: &[] },
            "How many responses there are." "ldap.responses.count:>1;",
            |all, sink| sink(Value::Int(all.responses.len() as u64))),
        row!("ldap.responses.dn" Response Kind::Bytes,
            "Name of the entry that each response is about."
            r#"ldap.responses.dn; content:"cn=anna";"#,
            |all, sink| all.responses.iter().filter_map(dn).for_each(|n| sink(Value::Bytes(n)))),
        row!("ldap.responses.result_code" Response Kind::Int { bits: 32, names: RESULTS },
            "Result in each response that has one." "ldap.responses.result_code:success;",
            |all, sink| outcomes(all).for_each(|o| sink(Value::Int(o.code.into())))),
        row!("ldap.responses.message" Response Kind::Bytes, "Result in words, in each response."
            r#"ldap.responses.message; content:"size limit";"#,
            |all, sink| outcomes(all).for_each(|o| sink(Value::Bytes(&o.message)))),
        row!("ldap.responses.attribute_type" Response Kind::Bytes,
            "Each attribute that the responses name."
            r#"ldap.responses.attribute_type; content:"mail";"#,
            |all, sink| all.responses.iter().for_each(|m| attribute_types(m, sink))),
    ];
}
