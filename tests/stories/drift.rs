//! Children that somebody changes or deletes: each is put right, whatever its kind.

use filbert_kube::cache::OWNED_BY;
use filbert_plan::object::{self, ObjectKey, TypeMeta};
use filbert_tests::story::{Deed, Story};
use filbert_tests::world::World;
use serde_json::{Value, json};

use crate::support::{center, cluster, greet, greeting, hazelcast, hello, management_center, settles};

/// What somebody might do to a child of this kind, as merge patches. A kind without a line here fails the story.
fn spoilt(child: &Value) -> Value {
    let first = |pointer: &str| {
        let fields = child.pointer(pointer).and_then(Value::as_object);
        fields.and_then(|fields| fields.keys().next().cloned()).expect("it holds something")
    };
    match object::text(child, "/kind").unwrap_or_default() {
        "ConfigMap" => json!({"data": {first("/data"): "spoilt"}}),
        // "spoilt" in base64.
        "Secret" => json!({"data": {first("/data"): "c3BvaWx0"}}),
        "Service" => json!({"spec": {"selector": {"app.kubernetes.io/name": "spoilt"}}}),
        // What an endpoint says cannot change.
        "ServiceAccount" | "HazelcastEndpoint" => json!({"metadata": {"labels": {"app.kubernetes.io/name": "spoilt"}}}),
        "Role" => json!({"rules": []}),
        "RoleBinding" => json!({"subjects": []}),
        // Not more of them: claims of pods that go stay.
        "StatefulSet" => json!({"spec": {"replicas": 0}}),
        kind => panic!("say what somebody might do to a {kind}"),
    }
}

/// The children of the object, as they are stored.
async fn children(story: &Story, owner: &ObjectKey) -> Vec<(ObjectKey, Value)> {
    let uid = object::uid(&story.world.get(owner).await).expect("a uid").to_owned();
    let mut children = Vec::new();
    let caches = &story.world.host.world().caches;
    for selection in caches.selections() {
        if selection.labels != OWNED_BY {
            continue;
        }
        for cached in caches.owned_by(&selection.resource, &uid).await.expect("a watch") {
            let (namespace, name) = (object::namespace(&cached.object), object::name(&cached.object));
            let key = ObjectKey {
                resource: selection.resource.clone(),
                namespace: namespace.map(str::to_owned),
                name: name.unwrap_or_default().to_owned(),
            };
            children.push((key, cached.object.clone()));
        }
    }
    children.sort_by(|a, b| a.0.cmp(&b.0));
    children
}

fn called(child: &Value) -> String {
    let kind = TypeMeta::of(child).expect("a kind").kind;
    format!("{kind} {}", object::name(child).unwrap_or_default())
}

/// Every child is changed in every way and deleted, one after the other; after each the cluster is as it was.
async fn is_put_right(file: &str, opening: &str, world: World, key: ObjectKey, wanted: Value, kinds: &[&str]) {
    let mut story = Story::begin(file, opening, world, key.clone()).await;
    story.prelude(Deed::Applies(&key, wanted)).await;
    let children = children(&story, &key).await;
    let names: Vec<_> = children.iter().map(|(_, child)| called(child)).collect();
    assert_eq!(names, kinds, "every child has its part in the story");
    let before = story.snapshot().clone();
    for (child, live) in &children {
        let name = called(live);
        let ways = [
            ("is changed", spoilt(live)),
            ("loses the label of its owner", json!({"metadata": {"labels": {OWNED_BY: null}}})),
            ("loses its owner reference", json!({"metadata": {"ownerReferences": []}})),
        ];
        for (way, patch) in ways {
            story.act(&format!("{name} {way}"), Deed::Patches(child, patch), settles).await;
            assert_eq!(before.differences(story.snapshot()), "", "{name} {way}, and is as it was");
        }
        story.act(&format!("{name} is deleted"), Deed::Deletes(child), settles).await;
        assert_eq!(before.differences(story.snapshot()), "", "{name} is deleted, and is there again");
    }
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_child_of_a_greeting_is_put_right() {
    let wanted = greet("spring", "Ann");
    let kinds = ["ConfigMap spring-greeting"];
    is_put_right("greeting-drift", "The child of a greeting", hello().await, greeting("spring"), wanted, &kinds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_child_of_a_cluster_is_put_right() {
    let exposure = json!({"memberAccess": "NodePortNodeName"});
    let wanted = cluster("library", json!({"clusterSize": 1, "exposeExternally": exposure, "agent": {}}));
    let kinds = [
        "ConfigMap library-init",
        "Secret library",
        "ServiceAccount library",
        "Service library",
        "Service library-0",
        "StatefulSet library",
        "HazelcastEndpoint library",
        "HazelcastEndpoint library-0",
        "HazelcastEndpoint library-wan",
        "RoleBinding library",
        "Role library",
    ];
    let world = World::start().await;
    is_put_right("cluster-drift", "The children of a cluster", world, hazelcast("library"), wanted, &kinds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_child_of_a_management_center_is_put_right() {
    let wanted = center("tower", json!({"hazelcastClusters": [{"name": "dev", "address": "library"}]}));
    let kinds = ["Secret tower", "Service tower", "StatefulSet tower"];
    let world = World::start().await;
    is_put_right(
        "center-drift",
        "The children of a Management Center",
        world,
        management_center("tower"),
        wanted,
        &kinds,
    )
    .await;
}
