//! Strategic merge patch: a merge patch that knows which lists are merged item by item.

mod order;

use super::{
    go_text::plain,
    schema::{MergeSchema, PatchStrategy, Shape, TypeRef, Types},
};
use order::{in_patch_order, partition, same_item};
use serde_json::{Map, Value};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList/";
const ORDER_PREFIX: &str = "$setElementOrder/";

/// Why a patch cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch itself is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// The patch does not go with the object or its kind. An error without a reason, as in the real server.
    #[error("{0}")]
    Internal(String),
}

impl PatchError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            PatchError::BadRequest(_) => 400,
            PatchError::Internal(_) => 500,
        }
    }

    /// The `reason` of the answer; "" for none.
    pub fn reason(&self) -> &'static str {
        match self {
            PatchError::BadRequest(_) => "BadRequest",
            PatchError::Internal(_) => "",
        }
    }
}

/// Merges a strategic merge patch into an object of a built-in kind.
///
/// `null` deletes a field; `$patch`, `$retainKeys`, `$setElementOrder/LIST` and `$deleteFromPrimitiveList/LIST` are
/// obeyed and never stored.
pub fn strategic_merge(current: &Value, patch: &Value, schema: &MergeSchema) -> Result<Value, PatchError> {
    let (Value::Object(current), Value::Object(patch)) = (current, patch) else {
        return Err(PatchError::BadRequest("invalid JSON document".to_owned()));
    };
    let merge = Merge { types: schema.types() };
    Ok(Value::Object(merge.map(Some(schema.root()), current.clone(), patch.clone())?))
}

/// The kind of a list, with what tells its items apart.
struct Items<'t> {
    place: Option<TypeRef>,
    strategy: PatchStrategy,
    types: &'t Types,
}

struct Merge<'t> {
    types: &'t Types,
}

impl<'t> Merge<'t> {
    /// The place of a field, and what a patch does with it.
    fn field(&self, place: Option<TypeRef>, name: &str) -> (Option<TypeRef>, PatchStrategy) {
        let map = place.and_then(|place| self.types.shape(place, Some(&Value::Object(Map::new()))).map_type());
        let Some(map) = map else { return (None, PatchStrategy::default()) };
        let strategy = map.fields.get(name).map(|field| field.patch.clone()).unwrap_or_default();
        (map.field(name), strategy)
    }

