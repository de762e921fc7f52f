//! What differs between two forms of an object, field by field.

use super::{
    field_set::FieldSet,
    lists::name_of_item,
    path::{PathElement, Trail, same_value},
    schema::{ListKind, ListType, MapType, MergeSchema, ScalarKind, Shape, TypeRef, Types},
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The fields in which a later form of an object differs from an earlier one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Differences {
    /// Without the fields that a write does not touch.
    pub(crate) fn without(self, reset: Option<&FieldSet>) -> Self {
        let Some(reset) = reset else { return self };
        Differences {
            added: self.added.deep_difference(reset),
            modified: self.modified.deep_difference(reset),
            removed: self.removed.deep_difference(reset),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

/// What changed from one object to the other.
pub(crate) fn differences(schema: &MergeSchema, before: &Value, after: &Value) -> Differences {
    let mut walk = Walk { types: schema.types(), found: Differences::default() };
    walk.value(schema.root(), Some(before), Some(after), &Trail::ROOT);
    walk.found
}

struct Walk<'t> {
    types: &'t Types,
    found: Differences,
}

impl<'t> Walk<'t> {
    fn value(&mut self, place: TypeRef, before: Option<&Value>, after: Option<&Value>, at: &Trail<'_>) {
        let leaf = match (before, after) {
            (None, None) => return,
            (Some(one), None) | (None, Some(one)) => {
                self.by_shape(self.types.shape(place, Some(one)), before, after, at)
            }
            (Some(left), Some(right)) => {
                let shape = self.types.shape(place, Some(right));
                if !self.types.same_shape(place, left, right) {
                    self.by_shape(self.types.shape(place, Some(left)), before, after, at);
                }
                self.by_shape(shape, before, after, at)
            }
        };
        if !leaf {
            self.mark_presence(before, after, at);
        }
    }

    fn mark_presence(&mut self, before: Option<&Value>, after: Option<&Value>, at: &Trail<'_>) {
        if before.is_none() {
            self.found.added.insert_trail(at);
        } else if after.is_none() {
            self.found.removed.insert_trail(at);
        }
    }

    /// Compares two values of one form. True where they were compared as one value.
    fn by_shape(&mut self, shape: Shape<'t>, before: Option<&Value>, after: Option<&Value>, at: &Trail<'_>) -> bool {
        match shape {
            Shape::Unknown => false,
            Shape::Scalar(kind) => {
                let wrong = |value: Option<&Value>| value.is_some_and(|value| !fits(kind, value));
                // Two values that are no scalars are none of this type's business.
                if !(wrong(before) && wrong(after)) {
                    self.leaf(before, after, at);
                }
                true
            }
            Shape::Map { map, atomic } => {
                let (left, right) = (as_map(before), as_map(after));
                let empty = |side: Option<&Map<String, Value>>| side.is_none_or(Map::is_empty);
                // Both empty or null: the difference between the two counts.
                if atomic || (empty(left) && empty(right)) {
                    self.leaf(before, after, at);
                    return true;
                }
                self.fields(map, left, right, at);
                false
            }
            Shape::List(list) => {
                let (left, right) = (as_list(before), as_list(after));
                if list.kind == ListKind::Atomic || (left.is_empty() && right.is_empty()) {
                    self.leaf(before, after, at);
                    return true;
                }
                self.items(list, left, right, at);
                false
            }
        }
    }

    fn leaf(&mut self, before: Option<&Value>, after: Option<&Value>, at: &Trail<'_>) {
        match (before, after) {
            (Some(left), Some(right)) if !same_value(left, right) => self.found.modified.insert_trail(at),
            (Some(_), Some(_)) => {}
            _ => self.mark_presence(before, after, at),
        }
    }

    fn fields(
        &mut self,
        map: &MapType,
        left: Option<&Map<String, Value>>,
        right: Option<&Map<String, Value>>,
        at: &Trail<'_>,
    ) {
        for (name, before) in left.into_iter().flatten() {
            let after = right.and_then(|right| right.get(name));
            if let Some(place) = map.field(name) {
                self.value(place, Some(before), after, &at.field(name));
            }
        }
        for (name, after) in right.into_iter().flatten() {
            if !left.is_some_and(|left| left.contains_key(name))
                && let Some(place) = map.field(name)
            {
                self.value(place, None, Some(after), &at.field(name));
            }
        }
    }

    fn items(&mut self, list: &ListType, left: &[Value], right: &[Value], at: &Trail<'_>) {
        let left = self.named(list, left);
        let right = self.named(list, right);
        let names: BTreeSet<&PathElement> = left.keys().chain(right.keys()).collect();
        for name in names {
            let trail = at.item(name);
            let before = left.get(name).map_or(&[][..], Vec::as_slice);
            let after = right.get(name).map_or(&[][..], Vec::as_slice);
            match (before, after) {
                ([] | [_], [] | [_]) => self.value(list.item, before.first().copied(), after.first().copied(), &trail),
                // Items that share a name are compared as one value.
                ([_, _, ..], [_, _, ..]) => {
                    if before.len() != after.len() || !before.iter().zip(after).all(|(l, r)| same_value(l, r)) {
                        self.found.modified.insert_trail(&trail);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(after) = after.first() {
                        self.value(list.item, None, Some(after), &trail);
                    }
                    self.found.removed.insert_trail(&trail);
                }
                (_, [_, _, ..]) => {
                    if let Some(before) = before.first() {
                        self.value(list.item, Some(before), None, &trail);
                    }
                    self.found.added.insert_trail(&trail);
                }
            }
        }
    }

    fn named<'v>(&self, list: &ListType, items: &'v [Value]) -> BTreeMap<PathElement, Vec<&'v Value>> {
        let mut named: BTreeMap<PathElement, Vec<&'v Value>> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            if let Ok(name) = name_of_item(self.types, list, index, item) {
                named.entry(name).or_default().push(item);
            }
        }
        named
    }
}

fn fits(kind: ScalarKind, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => matches!(kind, ScalarKind::Bool | ScalarKind::Any),
        Value::Number(_) => matches!(kind, ScalarKind::Number | ScalarKind::Any),
        Value::String(_) => matches!(kind, ScalarKind::Text | ScalarKind::Any),
        Value::Array(_) | Value::Object(_) => false,
    }
}

fn as_map(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn as_list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
