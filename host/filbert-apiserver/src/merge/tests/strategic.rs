use super::*;
use crate::merge::strategic_merge;

fn pod(spec: Value) -> Value {
    [("spec".to_owned(), spec)].into_iter().collect()
}

fn merged(current: Value, patch: Value) -> Value {
    let pods = MergeSchema::builtin("", "v1", "Pod").expect("pods are known");
    strategic_merge(&pod(current), &pod(patch), &pods).expect("merges")["spec"].take()
}

fn refused(current: Value, patch: Value) -> (u16, String) {
    let pods = MergeSchema::builtin("", "v1", "Pod").expect("pods are known");
    let error = strategic_merge(&pod(current), &pod(patch), &pods).expect_err("is refused");
    (error.status(), error.to_string())
}

#[test]
fn items_with_the_same_key_are_merged_and_new_ones_come_first() {
    let current = json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]});
    let patch = json!({"containers": [{"name": "c"}, {"name": "b", "image": "2"}]});
    let expected = json!({"containers": [{"name": "c"}, {"name": "a", "image": "1"}, {"name": "b", "image": "2"}]});
    assert_eq!(merged(current, patch), expected);
}

#[test]
fn null_deletes_and_is_never_stored() {
    let current = json!({"hostname": "h", "nodeSelector": {"a": "1"}});
    let patch = json!({"hostname": null, "priority": null, "nodeSelector": {"a": null, "b": "2"}, "dnsConfig": {"options": null}});
    assert_eq!(merged(current, patch), json!({"nodeSelector": {"b": "2"}, "dnsConfig": {}}));
}

#[test]
fn lists_without_a_strategy_are_replaced() {
    let current = json!({"tolerations": [{"key": "a"}], "containers": [{"name": "a", "args": ["1", "2"]}]});
    let patch = json!({"tolerations": [{"key": "b"}], "containers": [{"name": "a", "args": ["3"]}]});
    let expected = json!({"tolerations": [{"key": "b"}], "containers": [{"name": "a", "args": ["3"]}]});
    assert_eq!(merged(current, patch), expected);
}

#[test]
fn an_item_is_deleted_by_its_key() {
    let current = json!({"containers": [{"name": "a"}, {"name": "b"}]});
    let patch = json!({"containers": [{"name": "a", "$patch": "delete"}]});
    assert_eq!(merged(current, patch), json!({"containers": [{"name": "b"}]}));
}

#[test]
fn a_list_and_a_map_can_be_replaced() {
    let current = json!({"containers": [{"name": "a"}], "securityContext": {"runAsUser": 1}});
    let patch = json!({
        "containers": [{"$patch": "replace"}, {"name": "b"}],
        "securityContext": {"$patch": "replace", "fsGroup": 2},
    });
    assert_eq!(merged(current, patch), json!({"containers": [{"name": "b"}], "securityContext": {"fsGroup": 2}}));
}

#[test]
fn a_map_can_be_deleted() {
    let current = json!({"securityContext": {"runAsUser": 1}});
    assert_eq!(merged(current, json!({"securityContext": {"$patch": "delete"}})), json!({"securityContext": {}}));
}

#[test]
fn retained_keys_are_all_that_stays() {
    let current = json!({"volumes": [{"name": "v", "emptyDir": {}}]});
    let patch = json!({"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "x"}}]});
    assert_eq!(merged(current, patch), json!({"volumes": [{"name": "v", "configMap": {"name": "x"}}]}));
}

#[test]
fn retained_keys_must_name_what_the_patch_sets() {
    let patch = json!({"$retainKeys": ["priority"], "hostname": "h"});
    assert_eq!(refused(json!({}), patch), (400, "invalid patch format of retainKeys".to_owned()));
}

#[test]
fn the_order_of_items_can_be_set() {
    let current = json!({"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
    let patch = json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}], "containers": [{"name": "c", "image": "2"}]});
    let expected = json!({"containers": [{"name": "b"}, {"name": "c", "image": "2"}, {"name": "a"}]});
    assert_eq!(merged(current, patch), expected);
}

#[test]
fn an_order_that_lacks_a_patched_item_is_refused() {
    let patch = json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]});
    let message = "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n";
    assert_eq!(refused(json!({}), patch), (500, message.to_owned()));
}

#[test]
fn scalars_are_merged_and_deleted_one_by_one() {
    let schema = config_maps();
    let current = json!({"metadata": {"finalizers": ["x/a", "x/b"]}});
    let patch = json!({"metadata": {"finalizers": ["x/c"], "$deleteFromPrimitiveList/finalizers": ["x/a"]}});
    let result = strategic_merge(&current, &patch, &schema).expect("merges");
    let mut finalizers: Vec<&str> =
        result["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    finalizers.sort_unstable();
    assert_eq!(finalizers, ["x/b", "x/c"]);
}

#[test]
fn directives_in_new_values_are_not_stored() {
    let patch = json!({"containers": [{"name": "a", "env": [{"name": "X", "$patch": "delete"}, {"name": "Y"}], "$setElementOrder/env": [{"name": "Y"}]}]});
    assert_eq!(merged(json!({}), patch), json!({"containers": [{"name": "a", "env": [{"name": "Y"}]}]}));
}

#[test]
fn an_item_without_its_key_is_refused() {
    let current = json!({"containers": [{"name": "a"}]});
    let message = "map: map[image:x] does not contain declared merge key: name";
    assert_eq!(refused(current, json!({"containers": [{"image": "x"}]})), (500, message.to_owned()));
}

#[test]
fn an_unknown_directive_is_refused() {
    let current = json!({"containers": [{"name": "a"}]});
    let message = "unknown patch type: frob in map: map[$patch:frob name:a]";
    let patch = json!({"containers": [{"name": "a", "$patch": "frob"}]});
    assert_eq!(refused(current, patch), (500, message.to_owned()));
}
