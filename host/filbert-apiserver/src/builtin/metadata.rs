//! `metadata`: the checks that every object, built in or custom, goes through.

use super::names;
use crate::crd::golang;
use crate::error::{Cause, FieldError, FieldErrors};
use serde_json::{Map, Value};

/// What an object of a kind may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// A DNS subdomain: most kinds.
    Subdomain,
    /// A DNS label.
    Label,
    /// A DNS label that starts with a letter: services.
    Label1035,
    /// Anything that can stand in a URL: roles and bindings.
    PathSegment,
}

impl NameRule {
    fn complaints(self, name: &str) -> Vec<String> {
        match self {
            NameRule::Subdomain => names::dns_subdomain(name),
            NameRule::Label => names::dns_label(name),
            NameRule::Label1035 => names::dns_label_1035(name),
            NameRule::PathSegment => names::path_segment(name),
        }
    }
}

/// The most that all annotations of an object may take together.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Finalizers that need no domain.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

fn text<'a>(metadata: &'a Value, name: &str) -> &'a str {
    metadata.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The checks on a new object's metadata.
pub(crate) fn validate(object: &Value, namespaced: bool, rule: NameRule, errors: &mut FieldErrors) {
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    validate_at(metadata, "metadata", namespaced, rule, errors);
}

/// The checks that every update makes before the kind's own: the common ones, and those of [`validate_update`].
pub(crate) fn validate_common_update(old: &Value, new: &Value, namespaced: bool, errors: &mut FieldErrors) {
    validate(new, namespaced, NameRule::PathSegment, errors);
    validate_update(old, new, errors);
}

fn validate_at(metadata: &Value, at: &str, namespaced: bool, rule: NameRule, errors: &mut FieldErrors) {
    let generate = text(metadata, "generateName");
    // What is generated ends with letters, so a trailing separator is fine.
    let prefix = format!("{generate}a");
    if !generate.is_empty() {
        for complaint in rule.complaints(&prefix) {
            errors.push(FieldError::invalid(format!("{at}.generateName"), generate, complaint));
        }
    }
    let name = text(metadata, "name");
    if name.is_empty() {
        errors.push(FieldError::required(format!("{at}.name"), "name or generateName is required"));
    } else {
        for complaint in rule.complaints(name) {
            errors.push(FieldError::invalid(format!("{at}.name"), name, complaint));
        }
    }
    let namespace = text(metadata, "namespace");
    if namespaced {
        if namespace.is_empty() {
            errors.push(FieldError::required(format!("{at}.namespace"), ""));
        } else {
            for complaint in names::dns_label(namespace) {
                errors.push(FieldError::invalid(format!("{at}.namespace"), namespace, complaint));
            }
        }
    } else if !namespace.is_empty() {
        errors.push(FieldError::forbidden(format!("{at}.namespace"), "not allowed on this type"));
    }
    if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|number| *number < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(format!("{at}.generation"), generation, detail));
    }
    validate_labels(metadata.get("labels"), &format!("{at}.labels"), errors);
    validate_annotations(metadata.get("annotations"), &format!("{at}.annotations"), errors);
    validate_owners(metadata, at, errors);
    validate_finalizers(metadata, at, errors);
}

/// The checks on what an update changes in the metadata, and again on labels, annotations and owners.
pub(crate) fn validate_update(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let (old, new) = (old.get("metadata").unwrap_or(&Value::Null), new.get("metadata").unwrap_or(&Value::Null));
    if !text(old, "deletionTimestamp").is_empty() {
        let finalizers = |metadata: &Value| -> Vec<String> {
            let list = metadata.get("finalizers").and_then(Value::as_array);
            let mut list: Vec<String> =
                list.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect();
            list.sort();
            list
        };
        let before = finalizers(old);
        let added: Vec<String> = finalizers(new).into_iter().filter(|name| !before.contains(name)).collect();
        if !added.is_empty() {
            let quoted: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                quoted.join(", ")
            );
            errors.push(FieldError::forbidden("metadata.finalizers", detail));
        }
    }
    // The server keeps the time of creation without a word.
    for name in ["name", "namespace", "uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let given = |metadata: &Value| {
            let value = metadata.get(name).cloned().unwrap_or(Value::Null);
            if value.as_str() == Some("") { Value::Null } else { value }
        };
        let changed = given(new);
        if changed != given(old) {
            errors.push(FieldError::invalid(format!("metadata.{name}"), changed, "field is immutable"));
        }
    }
    validate_labels(new.get("labels"), "metadata.labels", errors);
    validate_annotations(new.get("annotations"), "metadata.annotations", errors);
    validate_owners(new, "metadata", errors);
}

