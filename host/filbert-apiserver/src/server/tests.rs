use super::*;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;

fn config_map(name: &str) -> ConfigMap {
    ConfigMap { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, ..ConfigMap::default() }
}

#[tokio::test]
async fn objects_live_and_die_as_a_client_expects() {
    let server = ApiServer::builder().build();
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    let created = api.create(&PostParams::default(), &config_map("tide")).await.unwrap();
    assert!(created.metadata.uid.is_some());
    let again = api.create(&PostParams::default(), &config_map("tide")).await.unwrap_err();
    assert!(matches!(again, kube::Error::Api(status) if status.reason == "AlreadyExists"));
    let version = created.metadata.resource_version.clone().unwrap();
    let patch = json!({ "data": { "level": "low" } });
    api.patch("tide", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    let mut changed = created.clone();
    changed.data = Some([("level".to_owned(), "high".to_owned())].into());
    let conflict = api.replace("tide", &PostParams::default(), &changed).await.unwrap_err();
    assert!(matches!(conflict, kube::Error::Api(status) if status.reason == "Conflict"));
    let watch = WatchParams::default().timeout(5);
    let mut events = api.watch(&watch, &version).await.unwrap().boxed();
    api.delete("tide", &DeleteParams::default()).await.unwrap();
    assert!(matches!(events.try_next().await.unwrap(), Some(WatchEvent::Modified(found)) if found.data.is_some()));
    assert!(matches!(events.try_next().await.unwrap(), Some(WatchEvent::Deleted(_))));
    assert!(api.list(&ListParams::default()).await.unwrap().items.is_empty());
    assert_eq!(server.writes(), 5);
}

#[tokio::test]
async fn a_deleted_namespace_takes_its_contents_along() {
    let server = ApiServer::builder().build();
    let namespaces: Api<Namespace> = Api::all(server.client());
    let harbor: Namespace = serde_json::from_value(json!({ "metadata": { "name": "harbor" } })).unwrap();
    namespaces.create(&PostParams::default(), &harbor).await.unwrap();
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "harbor");
    api.create(&PostParams::default(), &config_map("tide")).await.unwrap();
    let sets: Api<StatefulSet> = Api::namespaced(server.client(), "harbor");
    let set = json!({ "metadata": { "name": "tugs" }, "spec": {
        "serviceName": "tugs", "selector": { "matchLabels": { "app": "tug" } },
        "template": { "metadata": { "labels": { "app": "tug" } }, "spec": { "containers": [{ "name": "tug", "image": "tug" }] } } } });
    sets.create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    let version = namespaces.get("harbor").await.unwrap().metadata.resource_version.unwrap();
    let mut events = namespaces.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    namespaces.delete("harbor", &DeleteParams::default()).await.unwrap();
    while let Some(event) = events.try_next().await.unwrap() {
        if matches!(event, WatchEvent::Deleted(_)) {
            break;
        }
    }
    assert!(api.get_opt("tide").await.unwrap().is_none());
    assert!(sets.get_opt("tugs").await.unwrap().is_none());
    assert!(namespaces.get_opt("harbor").await.unwrap().is_none());
}

#[tokio::test]
async fn a_definition_serves_its_kind_at_once() {
    let server = ApiServer::builder().build();
    let definitions: Api<CustomResourceDefinition> = Api::all(server.client());
    let definition = json!({
        "metadata": { "name": "buoys.harbor.example" },
        "spec": {
            "group": "harbor.example", "scope": "Namespaced",
            "names": { "plural": "buoys", "singular": "buoy", "kind": "Buoy", "listKind": "BuoyList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                    "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } } } }],
        },
    });
    definitions.create(&PostParams::default(), &serde_json::from_value(definition).unwrap()).await.unwrap();
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("harbor.example", "v1", "Buoy"), "buoys");
    let buoys: Api<DynamicObject> = Api::namespaced_with(server.client(), "default", &resource);
    let buoy = DynamicObject::new("red", &resource).data(json!({ "spec": { "lit": true } }));
    let created = buoys.create(&PostParams::default(), &buoy).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
    let status = json!({ "status": { "seen": true }, "spec": { "lit": false } });
    let patched = buoys.patch_status("red", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    assert_eq!(patched.data["spec"]["lit"], true);
    assert_eq!(patched.data["status"]["seen"], true);
    assert_eq!(patched.metadata.generation, Some(1));
    let established = definitions.get("buoys.harbor.example").await.unwrap();
    let conditions = established.status.unwrap().conditions.unwrap();
    assert!(conditions.iter().any(|condition| condition.type_ == "Established" && condition.status == "True"));
}

