use serde_json::{Value, json};

use super::*;

fn spec(spec: Value) -> Spec {
    serde_json::from_value(spec).expect("a specification")
}

fn inputs<'a>(spec: &'a Spec, referred: &'a Referred, layout: Layout) -> Inputs<'a> {
    let api_token = Some("token").filter(|_| spec.discovery.is_some());
    Inputs { name: "library", namespace: "shop", spec, api_token, is_lite: false, referred, layout }
}

fn written(spec: &Spec) -> String {
    document(sections(inputs(spec, &referred(), Layout::BaseDir))).to_yaml()
}

fn section(fields: Value, name: &str) -> Value {
    let text = written(&spec(fields));
    let read: Value = serde_saphyr::from_str(&text).expect("YAML");
    read["hazelcast"][name].clone()
}

#[test]
fn the_document_of_a_default_cluster() {
    insta::assert_snapshot!(written(&Spec::default()));
}

/// Known from existing installations: the bytes and their checksum.
#[test]
fn the_restart_checksum_of_a_cluster_with_jet_settings() {
    let spec = spec(json!({"jet": {"instance": {}}}));
    let expected = "hazelcast:
    jet:
        enabled: true
        resource-upload-enabled: false
        instance:
            flow-control-period: 100
            backup-count: 1
            scale-up-delay-millis: 10000
            lossless-restart-enabled: false
    cluster-name: dev
";
    assert_eq!(restart_document(&spec).to_yaml(), expected);
    assert_eq!(restart_checksum(&spec), 4_099_608_714);
}

#[test]
fn the_restart_checksum_changes_with_what_members_read_only_at_the_start() {
    let default = restart_checksum(&Spec::default());
    for changes in [
        json!({"clusterName": "blue"}),
        json!({"jet": {"enabled": false}}),
        json!({"userCodeDeployment": {"clientEnabled": true}}),
        json!({"cpSubsystem": {}}),
        json!({"tls": {"secretName": "harbour"}}),
    ] {
        assert_ne!(restart_checksum(&spec(changes.clone())), default, "{changes}");
    }
    for stays in [json!({"clusterSize": 5}), json!({"properties": {"a": "b"}}), json!({"executorServices": [{}]})] {
        assert_eq!(restart_checksum(&spec(stays.clone())), default, "{stays}");
    }
}

#[test]
fn properties_of_the_operator_win_and_others_are_peoples() {
    let properties = section(
        json!({"properties": {
            "hazelcast.persistence.auto.cluster.state": "false", "hazelcast.graceful.shutdown.max.wait": "30", "mine": "1",
        }}),
        "properties",
    );
    assert_eq!(
        properties,
        json!({
            "hazelcast.cluster.version.auto.upgrade.enabled": "true",
            "hazelcast.persistence.auto.cluster.state": "true",
            "hazelcast.shutdownhook.policy": "GRACEFUL",
            "hazelcast.graceful.shutdown.max.wait": "30",
            "mine": "1",
        })
    );
}

#[test]
fn an_empty_cluster_name_is_left_out() {
    assert_eq!(section(json!({"clusterName": ""}), "cluster-name"), Value::Null);
}

#[test]
fn jet_settings_appear_where_people_make_them() {
    let jet = section(
        json!({"jet": {"resourceUploadEnabled": true, "instance": {"cooperativeThreadCount": 2, "maxProcessorAccumulatedRecords": 7}, "edgeDefaults": {"queueSize": 64}}}),
        "jet",
    );
    assert_eq!(
        jet,
        json!({
            "enabled": true, "resource-upload-enabled": true,
            "instance": {
                "cooperative-thread-count": 2, "flow-control-period": 100, "backup-count": 1,
                "scale-up-delay-millis": 10000, "lossless-restart-enabled": false, "max-processor-accumulated-records": 7,
            },
            "edge-defaults": {"queue-size": 64},
        })
    );
}

#[test]
fn network_interfaces_and_endpoints_for_other_clusters_appear_where_people_name_them() {
    let network = section(
        json!({"advancedNetwork": {
            "memberServerSocketEndpointConfig": {"interfaces": ["10.0.*.*"]},
            "wan": [{"name": "north", "port": 5720, "portCount": 2}],
        }}),
        "advanced-network",
    );
    assert_eq!(
        network["member-server-socket-endpoint-config"],
        json!({"port": {"port": 5702, "port-count": 1}, "interfaces": {"enabled": true, "interfaces": ["10.0.*.*"]}})
    );
    assert_eq!(
        network["wan-server-socket-endpoint-config"],
        json!({"north": {"port": {"port": 5720, "port-count": 2}}})
    );
}

