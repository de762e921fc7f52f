//! Whose an object is.

use std::sync::Arc;

use filbert_kube::cache::OWNED_BY;
use filbert_plan::object::{self, ObjectKey};
use filbert_plan::pipeline::Adoption;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::ApplyError;
use crate::library::hex;

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

/// Before the name of a step, an annotation of what it owns: the digest of what it wanted when it wrote last. An operator that
/// starts anew, and finds all fields as its step wants them and this digest, knows that none is left which the step no
/// longer wants, without a request.
const APPLIED: &str = "applied.filbert.dev";

fn mark(manager: &str, wanted: &[u8; 32]) -> (String, String) {
    let short = |digest: &[u8]| hex(digest.get(..16).unwrap_or(digest));
    let step = manager.rsplit('/').next().unwrap_or(manager);
    let is_inner = |c: char| c.is_ascii_alphanumeric();
    let can_stand = step.len() <= 63
        && step.starts_with(is_inner)
        && step.ends_with(is_inner)
        && step.chars().all(|c| is_inner(c) || matches!(c, '-' | '_' | '.'));
    // Whatever a pipeline calls its steps, the API server takes only certain names.
    let step = if can_stand { step.to_owned() } else { short(&Sha256::digest(manager)) };
    (format!("{APPLIED}/{step}"), short(wanted))
}

/// The object with the digest of what the step wants.
pub(super) fn marked(object: &Value, manager: &str, wanted: &[u8; 32]) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(annotations) = metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
    {
        let (name, digest) = mark(manager, wanted);
        annotations.insert(name, digest.into());
    }
    object
}

/// Whether the step wanted the same when it wrote the object last.
pub(super) fn is_marked(live: &Value, manager: &str, wanted: &[u8; 32]) -> bool {
    let (name, digest) = mark(manager, wanted);
    let annotations = live.pointer("/metadata/annotations");
    annotations.and_then(|annotations| annotations.get(&name)).and_then(Value::as_str) == Some(&digest)
}

/// Whether two states of an object differ in nothing but who wrote what, and when.
pub(super) fn says_the_same(before: &Value, after: &Value) -> bool {
    let plain = |object: &Value| {
        let mut object = object.clone();
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            metadata.remove("resourceVersion");
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.retain(|name, _| !name.strip_prefix(APPLIED).is_some_and(|rest| rest.starts_with('/')));
            }
        }
        object
    };
    plain(before) == plain(after)
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
