use std::collections::BTreeSet;

use filbert_guest::{Context, Plan, Review, Status, Step, Validation};
use hazelcast_api::Hazelcast;
use serde_json::{Value, json};

use super::{CLUSTER, MANAGEMENT_CENTER};
use crate::names::ANNOTATION_LAST_SUCCESSFUL;
use crate::references::{ClusterReferences, ManagementCenterReferences};
use crate::validate::cases::begin_with;
use crate::validate::{HazelcastRules, ManagementCenterRules};

fn found<V: Validation>(review: &Review<V::Resource>) -> Vec<String> {
    V::validate(review).violations.iter().map(ToString::to_string).collect()
}

/// What is said of a change of what is stored.
fn change<V: Validation>(before: &Value, now: &Value) -> Vec<String> {
    found::<V>(&Review::test_update("library", &json!({"spec": before}), &json!({"spec": now})))
}

/// An object in which an earlier operator noted down a specification.
fn noted(noted: &Value, spec: &Value) -> Value {
    json!({"metadata": {"annotations": {ANNOTATION_LAST_SUCCESSFUL: noted.to_string()}}, "spec": spec})
}

/// A rule, what was, a change that breaks it, how the violation begins, and a change that does not.
struct Case(&'static str, Value, Value, &'static str, Value);

/// What a pass comes to over a specification, with this status.
fn pass<S: Step>(spec: &Value, status: &Value) -> Plan {
    S::run(&Context::test("library", json!({"spec": spec})).with_status(status)).expect("a plan")
}

/// The status that a pass leaves which finds nothing to refuse.
fn accepts<S: Step>(spec: &Value, status: &Value) -> Value {
    pass::<S>(spec, status).status_fragment().expect("a status")
}

fn check<V: Validation, S: Step>(cases: &[Case], rules: &[&str]) {
    for Case(rule, before, broken, expected, kept) in cases {
        begin_with(&change::<V>(before, broken), &[expected], rule);
        begin_with(&change::<V>(before, kept), &[], rule);
        // What an earlier operator noted down counts as much, also for an object that is new here.
        begin_with(&found::<V>(&Review::test("library", &noted(before, broken))), &[expected], rule);
        begin_with(&found::<V>(&Review::test("library", &noted(before, kept))), &[], rule);
        // And it can be gone back to.
        let (wrong, right) = (noted(before, broken), noted(before, before));
        begin_with(&found::<V>(&Review::test_update("library", &wrong, &right)), &[], rule);
        // No pass carries out what no admission saw: nothing is done for it until it is taken back.
        let status = accepts::<S>(before, &Value::Null);
        let refused = pass::<S>(broken, &status);
        let (reason, message) = refused.waits_for().unwrap_or_else(|| panic!("{rule}: it goes on"));
        assert_eq!((reason, message.starts_with(expected)), ("FieldsCannotChange", true), "{rule}: {message}");
        assert_eq!(refused.conditions(), [("ChangesAccepted", Status::False, "FieldsCannotChange")], "{rule}");
        assert_eq!(refused.applied(), Vec::<Value>::new(), "{rule}");
        assert_eq!(pass::<S>(kept, &status).waits_for(), None, "{rule}");
        assert_eq!(pass::<S>(before, &status).waits_for(), None, "{rule}");
        // Admission lets people take it back, and leaves them alone with everything else.
        let wrong = json!({"spec": broken, "status": status});
        let back = Review::test_update("library", &wrong, &json!({"spec": before}));
        begin_with(&found::<V>(&back), &[], rule);
        let mut other = broken.clone();
        other["labels"] = json!({"team": "blue"});
        begin_with(&found::<V>(&Review::test_update("library", &wrong, &json!({"spec": other}))), &[], rule);
    }
    let tested: BTreeSet<_> = cases.iter().map(|case| case.0).collect();
    assert_eq!(tested, rules.iter().copied().collect::<BTreeSet<_>>());
}

