//! Validation by kind.

use super::checks::{self, Check, Rule};
use super::metadata::{self, NameRule};
use super::{events, names, pods, services, webhooks, workloads};
use crate::error::{Cause, FieldError, FieldErrors};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Kinds without a namespace.
const CLUSTER_SCOPED: [(&str, &str); 17] = [
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "IPAddress"),
    ("networking.k8s.io", "ServiceCIDR"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
];

/// Kinds whose names are not DNS subdomains.
const NAME_RULES: [(&str, &str, NameRule); 6] = [
    ("", "Namespace", NameRule::Label),
    ("", "Service", NameRule::Label1035),
    ("rbac.authorization.k8s.io", "ClusterRole", NameRule::PathSegment),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", NameRule::PathSegment),
    ("rbac.authorization.k8s.io", "Role", NameRule::PathSegment),
    ("rbac.authorization.k8s.io", "RoleBinding", NameRule::PathSegment),
];

/// The most that the data of a `ConfigMap` or Secret may take.
const DATA_LIMIT: usize = 1024 * 1024;

/// What the data of typed secrets must have.
const SECRET_KEYS: [(&str, &[&str]); 5] = [
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
    ("kubernetes.io/service-account-token", &[]),
];

/// Single fields of kinds that need no code of their own.
const RULES: [(&str, &str, &[Rule]); 5] = [
    (
        "",
        "PersistentVolumeClaim",
        &[
            ("spec.accessModes", Check::Required("at least 1 access mode is required")),
            ("spec.resources.requests.storage", Check::Required("")),
        ],
    ),
    (
        "networking.k8s.io",
        "Ingress",
        &[
            ("spec.rules[].host", Check::Subdomain),
            ("spec.rules[].http.paths[].pathType", Check::Required("pathType must be specified")),
        ],
    ),
    (
        "rbac.authorization.k8s.io",
        "RoleBinding",
        &[("roleRef.name", Check::Required("")), ("subjects[].name", Check::Required(""))],
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        &[("roleRef.name", Check::Required("")), ("subjects[].name", Check::Required(""))],
    ),
    (
        "batch",
        "CronJob",
        &[
            ("spec.schedule", Check::Required("")),
            ("spec.concurrencyPolicy", Check::OneOf(&["Allow", "Forbid", "Replace"])),
        ],
    ),
];

fn is_namespaced(group: &str, kind: &str) -> bool {
    !CLUSTER_SCOPED.contains(&(group, kind))
}

