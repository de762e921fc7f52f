//! The built-in kinds: what decoding finds in them, what they default to and what they refuse.
//!
//! Fields and types come from the `OpenAPI` documents of a real server; defaults and checks are tables, one per kind, with code
//! only where a field depends on others. Not every check of Kubernetes is made: those that clients meet are.

mod checks;
mod decode;
mod defaults;
mod derive;
mod events;
mod fill;
mod kinds;
pub(crate) mod metadata;
pub(crate) mod names;
mod pods;
pub(crate) mod quantity;
mod services;
mod webhooks;
mod workloads;

use crate::error::FieldErrors;
use crate::openapi::TypeSchema;
use serde_json::Value;

/// Brings an object into the form in which it is stored: unknown fields and empty values dropped, quantities canonical,
/// `stringData` merged, defaults filled in. Doing it again changes nothing.
pub fn default(group: &str, version: &str, kind: &str, object: &mut Value) {
    if let Some(schema) = TypeSchema::of_kind(group, version, kind) {
        decode::normalize(schema, object);
    }
    derive::before(group, kind, object);
    fill::apply(defaults::of(group, kind), object);
    derive::after(group, kind, object);
}

/// What the admission plugins of a cluster put into a new object: service account, token and tolerations of a Pod.
/// Doing it again changes nothing.
pub fn admit(group: &str, kind: &str, object: &mut Value) {
    if (group, kind) == ("", "Pod") {
        derive::admit_pod(object);
    }
}

/// What follows from the uid of a new object: selector and labels of a Job.
pub fn identify(group: &str, kind: &str, object: &mut Value) {
    if (group, kind) == ("batch", "Job") {
        derive::job(object);
    }
}

/// Everything that is wrong with `new`; with `old`, also what may not change.
pub fn validate(group: &str, _version: &str, kind: &str, old: Option<&Value>, new: &Value) -> FieldErrors {
    let mut errors = FieldErrors::new();
    match old {
        None => kinds::validate_create(group, kind, new, &mut errors),
        Some(old) => kinds::validate_update(group, kind, old, new, &mut errors),
    }
    errors
}

/// The paths of fields that the kind does not have, for strict decoding and warnings.
pub fn unknown_fields(group: &str, version: &str, kind: &str, object: &Value) -> Vec<String> {
    TypeSchema::of_kind(group, version, kind).map_or_else(Vec::new, |schema| decode::unknown_fields(schema, object))
}

/// The decoder's complaint about the first value of a wrong type: what follows `cannot be handled as a KIND: `.
pub fn type_error(group: &str, version: &str, kind: &str, object: &Value) -> Option<String> {
    decode::type_error(TypeSchema::of_kind(group, version, kind)?, object)
}

/// As [`type_error`], for the metadata of a custom resource, which the server decodes by itself.
pub fn metadata_type_error(object: &Value) -> Option<String> {
    // Every document describes it; that of leases is the smallest.
    let schema = TypeSchema::of_kind("coordination.k8s.io", "v1", "Lease")?.property("metadata")?;
    decode::type_error(schema, object.get("metadata")?)
}

/// What the server tells about a new object without refusing it.
pub fn warnings(group: &str, kind: &str, object: &Value) -> Vec<String> {
    kinds::warnings(group, kind, object)
}

/// Takes back what an update would keep from the old object although its new form has no use for it.
pub fn drop_leftovers(group: &str, kind: &str, old: &Value, new: &mut Value) {
    if (group, kind) == ("", "Service") {
        services::drop_leftovers(old, new);
    }
}

#[cfg(test)]
mod tests;
