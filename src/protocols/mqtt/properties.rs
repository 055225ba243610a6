//! Properties of messages (MQTT 5.0, 2.2.2).

use super::message::{Malformed, length, text};
use crate::field::Tree;
use crate::reader::Reader;

/// Properties that are kept of a message.
const PROPERTIES_MAX: usize = 256;

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// A number.
    Number(u32),
    /// Text or bytes.
    Bytes(Vec<u8>),
    /// A pair that a user made: its name and its value.
    Pair(Vec<u8>, Vec<u8>),
}

/// What kind of value a property has.
enum Shape {
    Byte,
    Two,
    Four,
    Variable,
    Bytes,
    Pair,
}

/// Properties in order: name and value.
#[derive(Debug, Clone, Default)]
pub struct Properties(Vec<(&'static str, Value)>);

/// Name and shape of each identifier (table 2-4).
fn known(identifier: u32) -> Option<(&'static str, Shape)> {
    Some(match identifier {
        1 => ("payload_format_indicator", Shape::Byte),
        2 => ("message_expiry_interval", Shape::Four),
        3 => ("content_type", Shape::Bytes),
        8 => ("response_topic", Shape::Bytes),
        9 => ("correlation_data", Shape::Bytes),
        11 => ("subscription_identifier", Shape::Variable),
        17 => ("session_expiry_interval", Shape::Four),
        18 => ("assigned_client_identifier", Shape::Bytes),
        19 => ("server_keep_alive", Shape::Two),
        21 => ("authentication_method", Shape::Bytes),
        22 => ("authentication_data", Shape::Bytes),
        23 => ("request_problem_information", Shape::Byte),
        24 => ("will_delay_interval", Shape::Four),
        25 => ("request_response_information", Shape::Byte),
        26 => ("response_information", Shape::Bytes),
        28 => ("server_reference", Shape::Bytes),
        31 => ("reason_string", Shape::Bytes),
        33 => ("receive_maximum", Shape::Two),
        34 => ("topic_alias_maximum", Shape::Two),
        35 => ("topic_alias", Shape::Two),
        36 => ("maximum_qos", Shape::Byte),
        37 => ("retain_available", Shape::Byte),
        38 => ("user_property", Shape::Pair),
        39 => ("maximum_packet_size", Shape::Four),
        40 => ("wildcard_subscription_available", Shape::Byte),
        41 => ("subscription_identifier_available", Shape::Byte),
        42 => ("shared_subscription_available", Shape::Byte),
        _ => return None,
    })
}

impl Properties {
    /// Reads them with their length before them; none of a version that has none.
    ///
    /// # Errors
    /// When they do not fit their length or one is unknown.
    pub fn read(reader: &mut Reader<'_>, version: u8) -> Result<Self, Malformed> {
        let mut all = Self::default();
        if version < 5 {
            return Ok(all);
        }
        let size = length(reader)?.ok_or(Malformed)?;
        let mut inside = reader.sub(size).ok_or(Malformed)?;
        while !inside.is_empty() {
            let identifier = length(&mut inside)?.and_then(|id| u32::try_from(id).ok());
            let (name, shape) = identifier.and_then(known).ok_or(Malformed)?;
            let value = Self::value(&mut inside, shape).ok_or(Malformed)?;
            if all.0.len() < PROPERTIES_MAX {
                all.0.push((name, value));
            }
        }
        Ok(all)
    }

    fn value(reader: &mut Reader<'_>, shape: Shape) -> Option<Value> {
        Some(match shape {
            Shape::Byte => Value::Number(reader.u8()?.into()),
            Shape::Two => Value::Number(reader.u16()?.into()),
            Shape::Four => Value::Number(reader.u32()?),
            Shape::Variable => Value::Number(u32::try_from(length(reader).ok()??).ok()?),
            Shape::Bytes => Value::Bytes(text(reader).ok()?),
            Shape::Pair => Value::Pair(text(reader).ok()?, text(reader).ok()?),
        })
    }

    /// Writes them under `properties`, nothing when there are none.
    pub fn describe(&self, tree: &mut dyn Tree) {
        if self.0.is_empty() {
            return;
        }
        tree.object("properties", &mut |tree| {
            for (name, value) in &self.0 {
                match value {
                    Value::Number(number) => tree.int(name, u64::from(*number)),
                    Value::Bytes(bytes) => tree.text(name, bytes),
                    Value::Pair(name, value) => {
                        tree.text(&String::from_utf8_lossy(name), value);
                    }
                }
            }
        });
    }

    /// Bytes they point to, about.
    pub fn memory(&self) -> usize {
        let one = |(_, value): &(&str, Value)| match value {
            Value::Number(_) => 0,
            Value::Bytes(bytes) => bytes.capacity(),
            Value::Pair(name, value) => name.capacity() + value.capacity(),
        };
        self.0.iter().map(|pair| size_of::<(&str, Value)>() + one(pair)).sum()
    }
}
