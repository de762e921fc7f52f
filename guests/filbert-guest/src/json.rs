//! Reading JSON, in less code than `serde_json` alone would make of it.
//!
//! A derived struct can be read from a map and from a list of its fields in their order. No object of Kubernetes is such a
//! list, yet the code for it is half of what a component with many structs consists of. Here structs are read from maps
//! only, at every depth, so that the other half is never made; and `metadata` is set aside on the way, so that the text is
//! not read a second time for it.

use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

use crate::resource::Metadata;

/// Why a text could not be read, and where.
pub type Error = serde_json::Error;

/// Reads a value.
///
/// # Errors
/// Where the text is no JSON, or not of this shape.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Strict(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// Reads an object of Kubernetes together with its metadata. Without any, they are empty.
///
/// # Errors
/// As [`read`].
pub fn read_object<T: DeserializeOwned>(text: &str) -> Result<(T, Metadata), Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Envelope {
        metadata: Metadata,
    }
    let mut metadata = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let object = T::deserialize(Top { reader: &mut reader, metadata: &mut metadata })?;
    reader.end()?;
    let metadata = match metadata {
        Some(metadata) => metadata,
        None => read::<Envelope>(text)?.metadata,
    };
    Ok((object, metadata))
}

/// Reads structs from maps only.
struct Strict<D>(D);

macro_rules! forwarded {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(visitor)
        })*
    };
}

macro_rules! wrapped {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* Within(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    forwarded! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_identifier deserialize_ignored_any
    }

    wrapped! {
        deserialize_any()
        deserialize_option()
        deserialize_seq()
        deserialize_map()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(MapOnly(visitor))
    }
}

/// A visitor whose parts are read strictly, too.
struct Within<V>(V);

macro_rules! visited {
    ($($method:ident($type:ty))*) => {
        $(fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visited! {
        visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128) visit_f64(f64)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(reader))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, reader: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Strict(reader))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Strict(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(data)
    }
}

/// A visitor that takes a map and nothing else.
struct MapOnly<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for MapOnly<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(entries))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(reader))
    }
}

/// Reads a whole object, and puts its metadata aside.
struct Top<'a, D> {
    reader: D,
    metadata: &'a mut Option<Metadata>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Top<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        Strict(self.reader).deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if fields.contains(&METADATA) {
            return Strict(self.reader).deserialize_struct(name, fields, visitor);
        }
        self.reader.deserialize_map(Aside { visitor, metadata: self.metadata })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

const METADATA: &str = "metadata";

struct Aside<'a, V> {
    visitor: V,
    metadata: &'a mut Option<Metadata>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Aside<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Others { entries, metadata: self.metadata })
    }
}

/// The entries of an object but for its metadata.
struct Others<'a, A> {
    entries: A,
    metadata: &'a mut Option<Metadata>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Others<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, mut seed: S) -> Result<Option<S::Value>, A::Error> {
        loop {
            match self.entries.next_key_seed(Key(seed))? {
                None => return Ok(None),
                Some(Found::Other(key)) => return Ok(Some(key)),
                Some(Found::Metadata(unused)) => {
                    if self.metadata.is_some() {
                        return Err(A::Error::duplicate_field(METADATA));
                    }
                    *self.metadata = Some(self.entries.next_value_seed(Strict(std::marker::PhantomData))?);
                    seed = unused;
                }
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.entries.next_value_seed(Strict(seed))
    }
}

/// A key of an object, where it is another than that of its metadata; otherwise the seed is still good.
struct Key<S>(S);

enum Found<S, T> {
    Metadata(S),
    Other(T),
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<S> {
    type Value = Found<S, S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Key<S> {
    type Value = Found<S, S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        if key == METADATA {
            return Ok(Found::Metadata(self.0));
        }
        let key: StrDeserializer<'_, E> = key.into_deserializer();
        self.0.deserialize(key).map(Found::Other)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Lamp {
        spec: Spec,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Spec {
        bulbs: Vec<Bulb>,
        by_room: BTreeMap<String, Option<Bulb>>,
        shade: Option<Shade>,
        whatever: Value,
        pair: (u8, String),
        bright: f64,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Bulb {
        watts: i64,
        name: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Shade {
        Paper,
        Glass { colour: String },
    }

    fn whole() -> Value {
        json!({
            "kind": "Lamp",
            "metadata": {"name": "hall", "namespace": "house", "labels": {"old": "yes"}},
            "spec": {
                "bulbs": [{"watts": -7, "name": "a"}, {}], "byRoom": {"hall": {"watts": 3}, "attic": null},
                "shade": {"Glass": {"colour": "gr\u{fc}n"}}, "whatever": {"deep": [[1, 2.5, "x", null, true]]},
                "pair": [1, "one"], "bright": 0.5, "unknown": {"fields": ["are", {"skipped": 1}]},
            },
        })
    }

    #[test]
    fn what_is_read_is_what_the_library_reads() {
        let whole = whole();
        let (lamp, metadata): (Lamp, _) = read_object(&whole.to_string()).expect("a lamp");
        assert_eq!(lamp, serde_json::from_value(whole.clone()).expect("a lamp"));
        assert_eq!(read::<Lamp>(&whole.to_string()).expect("a lamp"), lamp);
        assert_eq!((metadata.name.as_str(), metadata.namespace.as_str()), ("hall", "house"));
        assert_eq!(metadata.labels["old"], "yes");
        assert_eq!(read::<Value>(&whole.to_string()).expect("JSON"), whole);
        assert_eq!(read::<Shade>("\"Paper\"").expect("a shade"), Shade::Paper);
    }

    #[test]
    fn metadata_are_read_for_types_that_read_them_too() {
        #[derive(Deserialize)]
        struct Named {
            metadata: Metadata,
        }
        let text = whole().to_string();
        let (named, metadata): (Named, _) = read_object(&text).expect("metadata");
        assert_eq!((named.metadata.name.as_str(), metadata.name.as_str()), ("hall", "hall"));
        let (any, metadata): (Value, _) = read_object(&text).expect("JSON");
        assert_eq!((any, metadata.name.as_str()), (whole(), "hall"));
        let (_, metadata): (Lamp, _) = read_object("{}").expect("a lamp");
        assert_eq!(metadata.name, "");
    }

    #[test]
    fn a_list_is_no_struct() {
        for text in [r#"[{"bulbs": []}]"#, r#"{"spec": [[]]}"#, r#"{"spec": {"bulbs": [[3, "a"]]}}"#] {
            let error = read_object::<Lamp>(text).expect_err(text).to_string();
            assert!(error.contains("invalid type: sequence, expected struct"), "{error}");
            assert!(read::<Lamp>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, words) in [
            ("", "EOF while parsing"),
            ("null", "invalid type: null, expected struct Lamp"),
            (r#"{"metadata": {}, "metadata": {}}"#, "duplicate field `metadata`"),
            (
                r#"{"spec": {"bulbs": [{"watts": "many"}]}}"#,
                "invalid type: string \"many\", expected i64 at line 1 column 36",
            ),
            (r#"{"spec": {}} {}"#, "trailing characters"),
            (r#"{"metadata": {"name": 7}}"#, "invalid type: integer `7`, expected a string"),
        ] {
            let error = read_object::<Lamp>(text).expect_err(text).to_string();
            assert!(error.contains(words), "`{error}` does not say `{words}`");
        }
    }
}
