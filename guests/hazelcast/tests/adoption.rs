//! What an existing operator left is taken over as it is: every field that we want in the pods' template has that value
//! already, so no pod restarts.

use std::env;
use std::path::{Path, PathBuf};

use filbert_guest::{Context, Defaults, Step};
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::steps::management_center::{CenterEntrance, CenterService, CenterSet};
use hazelcast::steps::{DiscoveryService, MemberSet};
use hazelcast_api::{Hazelcast, ManagementCenter};
use serde_json::{Value, json};

/// What was recorded; nothing where it is absent.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn recorded(folder: &str, file: &str) -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let conformance =
        env::var("FILBERT_CONFORMANCE").map_or_else(|_| PathBuf::from("../shared/conformance"), PathBuf::from);
    let text = std::fs::read_to_string(root.join(conformance).join("adoption").join(folder).join(file));
    let Ok(text) = text else {
        eprintln!("skipped: no recordings of existing installations; set FILBERT_CONFORMANCE");
        return None;
    };
    Some(serde_saphyr::from_str(&text).expect("YAML"))
}

/// Fields of `wanted` that `there` has not, or has with another value.
fn missing(wanted: &Value, there: &Value, path: &str, found: &mut Vec<String>) {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => {
            for (key, wanted) in wanted {
                missing(wanted, there.get(key).unwrap_or(&Value::Null), &format!("{path}/{key}"), found);
            }
        }
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
            for (index, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                missing(wanted, there, &format!("{path}/{index}"), found);
            }
        }
        (wanted, there) if wanted == there => {}
        (wanted, there) => found.push(format!("{path}: {wanted} instead of {there}")),
    }
}

fn differences(wanted: &Value, there: &Value) -> Vec<String> {
    let mut found = Vec::new();
    missing(wanted, there, "", &mut found);
    found
}

#[test]
fn the_pods_of_an_existing_cluster_stay() {
    let files = ["hazelcast-hazelcast.yaml", "statefulset-hazelcast.yaml", "service-hazelcast.yaml"];
    let [Some(cluster), Some(set), Some(service)] = files.map(|file| recorded("default-enterprise", file)) else {
        return;
    };
    let defaulted = Defaults::test::<HazelcastDefaults>("hazelcast", &json!({"spec": cluster["spec"]}));
    let cx = || Context::<Hazelcast>::test("hazelcast", json!({"spec": defaulted["spec"]}));
    let wanted = MemberSet::run(&cx()).expect("a plan").find("StatefulSet", "hazelcast").expect("a set");
    assert_eq!(differences(&wanted["spec"], &set["spec"]), Vec::<String>::new());
    let wanted = DiscoveryService::run(&cx()).expect("a plan").find("Service", "hazelcast").expect("a Service");
    assert_eq!(differences(&wanted["spec"], &service["spec"]), Vec::<String>::new());
}

#[test]
fn the_pod_of_an_existing_management_center_stays() {
    let files = ["managementcenter-mc.yaml", "statefulset-mc.yaml", "service-mc.yaml", "ingress-mc.yaml"];
    let [Some(center), Some(set), Some(service), Some(ingress)] = files.map(|file| recorded("management-center", file))
    else {
        return;
    };
    let defaulted = Defaults::test::<ManagementCenterDefaults>("mc", &json!({"spec": center["spec"]}));
    let cx = Context::<ManagementCenter>::test("mc", json!({"spec": defaulted["spec"]}));
    let wanted = CenterService::run(&cx).expect("a plan").find("Service", "mc").expect("a Service");
    let mut served = service["spec"].clone();
    for port in served["ports"].as_array_mut().expect("ports") {
        port.as_object_mut().expect("a port").remove("nodePort");
    }
    assert_eq!(differences(&wanted["spec"], &served), Vec::<String>::new());
    let wanted = CenterEntrance::run(&cx).expect("a plan").find("Ingress", "mc").expect("an Ingress");
    assert_eq!(differences(&wanted["spec"], &ingress["spec"]), Vec::<String>::new());
    let wanted = CenterSet::run(&cx).expect("a plan").find("StatefulSet", "mc").expect("a set");
    assert_eq!(differences(&wanted["spec"], &set["spec"]), Vec::<String>::new());
}
