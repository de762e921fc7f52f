//! Somebody else changes what a step applies: once, again and again, or as an earlier operator that still runs. Whoever it
//! is, the number of writes is bounded, and the object says who changes what.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use filbert_kube::Api;
use filbert_plan::object::{self, ObjectKey};
use filbert_runtime::{EffectKind, PassOutcome, PassRecord};
use filbert_tests::installation::{self, PREDECESSOR};
use filbert_tests::world::{Beginning, Forward, World, folder_with};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{config_map, greet, greeting, settles};

/// Somebody who wants a field otherwise, and says so whenever it is not.
struct Other {
    task: JoinHandle<()>,
    writes: Arc<AtomicUsize>,
}

impl Other {
    fn wants(api: &Api, key: &ObjectKey, manager: &'static str, pointer: &'static str, patch: Value) -> Self {
        let (api, key, writes) = (api.clone(), key.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = writes.clone();
        let task = tokio::spawn(async move {
            let wanted = patch.pointer(pointer).cloned();
            loop {
                let live = api.get(&key).await.expect("an answer");
                if live.is_some_and(|live| live.pointer(pointer).cloned() != wanted) {
                    installation::patch(&api, &key, &patch, manager).await;
                    counted.fetch_add(1, Ordering::AcqRel);
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        Self { task, writes }
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::Acquire)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn contested(object: &Value) -> Value {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == "Contested").unwrap_or_default()
}

fn withholds(record: &PassRecord) -> bool {
    record.steps.iter().flat_map(|step| &step.effects).any(|effect| effect.kind == EffectKind::Withheld)
}

async fn hello_with(clock: Arc<Forward>) -> World {
    let modules = Some(folder_with(&["hello.wasm", "hello.yaml"]));
    World::begin(Beginning { modules, clock: Some(clock), ..Beginning::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_edit_of_a_child_is_put_right_without_a_word() {
    let mut world = hello_with(Arc::default()).await;
    let (key, child) = (greeting("spring"), config_map("spring-greeting"));
    world.apply(&key, &greet("spring", "Ann")).await;
    world.settled(&key).await;
    let edit = json!({"data": {"message": "mine"}});
    installation::patch(&world.api, &child, &edit, "kubectl-edit").await;
    world.until(&child, |child| child.is_some_and(|child| child["data"]["message"] == "Hello, Ann!")).await;
    world.idle().await;
    assert_eq!(contested(&world.get(&key).await), Value::Null);
    assert!(settles(&world.host.last_passes()[&key].outcome));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_set_back_again_and_again_is_left_alone_and_the_other_writer_named() {
    let clock = Arc::new(Forward::default());
    let mut world = hello_with(clock.clone()).await;
    let (key, child) = (greeting("spring"), config_map("spring-greeting"));
    world.apply(&key, &greet("spring", "Ann")).await;
    world.settled(&key).await;
    let theirs = json!({"data": {"message": "mine"}});
    let other = Other::wants(&world.api, &child, "kubectl-edit", "/data/message", theirs);
    world.pass_where(&key, withholds).await;
    world.idle().await;
    // Five at once; the sixth time it is left as it is.
    assert_eq!(other.writes(), 6);
    assert_eq!(world.get(&child).await["data"]["message"], "mine");
    let owner = world.get(&key).await;
    let condition = contested(&owner);
    assert_eq!((&condition["status"], &condition["reason"]), (&json!("True"), &json!("FieldsSetBack")));
    let message = condition["message"].as_str().expect("a message").to_owned();
    assert!(message.starts_with("of ConfigMap spring-greeting, kubectl-edit changes data.message; "), "{message}");
    let PassOutcome::Waiting { reason, .. } = &world.host.last_passes()[&key].outcome else { panic!("it waits") };
    assert_eq!(reason, "FieldsSetBack");
    let events = world.api.list(&filbert_plan::object::ResourceType::new("", "v1", "events"), Some("default")).await;
    assert!(events.expect("a list").iter().any(|event| event["reason"] == "FieldsSetBack"));

    // Passes for any other reason change nothing.
    let revision = world.server.revision();
    for _ in 0..3 {
        world.host.resync().await;
        world.idle().await;
    }
    assert_eq!(world.server.revision(), revision);
    // What people want now is written at once, all the same.
    world.apply(&key, &greet("spring", "Bob")).await;
    world.idle().await;
    assert_eq!(other.writes(), 7);

    // After the pause it is tried once more.
    clock.by(Duration::from_mins(2));
    world.drain();
    world.host.resync().await;
    world.pass_where(&key, withholds).await;
    world.idle().await;
    assert!(other.writes() <= 9, "{}", other.writes());

    // The other one gives in: then it is put right, and after a while forgotten.
    drop(other);
    clock.by(Duration::from_hours(2));
    world.host.resync().await;
    world.until(&child, |child| child.is_some_and(|child| child["data"]["message"] == "Hello, Bob!")).await;
    world.idle().await;
    clock.by(Duration::from_hours(3));
    world.host.resync().await;
    world.until(&key, |owner| owner.is_some_and(|owner| contested(owner) == Value::Null)).await;
    world.idle().await;
    assert!(settles(&world.host.last_passes()[&key].outcome));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_somebody_keeps_deleting_is_not_made_for_ever() {
    let mut world = hello_with(Arc::default()).await;
    let (key, child) = (greeting("spring"), config_map("spring-greeting"));
    world.apply(&key, &greet("spring", "Ann")).await;
    world.settled(&key).await;
    let mut deleted = 0;
    loop {
        if world.find(&child).await.is_some() {
            world.api.delete(&child, None).await.expect("deleted");
            deleted += 1;
        }
        world.idle().await;
        if matches!(world.host.last_passes()[&key].outcome, PassOutcome::Waiting { .. }) {
            break;
        }
    }
    assert_eq!(deleted, 6);
    assert_eq!(contested(&world.get(&key).await)["reason"], "FieldsSetBack");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_specification_that_people_change_to_and_fro_is_followed_each_time() {
    let mut world = hello_with(Arc::default()).await;
    let (key, child) = (greeting("spring"), config_map("spring-greeting"));
    for round in 0..8 {
        let who = if round % 2 == 0 { "Ann" } else { "Bob" };
        world.apply(&key, &greet("spring", who)).await;
        world.settled(&key).await;
        assert_eq!(world.get(&child).await["data"]["message"], format!("Hello, {who}!"));
    }
    assert_eq!(contested(&world.get(&key).await), Value::Null);
}

/// The installation of the conformance data whose operator was not stopped.
async fn with_operator_at_work(clock: Arc<Forward>) -> Option<(World, installation::Installation)> {
    let folder = installation::recorded().into_iter().find(|folder| folder.ends_with("default-enterprise"))?;
    let world = World::begin(Beginning { clock: Some(clock), ..Beginning::default() }).await;
    world.idle().await;
    world.stop();
    let installation = installation::load(&world.api, &installation::read(&folder), "hazelcast.com/").await;
    Some((world.restart().await, installation))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_operator_that_is_still_at_work_on_a_child_is_named_and_not_fought() {
    let clock = Arc::new(Forward::default());
    let Some((mut world, installation)) = with_operator_at_work(clock.clone()).await else { return };
    let (key, role) = (&installation.owner.key, installation.of_kind("Role"));
    let theirs = json!({"rules": role.object["rules"]});
    let other = Other::wants(&world.api, &role.key, PREDECESSOR, "/rules", theirs.clone());
    world.pass_where(key, withholds).await;
    world.idle().await;
    // Taken over, tried once more, and then left alone.
    assert_eq!(other.writes(), 2);
    let condition = contested(&world.get(key).await);
    assert_eq!((&condition["status"], &condition["reason"]), (&json!("True"), &json!("EarlierOperatorAtWork")));
    let message = condition["message"].as_str().expect("a message");
    assert!(message.contains("manager changes rules; an earlier operator is still at work here: stop it"), "{message}");
    let revision = world.server.revision();
    for _ in 0..3 {
        world.host.resync().await;
        world.idle().await;
    }
    assert_eq!(world.server.revision(), revision, "nobody fights");
    drop(other);
    clock.by(Duration::from_hours(1));
    world.host.resync().await;
    world.until(&role.key, |role| role.is_some_and(|role| role["rules"] != theirs["rules"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_operator_that_still_writes_the_status_is_named_and_not_fought() {
    let clock = Arc::new(Forward::default());
    let Some((mut world, installation)) = with_operator_at_work(clock).await else { return };
    let key = &installation.owner.key;
    world.settled(key).await;
    // It knows no conditions, and takes them away with each write.
    let theirs = json!({"status": {"phase": "Failed", "conditions": null, "observedGeneration": null}});
    let (api, at) = (world.api.clone(), key.clone());
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = writes.clone();
    let task = tokio::spawn(async move {
        loop {
            let live = api.get(&at).await.expect("an answer").expect("it is there");
            if live["status"]["phase"] != "Failed" || live["status"].get("conditions").is_some() {
                installation::patch_status(&api, &at, &theirs, PREDECESSOR).await;
                counted.fetch_add(1, Ordering::AcqRel);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let names_it = |record: &PassRecord| record.contests.iter().any(|contest| contest.left_until.is_some());
    let record = world.pass_where(key, names_it).await;
    assert!(record.contests[0].with_predecessor);
    world.idle().await;
    assert_eq!(writes.load(Ordering::Acquire), 2);
    let revision = world.server.revision();
    for _ in 0..3 {
        world.host.resync().await;
        world.idle().await;
    }
    assert_eq!(world.server.revision(), revision, "nobody fights");
    let namespace = key.namespace.as_deref();
    let events = world.api.list(&object::ResourceType::new("", "v1", "events"), namespace).await.expect("a list");
    assert!(events.iter().any(|event| event["reason"] == "EarlierOperatorAtWork"), "people hear of it");
    task.abort();
}
