//! The schema of one version of a definition, parsed once into the form that pruning, defaulting and validation walk.

use super::cel::Rule;
use super::format::Format;
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The JSON type a schema names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Type {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Type::Object,
            "array" => Type::Array,
            "string" => Type::String,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "boolean" => Type::Boolean,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Type::Object => "object",
            Type::Array => "array",
            Type::String => "string",
            Type::Integer => "integer",
            Type::Number => "number",
            Type::Boolean => "boolean",
        }
    }
}

/// What a map without named properties may hold.
#[derive(Clone, Debug)]
pub(crate) enum Additional {
    /// `additionalProperties: true`
    Anything,
    /// `additionalProperties: {…}`
    Schema(Box<Schema>),
}

/// `x-kubernetes-list-type`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListType {
    Atomic,
    Set,
    Map(Vec<String>),
}

/// A bound with its exclusiveness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    pub(crate) exclusive: bool,
}

/// What somewhere below a schema needs work, so that walks skip the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Below {
    pub(crate) rules: bool,
    pub(crate) lists: bool,
    pub(crate) embedded: bool,
}

impl Below {
    fn join(&mut self, other: Below) {
        self.rules |= other.rules;
        self.lists |= other.lists;
        self.embedded |= other.embedded;
    }
}

/// A parsed `JSONSchemaProps`.
#[expect(clippy::struct_excessive_bools, reason = "they are the keywords of the format")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) r#type: Option<Type>,
    pub(crate) nullable: bool,
    pub(crate) int_or_string: bool,
    pub(crate) preserve: bool,
    pub(crate) embedded: bool,
    pub(crate) atomic_map: bool,
    pub(crate) list_type: Option<ListType>,
    pub(crate) properties: BTreeMap<String, Schema>,
    pub(crate) additional: Option<Additional>,
    pub(crate) items: Option<Box<Schema>>,
    pub(crate) required: Vec<String>,
    pub(crate) default: Option<Value>,
    pub(crate) r#enum: Option<Vec<Value>>,
    pub(crate) format: Option<Format>,
    pub(crate) maximum: Option<Bound>,
    pub(crate) minimum: Option<Bound>,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) min_length: Option<u64>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) max_items: Option<u64>,
    pub(crate) min_items: Option<u64>,
    pub(crate) unique_items: bool,
    pub(crate) max_properties: Option<u64>,
    pub(crate) min_properties: Option<u64>,
    pub(crate) all_of: Vec<Schema>,
    pub(crate) any_of: Vec<Schema>,
    pub(crate) one_of: Vec<Schema>,
    pub(crate) not: Option<Box<Schema>>,
    pub(crate) rules: Arc<Vec<Rule>>,
    pub(crate) below: Below,
}

/// A pattern that is no regular expression: its path in the schema and the parser's word.
#[derive(Debug)]
pub(crate) struct BadPattern {
    pub(crate) path: String,
    pub(crate) pattern: String,
    pub(crate) message: String,
}

impl Schema {
    /// Parses a schema; keywords with values of the wrong type count as absent (the definition's own check names them).
    pub(crate) fn parse(given: &Value, path: &str) -> Result<Self, BadPattern> {
        let empty = Map::new();
        let source = given.as_object().unwrap_or(&empty);
        let flag = |name: &str| source.get(name).and_then(Value::as_bool).unwrap_or(false);
        let count = |name: &str| source.get(name).and_then(Value::as_u64);
        let number = |name: &str| source.get(name).and_then(Value::as_f64);
        let list = |name: &str| -> Result<Vec<Schema>, BadPattern> {
            let items = source.get(name).and_then(Value::as_array);
            items
                .into_iter()
                .flatten()
                .enumerate()
                .map(|(index, item)| Schema::parse(item, &format!("{path}.{name}[{index}]")))
                .collect()
        };
        let boxed = |name: &str| -> Result<Option<Box<Schema>>, BadPattern> {
            let nested = source.get(name).filter(|nested| nested.is_object());
            nested.map(|nested| Schema::parse(nested, &format!("{path}.{name}")).map(Box::new)).transpose()
        };
        let mut properties = BTreeMap::new();
        for (name, nested) in source.get("properties").and_then(Value::as_object).into_iter().flatten() {
            properties.insert(name.clone(), Schema::parse(nested, &format!("{path}.properties[{name}]"))?);
        }
        let additional = match source.get("additionalProperties") {
            Some(Value::Bool(true)) => Some(Additional::Anything),
            Some(nested @ Value::Object(_)) => {
                Some(Additional::Schema(Box::new(Schema::parse(nested, &format!("{path}.additionalProperties"))?)))
            }
            _ => None,
        };
        let strings = |name: &str| -> Vec<String> {
            let items = source.get(name).and_then(Value::as_array);
            items.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let text = |name: &str| source.get(name).and_then(Value::as_str).unwrap_or_default();
        let pattern = match text("pattern") {
            "" => None,
            pattern => Some(Regex::new(pattern).map_err(|error| BadPattern {
                path: format!("{path}.pattern"),
                pattern: pattern.to_owned(),
                message: error.to_string(),
            })?),
        };
        let mut schema = Schema {
            r#type: Type::parse(text("type")),
            nullable: flag("nullable"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            preserve: flag("x-kubernetes-preserve-unknown-fields"),
            embedded: flag("x-kubernetes-embedded-resource"),
            atomic_map: text("x-kubernetes-map-type") == "atomic",
            list_type: match text("x-kubernetes-list-type") {
                "atomic" => Some(ListType::Atomic),
                "set" => Some(ListType::Set),
                "map" => Some(ListType::Map(strings("x-kubernetes-list-map-keys"))),
                _ => None,
            },
            properties,
            additional,
            items: boxed("items")?,
            required: strings("required"),
            default: source.get("default").filter(|default| !default.is_null()).cloned(),
            r#enum: source.get("enum").and_then(Value::as_array).cloned(),
            format: Format::parse(text("format")),
            maximum: number("maximum").map(|value| Bound { value, exclusive: flag("exclusiveMaximum") }),
            minimum: number("minimum").map(|value| Bound { value, exclusive: flag("exclusiveMinimum") }),
            multiple_of: number("multipleOf"),
            max_length: count("maxLength"),
            min_length: count("minLength"),
            pattern,
            max_items: count("maxItems"),
            min_items: count("minItems"),
            unique_items: flag("uniqueItems"),
            max_properties: count("maxProperties"),
            min_properties: count("minProperties"),
            all_of: list("allOf")?,
            any_of: list("anyOf")?,
            one_of: list("oneOf")?,
            not: boxed("not")?,
            rules: Arc::new(Rule::compile_all(given)),
            below: Below::default(),
        };
        schema.note_below();
        Ok(schema)
    }

    /// The schema of every entry that has no property of its own.
    pub(crate) fn additional_schema(&self) -> Option<&Schema> {
        match &self.additional {
            Some(Additional::Schema(schema)) => Some(schema),
            _ => None,
        }
    }

    /// The schema of a field, named or additional.
    pub(crate) fn field(&self, name: &str) -> Option<&Schema> {
        self.properties.get(name).or_else(|| self.additional_schema())
    }

    /// Brings [`Schema::below`] up to date with this schema and its children.
    pub(crate) fn note_below(&mut self) {
        let mut below = Below {
            rules: !self.rules.is_empty(),
            lists: matches!(self.list_type, Some(ListType::Set | ListType::Map(_))),
            embedded: self.embedded,
        };
        for child in self.properties.values().chain(self.items.as_deref()).chain(self.additional_schema()) {
            below.join(child.below);
        }
        self.below = below;
    }
}
