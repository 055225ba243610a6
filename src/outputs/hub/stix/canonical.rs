//! Canonical JSON (RFC 8785): sorted keys, no spaces, numbers as ECMAScript writes them.

use serde_json::Value;

/// The canonical text of `value`.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(list) => {
            out.push('[');
            for (number, item) in list.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            let mut keys: Vec<&String> = object.keys().collect();
            // By UTF-16 units, as the RFC wants it: they order otherwise than characters do.
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (number, key) in keys.into_iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                // Its escapes of texts are those of the RFC.
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(object.get(key).unwrap_or(&Value::Null), out);
            }
            out.push('}');
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&float_text(float)),
            _ => out.push_str(&number.to_string()),
        },
        _ => out.push_str(&value.to_string()),
    }
}

/// As ECMAScript's Number::toString: the shortest digits, an exponent from 1e21 and below 1e-6.
fn float_text(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The examples of the RFC (3.2.3 and appendix B).
    #[test]
    fn as_the_rfc_shows_it() {
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew",
            "1": "One", "\u{1f600}": "Emoji", "\u{80}": "Control", "\u{f6}": "Latin",
        });
        let order: Vec<String> = text(&value)
            .split("\",\"")
            .map(|pair| pair.split("\":\"").last().map(str::to_owned))
            .map(Option::unwrap_or_default)
            .collect();
        let names =
            ["Carriage Return", "One", "Control", "Latin", "Euro Sign", "Emoji", "Hebrew\"}"];
        assert_eq!(order, names);
        for (value, wanted) in [
            (333_333_333.333_333_3, "333333333.3333333"),
            (1e30, "1e+30"),
            (4.5, "4.5"),
            (2e-3, "0.002"),
            (1e-27, "1e-27"),
            (-0.0, "0"),
            (1e21, "1e+21"),
            (999_999_999_999_999_900_000.0, "999999999999999900000"),
            (1e-6, "0.000001"),
        ] {
            assert_eq!(text(&json!([value])), format!("[{wanted}]"));
        }
        assert_eq!(
            text(&json!({ "b": [1, true, null], "a": "\u{8}\u{1f}\"" })),
            "{\"a\":\"\\b\\u001f\\\"\",\"b\":[1,true,null]}"
        );
    }
}
