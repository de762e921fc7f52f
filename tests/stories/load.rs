//! Many objects, many swaps: what must not happen is counted.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use filbert_plan::object::ObjectKey;
use filbert_runtime::PassOutcome;
use filbert_tests::world::{World, folder_with};
use serde_json::json;

use crate::support::{cluster, config_map, greet, greeting, hazelcast, hello, settles};

/// Resyncs, and holds that every object had its pass, that nothing was written and no guest called.
async fn is_quiet(world: &mut World, keys: &[ObjectKey]) {
    world.idle().await;
    world.drain();
    let writes = world.server.writes();
    world.host.resync().await;
    world.idle().await;
    let records = world.drain();
    let passed: BTreeSet<_> = records.iter().map(|record| &record.key).collect();
    assert_eq!(passed, keys.iter().collect(), "every object has a pass");
    let unsettled: Vec<_> = records.iter().filter(|record| !settles(&record.outcome)).collect();
    assert_eq!(unsettled.len(), 0, "{:?}", unsettled.first());
    let called = records.iter().flat_map(|record| &record.steps).filter(|step| step.called).count();
    assert_eq!((world.server.writes() - writes, called), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_settled_objects_are_quiet() {
    let mut world = hello().await;
    let keys: Vec<_> = (0..1000).map(|index| greeting(&format!("greeting-{index}"))).collect();
    for key in &keys {
        world.apply(key, &greet(&key.name, "Ann")).await;
    }
    is_quiet(&mut world, &keys).await;
    assert!(world.find(&config_map("greeting-999-greeting")).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settled_clusters_are_quiet() {
    let mut world = World::start().await;
    let keys: Vec<_> = (0..50).map(|index| hazelcast(&format!("cluster-{index}"))).collect();
    for key in &keys {
        world.apply(key, &cluster(&key.name, json!({"clusterSize": 1}))).await;
    }
    is_quiet(&mut world, &keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_swaps_under_load_lose_no_call_and_mix_no_versions_within_a_pass() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    // Two steps of one module, so that a pass could mix versions.
    let path = folder.path().join("hello.yaml");
    let pipeline = std::fs::read_to_string(&path).expect("read");
    std::fs::write(&path, pipeline + "    - {name: again, module: hello, step: greet}\n").expect("written");
    let good = std::fs::read(folder.path().join("hello.wasm")).expect("read");
    // The same component with another digest: an empty custom section at its end.
    let mut other = good.clone();
    other.extend([0, 2, 1, b'x']);
    let mut world = World::with_modules(folder).await;
    let (library, file) = (world.library.clone(), world.folder().join("hello.wasm"));
    let are_swapped = AtomicBool::new(false);
    let swaps = async {
        for round in 0..1000 {
            std::fs::write(&file, if round % 2 == 0 { &other } else { &good }).expect("written");
            library.refresh(&mut |_| {}).await.expect("the folder can be read");
        }
        are_swapped.store(true, Ordering::Release);
    };
    let names: Vec<_> = (0..20).map(|index| format!("greeting-{index}")).collect();
    let mut records = Vec::new();
    let load = async {
        let mut edits = 0;
        while !are_swapped.load(Ordering::Acquire) {
            let name = &names[edits % names.len()];
            world.apply(&greeting(name), &greet(name, &format!("guest {edits}"))).await;
            records.extend(world.drain());
            edits += 1;
            tokio::task::yield_now().await;
        }
        edits
    };
    let ((), edits) = tokio::join!(swaps, load);
    world.idle().await;
    records.extend(world.drain());
    let mut seen = BTreeSet::new();
    for record in &records {
        assert_eq!(record.outcome, PassOutcome::Settled);
        let digests: BTreeSet<_> = record.steps.iter().map(|step| step.digest.clone()).collect();
        assert_eq!((record.steps.len(), digests.len()), (2, 1), "one version within a pass");
        seen.extend(digests);
    }
    assert_eq!(seen.len(), 2, "both versions served");
    assert!(edits > names.len(), "there was load");
    for (index, name) in names.iter().enumerate() {
        let last = edits - 1 - (edits - 1 - index) % names.len();
        let greeting = world.get(&config_map(&format!("{name}-greeting"))).await;
        assert_eq!(greeting["data"]["message"], format!("Hello, guest {last}!"));
    }
}
