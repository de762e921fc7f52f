//! Events are one collection with two faces: the core group's and that of `events.k8s.io`.

use crate::reflecting::soon;
use filbert_apiserver::ApiServer;
use futures::TryStreamExt;
use http::Request;
use k8s_openapi::api::core::v1::Event as Core;
use k8s_openapi::api::events::v1::Event as Events;
use k8s_openapi::serde::{Serialize, de::DeserializeOwned};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

fn faces(server: &ApiServer) -> (Api<Core>, Api<Events>) {
    (Api::namespaced(server.client(), "default"), Api::namespaced(server.client(), "default"))
}

/// As a reporter of the older kind writes it.
fn old_style() -> Value {
    json!({
        "metadata": { "name": "ebb" }, "type": "Normal", "reason": "Ebb", "message": "the water goes",
        "involvedObject": { "kind": "ConfigMap", "namespace": "default", "name": "tide", "uid": "u-1" },
        "source": { "component": "harbour", "host": "pier" }, "count": 1,
        "firstTimestamp": "2026-01-01T06:00:00Z", "lastTimestamp": "2026-01-01T06:00:00Z",
    })
}

/// As a reporter of the newer kind writes it.
fn new_style() -> Value {
    json!({
        "metadata": { "name": "flood" }, "type": "Warning", "reason": "Flood", "action": "Rise", "note": "the water comes",
        "regarding": { "kind": "ConfigMap", "namespace": "default", "name": "tide", "uid": "u-1" },
        "reportingController": "harbour.example/pier", "reportingInstance": "pier-0",
        "eventTime": "2026-01-01T12:00:00.000000Z",
    })
}

fn of<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).expect("the object is of the kind")
}

/// What is answered, with every field.
async fn raw(server: &ApiServer, path: &str) -> Value {
    let request = Request::get(path).body(Vec::new()).expect("a request");
    server.client().request(request).await.expect("found")
}

/// An object without its metadata and type.
fn body(object: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(object).expect("it is JSON");
    let fields = value.as_object_mut().expect("an object");
    for name in ["metadata", "kind", "apiVersion"] {
        fields.remove(name);
    }
    value
}

#[tokio::test]
async fn an_event_of_the_core_group_is_seen_through_the_other() {
    let server = ApiServer::builder().build();
    let (core, events) = faces(&server);
    let watch = WatchParams::default().fields("regarding.name=tide");
    let mut changes = Box::pin(events.watch(&watch, "1").await.expect("watched"));
    let made = core.create(&PostParams::default(), &of(old_style())).await.expect("created");
    let expected = json!({
        "type": "Normal", "reason": "Ebb", "note": "the water goes", "eventTime": null,
        "regarding": { "kind": "ConfigMap", "namespace": "default", "name": "tide", "uid": "u-1" },
        "deprecatedSource": { "component": "harbour", "host": "pier" }, "deprecatedCount": 1,
        "deprecatedFirstTimestamp": "2026-01-01T06:00:00Z", "deprecatedLastTimestamp": "2026-01-01T06:00:00Z",
    });
    let got = events.get("ebb").await.expect("found");
    assert_eq!(body(&raw(&server, &format!("{}/ebb", events.resource_url())).await), expected);
    assert_eq!(got.metadata, made.metadata, "one object");
    let listed = events.list(&ListParams::default().fields("regarding.uid=u-1")).await.expect("listed").items;
    assert_eq!(listed, std::slice::from_ref(&got));
    let Some(WatchEvent::Added(seen)) = soon(changes.try_next()).await.expect("no error") else { panic!("added") };
    assert_eq!(seen, got);

    // Counted on by its reporter, and seen so through the other group.
    let more = json!({ "count": 2, "lastTimestamp": "2026-01-01T07:00:00Z" });
    core.patch("ebb", &PatchParams::default(), &Patch::Strategic(more)).await.expect("patched");
    let Some(WatchEvent::Modified(seen)) = soon(changes.try_next()).await.expect("no error") else {
        panic!("modified")
    };
    assert_eq!(seen.deprecated_count, Some(2));
    events.delete("ebb", &DeleteParams::default()).await.expect("deleted");
    assert!(matches!(soon(changes.try_next()).await.expect("no error"), Some(WatchEvent::Deleted(_))));
    assert_eq!(core.get_opt("ebb").await.expect("an answer"), None);
}

