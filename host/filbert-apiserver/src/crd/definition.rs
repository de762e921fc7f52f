//! Definitions themselves: what they default to, what they must be, and the names they are given.

use super::hoist::Hoisted;
use super::{columns, golang, structural};
use crate::builtin::{metadata, names};
use crate::error::{Cause, FieldError, FieldErrors};
use serde_json::{Map, Value, json};

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn versions(crd: &Value) -> &[Value] {
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
    versions.map(Vec::as_slice).unwrap_or_default()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Checks a new definition and answers with what is stored: defaulted, and with the status of one that nobody has named yet.
pub fn check_definition(crd: &Value) -> Result<Value, FieldErrors> {
    let mut crd = crd.clone();
    default_spec(&mut crd);
    let stored: Vec<Value> = versions(&crd)
        .iter()
        .filter(|version| flag(version, "storage"))
        .take(1)
        .filter_map(|version| version.get("name").cloned())
        .collect();
    if let Some(crd) = crd.as_object_mut() {
        crd.insert(
            "status".to_owned(),
            json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}),
        );
    }
    let mut errors = FieldErrors::new();
    metadata::validate(&crd, false, metadata::NameRule::Subdomain, &mut errors);
    let name = text(&crd, "/metadata/name");
    if name != format!("{}.{}", text(&crd, "/spec/names/plural"), text(&crd, "/spec/group")) {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", name, detail));
    }
    check_spec(&crd, &mut errors);
    check_stored_versions(&crd, &mut errors);
    check_approval(&crd, &mut errors);
    if crd.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true)) {
        let detail =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", true, detail));
    }
    errors.into_result().map(|()| crd)
}

/// Checks a changed definition and answers with what is stored. The status is that of `old`, with a new storage version added.
pub fn check_definition_update(old: &Value, new: &Value) -> Result<Value, FieldErrors> {
    let mut crd = new.clone();
    default_spec(&mut crd);
    let mut status = old.get("status").cloned().unwrap_or_else(|| json!({}));
    let storage = versions(&crd).iter().find(|version| flag(version, "storage"));
    if let (Some(name), Some(stored)) = (
        storage.and_then(|version| version.get("name")),
        status.get_mut("storedVersions").and_then(Value::as_array_mut),
    ) && !stored.contains(name)
    {
        stored.push(name.clone());
    }
    if let Some(crd) = crd.as_object_mut() {
        crd.insert("status".to_owned(), status);
    }
    let mut errors = FieldErrors::new();
    metadata::validate_common_update(old, &crd, false, &mut errors);
    metadata::validate_update(old, &crd, &mut errors);
    check_spec(&crd, &mut errors);
    let established = condition(old, "Established") == Some("True");
    let fixed: &[&str] =
        if established { &["scope", "names/kind", "group", "names/plural"] } else { &["group", "names/plural"] };
    for name in fixed {
        let pointer = format!("/spec/{name}");
        if text(&crd, &pointer) != text(old, &pointer) {
            let at = format!("spec.{}", name.replace('/', "."));
            errors.push(FieldError::invalid(at, text(&crd, &pointer), "field is immutable"));
        }
    }
    check_stored_versions(&crd, &mut errors);
    check_approval(&crd, &mut errors);
    errors.into_result().map(|()| crd)
}

/// The status of one condition of a definition.
fn condition<'a>(crd: &'a Value, name: &str) -> Option<&'a str> {
    let conditions = crd.pointer("/status/conditions").and_then(Value::as_array)?;
    let found = conditions.iter().find(|condition| text(condition, "/type") == name)?;
    found.get("status").and_then(Value::as_str)
}

