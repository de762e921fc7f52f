//! Server-side apply: one manager's opinion of an object becomes part of it.

use super::{
    Writer,
    conflict::{Conflict, conflicts_of},
    field_set::FieldSet,
    last_applied,
    managers::{self, Identity, Managers, Owned},
    overlay::{is_overlaid, overlay, remove_fields, stored_form},
    owned::{fields_of, with_declared_parents},
    ownership::{Effects, brought_up_to_date, effects, without_unowned},
    schema::MergeSchema,
    update::{keep_times_if_unchanged, track},
    validate::check_applied,
};
use serde_json::{Map, Value};

/// Owns what was there before anything was ever applied.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// An object after an apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The object, with `metadata.managedFields`. Defaults of new fields are not set yet.
    pub object: Value,
    /// Whether anything differs from the live object, as far as this module can tell.
    pub changed: bool,
}

/// Why an object cannot be applied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// The request is wrong whatever the live object is.
    #[error("{0}")]
    BadRequest(String),
    /// Others own fields that the object wants to change.
    #[error("{}", conflicts_message(.0))]
    Conflict(Vec<Conflict>),
    /// The object is none of its kind, or what is stored cannot be read. An error without a reason, as in the real server.
    #[error("{0}")]
    Internal(String),
}

impl ApplyError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            ApplyError::BadRequest(_) => 400,
            ApplyError::Conflict(_) => 409,
            ApplyError::Internal(_) => 500,
        }
    }

    /// The `reason` of the answer; "" for none.
    pub fn reason(&self) -> &'static str {
        match self {
            ApplyError::BadRequest(_) => "BadRequest",
            ApplyError::Conflict(_) => "Conflict",
            ApplyError::Internal(_) => "",
        }
    }

    /// What stands in the way, where that is others.
    pub fn conflicts(&self) -> &[Conflict] {
        match self {
            ApplyError::Conflict(conflicts) => conflicts,
            ApplyError::BadRequest(_) | ApplyError::Internal(_) => &[],
        }
    }
}

fn conflicts_message(conflicts: &[Conflict]) -> String {
    super::conflict::message(conflicts)
}

/// Applies an object over the live one (`None` where there is none yet).
///
/// The writer comes to own exactly what it applies. What it applied before, and now leaves out, is removed unless
/// somebody else owns it. Fields of others that would change are a conflict, or are taken over with `force`.
///
/// # Guarantees
/// Applying the same again gives the same object, byte for byte, with `changed` false.
///
/// # Caveats
/// Fields that the subresource resets (see [`MergeSchema`]) are merged like any other; they are only never owned.
/// Restoring them is the caller's part, and so are defaults; after those [`keep_times_if_unchanged`] tells whether
/// there is anything to write.
pub fn apply(
    live: Option<&Value>,
    applied: &Value,
    writer: &Writer<'_>,
    force: bool,
    schema: &MergeSchema,
) -> Result<Applied, ApplyError> {
    let attempt = attempt(live, applied, writer, force, schema);
    if !last_applied::upgrades(writer.manager) {
        return attempt;
    }
    // Who used `kubectl apply` before the server could do it loses nothing to that earlier self.
    let upgraded = match (attempt, live) {
        (Err(ApplyError::Conflict(conflicts)), Some(live)) => {
            let allowed = last_applied::fields_still_as_applied(schema, live, writer.api_version);
            let Some(allowed) = allowed else { return Err(ApplyError::Conflict(conflicts)) };
            let rest: Vec<Conflict> = conflicts.into_iter().filter(|conflict| !conflict.is_in(&allowed)).collect();
            if !rest.is_empty() {
                return Err(ApplyError::Conflict(rest));
            }
            self::attempt(Some(live), applied, writer, true, schema)
        }
        (attempt, _) => attempt,
    };
    upgraded.map(|mut upgraded| {
        let noted = last_applied::note(&mut upgraded.object, applied);
        upgraded.changed |= noted;
        upgraded
    })
}

