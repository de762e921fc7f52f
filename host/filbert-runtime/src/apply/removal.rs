//! What goes: objects that a step wants deleted or no longer proposes, and fields of objects that it shares.

use std::collections::BTreeSet;
use std::sync::Arc;

use filbert_kube::Cached;
use filbert_kube::api::FINALIZER_MANAGER;
use filbert_kube::cache::CacheError;
use filbert_plan::diff;
use filbert_plan::grant::{Grants, Verb, labels_of};
use filbert_plan::object::{self, ObjectKey, ResourceType, TypeMeta};
use filbert_plan::plan::{Deletion, Ownership};
use serde_json::{Map, Value, json};

use super::applied::Applied;
use super::ownership::{belongs_to, foreign};
use super::{Applier, ApplyError, Mode, Owner, Writer};
use crate::journal::{Effect, EffectKind};
use crate::observe::SubjectName;

impl Applier {
    /// Deletes what the step asked for, unless it is gone already.
    pub(super) async fn delete(&self, deletion: &Deletion, owner: &Owner) -> Result<Option<Effect>, ApplyError> {
        let Deletion { key, uid, reason } = deletion;
        let Some(live) = self.api.get(key).await? else { return Ok(None) };
        if uid.as_deref().is_some_and(|uid| object::uid(&live) != Some(uid)) || object::is_being_deleted(&live) {
            return Ok(None);
        }
        if !belongs_to(&live, owner) {
            return Err(foreign(key, &live));
        }
        if self.mode == Mode::Act {
            self.api.delete(key, object::uid(&live)).await?;
        }
        Ok(Some(effect_on(&live, EffectKind::Deleted, key.clone(), reason.clone())))
    }

