//! Requests to the API server, with errors that say what failed, for which object, and whether to try again.

use filbert_plan::object::{ObjectKey, ResourceType};
use kube::Client;
use kube::core::params::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
};
use kube::core::request::Request;
use serde_json::{Value, json};

/// The field manager of finalizers.
pub const FINALIZER_MANAGER: &str = "filbert/finalizer";

/// A request that failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} {target}")]
pub struct ApiError {
    action: &'static str,
    target: String,
    #[source]
    source: Box<kube::Error>,
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// At once: somebody else was faster.
    AtOnce,
    /// After a while, longer each time.
    WithBackoff,
    /// Not until something changes: the server refuses this.
    WhenChanged,
}

impl ApiError {
    pub(crate) fn new(action: &'static str, target: &(impl ToString + ?Sized), source: kube::Error) -> Self {
        Self { action, target: target.to_string(), source: Box::new(source) }
    }

    fn code(&self) -> Option<u16> {
        match &*self.source {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        }
    }

    /// A word for metrics and events, from a closed set.
    pub fn category(&self) -> &'static str {
        category(self.code())
    }

    /// When to try again.
    pub fn retry(&self) -> Retry {
        match self.code() {
            Some(409) => Retry::AtOnce,
            Some(400 | 422) => Retry::WhenChanged,
            _ => Retry::WithBackoff,
        }
    }

    /// Whether the server says that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the server says that it changed meanwhile, or that a field belongs to another manager.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// The server's own words, or what went wrong on the way to it.
    pub fn detail(&self) -> String {
        match &*self.source {
            kube::Error::Api(status) => status.message.clone(),
            other => other.to_string(),
        }
    }
}

/// A word for what a status code says; without one the server was not reached.
pub(crate) fn category(code: Option<u16>) -> &'static str {
    match code {
        Some(403 | 401) => "forbidden",
        Some(404) => "not-found",
        Some(409) => "conflict",
        Some(422 | 400) => "refused",
        Some(429) => "throttled",
        Some(_) => "server",
        None => UNREACHABLE,
    }
}

/// Category of a request that the server did not answer.
pub const UNREACHABLE: &str = "connection";

/// An error with its causes: `a: b: c`.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some libraries repeat the cause in the text of the error.
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        Ok(())
    }
}

/// Requests for objects of any kind. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    client: Client,
}

/// The path below which objects of a type are served.
pub fn path(resource: &ResourceType, namespace: Option<&str>) -> String {
    let ResourceType { group, version, plural } = resource;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{plural}"),
    }
}

impl Api {
    /// Requests go through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn send(
        &self,
        action: &'static str,
        target: &(impl ToString + ?Sized),
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Value, ApiError> {
        let request = request.map_err(|error| ApiError::new(action, target, kube::Error::BuildRequest(error)))?;
        self.client.request(request).await.map_err(|error| ApiError::new(action, target, error))
    }

    fn request(key: &ObjectKey) -> Request {
        Request::new(path(&key.resource, key.namespace.as_deref()))
    }

    /// The object as it is stored, or nothing.
    pub async fn get(&self, key: &ObjectKey) -> Result<Option<Value>, ApiError> {
        match self.send("get", key, Self::request(key).get(&key.name, &GetParams::default())).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All objects of a type, unpaged.
    pub async fn list(&self, resource: &ResourceType, namespace: Option<&str>) -> Result<Vec<Value>, ApiError> {
        let request = Request::new(path(resource, namespace)).list(&ListParams::default());
        let mut list = self.send("list", resource, request).await?;
        Ok(match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        })
    }

    /// Creates an object.
    pub async fn create(
        &self,
        resource: &ResourceType,
        namespace: Option<&str>,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let name = filbert_plan::object::name(object).unwrap_or("?");
        let body = object.to_string().into_bytes();
        let request = Request::new(path(resource, namespace)).create(&PostParams::default(), body);
        self.send("create", &format!("{resource} {name}"), request).await
    }

    /// Creates the object of this key, its fields owned by `manager`. Where there is one of that name already, nothing happens
    /// to it and the error is a conflict: what two requests would otherwise be needed for, to look and to apply.
    pub async fn create_as(&self, key: &ObjectKey, object: &Value, manager: &str) -> Result<Value, ApiError> {
        let params = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
        let body = object.to_string().into_bytes();
        self.send("create", key, Self::request(key).create(&params, body)).await
    }

    /// Puts this in the place of what is stored, if nobody changed that since the `resourceVersion` which the object carries.
    pub async fn replace(&self, key: &ObjectKey, object: &Value) -> Result<Value, ApiError> {
        let body = object.to_string().into_bytes();
        self.send("replace", key, Self::request(key).replace(&key.name, &PostParams::default(), body)).await
    }

    /// Server-side apply. `force` takes fields over from other managers.
    pub async fn apply(&self, key: &ObjectKey, object: &Value, manager: &str, force: bool) -> Result<Value, ApiError> {
        let params = PatchParams { field_manager: Some(manager.to_owned()), force, ..PatchParams::default() };
        self.send("apply", key, Self::request(key).patch(&key.name, &params, &Patch::Apply(object))).await
    }

    /// Server-side apply that stores nothing: what the server would make of it.
    pub async fn apply_dry(&self, key: &ObjectKey, object: &Value, manager: &str) -> Result<Value, ApiError> {
        let params = PatchParams {
            field_manager: Some(manager.to_owned()),
            force: true,
            dry_run: true,
            ..PatchParams::default()
        };
        self.send("apply (dry run)", key, Self::request(key).patch(&key.name, &params, &Patch::Apply(object))).await
    }

    /// Server-side apply of the status.
    pub async fn apply_status(&self, key: &ObjectKey, object: &Value, manager: &str) -> Result<Value, ApiError> {
        let params = PatchParams { field_manager: Some(manager.to_owned()), force: true, ..PatchParams::default() };
        let request = Self::request(key).patch_subresource("status", &key.name, &params, &Patch::Apply(object));
        self.send("apply the status of", key, request).await
    }

    /// Deletes an object; already gone is as good. With a uid, only this very object.
    pub async fn delete(&self, key: &ObjectKey, uid: Option<&str>) -> Result<(), ApiError> {
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: uid.map(|uid| Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
            ..DeleteParams::default()
        };
        match self.send("delete", key, Self::request(key).delete(&key.name, &params)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sets the finalizers of an object, if nobody changed it since `resource_version`.
    pub async fn set_finalizers(
        &self,
        key: &ObjectKey,
        finalizers: &[String],
        resource_version: &str,
    ) -> Result<Value, ApiError> {
        let patch = json!({"metadata": {"resourceVersion": resource_version, "finalizers": finalizers}});
        let params = PatchParams { field_manager: Some(FINALIZER_MANAGER.to_owned()), ..PatchParams::default() };
        self.send("set the finalizers of", key, Self::request(key).patch(&key.name, &params, &Patch::Merge(&patch)))
            .await
    }

    /// Replaces the record of who manages which fields, if nobody changed the object since `resource_version`. Values stay
    /// as they are.
    pub async fn set_managed_fields(
        &self,
        key: &ObjectKey,
        entries: &[Value],
        resource_version: &str,
    ) -> Result<Value, ApiError> {
        let patch = json!({"metadata": {"resourceVersion": resource_version, "managedFields": entries}});
        let params = PatchParams { field_manager: Some("filbert/adoption".to_owned()), ..PatchParams::default() };
        let request = Self::request(key).patch(&key.name, &params, &Patch::Merge(&patch));
        self.send("take over the fields of", key, request).await
    }
}
