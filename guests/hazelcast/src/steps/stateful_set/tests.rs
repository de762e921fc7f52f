use filbert_guest::ResourceType;

use super::*;

fn set(spec: Value) -> Value {
    let plan = MemberSet::run(&Context::test("library", json!({"spec": spec}))).expect("a plan");
    plan.find("StatefulSet", "library").expect("a StatefulSet")
}

fn pod(spec: Value) -> Value {
    set(spec)["spec"]["template"]["spec"].clone()
}

fn variable(spec: Value, name: &str) -> Value {
    let pod = pod(spec);
    let env = pod["containers"][0]["env"].as_array().expect("an environment").clone();
    env.into_iter().find(|variable| variable["name"] == name).unwrap_or_default()
}

fn java_options(spec: Value) -> String {
    variable(spec, "JAVA_OPTS")["value"].as_str().expect("options").to_owned()
}

#[test]
fn open_source_members_by_default() {
    insta::assert_snapshot!(crate::golden(&set(json!({}))));
}

#[test]
fn enterprise_members_with_an_agent_as_existing_installations_have_them() {
    insta::assert_snapshot!(crate::golden(&set(
        json!({"licenseKeySecretName": "key", "version": "5.5.0", "agent": {}})
    )));
}

#[test]
fn replicas_follow_the_size_down_to_none() {
    assert_eq!(set(json!({"clusterSize": 7}))["spec"]["replicas"], 7);
    assert_eq!(set(json!({"clusterSize": 0}))["spec"]["replicas"], 0);
}

#[test]
fn the_template_stays_the_same_when_only_the_size_changes() {
    assert_eq!(set(json!({"clusterSize": 7}))["spec"]["template"], set(json!({}))["spec"]["template"]);
}

#[test]
fn the_licence_comes_from_its_secret() {
    let expected =
        json!({"name": "HZ_LICENSEKEY", "valueFrom": {"secretKeyRef": {"name": "key", "key": "license-key"}}});
    assert_eq!(variable(json!({"licenseKeySecretName": "key"}), "HZ_LICENSEKEY"), expected);
    assert_eq!(variable(json!({}), "HZ_LICENSEKEY"), Value::Null);
}

#[test]
fn options_follow_memory_arguments_and_collector_in_this_order() {
    let options = java_options(json!({"jvm": {
        "memory": {"initialRAMPercentage": "10", "maxRAMPercentage": "20"},
        "args": ["-Da=b"], "gc": {"logging": true, "collector": "G1"},
    }}));
    assert_eq!(
        options,
        "-Dhazelcast.config=/data/hazelcast/hazelcast.yaml -XX:+UseContainerSupport -XX:InitialRAMPercentage=10 \
         -XX:MaxRAMPercentage=20 -Da=b -Dhazelcast.stale.join.prevention.duration.seconds=5 -verbose:gc -XX:+UseG1GC"
    );
}

#[test]
fn people_can_say_how_long_stale_joins_are_prevented() {
    let argument = "-Dhazelcast.stale.join.prevention.duration.seconds=30";
    assert_eq!(java_options(json!({"jvm": {"args": [argument]}})).matches("stale.join").count(), 1);
}

#[test]
fn variables_of_people_come_last_and_as_they_are() {
    let mine = json!({"name": "MINE", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}});
    let pod = pod(json!({"env": [mine]}));
    assert_eq!(pod["containers"][0]["env"].as_array().expect("env").last(), Some(&mine));
}

#[test]
fn older_members_are_ready_when_they_live() {
    for (version, path) in [
        ("5.2.0", "node-state"),
        ("5.1", "node-state"),
        ("5.2.1", "ready"),
        ("5.7.0-slim", "ready"),
        ("latest", "ready"),
    ] {
        let pod = pod(json!({"version": version}));
        let probe = &pod["containers"][0]["readinessProbe"]["httpGet"]["path"];
        assert_eq!(probe, &format!("/hazelcast/health/{path}"), "{version}");
    }
}

