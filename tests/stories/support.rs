//! Names and objects of stories.

use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_runtime::PassOutcome;
use filbert_tests::world::{World, folder_with};
use serde_json::{Value, json};

fn in_default(group: &str, version: &str, plural: &str, name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new(group, version, plural), "default", name)
}

pub(crate) fn greeting(name: &str) -> ObjectKey {
    in_default("example.dev", "v1", "greetings", name)
}

pub(crate) fn config_map(name: &str) -> ObjectKey {
    in_default("", "v1", "configmaps", name)
}

pub(crate) fn hazelcast(name: &str) -> ObjectKey {
    in_default("hazelcast.com", "v1alpha1", "hazelcasts", name)
}

pub(crate) fn management_center(name: &str) -> ObjectKey {
    in_default("hazelcast.com", "v1alpha1", "managementcenters", name)
}

pub(crate) fn secret(name: &str) -> ObjectKey {
    in_default("", "v1", "secrets", name)
}

/// A Secret with one entry.
pub(crate) fn holding(key: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "stringData": {key: value}})
}

pub(crate) fn service(name: &str) -> ObjectKey {
    in_default("", "v1", "services", name)
}

pub(crate) fn stateful_set(name: &str) -> ObjectKey {
    in_default("apps", "v1", "statefulsets", name)
}

fn object(api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec})
}

pub(crate) fn greet(name: &str, who: &str) -> Value {
    object("example.dev/v1", "Greeting", name, json!({"who": who}))
}

pub(crate) fn cluster(name: &str, spec: Value) -> Value {
    object("hazelcast.com/v1alpha1", "Hazelcast", name, spec)
}

pub(crate) fn center(name: &str, spec: Value) -> Value {
    object("hazelcast.com/v1alpha1", "ManagementCenter", name, spec)
}

/// An operator with the first guest alone.
pub(crate) async fn hello() -> World {
    World::with_modules(folder_with(&["hello.wasm", "hello.yaml"])).await
}

pub(crate) fn settles(outcome: &PassOutcome) -> bool {
    *outcome == PassOutcome::Settled
}

pub(crate) fn waits(outcome: &PassOutcome) -> bool {
    matches!(outcome, PassOutcome::Waiting { .. })
}

pub(crate) fn is_gone(outcome: &PassOutcome) -> bool {
    *outcome == PassOutcome::Gone
}

pub(crate) fn is_invalid(outcome: &PassOutcome) -> bool {
    matches!(outcome, PassOutcome::Invalid { .. })
}

pub(crate) fn fails_with(wanted: &str) -> impl Fn(&PassOutcome) -> bool {
    move |outcome| matches!(outcome, PassOutcome::Failed { reason, .. } if reason == wanted)
}
