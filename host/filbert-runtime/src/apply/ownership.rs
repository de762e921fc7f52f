//! Whose an object is.

use std::sync::Arc;

use filbert_kube::cache::OWNED_BY;
use filbert_plan::object::{self, ObjectKey};
use filbert_plan::pipeline::Adoption;
use serde_json::{Map, Value, json};

use super::ApplyError;

/// For whom things are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The reconciled object.
    pub key: ObjectKey,
    /// Its API version, as owner references have it.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its uid.
    pub uid: String,
    /// Whose installations are taken over for it.
    pub adoption: Option<Arc<Adoption>>,
}

/// Marks an object as the owner's. An owner reference needs the same namespace, or an owner that has none.
pub(super) fn own(metadata: &mut Map<String, Value>, key: &ObjectKey, owner: &Owner) {
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(OWNED_BY.to_owned(), owner.uid.clone().into());
    }
    if owner.key.namespace.is_none() || owner.key.namespace == key.namespace {
        let Owner { key, api_version, kind, uid, adoption: _ } = owner;
        metadata.insert(
            "ownerReferences".to_owned(),
            json!([{"apiVersion": api_version, "kind": kind, "name": key.name, "uid": uid, "controller": true, "blockOwnerDeletion": true}]),
        );
    }
}

/// Whether an object is the owner's: by its controller reference, by the host's label where it has no controller, or
/// because an earlier operator left it for the owner.
pub(super) fn belongs_to(live: &Value, owner: &Owner) -> bool {
    match object::controller(live) {
        Some((uid, _, _)) => uid == owner.uid,
        None => match live.pointer("/metadata/labels").and_then(|labels| labels.get(OWNED_BY)) {
            Some(uid) => uid.as_str() == Some(&owner.uid),
            None => owner.adoption.as_ref().is_some_and(|adoption| adoption.recognises(live, &owner.key.name)),
        },
    }
}

pub(super) fn foreign(key: &ObjectKey, live: &Value) -> ApplyError {
    let owner = object::controller(live)
        .map_or_else(|| "nobody that this operator knows".to_owned(), |(_, kind, name)| format!("{kind} `{name}`"));
    ApplyError::Foreign { key: key.clone(), owner }
}