#[test]
fn pods_go_where_people_say() {
    let scheduling = json!({
        "nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "k", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}}, "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "t", "whenUnsatisfiable": "DoNotSchedule"}],
    });
    let pod = pod(json!({"scheduling": scheduling, "highAvailabilityMode": "ZONE"}));
    for field in ["nodeSelector", "tolerations", "affinity"] {
        assert_eq!(pod[field], scheduling[field], "{field}");
    }
    assert_eq!(pod["topologySpreadConstraints"][0], scheduling["topologySpreadConstraints"][0]);
    assert_eq!(pod["topologySpreadConstraints"][1]["topologyKey"], "topology.kubernetes.io/zone");
}

#[test]
fn exposed_members_restart_when_their_access_changes() {
    let set = set(json!({"exposeExternally": {}}));
    assert_eq!(set["metadata"]["annotations"], json!({"hazelcast.com/service-per-pod-count": "3"}));
    let annotations = &set["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["hazelcast.com/expose-externally-member-access"], "NodePortExternalIP");
}

#[test]
fn no_user_is_named_where_the_cluster_chooses_users() {
    let routes = ResourceType::new("route.openshift.io", "v1", "routes");
    let cx = Context::test("library", json!({"spec": {}})).with_served(routes);
    let set = MemberSet::run(&cx).expect("a plan").find("StatefulSet", "library").expect("a set");
    assert_eq!(set["spec"]["template"]["spec"]["securityContext"], json!({"runAsNonRoot": true}));
}

#[test]
fn code_in_config_maps_is_mounted_and_on_the_class_path() {
    let spec = json!({"userCodeDeployment": {"configMaps": ["mine"], "triggerSequence": "2"}, "jet": {"configMaps": ["jobs"]}});
    let pod = pod(spec.clone());
    let mounts: Vec<_> =
        pod["containers"][0]["volumeMounts"].as_array().expect("mounts").iter().skip(5).cloned().collect();
    assert_eq!(
        mounts,
        [
            json!({"name": "user-code-cm-mine2", "mountPath": "/opt/hazelcast/userCode/cm/mine"}),
            json!({"name": "jet-cm-jobs", "mountPath": "/opt/hazelcast/jetJobJars/jobs"}),
        ]
    );
    assert_eq!(
        variable(spec, "CLASSPATH")["value"],
        "/opt/hazelcast/userCode/bucket/*:/opt/hazelcast/userCode/urls/*:/opt/hazelcast/userCode/cm/mine/*"
    );
}

#[test]
fn ports_for_other_clusters_have_names_of_their_own() {
    let pod = pod(json!({"advancedNetwork": {"wan": [{"name": "north", "port": 5720, "portCount": 2}]}}));
    let names: Vec<_> =
        pod["containers"][0]["ports"].as_array().expect("ports").iter().map(|port| port["name"].clone()).collect();
    assert_eq!(names, ["hazelcast", "member-port", "rest-port", "wan-north-0", "wan-north-1"]);
}

#[test]
fn members_know_their_pod_where_people_say_how_they_find_each_other() {
    let expected =
        json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}});
    assert_eq!(variable(json!({"discovery": {}}), "POD_NAME"), expected);
    assert_eq!(variable(json!({}), "POD_NAME"), Value::Null);
}

#[test]
fn pods_end_after_members_at_the_latest() {
    let safety = json!({"dataSafety": {"gracefulShutdownMaxWaitSeconds": 90, "staleJoinPreventionSeconds": 9}});
    assert_eq!(pod(safety.clone())["terminationGracePeriodSeconds"], 120);
    assert!(java_options(safety).contains("stale.join.prevention.duration.seconds=9"));
}

#[test]
fn a_debugger_waits_or_is_waited_for() {
    let options = |debug: Value| java_options(json!({"jvm": {"debug": debug}}));
    assert!(!options(json!({"port": 5006})).contains("jdwp"));
    assert!(options(json!({"enabled": true})).contains("server=y,suspend=n,address=*:5005"));
    assert!(
        options(json!({"enabled": true, "suspend": true, "attach": "desk:7"}))
            .contains("server=n,suspend=y,address=desk:7")
    );
}

