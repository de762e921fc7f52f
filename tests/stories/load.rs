//! Many objects, many swaps: what must not happen is counted.

use std::collections::BTreeSet;

use filbert_runtime::PassOutcome;
use filbert_tests::world::{World, folder_with};

use crate::support::{config_map, greet, greeting, hello};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settled_means_quiet() {
    let mut world = hello().await;
    let names: Vec<_> = (0..100).map(|index| format!("greeting-{index}")).collect();
    for name in &names {
        world.apply(&greeting(name), &greet(name, "Ann")).await;
    }
    for name in &names {
        world.until(&config_map(&format!("{name}-greeting")), |it| it.is_some()).await;
    }
    world.idle().await;
    world.drain();
    let writes = world.server.writes();
    world.host.resync().await;
    world.idle().await;
    let records = world.drain();
    assert_eq!(records.len(), names.len(), "every object has a pass");
    let called = records.iter().flat_map(|record| &record.steps).filter(|step| step.called).count();
    assert_eq!((world.server.writes() - writes, called), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_lose_no_call_and_mix_no_versions_within_a_pass() {
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
    let mut records = Vec::new();
    let names: Vec<_> = (0..20).map(|index| format!("greeting-{index}")).collect();
    for round in 0..100 {
        let wasm = if round % 2 == 0 { &other } else { &good };
        std::fs::write(world.folder().join("hello.wasm"), wasm).expect("written");
        world.library.refresh(&mut |_| {}).await.expect("the folder can be read");
        let name = &names[round % names.len()];
        world.apply(&greeting(name), &greet(name, &format!("guest {round}"))).await;
        records.extend(world.drain());
    }
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
    for (index, name) in names.iter().enumerate() {
        let greeting = world.get(&config_map(&format!("{name}-greeting"))).await;
        assert_eq!(greeting["data"]["message"], format!("Hello, guest {}!", 80 + index));
    }
}
