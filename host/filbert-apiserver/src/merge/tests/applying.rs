use super::*;
use crate::merge::{apply, keep_times_if_unchanged};

fn widgets() -> MergeSchema {
    MergeSchema::from_crd_schema(&json!({
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {
                "size": {"type": "integer"},
                "parts": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "side"],
                    "items": {"type": "object", "properties": {
                        "name": {"type": "string"}, "side": {"type": "string", "default": "left"}, "weight": {"type": "integer"},
                    }},
                },
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
                "pod": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
            }},
            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
        },
    }))
    .with_kind("Widget")
    .with_status_subresource()
}

fn widget(spec: Value) -> Value {
    let mut object = json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "gear"}});
    object["spec"] = spec;
    object
}

fn apply_widget(manager: &str, live: Option<&Value>, spec: Value) -> Result<Applied, ApplyError> {
    apply(live, &widget(spec), &writer(manager, "example.org/v1"), false, &widgets())
}

#[test]
fn the_applier_owns_what_it_applies_and_no_parents() {
    let applied = apply_as("ann", None, &config_map(json!({"line": "one"})), false).expect("applies");
    assert!(applied.changed);
    assert_eq!(owners(&applied.object), ["Apply/ann: .data.line"]);
}

#[test]
fn applying_the_same_again_changes_nothing_not_even_the_time() {
    let first = apply_as("ann", None, &config_map(json!({"line": "one"})), false).expect("applies").object;
    let later = Writer { now: "2026-02-02T00:00:00Z", ..writer("ann", "v1") };
    let again =
        apply(Some(&first), &config_map(json!({"line": "one"})), &later, false, &config_maps()).expect("applies");
    assert!(!again.changed);
    assert_eq!(again.object, first);
}

#[test]
fn a_field_that_is_no_longer_applied_is_removed() {
    let first = apply_as("ann", None, &config_map(json!({"a": "1", "b": "2"})), false).expect("applies").object;
    let second = apply_as("ann", Some(&first), &config_map(json!({"a": "1"})), false).expect("applies").object;
    assert_eq!(second["data"], json!({"a": "1"}));
}

#[test]
fn a_field_that_another_applies_too_stays_when_one_drops_it() {
    // Who changes nothing has no time, and comes first.
    let first = apply_as("ann", None, &config_map(json!({"a": "1"})), false).expect("applies").object;
    let shared = apply_as("bob", Some(&first), &config_map(json!({"a": "1"})), false).expect("applies").object;
    let dropped = apply_as("ann", Some(&shared), &config_map(json!({})), false).expect("applies").object;
    assert_eq!(dropped["data"], json!({"a": "1"}));
    assert_eq!(owners(&dropped), ["Apply/bob: .data.a", "Apply/ann: .data"]);
}

#[test]
fn a_conflict_names_the_owner_and_the_field() {
    let live = apply_as("ann", None, &config_map(json!({"a": "1"})), false).expect("applies").object;
    let error = apply_as("bob", Some(&live), &config_map(json!({"a": "2"})), false).expect_err("conflicts");
    assert_eq!((error.status(), error.reason()), (409, "Conflict"));
    assert_eq!(error.to_string(), "Apply failed with 1 conflict: conflict with \"ann\": .data.a");
}

