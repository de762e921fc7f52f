//! Checks of the rules in a definition: their texts, types and costs.

use super::cel::{self, CelType, cost};
use super::golang;
use super::schema::Schema;
use crate::error::{Cause, FieldError, FieldErrors};
use serde_json::Value;

/// The reasons a rule may give, as the server lists them.
const REASONS: [&str; 4] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// How many of the most expensive rules are named when all together cost too much.
const NAMED: usize = 4;

/// Checks all rules of a schema that messages call `at`.
pub(super) fn check_rules(source: &Value, schema: &Schema, at: &str, errors: &mut FieldErrors) -> Total {
    let mut total = Total::default();
    let place = Place { cardinality: 1, uncorrelated: None, resource: true };
    walk(source, schema, at, &place, &mut total, errors);
    total
}

/// What all rules of a schema may cost together.
#[derive(Debug, Default)]
pub(super) struct Total {
    cost: u64,
    expensive: Vec<(u64, String)>,
}

impl Total {
    fn add(&mut self, cost: u64, at: &str) {
        self.cost = self.cost.saturating_add(cost);
        if cost >= cost::SCHEMA_LIMIT {
            self.expensive.push((cost, at.to_owned()));
            self.expensive.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
            self.expensive.truncate(NAMED);
        }
    }

    /// Complains when the rules of the schema cost too much together.
    pub(super) fn check(&self, at: &str, errors: &mut FieldErrors) {
        if self.cost <= cost::SCHEMA_LIMIT {
            return;
        }
        for (_, rule) in &self.expensive {
            let detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            errors.push(FieldError::forbidden(rule.as_str(), detail));
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        errors.push(FieldError::forbidden(at, cost::excess(what, self.cost, cost::SCHEMA_LIMIT)));
    }
}

/// What a schema's place means for its rules.
#[derive(Clone)]
struct Place {
    /// How many values of the schema one object may have.
    cardinality: u64,
    /// The list above whose items have no counterpart in the old object.
    uncorrelated: Option<String>,
    resource: bool,
}

fn walk(source: &Value, schema: &Schema, at: &str, place: &Place, total: &mut Total, errors: &mut FieldErrors) {
    let inside = |many: bool| Place {
        cardinality: if many { place.cardinality.saturating_mul(cel::most_items(schema)) } else { place.cardinality },
        uncorrelated: place.uncorrelated.clone(),
        resource: false,
    };
    for (name, property) in &schema.properties {
        let nested = source.get("properties").and_then(|properties| properties.get(name));
        let at = format!("{at}.properties[{name}]");
        walk(nested.unwrap_or(&Value::Null), property, &at, &inside(false), total, errors);
    }
    if let Some(values) = schema.additional_schema() {
        let nested = source.get("additionalProperties").unwrap_or(&Value::Null);
        walk(nested, values, &format!("{at}.additionalProperties"), &inside(true), total, errors);
    }
    if let Some(items) = schema.items.as_deref() {
        let nested = source.get("items").unwrap_or(&Value::Null);
        let mut inside = inside(true);
        if !matches!(schema.list_type, Some(super::schema::ListType::Map(_))) && inside.uncorrelated.is_none() {
            inside.uncorrelated = Some(at.to_owned());
        }
        walk(nested, items, &format!("{at}.items"), &inside, total, errors);
    }
    let rules = source.get("x-kubernetes-validations").and_then(Value::as_array);
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        let at = format!("{at}.x-kubernetes-validations[{index}]");
        if check_texts(rule, schema, &at, errors) {
            check_expressions(rule, schema, &at, place, total, errors);
        }
    }
}

fn text<'a>(rule: &'a Value, name: &str) -> &'a str {
    rule.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Checks everything but the expressions; tells whether there is a rule to compile.
