//! Members that a JSON text has more than once; a parser keeps the last of them and says nothing.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt::{self, Write as _};

/// The paths of the members, such as `spec.ports[0].name`; none for a text that is no JSON.
pub(crate) fn repeated(text: &[u8]) -> Vec<String> {
    let (mut path, mut found) = (String::new(), Vec::new());
    let mut reader = serde_json::Deserializer::from_slice(text);
    match (Scan { path: &mut path, found: &mut found }).deserialize(&mut reader) {
        Ok(()) => found,
        Err(_) => Vec::new(),
    }
}

/// Goes through a value that is at `path`.
struct Scan<'s> {
    path: &'s mut String,
    found: &'s mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { path, found } = self;
        let length = path.len();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if length > 0 {
                path.push('.');
            }
            path.push_str(&name);
            if !seen.insert(name) {
                found.push(path.clone());
            }
            map.next_value_seed(Scan { path, found })?;
            path.truncate(length);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { path, found } = self;
        let length = path.len();
        for index in 0.. {
            let _always_fits = write!(path, "[{index}]");
            let more = list.next_element_seed(Scan { path, found })?;
            path.truncate(length);
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_members_are_named_by_their_paths() {
        let text = br#"{"a":{"b":1,"c":[{"d":null,"d":"x"},{"d":2.5}],"b":true},"a2":[[{"e":1,"e":-2}]]}"#;
        assert_eq!(repeated(text), ["a.c[0].d", "a.b", "a2[0][0].e"]);
        assert_eq!(repeated(br#"{"a":{"b":1},"c":{"b":1}}"#), Vec::<String>::new());
        assert_eq!(repeated(b"{"), Vec::<String>::new());
    }
}
