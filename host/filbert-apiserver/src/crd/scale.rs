//! What the scale subresource of a definition asks of an object.
//!
//! Kubernetes reads the replica counts with its own accessor, so a wrong type is reported a second time, in other words, and
//! an integer written as `2.0` is refused although the schema accepts it.

use super::golang;
use crate::error::{FieldError, FieldErrors};
use serde_json::Value;

/// The paths of `subresources.scale`.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    spec_replicas: String,
    status_replicas: String,
    label_selector: Option<String>,
}

impl Scale {
    pub(crate) fn parse(version: &Value) -> Option<Self> {
        let scale = version.pointer("/subresources/scale")?;
        let path = |name: &str| scale.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            spec_replicas: path("specReplicasPath")?,
            status_replicas: path("statusReplicasPath")?,
            label_selector: path("labelSelectorPath").filter(|path| !path.is_empty()),
        })
    }

    pub(crate) fn check_spec(&self, object: &Value, errors: &mut FieldErrors) {
        check_count(&self.spec_replicas, object, errors);
    }

    pub(crate) fn check_status(&self, object: &Value, errors: &mut FieldErrors) {
        check_count(&self.status_replicas, object, errors);
        if let Some(path) = &self.label_selector
            && let Err(message) = read(path, object, "string", Value::is_string)
        {
            errors.push(FieldError::invalid(path.as_str(), "", message));
        }
    }
}

fn check_count(path: &str, object: &Value, errors: &mut FieldErrors) {
    match read(path, object, "int64", Value::is_i64) {
        Err(message) => errors.push(FieldError::invalid(path, 0, message)),
        Ok(None) => {}
        Ok(Some(value)) => {
            let count = value.as_i64().unwrap_or_default();
            if count < 0 {
                errors.push(FieldError::invalid(path, count, "should be a non-negative integer"));
            } else if count > i64::from(i32::MAX) {
                let detail = format!("should be less than or equal to {}", i32::MAX);
                errors.push(FieldError::invalid(path, count, detail));
            }
        }
    }
}

/// Follows a path of plain field names; what is missing on the way is no error.
fn read<'a>(
    path: &str,
    object: &'a Value,
    expected: &str,
    fits: impl Fn(&Value) -> bool,
) -> Result<Option<&'a Value>, String> {
    let fields: Vec<&str> = path.trim_start_matches('.').split('.').collect();
    let mut value = object;
    for (depth, field) in fields.iter().enumerate() {
        match value {
            Value::Null => return Ok(None),
            Value::Object(map) => match map.get(*field) {
                Some(next) => value = next,
                None => return Ok(None),
            },
            other => {
                let so_far = fields.get(..=depth).unwrap_or_default().join(".");
                return Err(accessor_error(&so_far, other, "map[string]interface{}"));
            }
        }
    }
    if fits(value) { Ok(Some(value)) } else { Err(accessor_error(&fields.join("."), value, expected)) }
}

fn accessor_error(path: &str, value: &Value, expected: &str) -> String {
    format!(
        ".{path} accessor error: {} is of the type {}, expected {expected}",
        golang::plain(value),
        golang::type_of(value)
    )
}
