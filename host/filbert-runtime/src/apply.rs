//! The one place that changes the cluster: effects that a step proposed, within the grant of its module, where something
//! would change.
//!
//! A plan is checked whole before any of it is carried out. Each effect is idempotent, so a pass that is cut off at any
//! await leaves nothing that the next pass does not put right.

use std::collections::BTreeSet;
use std::sync::Arc;

use filbert_kube::cache::{CacheError, fingerprint};
use filbert_kube::{Api, ApiError, Cached, Caches, Discovery, Selection};
use filbert_plan::diff;
use filbert_plan::grant::{Denied, Grants, Verb, labels_of};
use filbert_plan::managed::{self, Taken};
use filbert_plan::object::{self, ObjectKey};
use filbert_plan::plan::{Desired, Ownership, StepPlan};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::clock::SharedClock;
use crate::contest::{Contest, Contests, Verdict};
use crate::journal::{Effect, EffectKind};
use crate::observe::SubjectName;

mod adoption;
mod applied;
mod ownership;
mod removal;

use applied::Applied;
pub use applied::{AppliedObjects, resource_version};
pub use ownership::Owner;
use ownership::{belongs_to, foreign, is_marked, marked, own, says_the_same};
use removal::shared_manager;

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
            Self::Api(error) | Self::Cache(CacheError::Api(error)) => api_reason(error.category()),
            Self::Cache(CacheError::Refused { category, .. }) => api_reason(category),
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

/// Reason of what failed because the API server was not reached. It is told to nobody: the server is where it would be told, and once
/// it is back that is past.
pub(crate) const UNREACHABLE: &str = "ApiUnreachable";

/// The reason for a category of errors.
pub(crate) fn api_reason(category: &str) -> &'static str {
    match category {
        "refused" => "ApiRefused",
        "forbidden" => "ApiForbidden",
        "conflict" => "ApiConflict",
        filbert_kube::api::UNREACHABLE => UNREACHABLE,
        _ => "ApiUnavailable",
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

/// Whether effects are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Act,
    /// They are only described.
    Describe,
}