    fn list(&self, place: Option<TypeRef>, strategy: PatchStrategy) -> Items<'t> {
        let item = place.and_then(|place| match self.types.shape(place, Some(&Value::Array(Vec::new()))) {
            Shape::List(list) => Some(list.item),
            _ => None,
        });
        Items { place: item, strategy, types: self.types }
    }

    fn map(
        &self,
        place: Option<TypeRef>,
        mut current: Map<String, Value>,
        mut patch: Map<String, Value>,
    ) -> Result<Map<String, Value>, PatchError> {
        if let Some(directive) = patch.get(DIRECTIVE) {
            return match directive.as_str() {
                Some("replace") => {
                    patch.remove(DIRECTIVE);
                    Ok(patch)
                }
                Some("delete") => Ok(Map::new()),
                _ => Err(unknown_directive(directive, &patch)),
            };
        }
        retain_keys(&mut current, &mut patch)?;
        self.ordered_lists(place, &mut current, &mut patch)?;
        for (name, patch) in patch {
            let (name, delete) = match name.strip_prefix(DELETE_PREFIX) {
                Some(list) => (list.to_owned(), true),
                None => (name, false),
            };
            if delete && !patch.is_array() {
                return Err(PatchError::BadRequest("invalid patch format of primitive list".to_owned()));
            }
            if patch.is_null() {
                current.remove(&name);
                continue;
            }
            let (field, strategy) = self.field(place, &name);
            let merged = match (current.remove(&name), patch) {
                (Some(Value::Object(current)), Value::Object(patch)) if !strategy.replace => {
                    Some(Value::Object(self.map(field, current, patch)?))
                }
                (Some(Value::Array(current)), Value::Array(patch)) if strategy.merge => {
                    Some(Value::Array(self.items(&self.list(field, strategy), current, patch, delete)?))
                }
                (current, _) if delete => current,
                (_, patch) => Some(without_directives(patch)),
            };
            current.extend(merged.map(|merged| (name, merged)));
        }
        Ok(current)
    }

    /// Carries out `$setElementOrder` directives together with the patches of their lists.
    fn ordered_lists(
        &self,
        place: Option<TypeRef>,
        current: &mut Map<String, Value>,
        patch: &mut Map<String, Value>,
    ) -> Result<(), PatchError> {
        let names: Vec<String> =
            patch.keys().filter_map(|key| key.strip_prefix(ORDER_PREFIX)).map(str::to_owned).collect();
        for name in names {
            let bad = || PatchError::BadRequest("invalid patch format of setElementOrder list".to_owned());
            let Some(Value::Array(order)) = patch.remove(&format!("{ORDER_PREFIX}{name}")) else { return Err(bad()) };
            let (field, strategy) = self.field(place, &name);
            let list = self.list(field, strategy);
            let patched = match patch.remove(&name) {
                Some(Value::Array(items)) => Some(items),
                Some(other) => {
                    // Not a list: the order says nothing about it.
                    patch.insert(name, other);
                    continue;
                }
                None => None,
            };
            check_order(&list, patched.as_deref().unwrap_or_default(), &order)?;
            let before = match current.get(&name) {
                Some(Value::Array(items)) => items.clone(),
                _ => Vec::new(),
            };
            let merged = match (current.remove(&name), patched) {
                (None, None) => continue,
                (Some(Value::Array(items)), None) => items,
                (Some(Value::Array(items)), Some(patched)) if list.strategy.merge => {
                    self.items(&list, items, patched, false)?
                }
                (_, Some(patched)) => without_directive_items(patched),
                (Some(other), None) => {
                    current.insert(name, other);
                    continue;
                }
            };
            let merge_key = list.strategy.merge_key.as_deref();
            let (ordered, rest) = partition(merged, &order, merge_key);
            let merged = in_patch_order(ordered, rest, &order, &before, merge_key);
            current.insert(name, Value::Array(merged));
        }
        Ok(())
    }

    fn items(
        &self,
        list: &Items<'_>,
        current: Vec<Value>,
        patch: Vec<Value>,
        delete: bool,
    ) -> Result<Vec<Value>, PatchError> {
        let Some(first) = current.first().or(patch.first()) else { return Ok(current) };
        let maps = first.is_object();
        for item in current.iter().chain(&patch) {
            if item.is_array() {
                return Err(PatchError::Internal("lists of lists are not supported".to_owned()));
            }
            if item.is_object() != maps {
                return Err(PatchError::Internal("list element types are not identical".to_owned()));
            }
        }
        if !maps {
            if delete {
                return Ok(current.into_iter().filter(|item| !patch.contains(item)).collect());
            }
            let mut merged: Vec<Value> = Vec::with_capacity(current.len() + patch.len());
            for item in current.iter().chain(&patch) {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            let (patched, rest) = partition(merged, &patch, None);
            return Ok(in_patch_order(patched, rest, &patch, &current, None));
        }
        let Some(merge_key) = list.strategy.merge_key.as_deref() else {
            return Err(PatchError::Internal("cannot merge lists without merge key for type struct".to_owned()));
        };
        let (current, patch) = special_items(current, patch, merge_key)?;
        let merged = self.keyed_items(list, current.clone(), patch.clone(), merge_key)?;
        let (patched, rest) = partition(merged, &patch, Some(merge_key));
        Ok(in_patch_order(patched, rest, &patch, &current, Some(merge_key)))
    }

    fn keyed_items(
        &self,
        list: &Items<'_>,
        mut current: Vec<Value>,
        patch: Vec<Value>,
        merge_key: &str,
    ) -> Result<Vec<Value>, PatchError> {
        debug_assert!(std::ptr::eq(list.types, self.types), "items of a list have the types of their document");
        for item in patch {
            if item.get(merge_key).is_none() {
                return Err(no_merge_key(&item, merge_key));
            }
            match (current.iter_mut().find(|other| same_item(other, &item, Some(merge_key))), item) {
                (Some(found), Value::Object(patch)) => {
                    let before = match found.take() {
                        Value::Object(before) => before,
                        _ => Map::new(),
                    };
                    *found = Value::Object(self.map(list.place, before, patch)?);
                }
                (_, item) => current.push(without_directives(item)),
            }
        }
        Ok(current)
    }
}

