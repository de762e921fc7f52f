//! `metadata.managedFields`: who owns which fields, since when, and through which version.

use super::field_set::FieldSet;
use serde_json::{Map, Value, json};

/// How a manager wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// Who owns fields. Two entries of one identity are one.
///
/// An applier is the same whatever version it applies through; an updater is another one in each version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) manager: String,
    pub(crate) operation: Operation,
    /// Empty for appliers.
    pub(crate) version: String,
    pub(crate) subresource: String,
}

/// What one manager owns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owned {
    pub(crate) identity: Identity,
    pub(crate) api_version: String,
    pub(crate) time: Option<String>,
    pub(crate) fields: FieldSet,
}

/// The managers of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Managers(Vec<Owned>);

/// `managedFields` that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadManagedFields(String);

impl Identity {
    pub(crate) fn applier(manager: &str, subresource: &str) -> Self {
        Identity {
            manager: manager.to_owned(),
            operation: Operation::Apply,
            version: String::new(),
            subresource: subresource.to_owned(),
        }
    }

    pub(crate) fn updater(manager: &str, api_version: &str, subresource: &str) -> Self {
        Identity {
            manager: manager.to_owned(),
            operation: Operation::Update,
            version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }
}

impl Managers {
    /// Reads `metadata.managedFields` of an object; none where there are none.
    pub(crate) fn of_object(object: &Value) -> Result<Self, BadManagedFields> {
        match field_of(object) {
            Some(Value::Array(entries)) => Self::decode(entries),
            _ => Ok(Self::default()),
        }
    }

    pub(crate) fn decode(entries: &[Value]) -> Result<Self, BadManagedFields> {
        let mut managers = Self::default();
        for entry in entries {
            let owned = decode_entry(entry)?;
            managers.0.retain(|other| other.identity != owned.identity);
            managers.0.push(owned);
        }
        Ok(managers)
    }

    /// The entries in the order of the real API server: by operation, time and manager.
    pub(crate) fn encode(&self) -> Vec<Value> {
        let mut sorted: Vec<&Owned> = self.0.iter().collect();
        sorted.sort_by(|a, b| {
            let key = |owned: &Owned| (owned.identity.operation, owned.time.clone());
            key(a)
                .cmp(&key(b))
                .then_with(|| a.identity.manager.cmp(&b.identity.manager))
                .then_with(|| a.api_version.cmp(&b.api_version))
                .then_with(|| a.identity.subresource.cmp(&b.identity.subresource))
        });
        sorted.into_iter().map(encode_entry).collect()
    }

    /// Writes the entries into `metadata.managedFields`, or takes that away where there are none.
    pub(crate) fn write_to(&self, object: &mut Value) {
        let entries = self.encode();
        let Some(object) = object.as_object_mut() else { return };
        if entries.is_empty() {
            if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
                metadata.remove("managedFields");
            }
        } else if let Value::Object(metadata) = object.entry("metadata").or_insert_with(|| json!({})) {
            metadata.insert("managedFields".to_owned(), Value::Array(entries));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Owned> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Owned> {
        self.0.iter_mut()
    }

    pub(crate) fn take(&mut self, identity: &Identity) -> Option<Owned> {
        let at = self.0.iter().position(|owned| owned.identity == *identity)?;
        Some(self.0.remove(at))
    }

    /// Adds an entry that owns something, in the place of one of the same identity.
    pub(crate) fn put(&mut self, owned: Owned) {
        self.take(&owned.identity);
        if !owned.fields.is_empty() {
            self.0.push(owned);
        }
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Owned) -> bool) {
        self.0.retain(keep);
    }

    /// Joins the oldest updaters until there are at most `most` of them, so that entries do not grow without end.
    pub(crate) fn join_oldest_updaters(&mut self, most: usize) {
        let updater = |owned: &&Owned| owned.identity.operation == Operation::Update;
        let mut oldest: Vec<(Option<String>, Identity)> =
            self.0.iter().filter(updater).map(|owned| (owned.time.clone(), owned.identity.clone())).collect();
        let mut count = oldest.len();
        if count <= most {
            return;
        }
        oldest.sort();
        let mut first_of_version: Vec<(String, Identity)> = Vec::new();
        for (_, identity) in oldest {
            if count <= most {
                break;
            }
            let version = identity.version.clone();
            let Some((_, first)) = first_of_version.iter().find(|(of, _)| *of == version) else {
                first_of_version.push((version, identity));
                continue;
            };
            let bucket = Identity::updater("ancient-changes", &version, "");
            let before = self.take(&bucket).or_else(|| self.take(first));
            if let (Some(before), Some(joined)) = (before, self.take(&identity)) {
                let fields = before.fields.union(&joined.fields);
                self.0.push(Owned { identity: bucket, fields, ..joined });
                count -= 1;
            }
        }
    }
}

/// `metadata.managedFields`, where it is there.
pub(crate) fn field_of(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

/// Takes `metadata.managedFields` out of an object.
pub(crate) fn take_from(object: &mut Value) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
}

fn decode_entry(entry: &Value) -> Result<Owned, BadManagedFields> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        other => return Err(BadManagedFields(format!("unsupported operation: {other}"))),
    };
    if text("fieldsType") != "FieldsV1" {
        return Err(BadManagedFields(format!("unsupported fieldsType: {}", text("fieldsType"))));
    }
    let fields = match entry.get("fieldsV1") {
        Some(fields) => FieldSet::decode(fields).map_err(|error| BadManagedFields(error.to_string()))?,
        None => FieldSet::new(),
    };
    let (manager, api_version, subresource) = (text("manager"), text("apiVersion"), text("subresource"));
    Ok(Owned {
        identity: match operation {
            Operation::Apply => Identity::applier(manager, subresource),
            Operation::Update => Identity::updater(manager, api_version, subresource),
        },
        api_version: api_version.to_owned(),
        time: entry.get("time").and_then(Value::as_str).map(str::to_owned),
        fields,
    })
}

fn encode_entry(owned: &Owned) -> Value {
    let mut entry = Map::new();
    let operation = match owned.identity.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    if !owned.identity.manager.is_empty() {
        entry.insert("manager".to_owned(), json!(owned.identity.manager));
    }
    entry.insert("operation".to_owned(), json!(operation));
    entry.insert("apiVersion".to_owned(), json!(owned.api_version));
    if let Some(time) = &owned.time {
        entry.insert("time".to_owned(), json!(time));
    }
    entry.insert("fieldsType".to_owned(), json!("FieldsV1"));
    entry.insert("fieldsV1".to_owned(), owned.fields.encode());
    if !owned.identity.subresource.is_empty() {
        entry.insert("subresource".to_owned(), json!(owned.identity.subresource));
    }
    Value::Object(entry)
}
