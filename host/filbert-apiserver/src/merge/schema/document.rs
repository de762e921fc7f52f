//! The OpenAPI documents of the built-in group versions, read when first needed.

use super::types::{Kind, Types};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, OnceLock},
};

struct Document {
    group: &'static str,
    version: &'static str,
    text: &'static str,
    types: OnceLock<Arc<Types>>,
}

macro_rules! documents {
    ($($group:literal $version:literal $file:literal,)*) => {
        static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| vec![$(Document {
            group: $group,
            version: $version,
            text: include_str!(concat!("../../../openapi/", $file, ".json")),
            types: OnceLock::new(),
        }),*]);
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

/// What is read of a document.
#[derive(Default, Deserialize)]
struct Components {
    components: Schemas,
}

#[derive(Default, Deserialize)]
struct Schemas {
    schemas: BTreeMap<String, Value>,
}

fn read(text: &str) -> BTreeMap<String, Value> {
    let document: Components = serde_json::from_str(text).expect("the embedded documents are valid");
    document.components.schemas
}

/// The types of a built-in group version.
pub(super) fn types_of(group: &str, version: &str) -> Option<Arc<Types>> {
    let document = DOCUMENTS.iter().find(|document| document.group == group && document.version == version)?;
    let types = document.types.get_or_init(|| {
        let schemas = read(document.text);
        Arc::new(Types::of_document(&schemas, kinds(&schemas)))
    });
    Some(Arc::clone(types))
}

/// The group versions whose documents describe kinds of other ones: those of subresources.
pub(super) const WITH_SUBRESOURCES: &[(&str, &str)] = &[("", "v1"), ("apps", "v1")];

/// Which schema describes each kind.
fn kinds(schemas: &BTreeMap<String, Value>) -> BTreeMap<Kind, String> {
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
pub(super) fn object_meta() -> &'static BTreeMap<String, Value> {
    static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
        const PREFIX: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
        const NEEDED: &[&str] = &["FieldsV1", "ManagedFieldsEntry", "ObjectMeta", "OwnerReference", "Time"];
        let smallest = DOCUMENTS.iter().find(|document| document.group == "coordination.k8s.io");
        let mut schemas = smallest.map(|document| read(document.text)).unwrap_or_default();
        schemas.retain(|name, _| name.strip_prefix(PREFIX).is_some_and(|name| NEEDED.contains(&name)));
        schemas
    });
    &SCHEMAS
}
