//! What goes wrong, in Kubernetes' words: errors of single fields, and the `Status` a client receives.
//!
//! Modules that check objects return [`FieldErrors`]; whoever knows the object's kind and name turns them into a [`Status`].

use crate::crd::golang;
use serde_json::{Map, Value, json};
use std::fmt;

/// Why a field was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A value that must be there is not.
    Required,
    /// The value is malformed or not allowed.
    Invalid,
    /// The value is none of an enumeration.
    NotSupported,
    /// The value occurs twice where it may occur once.
    Duplicate,
    /// The field may not be set, or not be changed, here.
    Forbidden,
    /// A text is too long.
    TooLong,
    /// A list or map has too many entries.
    TooMany,
    /// Something that the value refers to does not exist.
    NotFound,
    /// The value has the wrong type.
    TypeInvalid,
    /// The check itself failed.
    Internal,
}

impl Cause {
    /// The machine readable word in `details.causes[].reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Cause::Required => "FieldValueRequired",
            Cause::Invalid => "FieldValueInvalid",
            Cause::NotSupported => "FieldValueNotSupported",
            Cause::Duplicate => "FieldValueDuplicate",
            Cause::Forbidden => "FieldValueForbidden",
            Cause::TooLong => "FieldValueTooLong",
            Cause::TooMany => "FieldValueTooMany",
            Cause::NotFound => "FieldValueNotFound",
            Cause::TypeInvalid => "FieldValueTypeInvalid",
            Cause::Internal => "InternalError",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Cause::Required => "Required value",
            Cause::Invalid | Cause::TypeInvalid => "Invalid value",
            Cause::NotSupported => "Unsupported value",
            Cause::Duplicate => "Duplicate value",
            Cause::Forbidden => "Forbidden",
            Cause::TooLong => "Too long",
            Cause::TooMany => "Too many",
            Cause::NotFound => "Not found",
            Cause::Internal => "Internal error",
        }
    }

    /// Whether the refused value is part of the message.
    fn shows_value(self) -> bool {
        !matches!(self, Cause::Required | Cause::Forbidden | Cause::TooLong | Cause::Internal)
    }
}

/// One refused field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Why.
    pub cause: Cause,
    /// The path, for example `spec.containers[0].name`; `<nil>` where Kubernetes has none.
    pub field: String,
    /// The refused value; part of the message for causes that show it.
    pub value: Option<Value>,
    /// What would be right; may be empty.
    pub detail: String,
}

impl FieldError {
    /// An error of any cause.
    pub fn new(cause: Cause, field: impl Into<String>, value: Option<Value>, detail: impl Into<String>) -> Self {
        Self { cause, field: field.into(), value, detail: detail.into() }
    }

    /// `field: Required value: detail`
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Cause::Required, field, None, detail)
    }

    /// `field: Invalid value: value: detail`
    pub fn invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Cause::Invalid, field, Some(value.into()), detail)
    }

    /// `field: Invalid value: value: detail`, with the cause of a wrong type.
    pub fn type_invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Cause::TypeInvalid, field, Some(value.into()), detail)
    }

    /// `field: Unsupported value: value: supported values: "a", "b"`; `supported` is printed in the order given.
    pub fn not_supported<S: AsRef<str>>(field: impl Into<String>, value: impl Into<Value>, supported: &[S]) -> Self {
        let detail = if supported.is_empty() {
            String::new()
        } else {
            let quoted: Vec<String> = supported.iter().map(|word| format!("{:?}", word.as_ref())).collect();
            format!("supported values: {}", quoted.join(", "))
        };
        Self::new(Cause::NotSupported, field, Some(value.into()), detail)
    }

    /// `field: Duplicate value: value`
    pub fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(Cause::Duplicate, field, Some(value.into()), "")
    }

    /// `field: Forbidden: detail`
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Cause::Forbidden, field, None, detail)
    }

    /// `field: Too long: may not be more than N bytes`
    pub fn too_long(field: impl Into<String>, max_bytes: usize) -> Self {
        Self::new(Cause::TooLong, field, None, format!("may not be more than {max_bytes} bytes"))
    }

    /// `field: Too many: ACTUAL: must have at most N items`
    pub fn too_many(field: impl Into<String>, actual: usize, max: usize) -> Self {
        let items = if max == 1 { "item" } else { "items" };
        Self::new(Cause::TooMany, field, Some(actual.into()), format!("must have at most {max} {items}"))
    }

    /// `field: Not found: value`
    pub fn not_found(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(Cause::NotFound, field, Some(value.into()), "")
    }

    /// `field: Internal error: detail`
    pub fn internal(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Cause::Internal, field, None, detail)
    }

    /// The message without the path, as in `details.causes[].message`.
    pub fn body(&self) -> String {
        let mut text = self.cause.words().to_owned();
        if self.cause.shows_value()
            && let Some(value) = &self.value
        {
            text.push_str(": ");
            // Go's `%v` for scalars (texts quoted), JSON for the rest.
            text.push_str(&match value {
                Value::Number(_) => golang::plain(value),
                other => golang::json(other),
            });
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }

    /// The entry in `details.causes`.
    pub fn to_cause(&self) -> Value {
        json!({ "reason": self.cause.reason(), "message": self.body(), "field": self.field })
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.field, self.body())
    }
}

