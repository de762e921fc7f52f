//! Who owns the number of replicas, seen from the object and from its `scale` subresource.

use super::{
    field_set::FieldSet,
    managers::{self, Managers, Owned},
};
use serde_json::Value;
use std::collections::BTreeMap;

const SCALE_API_VERSION: &str = "autoscaling/v1";

/// Where the number of replicas is in each version of a kind, by `apiVersion`: `["spec", "replicas"]`.
///
/// `None` for a version that is known but has no scale.
pub type ScaleOwners<'a> = BTreeMap<String, Option<Vec<&'a str>>>;

fn scale_path() -> FieldSet {
    FieldSet::of_fields(&[&["spec", "replicas"]])
}

/// The `managedFields` of an object's scale: those who own the number of replicas.
///
/// Entries that cannot be read count as none.
pub fn scale_owners(object: &Value, paths: &ScaleOwners<'_>) -> Vec<Value> {
    let managers = Managers::of_object(object).unwrap_or_default();
    let mut owners = Managers::default();
    for owned in managers.iter() {
        let path = paths.get(&owned.api_version).and_then(Option::as_ref);
        if path.is_some_and(|path| owned.fields.has_fields(path)) {
            owners.put(Owned { api_version: SCALE_API_VERSION.to_owned(), fields: scale_path(), ..owned.clone() });
        }
    }
    owners.encode()
}

/// Writes who owns the number of replicas after a write to the scale back into the object's `managedFields`.
///
/// `entries` are the `managedFields` of the written scale, `api_version` is that of the object.
pub fn with_scale_owners(object: &mut Value, entries: &[Value], api_version: &str, paths: &ScaleOwners<'_>) {
    let managers = Managers::of_object(object).unwrap_or_default();
    let mut of_scale = Managers::default();
    for mut owned in Managers::decode(entries).unwrap_or_default().iter().cloned() {
        if owned.identity.version == SCALE_API_VERSION {
            api_version.clone_into(&mut owned.identity.version);
        }
        of_scale.put(owned);
    }
    let mut result = Managers::default();
    for owned in managers.iter() {
        let Some(path) = paths.get(&owned.api_version) else { continue };
        let mut owned = owned.clone();
        if let Some(path) = path.as_ref().filter(|path| owned.fields.has_fields(path))
            && of_scale.take(&owned.identity).is_none()
        {
            // Somebody else set the number through the scale.
            owned.fields = std::mem::take(&mut owned.fields).difference(&FieldSet::of_fields(&[path]));
        }
        result.put(owned);
    }
    if let Some(Some(path)) = paths.get(api_version) {
        let replicas = FieldSet::of_fields(&[path]);
        for owned in of_scale.iter().filter(|owned| owned.fields.has_fields(&["spec", "replicas"])) {
            result.put(Owned {
                api_version: api_version.to_owned(),
                fields: replicas.clone(),
                // The real server forgets the time on this way, too.
                time: None,
                ..owned.clone()
            });
        }
    }
    managers::take_from(object);
    result.write_to(object);
}