#[test]
fn members_take_names_of_nodes_for_addresses_where_people_say_so() {
    let network = section(json!({"exposeExternally": {"memberAccess": "NodePortNodeName"}}), "advanced-network");
    assert_eq!(network["join"]["kubernetes"]["use-node-name-as-external-address"], true);
}

#[test]
fn executors_are_written_by_name() {
    let fields = json!({
        "executorServices": [{"name": "a", "queueCapacity": 3}],
        "durableExecutorServices": [{"name": "b", "userCodeNamespace": "code"}],
        "scheduledExecutorServices": [{}],
    });
    assert_eq!(section(fields.clone(), "executor-service"), json!({"a": {"pool-size": 8, "queue-capacity": 3}}));
    assert_eq!(
        section(fields.clone(), "durable-executor-service"),
        json!({"b": {"pool-size": 16, "durability": 1, "capacity": 100, "user-code-namespace": "code"}})
    );
    assert_eq!(
        section(fields, "scheduled-executor-service"),
        json!({"default": {"pool-size": 16, "durability": 1, "capacity": 100, "capacity-policy": "PER_NODE"}})
    );
}

/// Members refuse number 0, plural names of lists, and entries that are no mappings.
#[test]
fn serialization_is_written_as_members_read_it() {
    let written = section(
        json!({"serialization": {
            "byteOrder": "Native",
            "portableFactories": ["a.P", "a.Q"],
            "compactSerialization": {"serializers": ["a.S"], "classes": ["a.C"]},
            "javaSerializationFilter": {"blacklist": {"classes": ["a.B"], "prefixes": ["x"]}},
            "globalSerializer": {"className": "a.G"},
            "serializers": [{"typeClass": "a.T", "className": "a.U"}],
        }}),
        "serialization",
    );
    assert_eq!(
        written,
        json!({
            "portable-version": 0, "use-native-byte-order": true, "byte-order": "BIG_ENDIAN",
            "enable-compression": false, "enable-shared-object": false, "allow-unsafe": false,
            "allow-override-default-serializers": false,
            "portable-factories": [{"factory-id": 1, "class-name": "a.P"}, {"factory-id": 2, "class-name": "a.Q"}],
            "global-serializer": {"class-name": "a.G"},
            "serializers": [{"type-class": "a.T", "class-name": "a.U"}],
            "java-serialization-filter": {"defaults-disabled": false, "blacklist": {"class": ["a.B"], "prefix": ["x"]}},
            "compact-serialization": {"serializers": [{"serializer": "a.S"}], "classes": [{"class": "a.C"}]},
        })
    );
}

#[test]
fn persistence_says_where_data_is_and_what_may_be_missing() {
    let persistence = section(
        json!({"persistence": {"clusterDataRecoveryPolicy": "PartialRecoveryMostRecent", "dataRecoveryTimeout": 0}}),
        "persistence",
    );
    assert_eq!(
        persistence,
        json!({
            "enabled": true, "base-dir": "/data/persistence/base-dir", "backup-dir": "/data/persistence/base-dir/hot-backup",
            "parallelism": 1, "validation-timeout-seconds": 120,
            "cluster-data-recovery-policy": "PARTIAL_RECOVERY_MOST_RECENT", "auto-remove-stale-data": true, "rebalance-delay-seconds": 0,
        })
    );
}

#[test]
fn memory_outside_the_heap_is_counted_in_the_unit_of_members() {
    let memory = section(json!({"nativeMemory": {"size": "1Gi", "allocatorType": "POOLED"}}), "native-memory");
    assert_eq!(memory["size"], json!({"value": 1024, "unit": "MEGABYTES"}));
    assert_eq!(memory["allocator-type"], "POOLED");
}

#[test]
fn the_cp_subsystem_has_as_many_members_as_the_cluster() {
    let cp =
        section(json!({"clusterSize": 5, "cpSubsystem": {"sessionTTLSeconds": 60}, "persistence": {}}), "cp-subsystem");
    assert_eq!(
        cp,
        json!({
            "cp-member-count": 5, "persistence-enabled": true, "base-dir": "/data/persistence/cp-data", "group-size": 5,
            "session-time-to-live-seconds": 60,
        })
    );
}

