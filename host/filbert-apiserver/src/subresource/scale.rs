//! `Scale`: how many of something there are and should be, for any kind.

use crate::core::{Core, set, text};
use crate::error::{FieldError, FieldErrors, Status};
use crate::handle;
use crate::merge::{self, MergeSchema, ScaleOwners, Writer, scale_owners, with_scale_owners};
use crate::message::{Call, Reply};
use crate::negotiate;
use crate::read;
use crate::resource::Resource;
use crate::store::Key;
use crate::write::{self, Update, WriteOptions};
use http::header;
use serde_json::{Value, json};

/// Where a kind keeps what `Scale` shows.
struct Paths {
    spec: Vec<String>,
    status: Vec<String>,
    selector: Option<Vec<String>>,
}

fn paths(resource: &Resource) -> Paths {
    let split = |path: &str| path.trim_start_matches('.').split('.').map(str::to_owned).collect();
    match resource.custom.as_ref().and_then(|custom| custom.scale.as_ref()) {
        Some(scale) => Paths {
            spec: split(&scale.spec_replicas),
            status: split(&scale.status_replicas),
            selector: scale.label_selector.as_deref().map(split),
        },
        None => Paths { spec: split(".spec.replicas"), status: split(".status.replicas"), selector: None },
    }
}

fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, part| value.get(part))
}

fn put(object: &mut Value, path: &[String], value: Value) {
    match path {
        [] => *object = value,
        [first, rest @ ..] => {
            if let Some(fields) = object.as_object_mut() {
                put(fields.entry(first.clone()).or_insert_with(|| json!({})), rest, value);
            }
        }
    }
}

/// A selector of an object as the text that `Scale` has.
fn selector_text(selector: &Value) -> String {
    if let Some(text) = selector.as_str() {
        return text.to_owned();
    }
    let labels = selector.get("matchLabels").unwrap_or(if selector.get("matchExpressions").is_some() {
        &Value::Null
    } else {
        selector
    });
    let mut terms: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let name = text(expression, "/key");
        let values: Vec<_> = expression
            .get("values")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        terms.push(match text(expression, "/operator") {
            "In" => format!("{name} in ({})", values.join(",")),
            "NotIn" => format!("{name} notin ({})", values.join(",")),
            "Exists" => name.to_owned(),
            _ => format!("!{name}"),
        });
    }
    terms.join(",")
}

/// An object as a `Scale`.
pub(crate) fn show(resource: &Resource, object: &Value) -> Value {
    let paths = paths(resource);
    let mut metadata = json!({});
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.pointer("/metadata").and_then(|metadata| metadata.get(name)) {
            set(&mut metadata, name, value.clone());
        }
    }
    let mut spec = json!({});
    if let Some(replicas) = at(object, &paths.spec).filter(|replicas| **replicas != 0) {
        set(&mut spec, "replicas", replicas.clone());
    }
    let mut status = json!({ "replicas": at(object, &paths.status).cloned().unwrap_or_else(|| 0.into()) });
    let selector = match (&paths.selector, &resource.custom) {
        (Some(path), _) => at(object, path),
        (None, None) => object.pointer("/spec/selector"),
        (None, Some(_)) => None,
    };
    if let Some(selector) = selector.map(selector_text).filter(|selector| !selector.is_empty()) {
        set(&mut status, "selector", selector.into());
    }
    json!({ "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status })
}

/// Takes the replicas that a `Scale` wants into its object.
pub(crate) fn put_replicas(resource: &Resource, object: &mut Value, scale: &Value) {
    let replicas = scale.pointer("/spec/replicas").cloned().unwrap_or_else(|| 0.into());
    put(object, &paths(resource).spec, replicas);
}

/// Answers a request for the `Scale` of an object.
pub(super) async fn answer(
    core: &Core,
    call: &Call,
    resource: &Resource,
    key: &Key,
    verb: &str,
) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let reply = |scale: &Value| Ok(Reply::new(200, form.content_type, read::encode(scale, &form)?));
    if verb == "get" {
        let current = core.get(resource, key)?;
        return reply(&show(resource, &resource.view(&current)));
    }
    let change = match verb {
        "update" => Change::To(whole(call)?),
        _ if write::Change::is_apply(call) => Change::Applied(write::applied(call)?),
        _ => Change::Patched,
    };
    let kind = if verb == "update" { "UpdateOptions" } else { "PatchOptions" };
    let options = WriteOptions::parse(core, call, kind, matches!(change, Change::Applied(_)))?;
    for _ in 0..write::ATTEMPTS {
        let current = core.get(resource, key)?;
        let object = resource.view(&current);
        let (new, unconditional) = changed(core, call, resource, &object, &change, &options)?;
        let target = Update { key, subresource: "scale" };
        match write::replace_at(core, resource, target, &current, new, &options).await? {
            Some(written) => return reply(&show(resource, &written.into_value(resource))),
            None if unconditional => {}
            None => break,
        }
    }
    Err(write::changed(resource, &key.name))
}

