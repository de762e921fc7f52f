//! `StatefulSets`: pods in order, one revision after the other.

use super::{
    controlled, create, delete, integer, is_ready, is_terminating, living, owner_reference, resource, set_status,
    template, template_hash,
};
use crate::core::{Core, set, text};
use crate::resource::Resource;
use crate::store::Key;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One look at a StatefulSet and its pods.
struct Set<'a> {
    core: &'a Core,
    key: &'a Key,
    object: Value,
    name: String,
    start: i64,
    replicas: i64,
    ordered: bool,
    update_revision: String,
    current_revision: String,
    current_template: Value,
    pods: BTreeMap<i64, Value>,
}

pub(super) fn reconcile(core: &Core, key: &Key) {
    let (Some(sets), Some(pods)) = (resource(core, "apps", "StatefulSet"), resource(core, "", "Pod")) else { return };
    let Some(object) = living(core, &sets, key) else { return };
    let mut set = Set::look(core, key, object, &pods);
    let before = core.store.revision();
    set.step(&pods);
    if core.store.revision() != before {
        // Looked at again, so that the status tells of what the step did.
        let Some(object) = living(core, &sets, key) else { return };
        set = Set::look(core, key, object, &pods);
    }
    set_status(core, &sets, key, &set.status());
}

fn ordinal(name: &str, pod: &Value) -> Option<i64> {
    text(pod, "/metadata/name").strip_prefix(name)?.strip_prefix('-')?.parse().ok()
}

fn revision(pod: &Value) -> &str {
    pod.pointer("/metadata/labels/controller-revision-hash").and_then(Value::as_str).unwrap_or_default()
}

impl<'a> Set<'a> {
    fn look(core: &'a Core, key: &'a Key, object: Value, pods: &Resource) -> Self {
        let name = text(&object, "/metadata/name").to_owned();
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let update_revision = format!("{name}-{}", template_hash(&template));
        keep_revision(core, key, &object, &update_revision, &template);
        let known = text(&object, "/status/currentRevision").to_owned();
        let current_revision = if known.is_empty() { update_revision.clone() } else { known };
        let current_template = revision_template(core, key, &current_revision).unwrap_or_else(|| template.clone());
        let pods = controlled(core, &pods.collection, &key.namespace, &object)
            .into_iter()
            .filter_map(|pod| Some((ordinal(&name, &pod)?, pod)))
            .collect();
        Self {
            start: integer(&object, "/spec/ordinals/start", 0),
            replicas: integer(&object, "/spec/replicas", 1),
            ordered: text(&object, "/spec/podManagementPolicy") != "Parallel",
            core,
            key,
            name,
            update_revision,
            current_revision,
            current_template,
            pods,
            object,
        }
    }

    fn partition(&self) -> i64 {
        integer(&self.object, "/spec/updateStrategy/rollingUpdate/partition", 0)
    }

    /// Does what can be done now; the pods' changes bring us here again.
    fn step(&self, pods: &Resource) {
        let end = self.start + self.replicas;
        let mut settled = true;
        for ordinal in self.start..end {
            match self.pods.get(&ordinal) {
                None => {
                    self.create_pod(pods, ordinal);
                    settled = false;
                }
                Some(pod) if is_terminating(pod) => settled = false,
                Some(pod) if text(pod, "/status/phase") == "Failed" => {
                    self.delete_pod(pods, pod);
                    settled = false;
                }
                Some(pod) => settled &= is_ready(pod),
            }
            if self.ordered && !settled {
                return;
            }
        }
        // From the top down; in order one at a time.
        for (ordinal, pod) in self.pods.iter().rev().filter(|(ordinal, _)| **ordinal >= end || **ordinal < self.start) {
            if !is_terminating(pod) {
                self.delete_pod(pods, pod);
            }
            if self.ordered {
                tracing::trace!(set = %self.key, ordinal, "one pod fewer");
                return;
            }
        }
        if text(&self.object, "/spec/updateStrategy/type") == "OnDelete" {
            return;
        }
        for ordinal in (self.start.max(self.partition())..end).rev() {
            let Some(pod) = self.pods.get(&ordinal) else { return };
            if revision(pod) != self.update_revision && !is_terminating(pod) {
                self.delete_pod(pods, pod);
                return;
            }
            if !is_ready(pod) || is_terminating(pod) {
                return;
            }
        }
    }

    fn delete_pod(&self, pods: &Resource, pod: &Value) {
        delete(self.core, pods, &Key::new(&self.key.namespace, text(pod, "/metadata/name")));
    }

