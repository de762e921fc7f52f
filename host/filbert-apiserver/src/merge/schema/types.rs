//! Types as structured merge sees them.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Anything, as one value.
pub(super) const UNTYPED: TypeRef = TypeRef::plain(0);
/// Anything; maps are merged key by key, lists are one value.
pub(super) const DEDUCED: TypeRef = TypeRef::plain(1);
pub(super) const QUANTITY_TYPE: TypeRef = TypeRef::plain(2);

/// A type, as seen from one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeRef {
    pub(super) id: u32,
    /// Whether this place says that the map is (not) one value, whatever the type says.
    pub(super) atomic: Option<bool>,
}

impl TypeRef {
    pub(super) const fn plain(id: u32) -> Self {
        TypeRef { id, atomic: None }
    }
}

/// Whether a place holds a quantity, such as `500m`.
pub(crate) fn is_quantity(place: TypeRef) -> bool {
    place.id == QUANTITY_TYPE.id
}

/// What a scalar may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarKind {
    Number,
    Text,
    Bool,
    Any,
}

/// What a value of a type may be: any of the parts that are there.
#[derive(Debug, Default)]
pub(super) struct Type {
    pub(super) scalar: Option<ScalarKind>,
    pub(super) list: Option<ListType>,
    pub(super) map: Option<MapType>,
}

#[derive(Debug)]
pub(crate) struct ListType {
    pub(crate) item: TypeRef,
    pub(crate) kind: ListKind,
}

#[derive(Debug, PartialEq)]
pub(crate) enum ListKind {
    /// One value.
    Atomic,
    /// Scalars, each at most once.
    Set,
    /// Maps told apart by these fields, sorted by name.
    Keyed(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct MapType {
    pub(crate) fields: BTreeMap<String, Field>,
    /// The type of keys that are no declared field; `None` where there must be none.
    pub(crate) element: Option<TypeRef>,
    pub(super) atomic: bool,
    pub(super) required: Vec<String>,
}

impl MapType {
    pub(crate) fn requires(&self, name: &str) -> bool {
        self.required.iter().any(|required| required == name)
    }

    /// The type of a key's value; `None` where the key is not allowed.
    pub(crate) fn field(&self, name: &str) -> Option<TypeRef> {
        self.fields.get(name).map(|field| field.place).or(self.element)
    }
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) place: TypeRef,
    pub(super) default: Option<Value>,
    pub(crate) patch: PatchStrategy,
}

/// What strategic merge patch does with a field.
#[derive(Clone, Debug, Default)]
pub(crate) struct PatchStrategy {
    /// Lists are merged item by item.
    pub(crate) merge: bool,
    /// Maps are replaced.
    pub(crate) replace: bool,
    /// The field that tells list items apart.
    pub(crate) merge_key: Option<String>,
}

/// The form in which a value of a type is treated.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    Map {
        map: &'a MapType,
        atomic: bool,
    },
    Scalar(ScalarKind),
    List(&'a ListType),
    /// The type is not known: the value passes as it is.
    Unknown,
}

impl<'a> Shape<'a> {
    pub(crate) fn map_type(self) -> Option<&'a MapType> {
        match self {
            Shape::Map { map, .. } => Some(map),
            _ => None,
        }
    }
}

/// Group, version and kind.
pub(super) type Kind = [String; 3];

/// The types of one document.
#[derive(Debug)]
pub(crate) struct Types {
    pub(super) all: Vec<Type>,
    pub(super) names: BTreeMap<String, u32>,
    pub(super) kinds: BTreeMap<Kind, u32>,
}

impl Types {
    pub(super) fn kind(&self, kind: &Kind) -> Option<TypeRef> {
        self.kinds.get(kind).copied().map(TypeRef::plain)
    }

    /// How to treat a value at a place: by the value's own form where the type allows several.
    pub(crate) fn shape(&self, place: TypeRef, value: Option<&Value>) -> Shape<'_> {
        let Some(of) = self.all.get(place.id as usize) else { return Shape::Unknown };
        let map = || of.map.as_ref().map(|map| Shape::Map { map, atomic: place.atomic.unwrap_or(map.atomic) });
        let scalar = || of.scalar.map(Shape::Scalar);
        let list = || of.list.as_ref().map(Shape::List);
        let fitting = match value {
            Some(Value::Object(_)) => map(),
            Some(Value::Array(_)) => list(),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar(),
            Some(Value::Null) | None => None,
        };
        fitting.or_else(map).or_else(scalar).or_else(list).unwrap_or(Shape::Unknown)
    }

    /// Whether values of such different forms are treated alike at a place.
    pub(crate) fn same_shape(&self, place: TypeRef, left: &Value, right: &Value) -> bool {
        let Some(of) = self.all.get(place.id as usize) else { return true };
        let parts = |value: &Value| match value {
            Value::Object(_) if of.map.is_some() => (true, false, false),
            Value::Array(_) if of.list.is_some() => (false, true, false),
            Value::Bool(_) | Value::Number(_) | Value::String(_) if of.scalar.is_some() => (false, false, true),
            _ => (of.map.is_some(), of.list.is_some(), of.scalar.is_some()),
        };
        parts(left) == parts(right)
    }

    /// The default of a key field of a list's items.
    pub(crate) fn key_default(&self, list: &ListType, name: &str) -> Option<&Value> {
        let item = self.all.get(list.item.id as usize)?;
        item.map.as_ref()?.fields.get(name)?.default.as_ref()
    }

    /// The fields of a type that are always written, with their zero values.
    pub(super) fn zero_value(&self, place: TypeRef) -> Value {
        let mut object = Map::new();
        if let Some(map) = self.all.get(place.id as usize).and_then(|of| of.map.as_ref()) {
            for (name, field) in &map.fields {
                match &field.default {
                    Some(Value::Object(default)) if default.is_empty() => {
                        object.insert(name.clone(), self.zero_value(field.place));
                    }
                    _ if map.requires(name) => {
                        object.insert(name.clone(), field.default.clone().unwrap_or(Value::Null));
                    }
                    _ => {}
                }
            }
        }
        Value::Object(object)
    }

    /// The zero value of a scalar type, and null for anything else.
    pub(crate) fn zero_scalar(&self, place: TypeRef) -> Value {
        match self.all.get(place.id as usize) {
            Some(Type { scalar: Some(kind), list: None, map: None }) => match kind {
                ScalarKind::Number => Value::from(0),
                ScalarKind::Text => Value::from(""),
                ScalarKind::Bool => Value::from(false),
                ScalarKind::Any if is_quantity(place) => Value::from("0"),
                ScalarKind::Any => Value::Null,
            },
            _ => Value::Null,
        }
    }
}
