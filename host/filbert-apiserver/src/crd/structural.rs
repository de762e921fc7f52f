//! What makes a schema structural, and the other rules for schemas of definitions.

use super::path::Path;
use super::schema::Schema;
use super::{default, prune, rules, validate};
use crate::error::{FieldError, FieldErrors};
use serde_json::Value;
use std::collections::BTreeMap;

/// Keywords that JSON Schema knows and definitions may not use, with the server's word for each.
const FORBIDDEN: [(&str, &str); 7] = [
    ("$ref", "$ref is not supported"),
    ("id", "id is not supported"),
    ("definitions", "definitions is not supported"),
    ("dependencies", "dependencies is not supported"),
    ("patternProperties", "patternProperties is not supported"),
    ("additionalItems", "additionalItems is not supported"),
    ("deprecated", "deprecated is not supported"),
];

/// Keywords that combined schemas leave to the structure, with what they must be there instead.
const STRUCTURE_ONLY: [(&str, &str); 10] = [
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
];

/// Keywords whose values are lists of schemas that an object is held against as a whole.
const COMBINATIONS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Where a schema stands in the structure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Field,
    Item,
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// The properties of a schema, sorted.
fn properties(schema: &Value) -> BTreeMap<&str, &Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema)).collect()
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Checks the schema of a version, which messages call `at`.
pub(super) fn check_schema(schema: &Value, at: &str, has_status: bool, errors: &mut FieldErrors) {
    if has_status {
        check_root_with_status(schema, at, errors);
    }
    if flag(schema, "nullable") {
        let detail = "nullable cannot be true at the root";
        errors.push(FieldError::forbidden(format!("{at}.nullable"), detail));
    }
    check_keywords(schema, at, errors);
    let compiled = Schema::parse(schema, at);
    let total = compiled.as_ref().ok().map(|compiled| rules::check_rules(schema, compiled, at, errors));
    let mut structure = FieldErrors::new();
    check_structure(schema, Level::Root, at, &mut structure);
    // Kubernetes sorts these by their text.
    structure.0.sort_by_cached_key(ToString::to_string);
    let sound = structure.is_empty();
    errors.extend(structure);
    match compiled {
        Ok(compiled) => {
            if sound {
                check_defaults(&compiled, at, errors);
            }
        }
        Err(bad) => {
            let detail = format!("must be a valid regular expression, but isn't: {}", bad.message);
            errors.push(FieldError::invalid(bad.path, bad.pattern, detail));
        }
    }
    if let Some(total) = total {
        total.check(at, errors);
    }
}

/// With a status subresource the root may only say what still holds for the status by itself.
fn check_root_with_status(schema: &Value, at: &str, errors: &mut FieldErrors) {
    let refused = ["allOf", "anyOf", "oneOf", "not", "enum", "additionalProperties", "minProperties", "maxProperties"];
    if refused.iter().any(|name| schema.get(*name).is_some_and(|value| !value.is_null())) {
        let detail = "only \"properties\", \"required\" and \"description\" are allowed at the root of the schema if the status subresource is enabled";
        errors.push(FieldError::invalid(at, schema.clone(), detail));
    }
}

/// The rules that hold for every schema, structural or not.
fn check_keywords(schema: &Value, at: &str, errors: &mut FieldErrors) {
    for (name, detail) in FORBIDDEN {
        if schema.get(name).is_some_and(|value| !value.is_null()) {
            errors.push(FieldError::forbidden(format!("{at}.{name}"), detail));
        }
    }
    let kind = text(schema, "type");
    if kind == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(FieldError::forbidden(format!("{at}.type"), detail));
    } else if !kind.is_empty() && super::schema::Type::parse(kind).is_none() {
        let known = ["array", "boolean", "integer", "number", "object", "string"];
        errors.push(FieldError::not_supported(format!("{at}.type"), kind, &known));
    }
    if kind == "array" && schema.get("items").is_none_or(Value::is_null) {
        errors.push(FieldError::required(format!("{at}.items"), "must be specified"));
    }
    if schema.get("items").is_some_and(Value::is_array) {
        let detail = "items must be a schema object and not an array";
        errors.push(FieldError::forbidden(format!("{at}.items"), detail));
    }
    if flag(schema, "uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(format!("{at}.uniqueItems"), detail));
    }
    let additional = schema.get("additionalProperties");
    if additional.is_some_and(Value::is_object) && !properties(schema).is_empty() {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(format!("{at}.additionalProperties"), detail));
    }
    if additional == Some(&Value::Bool(false)) {
        let detail = "additionalProperties cannot be set to false";
        errors.push(FieldError::forbidden(format!("{at}.additionalProperties"), detail));
    }
    if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
        let at = format!("{at}.x-kubernetes-preserve-unknown-fields");
        errors.push(FieldError::invalid(at, false, "must be true or undefined"));
    }
    check_list_type(schema, at, errors);
    for (path, nested) in nested_schemas(schema, at) {
        check_keywords(nested, &path, errors);
    }
}

