//! Bodies: JSON or YAML, and whether they are of the kind that the path takes.

use super::{FieldValidation, WriteOptions};
use crate::builtin;
use crate::core::text;
use crate::error::{FieldError, FieldErrors, Status};
use crate::message::Call;
use crate::protobuf::{self, BadProtobuf};
use crate::resource::Resource;
use http::header;
use serde_json::Value;
use std::fmt::Write as _;

/// The media type of a body, without parameters.
pub(super) fn media_type(call: &Call) -> &str {
    call.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
}

/// A body of any kind: JSON or YAML by its content type.
pub(crate) fn decode_any(call: &Call, expected: &str) -> Result<Value, Status> {
    let unrecognized = |why: String| {
        Status::bad_request(format!("the object provided is unrecognized (must be of type {expected}): {why}"))
    };
    let unsupported = || {
        Status::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )
    };
    let yaml = match media_type(call) {
        "" | "application/json" => false,
        "application/yaml" | "application/x-yaml" | "text/yaml" => true,
        "application/vnd.kubernetes.protobuf" => {
            return protobuf::decode(&call.body).map_err(|error| match error {
                BadProtobuf::UnknownKind(_) => unsupported(),
                BadProtobuf::Malformed(_) => unrecognized(error.to_string()),
            });
        }
        _ => return Err(unsupported()),
    };
    if yaml {
        return parse_yaml(&call.body).map_err(|error| unrecognized(format!("yaml: {error} ({})", shown(&call.body))));
    }
    serde_json::from_slice(&call.body).map_err(|error| {
        let shown = shown(&call.body);
        let why = if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() };
        unrecognized(format!("couldn't get version/kind; json parse error: {why} ({shown})"))
    })
}

/// YAML as a value.
pub(crate) fn parse_yaml(body: &[u8]) -> Result<Value, String> {
    // Clients send JSON under this name too: most of them do, always.
    if body.starts_with(b"{")
        && let Ok(value) = serde_json::from_slice(body)
    {
        return Ok(value);
    }
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// YAML in which a key is repeated: the last one counts, and a warning names the first that is. `None` where something
/// else is wrong.
pub(super) fn parse_repetitive_yaml(body: &[u8]) -> Option<(Value, String)> {
    let text = std::str::from_utf8(body).ok()?;
    let error = serde_saphyr::from_str::<Value>(text).err()?;
    let serde_saphyr::Error::DuplicateMappingKey { key, location } = error.without_snippet() else { return None };
    let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins };
    let value = serde_saphyr::from_str_with_options(text, options).ok()?;
    let key = key.as_deref().unwrap_or_default();
    Some((value, format!("line {}: key {key:?} already set in map", location.line())))
}

/// How much of a body is shown.
const SHOWN: usize = 30;

/// The beginning of a body: as it is where it may be JSON, in digits otherwise.
fn shown(body: &[u8]) -> String {
    let more = if body.len() > SHOWN { " ..." } else { "" };
    let part = body.get(..SHOWN).unwrap_or(body);
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(part)),
        Some(_) => format!("{}{more}", hex(part)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _always_fits = write!(text, "{byte:02x}");
        text
    })
}

/// Refuses a body of another kind or version; fills both in where a built-in kind leaves them out.
pub(crate) fn check_type(resource: &Resource, kind: &str, api_version: &str, object: &mut Value) -> Result<(), Status> {
    if !object.is_object() {
        return Err(Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }} ({})",
            shown(object.to_string().as_bytes())
        )));
    }
    let (given_version, given_kind) = (text(object, "/apiVersion").to_owned(), text(object, "/kind").to_owned());
    if resource.custom.is_some() {
        if given_kind.is_empty() {
            let body = object.to_string();
            return Err(Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): Object 'Kind' is missing in '{body}' ({})",
                shown(body.as_bytes())
            )));
        }
        if given_version != api_version && !given_version.is_empty() {
            return Err(Status::bad_request(format!(
                "the API version in the data ({given_version}) does not match the expected API version ({api_version})"
            )));
        }
        if given_kind != kind {
            let error = FieldError::invalid("kind", given_kind.as_str(), format!("must be {kind}"));
            let name = text(object, "/metadata/name");
            return Err(FieldErrors(vec![error]).to_status(&resource.group, &given_kind, name));
        }
        return Ok(());
    }
    if given_version.is_empty() {
        crate::core::set(object, "apiVersion", api_version.into());
    }
    if given_kind.is_empty() {
        crate::core::set(object, "kind", kind.into());
    }
    let (version, given) = (text(object, "/apiVersion"), text(object, "/kind"));
    if version != api_version || given != kind {
        let (group, short) = version.split_once('/').unwrap_or(("", version));
        let known = given != kind
            && version == api_version
            && crate::openapi::TypeSchema::of_kind(group, short, given).is_some();
        let why = if known {
            format!("converting (v1.{given}) to (core.{kind}): unknown conversion")
        } else {
            format!("no kind {given:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\"")
        };
        return Err(Status::bad_request(format!(
            "{given} in version {version:?} cannot be handled as a {kind}: {why}"
        )));
    }
    Ok(())
}

/// Members that are null: absence, for kinds of a fixed form whose document we do not have.
pub(super) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn cannot_be_handled(resource: &Resource, why: &str) -> Status {
    let (kind, version) = (&resource.kind, &resource.version);
    Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

/// Fields that nobody knows, or that are there twice: removed, warned about or refused.
pub(super) fn check_fields(
    resource: &Resource,
    object: &mut Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(), Status> {
    let mut unknown = Vec::new();
    match &resource.custom {
        Some(custom) => {
            if let Some(wrong) = builtin::metadata_type_error(object) {
                return Err(cannot_be_handled(resource, &wrong));
            }
            custom.schema.prune(object, &mut unknown);
        }
        None if resource.merge().is_none() => drop_nulls(object),
        None => {
            let wrong = builtin::type_error(&resource.group, &resource.version, &resource.kind, object);
            if let Some(wrong) = wrong {
                return Err(cannot_be_handled(resource, &wrong));
            }
            unknown = builtin::unknown_fields(&resource.group, &resource.version, &resource.kind, object);
        }
    }
    if unknown.is_empty() && options.repeated.is_empty() {
        return Ok(());
    }
    let texts = options.repeated.iter().map(|path| format!("duplicate field {path:?}"));
    let texts = texts.chain(unknown.iter().map(|path| format!("unknown field {path:?}")));
    match options.validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => warnings.extend(texts),
        FieldValidation::Strict => {
            let texts: Vec<String> = texts.collect();
            return Err(cannot_be_handled(resource, &format!("strict decoding error: {}", texts.join(", "))));
        }
    }
    Ok(())
}
