//! Empties namespaces that are being deleted, then lets them go.

use crate::admission::wait;
use crate::core::{Core, set, text};
use crate::resource::{CollectionId, Resource};
use crate::store::{Key, Told};
use crate::write::{self, DeleteOptions, Update, WriteOptions};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
    let mut left = Left::default();
    for id in core.store.collections() {
        let Some(resource) = registry.of_collection(&id).filter(|resource| resource.namespaced) else { continue };
        for object in core.store.list(&id, Some(name), None).objects {
            let options = DeleteOptions { grace: Some(0), ..DeleteOptions::of_controller(ACCOUNT) };
            if !matches!(wait(write::delete(core, resource, &object.key, &options)), Ok(write::Deleted::Gone(_))) {
                left.note(core, resource, &object.key);
            }
        }
    }
    let Some(resource) = registry.of_collection(&namespaces()) else { return };
    let key = Key::new("", name);
    let Ok(current) = core.get(resource, &key) else { return };
    let mut namespace = current.value();
    if !left.resources.is_empty() {
        left.report(core, resource, &key, namespace);
        return;
    }
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

/// What deletion has left of a namespace for now.
#[derive(Default)]
struct Left {
    /// How many objects there are of each resource.
    resources: BTreeMap<String, usize>,
    /// How many objects each finalizer holds.
    finalizers: BTreeMap<String, usize>,
}

impl Left {
    fn note(&mut self, core: &Core, resource: &Resource, key: &Key) {
        // It may be gone by now.
        let Some(object) = core.store.get(&resource.collection, key).map(|stored| stored.value()) else { return };
        *self.resources.entry(format!("{}.{}", resource.plural, resource.group)).or_default() += 1;
        let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
        for finalizer in finalizers.into_iter().flatten().filter_map(Value::as_str) {
            *self.finalizers.entry(finalizer.to_owned()).or_default() += 1;
        }
    }

    /// Says in the namespace's status what it waits for; nothing is written where it says so already.
    fn report(&self, core: &Core, resource: &Resource, key: &Key, mut namespace: Value) {
        let list = |of: &BTreeMap<String, usize>, word: &str| {
            let counted = of.iter().map(|(name, count)| format!("{name} {word} {count} resource instances"));
            counted.collect::<Vec<_>>().join(", ")
        };
        let remaining = format!("Some resources are remaining: {}", list(&self.resources, "has"));
        let mut conditions = vec![
            (
                "NamespaceDeletionDiscoveryFailure",
                "False",
                "ResourcesDiscovered",
                "All resources successfully discovered".to_owned(),
            ),
            (
                "NamespaceDeletionGroupVersionParsingFailure",
                "False",
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed".to_owned(),
            ),
            (
                "NamespaceDeletionContentFailure",
                "False",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization".to_owned(),
            ),
            ("NamespaceContentRemaining", "True", "SomeResourcesRemain", remaining),
        ];
        conditions.push(if self.finalizers.is_empty() {
            (
                "NamespaceFinalizersRemaining",
                "False",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished".to_owned(),
            )
        } else {
            let held = list(&self.finalizers, "in");
            let text = format!("Some content in the namespace has finalizers remaining: {held}");
            ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text)
        });
        let now = core.options.clock.seconds();
        let before = namespace.pointer("/status/conditions").cloned().unwrap_or_default();
        let conditions: Vec<Value> = conditions
            .into_iter()
            .map(|(kind, status, reason, message)| {
                let same = |found: &&Value| text(found, "/type") == kind && text(found, "/status") == status;
                let known = before.as_array().into_iter().flatten().find(same);
                let since = known.map_or(now.as_str(), |known| text(known, "/lastTransitionTime"));
                json!({ "type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message })
            })
            .collect();
        let conditions = Value::from(conditions);
        if conditions == before {
            return;
        }
        if let Some(status) = namespace.get_mut("status") {
            set(status, "conditions", conditions);
        }
        let (options, mut warnings) = (WriteOptions::of(core, MANAGER), Vec::new());
        let target = Update { key, subresource: "status" };
        match wait(write::update(core, resource, target, namespace, &options, &mut warnings)) {
            // Somebody wrote in between, and the change will bring us here again.
            Err(status) if status.code == 409 || status.code == 404 => {}
            Err(status) => {
                tracing::warn!(namespace = %key, error = %status, "failed to say what a namespace waits for");
            }
            Ok(_) => {}
        }
    }
}
