//! Objects in memory: one revision for all, history for watchers.
//!
//! Objects are kept as the JSON that is served, so lists and watches copy nothing but bytes; they are parsed where a write
//! or a selector needs their fields.
//!
//! # Guarantees
//!
//! * Every change gets the next revision, and is in the history of its collection before the write returns.
//! * [`Store::since`] gives the changes of a collection in order, each once, or says that they are no longer known.

mod object;

pub(crate) use object::{Key, OwnerReference, Stored, type_prefix, write};

use crate::resource::CollectionId;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What happened to an object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    /// The object afterwards; for a deletion its last state, with the revision of the deletion.
    pub(crate) object: Arc<Stored>,
    /// The object before; `None` for a creation.
    pub(crate) before: Option<Arc<Stored>>,
    pub(crate) deleted: bool,
}

/// A change and where it happened.
pub(crate) struct Told {
    pub(crate) collection: CollectionId,
    pub(crate) change: Change,
}

struct Collection {
    objects: BTreeMap<Key, Arc<Stored>>,
    history: VecDeque<Change>,
    /// Changes up to this revision are no longer known.
    forgotten: u64,
    latest: watch::Sender<u64>,
}

impl Collection {
    fn new() -> Self {
        Self { objects: BTreeMap::new(), history: VecDeque::new(), forgotten: 0, latest: watch::Sender::new(0) }
    }
}

struct Inner {
    revision: u64,
    /// Lists of a revision below this one are refused.
    compacted: u64,
    collections: BTreeMap<CollectionId, Collection>,
    listeners: Vec<Sender<Told>>,
    /// Changes that listeners were told of.
    told: u64,
}

/// Why a write was not done.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The object is there already.
    Exists,
    /// The object is not there.
    Missing,
    /// The object was changed in the meantime.
    Changed,
}

/// The revision asked for is no longer known.
#[derive(Debug)]
pub(crate) struct Forgotten;

/// A range of a collection at one revision.
pub(crate) struct Page {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Stored>>,
}

pub(crate) struct Store {
    inner: Mutex<Inner>,
    /// How many changes of a collection are kept.
    history: usize,
}

