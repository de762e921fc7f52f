//! Validation tables: what single fields must be like.

use super::names;
use crate::error::{FieldError, FieldErrors};
use serde_json::Value;

/// What a field must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// There, and not empty. The text is the detail of the message.
    Required(&'static str),
    /// A DNS label, and there.
    Label,
    /// A DNS label where it is given.
    OptionalLabel,
    /// Not below zero.
    NonNegative,
    /// A port number; zero counts as one out of range.
    Port,
    /// A port number; zero counts as missing.
    RequiredPort,
    /// A port number, or the name of one.
    PortOrName,
    /// One of these words, where it is given.
    OneOf(&'static [&'static str]),
    /// One of these words, and given.
    RequiredOneOf(&'static [&'static str], &'static str),
    /// A DNS subdomain where it is given.
    Subdomain,
}

/// A path (as in the default tables, without `!`) and what its leaf must be.
pub(super) type Rule = (&'static str, Check);

/// Runs a table over a part of an object that messages call `at`.
pub(super) fn run(rules: &[Rule], value: &Value, at: &str, errors: &mut FieldErrors) {
    for (path, check) in rules {
        each(value, path, at, &mut |leaf, at| apply(*check, leaf, at, errors));
    }
}

/// Calls `act` with each value a path leads to, and its full path. A missing leaf counts when its parent is there.
pub(super) fn each(value: &Value, path: &str, at: &str, act: &mut dyn FnMut(Option<&Value>, &str)) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
    let here = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    let found = value.get(name).filter(|value| !value.is_null());
    if is_list {
        for (index, item) in found.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let here = format!("{here}[{index}]");
            if rest.is_empty() {
                act(Some(item), &here);
            } else {
                each(item, rest, &here, act);
            }
        }
    } else if rest.is_empty() {
        act(found, &here);
    } else if let Some(found) = found {
        each(found, rest, &here, act);
    }
}

const PORT_RANGE: &str = "must be between 1 and 65535, inclusive";

fn apply(check: Check, leaf: Option<&Value>, at: &str, errors: &mut FieldErrors) {
    let text = leaf.and_then(Value::as_str).unwrap_or_default();
    let number = leaf.and_then(Value::as_i64);
    let is_port = |number: i64| (1..=65_535).contains(&number);
    let mut complain = |complaints: Vec<String>| {
        for complaint in complaints {
            errors.push(FieldError::invalid(at, text, complaint));
        }
    };
    match check {
        Check::Required(detail) => {
            let empty = match leaf {
                None => true,
                Some(Value::String(text)) => text.is_empty(),
                Some(Value::Array(items)) => items.is_empty(),
                Some(_) => false,
            };
            if empty {
                errors.push(FieldError::required(at, detail));
            }
        }
        Check::Label if text.is_empty() => errors.push(FieldError::required(at, "")),
        Check::OptionalLabel | Check::Subdomain | Check::OneOf(_) if text.is_empty() => {}
        Check::Label | Check::OptionalLabel => complain(names::dns_label(text)),
        Check::Subdomain => complain(names::dns_subdomain(text)),
        Check::NonNegative => {
            if let Some(number) = number.filter(|number| *number < 0) {
                errors.push(FieldError::invalid(at, number, "must be greater than or equal to 0"));
            }
        }
        Check::RequiredPort if number.unwrap_or(0) == 0 => errors.push(FieldError::required(at, "")),
        Check::PortOrName if leaf.is_some_and(Value::is_string) => {}
        Check::Port | Check::RequiredPort | Check::PortOrName => {
            let number = number.unwrap_or(0);
            if !is_port(number) {
                errors.push(FieldError::invalid(at, number, PORT_RANGE));
            }
        }
        Check::RequiredOneOf(_, detail) if text.is_empty() => errors.push(FieldError::required(at, detail)),
        Check::OneOf(words) | Check::RequiredOneOf(words, _) => {
            if !words.contains(&text) {
                errors.push(FieldError::not_supported(at, text, words));
            }
        }
    }
}
