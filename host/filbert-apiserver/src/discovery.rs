//! What a client can ask for: groups, versions, resources, server version.

use crate::core::Core;
use crate::message::Reply;
use crate::resource::{Registry, Resource, Subresource};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Content type of aggregated discovery.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The Kubernetes version that this server resembles.
pub(crate) fn version() -> Value {
    json!({
        "major": "1", "minor": "35", "emulationMajor": "1", "emulationMinor": "35",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "34",
        "gitVersion": "v1.35.4+filbert", "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}

pub(crate) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "" }],
    })
}

fn group_body(name: &str, versions: &[String]) -> Value {
    let entry = |version: &String| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    json!({
        "name": name,
        "versions": versions.iter().map(entry).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(entry),
    })
}

pub(crate) fn groups(registry: &Registry) -> Value {
    let groups: Vec<_> = registry
        .groups
        .iter()
        .filter(|group| !group.name.is_empty())
        .map(|group| group_body(&group.name, &group.versions))
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

pub(crate) fn group(registry: &Registry, name: &str) -> Option<Value> {
    let group = registry.group(name)?;
    let mut body = group_body(name, &group.versions);
    crate::core::set(&mut body, "kind", "APIGroup".into());
    crate::core::set(&mut body, "apiVersion", "v1".into());
    Some(body)
}

/// The first eight bytes of a digest of the stored form's name.
fn storage_hash(resource: &Resource) -> String {
    let (group, version) = &resource.storage;
    let digest = Sha256::digest(format!("{group}/{version}/{}", resource.kind));
    STANDARD.encode(digest.get(..8).unwrap_or_default())
}

fn insert_words(body: &mut Map<String, Value>, name: &str, words: &[String]) {
    if !words.is_empty() {
        body.insert(name.to_owned(), json!(words));
    }
}

/// The old list of resources of a version.
pub(crate) fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for resource in registry.of_version(group, version) {
        let mut body = Map::new();
        body.insert("name".to_owned(), resource.plural.as_str().into());
        body.insert("singularName".to_owned(), resource.singular.as_str().into());
        body.insert("namespaced".to_owned(), resource.namespaced.into());
        body.insert("kind".to_owned(), resource.kind.as_str().into());
        body.insert("verbs".to_owned(), json!(resource.verbs));
        insert_words(&mut body, "shortNames", &resource.short_names);
        insert_words(&mut body, "categories", &resource.categories);
        if resource.serves("watch") {
            body.insert("storageVersionHash".to_owned(), storage_hash(resource).into());
        }
        list.push(Value::Object(body));
        list.extend(resource.subresources.iter().map(|part| {
            let mut body = json!({
                "name": format!("{}/{}", resource.plural, part.name), "singularName": "",
                "namespaced": resource.namespaced, "kind": part.kind, "verbs": part.verbs,
            });
            if !part.version.is_empty() {
                crate::core::set(&mut body, "group", part.group.as_str().into());
                crate::core::set(&mut body, "version", part.version.as_str().into());
            }
            body
        }));
    }
    if list.is_empty() {
        return None;
    }
    let mut body = json!({ "kind": "APIResourceList", "groupVersion": version, "resources": list });
    if !group.is_empty() {
        crate::core::set(&mut body, "apiVersion", "v1".into());
        crate::core::set(&mut body, "groupVersion", format!("{group}/{version}").into());
    }
    Some(body)
}

fn aggregated_part(resource: &Resource, part: &Subresource) -> Value {
    let own = resource.custom.is_some() && part.version.is_empty();
    let (group, version) = if own { (&resource.group, &resource.version) } else { (&part.group, &part.version) };
    json!({
        "subresource": part.name, "verbs": part.verbs,
        "responseKind": { "group": group, "version": version, "kind": part.kind },
    })
}

fn aggregated_resource(resource: &Resource) -> Value {
    let (group, version) = if resource.custom.is_some() { (&*resource.group, &*resource.version) } else { ("", "") };
    let mut body = Map::new();
    body.insert("resource".to_owned(), resource.plural.as_str().into());
    body.insert("responseKind".to_owned(), json!({ "group": group, "version": version, "kind": resource.kind }));
    body.insert("scope".to_owned(), if resource.namespaced { "Namespaced" } else { "Cluster" }.into());
    body.insert("singularResource".to_owned(), resource.singular.as_str().into());
    body.insert("verbs".to_owned(), json!(resource.verbs));
    insert_words(&mut body, "shortNames", &resource.short_names);
    insert_words(&mut body, "categories", &resource.categories);
    if !resource.subresources.is_empty() {
        let parts: Vec<_> = resource.subresources.iter().map(|part| aggregated_part(resource, part)).collect();
        body.insert("subresources".to_owned(), parts.into());
    }
    Value::Object(body)
}

/// Everything in one document: of the core group, or of all others.
pub(crate) fn aggregated(core: &Core, core_group: bool) -> Reply {
    let registry = core.registry();
    let items: Vec<_> = registry
        .groups
        .iter()
        .filter(|group| group.name.is_empty() == core_group)
        .map(|group| {
            let versions: Vec<_> = group
                .versions
                .iter()
                .map(|version| {
                    let resources: Vec<_> = registry
                        .of_version(&group.name, version)
                        .map(|resource| aggregated_resource(resource))
                        .collect();
                    json!({ "version": version, "freshness": "Current", "resources": resources })
                })
                .collect();
            let metadata = if core_group { json!({}) } else { json!({ "name": group.name }) };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    let body = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    });
    Reply::new(200, AGGREGATED, Bytes::from(body.to_string()))
}
