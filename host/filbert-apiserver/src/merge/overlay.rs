//! Lays an applied object over the live one, and takes fields out of an object.

use super::{
    field_set::FieldSet,
    lists::{name_of_item, same_name},
    path::{PathElement, same_value},
    schema::{ListKind, ListType, MapType, MergeSchema, Shape, TypeRef, Types, is_quantity},
};
use crate::builtin::quantity::Quantity;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The live object with all that the applied one says.
///
/// A quantity that is only written differently stays as it is. Items of lists keep the order of the applied list where
/// that says one.
pub(crate) fn overlay(schema: &MergeSchema, live: &Value, applied: &Value) -> Value {
    let merged = overlay_value(schema.types(), schema.root(), Some(live), Some(applied));
    merged.unwrap_or_else(|| Value::Object(Map::new()))
}

/// Whether the live object already says all that the applied one says, in the same order, so that laying one over the
/// other changes nothing. May be false where that is so, too; never true where it is not.
///
/// # Assumptions
/// No list of the live object names an item twice that the applied one names.
pub(crate) fn is_overlaid(schema: &MergeSchema, live: &Value, applied: &Value) -> bool {
    says(schema.types(), schema.root(), live, applied)
}

fn says(types: &Types, place: TypeRef, live: &Value, applied: &Value) -> bool {
    match (types.shape(place, Some(applied)), live, applied) {
        (Shape::Map { map, atomic: false }, Value::Object(live), Value::Object(applied)) => {
            applied.iter().all(|(name, applied)| match (live.get(name), map.field(name)) {
                (Some(live), Some(place)) => says(types, place, live, applied),
                _ => false,
            })
        }
        (Shape::List(list), Value::Array(live), Value::Array(applied)) if list.kind != ListKind::Atomic => {
            let mut live = live.iter();
            applied.iter().all(|applied| {
                let found = live.find(|live| same_name(types, list, live, applied));
                found.is_some_and(|live| says(types, list.item, live, applied))
            })
        }
        (_, live, applied) => same_value(live, applied),
    }
}

fn overlay_value(types: &Types, place: TypeRef, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let (live, applied) = match (live, applied) {
        (None, None) => return None,
        // Nothing is said about it: it stays. Taking it whole is the same as walking it.
        (Some(live), None) => return Some(live.clone()),
        (live, Some(applied)) => (live, applied),
    };
    match types.shape(place, Some(applied)) {
        Shape::Map { map, atomic: false } => {
            let (left, right) = (live.and_then(Value::as_object), applied.as_object());
            if left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty) {
                return Some(applied.clone());
            }
            overlay_fields(types, map, left, right)
        }
        Shape::List(list) if list.kind != ListKind::Atomic => {
            let left = live.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let right = applied.as_array().map_or(&[][..], Vec::as_slice);
            if left.is_empty() && right.is_empty() {
                return Some(applied.clone());
            }
            overlay_items(types, list, left, right)
        }
        _ => match live {
            Some(live) if is_quantity(place) && same_quantity(live, applied) => Some(live.clone()),
            _ => Some(applied.clone()),
        },
    }
}

fn overlay_fields(
    types: &Types,
    map: &MapType,
    left: Option<&Map<String, Value>>,
    right: Option<&Map<String, Value>>,
) -> Option<Value> {
    let mut merged = Map::new();
    for (name, live) in left.into_iter().flatten() {
        let value = match (right.and_then(|right| right.get(name)), map.field(name)) {
            (Some(applied), Some(place)) => overlay_value(types, place, Some(live), Some(applied)),
            _ => Some(live.clone()),
        };
        merged.extend(value.map(|value| (name.clone(), value)));
    }
    for (name, applied) in right.into_iter().flatten() {
        if !left.is_some_and(|left| left.contains_key(name))
            && let Some(place) = map.field(name)
            && let Some(value) = overlay_value(types, place, None, Some(applied))
        {
            merged.insert(name.clone(), value);
        }
    }
    (!merged.is_empty()).then_some(Value::Object(merged))
}

