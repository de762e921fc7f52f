//! Holds an applied object against its types, with the words of the real API server.

use super::{
    go_text::{literal, plain, type_name},
    lists::name_of_item,
    path::{PathElement, Trail},
    schema::{ListKind, MergeSchema, ScalarKind, Shape, TypeRef, Types},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether an object is one of its kind: no unknown fields, no wrong types, no list item named twice.
pub(crate) fn check_applied(schema: &MergeSchema, object: &Value) -> Result<(), String> {
    check(schema, object, false)
}

/// Whether a stored object is one of its kind in a version: as above, but lists may name an item twice.
pub(crate) fn check_stored(schema: &MergeSchema, object: &Value) -> Result<(), String> {
    check(schema, object, true)
}

fn check(schema: &MergeSchema, object: &Value, allows_duplicates: bool) -> Result<(), String> {
    let mut check = Check { types: schema.types(), allows_duplicates, errors: Vec::new() };
    check.value(schema.root(), object, &Trail::ROOT);
    match check.errors.as_slice() {
        [] => Ok(()),
        [only] => Err(only.clone()),
        many => Err(many.iter().fold("errors:".to_owned(), |text, error| text + "\n  " + error)),
    }
}

struct Check<'t> {
    types: &'t Types,
    allows_duplicates: bool,
    errors: Vec<String>,
}

impl Check<'_> {
    fn error(&mut self, at: &Trail<'_>, message: impl std::fmt::Display) {
        let path = at.to_string();
        let colon = if path.is_empty() { "" } else { ": " };
        self.errors.push(format!("{path}{colon}{message}"));
    }

    fn value(&mut self, place: TypeRef, value: &Value, at: &Trail<'_>) {
        match self.types.shape(place, Some(value)) {
            Shape::Map { map, .. } => match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        let trail = at.field(name);
                        let Some(place) = map.field(name) else {
                            self.error(&trail, "field not declared in schema");
                            return;
                        };
                        self.value(place, value, &trail);
                    }
                }
                Value::Null => {}
                other => self.error(at, format_args!("expected map, got &{{{}}}", plain(other))),
            },
            Shape::List(list) => match value {
                Value::Array(items) => {
                    let mut seen: BTreeSet<PathElement> = BTreeSet::new();
                    for (index, item) in items.iter().enumerate() {
                        let name = match name_of_item(self.types, list, index, item) {
                            Ok(name) => name,
                            Err(error) => {
                                self.error(at, format_args!("element {index}: {error}"));
                                return;
                            }
                        };
                        if !self.allows_duplicates && list.kind != ListKind::Atomic && seen.contains(&name) {
                            self.error(at, format_args!("duplicate entries for key {name}"));
                        }
                        self.value(list.item, item, &at.item(&name));
                        seen.insert(name);
                    }
                }
                Value::Null => {}
                other => self.error(at, format_args!("expected list, got &{{{}}}", plain(other))),
            },
            Shape::Scalar(kind) => self.scalar(kind, value, at),
            Shape::Unknown => {}
        }
    }

    fn scalar(&mut self, kind: ScalarKind, value: &Value, at: &Trail<'_>) {
        match (kind, value) {
            (_, Value::Null)
            | (ScalarKind::Number, Value::Number(_))
            | (ScalarKind::Text, Value::String(_))
            | (ScalarKind::Bool, Value::Bool(_))
            | (ScalarKind::Any, Value::Bool(_) | Value::Number(_) | Value::String(_)) => {}
            (ScalarKind::Number, other) => {
                self.error(at, format_args!("expected numeric (int or float), got {}", type_name(other)));
            }
            (ScalarKind::Text, other) => {
                let literal = literal(other);
                self.error(at, format_args!("expected string, got &value.valueUnstructured{{Value:{literal}}}"));
            }
            (ScalarKind::Bool, other) => {
                self.error(at, format_args!("expected boolean, got &{{{}}}", plain(other)));
            }
            (ScalarKind::Any, other) => {
                self.error(at, format_args!("expected any scalar, got &{{{}}}", plain(other)));
            }
        }
    }
}