/// Gives a definition the names it asks for, as far as no other definition of its group has them, and says so in its conditions.
///
/// `others` are the stored definitions besides this one, `now` the time for conditions that change. The definition is served
/// when its condition `Established` is `True` afterwards.
pub fn accept_names(crd: &mut Value, others: &[Value], now: &str) {
    let group = text(crd, "/spec/group").to_owned();
    let mut taken_resources: Vec<String> = Vec::new();
    let mut taken_kinds: Vec<String> = Vec::new();
    let same_group = others.iter().filter(|other| text(other, "/spec/group") == group);
    for accepted in same_group.filter_map(|other| other.pointer("/status/acceptedNames")) {
        taken_resources.extend([text(accepted, "/plural"), text(accepted, "/singular")].map(str::to_owned));
        let short = accepted.get("shortNames").and_then(Value::as_array);
        taken_resources.extend(short.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)));
        taken_kinds.extend([text(accepted, "/kind"), text(accepted, "/listKind")].map(str::to_owned));
    }
    let wanted = crd.pointer("/spec/names").cloned().unwrap_or_default();
    let mut accepted = crd.pointer("/status/acceptedNames").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut conflict: Option<(&str, String)> = None;
    for (name, reason, taken) in [
        ("plural", "PluralConflict", &taken_resources),
        ("singular", "SingularConflict", &taken_resources),
        ("shortNames", "ShortNamesConflict", &taken_resources),
        ("kind", "KindConflict", &taken_kinds),
        ("listKind", "ListKindConflict", &taken_kinds),
    ] {
        let Some(value) = wanted.get(name).filter(|value| !value.is_null()) else {
            accepted.remove(name);
            continue;
        };
        let asked = match value {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            other => vec![other.as_str().unwrap_or_default()],
        };
        match asked.iter().find(|asked| taken.iter().any(|taken| taken == *asked)) {
            // The last conflict is the one that is told.
            Some(asked) => conflict = Some((reason, format!("{asked:?} is already in use"))),
            None => {
                accepted.insert(name.to_owned(), value.clone());
            }
        }
    }
    if let Some(categories) = wanted.get("categories") {
        accepted.insert("categories".to_owned(), categories.clone());
    }
    let was_established = condition(crd, "Established") == Some("True");
    let (names_accepted, established) = match &conflict {
        None => (
            ("True", "NoConflicts", "no conflicts found".to_owned()),
            ("True", "InitialNamesAccepted", "the initial names have been accepted"),
        ),
        Some((reason, message)) => {
            (("False", *reason, message.clone()), ("False", "NotAccepted", "not all names are accepted"))
        }
    };
    if let Some(status) = crd.get_mut("status").and_then(Value::as_object_mut) {
        status.insert("acceptedNames".to_owned(), Value::Object(accepted));
        let (state, reason, message) = names_accepted;
        set_condition(status, "NamesAccepted", state, reason, &message, now);
        if !was_established {
            let (state, reason, message) = established;
            set_condition(status, "Established", state, reason, message, now);
        }
    }
}

/// Sets a condition in a status; the time moves only when the state changes.
fn set_condition(status: &mut Map<String, Value>, name: &str, state: &str, reason: &str, message: &str, now: &str) {
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if conditions.is_null() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else { return };
    let place = conditions.iter().position(|condition| text(condition, "/type") == name);
    let mut fresh = json!({
        "type": name, "status": state, "lastTransitionTime": now, "reason": reason, "message": message
    });
    match place.and_then(|place| conditions.get_mut(place)) {
        None => conditions.push(fresh),
        Some(present) => {
            if text(present, "/status") == state
                && let (Some(time), Some(fresh)) = (present.get("lastTransitionTime"), fresh.as_object_mut())
            {
                fresh.insert("lastTransitionTime".to_owned(), time.clone());
            }
            *present = fresh;
        }
    }
}

fn default_spec(crd: &mut Value) {
    let Some(spec) = crd.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(wanted) = spec.get_mut("names").and_then(Value::as_object_mut) {
        let kind = wanted.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let empty = |value: Option<&Value>| value.and_then(Value::as_str).is_none_or(str::is_empty);
        if empty(wanted.get("singular")) {
            wanted.insert("singular".to_owned(), kind.to_lowercase().into());
        }
        if empty(wanted.get("listKind")) && !kind.is_empty() {
            wanted.insert("listKind".to_owned(), format!("{kind}List").into());
        }
    }
    let conversion = spec.entry("conversion").or_insert_with(|| json!({"strategy": "None"}));
    if conversion.is_null() {
        *conversion = json!({"strategy": "None"});
    }
    if spec.get("preserveUnknownFields") == Some(&Value::Bool(false)) {
        spec.remove("preserveUnknownFields");
    }
}

