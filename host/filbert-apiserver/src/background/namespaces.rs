//! Empties namespaces that are being deleted, then lets them go.

use crate::admission::wait;
use crate::core::{Core, set};
use crate::resource::CollectionId;
use crate::store::{Key, Told};
use crate::write::{self, DeleteOptions, Update, WriteOptions};
use serde_json::json;

const MANAGER: &str = "kube-controller-manager";
/// The service account by which webhooks know it.
const ACCOUNT: &str = "namespace-controller";

pub(super) fn changed(core: &Core, told: &Told) {
    let (id, change) = (&told.collection, &told.change);
    if id.group.is_empty() && id.plural == "namespaces" {
        if !change.deleted && is_terminating(core, &change.object.key.name) {
            empty(core, &change.object.key.name);
        }
    } else if change.deleted && !change.object.key.namespace.is_empty() {
        let namespace = &change.object.key.namespace;
        if is_terminating(core, namespace) {
            empty(core, namespace);
        }
    }
}

fn namespaces() -> CollectionId {
    CollectionId::new("", "namespaces")
}

fn is_terminating(core: &Core, name: &str) -> bool {
    core.store.get(&namespaces(), &Key::new("", name)).is_some_and(|namespace| namespace.is_terminating)
}

fn empty(core: &Core, name: &str) {
    let registry = core.registry();
    let mut left = false;
    for id in core.store.collections() {
        let Some(resource) = registry.of_collection(&id).filter(|resource| resource.namespaced) else { continue };
        for object in core.store.list(&id, Some(name), None).objects {
            let options = DeleteOptions { grace: Some(0), ..DeleteOptions::of_controller(ACCOUNT) };
            left |= !matches!(wait(write::delete(core, resource, &object.key, &options)), Ok(write::Deleted::Gone(_)));
        }
    }
    if left {
        return;
    }
    let Some(resource) = registry.of_collection(&namespaces()) else { return };
    let key = Key::new("", name);
    let Ok(current) = core.get(resource, &key) else { return };
    let mut namespace = current.value();
    if let Some(spec) = namespace.get_mut("spec") {
        set(spec, "finalizers", json!([]));
    }
    let target = Update { key: &key, subresource: "finalize" };
    let (options, mut warnings) = (WriteOptions::of(core, MANAGER), Vec::new());
    let written = wait(write::update(core, resource, target, namespace, &options, &mut warnings));
    match written {
        // Somebody wrote in between, and the change will bring us here again.
        Err(status) if status.code == 409 || status.code == 404 => {}
        Err(status) => tracing::warn!(namespace = name, error = %status, "failed to finish a namespace"),
        Ok(_) => {}
    }
}
