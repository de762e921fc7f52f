//! Custom resource definitions: from a stored object to served resources, and away again.

use crate::core::{Core, set, text};
use crate::error::Status;
use crate::resource::CollectionId;
use crate::seam;
use crate::store::Stored;
use crate::write::{self, DeleteOptions, Update, WriteOptions};
use serde_json::{Value, json};

/// The finalizer that keeps a definition until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
/// The server's own field manager.
const SERVER: &str = "kube-apiserver";

fn refused(object: &Value, errors: &crate::error::FieldErrors) -> Status {
    errors.to_status("apiextensions.k8s.io", "CustomResourceDefinition", text(object, "/metadata/name"))
}

/// Checks and completes a new definition.
pub(crate) fn prepare(object: &Value) -> Result<Value, Status> {
    let mut checked = seam::check_definition(object).map_err(|errors| refused(object, &errors))?;
    let stored = stored_versions(&checked);
    set(
        &mut checked,
        "status",
        json!({
            "conditions": [], "acceptedNames": { "plural": "", "kind": "" }, "storedVersions": stored,
        }),
    );
    Ok(checked)
}

/// Checks and completes a changed definition.
pub(crate) fn prepare_update(old: &Value, new: &Value) -> Result<Value, Status> {
    let mut checked = seam::check_definition(new).map_err(|errors| refused(new, &errors))?;
    let mut status = old.get("status").cloned().unwrap_or_else(|| json!({}));
    let mut stored: Vec<Value> = status.get("storedVersions").and_then(Value::as_array).cloned().unwrap_or_default();
    for version in stored_versions(&checked) {
        if !stored.contains(&version) {
            stored.push(version);
        }
    }
    set(&mut status, "storedVersions", stored.into());
    set(&mut checked, "status", status);
    Ok(checked)
}

fn stored_versions(definition: &Value) -> Vec<Value> {
    definition
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|version| version.get("storage") == Some(&Value::Bool(true)))
        .filter_map(|version| version.get("name").cloned())
        .collect()
}

/// A definition was created: its names are accepted and its resources served before the answer goes out.
pub(crate) fn established(core: &Core, stored: &Stored) {
    let object = stored.value();
    core.define(&stored.key.name, Some(&object));
    let now = core.options.clock.seconds();
    let condition = |kind: &str, reason: &str, message: &str| json!({ "type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message });
    let mut names = object.pointer("/spec/names").cloned().unwrap_or_else(|| json!({}));
    if names.get("singular").is_none() {
        set(&mut names, "singular", text(&object, "/spec/names/kind").to_lowercase().into());
    }
    let conditions = json!([
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ]);
    write_status(core, stored, |status| {
        set(status, "conditions", conditions.clone());
        set(status, "acceptedNames", names.clone());
    });
}

/// A definition was changed.
pub(crate) fn changed(core: &Core, stored: &Stored) {
    let object = stored.value();
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return;
    }
    core.define(&stored.key.name, Some(&object));
    let names = object.pointer("/spec/names").cloned().unwrap_or_default();
    if object.pointer("/status/acceptedNames") != Some(&names) && object.pointer("/status/conditions/0").is_some() {
        write_status(core, stored, |status| set(status, "acceptedNames", names.clone()));
    }
}

fn write_status(core: &Core, stored: &Stored, change: impl Fn(&mut Value)) {
    let registry = core.registry();
    let Some(resource) = registry.of_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition") else { return };
    let Ok(current) = core.get(resource, &stored.key) else { return };
    let mut object = current.value();
    if let Some(status) = object.get_mut("status") {
        change(status);
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    let target = Update { key: &stored.key, subresource: "status" };
    let written = write::update(core, resource, target, object, &WriteOptions::of(core, SERVER), &mut Vec::new());
    if let Err(status) = written {
        tracing::warn!(definition = %stored.key, error = %status, "failed to write the status of a definition");
    }
}

/// The condition of a definition whose objects are being deleted.
pub(crate) fn mark_terminating(object: &mut Value, now: &str) {
    let condition = json!({
        "type": "Terminating", "status": "True", "lastTransitionTime": now,
        "reason": "InstanceDeletionPending", "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    });
    if let Some(conditions) = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition.get("type").and_then(Value::as_str) != Some("Terminating"));
        conditions.push(condition);
    }
}

/// Deletes the objects of a definition that is being deleted, and the definition when none is left.
///
/// Called again whenever one of the objects goes.
pub(crate) fn clean_up(core: &Core, stored: &Stored) {
    let object = stored.value();
    let (group, plural) = (text(&object, "/spec/group"), text(&object, "/spec/names/plural"));
    let registry = core.registry();
    let collection = CollectionId::new(group, plural);
    if let Some(resource) = registry.of_collection(&collection) {
        for instance in core.store.list(&collection, None, None).objects {
            // One that is gone already, or held by finalizers, needs nothing more from us.
            let _outcome = write::delete(core, resource, &instance.key, &DeleteOptions::default());
        }
    }
    if !core.store.list(&collection, None, None).objects.is_empty() {
        return;
    }
    let Some(definitions) = registry.of_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition") else { return };
    crate::finalizers::remove(core, definitions, &stored.key, CLEANUP, SERVER);
}