fn claim(size: &str) -> Value {
    json!({"accessModes": ["ReadWriteOnce"], "requestStorage": size})
}

fn cluster(mut spec: Value) -> Value {
    spec["licenseKeySecretName"] = "key".into();
    spec
}

fn persistence(mut more: Value) -> Value {
    if more.get("pvcName").is_none() && more.get("pvc").is_none() {
        more["pvc"] = claim("8Gi");
    }
    let claims =
        json!([{"name": "a", "accessModes": ["ReadWriteOnce"]}, {"name": "b", "accessModes": ["ReadWriteOnce"]}]);
    cluster(json!({"persistence": more, "persistenceVolumeClaims": claims}))
}

fn cp(size: i32, mut more: Value) -> Value {
    if more.get("pvcName").is_none() && more.get("pvc").is_none() {
        more["pvc"] = claim("8Gi");
    }
    let claims =
        json!([{"name": "a", "accessModes": ["ReadWriteOnce"]}, {"name": "b", "accessModes": ["ReadWriteOnce"]}]);
    cluster(json!({"clusterSize": size, "cpSubsystem": more, "persistenceVolumeClaims": claims}))
}

#[test]
fn what_must_not_change_of_a_cluster_does_not() {
    let catalogue = |kept: bool| {
        let mut spec = persistence(json!({}));
        spec["sql"] = json!({"catalogPersistenceEnabled": kept});
        spec
    };
    let claims = |size: &str| {
        cluster(
            json!({"persistenceVolumeClaims": [{"name": "a", "accessModes": ["ReadWriteOnce"], "requestStorage": size}]}),
        )
    };
    let bucket = |field: &str, secret: &str| {
        persistence(json!({"restore": {"bucketConfig": {"bucketURI": "s3://backups", field: secret}}}))
    };
    let cases = [
        Case(
            "HZ-U1",
            cluster(json!({"highAvailabilityMode": "NODE"})),
            cluster(json!({"highAvailabilityMode": "ZONE"})),
            "spec.highAvailabilityMode: Forbidden: field cannot be updated",
            cluster(
                json!({"highAvailabilityMode": "NODE", "version": "5.7.1", "repository": "r", "clusterSize": 9, "exposeExternally": {}}),
            ),
        ),
        Case(
            "HZ-U2",
            cluster(json!({"persistenceVolumeClaims": persistence(json!({}))["persistenceVolumeClaims"]})),
            persistence(json!({})),
            "spec.persistence: Forbidden: field cannot be added",
            cluster(
                json!({"persistenceVolumeClaims": persistence(json!({}))["persistenceVolumeClaims"], "tls": {"secretName": "s"}}),
            ),
        ),
        Case(
            "HZ-U3",
            persistence(json!({})),
            persistence(json!({"pvc": claim("9Gi")})),
            "spec.persistence.pvc: Forbidden: field cannot be updated",
            // The same capacity in other words.
            persistence(json!({"pvc": claim("8192Mi"), "startupAction": "ForceStart", "baseDir": "", "restore": {}})),
        ),
        Case(
            "HZ-U4",
            bucket("secretName", "one"),
            bucket("secretName", "two"),
            "spec.persistence.restore: Forbidden: field cannot be updated",
            bucket("secret", "one"),
        ),
        Case(
            "HZ-U5",
            catalogue(true),
            catalogue(false),
            "spec.sql.catalogPersistenceEnabled: Forbidden: ",
            catalogue(true),
        ),
        Case(
            "HZ-U6",
            cp(3, json!({})),
            cluster(json!({"persistenceVolumeClaims": cp(3, json!({}))["persistenceVolumeClaims"]})),
            "spec.cpSubsystem: Forbidden: field cannot be removed",
            cp(3, json!({"sessionTTLSeconds": 100})),
        ),
        Case(
            "HZ-U7",
            cp(3, json!({})),
            cp(3, json!({"pvc": claim("9Gi")})),
            "spec.cpSubsystem.pvc: Forbidden: field cannot be updated",
            cp(3, json!({"pvc": claim("8Gi")})),
        ),
        Case("HZ-U8", cp(3, json!({})), cp(5, json!({})), "spec.clusterSize: Forbidden: ", cp(0, json!({}))),
        Case("HZ-U8", cp(5, json!({})), cp(3, json!({})), "spec.clusterSize: Forbidden: ", cp(5, json!({}))),
        Case(
            "HZ-NU1",
            persistence(json!({"pvcName": "a"})),
            persistence(json!({"pvcName": "b"})),
            "spec.persistence.pvcName: Forbidden: field cannot be updated",
            persistence(json!({"pvcName": "a", "dataRecoveryTimeout": 5})),
        ),
        Case(
            "HZ-NU2",
            cp(3, json!({"pvcName": "a"})),
            cp(3, json!({"pvcName": "b"})),
            "spec.cpSubsystem.pvcName: Forbidden: field cannot be updated",
            cp(3, json!({"pvcName": "a", "sessionTTLSeconds": 100})),
        ),
        Case(
            "HZ-NU3",
            claims("8Gi"),
            claims("9Gi"),
            "spec.persistenceVolumeClaims: Forbidden: field cannot be updated",
            claims("8192Mi"),
        ),
        Case(
            "HZ-NU4",
            cluster(json!({"ipFamily": "IPv6"})),
            cluster(json!({})),
            "spec.ipFamily: Forbidden: field cannot be updated",
            cluster(json!({"ipFamily": "IPv6", "clusterSize": 1})),
        ),
    ];
    check::<HazelcastRules, ClusterReferences>(&cases, &CLUSTER.iter().map(|(rule, _)| *rule).collect::<Vec<_>>());
}

