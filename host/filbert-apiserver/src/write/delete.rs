//! Delete, of one object and of many.

use super::{ATTEMPTS, Written, decode, prepare, strategy, update};
use crate::admission::{self, Operation, Origin, Request, Side};
use crate::core::{Core, set, text};
use crate::error::{FieldError, FieldErrors, Status};
use crate::message::Call;
use crate::read::Selection;
use crate::resource::Resource;
use crate::store::{Key, Stored};
use serde_json::{Value, json};
use std::sync::Arc;

/// What becomes of dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// How something is deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Option<Propagation>,
    pub(crate) grace: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) orphan: Option<bool>,
    /// Who deletes; webhooks are not asked about what the server deletes by itself.
    pub(crate) origin: Option<Origin>,
}

impl DeleteOptions {
    /// For deletions by a controller with this service account.
    pub(crate) fn of_controller(account: &str) -> Self {
        Self { origin: Some(Origin::controller(account)), ..Self::default() }
    }

    /// The options as reviews show them.
    fn shown(&self, resource: &Resource, object: &Value) -> Value {
        let mut shown = json!({ "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1" });
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                set(&mut shown, name, value);
            }
        };
        // A pod gets its own grace period before anybody is asked.
        let grace = if resource.is("", "Pod") { Some(grace(resource, object, self)) } else { self.grace };
        put("gracePeriodSeconds", grace.map(Value::from));
        if self.uid.is_some() || self.version.is_some() {
            let mut preconditions = json!({});
            for (name, value) in [("uid", &self.uid), ("resourceVersion", &self.version)] {
                if let Some(value) = value {
                    set(&mut preconditions, name, value.as_str().into());
                }
            }
            put("preconditions", Some(preconditions));
        }
        put("orphanDependents", self.orphan.map(Value::from));
        let policy = self.propagation.filter(|_| self.orphan.is_none());
        put("propagationPolicy", policy.map(|policy| format!("{policy:?}").into()));
        put("dryRun", self.dry_run.then(|| json!(["All"])));
        shown
    }

    /// Reads body and query; the body counts where both say something.
    pub(crate) fn parse(call: &Call) -> Result<Self, Status> {
        let body = if call.body.is_empty() { json!({}) } else { decode::decode_any(call, "DeleteOptions")? };
        let kind = text(&body, "/kind");
        if !kind.is_empty() && kind != "DeleteOptions" {
            return Err(Status::bad_request(format!(
                "no kind {kind:?} is registered for version {:?} in scheme \"pkg/runtime/scheme.go:111\"",
                text(&body, "/apiVersion")
            )));
        }
        let query = &call.query;
        let mut errors = FieldErrors::new();
        let propagation =
            body.get("propagationPolicy").and_then(Value::as_str).or_else(|| query.get("propagationPolicy"));
        let orphan = body
            .get("orphanDependents")
            .and_then(Value::as_bool)
            .or_else(|| query.get("orphanDependents").map(|_| query.is_true("orphanDependents")));
        let propagation = match (propagation, orphan) {
            (Some(_), Some(_)) => {
                errors.push(FieldError::invalid(
                    "propagationPolicy",
                    propagation.unwrap_or_default(),
                    "orphanDependents and deletionPropagation cannot be both set",
                ));
                None
            }
            (None, None) => None,
            (None, Some(false)) | (Some("Background"), None) => Some(Propagation::Background),
            (Some("Foreground"), None) => Some(Propagation::Foreground),
            (None, Some(true)) | (Some("Orphan"), None) => Some(Propagation::Orphan),
            (Some(other), None) => {
                errors.push(FieldError::not_supported(
                    "propagationPolicy",
                    other,
                    &["Foreground", "Background", "Orphan", "nil"],
                ));
                None
            }
        };
        let grace = match body.get("gracePeriodSeconds").and_then(Value::as_i64) {
            Some(seconds) => Some(seconds),
            None => crate::read::integer(query, "gracePeriodSeconds")?,
        };
        let mut dry_run = false;
        let in_body = body.get("dryRun").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for value in in_body.chain(query.all("dryRun")) {
            match value {
                "All" => dry_run = true,
                "" => {}
                other => errors.push(FieldError::not_supported("dryRun", json!([other]), &["All"])),
            }
        }
        errors.into_result().map_err(|errors| errors.to_status("meta.k8s.io", "DeleteOptions", ""))?;
        let precondition = |name: &str| {
            body.pointer("/preconditions").and_then(|found| found.get(name)).and_then(Value::as_str).map(str::to_owned)
        };
        Ok(Self {
            propagation,
            grace,
            uid: precondition("uid"),
            version: precondition("resourceVersion"),
            dry_run,
            orphan,
            origin: Some(call.origin()),
        })
    }
}