    /// Gives up the fields of shared objects that the step no longer proposes. What it proposed before the host started is
    /// not known; then its fields stay until somebody else takes them.
    pub(super) async fn give_up(
        &self,
        proposed: &BTreeSet<ObjectKey>,
        writer: &Writer<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ApplyError> {
        let manager = shared_manager(writer);
        for key in writer.known.iter().filter(|key| !proposed.contains(key)) {
            let shared = |applied: &Applied| applied.ownership == Ownership::Shared;
            if self.mode != Mode::Act || !self.applied.get(key, &manager).as_ref().is_some_and(shared) {
                continue;
            }
            if let Some(live) = self.api.get(key).await? {
                let TypeMeta { api_version, kind } = TypeMeta::of(&live).unwrap_or_default();
                let mut metadata = Map::new();
                // The uid keeps the object from being made anew where it has gone since.
                for field in ["name", "namespace", "uid"] {
                    if let Some(value) = live.pointer(&format!("/metadata/{field}")) {
                        metadata.insert(field.to_owned(), value.clone());
                    }
                }
                let nothing = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
                match self.api.apply(key, &nothing, &manager, true).await {
                    Ok(stored) => {
                        self.caches.note(key, &stored);
                        let reason = "the step no longer proposes its fields".to_owned();
                        let changes = diff::changes(&live, &stored);
                        effects.push(Effect { changes, ..effect_on(&live, EffectKind::Changed, key.clone(), reason) });
                    }
                    Err(error) if error.is_not_found() || error.is_conflict() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.applied.remove(key, &manager);
        }
        Ok(())
    }

    /// Deletes what this step owns and no longer proposes. Volume claims are never deleted: they hold data.
    pub(super) async fn prune(
        &self,
        proposed: &BTreeSet<ObjectKey>,
        writer: &Writer<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ApplyError> {
        let Writer { grants, manager, owner, .. } = *writer;
        let subject = SubjectName { namespace: owner.key.namespace.clone(), name: owner.key.name.clone() };
        // What another step applies too stays. Finalizers are not applied by any step.
        let is_of_another =
            |writer: &str| writer != manager && writer != FINALIZER_MANAGER && writer.starts_with("filbert/");
        let is_ours_alone = |found: &Cached| found.is_written_by(manager) && !found.writers().any(is_of_another);
        for (key, found) in self.owned(grants, owner).await? {
            if proposed.contains(&key) || !is_ours_alone(&found) {
                continue;
            }
            grants.check(Verb::Delete, &key, Some(&labels_of(&found.object)), subject.as_subject())?;
            effects.push(self.remove(key, &found.object, "the step no longer proposes it").await?);
        }
        Ok(())
    }

    /// Deletes what garbage collection will not: objects of the owner that cannot have an owner reference to it.
    ///
    /// # Errors
    /// [`ApplyError::Api`].
    pub async fn release(&self, grants: &Grants, owner: &Owner, effects: &mut Vec<Effect>) -> Result<(), ApplyError> {
        for (key, found) in self.owned(grants, owner).await? {
            if object::controller(&found.object).is_none() {
                let reason = "its owner goes, and garbage collection does not see it";
                effects.push(self.remove(key, &found.object, reason).await?);
            }
        }
        Ok(())
    }

    /// What the host owns for the owner, of the types that it may prune, and that is not going already.
    async fn owned(&self, grants: &Grants, owner: &Owner) -> Result<Vec<(ObjectKey, Arc<Cached>)>, ApplyError> {
        let mut children = Vec::new();
        for resource in prunable(grants) {
            let existing = match self.caches.owned_by(&resource, &owner.uid).await {
                Ok(existing) => existing,
                // What is not served has no objects.
                Err(CacheError::NotServed { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            for found in existing {
                if object::is_being_deleted(&found.object) || !belongs_to(&found.object, owner) {
                    continue;
                }
                let (namespace, name) = (object::namespace(&found.object), object::name(&found.object));
                let key = ObjectKey {
                    resource: resource.clone(),
                    namespace: namespace.map(str::to_owned),
                    name: name.unwrap_or_default().to_owned(),
                };
                children.push((key, found));
            }
        }
        Ok(children)
    }

    async fn remove(&self, key: ObjectKey, live: &Value, reason: &str) -> Result<Effect, ApplyError> {
        if self.mode == Mode::Act {
            self.api.delete(&key, object::uid(live)).await?;
        }
        Ok(effect_on(live, EffectKind::Pruned, key, reason.to_owned()))
    }
}

/// Several resources may share one object, each with its own fields, and so with a field manager of its own.
pub(super) fn shared_manager(writer: &Writer<'_>) -> String {
    let uid = &writer.owner.uid;
    format!("{}/{}", writer.manager, uid.get(..8).unwrap_or(uid))
}

/// Types of which the host may have applied objects for a module, except volume claims.
fn prunable(grants: &Grants) -> BTreeSet<ResourceType> {
    let may_apply =
        grants.objects().filter(|grant| grant.verbs.contains(&Verb::Apply) && grant.resource.version != "*");
    may_apply.map(|grant| grant.resource.clone()).filter(|resource| !holds_data(resource)).collect()
}

fn holds_data(resource: &ResourceType) -> bool {
    resource.group.is_empty() && matches!(resource.plural.as_str(), "persistentvolumeclaims" | "persistentvolumes")
}

fn effect_on(live: &Value, kind: EffectKind, key: ObjectKey, reason: String) -> Effect {
    let title = live.get("kind").and_then(Value::as_str).unwrap_or(&key.resource.plural);
    let title = match &key.namespace {
        Some(namespace) => format!("{title} {namespace}/{}", key.name),
        None => format!("{title} {}", key.name),
    };
    Effect { kind, key, title, reason, changes: Vec::new(), contest: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_claims_are_never_pruned() {
        let grant = |group: &str, plural: &str, verbs: &[&str]| json!({"objects": {"resource": {"group": group, "version": "v1", "plural": plural}, "verbs": verbs}});
        let grants: Grants = serde_json::from_value(json!([
            grant("", "configmaps", &["read", "apply"]),
            grant("", "persistentvolumeclaims", &["read", "apply", "delete"]),
            grant("", "persistentvolumes", &["read", "apply", "delete"]),
            grant("", "pods", &["read", "delete"]),
            grant("apps", "statefulsets", &["apply"]),
        ]))
        .expect("grants");
        let types: Vec<_> = prunable(&grants).iter().map(ToString::to_string).collect();
        assert_eq!(types, ["configmaps/v1", "statefulsets.apps/v1"]);
    }
}
