//! What the server itself puts into objects before they are checked and stored.

use super::{WriteOptions, strategy};
use crate::builtin;
use crate::core::set;
use crate::error::FieldErrors;
use crate::merge::{Writer, track_update};
use crate::resource::Resource;
use serde_json::{Map, Value, json};

/// The metadata of an object, made where it is missing.
pub(super) fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let fields = object.as_object_mut()?;
    let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    metadata.as_object_mut()
}

/// Letters of generated names: no vowels, so that no words appear, and no digits that look like letters.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Five letters for a generated name.
pub(crate) fn name_suffix() -> String {
    uuid::Uuid::new_v4()
        .as_bytes()
        .iter()
        .take(5)
        .filter_map(|byte| NAME_LETTERS.get(usize::from(*byte) % NAME_LETTERS.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// Fills in the name from `generateName`. Answers whether it was generated.
pub(super) fn generate_name(object: &mut Value) -> bool {
    let Some(metadata) = metadata(object) else { return false };
    let given = metadata.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let prefix = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default();
    if given || prefix.is_empty() {
        return false;
    }
    let prefix: String = prefix.chars().take(58).collect();
    metadata.insert("name".to_owned(), format!("{prefix}{}", name_suffix()).into());
    true
}

/// Where a new object is; what only the server says of it is taken out.
pub(super) fn place(namespace: Option<&str>, object: &mut Value) {
    let Some(metadata) = metadata(object) else { return };
    let system =
        ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink", "uid"];
    for name in system {
        metadata.remove(name);
    }
    match namespace {
        Some(namespace) => metadata.insert("namespace".to_owned(), namespace.into()),
        None => metadata.remove("namespace"),
    };
}

/// What the admission plugins of the server itself put into a new object.
pub(super) fn admit(resource: &Resource, subresource: &str, object: &mut Value) {
    if resource.custom.is_none() && subresource.is_empty() {
        builtin::admit(&resource.group, &resource.kind, object);
    }
}

/// System metadata and status of an object about to be created.
pub(super) fn for_create(resource: &Resource, object: &mut Value, options: &WriteOptions) {
    let Some(metadata) = metadata(object) else { return };
    metadata.insert("uid".to_owned(), uuid::Uuid::new_v4().to_string().into());
    metadata.insert("creationTimestamp".to_owned(), options.now.as_str().into());
    if strategy::counts_generations(resource) {
        metadata.insert("generation".to_owned(), 1.into());
    }
    if resource.custom.is_none() {
        builtin::identify(&resource.group, &resource.kind, object);
    }
    if let Some(finalizer) = strategy::protection(resource)
        && let Some(metadata) = self::metadata(object)
    {
        let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
        if let Some(finalizers) = finalizers.as_array_mut().filter(|list| !list.iter().any(|found| found == finalizer))
        {
            finalizers.push(finalizer.into());
        }
    }
    if resource.is("", "PersistentVolume")
        && let Some(status) = object.get_mut("status")
    {
        set(status, "lastPhaseTransitionTime", options.now.as_str().into());
    }
    if resource.is("", "Namespace")
        && let Some(fields) = object.as_object_mut()
    {
        let spec = fields.entry("spec").or_insert_with(|| json!({}));
        if spec.get("finalizers").is_none() {
            set(spec, "finalizers", json!(["kubernetes"]));
        }
    }
}

/// What a creator may not say: the status, and the deletion of what is not there yet.
pub(super) fn reset(resource: &Resource, object: &mut Value) {
    if let Some(metadata) = metadata(object) {
        metadata.remove("deletionTimestamp");
        metadata.remove("deletionGracePeriodSeconds");
    }
    if strategy::has_status(resource) && !strategy::keeps_first_status(resource) {
        reset_status(resource, object);
    }
}

/// The label that every namespace has; its creator owns it.
pub(super) fn label_namespace(resource: &Resource, object: &mut Value) {
    if !resource.is("", "Namespace") {
        return;
    }
    let name = crate::core::text(object, "/metadata/name").to_owned();
    if let Some(metadata) = metadata(object) {
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        set(labels, "kubernetes.io/metadata.name", name.into());
    }
}

fn reset_status(resource: &Resource, object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(phase) = strategy::first_phase(resource) {
            fields.insert("status".to_owned(), json!({ "phase": phase }));
        }
    }
}

/// Notes who owns what after a write that is no apply; `managed` is what apply has found out already.
pub(super) fn track(
    resource: &Resource,
    subresource: &str,
    old: Option<&Value>,
    new: &mut Value,
    options: &WriteOptions,
    managed: Option<Value>,
) {
    if let Some(managed) = managed {
        if let Some(metadata) = metadata(new) {
            if managed.as_array().is_some_and(|entries| !entries.is_empty()) {
                metadata.insert("managedFields".to_owned(), managed);
            } else {
                metadata.remove("managedFields");
            }
        }
        return;
    }
    if let Some(schema) = resource.merge() {
        let api_version = resource.api_version();
        let writer = Writer { manager: &options.manager, api_version: &api_version, subresource, now: &options.now };
        track_update(old, new, &writer, schema);
    }
}

/// Fills in what nobody wrote.
pub(super) fn defaults(resource: &Resource, object: &mut Value) {
    match &resource.custom {
        Some(custom) => custom.schema.default(object),
        None => builtin::default(&resource.group, &resource.version, &resource.kind, object),
    }
}

/// Everything that is wrong with an object.
pub(super) fn validate(resource: &Resource, subresource: &str, old: Option<&Value>, new: &Value) -> FieldErrors {
    match (&resource.custom, old) {
        (Some(custom), Some(old)) if subresource == "status" => custom.schema.validate_status(old, new),
        (Some(custom), _) => custom.schema.validate(old, new),
        (None, _) => builtin::validate(&resource.group, &resource.version, &resource.kind, old, new),
    }
}

/// What an update may not touch is put back: system metadata, and the status or everything but it.
pub(super) fn for_update(resource: &Resource, subresource: &str, old: &Value, new: &mut Value) {
    let old_metadata = old.get("metadata").cloned().unwrap_or_default();
    if let Some(metadata) = metadata(new) {
        metadata.remove("selfLink");
        metadata.remove("resourceVersion");
        for name in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            let absent = metadata.get(name).is_none_or(|value| value.is_null() || value == "");
            if let (true, Some(value)) = (absent, old_metadata.get(name)) {
                metadata.insert(name.to_owned(), value.clone());
            }
        }
        for name in ["namespace", "creationTimestamp", "generation", "resourceVersion"] {
            match old_metadata.get(name) {
                Some(value) => metadata.insert(name.to_owned(), value.clone()),
                None => metadata.remove(name),
            };
        }
    }
    if resource.is("", "Namespace") && subresource != "finalize" {
        let finalizers = old.pointer("/spec/finalizers").cloned();
        if let (Some(finalizers), Some(fields)) = (finalizers, new.as_object_mut()) {
            let spec = fields.entry("spec").or_insert_with(|| json!({}));
            set(spec, "finalizers", finalizers);
        }
    }
    if subresource == "status" {
        for name in strategy::kept_by_status(resource) {
            if let Some(metadata) = new.get_mut("metadata") {
                replace(metadata, name, old_metadata.get(name).cloned());
            }
        }
        if let Some(fields) = new.as_object_mut() {
            fields.retain(|name, _| ["metadata", "status"].contains(&name.as_str()) || old.get(name).is_some());
        }
        for (name, value) in old.as_object().into_iter().flatten() {
            if !["metadata", "status"].contains(&name.as_str()) {
                set(new, name, value.clone());
            }
        }
        return;
    }
    if strategy::has_status(resource) {
        replace(new, "status", old.get("status").cloned());
    }
}

/// A write to the status of a custom resource keeps its metadata, however much of it the writer owns from now on.
pub(super) fn keep_metadata(resource: &Resource, subresource: &str, old: &Value, new: &mut Value) {
    if subresource != "status" || resource.custom.is_none() {
        return;
    }
    let managed = new.pointer("/metadata/managedFields").cloned();
    replace(new, "metadata", old.get("metadata").cloned());
    if let Some(metadata) = metadata(new) {
        match managed {
            Some(managed) => metadata.insert("managedFields".to_owned(), managed),
            None => metadata.remove("managedFields"),
        };
    }
}

fn replace(object: &mut Value, name: &str, value: Option<Value>) {
    if let Some(fields) = object.as_object_mut() {
        match value {
            Some(value) => fields.insert(name.to_owned(), value),
            None => fields.remove(name),
        };
    }
}

/// Raises the generation when something else than metadata and status changed.
pub(super) fn count_generation(resource: &Resource, subresource: &str, old: &Value, new: &mut Value) {
    if !strategy::counts_generations(resource) {
        return;
    }
    let separate = strategy::has_status(resource);
    let counts = |name: &str| match name {
        "metadata" | "apiVersion" | "kind" => false,
        "status" => !separate,
        _ => true,
    };
    // Compared in place: this is done for every write, and specifications are large.
    // Rollouts are told what to do by annotations, too.
    let annotations = |object: &Value| object.pointer("/metadata/annotations").cloned();
    let is_told = resource.is("apps", "Deployment") && subresource.is_empty() && annotations(old) != annotations(new);
    let fields =
        |object: &Value| object.as_object().map_or(0, |fields| fields.keys().filter(|name| counts(name)).count());
    let is_same = fields(old) == fields(new)
        && old.as_object().into_iter().flatten().all(|(name, value)| !counts(name) || new.get(name) == Some(value));
    if is_told || !is_same {
        raise_generation(old, new);
    }
}

pub(super) fn raise_generation(old: &Value, new: &mut Value) {
    let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
    if let Some(metadata) = metadata(new) {
        metadata.insert("generation".to_owned(), (generation + 1).into());
    }
}
