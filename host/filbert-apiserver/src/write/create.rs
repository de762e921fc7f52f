//! Create.

use super::{Subject, WriteOptions, Written, decode, plugins, prepare};
use crate::core::{Core, text};
use crate::error::Status;
use crate::resource::Resource;
use crate::store::{Key, Refused};
use serde_json::{Value, json};

/// Creates `object` in `namespace`; it is of the right kind already.
pub(crate) async fn create(
    core: &Core,
    resource: &Resource,
    namespace: Option<&str>,
    mut object: Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<Written, Status> {
    decode::check_fields(resource, &mut object, options, warnings)?;
    check_namespace(&object, namespace)?;
    if resource.custom.is_none() {
        warnings.extend(crate::builtin::warnings(&resource.group, &resource.kind, &object));
    }
    let version = text(&object, "/metadata/resourceVersion");
    if !version.is_empty() && version != "0" {
        return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    insert(core, resource, namespace, object, options, None).await
}

/// The namespace in the body must be that of the path.
pub(super) fn check_namespace(object: &Value, namespace: Option<&str>) -> Result<(), Status> {
    let given = text(object, "/metadata/namespace");
    if !given.is_empty() && given != namespace.unwrap_or_default() {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// Prepares, checks and stores a new object. `managed` are the managed fields that apply computed.
pub(super) async fn insert(
    core: &Core,
    resource: &Resource,
    namespace: Option<&str>,
    mut object: Value,
    options: &WriteOptions,
    managed: Option<Value>,
) -> Result<Written, Status> {
    prepare::reset(resource, &mut object);
    prepare::defaults(resource, &mut object);
    let generated = prepare::generate_name(&mut object);
    check_namespace_is_open(core, resource, namespace, &object)?;
    check_definition_is_open(core, resource, &object)?;
    prepare::label_namespace(resource, &mut object);
    prepare::track(resource, "", None, &mut object, options, managed);
    prepare::place(namespace, &mut object);
    prepare::admit(resource, "", &mut object);
    plugins::admit(core, resource, &mut object)?;
    let asked = text(&object, "/metadata/name").to_owned();
    let subject = Subject {
        core,
        resource,
        subresource: "",
        namespace: namespace.unwrap_or_default(),
        name: &asked,
        old: None,
        options,
    };
    if subject.mutate(&mut object).await? {
        prepare::reset(resource, &mut object);
        prepare::defaults(resource, &mut object);
        prepare::place(namespace, &mut object);
    }
    prepare::for_create(resource, &mut object, options);
    if resource.is("apiextensions.k8s.io", "CustomResourceDefinition") {
        object = crate::definitions::prepare(&object)?;
    }
    crate::allocate::on_create(core, resource, &mut object)?;
    let name = text(&object, "/metadata/name").to_owned();
    prepare::validate(resource, "", None, &object)
        .into_result()
        .map_err(|errors| errors.to_status(&resource.group, &resource.kind, &name))?;
    if name.is_empty() {
        return Err(Status::internal("the object has no name"));
    }
    subject.validate(&object).await?;
    let key = Key::new(namespace.unwrap_or_default(), &name);
    if options.dry_run {
        if core.store.get(&resource.collection, &key).is_some() {
            return Err(Status::already_exists(&resource.group, &resource.plural, &name));
        }
        return Ok(Written::Value(object));
    }
    let stamp = resource.custom.as_ref().map_or(0, |custom| custom.stamp);
    match core.store.create(&resource.collection, key, resource.stored_form(object), stamp) {
        Ok(stored) => {
            if resource.is("apiextensions.k8s.io", "CustomResourceDefinition") {
                crate::definitions::changed(core, &stored);
            }
            Ok(Written::Stored(stored))
        }
        Err(Refused::Exists | Refused::Missing | Refused::Changed) => {
            let mut status = Status::already_exists(&resource.group, &resource.plural, &name);
            if generated {
                status.message.push_str(", the server was not able to generate a unique name for the object");
            }
            Err(status)
        }
    }
}

fn check_namespace_is_open(
    core: &Core,
    resource: &Resource,
    namespace: Option<&str>,
    object: &Value,
) -> Result<(), Status> {
    let Some(namespace) = namespace else { return Ok(()) };
    let namespaces = crate::resource::CollectionId::new("", "namespaces");
    let Some(found) = core.store.get(&namespaces, &Key::new("", namespace)) else {
        return Err(Status::not_found("", "namespaces", namespace));
    };
    if found.value().pointer("/metadata/deletionTimestamp").is_none() {
        return Ok(());
    }
    let name = text(object, "/metadata/name");
    let mut status = Status::forbidden(
        &resource.group,
        &resource.plural,
        name,
        &format!("unable to create new content in namespace {namespace} because it is being terminated"),
    );
    crate::core::set(
        &mut status.details,
        "causes",
        json!([{ "reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace" }]),
    );
    Err(status)
}

/// Objects of a definition that is being deleted are no longer created.
fn check_definition_is_open(core: &Core, resource: &Resource, object: &Value) -> Result<(), Status> {
    if resource.custom.is_none() {
        return Ok(());
    }
    let definitions = crate::resource::CollectionId::new("apiextensions.k8s.io", "customresourcedefinitions");
    let key = Key::new("", &format!("{}.{}", resource.plural, resource.group));
    if core.store.get(&definitions, &key).is_none_or(|definition| !definition.is_terminating) {
        return Ok(());
    }
    let why = "create not allowed while custom resource definition is terminating";
    Err(Status::forbidden(&resource.group, &resource.plural, text(object, "/metadata/name"), why))
}
