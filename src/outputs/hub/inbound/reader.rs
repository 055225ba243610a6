//! Files of objects, read one object after the other: of each only what matters here is ever held.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What of an object matters: of indicators and of the names of their authors. Their values are no
/// lists and no objects.
const KEYS: &[&str] = &[
    "type",
    "id",
    "modified",
    "created_by_ref",
    "name",
    "pattern_type",
    "pattern",
    "valid_from",
    "valid_until",
    "confidence",
    "revoked",
];

/// Gives the objects in a text one by one: a bundle or an envelope, a list, or one object a line. Of
/// each only what indicators and names of authors are made of. What cannot be read is passed over;
/// how often is the result.
pub fn objects(content: &[u8], take: &mut dyn FnMut(&Value)) -> usize {
    if !is_of_lines(content) {
        let mut is_any = false;
        let unreadable = whole(content, &mut |object| {
            is_any = true;
            take(object);
        });
        if is_any || unreadable == 0 {
            return unreadable;
        }
    }
    // Also when the first line was cut off.
    let lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty()).map(|line| whole(line, take)).sum()
}

/// Whether the first line is a whole, or nothing at all, and others follow.
fn is_of_lines(content: &[u8]) -> bool {
    let content = content.trim_ascii();
    let Some(end) = content.iter().position(|byte| *byte == b'\n') else { return false };
    let first = content.get(..end).unwrap_or_default();
    serde_json::from_slice::<IgnoredAny>(first).map_or_else(|error| !error.is_eof(), |_| true)
}

/// One value: 1 when it, or something behind it, cannot be read.
fn whole(content: &[u8], take: &mut dyn FnMut(&Value)) -> usize {
    let mut json = serde_json::Deserializer::from_slice(content);
    let read = Whole(take).deserialize(&mut json).and_then(|()| json.end());
    usize::from(read.is_err())
}

/// A bundle, an envelope, a list or an object.
struct Whole<'a>(&'a mut dyn FnMut(&Value));

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a bundle, a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(object) = list.next_element_seed(Object)? {
            (self.0)(&object);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut own = Map::new();
        let mut is_bundle = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "objects" {
                is_bundle = true;
                map.next_value_seed(Objects(&mut *self.0))?;
            } else {
                property(&mut own, key, &mut map)?;
            }
        }
        if !is_bundle {
            (self.0)(&Value::Object(own));
        }
        Ok(())
    }
}

/// The list of a bundle. Anything else in its place holds nothing.
struct Objects<'a>(&'a mut dyn FnMut(&Value));

impl<'de> DeserializeSeed<'de> for Objects<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        Whole(self.0).visit_seq(list)
    }
}

/// An object, of which what matters is kept; anything else is nothing.
struct Object;

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(Kept { within: true })
    }
}

/// A value: of an object with what matters of it, or one that holds no others.
struct Kept {
    within: bool,
}

impl<'de> DeserializeSeed<'de> for Kept {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kept {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E>(self, of: bool) -> Result<Value, E> {
        Ok(of.into())
    }

    fn visit_u64<E>(self, of: u64) -> Result<Value, E> {
        Ok(of.into())
    }

    fn visit_i64<E>(self, of: i64) -> Result<Value, E> {
        Ok(of.into())
    }

    fn visit_f64<E>(self, of: f64) -> Result<Value, E> {
        Ok(of.into())
    }

    fn visit_str<E>(self, of: &str) -> Result<Value, E> {
        Ok(of.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut own = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if self.within {
                property(&mut own, key, &mut map)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(if self.within { Value::Object(own) } else { Value::Null })
    }
}

/// Puts a property to the others if it matters.
fn property<'de, A: MapAccess<'de>>(
    own: &mut Map<String, Value>,
    key: String,
    map: &mut A,
) -> Result<(), A::Error> {
    if KEYS.contains(&key.as_str()) {
        own.insert(key, map.next_value_seed(Kept { within: false })?);
    } else {
        map.next_value::<IgnoredAny>()?;
    }
    Ok(())
}
