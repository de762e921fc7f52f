//! Watches, and the objects they keep at hand. Reads of guests are answered from here, never from the server.
//!
//! A watch is opened when it is first needed and kept. It covers a selection, usually that of a grant: one watch serves
//! all resources of a kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use filbert_plan::managed::{self, Manager, Operation};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use futures::StreamExt as _;
use kube::Client;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use crate::api::ApiError;
use crate::discovery::Discovery;

mod held;

use held::{Held, Name};

/// Set by the host on every object that it owns, to the uid of the resource it belongs to: what is to be pruned is found
/// by it, also after a restart.
pub const OWNED_BY: &str = "filbert.dev/owned-by";

/// What a watch covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selection {
    /// Objects of this type.
    pub resource: ResourceType,
    /// In this namespace; absent for all.
    pub namespace: Option<String>,
    /// With these labels, as a label selector; empty for all.
    pub labels: String,
    /// Of this name; absent for all.
    pub name: Option<String>,
}

impl Selection {
    /// All objects of a type.
    pub fn all(resource: ResourceType) -> Self {
        Self { resource, namespace: None, labels: String::new(), name: None }
    }
}

/// An object as a watch saw it last.
#[derive(Debug)]
pub struct Cached {
    /// Without managed fields.
    pub object: Value,
    /// Managers of server-side apply that own fields of it.
    pub managers: BTreeSet<String>,
    /// Managers that own fields of it otherwise, with the sub-resource through which they wrote.
    pub updaters: BTreeSet<(String, String)>,
    /// Changes when anything but the status does, or who manages what.
    pub fingerprint: [u8; 32],
}

impl Cached {
    /// From an object as the server sends it.
    pub fn new(object: Value) -> Self {
        let (mut managers, mut updaters) = (BTreeSet::new(), BTreeSet::new());
        for Manager { name, operation, subresource } in managed::managers(&object) {
            match operation {
                Operation::Apply if subresource.is_empty() => drop(managers.insert(name)),
                Operation::Apply => {}
                Operation::Update => drop(updaters.insert((name, subresource))),
            }
        }
        let fingerprint = fingerprint(&object);
        Self { object: object::without_managed_fields(object), managers, updaters, fingerprint }
    }

    /// Whether this manager owns fields of the object itself, however it wrote them: what it created it has not applied.
    pub fn is_written_by(&self, manager: &str) -> bool {
        self.writers().any(|writer| writer == manager)
    }

    /// Everybody who owns fields of the object itself; sub-resources do not count.
    pub fn writers(&self) -> impl Iterator<Item = &str> {
        let updaters = self.updaters.iter().filter(|(_, through)| through.is_empty()).map(|(name, _)| name);
        self.managers.iter().chain(updaters).map(String::as_str)
    }
}

/// Changes when anything but the status of an object changes, or the fields its appliers own: what tells drift from a
/// status update without knowing the kind.
pub fn fingerprint(object: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("status", _) => {}
            ("metadata", Value::Object(metadata)) => {
                for (name, value) in metadata {
                    if name == "managedFields" {
                        for entry in value.as_array().into_iter().flatten() {
                            if entry.get("operation").and_then(Value::as_str) == Some("Apply") {
                                hash.update(entry.get("manager").and_then(Value::as_str).unwrap_or_default());
                                hash.update(entry.get("fieldsV1").unwrap_or(&Value::Null).to_string());
                            }
                        }
                    } else if name != "resourceVersion" {
                        hash.update(name);
                        hash.update(value.to_string());
                    }
                }
            }
            _ => {
                hash.update(name);
                hash.update(value.to_string());
            }
        }
    }
    hash.finalize().into()
}

/// An object that a watch saw change.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which.
    pub key: ObjectKey,
    /// Before; absent where it is new to the watch.
    pub before: Option<Arc<Cached>>,
    /// After; absent where it is gone, or left the selection.
    pub after: Option<Arc<Cached>>,
}

type Objects = RwLock<Held>;

struct Watch {
    objects: Arc<Objects>,
    /// Whether the first list is in.
    filled: watch::Receiver<bool>,
    task: tokio::task::AbortHandle,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All watches of the host. Cheap to clone.
#[derive(Clone)]
pub struct Caches {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    discovery: Discovery,
    watches: Mutex<BTreeMap<Selection, Arc<Watch>>>,
    changes: mpsc::UnboundedSender<Change>,
    /// Changes on their way, and watches that are about to tell of some.
    pending: Arc<AtomicU64>,
}

impl Caches {
    /// No watches yet. Every change that any of them sees goes to the receiver, in the order of its watch.
    pub fn new(client: Client, discovery: Discovery) -> (Self, mpsc::UnboundedReceiver<Change>) {
        let (changes, receiver) = mpsc::unbounded_channel();
        let (watches, pending) = Default::default();
        (Self { inner: Arc::new(Inner { client, discovery, watches, changes, pending }) }, receiver)
    }

