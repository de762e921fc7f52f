//! Passes that are recorded and replayed.

use filbert_record::{Recording, Verdict, replay};
use filbert_tests::world::World;
use serde_json::json;

use crate::support::{cluster, hazelcast};

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
