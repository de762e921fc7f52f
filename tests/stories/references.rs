//! Resources that name what is not there, or not yet.

use filbert_tests::story::{Deed, Story};
use filbert_tests::world::World;
use serde_json::json;

use crate::support::{
    center, cluster, config_map, hazelcast, holding, management_center, secret, settles, stateful_set, waits,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_waits_for_what_it_names_and_goes_on_when_it_is_there() {
    let key = hazelcast("library");
    let (licence, more) = (secret("licence"), config_map("more"));
    let title = "A cluster that names what is not there yet";
    let mut story = Story::begin("references", title, World::start().await, key.clone()).await;
    let spec = json!({"clusterSize": 1, "licenseKeySecretName": "licence", "customConfigCmName": "more"});
    story.act("A person wants a cluster", Deed::Applies(&key, cluster("library", spec)), waits).await;
    assert_eq!(story.world.find(&stateful_set("library")).await, None);
    story.act("Somebody makes the Secret", Deed::Applies(&licence, holding("license-key", "xyz")), waits).await;
    let list = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"hazelcast": "- map\n"}});
    story.act("Somebody makes the ConfigMap, with a list in it", Deed::Applies(&more, list), waits).await;
    let mapping = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"hazelcast": "map:\n  default: {}\n"}});
    story.act("Somebody puts a mapping into it", Deed::Applies(&more, mapping), settles).await;
    let before = story.world.get(&stateful_set("library")).await;
    story.act("The Secret goes, and what runs stays as it is", Deed::Deletes(&licence), settles).await;
    assert_eq!(story.world.get(&stateful_set("library")).await, before);
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_management_center_is_told_what_is_missing_and_that_a_route_is_not_for_this_platform() {
    let key = management_center("tower");
    let title = "A Management Center that names what is not there";
    let mut story = Story::begin("center-references", title, World::start().await, key.clone()).await;
    let clusters = json!([{"name": "dev", "address": "library", "security": {"clientSecretName": "login"}}]);
    let route = json!({"type": "ClusterIP", "route": {"hostname": "tower.example"}});
    let spec = json!({"hazelcastClusters": clusters, "externalConnectivity": route});
    story.act("A person wants a Management Center", Deed::Applies(&key, center("tower", spec)), waits).await;
    story.act("Somebody makes the Secret", Deed::Applies(&secret("login"), holding("username", "ann")), waits).await;
    let spec = json!({"hazelcastClusters": clusters, "externalConnectivity": {"type": "ClusterIP"}});
    story.act("The person gives up the Route", Deed::Applies(&key, center("tower", spec)), settles).await;
    story.end();
}
