//! The annotation of client-side `kubectl apply`: read once, when the same person begins to apply on the server, and
//! kept up from then on.

use super::{compare::differences, field_set::FieldSet, owned::fields_of, schema::MergeSchema};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether a manager is one that may have applied on the client side before.
pub(crate) fn upgrades(manager: &str) -> bool {
    manager == "kubectl"
}

fn annotation(object: &Value) -> Option<&str> {
    let text = object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()?;
    Some(text).filter(|text| !text.is_empty())
}

/// The fields that the annotation says were applied, and that still are as they were.
pub(crate) fn fields_still_as_applied(schema: &MergeSchema, live: &Value, api_version: &str) -> Option<FieldSet> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(api_version) {
        return None;
    }
    let since = differences(schema, &last, live);
    let set = fields_of(schema, &last).difference(&since.modified);
    Some(set.difference(&since.added).difference(&since.removed))
}

/// Keeps the annotation up to date in an object that has it. True where it was changed.
pub(crate) fn note(object: &mut Value, applied: &Value) -> bool {
    let Some(before) = annotation(object) else { return false };
    let now = text_of(applied);
    if before == now {
        return false;
    }
    if let Some(annotations) = object.pointer_mut("/metadata/annotations") {
        annotations[ANNOTATION] = json!(now);
    }
    true
}

/// An applied object as the annotation holds it: keys in order, without the annotation itself, and a line break.
fn text_of(applied: &Value) -> String {
    let mut applied = applied.clone();
    if let Some(Value::Object(annotations)) = applied.pointer_mut("/metadata/annotations") {
        annotations.remove(ANNOTATION);
    }
    let text = in_order(&applied).to_string();
    // These occur within strings only, where they are written escaped.
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    text + "\n"
}

fn in_order(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> = map.iter().map(|(key, value)| (key, in_order(value))).collect();
            sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(in_order).collect(),
        scalar => scalar.clone(),
    }
}
