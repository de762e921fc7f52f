//! Schemas of what is handed on to pods as it is: the shapes of Kubernetes' own types, without their descriptions,
//! enumerations and ranges, which the API server checks where they arrive.
#![cfg(feature = "schema")]

use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

fn schema(value: Value) -> Schema {
    Schema::try_from(value).unwrap_or_default()
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn requiring(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

fn atomic(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.insert("x-kubernetes-map-type".into(), "atomic".into());
    }
    value
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn texts() -> Value {
    list(&text())
}

fn atomic_texts() -> Value {
    json!({"type": "array", "items": text(), "x-kubernetes-list-type": "atomic"})
}

fn int32() -> Value {
    json!({"type": "integer", "format": "int32"})
}

fn map(values: &Value) -> Value {
    json!({"type": "object", "additionalProperties": values})
}

/// A quantity such as `8Gi` or `2`.
pub(crate) fn quantity_value() -> Value {
    json!({
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
        "x-kubernetes-int-or-string": true,
    })
}

/// `resources` of a container.
pub(crate) fn resources(_: &mut SchemaGenerator) -> Schema {
    schema(object(json!({
        "claims": {
            "type": "array",
            "items": requiring(&["name"], json!({"name": text(), "request": text()})),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "limits": map(&quantity_value()),
        "requests": map(&quantity_value()),
    })))
}

/// `env` of a container.
pub(crate) fn env(_: &mut SchemaGenerator) -> Schema {
    let key = || json!({"key": text(), "name": text(), "optional": {"type": "boolean"}});
    let source = object(json!({
        "configMapKeyRef": atomic(requiring(&["key"], key())),
        "secretKeyRef": atomic(requiring(&["key"], key())),
        "fieldRef": atomic(requiring(&["fieldPath"], json!({"apiVersion": text(), "fieldPath": text()}))),
        "fileKeyRef": atomic(requiring(
            &["key", "path", "volumeName"],
            json!({"key": text(), "optional": {"type": "boolean"}, "path": text(), "volumeName": text()}),
        )),
        "resourceFieldRef": atomic(requiring(
            &["resource"],
            json!({"containerName": text(), "divisor": quantity_value(), "resource": text()}),
        )),
    }));
    schema(list(&requiring(&["name"], json!({"name": text(), "value": text(), "valueFrom": source}))))
}

/// `envFrom` of a container.
pub(crate) fn env_from(_: &mut SchemaGenerator) -> Schema {
    let source = || atomic(object(json!({"name": text(), "optional": {"type": "boolean"}})));
    schema(list(&object(json!({"configMapRef": source(), "prefix": text(), "secretRef": source()}))))
}

/// `tolerations` of a pod.
pub(crate) fn tolerations(_: &mut SchemaGenerator) -> Schema {
    schema(list(&object(json!({
        "effect": text(),
        "key": text(),
        "operator": text(),
        "tolerationSeconds": {"type": "integer", "format": "int64"},
        "value": text(),
    }))))
}

fn requirement() -> Value {
    requiring(&["key", "operator"], json!({"key": text(), "operator": text(), "values": texts()}))
}

fn label_selector() -> Value {
    atomic(object(json!({"matchExpressions": list(&requirement()), "matchLabels": map(&text())})))
}

/// `topologySpreadConstraints` of a pod.
pub(crate) fn topology_spread_constraints(_: &mut SchemaGenerator) -> Schema {
    schema(list(&requiring(
        &["maxSkew", "topologyKey", "whenUnsatisfiable"],
        json!({
            "labelSelector": label_selector(),
            "matchLabelKeys": atomic_texts(),
            "maxSkew": int32(),
            "minDomains": int32(),
            "nodeAffinityPolicy": text(),
            "nodeTaintsPolicy": text(),
            "topologyKey": text(),
            "whenUnsatisfiable": text(),
        }),
    )))
}

/// `affinity` of a pod.
pub(crate) fn affinity(_: &mut SchemaGenerator) -> Schema {
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let node_term =
        atomic(object(json!({"matchExpressions": list(&requirement()), "matchFields": list(&requirement())})));
    let pod_term = requiring(
        &["topologyKey"],
        json!({
            "labelSelector": label_selector(),
            "matchLabelKeys": atomic_texts(),
            "mismatchLabelKeys": atomic_texts(),
            "namespaceSelector": label_selector(),
            "namespaces": texts(),
            "topologyKey": text(),
        }),
    );
    let pod = object(json!({
        PREFERRED: list(&requiring(&["podAffinityTerm", "weight"], json!({"podAffinityTerm": pod_term, "weight": int32()}))),
        REQUIRED: list(&pod_term),
    }));
    schema(object(json!({
        "nodeAffinity": object(json!({
            PREFERRED: list(&requiring(&["preference", "weight"], json!({"preference": node_term, "weight": int32()}))),
            REQUIRED: atomic(requiring(&["nodeSelectorTerms"], json!({"nodeSelectorTerms": list(&node_term)}))),
        })),
        "podAffinity": pod,
        "podAntiAffinity": pod,
    })))
}
