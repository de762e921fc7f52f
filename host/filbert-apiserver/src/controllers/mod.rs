//! Simulated controllers: enough of `StatefulSets`, Deployments, Jobs, Services, Pods and claims to see something happen.
//!
//! Nothing runs. Pods come up on a node called `simulated`, and what they become is decided by a rule that tests replace.

mod deployments;
mod endpoints;
mod jobs;
mod pods;
mod replica_sets;
mod stateful_sets;
mod template;

pub use pods::PodFate;

use crate::admission::wait;
use crate::background::change;
use crate::core::{Core, set, text};
use crate::error::Status;
use crate::resource::{CollectionId, Resource};
use crate::store::{Key, OwnerReference, Stored, Told};
use crate::write::{self, DeleteOptions, WriteOptions};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The field manager of all of them.
const MANAGER: &str = "simulated-controller-manager";

/// The service account by which webhooks know them.
const ACCOUNT: &str = "simulated-controller";

/// The annotation that simulated objects carry.
const MARK: &str = "filbert.dev/simulated";

/// What has to be looked at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    Pod(Key),
    Claim(Key),
    ReplicaSet(Key),
    Deployment(Key),
    StatefulSet(Key),
    Job(Key),
    Endpoints(Key),
}

/// What they remember between changes.
#[derive(Default)]
pub(crate) struct StandIns {
    addresses: pods::Addresses,
    services: endpoints::Selectors,
    /// Each once, however many changes point at it.
    due: BTreeSet<Look>,
    /// Those that could not do what they wanted, for example because a webhook refused it.
    failed: BTreeSet<Look>,
}

impl StandIns {
    /// Notes what a change makes necessary; [`StandIns::act`] does it.
    pub(crate) fn changed(&mut self, core: &Core, told: &Told) {
        let (collection, change) = (&told.collection, &told.change);
        let object = &change.object;
        let key = || object.key.clone();
        let own = match (collection.group.as_str(), collection.plural.as_str()) {
            ("", "pods") => {
                let before = change.before.as_deref();
                let services = self.services.of_pod(core, object, before);
                self.due.extend(services.into_iter().map(Look::Endpoints));
                Look::Pod(key())
            }
            ("", "services") => {
                if change.deleted {
                    self.services.forget(&object.key);
                }
                Look::Endpoints(key())
            }
            ("", "persistentvolumeclaims") => Look::Claim(key()),
            ("apps", "statefulsets") => Look::StatefulSet(key()),
            ("apps", "deployments") => Look::Deployment(key()),
            ("apps", "replicasets") => Look::ReplicaSet(key()),
            ("batch", "jobs") => Look::Job(key()),
            _ => return,
        };
        if !change.deleted {
            self.due.insert(own);
        }
        if let Some(OwnerReference { kind, name, .. }) = object.controller() {
            let owner = Key::new(&object.key.namespace, name);
            self.due.extend(match &**kind {
                "StatefulSet" => Some(Look::StatefulSet(owner)),
                "ReplicaSet" => Some(Look::ReplicaSet(owner)),
                "Deployment" => Some(Look::Deployment(owner)),
                "Job" => Some(Look::Job(owner)),
                _ => None,
            });
        }
    }

    /// Brings everything that is due to what it should be now.
    pub(crate) fn act(&mut self, core: &Core) {
        for look in std::mem::take(&mut self.due) {
            let refused = core.refused.load(Ordering::Relaxed);
            match &look {
                Look::Pod(key) => pods::reconcile(core, key, &mut self.addresses),
                Look::Claim(key) => pods::bind_claim(core, key),
                Look::ReplicaSet(key) => replica_sets::reconcile(core, key),
                Look::Deployment(key) => deployments::reconcile(core, key),
                Look::StatefulSet(key) => stateful_sets::reconcile(core, key),
                Look::Job(key) => jobs::reconcile(core, key),
                Look::Endpoints(key) => endpoints::reconcile(core, key),
            }
            if core.refused.load(Ordering::Relaxed) > refused {
                self.failed.insert(look);
            }
        }
    }

