//! Custom resources: what a definition says, applied to objects.
//!
//! A [`CrdVersion`] is made once per served version and answers everything the server asks about an object of it, without I/O.
//! Discovery, storage, conversion between versions and admission belong to the server.

mod cel;
mod columns;
mod default;
mod definition;
mod embedded;
mod format;
pub(crate) mod golang;
mod hoist;
mod lists;
pub(crate) mod path;
mod prune;
mod rules;
mod scale;
pub(crate) mod schema;
mod structural;
mod validate;

pub(crate) use cel::{Condition, Variables};
pub use definition::{accept_names, check_definition, check_definition_update};

use crate::builtin::metadata;
use crate::error::{Cause, FieldError, FieldErrors};
use path::Path;
use scale::Scale;
use schema::Schema;
use serde_json::Value;
use std::sync::Arc;

/// The compiled schema of one version of a definition; cloning shares it.
#[derive(Clone, Debug)]
pub struct CrdVersion(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    group: String,
    version: String,
    kind: String,
    namespaced: bool,
    schema: Schema,
    scale: Option<Scale>,
}

impl CrdVersion {
    /// Compiles the schema of `version`.
    ///
    /// # Assumptions
    ///
    /// The definition passed its own check; an error here names what slipped through it.
    pub fn compile(crd: &Value, version: &str) -> Result<Self, FieldErrors> {
        let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
        let Some((index, found)) = versions
            .into_iter()
            .flatten()
            .enumerate()
            .find(|(_, candidate)| candidate.get("name").and_then(Value::as_str) == Some(version))
        else {
            let error = FieldError::new(Cause::NotFound, "spec.versions", Some(version.into()), "");
            return Err(FieldErrors(vec![error]));
        };
        let at = format!("spec.versions[{index}].schema.openAPIV3Schema");
        let source = found.pointer("/schema/openAPIV3Schema").unwrap_or(&Value::Null);
        let schema = Schema::parse(source, &at).map_err(|bad| {
            let detail = format!("must be a valid regular expression, but isn't: {}", bad.message);
            FieldErrors(vec![FieldError::invalid(bad.path, bad.pattern, detail)])
        })?;
        Ok(Self(Arc::new(Compiled {
            group: text("/spec/group"),
            version: version.to_owned(),
            kind: text("/spec/names/kind"),
            namespaced: text("/spec/scope") == "Namespaced",
            schema,
            scale: Scale::parse(found),
        })))
    }

    /// Removes every field that the schema does not name. The paths of what went are added to `unknown`, sorted.
    pub fn prune(&self, object: &mut Value, unknown: &mut Vec<String>) {
        prune::prune_object(object, &self.0.schema, unknown);
    }

    /// Fills in the defaults of the schema; a null where the schema allows none is replaced by the default or removed.
    pub fn default(&self, object: &mut Value) {
        default::default_value(object, &self.0.schema);
    }

    /// Everything that is wrong with `new`: type, metadata, schema, embedded objects, unique lists.
    /// With `old` (an update), what did not change is not held against it.
    pub fn validate(&self, old: Option<&Value>, new: &Value) -> FieldErrors {
        let compiled = &*self.0;
        let mut errors = compiled.check_type(new);
        if !errors.is_empty() {
            return errors;
        }
        match old {
            None => metadata::validate(new, compiled.namespaced, metadata::NameRule::Subdomain, &mut errors),
            Some(old) => {
                metadata::validate_common_update(old, new, compiled.namespaced, &mut errors);
                metadata::validate_update(old, new, &mut errors);
            }
        }
        let failures = validate::validate_value(new, old, &compiled.schema, &Path::Root);
        validate::to_errors(failures, None, &mut errors);
        if let Some(scale) = &compiled.scale {
            scale.check_spec(new, &mut errors);
            scale.check_status(new, &mut errors);
        }
        compiled.check_structure(old, new, &mut errors);
        compiled.check_rules(old, new, &mut errors);
        errors
    }

    /// As [`Self::validate`], for a write to the status subresource: only the status is held against the schema.
    pub fn validate_status(&self, old: &Value, new: &Value) -> FieldErrors {
        let compiled = &*self.0;
        let mut errors = compiled.check_type(new);
        if !errors.is_empty() {
            return errors;
        }
        metadata::validate_common_update(old, new, compiled.namespaced, &mut errors);
        metadata::validate_update(old, new, &mut errors);
        if let (Some(schema), Some(status)) = (compiled.schema.properties.get("status"), new.get("status")) {
            let failures = validate::validate_value(status, old.get("status"), schema, &Path::Root);
            validate::to_errors(failures, Some("status"), &mut errors);
        }
        if let Some(scale) = &compiled.scale {
            scale.check_status(new, &mut errors);
        }
        compiled.check_structure(Some(old), new, &mut errors);
        compiled.check_rules(Some(old), new, &mut errors);
        errors
    }
}

impl Compiled {
    fn check_type(&self, object: &Value) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("kind") != self.kind {
            let detail = format!("must be {}", self.kind);
            errors.push(FieldError::invalid("kind", text("kind"), detail));
        }
        let expected = format!("{}/{}", self.group, self.version);
        if text("apiVersion") != expected {
            let detail = format!("must be {expected}");
            errors.push(FieldError::invalid("apiVersion", text("apiVersion"), detail));
        }
        errors
    }

    /// The rules, unless errors stand in their way.
    fn check_rules(&self, old: Option<&Value>, new: &Value, errors: &mut FieldErrors) {
        let blocked = |cause: Cause| {
            matches!(
                cause,
                Cause::NotSupported | Cause::Required | Cause::TooLong | Cause::TooMany | Cause::TypeInvalid
            )
        };
        if !self.schema.below.rules {
            return;
        }
        if errors.0.iter().any(|error| blocked(error.cause)) {
            let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to complete \
                          validation";
            errors.push(FieldError::invalid("<nil>", Value::Null, detail));
            return;
        }
        cel::check_rules(new, old, &self.schema, &Path::Root, true, errors);
    }

    /// The checks that follow the schema's.
    fn check_structure(&self, old: Option<&Value>, new: &Value, errors: &mut FieldErrors) {
        embedded::check_embedded(new, &self.schema, &Path::Root, errors);
        let mut repeated = FieldErrors::new();
        lists::check_lists(new, &self.schema, &Path::Root, &mut repeated);
        if repeated.is_empty() {
            return;
        }
        // An object that had repetitions before may keep them, and even get new ones.
        let mut before = FieldErrors::new();
        if let Some(old) = old {
            lists::check_lists(old, &self.schema, &Path::Root, &mut before);
        }
        if before.is_empty() {
            errors.extend(repeated);
        }
    }
}

#[cfg(test)]
mod tests;
