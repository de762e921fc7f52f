//! JSON that goes to guests as text.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A JSON value together with its text. Cheap to clone, and written out at most once however often the text is asked for:
/// within a pass the same object goes to every guest, and into the digest of what each was asked.
#[derive(Clone, Default)]
pub struct Document(Arc<Inner>);

#[derive(Default)]
struct Inner {
    value: Value,
    text: OnceLock<Box<str>>,
}

impl Document {
    /// As compact JSON, the keys of objects sorted: equal values have equal texts.
    pub fn text(&self) -> &str {
        self.0.text.get_or_init(|| self.0.value.to_string().into())
    }

    /// The value; copied only where others hold it too.
    pub fn into_value(self) -> Value {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.value,
            Err(shared) => shared.value.clone(),
        }
    }
}

impl Deref for Document {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0.value
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self(Arc::new(Inner { value, text: OnceLock::new() }))
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.value == other.0.value
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_equal_texts_whoever_wrote_them() {
        let one: Document = serde_json::from_str(r#"{ "b": 1, "a": [true, null] }"#).expect("JSON");
        let other = Document::from(json!({"a": [true, null], "b": 1}));
        assert_eq!((one.text(), &one), (other.text(), &other));
        assert_eq!(one.text(), r#"{"a":[true,null],"b":1}"#);
    }

    #[test]
    fn a_copy_outlives_what_it_was_made_from() {
        let one = Document::from(json!({"a": 1}));
        let copy = one.clone();
        assert_eq!(one.into_value(), json!({"a": 1}));
        assert_eq!(copy.text(), r#"{"a":1}"#);
        assert_eq!(copy.into_value(), json!({"a": 1}));
    }
}
