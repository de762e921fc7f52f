//! Which changes of a specification start pods again, and which must not: a row for every field, in tables beside this file.

#![allow(clippy::indexing_slicing, reason = "tests, which fail by panicking")]

use filbert_guest::k8s::StatefulSet;
use filbert_guest::{Context, Resource, Review, Step, StepResult, Validation};
use hazelcast::names::LABEL_OWNER;
use hazelcast::steps::management_center::CenterSet;
use hazelcast::steps::{Configuration, LiteMembers, MemberSet};
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use hazelcast_api::{ManagementCenter, definition};
use serde_json::{Value, json};

/// What becomes of pods.
type Outcome = &'static str;

/// A field, what its change does, and another value for it.
struct Row {
    field: &'static str,
    outcome: Outcome,
    other: Value,
}

fn rows(table: &'static str) -> Vec<Row> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (field, rest) = line.split_once(' ').expect("a field");
            let (outcome, other) = rest.trim_start().split_once(' ').expect("an outcome");
            Row { field, outcome, other: serde_json::from_str(other.trim()).expect(line) }
        })
        .collect()
}

const CLUSTER: &str = include_str!("rolling/cluster.txt");
const CP_SUBSYSTEM: &str = include_str!("rolling/cp-subsystem.txt");
const MANAGEMENT_CENTER: &str = include_str!("rolling/management-center.txt");

/// A cluster with something of everything, so that each single field can be changed.
fn cluster() -> Value {
    let claim = json!({"accessModes": ["ReadWriteOnce"], "requestStorage": "8Gi"});
    let code = json!({
        "bucketConfig": {"bucketURI": "s3://one", "secretName": "cloud"}, "bucketConfigs": [{"bucketURI": "s3://two"}],
        "configMaps": ["code"], "remoteURLs": ["https://x/1.jar"], "triggerSequence": "1",
    });
    let debug = json!({"debug": {"enabled": true}});
    json!({
        "licenseKeySecretName": "key",
        "advancedNetwork": {"wan": [{"name": "north", "port": 5720, "portCount": 2, "serviceType": "ClusterIP"}]},
        "agent": {},
        "discovery": {},
        "durableExecutorServices": [{}], "executorServices": [{}], "scheduledExecutorServices": [{}],
        "exposeExternally": {"memberAccess": "NodePortNodeName"},
        "highAvailabilityMode": "ZONE",
        "jet": {
            "bucketConfig": {"bucketURI": "s3://one"}, "bucketConfigs": [{"bucketURI": "s3://two"}],
            "configMaps": ["jobs"], "remoteURLs": ["https://x/1.jar"], "instance": {},
        },
        "jvm": debug,
        "liteMember": {"count": 1, "jvm": debug},
        "localDevices": [{"name": "disk", "pvc": claim}],
        "loggingConfiguration": {"configMapKeyRef": {"name": "logs", "key": "mine"}},
        "moduleDeployment": code,
        "nativeMemory": {},
        "persistence": {"pvc": claim, "restore": {"localConfig": {"backupFolder": "backup-1"}}},
        "persistenceVolumeClaims": [{"name": "notes", "accessModes": ["ReadWriteOnce"], "requestStorage": "1Gi"}],
        "sql": {"catalogPersistenceEnabled": true},
        "tls": {"secretName": "harbour"},
        "userCodeDeployment": code,
        "userCodeNamespaces": {},
    })
}

fn cluster_with_cp_subsystem() -> Value {
    let claim = json!({"accessModes": ["ReadWriteOnce"], "requestStorage": "8Gi"});
    json!({"licenseKeySecretName": "key", "persistence": {"pvc": claim}, "cpSubsystem": {"pvc": claim}})
}

fn management_center() -> Value {
    json!({
        "licenseKeySecretName": "key",
        "externalConnectivity": {"ingress": {"hostname": "tower.example", "path": "/tower"}},
        "hazelcastClusters": [{"name": "dev", "address": "library", "tls": {"secretName": "harbour"}}],
        "moduleDeployment": {
            "bucketConfig": {"bucketURI": "s3://one"}, "bucketConfigs": [{"bucketURI": "s3://two"}],
            "configMaps": ["code"], "remoteURLs": ["https://x/1.jar"], "triggerSequence": "1",
        },
        "persistence": {"size": "1Gi"},
        "prometheusMonitoring": {"credentialsSecretName": "scrape", "exporter": {}},
        "securityProvider": {
            "ldap": {"url": "ldap://north", "credentialsSecretName": "reader", "tls": {"secretName": "harbour"}},
        },
    })
}