/// What a delete did.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Value),
    /// It is marked, and goes when finalizers and grace period allow it.
    Marked(Written),
}

/// Deletes an object, or marks it for deletion.
pub(crate) async fn delete(
    core: &Core,
    resource: &Resource,
    key: &Key,
    options: &DeleteOptions,
) -> Result<Deleted, Status> {
    delete_as(core, resource, key, &key.name, options).await
}

/// `name` is what webhooks are told: nothing when the whole collection is deleted.
async fn delete_as(
    core: &Core,
    resource: &Resource,
    key: &Key,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deleted, Status> {
    if resource.is("", "Namespace") && matches!(&*key.name, "default" | "kube-system" | "kube-public") {
        return Err(Status::forbidden("", "namespaces", &key.name, "this namespace may not be deleted"));
    }
    for _ in 0..ATTEMPTS {
        let current = core.get(resource, key)?;
        let object = resource.view(&current);
        check_preconditions(resource, &object, options)?;
        if !waits_already(&object, options) {
            review(core, resource, key, name, &object, options).await?;
        }
        if let Some(done) = attempt(core, resource, key, &current, object, options) {
            return Ok(done);
        }
    }
    Err(update::changed(resource, &key.name))
}

/// Whether the deletion has begun and this one changes nothing about it.
fn waits_already(object: &Value, options: &DeleteOptions) -> bool {
    let old = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
    object.pointer("/metadata/deletionTimestamp").is_some()
        && old.is_some_and(|old| options.grace.is_none_or(|wanted| wanted >= old))
}

async fn review(
    core: &Core,
    resource: &Resource,
    key: &Key,
    name: &str,
    object: &Value,
    options: &DeleteOptions,
) -> Result<(), Status> {
    let Some(origin) = &options.origin else { return Ok(()) };
    if ![Side::Mutating, Side::Validating].into_iter().any(|side| core.admission.has_hooks(side, &core.store)) {
        return Ok(());
    }
    let shown = options.shown(resource, object);
    let request = Request {
        origin,
        operation: Operation::Delete,
        resource,
        subresource: "",
        namespace: &key.namespace,
        name,
        old: Some(object),
        options: &shown,
        dry_run: options.dry_run,
    };
    admission::mutate(core, request, &mut Value::Null, |_| {}).await?;
    admission::validate(core, request, &Value::Null).await
}

fn check_preconditions(resource: &Resource, object: &Value, options: &DeleteOptions) -> Result<(), Status> {
    let name = text(object, "/metadata/name");
    let conflict = |why: String| Err(Status::conflict(&resource.group, &resource.kind, name, &why));
    let (uid, version) = (text(object, "/metadata/uid"), text(object, "/metadata/resourceVersion"));
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        return conflict(format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        ));
    }
    if let Some(wanted) = options.version.as_deref().filter(|wanted| *wanted != version) {
        return conflict(format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        ));
    }
    Ok(())
}

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The finalizers of the garbage collector as the policy wants them.
fn finalizers(object: &Value, propagation: Option<Propagation>, default: Option<Propagation>) -> Vec<String> {
    let found: Vec<String> = object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    // What is there decides where nobody says anything.
    let propagation = match propagation {
        Some(propagation) => propagation,
        None if found.iter().any(|name| name == ORPHAN) => Propagation::Orphan,
        None if found.iter().any(|name| name == FOREGROUND) => Propagation::Foreground,
        None => default.unwrap_or(Propagation::Background),
    };
    let mut wanted: Vec<String> = found.into_iter().filter(|name| name != ORPHAN && name != FOREGROUND).collect();
    match propagation {
        Propagation::Orphan => wanted.push(ORPHAN.to_owned()),
        Propagation::Foreground => wanted.push(FOREGROUND.to_owned()),
        Propagation::Background => {}
    }
    wanted
}

/// Seconds until the object may go.
fn grace(resource: &Resource, object: &Value, options: &DeleteOptions) -> i64 {
    if !resource.is("", "Pod") {
        return 0;
    }
    let spec = object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
    let wanted = options.grace.unwrap_or(spec).max(0);
    let finished = matches!(text(object, "/status/phase"), "Succeeded" | "Failed");
    if text(object, "/spec/nodeName").is_empty() || finished { 0 } else { wanted }
}

