//! Validation of values against a schema, in the words and the order of Kubernetes.
//!
//! No validation crate is used here: each message, the path it names, the value it shows, which checks follow a failed one, and
//! the choice of the "best" failure among `anyOf` alternatives belong to the compatibility this server is for, and on update a
//! failure counts only where the value changed (ratcheting), which needs the old object at every step of the walk.

use super::path::Path;
use super::schema::{Bound, ListType, Schema, Type};
use super::{golang, lists};
use crate::error::{FieldError, FieldErrors};
use serde_json::Value;

/// Checks `value` against `schema`. `path` is how messages name the value; with `old`, unchanged values are let pass.
pub(super) fn validate_value(value: &Value, old: Option<&Value>, schema: &Schema, path: &Path<'_>) -> Vec<Failure> {
    let mut fast = Outcome::default();
    check(value, None, schema, path, &mut fast);
    if fast.failures.is_empty() || old.is_none() {
        return fast.failures;
    }
    // Only a refused object is walked a second time, together with the old one.
    let mut ratcheted = Outcome::default();
    check(value, old, schema, path, &mut ratcheted);
    ratcheted.failures
}

/// A refusal before it is known below which path the value sits.
#[derive(Debug)]
pub(super) enum Failure {
    /// Of one field.
    Field(FieldError),
    /// Of a combination of schemas; Kubernetes names no field for it.
    Combination(String),
}

/// Turns failures into field errors below `parent` (the field of a part that was validated by itself).
pub(super) fn to_errors(failures: Vec<Failure>, parent: Option<&str>, errors: &mut FieldErrors) {
    for failure in failures {
        match failure {
            Failure::Field(mut error) => {
                error.field = match (parent, error.field.is_empty()) {
                    (None, false) => error.field,
                    (None, true) => "<nil>".to_owned(),
                    (Some(parent), true) => parent.to_owned(),
                    (Some(parent), false) => format!("{parent}.{}", error.field),
                };
                errors.push(error);
            }
            Failure::Combination(message) => {
                errors.push(FieldError::invalid(parent.unwrap_or("<nil>"), "", message));
            }
        }
    }
}

#[derive(Default)]
struct Outcome {
    failures: Vec<Failure>,
    /// How many checks were made: of several failed alternatives Kubernetes reports the one that came furthest.
    checks: usize,
}

impl Outcome {
    fn fail(&mut self, error: FieldError) {
        self.failures.push(Failure::Field(error));
    }

    fn merge(&mut self, other: Outcome) {
        self.failures.extend(other.failures);
        self.checks += other.checks;
    }
}

/// The JSON type of a value, in the words of messages.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check(value: &Value, old: Option<&Value>, schema: &Schema, path: &Path<'_>, out: &mut Outcome) {
    let first = out.failures.len();
    check_type(value, schema, path, out);
    if !value.is_null() {
        check_combinations(value, schema, path, out);
        match value {
            Value::String(text) => check_string(text, schema, path, out),
            Value::Number(number) => check_number(number.as_f64().unwrap_or_default(), value, schema, path, out),
            Value::Array(items) => check_array(items, old, schema, path, out),
            _ => {}
        }
    }
    check_enum(value, schema, path, out);
    if let Value::Object(map) = value {
        check_object(map, old, schema, path, out);
    }
    out.checks += 1;
    if out.failures.len() > first && old == Some(value) {
        out.failures.truncate(first);
    }
}

fn check_type(value: &Value, schema: &Schema, path: &Path<'_>, out: &mut Outcome) {
    out.checks += 1;
    let expected: &[Type] = match (&schema.r#type, schema.int_or_string) {
        (_, true) => &[Type::Integer, Type::String],
        (Some(expected), false) => std::slice::from_ref(expected),
        (None, false) => return,
    };
    let fits = match value {
        Value::Null => schema.nullable,
        Value::String(_) => {
            // A schema with a string format leaves texts to the check of the format.
            expected.contains(&Type::String)
                || (schema.format.is_some() && !expected.iter().any(|t| matches!(t, Type::Number | Type::Integer)))
        }
        Value::Number(number) => {
            let whole = number.is_i64() || number.as_f64().is_some_and(|float| float.fract() == 0.0);
            expected.contains(&Type::Number) || (whole && expected.contains(&Type::Integer))
        }
        Value::Bool(_) => expected.contains(&Type::Boolean),
        Value::Array(_) => expected.contains(&Type::Array),
        Value::Object(_) => expected.contains(&Type::Object),
    };
    if !fits {
        let names: Vec<&str> = expected.iter().map(|t| t.name()).collect();
        let found = type_name(value);
        let detail = format!("{path} in body must be of type {}: {found:?}", names.join(","));
        out.fail(FieldError::type_invalid(path.to_string(), found, detail));
    }
}

