//! Custom resource definitions: from a stored object to served resources, and away again.

use crate::admission::wait;
use crate::core::{Core, text};
use crate::crd;
use crate::error::Status;
use crate::resource::CollectionId;
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
    crd::check_definition(object).map_err(|errors| refused(object, &errors))
}

/// Checks and completes a changed definition.
pub(crate) fn prepare_update(old: &Value, new: &Value) -> Result<Value, Status> {
    crd::check_definition_update(old, new).map_err(|errors| refused(new, &errors))
}

/// A definition was created or changed: its names are accepted and its resources served before the answer goes out.
pub(crate) fn changed(core: &Core, stored: &Stored) {
    let object = stored.value();
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return;
    }
    let collection = CollectionId::new("apiextensions.k8s.io", "customresourcedefinitions");
    let others: Vec<Value> = core
        .store
        .list(&collection, None, None)
        .objects
        .iter()
        .filter(|other| other.key != stored.key)
        .map(|other| other.value())
        .collect();
    let mut named = object.clone();
    crd::accept_names(&mut named, &others, &core.options.clock.seconds());
    let established = named.pointer("/status/conditions").and_then(Value::as_array).is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| text(condition, "/type") == "Established" && text(condition, "/status") == "True")
    });
    core.define(&stored.key.name, established.then_some(&object));
    if named.get("status") != object.get("status") {
        write_status(core, stored, |status| *status = named.get("status").cloned().unwrap_or_default());
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
    let (options, mut warnings) = (WriteOptions::of(core, SERVER), Vec::new());
    // Nobody is asked about it, so it is done when it is asked for: this may be a thread that must not wait.
    let written = wait(write::update(core, resource, target, object, &options, &mut warnings));
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
            let _outcome = wait(write::delete(core, resource, &instance.key, &DeleteOptions::default()));
        }
    }
    if !core.store.list(&collection, None, None).objects.is_empty() {
        return;
    }
    let Some(definitions) = registry.of_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition") else { return };
    crate::finalizers::remove(core, definitions, &stored.key, CLEANUP, SERVER);
}
