use super::*;
use serde_json::json;

fn defaulted(group: &str, kind: &str, mut object: Value) -> Value {
    default(group, "v1", kind, &mut object);
    object
}

fn refusals(group: &str, kind: &str, old: Option<&Value>, new: &Value) -> Vec<String> {
    validate(group, "v1", kind, old, new).0.iter().map(ToString::to_string).collect()
}

fn stateful_set() -> Value {
    defaulted(
        "apps",
        "StatefulSet",
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s", "namespace": "n"},
            "spec": {
                "serviceName": "s",
                "selector": {"matchLabels": {"app": "s"}},
                "template": {
                    "metadata": {"labels": {"app": "s"}},
                    "spec": {"containers": [{"name": "main", "image": "pause:1"}]}
                }
            }
        }),
    )
}

#[test]
fn a_stateful_set_gets_the_defaults_of_a_real_server() {
    assert_eq!(
        stateful_set(),
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s", "namespace": "n"},
            "spec": {
                "replicas": 1, "serviceName": "s", "selector": {"matchLabels": {"app": "s"}},
                "template": {
                    "metadata": {"labels": {"app": "s"}},
                    "spec": {
                        "containers": [{
                            "name": "main", "image": "pause:1", "resources": {}, "imagePullPolicy": "IfNotPresent",
                            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"
                        }],
                        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                        "securityContext": {}, "schedulerName": "default-scheduler"
                    }
                },
                "podManagementPolicy": "OrderedReady",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "revisionHistoryLimit": 10,
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}
            },
            "status": {"replicas": 0, "availableReplicas": 0}
        })
    );
}

#[test]
fn defaulting_again_changes_nothing() {
    let once = stateful_set();
    assert_eq!(defaulted("apps", "StatefulSet", once.clone()), once);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "uid": "1"},
        "spec": {"containers": [{"name": "c", "image": "x"}]}
    });
    let once = defaulted("", "Pod", pod);
    assert_eq!(defaulted("", "Pod", once.clone()), once);
}

#[test]
fn quantities_are_stored_in_canonical_form_and_empty_values_not_at_all() {
    let pod = defaulted(
        "",
        "Pod",
        json!({"spec": {"containers": [{
            "name": "c", "image": "x@sha256:1", "env": [{"name": "A", "value": ""}],
            "resources": {"limits": {"cpu": "0.5", "memory": "1.5Gi"}}
        }]}}),
    );
    let container = pod.pointer("/spec/containers/0").expect("it is still there");
    let amounts = json!({"cpu": "500m", "memory": "1536Mi"});
    assert_eq!(container["resources"], json!({"limits": amounts, "requests": amounts}));
    assert_eq!(container["env"], json!([{"name": "A"}]));
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
}

#[test]
fn string_data_of_a_secret_wins_over_data() {
    let secret = json!({"data": {"x": "b2xk"}, "stringData": {"x": "over", "z": "text"}});
    assert_eq!(defaulted("", "Secret", secret), json!({"data": {"x": "b3Zlcg==", "z": "dGV4dA=="}, "type": "Opaque"}));
}

#[test]
fn most_of_a_stateful_set_is_fixed_for_life() {
    let old = stateful_set();
    let mut new = old.clone();
    new["spec"]["replicas"] = json!(5);
    assert_eq!(refusals("apps", "StatefulSet", Some(&old), &new), [""; 0]);
    new["spec"]["serviceName"] = json!("other");
    assert_eq!(
        refusals("apps", "StatefulSet", Some(&old), &new),
        [
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
        ]
    );
}