/// Every schema directly inside a schema, with its path.
fn nested_schemas<'a>(schema: &'a Value, at: &str) -> Vec<(String, &'a Value)> {
    let mut nested = Vec::new();
    for (name, schema) in properties(schema) {
        nested.push((format!("{at}.properties[{name}]"), schema));
    }
    for name in ["additionalProperties", "items", "not"] {
        if let Some(schema) = schema.get(name).filter(|schema| schema.is_object()) {
            nested.push((format!("{at}.{name}"), schema));
        }
    }
    for name in COMBINATIONS {
        for (index, schema) in list(schema, name).iter().enumerate() {
            nested.push((format!("{at}.{name}[{index}]"), schema));
        }
    }
    nested
}

fn check_list_type(schema: &Value, at: &str, errors: &mut FieldErrors) {
    let mut needs_type = |extension: &str, needed: &str, known: &[&str]| -> Option<String> {
        let value = schema.get(extension).and_then(Value::as_str)?;
        let detail = format!("must be {needed} if {extension} is specified");
        match text(schema, "type") {
            found if found == needed => {}
            "" => errors.push(FieldError::required(format!("{at}.type"), detail)),
            other => errors.push(FieldError::invalid(format!("{at}.type"), other, detail)),
        }
        if !known.contains(&value) {
            errors.push(FieldError::not_supported(format!("{at}.{extension}"), value, known));
        }
        Some(value.to_owned())
    };
    needs_type("x-kubernetes-map-type", "object", &["atomic", "granular"]);
    let list_type = needs_type("x-kubernetes-list-type", "array", &["atomic", "map", "set"]);
    let keys: Vec<&str> = list(schema, "x-kubernetes-list-map-keys").iter().filter_map(Value::as_str).collect();
    if !keys.is_empty() && list_type.as_deref() != Some("map") {
        let at = format!("{at}.x-kubernetes-list-type");
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(match &list_type {
            None => FieldError::required(at, detail),
            Some(other) => FieldError::invalid(at, other.as_str(), detail),
        });
    }
    let items = schema.get("items").filter(|items| items.is_object());
    match (list_type.as_deref(), items) {
        (Some("set"), Some(items)) => check_set(items, &format!("{at}.items"), errors),
        (Some("map"), _) => {
            if keys.is_empty() {
                let at = format!("{at}.x-kubernetes-list-map-keys");
                errors.push(FieldError::required(at, "must not be empty if x-kubernetes-list-type is map"));
            }
            match items {
                None => {
                    let detail = "must have a schema if x-kubernetes-list-type is map";
                    errors.push(FieldError::required(format!("{at}.items"), detail));
                }
                Some(items) => check_map_keys(items, &keys, at, errors),
            }
        }
        _ => {}
    }
}

fn check_set(items: &Value, at: &str, errors: &mut FieldErrors) {
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    if flag(items, "nullable") {
        let detail = "cannot be nullable when x-kubernetes-list-type is set";
        errors.push(FieldError::forbidden(format!("{at}.nullable"), detail));
    }
    let extension = match text(items, "type") {
        "array" => "x-kubernetes-list-type",
        "object" => "x-kubernetes-map-type",
        _ => return,
    };
    if text(items, extension) != "atomic" {
        let value = items.get(extension).cloned().unwrap_or(Value::Null);
        errors.push(FieldError::invalid(format!("{at}.{extension}"), value, detail));
    }
}

