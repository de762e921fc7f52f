//! `kube`'s `Controller`, its finalizer helper, its recorder of events and its waits against the embedded server.

use crate::reflecting::soon;
use filbert_apiserver::ApiServer;
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Event as CoreEvent, Pod};
use k8s_openapi::api::events::v1::Event as EventsEvent;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::finalizer::{self, finalizer};
use kube::runtime::wait::{Condition, await_condition, conditions};
use kube::runtime::{Controller, watcher};
use kube::{Client, Resource, ResourceExt};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

const FINALIZER: &str = "orchard.example/empty-basket";

fn basket_type() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("orchard.example", "v1", "Basket"))
}

/// A server that knows baskets.
async fn orchard() -> ApiServer {
    let server = ApiServer::builder().garbage_collector(true).stand_ins(true).build();
    let definitions: Api<CustomResourceDefinition> = Api::all(server.client());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "baskets.orchard.example" },
        "spec": {
            "group": "orchard.example", "scope": "Namespaced",
            "names": { "plural": "baskets", "singular": "basket", "kind": "Basket", "listKind": "BasketList" },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "properties": { "fruit": { "type": "string" } } },
                    "status": { "type": "object", "properties": { "filled": { "type": "string" } } } } } },
            }],
        },
    });
    let definition: CustomResourceDefinition = serde_json::from_value(definition).expect("a definition");
    definitions.create(&PostParams::default(), &definition).await.expect("created");
    let established = await_condition(definitions, "baskets.orchard.example", conditions::is_crd_established());
    soon(established).await.expect("watched");
    server
}

fn baskets(client: Client) -> Api<DynamicObject> {
    Api::namespaced_with(client, "default", &basket_type())
}

fn basket(name: &str, fruit: &str) -> DynamicObject {
    DynamicObject::new(name, &basket_type()).data(json!({ "spec": { "fruit": fruit } }))
}

struct Shared {
    client: Client,
    /// What was done, in order.
    done: mpsc::UnboundedSender<String>,
}

/// Keeps one `ConfigMap` in step with its basket, and writes the basket's status.
async fn fill(basket: Arc<DynamicObject>, shared: Arc<Shared>) -> Result<Action, kube::Error> {
    let fruit = basket.data.pointer("/spec/fruit").cloned().unwrap_or_default();
    let owner = basket.controller_owner_ref(&basket_type()).expect("a stored object has a uid");
    let child = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": basket.name_any(), "ownerReferences": [owner] },
        "data": { "fruit": fruit },
    });
    let children: Api<ConfigMap> = Api::namespaced(shared.client.clone(), "default");
    let params = PatchParams::apply("gardener").force();
    children.patch(&basket.name_any(), &params, &Patch::Apply(child)).await?;
    let status = json!({ "status": { "filled": fruit } });
    baskets(shared.client.clone())
        .patch_status(&basket.name_any(), &PatchParams::default(), &Patch::Merge(status))
        .await?;
    shared.done.send(format!("filled {} with {}", basket.name_any(), fruit.as_str().unwrap_or_default())).ok();
    Ok(Action::await_change())
}

async fn reconcile(basket: Arc<DynamicObject>, shared: Arc<Shared>) -> Result<Action, finalizer::Error<kube::Error>> {
    let api = baskets(shared.client.clone());
    finalizer(&api, FINALIZER, basket, |event| async {
        match event {
            finalizer::Event::Apply(basket) => fill(basket, shared).await,
            finalizer::Event::Cleanup(basket) => {
                shared.done.send(format!("emptied {}", basket.name_any())).ok();
                Ok(Action::await_change())
            }
        }
    })
    .await
}

/// Waits until something that was done is this; what is done twice does no harm.
async fn until(done: &mut mpsc::UnboundedReceiver<String>, wanted: &str) {
    let found = async {
        while let Some(it) = done.recv().await {
            if it == wanted {
                return;
            }
        }
        panic!("the controller ended");
    };
    soon(found).await;
}