fn name_rule(group: &str, kind: &str) -> NameRule {
    NAME_RULES
        .iter()
        .find(|(known_group, known_kind, _)| *known_group == group && *known_kind == kind)
        .map_or(NameRule::Subdomain, |(_, _, rule)| *rule)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Groups whose kinds are questions: they have no name and are not stored.
const QUESTIONS: [&str; 2] = ["authentication.k8s.io", "authorization.k8s.io"];

/// Everything that is wrong with a new object.
pub(super) fn validate_create(group: &str, kind: &str, object: &Value, errors: &mut FieldErrors) {
    if QUESTIONS.contains(&group) {
        return;
    }
    metadata::validate(object, is_namespaced(group, kind), name_rule(group, kind), errors);
    validate_content(group, kind, object, errors);
}

/// Everything that is wrong with a change.
///
/// Kubernetes makes the checks of the metadata twice, once for all kinds and once with the kind's own, and reports both.
pub(super) fn validate_update(group: &str, kind: &str, old: &Value, new: &Value, errors: &mut FieldErrors) {
    let namespaced = is_namespaced(group, kind);
    metadata::validate_common_update(old, new, namespaced, errors);
    metadata::validate_update(old, new, errors);
    if old.get("status") != new.get("status") && (group, kind) == ("apps", "StatefulSet") {
        workloads::validate_status(new, errors);
        return;
    }
    match (group, kind) {
        ("", "Pod") => pods::validate_update(old, new, errors),
        ("", "Service") => services::validate_update(old, new, errors),
        ("", "ConfigMap") => check_immutable_data(old, new, errors),
        ("", "Secret") => {
            if text(old, "type") != text(new, "type") {
                errors.push(FieldError::invalid("type", text(new, "type"), "field is immutable"));
            }
            check_immutable_data(old, new, errors);
        }
        ("", "PersistentVolumeClaim") => check_claim_update(old, new, errors),
        ("events.k8s.io", "Event") => {
            events::validate_update(group, old, new, errors);
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            let (before, after) = (old.get("roleRef"), new.get("roleRef"));
            if let (Some(after), true) = (after, before != after) {
                let quote = |name: &str| Value::from(text(after, name)).to_string();
                let detail = format!(
                    "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}: cannot change roleRef",
                    quote("apiGroup"),
                    quote("kind"),
                    quote("name")
                );
                errors.push(FieldError::new(Cause::Invalid, "roleRef", None, detail));
            }
        }
        _ => {}
    }
    if matches!((group, kind), ("" | "apps", "ConfigMap" | "StatefulSet" | "Deployment" | "ReplicaSet" | "DaemonSet")) {
        metadata::validate(new, namespaced, NameRule::PathSegment, errors);
    }
    validate_content(group, kind, new, errors);
    workloads::validate_update(kind, old, new, errors);
}

fn validate_content(group: &str, kind: &str, object: &Value, errors: &mut FieldErrors) {
    match (group, kind) {
        ("", "ConfigMap" | "Secret") => check_data(kind, object, errors),
        ("", "Service") => services::validate(object, errors),
        ("" | "events.k8s.io", "Event") => events::validate(group, object, errors),
        ("", "Pod") => {
            let spec = object.get("spec").unwrap_or(&Value::Null);
            pods::validate(spec, "spec", pods::ANY_RESTART, &[], errors);
        }
        ("apps", "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet") => {
            workloads::validate(kind, object, errors);
        }
        ("batch", "Job") => workloads::validate_job(object, "spec", errors),
        ("batch", "CronJob") => workloads::validate_job(object, "spec.jobTemplate.spec", errors),
        ("policy", "PodDisruptionBudget") => check_budget(object, errors),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => {
            webhooks::validate(object, errors);
        }
        _ => {}
    }
    let rules = RULES.iter().find(|(known_group, known_kind, _)| *known_group == group && *known_kind == kind);
    if let Some((_, _, rules)) = rules {
        checks::run(rules, object, "", errors);
    }
}

fn check_data(kind: &str, object: &Value, errors: &mut FieldErrors) {
    let mut size = 0;
    for part in ["data", "binaryData"] {
        for (key, value) in object.get(part).and_then(Value::as_object).into_iter().flatten() {
            for complaint in names::config_key(key) {
                errors.push(FieldError::invalid(format!("{part}[{key}]"), key.as_str(), complaint));
            }
            let length = value.as_str().map_or(0, str::len);
            // What is in base64 counts with its real size.
            size += if kind == "Secret" || part == "binaryData" { length / 4 * 3 } else { length };
        }
    }
    if size > DATA_LIMIT {
        let at = if kind == "Secret" { "data" } else { "[]" };
        errors.push(FieldError::too_long(at, DATA_LIMIT));
    }
    if kind == "Secret" {
        let wanted = SECRET_KEYS.iter().find(|(name, _)| *name == text(object, "type"));
        for key in wanted.map(|(_, keys)| *keys).unwrap_or_default() {
            if object.get("data").and_then(|data| data.get(*key)).is_none() {
                errors.push(FieldError::required(format!("data[{key}]"), ""));
            }
        }
    }
}

/// See [`super::warnings`].
pub(super) fn warnings(group: &str, kind: &str, object: &Value) -> Vec<String> {
    let warning = match (group, kind) {
        ("", "Endpoints") => "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        ("", "Secret") if text(object, "type") == "kubernetes.io/tls" => {
            let certificate = object.pointer("/data/tls.crt").and_then(Value::as_str).unwrap_or_default();
            let certificate = STANDARD.decode(certificate).unwrap_or_default();
            if certificate.windows(PEM.len()).any(|part| part == PEM) {
                return Vec::new();
            }
            "tls: failed to find any PEM data in certificate input"
        }
        _ => return Vec::new(),
    };
    vec![warning.to_owned()]
}

/// How a certificate begins.
const PEM: &[u8] = b"-----BEGIN ";

fn check_immutable_data(old: &Value, new: &Value, errors: &mut FieldErrors) {
    if old.get("immutable") != Some(&Value::Bool(true)) {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    if new.get("immutable") != Some(&Value::Bool(true)) {
        errors.push(FieldError::forbidden("immutable", detail));
    }
    for part in ["data", "binaryData"] {
        if old.get(part) != new.get(part) {
            errors.push(FieldError::forbidden(part, detail));
        }
    }
}

fn check_claim_update(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let bound = old.pointer("/status/phase").and_then(Value::as_str) == Some("Bound");
    let fixed = |claim: &Value| {
        let mut spec = claim.get("spec").cloned().unwrap_or_default();
        if let Some(spec) = spec.as_object_mut() {
            // The binder fills this in.
            if old.pointer("/spec/volumeName").is_none() {
                spec.remove("volumeName");
            }
            if bound {
                spec.remove("volumeAttributesClassName");
                spec.remove("resources");
            }
        }
        spec
    };
    if fixed(old) != fixed(new) {
        let detail =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        errors.push(FieldError::forbidden("spec", detail));
    }
}

fn check_budget(object: &Value, errors: &mut FieldErrors) {
    let of = |name: &str| object.pointer(&format!("/spec/{name}")).cloned().unwrap_or_default();
    let (least, most) = (of("minAvailable"), of("maxUnavailable"));
    if !least.is_null() && !most.is_null() {
        let detail = format!(
            "{{\"MinAvailable\":{least},\"Selector\":{},\"MaxUnavailable\":{most},\"UnhealthyPodEvictionPolicy\":{}}}: minAvailable and \
             maxUnavailable cannot be both set",
            of("selector"),
            of("unhealthyPodEvictionPolicy")
        );
        errors.push(FieldError::new(Cause::Invalid, "spec", None, detail));
    }
}