/// How a `Scale` is changed.
enum Change {
    To(Value),
    Applied(Value),
    /// By the patch in the request.
    Patched,
}

fn whole(call: &Call) -> Result<Value, Status> {
    let wanted = write::decode_any(call, "Scale")?;
    let (version, kind) = (text(&wanted, "/apiVersion"), text(&wanted, "/kind"));
    if !["", "autoscaling/v1"].contains(&version) || !["", "Scale"].contains(&kind) {
        return Err(Status::bad_request(format!(
            "no kind is registered for the type {version}.{kind} in scheme \"pkg/runtime/scheme.go:111\""
        )));
    }
    Ok(wanted)
}

/// The object with the number of replicas that is wanted, and who owns that now; and whether it replaces any version.
fn changed(
    core: &Core,
    call: &Call,
    resource: &Resource,
    object: &Value,
    change: &Change,
    options: &WriteOptions,
) -> Result<(Value, bool), Status> {
    let schema = MergeSchema::builtin("autoscaling", "v1", "Scale").ok_or_else(handle::not_found)?;
    let registry = core.registry();
    let versions: Vec<_> = registry.equivalents(&resource.collection).map(|it| (it.api_version(), paths(it))).collect();
    let owners: ScaleOwners<'_> = versions
        .iter()
        .map(|(version, paths)| (version.clone(), Some(paths.spec.iter().map(String::as_str).collect())))
        .collect();
    let mut before = show(resource, object);
    if let Some(metadata) = before.get_mut("metadata") {
        set(metadata, "managedFields", scale_owners(object, &owners).into());
    }
    let writer =
        Writer { manager: &options.manager, api_version: "autoscaling/v1", subresource: "scale", now: &options.now };
    let mut after = match change {
        Change::To(wanted) => wanted.clone(),
        Change::Patched => write::patch_value(call, &before)?,
        Change::Applied(wanted) => {
            let applied = merge::apply(Some(&before), wanted, &writer, options.force, &schema);
            applied.map_err(|error| write::apply_status(&error))?.object
        }
    };
    let replicas = after.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
    let name = text(object, "/metadata/name");
    if replicas < 0 && resource.custom.is_none() {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(FieldErrors(vec![error]).to_status("autoscaling", "Scale", name));
    }
    if !matches!(change, Change::Applied(_)) {
        if let Some(metadata) = after.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        merge::track_update(Some(&before), &mut after, &writer, &schema);
    }
    let mut new = object.clone();
    put_replicas(resource, &mut new, &after);
    let entries = after.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
    with_scale_owners(&mut new, &entries, &resource.api_version(), &owners);
    let version = text(&after, "/metadata/resourceVersion");
    let unconditional = version.is_empty() || !matches!(change, Change::To(_));
    if let (Some(metadata), false) = (new.get_mut("metadata"), version.is_empty()) {
        set(metadata, "resourceVersion", version.into());
    }
    Ok((new, unconditional))
}
