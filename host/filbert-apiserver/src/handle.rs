//! From a request to an answer.

use crate::core::Core;
use crate::discovery;
use crate::error::Status;
use crate::message::{Call, Reply};
use crate::negotiate;
use crate::read::{self, Selection};
use crate::resource::Resource;
use crate::route::{self, Route, Target};
use crate::store::Key;
use crate::subresource;
use crate::watch;
use crate::write::{self, DeleteOptions, Update, WriteOptions};
use http::{Method, header};
use serde_json::json;
use std::sync::Arc;

/// Bodies above this size are refused.
pub(crate) const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// Answers one request; failures are answers as well.
pub(crate) async fn handle(core: &Arc<Core>, call: &Call) -> Reply {
    let reply = answer(core, call).await.unwrap_or_else(|status| Reply::status(&status));
    call.with_notes(reply)
}

pub(crate) fn not_found() -> Status {
    Status::new(404, "NotFound", "the server could not find the requested resource").with_details(json!({}))
}

pub(crate) fn not_allowed() -> Status {
    Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        .with_details(json!({}))
}

async fn answer(core: &Arc<Core>, call: &Call) -> Result<Reply, Status> {
    let route = route::parse(&call.path);
    let accept = call.header(header::ACCEPT);
    let aggregated = || {
        negotiate::wants_aggregated_discovery(accept).ok_or_else(|| {
            negotiate::not_acceptable("only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf")
        })
    };
    let registry = core.registry();
    match route {
        Route::Core if aggregated()? => Ok(discovery::aggregated(core, true)),
        Route::Groups if aggregated()? => Ok(discovery::aggregated(core, false)),
        Route::Core => Ok(Reply::json(200, &discovery::core_versions())),
        Route::Groups => Ok(Reply::json(200, &discovery::groups(&registry))),
        Route::Group(name) => Ok(match discovery::group(&registry, &name) {
            Some(body) => Reply::json(200, &body),
            None => Reply::text(404, "404 page not found\n"),
        }),
        Route::Version(group, version) => match discovery::resources(&registry, &group, &version) {
            Some(body) => Ok(Reply::json(200, &body)),
            None => unknown_version(&registry, &group),
        },
        Route::Resource(target) => resource(core, call, &target).await,
        Route::Other => {
            crate::access::check_path(call)?;
            Ok(other(core, call))
        }
    }
}

fn unknown_version(registry: &crate::resource::Registry, group: &str) -> Result<Reply, Status> {
    if registry.group(group).is_some() {
        return Err(not_found());
    }
    Ok(Reply::text(404, "404 page not found\n"))
}

fn other(core: &Core, call: &Call) -> Reply {
    match call.path.trim_end_matches('/') {
        "/version" => Reply::json(200, &discovery::version()),
        "/healthz" | "/readyz" | "/livez" => Reply::text(200, "ok"),
        path if path.starts_with("/openapi") => crate::documents::answer(core, call),
        _ => Reply::text(404, "404 page not found\n"),
    }
}

/// The verb that authorization and counters know a request by.
fn verb(call: &Call, target: &Target) -> &'static str {
    let watch = target.watch || (target.name.is_none() && call.query.is_true("watch"));
    match (&call.method, target.name.is_some()) {
        (&Method::GET | &Method::HEAD, _) if watch => "watch",
        (&Method::GET | &Method::HEAD, true) => "get",
        (&Method::GET | &Method::HEAD, false) => "list",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "delete",
        (&Method::DELETE, false) => "deletecollection",
        _ => "",
    }
}

async fn resource(core: &Arc<Core>, call: &Call, target: &Target) -> Result<Reply, Status> {
    let registry = core.registry();
    let verb = verb(call, target);
    let Some(resource) = registry.find(&target.group, &target.version, &target.plural) else {
        // Groups that definitions brought are those of another handler, which knows its resources and nothing else.
        return if registry.is_builtin_group(&target.group) {
            Err(not_found())
        } else {
            Ok(Reply::text(404, "404 page not found\n"))
        };
    };
    let counted = match &target.subresource {
        Some(part) => format!("{}/{part}", resource.plural),
        None => resource.plural.clone(),
    };
    core.count(verb, &counted);
    crate::access::check(core, call, target, resource, verb)?;
    if target.namespace.is_some() && !resource.namespaced {
        return Err(not_found());
    }
    let resource = resource.clone();
    let mut reply = if let (Some(name), Some(part)) = (&target.name, &target.subresource) {
        if target.rest || resource.subresource(part).is_none() {
            return Err(not_found());
        }
        let key = Key::new(target.namespace.as_deref().unwrap_or_default(), name);
        subresource::answer(core, call, &resource, &key, part).await?
    } else {
        whole(core, call, target, &resource, verb).await?
    };
    if let Some(warning) = resource.custom.as_ref().and_then(|custom| custom.deprecation.as_ref()) {
        reply.warnings.insert(0, warning.clone());
    }
    Ok(reply)
}