#[test]
fn a_configuration_of_the_logger_is_mounted_and_named() {
    let logging = json!({"loggingConfiguration": {"configMapKeyRef": {"name": "logs", "key": "mine"}}, "envFrom": [{"configMapRef": {"name": "site"}}]});
    let pod = pod(logging.clone());
    assert_eq!(variable(logging, "LOGGING_CONFIG")["value"], "/data/logging/log4j2.properties");
    let mounts = pod["containers"][0]["volumeMounts"].as_array().expect("mounts").clone();
    assert_eq!(mounts.last(), Some(&json!({"name": "logging-configuration", "mountPath": "/data/logging"})));
    let volume = pod["volumes"].as_array().expect("volumes").last().cloned().unwrap_or_default();
    assert_eq!(volume["configMap"]["items"], json!([{"key": "mine", "path": "log4j2.properties"}]));
    assert_eq!(pod["containers"][0]["envFrom"], json!([{"configMapRef": {"name": "site"}}]));
}

#[test]
fn members_speak_the_newer_internet_protocol_where_people_say_so() {
    let options = java_options(json!({"ipFamily": "IPv6"}));
    assert!(options.contains("-Djava.net.preferIPv4Stack=false -Djava.net.preferIPv6Addresses=true"), "{options}");
}

#[test]
fn members_without_data_have_pods_of_their_own() {
    let run = |spec: Value| LiteMembers::run(&Context::test("library", json!({"spec": spec}))).expect("a plan");
    assert_eq!(run(json!({})), Plan::default());
    let spec = json!({
        "persistence": {"pvc": {"accessModes": ["ReadWriteOnce"]}}, "env": [{"name": "DATA", "value": "1"}],
        "liteMember": {"count": 2, "env": [{"name": "LITE", "value": "1"}]},
    });
    let lite = run(spec.clone()).find("StatefulSet", "library-lite").expect("a set");
    assert_eq!(lite["spec"]["replicas"], 2);
    assert_eq!(lite["spec"].get("volumeClaimTemplates"), None);
    assert_eq!(lite["spec"]["selector"]["matchLabels"]["hazelcast.com/member-role"], "lite");
    assert_eq!(lite["spec"]["template"]["metadata"]["labels"]["hazelcast.com/member-role"], "lite");
    let container = lite["spec"]["template"]["spec"]["containers"][0].to_string();
    assert!(container.contains("hazelcast-lite.yaml") && container.contains("LITE") && !container.contains("DATA"));
    assert!(!set(spec)["spec"].to_string().contains("lite"));
    let paused = run(json!({"clusterSize": 0, "liteMember": {"count": 2}}));
    assert_eq!(paused.find("StatefulSet", "library-lite").expect("a set")["spec"]["replicas"], 0);
}

/// The set of a cluster, where there is one already.
fn again(before: &Value, annotations: Value, spec: Value) -> Value {
    let object = json!({"metadata": {"annotations": annotations}, "spec": spec});
    let mut before = before.clone();
    // The host labels what it applies.
    before["metadata"]["labels"][names::LABEL_OWNER] = "0000".into();
    let cx = Context::test("library", object).with(StatefulSet::TYPE, before);
    MemberSet::run(&cx).expect("a plan").find("StatefulSet", "library").expect("a set")
}

#[test]
fn pods_keep_the_marks_they_were_made_with() {
    let mine = |value: &str| json!({"labels": {"team": value}, "annotations": {"site": value}});
    let mut before = set(mine("one"));
    let after = again(&before, json!({}), mine("two"));
    assert_eq!(
        (&after["metadata"]["labels"]["team"], &after["metadata"]["annotations"]["site"]),
        (&json!("two"), &json!("two"))
    );
    assert_eq!(after["spec"]["template"], before["spec"]["template"]);
    let restarted = "kubectl.kubernetes.io/restartedAt";
    before["spec"]["template"]["metadata"]["annotations"][restarted] = "now".into();
    let template = again(&before, json!({}), mine("two"))["spec"]["template"].clone();
    assert_eq!(template["metadata"]["annotations"].get(restarted), None, "it is nobody's but of those who wrote it");
}

