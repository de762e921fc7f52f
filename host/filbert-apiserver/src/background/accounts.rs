//! Gives every namespace its service account `default`.

use crate::admission::wait;
use crate::core::Core;
use crate::resource::CollectionId;
use crate::store::{Key, Told};
use crate::write::{self, WriteOptions};
use serde_json::json;

const MANAGER: &str = "kube-controller-manager";
/// The service account by which webhooks know the controller.
const ACCOUNT: &str = "service-account-controller";
const DEFAULT: &str = "default";

/// The namespaces that are there already.
pub(super) fn begin(core: &Core) {
    for namespace in core.store.list(&CollectionId::new("", "namespaces"), None, None).objects {
        ensure(core, &namespace.key.name);
    }
}

pub(super) fn changed(core: &Core, told: &Told) {
    let (id, change) = (&told.collection, &told.change);
    match (id.group.as_str(), id.plural.as_str()) {
        ("", "namespaces") if change.before.is_none() => ensure(core, &change.object.key.name),
        ("", "serviceaccounts") if change.deleted => ensure(core, &change.object.key.namespace),
        _ => {}
    }
}

fn ensure(core: &Core, namespace: &str) {
    let is_open = core
        .store
        .get(&CollectionId::new("", "namespaces"), &Key::new("", namespace))
        .is_some_and(|found| !found.is_terminating);
    let registry = core.registry();
    let Some(resource) = registry.of_kind("", "v1", "ServiceAccount").filter(|_| is_open) else { return };
    if core.store.get(&resource.collection, &Key::new(namespace, DEFAULT)).is_some() {
        return;
    }
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": DEFAULT } });
    let (options, mut warnings) = (WriteOptions::of_controller(core, MANAGER, ACCOUNT), Vec::new());
    match wait(write::create(core, resource, Some(namespace), account, &options, &mut warnings)) {
        // Somebody was faster, or the namespace is going.
        Err(status) if matches!(status.code, 403 | 404 | 409) => {}
        Err(status) => tracing::warn!(namespace, error = %status, "failed to create a service account"),
        Ok(_) => {}
    }
}
