//! What one watch sees, put into its cache and told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use filbert_plan::object::{self, ObjectKey, ResourceType};
use futures::StreamExt as _;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event};
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use super::held::Name;
use super::{Cached, Change, Fill, Objects, Refusal, resource_version, version_number};
use crate::api::{Chain, category};

/// Follows one watch and keeps its objects.
pub(super) struct Follower {
    pub(super) resource: ResourceType,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) objects: Arc<Objects>,
    /// What a list that is under way has shown so far.
    pub(super) listed: BTreeMap<Name, Arc<Cached>>,
    pub(super) fill: watch::Sender<Fill>,
    pub(super) changes: mpsc::UnboundedSender<Change>,
    pub(super) pending: Arc<AtomicU64>,
    pub(super) failing: Arc<Failing>,
}

/// Why a watch fails, as it was said last; nothing while it goes on.
#[derive(Debug, Default)]
pub(super) struct Failing(Mutex<Option<Arc<str>>>);

impl Failing {
    /// Answers why it failed before.
    pub(super) fn set(&self, reason: Option<Arc<str>>) -> Option<Arc<str>> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), reason)
    }
}

impl Follower {
    pub(super) async fn follow(mut self, stream: impl futures::Stream<Item = watcher::Result<Event<DynamicObject>>>) {
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
                Err(error) => self.fail(&error),
            }
        }
    }

    fn fail(&mut self, error: &watcher::Error) {
        let (detail, category): (Arc<str>, _) = match error {
            // The server's own words, which name whom it refuses what.
            watcher::Error::InitialListFailed(kube::Error::Api(status))
            | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => {
                (status.message.as_str().into(), category(Some(status.code)))
            }
            error => (Chain(error).to_string().into(), category(None)),
        };
        if self.failing.set(Some(detail.clone())).as_ref() == Some(&detail) {
            debug!(resource = %self.resource, error = %detail, "watch failed again");
        } else {
            warn!(resource = %self.resource, error = %detail, "watch failed, trying again");
        }
        let now = Fill::Failing(Refusal { detail, category });
        self.fill.send_if_modified(|fill| {
            let is_new = *fill != Fill::Filled && *fill != now;
            if is_new {
                *fill = now;
            }
            is_new
        });
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
                self.fill.send_replace(Fill::Filled);
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
