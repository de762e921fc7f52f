//! Keeps `managedFields` for every write that is not an apply.

use super::{
    Writer,
    managers::{self, Identity, Managers, Owned},
    ownership::{brought_up_to_date, effects, without_unowned},
    path::same_value,
    schema::MergeSchema,
};
use serde_json::Value;

/// So many updaters are kept apart; older ones are joined.
const MOST_UPDATERS: usize = 10;

/// Sets `metadata.managedFields` of an object that is about to be created (`old` is `None`) or updated.
///
/// The writer comes to own what differs from `old`, others lose what was changed or removed. Entries given with the
/// object are taken as they are where they can be read; `[]` and `[{}]` make the server forget all owners, and nobody
/// is remembered from then on until something is applied.
///
/// # Assumptions
/// `new` has its defaults, and fields that this write may not touch are those of `old`. What the server adds to a new
/// object (addresses, generated selectors, finalizers of namespaces) comes after this, so that nobody owns it.
pub fn track_update(old: Option<&Value>, new: &mut Value, writer: &Writer<'_>, schema: &MergeSchema) {
    let known = known_managers(old, new, writer);
    managers::take_from(new);
    if known.is_empty() && old.is_some() {
        return;
    }
    // Where the object cannot be understood in a version that somebody used, there are no owners any more.
    if let Ok(tracked) = track(old, new, known, writer, schema) {
        tracked.write_to(new);
    }
}

/// Gives an object its old `managedFields` back where nothing but their times has changed. True where that is so.
///
/// To be called last, when the object is as it would be stored: a write that changes nothing is then no write.
pub fn keep_times_if_unchanged(old: &Value, new: &mut Value) -> bool {
    let entries = |object| managers::field_of(object).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let same_entry = |old: &Value, new: &Value| match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let rest = |name: &&String| name.as_str() != "time";
            old.keys().filter(rest).count() == new.keys().filter(rest).count()
                && old.iter().all(|(name, value)| name == "time" || new.get(name) == Some(value))
        }
        _ => old == new,
    };
    let (old_entries, new_entries) = (entries(old), entries(new));
    // Times decide the order, so that the same entries can come in another one.
    let same_entries = old_entries.len() == new_entries.len()
        && new_entries.iter().all(|new| old_entries.iter().any(|old| same_entry(old, new)));
    if !(same_entries && same_but_managed_fields(old, new)) {
        return false;
    }
    if let (Some(entries), Some(Value::Object(metadata))) = (managers::field_of(old), new.get_mut("metadata")) {
        metadata.insert("managedFields".to_owned(), entries.clone());
    }
    true
}

fn same_but_managed_fields(old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return false };
    old.len() == new.len()
        && old.iter().all(|(name, old)| match (new.get(name), old) {
            (Some(Value::Object(new)), Value::Object(old)) if name == "metadata" => {
                let rest = |name: &&String| name.as_str() != "managedFields";
                old.keys().filter(rest).count() == new.keys().filter(rest).count()
                    && old.iter().all(|(name, old)| {
                        name == "managedFields" || new.get(name).is_some_and(|new| same_value(old, new))
                    })
            }
            (Some(new), old) => same_value(old, new),
            (None, _) => false,
        })
}

/// The managers of `new` after a change from `old`.
pub(crate) fn track(
    old: Option<&Value>,
    new: &Value,
    known: Managers,
    writer: &Writer<'_>,
    schema: &MergeSchema,
) -> Result<Managers, String> {
    let nothing = old.is_none().then(|| schema.empty_object());
    let Some(before) = old.or(nothing.as_ref()) else {
        return Ok(known);
    };
    let known = brought_up_to_date(schema, writer.api_version, before, known)?;
    let effects = effects(schema, writer.api_version, writer.subresource, (before, new), known, None);
    let changed = without_unowned(effects.change.modified.union(&effects.change.added));
    let mut tracked = effects.taken_over();
    if !changed.is_empty() {
        let identity = Identity::updater(writer.manager, writer.api_version, writer.subresource);
        let previous = tracked.take(&identity).map(|owned| owned.fields).unwrap_or_default();
        tracked.put(Owned {
            identity,
            api_version: writer.api_version.to_owned(),
            time: Some(writer.now.to_owned()),
            fields: previous.union(&changed),
        });
    }
    tracked.join_oldest_updaters(MOST_UPDATERS);
    Ok(tracked)
}

/// The managers given with the object where that is allowed and they can be read, otherwise those of the live object.
fn known_managers(old: Option<&Value>, new: &Value, writer: &Writer<'_>) -> Managers {
    if writer.subresource.is_empty() {
        match managers::field_of(new) {
            Some(Value::Array(entries)) if is_reset(entries) => return Managers::default(),
            Some(Value::Array(entries)) => match Managers::decode(entries) {
                Ok(given) if !given.is_empty() => return given,
                _ => {}
            },
            _ => {}
        }
    }
    old.and_then(|old| Managers::of_object(old).ok()).unwrap_or_default()
}

fn is_reset(entries: &[Value]) -> bool {
    match entries {
        [] => true,
        [Value::Object(only)] => only.is_empty(),
        _ => false,
    }
}