#[test]
fn several_conflicts_are_listed_by_manager() {
    let live = apply_as("ann", None, &config_map(json!({"a": "1", "b": "1"})), false).expect("applies").object;
    let error = apply_as("bob", Some(&live), &config_map(json!({"a": "2", "b": "2"})), false).expect_err("conflicts");
    let expected = "Apply failed with 2 conflicts: conflicts with \"ann\":\n- .data.a\n- .data.b";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn force_takes_the_field_over() {
    let live = apply_as("ann", None, &config_map(json!({"a": "1", "b": "1"})), false).expect("applies").object;
    let taken = apply_as("bob", Some(&live), &config_map(json!({"a": "2"})), true).expect("applies").object;
    assert_eq!(owners(&taken), ["Apply/ann: .data.b", "Apply/bob: .data.a"]);
}

#[test]
fn what_was_there_before_the_first_apply_has_an_owner_afterwards() {
    let live = config_map(json!({"a": "1"}));
    let applied = apply_as("ann", Some(&live), &config_map(json!({"a": "1"})), false).expect("applies").object;
    assert_eq!(owners(&applied), ["Apply/ann: .data.a", "Update/before-first-apply: .data .data.a"]);
}

#[test]
fn an_object_with_managed_fields_is_refused() {
    let mut object = config_map(json!({}));
    object["metadata"]["managedFields"] = json!([]);
    let error = apply_as("ann", None, &object, false).expect_err("is refused");
    assert_eq!((error.status(), error.to_string().as_str()), (400, "metadata.managedFields must be nil"));
}

#[test]
fn another_kind_is_refused() {
    let error = apply_as("ann", None, &json!({"apiVersion": "v1", "kind": "Secret"}), false).expect_err("is refused");
    assert_eq!((error.status(), error.to_string().as_str()), (400, "invalid object type: /v1, Kind=Secret"));
}

#[test]
fn wrong_types_and_unknown_fields_are_errors_of_the_server() {
    let cases = [
        (json!({"size": "big"}), ".spec.size: expected numeric (int or float), got string"),
        (json!({"bogus": 1}), ".spec.bogus: field not declared in schema"),
        (json!({"tags": ["a", "a"]}), ".spec.tags: duplicate entries for key [=\"a\"]"),
        (
            json!({"parts": [{"name": "a"}, {"name": "a", "side": "left"}]}),
            ".spec.parts: duplicate entries for key [name=\"a\",side=\"left\"]",
        ),
        (
            json!({"parts": [{"weight": 1}]}),
            ".spec.parts: element 0: associative list with keys has an element that omits key field \"name\" \
             (and doesn't have default value)",
        ),
        (json!({"whole": {"a": 1}}), ".spec.whole.a: expected string, got &value.valueUnstructured{Value:1}"),
    ];
    for (spec, message) in cases {
        let error = apply_widget("ann", None, spec).expect_err(message);
        let expected = format!("failed to create typed patch object (/gear; example.org/v1, Kind=Widget): {message}");
        assert_eq!((error.status(), error.to_string()), (500, expected));
    }
}

#[test]
fn list_items_are_told_apart_by_all_their_keys_and_key_defaults() {
    let first = apply_widget("ann", None, json!({"parts": [{"name": "a", "weight": 1}]})).expect("applies").object;
    let other = apply_widget("bob", Some(&first), json!({"parts": [{"name": "a", "side": "right", "weight": 2}]}));
    let other = other.expect("the other side is another item").object;
    assert_eq!(other["spec"]["parts"].as_array().map(Vec::len), Some(2));
    let error = apply_widget("bob", Some(&first), json!({"parts": [{"name": "a", "side": "left", "weight": 2}]}));
    assert_eq!(error.expect_err("conflicts").conflicts()[0].field, ".spec.parts[name=\"a\",side=\"left\"].weight");
}

#[test]
fn new_list_items_keep_their_place_among_live_ones() {
    let live = apply_widget("ann", None, json!({"tags": ["a", "c"]})).expect("applies").object;
    let more = apply_widget("bob", Some(&live), json!({"tags": ["b", "c"]})).expect("applies").object;
    assert_eq!(more["spec"]["tags"], json!(["a", "b", "c"]));
}

#[test]
fn removing_a_list_item_leaves_those_of_others() {
    let live = apply_widget("ann", None, json!({"parts": [{"name": "a", "weight": 1}]})).expect("applies").object;
    let two = apply_widget("bob", Some(&live), json!({"parts": [{"name": "b", "weight": 2}]})).expect("applies").object;
    let one = apply_widget("ann", Some(&two), json!({})).expect("applies").object;
    assert_eq!(one["spec"]["parts"], json!([{"name": "b", "weight": 2}]));
}

#[test]
fn an_atomic_map_is_one_field() {
    let live = apply_widget("ann", None, json!({"whole": {"a": "1"}})).expect("applies").object;
    assert_eq!(owners(&live), ["Apply/ann: .spec.whole"]);
    let error = apply_widget("bob", Some(&live), json!({"whole": {"b": "1"}})).expect_err("conflicts");
    assert_eq!(error.conflicts()[0].field, ".spec.whole");
}

#[test]
fn free_maps_are_merged_and_their_lists_are_not() {
    let live = apply_widget("ann", None, json!({"free": {"a": {"b": [1]}}})).expect("applies").object;
    let both = apply_widget("bob", Some(&live), json!({"free": {"a": {"c": 1}}})).expect("applies").object;
    assert_eq!(both["spec"]["free"], json!({"a": {"b": [1], "c": 1}}));
    let error = apply_widget("bob", Some(&live), json!({"free": {"a": {"b": [1, 2]}}})).expect_err("conflicts");
    assert_eq!(error.conflicts()[0].field, ".spec.free.a.b");
}

#[test]
fn an_embedded_object_has_typed_metadata() {
    let applied =
        json!({"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"finalizers": ["x/y"]}, "spec": {"a": 1}}});
    let applied = apply_widget("ann", None, applied).expect("applies").object;
    assert_eq!(
        owners(&applied),
        [
            "Apply/ann: .spec.pod.apiVersion .spec.pod.kind .spec.pod.spec .spec.pod.metadata.finalizers[=\"x/y\"] .spec.pod.spec.a"
        ]
    );
}

#[test]
fn the_status_is_owned_only_through_its_subresource() {
    let mut object = widget(json!({"size": 1}));
    object["status"] = json!({"phase": "new"});
    let plain = apply(None, &object, &writer("ann", "example.org/v1"), false, &widgets()).expect("applies").object;
    assert_eq!(owners(&plain), ["Apply/ann: .spec.size"]);
    object["status"] = json!({"phase": "old"});
    let to_status = Writer { subresource: "status", now: "2026-02-02T00:00:00Z", ..writer("ann", "example.org/v1") };
    let both = apply(Some(&plain), &object, &to_status, false, &widgets()).expect("applies").object;
    assert_eq!(owners(&both), ["Apply/ann: .spec.size", "Apply/ann: .status.phase"]);
}

#[test]
fn an_equivalent_quantity_is_no_change() {
    let claim = |storage: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"},
            "spec": {"resources": {"requests": {"storage": storage}}}})
    };
    let schema = MergeSchema::builtin("", "v1", "PersistentVolumeClaim").expect("claims are known");
    let live = apply(None, &claim("1Gi"), &writer("ann", "v1"), false, &schema).expect("applies").object;
    let same = apply(Some(&live), &claim("1024Mi"), &writer("bob", "v1"), false, &schema).expect("does not conflict");
    assert_eq!(same.object["spec"], live["spec"]);
}

