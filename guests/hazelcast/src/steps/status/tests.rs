use filbert_guest::k8s::{StatefulSet, resources};
use serde_json::{Value, json};

use super::*;

const LABELS: [&str; 3] = ["app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/name"];

fn cluster(size: i32) -> Context<Hazelcast> {
    Context::test("library", json!({"spec": {"clusterSize": size}}))
}

fn set(wanted: i32, there: i32, ready: i32) -> Value {
    json!({
        "metadata": {"name": "library", "generation": 2},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 2, "replicas": there, "readyReplicas": ready, "updatedReplicas": there},
    })
}

fn pod(index: usize, status: Value) -> Value {
    let labels = json!({LABELS[0]: "library", LABELS[1]: "hazelcast-platform-operator", LABELS[2]: "hazelcast"});
    json!({"metadata": {"name": format!("library-{index}"), "labels": labels}, "status": status})
}

fn ready(index: usize) -> Value {
    pod(
        index,
        json!({"phase": "Running", "podIP": format!("10.0.0.{index}"), "conditions": [{"type": "Ready", "status": "True"}]}),
    )
}

fn run(cx: &Context<Hazelcast>) -> Plan {
    MemberStatus::run(cx).expect("a plan")
}

fn phase(plan: &Plan) -> (Value, Value, Option<&str>) {
    let status = plan.status_fragment().expect("a status");
    (status["phase"].clone(), status["message"].clone(), plan.waits_for().map(|(reason, _)| reason))
}

#[test]
fn runs_when_all_members_are_ready() {
    let cx = (0..3)
        .fold(cluster(3).with(StatefulSet::TYPE, set(3, 3, 3)), |cx, index| cx.with(resources::PODS, ready(index)));
    let plan = run(&cx);
    assert_eq!(phase(&plan), ("Running".into(), "".into(), None));
    let status = plan.status_fragment().expect("a status");
    assert_eq!(status["hazelcastClusterStatus"], json!({"readyMembers": "3/3"}));
    assert_eq!(status["clusterSize"], 3);
    assert_eq!(
        status["members"][2],
        json!({"podName": "library-2", "ip": "10.0.0.2", "connected": true, "restartCount": 0})
    );
}

#[test]
fn says_that_nothing_is_known_from_the_members_themselves() {
    let plan = run(&cluster(3));
    assert_eq!(
        plan.conditions(),
        [("Paused", Status::False, "MembersWanted"), ("MembersObserved", Status::Unknown, "NotConnected")]
    );
}

#[test]
fn waits_for_members_that_start() {
    assert_eq!(
        phase(&run(&cluster(3))),
        ("Pending".into(), "0 of 3 members are ready".into(), Some("MembersStarting"))
    );
    let cx = cluster(3).with(StatefulSet::TYPE, set(3, 3, 2));
    assert_eq!(phase(&run(&cx)), ("Pending".into(), "2 of 3 members are ready".into(), Some("MembersStarting")));
}

#[test]
fn waits_until_the_set_has_seen_the_change() {
    let mut behind = set(3, 3, 3);
    behind["metadata"]["generation"] = 3.into();
    assert_eq!(phase(&run(&cluster(3).with(StatefulSet::TYPE, behind))).2, Some("MembersStarting"));
}

#[test]
fn waits_for_members_that_stop() {
    let plan = run(&cluster(1).with(StatefulSet::TYPE, set(1, 3, 3)));
    assert_eq!(phase(&plan), ("Pending".into(), "2 of 3 members are to stop".into(), Some("MembersStopping")));
}

#[test]
fn a_paused_cluster_is_settled_and_says_so() {
    let plan = run(&cluster(0).with(StatefulSet::TYPE, set(0, 0, 0)));
    assert_eq!(phase(&plan), ("Pending".into(), "the cluster is paused: clusterSize is 0".into(), None));
    assert_eq!(plan.conditions()[0], ("Paused", Status::True, "ClusterSizeZero"));
}

#[test]
fn names_the_pod_that_fails_also_while_it_is_prepared() {
    for list in ["containerStatuses", "initContainerStatuses"] {
        let waiting = json!([{"name": "box", "restartCount": 4, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]);
        let cx = cluster(1)
            .with(StatefulSet::TYPE, set(1, 1, 0))
            .with(resources::PODS, pod(0, json!({"phase": "Pending", list: waiting})));
        let plan = run(&cx);
        let message = "pod library-0: ImagePullBackOff: container box: no such image";
        assert_eq!(phase(&plan), ("Failed".into(), message.into(), Some("PodsFailing")));
        let member = &plan.status_fragment().expect("a status")["members"][0];
        assert_eq!((&member["reason"], &member["restartCount"]), (&json!("ImagePullBackOff"), &json!(4)));
    }
}

#[test]
fn a_container_that_is_being_made_is_no_failure() {
    let waiting = json!([{"name": "hazelcast", "state": {"waiting": {"reason": "ContainerCreating"}}}]);
    let cx = cluster(1)
        .with(StatefulSet::TYPE, set(1, 1, 0))
        .with(resources::PODS, pod(0, json!({"phase": "Pending", "containerStatuses": waiting})));
    assert_eq!(phase(&run(&cx)).0, "Pending");
}

#[test]
fn members_stand_in_order_of_their_numbers() {
    let cx = [10, 2, 0].into_iter().fold(cluster(3), |cx, index| cx.with(resources::PODS, ready(index)));
    let status = run(&cx).status_fragment().expect("a status");
    let names: Vec<_> =
        status["members"].as_array().expect("members").iter().map(|member| member["podName"].clone()).collect();
    assert_eq!(names, ["library-0", "library-2", "library-10"]);
}

#[test]
fn lists_fields_that_are_ignored() {
    let cx = Context::test("library", json!({"spec": {"persistence": {"startupAction": "ForceStart"}}}));
    assert!(run(&cx).conditions().contains(&("FieldsIgnored", Status::True, "NotBuiltYet")));
}

#[test]
fn says_that_it_ends() {
    let plan = MemberStatus::finalize(&cluster(3)).expect("a plan");
    assert_eq!(plan.status_fragment(), Some(json!({"phase": "Terminating", "message": ""})));
    assert_eq!(plan.waits_for(), None);
}

#[test]
fn says_what_scaling_waits_for_and_warns_where_people_have_to_do_something() {
    let told = |is_held: bool| {
        let waiting = json!({"reason": "MembersStopping", "message": "one by one", "is_held": is_held});
        let cx = cluster(2).with(StatefulSet::TYPE, set(3, 3, 3)).with_fact("stateful-set/scaling", &waiting);
        run(&cx)
    };
    assert_eq!(phase(&told(false)), ("Pending".into(), "one by one".into(), Some("MembersStopping")));
    assert!(told(false).conditions().contains(&("Scaling", Status::True, "MembersStopping")));
    assert_ne!(told(false), told(true));
}

#[test]
fn says_how_far_members_have_been_replaced() {
    let mut rolling = set(3, 3, 2);
    rolling["status"]["updatedReplicas"] = 1.into();
    rolling["status"]["updateRevision"] = "b".into();
    rolling["status"]["currentRevision"] = "a".into();
    let message = "members are replaced one after the other: 1 of 3 so far; 2 of 3 members are ready";
    let plan = run(&cluster(3).with(StatefulSet::TYPE, rolling));
    assert_eq!(phase(&plan), ("Pending".into(), message.into(), Some("MembersReplaced")));
}
