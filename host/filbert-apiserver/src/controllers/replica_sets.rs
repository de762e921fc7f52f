//! `ReplicaSets`: so many pods, of whatever names.

use super::{controlled, create, delete, integer, is_ready, is_terminating, living, resource, set_status, template};
use crate::core::{Core, set, text};
use crate::store::Key;
use serde_json::{Value, json};

pub(super) fn reconcile(core: &Core, key: &Key) {
    let (Some(sets), Some(pods)) = (resource(core, "apps", "ReplicaSet"), resource(core, "", "Pod")) else { return };
    let Some(object) = living(core, &sets, key) else { return };
    let wanted = usize::try_from(integer(&object, "/spec/replicas", 1)).unwrap_or_default();
    let found = || -> Vec<Value> {
        controlled(core, &pods.collection, &key.namespace, &object)
            .into_iter()
            .filter(|pod| !is_terminating(pod) && !matches!(text(pod, "/status/phase"), "Failed" | "Succeeded"))
            .collect()
    };
    let living_pods = found();
    let template = object.pointer("/spec/template").cloned().unwrap_or_default();
    for _ in living_pods.len()..wanted {
        let generate = format!("{}-", text(&object, "/metadata/name"));
        create(core, &pods, &key.namespace, template::pod(&object, &template, None, &generate, &[]));
    }
    // Those that are not ready go first.
    let mut spare: Vec<&Value> = living_pods.iter().collect();
    spare.sort_by_key(|pod| is_ready(pod));
    for pod in spare.into_iter().take(living_pods.len().saturating_sub(wanted)) {
        delete(core, &pods, &Key::new(&key.namespace, text(pod, "/metadata/name")));
    }
    let now = found();
    let ready = now.iter().filter(|pod| is_ready(pod)).count();
    let mut status =
        json!({ "replicas": now.len(), "observedGeneration": integer(&object, "/metadata/generation", 0) });
    for (field, number) in [("fullyLabeledReplicas", now.len()), ("readyReplicas", ready), ("availableReplicas", ready)]
    {
        if number > 0 {
            set(&mut status, field, number.into());
        }
    }
    set_status(core, &sets, key, &status);
}
