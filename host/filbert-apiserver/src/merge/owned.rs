//! Which fields an object sets: what its applier owns.

use super::{
    field_set::FieldSet,
    lists::name_of_item,
    path::PathElement,
    schema::{ListKind, ListType, MapType, MergeSchema, Shape, TypeRef, Types},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields that are set in an object.
pub(crate) fn fields_of(schema: &MergeSchema, object: &Value) -> FieldSet {
    of_value(schema.types(), schema.root(), object).1
}

/// Whether the path to a value is itself in the set, and what lies below.
pub(crate) fn of_value(types: &Types, place: TypeRef, value: &Value) -> (bool, FieldSet) {
    let below = match types.shape(place, Some(value)) {
        Shape::Scalar(_) | Shape::Unknown | Shape::Map { atomic: true, .. } => return (true, FieldSet::new()),
        Shape::List(list) if list.kind == ListKind::Atomic => return (true, FieldSet::new()),
        Shape::Map { map, .. } => match value {
            Value::Object(fields) => of_fields(types, map, fields),
            _ => FieldSet::new(),
        },
        Shape::List(list) => match value {
            Value::Array(items) => of_items(types, list, items),
            _ => FieldSet::new(),
        },
    };
    (false, below)
}

fn of_fields(types: &Types, map: &MapType, fields: &Map<String, Value>) -> FieldSet {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let mut set = FieldSet::new();
    for (name, value) in sorted {
        let declared = map.fields.get(name);
        let place = declared.map(|field| field.place).or(map.element);
        let (leaf, below) = place.map_or((true, FieldSet::new()), |place| of_value(types, place, value));
        let empty = match value {
            Value::Null => true,
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        set.push(PathElement::Field(name.clone()), leaf || empty || declared.is_none(), below);
    }
    set
}

fn of_items(types: &Types, list: &ListType, items: &[Value]) -> FieldSet {
    let mut named: BTreeMap<PathElement, Option<&Value>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        // Items without a name were refused, or cannot be owned.
        if let Ok(name) = name_of_item(types, list, index, item) {
            // Of items that share a name only the name is owned.
            named.entry(name).and_modify(|item| *item = None).or_insert(Some(item));
        }
    }
    let mut set = FieldSet::new();
    for (name, item) in named {
        let below = item.map_or_else(FieldSet::new, |item| of_value(types, list.item, item).1);
        set.push(name, true, below);
    }
    set
}

/// The set with nothing below what is one value; `None` where it is so already.
pub(crate) fn with_whole_values(types: &Types, place: Option<TypeRef>, set: &FieldSet) -> Option<FieldSet> {
    let mut result: Option<FieldSet> = None;
    for (at, (element, member, below)) in set.iter().enumerate() {
        let inner = place_of(types, place, element);
        let whole = !below.is_empty() && inner.is_some_and(|inner| is_whole(types, inner, below));
        let changed = if whole { Some(FieldSet::new()) } else { with_whole_values(types, inner, below) };
        if changed.is_some() && result.is_none() {
            let mut before = FieldSet::new();
            for (element, member, below) in set.iter().take(at) {
                before.push(element.clone(), member, below.clone());
            }
            result = Some(before);
        }
        if let Some(result) = &mut result {
            result.push(element.clone(), member || whole, changed.unwrap_or_else(|| below.clone()));
        }
    }
    result
}

/// Whether a map or list with these elements is one value.
fn is_whole(types: &Types, place: TypeRef, elements: &FieldSet) -> bool {
    let fields = elements.iter().all(|(element, ..)| matches!(element, PathElement::Field(_)));
    let probe = if fields { Value::Object(Map::new()) } else { Value::Array(Vec::new()) };
    match types.shape(place, Some(&probe)) {
        Shape::Map { atomic, .. } => fields && atomic,
        Shape::List(list) => !fields && list.kind == ListKind::Atomic,
        Shape::Scalar(_) | Shape::Unknown => false,
    }
}

/// The place that an element leads to.
fn place_of(types: &Types, place: Option<TypeRef>, element: &PathElement) -> Option<TypeRef> {
    let probe = match element {
        PathElement::Field(_) => Value::Object(Map::new()),
        _ => Value::Array(Vec::new()),
    };
    match (types.shape(place?, Some(&probe)), element) {
        (Shape::Map { map, .. }, PathElement::Field(name)) => map.field(name),
        (Shape::List(list), PathElement::Key(_)) => Some(list.item),
        _ => None,
    }
}

/// The set with every declared field that has something below it.
///
/// Lists and maps above an owned field thus count as owned, but list items and keys of free maps do not.
pub(crate) fn with_declared_parents(types: &Types, place: Option<TypeRef>, set: &FieldSet) -> FieldSet {
    let mut result = FieldSet::new();
    for (element, member, below) in set.iter() {
        let map = place.and_then(|place| types.shape(place, Some(&Value::Object(Map::new()))).map_type());
        let declared = match (element, map) {
            (PathElement::Field(name), Some(map)) => map.fields.contains_key(name),
            _ => false,
        };
        let inner = place_of(types, place, element);
        let member = member || (declared && !below.is_empty());
        result.push(element.clone(), member, with_declared_parents(types, inner, below));
    }
    result
}
