//! Installations of an earlier operator are taken over: what it left is recognised, its fields become ours, no pod is
//! restarted unasked, and the end of a resource takes along what lies outside of its namespace.

use std::collections::BTreeMap;
use std::path::PathBuf;

use filbert_kube::cache::OWNED_BY;
use filbert_plan::managed::{self, Operation};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_runtime::{EffectKind, PassOutcome, PassRecord};
use filbert_tests::installation::{self, Installation, PREDECESSOR};
use filbert_tests::world::World;
use serde_json::{Value, json};

use crate::support::waits;

const GROUP: &str = "hazelcast.com/";
/// An object of these kinds is never taken over: no step of ours says anything about it.
const NOT_OURS: [&str; 2] = ["hazelcast-agent-cert", "hazelcast-license-key"];

/// The recorded installation of this name; nothing where there are no conformance data.
fn recorded(name: &str) -> Option<PathBuf> {
    installation::recorded().into_iter().find(|folder| folder.ends_with(name))
}

/// A server with the objects, which nobody looks after.
async fn left_behind(objects: &[Value]) -> (World, Installation) {
    let world = World::start().await;
    world.idle().await;
    world.stop();
    let installation = installation::load(&world.api, objects, GROUP).await;
    (world, installation)
}

async fn pods(world: &World, namespace: &str) -> BTreeMap<String, String> {
    let pods = world.api.list(&ResourceType::new("", "v1", "pods"), Some(namespace)).await.expect("a list");
    let text = |pod: &Value, pointer| object::text(pod, pointer).unwrap_or_default().to_owned();
    pods.iter().map(|pod| (text(pod, "/metadata/name"), text(pod, "/metadata/uid"))).collect()
}

/// Kinds and names of what the pass did.
fn effects(record: &PassRecord, kind: EffectKind) -> Vec<String> {
    let effects = record.steps.iter().flat_map(|step| &step.effects).filter(|effect| effect.kind == kind);
    effects.map(|effect| effect.title.clone()).collect()
}