#[test]
fn what_must_not_change_of_a_management_center_does_not() {
    let data = |field: &str, value: Value| json!({"persistence": {field: value}});
    let cases = [
        Case(
            "MC-U1",
            json!({}),
            data("enabled", false.into()),
            "spec.persistence.enabled: Forbidden: field cannot be updated",
            json!({"version": "5.9.0", "persistence": {}}),
        ),
        Case(
            "MC-U2",
            data("existingVolumeClaimName", "a".into()),
            data("existingVolumeClaimName", "b".into()),
            "spec.persistence.existingVolumeClaimName: Forbidden: field cannot be updated",
            data("existingVolumeClaimName", "a".into()),
        ),
        Case(
            "MC-U3",
            data("storageClass", "a".into()),
            data("storageClass", "b".into()),
            "spec.persistence.storageClass: Forbidden: field cannot be updated",
            data("storageClass", "a".into()),
        ),
        Case(
            "MC-U4",
            data("size", "10Gi".into()),
            data("size", "11Gi".into()),
            "spec.persistence.size: Forbidden: field cannot be updated",
            data("size", "10240Mi".into()),
        ),
    ];
    check::<ManagementCenterRules, ManagementCenterReferences>(
        &cases,
        &MANAGEMENT_CENTER.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(),
    );
}

#[test]
fn a_cluster_with_cp_can_go_back_to_the_size_that_runs() {
    let with_status = |size: i32| json!({"spec": cp(size, json!({})), "status": {"clusterSize": 3}});
    let back = Review::test_update("library", &with_status(5), &with_status(3));
    assert_eq!(found::<HazelcastRules>(&back), Vec::<String>::new());
    let on = Review::test_update("library", &with_status(5), &with_status(7));
    begin_with(&found::<HazelcastRules>(&on), &["spec.clusterSize: Forbidden: "], "HZ-U8");
}

#[test]
fn a_note_that_holds_no_specification_is_said_to_be_wrong_and_nothing_else() {
    let object = json!({"metadata": {"annotations": {ANNOTATION_LAST_SUCCESSFUL: "{"}}, "spec": {}});
    for found in [
        found::<HazelcastRules>(&Review::test("library", &object)),
        found::<ManagementCenterRules>(&Review::test("library", &object)),
    ] {
        begin_with(&found, &["spec: Internal error: "], "U0");
    }
}

