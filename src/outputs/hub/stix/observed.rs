//! What was observed: the external end, the conversation with it, names; and the raw fact.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::{id, kind_of, marking_id, observable_time};
use crate::outputs::hub::cleared::{Cleared, Infrastructure, Party};
use crate::outputs::hub::time::millis;

/// The observables and, last, the observed-data that refers to them; nothing when there is no
/// external end and no name.
pub(super) fn objects(of: &Cleared, author: &str) -> Vec<Value> {
    let mut objects = Vec::new();
    let external = |party: &Option<Party>| match party {
        Some(Party::External { address, .. }) => Some(*address),
        _ => None,
    };
    let (source, destination) = (external(&of.source), external(&of.destination));
    for address in [source, destination].into_iter().flatten() {
        objects.push(observable(kind_of(address), &address.to_string()));
    }
    if let Some(traffic) = traffic(of, source, destination) {
        objects.push(traffic);
    }
    for what in &of.infrastructure {
        if let Infrastructure::Domain(domain) = what {
            objects.push(observable("domain-name", domain));
        }
    }
    if objects.is_empty() {
        return objects;
    }
    let refs: Vec<Value> = objects.iter().filter_map(|object| object.get("id").cloned()).collect();
    let at = millis(of.at);
    objects.push(json!({
        "type": "observed-data",
        "spec_version": "2.1",
        "id": id::object("observed-data", &format!("{author}|{}", of.key)),
        "created_by_ref": author,
        "created": at,
        "modified": at,
        "first_observed": millis(of.began),
        "last_observed": at,
        "number_observed": 1,
        "object_refs": refs,
        "object_marking_refs": [marking_id(of.tlp)],
    }));
    objects
}

fn observable(kind: &str, value: &str) -> Value {
    json!({
        "type": kind,
        "spec_version": "2.1",
        "id": id::observable(kind, &json!({ "value": value })),
        "value": value,
    })
}

/// The conversation with the external end; `None` when both ends are of the site, as one has to be
/// told.
fn traffic(of: &Cleared, source: Option<IpAddr>, destination: Option<IpAddr>) -> Option<Value> {
    let address = source.or(destination)?;
    let mut protocols = vec![if address.is_ipv4() { "ipv4" } else { "ipv6" }];
    protocols.extend(of.transport.as_deref());
    protocols.extend(of.application.as_deref());
    let mut contributing = Map::new();
    let mut add = |key: &str, value: Value| {
        contributing.insert(key.to_owned(), value);
    };
    for (key, address) in [("src_ref", source), ("dst_ref", destination)] {
        if let Some(address) = address {
            let value = json!({ "value": address.to_string() });
            add(key, json!(id::observable(kind_of(address), &value)));
        }
    }
    for (key, party) in [("src_port", &of.source), ("dst_port", &of.destination)] {
        if let Some(Party::External { port, .. } | Party::Internal { port, .. }) = party
            && let Some(port) = port
        {
            add(key, json!(port));
        }
    }
    add("start", json!(observable_time(of.began)));
    add("end", json!(observable_time(of.at)));
    add("protocols", json!(protocols));
    let id = id::observable("network-traffic", &Value::Object(contributing.clone()));
    let mut traffic = contributing;
    let mut add = |key: &str, value: Value| {
        traffic.insert(key.to_owned(), value);
    };
    add("type", json!("network-traffic"));
    add("spec_version", json!("2.1"));
    add("id", json!(id));
    add("is_active", json!(false));
    if let Some(counters) = of.counters {
        let [packets_there, packets_back] = counters.packets;
        let [bytes_there, bytes_back] = counters.bytes;
        for (key, count) in [
            ("src_packets", packets_there),
            ("dst_packets", packets_back),
            ("src_byte_count", bytes_there),
            ("dst_byte_count", bytes_back),
        ] {
            add(key, json!(count));
        }
    }
    Some(Value::Object(traffic))
}
