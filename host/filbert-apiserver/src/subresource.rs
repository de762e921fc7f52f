//! Parts of objects with paths of their own.

mod scale;

pub(crate) use scale::{put_replicas, show};

use crate::admission::{self, Operation, Request};
use crate::core::{Core, set, text};
use crate::error::Status;
use crate::handle;
use crate::message::{Call, Query, Reply, User};
use crate::read;
use crate::resource::Resource;
use crate::store::Key;
use crate::write::{self, Update, WriteOptions};
use http::Method;
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
        ("scale", _) => scale::answer(core, call, resource, key, verb).await,
        ("status" | "finalize" | "approval" | "resize" | "ephemeralcontainers", "get") => {
            read::get(core, resource, key, call).await
        }
        ("status" | "finalize" | "approval" | "resize" | "ephemeralcontainers", "update") => {
            handle::update(core, call, resource, target).await
        }
        ("status" | "finalize" | "approval" | "resize" | "ephemeralcontainers", "patch") => {
            handle::patch(core, call, resource, target).await
        }
        ("token", _) => token(core, call, resource, key).await,
        ("binding", _) => bind(core, call, resource, key).await,
        ("eviction", _) => evict(core, call, resource, key).await,
        _ => {
            core.get(resource, key)?;
            if let Some(mut options) = connection(part, &served.kind, &call.query) {
                let asked = Asked { operation: Operation::Connect, options: &Value::Null, dry_run: false };
                review(core, call, resource, key, part, asked, &mut options).await?;
            }
            Err(Status::new(501, "NotImplemented", format!("{}/{part} is not part of this stand-in", resource.plural)))
        }
    }
}

fn created() -> Reply {
    Reply::json(201, &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 }))
}

/// How webhooks are asked about something that is sent to a part of an object.
struct Asked<'a> {
    operation: Operation,
    options: &'a Value,
    dry_run: bool,
}

/// Lets webhooks change and judge what is sent to a part of an object.
async fn review(
    core: &Core,
    call: &Call,
    resource: &Resource,
    key: &Key,
    part: &str,
    asked: Asked<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    let Asked { operation, options, dry_run } = asked;
    let origin = call.origin();
    let request = Request {
        origin: &origin,
        operation,
        resource,
        subresource: part,
        namespace: &key.namespace,
        name: &key.name,
        old: None,
        options,
        dry_run,
    };
    admission::mutate(core, request, object, |_| {}).await?;
    admission::validate(core, request, object).await
}

/// The same for what is created there.
async fn review_new(
    core: &Core,
    call: &Call,
    resource: &Resource,
    key: &Key,
    part: &str,
    options: &WriteOptions,
    object: &mut Value,
) -> Result<(), Status> {
    let shown = options.shown("CreateOptions");
    let asked = Asked { operation: Operation::Create, options: &shown, dry_run: options.dry_run };
    review(core, call, resource, key, part, asked, object).await
}

/// What somebody who connects to a pod wants, as an object; `None` for parts that are only read.
fn connection(part: &str, kind: &str, query: &Query) -> Option<Value> {
    if !["attach", "exec", "portforward", "proxy"].contains(&part) {
        return None;
    }
    let mut wanted = json!({ "kind": kind, "apiVersion": "v1" });
    for name in ["stdin", "stdout", "stderr", "tty"].into_iter().filter(|name| query.is_true(name)) {
        set(&mut wanted, name, true.into());
    }
    for name in ["container", "path"] {
        if let Some(value) = query.get(name) {
            set(&mut wanted, name, value.into());
        }
    }
    let command: Vec<&str> = query.all("command").collect();
    let ports: Vec<i64> = query.all("ports").filter_map(|port| port.parse().ok()).collect();
    if !command.is_empty() {
        set(&mut wanted, "command", json!(command));
    }
    if !ports.is_empty() {
        set(&mut wanted, "ports", json!(ports));
    }
    Some(wanted)
}

/// The metadata of something sent to a part of an object is that of the object.
fn name_after(key: &Key, object: &mut Value) {
    if object.get("metadata").is_none_or(|metadata| !metadata.is_object()) {
        set(object, "metadata", json!({}));
    }
    if let Some(metadata) = object.get_mut("metadata") {
        set(metadata, "name", (*key.name).into());
        set(metadata, "namespace", (*key.namespace).into());
    }
}

async fn bind(core: &Core, call: &Call, resource: &Resource, key: &Key) -> Result<Reply, Status> {
    let mut binding = write::decode_any(call, "Binding")?;
    let options = WriteOptions::parse(core, call, "CreateOptions", false)?;
    core.get(resource, key)?;
    name_after(key, &mut binding);
    if let Some(kind) = core.registry().of_kind("", "v1", "Binding") {
        write::track_question(kind, "binding", &mut binding, &options);
    }
    review_new(core, call, resource, key, "binding", &options, &mut binding).await?;
    if !options.dry_run {
        let node = text(&binding, "/target/name");
        let scheduled = json!([{
            "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": options.now,
        }]);
        crate::background::change(core, resource, key, |pod| {
            if let Some(spec) = pod.get_mut("spec") {
                set(spec, "nodeName", node.into());
            }
            if let Some(status) = pod.get_mut("status") {
                set(status, "conditions", scheduled.clone());
            }
        });
    }
    Ok(created())
}

async fn evict(core: &Core, call: &Call, resource: &Resource, key: &Key) -> Result<Reply, Status> {
    let mut eviction = write::decode_any(call, "Eviction")?;
    let options = WriteOptions::parse(core, call, "CreateOptions", false)?;
    core.get(resource, key)?;
    name_after(key, &mut eviction);
    review_new(core, call, resource, key, "eviction", &options, &mut eviction).await?;
    // The deletion itself is not reviewed once more.
    let deletion = write::DeleteOptions {
        grace: eviction.pointer("/deleteOptions/gracePeriodSeconds").and_then(Value::as_i64),
        dry_run: options.dry_run,
        ..write::DeleteOptions::default()
    };
    write::delete(core, resource, key, &deletion).await?;
    Ok(created())
}

/// A token for a service account; it holds as long as the server does.
async fn token(core: &Core, call: &Call, resource: &Resource, key: &Key) -> Result<Reply, Status> {
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
    set(&mut request, "status", json!({ "token": "", "expirationTimestamp": null }));
    review_new(core, call, resource, key, "token", &options, &mut request).await?;
    if !options.dry_run {
        core.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), user);
    }
    let expires = ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    set(&mut request, "status", json!({ "token": token, "expirationTimestamp": expires }));
    Ok(Reply::json(201, &request))
}