/// Merges two lists: applied items in their order, live items before the shared item that they came before.
fn overlay_items(types: &Types, list: &ListType, left: &[Value], right: &[Value]) -> Option<Value> {
    let named = |items: &[Value]| -> Vec<PathElement> {
        let names = items.iter().enumerate().map(|(index, item)| {
            // Items without a name cannot be told apart; they go by their place.
            name_of_item(types, list, index, item).unwrap_or(PathElement::Index(index))
        });
        names.collect()
    };
    let (left_names, right_names) = (named(left), named(right));
    // Of live items that share a name none is the one to merge with.
    let mut live_items: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
    for (name, item) in left_names.iter().zip(left) {
        live_items.entry(name).and_modify(|item| *item = None).or_insert(Some(item));
    }
    let applied: BTreeSet<&PathElement> = right_names.iter().collect();
    let merge = |name: &PathElement, item: &Value| {
        let live = live_items.get(name).copied().flatten();
        overlay_value(types, list.item, live, Some(item))
    };

    let mut shared = right_names.iter().filter(|name| live_items.contains_key(name));
    let mut next_shared = shared.next();
    let mut done: BTreeSet<&PathElement> = BTreeSet::new();
    let mut merged = Vec::with_capacity(left.len().max(right.len()));
    let mut lefts = left_names.iter().zip(left).peekable();
    let mut rights = right_names.iter().zip(right).peekable();
    loop {
        let (live, wanted) = (lefts.peek().copied(), rights.peek().copied());
        if live.is_none() && wanted.is_none() {
            break;
        }
        if let (Some((live_name, _)), Some((name, item))) = (live, wanted) {
            if live_name == name {
                merged.extend(merge(name, item));
                done.insert(name);
                lefts.next();
                rights.next();
                next_shared = shared.next();
                continue;
            }
            if applied.contains(live_name) && next_shared.is_some_and(|next| next != live_name) {
                // Shared, and its turn comes with the applied item.
                lefts.next();
                continue;
            }
        }
        if let Some((name, item)) = live {
            if !applied.contains(name) {
                merged.push(item.clone());
                lefts.next();
                continue;
            }
            if done.contains(name) {
                lefts.next();
            }
        }
        if let Some((name, item)) = wanted {
            merged.extend(merge(name, item));
            done.insert(name);
            rights.next();
            if next_shared == Some(name) {
                next_shared = shared.next();
            }
        }
    }
    (!merged.is_empty()).then_some(Value::Array(merged))
}

/// Takes fields out of an object. A map or list that loses all it has becomes null.
pub(crate) fn remove_fields(schema: &MergeSchema, object: &mut Value, set: &FieldSet) {
    remove(schema.types(), schema.root(), object, set);
}

fn remove(types: &Types, place: TypeRef, value: &mut Value, set: &FieldSet) {
    if set.is_empty() {
        return;
    }
    let shape = types.shape(place, Some(value));
    let emptied = match (shape, &mut *value) {
        (Shape::Map { map, atomic: false }, Value::Object(fields)) => {
            fields.retain(|name, value| {
                let (member, below) = set.field(name);
                if let (false, Some(below), Some(place)) = (member, below, map.field(name)) {
                    remove(types, place, value, below);
                }
                !member
            });
            fields.is_empty()
        }
        (Shape::List(list), Value::Array(items)) if list.kind != ListKind::Atomic => {
            let mut index = 0;
            items.retain_mut(|item| {
                let name = name_of_item(types, list, index, item);
                index += 1;
                let Ok(name) = name else { return true };
                if set.has(&name) {
                    return false;
                }
                if let Some(below) = set.below(&name) {
                    remove(types, list.item, item, below);
                }
                true
            });
            items.is_empty()
        }
        _ => false,
    };
    if emptied {
        *value = Value::Null;
    }
}

fn same_quantity(left: &Value, right: &Value) -> bool {
    let read = |value: &Value| match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    };
    left == right || read(left).is_some_and(|left| read(right) == Some(left))
}

/// Takes the nulls out of an object of a built-in kind: there, a null field is absent, and a null in a map of scalars
/// is their zero value. Custom resources keep theirs.
pub fn stored_form(schema: &MergeSchema, object: &mut Value) {
    if schema.is_builtin() {
        drop_nulls(schema.types(), schema.root(), object);
    }
}

fn drop_nulls(types: &Types, place: TypeRef, value: &mut Value) {
    let shape = types.shape(place, Some(value));
    match (shape, value) {
        (Shape::Map { map, .. }, Value::Object(fields)) => fields.retain(|name, value| {
            let Some(place) = map.field(name) else { return true };
            if value.is_null() && !map.fields.contains_key(name) {
                *value = types.zero_scalar(place);
            }
            drop_nulls(types, place, value);
            !value.is_null()
        }),
        (Shape::List(list), Value::Array(items)) => {
            for item in items {
                drop_nulls(types, list.item, item);
            }
        }
        _ => {}
    }
}
