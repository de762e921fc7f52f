use filbert_guest::k8s::StatefulSet;
use serde_json::{Value, json};

use super::*;

fn center() -> Context<ManagementCenter> {
    Context::test("tower", json!({"spec": {}}))
}

fn set(ready: i32) -> Value {
    json!({
        "metadata": {"name": "tower", "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": ready, "updatedReplicas": 1},
    })
}

fn service(ingress: Value) -> Value {
    json!({
        "metadata": {"name": "tower"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 8080}, {"port": 443}]},
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

#[test]
fn runs_when_its_pod_is_ready() {
    let plan = CenterStatus::run(&center().with(StatefulSet::TYPE, set(1))).expect("a plan");
    let expected = json!({"phase": "Running", "message": "", "externalAddresses": ""});
    assert_eq!(plan.status_fragment(), Some(expected));
    assert_eq!(plan.waits_for(), None);
    assert_eq!(plan.conditions(), [("ClustersObserved", Status::Unknown, "NotConnected")]);
}

#[test]
fn waits_for_its_pod() {
    for cx in [center(), center().with(StatefulSet::TYPE, set(0))] {
        let plan = CenterStatus::run(&cx).expect("a plan");
        assert_eq!(plan.waits_for().map(|(reason, _)| reason), Some("PodStarting"));
    }
}

#[test]
fn says_where_load_balancers_let_people_in() {
    let addresses = |ingress| {
        let cx = center().with(Service::TYPE, service(ingress));
        CenterStatus::run(&cx).expect("a plan").status_fragment().expect("a status")["externalAddresses"].clone()
    };
    assert_eq!(addresses(json!([{"ip": "1.2.3.4"}])), "1.2.3.4:8080,1.2.3.4:443");
    assert_eq!(addresses(json!([{"hostname": "lb.example"}])), "lb.example:8080,lb.example:443");
    assert_eq!(addresses(json!([{"ip": "fd00::1"}])), "[fd00::1]:8080,[fd00::1]:443");
    assert_eq!(addresses(json!([])), "");
}