#[test]
fn a_null_in_a_config_map_is_an_owned_empty_text() {
    let applied = apply_as("ann", None, &config_map(json!({"a": null})), false).expect("applies").object;
    assert_eq!(applied["data"], json!({"a": ""}));
    assert_eq!(owners(&applied), ["Apply/ann: .data.a"]);
}

#[test]
fn kubectl_takes_over_from_its_client_side_self_without_conflict() {
    let mut live = config_map(json!({"a": "1"}));
    let last = config_map(json!({"a": "1"})).to_string();
    live["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": last});
    let mut object = live.clone();
    crate::merge::track_update(None, &mut object, &writer("kubectl-client-side-apply", "v1"), &config_maps());
    let changed = config_map(json!({"a": "2 < 3"}));
    apply_as("ann", Some(&object), &changed, false).expect_err("anybody else conflicts");
    let applied = apply_as("kubectl", Some(&object), &changed, false).expect("applies").object;
    let note = &applied["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
    let expected = "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"2 \\u003c 3\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"poem\"}}\n";
    assert_eq!(note, expected);
}

#[test]
fn times_come_back_when_defaults_undo_the_only_change() {
    let live = apply_as("ann", None, &config_map(json!({"a": "1"})), false).expect("applies").object;
    let later = Writer { now: "2026-02-02T00:00:00Z", ..writer("ann", "v1") };
    let mut changed =
        apply(Some(&live), &config_map(json!({"a": "2"})), &later, false, &config_maps()).expect("applies").object;
    assert!(!keep_times_if_unchanged(&live, &mut changed));
    changed["data"] = live["data"].clone();
    assert!(keep_times_if_unchanged(&live, &mut changed));
    assert_eq!(changed, live);
}

#[test]
fn what_was_applied_through_another_version_is_removed_through_this_one() {
    let v2 = widgets();
    let schema = widgets().with_version("example.org/v2", v2.clone());
    let old = json!({"apiVersion": "example.org/v2", "kind": "Widget", "metadata": {"name": "gear"}, "spec": {"size": 1, "tags": ["a"]}});
    let live = apply(None, &old, &writer("ann", "example.org/v2"), false, &v2).expect("applies").object;
    let now = apply(Some(&live), &widget(json!({"size": 1})), &writer("ann", "example.org/v1"), false, &schema);
    let now = now.expect("applies").object;
    assert_eq!(now["spec"]["size"], json!(1));
    assert!(now["spec"]["tags"].is_null());
    assert_eq!(owners(&now), ["Apply/ann: .spec.size"]);
}

#[test]
fn what_has_become_one_value_is_owned_as_a_whole() {
    let map = |kind: &str| {
        MergeSchema::from_crd_schema(
            &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "map": {"type": "object", "x-kubernetes-map-type": kind, "additionalProperties": {"type": "string"}},
            }}}}),
        )
    };
    let object = widget(json!({"map": {"a": "1"}}));
    let writer = writer("ann", "example.org/v1");
    let live = apply(None, &object, &writer, false, &map("granular")).expect("applies").object;
    assert_eq!(owners(&live), ["Apply/ann: .spec.map.a"]);
    let other = Writer { manager: "bob", ..writer };
    let error = apply(Some(&live), &widget(json!({"map": {"b": "1"}})), &other, false, &map("atomic"));
    assert_eq!(
        error.expect_err("conflicts").to_string(),
        "Apply failed with 1 conflict: conflict with \"ann\": .spec.map"
    );
}

#[test]
fn an_object_that_another_version_cannot_hold_cannot_be_applied() {
    let version = |field: &str| {
        MergeSchema::from_crd_schema(
            &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "both": {"type": "string"}, field: {"type": "string"},
            }}}}),
        )
    };
    let old = apply(None, &widget(json!({"both": "1"})), &writer("ann", "example.org/v1"), false, &version("one"));
    let mut live = old.expect("applies").object;
    live["apiVersion"] = json!("example.org/v2");
    live["spec"]["two"] = json!("2");
    let mut applied = widget(json!({"both": "1"}));
    applied["apiVersion"] = json!("example.org/v2");
    let schema = version("two").with_version("example.org/v1", version("one"));
    let error = apply(Some(&live), &applied, &writer("bob", "example.org/v2"), false, &schema).expect_err("is refused");
    assert_eq!((error.status(), error.to_string().as_str()), (500, ".spec.two: field not declared in schema"));
}