    /// Whether anything is to be tried again after a while.
    pub(crate) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Looks again at what failed; [`StandIns::act`] does it.
    pub(crate) fn again(&mut self) {
        self.due.append(&mut self.failed);
    }
}

/// Kind of the controller of an object.
fn controller(object: &Value) -> Option<&str> {
    let list = object.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = list.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    Some(text(owner, "/kind"))
}

/// The reference of an object to its controller.
fn owner_reference(owner: &Value) -> Value {
    json!([{
        "apiVersion": text(owner, "/apiVersion"), "kind": text(owner, "/kind"), "name": text(owner, "/metadata/name"),
        "uid": text(owner, "/metadata/uid"), "controller": true, "blockOwnerDeletion": true,
    }])
}

fn resource(core: &Core, group: &str, kind: &str) -> Option<Arc<Resource>> {
    core.registry().of_kind(group, "v1", kind).cloned()
}

/// The objects of a collection that `owner` controls.
fn controlled(core: &Core, collection: &CollectionId, namespace: &str, owner: &Value) -> Vec<Value> {
    let uid = text(owner, "/metadata/uid");
    let is_its_own = |object: &&Arc<Stored>| object.controller().is_some_and(|owner| *owner.uid == *uid);
    core.store.list(collection, Some(namespace), None).objects.iter().filter(is_its_own).map(|it| it.value()).collect()
}

/// An object that is there and not being deleted.
fn living(core: &Core, resource: &Resource, key: &Key) -> Option<Value> {
    let stored = core.store.get(&resource.collection, key)?;
    (!stored.is_terminating).then(|| stored.value())
}

fn is_terminating(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True")
    })
}

fn create(core: &Core, resource: &Resource, namespace: &str, object: Value) {
    let name = text(&object, "/metadata/name").to_owned();
    let options = WriteOptions::of_controller(core, MANAGER, ACCOUNT);
    match wait(write::create(core, resource, Some(namespace), object, &options, &mut Vec::new())) {
        // It is there already, or its namespace is gone.
        Err(status) if status.code == 409 || status.code == 404 || is_of_terminating_namespace(&status) => {}
        Err(status) => {
            core.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(kind = resource.kind, namespace, name, error = %status, "failed to create a simulated object");
        }
        Ok(_) => {}
    }
}

fn is_of_terminating_namespace(status: &Status) -> bool {
    status.details.pointer("/causes/0/reason").is_some_and(|reason| reason == "NamespaceTerminating")
}

fn delete(core: &Core, resource: &Resource, key: &Key) {
    match wait(write::delete(core, resource, key, &DeleteOptions::of_controller(ACCOUNT))) {
        Err(status) if status.code == 404 || status.code == 409 => {}
        Err(status) => tracing::warn!(%key, error = %status, "failed to delete a simulated object"),
        Ok(_) => {}
    }
}

fn set_status(core: &Core, resource: &Resource, key: &Key, status: &Value) {
    change(core, resource, key, |object| set(object, "status", status.clone()));
}

fn integer(object: &Value, pointer: &str, default: i64) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(default)
}

/// Ten letters that stand for a template.
fn template_hash(template: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    Sha256::digest(template.to_string())
        .iter()
        .take(10)
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// Keeps the time of a condition whose status stays.
fn condition(old: &Value, kind: &str, status: bool, reason: &str, now: &str) -> Value {
    let word = if status { "True" } else { "False" };
    let before = old.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let since = before
        .filter(|condition| text(condition, "/type") == kind && text(condition, "/status") == word)
        .map(|condition| text(condition, "/lastTransitionTime").to_owned())
        .next();
    let mut condition =
        json!({ "type": kind, "status": word, "lastTransitionTime": since.unwrap_or_else(|| now.to_owned()) });
    if !reason.is_empty() {
        set(&mut condition, "reason", reason.into());
    }
    condition
}
