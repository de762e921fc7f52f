//! Pods from templates.

use super::{MARK, owner_reference};
use crate::core::set;
use serde_json::{Value, json};

/// A pod as `template` describes it, controlled by `owner`, with more labels.
pub(super) fn pod(
    owner: &Value,
    template: &Value,
    name: Option<&str>,
    generate: &str,
    labels: &[(&str, &str)],
) -> Value {
    let mut metadata = template.get("metadata").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    match name {
        Some(name) => set(&mut metadata, "name", name.into()),
        None => set(&mut metadata, "generateName", generate.into()),
    }
    set(&mut metadata, "ownerReferences", owner_reference(owner));
    for (field, values) in [("labels", labels), ("annotations", &[(MARK, "true")][..])] {
        if let Some(metadata) = metadata.as_object_mut() {
            let map = metadata.entry(field).or_insert_with(|| json!({}));
            for (name, value) in values {
                set(map, name, (*value).into());
            }
        }
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
    })
}
