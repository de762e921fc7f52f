//! Elements of field paths: how one step into an object is named, ordered, printed and written in `fieldsV1`.

use serde_json::{Map, Number, Value};
use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt::{self, Write},
};

/// One step of a path.
///
/// The order is that of the keys in `fieldsV1`: fields, then list items by key, then set items by value, then by index.
#[derive(Clone, Debug)]
pub enum PathElement {
    /// A field of a struct, or a key of a map.
    Field(String),
    /// An item of a keyed list, by its key fields in order of their names.
    Key(Vec<(String, Value)>),
    /// An item of a set.
    Value(Value),
    /// An item of any other list.
    Index(usize),
}

/// Text in `fieldsV1` that names no path element.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a path element: `{0}`")]
pub struct BadElement(String);

impl PathElement {
    /// The key of this element in `fieldsV1`.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        self.encode_into(&mut text);
        text
    }

    /// Appends the key of this element in `fieldsV1`.
    pub(crate) fn encode_into(&self, text: &mut String) {
        let written = match self {
            PathElement::Field(name) => {
                text.push_str("f:");
                text.push_str(name);
                Ok(())
            }
            PathElement::Key(fields) => {
                let object: Map<String, Value> = fields.iter().cloned().collect();
                write!(text, "k:{}", Value::Object(object))
            }
            PathElement::Value(value) => write!(text, "v:{value}"),
            PathElement::Index(index) => write!(text, "i:{index}"),
        };
        written.expect("writing to a text does not fail");
    }

    /// The element that a key of `fieldsV1` names.
    pub fn decode(text: &str) -> Result<Self, BadElement> {
        let bad = || BadElement(text.to_owned());
        let (kind, rest) = text.split_once(':').ok_or_else(bad)?;
        match kind {
            "f" => Ok(PathElement::Field(rest.to_owned())),
            "k" => match serde_json::from_str(rest).map_err(|_| bad())? {
                Value::Object(fields) => {
                    let mut fields: Vec<_> = fields.into_iter().collect();
                    fields.sort_by(|a, b| a.0.cmp(&b.0));
                    Ok(PathElement::Key(fields))
                }
                _ => Err(bad()),
            },
            "v" => Ok(PathElement::Value(serde_json::from_str(rest).map_err(|_| bad())?)),
            "i" => Ok(PathElement::Index(rest.parse().map_err(|_| bad())?)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathElement::Field(name) => write!(f, ".{name}"),
            PathElement::Key(fields) => {
                f.write_str("[")?;
                for (position, (name, value)) in fields.iter().enumerate() {
                    let comma = if position == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={value}")?;
                }
                f.write_str("]")
            }
            PathElement::Value(value) => write!(f, "[={value}]"),
            PathElement::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (PathElement::Field(a), PathElement::Field(b)) => a.cmp(b),
            (PathElement::Key(a), PathElement::Key(b)) => compare_fields(a, b),
            (PathElement::Value(a), PathElement::Value(b)) => compare_values(a, b),
            (PathElement::Index(a), PathElement::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PathElement {
    fn rank(&self) -> u8 {
        match self {
            PathElement::Field(_) => 0,
            PathElement::Key(_) => 1,
            PathElement::Value(_) => 2,
            PathElement::Index(_) => 3,
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PathElement {}

fn compare_fields(a: &[(String, Value)], b: &[(String, Value)]) -> Ordering {
    for ((a_name, a_value), (b_name, b_value)) in a.iter().zip(b) {
        let order = a_name.cmp(b_name).then_with(|| compare_values(a_value, b_value));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// A total order over JSON values: numbers by size whatever their form, then texts, booleans, lists, maps, null.
pub(crate) fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| compare_values(a, b)).find(|o| o.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (a, b) = (in_order(a), in_order(b));
            let differing =
                a.iter().zip(&b).map(|((an, av), (bn, bv))| an.cmp(bn).then_with(|| compare_values(av, bv)));
            differing.into_iter().find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => value_rank(a).cmp(&value_rank(b)),
    }
}

/// Whether two values are the same: numbers by size, maps whatever the order of their keys.
pub(crate) fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || compare_numbers(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_value(a, b)))
        }
        _ => a == b,
    }
}

fn in_order(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

fn value_rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_f64().unwrap_or(f64::NAN).total_cmp(&b.as_f64().unwrap_or(f64::NAN)),
    }
}

/// A path while walking: borrowed steps, linked from the innermost outwards, so that walking allocates nothing.
#[derive(Clone, Copy)]
pub(crate) struct Trail<'a> {
    step: Option<(&'a Trail<'a>, Step<'a>)>,
}

/// One step of a [`Trail`].
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    Field(&'a str),
    Item(&'a PathElement),
}

impl<'a> Trail<'a> {
    /// The object itself.
    pub(crate) const ROOT: Trail<'static> = Trail { step: None };

    pub(crate) fn field(&'a self, name: &'a str) -> Trail<'a> {
        Trail { step: Some((self, Step::Field(name))) }
    }

    pub(crate) fn item(&'a self, element: &'a PathElement) -> Trail<'a> {
        Trail { step: Some((self, Step::Item(element))) }
    }

    /// The steps from the outermost inwards.
    pub(crate) fn elements(&self) -> Vec<Cow<'a, PathElement>> {
        let mut elements = Vec::new();
        let mut step = self.step;
        while let Some((parent, element)) = step {
            elements.push(match element {
                Step::Field(name) => Cow::Owned(PathElement::Field(name.to_owned())),
                Step::Item(element) => Cow::Borrowed(element),
            });
            step = parent.step;
        }
        elements.reverse();
        elements
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((parent, step)) = self.step else { return Ok(()) };
        write!(f, "{parent}")?;
        match step {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Item(element) => write!(f, "{element}"),
        }
    }
}