fn attempt(
    live: Option<&Value>,
    applied: &Value,
    writer: &Writer<'_>,
    force: bool,
    schema: &MergeSchema,
) -> Result<Applied, ApplyError> {
    check_kind(applied, writer, schema)?;
    if managers::field_of(applied).is_some_and(|entries| !entries.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    if let Some(live) = live.filter(|live| is_overlaid(schema, live, applied))
        && owns_exactly(live, writer, &to_own(schema, applied, writer))
    {
        // What the live object says is valid already.
        return Ok(Applied { object: live.clone(), changed: false });
    }
    check_applied(schema, applied).map_err(|error| {
        ApplyError::Internal(format!("failed to create typed patch object ({}): {error}", title(applied)))
    })?;
    let set = to_own(schema, applied, writer);

    let nothing = Value::Object(Map::new());
    let before = live.unwrap_or(&nothing);
    let mut managers = Managers::of_object(before)
        .map_err(|error| ApplyError::Internal(format!("failed to decode managed fields: {error}")))?;
    if managers.is_empty() && live.is_some() {
        let before_first = Writer { manager: BEFORE_FIRST_APPLY, ..*writer };
        managers = track(None, before, managers, &before_first, schema).map_err(ApplyError::Internal)?;
    }
    managers = brought_up_to_date(schema, writer.api_version, before, managers).map_err(ApplyError::Internal)?;

    let identity = Identity::applier(writer.manager, writer.subresource);
    let last = managers.take(&identity);
    let mut object = overlay(schema, before, applied);
    if let Some(last) = &last {
        let kept = Kept { set: &set, api_version: writer.api_version, managers: &managers };
        object = prune(schema, object, last, &kept);
    }
    let effects = effects(schema, writer.api_version, writer.subresource, (before, &object), managers, Some(&identity));
    if !force && !effects.conflicts.is_empty() {
        return Err(ApplyError::Conflict(conflicts_of(&effects.conflicts)));
    }
    let owned = Owned {
        identity,
        api_version: writer.api_version.to_owned(),
        // As in the real server, an apply that changes nothing leaves no time behind, not even its first.
        time: if effects.differs { Some(writer.now.to_owned()) } else { last.and_then(|last| last.time) },
        fields: set,
    };
    Ok(finish(live, object, effects, owned, schema))
}

/// The fields that the writer of an applied object comes to own.
fn to_own(schema: &MergeSchema, applied: &Value, writer: &Writer<'_>) -> FieldSet {
    let set = without_unowned(fields_of(schema, applied));
    match schema.reset_by(writer.subresource) {
        Some(reset) => set.deep_difference(reset),
        None => set,
    }
}

/// Whether the live object says that the writer's last apply owned just this, so that nothing can change but values.
fn owns_exactly(live: &Value, writer: &Writer<'_>, set: &FieldSet) -> bool {
    let entries = managers::field_of(live).and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        let is = |name: &str, text: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default() == text;
        is("manager", writer.manager)
            && is("operation", "Apply")
            && is("apiVersion", writer.api_version)
            && is("subresource", writer.subresource)
            && entry.get("fieldsV1").is_some_and(|fields| set.is_written_as(fields))
    })
}

/// Puts the managers into the object, with their old times where nothing has changed.
fn finish(live: Option<&Value>, mut object: Value, effects: Effects, owned: Owned, schema: &MergeSchema) -> Applied {
    let mut managers = effects.taken_over();
    managers.put(owned);
    stored_form(schema, &mut object);
    managers::take_from(&mut object);
    managers.write_to(&mut object);
    let changed = !live.is_some_and(|live| keep_times_if_unchanged(live, &mut object));
    Applied { object, changed }
}

fn check_kind(applied: &Value, writer: &Writer<'_>, schema: &MergeSchema) -> Result<(), ApplyError> {
    let text = |name: &str| applied.get(name).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version == writer.api_version && schema.kind().is_none_or(|known| known == kind) {
        return Ok(());
    }
    Err(ApplyError::BadRequest(format!("invalid object type: {}, Kind={kind}", group_version(api_version))))
}

/// A group and version in the words of messages: the core group is the empty one.
fn group_version(api_version: &str) -> String {
    if api_version.contains('/') { api_version.to_owned() } else { format!("/{api_version}") }
}

/// `NAMESPACE/NAME; GROUP/VERSION, Kind=KIND`
fn title(object: &Value) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let of_metadata = |name: &str| text(object.get("metadata").and_then(|metadata| metadata.get(name)));
    format!(
        "{}/{}; {}, Kind={}",
        of_metadata("namespace"),
        of_metadata("name"),
        group_version(&text(object.get("apiVersion"))),
        text(object.get("kind"))
    )
}

/// What keeps a field that the applier no longer applies.
struct Kept<'a> {
    /// What it applies now.
    set: &'a FieldSet,
    api_version: &'a str,
    /// The others.
    managers: &'a Managers,
}

/// Removes what the manager applied last time, does not apply now, and nobody else owns.
fn prune(schema: &MergeSchema, merged: Value, last: &Owned, kept: &Kept<'_>) -> Value {
    let seen = if last.api_version == kept.api_version {
        schema
    } else {
        match schema.version(&last.api_version) {
            Some(other) => other,
            None if schema.is_builtin() => schema,
            None => return merged,
        }
    };
    let mut owned = kept.set.clone();
    for other in kept.managers.iter() {
        owned = owned.union(&other.fields);
    }
    if last.fields.is_subset_of(&owned) {
        return merged;
    }
    let (types, root) = (seen.types(), Some(seen.root()));
    let parents = |set: &FieldSet| with_declared_parents(types, root, set);
    let last_fields = parents(&last.fields);
    let all = parents(&fields_of(seen, &merged));

    // First without all that was applied, then with what somebody owns, then with what was never applied.
    let mut bare = merged.clone();
    remove_fields(seen, &mut bare, &last_fields);
    let kept_fields = parents(&fields_of(seen, &bare)).union(&parents(&owned));
    let mut with_owned = merged.clone();
    remove_fields(seen, &mut with_owned, &all.clone().difference(&kept_fields));
    let remaining = parents(&fields_of(seen, &with_owned));
    let mut pruned = merged;
    remove_fields(seen, &mut pruned, &all.difference(&remaining).intersection(&last_fields));
    pruned
}
