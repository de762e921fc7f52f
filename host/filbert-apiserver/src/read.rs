//! Get and list.

use crate::core::Core;
use crate::error::{FieldError, FieldErrors, Status};
use crate::message::{Call, Query, Reply};
use crate::negotiate::{self, Form, Shape};
use crate::resource::Resource;
use crate::selector::{FieldSelector, LabelSelector};
use crate::store::{Key, Page, Stored};
use crate::table;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long a read of a revision that is not there yet waits for it.
const FRESHNESS: Duration = Duration::from_secs(3);

/// Which objects of a collection are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) namespace: Option<String>,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
    /// The one object that is meant, where it is one.
    pub(crate) name: Option<String>,
}

impl Selection {
    pub(crate) fn parse(resource: &Resource, namespace: Option<&str>, query: &Query) -> Result<Self, Status> {
        let labels =
            LabelSelector::parse(query.get("labelSelector").unwrap_or_default()).map_err(Status::bad_request)?;
        let fields =
            FieldSelector::parse(query.get("fieldSelector").unwrap_or_default()).map_err(Status::bad_request)?;
        for field in fields.fields() {
            check_field(resource, field)?;
        }
        let fields = fields.renamed(|field| crate::convert::stored_field(&resource.group, &resource.kind, field));
        Ok(Self { namespace: namespace.map(str::to_owned), labels, fields, name: None })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty() && self.name.is_none()
    }

    pub(crate) fn takes(&self, object: &Stored) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *object.key.namespace == **namespace)
            && self.name.as_ref().is_none_or(|name| *object.key.name == **name)
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}

/// Fields that can be selected besides name and namespace, by kind.
const SELECTABLE: &[(&str, &str, &[&str])] = &[
    (
        "",
        "Pod",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
    ),
    (
        "",
        "Event",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    (
        "events.k8s.io",
        "Event",
        &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
    ),
    ("", "Node", &["spec.unschedulable"]),
    ("", "Namespace", &["status.phase"]),
    ("", "Secret", &["type"]),
    ("", "Service", &["spec.clusterIP", "spec.type"]),
    ("", "ReplicationController", &["status.replicas"]),
    ("apps", "ReplicaSet", &["status.replicas"]),
    ("batch", "Job", &["status.successful"]),
    ("certificates.k8s.io", "CertificateSigningRequest", &["spec.signerName"]),
];

fn check_field(resource: &Resource, field: &str) -> Result<(), Status> {
    if field == "metadata.name" || (field == "metadata.namespace" && (resource.namespaced || resource.custom.is_none()))
    {
        return Ok(());
    }
    if let Some(custom) = &resource.custom {
        return if custom.selectable.iter().any(|known| known == field) {
            Ok(())
        } else {
            Err(Status::bad_request(format!("field label not supported: {field}")))
        };
    }
    match SELECTABLE.iter().find(|(group, kind, _)| resource.is(group, kind)) {
        Some((_, _, fields)) if fields.contains(&field) => Ok(()),
        Some(_) => Err(Status::bad_request(format!("field label not supported: {field}"))),
        None => Err(Status::bad_request(format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ))),
    }
}

/// The `resourceVersion` parameter; `None` where it is not given.
pub(crate) fn resource_version(query: &Query) -> Result<Option<u64>, Status> {
    query.get("resourceVersion").map(parse_version).transpose()
}

/// What lists say of a version that is none; watches leave it out.
pub(crate) const INVALID_VERSION: &str = "invalid resource version: ";

