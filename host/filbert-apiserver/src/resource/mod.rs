//! What the server serves: a table of built-in resources, and the resources that definitions add to it.

pub(crate) mod registry;
mod table;
mod view;

pub(crate) use registry::Registry;

use crate::crd::CrdVersion;
use crate::merge::MergeSchema;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Where objects of a resource are kept: all versions of one resource share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CollectionId {
    pub(crate) group: String,
    pub(crate) plural: String,
}

impl CollectionId {
    pub(crate) fn new(group: &str, plural: &str) -> Self {
        Self { group: group.to_owned(), plural: plural.to_owned() }
    }
}

/// A part of an object with a path of its own.
#[derive(Clone, Debug)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// Empty where it is the resource's own.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) verbs: Vec<String>,
}

/// What a definition says of one served version.
pub(crate) struct Custom {
    pub(crate) schema: CrdVersion,
    /// The schemas of all versions, by `apiVersion`, whether they are served or not.
    pub(crate) versions: Arc<BTreeMap<String, CrdVersion>>,
    pub(crate) scale: Option<ScalePaths>,
    pub(crate) columns: Vec<Value>,
    pub(crate) selectable: Vec<String>,
    /// The `openAPIV3Schema`, for discovery documents.
    pub(crate) open_api: Value,
    pub(crate) deprecation: Option<String>,
    /// Changes with every change of the definition: objects stored under another stamp are read through the schema again.
    pub(crate) stamp: u64,
}

/// JSON paths of the scale subresource of a definition.
#[derive(Clone, Debug)]
pub(crate) struct ScalePaths {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    pub(crate) label_selector: Option<String>,
}

/// One resource in one version.
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    /// `group/version` that objects are stored in, for the hash in discovery.
    pub(crate) storage: (String, String),
    pub(crate) collection: Arc<CollectionId>,
    /// How its objects begin, as the store writes them.
    pub(crate) type_prefix: Vec<u8>,
    merge: OnceLock<Option<MergeSchema>>,
    pub(crate) custom: Option<Arc<Custom>>,
}

impl Resource {
    /// `group/version`, or the version alone in the core group.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// How writes of several managers are merged; `None` for kinds without a document. Built-in ones are read when first needed.
    pub(crate) fn merge(&self) -> Option<&MergeSchema> {
        self.merge.get_or_init(|| MergeSchema::builtin(&self.group, &self.version, &self.kind)).as_ref()
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    pub(crate) fn serves(&self, verb: &str) -> bool {
        self.verbs.iter().any(|served| served == verb)
    }
}