#[test]
fn devices_are_written_by_name() {
    let fields = json!({"localDevices": [{"name": "disk", "pvc": {"requestStorage": "1Ki"}}]});
    assert_eq!(section(fields.clone(), "local-device")["disk"]["capacity"], json!({"value": 1024, "unit": "BYTES"}));
    assert_eq!(section(fields, "properties")["hazelcast.tiered.store.force.enabled"], "true");
}

#[test]
fn smaller_sections_appear_where_people_ask_for_them() {
    assert_eq!(
        section(json!({"highAvailabilityMode": "NODE"}), "partition-group"),
        json!({"enabled": true, "group-type": "NODE_AWARE"})
    );
    assert_eq!(
        section(json!({"managementCenter": {"consoleEnabled": true}}), "management-center"),
        json!({"console-enabled": true})
    );
    assert_eq!(
        section(json!({"sql": {"statementTimeout": 5, "catalogPersistenceEnabled": true}}), "sql"),
        json!({"statement-timeout-millis": 5, "catalog-persistence-enabled": true})
    );
    assert_eq!(section(json!({"userCodeNamespaces": {}}), "user-code-namespaces"), json!({"enabled": true}));
    assert_eq!(section(json!({"sql": {}}), "sql"), Value::Null);
}

#[test]
fn connections_are_encrypted_where_people_name_certificates() {
    let network = |mutual: &str| {
        section(json!({"tls": {"secretName": "harbour", "mutualAuthentication": mutual}}), "advanced-network")
    };
    let store = |what: &str| {
        json!({
            format!("{what}Store"): "/data/hazelcast/hazelcast.jks", format!("{what}StorePassword"): "hazelcast",
            format!("{what}StoreType"): "JKS",
        })
    };
    let ssl = |mutual: Option<&str>| {
        let mut properties = json!({"protocol": "TLS"});
        let fields = properties.as_object_mut().expect("an object");
        fields.extend(store("key").as_object().expect("an object").clone());
        if let Some(mutual) = mutual {
            fields.insert("mutualAuthentication".to_owned(), mutual.into());
            fields.extend(store("trust").as_object().expect("an object").clone());
        }
        json!({"enabled": true, "factory-class-name": "com.hazelcast.nio.ssl.BasicSSLContextFactory", "properties": properties})
    };
    for (mutual, clients) in [("None", None), ("Optional", Some("OPTIONAL")), ("Required", Some("REQUIRED"))] {
        let network = network(mutual);
        assert_eq!(network["member-server-socket-endpoint-config"]["ssl"], ssl(Some("REQUIRED")), "{mutual}");
        assert_eq!(network["client-server-socket-endpoint-config"]["ssl"], ssl(clients), "{mutual}");
        assert_eq!(network["rest-server-socket-endpoint-config"]["ssl"], Value::Null);
    }
}

#[test]
fn members_with_disks_wait_for_those_that_come_back() {
    let properties = |fields| section(fields, "properties");
    let strategy = "hazelcast.persistence.auto.cluster.state.strategy";
    assert_eq!(properties(json!({"persistence": {}}))[strategy], "NO_MIGRATION");
    assert_eq!(properties(json!({"persistence": {}, "properties": {strategy: "FROZEN"}}))[strategy], "FROZEN");
    assert_eq!(properties(json!({}))[strategy], Value::Null);
}

#[test]
fn data_stays_where_an_early_operator_put_it() {
    let spec = spec(json!({"persistence": {}}));
    let document = |layout| document(sections(inputs(&spec, &Referred::default(), layout))).to_yaml();
    for layout in [Layout::BaseDir, Layout::Early] {
        assert_eq!(Layout::of_document(&document(layout)), layout);
    }
    assert!(document(Layout::Early).contains("base-dir: /data/persistence\n"));
    assert!(document(Layout::Early).contains("backup-dir: /data/persistence/hot-backup\n"));
    for other in ["", "hazelcast: {}", "no: [", "hazelcast:\n  persistence: {}"] {
        assert_eq!(Layout::of_document(other), Layout::BaseDir, "{other}");
    }
}

/// What readers of YAML 1.1 or 1.2 take for something else than a text, and what has a meaning in YAML.
const ODD: [&str; 40] = [
    "no",
    "NO",
    "Off",
    "y",
    "N",
    "true",
    "null",
    "Null",
    "~",
    "",
    " ",
    "1",
    "-1",
    "+1",
    "0123",
    "0o17",
    "0x1F",
    "0b1",
    "1_000",
    "1e3",
    "1.5",
    ".5",
    "-.inf",
    ".NaN",
    "190:20:30",
    "2001-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "=",
    "<<",
    "---",
    "...",
    "%TAG",
    "- a",
    "? a",
    "a: b",
    "a #b",
    "one\ntwo\n\n three\t",
    "\u{85}\u{2028}\u{feff}\u{fffe}",
    "\"'\\{}[],&*!|>@`",
    "\u{1f600} über",
];

