//! Stateful sets, deployments, daemon sets, replica sets, jobs: selectors, templates, and what may not change.

use super::checks::{self, Check, Rule};
use super::{metadata, pods};
use crate::crd::golang;
use crate::error::{Cause, FieldError, FieldErrors};
use serde_json::{Map, Value};

const COUNTS: &[Rule] = &[
    ("replicas", Check::NonNegative),
    ("minReadySeconds", Check::NonNegative),
    ("revisionHistoryLimit", Check::NonNegative),
    ("parallelism", Check::NonNegative),
    ("completions", Check::NonNegative),
    ("backoffLimit", Check::NonNegative),
];

/// Fields of a stateful set's specification that an update may change.
const STATEFUL_SET_MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn spec(object: &Value) -> &Value {
    object.get("spec").unwrap_or(&Value::Null)
}

/// Checks the specification of a workload of the group `apps`.
pub(super) fn validate(kind: &str, object: &Value, errors: &mut FieldErrors) {
    let spec = spec(object);
    checks::run(COUNTS, spec, "spec", errors);
    if kind == "StatefulSet" {
        let policies = &["OrderedReady", "Parallel"];
        checks::run(&[("podManagementPolicy", Check::OneOf(policies))], spec, "spec", errors);
    }
    check_selector(spec, errors);
    check_template(spec, errors);
    if kind == "Deployment" {
        let strategy = spec.get("strategy").unwrap_or(&Value::Null);
        if strategy.get("type").and_then(Value::as_str) == Some("Recreate") && strategy.get("rollingUpdate").is_some() {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            errors.push(FieldError::forbidden("spec.strategy.rollingUpdate", detail));
        }
        checks::run(&[("strategy.type", Check::OneOf(&["Recreate", "RollingUpdate"]))], spec, "spec", errors);
    }
}

fn check_selector(spec: &Value, errors: &mut FieldErrors) {
    match spec.get("selector").and_then(Value::as_object) {
        None => errors.push(FieldError::required("spec.selector", "")),
        Some(selector) if selector.is_empty() => {
            let detail = "empty selector is invalid for deployment";
            errors.push(FieldError::invalid("spec.selector", Value::Object(Map::new()), detail));
        }
        Some(selector) => metadata::validate_labels(selector.get("matchLabels"), "spec.selector.matchLabels", errors),
    }
}

fn check_template(spec: &Value, errors: &mut FieldErrors) {
    let labels = spec.pointer("/template/metadata/labels").filter(|labels| !labels.is_null());
    if !selects(spec.get("selector").unwrap_or(&Value::Null), labels) {
        let shown = labels.cloned().unwrap_or(Value::Null);
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid("spec.template.metadata.labels", shown, detail));
    }
    metadata::validate_labels(labels, "spec.template.metadata.labels", errors);
    let annotations = spec.pointer("/template/metadata/annotations");
    metadata::validate_annotations(annotations, "spec.template.metadata.annotations", errors);
    let claims: Vec<&str> = spec
        .get("volumeClaimTemplates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|claim| claim.pointer("/metadata/name")?.as_str())
        .collect();
    let pod = spec.pointer("/template/spec").unwrap_or(&Value::Null);
    pods::validate(pod, "spec.template.spec", pods::ALWAYS_RESTART, &claims, errors);
}

/// Whether a label selector takes in these labels. No selector takes in nothing.
fn selects(selector: &Value, labels: Option<&Value>) -> bool {
    let Some(selector) = selector.as_object() else { return false };
    let label = |key: &str| labels.and_then(|labels| labels.get(key)?.as_str());
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let all_match = wanted.into_iter().flatten().all(|(key, value)| label(key) == value.as_str());
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    all_match
        && expressions.into_iter().flatten().all(|expression| {
            let text = |name: &str| expression.get(name).and_then(Value::as_str).unwrap_or_default();
            let present = label(text("key"));
            let values = expression.get("values").and_then(Value::as_array);
            let listed = values.into_iter().flatten().any(|value| value.as_str() == present);
            match text("operator") {
                "In" => present.is_some() && listed,
                "NotIn" => !(present.is_some() && listed),
                "Exists" => present.is_some(),
                "DoesNotExist" => present.is_none(),
                _ => false,
            }
        })
}

/// Checks the specification of a job.
pub(super) fn validate_job(object: &Value, at: &str, errors: &mut FieldErrors) {
    let spec = object.pointer(&format!("/{}", at.replace('.', "/"))).unwrap_or(&Value::Null);
    checks::run(COUNTS, spec, at, errors);
    let pod = spec.pointer("/template/spec").unwrap_or(&Value::Null);
    pods::validate(pod, &format!("{at}.template.spec"), pods::JOB_RESTART, &[], errors);
}

/// Refuses changes of what a workload keeps for life.
pub(super) fn validate_update(kind: &str, old: &Value, new: &Value, errors: &mut FieldErrors) {
    let part = |object: &Value, name: &str| spec(object).get(name).cloned().unwrap_or_default();
    match kind {
        "StatefulSet" => {
            let fixed = |object: &Value| {
                let mut spec = spec(object).as_object().cloned().unwrap_or_default();
                spec.retain(|name, _| !STATEFUL_SET_MUTABLE.contains(&name.as_str()));
                spec
            };
            if fixed(old) != fixed(new) {
                let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
                              'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
                errors.push(FieldError::forbidden("spec", detail));
            }
        }
        "Deployment" | "DaemonSet" | "ReplicaSet" if part(old, "selector") != part(new, "selector") => {
            errors.push(FieldError::invalid("spec.selector", part(new, "selector"), "field is immutable"));
        }
        "Job" => {
            for name in ["completions", "selector", "template", "completionMode"] {
                if part(old, name) != part(new, name) {
                    let shown = golang::json(&part(new, name));
                    let detail = format!("{shown}: field is immutable");
                    errors.push(FieldError::new(Cause::Invalid, format!("spec.{name}"), None, detail));
                }
            }
        }
        _ => {}
    }
}

/// The counts in a stateful set's status that cannot be greater than its replicas.
const PARTS_OF_REPLICAS: [&str; 4] = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];

/// Checks the counts of a stateful set's status.
pub(super) fn validate_status(object: &Value, errors: &mut FieldErrors) {
    let count = |name: &str| {
        let status = object.get("status").and_then(|status| status.get(name));
        status.and_then(Value::as_i64).unwrap_or(0)
    };
    let all = ["replicas"].into_iter().chain(PARTS_OF_REPLICAS);
    for name in all.filter(|name| count(name) < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(format!("status.{name}"), count(name), detail));
    }
    for name in PARTS_OF_REPLICAS.iter().filter(|name| count(name) > count("replicas")) {
        let detail = "cannot be greater than status.replicas";
        errors.push(FieldError::invalid(format!("status.{name}"), count(name), detail));
    }
}