/// In the place of a field: somebody deleted the object.
const DELETED: &str = "everything (it is deleted)";

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
    /// What others keep changing.
    pub contests: Arc<Contests>,
    /// The time.
    pub clock: SharedClock,
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
        let Writer { grants, owner, .. } = *writer;
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
        self.prune(&keys, writer, effects).await
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
        let effect = |kind, changes, contest| Effect {
            kind,
            key: key.clone(),
            title: desired.title(),
            reason: desired.reason.clone(),
            changes,
            contest,
        };
        let standing = || match self.mode {
            Mode::Act => self.contests.standing(key, &manager, &desired.title(), self.clock.now()),
            Mode::Describe => None,
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
        let applied = self.applied.get(key, &manager);
        if let Some(applied) = applied
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
                return Ok(effect(EffectKind::Unchanged, Vec::new(), standing()));
            }
        }
        // Nothing is known of this name, so that most likely there is nothing: then one request does it.
        if self.mode == Mode::Act
            && desired.ownership == Ownership::Owned
            && cached.is_none()
            && applied.is_none()
            && !known.contains(key)
        {
            match self.api.create_as(key, &marked(object, &manager, &wanted), &manager).await {
                Ok(stored) => {
                    self.note(key, &manager, wanted, &stored, desired.ownership);
                    return Ok(effect(EffectKind::Created, Vec::new(), standing()));
                }
                // There is: somebody else's, or our own that the watch has not shown yet.
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        // With managed fields only where it comes from the server.
        let (live, mut full) = if let Some(cached) = cached {
            (Some(cached), None)
        } else {
            let full = self.api.get(key).await?;
            (full.clone().map(|full| Arc::new(Cached::new(full))), full)
        };
        if live.is_none() && known.contains(key) && self.mode == Mode::Act && !self.is_there(owner).await? {
            return Err(ApplyError::OwnerGone { owner: owner.key.clone() });
        }
        if let Some(live) = &live {
            match desired.ownership {
                Ownership::Owned if !belongs_to(&live.object, owner) => return Err(foreign(key, &live.object)),
                Ownership::Kept if !live.managers.contains(&manager) => return Err(foreign(key, &live.object)),
                Ownership::Owned | Ownership::Kept | Ownership::Shared => {}
            }
        }
        let changes = live.as_ref().map(|live| diff::changes(&live.object, object)).unwrap_or_default();
        // As it was left, also by an operator before this one: then there is nothing to write.
        if let Some(live) = &live
            && self.mode == Mode::Act
            && desired.ownership == Ownership::Owned
            && changes.is_empty()
            && live.is_written_by(&manager)
            && is_marked(&live.object, &manager, &wanted)
        {
            // Not remembered: the cache may be behind, and the object gone by now.
            return Ok(effect(EffectKind::Unchanged, changes, standing()));
        }
        // What is wanted now and was not before is no change of anybody else.
        let is_as_before = applied.is_none_or(|applied| applied.wanted == wanted);
        let taken = match &live {
            Some(live) if is_as_before && !changes.is_empty() && live.is_written_by(&manager) => {
                if full.is_none() {
                    full = self.api.get(key).await?;
                }
                full.as_ref().map(|full| managed::taken(full, object, &manager, "")).unwrap_or_default()
            }
            None if is_as_before && known.contains(key) => vec![Taken { field: DELETED.to_owned(), by: None }],
            _ => Vec::new(),
        };
        let inherited = live.as_ref().is_some_and(|live| {
            let left =
                |(manager, through): &(String, String)| through.is_empty() && owner.predecessors().contains(manager);
            desired.ownership == Ownership::Owned && !live.is_written_by(&manager) && live.updaters.iter().any(left)
        });
        // What this step created it owns by an update, and an apply would leave it beside that owner.
        let created = live.as_ref().is_some_and(|live| live.updaters.contains(&(manager.clone(), String::new())));
        if self.mode == Mode::Describe {
            let kind = match &live {
                None => EffectKind::Created,
                Some(_) if inherited => EffectKind::Adopted,
                Some(_) if changes.is_empty() => EffectKind::Unchanged,
                Some(_) => EffectKind::Changed,
            };
            let seen = live.is_some() && !taken.is_empty();
            let contest = seen.then(|| Contest::seen(desired.title(), taken, owner.predecessors()));
            return Ok(effect(kind, changes, contest));
        }
        if !taken.is_empty() {
            let (version, now) = (full.as_ref().map_or(0, resource_version), self.clock.now());
            let verdict = self.contests.judge(key, &manager, &taken, version, owner.predecessors(), now);
            if let Verdict::LeaveUntil(_) = verdict {
                return Ok(effect(EffectKind::Withheld, changes, standing()));
            }
        }
        if inherited || created {
            // In two requests, each of which leaves every value as it is or as it should be.
            let mut from = vec![manager.clone()];
            if inherited {
                from.extend_from_slice(owner.predecessors());
            }
            self.take_over(key, full, &from, &manager, "").await?;
        }
        let stored = match desired.ownership {
            Ownership::Owned => self.api.apply(key, &marked(object, &manager, &wanted), &manager, true).await?,
            // Several resources write these, and none of them what another one wants.
            Ownership::Shared | Ownership::Kept => self.api.apply(key, object, &manager, true).await?,
        };
        let applied = self.note(key, &manager, wanted, &stored, desired.ownership);
        // What the cache showed may have gone meanwhile, or have another status by now.
        let same_object = live.as_ref().filter(|live| object::uid(&live.object) == object::uid(&stored));
        Ok(match same_object {
            None => effect(EffectKind::Created, Vec::new(), standing()),
            Some(_) if inherited => effect(EffectKind::Adopted, changes, standing()),
            Some(live) if live.fingerprint == applied.fingerprint || says_the_same(&live.object, &stored) => {
                effect(EffectKind::Unchanged, changes, standing())
            }
            Some(_) => effect(EffectKind::Changed, changes, standing()),
        })
    }

    /// Remembers what the server made of what was wanted.
    fn note(&self, key: &ObjectKey, manager: &str, wanted: [u8; 32], stored: &Value, ownership: Ownership) -> Applied {
        let (fingerprint, resource_version) = (fingerprint(stored), resource_version(stored));
        let applied = Applied { wanted, fingerprint, resource_version, ownership };
        self.applied.set(key, manager, applied);
        self.caches.note(key, stored);
        applied
    }

    /// Whether the owner is there, and there to stay, as the API server says now.
    async fn is_there(&self, owner: &Owner) -> Result<bool, ApplyError> {
        let live = self.api.get(&owner.key).await?;
        Ok(live.is_some_and(|live| object::uid(&live) == Some(&owner.uid) && !object::is_being_deleted(&live)))
    }
}
