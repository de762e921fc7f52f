//! Lists that promise unique items: `x-kubernetes-list-type: set` and `map`.

use super::golang;
use super::path::Path;
use super::schema::{ListType, Schema};
use crate::error::{Cause, FieldError, FieldErrors};
use serde_json::{Map, Value};

/// Reports every item that repeats an earlier one.
pub(super) fn check_lists(value: &Value, schema: &Schema, path: &Path<'_>, errors: &mut FieldErrors) {
    if !schema.below.lists {
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(field) = schema.field(name) {
                    check_lists(value, field, &path.field(name), errors);
                }
            }
        }
        Value::Array(items) => {
            match &schema.list_type {
                Some(ListType::Set) => check_unique(items, path, errors, Clone::clone),
                Some(ListType::Map(keys)) => check_unique(items, path, errors, |item| keys_of(item, keys)),
                Some(ListType::Atomic) | None => {}
            }
            let Some(nested) = schema.items.as_deref() else { return };
            for (index, item) in items.iter().enumerate() {
                check_lists(item, nested, &path.index(index), errors);
            }
        }
        _ => {}
    }
}

/// The part of an item that tells it from the others.
pub(super) fn keys_of(item: &Value, keys: &[String]) -> Value {
    let present = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
    Value::Object(present.collect::<Map<_, _>>())
}

/// Each repeated value is reported once, at its second place.
fn check_unique(items: &[Value], path: &Path<'_>, errors: &mut FieldErrors, identity: impl Fn(&Value) -> Value) {
    let identities: Vec<Value> = items.iter().map(identity).collect();
    for (index, item) in identities.iter().enumerate() {
        let earlier = identities.iter().take(index).filter(|other| *other == item).count();
        if earlier == 1 {
            let at = path.index(index).to_string();
            errors.push(match item {
                Value::Object(_) | Value::Array(_) => FieldError::new(Cause::Duplicate, at, None, golang::json(item)),
                scalar => FieldError::duplicate(at, scalar.clone()),
            });
        }
    }
}