fn parse_version(text: &str) -> Result<u64, Status> {
    text.parse().map_err(|_| {
        Status::bad_request(format!(
            "{INVALID_VERSION}resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })
}

/// Waits until the store has reached `revision`.
async fn reach(core: &Core, resource: &Resource, revision: u64) -> Result<(), Status> {
    if core.store.revision() >= revision {
        return Ok(());
    }
    let mut changes = core.store.changes(&resource.collection);
    let waiting = async {
        while core.store.revision() < revision {
            // Another collection may reach it as well, so the wait is cut into pieces.
            let _timed_out = tokio::time::timeout(Duration::from_millis(100), changes.changed()).await;
        }
    };
    tokio::time::timeout(FRESHNESS, waiting).await.map_err(|_| {
        let now = core.store.revision();
        Status::new(504, "Timeout", format!("Timeout: Too large resource version: {revision}, current: {now}")).with_details(
            json!({ "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }], "retryAfterSeconds": 1 }),
        )
    })
}

pub(crate) async fn get(core: &Core, resource: &Resource, key: &Key, call: &Call) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    if let Some(revision) = resource_version(&call.query)? {
        reach(core, resource, revision).await?;
    }
    let stored = core.get(resource, key)?;
    single(core, resource, &stored, &form, call)
}

/// The answer that shows one stored object.
pub(crate) fn single(
    core: &Core,
    resource: &Resource,
    stored: &Stored,
    form: &Form,
    call: &Call,
) -> Result<Reply, Status> {
    if form.shape == Shape::Object && !form.yaml {
        return Ok(Reply::new(200, form.content_type, resource.json(stored)));
    }
    shaped(core, resource, &resource.view(stored), 200, form, call)
}

/// The answer that shows one object in the form the client wants.
pub(crate) fn shaped(
    core: &Core,
    resource: &Resource,
    object: &Value,
    status: u16,
    form: &Form,
    call: &Call,
) -> Result<Reply, Status> {
    let body = match form.shape {
        Shape::Object => return Ok(Reply::new(status, form.content_type, encode(object, form)?)),
        Shape::Metadata => metadata_only(object),
        Shape::MetadataList => {
            return Err(negotiate::not_acceptable(&format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                go_type(resource, false)
            )));
        }
        Shape::Table => table::of(
            core,
            resource,
            std::slice::from_ref(object),
            table::Wanted::parse(&call.query)?,
            &object_meta(object),
        ),
    };
    Ok(Reply::new(status, form.content_type, encode(&body, form)?))
}

fn object_meta(object: &Value) -> Value {
    json!({ "resourceVersion": object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default() })
}

fn go_type(resource: &Resource, list: bool) -> String {
    let suffix = if list { "List" } else { "" };
    match (&resource.custom, resource.group.split('.').next()) {
        (Some(_), _) => format!("*unstructured.Unstructured{suffix}"),
        (None, Some("") | None) => format!("*core.{}{suffix}", resource.kind),
        (None, Some(group)) => format!("*{group}.{}{suffix}", resource.kind),
    }
}

pub(crate) fn encode(body: &Value, form: &Form) -> Result<Bytes, Status> {
    if form.yaml {
        return serde_saphyr::to_string(body).map(Bytes::from).map_err(|error| Status::internal(format!("{error}")));
    }
    Ok(Bytes::from(body.to_string()))
}

/// `PartialObjectMetadata` of an object.
pub(crate) fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_else(|| json!({})),
    })
}

/// Where a paged list goes on.
struct Continue {
    revision: u64,
    after: Key,
    /// The revision is gone: go on with the present state.
    inconsistent: bool,
}

impl Continue {
    fn token(&self) -> String {
        let revision = if self.inconsistent { "-1".to_owned() } else { self.revision.to_string() };
        let text = json!({
            "v": "meta.k8s.io/v1", "rv": revision,
            "namespace": self.after.namespace, "start": self.after.name,
        });
        URL_SAFE_NO_PAD.encode(text.to_string())
    }

    fn parse(token: &str) -> Result<Self, Status> {
        let invalid = || {
            Status::bad_request(
                "invalid continue token: continue key is not valid: invalid character '\\u009e' looking for beginning of value",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
        let text: Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        let field = |name: &str| text.get(name).and_then(Value::as_str).ok_or_else(invalid);
        let revision: i64 = field("rv")?.parse().map_err(|_| invalid())?;
        Ok(Self {
            revision: u64::try_from(revision).unwrap_or_default(),
            after: Key::new(field("namespace")?, field("start")?),
            inconsistent: revision < 0,
        })
    }
}

/// The rules for `resourceVersionMatch`, shared with watches.
pub(crate) fn check_match(query: &Query, watch: bool) -> Result<(), Status> {
    let mut errors = FieldErrors::new();
    let version = query.get("resourceVersion");
    let initial = query.get("sendInitialEvents");
    match query.get("resourceVersionMatch") {
        None => {
            if initial.is_some() && watch {
                errors.push(FieldError::forbidden(
                    "resourceVersionMatch",
                    "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                ));
            }
        }
        Some(_) if watch && initial.is_none() => errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )),
        Some("NotOlderThan") if watch => {}
        Some(other) if watch => {
            errors.push(FieldError::forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
            if other != "Exact" {
                errors.push(FieldError::not_supported("resourceVersionMatch", other, &["NotOlderThan"]));
            }
        }
        Some(_) if version.is_none() => errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        )),
        Some("Exact") if version == Some("0") => errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        )),
        Some("Exact" | "NotOlderThan") => {}
        Some(other) => {
            errors.push(FieldError::not_supported("resourceVersionMatch", other, &["Exact", "NotOlderThan", ""]));
        }
    }
    if !watch && initial.is_some() {
        errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    errors.into_result().map_err(|errors| errors.to_status("meta.k8s.io", "ListOptions", ""))
}

/// A number in the query, with Go's words where it is none.
pub(crate) fn integer(query: &Query, name: &str) -> Result<Option<i64>, Status> {
    query
        .get(name)
        .map(|text| {
            text.parse().map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
        })
        .transpose()
}

/// Objects and the list's own metadata.
pub(crate) struct Listed {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Stored>>,
    token: Option<String>,
    remaining: Option<usize>,
}

async fn select(core: &Core, resource: &Resource, selection: &Selection, query: &Query) -> Result<Listed, Status> {
    check_match(query, false)?;
    let version = resource_version(query)?;
    let mut limit = integer(query, "limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    let namespace = selection.namespace.as_deref();
    let page = if let Some(token) = query.get("continue") {
        if version.is_some_and(|version| version != 0) {
            return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
        }
        let from = Continue::parse(token)?;
        if from.inconsistent {
            core.store.list(&resource.collection, namespace, Some(&from.after))
        } else {
            core.store.list_at(&resource.collection, namespace, Some(&from.after), from.revision).map_err(|_| {
                let mut status = Status::expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
                );
                status.continue_token = Some(Continue { inconsistent: true, ..from }.token());
                status
            })?
        }
    } else {
        let exact = query.get("resourceVersionMatch") == Some("Exact");
        if let Some(version) = version {
            reach(core, resource, version).await?;
        }
        match version {
            Some(version)
                if exact || (limit.is_some() && version > 0 && query.get("resourceVersionMatch").is_none()) =>
            {
                core.store
                    .list_at(&resource.collection, namespace, None, version)
                    .map_err(|_| Status::expired("The resourceVersion for the provided list is too old.".to_string()))?
            }
            _ => {
                if version == Some(0) {
                    limit = None;
                }
                core.store.list(&resource.collection, namespace, None)
            }
        }
    };
    let Page { revision, objects } = page;
    let mut objects = if selection.is_everything() {
        objects
    } else {
        objects.into_iter().filter(|object| selection.takes(object)).collect()
    };
    let (mut token, mut remaining) = (None, None);
    if let Some(limit) = limit
        && objects.len() > limit
    {
        remaining = selection.is_everything().then(|| objects.len() - limit);
        objects.truncate(limit);
        token = objects.last().map(|last| Continue { revision, after: last.key.clone(), inconsistent: false }.token());
    }
    Ok(Listed { revision, objects, token, remaining })
}

pub(crate) async fn list(
    core: &Core,
    resource: &Resource,
    namespace: Option<&str>,
    call: &Call,
) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT)).map_err(|status| list_not_acceptable(&status))?;
    let selection = Selection::parse(resource, namespace, &call.query)?;
    let listed = select(core, resource, &selection, &call.query).await?;
    render(core, resource, &listed, &form, call)
}