/// Marks an object as deleted, to go in so many seconds.
fn mark(object: &mut Value, clock: &crate::clock::Clock, seconds: i64) {
    let before = object.clone();
    let now = clock.now();
    let moment = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
    let Some(metadata) = prepare::metadata(object) else { return };
    let marked = metadata.contains_key("deletionTimestamp");
    metadata.insert("deletionTimestamp".to_owned(), moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    metadata.insert("deletionGracePeriodSeconds".to_owned(), seconds.into());
    if !marked && before.pointer("/metadata/generation").is_some() {
        prepare::raise_generation(&before, object);
    }
}

/// `None` when somebody else was faster.
fn attempt(
    core: &Core,
    resource: &Resource,
    key: &Key,
    current: &Arc<Stored>,
    object: Value,
    options: &DeleteOptions,
) -> Option<Deleted> {
    let default = resource.is("batch", "Job").then_some(Propagation::Orphan);
    let mut wanted = finalizers(&object, options.propagation, default);
    let is_namespace = resource.is("", "Namespace");
    let is_definition = resource.is("apiextensions.k8s.io", "CustomResourceDefinition");
    if is_namespace {
        wanted.retain(|name| name != ORPHAN && name != FOREGROUND);
    }
    if is_definition && !wanted.iter().any(|name| name == crate::definitions::CLEANUP) {
        // Objects of the kind go first.
        wanted.push(crate::definitions::CLEANUP.to_owned());
    }
    let holds = !wanted.is_empty()
        || (is_namespace
            && object.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty()));
    let grace = grace(resource, &object, options);
    let marked = object.pointer("/metadata/deletionTimestamp").is_some();
    if !holds && grace == 0 {
        if options.dry_run {
            return Some(Deleted::Gone(object));
        }
        let mut last = object;
        if resource.is("", "Pod") {
            // A pod that is deleted at once is marked in the same step.
            mark(&mut last, &core.options.clock, 0);
        }
        let gone = core.store.remove(&resource.collection, key, current.revision, resource.stored_form(last)).ok()?;
        return Some(Deleted::Gone(resource.view(&gone)));
    }
    let mut new = object.clone();
    let now = core.options.clock.now();
    if let Some(metadata) = prepare::metadata(&mut new) {
        let old_grace = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
        if !marked || (resource.is("", "Pod") && old_grace.is_some_and(|old| grace < old)) {
            let moment = now.checked_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(now);
            metadata.insert("deletionTimestamp".to_owned(), moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
            if !is_namespace && !is_definition {
                metadata.insert("deletionGracePeriodSeconds".to_owned(), grace.into());
            }
        }
        if wanted.is_empty() {
            metadata.remove("finalizers");
        } else {
            metadata.insert("finalizers".to_owned(), json!(wanted));
        }
    }
    if is_namespace && let Some(status) = new.get_mut("status") {
        crate::core::set(status, "phase", "Terminating".into());
    }
    if new == object {
        return Some(Deleted::Marked(Written::Stored(current.clone())));
    }
    if !marked && !is_definition && object.pointer("/metadata/generation").is_some() {
        prepare::raise_generation(&object, &mut new);
    }
    if is_definition && !marked {
        crate::definitions::mark_terminating(&mut new, &core.options.clock.seconds());
    }
    if options.dry_run {
        return Some(Deleted::Marked(Written::Value(new)));
    }
    let stamp = resource.custom.as_ref().map_or(0, |custom| custom.stamp);
    let stored =
        core.store.replace(&resource.collection, key, current.revision, resource.stored_form(new), stamp).ok()?;
    Some(Deleted::Marked(Written::Stored(stored)))
}

/// The `Status` of a delete that is done.
pub(crate) fn success(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({ "name": text(object, "/metadata/name"), "kind": resource.plural, "uid": text(object, "/metadata/uid") });
    if !resource.group.is_empty() {
        crate::core::set(&mut details, "group", resource.group.as_str().into());
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// Whether the answer to a delete is the object even when it is gone.
pub(crate) fn answers_with_object(resource: &Resource) -> bool {
    strategy::answers_with_object(resource)
}

/// Deletes the selected objects; answers them as they were before.
pub(crate) async fn delete_collection(
    core: &Core,
    resource: &Resource,
    selection: &Selection,
    options: &DeleteOptions,
) -> Result<Vec<Arc<Stored>>, Status> {
    let page = core.store.list(&resource.collection, selection.namespace.as_deref(), None);
    let selected: Vec<_> = page.objects.into_iter().filter(|object| selection.takes(object)).collect();
    for object in &selected {
        match delete_as(core, resource, &object.key, "", options).await {
            // Somebody else deleted it in the meantime, which is what was wanted.
            Err(status) if status.code == 404 => {}
            Err(status) => return Err(status),
            Ok(_) => {}
        }
    }
    Ok(selected)
}
