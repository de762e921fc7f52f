//! Removing what the schema does not name, and reporting it.

use super::path::Path;
use super::schema::{Additional, Schema};
use serde_json::{Map, Value};

/// The members of `ObjectMeta`, all that the metadata of an object or embedded object may hold.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Prunes a whole object; the paths of what was removed are added to `unknown`, sorted.
pub(super) fn prune_object(object: &mut Value, schema: &Schema, unknown: &mut Vec<String>) {
    let first = unknown.len();
    let mut pruner = Pruner { unknown };
    pruner.value(object, Some(schema), &Path::Root, true);
    if let Some(added) = unknown.get_mut(first..) {
        added.sort();
    }
}

/// As [`prune_object`] for a value that is no object of its own, for example a default.
pub(super) fn prune_value(value: &mut Value, schema: &Schema, unknown: &mut Vec<String>) {
    let mut pruner = Pruner { unknown };
    pruner.value(value, Some(schema), &Path::Root, false);
}

struct Pruner<'a> {
    unknown: &'a mut Vec<String>,
}

impl Pruner<'_> {
    fn value(&mut self, value: &mut Value, schema: Option<&Schema>, path: &Path<'_>, resource: bool) {
        let resource = resource || schema.is_some_and(|schema| schema.embedded);
        match value {
            Value::Object(map) => self.map(map, schema, path, resource),
            Value::Array(list) => {
                let items = schema.and_then(|schema| schema.items.as_deref());
                if items.is_none() && schema.is_some_and(|schema| schema.preserve) {
                    return;
                }
                for (index, item) in list.iter_mut().enumerate() {
                    self.value(item, items, &path.index(index), false);
                }
            }
            _ => {}
        }
    }

    fn map(&mut self, map: &mut Map<String, Value>, schema: Option<&Schema>, path: &Path<'_>, resource: bool) {
        let mut gone = Vec::new();
        for (name, value) in map.iter_mut() {
            let here = path.field(name);
            if resource && matches!(name.as_str(), "apiVersion" | "kind") {
                continue;
            }
            if resource && name == "metadata" {
                self.metadata(value, &here, matches!(path, Path::Root));
                continue;
            }
            let Some(schema) = schema else {
                gone.push(name.clone());
                continue;
            };
            if let Some(property) = schema.properties.get(name) {
                self.value(value, Some(property), &here, false);
                continue;
            }
            match &schema.additional {
                Some(Additional::Anything) => {}
                Some(Additional::Schema(additional)) => self.value(value, Some(additional), &here, false),
                None if schema.preserve => {}
                None => gone.push(name.clone()),
            }
        }
        for name in gone {
            map.remove(&name);
            self.unknown.push(path.field(&name).to_string());
        }
    }

    fn metadata(&mut self, metadata: &mut Value, path: &Path<'_>, of_object: bool) {
        let Value::Object(metadata) = metadata else { return };
        let gone: Vec<String> = metadata.keys().filter(|name| !METADATA.contains(&name.as_str())).cloned().collect();
        for name in gone {
            metadata.remove(&name);
            self.unknown.push(path.field(&name).to_string());
        }
        if !of_object {
            // Embedded metadata goes through the typed form, which leaves no nulls behind.
            metadata.retain(|_, value| !value.is_null());
        }
    }
}