#[test]
fn a_note_of_an_earlier_operator_lacks_what_the_schema_fills_in() {
    let claim = json!({"accessModes": ["ReadWriteOnce"]});
    let note = json!({"persistence": {"baseDir": "", "pvc": claim, "restore": {}}, "agent": {}});
    let spec = cluster(json!({"persistence": {"pvc": {"accessModes": ["ReadWriteOnce"], "requestStorage": "8Gi"}}}));
    assert_eq!(found::<HazelcastRules>(&Review::test("library", &noted(&note, &spec))), Vec::<String>::new());
}

#[test]
fn a_note_that_somebody_edits_does_not_open_the_way() {
    let (before, now) =
        (cluster(json!({"highAvailabilityMode": "NODE"})), cluster(json!({"highAvailabilityMode": "ZONE"})));
    let expected = ["spec.highAvailabilityMode: Forbidden: "];
    // Together with the change.
    let review = Review::test_update("library", &noted(&before, &before), &noted(&now, &now));
    begin_with(&found::<HazelcastRules>(&review), &expected, "together");
    // Beforehand.
    let review = Review::test_update("library", &noted(&before, &before), &noted(&now, &before));
    begin_with(&found::<HazelcastRules>(&review), &expected, "beforehand");
    // Taken away.
    let review = Review::test_update("library", &noted(&before, &before), &json!({"spec": now}));
    begin_with(&found::<HazelcastRules>(&review), &expected, "taken away");
}

#[test]
fn a_cluster_with_cp_comes_back_from_a_pause_as_large_as_it_was() {
    let accepted = |size: i32, status: &Value| accepts::<ClusterReferences>(&cp(size, json!({})), status);
    let paused = accepted(0, &accepted(3, &Value::Null));
    let resumed = pass::<ClusterReferences>(&cp(5, json!({})), &paused);
    assert_eq!(resumed.waits_for().map(|(reason, _)| reason), Some("FieldsCannotChange"));
    assert_eq!(pass::<ClusterReferences>(&cp(3, json!({})), &paused).waits_for(), None);
    // Admission knows it, too.
    let stored = json!({"spec": cp(0, json!({})), "status": paused});
    let change = |size: i32| Review::test_update("library", &stored, &json!({"spec": cp(size, json!({}))}));
    begin_with(&found::<HazelcastRules>(&change(5)), &["spec.clusterSize: Forbidden: "], "HZ-U8");
    begin_with(&found::<HazelcastRules>(&change(3)), &[], "HZ-U8");
}

#[test]
fn what_was_accepted_when_there_was_no_rule_for_it_is_as_it_is_now() {
    let spec = cluster(json!({"ipFamily": "IPv6", "highAvailabilityMode": "NODE"}));
    let old = json!({"acceptedSpec": json!({"highAvailabilityMode": "NODE"}).to_string()});
    assert_eq!(pass::<ClusterReferences>(&spec, &old).waits_for(), None);
    for nonsense in ["", "{", "[]", r#"{"persistence": 3}"#] {
        let status = json!({"acceptedSpec": nonsense});
        assert_eq!(pass::<ClusterReferences>(&spec, &status).waits_for(), None, "{nonsense}");
    }
}

#[test]
fn nothing_of_a_specification_is_noted_but_what_cannot_change() {
    let cx = Context::<Hazelcast>::test("library", json!({"spec": {"env": [{"name": "PASSWORD", "value": "secret"}]}}));
    let status = ClusterReferences::run(&cx).expect("a plan").status_fragment().expect("a status");
    assert_eq!(
        serde_json::from_str::<Value>(status["acceptedSpec"].as_str().expect("text")).expect("JSON"),
        json!({
            "clusterSize": 3, "cpSubsystem": null, "highAvailabilityMode": null, "ipFamily": null, "persistence": null,
            "persistenceVolumeClaims": [], "sql": null,
        })
    );
}
