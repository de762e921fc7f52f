//! The definitions of the kinds (`CustomResourceDefinition`), made from their types.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{GROUP, VERSION, endpoint, hazelcast, kubernetes, management_center};

/// A quantity with the default that its field has.
pub(crate) fn quantity(_: &mut SchemaGenerator) -> Schema {
    Schema::try_from(kubernetes::quantity_value()).unwrap_or_default()
}

/// A whole number of any size.
pub(crate) fn integer(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"type": "integer"})
}

/// A column of `kubectl get`: name, path, what it shows, and whether only `-o wide` shows it.
type Column = (&'static str, &'static str, &'static str, bool);

/// What a definition says besides its schema.
struct Kind {
    name: &'static str,
    plural: &'static str,
    short: &'static str,
    description: &'static str,
    columns: &'static [Column],
    scale: Option<Value>,
    spec: Value,
    status: Value,
}

/// All definitions, by the name of their file.
pub fn all() -> Vec<(String, Value)> {
    [hazelcast_endpoints(), hazelcasts(), management_centers()]
        .into_iter()
        .map(|definition| {
            let plural = definition.pointer("/spec/names/plural").and_then(Value::as_str).unwrap_or_default();
            (format!("{GROUP}_{plural}.yaml"), definition)
        })
        .collect()
}

/// That of [`crate::HazelcastEndpoint`].
pub fn hazelcast_endpoints() -> Value {
    definition(Kind {
        name: "HazelcastEndpoint",
        plural: "hazelcastendpoints",
        short: "hzep",
        description: "An address by which a cluster, or one of its members, is reached from outside.",
        columns: &[
            ("Type", ".spec.type", "What is reached", false),
            ("Address", ".status.address", "Where it is reached", false),
            ("Hazelcast-Resource", ".spec.hazelcastResourceName", "The cluster", true),
            ("Message", ".status.message", "What there is to say about the address", true),
        ],
        scale: None,
        spec: structural::<endpoint::Spec>(),
        status: structural::<endpoint::Status>(),
    })
}

/// That of [`crate::Hazelcast`].
pub fn hazelcasts() -> Value {
    definition(Kind {
        name: "Hazelcast",
        plural: "hazelcasts",
        short: "hz",
        description: "A cluster of Hazelcast members.",
        columns: &[
            ("Status", ".status.phase", "Where the cluster is in its life", false),
            (
                "Members",
                ".status.hazelcastClusterStatus.readyMembers",
                "Members that are ready, of those wanted",
                false,
            ),
            ("Message", ".status.message", "What there is to say about the status", true),
        ],
        scale: Some(json!({
            "labelSelectorPath": ".status.selector",
            "specReplicasPath": ".spec.clusterSize",
            "statusReplicasPath": ".status.clusterSize",
        })),
        spec: structural::<hazelcast::Spec>(),
        status: structural::<hazelcast::Status>(),
    })
}

/// That of [`crate::ManagementCenter`].
pub fn management_centers() -> Value {
    definition(Kind {
        name: "ManagementCenter",
        plural: "managementcenters",
        short: "mc",
        description: "A Management Center, which watches over clusters.",
        columns: &[
            ("Status", ".status.phase", "Where the Management Center is in its life", false),
            ("External-Addresses", ".status.externalAddresses", "Where it can be reached from outside", false),
            ("Message", ".status.message", "What there is to say about the status", true),
        ],
        scale: None,
        spec: structural::<management_center::Spec>(),
        status: structural::<management_center::Status>(),
    })
}

fn definition(kind: Kind) -> Value {
    let Kind { name: kind, plural, short, description, columns, scale, spec, status } = kind;
    let columns: Vec<_> = columns
        .iter()
        .map(|&(name, path, description, wide)| {
            let mut column = json!({"name": name, "type": "string", "jsonPath": path, "description": description});
            if let (true, Some(fields)) = (wide, column.as_object_mut()) {
                fields.insert("priority".into(), 1.into());
            }
            column
        })
        .collect();
    let mut subresources = json!({"status": {}});
    if let (Some(scale), Some(fields)) = (scale, subresources.as_object_mut()) {
        fields.insert("scale".into(), scale);
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": kind.to_lowercase(),
                "shortNames": [short],
                "categories": ["hazelcast-resources"],
            },
            "scope": "Namespaced",
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": description,
                    "properties": {
                        "apiVersion": {"type": "string"},
                        "kind": {"type": "string"},
                        "metadata": {"type": "object"},
                        "spec": spec,
                        "status": status,
                    },
                }},
                "subresources": subresources,
            }],
        },
    })
}

/// The schema of a type in the form that the API server takes: no references, no `null`, one type a node.
fn structural<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    clean(&mut schema);
    schema
}

fn clean(node: &mut Value) {
    let Value::Object(fields) = node else { return };
    fields.remove("title");
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let Some(name) = types.first().cloned().filter(|_| types.len() == 1) {
            fields.insert("type".into(), name);
        }
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    flatten_optional(fields);
    // What a struct has for want of a value is no default that anybody chose.
    let chosen = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    if fields.get("default").is_some_and(|value| !chosen(value)) {
        fields.remove("default");
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(key) {
            clean(inner);
        }
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(clean);
    }
}

/// `anyOf: [X, null]` is X.
fn flatten_optional(fields: &mut Map<String, Value>) {
    let Some(Value::Array(options)) = fields.get_mut("anyOf") else { return };
    let before = options.len();
    options.retain(|option| option.get("type").and_then(Value::as_str) != Some("null"));
    if options.len() == 1 && before == 2 {
        let only = options.remove(0);
        fields.remove("anyOf");
        if let Value::Object(only) = only {
            for (key, value) in only {
                // What the field says of itself is closer than what its type says.
                fields.entry(key).or_insert(value);
            }
        }
        let mut again = Value::Object(std::mem::take(fields));
        clean(&mut again);
        if let Value::Object(again) = again {
            *fields = again;
        }
    }
}

fn permission_value() -> Value {
    json!({
        "type": "object",
        "properties": {
            "actions": {
                "type": "array", "items": {"type": "string"},
                "description": "What may be done, such as `read` or `all`.",
            },
            "deny": {"type": "boolean", "description": "Takes the permission away instead of giving it."},
            "endpoints": {
                "type": "array", "items": {"type": "string"},
                "description": "Addresses of clients, such as `10.0.*.*`; any where absent.",
            },
            "principal": {"type": "string", "description": "Role that has the permission; any where absent."},
        },
    })
}

/// A permission of clients.
pub(crate) fn permission(_: &mut SchemaGenerator) -> Schema {
    Schema::try_from(permission_value()).unwrap_or_default()
}

/// Permissions of clients by kind.
pub(crate) fn permissions(_: &mut SchemaGenerator) -> Schema {
    let mut one = permission_value();
    if let Some(fields) = one.pointer_mut("/properties").and_then(Value::as_object_mut) {
        let name = json!({"type": "string", "description": "Which data structures, such as `orders` or `shop.*`."});
        fields.insert("name".into(), name);
    }
    let kinds = json!({"type": "object", "additionalProperties": {"type": "array", "items": one}});
    Schema::try_from(kinds).unwrap_or_default()
}

/// `conditions` of a status.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "message", "reason", "status", "type"],
            "properties": {
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "message": {"type": "string"},
                "observedGeneration": {"type": "integer", "format": "int64"},
                "reason": {"type": "string"},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "type": {"type": "string"},
            },
        },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}

#[cfg(test)]
mod tests;
