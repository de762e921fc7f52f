//! `x-kubernetes-validations`: rules in the Common Expression Language.
//!
//! Parsing and evaluation are the `cel` crate's. Added here: Kubernetes' functions, values typed by the schema, and, when a
//! definition is checked, types ([`check`]) and estimated costs ([`cost`]).
//!
//! # Caveats
//!
//! Types are checked for fields, operators and macros; a call of a function is only checked when it runs. Costs follow the
//! server's model with coarser sizes, so a rule near the limit may be judged differently, and nothing is counted while rules
//! run. Lists of type `set` or `map` compare in order.

mod check;
mod condition;
pub(super) mod cost;
mod extra;
mod library;
mod text;
mod types;
mod value;

pub(super) use check::{Checked, check};
pub(crate) use condition::{Condition, Variables};
use library::environment;
pub(super) use types::{CelType, declare, most_items};

use super::path::Path;
use super::schema::{ListType, Schema};
use super::{golang, lists};
use crate::error::{Cause, FieldError, FieldErrors};
use cel::common::types::{CelBool, CelOptional, CelString};
use cel::common::value::Val;
use cel::{Context, ExecutionError, Program, Value as CelValue};
use serde_json::Value;
use std::sync::Arc;

/// The longest text a message expression may answer with.
const LONGEST_MESSAGE: usize = 5 * 1024;

/// One rule, compiled.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(super) source: String,
    program: Program,
    uses_old: bool,
    old_is_optional: bool,
    message: String,
    message_program: Option<Program>,
    reason: String,
    field_path: String,
}

impl Rule {
    /// Compiles the rules of a schema. Those that do not compile are left out: the check of the definition names them.
    pub(super) fn compile_all(schema: &Value) -> Vec<Rule> {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
        rules.into_iter().flatten().filter_map(Rule::compile).collect()
    }

    fn compile(rule: &Value) -> Option<Rule> {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
        let program = environment().compile(text("rule")).ok()?;
        let uses_old = program.references().has_variable("oldSelf");
        Some(Rule {
            source: text("rule").trim().to_owned(),
            program,
            uses_old,
            old_is_optional: rule.get("optionalOldSelf").and_then(Value::as_bool).unwrap_or(false),
            message: text("message").trim().to_owned(),
            message_program: match text("messageExpression") {
                "" => None,
                expression => environment().compile(expression).ok(),
            },
            reason: text("reason").to_owned(),
            field_path: text("fieldPath").to_owned(),
        })
    }
}

/// Runs all rules of a schema and what is below it.
///
/// `old` is the value before an update where one corresponds to `value`; `resource` says that the value is a whole object.
pub(super) fn check_rules(
    value: &Value,
    old: Option<&Value>,
    schema: &Schema,
    path: &Path<'_>,
    resource: bool,
    errors: &mut FieldErrors,
) {
    if !schema.below.rules || value.is_null() {
        return;
    }
    if !schema.rules.is_empty() {
        run_rules(value, old, schema, path, resource, errors);
    }
    match value {
        Value::Object(map) => {
            let old = old.filter(|_| !schema.atomic_map);
            for (name, value) in map {
                if let Some(field) = schema.field(name) {
                    check_rules(value, old.and_then(|old| old.get(name)), field, &path.field(name), false, errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(nested) = schema.items.as_deref() else { return };
            for (index, item) in items.iter().enumerate() {
                let old_item = match (&schema.list_type, old) {
                    (Some(ListType::Map(keys)), Some(Value::Array(old))) => {
                        let wanted = lists::keys_of(item, keys);
                        old.iter().find(|candidate| lists::keys_of(candidate, keys) == wanted)
                    }
                    _ => None,
                };
                check_rules(item, old_item, nested, &path.index(index), false, errors);
            }
        }
        _ => {}
    }
}

fn run_rules(
    value: &Value,
    old: Option<&Value>,
    schema: &Schema,
    path: &Path<'_>,
    resource: bool,
    errors: &mut FieldErrors,
) {
    let resource = resource || schema.embedded;
    let unchanged = old == Some(value);
    let mut context = Context::with_env(Arc::clone(environment()));
    context.add_variable_as_val("self", value::convert(value, Some(schema), resource));
    for rule in schema.rules.iter() {
        if rule.uses_old || rule.old_is_optional {
            let Some(old) = old_variable(rule, old, schema, resource) else {
                continue;
            };
            let mut context = context.new_inner_scope();
            context.add_variable_as_val("oldSelf", old);
            run_rule(rule, &context, value, schema, path, errors);
        } else if !unchanged {
            // What was refused before and did not change is let pass.
            run_rule(rule, &context, value, schema, path, errors);
        }
    }
}

/// `oldSelf` for a rule; none when the rule does not apply without an old value.
fn old_variable<'v>(rule: &Rule, old: Option<&'v Value>, schema: &Schema, resource: bool) -> Option<Box<dyn Val + 'v>> {
    let old = old.map(|old| value::convert(old, Some(schema), resource));
    if rule.old_is_optional {
        return Some(Box::new(CelOptional::from(old)));
    }
    old
}

fn run_rule(
    rule: &Rule,
    context: &Context<'_, '_>,
    value: &Value,
    schema: &Schema,
    path: &Path<'_>,
    errors: &mut FieldErrors,
) {
    let at = match path {
        Path::Root => "<nil>".to_owned(),
        path => path.to_string(),
    };
    let refused = |cause, at: String, shown, detail: String| FieldError::new(cause, at, shown, detail);
    match CelValue::resolve_val(rule.program.expression(), context) {
        Err(error) => {
            let name = if rule.message.is_empty() { &rule.source } else { &rule.message };
            let detail = format!("{} evaluating rule: {name}", text::error(&error));
            let shown = schema.r#type.map_or("", super::schema::Type::name);
            errors.push(refused(Cause::Invalid, at, Some(shown.into()), detail));
        }
        Ok(answer) if answer.downcast_ref::<CelBool>().is_some_and(|answer| *answer.inner()) => {}
        Ok(_) => {
            let detail = message(rule, context);
            let at = place(&at, path, &rule.field_path);
            let scalar = !(value.is_object() || value.is_array());
            let shown = scalar.then(|| value.clone());
            errors.push(match rule.reason.as_str() {
                "FieldValueForbidden" => FieldError::forbidden(at, detail),
                "FieldValueRequired" => FieldError::required(at, detail),
                "FieldValueDuplicate" => match shown {
                    Some(value) => FieldError::duplicate(at, value),
                    None => FieldError::new(Cause::Duplicate, at, None, golang::json(value)),
                },
                _ => refused(Cause::Invalid, at, shown, detail),
            });
        }
    }
}

/// The path of a failure: the value's, or the field below it that the rule names.
fn place(at: &str, path: &Path<'_>, field_path: &str) -> String {
    match (field_path.is_empty(), path) {
        (true, _) => at.to_owned(),
        (false, Path::Root) => field_path.trim_start_matches('.').to_owned(),
        (false, _) => format!("{at}{field_path}"),
    }
}

fn message(rule: &Rule, context: &Context<'_, '_>) -> String {
    let computed = rule.message_program.as_ref().and_then(|program| {
        let answer: Result<_, ExecutionError> = CelValue::resolve_val(program.expression(), context);
        let text = answer.ok()?.downcast_ref::<CelString<'_>>()?.inner().trim().to_owned();
        let fits = !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n');
        fits.then_some(text)
    });
    match computed {
        Some(text) => text,
        None if rule.message.is_empty() => format!("failed rule: {}", rule.source),
        None => rule.message.clone(),
    }
}

#[cfg(test)]
mod tests;
