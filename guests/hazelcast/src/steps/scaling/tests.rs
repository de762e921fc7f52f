use filbert_guest::k8s::{StatefulSet, resources};
use serde_json::{Value, json};

use super::*;

/// A cluster of which so many members are wanted, and what is there.
struct There {
    spec: Value,
    annotations: Value,
    replicas: i32,
    /// Pods and whether each is ready.
    pods: Vec<Value>,
    set: Value,
}

fn pod(index: i32, is_ready: bool) -> Value {
    let selector: Map = Application::Hazelcast.selector("library").into_iter().collect();
    let status = if is_ready { "True" } else { "False" };
    json!({
        "metadata": {"name": format!("library-{index}"), "labels": selector},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]},
    })
}

/// That many pods, all of them ready, and a set that has been told of the present generation.
fn there(replicas: i32, wanted: i32) -> There {
    There {
        spec: json!({"clusterSize": wanted}),
        annotations: json!({ANNOTATION_SHRINKING: "1"}),
        replicas,
        pods: (0..replicas).map(|index| pod(index, true)).collect(),
        set: json!({"observedGeneration": 2, "updateRevision": "a", "currentRevision": "a"}),
    }
}

impl There {
    fn with(mut self, field: &str, value: Value) -> Self {
        self.spec[field] = value;
        self
    }

    fn context(&self) -> Context<Hazelcast> {
        let mut status = self.set.clone();
        status["replicas"] = self.pods.len().into();
        let set = json!({
            "metadata": {"name": "library", "generation": 2, "annotations": self.annotations},
            "spec": {"replicas": self.replicas}, "status": status,
        });
        let cx = Context::test("library", json!({"spec": self.spec})).with(StatefulSet::TYPE, set);
        self.pods.iter().fold(cx, |cx, pod| cx.with(resources::PODS, pod.clone()))
    }

    fn scale(&self) -> Scale {
        Scale::of(&self.context(), None).expect("an answer")
    }

    /// How many pods there are to be, and for what the rest waits.
    fn told(&self) -> (i32, String) {
        let Scale { replicas, waiting, .. } = self.scale();
        (replicas, waiting.map(|waiting| waiting.message).unwrap_or_default())
    }

    /// Holds that nobody stops until then.
    #[track_caller]
    fn waits_until(&self, what: &str) {
        let (replicas, message) = self.told();
        assert_eq!(replicas, self.replicas, "{message}");
        assert!(message.ends_with(&format!("stops when {what}")), "{message}");
    }
}

#[test]
fn all_members_start_and_join_at_once() {
    let cx = Context::test("library", json!({"spec": {"clusterSize": 4}}));
    assert_eq!(Scale::of(&cx, None).expect("an answer"), Scale::settled(4));
    let mut growing = there(2, 5);
    growing.pods[0] = pod(0, false);
    assert_eq!(growing.told(), (5, String::new()));
}

#[test]
fn members_stop_one_after_the_other_from_the_last() {
    assert_eq!(
        there(5, 2).told(),
        (4, "2 members are wanted, and the others stop one after the other: now library-4".to_owned())
    );
    assert_eq!(there(3, 2).told(), (2, String::new()));
}

#[test]
fn nobody_stops_before_the_pods_are_as_they_are_wanted_now() {
    for annotations in [json!({}), json!({ANNOTATION_SHRINKING: "0"})] {
        let changed = There { annotations, ..there(5, 2) };
        changed.waits_until("the pods are as they are wanted now");
        assert_eq!(changed.scale().notes[ANNOTATION_SHRINKING], "1");
    }
    let unseen = There { set: json!({"observedGeneration": 1}), ..there(5, 2) };
    unseen.waits_until("the StatefulSet has taken up its last change");
    let rolling = json!({"observedGeneration": 2, "updateRevision": "b", "currentRevision": "a", "updatedReplicas": 1});
    There { set: rolling, ..there(5, 2) }.waits_until("the pods of before have been replaced");
}

