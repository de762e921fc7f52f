//! Update, and the second half of every patch.

use super::{ATTEMPTS, Subject, WriteOptions, Written, create, decode, prepare, strategy};
use crate::core::{Core, text};
use crate::error::{FieldError, FieldErrors, Status};
use crate::merge::keep_times_if_unchanged;
use crate::resource::Resource;
use crate::store::{Key, Refused, Stored};
use serde_json::{Value, json};

/// Where an update goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update<'a> {
    pub(crate) key: &'a Key,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
}

impl Update<'_> {
    pub(super) fn namespace(&self) -> Option<&str> {
        (!self.key.namespace.is_empty()).then_some(&*self.key.namespace)
    }
}

/// Replaces an object by `object`, which is of the right kind already. Answers whether it was created.
pub(crate) async fn update(
    core: &Core,
    resource: &Resource,
    target: Update<'_>,
    mut object: Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(Written, bool), Status> {
    decode::check_fields(resource, &mut object, options, warnings)?;
    let name = text(&object, "/metadata/name");
    if name.is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.key.name
        )));
    }
    if *name != *target.key.name {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.key.name
        )));
    }
    create::check_namespace(&object, target.namespace())?;
    for _ in 0..ATTEMPTS {
        let Some(current) = core.store.get(&resource.collection, target.key) else {
            if target.subresource.is_empty() && strategy::is_created_by_update(resource) {
                let written = create::insert(core, resource, target.namespace(), object, options, None).await?;
                return Ok((written, true));
            }
            return Err(Status::not_found(&resource.group, &resource.plural, &target.key.name));
        };
        let version = text(&object, "/metadata/resourceVersion");
        if version.is_empty() && resource.custom.is_some() {
            let errors: FieldErrors =
                [FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update")]
                    .into_iter()
                    .collect();
            return Err(errors.to_status(&resource.group, &resource.plural, &target.key.name));
        }
        check_version(resource, &current, version)?;
        check_uid(resource, target.key, &resource.view(&current), text(&object, "/metadata/uid"))?;
        let unconditional = version.is_empty() || version == "0";
        match replace(core, resource, target, &current, object.clone(), options, None).await {
            Err(Attempt::Again) if unconditional => {}
            Err(Attempt::Again) => return Err(changed(resource, &target.key.name)),
            Err(Attempt::Refused(status)) => return Err(status),
            Ok(written) => return Ok((written, false)),
        }
    }
    Err(changed(resource, &target.key.name))
}

/// Somebody else was faster.
pub(crate) fn changed(resource: &Resource, name: &str) -> Status {
    Status::conflict(
        &resource.group,
        &resource.plural,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )
}

/// A resource version in the body is a precondition.
pub(super) fn check_version(resource: &Resource, current: &Stored, version: &str) -> Result<(), Status> {
    if version.is_empty() || version == "0" {
        return Ok(());
    }
    let version: u64 = version
        .parse()
        .map_err(|_| Status::new(500, "", format!("strconv.ParseUint: parsing {version:?}: invalid syntax")))?;
    if version == current.revision { Ok(()) } else { Err(changed(resource, &current.key.name)) }
}

/// A uid in the body is a precondition.
pub(super) fn check_uid(resource: &Resource, key: &Key, current: &Value, uid: &str) -> Result<(), Status> {
    let found = text(current, "/metadata/uid");
    if uid.is_empty() || uid == found {
        return Ok(());
    }
    let group = if resource.group.is_empty() { String::new() } else { format!("{}/", resource.group) };
    Err(Status::conflict(
        &resource.group,
        &resource.plural,
        &key.name,
        &format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{group}{}/{key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {found}",
            resource.plural
        ),
    ))
}

/// Why an attempt did not store anything.
pub(super) enum Attempt {
    /// Somebody else was faster.
    Again,
    Refused(Status),
}

