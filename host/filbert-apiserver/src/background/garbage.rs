//! Deletes what nobody owns any more, and carries out foreground and orphaning deletions.

use crate::admission::wait;
use crate::core::{Core, text};
use crate::finalizers;
use crate::resource::{CollectionId, Resource};
use crate::store::{Key, OwnerReference, Stored, Told};
use crate::write::{self, DeleteOptions, Propagation, Update, WriteOptions};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

const MANAGER: &str = "kube-controller-manager";
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

type Place = (CollectionId, Key);

/// Who depends on whom.
#[derive(Default)]
pub(super) struct Garbage {
    dependents: HashMap<String, BTreeSet<Place>>,
    owners: HashMap<Place, Vec<String>>,
}

/// What is known of an owner.
enum Owner {
    There(Arc<Stored>, Arc<Resource>),
    Gone,
    /// Its kind is not served here, or it cannot own this object: nothing can be said.
    Unknown,
}

fn owner(core: &Core, reference: &OwnerReference, dependent: &Resource, namespace: &str) -> Owner {
    let registry = core.registry();
    let Some(resource) = registry.of_kind(&reference.group, &reference.version, &reference.kind) else {
        return Owner::Unknown;
    };
    if resource.namespaced && !dependent.namespaced {
        return Owner::Unknown;
    }
    let key = Key::new(if resource.namespaced { namespace } else { "" }, &reference.name);
    match core.store.get(&resource.collection, &key) {
        Some(stored) if stored.uid == reference.uid => Owner::There(stored, resource.clone()),
        _ => Owner::Gone,
    }
}

impl Garbage {
    pub(super) fn changed(&mut self, core: &Core, told: &Told) {
        let object = &told.change.object;
        let place = (told.collection.clone(), object.key.clone());
        let owners: Vec<String> = if told.change.deleted {
            Vec::new()
        } else {
            object.owners.iter().map(|owner| owner.uid.to_string()).collect()
        };
        let before = self.owners.remove(&place).unwrap_or_default();
        for uid in &before {
            if let Some(dependents) = self.dependents.get_mut(uid) {
                dependents.remove(&place);
                if dependents.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
        for uid in &owners {
            self.dependents.entry(uid.clone()).or_default().insert(place.clone());
        }
        if !owners.is_empty() {
            self.owners.insert(place.clone(), owners);
        }
        if told.change.deleted {
            for (collection, key) in self.dependents_of(&object.uid) {
                self.collect(core, &collection, &key);
            }
            // Its owners may wait for it.
            self.waiting_owners(core, &told.collection, object);
            return;
        }
        if object.is_terminating {
            self.finish(core, &told.collection, object);
        }
        self.collect(core, &place.0, &place.1);
        self.waiting_owners(core, &told.collection, object);
    }

    fn dependents_of(&self, uid: &str) -> Vec<Place> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    fn waiting_owners(&self, core: &Core, collection: &CollectionId, object: &Stored) {
        let registry = core.registry();
        let Some(resource) = registry.of_collection(collection) else { return };
        for reference in &object.owners {
            if let Owner::There(stored, of) = owner(core, reference, resource, &object.key.namespace)
                && stored.is_terminating
            {
                self.finish(core, &of.collection, &stored);
            }
        }
    }

    /// Deletes an object none of whose owners is there; takes references to absent owners off one that has others.
    fn collect(&self, core: &Core, collection: &CollectionId, key: &Key) {
        let registry = core.registry();
        let Some(resource) = registry.of_collection(collection) else { return };
        let Some(stored) = core.store.get(collection, key) else { return };
        if stored.owners.is_empty() {
            return;
        }
        let mut gone = Vec::new();
        let mut waiting = false;
        let mut solid = false;
        for reference in &stored.owners {
            match owner(core, reference, resource, &key.namespace) {
                Owner::Gone => gone.push(reference.uid.to_string()),
                Owner::Unknown => solid = true,
                Owner::There(owner, _) => {
                    let foreground = owner.is_terminating && has(&owner.value(), FOREGROUND);
                    if foreground { waiting = true } else { solid = true }
                }
            }
        }
        if solid {
            if !gone.is_empty() {
                drop_references(core, resource, key, &gone);
            }
            return;
        }
        if stored.is_terminating {
            return;
        }
        let uid = &*stored.uid;
        let blocking = self.dependents.get(uid).is_some_and(|dependents| !dependents.is_empty());
        let propagation = if waiting && blocking { Propagation::Foreground } else { policy(&stored.value()) };
        let options = DeleteOptions {
            propagation: Some(propagation),
            uid: Some(uid.to_owned()),
            ..DeleteOptions::of_controller("generic-garbage-collector")
        };
        if let Err(status) = wait(write::delete(core, resource, key, &options))
            && status.code != 404
            && status.code != 409
        {
            tracing::warn!(%key, error = %status, "failed to collect an object without owners");
        }
    }

    /// Does what the finalizers of the collector stand for.
    fn finish(&self, core: &Core, collection: &CollectionId, object: &Stored) {
        let registry = core.registry();
        let Some(resource) = registry.of_collection(collection) else { return };
        let (key, value) = (&object.key, object.value());
        if has(&value, ORPHAN) {
            let uid = object.uid.to_string();
            for (collection, key) in self.dependents_of(&uid) {
                if let Some(resource) = registry.of_collection(&collection) {
                    drop_references(core, resource, &key, std::slice::from_ref(&uid));
                }
            }
            finalizers::remove(core, resource, key, ORPHAN, MANAGER);
        } else if has(&value, FOREGROUND) {
            let blocks = |dependent: &Stored| dependent.owners.iter().any(|it| it.uid == object.uid && it.blocks);
            let mut blocked = false;
            for (collection, key) in self.dependents_of(&object.uid) {
                let Some(stored) = core.store.get(&collection, &key) else { continue };
                blocked |= blocks(&stored);
                self.collect(core, &collection, &key);
            }
            let left = self
                .dependents_of(&object.uid)
                .iter()
                .any(|(collection, key)| core.store.get(collection, key).is_some_and(|stored| blocks(&stored)));
            if !(blocked && left) {
                finalizers::remove(core, resource, key, FOREGROUND, MANAGER);
            }
        }
    }
}

fn has(object: &Value, finalizer: &str) -> bool {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|found| found == finalizer))
}

/// The policy that an object's own finalizers ask for.
fn policy(object: &Value) -> Propagation {
    if has(object, ORPHAN) {
        Propagation::Orphan
    } else if has(object, FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    }
}

/// Takes references off an object, as an update by the collector: nobody owns what is gone.
fn drop_references(core: &Core, resource: &Resource, key: &Key, uids: &[String]) {
    for _ in 0..write::ATTEMPTS {
        let Some(current) = core.store.get(&resource.collection, key) else { return };
        let mut object = resource.view(&current);
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let Some(list) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) else { return };
        let before = list.len();
        list.retain(|reference| !uids.iter().any(|uid| text(reference, "/uid") == uid));
        if list.len() == before {
            return;
        }
        if list.is_empty() {
            metadata.remove("ownerReferences");
        }
        let (options, mut warnings) = (WriteOptions::of(core, MANAGER), Vec::new());
        let target = Update { key, subresource: "" };
        match wait(write::update(core, resource, target, object, &options, &mut warnings)) {
            // Somebody wrote in between.
            Err(status) if status.code == 409 => {}
            Err(status) if status.code != 404 => {
                tracing::warn!(%key, error = %status, "failed to release an object from owners that are gone");
                return;
            }
            _ => return,
        }
    }
}
