use filbert_guest::{Review, Validation};
use serde_json::{Value, json};

use crate::validate::HazelcastRules;

fn paths(mut spec: Value) -> Vec<String> {
    // Rules of editions have tests of their own.
    if let Some(fields) = spec.as_object_mut() {
        fields.entry("licenseKeySecretName").or_insert_with(|| "key".into());
    }
    violations("library", spec)
}

fn violations(name: &str, spec: Value) -> Vec<String> {
    let verdict = HazelcastRules::validate(&Review::test(name, &json!({"spec": spec})));
    verdict.violations.into_iter().map(|violation| violation.path).collect()
}

fn warnings(spec: Value) -> Vec<String> {
    HazelcastRules::validate(&Review::test("library", &json!({"spec": spec}))).warnings
}

fn claim() -> Value {
    json!({"accessModes": ["ReadWriteOnce"]})
}

const NONE: [&str; 0] = [];

#[test]
fn admits_a_default_cluster_of_either_edition_without_a_warning() {
    for spec in [json!({}), json!({"licenseKeySecretName": "key"})] {
        assert_eq!(violations("library", spec.clone()), NONE);
        assert_eq!(warnings(spec), NONE);
    }
}

#[test]
fn rejects_names_that_cannot_name_a_service() {
    for name in ["1library", "library-", "a..b", "a_b"] {
        assert_eq!(violations(name, json!({})), ["metadata.name"], "{name}");
    }
    assert_eq!(violations("a.b-c", json!({})), NONE);
}

#[test]
fn rejects_access_by_member_with_one_address_for_all() {
    let spec = json!({"exposeExternally": {"type": "Unisocket", "memberAccess": "LoadBalancer"}});
    assert_eq!(paths(spec), ["spec.exposeExternally.memberAccess"]);
}

#[test]
fn rejects_discovery_that_leads_nowhere() {
    let spec = json!({"exposeExternally": {"discoveryServiceType": "ClusterIP"}});
    assert_eq!(paths(spec), ["spec.exposeExternally.discoveryServiceType"]);
}

#[test]
fn rejects_certificates_without_a_secret() {
    assert_eq!(paths(json!({"tls": {"secretName": "", "mutualAuthentication": "Required"}})), ["spec.tls.secretName"]);
    assert_eq!(paths(json!({"tls": {"secretName": "s"}})), NONE);
}

#[test]
fn rejects_persistence_without_a_claim_or_access_modes() {
    assert_eq!(paths(json!({"persistence": {}})), ["spec.persistence.pvc"]);
    assert_eq!(paths(json!({"persistence": {"pvc": {}}})), ["spec.persistence.pvc.accessModes"]);
    assert_eq!(paths(json!({"persistence": {"pvc": claim()}})), NONE);
}

#[test]
fn rejects_a_partial_start_with_full_recovery() {
    let spec = |policy| json!({"persistence": {"pvc": claim(), "startupAction": "PartialStart", "clusterDataRecoveryPolicy": policy}});
    assert_eq!(paths(spec("FullRecoveryOnly")), ["spec.persistence.startupAction"]);
    assert_eq!(paths(spec("PartialRecoveryMostRecent")), NONE);
}

#[test]
fn rejects_more_than_300_members() {
    assert_eq!(paths(json!({"clusterSize": 301})), ["spec.clusterSize"]);
    assert_eq!(paths(json!({"clusterSize": 300})), NONE);
}

#[test]
fn rejects_node_ports_for_other_clusters() {
    let spec = |kind| json!({"advancedNetwork": {"wan": [{"port": 5720, "portCount": 1, "serviceType": kind}]}});
    assert_eq!(paths(spec("NodePort")), ["spec.advancedNetwork.wan[0]"]);
    assert_eq!(paths(spec("ClusterIP")), NONE);
}

#[test]
fn rejects_ranges_of_ports_that_overlap_and_names_both() {
    let spec = json!({"licenseKeySecretName": "key", "advancedNetwork": {"wan": [{"port": 5002, "portCount": 3}, {"port": 5001, "portCount": 3}]}});
    let verdict = HazelcastRules::validate(&Review::test("library", &json!({"spec": spec})));
    let violation = &verdict.violations[0];
    assert_eq!((violation.path.as_str(), &violation.value), ("spec.advancedNetwork.wan", &Some("5001-5003".into())));
    assert_eq!(violation.message, "overlaps with the ports 5002-5004");
}

#[test]
fn rejects_ports_that_are_taken() {
    let spec = json!({"advancedNetwork": {"wan": [{"port": 5695, "portCount": 10}]}});
    assert_eq!(paths(spec), ["spec.advancedNetwork.wan[0]"]);
}

#[test]
fn rejects_lossless_restart_without_persistence() {
    let jet = json!({"instance": {"losslessRestartEnabled": true}});
    assert_eq!(paths(json!({"jet": jet})), ["spec.jet.instance.losslessRestartEnabled"]);
    assert_eq!(paths(json!({"jet": jet, "persistence": {"pvc": claim()}})), NONE);
}