/// Lists name the forms that they have.
fn list_not_acceptable(status: &Status) -> Status {
    Status::new(
        406,
        &status.reason,
        "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
    )
    .with_details(json!({}))
}

/// A list of these objects as the client wants it.
pub(crate) fn render(
    core: &Core,
    resource: &Resource,
    listed: &Listed,
    form: &Form,
    call: &Call,
) -> Result<Reply, Status> {
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), listed.revision.to_string().into());
    if let Some(token) = &listed.token {
        metadata.insert("continue".to_owned(), token.as_str().into());
    } else if resource.custom.is_some() && form.shape == Shape::Object {
        metadata.insert("continue".to_owned(), "".into());
    }
    if let Some(remaining) = listed.remaining {
        metadata.insert("remainingItemCount".to_owned(), remaining.into());
    }
    let metadata = Value::Object(metadata);
    let views = || listed.objects.iter().map(|object| resource.view(object));
    let body = match form.shape {
        Shape::Object if !form.yaml => {
            return Ok(Reply::new(200, form.content_type, list_json(resource, listed, &metadata)));
        }
        Shape::Object => json!({
            "kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": metadata,
            "items": views().collect::<Vec<_>>(),
        }),
        Shape::Metadata => {
            return Err(negotiate::not_acceptable(&format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({})",
                go_type(resource, true)
            )));
        }
        Shape::MetadataList => {
            let items: Vec<_> = views().map(|object| metadata_only(&object)).collect();
            json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "items": if items.is_empty() { Value::Null } else { items.into() },
            })
        }
        Shape::Table => {
            let objects: Vec<_> = views().collect();
            table::of(core, resource, &objects, table::Wanted::parse(&call.query)?, &metadata)
        }
    };
    Ok(Reply::new(200, form.content_type, encode(&body, form)?))
}

/// Joins the stored bytes; items of built-in kinds come without their type, as the real server writes them.
fn list_json(resource: &Resource, listed: &Listed, metadata: &Value) -> Bytes {
    let size: usize = listed.objects.iter().map(|object| object.json.len() + 1).sum();
    let mut body = Vec::with_capacity(size + 256);
    let head = format!(
        "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{metadata},\"items\":[",
        Value::from(&*resource.list_kind),
        Value::from(resource.api_version())
    );
    body.extend_from_slice(head.as_bytes());
    for (index, object) in listed.objects.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        if resource.custom.is_none() && resource.is_stored_form(object) {
            body.push(b'{');
            body.extend_from_slice(object.untyped_rest());
        } else {
            body.extend_from_slice(&resource.json(object));
        }
    }
    body.extend_from_slice(b"]}");
    body.into()
}

/// A list of these objects, for answers that are no read.
pub(crate) fn listed(revision: u64, objects: Vec<Arc<Stored>>) -> Listed {
    Listed { revision, objects, token: None, remaining: None }
}