#[test]
fn a_trigger_starts_pods_again_that_fetch_code_from_elsewhere() {
    let spec =
        |trigger: &str| json!({"userCodeDeployment": {"remoteURLs": ["https://x/1.jar"], "triggerSequence": trigger}});
    let mark = |set: &Value| set["spec"]["template"]["metadata"]["annotations"].get(names::ANNOTATION_CODE).cloned();
    let before = set(spec("1"));
    assert_eq!((mark(&before), mark(&again(&before, json!({}), spec("2")))), (Some("1".into()), Some("2".into())));
    // Pods of an earlier operator fetched with what it noted down.
    let noted = json!({names::ANNOTATION_LAST_SUCCESSFUL: spec("1").to_string()});
    assert_eq!(mark(&again(&before, noted.clone(), spec("1"))), None);
    assert_eq!(mark(&again(&before, noted, spec("2"))), Some("2".into()));
}

#[test]
fn a_pause_does_not_change_the_pods_of_a_cp_subsystem() {
    let spec = |size: i32| json!({"clusterSize": size, "cpSubsystem": {}, "persistence": {"pvc": {"accessModes": ["ReadWriteOnce"]}}});
    let before = set(spec(3));
    let paused = again(&before, json!({}), spec(0));
    assert_eq!(paused["spec"]["replicas"], 0);
    assert_eq!(paused["spec"]["template"], before["spec"]["template"]);
    assert_eq!(again(&paused, json!({}), spec(3))["spec"]["template"], before["spec"]["template"]);
}

fn plan(spec: Value) -> Plan {
    MemberSet::run(&Context::test("library", json!({"spec": spec}))).expect("a plan")
}

#[test]
fn members_are_taken_away_one_at_a_time_where_people_want_that() {
    assert_eq!(plan(json!({})).find("PodDisruptionBudget", "library"), None);
    let budget = plan(json!({"dataSafety": {"podDisruptionBudget": true}})).find("PodDisruptionBudget", "library");
    let budget = budget.expect("a budget");
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    // Members without data have this label.
    let others = json!([{"key": "hazelcast.com/member-role", "operator": "DoesNotExist"}]);
    assert_eq!(budget["spec"]["selector"]["matchExpressions"], others);
    assert_eq!(budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"], "library");
}

#[test]
fn claims_go_with_the_cluster_where_people_want_that_and_never_with_a_member() {
    assert_eq!(set(json!({}))["spec"].get("persistentVolumeClaimRetentionPolicy"), None);
    let set = set(json!({"dataSafety": {"volumeClaimsWhenDeleted": "Delete"}}));
    let policy = json!({"whenDeleted": "Delete", "whenScaled": "Retain"});
    assert_eq!(set["spec"]["persistentVolumeClaimRetentionPolicy"], policy);
}

#[test]
fn members_that_cannot_be_spread_wait_where_people_want_that() {
    let constraint = |more: Value| {
        let mut spec = json!({"highAvailabilityMode": "ZONE"});
        spec["dataSafety"] = more;
        pod(spec)["topologySpreadConstraints"][0]["whenUnsatisfiable"].clone()
    };
    assert_eq!(constraint(json!({})), "ScheduleAnyway");
    assert_eq!(constraint(json!({"requireSpread": true})), "DoNotSchedule");
}

#[test]
fn pods_without_data_are_fetched_for_by_the_same_agent() {
    let modules = json!({"remoteURLs": ["https://x/1.jar"]});
    let spec = json!({"agent": {"version": "0.1.30"}, "moduleDeployment": modules, "liteMember": {"count": 1}});
    let plan = LiteMembers::run(&Context::test("library", json!({"spec": spec}))).expect("a plan");
    let pod = plan.find("StatefulSet", "library-lite").expect("a set")["spec"]["template"]["spec"].clone();
    assert_eq!(pod["initContainers"][0]["image"], "docker.io/hazelcast/platform-operator-agent:0.1.30");
    assert_eq!(pod["containers"].as_array().map(Vec::len), Some(1), "it has no agent beside it");
}
