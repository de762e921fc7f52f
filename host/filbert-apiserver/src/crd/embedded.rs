//! Objects inside objects: `x-kubernetes-embedded-resource`.

use super::path::Path;
use super::schema::Schema;
use crate::builtin::names;
use crate::error::{FieldError, FieldErrors};
use serde_json::Value;

/// Asks for the type and sound metadata of every embedded object.
pub(super) fn check_embedded(value: &Value, schema: &Schema, path: &Path<'_>, errors: &mut FieldErrors) {
    if !schema.below.embedded {
        return;
    }
    match value {
        Value::Object(map) => {
            if schema.embedded {
                check_resource(value, path, errors);
            }
            for (name, value) in map {
                if let Some(field) = schema.field(name) {
                    check_embedded(value, field, &path.field(name), errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(nested) = schema.items.as_deref() else { return };
            for (index, item) in items.iter().enumerate() {
                check_embedded(item, nested, &path.index(index), errors);
            }
        }
        _ => {}
    }
}

fn check_resource(resource: &Value, path: &Path<'_>, errors: &mut FieldErrors) {
    for name in ["apiVersion", "kind"] {
        let at = path.field(name).to_string();
        match resource.get(name) {
            None => errors.push(FieldError::required(at, "")),
            Some(Value::String(text)) if text.is_empty() => {
                errors.push(FieldError::invalid(at, "", "must not be empty"));
            }
            Some(Value::String(text)) if name == "kind" => {
                for message in names::dns_label_1035(&text.to_lowercase()) {
                    let detail = format!("may have mixed case, but should otherwise match: {message}");
                    errors.push(FieldError::invalid(at.as_str(), text.as_str(), detail));
                }
            }
            Some(Value::String(_)) => {}
            Some(other) => errors.push(FieldError::invalid(at, other.clone(), "must be a string")),
        }
    }
}
