//! One stored object.

use bytes::Bytes;
use serde_json::Value;
use std::fmt;

/// Namespace (empty for cluster-scoped objects) and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            out.write_str(&self.name)
        } else {
            write!(out, "{}/{}", self.namespace, self.name)
        }
    }
}

/// What an owner reference says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerReference {
    pub(crate) group: Box<str>,
    pub(crate) version: Box<str>,
    pub(crate) kind: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
    pub(crate) is_controller: bool,
    pub(crate) blocks: bool,
}

impl OwnerReference {
    fn new(reference: &Value) -> Self {
        let text = |name: &str| reference.get(name).and_then(Value::as_str).unwrap_or_default();
        let flag = |name: &str| reference.get(name) == Some(&Value::Bool(true));
        let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
        Self {
            group: group.into(),
            version: version.into(),
            kind: text("kind").into(),
            name: text("name").into(),
            uid: text("uid").into(),
            is_controller: flag("controller"),
            blocks: flag("blockOwnerDeletion"),
        }
    }
}

/// An object at one revision; never changed, only replaced.
///
/// What controllers look at in every change is at hand; the rest has to be parsed.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) key: Key,
    pub(crate) revision: u64,
    /// The object as it is served in the version it was written in; `kind` and `apiVersion` come first.
    pub(crate) json: Bytes,
    /// Length of `{"kind":…,"apiVersion":…,`, which items of lists of built-in kinds do not have.
    type_length: usize,
    pub(crate) uid: Box<str>,
    /// Whether it is being deleted.
    pub(crate) is_terminating: bool,
    pub(crate) owners: Box<[OwnerReference]>,
    pub(crate) labels: Box<[(Box<str>, Box<str>)]>,
    pub(crate) stamp: u64,
}

impl Stored {
    pub(super) fn new(key: Key, mut object: Value, revision: u64, stamp: u64) -> Self {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), revision.to_string().into());
        }
        let labels = object
            .pointer("/metadata/labels")
            .and_then(Value::as_object)
            .map(|labels| {
                labels
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), value.as_str().unwrap_or_default().into()))
                    .collect()
            })
            .unwrap_or_default();
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().into();
        let is_terminating = object.pointer("/metadata/deletionTimestamp").is_some();
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let owners = owners.into_iter().flatten().map(OwnerReference::new).collect();
        let (json, type_length) = write(&object);
        Self { key, revision, json, type_length, uid, is_terminating, owners, labels, stamp }
    }

    /// The object, parsed.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.json).unwrap_or_default()
    }

    /// What follows `kind` and `apiVersion`, without the opening brace.
    pub(crate) fn untyped_rest(&self) -> &[u8] {
        self.json.get(self.type_length..).unwrap_or_default()
    }

    /// Whether the object is kept with this `{"kind":…,"apiVersion":…,`.
    pub(crate) fn has_type(&self, prefix: &[u8]) -> bool {
        self.json.starts_with(prefix)
    }

    /// The one owner that controls it.
    pub(crate) fn controller(&self) -> Option<&OwnerReference> {
        self.owners.iter().find(|owner| owner.is_controller)
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| **label == *name).map(|(_, value)| &**value)
    }
}

/// The beginning of an object of a type, as [`write`] makes it.
pub(crate) fn type_prefix(kind: &str, api_version: &str) -> Vec<u8> {
    format!("{{\"kind\":{},\"apiVersion\":{},", Value::from(kind), Value::from(api_version)).into_bytes()
}

/// Writes an object with its type first; also answers the length of that beginning.
pub(crate) fn write(object: &Value) -> (Bytes, usize) {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut json = type_prefix(text("kind"), text("apiVersion"));
    let type_length = json.len();
    // Writing a `Value` to memory cannot fail.
    let field = |json: &mut Vec<u8>, name: &str, value: &Value| {
        if json.len() > type_length {
            json.push(b',');
        }
        json.extend_from_slice(Value::from(name).to_string().as_bytes());
        json.push(b':');
        serde_json::to_writer(json, value).unwrap_or_default();
    };
    if let Some(metadata) = object.get("metadata") {
        field(&mut json, "metadata", metadata);
    }
    for (name, value) in object.as_object().into_iter().flatten() {
        if !["kind", "apiVersion", "metadata"].contains(&name.as_str()) {
            field(&mut json, name, value);
        }
    }
    if json.len() == type_length {
        json.pop();
    }
    json.push(b'}');
    (json.into(), type_length)
}
