//! Names of things in a Kubernetes API: resource types and object keys.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an API server serves below one path. Never a kind alone: kinds repeat between groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceType {
    /// Empty for the core group.
    pub group: String,
    /// As in the path: `v1`.
    pub version: String,
    /// Lower case, as in the path: `statefulsets`.
    pub plural: String,
}

impl ResourceType {
    /// A resource type from its three parts; `group` is empty for the core group.
    pub fn new(group: impl Into<String>, version: impl Into<String>, plural: impl Into<String>) -> Self {
        Self { group: group.into(), version: version.into(), plural: plural.into() }
    }

    /// As written in manifests: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The name a `CustomResourceDefinition` for it would have: `widgets.example.dev`.
    pub fn definition_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

impl fmt::Display for ResourceType {
    /// `statefulsets.apps/v1`, `services/v1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.definition_name(), self.version)
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// What it is.
    pub resource: ResourceType,
    /// Absent for cluster-scoped resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its `metadata.name`.
    pub name: String,
}

impl ObjectKey {
    /// A key of a namespaced object.
    pub fn namespaced(resource: ResourceType, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { resource, namespace: Some(namespace.into()), name: name.into() }
    }
}

impl fmt::Display for ObjectKey {
    /// `services/v1 market/blue`; without namespace for cluster-scoped objects.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.resource, self.name),
            None => write!(f, "{} {}", self.resource, self.name),
        }
    }
}

/// An API version and kind, as an object carries them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeMeta {
    /// `apps/v1`.
    pub api_version: String,
    /// `StatefulSet`.
    pub kind: String,
}

impl TypeMeta {
    /// What the object says of itself, or nothing where it does not.
    pub fn of(object: &Value) -> Option<Self> {
        Some(Self { api_version: text(object, "/apiVersion")?.to_owned(), kind: text(object, "/kind")?.to_owned() })
    }
}

impl fmt::Display for TypeMeta {
    /// `apps/v1 StatefulSet`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version, self.kind)
    }
}

/// The string at a JSON pointer.
pub fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// `metadata.name`, or nothing.
pub fn name(object: &Value) -> Option<&str> {
    text(object, "/metadata/name")
}

/// `metadata.namespace`, or nothing.
pub fn namespace(object: &Value) -> Option<&str> {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`, or nothing.
pub fn uid(object: &Value) -> Option<&str> {
    text(object, "/metadata/uid")
}

/// `metadata.generation`; 0 where the API server sets none.
pub fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0)
}

/// Whether deletion of the object has begun.
pub fn is_being_deleted(object: &Value) -> bool {
    text(object, "/metadata/deletionTimestamp").is_some()
}

/// The owner reference with `controller: true`, as (uid, kind, name).
pub fn controller(object: &Value) -> Option<(&str, &str, &str)> {
    let references = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = references.iter().find(|r| r.get("controller").and_then(Value::as_bool) == Some(true))?;
    Some((text(owner, "/uid")?, text(owner, "/kind")?, text(owner, "/name")?))
}

/// Takes away what no pass may depend on: managed fields.
pub fn without_managed_fields(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}
