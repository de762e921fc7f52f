//! What the server asks of `merge`, `crd` and `builtin`; stands in for what is not there yet.

use crate::error::FieldErrors;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) struct MergeSchema;

impl MergeSchema {
    pub(crate) fn builtin(_group: &str, _version: &str, _kind: &str) -> Option<Self> {
        Some(Self)
    }
    pub(crate) fn from_crd_schema(_schema: &Value) -> Self {
        Self
    }
    pub(crate) fn with_kind(self, _kind: &str) -> Self {
        self
    }
    pub(crate) fn with_status_subresource(self) -> Self {
        self
    }
    pub(crate) fn with_version(self, _version: &str, _schema: Self) -> Self {
        self
    }
}

#[derive(Clone, Debug)]
pub(crate) struct CrdVersion;

impl CrdVersion {
    pub(crate) fn compile(_crd: &Value, _version: &str) -> Result<Self, FieldErrors> {
        Ok(Self)
    }
    pub(crate) fn prune(&self, _object: &mut Value, _unknown: &mut Vec<String>) {}
    pub(crate) fn default(&self, _object: &mut Value) {}
    pub(crate) fn validate(&self, _old: Option<&Value>, _new: &Value) -> FieldErrors {
        FieldErrors::new()
    }
    pub(crate) fn validate_status(&self, _old: &Value, _new: &Value) -> FieldErrors {
        FieldErrors::new()
    }
}

pub(crate) fn check_definition(crd: &Value) -> Result<Value, FieldErrors> {
    Ok(crd.clone())
}

pub(crate) fn default(_group: &str, _version: &str, _kind: &str, _object: &mut Value) {}

pub(crate) fn validate(_g: &str, _v: &str, _kind: &str, _old: Option<&Value>, _new: &Value) -> FieldErrors {
    FieldErrors::new()
}

pub(crate) fn unknown_fields(_g: &str, _v: &str, _kind: &str, _object: &Value) -> Vec<String> {
    Vec::new()
}

pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) now: &'a str,
}

pub(crate) fn track_update(_old: Option<&Value>, _new: &mut Value, _writer: &Writer<'_>, _schema: &MergeSchema) {}

pub(crate) fn strategic_merge(
    current: &Value,
    patch: &Value,
    _schema: &MergeSchema,
) -> Result<Value, crate::error::Status> {
    let mut merged = current.clone();
    json_patch::merge(&mut merged, patch);
    Ok(merged)
}

pub(crate) struct Applied {
    pub(crate) object: Value,
}

pub(crate) fn apply(
    live: Option<&Value>,
    applied: &Value,
    _writer: &Writer<'_>,
    _force: bool,
    _schema: &MergeSchema,
) -> Result<Applied, crate::error::Status> {
    let mut object = live.cloned().unwrap_or_else(|| serde_json::json!({}));
    json_patch::merge(&mut object, applied);
    Ok(Applied { object })
}

pub(crate) fn is_known_kind(_api_version: &str, _kind: &str) -> bool {
    true
}