fn check_map_keys(items: &Value, keys: &[&str], at: &str, errors: &mut FieldErrors) {
    let kind = text(items, "type");
    if kind != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(format!("{at}.items.type"), kind, detail));
        return;
    }
    let keys_at = format!("{at}.x-kubernetes-list-map-keys");
    for (index, key) in keys.iter().enumerate() {
        if keys.iter().take(index).any(|earlier| earlier == key) {
            errors.push(FieldError::invalid(format!("{keys_at}[{index}]"), *key, "must not contain duplicate entries"));
        }
        let properties = properties(items);
        let Some(property) = properties.get(key) else {
            errors.push(FieldError::invalid(keys_at.as_str(), *key, "entries must all be names of item properties"));
            continue;
        };
        let at = format!("{at}.items.properties[{key}]");
        if matches!(text(property, "type"), "array" | "object") {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            errors.push(FieldError::invalid(format!("{at}.type"), text(property, "type"), detail));
        }
        if flag(property, "nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(FieldError::forbidden(format!("{at}.nullable"), detail));
        }
        let required = list(items, "required").iter().any(|name| name == key);
        if !required && property.get("default").is_none_or(Value::is_null) {
            let detail =
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.push(FieldError::required(format!("{at}.default"), detail));
        }
    }
}

/// The rules that make a schema structural.
fn check_structure(schema: &Value, level: Level, at: &str, errors: &mut FieldErrors) {
    if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
        check_structure(items, Level::Item, &format!("{at}.items"), errors);
    }
    for (name, property) in properties(schema) {
        check_structure(property, Level::Field, &format!("{at}.properties[{name}]"), errors);
    }
    if let Some(additional) = schema.get("additionalProperties").filter(|value| value.is_object()) {
        check_structure(additional, Level::Field, &format!("{at}.additionalProperties"), errors);
    }
    if level == Level::Root && schema.get("additionalProperties").is_some_and(|value| !value.is_null()) {
        let at = format!("{at}.additionalProperties");
        errors.push(FieldError::forbidden(at, "must not be used at the root"));
    }
    check_types(schema, level, at, errors);
    check_combined(schema, schema, at, errors);
    let embedded = flag(schema, "x-kubernetes-embedded-resource");
    let has_metadata = level == Level::Root || embedded;
    let properties = properties(schema);
    if has_metadata {
        for name in ["kind", "apiVersion"] {
            if let Some(property) = properties.get(name).filter(|property| text(property, "type") != "string") {
                let at = format!("{at}.properties[{name}].type");
                errors.push(FieldError::invalid(at, text(property, "type"), "must be string"));
            }
        }
        if let Some(metadata) = properties.get("metadata") {
            check_metadata(metadata, level, &format!("{at}.properties[metadata]"), errors);
        }
    }
    if embedded && !flag(schema, "x-kubernetes-preserve-unknown-fields") && properties.is_empty() {
        let detail =
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(format!("{at}.properties"), detail));
    }
}

fn check_types(schema: &Value, level: Level, at: &str, errors: &mut FieldErrors) {
    let kind = text(schema, "type");
    let int_or_string = flag(schema, "x-kubernetes-int-or-string");
    let at_type = format!("{at}.type");
    if int_or_string && !kind.is_empty() {
        let detail = "must be empty if x-kubernetes-int-or-string is true";
        errors.push(FieldError::invalid(at_type.as_str(), kind, detail));
    }
    if flag(schema, "x-kubernetes-embedded-resource") {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        match kind {
            "object" => {}
            "" => errors.push(FieldError::required(at_type.as_str(), detail)),
            other => errors.push(FieldError::invalid(at_type.as_str(), other, detail)),
        }
        if schema.get("additionalProperties").is_some_and(|value| !value.is_null()) {
            let detail = "must not be used if x-kubernetes-embedded-resource is set";
            errors.push(FieldError::forbidden(format!("{at}.additionalProperties"), detail));
        }
    } else if kind.is_empty() && !int_or_string && !flag(schema, "x-kubernetes-preserve-unknown-fields") {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(at_type.as_str(), detail));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        errors.push(FieldError::invalid(at_type, kind, "must be object at the root"));
    }
}

