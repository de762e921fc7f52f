//! The types of the built-in group versions, read when first needed.

use super::types::{Kind, Types};
use crate::openapi;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// The group versions whose documents describe kinds of other ones: those of subresources.
pub(super) const WITH_SUBRESOURCES: &[(&str, &str)] = &[("", "v1"), ("apps", "v1")];

/// The types of a built-in group version.
pub(super) fn types_of(group: &str, version: &str) -> Option<Arc<Types>> {
    static READ: Mutex<BTreeMap<(String, String), Arc<Types>>> = Mutex::new(BTreeMap::new());
    let schemas = openapi::schemas(group, version)?;
    // What is in the map is complete, even where a reader of another document panicked.
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let types = read
        .entry((group.to_owned(), version.to_owned()))
        .or_insert_with(|| Arc::new(Types::of_document(schemas, kinds(schemas))));
    Some(Arc::clone(types))
}

/// Which schema describes each kind.
fn kinds(schemas: &Map<String, Value>) -> BTreeMap<Kind, String> {
    let mut kinds = BTreeMap::new();
    for (name, schema) in schemas {
        let named = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        // What belongs to every group, such as `DeleteOptions`, is no kind of this one.
        if let Some([only]) = named.map(Vec::as_slice) {
            let text = |name: &str| only.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            kinds.insert([text("group"), text("version"), text("kind")], name.clone());
        }
    }
    kinds
}

/// The schemas that describe the metadata of an object of any kind.
pub(super) fn object_meta() -> &'static Map<String, Value> {
    static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        const PREFIX: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
        const NEEDED: &[&str] = &["FieldsV1", "ManagedFieldsEntry", "ObjectMeta", "OwnerReference", "Time"];
        // Any document has them; this one is small.
        let schemas = openapi::schemas("coordination.k8s.io", "v1").into_iter().flatten();
        let needed = schemas.filter(|(name, _)| name.strip_prefix(PREFIX).is_some_and(|name| NEEDED.contains(&name)));
        needed.map(|(name, schema)| (name.clone(), schema.clone())).collect()
    });
    &SCHEMAS
}