#[test]
fn texts_of_people_are_read_back_as_the_texts_they_are() {
    for odd in ODD {
        let fields = json!({
            "clusterName": format!("{odd}x"), "properties": {"a": odd, odd: "b"},
            "executorServices": [{"name": odd}], "serialization": {"portableFactories": [odd]},
        });
        assert_eq!(section(fields.clone(), "cluster-name"), format!("{odd}x"));
        let properties = section(fields.clone(), "properties");
        assert_eq!((&properties["a"], &properties[odd]), (&json!(odd), &json!("b")), "{odd:?}");
        assert_eq!(section(fields.clone(), "executor-service")[odd]["pool-size"], 8, "{odd:?}");
        assert_eq!(section(fields, "serialization")["portable-factories"][0]["class-name"], odd, "{odd:?}");
    }
}

/// Readers of YAML 1.1 see more in a word without quotes than those of 1.2; so such a word must be none of what either knows.
#[test]
fn a_text_without_quotes_is_nothing_but_a_text_to_any_reader() {
    for odd in ODD {
        let text = Node::new().with("a", odd).to_yaml();
        let value = text.trim_start_matches("a: ").trim_end();
        assert!(value.starts_with('"') && value.ends_with('"'), "{odd:?} is written as {value}");
    }
}

#[test]
fn keys_of_any_length_are_read_back() {
    let key = "k".repeat(3_000);
    assert_eq!(section(json!({"properties": {key.clone(): "v"}}), "properties")[&key], "v");
}

fn kubernetes(fields: Value) -> Value {
    section(fields, "advanced-network")["join"]["kubernetes"].clone()
}

#[test]
fn members_ask_the_api_in_the_way_that_people_choose() {
    let with = |ways: Value| {
        let mut all = json!({
            "enabled": true, "service-per-pod-label-name": "hazelcast.com/service-per-pod", "service-per-pod-label-value": "true",
            "service-port": 5702, "api-token": "token",
        });
        all.as_object_mut().expect("an object").extend(ways.as_object().expect("an object").clone());
        all
    };
    for (discovery, ways) in [
        (json!({}), json!({"service-name": "library"})),
        (json!({"serviceName": "other"}), json!({"service-name": "other"})),
        (
            json!({"serviceLabelName": "a,b", "serviceLabelValue": "x,y"}),
            json!({"service-label-name": "a,b", "service-label-value": "x,y"}),
        ),
        (json!({"serviceLabelName": "a"}), json!({"service-label-name": "a", "service-label-value": "true"})),
        (json!({"podLabelName": "a", "podLabelValue": "b"}), json!({"pod-label-name": "a", "pod-label-value": "b"})),
        (json!({"wholeNamespace": true}), json!({})),
    ] {
        assert_eq!(kubernetes(json!({"discovery": discovery})), with(ways), "{discovery}");
    }
}

#[test]
fn every_knob_of_the_api_reaches_members() {
    let knobs = kubernetes(json!({"kubernetesMaster": "https://left", "discovery": {
        "namespace": "north", "resolveNotReadyAddresses": false, "exposeExternally": false, "servicePerPodLabelName": "s",
        "servicePerPodLabelValue": "v", "useNodeNameAsExternalAddress": true, "kubernetesApiRetries": 7,
        "kubernetesMaster": "https://api", "caCertificate": "one\ntwo\n", "servicePort": 0,
    }}));
    assert_eq!(
        knobs,
        json!({
            "enabled": true, "namespace": "north", "service-name": "library", "resolve-not-ready-addresses": false,
            "expose-externally": false, "use-node-name-as-external-address": true, "service-per-pod-label-name": "s",
            "service-per-pod-label-value": "v", "kubernetes-api-retries": 7, "kubernetes-master": "https://api",
            "api-token": "token", "ca-certificate": "one\ntwo\n", "service-port": 0,
        })
    );
    assert_eq!(kubernetes(json!({"kubernetesMaster": "https://left"}))["kubernetes-master"], "https://left");
}

