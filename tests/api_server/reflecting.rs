//! The watcher and the reflector of `kube`'s runtime against the embedded server.

use filbert_apiserver::ApiServer;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;

/// Nothing here takes anywhere near this long; it keeps a test that is wrong from waiting for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// The result of something that is sure to come.
pub fn soon<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    // Boxed, since futures of watches are large.
    let what = Box::pin(what);
    async { timeout(PATIENCE, what).await.expect("what is waited for comes") }
}

fn config_map(name: &str, fruit: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([("fruit".to_owned(), fruit.to_owned())].into()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

async fn plant(api: &Api<ConfigMap>, name: &str, fruit: &str) {
    api.create(&PostParams::default(), &config_map(name, fruit)).await.expect("created");
}

async fn relabel(api: &Api<ConfigMap>, name: &str, fruit: &str) {
    let patch = json!({ "metadata": { "labels": { "fruit": fruit } } });
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
}

async fn fell(api: &Api<ConfigMap>, name: &str) {
    api.delete(name, &DeleteParams::default()).await.expect("deleted");
}

/// Both ways in which a watcher gets what is there already.
fn configurations() -> [watcher::Config; 2] {
    [watcher::Config::default(), watcher::Config::default().streaming_lists()]
}

type Events = BoxStream<'static, watcher::Result<watcher::Event<ConfigMap>>>;

fn reflect(api: &Api<ConfigMap>, config: watcher::Config) -> (Store<ConfigMap>, Events) {
    let (store, writer) = reflector::store();
    (store, reflector::reflector(writer, watcher(api.clone(), config)).boxed())
}

/// `name=fruit` of everything in the store.
fn contents(store: &Store<ConfigMap>) -> Vec<String> {
    let mut contents: Vec<_> = store
        .state()
        .iter()
        .map(|it| {
            let labels = it.metadata.labels.as_ref();
            let fruit = labels.and_then(|labels| labels.get("fruit")).map_or("", String::as_str);
            format!("{}={fruit}", it.metadata.name.as_deref().unwrap_or_default())
        })
        .collect();
    contents.sort();
    contents
}

/// What the watcher says until it says so much; errors are told as their reason.
async fn next(events: &mut Events, count: usize) -> Vec<String> {
    let name = |it: &ConfigMap| it.metadata.name.clone().unwrap_or_default();
    let mut told = Vec::new();
    while told.len() < count {
        told.push(match soon(events.next()).await.expect("a watcher does not end") {
            Ok(watcher::Event::Init) => "init".to_owned(),
            Ok(watcher::Event::InitApply(it)) => format!("init {}", name(&it)),
            Ok(watcher::Event::InitDone) => "init done".to_owned(),
            Ok(watcher::Event::Apply(it)) => format!("apply {}", name(&it)),
            Ok(watcher::Event::Delete(it)) => format!("delete {}", name(&it)),
            Err(watcher::Error::WatchError(status)) => format!("{} {}", status.code, status.reason),
            Err(other) => panic!("{other}"),
        });
    }
    told
}

#[tokio::test]
async fn a_reflector_holds_what_is_there_and_follows_every_change() {
    for config in configurations() {
        let server = ApiServer::builder().build();
        let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
        let strategy = format!("{:?}", config.initial_list_strategy);
        plant(&api, "east", "apple").await;
        plant(&api, "west", "pear").await;
        let (store, mut events) = reflect(&api, config);
        assert_eq!(next(&mut events, 4).await, ["init", "init east", "init west", "init done"], "{strategy}");
        soon(store.wait_until_ready()).await.expect("the writer is there");
        assert_eq!(contents(&store), ["east=apple", "west=pear"], "{strategy}");
        plant(&api, "north", "plum").await;
        relabel(&api, "east", "quince").await;
        fell(&api, "west").await;
        assert_eq!(next(&mut events, 3).await, ["apply north", "apply east", "delete west"], "{strategy}");
        assert_eq!(contents(&store), ["east=quince", "north=plum"], "{strategy}");
        let east = store.get(&ObjectRef::new("east").within("default")).expect("it is kept by its key");
        assert_eq!(api.get("east").await.expect("found").metadata, east.metadata, "{strategy}");
    }
}

#[tokio::test]
async fn a_watcher_that_fell_behind_lists_anew_and_loses_nothing() {
    for config in configurations() {
        let strategy = format!("{:?}", config.initial_list_strategy);
        let server = ApiServer::builder().history(3).build();
        let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
        plant(&api, "east", "apple").await;
        plant(&api, "west", "pear").await;
        let (store, mut events) = reflect(&api, config);
        next(&mut events, 4).await;
        // The watch is open from here on, and nobody reads it while more happens than is remembered.
        plant(&api, "north", "plum").await;
        assert_eq!(next(&mut events, 1).await, ["apply north"], "{strategy}");
        fell(&api, "west").await;
        for fruit in ["quince", "medlar", "sorb", "fig"] {
            relabel(&api, "east", fruit).await;
        }
        let told = next(&mut events, 5).await;
        assert_eq!(told, ["410 Expired", "init", "init east", "init north", "init done"], "{strategy}");
        assert_eq!(contents(&store), ["east=fig", "north=plum"], "{strategy}: what went in between is gone");
        relabel(&api, "north", "damson").await;
        assert_eq!(next(&mut events, 1).await, ["apply north"], "{strategy}: and it goes on");
    }
}

#[tokio::test]
async fn a_list_in_pages_goes_on_or_begins_anew_when_its_revision_is_compacted_away() {
    let server = ApiServer::builder().build();
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    for index in 0..5 {
        plant(&api, &format!("row-{index}"), "apple").await;
    }
    let (store, mut events) = reflect(&api, watcher::Config::default().page_size(2));
    assert_eq!(next(&mut events, 3).await, ["init", "init row-0", "init row-1"]);
    fell(&api, "row-3").await;
    server.compact();
    let expired = soon(events.next()).await.expect("a watcher does not end").expect_err("the page is gone");
    assert!(
        matches!(&expired, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 410),
        "{expired}"
    );
    assert_eq!(
        next(&mut events, 6).await,
        ["init", "init row-0", "init row-1", "init row-2", "init row-4", "init done"]
    );
    assert_eq!(store.len(), 4);
}

#[tokio::test]
async fn a_watcher_with_a_selector_sees_objects_come_and_go_as_their_labels_change() {
    for config in configurations() {
        let server = ApiServer::builder().build();
        let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
        plant(&api, "east", "apple").await;
        plant(&api, "west", "pear").await;
        let (store, mut events) = reflect(&api, config.labels("fruit=apple"));
        assert_eq!(next(&mut events, 3).await, ["init", "init east", "init done"]);
        relabel(&api, "west", "apple").await;
        relabel(&api, "east", "pear").await;
        assert_eq!(next(&mut events, 2).await, ["apply west", "delete east"]);
        assert_eq!(contents(&store), ["west=apple"]);
    }
}

#[tokio::test]
async fn a_watcher_of_metadata_gets_metadata_alone() {
    let server = ApiServer::builder().build();
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    let objects: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(server.client(), "default");
    plant(&api, "east", "apple").await;
    for config in configurations() {
        let mut objects = watcher(objects.clone(), config).applied_objects().boxed();
        let east = soon(objects.try_next()).await.expect("no error").expect("a watcher does not end");
        assert_eq!(east.metadata, api.get("east").await.expect("found").metadata);
    }
}

#[tokio::test]
async fn a_watcher_of_one_object_says_when_it_is_not_there() {
    let server = ApiServer::builder().build();
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    let mut states = watcher::watch_object(api.clone(), "east").boxed();
    assert_eq!(soon(states.try_next()).await.expect("no error"), Some(None));
    plant(&api, "west", "pear").await;
    plant(&api, "east", "apple").await;
    let there = soon(states.try_next()).await.expect("no error").flatten().expect("it is there");
    assert_eq!(there.metadata.name.as_deref(), Some("east"));
    fell(&api, "east").await;
    assert_eq!(soon(states.try_next()).await.expect("no error"), Some(None));
}