#[test]
fn rejects_arguments_that_say_something_twice() {
    for (jvm, argument) in [
        (json!({"memory": {"initialRAMPercentage": "1"}}), "-XX:InitialRAMPercentage=2"),
        (json!({"memory": {"maxRAMPercentage": "1"}}), "-XX:MaxRAMPercentage=2"),
        (json!({"memory": {"minRAMPercentage": "1"}}), "-XX:MinRAMPercentage=2"),
        (json!({"gc": {"logging": false}}), "-verbose:gc"),
        (json!({"gc": {"collector": "Serial"}}), "-XX:+UseSerialGC"),
        (json!({"gc": {"collector": "Parallel"}}), "-XX:+UseParallelGC"),
        (json!({"gc": {"collector": "G1"}}), "-XX:+UseG1GC"),
    ] {
        let mut jvm = jvm;
        jvm["args"] = json!([argument]);
        assert_eq!(paths(json!({"jvm": jvm})), ["spec.jvm.args"], "{argument}");
    }
    assert_eq!(paths(json!({"jvm": {"args": ["-verbose:gc"], "gc": {"collector": "G1"}}})), NONE);
}

#[test]
fn rejects_persistence_with_memory_that_is_not_pooled() {
    let spec = |kind| json!({"persistence": {"pvc": claim()}, "nativeMemory": {"allocatorType": kind}});
    assert_eq!(paths(spec("STANDARD")), ["spec.nativeMemory.allocatorType"]);
    assert_eq!(paths(spec("POOLED")), NONE);
}

#[test]
fn rejects_a_kept_catalogue_without_persistence() {
    let spec = json!({"sql": {"catalogPersistenceEnabled": true}});
    assert_eq!(paths(spec), ["spec.sql.catalogPersistenceEnabled"]);
}

#[test]
fn rejects_devices_without_native_memory_or_claims() {
    let spec = json!({"localDevices": [{"name": "a", "pvc": claim()}, {"name": "b"}, {"name": "c", "pvc": {}}]});
    assert_eq!(paths(spec), ["spec.nativeMemory", "spec.localDevices[1].pvc", "spec.localDevices[2].pvc.accessModes"]);
}

#[test]
fn rejects_sizes_with_which_cp_does_not_work() {
    let spec = |size| json!({"clusterSize": size, "cpSubsystem": {"pvc": claim()}});
    for size in [1, 2, 4, 6, 8] {
        assert_eq!(paths(spec(size)), ["spec.clusterSize"], "{size}");
    }
    for size in [0, 3, 5, 7] {
        assert_eq!(paths(spec(size)), NONE, "{size}");
    }
}

#[test]
fn rejects_cp_without_any_claim() {
    assert_eq!(paths(json!({"cpSubsystem": {}})), ["spec.cpSubsystem.pvc"]);
    assert_eq!(paths(json!({"cpSubsystem": {}, "persistence": {"pvc": claim()}})), NONE);
}

#[test]
fn rejects_sessions_shorter_than_their_heartbeat_or_longer_than_a_missing_member_is_kept() {
    let spec = |cp: Value| {
        let mut cp = cp;
        cp["pvc"] = claim();
        json!({"cpSubsystem": cp})
    };
    let path = ["spec.cpSubsystem.sessionTTLSeconds"];
    assert_eq!(paths(spec(json!({"sessionTTLSeconds": 5}))), path);
    assert_eq!(paths(spec(json!({"missingCpMemberAutoRemovalSeconds": 299}))), path);
    assert_eq!(paths(spec(json!({"missingCpMemberAutoRemovalSeconds": 0}))), NONE);
}

#[test]
fn rejects_enterprise_features_of_open_source_members() {
    let spec = json!({
        "persistence": {"pvc": claim()}, "cpSubsystem": {}, "tls": {"secretName": "s"}, "userCodeNamespaces": {},
        "sql": {"catalogPersistenceEnabled": true},
    });
    assert_eq!(
        violations("library", spec.clone()),
        [
            "spec.persistence",
            "spec.cpSubsystem",
            "spec.tls",
            "spec.userCodeNamespaces",
            "spec.sql.catalogPersistenceEnabled"
        ]
    );
    assert_eq!(paths(spec.clone()), NONE);
    let mut own_image = spec;
    own_image["repository"] = "registry.example/ours".into();
    assert_eq!(violations("library", own_image), NONE);
}

#[test]
fn warns_of_what_has_no_effect() {
    let spec = json!({"nativeMemory": {}, "properties": {"hazelcast.persistence.auto.cluster.state": "false"}});
    assert_eq!(
        warnings(spec),
        [
            "spec.nativeMemory: open source members ignore it",
            "spec.properties[hazelcast.persistence.auto.cluster.state]: belongs to the operator, which sets it to true",
        ]
    );
}

#[test]
fn warns_of_enterprise_members_without_a_licence() {
    let warnings = warnings(json!({"repository": "docker.io/hazelcast/hazelcast-enterprise"}));
    assert_eq!(warnings, ["spec.licenseKeySecretName: enterprise members do not start without a licence"]);
}

#[test]
fn warns_of_fields_that_are_ignored() {
    let warnings = warnings(json!({"agent": {}}));
    assert_eq!(
        warnings,
        ["spec.agent: not acted on yet: pods wait for the Secret hazelcast-agent-cert, which is not made"]
    );
}
