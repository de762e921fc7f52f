//! Printer columns and selectable fields of a definition.

use crate::error::{FieldError, FieldErrors};
use serde_json::Value;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 9] =
    ["binary", "byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/// The most selectable fields a version may have.
const MAX_SELECTABLE: usize = 8;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn check_columns(columns: Option<&Value>, at: &str, errors: &mut FieldErrors) {
    for (index, column) in items(columns).iter().enumerate() {
        let at = format!("{at}[{index}]");
        if text(column, "name").is_empty() {
            errors.push(FieldError::required(format!("{at}.name"), ""));
        }
        let one_of = |allowed: &[&str]| format!("must be one of {}", allowed.join(","));
        match text(column, "type") {
            "" => errors.push(FieldError::required(format!("{at}.type"), one_of(&COLUMN_TYPES))),
            known if COLUMN_TYPES.contains(&known) => {}
            other => errors.push(FieldError::invalid(format!("{at}.type"), other, one_of(&COLUMN_TYPES))),
        }
        let format = text(column, "format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            errors.push(FieldError::invalid(format!("{at}.format"), format, one_of(&COLUMN_FORMATS)));
        }
        let path = text(column, "jsonPath");
        if path.is_empty() {
            errors.push(FieldError::required(format!("{at}.JSONPath"), ""));
        } else if !path.starts_with('.') {
            let detail = "must be a simple json path starting with .";
            errors.push(FieldError::invalid(format!("{at}.JSONPath"), path, detail));
        }
    }
}

pub(super) fn check_selectable(fields: Option<&Value>, schema: &Value, at: &str, errors: &mut FieldErrors) {
    let fields = items(fields);
    if fields.len() > MAX_SELECTABLE {
        errors.push(FieldError::too_many(at, fields.len(), MAX_SELECTABLE));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let at = format!("{at}[{index}].jsonPath");
        let path = text(field, "jsonPath");
        if path.is_empty() {
            errors.push(FieldError::required(at, ""));
            continue;
        }
        if seen.contains(&path) {
            errors.push(FieldError::duplicate(at.as_str(), path));
        }
        seen.push(path);
        let mut found = Some(schema);
        for name in path.trim_start_matches('.').split('.') {
            found = found.and_then(|schema| schema.get("properties")?.get(name));
        }
        match found.map(|schema| text(schema, "type")) {
            None => {
                let detail = "is an invalid path: does not refer to a valid field";
                errors.push(FieldError::invalid(at, path, detail));
            }
            Some("string" | "boolean" | "integer") => {}
            Some(_) => {
                let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
                errors.push(FieldError::invalid(at, path, detail));
            }
        }
    }
}
