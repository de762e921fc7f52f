//! The one place that changes the cluster: effects that a step proposed, within the grant of its module, where something
//! would change.
//!
//! A plan is checked whole before any of it is carried out. Each effect is idempotent, so a pass that is cut off at any
//! await leaves nothing that the next pass does not put right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use filbert_kube::cache::{CacheError, OWNED_BY, fingerprint};
use filbert_kube::{Api, ApiError, Cached, Caches, Discovery, Selection};
use filbert_plan::diff;
use filbert_plan::grant::{Denied, Grants, Verb, labels_of};
use filbert_plan::object::{self, ObjectKey, ResourceType, TypeMeta};
use filbert_plan::plan::{Deletion, Desired, Ownership, StepPlan};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::journal::{Effect, EffectKind};
use crate::observe::SubjectName;

/// Why a plan was not carried out, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The module may not do this. Nothing of the plan was carried out.
    #[error(transparent)]
    OutsideGrant(#[from] Denied),
    /// What the guest proposed is no object. Nothing of the plan was carried out.
    #[error("the step proposed {what}, which {problem}")]
    BadObject {
        /// As far as it can be named.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The API server does not serve the type. Nothing of the plan was carried out.
    #[error("the API server does not serve `{0}`; is its definition missing?")]
    NotServed(String),
    /// The object belongs to somebody else, and stays as it is.
    #[error(
        "{key} is there already and belongs to {owner}; it stays as it is. Remove or rename it, or give this resource another name"
    )]
    Foreign {
        /// Which.
        key: ObjectKey,
        /// `Deployment blue`, `nobody`.
        owner: String,
    },
    /// An object that was there is gone, and so is the owner: it went with it, and is not made again.
    #[error("{owner} is gone, or going")]
    OwnerGone {
        /// The owner.
        owner: ObjectKey,
    },
    /// The API server says no, or nothing.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A watch says nothing.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl ApplyError {
    /// CamelCase word for conditions and events, from a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::OutsideGrant(_) => "OutsideGrant",
            Self::BadObject { .. } => "BadObject",
            Self::NotServed(_) => "NotServed",
            Self::Foreign { .. } => "ForeignObject",
            Self::OwnerGone { .. } => OWNER_GONE,
            Self::Api(error) => match error.category() {
                "refused" => "ApiRefused",
                "forbidden" => "ApiForbidden",
                "conflict" => "ApiConflict",
                _ => "ApiUnavailable",
            },
            Self::Cache(_) => "ApiUnavailable",
        }
    }

    /// Whether trying again later may help, though nothing that was read changes.
    pub fn is_retried(&self) -> bool {
        match self {
            // The watch is about to say the same of the owner.
            Self::OutsideGrant(_) | Self::BadObject { .. } | Self::OwnerGone { .. } => false,
            // No watch covers an object that is not ours, so its going is seen only by looking again.
            Self::NotServed(_) | Self::Foreign { .. } | Self::Cache(_) => true,
            Self::Api(error) => error.retry() != filbert_kube::api::Retry::WhenChanged,
        }
    }

    /// For people: the error, and what the API server said.
    pub fn message(&self) -> String {
        match self {
            Self::Api(error) => format!("{error}: {}", error.detail()),
            other => other.to_string(),
        }
    }
}

/// Reason of [`ApplyError::OwnerGone`].
pub(crate) const OWNER_GONE: &str = "OwnerGone";

/// Who applies things, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// What the module may do.
    pub grants: &'a Grants,
    /// The step's field manager.
    pub manager: &'a str,
    /// The reconciled object.
    pub owner: &'a Owner,
    /// Objects that the last pass over the owner found or left.
    pub known: &'a [ObjectKey],
}

/// For whom things are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The reconciled object.
    pub key: ObjectKey,
    /// Its API version, as owner references have it.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its uid.
    pub uid: String,
}

/// How an applied object was when the host applied it last.
#[derive(Debug, Clone, Copy)]
struct Applied {
    wanted: [u8; 32],
    fingerprint: [u8; 32],
    resource_version: u64,
    ownership: Ownership,
}

/// What was applied, by object and manager. Shared by all passes.
#[derive(Debug, Default)]
pub struct AppliedObjects(Mutex<BTreeMap<ObjectKey, BTreeMap<String, Applied>>>);

