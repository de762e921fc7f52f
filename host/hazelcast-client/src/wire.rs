//! Rust types of fields, and how they become values.

use crate::decode::{DecodeError, decode};
use crate::encode::{EncodeError, Header, encode};
use crate::message::Message;
use crate::schema::{Body, Method, Version};
use crate::uuid::Uuid;
use crate::value::Value;

/// Bytes in a frame of their own: a byte array, or a serialized object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Bytes(pub Vec<u8>);

/// A type that fields have.
pub trait Wire: Sized {
    /// The value to send.
    fn into_value(self) -> Value;

    /// Back from a value; `None` when it is of another type.
    fn from_value(value: Value) -> Option<Self>;

    /// Many of them; packed types have a value of their own for that.
    fn list_into_value(list: Vec<Self>) -> Value {
        Value::List(list.into_iter().map(Wire::into_value).collect())
    }

    /// Back from many.
    fn list_from_value(value: Value) -> Option<Vec<Self>> {
        let Value::List(values) = value else { return None };
        values.into_iter().map(Wire::from_value).collect()
    }
}

macro_rules! wire {
    ($($ty:ty = $variant:ident $(, packed as $packed:ident)?;)*) => {$(
        impl Wire for $ty {
            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn from_value(value: Value) -> Option<Self> {
                if let Value::$variant(it) = value { Some(it) } else { None }
            }

            $(
                fn list_into_value(list: Vec<Self>) -> Value {
                    Value::$packed(list)
                }

                fn list_from_value(value: Value) -> Option<Vec<Self>> {
                    if let Value::$packed(list) = value { Some(list) } else { None }
                }
            )?
        }
    )*};
}

wire! {
    bool = Boolean;
    u8 = Byte;
    i32 = Int, packed as Ints;
    i64 = Long, packed as Longs;
    f32 = Float, packed as Floats;
    Uuid = Uuid, packed as Uuids;
    String = Text;
}

impl Wire for Bytes {
    fn into_value(self) -> Value {
        Value::Bytes(self.0)
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(Self(bytes)) } else { None }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn into_value(self) -> Value {
        T::list_into_value(self)
    }

    fn from_value(value: Value) -> Option<Self> {
        T::list_from_value(value)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, Wire::into_value)
    }

    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl<K: Wire, V: Wire> Wire for (K, V) {
    fn into_value(self) -> Value {
        Value::Entries(vec![(self.0.into_value(), self.1.into_value())])
    }

    fn from_value(value: Value) -> Option<Self> {
        let Value::Entries(mut entries) = value else { return None };
        let (key, value) = entries.pop()?;
        Some((K::from_value(key)?, V::from_value(value)?))
    }

    fn list_into_value(list: Vec<Self>) -> Value {
        Value::Entries(list.into_iter().map(|(key, value)| (key.into_value(), value.into_value())).collect())
    }

    fn list_from_value(value: Value) -> Option<Vec<Self>> {
        let Value::Entries(entries) = value else { return None };
        entries.into_iter().map(|(key, value)| Some((K::from_value(key)?, V::from_value(value)?))).collect()
    }
}

/// A message as a Rust struct; its fields are those of its row in the table.
pub trait Payload: Wire {
    /// The row.
    const BODY: &'static Body;

    /// The encoded message in the newest form, of which older readers skip what they do not know.
    fn encode(self) -> Result<Message, EncodeError> {
        self.encode_for(Version::NEWEST, Header::default())
    }

    /// The encoded message as a writer of `version` would send it.
    fn encode_for(self, version: Version, header: Header) -> Result<Message, EncodeError> {
        let Value::Record(values) = self.into_value() else { return Err(EncodeError::no_record(Self::BODY)) };
        encode(Self::BODY, &values, version, header)
    }

    /// Reads a message, which must be of this type. What the writer did not know has its default; what we do not know is
    /// left out.
    fn decode(message: &Message) -> Result<Self, DecodeError> {
        let values = decode(Self::BODY, message)?;
        Self::from_value(Value::Record(values)).ok_or(DecodeError::no_record(Self::BODY))
    }
}

/// A request as a Rust struct.
pub trait Call: Payload {
    /// What it is answered with.
    type Answer: Payload;
    /// Its method.
    const METHOD: &'static Method;
}
