use super::*;
use crate::merge::{ScaleOwners, scale_owners, track_update, with_scale_owners};

fn tracked(old: Option<&Value>, new: Value, manager: &str) -> Value {
    let mut new = new;
    if let Some(entries) = old.and_then(|old| old.pointer("/metadata/managedFields")) {
        new["metadata"]["managedFields"] = entries.clone();
    }
    track_update(old, &mut new, &writer(manager, "v1"), &config_maps());
    new
}

#[test]
fn who_creates_owns_everything_with_its_parents() {
    let created = tracked(None, config_map(json!({"a": "1"})), "ann");
    assert_eq!(owners(&created), ["Update/ann: .data .data.a"]);
}

#[test]
fn fields_that_are_always_there_are_nobodys_parents() {
    let schema = MergeSchema::builtin("apps", "v1", "Deployment").expect("deployments are known");
    let mut created = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"strategy": {"rollingUpdate": {"maxSurge": 1}}, "template": {"spec": {"containers": [{"name": "c", "resources": {}}]}}},
        "status": {},
    });
    track_update(None, &mut created, &writer("ann", "apps/v1"), &schema);
    let container = ".spec.template.spec.containers[name=\"c\"]";
    let expected = format!(
        "Update/ann: .spec.strategy.rollingUpdate .spec.strategy.rollingUpdate.maxSurge {container} {container}.name {container}.resources"
    );
    assert_eq!(owners(&created), [expected]);
}

#[test]
fn an_update_takes_only_what_it_changes() {
    let created = tracked(None, config_map(json!({"a": "1", "b": "1"})), "ann");
    let updated = tracked(Some(&created), config_map(json!({"a": "1", "b": "2"})), "bob");
    assert_eq!(owners(&updated), ["Update/ann: .data .data.a", "Update/bob: .data.b"]);
}

#[test]
fn an_update_that_changes_nothing_takes_nothing() {
    let created = tracked(None, config_map(json!({"a": "1"})), "ann");
    let updated = tracked(Some(&created), config_map(json!({"a": "1"})), "bob");
    assert_eq!(updated, created);
}

#[test]
fn a_removed_field_has_no_owner() {
    let created = tracked(None, config_map(json!({"a": "1", "b": "1"})), "ann");
    let updated = tracked(Some(&created), config_map(json!({"b": "1"})), "bob");
    assert_eq!(owners(&updated), ["Update/ann: .data .data.b"]);
}

#[test]
fn an_empty_list_makes_the_server_forget_and_nobody_is_remembered_then() {
    let created = tracked(None, config_map(json!({"a": "1"})), "ann");
    for reset in [json!([]), json!([{}])] {
        let mut forgotten = created.clone();
        forgotten["metadata"]["managedFields"] = reset;
        track_update(Some(&created), &mut forgotten, &writer("ann", "v1"), &config_maps());
        assert_eq!(owners(&forgotten), [""; 0]);
        let updated = tracked(Some(&forgotten), config_map(json!({"a": "2"})), "bob");
        assert_eq!(owners(&updated), [""; 0]);
    }
}

#[test]
fn entries_that_cannot_be_read_are_as_good_as_none_given() {
    let created = tracked(None, config_map(json!({"a": "1"})), "ann");
    for (name, value) in
        [("operation", json!("Frob")), ("fieldsV1", json!({"nonsense": {}})), ("fieldsType", json!("V9"))]
    {
        let mut updated = created.clone();
        updated["metadata"]["managedFields"][0][name] = value;
        track_update(Some(&created), &mut updated, &writer("bob", "v1"), &config_maps());
        assert_eq!(updated, created, "{name}");
    }
}

#[test]
fn many_updaters_are_joined() {
    let mut object = tracked(None, config_map(json!({"k0": "1"})), "m00");
    for index in 1..15 {
        let mut next = object.clone();
        next["data"][format!("k{index}")] = json!("1");
        object = tracked(Some(&object), next, &format!("m{index:02}"));
    }
    let owners = owners(&object);
    assert_eq!(owners.len(), 10);
    assert_eq!(owners[0], "Update/ancient-changes: .data .data.k0 .data.k1 .data.k2 .data.k3 .data.k4 .data.k5");
}

#[test]
fn a_write_to_the_scale_takes_the_replicas_from_their_owner() {
    let deployments = MergeSchema::builtin("apps", "v1", "Deployment").expect("deployments are known");
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 1, "paused": true}});
    let mut object =
        crate::merge::apply(None, &object, &writer("ann", "apps/v1"), false, &deployments).expect("applies").object;
    let paths: ScaleOwners<'_> = [("apps/v1".to_owned(), Some(vec!["spec", "replicas"]))].into();

    let scale = |replicas: u32, entries: Vec<Value>| json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d", "managedFields": entries}, "spec": {"replicas": replicas}});
    let before = scale(1, scale_owners(&object, &paths));
    assert_eq!(owners(&before), ["Apply/ann: .spec.replicas"]);
    let mut after = scale(2, scale_owners(&object, &paths));
    let schema = MergeSchema::builtin("autoscaling", "v1", "Scale").expect("scales are known");
    let scaler = Writer { subresource: "scale", ..writer("bob", "autoscaling/v1") };
    track_update(Some(&before), &mut after, &scaler, &schema);
    let entries = after["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    with_scale_owners(&mut object, &entries, "apps/v1", &paths);
    assert_eq!(owners(&object), ["Apply/ann: .spec.paused", "Update/bob: .spec.replicas"]);
}
