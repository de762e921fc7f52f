//! What a write does to those who own the fields it changes.

use super::{
    compare::{Differences, differences},
    field_set::FieldSet,
    managers::{Identity, Managers},
    owned::with_whole_values,
    schema::MergeSchema,
    validate::check_stored,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// Fields that nobody owns.
static UNOWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    FieldSet::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

/// A set without the fields that nobody owns.
pub(crate) fn without_unowned(set: FieldSet) -> FieldSet {
    set.difference(&UNOWNED)
}

/// The managers as the schema of today sees them.
///
/// What has become one value since is owned as a whole by whoever owned a part of it; what was owned through a version
/// that is no more is forgotten. An error where the live object is none of its kind in a version that somebody used.
pub(crate) fn brought_up_to_date(
    schema: &MergeSchema,
    api_version: &str,
    live: &Value,
    mut managers: Managers,
) -> Result<Managers, String> {
    let mut checked: BTreeSet<String> = BTreeSet::new();
    managers.retain(|owned| {
        owned.api_version == api_version || schema.is_builtin() || schema.version(&owned.api_version).is_some()
    });
    for owned in managers.iter_mut() {
        let seen = match schema.version(&owned.api_version) {
            Some(other) if owned.api_version != api_version => {
                if checked.insert(owned.api_version.clone()) {
                    check_stored(other, live)?;
                }
                other
            }
            _ => schema,
        };
        if let Some(fields) = with_whole_values(seen.types(), Some(seen.root()), &owned.fields) {
            owned.fields = fields;
        }
    }
    Ok(managers)
}

/// What a change means for the other managers.
pub(crate) struct Effects {
    /// Whether the object differs at all, also where this write may not touch it.
    pub(crate) differs: bool,
    /// What the change is, in the version of the writer.
    pub(crate) change: Differences,
    /// Fields of others that the change sets to something else.
    pub(crate) conflicts: Vec<(Identity, FieldSet)>,
    /// The managers without the fields that the change removes; `conflicts` are still theirs.
    pub(crate) managers: Managers,
}

impl Effects {
    /// Takes the fields in conflict from their owners.
    pub(crate) fn taken_over(self) -> Managers {
        let mut managers = self.managers;
        for (identity, set) in self.conflicts {
            if let Some(mut owned) = managers.take(&identity) {
                owned.fields = std::mem::take(&mut owned.fields).difference(&set);
                managers.put(owned);
            }
        }
        managers
    }
}

/// Works out what a change of an object does to all managers but the writer.
pub(crate) fn effects(
    schema: &MergeSchema,
    api_version: &str,
    subresource: &str,
    (before, after): (&Value, &Value),
    managers: Managers,
    writer: Option<&Identity>,
) -> Effects {
    let change = differences(schema, before, after);
    let differs = !change.is_empty();
    let change = change.without(schema.reset_by(subresource));
    let mut in_versions: BTreeMap<String, Option<Differences>> = BTreeMap::new();
    let mut conflicts = Vec::new();
    let mut managers = managers;
    for owned in managers.iter_mut() {
        if writer == Some(&owned.identity) {
            continue;
        }
        let seen = if owned.api_version == api_version {
            &change
        } else {
            let in_version = in_versions.entry(owned.api_version.clone()).or_insert_with(|| {
                let other = schema.version(&owned.api_version)?;
                Some(differences(other, before, after).without(other.reset_by(subresource)))
            });
            // The versions of a built-in kind hardly differ.
            in_version.as_ref().unwrap_or(&change)
        };
        if seen.is_empty() {
            continue;
        }
        let set = owned.fields.intersection(&seen.modified.union(&seen.added));
        if !set.is_empty() {
            conflicts.push((owned.identity.clone(), set));
        }
        if !seen.removed.is_empty() {
            owned.fields = std::mem::take(&mut owned.fields).difference(&seen.removed);
        }
    }
    managers.retain(|owned| !owned.fields.is_empty() || writer == Some(&owned.identity));
    conflicts.sort_by(|a, b| a.0.cmp(&b.0));
    Effects { differs, change, conflicts, managers }
}
