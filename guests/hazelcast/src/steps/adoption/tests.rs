use filbert_guest::Step as _;
use hazelcast_api::Hazelcast;
use serde_json::json;

use super::super::MemberSet;
use super::*;

const CONSENTED: &str = "hazelcast.com/adoption-consent";

fn run(object: Value, live: Option<Value>) -> Plan {
    let cx = Context::<Hazelcast>::test("library", object);
    let cx = match live {
        Some(live) => cx.with(StatefulSet::TYPE, live),
        None => cx,
    };
    MemberSet::run(&cx).expect("a plan")
}

fn set(plan: &Plan) -> Value {
    plan.find("StatefulSet", "library").expect("a StatefulSet")
}

/// The set that an earlier operator left for a default cluster, changed by `change`.
fn left(change: impl FnOnce(&mut Value)) -> Value {
    let mut live = set(&run(json!({"spec": {}}), None));
    let spec = &mut live["spec"]["template"]["spec"];
    // What the API server adds.
    spec["dnsPolicy"] = json!("ClusterFirst");
    spec["serviceAccount"] = spec["serviceAccountName"].clone();
    spec["containers"][0]["terminationMessagePolicy"] = json!("File");
    change(&mut live);
    live
}

fn image(live: &mut Value) {
    live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("docker.io/hazelcast/old");
}

#[test]
fn pods_that_are_as_wanted_are_taken_over_without_a_word() {
    let live = left(|live| {
        live["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!("t");
    });
    let plan = run(json!({"spec": {}}), Some(live));
    assert_eq!(plan, run(json!({"spec": {}}), None));
}

#[test]
fn pods_that_would_be_restarted_stay_as_they_are_and_the_fields_are_named() {
    let live = left(|live| {
        image(live);
        live["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "fast"});
    });
    let plan = run(json!({"spec": {"clusterSize": 5}}), Some(live.clone()));
    let proposed = set(&plan);
    assert_eq!(proposed["spec"]["template"], live["spec"]["template"]);
    assert_eq!(proposed["spec"]["replicas"], 5, "what needs no restart goes on");
    assert!(proposed["metadata"]["annotations"]["hazelcast.com/pods-kept"].is_string());
    assert_eq!(plan.conditions(), [("AdoptionConsented", Status::False, "PodsWouldRestart")]);
    let told = format!("{plan:?}");
    assert!(told.contains("of their template, containers[hazelcast].image, nodeSelector would change"), "{told}");
    assert_eq!(plan.waits_for(), None, "later steps run");
}

#[test]
fn consent_lets_them_restart() {
    let object = json!({"metadata": {"annotations": {CONSENTED: "restart"}}, "spec": {}});
    let plan = run(object, Some(left(image)));
    assert_eq!(set(&plan)["spec"], set(&run(json!({"spec": {}}), None))["spec"]);
    assert_eq!(set(&plan)["metadata"].get("annotations"), None, "the mark goes");
    assert_eq!(plan.conditions(), [("AdoptionConsented", Status::True, "Consented")]);
}

/// As the set is after pods were kept for this specification.
fn kept(spec: Value) -> Value {
    let live = left(image);
    let mut kept = set(&run(json!({"spec": spec}), Some(live)));
    kept["metadata"]["labels"][LABEL_OWNER] = json!("uid");
    kept
}

#[test]
fn pods_stay_kept_when_only_the_size_changes() {
    let plan = run(json!({"metadata": {"generation": 2}, "spec": {"clusterSize": 5}}), Some(kept(json!({}))));
    assert_eq!(set(&plan)["spec"]["template"], kept(json!({}))["spec"]["template"]);
    assert_eq!(plan.conditions(), [("AdoptionConsented", Status::False, "PodsWouldRestart")]);
}

#[test]
fn a_changed_specification_that_wants_other_pods_gets_them() {
    let wanted = json!({"metadata": {"generation": 2}, "spec": {"version": "5.6.0"}});
    let plan = run(wanted.clone(), Some(kept(json!({}))));
    assert_eq!(set(&plan)["spec"], set(&run(wanted, None))["spec"]);
    assert_eq!(plan.conditions(), []);
}

#[test]
fn another_version_of_this_operator_changes_nothing_about_pods_that_are_kept() {
    let mut live = kept(json!({}));
    live["metadata"]["annotations"][ANNOTATION_KEPT] = json!("1-1");
    let plan = run(json!({"spec": {}}), Some(live.clone()));
    assert_eq!(set(&plan)["spec"]["template"], live["spec"]["template"]);
}

#[test]
fn pods_of_our_own_follow_the_specification() {
    let mut live = left(image);
    live["metadata"]["labels"][LABEL_OWNER] = json!("uid");
    let plan = run(json!({"spec": {}}), Some(live));
    assert_eq!(plan, run(json!({"spec": {}}), None));
}

#[test]
fn the_same_quantity_written_in_another_way_is_no_difference() {
    let of = |cpu: Value, memory: &str| json!({"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": cpu, "memory": memory}}}]}});
    assert_eq!(compare::differences(&of(json!("1"), "1Gi"), &of(json!("1000m"), "1024Mi")), [] as [&str; 0]);
    assert_eq!(
        compare::differences(&of(json!("1"), "1Gi"), &of(json!(2), "1G")),
        ["containers[a].resources.limits.cpu", "containers[a].resources.limits.memory"]
    );
}

#[test]
fn another_order_is_a_difference_because_it_restarts_pods() {
    let of = |first: &str, second: &str| json!({"spec": {"volumes": [{"name": first}, {"name": second}]}});
    assert_eq!(compare::differences(&of("a", "b"), &of("b", "a")), ["volumes[b].name", "volumes[a].name"]);
}