impl AppliedObjects {
    fn get(&self, key: &ObjectKey, manager: &str) -> Option<Applied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.get(manager).copied()
    }

    fn set(&self, key: &ObjectKey, manager: &str, applied: Applied) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key.clone()).or_default().insert(manager.to_owned(), applied);
    }

    fn remove(&self, key: &ObjectKey, manager: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(managers) = all.get_mut(key) {
            managers.remove(manager);
            if managers.is_empty() {
                all.remove(key);
            }
        }
    }

    /// An object is gone, as a watch saw it with this resource version.
    pub fn forget(&self, key: &ObjectKey, resource_version: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(managers) = all.get_mut(key) {
            // One that was made anew since stays known.
            managers.retain(|_, applied| applied.resource_version > resource_version);
            if managers.is_empty() {
                all.remove(key);
            }
        }
    }
}

/// The number in `metadata.resourceVersion`; comparable within one resource type.
pub fn resource_version(object: &Value) -> u64 {
    object::text(object, "/metadata/resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Whether effects are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Act,
    /// They are only described.
    Describe,
}

/// Carries out plans.
pub struct Applier {
    /// Requests.
    pub api: Api,
    /// What is there.
    pub caches: Caches,
    /// What is served.
    pub discovery: Discovery,
    /// What was applied.
    pub applied: Arc<AppliedObjects>,
    /// Whether effects are carried out.
    pub mode: Mode,
}

/// An object of a plan that may be applied.
struct Checked<'a> {
    desired: &'a Desired,
    key: ObjectKey,
    object: Value,
}

