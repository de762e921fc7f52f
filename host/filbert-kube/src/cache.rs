//! Watches, and the objects they keep at hand. Reads of guests are answered from here, never from the server.
//!
//! A watch is opened when it is first needed and kept. It covers a selection, usually that of a grant: one watch serves
//! all resources of a kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use filbert_plan::managed::{self, Manager, Operation};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use kube::Client;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};
use tracing::{debug, info};

use crate::api::ApiError;
use crate::discovery::Discovery;
use crate::pause::{Pauses, paced};

mod follower;
mod held;

use follower::{Failing, Follower};
use held::Held;

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

/// How far the first list of a watch is. What it holds then stays, also while the watch fails later.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fill {
    /// Asked for.
    Waiting,
    /// Not answered, or refused, for this reason; it is asked for again.
    Failing(Refusal),
    /// In.
    Filled,
}

/// Why a list is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    detail: Arc<str>,
    category: &'static str,
}

struct Watch {
    objects: Arc<Objects>,
    fill: watch::Receiver<Fill>,
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
    /// The only namespace that is looked at; absent: all.
    within: Option<String>,
    /// How often a watch that had failed went on.
    recovered: watch::Sender<u64>,
}

impl Caches {
    /// No watches yet. Every change that any of them sees goes to the receiver, in the order of its watch.
    pub fn new(client: Client, discovery: Discovery) -> (Self, mpsc::UnboundedReceiver<Change>) {
        Self::within(client, discovery, None)
    }

    /// The same for one namespace only: what is asked of all namespaces is asked of that one.
    pub fn within(
        client: Client,
        discovery: Discovery,
        namespace: Option<String>,
    ) -> (Self, mpsc::UnboundedReceiver<Change>) {
        let (changes, receiver) = mpsc::unbounded_channel();
        let (watches, pending, recovered) = Default::default();
        let inner = Inner { client, discovery, watches, changes, pending, within: namespace, recovered };
        (Self { inner: Arc::new(inner) }, receiver)
    }

    /// Changes whenever a watch that had failed goes on: the server is back, or allows what it refused.
    pub fn recovered(&self) -> watch::Receiver<u64> {
        self.inner.recovered.subscribe()
    }

    /// Whether the watch is open and has its first list.
    pub fn is_filled(&self, selection: &Selection) -> bool {
        let watches = self.inner.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.get(selection).is_some_and(|watch| *watch.fill.borrow() == Fill::Filled)
    }

    /// The object of this key, where the selection covers it.
    ///
    /// Waits until the watch has its first list.
    ///
    /// # Errors
    /// Where the server does not serve the type, does not say what it serves, or refuses the first list.
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
        let resource = || selection.resource.clone();
        let mut fill = watch.fill.clone();
        let fill = fill.wait_for(|fill| *fill != Fill::Waiting).await.map(|fill| fill.clone());
        match fill {
            Ok(Fill::Failing(Refusal { detail, category })) => {
                Err(CacheError::Refused { resource: resource(), detail, category })
            }
            Ok(Fill::Waiting | Fill::Filled) => Ok(watch),
            Err(_) => Err(CacheError::Ended { resource: resource() }),
        }
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
        let failing = Arc::new(Failing::default());
        let client = paced(self.inner.client.clone(), {
            let (failing, recovered, resource) =
                (failing.clone(), self.inner.recovered.clone(), selection.resource.clone());
            Arc::new(move || {
                if failing.set(None).is_some() {
                    info!(%resource, "watch goes on");
                    recovered.send_modify(|times| *times += 1);
                }
            })
        });
        let within = self.inner.within.as_ref().filter(|_| served.namespaced);
        let api: kube::Api<DynamicObject> = match selection.namespace.as_ref().or(within) {
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
        let (sender, fill) = watch::channel(Fill::Waiting);
        let objects = Arc::new(Objects::default());
        let follower = Follower {
            resource: selection.resource.clone(),
            api_version: selection.resource.api_version(),
            kind: served.kind,
            objects: objects.clone(),
            listed: BTreeMap::new(),
            fill: sender,
            changes: self.inner.changes.clone(),
            pending: self.inner.pending.clone(),
            failing: failing.clone(),
        };
        let stream = watcher::watcher(api, config).backoff(Pauses::default());
        let task = tokio::spawn(follower.follow(stream)).abort_handle();
        debug!(resource = %selection.resource, labels = selection.labels, name = selection.name, "watch opened");
        let watch = Arc::new(Watch { objects, fill, task });
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
    /// The server does not answer the first list, or refuses it.
    #[error("{resource} cannot be watched: {detail}")]
    Refused {
        /// The type.
        resource: ResourceType,
        /// The server's own words, or what went wrong on the way to it.
        detail: Arc<str>,
        /// As of an [`ApiError`].
        category: &'static str,
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

/// Versions of one resource type can be compared.
fn version_number(object: &Value) -> u64 {
    object::text(object, "/metadata/resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn resource_version(cached: &Cached) -> Option<&str> {
    object::text(&cached.object, "/metadata/resourceVersion")
}