#[test]
fn nobody_stops_while_another_member_is_away() {
    let mut starting = there(5, 2);
    starting.pods[1] = pod(1, false);
    starting.waits_until("library-1 is ready");
    let mut stopping = there(4, 2);
    stopping.pods.push(pod(4, true));
    stopping.pods[4]["metadata"]["deletionTimestamp"] = "2026-01-31T09:00:00Z".into();
    stopping.waits_until("library-4 has stopped");
    let mut missing = there(5, 2);
    missing.pods.remove(3);
    missing.waits_until("every pod is there");
    let mut joining = there(5, 2);
    joining.pods[4] = pod(4, false);
    joining.waits_until("library-4 is ready");
}

#[test]
fn pods_without_a_member_that_are_to_go_keep_nobody_waiting() {
    let mut stuck = there(5, 3);
    for (index, place) in (3..).zip(stuck.pods.iter_mut().skip(3)) {
        *place = pod(index, false);
        place["status"]["phase"] = "Pending".into();
    }
    assert_eq!(stuck.told().0, 4);
    // Also one that is being replaced for ever, which may be why it is to go.
    stuck.set = json!({"observedGeneration": 2, "updateRevision": "b", "currentRevision": "a"});
    assert_eq!(stuck.told().0, 4);
    let needed = There { spec: json!({"clusterSize": 4}), ..stuck };
    needed.waits_until("library-3 is ready");
}

#[test]
fn as_many_stay_as_backups_take() {
    let backups = Backups { path: "map.default".to_owned(), count: 2 };
    let scale = |there: &There| Scale::of(&there.context(), Some(&backups)).expect("an answer");
    assert_eq!(scale(&there(4, 1)).replicas, 3);
    let held = scale(&there(3, 1));
    assert_eq!(held.replicas, 3);
    let waiting = held.waiting.expect("it waits");
    assert!(waiting.is_held && waiting.message.contains("`map.default`"), "{waiting:?}");
    // A cluster that never had as many is not made larger.
    assert_eq!(scale(&there(2, 2)), Scale::settled(2));
    assert_eq!(scale(&there(2, 1)).replicas, 2);
    assert_eq!(scale(&there(5, 0)).replicas, 0);
}

#[test]
fn a_pause_ends_all_members_at_once_whatever_they_do() {
    let mut busy = there(5, 0);
    busy.pods[0] = pod(0, false);
    assert_eq!(busy.scale(), Scale::settled(0));
}

fn with_disks(there: There) -> There {
    there.with("persistence", json!({"pvc": {"accessModes": ["ReadWriteOnce"]}}))
}

#[test]
fn members_with_data_come_back_as_many_as_they_were() {
    let pausing = with_disks(there(5, 0)).scale();
    assert_eq!((pausing.replicas, &*pausing.notes[ANNOTATION_PAUSED_FROM]), (0, "5"));
    let paused = |wanted| There { annotations: pausing_notes(), ..with_disks(there(0, wanted)) };
    assert_eq!(paused(0).scale().notes, pausing.notes, "as long as the pause lasts");
    assert_eq!(paused(2).told(), (5, "5 members come back with their data; 2 are wanted".to_owned()));
    assert_eq!(paused(7).scale(), Scale::settled(7));
    let without = There { annotations: pausing_notes(), ..there(0, 2) };
    assert_eq!(without.scale(), Scale::settled(2), "there is nothing to come back with");
}

fn pausing_notes() -> Value {
    json!({ANNOTATION_PAUSED_FROM: "5"})
}

#[test]
fn a_paused_cp_subsystem_stays_as_large_as_it_was() {
    let size = |there: There| with_size_of_cp(&there.context()).expect("an answer").cluster_size;
    let cp = |there: There| there.with("cpSubsystem", json!({}));
    assert_eq!(size(cp(there(3, 0))), 3);
    assert_eq!(size(There { annotations: pausing_notes(), ..cp(there(0, 0)) }), 5);
    assert_eq!(size(there(3, 0)), 0);
}

#[test]
fn members_are_reached_until_they_are_gone() {
    let reached = |there: There| reached(&there.context()).expect("an answer");
    assert_eq!((reached(there(5, 2)), reached(there(2, 5)), reached(there(2, 0))), (5, 5, 2));
}
