//! Parts of objects with paths of their own.

use crate::core::{Core, set, text};
use crate::error::Status;
use crate::handle;
use crate::message::{Call, Reply, User};
use crate::negotiate;
use crate::read;
use crate::resource::Resource;
use crate::store::Key;
use crate::write::{self, Update, WriteOptions};
use http::{Method, header};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};

pub(crate) async fn answer(
    core: &Arc<Core>,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    part: &str,
) -> Result<Reply, Status> {
    let served = resource.subresource(part).ok_or_else(handle::not_found)?;
    let verb = match call.method {
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        _ => return Err(handle::not_allowed()),
    };
    if !served.verbs.iter().any(|served| served == verb) {
        return Err(handle::not_allowed());
    }
    let target = Update { key, subresource: part };
    match (part, verb) {
        ("scale", _) => scale(core, call, resource, key, verb),
        ("status" | "finalize" | "approval" | "resize" | "ephemeralcontainers", "get") => {
            read::get(core, resource, key, call).await
        }
        ("status" | "finalize" | "approval" | "resize" | "ephemeralcontainers", "update") => {
            handle::update(core, call, resource, target)
        }
        ("status" | "finalize" | "approval" | "resize" | "ephemeralcontainers", "patch") => {
            handle::patch(core, call, resource, target)
        }
        ("token", _) => token(core, call, resource, key),
        ("binding", _) => {
            let binding = write::decode_any(call, "Binding")?;
            let node = text(&binding, "/target/name").to_owned();
            core.get(resource, key)?;
            crate::background::change(core, resource, key, |pod| {
                if let Some(spec) = pod.get_mut("spec") {
                    set(spec, "nodeName", node.as_str().into());
                }
            });
            Ok(created())
        }
        ("eviction", _) => {
            write::delete(core, resource, key, &write::DeleteOptions::default())?;
            Ok(created())
        }
        _ => {
            core.get(resource, key)?;
            Err(Status::new(501, "NotImplemented", format!("{}/{part} is not part of this stand-in", resource.plural)))
        }
    }
}

fn created() -> Reply {
    Reply::json(201, &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 }))
}

/// A token for a service account; it holds as long as the server does.
fn token(core: &Core, call: &Call, resource: &Resource, key: &Key) -> Result<Reply, Status> {
    let mut request = write::decode_any(call, "TokenRequest")?;
    let options = WriteOptions::parse(core, call, "CreateOptions", false)?;
    let account = core.get(resource, key)?.value();
    let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
    let (namespace, name) = (&key.namespace, &key.name);
    let identity = uuid::Uuid::new_v4();
    let user = User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ],
        uid: text(&account, "/metadata/uid").to_owned(),
        extra: vec![("authentication.kubernetes.io/credential-id".to_owned(), vec![format!("JTI={identity}")])],
    };
    let token = uuid::Uuid::new_v4().simple().to_string();
    core.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), user);
    let now = core.options.clock.now();
    let ends = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
    let audiences = request
        .pointer("/spec/audiences")
        .cloned()
        .unwrap_or_else(|| json!(["https://kubernetes.default.svc.cluster.local"]));
    set(
        &mut request,
        "metadata",
        json!({
            "name": &**name, "namespace": &**namespace, "uid": text(&account, "/metadata/uid"), "creationTimestamp": options.now,
            "managedFields": [{
                "manager": options.manager, "operation": "Update", "apiVersion": "authentication.k8s.io/v1", "time": options.now,
                "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:expirationSeconds": {} } }, "subresource": "token",
            }],
        }),
    );
    set(&mut request, "spec", json!({ "audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": null }));
    let expires = ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    set(&mut request, "status", json!({ "token": token, "expirationTimestamp": expires }));
    Ok(Reply::json(201, &request))
}

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

fn show(resource: &Resource, object: &Value) -> Value {
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

fn scale(core: &Core, call: &Call, resource: &Resource, key: &Key, verb: &str) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let current = core.get(resource, key)?;
    let object = resource.view(&current);
    let shown = show(resource, &object);
    let (wanted, kind) = match verb {
        "get" => return Ok(Reply::new(200, form.content_type, read::encode(&shown, &form)?)),
        "update" => (write::decode_any(call, "Scale")?, "UpdateOptions"),
        _ => (write::patch_value(call, &shown)?, "PatchOptions"),
    };
    let apply = write::Change::is_apply(call);
    let options = WriteOptions::parse(core, call, kind, apply)?;
    let version = text(&wanted, "/metadata/resourceVersion");
    let replicas = wanted.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
    if replicas < 0 {
        let errors: crate::error::FieldErrors =
            [crate::error::FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0")]
                .into_iter()
                .collect();
        return Err(errors.to_status("autoscaling", "Scale", &key.name));
    }
    let mut new = object;
    put(&mut new, &paths(resource).spec, replicas.into());
    if let Some(metadata) = new.get_mut("metadata") {
        let version =
            if version.is_empty() && verb == "update" { text(&shown, "/metadata/resourceVersion") } else { version };
        set(metadata, "resourceVersion", version.into());
    }
    let target = Update { key, subresource: "scale" };
    let (written, _) = write::update(core, resource, target, new, &options, &mut Vec::new())?;
    let shown = show(resource, &written.into_value(resource));
    Ok(Reply::new(200, form.content_type, read::encode(&shown, &form)?))
}