    fn create_pod(&self, pods: &Resource, ordinal: i64) {
        let name = format!("{}-{ordinal}", self.name);
        let updated = ordinal >= self.partition() || self.current_revision == self.update_revision;
        let template = self.object.pointer("/spec/template").unwrap_or(&Value::Null);
        let (template, revision) =
            if updated { (template, &self.update_revision) } else { (&self.current_template, &self.current_revision) };
        let index = ordinal.to_string();
        let labels = [
            ("statefulset.kubernetes.io/pod-name", name.as_str()),
            ("apps.kubernetes.io/pod-index", index.as_str()),
            ("controller-revision-hash", revision.as_str()),
        ];
        let mut pod = template::pod(&self.object, template, Some(&name), "", &labels);
        if let Some(metadata) = pod.get_mut("metadata") {
            set(metadata, "generateName", format!("{}-", self.name).into());
        }
        let claims = self.create_claims(&name);
        if let Some(spec) = pod.get_mut("spec") {
            set(spec, "hostname", name.into());
            if let Some(service) = self.object.pointer("/spec/serviceName").filter(|service| **service != "") {
                set(spec, "subdomain", service.clone());
            }
            if let Some(spec) = spec.as_object_mut() {
                let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
                if let Some(volumes) = volumes.as_array_mut() {
                    volumes.retain(|volume| !claims.iter().any(|(claim, _)| text(volume, "/name") == claim));
                    volumes.extend(claims.iter().map(
                        |(volume, claim)| json!({ "name": volume, "persistentVolumeClaim": { "claimName": claim } }),
                    ));
                }
            }
        }
        create(self.core, pods, &self.key.namespace, pod);
    }

    /// Makes the claims of a pod that are not there; answers volume and claim names.
    fn create_claims(&self, pod: &str) -> Vec<(String, String)> {
        let Some(claims) = resource(self.core, "", "PersistentVolumeClaim") else { return Vec::new() };
        let templates = self.object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
        let mut made = Vec::new();
        for template in templates.into_iter().flatten() {
            let volume = text(template, "/metadata/name").to_owned();
            let name = format!("{volume}-{pod}");
            if self.core.store.get(&claims.collection, &Key::new(&self.key.namespace, &name)).is_none() {
                let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
                set(&mut metadata, "name", name.as_str().into());
                if let Some(metadata) = metadata.as_object_mut() {
                    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
                    let selected = self.object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
                    for (name, value) in selected.into_iter().flatten() {
                        set(labels, name, value.clone());
                    }
                }
                let claim = json!({
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
                    "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
                });
                create(self.core, &claims, &self.key.namespace, claim);
            }
            made.push((volume, name));
        }
        made
    }

    fn status(&self) -> Value {
        let living = || self.pods.values().filter(|pod| !is_terminating(pod));
        let count = |wanted: &dyn Fn(&Value) -> bool| living().filter(|pod| wanted(pod)).count();
        let ready = count(&is_ready);
        let updated = count(&|pod| revision(pod) == self.update_revision);
        let total = self.pods.len();
        let wanted = usize::try_from(self.replicas).unwrap_or_default();
        let done = updated == wanted && ready == wanted && total == wanted;
        let current = if done { &self.update_revision } else { &self.current_revision };
        let mut status = json!({
            "observedGeneration": integer(&self.object, "/metadata/generation", 0),
            "replicas": total, "availableReplicas": ready, "collisionCount": 0,
            "currentRevision": current, "updateRevision": self.update_revision,
        });
        let on_current = count(&|pod| revision(pod) == current);
        // Numbers that are zero are left out, as the real controller's are.
        for (field, number) in [("readyReplicas", ready), ("updatedReplicas", updated), ("currentReplicas", on_current)]
        {
            if number > 0 {
                set(&mut status, field, number.into());
            }
        }
        status
    }
}

fn keep_revision(core: &Core, key: &Key, set: &Value, name: &str, template: &Value) {
    let Some(revisions) = resource(core, "apps", "ControllerRevision") else { return };
    if core.store.get(&revisions.collection, &Key::new(&key.namespace, name)).is_some() {
        return;
    }
    let number = controlled(core, &revisions.collection, &key.namespace, set)
        .iter()
        .map(|revision| integer(revision, "/revision", 0))
        .max()
        .unwrap_or(0);
    let revision = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": { "name": name, "ownerReferences": owner_reference(set), "labels": { "controller.kubernetes.io/hash": name.rsplit('-').next() } },
        "revision": number + 1,
        "data": { "spec": { "template": template } },
    });
    create(core, &revisions, &key.namespace, revision);
}

fn revision_template(core: &Core, key: &Key, name: &str) -> Option<Value> {
    let revisions = resource(core, "apps", "ControllerRevision")?;
    let revision = core.store.get(&revisions.collection, &Key::new(&key.namespace, name))?.value();
    revision.pointer("/data/spec/template").cloned()
}