impl Applier {
    /// Carries out the applies and deletes of a plan, then prunes what the step no longer proposes. Effects that were
    /// carried out are added to `effects` also when a later one fails.
    ///
    /// # Errors
    /// [`ApplyError`]. Where it says so, nothing at all was done.
    pub async fn carry_out(
        &self,
        plan: &StepPlan,
        writer: &Writer<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ApplyError> {
        let Writer { grants, manager, owner, .. } = *writer;
        let subject = SubjectName { namespace: owner.key.namespace.clone(), name: owner.key.name.clone() };
        let mut checked = Vec::with_capacity(plan.apply.len());
        let mut keys = BTreeSet::new();
        for desired in &plan.apply {
            let one = self.check(desired, grants, owner, &subject).await?;
            if !keys.insert(one.key.clone()) {
                return Err(ApplyError::BadObject {
                    what: desired.title(),
                    problem: "stands in the plan twice".to_owned(),
                });
            }
            checked.push(one);
        }
        for deletion in &plan.delete {
            grants.check(Verb::Delete, &deletion.key, None, subject.as_subject())?;
        }
        for event in &plan.events {
            // An event is a write too, and nobody grants those: they stay where the object is.
            if let Some(about) = event.about.as_ref().filter(|about| about.namespace != owner.key.namespace) {
                return Err(ApplyError::BadObject {
                    what: format!("an event about {about}"),
                    problem: "is not in the namespace of the reconciled object".to_owned(),
                });
            }
        }
        for one in &checked {
            effects.push(self.apply(one, writer).await?);
        }
        for deletion in &plan.delete {
            effects.extend(self.delete(deletion, owner).await?);
        }
        self.give_up(&keys, writer, effects).await?;
        // What is deleted already may still be seen.
        keys.extend(plan.delete.iter().map(|deletion| deletion.key.clone()));
        self.prune(&keys, grants, manager, owner, effects).await
    }

    async fn check<'a>(
        &self,
        desired: &'a Desired,
        grants: &Grants,
        owner: &Owner,
        subject: &SubjectName,
    ) -> Result<Checked<'a>, ApplyError> {
        let bad = |problem: &str| ApplyError::BadObject { what: desired.title(), problem: problem.to_owned() };
        let type_meta = desired.type_meta().ok_or_else(|| bad("has no `apiVersion` or `kind`"))?;
        let name = object::name(&desired.object)
            .filter(|name| !name.is_empty())
            .ok_or_else(|| bad("has no `metadata.name`"))?;
        let served =
            self.discovery.of_type(&type_meta).await?.ok_or_else(|| ApplyError::NotServed(type_meta.to_string()))?;
        let namespace = match (served.namespaced, object::namespace(&desired.object)) {
            (true, Some(namespace)) => Some(namespace.to_owned()),
            (true, None) => {
                Some(owner.key.namespace.clone().ok_or_else(|| bad("has no namespace, and neither has its owner"))?)
            }
            (false, None) => None,
            (false, Some(_)) => return Err(bad("has a namespace, but its kind has none")),
        };
        let key = ObjectKey { resource: served.resource, namespace, name: name.to_owned() };
        if key == owner.key {
            return Err(bad("is the reconciled object itself"));
        }
        grants.check(Verb::Apply, &key, Some(&labels_of(&desired.object)), subject.as_subject())?;
        let mut object = desired.object.clone();
        let metadata =
            object.get_mut("metadata").and_then(Value::as_object_mut).ok_or_else(|| bad("has no metadata"))?;
        for reserved in ["ownerReferences", "finalizers", "managedFields", "resourceVersion", "uid"] {
            if metadata.contains_key(reserved) {
                return Err(bad(&format!("sets `metadata.{reserved}`, which is the host's")));
            }
        }
        if let Some(namespace) = &key.namespace {
            metadata.insert("namespace".to_owned(), namespace.clone().into());
        }
        if desired.ownership == Ownership::Owned {
            own(metadata, &key, owner);
        }
        Ok(Checked { desired, key, object })
    }

    async fn apply(&self, one: &Checked<'_>, writer: &Writer<'_>) -> Result<Effect, ApplyError> {
        let Writer { manager, owner, known, .. } = *writer;
        let Checked { desired, key, object } = one;
        let manager = match desired.ownership {
            Ownership::Owned => manager.to_owned(),
            Ownership::Shared | Ownership::Kept => shared_manager(writer),
        };
        let effect = |kind, changes| Effect {
            kind,
            key: key.clone(),
            title: desired.title(),
            reason: desired.reason.clone(),
            changes,
        };
        let selection = match desired.ownership {
            Ownership::Owned => Caches::owned(&key.resource),
            Ownership::Shared | Ownership::Kept => Selection {
                resource: key.resource.clone(),
                namespace: key.namespace.clone(),
                labels: String::new(),
                name: Some(key.name.clone()),
            },
        };
        let wanted: [u8; 32] = Sha256::digest(object.to_string()).into();
        let cached = self.caches.get(&selection, key).await?;
        if let Some(applied) = self.applied.get(key, &manager)
            && applied.wanted == wanted
        {
            let as_applied = match &cached {
                // A cache that has not seen our own write yet says nothing about drift. A deletion by somebody else is
                // seen as such, and forgotten there.
                None => true,
                Some(cached) => {
                    cached.fingerprint == applied.fingerprint
                        || resource_version(&cached.object) < applied.resource_version
                }
            };
            if as_applied {
                return Ok(effect(EffectKind::Unchanged, Vec::new()));
            }
        }
        let (live, before) = if let Some(cached) = cached {
            (Some(cached.object.clone()), Some(cached.fingerprint))
        } else {
            let live = self.api.get(key).await?;
            let before = live.as_ref().map(fingerprint);
            (live, before)
        };
        if live.is_none() && known.contains(key) && self.mode == Mode::Act && !self.is_there(owner).await? {
            return Err(ApplyError::OwnerGone { owner: owner.key.clone() });
        }
        if let Some(live) = &live {
            match desired.ownership {
                Ownership::Owned if !belongs_to(live, owner) => return Err(foreign(key, live)),
                Ownership::Kept if !Cached::new(live.clone()).managers.contains(&manager) => {
                    return Err(foreign(key, live));
                }
                Ownership::Owned | Ownership::Kept | Ownership::Shared => {}
            }
        }
        let changes = live.as_ref().map(|live| diff::changes(live, object)).unwrap_or_default();
        if self.mode == Mode::Describe {
            let kind = match &live {
                None => EffectKind::Created,
                Some(_) if changes.is_empty() => EffectKind::Unchanged,
                Some(_) => EffectKind::Changed,
            };
            return Ok(effect(kind, changes));
        }
        let stored = self.api.apply(key, object, &manager, true).await?;
        let applied = Applied {
            wanted,
            fingerprint: fingerprint(&stored),
            resource_version: resource_version(&stored),
            ownership: desired.ownership,
        };
        self.applied.set(key, &manager, applied);
        self.caches.note(key, &stored);
        // What the cache showed may have gone meanwhile, or have another status by now.
        let is_new = live.as_ref().is_none_or(|live| object::uid(live) != object::uid(&stored));
        if is_new {
            return Ok(effect(EffectKind::Created, Vec::new()));
        }
        let same = before == Some(applied.fingerprint);
        Ok(effect(if same { EffectKind::Unchanged } else { EffectKind::Changed }, changes))
    }

    /// Whether the owner is there, and there to stay, as the API server says now.
    async fn is_there(&self, owner: &Owner) -> Result<bool, ApplyError> {
        let live = self.api.get(&owner.key).await?;
        Ok(live.is_some_and(|live| object::uid(&live) == Some(&owner.uid) && !object::is_being_deleted(&live)))
    }

    async fn delete(&self, deletion: &Deletion, owner: &Owner) -> Result<Option<Effect>, ApplyError> {
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
    async fn give_up(
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
    async fn prune(
        &self,
        proposed: &BTreeSet<ObjectKey>,
        grants: &Grants,
        manager: &str,
        owner: &Owner,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ApplyError> {
        let subject = SubjectName { namespace: owner.key.namespace.clone(), name: owner.key.name.clone() };
        for resource in prunable(grants) {
            let existing = match self.caches.owned_by(&resource, &owner.uid).await {
                Ok(existing) => existing,
                // What is not served has no objects.
                Err(CacheError::NotServed { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            for found in existing {
                let live = &found.object;
                let name = object::name(live).unwrap_or_default().to_owned();
                let key = ObjectKey {
                    resource: resource.clone(),
                    namespace: object::namespace(live).map(str::to_owned),
                    name,
                };
                let is_ours_alone = found.managers.contains(manager)
                    && found.managers.iter().all(|other| other == manager || !other.starts_with("filbert/"));
                if proposed.contains(&key)
                    || !is_ours_alone
                    || object::is_being_deleted(live)
                    || !belongs_to(live, owner)
                {
                    continue;
                }
                grants.check(Verb::Delete, &key, Some(&labels_of(live)), subject.as_subject())?;
                if self.mode == Mode::Act {
                    self.api.delete(&key, object::uid(live)).await?;
                }
                effects.push(effect_on(live, EffectKind::Pruned, key, "the step no longer proposes it".to_owned()));
            }
        }
        Ok(())
    }

    /// Deletes what garbage collection will not: objects of the owner that cannot have an owner reference to it.
    ///
    /// # Errors
    /// [`ApplyError::Api`].
    pub async fn release(&self, grants: &Grants, owner: &Owner, effects: &mut Vec<Effect>) -> Result<(), ApplyError> {
        for resource in prunable(grants) {
            let existing = match self.caches.owned_by(&resource, &owner.uid).await {
                Ok(existing) => existing,
                Err(CacheError::NotServed { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            for found in existing {
                let live = &found.object;
                if object::controller(live).is_some() || object::is_being_deleted(live) || !belongs_to(live, owner) {
                    continue;
                }
                let name = object::name(live).unwrap_or_default().to_owned();
                let key = ObjectKey {
                    resource: resource.clone(),
                    namespace: object::namespace(live).map(str::to_owned),
                    name,
                };
                if self.mode == Mode::Act {
                    self.api.delete(&key, object::uid(live)).await?;
                }
                effects.push(effect_on(
                    live,
                    EffectKind::Pruned,
                    key,
                    "its owner goes, and garbage collection does not see it".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

/// Several resources may share one object, each with its own fields, and so with a field manager of its own.
fn shared_manager(writer: &Writer<'_>) -> String {
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
    Effect { kind, key, title, reason, changes: Vec::new() }
}

/// Marks an object as the owner's. An owner reference needs the same namespace, or an owner that has none.
fn own(metadata: &mut Map<String, Value>, key: &ObjectKey, owner: &Owner) {
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(OWNED_BY.to_owned(), owner.uid.clone().into());
    }
    if owner.key.namespace.is_none() || owner.key.namespace == key.namespace {
        let Owner { key, api_version, kind, uid } = owner;
        metadata.insert(
            "ownerReferences".to_owned(),
            json!([{"apiVersion": api_version, "kind": kind, "name": key.name, "uid": uid, "controller": true, "blockOwnerDeletion": true}]),
        );
    }
}

/// Whether an object is the owner's: by its controller reference, or by the host's label where it has no controller.
fn belongs_to(live: &Value, owner: &Owner) -> bool {
    match object::controller(live) {
        Some((uid, _, _)) => uid == owner.uid,
        None => {
            live.pointer("/metadata/labels").and_then(|labels| labels.get(OWNED_BY)).and_then(Value::as_str)
                == Some(&owner.uid)
        }
    }
}

fn foreign(key: &ObjectKey, live: &Value) -> ApplyError {
    let owner = object::controller(live)
        .map_or_else(|| "nobody that this operator knows".to_owned(), |(_, kind, name)| format!("{kind} `{name}`"));
    ApplyError::Foreign { key: key.clone(), owner }
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