/// Refused fields in the order they were found; empty means that the object is valid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// Nothing refused so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one error.
    pub fn push(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Adds all errors of another check.
    pub fn extend(&mut self, other: FieldErrors) {
        self.0.extend(other.0);
    }

    /// `Ok` when nothing was refused.
    pub fn into_result(self) -> Result<(), FieldErrors> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The answer to a write that was refused for these fields: 422 `Invalid`.
    ///
    /// `group` is empty for the core group.
    pub fn to_status(&self, group: &str, kind: &str, name: &str) -> Status {
        Status::invalid(group, kind, name, &self.to_string(), self.0.iter().map(FieldError::to_cause).collect())
    }
}

impl FromIterator<FieldError> for FieldErrors {
    fn from_iter<I: IntoIterator<Item = FieldError>>(errors: I) -> Self {
        Self(errors.into_iter().collect())
    }
}

/// One error as it is; several, without repetitions, as `[a, b]`.
impl fmt::Display for FieldErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts: Vec<String> = Vec::new();
        for error in &self.0 {
            let text = error.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        match texts.as_slice() {
            [one] => out.write_str(one),
            several => write!(out, "[{}]", several.join(", ")),
        }
    }
}

impl std::error::Error for FieldErrors {}

/// A failure (or the outcome of a delete) as the API reports it: `kind: Status`.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The HTTP status.
    pub code: u16,
    /// The CamelCase reason; empty where Kubernetes has none.
    pub reason: String,
    /// The text for people.
    pub message: String,
    /// `name`, `group`, `kind`, `uid`, `causes`, `retryAfterSeconds`; left out when null.
    pub details: Value,
    /// Set on the 410 of a stale continue token: where to go on.
    pub continue_token: Option<String>,
}

impl Status {
    /// A failure without details.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into(), details: Value::Null, continue_token: None }
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// 400
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 422; `errors` is the text after `is invalid: `.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &str, causes: Vec<Value>) -> Self {
        let qualified = qualified(kind, group);
        let message = if errors.is_empty() {
            format!("{qualified} {name:?} is invalid")
        } else {
            format!("{qualified} {name:?} is invalid: {errors}")
        };
        let mut details = named(name, group, kind);
        if !causes.is_empty() {
            details.insert("causes".to_owned(), Value::Array(causes));
        }
        Self::new(422, "Invalid", message).with_details(Value::Object(details))
    }

    /// 404 for an object; `resource` is the plural.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", qualified(resource, group)))
            .with_details(Value::Object(named(name, group, resource)))
    }

    /// 409 on create.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} {name:?} already exists", qualified(resource, group)))
            .with_details(Value::Object(named(name, group, resource)))
    }

    /// 409 on update.
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        Self::new(
            409,
            "Conflict",
            format!("Operation cannot be fulfilled on {} {name:?}: {why}", qualified(resource, group)),
        )
        .with_details(Value::Object(named(name, group, resource)))
    }

    /// 403
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        Self::new(403, "Forbidden", format!("{} {name:?} is forbidden: {why}", qualified(resource, group)))
            .with_details(Value::Object(named(name, group, resource)))
    }

    /// 410
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 500
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
            .with_details(json!({ "causes": [{ "message": message.to_string() }] }))
    }

    /// The body that a client receives.
    pub fn to_value(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(token) = &self.continue_token {
            metadata.insert("continue".to_owned(), Value::from(token.as_str()));
        }
        let mut body = Map::new();
        body.insert("kind".to_owned(), "Status".into());
        body.insert("apiVersion".to_owned(), "v1".into());
        body.insert("metadata".to_owned(), Value::Object(metadata));
        body.insert("status".to_owned(), if self.code < 300 { "Success" } else { "Failure" }.into());
        if !self.message.is_empty() {
            body.insert("message".to_owned(), self.message.as_str().into());
        }
        if !self.reason.is_empty() {
            body.insert("reason".to_owned(), self.reason.as_str().into());
        }
        if !self.details.is_null() {
            body.insert("details".to_owned(), self.details.clone());
        }
        if self.code >= 300 {
            body.insert("code".to_owned(), self.code.into());
        }
        Value::Object(body)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Status {}

/// `kind.group`, or `kind` alone in the core group.
pub(crate) fn qualified(kind: &str, group: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}

fn named(name: &str, group: &str, kind: &str) -> Map<String, Value> {
    let mut details = Map::new();
    for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(key.to_owned(), value.into());
        }
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_refused_fields_are_listed_in_brackets() {
        let errors: FieldErrors = [
            FieldError::invalid("spec.a", "x", "must be y"),
            FieldError::required("spec.b", ""),
            FieldError::not_supported("spec.c", 3, &["a", "b"]),
        ]
        .into_iter()
        .collect();
        let status = errors.to_status("example.dev", "Widget", "w");
        assert_eq!(
            status.message,
            "Widget.example.dev \"w\" is invalid: [spec.a: Invalid value: \"x\": must be y, spec.b: Required value, spec.c: Unsupported value: 3: supported values: \"a\", \"b\"]"
        );
        assert_eq!(status.code, 422);
        assert_eq!(
            status.details["causes"][1],
            json!({ "reason": "FieldValueRequired", "message": "Required value", "field": "spec.b" })
        );
    }
}