/// The paths of everything that people can say, lists with `[]`.
fn fields(schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, schema) in properties {
            fields(schema, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, found);
        }
    } else if let Some(items) = schema.get("items") {
        fields(items, &format!("{path}[]"), found);
    } else {
        found.push(path.to_owned());
    }
}

/// Whether a row is about a field: what is within it goes with it.
fn covers(row: &Row, field: &str) -> bool {
    field.strip_prefix(row.field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn every_field_has_its_row(definition: &Value, rows: &[Row]) {
    let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").expect("a schema");
    let mut all = Vec::new();
    fields(schema, "", &mut all);
    for field in &all {
        let count = rows.iter().filter(|row| covers(row, field)).count();
        assert_eq!(count, 1, "rows about {field}: write down what a change of it does to pods");
    }
    for row in rows {
        assert!(all.iter().any(|field| covers(row, field)), "there is no field {}", row.field);
    }
}

/// The specification with one field changed. The first item of a list stands for all.
fn changed(spec: &Value, row: &Row) -> Value {
    let mut all = spec.clone();
    let mut place = &mut all;
    for part in row.field.split('.') {
        let name = part.trim_end_matches("[]");
        place = place.as_object_mut().expect("an object").entry(name).or_insert(Value::Null);
        if part.ends_with("[]") {
            if place.is_null() {
                *place = json!([null]);
            }
            place = &mut place[0];
        }
        if place.is_null() {
            *place = json!({});
        }
    }
    assert_ne!(*place, row.other, "{}: the value is another one", row.field);
    *place = row.other.clone();
    all
}

/// A resource beside what is there, as this operator applied it: the host labels what it applies.
fn context<R: Resource>(spec: &Value, there: &[Value]) -> Context<R> {
    let context = Context::test("library", json!({"spec": spec}));
    there.iter().fold(context, |context, set| {
        let mut set = set.clone();
        set["metadata"]["labels"][LABEL_OWNER] = "0000".into();
        context.with(StatefulSet::TYPE, set)
    })
}

/// The set that a plan wants; nothing where it wants none.
fn set(plan: StepResult) -> Value {
    let objects = plan.expect("a plan").applied();
    objects.into_iter().find(|object| object["kind"] == "StatefulSet").unwrap_or_default()
}

/// The sets that a cluster wants beside what is there: of members with data, and without.
fn sets(spec: &Value, there: &[Value]) -> [Value; 2] {
    // Where something is named that is not there, nothing is done to pods at all.
    let configured = Configuration::run(&context(spec, there)).unwrap_or_default();
    let facts = configured.facts();
    let told = facts.iter().fold(context(spec, there), |context, (name, value)| {
        context.with_fact(&format!("{}/{name}", Configuration::NAME), value)
    });
    [set(MemberSet::run(&told)), set(LiteMembers::run(&told))]
}

fn pods(set: &Value) -> &Value {
    &set["spec"]["template"]
}

/// Whether something of it changes that Kubernetes lets nobody change.
fn breaks(before: &Value, now: &Value) -> bool {
    let fixed = |set: &Value| {
        let mut spec = set["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            let changeable = ["persistentVolumeClaimRetentionPolicy", "replicas", "template"];
            fields.retain(|field, _| !changeable.contains(&field.as_str()));
        }
        spec
    };
    fixed(before) != fixed(now)
}

/// Whether rules refuse that it changes.
fn is_refused<V: Validation>(before: &Value, now: &Value) -> bool {
    let said = |now: &Value| {
        let review = Review::test_update("library", &json!({"spec": before}), &json!({"spec": now}));
        let violations = V::validate(&review).violations;
        violations.iter().map(ToString::to_string).filter(|text| text.contains("cannot be")).collect::<Vec<_>>()
    };
    said(now) != said(before)
}

fn cluster_rolls_as_said(spec: &Value, rows: &[Row]) {
    let there = sets(spec, &[]);
    assert_eq!(sets(spec, &there).each_ref().map(pods), there.each_ref().map(pods), "pods that are there stay");
    let mut wrong = Vec::new();
    for row in rows {
        let now = changed(spec, row);
        let [members, lite] = sets(&now, &there);
        let breaks = breaks(&there[0], &members) || breaks(&there[1], &lite);
        let outcome = match (pods(&members) != pods(&there[0]), pods(&lite) != pods(&there[1])) {
            _ if breaks => "broken",
            _ if is_refused::<HazelcastRules>(spec, &now) => "refused",
            (true, true) => "all",
            (true, false) => "members",
            (false, true) => "lite",
            (false, false) => "none",
        };
        if outcome != row.outcome {
            wrong.push(format!("{}: {outcome} instead of {}", row.field, row.outcome));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_field_of_a_cluster_says_what_it_does_to_pods() {
    let all: Vec<_> = rows(CLUSTER).into_iter().chain(rows(CP_SUBSYSTEM)).collect();
    every_field_has_its_row(&definition::hazelcasts(), &all);
}

#[test]
fn pods_of_a_cluster_start_again_when_they_have_to_and_never_else() {
    cluster_rolls_as_said(&cluster(), &rows(CLUSTER));
    cluster_rolls_as_said(&cluster_with_cp_subsystem(), &rows(CP_SUBSYSTEM));
}

#[test]
fn what_is_turned_on_or_off_as_a_whole_starts_pods_again_where_members_cannot_be_told() {
    let before = json!({"licenseKeySecretName": "key"});
    for (field, outcome) in [
        (json!({"tls": {"secretName": "harbour"}}), true),
        (json!({"userCodeNamespaces": {}}), true),
        (json!({"agent": {}}), true),
        (json!({"discovery": {}}), true),
        (json!({"jet": {"bucketConfigs": [{"bucketURI": "s3://two"}]}}), true),
        (json!({"liteMember": {"count": 1}}), false),
        (json!({"managementCenter": {"consoleEnabled": true}}), false),
        (json!({"nativeMemory": {}}), false),
        (json!({"clusterSize": 0}), false),
        (json!({"exposeExternally": {"type": "Unisocket"}}), false),
    ] {
        let mut now = before.clone();
        now.as_object_mut().expect("fields").extend(field.as_object().expect("fields").clone());
        let [there, _] = sets(&before, &[]);
        let [with, _] = sets(&now, std::slice::from_ref(&there));
        assert_eq!(pods(&with) != pods(&there), outcome, "{field} comes");
        let [without, _] = sets(&before, std::slice::from_ref(&with));
        assert_eq!(pods(&without) != pods(&with), outcome, "{field} goes");
    }
}

#[test]
fn members_start_again_for_all_that_they_read_where_people_want_that() {
    let spec = |more: Value| {
        let mut spec = json!({"licenseKeySecretName": "key", "dataSafety": {"restartOnConfigurationChange": true}});
        spec.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        spec
    };
    let [there, _] = sets(&spec(json!({})), &[]);
    for (field, outcome) in [
        (json!({"properties": {"other": "1"}}), true),
        (json!({"serialization": {"allowUnsafe": true}}), true),
        (json!({"diagnostics": {"outputType": "LOGGER"}}), true),
        (json!({"clusterSize": 7}), false),
        (json!({"labels": {"team": "blue"}}), false),
    ] {
        let [now, _] = sets(&spec(field.clone()), std::slice::from_ref(&there));
        assert_eq!(pods(&now) != pods(&there), outcome, "{field}");
    }
    let fetching = |url: &str| spec(json!({"jet": {"remoteURLs": [url]}}));
    let [there, _] = sets(&fetching("https://x/1.jar"), &[]);
    let [now, _] = sets(&fetching("https://x/2.jar"), std::slice::from_ref(&there));
    assert_ne!(pods(&now), pods(&there), "what is fetched before they start");
}

#[test]
fn every_field_of_a_management_center_says_what_it_does_to_its_pod() {
    every_field_has_its_row(&definition::management_centers(), &rows(MANAGEMENT_CENTER));
}

#[test]
fn the_pod_of_a_management_center_starts_again_when_it_has_to_and_never_else() {
    let spec = management_center();
    let run = |spec: &Value, there: &[Value]| set(CenterSet::run(&context::<ManagementCenter>(spec, there)));
    let there = [run(&spec, &[])];
    let mut wrong = Vec::new();
    for row in &rows(MANAGEMENT_CENTER) {
        let now = changed(&spec, row);
        let set = run(&now, &there);
        let outcome = if breaks(&there[0], &set) {
            "broken"
        } else if is_refused::<ManagementCenterRules>(&spec, &now) {
            "refused"
        } else if pods(&set) == pods(&there[0]) {
            "none"
        } else {
            "all"
        };
        if outcome != row.outcome {
            wrong.push(format!("{}: {outcome} instead of {}", row.field, row.outcome));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