#[test]
fn a_selector_must_match_its_template() {
    let mut object = stateful_set();
    object["spec"]["template"]["metadata"]["labels"] = json!({"a": "c"});
    object["spec"]["template"]["spec"] = json!({"restartPolicy": "Never", "containers": []});
    object["spec"]["replicas"] = json!(-1);
    assert_eq!(
        refusals("apps", "StatefulSet", None, &object),
        [
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`",
            "spec.template.spec.containers: Required value",
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\""
        ]
    );
}

#[test]
fn a_wrong_pod_is_refused_field_by_field() {
    let pod = defaulted(
        "",
        "Pod",
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
            "spec": {
                "automountServiceAccountToken": false, "restartPolicy": "Sometimes",
                "containers": [{
                    "name": "c", "ports": [{"containerPort": 0}, {"containerPort": 70000}],
                    "volumeMounts": [{"name": "zz", "mountPath": "/z"}]
                }]
            }
        }),
    );
    assert_eq!(
        refusals("", "Pod", None, &pod),
        [
            "spec.containers[0].image: Required value",
            "spec.containers[0].ports[0].containerPort: Required value",
            "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            "spec.containers[0].volumeMounts[0].name: Not found: \"zz\"",
            "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\""
        ]
    );
}

#[test]
fn unknown_fields_are_found_in_depth_those_of_the_metadata_first() {
    let map = json!({"data": {"k": "1"}, "datta": {}, "metadata": {"name": "a", "lables": {}}});
    assert_eq!(unknown_fields("", "v1", "ConfigMap", &map), ["metadata.lables", "datta"]);
    let deployment = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "c", "imagePullPolicyy": "Always", "ports": [{"containerport": 1}]}
    ]}}}});
    assert_eq!(
        unknown_fields("apps", "v1", "Deployment", &deployment),
        [
            "spec.template.spec.containers[0].imagePullPolicyy",
            "spec.template.spec.containers[0].ports[0].containerport"
        ]
    );
}

#[test]
fn wrong_types_are_named_as_the_decoder_names_them() {
    for (group, kind, object, message) in [
        (
            "",
            "ConfigMap",
            json!({"data": {"a": 1}}),
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            "",
            "ConfigMap",
            json!({"metadata": {"name": true}}),
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string",
        ),
        (
            "",
            "ConfigMap",
            json!({"metadata": []}),
            "json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta",
        ),
        ("", "Secret", json!({"data": {"a": "%%%"}}), "illegal base64 data at input byte 0"),
        (
            "",
            "Pod",
            json!({"spec": {"containers": [{"resources": {"limits": {"memory": "one"}}}]}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            "coordination.k8s.io",
            "Lease",
            json!({"spec": {"renewTime": "2024-01-01T00:00:00Z"}}),
            "parsing time \"2024-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\"",
        ),
    ] {
        assert_eq!(type_error(group, "v1", kind, &object).as_deref(), Some(message));
    }
}

#[test]
fn the_address_of_a_service_stays() {
    let service = |address: &str| {
        defaulted(
            "",
            "Service",
            json!({"metadata": {"name": "s", "namespace": "n"}, "spec": {"clusterIP": address, "ports": [{"port": 80}]}}),
        )
    };
    assert_eq!(
        refusals("", "Service", Some(&service("10.96.0.5")), &service("None")),
        ["spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set"]
    );
}

#[test]
fn a_service_that_changes_its_type_drops_what_the_old_type_needed() {
    let service = |kind: &str| {
        json!({"spec": {
            "type": kind, "clusterIP": "10.96.0.5", "clusterIPs": ["10.96.0.5"], "externalTrafficPolicy": "Cluster",
            "allocateLoadBalancerNodePorts": true, "ports": [{"port": 80, "nodePort": 30001}]
        }, "status": {"loadBalancer": {"ingress": [{"ip": "10.97.0.1"}]}}})
    };
    let mut new = service("ClusterIP");
    drop_leftovers("", "Service", &service("LoadBalancer"), &mut new);
    let spec =
        json!({"type": "ClusterIP", "clusterIP": "10.96.0.5", "clusterIPs": ["10.96.0.5"], "ports": [{"port": 80}]});
    assert_eq!(new, json!({"spec": spec, "status": {"loadBalancer": {}}}));
}

#[test]
fn new_objects_may_come_with_a_warning() {
    let secret = json!({"type": "kubernetes.io/tls", "data": {"tls.crt": "eA==", "tls.key": "eA=="}});
    assert_eq!(warnings("", "Secret", &secret), ["tls: failed to find any PEM data in certificate input"]);
    assert_eq!(warnings("", "ConfigMap", &json!({})), [""; 0]);
}

#[test]
fn metadata_of_a_custom_resource_is_decoded_by_itself() {
    assert_eq!(
        metadata_type_error(&json!({"metadata": {"name": "x", "labels": {"a": 1}}})).as_deref(),
        Some("json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string")
    );
}
