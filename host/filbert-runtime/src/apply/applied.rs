//! What was applied, and how it was then: so that an object that is as it was is not written again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use filbert_plan::object::{self, ObjectKey};
use filbert_plan::plan::Ownership;
use serde_json::Value;

/// How an applied object was when the host applied it last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applied {
    pub(super) wanted: [u8; 32],
    pub(super) fingerprint: [u8; 32],
    pub(super) resource_version: u64,
    pub(super) ownership: Ownership,
}

/// What was applied, by object and manager. Shared by all passes.
#[derive(Debug, Default)]
pub struct AppliedObjects(Mutex<BTreeMap<ObjectKey, BTreeMap<String, Applied>>>);

impl AppliedObjects {
    pub(super) fn get(&self, key: &ObjectKey, manager: &str) -> Option<Applied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.get(manager).copied()
    }

    pub(super) fn set(&self, key: &ObjectKey, manager: &str, applied: Applied) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key.clone()).or_default().insert(manager.to_owned(), applied);
    }

    pub(super) fn remove(&self, key: &ObjectKey, manager: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(managers) = all.get_mut(key) {
            managers.remove(manager);
            if managers.is_empty() {
                all.remove(key);
            }
        }
    }

    /// Nothing is known any more.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// An object is gone, as a watch saw it with this resource version.
    pub fn forget(&self, key: &ObjectKey, resource_version: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(managers) = all.get_mut(key) {
            // One that was made anew since stays known.
            managers.retain(|_, applied| applied.resource_version > resource_version);
            if managers.is_empty() {
                all.remove(key);
            }
        }
    }
}

/// The number in `metadata.resourceVersion`; comparable within one resource type.
pub fn resource_version(object: &Value) -> u64 {
    object::text(object, "/metadata/resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0)
}
