//! What goes wrong without anybody's module being at fault.

use filbert_tests::story::{Deed, Story};
use filbert_tests::world::World;
use serde_json::json;

use crate::support::{
    cluster, config_map, fails_with, greet, greeting, hazelcast, hello, is_invalid, service, settles,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_object_in_the_way_is_reported_and_left_alone() {
    let (key, foreign) = (greeting("spring"), config_map("spring-greeting"));
    let world = hello().await;
    let before =
        world.apply(&foreign, &json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"message": "mine"}})).await;
    let mut story =
        Story::begin("foreign-object", "A ConfigMap of somebody else is in the way", world, key.clone()).await;
    let fails = fails_with("ForeignObject");
    story.act("Somebody is to be greeted", Deed::Applies(&key, greet("spring", "Ann")), fails).await;
    assert_eq!(story.world.get(&foreign).await, before);
    story.act("Its owner removes it, and the step goes on by itself", Deed::Deletes(&foreign), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_service_keeps_a_cluster_from_starting_and_stays_as_it_is() {
    let (key, foreign) = (hazelcast("library"), service("library"));
    let world = World::start().await;
    let spec = json!({"ports": [{"port": 80}], "selector": {"app": "shop"}});
    let before = world.apply(&foreign, &json!({"apiVersion": "v1", "kind": "Service", "spec": spec})).await;
    let mut story =
        Story::begin("foreign-service", "A Service of somebody else has the name of a cluster", world, key.clone())
            .await;
    let (fails, wanted) = (fails_with("ForeignObject"), cluster("library", json!({"clusterSize": 1})));
    story.act("A person wants a cluster of this name", Deed::Applies(&key, wanted), fails).await;
    assert_eq!(story.world.get(&foreign).await, before);
    story.act("The owner of the Service removes it", Deed::Deletes(&foreign), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_edit_is_reported_and_what_runs_is_left_as_it_is() {
    let key = greeting("spring");
    let mut story =
        Story::begin("invalid-edit", "An edit that admission would have refused", hello().await, key.clone()).await;
    story.act("Somebody is to be greeted", Deed::Applies(&key, greet("spring", "Ann")), settles).await;
    let before = story.world.get(&config_map("spring-greeting")).await;
    story.act("Nobody in particular is to be greeted", Deed::Applies(&key, greet("spring", "")), is_invalid).await;
    assert_eq!(story.world.get(&config_map("spring-greeting")).await, before);
    story.act("Somebody is to be greeted again", Deed::Applies(&key, greet("spring", "Bob")), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_edit_of_a_cluster_leaves_its_members_running() {
    let key = hazelcast("library");
    let mut story = Story::begin(
        "invalid-cluster",
        "An edit of a running cluster that admission would have refused",
        World::start().await,
        key.clone(),
    )
    .await;
    story.prelude(Deed::Applies(&key, cluster("library", json!({"clusterSize": 2})))).await;
    let children = |story: &Story| {
        let mut objects = story.snapshot().objects.clone();
        objects.remove("Hazelcast default/library");
        objects
    };
    let before = children(&story);
    let wrong = json!({"clusterSize": 5, "jet": {"instance": {"losslessRestartEnabled": true}}});
    story
        .act("A person asks for what does not go together", Deed::Applies(&key, cluster("library", wrong)), is_invalid)
        .await;
    assert_eq!(children(&story), before);
    story
        .act("The person takes it back", Deed::Applies(&key, cluster("library", json!({"clusterSize": 5}))), settles)
        .await;
    story.end();
}
