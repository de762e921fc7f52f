//! Kinds as a guest sees them, and the keys of objects.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bindings::reads::filbert::operator::types as raw;
use crate::json;

/// A kind that a guest reconciles or reviews: a narrow struct that names only the fields it looks at.
pub trait Resource: DeserializeOwned {
    /// Where the API server serves it.
    const TYPE: ResourceType;
    /// `Greeting`.
    const KIND: &'static str;

    /// Reads one, and its metadata. A library whose large types are read in several crates defines this itself, as it stands
    /// here: what reads them is then compiled once and not in each of these crates.
    ///
    /// # Errors
    /// Where the text is no JSON, or not of this shape.
    fn read(text: &str) -> Result<(Self, Metadata), json::Error> {
        json::read_object(text)
    }
}

/// An object of any kind, for steps and rules that do not care.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Any(pub serde_json::Value);

impl Resource for Any {
    const TYPE: ResourceType = ResourceType::new("*", "*", "*");
    const KIND: &'static str = "*";
}

/// What an API server serves below one path. Never a kind alone: kinds repeat between groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceType {
    /// Empty for the core group.
    pub group: &'static str,
    /// As in the path: `v1`.
    pub version: &'static str,
    /// Lower case, as in the path: `statefulsets`.
    pub plural: &'static str,
}

impl ResourceType {
    /// From its three parts; `group` is empty for the core group.
    pub const fn new(group: &'static str, version: &'static str, plural: &'static str) -> Self {
        Self { group, version, plural }
    }

    /// The object of this name in a namespace.
    pub fn named(self, namespace: impl Into<String>, name: impl Into<String>) -> ObjectKey {
        ObjectKey { resource: self, namespace: Some(namespace.into()), name: name.into() }
    }

    /// The cluster-scoped object of this name.
    pub fn cluster_scoped(self, name: impl Into<String>) -> ObjectKey {
        ObjectKey { resource: self, namespace: None, name: name.into() }
    }

    pub(crate) fn raw(self) -> raw::ResourceType {
        raw::ResourceType { group: self.group.into(), version: self.version.into(), plural: self.plural.into() }
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey {
    /// What it is.
    pub resource: ResourceType,
    /// Absent for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Its `metadata.name`.
    pub name: String,
}

impl ObjectKey {
    pub(crate) fn raw(&self) -> raw::ObjectKey {
        raw::ObjectKey { resource: self.resource.raw(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// `metadata` of an object, as far as guests look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Unique in its namespace.
    pub name: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    /// Unique for ever.
    pub uid: String,
    /// Grows with each change of the specification.
    pub generation: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// When its deletion was asked for; absent while it is to stay.
    pub deletion_timestamp: Option<String>,
}