#[tokio::test]
async fn an_event_of_the_newer_group_is_seen_through_the_core() {
    let server = ApiServer::builder().build();
    let (core, events) = faces(&server);
    let watch = WatchParams::default().fields("involvedObject.name=tide,reportingComponent=harbour.example/pier");
    let mut changes = Box::pin(core.watch(&watch, "1").await.expect("watched"));
    let made = events.create(&PostParams::default(), &of(new_style())).await.expect("created");
    let expected = json!({
        "type": "Warning", "reason": "Flood", "action": "Rise", "message": "the water comes",
        "involvedObject": { "kind": "ConfigMap", "namespace": "default", "name": "tide", "uid": "u-1" },
        "reportingComponent": "harbour.example/pier", "reportingInstance": "pier-0", "source": {},
        "eventTime": "2026-01-01T12:00:00.000000Z", "firstTimestamp": null, "lastTimestamp": null,
    });
    assert_eq!(body(&raw(&server, &format!("{}/flood", core.resource_url())).await), expected);
    let got = core.get("flood").await.expect("found");
    assert_eq!(got.metadata, made.metadata, "one object");
    let selector = "involvedObject.uid=u-1,type=Warning";
    let listed = core.list(&ListParams::default().fields(selector)).await.expect("listed").items;
    assert_eq!(listed, std::slice::from_ref(&got));
    let Some(WatchEvent::Added(seen)) = soon(changes.try_next()).await.expect("no error") else { panic!("added") };
    assert_eq!(seen, got);

    let series = json!({ "series": { "count": 2, "lastObservedTime": "2026-01-01T13:00:00.000000Z" } });
    let patched = events.patch("flood", &PatchParams::default(), &Patch::Merge(&series)).await.expect("patched");
    let Some(WatchEvent::Modified(seen)) = soon(changes.try_next()).await.expect("no error") else {
        panic!("modified")
    };
    assert_eq!(seen.series.and_then(|series| series.count), Some(2));
    let again = events.patch("flood", &PatchParams::default(), &Patch::Merge(&series)).await.expect("patched");
    assert_eq!(again.metadata, patched.metadata, "a patch that changes nothing writes nothing");
    // Annotated through the core group, which leaves everything else as it was.
    let note = json!({ "metadata": { "annotations": { "read": "yes" } } });
    core.patch("flood", &PatchParams::default(), &Patch::Merge(note)).await.expect("patched");
    let annotated = events.get("flood").await.expect("found");
    assert_eq!(body(&annotated), body(&patched));
    core.delete("flood", &DeleteParams::default()).await.expect("deleted");
    assert_eq!(events.get_opt("flood").await.expect("an answer"), None);
}

#[tokio::test]
async fn an_event_is_applied_through_either_group() {
    let server = ApiServer::builder().build();
    let (core, events) = faces(&server);
    let typed = |mut event: Value, version: &str| {
        event["apiVersion"] = version.into();
        event["kind"] = "Event".into();
        Patch::Apply(event)
    };
    let params = PatchParams::apply("reporter");
    core.patch("ebb", &params, &typed(old_style(), "v1")).await.expect("applied");
    assert_eq!(events.get("ebb").await.expect("found").note.as_deref(), Some("the water goes"));
    events.patch("flood", &params, &typed(new_style(), "events.k8s.io/v1")).await.expect("applied");
    assert_eq!(core.get("flood").await.expect("found").message.as_deref(), Some("the water comes"));
}

#[tokio::test]
async fn the_newer_group_refuses_what_only_older_reporters_write() {
    let server = ApiServer::builder().build();
    let (_, events) = faces(&server);
    let mut event = new_style();
    event["deprecatedCount"] = json!(3);
    event["type"] = json!("Alarm");
    event["action"] = Value::Null;
    let refused = events.create(&PostParams::default(), &of(event)).await.expect_err("it is refused");
    let kube::Error::Api(status) = refused else { panic!("{refused}") };
    let causes = status.details.map(|details| details.causes).unwrap_or_default();
    let fields: Vec<_> = causes.iter().map(|cause| (cause.field.as_str(), cause.reason.as_str())).collect();
    assert_eq!(
        fields,
        [("action", "FieldValueRequired"), ("type", "FieldValueInvalid"), ("count", "FieldValueInvalid")]
    );
    events.create(&PostParams::default(), &of(new_style())).await.expect("created");
    let changed = json!({ "note": "the water stays" });
    let refused = events.patch("flood", &PatchParams::default(), &Patch::Merge(changed)).await.expect_err("immutable");
    assert!(refused.to_string().contains("note: Invalid value: \"the water stays\": field is immutable"), "{refused}");
}