fn check_texts(rule: &Value, schema: &Schema, at: &str, errors: &mut FieldErrors) -> bool {
    let source = text(rule, "rule").trim();
    let message = text(rule, "message");
    if source.is_empty() {
        errors.push(FieldError::required(format!("{at}.rule"), "rule is not specified"));
    }
    let at_message = format!("{at}.message");
    if !message.is_empty() && message.trim().is_empty() {
        errors.push(FieldError::invalid(at_message, message, "message must be non-empty if specified"));
    } else if message.trim().contains('\n') {
        errors.push(FieldError::invalid(at_message, message, "must not contain line breaks"));
    } else if source.contains('\n') && message.trim().is_empty() {
        let detail = "message must be specified if rule contains line breaks";
        errors.push(FieldError::required(at_message, detail));
    }
    let reason = text(rule, "reason");
    if !reason.is_empty() && !REASONS.contains(&reason) {
        errors.push(FieldError::not_supported(format!("{at}.reason"), reason, &REASONS));
    }
    let field_path = text(rule, "fieldPath");
    if !field_path.is_empty() && !leads_somewhere(field_path, schema) {
        errors.push(FieldError::invalid(format!("{at}.fieldPath"), field_path, "must be a valid path"));
    }
    !source.is_empty()
}

/// Whether a path such as `.a.b` or `['a-b'].c` names a field of the schema.
fn leads_somewhere(path: &str, schema: &Schema) -> bool {
    let mut rest = path;
    let mut schema = schema;
    while !rest.is_empty() {
        let name;
        if let Some(after) = rest.strip_prefix("['") {
            let Some((quoted, after)) = after.split_once("']") else { return false };
            (name, rest) = (quoted, after);
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            (name, rest) = after.split_at(end);
        } else {
            return false;
        }
        match schema.field(name) {
            Some(field) => schema = field,
            None => return false,
        }
    }
    true
}

fn check_expressions(
    rule: &Value,
    schema: &Schema,
    at: &str,
    place: &Place,
    total: &mut Total,
    errors: &mut FieldErrors,
) {
    let Some(own) = cel::declare(schema, place.resource) else { return };
    let optional = rule.get("optionalOldSelf").and_then(Value::as_bool).unwrap_or(false);
    let old = if optional { CelType::Optional(Box::new(own.clone())) } else { own.clone() };
    let variables = [("self", own), ("oldSelf", old)];
    let refused = |name: &str, detail: &str| {
        FieldError::new(Cause::Invalid, format!("{at}.{name}"), None, format!("{}: {detail}", shown(rule)))
    };
    let mut observe = |checked: &cel::Checked, name: &str, what: &str, errors: &mut FieldErrors| {
        let cost = cost::estimate(checked).saturating_mul(place.cardinality);
        let at = format!("{at}.{name}");
        if cost > cost::RULE_LIMIT {
            errors.push(FieldError::forbidden(at.as_str(), cost::excess(what, cost, cost::RULE_LIMIT)));
        }
        total.add(cost, &at);
    };
    let mut uses_old = optional;
    match cel::check(text(rule, "rule"), &variables) {
        Err(complaint) => errors.push(refused("rule", &format!("compilation failed: {complaint}"))),
        Ok(checked) if !checked.answer.is_bool() => {
            errors.push(refused("rule", "cel expression must evaluate to a bool"));
        }
        Ok(checked) => {
            uses_old |= checked.program.references().has_variable("oldSelf");
            observe(&checked, "rule", "estimated rule cost", errors);
        }
    }
    let expression = text(rule, "messageExpression");
    if !expression.is_empty() {
        match cel::check(expression, &variables) {
            Err(complaint) => {
                let detail = format!("messageExpression compilation failed: {complaint}");
                errors.push(refused("messageExpression", &detail));
            }
            Ok(checked) if !checked.answer.is_text() => {
                errors.push(refused("messageExpression", "messageExpression must evaluate to a string"));
            }
            Ok(checked) => observe(&checked, "messageExpression", "estimated messageExpression cost", errors),
        }
    }
    if let (true, Some(list)) = (uses_old, &place.uncorrelated) {
        let detail = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {list}");
        errors.push(FieldError::invalid(format!("{at}.rule"), text(rule, "rule"), detail));
    }
}

/// A rule as messages show it: with the names of the server's own structure, in its order.
fn shown(rule: &Value) -> String {
    let json = |name: &str| {
        let mut out = String::new();
        golang::json_string(text(rule, name), &mut out);
        out
    };
    let given = |name: &str| rule.get(name).filter(|value| !value.is_null());
    let reason = given("reason").map_or_else(|| "null".to_owned(), |_| json("reason"));
    let optional = given("optionalOldSelf").map_or_else(|| "null".to_owned(), ToString::to_string);
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{reason},\"FieldPath\":{},\"OptionalOldSelf\":{optional}}}",
        json("rule"),
        json("message"),
        json("messageExpression"),
        json("fieldPath")
    )
}
