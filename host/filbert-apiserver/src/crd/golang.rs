//! How Go prints values, because Kubernetes' messages are made of it.

use serde_json::{Number, Value};
use std::fmt::Write;

/// `%v`
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number_text(number, plain_float),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{key}:{}", plain(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// `%T` of a value decoded from JSON.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// What `encoding/json` says of a text that is no JSON.
pub(crate) fn json_error(text: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let text = text.trim_ascii_start();
    let first = text.first().copied().unwrap_or_default();
    for literal in ["true", "false", "null"] {
        let wrong = text.iter().zip(literal.bytes()).find(|(found, wanted)| **found != *wanted);
        if let (true, Some((found, wanted))) = (literal.starts_with(char::from(first)), wrong) {
            let (found, wanted) = (char::from(*found), char::from(wanted));
            return format!("invalid character {found:?} in literal {literal} (expecting {wanted:?})");
        }
    }
    if !b"{[\"-0123456789tfn".contains(&first) {
        return format!("invalid character {:?} looking for beginning of value", char::from(first));
    }
    error.to_string()
}

fn number_text(number: &Number, float_text: fn(f64) -> String) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole.to_string(),
        (None, Some(float)) => float_text(float),
        (None, None) => number.to_string(),
    }
}

/// `%v` of a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn plain_float(float: f64) -> String {
    float_text(float, 1e-4, 1e6)
}

/// A float as `encoding/json` writes it: an exponent below 1e-6 and from 1e21 on.
fn json_float(float: f64) -> String {
    float_text(float, 1e-6, 1e21)
}

fn float_text(float: f64, least: f64, most: f64) -> String {
    if float == 0.0 || (least..most).contains(&float.abs()) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

/// `encoding/json`: keys sorted, and the characters that HTML gives a meaning escaped.
pub(crate) fn json(value: &Value) -> String {
    if let Value::String(_) = value {
        // A text by itself is printed with `%q`, which escapes less.
        return value.to_string();
    }
    let mut text = String::new();
    write_json(value, &mut text);
    text
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_string(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::String(text) => json_string(text, out),
        Value::Number(number) => out.push_str(&number_text(number, json_float)),
        other => out.push_str(&other.to_string()),
    }
}

/// A JSON string as `encoding/json` writes it.
pub(crate) fn json_string(text: &str, out: &mut String) {
    for letter in Value::String(text.to_owned()).to_string().chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn floats_print_as_in_go() {
        for (float, text) in
            [(2.0, "2"), (1.5, "1.5"), (999_999.0, "999999"), (2_147_483_647.0, "2.147483647e+09"), (0.00001, "1e-05")]
        {
            assert_eq!(plain_float(float), text);
        }
    }

    #[test]
    fn structures_print_as_in_go() {
        assert_eq!(plain(&json!({"b": [1, "x"], "a": null})), "map[a:<nil> b:[1 x]]");
        assert_eq!(json(&json!({"b": "a > 1", "a": 2.0})), r#"{"a":2,"b":"a \u003e 1"}"#);
    }
}
