//! How each field of a kind is merged: types, which lists and maps are one value, which have keys, and what strategic
//! merge patch does with them.

mod document;
mod reader;
mod types;

use super::field_set::FieldSet;
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};

pub(crate) use types::{ListKind, ListType, MapType, PatchStrategy, ScalarKind, Shape, TypeRef, Types, is_quantity};

/// How server-side apply and strategic merge patch treat each field of one version of one kind. Cheap to clone.
#[derive(Clone)]
pub struct MergeSchema {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    types: Arc<Types>,
    root: TypeRef,
    /// The kind, where it is known.
    kind: Option<String>,
    builtin: bool,
    /// By subresource ("" is the object itself): fields that a write through it can neither change nor own.
    reset: BTreeMap<String, FieldSet>,
    /// Other versions of the kind, by `apiVersion`, for what managers own through them.
    versions: BTreeMap<String, MergeSchema>,
}

/// What of a built-in kind a write to `status` resets, besides `spec`.
const RESET_WITH_STATUS: &[(&str, &[&[&str]])] = &[
    ("CustomResourceDefinition", &[&["metadata"]]),
    ("Deployment", &[&["metadata", "labels"]]),
    ("Pod", &[&["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]),
];

/// Fields that the documents call optional and that every object of a kind has: nobody sets them by leaving them empty.
const NEVER_ABSENT: &[(&str, &str)] = &[
    ("ClusterRole", r#"{ "rules": null }"#),
    (
        "Event",
        r#"{ "firstTimestamp": null, "lastTimestamp": null, "eventTime": null, "reportingComponent": "", "reportingInstance": "",
             "source": {}, "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null, "deprecatedSource": {} }"#,
    ),
    ("Role", r#"{ "rules": null }"#),
];

impl MergeSchema {
    /// The schema of a built-in kind; `None` where the kind is not known. `group` is "" for the core group.
    ///
    /// The document of a group version is read once, when it is first needed.
    pub fn builtin(group: &str, version: &str, kind: &str) -> Option<MergeSchema> {
        let key = [group, version, kind].map(str::to_owned);
        let documents = std::iter::once((group, version)).chain(document::WITH_SUBRESOURCES.iter().copied());
        let (types, root) = documents.into_iter().find_map(|(group, version)| {
            let types = document::types_of(group, version)?;
            let root = types.kind(&key)?;
            Some((types, root))
        })?;
        let mut inner = Inner {
            root,
            kind: Some(kind.to_owned()),
            builtin: true,
            reset: BTreeMap::new(),
            versions: BTreeMap::new(),
            types,
        };
        if inner.types.shape(root, None).map_type().is_some_and(|map| map.fields.contains_key("status")) {
            let others = RESET_WITH_STATUS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, paths)| paths);
            let with_status: Vec<&[&str]> = std::iter::once(&["spec"][..]).chain(others.iter().copied()).collect();
            inner.reset.insert(String::new(), FieldSet::of_fields(&[&["status"]]));
            inner.reset.insert("status".to_owned(), FieldSet::of_fields(&with_status));
        }
        Some(MergeSchema { inner: Arc::new(inner) })
    }

    /// The schema of one version of a custom resource, from its definition's `openAPIV3Schema`.
    pub fn from_crd_schema(open_api_v3_schema: &Value) -> MergeSchema {
        let (types, root) = Types::of_custom_resource(open_api_v3_schema, document::object_meta());
        MergeSchema {
            inner: Arc::new(Inner {
                types: Arc::new(types),
                root,
                kind: None,
                builtin: false,
                reset: BTreeMap::new(),
                versions: BTreeMap::new(),
            }),
        }
    }

    /// Names the kind, so that an applied object of another kind is refused.
    #[must_use]
    pub fn with_kind(mut self, kind: &str) -> MergeSchema {
        Arc::make_mut(&mut self.inner).kind = Some(kind.to_owned());
        self
    }

    /// The custom resource has a `status` subresource: writes to the object leave the status alone, and the other way round.
    #[must_use]
    pub fn with_status_subresource(mut self) -> MergeSchema {
        let reset = &mut Arc::make_mut(&mut self.inner).reset;
        let unchanged: &[&[&str]] = &[&["apiVersion"], &["kind"], &["spec"]];
        reset.insert(String::new(), FieldSet::of_fields(&[&["status"]]));
        reset.insert("status".to_owned(), FieldSet::of_fields(unchanged));
        self
    }

    /// Adds the schema of another version of the same kind. What a manager owns through a version that is not known
    /// is forgotten at the next write.
    #[must_use]
    pub fn with_version(mut self, api_version: &str, schema: MergeSchema) -> MergeSchema {
        Arc::make_mut(&mut self.inner).versions.insert(api_version.to_owned(), schema);
        self
    }

    pub(crate) fn types(&self) -> &Types {
        &self.inner.types
    }

    pub(crate) fn root(&self) -> TypeRef {
        self.inner.root
    }

    pub(crate) fn kind(&self) -> Option<&str> {
        self.inner.kind.as_deref()
    }

    /// Objects of the kind have a fixed form: an absent field and its zero value are the same, and null is absence.
    pub(crate) fn is_builtin(&self) -> bool {
        self.inner.builtin
    }

    /// Fields that a write through this subresource neither changes nor owns.
    pub(crate) fn reset_by(&self, subresource: &str) -> Option<&FieldSet> {
        self.inner.reset.get(subresource)
    }

    pub(crate) fn version(&self, api_version: &str) -> Option<&MergeSchema> {
        self.inner.versions.get(api_version)
    }

    /// What is there before anything is: for built-in kinds the fields that are never absent, otherwise nothing.
    pub(crate) fn empty_object(&self) -> Value {
        if !self.inner.builtin {
            return Value::Object(serde_json::Map::new());
        }
        let mut zero = self.inner.types.zero_value(self.inner.root);
        let more = NEVER_ABSENT.iter().find(|(kind, _)| self.inner.kind.as_deref() == Some(kind));
        let more = more.map(|(_, fields)| serde_json::from_str(fields).expect("the fields are JSON"));
        if let (Some(Value::Object(more)), Some(fields)) = (more, zero.as_object_mut()) {
            fields.extend(more);
        }
        zero
    }
}

impl fmt::Debug for MergeSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeSchema")
            .field("kind", &self.inner.kind)
            .field("builtin", &self.inner.builtin)
            .finish_non_exhaustive()
    }
}