fn has_predecessor(object: &Value, subresource: &str) -> bool {
    managed::managers(object)
        .any(|it| it.name == PREDECESSOR && it.operation == Operation::Update && it.subresource == subresource)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_is_taken_over_without_restarting_a_pod() {
    for folder in installation::recorded() {
        let (world, installation) = left_behind(&installation::read(&folder)).await;
        let (key, set) = (&installation.owner.key, installation.of_kind("StatefulSet").key.clone());
        let namespace = key.namespace.clone().expect("a namespace");
        world.until(&set, |set| set.is_some_and(|set| set["status"]["readyReplicas"] == set["spec"]["replicas"])).await;
        let (before, pods_before) = (world.get(&set).await, pods(&world, &namespace).await);
        assert!(!pods_before.is_empty(), "{}: somebody runs", folder.display());
        let mut world = world.restart().await;
        let record = world.settled(key).await;

        let after = world.get(&set).await;
        assert_eq!(after["spec"], before["spec"], "{}", folder.display());
        assert_eq!(object::generation(&after), object::generation(&before));
        assert_eq!(object::uid(&after), object::uid(&before));
        assert_eq!(pods(&world, &namespace).await, pods_before);
        let conditions = world.get(key).await["status"]["conditions"].clone();
        assert!(!conditions.to_string().contains("AdoptionConsented"), "there is nothing to ask: {conditions}");
        assert_eq!(record.contests, []);

        let uid = object::uid(&installation.owner.object).expect("a uid");
        let cluster_scoped = |key: &ObjectKey| key.namespace.is_none();
        for left in &installation.others {
            if NOT_OURS.contains(&left.key.name.as_str()) || cluster_scoped(&left.key) {
                continue;
            }
            let now = world.get(&left.key).await;
            assert_eq!(object::uid(&now), object::uid(&left.object), "{} is the same", left.key);
            assert_eq!(now["metadata"]["labels"][OWNED_BY], uid, "{} is ours", left.key);
            assert!(!has_predecessor(&now, ""), "{}: {}", left.key, now["metadata"]["managedFields"]);
            assert_eq!(now["metadata"]["ownerReferences"], left.object["metadata"]["ownerReferences"]);
        }
        let owner = world.get(key).await;
        assert!(!has_predecessor(&owner, "status"), "{}", owner["metadata"]["managedFields"]);
        assert_eq!(owner["spec"], installation.owner.object["spec"]);
        assert_eq!(owner["metadata"]["annotations"], installation.owner.object["metadata"]["annotations"]);

        // All is as it should be now, also for an operator that starts anew.
        let revision = world.server.revision();
        let mut world = world.restart().await;
        let record = world.settled(key).await;
        assert_eq!(effects(&record, EffectKind::Adopted), [] as [&str; 0]);
        assert_eq!(effects(&record, EffectKind::Changed), [] as [&str; 0]);
        assert_eq!(world.server.revision(), revision, "nothing was written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_no_step_says_go_with_the_operator_that_wrote_them_and_those_of_people_stay() {
    let Some(folder) = recorded("default-enterprise") else { return };
    let (world, installation) = left_behind(&installation::read(&folder)).await;
    let (secret, service) = (&installation.of_kind("ServiceAccount").key, &installation.of_kind("Service").key);
    let secret = ObjectKey { resource: ResourceType::new("", "v1", "secrets"), ..secret.clone() };
    assert!(world.get(&secret).await["data"]["hazelcast.jks"].is_string());
    for (manager, annotation) in [(PREDECESSOR, "theirs"), ("kubectl-annotate", "ours")] {
        let patch = json!({"metadata": {"annotations": {annotation: "1"}}});
        installation::patch(&world.api, service, &patch, manager).await;
    }
    let mut world = world.restart().await;
    world.settled(&installation.owner.key).await;
    let data = world.get(&secret).await["data"].clone();
    assert_eq!(data.as_object().expect("data").keys().collect::<Vec<_>>(), ["hazelcast.yaml"]);
    let annotations = world.get(service).await["metadata"]["annotations"].clone();
    assert_eq!((&annotations["ours"], &annotations["theirs"]), (&json!("1"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_resource_takes_along_what_an_earlier_operator_left() {
    for folder in installation::recorded() {
        let (world, installation) = left_behind(&installation::read(&folder)).await;
        let key = &installation.owner.key;
        let mut world = world.restart().await;
        world.settled(key).await;
        world.api.delete(key, None).await.expect("deleted");
        world.until(key, |owner| owner.is_none()).await;
        world.idle().await;
        for left in &installation.others {
            let stays = NOT_OURS.contains(&left.key.name.as_str());
            assert_eq!(world.find(&left.key).await.is_some(), stays, "{}", left.key);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_looks_like_it_but_belongs_to_another_resource_is_left_alone() {
    let Some(folder) = recorded("default-enterprise") else { return };
    let mut objects = installation::read(&folder);
    for object in &mut objects {
        if object["kind"] == "ClusterRole" {
            object["metadata"]["labels"]["app.kubernetes.io/instance"] = "another".into();
        }
    }
    let (world, installation) = left_behind(&objects).await;
    let (key, role) = (installation.owner.key.clone(), installation.of_kind("ClusterRole").key.clone());
    let mut world = world.restart().await;
    world.settled(&key).await;
    world.api.delete(&key, None).await.expect("deleted");
    let fails = |record: &PassRecord| matches!(&record.outcome, PassOutcome::Failed { reason, .. } if reason == "ForeignObject");
    let record = world.pass_where(&key, fails).await;
    assert!(record.outcome.summary().contains(&role.name), "it is named: {}", record.outcome.summary());
    assert!(world.find(&role).await.is_some());
}

/// The recorded cluster, whose members run another image than the specification says.
fn with_another_image(folder: PathBuf) -> Vec<Value> {
    let mut objects = installation::read(&folder);
    for object in &mut objects {
        if object["kind"] == "StatefulSet" {
            object["spec"]["template"]["spec"]["containers"][0]["image"] =
                "docker.io/hazelcast/hazelcast-enterprise:5.3.8".into();
        }
    }
    objects
}

fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_would_restart_wait_for_consent_while_everything_else_goes_on() {
    let Some(folder) = recorded("default-enterprise") else { return };
    let (world, installation) = left_behind(&with_another_image(folder)).await;
    let (key, set) = (&installation.owner.key, &installation.of_kind("StatefulSet").key);
    let namespace = key.namespace.clone().expect("a namespace");
    world.until(set, |set| set.is_some_and(|set| set["status"]["readyReplicas"] == 3)).await;
    let (before, pods_before) = (world.get(set).await, pods(&world, &namespace).await);
    let mut world = world.restart().await;
    world.pass_where(key, |record| waits(&record.outcome)).await;
    world.idle().await;
    let owner = world.get(key).await;
    let asked = condition(&owner, "AdoptionConsented");
    assert_eq!((&asked["status"], &asked["reason"]), (&json!("False"), &json!("PodsWouldRestart")));
    let message = asked["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("containers[hazelcast].image would change"), "{message}");
    assert!(message.contains("hazelcast.com/adoption-consent=restart"), "{message}");
    assert_eq!(condition(&owner, "Ready")["reason"], "PodsWouldRestart");
    assert_eq!(world.get(set).await["spec"], before["spec"]);
    assert_eq!(pods(&world, &namespace).await, pods_before);

    // Another size needs no other pods.
    installation::patch(&world.api, key, &json!({"spec": {"clusterSize": 4}}), "kubectl-edit").await;
    world.until(set, |set| set.is_some_and(|set| set["status"]["readyReplicas"] == 4)).await;
    world.idle().await;
    let grown = world.get(set).await;
    assert_eq!(grown["spec"]["template"], before["spec"]["template"]);
    let pods_grown = pods(&world, &namespace).await;
    assert!(pods_before.iter().all(|(name, uid)| pods_grown.get(name) == Some(uid)));
    // An operator that starts anew still knows.
    let mut world = world.restart().await;
    world.pass_where(key, |record| waits(&record.outcome)).await;
    world.idle().await;
    assert_eq!(world.get(set).await["spec"], grown["spec"]);

    let consent = json!({"metadata": {"annotations": {"hazelcast.com/adoption-consent": "restart"}}});
    world.drain();
    installation::patch(&world.api, key, &consent, "kubectl-annotate").await;
    world.until(set, |set| set.is_some_and(|set| set["spec"]["template"] != before["spec"]["template"])).await;
    world.settled(key).await;
    let image = "docker.io/hazelcast/hazelcast-enterprise:5.5.0-SNAPSHOT";
    assert_eq!(world.get(set).await["spec"]["template"]["spec"]["containers"][0]["image"], image);
    let pods_after = pods(&world, &namespace).await;
    assert!(pods_grown.iter().all(|(name, uid)| pods_after.get(name) != Some(uid)), "each is a new one");
    assert_eq!(condition(&world.get(key).await, "AdoptionConsented")["status"], "True");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_specification_is_wanted_and_brings_new_pods_without_another_question() {
    let Some(folder) = recorded("default-enterprise") else { return };
    let (world, installation) = left_behind(&with_another_image(folder)).await;
    let (key, set) = (&installation.owner.key, &installation.of_kind("StatefulSet").key);
    let mut world = world.restart().await;
    world.pass_where(key, |record| waits(&record.outcome)).await;
    world.idle().await;
    world.drain();
    installation::patch(&world.api, key, &json!({"spec": {"version": "5.5.1"}}), "kubectl-edit").await;
    world.settled(key).await;
    let image = "docker.io/hazelcast/hazelcast-enterprise:5.5.1";
    assert_eq!(world.get(set).await["spec"]["template"]["spec"]["containers"][0]["image"], image);
    assert_eq!(condition(&world.get(key).await, "AdoptionConsented"), Value::Null);
}

/// An earlier operator gave endpoints to the Service that they are about, and cluster-scoped roles to nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_controller_is_recognised_by_its_labels_and_taken_over_where_it_is_wanted() {
    let Some(folder) = recorded("default-enterprise") else { return };
    let mut objects = installation::read(&folder);
    let mut labels = Value::Null;
    for object in &mut objects {
        if object["kind"] == "Hazelcast" {
            object["spec"]["exposeExternally"] = json!({"type": "Unisocket", "discoveryServiceType": "LoadBalancer"});
            object["spec"]["highAvailabilityMode"] = "ZONE".into();
        }
        if object["kind"] == "Service" {
            labels = object["metadata"]["labels"].clone();
            let spec = object["spec"].as_object_mut().expect("a specification");
            spec.retain(|name, _| matches!(name.as_str(), "ports" | "selector"));
            spec.insert("type".to_owned(), "LoadBalancer".into());
        }
    }
    let (world, installation) = left_behind(&objects).await;
    let (owner, service) = (&installation.owner.key, installation.of_kind("Service"));
    let endpoint = ObjectKey {
        resource: ResourceType::new("hazelcast.com", "v1alpha1", "hazelcastendpoints"),
        namespace: owner.namespace.clone(),
        name: owner.name.clone(),
    };
    let reference = json!({"apiVersion": "v1", "kind": "Service", "name": service.key.name, "uid": service.object["metadata"]["uid"]});
    let metadata =
        json!({"name": owner.name, "namespace": owner.namespace, "labels": labels, "ownerReferences": [reference]});
    let left = json!({
        "apiVersion": "hazelcast.com/v1alpha1", "kind": "HazelcastEndpoint", "metadata": metadata,
        "spec": {"type": "Discovery", "port": 5701, "hazelcastResourceName": owner.name},
    });
    let left = installation::create(&world.api, &left, PREDECESSOR).await;
    let before = world.get(&service.key).await;
    let mut world = world.restart().await;
    world.pass_where(owner, |record| effects(record, EffectKind::Adopted).len() > 5).await;
    world.idle().await;
    let uid = object::uid(&installation.owner.object).expect("a uid");
    for found in [&left, installation.of_kind("ClusterRole"), installation.of_kind("ClusterRoleBinding")] {
        let now = world.get(&found.key).await;
        assert_eq!(object::uid(&now), object::uid(&found.object), "{} is the same", found.key);
        assert_eq!(now["metadata"]["labels"][OWNED_BY], uid);
        assert!(!has_predecessor(&now, ""), "{}", now["metadata"]["managedFields"]);
    }
    let references = world.get(&endpoint).await["metadata"]["ownerReferences"].clone();
    assert_eq!(references.as_array().map(Vec::len), Some(1), "{references}");
    assert_eq!(references[0]["uid"], uid);
    // Addresses and ports that people have written down stay.
    let after = world.get(&service.key).await;
    assert_eq!(object::uid(&after), object::uid(&before));
    assert_eq!(after["spec"]["clusterIP"], before["spec"]["clusterIP"]);
    let node_port = |service: &Value| {
        let ports = service["spec"]["ports"].as_array().cloned().unwrap_or_default();
        ports.into_iter().find(|port| port["port"] == 5701).map(|port| port["nodePort"].clone())
    };
    assert_eq!(node_port(&after), node_port(&before));
    world.api.delete(owner, None).await.expect("deleted");
    world.until(owner, |owner| owner.is_none()).await;
    world.idle().await;
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        assert_eq!(world.find(&installation.of_kind(kind).key).await, None, "it goes with the resource");
    }
}