fn check_combinations(value: &Value, schema: &Schema, path: &Path<'_>, out: &mut Outcome) {
    if schema.any_of.is_empty() && schema.one_of.is_empty() && schema.all_of.is_empty() && schema.not.is_none() {
        return;
    }
    let try_all = |alternatives: &[Schema]| -> Vec<Outcome> {
        let tried = alternatives.iter().map(|alternative| {
            let mut outcome = Outcome::default();
            check(value, None, alternative, path, &mut outcome);
            outcome
        });
        tried.collect()
    };
    // The first of those that came furthest.
    let best = |outcomes: Vec<Outcome>| {
        outcomes.into_iter().reduce(|best, next| if next.checks > best.checks { next } else { best })
    };
    let name = path.to_string();
    if !schema.any_of.is_empty() {
        let outcomes = try_all(&schema.any_of);
        if !outcomes.iter().any(|outcome| outcome.failures.is_empty()) {
            let message = format!("{name:?} must validate at least one schema (anyOf)");
            out.failures.push(Failure::Combination(message));
            if let Some(best) = best(outcomes) {
                out.merge(best);
            }
        }
    }
    if !schema.one_of.is_empty() {
        let outcomes = try_all(&schema.one_of);
        let valid = outcomes.iter().filter(|outcome| outcome.failures.is_empty()).count();
        if valid != 1 {
            let found = match valid {
                0 => "Found none valid".to_owned(),
                more => format!("Found {more} valid alternatives"),
            };
            let message = format!("{name:?} must validate one and only one schema (oneOf). {found}");
            out.failures.push(Failure::Combination(message));
            if valid == 0
                && let Some(best) = best(outcomes)
            {
                out.merge(best);
            }
        }
    }
    if !schema.all_of.is_empty() {
        let outcomes = try_all(&schema.all_of);
        let valid = outcomes.iter().filter(|outcome| outcome.failures.is_empty()).count();
        let all = outcomes.len();
        for outcome in outcomes {
            out.merge(outcome);
        }
        if valid < all {
            let none = if valid == 0 { ". None validated" } else { "" };
            let message = format!("{name:?} must validate all the schemas (allOf){none}");
            out.failures.push(Failure::Combination(message));
        }
    }
    if let Some(not) = &schema.not {
        let mut outcome = Outcome::default();
        check(value, None, not, path, &mut outcome);
        if outcome.failures.is_empty() {
            let message = format!("{name:?} must not validate the schema (not)");
            out.failures.push(Failure::Combination(message));
        }
    }
}

fn check_string(text: &str, schema: &Schema, path: &Path<'_>, out: &mut Outcome) {
    out.checks += 1;
    if let Some(message) = string_failure(text, schema, path) {
        out.fail(message);
    }
    if let Some(format) = &schema.format
        && !format.accepts(text)
    {
        let detail = format!("{path} in body must be of type {}: {text:?}", format.name);
        out.fail(FieldError::type_invalid(path.to_string(), text, detail));
    }
}

/// The first of the checks on a text that fails.
fn string_failure(text: &str, schema: &Schema, path: &Path<'_>) -> Option<FieldError> {
    let length =
        if schema.max_length.is_some() || schema.min_length.is_some() { text.chars().count() as u64 } else { 0 };
    if let Some(max) = schema.max_length.filter(|max| length > *max) {
        return Some(FieldError::too_long(path.to_string(), usize::try_from(max).unwrap_or(usize::MAX)));
    }
    let detail = if let Some(min) = schema.min_length.filter(|min| length < *min) {
        format!("{path} in body should be at least {min} chars long")
    } else if let Some(pattern) = schema.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
        format!("{path} in body should match '{}'", pattern.as_str())
    } else {
        return None;
    };
    Some(FieldError::invalid(path.to_string(), text, detail))
}

