//! The published shape of EVE: what every record has, and the objects of each protocol.

use serde_json::{Map, Value, json};

use crate::outputs::eve::SCHEMA;
use crate::protocols::PROTOCOLS;

/// The JSON schema of a line of `eve.json`.
///
/// # Errors
/// When a part of it is no JSON object; the parts are of the binary itself.
pub fn published() -> serde_json::Result<Value> {
    let mut schema: Map<String, Value> = serde_json::from_str(SCHEMA)?;
    for protocol in PROTOCOLS.iter().filter(|protocol| !protocol.schema.is_empty()) {
        let part: Map<String, Value> = serde_json::from_str(protocol.schema)?;
        for (group, members) in part {
            let known = schema.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if let (Value::Object(known), Value::Object(members)) = (known, members) {
                known.extend(members);
            }
        }
    }
    let mut events: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.eve).collect();
    events.retain(|name| !name.is_empty());
    events.sort_unstable();
    events.dedup();
    if let Some(Value::Array(kinds)) = schema
        .get_mut("properties")
        .and_then(|properties| properties.pointer_mut("/event_type/enum"))
    {
        kinds.extend(events.iter().map(|name| json!(name)));
    }
    if let Some(Value::Array(all)) = schema.get_mut("allOf") {
        all.extend(events.iter().map(|name| {
            json!({
                "if": {"properties": {"event_type": {"const": name}}, "required": ["event_type"]},
                "then": {"required": [name]},
            })
        }));
    }
    Ok(Value::Object(schema))
}
