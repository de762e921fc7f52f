//! JSON patch, merge patch, strategic merge patch and apply.

use super::update::{Attempt, check_version, replace};
use super::{ATTEMPTS, Update, WriteOptions, Written, create, decode, update};
use crate::core::{Core, text};
use crate::error::Status;
use crate::merge::{self, ApplyError, PatchError, Writer};
use crate::message::Call;
use crate::operations::Patch;
use crate::resource::Resource;
use http::header;
use serde_json::{Value, json};

/// How the body changes the object.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Json(Patch),
    Merge(Value),
    Strategic(Value),
    Apply(Value),
}

const TYPES: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

impl Change {
    /// Reads a patch by its content type.
    pub(crate) fn parse(call: &Call, resource: &Resource) -> Result<Self, Status> {
        let bad = |error: String| Status::bad_request(format!("error decoding patch: {error}"));
        let kind = decode::media_type(call);
        match kind {
            "application/json-patch+json" => {
                let operations: Value = serde_json::from_slice(&call.body).map_err(|error| {
                    bad(if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() })
                })?;
                if !operations.is_array() {
                    return Err(bad(
                        "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp".to_owned()
                    ));
                }
                let patch = Patch::from_value(operations).ok_or_else(rejected)?;
                if patch.len() > 10_000 {
                    return Err(Status::new(
                        413,
                        "RequestEntityTooLarge",
                        format!("The allowed maximum operations in a JSON patch is 10000, got {}", patch.len()),
                    ));
                }
                Ok(Self::Json(patch))
            }
            "application/merge-patch+json" => object(&call.body).map(Self::Merge),
            "application/strategic-merge-patch+json" if resource.custom.is_none() => {
                object(&call.body).map(Self::Strategic)
            }
            "application/apply-patch+yaml" => applied(call).map(Self::Apply),
            "application/strategic-merge-patch+json" => Err(Status::new(
                415,
                "UnsupportedMediaType",
                format!("the body of the request was in an unknown format - accepted media types include: {TYPES}"),
            )),
            _ => Err(Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with_details(json!({}))),
        }
    }

    pub(crate) fn is_apply(call: &Call) -> bool {
        call.header(header::CONTENT_TYPE).starts_with("application/apply-patch")
    }

    /// The object after the patch; not for apply.
    fn apply_to(&self, old: &Value, resource: &Resource) -> Result<Value, Status> {
        match self {
            Self::Json(patch) => patch.apply(old).map_err(|_| rejected()),
            Self::Merge(patch) => {
                let mut patched = old.clone();
                json_patch::merge(&mut patched, patch);
                Ok(patched)
            }
            Self::Strategic(patch) => {
                if let Some(schema) = resource.merge() {
                    merge::strategic_merge(old, patch, schema).map_err(|error| patch_status(&error))
                } else {
                    let mut patched = old.clone();
                    json_patch::merge(&mut patched, patch);
                    Ok(patched)
                }
            }
            Self::Apply(applied) => Ok(applied.clone()),
        }
    }
}

fn object(body: &[u8]) -> Result<Value, Status> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Status::bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ))
    }
}

/// A patch that does not fit the object; the real server gives no reason either.
fn rejected() -> Status {
    Status::new(422, "Invalid", "the server rejected our request due to an error in our request")
        .with_details(json!({}))
}

/// A patch whose result is no object of the kind.
fn unfit(patched: &Value, status: &Status) -> Status {
    let why = status
        .message
        .split_once("cannot be handled as a ")
        .map_or(&*status.message, |(_, rest)| rest.split_once(": ").map_or(rest, |(_, why)| why));
    let error = crate::error::FieldError::invalid("patch", patched.to_string(), why);
    Status::invalid("", "", "", &error.to_string(), vec![error.to_cause()])
}

/// The body of an apply.
pub(crate) fn applied(call: &Call) -> Result<Value, Status> {
    if call.query.get("fieldValidation") != Some("Strict")
        && let Some((value, warning)) = decode::parse_repetitive_yaml(&call.body)
    {
        if call.query.get("fieldValidation") != Some("Ignore") {
            call.notes.add(&warning);
        }
        return Ok(value);
    }
    decode::parse_yaml(&call.body).map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))
}

/// A patched value that is no stored object, such as a `Scale`.
pub(crate) fn patch_value(call: &Call, value: &Value) -> Result<Value, Status> {
    match decode::media_type(call) {
        "application/json-patch+json" => {
            let operations = serde_json::from_slice(&call.body)
                .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
            Patch::from_value(operations).ok_or_else(rejected)?.apply(value).map_err(|_| rejected())
        }
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            let mut patched = value.clone();
            json_patch::merge(&mut patched, &object(&call.body)?);
            Ok(patched)
        }
        _ => Err(Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with_details(json!({}))),
    }
}

