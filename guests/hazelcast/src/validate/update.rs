//! Rules about what must not change. They compare with what is stored, which nobody can edit to get around them, and hold
//! the object against the specification that an earlier operator noted down when it was last successful: so that what
//! was changed while nobody looked is found when an installation is taken over, and can be taken back. What was changed past
//! admission is found in passes, by what is noted in the status: see [`accepted`].

pub mod accepted;

use filbert_guest::{Metadata, Resource, Review, Violation, json};
use hazelcast_api::hazelcast::{LocalRestore, NamedClaim, Restore, Spec};
use hazelcast_api::shapes::Claim;
use hazelcast_api::{Hazelcast, ManagementCenter, management_center};
use serde::Deserialize;
use serde_json::Value;

use self::accepted::{Past, Standing};
use crate::names::ANNOTATION_LAST_SUCCESSFUL;
use crate::quantity;

/// What is compared.
struct Change<'a, S> {
    before: &'a S,
    now: &'a S,
    /// How many members the status says there are.
    running: Option<i32>,
}

/// A rule by its number.
type Rule<S> = (&'static str, fn(&Change<'_, S>) -> Option<Violation>);

const CLUSTER: &[Rule<Spec>] = &[
    ("HZ-U1", |change| changed("spec.highAvailabilityMode", change, |spec| spec.high_availability_mode)),
    ("HZ-U2", |change| added_or_removed("spec.persistence", change, |spec| spec.persistence.is_some())),
    ("HZ-U3", persistence_keeps_its_claim),
    ("HZ-U4", nothing_else_is_restored),
    ("HZ-U5", the_catalogue_stays),
    ("HZ-U6", |change| added_or_removed("spec.cpSubsystem", change, |spec| spec.cp_subsystem.is_some())),
    ("HZ-U7", cp_keeps_its_claim),
    ("HZ-U8", cp_keeps_its_size),
    ("HZ-NU1", |change| {
        changed("spec.persistence.pvcName", change, |spec| {
            spec.persistence.as_ref().map(|data| text(data.pvc_name.as_deref()).to_owned())
        })
        .filter(|_| both(change, |spec| spec.persistence.is_some()))
    }),
    ("HZ-NU2", |change| {
        changed("spec.cpSubsystem.pvcName", change, |spec| {
            spec.cp_subsystem.as_ref().map(|data| text(data.pvc_name.as_deref()).to_owned())
        })
        .filter(|_| both(change, |spec| spec.cp_subsystem.is_some()))
    }),
    ("HZ-NU3", |change| {
        changed("spec.persistenceVolumeClaims", change, |spec| {
            spec.persistence_volume_claims.iter().map(named_claim).collect::<Vec<_>>()
        })
    }),
    ("HZ-NU4", |change| changed("spec.ipFamily", change, |spec| spec.ip_family.unwrap_or_default())),
];

const MANAGEMENT_CENTER: &[Rule<management_center::Spec>] = &[
    ("MC-U1", |change| {
        changed("spec.persistence.enabled", change, |spec| spec.persistence.as_ref().is_some_and(|data| data.enabled))
    }),
    ("MC-U2", |change| {
        of_data("spec.persistence.existingVolumeClaimName", change, |data| {
            text(data.existing_volume_claim_name.as_deref()).to_owned()
        })
    }),
    ("MC-U3", |change| {
        of_data("spec.persistence.storageClass", change, |data| text(data.storage_class.as_deref()).to_owned())
    }),
    ("MC-U4", |change| of_data("spec.persistence.size", change, |data| capacity(&data.size))),
];

/// Nothing and an empty text mean the same.
fn text(text: Option<&str>) -> &str {
    text.unwrap_or_default()
}

/// Capacities that are written differently may be the same.
fn capacity(quantity: &Value) -> Result<i64, Value> {
    quantity::bytes(quantity).ok_or_else(|| quantity.clone())
}

type Capacity = Result<i64, Value>;

fn claim(claim: &Claim) -> (&[String], Capacity, Option<&str>) {
    let modes = claim.access_modes.as_deref().unwrap_or_default();
    (modes, capacity(&claim.request_storage), claim.storage_class_name.as_deref())
}

fn named_claim(claim: &NamedClaim) -> (String, Vec<String>, Capacity, Option<String>) {
    let NamedClaim { access_modes, name, request_storage, storage_class_name } = claim;
    (name.clone(), access_modes.clone(), capacity(request_storage), storage_class_name.clone())
}

/// What is restored, with nothing said being the same as nothing there.
fn source(restore: Option<&Restore>) -> [String; 7] {
    let restore = restore.cloned().unwrap_or_default();
    let (uri, secret) = restore
        .bucket_config
        .as_ref()
        .map(|bucket| (bucket.bucket_uri.clone(), text(bucket.secret()).to_owned()))
        .unwrap_or_default();
    let local = restore.local_config.map(|local| {
        let LocalRestore { backup_dir, backup_folder, base_dir, pvc_name_prefix } = local;
        let prefix = format!("{pvc_name_prefix:?}");
        [backup_dir.unwrap_or_default(), backup_folder.unwrap_or_default(), base_dir.unwrap_or_default(), prefix]
    });
    let [backups, folder, base, prefix] = local.unwrap_or_default();
    [uri, secret, restore.hot_backup_resource_name.unwrap_or_default(), backups, folder, base, prefix]
}

fn cannot_change(path: &str) -> Violation {
    Violation::forbidden(path, "field cannot be updated")
}

fn changed<'a, S, T: PartialEq>(path: &str, change: &Change<'a, S>, of: impl Fn(&'a S) -> T) -> Option<Violation> {
    (of(change.before) != of(change.now)).then(|| cannot_change(path))
}