#[test]
fn members_ask_the_name_service_for_nothing_but_a_name() {
    assert_eq!(
        kubernetes(json!({"discovery": {"mode": "DNS"}})),
        json!({"enabled": true, "service-dns": "library.shop.svc.cluster.local", "service-port": 5702})
    );
    assert_eq!(
        kubernetes(
            json!({"discovery": {"mode": "DNS", "serviceDns": "a.b", "serviceDnsTimeoutSeconds": 9, "servicePort": 5703}})
        ),
        json!({"enabled": true, "service-dns": "a.b", "service-dns-timeout": 9, "service-port": 5703})
    );
}

#[test]
fn the_port_for_clients_can_be_chosen() {
    let network =
        section(json!({"advancedNetwork": {"clientServerSocketEndpointConfig": {"port": 5801}}}), "advanced-network");
    assert_eq!(network["client-server-socket-endpoint-config"]["port"]["port"], 5801);
}

#[test]
fn how_data_is_kept_safe_can_be_chosen() {
    let fields = json!({
        "dataSafety": {"automaticClusterVersionUpgrade": false, "gracefulShutdownMaxWaitSeconds": 90},
        "persistence": {
            "automaticClusterState": false, "clusterStateStrategy": "FROZEN", "rebalanceDelaySeconds": 60, "removeStaleData": false,
        },
        "properties": {"hazelcast.graceful.shutdown.max.wait": "7"},
    });
    let properties = section(fields.clone(), "properties");
    assert_eq!(properties["hazelcast.cluster.version.auto.upgrade.enabled"], "false");
    assert_eq!(properties["hazelcast.graceful.shutdown.max.wait"], "90");
    assert_eq!(properties["hazelcast.persistence.auto.cluster.state"], "false");
    assert_eq!(properties["hazelcast.persistence.auto.cluster.state.strategy"], "FROZEN");
    let persistence = section(fields.clone(), "persistence");
    assert_eq!(
        (&persistence["auto-remove-stale-data"], &persistence["rebalance-delay-seconds"]),
        (&json!(false), &json!(60))
    );
    assert_eq!(grace_seconds(&spec(fields)), 120);
    assert_eq!(grace_seconds(&spec(json!({"properties": {"hazelcast.graceful.shutdown.max.wait": "7"}}))), 37);
    assert_eq!(grace_seconds(&Spec::default()), 600);
    let longest = json!({"properties": {"hazelcast.graceful.shutdown.max.wait": i64::MAX.to_string()}});
    assert_eq!(grace_seconds(&spec(longest)), i64::MAX);
}

fn referred() -> Referred {
    let mut referred = Referred::default();
    let map =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    referred.add("Secret", "ann", map(&[("username", "ann"), ("password", "no")]));
    referred.add("ConfigMap", "options", map(&[("a", "1"), ("b", "2")]));
    referred
}

#[test]
fn who_may_connect_and_do_what_is_written_with_names_and_passwords() {
    let written = section(
        json!({"security": {
            "operatorClientSecretName": "ann",
            "realms": [
                {"name": "people", "authentication": {"simple": {"users": [{"secretName": "ann", "roles": ["root"]}]}}},
                {"name": "others", "authentication": {"jaas": [{
                    "className": "a.Login", "usage": "SUFFICIENT", "properties": {"b": "3"},
                    "propertiesFrom": [{"configMapRef": {"name": "options"}}],
                }]}},
            ],
            "clientAuthentication": {"realm": "people"},
            "clientPermissions": {
                "priorityGrant": true, "onJoinOperation": "SEND", "all": {"principal": "root"},
                "permissions": {"map": [{"name": "no", "principal": "shop", "endpoints": ["10.0.*.*"], "actions": ["read"], "deny": true}],
                    "userCodeDeployment": [{"principal": "shop"}]},
            },
        }}),
        "security",
    );
    assert_eq!(
        written,
        json!({
            "enabled": true,
            "realms": [
                {"name": "people", "authentication": {"simple": {"users": [{"username": "ann", "password": "no", "roles": ["root"]}]}}},
                {"name": "others", "authentication": {"jaas": [{
                    "class-name": "a.Login", "usage": "SUFFICIENT", "properties": {"a": "1", "b": "3"},
                }]}},
            ],
            "client-authentication": {"realm": "people"},
            "client-permissions": {
                "priority-grant": true, "on-join-operation": "SEND", "all": {"principal": "root"},
                "map": [{"name": "no", "principal": "shop", "endpoints": ["10.0.*.*"], "actions": ["read"], "deny": true}],
                "user-code-deployment": [{"principal": "shop"}],
            },
        })
    );
}
