#![expect(clippy::needless_pass_by_value, reason = "values are made where they are handed over")]

use super::*;

fn entry(manager: &str, operation: &str, time: &str, fields: Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields})
}

fn object(fields: Value, entries: &[Value]) -> Value {
    let mut object = fields;
    object["metadata"]["managedFields"] = json!(entries);
    object
}

#[test]
fn what_earlier_managers_own_becomes_ours_and_nothing_else_does() {
    let theirs = json!({"f:spec": {"f:type": {}, "f:ports": {".": {}, "k:{\"port\":1}": {".": {}, "f:port": {}}}}});
    let ours = json!({"f:spec": {"f:ports": {"k:{\"port\":1}": {"f:name": {}}}}, "f:data": {}});
    let status =
        json!({"manager": "old", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}});
    let user = entry("kubectl-edit", "Update", "T9", json!({"f:data": {"f:a": {}}}));
    let entries =
        [entry("old", "Update", "T2", theirs), status.clone(), user.clone(), entry("ours", "Apply", "T1", ours)];
    let moved = moved(&object(json!({}), &entries), &["old".to_owned()], "ours", "").expect("something moves");
    let united = json!({
        "f:spec": {"f:type": {}, "f:ports": {".": {}, "k:{\"port\":1}": {".": {}, "f:port": {}, "f:name": {}}}},
        "f:data": {},
    });
    assert_eq!(moved, [status, user, entry("ours", "Apply", "T2", united)]);
}

#[test]
fn a_field_that_one_owns_whole_and_the_other_in_parts_stays_owned_itself() {
    let entries = [
        entry("old", "Update", "T1", json!({"f:data": {}})),
        entry("older", "Update", "T1", json!({"f:data": {"f:a": {}}})),
    ];
    let from = ["old".to_owned(), "older".to_owned()];
    let moved = moved(&object(json!({}), &entries), &from, "ours", "").expect("something moves");
    assert_eq!(moved[0]["fieldsV1"], json!({"f:data": {".": {}, "f:a": {}}}));
}

#[test]
fn nothing_moves_where_nobody_updated() {
    let entries = [entry("old", "Apply", "T1", json!({"f:data": {}})), entry("ours", "Apply", "T1", json!({}))];
    assert_eq!(moved(&object(json!({}), &entries), &["old".to_owned()], "ours", ""), None);
}

fn of(live: Value, ours: Value, theirs: Value, wanted: Value) -> Vec<(String, Option<String>)> {
    let entries = [entry("ours", "Apply", "T1", ours), entry("kubectl-edit", "Update", "T2", theirs)];
    let found = taken(&object(live, &entries), &wanted, "ours", "");
    found.into_iter().map(|taken| (taken.field, taken.by)).collect()
}

#[test]
fn a_field_that_somebody_set_is_named_with_who_did() {
    let found = of(
        json!({"spec": {"type": "NodePort", "ports": [{"port": 2, "protocol": "TCP"}, {"port": 1, "protocol": "TCP", "name": "theirs"}]}}),
        json!({"f:spec": {"f:ports": {"k:{\"port\":1,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}}),
        json!({"f:spec": {"f:type": {}, "f:ports": {
            "k:{\"port\":2,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}},
            "k:{\"port\":1,\"protocol\":\"TCP\"}": {"f:name": {}},
        }}}),
        json!({"apiVersion": "v1", "kind": "Service", "spec": {"type": "ClusterIP", "ports": [{"port": 1, "name": "ours"}]}}),
    );
    let by = Some("kubectl-edit".to_owned());
    assert_eq!(found, [("spec.ports[0].name".to_owned(), by.clone()), ("spec.type".to_owned(), by)]);
}

#[test]
fn a_field_of_an_object_that_we_created_is_named_with_who_has_it_now() {
    let entries = [
        // What is left of `{".": {}, "f:message": {}}`.
        entry("ours", "Update", "T1", json!({"f:data": {}})),
        entry("kubectl-edit", "Update", "T2", json!({"f:data": {"f:message": {}}})),
    ];
    let wanted = json!({"data": {"message": "ours"}});
    let found = taken(&object(json!({"data": {"message": "theirs"}}), &entries), &wanted, "ours", "");
    assert_eq!(found, [Taken { field: "data.message".to_owned(), by: Some("kubectl-edit".to_owned()) }]);
}

#[test]
fn a_field_that_somebody_took_away_is_named_with_the_last_writer() {
    let found = of(
        json!({"metadata": {"labels": {"theirs": "1"}}}),
        json!({"f:metadata": {"f:labels": {"f:b": {}}}}),
        json!({"f:metadata": {"f:labels": {"f:theirs": {}}}}),
        json!({"metadata": {"name": "n", "labels": {"a": "1"}}}),
    );
    assert_eq!(found, [("metadata.labels.a".to_owned(), Some("kubectl-edit".to_owned()))]);
}

#[test]
fn what_the_server_writes_in_its_own_way_is_still_ours() {
    let found = of(
        json!({"spec": {"size": "1Gi"}}),
        json!({"f:spec": {"f:size": {}}}),
        json!({}),
        json!({"spec": {"size": "1024Mi"}}),
    );
    assert_eq!(found, []);
}

#[test]
fn a_list_owned_as_a_whole_is_one_field() {
    let found = of(json!({"rules": []}), json!({}), json!({"f:rules": {}}), json!({"rules": [{"verbs": ["get"]}]}));
    assert_eq!(found, [("rules".to_owned(), Some("kubectl-edit".to_owned()))]);
}

#[test]
fn an_earlier_manager_that_writes_after_us_is_told_from_one_that_wrote_before() {
    let entries = |theirs: &str| {
        let at = |manager: &str, operation: &str, time: &str| {
            let mut entry = entry(manager, operation, time, json!({"f:status": {}}));
            entry["subresource"] = "status".into();
            entry
        };
        object(json!({}), &[at("old", "Update", theirs), at("ours", "Apply", "T5")])
    };
    let others = ["old".to_owned()];
    assert_eq!(later(&entries("T6"), &others, "ours", "status"), Some("old"));
    assert_eq!(later(&entries("T4"), &others, "ours", "status"), None);
    assert_eq!(later(&entries("T6"), &others, "ours", ""), None, "through the status only");
}
