//! Validation of Events: one kind in two groups, whose fields have other names.

use super::names;
use crate::error::{FieldError, FieldErrors};
use serde_json::Value;

/// Fields that must be there once `eventTime` is, with the most characters that they may have.
const REQUIRED: [(&str, usize); 3] = [("reportingInstance", 128), ("action", 128), ("reason", 128)];
/// What only older reporters set, as `events.k8s.io` and as the refusal calls it.
const DEPRECATED: [(&str, &str); 4] = [
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
    ("deprecatedSource", "source"),
];
/// What an update through `events.k8s.io` may change.
const MUTABLE: [&str; 4] = ["metadata", "series", "kind", "apiVersion"];

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn is_set(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null))
        && value.is_none_or(|value| *value != 0 && value.as_object().is_none_or(|fields| !fields.is_empty()))
}

/// What is wrong with a new Event, or with a changed one of the core group.
pub(super) fn validate(group: &str, event: &Value, errors: &mut FieldErrors) {
    let core = group.is_empty();
    let (involved, controller, note) = if core {
        ("/involvedObject/namespace", "reportingComponent", "message")
    } else {
        ("/regarding/namespace", "reportingController", "note")
    };
    let (namespace, involved) = (text(event, "/metadata/namespace"), text(event, involved));
    let elsewhere = || FieldError::invalid("involvedObject.namespace", involved, "does not match event.namespace");
    let has_time = is_set(event.get("eventTime"));
    if has_time {
        if involved.is_empty() && !["default", "kube-system"].contains(&namespace) {
            errors.push(elsewhere());
        }
        let reporter = event.get(controller).and_then(Value::as_str).unwrap_or_default();
        if reporter.is_empty() {
            errors.push(FieldError::required(controller, ""));
        }
        for complaint in names::qualified_name(reporter) {
            errors.push(FieldError::invalid(controller, reporter, complaint));
        }
        for (name, most) in REQUIRED {
            let value = event.get(name).and_then(Value::as_str).unwrap_or_default();
            if value.is_empty() {
                errors.push(FieldError::required(name, ""));
            }
            check_length(name, value, most, errors);
        }
        check_length("message", event.get(note).and_then(Value::as_str).unwrap_or_default(), 1024, errors);
    } else if involved != namespace && (!involved.is_empty() || namespace != "default") {
        errors.push(elsewhere());
    }
    if !core {
        validate_strictly(event, has_time, errors);
    }
}

fn check_length(name: &str, value: &str, most: usize, errors: &mut FieldErrors) {
    if value.len() > most {
        errors.push(FieldError::invalid(name, "", format!("can have at most {most} characters")));
    }
}

/// What the newer group asks for besides.
fn validate_strictly(event: &Value, has_time: bool, errors: &mut FieldErrors) {
    if let Some(series) = event.get("series").filter(|series| series.is_object()) {
        if series.get("count").and_then(Value::as_i64).unwrap_or(0) < 2 {
            errors.push(FieldError::invalid("series.count", "", "should be at least 2"));
        }
        if !is_set(series.get("lastObservedTime")) {
            errors.push(FieldError::required("series.lastObservedTime", ""));
        }
    }
    if !has_time {
        errors.push(FieldError::required("eventTime", ""));
    }
    let kind = text(event, "/type");
    if !["Normal", "Warning"].contains(&kind) {
        errors.push(FieldError::invalid("type", "", format!("has invalid value: {kind}")));
    }
    for (name, shown) in DEPRECATED {
        if is_set(event.get(name)) {
            errors.push(FieldError::invalid(shown, "", "needs to be unset"));
        }
    }
}

/// What may not change through the newer group.
pub(super) fn validate_update(group: &str, old: &Value, new: &Value, errors: &mut FieldErrors) {
    if group.is_empty() {
        return;
    }
    let names = |event: &Value| -> Vec<String> {
        event.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    let mut all = names(old);
    all.extend(names(new));
    all.sort();
    all.dedup();
    for name in all.iter().filter(|name| !MUTABLE.contains(&name.as_str())) {
        if old.get(name) != new.get(name) {
            let value = new.get(name).cloned().unwrap_or_default();
            errors.push(FieldError::invalid(name.as_str(), value, "field is immutable"));
        }
    }
}