    /// The object of this key, where the selection covers it.
    ///
    /// Waits until the watch has its first list.
    ///
    /// # Errors
    /// Where the server does not serve the type, or does not say what it serves.
    pub async fn get(&self, selection: &Selection, key: &ObjectKey) -> Result<Option<Arc<Cached>>, CacheError> {
        let watch = self.filled(selection).await?;
        let objects = watch.objects.read().unwrap_or_else(PoisonError::into_inner);
        Ok(objects.get(&(key.namespace.clone(), key.name.clone())).cloned())
    }

    /// All objects of the selection, by namespace and name. Waits as [`Caches::get`].
    pub async fn list(&self, selection: &Selection) -> Result<Vec<Arc<Cached>>, CacheError> {
        let watch = self.filled(selection).await?;
        let objects = watch.objects.read().unwrap_or_else(PoisonError::into_inner);
        Ok(objects.all().cloned().collect())
    }

    /// Objects that carry [`OWNED_BY`] with this uid.
    pub async fn owned_by(&self, resource: &ResourceType, uid: &str) -> Result<Vec<Arc<Cached>>, CacheError> {
        let watch = self.filled(&Self::owned(resource)).await?;
        let objects = watch.objects.read().unwrap_or_else(PoisonError::into_inner);
        Ok(objects.owned_by(uid).cloned().collect())
    }

    /// The selection of everything the host owns of a type.
    pub fn owned(resource: &ResourceType) -> Selection {
        Selection { resource: resource.clone(), namespace: None, labels: OWNED_BY.to_owned(), name: None }
    }

    /// How many changes are on their way: seen by a watch, and not yet [`Caches::dealt_with`].
    pub fn pending(&self) -> u64 {
        self.inner.pending.load(Ordering::Acquire)
    }

    /// Said by the receiver of changes, once for each.
    pub fn dealt_with(&self) {
        self.inner.pending.fetch_sub(1, Ordering::AcqRel);
    }

    /// The object as the server answered a write of ours: the host reads its own writes, though the watches bring them
    /// later. An object that a watch does not hold is left to the watch.
    pub fn note(&self, key: &ObjectKey, stored: &Value) {
        let watches: Vec<_> = {
            let watches = self.inner.watches.lock().unwrap_or_else(PoisonError::into_inner);
            let of_type = watches.iter().filter(|(selection, _)| selection.resource == key.resource);
            of_type.map(|(_, watch)| watch.clone()).collect()
        };
        let mut new = None;
        for watch in watches {
            let mut objects = watch.objects.write().unwrap_or_else(PoisonError::into_inner);
            let name = (key.namespace.clone(), key.name.clone());
            let Some(held) = objects.get(&name) else { continue };
            let is_same = object::uid(&held.object) == object::uid(stored);
            if is_same && version_number(&held.object) < version_number(stored) {
                let new = new.get_or_insert_with(|| Arc::new(Cached::new(stored.clone())));
                objects.insert(name, new.clone());
            }
        }
    }

