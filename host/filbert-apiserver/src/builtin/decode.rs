//! What decoding a built-in kind finds: fields that nobody knows and values of the wrong type.
//!
//! The messages are those of Go's decoder, which names the innermost structure and the path from the root.

use super::quantity::{self, Quantity};
use crate::crd::path::Path;
use crate::openapi::TypeSchema;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Strings that are pointers in the server's types: an empty one stays.
const KEPT_EMPTY: [&str; 6] =
    ["storageClassName", "type", "ingressClassName", "volumeAttributesClassName", "name", "gateway"];

/// Times that are there even when nobody set them.
const KEPT_NULL: [&str; 1] = ["lastProbeTime"];

/// Switches that are plain in the server's types: a false one is the same as none.
const DROPPED_FALSE: [&str; 11] = [
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "paused",
    "publishNotReadyAddresses",
    "readOnly",
    "stdin",
    "stdinOnce",
    "tty",
    "unschedulable",
    "includeUninitialized",
];

/// The paths of fields that the kind does not have; those of the metadata first.
pub(super) fn unknown_fields(schema: TypeSchema, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_unknown(schema, object, &Path::Root, &mut found);
    found.sort_by_key(|path| !path.starts_with("metadata."));
    found
}

fn collect_unknown(schema: TypeSchema, value: &Value, path: &Path<'_>, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let here = path.field(name);
                match schema.property(name).or_else(|| schema.values()) {
                    Some(field) => collect_unknown(field, value, &here, found),
                    None if schema.is_closed() => found.push(here.to_string()),
                    None => {}
                }
            }
        }
        Value::Array(items) => {
            if let Some(nested) = schema.items() {
                for (index, item) in items.iter().enumerate() {
                    collect_unknown(nested, item, &path.index(index), found);
                }
            }
        }
        _ => {}
    }
}

/// The decoder's complaint about the first value of a wrong type.
pub(super) fn type_error(schema: TypeSchema, object: &Value) -> Option<String> {
    check(schema, object, schema.short_name(), "")
}

/// `structure` and `at` name the field that holds the value: the innermost structure and the path without list indices.
fn check(schema: TypeSchema, value: &Value, structure: &str, at: &str) -> Option<String> {
    if value.is_null() {
        return None;
    }
    match schema.short_name() {
        "Quantity" => return check_quantity(value),
        "IntOrString" | "JSON" | "FieldsV1" | "RawExtension" => return None,
        "MicroTime" | "Time" => return check_time(schema, value),
        _ => {}
    }
    match (schema.keyword("type"), value) {
        ("object", Value::Object(map)) => {
            let inner = schema.short_name();
            let order = map.iter().filter(|(name, _)| name.as_str() == "metadata");
            let rest = map.iter().filter(|(name, _)| name.as_str() != "metadata");
            for (name, value) in order.chain(rest) {
                let complaint = if let Some(field) = schema.property(name) {
                    let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                    check(field, value, inner, &at)
                } else if let Some(values) = schema.values() {
                    check(values, value, structure, at)
                } else {
                    None
                };
                if complaint.is_some() {
                    return complaint;
                }
            }
            None
        }
        ("array", Value::Array(items)) => {
            let nested = schema.items()?;
            items.iter().find_map(|item| check(nested, item, structure, at))
        }
        ("string", Value::String(text)) if schema.keyword("format") == "byte" => check_base64(text),
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) | ("", _) => None,
        ("integer", Value::Number(number)) if number.is_i64() => None,
        _ => {
            let found = match value {
                Value::Bool(_) => "bool".to_owned(),
                Value::Number(number) if schema.keyword("type") == "integer" => format!("number {number}"),
                Value::Number(_) => "number".to_owned(),
                Value::String(_) => "string".to_owned(),
                Value::Array(_) => "array".to_owned(),
                Value::Object(_) | Value::Null => "object".to_owned(),
            };
            let wanted = go_type(schema);
            Some(format!("json: cannot unmarshal {found} into Go struct field {structure}.{at} of type {wanted}"))
        }
    }
}

/// The type as Go writes it.
fn go_type(schema: TypeSchema) -> String {
    if !schema.short_name().is_empty() {
        return format!("{}.{}", schema.package(), schema.short_name());
    }
    match schema.keyword("type") {
        "string" => "string".to_owned(),
        "boolean" => "bool".to_owned(),
        "number" => "float64".to_owned(),
        "integer" => match schema.keyword("format") {
            "int32" => "int32".to_owned(),
            _ => "int64".to_owned(),
        },
        "array" => format!("[]{}", schema.items().map(go_type).unwrap_or_default()),
        _ => format!("map[string]{}", schema.values().map(go_type).unwrap_or_default()),
    }
}

fn check_quantity(value: &Value) -> Option<String> {
    let good = match value {
        Value::String(text) => Quantity::parse(text).is_some(),
        Value::Number(number) => Quantity::parse(&number.to_string()).is_some(),
        _ => false,
    };
    (!good).then(|| quantity::MALFORMED.to_owned())
}

fn check_time(schema: TypeSchema, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let micro = schema.short_name() == "MicroTime";
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let complain = |rest: &str, wanted: &str| {
        Some(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {wanted:?}"))
    };
    if text.parse::<jiff::Timestamp>().is_err() {
        return complain(text, "2006");
    }
    if micro {
        let tail = text.get(19..).unwrap_or_default();
        let digits = tail.strip_prefix('.').map_or(0, |tail| tail.chars().take_while(char::is_ascii_digit).count());
        if digits != 6 {
            return complain(tail, ".000000");
        }
    }
    None
}

fn check_base64(text: &str) -> Option<String> {
    let at = match STANDARD.decode(text) {
        Ok(_) => return None,
        Err(base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _)) => at,
        Err(_) => text.len(),
    };
    Some(format!("illegal base64 data at input byte {at}"))
}

/// Brings an object into the form in which the server writes it: no unknown fields, nulls and empty values of optional fields,
/// quantities in their canonical form.
pub(super) fn normalize(schema: TypeSchema, value: &mut Value) {
    if schema.short_name() == "Quantity" {
        let text = match &*value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if let Some(quantity) = Quantity::parse(&text) {
            *value = quantity.canonical().into();
        }
        return;
    }
    match value {
        Value::Object(map) => {
            if schema.is_closed() {
                map.retain(|name, value| match schema.property(name) {
                    None => false,
                    Some(field) => schema.is_required(name) || !is_nothing(field, name, value),
                });
            }
            for (name, value) in map.iter_mut() {
                if let Some(field) = schema.property(name).or_else(|| schema.values()) {
                    let is_entry = schema.property(name).is_none();
                    if is_entry && value.is_null() && field.keyword("type") == "string" {
                        // An entry of a map of texts is there even when it says nothing.
                        *value = "".into();
                    }
                    normalize(field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(nested) = schema.items() {
                for item in items {
                    normalize(nested, item);
                }
            }
        }
        _ => {}
    }
}

/// Whether an optional field with this value is left out when it is written.
fn is_nothing(field: TypeSchema, name: &str, value: &Value) -> bool {
    if field.short_name() == "JSON" {
        // Whatever it holds was put there on purpose: the default of a schema may well be empty.
        return value.is_null();
    }
    match value {
        Value::Null => !KEPT_NULL.contains(&name),
        Value::String(text) => text.is_empty() && !KEPT_EMPTY.contains(&name),
        Value::Bool(flag) => !flag && DROPPED_FALSE.contains(&name),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty() && field.values().is_some(),
        Value::Number(_) => false,
    }
}