/// `metadata` of a resource may only restrict the name.
fn check_metadata(metadata: &Value, level: Level, at: &str, errors: &mut FieldErrors) {
    let kind = text(metadata, "type");
    if kind != "object" {
        errors.push(FieldError::invalid(format!("{at}.type"), kind, "must be object"));
    }
    let only_names = properties(metadata).keys().all(|name| matches!(*name, "name" | "generateName"));
    let keywords = metadata.as_object().into_iter().flatten();
    let only_plain = keywords
        .filter(|(_, value)| !value.is_null())
        .all(|(name, _)| matches!(name.as_str(), "type" | "properties" | "description" | "default"));
    if level == Level::Root && !(only_names && only_plain) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(at, detail));
    }
}

/// The schemas combined into `holder` say nothing about structure, and name nothing that `structure` does not have.
fn check_combined(holder: &Value, structure: &Value, at: &str, errors: &mut FieldErrors) {
    for name in COMBINATIONS {
        if flag(structure, "x-kubernetes-int-or-string") && is_int_or_string(holder, name) {
            continue;
        }
        for (index, nested) in list(holder, name).iter().enumerate() {
            check_nested(nested, structure, &format!("{at}.{name}[{index}]"), errors);
        }
    }
    if let Some(not) = holder.get("not").filter(|not| not.is_object()) {
        check_nested(not, structure, &format!("{at}.not"), errors);
    }
}

/// The one combination that may name types: `anyOf: [{type: integer}, {type: string}]`, by itself or first in `allOf`.
fn is_int_or_string(holder: &Value, name: &str) -> bool {
    let alternatives = match name {
        "anyOf" => list(holder, "anyOf"),
        "allOf" => list(holder, "allOf").first().map(|first| list(first, "anyOf")).unwrap_or_default(),
        _ => return false,
    };
    matches!(alternatives, [first, second] if text(first, "type") == "integer" && text(second, "type") == "string")
}

fn check_nested(nested: &Value, structure: &Value, at: &str, errors: &mut FieldErrors) {
    check_combined(nested, structure, at, errors);
    for (name, detail) in STRUCTURE_ONLY {
        let given = match nested.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(_) => true,
        };
        if given {
            errors.push(FieldError::forbidden(format!("{at}.{name}"), detail));
        }
    }
    if let Some(items) = nested.get("items").filter(|items| items.is_object()) {
        let below = structure.get("items").unwrap_or(&Value::Null);
        check_nested(items, below, &format!("{at}.items"), errors);
    }
    for (name, property) in properties(nested) {
        let path = format!("{at}.properties[{name}]");
        if name == "metadata" {
            errors.push(FieldError::forbidden(path.as_str(), "must not be specified in a nested context"));
        }
        let below = structure.get("properties").and_then(|properties| properties.get(name));
        let below = below.or_else(|| structure.get("additionalProperties")).unwrap_or(&Value::Null);
        check_nested(property, below, &path, errors);
    }
}

/// Every default must be valid by the schema it belongs to, and hold nothing that would be pruned.
fn check_defaults(schema: &Schema, at: &str, errors: &mut FieldErrors) {
    if let Some(given) = &schema.default {
        let at = format!("{at}.default");
        let mut value = given.clone();
        let mut unknown = Vec::new();
        prune::prune_value(&mut value, schema, &mut unknown);
        if unknown.is_empty() {
            default::default_value(&mut value, schema);
            let failures = validate::validate_value(&value, None, schema, &Path::Root);
            validate::to_errors(failures, Some(&at), errors);
        } else {
            errors.push(FieldError::invalid(at, given.clone(), "must not have unknown fields"));
        }
        return;
    }
    for (name, property) in &schema.properties {
        check_defaults(property, &format!("{at}.properties[{name}]"), errors);
    }
    if let Some(additional) = schema.additional_schema() {
        check_defaults(additional, &format!("{at}.additionalProperties"), errors);
    }
    if let Some(items) = schema.items.as_deref() {
        check_defaults(items, &format!("{at}.items"), errors);
    }
}