    /// What each watch covers.
    pub fn selections(&self) -> Vec<Selection> {
        self.inner.watches.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// How many watches there are.
    pub fn watches(&self) -> usize {
        self.inner.watches.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Opens the watch if need be and waits for its first list.
    pub async fn open(&self, selection: &Selection) -> Result<(), CacheError> {
        self.filled(selection).await.map(|_| ())
    }

    async fn filled(&self, selection: &Selection) -> Result<Arc<Watch>, CacheError> {
        let existing = self.inner.watches.lock().unwrap_or_else(PoisonError::into_inner).get(selection).cloned();
        let watch = match existing {
            Some(watch) => watch,
            None => self.start(selection).await?,
        };
        let mut filled = watch.filled.clone();
        if filled.wait_for(|filled| *filled).await.is_err() {
            return Err(CacheError::Ended { resource: selection.resource.clone() });
        }
        Ok(watch)
    }

    async fn start(&self, selection: &Selection) -> Result<Arc<Watch>, CacheError> {
        let served = self.inner.discovery.of_resource(&selection.resource).await?;
        let Some(served) = served else {
            return Err(CacheError::NotServed { resource: selection.resource.clone() });
        };
        let mut watches = self.inner.watches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = watches.get(selection) {
            return Ok(watch.clone());
        }
        let ResourceType { group, version, plural } = &selection.resource;
        let kind = GroupVersionKind::gvk(group, version, &served.kind);
        let api_resource = ApiResource::from_gvk_with_plural(&kind, plural);
        let client = self.inner.client.clone();
        let api: kube::Api<DynamicObject> = match &selection.namespace {
            Some(namespace) => kube::Api::namespaced_with(client, namespace, &api_resource),
            None => kube::Api::all_with(client, &api_resource),
        };
        let mut config = watcher::Config::default();
        if !selection.labels.is_empty() {
            config = config.labels(&selection.labels);
        }
        if let Some(name) = &selection.name {
            config = config.fields(&format!("metadata.name={name}"));
        }
        let (fill, filled) = watch::channel(false);
        let objects = Arc::new(Objects::default());
        let follower = Follower {
            resource: selection.resource.clone(),
            api_version: selection.resource.api_version(),
            kind: served.kind,
            objects: objects.clone(),
            listed: BTreeMap::new(),
            fill,
            changes: self.inner.changes.clone(),
            pending: self.inner.pending.clone(),
        };
        let stream = watcher::watcher(api, config).default_backoff();
        let task = tokio::spawn(follower.follow(stream)).abort_handle();
        debug!(resource = %selection.resource, labels = selection.labels, name = selection.name, "watch opened");
        let watch = Arc::new(Watch { objects, filled, task });
        watches.insert(selection.clone(), watch.clone());
        Ok(watch)
    }
}

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The server does not serve the type.
    #[error("the API server does not serve {resource}")]
    NotServed {
        /// The type.
        resource: ResourceType,
    },
    /// The watch is gone.
    #[error("the watch on {resource} has ended")]
    Ended {
        /// The type.
        resource: ResourceType,
    },
    /// The server did not say what it serves.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Follows one watch and keeps its objects.
struct Follower {
    resource: ResourceType,
    api_version: String,
    kind: String,
    objects: Arc<Objects>,
    /// What a list that is under way has shown so far.
    listed: BTreeMap<Name, Arc<Cached>>,
    fill: watch::Sender<bool>,
    changes: mpsc::UnboundedSender<Change>,
    pending: Arc<AtomicU64>,
}

impl Follower {
    async fn follow(mut self, stream: impl futures::Stream<Item = watcher::Result<Event<DynamicObject>>>) {
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    // From before the cache has it until it is told.
                    self.pending.fetch_add(1, Ordering::AcqRel);
                    self.take(event);
                    self.pending.fetch_sub(1, Ordering::AcqRel);
                }
                // The stream tries again by itself, with growing pauses.
                Err(error) => warn!(resource = %self.resource, error = %Chain(&error), "watch failed, trying again"),
            }
        }
    }

    fn take(&mut self, event: Event<DynamicObject>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                let (name, cached) = self.cached(object);
                self.listed.insert(name, cached);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let before = {
                    let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
                    objects.replace(listed.clone())
                };
                for (name, cached) in &listed {
                    let old = before.get(name);
                    if old.is_none_or(|old| resource_version(old) != resource_version(cached)) {
                        self.tell(name, old.cloned(), Some(cached.clone()));
                    }
                }
                for (name, cached) in before {
                    if !listed.contains_key(&name) {
                        self.tell(&name, Some(cached), None);
                    }
                }
                self.fill.send_replace(true);
            }
            Event::Apply(object) => {
                let (name, cached) = self.cached(object);
                let before = {
                    let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
                    let before = objects.get(&name).cloned();
                    // Not where we know better already: see [`Caches::note`].
                    let is_older = before.as_ref().is_some_and(|before| {
                        object::uid(&before.object) == object::uid(&cached.object)
                            && version_number(&cached.object) < version_number(&before.object)
                    });
                    if !is_older {
                        objects.insert(name.clone(), cached.clone());
                    }
                    before
                };
                self.tell(&name, before, Some(cached));
            }
            Event::Delete(object) => {
                let (name, _) = self.cached(object);
                let before = self.objects.write().unwrap_or_else(PoisonError::into_inner).remove(&name);
                self.tell(&name, before, None);
            }
        }
    }

    fn cached(&self, object: DynamicObject) -> (Name, Arc<Cached>) {
        let name = (object.metadata.namespace.clone(), object.metadata.name.clone().unwrap_or_default());
        let mut value = serde_json::to_value(object).unwrap_or_default();
        // Items of a list come without their type.
        if let Some(fields) = value.as_object_mut() {
            fields.entry("apiVersion").or_insert_with(|| self.api_version.clone().into());
            fields.entry("kind").or_insert_with(|| self.kind.clone().into());
        }
        (name, Arc::new(Cached::new(value)))
    }

    fn tell(&self, name: &Name, before: Option<Arc<Cached>>, after: Option<Arc<Cached>>) {
        let (namespace, name) = name.clone();
        let key = ObjectKey { resource: self.resource.clone(), namespace, name };
        self.pending.fetch_add(1, Ordering::AcqRel);
        // Nobody listens any more: the host is shutting down.
        let _ = self.changes.send(Change { key, before, after });
    }
}

/// Versions of one resource type can be compared.
fn version_number(object: &Value) -> u64 {
    object::text(object, "/metadata/resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn resource_version(cached: &Cached) -> Option<&str> {
    object::text(&cached.object, "/metadata/resourceVersion")
}

/// An error with its causes: `a: b: c`.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
