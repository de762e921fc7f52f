//! Passes that are recorded and replayed.

use filbert_plan::Document;
use filbert_record::{FormatError, RecordedCall, Recording, Verdict, replay};
use filbert_runtime::plan::ReviewAnswer;
use filbert_tests::modules::fixture;
use filbert_tests::world::{World, folder_with};
use serde_json::json;

use crate::support::{cluster, greet, greeting, hazelcast, is_invalid};

/// A settled cluster, recorded.
async fn recorded(world: &mut World) -> Recording {
    world.apply(&hazelcast("library"), &cluster("library", json!({"clusterSize": 2}))).await;
    let record = world.settled(&hazelcast("library")).await;
    let text = Recording::of(&record).expect("guests answered").to_json();
    Recording::from_json(&text).expect("a recording")
}

async fn again(world: &World, call: RecordedCall<'_>) -> Verdict {
    replay(&world.library.serving().modules()[call.module()].module, call).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_pass_replays_to_the_same_bytes() {
    let mut world = World::start().await;
    let recording = recorded(&mut world).await;
    for call in recording.calls() {
        assert_eq!(again(&world, call).await, Verdict::Same, "{}", call.title());
    }
    let titles: Vec<_> = recording.calls().map(|call| call.title()).collect();
    assert_eq!(
        titles,
        [
            "describe hazelcast-access",
            "describe hazelcast-admission",
            "describe hazelcast-network",
            "describe hazelcast-status",
            "describe hazelcast-workload",
            "default hazelcast-admission",
            "validate hazelcast-admission",
            "references",
            "rbac",
            "discovery-service",
            "member-services",
            "wan-services",
            "endpoints",
            "configuration",
            "stateful-set",
            "lite-members",
            "status",
        ]
    );
}

fn with_size(object: &Document, size: u32) -> Document {
    let mut object = object.clone().into_value();
    object["spec"]["clusterSize"] = json!(size);
    object.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_input_replays_to_another_answer_and_a_missing_one_to_none() {
    let mut world = World::start().await;
    let mut recording = recorded(&mut world).await;
    let step = recording.steps.iter_mut().find(|step| step.step == "stateful-set").expect("the step");
    step.context.object = with_size(&step.context.object, 7);
    let verdict = again(&world, RecordedCall::Step(step)).await;
    let Verdict::Different { same_module: true, changes } = verdict else { panic!("{verdict}") };
    assert!(changes.contains(".spec.replicas: 2 -> 7"), "{changes}");
    step.reads.clear();
    let verdict = again(&world, RecordedCall::Step(step)).await;
    assert!(
        verdict.to_string().contains("not in the recording: get statefulsets.apps/v1 default/library"),
        "{verdict}"
    );
    let review = recording.reviews.last_mut().expect("validation");
    let object = review.review.object.as_mut().expect("an object");
    *object = with_size(object, 100_000);
    let verdict = again(&world, RecordedCall::Review(review)).await;
    let Verdict::Different { same_module: true, changes } = verdict else { panic!("{verdict}") };
    assert!(changes.contains("spec.clusterSize"), "{changes}");
    let described = recording.modules.first_mut().expect("a module");
    described.description.summary = "something else".to_owned();
    let verdict = again(&world, RecordedCall::Describe(described)).await;
    let Verdict::Different { same_module: true, changes } = verdict else { panic!("{verdict}") };
    assert!(changes.starts_with("~ summary: \"something else\" -> "), "{changes}");
}

#[test]
fn a_recording_of_another_format_is_refused_by_its_number() {
    let error = Recording::from_json(r#"{"format": 1, "steps": []}"#).expect_err("it is refused");
    assert!(matches!(error, FormatError::Format { found: 1 }), "{error}");
}

/// Each reviewer's reads are looked at again with its own grant: one that may read nothing stands first here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_review_holds_by_the_grant_of_the_module_that_made_it() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    std::fs::write(folder.path().join("rogue.wasm"), fixture("hostile")).expect("written");
    let path = folder.path().join("hello.yaml");
    let text = std::fs::read_to_string(&path).expect("read");
    let text = text.replace(
        "    - module: hello\n  steps:",
        "    - module: hello\n    - {module: rogue, parameters: Read}\n  steps:",
    );
    let module = json!({
        "apiVersion": "filbert.dev/v1alpha1",
        "kind": "Module",
        "metadata": {"name": "rogue"},
        "spec": {
            "component": {"file": "rogue.wasm"},
            "grants": [{"objects": {
                "resource": {"group": "", "version": "v1", "plural": "services"},
                "verbs": ["read"],
                "within": {"named": ["market"]},
                "names": ["blue"],
            }}],
        },
    });
    std::fs::write(&path, format!("{text}\n---\n{module}\n")).expect("written");
    let mut world = World::with_modules(folder).await;
    assert_eq!(world.library.serving().problems(), Vec::<String>::new().as_slice());
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    let record = world.pass_where(&greeting("spring"), |record| is_invalid(&record.outcome)).await;
    // It found nothing, and was allowed to look.
    let read = record.reviews.iter().find(|review| review.module == "rogue").expect("it was asked");
    assert_eq!(
        read.reads.iter().map(|read| read.question.describe()).collect::<Vec<_>>(),
        ["get services/v1 market/blue"]
    );
    let Some(ReviewAnswer::Judged(verdict)) = read.answer.as_deref() else { panic!("{:?}", read.answer) };
    assert_eq!(verdict.violations[0].value, Some(json!(null)));
    world.idle().await;
    world.drain();
    world.host.resync().await;
    world.idle().await;
    let called: Vec<_> = world.drain().iter().flat_map(|record| record.reviews.clone()).map(|it| it.called).collect();
    assert_eq!(called, [false, false]);
}