/// Changes an object. Answers whether it was created, which only apply does.
pub(crate) async fn patch(
    core: &Core,
    resource: &Resource,
    target: Update<'_>,
    change: &Change,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(Written, bool), Status> {
    if let Change::Apply(applied) = change {
        return apply(core, resource, target, applied, options, warnings).await;
    }
    for _ in 0..ATTEMPTS {
        let current = core.get(resource, target.key)?;
        let old = resource.view(&current);
        let mut patched = change.apply_to(&old, resource)?;
        if !patched.is_object() {
            return Err(Status::bad_request("the patched object is no object"));
        }
        let mut told = Vec::new();
        decode::check_type(resource, &resource.kind, &resource.api_version(), &mut patched)
            .map_err(|status| unfit(&patched, &status))?;
        decode::check_fields(resource, &mut patched, options, &mut told).map_err(|status| unfit(&patched, &status))?;
        let name = text(&patched, "/metadata/name");
        if *name != *target.key.name {
            return Err(Status::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                target.key.name
            )));
        }
        create::check_namespace(&patched, target.namespace())?;
        let version = text(&patched, "/metadata/resourceVersion");
        check_version(resource, &current, version)?;
        match replace(core, resource, target, &current, patched, options, None).await {
            Err(Attempt::Again) => {}
            Err(Attempt::Refused(status)) => return Err(status),
            Ok(written) => {
                warnings.extend(told);
                return Ok((written, false));
            }
        }
    }
    Err(update::changed(resource, &target.key.name))
}

async fn apply(
    core: &Core,
    resource: &Resource,
    target: Update<'_>,
    applied: &Value,
    options: &WriteOptions,
    _warnings: &mut Vec<String>,
) -> Result<(Written, bool), Status> {
    let Some(schema) = resource.merge() else {
        return Err(Status::new(415, "UnsupportedMediaType", format!("{} cannot be applied", resource.kind)));
    };
    let api_version = resource.api_version();
    let writer = Writer {
        manager: &options.manager,
        api_version: &api_version,
        subresource: target.subresource,
        now: &options.now,
    };
    let name = text(applied, "/metadata/name");
    if !name.is_empty() && *name != *target.key.name {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.key.name
        )));
    }
    create::check_namespace(applied, target.namespace())?;
    for _ in 0..ATTEMPTS {
        let current = core.store.get(&resource.collection, target.key);
        let old = current.as_ref().map(|current| resource.view(current));
        let mut result = merge::apply(old.as_ref(), applied, &writer, options.force, schema)
            .map_err(|error| apply_status(&error))?
            .object;
        let managed = result
            .get_mut("metadata")
            .and_then(Value::as_object_mut)
            .and_then(|metadata| metadata.remove("managedFields"));
        let managed = Some(managed.unwrap_or_else(|| json!([])));
        let Some(current) = current else {
            if !target.subresource.is_empty() {
                return Err(Status::not_found(&resource.group, &resource.plural, &target.key.name));
            }
            if let Some(metadata) = result.get_mut("metadata") {
                crate::core::set(metadata, "name", (*target.key.name).into());
            }
            let written = create::insert(core, resource, target.namespace(), result, options, managed).await?;
            return Ok((written, true));
        };
        // An applied object need not name itself; the path does.
        if let Some(metadata) = result.get_mut("metadata") {
            crate::core::set(metadata, "name", (*target.key.name).into());
            if let Some(namespace) = target.namespace() {
                crate::core::set(metadata, "namespace", namespace.into());
            }
        }
        check_version(resource, &current, text(applied, "/metadata/resourceVersion"))?;
        match replace(core, resource, target, &current, result, options, managed).await {
            Err(Attempt::Again) => {}
            Err(Attempt::Refused(status)) => return Err(status),
            Ok(written) => return Ok((written, false)),
        }
    }
    Err(update::changed(resource, &target.key.name))
}

fn patch_status(error: &PatchError) -> Status {
    Status::new(error.status(), error.reason(), error.to_string())
}

pub(crate) fn apply_status(error: &ApplyError) -> Status {
    let mut status = Status::new(error.status(), error.reason(), error.to_string());
    let causes: Vec<Value> = error
        .conflicts()
        .iter()
        .map(|conflict| {
            json!({ "reason": "FieldManagerConflict", "message": conflict.message(), "field": conflict.field })
        })
        .collect();
    if !causes.is_empty() {
        status.details = json!({ "causes": causes });
    }
    status
}