impl Store {
    pub(crate) fn new(history: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                revision: 1,
                compacted: 0,
                collections: BTreeMap::new(),
                listeners: Vec::new(),
                told: 0,
            }),
            history,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can stop half-way and leave the maps inconsistent, so a poisoned lock is still good.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.lock().revision
    }

    pub(crate) fn get(&self, collection: &CollectionId, key: &Key) -> Option<Arc<Stored>> {
        self.lock().collections.get(collection)?.objects.get(key).cloned()
    }

    /// Adds an object; its resource version is set here. `stamp` is kept with it.
    pub(crate) fn create(
        &self,
        collection: &CollectionId,
        key: Key,
        object: Value,
        stamp: u64,
    ) -> Result<Arc<Stored>, Refused> {
        let mut inner = self.lock();
        let revision = inner.revision + 1;
        let entry = inner.collection(collection);
        if entry.objects.contains_key(&key) {
            return Err(Refused::Exists);
        }
        let stored = Arc::new(Stored::new(key.clone(), object, revision, stamp));
        entry.objects.insert(key, stored.clone());
        let change = Change { revision, object: stored.clone(), before: None, deleted: false };
        inner.record(collection, change, self.history);
        Ok(stored)
    }

    /// Replaces an object that is still at revision `expected`.
    pub(crate) fn replace(
        &self,
        collection: &CollectionId,
        key: &Key,
        expected: u64,
        object: Value,
        stamp: u64,
    ) -> Result<Arc<Stored>, Refused> {
        let mut inner = self.lock();
        let revision = inner.revision + 1;
        let slot = inner.collection(collection).objects.get_mut(key).ok_or(Refused::Missing)?;
        if slot.revision != expected {
            return Err(Refused::Changed);
        }
        let stored = Arc::new(Stored::new(key.clone(), object, revision, stamp));
        let before = std::mem::replace(slot, stored.clone());
        let change = Change { revision, object: stored.clone(), before: Some(before), deleted: false };
        inner.record(collection, change, self.history);
        Ok(stored)
    }

    /// Removes an object that is still at revision `expected`; `last` is the state that watchers see.
    pub(crate) fn remove(
        &self,
        collection: &CollectionId,
        key: &Key,
        expected: u64,
        last: Value,
    ) -> Result<Arc<Stored>, Refused> {
        let mut inner = self.lock();
        let revision = inner.revision + 1;
        let objects = &mut inner.collection(collection).objects;
        let before = objects.get(key).cloned().ok_or(Refused::Missing)?;
        if before.revision != expected {
            return Err(Refused::Changed);
        }
        objects.remove(key);
        let stored = Arc::new(Stored::new(key.clone(), last, revision, before.stamp));
        let change = Change { revision, object: stored.clone(), before: Some(before), deleted: true };
        inner.record(collection, change, self.history);
        Ok(stored)
    }

    /// All objects of a namespace (or of all) after a key, as they are now.
    pub(crate) fn list(&self, collection: &CollectionId, namespace: Option<&str>, after: Option<&Key>) -> Page {
        let inner = self.lock();
        let objects = inner
            .collections
            .get(collection)
            .map(|entry| range(&entry.objects, namespace, after).map(|(_, object)| object.clone()).collect())
            .unwrap_or_default();
        Page { revision: inner.revision, objects }
    }

    /// The same as it was at `revision`.
    pub(crate) fn list_at(
        &self,
        collection: &CollectionId,
        namespace: Option<&str>,
        after: Option<&Key>,
        revision: u64,
    ) -> Result<Page, Forgotten> {
        let inner = self.lock();
        if revision < inner.compacted {
            return Err(Forgotten);
        }
        let Some(entry) = inner.collections.get(collection) else {
            return Ok(Page { revision, objects: Vec::new() });
        };
        if revision < entry.forgotten {
            return Err(Forgotten);
        }
        let mut objects: BTreeMap<Key, Arc<Stored>> =
            range(&entry.objects, namespace, after).map(|(key, object)| (key.clone(), object.clone())).collect();
        for change in entry.history.iter().rev().take_while(|change| change.revision > revision) {
            let key = &change.object.key;
            if namespace.is_some_and(|namespace| *key.namespace != *namespace)
                || after.is_some_and(|after| key <= after)
            {
                continue;
            }
            match &change.before {
                Some(before) => objects.insert(key.clone(), before.clone()),
                None => objects.remove(key),
            };
        }
        Ok(Page { revision, objects: objects.into_values().collect() })
    }

    /// The changes of a collection after `revision`, at most `limit` of them, and the revision up to which they are complete.
    pub(crate) fn since(
        &self,
        collection: &CollectionId,
        revision: u64,
        limit: usize,
    ) -> Result<(Vec<Change>, u64), Forgotten> {
        let inner = self.lock();
        if revision < inner.compacted {
            return Err(Forgotten);
        }
        let Some(entry) = inner.collections.get(collection) else { return Ok((Vec::new(), inner.revision)) };
        if revision < entry.forgotten {
            return Err(Forgotten);
        }
        let start = entry.history.partition_point(|change| change.revision <= revision);
        let changes: Vec<Change> = entry.history.range(start..).take(limit).cloned().collect();
        let complete = match changes.last() {
            Some(last) if changes.len() == limit => last.revision,
            _ => inner.revision,
        };
        Ok((changes, complete))
    }

    /// Tells the revision of the last change of a collection, each time there is one.
    pub(crate) fn changes(&self, collection: &CollectionId) -> watch::Receiver<u64> {
        self.lock().collection(collection).latest.subscribe()
    }

    /// Every change of every collection from now on, in order; it ends with the store.
    pub(crate) fn tell(&self) -> Receiver<Told> {
        let (sender, receiver) = channel();
        self.lock().listeners.push(sender);
        receiver
    }

    /// How many changes listeners were told of, one for each listener.
    pub(crate) fn told(&self) -> u64 {
        self.lock().told
    }

    /// Tells the listeners of each object of a collection as if it had just changed; watches see nothing.
    pub(crate) fn tell_again(&self, id: &CollectionId) {
        let mut inner = self.lock();
        let Inner { collections, listeners, told, .. } = &mut *inner;
        let Some(entry) = collections.get(id) else { return };
        for object in entry.objects.values() {
            let change = Change {
                revision: object.revision,
                object: object.clone(),
                before: Some(object.clone()),
                deleted: false,
            };
            listeners.retain(|listener| listener.send(Told { collection: id.clone(), change: change.clone() }).is_ok());
            *told += listeners.len() as u64;
        }
    }

    /// Forgets the history: from now on older revisions are gone.
    pub(crate) fn compact(&self) {
        let mut inner = self.lock();
        inner.compacted = inner.revision;
        for entry in inner.collections.values_mut() {
            entry.history.clear();
        }
    }

    /// The collections that hold anything, in order.
    pub(crate) fn collections(&self) -> Vec<CollectionId> {
        let inner = self.lock();
        let mut found: Vec<_> =
            inner.collections.iter().filter(|(_, entry)| !entry.objects.is_empty()).map(|(id, _)| id.clone()).collect();
        found.sort();
        found
    }
}

impl Inner {
    fn collection(&mut self, id: &CollectionId) -> &mut Collection {
        self.collections.entry(id.clone()).or_insert_with(Collection::new)
    }

    fn record(&mut self, id: &CollectionId, change: Change, keep: usize) {
        self.revision = change.revision;
        let told = |change: &Change| Told { collection: id.clone(), change: change.clone() };
        self.listeners.retain(|listener| listener.send(told(&change)).is_ok());
        self.told += self.listeners.len() as u64;
        let entry = self.collection(id);
        let revision = change.revision;
        entry.history.push_back(change);
        while entry.history.len() > keep {
            if let Some(oldest) = entry.history.pop_front() {
                entry.forgotten = oldest.revision;
            }
        }
        // Sent under the lock, so that receivers see revisions in order.
        entry.latest.send_replace(revision);
    }
}

/// Keys are ordered by namespace and name, so a namespace is one range.
fn range<'a>(
    objects: &'a BTreeMap<Key, Arc<Stored>>,
    namespace: Option<&'a str>,
    after: Option<&'a Key>,
) -> impl Iterator<Item = (&'a Key, &'a Arc<Stored>)> {
    let first = namespace.map(|namespace| Key::new(namespace, ""));
    let start = match (after, first) {
        (Some(after), _) => Bound::Excluded(after.clone()),
        (None, Some(first)) => Bound::Included(first),
        (None, None) => Bound::Unbounded,
    };
    objects
        .range((start, Bound::Unbounded))
        .take_while(move |(key, _)| namespace.is_none_or(|namespace| *key.namespace == *namespace))
}

#[cfg(test)]
mod tests;
