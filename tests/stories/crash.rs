//! An operator that crashes at each of its requests, in turn: the next one takes over, and nothing is lost or doubled.

use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_tests::cut::{Counted, Cut, Side};
use filbert_tests::snapshot::{Snapshot, Uids};
use filbert_tests::world::{Beginning, World, folder_with};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::support::{cluster, greet, greeting, hazelcast, settles};

/// Lives at the same time: some wait while others compute.
const AT_ONCE: usize = 4;

/// One life: made, changed, deleted.
struct Life {
    key: ObjectKey,
    acts: Vec<Value>,
    modules: &'static [&'static str],
    counted: Counted,
}

/// What became of a life.
#[derive(Debug, PartialEq)]
struct Lived {
    /// After each act.
    snapshots: Vec<Snapshot>,
    /// How often the child that counts was written anew, after each act.
    generations: Vec<Vec<(String, i64)>>,
    /// All that was reported.
    events: Vec<String>,
}

/// Waits until the object as it is has settled or is gone. The operator may be cut off meanwhile; another takes over.
async fn settle(mut world: World, key: &ObjectKey, is_deleted: bool) -> World {
    loop {
        let cut = world.cut.clone();
        let settled = async {
            loop {
                world.idle().await;
                let Some(live) = world.find(key).await else {
                    // What it owned goes too.
                    return world.idle().await;
                };
                let last = world.host.last_passes().remove(key);
                let is_settled =
                    last.is_some_and(|last| settles(&last.outcome) && last.generation == object::generation(&live));
                if is_settled && !is_deleted {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        let crash = async {
            match &cut {
                Some(cut) => cut.done().await,
                None => std::future::pending().await,
            }
        };
        let has_crashed = tokio::select! {
            () = crash => true,
            () = settled => false,
        };
        if !has_crashed {
            return world;
        }
        world = world.restart().await;
    }
}

async fn lives(life: &Life, cut: &Cut) -> Lived {
    let modules = (!life.modules.is_empty()).then(|| folder_with(life.modules));
    let mut world = World::begin(Beginning { cut: Some(cut.clone()), modules, ..Beginning::default() }).await;
    let (mut uids, mut lived) = (Uids::default(), Lived { snapshots: vec![], generations: vec![], events: vec![] });
    for act in life.acts.iter().map(Some).chain([None]) {
        match act {
            Some(object) => {
                world.apply(&life.key, object).await;
            }
            None => world.api.delete(&life.key, None).await.expect("deleted"),
        }
        world = settle(world, &life.key, act.is_none()).await;
        lived.snapshots.push(Snapshot::take(&world, &mut uids).await);
        let sets = world.api.list(&ResourceType::new("apps", "v1", "statefulsets"), Some("default")).await;
        let generation = |set: &Value| (object::name(set).unwrap_or_default().to_owned(), object::generation(set));
        lived.generations.push(sets.expect("a list").iter().map(generation).collect());
    }
    let events = world.api.list(&ResourceType::new("", "v1", "events"), Some("default")).await.expect("events");
    let text = |event: &Value| format!("{} {} {}", event["type"], event["reason"], event["message"]);
    lived.events = events.iter().map(text).collect();
    lived.events.sort();
    lived
}

/// Lives the life once undisturbed, and once for each of its requests with a crash there.
async fn survives(life: Life) {
    let undisturbed = Cut::at(u64::MAX, life.counted, Side::Before);
    let wanted = lives(&life, &undisturbed).await;
    let requests = undisturbed.made();
    assert!(requests > 3, "{requests} requests are no life");
    // Some more than it took: how many it takes depends on how fast watches are.
    let cuts = (0..requests + 3).flat_map(|at| [Side::Before, Side::After].map(|side| (at, side)));
    let crashes = futures::stream::iter(cuts)
        .map(|(at, side)| {
            let (life, wanted) = (&life, &wanted);
            async move {
                let cut = Cut::at(at, life.counted, side);
                let lived = lives(life, &cut).await;
                for (act, (before, after)) in wanted.snapshots.iter().zip(&lived.snapshots).enumerate() {
                    assert_eq!(before.differences(after), "", "after act {act}, cut off at {at}, {side:?}");
                }
                assert_eq!(*wanted, lived, "cut off at {at}, {side:?}");
                u64::from(cut.is_done())
            }
        })
        .buffer_unordered(AT_ONCE)
        .fold(0, async |sum, crashed| sum + crashed)
        .await;
    assert!(crashes >= requests, "{crashes} crashes in {requests} requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greeting_survives_a_crash_at_every_request() {
    survives(Life {
        key: greeting("spring"),
        acts: vec![greet("spring", "Ann"), greet("spring", "Bob")],
        modules: &["hello.wasm", "hello.yaml"],
        counted: Counted::All,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_survives_a_crash_at_every_write() {
    let of = |size: u32| cluster("library", json!({"clusterSize": size, "exposeExternally": {}}));
    survives(Life { key: hazelcast("library"), acts: vec![of(2), of(1)], modules: &[], counted: Counted::Writes })
        .await;
}