fn check_spec(crd: &Value, errors: &mut FieldErrors) {
    check_group_and_scope(crd, errors);
    let hoisted = Hoisted::of(versions(crd));
    for (index, version) in versions(crd).iter().enumerate() {
        if version.pointer("/schema/openAPIV3Schema").is_none_or(Value::is_null) {
            let at = format!("spec.versions[{index}].schema.openAPIV3Schema");
            errors.push(FieldError::required(at, ""));
        }
    }
    for (index, version) in versions(crd).iter().enumerate() {
        let name = text(version, "/name");
        let complaints = names::dns_label_1035(name);
        if !complaints.is_empty() {
            let at = format!("spec.versions[{index}].name");
            errors.push(FieldError::invalid(at, name, complaints.join(",")));
        }
        check_version(version, &hoisted, Some(index), errors);
    }
    let mut seen: Vec<&str> = Vec::new();
    let repeated = versions(crd).iter().any(|version| {
        let name = text(version, "/name");
        let repeated = seen.contains(&name);
        seen.push(name);
        repeated
    });
    let refuse = |detail: &str| {
        let shown = hoisted.show(versions(crd));
        FieldError::new(Cause::Invalid, "spec.versions", None, format!("{shown}: {detail}"))
    };
    if repeated {
        errors.push(refuse("must contain unique version names"));
    }
    if versions(crd).iter().filter(|version| flag(version, "storage")).count() != 1 {
        errors.push(refuse("must have exactly one version marked as storage version"));
    }
    check_names(crd, errors);
    // What all versions have in common is checked once, under the name it has in the old form.
    if let Some(first) = versions(crd).first() {
        check_version(first, &hoisted, None, errors);
    }
    let strategy = text(crd, "/spec/conversion/strategy");
    if !matches!(strategy, "None" | "Webhook") {
        let allowed = ["None", "Webhook"];
        errors.push(FieldError::not_supported("spec.conversion.strategy", strategy, &allowed));
    }
}

/// Checks the parts of a version that are its own (`index` given) or common to all versions.
fn check_version(version: &Value, hoisted: &Hoisted, index: Option<usize>, errors: &mut FieldErrors) {
    let common = index.is_none();
    let at = |common_name: &str, own_name: &str| match index {
        None => format!("spec.{common_name}"),
        Some(index) => format!("spec.versions[{index}].{own_name}"),
    };
    let schema = version.pointer("/schema/openAPIV3Schema").unwrap_or(&Value::Null);
    if hoisted.schema == common && !schema.is_null() {
        let has_status = version.pointer("/subresources/status").is_some();
        structural::check_schema(
            schema,
            &at("validation.openAPIV3Schema", "schema.openAPIV3Schema"),
            has_status,
            errors,
        );
    }
    if hoisted.subresources == common {
        check_subresources(version, &at("subresources", "subresources"), errors);
    }
    if hoisted.columns == common {
        let at = at("additionalPrinterColumns", "additionalPrinterColumns");
        columns::check_columns(version.get("additionalPrinterColumns"), &at, errors);
    }
    if hoisted.selectable == common {
        let at = at("selectableFields", "selectableFields");
        columns::check_selectable(version.get("selectableFields"), schema, &at, errors);
    }
}

