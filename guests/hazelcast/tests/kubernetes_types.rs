//! Every object that a step proposes is one that Kubernetes knows: it survives the way through its type.

use filbert_guest::{Context, Plan};
use hazelcast::pipelines;
use hazelcast_api::{Hazelcast, ManagementCenter};
use k8s_openapi::api::{
    apps::v1 as apps, core::v1 as core, networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
    let typed: T = serde_json::from_value(object.clone()).expect("an object of its kind");
    serde_json::to_value(typed).expect("JSON")
}

fn check(object: &Value) {
    let there_and_back = match object["kind"].as_str().expect("a kind") {
        "ServiceAccount" => through::<core::ServiceAccount>(object),
        "Service" => through::<core::Service>(object),
        "Secret" => through::<core::Secret>(object),
        "ConfigMap" => through::<core::ConfigMap>(object),
        "StatefulSet" => through::<apps::StatefulSet>(object),
        "Role" => through::<rbac::Role>(object),
        "RoleBinding" => through::<rbac::RoleBinding>(object),
        "PodDisruptionBudget" => through::<policy::PodDisruptionBudget>(object),
        "Ingress" => through::<networking::Ingress>(object),
        // Ours: its definition is held against it by the API server.
        "HazelcastEndpoint" => object.clone(),
        "ClusterRole" => through::<rbac::ClusterRole>(object),
        "ClusterRoleBinding" => through::<rbac::ClusterRoleBinding>(object),
        other => unreachable!("no type for {other}"),
    };
    assert_eq!(&there_and_back, object);
}

fn everything() -> Value {
    let claim = json!({"accessModes": ["ReadWriteOnce"], "requestStorage": "8Gi", "storageClassName": "fast"});
    json!({
        "labels": {"team": "blue"}, "annotations": {"site": "north"}, "licenseKeySecretName": "key", "agent": {"resources": {"limits": {"cpu": "1"}}},
        "persistence": {"pvc": claim}, "cpSubsystem": {"pvc": claim}, "localDevices": [{"name": "disk", "pvc": claim}],
        "exposeExternally": {
            "annotations": {"cloud": "yes"}, "discoveryServiceType": "NodePort", "discoveryNodePort": 30701,
            "externalTrafficPolicy": "Local", "memberNodePorts": [30702],
        },
        "dataSafety": {"podDisruptionBudget": true, "requireSpread": true, "volumeClaimsWhenDeleted": "Delete"},
        "highAvailabilityMode": "ZONE", "imagePullSecrets": [{"name": "pull"}],
        "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "500m"}},
        "env": [{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "scheduling": {
            "priorityClassName": "high", "nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": 5}],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "k", "operator": "Exists"}]}]}}},
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "t", "whenUnsatisfiable": "DoNotSchedule"}],
        },
        "userCodeDeployment": {"configMaps": ["code"], "remoteURLs": ["https://x/a.jar"]}, "userCodeNamespaces": {}, "discovery": {"mode": "API"}, "liteMember": {"count": 1}, "envFrom": [{"configMapRef": {"name": "site"}}],
        "loggingConfiguration": {"configMapKeyRef": {"name": "logs", "key": "mine"}}, "initContainer": {"resources": {"limits": {"cpu": "1"}}},
        "moduleDeployment": {"configMaps": ["code", "more"], "bucketConfigs": [{"bucketURI": "s3://jars"}]},
        "jet": {"configMaps": ["jobs"], "bucketConfig": {"bucketURI": "s3://jobs", "secretName": "cloud"}},
        "tls": {"secretName": "harbour", "mutualAuthentication": "Required"},
        "advancedNetwork": {"wan": [{"name": "north", "port": 5720, "portCount": 2}]},
    })
}

fn cluster_plans(spec: &Value) -> Vec<Plan> {
    let cx = || Context::<Hazelcast>::test("library", json!({"spec": spec}));
    pipelines::CLUSTER.map(|(_, step)| step(&cx()).expect("a plan")).into()
}

#[test]
fn objects_of_a_cluster_survive_the_way_through_their_types() {
    for spec in [json!({}), json!({"licenseKeySecretName": "key"}), everything()] {
        for object in cluster_plans(&spec).iter().flat_map(Plan::applied) {
            check(&object);
        }
    }
}

#[test]
fn objects_of_a_management_center_survive_the_way_through_their_types() {
    let clusters = json!([{"name": "dev", "address": "library"}]);
    for spec in [
        json!({}),
        json!({"licenseKeySecretName": "key", "hazelcastClusters": clusters, "externalConnectivity": {"ingress": {"hostname": "h", "tlsSecretName": "front"}}}),
        json!({"securityProvider": {"ldap": {"url": "ldap://north", "credentialsSecretName": "reader"}}}),
        json!({"moduleDeployment": {"configMaps": ["code"], "remoteURLs": ["https://x/1.jar"]}, "agent": {"resources": {"limits": {"cpu": "1"}}}}),
        json!({"prometheusMonitoring": {"exporter": {}, "credentialsSecretName": "scrape"}}),
        json!({"persistence": {"existingVolumeClaimName": "old"}, "resources": {"limits": {"cpu": "1"}}}),
        json!({"persistence": {"storageClass": "fast", "size": 1024}, "scheduling": {"nodeSelector": {"a": "b"}}}),
    ] {
        let cx = || Context::<ManagementCenter>::test("tower", json!({"spec": spec}));
        for (_, step) in pipelines::MANAGEMENT_CENTER {
            for object in step(&cx()).expect("a plan").applied() {
                check(&object);
            }
        }
    }
}

#[test]
fn every_object_of_a_cluster_has_the_labels_that_select_it() {
    for object in cluster_plans(&everything()).iter().flat_map(Plan::applied) {
        let labels = &object["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/instance"], "library", "{}", object["kind"]);
        assert_eq!(labels["app.kubernetes.io/managed-by"], "hazelcast-platform-operator");
        assert_eq!(labels["team"], "blue");
    }
}
