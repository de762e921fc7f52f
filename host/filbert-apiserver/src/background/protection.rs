//! Lets volumes and claims go that nobody uses.

use crate::core::{Core, text};
use crate::finalizers;
use crate::resource::CollectionId;
use crate::store::Told;
use serde_json::Value;

const MANAGER: &str = "kube-controller-manager";

pub(super) fn changed(core: &Core, told: &Told) {
    let (collection, object) = (&told.collection, &told.change.object);
    if !collection.group.is_empty() {
        return;
    }
    match collection.plural.as_str() {
        "persistentvolumeclaims" if !told.change.deleted => {
            release_claim(core, &object.key.namespace, &object.key.name);
        }
        "persistentvolumes" if !told.change.deleted => {
            let registry = core.registry();
            if let (true, Some(resource)) = (object.is_terminating, registry.of_collection(collection)) {
                finalizers::remove(core, resource, &object.key, "kubernetes.io/pv-protection", MANAGER);
            }
        }
        "pods" if told.change.deleted => {
            for name in claims(&object.value()) {
                release_claim(core, &object.key.namespace, &name);
            }
        }
        _ => {}
    }
}

fn claims(pod: &Value) -> Vec<String> {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    volumes
        .into_iter()
        .flatten()
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName").to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn release_claim(core: &Core, namespace: &str, name: &str) {
    let registry = core.registry();
    let Some(resource) = registry.of_kind("", "v1", "PersistentVolumeClaim") else { return };
    let key = crate::store::Key::new(namespace, name);
    let Some(claim) = core.store.get(&resource.collection, &key) else { return };
    if !claim.is_terminating {
        return;
    }
    let pods = core.store.list(&CollectionId::new("", "pods"), Some(namespace), None).objects;
    if !pods.iter().any(|pod| claims(&pod.value()).iter().any(|claim| claim == name)) {
        finalizers::remove(core, resource, &key, "kubernetes.io/pvc-protection", MANAGER);
    }
}