async fn holds<K>(api: &Api<K>, name: &str, is_it: impl Fn(&K) -> bool)
where
    K: Clone + std::fmt::Debug + Send + DeserializeOwned + Resource + 'static,
{
    let condition = move |object: Option<&K>| object.is_some_and(&is_it);
    soon(await_condition(api.clone(), name, condition)).await.expect("watched");
}

#[tokio::test]
async fn a_controller_keeps_its_children_and_lets_go_of_what_is_deleted() {
    let server = orchard().await;
    let (client, api) = (server.client(), baskets(server.client()));
    let children: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    let (sender, mut done) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let shared = Arc::new(Shared { client, done: sender });
    let controller = Controller::new_with(api.clone(), watcher::Config::default(), basket_type())
        .owns(children.clone(), watcher::Config::default())
        .graceful_shutdown_on(async { stopped.await.expect("the test says when") })
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(10)), shared)
        .for_each(|_| async {});
    let controller = tokio::spawn(controller);

    api.create(&PostParams::default(), &basket("blue", "plums")).await.expect("created");
    until(&mut done, "filled blue with plums").await;
    let blue = api.get("blue").await.expect("found");
    assert_eq!(blue.finalizers(), [FINALIZER]);
    assert_eq!(blue.data["status"], json!({ "filled": "plums" }));

    // A change of the owner, a change of the child, and its loss: all come back to the owner.
    let change = json!({ "spec": { "fruit": "damsons" } });
    api.patch("blue", &PatchParams::default(), &Patch::Merge(change)).await.expect("patched");
    until(&mut done, "filled blue with damsons").await;
    let spoiled = json!({ "data": { "fruit": "wasps" } });
    let first = children.patch("blue", &PatchParams::default(), &Patch::Merge(spoiled)).await.expect("patched");
    let is_right = |it: &ConfigMap| it.data.as_ref().is_some_and(|data| data["fruit"] == "damsons");
    holds(&children, "blue", is_right).await;
    children.delete("blue", &DeleteParams::default()).await.expect("deleted");
    holds(&children, "blue", move |it: &ConfigMap| it.uid() != first.uid() && is_right(it)).await;

    // The finalizer holds the basket until it was emptied; then it goes, and its child after it.
    let child = children.get("blue").await.expect("found").uid().expect("a stored object has a uid");
    api.delete("blue", &DeleteParams::default()).await.expect("marked");
    until(&mut done, "emptied blue").await;
    let uid = blue.uid().expect("a stored object has a uid");
    let is_deleted = conditions::is_deleted::<DynamicObject>(&uid);
    let mut states = watcher::watch_object(api.clone(), "blue").boxed();
    let deleted = async {
        while let Some(state) = states.next().await {
            if state.is_ok_and(|state| is_deleted.matches_object(state.as_ref())) {
                return;
            }
        }
    };
    soon(deleted).await;
    soon(await_condition(children.clone(), "blue", conditions::is_deleted(&child))).await.expect("watched");

    stop.send(()).expect("the controller runs");
    soon(controller).await.expect("it ends by itself");
    assert_eq!(api.list(&ListParams::default()).await.expect("listed").items.len(), 0);
}

#[tokio::test]
async fn finalizers_are_added_beside_those_of_others_and_one_alone_is_taken_away() {
    let server = orchard().await;
    let api = baskets(server.client());
    let mut made = basket("green", "pears");
    made.metadata.finalizers = Some(vec!["other.example/keep".to_owned()]);
    api.create(&PostParams::default(), &made).await.expect("created");
    let run = |basket: DynamicObject| {
        let api = api.clone();
        async move {
            let nothing = |_| async { Ok::<_, kube::Error>(Action::await_change()) };
            finalizer(&api, FINALIZER, Arc::new(basket), nothing).await
        }
    };
    let stale = api.get("green").await.expect("found");
    run(stale.clone()).await.expect("added");
    let both = api.get("green").await.expect("found");
    assert_eq!(both.finalizers(), ["other.example/keep", FINALIZER]);
    // A stale object is noticed by the patch's own tests and nothing is added twice.
    let refused = run(stale).await.expect_err("it has changed");
    assert!(
        matches!(&refused, finalizer::Error::AddFinalizer(kube::Error::Api(status)) if status.code == 422),
        "{refused:?}"
    );
    api.delete("green", &DeleteParams::default()).await.expect("marked");
    run(api.get("green").await.expect("it is held")).await.expect("taken away");
    assert_eq!(api.get("green").await.expect("it is held by the other").finalizers(), ["other.example/keep"]);
}

