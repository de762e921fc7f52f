use filbert_guest::{Context, Review, Validation};
use hazelcast_api::Hazelcast;
use serde_json::{Value, json};

use super::RULES;
use crate::validate::HazelcastRules;
use crate::validate::cases::{Case, begin_with, check, violations, warnings};

/// Enterprise, so that rules about editions keep out of it.
fn licensed(mut spec: Value) -> Value {
    if let Some(fields) = spec.as_object_mut() {
        fields.entry("licenseKeySecretName").or_insert_with(|| "key".into());
    }
    spec
}

fn case(rule: &'static str, broken: Value, expected: &'static [&'static str], kept: Value) -> Case {
    Case(rule, licensed(broken), expected, licensed(kept))
}

fn claim() -> Value {
    json!({"accessModes": ["ReadWriteOnce"]})
}

fn persistent(mut more: Value) -> Value {
    more["persistence"] = json!({"pvc": claim()});
    more
}

fn cp(mut cp: Value) -> Value {
    cp["pvc"] = claim();
    json!({"cpSubsystem": cp})
}

fn wan(endpoints: Value) -> Value {
    json!({"advancedNetwork": {"wan": endpoints}})
}

/// Arguments beside what they repeat, and beside something else.
fn twice(rule: &'static str, jvm: Value, argument: &str, expected: &'static [&'static str]) -> Case {
    let with = |argument: &str| {
        let mut jvm = jvm.clone();
        jvm["args"] = json!(["-Dfirst=1", argument]);
        json!({"jvm": jvm})
    };
    case(rule, with(argument), expected, with("-Dother=1"))
}

fn security(mut change: Value) -> Value {
    let mut security = json!({
        "operatorClientSecretName": "ops",
        "realms": [{"name": "people", "authentication": {"simple": {"users": [{"secretName": "ops", "roles": ["root"]}]}}}],
        "clientAuthentication": {"realm": "people"},
        "clientPermissions": {"all": {"principal": "root"}},
    });
    let (into, from) = (security.as_object_mut().expect("an object"), change.as_object_mut().expect("an object"));
    into.append(from);
    json!({"security": security})
}

fn discovery(discovery: Value) -> Value {
    json!({"discovery": discovery})
}

fn exposure() -> Vec<Case> {
    vec![
        case(
            "HZ-02",
            json!({"exposeExternally": {"type": "Unisocket", "memberAccess": "LoadBalancer"}, "clusterName": "blue"}),
            &["spec.exposeExternally.memberAccess: Forbidden: "],
            json!({"exposeExternally": {"type": "Smart", "memberAccess": "LoadBalancer"}}),
        ),
        case(
            "HZ-04",
            json!({"exposeExternally": {"discoveryServiceType": "ClusterIP"}}),
            &[r#"spec.exposeExternally.discoveryServiceType: Invalid value: "ClusterIP": "#],
            json!({"exposeExternally": {"discoveryServiceType": "NodePort"}}),
        ),
        case(
            "HZ-12",
            json!({"clusterSize": 301}),
            &["spec.clusterSize: Invalid value: 301: "],
            json!({"clusterSize": 300}),
        ),
        case(
            "HZ-13",
            wan(
                json!([{"port": 5720, "serviceType": "ClusterIP"}, {"port": 5730, "name": "b", "serviceType": "ExternalName"}]),
            ),
            &["spec.advancedNetwork.wan[1]: Forbidden: "],
            wan(json!([{"port": 5720, "serviceType": "NodePort"}])),
        ),
        case(
            "HZ-14",
            wan(json!([{"port": 5002, "portCount": 3}, {"port": 5001, "portCount": 3}])),
            &[r#"spec.advancedNetwork.wan: Invalid value: "5001-5003": overlaps with the ports 5002-5004"#],
            wan(json!([{"port": 5004, "portCount": 3}, {"port": 5001, "portCount": 3}])),
        ),
        // A wide range hides none of those in it.
        case(
            "HZ-14",
            wan(json!([{"port": 5000, "portCount": 50}, {"port": 5001}, {"port": 5020}])),
            &[
                r#"spec.advancedNetwork.wan: Invalid value: "5000-5049": overlaps with the ports 5001-5001"#,
                r#"spec.advancedNetwork.wan: Invalid value: "5000-5049": overlaps with the ports 5020-5020"#,
            ],
            wan(json!([{"port": 5000, "portCount": 20}, {"port": 5020}])),
        ),
        case(
            "HZ-15",
            wan(json!([{"port": 5800}, {"port": 5701, "portCount": 20}])),
            &[r#"spec.advancedNetwork.wan[1]: Invalid value: "5701-5720": "#],
            wan(json!([{"port": 5800}, {"port": 5703, "portCount": 20}])),
        ),
        case(
            "HZ-15",
            json!({"advancedNetwork": {"clientServerSocketEndpointConfig": {"port": 5801}, "wan": [{"port": 5801}]}}),
            &[r#"spec.advancedNetwork.wan[0]: Invalid value: "5801-5801": "#],
            json!({"advancedNetwork": {"clientServerSocketEndpointConfig": {"port": 5801}, "wan": [{"port": 5701}]}}),
        ),
        case(
            "HZ-N07",
            json!({"jvm": {"debug": {"enabled": true, "port": 5701}}, "advancedNetwork": {"clientServerSocketEndpointConfig": {"port": 8081}}}),
            &["spec.advancedNetwork.clientServerSocketEndpointConfig.port: Invalid value: 8081: "],
            json!({"jvm": {"debug": {"enabled": true, "port": 5005}}, "advancedNetwork": {"clientServerSocketEndpointConfig": {"port": 5801}}}),
        ),
        case(
            "HZ-N07",
            json!({"jvm": {"debug": {"enabled": true, "port": 5701}}, "liteMember": {"count": 1, "jvm": {"debug": {"enabled": true, "port": 5710}}}}),
            &["spec.jvm.debug.port: Invalid value: 5701: ", "spec.liteMember.jvm.debug.port: Invalid value: 5710: "],
            json!({"jvm": {"debug": {"enabled": true, "port": 5701, "attach": "me:1"}}, "liteMember": {"count": 1, "jvm": {"debug": {"port": 5710}}}}),
        ),
        case(
            "HZ-N08",
            wan(json!([{"serviceType": "WithExposeExternally"}])),
            &["spec.advancedNetwork.wan[0].serviceType: Forbidden: "],
            json!({"exposeExternally": {}, "advancedNetwork": {"wan": [{"serviceType": "WithExposeExternally"}]}}),
        ),
    ]
}

fn data() -> Vec<Case> {
    vec![
        case(
            "HZ-08",
            json!({"persistence": {}}),
            &["spec.persistence.pvc: Required value: "],
            json!({"persistence": {"pvcName": "data"}, "persistenceVolumeClaims": [{"name": "data", "accessModes": ["ReadWriteOnce"]}]}),
        ),
        case(
            "HZ-09",
            json!({"persistence": {"pvc": {}}}),
            &["spec.persistence.pvc.accessModes: Required value: "],
            json!({"persistence": {"pvc": {"accessModes": []}}}),
        ),
        case(
            "HZ-10",
            json!({"persistence": {"pvc": claim(), "startupAction": "PartialStart", "clusterDataRecoveryPolicy": "FullRecoveryOnly"}}),
            &["spec.persistence.startupAction: Forbidden: "],
            json!({"persistence": {"pvc": claim(), "startupAction": "PartialStart", "clusterDataRecoveryPolicy": "PartialRecoveryMostRecent"}}),
        ),
        case(
            "HZ-17",
            json!({"jet": {"instance": {"losslessRestartEnabled": true}}}),
            &["spec.jet.instance.losslessRestartEnabled: Forbidden: "],
            json!({"jet": {"enabled": false, "instance": {"losslessRestartEnabled": true}}}),
        ),
        case(
            "HZ-28",
            persistent(json!({"nativeMemory": {"allocatorType": "STANDARD"}})),
            &["spec.nativeMemory.allocatorType: Required value: "],
            persistent(json!({"nativeMemory": {"allocatorType": "POOLED"}})),
        ),
        case(
            "HZ-29",
            json!({"sql": {"catalogPersistenceEnabled": true}}),
            &["spec.sql.catalogPersistence: Forbidden: "],
            persistent(json!({"sql": {"catalogPersistenceEnabled": true}})),
        ),
        case(
            "HZ-30",
            json!({"localDevices": [{"name": "a", "pvc": claim()}]}),
            &["spec.nativeMemory: Required value: "],
            json!({"localDevices": [{"name": "a", "pvc": claim()}], "nativeMemory": {}}),
        ),
        case(
            "HZ-31",
            json!({"nativeMemory": {}, "localDevices": [{"name": "a"}, {"name": "b"}]}),
            &["spec.localDevices.pvc: Required value: "],
            json!({"nativeMemory": {}, "localDevices": [{"name": "a", "pvc": claim()}]}),
        ),
        case(
            "HZ-32",
            json!({"nativeMemory": {}, "localDevices": [{"name": "a", "pvc": {}}, {"name": "b", "pvc": {}}]}),
            &["spec.localDevices.pvc.accessModes: Required value: "],
            json!({"nativeMemory": {}, "localDevices": [{"name": "a", "pvc": {"accessModes": []}}]}),
        ),
        case(
            "HZ-33",
            json!({"clusterSize": 4, "cpSubsystem": {"pvc": claim()}}),
            &["spec.clusterSize: Invalid value: 4: "],
            json!({"clusterSize": 0, "cpSubsystem": {"pvc": claim()}}),
        ),
        case(
            "HZ-34",
            json!({"cpSubsystem": {}}),
            &["spec.cpSubsystem.pvc: Required value: "],
            persistent(json!({"cpSubsystem": {}})),
        ),
        case(
            "HZ-35",
            cp(json!({"sessionTTLSeconds": 5})),
            &["spec.cpSubsystem.sessionTTLSeconds: Invalid value: 5: "],
            cp(json!({"sessionTTLSeconds": 6})),
        ),
        case(
            "HZ-36",
            cp(json!({"missingCpMemberAutoRemovalSeconds": 299})),
            &["spec.cpSubsystem.sessionTTLSeconds: Invalid value: 300: "],
            cp(json!({"missingCpMemberAutoRemovalSeconds": 0})),
        ),
        case(
            "HZ-N02",
            json!({
                "persistence": {"pvc": claim(), "pvcName": "data"}, "cpSubsystem": {"pvc": claim(), "pvcName": "data"},
                "persistenceVolumeClaims": [{"name": "data"}],
            }),
            &["spec.persistence.pvcName: Forbidden: ", "spec.cpSubsystem.pvcName: Forbidden: "],
            json!({"persistence": {"pvcName": "data"}, "cpSubsystem": {"pvcName": "data"}, "persistenceVolumeClaims": [{"name": "data"}]}),
        ),
        case(
            "HZ-N03",
            json!({"diagnostics": {"pvcName": "logs"}, "persistenceVolumeClaims": [{"name": "data"}]}),
            &[r#"spec.diagnostics.pvcName: Not found: "logs": "#],
            json!({"diagnostics": {"pvcName": "data"}, "persistenceVolumeClaims": [{"name": "data"}]}),
        ),
        case(
            "HZ-N04",
            persistent(
                json!({"persistenceVolumeClaims": [{"name": "data"}, {"name": "data"}, {"name": "Data"}, {"name": "persistence"}, {"name": "tmp-vol"}]}),
            ),
            &[
                r#"spec.persistenceVolumeClaims[1].name: Duplicate value: "data": "#,
                r#"spec.persistenceVolumeClaims[2].name: Invalid value: "Data": "#,
                r#"spec.persistenceVolumeClaims[3].name: Invalid value: "persistence": "#,
                r#"spec.persistenceVolumeClaims[4].name: Invalid value: "tmp-vol": "#,
            ],
            json!({"persistenceVolumeClaims": [{"name": "data"}, {"name": "persistence"}]}),
        ),
    ]
}

fn virtual_machine() -> Vec<Case> {
    const ARGS: &[&str] = &[r#"spec.jvm.args: Duplicate value: ""#];
    let memory = |field: &str| json!({"memory": {field: "1"}});
    vec![
        twice("HZ-18", memory("initialRAMPercentage"), "-XX:InitialRAMPercentage=2", ARGS),
        twice("HZ-19", memory("maxRAMPercentage"), "-XX:MaxRAMPercentage=2", ARGS),
        twice("HZ-20", memory("minRAMPercentage"), "-XX:MinRAMPercentage=2", ARGS),
        twice("HZ-21", json!({"gc": {"logging": false}}), "-verbose:gc", ARGS),
        twice("HZ-22", json!({"gc": {"collector": "Serial"}}), "-XX:+UseSerialGC", ARGS),
        twice("HZ-23", json!({"gc": {"collector": "Parallel"}}), "-XX:+UseParallelGC", ARGS),
        twice("HZ-24", json!({"gc": {"collector": "G1"}}), "-XX:+UseG1GC", ARGS),
        case(
            "HZ-24",
            json!({"liteMember": {"count": 1, "jvm": {"gc": {"collector": "G1"}, "args": ["-XX:+UseG1GC"]}}}),
            &[r#"spec.liteMember.jvm.args: Duplicate value: "-XX:+UseG1GC": "#],
            json!({"jvm": {"gc": {"collector": "Serial"}, "args": ["-XX:+UseG1GC"]}}),
        ),
        case(
            "HZ-N05",
            json!({"diagnostics": {}, "jvm": {"args": ["-Dhazelcast.diagnostics.enabled=true"]}}),
            &["spec.jvm.args: Forbidden: "],
            json!({"jvm": {"args": ["-Dhazelcast.diagnostics.enabled=true"]}}),
        ),
        case(
            "HZ-N06",
            json!({"jvm": {"debug": {"enabled": true, "attach": "workstation"}}}),
            &[r#"spec.jvm.debug.attach: Invalid value: "workstation": must be host:port"#],
            json!({"jvm": {"debug": {"enabled": true, "attach": "workstation:5005"}}}),
        ),
        case(
            "HZ-N01",
            json!({"customConfigCmName": "a", "customConfigSecretName": "b"}),
            &["spec.customConfigSecretName: Forbidden: "],
            json!({"customConfigCmName": "", "customConfigSecretName": "b"}),
        ),
        case(
            "HZ-N09",
            json!({"env": [{"name": "A"}, {"name": ""}], "liteMember": {"count": 1, "env": [{}]}}),
            &["spec.env[1].name: Required value: ", "spec.liteMember.env[0].name: Required value: "],
            json!({"env": [{"name": "A"}], "liteMember": {"count": 1, "env": [{"name": "B"}]}}),
        ),
        case(
            "HZ-N10",
            json!({"liteMember": {"count": -1}}),
            &["spec.liteMember.count: Invalid value: -1: "],
            json!({"liteMember": {"count": 0}}),
        ),
    ]
}

fn finding_each_other() -> Vec<Case> {
    vec![
        case(
            "HZ-N11",
            discovery(json!({"serviceName": "a", "podLabelName": "b", "podLabelValue": "c"})),
            &["spec.discovery: Forbidden: choose members in one way, not by serviceName and podLabelName"],
            discovery(json!({"serviceName": "a", "wholeNamespace": false})),
        ),
        case(
            "HZ-N12",
            discovery(json!({"mode": "DNS", "serviceName": "a", "namespace": "b"})),
            &["spec.discovery.namespace: Forbidden: ", "spec.discovery.serviceName: Forbidden: "],
            discovery(json!({"mode": "DNS", "serviceDns": "a", "serviceDnsTimeoutSeconds": 1, "servicePort": 1})),
        ),
        case(
            "HZ-N12",
            discovery(json!({"serviceDns": "a"})),
            &["spec.discovery.serviceDns: Forbidden: has no meaning with mode API"],
            discovery(json!({"serviceName": "a", "servicePort": 1})),
        ),
        case(
            "HZ-N13",
            discovery(json!({"podLabelName": "a,b", "podLabelValue": "c"})),
            &[
                r#"spec.discovery.podLabelValue: Invalid value: "c": must list as many values as podLabelName lists labels (2)"#,
            ],
            discovery(json!({"podLabelName": "a,b", "podLabelValue": "c,d"})),
        ),
        case(
            "HZ-N13",
            discovery(json!({"serviceLabelName": "a,b"})),
            &[r#"spec.discovery.serviceLabelValue: Invalid value: "true": "#],
            discovery(json!({"serviceLabelName": "a"})),
        ),
        case(
            "HZ-N14",
            json!({"discovery": {"mode": "DNS"}, "highAvailabilityMode": "ZONE"}),
            &["spec.highAvailabilityMode: Forbidden: "],
            json!({"discovery": {"mode": "API"}, "highAvailabilityMode": "ZONE"}),
        ),
        case(
            "HZ-N15",
            json!({"discovery": {"mode": "DNS", "serviceDns": "a"}, "exposeExternally": {"type": "Smart"}}),
            &["spec.discovery.mode: Forbidden: "],
            json!({"discovery": {"mode": "DNS", "serviceDns": "a"}, "exposeExternally": {"type": "Unisocket"}}),
        ),
        case(
            "HZ-N15",
            json!({"discovery": {"mode": "DNS"}, "exposeExternally": {"type": "Unisocket"}}),
            &["spec.discovery.mode: Forbidden: "],
            json!({"discovery": {"mode": "DNS"}}),
        ),
        case(
            "HZ-N16",
            json!({"discovery": {"kubernetesMaster": "https://a"}, "kubernetesMaster": "https://b"}),
            &[r#"spec.discovery.kubernetesMaster: Duplicate value: "https://a": "#],
            json!({"discovery": {"kubernetesMaster": "https://a"}, "kubernetesMaster": "https://a"}),
        ),
    ]
}

fn who_may_connect() -> Vec<Case> {
    let realm = |name: &str| json!({"name": name, "authentication": {"jaas": [{"className": "a.B"}]}});
    vec![
        case(
            "HZ-06",
            json!({"tls": {"secretName": "", "mutualAuthentication": "Required"}}),
            &["spec.tls.secretName: Required value: "],
            json!({"tls": {"secretName": "s", "mutualAuthentication": "Required"}}),
        ),
        case(
            "HZ-N17",
            security(json!({"realms": [realm("people"), realm("people")]})),
            &[r#"spec.security.realms[1].name: Duplicate value: "people": "#],
            security(json!({"realms": [realm("people"), realm("others")]})),
        ),
        case(
            "HZ-N18",
            security(
                json!({"realms": [realm("people"), {"name": "b", "authentication": {"simple": {}, "jaas": [{"className": "a.B"}]}}]}),
            ),
            &["spec.security.realms[1].authentication: Forbidden: "],
            security(json!({"realms": [realm("people")]})),
        ),
        case(
            "HZ-N19",
            security(json!({"clientAuthentication": {"realm": "nobody"}})),
            &[r#"spec.security.clientAuthentication.realm: Not found: "nobody": "#],
            security(json!({})),
        ),
        case(
            "HZ-N20",
            security(json!({"operatorClientSecretName": "nobody"})),
            &[r#"spec.security.operatorClientSecretName: Not found: "nobody": "#],
            security(json!({})),
        ),
        case(
            "HZ-N21",
            security(json!({"clientPermissions": {"all": {"principal": "shop"}}})),
            &[r#"spec.security.clientPermissions.all.principal: Invalid value: "shop": "#],
            security(json!({"clientPermissions": {"all": {}}})),
        ),
        case(
            "HZ-N23",
            json!({"exposeExternally": {"discoveryNodePort": 30_701, "memberAccess": "LoadBalancer", "memberNodePorts": [30_701]}}),
            &[
                "spec.exposeExternally.discoveryNodePort: Forbidden: ",
                "spec.exposeExternally.memberNodePorts: Forbidden: ",
                "spec.exposeExternally.memberNodePorts[0]: Duplicate value: 30701",
            ],
            json!({"clusterName": "shop", "exposeExternally": {"discoveryServiceType": "NodePort", "discoveryNodePort": 30_701, "memberNodePorts": [30_702]}}),
        ),
        case(
            "HZ-N24",
            json!({"exposeExternally": {"loadBalancerSourceRanges": ["203.0.113.0/24", "::/129", "10.0.0.1", "north/8"]}}),
            &[
                r#"spec.exposeExternally.loadBalancerSourceRanges[1]: Invalid value: "::/129": "#,
                r#"spec.exposeExternally.loadBalancerSourceRanges[2]: Invalid value: "10.0.0.1": "#,
                r#"spec.exposeExternally.loadBalancerSourceRanges[3]: Invalid value: "north/8": "#,
            ],
            json!({"exposeExternally": {"loadBalancerSourceRanges": ["203.0.113.0/24", "2001:db8::/32"]}}),
        ),
        case(
            "HZ-N21",
            security(json!({"clientPermissions": {}})),
            &["spec.security.clientPermissions.all: Required value: "],
            security(json!({"realms": [realm("people")]})),
        ),
        Case(
            "HZ-N22",
            json!({
                "persistence": {"pvc": claim()}, "cpSubsystem": {}, "tls": {"secretName": "s"}, "userCodeNamespaces": {},
                "sql": {"catalogPersistenceEnabled": true},
            }),
            &[
                "spec.persistence: Forbidden: needs the enterprise edition",
                "spec.cpSubsystem: Forbidden: needs the enterprise edition",
                "spec.tls: Forbidden: needs the enterprise edition",
                "spec.userCodeNamespaces: Forbidden: needs the enterprise edition",
                "spec.sql.catalogPersistenceEnabled: Forbidden: needs the enterprise edition",
            ],
            json!({"persistence": {"pvc": claim()}, "repository": "registry.example/ours"}),
        ),
    ]
}

#[test]
fn each_rule_refuses_what_breaks_it_and_admits_its_neighbour() {
    let cases: Vec<_> = [exposure(), data(), virtual_machine(), finding_each_other(), who_may_connect()]
        .into_iter()
        .flatten()
        .collect();
    let rules: Vec<_> = RULES.iter().map(|(rule, _)| *rule).collect();
    check::<HazelcastRules>(&cases, &rules);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let spec = licensed(json!({
        "persistence": {"startupAction": "PartialStart", "clusterDataRecoveryPolicy": "FullRecoveryOnly"},
        "clusterSize": 5000, "advancedNetwork": {"wan": [{"port": 5701, "portCount": 20}, {"port": 5709, "portCount": 1}]},
        "exposeExternally": {"type": "Unisocket", "discoveryServiceType": "LoadBalancer", "memberAccess": "LoadBalancer"},
    }));
    let expected = [
        "spec.exposeExternally.memberAccess: Forbidden: ",
        "spec.persistence.pvc: Required value: ",
        "spec.persistence.startupAction: Forbidden: ",
        "spec.clusterSize: Invalid value: 5000: ",
        r#"spec.advancedNetwork.wan: Invalid value: "5701-5720": overlaps with the ports 5709-5709"#,
        r#"spec.advancedNetwork.wan[0]: Invalid value: "5701-5720": "#,
    ];
    begin_with(&violations::<HazelcastRules>(&spec), &expected, "all");
}

#[test]
fn names_that_cannot_name_a_service_are_refused() {
    let found = |name: &str| {
        let verdict = HazelcastRules::validate(&Review::test(name, &json!({"spec": {}})));
        verdict.violations.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for name in ["1library", "library-", "a..b", "a_b"] {
        begin_with(&found(name), &[&format!("metadata.name: Invalid value: \"{name}\": ")], "HZ-01");
    }
    begin_with(&found("a.b-c"), &[], "HZ-01");
}

#[test]
fn node_ports_need_addresses_where_people_ask_for_them_in_so_many_words() {
    let found = |exposure: Value| {
        let spec = json!({"exposeExternally": exposure});
        let spec: Context<Hazelcast> = Context::test("library", json!({"spec": spec}));
        let found = super::node_ports_have_addresses(&spec.object().spec, false);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let expected = [r#"spec.exposeExternally.memberAccess: Invalid value: "NodePortExternalIP": "#];
    begin_with(&found(json!({"memberAccess": "NodePortExternalIP"})), &expected, "HZ-03");
    for exposure in [json!({}), json!({"memberAccess": "LoadBalancer"})] {
        begin_with(&found(exposure), &[], "HZ-03");
    }
}

#[test]
fn what_goes_is_not_judged() {
    let object = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"clusterSize": 301}});
    let verdict = HazelcastRules::validate(&Review::test_update("library", &object, &object));
    assert_eq!(verdict.violations, []);
}

#[test]
fn a_default_cluster_of_either_edition_draws_no_warning() {
    for spec in [json!({}), licensed(json!({})), licensed(json!({"persistence": {"pvc": claim()}}))] {
        assert_eq!(violations::<HazelcastRules>(&spec), Vec::<String>::new());
        assert_eq!(warnings::<HazelcastRules>(&spec), Vec::<String>::new());
    }
}

/// A specification of enterprise members, and how its warnings begin.
#[test]
fn what_is_allowed_and_unwise_is_warned_of() {
    let persistence = |more: Value| {
        let mut persistence = more;
        persistence["pvc"] = claim();
        json!({"persistence": persistence})
    };
    let cases: Vec<(Value, &[&str])> = vec![
        (
            json!({"properties": {"hazelcast.persistence.auto.cluster.state": "false"}}),
            &["spec.properties[hazelcast.persistence.auto.cluster.state]: belongs to the operator"],
        ),
        (json!({"env": [{"name": "A"}, {"name": "A"}]}), &["spec.env: A stands there twice"]),
        (json!({"env": [{"name": "JAVA_OPTS", "value": "-Xmx1g"}]}), &["spec.env: JAVA_OPTS takes the place of all"]),
        (json!({"exposeExternally": {}, "clusterName": "dev"}), &["spec.clusterName: the default name"]),
        (
            json!({"clusterSize": 2, "jet": {"instance": {"backupCount": 2}}, "durableExecutorServices": [{"durability": 1}]}),
            &["spec.jet.instance.backupCount: 2 backups need more than 2 members"],
        ),
        (
            json!({"clusterSize": 1, "scheduledExecutorServices": [{}], "highAvailabilityMode": "NODE"}),
            &["spec.scheduledExecutorServices[0].durability: 1 backups", "spec.highAvailabilityMode: has no effect"],
        ),
        (
            persistence(json!({"clusterDataRecoveryPolicy": "FullRecoveryOnly"})),
            &["spec.persistence.clusterDataRecoveryPolicy: "],
        ),
        (persistence(json!({"pvc": {}, "removeStaleData": false})), &["spec.persistence.removeStaleData: "]),
        (persistence(json!({"automaticClusterState": false})), &["spec.persistence.automaticClusterState: "]),
        (persistence(json!({"rebalanceDelaySeconds": 30})), &["spec.persistence.rebalanceDelaySeconds: "]),
        (json!({"dataSafety": {"staleJoinPreventionSeconds": 30}}), &["spec.dataSafety.staleJoinPreventionSeconds: "]),
        (
            json!({"jvm": {"args": ["-Dhazelcast.stale.join.prevention.duration.seconds=30"]}}),
            &["spec.jvm.args[-Dhazelcast.stale.join.prevention.duration.seconds]: "],
        ),
        (
            json!({"clusterName": "shop", "exposeExternally": {"discoveryServiceType": "NodePort", "loadBalancerSourceRanges": ["10.0.0.0/8"]}}),
            &["spec.exposeExternally.loadBalancerSourceRanges: has no effect"],
        ),
        (
            json!({"dataSafety": {"volumeClaimsWhenDeleted": "Delete", "requireSpread": true}}),
            &["spec.dataSafety.volumeClaimsWhenDeleted: whoever", "spec.dataSafety.requireSpread: has no effect"],
        ),
        (json!({"discovery": {"wholeNamespace": true}}), &["spec.discovery.wholeNamespace: "]),
        (json!({"diagnostics": {"outputType": "FILE"}}), &["spec.diagnostics.outputType: files are in a folder"]),
        (
            json!({"nativeMemory": {"size": "2G"}, "resources": {"limits": {"memory": "1Gi"}}}),
            &["spec.nativeMemory.size: more than the memory"],
        ),
        (json!({"userCodeDeployment": {"clientEnabled": true}}), &["spec.userCodeDeployment: deprecated; use"]),
    ];
    for (spec, expected) in cases {
        let found = warnings::<HazelcastRules>(&licensed(spec.clone()));
        // What no step acts on yet has a warning of its own.
        let found: Vec<_> = found.into_iter().filter(|warning| !warning.contains("not acted on yet")).collect();
        begin_with(&found, expected, &spec.to_string());
    }
}

#[test]
fn what_has_no_effect_on_open_source_members_is_warned_of() {
    let expected = ["spec.nativeMemory: open source members ignore it"];
    begin_with(&warnings::<HazelcastRules>(&json!({"nativeMemory": {}})), &expected, "nativeMemory");
}

#[test]
fn enterprise_members_without_a_licence_are_warned_of() {
    let found = warnings::<HazelcastRules>(&json!({"repository": "docker.io/hazelcast/hazelcast-enterprise"}));
    assert_eq!(found, ["spec.licenseKeySecretName: enterprise members do not start without a licence"]);
}

#[test]
fn names_of_endpoints_are_such_that_services_and_ports_can_have_them() {
    let named = |cluster: &str, name: &str, count: i64| {
        let endpoint = json!([{"name": name, "port": 20_000, "portCount": count, "serviceType": "ClusterIP"}]);
        let review = Review::test(cluster, &json!({"spec": licensed(wan(endpoint))}));
        let found: Vec<_> = HazelcastRules::validate(&review).violations.iter().map(ToString::to_string).collect();
        found
    };
    for good in ["", "north", "a", "7", "a-b", "12345678"] {
        assert_eq!(named("library", good, 1), Vec::<String>::new(), "{good}");
    }
    for bad in ["North", "a_b", "a.b", "-a", "a-", "a--b", "ä", "a b"] {
        let expected = format!("spec.advancedNetwork.wan[0].name: Invalid value: {bad:?}: must consist of");
        begin_with(&named("library", bad, 1), &[&expected], bad);
    }
    let long = r#"spec.advancedNetwork.wan[0].name: Invalid value: "12345678": too long: "#;
    begin_with(&named("library", "12345678", 101), &[long], "its last port");
    assert_eq!(named("library", "12345678", 100), Vec::<String>::new());
    begin_with(&named(&"x".repeat(55), "12345678", 1), &[long], "its Service");
    assert_eq!(named(&"x".repeat(54), "12345678", 1), Vec::<String>::new());
}