/// Carries out `$patch` items of a list: what is left of the list, and of the patch.
fn special_items(
    mut current: Vec<Value>,
    patch: Vec<Value>,
    merge_key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut rest = Vec::with_capacity(patch.len());
    let mut replace = false;
    for item in patch {
        let Some(directive) = item.get(DIRECTIVE) else {
            rest.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") if item.get(merge_key).is_some() => {
                current.retain(|other| !same_item(other, &item, Some(merge_key)));
            }
            Some("delete") => return Err(no_merge_key(&item, merge_key)),
            Some("replace") => replace = true,
            Some("merge") => {
                let message = "merging lists cannot yet be specified in the patch";
                return Err(PatchError::Internal(message.to_owned()));
            }
            _ => return Err(unknown_directive(directive, item.as_object().unwrap_or(&Map::new()))),
        }
    }
    Ok(if replace { (rest, Vec::new()) } else { (current, rest) })
}

/// Carries out `$retainKeys`: fields that it does not name go.
fn retain_keys(current: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), PatchError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let bad = || PatchError::BadRequest("invalid patch format of retainKeys".to_owned());
    let keys = keys.as_array().ok_or_else(bad)?;
    let named = |name: &str| keys.iter().any(|key| key == name);
    let directive = |name: &str| name.starts_with(DELETE_PREFIX) || name.starts_with(ORDER_PREFIX);
    if patch.iter().any(|(name, value)| !value.is_null() && !directive(name) && !named(name)) {
        return Err(bad());
    }
    current.retain(|name, _| named(name));
    Ok(())
}

/// Whether the items of a patch come in the order that the patch itself asks for.
fn check_order(list: &Items<'_>, patch: &[Value], order: &[Value]) -> Result<(), PatchError> {
    let merge_key = list.strategy.merge_key.as_deref();
    let mut rest = order.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        if !rest.any(|ordered| same_item(ordered, item, merge_key)) {
            return Err(PatchError::Internal(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                plain(&Value::Array(patch.to_vec())),
                plain(&Value::Array(order.to_vec()))
            )));
        }
    }
    Ok(())
}

/// A new value as it is stored: without directives, and without nulls in maps.
fn without_directives(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let directive = |name: &str| name == DIRECTIVE || name == RETAIN_KEYS;
            let prefixed = |name: &str| name.starts_with(ORDER_PREFIX) || name.starts_with(DELETE_PREFIX);
            let kept = map.into_iter().filter(|(name, value)| !directive(name) && !prefixed(name) && !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_directives(value))).collect())
        }
        Value::Array(items) => Value::Array(without_directive_items(items)),
        scalar => scalar,
    }
}

fn without_directive_items(items: Vec<Value>) -> Vec<Value> {
    let kept = items.into_iter().filter(|item| item.get(DIRECTIVE).is_none());
    kept.map(without_directives).collect()
}

fn unknown_directive(directive: &Value, patch: &Map<String, Value>) -> PatchError {
    let map = plain(&Value::Object(patch.clone()));
    PatchError::Internal(format!("unknown patch type: {} in map: {map}", plain(directive)))
}

fn no_merge_key(item: &Value, merge_key: &str) -> PatchError {
    PatchError::Internal(format!("map: {} does not contain declared merge key: {merge_key}", plain(item)))
}