async fn whole(
    core: &Arc<Core>,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
    verb: &str,
) -> Result<Reply, Status> {
    let namespace = target.namespace.as_deref();
    if !resource.serves(verb) {
        return Err(not_allowed());
    }
    let Some(name) = target.name.as_deref() else {
        return match verb {
            "watch" => watch::watch(core, resource, namespace, None, call),
            "list" => read::list(core, resource, namespace, call).await,
            // One namespace can be written to, all of them together cannot.
            "create" | "deletecollection" if resource.namespaced && namespace.is_none() => Err(not_allowed()),
            "create" => create(core, call, resource, namespace).await,
            "deletecollection" => delete_many(core, call, resource, namespace).await,
            _ => Err(not_allowed()),
        };
    };
    if resource.namespaced && namespace.is_none() {
        return Err(not_found());
    }
    let key = Key::new(namespace.unwrap_or_default(), name);
    match verb {
        "watch" => watch::watch(core, resource, namespace, Some(name), call),
        "get" => read::get(core, resource, &key, call).await,
        "update" => update(core, call, resource, Update { key: &key, subresource: "" }).await,
        "patch" => patch(core, call, resource, Update { key: &key, subresource: "" }).await,
        "delete" => delete(core, call, resource, &key).await,
        _ => Err(not_allowed()),
    }
}

fn with_warnings(mut reply: Reply, warnings: Vec<String>) -> Reply {
    reply.warnings.extend(warnings);
    reply
}

async fn create(core: &Core, call: &Call, resource: &Resource, namespace: Option<&str>) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let mut object = write::decode_any(call, &resource.kind)?;
    write::check_type(resource, &resource.kind, &resource.api_version(), &mut object)?;
    let mut options = WriteOptions::parse(core, call, "CreateOptions", false)?;
    options.repeated = write::repeated(&call.body);
    if !resource.serves("get") {
        return crate::reviews::answer(core, call, resource, &object, &options);
    }
    let mut warnings = Vec::new();
    let written = write::create(core, resource, namespace, object, &options, &mut warnings).await?;
    Ok(with_warnings(written.reply(core, resource, 201, &form, call)?, warnings))
}

/// Replaces an object or its status.
pub(crate) async fn update(core: &Core, call: &Call, resource: &Resource, target: Update<'_>) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let mut object = write::decode_any(call, &resource.kind)?;
    write::check_type(resource, &resource.kind, &resource.api_version(), &mut object)?;
    let mut options = WriteOptions::parse(core, call, "UpdateOptions", false)?;
    options.repeated = write::repeated(&call.body);
    let mut warnings = Vec::new();
    let (written, created) = write::update(core, resource, target, object, &options, &mut warnings).await?;
    Ok(with_warnings(written.reply(core, resource, if created { 201 } else { 200 }, &form, call)?, warnings))
}

/// Patches an object or its status.
pub(crate) async fn patch(core: &Core, call: &Call, resource: &Resource, target: Update<'_>) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let apply = write::Change::is_apply(call);
    let change = write::Change::parse(call, resource)?;
    let options = WriteOptions::parse(core, call, "PatchOptions", apply)?;
    let mut warnings = Vec::new();
    let (written, created) = write::patch(core, resource, target, &change, &options, &mut warnings).await?;
    Ok(with_warnings(written.reply(core, resource, if created { 201 } else { 200 }, &form, call)?, warnings))
}

const JOB_WARNING: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

async fn delete(core: &Core, call: &Call, resource: &Resource, key: &Key) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let options = DeleteOptions::parse(call)?;
    let deleted = write::delete(core, resource, key, &options).await?;
    let mut reply = match deleted {
        write::Deleted::Gone(object) if write::answers_with_object(resource) => {
            write::Written::Value(object).reply(core, resource, 200, &form, call)?
        }
        write::Deleted::Gone(object) => Reply::json(200, &write::success(resource, &object)),
        write::Deleted::Marked(written) => written.reply(core, resource, 200, &form, call)?,
    };
    if resource.is("batch", "Job") && options.propagation.is_none() {
        reply.warnings.push(JOB_WARNING.to_owned());
    }
    Ok(reply)
}

async fn delete_many(core: &Core, call: &Call, resource: &Resource, namespace: Option<&str>) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let options = DeleteOptions::parse(call)?;
    let selection = Selection::parse(resource, namespace, &call.query)?;
    let revision = core.store.revision();
    let objects = write::delete_collection(core, resource, &selection, &options).await?;
    read::render(core, resource, &read::listed(revision, objects), &form, call)
}