#[tokio::test]
async fn recorded_events_are_seen_in_both_groups_and_counted() {
    let server = orchard().await;
    let regarding = baskets(server.client())
        .create(&PostParams::default(), &basket("red", "cherries"))
        .await
        .expect("created")
        .object_ref(&basket_type());
    let reporter = Reporter { controller: "gardener".to_owned(), instance: Some("gardener-0".to_owned()) };
    let recorder = Recorder::new(server.client(), reporter);
    let event = Event {
        type_: EventType::Warning,
        reason: "Birds".to_owned(),
        note: Some("starlings are in the cherries".to_owned()),
        action: "Harvest".to_owned(),
        secondary: None,
    };
    for _ in 0..3 {
        recorder.publish(&event, &regarding).await.expect("published");
    }
    let events: Api<EventsEvent> = Api::namespaced(server.client(), "default");
    let found = events.list(&ListParams::default().fields("regarding.name=red")).await.expect("listed").items;
    assert_eq!(found.len(), 1, "the same event is one");
    assert_eq!(found[0].series.as_ref().map(|series| series.count), Some(3));
    let core: Api<CoreEvent> = Api::namespaced(server.client(), "default");
    let selector = format!(
        "involvedObject.name=red,involvedObject.uid={},involvedObject.kind=Basket",
        regarding.uid.expect("a stored object has a uid")
    );
    let found = core.list(&ListParams::default().fields(&selector)).await.expect("listed").items;
    let [event] = found.as_slice() else { panic!("one event: {found:?}") };
    assert_eq!(event.message.as_deref(), Some("starlings are in the cherries"));
    assert_eq!(event.reporting_component.as_deref(), Some("gardener"));
    assert_eq!(event.reporting_instance.as_deref(), Some("gardener-0"));
    assert_eq!(event.involved_object.kind.as_deref(), Some("Basket"));
    assert_eq!((event.type_.as_deref(), event.action.as_deref()), (Some("Warning"), Some("Harvest")));
}

fn typed<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).expect("the object is of the kind")
}

#[tokio::test]
async fn what_the_simulated_controllers_do_satisfies_kubes_conditions() {
    let server = orchard().await;
    let client = server.client();
    let pod = json!({ "containers": [{ "name": "press", "image": "press" }] });
    let template = json!({ "metadata": { "labels": { "app": "press" } }, "spec": pod });
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let deployment = typed(json!({ "metadata": { "name": "press" },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "press" } }, "template": template } }));
    deployments.create(&PostParams::default(), &deployment).await.expect("created");
    soon(await_condition(deployments, "press", conditions::is_deployment_completed())).await.expect("watched");
    let jobs: Api<Job> = Api::namespaced(client.clone(), "default");
    let mut once = pod.clone();
    once["restartPolicy"] = "Never".into();
    let job = typed(json!({ "metadata": { "name": "press" }, "spec": { "template": { "spec": once } } }));
    jobs.create(&PostParams::default(), &job).await.expect("created");
    soon(await_condition(jobs, "press", conditions::is_job_completed())).await.expect("watched");
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let pod = typed(json!({ "metadata": { "name": "press" }, "spec": pod }));
    pods.create(&PostParams::default(), &pod).await.expect("created");
    soon(await_condition(pods.clone(), "press", conditions::is_pod_running())).await.expect("watched");
    let uid = pods.get("press").await.expect("found").uid().expect("a stored object has a uid");
    pods.delete("press", &DeleteParams::default()).await.expect("deleted");
    soon(await_condition(pods, "press", conditions::is_deleted(&uid))).await.expect("watched");
}