fn check_group_and_scope(crd: &Value, errors: &mut FieldErrors) {
    let group = text(crd, "/spec/group");
    let complaints = names::dns_subdomain(group);
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !complaints.is_empty() {
        errors.push(FieldError::invalid("spec.group", group, complaints.join(",")));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
    match text(crd, "/spec/scope") {
        "Cluster" | "Namespaced" => {}
        "" => errors.push(FieldError::required("spec.scope", "")),
        other => errors.push(FieldError::not_supported("spec.scope", other, &["Cluster", "Namespaced"])),
    }
}

fn check_names(crd: &Value, errors: &mut FieldErrors) {
    let wanted = crd.pointer("/spec/names").unwrap_or(&Value::Null);
    for name in ["plural", "singular", "kind", "listKind"] {
        if text(wanted, &format!("/{name}")).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{name}"), ""));
        }
    }
    for name in ["plural", "singular", "kind", "listKind"] {
        let value = text(wanted, &format!("/{name}"));
        let mixed = name.to_lowercase().ends_with("kind");
        let complaints = names::dns_label_1035(&if mixed { value.to_lowercase() } else { value.to_owned() });
        if !value.is_empty() && !complaints.is_empty() {
            let mut detail = complaints.join(",");
            if mixed {
                detail = format!("may have mixed case, but should otherwise match: {detail}");
            }
            errors.push(FieldError::invalid(format!("spec.names.{name}"), value, detail));
        }
    }
    for list in ["shortNames", "categories"] {
        let names = wanted.get(list).and_then(Value::as_array);
        for (index, name) in names.into_iter().flatten().enumerate() {
            let name = name.as_str().unwrap_or_default();
            let complaints = names::dns_label_1035(name);
            if !complaints.is_empty() {
                let at = format!("spec.names.{list}[{index}]");
                errors.push(FieldError::invalid(at, name, complaints.join(",")));
            }
        }
    }
    let kind = text(wanted, "/kind");
    if !kind.is_empty() && kind == text(wanted, "/listKind") {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid("spec.names.listKind", kind, detail));
    }
}

fn check_subresources(version: &Value, at: &str, errors: &mut FieldErrors) {
    let Some(scale) = version.pointer("/subresources/scale") else {
        return;
    };
    for (name, roots, required) in [
        ("specReplicasPath", &[".spec."][..], true),
        ("statusReplicasPath", &[".status."][..], true),
        ("labelSelectorPath", &[".status.", ".spec."][..], false),
    ] {
        let path = scale.get(name).and_then(Value::as_str).unwrap_or_default();
        let at = format!("{at}.scale.{name}");
        if path.is_empty() {
            if required {
                errors.push(FieldError::required(at, ""));
            }
        } else if !roots.iter().any(|root| path.starts_with(root)) {
            let detail = match roots {
                [root] => format!("should be a json path under {}", root.trim_end_matches('.')),
                _ => "should be a json path under either .status or .spec".to_owned(),
            };
            errors.push(FieldError::invalid(at, path, detail));
        }
    }
}

fn check_stored_versions(crd: &Value, errors: &mut FieldErrors) {
    let stored = crd.pointer("/status/storedVersions").and_then(Value::as_array);
    let stored = stored.map(Vec::as_slice).unwrap_or_default();
    let at = "status.storedVersions";
    if stored.is_empty() {
        errors.push(FieldError::invalid(at, json!([]), "must have at least one stored version"));
        return;
    }
    let names: Vec<&str> = versions(crd).iter().map(|version| text(version, "/name")).collect();
    for version in versions(crd).iter().filter(|version| flag(version, "storage")) {
        let name = text(version, "/name");
        if !stored.iter().any(|stored| stored == name) {
            let shown = FieldError::new(
                Cause::Invalid,
                at,
                None,
                format!("{}: must have the storage version {name}", golang::json(&Value::Array(stored.to_vec()))),
            );
            errors.push(shown);
        }
    }
    for (index, name) in stored.iter().enumerate() {
        let name = name.as_str().unwrap_or_default();
        if !names.contains(&name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage \
                 migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            );
            errors.push(FieldError::invalid(format!("{at}[{index}]"), name, detail));
        }
    }
}

/// Groups of the Kubernetes project ask for a pointer to their approval.
fn check_approval(crd: &Value, errors: &mut FieldErrors) {
    let group = text(crd, "/spec/group");
    let protected =
        ["k8s.io", "kubernetes.io"].iter().any(|domain| group == *domain || group.ends_with(&format!(".{domain}")));
    let approval = text(crd, "/metadata/annotations/api-approved.kubernetes.io");
    if protected && approval.is_empty() {
        let detail = "protected groups must have approval annotation \"api-approved.kubernetes.io\", see \
                      https://github.com/kubernetes/enhancements/pull/1111";
        errors.push(FieldError::required("metadata.annotations[api-approved.kubernetes.io]", detail));
    }
}

#[cfg(test)]
mod tests;