fn both<S>(change: &Change<'_, S>, is_there: impl Fn(&S) -> bool) -> bool {
    is_there(change.before) && is_there(change.now)
}

fn added_or_removed<S>(path: &str, change: &Change<'_, S>, is_there: impl Fn(&S) -> bool) -> Option<Violation> {
    match (is_there(change.before), is_there(change.now)) {
        (false, true) => Some(Violation::forbidden(path, "field cannot be added to a cluster that is there")),
        (true, false) => Some(Violation::forbidden(path, "field cannot be removed from a cluster that is there")),
        _ => None,
    }
}

fn of_data<'a, T: PartialEq>(
    path: &str,
    change: &Change<'a, management_center::Spec>,
    of: impl Fn(&'a management_center::Persistence) -> T,
) -> Option<Violation> {
    let (before, now) = (change.before.persistence.as_ref()?, change.now.persistence.as_ref()?);
    (of(before) != of(now)).then(|| cannot_change(path))
}

fn persistence_keeps_its_claim(change: &Change<'_, Spec>) -> Option<Violation> {
    let (before, now) = (change.before.persistence.as_ref()?, change.now.persistence.as_ref()?);
    (before.pvc.as_ref().map(claim) != now.pvc.as_ref().map(claim)).then(|| cannot_change("spec.persistence.pvc"))
}

fn nothing_else_is_restored(change: &Change<'_, Spec>) -> Option<Violation> {
    let (before, now) = (change.before.persistence.as_ref()?, change.now.persistence.as_ref()?);
    let differs = source(before.restore.as_ref()) != source(now.restore.as_ref());
    differs.then(|| cannot_change("spec.persistence.restore"))
}

fn the_catalogue_stays(change: &Change<'_, Spec>) -> Option<Violation> {
    let kept = |spec: &Spec| spec.sql.as_ref().is_some_and(|sql| sql.catalog_persistence_enabled);
    let gone = kept(change.before) && !kept(change.now);
    gone.then(|| {
        Violation::forbidden("spec.sql.catalogPersistenceEnabled", "field cannot be disabled after it has been enabled")
    })
}

fn cp_keeps_its_claim(change: &Change<'_, Spec>) -> Option<Violation> {
    let (before, now) = (change.before.cp_subsystem.as_ref()?, change.now.cp_subsystem.as_ref()?);
    (before.pvc.as_ref().map(claim) != now.pvc.as_ref().map(claim)).then(|| cannot_change("spec.cpSubsystem.pvc"))
}

/// To nothing and back is a pause; back to what runs is a change of mind.
fn cp_keeps_its_size(change: &Change<'_, Spec>) -> Option<Violation> {
    let (before, now) = (change.before.cluster_size, change.now.cluster_size);
    let scaled = change.now.cp_subsystem.is_some() && before != 0 && now != 0 && before != now;
    (scaled && change.running != Some(now)).then(|| {
        let message =
            "a cluster with the CP subsystem cannot be scaled, only paused with 0 and brought back to the size it had";
        Violation::forbidden("spec.clusterSize", message)
    })
}

/// What an earlier operator noted down.
fn noted<S>(metadata: &Metadata, read: Read<S>) -> Option<Result<S, json::Error>> {
    metadata.annotations.get(ANNOTATION_LAST_SUCCESSFUL).map(|text| read(text))
}

/// What reads a specification.
type Read<S> = fn(&str) -> Result<S, json::Error>;

fn judge<R: Resource, S: Standing>(review: &Review<R>, spec: fn(&R) -> &S) -> Vec<Violation> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Stored {
        metadata: Metadata,
        status: Past,
    }
    let (now, rules) = (spec(review.object()), S::RULES);
    let stored: Option<Stored> = review.old_as();
    let running = stored.as_ref().and_then(|stored| stored.status.cluster_size);
    let mut violations = Vec::new();
    match noted(review.metadata(), S::READ) {
        Some(Err(error)) => {
            let message = format!("annotation {ANNOTATION_LAST_SUCCESSFUL} holds no specification: {error}");
            return vec![Violation::internal("spec", message)];
        }
        Some(Ok(before)) => {
            let change = Change { before: &before, now, running };
            violations.extend(rules.iter().filter_map(|(_, rule)| rule(&change)));
        }
        None => {}
    }
    let (Some(old), Some(stored)) = (review.old_object().map(spec), stored) else { return violations };
    let noted = noted(&stored.metadata, S::READ).and_then(Result::ok);
    let accepted = stored.status.accepted(now);
    let held = |rule: fn(&Change<'_, S>) -> Option<Violation>, before: Option<&S>, now: &S| {
        Some(rule(&Change { before: before?, now, running }))
    };
    for (_, rule) in rules {
        let of_stored = rule(&Change { before: old, now, running });
        // Somebody takes back what was changed while nobody looked.
        let is_as_before = |before: Option<&S>| matches!(held(*rule, before, now), Some(None));
        let is_taken_back = is_as_before(noted.as_ref()) || is_as_before(accepted.as_ref());
        violations.extend(of_stored.filter(|_| !is_taken_back));
        // What is wrong already is no reason to refuse every other change.
        let was_wrong = matches!(held(*rule, accepted.as_ref(), old), Some(Some(_)));
        violations.extend(held(*rule, accepted.as_ref(), now).flatten().filter(|_| !was_wrong));
    }
    violations
}

/// Of a cluster.
pub(super) fn of_cluster(review: &Review<Hazelcast>) -> Vec<Violation> {
    judge(review, |object| &object.spec)
}

/// Of a Management Center.
pub(super) fn of_management_center(review: &Review<ManagementCenter>) -> Vec<Violation> {
    judge(review, |object| &object.spec)
}

#[cfg(test)]
mod tests;
