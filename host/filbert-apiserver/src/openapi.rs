//! The `OpenAPI` documents of the built-in group versions, as a real API server answers them.
//!
//! Their texts are part of the binary; a document is parsed when it is first needed.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// One document and what is known of it so far.
struct Document {
    group: &'static str,
    version: &'static str,
    text: &'static str,
    schemas: OnceLock<Map<String, Value>>,
}

/// What is read of a document; its paths are not.
#[derive(Deserialize)]
struct Schemas {
    components: Components,
}

#[derive(Deserialize)]
struct Components {
    schemas: Map<String, Value>,
}

macro_rules! documents {
    ($($group:literal $version:literal $file:literal,)*) => {
        static DOCUMENTS: [Document; [$($file),*].len()] = [$(Document {
            group: $group,
            version: $version,
            text: include_str!(concat!("../openapi/", $file, ".json")),
            schemas: OnceLock::new(),
        }),*];
    };
}

documents! {
    "" "v1" "api__v1",
    "admissionregistration.k8s.io" "v1" "apis__admissionregistration.k8s.io__v1",
    "apiextensions.k8s.io" "v1" "apis__apiextensions.k8s.io__v1",
    "apps" "v1" "apis__apps__v1",
    "authentication.k8s.io" "v1" "apis__authentication.k8s.io__v1",
    "authorization.k8s.io" "v1" "apis__authorization.k8s.io__v1",
    "autoscaling" "v1" "apis__autoscaling__v1",
    "autoscaling" "v2" "apis__autoscaling__v2",
    "batch" "v1" "apis__batch__v1",
    "coordination.k8s.io" "v1" "apis__coordination.k8s.io__v1",
    "discovery.k8s.io" "v1" "apis__discovery.k8s.io__v1",
    "events.k8s.io" "v1" "apis__events.k8s.io__v1",
    "networking.k8s.io" "v1" "apis__networking.k8s.io__v1",
    "policy" "v1" "apis__policy__v1",
    "rbac.authorization.k8s.io" "v1" "apis__rbac.authorization.k8s.io__v1",
    "scheduling.k8s.io" "v1" "apis__scheduling.k8s.io__v1",
    "storage.k8s.io" "v1" "apis__storage.k8s.io__v1",
}

impl Document {
    fn schemas(&self) -> &Map<String, Value> {
        self.schemas.get_or_init(|| {
            let document: Schemas = serde_json::from_str(self.text).expect("the embedded documents are JSON");
            document.components.schemas
        })
    }
}

fn document(group: &str, version: &str) -> Option<&'static Document> {
    DOCUMENTS.iter().find(|document| document.group == group && document.version == version)
}

/// The text of a group version's document; the core group is empty.
pub fn text(group: &str, version: &str) -> Option<&'static str> {
    Some(document(group, version)?.text)
}

/// The schemas of a group version's document, by name; the core group is empty.
pub(crate) fn schemas(group: &str, version: &str) -> Option<&'static Map<String, Value>> {
    Some(document(group, version)?.schemas())
}

/// A schema of a group version's document, with the way to those it refers to.
#[derive(Clone, Copy)]
pub(crate) struct TypeSchema {
    schemas: &'static Map<String, Value>,
    name: &'static str,
    schema: &'static Value,
}

impl TypeSchema {
    /// The schema of a kind.
    pub(crate) fn of_kind(group: &str, version: &str, kind: &str) -> Option<Self> {
        let schemas = document(group, version)?.schemas();
        let (name, schema) = schemas.iter().find(|(name, schema)| {
            name.rsplit('.').next() == Some(kind)
                && schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array).is_some_and(|kinds| {
                    kinds.iter().any(|named| {
                        named.get("group").and_then(Value::as_str) == Some(group)
                            && named.get("kind").and_then(Value::as_str) == Some(kind)
                    })
                })
        })?;
        Some(Self { schemas, name, schema })
    }

    /// The last part of the type's name, for example `ObjectMeta`; empty for a schema that has none.
    pub(crate) fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// The package version of the type, for example `v1`.
    pub(crate) fn package(&self) -> &'static str {
        self.name.rsplit('.').nth(1).unwrap_or_default()
    }

    pub(crate) fn get(&self, keyword: &str) -> Option<&'static Value> {
        self.schema.get(keyword)
    }

    pub(crate) fn keyword(&self, keyword: &str) -> &'static str {
        self.get(keyword).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the type names what it holds; others hold anything.
    pub(crate) fn is_closed(&self) -> bool {
        self.get("properties").is_some()
    }

    pub(crate) fn property(&self, name: &str) -> Option<Self> {
        Some(self.follow(self.get("properties")?.get(name)?))
    }

    pub(crate) fn items(&self) -> Option<Self> {
        Some(self.follow(self.get("items")?))
    }

    pub(crate) fn values(&self) -> Option<Self> {
        let values = self.get("additionalProperties").filter(|values| values.is_object())?;
        Some(self.follow(values))
    }

    pub(crate) fn is_required(&self, name: &str) -> bool {
        let required = self.get("required").and_then(Value::as_array);
        required.is_some_and(|required| required.iter().any(|known| known == name))
    }

    /// A schema inside this one; a reference is replaced by what it refers to.
    fn follow(&self, schema: &'static Value) -> Self {
        let reference = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str);
        let name = reference.and_then(|reference| reference.rsplit('/').next());
        match name.and_then(|name| self.schemas.get_key_value(name)) {
            Some((name, schema)) => Self { schemas: self.schemas, name, schema },
            None => Self { schemas: self.schemas, name: "", schema },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_has_schemas() {
        for document in &DOCUMENTS {
            assert!(!document.schemas().is_empty(), "{} {}", document.group, document.version);
        }
    }

    #[test]
    fn references_are_followed() {
        let kind = TypeSchema::of_kind("apps", "v1", "StatefulSet").expect("it is built in");
        let metadata = kind.property("metadata").expect("every kind has metadata");
        assert_eq!(metadata.short_name(), "ObjectMeta");
        assert_eq!(metadata.property("name").map(|name| name.keyword("type")), Some("string"));
    }
}
