//! JSON values as CEL values, typed by the schema.

use super::environment;
use crate::crd::schema::{Schema, Type};
use base64::Engine;
use cel::common::types::{CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Converts a value. Fields that the schema does not name are not there for rules; of metadata only the names are.
pub(super) fn convert<'v>(value: &'v Value, schema: Option<&Schema>, resource: bool) -> Box<dyn Val + 'v> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(flag) => Box::new(CelBool::from(*flag)),
        Value::Number(number) => {
            let as_float = schema.is_some_and(|schema| schema.r#type == Some(Type::Number));
            match (number.as_i64(), as_float) {
                (Some(whole), false) => Box::new(CelInt::from(whole)),
                _ => float(number.as_f64().unwrap_or_default(), schema),
            }
        }
        Value::String(text) => string(text, schema),
        Value::Array(items) => {
            let nested = schema.and_then(|schema| schema.items.as_deref());
            let items: Vec<Box<dyn Val + 'v>> = items.iter().map(|item| convert(item, nested, false)).collect();
            Box::new(CelList::from(items))
        }
        Value::Object(map) => object(map, schema, resource || schema.is_some_and(|schema| schema.embedded)),
    }
}

/// A float; for a schema of integers the whole number it stands for.
fn float<'v>(float: f64, schema: Option<&Schema>) -> Box<dyn Val + 'v> {
    let as_int = schema.is_some_and(|schema| schema.r#type == Some(Type::Integer));
    #[expect(clippy::cast_possible_truncation, reason = "validation has refused fractions")]
    if as_int { Box::new(CelInt::from(float as i64)) } else { Box::new(CelDouble::from(float)) }
}

fn string<'v>(text: &'v str, schema: Option<&Schema>) -> Box<dyn Val + 'v> {
    let plain = || Box::new(CelString::from(text)) as Box<dyn Val + 'v>;
    let Some(format) = schema.and_then(|schema| schema.format.as_ref()) else {
        return plain();
    };
    if format.is_byte() {
        return match base64::engine::general_purpose::STANDARD.decode(text) {
            Ok(bytes) => Box::new(CelBytes::from(bytes)),
            Err(_) => plain(),
        };
    }
    let (function, text) = match (format.name.as_str(), format.is_time(), format.is_duration()) {
        ("date", ..) => ("timestamp", format!("{text}T00:00:00Z")),
        (_, true, _) => ("timestamp", text.to_owned()),
        (_, _, true) => ("duration", text.to_owned()),
        _ => return plain(),
    };
    let arguments = vec![CowVal::owned(CelString::from(text))];
    let parse = environment().find_overload(function, &arguments);
    match parse.map(|parse| parse(arguments)) {
        Some(Ok(parsed)) => parsed.into_owned(),
        _ => plain(),
    }
}

fn object<'v>(map: &'v Map<String, Value>, schema: Option<&Schema>, resource: bool) -> Box<dyn Val + 'v> {
    let mut entries: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::with_capacity(map.len());
    for (name, value) in map {
        if resource && name == "metadata" {
            entries.insert(CelMapKey::from("metadata".to_owned()), names(value));
            continue;
        }
        if resource && matches!(name.as_str(), "apiVersion" | "kind") {
            entries.insert(CelMapKey::from(name.clone()), convert(value, None, false));
            continue;
        }
        match schema {
            // Below a schema that knows no fields everything is visible.
            None => {
                entries.insert(CelMapKey::from(name.clone()), convert(value, None, false));
            }
            Some(schema) => {
                if let Some(property) = schema.properties.get(name) {
                    entries.insert(CelMapKey::from(escape(name)), convert(value, Some(property), false));
                } else if let Some(values) = schema.additional_schema() {
                    entries.insert(CelMapKey::from(name.clone()), convert(value, Some(values), false));
                }
            }
        }
    }
    Box::new(CelMap::from(entries))
}

fn names(metadata: &Value) -> Box<dyn Val + '_> {
    let mut entries: HashMap<CelMapKey<'_>, Box<dyn Val + '_>> = HashMap::new();
    for name in ["name", "generateName"] {
        if let Some(value) = metadata.get(name) {
            entries.insert(CelMapKey::from(name.to_owned()), convert(value, None, false));
        }
    }
    Box::new(CelMap::from(entries))
}

/// Words that CEL keeps for itself.
const RESERVED: [&str; 22] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "type",
    "var",
    "void",
    "while",
];

/// The name by which rules know a property.
pub(super) fn escape(name: &str) -> String {
    // `type` is listed as reserved by the language but allowed as a field.
    if RESERVED.contains(&name) && name != "type" {
        return format!("__{name}__");
    }
    if !name.contains(['_', '.', '-', '/']) {
        return name.to_owned();
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
