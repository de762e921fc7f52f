//! `/openapi/v3`: recorded documents of built-in resources, made ones of definitions.

use crate::core::Core;
use crate::message::{Call, Reply};
use crate::openapi;
use crate::resource::{Registry, Resource};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Operations that clients look for, with the verb and the word that OpenAPI has for it.
const OPERATIONS: [(&str, &str, &str); 3] =
    [("get", "get", "get"), ("put", "update", "put"), ("patch", "patch", "patch")];

pub(crate) fn answer(core: &Core, call: &Call) -> Reply {
    let registry = core.registry();
    let path = call.path.trim_end_matches('/').trim_start_matches("/openapi");
    if path == "/v3" {
        return index(&registry);
    }
    let parts: Vec<&str> = path.trim_start_matches("/v3/").split('/').collect();
    let found = match parts.as_slice() {
        ["api", version] => document(&registry, "", version),
        ["apis", group, version] => document(&registry, group, version),
        _ => None,
    };
    found.map_or_else(
        || Reply::text(404, "404 page not found\n"),
        |body| Reply::new(200, "application/json", Bytes::from(body)),
    )
}

fn place(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn index(registry: &Registry) -> Reply {
    let mut paths = Map::new();
    for group in &registry.groups {
        for version in &group.versions {
            let Some(text) = document(registry, &group.name, version) else { continue };
            let mut hash = String::new();
            for byte in Sha256::digest(&text) {
                // Writing to a string cannot fail.
                let _written = write!(hash, "{byte:02X}");
            }
            let place = place(&group.name, version);
            let url = format!("/openapi/v3/{place}?hash={hash}");
            paths.insert(place, json!({ "serverRelativeURL": url }));
        }
    }
    Reply::new(200, "text/plain; charset=utf-8", Bytes::from(json!({ "paths": paths }).to_string()))
}

fn document(registry: &Registry, group: &str, version: &str) -> Option<String> {
    let recorded = openapi::text(group, version).map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
    let resources: Vec<&Resource> = registry.of_version(group, version).map(|resource| &**resource).collect();
    if resources.is_empty() {
        return None;
    }
    let mut document = recorded.unwrap_or_else(|| {
        json!({
            "openapi": "3.0.0", "info": { "title": "Kubernetes CRD Swagger", "version": "v0.1.0" },
            "components": { "schemas": {} },
        })
    });
    let mut paths = document.get("paths").and_then(Value::as_object).cloned().unwrap_or_default();
    for resource in resources {
        if resource.custom.is_some()
            && let Some(schemas) = document.pointer_mut("/components/schemas")
        {
            crate::core::set(schemas, &schema_name(resource), schema(resource));
        }
        add_paths(resource, &mut paths);
    }
    crate::core::set(&mut document, "paths", paths.into());
    Some(document.to_string())
}

/// `dev.example.v1.Widget` for `Widget` in `example.dev/v1`.
fn schema_name(resource: &Resource) -> String {
    let mut parts: Vec<&str> = resource.group.split('.').collect();
    parts.reverse();
    format!("{}.{}.{}", parts.join("."), resource.version, resource.kind)
}

fn gvk(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

fn schema(resource: &Resource) -> Value {
    let mut schema = resource.custom.as_ref().map(|custom| custom.open_api.clone()).unwrap_or_default();
    if let Some(fields) = schema.as_object_mut() {
        let properties = fields.entry("properties").or_insert_with(|| json!({}));
        for name in ["apiVersion", "kind"] {
            if properties.get(name).is_none() {
                crate::core::set(properties, name, json!({ "type": "string" }));
            }
        }
        crate::core::set(
            properties,
            "metadata",
            json!({ "type": "object", "description": "Standard object's metadata." }),
        );
    }
    crate::core::set(&mut schema, "x-kubernetes-group-version-kind", json!([gvk(resource)]));
    schema
}

/// The paths of a resource as far as clients look at them: which kind they serve, and which parameters they take.
fn add_paths(resource: &Resource, paths: &mut Map<String, Value>) {
    let base = format!("/{}", place(&resource.group, &resource.version));
    let namespace = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{base}{namespace}/{}", resource.plural);
    let parameter =
        |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter);
    let operation = |action: &str| {
        json!({
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk(resource), "parameters": parameters,
            "responses": { "200": { "description": "OK" } },
        })
    };
    let mut one = Map::new();
    for (method, verb, action) in OPERATIONS {
        if resource.serves(verb) {
            one.insert(method.to_owned(), operation(action));
        }
    }
    let mut many = Map::new();
    for (method, verb, action) in [("get", "list", "list"), ("post", "create", "post")] {
        if resource.serves(verb) {
            many.insert(method.to_owned(), operation(action));
        }
    }
    // What was recorded stays.
    paths.entry(format!("{collection}/{{name}}")).or_insert_with(|| one.into());
    if resource.namespaced {
        let list = json!({ "get": operation("list") });
        paths.entry(format!("{base}/{}", resource.plural)).or_insert(list);
    }
    paths.entry(collection).or_insert_with(|| many.into());
}
