//! Small write-only structs for the kinds that guests propose.
//!
//! Server-side apply wants exactly the fields that a step cares about, so every field is optional and absent ones are
//! not sent. Quantities and times are strings. What is missing here is put in with [`Object::merge`] on the way into the
//! plan. `k8s-openapi` would do too, at ten times the size of a component; native tests use it to check these structs.

mod apps;
mod core;
mod networking;
mod policy;
mod rbac;

use serde::Serialize;
use serde_json::Value;

pub use apps::*;
pub use core::*;
pub use networking::*;
pub use policy::*;
pub use rbac::*;

use crate::resource::ResourceType;

/// Something that can be proposed: one of the structs here, or any JSON object with `apiVersion`, `kind` and a name.
pub trait Object: Sized {
    /// As JSON.
    fn into_value(self) -> Value;

    /// As the text of JSON. The structs here write it without the detour over a [`Value`].
    fn into_text(self) -> String {
        self.into_value().to_string()
    }

    /// With further fields, for those that the struct does not have. Objects are merged, everything else is replaced.
    fn merge(self, fields: Value) -> Value {
        let mut value = self.into_value();
        merge(&mut value, fields);
        value
    }
}

impl Object for Value {
    fn into_value(self) -> Value {
        self
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// `metadata` of a proposed object.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ObjectMeta {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    labels: Map,
    #[serde(skip_serializing_if = "Map::is_empty")]
    annotations: Map,
}

/// Texts by name, as in labels, annotations and the data of a `ConfigMap`.
pub type Map = std::collections::BTreeMap<String, String>;

/// A port by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum IntOrString {
    /// By number.
    Int(i64),
    /// By name.
    String(String),
}

/// A part that is built here, or handed on as people wrote it in their own resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Given<T> {
    /// Built here.
    Built(T),
    /// Handed on.
    Raw(Value),
}

impl<T> From<Value> for Given<T> {
    fn from(value: Value) -> Self {
        Self::Raw(value)
    }
}

impl From<i64> for IntOrString {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for IntOrString {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

/// Makes a struct for a part of an object: each field optional, with a builder method of the same name.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(clippy::struct_field_names, reason = "Kubernetes names them")]
        pub struct $name {
            $($(#[$attr])* #[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,)*
        }
        #[allow(clippy::should_implement_trait, reason = "Kubernetes names the fields, and a builder its methods after them")]
        impl $name {
            /// Empty.
            pub fn new() -> Self { Self::default() }
            $(
                #[doc = concat!("Sets `", stringify!($field), "`.")]
                #[must_use]
                pub fn $field(mut self, value: impl Into<$type>) -> Self { self.$field = Some(value.into()); self }
            )*
        }
    )+ };
}

/// Makes a struct for a kind: as [`parts!`], with metadata and [`Object`].
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident($group:literal, $version:literal, $plural:literal) { $($(#[$attr:meta])* $field:ident: $type:ty,)* })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(clippy::struct_field_names, reason = "Kubernetes names them")]
        pub struct $name {
            api_version: &'static str,
            kind: &'static str,
            metadata: $crate::k8s::ObjectMeta,
            $($(#[$attr])* #[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,)*
        }
        impl $name {
            /// Where the API server serves it.
            pub const TYPE: $crate::ResourceType = $crate::ResourceType::new($group, $version, $plural);

            /// Of this name, in the namespace of the reconciled object.
            pub fn new(name: impl Into<String>) -> Self {
                Self {
                    api_version: $crate::k8s::api_version($group, $version),
                    kind: stringify!($name),
                    metadata: $crate::k8s::ObjectMeta { name: name.into(), ..Default::default() },
                    $($field: None,)*
                }
            }

            /// In another namespace.
            #[must_use]
            pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
                self.metadata.namespace = Some(namespace.into());
                self
            }

            /// Adds a label.
            #[must_use]
            pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                self.metadata.labels.insert(key.into(), value.into());
                self
            }

            /// Adds labels.
            #[must_use]
            pub fn labels(mut self, labels: impl IntoIterator<Item = (String, String)>) -> Self {
                self.metadata.labels.extend(labels);
                self
            }

            /// Adds an annotation.
            #[must_use]
            pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                self.metadata.annotations.insert(key.into(), value.into());
                self
            }

            /// Adds annotations.
            #[must_use]
            pub fn annotations(mut self, annotations: impl IntoIterator<Item = (String, String)>) -> Self {
                self.metadata.annotations.extend(annotations);
                self
            }

            $(
                #[doc = concat!("Sets `", stringify!($field), "`.")]
                #[must_use]
                pub fn $field(mut self, value: impl Into<$type>) -> Self { self.$field = Some(value.into()); self }
            )*
        }
        impl $crate::k8s::Object for $name {
            fn into_value(self) -> serde_json::Value {
                // Strings, numbers, lists and maps with string keys: nothing that could fail.
                serde_json::to_value(self).unwrap_or_default()
            }

            fn into_text(self) -> String {
                let text = serde_json::to_string(&self).unwrap_or_default();
                $crate::leave(self);
                text
            }
        }
    )+ };
}
pub(crate) use {kinds, parts};

/// `v1`, `apps/v1`: joined while compiling.
#[expect(clippy::panic, reason = "it would stop the compiler, not a guest")]
const fn api_version(group: &'static str, version: &'static str) -> &'static str {
    match (group.as_bytes(), version.as_bytes()) {
        (b"", b"v1") => "v1",
        (b"apps", b"v1") => "apps/v1",
        (b"rbac.authorization.k8s.io", b"v1") => "rbac.authorization.k8s.io/v1",
        (b"networking.k8s.io", b"v1") => "networking.k8s.io/v1",
        (b"route.openshift.io", b"v1") => "route.openshift.io/v1",
        (b"batch", b"v1") => "batch/v1",
        (b"policy", b"v1") => "policy/v1",
        _ => panic!("name the API version here"),
    }
}

/// Resource types that guests read often.
pub mod resources {
    use super::ResourceType;

    /// Pods.
    pub const PODS: ResourceType = ResourceType::new("", "v1", "pods");
    /// Nodes.
    pub const NODES: ResourceType = ResourceType::new("", "v1", "nodes");
    /// Volume claims.
    pub const PERSISTENT_VOLUME_CLAIMS: ResourceType = ResourceType::new("", "v1", "persistentvolumeclaims");
}

/// Labels or annotations from pairs.
pub fn map<const N: usize>(pairs: [(&str, &str); N]) -> Map {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
