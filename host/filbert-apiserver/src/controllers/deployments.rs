//! Deployments: a `ReplicaSet` for each template; the old ones go down when the new one is ready.

use super::{
    MARK, condition, controlled, create, integer, living, owner_reference, resource, set_status, template_hash,
};
use crate::background::change;
use crate::core::{Core, set, text};
use crate::store::Key;
use serde_json::{Value, json};

pub(super) fn reconcile(core: &Core, key: &Key) {
    let (Some(deployments), Some(sets)) = (resource(core, "apps", "Deployment"), resource(core, "apps", "ReplicaSet"))
    else {
        return;
    };
    let Some(object) = living(core, &deployments, key) else { return };
    let wanted = integer(&object, "/spec/replicas", 1);
    let template = object.pointer("/spec/template").cloned().unwrap_or_default();
    let hash = template_hash(&template);
    let name = format!("{}-{hash}", text(&object, "/metadata/name"));
    let own = Key::new(&key.namespace, &name);
    let scale = |key: &Key, replicas: i64| {
        change(core, &sets, key, |set_object| {
            if integer(set_object, "/spec/replicas", 1) != replicas {
                let generation = integer(set_object, "/metadata/generation", 0) + 1;
                if let Some(spec) = set_object.get_mut("spec") {
                    set(spec, "replicas", replicas.into());
                }
                if let Some(metadata) = set_object.get_mut("metadata") {
                    set(metadata, "generation", generation.into());
                }
            }
        });
    };
    if core.store.get(&sets.collection, &own).is_some() {
        scale(&own, wanted);
    } else {
        create(core, &sets, &key.namespace, replica_set(&object, &name, &hash, &template, wanted));
    }
    let all = controlled(core, &sets.collection, &key.namespace, &object);
    let number = |set: &Value, field: &str| set.pointer("/status").map_or(0, |status| integer(status, field, 0));
    let new = all.iter().find(|set| text(set, "/metadata/name") == name);
    let ready_now = new.map_or(0, |set| number(set, "/readyReplicas"));
    if ready_now >= wanted {
        for old in all.iter().filter(|set| text(set, "/metadata/name") != name) {
            scale(&Key::new(&key.namespace, text(old, "/metadata/name")), 0);
        }
    }
    let sum = |field: &str| all.iter().map(|set| number(set, field)).sum::<i64>();
    let (total, ready) = (sum("/replicas"), sum("/readyReplicas"));
    let updated = new.map_or(0, |set| number(set, "/replicas"));
    let now = core.options.clock.seconds();
    let mut available = condition(
        &object,
        "Available",
        ready >= wanted,
        if ready >= wanted { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" },
        &now,
    );
    let mut progressing = condition(
        &object,
        "Progressing",
        true,
        if ready_now >= wanted { "NewReplicaSetAvailable" } else { "ReplicaSetUpdated" },
        &now,
    );
    for condition in [&mut available, &mut progressing] {
        let since = condition.get("lastTransitionTime").cloned().unwrap_or_default();
        set(condition, "lastUpdateTime", since);
    }
    let mut status = json!({
        "observedGeneration": integer(&object, "/metadata/generation", 0), "conditions": [available, progressing],
    });
    let unavailable = (wanted - ready).max(0);
    for (field, number) in [
        ("replicas", total),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", ready),
        ("unavailableReplicas", unavailable),
    ] {
        if number > 0 {
            set(&mut status, field, number.into());
        }
    }
    set_status(core, &deployments, key, &status);
}

fn replica_set(deployment: &Value, name: &str, hash: &str, template: &Value, replicas: i64) -> Value {
    let mut template = template.clone();
    let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or_else(|| json!({}));
    for (object, path) in [(&mut template, "/metadata/labels"), (&mut selector, "/matchLabels")] {
        if let Some(labels) = object.pointer_mut(path) {
            set(labels, "pod-template-hash", hash.into());
        }
    }
    let labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": name, "labels": labels, "annotations": { MARK: "true" }, "ownerReferences": owner_reference(deployment) },
        "spec": { "replicas": replicas, "selector": selector, "template": template },
    })
}
