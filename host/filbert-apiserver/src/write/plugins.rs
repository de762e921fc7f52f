//! What the admission plugins of the server itself do that have to look at other objects.

use crate::core::{Core, set, text};
use crate::error::Status;
use crate::resource::{CollectionId, Resource};
use crate::store::Key;
use serde_json::Value;

/// Classes that every server has by itself.
const SYSTEM_PRIORITIES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];
const IS_DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

/// Completes a new object, or refuses it.
pub(super) fn admit(core: &Core, resource: &Resource, object: &mut Value) -> Result<(), Status> {
    if resource.is("", "Pod") {
        check_account(core, resource, object)?;
        set_priority(core, resource, object)?;
    } else if resource.is("", "PersistentVolumeClaim") {
        set_class(core, object);
    }
    Ok(())
}

/// A pod whose account is `default` is let in without one, since nobody makes accounts for namespaces here.
fn check_account(core: &Core, resource: &Resource, pod: &Value) -> Result<(), Status> {
    let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/spec/serviceAccountName"));
    let accounts = CollectionId::new("", "serviceaccounts");
    if matches!(name, "" | "default") || core.store.get(&accounts, &Key::new(namespace, name)).is_some() {
        return Ok(());
    }
    let why = format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
    Err(Status::forbidden("", &resource.plural, text(pod, "/metadata/name"), &why))
}

fn set_priority(core: &Core, resource: &Resource, pod: &mut Value) -> Result<(), Status> {
    let class = text(pod, "/spec/priorityClassName").to_owned();
    if class.is_empty() {
        return Ok(());
    }
    let classes = CollectionId::new("scheduling.k8s.io", "priorityclasses");
    let found = core.store.get(&classes, &Key::new("", &class)).map(|found| found.value());
    let system = SYSTEM_PRIORITIES.iter().find(|(name, _)| *name == class).map(|(_, priority)| *priority);
    let priority = found.as_ref().and_then(|found| found.get("value")?.as_i64()).or(system);
    let Some(priority) = priority else {
        let why = format!("no PriorityClass with name {class} was found");
        return Err(Status::forbidden("", &resource.plural, text(pod, "/metadata/name"), &why));
    };
    if let Some(spec) = pod.get_mut("spec") {
        set(spec, "priority", priority.into());
        if let Some(policy) = found.as_ref().and_then(|found| found.get("preemptionPolicy")) {
            set(spec, "preemptionPolicy", policy.clone());
        }
    }
    Ok(())
}

/// A claim that names no class gets the default one, the youngest where there are several.
fn set_class(core: &Core, claim: &mut Value) {
    if claim.pointer("/spec/storageClassName").is_some() {
        return;
    }
    let classes = core.store.list(&CollectionId::new("storage.k8s.io", "storageclasses"), None, None).objects;
    let default = classes
        .iter()
        .map(|class| class.value())
        .filter(|class| {
            class
                .pointer("/metadata/annotations")
                .and_then(|found| found.get(IS_DEFAULT))
                .is_some_and(|it| it == "true")
        })
        .max_by_key(|class| text(class, "/metadata/creationTimestamp").to_owned());
    if let (Some(class), Some(spec)) = (default, claim.get_mut("spec")) {
        set(spec, "storageClassName", text(&class, "/metadata/name").into());
    }
}
