//! Whole lives: made, changed, deleted.

use filbert_tests::story::{Deed, Story};
use filbert_tests::world::{Beginning, World};
use serde_json::json;

use crate::support::{
    center, cluster, config_map, greet, greeting, hazelcast, hello, holding, is_gone, management_center, secret,
    service, settles, stateful_set, waits,
};
use filbert_kube::cache::OWNED_BY;
use filbert_plan::object::ObjectKey;
use filbert_runtime::EffectKind;

async fn with_waiting_pods() -> World {
    World::begin(Beginning { pods_wait: true, ..Beginning::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greeting_is_made_changed_and_deleted() {
    let key = greeting("spring");
    let mut story =
        Story::begin("greeting", "A greeting is made, changed and deleted", hello().await, key.clone()).await;
    story.act("Somebody is to be greeted", Deed::Applies(&key, greet("spring", "Ann")), settles).await;
    story.act("Somebody else is to be greeted", Deed::Applies(&key, greet("spring", "Bob")), settles).await;
    story.act("Nobody is to be greeted any more", Deed::Deletes(&key), is_gone).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_created_scaled_paused_resumed_updated_and_deleted() {
    let key = hazelcast("library");
    let of = |size: u32, version: &str| {
        Deed::Applies(&key, cluster("library", json!({"clusterSize": size, "version": version})))
    };
    let world = with_waiting_pods().await;
    let mut story = Story::begin("cluster", "The life of a cluster", world, key.clone()).await;
    story.act("A person wants three members", of(3, "5.5.0"), waits).await;
    story.act("The pods become ready", Deed::LetsPodsStart, settles).await;
    story.world.hold_pods_back();
    story.act("A person wants five members", of(5, "5.5.0"), waits).await;
    story.act("The new pods become ready", Deed::LetsPodsStart, settles).await;
    story.act("A person wants two members", of(2, "5.5.0"), settles).await;
    story.act("A person pauses the cluster", of(0, "5.5.0"), settles).await;
    story.act("A person resumes it", of(2, "5.5.0"), settles).await;
    story.act("A person wants another version", of(2, "5.6.0"), settles).await;
    story.act("A person deletes the cluster", Deed::Deletes(&key), is_gone).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_are_exposed_have_a_service_each_and_data_stays_when_they_go() {
    let key = hazelcast("harbour");
    let of = |size: u32| {
        let claim = json!({"accessModes": ["ReadWriteOnce"], "requestStorage": "8Gi"});
        let data = json!({"pvc": claim});
        let spec = json!({"clusterSize": size, "exposeExternally": {}, "licenseKeySecretName": "licence", "persistence": data});
        Deed::Applies(&key, cluster("harbour", spec))
    };
    let world = World::start().await;
    world.apply(&secret("licence"), &holding("license-key", "xyz")).await;
    let mut story = Story::begin("exposed", "Members with an address and data of their own", world, key.clone()).await;
    story.act("A person wants two members that clients outside reach", of(2), settles).await;
    story.act("A person wants one member: its Service goes, its data stays", of(1), settles).await;
    story.act("A person deletes the cluster: the data stays", Deed::Deletes(&key), is_gone).await;
    story.end();
}

/// What a mode needed and the next one does not need goes: Services, labels, rights.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_reached_in_one_way_after_the_other() {
    let key = hazelcast("quay");
    let of = |mut fields: serde_json::Value| {
        fields["clusterSize"] = 1.into();
        Deed::Applies(&key, cluster("quay", fields))
    };
    let wan = json!([{"name": "north", "port": 5720, "portCount": 2}, {"name": "south", "port": 5730, "serviceType": "ClusterIP"}]);
    let mut story = Story::begin("exposure", "Ways to reach a cluster", World::start().await, key.clone()).await;
    story.prelude(of(json!({}))).await;
    let ports = json!({"exposeExternally": {"discoveryServiceType": "NodePort"}, "advancedNetwork": {"wan": wan}});
    story.act("By ports of nodes, and other clusters by load balancers", of(ports), settles).await;
    let balancers = json!({"exposeExternally": {"memberAccess": "LoadBalancer"}, "advancedNetwork": {"wan": [wan[1]]}});
    story.act("By load balancers; other clusters from inside only", of(balancers), settles).await;
    story.act("All at one address", of(json!({"exposeExternally": {"type": "Unisocket"}})), settles).await;
    story.act("Not at all from outside", of(json!({})), settles).await;
    story.end();
}

/// Nobody runs a cluster again when what it refers to comes, changes or goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configuration_that_people_write_is_taken_up_when_it_comes_and_when_it_changes() {
    let (key, map) = (hazelcast("workshop"), config_map("mine"));
    let of = |wins: bool, text: &str| {
        let annotations = if wins { json!({"hazelcast.com/custom-config-overwrite": "true"}) } else { json!({}) };
        let metadata = json!({"name": "mine", "namespace": "default", "annotations": annotations});
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"hazelcast": text}});
        Deed::Applies(&map, object)
    };
    let opening = "Configuration that people write themselves";
    let mut story = Story::begin("custom-configuration", opening, World::start().await, key.clone()).await;
    let wanted = cluster("workshop", json!({"clusterSize": 1, "customConfigCmName": "mine"}));
    story.act("A person names a ConfigMap that is not there", Deed::Applies(&key, wanted), waits).await;
    let text = "jet: {enabled: false}\nmetrics: {enabled: true, collection-frequency-seconds: 30}\n";
    story.act("It comes", of(false, text), settles).await;
    story.act("It is to win over the specification", of(true, text), settles).await;
    story.act("It is no configuration any more", of(true, "- what"), waits).await;
    story.act("It goes; members keep what they have", Deed::Deletes(&map), waits).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_management_center_is_created_changed_and_deleted() {
    let key = management_center("tower");
    let of = |address: &str| {
        let clusters = json!([{"name": "dev", "address": address}]);
        Deed::Applies(&key, center("tower", json!({"hazelcastClusters": clusters, "persistence": {"size": "1Gi"}})))
    };
    let world = with_waiting_pods().await;
    let mut story = Story::begin("management-center", "The life of a Management Center", world, key.clone()).await;
    story.act("A person wants a Management Center", of("library"), waits).await;
    story.act("Its pod becomes ready", Deed::LetsPodsStart, settles).await;
    story.act("The cluster is to be found elsewhere", of("archive"), settles).await;
    let entrance = json!({"type": "ClusterIP", "ingress": {"hostname": "tower.example", "path": "/mc"}});
    let with_entrance = center("tower", json!({"externalConnectivity": entrance, "persistence": {"size": "1Gi"}}));
    story.act("People come in by an Ingress", Deed::Applies(&key, with_entrance), settles).await;
    story.act("They come in by a load balancer again", of("archive"), settles).await;
    story.act("A person deletes it", Deed::Deletes(&key), is_gone).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_starts_anew_changes_nothing() {
    let mut world = World::start().await;
    world.apply(&hazelcast("library"), &cluster("library", json!({"clusterSize": 2}))).await;
    world.settled(&hazelcast("library")).await;
    let before = world.get(&stateful_set("library")).await["metadata"]["resourceVersion"].clone();
    let mut world = world.restart().await;
    let record = world.settled(&hazelcast("library")).await;
    let changed: Vec<_> =
        record.steps.iter().flat_map(|step| &step.effects).filter(|it| it.kind != EffectKind::Unchanged).collect();
    assert_eq!(changed, Vec::<&filbert_runtime::Effect>::new());
    assert_eq!(world.get(&stateful_set("library")).await["metadata"]["resourceVersion"], before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pruned_child_stops_waking_its_owner() {
    let mut world = World::start().await;
    let key = hazelcast("library");
    for size in [2, 1] {
        world.apply(&key, &cluster("library", json!({"clusterSize": size, "exposeExternally": {}}))).await;
        world.settled(&key).await;
    }
    assert_eq!(world.find(&service("library-1")).await, None);
    world.idle().await;
    world.drain();
    // Where the watch on what the operator owns sees it.
    let labels = json!({"labels": {OWNED_BY: "somebody-else"}});
    let other = json!({"apiVersion": "v1", "kind": "Service", "metadata": labels, "spec": {"ports": [{"port": 80}]}});
    world.apply(&service("library-1"), &other).await;
    world.idle().await;
    assert_eq!(world.drain().iter().map(|record| &record.key).collect::<Vec<_>>(), Vec::<&ObjectKey>::new());
}
