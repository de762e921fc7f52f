//! Values of fields, for those who do not know a message when they are compiled.

use crate::schema::{Record, Type};
use crate::uuid::Uuid;

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Null.
    Null,
    /// Of [`Type::Boolean`].
    Boolean(bool),
    /// Of [`Type::Byte`].
    Byte(u8),
    /// Of [`Type::Int`].
    Int(i32),
    /// Of [`Type::Long`].
    Long(i64),
    /// Of [`Type::Float`].
    Float(f32),
    /// Of [`Type::Uuid`].
    Uuid(Uuid),
    /// Of [`Type::Text`].
    Text(String),
    /// Of [`Type::Bytes`].
    Bytes(Vec<u8>),
    /// Of [`Type::Packed`] ints.
    Ints(Vec<i32>),
    /// Of [`Type::Packed`] longs.
    Longs(Vec<i64>),
    /// Of [`Type::Packed`] floats.
    Floats(Vec<f32>),
    /// Of [`Type::Packed`] UUIDs.
    Uuids(Vec<Uuid>),
    /// Of [`Type::List`].
    List(Vec<Value>),
    /// Of [`Type::Entries`].
    Entries(Vec<(Value, Value)>),
    /// Of [`Type::Record`], and all of a message: a value for each field, in the order of the definition.
    Record(Vec<Value>),
    /// Of [`Type::Opaque`]: frames.
    Opaque(Vec<u8>),
}

impl Type {
    /// What a field has when the writer did not know it: 0, false, empty. Nullable fields have null instead.
    pub fn default_value(self) -> Value {
        match self {
            Self::Boolean => Value::Boolean(false),
            Self::Byte => Value::Byte(0),
            Self::Int => Value::Int(0),
            Self::Long => Value::Long(0),
            Self::Float => Value::Float(0.0),
            Self::Uuid => Value::Uuid(Uuid::default()),
            Self::Text => Value::Text(String::new()),
            Self::Bytes => Value::Bytes(Vec::new()),
            Self::Packed(Self::Int) => Value::Ints(Vec::new()),
            Self::Packed(Self::Long) => Value::Longs(Vec::new()),
            Self::Packed(Self::Float) => Value::Floats(Vec::new()),
            Self::Packed(_) => Value::Uuids(Vec::new()),
            Self::List { .. } => Value::List(Vec::new()),
            Self::Entries(..) => Value::Entries(Vec::new()),
            Self::Record(record) => record.default_value(),
            Self::Opaque => Value::Opaque(Vec::new()),
        }
    }
}

impl Record {
    /// The record of defaults.
    pub fn default_value(&self) -> Value {
        let field = |field: &crate::schema::Field| if field.nullable { Value::Null } else { field.ty.default_value() };
        Value::Record(self.fields.iter().map(field).collect())
    }
}