/// Follows a resource until `done`; the test harness' time limit is the only one.
async fn until<K>(api: &Api<K>, name: &str, done: impl Fn(Option<&K>) -> bool)
where
    K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let fields = format!("metadata.name={name}");
    let mut events = api.watch(&WatchParams::default().fields(&fields), "0").await.unwrap().boxed();
    if done(api.get_opt(name).await.unwrap().as_ref()) {
        return;
    }
    while let Some(event) = events.try_next().await.unwrap() {
        let found = match &event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => Some(object),
            _ => None,
        };
        if done(found) {
            return;
        }
    }
    panic!("the watch ended");
}

fn stateful_set(replicas: i32, image: &str) -> StatefulSet {
    serde_json::from_value(json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "tugs" }, "spec": {
        "serviceName": "tugs", "replicas": replicas, "selector": { "matchLabels": { "app": "tug" } },
        "volumeClaimTemplates": [{ "metadata": { "name": "hold" }, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }],
        "template": { "metadata": { "labels": { "app": "tug" } }, "spec": { "containers": [{ "name": "tug", "image": image }] } } } }))
    .unwrap()
}

fn is_rolled_out(set: Option<&StatefulSet>, replicas: i32) -> bool {
    let Some(set) = set else { return false };
    let Some(status) = &set.status else { return false };
    status.observed_generation == set.metadata.generation
        && status.ready_replicas.unwrap_or(0) == replicas
        && status.replicas == replicas
        && status.current_revision == status.update_revision
}

#[tokio::test]
async fn simulated_stateful_sets_scale_and_roll() {
    let server = ApiServer::builder().stand_ins(true).garbage_collector(true).build();
    let sets: Api<StatefulSet> = Api::default_namespaced(server.client());
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(server.client());
    let slices: Api<k8s_openapi::api::discovery::v1::EndpointSlice> = Api::default_namespaced(server.client());
    let services: Api<k8s_openapi::api::core::v1::Service> = Api::default_namespaced(server.client());
    let service = json!({ "metadata": { "name": "tugs" }, "spec": { "clusterIP": "None", "selector": { "app": "tug" },
        "ports": [{ "name": "radio", "port": 16 }] } });
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    let apply = PatchParams::apply("harbour-master");
    sets.patch("tugs", &apply, &Patch::Apply(stateful_set(3, "tug:1"))).await.unwrap();
    until(&sets, "tugs", |set| is_rolled_out(set, 3)).await;
    let first = pods.get("tugs-0").await.unwrap();
    assert_eq!(first.spec.as_ref().unwrap().node_name.as_deref(), Some("simulated"));
    assert_eq!(first.spec.unwrap().subdomain.as_deref(), Some("tugs"));
    let slice = slices.list(&ListParams::default().labels("kubernetes.io/service-name=tugs")).await.unwrap();
    assert_eq!(slice.items.len(), 1);
    until(&slices, slice.items[0].metadata.name.as_ref().unwrap(), |slice| {
        slice.is_some_and(|slice| slice.endpoints.len() == 3)
    })
    .await;
    sets.patch("tugs", &apply, &Patch::Apply(stateful_set(2, "tug:2"))).await.unwrap();
    until(&sets, "tugs", |set| is_rolled_out(set, 2)).await;
    assert!(pods.get_opt("tugs-2").await.unwrap().is_none());
    let renewed = pods.get("tugs-0").await.unwrap();
    assert_eq!(renewed.spec.unwrap().containers[0].image.as_deref(), Some("tug:2"));
    assert_ne!(first.metadata.uid, renewed.metadata.uid);
    let claims: Api<k8s_openapi::api::core::v1::PersistentVolumeClaim> = Api::default_namespaced(server.client());
    assert_eq!(claims.list(&ListParams::default()).await.unwrap().items.len(), 3);
    sets.delete("tugs", &DeleteParams::foreground()).await.unwrap();
    until(&pods, "tugs-0", |pod| pod.is_none()).await;
    until(&pods, "tugs-1", |pod| pod.is_none()).await;
    until(&sets, "tugs", |set| set.is_none()).await;
}