/// Keys and values of labels, wherever they occur.
pub(crate) fn validate_labels(labels: Option<&Value>, at: &str, errors: &mut FieldErrors) {
    for (key, value) in sorted(labels) {
        for complaint in names::qualified_name(key) {
            errors.push(FieldError::invalid(at, key.as_str(), complaint));
        }
        let value = value.as_str().unwrap_or_default();
        for complaint in names::label_value(value) {
            errors.push(FieldError::invalid(at, value, complaint));
        }
    }
}

/// Keys and total size of annotations.
pub(crate) fn validate_annotations(annotations: Option<&Value>, at: &str, errors: &mut FieldErrors) {
    let mut size = 0;
    for (key, value) in sorted(annotations) {
        for complaint in names::qualified_name(&key.to_lowercase()) {
            errors.push(FieldError::invalid(at, key.as_str(), complaint));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(FieldError::too_long(at, ANNOTATIONS_LIMIT));
    }
}

fn sorted(map: Option<&Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.and_then(Value::as_object).into_iter().flat_map(Map::iter).collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

fn validate_owners(metadata: &Value, at: &str, errors: &mut FieldErrors) {
    let at = format!("{at}.ownerReferences");
    let owners = metadata.get("ownerReferences").and_then(Value::as_array);
    let owners = owners.map(Vec::as_slice).unwrap_or_default();
    let mut controller: Option<String> = None;
    for owner in owners {
        let version = text(owner, "apiVersion");
        if version.rsplit('/').next().is_none_or(str::is_empty) {
            errors.push(FieldError::invalid(format!("{at}.apiVersion"), version, "version must not be empty"));
        }
        for name in ["kind", "name", "uid"] {
            if text(owner, name).is_empty() {
                errors.push(FieldError::invalid(format!("{at}.{name}"), "", "must not be empty"));
            }
        }
        if text(owner, "kind") == "Event" && version == "v1" {
            let detail = format!("{}: /v1, Kind=Event is disallowed from being an owner", owner_text(owner));
            errors.push(FieldError::new(Cause::Invalid, at.as_str(), None, detail));
        }
        if owner.get("controller").and_then(Value::as_bool) == Some(true) {
            let name = format!("{}/{}", text(owner, "kind"), text(owner, "name"));
            match &controller {
                None => controller = Some(name),
                Some(first) => {
                    let all: Vec<String> = owners.iter().map(owner_text).collect();
                    let detail = format!(
                        "[{}]: Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}",
                        all.join(",")
                    );
                    errors.push(FieldError::new(Cause::Invalid, at.as_str(), None, detail));
                }
            }
        }
    }
}

/// An owner reference with its members in the order in which Kubernetes declares them.
fn owner_text(owner: &Value) -> String {
    let members = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
    let members: Vec<String> =
        members.iter().filter_map(|name| Some(format!("\"{name}\":{}", golang::json(owner.get(*name)?)))).collect();
    format!("{{{}}}", members.join(","))
}

fn validate_finalizers(metadata: &Value, at: &str, errors: &mut FieldErrors) {
    let finalizers = metadata.get("finalizers").and_then(Value::as_array);
    for (index, finalizer) in finalizers.into_iter().flatten().enumerate() {
        let name = finalizer.as_str().unwrap_or_default();
        let at = format!("{at}.finalizers[{index}]");
        for complaint in names::qualified_name(name) {
            errors.push(FieldError::invalid(at.as_str(), name, complaint));
        }
        if !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(at, name, detail));
        }
    }
}
