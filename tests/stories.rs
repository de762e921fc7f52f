//! Stories: the operator with its built modules against the embedded API server.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "stories, which fail by panicking"
)]

use std::collections::BTreeSet;

use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_record::{Recording, Verdict, replay};
use filbert_runtime::{EffectKind, PassOutcome, StepOutcome};
use filbert_tests::world::{World, folder_with};
use serde_json::{Value, json};

fn greeting(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "default", name)
}

fn config_map(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("", "v1", "configmaps"), "default", name)
}

fn hazelcast(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("hazelcast.com", "v1alpha1", "hazelcasts"), "default", name)
}

fn service(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("", "v1", "services"), "default", name)
}

fn stateful_set(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("apps", "v1", "statefulsets"), "default", name)
}

fn greet(name: &str, who: &str) -> Value {
    json!({"apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": {"name": name, "namespace": "default"}, "spec": {"who": who}})
}

fn cluster(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "hazelcast.com/v1alpha1", "kind": "Hazelcast", "metadata": {"name": name, "namespace": "default"}, "spec": spec})
}

async fn hello() -> World {
    World::with_modules(folder_with(&["hello.wasm", "hello.yaml"])).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_step_proposes_is_applied_with_owner_and_field_manager() {
    let mut world = hello().await;
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    world.settled(&greeting("spring")).await;
    let child = world.get(&config_map("spring-greeting")).await;
    assert_eq!(child["data"], json!({"message": "Hello, Ann!"}));
    assert_eq!(child["metadata"]["ownerReferences"][0]["name"], "spring");
    assert_eq!(child["metadata"]["managedFields"][0]["manager"], "filbert/greeting/greet");
    let status = &world.get(&greeting("spring")).await["status"];
    assert_eq!(status["observedGeneration"], 1);
    let ready =
        status["conditions"].as_array().expect("conditions").iter().find(|it| it["type"] == "Ready").expect("Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("True"), &json!("Settled")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_put_right() {
    let mut world = hello().await;
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    world.settled(&greeting("spring")).await;
    let drifted = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"message": "Go away!"}});
    let drifted = world.apply(&config_map("spring-greeting"), &drifted).await;
    assert_eq!(drifted["data"]["message"], "Go away!");
    world.until(&config_map("spring-greeting"), |it| it.is_some_and(|it| it["data"]["message"] == "Hello, Ann!")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_is_deleted_by_hand_is_made_again() {
    let mut world = hello().await;
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    world.settled(&greeting("spring")).await;
    let before = world.get(&config_map("spring-greeting")).await["metadata"]["uid"].clone();
    world.api.delete(&config_map("spring-greeting"), None).await.expect("deleted");
    world.until(&config_map("spring-greeting"), |it| it.is_some_and(|it| it["metadata"]["uid"] != before)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_object_in_the_way_is_reported_and_left_alone() {
    let mut world = hello().await;
    let foreign = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "spring-greeting", "namespace": "default"}, "data": {"message": "mine"}});
    let before = world.apply(&config_map("spring-greeting"), &foreign).await;
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    let is_foreign =
        |outcome: &PassOutcome| matches!(outcome, PassOutcome::Failed { reason, .. } if reason == "ForeignObject");
    world.pass_where(&greeting("spring"), |record| is_foreign(&record.outcome)).await;
    assert_eq!(world.get(&config_map("spring-greeting")).await, before);
    world.idle().await;
    let events = world.api.list(&ResourceType::new("", "v1", "events"), Some("default")).await.expect("events");
    let event = events.iter().find(|event| event["involvedObject"]["name"] == "spring").expect("an event");
    assert_eq!((&event["type"], &event["reason"]), (&json!("Warning"), &json!("ForeignObject")));
    // Once it is out of the way, the step goes on by itself.
    world.api.delete(&config_map("spring-greeting"), None).await.expect("deleted");
    world.until(&config_map("spring-greeting"), |it| it.is_some_and(|it| it["data"]["message"] == "Hello, Ann!")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_edit_is_reported_and_what_runs_is_left_as_it_is() {
    let mut world = hello().await;
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    world.settled(&greeting("spring")).await;
    let before = world.get(&config_map("spring-greeting")).await;
    world.apply(&greeting("spring"), &greet("spring", "")).await;
    let record = world.pass_where(&greeting("spring"), |record| record.generation == 2).await;
    assert_eq!(record.outcome.summary(), "invalid: spec.who: Required value: somebody must be greeted");
    world.idle().await;
    assert_eq!(world.get(&config_map("spring-greeting")).await, before);
    let status = &world.get(&greeting("spring")).await["status"];
    let valid =
        status["conditions"].as_array().expect("conditions").iter().find(|it| it["type"] == "Valid").expect("Valid");
    assert_eq!(valid["message"], "spec.who: Required value: somebody must be greeted");
}

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
async fn garbage_in_the_folder_leaves_the_last_good_module_in_service() {
    let mut world = hello().await;
    std::fs::write(world.folder().join("hello.wasm"), b"garbage").expect("written");
    world.library.refresh(&mut |_| {}).await.expect("the folder can be read");
    let serving = world.library.serving();
    let state = &serving.states()[0];
    assert!(state.digest.is_some(), "still in service");
    assert!(
        state.problem.as_ref().is_some_and(|problem| problem.contains("failed to load module `hello`")),
        "{state:?}"
    );
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    world.settled(&greeting("spring")).await;
    assert_eq!(world.get(&config_map("spring-greeting")).await["data"]["message"], "Hello, Ann!");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_outside_the_grant_is_refused_whole() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let path = folder.path().join("hello.yaml");
    let text = std::fs::read_to_string(&path).expect("read").replace("\"{name}-greeting\"", "\"{name}-other\"");
    std::fs::write(&path, text).expect("written");
    let mut world = World::with_modules(folder).await;
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    let record = world.pass_where(&greeting("spring"), |record| !record.steps.is_empty()).await;
    let StepOutcome::Failed { reason, message, .. } = &record.steps[0].outcome else { panic!("{:?}", record.outcome) };
    assert_eq!(reason, "OutsideGrant");
    assert!(message.starts_with("apply of configmaps/v1 default/spring-greeting is outside the grant"), "{message}");
    assert_eq!(world.find(&config_map("spring-greeting")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_created_scaled_paused_resumed_and_deleted() {
    let mut world = World::start().await;
    let key = hazelcast("library");
    let replicas = |world: &World| {
        let api = world.api.clone();
        async move {
            api.get(&stateful_set("library"))
                .await
                .expect("answer")
                .map(|it| it["status"]["readyReplicas"].as_i64().unwrap_or(0))
        }
    };
    for size in [3, 5, 2, 0, 1] {
        world.apply(&key, &cluster("library", json!({"clusterSize": size}))).await;
        world.settled(&key).await;
        assert_eq!(world.get(&stateful_set("library")).await["spec"]["replicas"], size);
        assert_eq!(replicas(&world).await, Some(size), "settled means that the pods are there");
    }
    assert!(world.find(&service("library")).await.is_some());
    let finalizers = &world.get(&key).await["metadata"]["finalizers"];
    assert_eq!(finalizers, &json!(["hazelcast.com/finalizer"]));
    world.api.delete(&key, None).await.expect("deleted");
    world.until(&key, |it| it.is_none()).await;
    world.until(&stateful_set("library"), |it| it.is_none()).await;
    world.until(&service("library"), |it| it.is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_image_rolls_the_pods() {
    let mut world = World::start().await;
    let key = hazelcast("library");
    world.apply(&key, &cluster("library", json!({"clusterSize": 2, "version": "5.5.0"}))).await;
    world.settled(&key).await;
    world.apply(&key, &cluster("library", json!({"clusterSize": 2, "version": "5.6.0"}))).await;
    world.settled(&key).await;
    let pod = ObjectKey::namespaced(ResourceType::new("", "v1", "pods"), "default", "library-1");
    let image = world.get(&pod).await["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned();
    assert!(image.ends_with(":5.6.0"), "{image}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_pass_replays_to_the_same_bytes_and_a_changed_input_does_not() {
    let mut world = World::start().await;
    world.apply(&hazelcast("library"), &cluster("library", json!({"clusterSize": 2}))).await;
    let record = world.settled(&hazelcast("library")).await;
    let text = Recording::of(&record).expect("guests answered").to_json();
    let mut recording = Recording::from_json(&text).expect("a recording");
    let serving = world.library.serving();
    assert_eq!(recording.steps.len(), record.steps.len());
    for step in &recording.steps {
        assert_eq!(replay(&serving.modules()[&step.module].module, step).await, Verdict::Same, "{}", step.step);
    }
    let step = recording.steps.iter_mut().find(|step| step.step == "stateful-set").expect("the step");
    step.context.object["spec"]["clusterSize"] = json!(7);
    let verdict = replay(&serving.modules()[&step.module].module, step).await;
    let Verdict::Different { same_module: true, changes } = verdict else { panic!("{verdict}") };
    assert!(changes.contains(".spec.replicas: 2 -> 7"), "{changes}");
    step.reads.clear();
    let verdict = replay(&serving.modules()[&step.module].module, step).await;
    assert!(
        verdict.to_string().contains("not in the recording: get statefulsets.apps/v1 default/library"),
        "{verdict}"
    );
}

#[test]
fn the_readme_quotes_the_first_guest() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file of the project");
    let readme = read("README.md");
    let (_, quoted) = readme.split_once("```rust\n").expect("a quotation");
    let (quoted, _) = quoted.split_once("```").expect("its end");
    assert!(read("guests/hello/src/lib.rs").contains(quoted), "copy the step and the rule anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_knows_no_hazelcast() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = Vec::new();
    for crate_name in ["filbert", "filbert-plan", "filbert-engine", "filbert-kube", "filbert-runtime"] {
        let mut folders = vec![root.join("host").join(crate_name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("a source file");
                let is_knowledge = |line: &&str| {
                    let line = line.trim_start();
                    !line.starts_with("//") && line.to_lowercase().contains("hazelcast")
                };
                found.extend(text.lines().filter(is_knowledge).map(|line| format!("{}: {line}", path.display())));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