fn check_number(number: f64, value: &Value, schema: &Schema, path: &Path<'_>, out: &mut Outcome) {
    out.checks += 1;
    let mut fail = |words: &str, bound: f64| {
        let detail = format!("{path} in body should be {words} {}", golang::plain_float(bound));
        out.fail(FieldError::invalid(path.to_string(), value.clone(), detail));
    };
    if let Some(factor) = schema.multiple_of.filter(|factor| (number / factor).fract() != 0.0) {
        fail("a multiple of", factor);
    }
    match schema.maximum {
        Some(Bound { value: most, exclusive: true }) if number >= most => fail("less than", most),
        Some(Bound { value: most, exclusive: false }) if number > most => fail("less than or equal to", most),
        _ => {}
    }
    match schema.minimum {
        Some(Bound { value: least, exclusive: true }) if number <= least => fail("greater than", least),
        Some(Bound { value: least, exclusive: false }) if number < least => fail("greater than or equal to", least),
        _ => {}
    }
}

fn check_array(items: &[Value], old: Option<&Value>, schema: &Schema, path: &Path<'_>, out: &mut Outcome) {
    out.checks += 1;
    if let Some(nested) = schema.items.as_deref() {
        for (index, item) in items.iter().enumerate() {
            // Items of other lists have no counterpart in the old object.
            let old_item = match (&schema.list_type, old) {
                (Some(ListType::Map(keys)), Some(Value::Array(old))) => {
                    let wanted = lists::keys_of(item, keys);
                    old.iter().find(|candidate| lists::keys_of(candidate, keys) == wanted)
                }
                _ => None,
            };
            check(item, old_item, nested, &path.index(index), out);
        }
    }
    let count = items.len() as u64;
    if let Some(min) = schema.min_items.filter(|min| count < *min) {
        let detail = format!("{path} in body should have at least {min} items");
        out.fail(FieldError::invalid(path.to_string(), count, detail));
    }
    if let Some(max) = schema.max_items.filter(|max| count > *max) {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        out.fail(FieldError::too_many(path.to_string(), items.len(), max));
    }
    if schema.unique_items
        && items.iter().enumerate().any(|(at, item)| items.iter().take(at).any(|other| other == item))
    {
        let detail = format!("{path} in body shouldn't contain duplicates");
        out.fail(FieldError::invalid(path.to_string(), "", detail));
    }
}

fn check_enum(value: &Value, schema: &Schema, path: &Path<'_>, out: &mut Outcome) {
    out.checks += 1;
    let Some(allowed) = &schema.r#enum else { return };
    if allowed.iter().any(|allowed| same(allowed, value)) {
        return;
    }
    let words: Vec<String> = allowed
        .iter()
        .map(|allowed| match allowed {
            Value::String(text) => text.clone(),
            other => golang::json(other),
        })
        .collect();
    out.fail(FieldError::not_supported(path.to_string(), value.clone(), &words));
}

/// Equality of JSON values, where `1` and `1.0` are the same number.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

fn check_object(
    map: &serde_json::Map<String, Value>,
    old: Option<&Value>,
    schema: &Schema,
    path: &Path<'_>,
    out: &mut Outcome,
) {
    out.checks += 1;
    let count = map.len() as u64;
    if let Some(min) = schema.min_properties.filter(|min| count < *min) {
        let detail = format!("{path} in body should have at least {min} properties");
        return out.fail(FieldError::invalid(path.to_string(), count, detail));
    }
    if let Some(max) = schema.max_properties.filter(|max| count > *max) {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        return out.fail(FieldError::too_many(path.to_string(), map.len(), max));
    }
    let old = old.filter(|_| !schema.atomic_map);
    for (name, value) in map {
        if let Some(field) = schema.field(name) {
            check(value, old.and_then(|old| old.get(name)), field, &path.field(name), out);
        }
    }
    for name in &schema.required {
        if !map.contains_key(name) {
            out.fail(FieldError::required(path.field(name).to_string(), ""));
        }
    }
}