impl From<Status> for Attempt {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

/// Replaces `current` by `new` if it is still current.
///
/// `managed` are the managed fields that apply computed; otherwise the write is tracked as an update.
pub(super) async fn replace(
    core: &Core,
    resource: &Resource,
    target: Update<'_>,
    current: &Stored,
    mut new: Value,
    options: &WriteOptions,
    managed: Option<Value>,
) -> Result<Written, Attempt> {
    let old = resource.view(current);
    let forgets_owners = new.pointer("/metadata/managedFields").and_then(Value::as_array).is_some_and(Vec::is_empty);
    prepare::for_update(resource, target.subresource, &old, &mut new);
    prepare::defaults(resource, &mut new);
    if let (true, Some(metadata)) = (forgets_owners, prepare::metadata(&mut new)) {
        // An empty list is nothing to a decoder, but says something here.
        metadata.insert("managedFields".to_owned(), json!([]));
    }
    let is_definition = resource.is("apiextensions.k8s.io", "CustomResourceDefinition");
    if is_definition && target.subresource.is_empty() {
        new = crate::definitions::prepare_update(&old, &new)?;
    }
    prepare::track(resource, target.subresource, Some(&old), &mut new, options, managed);
    let subject = Subject {
        core,
        resource,
        subresource: target.subresource,
        namespace: &target.key.namespace,
        name: &target.key.name,
        old: Some(&old),
        options,
    };
    let mutated = subject.mutate(&mut new).await?;
    prepare::keep_metadata(resource, target.subresource, &old, &mut new);
    if mutated {
        prepare::for_update(resource, target.subresource, &old, &mut new);
        prepare::defaults(resource, &mut new);
        if is_definition && target.subresource.is_empty() {
            new = crate::definitions::prepare_update(&old, &new)?;
        }
    }
    crate::allocate::on_update(core, resource, &old, &mut new)?;
    prepare::count_generation(resource, target.subresource, &old, &mut new);
    prepare::validate(resource, target.subresource, Some(&old), &new)
        .into_result()
        .map_err(|errors| errors.to_status(&resource.group, &resource.kind, &target.key.name))?;
    subject.validate(&new).await?;
    if is_finished(&old, &new) {
        if options.dry_run {
            return Ok(Written::Value(new));
        }
        // Watchers see what was stored last, with its finalizer.
        return match core.store.remove(&resource.collection, target.key, current.revision, current.value()) {
            Ok(_) => {
                if is_definition {
                    core.define(&target.key.name, None);
                }
                // The answer shows the object at the revision it had.
                Ok(Written::Value(new))
            }
            Err(_) => Err(Attempt::Again),
        };
    }
    if options.dry_run {
        return Ok(Written::Value(new));
    }
    if keep_times_if_unchanged(&old, &mut new) && resource.is_kept_as_written(current) {
        return match core.store.get(&resource.collection, target.key) {
            Some(stored) if stored.revision == current.revision => Ok(Written::Stored(stored)),
            _ => Err(Attempt::Again),
        };
    }
    let stamp = resource.custom.as_ref().map_or(0, |custom| custom.stamp);
    match core.store.replace(&resource.collection, target.key, current.revision, resource.stored_form(new), stamp) {
        Ok(stored) => {
            if is_definition {
                crate::definitions::changed(core, &stored);
            }
            Ok(Written::Stored(stored))
        }
        Err(Refused::Changed | Refused::Missing | Refused::Exists) => Err(Attempt::Again),
    }
}

/// Replaces `current` for a write that has its own way of planning; `None` when somebody else was faster.
///
/// `new` says who owns what, and of which version it is; another one than `current` is refused.
pub(crate) async fn replace_at(
    core: &Core,
    resource: &Resource,
    target: Update<'_>,
    current: &Stored,
    new: Value,
    options: &WriteOptions,
) -> Result<Option<Written>, Status> {
    check_version(resource, current, text(&new, "/metadata/resourceVersion"))?;
    let managed = new.pointer("/metadata/managedFields").cloned().unwrap_or_else(|| json!([]));
    match replace(core, resource, target, current, new, options, Some(managed)).await {
        Ok(written) => Ok(Some(written)),
        Err(Attempt::Again) => Ok(None),
        Err(Attempt::Refused(status)) => Err(status),
    }
}

/// An object that is being deleted goes when the last finalizer does.
fn is_finished(old: &Value, new: &Value) -> bool {
    let empty = |pointer: &str| new.pointer(pointer).and_then(Value::as_array).is_none_or(Vec::is_empty);
    old.pointer("/metadata/deletionTimestamp").is_some()
        && old.pointer("/metadata/deletionGracePeriodSeconds").is_none_or(|seconds| seconds == 0)
        && empty("/metadata/finalizers")
        && (text(new, "/kind") != "Namespace" || empty("/spec/finalizers"))
}
