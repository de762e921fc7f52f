//! Parameters that writes have in common.

use crate::admission::Origin;
use crate::core::{Core, set};
use crate::error::{FieldError, FieldErrors, Status};
use crate::message::Call;
use serde_json::{Value, json};

/// What is done about fields that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// How a write is done.
#[derive(Clone, Debug)]
pub(crate) struct WriteOptions {
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
    pub(crate) validation: FieldValidation,
    pub(crate) force: bool,
    /// The time of the request, RFC 3339 in seconds.
    pub(crate) now: String,
    /// Who writes; webhooks are not asked about what the server writes by itself.
    pub(crate) origin: Option<Origin>,
    /// Members that the body has more than once.
    pub(crate) repeated: Vec<String>,
}

impl WriteOptions {
    /// For writes of the server itself, which nobody is asked about.
    pub(crate) fn of(core: &Core, manager: &str) -> Self {
        Self {
            manager: manager.to_owned(),
            dry_run: false,
            validation: FieldValidation::Ignore,
            force: false,
            now: core.options.clock.seconds(),
            origin: None,
            repeated: Vec::new(),
        }
    }

    /// For writes of a simulated controller with this service account.
    pub(crate) fn of_controller(core: &Core, manager: &str, account: &str) -> Self {
        Self { origin: Some(Origin::controller(account)), ..Self::of(core, manager) }
    }

    /// The options as reviews show them, as `CreateOptions` or `UpdateOptions`.
    pub(crate) fn shown(&self, kind: &str) -> Value {
        let mut shown = json!({ "kind": kind, "apiVersion": "meta.k8s.io/v1" });
        if self.dry_run {
            set(&mut shown, "dryRun", json!(["All"]));
        }
        let given = self
            .origin
            .as_ref()
            .map(|origin| [("fieldManager", &origin.field_manager), ("fieldValidation", &origin.field_validation)]);
        for (name, value) in given.into_iter().flatten() {
            if let Some(value) = value {
                set(&mut shown, name, value.as_str().into());
            }
        }
        shown
    }

    /// Reads the query of a write. `kind` is the name of the options in messages; `apply` makes a field manager mandatory.
    pub(crate) fn parse(core: &Core, call: &Call, kind: &str, apply: bool) -> Result<Self, Status> {
        let query = &call.query;
        let mut errors = FieldErrors::new();
        let manager = query.get("fieldManager");
        let forced = query.get("force");
        if apply && manager.is_none() {
            errors.push(FieldError::required("fieldManager", "is required for apply patch"));
        }
        if kind == "PatchOptions" && !apply && forced.is_some() {
            errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
        }
        if let Some(manager) = manager {
            if manager.len() > 128 {
                errors.push(FieldError::too_long("fieldManager", 128));
            }
            for letter in manager.chars().filter(|letter| letter.is_control()) {
                errors.push(FieldError::invalid(
                    "fieldManager",
                    manager,
                    format!("should not contain the character {:?}", letter.to_string()),
                ));
            }
        }
        let mut dry_run = false;
        for value in query.all("dryRun") {
            if value == "All" {
                dry_run = true;
            } else if !value.is_empty() {
                errors.push(FieldError::not_supported("dryRun", json!([value]), &["All"]));
            }
        }
        let validation = match query.get("fieldValidation") {
            None | Some("Warn") => FieldValidation::Warn,
            Some("Ignore") => FieldValidation::Ignore,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                errors.push(FieldError::not_supported("fieldValidation", other, &["", "Ignore", "Strict", "Warn"]));
                FieldValidation::Warn
            }
        };
        errors.into_result().map_err(|errors| errors.to_status("meta.k8s.io", kind, ""))?;
        Ok(Self {
            manager: manager.map_or_else(|| call.default_manager(), str::to_owned),
            dry_run,
            validation,
            force: query.is_true("force"),
            now: core.options.clock.seconds(),
            origin: Some(call.origin()),
            repeated: Vec::new(),
        })
    }
}
