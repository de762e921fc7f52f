//! Filling in defaults, and dropping nulls where the schema allows none.

use super::schema::Schema;
use serde_json::Value;

/// Defaults `value` in place. A null counts as missing unless the field is nullable.
pub(super) fn default_value(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => {
            for (name, property) in &schema.properties {
                let Some(default) = &property.default else { continue };
                match map.get_mut(name) {
                    None => {
                        map.insert(name.clone(), default.clone());
                    }
                    Some(present) if present.is_null() && !property.nullable => *present = default.clone(),
                    Some(_) => {}
                }
            }
            let additional = schema.additional_schema();
            map.retain(|name, present| {
                let Some(field) = schema.properties.get(name).or(additional) else {
                    return true;
                };
                if present.is_null() && !field.nullable {
                    match &field.default {
                        Some(default) => *present = default.clone(),
                        None => return false,
                    }
                }
                true
            });
            for (name, present) in map.iter_mut() {
                if let Some(field) = schema.properties.get(name).or(additional) {
                    default_value(present, field);
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = schema.items.as_deref() else { return };
            for item in list {
                if item.is_null()
                    && !items.nullable
                    && let Some(default) = &items.default
                {
                    *item = default.clone();
                }
                default_value(item, items);
            }
        }
        _ => {}
    }
}
