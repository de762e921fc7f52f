//! The types that the fields of a schema have in rules, with the sizes they may reach.

use super::value::escape;
use crate::crd::schema::{Schema, Type};
use std::collections::BTreeMap;
use std::fmt;

/// The most bytes of a request; what a definition does not bound is bounded by it.
const REQUEST: u64 = 3 * 1024 * 1024;

/// The type of an expression.
#[derive(Clone, Debug)]
pub(in crate::crd) enum CelType {
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    /// With the most bytes it may have.
    String(u64),
    Bytes(u64),
    Timestamp,
    Duration,
    /// With the most items it may have.
    List(Box<CelType>, u64),
    /// From texts to values, with the most entries.
    Map(Box<CelType>, u64),
    /// With fields of known types.
    Object(BTreeMap<String, CelType>),
    Optional(Box<CelType>),
}

impl fmt::Display for CelType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CelType::Dyn => out.write_str("dyn"),
            CelType::Null => out.write_str("null"),
            CelType::Bool => out.write_str("bool"),
            CelType::Int => out.write_str("int"),
            CelType::Uint => out.write_str("uint"),
            CelType::Double => out.write_str("double"),
            CelType::String(_) => out.write_str("string"),
            CelType::Bytes(_) => out.write_str("bytes"),
            CelType::Timestamp => out.write_str("timestamp"),
            CelType::Duration => out.write_str("duration"),
            CelType::List(items, _) => write!(out, "list({items})"),
            CelType::Map(values, _) => write!(out, "map(string, {values})"),
            CelType::Object(_) => out.write_str("object"),
            CelType::Optional(inner) => write!(out, "optional_type({inner})"),
        }
    }
}

impl CelType {
    /// Whether the expression may be a rule.
    pub(in crate::crd) fn is_bool(&self) -> bool {
        matches!(self, CelType::Bool | CelType::Dyn)
    }

    /// Whether the expression may be a message.
    pub(in crate::crd) fn is_text(&self) -> bool {
        matches!(self, CelType::String(_) | CelType::Dyn)
    }

    /// Whether values of the two types may be compared or combined.
    pub(super) fn fits(&self, other: &CelType) -> bool {
        use CelType as T;
        match (self, other) {
            (T::Dyn, _) | (_, T::Dyn) | (T::Null, T::Object(_)) | (T::Object(_), T::Null) => true,
            (T::List(left, _), T::List(right, _))
            | (T::Map(left, _), T::Map(right, _))
            | (T::Optional(left), T::Optional(right)) => left.fits(right),
            (left, right) => std::mem::discriminant(left) == std::mem::discriminant(right),
        }
    }

    /// The most bytes or items a value may have; one for what has no size.
    pub(super) fn size(&self) -> u64 {
        match self {
            CelType::String(size) | CelType::Bytes(size) | CelType::List(_, size) | CelType::Map(_, size) => *size,
            CelType::Dyn => u64::MAX,
            _ => 1,
        }
    }
}

/// The fewest bytes a value of a schema takes in JSON.
fn least_bytes(schema: &Schema) -> u64 {
    match schema.r#type {
        Some(Type::Boolean) => 4,
        Some(Type::Integer | Type::Number) | None => 1,
        Some(Type::Object) => {
            let required = schema.required.iter().filter_map(|name| {
                let property = schema.properties.get(name)?;
                (property.default.is_none()).then(|| name.len() as u64 + 4 + least_bytes(property))
            });
            2 + required.sum::<u64>()
        }
        Some(Type::String | Type::Array) => 2,
    }
}

/// The most items of a list, or entries of a map, of values with this schema.
pub(in crate::crd) fn most_items(schema: &Schema) -> u64 {
    let (given, nested) = match schema.r#type {
        Some(Type::Array) => (schema.max_items, schema.items.as_deref()),
        _ => (schema.max_properties, schema.additional_schema()),
    };
    // An entry of a map has a key besides, and each value a comma.
    let key = if schema.r#type == Some(Type::Array) { 0 } else { 3 };
    given.unwrap_or_else(|| (REQUEST - 2) / (nested.map_or(1, least_bytes) + key + 1))
}

/// The type of values of a schema; none for those that rules cannot see.
pub(in crate::crd) fn declare(schema: &Schema, resource: bool) -> Option<CelType> {
    if schema.int_or_string {
        return Some(CelType::Dyn);
    }
    Some(match schema.r#type? {
        Type::Boolean => CelType::Bool,
        Type::Integer => CelType::Int,
        Type::Number => CelType::Double,
        Type::String => match &schema.format {
            Some(format) if format.is_time() => CelType::Timestamp,
            Some(format) if format.is_duration() => CelType::Duration,
            Some(format) if format.is_byte() => CelType::Bytes(REQUEST - 2),
            _ => CelType::String(schema.max_length.map_or(REQUEST - 2, |length| length.saturating_mul(4))),
        },
        Type::Array => {
            let items = declare(schema.items.as_deref()?, false)?;
            CelType::List(Box::new(items), most_items(schema))
        }
        Type::Object => match schema.additional_schema() {
            Some(values) => CelType::Map(Box::new(declare(values, false)?), most_items(schema)),
            None => CelType::Object(fields(schema, resource || schema.embedded)),
        },
    })
}

fn fields(schema: &Schema, resource: bool) -> BTreeMap<String, CelType> {
    let known = schema.properties.iter().filter(|(name, _)| !(resource && *name == "metadata"));
    let mut fields: BTreeMap<String, CelType> =
        known.filter_map(|(name, property)| Some((escape(name), declare(property, false)?))).collect();
    if resource {
        let name = || CelType::String(253);
        for field in ["apiVersion", "kind"] {
            fields.entry(field.to_owned()).or_insert(CelType::String(256));
        }
        let names = [("name".to_owned(), name()), ("generateName".to_owned(), name())];
        fields.insert("metadata".to_owned(), CelType::Object(names.into()));
    }
    fields
}
